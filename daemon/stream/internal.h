/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - a stream, and what stream.c and registry.c share. */
#ifndef REEVE_DAEMON_STREAM_INTERNAL_H
#define REEVE_DAEMON_STREAM_INTERNAL_H

#include "stream/stream.h"

struct reeved_stream {
	struct reeved_streams *streams;
	_Atomic uint32_t references; /* connection, registry, requests that have found it */
	bool is_reserved;	     /* has a token; constant */
	uint32_t slot;		     /* of is_reserved */
	char token[REEVED_STREAM_TOKEN];

	/* The loop's. */
	struct reeve_json out; /* the piece that is being sent */
	int64_t keep_alive_ms; /* when a comment is due */
	bool is_begun;

	pthread_mutex_t lock; /* protects inbox, put, n_topics, is_closed, the links of topics */
	struct reeved_topic *topics;
	struct reeved_topic *inbox;
	struct reeve_json put;
	uint32_t n_topics;
	bool is_closed;

	/* Under the registry's lock. */
	bool is_connected;
	reeve_ns reserved_mono;
};

void reeved__stream_init(struct reeved_stream *stream, struct reeved_streams *streams);
struct reeve *reeved__streams_segment(const struct reeved_streams *streams);
void reeved__streams_count(struct reeved_streams *streams, bool with_gap);

#endif
