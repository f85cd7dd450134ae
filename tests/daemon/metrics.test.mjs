// The metrics page, parsed strictly, in both forms; and counters that move by what was done.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABELS = /^(?:([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$))/;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;

function parseLabels(text) {
	const labels = {};
	while (text.length > 0) {
		const match = LABELS.exec(text);
		assert.ok(match, `labels: ${text}`);
		assert.ok(!(match[1] in labels), `label twice: ${match[1]}`);
		labels[match[1]] = match[2].replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));
		text = text.slice(match[0].length);
	}
	return labels;
}

// Buckets of each series rise in bound and in count, and the last is the count.
function checkHistogram(name, samples) {
	const keyOf = ({ labels: { le, ...rest } }) => JSON.stringify(rest);
	for (const key of new Set(samples.map(keyOf))) {
		const list = samples.filter((sample) => keyOf(sample) === key);
		const buckets = list.filter((sample) => sample.name === `${name}_bucket`);
		const one = (suffix) => list.filter((sample) => sample.name === name + suffix);
		assert.equal(buckets.at(-1).labels.le, "+Inf", `${name} ${key}`);
		for (let i = 1; i < buckets.length; i++) {
			assert.ok(Number(buckets[i].labels.le.replace("+Inf", "Infinity")) > Number(buckets[i - 1].labels.le));
			assert.ok(buckets[i].value >= buckets[i - 1].value, `${name} ${key}: falls`);
		}
		assert.equal(one("_count").length, 1);
		assert.equal(one("_sum").length, 1);
		assert.equal(one("_count")[0].value, buckets.at(-1).value, `${name} ${key}`);
	}
}

// Families in order, each with its samples; throws at anything that is not as it must be.
function parse(text, isOpenMetrics) {
	assert.ok(text.endsWith("\n"));
	const lines = text.slice(0, -1).split("\n");
	if (isOpenMetrics)
		assert.equal(lines.pop(), "# EOF");
	const families = new Map(), series = new Set();
	let family = null;
	for (const line of lines) {
		assert.ok(line.length > 0 && line === line.trim(), `line: "${line}"`);
		const comment = new RegExp(`^# (HELP|TYPE|UNIT) (${NAME}) (.+)$`).exec(line);
		if (comment) {
			const [, what, name, rest] = comment;
			if (family?.name !== name) {
				assert.ok(!families.has(name), `${name}: a family in two places`);
				family = { name, samples: [] };
				families.set(name, family);
			}
			assert.equal(family.samples.length, 0, `${name}: ${what} after samples`);
			assert.ok(!(what in family), `${name}: ${what} twice`);
			family[what] = rest;
			continue;
		}
		const sample = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line);
		assert.ok(sample, `line: ${line}`);
		const [, name, labels, value] = sample;
		if (family.TYPE === "histogram") {
			assert.match(name.slice(family.name.length), /^_(bucket|sum|count)$/, line);
		} else {
			const suffix = { counter: "_total", info: "_info", gauge: "" }[family.TYPE];
			assert.notEqual(suffix, undefined, family.TYPE);
			assert.equal(name, family.name + (isOpenMetrics ? suffix : ""), line);
		}
		if (!isOpenMetrics && family.TYPE === "counter")
			assert.ok(name.endsWith("_total"), name);
		assert.match(value, NUMBER, line);
		if (family.TYPE === "counter")
			assert.ok(Number(value) >= 0, line);
		const parsed = parseLabels(labels ?? "");
		const key = name + JSON.stringify(Object.entries(parsed).sort());
		assert.ok(!series.has(key), `series twice: ${line}`);
		series.add(key);
		family.samples.push({ name, labels: parsed, value: Number(value) });
	}
	for (const { name, HELP, TYPE, UNIT, samples } of families.values()) {
		if (TYPE === "histogram")
			checkHistogram(name, samples);
		assert.ok(HELP && TYPE, `${name}: no help or type`);
		assert.ok(samples.length > 0, `${name}: no samples`);
		if (UNIT)
			assert.ok(name.endsWith(`_${UNIT}`), `${name}: unit ${UNIT}`);
		if (isOpenMetrics && /_(seconds|bytes|ratio)$/.test(name))
			assert.ok(UNIT, `${name}: no unit`);
	}
	return families;
}

async function read(accept) {
	const response = await reeved.fetch("/metrics", { headers: accept ? { Accept: accept } : {} });
	assert.equal(response.status, 200);
	const type = response.headers.get("content-type");
	return { type, families: parse(await response.text(), type.startsWith("application/openmetrics-text")) };
}

const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN = "text/plain; version=0.0.4; charset=utf-8";

const value = (families, name, labels = {}) => families.get(name).samples.find((sample) =>
	Object.entries(labels).every(([key, label]) => sample.labels[key] === label)).value;

test("the form is what the client asks for", async () => {
	for (const [accept, type] of [
		["application/openmetrics-text", OPEN],
		["application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN],
		["text/plain;q=0.5, Application/OpenMetrics-Text;version=1.0.0;q=0.9", OPEN],
		["application/openmetrics-text;q=0, text/plain", PLAIN],
		["text/plain", PLAIN],
		["*/*", PLAIN],
	])
		assert.equal((await read(accept)).type, type, accept);
});

test("both forms are well-formed and say the same", async () => {
	await reeved.data(String.raw`mutation { createConsumerGroup(name: "odd \"name\\ \u00fc") { groupId } }`);
	const open = (await read(OPEN)).families, plain = (await read(PLAIN)).families;
	const suffix = { counter: "_total", info: "_info", gauge: "", histogram: "" };
	assert.deepEqual([...plain.keys()], [...open.values()].map((family) => family.name + suffix[family.TYPE]));
	const groups = open.get("reeve_group_sessions").samples.map((sample) => sample.labels.group);
	assert.deepEqual(groups, ["SYS_GROUP", "INTERACTIVE_GROUP", "BATCH_GROUP", "MAINTENANCE_GROUP", 'odd "name\\ ü']);
	assert.ok([...open.values()].some((family) => family.UNIT === "seconds"));
});

test("counters move by what was done", async () => {
	const before = (await read(OPEN)).families;
	const id = await reeved.createSession(3);
	await reeved.rows(id, "SELECT 1 UNION ALL SELECT 2");
	await reeved.sql(id, "SELECT missing");
	await reeved.graphql("{");
	await reeved.fetch("/nothing");
	await reeved.raw("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n");
	await reeved.data("{ __typename }");
	const after = (await read(OPEN)).families;
	const moved = (name, labels) => value(after, name, labels) - value(before, name, labels);
	assert.equal(moved("reeve_sessions_opened"), 1);
	assert.equal(moved("reeve_sessions"), 1);
	assert.equal(moved("reeve_group_sessions", { group: "BATCH_GROUP" }), 1);
	assert.equal(moved("reeve_sql_statements", { outcome: "ok" }), 1);
	assert.equal(moved("reeve_sql_statements", { outcome: "error" }), 1);
	assert.equal(moved("reeve_sql_rows"), 2);
	assert.equal(moved("reeve_group_statements", { group: "BATCH_GROUP" }), 1);
	assert.equal(moved("reeve_graphql_operations", { kind: "mutation" }), 3);
	assert.equal(moved("reeve_graphql_operations", { kind: "query" }), 1);
	assert.equal(moved("reeve_graphql_operations", { kind: "refused" }), 1);
	assert.equal(moved("reeve_http_requests", { route: "graphql", status: "2xx" }), 5);
	assert.equal(moved("reeve_http_requests", { route: "other", status: "4xx" }), 1);
	assert.equal(moved("reeve_http_requests", { route: "refused", status: "4xx" }), 1);
	assert.equal(moved("reeve_http_requests", { route: "metrics", status: "2xx" }), 1);
	assert.ok(moved("reeve_group_cpu_seconds", { group: "BATCH_GROUP" }) > 0);
	assert.equal(value(after, "reeve_active_plan", { plan: "DEFAULT_PLAN" }), 1);
	assert.equal(value(after, "reeve_segment_ready"), 1);
});

test("series go with their group", async () => {
	const { createConsumerGroup: { groupId } } = await reeved.data(
		'mutation { createConsumerGroup(name: "SHORT_LIVED") { groupId } }');
	const has = (families, name) => families.get(name).samples.some(({ labels }) => labels.group === "SHORT_LIVED");
	let { families } = await read(OPEN);
	const names = [...families.keys()].filter((name) => name.startsWith("reeve_group_") && has(families, name));
	assert.ok(names.length >= 20, names.join());
	await reeved.data(`mutation { deleteConsumerGroup(groupId: ${groupId}) { success } }`);
	({ families } = await read(OPEN));
	for (const name of names)
		assert.ok(!families.has(name) || !has(families, name), name);
});

test("modules count what was done", async () => {
	const before = (await read(OPEN)).families;
	const id = await reeved.createSession(2);
	await reeved.rows(id, "SELECT 1");
	const after = (await read(OPEN)).families;
	const moved = (name) => value(after, name) - value(before, name);
	assert.ok(moved("reeve_events") >= 1);
	assert.equal(value(after, "reeve_memory_pressure_level"), 0);
	assert.ok(value(after, "reeve_memory_limit_bytes") > 0);
	assert.ok(after.get("reeve_memory_pool_limit_bytes").samples.length >= 5);
	assert.equal(after.get("reeve_memory_refused").samples.length, 9);
	for (const name of ["reeve_io_requests", "reeve_parallel_queries", "reeve_sessions_queued", "reeve_io_wait_seconds"])
		assert.ok(after.has(name), name);
});
