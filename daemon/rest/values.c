/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.c - what was given to a route: from path, query, If-Match and body to values of its inputs.
 *
 * Every value is held against its schema type here, before the engine does so again, since only here
 * it is known what the client calls it.
 */
#include "graphql/http.h"
#include "rest/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_JSON_NESTING 32

struct rest_check {
	struct reeved_rest_call *call;
	const struct rest_input *input;
};

static void note_misfit(
	void *context, const char *path, const struct reeve_gql_value *value, const char *reason)
{
	struct rest_check *check = context;
	char field[320];
	(void)value;
	snprintf(field, sizeof(field), "%s%s", check->input->name, path);
	rest_bad_request(check->call, field, "%s: %s", field, reason);
}

/* Keeps a value that fits its type; or replies. */
static bool take_value(struct reeved_rest_call *call, const struct rest_input *input,
	const struct reeve_gql_value *value)
{
	struct rest_check check = {call, input};
	struct gql_coerce coerce = {
		.arena = &call->arena, .on_error = note_misfit, .context = &check, .max_errors = 1};
	struct reeve_gql_value coerced;
	const struct gql_type *type = input->def->default_literal != NULL
					      ? reeve_gql_type_nullable(input->def->type)
					      : input->def->type;
	struct reeve_gql_value *slot = &call->values[input - call->route->inputs];
	if (slot->kind != REEVE_GQL_VALUE_ABSENT) {
		rest_bad_request(call, input->name, "%s is there twice.", input->name);
		return false;
	}
	if (value->kind == REEVE_GQL_VALUE_NULL && type->kind == GQL_NON_NULL) {
		rest_bad_request(call, input->name, "%s cannot be null.", input->name);
		return false;
	}
	if (!reeve_gql_value_from_json(&coerce, type, value, &coerced)) {
		if (call->reply.status == 0)
			rest_refuse(call, 500, "INTERNAL", NULL, "Out of memory.");
		return false;
	}
	*slot = *value;
	return true;
}

static struct reeve_gql_value text_value(const char *text, size_t len)
{
	return (struct reeve_gql_value){
		.kind = REEVE_GQL_VALUE_STRING, .count = (uint32_t)len, .text = text};
}

/* From the text of a path or query: a number or a boolean where the type wants one; else the text,
 * which then fits or does not. */
static struct reeve_gql_value read_text(
	struct reeved_rest_call *call, const struct gql_type *type, const char *text, size_t len)
{
	struct reeve_gql_value value = text_value(text, len);
	struct gql_json_error error;
	bool is_number =
		type->scalar == GQL_INT || type->scalar == GQL_UINT64 || type->scalar == GQL_FLOAT;
	if (type->kind != GQL_SCALAR)
		return value;
	if (is_number && len > 0 && (isdigit((unsigned char)text[0]) || text[0] == '-'))
		(void)reeve_gql_json_read(&call->arena, text, len, 1, &value, &error);
	if (type->scalar == GQL_BOOLEAN &&
		(strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
		value = (struct reeve_gql_value){
			.kind = REEVE_GQL_VALUE_BOOL, .boolean = text[0] == 't'};
	return value;
}

/* "a,b" */
static bool read_list(struct reeved_rest_call *call, const struct gql_type *item, const char *text,
	struct reeve_gql_value *ret)
{
	uint32_t n = 1, at = 0;
	struct rest_span name;
	for (const char *c = text; *c != '\0'; c++)
		n += *c == ',';
	struct reeve_gql_value *items = reeve_gql_arena_zalloc(&call->arena, n * sizeof(*items));
	while (items != NULL && rest_next_name(&text, &name)) {
		char *copy = reeve_gql_arena_copy(&call->arena, name.text, name.len);
		if (copy == NULL)
			return false;
		items[at++] = read_text(call, item, copy, name.len);
	}
	*ret = (struct reeve_gql_value){.kind = REEVE_GQL_VALUE_LIST, .count = n, .items = items};
	return items != NULL;
}

/* Decoded, NUL-terminated, UTF-8 without NUL; NULL after replying. */
static char *decode(struct reeved_rest_call *call, struct rest_span raw, bool is_form, size_t *len)
{
	char *text = reeve_gql_arena_alloc(&call->arena, raw.len + 1);
	long n = text == NULL ? -1 : reeve_gql_http_unescape(raw.text, raw.len, is_form, text);
	bool is_good = n >= 0;
	for (long at = 0, step; is_good && at < n; at += step) {
		step = (long)reeve_json_utf8_len(text + at, (size_t)(n - at));
		is_good = step > 0 && text[at] != '\0';
	}
	if (!is_good) {
		rest_bad_request(call, NULL, "The %s is not well-formed UTF-8 with %%XX escapes.",
			is_form ? "query string" : "path");
		return NULL;
	}
	text[n] = '\0';
	*len = (size_t)n;
	return text;
}

static bool take_text(
	struct reeved_rest_call *call, const struct rest_input *input, const char *text, size_t len)
{
	const struct gql_type *type = reeve_gql_type_nullable(input->def->type);
	struct reeve_gql_value value;
	if (type->kind != GQL_LIST) {
		value = read_text(call, type, text, len);
	} else if (!read_list(call, reeve_gql_type_named(type), text, &value)) {
		rest_refuse(call, 500, "INTERNAL", NULL, "Out of memory.");
		return false;
	}
	return take_value(call, input, &value);
}

static const struct rest_input *find_input(
	const struct rest_route *route, enum rest_place place, const char *name, size_t len)
{
	for (uint32_t i = 0; i < route->n_inputs; i++) {
		const struct rest_input *input = &route->inputs[i];
		if (input->place == place && strlen(input->name) == len &&
			memcmp(input->name, name, len) == 0)
			return input;
	}
	return NULL;
}

static bool take_path(struct reeved_rest_call *call)
{
	const char *at = call->route->row->path;
	for (uint32_t n = 0; (at = strchr(at, '{')) != NULL; n++) {
		size_t len;
		const struct rest_input *input =
			find_input(call->route, REST_PATH, at + 1, strcspn(at + 1, "}"));
		const char *text = decode(call, call->params[n], false, &len);
		if (text == NULL || !take_text(call, input, text, len))
			return false;
		at++;
	}
	return true;
}

/* ?fields=: names of the object that is answered. */
static bool take_fields(struct reeved_rest_call *call, const char *text)
{
	struct rest_span name;
	if (call->fields != NULL) {
		rest_bad_request(call, "fields", "fields is there twice.");
		return false;
	}
	call->fields = text;
	while (rest_next_name(&text, &name)) {
		const struct gql_field *field =
			rest_find_field(call->route->type, name.text, name.len);
		if (field != NULL && rest_is_selectable(field))
			continue;
		rest_bad_request(call, "fields", "fields: %s has no \"%.*s\".",
			call->route->type->name, (int)(name.len < 80 ? name.len : 80), name.text);
		return false;
	}
	return true;
}

static bool takes_fields(const struct rest_route *route)
{
	return route->row->method[0] == 'G' && route->field != NULL &&
	       route->type->kind == GQL_OBJECT;
}

static bool take_pair(struct reeved_rest_call *call, const char *pair, size_t len)
{
	const char *equals = memchr(pair, '=', len);
	size_t raw_len = equals == NULL ? len : (size_t)(equals - pair), name_len, text_len = 0;
	struct rest_span rest = {
		equals == NULL ? "" : equals + 1, equals == NULL ? 0 : len - raw_len - 1};
	const char *name = decode(call, (struct rest_span){pair, raw_len}, true, &name_len);
	const char *text = name == NULL ? NULL : decode(call, rest, true, &text_len);
	if (text == NULL)
		return false;
	if (takes_fields(call->route) && strcmp(name, "fields") == 0)
		return take_fields(call, text);
	const struct rest_input *input = find_input(call->route, REST_QUERY, name, name_len);
	if (input != NULL)
		return take_text(call, input, text, text_len);
	rest_bad_request(call, name, "There is no query parameter \"%.80s\" here.", name);
	return false;
}

static bool take_query(struct reeved_rest_call *call)
{
	const char *at = call->request.query;
	while (at != NULL && *at != '\0') {
		size_t len = strcspn(at, "&");
		if (len > 0 && !take_pair(call, at, len))
			return false;
		at += len + (at[len] == '&');
	}
	return true;
}

static bool take_body(struct reeved_rest_call *call)
{
	const struct reeve_http_request *request = &call->request;
	struct reeve_gql_value body;
	struct gql_json_error error = {0};
	if (request->body_len == 0)
		return true;
	if (!reeve_gql_json_read(&call->arena, request->body, request->body_len, MAX_JSON_NESTING,
		    &body, &error)) {
		rest_bad_request(call, NULL, "The body is not valid JSON: %s at byte %u.",
			error.message != NULL ? error.message : "out of memory", error.offset);
		return false;
	}
	if (body.kind != REEVE_GQL_VALUE_OBJECT) {
		rest_bad_request(call, NULL, "The body must be a JSON object.");
		return false;
	}
	for (uint32_t i = 0; i < body.count; i++) {
		const struct reeve_gql_member *member = &body.members[i];
		const struct rest_input *input =
			find_input(call->route, REST_BODY, member->name, member->name_len);
		if (input == NULL) {
			rest_bad_request(call, member->name, "\"%.80s\" is no member of this body.",
				member->name);
			return false;
		}
		if (!take_value(call, input, &member->value))
			return false;
	}
	return true;
}

/*
 * If-Match: one tag of ours, "r7" with or without what follows a '-', or *. A weak or strange tag
 * matches nothing, which is said as revision 2^64-1 is: stale.
 */
static bool take_if_match(struct reeved_rest_call *call)
{
	const char *tag = call->request.if_match;
	struct reeve_gql_value value = {.kind = REEVE_GQL_VALUE_UINT};
	char *end = NULL;
	if (tag == NULL || strcmp(tag, "*") == 0)
		return true;
	if (call->route->if_match == NULL || strchr(tag, ',') != NULL) {
		rest_bad_request(call, "If-Match", "%s",
			call->route->if_match == NULL
				? "If-Match: what this request changes has no revision."
				: "If-Match takes one tag here.");
		return false;
	}
	if (strncmp(tag, "\"r", 2) == 0 && isdigit((unsigned char)tag[2]))
		value.u64 = strtoull(tag + 2, &end, 10);
	/* Revision 0 means any to the field. */
	if (end == NULL || value.u64 == 0 || (*end != '-' && strcmp(end, "\"") != 0))
		value.u64 = UINT64_MAX;
	return take_value(call, call->route->if_match, &value);
}

static bool check_required(struct reeved_rest_call *call)
{
	for (uint32_t i = 0; i < call->route->n_inputs; i++) {
		const struct rest_input *input = &call->route->inputs[i];
		if (!input->is_required || call->values[i].kind != REEVE_GQL_VALUE_ABSENT)
			continue;
		rest_bad_request(call, input->name, "%s is missing.", input->name);
		return false;
	}
	return true;
}

bool rest_take_values(struct reeved_rest_call *call)
{
	call->values = reeve_gql_arena_zalloc(
		&call->arena, (call->route->n_inputs + 1) * sizeof(*call->values));
	if (call->values == NULL) {
		rest_refuse(call, 500, "INTERNAL", NULL, "Out of memory.");
		return false;
	}
	return take_path(call) && take_query(call) && take_if_match(call) && take_body(call) &&
	       check_required(call);
}
