/* SPDX-License-Identifier: Apache-2.0 */
/* rule_code.h - the words of a condition's program, for rule.c and rule_code.c. See rule.h. */
#ifndef REEVE_POLICY_RULE_CODE_H
#define REEVE_POLICY_RULE_CODE_H

#include "rule.h"

#define REEVE__NODE_KIND(word)	 ((word)&0xffu)
#define REEVE__NODE_SYNTAX(word) ((word) >> 8 & 0xffu)
#define REEVE__NODE_FLAGS(word)	 ((word) >> 16 & 0xffu)
#define REEVE__NODE_ZONE(word)	 ((word) >> 24)

enum { REEVE__NODE_IGNORE_CASE = 1 };

static inline uint32_t reeve__rule_text_words(uint32_t length)
{
	return (length + 3) / 4;
}

static inline bool reeve__rule_has_operands(uint32_t kind)
{
	return kind >= REEVE_CONDITION_AND && kind <= REEVE_CONDITION_NOT;
}

/* Words of the operand at `at` of a node; 0 when there is none that fits into it. */
static inline uint32_t reeve__rule_node_words(const uint32_t *node, uint32_t words, uint32_t at)
{
	if (at > words || words - at < 2 || node[at + 1] < 2 || node[at + 1] > words - at)
		return 0;
	return node[at + 1];
}

#endif
