/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_event.h - the ring of events in the segment. Letters as in layout.h; the protocol is told
 * in event.c.
 */
#ifndef REEVE_SEGMENT_LAYOUT_EVENT_H
#define REEVE_SEGMENT_LAYOUT_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

/* Words of an event besides its stamp and sum. */
#define REEVE_SH_EVENT_WORDS 21u

struct reeve_sh_event {
	_Atomic uint64_t stamp; /* a: sequence * 2, + 1 while being filled; 0: never used */
	_Atomic uint64_t sum;	/* a: of the words and the sequence */
	_Atomic uint64_t words[REEVE_SH_EVENT_WORDS]; /* a: struct reeve_event, packed */
	uint64_t pad;
};

struct reeve_sh_events {
	_Atomic uint64_t next; /* a: sequence of the next event; the first is 1 */
	_Atomic uint64_t
		refused;       /* a: events whose place was gone before they could be put there */
	_Atomic uint32_t bell; /* a: futex word: grows with every event published */
	_Atomic uint32_t sleepers; /* a h: processes that wait; too many after a death */
	_Atomic uint32_t owed;	   /* a: 1: somebody sleeps and was not woken yet */
	uint32_t capacity;	   /* i: power of two */
	uint64_t ring;		   /* i: offset of the events */
	uint64_t pad[3];
};

_Static_assert(sizeof(struct reeve_sh_event) == 192, "an event is three cache lines");
_Static_assert(sizeof(struct reeve_sh_events) == 64, "the ring's head is a cache line");

#endif
