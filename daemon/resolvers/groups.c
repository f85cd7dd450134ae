/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c - consumer groups as they are, and what they use. */
#include "clock.h"
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH 16 /* rows copied at a time; about 10 KiB of stack */

const char *const reeved_category_names[6] = {
	"Interactive", "Batch", "Maintenance", "Analytics", "System", "Custom"};
static const char *const category_kinds[] = {
	"INTERACTIVE", "BATCH", "MAINTENANCE", "ANALYTICS", "SYSTEM", "CUSTOM"};

/* One row of usage, of all modules. */
struct reeved_group_stats {
	struct reeve_group_info group;
	struct reeve_cpu_group_stats cpu;
	struct reeve_group_stats counts;
	struct reeve_io_group_stats io;
	struct reeve_memory_group_info memory;
	struct reeve_parallel_group_info parallel;
	struct reeve_session_pool_info pool;
};

int reeved_emit_group(struct reeve_gql_ctx *ctx, reeve_group_id id)
{
	struct reeve_group_info info;
	if (reeve_group_get(reeved_segment_of(ctx), id, &info, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_description(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_text(ctx, ((const struct reeve_group_info *)object)->description);
}

static int resolve_custom_category(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_text(ctx, ((const struct reeve_group_info *)object)->custom_category);
}

static int resolve_max_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_limit(ctx, ((const struct reeve_group_info *)object)->max_sessions);
}

REEVED_LIMIT_OF(resolve_degree_limit, struct reeve_group_info, parallel_degree_limit)
REEVED_LIMIT_OF(resolve_iops_limit, struct reeve_group_info, iops_limit)

static int resolve_cpu(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_cpu_group(ctx, ((const struct reeve_group_info *)object)->id);
}

static int resolve_io(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_io_group(ctx, ((const struct reeve_group_info *)object)->id);
}

static int resolve_memory(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_memory_group(ctx, ((const struct reeve_group_info *)object)->id);
}

static int resolve_session_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_session_pool(ctx, ((const struct reeve_group_info *)object)->id);
}

/* In force: of a registration, the plan or the group, whichever counts. */
static int resolve_dop_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeve_parallel_group_info info;
	if (reeve_parallel_group_get(reeved_segment_of(ctx),
		    ((const struct reeve_group_info *)object)->id, &info, NULL) != 0 ||
		info.degree == UINT32_MAX)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_u64(ctx, info.degree);
}

static int resolve_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeved_page page;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_sessions_of(ctx, ((const struct reeve_group_info *)object)->id, page);
}

/* Queries */

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("category", NAME, struct reeve_group_info, category,
		REEVED_AMONG(reeved_category_names)),
	REEVED_FIELD("isActive", BOOL, struct reeve_group_info, is_active, ),
	REEVED_FIELD("isSystem", BOOL, struct reeve_group_info, is_system, ),
};

/* What the table cannot tell: a part of the name, and a bound. */
struct further {
	const char *name_contains;
	int32_t priority_at_most;
};

static bool further_admits(const struct further *further, const struct reeve_group_info *info)
{
	return (int64_t)info->priority <= further->priority_at_most &&
	       (further->name_contains == NULL ||
		       strstr(info->name, further->name_contains) != NULL);
}

static int resolve_list_groups(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_group_info infos[BATCH];
	const struct reeve_gql_value *given = reeve_gql_arg(ctx, "filter");
	struct further further = {NULL, INT32_MAX};
	struct reeved_filter filter;
	struct reeved_page page;
	uint32_t n;
	if (REEVED_READ_FILTER(ctx, given, filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_value_str(reeve_gql_value_member(given, "nameContains"), &further.name_contains);
	reeve_gql_value_i32(
		reeve_gql_value_member(given, "priorityAtMost"), &further.priority_at_most);
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_group_copy(
			reeved_segment_of(ctx), (reeve_group_id){page.after}, infos, BATCH);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			page.after = infos[i].id.v;
			if (!reeved_filter_admits(&filter, &infos[i]) ||
				!further_admits(&further, &infos[i]))
				continue;
			reeve_gql_emit_object(ctx, &infos[i]);
			page.left--;
		}
	} while (n == BATCH && page.left > 0);
	return reeve_gql_list_end(ctx);
}

static int resolve_get_group(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_group_info info;
	struct reeve_error err;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	if (reeve_group_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get_group_by_name(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	const char *name = reeved_arg_text(ctx, "name");
	struct reeve_group_info info;
	struct reeve_error err;
	reeve_group_id id;
	if (!reeve_group_find(reeve, name, &id))
		return reeved_refuse(
			ctx, REEVE_ENOT_FOUND, "there is no consumer group \"%.128s\"", name);
	if (reeve_group_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_default_group(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_group_info info;
	struct reeve_error err;
	if (reeve_group_get(reeve, reeve_group_default_get(reeve), &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

/* Usage */

static int read_group_stats(struct reeve_gql_ctx *ctx, reeve_group_id id,
	struct reeved_group_stats *ret, struct reeve_error *err)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	int rc = reeve_group_get(reeve, id, &ret->group, err);
	if (rc == 0)
		rc = reeve_cpu_group_stats_get(reeve, id, &ret->cpu, err);
	if (rc == 0)
		rc = reeve_group_stats_get(reeve, id, &ret->counts, err);
	if (rc == 0)
		rc = reeve_io_group_stats_get(reeve, id, &ret->io, err);
	if (rc == 0)
		rc = reeve_memory_group_get(reeve, id, &ret->memory, err);
	if (rc == 0)
		rc = reeve_parallel_group_get(reeve, id, &ret->parallel, err);
	return rc == 0 ? reeve_session_pool_get(reeve, id, &ret->pool, err) : rc;
}

static int resolve_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_group_stats stats;
	struct reeve_error err;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	if (read_group_stats(ctx, id, &stats, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &stats);
}

int reeved_resolve_all_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_group_info infos[BATCH];
	struct reeved_group_stats stats;
	reeve_group_id after = {0};
	uint32_t n;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_group_copy(reeved_segment_of(ctx), after, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			after = infos[i].id;
			if (read_group_stats(ctx, after, &stats, NULL) == 0)
				reeve_gql_emit_object(ctx, &stats);
		}
	} while (n == BATCH);
	return reeve_gql_list_end(ctx);
}

static int resolve_stats_max_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_limit(
		ctx, ((const struct reeved_group_stats *)object)->group.max_sessions);
}

static int resolve_cpu_usage(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeved_group_stats *stats = object;
	return reeve_gql_emit_double(ctx,
		reeved_clock_usage_percent(reeved_client_of(ctx)->daemon->clock, stats->group.id));
}

#define G "ConsumerGroup"
#define S "ConsumerGroupStats"
static const struct reeve_gql_binding rows[] = {
	UINT(G, "id", struct reeve_group_info, id.v, ),
	CHARS(G, "name", struct reeve_group_info, name),
	FN(G, "description", resolve_description),
	UINT(G, "priority", struct reeve_group_info, priority, ),
	NAMED(G, "category", struct reeve_group_info, category, reeved_category_names),
	NAMED(G, "categoryKind", struct reeve_group_info, category, category_kinds),
	FN(G, "customCategory", resolve_custom_category),
	UINT(G, "cpuAllocationPct", struct reeve_group_info, cpu_allocation_pct, ),
	FN(G, "maxSessions", resolve_max_sessions),
	UINT(G, "maxIdleTime", struct reeve_group_info, max_idle_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	FN(G, "parallelDegreeLimit", resolve_degree_limit),
	UINT(G, "memoryLimit", struct reeve_group_info, memory_limit_bytes,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	UINT(G, "ioBandwidthLimit", struct reeve_group_info, io_bandwidth_limit,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	FN(G, "iopsLimit", resolve_iops_limit),
	UINT(G, "maxExecutionTime", struct reeve_group_info, max_execution_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	BOOL(G, "isActive", struct reeve_group_info, is_active),
	BOOL(G, "isSystem", struct reeve_group_info, is_system),
	BOOL(G, "isDefault", struct reeve_group_info, is_default),
	TIME_NS(G, "createdAt", struct reeve_group_info, created_wall, ),
	TIME_NS(G, "modifiedAt", struct reeve_group_info, modified_wall, ),
	UINT(G, "currentSessions", struct reeve_group_info, current_sessions, ),
	UINT(G, "revision", struct reeve_group_info, revision, ),
	FN(G, "cpu", resolve_cpu),
	FN(G, "io", resolve_io),
	FN(G, "memory", resolve_memory),
	FN(G, "sessionPool", resolve_session_pool),
	FN(G, "dopLimit", resolve_dop_limit),
	FN(G, "sessions", resolve_sessions),

	UINT(S, "groupId", struct reeved_group_stats, group.id.v, ),
	CHARS(S, "groupName", struct reeved_group_stats, group.name),
	UINT(S, "currentSessions", struct reeved_group_stats, group.current_sessions, ),
	FN(S, "maxSessions", resolve_stats_max_sessions),
	UINT(S, "cpuAllocationPct", struct reeved_group_stats, group.cpu_allocation_pct, ),
	UINT(S, "priority", struct reeved_group_stats, group.priority, ),
	UINT(S, "activeSessions", struct reeved_group_stats, counts.active_sessions, ),
	UINT(S, "limitActions", struct reeved_group_stats, counts.limit_actions, ),
	UINT(S, "queuedSessions", struct reeved_group_stats, pool.queued, ),
	UINT(S, "cpuTimeUsed", struct reeved_group_stats, cpu.cpu_ns, ),
	FN(S, "cpuUsagePercent", resolve_cpu_usage),
	UINT(S, "memoryUsed", struct reeved_group_stats, memory.used_bytes, ),
	UINT(S, "ioBandwidth", struct reeved_group_stats, io.bytes_per_s, ),
	UINT(S, "iops", struct reeved_group_stats, io.milliops_per_s, .divisor = 1000),
	UINT(S, "dopInUse", struct reeved_group_stats, parallel.in_use, ),

	FN("Query", "listConsumerGroups", resolve_list_groups),
	FN("Query", "getConsumerGroup", resolve_get_group),
	FN("Query", "getConsumerGroupByName", resolve_get_group_by_name),
	FN("Query", "getConsumerGroupStats", resolve_group_stats),
	FN("Subscription", "consumerGroupStats", resolve_group_stats),
	FN("Query", "listConsumerGroupStats", reeved_resolve_all_group_stats),
	FN("Query", "getDefaultConsumerGroup", resolve_default_group),
};
const struct reeve_gql_table reeved_group_table = {rows, REEVED_COUNT(rows)};
