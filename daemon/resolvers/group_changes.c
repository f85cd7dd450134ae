/* SPDX-License-Identifier: Apache-2.0 */
/* group_changes.c - consumer groups: creation everywhere at once, changes, deletion. */
#include "resolvers/resolvers.h"

#define GROUP(name_, take_, member_, bit_, ...)                                                    \
	REEVED_FIELD(name_, take_, struct reeve_group_def, member_, .bit = REEVE_GROUP_##bit_,     \
		__VA_ARGS__)
#define NONE REEVED_OR_NULL(REEVE_UNLIMITED)
static const struct reeved_field fields[] = {
	GROUP("name", TEXT, name, NAME, ),
	GROUP("description", TEXT, description, DESCRIPTION, REEVED_OR_NULL(0)),
	GROUP("priority", INT, priority, PRIORITY,
		REEVED_BETWEEN(REEVE_PRIORITY_HIGHEST, REEVE_PRIORITY_LOWEST)),
	GROUP("category", NAME, category, CATEGORY, REEVED_AMONG(reeved_category_names)),
	GROUP("customCategory", TEXT, custom_category, CUSTOM_CATEGORY, REEVED_OR_NULL(0)),
	GROUP("cpuAllocationPct", INT, cpu_allocation_pct, CPU_ALLOCATION_PCT,
		REEVED_BETWEEN(0, 100)),
	GROUP("maxSessions", INT, max_sessions, MAX_SESSIONS, REEVED_BETWEEN(0, INT32_MAX), NONE),
	GROUP("maxIdleTime", U64, max_idle_ns, MAX_IDLE, REEVED_SECONDS_FROM(1), NONE),
	GROUP("maxExecutionTime", U64, max_execution_ns, MAX_EXECUTION, REEVED_SECONDS_FROM(0),
		NONE),
	GROUP("parallelDegreeLimit", INT, parallel_degree_limit, PARALLEL_DEGREE,
		REEVED_BETWEEN(1, INT32_MAX), NONE),
	GROUP("memoryLimit", U64, memory_limit_bytes, MEMORY_LIMIT, REEVED_BETWEEN(1, INT64_MAX),
		NONE),
	GROUP("ioBandwidthLimit", U64, io_bandwidth_limit, IO_BANDWIDTH,
		REEVED_BETWEEN(1, REEVE_IO_BANDWIDTH_MAX), NONE),
	GROUP("iopsLimit", INT, iops_limit, IOPS, REEVED_BETWEEN(1, INT32_MAX), NONE),
	GROUP("isActive", BOOL, is_active, IS_ACTIVE, ),
};

/* What can be registered by hand with the modules besides. */
#define REGISTERED(name_, take_, member_, ...)                                                     \
	REEVED_FIELD(name_, take_, struct reeve_group_registrations, member_, __VA_ARGS__)
static const struct reeved_field registered_fields[] = {
	REGISTERED("cpuShares", INT, cpu_shares, REEVED_BETWEEN(1, REEVE_SHARES_MAX),
		REEVED_OR_NULL(0)),
	REGISTERED("maxSessionPga", U64, max_session_pga, REEVED_BETWEEN(1, INT64_MAX), NONE),
	REGISTERED("ioWeight", INT, io_weight, REEVED_BETWEEN(1, REEVE_IO_WEIGHT_MAX),
		REEVED_OR_NULL(0)),
};

static int create(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeve_group_registrations *registrations)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_group_info info;
	struct reeve_error err;
	reeve_group_id id;
	if (REEVED_READ(ctx, input, fields, &def, NULL) != 0)
		return -1;
	if (reeve_group_define(reeve, &def, registrations, &id, &err) != 0 ||
		reeve_group_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_create(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return create(ctx, NULL, NULL);
}

static int resolve_define(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const struct reeve_gql_value *input = reeve_gql_arg(ctx, "input");
	const struct reeve_group_registrations none = REEVE_GROUP_REGISTRATIONS_INIT;
	struct reeve_group_registrations registrations = none;
	if (REEVED_READ(ctx, input, registered_fields, &registrations, NULL) != 0)
		return -1;
	bool is_registered = registrations.cpu_shares != none.cpu_shares ||
			     registrations.io_weight != none.io_weight ||
			     registrations.max_session_pga != none.max_session_pga;
	return create(ctx, input, is_registered ? &registrations : NULL);
}

static int resolve_update(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_error err;
	uint64_t given = 0;
	if (REEVED_READ(ctx, NULL, fields, &def, &given) != 0)
		return -1;
	if (reeve_group_update(reeved_segment_of(ctx), id, (uint32_t)given, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Consumer group %llu was updated.", (unsigned long long)id.v);
}

static int resolve_delete(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")}, move_to = {0};
	struct reeve_error err;
	if (reeve_gql_arg_u64(ctx, "moveTo", &move_to.v) == REEVE_GQL_GIVEN && move_to.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	if (reeve_group_destroy(reeved_segment_of(ctx), id, move_to, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Consumer group %llu was deleted.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_set_default, reeve_group_default_set, reeve_group_id, "groupId",
	"Consumer group %llu is the default group.")

static const struct reeve_gql_binding rows[] = {
	UINT("CreateConsumerGroupPayload", "groupId", struct reeve_group_info, id.v, ),
	SELF("CreateConsumerGroupPayload", "group"),

	DEFINES("Mutation", "createConsumerGroup", resolve_create),
	DEFINES("Mutation", "defineConsumerGroup", resolve_define),
	DEFINES("Mutation", "updateConsumerGroup", resolve_update),
	DEFINES("Mutation", "deleteConsumerGroup", resolve_delete),
	DEFINES("Mutation", "setDefaultConsumerGroup", resolve_set_default),
};
const struct reeve_gql_table reeved_group_change_table = {rows, REEVED_COUNT(rows)};
