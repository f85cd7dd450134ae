/* Values into the answer. Where a null may not stand, the writer goes back to the start of the
 * nearest list that may become null, or tells the field, which tells its parent. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "graphql/exec.h"

/* Type of the value to be emitted next. */
static const struct gql_type *expected_type(const struct reeve_gql_ctx *ctx)
{
	return ctx->n_frames ? ctx->frames[ctx->n_frames - 1].item : ctx->field->def->type;
}

/* True if the next value would be thrown away. */
static bool is_dead(const struct reeve_gql_ctx *ctx)
{
	if (ctx->n_frames)
		return ctx->frames[ctx->n_frames - 1].dead;
	/* A resolver emits one value. */
	assert(ctx->outcome == GQL_NOTHING);
	return false;
}

static int stop_or_go(const struct reeve_gql_ctx *ctx)
{
	if (ctx->request->out->failed)
		return REEVE_GQL_STOP;
	return ctx->n_frames && ctx->frames[ctx->n_frames - 1].dead ? REEVE_GQL_STOP : 0;
}

static int value_done(struct reeve_gql_ctx *ctx)
{
	if (ctx->n_frames)
		ctx->frames[ctx->n_frames - 1].index++;
	else
		ctx->outcome = GQL_WRITTEN;
	return stop_or_go(ctx);
}

/* ---- errors ---- */

static void write_path(struct reeve_json *out, const struct gql_path *path)
{
	if (path->up)
		write_path(out, path->up);
	if (path->key)
		reeve_json_strn(out, path->key, path->key_len);
	else
		reeve_json_u64(out, path->index);
}

static void write_places(struct reeve_gql_ctx *ctx, const uint32_t *place)
{
	const struct reeve_gql_document *document = ctx->request->document;
	struct reeve_json *out = ctx->request->errors;
	const struct gql_nodes *nodes;
	uint32_t line, column, pos;

	reeve_json_key(out, "locations");
	reeve_json_array_begin(out);
	for (nodes = ctx->field->nodes; nodes; nodes = place ? NULL : nodes->next) {
		pos = place ? *place : nodes->node->pos;
		reeve_gql_locate(document->text, document->len, pos, &line, &column);
		reeve_json_object_begin(out);
		reeve_json_key(out, "line");
		reeve_json_u64(out, line);
		reeve_json_key(out, "column");
		reeve_json_u64(out, column);
		reeve_json_object_end(out);
	}
	reeve_json_array_end(out);
}

/* `item`: the error is of the list item to come, not of the field. */
static void record(struct reeve_gql_ctx *ctx, bool item, const char *code, const char *message,
	const uint32_t *place)
{
	const struct reeve_gql_options *options = &ctx->request->engine->options;
	struct reeve_json *out = ctx->request->errors;
	uint32_t i;

	ctx->request->last_code = code ? code : options->code_internal;
	if (ctx->request->n_errors++ >= options->max_errors)
		return;
	reeve_json_object_begin(out);
	reeve_json_key(out, "message");
	reeve_json_str(out, message);
	write_places(ctx, place);
	reeve_json_key(out, "path");
	reeve_json_array_begin(out);
	write_path(out, &ctx->path);
	for (i = 0; item && i < ctx->n_frames; i++)
		reeve_json_u64(out, ctx->frames[i].index);
	reeve_json_array_end(out);
	reeve_json_key(out, "extensions");
	reeve_json_object_begin(out);
	reeve_json_key(out, "code");
	reeve_json_str(out, code ? code : options->code_internal);
	reeve_json_raw(out, "}}", 2);
}

void reeve_gql_record(
	struct reeve_gql_ctx *ctx, const char *code, const char *message, const uint32_t *place)
{
	record(ctx, true, code, message, place);
}

int reeve_gql_fail(struct reeve_gql_ctx *ctx, const char *code, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	record(ctx, false, code, message, NULL);
	return -1;
}

const char *reeve_gql_failed_code(const struct reeve_gql_ctx *ctx)
{
	return ctx->request->last_code;
}

/* `text` NULL: the number. */
static void add_extension(
	struct reeve_gql_ctx *ctx, const char *key, const char *text, uint64_t number)
{
	struct reeve_json *out = ctx->request->errors;

	if (!ctx->request->n_errors ||
		ctx->request->n_errors > ctx->request->engine->options.max_errors || out->failed)
		return;
	/* The record ends with the brackets of its extensions and of itself. */
	reeve_json_truncate(out, out->len - 2);
	reeve_json_key(out, key);
	if (text)
		reeve_json_str(out, text);
	else
		reeve_json_u64(out, number);
	reeve_json_raw(out, "}}", 2);
}

void reeve_gql_fail_extension(struct reeve_gql_ctx *ctx, const char *key, const char *value)
{
	add_extension(ctx, key, value ? value : "", 0);
}

void reeve_gql_fail_number(struct reeve_gql_ctx *ctx, const char *key, uint64_t value)
{
	add_extension(ctx, key, NULL, value);
}

/* ---- nulls ---- */

/* A null where a value of the type belongs. `reported`: an error says why. */
static int put_null(struct reeve_gql_ctx *ctx, const struct gql_type *type, bool reported)
{
	char message[512];

	if (type->kind != GQL_NON_NULL) {
		reeve_json_null(ctx->request->out);
		return value_done(ctx);
	}
	if (!reported) {
		snprintf(message, sizeof(message),
			"Cannot return null for non-nullable field %s.%s.", ctx->parent->name,
			ctx->field->def->name);
		record(ctx, true, NULL, message, NULL);
	}
	if (!ctx->n_frames) {
		ctx->outcome = GQL_BUBBLE;
		return 0;
	}
	ctx->frames[ctx->n_frames - 1].dead = true;
	reeve_json_truncate(ctx->request->out, ctx->frames[ctx->n_frames - 1].start);
	return REEVE_GQL_STOP;
}

void reeve_gql_emit_failed(struct reeve_gql_ctx *ctx, size_t start)
{
	reeve_json_truncate(ctx->request->out, start);
	ctx->n_frames = 0;
	ctx->outcome = GQL_NOTHING;
	put_null(ctx, ctx->field->def->type, true);
}

void reeve_gql_take_back(struct reeve_gql_ctx *ctx)
{
	struct gql_request *request = ctx->request;

	reeve_json_truncate(request->out, ctx->start);
	reeve_json_truncate(request->errors, ctx->errors_start);
	request->n_errors = ctx->errors_before;
	ctx->n_frames = 0;
	ctx->outcome = GQL_NOTHING;
}

void reeve_gql_emit_nothing(struct reeve_gql_ctx *ctx)
{
	put_null(ctx, ctx->field->def->type, false);
}

int reeve_gql_emit_null(struct reeve_gql_ctx *ctx)
{
	return is_dead(ctx) ? REEVE_GQL_STOP : put_null(ctx, expected_type(ctx), false);
}

/* One value failed: error at its place, null in it. */
static int fail_value(struct reeve_gql_ctx *ctx, const char *code, const char *message)
{
	record(ctx, true, code, message, NULL);
	return put_null(ctx, expected_type(ctx), true);
}

int reeve_gql_emit_error(struct reeve_gql_ctx *ctx, const char *code, const char *format, ...)
{
	char message[1024];
	va_list args;

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return fail_value(ctx, code, message);
}

/* ---- leaves ---- */

/* The leaf or composite type in the next place; lists are another matter. */
static const struct gql_type *expected_named(const struct reeve_gql_ctx *ctx)
{
	const struct gql_type *type = reeve_gql_type_nullable(expected_type(ctx));

	return type->kind == GQL_LIST ? NULL : type;
}

static int wrong_kind(struct reeve_gql_ctx *ctx, const char *what)
{
	char message[512];

	snprintf(message, sizeof(message), "Resolver of %s.%s gave %s for type \"%s\".",
		ctx->parent->name, ctx->field->def->name, what, expected_type(ctx)->name);
	return fail_value(ctx, NULL, message);
}

int reeve_gql_emit_bool(struct reeve_gql_ctx *ctx, bool value)
{
	const struct gql_type *type;

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || type->kind != GQL_SCALAR ||
		(type->scalar != GQL_BOOLEAN && type->scalar != GQL_ANY))
		return wrong_kind(ctx, "a boolean");
	reeve_json_bool(ctx->request->out, value);
	return value_done(ctx);
}

static int out_of_range(struct reeve_gql_ctx *ctx, const char *sign, uint64_t magnitude)
{
	char message[160];

	snprintf(message, sizeof(message),
		expected_named(ctx)->scalar == GQL_INT
			? "Int cannot represent non 32-bit signed integer value: %s%llu"
			: "UInt64 cannot represent value: %s%llu",
		sign, (unsigned long long)magnitude);
	return fail_value(ctx, NULL, message);
}

static void put_id(struct reeve_json *out, const char *sign, uint64_t magnitude)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%llu", sign, (unsigned long long)magnitude);
	reeve_json_str(out, text);
}

int reeve_gql_emit_u64(struct reeve_gql_ctx *ctx, uint64_t value)
{
	const struct gql_type *type;

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || type->kind != GQL_SCALAR)
		return wrong_kind(ctx, "an integer");
	switch (type->scalar) {
	case GQL_INT:
		if (value > INT32_MAX)
			return out_of_range(ctx, "", value);
		break;
	case GQL_UINT64:
	case GQL_FLOAT:
	case GQL_ANY:
		break;
	case GQL_ID:
		put_id(ctx->request->out, "", value);
		return value_done(ctx);
	default:
		return wrong_kind(ctx, "an integer");
	}
	reeve_json_u64(ctx->request->out, value);
	return value_done(ctx);
}

int reeve_gql_emit_i64(struct reeve_gql_ctx *ctx, int64_t value)
{
	const struct gql_type *type;

	if (value >= 0)
		return reeve_gql_emit_u64(ctx, (uint64_t)value);
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || type->kind != GQL_SCALAR)
		return wrong_kind(ctx, "an integer");
	if (type->scalar == GQL_UINT64 || (type->scalar == GQL_INT && value < INT32_MIN))
		return out_of_range(ctx, "-", 0 - (uint64_t)value);
	if (type->scalar == GQL_ID) {
		put_id(ctx->request->out, "-", 0 - (uint64_t)value);
		return value_done(ctx);
	}
	if (type->scalar != GQL_INT && type->scalar != GQL_FLOAT && type->scalar != GQL_ANY)
		return wrong_kind(ctx, "an integer");
	reeve_json_i64(ctx->request->out, value);
	return value_done(ctx);
}

int reeve_gql_emit_double(struct reeve_gql_ctx *ctx, double value)
{
	const struct gql_type *type;

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || type->kind != GQL_SCALAR ||
		(type->scalar != GQL_FLOAT && type->scalar != GQL_ANY))
		return wrong_kind(ctx, "a floating-point number");
	if (value - value != 0)
		return fail_value(ctx, NULL,
			value != value ? "Float cannot represent non numeric value: NaN"
			: value > 0    ? "Float cannot represent non numeric value: Infinity"
				       : "Float cannot represent non numeric value: -Infinity");
	reeve_json_double(ctx->request->out, value);
	return value_done(ctx);
}

static bool takes_text(const struct gql_type *type)
{
	if (type->kind != GQL_SCALAR)
		return type->kind == GQL_ENUM;
	return type->scalar == GQL_STRING || type->scalar == GQL_ID ||
	       type->scalar == GQL_DATE_TIME || type->scalar == GQL_TIME_OF_DAY ||
	       type->scalar == GQL_ANY;
}

int reeve_gql_emit_strn(struct reeve_gql_ctx *ctx, const char *text, size_t len)
{
	const struct gql_type *type;
	char message[512];

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || !takes_text(type))
		return wrong_kind(ctx, "a string");
	if (type->kind == GQL_ENUM &&
		(len > UINT32_MAX || !reeve_gql_map_get(&type->value_map, text, (uint32_t)len))) {
		snprintf(message, sizeof(message), "Enum \"%s\" cannot represent value: \"%.*s\"",
			type->name, len > 200 ? 200 : (int)len, text);
		return fail_value(ctx, NULL, message);
	}
	reeve_json_strn(ctx->request->out, text, len);
	return value_done(ctx);
}

int reeve_gql_emit_str(struct reeve_gql_ctx *ctx, const char *text)
{
	return text ? reeve_gql_emit_strn(ctx, text, strlen(text)) : reeve_gql_emit_null(ctx);
}

int reeve_gql_emit_quoted(struct reeve_gql_ctx *ctx, const char *text, size_t len)
{
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	reeve_json_raw_value(ctx->request->out, text, len);
	return value_done(ctx);
}

int reeve_gql_emit_time_ns(struct reeve_gql_ctx *ctx, int64_t unix_ns)
{
	const struct gql_type *type;
	char text[40];
	uint32_t len;

	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || type->kind != GQL_SCALAR ||
		(type->scalar != GQL_DATE_TIME && type->scalar != GQL_ANY))
		return wrong_kind(ctx, "an instant");
	len = reeve_gql_print_date_time(text, unix_ns);
	reeve_json_strn(ctx->request->out, text, len);
	return value_done(ctx);
}

static bool takes_json(const struct reeve_gql_ctx *ctx)
{
	const struct gql_type *type = expected_named(ctx);

	return type && type->kind == GQL_SCALAR && type->scalar == GQL_ANY;
}

int reeve_gql_emit_value(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value)
{
	if (value->kind == REEVE_GQL_VALUE_ABSENT || value->kind == REEVE_GQL_VALUE_NULL)
		return reeve_gql_emit_null(ctx);
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	if (!takes_json(ctx))
		return wrong_kind(ctx, "JSON");
	reeve_gql_value_write(value, ctx->request->out);
	return value_done(ctx);
}

int reeve_gql_emit_json(struct reeve_gql_ctx *ctx, const char *text, size_t len)
{
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	if (!takes_json(ctx))
		return wrong_kind(ctx, "JSON");
	if (len == 4 && !memcmp(text, "null", 4))
		return reeve_gql_emit_null(ctx);
	reeve_json_raw_value(ctx->request->out, text, len);
	return value_done(ctx);
}

/* ---- objects ---- */

/* The selection of the object, with the path of the items it stands in. */
static bool run_object(struct reeve_gql_ctx *ctx, const struct gql_plan *plan, const void *object)
{
	struct gql_path items[GQL_MAX_LISTS];
	const struct gql_path *path = &ctx->path;
	uint32_t i;

	for (i = 0; i < ctx->n_frames; i++) {
		items[i] = (struct gql_path){.up = path, .index = ctx->frames[i].index};
		path = &items[i];
	}
	return reeve_gql_run_plan(ctx->request, plan, object, path);
}

static int emit_typed(struct reeve_gql_ctx *ctx, const struct gql_type *type, const void *object)
{
	const struct gql_plan *plan = ctx->field->sub;
	size_t start = ctx->request->out->len;

	if (!plan || plan->type != type)
		plan = reeve_gql_find_plan(ctx->request, ctx->field, type);
	if (!plan)
		return fail_value(ctx, NULL, "Out of memory.");
	if (run_object(ctx, plan, object))
		return value_done(ctx);
	reeve_json_truncate(ctx->request->out, start);
	return put_null(ctx, expected_type(ctx), true);
}

/* Checks a type name given for an abstract type. */
static int emit_named(struct reeve_gql_ctx *ctx, const struct gql_type *expected, const char *name,
	const void *object)
{
	const struct gql_schema *schema = &ctx->request->engine->schema;
	const struct gql_type *type =
		name ? reeve_gql_schema_type(schema, name, (uint32_t)strlen(name)) : NULL;
	char message[512];

	if (type && type->kind == GQL_OBJECT && reeve_gql_type_has_possible(expected, type))
		return emit_typed(ctx, type, object);
	if (type)
		snprintf(message, sizeof(message),
			"Runtime Object type \"%s\" is not a possible type for \"%s\".", type->name,
			expected->name);
	else
		snprintf(message, sizeof(message),
			"Abstract type \"%s\" must resolve to an Object type at runtime for field "
			"\"%s.%s\".",
			expected->name, ctx->parent->name, ctx->field->def->name);
	return fail_value(ctx, NULL, message);
}

int reeve_gql_emit_object(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type;

	if (!object)
		return reeve_gql_emit_null(ctx);
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || !reeve_gql_type_is_composite(type))
		return wrong_kind(ctx, "an object");
	if (type->kind == GQL_OBJECT)
		return emit_typed(ctx, type, object);
	return emit_named(ctx, type, type->type_fn ? type->type_fn(ctx, object) : NULL, object);
}

int reeve_gql_emit_object_as(struct reeve_gql_ctx *ctx, const char *name, const void *object)
{
	const struct gql_type *type;

	if (!object)
		return reeve_gql_emit_null(ctx);
	if (is_dead(ctx))
		return REEVE_GQL_STOP;
	type = expected_named(ctx);
	if (!type || !reeve_gql_type_is_composite(type))
		return wrong_kind(ctx, "an object");
	return emit_named(ctx, type, name, object);
}

/* ---- lists ---- */

int reeve_gql_list_begin(struct reeve_gql_ctx *ctx)
{
	bool dead = is_dead(ctx);
	const struct gql_type *type = reeve_gql_type_nullable(expected_type(ctx));
	struct gql_frame *frame = &ctx->frames[ctx->n_frames];

	/* Binding saw to it that lists nest no deeper. */
	assert(type->kind == GQL_LIST && ctx->n_frames < GQL_MAX_LISTS);
	*frame =
		(struct gql_frame){.item = type->of, .start = ctx->request->out->len, .dead = dead};
	ctx->n_frames++;
	if (dead)
		return REEVE_GQL_STOP;
	reeve_json_array_begin(ctx->request->out);
	return stop_or_go(ctx);
}

int reeve_gql_list_end(struct reeve_gql_ctx *ctx)
{
	bool dead;

	assert(ctx->n_frames);
	dead = ctx->frames[--ctx->n_frames].dead;
	if (ctx->n_frames && ctx->frames[ctx->n_frames - 1].dead)
		return REEVE_GQL_STOP;
	if (dead)
		return put_null(ctx, expected_type(ctx), true);
	reeve_json_array_end(ctx->request->out);
	return value_done(ctx);
}
