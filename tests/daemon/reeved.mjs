// Starts reeved for a test in a directory of its own, talks to it, and cleans up.
// The program is named by the environment variable REEVED.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = process.env.REEVED;
if (!PROGRAM)
	throw new Error("REEVED must name the program to test");

const directories = new Set();
const children = new Set();
process.on("exit", () => {
	for (const child of children)
		child.kill("SIGKILL");
	for (const directory of directories)
		rmSync(directory, { recursive: true, force: true });
});

export function makeDirectory() {
	const directory = mkdtempSync(join(tmpdir(), "reeved-test-"));
	directories.add(directory);
	return directory;
}

// An empty file is an empty database.
export function makeDatabase(directory) {
	const file = join(directory, "test.db");
	writeFileSync(file, "");
	return file;
}

// Runs the program to its end: { code, stdout, stderr }.
export function runToEnd(args) {
	return new Promise((resolve, reject) => {
		const child = spawn(PROGRAM, args, { stdio: ["ignore", "pipe", "pipe"] });
		let stdout = "", stderr = "";
		children.add(child);
		child.stdout.on("data", (text) => (stdout += text));
		child.stderr.on("data", (text) => (stderr += text));
		child.on("error", reject);
		child.on("close", (code, signal) => {
			children.delete(child);
			resolve({ code, signal, stdout, stderr });
		});
	});
}

export class Reeved {
	// Starts on a free port and resolves when it is ready.
	static async start({ directory = makeDirectory(), args = [], database = true } = {}) {
		const reeved = new Reeved();
		reeved.directory = directory;
		const engine = database ? ["--engine", `sqlite:${makeDatabaseOnce(reeved, directory)}`] : [];
		reeved.child = spawn(PROGRAM,
			[...(args.includes("--listen") ? [] : ["--listen", "127.0.0.1:0"]),
				"--data", directory, ...engine, ...args],
			{ stdio: ["ignore", "inherit", "pipe"] });
		children.add(reeved.child);
		reeved.log = "";
		reeved.ended = new Promise((resolve) => reeved.child.on("close", (code, signal) => {
			children.delete(reeved.child);
			resolve({ code, signal });
		}));
		await reeved.#becomeReady();
		return reeved;
	}

	#becomeReady() {
		return new Promise((resolve, reject) => {
			this.child.stderr.on("data", (text) => {
				this.log += text;
				const ready = this.events("ready")[0];
				if (ready) {
					this.address = ready.address;
					this.port = Number(ready.address.split(":").pop());
					resolve();
				}
			});
			this.ended.then(({ code }) =>
				reject(new Error(`reeved ended with ${code}: ${this.log}`)));
		});
	}

	// After a test that failed: what still runs would keep the runner waiting.
	static killLeft() {
		for (const child of children)
			child.kill("SIGKILL");
	}

	// Log lines of one event, parsed.
	events(name) {
		const whole = this.log.slice(0, this.log.lastIndexOf("\n") + 1);
		return whole.split("\n").filter((line) => line.startsWith("{"))
			.map((line) => JSON.parse(line)).filter((line) => line.event === name);
	}

	signal(name) {
		this.child.kill(name);
		return this.ended;
	}

	// Ends it the orderly way; any other end (of a sanitizer, for one) is a failure.
	async stop() {
		const end = await this.signal("SIGTERM");
		if (end.code !== 0)
			throw new Error(`reeved ended with ${end.code ?? end.signal}:\n${this.log}`);
		return end;
	}

	fetch(path, options) {
		return fetch(`http://${this.address}${path}`, options);
	}

	// One GraphQL request: { status, body }.
	async graphql(query, variables, options = {}) {
		const response = await this.fetch("/graphql", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ query, variables }),
			...options,
		});
		return { status: response.status, body: await response.json() };
	}

	// The data of a request that must succeed.
	async data(query, variables) {
		const { body } = await this.graphql(query, variables);
		if (body.errors)
			throw new Error(`${query}: ${JSON.stringify(body.errors)}`);
		return body.data;
	}

	// The code of the first error of a request that must fail.
	async failure(query, variables) {
		const { body } = await this.graphql(query, variables);
		if (!body.errors)
			throw new Error(`${query}: no error: ${JSON.stringify(body)}`);
		return body.errors[0].extensions.code;
	}

	async createSession(groupId = 2, username = "tester") {
		const data = await this.data(
			`mutation($groupId: UInt64!, $username: String!) {
				createSession(userId: 7, username: $username, groupId: $groupId) { sessionId }
			}`, { groupId, username });
		return data.createSession.sessionId;
	}

	// executeSql; the whole body.
	async sql(sessionId, sql, parameters, more = {}, options = {}) {
		const { body } = await this.graphql(
			`mutation($sessionId: UInt64!, $sql: String!, $parameters: [JSON], $maxRows: Int = 10000,
					$timeoutMs: UInt64) {
				executeSql(sessionId: $sessionId, sql: $sql, parameters: $parameters,
						maxRows: $maxRows, timeoutMs: $timeoutMs) {
					columns rows changes truncated groupId cpuTimeNs waitTimeNs elapsedNs
				}
			}`, { sessionId, sql, parameters, ...more }, options);
		return body;
	}

	// Its result, where it must succeed.
	async rows(sessionId, sql, parameters, more) {
		const body = await this.sql(sessionId, sql, parameters, more);
		if (body.errors)
			throw new Error(`${sql}: ${JSON.stringify(body.errors)}`);
		return body.data.executeSql;
	}

	// Sends bytes as they are; resolves with all that came back when the server closes, or once
	// `until` says that what came is enough.
	raw(bytes, until = () => false) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(this.port, "127.0.0.1");
			let answer = "";
			socket.on("connect", () => socket.write(bytes));
			socket.on("data", (text) => {
				answer += text;
				if (until(answer)) {
					socket.destroy();
					resolve(answer);
				}
			});
			socket.on("error", (error) => (answer ? resolve(answer) : reject(error)));
			socket.on("close", () => resolve(answer));
		});
	}

	// Waits until `check` gives something truthy, and gives that.
	async until(what, check, seconds = 60) {
		const end = Date.now() + seconds * 1000;
		for (;;) {
			const result = await check();
			if (result)
				return result;
			if (Date.now() > end)
				throw new Error(`waited ${seconds} s in vain: ${what}`);
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
	}

	session(sessionId) {
		return this.data(`query($id: UInt64!) {
			getSession(sessionId: $id) { state groupId totalQueries terminationReason cpuTimeUsed }
		}`, { id: sessionId }).then((data) => data.getSession);
	}

	// Waits until the session runs a statement.
	running(sessionId) {
		return this.until(`session ${sessionId} runs`, async () =>
			["Active", "Waiting", "Blocked"].includes((await this.session(sessionId)).state));
	}
}

const databases = new Map();
function makeDatabaseOnce(reeved, directory) {
	if (!databases.has(directory))
		databases.set(directory, makeDatabase(directory));
	reeved.database = databases.get(directory);
	return reeved.database;
}

// A statement that ends only when it is stopped.
export const ENDLESS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
	SELECT count(*) FROM n WHERE i < 0`;
