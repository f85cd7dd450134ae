/* From SDL definitions to types: names first, then what they refer to, then defaults. */
#include "graphql/types.h"
#include "graphql/value.h"

#include <stdarg.h>
#include <stdio.h>

struct loader {
	struct gql_schema *schema;
	struct gql_arena *arena;
	struct gql_complaints *complaints;
};

void reeve_gql_complain(struct gql_complaints *complaints, const char *format, ...)
{
	size_t room = complaints->size - complaints->len;
	va_list args;
	int n;

	complaints->count++;
	if (room < 2)
		return;
	va_start(args, format);
	n = vsnprintf(complaints->text + complaints->len, room - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	complaints->len += (size_t)n < room - 1 ? (size_t)n : room - 2;
	complaints->text[complaints->len++] = '\n';
	complaints->text[complaints->len] = 0;
}

static const char *copy_name(struct loader *l, struct gql_name name)
{
	return reeve_gql_arena_copy(l->arena, name.text, name.len);
}

static enum gql_scalar scalar_of(const char *name)
{
	static const struct {
		const char *name;
		enum gql_scalar scalar;
	} known[] = {
		{"Int", GQL_INT},
		{"Float", GQL_FLOAT},
		{"String", GQL_STRING},
		{"Boolean", GQL_BOOLEAN},
		{"ID", GQL_ID},
		{"UInt64", GQL_UINT64},
		{"DateTime", GQL_DATE_TIME},
		{"TimeOfDay", GQL_TIME_OF_DAY},
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].scalar;
	return GQL_ANY;
}

static enum gql_kind kind_of(enum gql_ast_definition_kind kind)
{
	switch (kind) {
	case GQL_AST_OBJECT_TYPE:
		return GQL_OBJECT;
	case GQL_AST_INTERFACE:
		return GQL_INTERFACE;
	case GQL_AST_UNION:
		return GQL_UNION;
	case GQL_AST_ENUM_TYPE:
		return GQL_ENUM;
	case GQL_AST_INPUT_TYPE:
		return GQL_INPUT_OBJECT;
	default:
		return GQL_SCALAR;
	}
}

static const struct gql_ast_directive *find_directive(
	const struct gql_ast_directive *directive, const char *name)
{
	for (; directive; directive = directive->next)
		if (reeve_gql_name_is(directive->name, name))
			return directive;
	return NULL;
}

static const char *string_argument(const struct gql_ast_directive *directive, const char *name)
{
	const struct gql_ast_arg *arg;

	for (arg = directive->args; arg; arg = arg->next)
		if (reeve_gql_name_is(arg->name, name) && arg->value->kind == GQL_AST_STRING)
			return arg->value->text;
	return NULL;
}

static const char *deprecation(const struct gql_ast_directive *directives)
{
	const struct gql_ast_directive *directive = find_directive(directives, "deprecated");
	const char *reason;

	if (!directive)
		return NULL;
	reason = string_argument(directive, "reason");
	return reason ? reason : "No longer supported";
}

/* ---- names ---- */

static void declare_type(struct loader *l, const struct gql_ast_definition *ast, bool own)
{
	struct gql_type *type = reeve_gql_arena_zalloc(l->arena, sizeof(*type));
	const struct gql_ast_directive *specified = find_directive(ast->directives, "specifiedBy");

	type->kind = kind_of(ast->kind);
	type->name = copy_name(l, ast->name);
	type->name_len = ast->name.len;
	type->description = ast->description;
	type->ast = ast;
	type->introspection = ast->name.len > 1 && !memcmp(ast->name.text, "__", 2);
	type->used = !own || type->introspection;
	if (type->kind == GQL_SCALAR)
		type->scalar = scalar_of(type->name);
	if (specified)
		type->specified_by = string_argument(specified, "url");
	if (type->introspection && !own)
		reeve_gql_complain(l->complaints,
			"Name \"%s\" must not begin with \"__\", which is reserved by GraphQL "
			"introspection.",
			type->name);
	if (!reeve_gql_map_put(&l->schema->type_map, type->name, type->name_len, type)) {
		reeve_gql_complain(
			l->complaints, "There can be only one type named \"%s\".", type->name);
		return;
	}
	l->schema->types[l->schema->n_types++] = type;
}

static bool is_type(const struct gql_ast_definition *ast)
{
	return ast->kind >= GQL_AST_SCALAR && ast->kind <= GQL_AST_INPUT_TYPE;
}

static uint32_t count_kind(const struct gql_ast_definition *ast, bool types)
{
	uint32_t n = 0;

	for (; ast; ast = ast->next)
		n += types ? is_type(ast) : ast->kind == GQL_AST_DIRECTIVE;
	return n;
}

static void declare_types(struct loader *l, const struct gql_ast_definition *ast, bool own)
{
	for (; ast; ast = ast->next) {
		if (ast->kind == GQL_AST_OPERATION || ast->kind == GQL_AST_FRAGMENT)
			reeve_gql_complain(l->complaints,
				"The schema text contains an operation or a fragment.");
		else if (is_type(ast))
			declare_type(l, ast, own);
	}
}

/* ---- references ---- */

/* The type an expression means, with every wrapping made once and remembered. */
static const struct gql_type *resolve_type(
	struct loader *l, const struct gql_ast_type *ast, const char *where, struct gql_name name)
{
	struct gql_type *of, *type;
	struct gql_type **slot;

	if (ast->kind == GQL_AST_TYPE_NAMED) {
		of = reeve_gql_schema_type(l->schema, ast->name.text, ast->name.len);
		if (!of)
			reeve_gql_complain(l->complaints, "Unknown type \"%.*s\" at \"%s.%.*s\".",
				(int)ast->name.len, ast->name.text, where, (int)name.len,
				name.text);
		else
			of->used = true;
		return of;
	}
	of = (struct gql_type *)(uintptr_t)resolve_type(l, ast->of, where, name);
	if (!of)
		return NULL;
	slot = ast->kind == GQL_AST_TYPE_LIST ? &of->list : &of->non_null;
	if (*slot)
		return *slot;
	type = (struct gql_type *)(uintptr_t)reeve_gql_schema_resolve(l->schema, l->arena, ast);
	/* The inner wrappings exist by now, so `of` of the new one is the remembered one. */
	*slot = type;
	return type;
}

static struct gql_input *load_inputs(
	struct loader *l, const struct gql_ast_input *ast, const char *where, uint32_t *ret_count)
{
	const struct gql_ast_input *a;
	struct gql_input *inputs;
	uint32_t n = 0, i = 0, k;

	for (a = ast; a; a = a->next)
		n++;
	inputs = reeve_gql_arena_zalloc(l->arena, n * sizeof(*inputs) + 1);
	for (a = ast; a; a = a->next, i++) {
		inputs[i].name = copy_name(l, a->name);
		inputs[i].name_len = a->name.len;
		inputs[i].description = a->description;
		inputs[i].deprecated = deprecation(a->directives);
		inputs[i].default_literal = a->default_value;
		inputs[i].type = resolve_type(l, a->type, where, a->name);
		if (inputs[i].type &&
			!reeve_gql_type_is_input(reeve_gql_type_named(inputs[i].type)))
			reeve_gql_complain(l->complaints,
				"The type of \"%s.%s\" must be an input type but is \"%s\".", where,
				inputs[i].name, inputs[i].type->name);
		for (k = 0; k < i; k++)
			if (!strcmp(inputs[k].name, inputs[i].name))
				reeve_gql_complain(l->complaints, "\"%s.%s\" is defined twice.",
					where, inputs[i].name);
	}
	*ret_count = n;
	return inputs;
}

static void load_fields(struct loader *l, struct gql_type *type)
{
	const struct gql_ast_field *a;
	uint32_t n = 0, i = 0;

	for (a = type->ast->fields; a; a = a->next)
		n++;
	type->fields = reeve_gql_arena_zalloc(l->arena, n * sizeof(*type->fields) + 1);
	type->n_fields = n;
	reeve_gql_map_init(&type->field_map, l->arena, n);
	for (a = type->ast->fields; a; a = a->next, i++) {
		struct gql_field *field = &type->fields[i];
		const char *where;

		field->name = copy_name(l, a->name);
		field->name_len = a->name.len;
		field->description = a->description;
		field->deprecated = deprecation(a->directives);
		field->owner = type;
		field->type = resolve_type(l, a->type, type->name, a->name);
		if (field->type && reeve_gql_type_named(field->type)->kind == GQL_INPUT_OBJECT)
			reeve_gql_complain(l->complaints,
				"The type of \"%s.%s\" must be an output type but is \"%s\".",
				type->name, field->name, field->type->name);
		where = reeve_gql_arena_printf(l->arena, "%s.%s", type->name, field->name);
		field->args = load_inputs(l, a->args, where, &field->n_args);
		if (!reeve_gql_map_put(&type->field_map, field->name, field->name_len, field))
			reeve_gql_complain(l->complaints, "\"%s\" is defined twice.", where);
	}
}

static void load_values(struct loader *l, struct gql_type *type)
{
	const struct gql_ast_named *a;
	uint32_t n = 0, i = 0;

	for (a = type->ast->names; a; a = a->next)
		n++;
	type->values = reeve_gql_arena_zalloc(l->arena, n * sizeof(*type->values) + 1);
	type->n_values = n;
	reeve_gql_map_init(&type->value_map, l->arena, n);
	for (a = type->ast->names; a; a = a->next, i++) {
		struct gql_enum_value *value = &type->values[i];

		value->name = copy_name(l, a->name);
		value->name_len = a->name.len;
		value->description = a->description;
		value->deprecated = deprecation(a->directives);
		value->index = i;
		if (!reeve_gql_map_put(&type->value_map, value->name, value->name_len, value))
			reeve_gql_complain(l->complaints, "\"%s.%s\" is defined twice.", type->name,
				value->name);
	}
}

/* Names of types of one kind: interfaces of a type, members of a union. */
static const struct gql_type **load_names(struct loader *l, const struct gql_type *type,
	const struct gql_ast_named *ast, enum gql_kind wanted, uint32_t *ret_count)
{
	const struct gql_ast_named *a;
	const struct gql_type **list;
	uint32_t n = 0, i;

	for (a = ast; a; a = a->next)
		n++;
	list = reeve_gql_arena_zalloc(l->arena, n * sizeof(*list) + 1);
	n = 0;
	for (a = ast; a; a = a->next) {
		struct gql_type *named =
			reeve_gql_schema_type(l->schema, a->name.text, a->name.len);

		if (!named || named->kind != wanted) {
			reeve_gql_complain(l->complaints, "\"%s\" names \"%.*s\", which is no %s.",
				type->name, (int)a->name.len, a->name.text,
				wanted == GQL_INTERFACE ? "interface" : "object type");
			continue;
		}
		for (i = 0; i < n && list[i] != named; i++)
			;
		if (i < n)
			reeve_gql_complain(l->complaints, "\"%s\" names \"%s\" twice.", type->name,
				named->name);
		else
			list[n++] = named;
		named->used = true;
	}
	*ret_count = n;
	return list;
}

static void load_type(struct loader *l, struct gql_type *type)
{
	uint32_t i;

	if (type->kind == GQL_OBJECT || type->kind == GQL_INTERFACE) {
		load_fields(l, type);
		type->interfaces = load_names(
			l, type, type->ast->interfaces, GQL_INTERFACE, &type->n_interfaces);
	} else if (type->kind == GQL_UNION) {
		type->possible =
			load_names(l, type, type->ast->names, GQL_OBJECT, &type->n_possible);
	} else if (type->kind == GQL_ENUM) {
		load_values(l, type);
	} else if (type->kind == GQL_INPUT_OBJECT) {
		type->inputs = load_inputs(l, type->ast->inputs, type->name, &type->n_inputs);
		reeve_gql_map_init(&type->input_map, l->arena, type->n_inputs);
		for (i = 0; i < type->n_inputs; i++)
			reeve_gql_map_put(&type->input_map, type->inputs[i].name,
				type->inputs[i].name_len, &type->inputs[i]);
	}
}

/* Object types are their own one possible type; interfaces have those that implement them. */
static void load_possible(struct loader *l)
{
	struct gql_schema *schema = l->schema;
	uint32_t i, k;

	for (i = 0; i < schema->n_types; i++) {
		struct gql_type *type = schema->types[i];

		if (type->kind != GQL_OBJECT && type->kind != GQL_INTERFACE)
			continue;
		type->possible = reeve_gql_arena_alloc(
			l->arena, (schema->n_types + 1) * sizeof(*type->possible));
		if (type->kind == GQL_OBJECT)
			type->possible[type->n_possible++] = type;
		for (k = 0; type->kind == GQL_INTERFACE && k < schema->n_types; k++)
			if (schema->types[k]->kind == GQL_OBJECT &&
				reeve_gql_type_is_subtype(schema->types[k], type))
				type->possible[type->n_possible++] = schema->types[k];
	}
}

/* ---- directives, roots, defaults ---- */

static void load_directive(struct loader *l, const struct gql_ast_definition *ast)
{
	struct gql_directive_def *directive = &l->schema->directives[l->schema->n_directives];
	const struct gql_ast_named *a;
	const char *where;

	if (reeve_gql_schema_directive(l->schema, ast->name)) {
		reeve_gql_complain(l->complaints,
			"There can be only one directive named \"@%.*s\".", (int)ast->name.len,
			ast->name.text);
		return;
	}
	directive->name = copy_name(l, ast->name);
	directive->name_len = ast->name.len;
	directive->description = ast->description;
	directive->repeatable = ast->repeatable;
	where = reeve_gql_arena_printf(l->arena, "@%s", directive->name);
	directive->args = load_inputs(l, ast->inputs, where, &directive->n_args);
	for (a = ast->names; a; a = a->next)
		directive->n_locations++;
	directive->locations = reeve_gql_arena_alloc(
		l->arena, directive->n_locations * sizeof(*directive->locations) + 1);
	directive->n_locations = 0;
	for (a = ast->names; a; a = a->next)
		directive->locations[directive->n_locations++] = copy_name(l, a->name);
	l->schema->n_directives++;
}

static void load_directives(struct loader *l, const struct gql_ast_definition *ast)
{
	for (; ast; ast = ast->next)
		if (ast->kind == GQL_AST_DIRECTIVE)
			load_directive(l, ast);
}

static void set_root(struct loader *l, enum reeve_gql_operation operation, const char *name,
	uint32_t len, bool wanted)
{
	struct gql_type *type = reeve_gql_schema_type(l->schema, name, len);

	if (!type && !wanted)
		return;
	if (!type || type->kind != GQL_OBJECT) {
		reeve_gql_complain(
			l->complaints, "Root type \"%.*s\" is no object type.", (int)len, name);
		return;
	}
	type->used = true;
	l->schema->roots[operation] = type;
}

static void load_roots(struct loader *l, const struct gql_ast_definition *ast)
{
	static const char *const operations[] = {"query", "mutation", "subscription"};
	const struct gql_ast_definition *found = NULL;
	const struct gql_ast_named *a;
	unsigned i;

	for (; ast; ast = ast->next) {
		if (ast->kind != GQL_AST_SCHEMA)
			continue;
		if (found)
			reeve_gql_complain(
				l->complaints, "Must provide only one schema definition.");
		found = ast;
	}
	if (!found) {
		set_root(l, REEVE_GQL_QUERY, "Query", 5, true);
		set_root(l, REEVE_GQL_MUTATION, "Mutation", 8, false);
		set_root(l, REEVE_GQL_SUBSCRIPTION, "Subscription", 12, false);
		return;
	}
	l->schema->description = found->description;
	for (a = found->names; a; a = a->next)
		for (i = 0; i < 3; i++)
			if (reeve_gql_name_is(a->operation, operations[i]))
				set_root(l, (enum reeve_gql_operation)i, a->name.text, a->name.len,
					true);
	if (!l->schema->roots[REEVE_GQL_QUERY])
		reeve_gql_complain(l->complaints, "Query root type must be provided.");
}

static void load_default(struct loader *l, const char *where, struct gql_input *input)
{
	if (!input->default_literal || !input->type)
		return;
	if (!reeve_gql_value_from_literal(
		    l->arena, input->type, input->default_literal, NULL, &input->default_value))
		reeve_gql_complain(l->complaints, "The default of \"%s.%s\" is no \"%s\": %s.",
			where, input->name, input->type->name,
			reeve_gql_print_literal(l->arena, input->default_literal));
}

/* A default may leave fields of nested input objects to their own defaults, which may stand later
 * in the SDL: each pass gets one level of such nesting right. */
#define DEFAULT_PASSES 4u

/* Input objects first: the default of an argument may leave fields to their own defaults. */
static void load_defaults(struct loader *l)
{
	struct gql_schema *schema = l->schema;
	uint32_t i, k, m;

	for (m = 0; m < DEFAULT_PASSES && !l->complaints->count; m++)
		for (i = 0; i < schema->n_types; i++)
			for (k = 0; k < schema->types[i]->n_inputs; k++)
				load_default(
					l, schema->types[i]->name, &schema->types[i]->inputs[k]);
	for (i = 0; i < schema->n_types; i++)
		for (k = 0; k < schema->types[i]->n_fields; k++)
			for (m = 0; m < schema->types[i]->fields[k].n_args; m++)
				load_default(l, schema->types[i]->fields[k].name,
					&schema->types[i]->fields[k].args[m]);
	for (i = 0; i < schema->n_directives; i++)
		for (k = 0; k < schema->directives[i].n_args; k++)
			load_default(l, schema->directives[i].name, &schema->directives[i].args[k]);
}

static void init_meta_field(struct loader *l, struct gql_field *field, const char *name,
	const struct gql_ast_definition *own)
{
	/* The own SDL has a type __Meta whose fields are the three that exist without being in any
	 * type of the schema. */
	for (; own && !reeve_gql_name_is(own->name, "__Meta"); own = own->next)
		;
	if (own) {
		const struct gql_type *meta =
			reeve_gql_schema_type(l->schema, own->name.text, own->name.len);
		const struct gql_field *found =
			reeve_gql_map_get(&meta->field_map, name, (uint32_t)strlen(name));

		*field = *found;
	}
}

/* Takes hidden types out of the list: __Meta, and built-in scalars that nothing refers to. */
static void hide_types(struct gql_schema *schema)
{
	uint32_t i, n = 0;

	for (i = 0; i < schema->n_types; i++) {
		struct gql_type *type = schema->types[i];

		if (type->used && strcmp(type->name, "__Meta"))
			schema->types[n++] = type;
	}
	schema->n_types = n;
	memset(schema->type_map.slots, 0,
		(schema->type_map.mask + 1) * sizeof(*schema->type_map.slots));
	for (i = 0; i < n; i++)
		reeve_gql_map_put(&schema->type_map, schema->types[i]->name,
			schema->types[i]->name_len, schema->types[i]);
}

void reeve_gql_schema_load(struct gql_schema *schema, const struct gql_ast_definition *user,
	const struct gql_ast_definition *own, struct gql_complaints *complaints)
{
	struct loader l = {schema, &schema->arena, complaints};
	uint32_t n = count_kind(user, true) + count_kind(own, true), i;

	schema->types = reeve_gql_arena_zalloc(l.arena, (n + 1) * sizeof(struct gql_type *));
	reeve_gql_map_init(&schema->type_map, l.arena, n);
	declare_types(&l, user, false);
	declare_types(&l, own, true);
	n = count_kind(user, false) + count_kind(own, false);
	schema->directives =
		reeve_gql_arena_zalloc(l.arena, (n + 1) * sizeof(struct gql_directive_def));
	for (i = 0; i < schema->n_types; i++)
		load_type(&l, schema->types[i]);
	load_directives(&l, user);
	load_directives(&l, own);
	load_roots(&l, user);
	if (complaints->count)
		return;
	load_possible(&l);
	load_defaults(&l);
	init_meta_field(&l, &schema->typename_field, "__typename", own);
	init_meta_field(&l, &schema->schema_field, "__schema", own);
	init_meta_field(&l, &schema->type_field, "__type", own);
	hide_types(schema);
}
