// Compares the engine with graphql-js over random documents: syntax errors, validation errors and
// answers must agree.
//
//	node diff.mjs DRIVER SCHEMA [--count N] [--seed S]

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
	buildSchema, execute, isEnumType, isLeafType, isListType, isNonNullType, isObjectType, parse,
	getIntrospectionQuery,
} from 'graphql';
import { defineScalars, isOldWay, multiset, normalise, validateByReference } from './compare.mjs';
import { Generator, makeRandom, mutate } from './generate.mjs';

const [driverPath, schemaPath, ...rest] = process.argv.slice(2);
const option = (name, fallback) => {
	const at = rest.indexOf(name);
	return at < 0 ? fallback : Number(rest[at + 1]);
};
const count = option('--count', 3000);
const seed = option('--seed', Number(process.env.REEVE_SEED ?? Math.floor(Math.random() * 1e9)));
console.log(`schema ${schemaPath}, ${count} documents, seed ${seed}`);

// ---- the schema, with scalars and resolvers as toy.c has them ----

const schema = buildSchema(readFileSync(schemaPath, 'utf8'));

defineScalars(schema);
const reference = (text) => validateByReference(schema, text);

function leafValue(type, name) {
	if (isEnumType(type))
		return type.getValues()[name.length % type.getValues().length].value;
	switch (type.name) {
	case 'Int': return name.length;
	case 'Float': return name.length + 0.5;
	case 'Boolean': return name.length % 2 === 0;
	case 'UInt64': return 18446744073709551615;
	case 'DateTime': return '2026-01-31T09:00:00Z';
	case 'TimeOfDay': return '09:00';
	case 'JSON': return { k: name };
	default: return name;
	}
}

function makeValue(type, name) {
	if (isNonNullType(type))
		type = type.ofType;
	if (isListType(type))
		return [makeValue(type.ofType, name), name.includes('Holes') ? null : makeValue(type.ofType, name)];
	if (isLeafType(type))
		return leafValue(type, name);
	if (isObjectType(type))
		return {};
	const possible = schema.getPossibleTypes(type);
	return { __typename: [...possible].sort(bySdl)[name.length % possible.length].name };
}
const order = Object.keys(schema.getTypeMap());
const sdlOrder = [...readFileSync(schemaPath, 'utf8').matchAll(/^(?:type|union|interface) (\w+)/gm)].map((m) => m[1]);
// Possible types of interfaces in the order of the SDL; of unions as listed, which is the same here.
const bySdl = (a, b) => sdlOrder.indexOf(a.name) - sdlOrder.indexOf(b.name);

function fieldResolver(source, args, context, info) {
	const name = info.fieldName;
	if (name === 'echo')
		return args;
	if (name.startsWith('failing'))
		throw new Error(`boom ${name}`);
	if (name.startsWith('broken'))
		return null;
	return makeValue(info.returnType, name);
}
const typeResolver = (value) => value.__typename;

// ---- the driver ----

const driver = spawn(driverPath, [schemaPath], { stdio: ['pipe', 'pipe', 'inherit'] });
const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
driver.on('exit', (code, signal) => {
	if (code || signal)
		console.error(`driver ended: ${code ?? signal}, last document:\n${lastText}`);
	if (code || signal)
		process.exit(1);
});
let lastText = '';
async function ask(request) {
	lastText = request.validate ?? request.query;
	driver.stdin.write(JSON.stringify(request) + '\n');
	const { value } = await lines.next();
	return JSON.parse(value);
}

// ---- comparison ----

let compared = 0, valid = 0, executed = 0, failures = 0;
const statistics = new Map();
function fail(what, text, theirs, ours, more = '') {
	failures++;
	console.log(`\n==== ${what}\n---- document\n${text}\n---- graphql-js\n${theirs}\n---- engine\n${ours}\n${more}`);
	if (failures >= 10)
		process.exit(1);
}

async function compareValidation(text) {
	const theirs = reference(text);
	if (!theirs)
		return null;
	const ours = await ask({ validate: text });
	compared++;
	if (theirs.errors && theirs.errors.length >= 100)
		return null;
	for (const error of theirs.errors ?? []) {
		const key = error.message.replace(/"[^"]*"/g, '"…"').slice(0, 60);
		statistics.set(key, (statistics.get(key) ?? 0) + 1);
	}
	if (theirs.errors && isOldWay(ours.errors))
		return null;
	const a = multiset(theirs.errors ?? []), b = multiset(ours.errors ?? []);
	if (a !== b)
		fail('errors differ', text, (theirs.errors ?? []).map((e) => e.message + ' ' + JSON.stringify(e.locations)).join('\n'),
			JSON.stringify(ours.errors ?? [], null, 1));
	return theirs.errors ? null : theirs.document;
}

const pathOf = (error) => JSON.stringify(error.path ?? null);
async function compareExecution(document, { text, variables, operationName }) {
	valid++;
	const chosen = document.definitions.filter((d) => d.kind === 'OperationDefinition')
		.find((d) => !operationName || d.name?.value === operationName);
	if (chosen?.operation === 'subscription')
		return;
	const theirs = JSON.parse(JSON.stringify(await execute({
		schema, document, variableValues: variables, operationName, fieldResolver, typeResolver, rootValue: {},
	})));
	const ours = await ask({ query: text, variables, operationName });
	executed++;
	if (JSON.stringify(theirs.data) !== JSON.stringify(ours.data))
		fail('data differs', text, JSON.stringify(theirs, null, 1), JSON.stringify(ours, null, 1), JSON.stringify(variables));
	const list = (errors) => (errors ?? []).map((e) => normalise(e) + pathOf(e)).join('\n');
	if (list(theirs.errors) !== list(ours.errors))
		fail('errors of execution differ', text, JSON.stringify(theirs.errors, null, 1),
			JSON.stringify(ours.errors, null, 1), JSON.stringify(variables));
}

// The types as introspection shows them, in no particular order.
function sortedTypes(answer) {
	answer.data.__schema.types.sort((a, b) => (a.name < b.name ? -1 : 1));
	answer.data.__schema.directives.sort((a, b) => (a.name < b.name ? -1 : 1));
	answer.data.__schema.directives = answer.data.__schema.directives.filter((d) => d.name !== 'oneOf');
	for (const type of answer.data.__schema.types) {
		type.possibleTypes?.sort((a, b) => (a.name < b.name ? -1 : 1));
		if (type.name.startsWith('__')) {
			// Descriptions of the introspection types are graphql-js's own, and it has what came
			// after October 2021.
			delete type.description;
			type.fields = type.fields?.filter((f) => f.name !== 'isOneOf'
				&& !(type.name === '__Directive' && /[dD]eprecat/.test(f.name))).map((f) => ({
				name: f.name, type: f.type, args: f.args.filter(() => f.name !== 'directives')
					.map((a) => ({ name: a.name, type: a.type, defaultValue: a.defaultValue })),
			})).sort((a, b) => (a.name < b.name ? -1 : 1));
			type.enumValues = type.enumValues?.map((v) => v.name)
				.filter((name) => name !== 'DIRECTIVE_DEFINITION').sort();
		}
	}
	for (const directive of answer.data.__schema.directives)
		if (['skip', 'include', 'deprecated', 'specifiedBy'].includes(directive.name)) {
			directive.locations = directive.locations.filter((l) => l !== 'DIRECTIVE_DEFINITION').sort();
			directive.args.forEach((a) => delete a.description);
			delete directive.description;
		}
	return JSON.stringify(answer.data, null, 1);
}

async function compareIntrospection() {
	const text = getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true });
	const theirs = await execute({ schema, document: parse(text), rootValue: {} });
	const ours = await ask({ query: text });
	const a = sortedTypes(JSON.parse(JSON.stringify(theirs))).split('\n'), b = sortedTypes(ours).split('\n');
	for (let i = 0; i < Math.max(a.length, b.length); i++)
		if (a[i] !== b[i]) {
			fail(`introspection differs at line ${i}`, '', a.slice(i - 10, i + 5).join('\n'), b.slice(i - 10, i + 5).join('\n'));
			break;
		}
}

await compareIntrospection();
const names = [...new Set(schema.toConfig().types.flatMap((t) => [t.name,
	...(t.getFields ? Object.keys(t.getFields()) : [])]))].concat(['skip', 'include', 'if', 'v0', 'F0', 'Op0', 'on', 'x']);
for (let i = 0; i < count; i++) {
	const random = makeRandom(seed + i);
	const generated = new Generator(schema, random).document();
	const document = await compareValidation(generated.text);
	if (document)
		await compareExecution(document, generated);
	for (let k = 0; k < 3; k++) {
		const text = mutate(generated.text, random, names);
		const survived = await compareValidation(text);
		if (survived && k === 0)
			await compareExecution(survived, { ...generated, text });
	}
	if (i % 500 === 499)
		console.log(`${i + 1} documents: ${compared} compared, ${valid} valid, ${executed} executed, ${failures} differences`);
}
driver.stdin.end();
const kinds = [...statistics].sort((a, b) => b[1] - a[1]);
console.log(`${kinds.length} kinds of error seen${rest.includes('--kinds') ? ':\n' + kinds.map(([k, n]) => `${n} ${k}`).join('\n') : ''}`);
console.log(`${compared} compared, ${valid} valid, ${executed} executed, ${failures} differences`);
process.exit(failures ? 1 : 0);
