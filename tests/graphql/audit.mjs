// Runs graphql-http's audit of GraphQL over HTTP: every one must be "ok".
//
//	node audit.mjs URL                       a server that runs already
//	node audit.mjs SERVER SCHEMA             starts the test server and stops it again

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { auditServer } from 'graphql-http';

const [target, schema] = process.argv.slice(2);
let url = target;
let server = null;
if (schema) {
	server = spawn(target, [schema], { stdio: ['pipe', 'pipe', 'inherit'] });
	const [line] = await once(server.stdout, 'data');
	url = line.toString().trim();
}
const results = await auditServer({ url });
const bad = results.filter((r) => r.status !== 'ok');
for (const result of bad)
	console.log(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
console.log(`${results.length - bad.length} of ${results.length} audits ok`);
server?.stdin.end();
process.exit(bad.length || results.length < 61 ? 1 : 0);
