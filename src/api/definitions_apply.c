/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions_apply.c - bringing a segment's definitions to what a copy says; see definitions.h.
 *
 * Steps in an order in which none needs what another has yet to do:
 *
 *	names that somebody else is to have are set aside; settings; groups, plans without parents
 *	what refers to something and is not to be, or is to change what it refers to, goes
 *	directives, rules, users, schedules, windows, pools
 *	the default group, the plan chosen by hand; parents, plans that are to be disabled
 *	plans and groups that are not to be go; limits by hand, which the activation has ended
 */
#include "definitions.h"
#include "../engine/memory.h"
#include "../engine/parallel.h"
#include "../host/zone.h"

#include <stdio.h>
#include <stdlib.h>

struct work {
	struct reeve *r;
	const struct reeve_definitions *from, *to;
	uint32_t flags;
	struct reeve_error why; /* of the step that was refused */
	struct reeve_definition_place about;
};

typedef int (*step_fn)(struct work *w, const struct reeve_definition *row);

static const struct reeve_definition *in(
	const struct reeve_definitions *d, const struct reeve_definition *row)
{
	return reeve_definitions_find(d, row->kind, row->id);
}

/* One step for one row, which is noted when it is refused. */
static int step(struct work *w, const struct reeve_definition *row, step_fn fn)
{
	int rc = fn(w, row);

	if (rc)
		w->about = (struct reeve_definition_place){row->kind, row->id};
	return rc;
}

/* Calls fn for each row of a kind that `to` has and `from` has not, or not so. */
static int each_wanted(struct work *w, uint32_t kind, step_fn fn)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->to->count; i++)
		if (w->to->rows[i].kind == kind &&
			!reeve_definition_equal(&w->to->rows[i], in(w->from, &w->to->rows[i])))
			rc = step(w, &w->to->rows[i], fn);
	return rc;
}

/* Calls fn for each row of a kind that only `from` has, last first. */
static int each_gone(struct work *w, uint32_t kind, step_fn fn)
{
	int rc = 0;

	for (uint32_t i = w->from->count; !rc && i-- > 0;)
		if (w->from->rows[i].kind == kind && !in(w->to, &w->from->rows[i]))
			rc = step(w, &w->from->rows[i], fn);
	return rc;
}

/* ---- names ---- */

static const char *name_of(const struct reeve_definition *row)
{
	return row->kind == REEVE_DEFINITION_GROUP ? row->u.group.name : row->u.plan.name;
}

static int rename_aside(struct work *w, const struct reeve_definition *row)
{
	char name[64];
	const struct reeve_group_def group = {.name = name};
	const struct reeve_plan_def plan = {.name = name};

	snprintf(name, sizeof(name), "(set aside: %llu)", (unsigned long long)row->id);
	if (row->kind == REEVE_DEFINITION_GROUP)
		return reeve_group_update(
			w->r, (reeve_group_id){row->id}, REEVE_GROUP_NAME, &group, 0, &w->why);
	return reeve_plan_update(
		w->r, (reeve_plan_id){row->id}, REEVE_PLAN_NAME, &plan, 0, &w->why);
}

/* A row whose name another one is to have gets one that nobody wants. */
static int set_aside(struct work *w, uint32_t kind)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->from->count; i++) {
		const struct reeve_definition *row = &w->from->rows[i];
		bool wanted = false;
		if (row->kind != kind || row->id < REEVE_FIRST_USER_ID)
			continue;
		for (uint32_t k = 0; !wanted && k < w->to->count; k++)
			wanted = w->to->rows[k].kind == kind && w->to->rows[k].id != row->id &&
				 strcmp(name_of(&w->to->rows[k]), name_of(row)) == 0;
		if (wanted)
			rc = step(w, row, rename_aside);
	}
	return rc;
}

/* ---- groups ---- */

static int put_group(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_group_info *g = &row->u.group;
	const struct reeve_group_def def = {
		.name = g->name,
		.description = g->description[0] ? g->description : NULL,
		.priority = g->priority,
		.category = g->category,
		.custom_category = g->custom_category[0] ? g->custom_category : NULL,
		.cpu_allocation_pct = g->cpu_allocation_pct,
		.max_sessions = g->max_sessions,
		.max_execution_ns = g->max_execution_ns,
		.is_active = g->is_active,
		.max_idle_ns = g->max_idle_ns,
		.parallel_degree_limit = g->parallel_degree_limit,
		.memory_limit_bytes = g->memory_limit_bytes,
		.io_bandwidth_limit = g->io_bandwidth_limit,
		.iops_limit = g->iops_limit,
	};
	reeve_group_id id = {row->id};

	if (in(w->from, row))
		return reeve_group_update(w->r, id, REEVE_GROUP_ALL_FIELDS, &def, 0, &w->why);
	return reeve__group_create(w->r, &def, reeve__wall(w->r), &id, &w->why);
}

static int drop_group(struct work *w, const struct reeve_definition *row)
{
	reeve_group_id to = {0};

	if (w->flags & REEVE_DEFINITIONS_RESTORE)
		to = reeve_group_default_get(w->r);
	return reeve_group_destroy(w->r, (reeve_group_id){row->id}, to, &w->why);
}

static int put_user(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_user_mapping *u = &row->u.user;

	if (u->expires_wall && u->expires_wall <= reeve_now_wall(w->r))
		return 0; /* it has run out meanwhile */
	return reeve_user_map_until(
		w->r, row->id, u->username, u->group, true, u->expires_wall, &w->why);
}

static int drop_user(struct work *w, const struct reeve_definition *row)
{
	int rc = reeve_user_unmap(w->r, row->id, &w->why);

	return rc == REEVE_ENOT_FOUND ? 0 : rc; /* run out, or moved with its group */
}

/* ---- rules ---- */

static int create_rule(struct work *w, const struct reeve_rule_def *def, uint64_t wanted)
{
	struct reeve__rule_change *change = calloc(1, sizeof(*change));
	reeve_rule_id id = {wanted};
	int rc;

	if (!change)
		return reeve__fail(&w->why, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	rc = reeve__rule_prepare(change, def, REEVE_RULE_ALL_FIELDS, &w->why);
	for (uint32_t i = 0; !rc && i < change->zones.count; i++)
		rc = reeve__zone_load(change->zones.names[i], &change->data[i], &w->why);
	if (!rc)
		rc = reeve__rule_create(w->r, change, reeve__wall(w->r), &id, &w->why);
	free(change);
	return rc;
}

static int put_rule(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_rule_info *info = &row->u.rule;
	const struct reeve_rule_def def = {
		.name = info->name,
		.priority = info->priority,
		.condition = row->condition,
		.target = info->target,
		.is_enabled = info->is_enabled,
	};

	if (in(w->from, row))
		return reeve_rule_update(
			w->r, (reeve_rule_id){row->id}, REEVE_RULE_ALL_FIELDS, &def, 0, &w->why);
	return create_rule(w, &def, row->id);
}

static int drop_rule(struct work *w, const struct reeve_definition *row)
{
	return reeve_rule_destroy(w->r, (reeve_rule_id){row->id}, &w->why);
}

/* ---- plans ---- */

static struct reeve_plan_def plan_def(const struct reeve_plan_info *p)
{
	return (struct reeve_plan_def){
		.name = p->name,
		.description = p->description[0] ? p->description : NULL,
		.cpu_method = p->cpu_method,
		.max_utilization_pct = p->max_utilization_pct,
		.is_enabled = p->is_enabled,
		.parallel_execution_managed = p->parallel_execution_managed,
		.active_session_pool_managed = p->active_session_pool_managed,
		.parent = p->parent,
	};
}

#define PLAN_PLAIN                                                                                 \
	(REEVE_PLAN_NAME | REEVE_PLAN_DESCRIPTION | REEVE_PLAN_CPU_METHOD |                        \
		REEVE_PLAN_MAX_UTILIZATION | REEVE_PLAN_PARALLEL_MANAGED |                         \
		REEVE_PLAN_SESSIONS_MANAGED)

/* Everything but what is to be disabled or have a parent: that comes last. */
static int put_plan(struct work *w, const struct reeve_definition *row)
{
	struct reeve_plan_def def = plan_def(&row->u.plan);
	const struct reeve_definition *old = in(w->from, row);
	reeve_plan_id id = {row->id};
	uint32_t fields = PLAN_PLAIN;

	if (!old) {
		def.parent.v = 0;
		return reeve__plan_create(w->r, &def, reeve__wall(w->r), &id, &w->why);
	}
	if (def.is_enabled)
		fields |= REEVE_PLAN_IS_ENABLED;
	if (old->u.plan.parent.v != def.parent.v) {
		def.parent.v = 0;
		fields |= REEVE_PLAN_PARENT;
	}
	return reeve_plan_update(w->r, id, fields, &def, 0, &w->why);
}

static int finish_plan(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_plan_def def = plan_def(&row->u.plan);

	return reeve_plan_update(w->r, (reeve_plan_id){row->id},
		REEVE_PLAN_IS_ENABLED | REEVE_PLAN_PARENT, &def, 0, &w->why);
}

/* It may be anybody's parent no more, nor have one. */
static int orphan_plan(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_plan_def def = {.parent = {0}};

	return row->u.plan.parent.v ? reeve_plan_update(w->r, (reeve_plan_id){row->id},
					      REEVE_PLAN_PARENT, &def, 0, &w->why)
				    : 0;
}

static int drop_plan(struct work *w, const struct reeve_definition *row)
{
	return reeve_plan_delete(w->r, (reeve_plan_id){row->id}, (reeve_plan_id){0}, &w->why);
}

static bool same_place(const struct reeve_directive_info *a, const struct reeve_directive_info *b)
{
	return a->plan.v == b->plan.v && a->group.v == b->group.v;
}

static int drop_directive(struct work *w, const struct reeve_definition *row)
{
	return reeve_directive_destroy(w->r, (reeve_directive_id){row->id}, &w->why);
}

/* Those that go, and those that are to be of another plan or group. */
static int drop_directives(struct work *w)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->from->count; i++) {
		const struct reeve_definition *row = &w->from->rows[i], *to = in(w->to, row);
		if (row->kind == REEVE_DEFINITION_DIRECTIVE &&
			(!to || !same_place(&row->u.directive, &to->u.directive)))
			rc = step(w, row, drop_directive);
	}
	return rc;
}

static int put_directive(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_directive_info *info = &row->u.directive;
	const struct reeve_definition *old = in(w->from, row);
	reeve_directive_id id = {row->id};
	struct reeve_directive_def def;
	int rc;

	reeve__directive_def_of(info, &def);
	if (old && same_place(&old->u.directive, info)) {
		def.removed = old->u.directive.given & ~info->given;
		return reeve_directive_update(w->r, id, &def, 0, &w->why);
	}
	rc = reeve__directive_set(
		w->r, info->plan, info->group, &def, reeve__wall(w->r), &id, &w->why);
	reeve__cpu_announce(w->r);
	return rc;
}

/* ---- schedules and windows ---- */

static int put_schedule(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_schedule_info *s = &row->u.schedule;
	const struct reeve_schedule_def def = {
		.name = s->name,
		.plan = s->plan,
		.days = s->days,
		.start_s = s->start_s,
		.end_s = s->end_s,
		.zone = s->zone,
		.priority = s->priority,
		.is_enabled = s->is_enabled,
	};

	if (in(w->from, row))
		return reeve_schedule_update(w->r, (reeve_schedule_id){row->id},
			(REEVE_SCHEDULE_IS_ENABLED << 1) - 1, &def, 0, &w->why);
	return reeve__schedule_create(w->r, &def, &(uint64_t){row->id}, &w->why);
}

static int put_window(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_window_info *s = &row->u.window;
	const struct reeve_window_def def = {
		.name = s->name,
		.description = s->description[0] ? s->description : NULL,
		.plan = s->plan,
		.day = s->day,
		.start_s = s->start_s,
		.duration_s = s->duration_s,
		.zone = s->zone,
		.priority = s->priority,
		.allow_user_sessions = s->allow_user_sessions,
		.max_user_sessions = s->max_user_sessions,
		.is_enabled = s->is_enabled,
	};

	if (in(w->from, row))
		return reeve_window_update(w->r, (reeve_window_id){row->id},
			(REEVE_WINDOW_IS_ENABLED << 1) - 1, &def, 0, &w->why);
	return reeve__window_create(w->r, &def, &(uint64_t){row->id}, &w->why);
}

static int drop_schedule(struct work *w, const struct reeve_definition *row)
{
	return reeve_schedule_destroy(w->r, (reeve_schedule_id){row->id}, &w->why);
}

static int drop_window(struct work *w, const struct reeve_definition *row)
{
	return reeve_window_destroy(w->r, (reeve_window_id){row->id}, &w->why);
}

/* ---- pools ---- */

static int put_server_pool(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_server_pool_info *p = &row->u.server_pool;
	const struct reeve_server_pool_def def = {
		.name = p->name,
		.min_servers = p->min_servers,
		.max_servers = p->max_servers,
		.idle_timeout_ns = p->idle_timeout_ns,
		.groups = p->groups,
		.group_count = p->group_count,
	};
	reeve_server_pool_id id = {row->id};

	if (in(w->from, row))
		return reeve_server_pool_update(
			w->r, id, (REEVE_SERVER_POOL_GROUPS << 1) - 1, &def, 0, &w->why);
	return reeve__server_pool_create(w->r, &def, &id, &w->why);
}

static int drop_server_pool(struct work *w, const struct reeve_definition *row)
{
	return reeve_server_pool_destroy(w->r, (reeve_server_pool_id){row->id}, &w->why);
}

static bool same_pool(const struct reeve_pool_info *a, const struct reeve_pool_info *b)
{
	return a->type == b->type && a->parent.v == b->parent.v && strcmp(a->name, b->name) == 0;
}

static int put_memory_pool(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_pool_info *p = &row->u.memory_pool;
	const struct reeve_pool_def def = {
		.name = p->name,
		.type = p->type,
		.parent = p->parent,
		.max_bytes = p->max_bytes,
		.min_bytes = p->min_bytes,
		.target_bytes = p->target_bytes,
		.page_bytes = p->page_bytes,
		.auto_tune = p->auto_tune,
	};
	const struct reeve_definition *old = in(w->from, row);
	reeve_pool_id id = {row->id};

	if (old && !same_pool(&old->u.memory_pool, p))
		return reeve__fail(&w->why, REEVE_ECONFLICT,
			"name, type and parent of memory pool %llu cannot change",
			(unsigned long long)row->id);
	if (old)
		return reeve_pool_update(w->r, id, (REEVE_POOL_SET_PAGE << 1) - 1, &def, &w->why);
	return reeve__pool_create(w->r, &def, &id, &w->why);
}

static int drop_memory_pool(struct work *w, const struct reeve_definition *row)
{
	return reeve_pool_destroy(w->r, (reeve_pool_id){row->id}, &w->why);
}

/*
 * Pools bound each other: parents grow before their children, children shrink before their parents. Each
 * pass does what it can, as long as one gets something done.
 */
static int put_memory_pools(struct work *w)
{
	bool done[REEVE_MEMORY_POOLS_MAX] = {false};
	uint32_t left, before = REEVE_MEMORY_POOLS_MAX + 1;
	int rc;

	do {
		uint32_t n = 0;
		left = 0;
		rc = 0;
		for (uint32_t i = 0; i < w->to->count && n < REEVE_MEMORY_POOLS_MAX; i++) {
			if (w->to->rows[i].kind != REEVE_DEFINITION_MEMORY_POOL)
				continue;
			/* All of them: the database's limit may have resized any. */
			int one = done[n] ? 0 : step(w, &w->to->rows[i], put_memory_pool);
			done[n++] = one == 0;
			left += one != 0;
			rc = one ? one : rc;
		}
		if (left >= before)
			return rc;
		before = left;
	} while (left);
	return 0;
}

/* ---- settings and limits by hand ---- */

static int put_setting(struct work *w, const struct reeve_definition *row)
{
	switch (row->kind) {
	case REEVE_DEFINITION_CPU_CONFIG:
		return reeve_cpu_config_set(w->r, &row->u.cpu_config, &w->why);
	case REEVE_DEFINITION_IO_CONFIG:
		return reeve_io_config_set(w->r, &row->u.io_config, &w->why);
	case REEVE_DEFINITION_MEMORY_CONFIG:
		return reeve_memory_config_set(w->r, &row->u.memory_config, &w->why);
	case REEVE_DEFINITION_PARALLEL_CONFIG:
		return reeve_parallel_config_set(w->r, &row->u.parallel_config, &w->why);
	default:
		return reeve_session_config_set(w->r, &row->u.session_config, &w->why);
	}
}

static int put_settings(struct work *w)
{
	int rc = 0;

	for (uint32_t k = REEVE_DEFINITION_CPU_CONFIG; !rc && k <= REEVE_DEFINITION_SESSION_CONFIG;
		k++)
		rc = each_wanted(w, k, put_setting);
	return rc;
}

static int put_limits(struct work *w, const struct reeve_definition *row)
{
	reeve_group_id g = {row->id};

	switch (row->kind) {
	case REEVE_DEFINITION_CPU_LIMITS:
		return reeve_cpu_group_register(
			w->r, g, row->u.cpu_limits.shares, row->u.cpu_limits.cap_pct, &w->why);
	case REEVE_DEFINITION_IO_LIMITS:
		return reeve_io_group_register(w->r, g, row->u.io_limits.bandwidth,
			row->u.io_limits.iops, row->u.io_limits.weight, &w->why);
	case REEVE_DEFINITION_MEMORY_LIMITS:
		return reeve_memory_group_register(w->r, g, row->u.memory_limits.max_group_memory,
			row->u.memory_limits.max_session_pga, &w->why);
	case REEVE_DEFINITION_PARALLEL_LIMITS:
		return reeve_parallel_group_limit_set(w->r, g, row->u.parallel_limits.degree,
			row->u.parallel_limits.servers, &w->why);
	default:
		return reeve_session_pool_configure(w->r, g, row->u.session_pool.max_active,
			row->u.session_pool.queue_timeout_ns, row->u.session_pool.allow_queuing,
			&w->why);
	}
}

static int drop_limits(struct work *w, const struct reeve_definition *row)
{
	reeve_group_id g = {row->id};
	int rc;

	if (row->kind == REEVE_DEFINITION_CPU_LIMITS)
		rc = reeve_cpu_group_unregister(w->r, g, &w->why);
	else if (row->kind == REEVE_DEFINITION_IO_LIMITS)
		rc = reeve_io_group_unregister(w->r, g, &w->why);
	else if (row->kind == REEVE_DEFINITION_MEMORY_LIMITS)
		rc = reeve_memory_group_unregister(w->r, g, &w->why);
	else if (row->kind == REEVE_DEFINITION_PARALLEL_LIMITS)
		rc = reeve_parallel_group_limit_clear(w->r, g, &w->why);
	else
		rc = reeve_session_pool_remove(w->r, g, &w->why);
	return rc == REEVE_ENOT_FOUND ? 0 : rc; /* an activation has ended it */
}

static int each_limit(struct work *w, int (*each)(struct work *, uint32_t, step_fn), step_fn fn)
{
	int rc = 0;

	for (uint32_t k = REEVE_DEFINITION_CPU_LIMITS; !rc && k <= REEVE_DEFINITION_SESSION_POOL;
		k++)
		rc = each(w, k, fn);
	return rc;
}

/* ---- what is in force ---- */

static int put_default_group(struct work *w, const struct reeve_definition *row)
{
	return reeve_group_default_set(w->r, row->u.default_group.group, &w->why);
}

static int put_chosen_plan(struct work *w, const struct reeve_definition *row)
{
	const struct reeve_definition *old = in(w->from, row);
	uint64_t plan = row->u.chosen_plan.plan.v, was = old ? old->u.chosen_plan.plan.v : 0;
	reeve_ns since = row->u.chosen_plan.since_wall;
	int rc = 0;

	if (!plan)
		rc = reeve__plan_release(w->r, reeve__wall(w->r), &w->why);
	else if (plan != was)
		rc = reeve__plan_activate(
			w->r, (reeve_plan_id){plan}, since ? since : reeve__wall(w->r), &w->why);
	if (!rc && plan)
		rc = reeve__plan_lock(w->r, row->u.chosen_plan.is_locked,
			since ? since : reeve__wall(w->r), &w->why);
	reeve__cpu_announce(w->r);
	if (!rc)
		rc = reeve_plan_check(w->r, &(struct reeve_plan_change){0}, NULL, &w->why);
	return rc;
}

/* The activation has ended limits by hand: those that are to be are set again. */
static int put_all_limits(struct work *w)
{
	struct reeve_definitions now = REEVE_DEFINITIONS_INIT;
	const struct reeve_definitions *from = w->from;
	int rc = reeve_definitions_copy(w->r, &now, &w->why);

	w->from = &now;
	if (!rc)
		rc = each_limit(w, each_gone, drop_limits);
	if (!rc)
		rc = each_limit(w, each_wanted, put_limits);
	w->from = from;
	reeve_definitions_fini(&now);
	return rc;
}

/* ---- all of it ---- */

static int make_room(struct work *w)
{
	int rc = set_aside(w, REEVE_DEFINITION_GROUP);

	if (!rc)
		rc = set_aside(w, REEVE_DEFINITION_PLAN);
	if (!rc)
		rc = drop_directives(w);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_SCHEDULE, drop_schedule);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_WINDOW, drop_window);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_RULE, drop_rule);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_USER, drop_user);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_SERVER_POOL, drop_server_pool);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_MEMORY_POOL, drop_memory_pool);
	if (!rc)
		rc = each_limit(w, each_gone, drop_limits);
	return rc;
}

static int put_rows(struct work *w)
{
	static const struct {
		uint32_t kind;
		step_fn put;
	} steps[] = {
		{REEVE_DEFINITION_GROUP, put_group},
		{REEVE_DEFINITION_PLAN, put_plan},
		{REEVE_DEFINITION_DIRECTIVE, put_directive},
		{REEVE_DEFINITION_SCHEDULE, put_schedule},
		{REEVE_DEFINITION_WINDOW, put_window},
		{REEVE_DEFINITION_RULE, put_rule},
		{REEVE_DEFINITION_USER, put_user},
		{REEVE_DEFINITION_SERVER_POOL, put_server_pool},
		{REEVE_DEFINITION_DEFAULT_GROUP, put_default_group},
		{REEVE_DEFINITION_CHOSEN_PLAN, put_chosen_plan},
		{REEVE_DEFINITION_PLAN, finish_plan},
	};
	int rc = put_settings(w);

	if (!rc)
		rc = put_memory_pools(w);
	for (size_t i = 0; !rc && i < REEVE_COUNT(steps); i++)
		rc = each_wanted(w, steps[i].kind, steps[i].put);
	return rc;
}

static int drop_rows(struct work *w)
{
	int rc = each_gone(w, REEVE_DEFINITION_PLAN, orphan_plan);

	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_PLAN, drop_plan);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_GROUP, drop_group);
	return rc;
}

static int bring(struct reeve *r, const struct reeve_definitions *from,
	const struct reeve_definitions *to, uint32_t flags, struct reeve_definition_place *about,
	struct reeve_error *why)
{
	struct work w = {.r = r,
		.from = from,
		.to = to,
		.flags = flags,
		.about = {.kind = REEVE_DEFINITION_KINDS}};
	int rc = make_room(&w);

	if (!rc)
		rc = put_rows(&w);
	if (!rc)
		rc = drop_rows(&w);
	if (!rc)
		rc = put_all_limits(&w);
	reeve__event_flush(r);
	if (rc) {
		*why = w.why;
		*about = w.about;
	}
	return rc;
}

static void restore_marks(struct reeve *r, const struct reeve_definitions *to)
{
	for (uint32_t i = 0; i < to->count; i++)
		reeve__stamp_set(r, &to->rows[i]);
	reeve__counters_set(r, to->next_ids, to->revision);
}

/* Back to what was, after a step was refused. */
static int take_back(struct reeve *r, const struct reeve_definitions *was, int rc,
	const struct reeve_error *why, struct reeve_error *err)
{
	struct reeve_definitions now = REEVE_DEFINITIONS_INIT;
	struct reeve_definition_place unused;
	struct reeve_error second = {0};
	int back = reeve_definitions_copy(r, &now, &second);

	if (!back)
		back = bring(r, &now, was, 0, &unused, &second);
	reeve_definitions_fini(&now);
	if (!back)
		return reeve__fail(err, rc, "%s", why->text);
	return reeve__fail(err, REEVE_EINTERNAL,
		"%.110s; and taking back what had been done was refused: %.80s", why->text,
		second.text);
}

REEVE_API int reeve_definitions_apply(struct reeve *reeve, const struct reeve_definitions *target,
	uint32_t flags, struct reeve_error *err)
{
	return reeve_definitions_apply_told(reeve, target, flags, NULL, err);
}

REEVE_API int reeve_definitions_apply_told(struct reeve *reeve,
	const struct reeve_definitions *target, uint32_t flags,
	struct reeve_definition_place *ret_place, struct reeve_error *err)
{
	struct reeve_definition_place about = {.kind = REEVE_DEFINITION_KINDS};
	struct reeve_definitions was = REEVE_DEFINITIONS_INIT;
	struct reeve_error why = {0};
	int rc;

	if (!reeve || !target)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "%s is NULL", reeve ? "target" : "reeve");
	if (flags & ~(uint32_t)REEVE_DEFINITIONS_RESTORE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"flags is %#x; allowed are bits up to %#x", flags,
			REEVE_DEFINITIONS_RESTORE);
	rc = reeve_definitions_copy(reeve, &was, err);
	if (rc)
		return rc;
	rc = reeve_definitions_diff(&was, target, NULL, NULL)
		     ? bring(reeve, &was, target, flags, &about, &why)
		     : 0;
	if (rc)
		rc = take_back(reeve, &was, rc, &why, err);
	else if (flags & REEVE_DEFINITIONS_RESTORE)
		restore_marks(reeve, target);
	reeve_definitions_fini(&was);
	if (ret_place)
		*ret_place = about;
	return rc;
}
