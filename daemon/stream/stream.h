/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - server-sent events: answers of the HTTP server that go on, and what they tell of.
 *
 * A stream is one client's. It has topics: each follows the ring of events, or comes again and again
 * after a period. The next piece of a stream is made when its client has taken the last one, and
 * only then: a stream keeps at most one piece, and its topics keep numbers. What a slow client
 * misses of the events is told by their numbers (feed.h); of periodic topics it gets fewer.
 *
 * Streams of GraphQL (subscribe.c) are of one operation, or reserved under a token first and then
 * filled by other requests ("single connection"). Others only need a topic's `write`.
 *
 * Threads: a stream that is open is told by its connection's loop. Other threads only put into the
 * inbox, under the stream's lock, which is never held while something is resolved. The daemon's
 * streams have a lock and a thread of their own: it waits for events while there are streams, and
 * wakes the HTTP server's loops, at most once in 5 ms.
 */
#ifndef REEVE_DAEMON_STREAM_H
#define REEVE_DAEMON_STREAM_H

#include "http/http.h"
#include "json/json.h"
#include "reeved.h"
#include "stream/feed.h"

#define REEVED_STREAM_TOPICS 64u /* of one stream */
#define REEVED_STREAM_TOKEN  42
#define REEVED_TOPIC_ID	     128

struct reeved_streams; /* all of the daemon */
struct reeved_stream;

struct reeved_topic {
	struct reeved_topic *next;
	struct reeved_feed feed; /* not periodic */
	int64_t period_ms;	 /* 0: follows the feed */
	int64_t due_ms;		 /* periodic: when it comes next; 0: at once */
	bool is_over;		 /* `write` wants no more */
	_Atomic bool is_cancelled;
	/* Appends events for one event, NULL for one period. Told in feed.gap_from that some were
	 * missed, it says so and sets that to 0. `user` is as given to reeved_stream_open. */
	void (*write)(struct reeved_topic *topic, const struct reeve_event *event, void *user,
		struct reeve_json *out);
	/* Appends the last words of a topic that is over or cancelled. NULL: none. */
	void (*finish)(struct reeved_topic *topic, struct reeve_json *out);
	void (*destroy)(struct reeved_topic *topic);
	char *id; /* of an operation among others; NULL: the stream's only one */
};

/* SYSTEM. */
int reeved_streams_start(
	struct reeved *daemon, struct reeved_streams **ret_streams, struct reeve_error *err);
/* Wakes the HTTP server no more: before it is closed. NULL is allowed. */
void reeved_streams_hush(struct reeved_streams *streams);
/* Hushed, and no stream is open any more. NULL is allowed. */
void reeved_streams_stop(struct reeved_streams *streams);

struct reeved_streams_stats {
	uint32_t streams, max_streams;
	uint64_t refused; /* for being too many */
	uint64_t events;  /* told, of all kinds of topics */
	uint64_t gaps;	  /* times that a reader was told of events it missed */
};
void reeved_streams_stats_get(
	struct reeved_streams *streams, struct reeved_streams_stats *ret_stats);

/*
 * A stream of one topic, which it takes. RESOURCE_EXHAUSTED: as many as --max-subscribers are open
 * (the topic stays the caller's). Free with reeved_stream_close.
 */
int reeved_stream_open(struct reeved_streams *streams, struct reeved_topic *topic,
	struct reeved_stream **ret_stream, struct reeve_error *err);
/* A place for a stream without topics, that ends when nobody opens it within 30 s. */
int reeved_stream_reserve(struct reeved_streams *streams, char ret_token[REEVED_STREAM_TOKEN],
	struct reeve_error *err);
/* Finds a reserved stream; a reference for the caller. NULL: no such token. */
struct reeved_stream *reeved_stream_find(struct reeved_streams *streams, const char *token);
/* The connection to it: CONFLICT when there is one. It takes over the caller's reference. */
int reeved_stream_connect(struct reeved_stream *stream, struct reeve_error *err);
void reeved_stream_release(struct reeved_stream *stream);
/* Its connection is over. */
void reeved_stream_close(struct reeved_stream *stream);

/* Of any stream: a topic more, which it takes. CONFLICT: the id is in use; RESOURCE_EXHAUSTED. */
int reeved_stream_add(
	struct reeved_stream *stream, struct reeved_topic *topic, struct reeve_error *err);
/* Ends the topic of this id. False: there is none. */
bool reeved_stream_cancel(struct reeved_stream *stream, const char *id);
/* Puts whole events in, as they are. RESOURCE_EXHAUSTED: 4 MiB wait to be read. */
int reeved_stream_put(
	struct reeved_stream *stream, const char *events, size_t len, struct reeve_error *err);

/* The next piece; for struct reeve_http_app. */
enum reeve_http_flow reeved_stream_next(struct reeved_stream *stream, void *user, int64_t now_ms,
	struct reeve_http_piece *ret_piece);

/* "event: NAME\nid: SEQUENCE\ndata: ", then what the caller appends in one line. id 0: none. */
void reeved_sse_begin(struct reeve_json *out, const char *event, uint64_t id);
/* Ends it: line breaks since `start`, where data began, become blanks. */
void reeved_sse_end(struct reeve_json *out, size_t start);

#endif
