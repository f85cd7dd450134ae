/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.c - one client's requests, one after the other: what libmicrohttpd calls, in order.
 *
 *	notify(started) -> note_target -> handle(headers) -> handle(body)... -> handle(end)
 *	    -> [suspended, at work, resumed -> handle] -> note_completed -> note_target ...
 *	    -> notify(closed)
 *
 * Everything here runs on the connection's loop thread. Buffers live as long as the connection, so
 * a request allocates nothing of ours once they have grown to size.
 */
#include "http/filter.h"
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define STOPPING_MS	2000 /* what a client has left for each phase once the server stops */
#define KEEP_BODY_BYTES ((size_t)64 * 1024) /* a larger buffer is freed after its request */
/* A body over the limit but below this is read and thrown away, so that the client gets to see the
 * refusal instead of a reset connection. */
#define DRAIN_BYTES ((uint64_t)8 * 1024 * 1024)

void reeve__http_set_phase(struct reeve_http_connection *connection, enum reeve_http_phase phase)
{
	const struct reeve_http_options *options = &connection->loop->http->options;
	const uint32_t seconds[] = {
		[REEVE_HTTP_PHASE_HEAD] = options->head_seconds,
		[REEVE_HTTP_PHASE_BODY] = options->body_seconds,
		[REEVE_HTTP_PHASE_WORK] = 0,
		[REEVE_HTTP_PHASE_SEND] = options->send_seconds,
		[REEVE_HTTP_PHASE_STREAM] = options->stream_seconds,
		[REEVE_HTTP_PHASE_IDLE] = 0,
	};
	int64_t span_ms = (int64_t)seconds[phase] * 1000;
	if (span_ms > STOPPING_MS &&
		atomic_load_explicit(&connection->loop->http->is_stopping, memory_order_relaxed))
		span_ms = STOPPING_MS;
	connection->phase = phase;
	connection->deadline_ms = connection->loop->now_ms + span_ms;
}

static struct reeve_http_connection *open_connection(
	struct reeve_http_loop *loop, struct MHD_Connection *mhd)
{
	struct reeve_http_connection *connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return NULL;
	connection->loop = loop;
	connection->mhd = mhd;
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	connection->next = loop->connections;
	if (connection->next != NULL)
		connection->next->prev = connection;
	loop->connections = connection;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_HEAD);
	atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&loop->n_connections, 1, memory_order_relaxed);
	return connection;
}

static void close_connection(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	if (connection->prev != NULL)
		connection->prev->next = connection->next;
	else
		loop->connections = connection->next;
	if (connection->next != NULL)
		connection->next->prev = connection->prev;
	if (connection->state != NULL)
		app->close(app->self, connection->state);
	free(connection->target);
	free(connection->body);
	free(connection);
	atomic_fetch_sub_explicit(&loop->n_connections, 1, memory_order_relaxed);
}

void reeve__http_notify_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*socket_context = open_connection(cls, mhd);
	else if (*socket_context != NULL)
		close_connection(*socket_context);
}

static bool grow(char **buffer, size_t *cap, size_t need)
{
	if (need <= *cap)
		return true;
	size_t next = *cap < 1024 ? 1024 : *cap;
	while (next < need)
		next *= 2;
	char *bigger = realloc(*buffer, next);
	if (bigger == NULL)
		return false;
	*buffer = bigger;
	*cap = next;
	return true;
}

/* The request line is there: the target as sent, before anybody decoded it. Its result is what
 * `request` points to in the other calls. */
void *reeve__http_note_target(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	(void)cls;
	struct reeve_http_connection *connection =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	size_t len = strlen(uri) + 1;
	if (connection == NULL || !grow(&connection->target, &connection->target_cap, len))
		return NULL;
	memcpy(connection->target, uri, len);
	connection->body_len = 0;
	connection->has_begun = connection->is_answered = false;
	connection->is_draining = connection->is_back = connection->is_gone = false;
	connection->is_refused = false;
	connection->is_counted = true;
	connection->route = REEVE_HTTP_ROUTE_REFUSED;
	connection->loop->active++;
	return connection;
}

static enum MHD_Result add_header(
	struct MHD_Response *response, const char *name, const char *value)
{
	return value == NULL ? MHD_YES : MHD_add_response_header(response, name, value);
}

static void count_request(struct reeve_http_connection *connection, int status)
{
	unsigned class = (unsigned)status / 100;
	atomic_fetch_add_explicit(
		&connection->loop->requests[connection->route][class < 6 ? class : 5], 1,
		memory_order_relaxed);
}

/* Sends the head, and what is known of the body. Takes the response. */
static enum MHD_Result send_response(struct reeve_http_connection *connection,
	const struct reeve_http_reply *reply, struct MHD_Response *response, bool must_close)
{
	bool is_stopping =
		atomic_load_explicit(&connection->loop->http->is_stopping, memory_order_relaxed);
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	add_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
	add_header(response, MHD_HTTP_HEADER_ETAG, reply->etag);
	add_header(response, "Link", reply->link);
	add_header(response, MHD_HTTP_HEADER_LOCATION, reply->location);
	add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL,
		reply->etag != NULL ? "private, no-cache" : "no-store");
	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(
		response, MHD_HTTP_HEADER_CONNECTION, must_close || is_stopping ? "close" : NULL);
	add_header(response, "Retry-After", reply->status == 503 ? "1" : NULL);
	enum MHD_Result result =
		MHD_queue_response(connection->mhd, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	count_request(connection, reply->status);
	connection->is_answered = true;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_SEND);
	return result;
}

/* `lifetime`: whether libmicrohttpd must copy the body. MHD_NO closes the connection. */
static enum MHD_Result send_reply(struct reeve_http_connection *connection,
	const struct reeve_http_reply *reply, enum MHD_ResponseMemoryMode lifetime, bool must_close)
{
	/* The body is only read; the library's type has no const. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		reply->body_len, (void *)(uintptr_t)reply->body, lifetime);
	if (response == NULL)
		return MHD_NO;
	return send_response(connection, reply, response, must_close);
}

static void free_body(struct reeve_http_connection *connection)
{
	free(connection->body);
	connection->body = NULL;
	connection->body_cap = 0;
}

static enum MHD_Result send_stream(
	struct reeve_http_connection *connection, const struct reeve_http_reply *reply)
{
	struct MHD_Response *response = reeve__http_stream_begin(connection);
	if (response == NULL)
		return MHD_NO;
	free_body(connection); /* it may go on for days */
	return send_response(connection, reply, response, false);
}

static enum MHD_Result send_error(struct reeve_http_connection *connection, int status,
	const char *code, const char *message, bool must_close)
{
	char body[512];
	struct reeve_http_reply reply = {
		.status = status,
		.content_type = "application/json; charset=utf-8",
		.body = body,
		.body_len = reeve_http_error_body(body, sizeof(body), code, message),
	};
	if (strncmp(connection->target, "/api/", 5) == 0) {
		reply.content_type = "application/problem+json; charset=utf-8";
		reply.body_len = reeve_http_problem_body(body, sizeof(body), status, code, message);
	}
	return send_reply(connection, &reply, MHD_RESPMEM_MUST_COPY, must_close);
}

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	(void)kind;
	reeve_http_filter_header(cls, name, name_len, value, value_len);
	return MHD_YES;
}

/* Parts the target at its '?' and finds its class. */
static void part_target(struct reeve_http_connection *connection)
{
	char *mark = strchr(connection->target, '?');
	if (mark != NULL)
		*mark = '\0';
	connection->route = reeve_http_route_of(connection->target);
	if (mark != NULL)
		*mark = '?';
}

static enum MHD_Result judge_head(
	struct reeve_http_connection *connection, const char *method, const char *version)
{
	struct reeve_http_filter filter = {0};
	size_t max_body = connection->loop->http->options.max_body_bytes;
	connection->has_begun = true;
	MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, note_header, &filter);
	part_target(connection);
	struct reeve_http_judgement judgement =
		reeve_http_filter_judge(&filter, method, connection->target, version,
			connection->route == REEVE_HTTP_ROUTE_GRAPHQL ||
				connection->route == REEVE_HTTP_ROUTE_API,
			max_body);
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_BODY);
	if (judgement.status == 0)
		return MHD_YES;
	connection->route = REEVE_HTTP_ROUTE_REFUSED;
	if (judgement.status == 413 && !filter.has_expect && filter.content_length <= DRAIN_BYTES) {
		connection->is_draining = true;
		return MHD_YES;
	}
	return send_error(connection, judgement.status, judgement.code, judgement.message, true);
}

/* One piece of the body. A body without a length is found to be too large only here. */
static enum MHD_Result take_body(
	struct reeve_http_connection *connection, const char *data, size_t *len)
{
	size_t max_body = connection->loop->http->options.max_body_bytes;
	size_t need = connection->body_len + *len;
	if (need > max_body)
		connection->is_draining = true;
	if (connection->is_draining) {
		connection->body_len = need;
		*len = 0;
		return need <= DRAIN_BYTES ? MHD_YES : MHD_NO;
	}
	if (!grow(&connection->body, &connection->body_cap, need))
		return MHD_NO;
	memcpy(connection->body + connection->body_len, data, *len);
	connection->body_len = need;
	*len = 0;
	return MHD_YES;
}

/* Suspends, so that the loop goes on while a worker has the request, and watches for the client
 * hanging up. */
static enum MHD_Result put_to_work(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	MHD_suspend_connection(connection->mhd);
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_WORK);
	atomic_fetch_add_explicit(&loop->working, 1, memory_order_relaxed);
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = connection};
	/* Without the watch the request still ends by itself; only later. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
	if (atomic_load_explicit(&loop->http->is_stopping, memory_order_relaxed))
		app->abandon(app->self, connection->state);
	if (!reeve__http_workers_submit(&loop->http->workers, connection)) {
		connection->is_refused = true;
		reeve__http_loop_return(connection);
	}
	return MHD_YES;
}

const char *reeve_http_header(const struct reeve_http_request *request, const char *name)
{
	const struct reeve_http_connection *connection = request->connection;
	return MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, name);
}

static enum MHD_Result answer(struct reeve_http_connection *connection, const char *method)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	if (connection->is_draining)
		return send_error(connection, 413, "RESOURCE_EXHAUSTED",
			"The request body is too large.", false);
	if (connection->state == NULL)
		connection->state = app->open(app->self);
	if (connection->state == NULL)
		return MHD_NO;
	char *mark = strchr(connection->target, '?');
	if (mark != NULL)
		*mark = '\0';
	struct reeve_http_request request = {
		.method = method,
		.path = connection->target,
		.query = mark != NULL ? mark + 1 : NULL,
		.query_len = mark != NULL ? strlen(mark + 1) : 0,
		.content_type = MHD_lookup_connection_value(
			connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE),
		.accept = MHD_lookup_connection_value(
			connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		.if_match = MHD_lookup_connection_value(
			connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_MATCH),
		.if_none_match = MHD_lookup_connection_value(
			connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH),
		.body = connection->body_len > 0 ? connection->body : NULL,
		.body_len = connection->body_len,
		.connection = connection,
	};
	struct reeve_http_reply reply = {0};
	switch (app->handle(app->self, connection->state, &request, &reply)) {
	case REEVE_HTTP_REPLY:
		return send_reply(connection, &reply, MHD_RESPMEM_PERSISTENT, false);
	case REEVE_HTTP_WAIT:
		return put_to_work(connection);
	case REEVE_HTTP_STREAM:
		return send_stream(connection, &reply);
	case REEVE_HTTP_BUSY:
		break;
	}
	return MHD_NO;
}

/* The worker is done; the connection was resumed. */
static enum MHD_Result answer_late(struct reeve_http_connection *connection)
{
	const struct reeve_http_app *app = &connection->loop->http->options.app;
	struct reeve_http_reply reply = {0};
	if (connection->is_refused)
		app->refuse(app->self, connection->state, &reply);
	else
		app->reply(app->self, connection->state, &reply);
	return send_reply(connection, &reply, MHD_RESPMEM_PERSISTENT, connection->is_gone);
}

enum MHD_Result reeve__http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload_data, size_t *upload_data_size,
	void **request)
{
	(void)cls;
	(void)mhd;
	(void)url;
	struct reeve_http_connection *connection = *request;
	if (connection == NULL)
		return MHD_NO;
	if (!connection->has_begun)
		return judge_head(connection, method, version);
	if (connection->is_answered)
		return MHD_YES;
	if (*upload_data_size > 0)
		return take_body(connection, upload_data, upload_data_size);
	if (connection->is_back)
		return answer_late(connection);
	return answer(connection, method);
}

void reeve__http_note_completed(
	void *cls, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)mhd;
	(void)code;
	struct reeve_http_connection *connection = *request;
	if (connection == NULL || !connection->is_counted)
		return;
	connection->is_counted = false;
	connection->loop->active--;
	if (connection->is_stream)
		reeve__http_stream_end(connection);
	if (connection->body_cap > KEEP_BODY_BYTES)
		free_body(connection);
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_HEAD);
}
