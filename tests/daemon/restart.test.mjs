// What a restart keeps: definitions; and what it ends: sessions. After SIGKILL as after SIGTERM.
import assert from "node:assert/strict";
import { test } from "node:test";
import { makeDirectory, Reeved } from "./reeved.mjs";

const DEFINITIONS = `{
	listConsumerGroups { id name priority category cpuAllocationPct maxSessions maxExecutionTime revision }
	listResourcePlans { id name cpuMethod status directives { id groupId cpuShares cpuUtilizationLimit } }
	listUserGroupMappings { userId username groupId isPermanent }
	getCpuSchedulerConfig { quantumMs }
}`;

async function define(reeved) {
	await reeved.data(`mutation {
		createConsumerGroup(name: "KEPT", priority: 5, category: "BATCH", maxSessions: 9, maxExecutionTime: 77) { groupId }
		updateConsumerGroup(groupId: 2, cpuAllocationPct: 33) { success }
		createResourcePlan(name: "KEPT_PLAN") { planId }
		createPlanDirective(planId: 100, groupId: 100, cpuShares: 42, cpuUtilizationLimit: 50) { directiveId }
		activateResourcePlan(planId: 100) { success }
		mapUserToGroup(userId: 5, username: "kept", groupId: 100) { success }
		configureCpuScheduler(quantumMs: 20) { success }
	}`);
	return reeved.data(DEFINITIONS);
}

for (const how of ["SIGTERM", "SIGINT", "SIGKILL"]) {
	test(`definitions survive ${how}, sessions do not`, async () => {
		const directory = makeDirectory();
		const first = await Reeved.start({ directory });
		const before = await define(first);
		const old = await first.createSession(100);
		const { code, signal } = await first.signal(how);
		assert.deepEqual({ code, signal }, how === "SIGKILL" ? { code: null, signal: how } : { code: 0, signal: null });

		const second = await Reeved.start({ directory });
		assert.deepEqual(await second.data(DEFINITIONS), before);
		await second.until("the old session is gone", async () =>
			(await second.data("{ listSessions { sessionId } }")).listSessions.length === 0);
		const created = await second.data(`mutation { createSession(userId: 5, username: "kept") { sessionId session { groupId } } }`);
		assert.ok(created.createSession.sessionId > old, "ids are not used again");
		assert.equal(created.createSession.session.groupId, 100);
		const group = await second.data("{ getConsumerGroup(groupId: 100) { currentSessions } }");
		assert.equal(group.getConsumerGroup.currentSessions, 1);
		await second.stop();
	});
}
