/* Section 4: the schema as data. The introspection types are in own_sdl.c and are executed like any
 * other; their objects are the structs of the type system themselves. */
#include "graphql/exec.h"

static const struct gql_schema *schema_of(const struct reeve_gql_ctx *ctx)
{
	return &ctx->request->engine->schema;
}

static bool wants_deprecated(const struct reeve_gql_ctx *ctx)
{
	bool wants = false;

	reeve_gql_arg_bool(ctx, "includeDeprecated", &wants);
	return wants;
}

/* ---- __schema, __type ---- */

static int resolve_schema(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_gql_emit_object(ctx, schema_of(ctx));
	return 0;
}

static int resolve_type(struct reeve_gql_ctx *ctx, const void *object)
{
	const char *name = "";

	(void)object;
	reeve_gql_arg_str(ctx, "name", &name);
	reeve_gql_emit_object(
		ctx, reeve_gql_schema_type(schema_of(ctx), name, (uint32_t)strlen(name)));
	return 0;
}

static int schema_types(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_schema *schema = object;
	uint32_t i;

	reeve_gql_list_begin(ctx);
	for (i = 0; i < schema->n_types; i++)
		reeve_gql_emit_object(ctx, schema->types[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static int schema_query(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_object(ctx, ((const struct gql_schema *)object)->roots[REEVE_GQL_QUERY]);
	return 0;
}

static int schema_mutation(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_object(ctx, ((const struct gql_schema *)object)->roots[REEVE_GQL_MUTATION]);
	return 0;
}

static int schema_subscription(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_object(
		ctx, ((const struct gql_schema *)object)->roots[REEVE_GQL_SUBSCRIPTION]);
	return 0;
}

static int schema_directives(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_schema *schema = object;
	uint32_t i;

	reeve_gql_list_begin(ctx);
	for (i = 0; i < schema->n_directives; i++)
		reeve_gql_emit_object(ctx, &schema->directives[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

/* ---- __Type ---- */

static int type_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	static const char *const names[] = {
		[GQL_SCALAR] = "SCALAR",
		[GQL_OBJECT] = "OBJECT",
		[GQL_INTERFACE] = "INTERFACE",
		[GQL_UNION] = "UNION",
		[GQL_ENUM] = "ENUM",
		[GQL_INPUT_OBJECT] = "INPUT_OBJECT",
		[GQL_LIST] = "LIST",
		[GQL_NON_NULL] = "NON_NULL",
	};

	reeve_gql_emit_str(ctx, names[((const struct gql_type *)object)->kind]);
	return 0;
}

static int type_name(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;

	/* Wrapping types have no name; theirs here is the whole expression. */
	reeve_gql_emit_str(ctx, type->of ? NULL : type->name);
	return 0;
}

static int type_fields(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;
	bool all = wants_deprecated(ctx);
	uint32_t i;

	if (type->kind != GQL_OBJECT && type->kind != GQL_INTERFACE)
		return 0;
	reeve_gql_list_begin(ctx);
	for (i = 0; i < type->n_fields; i++)
		if (all || !type->fields[i].deprecated)
			reeve_gql_emit_object(ctx, &type->fields[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static int type_interfaces(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;
	uint32_t i;

	if (type->kind != GQL_OBJECT && type->kind != GQL_INTERFACE)
		return 0;
	reeve_gql_list_begin(ctx);
	for (i = 0; i < type->n_interfaces; i++)
		reeve_gql_emit_object(ctx, type->interfaces[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static int type_possible(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;
	uint32_t i;

	if (type->kind != GQL_UNION && type->kind != GQL_INTERFACE)
		return 0;
	reeve_gql_list_begin(ctx);
	for (i = 0; i < type->n_possible; i++)
		reeve_gql_emit_object(ctx, type->possible[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static int type_values(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;
	bool all = wants_deprecated(ctx);
	uint32_t i;

	if (type->kind != GQL_ENUM)
		return 0;
	reeve_gql_list_begin(ctx);
	for (i = 0; i < type->n_values; i++)
		if (all || !type->values[i].deprecated)
			reeve_gql_emit_object(ctx, &type->values[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static void emit_inputs(struct reeve_gql_ctx *ctx, const struct gql_input *inputs, uint32_t n)
{
	bool all = wants_deprecated(ctx);
	uint32_t i;

	reeve_gql_list_begin(ctx);
	for (i = 0; i < n; i++)
		if (all || !inputs[i].deprecated)
			reeve_gql_emit_object(ctx, &inputs[i]);
	reeve_gql_list_end(ctx);
}

static int type_inputs(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_type *type = object;

	if (type->kind == GQL_INPUT_OBJECT)
		emit_inputs(ctx, type->inputs, type->n_inputs);
	return 0;
}

/* ---- __Field, __InputValue, __EnumValue, __Directive ---- */

static int field_args(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_field *field = object;

	emit_inputs(ctx, field->args, field->n_args);
	return 0;
}

static int field_deprecated(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_bool(ctx, ((const struct gql_field *)object)->deprecated != NULL);
	return 0;
}

static int input_deprecated(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_bool(ctx, ((const struct gql_input *)object)->deprecated != NULL);
	return 0;
}

static int value_deprecated(struct reeve_gql_ctx *ctx, const void *object)
{
	reeve_gql_emit_bool(ctx, ((const struct gql_enum_value *)object)->deprecated != NULL);
	return 0;
}

/* The default as it would be written in the SDL, with the defaults within it. */
static int input_default(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_input *input = object;

	if (input->default_literal)
		reeve_gql_emit_str(ctx, reeve_gql_print_default(ctx->request->arena, input));
	return 0;
}

static int directive_locations(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_directive_def *directive = object;
	uint32_t i;

	reeve_gql_list_begin(ctx);
	for (i = 0; i < directive->n_locations; i++)
		reeve_gql_emit_str(ctx, directive->locations[i]);
	reeve_gql_list_end(ctx);
	return 0;
}

static int directive_args(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct gql_directive_def *directive = object;

	emit_inputs(ctx, directive->args, directive->n_args);
	return 0;
}

#define MEMBER(type_, field_, kind_, struct_, member_)                                             \
	REEVE_GQL_BIND_MEMBER(type_, field_, kind_, struct struct_, member_, .flags = 0)

static const struct reeve_gql_binding own_rows[] = {
	REEVE_GQL_BIND_FN("__Meta", "__schema", resolve_schema),
	REEVE_GQL_BIND_FN("__Meta", "__type", resolve_type),
	MEMBER("__Schema", "description", REEVE_GQL_STR, gql_schema, description),
	REEVE_GQL_BIND_FN("__Schema", "types", schema_types),
	REEVE_GQL_BIND_FN("__Schema", "queryType", schema_query),
	REEVE_GQL_BIND_FN("__Schema", "mutationType", schema_mutation),
	REEVE_GQL_BIND_FN("__Schema", "subscriptionType", schema_subscription),
	REEVE_GQL_BIND_FN("__Schema", "directives", schema_directives),
	REEVE_GQL_BIND_FN("__Type", "kind", type_kind),
	REEVE_GQL_BIND_FN("__Type", "name", type_name),
	MEMBER("__Type", "description", REEVE_GQL_STR, gql_type, description),
	MEMBER("__Type", "specifiedByURL", REEVE_GQL_STR, gql_type, specified_by),
	REEVE_GQL_BIND_FN("__Type", "fields", type_fields),
	REEVE_GQL_BIND_FN("__Type", "interfaces", type_interfaces),
	REEVE_GQL_BIND_FN("__Type", "possibleTypes", type_possible),
	REEVE_GQL_BIND_FN("__Type", "enumValues", type_values),
	REEVE_GQL_BIND_FN("__Type", "inputFields", type_inputs),
	MEMBER("__Type", "ofType", REEVE_GQL_POINTER, gql_type, of),
	MEMBER("__Field", "name", REEVE_GQL_STR, gql_field, name),
	MEMBER("__Field", "description", REEVE_GQL_STR, gql_field, description),
	REEVE_GQL_BIND_FN("__Field", "args", field_args),
	MEMBER("__Field", "type", REEVE_GQL_POINTER, gql_field, type),
	REEVE_GQL_BIND_FN("__Field", "isDeprecated", field_deprecated),
	MEMBER("__Field", "deprecationReason", REEVE_GQL_STR, gql_field, deprecated),
	MEMBER("__InputValue", "name", REEVE_GQL_STR, gql_input, name),
	MEMBER("__InputValue", "description", REEVE_GQL_STR, gql_input, description),
	MEMBER("__InputValue", "type", REEVE_GQL_POINTER, gql_input, type),
	REEVE_GQL_BIND_FN("__InputValue", "defaultValue", input_default),
	REEVE_GQL_BIND_FN("__InputValue", "isDeprecated", input_deprecated),
	MEMBER("__InputValue", "deprecationReason", REEVE_GQL_STR, gql_input, deprecated),
	MEMBER("__EnumValue", "name", REEVE_GQL_STR, gql_enum_value, name),
	MEMBER("__EnumValue", "description", REEVE_GQL_STR, gql_enum_value, description),
	REEVE_GQL_BIND_FN("__EnumValue", "isDeprecated", value_deprecated),
	MEMBER("__EnumValue", "deprecationReason", REEVE_GQL_STR, gql_enum_value, deprecated),
	MEMBER("__Directive", "name", REEVE_GQL_STR, gql_directive_def, name),
	MEMBER("__Directive", "description", REEVE_GQL_STR, gql_directive_def, description),
	MEMBER("__Directive", "isRepeatable", REEVE_GQL_BOOL, gql_directive_def, repeatable),
	REEVE_GQL_BIND_FN("__Directive", "locations", directive_locations),
	REEVE_GQL_BIND_FN("__Directive", "args", directive_args),
};

const struct reeve_gql_table reeve_gql_own_table = {
	own_rows, sizeof(own_rows) / sizeof(own_rows[0])};
