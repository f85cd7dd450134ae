// The operations beside the ones clients rely on: updates, filters, pages, tasks, settings.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

test("a group from an input object has what was given, and the defaults", async () => {
	const data = await reeved.data(`mutation { defineConsumerGroup(input: {
		name: "REPORTS", description: "long ones", category: ANALYTICS, maxSessions: 5,
		maxExecutionTime: 60, cpuAllocationPct: 20 }) {
		groupId group { name description priority category categoryKind customCategory maxSessions
			maxExecutionTime cpuAllocationPct isActive isSystem isDefault currentSessions
			cpu { groupId activeTasks } sessions { sessionId } } } }`);
	assert.deepEqual(data.defineConsumerGroup.group, {
		name: "REPORTS", description: "long ones", priority: 3, category: "Analytics",
		categoryKind: "ANALYTICS", customCategory: null, maxSessions: 5, maxExecutionTime: 60,
		cpuAllocationPct: 20, isActive: true, isSystem: false, isDefault: false, currentSessions: 0,
		cpu: { groupId: data.defineConsumerGroup.groupId, activeTasks: 0 }, sessions: [] });
});

test("an update leaves what is omitted, and null takes a limit away", async () => {
	const id = (await reeved.data(`mutation { createConsumerGroup(name: "LIMITED", maxSessions: 7,
		maxExecutionTime: 9, description: "d") { groupId } }`)).createConsumerGroup.groupId;
	const read = `query($id: UInt64!) { getConsumerGroup(groupId: $id) {
		description maxSessions maxExecutionTime priority revision } }`;
	await reeved.data(`mutation { updateConsumerGroup(groupId: ${id}, maxSessions: null, priority: 5) { success } }`);
	let group = (await reeved.data(read, { id })).getConsumerGroup;
	const revision = group.revision;
	delete group.revision;
	assert.deepEqual(group, { description: "d", maxSessions: null, maxExecutionTime: 9, priority: 5 });
	await reeved.data(`mutation { updateConsumerGroup(groupId: ${id}, description: null,
		expectedRevision: ${revision}) { success revision } }`);
	group = (await reeved.data(read, { id })).getConsumerGroup;
	assert.equal(group.description, null);
	assert.ok(group.revision > revision);
	assert.equal(await reeved.failure(`mutation { updateConsumerGroup(groupId: ${id}, priority: 1,
		expectedRevision: ${revision}) { success } }`), "STALE_REVISION");
	for (const field of ["name", "priority", "category", "cpuAllocationPct", "isActive"])
		assert.equal(await reeved.failure(
			`mutation { updateConsumerGroup(groupId: ${id}, ${field}: null) { success } }`),
		"INVALID_ARGUMENT", field);
});

test("values out of range are refused by name, and burn no id", async () => {
	const create = async (name) => (await reeved.data(
		`mutation { createConsumerGroup(name: "${name}") { groupId } }`)).createConsumerGroup.groupId;
	const before = await create("BEFORE");
	for (const argument of ["priority: 8", "priority: -1", "cpuAllocationPct: 101", 'category: "Nonsense"',
		"maxSessions: -1", "maxExecutionTime: 18446744073709551615"])
		assert.equal(await reeved.failure(
			`mutation { createConsumerGroup(name: "BAD", ${argument}) { groupId } }`),
		"INVALID_ARGUMENT", argument);
	assert.equal(await create("AFTER"), before + 1);
	const { body } = await reeved.graphql(`mutation { createConsumerGroup(name: "BAD", priority: 8) { groupId } }`);
	assert.match(body.errors[0].message, /priority.*8.*7/);
});

test("compatibility names are read without regard to case, underscores and hyphens", async () => {
	for (const [i, category] of ["batch", "BATCH", "Bat-ch", "b_a_t_c_h"].entries()) {
		const data = await reeved.data(`mutation { createConsumerGroup(name: "CASE${i}",
			category: "${category}") { group { category } } }`);
		assert.equal(data.createConsumerGroup.group.category, "Batch");
	}
});

test("lists are filtered and paged by id", async () => {
	const all = (await reeved.data("{ listConsumerGroups { id } }")).listConsumerGroups.map((g) => g.id);
	assert.deepEqual(all, [...all].sort((a, b) => a - b));
	const paged = [];
	for (let afterId = 0; ;) {
		const page = (await reeved.data(`query($afterId: UInt64) {
			listConsumerGroups(page: { afterId: $afterId, limit: 3 }) { id } }`,
		{ afterId })).listConsumerGroups;
		assert.ok(page.length <= 3);
		if (page.length === 0)
			break;
		paged.push(...page.map((g) => g.id));
		afterId = paged.at(-1);
	}
	assert.deepEqual(paged, all);
	const filtered = await reeved.data(`{ listConsumerGroups(filter: { isSystem: true, priorityAtMost: 3 }) { name } }`);
	assert.deepEqual(filtered.listConsumerGroups.map((g) => g.name), ["SYS_GROUP", "INTERACTIVE_GROUP"]);
	assert.equal(await reeved.failure("{ listConsumerGroups(page: { limit: 0 }) { id } }"), "INVALID_ARGUMENT");
});

test("a plan with directives is validated, activated, measured, deactivated", async () => {
	const plan = (await reeved.data(`mutation { createResourcePlan(name: "THREE_TO_ONE", cpuMethod: "shares",
		description: "3:1", maxUtilizationLimit: 90) { planId plan { cpuMethodKind maxUtilizationLimit
		directives { id } statusKind } } }`)).createResourcePlan;
	assert.deepEqual(plan.plan, { cpuMethodKind: "SHARES", maxUtilizationLimit: 90, directives: [], statusKind: "INACTIVE" });
	const set = async (group, shares) => (await reeved.data(`mutation { createPlanDirective(planId: ${plan.planId},
		groupId: ${group}, cpuShares: ${shares}) { directiveId directive { cpuShares cpuPct cpuLevel
		cpuUtilizationLimit group { id } } } }`)).createPlanDirective;
	const first = await set(2, 750);
	assert.deepEqual(first.directive, { cpuShares: 750, cpuPct: null, cpuLevel: 1, cpuUtilizationLimit: null, group: { id: 2 } });
	await set(3, 250);
	assert.equal((await set(2, 700)).directiveId, first.directiveId, "merged into the one there is");
	await reeved.data(`mutation { updatePlanDirective(directiveId: ${first.directiveId},
		changes: { cpuShares: 750, cpuUtilizationLimit: 50 }) { success } }`);
	const directive = (await reeved.data(`{ getPlanDirective(directiveId: ${first.directiveId}) {
		cpuShares cpuUtilizationLimit } }`)).getPlanDirective;
	assert.deepEqual(directive, { cpuShares: 750, cpuUtilizationLimit: 50 });
	await reeved.data(`mutation { updatePlanDirective(directiveId: ${first.directiveId},
		changes: { cpuUtilizationLimit: null }) { success } }`);
	const { validateResourcePlan } = await reeved.data(`{ validateResourcePlan(planId: ${plan.planId}) {
		isValid problems messages { severity text planId } } }`);
	assert.equal(validateResourcePlan.isValid, true);
	assert.deepEqual(validateResourcePlan.problems, []);
	await reeved.data(`mutation { activateResourcePlan(planId: ${plan.planId}) { success } }`);
	assert.equal((await reeved.data("{ getActiveResourcePlan { id } }")).getActiveResourcePlan.id, plan.planId);
	const { getEffectiveAllocations } = await reeved.data(
		"{ getEffectiveAllocations { groupId cpuSharePercent cpuLimitPercent directive { id } } }");
	const of = (group) => getEffectiveAllocations.find((a) => a.groupId === group);
	assert.ok(Math.abs(of(2).cpuSharePercent / of(3).cpuSharePercent - 3) < 0.01, JSON.stringify(getEffectiveAllocations));
	assert.equal(of(2).directive.id, first.directiveId);
	await reeved.data("mutation { deactivateResourcePlan { success } }");
	assert.equal((await reeved.data("{ getActiveResourcePlan { id } }")).getActiveResourcePlan.id, 1);
	await reeved.data(`mutation { deletePlanDirective(directiveId: ${first.directiveId}) { success } }`);
	assert.equal(await reeved.failure(`{ getPlanDirective(directiveId: ${first.directiveId}) { id } }`), "NOT_FOUND");
	assert.equal(await reeved.failure("{ getResourcePlanDirectives(planId: 99999) { id } }"), "NOT_FOUND");
});

test("a disabled plan is not activated, and the active one not disabled", async () => {
	const { planId } = (await reeved.data(`mutation { createResourcePlan(name: "OFF", isEnabled: false) {
		planId } }`)).createResourcePlan;
	assert.equal(await reeved.failure(`mutation { activateResourcePlan(planId: ${planId}) { success } }`), "CONFIGURATION");
	assert.equal(await reeved.failure("mutation { updateResourcePlan(planId: 1, isEnabled: false) { success } }"), "CONFLICT");
	assert.equal(await reeved.failure('mutation { updateResourcePlan(planId: 1, name: "X") { success } }'), "PERMISSION_DENIED");
});

test("an emphasis plan over 100 percent is in error, and is not activated", async () => {
	const { planId } = (await reeved.data(`mutation { createResourcePlan(name: "TOO_MUCH", cpuMethod: "EMPHASIS") {
		planId } }`)).createResourcePlan;
	for (const group of [2, 3])
		await reeved.data(`mutation { createPlanDirective(planId: ${planId}, groupId: ${group}, cpuPct: 60) { directiveId } }`);
	const { validateResourcePlan } = await reeved.data(`{ validateResourcePlan(planId: ${planId}) {
		isValid problems messages { severity } } }`);
	assert.equal(validateResourcePlan.isValid, false);
	assert.ok(validateResourcePlan.problems.length > 0);
	assert.ok(validateResourcePlan.messages.some((m) => m.severity === "ERROR"));
	assert.equal(await reeved.failure(`mutation { activateResourcePlan(planId: ${planId}) { success } }`), "CONFIGURATION");
});

test("a task goes through its life by hand", async () => {
	const { addCpuTask } = await reeved.data(`mutation { addCpuTask(queryId: 9007199254740991, groupId: 3) {
		taskId task { queryId groupId sessionId priority state stateKind managed isRunaway throttleFactor cpuTimeUsed } } }`);
	assert.deepEqual(addCpuTask.task, { queryId: 9007199254740991, groupId: 3, sessionId: null, priority: 3,
		state: "Ready", stateKind: "READY", managed: false, isRunaway: false, throttleFactor: 1, cpuTimeUsed: 0 });
	const id = addCpuTask.taskId;
	const next = (await reeved.data("mutation { scheduleNextCpuTask { scheduled taskId sliceNs task { stateKind } } }")).scheduleNextCpuTask;
	assert.equal(next.scheduled, true);
	assert.equal(next.taskId, id);
	assert.equal(next.task.stateKind, "RUNNING");
	assert.ok(next.sliceNs > 0);
	assert.deepEqual((await reeved.data("mutation { scheduleNextCpuTask { scheduled taskId task { taskId } sliceNs } }")).scheduleNextCpuTask,
		{ scheduled: false, taskId: null, task: null, sliceNs: null });
	await reeved.data(`mutation { updateCpuTask(taskId: ${id}, cpuTimeNs: 1000000) { success } }`);
	await reeved.data(`mutation { yieldCpuTask(taskId: ${id}, cpuTimeNs: 500000) { success } }`);
	const task = (await reeved.data(`{ getCpuTask(taskId: ${id}) { cpuTimeUsed stateKind scheduleCount } }`)).getCpuTask;
	assert.deepEqual(task, { cpuTimeUsed: 1500000, stateKind: "READY", scheduleCount: 1 });
	const list = await reeved.data("{ listCpuTasks(filter: { groupId: 3, state: READY }) { taskId } none: listCpuTasks(filter: { groupId: 4 }) { taskId } }");
	assert.deepEqual(list, { listCpuTasks: [{ taskId: id }], none: [] });
	await reeved.data(`mutation { completeCpuTask(taskId: ${id}) { success } }`);
	assert.equal(await reeved.failure(`{ getCpuTask(taskId: ${id}) { taskId } }`), "NOT_FOUND");
	assert.equal(await reeved.failure(`mutation { addCpuTask(queryId: 1, groupId: 99999) { taskId } }`), "NOT_FOUND");
});

test("the CPU scheduler is configured in parts", async () => {
	await reeved.data("mutation { configureCpuScheduler(quantumMs: 10, runawayThrottleFactor: 0.25) { success } }");
	const config = "{ getCpuSchedulerConfig { quantumMs runawayDetectionEnabled runawayThresholdSeconds runawayThrottleFactor } }";
	assert.deepEqual((await reeved.data(config)).getCpuSchedulerConfig,
		{ quantumMs: 10, runawayDetectionEnabled: true, runawayThresholdSeconds: 300, runawayThrottleFactor: 0.25 });
	for (const argument of ["quantumMs: 0", "quantumMs: 1001", "quantumMs: null", "runawayThrottleFactor: 0.05",
		"runawayThrottleFactor: 1.5", "runawayThresholdSeconds: -1"])
		assert.equal(await reeved.failure(`mutation { configureCpuScheduler(${argument}) { success } }`),
			"INVALID_ARGUMENT", argument);
	assert.equal((await reeved.data(config)).getCpuSchedulerConfig.quantumMs, 10);
});

test("a registration is shown, and ends", async () => {
	await reeved.data("mutation { registerCpuGroup(groupId: 4, shares: 50, limitPercent: 30) { success } }");
	const { getCpuGroupStats } = await reeved.data("{ getCpuGroupStats(groupId: 4) { shares limitPercent entitledPercent usagePercent } }");
	assert.equal(getCpuGroupStats.shares, 50);
	assert.equal(getCpuGroupStats.limitPercent, 30);
	await reeved.data("mutation { unregisterCpuGroup(groupId: 4) { success } }");
	assert.equal(await reeved.failure("mutation { unregisterCpuGroup(groupId: 4) { success } }"), "NOT_FOUND");
});

test("users are mapped, and sessions follow the mapping or the default", async () => {
	await reeved.data('mutation { mapUserToGroup(userId: 55, username: "mapped", groupId: 3, isPermanent: false) { success } }');
	const create = (user) => reeved.data(`mutation { createSession(userId: ${user}, username: "u", programName: "psql",
		machineName: "host", priority: "HIGH") { assignedBy session { groupId programName serviceName priorityKind
		isX: stateKind } } }`).then((d) => d.createSession);
	const mapped = await create(55);
	assert.equal(mapped.assignedBy, "Mapping");
	assert.deepEqual(mapped.session, { groupId: 3, programName: "psql", serviceName: null, priorityKind: "HIGH", isX: "INACTIVE" });
	const unmapped = await create(56);
	assert.equal(unmapped.assignedBy, "Default");
	assert.equal(unmapped.session.groupId, 2);
	assert.equal((await reeved.data("{ getDefaultConsumerGroup { id } }")).getDefaultConsumerGroup.id, 2);
	const { getUserGroupMapping, listUserGroupMappings } = await reeved.data(`{
		getUserGroupMapping(userId: 55) { username groupId group { name } isPermanent }
		listUserGroupMappings(groupId: 3) { userId } }`);
	assert.deepEqual(getUserGroupMapping, { username: "mapped", groupId: 3, group: { name: "BATCH_GROUP" }, isPermanent: false });
	assert.deepEqual(listUserGroupMappings, [{ userId: 55 }]);
	await reeved.data("mutation { unmapUser(userId: 55) { success } }");
	assert.equal(await reeved.failure("{ getUserGroupMapping(userId: 55) { userId } }"), "NOT_FOUND");
	assert.equal(await reeved.failure('mutation { createSession(userId: 1, username: "u", groupId: 99999) { sessionId } }'), "NOT_FOUND");
});

test("a full or inactive group refuses sessions", async () => {
	const { groupId } = (await reeved.data('mutation { createConsumerGroup(name: "ONE", maxSessions: 1) { groupId } }')).createConsumerGroup;
	await reeved.createSession(groupId);
	const another = `mutation { createSession(userId: 1, username: "u", groupId: ${groupId}) { sessionId } }`;
	assert.equal(await reeved.failure(another), "RESOURCE_EXHAUSTED");
	await reeved.data(`mutation { updateConsumerGroup(groupId: ${groupId}, maxSessions: null, isActive: false) { success } }`);
	assert.equal(await reeved.failure(another), "RESOURCE_EXHAUSTED");
});

test("sessions end by their client and by order, once", async () => {
	const client = await reeved.createSession();
	await reeved.data(`mutation { terminateSession(sessionId: ${client}) { success } }`);
	assert.equal((await reeved.session(client)).terminationReason, "CLIENT_CLOSE");
	assert.equal(await reeved.failure(`mutation { terminateSession(sessionId: ${client}) { success } }`), "INVALID_STATE");
	const killed = await reeved.createSession();
	await reeved.data(`mutation { killSession(sessionId: ${killed}) { success } }`);
	const { state, terminationReason } = await reeved.session(killed);
	assert.deepEqual({ state, terminationReason }, { state: "Terminated", terminationReason: "MANUAL_KILL" });
	assert.equal(await reeved.failure(`mutation { killSession(sessionId: ${killed}) { success } }`), "INVALID_STATE");
	assert.equal(await reeved.failure(`mutation { startQuery(sessionId: ${killed}) { canStart } }`), "INVALID_STATE");
	const listed = (await reeved.data("{ listSessions { sessionId } }")).listSessions.map((s) => s.sessionId);
	assert.ok(!listed.includes(killed));
	const ended = (await reeved.data("{ listSessions(filter: { includeTerminated: true, state: TERMINATED }) { sessionId } }")).listSessions;
	assert.deepEqual(ended.map((s) => s.sessionId), [client, killed]);
});

test("a query by hand starts once and completes once", async () => {
	const id = await reeved.createSession();
	await reeved.data(`mutation { startQuery(sessionId: ${id}) { canStart session { state currentQueryStart } } }`);
	assert.equal(await reeved.failure(`mutation { startQuery(sessionId: ${id}) { canStart } }`), "INVALID_STATE");
	await reeved.data(`mutation { completeQuery(sessionId: ${id}) { success } }`);
	assert.equal(await reeved.failure(`mutation { completeQuery(sessionId: ${id}) { success } }`), "INVALID_STATE");
	assert.equal((await reeved.session(id)).totalQueries, 1);
});

test("the server tells about itself", async () => {
	const { serverInfo } = await reeved.data("{ serverInfo { version startedAt now cores revision } }");
	assert.match(serverInfo.version, /^\d+\.\d+\.\d+$/);
	assert.ok(Date.parse(serverInfo.startedAt) <= Date.parse(serverInfo.now));
	assert.ok(serverInfo.cores >= 1 && serverInfo.revision > 0);
});

test("the codes of errors are those of the schema", async () => {
	const { __schema } = await reeved.data("{ __schema { types { name kind enumValues { name } } } }");
	const codes = __schema.types.find((type) => type.name === "ErrorCode").enumValues.map((v) => v.name);
	for (const query of ["{", "{ nothing }", "{ getSession(sessionId: 5555) { state } }"])
		assert.ok(codes.includes(await reeved.failure(query)), query);
});
