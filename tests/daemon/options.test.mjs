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
