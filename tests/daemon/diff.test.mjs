// The schema of the running reeved, rebuilt by graphql-js from introspection, over thousands of random
// documents, valid and damaged: both give the same verdict, error by error. Nothing is executed.
// The seed is printed; REEVE_SEED repeats it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { defineScalars, isOldWay, multiset, validateByReference } from "../graphql/compare.mjs";
import { Generator, makeRandom, mutate } from "../graphql/generate.mjs";
import { Reeved } from "./reeved.mjs";

const { buildClientSchema, getIntrospectionQuery, validateSchema } =
	createRequire(new URL("../graphql/package.json", import.meta.url))("graphql");

const COUNT = process.env.REEVE_TEST_ALL ? 5000 : 250;
const seed = Number(process.env.REEVE_SEED ?? Math.floor(Math.random() * 1e9));

test(`${COUNT} random documents and damaged copies, seed ${seed}`, async () => {
	const reeved = await Reeved.start({ database: false });
	const schema = buildClientSchema(await reeved.data(getIntrospectionQuery({
		specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true,
	})));
	assert.deepEqual(validateSchema(schema), []);
	defineScalars(schema);

	// An operation that is not there is looked for only when the document is valid.
	const ask = async (query) => {
		const response = await reeved.fetch("/graphql", {
			method: "POST", headers: { "Content-Type": "application/json" },
			body: JSON.stringify({ query, operationName: "nowhere" }),
		});
		return (await response.json()).errors;
	};
	const count = { compared: 0, valid: 0 };
	const compare = async (text) => {
		const theirs = validateByReference(schema, text);
		if (!theirs || theirs.errors?.length >= 100)
			return;
		const ours = await ask(text);
		const isValid = ours[0].message === 'Unknown operation named "nowhere".';
		if (ours[0].extensions.code === "RESOURCE_EXHAUSTED" || (theirs.errors && isOldWay(ours)))
			return;
		count.compared++;
		count.valid += isValid;
		assert.equal(multiset(isValid ? [] : ours), multiset(theirs.errors ?? []), `seed ${seed}: ${text}`);
	};
	const names = [...new Set(schema.toConfig().types.flatMap((t) => [t.name, ...(t.getFields ? Object.keys(t.getFields()) : [])]))]
		.concat(["skip", "include", "if", "v0", "F0", "Op0", "on", "x"]);
	for (let i = 0; i < COUNT; i++) {
		const random = makeRandom(seed + i);
		const { text } = new Generator(schema, random).document();
		await compare(text);
		for (let k = 0; k < 3; k++)
			await compare(mutate(text, random, names));
	}
	console.log(`${count.compared} compared, ${count.valid} of them valid`);
	assert.ok(count.compared > COUNT * 3 && count.valid > COUNT / 2, JSON.stringify(count));
	await reeved.stop();
});
