/* SPDX-License-Identifier: Apache-2.0 */
/* acts_memory.c - pools, allocations, quotas, charges by hand, pressure and advice. */
#include "actor.h"

/* Sessions of an outside engine: ids far from reeve's own. */
#define OUTSIDE_SESSION UINT64_C(5000000)

static reeve_pool_id any_pool(struct actor *a)
{
	struct reeve_pool_info infos[16];
	uint32_t n = reeve_pool_copy(a->r, (reeve_pool_id){0}, infos, 16);

	return n ? infos[below(a, n)].id : (reeve_pool_id){1};
}

static void free_one(struct actor *a, uint32_t i)
{
	/* given back by its process in parts, it may be gone */
	allow(a,
		reeve_memory_free(a->r, (reeve_allocation_id){a->allocations[i]},
			(reeve_session_id){0}, &a->err),
		MAY_NOT_FOUND, "memory_free of one's own");
	a->allocations[i] = 0;
}

static int allocate(struct actor *a, reeve_session_id session, reeve_allocation_id *ret_id)
{
	int rc;

	count_try(a, COUNT_ALLOCATIONS);
	rc = allow(a,
		reeve_memory_allocate(a->r, any_pool(a), 1 + below(a, 2000000), session, "actor",
			ret_id, &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_LATE | MAY_KILL, "memory_allocate");
	count_settle(a, COUNT_ALLOCATIONS, rc ? IT_IS_REFUSED : IT_IS_DONE);
	return rc;
}

void act_allocate(struct actor *a)
{
	uint32_t i = own_place(a, a->allocations, once_in(a, 2));
	reeve_session_id session = {board_pick(a, BOARD_SESSION)};
	reeve_allocation_id id = {0};

	if (once_in(a, 16)) {
		allow(a, reeve_memory_give_back(a->r, any_pool(a), 1 + below(a, 100000), &a->err),
			MAY_NOT_FOUND | MAY_CONFLICT, "memory_give_back");
		return;
	}
	if (session.v && once_in(a, 3)) {
		if (allocate(a, session, &id) == 0 && once_in(a, 2))
			allow(a, reeve_memory_free(a->r, id, session, &a->err), MAY_NOT_FOUND,
				"memory_free of a session's");
		return;
	}
	if (i == OWN_MAX)
		return;
	if (a->allocations[i])
		free_one(a, i);
	else if (allocate(a, (reeve_session_id){0}, &id) == 0)
		a->allocations[i] = id.v;
}

void act_memory_pool(struct actor *a)
{
	char name[32];
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_pool_info info;
	reeve_pool_id id = any_pool(a);

	snprintf(name, sizeof(name), "pool %u", below(a, 40));
	def.name = name;
	def.type = below(a, 6);
	def.parent = once_in(a, 2) ? (reeve_pool_id){0} : id;
	def.max_bytes = 1 + below(a, 40000000);
	def.min_bytes = below(a, (uint32_t)def.max_bytes);
	def.target_bytes = once_in(a, 2) ? REEVE_UNLIMITED : 1 + below(a, 40000000);
	def.auto_tune = once_in(a, 2);
	switch (below(a, 4)) {
	case 0:
		allow(a, reeve_pool_create(a->r, &def, &id, &a->err),
			MAY_EXIST | MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_INVALID, "pool_create");
		return;
	case 1:
		allow(a, reeve_pool_destroy(a->r, id, &a->err),
			MAY_NOT_FOUND | MAY_DENY | MAY_CONFLICT, "pool_destroy");
		return;
	case 2:
		allow(a, reeve_pool_get(a->r, id, &info, &a->err), MAY_NOT_FOUND, "pool_get");
		return;
	default:
		if (id.v < REEVE_FIRST_USER_ID) /* these stay large enough to go on with */
			def.max_bytes = 30000000 + below(a, 30000000);
		allow(a, reeve_pool_update(a->r, id, below(a, 32), &def, &a->err),
			MAY_NOT_FOUND | MAY_CONFLICT | MAY_BE_INVALID | MAY_EXHAUST, "pool_update");
	}
}

void act_quota(struct actor *a)
{
	reeve_session_id s = {
		once_in(a, 2) ? OUTSIDE_SESSION + below(a, 40) : board_pick(a, BOARD_SESSION)};
	uint64_t bytes = 1 + below(a, 300000);
	uint32_t kind = below(a, 2);
	reeve_group_id g = s.v < OUTSIDE_SESSION ? (reeve_group_id){0} : any_group(a);

	if (s.v == 0)
		return;
	switch (below(a, 4)) {
	case 0:
		allow(a,
			reeve_memory_quota_set(a->r, s, g,
				once_in(a, 2) ? REEVE_UNLIMITED : 1 + below(a, 4000000),
				once_in(a, 2) ? REEVE_UNLIMITED : 1 + below(a, 1000000), &a->err),
			MAY_NOT_FOUND | MAY_CONFLICT | MAY_EXHAUST | MAY_BE_INVALID | MAY_BE_LATE,
			"memory_quota_set");
		return;
	case 1:
		allow(a, reeve_memory_quota_remove(a->r, s, &a->err), MAY_NOT_FOUND | MAY_CONFLICT,
			"memory_quota_remove");
		return;
	default:
		if (allow(a, reeve_memory_session_charge(a->r, s, kind, bytes, &a->err),
			    MAY_NOT_FOUND | MAY_EXHAUST | MAY_KILL | MAY_BE_LATE,
			    "memory_session_charge") == 0 &&
			once_in(a, 2))
			allow(a, reeve_memory_session_release(a->r, s, kind, bytes, &a->err),
				MAY_NOT_FOUND | MAY_BE_INVALID | MAY_KILL | MAY_BE_LATE,
				"memory_session_release");
	}
}

void act_memory_settings(struct actor *a)
{
	reeve_group_id g = any_group(a);
	struct reeve_memory_config c;

	switch (below(a, 4)) {
	case 0:
		allow(a, reeve_memory_group_unregister(a->r, g, &a->err), MAY_NOT_FOUND,
			"memory_group_unregister");
		return;
	case 1:
		reeve_memory_config_get(a->r, &c);
		c.db_limit_bytes = 48000000 + below(a, 40000000);
		c.strategy = below(a, 3);
		c.low_ppm = 100000 + below(a, 500000);
		c.hysteresis_ppm = below(a, 100000);
		c.tune_period_ns = (100 + below(a, 1000)) * REEVE_MSEC;
		allow(a, reeve_memory_config_set(a->r, &c, &a->err), MAY_CONFLICT,
			"memory_config_set");
		return;
	default:
		allow(a,
			reeve_memory_group_register(a->r, g,
				once_in(a, 2) ? REEVE_UNLIMITED : 100000 + below(a, 4000000),
				once_in(a, 2) ? REEVE_UNLIMITED : 100000 + below(a, 1000000),
				&a->err),
			MAY_NOT_FOUND, "memory_group_register");
	}
}

/* On whatever thread of this process: touches nothing of the actor's. */
static void shrink(void *arg, uint32_t level, reeve_pool_id pool, uint64_t bytes)
{
	struct board *b = arg;

	(void)bytes;
	if (level > REEVE_PRESSURE_CRITICAL || (level == 0 && pool.v == 0))
		kit_add(&b->faults, 1);
}

void act_pressure(struct actor *a)
{
	int rc;

	if (a->has_callback) { /* of this process: another thread's act may have ended it */
		rc = reeve_memory_off_pressure(a->r, shrink, a->board, &a->err);
		allow(a, rc, MAY_NOT_FOUND, "memory_off_pressure");
		a->has_callback = false;
		return;
	}
	rc = reeve_memory_on_pressure(a->r,
		once_in(a, 2) ? (reeve_pool_id){0} : (reeve_pool_id){1 + below(a, 5)}, shrink,
		a->board, &a->err);
	a->has_callback = allow(a, rc, MAY_EXHAUST, "memory_on_pressure") == 0;
}

void act_advice(struct actor *a)
{
	static _Thread_local struct reeve_memory_recommendation rec[REEVE_MEMORY_POOLS_MAX];
	const uint64_t sizes[] = {1000000, 10000000};
	reeve_pool_id pool = any_pool(a);
	uint32_t ppm[2];

	for (uint32_t n = below(a, 2000); n > 0; n--)
		reeve_memory_access(a->r, pool, below(a, 100000) * UINT64_C(0x9e3779b97f4a7c15));
	allow(a, reeve_memory_miss_ratio(a->r, pool, sizes, 2, ppm, NULL, &a->err),
		MAY_NOT_FOUND | MAY_BE_LATE, "memory_miss_ratio");
	if (once_in(a, 8))
		allow(a, reeve_memory_curve_reset(a->r, pool, &a->err), MAY_NOT_FOUND,
			"memory_curve_reset");
	if (once_in(a, 4))
		allow(a,
			reeve_memory_tune(
				a->r, once_in(a, 2), rec, REEVE_MEMORY_POOLS_MAX, &a->err),
			0, "memory_tune");
}

void act_memory_look(struct actor *a)
{
	struct reeve_allocation_info allocations[16];
	struct reeve_memory_quota_info quotas[16];
	struct reeve_memory_group_info groups[8];
	struct reeve_memory_pressure pressure;
	struct reeve_pool_info pools[16];
	uint64_t used = 0;
	uint32_t n = reeve_pool_copy(a->r, (reeve_pool_id){0}, pools, 16);

	for (uint32_t i = 0; i < n; i++) {
		if (pools[i].allocated_bytes > pools[i].max_bytes)
			fault(a, "a pool holds more than its maximum", (int)pools[i].id.v);
		if (pools[i].parent.v == 0)
			used += pools[i].allocated_bytes;
	}
	if (used > 100000000)
		fault(a, "more is in use than the limit has ever been", 0);
	reeve_allocation_copy(a->r, (reeve_allocation_id){0}, (reeve_pool_id){0},
		(reeve_session_id){0}, allocations, 16);
	reeve_memory_quota_copy(a->r, (reeve_session_id){0}, (reeve_group_id){0}, quotas, 16);
	reeve_memory_group_copy(a->r, (reeve_group_id){0}, groups, 8);
	reeve_memory_pressure_get(a->r, &pressure);
}

void memory_give_back(struct actor *a)
{
	for (uint32_t i = 0; i < OWN_MAX; i++)
		if (a->allocations[i])
			free_one(a, i);
	if (a->has_callback)
		reeve_memory_off_pressure(a->r, shrink, a->board, NULL);
}
