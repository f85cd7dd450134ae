/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of regular expressions: the language, what is refused and where, patterns made to be slow, and
 * the C library's answers on random small patterns.
 */
#include "core.h"

#include <regex.h>
#include <string.h>

#include "../../src/policy/regex.h"

static uint32_t program[REEVE_REGEX_WORDS];

static bool matches_as(const char *pattern, const char *text, bool ignore_case)
{
	int words = reeve__regex_compile(pattern, ignore_case, program, E);

	if (words < 0)
		fail_msg("%s", core_err.text);
	return reeve__regex_match(program, (size_t)words, text, strlen(text));
}

static bool matches(const char *pattern, const char *text)
{
	return matches_as(pattern, text, false);
}

static void the_language_is_as_documented(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *yes, *no;
	} rows[] = {
		{"abc", "xxabcxx", "ab"},
		{"^abc$", "abc", "abcd"},
		{"a.c", "axc", "ac"},
		{"^a*$", "", "b"},
		{"^a+$", "aaa", ""},
		{"^ab?c$", "ac", "abbc"},
		{"^a{3}$", "aaa", "aa"},
		{"^a{2,}$", "aaaaa", "a"},
		{"^a{2,4}$", "aaaa", "aaaaa"},
		{"^a{0}$", "", "a"},
		{"^(ab|cd)+$", "abcdab", "abc"},
		{"^(a|)b$", "b", "aab"},
		{"^()$", "", "x"},
		{"[abc]", "xbx", "xyz"},
		{"^[^abc]$", "x", "a"},
		{"^[a-f0-9]+$", "dead99", "xyz"},
		{"^[]a]+$", "]a]", "b"},
		{"^[^]]$", "a", "]"},
		{"^[a-]+$", "a-a", "b"},
		{"^[[:alpha:]_]+$", "abc_D", "a1"},
		{"^[[:digit:][:space:]]+$", "1 2", "a"},
		{"^[[:punct:]]$", "~", "a"},
		{"^[[:xdigit:]]{2}$", "fF", "fg"},
		{"^[\\]$", "\\", "x"},
		{"^\\d+$", "123", "12a"},
		{"^\\D$", "x", "1"},
		{"^\\w+$", "aZ_9", "a-b"},
		{"^\\W$", "-", "a"},
		{"^\\s$", " ", "x"},
		{"^\\S$", "x", " "},
		{"^a\\.b$", "a.b", "axb"},
		{"^\\(\\)\\{\\}\\*\\+\\?\\|\\^\\$\\[\\]\\\\$", "(){}*+?|^$[]\\", ""},
		{"(^a|b$)", "xb", "xa"},
		{"a$|^b", "ba", "cb"},
		{"^.$", "\xc3\xa9", "ab"}, /* one character, two bytes */
		{"^[\xc3\xa0-\xc3\xbf]$", "\xc3\xa9", "\xc4\x80"},
		{"^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9", "\xc3\xa9"},
		{"svc-(etl|bi)-[0-9]{2,3}", "x-svc-etl-042", "svc-web-042"},
	};

	for (size_t i = 0; i < REEVE_COUNT(rows); i++) {
		if (!matches(rows[i].pattern, rows[i].yes))
			fail_msg("%s does not match %s", rows[i].pattern, rows[i].yes);
		if (matches(rows[i].pattern, rows[i].no))
			fail_msg("%s matches %s", rows[i].pattern, rows[i].no);
	}
}

static void case_is_ignored_when_asked(void **state)
{
	(void)state;
	assert_true(matches_as("^AbC[d-f]$", "aBcE", true));
	assert_true(matches_as("^[A-Z]+$", "abc", true));
	assert_false(matches_as("^[^a]$", "A", true));
	assert_false(matches("^abc$", "ABC"));
}

static void what_is_wrong_is_named_with_its_byte(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *part;
	} bad[] = {
		{"*a", "nothing to repeat at byte 0"},
		{"a|+", "nothing to repeat at byte 2"},
		{"(a", "( without ) at byte 0"},
		{"ab)", ") without ( at byte 2"},
		{"x[ab", "[ without ] at byte 1"},
		{"[b-a]", "a range that ends before it begins at byte 1"},
		{"[[:foo:]]", "an unknown class of characters at byte 1"},
		{"[[:word:]]", "an unknown class of characters at byte 1"},
		{"[a-[:digit:]]", "a range to a class of characters at byte 1"},
		{"a{", "{ without a number; a brace itself is \\{ at byte 1"},
		{"a{,3}", "{ without a number"},
		{"a{3", "{ without } at byte 1"},
		{"a{3,2}", "a repetition that ends before it begins at byte 1"},
		{"a{256}", "more than 255 repetitions at byte 1"},
		{"ab\\", "\\ with nothing behind it at byte 2"},
		{"ab\\q", "an unknown escape at byte 2"},
		{"\\1", "an unknown escape at byte 0"},
		{"((((((((((((((((((((((a))))))))))))))))))))))", "nested more than 20 deep"},
		{"((a{100}){100}){100}", "too large: it takes more than 500 states"},
		{"(((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9})", "more than 500 states"},
	};

	for (size_t i = 0; i < REEVE_COUNT(bad); i++)
		assert_fails(reeve__regex_compile(bad[i].pattern, false, program, E),
			REEVE_EINVALID_ARGUMENT, bad[i].part);
}

/* Each would take others years; here a count of steps that a debugger can wait for. */
static void hostile_patterns_take_linear_time(void **state)
{
	(void)state;
	static const char *const hostile[] = {"(a*)*b", "(a|a)*b", "(a|aa)+$b", "(a*)*(a*)*(a*)*b",
		"((a*)*)*b", "(a+)+b", "(x+x+)+y", "a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaab",
		"(.*)(.*)(.*)(.*)(.*)[b-z]", "(a{0,9}){0,9}b", "^(([a-z])+.)+[A-Z]([a-z])+$",
		"(((((((((((a*)*)*)*)*)*)*)*)*)*)*)*b"};
	char text[129];

	memset(text, 'a', 128);
	text[128] = 0;
	for (size_t i = 0; i < REEVE_COUNT(hostile); i++)
		for (int k = 0; k < 20; k++)
			assert_false(matches(hostile[i], text));
	assert_true(matches("(a*)*$", text));
	assert_true(matches("^((((){255}){255}){255}){255}$", "")); /* nothing, very often */
	assert_true(matches("^(((a?){5}){5}){5}$", "aaaa"));
}

/* ---- against the C library ---- */

struct text {
	char at[120];
	size_t length;
};

static void put(struct text *t, const char *what)
{
	size_t n = strlen(what);

	memcpy(t->at + t->length, what, n + 1);
	t->length += n;
}

static void make_pattern(struct sim_random *random, struct text *t, int depth)
{
	static const char *const atoms[] = {
		"a", "b", "c", ".", "[ab]", "[^a]", "[a-c]", "[^b-c]", "\\.", "[[:alpha:]]"};
	static const char *const repeats[] = {"", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"};
	uint64_t parts = 1 + core_below(random, 3);

	for (uint64_t i = 0; i < parts && t->length < 60; i++) {
		if (depth && core_below(random, 3) == 0) {
			put(t, "(");
			make_pattern(random, t, depth - 1);
			if (core_below(random, 2)) {
				put(t, "|");
				make_pattern(random, t, depth - 1);
			}
			put(t, ")");
		} else {
			put(t, atoms[core_below(random, REEVE_COUNT(atoms))]);
		}
		put(t, repeats[core_below(random, REEVE_COUNT(repeats))]);
	}
}

static void random_patterns_agree_with_the_c_library(void **state)
{
	(void)state;
	struct sim_random random;
	uint64_t seed = core_seed("regex");

	sim_random_init(&random, seed, 0);
	for (uint64_t i = 0; i < core_steps(20000); i++) {
		struct text pattern = {{0}, 0};
		regex_t libc;
		bool ignore = core_below(&random, 4) == 0;
		if (core_below(&random, 3) == 0)
			put(&pattern, "^");
		make_pattern(&random, &pattern, 3);
		if (core_below(&random, 3) == 0)
			put(&pattern, "$");
		if (regcomp(&libc, pattern.at, REG_EXTENDED | REG_NOSUB | (ignore ? REG_ICASE : 0)))
			fail_msg("the C library refuses %s", pattern.at);
		int words = reeve__regex_compile(pattern.at, ignore, program, E);
		if (words < 0 && strstr(core_err.text, "500 states")) {
			regfree(&libc);
			continue;
		}
		if (words < 0)
			fail_msg("%s", core_err.text);
		for (int k = 0; k < 6; k++) {
			char text[12];
			size_t n = core_below(&random, sizeof(text));
			for (size_t j = 0; j < n; j++)
				text[j] = "abcdAB."[core_below(&random, 7)];
			text[n] = 0;
			bool want = regexec(&libc, text, 0, NULL, 0) == 0;
			if (reeve__regex_match(program, (size_t)words, text, n) != want)
				fail_msg("%s on \"%s\"%s: the C library says %d", pattern.at, text,
					ignore ? " ignoring case" : "", want);
		}
		regfree(&libc);
	}
}

static void random_bytes_are_refused_or_run_within_bounds(void **state)
{
	(void)state;
	static const char alphabet[] = "ab[]()|*+?{}^$.\\,-:19d\xc3\xa9";
	struct sim_random random;

	sim_random_init(&random, core_seed("regex bytes"), 0);
	for (uint64_t i = 0; i < core_steps(50000); i++) {
		char pattern[40], text[20];
		size_t n = core_below(&random, sizeof(pattern));
		for (size_t k = 0; k < n; k++)
			pattern[k] = alphabet[core_below(&random, sizeof(alphabet) - 1)];
		pattern[n] = 0;
		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = (char)core_below(&random, 256);
		int words = reeve__regex_compile(pattern, false, program, NULL);
		if (words < 0)
			continue;
		reeve__regex_match(program, (size_t)words, text, sizeof(text));
		/* damaged */
		for (int k = 0; k < 4; k++)
			program[core_below(&random, (uint64_t)words)] =
				(uint32_t)sim_random_next(&random) >> core_below(&random, 32);
		reeve__regex_match(program, (size_t)words, text, sizeof(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_language_is_as_documented),
		cmocka_unit_test(case_is_ignored_when_asked),
		cmocka_unit_test(what_is_wrong_is_named_with_its_byte),
		cmocka_unit_test(hostile_patterns_take_linear_time),
		cmocka_unit_test(random_patterns_agree_with_the_c_library),
		cmocka_unit_test(random_bytes_are_refused_or_run_within_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
