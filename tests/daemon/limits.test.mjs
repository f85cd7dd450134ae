// What there is a limit of: connections, of one address and in all; bytes held; memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeDirectory, Reeved, runToEnd } from "./reeved.mjs";

after(Reeved.killLeft);

const QUERY = '{"query":"{ __typename }"}';
const HEAD = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

async function makeToken() {
	const file = join(makeDirectory(), "tokens");
	const { stdout } = await runToEnd(["token", "create", "--token-file", file, "--name", "t", "--role", "viewer"]);
	return { file, token: stdout.trim() };
}

// A connection; `answer` grows, `isClosed` says when the server has closed it.
function connect(port, options = {}) {
	return new Promise((resolve) => {
		const socket = net.connect({ port, host: "127.0.0.1", ...options });
		socket.answer = "";
		socket.isClosed = false;
		socket.on("data", (text) => (socket.answer += text)).on("error", () => {}).on("close", () => {
			socket.isClosed = true;
			resolve(socket);
		}).on("connect", () => resolve(socket));
	});
}

async function metric(reeved, name) {
	const response = await reeved.fetch("/metrics");
	const text = await response.text();
	const line = new RegExp(`^${name}(?:_total)? (\\d+)$`, "m").exec(text);
	assert.ok(line, `${name} is not in the answer ${response.status}: ${text.slice(0, 300)}`);
	return Number(line[1]);
}
// A sanitizer needs memory of its own.
const residentMiB = (reeved) => process.env.REEVE_SANITIZED ? 0 : Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${reeved.child.pid}/status`, "utf8"))[1]) / 1024;

test("an address has so many connections, and no more; others are not hurt", async () => {
	const { file, token } = await makeToken();
	const reeved = await Reeved.start({ args: ["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--token-file", file,
		"--max-per-address", "5", "--threads", "1"] });
	const port = Number(reeved.events("listening")[1].address.split(":").pop());
	const ask = `${HEAD}Authorization: Bearer ${token}\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`;
	const held = [];
	for (let i = 0; i < 5; i++) {
		held.push(await connect(port));
		held[i].write(ask);
		await reeved.until("it is answered", () => held[i].answer.includes(" 200 "));
	}
	const sixth = await connect(port);
	await reeved.until("it is closed", () => sixth.isClosed);
	assert.equal(sixth.answer, "");
	assert.equal(await metric(reeved, "reeve_http_connections_refused"), 1);
	const other = await connect(port, { localAddress: "127.0.0.2" });
	other.write(ask);
	await reeved.until("another address is answered", () => other.answer.includes(" 200 "));
	held.pop().destroy();
	await reeved.until("there is room again", async () => {
		const next = await connect(port);
		next.write(ask);
		await reeved.until("it is answered or closed", () => next.isClosed || next.answer.includes(" 200 "));
		held.push(next);
		return !next.isClosed;
	});
	[...held, other].forEach((socket) => socket.destroy());
	await reeved.stop();
});

test("a full door does not shut another", async () => {
	const { file, token } = await makeToken();
	const reeved = await Reeved.start({ args: ["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--token-file", file,
		"--max-connections", "8", "--threads", "2"] });
	const port = Number(reeved.events("listening")[1].address.split(":").pop());
	const crowd = [];
	for (let i = 0; i < 40; i++)
		crowd.push(await connect(port));
	await reeved.until("the door is full", async () => (await metric(reeved, "reeve_http_connections")) >= 8);
	for (let i = 0; i < 20; i++)
		assert.equal((await reeved.graphql("{ __typename }")).status, 200);
	crowd.forEach((socket) => socket.destroy());
	const late = await connect(port);
	late.write(`${HEAD}Authorization: Bearer ${token}\r\nContent-Length: ${QUERY.length}\r\n\r\n${QUERY}`);
	await reeved.until("then there is room", () => late.answer.includes(" 200 "));
	late.destroy();
	await reeved.stop();
});

test("thousands that are slow, silent or half gone: others are served, memory is bounded", async () => {
	const reeved = await Reeved.start({ database: false, args: ["--threads", "2"] });
	const before = residentMiB(reeved);
	const starts = ["", "P", "POST /graphql HTTP/1.1\r\nHost: loc", `${HEAD}X: ${"y".repeat(8000)}`, `${HEAD}Content-Length: 100000\r\n\r\n{`,
		`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nab`];
	const crowd = [];
	for (let i = 0; i < 2400; i += 100)
		crowd.push(...await Promise.all(Array.from({ length: 100 }, () => connect(reeved.port))));
	crowd.forEach((socket, i) => socket.write(starts[i % starts.length]));
	crowd.filter((_, i) => i % 7 === 0).forEach((socket) => socket.end());
	for (let i = 0; i < 200; i++)
		assert.equal((await reeved.graphql("{ listConsumerGroups { id } }")).status, 200);
	assert.ok(await metric(reeved, "reeve_http_connections") >= 1000);
	assert.ok(residentMiB(reeved) - before < 2400 * 48 / 1024 + 16, `${before} to ${residentMiB(reeved)} MiB`);
	crowd.forEach((socket) => socket.destroy());
	await reeved.until("all are gone", async () => (await metric(reeved, "reeve_http_connections")) <= 4);
	await reeved.stop();
});

// Stopped meanwhile, the server finds the bytes and their end at once, which is one event to it.
test("a client that hangs up with its last byte is noticed at once, not at the deadline", async () => {
	const reeved = await Reeved.start({ database: false, args: ["--threads", "2"] });
	reeved.child.kill("SIGSTOP");
	const crowd = await Promise.all(Array.from({ length: 60 }, () => connect(reeved.port)));
	const starts = ["P", `${HEAD}X: y`, `${HEAD}Content-Length: 100\r\n\r\n{`, `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nab`];
	const asked = `${HEAD}Content-Length: ${QUERY.length}\r\n\r\n${QUERY}`;
	await Promise.all(crowd.map((socket, i) => new Promise((resolve) =>
		socket.end(i < 40 ? starts[i % starts.length] : asked, resolve))));
	reeved.child.kill("SIGCONT");
	await reeved.until("all are closed", () => crowd.every((socket) => socket.isClosed));
	assert.ok(crowd.slice(40).every((socket) => socket.answer.includes(" 200 ")), "what was whole is answered");
	assert.equal(await metric(reeved, "reeve_http_connections_expired"), 0);
	await reeved.stop();
});

test("bodies and answers of all together have a limit, and monitoring has its own", async () => {
	const reeved = await Reeved.start({ database: false, args: ["--threads", "2"] });
	const body = JSON.stringify({ query: "{ __typename }", pad: "x".repeat(1000000) });
	const request = `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;
	const crowd = [];
	for (let i = 0; i < 300; i++) {
		const socket = await connect(reeved.port);
		crowd.push(socket);
		await new Promise((resolve) => socket.write(request.slice(0, -1), resolve));
	}
	const held = await reeved.until("as much is held as may be", async () => {
		const bytes = await metric(reeved, "reeve_http_held_bytes");
		return bytes > 250 * 1048576 && bytes;
	});
	assert.ok(held <= 256 * 1048576, `${held}`);
	// What is left is too little for a whole body; these fill it, so that no answer of 32 KiB fits.
	const small = [];
	await reeved.until("no more is held", async () => {
		small.push(await connect(reeved.port));
		small.at(-1).write(`${HEAD}Content-Length: 30000\r\n\r\n${"x".repeat(20000)}`);
		return (await metric(reeved, "reeve_http_held_bytes")) > 256 * 1048576 - 32768;
	});
	assert.equal((await reeved.fetch("/graphql", { method: "POST", body, headers: { "Content-Type": "application/json" } })).status, 503);
	for (const path of ["/metrics", "/healthz", "/readyz"])
		assert.equal((await reeved.fetch(path)).status, 200, path);
	small.forEach((socket) => socket.destroy());
	assert.ok(residentMiB(reeved) < 256 + 64 + 300 * 48 / 1024, `${residentMiB(reeved)} MiB`);
	crowd.forEach((socket) => socket.write(request.slice(-1)));
	const unanswered = () => crowd.filter((socket) => !/HTTP\/1\.1 \d+ /.test(socket.answer));
	await reeved.until("all are answered", () => unanswered().length === 0).catch((error) => assert.fail(
		`${error}: not ${unanswered().map((s) => `${crowd.indexOf(s)}${s.isClosed ? " closed" : ""} ${s.bytesWritten} ${s.writableLength}`)}`));
	const statuses = crowd.map((socket) => /HTTP\/1\.1 (\d+) /.exec(socket.answer)[1]);
	assert.deepEqual([...new Set(statuses)].sort(), ["200", "503"]);
	assert.equal((await reeved.graphql("{ __typename }")).status, 200);
	crowd.forEach((socket) => socket.destroy());
	await reeved.until("nothing is held", async () => (await metric(reeved, "reeve_http_held_bytes")) < 65536);
	await reeved.stop();
});
