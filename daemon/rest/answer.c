/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.c - from a GraphQL answer to a reply: the value itself, its entity tag, Link and Location;
 * or a problem (RFC 9457).
 *
 * A tag is "r<revision>-<hash of the body>", or "<hash>" where there is no revision. If-None-Match
 * looks at all of it, If-Match at the revision alone: so a copy is good only as long as every byte
 * is, and a change only has to know the definition that it changes.
 */
#include "graphql/http.h"
#include "rest/internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define JSON_TYPE    "application/json; charset=utf-8"
#define PROBLEM_TYPE "application/problem+json; charset=utf-8"
#define MAX_NESTING  64

/* Problems. */

/* The rows of defs/errors.def have codes from -1 down, with gaps. NULL at the end. */
static const struct reeve_error_row *next_error(int *code)
{
	while (--*code > -64) {
		const struct reeve_error_row *row = reeve_error_row_of(*code);
		if (row->code == *code)
			return row;
	}
	return NULL;
}

static const struct reeve_error_row *find_error(const char *name)
{
	const struct reeve_error_row *row;
	for (int code = 0; (row = next_error(&code)) != NULL;) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	return reeve_error_row_of(REEVE_EINTERNAL);
}

void rest_write_problems(struct reeve_json *out)
{
	const struct reeve_error_row *row;
	reeve_json_array_begin(out);
	for (int code = 0; (row = next_error(&code)) != NULL;) {
		reeve_json_object_begin(out);
		reeve_json_key(out, "code");
		reeve_json_str(out, row->name);
		reeve_json_key(out, "title");
		reeve_json_str(out, row->prefix);
		reeve_json_key(out, "status");
		reeve_json_i64(out, row->http_status);
		reeve_json_key(out, "meaning");
		reeve_json_str(out, row->meaning);
		reeve_json_key(out, "canRetry");
		reeve_json_bool(out, row->can_retry != 0);
		reeve_json_object_end(out);
	}
	reeve_json_array_end(out);
}

static enum reeved_rest_step reply_problem(struct reeved_rest_call *call, int status,
	const struct reeve_error_row *row, const char *field, const char *detail)
{
	struct reeve_json *out = &call->body;
	status = status != 0 ? status : row->http_status;
	reeve_json_reset(out);
	reeve_json_object_begin(out);
	reeve_json_key(out, "type");
	reeve_json_strf(out, REEVED_REST_ROOT "/problems#%s", row->name);
	reeve_json_key(out, "title");
	reeve_json_str(out, row->prefix);
	reeve_json_key(out, "status");
	reeve_json_i64(out, status);
	reeve_json_key(out, "detail");
	reeve_json_str(out, detail);
	reeve_json_key(out, "code");
	reeve_json_str(out, row->name);
	if (field != NULL) {
		reeve_json_key(out, "field");
		reeve_json_str(out, field);
	}
	reeve_json_object_end(out);
	call->reply = (struct reeve_http_reply){.status = status,
		.content_type = PROBLEM_TYPE,
		.body = out->data,
		.body_len = out->len};
	return reeve_json_ok(out) ? REEVED_REST_REPLY : REEVED_REST_BUSY;
}

enum reeved_rest_step rest_refuse(struct reeved_rest_call *call, int status, const char *code,
	const char *field, const char *format, ...)
{
	char detail[512];
	va_list args;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	return reply_problem(call, status, find_error(code), field, detail);
}

/* Sentences of errors begin with the name of what is wrong, if it has one. */
static const char *find_field(const struct reeved_rest_call *call, const char *detail)
{
	size_t len = 0;
	while (isalnum((unsigned char)detail[len]))
		len++;
	for (uint32_t i = 0; i < call->route->n_inputs; i++) {
		const struct rest_input *input = &call->route->inputs[i];
		if (strlen(input->def->name) == len && memcmp(input->def->name, detail, len) == 0)
			return input->place == REST_IF_MATCH ? "If-Match" : input->name;
	}
	return NULL;
}

static const char *text_of(const struct reeve_gql_value *value, const char *otherwise)
{
	return value->kind == REEVE_GQL_VALUE_STRING ? value->text : otherwise;
}

/*
 * The first error. INVALID_ARGUMENT for a body that is as the document says is 422: the values were
 * understood, and refused. `status` is the engine's: 200 but for its own failures.
 */
static enum reeved_rest_step reply_error(
	struct reeved_rest_call *call, int status, const struct reeve_gql_value *error)
{
	const struct reeve_gql_value *extensions = reeve_gql_value_member(error, "extensions");
	const char *message = text_of(reeve_gql_value_member(error, "message"), "");
	const char *code = text_of(reeve_gql_value_member(extensions, "code"), "INTERNAL");
	const struct reeve_error_row *row = find_error(code);
	size_t prefix = strlen(row->prefix);
	if (strncmp(message, row->prefix, prefix) == 0 && strncmp(message + prefix, ": ", 2) == 0)
		message += prefix + 2;
	if (status < 400)
		status = row->code == REEVE_EINVALID_ARGUMENT && call->request.body_len > 0 ? 422
											    : 0;
	return reply_problem(call, status, row,
		text_of(reeve_gql_value_member(extensions, "field"), find_field(call, message)),
		message);
}

/* Headers. */

static uint64_t hash_bytes(const char *bytes, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3u;
	return hash;
}

static const char *make_tag(struct reeved_rest_call *call, const struct reeve_gql_value *value,
	const char *body, size_t len)
{
	const struct reeve_gql_value *revision = reeve_gql_value_member(value, "revision");
	unsigned long long hash = hash_bytes(body, len);
	if (value->kind == REEVE_GQL_VALUE_OBJECT && revision->kind == REEVE_GQL_VALUE_UINT)
		return reeve_gql_arena_printf(
			&call->arena, "\"r%llu-%016llx\"", (unsigned long long)revision->u64, hash);
	return reeve_gql_arena_printf(&call->arena, "\"%016llx\"", hash);
}

/* If-None-Match: *, or a list of tags, of which W/ is no matter. */
static bool is_known(const char *header, const char *tag)
{
	size_t len = strlen(tag);
	if (header == NULL)
		return false;
	if (strcmp(header, "*") == 0)
		return true;
	for (const char *at = header; (at = strstr(at, tag)) != NULL; at += len) {
		char next = at[len];
		if (next == '\0' || next == ',' || next == ' ' || next == '\t')
			return true;
	}
	return false;
}

/* {name} of a path becomes the member of that name. */
static const char *make_location(struct reeved_rest_call *call, const struct reeve_gql_value *value)
{
	char text[256] = REEVED_REST_ROOT, name[64];
	size_t len = strlen(text);
	for (const char *at = call->route->row->location; *at != '\0' && len < sizeof(text) - 32;) {
		if (*at != '{') {
			text[len++] = *at++;
			continue;
		}
		size_t n = strcspn(at + 1, "}");
		snprintf(name, sizeof(name), "%.*s", (int)n, at + 1);
		const struct reeve_gql_value *id = reeve_gql_value_member(value, name);
		if (id->kind != REEVE_GQL_VALUE_UINT)
			return NULL;
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%llu", (unsigned long long)id->u64);
		at += n + 2;
	}
	return reeve_gql_arena_copy(&call->arena, text, len);
}

/* How many items a page has at most. */
static uint64_t page_size(const struct reeved_rest_call *call)
{
	const struct rest_input *limit = call->route->limit;
	const struct reeve_gql_value *value = &call->values[limit - call->route->inputs];
	if (value->kind == REEVE_GQL_VALUE_UINT)
		return value->u64;
	value = &limit->def->default_value;
	return value->kind == REEVE_GQL_VALUE_INT ? (uint64_t)value->i64 : UINT64_MAX;
}

static bool is_after(const char *pair, size_t len)
{
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals == NULL ? len : (size_t)(equals - pair);
	char name[3 * sizeof("after")];
	return name_len <= sizeof(name) &&
	       reeve_gql_http_unescape(pair, name_len, true, name) == 5 &&
	       memcmp(name, "after", 5) == 0;
}

/* One parameter as it was sent, in a form that cannot end the <...> around it. */
static void write_pair(struct reeve_json *out, const char *pair, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (pair[i] == '<' || pair[i] == '>')
			reeve_json_raw(out, pair[i] == '<' ? "%3C" : "%3E", 3);
		else
			reeve_json_raw(out, &pair[i], 1);
	}
	reeve_json_raw(out, "&", 1);
}

/* A full page is followed by another one, which may be empty. */
static const char *make_link(struct reeved_rest_call *call, const struct reeve_gql_value *list)
{
	const struct rest_row *row = call->route->row;
	const char *at = call->request.query;
	struct reeve_json out;
	char after[48];
	if (row->cursor == NULL || list->count == 0 || list->count < page_size(call))
		return NULL;
	const struct reeve_gql_value *last =
		reeve_gql_value_member(reeve_gql_value_item(list, list->count - 1), row->cursor);
	reeve_json_init(&out, 0);
	reeve_json_raw(&out, "<" REEVED_REST_ROOT, sizeof(REEVED_REST_ROOT));
	reeve_json_raw(&out, row->path, strlen(row->path));
	reeve_json_raw(&out, "?", 1);
	while (at != NULL && *at != '\0') {
		size_t len = strcspn(at, "&");
		if (len > 0 && !is_after(at, len))
			write_pair(&out, at, len);
		at += len + (at[len] == '&');
	}
	int len = snprintf(
		after, sizeof(after), "after=%llu>; rel=\"next\"", (unsigned long long)last->u64);
	reeve_json_raw(&out, after, (size_t)len);
	const char *link =
		reeve_json_ok(&out) ? reeve_gql_arena_copy(&call->arena, out.data, out.len) : NULL;
	reeve_json_fini(&out);
	return link;
}

/* The value. */

static enum reeved_rest_step reply_value(struct reeved_rest_call *call,
	const struct reeve_gql_value *value, const char *body, size_t len)
{
	const struct rest_row *row = call->route->row;
	struct reeve_http_reply *reply = &call->reply;
	reply->status = row->status;
	if (row->status == 204)
		return REEVED_REST_REPLY;
	reply->content_type = JSON_TYPE;
	reply->body = body;
	reply->body_len = len;
	if (row->location != NULL)
		reply->location = make_location(call, value);
	if (value->kind == REEVE_GQL_VALUE_LIST)
		reply->link = make_link(call, value);
	/* What a change answers is the object itself only where the object was asked for. */
	if (row->method[0] == 'G' || row->member != NULL)
		reply->etag = make_tag(call, value, body, len);
	if (row->method[0] == 'G' && !call->is_changed && reply->etag != NULL &&
		is_known(call->request.if_none_match, reply->etag)) {
		reply->status = 304;
		reply->body = NULL;
		reply->body_len = 0;
		reply->content_type = NULL;
	}
	return REEVED_REST_REPLY;
}

/* An answer with errors, or without a value. What was changed is told, even if something of it could
 * not be read back. */
static enum reeved_rest_step reply_incomplete(
	struct reeved_rest_call *call, int status, const struct reeve_gql_value *answer)
{
	const struct rest_row *row = call->route->row;
	const struct reeve_gql_value *errors = reeve_gql_value_member(answer, "errors");
	const struct reeve_gql_value *value =
		reeve_gql_value_member(reeve_gql_value_member(answer, "data"), "r");
	if (row->member != NULL)
		value = reeve_gql_value_member(value, row->member);
	bool has_value =
		value->kind != REEVE_GQL_VALUE_ABSENT && value->kind != REEVE_GQL_VALUE_NULL;
	if (reeve_gql_value_count(errors) > 0 && (!has_value || row->method[0] == 'G'))
		return reply_error(call, status, reeve_gql_value_item(errors, 0));
	if (!has_value)
		return rest_refuse(call, 404, "NOT_FOUND", NULL, "There is none.");
	reeve_json_reset(&call->body);
	reeve_gql_value_write(value, &call->body);
	return reply_value(call, value, call->body.data, call->body.len);
}

bool rest_is_good(const struct rest_route *route, const struct reeve_gql_http_response *response)
{
	size_t lead = strlen(route->lead), len = response->body_len;
	const char *body = response->body;
	if (len <= lead + route->tail || memcmp(body, route->lead, lead) != 0 ||
		memcmp(body + len - route->tail, "}}}", route->tail) != 0)
		return false;
	return len - lead - route->tail != 4 || memcmp(body + lead, "null", 4) != 0;
}

static enum reeved_rest_step read_answer(
	struct reeved_rest_call *call, const struct reeve_gql_http_response *response)
{
	const struct rest_route *route = call->route;
	const char *body = response->body;
	size_t len = response->body_len;
	struct reeve_gql_value value = {0};
	struct gql_json_error error;
	bool is_whole = rest_is_good(route, response);
	if (is_whole) {
		body += strlen(route->lead);
		len -= strlen(route->lead) + route->tail;
	}
	if (!reeve_gql_json_read(&call->arena, body, len, MAX_NESTING, &value, &error))
		return rest_refuse(call, 500, "INTERNAL", NULL, "The answer is too large.");
	return is_whole ? reply_value(call, &value, body, len)
			: reply_incomplete(call, response->status, &value);
}

enum reeved_rest_step reeved_rest_finish(struct reeved_rest_call *call,
	const struct reeve_gql_http_response *response, struct reeve_http_reply *ret_reply)
{
	enum reeved_rest_step step = read_answer(call, response);
	/* It was changed, and is gone again. */
	if (call->is_changed && call->reply.status >= 400)
		call->reply = (struct reeve_http_reply){.status = 204};
	if (step == REEVED_REST_REPLY)
		*ret_reply = call->reply;
	return step;
}
