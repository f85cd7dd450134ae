/* SPDX-License-Identifier: Apache-2.0 */
/* manager.c - what joins the modules: statistics, rebalancing, settings, the container. */
#include "clock.h"
#include "resolvers/resolvers.h"

static const char *const strategy_names[] = {"Automatic", "Manual", "Hybrid"};

/* Statistics */

static int resolve_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_stats stats;
	struct reeve_error err;
	if (reeve_stats_get(reeved_segment_of(ctx), &stats, &err) != 0)
		return reeved_fail(ctx, &err);
	reeved_totals_since(ctx, 0, sizeof(stats), &stats);
	return reeve_gql_emit_object(ctx, &stats);
}

/* The last reset, or when there was nothing yet. */
static int resolve_totals_since(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_stats *stats = object;
	reeve_ns wall = reeved_totals_wall(ctx);
	return reeve_gql_emit_time_ns(ctx, wall != 0 ? wall : stats->taken_wall - stats->uptime_ns);
}

/* Rebalancing */

static int resolve_rebalance(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	struct reeve_rebalancing_report *report = reeve_gql_alloc(ctx, sizeof(*report));
	if (report == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	if (reeve_rebalance(reeved_segment_of(ctx), report, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, report);
}

static int resolve_cpu_rebalanced(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_rebalancing_report *)object)->cpu_groups > 0);
}

static int resolve_memory_adjusted(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_rebalancing_report *)object)->memory_pools > 0);
}

static int resolve_io_updated(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_rebalancing_report *)object)->io_devices > 0);
}

static int resolve_actions(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_rebalancing_report *report = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < report->action_count; i++)
		reeve_gql_emit_str(ctx, report->actions[i]);
	return reeve_gql_list_end(ctx);
}

static int resolve_recommendations(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_rebalancing_report *report = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < report->recommendations && i < REEVED_COUNT(report->memory); i++)
		reeve_gql_emit_object(ctx, &report->memory[i]);
	return reeve_gql_list_end(ctx);
}

/* Settings */

static int emit_config(struct reeve_gql_ctx *ctx)
{
	struct reeve_manager_config config;
	struct reeve_error err;
	if (reeve_manager_config_get(reeved_segment_of(ctx), &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &config);
}

static int resolve_config(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_config(ctx);
}

static int resolve_session_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t limit = ((const struct reeve_manager_config *)object)->global_session_limit;
	return reeved_emit_limit(ctx, limit == UINT32_MAX ? REEVE_UNLIMITED : limit);
}

#define SETTING(name_, take_, member_, bit_, ...)                                                  \
	REEVED_FIELD(name_, take_, struct reeve_manager_config, member_,                           \
		.bit = REEVE_MANAGER_##bit_, __VA_ARGS__)
static const struct reeved_field config_fields[] = {
	SETTING("enabled", BOOL, enabled, ENABLED, ),
	SETTING("cpuCores", INT, cpu_cores, CPU_CORES, REEVED_BETWEEN(1, INT32_MAX)),
	SETTING("maxDbMemory", U64, max_db_memory, MAX_DB_MEMORY,
		REEVED_BETWEEN(REEVE_MEMORY_DB_MIN, REEVE_MEMORY_DB_MAX)),
	SETTING("ioParallelism", INT, io_parallelism, IO_PARALLELISM,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX)),
	SETTING("maxConcurrentIo", INT, max_concurrent_io, MAX_CONCURRENT_IO,
		REEVED_BETWEEN(1, REEVE_IO_CONCURRENT_MAX)),
	SETTING("maxTotalDop", INT, max_total_dop, MAX_TOTAL_DOP,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX)),
	SETTING("cpuPolicy", NAME, cpu_policy, CPU_POLICY, REEVED_AMONG(reeved_cpu_policy_names)),
	SETTING("ioPolicy", NAME, io_policy, IO_POLICY, REEVED_AMONG(reeved_io_policy_names)),
	SETTING("memoryStrategy", NAME, memory_strategy, MEMORY_STRATEGY,
		REEVED_AMONG(strategy_names)),
	SETTING("enableMlPredictions", BOOL, ml_predictions, ML_PREDICTIONS, ),
	SETTING("enableDynamicRebalancing", BOOL, dynamic_rebalancing, DYNAMIC_REBALANCING, ),
	SETTING("rebalancingInterval", U64, rebalancing_period_ns, REBALANCING_PERIOD,
		REEVED_BETWEEN(1, 86400), .unit = REEVE_SEC),
	SETTING("containerAware", BOOL, container_aware, CONTAINER_AWARE, ),
	SETTING("globalSessionLimit", INT, global_session_limit, GLOBAL_SESSION_LIMIT,
		REEVED_BETWEEN(0, INT32_MAX), REEVED_OR_NULL(UINT32_MAX)),
};

static int resolve_update_config(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_manager_config config;
	struct reeve_error err;
	uint64_t expected = reeved_arg_id(ctx, "expectedRevision"), fields = 0;
	if (reeve_manager_config_get(reeve, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	if (expected != 0 && expected != config.revision)
		return reeved_refuse(ctx, REEVE_ESTALE_REVISION,
			"the configuration is of revision %llu, not %llu",
			(unsigned long long)config.revision, (unsigned long long)expected);
	if (REEVED_READ(ctx, reeve_gql_arg(ctx, "changes"), config_fields, &config, &fields) != 0)
		return -1;
	if (reeve_manager_config_set(reeve, (uint32_t)fields, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_config(ctx);
}

/* The container */

static int resolve_container(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_container_limits limits = {
		.cpu_quota_ppm = REEVE_UNLIMITED,
		.memory_limit_bytes = REEVE_UNLIMITED,
		.throttled_us = REEVE_UNLIMITED,
	};
	struct reeve_error err;
	int rc = reeve_container_get(reeved_segment_of(ctx), &limits, &err);
	if (rc != 0 && rc != REEVE_ENOT_FOUND)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &limits);
}

static int resolve_detected(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_container_limits *)object)->version != 0);
}

static int resolve_quota(struct reeve_gql_ctx *ctx, const void *object)
{
	uint64_t quota = ((const struct reeve_container_limits *)object)->cpu_quota_ppm;
	return quota == REEVE_UNLIMITED ? reeve_gql_emit_null(ctx)
					: reeve_gql_emit_double(ctx, (double)quota / REEVE_PPM);
}

static int resolve_cpu_set(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_container_limits *limits = object;
	if (limits->cpu_count == 0)
		return reeve_gql_emit_null(ctx);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < REEVE_CONTAINER_CPUS; i++) {
		if ((limits->cpu_set[i / 64] >> (i % 64) & 1) != 0)
			reeve_gql_emit_u64(ctx, i);
	}
	return reeve_gql_list_end(ctx);
}

#define S "ResourceStats"
#define R "RebalancingReport"
#define C "ResourceManagerConfig"
#define L "ContainerLimits"
#define PART(field_, member_)                                                                      \
	REEVE_GQL_BIND_MEMBER(S, field_, REEVE_GQL_STRUCT, struct reeve_stats, member_, )
static const struct reeve_gql_binding rows[] = {
	PART("cpuStats", cpu),
	PART("ioStats", io),
	PART("memoryStats", memory),
	PART("parallelStats", parallel),
	PART("sessionStats", sessions),
	UINT(S, "memoryUsagePercent", struct reeve_stats, memory_usage_ppm, .divisor = 10000),
	NAMED(S, "memoryPressure", struct reeve_stats, memory_level, reeved_pressure_names),
	NAMED(S, "memoryPressureKind", struct reeve_stats, memory_level, reeved_pressure_kinds),
	FN(S, "groupStats", reeved_resolve_all_group_stats),
	UINT(S, "activePlanId", struct reeve_stats, active_plan.v, ),
	TIME_NS(S, "takenAt", struct reeve_stats, taken_wall, ),
	FN(S, "totalsSince", resolve_totals_since),
	INT(S, "uptimeSeconds", struct reeve_stats, uptime_ns, .divisor = 1000000000),

	FN(R, "cpuRebalanced", resolve_cpu_rebalanced),
	FN(R, "memoryAdjustmentsMade", resolve_memory_adjusted),
	FN(R, "ioMetricsUpdated", resolve_io_updated),
	UINT(R, "memoryRecommendations", struct reeve_rebalancing_report, recommendations, ),
	FN(R, "actions", resolve_actions),
	FN(R, "recommendations", resolve_recommendations),
	TIME_NS(R, "takenAt", struct reeve_rebalancing_report, taken_wall, ),

	BOOL(C, "enabled", struct reeve_manager_config, enabled),
	UINT(C, "cpuCores", struct reeve_manager_config, cpu_cores, ),
	UINT(C, "totalMemory", struct reeve_manager_config, total_memory, ),
	UINT(C, "maxDbMemory", struct reeve_manager_config, max_db_memory, ),
	UINT(C, "ioParallelism", struct reeve_manager_config, io_parallelism, ),
	UINT(C, "maxConcurrentIo", struct reeve_manager_config, max_concurrent_io, ),
	UINT(C, "maxTotalDop", struct reeve_manager_config, max_total_dop, ),
	NAMED(C, "cpuPolicy", struct reeve_manager_config, cpu_policy, reeved_cpu_policy_names),
	NAMED(C, "ioPolicy", struct reeve_manager_config, io_policy, reeved_io_policy_names),
	NAMED(C, "memoryStrategy", struct reeve_manager_config, memory_strategy, strategy_names),
	BOOL(C, "enableMlPredictions", struct reeve_manager_config, ml_predictions),
	BOOL(C, "enableDynamicRebalancing", struct reeve_manager_config, dynamic_rebalancing),
	INT(C, "rebalancingInterval", struct reeve_manager_config, rebalancing_period_ns,
		.divisor = 1000000000),
	BOOL(C, "containerAware", struct reeve_manager_config, container_aware),
	FN(C, "globalSessionLimit", resolve_session_limit),
	UINT(C, "revision", struct reeve_manager_config, revision, ),

	FN(L, "detected", resolve_detected),
	UINT(L, "cgroupVersion", struct reeve_container_limits, version,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	FN(L, "cpuQuota", resolve_quota),
	FN(L, "cpuSet", resolve_cpu_set),
	UINT(L, "memoryLimit", struct reeve_container_limits, memory_limit_bytes,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	UINT(L, "memoryUsage", struct reeve_container_limits, memory_used_bytes,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(L, "cpuThrottledUs", struct reeve_container_limits, throttled_us,
		.flags = REEVE_GQL_LIMIT_IS_NULL),

	FN("Query", "getResourceStats", resolve_stats),
	FN("Subscription", "resourceStats", resolve_stats),
	FN("Query", "getResourceManagerConfig", resolve_config),
	FN("Query", "getContainerLimits", resolve_container),
	ACTS("Mutation", "rebalanceResources", resolve_rebalance),
	DEFINES("Mutation", "updateResourceManagerConfig", resolve_update_config),
};
const struct reeve_gql_table reeved_manager_table = {rows, REEVED_COUNT(rows)};
