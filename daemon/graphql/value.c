/* Whole values: lists, input objects, defaults, variables; and the getters that resolvers use. */
#include "graphql/value.h"

#include <assert.h>
#include <stdio.h>

/* Longest text of a value in a message, bytes. */
#define PRINT_BYTES 200u

/* ---- getters ---- */

static const struct reeve_gql_value absent_value;

enum reeve_gql_given reeve_gql_value_given(const struct reeve_gql_value *value)
{
	switch (value->kind) {
	case REEVE_GQL_VALUE_ABSENT:
		return REEVE_GQL_OMITTED;
	case REEVE_GQL_VALUE_NULL:
		return REEVE_GQL_NULL;
	default:
		return REEVE_GQL_GIVEN;
	}
}

enum reeve_gql_given reeve_gql_value_bool(const struct reeve_gql_value *value, bool *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_BOOL);
	*ret = value->boolean;
	return given;
}

enum reeve_gql_given reeve_gql_value_i32(const struct reeve_gql_value *value, int32_t *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_INT);
	*ret = (int32_t)value->i64;
	return given;
}

enum reeve_gql_given reeve_gql_value_u64(const struct reeve_gql_value *value, uint64_t *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_UINT);
	*ret = value->u64;
	return given;
}

enum reeve_gql_given reeve_gql_value_double(const struct reeve_gql_value *value, double *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_DOUBLE);
	*ret = value->real;
	return given;
}

enum reeve_gql_given reeve_gql_value_str(const struct reeve_gql_value *value, const char **ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_STRING || value->kind == REEVE_GQL_VALUE_ENUM);
	*ret = value->text;
	return given;
}

enum reeve_gql_given reeve_gql_value_enum(const struct reeve_gql_value *value, unsigned *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);

	if (given != REEVE_GQL_GIVEN)
		return given;
	assert(value->kind == REEVE_GQL_VALUE_ENUM);
	*ret = value->index;
	return given;
}

enum reeve_gql_given reeve_gql_value_time_ns(const struct reeve_gql_value *value, int64_t *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);
	bool ok;

	if (given != REEVE_GQL_GIVEN)
		return given;
	ok = value->kind == REEVE_GQL_VALUE_STRING &&
	     reeve_gql_read_date_time(value->text, value->count, ret);
	assert(ok);
	(void)ok;
	return given;
}

enum reeve_gql_given reeve_gql_value_time_of_day(const struct reeve_gql_value *value, int32_t *ret)
{
	enum reeve_gql_given given = reeve_gql_value_given(value);
	bool ok;

	if (given != REEVE_GQL_GIVEN)
		return given;
	ok = value->kind == REEVE_GQL_VALUE_STRING &&
	     reeve_gql_read_time_of_day(value->text, value->count, ret);
	assert(ok);
	(void)ok;
	return given;
}

uint32_t reeve_gql_value_count(const struct reeve_gql_value *value)
{
	return value->kind == REEVE_GQL_VALUE_LIST ? value->count : 0;
}

const struct reeve_gql_value *reeve_gql_value_item(const struct reeve_gql_value *list, uint32_t at)
{
	return at < reeve_gql_value_count(list) ? &list->items[at] : &absent_value;
}

const struct reeve_gql_value *reeve_gql_value_member(
	const struct reeve_gql_value *object, const char *name)
{
	size_t len = strlen(name);
	uint32_t i;

	if (object->kind != REEVE_GQL_VALUE_OBJECT)
		return &absent_value;
	for (i = 0; i < object->count; i++)
		if (object->members[i].name_len == len &&
			!memcmp(object->members[i].name, name, len))
			return &object->members[i].value;
	return &absent_value;
}

static void write_members(const struct reeve_gql_value *value, struct reeve_json *out)
{
	uint32_t i;

	reeve_json_object_begin(out);
	for (i = 0; i < value->count; i++) {
		const struct reeve_gql_member *member = &value->members[i];

		if (member->value.kind == REEVE_GQL_VALUE_ABSENT)
			continue;
		reeve_json_keyn(out, member->name, member->name_len);
		reeve_gql_value_write(&member->value, out);
	}
	reeve_json_object_end(out);
}

void reeve_gql_value_write(const struct reeve_gql_value *value, struct reeve_json *out)
{
	uint32_t i;

	switch (value->kind) {
	case REEVE_GQL_VALUE_ABSENT:
	case REEVE_GQL_VALUE_NULL:
		reeve_json_null(out);
		break;
	case REEVE_GQL_VALUE_BOOL:
		reeve_json_bool(out, value->boolean);
		break;
	case REEVE_GQL_VALUE_INT:
		reeve_json_i64(out, value->i64);
		break;
	case REEVE_GQL_VALUE_UINT:
		reeve_json_u64(out, value->u64);
		break;
	case REEVE_GQL_VALUE_DOUBLE:
		reeve_json_double(out, value->real);
		break;
	case REEVE_GQL_VALUE_STRING:
	case REEVE_GQL_VALUE_ENUM:
		reeve_json_strn(out, value->text, value->count);
		break;
	case REEVE_GQL_VALUE_LIST:
		reeve_json_array_begin(out);
		for (i = 0; i < value->count; i++)
			reeve_gql_value_write(&value->items[i], out);
		reeve_json_array_end(out);
		break;
	case REEVE_GQL_VALUE_OBJECT:
		write_members(value, out);
		break;
	}
}

const struct reeve_gql_value *reeve_gql_variable(
	const struct gql_variables *variables, const char *name, uint32_t len)
{
	const struct gql_ast_variable *definition = variables->definitions;
	uint32_t i;

	for (i = 0; definition; definition = definition->next, i++)
		if (definition->name.len == len && !memcmp(definition->name.text, name, len))
			return &variables->values[i];
	return NULL;
}

/* ---- literals of any type ---- */

static bool list_from_literal(struct gql_arena *arena, const struct gql_type *item_type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret)
{
	const struct gql_ast_value *item = literal->kind == GQL_AST_LIST ? literal->items : literal;
	struct reeve_gql_value *items;
	uint32_t n = 0, i;

	if (literal->kind == GQL_AST_LIST)
		for (; item; item = item->next)
			n++;
	else
		n = 1;
	items = reeve_gql_arena_zalloc(arena, n * sizeof(*items) + 1);
	if (!items)
		return false;
	item = literal->kind == GQL_AST_LIST ? literal->items : literal;
	for (i = 0; i < n; i++, item = item->next) {
		if (!reeve_gql_value_from_literal(arena, item_type, item, variables, &items[i]))
			return false;
		if (items[i].kind != REEVE_GQL_VALUE_ABSENT)
			continue;
		/* A variable that was not given stands for null. */
		if (item_type->kind == GQL_NON_NULL)
			return false;
		items[i].kind = REEVE_GQL_VALUE_NULL;
	}
	*ret = (struct reeve_gql_value){.kind = REEVE_GQL_VALUE_LIST, .count = n, .items = items};
	return true;
}

static const struct gql_ast_value *find_field(
	const struct gql_ast_value *literal, const struct gql_input *input)
{
	const struct gql_ast_object_field *field;

	for (field = literal->fields; field; field = field->next)
		if (field->name.len == input->name_len &&
			!memcmp(field->name.text, input->name, input->name_len))
			return field->value;
	return NULL;
}

/* Every field of the type, in SDL order, all ABSENT. */
static struct reeve_gql_member *blank_members(
	struct gql_arena *arena, const struct gql_type *type, struct reeve_gql_value *ret)
{
	struct reeve_gql_member *members;
	uint32_t i;

	members = reeve_gql_arena_zalloc(arena, type->n_inputs * sizeof(*members) + 1);
	if (!members)
		return NULL;
	for (i = 0; i < type->n_inputs; i++) {
		members[i].name = type->inputs[i].name;
		members[i].name_len = type->inputs[i].name_len;
	}
	*ret = (struct reeve_gql_value){
		.kind = REEVE_GQL_VALUE_OBJECT, .count = type->n_inputs, .members = members};
	return members;
}

static bool object_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret)
{
	struct reeve_gql_value object;
	struct reeve_gql_member *members;
	uint32_t i;

	if (literal->kind != GQL_AST_OBJECT)
		return false;
	members = blank_members(arena, type, &object);
	if (!members)
		return false;
	for (i = 0; i < type->n_inputs; i++) {
		const struct gql_input *input = &type->inputs[i];
		const struct gql_ast_value *field = find_field(literal, input);

		if (field && !reeve_gql_value_from_literal(
				     arena, input->type, field, variables, &members[i].value))
			return false;
		if (members[i].value.kind == REEVE_GQL_VALUE_ABSENT)
			members[i].value = input->default_value;
		if (members[i].value.kind == REEVE_GQL_VALUE_ABSENT &&
			input->type->kind == GQL_NON_NULL)
			return false;
	}
	*ret = object;
	return true;
}

bool reeve_gql_value_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret)
{
	char reason[GQL_REASON_BYTES];

	if (literal->kind == GQL_AST_VARIABLE) {
		const struct reeve_gql_value *value =
			variables ? reeve_gql_variable(variables, literal->text, literal->len)
				  : NULL;

		/* Already coerced, and validation saw to it that the types agree. */
		if (!value || value->kind == REEVE_GQL_VALUE_ABSENT) {
			*ret = absent_value;
			return true;
		}
		if (value->kind == REEVE_GQL_VALUE_NULL && type->kind == GQL_NON_NULL)
			return false;
		*ret = *value;
		return true;
	}
	if (type->kind == GQL_NON_NULL) {
		if (literal->kind == GQL_AST_NULL)
			return false;
		type = type->of;
	}
	if (literal->kind == GQL_AST_NULL) {
		*ret = (struct reeve_gql_value){.kind = REEVE_GQL_VALUE_NULL};
		return true;
	}
	if (type->kind == GQL_LIST)
		return list_from_literal(arena, type->of, literal, variables, ret);
	if (type->kind == GQL_INPUT_OBJECT)
		return object_from_literal(arena, type, literal, variables, ret);
	return reeve_gql_leaf_from_literal(arena, type, literal, variables, ret, reason);
}

/* ---- JSON of any type ---- */

static bool complain(
	struct gql_coerce *coerce, const struct reeve_gql_value *value, const char *reason)
{
	coerce->errors++;
	coerce->on_error(coerce->context, coerce->path, value, reason);
	return false;
}

/* Lengthens the path; the return value is what to shorten it to again. */
static uint32_t push_path(struct gql_coerce *coerce, const char *name, uint32_t index)
{
	uint32_t old = coerce->path_len;
	size_t room = sizeof(coerce->path) - old;
	int n;

	if (name)
		n = snprintf(coerce->path + old, room, ".%s", name);
	else
		n = snprintf(coerce->path + old, room, "[%u]", index);
	coerce->path_len =
		(size_t)n < room ? old + (uint32_t)n : (uint32_t)sizeof(coerce->path) - 1;
	return old;
}

static void pop_path(struct gql_coerce *coerce, uint32_t old)
{
	coerce->path_len = old;
	coerce->path[old] = 0;
}

static bool list_from_json(struct gql_coerce *coerce, const struct gql_type *item_type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret)
{
	bool is_list = json->kind == REEVE_GQL_VALUE_LIST, ok = true;
	uint32_t n = is_list ? json->count : 1, i;
	struct reeve_gql_value *items =
		reeve_gql_arena_zalloc(coerce->arena, n * sizeof(*items) + 1);

	if (!items)
		return false;
	if (!is_list) {
		ok = reeve_gql_value_from_json(coerce, item_type, json, items);
	} else {
		for (i = 0; i < n && coerce->errors < coerce->max_errors; i++) {
			uint32_t old = push_path(coerce, NULL, i);

			ok &= reeve_gql_value_from_json(
				coerce, item_type, &json->items[i], &items[i]);
			pop_path(coerce, old);
		}
	}
	*ret = (struct reeve_gql_value){.kind = REEVE_GQL_VALUE_LIST, .count = n, .items = items};
	return ok;
}

/* Members that the type does not have. */
static bool check_unknown(
	struct gql_coerce *coerce, const struct gql_type *type, const struct reeve_gql_value *json)
{
	char reason[GQL_REASON_BYTES];
	bool ok = true;
	uint32_t i;

	for (i = 0; i < json->count && coerce->errors < coerce->max_errors; i++) {
		const struct reeve_gql_member *member = &json->members[i];

		if (reeve_gql_map_get(&type->input_map, member->name, member->name_len))
			continue;
		snprintf(reason, sizeof(reason), "Field \"%.*s\" is not defined by type \"%s\".",
			member->name_len > 100 ? 100 : (int)member->name_len, member->name,
			type->name);
		ok = complain(coerce, json, reason);
	}
	return ok;
}

static bool member_from_json(struct gql_coerce *coerce, const struct gql_input *input,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret)
{
	const struct reeve_gql_value *given = reeve_gql_value_member(json, input->name);
	char reason[GQL_REASON_BYTES];
	uint32_t old;
	bool ok;

	if (given->kind == REEVE_GQL_VALUE_ABSENT) {
		*ret = input->default_value;
		if (ret->kind != REEVE_GQL_VALUE_ABSENT || input->type->kind != GQL_NON_NULL)
			return true;
		snprintf(reason, sizeof(reason),
			"Field \"%s\" of required type \"%s\" was not provided.", input->name,
			input->type->name);
		return complain(coerce, json, reason);
	}
	old = push_path(coerce, input->name, 0);
	ok = reeve_gql_value_from_json(coerce, input->type, given, ret);
	pop_path(coerce, old);
	return ok;
}

static bool object_from_json(struct gql_coerce *coerce, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret)
{
	struct reeve_gql_member *members;
	char reason[GQL_REASON_BYTES];
	bool ok = true;
	uint32_t i;

	if (json->kind != REEVE_GQL_VALUE_OBJECT) {
		snprintf(reason, sizeof(reason), "Expected type \"%s\" to be an object.",
			type->name);
		return complain(coerce, json, reason);
	}
	members = blank_members(coerce->arena, type, ret);
	if (!members)
		return false;
	for (i = 0; i < type->n_inputs && coerce->errors < coerce->max_errors; i++)
		ok &= member_from_json(coerce, &type->inputs[i], json, &members[i].value);
	return check_unknown(coerce, type, json) && ok;
}

bool reeve_gql_value_from_json(struct gql_coerce *coerce, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret)
{
	char reason[GQL_REASON_BYTES];

	if (json->kind == REEVE_GQL_VALUE_NULL) {
		if (type->kind == GQL_NON_NULL) {
			snprintf(reason, sizeof(reason),
				"Expected non-nullable type \"%s\" not to be null.", type->name);
			return complain(coerce, json, reason);
		}
		*ret = *json;
		return true;
	}
	if (type->kind == GQL_NON_NULL)
		type = type->of;
	if (type->kind == GQL_LIST)
		return list_from_json(coerce, type->of, json, ret);
	if (type->kind == GQL_INPUT_OBJECT)
		return object_from_json(coerce, type, json, ret);
	if (reeve_gql_leaf_from_json(coerce->arena, type, json, ret, reason))
		return true;
	if (!reason[0])
		snprintf(reason, sizeof(reason), "Expected type \"%s\".", type->name);
	return complain(coerce, json, reason);
}

/* ---- printing for messages ---- */

static void print_literal(struct reeve_json *out, const struct gql_ast_value *literal);

static void print_items(struct reeve_json *out, const struct gql_ast_value *item)
{
	const char *separator = "";

	reeve_json_raw(out, "[", 1);
	for (; item; item = item->next) {
		reeve_json_raw(out, separator, strlen(separator));
		print_literal(out, item);
		separator = ", ";
	}
	reeve_json_raw(out, "]", 1);
}

static void print_fields(struct reeve_json *out, const struct gql_ast_object_field *field)
{
	const char *separator = "";

	reeve_json_raw(out, "{", 1);
	for (; field; field = field->next) {
		reeve_json_raw(out, separator, strlen(separator));
		reeve_json_raw(out, field->name.text, field->name.len);
		reeve_json_raw(out, ": ", 2);
		print_literal(out, field->value);
		separator = ", ";
	}
	reeve_json_raw(out, "}", 1);
}

static void print_literal(struct reeve_json *out, const struct gql_ast_value *literal)
{
	switch (literal->kind) {
	case GQL_AST_VARIABLE:
		reeve_json_raw(out, "$", 1);
		reeve_json_raw(out, literal->text, literal->len);
		break;
	case GQL_AST_STRING:
		if (literal->block)
			reeve_json_raw(out, "\"\"", 2);
		reeve_json_strn(out, literal->text, literal->len);
		if (literal->block)
			reeve_json_raw(out, "\"\"", 2);
		break;
	case GQL_AST_LIST:
		print_items(out, literal->items);
		break;
	case GQL_AST_OBJECT:
		print_fields(out, literal->fields);
		break;
	default:
		reeve_json_raw(out, literal->text, literal->len);
		break;
	}
}

static void print_value(struct reeve_json *out, const struct reeve_gql_value *value)
{
	const char *separator = "";
	uint32_t i;

	if (value->kind == REEVE_GQL_VALUE_LIST) {
		reeve_json_raw(out, "[", 1);
		for (i = 0; i < value->count; i++, separator = ", ") {
			reeve_json_raw(out, separator, strlen(separator));
			print_value(out, &value->items[i]);
		}
		reeve_json_raw(out, "]", 1);
	} else if (value->kind == REEVE_GQL_VALUE_OBJECT && value->count) {
		for (i = 0, separator = "{ "; i < value->count; i++, separator = ", ") {
			reeve_json_raw(out, separator, 2);
			reeve_json_raw(out, value->members[i].name, value->members[i].name_len);
			reeve_json_raw(out, ": ", 2);
			print_value(out, &value->members[i].value);
		}
		reeve_json_raw(out, " }", 2);
	} else {
		reeve_gql_value_write(value, out);
	}
}

/* Takes the text out of a bounded writer; what did not fit is shown as "...". */
static const char *finish_print(struct gql_arena *arena, struct reeve_json *out)
{
	jmp_buf *bail = arena->bail;
	size_t n = out->len;
	char *text;

	/* The writer's buffer must be freed in any case. */
	arena->bail = NULL;
	if (n > PRINT_BYTES) {
		n = PRINT_BYTES;
		while (n && ((unsigned char)out->data[n] & 0xC0) == 0x80)
			n--;
	}
	text = reeve_gql_arena_printf(arena, "%.*s%s", (int)n, n ? out->data : "",
		n < out->len || !reeve_json_ok(out) ? "..." : "");
	reeve_json_fini(out);
	arena->bail = bail;
	return text ? text : "";
}

const char *reeve_gql_print_literal(struct gql_arena *arena, const struct gql_ast_value *literal)
{
	struct reeve_json out;

	reeve_json_init(&out, 65536);
	print_literal(&out, literal);
	return finish_print(arena, &out);
}

const char *reeve_gql_print_value(struct gql_arena *arena, const struct reeve_gql_value *value)
{
	struct reeve_json out;

	reeve_json_init(&out, 65536);
	print_value(&out, value);
	return finish_print(arena, &out);
}

/* A coerced value as SDL text: as print_value(), but for the names of enums. */
static void print_coerced(struct reeve_json *out, const struct reeve_gql_value *value)
{
	const char *separator = "";
	uint32_t i;

	if (value->kind == REEVE_GQL_VALUE_ENUM) {
		reeve_json_raw(out, value->text, value->count);
	} else if (value->kind == REEVE_GQL_VALUE_LIST) {
		reeve_json_raw(out, "[", 1);
		for (i = 0; i < value->count; i++) {
			reeve_json_raw(out, ", ", i ? 2 : 0);
			print_coerced(out, &value->items[i]);
		}
		reeve_json_raw(out, "]", 1);
	} else if (value->kind == REEVE_GQL_VALUE_OBJECT) {
		reeve_json_raw(out, "{", 1);
		for (i = 0; i < value->count; i++) {
			if (value->members[i].value.kind == REEVE_GQL_VALUE_ABSENT)
				continue;
			reeve_json_raw(out, separator, strlen(separator));
			reeve_json_raw(out, value->members[i].name, value->members[i].name_len);
			reeve_json_raw(out, ": ", 2);
			print_coerced(out, &value->members[i].value);
			separator = ", ";
		}
		reeve_json_raw(out, "}", 1);
	} else {
		reeve_gql_value_write(value, out);
	}
}

const char *reeve_gql_print_default(struct gql_arena *arena, const struct gql_input *input)
{
	const char *text = NULL;
	struct reeve_json out;

	reeve_json_init(&out, 0);
	print_coerced(&out, &input->default_value);
	if (reeve_json_ok(&out))
		text = reeve_gql_arena_copy(arena, out.data, out.len);
	reeve_json_fini(&out);
	return text;
}
