// What programs really use: graphql-request and Apollo's client, with what they add by themselves;
// persisted queries; the limits of an operation.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

// The packages are those of tests/graphql; CommonJS, since Node finds it from there.
const load = createRequire(new URL("../graphql/package.json", import.meta.url));
const { GraphQLClient, ClientError, gql: tag } = load("graphql-request");
const { ApolloClient, InMemoryCache, HttpLink, gql } = load("@apollo/client");
const { PersistedQueryLink } = load("@apollo/client/link/persisted-queries");

let reeved, url;
before(async () => {
	reeved = await Reeved.start();
	url = `http://${reeved.address}/graphql`;
});
after(() => reeved.stop());

const hash = (text) => createHash("sha256").update(text).digest("hex");

test("graphql-request: queries, variables, mutations, errors, batches of fields", async () => {
	for (const method of ["POST", "GET"]) {
		const client = new GraphQLClient(url, { method });
		const { getConsumerGroup } = await client.request(
			tag`query Group($id: UInt64!) { getConsumerGroup(groupId: $id) { id name } }`, { id: 2 });
		assert.equal(getConsumerGroup.id, 2);
		await assert.rejects(client.request("{ getConsumerGroup(groupId: 99999) { id } }"), (error) => {
			assert.ok(error instanceof ClientError);
			assert.equal(error.response.errors[0].extensions.code, "NOT_FOUND");
			assert.deepEqual(error.response.data, { getConsumerGroup: null });
			return true;
		});
	}
	const client = new GraphQLClient(url);
	const created = await client.request("mutation($name: String!) { createConsumerGroup(name: $name) { groupId } }", { name: "By request" });
	const { data, status } = await client.rawRequest("query($id: UInt64!) { getConsumerGroup(groupId: $id) { name } }", { id: created.createConsumerGroup.groupId });
	assert.deepEqual([status, data], [200, { getConsumerGroup: { name: "By request" } }]);
});

// Apollo's client over a link that notes what goes over the wire.
function apollo(options = {}) {
	const wire = [];
	const link = new HttpLink({
		uri: url, ...options,
		fetch: (target, init) => {
			wire.push({ method: init.method, url: String(target), body: init.body && JSON.parse(init.body) });
			return fetch(target, init);
		},
	});
	return { wire, link, make: (top = link) => new ApolloClient({ link: top, cache: new InMemoryCache() }) };
}

test("Apollo's client: __typename, its cache, mutations, errors", async () => {
	const { wire, make } = apollo();
	const client = make();
	const query = gql`query Groups { listConsumerGroups { id name } getDefaultConsumerGroup { id name } }`;
	const { data } = await client.query({ query });
	assert.equal(data.getDefaultConsumerGroup.__typename, "ConsumerGroup");
	assert.ok(data.listConsumerGroups.length >= 4 && data.listConsumerGroups.every((g) => g.__typename === "ConsumerGroup"));
	assert.match(wire[0].body.query, /__typename/);
	await client.query({ query });
	assert.equal(wire.length, 1);
	// The mutation's answer updates what the cache holds, by __typename and id.
	const created = await client.mutate({ mutation: gql`mutation { createConsumerGroup(name: "By Apollo") { group { id name priority } } }` });
	const { id } = created.data.createConsumerGroup.group;
	const one = gql`query One($id: UInt64!) { getConsumerGroup(groupId: $id) { id name priority } }`;
	assert.equal((await client.query({ query: one, variables: { id } })).data.getConsumerGroup.priority, 3);
	await client.mutate({ mutation: gql`mutation Change($id: UInt64!) { updateConsumerGroup(groupId: $id, priority: 5) { success revision } }`, variables: { id } });
	const fresh = await client.query({ query: one, variables: { id }, fetchPolicy: "network-only" });
	assert.equal(fresh.data.getConsumerGroup.priority, 5);
	await assert.rejects(client.query({ query: gql`{ getConsumerGroup(groupId: 99999) { id } }` }), /Not found/);
});

test("Apollo's client: persisted queries by GET, then known by their hash alone", async () => {
	const { wire, link, make } = apollo();
	const persisted = () => new PersistedQueryLink({ sha256: (text) => hash(text), useGETForHashedQueries: true });
	const query = gql`query Persisted($id: UInt64!) { getConsumerGroup(groupId: $id) { id name } }`;
	const ask = async (id) => (await make(persisted().concat(link)).query({ query, variables: { id } })).data.getConsumerGroup;
	assert.equal((await ask(2)).id, 2);
	assert.deepEqual(wire.map((w) => w.method), ["GET", "POST"]);
	assert.match(wire[0].url, /extensions=.*sha256Hash/);
	assert.ok(!/[?&]query=/.test(wire[0].url) && wire[1].body.query && wire[1].body.extensions.persistedQuery);
	wire.length = 0;
	assert.equal((await ask(3)).id, 3);
	assert.deepEqual(wire.map((w) => w.method), ["GET"]);
	assert.ok(!/[?&]query=/.test(wire[0].url));
});

const send = async (body) => {
	const response = await reeved.fetch("/graphql", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
	return { status: response.status, ...(await response.json()) };
};

test("persisted queries: what is refused, and that the store is bounded", async () => {
	const query = "{ getConsumerGroup(groupId: 1) { id } }";
	const persistedQuery = { version: 1, sha256Hash: hash(query) };
	const ask = (more, text) => send({ query: text, extensions: { persistedQuery: { ...persistedQuery, ...more } } });
	const unknown = await ask({});
	assert.equal(unknown.status, 200);
	assert.deepEqual(unknown.errors, [{ message: "PersistedQueryNotFound", extensions: { code: "PERSISTED_QUERY_NOT_FOUND" } }]);
	for (const [more, text, complaint] of [
		[{ version: 2 }, query, /version .* must be 1/], [{ version: "1" }, query, /version .* must be 1/],
		[{ sha256Hash: "abc" }, query, /64 hexadecimal digits/], [{ sha256Hash: null }, undefined, /64 hexadecimal digits/],
		[{ sha256Hash: "g".repeat(64) }, undefined, /64 hexadecimal digits/],
		[{ sha256Hash: hash("other") }, query, /not that of the query/],
	]) {
		const answer = await ask(more, text);
		assert.equal(answer.status, 400);
		assert.match(answer.errors[0].message, complaint);
	}
	assert.equal((await send({ extensions: { persistedQuery: 7 } })).status, 400);
	// A text that is not valid is not kept.
	const wrong = "{ nothing }", wrongHash = { persistedQuery: { version: 1, sha256Hash: hash(wrong) } };
	assert.equal((await send({ query: wrong, extensions: wrongHash })).errors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
	assert.equal((await send({ extensions: wrongHash })).errors[0].message, "PersistedQueryNotFound");

	assert.deepEqual((await ask({}, query)).data, { getConsumerGroup: { id: 1 } });
	assert.deepEqual((await ask({ sha256Hash: hash(query).toUpperCase() })).data, { getConsumerGroup: { id: 1 } });
	const text = (i) => `query Q${i} { __typename }`;
	for (let i = 0; i < 1024; i++)
		await send({ query: text(i), extensions: { persistedQuery: { version: 1, sha256Hash: hash(text(i)) } } });
	assert.equal((await ask({})).errors?.[0].message, "PersistedQueryNotFound");
	const newest = await send({ extensions: { persistedQuery: { version: 1, sha256Hash: hash(text(1023)) } } });
	assert.deepEqual(newest.data, { __typename: "Query" });
});

test("limits: each names itself, its value, and what the document had", async () => {
	const limit = async (query, variables) => {
		const { errors } = await send({ query, variables });
		const { code, limit, value, maximum } = errors[0].extensions;
		assert.equal(code, "RESOURCE_EXHAUSTED");
		assert.ok(errors[0].message.includes(String(maximum)), errors[0].message);
		return [limit, value, maximum];
	};
	const nested = (n) => `{ getConsumerGroup(groupId: 1) { ${"sessions { group { ".repeat(n)} id ${"} } ".repeat(n)} } }`;
	assert.deepEqual(await limit(nested(12)), ["depth", 26, 24]);
	assert.deepEqual(await limit(`{ ${Array.from({ length: 257 }, (_, i) => `a${i}: __typename`).join(" ")} }`), ["aliases", 257, 256]);
	// 1 + 10000 * (sessionId + group + 10 * (id)) and so on: cost.c has the rules.
	const cost = (page) => `query${page.includes("$n") ? "($n: Int = 2000)" : ""} { listSessions(page: ${page}) { sessionId group { id sessions(page: {limit: 100}) { userId } } } }`;
	assert.deepEqual(await limit(cost("{limit: 10000}")), ["cost", 1 + 10000 * (1 + 1 + 1 + 1 + 100), 1000000]);
	assert.deepEqual(await limit(cost("{limit: $n}"), { n: 9800 }), ["cost", 1 + 9800 * 104, 1000000]);
	assert.equal((await send({ query: cost("{limit: $n}"), variables: { n: 100 } })).errors, undefined);
	assert.equal((await send({ query: cost("{afterId: 5}") })).errors, undefined);
	const fragments = `query { listSessions(page: {limit: 10000}) { ...A ...A } } fragment A on Session { group { sessions(page: {limit: 60}) { userId } } }`;
	assert.deepEqual(await limit(fragments), ["cost", 1 + 10000 * 2 * (1 + 1 + 60), 1000000]);

	const strict = await Reeved.start({ database: false, args: ["--max-cost", "100", "--max-seconds", "1"] });
	assert.equal(await strict.failure("{ listResourceEvents(limit: 100) { sequence } }"), "RESOURCE_EXHAUSTED");
	assert.deepEqual(await strict.data("{ listResourceEvents(limit: 99) { __typename } }"), { listResourceEvents: [] });
	await strict.stop();
});
