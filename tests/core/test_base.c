/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/: texts, fixed point, wrapping clocks, the tables made from defs/. */
#include "core.h"

#include <string.h>

#include "../../src/base/base.h"

static int check(const char *text)
{
	core_err = (struct reeve_error){0};
	return reeve__text_check(text, 9, false, "field", E);
}

static void text_check_takes_wellformed_utf8(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "12345678", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80", "\xc2\x80",
		"\xe0\xa0\x80", "\xf0\x90\x80\x80", " ~"};

	for (size_t i = 0; i < REEVE_COUNT(good); i++)
		assert_ok(check(good[i]));
}

static void text_check_refuses_malformed_utf8_and_names_the_byte(void **state)
{
	(void)state;
	static const struct {
		const char *text, *at;
	} bad[] = {
		{"\x80", "byte 0"},		/* a continuation alone */
		{"a\xc3", "byte 1"},		/* cut off */
		{"\xe2\x82", "byte 0"},		/* cut off */
		{"\xf0\x9f\x98", "byte 0"},	/* cut off */
		{"\xc0\x80", "byte 0"},		/* overlong */
		{"\xc1\xbf", "byte 0"},		/* overlong */
		{"\xe0\x9f\xbf", "byte 0"},	/* overlong */
		{"\xf0\x8f\xbf\xbf", "byte 0"}, /* overlong */
		{"\xed\xa0\x80", "byte 0"},	/* half of a surrogate pair */
		{"\xed\xbf\xbf", "byte 0"},	/* the other half */
		{"\xf4\x90\x80\x80", "byte 0"}, /* above U+10FFFF */
		{"\xf8\x88\x80\x80", "byte 0"}, /* five bytes */
		{"\xff", "byte 0"},
		{"ab\x01", "byte 2"},
		{"\x7f", "byte 0"},
		{"a\nb", "byte 1"},
		{"a\tb", "byte 1"},
		{"\xc3(", "byte 0"},
	};

	for (size_t i = 0; i < REEVE_COUNT(bad); i++) {
		assert_fails(check(bad[i].text), REEVE_EINVALID_ARGUMENT, bad[i].at);
		assert_non_null(strstr(core_err.text, "field"));
	}
}

static void text_check_knows_lengths_in_bytes(void **state)
{
	(void)state;
	assert_fails(check(""), REEVE_EINVALID_ARGUMENT, "field is empty; allowed are 1 to 8");
	assert_fails(check(NULL), REEVE_EINVALID_ARGUMENT, "1 to 8 bytes");
	assert_fails(check("123456789"), REEVE_EINVALID_ARGUMENT, "too long; allowed are 1 to 8");
	assert_int_equal(reeve__text_check("", 9, true, "field", NULL), 0);
	assert_int_equal(reeve__text_check(NULL, 9, true, "field", NULL), 0);
	assert_fails(reeve__text_check("123456789", 9, true, "field", E), REEVE_EINVALID_ARGUMENT,
		"allowed are 0 to 8");
	assert_ok(check("1234\xf0\x9f\x98\x80")); /* eight bytes, five characters */
}

static void text_copy_fills_the_rest_with_nuls(void **state)
{
	(void)state;
	char to[8];

	memset(to, 'x', sizeof(to));
	reeve__text_copy(to, sizeof(to), "ab");
	assert_memory_equal(to, "ab\0\0\0\0\0\0", 8);
	reeve__text_copy(to, sizeof(to), "1234567");
	assert_string_equal(to, "1234567");
	reeve__text_copy(to, sizeof(to), NULL);
	assert_memory_equal(to, "\0\0\0\0\0\0\0\0", 8);
	reeve__text_copy(to, sizeof(to), "123456789"); /* never beyond its end */
	assert_string_equal(to, "1234567");
}

static void text_hash_is_fnv_1a(void **state)
{
	(void)state;
	assert_true(reeve__text_hash("") == UINT64_C(0xcbf29ce484222325));
	assert_true(reeve__text_hash("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(reeve__text_hash("foobar") == UINT64_C(0x85944171f73967e8));
}

static void muldiv_is_exact_and_saturates(void **state)
{
	(void)state;
	assert_true(reeve__muldiv(7, 3, 2) == 10);
	assert_true(reeve__muldiv(0, UINT64_MAX, 1) == 0);
	assert_true(reeve__muldiv(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	assert_true(reeve__muldiv(UINT64_MAX, 3, 4) == UINT64_C(13835058055282163711));
	assert_true(reeve__muldiv(UINT64_MAX, 2, 1) == UINT64_MAX);
	assert_true(reeve__muldiv(UINT64_C(1) << 32, UINT64_C(1) << 32, 1) == UINT64_MAX);
	assert_true(reeve__muldiv(UINT64_C(1) << 32, UINT64_C(1) << 31, 1) == UINT64_C(1) << 63);
	assert_true(reeve__muldiv(5, 5, 0) == UINT64_MAX);
	assert_true(reeve__muldiv(0, 0, 0) == UINT64_MAX);
}

static void mulq32_is_exact_and_saturates(void **state)
{
	(void)state;
	assert_true(reeve__mulq32(5, UINT64_C(1) << 32) == 5);
	assert_true(reeve__mulq32(3, UINT64_C(1) << 31) == 1);
	assert_true(reeve__mulq32(UINT64_MAX, UINT64_C(1) << 32) == UINT64_MAX);
	assert_true(reeve__mulq32(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
	assert_true(reeve__mulq32(UINT64_MAX, 1) == UINT32_MAX);
}

static void before_holds_across_the_wrap(void **state)
{
	(void)state;
	assert_true(reeve__before(UINT64_MAX, 0));
	assert_true(reeve__before(UINT64_MAX - 5, 5));
	assert_false(reeve__before(5, UINT64_MAX - 5));
	assert_false(reeve__before(7, 7));
}

static void later_saturates_at_never(void **state)
{
	(void)state;
	assert_true(reeve__later(1, 2) == 3);
	assert_true(reeve__later(REEVE_NEVER, 0) == REEVE_NEVER);
	assert_true(reeve__later(REEVE_NEVER - 1, 2) == REEVE_NEVER);
	assert_true(reeve__later(2, REEVE_NEVER) == REEVE_NEVER);
}

static void every_error_has_a_row_of_its_own(void **state)
{
	(void)state;
	for (int code = REEVE_ESYSTEM; code <= REEVE_ENOT_FOUND; code++) {
		const struct reeve_error_row *row = reeve_error_row_of(code);
		assert_int_equal(row->code, code);
		assert_in_range(row->http_status, 400, 599);
		assert_int_equal(strlen(row->sqlstate), 5);
		assert_true(*row->name && *row->prefix && *row->meaning);
		for (int other = REEVE_ESYSTEM; other < code; other++)
			assert_string_not_equal(row->name, reeve_error_row_of(other)->name);
	}
	assert_string_equal(reeve_error_row_of(REEVE_ENOT_FOUND)->prefix, "Not found");
	assert_int_equal(reeve_error_row_of(REEVE_ENOT_FOUND)->http_status, 404);
}

static void an_unknown_code_is_internal(void **state)
{
	(void)state;
	assert_int_equal(reeve_error_row_of(0)->code, REEVE_EINTERNAL);
	assert_int_equal(reeve_error_row_of(-9999)->code, REEVE_EINTERNAL);
	assert_int_equal(reeve_error_row_of(INT32_MAX)->code, REEVE_EINTERNAL);
}

static void every_wait_reason_has_a_text(void **state)
{
	(void)state;
	assert_string_equal(reeve_wait_text(REEVE_WAIT_CPU_SLOT), "waiting for a CPU slot");
	for (uint32_t reason = REEVE_WAIT_NONE; reason <= REEVE_WAIT_SESSION_POOL; reason++)
		assert_string_not_equal(reeve_wait_text(reason), "unknown");
	assert_string_equal(reeve_wait_text(1000), "unknown");
	assert_string_equal(reeve_wait_text(UINT32_MAX), "unknown");
}

static void fail_cuts_a_long_text_and_allows_no_error(void **state)
{
	(void)state;
	char text[600];

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(reeve__fail(E, REEVE_ETIMEOUT, "%s", text), REEVE_ETIMEOUT);
	assert_int_equal(core_err.code, REEVE_ETIMEOUT);
	assert_int_equal(strlen(core_err.text), REEVE_ERROR_TEXT_MAX - 1);
	assert_int_equal(reeve__fail(NULL, REEVE_ETIMEOUT, "%s", text), REEVE_ETIMEOUT);
}

static void the_version_is_that_of_the_build(void **state)
{
	(void)state;
	assert_string_equal(reeve_version(), REEVE_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_check_takes_wellformed_utf8),
		cmocka_unit_test(text_check_refuses_malformed_utf8_and_names_the_byte),
		cmocka_unit_test(text_check_knows_lengths_in_bytes),
		cmocka_unit_test(text_copy_fills_the_rest_with_nuls),
		cmocka_unit_test(text_hash_is_fnv_1a),
		cmocka_unit_test(muldiv_is_exact_and_saturates),
		cmocka_unit_test(mulq32_is_exact_and_saturates),
		cmocka_unit_test(before_holds_across_the_wrap),
		cmocka_unit_test(later_saturates_at_never),
		cmocka_unit_test(every_error_has_a_row_of_its_own),
		cmocka_unit_test(an_unknown_code_is_internal),
		cmocka_unit_test(every_wait_reason_has_a_text),
		cmocka_unit_test(fail_cuts_a_long_text_and_allows_no_error),
		cmocka_unit_test(the_version_is_that_of_the_build),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
