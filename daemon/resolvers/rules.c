/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - assignment rules, and which group a session would get; conditions are conditions.c's. */
#include "resolvers/conditions.h"
#include "resolvers/resolvers.h"

#define BATCH 16

static const char *const source_names[] = {"Explicit", "Mapping", "Default", "Rule"};

struct decision {
	struct reeve_assignment assignment;
	struct reeve_rule_trace *traces;
	uint32_t n_traces;
};

/* Fields */

static int resolve_condition(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_rule_info *info = object;
	struct reeve_error err;
	struct reeve_condition_copy *copy = reeve_gql_alloc(ctx, sizeof(*copy));
	if (copy == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	if (reeve_rule_condition_copy(reeved_segment_of(ctx), info->id, copy, &err) < 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &copy->nodes[0]);
}

static int resolve_condition_text(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_rule_info *info = object;
	struct reeve_error err;
	struct reeve_condition_copy *copy = reeve_gql_alloc(ctx, sizeof(*copy));
	if (copy == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	if (reeve_rule_condition_copy(reeved_segment_of(ctx), info->id, copy, &err) < 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_condition_text(ctx, &copy->nodes[0]);
}

static int resolve_target(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_rule_info *)object)->target);
}

/* Queries */

REEVED_GET(resolve_rule, struct reeve_rule_info, reeve_rule_get, reeve_rule_id, "ruleId")

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("targetGroupId", U64, struct reeve_rule_info, target.v, REEVED_ID),
	REEVED_FIELD("isEnabled", BOOL, struct reeve_rule_info, is_enabled, ),
};

/* In the order in which they are judged. */
static int resolve_rules(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_rule_info infos[BATCH];
	struct reeved_filter filter;
	uint32_t from = 0, n;
	if (REEVED_READ_FILTER(ctx, NULL, filter_fields, &filter) != 0)
		return -1;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_rule_copy(reeved_segment_of(ctx), from, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			if (reeved_filter_admits(&filter, &infos[i]))
				reeve_gql_emit_object(ctx, &infos[i]);
		}
		from += n;
	} while (n == BATCH);
	return reeve_gql_list_end(ctx);
}

static const struct reeved_field attribute_fields[] = {
	REEVED_FIELD("username", TEXT, struct reeve_session_def, username, ),
	REEVED_FIELD("programName", TEXT, struct reeve_session_def, program, REEVED_OR_NULL(0)),
	REEVED_FIELD("machineName", TEXT, struct reeve_session_def, machine, REEVED_OR_NULL(0)),
	REEVED_FIELD("serviceName", TEXT, struct reeve_session_def, service, REEVED_OR_NULL(0)),
	REEVED_FIELD("moduleName", TEXT, struct reeve_session_def, module, REEVED_OR_NULL(0)),
	REEVED_FIELD("actionName", TEXT, struct reeve_session_def, action, REEVED_OR_NULL(0)),
};

static int resolve_evaluate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	struct reeve_segment_info segment;
	struct decision decision;
	struct reeve_error err;
	int64_t at = reeve_now_wall(reeve);
	if (REEVED_READ(ctx, reeve_gql_arg(ctx, "attributes"), attribute_fields, &who, NULL) != 0)
		return -1;
	who.user_id = reeved_arg_id(ctx, "userId");
	if (reeve_gql_arg_time_ns(ctx, "at", &at) == REEVE_GQL_GIVEN && at <= 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "at must be after 1970");
	reeve_segment_get(reeve, &segment);
	decision.traces = reeve_gql_alloc(ctx, (segment.rules + 1) * sizeof(*decision.traces));
	if (decision.traces == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int n = reeve_assignment_evaluate(
		reeve, &who, at, &decision.assignment, decision.traces, segment.rules + 1, &err);
	if (n < 0)
		return reeved_fail(ctx, &err);
	decision.n_traces = (uint32_t)n <= segment.rules ? (uint32_t)n : segment.rules + 1;
	return reeve_gql_emit_object(ctx, &decision);
}

/* Changes */

static const struct reeved_field rule_fields[] = {
	REEVED_FIELD("name", TEXT, struct reeve_rule_def, name, .bit = REEVE_RULE_NAME),
	REEVED_FIELD("priority", INT, struct reeve_rule_def, priority, REEVED_BETWEEN(0, INT32_MAX),
		.bit = REEVE_RULE_PRIORITY),
	REEVED_FIELD("targetGroupId", U64, struct reeve_rule_def, target.v, REEVED_ID,
		.bit = REEVE_RULE_TARGET),
	REEVED_FIELD(
		"isEnabled", BOOL, struct reeve_rule_def, is_enabled, .bit = REEVE_RULE_IS_ENABLED),
};

/* The condition as one test and its operand, or as an expression; neither: no bit is set. */
static int read_condition(struct reeve_gql_ctx *ctx, struct reeve_rule_def *def, uint64_t *fields)
{
	const struct reeve_gql_value *expression = reeve_gql_arg(ctx, "expression");
	bool has_expression = reeve_gql_value_given(expression) == REEVE_GQL_GIVEN;
	const char *kind = NULL, *value = NULL;
	reeve_gql_arg_str(ctx, "condition", &kind);
	reeve_gql_arg_str(ctx, "conditionValue", &value);
	if (has_expression && (kind != NULL || value != NULL))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"expression excludes condition and conditionValue");
	if (!has_expression && (kind == NULL) != (value == NULL))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"condition and conditionValue must be given together");
	if (!has_expression && kind == NULL)
		return 0;
	*fields |= REEVE_RULE_CONDITION;
	return has_expression ? reeved_read_expression(ctx, expression, &def->condition)
			      : reeved_read_test(ctx, kind, value, &def->condition);
}

static int resolve_add(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;
	struct reeve_rule_info info;
	struct reeve_error err;
	uint64_t fields = 0;
	reeve_rule_id id;
	if (REEVED_READ(ctx, NULL, rule_fields, &def, &fields) != 0 ||
		read_condition(ctx, &def, &fields) != 0)
		return -1;
	if ((fields & REEVE_RULE_CONDITION) == 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"a rule needs condition and conditionValue, or expression");
	if (reeve_rule_create(reeve, &def, &id, &err) != 0 ||
		reeve_rule_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_update(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_rule_id id = {reeved_arg_id(ctx, "ruleId")};
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;
	struct reeve_error err;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, rule_fields, &def, &fields) != 0 ||
		read_condition(ctx, &def, &fields) != 0)
		return -1;
	if (reeve_rule_update(reeved_segment_of(ctx), id, (uint32_t)fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Assignment rule %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete, reeve_rule_destroy, reeve_rule_id, "ruleId",
	"Assignment rule %llu was deleted.")

#define R "AssignmentRule"
#define D "AssignmentDecision"
#define T "RuleTrace"
static const struct reeve_gql_binding rows[] = {
	UINT(R, "id", struct reeve_rule_info, id.v, ),
	CHARS(R, "name", struct reeve_rule_info, name),
	UINT(R, "priority", struct reeve_rule_info, priority, ),
	FN(R, "condition", resolve_condition),
	FN(R, "conditionText", resolve_condition_text),
	UINT(R, "targetGroupId", struct reeve_rule_info, target.v, ),
	FN(R, "targetGroup", resolve_target),
	BOOL(R, "isEnabled", struct reeve_rule_info, is_enabled),
	UINT(R, "matchCount", struct reeve_rule_info, match_count, ),
	TIME_NS(R, "lastMatchedAt", struct reeve_rule_info, last_matched_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(R, "createdAt", struct reeve_rule_info, created_wall, ),
	TIME_NS(R, "modifiedAt", struct reeve_rule_info, modified_wall, ),
	UINT(R, "revision", struct reeve_rule_info, revision, ),

	UINT(D, "groupId", struct decision, assignment.group.v, ),
	CHARS(D, "groupName", struct decision, assignment.group_name),
	NAMED(D, "source", struct decision, assignment.assigned_by, source_names),
	UINT(D, "ruleId", struct decision, assignment.rule.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	BOOL(D, "admissible", struct decision, assignment.admissible),
	REEVE_GQL_BIND_LIST(D, "trace", REEVE_GQL_STRUCT, struct decision, traces, n_traces),
	UINT(T, "ruleId", struct reeve_rule_trace, rule.v, ),
	CHARS(T, "name", struct reeve_rule_trace, name),
	BOOL(T, "matched", struct reeve_rule_trace, matched),

	UINT("AddAssignmentRulePayload", "ruleId", struct reeve_rule_info, id.v, ),
	SELF("AddAssignmentRulePayload", "rule"),

	FN("Query", "listAssignmentRules", resolve_rules),
	FN("Query", "getAssignmentRule", resolve_rule),
	FN("Query", "evaluateAssignment", resolve_evaluate),
	DEFINES("Mutation", "addAssignmentRule", resolve_add),
	DEFINES("Mutation", "updateAssignmentRule", resolve_update),
	DEFINES("Mutation", "deleteAssignmentRule", resolve_delete),
};
const struct reeve_gql_table reeved_rule_table = {rows, REEVED_COUNT(rows)};
