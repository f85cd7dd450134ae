/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - all streams of the daemon: how many there may be, who has which token, and the
 * thread that wakes them.
 */
#include "stream/internal.h"
#include "stream/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PACE_NS	       (5 * REEVE_MSEC)	  /* between two wakes of the loops */
#define WAIT_NS	       (250 * REEVE_MSEC) /* for an event, before the stop is looked at */
#define RESERVATION_NS (30 * REEVE_SEC)

struct reeved_streams {
	struct reeved *daemon;
	pthread_t thread;
	pthread_mutex_t lock; /* protects what follows, up to slots */
	pthread_cond_t more;
	uint32_t n_streams, max_streams;
	uint32_t n_reserved;
	bool is_stopping;
	struct reeved_stream **slots; /* of those with tokens; max_streams of them */
	_Atomic uint64_t refused, events, gaps;
};

struct reeve *reeved__streams_segment(const struct reeved_streams *streams)
{
	return streams->daemon->reeve;
}

void reeved__streams_count(struct reeved_streams *streams, bool with_gap)
{
	reeved_count(&streams->events);
	if (with_gap)
		reeved_count(&streams->gaps);
}

/* Waits for the first stream. False: the end. */
static bool await_streams(struct reeved_streams *streams)
{
	pthread_mutex_lock(&streams->lock);
	while (streams->n_streams == 0 && !streams->is_stopping)
		pthread_cond_wait(&streams->more, &streams->lock);
	bool is_stopping = streams->is_stopping;
	pthread_mutex_unlock(&streams->lock);
	return !is_stopping;
}

static void *run_streams(void *arg)
{
	struct reeved_streams *streams = arg;
	struct reeved *daemon = streams->daemon;
	const struct timespec pace = {0, PACE_NS};
	uint64_t seen = 0;
	while (await_streams(streams)) {
		reeve_ns until = reeve_now_mono(daemon->reeve) + WAIT_NS;
		if (reeve_event_wait(daemon->reeve, seen, until, NULL) != 0)
			continue;
		seen = reeve_event_newest(daemon->reeve);
		reeve_http_wake_streams(daemon->http);
		nanosleep(&pace, NULL); /* what happens meanwhile is told at once with the next */
	}
	return NULL;
}

static int fail(struct reeve_error *err, const char *text)
{
	err->code = REEVE_ESYSTEM;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return REEVE_ESYSTEM;
}

int reeved_streams_start(
	struct reeved *daemon, struct reeved_streams **ret_streams, struct reeve_error *err)
{
	struct reeved_streams *streams = calloc(1, sizeof(*streams));
	if (streams == NULL)
		return fail(err, "out of memory for streams");
	streams->daemon = daemon;
	streams->max_streams = daemon->options.max_subscribers;
	streams->slots = calloc(streams->max_streams, sizeof(struct reeved_stream *));
	pthread_mutex_init(&streams->lock, NULL);
	pthread_cond_init(&streams->more, NULL);
	if (streams->slots == NULL ||
		pthread_create(&streams->thread, NULL, run_streams, streams) != 0) {
		free(streams->slots);
		free(streams);
		return fail(err, "cannot start the thread that tells events");
	}
	*ret_streams = streams;
	return 0;
}

void reeved_streams_hush(struct reeved_streams *streams)
{
	if (streams == NULL || streams->is_stopping)
		return;
	pthread_mutex_lock(&streams->lock);
	streams->is_stopping = true;
	pthread_cond_broadcast(&streams->more);
	pthread_mutex_unlock(&streams->lock);
	pthread_join(streams->thread, NULL);
}

void reeved_streams_stop(struct reeved_streams *streams)
{
	if (streams == NULL)
		return;
	reeved_streams_hush(streams);
	for (uint32_t i = 0; i < streams->max_streams; i++) {
		if (streams->slots[i] != NULL)
			reeved_stream_release(streams->slots[i]);
	}
	pthread_cond_destroy(&streams->more);
	pthread_mutex_destroy(&streams->lock);
	free(streams->slots);
	free(streams);
}

void reeved_streams_stats_get(
	struct reeved_streams *streams, struct reeved_streams_stats *ret_stats)
{
	pthread_mutex_lock(&streams->lock);
	ret_stats->streams = streams->n_streams;
	ret_stats->max_streams = streams->max_streams;
	pthread_mutex_unlock(&streams->lock);
	ret_stats->refused = atomic_load_explicit(&streams->refused, memory_order_relaxed);
	ret_stats->events = atomic_load_explicit(&streams->events, memory_order_relaxed);
	ret_stats->gaps = atomic_load_explicit(&streams->gaps, memory_order_relaxed);
}

/* Takes a stream with a token out; the registry's reference goes to the caller. */
static void unlist_locked(struct reeved_streams *streams, struct reeved_stream *stream)
{
	streams->slots[stream->slot] = NULL;
	streams->n_reserved--;
	streams->n_streams--;
}

/* Reservations that nobody came for, chained by nothing: at most `most` of them. */
static uint32_t expire_locked(
	struct reeved_streams *streams, struct reeved_stream **ret_expired, uint32_t most)
{
	reeve_ns now = reeve_now_mono(streams->daemon->reeve);
	uint32_t n = 0, left = streams->n_reserved;
	for (uint32_t i = 0; i < streams->max_streams && left > 0 && n < most; i++) {
		struct reeved_stream *stream = streams->slots[i];
		if (stream == NULL)
			continue;
		left--;
		if (stream->is_connected || now - stream->reserved_mono < RESERVATION_NS)
			continue;
		unlist_locked(streams, stream);
		ret_expired[n++] = stream;
	}
	return n;
}

/* A place among the streams. RESOURCE_EXHAUSTED. */
static int take_place(struct reeved_streams *streams, struct reeve_error *err)
{
	struct reeved_stream *expired[16];
	uint32_t n = 0;
	pthread_mutex_lock(&streams->lock);
	if (streams->n_streams >= streams->max_streams)
		n = expire_locked(streams, expired, 16);
	bool is_full = streams->n_streams >= streams->max_streams;
	if (!is_full)
		streams->n_streams++;
	pthread_cond_signal(&streams->more);
	pthread_mutex_unlock(&streams->lock);
	for (uint32_t i = 0; i < n; i++)
		reeved_stream_close(expired[i]);
	if (!is_full)
		return 0;
	reeved_count(&streams->refused);
	err->code = REEVE_ERESOURCE_EXHAUSTED;
	snprintf(err->text, sizeof(err->text),
		"%u subscribers are there, which is the limit; see --max-subscribers",
		streams->max_streams);
	return err->code;
}

static void give_place(struct reeved_streams *streams)
{
	pthread_mutex_lock(&streams->lock);
	streams->n_streams--;
	pthread_mutex_unlock(&streams->lock);
}

static int make_stream(
	struct reeved_streams *streams, struct reeved_stream **ret_stream, struct reeve_error *err)
{
	int rc = take_place(streams, err);
	if (rc != 0)
		return rc;
	struct reeved_stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL) {
		give_place(streams);
		return fail(err, "out of memory for a stream");
	}
	reeved__stream_init(stream, streams);
	*ret_stream = stream;
	return 0;
}

int reeved_stream_open(struct reeved_streams *streams, struct reeved_topic *topic,
	struct reeved_stream **ret_stream, struct reeve_error *err)
{
	struct reeved_stream *stream;
	int rc = make_stream(streams, &stream, err);
	if (rc != 0)
		return rc;
	stream->topics = topic;
	stream->n_topics = 1;
	stream->is_connected = true;
	*ret_stream = stream;
	return 0;
}

/* slot, then 128 bits that nobody can guess. */
static bool make_token(struct reeved_stream *stream)
{
	uint64_t secret[2];
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return false;
	snprintf(stream->token, sizeof(stream->token), "%08x%016llx%016llx", stream->slot,
		(unsigned long long)secret[0], (unsigned long long)secret[1]);
	return true;
}

int reeved_stream_reserve(struct reeved_streams *streams, char ret_token[REEVED_STREAM_TOKEN],
	struct reeve_error *err)
{
	struct reeved_stream *stream;
	int rc = make_stream(streams, &stream, err);
	if (rc != 0)
		return rc;
	stream->is_reserved = true;
	stream->reserved_mono = reeve_now_mono(streams->daemon->reeve);
	pthread_mutex_lock(&streams->lock);
	while (streams->slots[stream->slot] != NULL) /* there is one: the place was taken */
		stream->slot++;
	bool is_random = make_token(stream);
	if (is_random) {
		streams->slots[stream->slot] = stream;
		streams->n_reserved++;
		memcpy(ret_token, stream->token, sizeof(stream->token));
	}
	pthread_mutex_unlock(&streams->lock);
	if (is_random)
		return 0;
	give_place(streams);
	reeved_stream_release(stream);
	return fail(err, "the system has no random numbers");
}

/* In a time that does not tell how much is right. */
static bool is_token(const struct reeved_stream *stream, const char *token)
{
	unsigned char differs = 0;
	for (size_t i = 0; i + 1 < sizeof(stream->token); i++)
		differs |= (unsigned char)(stream->token[i] ^ token[i]);
	return differs == 0;
}

struct reeved_stream *reeved_stream_find(struct reeved_streams *streams, const char *token)
{
	struct reeved_stream *stream = NULL;
	char slot_text[9] = "", exact[REEVED_STREAM_TOKEN] = "";
	if (strlen(token) > sizeof(exact) - 1)
		return NULL;
	memcpy(exact, token, strlen(token));
	memcpy(slot_text, exact, 8);
	unsigned long slot = strtoul(slot_text, NULL, 16);
	pthread_mutex_lock(&streams->lock);
	if (slot < streams->max_streams)
		stream = streams->slots[slot];
	if (stream != NULL && !is_token(stream, exact))
		stream = NULL;
	if (stream != NULL)
		atomic_fetch_add_explicit(&stream->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&streams->lock);
	return stream;
}

int reeved_stream_connect(struct reeved_stream *stream, struct reeve_error *err)
{
	struct reeved_streams *streams = stream->streams;
	pthread_mutex_lock(&streams->lock);
	/* It may have been taken out since it was found. */
	bool is_there = streams->slots[stream->slot] == stream;
	bool is_free = is_there && !stream->is_connected;
	if (is_free)
		stream->is_connected = true;
	pthread_mutex_unlock(&streams->lock);
	if (is_free)
		return 0;
	err->code = is_there ? REEVE_ECONFLICT : REEVE_ENOT_FOUND;
	snprintf(err->text, sizeof(err->text), "%s",
		is_there ? "the stream is open already" : "there is no stream of this token");
	return err->code;
}

void reeved_stream_close(struct reeved_stream *stream)
{
	struct reeved_streams *streams = stream->streams;
	bool was_listed = false;
	pthread_mutex_lock(&stream->lock);
	stream->is_closed = true;
	pthread_mutex_unlock(&stream->lock);
	pthread_mutex_lock(&streams->lock);
	if (!stream->is_reserved) {
		streams->n_streams--;
	} else if (streams->slots[stream->slot] == stream) {
		unlist_locked(streams, stream);
		was_listed = true;
	}
	pthread_mutex_unlock(&streams->lock);
	if (was_listed)
		reeved_stream_release(stream);
	reeved_stream_release(stream);
}
