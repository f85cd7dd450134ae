/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - a server as a whole: the listening socket, the loops' life, and what is counted.
 *
 * The loops share one listening socket (each with a descriptor of its own) instead of one socket
 * each with SO_REUSEPORT: the kernel would then deal connections out by hash, also to a loop that
 * is busy, and a second reeved of the same user could listen on our port unnoticed.
 */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

const char *const reeve_http_route_names[REEVE_HTTP_ROUTES] = {
	"graphql", "api", "metrics", "health", "index", "other", "refused"};

int reeve__http_fail(struct reeve_error *err, const char *format, ...)
{
	if (err != NULL) {
		va_list args;
		va_start(args, format);
		err->code = REEVE_ESYSTEM;
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return REEVE_ESYSTEM;
}

void reeve_http_options_init(struct reeve_http_options *options)
{
	memset(options, 0, sizeof(*options));
	options->threads = 1;
	options->workers = 128;
	options->backlog = 1024;
	options->max_connections = 4096;
	options->max_body_bytes = (size_t)1024 * 1024;
	options->max_head_bytes = (size_t)32 * 1024;
	options->head_seconds = 60;
	options->body_seconds = 60;
	options->send_seconds = 120;
	options->stream_seconds = 30;
}

enum reeve_http_route reeve_http_route_of(const char *path)
{
	static const struct {
		const char *path;
		enum reeve_http_route route;
	} routes[] = {
		{"/graphql", REEVE_HTTP_ROUTE_GRAPHQL},
		{"/graphql/stream", REEVE_HTTP_ROUTE_GRAPHQL},
		{"/metrics", REEVE_HTTP_ROUTE_METRICS},
		{"/healthz", REEVE_HTTP_ROUTE_HEALTH},
		{"/readyz", REEVE_HTTP_ROUTE_HEALTH},
		{"/", REEVE_HTTP_ROUTE_INDEX},
	};
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (strcmp(path, routes[i].path) == 0)
			return routes[i].route;
	}
	if (strncmp(path, "/api", 4) == 0 && (path[4] == '/' || path[4] == '\0'))
		return REEVE_HTTP_ROUTE_API;
	return REEVE_HTTP_ROUTE_OTHER;
}

size_t reeve_http_error_body(char *buffer, size_t capacity, const char *code, const char *message)
{
	int len = snprintf(buffer, capacity,
		"{\"errors\":[{\"message\":\"%s\",\"extensions\":{\"code\":\"%s\"}}]}\n", message,
		code);
	return len > 0 && (size_t)len < capacity ? (size_t)len : 0;
}

size_t reeve_http_problem_body(
	char *buffer, size_t capacity, int status, const char *code, const char *message)
{
	int len = snprintf(buffer, capacity,
		"{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\","
		"\"code\":\"%s\"}",
		MHD_get_reason_phrase_for((unsigned)status), status, message, code);
	return len > 0 && (size_t)len < capacity ? (size_t)len : 0;
}

static void print_address(const struct sockaddr_storage *address, char *text, size_t capacity)
{
	char host[INET6_ADDRSTRLEN] = "";
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, capacity, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		const struct sockaddr_in *in4 = (const void *)address;
		inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
		snprintf(text, capacity, "%s:%u", host, ntohs(in4->sin_port));
	}
}

static int open_listener(struct reeve_http *http, struct reeve_error *err)
{
	struct reeve_http_options *options = &http->options;
	int one = 1;
	print_address(&options->address, http->address, sizeof(http->address));
	int fd = socket(options->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return reeve__http_fail(err, "cannot make a socket: %s", strerror(errno));
	http->listen_fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&options->address, options->address_len) != 0 ||
		listen(fd, LISTEN_BACKLOG) != 0)
		return reeve__http_fail(
			err, "cannot listen on %s: %s", http->address, strerror(errno));
	socklen_t len = sizeof(options->address);
	getsockname(fd, (struct sockaddr *)&options->address, &len);
	print_address(&options->address, http->address, sizeof(http->address));
	return 0;
}

/* Stops loops [0, n) that run, and frees everything. */
static void tear_down(struct reeve_http *http, uint32_t n_running)
{
	atomic_store_explicit(&http->is_stopping, true, memory_order_release);
	for (uint32_t i = 0; i < n_running; i++)
		reeve__http_loop_wake(&http->loops[i]);
	for (uint32_t i = 0; i < n_running; i++)
		pthread_join(http->loops[i].thread, NULL);
	if (http->workers.ids != NULL)
		reeve__http_workers_fini(&http->workers);
	for (uint32_t i = 0; i < http->n_loops; i++)
		reeve__http_loop_fini(&http->loops[i]);
	if (http->listen_fd >= 0)
		close(http->listen_fd);
	free(http);
}

static int start(struct reeve_http *http, uint32_t *ret_running, struct reeve_error *err)
{
	int rc = open_listener(http, err);
	if (rc == 0)
		rc = reeve__http_workers_init(&http->workers, http, err);
	for (uint32_t i = 0; rc == 0 && i < http->n_loops; i++)
		rc = reeve__http_loop_init(&http->loops[i], http, err);
	for (uint32_t i = 0; rc == 0 && i < http->n_loops; i++) {
		struct reeve_http_loop *loop = &http->loops[i];
		int error = pthread_create(&loop->thread, NULL, reeve__http_loop_run, loop);
		if (error != 0)
			rc = reeve__http_fail(err, "cannot start a thread: %s", strerror(error));
		else
			*ret_running = i + 1;
	}
	return rc;
}

int reeve_http_open(const struct reeve_http_options *options, struct reeve_http **ret_http,
	struct reeve_error *err)
{
	struct reeve_http *http =
		calloc(1, sizeof(*http) + options->threads * sizeof(http->loops[0]));
	if (http == NULL)
		return reeve__http_fail(err, "out of memory for the HTTP server");
	http->options = *options;
	http->listen_fd = -1;
	http->n_loops = options->threads;
	atomic_init(&http->loops_left, options->threads);
	for (uint32_t i = 0; i < http->n_loops; i++)
		http->loops[i].epoll_fd = http->loops[i].wake_fd = -1;
	uint32_t running = 0;
	*ret_http = http; /* before the first request, which may ask for it */
	int rc = start(http, &running, err);
	if (rc != 0) {
		*ret_http = NULL;
		tear_down(http, running);
	}
	return rc;
}

const char *reeve_http_address(const struct reeve_http *http)
{
	return http->address;
}

void reeve_http_wake_streams(struct reeve_http *http)
{
	for (uint32_t i = 0; i < http->n_loops; i++) {
		struct reeve_http_loop *loop = &http->loops[i];
		if (atomic_load_explicit(&loop->n_streams, memory_order_relaxed) == 0)
			continue;
		/* Release: what there is to tell comes before the loop, who acquires, asks. */
		if (!atomic_exchange_explicit(&loop->wake_streams, true, memory_order_acq_rel))
			reeve__http_loop_wake(loop);
	}
}

bool reeve_http_close(struct reeve_http *http, reeve_ns patience)
{
	const struct timespec pause = {0, 5 * REEVE_MSEC};
	atomic_store_explicit(&http->is_stopping, true, memory_order_release);
	close(http->listen_fd); /* the loops close theirs; then new clients are refused at once */
	http->listen_fd = -1;
	for (uint32_t i = 0; i < http->n_loops; i++)
		reeve__http_loop_wake(&http->loops[i]);
	for (reeve_ns waited = 0; waited < patience; waited += pause.tv_nsec) {
		if (atomic_load_explicit(&http->loops_left, memory_order_acquire) == 0) {
			tear_down(http, http->n_loops);
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

void reeve_http_stats_get(struct reeve_http *http, struct reeve_http_stats *ret_stats)
{
	memset(ret_stats, 0, sizeof(*ret_stats));
	for (uint32_t i = 0; i < http->n_loops; i++) {
		struct reeve_http_loop *loop = &http->loops[i];
		for (size_t route = 0; route < REEVE_HTTP_ROUTES; route++) {
			for (size_t class = 0; class < 6; class ++)
				ret_stats->requests[route][class] += atomic_load_explicit(
					&loop->requests[route][class], memory_order_relaxed);
		}
		ret_stats->connections_accepted +=
			atomic_load_explicit(&loop->accepted, memory_order_relaxed);
		ret_stats->connections_expired +=
			atomic_load_explicit(&loop->expired, memory_order_relaxed);
		ret_stats->clients_gone += atomic_load_explicit(&loop->gone, memory_order_relaxed);
		ret_stats->connections +=
			atomic_load_explicit(&loop->n_connections, memory_order_relaxed);
		ret_stats->working += atomic_load_explicit(&loop->working, memory_order_relaxed);
		ret_stats->streams += atomic_load_explicit(&loop->n_streams, memory_order_relaxed);
	}
}
