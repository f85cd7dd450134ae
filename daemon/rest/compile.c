/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile.c - fits the rows to the schema, once, at start.
 *
 * For example
 *
 *	PATCH /directives/{directiveId} updatePlanDirective
 *	updatePlanDirective(directiveId: UInt64!, changes: PlanDirectiveInput!,
 *		expectedRevision: UInt64): OperationResult
 *
 * takes directiveId from the path, the members of PlanDirectiveInput from the body, and the revision
 * from If-Match, and asks
 *
 *	mutation($directiveId:UInt64!,$changes:PlanDirectiveInput!,$expectedRevision:UInt64){
 *		r:updatePlanDirective(directiveId:$directiveId,changes:$changes,
 *			expectedRevision:$expectedRevision){success message revision}}
 */
#include "rest/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct reeve_error *err, const struct rest_row *row, const char *why)
{
	err->code = REEVE_EINTERNAL;
	snprintf(err->text, sizeof(err->text), "route %s %s: %s", row->method, row->path, why);
	return false;
}

/* Whether {name} is in the path. */
static bool is_in_path(const char *path, const char *name)
{
	size_t len = strlen(name);
	for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{')) {
		if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}')
			return true;
	}
	return false;
}

static bool takes_body(const struct rest_row *row)
{
	return row->method[0] == 'P';
}

/* What the input object holds is given without it: filters, pages, and the one that is the body. */
static bool is_spread(const struct rest_row *row, const struct gql_input *arg)
{
	const struct gql_type *type = reeve_gql_type_nullable(arg->type);
	return type->kind == GQL_INPUT_OBJECT &&
	       (!takes_body(row) || reeve_gql_input_is_required(arg));
}

static void add_input(struct rest_route *route, const struct gql_input *arg,
	const struct gql_input *def, enum rest_place place)
{
	struct rest_input *input = &route->inputs[route->n_inputs++];
	bool is_page = strcmp(def->name, "afterId") == 0 || strcmp(def->name, "afterSequence") == 0;
	*input = (struct rest_input){
		.name = is_page ? "after" : def->name,
		.place = place,
		.arg = arg,
		.def = def,
		.is_required = reeve_gql_input_is_required(arg) && reeve_gql_input_is_required(def),
	};
	if (place == REST_BODY)
		route->has_body = true;
	if (place == REST_IF_MATCH)
		route->if_match = input;
	if (place == REST_QUERY && is_page)
		route->after = input;
	if (place == REST_QUERY && strcmp(def->name, "limit") == 0)
		route->limit = input;
}

static void add_argument(struct rest_route *route, const struct gql_input *arg)
{
	const struct rest_row *row = route->row;
	enum rest_place place = takes_body(row) ? REST_BODY : REST_QUERY;
	if (is_in_path(row->path, arg->name))
		place = REST_PATH;
	else if (strcmp(arg->name, "expectedRevision") == 0)
		place = REST_IF_MATCH;
	if (!is_spread(row, arg)) {
		add_input(route, arg, arg, place);
		return;
	}
	const struct gql_type *type = reeve_gql_type_nullable(arg->type);
	for (uint32_t i = 0; i < type->n_inputs; i++)
		add_input(route, arg, &type->inputs[i], place);
}

static bool add_inputs(struct reeved_rest *rest, struct rest_route *route, struct reeve_error *err)
{
	uint32_t room = 0, in_path = 0;
	for (uint32_t i = 0; i < route->field->n_args; i++) {
		const struct gql_type *type = reeve_gql_type_nullable(route->field->args[i].type);
		room += type->kind == GQL_INPUT_OBJECT ? type->n_inputs + 1 : 1;
	}
	route->inputs = reeve_gql_arena_zalloc(&rest->arena, (room + 1) * sizeof(*route->inputs));
	if (route->inputs == NULL)
		return fail(err, route->row, "out of memory");
	for (uint32_t i = 0; i < route->field->n_args; i++)
		add_argument(route, &route->field->args[i]);
	for (uint32_t i = 0; i < route->n_inputs; i++) {
		in_path += route->inputs[i].place == REST_PATH;
		for (uint32_t j = 0; j < i; j++) {
			if (strcmp(route->inputs[i].name, route->inputs[j].name) == 0)
				return fail(err, route->row, "two inputs have the same name");
		}
	}
	for (const char *at = route->row->path; (at = strchr(at, '{')) != NULL; at++)
		in_path--;
	if (in_path != 0)
		return fail(err, route->row, "the path names what is no argument");
	if ((route->row->cursor != NULL) != (route->after != NULL && route->limit != NULL))
		return fail(err, route->row, "paging and cursor do not go together");
	return true;
}

/* The argument's type, as that of a variable: what has a default may be left out. */
static void write_variable(struct reeve_json *out, const struct gql_input *arg)
{
	const struct gql_type *type =
		arg->default_literal != NULL ? reeve_gql_type_nullable(arg->type) : arg->type;
	reeve_json_raw(out, "$", 1);
	reeve_json_raw(out, arg->name, arg->name_len);
	reeve_json_raw(out, ":", 1);
	reeve_json_raw(out, type->name, type->name_len);
	reeve_json_raw(out, " ", 1);
}

static void write_text(struct reeve_json *out, const char *text)
{
	reeve_json_raw(out, text, strlen(text));
}

static void write_head(const struct rest_route *route, struct reeve_json *out)
{
	const struct gql_field *field = route->field;
	write_text(out, route->row->method[0] == 'G' ? "query" : "mutation");
	for (uint32_t i = 0; i < field->n_args; i++) {
		write_text(out, i == 0 ? "(" : "");
		write_variable(out, &field->args[i]);
	}
	write_text(out, field->n_args > 0 ? "){r:" : "{r:");
	write_text(out, field->name);
	for (uint32_t i = 0; i < field->n_args; i++) {
		write_text(out, i == 0 ? "(" : " ");
		write_text(out, field->args[i].name);
		write_text(out, ":$");
		write_text(out, field->args[i].name);
	}
	write_text(out, field->n_args > 0 ? ")" : "");
	if (route->row->member != NULL) {
		write_text(out, "{");
		write_text(out, route->row->member);
	}
}

static bool write_documents(
	struct reeved_rest *rest, struct rest_route *route, struct reeve_error *err)
{
	const char *member = route->row->member;
	struct reeve_gql_document *document;
	struct reeve_json text, complaint;
	reeve_json_init(&text, 0);
	reeve_json_init(&complaint, 0);
	write_head(route, &text);
	route->head = reeve_gql_arena_copy(&rest->arena, text.data, text.len);
	if (route->type->kind == GQL_OBJECT)
		rest_write_selection(rest, route->type, NULL, NULL, &text);
	write_text(&text, member != NULL ? "}}" : "}");
	route->document = reeve_gql_arena_copy(&rest->arena, text.data, text.len);
	route->lead = member == NULL ? "{\"data\":{\"r\":"
				     : reeve_gql_arena_printf(
					       &rest->arena, "{\"data\":{\"r\":{\"%s\":", member);
	route->tail = member != NULL ? 3 : 2;
	bool is_valid =
		reeve_json_ok(&text) && reeve_gql_document_acquire(rest->engine, text.data,
						text.len, &document, &complaint) == REEVE_GQL_OK;
	if (is_valid)
		reeve_gql_document_release(document);
	else
		fail(err, route->row, "it gives no valid document");
	reeve_json_fini(&text);
	reeve_json_fini(&complaint);
	return is_valid;
}

static bool bind_route(struct reeved_rest *rest, struct rest_route *route, struct reeve_error *err)
{
	const struct rest_row *row = route->row;
	enum reeve_gql_operation kind =
		strcmp(row->method, "GET") == 0 ? REEVE_GQL_QUERY : REEVE_GQL_MUTATION;
	if (row->field == NULL)
		return true;
	route->field = rest_find_field(rest->schema->roots[kind], row->field, strlen(row->field));
	if (route->field == NULL)
		return fail(err, row, "there is no such field");
	route->answer = route->field->type;
	if (row->member != NULL) {
		const struct gql_field *member = rest_find_field(
			reeve_gql_type_named(route->answer), row->member, strlen(row->member));
		if (member == NULL)
			return fail(err, row, "its payload has no such member");
		route->answer = member->type;
	}
	route->type = reeve_gql_type_named(route->answer);
	route->is_list = rest_is_list(route->answer);
	return add_inputs(rest, route, err);
}

const struct rest_route *rest_find_route(
	const struct reeved_rest *rest, const char *path, const char *method)
{
	for (uint32_t i = 0; i < rest->n_routes; i++) {
		const struct rest_row *row = rest->routes[i].row;
		if (strcmp(row->path, path) == 0 && strcmp(row->method, method) == 0)
			return &rest->routes[i];
	}
	return NULL;
}

bool rest_compile(struct reeved_rest *rest, struct reeve_error *err)
{
	rest->routes = reeve_gql_arena_zalloc(&rest->arena, rest_n_rows * sizeof(*rest->routes));
	if (rest->routes == NULL)
		return fail(err, &rest_rows[0], "out of memory");
	for (uint32_t i = 0; i < rest_n_rows; i++) {
		rest->routes[i].row = &rest_rows[i];
		if (!bind_route(rest, &rest->routes[i], err))
			return false;
	}
	/* The usual selection depends on which types have routes. */
	rest->n_routes = (uint32_t)rest_n_rows;
	for (uint32_t i = 0; i < rest->n_routes; i++) {
		struct rest_route *route = &rest->routes[i];
		if (strcmp(route->row->method, "PATCH") == 0)
			route->shown = rest_find_route(rest, route->row->path, "GET");
		if (route->field != NULL && !write_documents(rest, route, err))
			return false;
	}
	return !rest->arena.exhausted || fail(err, &rest_rows[0], "out of memory");
}
