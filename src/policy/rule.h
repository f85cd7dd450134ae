/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - conditions of assignment rules, pure: checked and encoded into a flat program, evaluated
 * on a session's attributes and an instant, decoded again.
 *
 * A program is the tree in prefix order, in words of 4 bytes. Each node is two words and its payload:
 *
 *	word 0   kind | syntax << 8 | flags << 16 | zone << 24
 *	word 1   words of the whole subtree, these included
 *	text     length in bytes, then the text, padded; for REGEX the compiled pattern behind it
 *	USER_ID  low word, high word        TIME_OF_DAY  start_s, end_s
 *	DAY_OF_WEEK  days                   AND, OR, NOT  number of operands, then these
 *
 * Evaluation allocates nothing, is bounded by the program and reads nothing outside of it, so that a
 * damaged one gives an arbitrary answer and no more.
 */
#ifndef REEVE_POLICY_RULE_H
#define REEVE_POLICY_RULE_H

#include "../base/zone.h"

#include <reeve/rule.h>

/* Attributes with a text, in the order of their kinds. */
enum { REEVE_RULE_TEXTS = 6 };
/* Keys that one rule may have in the index. */
#define REEVE_RULE_KEYS 16u
/* Words of a session that filters may name. */
#define REEVE_RULE_FILTER_WORDS 36u
/* Time zones in use by all rules of a segment, and by one rule. */
#define REEVE_RULE_ZONES	64u
#define REEVE_RULE_ZONES_OF_ONE 8u

/* Zones that a condition names; a node's zone is its place in here, until it is renumbered. */
struct reeve__rule_zones {
	uint32_t count;
	char names[REEVE_RULE_ZONES_OF_ONE][REEVE_ZONE_NAME_MAX];
};

/*
 * Checks a condition and encodes it. Returns the number of words, or INVALID_ARGUMENT with the field,
 * the value and what is allowed. Zone names are only checked for their form. No allocation; at most
 * REEVE_CONDITION_LEVELS deep.
 */
int reeve__rule_encode(const struct reeve_condition *condition, uint32_t *program,
	uint32_t capacity_words, struct reeve__rule_zones *ret_zones, struct reeve_error *err);

/* Gives each node's zone the number that `numbers` has at its place. */
void reeve__rule_renumber_zones(uint32_t *program, uint32_t words, const uint8_t *numbers);
/* Bit n is set when a node names zone n. */
uint64_t reeve__rule_zone_mask(const uint32_t *program, uint32_t words);

/* Name of zone n, for decoding. */
typedef const char *(*reeve__rule_zone_name)(void *arg, uint32_t n);
/* Decodes a program. Returns the number of nodes, or INTERNAL when it is damaged. */
int reeve__rule_decode(const uint32_t *program, uint32_t words, reeve__rule_zone_name zone_name,
	void *arg, struct reeve_condition_copy *ret, struct reeve_error *err);

/* Canonical text of a checked condition; see reeve_condition_text. */
size_t reeve__rule_text(const struct reeve_condition *condition, char *to, size_t size);

/* A session's attributes and an instant. Filled by reeve__rule_input_init. */
struct reeve__rule_input {
	struct {
		const char *at;
		uint32_t length; /* 0: it does not have it */
	} text[REEVE_RULE_TEXTS];
	uint64_t user_id;
	int64_t now_s;
	/* Zone n; NULL when there is none. */
	const struct reeve_sh_zone_data *(*zone_at)(void *arg, uint32_t n);
	void *arg;
	/* what the walls say where, worked out once */
	uint64_t known;
	struct {
		uint32_t second;
		uint32_t weekday;
	} local[REEVE_RULE_ZONES];
	uint64_t
		filter_words[REEVE_RULE_FILTER_WORDS]; /* for the search; those that filters name */
};

void reeve__rule_input_init(struct reeve__rule_input *in, const struct reeve_session_def *who,
	reeve_ns now_wall, const struct reeve_sh_zone_data *(*zone_at)(void *arg, uint32_t n),
	void *arg);

bool reeve__rule_holds(const uint32_t *program, uint32_t words, struct reeve__rule_input *input);

/*
 * A filter: a condition can hold only for sessions whose word of that number is `want` under the mask.
 * Mask 0: there is no such filter, any session may do.
 */
struct reeve__rule_filter {
	uint64_t mask, want;
	uint32_t word; /* below REEVE_RULE_FILTER_WORDS */
};
struct reeve__rule_filter reeve__rule_filter(const uint32_t *program, uint32_t words);
/* A session's word of that number. */
uint64_t reeve__rule_filter_word(const struct reeve__rule_input *input, uint32_t number);

/*
 * Keys: 32-bit hashes of (kind, value), of which a condition with equalities needs one. For an index:
 * a rule can hold only for sessions that have one of its keys.
 *
 * Fills up to `capacity` and returns how many; 0: no such set that fits, any session may do.
 */
uint32_t reeve__rule_keys(
	const uint32_t *program, uint32_t words, uint32_t *ret_keys, uint32_t capacity);
/* The kind of equality that a key is of. */
static inline uint32_t reeve__rule_key_kind(uint32_t key)
{
	return (key & 15u) - 1;
}
/* The key that a session has by that kind of equality; 0: it does not have the attribute. */
uint32_t reeve__rule_key_of(const struct reeve__rule_input *input, uint32_t kind);

#endif
