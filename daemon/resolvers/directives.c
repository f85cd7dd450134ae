/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directives.c - what a plan says of a group. Names, ranges and units of the fields are the library's
 * (reeve_directive_field_at); here is only what kind of argument each is.
 */
#include "resolvers/resolvers.h"

#include <string.h>

#define BATCH 16

/* In the order of enum reeve_switch_action; names of LimitAction. */
static const char *const action_names[] = {
	"Allow", "Log", "SwitchGroup", "CancelQuery", "TerminateSession"};
static const char *const action_kinds[] = {
	"ALLOW", "LOG", "SWITCH_GROUP", "CANCEL_QUERY", "TERMINATE_SESSION"};

enum form {
	FORM_INT,
	FORM_U64,
	FORM_SECONDS,
	FORM_BOOL,
	FORM_ACTION,
};

/* The fields of PlanDirective, by name, and the form that each has. */
static const struct {
	uint64_t bit;
	enum form form;
} forms[] = {
	{REEVE_DIRECTIVE_CPU_PCT, FORM_INT},
	{REEVE_DIRECTIVE_CPU_SHARES, FORM_INT},
	{REEVE_DIRECTIVE_CPU_LEVEL, FORM_INT},
	{REEVE_DIRECTIVE_CPU_CAP, FORM_INT},
	{REEVE_DIRECTIVE_PARALLEL_DEGREE, FORM_INT},
	{REEVE_DIRECTIVE_PARALLEL_SERVERS, FORM_INT},
	{REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT, FORM_SECONDS},
	{REEVE_DIRECTIVE_PARALLEL_QUEUE_RUNS, FORM_BOOL},
	{REEVE_DIRECTIVE_ACTIVE_SESSIONS, FORM_INT},
	{REEVE_DIRECTIVE_QUEUE_TIMEOUT, FORM_SECONDS},
	{REEVE_DIRECTIVE_MAX_EST_EXEC, FORM_SECONDS},
	{REEVE_DIRECTIVE_MAX_IDLE, FORM_SECONDS},
	{REEVE_DIRECTIVE_MAX_IDLE_BLOCKER, FORM_SECONDS},
	{REEVE_DIRECTIVE_SWITCH_GROUP, FORM_U64},
	{REEVE_DIRECTIVE_SWITCH_ACTION, FORM_ACTION},
	{REEVE_DIRECTIVE_SWITCH_CPU, FORM_SECONDS},
	{REEVE_DIRECTIVE_SWITCH_ELAPSED, FORM_SECONDS},
	{REEVE_DIRECTIVE_SWITCH_IO_BYTES, FORM_U64},
	{REEVE_DIRECTIVE_SWITCH_IO_REQUESTS, FORM_U64},
	{REEVE_DIRECTIVE_SWITCH_ESTIMATE, FORM_BOOL},
	{REEVE_DIRECTIVE_SWITCH_FOR_CALL, FORM_BOOL},
	{REEVE_DIRECTIVE_SESSION_PGA, FORM_U64},
	{REEVE_DIRECTIVE_IO_BANDWIDTH, FORM_U64},
	{REEVE_DIRECTIVE_IOPS, FORM_INT},
	{REEVE_DIRECTIVE_IO_WEIGHT, FORM_INT},
	{REEVE_DIRECTIVE_SUB_PLAN, FORM_U64},
	{REEVE_DIRECTIVE_PRIORITY, FORM_INT},
};

static const struct reeve_directive_field *field_of(uint64_t bit)
{
	const struct reeve_directive_field *field;
	for (uint32_t k = 0; (field = reeve_directive_field_at(k)) != NULL; k++) {
		if (field->bit == bit)
			return field;
	}
	return NULL;
}

/* Reading */

static enum reeve_gql_given read_number(
	const struct reeve_gql_value *value, enum form form, uint64_t *ret, bool *ret_is_negative)
{
	int32_t number = 0;
	bool flag = false;
	enum reeve_gql_given given;
	*ret_is_negative = false;
	if (form == FORM_BOOL) {
		given = reeve_gql_value_bool(value, &flag);
		*ret = flag;
	} else if (form == FORM_INT) {
		given = reeve_gql_value_i32(value, &number);
		*ret_is_negative = number < 0;
		*ret = (uint64_t)(int64_t)number;
	} else {
		given = reeve_gql_value_u64(value, ret);
	}
	return given;
}

static int read_action(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value, uint64_t *ret)
{
	const char *text = "";
	uint32_t action = 0;
	reeve_gql_value_str(value, &text);
	if (reeved_parse_name(ctx, "switchAction", text, action_names, REEVED_COUNT(action_names),
		    &action) != 0)
		return -1;
	*ret = action;
	return 0;
}

/* The value of one field, checked; as the definition wants it. */
static int read_field(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value,
	const struct reeve_directive_field *field, enum form form, uint64_t *ret)
{
	uint64_t unit = form == FORM_SECONDS ? (uint64_t)REEVE_SEC : 1;
	uint64_t least = (field->least + unit - 1) / unit, most = field->most / unit;
	bool is_negative = false;
	if (form == FORM_ACTION)
		return read_action(ctx, value, ret);
	read_number(value, form, ret, &is_negative);
	if (is_negative)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %lld, and must be %llu to %llu", field->name, (long long)*ret,
			(unsigned long long)least, (unsigned long long)most);
	if (*ret < least || *ret > most)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %llu, and must be %llu to %llu", field->name,
			(unsigned long long)*ret, (unsigned long long)least,
			(unsigned long long)most);
	*ret *= unit;
	return 0;
}

static void store(
	struct reeve_directive_def *def, const struct reeve_directive_field *field, uint64_t v)
{
	uint32_t narrow = (uint32_t)v;
	char *at = (char *)def + field->offset;
	memcpy(at, field->size == sizeof(narrow) ? (const void *)&narrow : (const void *)&v,
		field->size);
}

int reeved_read_directive(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_directive_def *def)
{
	memset(def, 0, sizeof(*def));
	for (size_t i = 0; i < REEVED_COUNT(forms); i++) {
		const struct reeve_directive_field *field = field_of(forms[i].bit);
		const struct reeve_gql_value *value =
			input != NULL ? reeve_gql_value_member(input, field->name)
				      : reeve_gql_arg(ctx, field->name);
		uint64_t v = 0;
		switch (reeve_gql_value_given(value)) {
		case REEVE_GQL_OMITTED:
			break;
		case REEVE_GQL_NULL:
			def->removed |= field->bit;
			break;
		case REEVE_GQL_GIVEN:
			if (read_field(ctx, value, field, forms[i].form, &v) != 0)
				return -1;
			def->given |= field->bit;
			store(def, field, v);
			break;
		}
	}
	return 0;
}

/* Showing */

/* Row of the table for the field being resolved. */
static size_t form_of(const struct reeve_gql_ctx *ctx)
{
	const char *name = reeve_gql_field_name(ctx);
	size_t i = 0;
	while (i < REEVED_COUNT(forms) && strcmp(field_of(forms[i].bit)->name, name) != 0)
		i++;
	return i;
}

static uint64_t value_of(
	const struct reeve_directive_info *info, const struct reeve_directive_field *field)
{
	/* The fields of definition and information are one list, after different beginnings. */
	const size_t first = offsetof(struct reeve_directive_def, cpu_pct);
	const char *at = (const char *)info + offsetof(struct reeve_directive_info, cpu_pct) +
			 (field->offset - first);
	uint64_t wide;
	uint32_t narrow;
	if (field->size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

static int resolve_field(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_directive_info *info = object;
	size_t i = form_of(ctx);
	if (i == REEVED_COUNT(forms))
		return reeved_refuse(ctx, REEVE_EINTERNAL, "a directive has no field %s",
			reeve_gql_field_name(ctx));
	const struct reeve_directive_field *field = field_of(forms[i].bit);
	uint64_t v = value_of(info, field);
	if (forms[i].form == FORM_BOOL)
		return reeve_gql_emit_bool(ctx, v != 0);
	if ((info->given & field->bit) == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_u64(ctx, forms[i].form == FORM_SECONDS ? v / REEVE_SEC : v);
}

/* What is done when a directive does not say: see enum reeve_switch_action. */
static uint32_t action_of(const struct reeve_directive_info *info)
{
	if ((info->given & REEVE_DIRECTIVE_SWITCH_ACTION) != 0 &&
		info->switch_action < REEVED_COUNT(action_names))
		return info->switch_action;
	return (info->given & REEVE_DIRECTIVE_SWITCH_GROUP) != 0 ? REEVE_SWITCH_GROUP
								 : REEVE_SWITCH_LOG;
}

static int resolve_action(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_str(ctx, action_names[action_of(object)]);
}

static int resolve_action_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_str(ctx, action_kinds[action_of(object)]);
}

static int resolve_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_directive_info *)object)->group);
}

/* Queries */

int reeved_emit_directives(struct reeve_gql_ctx *ctx, reeve_plan_id plan)
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

static int resolve_directives(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_directives(ctx, (reeve_plan_id){reeved_arg_id(ctx, "planId")});
}

int reeved_emit_directive(struct reeve_gql_ctx *ctx, reeve_directive_id id)
{
	struct reeve_directive_info info;
	struct reeve_error err;
	if (reeve_directive_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_directive(ctx, (reeve_directive_id){reeved_arg_id(ctx, "directiveId")});
}

/* Changes */

static int resolve_create(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_plan_id plan = {reeved_arg_id(ctx, "planId")};
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_directive_def def;
	struct reeve_error err;
	reeve_directive_id id;
	if (reeved_read_directive(ctx, NULL, &def) != 0)
		return -1;
	if (reeve_directive_set(reeved_segment_of(ctx), plan, group, &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_directive(ctx, id);
}

static int resolve_update(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_directive_id id = {reeved_arg_id(ctx, "directiveId")};
	struct reeve_directive_def def;
	struct reeve_error err;
	if (reeved_read_directive(ctx, reeve_gql_arg(ctx, "changes"), &def) != 0)
		return -1;
	if (reeve_directive_update(reeved_segment_of(ctx), id, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Directive %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete, reeve_directive_destroy, reeve_directive_id, "directiveId",
	"Directive %llu was deleted.")

#define D	     "PlanDirective"
#define FIELD(name_) FN(D, name_, resolve_field)
static const struct reeve_gql_binding rows[] = {
	UINT(D, "id", struct reeve_directive_info, id.v, ),
	UINT(D, "planId", struct reeve_directive_info, plan.v, ),
	UINT(D, "groupId", struct reeve_directive_info, group.v, ),
	FN(D, "group", resolve_group),
	FIELD("cpuPct"),
	FIELD("cpuShares"),
	UINT(D, "cpuLevel", struct reeve_directive_info, cpu_level, ),
	FIELD("cpuUtilizationLimit"),
	FIELD("parallelDegreeLimit"),
	FIELD("parallelServerLimit"),
	FIELD("parallelQueueTimeout"),
	FIELD("parallelQueueRunsSerial"),
	FIELD("activeSessPoolP1"),
	FIELD("queueingP1"),
	FIELD("maxEstExecTime"),
	FIELD("maxIdleTime"),
	FIELD("maxIdleBlockerTime"),
	FIELD("switchGroup"),
	FN(D, "switchAction", resolve_action),
	FN(D, "switchActionKind", resolve_action_kind),
	FIELD("switchTime"),
	FIELD("switchElapsedTime"),
	FIELD("switchIoBytes"),
	FIELD("switchIoRequests"),
	FIELD("switchEstimate"),
	FIELD("switchForCall"),
	FIELD("sessionPgaLimit"),
	FIELD("ioBandwidthLimit"),
	FIELD("iopsLimit"),
	FIELD("ioWeight"),
	FIELD("subPlanId"),
	UINT(D, "priority", struct reeve_directive_info, priority, ),
	TIME_NS(D, "createdAt", struct reeve_directive_info, created_wall, ),
	TIME_NS(D, "modifiedAt", struct reeve_directive_info, modified_wall, ),
	UINT(D, "revision", struct reeve_directive_info, revision, ),
	UINT("CreatePlanDirectivePayload", "directiveId", struct reeve_directive_info, id.v, ),
	SELF("CreatePlanDirectivePayload", "directive"),

	FN("Query", "getResourcePlanDirectives", resolve_directives),
	FN("Query", "getPlanDirective", resolve_get),
	DEFINES("Mutation", "createPlanDirective", resolve_create),
	DEFINES("Mutation", "updatePlanDirective", resolve_update),
	DEFINES("Mutation", "deletePlanDirective", resolve_delete),
};
const struct reeve_gql_table reeved_directive_table = {rows, REEVED_COUNT(rows)};
