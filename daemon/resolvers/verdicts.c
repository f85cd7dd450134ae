/* SPDX-License-Identifier: Apache-2.0 */
/* verdicts.c - what is said of a plan: validation, and what each group is entitled to under it. */
#include "resolvers/resolvers.h"

#define MAX_MESSAGES 64 /* of one validation; a plan with more is bad enough */

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
	/* A group has one for each place in the tree of plans that names it. */
	uint32_t capacity = segment.groups + segment.directives + 1;
	struct reeve_entitlement *entitlements =
		reeve_gql_alloc(ctx, capacity * sizeof(*entitlements));
	if (entitlements == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_plan_entitlements(reeve, plan, entitlements, capacity, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	return emit_allocations(ctx, plan, entitlements, n);
}

static int resolve_path(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_entitlement *entitlement =
		&((const struct allocation *)object)->entitlement;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < entitlement->depth && i < REEVE_PATH_MAX; i++)
		reeve_gql_emit_u64(ctx, entitlement->path[i].v);
	return reeve_gql_list_end(ctx);
}

static int resolve_allocation_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct allocation *allocation = object;
	if (allocation->entitlement.directive.v == 0)
		return reeve_gql_emit_null(ctx);
	return reeved_emit_directive(ctx, allocation->entitlement.directive);
}

#define A "EffectiveAllocation"
#define V "PlanValidation"
#define M "ValidationMessage"
static const struct reeve_gql_binding rows[] = {
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
	FN(A, "path", resolve_path),

	FN("Query", "validateResourcePlan", resolve_validate),
	FN("Query", "getEffectiveAllocations", resolve_allocations),
};
const struct reeve_gql_table reeved_verdict_table = {rows, REEVED_COUNT(rows)};
