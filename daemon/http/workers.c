/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workers.c - threads for requests that wait: started when all are busy, up to a bound, then kept.
 *
 * First come, first served: who deserves to run is decided where the request waits, not here. A
 * request that finds no free thread and a full queue is refused at once.
 */
#include "http/internal.h"

#include <stdlib.h>

#define WORKER_STACK_BYTES ((size_t)512 * 1024) /* SQLite needs well under 100 KiB */

static struct reeve_http_connection *take_locked(struct reeve_http_workers *workers)
{
	struct reeve_http_connection *first = workers->head;
	if (first != NULL) {
		workers->head = first->queue_next;
		if (workers->head == NULL)
			workers->tail = NULL;
		workers->waiting--;
	}
	return first;
}

static struct reeve_http_connection *await_request(struct reeve_http_workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->idle++;
	while (workers->head == NULL && !workers->is_stopping)
		pthread_cond_wait(&workers->more, &workers->lock);
	workers->idle--;
	struct reeve_http_connection *connection = take_locked(workers);
	pthread_mutex_unlock(&workers->lock);
	return connection;
}

static void *run_worker(void *arg)
{
	struct reeve_http_workers *workers = arg;
	const struct reeve_http_app *app = &workers->http->options.app;
	struct reeve_http_connection *connection;
	while ((connection = await_request(workers)) != NULL) {
		app->work(app->self, connection->state);
		reeve__http_loop_return(connection);
	}
	return NULL;
}

int reeve__http_workers_init(
	struct reeve_http_workers *workers, struct reeve_http *http, struct reeve_error *err)
{
	workers->http = http;
	workers->ids = calloc(http->options.workers, sizeof(*workers->ids));
	if (workers->ids == NULL)
		return reeve__http_fail(err, "out of memory for the table of workers");
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->more, NULL);
	return 0;
}

/* One thread more, if there may be one. A failure is none while other workers exist. */
static void start_worker_locked(struct reeve_http_workers *workers)
{
	if (workers->threads >= workers->http->options.workers)
		return;
	pthread_attr_t attr;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK_BYTES);
	if (pthread_create(&workers->ids[workers->threads], &attr, run_worker, workers) == 0)
		workers->threads++;
	pthread_attr_destroy(&attr);
}

bool reeve__http_workers_submit(
	struct reeve_http_workers *workers, struct reeve_http_connection *connection)
{
	pthread_mutex_lock(&workers->lock);
	if (workers->waiting >= workers->idle)
		start_worker_locked(workers);
	bool is_full = workers->threads == 0 || workers->waiting >= workers->http->options.backlog;
	if (!is_full) {
		connection->queue_next = NULL;
		if (workers->tail != NULL)
			workers->tail->queue_next = connection;
		else
			workers->head = connection;
		workers->tail = connection;
		workers->waiting++;
		pthread_cond_signal(&workers->more);
	}
	pthread_mutex_unlock(&workers->lock);
	return !is_full;
}

void reeve__http_workers_fini(struct reeve_http_workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	workers->is_stopping = true;
	pthread_cond_broadcast(&workers->more);
	pthread_mutex_unlock(&workers->lock);
	for (uint32_t i = 0; i < workers->threads; i++)
		pthread_join(workers->ids[i], NULL);
	pthread_cond_destroy(&workers->more);
	pthread_mutex_destroy(&workers->lock);
	free(workers->ids);
}
