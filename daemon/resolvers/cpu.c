/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.c - the CPU scheduler: statistics, settings, registrations, tasks. */
#include "clock.h"
#include "resolvers/resolvers.h"

#define BATCH	     32	  /* tasks looked at a time */
#define MAX_RUNAWAYS 1024 /* ids one call reports; the count is always whole */

/* In the order of enum reeve_task_state, from 1; and of TaskState in the schema, from 0. */
static const char *const state_names[] = {
	"Ready", "Running", "Waiting", "Sleeping", "Throttled", "Completed"};
static const char *const state_kinds[] = {
	"READY", "RUNNING", "WAITING", "SLEEPING", "THROTTLED", "COMPLETED"};

const char *const reeved_cpu_policy_names[4] = {
	"CompletelyFair", "FairShare", "PriorityRoundRobin", "WeightedFairQueuing"};
const char *const reeved_cpu_policy_kinds[4] = {
	"COMPLETELY_FAIR", "FAIR_SHARE", "PRIORITY_ROUND_ROBIN", "WEIGHTED_FAIR_QUEUING"};

struct runaways {
	uint64_t ids[MAX_RUNAWAYS];
	uint32_t n_ids;
	uint32_t count;
};

/* Statistics */

REEVED_STATS(resolve_stats, struct reeve_cpu_stats, reeve_cpu_stats_get, cpu)

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

REEVED_LIST(
	groups, struct reeve_cpu_group_stats, group.v, reeve_group_id, reeve_cpu_group_stats_copy);

static int resolve_list_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &groups);
}

/* Slots are few: at most 1,024. */
static int resolve_slots(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_cpu_config config;
	reeve_cpu_config_get(reeve, &config);
	struct reeve_cpu_slot_stats *slots =
		reeve_gql_alloc(ctx, config.cpu_slots * sizeof(*slots));
	if (slots == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n = reeve_cpu_slot_stats_copy(reeve, slots, config.cpu_slots);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n && i < config.cpu_slots; i++)
		reeve_gql_emit_object(ctx, &slots[i]);
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

#define CONFIG(name_, take_, member_, ...)                                                         \
	REEVED_FIELD(name_, take_, struct reeve_cpu_config, member_, __VA_ARGS__)
static const struct reeved_field config_fields[] = {
	CONFIG("policy", NAME, policy, REEVED_AMONG(reeved_cpu_policy_names)),
	CONFIG("quantumMs", INT, quantum_ns, REEVED_BETWEEN(1, 1000), .unit = REEVE_MSEC),
	CONFIG("runawayDetectionEnabled", BOOL, runaway_detection, ),
	CONFIG("runawayThresholdSeconds", INT, runaway_threshold_ns, REEVED_BETWEEN(1, INT32_MAX),
		.unit = REEVE_SEC),
	CONFIG("runawayThrottleFactor", FLOAT, runaway_throttle_ppm,
		REEVED_BETWEEN(REEVE_PPM / 10, REEVE_PPM), .unit = REEVE_PPM),
};

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *r = reeved_segment_of(ctx);
	struct reeve_cpu_config config;
	struct reeve_error err;
	/* The library sets all of it at once; what is not given must not be an older value. */
	reeve_cpu_config_get(r, &config);
	if (REEVED_READ(ctx, NULL, config_fields, &config, NULL) != 0)
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

/* Those over the threshold, earlier finds included. */
static int resolve_current_runaways(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_task_info infos[BATCH];
	reeve_task_id after = {0};
	uint32_t n;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_task_copy(reeved_segment_of(ctx), after, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			after = infos[i].id;
			if (infos[i].is_runaway)
				reeve_gql_emit_u64(ctx, after.v);
		}
	} while (n == BATCH);
	return reeve_gql_list_end(ctx);
}

static int resolve_runaway_actions(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct runaways *runaways = object;
	struct reeve_task_info info;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < runaways->n_ids; i++) {
		reeve_task_id id = {runaways->ids[i]};
		if (reeve_task_get(reeved_segment_of(ctx), id, &info, NULL) == 0)
			reeve_gql_emit_str(
				ctx, reeve_gql_printf(ctx, "Task %llu runs at %u %% of its speed.",
					     (unsigned long long)id.v,
					     info.throttle_ppm / (REEVE_PPM / 100)));
	}
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

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("groupId", U64, struct reeve_task_info, group.v, REEVED_ID),
	REEVED_FIELD("queryId", U64, struct reeve_task_info, query_id, REEVED_ID),
	REEVED_FIELD("state", NAME, struct reeve_task_info, state, REEVED_AMONG(state_names),
		.least = REEVE_TASK_READY),
	REEVED_FIELD("isRunaway", BOOL, struct reeve_task_info, is_runaway, ),
};

REEVED_LIST(tasks, struct reeve_task_info, id.v, reeve_task_id, reeve_task_copy);

static int resolve_list_tasks(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, reeve_gql_arg(ctx, "filter"), filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &tasks, NULL, &filter, page);
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

static const char *const suspended_names[] = {"Waiting", "Sleeping"};

struct suspension {
	uint32_t state;
};

static int resolve_suspend(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {REEVED_FIELD("state", NAME, struct suspension,
		state, REEVED_AMONG(suspended_names), .least = REEVE_TASK_WAITING)};
	reeve_task_id id = {reeved_arg_id(ctx, "taskId")};
	struct suspension suspension = {0};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, fields, &suspension, NULL) != 0)
		return -1;
	if (reeve_task_suspend(reeved_segment_of(ctx), id, suspension.state, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Task %llu is %s until it is resumed.",
		(unsigned long long)id.v,
		suspension.state == REEVE_TASK_WAITING ? "waiting" : "sleeping");
}

REEVED_CHANGE(
	resolve_resume, reeve_task_resume, reeve_task_id, "taskId", "Task %llu is ready again.")

#define S "CpuSchedulerStats"
#define C "CpuSchedulerConfig"
#define G "CpuGroupStats"
#define T "CpuTask"
#define K "CpuCoreStats"
static const struct reeve_gql_binding rows[] = {
	UINT(S, "totalScheduled", struct reeve_cpu_stats, scheduled, ),
	UINT(S, "contextSwitches", struct reeve_cpu_stats, context_switches, ),
	UINT(S, "totalCpuTime", struct reeve_cpu_stats, cpu_ns, ),
	UINT(S, "runawayQueriesDetected", struct reeve_cpu_stats, runaways, ),
	UINT(S, "throttledTasks", struct reeve_cpu_stats, throttled, ),
	FN(S, "avgWaitTime", resolve_avg_wait),
	REEVE_GQL_BIND_MEMBER(S, "waitLatency", REEVE_GQL_STRUCT, struct reeve_cpu_stats, wait, ),
	NAMED(S, "policy", struct reeve_cpu_stats, policy, reeved_cpu_policy_kinds),
	UINT(S, "preemptions", struct reeve_cpu_stats, preemptions, ),
	UINT(S, "readyTasks", struct reeve_cpu_stats, ready, ),
	UINT(S, "runningTasks", struct reeve_cpu_stats, running, ),
	UINT(S, "throttledNow", struct reeve_cpu_stats, throttled_now, ),
	UINT(S, "minVruntime", struct reeve_cpu_stats, min_vruntime, ),
	UINT(S, "totalShares", struct reeve_cpu_stats, total_shares, ),

	REEVE_GQL_BIND_MEMBER(C, "quantumMs", REEVE_GQL_INT, struct reeve_cpu_config, quantum_ns,
		.divisor = 1000000),
	NAMED(C, "policy", struct reeve_cpu_config, policy, reeved_cpu_policy_kinds),
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
	REEVE_GQL_BIND_MEMBER(
		G, "waitLatency", REEVE_GQL_STRUCT, struct reeve_cpu_group_stats, wait, ),

	UINT(T, "taskId", struct reeve_task_info, id.v, ),
	UINT(T, "queryId", struct reeve_task_info, query_id, ),
	UINT(T, "groupId", struct reeve_task_info, group.v, ),
	UINT(T, "sessionId", struct reeve_task_info, session.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(T, "priority", struct reeve_task_info, priority, ),
	UINT(T, "effectivePriority", struct reeve_task_info, effective_priority, ),
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
	UINT(T, "core", struct reeve_task_info, slot, .flags = REEVE_GQL_LIMIT_IS_NULL),
	BOOL(T, "managed", struct reeve_task_info, is_managed),

	UINT(K, "core", struct reeve_cpu_slot_stats, slot, ),
	UINT(K, "cpuTimeUsed", struct reeve_cpu_slot_stats, cpu_ns, ),
	UINT(K, "tasksScheduled", struct reeve_cpu_slot_stats, scheduled, ),
	UINT(K, "contextSwitches", struct reeve_cpu_slot_stats, context_switches, ),
	BOOL(K, "isBusy", struct reeve_cpu_slot_stats, is_busy),
	UINT(K, "taskId", struct reeve_cpu_slot_stats, task.v, .flags = REEVE_GQL_ZERO_IS_NULL),

	FN("RunawayReport", "taskIds", resolve_runaway_ids),
	FN("RunawayReport", "currentTaskIds", resolve_current_runaways),
	FN("RunawayReport", "actions", resolve_runaway_actions),
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
	FN("Query", "getCpuCoreStats", resolve_slots),
	ACTS("Query", "detectRunawayQueries", resolve_detect),

	DEFINES("Mutation", "registerCpuGroup", resolve_register),
	DEFINES("Mutation", "unregisterCpuGroup", resolve_unregister),
	ACTS("Mutation", "addCpuTask", resolve_add_task),
	ACTS("Mutation", "scheduleNextCpuTask", resolve_schedule),
	ACTS("Mutation", "updateCpuTask", resolve_update_task),
	ACTS("Mutation", "yieldCpuTask", resolve_yield_task),
	ACTS("Mutation", "suspendCpuTask", resolve_suspend),
	ACTS("Mutation", "resumeCpuTask", resolve_resume),
	ACTS("Mutation", "completeCpuTask", resolve_complete_task),
	ACTS("Mutation", "detectRunawayQueries", resolve_detect),
	ACTS("Mutation", "rebalanceCpuGroups", resolve_rebalance),
	DEFINES("Mutation", "configureCpuScheduler", resolve_configure),
};
const struct reeve_gql_table reeved_cpu_table = {rows, REEVED_COUNT(rows)};
