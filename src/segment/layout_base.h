/* SPDX-License-Identifier: Apache-2.0 */
/* layout_base.h - what every part of the layout uses: locks, slots, tables. Letters as in layout.h. */
#ifndef REEVE_SEGMENT_LAYOUT_BASE_H
#define REEVE_SEGMENT_LAYOUT_BASE_H

#include "../base/base.h"

#include <pthread.h>

/* A robust, process-shared lock. 64 bytes: a lock has its cache line to itself. */
struct reeve_sh_lock {
	pthread_mutex_t mutex;
	uint32_t rank;		     /* i */
	_Atomic uint32_t recoveries; /* a: times a dead owner was cleaned up after */
	_Atomic int32_t owner_hint;  /* h: pid, for post-mortems */
	uint32_t pad;
	uint64_t pad2;
};

enum {
	REEVE_SLOT_FREE = 0,
	REEVE_SLOT_CLAIMED = 1, /* being filled */
	REEVE_SLOT_LIVE = 2,
	REEVE_SLOT_ENDED = 3, /* kept for a while to be looked at; may be reused */
	REEVE_SLOT_KEPT = 4   /* the same, but its owner still has a handle: not to be reused */
};

/* First 32 bytes of every slot. */
struct reeve_sh_head {
	_Atomic uint32_t state;	     /* a: REEVE_SLOT_... */
	_Atomic uint32_t generation; /* a: grows when the slot is freed */
	uint64_t id;		     /* i: public id */
	uint32_t next;		     /* d, table's lock: free list, or list of ended slots */
	uint32_t chain;	     /* d, table's lock: 1 + next slot with the same hash of the id */
	uint32_t name_chain; /* d, table's lock: the same for the name */
	uint32_t name_hash;  /* d, table's lock: low half of the name's hash */
};

/* One table of slots. Protected by the lock that protects its slots. */
struct reeve_sh_table {
	uint32_t capacity;	     /* i */
	uint32_t stride;	     /* i: bytes a slot */
	uint64_t slots;		     /* i: offset of slot 0 */
	uint64_t buckets;	     /* i: offset of the hash of ids, then (if any) of names */
	uint32_t bucket_count;	     /* i: power of two */
	uint32_t has_names;	     /* i */
	_Atomic uint32_t high_water; /* slots at or above were never used; primary */
	_Atomic uint32_t live; /* d: slots not free; read without the lock by lists of sizes */
	uint32_t free;	       /* d: head of the free list */
	uint32_t ended_first;  /* d: oldest slot that ended and is kept for a while */
	uint32_t ended_last;   /* d */
	uint32_t pad;
	uint64_t pad2;
};

#endif
