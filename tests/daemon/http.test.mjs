// The HTTP door: crafted requests over raw sockets, limits, and who may come in.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { ENDLESS, Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start({ args: ["--threads", "2"] })));
after(() => reeved.stop());

const QUERY = '{"query":"{ __typename }"}';
const ANSWER = '{"data":{"__typename":"Query"}}';

// Status codes of all answers in what came back, in order.
const statuses = (answer) => [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map((match) => Number(match[1]));

const request = ({ line = "POST /graphql HTTP/1.1", headers = [], body = QUERY, host = true,
	length = true, type = true } = {}) => [line,
	...(host ? ["Host: localhost"] : []),
	...(type ? ["Content-Type: application/json"] : []),
	...(length ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
	...headers, "", body].join("\r\n");

test("a good request, sent whole, in pieces, and twice on one connection", async () => {
	const close = "Connection: close";
	let answer = await reeved.raw(request({ headers: [close] }));
	assert.deepEqual(statuses(answer), [200]);
	assert.ok(answer.endsWith(ANSWER), answer);
	answer = await reeved.raw(request() + request({ headers: [close] }));
	assert.deepEqual(statuses(answer), [200, 200]);
	const chunked = request({ length: false, headers: ["Transfer-Encoding: chunked", close],
		body: `5\r\n${QUERY.slice(0, 5)}\r\n${(QUERY.length - 5).toString(16)}\r\n${QUERY.slice(5)}\r\n0\r\n\r\n` });
	answer = await reeved.raw(chunked);
	assert.deepEqual(statuses(answer), [200]);
	assert.ok(answer.endsWith(ANSWER), answer);
	const pieces = await new Promise((resolve, reject) => {
		const socket = net.connect(reeved.port, "127.0.0.1");
		let text = "";
		socket.setNoDelay(true);
		socket.on("data", (data) => (text += data)).on("close", () => resolve(text)).on("error", reject);
		const bytes = request({ headers: [close] });
		let at = 0;
		const next = () => at < bytes.length && socket.write(bytes[at++], () => setImmediate(next));
		socket.on("connect", next);
	});
	assert.deepEqual(statuses(pieces), [200]);
	// Blanks where they may be, none where they need not be, a long head, and one after an empty line.
	for (const header of ["X:", "X: ", "X:\t y", "X:y", "Cookie: a=b; c=d", `X: ${"y".repeat(20000)}`])
		assert.deepEqual(statuses(await reeved.raw(request({ headers: [header, close] }))), [200], header.slice(0, 20));
	assert.deepEqual(statuses(await reeved.raw("\r\n" + request({ headers: [close] }))), [200]);
});

// Each of these must be answered by one 400 and a closed connection, whatever follows it.
const SMUGGLED = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
const AMBIGUOUS = {
	"Content-Length and Transfer-Encoding": request({ headers: ["Transfer-Encoding: chunked"] }),
	"Transfer-Encoding and Content-Length": request({ length: false,
		headers: ["Transfer-Encoding: chunked", "Content-Length: 4"], body: "0\r\n\r\n" }),
	"two equal Content-Lengths": request({ headers: [`Content-Length: ${QUERY.length}`] }),
	"two different Content-Lengths": request({ headers: ["Content-Length: 3"] }),
	"an unknown encoding": request({ length: false, headers: ["Transfer-Encoding: xchunked"] }),
	"encodings in a row": request({ length: false, headers: ["Transfer-Encoding: gzip, chunked"] }),
	"Transfer-Encoding twice": request({ length: false, headers: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], body: "0\r\n\r\n" }),
	"chunked on HTTP/1.0": request({ line: "POST /graphql HTTP/1.0", length: false, headers: ["Transfer-Encoding: chunked"], body: "0\r\n\r\n" }),
	"two Hosts": request({ headers: ["Host: localhost"] }),
	"no Host": request({ host: false }),
	"no Host on HTTP/1.0": request({ line: "POST /graphql HTTP/1.0", host: false }),
	"a space before the colon": request({ headers: ["Content-Length : 5"] }),
	"a space in a name": request({ headers: ["X Y: z"] }),
	"a bracket in a name": request({ headers: ["X(Y): z"] }),
	"a control byte in a value": request({ headers: ["X: a\x01b"] }),
	"a delete byte in a value": request({ headers: ["X: a\x7fb"] }),
	"an absolute target": request({ line: "POST http://localhost/graphql HTTP/1.1" }),
	"an asterisk": request({ line: "OPTIONS * HTTP/1.1", length: false, body: "" }),
	"a space in the target": request({ line: "GET /a b HTTP/1.1", length: false, body: "" }),
	"a bare LF after a header": request().replace("localhost\r\n", "localhost\n"),
	"a bare LF after the request line": request().replace("1.1\r\n", "1.1\n"),
	"bare LFs throughout": request().replaceAll("\r\n", "\n"),
	"a bare LF before the empty line": request({ headers: ["X: y"] }).replace("y\r\n\r\n", "y\n\r\n"),
	"a bare LF for the empty line": request({ headers: ["X: y"] }).replace("y\r\n\r\n", "y\r\n\n"),
	"a bare CR that hides a header": request({ line: "GET /healthz HTTP/1.1", length: false, body: "", headers: ["X: y\rContent-Length: 44"] }),
	"a NUL in a value": request({ headers: ["X: a\0b"] }),
	"a NUL that hides the end of a name of a host": request({ host: false, headers: ["Host: localhost\0.example.org"] }),
	"a NUL at the end of a value": request({ headers: ["X: a\0"] }),
	"a NUL in a name": request({ headers: ["X\0Y: a"] }),
	"a NUL in the target": request({ line: "POST /graphql\0x HTTP/1.1" }),
	"a folded line": request({ headers: ["X: a\r\n b"] }),
	"a folded line with a tab": request({ headers: ["X: a\r\n\tContent-Length: 5"] }),
	"a folded line that is the first": request({ host: false, headers: [" X: a", "Host: localhost"] }),
	"two blanks in the request line": request({ line: "POST  /graphql HTTP/1.1" }),
	"two kinds of credentials": request({ headers: ["Authorization: Bearer a", "Authorization: Bearer b"] }),
	"two Content-Types": request({ headers: ["Content-Type: application/json"] }),
	"a control byte in the target": request({ line: "GET /\x01 HTTP/1.1", length: false, body: "" }),
};
for (const [name, bytes] of Object.entries(AMBIGUOUS)) {
	test(`refused and closed: ${name}`, async () => {
		const answer = await reeved.raw(bytes + SMUGGLED);
		assert.deepEqual(statuses(answer), [400], answer);
		assert.ok(!answer.includes("reeve_build"), "what followed was not read as a request");
	});
}

// libmicrohttpd refuses these by itself, and 0.9.75 writes the head of its answer twice.
const MALFORMED = {
	"a list of lengths": request({ length: false, headers: ["Content-Length: 26, 26"] }),
	"a signed length": request({ length: false, headers: [`Content-Length: +${QUERY.length}`] }),
	"a negative length": request({ length: false, headers: ["Content-Length: -1"] }),
	"a hexadecimal length": request({ length: false, headers: ["Content-Length: 0x1a"] }),
	"a length beyond 64 bits": request({ length: false, headers: ["Content-Length: 99999999999999999999999"] }),
	"an empty length": request({ length: false, headers: ["Content-Length: "] }),
};
for (const [name, bytes] of Object.entries(MALFORMED)) {
	test(`refused by the library and closed: ${name}`, async () => {
		const answer = await reeved.raw(bytes + SMUGGLED);
		assert.ok([400, 413].includes(statuses(answer)[0]), answer);
		assert.equal(new Set(statuses(answer)).size, 1, answer);
		assert.ok(!answer.includes("reeve_build"), "what followed was not read as a request");
	});
}

for (const [name, bytes] of Object.entries({
	"another version": request({ line: "POST /graphql HTTP/1.2" }),
	"version 2": request({ line: "POST /graphql HTTP/2.0" }),
	"no version": "GET /graphql\r\n\r\n",
	"not HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	"a header without a colon": request({ headers: ["nonsense"] }),
	"a bad chunk size": request({ length: false, headers: ["Transfer-Encoding: chunked"], body: "zz\r\nabc\r\n0\r\n\r\n" }),
	"a chunk size beyond 64 bits": request({ length: false, headers: ["Transfer-Encoding: chunked"], body: "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n" }),
})) {
	test(`no success, and closed: ${name}`, async () => {
		const answer = await reeved.raw(bytes);
		assert.ok(statuses(answer).every((status) => status >= 400), answer);
		assert.ok(!answer.includes(ANSWER));
	});
}

test("a body that is too large is refused, and the client gets to read it", async () => {
	const large = JSON.stringify({ query: "#".repeat(1100000) });
	const response = await reeved.fetch("/graphql", { method: "POST", headers: { "Content-Type": "application/json" }, body: large });
	assert.equal(response.status, 413);
	assert.equal((await response.json()).errors[0].extensions.code, "RESOURCE_EXHAUSTED");
	const chunk = "x".repeat(65536);
	let answer = await reeved.raw(request({ length: false, headers: ["Transfer-Encoding: chunked", "Connection: close"],
		body: `10000\r\n${chunk}\r\n`.repeat(20) + "0\r\n\r\n" }));
	assert.deepEqual(statuses(answer), [413]);
	answer = await reeved.raw(request({ length: false, body: "", headers: ["Content-Length: 99999999999"] }));
	assert.deepEqual(statuses(answer), [413]);
	answer = await reeved.raw(request({ length: false, body: "", headers: ["Content-Length: 2000000", "Expect: 100-continue"] }));
	assert.deepEqual(statuses(answer), [413], "no invitation to send it");
	const edge = JSON.stringify({ query: "{ __typename }", pad: "x".repeat(1048576 - 35) });
	assert.equal(edge.length, 1048576);
	const allowed = await reeved.fetch("/graphql", { method: "POST", headers: { "Content-Type": "application/json" }, body: edge });
	assert.notEqual(allowed.status, 413);
});

test("headers that are too large are refused", async () => {
	for (const bytes of [request({ headers: [`X: ${"y".repeat(40000)}`] }),
		request({ headers: Array.from({ length: 4000 }, (_, i) => `X${i}: y`) }),
		request({ line: `GET /${"a".repeat(40000)} HTTP/1.1`, length: false, body: "" })]) {
		const answer = await reeved.raw(bytes);
		assert.ok(statuses(answer).every((status) => [400, 413, 414, 431].includes(status)), answer.slice(0, 200));
	}
});

test("other Host names are refused", async () => {
	for (const host of ["example.org", "localhost.example.org", "127.0.0.1.nip.io", "10.0.0.1", ""])
		assert.deepEqual(statuses(await reeved.raw(request({ host: false, headers: [`Host: ${host}`] }))), [403], host);
	for (const host of ["localhost", "LOCALHOST:9", "127.0.0.1:80", "[::1]:8080"])
		assert.deepEqual(statuses(await reeved.raw(request({ host: false, headers: [`Host: ${host}`, "Connection: close"] }))), [200], host);
});

test("pages of other sites are refused, and change nothing", async () => {
	const mutation = '{"query":"mutation { createConsumerGroup(name: \\"EVIL\\") { groupId } }"}';
	for (const header of ["Origin: http://example.org", "Origin: null", "Origin: http://localhost:3000",
		"Origin: https://localhost", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"]) {
		const answer = await reeved.raw(request({ headers: [header], body: mutation }));
		assert.deepEqual(statuses(answer), [403], header);
	}
	const get = await reeved.raw(request({ line: "GET /graphql?query=%7Bx%7D HTTP/1.1", length: false, body: "",
		headers: ["Origin: http://example.org"] }));
	assert.deepEqual(statuses(get), [403]);
	const own = await reeved.raw(request({ headers: ["Origin: http://localhost", "Connection: close"] }));
	assert.deepEqual(statuses(own), [200]);
	assert.equal(await reeved.failure('{ getConsumerGroupByName(name: "EVIL") { id } }'), "NOT_FOUND");
});

test("a form of another site is not GraphQL", async () => {
	const answer = await reeved.raw(request({ type: false, headers: ["Content-Type: text/plain", "Connection: close"] }));
	assert.deepEqual(statuses(answer), [415]);
});

test("paths and methods", async () => {
	const get = async (path, options) => {
		const response = await reeved.fetch(path, options);
		return [response.status, response.headers.get("content-type"), await response.text(), response];
	};
	const [status, type, text] = await get("/");
	assert.deepEqual([status, type], [200, "text/plain; charset=utf-8"]);
	for (const path of ["/graphql", "/metrics", "/healthz", "/readyz"])
		assert.ok(text.includes(path));
	assert.deepEqual((await get("/healthz")).slice(0, 3), [200, "application/json; charset=utf-8", '{"status":"ok"}\n']);
	assert.deepEqual((await get("/readyz")).slice(0, 3), [200, "application/json; charset=utf-8", '{"status":"ready"}\n']);
	for (const path of ["/nothing", "/graphql/", "/metrics2", "/%2e%2e/etc/passwd", "/graphql%00", "//"]) {
		const [code, kind, body] = await get(path);
		assert.deepEqual([code, kind], [404, "application/json; charset=utf-8"], path);
		assert.equal(JSON.parse(body).errors[0].extensions.code, "NOT_FOUND");
	}
	const [refused, , , response] = await get("/metrics", { method: "DELETE" });
	assert.equal(refused, 405);
	assert.equal(response.headers.get("allow"), "GET, HEAD");
	const head = await reeved.fetch("/healthz", { method: "HEAD" });
	assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "16", ""]);
	for (const name of ["cache-control", "x-content-type-options"])
		assert.ok(response.headers.get(name), name);
});

test("GraphQL by GET: queries, no mutations, no subscriptions", async () => {
	const get = (query, accept = "application/json") => reeved.fetch(`/graphql?query=${encodeURIComponent(query)}`,
		{ headers: { Accept: accept } });
	assert.equal(await (await get("{ __typename }")).text(), ANSWER);
	assert.equal((await get('mutation { createConsumerGroup(name: "G") { groupId } }')).status, 405);
	assert.equal((await reeved.fetch("/graphql?query=%zz")).status, 400);
	assert.equal((await reeved.fetch("/graphql?query=a&query=b")).status, 400);
	assert.equal((await reeved.fetch("/graphql")).status, 400);
});

test("clients that are slow, or idle, are closed; others are served meanwhile", async () => {
	const quick = await Reeved.start({ args: ["--idle-timeout", "1"] });
	const head = request().slice(0, -QUERY.length);
	const closed = (first, more) => new Promise((resolve, reject) => {
		const socket = net.connect(quick.port, "127.0.0.1");
		let timer = null;
		socket.on("connect", () => {
			socket.write(first);
			timer = more && setInterval(() => socket.write(more), 100);
		}).on("data", () => {}).on("error", () => {}).on("close", () => {
			clearInterval(timer);
			resolve();
		});
		setTimeout(() => reject(new Error(`still open: ${first.slice(-40)}`)), 20000).unref();
	});
	const slow = Promise.all([
		closed("POST /graphql HTTP/1.1\r\nHost: loc"), // stops within its headers
		closed("POST /graphql HTTP/1.1\r\nX: ", "y"), // drips them
		closed(head + QUERY.slice(0, 5)), // stops within its body
		closed(request({ length: false, headers: ["Content-Length: 900000"], body: "x" }), "x"), // drips it
		closed(request()), // idles after an answer
		closed("GET "), // stops within the request line
	]);
	let done = false;
	slow.then(() => (done = true));
	while (!done)
		assert.equal((await quick.graphql("{ __typename }")).status, 200);
	await slow;
	assert.match(await (await quick.fetch("/metrics")).text(), /^reeve_http_connections_expired_total ([6-9]|\d\d)/m);
	// What takes long on the server's side is not the client's fault.
	const id = await quick.createSession();
	const body = await quick.sql(id, ENDLESS, [], { timeoutMs: 3000 });
	assert.equal(body.errors[0].extensions.code, "TIMEOUT");
	await quick.stop();
});

test("half-sent requests do not hold up the end", async () => {
	const stopping = await Reeved.start({ database: false });
	const sockets = [];
	for (const bytes of ["", "POST /gra", "POST /graphql HTTP/1.1\r\nHost: loc", request().slice(0, -5)]) {
		const socket = net.connect(stopping.port, "127.0.0.1").on("error", () => {});
		await new Promise((resolve) => socket.once("connect", resolve));
		socket.write(bytes);
		sockets.push(socket);
	}
	await stopping.until("all are connected", async () =>
		Number(/^reeve_http_connections (\d+)$/m.exec(await (await stopping.fetch("/metrics")).text())[1]) >= 5);
	const began = Date.now();
	assert.equal((await stopping.stop()).code, 0);
	assert.ok(Date.now() - began < 6000, `${Date.now() - began} ms`);
	sockets.forEach((socket) => socket.destroy());
});

test("a client that reads nothing of a large answer does not stop others", async () => {
	const id = await reeved.createSession();
	const body = JSON.stringify({ query: `mutation { executeSql(sessionId: ${id}, sql: "SELECT hex(zeroblob(5000000))") { rows } }` });
	const socket = net.connect(reeved.port, "127.0.0.1");
	socket.pause();
	socket.write(request({ body }));
	await reeved.until("the statement is over", async () => {
		const { totalQueries, state } = await reeved.session(id);
		return totalQueries === 1 && state !== "Active";
	});
	assert.equal((await reeved.graphql("{ __typename }")).status, 200);
	const all = await new Promise((resolve) => {
		let length = 0;
		socket.on("data", (data) => {
			length += data.length;
			if (length > 10000000)
				resolve(length);
		});
		socket.resume();
	});
	assert.ok(all > 10000000);
	socket.destroy();
});

test("many connections at once, more than one wait can report", async () => {
	for (const count of [128, 256]) {
		const answers = await Promise.all(Array.from({ length: count }, () =>
			reeved.raw(request({ headers: ["Connection: close"] }))));
		assert.ok(answers.every((answer) => answer.endsWith(ANSWER)), `${count}`);
	}
});
