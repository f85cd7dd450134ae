/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - see stream.h. The daemon's streams as a whole: registry.c. */
#include "stream/stream.h"
#include "stream/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_ALIVE_MS 15000
#define GRID_MS	      50	  /* periodic topics that are due within it come together */
#define PIECE_BYTES   (16 * 1024) /* of a piece, before another event is begun */
#define ANSWER_BYTES  ((size_t)4 * 1024 * 1024) /* of a piece, at most */

static void put(struct reeve_json *out, const char *text)
{
	reeve_json_raw(out, text, strlen(text));
}

void reeved_sse_begin(struct reeve_json *out, const char *event, uint64_t id)
{
	char line[32];
	put(out, "event: ");
	put(out, event);
	if (id != 0) {
		snprintf(line, sizeof(line), "\nid: %llu", (unsigned long long)id);
		put(out, line);
	}
	put(out, "\ndata: ");
}

void reeved_sse_end(struct reeve_json *out, size_t start)
{
	for (size_t i = start; reeve_json_ok(out) && i < out->len; i++) {
		if (out->data[i] == '\n' || out->data[i] == '\r')
			out->data[i] = ' ';
	}
	put(out, "\n\n");
}

void reeved__stream_init(struct reeved_stream *stream, struct reeved_streams *streams)
{
	stream->streams = streams;
	atomic_init(&stream->references, 1);
	pthread_mutex_init(&stream->lock, NULL);
	reeve_json_init(&stream->out, ANSWER_BYTES);
	reeve_json_init(&stream->put, ANSWER_BYTES);
}

static void destroy_topics(struct reeved_topic *topic)
{
	while (topic != NULL) {
		struct reeved_topic *next = topic->next;
		topic->destroy(topic);
		topic = next;
	}
}

void reeved_stream_release(struct reeved_stream *stream)
{
	/* What another holder did comes before the last one frees it. */
	if (atomic_fetch_sub_explicit(&stream->references, 1, memory_order_acq_rel) != 1)
		return;
	destroy_topics(stream->topics);
	destroy_topics(stream->inbox);
	reeve_json_fini(&stream->out);
	reeve_json_fini(&stream->put);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}

/* Other threads */

static struct reeved_topic *find_topic(struct reeved_topic *topic, const char *id)
{
	while (topic != NULL &&
		(topic->id == NULL || strcmp(topic->id, id) != 0 ||
			atomic_load_explicit(&topic->is_cancelled, memory_order_relaxed)))
		topic = topic->next;
	return topic;
}

static struct reeved_topic *find_locked(struct reeved_stream *stream, const char *id)
{
	struct reeved_topic *topic = find_topic(stream->topics, id);
	return topic != NULL ? topic : find_topic(stream->inbox, id);
}

static int fail(struct reeve_error *err, int code, const char *text)
{
	err->code = code;
	snprintf(err->text, sizeof(err->text), "%s", text);
	return code;
}

static int add_locked(
	struct reeved_stream *stream, struct reeved_topic *topic, struct reeve_error *err)
{
	if (stream->is_closed)
		return fail(err, REEVE_ENOT_FOUND, "the stream has been closed");
	if (stream->n_topics >= REEVED_STREAM_TOPICS)
		return fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"64 operations are on this stream, which is the limit");
	if (topic->id != NULL && find_locked(stream, topic->id) != NULL)
		return fail(err, REEVE_ECONFLICT, "an operation of this id is on the stream");
	topic->next = stream->inbox;
	stream->inbox = topic;
	stream->n_topics++;
	return 0;
}

int reeved_stream_add(
	struct reeved_stream *stream, struct reeved_topic *topic, struct reeve_error *err)
{
	pthread_mutex_lock(&stream->lock);
	int rc = add_locked(stream, topic, err);
	pthread_mutex_unlock(&stream->lock);
	return rc;
}

bool reeved_stream_cancel(struct reeved_stream *stream, const char *id)
{
	pthread_mutex_lock(&stream->lock);
	struct reeved_topic *topic = find_locked(stream, id);
	if (topic != NULL)
		atomic_store_explicit(&topic->is_cancelled, true, memory_order_relaxed);
	pthread_mutex_unlock(&stream->lock);
	return topic != NULL;
}

int reeved_stream_put(
	struct reeved_stream *stream, const char *events, size_t len, struct reeve_error *err)
{
	int rc = 0;
	pthread_mutex_lock(&stream->lock);
	if (stream->is_closed)
		rc = fail(err, REEVE_ENOT_FOUND, "the stream has been closed");
	else if (len > ANSWER_BYTES - stream->put.len || !reeve_json_reserve(&stream->put, len))
		rc = fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"4 MiB of answers wait for the stream's client to read them");
	else
		reeve_json_raw(&stream->put, events, len);
	pthread_mutex_unlock(&stream->lock);
	return rc;
}

/* The loop's thread */

/* Takes what other threads put in. Only here, and in drop_topic, the list of topics changes. */
static void take_inbox(struct reeved_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	while (stream->inbox != NULL) {
		struct reeved_topic *topic = stream->inbox;
		stream->inbox = topic->next;
		topic->next = stream->topics;
		stream->topics = topic;
	}
	if (stream->put.len > 0) {
		reeve_json_raw(&stream->out, stream->put.data, stream->put.len);
		reeve_json_fini(&stream->put);
	}
	pthread_mutex_unlock(&stream->lock);
}

static void drop_topic(struct reeved_stream *stream, struct reeved_topic **place)
{
	struct reeved_topic *topic = *place;
	if (topic->finish != NULL)
		topic->finish(topic, &stream->out);
	pthread_mutex_lock(&stream->lock);
	*place = topic->next;
	stream->n_topics--;
	pthread_mutex_unlock(&stream->lock);
	topic->destroy(topic);
}

struct telling {
	struct reeved_stream *stream;
	struct reeved_topic *topic;
	void *user;
};

static bool has_room(const struct reeved_stream *stream)
{
	return stream->out.len < PIECE_BYTES && reeve_json_ok(&stream->out);
}

static bool tell_event(void *arg, const struct reeve_event *event)
{
	struct telling *telling = arg;
	struct reeved_topic *topic = telling->topic;
	bool has_gap = topic->feed.gap_from != 0;
	topic->write(topic, event, telling->user, &telling->stream->out);
	reeved__streams_count(telling->stream->streams, has_gap && topic->feed.gap_from == 0);
	return has_room(telling->stream) && !topic->is_over;
}

/* Tells of one topic what there is; when it is to be asked again at the latest. */
static int64_t run_topic(
	struct reeved_stream *stream, struct reeved_topic *topic, void *user, int64_t now_ms)
{
	struct telling telling = {stream, topic, user};
	if (topic->period_ms == 0) {
		struct reeve *reeve = reeved__streams_segment(stream->streams);
		return reeved_feed_read(&topic->feed, reeve, tell_event, &telling) ? now_ms
										   : INT64_MAX;
	}
	if (now_ms >= topic->due_ms) {
		topic->due_ms = (now_ms + topic->period_ms + GRID_MS - 1) / GRID_MS * GRID_MS;
		topic->write(topic, NULL, user, &stream->out);
		reeved__streams_count(stream->streams, false);
	}
	return topic->due_ms;
}

static int64_t run_topics(struct reeved_stream *stream, void *user, int64_t now_ms)
{
	int64_t again_ms = INT64_MAX;
	struct reeved_topic **place = &stream->topics;
	while (*place != NULL) {
		struct reeved_topic *topic = *place;
		int64_t due_ms = now_ms;
		bool is_over = atomic_load_explicit(&topic->is_cancelled, memory_order_relaxed);
		if (!is_over && has_room(stream))
			due_ms = run_topic(stream, topic, user, now_ms);
		if (is_over || topic->is_over) {
			drop_topic(stream, place);
			continue;
		}
		if (due_ms < again_ms)
			again_ms = due_ms;
		place = &topic->next;
	}
	return again_ms;
}

enum reeve_http_flow reeved_stream_next(struct reeved_stream *stream, void *user, int64_t now_ms,
	struct reeve_http_piece *ret_piece)
{
	/* What was told is not kept: most streams are silent most of the time. */
	reeve_json_fini(&stream->out);
	take_inbox(stream);
	int64_t again_ms = run_topics(stream, user, now_ms);
	if (!reeve_json_ok(&stream->out))
		return REEVE_HTTP_FLOW_END; /* out of memory: the client comes back */
	if (stream->out.len == 0 && stream->is_begun && !stream->is_reserved &&
		stream->topics == NULL)
		return REEVE_HTTP_FLOW_END;
	if (stream->out.len == 0 && (!stream->is_begun || now_ms >= stream->keep_alive_ms))
		put(&stream->out, ":\n\n");
	stream->is_begun = true;
	if (stream->out.len > 0) {
		stream->keep_alive_ms = now_ms + KEEP_ALIVE_MS;
		*ret_piece =
			(struct reeve_http_piece){stream->out.data, stream->out.len, INT64_MAX};
		return REEVE_HTTP_FLOW_PIECE;
	}
	ret_piece->again_ms = again_ms < stream->keep_alive_ms ? again_ms : stream->keep_alive_ms;
	return REEVE_HTTP_FLOW_IDLE;
}
