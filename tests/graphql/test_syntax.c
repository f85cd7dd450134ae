/* Lexer and parser: section 2 of the specification. */
#include "check.h"

#include <stdio.h>

static const struct {
	const char *document, *message;
} refused[] = {
	{"", "Syntax Error: Unexpected <EOF>."},
	{"{", "Syntax Error: Expected Name, found <EOF>."},
	{"{ }", "Syntax Error: Expected Name, found \\\"}\\\"."},
	{"{ version", "Syntax Error: Expected Name, found <EOF>."},
	{"{ ...on }", "Syntax Error: Expected Name, found \\\"}\\\"."},
	{"{ version() }", "Syntax Error: Expected Name, found \\\")\\\"."},
	{"query () { version }", "Syntax Error: Expected \\\"$\\\", found \\\")\\\"."},
	{"query ($a: Int = $b) { version }",
		"Syntax Error: Unexpected variable \\\"$b\\\" in constant value."},
	{"fragment on on Query { version }", "Syntax Error: Unexpected Name \\\"on\\\"."},
	{"fragment F Query { version }",
		"Syntax Error: Expected \\\"on\\\", found Name \\\"Query\\\"."},
	{"notAnOperation Foo { version }", "Syntax Error: Unexpected Name \\\"notAnOperation\\\"."},
	{"extend type Query { a: Int }", "Syntax Error: Unexpected Name \\\"extend\\\"."},
	{"\"description\" { version }", "Syntax Error: Unexpected description, descriptions are "
					"not supported on shorthand queries."},
	{"{ echo(int: 00) }", "Syntax Error: Invalid number, unexpected digit after 0: \\\"0\\\"."},
	{"{ echo(int: 1.) }", "Syntax Error: Invalid number, expected digit but got: \\\")\\\"."},
	{"{ echo(int: 1.5.6) }",
		"Syntax Error: Invalid number, expected digit but got: \\\".\\\"."},
	{"{ echo(int: 1a) }", "Syntax Error: Invalid number, expected digit but got: \\\"a\\\"."},
	{"{ echo(int: 1e) }", "Syntax Error: Invalid number, expected digit but got: \\\")\\\"."},
	{"{ echo(int: -) }", "Syntax Error: Invalid number, expected digit but got: \\\")\\\"."},
	{"{ echo(string: \"a", "Syntax Error: Unterminated string."},
	{"{ echo(string: \"a\nb\") }", "Syntax Error: Unterminated string."},
	{"{ echo(string: \"\"\"a) }", "Syntax Error: Unterminated string."},
	{"{ echo(string: \"\\x\") }",
		"Syntax Error: Invalid character escape sequence: \\\"\\\\x\\\"."},
	{"{ echo(string: \"\\u12\") }",
		"Syntax Error: Invalid Unicode escape sequence: \\\"\\\\u12\\\")"},
	{"{ echo(string: \"\\uD800\") }",
		"Syntax Error: Invalid Unicode escape sequence: \\\"\\\\uD800\\\"."},
	{"{ echo(string: \"\\u{110000}\") }", "Syntax Error: Invalid Unicode escape sequence: "},
	{"{ echo(string: \"\\u{}\") }", "Syntax Error: Invalid Unicode escape sequence: "},
	{"{ echo(string: \"\\u0000\") }", "Syntax Error: Invalid character within String: U+0000."},
	{"{ echo(string: 's') }", "Syntax Error: Unexpected single quote character ('), did you "
				  "mean to use a double quote (\\\")?"},
	{"{ version % }", "Syntax Error: Unexpected character: \\\"%\\\"."},
	{"{ \xC3\xA9 }", "Syntax Error: Unexpected character: U+00E9."},
	{"{ .. version }", "Syntax Error: Unexpected character: \\\".\\\"."},
	{"{ \xFF }", "Syntax Error: Text is not valid UTF-8."},
};

static void test_refused(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		check_refused(*state, refused[i].document, NULL, refused[i].message);
}

static void test_ignored(void **state)
{
	check_answer(*state,
		"\xEF\xBB\xBF# comment \xE2\x82\xAC\r\n,,{\tversion,\r# more\n count #end", NULL,
		"{\"errors\":[{\"message\":\"Syntax Error: Expected Name, found <EOF>.\","
		"\"locations\":[{\"line\":4,\"column\":12}],\"extensions\":{\"code\":"
		"\"GRAPHQL_PARSE_FAILED\"}}]}");
	check_answer(*state, "\xEF\xBB\xBF# c\r\n,,{\tversion,\r# more\n count }#end", NULL,
		"{\"data\":{\"version\":\"version\",\"count\":5}}");
}

/* Columns count UTF-16 units; CR, LF and CRLF each end one line. */
static void test_places(void **state)
{
	check_contains(*state, "{\r\n  version\r  count\n  \"\xF0\x9F\x8F\x83\" }", NULL,
		"{\"line\":4,\"column\":3}");
	check_contains(*state, "#\xF0\x9F\x8F\x83\n{ #\xC3\xA9\n nope }", NULL,
		"{\"line\":3,\"column\":2}");
	check_contains(*state, "{ echo(string: \"\xF0\x9F\x8F\x83\") nope }", NULL,
		"{\"line\":1,\"column\":22}");
}

static void check_string(struct toy *toy, const char *literal, const char *value)
{
	char document[512], answer[512];

	snprintf(document, sizeof(document), "{ e: echo(string: %s) }", literal);
	snprintf(answer, sizeof(answer), "{\"data\":{\"e\":{\"strict\":5,\"string\":%s}}}", value);
	check_answer(toy, document, NULL, answer);
}

static void test_strings(void **state)
{
	check_string(*state, "\"\"", "\"\"");
	check_string(*state, "\"a\\n\\t\\\"\\\\\\/\\b\\f\\r\"", "\"a\\n\\t\\\"\\\\/\\b\\f\\r\"");
	check_string(*state, "\"\\u00e9\\u{1F3C3}\\uD83C\\uDFC3\\u{0e9}\"",
		"\"\xC3\xA9\xF0\x9F\x8F\x83\xF0\x9F\x8F\x83\xC3\xA9\"");
	check_string(*state, "\"\"\"\"\"\"", "\"\"");
	check_string(*state, "\"\"\"simple\"\"\"", "\"simple\"");
	check_string(*state, "\"\"\"  lead  \"\"\"", "\"  lead  \"");
	check_string(*state,
		"\"\"\"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  \"\"\"",
		"\"Hello,\\n  World!\\n\\nYours,\\n  GraphQL.\"");
	check_string(*state, "\"\"\"a\r\n  b\r  c\n\n\"\"\"", "\"a\\nb\\nc\"");
	check_string(
		*state, "\"\"\" \\\"\"\" \\n \"q\" \"\"\"", "\" \\\"\\\"\\\" \\\\n \\\"q\\\" \"");
	check_string(*state, "\"\"\"\n \t\n\n\"\"\"", "\"\"");
}

static void test_numbers(void **state)
{
	check_answer(*state,
		"{ e: echo(int: -0, float: 1.25E-3, u64: 18446744073709551615, json: [1e3, -7, "
		"2.0]) }",
		NULL,
		"{\"data\":{\"e\":{\"int\":0,\"strict\":5,\"float\":0.00125,\"string\":\"text\","
		"\"u64\":18446744073709551615,\"json\":[1000,-7,2]}}}");
}

/* Every kind of definition parses; the validator says that types do not run. */
static void test_type_system(void **state)
{
	check_refused(*state,
		"\"\"\"d\"\"\" type A implements & B & C @x { \"f\" f(a: [Int!]! = [1] @y): Int } "
		"interface B { f: Int } union C = | A | B scalar D enum E { F G @z } "
		"input H { i: Int = 1 } directive @j(k: Int) repeatable on | FIELD | QUERY "
		"schema { query: A }",
		NULL, "The \\\"A\\\" definition is not executable.");
	check_refused(*state, "directive @a on NOWHERE", NULL,
		"Syntax Error: Unexpected Name \\\"NOWHERE\\\".");
	check_refused(*state, "enum A { true }", NULL,
		"Syntax Error: Name \\\"true\\\" is reserved and cannot be used for an enum "
		"value.");
	check_refused(*state, "type A { }", NULL, "Syntax Error: Expected Name, found ");
}

static void test_descriptions(void **state)
{
	check_answer(*state,
		"\"what\" query A(\"which\" $n: Int) { ...F echo(int: $n) { x } } "
		"\"\"\"part\"\"\" fragment F on Query { version }",
		NULL,
		"{\"errors\":[{\"message\":\"Field \\\"echo\\\" must not have a selection since "
		"type "
		"\\\"JSON\\\" has no subfields.\",\"locations\":[{\"line\":1,\"column\":54}],"
		"\"extensions\":{\"code\":\"GRAPHQL_VALIDATION_FAILED\"}}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_type_system),
		cmocka_unit_test(test_descriptions),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
