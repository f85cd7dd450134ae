// Every argument of every field, with what it must not be: the server answers with an error that fits,
// or does what it was told, and is none the worse for it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

let reeved, types, roots;
before(async () => {
	reeved = await Reeved.start();
	const { __schema } = await reeved.data(`{ __schema { types { kind name
		fields { name args { name type { ...T } } type { ...T } }
		inputFields { name type { ...T } } enumValues { name } } } }
		fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`);
	types = new Map(__schema.types.map((type) => [type.name, type]));
	roots = ["Query", "Mutation"].flatMap((root) => types.get(root).fields.map((field) => ({ root, ...field })));
	await prepare();
});
after(() => reeved.stop());

// One thing of each kind, so that arguments can name it.
async function prepare() {
	await reeved.data(`mutation {
		createConsumerGroup(name: "G") { groupId }
		createResourcePlan(name: "P") { planId }
		createSession(userId: 1, username: "u", groupId: 2) { sessionId }
		addAssignmentRule(name: "r", condition: "USERNAME", conditionValue: "x", targetGroupId: 3) { ruleId }
		addPlanSchedule(name: "s", planId: 2, startHour: 1, endHour: 2, isEnabled: false) { scheduleId }
		addMaintenanceWindow(name: "w", dayOfWeek: 0, startHour: 2, durationMinutes: 60,
			maintenancePlanId: 4, isEnabled: false) { windowId }
		createServerPool(name: "p", minServers: 1, maxServers: 4) { poolId }
	}`);
}

const CODES = ["NOT_FOUND", "ALREADY_EXISTS", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED", "CONFIGURATION",
	"CONFLICT", "INVALID_ARGUMENT", "INVALID_STATE", "TIMEOUT", "STALE_REVISION",
	"GRAPHQL_VALIDATION_FAILED"];

const bare = (type) => (type.kind === "NON_NULL" ? bare(type.ofType) : type);
const isRequired = (arg) => arg.type.kind === "NON_NULL";
const print = (type) => (type.kind === "NON_NULL" ? `${print(type.ofType)}!`
	: type.kind === "LIST" ? `[${print(type.ofType)}]` : type.name);

// A value that is as good as any.
function plain(type, name) {
	const of = bare(type);
	if (of.kind === "LIST")
		return [plain(of.ofType, name)];
	if (of.kind === "ENUM")
		return types.get(of.name).enumValues[0].name;
	if (of.kind === "INPUT_OBJECT")
		return Object.fromEntries(types.get(of.name).inputFields.filter(isRequired)
			.map((field) => [field.name, plain(field.type, field.name)]));
	const named = { priority: "Normal", state: "Waiting", mode: "Manual", requestType: "Read",
		poolType: "WorkArea", sql: "SELECT 1", load: 0.5, dayOfWeek: 1 };
	if (name in named && typeof named[name] === (of.name === "String" ? "string" : "number"))
		return named[name];
	return { Boolean: true, Int: 1, UInt64: 1, Float: 0.5, String: "text", DateTime: "2026-01-31T09:00:00Z",
		TimeOfDay: "09:00", JSON: {} }[of.name];
}

// What a value of the type may well be, and had better not.
function odd(type) {
	const of = bare(type);
	if (of.kind === "LIST")
		return [[], Array(300).fill(plain(of.ofType, "")), ...odd(of.ofType).map((value) => [value])];
	if (of.kind === "INPUT_OBJECT") {
		const fields = types.get(of.name).inputFields;
		const required = plain(type, "");
		const isDeep = (of) => of.kind === "INPUT_OBJECT" || (of.kind === "LIST" && isDeep(bare(of.ofType)));
		return [required, ...fields.filter((field) => !isDeep(bare(field.type)))
			.flatMap((field) => odd(field.type).map((value) => ({ ...required, [field.name]: value })))];
	}
	return { Boolean: [true, false], Int: [-1, 0, 2147483647, -2147483648],
		UInt64: [0, 99999, "9223372036854775807", "18446744073709551615"], Float: [-1, 0, 1e300, 2],
		String: ["", "x".repeat(5000), "no such name", "\u0001\ud83d\ude00"],
		DateTime: ["1960-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z"],
		TimeOfDay: ["00:00", "23:59:59"], JSON: [null, []] }[of.name] ?? [];
}

// The scalars of an object type.
function selection(type) {
	const of = bare(type).kind === "LIST" ? bare(bare(type).ofType) : bare(type);
	if (of.kind !== "OBJECT")
		return "";
	const leaves = types.get(of.name).fields.filter((field) => field.args.length === 0 &&
		["SCALAR", "ENUM"].includes(bare(field.type).kind));
	const inner = types.get(of.name).fields.find((field) => bare(field.type).kind === "OBJECT");
	return leaves.length > 0 ? `{ ${leaves.map((field) => field.name).join(" ")} }`
		: `{ ${inner.name} { __typename } }`;
}

async function call(field, given) {
	const args = field.args.filter((arg) => arg.name in given);
	const list = (item, outer) => (args.length > 0 ? `(${args.map(item).join(", ")})` : outer ?? "");
	const document = `${field.root.toLowerCase()} ${list((arg) => `$${arg.name}: ${print(arg.type)}`)} {
		${field.name}${list((arg) => `${arg.name}: $${arg.name}`)} ${selection(field.type)} }`;
	return { document, ...(await reeved.graphql(document, given)) };
}

function check({ document, status, body }, given) {
	const what = `${document} ${JSON.stringify(given).slice(0, 300)}: ${JSON.stringify(body).slice(0, 500)}`;
	assert.equal(status, 200, what);
	for (const error of body.errors ?? []) {
		assert.ok(CODES.includes(error.extensions.code), what);
		assert.ok(error.message.length > 10, what);
	}
	return what;
}

// What the schema does not require and the field does.
const NEEDED = {
	addAssignmentRule: { condition: "USERNAME", conditionValue: "x" },
	addPlanSchedule: { startHour: 1, endHour: 2 },
	addMaintenanceWindow: { startHour: 2 },
};
const filled = (field) => ({ ...NEEDED[field.name], ...Object.fromEntries(field.args.filter(isRequired)
	.map((arg) => [arg.name, plain(arg.type, arg.name)])) });

// These would stop the others from meaning anything.
const LEFT_OUT = ["executeSql"];

test("odd values of every argument are refused with a code that fits, or taken", async () => {
	let calls = 0;
	for (const field of roots.filter((root) => !LEFT_OUT.includes(root.name))) {
		const required = filled(field);
		for (const arg of field.args) {
			for (const value of [...odd(arg.type), null]) {
				const given = { ...required, [arg.name]: value };
				check(await call(field, given), given);
				calls++;
			}
		}
	}
	assert.ok(calls > 1500, `${calls} calls`);
	assert.equal((await reeved.fetch("/readyz")).status, 200);
});

// Ids that an outside engine chooses, or users do.
const FREE_IDS = ["userId", "addCpuTask.queryId", "createSessionMemoryQuota.sessionId",
	"requestParallelExecution.sessionId", "listMemoryAllocations.sessionId"];

test("an id of nothing is NOT_FOUND, and only for its field", async () => {
	let calls = 0;
	for (const field of roots.filter((root) => !LEFT_OUT.includes(root.name) && !root.name.startsWith("stage"))) {
		const required = filled(field);
		for (const arg of field.args.filter(isRequired)) {
			if (!/(Id|blockedBy)$/.test(arg.name) || FREE_IDS.includes(arg.name) ||
				FREE_IDS.includes(`${field.name}.${arg.name}`))
				continue;
			const given = { ...required, [arg.name]: 99999 };
			const answer = await call(field, given);
			const what = check(answer, given);
			assert.equal(answer.body.errors?.[0].extensions.code, "NOT_FOUND", what);
			assert.deepEqual(answer.body.data, { [field.name]: null }, what);
			assert.ok(answer.body.errors[0].message.includes("99999"), what);
			calls++;
		}
	}
	assert.ok(calls > 50, `${calls} calls`);
});

// Field and argument, the value, and the rest of the call: INVALID_ARGUMENT that names the argument.
const REFUSED = [
	["createConsumerGroup.priority", 8, { name: "X" }],
	["createConsumerGroup.category", "NONE_SUCH", { name: "X" }],
	["createConsumerGroup.cpuAllocationPct", 101, { name: "X" }],
	["createConsumerGroup.maxSessions", -1, { name: "X" }],
	["createConsumerGroup.maxIdleTime", 0, { name: "X" }],
	["createConsumerGroup.parallelDegreeLimit", 0, { name: "X" }],
	["createConsumerGroup.memoryLimit", 0, { name: "X" }],
	["createConsumerGroup.iopsLimit", 0, { name: "X" }],
	["createConsumerGroup.isActive", null, { name: "X" }],
	["updateConsumerGroup.priority", null, { groupId: 2 }],
	["addAssignmentRule.conditionValue", "9-", { name: "X", condition: "TIME_OF_DAY", targetGroupId: 2 }],
	["addAssignmentRule.conditionValue", "25-26", { name: "X", condition: "TIME_OF_DAY", targetGroupId: 2 }],
	["addAssignmentRule.conditionValue", "7", { name: "X", condition: "DAY_OF_WEEK", targetGroupId: 2 }],
	["addAssignmentRule.conditionValue", "1,", { name: "X", condition: "DAY_OF_WEEK", targetGroupId: 2 }],
	["addAssignmentRule.conditionValue", "-1", { name: "X", condition: "USER_ID", targetGroupId: 2 }],
	["addAssignmentRule.condition", "AND", { name: "X", conditionValue: "x", targetGroupId: 2 }],
	["addAssignmentRule.expression", {}, { name: "X", targetGroupId: 2 }],
	["addAssignmentRule.expression", { username: "a", userId: 1 }, { name: "X", targetGroupId: 2 }],
	["addAssignmentRule.priority", -1, { name: "X", condition: "USERNAME", conditionValue: "x", targetGroupId: 2 }],
	["createResourcePlan.cpuMethod", "LOTTERY", { name: "X" }],
	["createResourcePlan.maxUtilizationLimit", 0, { name: "X" }],
	["createPlanDirective.cpuPct", 101, { planId: 100, groupId: 2 }],
	["createPlanDirective.cpuLevel", 9, { planId: 100, groupId: 2 }],
	["createPlanDirective.switchAction", "THROTTLE", { planId: 100, groupId: 2 }],
	["createPlanDirective.switchTime", 0, { planId: 100, groupId: 2 }],
	["createPlanDirective.ioWeight", 10001, { planId: 100, groupId: 2 }],
	["createPlanDirective.iopsLimit", -1, { planId: 100, groupId: 2 }],
	["addPlanSchedule.startHour", 24, { name: "X", planId: 2, endHour: 2 }],
	["addPlanSchedule.endHour", 25, { name: "X", planId: 2, startHour: 2 }],
	["addPlanSchedule.dayOfWeek", 7, { name: "X", planId: 2, startHour: 1, endHour: 2 }],
	["addPlanSchedule.daysOfWeek", [], { name: "X", planId: 2, startHour: 1, endHour: 2 }],
	["addPlanSchedule.startTime", "09:00", { name: "X", planId: 2, startHour: 1, endHour: 2 }],
	["addMaintenanceWindow.durationMinutes", 10081,
		{ name: "X", dayOfWeek: 0, startHour: 2, maintenancePlanId: 4 }],
	["registerCpuGroup.shares", 0, { groupId: 2 }],
	["registerCpuGroup.limitPercent", 101, { groupId: 2 }],
	["suspendCpuTask.state", "RUNNING", { taskId: 1 }],
	["configureCpuScheduler.quantumMs", 1001, {}],
	["configureCpuScheduler.runawayThrottleFactor", 0.05, {}],
	["registerIoGroup.weight", 0, { groupId: 2 }],
	["registerIoGroup.bandwidthLimit", 0, { groupId: 2 }],
	["submitIoRequest.requestType", "ERASE", { groupId: 2, sizeBytes: 1 }],
	["submitIoRequest.priority", "URGENT", { groupId: 2, sizeBytes: 1, requestType: "READ" }],
	["submitIoRequest.sizeBytes", 2 ** 41, { groupId: 2, requestType: "READ" }],
	["submitIoRequest.deadlineMs", 0, { groupId: 2, sizeBytes: 1, requestType: "READ" }],
	["configureIoScheduler.maxConcurrentIo", 0, {}],
	["configureIoScheduler.burstSeconds", 11, {}],
	["setIoDefaultDeadline.deadlineMs", 0, { requestType: "READ", priority: "LOW" }],
	["createMemoryPool.poolType", "HEAP", { name: "X", maxSize: 1024 }],
	["createMemoryPool.maxSize", 0, { name: "X", poolType: "WORK_AREA" }],
	["configureMemoryPressure.low", 1.5, {}],
	["configureMemoryPressure.hysteresis", 0.2, {}],
	["createServerPool.maxServers", 0, { name: "X", minServers: 0 }],
	["requestParallelExecution.mode", "WARP", { sessionId: 1, groupId: 2, requestedDop: 2 }],
	["requestParallelExecution.priority", 101, { sessionId: 1, groupId: 2, requestedDop: 2 }],
	["setGroupDopLimit.limit", -1, { groupId: 2 }],
	["updateSystemLoad.load", 1.1, {}],
	["configureParallelExecution.maxTotalDop", 0, {}],
	["createSession.priority", "URGENT", { userId: 1, username: "u" }],
	["configureGroupSessionPool.maxActiveSessions", 0, { groupId: 2 }],
	["configureGroupSessionPool.queueTimeout", 0, { groupId: 2, maxActiveSessions: 1 }],
	["setSessionLimits.idleTimeout", 0, { sessionId: 1 }],
	["setSessionPriority.priority", "URGENT", { sessionId: 1 }],
	["configureSessionControl.idleMark", 0, {}],
	["configureSessionControl.executionTimeoutAction", "QUEUE", {}],
	["switchSessionGroup.reason", "BOREDOM", { sessionId: 1, newGroupId: 2 }],
	["beginPlanEdit.timeout", 0, {}],
];

test("what is out of range is refused by name", async () => {
	for (const [path, value, more] of REFUSED) {
		const [name, argument] = path.split(".");
		const field = roots.find((root) => root.root === "Mutation" && root.name === name);
		const given = { ...more, [argument]: value };
		const answer = await call(field, given);
		const what = check(answer, given);
		assert.equal(answer.body.errors?.[0].extensions.code, "INVALID_ARGUMENT", what);
		assert.ok(answer.body.errors[0].message.includes(argument), what);
	}
});
