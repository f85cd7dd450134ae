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
const truth = some("true or false", (v) => typeof v === "boolean");
const degree = some("a degree", (v) => Number.isInteger(v) && v >= 1 && v <= 8); // by the machine
const either = (...values) => some(`one of ${values}`, (v) => values.includes(v));
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
			status: "Active", cpuMethod: "Shares", parallelExecutionManaged: true } }],
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
	["022", "{ getIoSchedulerStats { totalRequests completedRequests totalBytesRead totalBytesWritten avgLatencyUs deadlineMisses throttledRequests } }",
		{ getIoSchedulerStats: { totalRequests: 0, completedRequests: 0, totalBytesRead: 0, totalBytesWritten: 0,
			avgLatencyUs: 0, deadlineMisses: 0, throttledRequests: 0 } }],
	["023", "mutation { registerIoGroup(groupId: 2, bandwidthLimit: 104857600, iopsLimit: 1000, weight: 100) { success message } }",
		{ registerIoGroup: done }],
	["024", 'mutation { submitIoRequest(groupId: 2, requestType: "READ", priority: "NORMAL", sizeBytes: 4096, offset: 0) { requestId } }',
		{ submitIoRequest: { requestId: 1 } }],
	["025", 'mutation { submitIoRequest(groupId: 2, requestType: "WRITE", priority: "HIGH", sizeBytes: 8192, offset: 4096) { requestId } }',
		{ submitIoRequest: { requestId: 2 } }],
	["026", "{ scheduleNextIoRequest { requestId scheduled } }",
		{ scheduleNextIoRequest: { requestId: either(1, 2), scheduled: true } }],
	["027", "{ getIoGroupStats(groupId: 2) { groupId totalBytes totalOps pendingRequests } }",
		{ getIoGroupStats: { groupId: 2, totalBytes: 0, totalOps: 0, pendingRequests: 2 } }],
	["028", "mutation { updateIoBandwidthMetrics { success message } }",
		{ updateIoBandwidthMetrics: done }],
	["029", "{ getMemoryStats { totalAllocations totalDeallocations failedAllocations peakUsage pressureEvents autoAdjustments } }",
		{ getMemoryStats: { totalAllocations: 0, totalDeallocations: 0, failedAllocations: 0, peakUsage: 0,
			pressureEvents: 0, autoAdjustments: 0 } }],
	["030", "{ listMemoryPools { id name poolType maxSize allocatedSize usagePercent } }",
		{ listMemoryPools: [
			[1, "SGA", "SharedGlobal", 5153960755], [2, "BUFFER_CACHE", "BufferCache", 3092376453],
			[3, "SHARED_POOL", "SharedPool", 1546188226], [4, "LARGE_POOL", "LargePool", 515396075],
			[5, "PGA", "ProgramGlobal", 3435973836],
		].map(([id, name, poolType, maxSize]) => (
			{ id, name, poolType, maxSize, allocatedSize: 0, usagePercent: 0 })) }],
	["031", "{ getMemoryPool(poolId: 1) { id name poolType maxSize allocatedSize minSize autoTune } }",
		{ getMemoryPool: { id: 1, name: "SGA", poolType: "SharedGlobal", maxSize: 5153960755,
			allocatedSize: 0, minSize: 2576980377, autoTune: false } }],
	["032", "{ getMemoryPressure { level usagePercent } }",
		{ getMemoryPressure: { level: "None", usagePercent: 0 } }],
	["033", "mutation { registerGroupMemoryLimits(groupId: 2, maxGroupMemory: 2147483648, maxSessionPga: 104857600) { success message } }",
		{ registerGroupMemoryLimits: done }],
	["034", "mutation { createSessionMemoryQuota(sessionId: 1001, groupId: 2, maxPgaMemory: 104857600) { success message } }",
		{ createSessionMemoryQuota: done }],
	["035", "mutation { allocateFromMemoryPool(poolId: 2, size: 1048576) { success message } }",
		{ allocateFromMemoryPool: done }],
	["036", "{ getSessionMemoryQuota(sessionId: 1001) { sessionId groupId maxPgaMemory currentPgaUsage peakUsage } }",
		{ getSessionMemoryQuota: { sessionId: 1001, groupId: 2, maxPgaMemory: 104857600, currentPgaUsage: 0,
			peakUsage: 0 } }],
	["037", "{ autoTuneMemoryPools { poolId currentSize recommendedSize reason estimatedBenefit } }",
		{ autoTuneMemoryPools: [] }],
	["038", "{ getDatabaseMemoryUsage { totalMemory usedMemory availableMemory usagePercent } }",
		{ getDatabaseMemoryUsage: { totalMemory: 8589934592, usedMemory: 1048576,
			availableMemory: 8589934592 - 1048576, usagePercent: number } }],
	["039", "{ getParallelExecutionStats { totalParallelQueries totalSerialQueries downgradedQueries queuedQueries avgDopGranted peakTotalDop } }",
		{ getParallelExecutionStats: { totalParallelQueries: 0, totalSerialQueries: 0, downgradedQueries: 0,
			queuedQueries: 0, avgDopGranted: 0, peakTotalDop: 0 } }],
	["040", 'mutation { createServerPool(name: "TEST_POOL", minServers: 4, maxServers: 16) { poolId } }',
		{ createServerPool: { poolId: 1 } }],
	["041", 'mutation { requestParallelExecution(sessionId: 1001, groupId: 2, requestedDop: 8, mode: "AUTOMATIC", estimatedCost: 100000) { queryId grantedDop } }',
		{ requestParallelExecution: { queryId: 1, grantedDop: degree } }],
	["042", 'mutation { requestParallelExecution(sessionId: 1002, groupId: 2, requestedDop: 4, mode: "MANUAL") { queryId grantedDop } }',
		{ requestParallelExecution: { queryId: 2, grantedDop: 4 } }],
	["043", "mutation { setGroupDopLimit(groupId: 2, limit: 16) { success message } }",
		{ setGroupDopLimit: done }],
	["044", "{ getParallelExecution(queryId: 1) { queryId sessionId grantedDop requestedDop state rowsProcessed } }",
		{ getParallelExecution: { queryId: 1, sessionId: 1001, grantedDop: degree, requestedDop: 8,
			state: "Executing", rowsProcessed: 0 } }],
	["045", "mutation { updateSystemLoad(load: 0.65) { success message } }",
		{ updateSystemLoad: done }],
	["046", "mutation { completeParallelExecution(queryId: 1) { success message } }",
		{ completeParallelExecution: done }],
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
	["052", "mutation { configureGroupSessionPool(groupId: 2, maxActiveSessions: 50, queueTimeout: 60) { success message } }",
		{ configureGroupSessionPool: done }],
	["053", "mutation { startQuery(sessionId: 1) { canStart queued } }", {
		startQuery: { canStart: true, queued: false } }],
	["051 again", "{ listActiveSessions { sessionId username state currentQueryDuration } }", {
		listActiveSessions: [{ sessionId: 1, username: "testuser", state: "Active", currentQueryDuration: number }] }],
	["054", "mutation { completeQuery(sessionId: 1) { success message } }", {
		completeQuery: done }],
	["055", "mutation { setSessionLimits(sessionId: 1, idleTimeout: 3600, maxExecutionTime: 1800) { success message } }",
		{ setSessionLimits: done }],
	["056", "mutation { boostSessionPriority(sessionId: 1) { success message newPriority } }",
		{ boostSessionPriority: { success: true, message: text, newPriority: "High" } }],
	["057", "{ checkIdleTimeouts { terminatedSessions count } }",
		{ checkIdleTimeouts: { terminatedSessions: [], count: 0 } }],
	["058", "{ checkExecutionTimeouts { terminatedSessions count } }",
		{ checkExecutionTimeouts: { terminatedSessions: [], count: 0 } }],
	["059", "mutation { killSession(sessionId: 999) { success message } }", "NOT_FOUND", "killSession"],
	["060", "{ getResourceStats { cpuStats { totalScheduled contextSwitches } ioStats { totalRequests completedRequests } memoryUsagePercent memoryPressure } }",
		{ getResourceStats: { cpuStats: { totalScheduled: 0, contextSwitches: 0 },
			ioStats: { totalRequests: 2, completedRequests: 0 }, memoryUsagePercent: number, memoryPressure: "None" } }],
	["061", "mutation { startResourceMonitoring { success message } }",
		{ startResourceMonitoring: done }],
	["062", "mutation { rebalanceResources { cpuRebalanced memoryAdjustmentsMade ioMetricsUpdated memoryRecommendations actions } }",
		{ rebalanceResources: { cpuRebalanced: truth, memoryAdjustmentsMade: false, ioMetricsUpdated: truth,
			memoryRecommendations: 0, actions: texts } }],
	["063", "mutation { checkAndSwitchResourcePlan { switched newPlanId newPlanName } }",
		{ checkAndSwitchResourcePlan: { switched: false, newPlanId: null, newPlanName: null } }],
	["064", "{ checkTimeouts { idleTimeoutCount executionTimeoutCount terminatedSessions } }",
		{ checkTimeouts: { idleTimeoutCount: 0, executionTimeoutCount: 0, terminatedSessions: [] } }],
	["065", "mutation { stopResourceMonitoring { success message } }",
		{ stopResourceMonitoring: done }],
	["066", 'mutation { mapUserToGroup(userId: 1001, username: "testuser", groupId: 2, isPermanent: true) { success message } }', {
		mapUserToGroup: done }],
	["067", 'mutation { switchSessionGroup(sessionId: 1, newGroupId: 3, reason: "WORKLOAD_BASED") { success message } }', {
		switchSessionGroup: done }],
	["068", 'mutation { addAssignmentRule(name: "BATCH_USERS", priority: 10, condition: "USERNAME", conditionValue: "batch_", targetGroupId: 3) { ruleId } }',
		{ addAssignmentRule: { ruleId: 1 } }],
	["069", 'mutation { addPlanSchedule(name: "BUSINESS_HOURS", startHour: 9, endHour: 17, planId: 2, priority: 1) { scheduleId } }',
		{ addPlanSchedule: { scheduleId: 1 } }],
	["070", 'mutation { addMaintenanceWindow(name: "SUNDAY_MAINTENANCE", dayOfWeek: 0, startHour: 2, durationMinutes: 240, maintenancePlanId: 4) { windowId } }',
		{ addMaintenanceWindow: { windowId: 1 } }],
	["071", "{ getConsumerGroup(groupId: 99999) { id name } }", "NOT_FOUND", "getConsumerGroup"],
	["072", "{ getResourcePlan(planId: 99999) { id name } }", "NOT_FOUND", "getResourcePlan"],
	["073", "{ getSession(sessionId: 99999) { sessionId username } }", "NOT_FOUND", "getSession"],
	["074", 'mutation { createConsumerGroup(name: "INTERACTIVE_GROUP", priority: 3, category: "INTERACTIVE") { groupId } }',
		"ALREADY_EXISTS", "createConsumerGroup"],
	["075", "mutation { allocateFromMemoryPool(poolId: 2, size: 999999999999) { success message } }",
		"RESOURCE_EXHAUSTED", "allocateFromMemoryPool"],
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

// What the operations left behind, besides their answers.
test("I/O, memory, parallel queries and sessions are as the operations made them", async () => {
	const data = await reeved.data(`{
		getIoGroupStats(groupId: 2) { bandwidthLimit iopsLimit weight queuedRequests activeRequests }
		listIoRequests { id requestType priority sizeBytes offset state }
		getGroupMemoryLimits(groupId: 2) { maxGroupMemory maxSessionPga }
		getMemoryPool(poolId: 2) { allocatedSize allocations failedAllocations }
		sga: getMemoryPool(poolId: 1) { allocatedSize }
		getServerPool(poolId: 1) { minServers maxServers currentServers }
		getGroupDopLimit(groupId: 2) { limit }
		getParallelExecution(queryId: 1) { state }
		getParallelExecutionStats { totalParallelQueries totalSerialQueries currentTotalDop }
		getGroupSessionPool(groupId: 2) { maxActiveSessions queueTimeout activeSessions }
		getSession(sessionId: 1) { state totalQueries idleTimeout maxExecutionTime priority }
		getSessionStats { totalSessionsCreated currentActiveSessions }
	}`);
	const requests = data.listIoRequests;
	assert.deepEqual(requests.map((r) => r.state).sort(), ["Active", "Queued"]);
	assert.deepEqual(requests.map(({ state, ...rest }) => rest), [
		{ id: 1, requestType: "Read", priority: "Normal", sizeBytes: 4096, offset: 0 },
		{ id: 2, requestType: "Write", priority: "High", sizeBytes: 8192, offset: 4096 },
	]);
	const { totalParallelQueries, totalSerialQueries, currentTotalDop } = data.getParallelExecutionStats;
	assert.equal(totalParallelQueries + totalSerialQueries, 2);
	assert.equal(currentTotalDop, 4);
	delete data.listIoRequests;
	delete data.getParallelExecutionStats;
	assert.deepEqual(data, {
		getIoGroupStats: { bandwidthLimit: 104857600, iopsLimit: 1000, weight: 100, queuedRequests: 1,
			activeRequests: 1 },
		getGroupMemoryLimits: { maxGroupMemory: 2147483648, maxSessionPga: 104857600 },
		getMemoryPool: { allocatedSize: 1048576, allocations: 1, failedAllocations: 1 },
		sga: { allocatedSize: 1048576 },
		getServerPool: { minServers: 4, maxServers: 16, currentServers: data.getServerPool.currentServers },
		getGroupDopLimit: { limit: 16 },
		getParallelExecution: { state: "Completed" },
		getGroupSessionPool: { maxActiveSessions: 50, queueTimeout: 60, activeSessions: 0 },
		getSession: { state: "Inactive", totalQueries: 1, idleTimeout: 3600, maxExecutionTime: 1800,
			priority: data.getSession.priority },
		getSessionStats: { totalSessionsCreated: 1, currentActiveSessions: 0 },
	});
	assert.ok(data.getServerPool.currentServers >= 4 && data.getServerPool.currentServers <= 16);
});

test("the rule, the schedule and the window are as they were added", async () => {
	assert.deepEqual(await reeved.data(`{
		getAssignmentRule(ruleId: 1) { name priority conditionText targetGroupId isEnabled
			condition { kind value syntax operands { kind } } }
		getPlanSchedule(scheduleId: 1) { name planId dayOfWeek daysOfWeek startTime endTime timeZone
			priority isEnabled }
		getMaintenanceWindow(windowId: 1) { name dayOfWeek startTime durationMinutes maintenancePlanId
			allowUserSessions maxUserSessions isEnabled }
	}`), {
		getAssignmentRule: { name: "BATCH_USERS", priority: 10, conditionText: 'username = "batch_"',
			targetGroupId: 3, isEnabled: true,
			condition: { kind: "USERNAME", value: "batch_", syntax: null, operands: [] } },
		getPlanSchedule: { name: "BUSINESS_HOURS", planId: 2, dayOfWeek: null, daysOfWeek: null,
			startTime: "09:00:00", endTime: "17:00:00", timeZone: null, priority: 1, isEnabled: true },
		getMaintenanceWindow: { name: "SUNDAY_MAINTENANCE", dayOfWeek: 0, startTime: "02:00:00",
			durationMinutes: 240, maintenancePlanId: 4, allowUserSessions: false, maxUserSessions: null,
			isEnabled: true },
	});
});
