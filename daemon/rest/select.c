/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - which fields of an object a route asks for; see internal.h. */
#include "rest/internal.h"

#include <string.h>

bool rest_is_selectable(const struct gql_field *field)
{
	for (uint32_t i = 0; i < field->n_args; i++) {
		if (reeve_gql_input_is_required(&field->args[i]))
			return false;
	}
	return true;
}

/* Some route has the objects of this type, one at a time. */
static bool has_address(const struct reeved_rest *rest, const struct gql_type *type)
{
	for (uint32_t i = 0; i < rest->n_routes; i++) {
		const struct rest_route *route = &rest->routes[i];
		const char *path = route->row->path;
		if (route->type == type && !route->is_list && path[strlen(path) - 1] == '}' &&
			strcmp(route->row->method, "GET") == 0)
			return true;
	}
	return false;
}

bool rest_is_usual(const struct reeved_rest *rest, const struct gql_field *field, bool is_top)
{
	const struct gql_type *type = reeve_gql_type_named(field->type);
	if (!rest_is_selectable(field))
		return false;
	if (reeve_gql_type_is_leaf(type))
		return true;
	return is_top && (!rest_is_list(field->type) || !has_address(rest, type));
}

bool rest_next_name(const char **at, struct rest_span *ret_name)
{
	if (*at == NULL)
		return false;
	size_t len = strcspn(*at, ",");
	*ret_name = (struct rest_span){*at, len};
	*at = (*at)[len] == ',' ? *at + len + 1 : NULL;
	return true;
}

const struct gql_field *rest_find_field(const struct gql_type *type, const char *name, size_t len)
{
	if (type->kind != GQL_OBJECT)
		return NULL;
	return reeve_gql_map_get(&type->field_map, name, (uint32_t)len);
}

static bool is_chosen(const char *chosen, const char *always, const struct gql_field *field)
{
	struct rest_span name;
	if (always != NULL && strcmp(always, field->name) == 0)
		return true;
	while (rest_next_name(&chosen, &name)) {
		if (name.len == field->name_len && memcmp(name.text, field->name, name.len) == 0)
			return true;
	}
	return false;
}

static void write_name(struct reeve_json *out, const struct gql_field *field)
{
	reeve_json_raw(out, field->name, field->name_len);
	reeve_json_raw(out, " ", 1);
}

static void write_leaves(
	const struct reeved_rest *rest, const struct gql_type *type, struct reeve_json *out)
{
	reeve_json_raw(out, "{", 1);
	for (uint32_t i = 0; i < type->n_fields; i++) {
		if (rest_is_usual(rest, &type->fields[i], false))
			write_name(out, &type->fields[i]);
	}
	reeve_json_raw(out, "}", 1);
}

void rest_write_selection(const struct reeved_rest *rest, const struct gql_type *type,
	const char *chosen, const char *always, struct reeve_json *out)
{
	reeve_json_raw(out, "{", 1);
	for (uint32_t i = 0; i < type->n_fields; i++) {
		const struct gql_field *field = &type->fields[i];
		const struct gql_type *named = reeve_gql_type_named(field->type);
		if (chosen != NULL ? !is_chosen(chosen, always, field)
				   : !rest_is_usual(rest, field, true))
			continue;
		write_name(out, field);
		if (!reeve_gql_type_is_leaf(named))
			write_leaves(rest, named, out);
	}
	reeve_json_raw(out, "}", 1);
}
