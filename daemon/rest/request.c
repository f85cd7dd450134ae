/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - from an HTTP request to a GraphQL one: its route, and the document with variables. */
#include "graphql/http.h"
#include "rest/internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ARENA_BYTES ((size_t)64 << 20)
#define KEEP_BYTES	((size_t)256 * 1024)

struct reeved_rest_call *reeved_rest_call_create(const struct reeved_rest *rest)
{
	struct reeved_rest_call *call = calloc(1, sizeof(*call));
	if (call == NULL)
		return NULL;
	call->rest = rest;
	reeve_gql_arena_init(&call->arena, MAX_ARENA_BYTES);
	reeve_json_init(&call->ask, 0);
	reeve_json_init(&call->body, 0);
	return call;
}

void reeved_rest_call_destroy(struct reeved_rest_call *call)
{
	if (call == NULL)
		return;
	reeve_gql_arena_fini(&call->arena);
	reeve_json_fini(&call->ask);
	reeve_json_fini(&call->body);
	free(call);
}

static void reset(struct reeved_rest_call *call, const struct reeve_http_request *request)
{
	struct reeve_json *const buffers[] = {&call->ask, &call->body};
	for (size_t i = 0; i < 2; i++) {
		if (buffers[i]->cap > KEEP_BYTES)
			reeve_json_fini(buffers[i]);
		reeve_json_reset(buffers[i]);
	}
	reeve_gql_arena_reset(&call->arena);
	call->request = *request;
	call->route = NULL;
	call->fields = NULL;
	call->is_changed = false;
	call->values = NULL;
	call->reply = (struct reeve_http_reply){0};
}

/* The route. */

/* Matches a path below the root against a template, segment by segment. */
static bool match_path(const char *template, const char *path, struct rest_span *params)
{
	uint32_t n = 0;
	while (*template == '/' && *path == '/') {
		size_t want = strcspn(++template, "/"), have = strcspn(++path, "/");
		if (have == 0)
			return false;
		if (*template == '{') {
			if (n == REST_MAX_PARAMS)
				return false;
			params[n++] = (struct rest_span){path, have};
		} else if (want != have || memcmp(template, path, want) != 0) {
			return false;
		}
		template += want;
		path += have;
	}
	return *template == '\0' && *path == '\0';
}

/* First route whose path fits; routes of one path stand together, or are found by its template. */
static const struct rest_route *find_path(struct reeved_rest_call *call)
{
	const char *path = call->request.path;
	if (strncmp(path, REEVED_REST_ROOT "/", sizeof(REEVED_REST_ROOT)) != 0)
		return NULL;
	path += sizeof(REEVED_REST_ROOT) - 1;
	for (uint32_t i = 0; i < call->rest->n_routes; i++) {
		if (match_path(call->rest->routes[i].row->path, path, call->params))
			return &call->rest->routes[i];
	}
	return NULL;
}

static const char *list_methods(struct reeved_rest_call *call, const char *path)
{
	static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
	char text[64] = "";
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (rest_find_route(call->rest, path, methods[i]) == NULL)
			continue;
		strcat(text, methods[i]);
		strcat(text, i == 0 ? ", HEAD, " : ", ");
	}
	strcat(text, "OPTIONS");
	return reeve_gql_arena_copy(&call->arena, text, strlen(text));
}

/* Sets call->route; or replies. */
static bool find_route(struct reeved_rest_call *call)
{
	const char *method = call->request.method;
	const struct rest_route *first = find_path(call);
	if (first == NULL) {
		rest_refuse(call, 404, "NOT_FOUND", NULL,
			"There is nothing at this path; " REEVED_REST_ROOT
			"/openapi.json says what there is.");
		return false;
	}
	call->route = rest_find_route(
		call->rest, first->row->path, strcmp(method, "HEAD") == 0 ? "GET" : method);
	if (call->route != NULL)
		return true;
	if (strcmp(method, "OPTIONS") == 0)
		call->reply.status = 204;
	else
		rest_refuse(call, 405, "INVALID_ARGUMENT", NULL, "This path does not take %.20s.",
			method);
	call->reply.allow = list_methods(call, first->row->path);
	return false;
}

/* Media types: 406, 415, and bodies where there is none. */
static bool negotiate(struct reeved_rest_call *call)
{
	const struct reeve_http_request *request = &call->request;
	bool is_patch = strcmp(call->route->row->method, "PATCH") == 0;
	if (!reeve_gql_http_accepts_json(request->accept)) {
		rest_refuse(call, 406, "INVALID_ARGUMENT", NULL,
			"The answer can be application/json only.");
		return false;
	}
	if (request->body_len == 0)
		return true;
	if (!call->route->has_body) {
		rest_bad_request(call, NULL, "This request takes no body.");
		return false;
	}
	if (reeve_gql_http_is_json(request->content_type) ||
		(is_patch && reeve_gql_http_is_type(
				     request->content_type, "application/merge-patch+json")))
		return true;
	rest_refuse(call, 415, "INVALID_ARGUMENT", NULL,
		"The body must be application/json%s, in UTF-8.",
		is_patch ? " or application/merge-patch+json" : "");
	return false;
}

/* The GraphQL request. */

static bool is_given(const struct reeved_rest_call *call, const struct gql_input *arg)
{
	for (uint32_t i = 0; i < call->route->n_inputs; i++) {
		if (call->route->inputs[i].arg == arg &&
			call->values[i].kind != REEVE_GQL_VALUE_ABSENT)
			return true;
	}
	return false;
}

static bool is_spread(const struct reeved_rest_call *call, const struct gql_input *arg)
{
	for (uint32_t i = 0; i < call->route->n_inputs; i++) {
		if (call->route->inputs[i].arg == arg)
			return call->route->inputs[i].def != arg;
	}
	return true; /* an input object without members */
}

static void write_variable(struct reeved_rest_call *call, const struct gql_input *arg)
{
	struct reeve_json *out = &call->ask;
	bool spread = is_spread(call, arg);
	if (!is_given(call, arg) && !(spread && reeve_gql_input_is_required(arg)))
		return;
	reeve_json_key(out, arg->name);
	if (spread)
		reeve_json_object_begin(out);
	for (uint32_t i = 0; i < call->route->n_inputs; i++) {
		const struct rest_input *input = &call->route->inputs[i];
		if (input->arg != arg || call->values[i].kind == REEVE_GQL_VALUE_ABSENT)
			continue;
		if (spread)
			reeve_json_key(out, input->def->name);
		reeve_gql_value_write(&call->values[i], out);
	}
	if (spread)
		reeve_json_object_end(out);
}

/* The document with a selection of the client's own. */
static void write_chosen(struct reeved_rest_call *call)
{
	const struct rest_route *route = call->route;
	struct reeve_json text;
	reeve_json_init(&text, 0);
	reeve_json_raw(&text, route->head, strlen(route->head));
	rest_write_selection(call->rest, route->type, call->fields, route->row->cursor, &text);
	reeve_json_raw(&text, "}", 1);
	if (reeve_json_ok(&text))
		reeve_json_strn(&call->ask, text.data, text.len);
	else
		call->ask.failed = true;
	reeve_json_fini(&text);
}

static void write_ask(struct reeved_rest_call *call)
{
	const struct gql_field *field = call->route->field;
	reeve_json_object_begin(&call->ask);
	reeve_json_key(&call->ask, "query");
	if (call->fields != NULL)
		write_chosen(call);
	else
		reeve_json_str(&call->ask, call->route->document);
	reeve_json_key(&call->ask, "variables");
	reeve_json_object_begin(&call->ask);
	for (uint32_t i = 0; i < field->n_args; i++)
		write_variable(call, &field->args[i]);
	reeve_json_object_end(&call->ask);
	reeve_json_object_end(&call->ask);
}

static void ask(struct reeved_rest_call *call, struct reeve_gql_http_request *ret_gql)
{
	reeve_json_reset(&call->ask);
	write_ask(call);
	*ret_gql = (struct reeve_gql_http_request){.method = "POST",
		.content_type = "application/json",
		.body = {call->ask.data, call->ask.len}};
}

bool reeved_rest_follow(struct reeved_rest_call *call,
	const struct reeve_gql_http_response *response, struct reeve_gql_http_request *ret_gql)
{
	const struct rest_route *shown = call->route->shown;
	if (shown == NULL || !rest_is_good(call->route, response))
		return false;
	struct reeve_gql_value *values =
		reeve_gql_arena_zalloc(&call->arena, (shown->n_inputs + 1) * sizeof(*values));
	if (values == NULL)
		return false;
	for (uint32_t i = 0; i < shown->n_inputs; i++) {
		for (uint32_t j = 0; j < call->route->n_inputs; j++) {
			if (strcmp(shown->inputs[i].name, call->route->inputs[j].name) == 0)
				values[i] = call->values[j];
		}
	}
	call->route = shown;
	call->values = values;
	call->is_changed = true;
	ask(call, ret_gql);
	return reeve_json_ok(&call->ask);
}

/* Answers that ask nobody. */
static void reply_own(struct reeved_rest_call *call)
{
	const struct reeve_json *text = strcmp(call->route->row->path, "/problems") == 0
						? &call->rest->problems
						: &call->rest->openapi;
	call->reply.status = 200;
	call->reply.content_type = "application/json; charset=utf-8";
	call->reply.body = text->data;
	call->reply.body_len = text->len;
}

enum reeved_rest_step reeved_rest_begin(struct reeved_rest_call *call,
	const struct reeve_http_request *request, struct reeve_gql_http_request *ret_gql,
	struct reeve_http_reply *ret_reply)
{
	reset(call, request);
	if (find_route(call) && negotiate(call) && rest_take_values(call)) {
		if (call->route->field != NULL) {
			ask(call, ret_gql);
			return reeve_json_ok(&call->ask) ? REEVED_REST_ASK : REEVED_REST_BUSY;
		}
		reply_own(call);
	}
	if (!reeve_json_ok(&call->body))
		return REEVED_REST_BUSY;
	*ret_reply = call->reply;
	return REEVED_REST_REPLY;
}
