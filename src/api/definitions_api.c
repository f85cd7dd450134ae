/* SPDX-License-Identifier: Apache-2.0 */
/* definitions_api.c - all definitions of a segment copied out and compared; see definitions.h. */
#include "definitions.h"
#include "../engine/memory.h"
#include "../engine/parallel.h"
#include "../engine/session_pool.h"

#include <stdlib.h>

#define BATCH 64u

static const char *const kind_names[] = {"group", "user", "rule", "plan", "directive", "schedule",
	"window", "serverPool", "memoryPool", "cpuLimits", "ioLimits", "memoryLimits",
	"parallelLimits", "sessionPool", "defaultGroup", "chosenPlan", "cpuSettings", "ioSettings",
	"memorySettings", "parallelSettings", "sessionSettings"};
_Static_assert(REEVE_COUNT(kind_names) == REEVE_DEFINITION_KINDS, "every kind has a name");

REEVE_API const char *reeve_definition_kind_name(uint32_t kind)
{
	return kind < REEVE_DEFINITION_KINDS ? kind_names[kind] : NULL;
}

/* ---- conditions ---- */

static void measure(const struct reeve_condition *c, size_t *nodes, size_t *bytes)
{
	*nodes += 1;
	*bytes += (c->text ? strlen(c->text) + 1 : 0) + (c->zone ? strlen(c->zone) + 1 : 0);
	for (uint32_t i = 0; i < c->count; i++)
		measure(&c->operands[i], nodes, bytes);
}

static const char *keep_text(const char *text, char **to)
{
	char *at = *to;

	if (!text)
		return NULL;
	*to += strlen(text) + 1;
	return memcpy(at, text, strlen(text) + 1);
}

/* Copies a node to `at` and its operands behind each other to *free. */
static void clone_node(struct reeve_condition *at, const struct reeve_condition *c,
	struct reeve_condition **free_nodes, char **free_text)
{
	struct reeve_condition *operands = *free_nodes;

	*at = *c;
	at->text = keep_text(c->text, free_text);
	at->zone = keep_text(c->zone, free_text);
	at->operands = c->count ? operands : NULL;
	*free_nodes += c->count;
	for (uint32_t i = 0; i < c->count; i++)
		clone_node(&operands[i], &c->operands[i], free_nodes, free_text);
}

REEVE_API struct reeve_condition *reeve_condition_clone(const struct reeve_condition *condition)
{
	size_t nodes = 0, bytes = 0;
	struct reeve_condition *made, *rest;
	char *text;

	if (!condition)
		return NULL;
	measure(condition, &nodes, &bytes);
	made = calloc(1, nodes * sizeof(*made) + bytes);
	if (!made)
		return NULL;
	rest = made + 1;
	text = (char *)(made + nodes);
	clone_node(made, condition, &rest, &text);
	return made;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_condition(const struct reeve_condition *a, const struct reeve_condition *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->syntax != b->syntax || a->ignore_case != b->ignore_case ||
		a->user_id != b->user_id || a->start_s != b->start_s || a->end_s != b->end_s ||
		a->days != b->days || a->count != b->count || !same_text(a->text, b->text) ||
		!same_text(a->zone, b->zone))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_condition(&a->operands[i], &b->operands[i]))
			return false;
	return true;
}

/* ---- comparing ---- */

/* The row without what does not count. */
static struct reeve_definition stripped(const struct reeve_definition *row)
{
	struct reeve_definition d;

	memcpy(&d, row, sizeof(d));
	d.condition = NULL;
	switch (d.kind) {
#define STRIP(member)                                                                              \
	d.u.member.created_wall = 0;                                                               \
	d.u.member.revision = 0
	case REEVE_DEFINITION_GROUP:
		STRIP(group);
		d.u.group.modified_wall = 0;
		break;
	case REEVE_DEFINITION_USER:
		d.u.user.created_wall = 0;
		break;
	case REEVE_DEFINITION_RULE:
		STRIP(rule);
		d.u.rule.modified_wall = 0;
		break;
	case REEVE_DEFINITION_PLAN:
		STRIP(plan);
		d.u.plan.modified_wall = 0;
		break;
	case REEVE_DEFINITION_DIRECTIVE:
		STRIP(directive);
		d.u.directive.modified_wall = 0;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		STRIP(schedule);
		d.u.schedule.modified_wall = 0;
		break;
	case REEVE_DEFINITION_WINDOW:
		STRIP(window);
		d.u.window.modified_wall = 0;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		STRIP(server_pool);
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		STRIP(memory_pool);
		break;
	case REEVE_DEFINITION_CHOSEN_PLAN:
		d.u.chosen_plan.since_wall = 0;
		break;
	default:
		break;
#undef STRIP
	}
	return d;
}

REEVE_API bool reeve_definition_equal(
	const struct reeve_definition *a, const struct reeve_definition *b)
{
	struct reeve_definition x, y;

	if (!a || !b || a->kind != b->kind || a->id != b->id)
		return false;
	x = stripped(a);
	y = stripped(b);
	return memcmp(&x.u, &y.u, sizeof(x.u)) == 0 && same_condition(a->condition, b->condition);
}

static int order(uint32_t kind, uint64_t id, const struct reeve_definition *b)
{
	if (kind != b->kind)
		return kind < b->kind ? -1 : 1;
	return id < b->id ? -1 : id > b->id;
}

/* Place of a kind and id among the rows, or where it would be. */
static uint32_t place_of(const struct reeve_definitions *d, uint32_t kind, uint64_t id)
{
	uint32_t low = 0, high = d->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (order(kind, id, &d->rows[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

REEVE_API const struct reeve_definition *reeve_definitions_find(
	const struct reeve_definitions *definitions, uint32_t kind, uint64_t id)
{
	uint32_t at;

	if (!definitions)
		return NULL;
	at = place_of(definitions, kind, id);
	return at < definitions->count && order(kind, id, &definitions->rows[at]) == 0
		       ? &definitions->rows[at]
		       : NULL;
}

REEVE_API uint32_t reeve_definitions_diff(const struct reeve_definitions *from,
	const struct reeve_definitions *to, reeve_definition_diff_fn found, void *arg)
{
	uint32_t i = 0, k = 0, n = 0;

	while (from && to && (i < from->count || k < to->count)) {
		const struct reeve_definition *a = i < from->count ? &from->rows[i] : NULL;
		const struct reeve_definition *b = k < to->count ? &to->rows[k] : NULL;
		int which = !a ? 1 : !b ? -1 : order(a->kind, a->id, b);
		i += which <= 0;
		k += which >= 0;
		if (which == 0 && reeve_definition_equal(a, b))
			continue;
		n++;
		if (found)
			found(arg, which <= 0 ? a : NULL, which >= 0 ? b : NULL);
	}
	return n;
}

/* ---- sets ---- */

static int no_memory(struct reeve_error *err)
{
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory for definitions");
}

/* Room for one more at a place; its content is the caller's to fill. */
static struct reeve_definition *open_row(struct reeve_definitions *d, uint32_t at)
{
	uint32_t n = d->count;

	/* grown at powers of two: the count says when */
	if ((n & (n - 1)) == 0) {
		size_t room = n ? (size_t)n * 2 : 1;
		struct reeve_definition *rows = realloc(d->rows, room * sizeof(*rows));
		if (!rows)
			return NULL;
		d->rows = rows;
	}
	memmove(&d->rows[at + 1], &d->rows[at], (n - at) * sizeof(d->rows[0]));
	d->count++;
	return &d->rows[at];
}

REEVE_API int reeve_definitions_put(struct reeve_definitions *definitions,
	const struct reeve_definition *row, struct reeve_error *err)
{
	struct reeve_condition *condition = NULL;
	struct reeve_definition *to;
	uint32_t at;

	if (!definitions || !row || row->kind >= REEVE_DEFINITION_KINDS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"definitions or row is NULL, or its kind none of 0 to %u",
			REEVE_DEFINITION_KINDS - 1u);
	if (row->condition && !(condition = reeve_condition_clone(row->condition)))
		return no_memory(err);
	at = place_of(definitions, row->kind, row->id);
	if (at < definitions->count && order(row->kind, row->id, &definitions->rows[at]) == 0) {
		to = &definitions->rows[at];
		free(to->condition);
	} else if (!(to = open_row(definitions, at))) {
		free(condition);
		return no_memory(err);
	}
	memcpy(to, row, sizeof(*to));
	to->condition = condition;
	return 0;
}

REEVE_API void reeve_definitions_drop(
	struct reeve_definitions *definitions, uint32_t kind, uint64_t id)
{
	const struct reeve_definition *row = reeve_definitions_find(definitions, kind, id);
	struct reeve_definition *rows;
	uint32_t at;

	if (!row)
		return;
	at = (uint32_t)(row - definitions->rows);
	free(row->condition);
	definitions->count--;
	memmove(&definitions->rows[at], &definitions->rows[at + 1],
		(definitions->count - at) * sizeof(definitions->rows[0]));
	/* open_row grows at powers of two: let the room be what the count says. */
	if (definitions->count && (definitions->count & (definitions->count - 1)) == 0) {
		rows = realloc(definitions->rows, definitions->count * sizeof(*rows));
		if (rows)
			definitions->rows = rows;
	}
}

REEVE_API void reeve_definitions_fini(struct reeve_definitions *definitions)
{
	if (!definitions)
		return;
	for (uint32_t i = 0; i < definitions->count; i++)
		free(definitions->rows[i].condition);
	free(definitions->rows);
	*definitions = (struct reeve_definitions)REEVE_DEFINITIONS_INIT;
}

/* ---- copying ---- */

static void begin_row(struct reeve_definition *row, uint32_t kind, uint64_t id)
{
	memset(row, 0, sizeof(*row));
	row->kind = kind;
	row->id = id;
}

/* Behind the others; they are put in order when all are there. */
static int add_row(
	struct reeve_definitions *d, const struct reeve_definition *row, struct reeve_error *err)
{
	struct reeve_condition *condition = NULL;
	struct reeve_definition *to;

	if (row->condition && !(condition = reeve_condition_clone(row->condition)))
		return no_memory(err);
	to = open_row(d, d->count);
	if (!to) {
		free(condition);
		return no_memory(err);
	}
	memcpy(to, row, sizeof(*to));
	to->condition = condition;
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct reeve_definition *row = a;

	return order(row->kind, row->id, b);
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
			rc = add_row(d, &row, err);
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
				rc = add_row(d, &row, err);
		}
	return rc;
}

static int copy_rules(struct reeve *r, struct reeve_definitions *d, struct reeve_error *err)
{
	struct reeve_condition_copy *condition = malloc(sizeof(*condition));
	struct reeve_rule_info infos[BATCH];
	struct reeve_definition row;
	uint32_t from = 0, n;
	int rc = condition ? 0 : no_memory(err);

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
			rc = add_row(d, &row, err);
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
			rc = add_row(d, &row, err);
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
			rc = add_row(d, &row, err);
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
			rc = add_row(d, &row, err);
		}
	after = 0;
	while (!rc && (n = reeve_window_copy(r, (reeve_window_id){after}, windows, BATCH)))
		for (uint32_t i = 0; !rc && i < n; i++) {
			after = windows[i].id.v;
			begin_row(&row, REEVE_DEFINITION_WINDOW, after);
			row.u.window = windows[i];
			row.u.window.is_open = false;
			row.u.window.next_open_wall = row.u.window.next_close_wall = 0;
			rc = add_row(d, &row, err);
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
			rc = add_row(d, &row, err);
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
		rc = add_row(d, &row, err);
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
		rc = add_row(d, &row, err);
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
	rc = add_row(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_CHOSEN_PLAN, 1);
	row.u.chosen_plan.plan.v =
		reeve__plan_chosen(r, &row.u.chosen_plan.since_wall, &row.u.chosen_plan.is_locked);
	if (!rc)
		rc = add_row(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_CPU_CONFIG, 1);
	row.u.cpu_config.quantum_ns = cpu.quantum_ns;
	row.u.cpu_config.runaway_detection = cpu.runaway_detection;
	row.u.cpu_config.runaway_threshold_ns = cpu.runaway_threshold_ns;
	row.u.cpu_config.runaway_throttle_ppm = cpu.runaway_throttle_ppm;
	row.u.cpu_config.policy = cpu.policy;
	if (!rc)
		rc = add_row(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_IO_CONFIG, 1);
	row.u.io_config.policy = io.policy;
	row.u.io_config.max_concurrent = io.max_concurrent;
	row.u.io_config.burst_ppm = io.burst_ppm;
	memcpy(row.u.io_config.deadlines, io.deadlines, sizeof(io.deadlines));
	if (!rc)
		rc = add_row(d, &row, err);
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
		rc = add_row(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_PARALLEL_CONFIG, 1);
	row.u.parallel_config.cpu_cores = parallel.cpu_cores;
	row.u.parallel_config.io_parallelism = parallel.io_parallelism;
	row.u.parallel_config.max_total_dop = parallel.max_total_dop;
	row.u.parallel_config.downgrade_enabled = parallel.downgrade_enabled;
	row.u.parallel_config.queue_timeout_ns = parallel.queue_timeout_ns;
	if (!rc)
		rc = add_row(d, &row, err);
	begin_row(&row, REEVE_DEFINITION_SESSION_CONFIG, 1);
	row.u.session_config.global_session_limit = session.global_session_limit;
	row.u.session_config.timeout_checker_enabled = session.timeout_checker_enabled;
	row.u.session_config.auto_terminate_enabled = session.auto_terminate_enabled;
	row.u.session_config.default_idle_timeout_ns = session.default_idle_timeout_ns;
	row.u.session_config.default_max_execution_ns = session.default_max_execution_ns;
	row.u.session_config.idle_mark_ns = session.idle_mark_ns;
	row.u.session_config.execution_timeout_action = session.execution_timeout_action;
	return rc ? rc : add_row(d, &row, err);
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
	qsort(d.rows, d.count, sizeof(d.rows[0]), compare_rows);
	reeve__counters_get(reeve, d.next_ids, &d.revision);
	*ret_definitions = d;
	return 0;
}

REEVE_API void reeve_revision_raise(struct reeve *reeve, uint64_t at_least)
{
	uint64_t now;

	if (!reeve)
		return;
	now = reeve__get(&reeve->header->revision);
	while (now < at_least &&
		!atomic_compare_exchange_weak(&reeve->header->revision, &now, at_least))
		continue;
}
