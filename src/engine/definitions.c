/* SPDX-License-Identifier: Apache-2.0 */
/* definitions.c - see definitions.h. */
#include "definitions.h"
#include "io.h"
#include "memory.h"
#include "parallel.h"
#include "session_pool.h"

/* ---- limits by hand ---- */

static void get_io(struct reeve *r, uint32_t i, struct reeve__by_hand *ret)
{
	const struct reeve_sh_io_group *g = &r->io_groups[i];
	uint32_t k = reeve__get(&g->registered) & 1;

	ret->has_io = reeve__io_is_registered(r, i);
	ret->bandwidth = reeve__get(&g->registered_bandwidth[k]);
	ret->iops = reeve__get(&g->registered_iops[k]);
	ret->weight = reeve__get(&g->registered_weight[k]);
}

static void get_memory(struct reeve *r, uint32_t i, struct reeve__by_hand *ret)
{
	const struct reeve_sh_memory_group *g = &r->memory_groups[i];
	uint32_t which;

	reeve__memory_lock(r);
	which = reeve__get(&g->which) & 1;
	ret->has_memory = reeve__memory_limits_locked(r, i).is_registered;
	ret->max_group_memory = g->registration[which].max_group;
	ret->max_session_pga = g->registration[which].max_session;
	reeve__memory_unlock(r);
}

static void get_parallel(struct reeve *r, uint32_t i, struct reeve__by_hand *ret)
{
	const struct reeve_sh_parallel_group *g = &r->parallel_groups[i];
	const struct reeve_sh_parallel_limit *limit;
	struct reeve__parallel_pass x;

	reeve__parallel_lock(&x, r);
	limit = &g->limits[reeve__get(&g->registered) & 1];
	ret->has_parallel = reeve__parallel_limits_of(&x, i).is_registered;
	ret->degree = limit->degree;
	ret->servers = limit->servers;
	reeve__parallel_done(&x);
}

static void get_pool(struct reeve *r, uint32_t i, struct reeve__by_hand *ret)
{
	const struct reeve_sh_session_pool_config *c;
	struct reeve__session_pool_pass x;

	reeve__session_pool_begin(&x, r);
	c = reeve__session_pool_config_of(
		&r->session_pools[i], reeve__get(&reeve__ruling_now(r).head->activation));
	ret->has_pool = c != NULL;
	if (c) {
		ret->max_active = c->max_active;
		ret->queue_timeout_ns = c->queue_timeout_ns;
		ret->allow_queuing = c->allow_queuing != 0;
	}
	reeve__session_pool_unlock(&x);
	reeve__session_pool_wake(&x);
}

bool reeve__by_hand_get(struct reeve *r, uint64_t group, struct reeve__by_hand *ret)
{
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	reeve__catalog_lock(r);
	i = reeve__table_find(r, &r->header->groups, group);
	if (i != REEVE_NONE) {
		const struct reeve_sh_cpu_group *c = &r->groups[i].cpu;
		ret->has_cpu = reeve__cpu_is_registered(r, &r->groups[i]);
		ret->shares = c->registered_shares;
		ret->cap_pct = c->registered_cap_ppm == REEVE_PPM
				       ? 0
				       : c->registered_cap_ppm / (REEVE_PPM / 100);
		get_io(r, i, ret);
		get_parallel(r, i, ret);
		get_memory(r, i, ret);
	}
	reeve__catalog_unlock(r);
	if (i != REEVE_NONE)
		get_pool(r, i, ret);
	return i != REEVE_NONE;
}

/* ---- next ids, dates ---- */

void reeve__counters_get(
	struct reeve *r, uint64_t ret_ids[REEVE_DEFINITION_COUNTERS], uint64_t *ret_revision)
{
	const struct reeve_sh_header *h = r->header;
	struct reeve__parallel_pass x;

	reeve__catalog_lock(r);
	ret_ids[0] = h->next_group_id;
	ret_ids[1] = h->groups_domain.next_rule_id;
	ret_ids[2] = h->next_plan_id;
	ret_ids[3] = h->next_directive_id;
	ret_ids[4] = h->planning.next_schedule_id;
	ret_ids[5] = h->planning.next_window_id;
	*ret_revision = reeve__get(&h->revision);
	reeve__catalog_unlock(r);
	reeve__parallel_lock(&x, r);
	ret_ids[6] = r->parallel->next_pool_id;
	reeve__parallel_done(&x);
	reeve__memory_lock(r);
	ret_ids[7] = r->memory->defs[reeve__get(&r->memory->which) & 1].next_pool_id;
	reeve__memory_unlock(r);
}

void reeve__counters_set(
	struct reeve *r, const uint64_t ids[REEVE_DEFINITION_COUNTERS], uint64_t revision)
{
	struct reeve_sh_header *h = r->header;
	struct reeve__parallel_pass x;

	reeve__catalog_lock(r);
	h->next_group_id = ids[0];
	h->groups_domain.next_rule_id = ids[1];
	h->next_plan_id = ids[2];
	h->next_directive_id = ids[3];
	h->planning.next_schedule_id = ids[4];
	h->planning.next_window_id = ids[5];
	reeve__put(&h->revision, revision);
	reeve__catalog_unlock(r);
	reeve__parallel_lock(&x, r);
	r->parallel->next_pool_id = ids[6];
	reeve__parallel_done(&x);
	reeve__memory_lock(r);
	/* one word, of the definition in force: nobody finds half of it */
	r->memory->defs[reeve__get(&r->memory->which) & 1].next_pool_id = ids[7];
	reeve__memory_unlock(r);
}

static void stamp_group(struct reeve *r, const struct reeve_definition *row)
{
	uint32_t i = reeve__table_find(r, &r->header->groups, row->id);

	if (i == REEVE_NONE)
		return;
	r->groups[i].created_wall = row->u.group.created_wall;
	r->groups[i].modified_wall = row->u.group.modified_wall;
	r->groups[i].revision = row->u.group.revision;
}

static void stamp_user(struct reeve *r, const struct reeve_definition *row)
{
	uint32_t i = reeve__table_find(r, &r->header->mappings, row->id);

	if (i != REEVE_NONE)
		r->mappings[i].created_wall = row->u.user.created_wall;
}

static void stamp_rule(struct reeve *r, const struct reeve_definition *row)
{
	uint32_t i = reeve__table_find(r, &r->header->groups_domain.rules, row->id);
	struct reeve_sh_rule_version *v;

	if (i == REEVE_NONE)
		return;
	v = reeve__rule_version(r, i);
	r->rules[i].created_wall = row->u.rule.created_wall;
	v->modified_wall = row->u.rule.modified_wall;
	v->revision = row->u.rule.revision;
}

static void stamp_plan(struct reeve *r, const struct reeve_definition *row)
{
	uint32_t i = reeve__table_find(r, &r->header->plans, row->id);

	if (i == REEVE_NONE)
		return;
	r->plans[i].created_wall = row->u.plan.created_wall;
	r->plans[i].modified_wall = row->u.plan.modified_wall;
	r->plans[i].revision = row->u.plan.revision;
}

static void stamp_directive(struct reeve *r, const struct reeve_definition *row)
{
	uint32_t i = reeve__table_find(r, &r->header->directives, row->id);

	if (i == REEVE_NONE)
		return;
	r->directives[i].created_wall = row->u.directive.created_wall;
	r->directives[i].modified_wall = row->u.directive.modified_wall;
	r->directives[i].revision = row->u.directive.revision;
}

static void stamp_period(struct reeve *r, const struct reeve_definition *row)
{
	bool is_schedule = row->kind == REEVE_DEFINITION_SCHEDULE;
	uint32_t i = reeve__table_find(
		r, is_schedule ? &r->header->schedules : &r->header->windows, row->id);
	struct reeve_sh_period *p;

	if (i == REEVE_NONE)
		return;
	p = is_schedule ? &r->schedules[i] : &r->windows[i];
	p->created_wall = is_schedule ? row->u.schedule.created_wall : row->u.window.created_wall;
	p->modified_wall =
		is_schedule ? row->u.schedule.modified_wall : row->u.window.modified_wall;
	p->revision = is_schedule ? row->u.schedule.revision : row->u.window.revision;
}

static void stamp_server_pool(struct reeve *r, const struct reeve_definition *row)
{
	struct reeve__parallel_pass x;
	uint32_t i;

	reeve__parallel_lock(&x, r);
	i = reeve__table_find(r, &r->header->pools, row->id);
	if (i != REEVE_NONE) {
		r->pools[i].created_wall = row->u.server_pool.created_wall;
		r->pools[i].revision = row->u.server_pool.revision;
	}
	reeve__parallel_done(&x);
}

void reeve__stamp_set(struct reeve *r, const struct reeve_definition *row)
{
	reeve__catalog_lock(r);
	if (row->kind == REEVE_DEFINITION_GROUP)
		stamp_group(r, row);
	else if (row->kind == REEVE_DEFINITION_USER)
		stamp_user(r, row);
	else if (row->kind == REEVE_DEFINITION_RULE)
		stamp_rule(r, row);
	else if (row->kind == REEVE_DEFINITION_PLAN)
		stamp_plan(r, row);
	else if (row->kind == REEVE_DEFINITION_DIRECTIVE)
		stamp_directive(r, row);
	else if (row->kind == REEVE_DEFINITION_SCHEDULE || row->kind == REEVE_DEFINITION_WINDOW)
		stamp_period(r, row);
	reeve__catalog_unlock(r);
	if (row->kind == REEVE_DEFINITION_SERVER_POOL)
		stamp_server_pool(r, row);
}
