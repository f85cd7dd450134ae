// executeSql: values, refusals, and every way a statement ends before its time.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ENDLESS, Reeved } from "./reeved.mjs";

let reeved, session;
before(async () => {
	reeved = await Reeved.start({ args: ["--workers", "4"] });
	session = await reeved.createSession();
	await reeved.rows(session, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)");
	await reeved.rows(session, `INSERT INTO t(name)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		SELECT 'name ' || i FROM n`);
});
after(() => reeved.stop());

const code = (body) => body.errors?.[0].extensions.code;
const idle = (id) => reeved.until("the session is idle", async () =>
	(await reeved.session(id)).state === "Inactive");

test("values of every kind come back as they are", async () => {
	const response = await reeved.fetch("/graphql", {
		method: "POST",
		headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ query: `mutation { executeSql(sessionId: ${session}, sql: """
			SELECT 1 AS one, -9223372036854775808 AS least, 9223372036854775807 AS most, 0.1 AS tenth,
				1e300 AS big, NULL AS none, 'a"b' || char(92) || 'c' || char(10) || 'ü' AS text, x'00ff10' AS blob,
				x'' AS empty, '' AS blank, 9e999 AS infinite
		""") { columns rows changes truncated groupId } }` }),
	});
	assert.equal(await response.text(), '{"data":{"executeSql":{"columns":["one","least","most","tenth","big",' +
		'"none","text","blob","empty","blank","infinite"],"rows":[[1,-9223372036854775808,' +
		'9223372036854775807,0.1,1e+300,null,"a\\"b\\\\c\\nü","AP8Q","","",null]],"changes":0,' +
		'"truncated":false,"groupId":2}}}');
});

test("parameters are bound by kind", async () => {
	const values = [null, true, false, 42, -7, 9007199254740991, 2.5, "it's", ""];
	const result = await reeved.rows(session,
		`SELECT ${values.map(() => "?").join(", ")}, ${values.map((_, i) => `typeof(?${i + 1})`).join(", ")}`, values);
	assert.deepEqual(result.rows[0], [null, 1, 0, 42, -7, 9007199254740991, 2.5, "it's", "",
		"null", "integer", "integer", "integer", "integer", "integer", "real", "text", "text"]);
	for (const parameters of [[], [1, 2], undefined])
		assert.equal(code(await reeved.sql(session, "SELECT ?", parameters)), "INVALID_ARGUMENT");
	for (const parameters of [[[1]], [{ a: 1 }]])
		assert.match((await reeved.sql(session, "SELECT ?", parameters)).errors[0].message, /parameter 1/);
});

test("base64 of every length", async () => {
	for (let length = 0; length <= 7; length++) {
		const hex = "fe01a37b9c22d4".slice(0, length * 2);
		const result = await reeved.rows(session, `SELECT x'${hex}'`);
		assert.equal(result.rows[0][0], Buffer.from(hex, "hex").toString("base64"));
	}
});

test("changes are counted, and only of this statement", async () => {
	const change = async (sql) => (await reeved.rows(session, sql)).changes;
	assert.equal(await change("CREATE TABLE c(x)"), 0);
	assert.equal(await change("INSERT INTO c VALUES (1), (2), (3)"), 3);
	assert.equal(await change("SELECT * FROM c"), 0);
	assert.equal(await change("UPDATE c SET x = x + 1 WHERE x > 1"), 2);
	assert.equal(await change("CREATE TABLE d(x)"), 0);
	assert.equal(await change("DELETE FROM c"), 3);
	const returning = await reeved.rows(session, "INSERT INTO c VALUES (9) RETURNING x");
	assert.deepEqual(returning.rows, [[9]]);
	assert.equal(returning.changes, 1);
});

test("maxRows cuts, and says so only when it did", async () => {
	for (const [maxRows, rows, truncated] of [[0, 0, true], [1, 1, true], [999, 999, true], [1000, 1000, false], [5000, 1000, false]]) {
		const result = await reeved.rows(session, "SELECT id FROM t ORDER BY id", [], { maxRows });
		assert.equal(result.rows.length, rows);
		assert.equal(result.truncated, truncated);
	}
	assert.equal(code(await reeved.sql(session, "SELECT 1", [], { maxRows: -1 })), "INVALID_ARGUMENT");
	assert.equal(code(await reeved.sql(session, "SELECT 1", [], { maxRows: 1000001 })), "INVALID_ARGUMENT");
});

test("a result that is too large is cut", async () => {
	const result = await reeved.rows(session, "SELECT hex(zeroblob(500000)) FROM t", [], { maxRows: 1000 });
	assert.equal(result.truncated, true);
	assert.ok(result.rows.length >= 30 && result.rows.length < 40, String(result.rows.length));
	assert.ok(result.rows.every(([cell]) => cell.length === 1000000));
});

test("what a statement cost is true", async () => {
	const before = (await reeved.session(session)).cpuTimeUsed;
	const result = await reeved.rows(session, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
		SELECT i + 1 FROM n WHERE i < 300000) SELECT count(*) FROM n`);
	assert.deepEqual(result.rows, [[300000]]);
	assert.ok(result.cpuTimeNs > 1e6, `cpu ${result.cpuTimeNs}`);
	assert.ok(result.elapsedNs >= result.waitTimeNs);
	assert.ok(result.cpuTimeNs <= result.elapsedNs * 1.05 + 1e6, JSON.stringify(result));
	const used = (await reeved.session(session)).cpuTimeUsed - before;
	assert.ok(Math.abs(used - result.cpuTimeNs) < 1e6, `session ${used}, statement ${result.cpuTimeNs}`);
});

test("SQL that is wrong is the caller's fault, in SQLite's words", async () => {
	for (const [sql, pattern] of [
		["SELEC 1", /near "SELEC": syntax error/],
		["SELECT * FROM nowhere", /no such table: nowhere/],
		["INSERT INTO t(id) VALUES (1)", /UNIQUE constraint failed: t\.id/],
		["", /no statement/],
		["  -- nothing\n", /no statement/],
		["SELECT 1; SELECT 2", /one statement a call/],
		["SELECT 1; rubbish", /one statement a call/],
	]) {
		const body = await reeved.sql(session, sql);
		assert.equal(code(body), "INVALID_ARGUMENT", sql);
		assert.match(body.errors[0].message, pattern);
	}
	assert.deepEqual((await reeved.rows(session, "SELECT 1; -- that was all\n ; ")).rows, [[1]]);
	assert.equal(code(await reeved.sql(99999, "SELECT 1")), "NOT_FOUND");
	for (const timeoutMs of [0, 18446744073709552000])
		assert.equal((await reeved.sql(session, "SELECT 1", [], { timeoutMs })).data?.executeSql ?? null, null);
});

test("what could reach the server's files is refused", async () => {
	const other = join(reeved.directory, "other.db");
	for (const sql of [`ATTACH '${other}' AS other`, "DETACH main", `VACUUM INTO '${other}'`,
		"SELECT load_extension('x')", "PRAGMA writable_schema = 1", "PRAGMA journal_mode = DELETE",
		"PRAGMA cache_size = 100000", "PRAGMA temp_store = 2", "PRAGMA temp_store_directory = '/'",
		"PRAGMA mmap_size = 1", "PRAGMA threads = 4", "PRAGMA busy_timeout = 0", "PRAGMA trusted_schema = 1",
		"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = 0", "PRAGMA data_store_directory = 'x'"])
		assert.equal(code(await reeved.sql(session, sql)), "PERMISSION_DENIED", sql);
	assert.ok(!existsSync(other));
	assert.equal((await reeved.rows(session, "PRAGMA journal_mode")).rows[0][0], "wal");
	assert.equal((await reeved.rows(session, "PRAGMA user_version")).rows[0][0], 0);
	assert.deepEqual((await reeved.rows(session, "PRAGMA table_info(t)")).rows.map((row) => row[1]), ["id", "name"]);
	await reeved.rows(session, "VACUUM");
});

test("a kept statement follows a change of the schema, and forgets its parameters", async () => {
	await reeved.rows(session, "CREATE TABLE s(a)");
	await reeved.rows(session, "INSERT INTO s VALUES (1)");
	assert.deepEqual((await reeved.rows(session, "SELECT * FROM s")).columns, ["a"]);
	await reeved.rows(session, "ALTER TABLE s ADD COLUMN b DEFAULT 5");
	for (let i = 0; i < 2; i++) {
		const result = await reeved.rows(session, "SELECT * FROM s");
		assert.deepEqual([result.columns, result.rows], [["a", "b"], [[1, 5]]]);
	}
	for (let i = 0; i < 30; i++)
		assert.deepEqual((await reeved.rows(session, `SELECT ${i % 12} + ?`, [i])).rows, [[(i % 12) + i]]);
});

test("a transaction belongs to its session, and ends with it", async () => {
	const writer = await reeved.createSession(), reader = await reeved.createSession();
	await reeved.rows(writer, "CREATE TABLE x(v)");
	await reeved.rows(writer, "BEGIN IMMEDIATE");
	await reeved.rows(writer, "INSERT INTO x VALUES (1)");
	assert.deepEqual((await reeved.rows(reader, "SELECT count(*) FROM x")).rows, [[0]]);
	await reeved.data(`mutation { terminateSession(sessionId: ${writer}) { success } }`);
	assert.deepEqual((await reeved.rows(reader, "SELECT count(*) FROM x")).rows, [[0]]);
	await reeved.rows(reader, "INSERT INTO x VALUES (2)");
});

test("one statement at a time in a session", async () => {
	const id = await reeved.createSession();
	const endless = reeved.sql(id, ENDLESS);
	await reeved.running(id);
	assert.equal(code(await reeved.sql(id, "SELECT 1")), "INVALID_STATE");
	assert.equal(await reeved.failure(`mutation { terminateSession(sessionId: ${id}) { success } }`), "INVALID_STATE");
	await reeved.data(`mutation { cancelSql(sessionId: ${id}) { success } }`);
	assert.equal(code(await endless), "CANCELLED");
	await reeved.data(`mutation { startQuery(sessionId: ${id}) { canStart } }`);
	assert.equal(code(await reeved.sql(id, "SELECT 1")), "INVALID_STATE");
	await reeved.data(`mutation { completeQuery(sessionId: ${id}) { success } }`);
	assert.deepEqual((await reeved.rows(id, "SELECT 1")).rows, [[1]]);
});

test("cancelSql stops the statement, and the session goes on", async () => {
	const id = await reeved.createSession();
	assert.equal(await reeved.failure(`mutation { cancelSql(sessionId: ${id}) { success } }`), "INVALID_STATE");
	const endless = reeved.sql(id, ENDLESS);
	await reeved.running(id);
	await reeved.data(`mutation { cancelSql(sessionId: ${id}) { success } }`);
	const body = await endless;
	assert.equal(code(body), "CANCELLED");
	assert.deepEqual(body.errors[0].path, ["executeSql"]);
	assert.equal(body.data.executeSql, null);
	await idle(id);
	assert.deepEqual((await reeved.rows(id, "SELECT 'on'")).rows, [["on"]]);
});

test("timeoutMs stops the statement", async () => {
	const id = await reeved.createSession();
	const started = Date.now();
	assert.equal(code(await reeved.sql(id, ENDLESS, [], { timeoutMs: 200 })), "TIMEOUT");
	assert.ok(Date.now() - started >= 190);
	assert.deepEqual((await reeved.rows(id, "SELECT 'on'", [], { timeoutMs: 60000 })).rows, [["on"]]);
});

test("maxExecutionTime of the group stops the statement", async () => {
	const { groupId } = (await reeved.data('mutation { createConsumerGroup(name: "SHORT", maxExecutionTime: 1) { groupId } }')).createConsumerGroup;
	const id = await reeved.createSession(groupId);
	assert.equal(code(await reeved.sql(id, ENDLESS)), "TIMEOUT");
	const { getSessionStats } = await reeved.data("{ getSessionStats { executionTimeoutTerminations } }");
	assert.ok(getSessionStats.executionTimeoutTerminations >= 1);
});

test("killSession stops the statement and ends the session", async () => {
	const id = await reeved.createSession();
	const endless = reeved.sql(id, ENDLESS);
	await reeved.running(id);
	await reeved.data(`mutation { killSession(sessionId: ${id}) { success } }`);
	assert.equal(code(await endless), "KILLED");
	await reeved.until("the session is gone", async () => (await reeved.session(id)).state === "Terminated");
	assert.equal(code(await reeved.sql(id, "SELECT 1")), "INVALID_STATE");
	const listed = (await reeved.data("{ listSessions { sessionId } }")).listSessions;
	assert.ok(!listed.some((s) => s.sessionId === id));
});

test("a client that goes away takes its statement with it", async () => {
	const id = await reeved.createSession();
	const leaving = new AbortController();
	const request = reeved.sql(id, ENDLESS, [], {}, { signal: leaving.signal }).catch((error) => error.name);
	await reeved.running(id);
	const left = Date.now();
	leaving.abort();
	assert.equal(await request, "AbortError");
	await idle(id);
	assert.ok(Date.now() - left < 2000, `${Date.now() - left} ms`);
	assert.deepEqual((await reeved.rows(id, "SELECT 'on'")).rows, [["on"]]);
	const metrics = await (await reeved.fetch("/metrics")).text();
	assert.match(metrics, /^reeve_http_clients_gone_total [1-9]/m);
});

test("a client that goes away takes the rest of its document with it", async () => {
	const id = await reeved.createSession();
	await reeved.rows(id, "CREATE TABLE after_it(x)");
	const leaving = new AbortController();
	const request = reeved.graphql(`mutation { a: executeSql(sessionId: ${id}, sql: "${ENDLESS.replace(/\s+/g, " ")}") { changes }
		b: executeSql(sessionId: ${id}, sql: "INSERT INTO after_it VALUES (1)") { changes } }`, {}, { signal: leaving.signal })
		.catch(() => {});
	await reeved.running(id);
	leaving.abort();
	await request;
	await idle(id);
	await reeved.until("the request is over", async () =>
		/^reeve_http_working 0$/m.test(await (await reeved.fetch("/metrics")).text()));
	assert.deepEqual((await reeved.rows(id, "SELECT count(*) FROM after_it")).rows, [[0]]);
});

test("while statements wait, other requests are answered; more than workers wait in line", async () => {
	const ids = [];
	for (let i = 0; i < 7; i++)
		ids.push(await reeved.createSession());
	const endless = ids.map((id) => reeved.sql(id, ENDLESS));
	await reeved.until("four statements run", async () =>
		(await reeved.data("{ listActiveSessions { sessionId } }")).listActiveSessions.length === 4);
	assert.match(await (await reeved.fetch("/metrics")).text(), /^reeve_http_working 7$/m);
	let ended = 0;
	endless.forEach((statement) => statement.then(() => ended++));
	await reeved.until("all were cancelled", async () => {
		for (const { sessionId } of (await reeved.data("{ listActiveSessions { sessionId } }")).listActiveSessions)
			await reeved.graphql(`mutation { cancelSql(sessionId: ${sessionId}) { success } }`);
		return ended === 7;
	});
	for (const body of await Promise.all(endless))
		assert.equal(code(body), "CANCELLED");
});

test("a session that is killed while idle gives back what its transaction held", async () => {
	const holder = await reeved.createSession(), other = await reeved.createSession();
	await reeved.rows(holder, "CREATE TABLE held(x)");
	await reeved.rows(holder, "BEGIN IMMEDIATE");
	await reeved.rows(holder, "INSERT INTO held VALUES (1)");
	assert.equal(code(await reeved.sql(other, "INSERT INTO held VALUES (2)", [], { timeoutMs: 100 })), "TIMEOUT");
	await reeved.data(`mutation { killSession(sessionId: ${holder}) { success } }`);
	await reeved.rows(other, "INSERT INTO held VALUES (3)");
	assert.deepEqual((await reeved.rows(other, "SELECT x FROM held")).rows, [[3]]);
});

test("statements are logged at level debug", async () => {
	const talking = await Reeved.start({ args: ["--log-level", "debug"] });
	const id = await talking.createSession();
	await talking.rows(id, "SELECT 1 UNION ALL SELECT 2");
	await talking.sql(id, "SELECT missing");
	await talking.stop();
	const [good, bad] = talking.events("statement");
	assert.deepEqual([good.session, good.result, good.rows, good.level], [id, "OK", 2, "debug"]);
	assert.ok(good.cpuTimeNs > 0 && good.elapsedNs > 0);
	assert.deepEqual([bad.result, bad.reason], ["INVALID_ARGUMENT", "no such column: missing"]);
});

test("more than may wait for a worker are refused with 503, the others served", async () => {
	const full = await Reeved.start({ args: ["--workers", "1"] });
	const id = await full.createSession(), blocker = await full.createSession();
	const endless = full.sql(blocker, ENDLESS);
	await full.running(blocker);
	const body = JSON.stringify({ query: `mutation { executeSql(sessionId: ${id}, sql: "SELECT 1") { rows } }` });
	const bytes = "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
		`Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
	const answers = Array.from({ length: 1034 }, () => full.raw(bytes));
	const working = async () => Number(/^reeve_http_working (\d+)$/m.exec(await (await full.fetch("/metrics")).text())[1]);
	let refused = 0;
	answers.forEach((answer) => answer.then((text) => (refused += text.startsWith("HTTP/1.1 503"))));
	await full.until("ten were refused", async () => refused === 10 && (await working()) === 1025);
	await full.data(`mutation { cancelSql(sessionId: ${blocker}) { success } }`);
	assert.equal(code(await endless), "CANCELLED");
	const texts = await Promise.all(answers);
	assert.equal(texts.filter((text) => text.endsWith('{"data":{"executeSql":{"rows":[[1]]}}}')).length, 1024);
	const no = texts.find((text) => text.startsWith("HTTP/1.1 503"));
	assert.match(no, /^Retry-After: \d+\r$/m);
	assert.match(no, /"code":"RESOURCE_EXHAUSTED"/);
	await full.stop();
});
