/* Coercion of variables and arguments; the getters that resolvers use. */
#include "check.h"

#include <stdio.h>

#include "graphql/value.h"

static const char echo[] = "query($v: %s) { e: echo(%s: $v) }";

/* Sends a JSON value as a variable of a type to an argument and looks at what arrives. */
static void check_echo(struct toy *toy, const char *type, const char *argument, const char *json,
	const char *arrives)
{
	char document[256], variables[512], part[512];

	snprintf(document, sizeof(document), echo, type, argument);
	snprintf(variables, sizeof(variables), "{\"v\":%s}", json);
	snprintf(part, sizeof(part), "\"%s\":%s", argument, arrives);
	check_contains(toy, document, variables, part);
}

static void check_bad(struct toy *toy, const char *type, const char *argument, const char *json,
	const char *message)
{
	char document[256], variables[512];

	snprintf(document, sizeof(document), echo, type, argument);
	snprintf(variables, sizeof(variables), "{\"v\":%s}", json);
	check_refused(toy, document, variables, message);
}

static void test_accepted(void **state)
{
	struct toy *toy = *state;

	check_echo(toy, "Int", "int", "-2147483648", "-2147483648");
	check_echo(toy, "Int", "int", "3.0", "3");
	check_echo(toy, "Int", "int", "3e2", "300");
	check_echo(toy, "Int", "int", "null", "null");
	check_echo(toy, "Float", "float", "3", "3");
	check_echo(toy, "Float", "float", "1.25", "1.25");
	check_echo(toy, "Float", "float", "18446744073709551615", "1.8446744073709552e+19");
	check_echo(toy, "Boolean", "boolean", "true", "true");
	check_echo(toy, "String", "string", "\"\\u00e9\"", "\"\xC3\xA9\"");
	check_echo(toy, "ID", "id", "\"x\"", "\"x\"");
	check_echo(toy, "ID", "id", "-12", "\"-12\"");
	check_echo(toy, "ID", "id", "18446744073709551615", "\"18446744073709551615\"");
	check_echo(toy, "UInt64", "u64", "18446744073709551615", "18446744073709551615");
	check_echo(toy, "UInt64", "u64", "\"18446744073709551615\"", "18446744073709551615");
	check_echo(toy, "UInt64", "u64", "0", "0");
	check_echo(toy, "UInt64", "u64", "7.0", "7");
	check_echo(toy, "DateTime", "time", "\"2024-02-29T23:59:59.5+02:00\"",
		"\"2024-02-29T23:59:59.5+02:00\"");
	check_echo(toy, "TimeOfDay", "tod", "\"23:59:59\"", "\"23:59:59\"");
	check_echo(toy, "Color", "color", "\"BLUE\"", "\"BLUE\"");
	check_echo(toy, "[Int]", "ints", "[1,null,2]", "[1,null,2]");
	check_echo(toy, "[Int]", "ints", "4", "[4]");
	check_echo(toy, "[[Int!]]", "matrix", "[[1],null,2]", "[[1],null,[2]]");
	check_echo(toy, "[[Int!]]", "matrix", "3", "[[3]]");
	check_echo(toy, "Point", "point", "{\"x\":1}", "{\"x\":1,\"y\":2,\"color\":\"RED\"}");
	check_echo(toy, "Point", "point", "{\"x\":1,\"y\":null,\"inner\":{\"x\":2,\"id\":9}}",
		"{\"x\":1,\"y\":null,\"inner\":{\"x\":2,\"y\":2,\"color\":\"RED\",\"id\":9},"
		"\"color\":\"RED\"}");
	check_echo(toy, "Filter", "filter", "{}",
		"{\"point\":{\"x\":1,\"y\":2,\"tags\":[\"a\"],\"color\":\"RED\"},\"range\":[0,1.5]"
		"}");
	check_echo(toy, "JSON", "json", "{\"a\":[1,{\"b\":null}],\"c\":1.5}",
		"{\"a\":[1,{\"b\":null}],\"c\":1.5}");
}

static void test_refused(void **state)
{
	struct toy *toy = *state;

	check_bad(toy, "Int", "int", "2147483648",
		"Variable \\\"$v\\\" got invalid value 2147483648; Int cannot represent non 32-bit "
		"signed integer value: 2147483648");
	check_bad(toy, "Int", "int", "\"1\"", "Int cannot represent non-integer value: \\\"1\\\"");
	check_bad(toy, "Int", "int", "1.5", "Int cannot represent non-integer value: 1.5");
	check_bad(toy, "Int!", "int", "null",
		"Variable \\\"$v\\\" of non-null type \\\"Int!\\\" must not be null.");
	check_bad(toy, "Float", "float", "\"1\"", "Float cannot represent non numeric value");
	check_bad(
		toy, "Boolean", "boolean", "0", "Boolean cannot represent a non boolean value: 0");
	check_bad(toy, "String", "string", "[]", "String cannot represent a non string value: []");
	check_bad(toy, "ID", "id", "1.5", "ID cannot represent value: 1.5");
	check_bad(toy, "UInt64", "u64", "-1", "UInt64 cannot represent value: -1");
	check_bad(toy, "UInt64", "u64", "\"-1\"", "UInt64 cannot represent value: \\\"-1\\\"");
	check_bad(toy, "UInt64", "u64", "1.5", "UInt64 cannot represent non-integer value: 1.5");
	check_bad(toy, "UInt64", "u64", "18446744073709551616", "UInt64 cannot represent value");
	check_bad(toy, "DateTime", "time", "\"2026-01-31 09:00:00Z\"", "DateTime is an RFC 3339");
	check_bad(toy, "DateTime", "time", "\"2026-01-31T09:00:00\"", "DateTime is an RFC 3339");
	check_bad(toy, "DateTime", "time", "7", "DateTime cannot represent a non string value: 7");
	check_bad(toy, "TimeOfDay", "tod", "\"9:00\"", "TimeOfDay is HH:MM");
	check_bad(toy, "Color", "color", "\"PINK\"",
		"Value \\\"PINK\\\" does not exist in \\\"Color\\\" enum.");
	check_bad(toy, "Color", "color", "1",
		"Enum \\\"Color\\\" cannot represent non-string value: 1.");
	check_bad(toy, "[Int!]", "ints", "[1,null]",
		"got invalid value null at \\\"v[1]\\\"; Expected non-nullable type \\\"Int!\\\" "
		"not to "
		"be null.");
	check_bad(toy, "Point", "point", "{}",
		"Field \\\"x\\\" of required type \\\"Int!\\\" was not provided.");
	check_bad(toy, "Point", "point", "{\"x\":1,\"z\":2}",
		"Field \\\"z\\\" is not defined by type \\\"Point\\\".");
	check_bad(toy, "Point", "point", "[1]", "Expected type \\\"Point\\\" to be an object.");
	check_bad(toy, "[Point!]", "points", "[{\"x\":1,\"inner\":{\"x\":\"y\"}}]",
		"at \\\"v[0].inner.x\\\"; Int cannot represent non-integer value: \\\"y\\\"");
	check_refused(toy, "query($v: Int!) { echo(int: $v) }", NULL,
		"Variable \\\"$v\\\" of required type \\\"Int!\\\" was not provided.");
	check_refused(toy, "query($v: Int!) { echo(int: $v) }", "[1]",
		"Variables must be a JSON object.");
	check_refused(
		toy, "query($v: Int!) { echo(int: $v) }", "{", "Variables are not valid JSON.");
}

/* Fifty errors at most. */
static void test_many_errors(void **state)
{
	char variables[2048] = "{\"v\":[0";
	char *answer, *at;
	int i, n = 0;

	for (i = 0; i < 200; i++)
		strcat(variables, ",true");
	strcat(variables, "]}");
	answer = toy_run(*state, "query($v: [Int]) { echo(ints: $v) }", NULL, variables);
	for (at = answer; (at = strstr(at, "\"message\"")) != NULL; at++)
		n++;
	assert_int_equal(n, 50);
	free(answer);
}

/* Omitted, null and given are three things; defaults count as given. */
static void test_omitted(void **state)
{
	struct toy *toy = *state;

	check_answer(toy, "query($v: Int) { echo(int: $v) }", "{}",
		"{\"data\":{\"echo\":{\"strict\":5,\"string\":\"text\"}}}");
	check_answer(toy, "query($v: Int) { echo(int: $v, string: null) }", "{\"v\":null}",
		"{\"data\":{\"echo\":{\"int\":null,\"strict\":5,\"string\":null}}}");
	check_answer(toy, "query($v: Int = 3) { echo(int: $v) }", "{}",
		"{\"data\":{\"echo\":{\"int\":3,\"strict\":5,\"string\":\"text\"}}}");
	check_answer(toy, "query($v: Int) { echo(strict: $v) }", "{}",
		"{\"data\":{\"echo\":{\"strict\":5,\"string\":\"text\"}}}");
	check_contains(toy, "query($v: Int) { echo(strict: $v) }", "{\"v\":null}",
		"\"data\":{\"echo\":null},\"errors\":[{\"message\":\"Argument \\\"strict\\\" of "
		"non-null "
		"type \\\"Int!\\\" must not be null.\"");
	check_answer(toy, "query($v: Int) { echo(json: {a: $v, b: [$v]}) }", "{}",
		"{\"data\":{\"echo\":{\"strict\":5,\"string\":\"text\",\"json\":{\"b\":[null]}}}}");
	check_answer(toy,
		"query($v: Int, $w: String) { echo(point: {x: 1, y: $v, tags: [\"a\"]}, ints: "
		"[$v]) "
		"version @skip(if: true) e: echo(string: $w) }",
		"{\"w\":null}",
		"{\"data\":{\"echo\":{\"strict\":5,\"string\":\"text\",\"ints\":[null],\"point\":{"
		"\"x\":1,"
		"\"y\":2,\"tags\":[\"a\"],\"color\":\"RED\"}},\"e\":{\"strict\":5,\"string\":null}}"
		"}");
}

static void test_date_times(void **state)
{
	static const struct {
		const char *text;
		int64_t unix_ns;
		const char *printed;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
		{"1969-12-31T23:59:59.999Z", -1000000, "1969-12-31T23:59:59.999Z"},
		{"2026-01-31T09:00:00Z", INT64_C(1769850000000000000), "2026-01-31T09:00:00Z"},
		{"2026-01-31T10:00:00.000001+01:00", INT64_C(1769850000000001000),
			"2026-01-31T09:00:00.000001Z"},
		{"2000-02-29T00:00:00.123456789-00:30", INT64_C(951784200123456789),
			"2000-02-29T00:30:00.123456789Z"},
	};
	char text[40];
	int32_t seconds;
	int64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(reeve_gql_read_date_time(
			cases[i].text, (uint32_t)strlen(cases[i].text), &ns));
		assert_true(ns == cases[i].unix_ns);
		reeve_gql_print_date_time(text, ns);
		assert_string_equal(text, cases[i].printed);
	}
	assert_false(reeve_gql_read_date_time("1900-02-29T00:00:00Z", 20, &ns));
	assert_false(reeve_gql_read_date_time("1500-01-01T00:00:00Z", 20, &ns));
	assert_true(reeve_gql_read_time_of_day("09:30:05", 8, &seconds));
	assert_int_equal(seconds, 34205);
	/* Both ends of the range print and read back. */
	for (i = 0; i < 2; i++) {
		int64_t end = i ? INT64_MAX - 2000000000 : INT64_MIN + 2000000000, back;

		reeve_gql_print_date_time(text, end);
		assert_true(reeve_gql_read_date_time(text, (uint32_t)strlen(text), &back));
		assert_true(back == end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_omitted),
		cmocka_unit_test(test_date_times),
	};

	return cmocka_run_group_tests(tests, open_toy, close_toy);
}
