// Subscriptions over server-sent events: both modes of graphql-sse with its own client, plain requests,
// clients that come back, that do not read, and a thousand at once.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

const { resolve } = createRequire(new URL("../graphql/package.json", import.meta.url));
const { createClient } = await import(pathToFileURL(resolve("graphql-sse")));
const ALL = process.env.REEVE_TEST_ALL ? 1 : 0;

let reeved;
before(async () => (reeved = await Reeved.start({ database: false })));
after(() => reeved.stop());

const client = (options = {}) => createClient({
	url: `http://${reeved.address}/graphql/stream`, retryAttempts: 0, ...options,
});
const EVENTS = `subscription($after: UInt64, $kinds: [EventKind!], $session: UInt64) {
	resourceEvents(afterSequence: $after, kinds: $kinds, sessionId: $session) { sequence kind message sessionId }
}`;
const newest = async (on = reeved) => {
	const events = (await on.data(`{ listResourceEvents(limit: 1000) { sequence } }`)).listResourceEvents;
	return events.at(-1)?.sequence ?? 0;
};

// The first `count` results of a subscription, whose iterator is then closed.
async function take(iterator, count) {
	const results = [];
	for await (const result of iterator) {
		results.push(result);
		if (results.length === count)
			break;
	}
	return results;
}

// Does something again until a subscriber, which may not have been there yet, has seen it.
async function actUntil(seen, act) {
	let done = false;
	seen.finally(() => (done = true)).catch(() => {});
	for (let i = 0; !done; i++) {
		await act(i);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

// A subscription by hand: an EventSource's view, as text. `until` says when it is enough.
async function follow(query, until, { headers = {}, on = reeved, path = "/graphql" } = {}) {
	const stop = new AbortController();
	const response = await on.fetch(`${path}?query=${encodeURIComponent(query)}`,
		{ headers: { Accept: "text/event-stream", ...headers }, signal: stop.signal });
	assert.equal(response.status, 200);
	assert.match(response.headers.get("content-type"), /^text\/event-stream/);
	let text = "";
	for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
		text += chunk;
		if (until(text))
			break;
	}
	stop.abort();
	return text;
}
const stats = async (name, on = reeved) => {
	const text = await (await on.fetch("/metrics")).text();
	return Number(text.match(new RegExp(`^${name}(?:_total)?(?:{[^}]*})? (\\S+)$`, "m"))?.[1]);
};

for (const singleConnection of [false, true]) {
	const mode = singleConnection ? "a single connection" : "distinct connections";

	test(`graphql-sse, ${mode}: events as they happen, queries, mutations, errors`, async () => {
		const sse = client({ singleConnection, lazy: true });
		const start = await newest();
		const waiting = take(sse.iterate({ query: EVENTS, variables: { after: start, kinds: ["SESSION_CREATED"] } }), 2);
		const ids = [await reeved.createSession(2, "one"), await reeved.createSession(2, "two")];
		const events = (await waiting).map((result) => result.data.resourceEvents);
		assert.deepEqual(events.map((e) => [e.kind, e.sessionId]), ids.map((id) => ["SESSION_CREATED", id]));
		assert.ok(events[0].sequence > start && events[1].sequence > events[0].sequence);
		assert.match(events[0].message, /^session \d+ of one was created in group 2$/);

		const query = await take(sse.iterate({ query: "{ getConsumerGroup(groupId: 2) { id } }" }), 2);
		assert.deepEqual(query, [{ data: { getConsumerGroup: { id: 2 } } }]);
		const mutation = await take(sse.iterate({ query: `mutation { updateConsumerGroup(groupId: 999, priority: 1) { success } }` }), 2);
		assert.equal(mutation[0].errors[0].extensions.code, "NOT_FOUND");
		const wrong = await take(sse.iterate({ query: "{ noSuchField }" }), 2);
		assert.equal(wrong[0].errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
		const bad = await take(sse.iterate({ query: "subscription { consumerGroupStats(groupId: 2, intervalMs: 99) { groupId } }" }), 2);
		assert.match(bad[0].errors[0].message, /intervalMs is 99, and must be 100 to 3600000/);
		sse.dispose();
		await reeved.until("no stream is left", async () => (await stats("reeve_streams")) === 0);
	});

	test(`graphql-sse, ${mode}: filters, periods, the state of sessions`, async () => {
		const sse = client({ singleConnection });
		const [mine, other] = [await reeved.createSession(2, "mine"), await reeved.createSession(2, "other")];
		const start = await newest();
		const filtered = take(sse.iterate({ query: EVENTS, variables: { after: start, session: mine } }), 1);
		const changed = sse.iterate({ query: `subscription($id: UInt64) { sessionChanged(sessionId: $id) { sessionId groupId } }`, variables: { id: mine } });
		const first = changed.next();
		const periodic = await take(sse.iterate({ query: `subscription { consumerGroupStats(groupId: 2, intervalMs: 100) { groupId currentSessions } }` }), 3);
		assert.deepEqual(periodic.map((r) => r.data.consumerGroupStats.groupId), [2, 2, 2]);
		await actUntil(first, (i) => reeved.data(`mutation {
			a: switchSessionGroup(sessionId: ${other}, newGroupId: ${3 - (i % 2)}) { success }
			b: switchSessionGroup(sessionId: ${mine}, newGroupId: ${3 - (i % 2)}) { success }
		}`));
		assert.deepEqual((await filtered)[0].data.resourceEvents.sessionId, mine);
		assert.equal((await first).value.data.sessionChanged.sessionId, mine);
		await changed.return();
		const plan = sse.iterate({ query: "subscription { activePlanChanged { toPlanId } }" });
		const switched = plan.next();
		const stats = await take(sse.iterate({ query: "subscription { resourceStats(intervalMs: 100) { activePlanId sessionStats { currentSessions } } }" }), 2);
		assert.ok(stats[1].data.resourceStats.sessionStats.currentSessions >= 2);
		await actUntil(switched, (i) => reeved.data(`mutation { activateResourcePlan(planId: ${1 + (i % 2)}) { success } }`));
		assert.ok([1, 2].includes((await switched).value.data.activePlanChanged.toPlanId));
		await plan.return();
		sse.dispose();
	});
}

test("a single connection: tokens, ids, and what is refused", async () => {
	const path = "/graphql/stream";
	const call = (method, { token, accept = "application/json", body, query = "" } = {}) => reeved.fetch(path + query, {
		method, body: body && JSON.stringify(body),
		headers: { Accept: accept, ...(token && { "X-GraphQL-Event-Stream-Token": token }), ...(body && { "Content-Type": "application/json" }) },
	});
	const status = async (...args) => (await call(...args)).status;
	const reserved = await call("PUT");
	const token = await reserved.text();
	assert.equal(reserved.status, 201);
	assert.match(token, /^[0-9a-f]{40}$/);
	const operation = (operationId, query = EVENTS) => ({ token, body: { query, extensions: { operationId } } });

	assert.equal(await status("POST", { ...operation("a"), token: token.replace(/.$/, (c) => (c === "0" ? "1" : "0")) }), 404);
	assert.equal(await status("POST", { ...operation("a"), token: "x".repeat(500) }), 404);
	assert.equal(await status("DELETE"), 404);
	assert.equal(await status("DELETE", { token }), 400);
	assert.equal(await status("POST", { token, body: { query: "{ __typename }" } }), 400);
	assert.equal(await status("POST", { token, body: { query: "{ __typename }", extensions: { operationId: 7 } } }), 400);
	assert.equal(await status("POST", { token, body: { query: "{ __typename }", extensions: { operationId: "x".repeat(128) } } }), 400);
	assert.equal(await status("POST", operation("a")), 202);
	assert.equal(await status("POST", operation("a")), 409);
	for (let i = 0; i < 63; i++)
		assert.equal(await status("POST", operation(`n${i}`)), 202);
	assert.equal(await status("POST", operation("one too many")), 503);

	const stop = new AbortController();
	const stream = await reeved.fetch(`${path}?token=${token}`, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
	assert.equal(stream.status, 200);
	assert.equal(await status("GET", { token, accept: "text/event-stream" }), 409);
	assert.equal(await status("DELETE", { token, query: "?operationId=a" }), 200);
	assert.equal(await status("DELETE", { token, query: "?operationId=never" }), 200);
	let text = "";
	for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
		text += chunk;
		if (text.includes('event: complete\ndata: {"id":"a"}\n\n'))
			break;
	}
	stop.abort();
	await reeved.until("the token is gone", async () => (await status("DELETE", { token, query: "?operationId=b" })) === 404);
});

test("plain HTTP: an EventSource's view, and who must ask for it", async () => {
	const start = await newest();
	const id = await reeved.createSession(2, "plain");
	const query = (after) => `subscription { resourceEvents(afterSequence: ${after}, sessionId: ${id}) { sequence kind } }`;
	const text = await follow(query(start), (t) => t.includes("SESSION_CREATED") && t.endsWith("\n\n"));
	const [, sequence] = text.match(/^event: next\nid: (\d+)\ndata: \{"data":\{"resourceEvents":\{"sequence":\1,/m);
	// A browser that comes back names the last event it saw, which outranks the argument.
	await reeved.data(`mutation { switchSessionGroup(sessionId: ${id}, newGroupId: 3) { success } }`);
	const again = await follow(query(0), (t) => t.includes("event: next") && t.endsWith("\n\n"), { headers: { "Last-Event-ID": sequence } });
	assert.ok(!again.includes("SESSION_CREATED"), again);

	const answer = await reeved.graphql(query(0));
	assert.equal(answer.status, 406);
	const post = (accept, query) => reeved.fetch("/graphql", {
		method: "POST", headers: { Accept: accept, "Content-Type": "application/json" }, body: JSON.stringify({ query }),
	});
	assert.equal(await (await post("text/event-stream", "{ __typename }")).text(),
		'event: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata: \n\n');
	assert.deepEqual(await (await post("application/json, text/event-stream", "{ __typename }")).json(), { data: { __typename: "Query" } });
	assert.equal((await reeved.fetch("/graphql", { method: "PUT" })).status, 405);
	const stranger = await reeved.fetch("/graphql/stream", { method: "PUT", headers: { Origin: "http://evil.example" } });
	assert.equal(stranger.status, 403);
});

test("graphql-sse comes back by itself when the server is started anew", async () => {
	const first = await Reeved.start({ database: false });
	const sse = createClient({ url: `http://${first.address}/graphql`, retryAttempts: 1000, retry: () => new Promise((r) => setTimeout(r, 20)) });
	const seen = [];
	let finish;
	const done = new Promise((resolve) => (finish = resolve));
	sse.subscribe({ query: `subscription { resourceEvents(afterSequence: 0, kinds: [SESSION_CREATED]) { sequence message } }` }, {
		next: (r) => {
			seen.push(r.data.resourceEvents);
			if (seen.some((e) => e.message.includes("after")))
				finish();
		},
		error: finish, complete: finish,
	});
	await first.createSession(2, "before");
	await first.until("the first event", () => seen.length === 1);
	const { directory, address } = first;
	await first.stop();
	const second = await Reeved.start({ directory, database: false, args: ["--listen", address] });
	await second.createSession(2, "after");
	assert.equal(await done, undefined);
	assert.ok(seen.some((e) => e.message.includes("before")));
	sse.dispose();
	await second.stop();
});

// A client that sends its request and reads nothing until told to.
function holdBack(port, query) {
	const socket = net.connect(port, "127.0.0.1");
	socket.pause();
	socket.write(`GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
	return socket;
}

test("a slow reader holds nobody up, and is told what it has missed", async () => {
	const query = "subscription { resourceEvents { sequence kind message details } }";
	const slow = holdBack(reeved.port, query);
	await reeved.until("the stream is open", async () => (await stats("reeve_streams")) >= 1);
	const before = await newest(), rss = memory(reeved.child.pid);
	const quick = take(client().iterate({ query: EVENTS, variables: { after: before } }), 20);
	const id = await reeved.createSession(2, "busy");
	// More events than the ring keeps: the slow one cannot have got them all.
	const switches = Array.from({ length: 200 }, (_, i) => `m${i}: switchSessionGroup(sessionId: ${id}, newGroupId: ${2 + (i % 2)}) { success }`);
	const mutation = `mutation { ${switches.join(" ")} }`;
	for (let sent = 0; sent < 24000; sent += 200)
		await reeved.data(mutation);
	assert.equal((await quick).length, 20);
	const grown = memory(reeved.child.pid) - rss;
	console.log(`24,000 events with a reader that does not read: ${grown} kB more`);
	assert.ok(grown < 16 * 1024 || isSanitized(reeved.child.pid), `${grown} kB`);

	let text = "";
	slow.on("data", (chunk) => (text += chunk));
	slow.resume();
	await reeved.until("the gap is told", () => /"extensions":\{"gap":\{"from":\d+,"to":\d+\}\}/.test(text));
	slow.destroy();
	const events = text.split("\n").filter((line) => line.startsWith("data: {") && line.endsWith("}"))
		.map((line) => JSON.parse(line.slice(6)));
	let last = events[0].data.resourceEvents.sequence - 1;
	for (const { data, extensions } of events) {
		const { sequence } = data.resourceEvents;
		assert.deepEqual(extensions?.gap, sequence === last + 1 ? undefined : { from: last + 1, to: sequence - 1 });
		last = sequence;
	}
	assert.ok((await stats("reeve_stream_gaps")) >= 1);
});

function memory(pid) {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	return Number(status.match(/^VmRSS:\s+(\d+) kB/m)[1]);
}

// A sanitizer's own memory is not what is promised.
const isSanitized = (pid) => /lib[at]san/.test(readFileSync(`/proc/${pid}/maps`, "utf8"));

const COUNT = ALL ? 4000 : 1000;
test(`${COUNT} subscribers at once all get an event; one more is refused`, async () => {
	const many = await Reeved.start({ database: false, args: ["--max-subscribers", String(COUNT)] });
	const query = "subscription { resourceEvents(kinds: [GROUP_CREATED]) { sequence message } }";
	const before = memory(many.child.pid);
	const readers = Array.from({ length: COUNT }, () => {
		const socket = net.connect(many.port, "127.0.0.1");
		socket.setEncoding("utf8");
		socket.write(`GET /graphql?query=${encodeURIComponent(query)} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
		const reader = { socket, text: "" };
		reader.open = waitFor(reader, ":\n\n");
		reader.event = waitFor(reader, '"message"');
		return reader;
	});
	await Promise.all(readers.map((reader) => reader.open));
	const open = memory(many.child.pid);
	const refused = await many.fetch(`/graphql?query=${encodeURIComponent(query)}`, { headers: { Accept: "text/event-stream" } });
	assert.equal(refused.status, 503);
	assert.match((await refused.json()).errors[0].message, new RegExp(`${COUNT} subscribers are there, which is the limit; see --max-subscribers`));
	assert.equal(await stats("reeve_stream_refusals", many), 1);

	const began = performance.now();
	await many.data(`mutation { createConsumerGroup(name: "News") { groupId } }`);
	await Promise.all(readers.map((reader) => reader.event));
	const told = performance.now() - began, after = memory(many.child.pid);
	console.log(`${COUNT} subscribers: ${((open - before) / COUNT).toFixed(1)} kB each when open, `
		+ `${((after - before) / COUNT).toFixed(1)} kB after an event, which all had after ${told.toFixed(0)} ms; RSS ${after} kB`);
	assert.ok(after - before < COUNT * 32 || isSanitized(many.child.pid), `${after - before} kB`);
	readers.forEach((reader) => reader.socket.destroy());
	await many.until("all places are free", async () => (await stats("reeve_streams", many)) === 0);
	await many.stop();
});

function waitFor(reader, part) {
	return new Promise((resolve, reject) => {
		reader.socket.on("data", (chunk) => {
			reader.text += chunk;
			if (reader.text.includes(part))
				resolve();
		});
		reader.socket.on("error", reject);
		reader.socket.on("close", () => reject(new Error(`closed after: ${reader.text}`)));
	});
}

test("a server that stops ends its streams at once", async () => {
	const other = await Reeved.start({ database: false });
	const slow = holdBack(other.port, "subscription { resourceEvents { sequence } }");
	const response = await other.fetch(`/graphql?query=${encodeURIComponent("subscription { resourceEvents { sequence } }")}`,
		{ headers: { Accept: "text/event-stream" } });
	await other.until("both are open", async () => (await stats("reeve_streams", other)) === 2);
	await other.stop();
	assert.equal(await response.text(), ":\n\n");
	slow.destroy();
});
