/* SPDX-License-Identifier: Apache-2.0 */
/* conditions.c - see conditions.h. */
#include "resolvers/conditions.h"
#include "resolvers/resolvers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_S 3600u
#define DAY_S  86400u

/* In the order of enum reeve_condition_kind. */
static const char *const kind_names[] = {"USERNAME", "USERNAME_PATTERN", "PROGRAM_NAME",
	"PROGRAM_NAME_PATTERN", "MACHINE_NAME", "MACHINE_NAME_PATTERN", "SERVICE_NAME",
	"SERVICE_NAME_PATTERN", "MODULE_NAME", "MODULE_NAME_PATTERN", "ACTION_NAME",
	"ACTION_NAME_PATTERN", "USER_ID", "TIME_OF_DAY", "DAY_OF_WEEK", "AND", "OR", "NOT"};
#define N_TESTS REEVE_CONDITION_AND /* those before it stand alone */

static const char *const syntax_names[] = {"CONTAINS", "PREFIX", "SUFFIX", "GLOB", "REGEX"};

/* Members of RuleConditionInput that hold a text or a pattern, by kind. */
static const char *const member_names[] = {"username", "usernamePattern", "programName",
	"programNamePattern", "machineName", "machineNamePattern", "serviceName",
	"serviceNamePattern", "moduleName", "moduleNamePattern", "actionName", "actionNamePattern",
	"userId", "timeOfDay", "dayOfWeek", "and", "or", "not"};

static bool is_pattern(uint32_t kind)
{
	return kind < REEVE_CONDITION_USER_ID && kind % 2 == 1;
}

/* Tests as text */

static int refuse_operand(
	struct reeve_gql_ctx *ctx, const char *kind, const char *value, const char *wanted)
{
	return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
		"conditionValue \"%.60s\" does not suit %s: it takes %s", value, kind, wanted);
}

/* A number of at most `most` at *text, which goes on behind it. */
static bool read_number(const char **text, uint32_t most, uint32_t *ret)
{
	uint32_t n = 0;
	if (!isdigit((unsigned char)**text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++) {
		n = n * 10 + (uint32_t)(**text - '0');
		if (n > most)
			return false;
	}
	*ret = n;
	return true;
}

/* 9, 09:30 or 09:30:15. */
static bool read_clock(const char **text, uint32_t *ret_s)
{
	uint32_t hour, minute = 0, second = 0;
	if (!read_number(text, 24, &hour))
		return false;
	if (**text == ':') {
		(*text)++;
		if (!read_number(text, 59, &minute))
			return false;
	}
	if (**text == ':') {
		(*text)++;
		if (!read_number(text, 59, &second))
			return false;
	}
	*ret_s = hour * HOUR_S + minute * 60 + second;
	return *ret_s <= DAY_S;
}

static bool read_span(const char *text, struct reeve_condition *ret)
{
	if (!read_clock(&text, &ret->start_s) || *text++ != '-' || !read_clock(&text, &ret->end_s))
		return false;
	return *text == '\0' && ret->start_s < DAY_S;
}

static bool read_day_list(const char *text, struct reeve_condition *ret)
{
	uint32_t day;
	for (;;) {
		while (*text == ' ')
			text++;
		if (!read_number(&text, 6, &day))
			return false;
		ret->days |= 1u << day;
		while (*text == ' ')
			text++;
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
}

static bool read_user(const char *text, struct reeve_condition *ret)
{
	char *end;
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	ret->user_id = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

int reeved_read_test(struct reeve_gql_ctx *ctx, const char *kind, const char *value,
	const struct reeve_condition **ret_condition)
{
	struct reeve_condition *condition = reeve_gql_alloc(ctx, sizeof(*condition));
	if (condition == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	*condition = (struct reeve_condition){0};
	if (reeved_parse_name(ctx, "condition", kind, kind_names, N_TESTS, &condition->kind) != 0)
		return -1;
	*ret_condition = condition;
	switch (condition->kind) {
	case REEVE_CONDITION_USER_ID:
		return read_user(value, condition) ? 0
						   : refuse_operand(ctx, kind, value, "a user id");
	case REEVE_CONDITION_TIME_OF_DAY:
		return read_span(value, condition)
			       ? 0
			       : refuse_operand(ctx, kind, value, "9-17 or 09:30-17:00");
	case REEVE_CONDITION_DAY_OF_WEEK:
		return read_day_list(value, condition)
			       ? 0
			       : refuse_operand(ctx, kind, value, "1,2,3 (0 = Sunday)");
	default:
		condition->text = value;
		return 0;
	}
}

/* Expressions */

static int read_node(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input, uint32_t level,
	uint32_t *left, struct reeve_condition *ret);

static int read_pattern(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input, struct reeve_condition *ret)
{
	const char *syntax = "CONTAINS";
	bool case_sensitive = true;
	reeve_gql_value_str(reeve_gql_value_member(input, "pattern"), &ret->text);
	reeve_gql_value_str(reeve_gql_value_member(input, "syntax"), &syntax);
	reeve_gql_value_bool(reeve_gql_value_member(input, "caseSensitive"), &case_sensitive);
	ret->ignore_case = !case_sensitive;
	return reeved_parse_name(
		ctx, "syntax", syntax, syntax_names, REEVED_COUNT(syntax_names), &ret->syntax);
}

static int read_hour_or_time(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const char *hour_name, const char *time_name, uint32_t last_hour, uint32_t *ret_s)
{
	uint32_t hour = 0;
	int32_t time = 0;
	int given = reeved_take_int(
		ctx, reeve_gql_value_member(input, hour_name), hour_name, 0, last_hour, &hour);
	bool has_time = reeve_gql_value_time_of_day(
				reeve_gql_value_member(input, time_name), &time) == REEVE_GQL_GIVEN;
	if (given < 0)
		return -1;
	if (has_time == (given == REEVE_GQL_GIVEN))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "one of %s and %s must be given",
			hour_name, time_name);
	*ret_s = has_time ? (uint32_t)time : hour * HOUR_S;
	return 0;
}

static int read_range(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input, struct reeve_condition *ret)
{
	reeve_gql_value_str(reeve_gql_value_member(input, "timeZone"), &ret->zone);
	if (read_hour_or_time(ctx, input, "startHour", "startTime", 23, &ret->start_s) != 0)
		return -1;
	return read_hour_or_time(ctx, input, "endHour", "endTime", 24, &ret->end_s);
}

static int read_operands(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	uint32_t level, uint32_t *left, struct reeve_condition *ret)
{
	bool is_list = ret->kind != REEVE_CONDITION_NOT;
	uint32_t n = is_list ? reeve_gql_value_count(input) : 1;
	if (n > *left)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"expression has more than %u nodes", REEVE_CONDITION_NODES);
	struct reeve_condition *operands = reeve_gql_alloc(ctx, (n + 1) * sizeof(*operands));
	if (operands == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct reeve_gql_value *item =
			is_list ? reeve_gql_value_item(input, i) : input;
		if (read_node(ctx, item, level + 1, left, &operands[i]) != 0)
			return -1;
	}
	ret->count = n;
	ret->operands = operands;
	return 0;
}

static int read_kind(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value, uint32_t level,
	uint32_t *left, struct reeve_condition *ret)
{
	if (is_pattern(ret->kind))
		return read_pattern(ctx, value, ret);
	switch (ret->kind) {
	case REEVE_CONDITION_USER_ID:
		reeve_gql_value_u64(value, &ret->user_id);
		return 0;
	case REEVE_CONDITION_TIME_OF_DAY:
		return read_range(ctx, value, ret);
	case REEVE_CONDITION_DAY_OF_WEEK:
		return reeved_read_days(ctx, value, "dayOfWeek", &ret->days);
	case REEVE_CONDITION_AND:
	case REEVE_CONDITION_OR:
	case REEVE_CONDITION_NOT:
		return read_operands(ctx, value, level, left, ret);
	default:
		reeve_gql_value_str(value, &ret->text);
		return 0;
	}
}

static int read_node(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input, uint32_t level,
	uint32_t *left, struct reeve_condition *ret)
{
	const struct reeve_gql_value *found = NULL;
	*ret = (struct reeve_condition){0};
	if (level > REEVE_CONDITION_LEVELS)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"expression has more than %u levels", REEVE_CONDITION_LEVELS);
	if (*left == 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"expression has more than %u nodes", REEVE_CONDITION_NODES);
	(*left)--;
	for (uint32_t kind = 0; kind < REEVED_COUNT(member_names); kind++) {
		const struct reeve_gql_value *value =
			reeve_gql_value_member(input, member_names[kind]);
		if (reeve_gql_value_given(value) != REEVE_GQL_GIVEN)
			continue;
		if (found != NULL)
			return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
				"a node of expression has both %s and %s, and must have one field",
				member_names[ret->kind], member_names[kind]);
		found = value;
		ret->kind = kind;
	}
	if (found == NULL)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"a node of expression has no field, and must have one");
	return read_kind(ctx, found, level, left, ret);
}

int reeved_read_expression(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeve_condition **ret_condition)
{
	uint32_t left = REEVE_CONDITION_NODES;
	struct reeve_condition *root = reeve_gql_alloc(ctx, sizeof(*root));
	if (root == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	*ret_condition = root;
	return read_node(ctx, input, 1, &left, root);
}

/* RuleCondition */

int reeved_emit_condition_text(struct reeve_gql_ctx *ctx, const struct reeve_condition *condition)
{
	struct reeve_error err;
	int len = reeve_condition_text(condition, NULL, 0, &err);
	char *text = len >= 0 ? reeve_gql_alloc(ctx, (size_t)len + 1) : NULL;
	if (len < 0)
		return reeved_fail(ctx, &err);
	if (text == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	reeve_condition_text(condition, text, (size_t)len + 1, NULL);
	return reeve_gql_emit_str(ctx, text);
}

static int resolve_text(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_condition_text(ctx, object);
}

static int resolve_value(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_condition *condition = object;
	if (condition->kind == REEVE_CONDITION_USER_ID)
		return reeve_gql_emit_str(
			ctx, reeve_gql_printf(ctx, "%llu", (unsigned long long)condition->user_id));
	return condition->kind < REEVE_CONDITION_USER_ID ? reeve_gql_emit_str(ctx, condition->text)
							 : reeve_gql_emit_null(ctx);
}

static int resolve_syntax(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_condition *condition = object;
	bool is_known = condition->syntax < REEVED_COUNT(syntax_names);
	return is_pattern(condition->kind) && is_known
		       ? reeve_gql_emit_str(ctx, syntax_names[condition->syntax])
		       : reeve_gql_emit_null(ctx);
}

static int resolve_case(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_condition *condition = object;
	return is_pattern(condition->kind) ? reeve_gql_emit_bool(ctx, !condition->ignore_case)
					   : reeve_gql_emit_null(ctx);
}

static int emit_time(struct reeve_gql_ctx *ctx, const struct reeve_condition *condition, uint32_t s)
{
	if (condition->kind != REEVE_CONDITION_TIME_OF_DAY)
		return reeve_gql_emit_null(ctx);
	s %= DAY_S; /* the end of the day is told as its beginning: both are midnight */
	return reeve_gql_emit_str(
		ctx, reeve_gql_printf(ctx, "%02u:%02u:%02u", s / HOUR_S, s / 60 % 60, s % 60));
}

/* Null when it is not on the hour. */
static int emit_hour(struct reeve_gql_ctx *ctx, const struct reeve_condition *condition, uint32_t s)
{
	if (condition->kind != REEVE_CONDITION_TIME_OF_DAY || s % HOUR_S != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_u64(ctx, s / HOUR_S);
}

static int resolve_start(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_time(ctx, object, ((const struct reeve_condition *)object)->start_s);
}

static int resolve_end(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_time(ctx, object, ((const struct reeve_condition *)object)->end_s);
}

static int resolve_start_hour(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_hour(ctx, object, ((const struct reeve_condition *)object)->start_s);
}

static int resolve_end_hour(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_hour(ctx, object, ((const struct reeve_condition *)object)->end_s);
}

static int resolve_zone(struct reeve_gql_ctx *ctx, const void *object)
{
	const char *zone = ((const struct reeve_condition *)object)->zone;
	return reeved_emit_text(ctx, zone != NULL ? zone : "");
}

static int resolve_days(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_condition *condition = object;
	if (condition->kind != REEVE_CONDITION_DAY_OF_WEEK)
		return reeve_gql_emit_null(ctx);
	reeve_gql_list_begin(ctx);
	for (uint32_t day = 0; day < 7; day++) {
		if ((condition->days & 1u << day) != 0)
			reeve_gql_emit_u64(ctx, day);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_operands(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_condition *condition = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < condition->count; i++)
		reeve_gql_emit_object(ctx, &condition->operands[i]);
	return reeve_gql_list_end(ctx);
}

#define C "RuleCondition"
static const struct reeve_gql_binding rows[] = {
	NAMED(C, "kind", struct reeve_condition, kind, kind_names),
	FN(C, "value", resolve_value),
	FN(C, "syntax", resolve_syntax),
	FN(C, "caseSensitive", resolve_case),
	FN(C, "startTime", resolve_start),
	FN(C, "endTime", resolve_end),
	FN(C, "startHour", resolve_start_hour),
	FN(C, "endHour", resolve_end_hour),
	FN(C, "timeZone", resolve_zone),
	FN(C, "days", resolve_days),
	FN(C, "operands", resolve_operands),
	FN(C, "text", resolve_text),
};
const struct reeve_gql_table reeved_condition_table = {rows, REEVED_COUNT(rows)};
