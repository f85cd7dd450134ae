/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - answers that go on for as long as their client stays: see http.h.
 *
 *	sending   libmicrohttpd has a piece of it; it comes back for the next one (read_stream)
 *	listed    suspended, because there was nothing: in loop->idle, or in loop->due once it was
 *		  woken or its time has come; then it is asked, a bounded number in a turn
 *
 * A stream that has nothing goes back to idle without libmicrohttpd being troubled. All of it
 * belongs to the loop thread, but for loop->wake_streams.
 */
#include "http/internal.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BLOCK_BYTES 1024 /* libmicrohttpd allocates it and, for HTTP/1.1, uses another buffer */
#define TURN	    64	 /* streams asked between two looks at everything else */
/* What the kernel may hold for a client that does not read; it doubles this. */
#define SEND_BUFFER_BYTES (32 * 1024)

static void link_stream(struct reeve_http_list *list, struct reeve_http_connection *connection)
{
	connection->list = list;
	connection->list_next = NULL;
	connection->list_prev = list->tail;
	*(list->tail != NULL ? &list->tail->list_next : &list->head) = connection;
	list->tail = connection;
	connection->is_listed = true;
}

static void unlink_stream(struct reeve_http_connection *connection)
{
	struct reeve_http_list *list = connection->list;
	*(connection->list_prev != NULL ? &connection->list_prev->list_next : &list->head) =
		connection->list_next;
	*(connection->list_next != NULL ? &connection->list_next->list_prev : &list->tail) =
		connection->list_prev;
	connection->is_listed = false;
}

static void make_idle(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_IDLE);
	link_stream(&loop->idle, connection);
	if (connection->again_ms < loop->next_due_ms)
		loop->next_due_ms = connection->again_ms;
}

/* Asks for the next piece. False: there is none now. */
static bool ask_stream(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	struct reeve_http_piece piece = {.again_ms = INT64_MAX};
	enum reeve_http_flow flow = REEVE_HTTP_FLOW_END;
	if (!atomic_load_explicit(&loop->http->is_stopping, memory_order_relaxed))
		flow = app->next(app->self, connection->state, loop->now_ms, &piece);
	connection->piece = piece.data;
	connection->piece_len = flow == REEVE_HTTP_FLOW_PIECE ? piece.len : 0;
	connection->piece_at = 0;
	connection->again_ms = piece.again_ms;
	connection->is_over = flow == REEVE_HTTP_FLOW_END;
	return flow != REEVE_HTTP_FLOW_IDLE;
}

/* libmicrohttpd has sent all that it was given. */
static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t most)
{
	struct reeve_http_connection *connection = cls;
	(void)pos;
	if (connection->is_gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (connection->piece_at == connection->piece_len && !connection->is_over &&
		!ask_stream(connection)) {
		make_idle(connection);
		MHD_suspend_connection(connection->mhd);
		return 0;
	}
	if (connection->is_over)
		return MHD_CONTENT_READER_END_OF_STREAM;
	size_t len = connection->piece_len - connection->piece_at;
	if (len > most)
		len = most;
	memcpy(to, connection->piece + connection->piece_at, len);
	connection->piece_at += len;
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_STREAM);
	return (ssize_t)len;
}

struct MHD_Response *reeve__http_stream_begin(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	struct epoll_event event = {.events = EPOLLRDHUP, .data.ptr = connection};
	int bytes = SEND_BUFFER_BYTES;
	connection->is_stream = true;
	connection->is_over = connection->is_gone = false;
	connection->piece_len = connection->piece_at = 0;
	atomic_fetch_add_explicit(&loop->n_streams, 1, memory_order_relaxed);
	(void)setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* Without the watch a client that leaves is noticed at the next piece. */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, connection->fd, &event);
	return MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, connection, NULL);
}

void reeve__http_stream_end(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	const struct reeve_http_app *app = &loop->http->options.app;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	if (connection->is_listed)
		unlink_stream(connection);
	connection->is_stream = false;
	atomic_fetch_sub_explicit(&loop->n_streams, 1, memory_order_relaxed);
	app->end(app->self, connection->state);
}

static void resume_stream(struct reeve_http_connection *connection)
{
	unlink_stream(connection);
	reeve__http_set_phase(connection, REEVE_HTTP_PHASE_STREAM);
	MHD_resume_connection(connection->mhd);
}

void reeve__http_stream_gone(struct reeve_http_connection *connection)
{
	(void)epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->is_gone = true;
	if (connection->is_listed)
		resume_stream(connection);
}

static void move_stream(struct reeve_http_connection *connection, struct reeve_http_list *to)
{
	unlink_stream(connection);
	link_stream(to, connection);
}

/* Those whose time has come, and when the next one's will. */
static void collect_due(struct reeve_http_loop *loop, bool all)
{
	struct reeve_http_connection *next;
	loop->next_due_ms = INT64_MAX;
	for (struct reeve_http_connection *c = loop->idle.head; c != NULL; c = next) {
		next = c->list_next;
		if (all || c->again_ms <= loop->now_ms)
			move_stream(c, &loop->due);
		else if (c->again_ms < loop->next_due_ms)
			loop->next_due_ms = c->again_ms;
	}
}

void reeve__http_streams_run(struct reeve_http_loop *loop, bool all)
{
	if (atomic_exchange_explicit(&loop->wake_streams, false, memory_order_acq_rel))
		all = true;
	if (all || loop->now_ms >= loop->next_due_ms)
		collect_due(loop, all);
	for (int i = 0; i < TURN && loop->due.head != NULL; i++) {
		struct reeve_http_connection *connection = loop->due.head;
		if (ask_stream(connection)) {
			resume_stream(connection);
		} else {
			unlink_stream(connection);
			make_idle(connection);
		}
	}
}

int64_t reeve__http_streams_timeout(const struct reeve_http_loop *loop)
{
	if (loop->due.head != NULL)
		return 0;
	return loop->next_due_ms == INT64_MAX ? INT64_MAX : loop->next_due_ms - loop->now_ms;
}
