/* What the specification demands of a type system (section 3, "Type Validation"), beyond what
 * schema.c found while resolving names. */
#include "graphql/types.h"

/* ---- interfaces ---- */

static const struct gql_input *find_arg(const struct gql_field *field, const char *name)
{
	uint32_t i;

	for (i = 0; i < field->n_args; i++)
		if (!strcmp(field->args[i].name, name))
			return &field->args[i];
	return NULL;
}

static void check_field_args(const struct gql_type *type, const struct gql_field *field,
	const struct gql_type *interface, const struct gql_field *wanted,
	struct gql_complaints *complaints)
{
	uint32_t i;

	for (i = 0; i < wanted->n_args; i++) {
		const struct gql_input *arg = find_arg(field, wanted->args[i].name);

		if (!arg)
			reeve_gql_complain(complaints,
				"Interface field argument \"%s.%s(%s:)\" expected but \"%s.%s\" "
				"does not "
				"provide it.",
				interface->name, wanted->name, wanted->args[i].name, type->name,
				field->name);
		else if (!reeve_gql_type_same(arg->type, wanted->args[i].type))
			reeve_gql_complain(complaints,
				"Interface field argument \"%s.%s(%s:)\" expects type \"%s\" but "
				"\"%s.%s(%s:)\" is type \"%s\".",
				interface->name, wanted->name, arg->name,
				wanted->args[i].type->name, type->name, field->name, arg->name,
				arg->type->name);
	}
	for (i = 0; i < field->n_args; i++)
		if (!find_arg(wanted, field->args[i].name) &&
			reeve_gql_input_is_required(&field->args[i]))
			reeve_gql_complain(complaints,
				"Argument \"%s.%s(%s:)\" must not be required, as interface \"%s\" "
				"does not have it.",
				type->name, field->name, field->args[i].name, interface->name);
}

static void check_implements(const struct gql_type *type, const struct gql_type *interface,
	struct gql_complaints *complaints)
{
	uint32_t i, k;

	for (i = 0; i < interface->n_fields; i++) {
		const struct gql_field *wanted = &interface->fields[i];
		const struct gql_field *field =
			reeve_gql_map_get(&type->field_map, wanted->name, wanted->name_len);

		if (!field) {
			reeve_gql_complain(complaints,
				"Interface field \"%s.%s\" expected but \"%s\" does not provide "
				"it.",
				interface->name, wanted->name, type->name);
			continue;
		}
		if (!reeve_gql_type_is_subtype(field->type, wanted->type))
			reeve_gql_complain(complaints,
				"Interface field \"%s.%s\" expects type \"%s\" but \"%s.%s\" is "
				"type "
				"\"%s\".",
				interface->name, wanted->name, wanted->type->name, type->name,
				field->name, field->type->name);
		check_field_args(type, field, interface, wanted, complaints);
	}
	for (i = 0; i < interface->n_interfaces; i++) {
		for (k = 0; k < type->n_interfaces; k++)
			if (type->interfaces[k] == interface->interfaces[i])
				break;
		if (k == type->n_interfaces)
			reeve_gql_complain(complaints,
				"Type \"%s\" must implement \"%s\" because it is implemented by "
				"\"%s\".",
				type->name, interface->interfaces[i]->name, interface->name);
	}
}

/* ---- input objects that contain themselves by non-null fields ---- */

/* True if `type` is reached from `from` through non-null input fields. `left` bounds the depth: a
 * longer chain than there are types has a cycle in it that another start will report. */
static bool contains_itself(const struct gql_type *type, const struct gql_type *from, uint32_t left)
{
	uint32_t i;

	for (i = 0; left && i < from->n_inputs; i++) {
		const struct gql_type *next = from->inputs[i].type;

		if (next->kind != GQL_NON_NULL || next->of->kind != GQL_INPUT_OBJECT)
			continue;
		if (next->of == type || contains_itself(type, next->of, left - 1))
			return true;
	}
	return false;
}

/* ---- names, emptiness, directives ---- */

static void check_name(const char *name, const char *where, struct gql_complaints *complaints)
{
	if (!strncmp(name, "__", 2))
		reeve_gql_complain(complaints,
			"Name \"%s\" in \"%s\" must not begin with \"__\", which is reserved by "
			"GraphQL "
			"introspection.",
			name, where);
}

static void check_directives(const struct gql_schema *schema,
	const struct gql_ast_directive *directive, const char *location, const char *where,
	struct gql_complaints *complaints)
{
	uint32_t i;

	for (; directive; directive = directive->next) {
		const struct gql_directive_def *def =
			reeve_gql_schema_directive(schema, directive->name);

		if (!def) {
			reeve_gql_complain(complaints, "Unknown directive \"@%.*s\" at \"%s\".",
				(int)directive->name.len, directive->name.text, where);
			continue;
		}
		for (i = 0; i < def->n_locations && strcmp(def->locations[i], location); i++)
			;
		if (i == def->n_locations)
			reeve_gql_complain(complaints,
				"Directive \"@%s\" may not be used on %s, at \"%s\".", def->name,
				location, where);
	}
}

static void check_inputs(const struct gql_schema *schema, const struct gql_input *inputs,
	uint32_t n, const struct gql_ast_input *ast, const char *location, const char *where,
	struct gql_complaints *complaints)
{
	uint32_t i;

	for (i = 0; i < n; i++, ast = ast->next) {
		check_name(inputs[i].name, where, complaints);
		check_directives(schema, ast->directives, location, where, complaints);
		if (inputs[i].deprecated && reeve_gql_input_is_required(&inputs[i]))
			reeve_gql_complain(complaints, "Required \"%s.%s\" cannot be deprecated.",
				where, inputs[i].name);
	}
}

static void check_fields(const struct gql_schema *schema, const struct gql_type *type,
	struct gql_complaints *complaints)
{
	const struct gql_ast_field *ast = type->ast->fields;
	uint32_t i;

	for (i = 0; i < type->n_fields; i++, ast = ast->next) {
		check_name(type->fields[i].name, type->name, complaints);
		check_directives(
			schema, ast->directives, "FIELD_DEFINITION", type->name, complaints);
		check_inputs(schema, type->fields[i].args, type->fields[i].n_args, ast->args,
			"ARGUMENT_DEFINITION", type->fields[i].name, complaints);
	}
	for (i = 0; i < type->n_interfaces; i++) {
		if (type->interfaces[i] == type)
			reeve_gql_complain(
				complaints, "Type \"%s\" cannot implement itself.", type->name);
		else
			check_implements(type, type->interfaces[i], complaints);
	}
}

static void check_type(const struct gql_schema *schema, const struct gql_type *type,
	struct gql_complaints *complaints)
{
	static const char *const locations[] = {
		"SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT"};
	const struct gql_ast_named *value;
	bool empty;

	check_directives(
		schema, type->ast->directives, locations[type->kind], type->name, complaints);
	empty = (type->kind == GQL_ENUM && !type->n_values) ||
		(type->kind == GQL_INPUT_OBJECT && !type->n_inputs) ||
		(type->kind == GQL_UNION && !type->n_possible) ||
		((type->kind == GQL_OBJECT || type->kind == GQL_INTERFACE) && !type->n_fields);
	if (empty)
		reeve_gql_complain(complaints, "Type \"%s\" is empty.", type->name);
	if (type->kind == GQL_ENUM)
		for (value = type->ast->names; value; value = value->next)
			check_directives(
				schema, value->directives, "ENUM_VALUE", type->name, complaints);
	check_fields(schema, type, complaints);
	check_inputs(schema, type->inputs, type->n_inputs, type->ast->inputs,
		"INPUT_FIELD_DEFINITION", type->name, complaints);
	if (type->kind == GQL_INPUT_OBJECT && contains_itself(type, type, 16))
		reeve_gql_complain(complaints,
			"Cannot reference Input Object \"%s\" within itself through a series of "
			"non-null fields.",
			type->name);
}

void reeve_gql_schema_check(struct gql_schema *schema, struct gql_complaints *complaints)
{
	uint32_t i;

	for (i = 0; i < schema->n_types; i++)
		if (!schema->types[i]->introspection)
			check_type(schema, schema->types[i], complaints);
}
