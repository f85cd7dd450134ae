/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe.c - see subscribe.h. */
#include "subscribe.h"
#include "resolvers/resolvers.h"
#include "stream/stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_HEADER "X-GraphQL-Event-Stream-Token"
#define EVENTS_TYPE  "text/event-stream; charset=utf-8"
#define JSON_TYPE    "application/json; charset=utf-8"
#define TEXT_TYPE    "text/plain; charset=utf-8"

/* Replies */

static void fill_reply(
	struct reeve_http_reply *reply, int status, const char *type, const char *body, size_t len)
{
	*reply = (struct reeve_http_reply){
		.status = status, .content_type = type, .body = body, .body_len = len};
}

static void put(struct reeve_json *out, const char *text)
{
	reeve_json_raw(out, text, strlen(text));
}

/* {"errors":[...]}, with the status that the code has. */
static enum reeve_http_verdict reply_error(struct reeved_client *client,
	const struct reeve_error *err, struct reeve_http_reply *ret_reply)
{
	const struct reeve_error_row *row = reeve_error_row_of(err->code);
	struct reeve_json *text = &client->text;
	reeve_json_reset(text);
	put(text, "{\"errors\":[{\"message\":");
	reeve_json_strf(text, "%s: %s", row->prefix, err->text);
	put(text, ",\"extensions\":{\"code\":");
	reeve_json_str(text, row->name);
	put(text, "}}]}\n");
	if (!reeve_json_ok(text))
		return REEVE_HTTP_BUSY;
	fill_reply(ret_reply, row->http_status, JSON_TYPE, text->data, text->len);
	return REEVE_HTTP_REPLY;
}

__attribute__((format(printf, 4, 5))) static enum reeve_http_verdict refuse(
	struct reeved_client *client, struct reeve_http_reply *ret_reply, int code,
	const char *format, ...)
{
	struct reeve_error err = {.code = code};
	va_list args;
	va_start(args, format);
	vsnprintf(err.text, sizeof(err.text), format, args);
	va_end(args);
	return reply_error(client, &err, ret_reply);
}

/* Events of GraphQL */

/* `id` NULL: of a stream's only operation. */
static void begin_next(struct reeve_json *out, const char *id, uint64_t sequence, size_t *ret_start)
{
	reeved_sse_begin(out, "next", sequence);
	*ret_start = out->len;
	if (id == NULL)
		return;
	put(out, "{\"id\":");
	reeve_json_str(out, id);
	put(out, ",\"payload\":");
}

static void end_next(struct reeve_json *out, const char *id, size_t start)
{
	if (id != NULL)
		put(out, "}");
	reeved_sse_end(out, start);
}

static void write_complete(struct reeve_json *out, const char *id)
{
	reeved_sse_begin(out, "complete", 0);
	size_t start = out->len;
	if (id != NULL) {
		put(out, "{\"id\":");
		reeve_json_str(out, id);
		put(out, "}");
	}
	reeved_sse_end(out, start);
}

/* The answer of an operation that has one, as events. */
static void write_answer(
	struct reeve_json *out, const char *id, const struct reeve_gql_http_response *response)
{
	size_t start;
	begin_next(out, id, 0, &start);
	reeve_json_raw(out, response->body, response->body_len);
	end_next(out, id, start);
	write_complete(out, id);
}

/* Topics: one subscription each */

struct operation {
	struct reeved_topic topic; /* first */
	struct reeve_gql_subscription *subscription;
};

static void add_gap(struct reeved_topic *topic, struct reeve_json *out)
{
	reeve_json_truncate(out, out->len - 1); /* the answer's last brace */
	reeve_json_key(out, "extensions");
	reeve_json_object_begin(out);
	reeve_json_key(out, "gap");
	reeve_json_object_begin(out);
	reeve_json_key(out, "from");
	reeve_json_u64(out, topic->feed.gap_from);
	reeve_json_key(out, "to");
	reeve_json_u64(out, topic->feed.gap_to);
	reeve_json_object_end(out);
	reeve_json_object_end(out);
	reeve_json_object_end(out);
	topic->feed.gap_from = 0;
}

static void write_operation(struct reeved_topic *topic, const struct reeve_event *event, void *user,
	struct reeve_json *out)
{
	struct operation *operation = (struct operation *)topic;
	size_t start;
	begin_next(out, topic->id, event != NULL ? event->sequence : 0, &start);
	(void)reeve_gql_subscription_event(operation->subscription, event, user, out);
	if (topic->feed.gap_from != 0 && reeve_json_ok(out))
		add_gap(topic, out);
	end_next(out, topic->id, start);
}

static void finish_operation(struct reeved_topic *topic, struct reeve_json *out)
{
	write_complete(out, topic->id);
}

static void destroy_operation(struct reeved_topic *topic)
{
	struct operation *operation = (struct operation *)topic;
	reeve_gql_subscription_close(operation->subscription);
	free(topic->id);
	free(operation);
}

/* Last-Event-ID of a browser that comes back; 0: none. */
static uint64_t last_event(const struct reeve_http_request *request)
{
	const char *text = reeve_http_header(request, "Last-Event-ID");
	char *end;
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	unsigned long long number = strtoull(text, &end, 10);
	return *end == '\0' ? number : 0;
}

/* Makes a topic of the call. Negative with *err; code 0: the call has the answer. */
static int open_operation(struct reeved_client *client, const struct reeve_http_request *request,
	struct operation **ret_operation, struct reeve_error *err)
{
	struct operation *operation = calloc(1, sizeof(*operation));
	*err = (struct reeve_error){.code = 0};
	if (operation == NULL) {
		*err = (struct reeve_error){REEVE_ESYSTEM, "out of memory for a subscription"};
		return err->code;
	}
	if (reeve_gql_call_subscribe(client->call, &operation->subscription) != 0) {
		free(operation);
		return REEVE_EINVALID_ARGUMENT;
	}
	operation->topic.write = write_operation;
	operation->topic.finish = finish_operation;
	operation->topic.destroy = destroy_operation;
	int rc = reeved_subject_open(client->daemon->reeve, operation->subscription,
		last_event(request), &operation->topic, err);
	if (rc == 0 && client->relay != NULL) {
		operation->topic.id = strdup(client->relay_id);
		if (operation->topic.id == NULL)
			rc = err->code = REEVE_ESYSTEM;
	}
	if (rc != 0) {
		destroy_operation(&operation->topic);
		return rc;
	}
	*ret_operation = operation;
	return 0;
}

/* An answer {"errors"} of the call's own in place of what it has. */
static void answer_error(struct reeved_client *client, const struct reeve_error *err)
{
	const struct reeve_error_row *row = reeve_error_row_of(err->code);
	char message[sizeof(err->text) + 64];
	snprintf(message, sizeof(message), "%s: %s", row->prefix, err->text);
	reeve_gql_call_refuse(client->call, 200, row->name, message);
}

/* The connection becomes a stream, and gives back what requests need. */
static enum reeve_http_verdict become_stream(struct reeved_client *client,
	struct reeved_stream *stream, struct reeve_http_reply *ret_reply)
{
	client->stream = stream;
	if (client->call != NULL)
		reeve_gql_call_destroy(client->call);
	client->call = NULL;
	reeved_rest_call_destroy(client->rest);
	client->rest = NULL;
	reeve_json_fini(&client->text);
	reeve_json_fini(&client->cells);
	fill_reply(ret_reply, 200, EVENTS_TYPE, NULL, 0);
	return REEVE_HTTP_STREAM;
}

enum reeve_http_verdict reeved_subscribe_begin(struct reeved_client *client,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply)
{
	struct reeved_stream *stream;
	struct operation *operation;
	struct reeve_error err;
	if (client->relay == NULL && !reeve_gql_call_wants_stream(client->call)) {
		reeve_gql_call_refuse(client->call, 406, "INVALID_ARGUMENT",
			"A subscription is answered by events: ask for Accept: text/event-stream.");
		reeved_subscribe_reply(client, ret_reply);
		return REEVE_HTTP_REPLY;
	}
	int rc = open_operation(client, request, &operation, &err);
	if (rc != 0) {
		if (err.code != 0)
			answer_error(client, &err);
		reeved_subscribe_reply(client, ret_reply);
		return REEVE_HTTP_REPLY;
	}
	rc = client->relay != NULL ? reeved_stream_add(client->relay, &operation->topic, &err)
				   : reeved_stream_open(client->daemon->streams, &operation->topic,
					     &stream, &err);
	if (rc != 0) {
		destroy_operation(&operation->topic);
		reeved_subscribe_forget(client);
		reply_error(client, &err, ret_reply);
		if (err.code == REEVE_ERESOURCE_EXHAUSTED)
			ret_reply->status = 503;
		return REEVE_HTTP_REPLY;
	}
	if (client->relay == NULL)
		return become_stream(client, stream, ret_reply);
	reeved_subscribe_forget(client);
	reeve_http_wake_streams(client->daemon->http);
	fill_reply(ret_reply, 202, TEXT_TYPE, "", 0);
	return REEVE_HTTP_REPLY;
}

/* Sends the answer's events to the stream that was named. */
static void relay_answer(struct reeved_client *client,
	const struct reeve_gql_http_response *response, struct reeve_http_reply *ret_reply)
{
	struct reeve_json *text = &client->text;
	struct reeve_error err = {REEVE_ESYSTEM, "out of memory for the answer"};
	reeve_json_reset(text);
	write_answer(text, client->relay_id, response);
	int rc = reeve_json_ok(text) ? reeved_stream_put(client->relay, text->data, text->len, &err)
				     : err.code;
	reeved_subscribe_forget(client);
	if (rc != 0) {
		reply_error(client, &err, ret_reply);
		return;
	}
	reeve_http_wake_streams(client->daemon->http);
	fill_reply(ret_reply, 202, TEXT_TYPE, "", 0);
}

void reeved_subscribe_reply(struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	struct reeve_gql_http_response response;
	bool is_stream = reeve_gql_call_wants_only_stream(client->call);
	reeve_gql_call_response(client->call, &response);
	if (response.status == 200 && client->relay != NULL) {
		relay_answer(client, &response, ret_reply);
		return;
	}
	reeved_subscribe_forget(client);
	fill_reply(ret_reply, response.status, response.content_type, response.body,
		response.body_len);
	ret_reply->allow = response.allow;
	/* All that it asked for was denied: the status says so too. When something was done, the
	 * answer is one of the usual kind, with errors in it. */
	if (client->denied > 0 && client->permitted == 0)
		ret_reply->status = 403;
	if (response.status != 200 || !is_stream)
		return;
	reeve_json_reset(&client->text);
	write_answer(&client->text, NULL, &response);
	if (reeve_json_ok(&client->text))
		fill_reply(ret_reply, 200, EVENTS_TYPE, client->text.data, client->text.len);
}

void reeved_subscribe_forget(struct reeved_client *client)
{
	if (client->relay != NULL)
		reeved_stream_release(client->relay);
	client->relay = NULL;
	free(client->relay_id);
	client->relay_id = NULL;
}

/* The single connection */

/* A parameter of the query string, decoded; false when there is none, or it is too long. */
static bool find_parameter(
	const struct reeve_http_request *request, const char *name, char *to, size_t size)
{
	const char *at = request->query, *end = at != NULL ? at + request->query_len : NULL;
	size_t name_len = strlen(name), len = 0;
	while (at != NULL && at < end &&
		!(strncmp(at, name, name_len) == 0 && at[name_len] == '=')) {
		at = memchr(at, '&', (size_t)(end - at));
		at = at != NULL ? at + 1 : NULL;
	}
	if (at == NULL || at >= end)
		return false;
	for (at += name_len + 1; at < end && *at != '&' && len + 1 < size; at++) {
		unsigned byte = 0;
		if (*at == '%' && end - at > 2 && sscanf(at + 1, "%2x", &byte) == 1 && byte != 0) {
			to[len++] = (char)byte;
			at += 2;
		} else {
			to[len++] = *at;
		}
	}
	to[len] = '\0';
	return len > 0 && (at == end || *at == '&');
}

static enum reeve_http_verdict reserve(
	struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	char token[REEVED_STREAM_TOKEN];
	struct reeve_error err;
	if (reeved_stream_reserve(client->daemon->streams, token, &err) != 0) {
		reply_error(client, &err, ret_reply);
		if (err.code == REEVE_ERESOURCE_EXHAUSTED)
			ret_reply->status = 503;
		return REEVE_HTTP_REPLY;
	}
	put(&client->text, token);
	if (!reeve_json_ok(&client->text))
		return REEVE_HTTP_BUSY;
	fill_reply(ret_reply, 201, TEXT_TYPE, client->text.data, client->text.len);
	return REEVE_HTTP_REPLY;
}

/* Takes over the reference. */
static enum reeve_http_verdict connect_stream(struct reeved_client *client,
	struct reeved_stream *stream, struct reeve_http_reply *ret_reply)
{
	struct reeve_error err;
	if (reeved_stream_connect(stream, &err) == 0)
		return become_stream(client, stream, ret_reply);
	reeved_stream_release(stream);
	return reply_error(client, &err, ret_reply);
}

static enum reeve_http_verdict cancel(struct reeved_client *client,
	const struct reeve_http_request *request, struct reeved_stream *stream,
	struct reeve_http_reply *ret_reply)
{
	char id[REEVED_TOPIC_ID];
	bool has_id = find_parameter(request, "operationId", id, sizeof(id));
	/* One that has ended by itself is no error: the two may cross each other. */
	if (has_id && reeved_stream_cancel(stream, id))
		reeve_http_wake_streams(client->daemon->http);
	reeved_stream_release(stream);
	if (!has_id)
		return refuse(client, ret_reply, REEVE_EINVALID_ARGUMENT,
			"operationId is missing, or longer than %u bytes", REEVED_TOPIC_ID - 1);
	fill_reply(ret_reply, 200, TEXT_TYPE, "", 0);
	return REEVE_HTTP_REPLY;
}

static bool wants_events(const struct reeve_http_request *request)
{
	static const char type[] = "text/event-stream";
	return request->accept != NULL && strncasecmp(request->accept, type, sizeof(type) - 1) == 0;
}

bool reeved_subscribe_handle(struct reeved_client *client, const struct reeve_http_request *request,
	struct reeve_http_reply *ret_reply, enum reeve_http_verdict *ret_verdict)
{
	char buffer[REEVED_STREAM_TOKEN + 8];
	const char *token = reeve_http_header(request, TOKEN_HEADER);
	bool is_delete = strcmp(request->method, "DELETE") == 0;
	if (strcmp(request->method, "PUT") == 0) {
		*ret_verdict = reserve(client, ret_reply);
		return true;
	}
	if (token == NULL && find_parameter(request, "token", buffer, sizeof(buffer)))
		token = buffer;
	if (token == NULL && !is_delete)
		return false;
	struct reeved_stream *stream =
		token != NULL ? reeved_stream_find(client->daemon->streams, token) : NULL;
	if (stream == NULL) {
		*ret_verdict = refuse(client, ret_reply, REEVE_ENOT_FOUND,
			"there is no stream of this token; PUT %s reserves one",
			REEVED_STREAM_PATH);
		return true;
	}
	if (is_delete) {
		*ret_verdict = cancel(client, request, stream, ret_reply);
		return true;
	}
	if (wants_events(request)) {
		*ret_verdict = connect_stream(client, stream, ret_reply);
		return true;
	}
	client->relay = stream;
	return false;
}

bool reeved_subscribe_name(struct reeved_client *client, struct reeve_http_reply *ret_reply)
{
	const struct reeve_gql_value *id = reeve_gql_call_extension(client->call, "operationId");
	bool is_good =
		id->kind == REEVE_GQL_VALUE_STRING && id->count > 0 && id->count < REEVED_TOPIC_ID;
	if (is_good)
		client->relay_id = strdup(id->text);
	if (client->relay_id != NULL)
		return true;
	reeved_subscribe_forget(client);
	refuse(client, ret_reply, is_good ? REEVE_ESYSTEM : REEVE_EINVALID_ARGUMENT,
		"extensions.operationId must be a text of 1 to %u bytes", REEVED_TOPIC_ID - 1);
	return false;
}

/* The stream as the HTTP server has it */

enum reeve_http_flow reeved_subscribe_next(
	void *self, void *state, int64_t now_ms, struct reeve_http_piece *ret_piece)
{
	(void)self;
	struct reeved_client *client = state;
	return reeved_stream_next(client->stream, client, now_ms, ret_piece);
}

void reeved_subscribe_end(void *self, void *state)
{
	(void)self;
	struct reeved_client *client = state;
	if (client->stream != NULL)
		reeved_stream_close(client->stream);
	client->stream = NULL;
}
