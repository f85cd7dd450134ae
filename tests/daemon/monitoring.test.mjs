// Monitoring: started and stopped, what it does at its interval, what goes on without it, what it costs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Reeved } from "./reeved.mjs";

const status = async (reeved) => (await reeved.data(`{ getMonitoringStatus { active since rebalancingIntervalSeconds
	timeoutCheckIntervalMs cycles rebalancings failedCycles lateCycles cpuSeconds longestCycleUs } }`)).getMonitoringStatus;

test("monitoring rebalances at the configured interval until it is stopped; housekeeping goes on", async () => {
	const reeved = await Reeved.start();
	const call = async (field) => (await reeved.data(`mutation { ${field} { success message } }`))[field];
	const first = await status(reeved);
	assert.equal(first.active, true);
	assert.ok(Math.abs(Date.parse(first.since) - Date.now()) < 60000);
	assert.deepEqual([first.rebalancingIntervalSeconds, first.timeoutCheckIntervalMs, first.rebalancings], [60, 100, 0]);
	assert.match((await call("startResourceMonitoring")).message, /is active already; it rebalances every 60 s/);

	execFileSync(process.env.SET_INTERVAL, [join(reeved.directory, "reeve.segment"), "1"]);
	await reeved.until("two rebalancings", async () => (await status(reeved)).rebalancings >= 2);
	const metrics = await (await reeved.fetch("/metrics")).text();
	assert.match(metrics, /^reeve_clock_rebalancings(_total)? [2-9]/m);
	assert.match(metrics, /^reeve_clock_cpu_seconds(_total)? 0\.0*[1-9]/m);

	assert.deepEqual(await call("stopResourceMonitoring"),
		{ success: true, message: "Resource monitoring has stopped; limits of time are still enforced." });
	const stopped = await status(reeved);
	assert.deepEqual([stopped.active, stopped.since, stopped.failedCycles], [false, null, 0]);
	assert.ok(stopped.cpuSeconds > 0 && stopped.longestCycleUs > 0 && stopped.lateCycles <= stopped.cycles);
	// Fifteen cycles are more than an interval.
	await reeved.until("the thread goes on", async () => (await status(reeved)).cycles > stopped.cycles + 15);
	assert.equal((await status(reeved)).rebalancings, stopped.rebalancings);
	assert.match((await call("stopResourceMonitoring")).message, /is not active/);

	// The limits of statements are held without it.
	const session = await reeved.createSession();
	const { errors } = await reeved.sql(session, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0",
		[], { timeoutMs: 200 });
	assert.equal(errors[0].extensions.code, "TIMEOUT");

	assert.match((await call("startResourceMonitoring")).message, /has started; it rebalances every 1 s/);
	await reeved.until("it rebalances again", async () => (await status(reeved)).rebalancings > stopped.rebalancings);
	await reeved.stop();
});
