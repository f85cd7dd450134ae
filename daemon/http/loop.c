/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.c - one loop thread: waits for anything, lets libmicrohttpd do its work, brings finished
 * requests back, closes the slow.
 *
 * libmicrohttpd runs without threads of its own: each door's epoll descriptor is one entry of our
 * epoll set. The other entries are the wake-up descriptor, and the sockets of clients whose requests are
 * at work or are streams, watched for nothing but their end (EPOLLRDHUP). A closed and a half-closed connection
 * look the same from here; both count as gone, as in other servers.
 */
#include "http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_EVENTS	 64
#define SWEEP_MS	 1000 /* how often the slow and the ended are looked for */
#define ABANDON_MS	 50   /* how often a request that nobody waits for is told so */
#define PER_LOOP_TIMEOUT 300u /* seconds without a byte, behind all limits of ours */

static int64_t read_clock_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int watch(struct reeve_http_loop *loop, int fd, void *tag)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* libmicrohttpd says what it dislikes about clients; the answers it sends them say the same. */
static void ignore_message(void *cls, const char *format, va_list args)
{
	(void)cls;
	(void)format;
	(void)args;
}

/*
 * Not strict for clients: all that would be refused then, the filter refuses, and libmicrohttpd
 * 0.9.75 writes the head of its own refusals twice. What it still refuses by itself, before the
 * filter sees it, is a malformed Content-Length. Later versions are strict: they see lines that end
 * wrongly, which lines.h finds out for this one.
 */
static struct MHD_Daemon *start_mhd(struct reeve_http_gate *gate, int listen_fd)
{
	const struct reeve_http_options *options = &gate->loop->http->options;
	uint32_t connections = options->max_connections / options->threads;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, reeve__http_tls_callback()},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)reeve__http_tls_priorities},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
#if MHD_VERSION >= 0x00097600
	const enum MHD_OPTION strictness = MHD_OPTION_CLIENT_DISCIPLINE_LVL;
	const int how_strict = 2;
#else
	const enum MHD_OPTION strictness = MHD_OPTION_STRICT_FOR_CLIENT;
	const int how_strict = 0;
#endif
	if (gate->door->is_tls)
		flags |= MHD_USE_TLS;
	return MHD_start_daemon(flags, 0, reeve__http_accept, gate, reeve__http_handle, gate,
		MHD_OPTION_EXTERNAL_LOGGER, ignore_message, NULL, MHD_OPTION_ARRAY,
		gate->door->is_tls ? tls : none, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, connections > 0 ? connections : 1u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->max_head_bytes,
		MHD_OPTION_CONNECTION_TIMEOUT, PER_LOOP_TIMEOUT, strictness, how_strict,
		MHD_OPTION_NOTIFY_CONNECTION, reeve__http_notify_connection, gate,
		MHD_OPTION_URI_LOG_CALLBACK, reeve__http_note_target, gate,
		MHD_OPTION_NOTIFY_COMPLETED, reeve__http_note_completed, gate,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static int open_gate(struct reeve_http_gate *gate, int shared_fd, struct reeve_error *err)
{
	int listen_fd = fcntl(shared_fd, F_DUPFD_CLOEXEC, 0);
	if (listen_fd < 0)
		return reeve__http_fail(err, "cannot share the socket: %s", strerror(errno));
	gate->mhd = start_mhd(gate, listen_fd);
	if (gate->mhd == NULL) {
		close(listen_fd);
		return reeve__http_fail(err, "libmicrohttpd did not start");
	}
	int mhd_fd = MHD_get_daemon_info(gate->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	if (watch(gate->loop, mhd_fd, NULL) != 0)
		return reeve__http_fail(err, "cannot fill an event loop: %s", strerror(errno));
	return 0;
}

int reeve__http_loop_init(
	struct reeve_http_loop *loop, struct reeve_http *http, struct reeve_error *err)
{
	loop->http = http;
	loop->now_ms = read_clock_ms();
	loop->next_due_ms = INT64_MAX;
	pthread_mutex_init(&loop->lock, NULL);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll_fd < 0 || loop->wake_fd < 0)
		return reeve__http_fail(err, "cannot make an event loop: %s", strerror(errno));
	if (watch(loop, loop->wake_fd, loop) != 0)
		return reeve__http_fail(err, "cannot fill an event loop: %s", strerror(errno));
	int rc = 0;
	for (uint32_t i = 0; rc == 0 && i < http->options.n_doors; i++) {
		loop->gates[i].loop = loop;
		loop->gates[i].door = &http->options.doors[i];
		rc = open_gate(&loop->gates[i], http->listeners[i].fd, err);
	}
	return rc;
}

void reeve__http_loop_fini(struct reeve_http_loop *loop)
{
	if (loop->http == NULL)
		return;
	for (uint32_t i = 0; i < loop->http->options.n_doors; i++) {
		if (loop->gates[i].mhd != NULL)
			MHD_stop_daemon(loop->gates[i].mhd);
	}
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	pthread_mutex_destroy(&loop->lock);
}

void reeve__http_loop_wake(struct reeve_http_loop *loop)
{
	uint64_t one = 1;
	/* Fails only when the counter is full, and then the loop is awake anyway. */
	(void)!write(loop->wake_fd, &one, sizeof(one));
}

void reeve__http_loop_return(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	pthread_mutex_lock(&loop->lock);
	connection->queue_next = loop->returned;
	loop->returned = connection;
	pthread_mutex_unlock(&loop->lock);
	reeve__http_loop_wake(loop);
}

static void resume_returned(struct reeve_http_loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct reeve_http_connection *connection = loop->returned;
	loop->returned = NULL;
	pthread_mutex_unlock(&loop->lock);
	while (connection != NULL) {
		struct reeve_http_connection *next = connection->queue_next;
		(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
		if (connection->is_gone)
			loop->abandoned--;
		connection->is_back = true;
		atomic_fetch_sub_explicit(&loop->working, 1, memory_order_relaxed);
		MHD_resume_connection(connection->mhd);
		connection = next;
	}
}

static void abandon(struct reeve_http_connection *connection)
{
	const struct reeve_http_app *app = &connection->loop->http->options.app;
	app->abandon(app->self, connection->state);
}

/* The client of a request at work hung up. */
static void note_gone(struct reeve_http_connection *connection)
{
	struct reeve_http_loop *loop = connection->loop;
	if (connection->is_stream) {
		reeve__http_stream_gone(connection);
		return;
	}
	if (connection->is_gone || connection->phase != REEVE_HTTP_PHASE_WORK)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->is_gone = true;
	loop->abandoned++;
	atomic_fetch_add_explicit(&loop->gone, 1, memory_order_relaxed);
	abandon(connection);
}

/* Requests at work that nobody waits for: told again, in case they were between two waits. */
static void repeat_abandon(struct reeve_http_loop *loop, bool all)
{
	for (struct reeve_http_connection *c = loop->connections; c != NULL; c = c->next) {
		if (c->phase == REEVE_HTTP_PHASE_WORK && (all || c->is_gone))
			abandon(c);
	}
}

/*
 * A client that sends a piece and hangs up at once may be overlooked: libmicrohttpd waits for the
 * socket's next edge after a read that filled less than its buffer, and the end of what is sent had
 * come with that piece, so no edge is left. Nothing was leaked, but all of it was kept until the
 * deadline. To give up receiving, as the client has given up sending, loses nothing that has
 * arrived, and makes the kernel wake the library once more. Said again at each sweep while it lasts.
 */
static void wake_if_ended(const struct reeve_http_connection *connection)
{
	struct pollfd end = {.fd = connection->fd, .events = POLLRDHUP};
	if (connection->phase != REEVE_HTTP_PHASE_HEAD &&
		connection->phase != REEVE_HTTP_PHASE_BODY)
		return;
	if (poll(&end, 1, 0) == 1 && (end.revents & POLLRDHUP) != 0)
		shutdown(connection->fd, SHUT_RD);
}

/* Shuts sockets of connections that took too long; libmicrohttpd then finds them closed. */
static void sweep(struct reeve_http_loop *loop)
{
	loop->next_sweep_ms = loop->now_ms + SWEEP_MS;
	for (struct reeve_http_connection *c = loop->connections; c != NULL; c = c->next) {
		wake_if_ended(c);
		if (c->phase == REEVE_HTTP_PHASE_WORK || c->phase == REEVE_HTTP_PHASE_IDLE ||
			c->deadline_ms > loop->now_ms)
			continue;
		c->deadline_ms = INT64_MAX;
		atomic_fetch_add_explicit(&loop->expired, 1, memory_order_relaxed);
		shutdown(c->fd, SHUT_RDWR);
	}
}

static int timeout_of(struct reeve_http_loop *loop, bool is_stopping)
{
	MHD_UNSIGNED_LONG_LONG mhd_ms;
	int64_t wait_ms = loop->next_sweep_ms - loop->now_ms;
	int64_t streams_ms = reeve__http_streams_timeout(loop);
	if (is_stopping || loop->abandoned > 0)
		wait_ms = ABANDON_MS;
	if (streams_ms < wait_ms)
		wait_ms = streams_ms;
	for (uint32_t i = 0; i < loop->http->options.n_doors; i++) {
		if (MHD_get_timeout(loop->gates[i].mhd, &mhd_ms) == MHD_YES &&
			mhd_ms < (uint64_t)SWEEP_MS && (int64_t)mhd_ms < wait_ms)
			wait_ms = (int64_t)mhd_ms;
	}
	return wait_ms < 0 ? 0 : (int)wait_ms;
}

static void take_events(struct reeve_http_loop *loop, struct epoll_event *events, int n)
{
	for (int i = 0; i < n; i++) {
		void *tag = events[i].data.ptr;
		uint64_t count;
		if (tag == NULL)
			continue;
		if (tag == loop)
			(void)!read(loop->wake_fd, &count, sizeof(count));
		else
			note_gone(tag);
	}
}

/* Stops accepting, once, and starts the short deadlines of a server that stops. */
static void quiesce(struct reeve_http_loop *loop, bool *is_quiet)
{
	if (*is_quiet)
		return;
	*is_quiet = true;
	for (uint32_t i = 0; i < loop->http->options.n_doors; i++) {
		MHD_socket fd = MHD_quiesce_daemon(loop->gates[i].mhd);
		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	for (struct reeve_http_connection *c = loop->connections; c != NULL; c = c->next)
		reeve__http_set_phase(c, c->phase);
}

void *reeve__http_loop_run(void *arg)
{
	struct reeve_http_loop *loop = arg;
	struct epoll_event events[MAX_EVENTS];
	bool is_quiet = false;
	while (true) {
		bool is_stopping =
			atomic_load_explicit(&loop->http->is_stopping, memory_order_acquire);
		if (is_stopping) {
			quiesce(loop, &is_quiet);
			repeat_abandon(loop, true);
			if (loop->active == 0)
				break;
		} else if (loop->abandoned > 0) {
			repeat_abandon(loop, false);
		}
		int n = epoll_wait(
			loop->epoll_fd, events, MAX_EVENTS, timeout_of(loop, is_stopping));
		loop->now_ms = read_clock_ms();
		take_events(loop, events, n);
		resume_returned(loop);
		reeve__http_streams_run(loop, is_stopping);
		for (uint32_t i = 0; i < loop->http->options.n_doors; i++)
			MHD_run(loop->gates[i].mhd);
		if (is_stopping || loop->now_ms >= loop->next_sweep_ms)
			sweep(loop);
	}
	atomic_fetch_sub_explicit(&loop->http->loops_left, 1, memory_order_release);
	return NULL;
}
