/* SPDX-License-Identifier: Apache-2.0 */
/* groups.c - consumer groups, and which user belongs to which. */
#include "clock.h"
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH 16 /* rows copied at a time; about 10 KiB of stack */

static const char *const category_names[] = {
	"Interactive", "Batch", "Maintenance", "Analytics", "System", "Custom"};
static const char *const category_kinds[] = {
	"INTERACTIVE", "BATCH", "MAINTENANCE", "ANALYTICS", "SYSTEM", "CUSTOM"};

/* One row of usage: the group, its CPU position, and how busy it was. */
struct reeved_group_stats {
	struct reeve_group_info group;
	struct reeve_cpu_group_stats cpu;
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

static int resolve_cpu(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_cpu_group(ctx, ((const struct reeve_group_info *)object)->id);
}

static int resolve_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeved_page page;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_sessions_of(ctx, ((const struct reeve_group_info *)object)->id, page);
}

/* Queries */

struct filter {
	bool has_category, has_active, has_system, has_priority;
	unsigned category;
	bool is_active, is_system;
	const char *name_contains;
	int32_t priority;
};

static void read_filter(const struct reeve_gql_ctx *ctx, struct filter *ret)
{
	const struct reeve_gql_value *filter = reeve_gql_arg(ctx, "filter");
	memset(ret, 0, sizeof(*ret));
	if (reeve_gql_value_given(filter) != REEVE_GQL_GIVEN)
		return;
	ret->has_category = reeve_gql_value_enum(reeve_gql_value_member(filter, "category"),
				    &ret->category) == REEVE_GQL_GIVEN;
	ret->has_active = reeve_gql_value_bool(reeve_gql_value_member(filter, "isActive"),
				  &ret->is_active) == REEVE_GQL_GIVEN;
	ret->has_system = reeve_gql_value_bool(reeve_gql_value_member(filter, "isSystem"),
				  &ret->is_system) == REEVE_GQL_GIVEN;
	ret->has_priority = reeve_gql_value_i32(reeve_gql_value_member(filter, "priorityAtMost"),
				    &ret->priority) == REEVE_GQL_GIVEN;
	reeve_gql_value_str(reeve_gql_value_member(filter, "nameContains"), &ret->name_contains);
}

static bool filter_admits(const struct filter *filter, const struct reeve_group_info *info)
{
	if (filter->has_category && filter->category != info->category)
		return false;
	if (filter->has_active && filter->is_active != info->is_active)
		return false;
	if (filter->has_system && filter->is_system != info->is_system)
		return false;
	if (filter->has_priority && (int64_t)info->priority > filter->priority)
		return false;
	return filter->name_contains == NULL || strstr(info->name, filter->name_contains) != NULL;
}

static int resolve_list_groups(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_group_info infos[BATCH];
	struct filter filter;
	struct reeved_page page;
	uint32_t n;
	read_filter(ctx, &filter);
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_group_copy(
			reeved_segment_of(ctx), (reeve_group_id){page.after}, infos, BATCH);
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
	struct reeve_group_info infos[BATCH];
	reeve_group_id after = {0};
	uint32_t n;
	do {
		n = reeve_group_copy(reeved_segment_of(ctx), after, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			if (infos[i].is_default)
				return reeve_gql_emit_object(ctx, &infos[i]);
			after = infos[i].id;
		}
	} while (n == BATCH);
	return reeved_refuse(ctx, REEVE_EINTERNAL, "no consumer group is the default one");
}

/* Usage */

static int read_group_stats(struct reeve_gql_ctx *ctx, reeve_group_id id,
	struct reeved_group_stats *ret, struct reeve_error *err)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	int rc = reeve_group_get(reeve, id, &ret->group, err);
	return rc != 0 ? rc : reeve_cpu_group_stats_get(reeve, id, &ret->cpu, err);
}

int reeved_resolve_group_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_group_stats stats;
	struct reeve_error err;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	if (read_group_stats(ctx, id, &stats, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &stats);
}

static int resolve_list_group_stats(struct reeve_gql_ctx *ctx, const void *object)
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

static int resolve_active_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeved_group_stats *stats = object;
	struct reeve_session_info infos[BATCH];
	reeve_session_id after = {0};
	int32_t active = 0;
	uint32_t n;
	do {
		n = reeve_session_copy(reeved_segment_of(ctx), after, 0, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			after = infos[i].id;
			active += infos[i].group.v == stats->group.id.v &&
				  reeved_has_statement(&infos[i]);
		}
	} while (n == BATCH);
	return reeve_gql_emit_i64(ctx, active);
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

/* Changes */

/* Arguments, or the members of an input object: where a field's value is. */
static const struct reeve_gql_value *given_field(
	const struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input, const char *name)
{
	return input != NULL ? reeve_gql_value_member(input, name) : reeve_gql_arg(ctx, name);
}

static int take_category(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value,
	bool is_typed, uint32_t *ret)
{
	const char *text;
	unsigned index;
	if (is_typed) {
		int given = (int)reeve_gql_value_enum(value, &index);
		if (given == REEVE_GQL_GIVEN)
			*ret = index;
		return given;
	}
	int given = (int)reeve_gql_value_str(value, &text);
	if (given == REEVE_GQL_GIVEN && reeved_parse_name(ctx, "category", text, category_names,
						REEVED_COUNT(category_names), ret) != 0)
		return -1;
	return given;
}

static int take_max_execution(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value, uint64_t *ret_ns)
{
	uint64_t seconds;
	int given = (int)reeve_gql_value_u64(value, &seconds);
	if (given == REEVE_GQL_NULL)
		*ret_ns = REEVE_UNLIMITED;
	else if (given == REEVE_GQL_GIVEN &&
		 reeved_parse_seconds(ctx, "maxExecutionTime", seconds, ret_ns) != 0)
		return -1;
	return given;
}

static int take_max_sessions(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value, uint64_t *ret)
{
	uint32_t number;
	int given = reeved_take_int(ctx, value, "maxSessions", 0, INT32_MAX, &number);
	if (given == REEVE_GQL_NULL)
		*ret = REEVE_UNLIMITED;
	else if (given == REEVE_GQL_GIVEN)
		*ret = number;
	return given;
}

/* Adds a field's bit when it was given. Negative: it was refused, or null and may not be. */
static int note_field(struct reeve_gql_ctx *ctx, int given, const char *name, bool may_be_null,
	uint32_t bit, uint32_t *fields)
{
	if (given < 0)
		return -1;
	if (given == REEVE_GQL_NULL && !may_be_null)
		return reeved_refuse_null(ctx, name);
	if (given != REEVE_GQL_OMITTED)
		*fields |= bit;
	return 0;
}

/* Reads every field of a group that was given into *def, and its bit into *fields. */
static int read_group_def(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_group_def *def, uint32_t *fields)
{
#define GIVEN(name) given_field(ctx, input, name)
	if (note_field(ctx, (int)reeve_gql_value_str(GIVEN("name"), &def->name), "name", false,
		    REEVE_GROUP_NAME, fields) != 0 ||
		note_field(ctx, (int)reeve_gql_value_str(GIVEN("description"), &def->description),
			"description", true, REEVE_GROUP_DESCRIPTION, fields) != 0 ||
		note_field(ctx,
			reeved_take_int(ctx, GIVEN("priority"), "priority", REEVE_PRIORITY_HIGHEST,
				REEVE_PRIORITY_LOWEST, &def->priority),
			"priority", false, REEVE_GROUP_PRIORITY, fields) != 0 ||
		note_field(ctx,
			take_category(ctx, GIVEN("category"), input != NULL, &def->category),
			"category", false, REEVE_GROUP_CATEGORY, fields) != 0 ||
		note_field(ctx,
			(int)reeve_gql_value_str(GIVEN("customCategory"), &def->custom_category),
			"customCategory", true, REEVE_GROUP_CUSTOM_CATEGORY, fields) != 0 ||
		note_field(ctx,
			reeved_take_int(ctx, GIVEN("cpuAllocationPct"), "cpuAllocationPct", 0, 100,
				&def->cpu_allocation_pct),
			"cpuAllocationPct", false, REEVE_GROUP_CPU_ALLOCATION_PCT, fields) != 0 ||
		note_field(ctx, take_max_sessions(ctx, GIVEN("maxSessions"), &def->max_sessions),
			"maxSessions", true, REEVE_GROUP_MAX_SESSIONS, fields) != 0 ||
		note_field(ctx,
			take_max_execution(ctx, GIVEN("maxExecutionTime"), &def->max_execution_ns),
			"maxExecutionTime", true, REEVE_GROUP_MAX_EXECUTION, fields) != 0 ||
		note_field(ctx, (int)reeve_gql_value_bool(GIVEN("isActive"), &def->is_active),
			"isActive", false, REEVE_GROUP_IS_ACTIVE, fields) != 0)
		return -1;
#undef GIVEN
	return 0;
}

static int create_group(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_group_info info;
	struct reeve_error err;
	reeve_group_id id;
	uint32_t fields = 0;
	if (read_group_def(ctx, input, &def, &fields) != 0)
		return -1;
	if (reeve_group_create(reeve, &def, &id, &err) != 0 ||
		reeve_group_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_create_group(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return create_group(ctx, NULL);
}

static int resolve_define_group(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return create_group(ctx, reeve_gql_arg(ctx, "input"));
}

static int resolve_update_group(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_error err;
	uint32_t fields = 0;
	if (read_group_def(ctx, NULL, &def, &fields) != 0)
		return -1;
	if (reeve_group_update(reeved_segment_of(ctx), id, fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Consumer group %llu was updated.", (unsigned long long)id.v);
}

/* Users */

static int resolve_mapping_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_user_mapping *)object)->group);
}

static int resolve_list_mappings(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_user_mapping mappings[BATCH];
	uint64_t group = 0;
	struct reeved_page page;
	uint32_t n;
	bool is_filtered = reeve_gql_arg_u64(ctx, "groupId", &group) == REEVE_GQL_GIVEN;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_user_copy(reeved_segment_of(ctx), page.after, mappings, BATCH);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			page.after = mappings[i].user_id;
			if (is_filtered && mappings[i].group.v != group)
				continue;
			reeve_gql_emit_object(ctx, &mappings[i]);
			page.left--;
		}
	} while (n == BATCH && page.left > 0);
	return reeve_gql_list_end(ctx);
}

static int resolve_get_mapping(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_user_mapping mapping;
	struct reeve_error err;
	if (reeve_user_get(reeved_segment_of(ctx), reeved_arg_id(ctx, "userId"), &mapping, &err) !=
		0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &mapping);
}

static int resolve_map_user(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	uint64_t user = reeved_arg_id(ctx, "userId");
	const char *username = reeved_arg_text(ctx, "username");
	bool is_permanent = true;
	if (reeve_gql_arg_bool(ctx, "isPermanent", &is_permanent) == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "isPermanent");
	if (reeve_user_map(reeved_segment_of(ctx), user, username, group, is_permanent, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "User %llu (%.128s) was mapped to consumer group %llu.",
		(unsigned long long)user, username, (unsigned long long)group.v);
}

static int resolve_unmap_user(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	uint64_t user = reeved_arg_id(ctx, "userId");
	if (reeve_user_unmap(reeved_segment_of(ctx), user, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "User %llu is no longer mapped.", (unsigned long long)user);
}

#define G "ConsumerGroup"
#define S "ConsumerGroupStats"
#define U "UserGroupMapping"
static const struct reeve_gql_binding rows[] = {
	UINT(G, "id", struct reeve_group_info, id.v, ),
	CHARS(G, "name", struct reeve_group_info, name),
	FN(G, "description", resolve_description),
	UINT(G, "priority", struct reeve_group_info, priority, ),
	NAMED(G, "category", struct reeve_group_info, category, category_names),
	NAMED(G, "categoryKind", struct reeve_group_info, category, category_kinds),
	FN(G, "customCategory", resolve_custom_category),
	UINT(G, "cpuAllocationPct", struct reeve_group_info, cpu_allocation_pct, ),
	FN(G, "maxSessions", resolve_max_sessions),
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
	FN(G, "sessions", resolve_sessions),

	UINT(S, "groupId", struct reeved_group_stats, group.id.v, ),
	CHARS(S, "groupName", struct reeved_group_stats, group.name),
	UINT(S, "currentSessions", struct reeved_group_stats, group.current_sessions, ),
	FN(S, "maxSessions", resolve_stats_max_sessions),
	UINT(S, "cpuAllocationPct", struct reeved_group_stats, group.cpu_allocation_pct, ),
	UINT(S, "priority", struct reeved_group_stats, group.priority, ),
	FN(S, "activeSessions", resolve_active_sessions),
	UINT(S, "cpuTimeUsed", struct reeved_group_stats, cpu.cpu_ns, ),
	FN(S, "cpuUsagePercent", resolve_cpu_usage),

	UINT(U, "userId", struct reeve_user_mapping, user_id, ),
	CHARS(U, "username", struct reeve_user_mapping, username),
	UINT(U, "groupId", struct reeve_user_mapping, group.v, ),
	FN(U, "group", resolve_mapping_group),
	BOOL(U, "isPermanent", struct reeve_user_mapping, is_permanent),
	TIME_NS(U, "createdAt", struct reeve_user_mapping, created_wall, ),

	UINT("CreateConsumerGroupPayload", "groupId", struct reeve_group_info, id.v, ),
	SELF("CreateConsumerGroupPayload", "group"),

	FN("Query", "listConsumerGroups", resolve_list_groups),
	FN("Query", "getConsumerGroup", resolve_get_group),
	FN("Query", "getConsumerGroupByName", resolve_get_group_by_name),
	FN("Query", "getConsumerGroupStats", reeved_resolve_group_stats),
	FN("Query", "listConsumerGroupStats", resolve_list_group_stats),
	FN("Query", "getDefaultConsumerGroup", resolve_default_group),
	FN("Query", "listUserGroupMappings", resolve_list_mappings),
	FN("Query", "getUserGroupMapping", resolve_get_mapping),

	DEFINES("Mutation", "createConsumerGroup", resolve_create_group),
	DEFINES("Mutation", "defineConsumerGroup", resolve_define_group),
	DEFINES("Mutation", "updateConsumerGroup", resolve_update_group),
	DEFINES("Mutation", "mapUserToGroup", resolve_map_user),
	DEFINES("Mutation", "unmapUser", resolve_unmap_user),
};
const struct reeve_gql_table reeved_group_table = {rows, REEVED_COUNT(rows)};
