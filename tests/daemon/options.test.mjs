// The command line: what it says, and how it refuses. One clear line, exit status 2.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { makeDatabase, makeDirectory, Reeved, runToEnd } from "./reeved.mjs";

async function refused(args, pattern) {
	const { code, stdout, stderr } = await runToEnd(args);
	assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
	assert.equal(stdout, "");
	assert.match(stderr, /^reeved: [^\n]+\n$/, "one line");
	assert.match(stderr, pattern);
	assert.ok(!/TODO|\(null\)/.test(stderr));
}

test("--help and --version speak on stdout and succeed", async () => {
	for (const flag of ["--help", "-h"]) {
		const { code, stdout, stderr } = await runToEnd([flag]);
		assert.equal(code, 0);
		assert.equal(stderr, "");
		for (const option of ["--listen", "--data", "--engine", "--segment", "--threads", "--workers",
			"--cpu-slots", "--idle-timeout", "--max-subscribers", "--max-cost", "--max-seconds", "--log-level", "--version"])
			assert.ok(stdout.includes(option), option);
	}
	const { code, stdout } = await runToEnd(["--version"]);
	assert.equal(code, 0);
	assert.match(stdout, /^reeved \d+\.\d+\.\d+\n$/);
});

test("bad flags", async () => {
	const data = ["--data", join(makeDirectory(), "never")];
	for (const [args, pattern] of [
		[[], /--data DIR is missing/],
		[["--data", ""], /--data takes a path/],
		[["--data"], /--data needs a value/],
		[["--nonsense"], /no option --nonsense/],
		[["-x"], /no option -x/],
		[[...data, "stray"], /"stray" is one argument too many/],
		[[...data, "--listen", "8080"], /--listen takes ADDR:PORT or unix:PATH, not "8080"/],
		[[...data, "--listen", ":8080"], /--listen takes ADDR:PORT/],
		[[...data, "--listen", "127.0.0.1:"], /port of --listen.*""/],
		[[...data, "--listen", "127.0.0.1:65536"], /port of --listen.*65536/],
		[[...data, "--listen", "127.0.0.1:80x"], /port of --listen.*80x/],
		[[...data, "--listen", "127.0.0.1:-1"], /port of --listen.*-1/],
		[[...data, "--listen", "example.org:80"], /IPv4 address.*example\.org/],
		[[...data, "--listen", "::1:80"], /brackets.*::1/],
		[[...data, "--listen", "[::1:80"], /brackets/],
		[[...data, "--listen", "0.0.0.0:80"], /lets the network in: it needs --token-file/],
		[[...data, "--listen", "10.0.0.1:80"], /lets the network in: it needs --token-file/],
		[[...data, "--listen", "[::]:80"], /lets the network in: it needs --token-file/],
		[[...data, "--engine", "file.db"], /--engine takes sqlite:FILE, not "file\.db"/],
		[[...data, "--engine", "sqlite:"], /--engine takes sqlite:FILE/],
		[[...data, "--engine", "postgres:x"], /--engine takes sqlite:FILE/],
		[[...data, "--threads", "0"], /--threads takes a number from 1 to 64, not "0"/],
		[[...data, "--threads", "two"], /--threads.*"two"/],
		[[...data, "--threads", "65"], /--threads.*"65"/],
		[[...data, "--workers", "-5"], /--workers.*"-5"/],
		[[...data, "--cpu-slots", "99999999999999999999"], /--cpu-slots/],
		[[...data, "--max-subscribers", "0"], /--max-subscribers takes a number from 1 to 65536, not "0"/],
		[[...data, "--max-subscribers", "65537"], /--max-subscribers takes a number from 1 to 65536/],
		[[...data, "--max-cost", "99"], /--max-cost takes a number from 100 to 1000000000, not "99"/],
		[[...data, "--max-seconds", "3601"], /--max-seconds takes a number from 1 to 3600, not "3601"/],
		[[...data, "--idle-timeout", "0"], /--idle-timeout takes a number from 1 to 3600, not "0"/],
		[[...data, "--log-level", "loud"], /--log-level takes debug, info, warn or error, not "loud"/],
		[[...data, "--segment", ""], /--segment takes a path/],
	])
		await refused(args, pattern);
	assert.ok(!existsSync(data[1]), "a refused command line makes nothing");
});

/* The file of settings */

const EXAMPLE = new URL("../../packaging/reeved.conf", import.meta.url).pathname;

function config(directory, text) {
	const path = join(directory, "reeved.conf");
	writeFileSync(path, text);
	return path;
}

test("a file has every option, and what the command line gives counts instead", async () => {
	const directory = makeDirectory();
	const database = makeDatabase(directory);
	writeFileSync(join(directory, "tokens"), "", { mode: 0o600 });
	const lines = [`data = ${join(directory, "data")}`, "listen = 127.0.0.1:0", `listen=unix:${directory}/socket`,
		`segment = ${directory}/one`, `engine = sqlite:${database}`, "threads: 2", "  workers = 3 ; not many",
		"\tcpu-slots = 5\r", "idle-timeout = 61", "revisions = 7", "events = 8", "max-subscribers = 9",
		"max-cost = 1001", "max-seconds = 11", `token-file = ${directory}/tokens`, "loopback-role = viewer",
		"grant = uid:12345=viewer", "host = one.example", "host = two.example", "max-connections = 20",
		"max-per-address = 21", "audit-size = 2", "log-level = warn"];
	const { stdout } = await runToEnd(["--help"]);
	const all = stdout.match(/--[a-z-]+(?= [A-Z]| sqlite:)/g).map((option) => option.slice(2));
	for (const option of new Set(all))
		if (!["config", "tls-cert", "tls-key"].includes(option))
			assert.ok(lines.some((line) => line.trim().startsWith(option)), option);
	const path = config(directory, `# settings\n[reeved]\n; more\n\n${lines.join("\n")}`);
	const reeved = await Reeved.start({ directory: join(directory, "data"), database: false, args: ["--config", path, "--segment",
		`${directory}/two`, "--listen", "127.0.0.1:0", "--listen", `unix:${directory}/other`, "--log-level", "info", "--host", "three.example", "--loopback-role", "admin"] });
	assert.ok(existsSync(`${directory}/other`) && !existsSync(`${directory}/socket`),
		"a --listen counts instead of all of the file's");
	assert.ok(existsSync(`${directory}/two`) && !existsSync(`${directory}/one`));
	const [ready] = reeved.events("ready");
	assert.equal(ready.engine, database);
	assert.equal((await reeved.data("{ getCpuSchedulerConfig { cores } }")).getCpuSchedulerConfig.cores, 5);
	for (const [host, status] of [["three.example", 200], ["one.example", 403]])
		assert.equal(await statusOfHost(reeved.address, host), status, host);
	assert.equal((await reeved.stop()).code, 0);
});

function statusOfHost(address, host) {
	const [name, port] = [address.replace(/:\d+$/, ""), Number(address.match(/\d+$/)[0])];
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, name, () => socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
		let text = "";
		socket.on("data", (data) => { text += data; });
		socket.on("end", () => resolve(Number(text.split(" ")[1])));
		socket.on("error", reject);
	});
}

test("what is wrong in a file is told with its line", async () => {
	const directory = makeDirectory();
	const path = join(directory, "reeved.conf");
	for (const [text, line, why] of [
		["\n\nnonsense = 1\n", 3, /there is no setting "nonsense"/],
		["data = /x\nhelp = 1", 2, /there is no setting "help"/],
		["config = /x", 1, /there is no setting "config"/],
		["= 5", 1, /there is no setting ""/],
		["data = /x\n[reeved]\nworkers = many\nnonsense = 1", 3, /--workers takes a number from 1 to 4096, not "many"/],
		["# a\nworkers =", 2, /--workers takes a number from 1 to 4096, not ""/],
		["workers = 1\n\n  workers = 2", 3, /workers is set a second time/],
		["listen = 8080", 1, /--listen takes ADDR:PORT/],
		["just words", 1, /a line is name = value/],
		["data = /x\n[reeved\n", 2, /a line is name = value/],
		["[other]\ndata = /x", 2, /no section \[other\]/],
		[`data = /${"x".repeat(182)}\ndata = ${"x".repeat(184)}`, 2, /more than 190 bytes/],
		["data =", 1, /--data takes a path/],
	])
		await refused(["--config", config(directory, text)],
			new RegExp(`^reeved: ${path}:${line}: .*${why.source}`));
	await refused(["--config", config(directory, "workers = 1")], /--data DIR is missing/);
	await refused(["--config", config(directory, "listen = 0.0.0.0:80\ndata = /x")], /it needs --token-file/);
	await refused(["--config", config(directory, "x".repeat(65537))], /reeved\.conf: it has more than 65536 bytes/);
	await refused(["--config", config(directory, "data = a\0b")], /reeved\.conf: it has a byte 0/);
	await refused(["--config", join(directory, "none")], /none: No such file/);
	await refused(["--config", directory], /: Is a directory/);
	await refused(["--config"], /--config needs a value/);
	await refused(["--config", config(directory, "data = /x"), "--workers", "0"], /^reeved: --workers takes/);
	chmodSync(path, 0o646);
	await refused(["--config", path], /reeved\.conf: it can be written by others/);
	assert.equal((await runToEnd(["--config", join(directory, "none"), "--help"])).code, 0);
});

test("the example has every option, and each of its lines is good", async () => {
	const directory = makeDirectory();
	const { stdout } = await runToEnd(["--help"]);
	const text = readFileSync(EXAMPLE, "utf8");
	for (const [, option] of stdout.matchAll(/--([a-z-]+)(?= [A-Z]| sqlite:)/g))
		assert.ok(option === "config" || new RegExp(`^;?${option} = `, "m").test(text), option);
	const all = text.replace(/^;(?=[a-z-]+ = )/gm, "").replace("group:dba", "uid:1").replace(/ = \/var\/lib\/reeve/g, ` = ${directory}`);
	// all is well but that there is no network address for the certificate
	await refused(["--config", config(directory, all)], /--tls-cert is for addresses of the network/);
	await refused(["--config", config(directory, all.replace(/^tls.*$/gm, ""))], /app\.db: No such file/);
});

test("databases that cannot be used", async () => {
	const directory = makeDirectory();
	const file = (name) => join(directory, name);
	writeFileSync(file("text"), "this is not a database, but it is long enough to look like one ".repeat(20));
	const run = (path) => ["--data", directory, "--listen", "127.0.0.1:0", "--engine", `sqlite:${path}`];
	await refused(run(file("missing")), /missing: No such file/);
	await refused(run(file("text")), /text: file is not a database/);
	await refused(run(directory), /it is not a file/);
	if (process.getuid() !== 0) {
		const locked = makeDatabase(directory);
		chmodSync(locked, 0o000);
		await refused(run(locked), /test\.db/);
	}
});

test("data directories that cannot be used", async () => {
	const directory = makeDirectory();
	writeFileSync(join(directory, "file"), "");
	await refused(["--data", join(directory, "file")], /file: Not a directory|cannot write.*file/);
	await refused(["--data", join(directory, "file", "below")], /cannot make the data directory.*below: Not a directory/);
	await refused(["--data", "/proc/reeved"], /cannot make the data directory \/proc\/reeved/);
	if (process.getuid() !== 0) {
		mkdirSync(join(directory, "closed"), { mode: 0o500 });
		await refused(["--data", join(directory, "closed")], /Permission denied/);
	}
});

test("segments that cannot be used", async () => {
	const directory = makeDirectory();
	const segment = join(directory, "segment");
	const run = ["--data", directory, "--listen", "127.0.0.1:0", "--segment"];
	writeFileSync(segment, "x".repeat(65536));
	await refused([...run, segment], /segment/);
	assert.equal(readFileSync(segment, "utf8"), "x".repeat(65536), "a foreign file is left alone");
	await refused([...run, join(directory, "no", "such")], /No such file/);
	await refused([...run, directory], /directory/i);
});

test("a port in use", async () => {
	const holder = net.createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => holder.once("listening", resolve));
	const { port } = holder.address();
	await refused(["--data", makeDirectory(), "--listen", `127.0.0.1:${port}`],
		new RegExp(`127\\.0\\.0\\.1:${port}: Address already in use`));
	holder.close();
	const reeved = await Reeved.start();
	await refused(["--data", makeDirectory(), "--listen", reeved.address], /Address already in use/);
	await reeved.stop();
});

test("a data directory in use", async () => {
	const reeved = await Reeved.start();
	await refused(["--data", reeved.directory, "--listen", "127.0.0.1:0"],
		new RegExp(`in use by another reeved, process ${reeved.child.pid}`));
	assert.equal((await reeved.fetch("/healthz")).status, 200);
	await reeved.stop();
});

test("the data directory is made, with those above it; the ready line says where it listens", async () => {
	const directory = join(makeDirectory(), "a", "b");
	mkdirSync(join(directory, ".."), { recursive: true });
	const reeved = await Reeved.start({ directory, database: false });
	const [ready] = reeved.events("ready");
	assert.match(ready.address, /^127\.0\.0\.1:\d+$/);
	assert.equal(ready.level, "info");
	assert.equal(ready.pid, reeved.child.pid);
	assert.equal(ready.segment, join(directory, "reeve.segment"));
	assert.equal(ready.engine, "none");
	assert.ok(!Number.isNaN(Date.parse(ready.ts)));
	assert.ok(existsSync(join(directory, "reeve.segment")));
	const { code } = await reeved.stop();
	assert.equal(code, 0);
	for (const line of reeved.log.trimEnd().split("\n"))
		JSON.parse(line);
});

test("IPv6 loopback, another segment, CPU slots, log level", async () => {
	const segment = join(makeDirectory(), "elsewhere");
	const reeved = await Reeved.start({ args: ["--listen", "[::1]:0", "--segment", segment,
		"--cpu-slots", "3", "--log-level", "info", "--threads", "3"] });
	assert.match(reeved.address, /^\[::1\]:\d+$/);
	const data = await reeved.data("{ getCpuSchedulerConfig { cores } }");
	assert.equal(data.getCpuSchedulerConfig.cores, 3);
	assert.ok(existsSync(segment));
	assert.equal((await reeved.stop()).code, 0);
});

test("without an engine executeSql says so", async () => {
	const reeved = await Reeved.start({ database: false });
	const id = await reeved.createSession();
	const body = await reeved.sql(id, "SELECT 1");
	assert.equal(body.data.executeSql, null);
	assert.equal(body.errors[0].extensions.code, "CONFIGURATION");
	assert.match(body.errors[0].message, /--engine/);
	await reeved.stop();
});
