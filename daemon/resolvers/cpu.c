/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - the CPU scheduler: statistics, settings, registrations, tasks. */
#include "clock.h"
#include "resolvers/resolvers.h"

#include <math.h>

#define BATCH	     32
#define MAX_RUNAWAYS 1024 /* ids one call reports; the count is always whole */

/* In the order of enum reeve_task_state, from 1; and of TaskState in the schema, from 0. */
static const char *const state_names[] = {
	"Ready", "Running", "Waiting", "Sleeping", "Throttled", "Completed"};
static const char *const state_kinds[] = {
	"READY", "RUNNING", "WAITING", "SLEEPING", "THROTTLED", "COMPLETED"};

struct runaways {
	uint64_t ids[MAX_RUNAWAYS];
	uint32_t n_ids;
	uint32_t count;
};

/* Statistics */

static int resolve_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_cpu_stats stats;
	reeve_cpu_stats_get(reeved_segment_of(ctx), &stats);
	return reeve_gql_emit_object(ctx, &stats);
}

static int resolve_avg_wait(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_cpu_stats *stats = object;
	return reeve_gql_emit_u64(ctx, stats->waits > 0 ? stats->wait_ns / stats->waits : 0);
}

int reeved_emit_cpu_group(struct reeve_gql_ctx *ctx, reeve_group_id id)
{
	struct reeve_cpu_group_stats stats;
	if (reeve_cpu_group_stats_get(reeved_segment_of(ctx), id, &stats, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &stats);
}

static int resolve_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_cpu_group_stats stats;
	struct reeve_error err;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	if (reeve_cpu_group_stats_get(reeved_segment_of(ctx), id, &stats, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &stats);
}

static int resolve_list_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_cpu_group_stats stats[BATCH];
	reeve_group_id after = {0};
	uint32_t n;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_cpu_group_stats_copy(reeved_segment_of(ctx), after, stats, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			reeve_gql_emit_object(ctx, &stats[i]);
			after = stats[i].group;
		}
	} while (n == BATCH);
	return reeve_gql_list_end(ctx);
}

static int resolve_limit_percent(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_cpu_group_stats *stats = object;
	if (stats->cap_ppm >= REEVE_PPM)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_u64(ctx, stats->cap_ppm / (REEVE_PPM / 100));
}

static int resolve_usage(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_cpu_group_stats *stats = object;
	return reeve_gql_emit_double(ctx,
		reeved_clock_usage_percent(reeved_client_of(ctx)->daemon->clock, stats->group));
}

/* Settings */

static int resolve_config(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_cpu_config config;
	reeve_cpu_config_get(reeved_segment_of(ctx), &config);
	return reeve_gql_emit_object(ctx, &config);
}

static int read_throttle(struct reeve_gql_ctx *ctx, struct reeve_cpu_config *config)
{
	double factor;
	switch (reeve_gql_arg_double(ctx, "runawayThrottleFactor", &factor)) {
	case REEVE_GQL_OMITTED:
		return 0;
	case REEVE_GQL_NULL:
		return reeved_refuse_null(ctx, "runawayThrottleFactor");
	case REEVE_GQL_GIVEN:
		break;
	}
	if (!(factor >= 0.1 && factor <= 1.0))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"runawayThrottleFactor is %g, and must be 0.1 to 1.0", factor);
	config->runaway_throttle_ppm = (uint32_t)lround(factor * REEVE_PPM);
	return 0;
}

/* An Int in units of `unit_ns`. */
static int read_span(struct reeve_gql_ctx *ctx, const char *name, uint32_t most, reeve_ns unit_ns,
	reeve_ns *ret_ns)
{
	uint32_t number;
	int given = reeved_take_int(ctx, reeve_gql_arg(ctx, name), name, 1, most, &number);
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, name);
	if (given == REEVE_GQL_GIVEN)
		*ret_ns = (reeve_ns)number * unit_ns;
	return given < 0 ? -1 : 0;
}

static int read_config(struct reeve_gql_ctx *ctx, struct reeve_cpu_config *config)
{
	if (reeve_gql_arg_bool(ctx, "runawayDetectionEnabled", &config->runaway_detection) ==
		REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "runawayDetectionEnabled");
	if (read_span(ctx, "quantumMs", 1000, REEVE_MSEC, &config->quantum_ns) != 0 ||
		read_span(ctx, "runawayThresholdSeconds", INT32_MAX, REEVE_SEC,
			&config->runaway_threshold_ns) != 0)
		return -1;
	return read_throttle(ctx, config);
}

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *r = reeved_segment_of(ctx);
	struct reeve_cpu_config config;
	struct reeve_error err;
	/* The library sets all of it at once; what is not given must not be an older value. */
	reeve_cpu_config_get(r, &config);
	if (read_config(ctx, &config) != 0)
		return -1;
	if (reeve_cpu_config_set(r, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The CPU scheduler was configured.");
}

/* Registrations */

static int resolve_register(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_error err;
	uint32_t shares = 0, cap = 0;
	int given = reeved_take_int(
		ctx, reeve_gql_arg(ctx, "shares"), "shares", 1, REEVE_SHARES_MAX, &shares);
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "shares");
	if (given < 0 || reeved_take_int(ctx, reeve_gql_arg(ctx, "limitPercent"), "limitPercent", 1,
				 100, &cap) < 0)
		return -1;
	if (reeve_cpu_group_register(reeved_segment_of(ctx), group, shares, cap, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Consumer group %llu has %u shares until the next activation.",
		(unsigned long long)group.v, shares);
}

static int resolve_unregister(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_error err;
	if (reeve_cpu_group_unregister(reeved_segment_of(ctx), group, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Consumer group %llu has the shares of its plan again.",
		(unsigned long long)group.v);
}

static int resolve_rebalance(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	int changed = reeve_cpu_rebalance(reeved_segment_of(ctx), &err);
	if (changed < 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Shares were solved anew; %d weights changed.", changed);
}

/* Runaways */

static int resolve_detect(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct runaways *runaways = reeve_gql_alloc(ctx, sizeof(*runaways));
	reeve_task_id *ids = reeve_gql_alloc(ctx, MAX_RUNAWAYS * sizeof(*ids));
	struct reeve_error err;
	if (runaways == NULL || ids == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_cpu_detect_runaways(reeved_segment_of(ctx), ids, MAX_RUNAWAYS, NULL, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	runaways->count = (uint32_t)n;
	runaways->n_ids = n < MAX_RUNAWAYS ? (uint32_t)n : MAX_RUNAWAYS;
	for (uint32_t i = 0; i < runaways->n_ids; i++)
		runaways->ids[i] = ids[i].v;
	return reeve_gql_emit_object(ctx, runaways);
}

static int resolve_runaway_ids(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct runaways *runaways = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < runaways->n_ids; i++)
		reeve_gql_emit_u64(ctx, runaways->ids[i]);
	return reeve_gql_list_end(ctx);
}

/* Tasks */

static int emit_state(
	struct reeve_gql_ctx *ctx, const struct reeve_task_info *info, const char *const *names)
{
	uint32_t index = info->state - REEVE_TASK_READY;
	if (index >= REEVED_COUNT(state_names))
		return reeved_refuse(ctx, REEVE_EINTERNAL, "task %llu is in the unknown state %u",
			(unsigned long long)info->id.v, info->state);
	return reeve_gql_emit_str(ctx, names[index]);
}

static int resolve_task_state(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, state_names);
}

static int resolve_task_state_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, state_kinds);
}

static int resolve_slice(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_ns left = ((const struct reeve_task_info *)object)->slice_left_ns;
	return reeve_gql_emit_i64(ctx, left > 0 ? left : 0);
}

static int emit_task(struct reeve_gql_ctx *ctx, reeve_task_id id)
{
	struct reeve_task_info info;
	struct reeve_error err;
	if (reeve_task_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get_task(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_task(ctx, (reeve_task_id){reeved_arg_id(ctx, "taskId")});
}

struct task_filter {
	bool has_group, has_query, has_state, has_runaway, is_runaway;
	uint64_t group, query;
	unsigned state;
};

static void read_filter(const struct reeve_gql_ctx *ctx, struct task_filter *ret)
{
	const struct reeve_gql_value *filter = reeve_gql_arg(ctx, "filter");
	*ret = (struct task_filter){0};
	if (reeve_gql_value_given(filter) != REEVE_GQL_GIVEN)
		return;
	ret->has_group = reeve_gql_value_u64(reeve_gql_value_member(filter, "groupId"),
				 &ret->group) == REEVE_GQL_GIVEN;
	ret->has_query = reeve_gql_value_u64(reeve_gql_value_member(filter, "queryId"),
				 &ret->query) == REEVE_GQL_GIVEN;
	ret->has_state = reeve_gql_value_enum(reeve_gql_value_member(filter, "state"),
				 &ret->state) == REEVE_GQL_GIVEN;
	ret->has_runaway = reeve_gql_value_bool(reeve_gql_value_member(filter, "isRunaway"),
				   &ret->is_runaway) == REEVE_GQL_GIVEN;
}

static bool filter_admits(const struct task_filter *filter, const struct reeve_task_info *info)
{
	return !(filter->has_group && filter->group != info->group.v) &&
	       !(filter->has_query && filter->query != info->query_id) &&
	       !(filter->has_state && filter->state + REEVE_TASK_READY != info->state) &&
	       !(filter->has_runaway && filter->is_runaway != info->is_runaway);
}

static int resolve_list_tasks(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_task_info infos[BATCH];
	struct task_filter filter;
	struct reeved_page page;
	uint32_t n;
	read_filter(ctx, &filter);
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_task_copy(
			reeved_segment_of(ctx), (reeve_task_id){page.after}, infos, BATCH);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			page.after = infos[i].id.v;
			if (!filter_admits(&filter, &infos[i]))
				continue;
			reeve_gql_emit_object(ctx, &infos[i]);
			page.left--;
		}
	} while (n == BATCH && page.left > 0);
	return reeve_gql_list_end(ctx);
}

static int resolve_add_task(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_error err;
	reeve_task_id id;
	uint32_t priority = 0;
	int given = reeved_take_int(ctx, reeve_gql_arg(ctx, "priority"), "priority",
		REEVE_PRIORITY_HIGHEST, REEVE_PRIORITY_LOWEST, &priority);
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "priority");
	if (given < 0)
		return -1;
	if (reeve_task_create(reeved_segment_of(ctx), reeved_arg_id(ctx, "queryId"), group,
		    priority, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_task(ctx, id);
}

/* ScheduleCpuPayload is the task, or no id when there was none. */
static int resolve_schedule(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeve_task_info none;
	struct reeve_task_info info;
	struct reeve_error err;
	int rc = reeve_task_next(reeved_segment_of(ctx), &info, &err);
	if (rc != 0 && rc != REEVE_ENOT_FOUND)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, rc == 0 ? &info : &none);
}

static int resolve_scheduled(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(ctx, ((const struct reeve_task_info *)object)->id.v != 0);
}

static int resolve_scheduled_task(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_task_info *info = object;
	return reeve_gql_emit_object(ctx, info->id.v != 0 ? info : NULL);
}

static int resolve_scheduled_slice(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_task_info *info = object;
	return info->id.v != 0 ? resolve_slice(ctx, object) : reeve_gql_emit_null(ctx);
}

typedef int (*report_fn)(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err);

static int report(struct reeve_gql_ctx *ctx, report_fn fn, const char *what)
{
	reeve_task_id id = {reeved_arg_id(ctx, "taskId")};
	struct reeve_error err;
	if (fn(reeved_segment_of(ctx), id, reeved_arg_id(ctx, "cpuTimeNs"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Task %llu was %s.", (unsigned long long)id.v, what);
}

static int resolve_update_task(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return report(ctx, reeve_task_charge, "charged");
}

static int resolve_yield_task(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return report(ctx, reeve_task_yield, "put back among the ready");
}

static int resolve_complete_task(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return report(ctx, reeve_task_complete, "completed");
}

#define S "CpuSchedulerStats"
#define C "CpuSchedulerConfig"
#define G "CpuGroupStats"
#define T "CpuTask"
static const struct reeve_gql_binding rows[] = {
	UINT(S, "totalScheduled", struct reeve_cpu_stats, scheduled, ),
	UINT(S, "contextSwitches", struct reeve_cpu_stats, context_switches, ),
	UINT(S, "totalCpuTime", struct reeve_cpu_stats, cpu_ns, ),
	UINT(S, "runawayQueriesDetected", struct reeve_cpu_stats, runaways, ),
	UINT(S, "throttledTasks", struct reeve_cpu_stats, throttled, ),
	FN(S, "avgWaitTime", resolve_avg_wait),
	UINT(S, "preemptions", struct reeve_cpu_stats, preemptions, ),
	UINT(S, "readyTasks", struct reeve_cpu_stats, ready, ),
	UINT(S, "runningTasks", struct reeve_cpu_stats, running, ),
	UINT(S, "throttledNow", struct reeve_cpu_stats, throttled_now, ),
	UINT(S, "minVruntime", struct reeve_cpu_stats, min_vruntime, ),
	UINT(S, "totalShares", struct reeve_cpu_stats, total_shares, ),

	REEVE_GQL_BIND_MEMBER(C, "quantumMs", REEVE_GQL_INT, struct reeve_cpu_config, quantum_ns,
		.divisor = 1000000),
	BOOL(C, "runawayDetectionEnabled", struct reeve_cpu_config, runaway_detection),
	REEVE_GQL_BIND_MEMBER(C, "runawayThresholdSeconds", REEVE_GQL_INT, struct reeve_cpu_config,
		runaway_threshold_ns, .divisor = 1000000000),
	UINT(C, "runawayThrottleFactor", struct reeve_cpu_config, runaway_throttle_ppm,
		.divisor = REEVE_PPM),
	UINT(C, "cores", struct reeve_cpu_config, cpu_slots, ),

	UINT(G, "groupId", struct reeve_cpu_group_stats, group.v, ),
	UINT(G, "shares", struct reeve_cpu_group_stats, shares, ),
	FN(G, "limitPercent", resolve_limit_percent),
	UINT(G, "cpuTimeUsed", struct reeve_cpu_group_stats, cpu_ns, ),
	UINT(G, "activeTasks", struct reeve_cpu_group_stats, tasks, ),
	UINT(G, "vruntime", struct reeve_cpu_group_stats, vruntime, ),
	UINT(G, "entitledPercent", struct reeve_cpu_group_stats, entitled_ppm, .divisor = 10000),
	FN(G, "usagePercent", resolve_usage),
	UINT(G, "throttledTimeNs", struct reeve_cpu_group_stats, throttled_ns, ),

	UINT(T, "taskId", struct reeve_task_info, id.v, ),
	UINT(T, "queryId", struct reeve_task_info, query_id, ),
	UINT(T, "groupId", struct reeve_task_info, group.v, ),
	UINT(T, "sessionId", struct reeve_task_info, session.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(T, "priority", struct reeve_task_info, priority, ),
	FN(T, "state", resolve_task_state),
	FN(T, "stateKind", resolve_task_state_kind),
	UINT(T, "cpuTimeUsed", struct reeve_task_info, cpu_ns, ),
	UINT(T, "scheduleCount", struct reeve_task_info, dispatches, ),
	TIME_NS(T, "lastScheduledAt", struct reeve_task_info, last_scheduled_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(T, "createdAt", struct reeve_task_info, created_wall, ),
	UINT(T, "vruntime", struct reeve_task_info, vruntime, ),
	UINT(T, "weight", struct reeve_task_info, weight_ppm, .divisor = REEVE_PPM),
	FN(T, "timeSliceRemaining", resolve_slice),
	BOOL(T, "isRunaway", struct reeve_task_info, is_runaway),
	UINT(T, "throttleFactor", struct reeve_task_info, throttle_ppm, .divisor = REEVE_PPM),
	BOOL(T, "managed", struct reeve_task_info, is_managed),

	FN("RunawayReport", "taskIds", resolve_runaway_ids),
	UINT("RunawayReport", "count", struct runaways, count, ),
	UINT("AddCpuTaskPayload", "taskId", struct reeve_task_info, id.v, ),
	SELF("AddCpuTaskPayload", "task"),
	FN("ScheduleCpuPayload", "scheduled", resolve_scheduled),
	UINT("ScheduleCpuPayload", "taskId", struct reeve_task_info, id.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	FN("ScheduleCpuPayload", "task", resolve_scheduled_task),
	FN("ScheduleCpuPayload", "sliceNs", resolve_scheduled_slice),

	FN("Query", "getCpuSchedulerStats", resolve_stats),
	FN("Query", "getCpuSchedulerConfig", resolve_config),
	FN("Query", "getCpuGroupStats", resolve_group_stats),
	FN("Query", "listCpuGroupStats", resolve_list_group_stats),
	FN("Query", "getCpuTask", resolve_get_task),
	FN("Query", "listCpuTasks", resolve_list_tasks),
	FN("Query", "detectRunawayQueries", resolve_detect),

	DEFINES("Mutation", "registerCpuGroup", resolve_register),
	DEFINES("Mutation", "unregisterCpuGroup", resolve_unregister),
	ACTS("Mutation", "addCpuTask", resolve_add_task),
	ACTS("Mutation", "scheduleNextCpuTask", resolve_schedule),
	ACTS("Mutation", "updateCpuTask", resolve_update_task),
	ACTS("Mutation", "yieldCpuTask", resolve_yield_task),
	ACTS("Mutation", "completeCpuTask", resolve_complete_task),
	ACTS("Mutation", "detectRunawayQueries", resolve_detect),
	ACTS("Mutation", "rebalanceCpuGroups", resolve_rebalance),
	DEFINES("Mutation", "configureCpuScheduler", resolve_configure),
};
const struct reeve_gql_table reeved_cpu_table = {rows, REEVED_COUNT(rows)};
