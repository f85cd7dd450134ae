/* The append writer, and the reader that the engine has for requests. */
#include "check.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "graphql/value.h"

static void check_text(struct reeve_json *w, const char *expected)
{
	assert_true(reeve_json_ok(w));
	reeve_json_raw(w, "", 1);
	assert_string_equal(w->data, expected);
	reeve_json_fini(w);
}

static void test_structure(void **state)
{
	struct reeve_json w;

	(void)state;
	reeve_json_init(&w, 0);
	reeve_json_object_begin(&w);
	reeve_json_key(&w, "id");
	reeve_json_u64(&w, UINT64_MAX);
	reeve_json_key(&w, "low");
	reeve_json_i64(&w, INT64_MIN);
	reeve_json_key(&w, "list");
	reeve_json_array_begin(&w);
	reeve_json_bool(&w, true);
	reeve_json_bool(&w, false);
	reeve_json_null(&w);
	reeve_json_object_begin(&w);
	reeve_json_object_end(&w);
	reeve_json_array_begin(&w);
	reeve_json_array_end(&w);
	reeve_json_strf(&w, "%d\"", 7);
	reeve_json_array_end(&w);
	reeve_json_key(&w, "raw");
	reeve_json_raw_value(&w, "[1]", 3);
	reeve_json_object_end(&w);
	check_text(&w, "{\"id\":18446744073709551615,\"low\":-9223372036854775808,"
		       "\"list\":[true,false,null,{},[],\"7\\\"\"],\"raw\":[1]}");
}

static void test_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "\"\""},
		{"a\"b\\c/", "\"a\\\"b\\\\c/\""},
		{"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
		{"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8F\x83",
			"\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x8F\x83\""},
		/* Lone continuation, overlong, surrogate, beyond the end, cut short. */
		{"a\x80z", "\"a\xEF\xBF\xBDz\""},
		{"\xC0\xAF", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{"\xF4\x90\x80\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{"\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
	};
	struct reeve_json w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reeve_json_init(&w, 0);
		reeve_json_str(&w, cases[i].in);
		check_text(&w, cases[i].out);
	}
}

/* Text longer than the writer's chunks, with a sequence across each boundary. */
static void test_long_strings(void **state)
{
	enum { N = 20000 };
	char *text = malloc(N + 1);
	struct reeve_json w;
	size_t i, shift;

	(void)state;
	for (shift = 0; shift < 3; shift++) {
		memset(text, 'x', N);
		for (i = shift; i + 3 <= N; i += 3)
			memcpy(text + i, "\xE2\x82\xAC", 3);
		text[N] = 0;
		reeve_json_init(&w, 0);
		reeve_json_str(&w, text);
		assert_int_equal(w.len >= N + 2, 1);
		assert_memory_equal(w.data + 1, text, N - 3);
		reeve_json_fini(&w);
	}
	free(text);
}

static void test_doubles(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{-0.5, "-0.5"},
		{0.1, "0.1"},
		{1e21, "1e+21"},
		{123456789.125, "123456789.125"},
		{0.000001, "0.000001"},
		{5e-324, "4.94065645841247e-324"},
		{1.0 / 3, "0.3333333333333333"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{-9007199254740993.0, "-9007199254740992"},
	};
	uint64_t seed = 88172645463325252u, i;
	struct reeve_json w;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reeve_json_init(&w, 0);
		reeve_json_double(&w, cases[i].value);
		check_text(&w, cases[i].text);
	}
	for (i = 0; i < 100000; i++) {
		double value;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		memcpy(&value, &seed, sizeof(value));
		if (i % 2)
			value = (double)(seed % 100000000) / 1000;
		reeve_json_init(&w, 0);
		reeve_json_double(&w, value);
		reeve_json_raw(&w, "", 1);
		if (!isfinite(value))
			assert_string_equal(w.data, "null");
		else
			assert_true(strtod(w.data, NULL) == value);
		reeve_json_fini(&w);
	}
}

static void test_limits(void **state)
{
	struct reeve_json w;
	size_t len, i;
	char *text;

	(void)state;
	reeve_json_init(&w, 2000);
	for (i = 0; i < 3000; i++)
		reeve_json_raw(&w, "x", 1);
	assert_false(reeve_json_ok(&w));
	assert_null(reeve_json_take(&w, &len));
	reeve_json_init(&w, 0);
	reeve_json_str(&w, "kept");
	len = w.len;
	reeve_json_str(&w, "gone");
	reeve_json_truncate(&w, len);
	text = reeve_json_take(&w, &len);
	assert_int_equal(len, 6);
	assert_memory_equal(text, "\"kept\"", 6);
	free(text);
	reeve_json_fini(&w);
}

/* ---- reader ---- */

static void check_read(const char *text, const char *expected)
{
	struct reeve_gql_value value;
	struct gql_json_error error = {0};
	struct gql_arena arena;
	struct reeve_json w;

	reeve_gql_arena_init(&arena, 1u << 20);
	if (!reeve_gql_json_read(&arena, text, strlen(text), 8, &value, &error)) {
		if (!expected || *expected != '!')
			fail_msg("%s: %s", text, error.message);
		assert_string_equal(error.message, expected + 1);
	} else {
		reeve_json_init(&w, 0);
		reeve_gql_value_write(&value, &w);
		check_text(&w, expected);
	}
	reeve_gql_arena_fini(&arena);
}

static void test_reader(void **state)
{
	(void)state;
	check_read(" {\"a\" : [1, -2, 2.5, true, false, null, \"x\"] , \"b\":{}} ",
		"{\"a\":[1,-2,2.5,true,false,null,\"x\"],\"b\":{}}");
	check_read("18446744073709551615", "18446744073709551615");
	check_read("-9223372036854775808", "-9223372036854775808");
	check_read("18446744073709551616", "1.8446744073709552e+19");
	check_read("\"\\u00e9\\uD83C\\uDFC3\\n\\/\"", "\"\xC3\xA9\xF0\x9F\x8F\x83\\n/\"");
	check_read("[]", "[]");
	check_read("[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]");
}

static void test_reader_refuses(void **state)
{
	(void)state;
	check_read("", "!unexpected end");
	check_read("{", "!unexpected end");
	check_read("[1,]", "!unexpected character");
	check_read("{\"a\":1,}", "!unexpected character");
	check_read("{a:1}", "!unexpected character");
	check_read("01", "!unexpected character after the value");
	check_read("1.", "!malformed number");
	check_read("-", "!malformed number");
	check_read("1e999", "!number out of range");
	check_read("nul", "!unexpected character");
	check_read("\"a", "!unterminated string");
	check_read("\"\\", "!malformed escape");
	check_read("\"\\x\"", "!malformed escape");
	check_read("\"\\u12\"", "!malformed \\u escape");
	check_read("\"\\uD800\"", "!lone surrogate");
	check_read("\"\\uDC00\"", "!lone surrogate");
	check_read("\"\\u0000\"", "!U+0000 is not allowed");
	check_read("\"\xFF\"", "!malformed UTF-8");
	check_read("\"\n\"", "!control character in a string");
	check_read("{\"a\":1,\"a\":2}", "!duplicate key");
	check_read("[[[[[[[[[1]]]]]]]]]", "!nested too deeply");
	check_read("{} {}", "!unexpected character after the value");
}

/* More members than are compared pair by pair. */
static void test_reader_many_members(void **state)
{
	char text[4096] = "{";
	size_t len = 1;
	int i;

	(void)state;
	for (i = 0; i < 40; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s\"k%d\":%d", i ? "," : "", i, i);
	memcpy(text + len, "}", 2);
	check_read(text, text);
	memcpy(text + len, ",\"k7\":0}", 9);
	check_read(text, "!duplicate key");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_long_strings),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_refuses),
		cmocka_unit_test(test_reader_many_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
