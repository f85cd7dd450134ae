/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - what limits.c and timeouts.c share: the switch rule of a group, and acting on it. */
#ifndef REEVE_ENGINE_LIMITS_H
#define REEVE_ENGINE_LIMITS_H

#include "engine.h"

/* Reads the rule of a group; false when it has none. The estimate's limit is read either way. */
bool reeve__rule_read(struct reeve *r, uint32_t group, struct reeve__rule *ret);
/* The first limit that is crossed, strictly; REEVE_NONE. `used` in the order of REEVE__RULE_... */
uint32_t reeve__rule_crossed(const struct reeve__rule *rule, const uint64_t *used);
/* True for the first to ask for the call that began then. */
bool reeve__rule_claim(struct reeve_sh_session *sh, uint64_t start_cycles);
/*
 * Does what the rule says and tells: 0: the call goes on; 1: in another group; CANCELLED or KILLED: the
 * caller sees to it. No lock held.
 */
int reeve__rule_act(struct reeve *r, uint32_t session, reeve_session_id id,
	const struct reeve__rule *rule, uint32_t which, uint64_t used);

#endif
