// CPU tasks, I/O, memory and parallel execution over GraphQL, as an outside engine drives them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

const data = (query, variables) => reeved.data(query, variables);
const mutate = (fields, variables) => data(`mutation { ${fields} }`, variables);
const failure = (fields) => reeved.failure(`mutation { ${fields} }`);

/* CPU */

test("a CPU task runs, yields, is suspended, and completes once", async () => {
	const { addCpuTask: { taskId } } = await mutate("addCpuTask(queryId: 5, groupId: 2) { taskId }");
	const { scheduleNextCpuTask: next } = await mutate("scheduleNextCpuTask { scheduled taskId sliceNs task { stateKind managed } }");
	assert.deepEqual([next.scheduled, next.taskId, next.task], [true, taskId, { stateKind: "RUNNING", managed: false }]);
	assert.equal(next.sliceNs, 100000000);
	await mutate(`yieldCpuTask(taskId: ${taskId}, cpuTimeNs: 5000000) { success }
		suspendCpuTask(taskId: ${taskId}, state: "SLEEPING") { success }`);
	assert.equal((await mutate("scheduleNextCpuTask { scheduled }")).scheduleNextCpuTask.scheduled, false);
	assert.equal(await failure(`suspendCpuTask(taskId: ${taskId}, state: "Waiting") { success }`), "INVALID_STATE");
	assert.deepEqual((await data(`{ listCpuTasks(filter: { state: SLEEPING, groupId: 2, queryId: 5 }) { taskId cpuTimeUsed } }`))
		.listCpuTasks, [{ taskId, cpuTimeUsed: 5000000 }]);
	await mutate(`resumeCpuTask(taskId: ${taskId}) { success } completeCpuTask(taskId: ${taskId}) { success }`);
	assert.equal(await failure(`completeCpuTask(taskId: ${taskId}) { success }`), "INVALID_STATE");
	assert.equal((await data("{ getCpuSchedulerStats { totalCpuTime } }")).getCpuSchedulerStats.totalCpuTime, 5000000);
});

test("a runaway is found once, and told with those of before", async () => {
	await mutate("configureCpuScheduler(runawayThresholdSeconds: 1, runawayThrottleFactor: 0.25, policy: FAIR_SHARE) { success }");
	const { addCpuTask: { taskId } } = await mutate("addCpuTask(queryId: 6, groupId: 3) { taskId }");
	await mutate(`updateCpuTask(taskId: ${taskId}, cpuTimeNs: 1500000000) { success }`);
	// The housekeeping of the server may have been there first.
	await data("{ detectRunawayQueries { count } }");
	const { detectRunawayQueries: again } = await data("{ detectRunawayQueries { taskIds count currentTaskIds actions } }");
	assert.deepEqual(again, { taskIds: [], count: 0, currentTaskIds: [taskId], actions: [] });
	const { getCpuTask, getCpuSchedulerConfig } = await data(`{ getCpuTask(taskId: ${taskId}) { isRunaway throttleFactor }
		getCpuSchedulerConfig { policy runawayThresholdSeconds runawayThrottleFactor quantumMs } }`);
	assert.deepEqual(getCpuTask, { isRunaway: true, throttleFactor: 0.25 });
	assert.deepEqual(getCpuSchedulerConfig, { policy: "FAIR_SHARE", runawayThresholdSeconds: 1,
		runawayThrottleFactor: 0.25, quantumMs: 100 });
	await mutate(`completeCpuTask(taskId: ${taskId}) { success }
		configureCpuScheduler(runawayThresholdSeconds: 300, policy: COMPLETELY_FAIR) { success }`);
});

test("CPU slots and waits have figures", async () => {
	const { getCpuCoreStats, getCpuSchedulerConfig, getCpuSchedulerStats } = await data(`{
		getCpuCoreStats { core cpuTimeUsed tasksScheduled contextSwitches isBusy taskId }
		getCpuSchedulerConfig { cores } getCpuSchedulerStats { policy waitLatency { count p99Us } } }`);
	assert.deepEqual(getCpuCoreStats.map((slot) => slot.core), [...Array(getCpuSchedulerConfig.cores).keys()]);
	assert.equal(getCpuSchedulerStats.policy, "COMPLETELY_FAIR");
	assert.equal(typeof getCpuSchedulerStats.waitLatency.count, "number");
});

/* I/O */

test("a group's I/O is limited, and nobody else's", async () => {
	// A byte a second: the first request runs on debt, and there is no second for an hour.
	await mutate("registerIoGroup(groupId: 3, bandwidthLimit: 1) { success }");
	const submit = async (group, more = "") => (await mutate(`submitIoRequest(groupId: ${group}, requestType: "SyncWrite",
		sizeBytes: 4096 ${more}) { requestId request { priorityKind requestTypeKind state managed target deadline } }`)).submitIoRequest;
	const first = await submit(3, ', target: "disk1", isSequential: true, priority: "HIGH"');
	assert.deepEqual({ ...first.request, deadline: typeof first.request.deadline }, { priorityKind: "HIGH",
		requestTypeKind: "SYNC_WRITE", state: "Queued", managed: false, target: "disk1", deadline: "string" });
	const second = await submit(3);
	const next = async () => (await data("{ scheduleNextIoRequest { scheduled requestId retryAfterUs request { state } } }"))
		.scheduleNextIoRequest;
	assert.deepEqual(await next(), { scheduled: true, requestId: first.requestId, retryAfterUs: null, request: { state: "Active" } });
	const none = await next();
	assert.deepEqual([none.scheduled, none.requestId, none.request], [false, null, null]);
	assert.ok(none.retryAfterUs > 1000000000, `${none.retryAfterUs} us`);
	const other = await submit(4);
	assert.equal((await next()).requestId, other.requestId);
	await mutate(`completeIoRequest(requestId: ${first.requestId}) { message }
		cancelIoRequest(requestId: ${second.requestId}) { success }
		completeIoRequest_: completeIoRequest(requestId: ${other.requestId}, bytesTransferred: 100, failure: "bad sector") { message }`);
	assert.equal(await failure(`completeIoRequest(requestId: ${first.requestId}) { success }`), "NOT_FOUND");
	const { getIoSchedulerStats, getIoGroupStats, listIoDeviceStats } = await data(`{
		getIoSchedulerStats { totalRequests completedRequests failedRequests cancelledRequests totalBytesWritten queuedRequests
			serviceLatency { count } }
		getIoGroupStats(groupId: 3) { totalOps totalBytes bandwidthLimit iopsTokens bandwidthTokens throttledRequests pendingRequests }
		listIoDeviceStats { target totalOps totalBytes } }`);
	assert.deepEqual({ ...getIoSchedulerStats, serviceLatency: null }, { totalRequests: 3, completedRequests: 1, failedRequests: 1,
		cancelledRequests: 1, totalBytesWritten: getIoSchedulerStats.totalBytesWritten, queuedRequests: 0, serviceLatency: null });
	assert.ok(getIoSchedulerStats.totalBytesWritten >= 4096);
	assert.deepEqual([getIoGroupStats.totalOps, getIoGroupStats.totalBytes, getIoGroupStats.bandwidthLimit,
		getIoGroupStats.iopsTokens, getIoGroupStats.throttledRequests, getIoGroupStats.pendingRequests],
	[1, 4096, 1, null, 1, 0]);
	assert.deepEqual(listIoDeviceStats, [{ target: "disk1", totalOps: 1, totalBytes: 4096 }]);
	await mutate("unregisterIoGroup(groupId: 3) { success }");
	assert.equal(await failure("unregisterIoGroup(groupId: 3) { success }"), "NOT_FOUND");
});

test("I/O requests are listed by what they are; settings stick", async () => {
	await mutate(`configureIoScheduler(policy: DEADLINE, maxConcurrentIo: 7, burstSeconds: 2.5) { success }
		setIoDefaultDeadline(requestType: READ, priority: IDLE, deadlineMs: 30) { success }
		a: setIoDefaultDeadline(requestType: READ, priority: HIGH) { success }
		submitIoRequest(groupId: 2, requestType: "read", sizeBytes: 1, priority: "idle") { requestId }`);
	assert.deepEqual((await data(`{ listIoRequests(filter: { priority: IDLE, state: QUEUED, groupId: 2 }) { sizeBytes } }`))
		.listIoRequests, [{ sizeBytes: 1 }]);
	const { getIoSchedulerConfig: config } = await data(`{ getIoSchedulerConfig { policy maxConcurrentIo burstSeconds
		ioParallelism defaultDeadlines { requestType priority deadlineMs } } }`);
	assert.deepEqual([config.policy, config.maxConcurrentIo, config.burstSeconds, config.ioParallelism],
		["DEADLINE", 7, 2.5, 32]);
	const deadline = (type, priority) => config.defaultDeadlines
		.find((row) => row.requestType === type && row.priority === priority).deadlineMs;
	assert.deepEqual([deadline("READ", "IDLE"), deadline("READ", "NORMAL"), deadline("METADATA", "REAL_TIME"),
		deadline("WRITE", "IDLE")], [30, 100, 12, null]);
});

/* Memory */

test("a pool is made, filled, refused, emptied, deleted", async () => {
	const { createMemoryPool: pool } = await mutate(`createMemoryPool(name: "SORT", poolType: "WORK_AREA", maxSize: 1000,
		minSize: 100, parentPoolId: 5) { id poolTypeKind parentPoolId maxSize minSize availableSize usagePercent targetSize }`);
	assert.deepEqual({ ...pool, id: 0 }, { id: 0, poolTypeKind: "WORK_AREA", parentPoolId: 5, maxSize: 1000, minSize: 100,
		availableSize: 1000, usagePercent: 0, targetSize: null });
	const allocate = (size) => `allocateFromMemoryPool(poolId: ${pool.id}, size: ${size}, tag: "t${size}")
		{ allocationId size poolId message }`;
	const { a, b } = await mutate(`a: ${allocate(600)} b: ${allocate(400)}`);
	assert.equal(await failure(allocate(1)), "RESOURCE_EXHAUSTED");
	assert.deepEqual((await data(`{ listMemoryAllocations(poolId: ${pool.id}) { id size tag sessionId } }`)).listMemoryAllocations,
		[{ id: a.allocationId, size: 600, tag: "t600", sessionId: null }, { id: b.allocationId, size: 400, tag: "t400", sessionId: null }]);
	assert.equal(await failure(`updateMemoryPool(poolId: ${pool.id}, maxSize: 500) { success }`), "CONFLICT");
	assert.equal(await failure(`deleteMemoryPool(poolId: ${pool.id}) { success }`), "CONFLICT");
	await mutate(`freeMemoryAllocation(allocationId: ${a.allocationId}) { success }`);
	assert.equal(await failure(`freeMemoryAllocation(allocationId: ${a.allocationId}) { success }`), "NOT_FOUND");
	assert.equal(await failure(`deallocateFromMemoryPool(poolId: ${pool.id}, size: 401) { success }`), "CONFLICT");
	await mutate(`deallocateFromMemoryPool(poolId: ${pool.id}, size: 400) { success }
		updateMemoryPool(poolId: ${pool.id}, maxSize: 500, autoTune: true) { success }`);
	assert.deepEqual((await data('{ getMemoryPoolByName(name: "SORT") { maxSize allocatedSize autoTune failedAllocations peakSize } }'))
		.getMemoryPoolByName, { maxSize: 500, allocatedSize: 0, autoTune: true, failedAllocations: 1, peakSize: 1000 });
	const { autoTuneMemoryPools: advice } = await data("{ autoTuneMemoryPools { poolId currentSize recommendedSize reason estimatedBenefit } }");
	assert.deepEqual([advice.length, advice[0].poolId, advice[0].currentSize, advice[0].recommendedSize, advice[0].estimatedBenefit],
		[1, pool.id, 500, 450, 3]);
	const { autoTuneMemoryPools: applied } = await mutate("autoTuneMemoryPools { applied { poolId recommendedSize } skipped { poolId } }");
	assert.deepEqual(applied, { applied: [{ poolId: pool.id, recommendedSize: 450 }], skipped: [] });
	await mutate(`deleteMemoryPool(poolId: ${pool.id}) { success }`);
	assert.equal(await failure("deleteMemoryPool(poolId: 2) { success }"), "PERMISSION_DENIED");
});

test("a session of an outside engine has a quota, and its group a limit", async () => {
	await mutate(`registerGroupMemoryLimits(groupId: 4, maxGroupMemory: 3000000, maxSessionPga: 2000000) { success }
		createSessionMemoryQuota(sessionId: 5001, groupId: 4, maxPgaMemory: 2000000, maxWorkArea: 500000) { success }
		b: createSessionMemoryQuota(sessionId: 5002, groupId: 4) { success }
		allocateSessionMemory(sessionId: 5001, size: 1500000) { success }
		w: allocateSessionMemory(sessionId: 5001, size: 400000, isWorkArea: true) { success }`);
	assert.equal(await failure("createSessionMemoryQuota(sessionId: 5003, groupId: 4, maxPgaMemory: 2000001) { success }"), "RESOURCE_EXHAUSTED");
	assert.equal(await failure("allocateSessionMemory(sessionId: 5001, size: 600000) { success }"), "RESOURCE_EXHAUSTED");
	assert.equal(await failure("allocateSessionMemory(sessionId: 5001, size: 200000, isWorkArea: true) { success }"), "RESOURCE_EXHAUSTED");
	assert.equal(await failure("allocateSessionMemory(sessionId: 5002, size: 1900000) { success }"), "RESOURCE_EXHAUSTED");
	assert.deepEqual((await data(`{ getSessionMemoryQuota(sessionId: 5001) { groupId maxPgaMemory currentPgaUsage maxWorkArea
		currentWorkArea totalUsage allocationCount peakUsage sessionRegistered } }`)).getSessionMemoryQuota,
	{ groupId: 4, maxPgaMemory: 2000000, currentPgaUsage: 1500000, maxWorkArea: 500000, currentWorkArea: 400000,
		totalUsage: 1900000, allocationCount: 2, peakUsage: 1900000, sessionRegistered: false });
	const { getGroupMemoryLimits: limits, listSessionMemoryQuotas: quotas } = await data(`{
		getGroupMemoryLimits(groupId: 4) { maxGroupMemory maxSessionPga currentTotalUsage activeSessions }
		listSessionMemoryQuotas(groupId: 4) { sessionId } }`);
	assert.deepEqual([limits.maxGroupMemory, limits.maxSessionPga, limits.activeSessions], [3000000, 2000000, 2]);
	assert.ok(limits.currentTotalUsage >= 1900000);
	assert.deepEqual(quotas.map((quota) => quota.sessionId), [5001, 5002]);
	await mutate(`deallocateSessionMemory(sessionId: 5001, size: 1500000) { success }
		removeSessionMemoryQuota(sessionId: 5001) { success } r: removeSessionMemoryQuota(sessionId: 5002) { success }
		unregisterGroupMemoryLimits(groupId: 4) { success }`);
	assert.equal(await reeved.failure("{ getSessionMemoryQuota(sessionId: 5001) { sessionId } }"), "NOT_FOUND");
	assert.equal(await failure("deallocateSessionMemory(sessionId: 5001, size: 1) { success }"), "NOT_FOUND");
});

test("pressure follows its thresholds", async () => {
	await mutate("configureMemoryPressure(low: 0.01, medium: 0.02, high: 0.03, critical: 0.9, hysteresis: 0) { success }");
	assert.equal(await failure("configureMemoryPressure(low: 0.5, medium: 0.2) { success }"), "INVALID_ARGUMENT");
	const { allocateFromMemoryPool: { allocationId } } = await mutate("allocateFromMemoryPool(poolId: 2, size: 215000000) { allocationId }");
	const { getMemoryPressure: pressure } = await data(`{ getMemoryPressure { level levelKind usagePercent
		thresholds { low critical hysteresis } } }`);
	assert.deepEqual(pressure.thresholds, { low: 0.01, critical: 0.9, hysteresis: 0 });
	assert.ok(pressure.usagePercent >= 2.5 && pressure.usagePercent < 2.6, `${pressure.usagePercent} %`);
	// A container that is in use itself may make it more.
	assert.ok(["Medium", "High"].includes(pressure.level), pressure.level);
	assert.equal(pressure.levelKind, pressure.level.toUpperCase());
	await mutate(`freeMemoryAllocation(allocationId: ${allocationId}) { success }
		configureMemoryPressure(low: 0.6, medium: 0.75, high: 0.85, critical: 0.95, hysteresis: 0.02) { success }`);
	assert.equal((await data("{ getMemoryPressure { level } }")).getMemoryPressure.level, "None");
});

/* Parallel execution */

test("a pool of servers, and what they do", async () => {
	const { createServerPool: { pool } } = await mutate(`createServerPool(name: "Q", minServers: 4, maxServers: 4,
		assignedGroups: [2, 3], idleServerTimeout: 60) { pool { poolId currentServers idleServers assignedGroups idleServerTimeout
			servers { stateKind poolId } } }`);
	assert.deepEqual({ ...pool, poolId: 0, servers: pool.servers.length }, { poolId: 0, currentServers: 4, idleServers: 4,
		assignedGroups: [2, 3], idleServerTimeout: 60, servers: 4 });
	const request = async (more) => (await mutate(`requestParallelExecution(sessionId: 9001, groupId: 2, ${more}) {
		queryId grantedDop queued downgraded execution { stateKind allocatedServers queuePosition } }`)).requestParallelExecution;
	const first = await request('requestedDop: 3, mode: "MANUAL"');
	assert.deepEqual([first.grantedDop, first.queued, first.execution.allocatedServers.length], [3, false, 3]);
	const second = await request('requestedDop: 4, mode: "MANUAL", priority: 7, startDeadlineMs: 600000');
	assert.deepEqual([second.grantedDop, second.queued, second.execution.stateKind, second.execution.queuePosition], [0, true, "QUEUED", 1]);
	assert.deepEqual((await data("{ listQueuedParallelExecutions { queryId priority requestedDop deadline } }"))
		.listQueuedParallelExecutions.map(({ deadline, ...row }) => row), [{ queryId: second.queryId, priority: 7, requestedDop: 4 }]);
	assert.equal((await data(`{ listParallelServers(poolId: ${pool.poolId}, state: IDLE) { serverId } }`)).listParallelServers.length, 1);
	assert.equal(await failure(`deleteServerPool(poolId: ${pool.poolId}) { success }`), "CONFLICT");
	await mutate(`reportParallelProgress(queryId: ${first.queryId}, rowsProcessed: 10, bytesProcessed: 99) { success }
		completeParallelExecution(queryId: ${first.queryId}, rowsProcessed: 12) { success }`);
	assert.equal(await failure(`completeParallelExecution(queryId: ${first.queryId}) { success }`), "INVALID_STATE");
	const { a, b } = await data(`{ a: getParallelExecution(queryId: ${first.queryId}) { state rowsProcessed bytesProcessed }
		b: getParallelExecution(queryId: ${second.queryId}) { grantedDop sessionId modeKind } }`);
	assert.deepEqual(a, { state: "Completed", rowsProcessed: 12, bytesProcessed: 99 });
	assert.deepEqual(b, { grantedDop: 4, sessionId: 9001, modeKind: "MANUAL" });
	await mutate(`cancelParallelExecution(queryId: ${second.queryId}) { success }
		updateServerPool(poolId: ${pool.poolId}, minServers: 0, name: "R", assignedGroups: null) { success }`);
	assert.deepEqual((await data("{ listServerPools { name minServers maxServers assignedGroups } }")).listServerPools,
		[{ name: "R", minServers: 0, maxServers: 4, assignedGroups: [] }]);
	await mutate(`deleteServerPool(poolId: ${pool.poolId}) { success }`);
});

test("a degree is explained, limited by its group, and counted", async () => {
	await mutate("updateSystemLoad(load: 0.9) { success } setGroupDopLimit(groupId: 3, limit: 2, serverLimit: 6) { success }");
	assert.equal((await data("{ getSystemLoad }")).getSystemLoad, 0.9);
	const { calculateAutoDop } = await data("{ calculateAutoDop(groupId: 3, estimatedCost: 1e6) { dop steps } }");
	assert.ok(calculateAutoDop.dop <= 2 && calculateAutoDop.steps.length >= 2, JSON.stringify(calculateAutoDop));
	assert.ok(calculateAutoDop.steps.some((step) => step.includes("load")), JSON.stringify(calculateAutoDop.steps));
	assert.deepEqual(await data("{ getGroupDopLimit(groupId: 3) { limit serverLimit dopInUse } none: getGroupDopLimit(groupId: 4) { limit } }"),
		{ getGroupDopLimit: { limit: 2, serverLimit: 6, dopInUse: 0 }, none: null });
	const { requestParallelExecution } = await mutate(`requestParallelExecution(sessionId: 9002, groupId: 3, requestedDop: 8,
		mode: "manual", allowDowngrade: true) { grantedDop downgraded queryId }`);
	assert.deepEqual([requestParallelExecution.grantedDop, requestParallelExecution.downgraded], [2, true]);
	await mutate(`completeParallelExecution(queryId: ${requestParallelExecution.queryId}, failure: "no") { success }
		removeGroupDopLimit(groupId: 3) { success }
		configureParallelExecution(maxTotalDop: 12, ioParallelism: 6, defaultQueueTimeout: 5) { success }
		setParallelDowngradeEnabled(enabled: false) { success }`);
	assert.deepEqual((await data("{ getParallelConfig { maxTotalDop ioParallelism downgradeEnabled defaultQueueTimeout } }")).getParallelConfig,
		{ maxTotalDop: 12, ioParallelism: 6, downgradeEnabled: false, defaultQueueTimeout: 5 });
	assert.equal(await failure("requestParallelExecution(sessionId: 1, groupId: 2, requestedDop: 13, mode: \"MANUAL\") { queryId }"),
		"RESOURCE_EXHAUSTED");
});
