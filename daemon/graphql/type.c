/* Questions about types. */
#include "graphql/types.h"

#include <stdio.h>

struct gql_type *reeve_gql_schema_type(
	const struct gql_schema *schema, const char *name, uint32_t len)
{
	return reeve_gql_map_get(&schema->type_map, name, len);
}

const struct gql_directive_def *reeve_gql_schema_directive(
	const struct gql_schema *schema, struct gql_name name)
{
	uint32_t i;

	for (i = 0; i < schema->n_directives; i++)
		if (reeve_gql_name_is(name, schema->directives[i].name))
			return &schema->directives[i];
	return NULL;
}

const struct gql_field *reeve_gql_schema_field(
	const struct gql_schema *schema, const struct gql_type *type, struct gql_name name)
{
	if (name.len >= 2 && name.text[0] == '_' && name.text[1] == '_') {
		if (reeve_gql_name_is(name, "__typename"))
			return &schema->typename_field;
		if (type != schema->roots[REEVE_GQL_QUERY] || !schema->introspection)
			return NULL;
		if (reeve_gql_name_is(name, "__schema"))
			return &schema->schema_field;
		if (reeve_gql_name_is(name, "__type"))
			return &schema->type_field;
		return NULL;
	}
	if (type->kind != GQL_OBJECT && type->kind != GQL_INTERFACE)
		return NULL;
	return reeve_gql_map_get(&type->field_map, name.text, name.len);
}

static const struct gql_type *wrap_type(
	struct gql_arena *arena, const struct gql_type *of, enum gql_kind kind)
{
	struct gql_type *type = kind == GQL_LIST ? of->list : of->non_null;

	if (type)
		return type;
	type = reeve_gql_arena_zalloc(arena, sizeof(*type));
	type->kind = kind;
	type->of = of;
	type->name = reeve_gql_arena_printf(arena, kind == GQL_LIST ? "[%s]" : "%s!", of->name);
	type->name_len = (uint32_t)strlen(type->name);
	return type;
}

const struct gql_type *reeve_gql_schema_resolve(
	const struct gql_schema *schema, struct gql_arena *arena, const struct gql_ast_type *ast)
{
	const struct gql_type *of;

	if (ast->kind == GQL_AST_TYPE_NAMED)
		return reeve_gql_schema_type(schema, ast->name.text, ast->name.len);
	of = reeve_gql_schema_resolve(schema, arena, ast->of);
	if (!of)
		return NULL;
	return wrap_type(arena, of, ast->kind == GQL_AST_TYPE_LIST ? GQL_LIST : GQL_NON_NULL);
}

const struct gql_type *reeve_gql_type_named(const struct gql_type *type)
{
	while (type->of)
		type = type->of;
	return type;
}

const struct gql_type *reeve_gql_type_nullable(const struct gql_type *type)
{
	return type->kind == GQL_NON_NULL ? type->of : type;
}

bool reeve_gql_type_same(const struct gql_type *a, const struct gql_type *b)
{
	while (a != b) {
		if (a->kind != b->kind || !a->of || !b->of)
			return false;
		a = a->of;
		b = b->of;
	}
	return true;
}

bool reeve_gql_type_has_possible(const struct gql_type *type, const struct gql_type *object)
{
	uint32_t i;

	for (i = 0; i < type->n_possible; i++)
		if (type->possible[i] == object)
			return true;
	return false;
}

static bool implements(const struct gql_type *type, const struct gql_type *interface)
{
	uint32_t i;

	for (i = 0; i < type->n_interfaces; i++)
		if (type->interfaces[i] == interface)
			return true;
	return false;
}

bool reeve_gql_type_is_subtype(const struct gql_type *sub, const struct gql_type *super)
{
	for (;;) {
		if (sub == super)
			return true;
		if (super->kind == GQL_NON_NULL) {
			if (sub->kind != GQL_NON_NULL)
				return false;
			sub = sub->of;
			super = super->of;
		} else if (sub->kind == GQL_NON_NULL) {
			sub = sub->of;
		} else if (super->kind == GQL_LIST || sub->kind == GQL_LIST) {
			if (sub->kind != super->kind)
				return false;
			sub = sub->of;
			super = super->of;
		} else {
			break;
		}
	}
	if (super->kind == GQL_INTERFACE)
		return implements(sub, super);
	return super->kind == GQL_UNION && reeve_gql_type_has_possible(super, sub);
}

bool reeve_gql_types_overlap(const struct gql_type *a, const struct gql_type *b)
{
	uint32_t i;

	for (i = 0; i < a->n_possible; i++)
		if (reeve_gql_type_has_possible(b, a->possible[i]))
			return true;
	return false;
}
