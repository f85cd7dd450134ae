// Groups, users, rules, plans, directives, schedules, windows and staged edits over GraphQL.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved;
before(async () => (reeved = await Reeved.start()));
after(() => reeved.stop());

const data = (query, variables) => reeved.data(query, variables);
const mutate = (fields, variables) => data(`mutation { ${fields} }`, variables);
const failure = (fields) => reeved.failure(`mutation { ${fields} }`);

test("a group is defined everywhere in one call", async () => {
	const { defineConsumerGroup: made } = await mutate(`defineConsumerGroup(input: { name: "ALL", priority: 2,
		category: BATCH, cpuShares: 4000, maxIdleTime: 60, maxExecutionTime: 30, parallelDegreeLimit: 3,
		memoryLimit: 50000000, maxSessionPga: 1000000, ioBandwidthLimit: 2000000, iopsLimit: 50, ioWeight: 300 }) {
		groupId group { name priority categoryKind isActive maxIdleTime maxExecutionTime parallelDegreeLimit
			memoryLimit ioBandwidthLimit iopsLimit cpu { shares } io { bandwidthLimit iopsLimit weight }
			memory { maxGroupMemory maxSessionPga } dopLimit sessionPool { maxActiveSessions } } }`);
	assert.ok(made.groupId >= 100);
	assert.deepEqual(made.group, { name: "ALL", priority: 2, categoryKind: "BATCH", isActive: true,
		maxIdleTime: 60, maxExecutionTime: 30, parallelDegreeLimit: 3, memoryLimit: 50000000,
		ioBandwidthLimit: 2000000, iopsLimit: 50, cpu: { shares: 4000 },
		io: { bandwidthLimit: 2000000, iopsLimit: 50, weight: 300 },
		memory: { maxGroupMemory: 50000000, maxSessionPga: 1000000 }, dopLimit: 3, sessionPool: null });
});

test("or nowhere: a refused definition leaves nothing, and uses up no id", async () => {
	const before = await data("{ listConsumerGroups { id } }");
	for (const part of ["cpuShares: 0", "ioWeight: 10001", "maxSessionPga: 0", "iopsLimit: 0", "memoryLimit: 0"])
		assert.equal(await failure(`defineConsumerGroup(input: { name: "HALF", ${part} }) { groupId }`),
			"INVALID_ARGUMENT", part);
	assert.equal(await failure('defineConsumerGroup(input: { name: "ALL", cpuShares: 5 }) { groupId }'),
		"ALREADY_EXISTS");
	assert.deepEqual(await data("{ listConsumerGroups { id } }"), before);
	const { createConsumerGroup } = await mutate('createConsumerGroup(name: "NEXT") { groupId }');
	assert.equal(createConsumerGroup.groupId, before.listConsumerGroups.at(-1).id + 1);
});

test("an update leaves what is omitted, and takes away what is null", async () => {
	const { getConsumerGroupByName: group } = await data('{ getConsumerGroupByName(name: "ALL") { id revision } }');
	await mutate(`updateConsumerGroup(groupId: ${group.id}, maxIdleTime: null, iopsLimit: null,
		memoryLimit: 60000000, expectedRevision: ${group.revision}) { success }`);
	assert.deepEqual((await data(`{ getConsumerGroup(groupId: ${group.id}) { maxIdleTime maxExecutionTime
		iopsLimit memoryLimit } }`)).getConsumerGroup,
	{ maxIdleTime: null, maxExecutionTime: 30, iopsLimit: null, memoryLimit: 60000000 });
	assert.equal(await failure(`updateConsumerGroup(groupId: ${group.id}, priority: 1,
		expectedRevision: ${group.revision}) { success }`), "STALE_REVISION");
});

test("a group that is referred to is deleted only with a place to go", async () => {
	const { createConsumerGroup: { groupId } } = await mutate('createConsumerGroup(name: "GONE") { groupId }');
	await mutate(`mapUserToGroup(userId: 70, username: "mover", groupId: ${groupId}) { success }`);
	assert.equal(await failure(`deleteConsumerGroup(groupId: ${groupId}) { success }`), "CONFLICT");
	assert.equal(await failure(`deleteConsumerGroup(groupId: ${groupId}, moveTo: 0) { success }`), "NOT_FOUND");
	assert.equal(await failure("deleteConsumerGroup(groupId: 3, moveTo: 2) { success }"), "PERMISSION_DENIED");
	await mutate(`deleteConsumerGroup(groupId: ${groupId}, moveTo: 3) { success }`);
	assert.equal((await data("{ getUserGroupMapping(userId: 70) { groupId } }")).getUserGroupMapping.groupId, 3);
	assert.equal(await reeved.failure(`{ getConsumerGroup(groupId: ${groupId}) { id } }`), "NOT_FOUND");
});

test("the default group moves", async () => {
	await mutate("setDefaultConsumerGroup(groupId: 3) { success }");
	assert.equal((await data("{ getDefaultConsumerGroup { id } }")).getDefaultConsumerGroup.id, 3);
	await mutate("setDefaultConsumerGroup(groupId: 2) { success }");
});

test("a mapping may expire", async () => {
	await mutate(`mapUserToGroup(userId: 71, username: "guest", groupId: 4, isPermanent: false,
		expiresAt: "2199-01-01T00:00:00Z") { success }`);
	assert.deepEqual((await data("{ getUserGroupMapping(userId: 71) { isPermanent expiresAt } }"))
		.getUserGroupMapping, { isPermanent: false, expiresAt: "2199-01-01T00:00:00Z" });
	assert.equal(await failure(`mapUserToGroup(userId: 72, username: "late", groupId: 4,
		expiresAt: "2001-01-01T00:00:00Z") { success }`), "INVALID_ARGUMENT");
});

test("groups and mappings come in pages", async () => {
	const all = (await data("{ listConsumerGroups { id } }")).listConsumerGroups.map((group) => group.id);
	const page = (await data(`{ listConsumerGroups(page: { afterId: ${all[1]}, limit: 2 }) { id } }`))
		.listConsumerGroups.map((group) => group.id);
	assert.deepEqual(page, all.slice(2, 4));
	const filtered = await data(`{ listConsumerGroups(filter: { isSystem: true, priorityAtMost: 3,
		nameContains: "_GROUP" }) { name } }`);
	assert.deepEqual(filtered.listConsumerGroups.map((group) => group.name), ["SYS_GROUP", "INTERACTIVE_GROUP"]);
	assert.equal(await reeved.failure("{ listConsumerGroups(page: { limit: 0 }) { id } }"), "INVALID_ARGUMENT");
});

/* Rules */

test("an expression is a tree, told back as it was given and as text", async () => {
	const { addAssignmentRule: { rule } } = await mutate(`addAssignmentRule(name: "night batch", priority: 5,
		targetGroupId: 3, expression: { and: [
			{ usernamePattern: { pattern: "etl_", syntax: PREFIX } },
			{ or: [{ programName: "loader" }, { timeOfDay: { startHour: 22, endTime: "05:30" } }] },
			{ not: { dayOfWeek: [0, 6] } } ] }) {
		rule { id conditionText condition { kind operands { kind value syntax caseSensitive
			operands { kind value startHour endHour startTime endTime operands { kind } days } } } } }`);
	assert.match(rule.conditionText,
		/^username prefix "etl_" and \(program = "loader" or time in 22:00-05:30\) and not /);
	const [prefix, either, not] = rule.condition.operands;
	assert.equal(rule.condition.kind, "AND");
	assert.deepEqual([prefix.kind, prefix.value, prefix.syntax, prefix.caseSensitive],
		["USERNAME_PATTERN", "etl_", "PREFIX", true]);
	assert.deepEqual(either.operands.map((node) => [node.kind, node.value, node.startHour, node.endHour,
		node.endTime]), [["PROGRAM_NAME", "loader", null, null, null],
		["TIME_OF_DAY", null, 22, null, "05:30:00"]]);
	assert.deepEqual(not.operands[0].days, [0, 6]);
});

test("an assignment is explained rule by rule, and made so", async () => {
	await mutate(`addAssignmentRule(name: "reports", priority: 1, condition: "PROGRAM_NAME_PATTERN",
		conditionValue: "report", targetGroupId: 4) { ruleId }`);
	const ask = (attributes) => data(`{ evaluateAssignment(userId: 500, attributes: ${attributes},
		at: "2026-11-24T23:00:00Z") { groupId groupName source ruleId admissible trace { name matched } } }`)
		.then((answer) => answer.evaluateAssignment);
	const night = await ask('{ username: "etl_7", programName: "loader" }');
	assert.deepEqual([night.groupId, night.groupName, night.source, night.admissible],
		[3, "BATCH_GROUP", "Rule", true]);
	assert.deepEqual(night.trace, [{ name: "reports", matched: false }, { name: "night batch", matched: true }]);
	assert.equal((await ask('{ username: "someone" }')).source, "Default");
	assert.equal((await data(`{ evaluateAssignment(userId: 70, attributes: { username: "mover" }) { source } }`))
		.evaluateAssignment.source, "Mapping");
	const { createSession } = await mutate(`createSession(userId: 500, username: "x",
		programName: "a report") { assignedBy session { groupId groupMapping { ruleId } } }`);
	assert.equal(createSession.assignedBy, "Rule");
	assert.equal(createSession.session.groupId, 4);
	const { listAssignmentRules } = await data("{ listAssignmentRules { name matchCount lastMatchedAt } }");
	assert.deepEqual(listAssignmentRules.map((rule) => [rule.name, rule.matchCount]),
		[["reports", 1], ["night batch", 0]]);
	assert.ok(listAssignmentRules[0].lastMatchedAt);
});

test("a rule is changed, turned off and deleted", async () => {
	const { listAssignmentRules: [rule] } = await data("{ listAssignmentRules { id revision } }");
	await mutate(`updateAssignmentRule(ruleId: ${rule.id}, isEnabled: false, condition: "USER_ID",
		conditionValue: "9", expectedRevision: ${rule.revision}) { success }`);
	assert.equal(await failure(`updateAssignmentRule(ruleId: ${rule.id}, priority: 3,
		expectedRevision: ${rule.revision}) { success }`), "STALE_REVISION");
	assert.deepEqual((await data("{ listAssignmentRules(isEnabled: false) { conditionText condition { kind value } } }"))
		.listAssignmentRules.map((r) => [r.condition.kind, r.condition.value]), [["USER_ID", "9"]]);
	await mutate(`deleteAssignmentRule(ruleId: ${rule.id}) { success }`);
	assert.equal(await failure(`deleteAssignmentRule(ruleId: ${rule.id}) { success }`), "NOT_FOUND");
});

test("an expression has its bounds", async () => {
	const nested = (levels) => (levels === 0 ? { username: "x" } : { not: nested(levels - 1) });
	const add = (expression) => reeved.graphql(`mutation($e: RuleConditionInput) {
		addAssignmentRule(name: "deep", targetGroupId: 3, expression: $e) { ruleId } }`, { e: expression });
	assert.equal((await add(nested(15))).body.errors, undefined);
	assert.equal((await add(nested(16))).body.errors[0].extensions.code, "INVALID_ARGUMENT");
	const wide = (n) => ({ or: Array.from({ length: n }, (_, i) => ({ userId: i + 1 })) });
	assert.equal((await add(wide(256))).body.errors[0].extensions.code, "INVALID_ARGUMENT");
	assert.equal((await add({ usernamePattern: { pattern: "(", syntax: "REGEX" } })).body.errors[0]
		.extensions.code, "INVALID_ARGUMENT");
});

/* Plans */

const DIRECTIVE = { cpuPct: 20, cpuShares: 300, cpuLevel: 2, cpuUtilizationLimit: 80, parallelDegreeLimit: 4,
	parallelServerLimit: 8, parallelQueueTimeout: 9, parallelQueueRunsSerial: true, activeSessPoolP1: 6,
	queueingP1: 7, maxEstExecTime: 100, maxIdleTime: 200, maxIdleBlockerTime: 50, switchGroup: 3,
	switchTime: 5, switchElapsedTime: 10, switchIoBytes: 1000000, switchIoRequests: 500,
	switchEstimate: true, switchForCall: true, sessionPgaLimit: 2000000, ioBandwidthLimit: 3000000,
	iopsLimit: 70, ioWeight: 200, subPlanId: null, priority: 4 };

test("a plan is defined with its directives, every field of them", async () => {
	const { data: { defineResourcePlan: made }, errors } = (await reeved.graphql(
		`mutation($d: PlanDirectiveInput!) { defineResourcePlan(input: { name: "FULL", cpuMethod: SHARES,
			parallelExecutionManaged: true, activeSessionPoolManaged: true, maxUtilizationLimit: 90,
			directives: [{ groupId: 2, directive: $d }, { groupId: 3, directive: { cpuShares: 100 } }] }) {
			planId plan { isTopPlan status parallelExecutionManaged activeSessionPoolManaged maxUtilizationLimit
				directives { groupId ${Object.keys(DIRECTIVE).join(" ")} switchAction switchActionKind } } } }`,
		{ d: { ...DIRECTIVE, switchAction: "SWITCH_GROUP" } })).body;
	assert.equal(errors, undefined);
	const { directives: [first, second], ...plan } = made.plan;
	assert.deepEqual(plan, { isTopPlan: true, status: "Inactive", parallelExecutionManaged: true,
		activeSessionPoolManaged: true, maxUtilizationLimit: 90 });
	assert.deepEqual(first, { groupId: 2, ...DIRECTIVE, switchAction: "SwitchGroup",
		switchActionKind: "SWITCH_GROUP" });
	assert.deepEqual([second.groupId, second.cpuShares, second.cpuLevel, second.maxIdleTime,
		second.switchAction, second.switchForCall], [3, 100, 1, null, "Log", false]);
});

test("or not at all", async () => {
	const plans = await data("{ listResourcePlans { name } }");
	assert.equal(await failure(`defineResourcePlan(input: { name: "HALF", directives: [
		{ groupId: 2, directive: { cpuShares: 1 } }, { groupId: 99999, directive: { cpuShares: 1 } }] }) { planId }`),
	"NOT_FOUND");
	assert.deepEqual(await data("{ listResourcePlans { name } }"), plans);
});

test("a directive's field is merged, changed, taken away", async () => {
	const { getResourcePlanByName: plan } = await data('{ getResourcePlanByName(name: "FULL") { id directives { id revision groupId } } }');
	const [directive] = plan.directives;
	const { createPlanDirective } = await mutate(`createPlanDirective(planId: ${plan.id}, groupId: 2, maxIdleTime: 250) {
		directiveId directive { maxIdleTime cpuShares } }`);
	assert.deepEqual(createPlanDirective, { directiveId: directive.id, directive: { maxIdleTime: 250, cpuShares: 300 } });
	assert.equal(await failure(`updatePlanDirective(directiveId: ${directive.id}, changes: { cpuShares: 1 },
		expectedRevision: ${directive.revision}) { success }`), "STALE_REVISION");
	await mutate(`updatePlanDirective(directiveId: ${directive.id}, changes: { maxIdleTime: null, iopsLimit: 71 }) { success }`);
	assert.deepEqual((await data(`{ getPlanDirective(directiveId: ${directive.id}) { maxIdleTime iopsLimit cpuShares } }`))
		.getPlanDirective, { maxIdleTime: null, iopsLimit: 71, cpuShares: 300 });
	assert.equal(await failure(`createPlanDirective(planId: ${plan.id}, groupId: 2, switchGroup: 99999) { directiveId }`), "NOT_FOUND");
});

test("a sub-plan divides what its place gives", async () => {
	const { createResourcePlan: { planId: top } } = await mutate('createResourcePlan(name: "TOP") { planId }');
	const { createResourcePlan: { planId: sub } } = await mutate(`createResourcePlan(name: "SUB", parentPlanId: ${top}) { planId }`);
	await mutate(`a: createPlanDirective(planId: ${sub}, groupId: 3, cpuShares: 300) { directiveId }
		b: createPlanDirective(planId: ${sub}, groupId: 4, cpuShares: 100) { directiveId }
		c: createPlanDirective(planId: ${top}, groupId: 2, cpuShares: 500) { directiveId }
		d: createPlanDirective(planId: ${top}, groupId: 1, cpuShares: 500, subPlanId: ${sub}) { directiveId }`);
	const { getEffectiveAllocations: rows } = await data(`{ getEffectiveAllocations(planId: ${top}) {
		groupId path cpuSharePercent cpuLimitPercent directive { planId } } }`);
	const of = (group) => rows.find((row) => row.groupId === group && row.directive?.planId);
	assert.ok(Math.abs(of(3).cpuSharePercent / of(4).cpuSharePercent - 3) < 0.05, JSON.stringify(rows));
	assert.deepEqual(of(3).path, [top, sub]);
	assert.equal(of(3).cpuLimitPercent, 100);
	const { getResourcePlan } = await data(`{ getResourcePlan(planId: ${top}) { isTopPlan subPlans { id isTopPlan
		parentPlanId parentPlan { name } } } }`);
	assert.deepEqual(getResourcePlan, { isTopPlan: true,
		subPlans: [{ id: sub, isTopPlan: false, parentPlanId: top, parentPlan: { name: "TOP" } }] });
	assert.equal(await failure(`activateResourcePlan(planId: ${sub}) { success }`), "CONFIGURATION");
	const { listResourcePlans } = await data("{ listResourcePlans(topPlansOnly: true) { id } }");
	assert.ok(!listResourcePlans.some((plan) => plan.id === sub));
	assert.equal(await failure(`deleteResourcePlan(planId: ${sub}) { success }`), "CONFLICT");
	await mutate(`deletePlanDirective(directiveId: ${(await data(`{ getResourcePlanDirectives(planId: ${top}) { id groupId } }`))
		.getResourcePlanDirectives.find((row) => row.groupId === 1).id}) { success }
		deleteResourcePlan(planId: ${sub}) { success }`);
	assert.equal(await failure("deleteResourcePlan(planId: 1) { success }"), "PERMISSION_DENIED");
});

/* Staged edits */

test("a staged edit is many changes in one revision, or none", async () => {
	const revision = async () => (await data("{ serverInfo { revision } }")).serverInfo.revision;
	assert.equal(await failure('stageCreatePlan(name: "EARLY") { planId }'), "INVALID_STATE");
	const start = await revision();
	await mutate("beginPlanEdit { success }");
	assert.equal(await failure("beginPlanEdit { success }"), "CONFLICT");
	const { stageCreatePlan: { planId } } = await mutate('stageCreatePlan(name: "STAGED", cpuMethod: "RATIO") { planId }');
	await mutate(`stageDirective(planId: ${planId}, groupId: 2, directive: { cpuPct: 60 }) { success }
		stageUpdatePlan(planId: ${planId}, description: "later") { success }`);
	assert.deepEqual((await data("{ getPlanEdit { isOpen isMine steps } validatePlanEdit { isValid problems } }")),
		{ getPlanEdit: { isOpen: true, isMine: true, steps: 3 }, validatePlanEdit: { isValid: true, problems: [] } });
	assert.equal(await reeved.failure('{ getResourcePlanByName(name: "STAGED") { id } }'), "NOT_FOUND");
	await mutate("submitPlanEdit { success }");
	assert.equal(await revision(), start + 1);
	assert.deepEqual((await data(`{ getResourcePlan(planId: ${planId}) { name description cpuMethod
		directives { groupId cpuPct } } getPlanEdit { isOpen by begunAt } }`)),
	{ getResourcePlan: { name: "STAGED", description: "later", cpuMethod: "Ratio",
		directives: [{ groupId: 2, cpuPct: 60 }] }, getPlanEdit: { isOpen: false, by: null, begunAt: null } });
	await mutate(`beginPlanEdit { success } stageDeletePlan(planId: ${planId}) { success } discardPlanEdit { success }`);
	assert.equal(await failure("submitPlanEdit { success }"), "INVALID_STATE");
	await data(`{ getResourcePlan(planId: ${planId}) { id } }`);
});

/* Schedules and windows */

test("schedules in every form; a decision says which counts, and until when", async () => {
	const { a, b, w } = await mutate(`
		a: addPlanSchedule(name: "day", planId: 2, daysOfWeek: [1, 2, 3, 4, 5], startTime: "08:30", endHour: 18,
			timeZone: "Europe/Berlin") { scheduleId schedule { dayOfWeek daysOfWeek startTime endTime timeZone priority } }
		b: addPlanSchedule(name: "night", planId: 3, dayOfWeek: 2, startHour: 22, startMinute: 15, endHour: 6,
			timeZone: "UTC", priority: 1) { scheduleId schedule { dayOfWeek daysOfWeek startTime endTime } }
		w: addMaintenanceWindow(name: "patch", dayOfWeek: 3, startTime: "01:00", durationMinutes: 90,
			maintenancePlanId: 4, timeZone: "UTC", allowUserSessions: true, maxUserSessions: 5) { windowId
			window { startTime durationMinutes allowUserSessions maxUserSessions priority } }`);
	assert.deepEqual(a.schedule, { dayOfWeek: null, daysOfWeek: [1, 2, 3, 4, 5], startTime: "08:30:00",
		endTime: "18:00:00", timeZone: "Europe/Berlin", priority: 100 });
	assert.deepEqual(b.schedule, { dayOfWeek: 2, daysOfWeek: [2], startTime: "22:15:00", endTime: "06:00:00" });
	assert.deepEqual(w.window, { startTime: "01:00:00", durationMinutes: 90, allowUserSessions: true,
		maxUserSessions: 5, priority: 100 });
	const decide = async (at) => (await data(`{ evaluatePlanSchedule(at: "${at}") { planId cause scheduleId
		windowId validUntil } }`)).evaluatePlanSchedule;
	// Tuesday, 3 March 2037, far from what was chosen by hand.
	assert.deepEqual(await decide("2037-03-03T23:00:00Z"), { planId: 3, cause: "SCHEDULE",
		scheduleId: b.scheduleId, windowId: null, validUntil: "2037-03-04T01:00:00Z" });
	assert.deepEqual(await decide("2037-03-04T01:30:00Z"), { planId: 4, cause: "MAINTENANCE_WINDOW",
		scheduleId: null, windowId: w.windowId, validUntil: "2037-03-04T02:30:00Z" });
	assert.equal((await decide("2037-03-04T12:00:00Z")).planId, 2);
	assert.equal((await decide("2037-03-01T12:00:00Z")).cause, "DEFAULT_FALLBACK");
	// In evaluation order.
	assert.deepEqual((await data("{ listPlanSchedules { name } }")).listPlanSchedules.map((s) => s.name), ["night", "day"]);
	assert.deepEqual((await data("{ getResourcePlan(planId: 4) { maintenanceWindows { name } schedules { name } } }"))
		.getResourcePlan, { maintenanceWindows: [{ name: "patch" }], schedules: [] });
	await mutate(`updatePlanSchedule(scheduleId: ${a.scheduleId}, dayOfWeek: null, timeZone: null, endTime: "17:00",
		isEnabled: false) { success }
		updateMaintenanceWindow(windowId: ${w.windowId}, maxUserSessions: null, isEnabled: false) { success }
		deletePlanSchedule(scheduleId: ${b.scheduleId}) { success }`);
	assert.deepEqual(await data(`{ getPlanSchedule(scheduleId: ${a.scheduleId}) { daysOfWeek endTime timeZone isEnabled }
		getMaintenanceWindow(windowId: ${w.windowId}) { maxUserSessions isEnabled } }`),
	{ getPlanSchedule: { daysOfWeek: null, endTime: "17:00:00", timeZone: null, isEnabled: false },
		getMaintenanceWindow: { maxUserSessions: null, isEnabled: false } });
	assert.equal(await failure(`addPlanSchedule(name: "x", planId: 2, startHour: 1, endHour: 2,
		timeZone: "Mars/Olympus") { scheduleId }`), "INVALID_ARGUMENT");
});

test("an open window takes over, and the history says why", async () => {
	// A window that has the whole week is open now.
	const { addMaintenanceWindow: { windowId } } = await mutate(`addMaintenanceWindow(name: "week", dayOfWeek: 0,
		startHour: 0, durationMinutes: 10080, maintenancePlanId: 4, allowUserSessions: true) { windowId }`);
	await mutate("checkAndSwitchResourcePlan { switched }");
	assert.deepEqual(await data(`{ getCurrentMaintenanceWindow { id isOpenNow } getActiveResourcePlan { id status } }`),
		{ getCurrentMaintenanceWindow: { id: windowId, isOpenNow: true },
			getActiveResourcePlan: { id: 4, status: "Maintenance" } });
	const { getPlanSwitchHistory: history } = await data("{ getPlanSwitchHistory(limit: 2) { at fromPlanId toPlanId cause } }");
	assert.deepEqual([history[0].toPlanId, history[0].cause], [4, "MAINTENANCE_WINDOW"]);
	assert.equal(history[0].fromPlanId, history[1].toPlanId);
	assert.ok(history[0].at >= history[1].at);
	await mutate(`deleteMaintenanceWindow(windowId: ${windowId}) { success } activateResourcePlan(planId: 1) { success }`);
	assert.equal((await data("{ getCurrentMaintenanceWindow { id } }")).getCurrentMaintenanceWindow, null);
	await mutate("deactivateResourcePlan { success }");
});
