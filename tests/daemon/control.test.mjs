// Session control, the manager and events over GraphQL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

const data = (query, variables) => reeved.data(query, variables);
const mutate = (fields, variables) => data(`mutation { ${fields} }`, variables);
const failure = (fields) => reeved.failure(`mutation { ${fields} }`);

test("a full pool queues by priority, and explains itself", async () => {
	await mutate("configureGroupSessionPool(groupId: 3, maxActiveSessions: 1, queueTimeout: 3600) { success }");
	const [a, b, c] = [await reeved.createSession(3), await reeved.createSession(3), await reeved.createSession(3)];
	const start = async (id) => (await mutate(`startQuery(sessionId: ${id}) { canStart queued queuePosition session { state } }`)).startQuery;
	assert.deepEqual(await start(a), { canStart: true, queued: false, queuePosition: null, session: { state: "Active" } });
	assert.deepEqual(await start(b), { canStart: false, queued: true, queuePosition: 1, session: { state: "Waiting" } });
	assert.deepEqual(await start(c), { canStart: false, queued: true, queuePosition: 2, session: { state: "Waiting" } });
	const { boostSessionPriority } = await mutate(`boostSessionPriority(sessionId: ${c}) { newPriority previousPriority boosts }`);
	assert.deepEqual(boostSessionPriority, { newPriority: "High", previousPriority: "Normal", boosts: 1 });
	const { listQueuedSessions, getGroupSessionPool, getSession, getConsumerGroupStats, explainWait, other } = await data(`{
		listQueuedSessions { sessionId groupId position priorityKind queuedAt expiresAt }
		getGroupSessionPool(groupId: 3) { maxActiveSessions queueTimeout allowQueuing activeSessions queuedSessions }
		getSession(sessionId: ${b}) { queuePosition queuedSince priorityBoosts }
		getConsumerGroupStats(groupId: 3) { activeSessions queuedSessions }
		explainWait(sessionId: ${b}) { waiting reason limitName limitValue currentValue setBy waitedNs queuePosition holders text }
		other: explainWait(sessionId: ${a}) { waiting reason limitName holders } }`);
	assert.deepEqual(listQueuedSessions.map((row) => [row.sessionId, row.groupId, row.position, row.priorityKind]),
		[[c, 3, 1, "HIGH"], [b, 3, 2, "NORMAL"]]);
	assert.equal(Math.round((Date.parse(listQueuedSessions[0].expiresAt) - Date.parse(listQueuedSessions[0].queuedAt)) / 1000), 3600);
	assert.deepEqual(getGroupSessionPool, { maxActiveSessions: 1, queueTimeout: 3600, allowQueuing: true, activeSessions: 1, queuedSessions: 2 });
	assert.equal(getSession.queuePosition, 2);
	assert.ok(Math.abs(Date.parse(getSession.queuedSince) - Date.now()) < 60000, getSession.queuedSince);
	assert.deepEqual(getConsumerGroupStats.queuedSessions, 2);
	assert.deepEqual([explainWait.waiting, explainWait.limitName, explainWait.limitValue, explainWait.currentValue,
		explainWait.queuePosition, explainWait.holders], [true, "ACTIVE_SESSIONS", 1, 1, 2, [a]]);
	assert.ok(explainWait.waitedNs > 0 && explainWait.text.length > 10 && explainWait.setBy, JSON.stringify(explainWait));
	assert.deepEqual(other, { waiting: false, reason: null, limitName: null, holders: [] });

	await mutate(`completeQuery(sessionId: ${a}) { success }`);
	assert.equal((await reeved.session(c)).state, "Active");
	await mutate(`cancelQueuedQuery(sessionId: ${b}) { success }`);
	assert.equal(await failure(`cancelQueuedQuery(sessionId: ${b}) { success }`), "INVALID_STATE");
	assert.equal((await reeved.session(b)).state, "Inactive");
	await mutate(`completeQuery(sessionId: ${c}) { success } removeGroupSessionPool(groupId: 3) { success }`);
	assert.equal((await data("{ getGroupSessionPool(groupId: 3) { groupId } }")).getGroupSessionPool, null);
	assert.equal(await failure("configureGroupSessionPool(groupId: 1, maxActiveSessions: 5) { success }"), "PERMISSION_DENIED");
	const { getSessionStats } = await data("{ getSessionStats { sessionsQueued currentQueuedSessions queueLatency { count } } }");
	assert.deepEqual(getSessionStats, { sessionsQueued: 2, currentQueuedSessions: 0, queueLatency: getSessionStats.queueLatency });
});

test("a full pool that does not queue refuses", async () => {
	await mutate("configureGroupSessionPool(groupId: 4, maxActiveSessions: 1, queueTimeout: null, allowQueuing: false) { success }");
	const [a, b] = [await reeved.createSession(4), await reeved.createSession(4)];
	await mutate(`startQuery(sessionId: ${a}) { queued }`);
	assert.equal(await failure(`startQuery(sessionId: ${b}) { queued }`), "RESOURCE_EXHAUSTED");
	assert.deepEqual((await data("{ listGroupSessionPools { groupId queueTimeout allowQueuing } }")).listGroupSessionPools
		.filter((pool) => pool.groupId === 4), [{ groupId: 4, queueTimeout: null, allowQueuing: false }]);
	await mutate(`completeQuery(sessionId: ${a}) { success } removeGroupSessionPool(groupId: 4) { success }`);
});

test("limits of a session: null takes one away, the strictest counts", async () => {
	const id = await reeved.createSession(2);
	await mutate(`setSessionLimits(sessionId: ${id}, idleTimeout: 100, maxExecutionTime: 50) { success }
		a: setSessionLimits(sessionId: ${id}, idleTimeout: null) { success }`);
	assert.deepEqual((await data(`{ getSession(sessionId: ${id}) { idleTimeout maxExecutionTime } }`)).getSession,
		{ idleTimeout: null, maxExecutionTime: 50 });
	await mutate("updateConsumerGroup(groupId: 2, maxIdleTime: 70) { success }");
	assert.equal((await data(`{ getSession(sessionId: ${id}) { idleTimeout } }`)).getSession.idleTimeout, 70);
	await mutate("updateConsumerGroup(groupId: 2, maxIdleTime: null) { success }");
	await mutate(`setSessionPriority(sessionId: ${id}, priority: "critical") { newPriority }
		updateSessionAttributes(sessionId: ${id}, programName: "psql", moduleName: "m") { success }
		u: updateSessionAttributes(sessionId: ${id}, moduleName: null) { success }`);
	assert.deepEqual((await data(`{ getSession(sessionId: ${id}) { priorityKind programName moduleName isSystem memoryQuota { sessionId } } }`))
		.getSession, { priorityKind: "CRITICAL", programName: "psql", moduleName: null, isSystem: false, memoryQuota: null });
});

test("an idle session is ended, by whoever looks first, and once", async () => {
	const id = await reeved.createSession(3), busy = await reeved.createSession(3);
	await mutate(`setSessionLimits(sessionId: ${id}, idleTimeout: 1) { success } startQuery(sessionId: ${busy}) { queued }
		b: setSessionLimits(sessionId: ${busy}, idleTimeout: 1) { success }`);
	await reeved.until("the session is ended", async () => {
		await data("{ checkIdleTimeouts { count } checkExecutionTimeouts { count } checkTimeouts { idleTimeoutCount } }");
		return (await reeved.session(id)).state === "Terminated";
	});
	assert.deepEqual((await data(`{ getSession(sessionId: ${id}) { terminationReason } getSessionStats { idleTimeoutTerminations } }`)),
		{ getSession: { terminationReason: "IDLE_TIMEOUT" }, getSessionStats: { idleTimeoutTerminations: 1 } });
	assert.equal((await reeved.session(busy)).state, "Active");
	assert.equal(await failure(`setSessionLimits(sessionId: ${id}, idleTimeout: 5) { success }`), "INVALID_STATE");
	const list = async (filter) => (await data(`{ listSessions(filter: ${filter}) { sessionId } }`)).listSessions.map((s) => s.sessionId);
	assert.ok(!(await list("{ groupId: 3 }")).includes(id));
	assert.ok((await list("{ state: TERMINATED, includeTerminated: true }")).includes(id));
	await mutate(`completeQuery(sessionId: ${busy}) { success } killSession(sessionId: ${busy}) { success }`);
});

test("who waits for whom, and a deadlock that is refused", async () => {
	const [a, b] = [await reeved.createSession(3), await reeved.createSession(3)];
	await mutate(`a: startQuery(sessionId: ${a}) { queued } b: startQuery(sessionId: ${b}) { queued }
		reportSessionBlocked(sessionId: ${a}, blockedBy: ${b}) { success }`);
	assert.equal((await data(`{ getSession(sessionId: ${a}) { blockedBy } }`)).getSession.blockedBy, b);
	assert.equal(await failure(`reportSessionBlocked(sessionId: ${b}, blockedBy: ${a}) { success }`), "CONFLICT");
	await mutate(`reportSessionUnblocked(sessionId: ${a}) { success } a: completeQuery(sessionId: ${a}) { success }
		b: completeQuery(sessionId: ${b}) { success }`);
	assert.equal((await data(`{ getSession(sessionId: ${a}) { blockedBy } }`)).getSession.blockedBy, null);
});

test("an estimate over the plan's limit is refused before it starts", async () => {
	const id = await reeved.createSession(3);
	const { createPlanDirective } = await mutate("createPlanDirective(planId: 1, groupId: 3, maxEstExecTime: 10) { directiveId }");
	assert.equal(await failure(`startQuery(sessionId: ${id}, estimatedExecTimeSeconds: 11) { queued }`), "RESOURCE_EXHAUSTED");
	await mutate(`startQuery(sessionId: ${id}, estimatedExecTimeSeconds: 10) { queued } completeQuery(sessionId: ${id}) { success }
		updatePlanDirective(directiveId: ${createPlanDirective.directiveId}, changes: { maxEstExecTime: null }) { success }`);
});

test("session control is configured, all of it", async () => {
	await mutate(`configureSessionControl(globalSessionLimit: 500, defaultIdleTimeout: 900, defaultMaxExecutionTime: 800, idleMark: 60,
		executionTimeoutAction: TERMINATE_SESSION, autoTerminateEnabled: true, timeoutCheckerEnabled: true) { success }
		a: configureSessionControl(globalSessionLimit: null, defaultIdleTimeout: null) { success }`);
	assert.deepEqual((await data(`{ getSessionControlConfig { globalSessionLimit defaultIdleTimeout defaultMaxExecutionTime idleMark
		executionTimeoutAction autoTerminateEnabled timeoutCheckerEnabled } }`)).getSessionControlConfig,
	{ globalSessionLimit: null, defaultIdleTimeout: null, defaultMaxExecutionTime: 800, idleMark: 60,
		executionTimeoutAction: "TERMINATE_SESSION", autoTerminateEnabled: true, timeoutCheckerEnabled: true });
	await mutate("configureSessionControl(defaultMaxExecutionTime: null, executionTimeoutAction: CANCEL_QUERY) { success }");
});

test("the groups of a session, oldest first", async () => {
	const id = await reeved.createSession(2);
	await mutate(`switchSessionGroup(sessionId: ${id}, newGroupId: 3, reason: "Administrative") { success }
		b: switchSessionGroup(sessionId: ${id}, newGroupId: 4) { mapping { groupId previousGroupId } }`);
	assert.deepEqual((await data(`{ getSessionGroupHistory(sessionId: ${id}) { groupId previousGroupId switchReasonKind } }`))
		.getSessionGroupHistory, [
		{ groupId: 2, previousGroupId: null, switchReasonKind: "INITIAL" },
		{ groupId: 3, previousGroupId: 2, switchReasonKind: "ADMINISTRATIVE" },
		{ groupId: 4, previousGroupId: 3, switchReasonKind: "MANUAL" }]);
	assert.equal(await reeved.failure("{ getSessionGroupHistory(sessionId: 99999) { groupId } }"), "NOT_FOUND");
});

/* The manager */

test("statistics are of one moment and of all modules", async () => {
	const { getResourceStats: stats } = await data(`{ getResourceStats { cpuStats { runningTasks policy waitLatency { count } }
		ioStats { queueLatency { count } } memoryStats { currentUsage } parallelStats { maxTotalDop queueLatency { p50Us } }
		sessionStats { currentSessions currentActiveSessions } memoryPressureKind activePlanId takenAt uptimeSeconds
		groupStats { groupId groupName memoryUsed ioBandwidth iops dopInUse queuedSessions cpuUsagePercent } } }`);
	assert.deepEqual([stats.activePlanId, stats.memoryPressureKind, stats.parallelStats.maxTotalDop], [1, "NONE", 128]);
	assert.ok(stats.cpuStats.runningTasks <= stats.sessionStats.currentActiveSessions);
	assert.deepEqual(stats.groupStats.map((group) => group.groupId), [1, 2, 3, 4]);
	assert.ok(Math.abs(Date.parse(stats.takenAt) - Date.now()) < 60000);
	assert.deepEqual((await data("{ listConsumerGroupStats { groupId } }")).listConsumerGroupStats.length, 4);
});

test("settings of the whole change together or not at all", async () => {
	const config = () => data(`{ getResourceManagerConfig { maxDbMemory cpuPolicy ioPolicy memoryStrategy maxConcurrentIo maxTotalDop
		rebalancingInterval globalSessionLimit enabled enableMlPredictions revision } }`).then((d) => d.getResourceManagerConfig);
	const start = await config();
	assert.deepEqual({ ...start, revision: 0 }, { maxDbMemory: 8589934592, cpuPolicy: "CompletelyFair", ioPolicy: "CompletelyFair",
		memoryStrategy: "Automatic", maxConcurrentIo: 128, maxTotalDop: 128, rebalancingInterval: 60, globalSessionLimit: null,
		enabled: true, enableMlPredictions: false, revision: 0 });
	const { updateResourceManagerConfig } = await mutate(`updateResourceManagerConfig(changes: { cpuPolicy: WEIGHTED_FAIR_QUEUING,
		ioPolicy: BUDGET_FAIR, maxConcurrentIo: 64, memoryStrategy: HYBRID, rebalancingInterval: 30, globalSessionLimit: 900 },
		expectedRevision: ${start.revision}) { cpuPolicy ioPolicy maxConcurrentIo memoryStrategy rebalancingInterval globalSessionLimit }`);
	assert.deepEqual(updateResourceManagerConfig, { cpuPolicy: "WeightedFairQueuing", ioPolicy: "BudgetFair", maxConcurrentIo: 64,
		memoryStrategy: "Hybrid", rebalancingInterval: 30, globalSessionLimit: 900 });
	const before = await config();
	for (const [changes, code] of [["maxConcurrentIo: 32, maxTotalDop: 0", "INVALID_ARGUMENT"], ["maxTotalDop: 5, enabled: false", "INVALID_ARGUMENT"],
		["maxTotalDop: 5, enableMlPredictions: true", "INVALID_ARGUMENT"]])
		assert.equal(await failure(`updateResourceManagerConfig(changes: { ${changes} }) { enabled }`), code, changes);
	assert.equal(await failure("updateResourceManagerConfig(changes: { maxTotalDop: 5 }, expectedRevision: 1) { enabled }"), "STALE_REVISION");
	assert.deepEqual(await config(), before);
	await mutate(`updateResourceManagerConfig(changes: { cpuPolicy: COMPLETELY_FAIR, ioPolicy: COMPLETELY_FAIR, maxConcurrentIo: 128,
		memoryStrategy: AUTOMATIC, rebalancingInterval: 60, globalSessionLimit: null }) { enabled }`);
});

test("rebalancing reports what it did, and monitoring turns on and off", async () => {
	await mutate("registerCpuGroup(groupId: 3, shares: 77) { success } startResourceMonitoring { success } a: startResourceMonitoring { success }");
	const { rebalanceResources: report } = await mutate(`rebalanceResources { cpuRebalanced memoryAdjustmentsMade memoryRecommendations
		actions recommendations { poolId } takenAt }`);
	assert.deepEqual([report.memoryAdjustmentsMade, report.memoryRecommendations, report.recommendations], [false, 0, []]);
	await mutate("stopResourceMonitoring { success } unregisterCpuGroup(groupId: 3) { success }");
	const { getContainerLimits } = await data("{ getContainerLimits { detected cgroupVersion cpuQuota cpuSet memoryLimit memoryUsage cpuThrottledUs } }");
	assert.equal(getContainerLimits.detected, getContainerLimits.cgroupVersion !== null);
});

/* Events */

test("events tell what has happened, from a number on, of the kinds asked for", async () => {
	const list = (args) => data(`{ listResourceEvents(${args}) { sequence kind message groupId sessionId planId errorCode details } }`)
		.then((answer) => answer.listResourceEvents);
	const start = (await list("limit: 10000")).at(-1).sequence;
	const id = await reeved.createSession(3);
	const { createConsumerGroup: { groupId } } = await mutate('createConsumerGroup(name: "TOLD") { groupId }');
	await mutate(`switchSessionGroup(sessionId: ${id}, newGroupId: ${groupId}) { success } killSession(sessionId: ${id}) { success }`);
	const events = await list(`afterSequence: ${start}, kinds: [SESSION_CREATED, GROUP_CREATED, SESSION_SWITCHED, SESSION_TERMINATED]`);
	assert.deepEqual(events.map((event) => [event.kind, event.groupId, event.sessionId]), [["SESSION_CREATED", 3, id],
		["GROUP_CREATED", groupId, null], ["SESSION_SWITCHED", groupId, id], ["SESSION_TERMINATED", groupId, id]]);
	assert.ok(events[1].message.includes("TOLD") && events[1].details.text === "TOLD");
	assert.equal(events[2].details.object, 3);
	assert.ok(events.every((event, i) => i === 0 || event.sequence > events[i - 1].sequence));
	assert.equal((await list(`afterSequence: ${start}, limit: 1`)).length, 1);
	assert.deepEqual(await list("kinds: []"), []);
	assert.deepEqual(await list('afterSequence: "18446744073709551615"'), []);
	assert.equal(await reeved.failure("{ listResourceEvents(limit: 0) { sequence } }"), "INVALID_ARGUMENT");
});
