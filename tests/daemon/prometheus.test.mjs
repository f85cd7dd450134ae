// A real Prometheus scrapes reeved, loads the alert rules, and answers from what it scraped. Its
// program is named by the environment variable PROMETHEUS, promtool lies beside it.
import assert from "node:assert/strict";
import { spawn, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { Reeved, makeDirectory } from "./reeved.mjs";

const PROMETHEUS = process.env.PROMETHEUS;
const PACKAGING = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "../../packaging");
const RULES = join(PACKAGING, "prometheus/reeve-alerts.yml");
let reeved, prometheus, base;

const freePort = () => new Promise((resolve) => {
	const server = net.createServer().listen(0, "127.0.0.1", () => {
		const { port } = server.address();
		server.close(() => resolve(port));
	});
});

async function ask(path) {
	const response = await fetch(base + path);
	const answer = await response.json();
	assert.equal(answer.status, "success", JSON.stringify(answer));
	return answer.data;
}

// Asks again until `found` says yes; the test's own limit ends it otherwise.
async function until(what, ask, found) {
	for (;;) {
		const answer = await ask().catch(() => undefined);
		if (answer !== undefined && found(answer))
			return answer;
		assert.equal(prometheus.exitCode, null, `prometheus ended while waiting for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

before(async () => {
	const directory = makeDirectory();
	const port = await freePort();
	reeved = await Reeved.start();
	writeFileSync(join(directory, "prometheus.yml"), JSON.stringify({
		global: { scrape_interval: "1s", evaluation_interval: "1s" },
		rule_files: [RULES],
		scrape_configs: [{ job_name: "reeve", static_configs: [{ targets: [`127.0.0.1:${reeved.port}`] }] }],
	}));
	base = `http://127.0.0.1:${port}`;
	prometheus = spawn(PROMETHEUS, [`--config.file=${directory}/prometheus.yml`,
		`--storage.tsdb.path=${directory}/data`, `--web.listen-address=127.0.0.1:${port}`],
	{ stdio: "ignore" });
}, { timeout: 60000 });
after(async () => {
	prometheus?.kill("SIGKILL");
	await reeved?.stop();
});

test("the alert rules hold their own tests", () => {
	const promtool = join(dirname(PROMETHEUS), "promtool");
	execFileSync(promtool, ["check", "rules", RULES]);
	execFileSync(promtool, ["test", "rules", RULES.replace(".yml", "-test.yml")]);
});

test("a scrape succeeds, and what it read is what reeved says", { timeout: 120000 }, async () => {
	const id = await reeved.createSession(3);
	await reeved.rows(id, "SELECT 1");
	const { activeTargets: [target] } = await until("a scrape", () => ask("/api/v1/targets"),
		({ activeTargets }) => activeTargets[0]?.health !== "unknown" && activeTargets.length === 1);
	assert.equal(target.lastError, "");
	assert.equal(target.health, "up");
	const statements = await until("statements",
		() => ask(`/api/v1/query?query=${encodeURIComponent('reeve_group_statements_total{group="BATCH_GROUP"}')}`),
		({ result }) => result.length === 1 && Number(result[0].value[1]) >= 1);
	assert.equal(statements.result[0].metric.job, "reeve");
	const types = await ask("/api/v1/metadata");
	assert.equal(types.reeve_group_cpu_wait_duration_seconds[0].type, "histogram");
	assert.equal(types.reeve_memory_used_bytes[0].type, "gauge");
	const { groups } = await ask("/api/v1/rules");
	assert.ok(groups[0].rules.length >= 8);
	await until("rules evaluated", () => ask("/api/v1/rules"),
		({ groups: [{ rules }] }) => rules.every(({ health }) => health === "ok"));
});

test("dashboard and alerts name metrics that exist", async () => {
	const text = await (await reeved.fetch("/metrics")).text();
	const known = new Set([...text.matchAll(/^(reeve_\w+)/gm)].map(([, name]) => name));
	const dashboard = readFileSync(join(PACKAGING, "grafana/reeve.json"), "utf8");
	JSON.parse(dashboard);
	const named = (dashboard + readFileSync(RULES, "utf8")).match(/\breeve_\w+/g);
	assert.ok(named.length > 30);
	for (const name of named)
		assert.ok(known.has(name), name);
});
