/* SPDX-License-Identifier: Apache-2.0 */
/* definitions_copy.c - all definitions of a segment copied out, kind by kind; see reeve/definitions.h. */
#include "definitions.h"
#include "../engine/memory.h"
#include "../engine/parallel.h"
#include "../engine/session_pool.h"

#include <stdlib.h>

#define BATCH 64u

static void begin_row(struct reeve_definition *row, uint32_t kind, uint64_t id)
{
	memset(row, 0, sizeof(*row));
	row->kind = kind;
	row->id = id;
}

static int copy_groups(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_group_info infos[BATCH];
	struct reeve_definition row;
	uint64_t after = 0;
	uint32_t n;
	int rc = 0;

	while (!rc && (n = reeve_group_copy(r, (reeve_group_id){after}, infos, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = infos[i].id.v;
			begin_row(&row, REEVE_DEFINITION_GROUP, after);
			row.u.group = infos[i];
			row.u.group.is_default = false;
			row.u.group.current_sessions = 0;
			rc = reeve__definitions_add(d, &row, err);
		}
	return rc;
}

static int copy_users(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_user_mapping users[BATCH];
	struct reeve_definition row;
	uint64_t after = 0;
	uint32_t n;
	int rc = 0;

	while (!rc && (n = reeve_user_copy(r, after, users, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = users[i].user_id;
			begin_row(&row, REEVE_DEFINITION_USER, after);
			row.u.user = users[i];
			if (users[i].is_permanent)
				rc = reeve__definitions_add(d, &row, err);
		}
	return rc;
}

static int copy_rules(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_condition_copy *condition = malloc(sizeof(*condition));
	struct reeve_rule_info infos[BATCH];
	struct reeve_definition row;
	uint32_t from = 0, n;
	int rc = condition ? 0
			   : reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
				     "out of memory for definitions");

	while (!rc && (n = reeve_rule_copy(r, from, infos, BATCH))) {
		from += n;
		for (uint32_t i = 0; !rc && i < n; i++) {
			begin_row(&row, REEVE_DEFINITION_RULE, infos[i].id.v);
			row.u.rule = infos[i];
			row.u.rule.match_count = 0;
			row.u.rule.last_matched_wall = 0;
			if (reeve_rule_condition_copy(r, infos[i].id, condition, NULL) < 0)
				continue; /* it has just been deleted */
			row.condition = condition->nodes;
			rc = reeve__definitions_add(d, &row, err);
		}
	}
	free(condition);
	return rc;
}

/* Only what is given counts. */
static void blank_absent(struct reeve_directive_info *info)
{
	const struct reeve_directive_field *f;
	struct reeve_directive_def all, kept = {.given = info->given};

	reeve__directive_def_of(info, &all);
	for (uint32_t k = 0; (f = reeve_directive_field_at(k)); k++)
		if (info->given & f->bit)
			memcpy((char *)&kept + f->offset, (const char *)&all + f->offset, f->size);
	reeve__directive_info_of(&kept, info);
}

static int copy_directives(
	struct reeve *r, uint64_t plan, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_directive_info infos[BATCH];
	struct reeve_definition row;
	uint64_t after = 0;
	int n, rc = 0;

	while (!rc && (n = reeve_directive_copy(r, (reeve_plan_id){plan},
			       (reeve_directive_id){after}, infos, BATCH, NULL)) > 0)
		for (int i = 0; !rc && i < n; i++) {
			after = infos[i].id.v;
			begin_row(&row, REEVE_DEFINITION_DIRECTIVE, after);
			row.u.directive = infos[i];
			blank_absent(&row.u.directive);
			rc = reeve__definitions_add(d, &row, err);
		}
	return rc;
}

static int copy_plans(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_plan_info infos[BATCH];
	struct reeve_definition row;
	uint64_t after = 0;
	uint32_t n;
	int rc = 0;

	while (!rc && (n = reeve_plan_copy(r, (reeve_plan_id){after}, infos, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = infos[i].id.v;
			begin_row(&row, REEVE_DEFINITION_PLAN, after);
			row.u.plan = infos[i];
			row.u.plan.is_active = false;
			row.u.plan.status = 0;
			rc = reeve__definitions_add(d, &row, err);
			if (!rc)
				rc = copy_directives(r, after, d, err);
		}
	return rc;
}

static int copy_periods(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_schedule_info schedules[BATCH];
	struct reeve_window_info windows[BATCH];
	struct reeve_definition row;
	uint64_t after = 0;
	uint32_t n;
	int rc = 0;

	while (!rc && (n = reeve_schedule_copy(r, (reeve_schedule_id){after}, schedules, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = schedules[i].id.v;
			begin_row(&row, REEVE_DEFINITION_SCHEDULE, after);
			row.u.schedule = schedules[i];
			row.u.schedule.is_open = false;
			row.u.schedule.next_start_wall = row.u.schedule.next_end_wall = 0;
			rc = reeve__definitions_add(d, &row, err);
		}
	after = 0;
	while (!rc && (n = reeve_window_copy(r, (reeve_window_id){after}, windows, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = windows[i].id.v;
			begin_row(&row, REEVE_DEFINITION_WINDOW, after);
			row.u.window = windows[i];
			row.u.window.is_open = false;
			row.u.window.next_open_wall = row.u.window.next_close_wall = 0;
			rc = reeve__definitions_add(d, &row, err);
		}
	return rc;
}

static int copy_pools(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_server_pool_info servers[BATCH];
	struct reeve_pool_info pools[REEVE_MEMORY_POOLS_MAX];
	struct reeve_definition row;
	uint64_t after = 0;
	uint32_t n;
	int rc = 0;

	while (!rc &&
		(n = reeve_server_pool_copy(r, (reeve_server_pool_id){after}, servers, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = servers[i].id.v;
			begin_row(&row, REEVE_DEFINITION_SERVER_POOL, after);
			row.u.server_pool = servers[i];
			row.u.server_pool.servers = row.u.server_pool.idle_servers = 0;
			for (uint32_t k = servers[i].group_count; k < 32; k++)
				row.u.server_pool.groups[k] = 0;
			rc = reeve__definitions_add(d, &row, err);
		}
	n = reeve_pool_copy(r, (reeve_pool_id){0}, pools, REEVE_MEMORY_POOLS_MAX);
	for (uint32_t i = 0; !rc && i < n; i++) {
		struct reeve_pool_info *to = &row.u.memory_pool;
		begin_row(&row, REEVE_DEFINITION_MEMORY_POOL, pools[i].id.v);
		to->id = pools[i].id;
		memcpy(to->name, pools[i].name, sizeof(to->name));
		to->type = pools[i].type;
		to->parent = pools[i].parent;
		to->max_bytes = pools[i].max_bytes;
		to->min_bytes = pools[i].min_bytes;
		to->target_bytes = pools[i].target_bytes;
		to->page_bytes = pools[i].page_bytes;
		to->auto_tune = pools[i].auto_tune;
		to->created_wall = pools[i].created_wall;
		to->revision = pools[i].revision;
		rc = reeve__definitions_add(d, &row, err);
	}
	return rc;
}

/* Limits by hand of one group, as they were set. */
static int copy_limits(
	struct reeve *r, uint64_t group, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve__by_hand hand;
	struct reeve_definition row;
	int rc = 0;

	if (!reeve__by_hand_get(r, group, &hand))
		return 0;
	for (uint32_t kind = REEVE_DEFINITION_CPU_LIMITS;
		!rc && kind <= REEVE_DEFINITION_SESSION_POOL; kind++) {
		begin_row(&row, kind, group);
		if (kind == REEVE_DEFINITION_CPU_LIMITS && hand.has_cpu) {
			row.u.cpu_limits.shares = hand.shares;
			row.u.cpu_limits.cap_pct = hand.cap_pct;
		} else if (kind == REEVE_DEFINITION_IO_LIMITS && hand.has_io) {
			row.u.io_limits.bandwidth = hand.bandwidth;
			row.u.io_limits.iops = hand.iops;
			row.u.io_limits.weight = hand.weight;
		} else if (kind == REEVE_DEFINITION_MEMORY_LIMITS && hand.has_memory) {
			row.u.memory_limits.max_group_memory = hand.max_group_memory;
			row.u.memory_limits.max_session_pga = hand.max_session_pga;
		} else if (kind == REEVE_DEFINITION_PARALLEL_LIMITS && hand.has_parallel) {
			row.u.parallel_limits.degree = hand.degree;
			row.u.parallel_limits.servers = hand.servers;
		} else if (kind == REEVE_DEFINITION_SESSION_POOL && hand.has_pool) {
			row.u.session_pool.max_active = hand.max_active;
			row.u.session_pool.queue_timeout_ns = hand.queue_timeout_ns;
			row.u.session_pool.allow_queuing = hand.allow_queuing;
		} else {
			continue;
		}
		rc = reeve__definitions_add(d, &row, err);
	}
	return rc;
}

/* Padding and fields that nobody can set are left zero. */
static int copy_settings(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_definition row;
	struct reeve_cpu_config cpu;
	struct reeve_io_config io;
	struct reeve_memory_config memory;
	struct reeve_parallel_config parallel;
	struct reeve_session_config session;
	int rc;

	reeve_cpu_config_get(r, &cpu);
	reeve_io_config_get(r, &io);
	reeve_memory_config_get(r, &memory);
	reeve_parallel_config_get(r, &parallel);
	reeve_session_config_get(r, &session);
	begin_row(&row, REEVE_DEFINITION_DEFAULT_GROUP, 1);
	row.u.default_group.group = reeve_group_default_get(r);
	rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_CHOSEN_PLAN, 1);
	row.u.chosen_plan.plan.v =
		reeve__plan_chosen(r, &row.u.chosen_plan.since_wall, &row.u.chosen_plan.is_locked);
	if (!rc)
		rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_CPU_CONFIG, 1);
	row.u.cpu_config.quantum_ns = cpu.quantum_ns;
	row.u.cpu_config.runaway_detection = cpu.runaway_detection;
	row.u.cpu_config.runaway_threshold_ns = cpu.runaway_threshold_ns;
	row.u.cpu_config.runaway_throttle_ppm = cpu.runaway_throttle_ppm;
	row.u.cpu_config.policy = cpu.policy;
	if (!rc)
		rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_IO_CONFIG, 1);
	row.u.io_config.policy = io.policy;
	row.u.io_config.max_concurrent = io.max_concurrent;
	row.u.io_config.burst_ppm = io.burst_ppm;
	memcpy(row.u.io_config.deadlines, io.deadlines, sizeof(io.deadlines));
	if (!rc)
		rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_MEMORY_CONFIG, 1);
	row.u.memory_config.db_limit_bytes = memory.db_limit_bytes;
	row.u.memory_config.low_ppm = memory.low_ppm;
	row.u.memory_config.medium_ppm = memory.medium_ppm;
	row.u.memory_config.high_ppm = memory.high_ppm;
	row.u.memory_config.critical_ppm = memory.critical_ppm;
	row.u.memory_config.hysteresis_ppm = memory.hysteresis_ppm;
	row.u.memory_config.strategy = memory.strategy;
	row.u.memory_config.hybrid_benefit_ppm = memory.hybrid_benefit_ppm;
	row.u.memory_config.tune_period_ns = memory.tune_period_ns;
	if (!rc)
		rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_PARALLEL_CONFIG, 1);
	row.u.parallel_config.cpu_cores = parallel.cpu_cores;
	row.u.parallel_config.io_parallelism = parallel.io_parallelism;
	row.u.parallel_config.max_total_dop = parallel.max_total_dop;
	row.u.parallel_config.downgrade_enabled = parallel.downgrade_enabled;
	row.u.parallel_config.queue_timeout_ns = parallel.queue_timeout_ns;
	if (!rc)
		rc = reeve__definitions_add(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_SESSION_CONFIG, 1);
	row.u.session_config.global_session_limit = session.global_session_limit;
	row.u.session_config.timeout_checker_enabled = session.timeout_checker_enabled;
	row.u.session_config.auto_terminate_enabled = session.auto_terminate_enabled;
	row.u.session_config.default_idle_timeout_ns = session.default_idle_timeout_ns;
	row.u.session_config.default_max_execution_ns = session.default_max_execution_ns;
	row.u.session_config.idle_mark_ns = session.idle_mark_ns;
	row.u.session_config.execution_timeout_action = session.execution_timeout_action;
	return rc ? rc : reeve__definitions_add(d, &row, err);
}

REEVE_API int reeve_definitions_copy(
	struct reeve *reeve, struct reeve_definitions *ret_definitions, struct reeve_error *err)
{
	struct reeve_definitions d = REEVE_DEFINITIONS_INIT;
	int rc;

	if (!reeve || !ret_definitions)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL",
			reeve ? "ret_definitions" : "reeve");
	rc = copy_groups(reeve, &d, err);
	if (!rc)
		rc = copy_users(reeve, &d, err);
	if (!rc)
		rc = copy_rules(reeve, &d, err);
	if (!rc)
		rc = copy_plans(reeve, &d, err);
	if (!rc)
		rc = copy_periods(reeve, &d, err);
	if (!rc)
		rc = copy_pools(reeve, &d, err);
	for (uint32_t i = 0; !rc && i < d.count && d.rows[i].kind == REEVE_DEFINITION_GROUP; i++)
		rc = copy_limits(reeve, d.rows[i].id, &d, err);
	if (!rc)
		rc = copy_settings(reeve, &d, err);
	if (rc) {
		reeve_definitions_fini(&d);
		return rc;
	}
	reeve__definitions_sort(&d);
	reeve__counters_get(reeve, d.next_ids, &d.revision);
	*ret_definitions = d;
	return 0;
}
