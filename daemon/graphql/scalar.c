/* The rules of each scalar and of enums, from literals and from JSON. */
#include "graphql/value.h"

#include <stdio.h>
#include <stdlib.h>

bool reeve_gql_read_u64(const char *text, uint32_t len, uint64_t *ret)
{
	uint64_t value = 0;
	uint32_t i;

	if (!len || len > 20)
		return false;
	for (i = 0; i < len; i++) {
		unsigned digit = (unsigned)text[i] - '0';

		if (digit > 9 || value > UINT64_MAX / 10 ||
			(value == UINT64_MAX / 10 && digit > UINT64_MAX % 10))
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	return true;
}

/* ---- dates and times ---- */

/* Exactly n digits. */
static bool read_digits(const char *text, uint32_t n, int *ret)
{
	int value = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (text[i] - '0');
	}
	*ret = value;
	return true;
}

/* Days from 1970-01-01 to the civil date (H. Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* "2026-01-31T09:00:00", 19 bytes, as seconds. */
static bool read_civil(const char *text, int64_t *ret)
{
	int year, month, day, hour, minute, second;

	if (!read_digits(text, 4, &year) || text[4] != '-' || !read_digits(text + 5, 2, &month) ||
		text[7] != '-' || !read_digits(text + 8, 2, &day) ||
		(text[10] != 'T' && text[10] != 't') || !read_digits(text + 11, 2, &hour) ||
		text[13] != ':' || !read_digits(text + 14, 2, &minute) || text[16] != ':' ||
		!read_digits(text + 17, 2, &second))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
		minute > 59 || second > 59)
		return false;
	*ret = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	return true;
}

/* 'Z' or "+hh:mm", to the end of the text, as seconds east. */
static bool read_zone(const char *text, uint32_t len, int *ret)
{
	int hours, minutes;

	*ret = 0;
	if (len == 1)
		return *text == 'Z' || *text == 'z';
	if (len != 6 || (*text != '+' && *text != '-') || !read_digits(text + 1, 2, &hours) ||
		text[3] != ':' || !read_digits(text + 4, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

bool reeve_gql_read_date_time(const char *text, uint32_t len, int64_t *ret_unix_ns)
{
	int64_t seconds, nanos = 0, scale = 1000000000;
	uint32_t i = 19;
	int zone;

	if (len < 20 || !read_civil(text, &seconds))
		return false;
	if (text[i] == '.') {
		for (i++; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
			scale /= 10;
			nanos += (text[i] - '0') * scale;
		}
		if (i == 20)
			return false;
	}
	if (i >= len || !read_zone(text + i, len - i, &zone))
		return false;
	seconds -= zone;
	/* What int64 nanoseconds reach: 1677 to 2262. */
	if (seconds < INT64_MIN / 1000000000 + 1 || seconds > INT64_MAX / 1000000000 - 1)
		return false;
	*ret_unix_ns = seconds * 1000000000 + nanos;
	return true;
}

uint32_t reeve_gql_print_date_time(char text[40], int64_t unix_ns)
{
	int64_t seconds = unix_ns / 1000000000, nanos = unix_ns % 1000000000, days, rest, z;
	int64_t era, of_era, year_of_era, of_year, month_index;
	int year, month, day, n, digits = 9;

	if (nanos < 0) {
		nanos += 1000000000;
		seconds--;
	}
	days = seconds / 86400;
	rest = seconds % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	/* The inverse of days_from_civil(). */
	z = days + 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	of_era = z - era * 146097;
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month_index = (5 * of_year + 2) / 153;
	day = (int)(of_year - (153 * month_index + 2) / 5 + 1);
	month = (int)(month_index < 10 ? month_index + 3 : month_index - 9);
	year = (int)(year_of_era + era * 400 + (month <= 2));
	n = snprintf(text, 40, "%04d-%02d-%02dT%02d:%02d:%02d", year, month, day,
		(int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
	for (; nanos && digits > 3 && nanos % 1000 == 0; digits -= 3)
		nanos /= 1000;
	if (nanos)
		n += snprintf(text + n, 40 - (size_t)n, ".%0*d", digits, (int)nanos);
	text[n++] = 'Z';
	text[n] = 0;
	return (uint32_t)n;
}

bool reeve_gql_read_time_of_day(const char *text, uint32_t len, int32_t *ret_seconds)
{
	int hour, minute, second = 0;

	if ((len != 5 && len != 8) || !read_digits(text, 2, &hour) || text[2] != ':' ||
		!read_digits(text + 3, 2, &minute))
		return false;
	if (len == 8 && (text[5] != ':' || !read_digits(text + 6, 2, &second)))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*ret_seconds = hour * 3600 + minute * 60 + second;
	return true;
}

/* ---- scalars from literals ---- */

static bool set_string(struct reeve_gql_value *ret, const char *text, uint32_t len)
{
	ret->kind = REEVE_GQL_VALUE_STRING;
	ret->text = text;
	ret->count = len;
	return true;
}

static bool set_text(
	struct gql_arena *arena, struct reeve_gql_value *ret, const char *text, uint32_t len)
{
	char *copy = reeve_gql_arena_copy(arena, text, len);

	return copy && set_string(ret, copy, len);
}

static bool refuse(char reason[GQL_REASON_BYTES], const char *what, const char *shown)
{
	snprintf(reason, GQL_REASON_BYTES, "%s%s", what, shown);
	return false;
}

static bool int_from_text(const char *text, uint32_t len, struct reeve_gql_value *ret)
{
	bool negative = len && *text == '-';
	uint64_t magnitude;

	if (!reeve_gql_read_u64(text + negative, len - negative, &magnitude) ||
		magnitude > (uint64_t)INT32_MAX + negative)
		return false;
	ret->kind = REEVE_GQL_VALUE_INT;
	ret->i64 = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return true;
}

static bool u64_from_text(const char *text, uint32_t len, struct reeve_gql_value *ret)
{
	uint64_t value;

	/* "-0" is a legal way to write an Int literal of 0. */
	if (len == 2 && !memcmp(text, "-0", 2))
		value = 0;
	else if (!reeve_gql_read_u64(text, len, &value))
		return false;
	ret->kind = REEVE_GQL_VALUE_UINT;
	ret->u64 = value;
	return true;
}

static bool double_from_text(
	struct gql_arena *arena, const char *text, uint32_t len, struct reeve_gql_value *ret)
{
	char *copy = reeve_gql_arena_copy(arena, text, len);

	if (!copy)
		return false;
	ret->kind = REEVE_GQL_VALUE_DOUBLE;
	ret->real = strtod(copy, NULL);
	return ret->real - ret->real == 0;
}

static bool int_from_literal(struct gql_arena *arena, const struct gql_ast_value *literal,
	struct reeve_gql_value *ret, char *reason)
{
	if (literal->kind != GQL_AST_INT)
		return refuse(reason, "Int cannot represent non-integer value: ",
			reeve_gql_print_literal(arena, literal));
	if (!int_from_text(literal->text, literal->len, ret))
		return refuse(reason, "Int cannot represent non 32-bit signed integer value: ",
			reeve_gql_print_literal(arena, literal));
	return true;
}

static bool u64_from_literal(struct gql_arena *arena, const struct gql_ast_value *literal,
	struct reeve_gql_value *ret, char *reason)
{
	if (literal->kind != GQL_AST_INT && literal->kind != GQL_AST_STRING)
		return refuse(reason, "UInt64 cannot represent non-integer value: ",
			reeve_gql_print_literal(arena, literal));
	if (!u64_from_text(literal->text, literal->len, ret))
		return refuse(reason,
			"UInt64 cannot represent value: ", reeve_gql_print_literal(arena, literal));
	return true;
}

static bool time_from_text(
	struct reeve_gql_value *ret, enum gql_scalar scalar, const char *text, uint32_t len)
{
	int32_t seconds;
	int64_t ns;

	if (scalar == GQL_DATE_TIME ? !reeve_gql_read_date_time(text, len, &ns)
				    : !reeve_gql_read_time_of_day(text, len, &seconds))
		return false;
	return set_string(ret, text, len);
}

static bool any_from_literal(struct gql_arena *arena, const struct gql_ast_value *literal,
	const struct gql_variables *variables, struct reeve_gql_value *ret);

static bool any_list(struct gql_arena *arena, const struct gql_ast_value *literal,
	const struct gql_variables *variables, struct reeve_gql_value *ret)
{
	const struct gql_ast_value *item;
	struct reeve_gql_value *items;
	uint32_t n = 0;

	for (item = literal->items; item; item = item->next)
		n++;
	items = reeve_gql_arena_zalloc(arena, n * sizeof(*items) + 1);
	if (!items)
		return false;
	ret->kind = REEVE_GQL_VALUE_LIST;
	ret->count = n;
	ret->items = items;
	for (item = literal->items; item; item = item->next)
		if (!any_from_literal(arena, item, variables, items++))
			return false;
	return true;
}

static bool any_object(struct gql_arena *arena, const struct gql_ast_value *literal,
	const struct gql_variables *variables, struct reeve_gql_value *ret)
{
	const struct gql_ast_object_field *field;
	struct reeve_gql_member *members;
	uint32_t n = 0;

	for (field = literal->fields; field; field = field->next)
		n++;
	members = reeve_gql_arena_zalloc(arena, n * sizeof(*members) + 1);
	if (!members)
		return false;
	ret->kind = REEVE_GQL_VALUE_OBJECT;
	ret->count = n;
	ret->members = members;
	for (field = literal->fields; field; field = field->next, members++) {
		members->name = reeve_gql_arena_copy(arena, field->name.text, field->name.len);
		members->name_len = field->name.len;
		if (!members->name ||
			!any_from_literal(arena, field->value, variables, &members->value))
			return false;
	}
	return true;
}

/* JSON: a variable that was not given is left out of objects (kind ABSENT), and null in lists. */
static bool any_from_literal(struct gql_arena *arena, const struct gql_ast_value *literal,
	const struct gql_variables *variables, struct reeve_gql_value *ret)
{
	const struct reeve_gql_value *value;

	switch (literal->kind) {
	case GQL_AST_VARIABLE:
		value = variables ? reeve_gql_variable(variables, literal->text, literal->len)
				  : NULL;
		if (value)
			*ret = *value;
		return true;
	case GQL_AST_NULL:
		ret->kind = REEVE_GQL_VALUE_NULL;
		return true;
	case GQL_AST_BOOLEAN:
		ret->kind = REEVE_GQL_VALUE_BOOL;
		ret->boolean = literal->boolean;
		return true;
	case GQL_AST_INT:
		if (u64_from_text(literal->text, literal->len, ret))
			return true;
		if (int_from_text(literal->text, literal->len, ret))
			return true;
		return double_from_text(arena, literal->text, literal->len, ret);
	case GQL_AST_FLOAT:
		return double_from_text(arena, literal->text, literal->len, ret);
	case GQL_AST_STRING:
		return set_string(ret, literal->text, literal->len);
	case GQL_AST_ENUM:
		return set_text(arena, ret, literal->text, literal->len);
	case GQL_AST_LIST:
		return any_list(arena, literal, variables, ret);
	case GQL_AST_OBJECT:
		return any_object(arena, literal, variables, ret);
	}
	return false;
}

static bool string_from_literal(struct gql_arena *arena, enum gql_scalar scalar,
	const struct gql_ast_value *literal, struct reeve_gql_value *ret, char *reason)
{
	if (scalar == GQL_ID && literal->kind == GQL_AST_INT)
		return set_text(arena, ret, literal->text, literal->len);
	if (literal->kind != GQL_AST_STRING)
		return refuse(reason,
			scalar == GQL_ID
				? "ID cannot represent a non-string and non-integer value: "
			: scalar == GQL_DATE_TIME ? "DateTime cannot represent a non string value: "
			: scalar == GQL_TIME_OF_DAY
				? "TimeOfDay cannot represent a non string value: "
				: "String cannot represent a non string value: ",
			reeve_gql_print_literal(arena, literal));
	if (scalar == GQL_DATE_TIME || scalar == GQL_TIME_OF_DAY)
		return time_from_text(ret, scalar, literal->text, literal->len) ||
		       refuse(reason,
			       scalar == GQL_DATE_TIME ? "DateTime is an RFC 3339 instant such as "
							 "\"2026-01-31T09:00:00Z\", not "
						       : "TimeOfDay is HH:MM or HH:MM:SS, not ",
			       reeve_gql_print_literal(arena, literal));
	return set_string(ret, literal->text, literal->len);
}

static bool scalar_from_literal(struct gql_arena *arena, enum gql_scalar scalar,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret, char *reason)
{
	switch (scalar) {
	case GQL_ANY:
		return any_from_literal(arena, literal, variables, ret);
	case GQL_INT:
		return int_from_literal(arena, literal, ret, reason);
	case GQL_UINT64:
		return u64_from_literal(arena, literal, ret, reason);
	case GQL_FLOAT:
		if (literal->kind != GQL_AST_INT && literal->kind != GQL_AST_FLOAT)
			return refuse(reason, "Float cannot represent non numeric value: ",
				reeve_gql_print_literal(arena, literal));
		return double_from_text(arena, literal->text, literal->len, ret) ||
		       refuse(reason, "Float cannot represent value: ",
			       reeve_gql_print_literal(arena, literal));
	case GQL_BOOLEAN:
		if (literal->kind != GQL_AST_BOOLEAN)
			return refuse(reason, "Boolean cannot represent a non boolean value: ",
				reeve_gql_print_literal(arena, literal));
		ret->kind = REEVE_GQL_VALUE_BOOL;
		ret->boolean = literal->boolean;
		return true;
	default:
		return string_from_literal(arena, scalar, literal, ret, reason);
	}
}

static void set_enum(struct reeve_gql_value *ret, const struct gql_enum_value *value)
{
	ret->kind = REEVE_GQL_VALUE_ENUM;
	ret->text = value->name;
	ret->count = value->name_len;
	ret->index = value->index;
}

static bool enum_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, struct reeve_gql_value *ret, char *reason)
{
	const struct gql_enum_value *value;

	if (literal->kind != GQL_AST_ENUM) {
		snprintf(reason, GQL_REASON_BYTES,
			"Enum \"%s\" cannot represent non-enum value: %s.", type->name,
			reeve_gql_print_literal(arena, literal));
		return false;
	}
	value = reeve_gql_map_get(&type->value_map, literal->text, literal->len);
	if (!value) {
		snprintf(reason, GQL_REASON_BYTES, "Value \"%s\" does not exist in \"%s\" enum.",
			reeve_gql_print_literal(arena, literal), type->name);
		return false;
	}
	set_enum(ret, value);
	return true;
}

bool reeve_gql_leaf_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret, char reason[GQL_REASON_BYTES])
{
	struct reeve_gql_value value = {0};
	bool ok;

	reason[0] = 0;
	if (type->kind == GQL_ENUM)
		ok = enum_from_literal(arena, type, literal, &value, reason);
	else
		ok = scalar_from_literal(arena, type->scalar, literal, variables, &value, reason);
	if (ok)
		*ret = value;
	return ok;
}
