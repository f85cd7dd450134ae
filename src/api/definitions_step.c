/* SPDX-License-Identifier: Apache-2.0 */
/* definitions_step.c - one row made, changed or deleted, kind by kind; see definitions_step.h. */
#include "definitions_step.h"
#include "../engine/memory.h"
#include "../engine/parallel.h"
#include "../host/zone.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- names ---- */

int reeve__row_rename_aside(struct reeve__work *w, const struct reeve_definition *row)
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

/* ---- groups ---- */

static int put_group(struct reeve__work *w, const struct reeve_definition *row)
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

	if (reeve__row_in(w->from, row))
		return reeve_group_update(w->r, id, REEVE_GROUP_ALL_FIELDS, &def, 0, &w->why);
	return reeve__group_create(w->r, &def, reeve__wall(w->r), &id, &w->why);
}

static int drop_group(struct reeve__work *w, const struct reeve_definition *row)
{
	reeve_group_id to = {0};

	if (w->flags & REEVE_DEFINITIONS_RESTORE)
		to = reeve_group_default_get(w->r);
	return reeve_group_destroy(w->r, (reeve_group_id){row->id}, to, &w->why);
}

static int put_user(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_user_mapping *u = &row->u.user;

	if (u->expires_wall && u->expires_wall <= reeve_now_wall(w->r))
		return 0; /* it has run out meanwhile */
	return reeve_user_map_until(
		w->r, row->id, u->username, u->group, true, u->expires_wall, &w->why);
}

static int drop_user(struct reeve__work *w, const struct reeve_definition *row)
{
	int rc = reeve_user_unmap(w->r, row->id, &w->why);

	return rc == REEVE_ENOT_FOUND ? 0 : rc; /* run out, or moved with its group */
}

/* ---- rules ---- */

static int create_rule(struct reeve__work *w, const struct reeve_rule_def *def, uint64_t wanted)
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

static int put_rule(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_rule_info *info = &row->u.rule;
	const struct reeve_rule_def def = {
		.name = info->name,
		.priority = info->priority,
		.condition = row->condition,
		.target = info->target,
		.is_enabled = info->is_enabled,
	};

	if (reeve__row_in(w->from, row))
		return reeve_rule_update(
			w->r, (reeve_rule_id){row->id}, REEVE_RULE_ALL_FIELDS, &def, 0, &w->why);
	return create_rule(w, &def, row->id);
}

static int drop_rule(struct reeve__work *w, const struct reeve_definition *row)
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
static int put_plan(struct reeve__work *w, const struct reeve_definition *row)
{
	struct reeve_plan_def def = plan_def(&row->u.plan);
	const struct reeve_definition *old = reeve__row_in(w->from, row);
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

int reeve__row_finish_plan(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_plan_def def = plan_def(&row->u.plan);

	return reeve_plan_update(w->r, (reeve_plan_id){row->id},
		REEVE_PLAN_IS_ENABLED | REEVE_PLAN_PARENT, &def, 0, &w->why);
}

/* It may be anybody's parent no more, nor have one. */
int reeve__row_orphan_plan(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_plan_def def = {.parent = {0}};

	return row->u.plan.parent.v ? reeve_plan_update(w->r, (reeve_plan_id){row->id},
					      REEVE_PLAN_PARENT, &def, 0, &w->why)
				    : 0;
}

static int drop_plan(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_plan_delete(w->r, (reeve_plan_id){row->id}, (reeve_plan_id){0}, &w->why);
}

static int drop_directive(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_directive_destroy(w->r, (reeve_directive_id){row->id}, &w->why);
}

static int put_directive(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_directive_info *info = &row->u.directive;
	const struct reeve_definition *old = reeve__row_in(w->from, row);
	reeve_directive_id id = {row->id};
	struct reeve_directive_def def;
	int rc;

	reeve__directive_def_of(info, &def);
	if (old && reeve__same_place(&old->u.directive, info)) {
		def.removed = old->u.directive.given & ~info->given;
		return reeve_directive_update(w->r, id, &def, 0, &w->why);
	}
	rc = reeve__directive_set(
		w->r, info->plan, info->group, &def, reeve__wall(w->r), &id, &w->why);
	reeve__cpu_announce(w->r);
	return rc;
}

/* ---- schedules and windows ---- */

static int put_schedule(struct reeve__work *w, const struct reeve_definition *row)
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

	if (reeve__row_in(w->from, row))
		return reeve_schedule_update(w->r, (reeve_schedule_id){row->id},
			(REEVE_SCHEDULE_IS_ENABLED << 1) - 1, &def, 0, &w->why);
	return reeve__schedule_create(w->r, &def, &(uint64_t){row->id}, &w->why);
}

static int put_window(struct reeve__work *w, const struct reeve_definition *row)
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

	if (reeve__row_in(w->from, row))
		return reeve_window_update(w->r, (reeve_window_id){row->id},
			(REEVE_WINDOW_IS_ENABLED << 1) - 1, &def, 0, &w->why);
	return reeve__window_create(w->r, &def, &(uint64_t){row->id}, &w->why);
}

static int drop_schedule(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_schedule_destroy(w->r, (reeve_schedule_id){row->id}, &w->why);
}

static int drop_window(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_window_destroy(w->r, (reeve_window_id){row->id}, &w->why);
}

/* ---- pools ---- */

static int put_server_pool(struct reeve__work *w, const struct reeve_definition *row)
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

	if (reeve__row_in(w->from, row))
		return reeve_server_pool_update(
			w->r, id, (REEVE_SERVER_POOL_GROUPS << 1) - 1, &def, 0, &w->why);
	return reeve__server_pool_create(w->r, &def, &id, &w->why);
}

static int drop_server_pool(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_server_pool_destroy(w->r, (reeve_server_pool_id){row->id}, &w->why);
}

static bool same_pool(const struct reeve_pool_info *a, const struct reeve_pool_info *b)
{
	return a->type == b->type && a->parent.v == b->parent.v && strcmp(a->name, b->name) == 0;
}

static int put_memory_pool(struct reeve__work *w, const struct reeve_definition *row)
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
	const struct reeve_definition *old = reeve__row_in(w->from, row);
	reeve_pool_id id = {row->id};

	if (old && !same_pool(&old->u.memory_pool, p))
		return reeve__fail(&w->why, REEVE_ECONFLICT,
			"name, type and parent of memory pool %llu cannot change",
			(unsigned long long)row->id);
	if (old)
		return reeve_pool_update(w->r, id, (REEVE_POOL_SET_PAGE << 1) - 1, &def, &w->why);
	return reeve__pool_create(w->r, &def, &id, &w->why);
}

static int drop_memory_pool(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_pool_destroy(w->r, (reeve_pool_id){row->id}, &w->why);
}

/* ---- settings and limits by hand ---- */

static int put_setting(struct reeve__work *w, const struct reeve_definition *row)
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

static int put_limits(struct reeve__work *w, const struct reeve_definition *row)
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

static int drop_limits(struct reeve__work *w, const struct reeve_definition *row)
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

/* ---- what is in force ---- */

static int put_default_group(struct reeve__work *w, const struct reeve_definition *row)
{
	return reeve_group_default_set(w->r, row->u.default_group.group, &w->why);
}

static int put_chosen_plan(struct reeve__work *w, const struct reeve_definition *row)
{
	const struct reeve_definition *old = reeve__row_in(w->from, row);
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

/* ---- by kind ---- */

static const struct {
	reeve__step_fn put, drop;
} steps[REEVE_DEFINITION_KINDS] = {
	[REEVE_DEFINITION_GROUP] = {put_group, drop_group},
	[REEVE_DEFINITION_USER] = {put_user, drop_user},
	[REEVE_DEFINITION_RULE] = {put_rule, drop_rule},
	[REEVE_DEFINITION_PLAN] = {put_plan, drop_plan},
	[REEVE_DEFINITION_DIRECTIVE] = {put_directive, drop_directive},
	[REEVE_DEFINITION_SCHEDULE] = {put_schedule, drop_schedule},
	[REEVE_DEFINITION_WINDOW] = {put_window, drop_window},
	[REEVE_DEFINITION_SERVER_POOL] = {put_server_pool, drop_server_pool},
	[REEVE_DEFINITION_MEMORY_POOL] = {put_memory_pool, drop_memory_pool},
	[REEVE_DEFINITION_CPU_LIMITS] = {put_limits, drop_limits},
	[REEVE_DEFINITION_IO_LIMITS] = {put_limits, drop_limits},
	[REEVE_DEFINITION_MEMORY_LIMITS] = {put_limits, drop_limits},
	[REEVE_DEFINITION_PARALLEL_LIMITS] = {put_limits, drop_limits},
	[REEVE_DEFINITION_SESSION_POOL] = {put_limits, drop_limits},
	[REEVE_DEFINITION_DEFAULT_GROUP] = {put_default_group, NULL},
	[REEVE_DEFINITION_CHOSEN_PLAN] = {put_chosen_plan, NULL},
	[REEVE_DEFINITION_CPU_CONFIG] = {put_setting, NULL},
	[REEVE_DEFINITION_IO_CONFIG] = {put_setting, NULL},
	[REEVE_DEFINITION_MEMORY_CONFIG] = {put_setting, NULL},
	[REEVE_DEFINITION_PARALLEL_CONFIG] = {put_setting, NULL},
	[REEVE_DEFINITION_SESSION_CONFIG] = {put_setting, NULL},
};

int reeve__row_put(struct reeve__work *w, const struct reeve_definition *row)
{
	return steps[row->kind].put(w, row);
}

int reeve__row_drop(struct reeve__work *w, const struct reeve_definition *row)
{
	return steps[row->kind].drop(w, row);
}
