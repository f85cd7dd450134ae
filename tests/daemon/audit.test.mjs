// The GraphQL-over-HTTP audit of the graphql-http package against the real server: all of it ok.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { Reeved } from "./reeved.mjs";

const { resolve } = createRequire(new URL("../graphql/package.json", import.meta.url));

let reeved;
before(async () => (reeved = await Reeved.start({ database: false })));
after(() => reeved.stop());

test("graphql-http: every audit is ok", async () => {
	const { auditServer } = await import(pathToFileURL(resolve("graphql-http")));
	const results = await auditServer({ url: `http://${reeved.address}/graphql` });
	const wrong = results.filter((result) => result.status !== "ok");
	assert.deepEqual(wrong.map(({ id, name, status, reason }) => `${id} ${name}: ${status}: ${reason}`), []);
	assert.equal(results.length, 61);
});
