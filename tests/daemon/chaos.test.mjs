// Many clients at once, some of which go away, kill, cancel and switch each other, by a seed that is
// printed. Whatever happened: every answer is one of those that may be, nothing is held at the end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENDLESS, Reeved } from "./reeved.mjs";

const seed = Number(process.env.REEVE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const OPERATIONS = Number(process.env.OPERATIONS ?? 1500);
const CLIENTS = 24;

// A generator of Lehmer's kind; good enough to choose by.
let state = seed % 2147483647 || 1;
const random = (below) => {
	state = (state * 48271) % 2147483647;
	return state % below;
};

const EXPECTED = {
	create: [], look: [],
	sql: ["INVALID_STATE", "NOT_FOUND", "CANCELLED", "KILLED", "TIMEOUT", "CONFLICT"],
	endless: ["INVALID_STATE", "NOT_FOUND", "CANCELLED", "KILLED", "TIMEOUT", "CONFLICT"],
	cancel: ["INVALID_STATE", "NOT_FOUND"],
	kill: ["INVALID_STATE", "NOT_FOUND"],
	end: ["INVALID_STATE", "NOT_FOUND"],
	move: ["INVALID_STATE", "NOT_FOUND"],
	hand: ["INVALID_STATE", "NOT_FOUND"],
	query: ["INVALID_STATE", "NOT_FOUND"],
};

test(`nothing is left behind (REEVE_SEED=${seed})`, async () => {
	const reeved = await Reeved.start({ args: ["--workers", "8"] });
	const sessions = [];
	for (let i = 0; i < 6; i++)
		sessions.push(await reeved.createSession(2 + (i % 2)));
	await reeved.rows(sessions[0], "CREATE TABLE t(x)");
	const any = () => sessions[random(sessions.length)];
	const counts = {};

	const documents = {
		create: () => `mutation { createSession(userId: 1, username: "c", groupId: ${2 + random(3)}) { sessionId } }`,
		look: () => "{ listSessions { sessionId state group { name cpu { activeTasks } } } getCpuSchedulerStats { runningTasks } }",
		sql: () => `mutation { executeSql(sessionId: ${any()}, sql: "${["INSERT INTO t VALUES (1)", "SELECT count(*) FROM t",
			"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"][random(3)]}") { rows } }`,
		endless: () => `mutation { executeSql(sessionId: ${any()}, timeoutMs: ${20 + random(200)}, sql: "${
			ENDLESS.replace(/\s+/g, " ")}") { rows } }`,
		cancel: () => `mutation { cancelSql(sessionId: ${any()}) { success } }`,
		kill: () => `mutation { killSession(sessionId: ${any()}) { success } }`,
		end: () => `mutation { terminateSession(sessionId: ${any()}) { success } }`,
		move: () => `mutation { switchSessionGroup(sessionId: ${any()}, newGroupId: ${2 + random(3)}) { success } }`,
		query: () => `mutation { executeQuery(sessionId: ${any()}, parallelMode: "Manual", requestedDop: 2, workAreaBytes: 4096) { executionId } }`,
		hand: () => `mutation { ${random(2) ? "startQuery" : "completeQuery"}(sessionId: ${any()}) { __typename } }`,
	};
	const weights = ["create", "look", "sql", "sql", "sql", "sql", "endless", "endless", "cancel", "cancel", "kill", "end", "move", "hand", "query", "query"];
	let left = OPERATIONS;

	const client = async () => {
		while (left-- > 0) {
			const kind = sessions.length < 4 ? "create" : weights[random(weights.length)];
			const leaves = kind === "endless" && random(3) === 0 ? AbortSignal.timeout(1 + random(60)) : undefined;
			let body;
			try {
				({ body } = await reeved.graphql(documents[kind](), {}, leaves ? { signal: leaves } : {}));
			} catch (error) {
				assert.ok(leaves?.aborted, `${kind}: ${error}`);
				continue;
			}
			const code = body.errors?.[0].extensions.code;
			counts[code ?? "ok"] = (counts[code ?? "ok"] ?? 0) + 1;
			assert.ok(code === undefined || EXPECTED[kind].includes(code), `${kind}: ${JSON.stringify(body)}`);
			if (body.data?.createSession) {
				sessions.push(body.data.createSession.sessionId);
				if (sessions.length > 12)
					sessions.shift();
			}
		}
	};
	await Promise.all(Array.from({ length: CLIENTS }, client));

	const metric = (text, name) => text.split("\n").filter((line) => line.startsWith(name))
		.reduce((sum, line) => sum + Number(line.split(" ").pop()), 0);
	for (const { sessionId } of (await reeved.data("{ listActiveSessions { sessionId } }")).listActiveSessions)
		await reeved.graphql(`mutation { completeQuery(sessionId: ${sessionId}) { success } }`);
	const metrics = await reeved.until("all is at rest", async () => {
		const text = await (await reeved.fetch("/metrics")).text();
		return metric(text, "reeve_http_working ") === 0 && metric(text, "reeve_sessions_active ") === 0 && text;
	});
	for (const name of ["reeve_group_running", "reeve_group_waiting", "reeve_cpu_ready ", "reeve_cpu_running "])
		assert.equal(metric(metrics, name), 0, name);
	const { listSessions, listConsumerGroups } = await reeved.data("{ listSessions { sessionId groupId state } listConsumerGroups { id currentSessions } }");
	assert.ok(listSessions.every((session) => session.state === "Inactive"), JSON.stringify(listSessions));
	for (const { id, currentSessions } of listConsumerGroups)
		assert.equal(currentSessions, listSessions.filter((session) => session.groupId === id).length, `group ${id}`);
	// Whoever is still there works; whoever was killed is closed, so nobody holds the writer's lock.
	for (const { sessionId } of listSessions)
		await reeved.rows(sessionId, "INSERT INTO t VALUES (2)");
	await reeved.stop();
	for (const kind of ["ok", "CANCELLED", "TIMEOUT"])
		assert.ok(counts[kind] > 0, `${kind} happened: ${JSON.stringify(counts)}`);
});
