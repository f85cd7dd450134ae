/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_stats.c - what groups have and do, of one moment: under the session lock sessions and tasks
 * neither come nor go, under the CPU lock nothing moves from a task's account to its group's.
 */
#include "engine.h"

#include <stdlib.h>

static void add_task(const struct reeve_sh_task *t, struct reeve_group_stats *to)
{
	uint32_t phase = reeve__get(&t->phase);

	to->cpu_ns += reeve__get(&t->cpu_ns) - t->cpu_ns_base;
	to->queries += reeve__task_queries_ended(t) - t->queries_base;
	if (t->kind == REEVE_TASK_PULL)
		to->outside_tasks++;
	else if (phase != REEVE_PHASE_IDLE && phase != REEVE_PHASE_DEAD)
		to->active_sessions++;
	if (t->kind == REEVE_TASK_SESSION && t->queued)
		to->waiting_sessions++;
}

/* Counts of all groups, by slot. The catalog lock is held. */
static void tally_locked(
	struct reeve *r, struct reeve_group_stats *tally, struct reeve__cpu_pass *x)
{
	uint32_t groups = reeve__table_used(&r->header->groups);

	reeve__sessions_lock(r);
	reeve__cpu_begin(x, r);
	for (uint32_t i = 0; i < groups; i++) {
		tally[i].cpu_ns = reeve__group_retired_ns(&r->groups[i]);
		tally[i].queries = reeve__group_retired_queries(&r->groups[i]);
		tally[i].current_sessions = reeve__get(&r->groups[i].sessions);
		tally[i].limit_actions = reeve__get(&r->session_pools[i].limit_actions);
	}
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		uint32_t g = reeve__get(&r->tasks[i].group);
		if (reeve__get(&r->tasks[i].head.state) == REEVE_SLOT_LIVE && g < groups)
			add_task(&r->tasks[i], &tally[g]);
	}
	reeve__cpu_unlock(x);
	reeve__sessions_unlock(r);
}

static void describe(const struct reeve_sh_group *g, const struct reeve_group_stats *counts,
	struct reeve_group_stats *ret)
{
	*ret = *counts;
	ret->id.v = g->head.id;
	reeve__text_copy(ret->name, sizeof(ret->name), g->name);
	ret->max_sessions = g->max_sessions;
	ret->cpu_allocation_pct = g->cpu_allocation_pct;
	ret->priority = reeve__get(&g->priority);
}

static struct reeve_group_stats *new_tally(const struct reeve *r, struct reeve_error *err)
{
	struct reeve_group_stats *tally = calloc(r->group_capacity, sizeof(*tally));

	if (!tally)
		reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	return tally;
}

int reeve__group_stats_get(
	struct reeve *r, reeve_group_id id, struct reeve_group_stats *ret, struct reeve_error *err)
{
	struct reeve_group_stats *tally = new_tally(r, err);
	struct reeve__cpu_pass x = {.wake_count = 0};
	uint32_t i = REEVE_NONE;
	int rc;

	if (!tally)
		return REEVE_ERESOURCE_EXHAUSTED;
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, &i, err);
	if (!rc) {
		tally_locked(r, tally, &x);
		describe(&r->groups[i], &tally[i], ret);
	}
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	free(tally);
	return rc;
}

int reeve__group_stats_copy(struct reeve *r, reeve_group_id after, struct reeve_group_stats *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct reeve_group_stats *tally = new_tally(r, err);
	struct reeve__cpu_pass x;
	uint32_t slots[64], n, done = 0;

	if (!tally)
		return REEVE_ERESOURCE_EXHAUSTED;
	reeve__catalog_lock(r);
	tally_locked(r, tally, &x);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			describe(&r->groups[slots[k]], &tally[slots[k]], &ret[done]);
			after = ret[done].id;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	free(tally);
	return (int)done;
}
