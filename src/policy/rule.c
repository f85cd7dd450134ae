/* SPDX-License-Identifier: Apache-2.0 */
/* rule.c - conditions: evaluation, keys for the index. Encoding and text are in rule_code.c. */
#include "rule.h"

#include "regex.h"
#include "rule_code.h"

/* ---- texts ---- */

static char fold(char c, bool ignore_case)
{
	return ignore_case && c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same(const char *a, const char *b, size_t n, bool ignore_case)
{
	if (!ignore_case)
		return memcmp(a, b, n) == 0;
	for (size_t i = 0; i < n; i++)
		if (fold(a[i], true) != fold(b[i], true))
			return false;
	return true;
}

static bool contains(const char *text, size_t length, const char *part, size_t n, bool ignore_case)
{
	for (size_t i = 0; i + n <= length; i++)
		if (same(text + i, part, n, ignore_case))
			return true;
	return false;
}

/*
 * One character of a pattern against one of the text; moves both on. False at the pattern's end, at
 * a star, and where they differ.
 */
static bool glob_step(const char *pattern, size_t n, size_t *p, const char *text, size_t length,
	size_t *t, bool ignore_case)
{
	size_t bytes, quoted = *p + 1 < n && pattern[*p] == '\\';

	if (*p >= n || pattern[*p] == '*' || *t >= length)
		return false;
	if (pattern[*p] == '?') {
		reeve__utf8_next(text + *t, length - *t, &bytes);
		*t += bytes;
		*p += 1;
		return true;
	}
	if (fold(pattern[*p + quoted], ignore_case) != fold(text[*t], ignore_case))
		return false;
	*p += 1 + quoted;
	*t += 1;
	return true;
}

/*
 * Only the last star is ever given more to swallow: if what lies between two stars fits anywhere, the
 * first place is as good as any. At most pattern x text steps.
 */
static bool glob(const char *pattern, size_t n, const char *text, size_t length, bool ignore_case)
{
	size_t p = 0, t = 0, after_star = SIZE_MAX, swallowed = 0;

	for (;;) {
		if (p < n && pattern[p] == '*') {
			after_star = ++p;
			swallowed = t;
		} else if (p == n && t == length) {
			return true;
		} else if (!glob_step(pattern, n, &p, text, length, &t, ignore_case)) {
			if (after_star == SIZE_MAX || swallowed >= length)
				return false;
			size_t bytes;
			reeve__utf8_next(text + swallowed, length - swallowed, &bytes);
			swallowed += bytes;
			p = after_star;
			t = swallowed;
		}
	}
}

/* The text of a node and what lies behind it. False when it does not fit into the node. */
struct node_text {
	const char *at;
	uint32_t length;
	const uint32_t *behind;
	uint32_t behind_words;
};

static bool text_of(const uint32_t *node, uint32_t words, struct node_text *ret)
{
	uint32_t length = words > 2 ? node[2] : UINT32_MAX, text_words;

	if (length >= REEVE_CONDITION_TEXT)
		return false;
	text_words = reeve__rule_text_words(length);
	if (3 + text_words > words)
		return false;
	*ret = (struct node_text){
		(const char *)(node + 3), length, node + 3 + text_words, words - 3 - text_words};
	return true;
}

static bool text_holds(const uint32_t *node, uint32_t words, const struct reeve__rule_input *in)
{
	uint32_t kind = REEVE__NODE_KIND(node[0]);
	bool ignore = (REEVE__NODE_FLAGS(node[0]) & REEVE__NODE_IGNORE_CASE) != 0;
	const char *text = in->text[kind / 2].at;
	uint32_t length = in->text[kind / 2].length;
	struct node_text want;

	if (length == 0 || !text_of(node, words, &want))
		return false;
	if (kind % 2 == 0)
		return length == want.length && memcmp(text, want.at, length) == 0;
	switch (REEVE__NODE_SYNTAX(node[0])) {
	case REEVE_PATTERN_CONTAINS:
		return contains(text, length, want.at, want.length, ignore);
	case REEVE_PATTERN_PREFIX:
		return length >= want.length && same(text, want.at, want.length, ignore);
	case REEVE_PATTERN_SUFFIX:
		return length >= want.length &&
		       same(text + length - want.length, want.at, want.length, ignore);
	case REEVE_PATTERN_GLOB:
		return glob(want.at, want.length, text, length, ignore);
	default:
		return reeve__regex_match(want.behind, want.behind_words, text, length);
	}
}

/* ---- time ---- */

/* Works out what the walls of a zone say; false when there is no such zone. */
static bool know_local(struct reeve__rule_input *in, uint32_t zone)
{
	const struct reeve_sh_zone_data *data;
	struct reeve__civil civil;

	if (zone >= REEVE_RULE_ZONES)
		return false;
	if (in->known >> zone & 1)
		return true;
	data = in->zone_at(in->arg, zone);
	if (!data)
		return false;
	reeve__zone_local(data, in->now_s, &civil);
	in->local[zone].second = civil.second;
	in->local[zone].weekday = civil.weekday;
	in->known |= UINT64_C(1) << zone;
	return true;
}

static bool time_holds(const uint32_t *node, uint32_t words, struct reeve__rule_input *in)
{
	uint32_t zone = REEVE__NODE_ZONE(node[0]), now, start, end;

	if (words < 4 || !know_local(in, zone))
		return false;
	now = in->local[zone].second;
	start = node[2];
	end = node[3];
	return start < end ? now >= start && now < end : now >= start || now < end;
}

static bool day_holds(const uint32_t *node, uint32_t words, struct reeve__rule_input *in)
{
	uint32_t zone = REEVE__NODE_ZONE(node[0]);

	return words >= 3 && know_local(in, zone) && (node[2] >> in->local[zone].weekday & 1);
}

/* ---- the tree ---- */

static bool node_holds(
	const uint32_t *node, uint32_t words, struct reeve__rule_input *in, uint32_t depth);

/* Whether an operand's verdict settles the whole: false for AND, true for OR. */
static bool operands_hold(
	const uint32_t *node, uint32_t words, struct reeve__rule_input *in, uint32_t depth)
{
	bool is_and = REEVE__NODE_KIND(node[0]) == REEVE_CONDITION_AND;
	uint32_t at = 3;

	for (uint32_t i = 0; words > 2 && i < node[2]; i++) {
		uint32_t size = reeve__rule_node_words(node, words, at);
		if (size == 0)
			return false;
		if (node_holds(node + at, size, in, depth) != is_and)
			return !is_and;
		at += size;
	}
	return is_and;
}

static bool node_holds(
	const uint32_t *node, uint32_t words, struct reeve__rule_input *in, uint32_t depth)
{
	uint32_t kind = REEVE__NODE_KIND(node[0]), size;

	if (depth == 0)
		return false;
	switch (kind) {
	case REEVE_CONDITION_USER_ID:
		return words >= 4 && in->user_id == (node[2] | (uint64_t)node[3] << 32);
	case REEVE_CONDITION_TIME_OF_DAY:
		return time_holds(node, words, in);
	case REEVE_CONDITION_DAY_OF_WEEK:
		return day_holds(node, words, in);
	case REEVE_CONDITION_AND:
	case REEVE_CONDITION_OR:
		return operands_hold(node, words, in, depth - 1);
	case REEVE_CONDITION_NOT:
		size = reeve__rule_node_words(node, words, 3);
		return size && !node_holds(node + 3, size, in, depth - 1);
	default:
		return kind < REEVE_CONDITION_USER_ID && text_holds(node, words, in);
	}
}

bool reeve__rule_holds(const uint32_t *program, uint32_t words, struct reeve__rule_input *input)
{
	return words >= 2 && node_holds(program, words, input, REEVE_CONDITION_LEVELS);
}

void reeve__rule_input_init(struct reeve__rule_input *in, const struct reeve_session_def *who,
	reeve_ns now_wall, const struct reeve_sh_zone_data *(*zone_at)(void *arg, uint32_t n),
	void *arg)
{
	const char *const texts[REEVE_RULE_TEXTS] = {
		who->username, who->program, who->machine, who->service, who->module, who->action};

	for (uint32_t i = 0; i < REEVE_RULE_TEXTS; i++) {
		in->text[i].at = texts[i];
		in->text[i].length = texts[i] ? (uint32_t)strnlen(texts[i], REEVE_NAME_MAX - 1) : 0;
	}
	in->user_id = who->user_id;
	in->now_s = now_wall / REEVE_SEC - (now_wall % REEVE_SEC < 0);
	in->zone_at = zone_at;
	in->arg = arg;
	in->known = 0;
}

/* ---- keys ---- */

/* FNV-1a, folded to 28 bits over the kind; never 0. */
static uint32_t hash_key(uint32_t kind, const char *text, size_t length)
{
	uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ kind) * UINT64_C(0x100000001b3);

	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return (uint32_t)h << 4 | (kind + 1);
}

static uint32_t keys_of(
	const uint32_t *node, uint32_t words, uint32_t *ret, uint32_t capacity, uint32_t depth);

/* Any operand's keys will do; the fewest do best. */
static uint32_t keys_of_and(
	const uint32_t *node, uint32_t words, uint32_t *ret, uint32_t capacity, uint32_t depth)
{
	uint32_t keys[REEVE_RULE_KEYS], best = 0, at = 3;

	for (uint32_t i = 0; words > 2 && i < node[2]; i++) {
		uint32_t size = reeve__rule_node_words(node, words, at);
		uint32_t n = size ? keys_of(node + at, size, keys, capacity, depth) : 0;
		if (size == 0)
			return 0;
		if (n && (best == 0 || n < best)) {
			memcpy(ret, keys, n * sizeof(keys[0]));
			best = n;
		}
		at += size;
	}
	return best;
}

/* Each operand must have keys, and all of them count. */
static uint32_t keys_of_or(
	const uint32_t *node, uint32_t words, uint32_t *ret, uint32_t capacity, uint32_t depth)
{
	uint32_t all = 0, at = 3;

	for (uint32_t i = 0; words > 2 && i < node[2]; i++) {
		uint32_t size = reeve__rule_node_words(node, words, at);
		uint32_t n = size ? keys_of(node + at, size, ret + all, capacity - all, depth) : 0;
		if (n == 0)
			return 0;
		all += n;
		at += size;
	}
	return all;
}

static uint32_t keys_of(
	const uint32_t *node, uint32_t words, uint32_t *ret, uint32_t capacity, uint32_t depth)
{
	uint32_t kind = REEVE__NODE_KIND(node[0]);
	struct node_text text;

	if (depth == 0 || capacity == 0)
		return 0;
	if (kind == REEVE_CONDITION_AND)
		return keys_of_and(node, words, ret, capacity, depth - 1);
	if (kind == REEVE_CONDITION_OR)
		return keys_of_or(node, words, ret, capacity, depth - 1);
	if (kind == REEVE_CONDITION_USER_ID && words >= 4) {
		ret[0] = hash_key(kind, (const char *)(node + 2), 8);
		return 1;
	}
	if (kind < REEVE_CONDITION_USER_ID && kind % 2 == 0 && text_of(node, words, &text)) {
		ret[0] = hash_key(kind, text.at, text.length);
		return 1;
	}
	return 0;
}

uint32_t reeve__rule_keys(
	const uint32_t *program, uint32_t words, uint32_t *ret_keys, uint32_t capacity)
{
	if (capacity > REEVE_RULE_KEYS)
		capacity = REEVE_RULE_KEYS;
	return words >= 2 ? keys_of(program, words, ret_keys, capacity, REEVE_CONDITION_LEVELS) : 0;
}

uint32_t reeve__rule_key_of(const struct reeve__rule_input *in, uint32_t kind)
{
	uint32_t id[2] = {(uint32_t)in->user_id, (uint32_t)(in->user_id >> 32)};

	if (kind == REEVE_CONDITION_USER_ID)
		return in->user_id ? hash_key(kind, (const char *)id, 8) : 0;
	if (kind > REEVE_CONDITION_USER_ID || kind % 2 || in->text[kind / 2].length == 0)
		return 0;
	return hash_key(kind, in->text[kind / 2].at, in->text[kind / 2].length);
}
