// Who may come in, by which door, and what for: listeners, tokens, users, certificates, roles.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import tls from "node:tls";
import { makeDirectory, Reeved, runToEnd } from "./reeved.mjs";

after(Reeved.killLeft);

const WELCOME = '{"data":{"__typename":"Query"}}';

// A file of tokens, made by the command: file, and the token of each name.
async function makeTokens(names = { ann: "admin", otto: "operator", vera: "viewer" }) {
	const file = join(makeDirectory(), "tokens");
	const tokens = { file };
	for (const [name, role] of Object.entries(names))
		tokens[name] = await createToken(file, name, role);
	return tokens;
}

async function createToken(file, name, role, ...more) {
	const { code, stdout, stderr } = await runToEnd(["token", "create", "--token-file", file, "--name", name, "--role", role, ...more]);
	assert.equal(code, 0, stderr);
	assert.match(stdout, /^reeve_[0-9a-f]{64}\n$/);
	return stdout.trim();
}

// One request, by socket path or address: { status, headers, body }.
function ask({ path = "/graphql", query = "{ __typename }", token, client = http, ...options }) {
	return new Promise((resolve, reject) => {
		const body = path === "/graphql" ? JSON.stringify({ query }) : undefined;
		const request = client.request({ method: body ? "POST" : "GET", path, agent: false, ...options,
			headers: { ...(body ? { "Content-Type": "application/json" } : {}),
				...(token ? { Authorization: `Bearer ${token}` } : {}), ...options.headers } }, (response) => {
			let text = "";
			response.on("data", (data) => (text += data))
				.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
		});
		request.on("error", reject);
		request.end(body);
	});
}
const code = (answer) => JSON.parse(answer.body).errors?.[0].extensions.code;

const CREATE = 'mutation { createConsumerGroup(name: "G") { groupId } }';
const SESSION = 'mutation { createSession(userId: 1, username: "u") { sessionId } }';

test("the network: nothing without a token, and what its role permits with one", async () => {
	const tokens = await makeTokens();
	const reeved = await Reeved.start({ args: ["--listen", "0.0.0.0:0", "--token-file", tokens.file] });
	const at = { host: "127.0.0.1", port: reeved.port };
	assert.deepEqual(reeved.events("listening").map(({ needs, encrypted, level }) => [needs, encrypted, level]),
		[["token", "no", "warn"]]);
	for (const path of ["/graphql", "/metrics", "/", "/nothing", "/api/v1/nothing"]) {
		const answer = await ask({ ...at, path });
		assert.deepEqual([answer.status, code(answer) ?? JSON.parse(answer.body).code], [401, "UNAUTHENTICATED"], path);
		assert.equal(answer.headers["www-authenticate"], 'Bearer realm="reeve"');
	}
	for (const path of ["/healthz", "/readyz"])
		assert.equal((await ask({ ...at, path })).status, 200, path);
	for (const name of ["ann", "otto", "vera"]) {
		assert.equal((await ask({ ...at, token: tokens[name] })).body, WELCOME);
		assert.equal((await ask({ ...at, token: tokens[name], path: "/metrics" })).status, 200);
	}
	// query, act, define, read the audit log
	const log = "{ listAuditEntries { id } }";
	for (const [name, ...permitted] of [["vera", false, false, false], ["otto", true, false, false], ["ann", true, true, true]]) {
		const answers = [];
		for (const query of [SESSION, CREATE, log])
			answers.push(await ask({ ...at, token: tokens[name], query }));
		assert.deepEqual(answers.map(({ status }) => status), permitted.map((yes) => (yes ? 200 : 403)), name);
		assert.deepEqual(answers.map(code), permitted.map((yes) => (yes ? undefined : "PERMISSION_DENIED")), name);
	}
	const denied = JSON.parse((await ask({ ...at, token: tokens.otto, query: CREATE })).body).errors[0];
	assert.match(denied.message, /createConsumerGroup needs the role admin, and token:otto has operator/);
	// What is permitted is done, and what is not is said within the answer.
	const mixed = await ask({ ...at, token: tokens.otto,
		query: 'mutation { createSession(userId: 1, username: "u") { sessionId } createConsumerGroup(name: "G2") { groupId } }' });
	assert.equal(mixed.status, 200);
	assert.ok(JSON.parse(mixed.body).data.createSession.sessionId > 0);
	assert.equal(code(mixed), "PERMISSION_DENIED");
	await reeved.stop();
	assert.ok(!reeved.log.includes("reeve_") && !readFileSync(join(reeved.directory, "audit.log"), "utf8").includes(tokens.ann));
});

test("wrong tokens are refused, and too many of them bar the address for a while", async () => {
	const { file, ann } = await makeTokens({ ann: "admin" });
	const reeved = await Reeved.start({ args: ["--listen", "0.0.0.0:0", "--token-file", file] });
	const at = { host: "127.0.0.1", port: reeved.port };
	const wrong = [ann.slice(0, -1), `${ann}0`, ann.replace(/.$/, (c) => (c === "0" ? "1" : "0")), ann.toUpperCase(), `reeve_${"0".repeat(64)}`];
	for (const token of wrong) {
		const answer = await ask({ ...at, token });
		assert.deepEqual([answer.status, code(answer)], [401, "UNAUTHENTICATED"], token);
		assert.match(answer.headers["www-authenticate"], /error="invalid_token"/);
	}
	for (const Authorization of ["Basic YW5uOng=", "Bearer", ann, `Token ${ann}`, " "])
		assert.equal((await ask({ ...at, headers: { Authorization } })).status, 401, Authorization);
	const barred = await ask({ ...at, token: ann });
	assert.deepEqual([barred.status, code(barred)], [429, "RESOURCE_EXHAUSTED"]);
	assert.ok(Number(barred.headers["retry-after"]) >= 1);
	// Others are not hurt, and it passes.
	assert.equal((await ask({ ...at, token: ann, localAddress: "127.0.0.2" })).status, 200);
	await reeved.until("the address may try again", async () => (await ask({ ...at, token: ann })).status === 200);
	const twice = await reeved.raw(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ann}\r\nAuthorization: Bearer ${ann}\r\n\r\n`);
	assert.match(twice, /^HTTP\/1\.1 400 /);
	assert.equal(reeved.events("token_refused").length, 10);
	await reeved.stop();
});

test("a stranger's body is thrown away, and he gets to read why", async () => {
	const { file, ann } = await makeTokens({ ann: "admin" });
	const reeved = await Reeved.start({ args: ["--listen", "0.0.0.0:0", "--token-file", file] });
	const head = (length, more = "") => `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}Content-Length: ${length}\r\n\r\n`;
	const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => Number(match[1]));
	const query = '{"query":"{ __typename }"}';
	const answer = await reeved.raw(head(3000000) + "x".repeat(3000000) +
		head(query.length, `Authorization: Bearer ${ann}\r\nConnection: close\r\n`) + query);
	assert.deepEqual(statuses(answer), [401, 200]);
	assert.deepEqual(statuses(await reeved.raw(head(100000000, "Expect: 100-continue\r\n"))), [401]);
	assert.deepEqual(statuses(await reeved.raw(head(100000000))), [401]);
	await reeved.stop();
});

test("tokens: made, listed, revoked and expired while it runs", async () => {
	const { file, ann } = await makeTokens({ ann: "admin" });
	const reeved = await Reeved.start({ args: ["--listen", "0.0.0.0:0", "--token-file", file] });
	const at = { host: "127.0.0.1", port: reeved.port };
	const status = async (token) => (await ask({ ...at, token })).status;
	assert.equal(await status(ann), 200);
	const bob = await createToken(file, "bob", "viewer", "--expires", "30");
	await reeved.until("the new one is known", async () => reeved.events("tokens_loaded").length === 1);
	assert.equal(await status(bob), 200);
	let listed = (await runToEnd(["token", "list", "--token-file", file])).stdout;
	assert.match(listed, /^ann +admin +\d{4}-\S+Z +never/m);
	assert.match(listed, /^bob +viewer +\d{4}-\S+Z +\d{4}-\S+Z/m);
	assert.ok(!listed.includes("reeve_"));
	const { code: status0 } = await runToEnd(["token", "revoke", "--token-file", file, "--name", "ann"]);
	assert.equal(status0, 0);
	await reeved.until("the revoked one is not", async () => reeved.events("tokens_loaded").length === 2);
	assert.equal(await status(ann), 401);
	assert.equal(await status(bob), 200);
	// A file that makes no sense changes nothing; one that is gone lets nobody in.
	const good = readFileSync(file, "utf8");
	writeFileSync(file, `${good}nonsense\n`);
	await reeved.until("it is noticed", async () => reeved.events("tokens_unreadable").length === 1);
	assert.match(reeved.events("tokens_unreadable")[0].reason, /tokens, line \d+: a line has five fields/);
	assert.equal(await status(bob), 200);
	writeFileSync(file, good.replace(/\S+Z\n$/, "2001-01-01T00:00:00Z\n"));
	await reeved.until("it is read", async () => reeved.events("tokens_loaded").length === 3);
	const expired = await ask({ ...at, token: bob });
	assert.equal(expired.status, 401);
	assert.match(expired.body, /expired/);
	execFileSync("rm", [file]);
	await reeved.until("it is missed", async () => reeved.events("tokens_loaded").length === 4);
	assert.equal(await status(bob), 401);
	writeFileSync(file, good, { mode: 0o600 });
	await reeved.until("it is back", async () => reeved.events("tokens_loaded").length === 5);
	assert.equal(await status(bob), 200);
	await reeved.stop();
	listed = (await runToEnd(["token", "list", "--token-file", file])).stdout;
	assert.match(listed, /^bob +viewer +\S+Z +\S+Z +\d{4}-\S+Z/m, "last use is kept");
});

test("the token command refuses what is not right, and changes nothing then", async () => {
	const { file } = await makeTokens({ ann: "admin" });
	const before = readFileSync(file, "utf8");
	assert.ok(!before.includes("reeve_"), "a token is kept nowhere");
	assert.equal(statSync(file).mode & 0o777, 0o600);
	const flags = (verb, ...rest) => ["token", verb, "--token-file", file, ...rest];
	for (const [args, pattern] of [
		[["token"], /create, list or revoke/], [["token", "make"], /create, list or revoke/],
		[["token", "create", "--name", "x", "--role", "admin"], /--token-file FILE is missing/],
		[flags("create", "--role", "admin"), /--name takes/], [flags("create", "--name", "a b", "--role", "admin"), /--name takes/],
		[flags("create", "--name", "x".repeat(65), "--role", "admin"), /--name takes/],
		[flags("create", "--name", "x"), /--role takes viewer, operator or admin/],
		[flags("create", "--name", "x", "--role", "none"), /--role takes.*"none"/],
		[flags("create", "--name", "x", "--role", "root"), /--role takes.*"root"/],
		[flags("create", "--name", "x", "--role", "admin", "--expires", "0"), /--expires takes 1 to 36500/],
		[flags("create", "--name", "x", "--role", "admin", "--expires", "1d"), /--expires takes/],
		[flags("create", "--name", "ann", "--role", "admin"), /there is a token ann/],
		[flags("revoke", "--name", "bob"), /there is no token bob/], [flags("revoke"), /--name takes/],
		[flags("list", "stray"), /an option is wrong/], [flags("list", "--nonsense", "x"), /an option is wrong/],
		[["token", "list", "--token-file", `${file}.no`], /cannot read the tokens/],
	]) {
		const { code: status, stdout, stderr } = await runToEnd(args);
		assert.deepEqual([status, stdout], [2, ""], args.join(" "));
		assert.match(stderr, /^reeved token: [^\n]+\n$/);
		assert.match(stderr, pattern);
	}
	assert.equal(readFileSync(file, "utf8"), before);
});

test("bad files of tokens keep it from starting", async () => {
	const { file } = await makeTokens({ ann: "admin" });
	const good = readFileSync(file, "utf8");
	const run = ["--data", makeDirectory(), "--listen", "0.0.0.0:0", "--token-file", file];
	const line = good.trim().split("\n").pop().split(" ");
	const changed = (at, text) => [...line.slice(0, at), text, ...line.slice(at + 1)].join(" ") + "\n";
	for (const [text, pattern] of [
		[changed(0, "a/b"), /line 1: a name/], [changed(1, "none"), /a role is/], [changed(1, "Admin"), /a role is/],
		[changed(2, line[2].toUpperCase().replace(/^./, "G")), /a hash is/], [changed(2, line[2].slice(1)), /a hash is/],
		[changed(3, "yesterday"), /a time is like/], [changed(4, "2026-13-01T00:00:00Z"), /expires at a time/],
		[good + line.join(" ") + "\n", /a name is there twice/], ["x".repeat(600) + "\n", /too long/],
		["\0\0\0\n", null], [`${line.join(" ")} more\n`, /five fields/],
	]) {
		writeFileSync(file, text);
		if (pattern === null)
			continue;
		const { code: status, stderr } = await runToEnd(run);
		assert.equal(status, 2, text);
		assert.match(stderr, pattern);
	}
	writeFileSync(file, good);
	for (const mode of [0o644, 0o660, 0o604]) {
		chmodSync(file, mode);
		assert.match((await runToEnd(run)).stderr, /chmod g-w,o= it/);
	}
	assert.match((await runToEnd(["--data", makeDirectory(), "--listen", "0.0.0.0:0", "--token-file", makeDirectory()])).stderr, /is not a file|Is a directory/);
});

test("options that do not fit together", async () => {
	const { file } = await makeTokens({ ann: "admin" });
	const data = ["--data", join(makeDirectory(), "never")];
	const unix = `unix:${join(makeDirectory(), "s")}`;
	for (const [args, pattern] of [
		[["--listen", "0.0.0.0:0"], /needs --token-file/],
		[["--tls-cert", file], /both, or none/], [["--tls-key", file], /both, or none/],
		[["--tls-cert", file, "--tls-key", file], /addresses of the network/],
		[["--loopback-role", "none"], /lets nobody in without --token-file/], [["--loopback-role", "god"], /--loopback-role takes/],
		[["--grant", "uid:1=viewer"], /--grant is for Unix sockets/],
		[["--listen", "unix:relative"], /absolute path/], [["--listen", `unix:/${"x".repeat(120)}`], /absolute path of at most 107 bytes/],
		...["uid=viewer", "uid:1", "uid:x=viewer", "uid:1=none", "uid:1=god", "uid:4294967295=viewer", "who:1=viewer", ""].map((grant) =>
			[["--listen", unix, "--grant", grant], /--grant takes|there is no user/]),
		[["--listen", unix, "--grant", "user:no such one=viewer"], /there is no user "no such one"/],
		[["--listen", unix, "--grant", "group:no such one=viewer"], /there is no group/],
		[["--host", "a:80"], /--host takes a name/], [["--host", ""], /--host takes a name/],
		[["--max-connections", "0"], /--max-connections/], [["--audit-size", "0"], /--audit-size/],
		[Array.from({ length: 9 }, () => ["--listen", "127.0.0.1:0"]).flat(), /can be given 8 times/],
	]) {
		const { code: status, stderr } = await runToEnd([...data, ...args]);
		assert.equal(status, 2, args.join(" "));
		assert.match(stderr, /^reeved: [^\n]+\n$/);
		assert.match(stderr, pattern, args.join(" "));
	}
	assert.ok(!existsSync(data[1]));
});

test("loopback by token only, or with a lesser role", async () => {
	const { file, vera } = await makeTokens();
	let reeved = await Reeved.start({ args: ["--token-file", file, "--loopback-role", "none"] });
	assert.equal(reeved.events("listening")[0].needs, "token");
	assert.equal((await reeved.graphql("{ __typename }")).status, 401);
	assert.equal((await ask({ host: "127.0.0.1", port: reeved.port, token: vera })).status, 200);
	await reeved.stop();
	reeved = await Reeved.start({ args: ["--loopback-role", "viewer"] });
	assert.equal((await reeved.graphql("{ __typename }")).status, 200);
	const { status, body } = await reeved.graphql(SESSION);
	assert.deepEqual([status, body.errors[0].extensions.code], [403, "PERMISSION_DENIED"]);
	assert.equal((await reeved.fetch("/api/v1/groups")).status, 200);
	const rest = await reeved.fetch("/api/v1/groups", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"name":"G"}' });
	assert.deepEqual([rest.status, (await rest.json()).code], [403, "PERMISSION_DENIED"]);
	// A token that is none is refused even where none is needed.
	assert.equal((await ask({ host: "127.0.0.1", port: reeved.port, token: vera })).status, 401);
	await reeved.stop();
});

test("Unix sockets: the kernel says who it is; files of the dead are removed, others are not", async () => {
	const directory = makeDirectory();
	const socketPath = join(directory, "socket");
	const reeved = await Reeved.start({ directory, args: ["--listen", "127.0.0.1:0", "--listen", `unix:${socketPath}`] });
	assert.deepEqual(reeved.events("listening").map(({ needs }) => needs), ["nothing", "user"]);
	assert.equal(statSync(socketPath).mode & 0o777, 0o660);
	assert.equal((await ask({ socketPath, query: CREATE })).status, 200);
	assert.equal((await reeved.graphql("{ __typename }")).status, 200, "the other door is open as well");
	const { listAuditEntries: [entry] } = await reeved.data("{ listAuditEntries { who role from } }");
	assert.deepEqual(entry, { who: `uid:${process.getuid()}`, role: "admin", from: "unix" });
	assert.equal((await ask({ socketPath, headers: { Host: "example.org" } })).status, 403);
	const again = (path) => runToEnd(["--data", makeDirectory(), "--listen", `unix:${path}`]);
	assert.match((await again(socketPath)).stderr, /another process listens there/);
	await reeved.signal("SIGKILL");
	assert.ok(existsSync(socketPath));
	const next = await Reeved.start({ directory, args: ["--listen", "127.0.0.1:0", "--listen", `unix:${socketPath}`] });
	assert.equal((await ask({ socketPath })).status, 200);
	await next.stop();
	assert.ok(!existsSync(socketPath), "its own file goes with it");
	writeFileSync(socketPath, "mine");
	assert.match((await again(socketPath)).stderr, /a file that is no socket/);
	assert.equal(readFileSync(socketPath, "utf8"), "mine");
	assert.match((await again(join(directory, "no", "socket"))).stderr, /No such file/);
});

// Only root can be somebody else.
test("Unix sockets: other users have what was granted", { skip: process.getuid() !== 0 }, async () => {
	const directory = makeDirectory();
	const socketPath = join(directory, "socket");
	execFileSync("chmod", ["755", directory]);
	const reeved = await Reeved.start({ args: ["--listen", "127.0.0.1:0", "--listen", `unix:${socketPath}`,
		"--grant", "uid:54321=viewer", "--grant", "gid:54399=operator"] });
	chmodSync(socketPath, 0o666);
	const as = (uid, gid, query) => JSON.parse(execFileSync(process.execPath, ["-e", `
		process.setgroups([]); process.setgid(${gid}); process.setuid(${uid});
		const body = JSON.stringify({ query: ${JSON.stringify(query)} });
		const request = require("node:http").request({ socketPath: ${JSON.stringify(socketPath)}, path: "/graphql", method: "POST",
			headers: { "Content-Type": "application/json" } }, (response) => {
			response.resume().on("end", () => console.log(JSON.stringify(response.statusCode)));
		});
		request.end(body);`]).toString());
	assert.equal(as(54322, 54322, "{ __typename }"), 403);
	assert.equal(as(54321, 54321, "{ __typename }"), 200);
	assert.equal(as(54321, 54321, SESSION), 403);
	assert.equal(as(54321, 54399, SESSION), 200, "the stronger of two");
	assert.equal(as(54322, 54399, CREATE), 403);
	const [refused] = await reeved.until("it is said", () => reeved.events("peer_refused").length > 0 && reeved.events("peer_refused"));
	assert.equal(refused.uid, 54322);
	await reeved.stop();
});

function makeCertificate(directory, name, ...more) {
	const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
		"-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name},IP:127.0.0.1`, "-days", "2", ...more], { stdio: "ignore" });
	chmodSync(key, 0o600);
	return { cert, key };
}

test("TLS: encrypted, replaced on SIGHUP, nothing below 1.2, no plain text", async () => {
	const directory = makeDirectory();
	const [one, two] = ["one", "two"].map((name) => makeCertificate(directory, name));
	const { file, ann } = await makeTokens({ ann: "admin" });
	const [cert, key] = [join(directory, "cert"), join(directory, "key")];
	const install = (pair) => {
		writeFileSync(cert, readFileSync(pair.cert));
		writeFileSync(key, readFileSync(pair.key), { mode: 0o600 });
	};
	install(one);
	const reeved = await Reeved.start({ args: ["--listen", "0.0.0.0:0", "--listen", "127.0.0.1:0", "--token-file", file,
		"--tls-cert", cert, "--tls-key", key, "--host", "one"] });
	assert.deepEqual(reeved.events("listening").map(({ encrypted }) => encrypted), ["yes", "no"]);
	const at = { client: https, host: "127.0.0.1", port: reeved.port, token: ann };
	assert.equal((await ask({ ...at, ca: readFileSync(one.cert) })).body, WELCOME);
	assert.equal((await ask({ ...at, ca: readFileSync(one.cert), servername: "one", headers: { Host: `one:${reeved.port}`, Origin: `https://one:${reeved.port}` } })).status, 200);
	assert.equal((await ask({ ...at, ca: readFileSync(one.cert), servername: "one", headers: { Host: "evil.example.org" } })).status, 403);
	assert.equal((await ask({ ...at, ca: readFileSync(one.cert), headers: { Origin: `http://127.0.0.1:${reeved.port}` } })).status, 403);
	await assert.rejects(ask({ ...at, ca: readFileSync(two.cert) }), /self-signed|certificate/);
	await assert.rejects(ask({ ...at, ca: readFileSync(one.cert), minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }));
	const plain = await reeved.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert.ok(!plain.includes("HTTP/1.1 200"), plain);
	// A large answer, and a request that waits for a worker.
	const session = JSON.parse((await ask({ ...at, ca: readFileSync(one.cert), query: SESSION })).body).data.createSession.sessionId;
	const large = await ask({ ...at, ca: readFileSync(one.cert),
		query: `mutation { executeSql(sessionId: ${session}, sql: "SELECT hex(zeroblob(1000000))") { rows } }` });
	assert.ok(large.body.length > 2000000);

	install(two);
	reeved.child.kill("SIGHUP");
	await reeved.until("it is replaced", () => reeved.events("reloaded").length === 1);
	assert.equal((await ask({ ...at, ca: readFileSync(two.cert), servername: "two" })).status, 200);
	// What is wrong is said, and changes nothing.
	writeFileSync(key, readFileSync(one.key));
	reeved.child.kill("SIGHUP");
	await reeved.until("it is refused", () => reeved.events("reload_failed").length === 1);
	assert.match(reeved.events("reload_failed")[0].reason, /is not the one of the certificate/);
	assert.equal((await ask({ ...at, ca: readFileSync(two.cert), servername: "two" })).status, 200);
	// A client that never says hello is no trouble for others.
	const silent = net.connect(reeved.port, "127.0.0.1").on("error", () => {});
	const garbage = net.connect(reeved.port, "127.0.0.1").on("error", () => {});
	garbage.write("\x16\x03\x01\xff\xff" + "x".repeat(1000));
	assert.equal((await ask({ ...at, ca: readFileSync(two.cert), servername: "two" })).status, 200);
	const socket = tls.connect({ port: reeved.port, host: "127.0.0.1", ca: readFileSync(two.cert), servername: "two" });
	await new Promise((resolve) => socket.once("secureConnect", resolve));
	assert.equal(socket.getProtocol(), "TLSv1.3");
	for (const each of [silent, garbage, socket])
		each.destroy();
	await reeved.stop();
});

test("certificates and keys that cannot be used", async () => {
	const directory = makeDirectory();
	const [one, two] = ["one", "two"].map((name) => makeCertificate(directory, name));
	const { file } = await makeTokens({ ann: "admin" });
	const run = (cert, key) => runToEnd(["--data", makeDirectory(), "--listen", "0.0.0.0:0", "--token-file", file, "--tls-cert", cert, "--tls-key", key]);
	const open = join(directory, "open.key");
	writeFileSync(open, readFileSync(one.key), { mode: 0o644 });
	const old = { cert: join(directory, "old.crt"), key: one.key };
	execFileSync("openssl", ["req", "-new", "-key", one.key, "-subj", "/CN=old", "-out", join(directory, "old.csr")], { stdio: "ignore" });
	execFileSync("openssl", ["x509", "-req", "-in", join(directory, "old.csr"), "-signkey", one.key, "-days", "-1", "-out", old.cert], { stdio: "ignore" });
	for (const [cert, key, pattern] of [
		[one.cert, two.key, /is not the one of the certificate/], [file, one.key, /certificate .* cannot be loaded/],
		[join(directory, "no"), one.key, /cannot be loaded/], [one.cert, join(directory, "no"), /No such file/],
		[one.cert, one.cert, /chmod o=|cannot be loaded/], [one.cert, open, /can be read or written by everybody/],
		[old.cert, old.key, /has expired/],
	]) {
		const { code: status, stderr } = await run(cert, key);
		assert.equal(status, 2, stderr);
		assert.match(stderr, pattern);
	}
});

test("a token is not in the process's arguments, environment or files", async () => {
	const { file, ann } = await makeTokens({ ann: "admin" });
	const directory = makeDirectory();
	const reeved = await Reeved.start({ directory, args: ["--listen", "0.0.0.0:0", "--token-file", file, "--log-level", "debug"] });
	assert.equal((await ask({ host: "127.0.0.1", port: reeved.port, token: ann, query: CREATE })).status, 200);
	const of = (name) => readFileSync(`/proc/${reeved.child.pid}/${name}`, "utf8");
	assert.ok(!of("cmdline").includes(ann) && !of("environ").includes(ann));
	await reeved.stop();
	for (const text of [reeved.log, readFileSync(file, "utf8"), readFileSync(`${file}.used`, "utf8"),
		readFileSync(join(directory, "audit.log"), "utf8")])
		assert.ok(!text.includes(ann.slice("reeve_".length)));
});
