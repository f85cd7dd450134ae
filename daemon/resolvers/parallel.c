/* SPDX-License-Identifier: Apache-2.0 */
/* parallel.c - parallel execution: statistics, executions, degrees and limits. */
#include "resolvers/resolvers.h"

#include <string.h>

#define MAX_SERVERS 4096 /* ids told of one execution */
#define MAX_QUEUE   4096
#define COST_MAX    ((uint64_t)1 << 52) /* thousandths that a Float still tells apart */

const char *const reeved_parallel_mode_names[4] = {"Serial", "Manual", "Automatic", "Adaptive"};
static const char *const mode_kinds[] = {"SERIAL", "MANUAL", "AUTOMATIC", "ADAPTIVE"};
const char *const reeved_execution_state_names[6] = {
	"Queued", "Initializing", "Executing", "Completing", "Completed", "Failed"};
const char *const reeved_execution_state_kinds[6] = {
	"QUEUED", "INITIALIZING", "EXECUTING", "COMPLETING", "COMPLETED", "FAILED"};

/* Statistics */

REEVED_STATS(resolve_stats, struct reeve_parallel_stats, reeve_parallel_stats_get, parallel)

static int resolve_queue_latency(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_parallel_latency *l =
		&((const struct reeve_parallel_stats *)object)->queue_latency;
	struct reeve_wait_latency wait = {
		.count = l->count,
		.mean_ns = l->mean_ns,
		.min_ns = l->min_ns,
		.p50_ns = l->p50_ns,
		.p90_ns = l->p90_ns,
		.p99_ns = l->p99_ns,
		.p999_ns = l->p999_ns,
		.max_ns = l->max_ns,
	};
	return reeve_gql_emit_object(ctx, &wait);
}

/* Settings */

REEVED_WHOLE(resolve_config, struct reeve_parallel_config, reeve_parallel_config_get)

static const struct reeved_field config_fields[] = {
	REEVED_FIELD("maxTotalDop", INT, struct reeve_parallel_config, max_total_dop,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX)),
	REEVED_FIELD("ioParallelism", INT, struct reeve_parallel_config, io_parallelism,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX)),
	REEVED_FIELD("downgradeEnabled", BOOL, struct reeve_parallel_config, downgrade_enabled, ),
	REEVED_FIELD("defaultQueueTimeout", U64, struct reeve_parallel_config, queue_timeout_ns,
		REEVED_BETWEEN(1, 86400), .unit = REEVE_SEC),
};

static int configure(
	struct reeve_gql_ctx *ctx, const struct reeved_field *fields, size_t n, const char *done)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_parallel_config config;
	struct reeve_error err;
	reeve_parallel_config_get(reeve, &config);
	if (reeved_read_fields(ctx, NULL, fields, n, &config, NULL) != 0)
		return -1;
	if (reeve_parallel_config_set(reeve, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "%s", done);
}

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return configure(ctx, config_fields, REEVED_COUNT(config_fields),
		"Parallel execution was configured.");
}

static int resolve_set_downgrade(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {
		REEVED_FIELD("enabled", BOOL, struct reeve_parallel_config, downgrade_enabled, )};
	return configure(ctx, fields, 1, "Whether queries may start with less was set.");
}

static int resolve_load(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_double(
		ctx, (double)reeve_parallel_load_get(reeved_segment_of(ctx)) / REEVE_PPM);
}

struct load {
	uint32_t ppm;
};

static int resolve_set_load(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {REEVED_FIELD(
		"load", FLOAT, struct load, ppm, REEVED_BETWEEN(0, REEVE_PPM), .unit = REEVE_PPM)};
	struct load load = {0};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, fields, &load, NULL) != 0)
		return -1;
	if (reeve_parallel_load_set(reeved_segment_of(ctx), load.ppm, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The system load counts as %u.%02u %% for a minute.",
		load.ppm / 10000, load.ppm % 10000 / 100);
}

/* Executions */

REEVED_GET(resolve_execution, struct reeve_execution_info, reeve_execution_get, reeve_execution_id,
	"queryId")

static uint32_t copy_executions(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	(void)arg;
	return reeve_execution_copy(
		reeve, (reeve_execution_id){after}, REEVE_EXECUTIONS_ENDED, rows, capacity);
}

static const struct reeved_list executions = {copy_executions, sizeof(struct reeve_execution_info),
	offsetof(struct reeve_execution_info, id.v)};

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("groupId", U64, struct reeve_execution_info, group.v, REEVED_ID),
	REEVED_FIELD("sessionId", U64, struct reeve_execution_info, session_id, REEVED_ID),
	REEVED_FIELD("state", NAME, struct reeve_execution_info, state,
		REEVED_AMONG(reeved_execution_state_names)),
};

static int resolve_executions(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, reeve_gql_arg(ctx, "filter"), filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &executions, NULL, &filter, page);
}

static int resolve_queue(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_parallel_stats stats;
	reeve_parallel_stats_get(reeved_segment_of(ctx), &stats);
	uint32_t capacity = stats.queued_now < MAX_QUEUE ? stats.queued_now : MAX_QUEUE;
	struct reeve_execution_info *infos =
		reeve_gql_alloc(ctx, (capacity > 0 ? capacity : 1) * sizeof(*infos));
	if (infos == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n = reeve_execution_queue_copy(reeved_segment_of(ctx), infos, capacity);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n; i++)
		reeve_gql_emit_object(ctx, &infos[i]);
	return reeve_gql_list_end(ctx);
}

static int resolve_cost(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_execution_info *info = object;
	if (info->estimated_cost_milli == REEVE_UNLIMITED)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, (double)info->estimated_cost_milli / 1000.0);
}

static int resolve_execution_servers(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_execution_info *info = object;
	reeve_server_id *ids = reeve_gql_alloc(ctx, MAX_SERVERS * sizeof(*ids));
	if (ids == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n = reeve_execution_servers(reeved_segment_of(ctx), info->id, ids, MAX_SERVERS);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n && i < MAX_SERVERS; i++)
		reeve_gql_emit_u64(ctx, ids[i].v);
	return reeve_gql_list_end(ctx);
}

REEVED_TEXT_OF(resolve_failure, struct reeve_execution_info, failure)

static int resolve_is_queued(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(ctx,
		((const struct reeve_execution_info *)object)->state == REEVE_EXECUTION_QUEUED);
}

struct request {
	struct reeve_parallel_def def;
	uint64_t deadline_ms; /* 0: none */
};

/* What says how large a query is; requestedDop is checked by the library, which knows the mode. */
#define ESTIMATES                                                                                  \
	REEVED_FIELD("requestedDop", INT, struct request, def.requested_dop,                       \
		REEVED_BETWEEN(0, REEVE_PARALLEL_DOP_MAX), REEVED_OR_NULL(0)),                     \
		REEVED_FIELD("estimatedCost", FLOAT, struct request, def.estimated_cost_milli,     \
			REEVED_BETWEEN(0, COST_MAX), .unit = 1000,                                 \
			REEVED_OR_NULL(REEVE_UNLIMITED)),                                          \
		REEVED_FIELD("estimatedRows", U64, struct request, def.estimated_rows,             \
			REEVED_BETWEEN(0, INT64_MAX), REEVED_OR_NULL(REEVE_UNLIMITED))

static const struct reeved_field request_fields[] = {
	ESTIMATES,
	REEVED_FIELD(
		"mode", NAME, struct request, def.mode, REEVED_AMONG(reeved_parallel_mode_names)),
	REEVED_FIELD("minDop", INT, struct request, def.min_dop,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX), REEVED_OR_NULL(0)),
	REEVED_FIELD("priority", INT, struct request, def.priority,
		REEVED_BETWEEN(0, REEVE_PARALLEL_PRIORITY_LOWEST), REEVED_OR_NULL(0)),
	REEVED_FIELD("startDeadlineMs", INT, struct request, deadline_ms,
		REEVED_BETWEEN(1, INT32_MAX), REEVED_OR_NULL(0)),
};

static int resolve_request(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct request given = {REEVE_PARALLEL_DEF_INIT, 0};
	struct reeve_execution_info info;
	struct reeve_error err;
	bool allow;
	if (group.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	if (REEVED_READ(ctx, NULL, request_fields, &given, NULL) != 0)
		return -1;
	if (reeve_gql_arg_bool(ctx, "allowDowngrade", &allow) == REEVE_GQL_GIVEN)
		given.def.downgrade = allow ? REEVE_DOWNGRADE_YES : REEVE_DOWNGRADE_NO;
	if (given.deadline_ms != 0)
		given.def.deadline =
			reeve_now_mono(reeve) + (reeve_ns)given.deadline_ms * REEVE_MSEC;
	if (reeve_execution_request(
		    reeve, reeved_arg_id(ctx, "sessionId"), group, &given.def, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

/* What is not told stays as it was reported before. */
static int report(struct reeve_gql_ctx *ctx, reeve_execution_id id, struct reeve_error *err)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_execution_info info;
	int rc = reeve_execution_get(reeve, id, &info, err);
	if (rc != 0)
		return rc;
	bool has_rows = reeve_gql_arg_u64(ctx, "rowsProcessed", &info.rows) == REEVE_GQL_GIVEN;
	bool has_bytes = reeve_gql_arg_u64(ctx, "bytesProcessed", &info.bytes) == REEVE_GQL_GIVEN;
	if (!has_rows && !has_bytes)
		return 0;
	return reeve_execution_progress(reeve, id, info.rows, info.bytes, err);
}

static int resolve_progress(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_execution_id id = {reeved_arg_id(ctx, "queryId")};
	struct reeve_error err;
	if (report(ctx, id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The progress of parallel query %llu was noted.", (unsigned long long)id.v);
}

static int resolve_complete(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_execution_id id = {reeved_arg_id(ctx, "queryId")};
	const char *failure = NULL;
	struct reeve_error err;
	reeve_gql_arg_str(ctx, "failure", &failure);
	if (report(ctx, id, &err) != 0 ||
		reeve_execution_complete(reeved_segment_of(ctx), id, failure, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Parallel query %llu %s.", (unsigned long long)id.v,
		failure != NULL ? "has failed" : "is complete");
}

REEVED_CHANGE(resolve_cancel, reeve_execution_cancel, reeve_execution_id, "queryId",
	"Parallel query %llu was cancelled.")

/* Degrees */

static int resolve_auto_dop(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {ESTIMATES};
	struct request given = {REEVE_PARALLEL_DEF_INIT, 0};
	struct reeve_auto_dop dop;
	struct reeve_error err;
	reeve_group_id group = {0};
	if (reeve_gql_arg_u64(ctx, "groupId", &group.v) == REEVE_GQL_GIVEN && group.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	if (REEVED_READ(ctx, NULL, fields, &given, NULL) != 0)
		return -1;
	if (reeve_parallel_auto_dop(reeved_segment_of(ctx), group, given.def.requested_dop,
		    given.def.estimated_cost_milli, given.def.estimated_rows, &dop, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &dop);
}

static int resolve_steps(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_auto_dop *dop = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < dop->step_count; i++)
		reeve_gql_emit_str(ctx, dop->steps[i].text);
	return reeve_gql_list_end(ctx);
}

/* A group without any limit has none to be shown. */
static bool has_limit(const struct reeve_parallel_group_info *info)
{
	return info->degree != UINT32_MAX;
}

static int resolve_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	struct reeve_parallel_group_info info;
	struct reeve_error err;
	if (reeve_parallel_group_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, has_limit(&info) ? &info : NULL);
}

static int resolve_limits(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_parallel_group_info infos[32];
	reeve_group_id after = {0};
	uint32_t n;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_parallel_group_copy(
			reeved_segment_of(ctx), after, infos, REEVED_COUNT(infos));
		for (uint32_t i = 0; i < n; i++) {
			after = infos[i].group;
			if (has_limit(&infos[i]))
				reeve_gql_emit_object(ctx, &infos[i]);
		}
	} while (n == REEVED_COUNT(infos));
	return reeve_gql_list_end(ctx);
}

static int resolve_server_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_parallel_group_info *info = object;
	return reeved_emit_limit(
		ctx, info->servers == UINT32_MAX ? REEVE_UNLIMITED : info->servers);
}

static const struct reeved_field limit_fields[] = {
	REEVED_FIELD("limit", INT, struct reeve_parallel_group_info, degree,
		REEVED_BETWEEN(0, REEVE_PARALLEL_DOP_MAX)),
	REEVED_FIELD("serverLimit", INT, struct reeve_parallel_group_info, servers,
		REEVED_BETWEEN(0, REEVE_PARALLEL_DOP_MAX), REEVED_OR_NULL(UINT32_MAX)),
};

static int resolve_set_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_parallel_group_info given = {.servers = UINT32_MAX};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, limit_fields, &given, NULL) != 0)
		return -1;
	if (reeve_parallel_group_limit_set(
		    reeved_segment_of(ctx), group, given.degree, given.servers, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx,
		"Consumer group %llu has a degree of at most %u until the next activation.",
		(unsigned long long)group.v, given.degree);
}

REEVED_CHANGE(resolve_remove_limit, reeve_parallel_group_limit_clear, reeve_group_id, "groupId",
	"Consumer group %llu has the parallel limits of its plan again.")

#define C "ParallelConfig"
#define S "ParallelExecutionStats"
#define E "ParallelExecution"
#define L "GroupDopLimit"
#define R "RequestParallelExecutionPayload"
static const struct reeve_gql_binding rows[] = {
	UINT(C, "cpuCores", struct reeve_parallel_config, cpu_cores, ),
	UINT(C, "ioParallelism", struct reeve_parallel_config, io_parallelism, ),
	UINT(C, "maxTotalDop", struct reeve_parallel_config, max_total_dop, ),
	BOOL(C, "downgradeEnabled", struct reeve_parallel_config, downgrade_enabled),
	INT(C, "defaultQueueTimeout", struct reeve_parallel_config, queue_timeout_ns,
		.divisor = 1000000000),

	UINT(S, "totalParallelQueries", struct reeve_parallel_stats, parallel, ),
	UINT(S, "totalSerialQueries", struct reeve_parallel_stats, serial, ),
	UINT(S, "downgradedQueries", struct reeve_parallel_stats, downgraded, ),
	UINT(S, "queuedQueries", struct reeve_parallel_stats, queued, ),
	UINT(S, "avgDopGranted", struct reeve_parallel_stats, avg_dop_milli, .divisor = 1000),
	UINT(S, "peakTotalDop", struct reeve_parallel_stats, peak_total_dop, ),
	UINT(S, "serverUtilizationPct", struct reeve_parallel_stats, utilization_ppm,
		.divisor = 10000),
	UINT(S, "currentTotalDop", struct reeve_parallel_stats, current_total_dop, ),
	UINT(S, "maxTotalDop", struct reeve_parallel_stats, max_total_dop, ),
	UINT(S, "queuedNow", struct reeve_parallel_stats, queued_now, ),
	UINT(S, "executingNow", struct reeve_parallel_stats, executing_now, ),
	UINT(S, "queueTimeouts", struct reeve_parallel_stats, queue_timeouts, ),
	UINT(S, "failedQueries", struct reeve_parallel_stats, failed, ),
	UINT(S, "adaptiveAdjustments", struct reeve_parallel_stats, adjustments, ),
	FN(S, "queueLatency", resolve_queue_latency),

	UINT(E, "queryId", struct reeve_execution_info, id.v, ),
	UINT(E, "sessionId", struct reeve_execution_info, session_id, ),
	UINT(E, "groupId", struct reeve_execution_info, group.v, ),
	UINT(E, "grantedDop", struct reeve_execution_info, granted_dop, ),
	UINT(E, "requestedDop", struct reeve_execution_info, requested_dop, ),
	UINT(E, "targetDop", struct reeve_execution_info, target_dop, ),
	UINT(E, "minDop", struct reeve_execution_info, min_dop, ),
	NAMED(E, "mode", struct reeve_execution_info, mode, reeved_parallel_mode_names),
	NAMED(E, "modeKind", struct reeve_execution_info, mode, mode_kinds),
	FN(E, "estimatedCost", resolve_cost),
	UINT(E, "estimatedRows", struct reeve_execution_info, estimated_rows,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	BOOL(E, "allowDowngrade", struct reeve_execution_info, allow_downgrade),
	UINT(E, "priority", struct reeve_execution_info, priority, ),
	FN(E, "allocatedServers", resolve_execution_servers),
	UINT(E, "poolId", struct reeve_execution_info, pool.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(E, "requestedAt", struct reeve_execution_info, requested_wall, ),
	TIME_NS(E, "startedAt", struct reeve_execution_info, started_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(E, "completedAt", struct reeve_execution_info, ended_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(E, "deadline", struct reeve_execution_info, deadline_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	NAMED(E, "state", struct reeve_execution_info, state, reeved_execution_state_names),
	NAMED(E, "stateKind", struct reeve_execution_info, state, reeved_execution_state_kinds),
	UINT(E, "rowsProcessed", struct reeve_execution_info, rows, ),
	UINT(E, "bytesProcessed", struct reeve_execution_info, bytes, ),
	UINT(E, "queuePosition", struct reeve_execution_info, queue_position,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	FN(E, "failure", resolve_failure),

	UINT(L, "groupId", struct reeve_parallel_group_info, group.v, ),
	UINT(L, "limit", struct reeve_parallel_group_info, degree, ),
	FN(L, "serverLimit", resolve_server_limit),
	UINT(L, "dopInUse", struct reeve_parallel_group_info, in_use, ),
	UINT("AutoDopResult", "dop", struct reeve_auto_dop, dop, ),
	FN("AutoDopResult", "steps", resolve_steps),

	UINT(R, "queryId", struct reeve_execution_info, id.v, ),
	UINT(R, "grantedDop", struct reeve_execution_info, granted_dop, ),
	FN(R, "queued", resolve_is_queued),
	BOOL(R, "downgraded", struct reeve_execution_info, is_downgraded),
	SELF(R, "execution"),

	FN("Query", "getParallelExecutionStats", resolve_stats),
	FN("Query", "getParallelExecution", resolve_execution),
	FN("Query", "listParallelExecutions", resolve_executions),
	FN("Query", "listQueuedParallelExecutions", resolve_queue),
	FN("Query", "getGroupDopLimit", resolve_limit),
	FN("Query", "listGroupDopLimits", resolve_limits),
	FN("Query", "calculateAutoDop", resolve_auto_dop),
	FN("Query", "getSystemLoad", resolve_load),
	FN("Query", "getParallelConfig", resolve_config),

	ACTS("Mutation", "requestParallelExecution", resolve_request),
	ACTS("Mutation", "reportParallelProgress", resolve_progress),
	ACTS("Mutation", "completeParallelExecution", resolve_complete),
	ACTS("Mutation", "cancelParallelExecution", resolve_cancel),
	DEFINES("Mutation", "setGroupDopLimit", resolve_set_limit),
	DEFINES("Mutation", "removeGroupDopLimit", resolve_remove_limit),
	ACTS("Mutation", "updateSystemLoad", resolve_set_load),
	DEFINES("Mutation", "setParallelDowngradeEnabled", resolve_set_downgrade),
	DEFINES("Mutation", "configureParallelExecution", resolve_configure),
};
const struct reeve_gql_table reeved_parallel_table = {rows, REEVED_COUNT(rows)};
