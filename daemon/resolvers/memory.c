/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the memory manager: pools, allocations, quotas, limits, pressure, advice. */
#include "resolvers/resolvers.h"

#include <string.h>

static const char *const type_names[] = {
	"SharedGlobal", "ProgramGlobal", "WorkArea", "BufferCache", "SharedPool", "LargePool"};
static const char *const type_kinds[] = {"SHARED_GLOBAL", "PROGRAM_GLOBAL", "WORK_AREA",
	"BUFFER_CACHE", "SHARED_POOL", "LARGE_POOL"};
const char *const reeved_pressure_names[5] = {"None", "Low", "Medium", "High", "Critical"};
const char *const reeved_pressure_kinds[5] = {"NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL"};

struct advice {
	uint32_t n;
	struct reeve_memory_recommendation rows[REEVE_MEMORY_POOLS_MAX];
};

/* Statistics */

REEVED_STATS(resolve_stats, struct reeve_memory_stats, reeve_memory_stats_get, memory)
REEVED_WHOLE(resolve_pressure, struct reeve_memory_pressure, reeve_memory_pressure_get)

static int resolve_stall(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_memory_pressure *pressure = object;
	if (pressure->stall_ppm == UINT32_MAX)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, pressure->stall_ppm / 10000.0);
}

static int resolve_available(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_memory_stats *stats = object;
	return reeve_gql_emit_u64(ctx, stats->limit_bytes > stats->used_bytes
					       ? stats->limit_bytes - stats->used_bytes
					       : 0);
}

static int resolve_usage(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_memory_stats *stats = object;
	return reeve_gql_emit_double(
		ctx, stats->limit_bytes > 0
			     ? 100.0 * (double)stats->used_bytes / (double)stats->limit_bytes
			     : 0.0);
}

/* Pools */

REEVED_GET(resolve_pool, struct reeve_pool_info, reeve_pool_get, reeve_pool_id, "poolId")
REEVED_LIST(pools, struct reeve_pool_info, id.v, reeve_pool_id, reeve_pool_copy);

static int resolve_pools(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &pools);
}

static int emit_pool(struct reeve_gql_ctx *ctx, reeve_pool_id id)
{
	struct reeve_pool_info info;
	struct reeve_error err;
	if (reeve_pool_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_pool_by_name(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const char *name = reeved_arg_text(ctx, "name");
	reeve_pool_id id;
	if (!reeve_pool_find(reeved_segment_of(ctx), name, &id))
		return reeved_refuse(
			ctx, REEVE_ENOT_FOUND, "there is no memory pool \"%.128s\"", name);
	return emit_pool(ctx, id);
}

#define POOL_SIZES                                                                                 \
	REEVED_FIELD("maxSize", U64, struct reeve_pool_def, max_bytes,                             \
		REEVED_BETWEEN(1, REEVE_MEMORY_DB_MAX), .bit = REEVE_POOL_SET_MAX),                \
		REEVED_FIELD("minSize", U64, struct reeve_pool_def, min_bytes,                     \
			REEVED_BETWEEN(0, REEVE_MEMORY_DB_MAX), .bit = REEVE_POOL_SET_MIN),        \
		REEVED_FIELD("autoTune", BOOL, struct reeve_pool_def, auto_tune,                   \
			.bit = REEVE_POOL_SET_AUTO_TUNE)

static const struct reeved_field new_pool_fields[] = {
	REEVED_FIELD("name", TEXT, struct reeve_pool_def, name, ),
	REEVED_FIELD("poolType", NAME, struct reeve_pool_def, type, REEVED_AMONG(type_names)),
	REEVED_FIELD("parentPoolId", U64, struct reeve_pool_def, parent.v,
		REEVED_BETWEEN(1, UINT64_MAX), REEVED_OR_NULL(0)),
	POOL_SIZES,
};

static const struct reeved_field pool_fields[] = {
	POOL_SIZES,
	REEVED_FIELD("targetSize", U64, struct reeve_pool_def, target_bytes,
		REEVED_BETWEEN(1, REEVE_MEMORY_DB_MAX), REEVED_OR_NULL(REEVE_UNLIMITED),
		.bit = REEVE_POOL_SET_TARGET),
};

static int resolve_create_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_error err;
	reeve_pool_id id;
	if (REEVED_READ(ctx, NULL, new_pool_fields, &def, NULL) != 0)
		return -1;
	if (reeve_pool_create(reeved_segment_of(ctx), &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_pool(ctx, id);
}

static int resolve_update_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_pool_id id = {reeved_arg_id(ctx, "poolId")};
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_error err;
	uint64_t given = 0;
	if (REEVED_READ(ctx, NULL, pool_fields, &def, &given) != 0)
		return -1;
	if (reeve_pool_update(reeved_segment_of(ctx), id, (uint32_t)given, &def, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Memory pool %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete_pool, reeve_pool_destroy, reeve_pool_id, "poolId",
	"Memory pool %llu was deleted.")

/* Allocations */

struct allocation_scope {
	reeve_pool_id pool;
	reeve_session_id session;
};

static uint32_t copy_allocations(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	const struct allocation_scope *scope = arg;
	return reeve_allocation_copy(
		reeve, (reeve_allocation_id){after}, scope->pool, scope->session, rows, capacity);
}

static const struct reeved_list allocations = {copy_allocations,
	sizeof(struct reeve_allocation_info), offsetof(struct reeve_allocation_info, id.v)};

static int resolve_allocations(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct allocation_scope scope = {
		{reeved_arg_id(ctx, "poolId")}, {reeved_arg_id(ctx, "sessionId")}};
	struct reeved_page page;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &allocations, &scope, NULL, page);
}

REEVED_TEXT_OF(resolve_tag, struct reeve_allocation_info, tag)

static int resolve_allocate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_allocation_info info;
	struct reeve_error err;
	const char *tag = NULL;
	reeve_allocation_id id;
	reeve_gql_arg_str(ctx, "tag", &tag);
	if (reeve_memory_allocate(reeve, (reeve_pool_id){reeved_arg_id(ctx, "poolId")},
		    reeved_arg_id(ctx, "size"), (reeve_session_id){reeved_arg_id(ctx, "sessionId")},
		    tag, &id, &err) != 0 ||
		reeve_allocation_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_allocated(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_allocation_info *info = object;
	return reeve_gql_emit_str(
		ctx, reeve_gql_printf(ctx, "Allocation %llu of %llu bytes was made in pool %llu.",
			     (unsigned long long)info->id.v, (unsigned long long)info->bytes,
			     (unsigned long long)info->pool.v));
}

static int resolve_give_back(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_pool_id pool = {reeved_arg_id(ctx, "poolId")};
	uint64_t size = reeved_arg_id(ctx, "size");
	struct reeve_error err;
	if (reeve_memory_give_back(reeved_segment_of(ctx), pool, size, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "%llu bytes were given back to pool %llu.",
		(unsigned long long)size, (unsigned long long)pool.v);
}

static int resolve_free(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_allocation_id id = {reeved_arg_id(ctx, "allocationId")};
	struct reeve_allocation_info info;
	struct reeve_error err;
	/* An operator frees on the owner's behalf. */
	if (reeve_allocation_get(reeve, id, &info, &err) != 0 ||
		reeve_memory_free(reeve, id, info.session, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Allocation %llu was freed.", (unsigned long long)id.v);
}

/* Quotas of sessions */

REEVED_GET(resolve_quota, struct reeve_memory_quota_info, reeve_memory_quota_get, reeve_session_id,
	"sessionId")

static uint32_t copy_quotas(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	const reeve_group_id *group = arg;
	return reeve_memory_quota_copy(reeve, (reeve_session_id){after}, *group, rows, capacity);
}

static const struct reeved_list quotas = {copy_quotas, sizeof(struct reeve_memory_quota_info),
	offsetof(struct reeve_memory_quota_info, session.v)};

static int resolve_quotas(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeved_page page;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &quotas, &group, NULL, page);
}

int reeved_emit_quota(struct reeve_gql_ctx *ctx, reeve_session_id id)
{
	struct reeve_memory_quota_info info;
	if (reeve_memory_quota_get(reeved_segment_of(ctx), id, &info, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_quota_total(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_memory_quota_info *info = object;
	return reeve_gql_emit_u64(ctx, info->pga_bytes + info->work_area_bytes);
}

struct quota_bounds {
	uint64_t pga, work_area;
};

static const struct reeved_field quota_fields[] = {
	REEVED_FIELD("maxPgaMemory", U64, struct quota_bounds, pga,
		REEVED_BETWEEN(1, REEVE_MEMORY_DB_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD("maxWorkArea", U64, struct quota_bounds, work_area,
		REEVED_BETWEEN(1, REEVE_MEMORY_DB_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
};

static int resolve_set_quota(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id session = {reeved_arg_id(ctx, "sessionId")};
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct quota_bounds bounds = {REEVE_UNLIMITED, REEVE_UNLIMITED};
	struct reeve_error err;
	if (group.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	if (REEVED_READ(ctx, NULL, quota_fields, &bounds, NULL) != 0)
		return -1;
	if (reeve_memory_quota_set(reeved_segment_of(ctx), session, group, bounds.pga,
		    bounds.work_area, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "Session %llu has a memory quota.", (unsigned long long)session.v);
}

REEVED_CHANGE(resolve_remove_quota, reeve_memory_quota_remove, reeve_session_id, "sessionId",
	"The memory quota of session %llu was removed.")

typedef int (*charge_fn)(struct reeve *reeve, reeve_session_id session, uint32_t kind,
	uint64_t bytes, struct reeve_error *err);

static int charge(struct reeve_gql_ctx *ctx, charge_fn fn, const char *done)
{
	reeve_session_id session = {reeved_arg_id(ctx, "sessionId")};
	uint64_t size = reeved_arg_id(ctx, "size");
	struct reeve_error err;
	bool is_work_area = false;
	if (reeve_gql_arg_bool(ctx, "isWorkArea", &is_work_area) == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "isWorkArea");
	if (fn(reeved_segment_of(ctx), session,
		    is_work_area ? REEVE_MEMORY_WORK_AREA : REEVE_MEMORY_PGA, size, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "%llu bytes were %s session %llu.", (unsigned long long)size,
		done, (unsigned long long)session.v);
}

static int resolve_charge(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return charge(ctx, reeve_memory_session_charge, "charged to");
}

static int resolve_release(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return charge(ctx, reeve_memory_session_release, "given back by");
}

/* Limits of groups */

REEVED_GET(resolve_group, struct reeve_memory_group_info, reeve_memory_group_get, reeve_group_id,
	"groupId")
REEVED_LIST(
	groups, struct reeve_memory_group_info, group.v, reeve_group_id, reeve_memory_group_copy);

static int resolve_groups(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &groups);
}

int reeved_emit_memory_group(struct reeve_gql_ctx *ctx, reeve_group_id id)
{
	struct reeve_memory_group_info info;
	if (reeve_memory_group_get(reeved_segment_of(ctx), id, &info, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &info);
}

static const struct reeved_field limit_fields[] = {
	REEVED_FIELD("maxGroupMemory", U64, struct reeve_memory_group_info, max_group_memory,
		REEVED_BETWEEN(1, INT64_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD("maxSessionPga", U64, struct reeve_memory_group_info, max_session_pga,
		REEVED_BETWEEN(1, INT64_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
};

static int resolve_register(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_memory_group_info given = {
		.max_group_memory = REEVE_UNLIMITED, .max_session_pga = REEVE_UNLIMITED};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, limit_fields, &given, NULL) != 0)
		return -1;
	if (reeve_memory_group_register(reeved_segment_of(ctx), group, given.max_group_memory,
		    given.max_session_pga, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx,
		"Consumer group %llu has its own memory limits until the next activation.",
		(unsigned long long)group.v);
}

REEVED_CHANGE(resolve_unregister, reeve_memory_group_unregister, reeve_group_id, "groupId",
	"Consumer group %llu has the memory limits of its plan again.")

/* Advice and pressure */

static int read_advice(struct reeve_gql_ctx *ctx, bool apply, struct advice **ret)
{
	struct reeve_error err;
	struct advice *advice = reeve_gql_alloc(ctx, sizeof(*advice));
	if (advice == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_memory_tune(
		reeved_segment_of(ctx), apply, advice->rows, REEVE_MEMORY_POOLS_MAX, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	advice->n = n < (int)REEVE_MEMORY_POOLS_MAX ? (uint32_t)n : REEVE_MEMORY_POOLS_MAX;
	*ret = advice;
	return 0;
}

static int resolve_advice(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct advice *advice;
	if (read_advice(ctx, false, &advice) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < advice->n; i++)
		reeve_gql_emit_object(ctx, &advice->rows[i]);
	return reeve_gql_list_end(ctx);
}

static int resolve_tune(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct advice *advice;
	return read_advice(ctx, true, &advice) != 0 ? -1 : reeve_gql_emit_object(ctx, advice);
}

static int emit_advice(struct reeve_gql_ctx *ctx, const struct advice *advice, bool applied)
{
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < advice->n; i++) {
		if ((advice->rows[i].applied_bytes != 0) == applied)
			reeve_gql_emit_object(ctx, &advice->rows[i]);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_applied(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_advice(ctx, object, true);
}

static int resolve_skipped(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_advice(ctx, object, false);
}

#define THRESHOLD(name_, member_, least_, most_)                                                   \
	REEVED_FIELD(name_, FLOAT, struct reeve_memory_config, member_,                            \
		REEVED_BETWEEN(least_, most_), .unit = REEVE_PPM)
static const struct reeved_field pressure_fields[] = {
	THRESHOLD("low", low_ppm, 1, REEVE_PPM),
	THRESHOLD("medium", medium_ppm, 1, REEVE_PPM),
	THRESHOLD("high", high_ppm, 1, REEVE_PPM),
	THRESHOLD("critical", critical_ppm, 1, REEVE_PPM),
	THRESHOLD("hysteresis", hysteresis_ppm, 0, 100000),
};

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_memory_config config;
	struct reeve_error err;
	reeve_memory_config_get(reeve, &config);
	if (REEVED_READ(ctx, NULL, pressure_fields, &config, NULL) != 0)
		return -1;
	if (reeve_memory_config_set(reeve, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The thresholds of memory pressure were set.");
}

#define S "MemoryStats"
#define P "MemoryPool"
#define A "MemoryAllocation"
#define M "MemoryPressure"
#define T "PressureThresholds"
#define Q "SessionMemoryQuota"
#define G "GroupMemoryLimits"
#define R "MemoryRecommendation"
#define D "DatabaseMemoryUsage"
#define L "AllocateMemoryPayload"
static const struct reeve_gql_binding rows[] = {
	UINT(S, "totalAllocations", struct reeve_memory_stats, allocations, ),
	UINT(S, "totalDeallocations", struct reeve_memory_stats, deallocations, ),
	UINT(S, "failedAllocations", struct reeve_memory_stats, failed_allocations, ),
	UINT(S, "peakUsage", struct reeve_memory_stats, peak_bytes, ),
	UINT(S, "pressureEvents", struct reeve_memory_stats, pressure_events, ),
	UINT(S, "autoAdjustments", struct reeve_memory_stats, auto_adjustments, ),
	UINT(S, "currentUsage", struct reeve_memory_stats, used_bytes, ),
	UINT(S, "reclaimedBytes", struct reeve_memory_stats, reclaimed_bytes, ),
	UINT(S, "processResidentBytes", struct reeve_memory_stats, resident_bytes, ),

	UINT(P, "id", struct reeve_pool_info, id.v, ),
	CHARS(P, "name", struct reeve_pool_info, name),
	NAMED(P, "poolType", struct reeve_pool_info, type, type_names),
	NAMED(P, "poolTypeKind", struct reeve_pool_info, type, type_kinds),
	UINT(P, "parentPoolId", struct reeve_pool_info, parent.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(P, "maxSize", struct reeve_pool_info, max_bytes, ),
	UINT(P, "allocatedSize", struct reeve_pool_info, allocated_bytes, ),
	UINT(P, "availableSize", struct reeve_pool_info, available_bytes, ),
	UINT(P, "targetSize", struct reeve_pool_info, target_bytes,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	UINT(P, "minSize", struct reeve_pool_info, min_bytes, ),
	BOOL(P, "autoTune", struct reeve_pool_info, auto_tune),
	UINT(P, "usagePercent", struct reeve_pool_info, usage_ppm, .divisor = 10000),
	UINT(P, "peakSize", struct reeve_pool_info, peak_bytes, ),
	UINT(P, "allocations", struct reeve_pool_info, allocations, ),
	UINT(P, "failedAllocations", struct reeve_pool_info, failed_allocations, ),
	TIME_NS(P, "createdAt", struct reeve_pool_info, created_wall, ),
	UINT(P, "revision", struct reeve_pool_info, revision, ),

	UINT(A, "id", struct reeve_allocation_info, id.v, ),
	UINT(A, "poolId", struct reeve_allocation_info, pool.v, ),
	UINT(A, "sessionId", struct reeve_allocation_info, session.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(A, "groupId", struct reeve_allocation_info, group.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(A, "size", struct reeve_allocation_info, bytes, ),
	FN(A, "tag", resolve_tag),
	TIME_NS(A, "createdAt", struct reeve_allocation_info, created_wall, ),

	NAMED(M, "level", struct reeve_memory_pressure, level, reeved_pressure_names),
	NAMED(M, "levelKind", struct reeve_memory_pressure, level, reeved_pressure_kinds),
	UINT(M, "usagePercent", struct reeve_memory_pressure, usage_ppm, .divisor = 10000),
	SELF(M, "thresholds"),
	TIME_NS(M, "since", struct reeve_memory_pressure, since_wall, ),
	FN(M, "systemStallPercent", resolve_stall),
	UINT(T, "low", struct reeve_memory_pressure, low_ppm, .divisor = REEVE_PPM),
	UINT(T, "medium", struct reeve_memory_pressure, medium_ppm, .divisor = REEVE_PPM),
	UINT(T, "high", struct reeve_memory_pressure, high_ppm, .divisor = REEVE_PPM),
	UINT(T, "critical", struct reeve_memory_pressure, critical_ppm, .divisor = REEVE_PPM),
	UINT(T, "hysteresis", struct reeve_memory_pressure, hysteresis_ppm, .divisor = REEVE_PPM),

	UINT(Q, "sessionId", struct reeve_memory_quota_info, session.v, ),
	UINT(Q, "groupId", struct reeve_memory_quota_info, group.v, ),
	UINT(Q, "maxPgaMemory", struct reeve_memory_quota_info, max_pga_bytes, ),
	UINT(Q, "currentPgaUsage", struct reeve_memory_quota_info, pga_bytes, ),
	UINT(Q, "maxWorkArea", struct reeve_memory_quota_info, max_work_area_bytes, ),
	UINT(Q, "currentWorkArea", struct reeve_memory_quota_info, work_area_bytes, ),
	FN(Q, "totalUsage", resolve_quota_total),
	UINT(Q, "allocationCount", struct reeve_memory_quota_info, charges, ),
	UINT(Q, "peakUsage", struct reeve_memory_quota_info, peak_bytes, ),
	TIME_NS(Q, "lastAllocationAt", struct reeve_memory_quota_info, last_charge_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	BOOL(Q, "sessionRegistered", struct reeve_memory_quota_info, is_registered),

	UINT(G, "groupId", struct reeve_memory_group_info, group.v, ),
	UINT(G, "maxGroupMemory", struct reeve_memory_group_info, max_group_memory,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	UINT(G, "maxSessionPga", struct reeve_memory_group_info, max_session_pga,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	UINT(G, "currentTotalUsage", struct reeve_memory_group_info, used_bytes, ),
	UINT(G, "peakTotalUsage", struct reeve_memory_group_info, peak_bytes, ),
	UINT(G, "activeSessions", struct reeve_memory_group_info, sessions, ),

	UINT(R, "poolId", struct reeve_memory_recommendation, pool.v, ),
	CHARS(R, "poolName", struct reeve_memory_recommendation, pool_name),
	UINT(R, "currentSize", struct reeve_memory_recommendation, current_bytes, ),
	UINT(R, "recommendedSize", struct reeve_memory_recommendation, recommended_bytes, ),
	CHARS(R, "reason", struct reeve_memory_recommendation, reason),
	UINT(R, "estimatedBenefit", struct reeve_memory_recommendation, benefit_ppm,
		.divisor = REEVE_PPM),
	TIME_NS(R, "timestamp", struct reeve_memory_recommendation, wall, ),

	UINT(D, "totalMemory", struct reeve_memory_stats, limit_bytes, ),
	UINT(D, "usedMemory", struct reeve_memory_stats, used_bytes, ),
	FN(D, "availableMemory", resolve_available),
	FN(D, "usagePercent", resolve_usage),
	UINT(D, "poolUsed", struct reeve_memory_stats, pool_bytes, ),
	UINT(D, "sessionUsed", struct reeve_memory_stats, session_bytes, ),
	UINT(D, "systemMemory", struct reeve_memory_stats, system_bytes, ),

	FN(L, "success", reeved_resolve_true),
	FN(L, "message", resolve_allocated),
	FN(L, "revision", reeved_resolve_revision),
	UINT(L, "allocationId", struct reeve_allocation_info, id.v, ),
	UINT(L, "poolId", struct reeve_allocation_info, pool.v, ),
	UINT(L, "size", struct reeve_allocation_info, bytes, ),
	FN("AutoTunePayload", "applied", resolve_applied),
	FN("AutoTunePayload", "skipped", resolve_skipped),

	FN("Query", "getMemoryStats", resolve_stats),
	FN("Query", "listMemoryPools", resolve_pools),
	FN("Query", "getMemoryPool", resolve_pool),
	FN("Query", "getMemoryPoolByName", resolve_pool_by_name),
	FN("Query", "getMemoryPressure", resolve_pressure),
	FN("Subscription", "memoryPressureChanged", resolve_pressure),
	FN("Query", "getSessionMemoryQuota", resolve_quota),
	FN("Query", "listSessionMemoryQuotas", resolve_quotas),
	FN("Query", "getGroupMemoryLimits", resolve_group),
	FN("Query", "listGroupMemoryLimits", resolve_groups),
	FN("Query", "listMemoryAllocations", resolve_allocations),
	FN("Query", "autoTuneMemoryPools", resolve_advice),
	FN("Query", "getDatabaseMemoryUsage", resolve_stats),

	DEFINES("Mutation", "createMemoryPool", resolve_create_pool),
	DEFINES("Mutation", "updateMemoryPool", resolve_update_pool),
	DEFINES("Mutation", "deleteMemoryPool", resolve_delete_pool),
	DEFINES("Mutation", "registerGroupMemoryLimits", resolve_register),
	DEFINES("Mutation", "unregisterGroupMemoryLimits", resolve_unregister),
	ACTS("Mutation", "createSessionMemoryQuota", resolve_set_quota),
	ACTS("Mutation", "removeSessionMemoryQuota", resolve_remove_quota),
	ACTS("Mutation", "allocateFromMemoryPool", resolve_allocate),
	ACTS("Mutation", "deallocateFromMemoryPool", resolve_give_back),
	ACTS("Mutation", "freeMemoryAllocation", resolve_free),
	ACTS("Mutation", "allocateSessionMemory", resolve_charge),
	ACTS("Mutation", "deallocateSessionMemory", resolve_release),
	ACTS("Mutation", "autoTuneMemoryPools", resolve_tune),
	DEFINES("Mutation", "configureMemoryPressure", resolve_configure),
};
const struct reeve_gql_table reeved_memory_table = {rows, REEVED_COUNT(rows)};
