/* SPDX-License-Identifier: Apache-2.0 */
/* servers.c - parallel servers and their pools. */
#include "resolvers/resolvers.h"

#define GROUPS_A_POOL 32u

static const char *const server_type_names[] = {"Coordinator", "Producer", "Consumer"};
static const char *const server_type_kinds[] = {"COORDINATOR", "PRODUCER", "CONSUMER"};
static const char *const server_state_names[] = {"Idle", "Allocated", "Running", "Cleanup"};
static const char *const server_state_kinds[] = {"IDLE", "ALLOCATED", "RUNNING", "CLEANUP"};

REEVED_GET(resolve_pool, struct reeve_server_pool_info, reeve_server_pool_get, reeve_server_pool_id,
	"poolId")
REEVED_LIST(
	pools, struct reeve_server_pool_info, id.v, reeve_server_pool_id, reeve_server_pool_copy);

static int resolve_pools(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &pools);
}

static int resolve_pool_groups(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_server_pool_info *info = object;
	return reeved_emit_u64s(ctx, info->groups, info->group_count);
}

static uint32_t copy_servers(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	const reeve_server_pool_id *pool = arg;
	return reeve_server_copy(reeve, (reeve_server_id){after}, *pool, rows, capacity);
}

static const struct reeved_list servers = {
	copy_servers, sizeof(struct reeve_server_info), offsetof(struct reeve_server_info, id.v)};

static const struct reeved_field server_filter[] = {
	REEVED_FIELD(
		"state", NAME, struct reeve_server_info, state, REEVED_AMONG(server_state_names)),
};

static int resolve_servers(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_server_pool_id pool = {reeved_arg_id(ctx, "poolId")};
	struct reeved_page all = {0, UINT32_MAX};
	struct reeved_filter filter;
	if (REEVED_READ_FILTER(ctx, NULL, server_filter, &filter) != 0)
		return -1;
	return reeved_emit_list(ctx, &servers, &pool, &filter, all);
}

static int resolve_pool_servers(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_server_pool_info *info = object;
	struct reeved_page all = {0, UINT32_MAX};
	return reeved_emit_list(ctx, &servers, &info->id, NULL, all);
}

static int resolve_affinity(struct reeve_gql_ctx *ctx, const void *object)
{
	int32_t processor = ((const struct reeve_server_info *)object)->cpu_affinity;
	return processor < 0 ? reeve_gql_emit_null(ctx) : reeve_gql_emit_i64(ctx, processor);
}

static const struct reeved_field pool_fields[] = {
	REEVED_FIELD(
		"name", TEXT, struct reeve_server_pool_def, name, .bit = REEVE_SERVER_POOL_NAME),
	REEVED_FIELD("minServers", INT, struct reeve_server_pool_def, min_servers,
		REEVED_BETWEEN(0, REEVE_PARALLEL_DOP_MAX), .bit = REEVE_SERVER_POOL_MIN),
	REEVED_FIELD("maxServers", INT, struct reeve_server_pool_def, max_servers,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX), .bit = REEVE_SERVER_POOL_MAX),
	REEVED_FIELD("idleServerTimeout", U64, struct reeve_server_pool_def, idle_timeout_ns,
		REEVED_SECONDS_FROM(1), .bit = REEVE_SERVER_POOL_IDLE_TIMEOUT),
};

/* `groups` is room for the ids. Null stands for all groups. */
static int read_pool(struct reeve_gql_ctx *ctx, uint64_t *groups, struct reeve_server_pool_def *def,
	uint64_t *fields)
{
	const struct reeve_gql_value *list = reeve_gql_arg(ctx, "assignedGroups");
	uint32_t n = reeve_gql_value_count(list);
	if (REEVED_READ(ctx, NULL, pool_fields, def, fields) != 0)
		return -1;
	if (reeve_gql_value_given(list) == REEVE_GQL_OMITTED)
		return 0;
	if (n > GROUPS_A_POOL)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"assignedGroups has %u groups, and must have at most %u", n, GROUPS_A_POOL);
	for (uint32_t i = 0; i < n; i++)
		reeve_gql_value_u64(reeve_gql_value_item(list, i), &groups[i]);
	def->groups = groups;
	def->group_count = n;
	*fields |= REEVE_SERVER_POOL_GROUPS;
	return 0;
}

static int resolve_create_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_server_pool_info info;
	struct reeve_error err;
	uint64_t groups[GROUPS_A_POOL], fields = 0;
	reeve_server_pool_id id;
	if (read_pool(ctx, groups, &def, &fields) != 0)
		return -1;
	if (reeve_server_pool_create(reeve, &def, &id, &err) != 0 ||
		reeve_server_pool_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_update_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_server_pool_id id = {reeved_arg_id(ctx, "poolId")};
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_error err;
	uint64_t groups[GROUPS_A_POOL], fields = 0;
	if (read_pool(ctx, groups, &def, &fields) != 0)
		return -1;
	if (reeve_server_pool_update(reeved_segment_of(ctx), id, (uint32_t)fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Server pool %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete_pool, reeve_server_pool_destroy, reeve_server_pool_id, "poolId",
	"Server pool %llu was deleted.")

#define V "ParallelServer"
#define P "ServerPool"
static const struct reeve_gql_binding rows[] = {
	UINT(V, "serverId", struct reeve_server_info, id.v, ),
	NAMED(V, "serverType", struct reeve_server_info, type, server_type_names),
	NAMED(V, "serverTypeKind", struct reeve_server_info, type, server_type_kinds),
	NAMED(V, "state", struct reeve_server_info, state, server_state_names),
	NAMED(V, "stateKind", struct reeve_server_info, state, server_state_kinds),
	UINT(V, "assignedQuery", struct reeve_server_info, execution.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(V, "poolId", struct reeve_server_info, pool.v, ),
	FN(V, "cpuAffinity", resolve_affinity),
	TIME_NS(V, "createdAt", struct reeve_server_info, created_wall, ),
	TIME_NS(V, "lastUsedAt", struct reeve_server_info, last_used_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(V, "cpuTimeUsed", struct reeve_server_info, cpu_ns, ),
	UINT(P, "poolId", struct reeve_server_pool_info, id.v, ),
	CHARS(P, "name", struct reeve_server_pool_info, name),
	UINT(P, "minServers", struct reeve_server_pool_info, min_servers, ),
	UINT(P, "maxServers", struct reeve_server_pool_info, max_servers, ),
	UINT(P, "currentServers", struct reeve_server_pool_info, servers, ),
	UINT(P, "idleServers", struct reeve_server_pool_info, idle_servers, ),
	FN(P, "assignedGroups", resolve_pool_groups),
	FN(P, "servers", resolve_pool_servers),
	INT(P, "idleServerTimeout", struct reeve_server_pool_info, idle_timeout_ns,
		.divisor = 1000000000),
	UINT(P, "revision", struct reeve_server_pool_info, revision, ),
	UINT("CreateServerPoolPayload", "poolId", struct reeve_server_pool_info, id.v, ),
	SELF("CreateServerPoolPayload", "pool"),

	FN("Query", "listServerPools", resolve_pools),
	FN("Query", "getServerPool", resolve_pool),
	FN("Query", "listParallelServers", resolve_servers),
	DEFINES("Mutation", "createServerPool", resolve_create_pool),
	DEFINES("Mutation", "updateServerPool", resolve_update_pool),
	DEFINES("Mutation", "deleteServerPool", resolve_delete_pool),
};
const struct reeve_gql_table reeved_server_pool_table = {rows, REEVED_COUNT(rows)};
