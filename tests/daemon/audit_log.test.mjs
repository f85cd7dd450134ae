// The audit log: every change, by whom, with what outcome; nothing secret; files that are put aside.
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeDirectory, Reeved } from "./reeved.mjs";

after(Reeved.killLeft);

const entries = (directory, name = "audit.log") => readFileSync(join(directory, name), "utf8").trimEnd().split("\n").map(JSON.parse);
const LIST = "{ listAuditEntries { id at who role from operation arguments outcome durationUs } }";

test("every change is written down, whatever became of it; queries are not", async () => {
	const reeved = await Reeved.start();
	await reeved.data('mutation { createConsumerGroup(name: "G", priority: 2, description: null) { groupId } }');
	await reeved.failure('mutation { createConsumerGroup(name: "G") { groupId } }');
	await reeved.data("{ listConsumerGroups { id } }");
	await reeved.failure("mutation { killSession(sessionId: 99) { success } }");
	const id = await reeved.createSession();
	await reeved.rows(id, "CREATE TABLE t(a, b)");
	await reeved.rows(id, "INSERT INTO t VALUES (?, ?)", ["hunter2", 4711]);
	await reeved.rows(id, "UPDATE t SET a = 'p4ssw0rd' -- s3cret\n WHERE b = 4711 AND a <> x'c0ffee'");
	const lines = entries(reeved.directory);
	assert.deepEqual(lines.map(({ id: number, operation, outcome }) => [number, operation, outcome]), [
		[1, "createConsumerGroup", "ok"], [2, "createConsumerGroup", "ALREADY_EXISTS"], [3, "killSession", "NOT_FOUND"],
		[4, "createSession", "ok"], [5, "executeSql", "ok"], [6, "executeSql", "ok"], [7, "executeSql", "ok"]]);
	assert.deepEqual(lines[0].arguments, { name: "G", priority: 2, category: "Custom", description: null });
	assert.deepEqual([lines[0].who, lines[0].role, lines[0].from], ["loopback", "admin", "127.0.0.1"]);
	assert.ok(!Number.isNaN(Date.parse(lines[0].at)) && lines[0].durationUs >= 0);
	assert.deepEqual(lines[5].arguments.parameters, ["[redacted]", "[redacted]"]);
	assert.equal(lines[6].arguments.sql, "UPDATE t SET a = ? WHERE b = ? AND a <> ?");
	const text = readFileSync(join(reeved.directory, "audit.log"), "utf8");
	for (const secret of ["hunter2", "4711", "p4ssw0rd", "s3cret", "c0ffee"])
		assert.ok(!text.includes(secret), secret);
	assert.equal(statSync(join(reeved.directory, "audit.log")).mode & 0o007, 0);
	const { listAuditEntries } = await reeved.data(LIST);
	assert.deepEqual(listAuditEntries, lines.reverse(), "the newest first, and the same");
	assert.match(await (await reeved.fetch("/metrics")).text(), /^reeve_audit_entries(_total)? 7$/m);
	await reeved.stop();
});

test("pages, limits, and texts that would break a line", async () => {
	const reeved = await Reeved.start({ database: false });
	for (const name of ['a"b\\c', "line\nbreak", "\u0007", "ä€😀", "x".repeat(5000)])
		await reeved.graphql("mutation($name: String!) { createConsumerGroup(name: $name) { groupId } }", { name });
	await reeved.graphql(`mutation($name: String!) { ${Array.from({ length: 20 }, (_, i) => `m${i}: createConsumerGroup(name: $name) { groupId }`).join(" ")} }`, { name: "N" });
	const lines = entries(reeved.directory);
	assert.equal(lines.length, 25);
	assert.deepEqual(lines.slice(0, 5).map((line) => line.arguments.name), ['a"b\\c', "line\nbreak", "\u0007", "ä€😀", "x".repeat(256)]);
	const page = async (args) => (await reeved.data(`{ listAuditEntries${args} { id } }`)).listAuditEntries.map(({ id }) => id);
	assert.deepEqual(await page("(limit: 3)"), [25, 24, 23]);
	assert.deepEqual(await page("(limit: 3, beforeId: 23)"), [22, 21, 20]);
	assert.deepEqual(await page("(limit: 1024, beforeId: 3)"), [2, 1]);
	assert.deepEqual(await page("(beforeId: 1)"), []);
	for (const limit of [0, -1, 1025])
		assert.equal(await reeved.failure(`{ listAuditEntries(limit: ${limit}) { id } }`), "INVALID_ARGUMENT");
	await reeved.stop();
});

test("after a restart, and a crash within a line, it goes on where it was", async () => {
	const directory = makeDirectory();
	let reeved = await Reeved.start({ directory });
	await reeved.data('mutation { createConsumerGroup(name: "A") { groupId } }');
	await reeved.signal("SIGKILL");
	appendFileSync(join(directory, "audit.log"), 'nonsense\n{"id":700000,"at":"cut');
	reeved = await Reeved.start({ directory });
	await reeved.data('mutation { createConsumerGroup(name: "B") { groupId } }');
	assert.deepEqual((await reeved.data(LIST)).listAuditEntries.map(({ id, arguments: given }) => [id, given.name]), [[2, "B"], [1, "A"]]);
	const last = readFileSync(join(directory, "audit.log"), "utf8").trimEnd().split("\n").pop();
	assert.equal(JSON.parse(last).id, 2);
	await reeved.stop();
});

test("at its size the file is put aside, and ids go on", async () => {
	const directory = makeDirectory();
	let reeved = await Reeved.start({ directory, args: ["--audit-size", "1"] });
	const aliases = Array.from({ length: 100 }, (_, i) => `m${i}: createConsumerGroup(name: "same", description: $text) { groupId }`).join(" ");
	const text = "y".repeat(250);
	for (let i = 0; i < 48; i++)
		await reeved.graphql(`mutation($text: String) { ${aliases} }`, { text });
	const old = entries(directory, "audit.log.1"), present = entries(directory);
	assert.equal(old.length + present.length + (existsSync(join(directory, "audit.log.2")) ? entries(directory, "audit.log.2").length : 0), 4800);
	assert.equal(present[0].id, old[old.length - 1].id + 1);
	assert.ok(statSync(join(directory, "audit.log.1")).size <= 1048576);
	const newest = (await reeved.data("{ listAuditEntries(limit: 1024) { id } }")).listAuditEntries;
	assert.equal(newest.length, 1024);
	assert.equal(newest[0].id, 4800);
	await reeved.stop();
	reeved = await Reeved.start({ directory });
	assert.equal((await reeved.data("{ listAuditEntries(limit: 1) { id } }")).listAuditEntries[0].id, 4800);
	await reeved.stop();
});

test("a log that cannot be opened keeps it from starting", async () => {
	const directory = makeDirectory();
	mkdirSync(join(directory, "audit.log"));
	await assert.rejects(Reeved.start({ directory }), /cannot open the audit log/);
	if (process.getuid() !== 0) {
		const closed = makeDirectory();
		appendFileSync(join(closed, "audit.log"), "");
		chmodSync(join(closed, "audit.log"), 0);
		await assert.rejects(Reeved.start({ directory: closed }), /Permission denied/);
	}
});
