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
#include "http/lines.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define STOPPING_MS	2000 /* what a client has left for each phase once the server stops */
#define KEEP_BODY_BYTES ((size_t)16 * 1024) /* a larger buffer is freed after its request */
/* A body over the limit but below this is read and thrown away, so that the client gets to see the
 * refusal instead of a reset connection. */
#define DRAIN_BYTES ((uint64_t)8 * 1024 * 1024)
/* Beyond max_held_bytes, for answers of /metrics, /healthz and /readyz only: who looks for what fills
 * the server must not be turned away by it. */
#define MONITORING_BYTES ((size_t)16 * 1024 * 1024)

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

/* Whether a client may connect at all. Its place in the table is taken when the connection is
 * there, see open_connection(). */
enum MHD_Result reeve__http_accept(void *cls, const struct sockaddr *address, socklen_t address_len)
{
	const struct reeve_http_gate *gate = cls;
	struct reeve_http *http = gate->loop->http;
	uint8_t network[16];
	(void)address_len;
	if (gate->door->kind != REEVE_HTTP_NETWORK || !reeve__http_network_of(address, network) ||
		reeve__http_addresses_count(&http->addresses, network) <
			http->options.max_per_address)
		return MHD_YES;
	atomic_fetch_add_explicit(&gate->loop->refused, 1, memory_order_relaxed);
	return MHD_NO;
}

/* Who is at the other end. */
static void identify(struct reeve_http_connection *connection)
{
	const struct sockaddr *address =
		MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
			->client_addr;
	if (connection->gate->door->kind == REEVE_HTTP_LOCAL) {
		struct ucred peer = {.uid = UINT32_MAX, .gid = UINT32_MAX};
		socklen_t len = sizeof(peer);
		(void)getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		connection->uid = peer.uid;
		connection->gid = peer.gid;
		snprintf(connection->from, sizeof(connection->from), "unix");
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6,
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
			connection->from, sizeof(connection->from));
	} else {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
			connection->from, sizeof(connection->from));
	}
	if (connection->gate->door->kind != REEVE_HTTP_LOCAL)
		(void)reeve__http_network_of(address, connection->network);
	if (connection->gate->door->kind == REEVE_HTTP_NETWORK)
		reeve__http_addresses_add(&connection->loop->http->addresses, connection->network);
}

static struct reeve_http_connection *open_connection(
	const struct reeve_http_gate *gate, struct MHD_Connection *mhd)
{
	struct reeve_http_loop *loop = gate->loop;
	struct reeve_http_connection *connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return NULL;
	connection->loop = loop;
	connection->gate = gate;
	connection->mhd = mhd;
	connection->fd =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	identify(connection);
	connection->next = loop->connections;
	if (connection->next != NULL)
		connection->next->prev = connection;
	loop->connections = connection;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_HEAD);
	atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&loop->n_connections, 1, memory_order_relaxed);
	return connection;
}

/* Takes `bytes` of what all connections together may hold, or `more` than that. */
static bool hold(struct reeve_http_connection *connection, size_t bytes, size_t more)
{
	struct reeve_http *http = connection->loop->http;
	size_t most = http->options.max_held_bytes + more;
	size_t held = atomic_load_explicit(&http->held_bytes, memory_order_relaxed);
	do {
		if (held > most || bytes > most - held)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&http->held_bytes, &held, held + bytes,
		memory_order_relaxed, memory_order_relaxed));
	connection->held_bytes += bytes;
	return true;
}

static void release(struct reeve_http_connection *connection)
{
	atomic_fetch_sub_explicit(
		&connection->loop->http->held_bytes, connection->held_bytes, memory_order_relaxed);
	connection->held_bytes = 0;
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
	if (connection->gate->door->kind == REEVE_HTTP_NETWORK)
		reeve__http_addresses_remove(&loop->http->addresses, connection->network);
	release(connection);
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
	connection->raw_target = uri;
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
	char seconds[16];
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
	add_header(response, "WWW-Authenticate", reply->challenge);
	if (reply->status == 503 || reply->retry_seconds > 0) {
		snprintf(seconds, sizeof(seconds), "%u",
			reply->retry_seconds > 0 ? reply->retry_seconds : 1);
		add_header(response, "Retry-After", seconds);
	}
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

static void drop_body(struct reeve_http_connection *connection)
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
	drop_body(connection); /* it may go on for days */
	return send_response(connection, reply, response, false);
}

static enum MHD_Result send_refusal(struct reeve_http_connection *connection,
	const struct reeve_http_judgement *refusal, bool must_close)
{
	char body[512];
	struct reeve_http_reply reply = {
		.status = refusal->status,
		.content_type = "application/json; charset=utf-8",
		.body = body,
		.body_len =
			reeve_http_error_body(body, sizeof(body), refusal->code, refusal->message),
		.challenge = refusal->challenge,
		.retry_seconds = refusal->retry_seconds,
	};
	if (strncmp(connection->target, "/api/", 5) == 0) {
		reply.content_type = "application/problem+json; charset=utf-8";
		reply.body_len = reeve_http_problem_body(
			body, sizeof(body), refusal->status, refusal->code, refusal->message);
	}
	return send_reply(connection, &reply, MHD_RESPMEM_MUST_COPY, must_close);
}

/* What is noted of a head. */
struct seen {
	struct reeve_http_filter filter;
	struct reeve_http_lines lines;
};

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	(void)kind;
	struct seen *seen = cls;
	reeve_http_filter_header(&seen->filter, name, name_len, value, value_len);
	reeve_http_lines_header(&seen->lines, name, name_len, value, value_len);
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

static const struct reeve_http_judgement too_large = {
	.status = 413, .code = "RESOURCE_EXHAUSTED", .message = "The request body is too large."};
static const struct reeve_http_judgement bad_lines = {.status = 400,
	.code = "INVALID_ARGUMENT",
	.message =
		"Each line of the head must end with CR and LF, hold no NUL, and not be folded."};
static const struct reeve_http_judgement too_much = {.status = 503,
	.code = "RESOURCE_EXHAUSTED",
	.message = "The server holds as much of other requests as it may; try again."};

/* What the application says of who asks. */
static struct reeve_http_judgement admit(
	struct reeve_http_connection *connection, const struct reeve_http_filter *filter)
{
	const struct reeve_http_app *app = &connection->loop->http->options.app;
	struct reeve_http_head head = {
		.kind = connection->gate->door->kind,
		.from = connection->from,
		.fd = connection->fd,
		.uid = connection->uid,
		.gid = connection->gid,
		.path = connection->target,
		.authorization = filter->credentials == 1 ? filter->authorization : NULL,
		.authorization_len = filter->authorization_len,
	};
	memcpy(head.network, connection->network, sizeof(head.network));
	if (connection->state == NULL)
		connection->state = app->open(app->self);
	if (connection->state == NULL)
		return too_much;
	char *mark = strchr(connection->target, '?');
	if (mark != NULL)
		*mark = '\0';
	struct reeve_http_judgement judgement = app->admit(app->self, connection->state, &head);
	if (mark != NULL)
		*mark = '?';
	return judgement;
}

static enum MHD_Result judge_head(
	struct reeve_http_connection *connection, const char *method, const char *version)
{
	struct seen seen = {0};
	const struct reeve_http_options *options = &connection->loop->http->options;
	connection->has_begun = true;
	reeve_http_lines_begin(
		&seen.lines, method, connection->raw_target, strlen(connection->target), version);
	MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, note_header, &seen);
	const char *end = method + MHD_get_connection_info(
					   connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
					   ->header_size;
	if (connection->loop->http->checks_lines && !reeve_http_lines_end(&seen.lines, end))
		return send_refusal(connection, &bad_lines, true);
	part_target(connection);
	const struct reeve_http_place place = {
		.is_guarded = connection->route == REEVE_HTTP_ROUTE_GRAPHQL ||
			      connection->route == REEVE_HTTP_ROUTE_API,
		.is_open = connection->gate->door->kind == REEVE_HTTP_NETWORK,
		.is_tls = connection->gate->door->is_tls,
		.names = options->names,
		.n_names = options->n_names,
		.max_body_bytes = options->max_body_bytes,
	};
	struct reeve_http_judgement judgement =
		reeve_http_filter_judge(&seen.filter, method, connection->target, version, &place);
	bool may_drain = judgement.status == 0 || judgement.status == 413;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_BODY);
	if (judgement.status == 0 || judgement.status == 413) {
		/* A stranger is told first that he is one. */
		struct reeve_http_judgement who = admit(connection, &seen.filter);
		if (who.status != 0)
			judgement = who;
	}
	if (judgement.status == 0)
		return MHD_YES;
	connection->route = REEVE_HTTP_ROUTE_REFUSED;
	if (!may_drain || seen.filter.has_expect || seen.filter.content_length > DRAIN_BYTES)
		return send_refusal(connection, &judgement, true);
	connection->is_draining = true;
	connection->refusal = judgement;
	return MHD_YES;
}

/* Makes room for so much of the body, out of what all may hold. */
static const struct reeve_http_judgement *make_room(
	struct reeve_http_connection *connection, size_t need)
{
	size_t before = connection->body_cap;
	if (need > connection->loop->http->options.max_body_bytes)
		return &too_large;
	if (grow(&connection->body, &connection->body_cap, need) &&
		hold(connection, connection->body_cap - before, 0))
		return NULL;
	drop_body(connection); /* the rest of it is thrown away as it comes */
	release(connection);
	return &too_much;
}

/* One piece of the body. A body without a length is found to be too large only here. */
static enum MHD_Result take_body(
	struct reeve_http_connection *connection, const char *data, size_t *len)
{
	size_t need = connection->body_len + *len;
	if (!connection->is_draining) {
		const struct reeve_http_judgement *refusal = make_room(connection, need);
		connection->is_draining = refusal != NULL;
		if (refusal != NULL)
			connection->refusal = *refusal;
		else
			memcpy(connection->body + connection->body_len, data, *len);
	}
	connection->body_len = need;
	*len = 0;
	return !connection->is_draining || need <= DRAIN_BYTES ? MHD_YES : MHD_NO;
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

/* An answer of the application, out of what all may hold until they are sent. */
static enum MHD_Result send_answer(struct reeve_http_connection *connection,
	const struct reeve_http_reply *reply, bool must_close)
{
	const struct reeve_http_app *app = &connection->loop->http->options.app;
	bool is_monitoring = connection->route == REEVE_HTTP_ROUTE_METRICS ||
			     connection->route == REEVE_HTTP_ROUTE_HEALTH;
	if (hold(connection, reply->body_len, is_monitoring ? MONITORING_BYTES : 0))
		return send_reply(connection, reply, MHD_RESPMEM_PERSISTENT, must_close);
	app->rest(app->self, connection->state);
	return send_refusal(connection, &too_much, must_close);
}

static enum MHD_Result answer(struct reeve_http_connection *connection, const char *method)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	if (connection->is_draining)
		return send_refusal(connection, &connection->refusal, false);
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
		return send_answer(connection, &reply, false);
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
	return send_answer(connection, &reply, connection->is_gone);
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
	const struct reeve_http_app *app = &connection->loop->http->options.app;
	connection->is_counted = false;
	connection->loop->active--;
	release(connection);
	if (connection->is_stream)
		reeve__http_stream_end(connection);
	if (connection->state != NULL)
		app->rest(app->self, connection->state);
	if (connection->body_cap > KEEP_BODY_BYTES)
		drop_body(connection);
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_HEAD);
}
