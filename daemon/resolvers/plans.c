/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - resource plans: what there are, their changes, activation. */
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH 16

static const char *const method_names[] = {"Emphasis", "Ratio", "Shares"};
static const char *const status_names[] = {"Active", "Inactive", "Maintenance"};
static const char *const status_kinds[] = {"ACTIVE", "INACTIVE", "MAINTENANCE"};
static const char *const method_kinds[] = {"EMPHASIS", "RATIO", "SHARES"};

/* Fields of a plan */

static int resolve_description(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_text(ctx, ((const struct reeve_plan_info *)object)->description);
}

REEVED_LIST(plans, struct reeve_plan_info, id.v, reeve_plan_id, reeve_plan_copy);

int reeved_emit_plan(struct reeve_gql_ctx *ctx, reeve_plan_id id)
{
	struct reeve_plan_info info;
	if (id.v == 0 || reeve_plan_get(reeved_segment_of(ctx), id, &info, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_parent(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_plan(ctx, ((const struct reeve_plan_info *)object)->parent);
}

static const struct reeved_field parent_fields[] = {
	REEVED_FIELD("parentPlanId", U64, struct reeve_plan_info, parent.v, REEVED_ID),
};

static int resolve_sub_plans(struct reeve_gql_ctx *ctx, const void *object)
{
	struct reeved_page all = {0, UINT32_MAX};
	struct reeved_filter filter = {.fields = parent_fields, .n_fields = 1};
	filter.is_given[0] = true;
	filter.wanted[0].number = ((const struct reeve_plan_info *)object)->id.v;
	return reeved_emit_list(ctx, &plans, NULL, &filter, all);
}

static int resolve_schedules(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_schedules_of(ctx, ((const struct reeve_plan_info *)object)->id);
}

static int resolve_windows(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_windows_of(ctx, ((const struct reeve_plan_info *)object)->id);
}

static int resolve_plan_directives(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_directives(ctx, ((const struct reeve_plan_info *)object)->id);
}

/* Queries */

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("isEnabled", BOOL, struct reeve_plan_info, is_enabled, ),
	REEVED_FIELD("topPlansOnly", BOOL, struct reeve_plan_info, is_top_plan, ),
};

static int resolve_list_plans(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, NULL, filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	/* "Not only top plans" is all plans. */
	if (!filter.wanted[1].flag)
		filter.is_given[1] = false;
	return reeved_emit_list(ctx, &plans, NULL, &filter, page);
}

static int emit_plan(struct reeve_gql_ctx *ctx, reeve_plan_id id)
{
	struct reeve_plan_info info;
	struct reeve_error err;
	if (reeve_plan_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_plan(ctx, (reeve_plan_id){reeved_arg_id(ctx, "planId")});
}

static int resolve_get_plan_by_name(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const char *name = reeved_arg_text(ctx, "name");
	reeve_plan_id id;
	if (!reeve_plan_find(reeved_segment_of(ctx), name, &id))
		return reeved_refuse(
			ctx, REEVE_ENOT_FOUND, "there is no resource plan \"%.128s\"", name);
	return emit_plan(ctx, id);
}

static int resolve_active_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_plan(ctx, reeve_plan_active(reeved_segment_of(ctx)));
}

/* Changes of plans */

#define PLAN(name_, take_, member_, bit_, ...)                                                     \
	REEVED_FIELD(name_, take_, struct reeve_plan_def, member_, .bit = REEVE_PLAN_##bit_,       \
		__VA_ARGS__)
static const struct reeved_field fields[] = {
	PLAN("name", TEXT, name, NAME, ),
	PLAN("description", TEXT, description, DESCRIPTION, REEVED_OR_NULL(0)),
	PLAN("cpuMethod", NAME, cpu_method, CPU_METHOD, REEVED_AMONG(method_names)),
	PLAN("parentPlanId", U64, parent.v, PARENT, REEVED_BETWEEN(1, UINT64_MAX),
		REEVED_OR_NULL(0)),
	PLAN("parallelExecutionManaged", BOOL, parallel_execution_managed, PARALLEL_MANAGED, ),
	PLAN("activeSessionPoolManaged", BOOL, active_session_pool_managed, SESSIONS_MANAGED, ),
	PLAN("maxUtilizationLimit", INT, max_utilization_pct, MAX_UTILIZATION,
		REEVED_BETWEEN(1, 100), REEVED_OR_NULL(0)),
	PLAN("isEnabled", BOOL, is_enabled, IS_ENABLED, ),
};

int reeved_read_plan(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_plan_def *def, uint64_t *given)
{
	return REEVED_READ(ctx, input, fields, def, given);
}

static int resolve_create_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	reeve_plan_id id;
	if (reeved_read_plan(ctx, NULL, &def, NULL) != 0)
		return -1;
	if (reeve_plan_create(reeved_segment_of(ctx), &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_plan(ctx, id);
}

/* Reads the directives of a plan that is to be made; NULL after failing the field. */
static struct reeve_plan_part *read_parts(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *list, uint32_t n)
{
	struct reeve_plan_part *parts = reeve_gql_alloc(ctx, (n + 1) * sizeof(*parts));
	if (parts == NULL) {
		reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct reeve_gql_value *item = reeve_gql_value_item(list, i);
		parts[i].group.v = 0;
		reeve_gql_value_u64(reeve_gql_value_member(item, "groupId"), &parts[i].group.v);
		if (reeved_read_directive(
			    ctx, reeve_gql_value_member(item, "directive"), &parts[i].def) != 0)
			return NULL;
	}
	return parts;
}

static int resolve_define_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const struct reeve_gql_value *input = reeve_gql_arg(ctx, "input");
	const struct reeve_gql_value *list = reeve_gql_value_member(input, "directives");
	uint32_t n = reeve_gql_value_count(list);
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_plan_part *parts;
	struct reeve_error err;
	reeve_plan_id id;
	if (reeved_read_plan(ctx, input, &def, NULL) != 0)
		return -1;
	parts = read_parts(ctx, list, n);
	if (parts == NULL)
		return -1;
	if (reeve_plan_define(reeved_segment_of(ctx), &def, parts, n, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_plan(ctx, id);
}

static int resolve_update_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	uint64_t given = 0;
	if (reeved_read_plan(ctx, NULL, &def, &given) != 0)
		return -1;
	if (reeve_plan_update(reeved_segment_of(ctx), id, (uint32_t)given, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Resource plan %llu was updated.", (unsigned long long)id.v);
}

static int emit_in_force(struct reeve_gql_ctx *ctx)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_plan_info info;
	struct reeve_error err;
	if (reeve_plan_get(reeve, reeve_plan_active(reeve), &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Resource plan %llu (%s) is in force.",
		(unsigned long long)info.id.v, info.name);
}

static int resolve_activate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")};
	struct reeve_error err;
	if (reeve_plan_activate(reeved_segment_of(ctx), id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_in_force(ctx);
}

static int resolve_deactivate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	if (reeve_plan_deactivate(reeved_segment_of(ctx), &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_in_force(ctx);
}

static int resolve_delete_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")}, replacement = {0};
	struct reeve_error err;
	if (reeve_gql_arg_u64(ctx, "replacement", &replacement.v) == REEVE_GQL_GIVEN &&
		replacement.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no resource plan 0");
	if (reeve_plan_delete(reeved_segment_of(ctx), id, replacement, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Resource plan %llu was deleted.", (unsigned long long)id.v);
}

#define P "ResourcePlan"
static const struct reeve_gql_binding rows[] = {
	UINT(P, "id", struct reeve_plan_info, id.v, ),
	CHARS(P, "name", struct reeve_plan_info, name),
	FN(P, "description", resolve_description),
	NAMED(P, "cpuMethod", struct reeve_plan_info, cpu_method, method_names),
	NAMED(P, "cpuMethodKind", struct reeve_plan_info, cpu_method, method_kinds),
	BOOL(P, "isTopPlan", struct reeve_plan_info, is_top_plan),
	UINT(P, "parentPlanId", struct reeve_plan_info, parent.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	FN(P, "parentPlan", resolve_parent),
	BOOL(P, "parallelExecutionManaged", struct reeve_plan_info, parallel_execution_managed),
	BOOL(P, "activeSessionPoolManaged", struct reeve_plan_info, active_session_pool_managed),
	UINT(P, "maxUtilizationLimit", struct reeve_plan_info, max_utilization_pct,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	BOOL(P, "isEnabled", struct reeve_plan_info, is_enabled),
	BOOL(P, "isSystem", struct reeve_plan_info, is_system),
	BOOL(P, "isDefault", struct reeve_plan_info, is_default),
	NAMED(P, "status", struct reeve_plan_info, status, status_names),
	NAMED(P, "statusKind", struct reeve_plan_info, status, status_kinds),
	TIME_NS(P, "createdAt", struct reeve_plan_info, created_wall, ),
	TIME_NS(P, "modifiedAt", struct reeve_plan_info, modified_wall, ),
	UINT(P, "revision", struct reeve_plan_info, revision, ),
	FN(P, "directives", resolve_plan_directives),
	FN(P, "subPlans", resolve_sub_plans),
	FN(P, "schedules", resolve_schedules),
	FN(P, "maintenanceWindows", resolve_windows),

	UINT("CreateResourcePlanPayload", "planId", struct reeve_plan_info, id.v, ),
	SELF("CreateResourcePlanPayload", "plan"),

	FN("Query", "listResourcePlans", resolve_list_plans),
	FN("Query", "getResourcePlan", resolve_get_plan),
	FN("Query", "getResourcePlanByName", resolve_get_plan_by_name),
	FN("Query", "getActiveResourcePlan", resolve_active_plan),

	DEFINES("Mutation", "createResourcePlan", resolve_create_plan),
	DEFINES("Mutation", "defineResourcePlan", resolve_define_plan),
	DEFINES("Mutation", "deleteResourcePlan", resolve_delete_plan),
	DEFINES("Mutation", "updateResourcePlan", resolve_update_plan),
	DEFINES("Mutation", "activateResourcePlan", resolve_activate),
	DEFINES("Mutation", "deactivateResourcePlan", resolve_deactivate),
};
const struct reeve_gql_table reeved_plan_table = {rows, REEVED_COUNT(rows)};
