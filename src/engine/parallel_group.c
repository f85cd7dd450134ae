/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel_group.c - what parallel control keeps of a group that is to be deleted: its executions, its
 * limits, and the pools that are kept for it. Each is counted, and moved to another group.
 *
 * The catalog lock is held, so that neither group goes away. Moving looks for what is still there, so
 * doing it again after a death does no harm.
 */
#include "parallel.h"

/* ---- executions ---- */

uint32_t reeve__parallel_group_executions(struct reeve *r, uint32_t group)
{
	struct reeve__parallel_pass x;
	uint32_t n;

	reeve__parallel_lock(&x, r);
	n = r->parallel_groups[group].executing + r->parallel_groups[group].waiting;
	reeve__parallel_done(&x);
	return n;
}

void reeve__parallel_group_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to)
{
	const struct reeve_sh_table *t = &r->header->executions;

	reeve__parallel_lock(x, r);
	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_execution *e = &r->executions[i];
		uint32_t state = reeve__get(&e->head.state);
		if (e->group != from || state < REEVE_SLOT_LIVE)
			continue;
		if (state == REEVE_SLOT_LIVE)
			reeve__parallel_move_one(x, i, to);
		e->group = to; /* those that are over are only looked at */
	}
	/* The next group in this slot begins anew. */
	r->parallel_groups[from].age = x->p->clock;
	reeve__parallel_hand_over(x);
	reeve__parallel_unlock(x);
}

/* ---- limits ---- */

uint32_t reeve__parallel_group_limits(struct reeve *r, uint32_t group)
{
	struct reeve__parallel_pass x;
	bool is_registered;

	reeve__parallel_lock(&x, r);
	is_registered = reeve__parallel_limits_of(&x, group).is_registered;
	reeve__parallel_done(&x);
	return is_registered;
}

/* The target's own limits stand. */
void reeve__parallel_limits_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to)
{
	struct reeve_sh_parallel_group *old = &r->parallel_groups[from];
	struct reeve_sh_parallel_limit limit;

	reeve__parallel_lock(x, r);
	if (reeve__parallel_limits_of(x, from).is_registered &&
		!reeve__parallel_limits_of(x, to).is_registered) {
		limit = old->limits[reeve__get(&old->registered) & 1];
		limit.group_id = r->groups[to].head.id;
		reeve__parallel_limit_commit(x, to, &limit);
	}
	atomic_store_explicit(&old->registered, 0, memory_order_release);
	reeve__parallel_unlock(x);
}

/* ---- pools ---- */

static uint32_t listed(const struct reeve_sh_server_pool_def *def)
{
	return def->group_count < REEVE_SH_POOL_GROUPS ? def->group_count : REEVE_SH_POOL_GROUPS;
}

/* Place of a group's id in a pool's list; its length when it is not there. */
static uint32_t place_of(const struct reeve_sh_server_pool_def *def, uint64_t id)
{
	uint32_t k = 0;

	while (k < listed(def) && def->groups[k] != id)
		k++;
	return k;
}

uint32_t reeve__parallel_group_pools(struct reeve *r, uint32_t group)
{
	const struct reeve_sh_table *t = &r->header->pools;
	struct reeve__parallel_pass x;
	uint32_t n = 0;

	reeve__parallel_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(t); i++)
		n += reeve__get(&r->pools[i].head.state) == REEVE_SLOT_LIVE &&
		     place_of(&r->pools[i].def, r->groups[group].head.id) <
			     listed(&r->pools[i].def);
	reeve__parallel_done(&x);
	return n;
}

/* The target takes the group's place in each list, once. A pool kept for some stays kept for some. */
void reeve__parallel_pools_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to)
{
	const struct reeve_sh_table *t = &r->header->pools;
	uint64_t old = r->groups[from].head.id, new = r->groups[to].head.id;

	reeve__parallel_lock(x, r);
	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_server_pool_def def = r->pools[i].def;
		uint32_t n = listed(&def), k = place_of(&def, old);
		if (reeve__get(&r->pools[i].head.state) != REEVE_SLOT_LIVE || k == n)
			continue;
		if (place_of(&def, new) < n) {
			def.groups[k] = def.groups[n - 1];
			def.groups[n - 1] = 0;
			def.group_count = n - 1;
		} else {
			def.groups[k] = new;
		}
		reeve__server_pool_change(x, i, &def);
	}
	reeve__parallel_hand_over(x);
	reeve__parallel_unlock(x);
}
