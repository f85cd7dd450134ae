/* SPDX-License-Identifier: Apache-2.0 */
/* plans.c - resource plans, their directives, validation and activation. */
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH	     16
#define MAX_MESSAGES 64 /* of one validation; a plan with more is bad enough */

static const char *const method_names[] = {"Emphasis", "Ratio", "Shares"};
static const char *const method_kinds[] = {"EMPHASIS", "RATIO", "SHARES"};
static const char *const severity_kinds[] = {"ERROR", "WARNING"};

/* One group under one plan. */
struct allocation {
	reeve_plan_id plan;
	struct reeve_entitlement entitlement;
	struct reeve_group_info group;
};

struct validation {
	reeve_plan_id plan;
	struct reeve_plan_message *messages;
	uint32_t n_messages;
};

struct message {
	const struct validation *validation;
	const struct reeve_plan_message *row;
};

/* Fields of a plan */

static int resolve_description(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_text(ctx, ((const struct reeve_plan_info *)object)->description);
}

static int resolve_status(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_plan_info *info = object;
	return reeve_gql_emit_str(ctx, info->is_active ? "Active" : "Inactive");
}

static int resolve_status_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_plan_info *info = object;
	return reeve_gql_emit_str(ctx, info->is_active ? "ACTIVE" : "INACTIVE");
}

static int resolve_false(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_bool(ctx, false);
}

static int resolve_null(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_null(ctx);
}

static int emit_directives(struct reeve_gql_ctx *ctx, reeve_plan_id plan)
{
	struct reeve_directive_info infos[BATCH];
	reeve_directive_id after = {0};
	struct reeve_error err;
	int n = reeve_directive_copy(reeved_segment_of(ctx), plan, after, infos, BATCH, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	reeve_gql_list_begin(ctx);
	while (n > 0) {
		for (int i = 0; i < n; i++)
			reeve_gql_emit_object(ctx, &infos[i]);
		after = infos[n - 1].id;
		n = n < BATCH ? 0
			      : reeve_directive_copy(
					reeved_segment_of(ctx), plan, after, infos, BATCH, NULL);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_plan_directives(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_directives(ctx, ((const struct reeve_plan_info *)object)->id);
}

/* Fields of a directive */

static int emit_given(struct reeve_gql_ctx *ctx, const struct reeve_directive_info *info,
	uint32_t bit, uint32_t v)
{
	return (info->given & bit) != 0 ? reeve_gql_emit_u64(ctx, v) : reeve_gql_emit_null(ctx);
}

static int resolve_cpu_pct(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_directive_info *info = object;
	return emit_given(ctx, info, REEVE_DIRECTIVE_CPU_PCT, info->cpu_pct);
}

static int resolve_cpu_shares(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_directive_info *info = object;
	return emit_given(ctx, info, REEVE_DIRECTIVE_CPU_SHARES, info->cpu_shares);
}

static int resolve_cpu_cap(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_directive_info *info = object;
	return emit_given(ctx, info, REEVE_DIRECTIVE_CPU_CAP, info->cpu_cap_pct);
}

static int resolve_directive_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_directive_info *)object)->group);
}

/* Queries */

static int resolve_list_plans(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_info infos[BATCH];
	bool is_enabled = false;
	struct reeved_page page;
	uint32_t n;
	bool is_filtered = reeve_gql_arg_bool(ctx, "isEnabled", &is_enabled) == REEVE_GQL_GIVEN;
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_plan_copy(
			reeved_segment_of(ctx), (reeve_plan_id){page.after}, infos, BATCH);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			page.after = infos[i].id.v;
			if (is_filtered && infos[i].is_enabled != is_enabled)
				continue;
			reeve_gql_emit_object(ctx, &infos[i]);
			page.left--;
		}
	} while (n == BATCH && page.left > 0);
	return reeve_gql_list_end(ctx);
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

static int resolve_directives(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_directives(ctx, (reeve_plan_id){reeved_arg_id(ctx, "planId")});
}

static int emit_directive(struct reeve_gql_ctx *ctx, reeve_directive_id id)
{
	struct reeve_directive_info info;
	struct reeve_error err;
	if (reeve_directive_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return emit_directive(ctx, (reeve_directive_id){reeved_arg_id(ctx, "directiveId")});
}

/* Validation */

static int resolve_validate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_message messages[MAX_MESSAGES];
	struct reeve_error err;
	struct validation validation = {
		.plan = {reeved_arg_id(ctx, "planId")},
		.messages = messages,
	};
	int n = reeve_plan_validate(
		reeved_segment_of(ctx), validation.plan, messages, MAX_MESSAGES, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	validation.n_messages = (uint32_t)(n < MAX_MESSAGES ? n : MAX_MESSAGES);
	return reeve_gql_emit_object(ctx, &validation);
}

static int resolve_is_valid(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct validation *validation = object;
	bool is_valid = true;
	for (uint32_t i = 0; i < validation->n_messages; i++)
		is_valid = is_valid && validation->messages[i].severity != REEVE_SEVERITY_ERROR;
	return reeve_gql_emit_bool(ctx, is_valid);
}

static int emit_texts(struct reeve_gql_ctx *ctx, const struct validation *validation,
	enum reeve_severity severity)
{
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < validation->n_messages; i++) {
		if (validation->messages[i].severity == severity)
			reeve_gql_emit_str(ctx, validation->messages[i].text);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_warnings(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_texts(ctx, object, REEVE_SEVERITY_WARNING);
}

static int resolve_problems(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_texts(ctx, object, REEVE_SEVERITY_ERROR);
}

static int resolve_messages(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct validation *validation = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < validation->n_messages; i++) {
		struct message message = {validation, &validation->messages[i]};
		reeve_gql_emit_object(ctx, &message);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_message_severity(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_str(
		ctx, severity_kinds[((const struct message *)object)->row->severity]);
}

static int resolve_message_text(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_str(ctx, ((const struct message *)object)->row->text);
}

static int resolve_message_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_u64(ctx, ((const struct message *)object)->validation->plan.v);
}

static int resolve_message_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	uint64_t id = ((const struct message *)object)->row->directive.v;
	return id != 0 ? reeve_gql_emit_u64(ctx, id) : reeve_gql_emit_null(ctx);
}

/* Entitlements */

static int emit_allocations(struct reeve_gql_ctx *ctx, reeve_plan_id plan,
	const struct reeve_entitlement *entitlements, int n)
{
	struct allocation allocation = {.plan = plan};
	reeve_gql_list_begin(ctx);
	for (int i = 0; i < n; i++) {
		allocation.entitlement = entitlements[i];
		if (reeve_group_get(reeved_segment_of(ctx), entitlements[i].group,
			    &allocation.group, NULL) == 0)
			reeve_gql_emit_object(ctx, &allocation);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_allocations(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_segment_info segment;
	struct reeve_error err;
	reeve_plan_id plan = {0};
	if (reeve_gql_arg_u64(ctx, "planId", &plan.v) != REEVE_GQL_GIVEN)
		plan = reeve_plan_active(reeve);
	reeve_segment_get(reeve, &segment);
	struct reeve_entitlement *entitlements =
		reeve_gql_alloc(ctx, segment.max_groups * sizeof(*entitlements));
	if (entitlements == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_plan_entitlements(reeve, plan, entitlements, segment.max_groups, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	return emit_allocations(ctx, plan, entitlements, n);
}

static int resolve_allocation_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct allocation *allocation = object;
	if (allocation->entitlement.directive.v == 0)
		return reeve_gql_emit_null(ctx);
	return emit_directive(ctx, allocation->entitlement.directive);
}

/* Changes of plans */

static int read_method(struct reeve_gql_ctx *ctx, struct reeve_plan_def *def, uint32_t *fields)
{
	const char *text;
	enum reeve_gql_given given = reeve_gql_arg_str(ctx, "cpuMethod", &text);
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "cpuMethod");
	if (given == REEVE_GQL_OMITTED)
		return 0;
	*fields |= REEVE_PLAN_CPU_METHOD;
	return reeved_parse_name(
		ctx, "cpuMethod", text, method_names, REEVED_COUNT(method_names), &def->cpu_method);
}

static int read_utilization(struct reeve_gql_ctx *ctx, struct reeve_plan_def *def, uint32_t *fields)
{
	int given = reeved_take_int(ctx, reeve_gql_arg(ctx, "maxUtilizationLimit"),
		"maxUtilizationLimit", 1, 100, &def->max_utilization_pct);
	if (given == REEVE_GQL_NULL)
		def->max_utilization_pct = 0;
	if (given > REEVE_GQL_OMITTED)
		*fields |= REEVE_PLAN_MAX_UTILIZATION;
	return given < 0 ? -1 : 0;
}

static int read_plan_def(struct reeve_gql_ctx *ctx, struct reeve_plan_def *def, uint32_t *fields)
{
	enum reeve_gql_given name = reeve_gql_arg_str(ctx, "name", &def->name);
	enum reeve_gql_given enabled = reeve_gql_arg_bool(ctx, "isEnabled", &def->is_enabled);
	if (name == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "name");
	if (enabled == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "isEnabled");
	if (name == REEVE_GQL_GIVEN)
		*fields |= REEVE_PLAN_NAME;
	if (enabled == REEVE_GQL_GIVEN)
		*fields |= REEVE_PLAN_IS_ENABLED;
	if (reeve_gql_arg_str(ctx, "description", &def->description) != REEVE_GQL_OMITTED)
		*fields |= REEVE_PLAN_DESCRIPTION;
	return read_method(ctx, def, fields) != 0 ? -1 : read_utilization(ctx, def, fields);
}

static int resolve_create_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	reeve_plan_id id;
	uint32_t fields = 0;
	if (read_plan_def(ctx, &def, &fields) != 0)
		return -1;
	if (reeve_plan_create(reeved_segment_of(ctx), &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_plan(ctx, id);
}

static int resolve_update_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	uint32_t fields = 0;
	if (read_plan_def(ctx, &def, &fields) != 0)
		return -1;
	if (reeve_plan_update(reeved_segment_of(ctx), id, fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Resource plan %llu was updated.", (unsigned long long)id.v);
}

static int activate(struct reeve_gql_ctx *ctx, reeve_plan_id id)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_plan_info info;
	struct reeve_error err;
	if (reeve_plan_activate(reeve, id, &err) != 0 ||
		reeve_plan_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "Resource plan %llu (%s) is in force.", (unsigned long long)id.v, info.name);
}

static int resolve_activate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return activate(ctx, (reeve_plan_id){reeved_arg_id(ctx, "planId")});
}

static int resolve_deactivate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return activate(ctx, (reeve_plan_id){REEVE_DEFAULT_PLAN});
}

/* Changes of directives */

/* One number of a directive: its name, its bit, its range, and where it goes. */
static const struct number {
	const char *name;
	uint32_t bit, least, most;
	size_t offset;
} numbers[] = {
	{"cpuPct", REEVE_DIRECTIVE_CPU_PCT, 0, 100, offsetof(struct reeve_directive_def, cpu_pct)},
	{"cpuShares", REEVE_DIRECTIVE_CPU_SHARES, 1, REEVE_SHARES_MAX,
		offsetof(struct reeve_directive_def, cpu_shares)},
	{"cpuLevel", REEVE_DIRECTIVE_CPU_LEVEL, 1, REEVE_CPU_LEVELS,
		offsetof(struct reeve_directive_def, cpu_level)},
	{"cpuUtilizationLimit", REEVE_DIRECTIVE_CPU_CAP, 1, 100,
		offsetof(struct reeve_directive_def, cpu_cap_pct)},
};

/* From the arguments, or from the members of `input`. */
static int read_directive_def(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_directive_def *def)
{
	memset(def, 0, sizeof(*def));
	for (size_t i = 0; i < REEVED_COUNT(numbers); i++) {
		const struct number *number = &numbers[i];
		const struct reeve_gql_value *value =
			input != NULL ? reeve_gql_value_member(input, number->name)
				      : reeve_gql_arg(ctx, number->name);
		uint32_t v = 0;
		int given =
			reeved_take_int(ctx, value, number->name, number->least, number->most, &v);
		if (given < 0)
			return -1;
		if (given == REEVE_GQL_GIVEN)
			def->given |= number->bit;
		else if (given == REEVE_GQL_NULL)
			def->removed |= number->bit;
		memcpy((char *)def + number->offset, &v, sizeof(v));
	}
	return 0;
}

static int resolve_create_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id plan = {reeved_arg_id(ctx, "planId")};
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_directive_def def;
	struct reeve_error err;
	reeve_directive_id id;
	if (read_directive_def(ctx, NULL, &def) != 0)
		return -1;
	if (reeve_directive_set(reeved_segment_of(ctx), plan, group, &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return emit_directive(ctx, id);
}

static int resolve_update_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_directive_id id = {reeved_arg_id(ctx, "directiveId")};
	struct reeve_directive_def def;
	struct reeve_error err;
	if (read_directive_def(ctx, reeve_gql_arg(ctx, "changes"), &def) != 0)
		return -1;
	if (reeve_directive_update(reeved_segment_of(ctx), id, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Directive %llu was updated.", (unsigned long long)id.v);
}

static int resolve_delete_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_directive_id id = {reeved_arg_id(ctx, "directiveId")};
	struct reeve_error err;
	if (reeve_directive_destroy(reeved_segment_of(ctx), id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Directive %llu was deleted.", (unsigned long long)id.v);
}

#define P "ResourcePlan"
#define D "PlanDirective"
#define A "EffectiveAllocation"
#define V "PlanValidation"
#define M "ValidationMessage"
static const struct reeve_gql_binding rows[] = {
	UINT(P, "id", struct reeve_plan_info, id.v, ),
	CHARS(P, "name", struct reeve_plan_info, name),
	FN(P, "description", resolve_description),
	NAMED(P, "cpuMethod", struct reeve_plan_info, cpu_method, method_names),
	NAMED(P, "cpuMethodKind", struct reeve_plan_info, cpu_method, method_kinds),
	FN(P, "parallelExecutionManaged", resolve_false),
	UINT(P, "maxUtilizationLimit", struct reeve_plan_info, max_utilization_pct,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	BOOL(P, "isEnabled", struct reeve_plan_info, is_enabled),
	BOOL(P, "isSystem", struct reeve_plan_info, is_system),
	BOOL(P, "isDefault", struct reeve_plan_info, is_default),
	FN(P, "status", resolve_status),
	FN(P, "statusKind", resolve_status_kind),
	TIME_NS(P, "createdAt", struct reeve_plan_info, created_wall, ),
	TIME_NS(P, "modifiedAt", struct reeve_plan_info, modified_wall, ),
	UINT(P, "revision", struct reeve_plan_info, revision, ),
	FN(P, "directives", resolve_plan_directives),

	UINT(D, "id", struct reeve_directive_info, id.v, ),
	UINT(D, "planId", struct reeve_directive_info, plan.v, ),
	UINT(D, "groupId", struct reeve_directive_info, group.v, ),
	FN(D, "group", resolve_directive_group),
	FN(D, "cpuPct", resolve_cpu_pct),
	FN(D, "cpuShares", resolve_cpu_shares),
	UINT(D, "cpuLevel", struct reeve_directive_info, cpu_level, ),
	FN(D, "cpuUtilizationLimit", resolve_cpu_cap),
	FN(D, "parallelDegreeLimit", resolve_null),
	TIME_NS(D, "createdAt", struct reeve_directive_info, created_wall, ),
	TIME_NS(D, "modifiedAt", struct reeve_directive_info, modified_wall, ),
	UINT(D, "revision", struct reeve_directive_info, revision, ),

	UINT(A, "planId", struct allocation, plan.v, ),
	UINT(A, "groupId", struct allocation, group.id.v, ),
	CHARS(A, "groupName", struct allocation, group.name),
	UINT(A, "cpuSharePercent", struct allocation, entitlement.share_ppm, .divisor = 10000),
	UINT(A, "cpuLimitPercent", struct allocation, entitlement.cap_ppm, .divisor = 10000),
	FN(A, "directive", resolve_allocation_directive),

	UINT(V, "planId", struct validation, plan.v, ),
	FN(V, "isValid", resolve_is_valid),
	FN(V, "warnings", resolve_warnings),
	FN(V, "problems", resolve_problems),
	FN(V, "messages", resolve_messages),
	FN(M, "severity", resolve_message_severity),
	FN(M, "text", resolve_message_text),
	FN(M, "planId", resolve_message_plan),
	FN(M, "directiveId", resolve_message_directive),

	UINT("CreateResourcePlanPayload", "planId", struct reeve_plan_info, id.v, ),
	SELF("CreateResourcePlanPayload", "plan"),
	UINT("CreatePlanDirectivePayload", "directiveId", struct reeve_directive_info, id.v, ),
	SELF("CreatePlanDirectivePayload", "directive"),

	FN("Query", "listResourcePlans", resolve_list_plans),
	FN("Query", "getResourcePlan", resolve_get_plan),
	FN("Query", "getResourcePlanByName", resolve_get_plan_by_name),
	FN("Query", "getActiveResourcePlan", resolve_active_plan),
	FN("Query", "getResourcePlanDirectives", resolve_directives),
	FN("Query", "getPlanDirective", resolve_get_directive),
	FN("Query", "validateResourcePlan", resolve_validate),
	FN("Query", "getEffectiveAllocations", resolve_allocations),

	DEFINES("Mutation", "createResourcePlan", resolve_create_plan),
	DEFINES("Mutation", "updateResourcePlan", resolve_update_plan),
	DEFINES("Mutation", "activateResourcePlan", resolve_activate),
	DEFINES("Mutation", "deactivateResourcePlan", resolve_deactivate),
	DEFINES("Mutation", "createPlanDirective", resolve_create_directive),
	DEFINES("Mutation", "updatePlanDirective", resolve_update_directive),
	DEFINES("Mutation", "deletePlanDirective", resolve_delete_directive),
};
const struct reeve_gql_table reeved_plan_table = {rows, REEVED_COUNT(rows)};
