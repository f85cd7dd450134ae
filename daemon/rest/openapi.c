/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi.c - the OpenAPI 3.1 document: paths from the routes, types and descriptions from the
 * schema. Written once, at start.
 *
 * A component lists every member that can be asked for; `required` are those that an answer has
 * wherever the object stands, unless ?fields= says otherwise.
 */
#include "rest/internal.h"

#include <reeve/reeve.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct writer {
	const struct reeved_rest *rest;
	struct reeve_json *out;
	bool *used; /* by position in schema->types: has a component */
};

static void write_pair(struct writer *w, const char *key, const char *text)
{
	if (text == NULL)
		return;
	reeve_json_key(w->out, key);
	reeve_json_str(w->out, text);
}

static void open_object(struct writer *w, const char *key)
{
	if (key != NULL)
		reeve_json_key(w->out, key);
	reeve_json_object_begin(w->out);
}

static void close_object(struct writer *w)
{
	reeve_json_object_end(w->out);
}

/* Types. */

static void use_type(struct writer *w, const struct gql_type *type)
{
	const struct gql_schema *schema = w->rest->schema;
	uint32_t at = 0;
	type = reeve_gql_type_named(type);
	if (type->kind == GQL_SCALAR)
		return;
	while (schema->types[at] != type)
		at++;
	if (w->used[at])
		return;
	w->used[at] = true;
	for (uint32_t i = 0; type->kind == GQL_OBJECT && i < type->n_fields; i++) {
		if (rest_is_selectable(&type->fields[i]))
			use_type(w, type->fields[i].type);
	}
	for (uint32_t i = 0; type->kind == GQL_INPUT_OBJECT && i < type->n_inputs; i++)
		use_type(w, type->inputs[i].type);
}

static void write_json_type(struct writer *w, const char *name, bool can_be_null)
{
	if (!can_be_null) {
		write_pair(w, "type", name);
		return;
	}
	reeve_json_key(w->out, "type");
	reeve_json_array_begin(w->out);
	reeve_json_str(w->out, name);
	reeve_json_str(w->out, "null");
	reeve_json_array_end(w->out);
}

static void write_scalar(struct writer *w, const struct gql_type *type, bool can_be_null)
{
	static const struct {
		const char *type, *format;
	} forms[] = {
		[GQL_ANY] = {NULL, NULL},
		[GQL_INT] = {"integer", "int32"},
		[GQL_FLOAT] = {"number", "double"},
		[GQL_STRING] = {"string", NULL},
		[GQL_BOOLEAN] = {"boolean", NULL},
		[GQL_ID] = {"string", NULL},
		[GQL_UINT64] = {"integer", "uint64"},
		[GQL_DATE_TIME] = {"string", "date-time"},
		[GQL_TIME_OF_DAY] = {"string", NULL},
	};
	if (forms[type->scalar].type == NULL)
		return;
	write_json_type(w, forms[type->scalar].type, can_be_null);
	write_pair(w, "format", forms[type->scalar].format);
	if (type->scalar == GQL_UINT64) {
		reeve_json_key(w->out, "minimum");
		reeve_json_i64(w->out, 0);
	}
}

static void write_reference(struct writer *w, const struct gql_type *type)
{
	reeve_json_key(w->out, "$ref");
	reeve_json_strf(w->out, "#/components/schemas/%s", type->name);
}

/* The members of a schema object, without its braces. */
static void write_type(struct writer *w, const struct gql_type *type, bool can_be_null)
{
	if (type->kind == GQL_NON_NULL) {
		write_type(w, type->of, false);
	} else if (type->kind == GQL_LIST) {
		write_json_type(w, "array", can_be_null);
		open_object(w, "items");
		write_type(w, type->of, true);
		close_object(w);
	} else if (type->kind == GQL_SCALAR) {
		write_scalar(w, type, can_be_null);
	} else if (!can_be_null) {
		write_reference(w, type);
	} else {
		reeve_json_key(w->out, "anyOf");
		reeve_json_array_begin(w->out);
		open_object(w, NULL);
		write_reference(w, type);
		close_object(w);
		open_object(w, NULL);
		write_pair(w, "type", "null");
		close_object(w);
		reeve_json_array_end(w->out);
	}
}

static void write_input(struct writer *w, const struct gql_input *def, bool can_be_null)
{
	const struct reeve_gql_value *value = &def->default_value;
	const struct gql_type *type = def->type;
	write_type(w, can_be_null ? type : reeve_gql_type_nullable(type), can_be_null);
	write_pair(w, "description", def->description);
	if (value->kind == REEVE_GQL_VALUE_ABSENT || value->kind == REEVE_GQL_VALUE_NULL)
		return;
	reeve_json_key(w->out, "default");
	reeve_gql_value_write(value, w->out);
}

/* Components. */

static void write_enum(struct writer *w, const struct gql_type *type)
{
	write_pair(w, "type", "string");
	reeve_json_key(w->out, "enum");
	reeve_json_array_begin(w->out);
	for (uint32_t i = 0; i < type->n_values; i++)
		reeve_json_str(w->out, type->values[i].name);
	reeve_json_array_end(w->out);
}

static void write_object(struct writer *w, const struct gql_type *type)
{
	write_pair(w, "type", "object");
	open_object(w, "properties");
	for (uint32_t i = 0; i < type->n_fields; i++) {
		const struct gql_field *field = &type->fields[i];
		if (!rest_is_selectable(field))
			continue;
		open_object(w, field->name);
		write_type(w, field->type, true);
		write_pair(w, "description", field->description);
		close_object(w);
	}
	close_object(w);
	reeve_json_key(w->out, "required");
	reeve_json_array_begin(w->out);
	for (uint32_t i = 0; i < type->n_fields; i++) {
		if (rest_is_usual(w->rest, &type->fields[i], false))
			reeve_json_str(w->out, type->fields[i].name);
	}
	reeve_json_array_end(w->out);
}

static void write_input_object(struct writer *w, const struct gql_type *type)
{
	write_pair(w, "type", "object");
	reeve_json_key(w->out, "additionalProperties");
	reeve_json_bool(w->out, false);
	open_object(w, "properties");
	for (uint32_t i = 0; i < type->n_inputs; i++) {
		open_object(w, type->inputs[i].name);
		write_input(w, &type->inputs[i], true);
		close_object(w);
	}
	close_object(w);
	reeve_json_key(w->out, "required");
	reeve_json_array_begin(w->out);
	for (uint32_t i = 0; i < type->n_inputs; i++) {
		if (reeve_gql_input_is_required(&type->inputs[i]))
			reeve_json_str(w->out, type->inputs[i].name);
	}
	reeve_json_array_end(w->out);
}

static const char problem_schema[] =
	"{\"type\":\"object\",\"description\":\"What went wrong (RFC 9457).\",\"properties\":{"
	"\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
	"\"title\":{\"type\":\"string\"},"
	"\"status\":{\"type\":\"integer\"},"
	"\"detail\":{\"type\":\"string\"},"
	"\"code\":{\"type\":\"string\",\"description\":\"See /problems.\"},"
	"\"field\":{\"type\":\"string\",\"description\":\"The member, parameter or header at "
	"fault.\"}},\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\"]}";
static const char problem_response[] =
	"{\"description\":\"It was refused, or failed.\",\"content\":{\"application/problem+json\":"
	"{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}";

/* Without a token: loopback and Unix sockets, unless --loopback-role says otherwise. */
static const char security[] = "[{},{\"token\":[]}]";
static const char security_schemes[] =
	"{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"Of reeved token "
	"create; its role says what it is good for.\"}}";

static void write_components(struct writer *w)
{
	const struct gql_schema *schema = w->rest->schema;
	open_object(w, "components");
	open_object(w, "schemas");
	for (uint32_t i = 0; i < schema->n_types; i++) {
		const struct gql_type *type = schema->types[i];
		if (!w->used[i])
			continue;
		open_object(w, type->name);
		write_pair(w, "description", type->description);
		if (type->kind == GQL_ENUM)
			write_enum(w, type);
		else if (type->kind == GQL_INPUT_OBJECT)
			write_input_object(w, type);
		else
			write_object(w, type);
		close_object(w);
	}
	reeve_json_key(w->out, "Problem");
	reeve_json_raw_value(w->out, problem_schema, sizeof(problem_schema) - 1);
	close_object(w);
	open_object(w, "responses");
	reeve_json_key(w->out, "Problem");
	reeve_json_raw_value(w->out, problem_response, sizeof(problem_response) - 1);
	close_object(w);
	reeve_json_key(w->out, "securitySchemes");
	reeve_json_raw_value(w->out, security_schemes, sizeof(security_schemes) - 1);
	close_object(w);
}

/* Operations. */

static void open_parameter(struct writer *w, const char *name, const char *in, bool is_required)
{
	open_object(w, NULL);
	write_pair(w, "name", name);
	write_pair(w, "in", in);
	reeve_json_key(w->out, "required");
	reeve_json_bool(w->out, is_required);
}

static void write_text_parameter(
	struct writer *w, const char *name, const char *in, const char *description)
{
	open_parameter(w, name, in, false);
	write_pair(w, "description", description);
	open_object(w, "schema");
	write_pair(w, "type", "string");
	close_object(w);
	close_object(w);
}

static void write_parameter(struct writer *w, const struct rest_input *input)
{
	if (input->place == REST_BODY)
		return;
	if (input->place == REST_IF_MATCH) {
		write_text_parameter(w, "If-Match", "header",
			"Entity tag: change it only if its revision is still this one.");
		return;
	}
	open_parameter(
		w, input->name, input->place == REST_PATH ? "path" : "query", input->is_required);
	if (rest_is_list(input->def->type)) {
		reeve_json_key(w->out, "explode");
		reeve_json_bool(w->out, false);
	}
	open_object(w, "schema");
	write_input(w, input->def, false);
	close_object(w);
	close_object(w);
}

static void write_parameters(struct writer *w, const struct rest_route *route)
{
	bool is_get = route->row->method[0] == 'G' && route->field != NULL;
	reeve_json_key(w->out, "parameters");
	reeve_json_array_begin(w->out);
	for (uint32_t i = 0; i < route->n_inputs; i++)
		write_parameter(w, &route->inputs[i]);
	if (is_get && route->type->kind == GQL_OBJECT)
		write_text_parameter(w, "fields", "query",
			"Members to answer, with commas between them; the answer then has no "
			"others.");
	if (is_get)
		write_text_parameter(w, "If-None-Match", "header",
			"Entity tags: answer 304 if what there is has one of them.");
	reeve_json_array_end(w->out);
}

static void write_body(struct writer *w, const struct rest_route *route)
{
	bool is_required = false;
	open_object(w, "requestBody");
	open_object(w, "content");
	open_object(w, "application/json");
	open_object(w, "schema");
	write_pair(w, "type", "object");
	reeve_json_key(w->out, "additionalProperties");
	reeve_json_bool(w->out, false);
	open_object(w, "properties");
	for (uint32_t i = 0; i < route->n_inputs; i++) {
		if (route->inputs[i].place != REST_BODY)
			continue;
		open_object(w, route->inputs[i].name);
		write_input(w, route->inputs[i].def, true);
		close_object(w);
	}
	close_object(w);
	reeve_json_key(w->out, "required");
	reeve_json_array_begin(w->out);
	for (uint32_t i = 0; i < route->n_inputs; i++) {
		if (route->inputs[i].place != REST_BODY || !route->inputs[i].is_required)
			continue;
		reeve_json_str(w->out, route->inputs[i].name);
		is_required = true;
	}
	reeve_json_array_end(w->out);
	close_object(w);
	close_object(w);
	close_object(w);
	reeve_json_key(w->out, "required");
	reeve_json_bool(w->out, is_required);
	close_object(w);
}

static void write_header(struct writer *w, const char *name, const char *description)
{
	open_object(w, name);
	write_pair(w, "description", description);
	open_object(w, "schema");
	write_pair(w, "type", "string");
	close_object(w);
	close_object(w);
}

static void write_good_response(struct writer *w, const struct rest_route *route)
{
	const struct rest_row *row = route->row;
	const struct rest_route *shown = route->shown != NULL ? route->shown : route;
	static const char *const sentences[] = {"Done.", "Made.", "Done; there is nothing to say."};
	char status[8];
	snprintf(status, sizeof(status), "%d", row->status);
	open_object(w, status);
	write_pair(w, "description",
		sentences[row->status == 201   ? 1
			  : row->status == 204 ? 2
					       : 0]);
	open_object(w, "headers");
	if (route->field != NULL && (shown->row->method[0] == 'G' || row->member != NULL))
		write_header(w, "ETag", "Begins with the revision, where there is one.");
	if (row->location != NULL)
		write_header(w, "Location", "Where it is.");
	if (row->cursor != NULL)
		write_header(w, "Link", "rel=next: the next page.");
	close_object(w);
	if (row->status != 204) {
		open_object(w, "content");
		open_object(w, "application/json");
		open_object(w, "schema");
		if (route->field != NULL)
			write_type(w, reeve_gql_type_nullable(shown->answer), false);
		close_object(w);
		close_object(w);
		close_object(w);
	}
	close_object(w);
}

static void write_responses(struct writer *w, const struct rest_route *route)
{
	open_object(w, "responses");
	write_good_response(w, route);
	if (route->row->method[0] == 'G' && route->field != NULL) {
		open_object(w, "304");
		write_pair(w, "description", "It is what you have.");
		close_object(w);
	}
	if (route->shown != NULL) {
		open_object(w, "204");
		write_pair(w, "description", "Done; and it is gone since.");
		close_object(w);
	}
	open_object(w, "default");
	reeve_json_key(w->out, "$ref");
	reeve_json_str(w->out, "#/components/responses/Problem");
	close_object(w);
	close_object(w);
}

static struct rest_span tag_of(const struct rest_row *row)
{
	return (struct rest_span){row->path + 1, strcspn(row->path + 1, "/")};
}

/* The field's name; that of a field of Query that is one of Mutation too has "_get" after it. */
static void write_operation_id(struct writer *w, const struct rest_row *row)
{
	const struct gql_type *mutation = w->rest->schema->roots[REEVE_GQL_MUTATION];
	reeve_json_key(w->out, "operationId");
	if (row->field == NULL)
		reeve_json_strf(w->out, "get_%s", row->path + 1);
	else if (row->method[0] == 'G' &&
		 rest_find_field(mutation, row->field, strlen(row->field)) != NULL)
		reeve_json_strf(w->out, "%s_get", row->field);
	else
		reeve_json_str(w->out, row->field);
}

static void write_operation(struct writer *w, const struct rest_route *route)
{
	const struct rest_row *row = route->row;
	struct rest_span tag = tag_of(row);
	char method[8] = "";
	for (size_t i = 0; row->method[i] != '\0' && i < sizeof(method) - 1; i++)
		method[i] = (char)tolower((unsigned char)row->method[i]);
	open_object(w, method);
	write_operation_id(w, row);
	write_pair(w, "summary", row->summary);
	if (route->field != NULL)
		write_pair(w, "description", route->field->description);
	reeve_json_key(w->out, "tags");
	reeve_json_array_begin(w->out);
	reeve_json_strn(w->out, tag.text, tag.len);
	reeve_json_array_end(w->out);
	write_parameters(w, route);
	if (route->has_body)
		write_body(w, route);
	write_responses(w, route);
	close_object(w);
}

/* Of two routes with one path the first writes both. */
static bool is_first_of_path(const struct reeved_rest *rest, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++) {
		if (strcmp(rest->routes[i].row->path, rest->routes[at].row->path) == 0)
			return false;
	}
	return true;
}

static void write_paths(struct writer *w)
{
	const struct reeved_rest *rest = w->rest;
	open_object(w, "paths");
	for (uint32_t i = 0; i < rest->n_routes; i++) {
		if (!is_first_of_path(rest, i))
			continue;
		open_object(w, rest->routes[i].row->path);
		for (uint32_t j = i; j < rest->n_routes; j++) {
			if (strcmp(rest->routes[i].row->path, rest->routes[j].row->path) == 0)
				write_operation(w, &rest->routes[j]);
		}
		close_object(w);
	}
	close_object(w);
}

static const char servers[] = "[{\"url\":\"" REEVED_REST_ROOT "\"}]";

void rest_write_openapi(const struct reeved_rest *rest, struct reeve_json *out)
{
	struct gql_arena arena;
	reeve_gql_arena_init(&arena, (size_t)1 << 20);
	struct writer w = {
		rest, out, reeve_gql_arena_zalloc(&arena, rest->schema->n_types * sizeof(bool))};
	if (w.used == NULL) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < rest->n_routes; i++) {
		if (rest->routes[i].field != NULL)
			use_type(&w, rest->routes[i].answer);
		for (uint32_t j = 0; j < rest->routes[i].n_inputs; j++)
			use_type(&w, rest->routes[i].inputs[j].def->type);
	}
	open_object(&w, NULL);
	write_pair(&w, "openapi", "3.1.0");
	open_object(&w, "info");
	write_pair(&w, "title", "reeve");
	write_pair(&w, "version", REEVE_VERSION);
	write_pair(&w, "description",
		"The resource manager reeve over HTTP. Every route is a field of the GraphQL "
		"schema "
		"at /graphql, and does what that field does.");
	open_object(&w, "license");
	write_pair(&w, "name", "Apache License 2.0");
	write_pair(&w, "identifier", "Apache-2.0");
	close_object(&w);
	close_object(&w);
	reeve_json_key(out, "servers");
	reeve_json_raw_value(out, servers, sizeof(servers) - 1);
	reeve_json_key(out, "security");
	reeve_json_raw_value(out, security, sizeof(security) - 1);
	write_paths(&w);
	write_components(&w);
	close_object(&w);
	reeve_gql_arena_fini(&arena);
}
