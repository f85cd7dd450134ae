/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.h - what must add up: at any time in statistics of one moment; with nobody in a call; and
 * once all has been given back. Each prints what does not and returns the number of faults.
 */
#ifndef REEVE_STRESS_ACCOUNTS_H
#define REEVE_STRESS_ACCOUNTS_H

#include "actor.h"

/* Of one moment, under load. */
int accounts_any_time(const struct reeve_stats *stats);
/*
 * With nobody in a call: what was asked for is what reeve counts, up to what died in the middle; sums
 * are those of the handles.
 */
int accounts_at_rest(struct reeve *r, const struct board *b, const char *when);
/* With everything given back, by its owners or by housekeeping. */
int accounts_at_end(struct reeve *r, const char *when);
/* Ends what belongs to no process: quotas of outside engines' sessions, their tasks, server pools. */
void accounts_clear(struct reeve *r);

#endif
