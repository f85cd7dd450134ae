/* Fields that are members of a struct, as their table row describes them. Members are read by copy,
 * since a row may describe a packed struct. */
#include "graphql/exec.h"

#include <stdio.h>

static uint64_t load_unsigned(const char *at, size_t size)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1:
		memcpy(&u8, at, 1);
		return u8;
	case 2:
		memcpy(&u16, at, 2);
		return u16;
	case 4:
		memcpy(&u32, at, 4);
		return u32;
	default:
		memcpy(&u64, at, 8);
		return u64;
	}
}

static int64_t load_signed(const char *at, size_t size)
{
	switch (size) {
	case 1:
		return (int8_t)load_unsigned(at, 1);
	case 2:
		return (int16_t)load_unsigned(at, 2);
	case 4:
		return (int32_t)load_unsigned(at, 4);
	default:
		return (int64_t)load_unsigned(at, 8);
	}
}

static bool is_float(const struct reeve_gql_ctx *ctx)
{
	return ctx->field->named->kind == GQL_SCALAR && ctx->field->named->scalar == GQL_FLOAT;
}

static int emit_unsigned(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const char *at)
{
	uint64_t value = load_unsigned(at, row->size);
	uint64_t divisor = ctx->field->def->divisor;

	if (row->flags & REEVE_GQL_ZERO_IS_NULL && !value)
		return reeve_gql_emit_null(ctx);
	if (row->flags & REEVE_GQL_LIMIT_IS_NULL &&
		value == UINT64_MAX >> (64 - 8 * (unsigned)row->size))
		return reeve_gql_emit_null(ctx);
	if (divisor == 1)
		return reeve_gql_emit_u64(ctx, value);
	if (is_float(ctx))
		return reeve_gql_emit_double(ctx, (double)value / (double)divisor);
	return reeve_gql_emit_u64(ctx, value / divisor);
}

static int emit_signed(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const char *at)
{
	int64_t value = load_signed(at, row->size);
	uint64_t divisor = ctx->field->def->divisor;

	if (row->flags & REEVE_GQL_ZERO_IS_NULL && !value)
		return reeve_gql_emit_null(ctx);
	if (row->flags & REEVE_GQL_LIMIT_IS_NULL &&
		value == INT64_MIN >> (64 - 8 * (unsigned)row->size))
		return reeve_gql_emit_null(ctx);
	if (divisor == 1)
		return reeve_gql_emit_i64(ctx, value);
	if (is_float(ctx))
		return reeve_gql_emit_double(ctx, (double)value / (double)divisor);
	if (divisor > INT64_MAX)
		return reeve_gql_emit_i64(ctx, 0);
	return reeve_gql_emit_i64(ctx, value / (int64_t)divisor);
}

static int emit_enum(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const char *at)
{
	uint64_t index = load_unsigned(at, row->size);
	const struct gql_quoted *names = ctx->field->def->quoted_names;

	if (index < row->n_names && names[index].text)
		return reeve_gql_emit_quoted(ctx, names[index].text, names[index].len);
	return reeve_gql_emit_error(ctx, NULL, "%s.%s has the unknown value %llu.",
		ctx->parent->name, ctx->field->def->name, (unsigned long long)index);
}

/* One item, at its address. */
static int emit_item(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const char *at)
{
	const void *pointer;
	int64_t time_ns;
	double real;
	bool boolean;

	switch (row->kind) {
	case REEVE_GQL_UINT:
		return emit_unsigned(ctx, row, at);
	case REEVE_GQL_INT:
		return emit_signed(ctx, row, at);
	case REEVE_GQL_BOOL:
		memcpy(&boolean, at, sizeof(boolean));
		return reeve_gql_emit_bool(ctx, boolean);
	case REEVE_GQL_DOUBLE:
		memcpy(&real, at, sizeof(real));
		return reeve_gql_emit_double(ctx, real);
	case REEVE_GQL_STR:
		memcpy(&pointer, at, sizeof(pointer));
		return reeve_gql_emit_str(ctx, pointer);
	case REEVE_GQL_CHARS:
		return reeve_gql_emit_strn(ctx, at, strnlen(at, row->size));
	case REEVE_GQL_ENUM:
		return emit_enum(ctx, row, at);
	case REEVE_GQL_TIME_NS:
		memcpy(&time_ns, at, sizeof(time_ns));
		if (row->flags & REEVE_GQL_ZERO_IS_NULL && !time_ns)
			return reeve_gql_emit_null(ctx);
		if (row->flags & REEVE_GQL_LIMIT_IS_NULL && time_ns == INT64_MIN)
			return reeve_gql_emit_null(ctx);
		return reeve_gql_emit_time_ns(ctx, time_ns);
	case REEVE_GQL_STRUCT:
		return reeve_gql_emit_object(ctx, at);
	case REEVE_GQL_POINTER:
		memcpy(&pointer, at, sizeof(pointer));
		return reeve_gql_emit_object(ctx, pointer);
	default:
		return reeve_gql_emit_null(ctx);
	}
}

static void emit_list(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const char *object)
{
	uint64_t count = load_unsigned(object + row->count_offset, row->count_size), i;
	const char *items = object + row->offset;

	if (!(row->flags & REEVE_GQL_INLINE)) {
		const void *pointer;

		memcpy(&pointer, items, sizeof(pointer));
		items = pointer;
	}
	reeve_gql_list_begin(ctx);
	for (i = 0; i < count; i++)
		if (emit_item(ctx, row, items + i * row->stride) == REEVE_GQL_STOP)
			break;
	reeve_gql_list_end(ctx);
}

void reeve_gql_emit_member(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object)
{
	const char *at = object;
	bool present = true;

	if (row->flags & REEVE_GQL_OPTIONAL)
		memcpy(&present, at + row->presence_offset, sizeof(present));
	if (!present)
		reeve_gql_emit_null(ctx);
	else if (row->kind == REEVE_GQL_SELF)
		reeve_gql_emit_object(ctx, object);
	else if (row->flags & REEVE_GQL_LIST)
		emit_list(ctx, row, at);
	else
		emit_item(ctx, row, at + row->offset);
}
