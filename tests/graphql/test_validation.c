/* Every rule of section 5, with documents that break it and documents that do not. */
#include "check.h"

/* Valid documents, by rule. They need not execute. */
static const char *const valid[] = {
	/* 5.2 operations */
	"query A { version } query B { count } mutation C { failing }",
	"{ version }",
	"subscription S($n: Int) { tick(n: $n) }",
	"subscription { ...F } fragment F on Subscription { tick ... { tick } }",
	/* 5.3.1 to 5.3.3 fields */
	"{ dog { ... on Named { name } } thing { __typename ... on Dog { barks } } }",
	"{ person { self { self { boss { name } } } } __schema { queryType { name } } }",
	/* 5.3.2 merging */
	"{ dog { name name } dog { id } }",
	"{ dog { n: name ...F } } fragment F on Dog { n: name }",
	"{ animal { ... on Dog { weight } ... on Cat { w: weight } } }",
	"{ animal { ... on Dog { x: owner { name } } ... on Cat { y: friends { name } } } }",
	"{ animal { ... on Dog { s: sound(loud: true) } ... on Cat { s: sound } } }",
	"{ echo(point: {x: 1, y: 2}) echo(point: {y: 2, x: 1}) }",
	/* 5.4 arguments */
	"{ required(point: {x: 1}, id: 4) people(ids: 3) { name } }",
	/* 5.5 fragments */
	"{ ...A } fragment A on Query { ...B } fragment B on Query { version }",
	"{ thing { ... on Animal { name } ... on Named { id } ... { __typename } } }",
	"{ person { ... @include(if: true) { name } } }",
	/* 5.6 values */
	"{ echo(int: 1, float: 1, id: \"a\", boolean: false, color: RED, ints: [1, null], json: "
	"{a: [B]}) }",
	"{ echo(matrix: [[1], null], points: {x: 1}, filter: {}, u64: \"7\", time: "
	"\"2026-01-31T09:00:00Z\") }",
	"{ echo(strict: 7, string: null, tod: \"23:59\", ints: 4) }",
	/* 5.7 directives */
	"query @tag(name: \"a\") @tag(name: \"b\") { version @skip(if: false) @include(if: true) "
	"@once }",
	/* 5.8 variables */
	"query($a: Int, $b: [Int] = [1]) { echo(int: $a, ints: $b) }",
	"query($n: Int! = 3) { echo(strict: $n) }",
	"query($n: Int) { echo(strict: $n) }",
	"query($n: Int = 3) { echo(point: {x: $n}) }",
	"query($p: Point!, $i: ID!) { required(point: $p, id: $i) }",
	"query($a: Int) { ...F } fragment F on Query { echo(int: $a, json: {deep: [$a]}) }",
	"query A($a: Int) { ...F } query B($a: Int) { ...F } fragment F on Query { echo(int: $a) }",
};

static const struct {
	const char *document, *message;
} invalid[] = {
	{"type A { b: Int }", "The \\\"A\\\" definition is not executable."},
	{"query A { version } query A { count }",
		"There can be only one operation named \\\"A\\\"."},
	{"{ version } query A { count }",
		"This anonymous operation must be the only defined operation."},
	{"subscription S { tick b: tick }",
		"Subscription \\\"S\\\" must select only one top level field."},
	{"subscription { tick ...F } fragment F on Subscription { person(id: 1) { name } }",
		"Anonymous Subscription must select only one top level field."},
	{"subscription { __typename }",
		"Anonymous Subscription must not select an introspection top level field."},
	{"{ nope }", "Cannot query field \\\"nope\\\" on type \\\"Query\\\"."},
	{"{ thing { name } }", "Cannot query field \\\"name\\\" on type \\\"Thing\\\"."},
	{"{ dog { __schema { queryType { name } } } }",
		"Cannot query field \\\"__schema\\\" on type \\\"Dog\\\"."},
	{"{ dog }",
		"Field \\\"dog\\\" of type \\\"Dog\\\" must have a selection of subfields. Did you "
		"mean \\\"dog { ... }\\\"?"},
	{"{ version { length } }", "Field \\\"version\\\" must not have a selection since type "
				   "\\\"String!\\\" has no subfields."},
	{"{ echo(nope: 1) }", "Unknown argument \\\"nope\\\" on field \\\"Query.echo\\\"."},
	{"{ version @skip(if: true, x: 1) }",
		"Unknown argument \\\"x\\\" on directive \\\"@skip\\\"."},
	{"{ echo(int: 1, int: 2) }", "There can be only one argument named \\\"int\\\"."},
	{"{ required(point: {x: 1}) }",
		"Field \\\"required\\\" argument \\\"id\\\" of type \\\"ID!\\\" "
		"is required, but it was not provided."},
	{"{ version @skip }",
		"Directive \\\"@skip\\\" argument \\\"if\\\" of type \\\"Boolean!\\\" is "
		"required, but it was not provided."},
	{"{ ...F } fragment F on Query { version } fragment F on Query { count }",
		"There can be only one fragment named \\\"F\\\"."},
	{"{ ... on Nope { version } }", "Unknown type \\\"Nope\\\"."},
	{"{ ...F } fragment F on Nope { version }", "Unknown type \\\"Nope\\\"."},
	{"{ ... on Color { x } }",
		"Fragment cannot condition on non composite type \\\"Color\\\"."},
	{"{ ...F } fragment F on Point { x }",
		"Fragment \\\"F\\\" cannot condition on non composite type \\\"Point\\\"."},
	{"{ version } fragment F on Query { count }", "Fragment \\\"F\\\" is never used."},
	{"{ ...Nope }", "Unknown fragment \\\"Nope\\\"."},
	{"{ ...F } fragment F on Query { ...F }",
		"Cannot spread fragment \\\"F\\\" within itself."},
	{"{ ...A } fragment A on Query { deep { ...B } } fragment B on Query { ...C } "
	 "fragment C on Query { ...A }",
		"Cannot spread fragment \\\"A\\\" within itself via \\\"B\\\", \\\"C\\\"."},
	{"{ dog { ... on Cat { name } } }", "Fragment cannot be spread here as objects of type "
					    "\\\"Dog\\\" can never be of type \\\"Cat\\\"."},
	{"{ animal { ...F } } fragment F on Person { name }",
		"Fragment \\\"F\\\" cannot be spread here as objects of type \\\"Animal\\\" can "
		"never be "
		"of type \\\"Person\\\"."},
	{"{ echo(int: \"1\") }", "Int cannot represent non-integer value: \\\"1\\\""},
	{"{ echo(int: 2147483648) }",
		"Int cannot represent non 32-bit signed integer value: 2147483648"},
	{"{ echo(float: true) }", "Float cannot represent non numeric value: true"},
	{"{ echo(string: 1) }", "String cannot represent a non string value: 1"},
	{"{ echo(boolean: 1) }", "Boolean cannot represent a non boolean value: 1"},
	{"{ echo(id: 1.5) }", "ID cannot represent a non-string and non-integer value: 1.5"},
	{"{ echo(u64: 18446744073709551616) }",
		"UInt64 cannot represent value: 18446744073709551616"},
	{"{ echo(u64: -1) }", "UInt64 cannot represent value: -1"},
	{"{ echo(u64: \"x\") }", "UInt64 cannot represent value: \\\"x\\\""},
	{"{ echo(u64: 1.0) }", "UInt64 cannot represent non-integer value: 1.0"},
	{"{ echo(time: \"yesterday\") }", "DateTime is an RFC 3339 instant"},
	{"{ echo(time: \"2026-02-29T00:00:00Z\") }", "DateTime is an RFC 3339 instant"},
	{"{ echo(tod: \"24:00\") }", "TimeOfDay is HH:MM or HH:MM:SS"},
	{"{ echo(tod: 9) }", "TimeOfDay cannot represent a non string value: 9"},
	{"{ echo(color: \"RED\") }",
		"Enum \\\"Color\\\" cannot represent non-enum value: \\\"RED\\\"."},
	{"{ echo(color: PINK) }", "Value \\\"PINK\\\" does not exist in \\\"Color\\\" enum."},
	{"{ echo(ints: [1, \"2\"]) }", "Int cannot represent non-integer value: \\\"2\\\""},
	{"{ echo(matrix: [[null]]) }", "Expected value of type \\\"Int!\\\", found null."},
	{"{ echo(strict: null) }", "Expected value of type \\\"Int!\\\", found null."},
	{"{ echo(point: 1) }", "Expected value of type \\\"Point\\\", found 1."},
	{"{ echo(int: {a: 1}) }", "Int cannot represent non-integer value: {a: 1}"},
	{"{ echo(point: {x: 1, nope: 2}) }",
		"Field \\\"nope\\\" is not defined by type \\\"Point\\\"."},
	{"{ echo(point: {y: 1}) }",
		"Field \\\"Point.x\\\" of required type \\\"Int!\\\" was not provided."},
	{"{ echo(point: {x: 1, x: 2}) }", "There can be only one input field named \\\"x\\\"."},
	{"{ echo(json: {a: 1, a: 2}) }", "There can be only one input field named \\\"a\\\"."},
	{"{ version @nope }", "Unknown directive \\\"@nope\\\"."},
	{"query @skip(if: true) { version }", "Directive \\\"@skip\\\" may not be used on QUERY."},
	{"{ version @once @once }",
		"The directive \\\"@once\\\" can only be used once at this location."},
	{"query($a: Int, $a: Int) { echo(int: $a) }",
		"There can be only one variable named \\\"$a\\\"."},
	{"query($a: Dog) { echo(json: {x: $a}) }",
		"Variable \\\"$a\\\" cannot be non-input type \\\"Dog\\\"."},
	{"query($a: Nope) { echo(json: {x: $a}) }", "Unknown type \\\"Nope\\\"."},
	{"query($a: Int = \"x\") { echo(int: $a) }",
		"Int cannot represent non-integer value: \\\"x\\\""},
	{"{ echo(int: $a) }", "Variable \\\"$a\\\" is not defined."},
	{"query Q { ...F } fragment F on Query { echo(int: $a) }",
		"Variable \\\"$a\\\" is not defined by operation \\\"Q\\\"."},
	{"query($a: Int) { version }", "Variable \\\"$a\\\" is never used."},
	{"query Q($a: Int) { version }",
		"Variable \\\"$a\\\" is never used in operation \\\"Q\\\"."},
	{"query($a: String) { echo(int: $a) }", "Variable \\\"$a\\\" of type \\\"String\\\" used "
						"in position expecting type \\\"Int\\\"."},
	{"query($a: Int) { echo(point: {x: $a}) }", "Variable \\\"$a\\\" of type \\\"Int\\\" used "
						    "in position expecting type \\\"Int!\\\"."},
	{"query($a: [Int]) { echo(matrix: [$a]) }",
		"Variable \\\"$a\\\" of type \\\"[Int]\\\" used in position expecting type "
		"\\\"[Int!]\\\"."},
	{"query($a: Int) { echo(ints: $a) }", "Variable \\\"$a\\\" of type \\\"Int\\\" used in "
					      "position expecting type \\\"[Int]\\\"."},
	/* 5.3.2 */
	{"{ dog { x: name x: barks } }", "Fields \\\"x\\\" conflict because \\\"name\\\" and "
					 "\\\"barks\\\" are different fields."},
	{"{ echo(int: 1) echo(int: 2) }",
		"Fields \\\"echo\\\" conflict because they have differing arguments."},
	{"{ echo(json: {a: [1]}) echo(json: {a: [2]}) }", "they have differing arguments"},
	{"{ echo(int: 1) echo }", "they have differing arguments"},
	{"{ animal { ... on Dog { w: weight } ... on Cat { w: weight } } }",
		"Fields \\\"w\\\" conflict because they return conflicting types \\\"Float\\\" and "
		"\\\"String\\\"."},
	{"{ animal { ... on Dog { x: color } ... on Cat { x: color } } }",
		"they return conflicting types \\\"Color\\\" and \\\"Color!\\\""},
	{"{ animal { ... on Dog { x: owner { n: name } } ... on Cat { x: lives } } }",
		"they return conflicting types"},
	{"{ p: person { self { x: name } } ...F } fragment F on Query { p: person { self { x: id } "
	 "} }",
		"Fields \\\"p\\\" conflict because subfields \\\"self\\\" conflict because "
		"subfields "
		"\\\"x\\\" conflict because \\\"name\\\" and \\\"id\\\" are different fields."},
	{"{ animal { ... on Dog { o: owner { x: name } } ... on Cat { o: owner { x: age } } } }",
		"they return conflicting types"},
	{"{ animal { name: id ... on Dog { name } } }", "are different fields"},
	{"{ version } fragment F on Query { a: version a: count }",
		"Fields \\\"a\\\" conflict because"},
};

static void test_valid(void **state)
{
	struct toy *toy = *state;
	struct reeve_gql_document *document;
	struct reeve_json out;
	size_t i;

	for (i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
		reeve_json_init(&out, 0);
		if (reeve_gql_document_acquire(
			    toy->engine, valid[i], strlen(valid[i]), &document, &out))
			fail_msg("%s\n%.*s", valid[i], (int)out.len, out.data);
		reeve_gql_document_release(document);
		reeve_json_fini(&out);
	}
}

static void test_invalid(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		check_refused(*state, invalid[i].document, NULL, invalid[i].message);
}

static void test_places(void **state)
{
	check_answer(*state, "{\n  dog { x: name\n    x: barks }\n}", NULL,
		"{\"errors\":[{\"message\":\"Fields \\\"x\\\" conflict because \\\"name\\\" and "
		"\\\"barks\\\" are different fields. Use different aliases on the fields to fetch "
		"both "
		"if this was intentional.\",\"locations\":[{\"line\":2,\"column\":9},{\"line\":3,"
		"\"column\":5}],\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}]}");
}

/* A hundred errors are reported, and then an end. */
static void test_many_errors(void **state)
{
	char document[4096] = "{";
	char *answer;
	int i;

	for (i = 0; i < 200; i++)
		strcat(document, " nope");
	strcat(document, "}");
	answer = toy_run(*state, document, NULL, NULL);
	assert_non_null(strstr(answer, "Too many validation errors, error limit reached. "
				       "Validation aborted."));
	free(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_many_errors),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
