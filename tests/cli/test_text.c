/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts of the command line: spans, rates, columns. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <reeve/reeve.h>

#include "text.h"

static void test_durations(void **state)
{
	static const struct {
		reeve_ns ns;
		const char *text;
	} cases[] = {
		{-5, "0"},
		{0, "0"},
		{999, "999ns"},
		{1000, "1us"},
		{999999, "999us"},
		{1000000, "1.00ms"},
		{12345678, "12.3ms"},
		{999999999, "999ms"},
		{REEVE_SEC, "1.00s"},
		{59 * REEVE_SEC + 999 * REEVE_MSEC, "59.9s"},
		{60 * REEVE_SEC, "1m00s"},
		{3599 * REEVE_SEC, "59m59s"},
		{3600 * REEVE_SEC, "1h00m"},
		{86399 * REEVE_SEC, "23h59m"},
		{86400 * REEVE_SEC, "1d00h"},
		{INT64_MAX, ">9999d"},
	};
	char text[TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(text_duration(text, cases[i].ns), cases[i].text);
		assert_in_range(strlen(text), 1, 7);
	}
}

static void test_rates_and_percentages(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	assert_string_equal(text_pct(text, 0.0), "0.0");
	assert_string_equal(text_pct(text, 99.94), "99.9");
	assert_string_equal(text_pct(text, 99.96), "100");
	assert_string_equal(text_rate(text, 0.0), "0");
	assert_string_equal(text_rate(text, 0.25), "0.2");
	assert_string_equal(text_rate(text, 9.96), "10");
	assert_string_equal(text_rate(text, 1234.4), "1234");
	assert_string_equal(text_rate(text, 123456.0), "123k");
	assert_string_equal(text_bytes(text, 0), "0");
	assert_string_equal(text_bytes(text, 999), "999");
	assert_string_equal(text_bytes(text, 1000), "0.98Ki");
	assert_string_equal(text_bytes(text, 1536), "1.50Ki");
	assert_string_equal(text_bytes(text, 12 << 20), "12.0Mi");
	assert_string_equal(text_bytes(text, 1023 << 20), "1.00Gi");
	assert_string_equal(text_bytes(text, UINT64_MAX), "16.0Ei");
	assert_string_equal(text_rate(text, 25e6), "25M");
}

static void test_columns(void **state)
{
	char text[64];

	(void)state;
	assert_int_equal(text_fit(text, sizeof(text), "abc", 5), 5);
	assert_string_equal(text, "abc  ");
	text_fit(text, sizeof(text), "abcdef", 3);
	assert_string_equal(text, "abc");
	text_fit(text, sizeof(text), "a\tb\033c", 5);
	assert_string_equal(text, "a?b?c");
	text_fit(text, sizeof(text), "", 2);
	assert_string_equal(text, "  ");
	text_fit(text, 4, "abcdef", 10);
	assert_string_equal(text, "abc");
}

static void test_columns_of_utf8(void **state)
{
	char text[64];

	(void)state;
	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		skip();
	text_fit(text, sizeof(text), "J\u00fcrgen", 4);
	assert_string_equal(text, "J\u00fcrg");
	/* a wide character is never cut in half */
	text_fit(text, sizeof(text), "a\u6f22\u5b57", 4);
	assert_string_equal(text, "a\u6f22 ");
	text_fit(text, sizeof(text), "a\xff\xc3", 4);
	assert_string_equal(text, "a?? ");
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(text_session_state(REEVE_SESSION_WAITING), "WAITING");
	assert_string_equal(text_session_state(REEVE_SESSION_IDLE), "IDLE");
	assert_string_equal(text_session_state(8), "?");
	assert_string_equal(text_session_priority(REEVE_SESSION_LOW), "LOW");
	assert_string_equal(text_session_priority(9), "?");
	assert_string_equal(text_segment_state(REEVE_SEGMENT_DEGRADED), "DEGRADED");
	assert_string_equal(text_segment_state(0), "?");
	assert_string_equal(text_cpu_method(REEVE_METHOD_RATIO), "RATIO");
	assert_string_equal(text_cpu_method(7), "?");
}

static void test_wall(void **state)
{
	char text[TEXT_MAX];

	(void)state;
	assert_string_equal(text_wall(text, 0), "-");
	assert_int_equal(strlen(text_wall(text, 1767225600 * REEVE_SEC)), 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_rates_and_percentages),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_columns_of_utf8),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_wall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
