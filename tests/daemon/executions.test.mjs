// Queries admitted to everything at once, over GraphQL and REST.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

const data = (query) => reeved.data(query);
const mutate = (fields) => data(`mutation { ${fields} }`);
const failure = (fields) => reeved.failure(`mutation { ${fields} }`);
const ALL = `executionId sessionId queryId groupId taskId grantedDop state stateKind queued queuePosition
	startedAt completedAt cpuTimeUsed ioBytes ioRequests memoryUsed failure`;
const execute = async (id, rest = "") => (await mutate(`executeQuery(sessionId: ${id} ${rest}) { ${ALL} }`)).executeQuery;
const get = async (id) => (await data(`{ getQueryExecution(executionId: ${id}) { ${ALL} } }`)).getQueryExecution;

// Resolves when the execution has come to that state, by itself.
async function until(id, state) {
	for (let i = 0; i < 400; i++) {
		const { listQueryExecutions } = await data("{ listQueryExecutions(includeEnded: true) { executionId state } }");
		if (listQueryExecutions.find((row) => row.executionId === id)?.state === state)
			return;
		await new Promise((resolve) => setTimeout(resolve, 25));
	}
	assert.fail(`execution ${id} never came to be ${state}`);
}

test("a query gets everything, and gives it back", async () => {
	const id = await reeved.createSession(2);
	const x = await execute(id, `, parallelMode: "Manual", requestedDop: 4, workAreaBytes: 1048576, estimatedExecTimeSeconds: 5`);
	assert.deepEqual([x.sessionId, x.groupId, x.grantedDop, x.state, x.stateKind, x.queued, x.memoryUsed, x.failure],
		[id, 2, 4, "Executing", "EXECUTING", false, 1048576, null]);
	assert.ok(x.queryId > 0 && x.taskId > 0 && x.startedAt, JSON.stringify(x));
	assert.equal((await reeved.session(id)).state, "Active");
	const { getCpuTask, getParallelExecution } = await data(`{
		getCpuTask(taskId: ${x.taskId}) { queryId groupId sessionId managed }
		getParallelExecution(queryId: ${x.queryId}) { sessionId grantedDop state } }`);
	assert.deepEqual(getCpuTask, { queryId: x.executionId, groupId: 2, sessionId: id, managed: false });
	assert.deepEqual(getParallelExecution, { sessionId: id, grantedDop: 4, state: "Executing" });
	const { submitIoRequest } = await mutate(`updateCpuTask(taskId: ${x.taskId}, cpuTimeNs: 5000000) { success }
		submitIoRequest(groupId: 2, requestType: "Read", sizeBytes: 4096, executionId: ${x.executionId}) { requestId }`);
	await mutate("scheduleNextIoRequest { scheduled }");
	await mutate(`completeIoRequest(requestId: ${submitIoRequest.requestId}, bytesTransferred: 4096) { success }`);
	assert.equal(await failure(`submitIoRequest(groupId: 3, requestType: "Read", sizeBytes: 1, executionId: ${x.executionId}) { requestId }`), "CONFLICT");
	assert.equal(await failure(`completeCpuTask(taskId: ${x.taskId}) { success }`), "INVALID_STATE");
	assert.equal(await failure(`executeQuery(sessionId: ${id}) { state }`), "INVALID_STATE");
	await mutate(`completeQueryExecution(executionId: ${x.executionId}) { success message }`);
	const over = await get(x.executionId);
	assert.deepEqual([over.state, over.cpuTimeUsed, over.ioBytes, over.ioRequests, over.memoryUsed],
		["Completed", 5000000, 4096, 1, 0]);
	const { getSession, getParallelExecutionStats, getSessionMemoryQuota } = await data(`{
		getSession(sessionId: ${id}) { state totalQueries }
		getParallelExecutionStats { currentTotalDop }
		getSessionMemoryQuota(sessionId: ${id}) { currentWorkArea } }`);
	assert.deepEqual(getSession, { state: "Inactive", totalQueries: 1 });
	assert.deepEqual([getParallelExecutionStats.currentTotalDop, getSessionMemoryQuota.currentWorkArea], [0, 0]);
	assert.equal(await reeved.failure(`{ getCpuTask(taskId: ${x.taskId}) { taskId } }`), "NOT_FOUND");
	assert.equal(await failure(`completeQueryExecution(executionId: ${x.executionId}) { success }`), "INVALID_STATE");
});

test("what is refused leaves nothing", async () => {
	const id = await reeved.createSession(2);
	for (const [rest, code] of [
		[', parallelMode: "Serial", requestedDop: 2', "INVALID_ARGUMENT"],
		[', parallelMode: "Sideways"', "INVALID_ARGUMENT"],
		[', parallelMode: "Manual"', "INVALID_ARGUMENT"],
		[', parallelMode: "Manual", requestedDop: 99999', "INVALID_ARGUMENT"],
		[', parallelMode: "Manual", requestedDop: 4000', "RESOURCE_EXHAUSTED"],
		[", estimatedCost: -1", "INVALID_ARGUMENT"],
		[', parallelMode: "Manual", requestedDop: 2, workAreaBytes: 4611686018427387904', "RESOURCE_EXHAUSTED"]])
		assert.equal(await failure(`executeQuery(sessionId: ${id} ${rest}) { state }`), code, rest);
	assert.equal(await failure("executeQuery(sessionId: 99999) { state }"), "NOT_FOUND");
	assert.equal(await failure("completeQueryExecution(executionId: 99999) { success }"), "NOT_FOUND");
	assert.equal(await reeved.failure("{ getQueryExecution(executionId: 99999) { state } }"), "NOT_FOUND");
	const { getSession, getParallelExecutionStats, listQueryExecutions } = await data(`{
		getSession(sessionId: ${id}) { state } getParallelExecutionStats { currentTotalDop }
		listQueryExecutions { executionId } }`);
	assert.deepEqual([getSession.state, getParallelExecutionStats.currentTotalDop, listQueryExecutions], ["Inactive", 0, []]);
});

test("one that is queued goes on by itself, and ends with its session", async () => {
	await mutate("configureGroupSessionPool(groupId: 3, maxActiveSessions: 1, queueTimeout: 3600) { success }");
	const [a, b] = [await reeved.createSession(3), await reeved.createSession(3)];
	const first = await execute(a), second = await execute(b, ', parallelMode: "Manual", requestedDop: 2');
	assert.deepEqual([first.state, first.grantedDop, first.queryId], ["Executing", 1, 0]);
	assert.deepEqual([second.state, second.queued, second.queuePosition, second.taskId, second.grantedDop],
		["Queued", true, 1, 0, 0]);
	await mutate(`completeQueryExecution(executionId: ${first.executionId}, failure: "disk on fire") { success }`);
	assert.deepEqual([(await get(first.executionId)).state, (await get(first.executionId)).failure], ["Failed", "disk on fire"]);
	await until(second.executionId, "Executing"); // reeved's own tick
	const { listQueryExecutions } = await data(`{ listQueryExecutions(sessionId: ${b}, groupId: 3) { executionId grantedDop } }`);
	assert.deepEqual(listQueryExecutions, [{ executionId: second.executionId, grantedDop: 2 }]);
	await mutate(`killSession(sessionId: ${b}) { success }`);
	const killed = await get(second.executionId);
	assert.deepEqual([killed.state, killed.failure], ["Failed", "its session has ended"]);
	assert.equal((await data("{ getParallelExecutionStats { currentTotalDop } }")).getParallelExecutionStats.currentTotalDop, 0);
	await mutate("removeGroupSessionPool(groupId: 3) { success }");
});

test("the same over REST", async () => {
	const id = await reeved.createSession(2);
	const url = "/api/v1/queries";
	const post = (path, body) => reeved.fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
	const made = await post("", { sessionId: id, parallelMode: "Adaptive", requestedDop: 2 });
	const query = await made.json();
	assert.equal(made.status, 201, JSON.stringify(query));
	assert.equal(made.headers.get("location"), `${url}/${query.executionId}`);
	assert.equal((await (await reeved.fetch(`${url}/${query.executionId}`)).json()).state, "Executing");
	const list = await (await reeved.fetch(`${url}?sessionId=${id}`)).text();
	assert.ok(list.includes(`"executionId":${query.executionId}`), list);
	assert.equal((await post(`/${query.executionId}/complete`, {})).status, 200);
	assert.equal((await post(`/${query.executionId}/complete`, {})).status, 409);
	assert.equal((await post("", { sessionId: 99999 })).status, 404);
});

test("totals start anew for readers, and metrics go on", async () => {
	const totals = "getSessionStats { totalSessionsCreated queriesAdmitted currentSessions }";
	const metric = async () => Number(/^reeve_sessions_opened_total (\d+)/m.exec(await (await reeved.fetch("/metrics")).text())[1]);
	const before = (await data(`{ ${totals} getResourceStats { totalsSince takenAt } }`));
	assert.ok(before.getSessionStats.totalSessionsCreated > 0 && before.getSessionStats.queriesAdmitted > 0);
	assert.ok(before.getResourceStats.totalsSince <= before.getResourceStats.takenAt);
	const opened = await metric();
	await mutate("resetStatistics { success message }");
	const after = await data(`{ ${totals} getResourceStats { totalsSince sessionStats { totalSessionsCreated } cpuStats { totalScheduled }
		ioStats { totalRequests } parallelStats { totalParallelQueries } memoryStats { totalAllocations } } }`);
	assert.deepEqual(after.getSessionStats, { totalSessionsCreated: 0, queriesAdmitted: 0, currentSessions: before.getSessionStats.currentSessions });
	const { totalsSince, sessionStats, cpuStats, ioStats, parallelStats, memoryStats } = after.getResourceStats;
	assert.ok(totalsSince >= before.getResourceStats.takenAt, totalsSince);
	assert.deepEqual([sessionStats.totalSessionsCreated, cpuStats.totalScheduled, ioStats.totalRequests,
		parallelStats.totalParallelQueries, memoryStats.totalAllocations], [0, 0, 0, 0, 0]);
	await reeved.createSession(2);
	assert.equal((await data(`{ ${totals} }`)).getSessionStats.totalSessionsCreated, 1);
	assert.equal(await metric(), opened + 1);
	assert.equal((await reeved.fetch("/api/v1/stats/reset", { method: "POST" })).status, 200);
	assert.equal((await data(`{ ${totals} }`)).getSessionStats.totalSessionsCreated, 0);
});

test("what limits have ended counts in its group; the server's zone has a name", async () => {
	const count = async () => (await data("{ getConsumerGroupStats(groupId: 4) { limitActions } }")).getConsumerGroupStats.limitActions;
	const [idle, busy] = [await reeved.createSession(4), await reeved.createSession(4)], before = await count();
	await mutate(`a: setSessionLimits(sessionId: ${idle}, idleTimeout: 1) { success }
		b: setSessionLimits(sessionId: ${busy}, maxExecutionTime: 1) { success }`);
	const x = await execute(busy);
	for (let i = 0; i < 400 && (await count()) < before + 2; i++)
		await new Promise((resolve) => setTimeout(resolve, 25));
	assert.equal(await count(), before + 2);
	assert.deepEqual([(await get(x.executionId)).state, (await get(x.executionId)).failure], ["Failed", "the statement was out of time"]);
	assert.equal((await reeved.session(idle)).state, "Terminated");
	const { serverInfo, addCpuTask } = await data("mutation { addCpuTask(queryId: 1, groupId: 2, priority: 5) { task { taskId priority effectivePriority } } }")
		.then(async (made) => ({ ...made, ...(await data("{ serverInfo { timeZone } }")) }));
	assert.deepEqual([addCpuTask.task.priority, addCpuTask.task.effectivePriority], [5, 5]);
	assert.match(serverInfo.timeZone, /^(UTC([+-]\d{4})?|[A-Za-z_]+\/[A-Za-z_/+-]+)$/);
	await mutate(`completeCpuTask(taskId: ${addCpuTask.task.taskId}) { success }`);
});
