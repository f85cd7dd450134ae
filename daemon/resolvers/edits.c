/* SPDX-License-Identifier: Apache-2.0 */
/* edits.c - staged edits of plans: many changes that become one. */
#include "resolvers/resolvers.h"

#define MAX_MESSAGES 64

struct edit_validation {
	struct reeve_plan_message messages[MAX_MESSAGES];
	uint32_t n;
};

REEVED_WHOLE(resolve_edit, struct reeve_edit_info, reeve_edit_get)

/* What only an open edit has. */
static int resolve_by(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_edit_info *info = object;
	return reeve_gql_emit_str(ctx, info->is_open ? info->by : NULL);
}

static int resolve_validate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	struct edit_validation *validation = reeve_gql_alloc(ctx, sizeof(*validation));
	if (validation == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_edit_validate(
		reeved_segment_of(ctx), validation->messages, MAX_MESSAGES, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	validation->n = n < MAX_MESSAGES ? (uint32_t)n : MAX_MESSAGES;
	return reeve_gql_emit_object(ctx, validation);
}

static uint32_t count_errors(const struct edit_validation *validation)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < validation->n; i++)
		n += validation->messages[i].severity == REEVE_SEVERITY_ERROR;
	return n;
}

static int resolve_is_valid(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(ctx, count_errors(object) == 0);
}

static int emit_texts(struct reeve_gql_ctx *ctx, const struct edit_validation *validation,
	enum reeve_severity severity)
{
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < validation->n; i++) {
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

/* Steps */

struct patience {
	uint64_t ns;
};

static int resolve_begin(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {REEVED_FIELD(
		"timeout", U64, struct patience, ns, REEVED_BETWEEN(1, 86400), .unit = REEVE_SEC)};
	struct patience patience = {0};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, fields, &patience, NULL) != 0)
		return -1;
	if (reeve_edit_begin(reeved_segment_of(ctx), patience.ns, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "A staged edit was begun.");
}

static int resolve_create(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	reeve_plan_id id;
	if (reeved_read_plan(ctx, NULL, &def, NULL) != 0)
		return -1;
	if (reeve_edit_plan_create(reeved_segment_of(ctx), &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &id);
}

static int resolve_update(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	uint64_t given = 0;
	if (reeved_read_plan(ctx, NULL, &def, &given) != 0)
		return -1;
	if (reeve_edit_plan_update(reeved_segment_of(ctx), id, (uint32_t)given, &def, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "A change of resource plan %llu is staged.", (unsigned long long)id.v);
}

static int resolve_delete(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id id = {reeved_arg_id(ctx, "planId")};
	reeve_plan_id replacement = {reeved_arg_id(ctx, "replacement")};
	struct reeve_error err;
	if (reeve_edit_plan_delete(reeved_segment_of(ctx), id, replacement, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The deletion of resource plan %llu is staged.", (unsigned long long)id.v);
}

static int resolve_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id plan = {reeved_arg_id(ctx, "planId")};
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_directive_def def;
	struct reeve_error err;
	if (reeved_read_directive(ctx, reeve_gql_arg(ctx, "directive"), &def) != 0)
		return -1;
	if (reeve_edit_directive_set(reeved_segment_of(ctx), plan, group, &def, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "A directive of plan %llu for consumer group %llu is staged.",
		(unsigned long long)plan.v, (unsigned long long)group.v);
}

static int resolve_remove_directive(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id plan = {reeved_arg_id(ctx, "planId")};
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_error err;
	if (reeve_edit_directive_remove(reeved_segment_of(ctx), plan, group, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx,
		"The end of the directive of plan %llu for consumer group %llu is staged.",
		(unsigned long long)plan.v, (unsigned long long)group.v);
}

static int resolve_submit(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_client *client = reeved_client_of(ctx);
	struct reeve_error err;
	uint64_t revision = 0;
	/* The steps were put into everybody's segment: a rehearsal gets them first. */
	if (client->rehearsal != NULL &&
		reeve_edit_clone(client->daemon->reeve, client->rehearsal, &err) != 0)
		return reeved_fail(ctx, &err);
	if (reeve_edit_submit(reeved_segment_of(ctx), &revision, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The staged edit is made, as revision %llu.", (unsigned long long)revision);
}

static int resolve_discard(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_error err;
	if (reeve_edit_discard(reeved_segment_of(ctx), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The staged edit was discarded.");
}

#define E	"PlanEdit"
#define V	"PlanEditValidation"
#define IF_OPEN REEVE_GQL_PRESENT_IF(struct reeve_edit_info, is_open)
static const struct reeve_gql_binding rows[] = {
	BOOL(E, "isOpen", struct reeve_edit_info, is_open),
	BOOL(E, "isMine", struct reeve_edit_info, is_mine),
	FN(E, "by", resolve_by),
	REEVE_GQL_BIND_MEMBER(
		E, "begunAt", REEVE_GQL_TIME_NS, struct reeve_edit_info, begun_wall, IF_OPEN),
	REEVE_GQL_BIND_MEMBER(
		E, "revision", REEVE_GQL_UINT, struct reeve_edit_info, revision, IF_OPEN),
	UINT(E, "steps", struct reeve_edit_info, steps, ),
	UINT(E, "maxSteps", struct reeve_edit_info, max_steps, ),
	FN(V, "isValid", resolve_is_valid),
	FN(V, "warnings", resolve_warnings),
	FN(V, "problems", resolve_problems),
	UINT("StagePlanPayload", "planId", reeve_plan_id, v, ),

	FN("Query", "getPlanEdit", resolve_edit),
	FN("Query", "validatePlanEdit", resolve_validate),
	STAGES("Mutation", "beginPlanEdit", resolve_begin),
	STAGES("Mutation", "stageCreatePlan", resolve_create),
	STAGES("Mutation", "stageUpdatePlan", resolve_update),
	STAGES("Mutation", "stageDeletePlan", resolve_delete),
	STAGES("Mutation", "stageDirective", resolve_directive),
	STAGES("Mutation", "stageRemoveDirective", resolve_remove_directive),
	DEFINES("Mutation", "submitPlanEdit", resolve_submit),
	STAGES("Mutation", "discardPlanEdit", resolve_discard),
};
const struct reeve_gql_table reeved_edit_table = {rows, REEVED_COUNT(rows)};
