// Random documents for a schema: valid ones, and damaged copies of them.

import {
	isCompositeType, isEnumType, isInputObjectType, isListType, isNonNullType, isObjectType,
	isAbstractType, getNamedType, getNullableType, isLeafType, isRequiredArgument,
	isRequiredInputField,
} from 'graphql';

// A generator of numbers in [0, 1) from a seed (xorshift32), so that failures can be repeated.
export function makeRandom(seed) {
	let state = (seed * 2654435761 + 1) >>> 0 || 1;
	const next = () => {
		state ^= state << 13; state >>>= 0;
		state ^= state >>> 17;
		state ^= state << 5; state >>>= 0;
		return state / 4294967296;
	};
	const below = (n) => Math.floor(next() * n);
	return { next, below, pick: (list) => list[below(list.length)], chance: (p) => next() < p };
}

export class Generator {
	constructor(schema, random) {
		this.schema = schema;
		this.random = random;
		this.types = Object.values(schema.getTypeMap()).filter((t) => !t.name.startsWith('__'));
	}

	document() {
		const r = this.random;
		this.fragments = [];
		const operations = [];
		const count = r.chance(0.15) ? 2 : 1;
		this.variables = null;
		this.variableValues = {};
		for (let i = 0; i < count; i++)
			operations.push(this.operation(count > 1 || r.chance(0.4) ? `Op${i}` : '', i > 0));
		const parts = [...operations, ...this.fragments.map((f) => f.text)];
		if (r.chance(0.3))
			parts.reverse();
		return {
			text: parts.join(r.pick(['\n', '\n\n# note, with "quotes"\n', ' ', '\r\n', '\uFEFF,,\n'])),
			variables: this.variableValues,
			operationName: count > 1 ? 'Op0' : null,
		};
	}

	// The fragments of an operation may use its variables, so a second one gets none of either.
	operation(name, plain) {
		const r = this.random;
		const roots = [['query', this.schema.getQueryType()], ['query', this.schema.getQueryType()],
			['query', this.schema.getQueryType()], ['mutation', this.schema.getMutationType()],
			['subscription', this.schema.getSubscriptionType()]].filter((x) => x[1]);
		const [kind, type] = r.pick(roots);
		this.variables = [];
		this.plain = plain;
		this.kind = kind;
		this.room = 10 + r.below(60);
		const body = kind === 'subscription' ? this.subscriptionBody(type) : this.selections(type, 0);
		const directives = kind === 'subscription' || !this.hasTag() || !r.chance(0.1) ? ''
			: ` @tag(name: "a")`;
		const variables = this.variables.map((v) => v.text).join(r.pick([', ', ' ']));
		if (kind === 'query' && !name && !variables && !directives && r.chance(0.5))
			return body;
		return `${kind} ${name}${variables ? `(${variables})` : ''}${directives} ${body}`;
	}

	hasTag() {
		return !!this.schema.getDirective('tag');
	}

	subscriptionBody(type) {
		return `{ ${this.field(type, this.random.pick(Object.values(type.getFields())), 0)} }`;
	}

	directives(place) {
		const r = this.random;
		const out = [];
		if (r.chance(0.06))
			out.push(`@${r.pick(['skip', 'include'])}(if: ${this.booleanCondition()})`);
		if (this.hasTag() && r.chance(0.03))
			out.push('@tag(name: "x", level: 2) @tag(name: "y")');
		if (this.hasTag() && place !== 'inline' && r.chance(0.02))
			out.push('@once');
		return out.length ? ' ' + out.join(' ') : '';
	}

	booleanCondition() {
		const r = this.random;
		if (this.plain || r.chance(0.5))
			return r.pick(['true', 'false']);
		const name = `flag${this.variables.length}`;
		this.variables.push({ text: `$${name}: Boolean${r.pick(['!', '! = true'])}` });
		if (!this.variables.at(-1).text.includes('=') || r.chance(0.5))
			this.variableValues[name] = r.chance(0.5);
		return `$${name}`;
	}

	selections(type, depth) {
		const r = this.random;
		const out = [];
		const wanted = 1 + r.below(depth ? 4 : 5);
		for (let i = 0; i < wanted; i++) {
			const item = this.selection(type, depth);
			if (item)
				out.push(item);
		}
		if (!out.length)
			out.push('__typename');
		return `{ ${out.join(r.pick([' ', ', ', '\n  ']))} }`;
	}

	selection(type, depth) {
		const r = this.random;
		const fields = type.getFields ? Object.values(type.getFields()) : [];
		const kind = r.next();
		if (kind < 0.08 && depth < 6)
			return this.inlineFragment(type, depth);
		if (kind < 0.14 && depth < 5)
			return this.spread(type, depth);
		if (kind < 0.2 || !fields.length)
			return r.chance(0.2) ? 'kind: __typename' : '__typename';
		if (type === this.schema.getQueryType() && r.chance(0.04))
			return this.introspection();
		const leaves = fields.filter((f) => isLeafType(getNamedType(f.type)));
		const field = depth > 5 || this.room < 0
			? (leaves.length ? r.pick(leaves) : null) : r.pick(fields);
		return field ? this.field(type, field, depth) : '__typename';
	}

	introspection() {
		return this.random.pick([
			'__schema { queryType { name fields { name args { name defaultValue } } } }',
			'__schema { mutationType { name fields { args { type { kind } } } } subscriptionType { description } }',
			`__type(name: "${this.random.pick(this.types).name}") { kind name specifiedByURL
				fields(includeDeprecated: true) { name isDeprecated deprecationReason type { name kind ofType { name } } }
				enumValues { name } inputFields { name defaultValue type { name ofType { name } } }
				interfaces { name } }`,
			'__type(name: "Nothing") { name }',
		]);
	}

	possible(type) {
		return isObjectType(type) ? [type] : this.schema.getPossibleTypes(type);
	}

	// A composite type that shares an object type with the given one.
	related(type) {
		const mine = new Set(this.possible(type));
		const all = this.types.filter((t) => isCompositeType(t)
			&& this.possible(t).some((p) => mine.has(p)));
		return this.random.pick(all);
	}

	inlineFragment(type, depth) {
		if (this.random.chance(0.2))
			return `...${this.directives('inline')} ${this.selections(type, depth + 1)}`;
		const other = this.related(type);
		return `... on ${other.name}${this.directives('inline')} ${this.selections(other, depth + 1)}`;
	}

	spread(type, depth) {
		const r = this.random;
		const fitting = this.fragments.filter((f) => f.done && (!this.plain || f.plain)
			&& f.kind === this.kind && this.possible(f.type).some((p) => this.possible(type).includes(p)));
		if (fitting.length && r.chance(0.5))
			return `...${r.pick(fitting).name}${this.directives('spread')}`;
		if (this.plain)
			return '__typename';
		const other = this.related(type);
		const fragment = { name: `F${this.fragments.length}`, type: other, done: false, kind: this.kind };
		this.fragments.push(fragment);
		const before = this.variables.length;
		const tag = this.hasTag() && r.chance(0.05) ? ' @tag(name: "f")' : '';
		fragment.text = `fragment ${fragment.name} on ${other.name}${tag} ${this.selections(other, depth + 1)}`;
		fragment.done = true;
		fragment.plain = before === this.variables.length && !/\$|\.\.\./.test(fragment.text);
		return `...${fragment.name}${this.directives('spread')}`;
	}

	// Fields with arguments get an alias of their own, mostly, as they could not be merged.
	field(type, field, depth) {
		const r = this.random;
		this.room--;
		const args = this.arguments(field);
		let alias = '';
		if (args && r.chance(0.95))
			alias = `a${this.room < 0 ? 'x' : ''}${r.below(1000000)}: `;
		else if (r.chance(0.1))
			alias = `${r.pick(['x', 'y', 'z'])}${type.name}${field.name}: `;
		const named = getNamedType(field.type);
		const body = isCompositeType(named) ? ' ' + this.selections(named, depth + 1) : '';
		return `${alias}${field.name}${args}${this.directives('field')}${body}`;
	}

	arguments(field) {
		const r = this.random;
		const out = [];
		for (const arg of field.args)
			if (isRequiredArgument(arg) || r.chance(0.3))
				out.push(`${arg.name}: ${this.value(arg.type, 0, true, arg.defaultValue !== undefined)}`);
		if (!out.length)
			return '';
		if (r.chance(0.3))
			out.reverse();
		return `(${out.join(r.pick([', ', ' ']))})`;
	}

	variable(type, hasDefault) {
		const r = this.random;
		const name = `v${this.variables.length}`;
		let variableType = type;
		let fallback = '';
		if (isNonNullType(type) && (hasDefault || r.chance(0.3))) {
			variableType = type.ofType;
			if (!hasDefault || r.chance(0.5))
				fallback = ` = ${this.value(type, 1, false)}`;
		} else if (!isNonNullType(type) && r.chance(0.3)) {
			fallback = ` = ${this.value(type, 1, false)}`;
		}
		const tag = this.hasTag() && r.chance(0.05) ? ' @tag(name: "v")' : '';
		this.variables.push({ text: `$${name}: ${variableType}${fallback}${tag}` });
		if (isNonNullType(variableType) || r.chance(0.7))
			this.variableValues[name] = r.chance(0.06) ? this.wrongJson() : this.json(variableType, 0);
		return `$${name}`;
	}

	wrongJson() {
		return this.random.pick([null, 'word', 1.5, -7, 5e9, true, [], {}, [[null]], { x: 'y' },
			{ unknown: 1 }, 'RED', '2026-01-31T09:00:00Z', [1, 'two', null], 12345678901]);
	}

	// A literal of an input type. Within JSON there are no variables: graphql-js wants them to be of
	// the type JSON within lists.
	value(type, depth, variables, hasDefault) {
		const r = this.random;
		if (variables && !this.plain && r.chance(depth ? 0.1 : 0.25))
			return this.variable(type, hasDefault);
		if (isNonNullType(type))
			return this.nonNull(type.ofType, depth, variables);
		if (r.chance(0.07))
			return 'null';
		return this.nonNull(type, depth, variables);
	}

	nonNull(type, depth, variables) {
		const r = this.random;
		if (isListType(type)) {
			if (r.chance(0.15))
				return this.nonNull(getNullableType(type.ofType), depth + 1, false);
			return `[${Array.from({ length: r.below(4) }, () =>
				this.value(type.ofType, depth + 1, variables)).join(', ')}]`;
		}
		if (isInputObjectType(type))
			return this.object(type, depth, variables);
		if (isEnumType(type))
			return r.pick(type.getValues()).name;
		return this.scalar(type.name);
	}

	object(type, depth, variables) {
		const out = [];
		for (const field of Object.values(type.getFields()))
			if (isRequiredInputField(field) || (depth < 3 && this.random.chance(0.4)))
				out.push(`${field.name}: ${this.value(field.type, depth + 1, variables, field.defaultValue !== undefined)}`);
		return `{${out.join(', ')}}`;
	}

	scalar(name) {
		const r = this.random;
		switch (name) {
		case 'Int':
			return r.pick(['0', '1', '-1', '42', '2147483647', '-2147483648']);
		case 'Float':
			return r.pick(['0', '-0.5', '1.5', '3e2', '1.25E-3', '7', '123456789.125', '0.1', '1e21', '4.9e-7']);
		case 'Boolean':
			return r.pick(['true', 'false']);
		case 'ID':
			return r.pick(['"id"', '7', '"7"', '-3', '123456789012345678901']);
		case 'UInt64':
			return r.pick(['0', '7', '"12"', '9007199254740991', '4294967296', '2147483648']);
		case 'DateTime':
			return r.pick(['"2026-01-31T09:00:00Z"', '"2024-02-29T23:59:59.123+02:00"']);
		case 'TimeOfDay':
			return r.pick(['"09:00"', '"23:59:59"', '"00:00"']);
		case 'JSON':
			return r.pick(['1', '"s"', 'true', 'WORD', '[1, 2.5, "x", null]', '{a: {b: [1]}, c: false}', '-5', '1.5e3', '{}', '[]']);
		default:
			return r.pick(['"plain"', '""', '"q\\"uo\\\\te\\n"', '"\\u00e9\\u{1F3C3}\\uD83C\\uDFCA"', '"ünï"',
				'"""block\n    two\n      three\n  """', '"""one \\""" quote"""', '"""\n\n  a\n\n  b\n\n"""', '"tab\\t/\\/"']);
		}
	}

	json(type, depth) {
		const r = this.random;
		if (!isNonNullType(type) && r.chance(0.1))
			return null;
		const bare = getNullableType(type);
		if (isListType(bare))
			return r.chance(0.15) ? this.json(bare.ofType, depth + 1)
				: Array.from({ length: r.below(4) }, () => this.json(bare.ofType, depth + 1));
		if (isInputObjectType(bare)) {
			const out = {};
			for (const field of Object.values(bare.getFields()))
				if (isRequiredInputField(field) || (depth < 3 && r.chance(0.4)))
					out[field.name] = this.json(field.type, depth + 1);
			if (r.chance(0.03))
				out.unknown = 1;
			return out;
		}
		if (r.chance(0.02))
			return this.wrongJson();
		if (isEnumType(bare))
			return r.pick(bare.getValues()).name;
		switch (bare.name) {
		case 'Int': return r.pick([0, 1, -1, 2147483647, -2147483648]);
		case 'Float': return r.pick([0, 1.5, -2, 1e21, 0.1, 1e-7]);
		case 'Boolean': return r.chance(0.5);
		case 'ID': return r.pick(['id', 7, -3]);
		case 'UInt64': return r.pick([0, 7, '12', 9007199254740991, '18446744073709551615']);
		case 'DateTime': return '2026-01-31T09:00:00Z';
		case 'TimeOfDay': return '09:00';
		case 'JSON': return r.pick([1, 's', true, [1, null, { a: 2 }], { a: [] }, 1.5, -5]);
		default: return r.pick(['plain', '', 'ünï "q" \\ \u{1F3C3}\n\t', '\u2028']);
		}
	}
}

const TOKEN = /"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[!$&()=@:{|}[\]]/gu;

// Damages a document: tokens removed, doubled, swapped, replaced, renamed; bytes changed.
export function mutate(text, random, names) {
	const tokens = text.match(TOKEN) ?? [];
	const times = 1 + random.below(2);
	for (let i = 0; i < times && tokens.length; i++) {
		const at = random.below(tokens.length);
		const other = random.below(tokens.length);
		switch (random.below(9)) {
		case 0: tokens.splice(at, 1); break;
		case 1: tokens.splice(at, 0, tokens[at]); break;
		case 2: [tokens[at], tokens[other]] = [tokens[other], tokens[at]]; break;
		case 3: tokens[at] = tokens[other]; break;
		case 4: tokens[at] = random.pick(names); break;
		case 5: tokens[at] = random.pick(['{', '}', '(', ')', '[', ']', '!', '$', ':', '@', '...', '=', '|', '&',
			'null', 'true', '1', '-', '1.5', '"s"', '"', '"""', 'on', 'fragment', 'query', '0x1', '00', '1.', '.5',
			"'", '\\', '%', '"\\q"', '"\\u12"', '"\\u{110000}"', '"\\uD800"', 'é', '1a', '-1', '1e', 'type', 'extend']); break;
		case 6: tokens.splice(at, 0, random.pick(['@skip(if: true)', '@include(if: 1)', '@nope', '@deprecated', '@skip',
			'...Missing', '...F0', 'x: name', '... on Color { x }', '... on Nope { x }', '... on String { x }',
			'(x: 1)', '{ id }', '$v0', '$nope', 'id', 'name', '__typename'])); break;
		case 7: {
			const names2 = tokens.map((t, k) => [t, k]).filter(([t]) => /^[A-Za-z_]/.test(t));
			if (names2.length)
				tokens[random.pick(names2)[1]] = random.pick(names);
			break;
		}
		default: {
			const literals = tokens.map((t, k) => [t, k]).filter(([t]) => /^["\d-]|^(true|false|null|RED|BLUE)$/.test(t));
			if (literals.length)
				tokens[random.pick(literals)[1]] = random.pick(['1', '"s"', 'true', 'null', 'RED', '1.5', '{}', '[]',
					'99999999999', '-1', '[1]', '{x: 1}', '$v0', '"2026-13-01T00:00:00Z"', '"25:00"', '{x: 1, x: 2}', '[[1]]']);
		}
		}
	}
	return tokens.join(' ');
}
