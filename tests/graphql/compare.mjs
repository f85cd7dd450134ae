// What the comparisons with graphql-js share: its verdict on a text, scalars as the engine has them, and
// errors in a form in which both sides agree.

import { GraphQLError, Kind, parse, specifiedRules, validate, valueFromASTUntyped, visit } from 'graphql';

function defineScalar(schema, name, parseText, literalKinds) {
	const type = schema.getType(name);
	if (!type)
		return;
	type.serialize = (value) => value;
	type.parseValue = (value) => parseText(value, false);
	type.parseLiteral = (node) => {
		if (!literalKinds.includes(node.kind))
			throw new GraphQLError(`${name} literal`, { nodes: node });
		return parseText(node.value, true, node);
	};
}
const refuse = (name, node) => {
	throw new GraphQLError(`${name} value`, node ? { nodes: node } : undefined);
};

export function defineScalars(schema) {
	defineScalar(schema, 'UInt64', (value, literal, node) => {
		if (typeof value === 'number' && (!Number.isInteger(value) || value < 0))
			refuse('UInt64', node);
		if (typeof value !== 'number' && (typeof value !== 'string' || !/^(\d{1,20}|-0)$/.test(value)
			|| (value === '-0' && !literal) || BigInt(value) > 18446744073709551615n))
			refuse('UInt64', node);
		return Number(value);
	}, [Kind.INT, Kind.STRING]);
	defineScalar(schema, 'DateTime', (value, literal, node) => {
		if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)
			|| Number.isNaN(Date.parse(value)))
			refuse('DateTime', node);
		return value;
	}, [Kind.STRING]);
	defineScalar(schema, 'TimeOfDay', (value, literal, node) => {
		if (typeof value !== 'string' || !/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(value))
			refuse('TimeOfDay', node);
		return value;
	}, [Kind.STRING]);
	if (schema.getType('JSON')) {
		schema.getType('JSON').parseLiteral = (node, variables) => valueFromASTUntyped(node, variables);
		schema.getType('JSON').serialize = (value) => value;
	}
}

// Messages of our own scalars, texts of values, and suggestions are not compared.
export function normalise(error) {
	let message = error.message.replace(/ Did you mean (?!.*\{ \.\.\. \}).*$/s, '');
	if (/^(UInt64|DateTime|TimeOfDay) /.test(message))
		message = message.split(' ')[0];
	message = message.replace(/; (UInt64|DateTime|TimeOfDay) .*$/s, '; $1');
	message = message.replace(/(Int|Float|String|Boolean|ID)( cannot represent .*?): .*$/s, '$1$2');
	message = message.replace(/got invalid value .*?( at "[^"]*")?; /s, 'got invalid value$1; ');
	message = message.replace(/(cannot represent non-(?:enum|string) value): .*$/s, '$1');
	message = message.replace(/Value ".*" does not exist/s, 'Value does not exist');
	message = message.replace(/Argument "(\w+)" of (required|non-null) type .*$/s, 'Argument "$1" cannot be coerced');
	message = message.replace(/Argument "(\w+)" (has invalid value|of type "[^"]*" has an invalid value).*$/s,
		'Argument "$1" cannot be coerced');
	if (message.startsWith('Syntax Error: '))
		message = message.replace(/ "(.|\n)*"/, '');
	if (message.includes('conflict because'))
		return 'conflict';
	if (message.startsWith('Cannot spread fragment'))
		return 'cycle';
	// Several places come in the order in which each side finds them.
	const places = (error.locations ?? []).map((l) => `${l.line}:${l.column}`).sort();
	return JSON.stringify([message, places]);
}

// Conflicts and cycles count once: the two sides walk in different orders. Where there is a cycle, the
// engine does not look for conflicts.
export function multiset(errors) {
	let all = errors.map(normalise).sort();
	if (all.includes('cycle'))
		all = all.filter((e) => e !== 'conflict');
	return all.filter((e, i) => (e !== 'conflict' && e !== 'cycle') || e !== all[i - 1]).join('\n');
}

const rules = specifiedRules.filter((rule) => rule.name !== 'MaxIntrospectionDepthRule');
// Errors, or the document; null when graphql-js cannot tell.
export function validateByReference(schema, text) {
	let document;
	try {
		document = parse(text);
	} catch (error) {
		return { errors: [error] };
	}
	let errors;
	try {
		errors = validate(schema, document, rules);
	} catch {
		// It executes @skip on subscriptions with variables that it does not have.
		return null;
	}
	errors = errors.filter((error) => !isOfNoDirective(schema, document, error));
	return errors.length ? { errors, document } : { document };
}

// It takes the arguments of a directive that does not exist for those of the field that it stands at, and
// judges their values as such.
function isOfNoDirective(schema, document, error) {
	let is = false;
	visit(document, {
		Directive(node) {
			for (const { value } of schema.getDirective(node.name.value) ? [] : node.arguments)
				is ||= (error.nodes ?? []).some((of) => of.loc.start >= value.loc.start && of.loc.end <= value.loc.end);
		},
	});
	return is && !/^(Variable .* is not defined|There can be only one)/.test(error.message);
}

// The engine refuses `extend`, by design.
export const isOldWay = (errors) => errors?.[0].message === 'Syntax Error: Unexpected Name "extend".';
