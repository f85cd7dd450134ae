/* SPDX-License-Identifier: Apache-2.0 */
/* What of a statement is written down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/redact.h"

#include <string.h>

static void leaves_no_literal(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"", ""},
		{"SELECT 1", "SELECT ?"},
		{"  SELECT\n\t a,b FROM t;", "SELECT a,b FROM t;"},
		{"SELECT 'it''s', \"x\"\"y\", x'00ff', X'', 1.5e-3, .5, 0x1F",
			"SELECT ?, ?, ?, ?, ?, ?, ?"},
		{"SELECT a1, t2.b3 FROM t2", "SELECT a1, t2.b3 FROM t2"},
		{"SELECT [a b], `c` FROM t", "SELECT [a b], `c` FROM t"},
		{"SELECT 1-- secret\n+2/* secret */", "SELECT ? +? "},
		{"SELECT 'never ends", "SELECT ?"},
		{"SELECT /* never ends", "SELECT "},
		{"SELECT -- never ends", "SELECT "},
		{"SELECT ?1, :name, @x, $y", "SELECT ??, :name, @x, $y"},
		{"SELECT 1e5+1", "SELECT ?+?"},
		{"VALUES(-1,+1)", "VALUES(-?,+?)"},
		{"SELECT \xc3\xa4"
		 "1",
			"SELECT \xc3\xa4"
			"1"},
		{"--", ""},
		{"'", "?"},
		{"x'", "?"},
		{".", "."},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		size_t len = reeved_redact_sql(cases[i][0], text, sizeof(text));
		assert_string_equal(text, cases[i][1]);
		assert_int_equal(len, strlen(text));
	}
}

static void stops_where_the_room_ends(void **state)
{
	(void)state;
	const char *sql = "SELECT abcdef, 'secret' FROM t";
	for (size_t capacity = 1; capacity < 40; capacity++) {
		char text[64], whole[64];
		memset(text, 'z', sizeof(text));
		reeved_redact_sql(sql, whole, sizeof(whole));
		size_t len = reeved_redact_sql(sql, text, capacity);
		assert_true(len < capacity);
		assert_int_equal(text[len], '\0');
		assert_int_equal(text[capacity], 'z');
		assert_memory_equal(text, whole, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_no_literal),
		cmocka_unit_test(stops_where_the_room_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
