/* SPDX-License-Identifier: Apache-2.0 */
/* judge.h - whether a plan makes sense: errors forbid its activation, warnings do not. */
#ifndef REEVE_MODEL_JUDGE_H
#define REEVE_MODEL_JUDGE_H

#include "model.h"

/*
 * Judges a plan and all plans below it. Copies up to `capacity` messages. Returns how many there
 * are, or CONFIGURATION when one is an ERROR and `err` is not NULL: it then has the first.
 */
int reeve__plan_judge_locked(struct reeve *r, uint32_t plan_slot, struct reeve_plan_message *ret,
	uint32_t capacity, struct reeve_error *err);

#endif
