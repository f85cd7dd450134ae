/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.c - a server as a whole: the loops' life, and what is counted.
 */
#include "http/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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
	options->max_per_address = 256;
	options->max_held_bytes = (size_t)256 * 1024 * 1024;
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

static void close_listeners(struct reeve_http *http)
{
	for (uint32_t i = 0; i < http->options.n_doors; i++)
		reeve__http_listener_close(&http->listeners[i], &http->options.doors[i]);
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
	close_listeners(http);
	reeve__http_addresses_fini(&http->addresses);
	free(http);
}

static int start(struct reeve_http *http, uint32_t *ret_running, struct reeve_error *err)
{
	int rc = reeve__http_addresses_init(
		&http->addresses, http->options.max_connections * http->options.n_doors, err);
	for (uint32_t i = 0; rc == 0 && i < http->options.n_doors; i++)
		rc = reeve__http_listener_open(&http->listeners[i], &http->options.doors[i], err);
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
	http->checks_lines = strcmp(MHD_get_version(), "0.9.75") == 0;
	for (uint32_t i = 0; i < REEVE_HTTP_DOORS_MAX; i++)
		http->listeners[i].fd = -1;
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

const char *reeve_http_address(const struct reeve_http *http, uint32_t door)
{
	return http->listeners[door].address;
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
	close_listeners(http); /* the loops close theirs; then new clients are refused at once */
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
	ret_stats->held_bytes = atomic_load_explicit(&http->held_bytes, memory_order_relaxed);
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
		ret_stats->connections_refused +=
			atomic_load_explicit(&loop->refused, memory_order_relaxed);
		ret_stats->clients_gone += atomic_load_explicit(&loop->gone, memory_order_relaxed);
		ret_stats->connections +=
			atomic_load_explicit(&loop->n_connections, memory_order_relaxed);
		ret_stats->working += atomic_load_explicit(&loop->working, memory_order_relaxed);
		ret_stats->streams += atomic_load_explicit(&loop->n_streams, memory_order_relaxed);
	}
}
