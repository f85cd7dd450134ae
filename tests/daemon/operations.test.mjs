// The operations that clients rely on, as they are written, in order, on a fresh server.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

// A value that only has to be of a kind.
const some = (what, check) => ({ what, check });
const number = some("a number", (v) => typeof v === "number" && v >= 0);
const text = some("a text", (v) => typeof v === "string" && v.length > 0);
const texts = some("texts", (v) => Array.isArray(v) && v.every((t) => typeof t === "string"));

function compare(actual, expected, path) {
	if (expected?.check) {
		assert.ok(expected.check(actual), `${path} is ${JSON.stringify(actual)}, not ${expected.what}`);
	} else if (Array.isArray(expected)) {
		assert.equal(actual?.length, expected.length, `${path}: ${JSON.stringify(actual)}`);
		expected.forEach((item, i) => compare(actual[i], item, `${path}[${i}]`));
	} else if (expected !== null && typeof expected === "object") {
		assert.deepEqual(Object.keys(actual ?? {}), Object.keys(expected), path);
		for (const key of Object.keys(expected))
			compare(actual[key], expected[key], `${path}.${key}`);
	} else {
		assert.strictEqual(actual, expected, path);
	}
}

const done = { success: true, message: text };

const operations = [
	["001", "{ listConsumerGroups { id name priority category currentSessions } }", {
		listConsumerGroups: [
			{ id: 1, name: "SYS_GROUP", priority: 0, category: "System", currentSessions: 0 },
			{ id: 2, name: "INTERACTIVE_GROUP", priority: 3, category: "Interactive", currentSessions: 0 },
			{ id: 3, name: "BATCH_GROUP", priority: 7, category: "Batch", currentSessions: 0 },
			{ id: 4, name: "MAINTENANCE_GROUP", priority: 7, category: "Maintenance", currentSessions: 0 },
		] }],
	["002", "{ getConsumerGroup(groupId: 1) { id name priority category maxSessions cpuAllocationPct } }", {
		getConsumerGroup: { id: 1, name: "SYS_GROUP", priority: 0, category: "System",
			maxSessions: null, cpuAllocationPct: 0 } }],
	["003", '{ getConsumerGroupByName(name: "INTERACTIVE_GROUP") { id name priority category } }', {
		getConsumerGroupByName: { id: 2, name: "INTERACTIVE_GROUP", priority: 3, category: "Interactive" } }],
	["004", 'mutation { createConsumerGroup(name: "TEST_ANALYTICS_GROUP", priority: 3, category: "ANALYTICS") { groupId } }', {
		createConsumerGroup: { groupId: 100 } }],
	["005", "mutation { updateConsumerGroup(groupId: 2, cpuAllocationPct: 70) { success message } }", {
		updateConsumerGroup: done }],
	["006", "{ getConsumerGroupStats(groupId: 2) { groupId groupName currentSessions cpuAllocationPct } }", {
		getConsumerGroupStats: { groupId: 2, groupName: "INTERACTIVE_GROUP", currentSessions: 0, cpuAllocationPct: 70 } }],
	["007", "{ listResourcePlans { id name description status isEnabled cpuMethod } }", {
		listResourcePlans: [
			{ id: 1, name: "DEFAULT_PLAN", description: "Default balanced resource plan",
				status: "Active", isEnabled: true, cpuMethod: "Shares" },
			{ id: 2, name: "DAYTIME_PLAN", description: "Resource plan for business hours",
				status: "Inactive", isEnabled: true, cpuMethod: "Shares" },
			{ id: 3, name: "NIGHTTIME_PLAN", description: "Resource plan for off-hours batch processing",
				status: "Inactive", isEnabled: true, cpuMethod: "Shares" },
			{ id: 4, name: "MAINTENANCE_PLAN", description: "Resource plan for maintenance operations",
				status: "Inactive", isEnabled: true, cpuMethod: "Shares" },
		] }],
	["008", "{ getResourcePlan(planId: 1) { id name description status cpuMethod parallelExecutionManaged } }", {
		getResourcePlan: { id: 1, name: "DEFAULT_PLAN", description: "Default balanced resource plan",
			status: "Active", cpuMethod: "Shares", parallelExecutionManaged: false } }],
	["009", '{ getResourcePlanByName(name: "DEFAULT_PLAN") { id name status isEnabled } }', {
		getResourcePlanByName: { id: 1, name: "DEFAULT_PLAN", status: "Active", isEnabled: true } }],
	["010", 'mutation { createResourcePlan(name: "PEAK_HOURS_PLAN", cpuMethod: "SHARES") { planId } }', {
		createResourcePlan: { planId: 100 } }],
	["011", "{ getActiveResourcePlan { id name status } }", {
		getActiveResourcePlan: { id: 1, name: "DEFAULT_PLAN", status: "Active" } }],
	["012", "mutation { activateResourcePlan(planId: 1) { success message } }", {
		activateResourcePlan: done }],
	["013", "{ getResourcePlanDirectives(planId: 1) { id groupId cpuPct parallelDegreeLimit } }", {
		getResourcePlanDirectives: [1, 2, 3, 4].map((id) => (
			{ id, groupId: id, cpuPct: null, parallelDegreeLimit: null })) }],
	["014", "mutation { createPlanDirective(planId: 1, groupId: 2, cpuPct: 60) { directiveId } }", {
		createPlanDirective: { directiveId: 2 } }],
	["015", "{ validateResourcePlan(planId: 1) { isValid warnings } }", {
		validateResourcePlan: { isValid: true, warnings: texts } }],
	["016", "{ getCpuSchedulerStats { totalScheduled contextSwitches totalCpuTime runawayQueriesDetected } }", {
		getCpuSchedulerStats: { totalScheduled: 0, contextSwitches: 0, totalCpuTime: 0, runawayQueriesDetected: 0 } }],
	["017", "mutation { registerCpuGroup(groupId: 2, shares: 2000) { success message } }", {
		registerCpuGroup: done }],
	["018", "mutation { addCpuTask(queryId: 1001, groupId: 2, priority: 3) { taskId } }", {
		addCpuTask: { taskId: 1 } }],
	["019", "{ getCpuGroupStats(groupId: 2) { groupId shares cpuTimeUsed activeTasks } }", {
		getCpuGroupStats: { groupId: 2, shares: 2000, cpuTimeUsed: 0, activeTasks: 1 } }],
	["020", "{ detectRunawayQueries { taskIds count } }", {
		detectRunawayQueries: { taskIds: [], count: 0 } }],
	["021", "mutation { rebalanceCpuGroups { success message } }", {
		rebalanceCpuGroups: done }],
	["047", "{ getSessionStats { totalSessionsCreated totalSessionsTerminated idleTimeoutTerminations executionTimeoutTerminations currentActiveSessions peakConcurrentSessions } }", {
		getSessionStats: { totalSessionsCreated: 0, totalSessionsTerminated: 0, idleTimeoutTerminations: 0,
			executionTimeoutTerminations: 0, currentActiveSessions: 0, peakConcurrentSessions: 0 } }],
	["048", 'mutation { createSession(userId: 1001, username: "testuser", groupId: 2) { sessionId } }', {
		createSession: { sessionId: 1 } }],
	["049", "{ getSession(sessionId: 1) { sessionId username groupId state priority totalQueries } }", {
		getSession: { sessionId: 1, username: "testuser", groupId: 2, state: "Inactive", priority: "Normal", totalQueries: 0 } }],
	["050", "{ listSessions { sessionId username groupId state priority } }", {
		listSessions: [{ sessionId: 1, username: "testuser", groupId: 2, state: "Inactive", priority: "Normal" }] }],
	["051", "{ listActiveSessions { sessionId username state currentQueryDuration } }", {
		listActiveSessions: [] }],
	["053", "mutation { startQuery(sessionId: 1) { canStart queued } }", {
		startQuery: { canStart: true, queued: false } }],
	["051 again", "{ listActiveSessions { sessionId username state currentQueryDuration } }", {
		listActiveSessions: [{ sessionId: 1, username: "testuser", state: "Active", currentQueryDuration: number }] }],
	["054", "mutation { completeQuery(sessionId: 1) { success message } }", {
		completeQuery: done }],
	["059", "mutation { killSession(sessionId: 999) { success message } }", "NOT_FOUND", "killSession"],
	["066", 'mutation { mapUserToGroup(userId: 1001, username: "testuser", groupId: 2, isPermanent: true) { success message } }', {
		mapUserToGroup: done }],
	["067", 'mutation { switchSessionGroup(sessionId: 1, newGroupId: 3, reason: "WORKLOAD_BASED") { success message } }', {
		switchSessionGroup: done }],
	["071", "{ getConsumerGroup(groupId: 99999) { id name } }", "NOT_FOUND", "getConsumerGroup"],
	["072", "{ getResourcePlan(planId: 99999) { id name } }", "NOT_FOUND", "getResourcePlan"],
	["073", "{ getSession(sessionId: 99999) { sessionId username } }", "NOT_FOUND", "getSession"],
	["074", 'mutation { createConsumerGroup(name: "INTERACTIVE_GROUP", priority: 3, category: "INTERACTIVE") { groupId } }',
		"ALREADY_EXISTS", "createConsumerGroup"],
];

for (const [id, document, expected, field] of operations) {
	test(`operation ${id}`, async () => {
		const response = await reeved.fetch("/graphql", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ query: document }),
		});
		const answer = await response.text();
		assert.equal(response.status, 200, answer);
		const body = JSON.parse(answer);
		if (typeof expected === "string") {
			assert.deepEqual(body.data, { [field]: null });
			assert.equal(body.errors.length, 1);
			assert.equal(body.errors[0].extensions.code, expected);
			assert.deepEqual(body.errors[0].path, [field]);
			assert.ok(body.errors[0].message.length > 0);
			return;
		}
		assert.ok(!/"errors?"/.test(answer), answer);
		assert.ok(!answer.trimEnd().includes("\n"), "one line");
		compare(body, { data: expected }, id);
	});
}

test("the switch of operation 067 moved the session and its counts", async () => {
	const data = await reeved.data(`{
		getSessionGroup(sessionId: 1) { groupId previousGroupId switchReason switchReasonKind }
		from: getConsumerGroup(groupId: 2) { currentSessions }
		to: getConsumerGroup(groupId: 3) { currentSessions sessions { sessionId } }
	}`);
	assert.deepEqual(data, {
		getSessionGroup: { groupId: 3, previousGroupId: 2, switchReason: "WorkloadBased",
			switchReasonKind: "WORKLOAD_BASED" },
		from: { currentSessions: 0 },
		to: { currentSessions: 1, sessions: [{ sessionId: 1 }] },
	});
});
