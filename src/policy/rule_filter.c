/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_filter.c - what a condition's text must have at least, in two words, so that most rules which do
 * not hold are told without their programs, which lie kilobytes apart.
 *
 * A filter names a word of the session's - the first eight bytes of an attribute, the last eight, or the
 * set of its bytes modulo 64 - and says what that word is under a mask. "etl_" as a prefix of the program
 * name: the word of first bytes, mask ff ff ff ff, wanted e t l _. What has no such filter passes.
 *
 * An AND demands what the operand does that demands most; an OR the bits in which all its operands agree:
 * "etl_" or "load" differ in 14 of 32 bits, and the other 18 tell nearly every other name.
 */
#include "rule.h"
#include "rule_code.h"

enum { FIRST, LAST, SET, WORD_KINDS };
_Static_assert(REEVE_RULE_TEXTS *WORD_KINDS * 2 == REEVE_RULE_FILTER_WORDS, "a word of each kind");

static uint32_t word_number(uint32_t text, uint32_t kind, bool ignore_case)
{
	return (text * WORD_KINDS + kind) * 2 + ignore_case;
}

static unsigned char folded(char c, bool ignore_case)
{
	return (unsigned char)(ignore_case && c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* The first eight bytes, the first lowest; or the last eight, the last lowest. */
static uint64_t word_of_bytes(const char *text, size_t length, bool is_last, bool ignore_case)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length && i < 8; i++)
		word |= (uint64_t)folded(text[is_last ? length - 1 - i : i], ignore_case) << 8 * i;
	return word;
}

static uint64_t set_of(const char *text, size_t length, bool ignore_case)
{
	uint64_t set = 0;

	for (size_t i = 0; i < length; i++)
		set |= UINT64_C(1) << (folded(text[i], ignore_case) & 63);
	return set;
}

/* Bytes that a pattern with stars demands, without what its stars and question marks may be. */
static uint64_t set_of_glob(const char *pattern, size_t n, bool ignore_case)
{
	uint64_t set = 0;

	for (size_t i = 0; i < n; i++) {
		if (pattern[i] == '*' || pattern[i] == '?')
			continue;
		if (pattern[i] == '\\' && i + 1 < n)
			i++;
		set |= set_of(pattern + i, 1, ignore_case);
	}
	return set;
}

uint64_t reeve__rule_filter_word(const struct reeve__rule_input *in, uint32_t number)
{
	uint32_t text = number / 2 / WORD_KINDS, kind = number / 2 % WORD_KINDS;
	bool ignore = number % 2;

	if (text >= REEVE_RULE_TEXTS)
		return 0;
	return kind == SET ? set_of(in->text[text].at, in->text[text].length, ignore)
			   : word_of_bytes(in->text[text].at, in->text[text].length, kind == LAST,
				     ignore);
}

static struct reeve__rule_filter of_bytes(
	uint32_t attribute, const char *text, size_t length, bool is_last, bool ignore_case)
{
	return (struct reeve__rule_filter){
		.mask = length >= 8 ? UINT64_MAX : (UINT64_C(1) << 8 * length) - 1,
		.want = word_of_bytes(text, length, is_last, ignore_case),
		.word = word_number(attribute, is_last ? LAST : FIRST, ignore_case)};
}

static struct reeve__rule_filter of_text(const uint32_t *node, uint32_t words)
{
	uint32_t attribute = REEVE__NODE_KIND(node[0]) / 2,
		 length = words > 2 ? node[2] : UINT32_MAX;
	bool ignore = (REEVE__NODE_FLAGS(node[0]) & REEVE__NODE_IGNORE_CASE) != 0;
	const char *text = (const char *)(node + 3);
	struct reeve__rule_filter f = {0};

	if (length >= REEVE_CONDITION_TEXT || 3 + reeve__rule_text_words(length) > words)
		return f;
	if (REEVE__NODE_KIND(node[0]) % 2 == 0) /* an equality */
		return of_bytes(attribute, text, length, false, false);
	switch (REEVE__NODE_SYNTAX(node[0])) {
	case REEVE_PATTERN_PREFIX:
		return of_bytes(attribute, text, length, false, ignore);
	case REEVE_PATTERN_SUFFIX:
		return of_bytes(attribute, text, length, true, ignore);
	case REEVE_PATTERN_CONTAINS:
		f.mask = set_of(text, length, ignore);
		break;
	case REEVE_PATTERN_GLOB:
		f.mask = set_of_glob(text, length, ignore);
		break;
	default:
		return f;
	}
	f.want = f.mask;
	f.word = word_number(attribute, SET, ignore);
	return f;
}

/* The one that demands more. */
static struct reeve__rule_filter both(struct reeve__rule_filter a, struct reeve__rule_filter b)
{
	return __builtin_popcountll(b.mask) > __builtin_popcountll(a.mask) ? b : a;
}

/* What both demand, of the same word. */
static struct reeve__rule_filter either(struct reeve__rule_filter a, struct reeve__rule_filter b)
{
	a.mask &= a.word == b.word ? b.mask & ~(a.want ^ b.want) : 0;
	a.want &= a.mask;
	return a;
}

static struct reeve__rule_filter filter_of(const uint32_t *node, uint32_t words, uint32_t depth)
{
	uint32_t kind = REEVE__NODE_KIND(node[0]), at = 3;
	struct reeve__rule_filter all = {0}, f;

	if (kind < REEVE_CONDITION_USER_ID)
		return of_text(node, words);
	if ((kind != REEVE_CONDITION_AND && kind != REEVE_CONDITION_OR) || !depth || words <= 2)
		return all;
	for (uint32_t i = 0; i < node[2]; i++) {
		uint32_t size = reeve__rule_node_words(node, words, at);
		if (size == 0)
			return (struct reeve__rule_filter){0};
		f = filter_of(node + at, size, depth - 1);
		all = i == 0 ? f : kind == REEVE_CONDITION_AND ? both(all, f) : either(all, f);
		at += size;
	}
	return all;
}

struct reeve__rule_filter reeve__rule_filter(const uint32_t *program, uint32_t words)
{
	return words >= 2 ? filter_of(program, words, REEVE_CONDITION_LEVELS)
			  : (struct reeve__rule_filter){0};
}
