// REST: every route of the OpenAPI document, for success and for failure, each answer held against
// the document. Needs the packages of tests/graphql.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ENDLESS, Reeved } from "./reeved.mjs";

const PACKAGES = new URL("../graphql/package.json", import.meta.url);
const { Validator } = await import(
	new URL("node_modules/@seriousme/openapi-schema-validator/index.js", PACKAGES));
const require = createRequire(PACKAGES);
const Ajv = require("ajv/dist/2020.js").default;
const addFormats = require("ajv-formats").default;

const API = "/api/v1";
const METHODS = ["get", "post", "patch", "delete"];
const JSON_TYPE = { "Content-Type": "application/json" };
let reeved, document, check;
const seen = new Map(); // "POST /groups" -> { good, bad }

// Schemas of answers say nothing of members they do not name; here there must be none.
function closed(document) {
	const copy = structuredClone(document);
	for (const schema of Object.values(copy.components.schemas))
		if (schema.type === "object" && schema.properties)
			schema.additionalProperties ??= false;
	return copy;
}

before(async () => {
	reeved = await Reeved.start();
	document = await (await reeved.fetch(`${API}/openapi.json`)).json();
	const ajv = new Ajv({ strict: false, allErrors: true });
	addFormats(ajv);
	ajv.addFormat("uint64", { type: "number", validate: (n) => Number.isInteger(n) && n >= 0 });
	ajv.addSchema(closed(document), "api");
	check = (pointer, value, what) => {
		const validate = ajv.getSchema(`api#${pointer}`) ??
			ajv.compile({ $ref: `api#${pointer}` });
		assert.ok(validate(value), `${what}: ${JSON.stringify(value)}: ${JSON.stringify(validate.errors)}`);
	};
});
after(() => reeved.stop());

const escape = (text) => text.replaceAll("~", "~0").replaceAll("/", "~1");
const pointerTo = (...parts) => parts.map((part) => `/${encodeURIComponent(escape(part))}`).join("");

function operationsOf() {
	return Object.entries(document.paths).flatMap(([path, item]) =>
		METHODS.filter((method) => item[method]).map((method) => ({
			key: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path,
			operation: item[method], body: item[method].requestBody,
		})));
}

// Fills a path: { groupId: 2 } or, with `other`, values for what is not given.
const fill = (path, params, other = 1) =>
	path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params?.[name] ?? other));

// One request; the answer is what the document says it is.
async function call(key, { params, query = "", body, headers = {}, raw } = {}) {
	const [method, path] = key.split(" ");
	const operation = document.paths[path][method.toLowerCase()];
	const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
	const response = await reeved.fetch(`${API}${fill(path, params)}${query}`, { method,
		headers: { ...(text === undefined ? {} : JSON_TYPE), ...headers }, body: text });
	const answer = { status: response.status, headers: response.headers, text: await response.text() };
	const record = seen.get(key) ?? { good: 0, bad: 0 };
	seen.set(key, record);
	if (response.ok || response.status === 304)
		record.good++;
	else
		record.bad++;
	if (response.status === 204 || response.status === 304) {
		assert.equal(answer.text, "");
		assert.ok(operation.responses[response.status], `${key}: ${response.status}`);
		return answer;
	}
	answer.body = JSON.parse(answer.text);
	if (!response.ok) {
		checkProblem(answer, key);
	} else {
		const at = pointerTo("paths", path, method.toLowerCase(), "responses", `${response.status}`,
			"content", "application/json", "schema");
		assert.ok(operation.responses[response.status], `${key}: ${response.status} is not in the document`);
		assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
		if (!query.includes("fields="))
			check(at, answer.body, key);
	}
	return answer;
}

function checkProblem(answer, what) {
	assert.equal(answer.headers.get("content-type"), "application/problem+json; charset=utf-8", what);
	check("/components/schemas/Problem", answer.body, what);
	assert.equal(answer.body.status, answer.status, what);
}

async function good(key, options) {
	const answer = await call(key, options);
	assert.ok(answer.status < 300, `${key}: ${answer.text}`);
	return answer;
}

async function bad(key, status, code, field, options) {
	const answer = await call(key, options);
	assert.equal(answer.status, status, `${key}: ${answer.text}`);
	assert.equal(answer.body.code, code, `${key}: ${answer.text}`);
	assert.equal(answer.body.field, field, `${key}: ${answer.text}`);
	return answer;
}

test("the document is valid OpenAPI 3.1", async () => {
	assert.equal(document.openapi, "3.1.0");
	const result = await new Validator().validate(structuredClone(document));
	assert.ok(result.valid, JSON.stringify(result.errors));
	const ids = operationsOf().map(({ operation }) => operation.operationId);
	assert.equal(new Set(ids).size, ids.length, "operation ids are unique");
});

// Fields that have no route, and why.
const WITHOUT = {
	defineConsumerGroup: "POST /groups does the same",
	listAuditEntries: "newest first, which pages of routes are not; the file audit.log has all",
	"query.checkExecutionTimeouts": "acts; the mutation has a route",
	"query.checkIdleTimeouts": "acts; the mutation has a route",
	"query.checkTimeouts": "acts; the mutation has a route",
	"query.detectRunawayQueries": "acts; the mutation has a route",
	"query.previewConfiguration": "takes a whole document; POST /configuration with dryRun checks one",
	"query.scheduleNextIoRequest": "acts; the mutation has a route",
};

test("every root field has a route, or a reason to have none", async () => {
	const { __schema: schema } = await reeved.data(`{ __schema {
		queryType { fields { name } } mutationType { fields { name } } } }`);
	const routed = new Set(operationsOf().map(({ method, operation }) =>
		`${method === "GET" ? "query" : "mutation"}.${operation.operationId.replace(/_get$/, "")}`));
	const without = new Set();
	for (const [kind, type] of [["query", schema.queryType], ["mutation", schema.mutationType]])
		for (const { name } of type.fields)
			if (!routed.has(`${kind}.${name}`))
				without.add(WITHOUT[name] ? name : `${kind}.${name}`);
	assert.deepEqual([...without].sort(), Object.keys(WITHOUT).sort());
});

// Successes, in order, on a fresh server. Parameters that are not named are 1.
const group = { userId: 1, username: "u", groupId: 2 };
const G100 = { params: { groupId: 100 } }, G3 = { params: { groupId: 3 } };
// A window that is open: today's, and, should it be midnight soon, tomorrow's.
const wholeDay = (name, days) => ({ name, dayOfWeek: (new Date().getUTCDay() + days) % 7, timeZone: "UTC",
	startTime: "00:00", durationMinutes: 1440, maintenancePlanId: 4, allowUserSessions: true });
const successes = [
	["GET /server"], ["GET /monitoring"], ["GET /problems"], ["GET /openapi.json"],
	["GET /groups"], ["GET /groups/default"], ["GET /groups/stats"],
	["GET /groups/by-name/{name}", { params: { name: "BATCH_GROUP" } }],
	["POST /groups", { body: { name: "Ärzte & Co/1", maxSessions: 5, description: null } }],
	["GET /groups/by-name/{name}", { params: { name: "Ärzte & Co/1" } }],
	["GET /groups/{groupId}", G100],
	["PATCH /groups/{groupId}", { ...G100, body: { maxSessions: null } }],
	["GET /groups/{groupId}/stats", G100],
	["POST /groups/{groupId}/make-default", G3],
	["POST /groups/{groupId}/make-default", { params: { groupId: 2 } }],
	["POST /groups", { body: { name: "short-lived" } }],
	["DELETE /groups/{groupId}", { params: { groupId: 101 }, query: "?moveTo=3" }],
	["POST /mappings", { body: { userId: 7, username: "ann", groupId: 2 } }],
	["GET /mappings"], ["GET /mappings/{userId}", { params: { userId: 7 } }],
	["DELETE /mappings/{userId}", { params: { userId: 7 } }],

	["POST /rules", { body: { name: "nightly", condition: "TIME_OF_DAY", conditionValue: "22-6",
		targetGroupId: 3 } }],
	["POST /rules", { body: { name: "batch", targetGroupId: 3,
		expression: { and: [] } } }],
	["GET /rules"], ["GET /rules/{ruleId}"],
	["PATCH /rules/{ruleId}", { body: { priority: 5 } }],
	["GET /rules/decision", { query: "?username=bob&programName=psql&at=2026-01-01T23:30:00Z" }],
	["DELETE /rules/{ruleId}"],

	["GET /plans"], ["GET /plans/active"], ["GET /plans/history"], ["GET /plans/decision"],
	["POST /plans/check"],
	["POST /plans", { body: { name: "P", cpuMethod: "Emphasis" } }],
	["POST /plans/define", { body: { name: "Q", cpuMethod: "SHARES",
		directives: [{ groupId: 2, directive: { cpuShares: 5 } }] } }],
	["GET /plans/by-name/{name}", { params: { name: "P" } }],
	["GET /plans/{planId}", { params: { planId: 100 } }],
	["PATCH /plans/{planId}", { params: { planId: 100 }, body: { description: "d" } }],
	["DELETE /plans/{planId}", { params: { planId: 100 } }],
	["POST /plans/{planId}/directives", { params: { planId: 2 }, body: { groupId: 100, cpuShares: 5 } }],
	["GET /plans/{planId}/directives", { params: { planId: 2 } }],
	["GET /plans/{planId}/validation", { params: { planId: 2 } }],
	["GET /allocations", { query: "?planId=2" }],
	["POST /plans/{planId}/activate", { params: { planId: 2 } }],
	["POST /plans/deactivate"],
	["GET /directives/{directiveId}", { params: { directiveId: 2 } }],
	["PATCH /directives/{directiveId}", { params: { directiveId: 2 }, body: { cpuUtilizationLimit: 50 } }],
	["DELETE /directives/{directiveId}", { params: { directiveId: 2 } }],

	["GET /plan-edit"], ["POST /plan-edit", { body: { timeout: 60 } }],
	["POST /plan-edit/plans", { body: { name: "staged" } }],
	["PATCH /plan-edit/plans/{planId}", { params: { planId: 2 }, body: { description: "staged" } }],
	["POST /plan-edit/plans/{planId}/directives", { params: { planId: 2 }, body: { groupId: 3, cpuShares: 7 } }],
	["DELETE /plan-edit/plans/{planId}/directives/{groupId}", { params: { planId: 2, groupId: 100 } }],
	["DELETE /plan-edit/plans/{planId}", { params: { planId: 101 } }],
	["GET /plan-edit/validation"], ["POST /plan-edit/submit"],
	["POST /plan-edit"], ["DELETE /plan-edit"],

	["POST /schedules", { body: { name: "S", planId: 2, startTime: "09:00", endTime: "17:00",
		daysOfWeek: [1, 2] } }],
	["GET /schedules"], ["GET /schedules/{scheduleId}"],
	["PATCH /schedules/{scheduleId}", { body: { daysOfWeek: null, isEnabled: false } }],
	["DELETE /schedules/{scheduleId}"],
	["POST /windows", { body: { name: "W", dayOfWeek: 0, startTime: "00:00", durationMinutes: 60,
		maintenancePlanId: 4, isEnabled: false } }],
	["GET /windows"], ["GET /windows/{windowId}"],
	["PATCH /windows/{windowId}", { body: { description: "w" } }],
	["DELETE /windows/{windowId}"],
	["POST /windows", { body: wholeDay("today", 0) }], ["POST /windows", { body: wholeDay("tomorrow", 1) }],
	["POST /plans/check"], ["GET /windows/current"],
	["DELETE /windows/{windowId}", { params: { windowId: 2 } }],
	["DELETE /windows/{windowId}", { params: { windowId: 3 } }], ["POST /plans/check"],

	["GET /cpu/stats"], ["GET /cpu/config"], ["GET /cpu/groups"], ["GET /cpu/cores"],
	["PATCH /cpu/config", { body: { quantumMs: 20 } }],
	["POST /cpu/groups", { body: { groupId: 3, shares: 100 } }],
	["GET /cpu/groups/{groupId}", G3],
	["DELETE /cpu/groups/{groupId}", G3],
	["POST /cpu/rebalance"], ["POST /cpu/runaways"],
	["POST /tasks", { body: { queryId: 5, groupId: 2 } }],
	["GET /tasks"], ["GET /tasks/{taskId}"],
	["POST /tasks/next"],
	["POST /tasks/{taskId}/usage", { body: { cpuTimeNs: 1000 } }],
	["POST /tasks/{taskId}/yield"],
	["POST /tasks/{taskId}/suspend", { body: { state: "Waiting" } }],
	["POST /tasks/{taskId}/resume"],
	["POST /tasks/{taskId}/complete", { body: { cpuTimeNs: 5 } }],

	["GET /io/stats"], ["GET /io/config"], ["GET /io/devices"], ["GET /io/groups"],
	["PATCH /io/config", { body: { policy: "DEADLINE" } }],
	["POST /io/deadlines", { body: { requestType: "READ", priority: "HIGH", deadlineMs: 50 } }],
	["POST /io/metrics"],
	["POST /io/groups", { body: { groupId: 3, iopsLimit: 100 } }],
	["GET /io/groups/{groupId}", G3],
	["DELETE /io/groups/{groupId}", G3],
	["POST /requests", { body: { groupId: 2, requestType: "READ", sizeBytes: 4096 } }],
	["POST /requests", { body: { groupId: 2, requestType: "WRITE", sizeBytes: 4096 } }],
	["GET /requests"], ["GET /requests/{requestId}"],
	["POST /requests/next"],
	["POST /requests/{requestId}/complete", { body: { bytesTransferred: 4096 } }],
	["POST /requests/{requestId}/cancel", { params: { requestId: 2 } }],

	["GET /memory/stats"], ["GET /memory/usage"], ["GET /memory/pressure"], ["GET /memory/advice"],
	["PATCH /memory/pressure", { body: { low: 0.5 } }],
	["POST /memory/auto-tune"], ["GET /memory/pools"],
	["POST /memory/pools", { body: { name: "mine", poolType: "WorkArea", maxSize: 1048576 } }],
	["GET /memory/pools/by-name/{name}", { params: { name: "mine" } }],
	["GET /memory/pools/{poolId}"],
	["PATCH /memory/pools/{poolId}", { params: { poolId: 100 }, body: { maxSize: 2097152 } }],
	["POST /memory/pools/{poolId}/allocate", { params: { poolId: 2 }, body: { size: 4096, tag: "t" } }],
	["POST /memory/pools/{poolId}/allocate", { params: { poolId: 2 }, body: { size: 4096 } }],
	["GET /memory/allocations"],
	["DELETE /memory/allocations/{allocationId}"],
	["POST /memory/pools/{poolId}/deallocate", { params: { poolId: 2 }, body: { size: 4096 } }],
	["DELETE /memory/pools/{poolId}", { params: { poolId: 100 } }],
	["POST /memory/quotas", { body: { sessionId: 1001, groupId: 2, maxPgaMemory: 1048576 } }],
	["GET /memory/quotas"], ["GET /memory/quotas/{sessionId}", { params: { sessionId: 1001 } }],
	["POST /memory/quotas/{sessionId}/allocate", { params: { sessionId: 1001 }, body: { size: 4096 } }],
	["POST /memory/quotas/{sessionId}/deallocate", { params: { sessionId: 1001 }, body: { size: 4096 } }],
	["DELETE /memory/quotas/{sessionId}", { params: { sessionId: 1001 } }],
	["POST /memory/limits", { body: { groupId: 3, maxGroupMemory: 1048576 } }],
	["GET /memory/limits"], ["GET /memory/limits/{groupId}", G3],
	["DELETE /memory/limits/{groupId}", G3],

	["GET /parallel/stats"], ["GET /parallel/config"], ["GET /parallel/load"], ["GET /parallel/servers"],
	["PATCH /parallel/config", { body: { maxTotalDop: 32 } }],
	["POST /parallel/load", { body: { load: 0.25 } }],
	["POST /parallel/downgrade", { body: { enabled: true } }],
	["GET /parallel/dop", { query: "?groupId=2&requestedDop=4&estimatedCost=1e5" }],
	["POST /parallel/limits", { body: { groupId: 3, limit: 4 } }],
	["GET /parallel/limits"], ["GET /parallel/limits/{groupId}", G3],
	["DELETE /parallel/limits/{groupId}", G3],
	["POST /server-pools", { body: { name: "pool", minServers: 1, maxServers: 4, assignedGroups: [3] } }],
	["GET /server-pools"], ["GET /server-pools/{poolId}"],
	["PATCH /server-pools/{poolId}", { body: { maxServers: 8 } }],
	["DELETE /server-pools/{poolId}"],
	["POST /executions", { body: { sessionId: 1001, groupId: 2, requestedDop: 2, mode: "Manual" } }],
	["POST /executions", { body: { sessionId: 1002, groupId: 2, requestedDop: 2, mode: "Manual" } }],
	["GET /executions"], ["GET /executions/queued"], ["GET /executions/{queryId}"],
	["POST /executions/{queryId}/progress", { body: { rowsProcessed: 5 } }],
	["POST /executions/{queryId}/complete"],
	["POST /executions/{queryId}/cancel", { params: { queryId: 2 } }],

	["POST /sessions", { body: group }],
	["GET /sessions"], ["GET /sessions/active"], ["GET /sessions/queued"], ["GET /sessions/stats"],
	["GET /sessions/config"], ["PATCH /sessions/config", { body: { idleMark: 500 } }],
	["POST /sessions/check-idle"], ["POST /sessions/check-execution"], ["POST /sessions/check"],
	["GET /sessions/{sessionId}"], ["GET /sessions/{sessionId}/group"],
	["PATCH /sessions/{sessionId}", { body: { moduleName: "m" } }],
	["PATCH /sessions/{sessionId}/limits", { body: { idleTimeout: 1000, maxExecutionTime: null } }],
	["POST /sessions/{sessionId}/priority", { body: { priority: "Low" } }],
	["POST /sessions/{sessionId}/boost"],
	["GET /sessions/{sessionId}/wait"],
	["POST /sessions/{sessionId}/start-query"], ["POST /sessions/{sessionId}/complete-query"],
	["POST /queries", { body: { sessionId: 1, workAreaBytes: 4096 } }],
	["GET /queries"], ["GET /queries/{executionId}"], ["POST /queries/{executionId}/complete"],
	["POST /sessions/{sessionId}/switch", { body: { newGroupId: 3 } }],
	["GET /sessions/{sessionId}/group-history"],
	["POST /sessions/{sessionId}/sql", { body: { sql: "SELECT 1 AS one, ? AS two", parameters: ["x"] } }],
	["POST /sessions", { body: group }],
	["DELETE /sessions/{sessionId}", { params: { sessionId: 2 } }],
	["POST /sessions/{sessionId}/kill"],
	["POST /session-pools", { body: { groupId: 100, maxActiveSessions: 1 } }],
	["POST /sessions", { body: { ...group, groupId: 100 } }],
	["POST /sessions", { body: { ...group, groupId: 100 } }],
	["POST /sessions/{sessionId}/start-query", { params: { sessionId: 3 } }],
	["POST /sessions/{sessionId}/start-query", { params: { sessionId: 4 } }],
	["GET /sessions/queued"],
	["GET /sessions/{sessionId}/wait", { params: { sessionId: 4 } }],
	["POST /sessions/{sessionId}/cancel-queued", { params: { sessionId: 4 } }],
	["POST /sessions/{sessionId}/complete-query", { params: { sessionId: 3 } }],
	["POST /sessions/{sessionId}/start-query", { params: { sessionId: 4 } }],
	["POST /sessions/{sessionId}/blocked", { params: { sessionId: 4 }, body: { blockedBy: 3 } }],
	["POST /sessions/{sessionId}/unblocked", { params: { sessionId: 4 } }],
	["GET /session-pools"], ["GET /session-pools/{groupId}", G100],
	["DELETE /session-pools/{groupId}", G100],

	["GET /stats"], ["POST /stats/reset"], ["GET /config"], ["GET /container"], ["GET /events"], ["POST /rebalance"],
	["PATCH /config", { body: { rebalancingInterval: 30 } }],
	["POST /monitoring/start"], ["POST /monitoring/stop"],
];

test("every route succeeds, and answers as the document says", async (t) => {
	for (const [key, options] of successes)
		await t.test(key, () => good(key, options));
});

test("definitions are exported, imported, and gone back to", async () => {
	const { body: document } = await good("GET /configuration");
	const { body: revisions } = await good("GET /revisions", { query: "?first=2" });
	assert.equal(revisions.length, 2);
	assert.equal(revisions[0].author, "loopback");
	const params = { revision: revisions[1].revision };
	assert.equal((await good("GET /revisions/{revision}", { params })).body.revision, params.revision);
	const { body: changes } = await good("GET /revisions/{fromRevision}/diff",
		{ params: { fromRevision: params.revision } });
	assert.equal(changes.length, revisions[0].changeCount);
	await good("POST /revisions/{revision}/rollback", { params });
	assert.equal((await good("GET /revisions/{fromRevision}/diff",
		{ params: { fromRevision: params.revision } })).body.length, 0);
	await good("POST /configuration", { body: { document } });
	assert.deepEqual((await good("GET /configuration")).body, document);
	await bad("POST /configuration", 400, "INVALID_ARGUMENT", "document", { body: {} });
	for (const [key, name] of [["GET /revisions/{revision}", "revision"],
		["GET /revisions/{fromRevision}/diff", "fromRevision"], ["POST /revisions/{revision}/rollback", "revision"]])
		await bad(key, 404, "NOT_FOUND", name === "revision" ? name : undefined,
			{ params: { [name]: 99999 } });
});

test("a statement is run on a worker, and cancelled by another request", async () => {
	const { body } = await good("POST /sessions", { body: { userId: 1, username: "u", groupId: 2 } });
	const params = { sessionId: body.sessionId };
	const running = call("POST /sessions/{sessionId}/sql", { params, body: { sql: ENDLESS } });
	await reeved.running(body.sessionId);
	await good("POST /sessions/{sessionId}/cancel", { params });
	const answer = await running;
	assert.equal(answer.status, 499);
	assert.equal(answer.body.code, "CANCELLED");
});

test("a client that hangs up takes its statement along", async () => {
	const { body } = await good("POST /sessions", { body: { userId: 1, username: "u", groupId: 2 } });
	const controller = new AbortController();
	const request = reeved.fetch(`${API}/sessions/${body.sessionId}/sql`, { method: "POST",
		headers: JSON_TYPE, body: JSON.stringify({ sql: ENDLESS }), signal: controller.signal });
	await reeved.running(body.sessionId);
	controller.abort();
	await assert.rejects(request);
	await reeved.until("the statement is over", async () =>
		["Inactive", "Idle"].includes((await reeved.session(body.sessionId)).state));
});

// A group without what changes by itself.
const definition = ({ cpu, io, ...rest }) => rest;

test("what is made has an address, a tag, and is found there", async () => {
	const made = await good("POST /groups", { body: { name: "addressed", priority: 1 } });
	assert.equal(made.status, 201);
	assert.equal(made.headers.get("location"), `${API}/groups/${made.body.id}`);
	const found = await good("GET /groups/{groupId}", { params: { groupId: made.body.id } });
	assert.deepEqual(definition(found.body), definition(made.body));
	for (const { headers } of [found, made])
		assert.match(headers.get("etag"), new RegExp(`^"r${made.body.revision}-[0-9a-f]{16}"$`));
	assert.equal(found.headers.get("cache-control"), "private, no-cache");
});

test("If-None-Match", async () => {
	const params = { groupId: 4 };
	const get = (tag) => call("GET /groups/{groupId}",
		{ params, query: "?fields=name,description,revision", headers: { "If-None-Match": tag } });
	const tag = (await get('"other"')).headers.get("etag");
	for (const known of [tag, `W/${tag}`, `"a", ${tag}`, `${tag},"b"`, "*"]) {
		const answer = await get(known);
		assert.equal(answer.status, 304, known);
		assert.equal(answer.headers.get("etag"), tag);
	}
	await good("PATCH /groups/{groupId}", { params, body: { description: "changed" } });
	for (const other of [tag, '"r"', "r", tag.slice(0, -2), ""])
		assert.equal((await get(other)).status, 200, other);
});

test("If-Match", async () => {
	const params = { groupId: 4 };
	const change = (tag, description) => call("PATCH /groups/{groupId}",
		{ params, body: { description }, headers: { "If-Match": tag } });
	const first = (await good("GET /groups/{groupId}", { params })).headers.get("etag");
	const changed = await change(first, "a");
	assert.equal(changed.body.description, "a");
	const shown = await good("GET /groups/{groupId}", { params });
	assert.deepEqual(definition(changed.body), definition(shown.body));
	assert.match(changed.headers.get("etag"), new RegExp(`^"r${shown.body.revision}-`));
	assert.equal((await call("PATCH /groups/{groupId}", { params, body: {},
		headers: { "If-None-Match": "*" } })).status, 200, "only a GET is answered by 304");
	for (const stale of [first, '"r0"', `W/${first}`, '"x"', "7", '"r7x"', '"r99999999999999999999"']) {
		const answer = await change(stale, "b");
		assert.equal(answer.status, 412, stale);
		assert.equal(answer.body.code, "STALE_REVISION");
	}
	const now = (await good("GET /groups/{groupId}", { params })).body;
	assert.equal(now.description, "a");
	assert.equal((await change(`"r${now.revision}"`, "c")).status, 200);
	assert.equal((await change("*", "d")).status, 200);
	await bad("PATCH /groups/{groupId}", 400, "INVALID_ARGUMENT", "If-Match",
		{ params, body: {}, headers: { "If-Match": '"r1", "r2"' } });
	await bad("POST /plans/{planId}/activate", 400, "INVALID_ARGUMENT", "If-Match",
		{ params: { planId: 1 }, headers: { "If-Match": '"r1"' } });
});

test("lists come in pages that know the next one", async () => {
	const names = [];
	let path = `${API}/groups?fields=name&limit=2`, pages = 0;
	while (path) {
		const response = await reeved.fetch(path);
		const page = await response.json();
		assert.ok(page.length <= 2);
		names.push(...page.map(({ name }) => name));
		const link = response.headers.get("link");
		path = link?.match(/^<(.+)>; rel="next"$/)[1];
		pages++;
		assert.ok(pages < 20);
	}
	const all = (await good("GET /groups")).body;
	assert.deepEqual(names, all.map(({ name }) => name));
	const odd = await good("GET /groups", { query: "?%61fter=1&limit=1&nameContains=%5F&&isActive=true" });
	assert.equal(odd.headers.get("link"),
		`<${API}/groups?limit=1&nameContains=%5F&isActive=true&after=2>; rel="next"`);
	const made = await good("POST /groups", { body: { name: "a<b>" } });
	const raw = await reeved.raw(
		`GET ${API}/groups?nameContains=<b>&limit=1 HTTP/1.0\r\nHost: localhost\r\n\r\n`);
	assert.ok(raw.includes(`<${API}/groups?nameContains=%3Cb%3E&limit=1&after=${made.body.id}>`), raw);
	assert.equal(all[0].sessions, undefined, "no lists of entities unless asked for");
});

test("events: a list of kinds, and pages by sequence", async () => {
	const first = await good("GET /events", { query: "?limit=2" });
	assert.equal(first.body.length, 2);
	const last = first.body[1].sequence;
	assert.equal(first.headers.get("link"), `<${API}/events?limit=2&after=${last}>; rel="next"`);
	const next = await good("GET /events", { query: `?limit=2&after=${last}` });
	assert.ok(next.body.every(({ sequence }) => sequence > last));
	const kinds = [...new Set((await good("GET /events")).body.map(({ kind }) => kind))].slice(0, 2);
	const some = await good("GET /events", { query: `?kinds=${kinds.join(",")}` });
	assert.deepEqual([...new Set(some.body.map(({ kind }) => kind))].sort(), kinds.sort());
	for (const query of ["?kinds=NONE", `?kinds=${kinds[0]},`, "?kinds=", "?kinds=,"])
		assert.equal((await call("GET /events", { query })).status, 400, query);
});

test("what is not there now is not found; a value without members is one", async () => {
	await bad("GET /windows/current", 404, "NOT_FOUND", undefined);
	await good("POST /parallel/load", { body: { load: 0.5 } });
	assert.equal((await good("GET /parallel/load")).body, 0.5);
});

test("filters and fields", async () => {
	const batch = await good("GET /groups", { query: "?category=BATCH&isSystem=true" });
	assert.deepEqual(batch.body.map(({ name }) => name), ["BATCH_GROUP"]);
	const named = await good("GET /groups", { query: "?nameContains=%C3%84rzte+%26&fields=name" });
	assert.deepEqual(named.body.map(({ name }) => name), ["Ärzte & Co/1"]);
	const some = await good("GET /groups/{groupId}",
		{ params: { groupId: 2 }, query: "?fields=name,cpu,sessions" });
	assert.deepEqual(Object.keys(some.body).sort(), ["cpu", "name", "sessions"]);
	for (const [query, field] of [["?fields=nothing", "fields"], ["?fields=", "fields"],
		["?fields=name&fields=id", "fields"], ["?isSystem=yes", "isSystem"], ["?limit=x", "limit"],
		["?limit=1.5", "limit"], ["?limit=0", "limit"], ["?limit=10001", "limit"],
		["?limit=1&limit=2", "limit"], ["?after=-1", "after"], ["?after=18446744073709551616", "after"],
		["?category=batch", "category"], ["?limit", "limit"], ["?page=1", "page"],
		["?%66oo=1", "foo"]])
		await bad("GET /groups", 400, "INVALID_ARGUMENT", field, { query });
	for (const query of ["?nameContains=%", "?nameContains=%ff", "?nameContains=a%00b", "?%zz=1"])
		await bad("GET /groups", 400, "INVALID_ARGUMENT", undefined, { query });
	await good("GET /groups", { query: "?&&limit=1&" });
});

test("null takes a limit away, and is refused where there is none", async () => {
	const params = { groupId: 3 };
	const limit = async () => (await good("GET /groups/{groupId}", { params })).body.maxSessions;
	await good("PATCH /groups/{groupId}", { params, body: { maxSessions: 9 } });
	await good("PATCH /groups/{groupId}", { params, body: { description: "x" } });
	assert.equal(await limit(), 9);
	await good("PATCH /groups/{groupId}", { params, body: { maxSessions: null },
		headers: { "Content-Type": "application/merge-patch+json" } });
	assert.equal(await limit(), null);
	await bad("PATCH /groups/{groupId}", 422, "INVALID_ARGUMENT", "priority",
		{ params, body: { priority: null } });
});

test("bad bodies", async () => {
	const post = (status, field, body) => bad("POST /groups", status, "INVALID_ARGUMENT", field, { body });
	await post(400, "name", {});
	await post(400, "name", { name: null });
	await post(400, "name", { name: 7 });
	await post(400, "priority", { name: "n", priority: "3" });
	await post(400, "priority", { name: "n", priority: 3.5 });
	await post(400, "maxSessions", { name: "n", maxSessions: 2 ** 40 });
	await post(400, "maxExecutionTime", { name: "n", maxExecutionTime: -1 });
	await post(400, "isActive", { name: "n", isActive: "true" });
	await post(422, "priority", { name: "n", priority: 8 });
	await post(422, "category", { name: "n", category: "NONE" });
	await post(422, "name", { name: "" });
	for (const raw of ["{", '{"name":"a","name":"b"}', "[]", "7", "null", '"x"', "\u0000", '{"name":"a"}x',
		`{"name":${"[".repeat(100)}${"]".repeat(100)}}`])
		await bad("POST /groups", 400, "INVALID_ARGUMENT", undefined, { raw });
	await bad("POST /groups", 409, "ALREADY_EXISTS", undefined, { body: { name: "BATCH_GROUP" } });
	const large = await call("POST /groups", { body: { name: "x".repeat(1100000) } });
	assert.equal(large.status, 413);
	await bad("PATCH /groups/{groupId}", 400, "INVALID_ARGUMENT", "groupId",
		{ params: { groupId: 2 }, body: { groupId: 3 } });
	await bad("PATCH /groups/{groupId}", 400, "INVALID_ARGUMENT", "expectedRevision",
		{ params: { groupId: 2 }, body: { expectedRevision: 3 } });
});

test("every route refuses what it does not know", async (t) => {
	for (const { key, body, method, path } of operationsOf())
		await t.test(key, async () => {
			await bad(key, 400, "INVALID_ARGUMENT", "nonsense", { query: "?nonsense=1" });
			await bad(key, 406, "INVALID_ARGUMENT", undefined,
				{ headers: { Accept: "text/html, application/json;q=0" } });
			if (body) {
				await bad(key, 400, "INVALID_ARGUMENT", "nonsense", { body: { nonsense: 1 } });
				await bad(key, 400, "INVALID_ARGUMENT", undefined, { raw: "{" });
				await bad(key, 415, "INVALID_ARGUMENT", undefined,
					{ raw: "{}", headers: { "Content-Type": "text/plain" } });
			} else if (method !== "GET") {
				await bad(key, 400, "INVALID_ARGUMENT", undefined, { body: {} });
			}
			for (const [, name] of path.matchAll(/\{(\w+Id)\}/g)) {
				for (const value of ["abc", "-1", "1.5", "1e3x", "18446744073709551616", " 1", "%00"])
					await bad(key, 400, "INVALID_ARGUMENT", name, { params: { [name]: value } });
			}
		});
});

test("objects that do not exist are not found", async (t) => {
	const size = { size: 1 };
	const bodies = { switch: { newGroupId: 2 }, usage: { cpuTimeNs: 1 }, sql: { sql: "SELECT 1" },
		directives: { groupId: 2 }, suspend: { state: "Waiting" }, allocate: size, deallocate: size,
		progress: { rowsProcessed: 1 }, priority: { priority: "Low" }, blocked: { blockedBy: 99998 } };
	for (const { key, path, method, operation } of operationsOf().filter(({ path }) => path.includes("{")))
		await t.test(key, async () => {
			const params = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name, 99999]));
			const body = method === "POST" || method === "PATCH"
				? bodies[path.split("/").pop()] : undefined;
			const answer = await call(key, { params, body });
			const expected = path.startsWith("/plan-edit") ? [409, "INVALID_STATE"] : [404, "NOT_FOUND"];
			assert.deepEqual([answer.status, answer.body.code], expected,
				`${operation.operationId}: ${answer.text}`);
		});
});

test("paths and methods", async () => {
	for (const path of [`${API}/nothing`, `${API}/groups/`, `${API}//groups`, `${API}/groups/1/x`,
		`${API}/Groups`, API, `${API}/`, "/api/v2/groups", "/api", "/api/", `${API}/groups//stats`]) {
		const response = await reeved.fetch(path);
		assert.equal(response.status, 404, path);
		checkProblem({ status: 404, headers: response.headers, body: await response.json() }, path);
	}
	for (const [path, item] of Object.entries(document.paths)) {
		const allow = [...METHODS.filter((method) => item[method]).flatMap((method) =>
			method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]), "OPTIONS"].join(", ");
		for (const method of ["PUT", ...METHODS.filter((method) => !item[method]).map((m) => m.toUpperCase())]) {
			const response = await reeved.fetch(`${API}${fill(path)}`, { method });
			assert.equal(response.status, 405, `${method} ${path}`);
			assert.equal(response.headers.get("allow"), allow);
			checkProblem({ status: 405, headers: response.headers, body: await response.json() }, path);
		}
		const options = await reeved.fetch(`${API}${fill(path)}`, { method: "OPTIONS" });
		assert.equal(options.status, 204);
		assert.equal(options.headers.get("allow"), allow);
	}
	const get = await reeved.fetch(`${API}/groups/2?fields=name`);
	const head = await reeved.fetch(`${API}/groups/2?fields=name`, { method: "HEAD" });
	assert.equal(head.status, 200);
	assert.equal(head.headers.get("content-length"), get.headers.get("content-length"));
	assert.equal(await head.text(), "");
	assert.equal((await reeved.fetch(`${API}/groups/99999`, { method: "HEAD" })).status, 404);
});

test("pages of other sites are refused, with a problem", async () => {
	for (const path of ["/groups", "/openapi.json"]) {
		const answer = await reeved.raw(
			`GET ${API}${path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n`);
		assert.match(answer, /^HTTP\/1.1 403 /);
		assert.match(answer, /application\/problem\+json/);
		assert.equal(JSON.parse(answer.split("\r\n\r\n")[1]).code, "PERMISSION_DENIED");
	}
	const strange = await reeved.raw(`GET ${API}/groups HTTP/1.1\r\nHost: evil.example\r\n\r\n`);
	assert.match(strange, /^HTTP\/1.1 403 [^]*"code":"PERMISSION_DENIED"/);
});

test("media types", async () => {
	for (const accept of ["application/json", "*/*", "application/*;q=0.1", "text/html, */*;q=0.1",
		"application/problem+json, application/json", "application/graphql-response+json, application/json;q=0.2"])
		await good("GET /server", { headers: { Accept: accept } });
	for (const accept of ["text/html", "application/json;q=0", "application/json;q=0, */*", "application/xml"])
		await bad("GET /server", 406, "INVALID_ARGUMENT", undefined, { headers: { Accept: accept } });
	for (const type of ["application/json; charset=latin1", "text/json", "application/x-www-form-urlencoded",
		"application/merge-patch+json"])
		await bad("POST /groups", 415, "INVALID_ARGUMENT", undefined,
			{ raw: "{}", headers: { "Content-Type": type } });
	await bad("POST /plans/deactivate", 400, "INVALID_ARGUMENT", undefined, { raw: "x" });
});

test("every route was called for success and for failure", () => {
	for (const { key } of operationsOf()) {
		const record = seen.get(key);
		assert.ok(record?.good > 0, `${key} never succeeded`);
		assert.ok(record?.bad > 0, `${key} never failed`);
	}
});

test("the examples of docs/rest.md work in their order", async (t) => {
	const fresh = await Reeved.start();
	t.after(() => fresh.stop());
	const text = readFileSync(new URL("../../docs/rest.md", import.meta.url), "utf8");
	const blocks = [...text.matchAll(/```sh\n([^]*?)```\n(?:\n```(?:json|http)\n([^]*?)```)?/g)];
	assert.ok(blocks.length >= 5);
	for (const [, command, shown] of blocks) {
		const { stdout } = await promisify(execFile)("sh", ["-euc",
			command.replaceAll("127.0.0.1:8080", fresh.address)]);
		for (const line of (shown ?? "").split("\n").filter((line) => line !== ""))
			assert.ok(stdout.includes(line), `${command}: no "${line}" in\n${stdout}`);
	}
});
