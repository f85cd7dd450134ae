/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what has happened: a ring of the latest events, numbered, for any number of readers.
 *
 * Events are kept in the segment until newer ones take their place (reeve_options.max_events of
 * them). A reader remembers the number it has read up to, and is told how many it has missed.
 */
#ifndef REEVE_EVENT_H
#define REEVE_EVENT_H

#include <reeve/events.h>
#include <reeve/limits.h>
#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_EVENT_TEXT_MAX 65

/* What a limit that was crossed has done. */
enum reeve_limit_action {
	REEVE_ACTION_NONE = 0,
	REEVE_ACTION_LOG = 1,
	REEVE_ACTION_THROTTLE = 2,
	REEVE_ACTION_QUEUE = 3,
	REEVE_ACTION_SWITCH_GROUP = 4,
	REEVE_ACTION_CANCEL_QUERY = 5,
	REEVE_ACTION_TERMINATE_SESSION = 6,
	REEVE_ACTION_REJECT = 7
};

/* One event: a copy. Fields that a kind has no use for are 0. */
struct reeve_event {
	uint64_t sequence;   /* 1, 2, 3...; strictly increasing */
	reeve_ns wall;	     /* when */
	reeve_ns mono;	     /* the same on the monotonic clock */
	uint32_t kind;	     /* enum reeve_event_kind */
	uint32_t severity;   /* enum reeve_event_severity; of the kind */
	int32_t code;	     /* of refusals and failures: REEVE_E... */
	uint32_t reason;     /* enum reeve_termination, _switch_reason or _wait_reason, by kind */
	uint32_t limit_kind; /* enum reeve_limit_kind: what `limit` and `actual` are of */
	uint32_t action;     /* what was done: enum reeve_limit_action */
	reeve_group_id group;
	reeve_session_id session;
	reeve_plan_id plan;
	uint64_t object; /* id of what else it is about: task, request, directive, old group, pid */
	uint64_t query;
	uint64_t limit, actual; /* in the unit of limit_kind */
	reeve_session_id holder;
	char text[REEVE_EVENT_TEXT_MAX]; /* up to 64 bytes: a name, a reason */
};

/*
 * Copies up to `capacity` events with a number above `after`, oldest first. *ret_next gets the number
 * to go on from, *ret_lost how many of those between were overwritten before they could be read, or
 * were never finished because their process died. Either may be NULL. A number above the newest
 * copies nothing, and *ret_next is the newest. Returns the number of events copied.
 * Takes no lock, never blocks. Thread- and process-safe.
 */
REEVE_API uint32_t reeve_event_copy(struct reeve *reeve, uint64_t after,
	struct reeve_event *ret_events, uint32_t capacity, uint64_t *ret_next, uint64_t *ret_lost);

/* Number of the newest event; 0: none yet. To start reading from now on. */
REEVE_API uint64_t reeve_event_newest(struct reeve *reeve);

/*
 * Waits until there is an event above `after` to be copied. Returns 0 then, REEVE_ETIMEOUT at `deadline`
 * (monotonic; REEVE_NEVER: none), INVALID_ARGUMENT for a negative one. An event is seen at the
 * latest 50 ms after it happened, ordinarily at once.
 */
REEVE_API int reeve_event_wait(
	struct reeve *reeve, uint64_t after, reeve_ns deadline, struct reeve_error *err);

/* What a kind is called and how an event of it reads; NULL name for a kind that does not exist. */
struct reeve_event_row {
	const char *name; /* SESSION_CREATED */
	uint32_t severity;
	const char *text; /* with the places of fields in braces */
};
/* Static; NULL for a kind that does not exist. */
REEVE_API const struct reeve_event_row *reeve_event_row_of(uint32_t kind);

struct reeve_limit_row {
	const char *name; /* CPU_TIME */
	const char *unit; /* "ns", "bytes"... */
	const char *text;
};
/* Static; NULL for a limit that does not exist. */
REEVE_API const struct reeve_limit_row *reeve_limit_row_of(uint32_t limit_kind);

/*
 * The event as a sentence, cut to `size` bytes with the final NUL. Returns the length that it has
 * uncut. `to` may be NULL when `size` is 0.
 */
REEVE_API size_t reeve_event_format(const struct reeve_event *event, char *to, size_t size);

#ifdef __cplusplus
}
#endif
#endif
