/* Scalars and enums from JSON. */
#include "graphql/value.h"

#include <stdio.h>

static bool refuse(struct gql_arena *arena, char reason[GQL_REASON_BYTES], const char *what,
	const struct reeve_gql_value *json)
{
	snprintf(reason, GQL_REASON_BYTES, "%s%s", what, reeve_gql_print_value(arena, json));
	return false;
}

/* A number without fraction, however it was written (3, 3.0, 3e0), within int64. */
static bool as_i64(const struct reeve_gql_value *json, int64_t *ret)
{
	if (json->kind == REEVE_GQL_VALUE_INT) {
		*ret = json->i64;
	} else if (json->kind == REEVE_GQL_VALUE_UINT && json->u64 <= INT64_MAX) {
		*ret = (int64_t)json->u64;
	} else if (json->kind == REEVE_GQL_VALUE_DOUBLE && json->real >= -9.2e18 &&
		   json->real <= 9.2e18 && (double)(int64_t)json->real == json->real) {
		*ret = (int64_t)json->real;
	} else {
		return false;
	}
	return true;
}

/* A number without fraction of any size. */
static bool is_integer(const struct reeve_gql_value *json)
{
	int64_t unused;

	if (json->kind == REEVE_GQL_VALUE_DOUBLE && (json->real < -9.2e18 || json->real > 9.2e18))
		return true;
	return json->kind == REEVE_GQL_VALUE_UINT || as_i64(json, &unused);
}

static bool int_from_json(struct gql_arena *arena, const struct reeve_gql_value *json,
	struct reeve_gql_value *ret, char *reason)
{
	int64_t value;

	if (!is_integer(json))
		return refuse(arena, reason, "Int cannot represent non-integer value: ", json);
	if (!as_i64(json, &value) || value < INT32_MIN || value > INT32_MAX)
		return refuse(arena, reason,
			"Int cannot represent non 32-bit signed integer value: ", json);
	ret->kind = REEVE_GQL_VALUE_INT;
	ret->i64 = value;
	return true;
}

static bool u64_from_json(struct gql_arena *arena, const struct reeve_gql_value *json,
	struct reeve_gql_value *ret, char *reason)
{
	int64_t value;

	ret->kind = REEVE_GQL_VALUE_UINT;
	if (json->kind == REEVE_GQL_VALUE_UINT) {
		ret->u64 = json->u64;
		return true;
	}
	if (json->kind == REEVE_GQL_VALUE_STRING) {
		uint64_t parsed;

		if (!reeve_gql_read_u64(json->text, json->count, &parsed))
			return refuse(arena, reason, "UInt64 cannot represent value: ", json);
		ret->u64 = parsed;
		return true;
	}
	if (!is_integer(json))
		return refuse(arena, reason, "UInt64 cannot represent non-integer value: ", json);
	if (!as_i64(json, &value) || value < 0)
		return refuse(arena, reason, "UInt64 cannot represent value: ", json);
	ret->u64 = (uint64_t)value;
	return true;
}

static bool float_from_json(struct gql_arena *arena, const struct reeve_gql_value *json,
	struct reeve_gql_value *ret, char *reason)
{
	switch (json->kind) {
	case REEVE_GQL_VALUE_INT:
		ret->real = (double)json->i64;
		break;
	case REEVE_GQL_VALUE_UINT:
		ret->real = (double)json->u64;
		break;
	case REEVE_GQL_VALUE_DOUBLE:
		ret->real = json->real;
		break;
	default:
		return refuse(arena, reason, "Float cannot represent non numeric value: ", json);
	}
	ret->kind = REEVE_GQL_VALUE_DOUBLE;
	return true;
}

static bool id_from_json(struct gql_arena *arena, const struct reeve_gql_value *json,
	struct reeve_gql_value *ret, char *reason)
{
	int64_t value;

	if (json->kind == REEVE_GQL_VALUE_STRING) {
		*ret = *json;
		return true;
	}
	if (!is_integer(json))
		return refuse(arena, reason, "ID cannot represent value: ", json);
	if (as_i64(json, &value))
		ret->text = reeve_gql_arena_printf(arena, "%lld", (long long)value);
	else if (json->kind == REEVE_GQL_VALUE_UINT)
		ret->text = reeve_gql_arena_printf(arena, "%llu", (unsigned long long)json->u64);
	else
		return refuse(arena, reason, "ID cannot represent value: ", json);
	if (!ret->text)
		return false;
	ret->kind = REEVE_GQL_VALUE_STRING;
	ret->count = (uint32_t)strlen(ret->text);
	return true;
}

static bool text_from_json(struct gql_arena *arena, enum gql_scalar scalar,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret, char *reason)
{
	int32_t seconds;
	int64_t ns;

	if (json->kind != REEVE_GQL_VALUE_STRING)
		return refuse(arena, reason,
			scalar == GQL_DATE_TIME ? "DateTime cannot represent a non string value: "
			: scalar == GQL_TIME_OF_DAY
				? "TimeOfDay cannot represent a non string value: "
				: "String cannot represent a non string value: ",
			json);
	if (scalar == GQL_DATE_TIME && !reeve_gql_read_date_time(json->text, json->count, &ns))
		return refuse(arena, reason,
			"DateTime is an RFC 3339 instant such as \"2026-01-31T09:00:00Z\", not ",
			json);
	if (scalar == GQL_TIME_OF_DAY &&
		!reeve_gql_read_time_of_day(json->text, json->count, &seconds))
		return refuse(arena, reason, "TimeOfDay is HH:MM or HH:MM:SS, not ", json);
	*ret = *json;
	return true;
}

static bool enum_from_json(struct gql_arena *arena, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret, char *reason)
{
	const struct gql_enum_value *value;

	if (json->kind != REEVE_GQL_VALUE_STRING) {
		snprintf(reason, GQL_REASON_BYTES,
			"Enum \"%s\" cannot represent non-string value: %s.", type->name,
			reeve_gql_print_value(arena, json));
		return false;
	}
	value = reeve_gql_map_get(&type->value_map, json->text, json->count);
	if (!value) {
		/* The text is a stranger's: as much of it as fits. */
		snprintf(reason, GQL_REASON_BYTES, "Value \"%.*s\" does not exist in \"%s\" enum.",
			json->count > 100 ? 100 : (int)json->count, json->text, type->name);
		return false;
	}
	ret->kind = REEVE_GQL_VALUE_ENUM;
	ret->text = value->name;
	ret->count = value->name_len;
	ret->index = value->index;
	return true;
}

bool reeve_gql_leaf_from_json(struct gql_arena *arena, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret,
	char reason[GQL_REASON_BYTES])
{
	reason[0] = 0;
	if (type->kind == GQL_ENUM)
		return enum_from_json(arena, type, json, ret, reason);
	switch (type->scalar) {
	case GQL_ANY:
		*ret = *json;
		return true;
	case GQL_INT:
		return int_from_json(arena, json, ret, reason);
	case GQL_UINT64:
		return u64_from_json(arena, json, ret, reason);
	case GQL_FLOAT:
		return float_from_json(arena, json, ret, reason);
	case GQL_BOOLEAN:
		if (json->kind != REEVE_GQL_VALUE_BOOL)
			return refuse(arena, reason,
				"Boolean cannot represent a non boolean value: ", json);
		*ret = *json;
		return true;
	case GQL_ID:
		return id_from_json(arena, json, ret, reason);
	default:
		return text_from_json(arena, type->scalar, json, ret, reason);
	}
}
