// The end: SIGTERM while statements run, while they wait, and while a client reads slowly.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDLESS, Reeved } from "./reeved.mjs";

for (const name of ["SIGTERM", "SIGINT"]) {
	test(`${name} cancels what runs and what waits, answers, and ends with 0`, async () => {
		const reeved = await Reeved.start({ args: ["--workers", "2"] });
		const ids = [];
		for (let i = 0; i < 4; i++)
			ids.push(await reeved.createSession());
		const statements = ids.map((id) => reeved.sql(id, ENDLESS));
		await reeved.until("two run", async () =>
			(await reeved.data("{ listActiveSessions { sessionId } }")).listActiveSessions.length === 2);
		const began = Date.now();
		const { code, signal } = await reeved.signal(name);
		assert.deepEqual({ code, signal }, { code: 0, signal: null }, reeved.log);
		assert.ok(Date.now() - began < 5000, `${Date.now() - began} ms`);
		for (const body of await Promise.all(statements))
			assert.equal(body.errors?.[0].extensions.code, "CANCELLED", JSON.stringify(body));
		assert.equal(reeved.events("stopping").length, 1);
		assert.equal(reeved.events("stopped").length, 1);
	});
}

test("a transaction that was open is rolled back, the segment stays sound", async () => {
	const first = await Reeved.start();
	const id = await first.createSession();
	await first.rows(id, "CREATE TABLE t(x)");
	await first.rows(id, "BEGIN");
	await first.rows(id, "INSERT INTO t VALUES (1)");
	assert.equal((await first.stop()).code, 0);
	const second = await Reeved.start({ directory: first.directory });
	const again = await second.createSession();
	assert.deepEqual((await second.rows(again, "SELECT count(*) FROM t")).rows, [[0]]);
	const stats = await second.data("{ getSessionStats { currentSessions currentActiveSessions } getConsumerGroup(groupId: 2) { currentSessions } }");
	assert.deepEqual(stats, { getSessionStats: { currentSessions: 1, currentActiveSessions: 0 }, getConsumerGroup: { currentSessions: 1 } });
	await second.stop();
});

test("keep-alive connections that idle do not hold it up", async () => {
	const reeved = await Reeved.start({ database: false });
	for (let i = 0; i < 5; i++)
		await reeved.graphql("{ __typename }");
	const began = Date.now();
	assert.equal((await reeved.stop()).code, 0);
	assert.ok(Date.now() - began < 2000);
});
