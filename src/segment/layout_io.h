/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_io.h - what lies in the segment for I/O: requests, per-group state, slots, devices,
 * executors, and the domain. A part of layout.h, which includes it; letters as there, and
 *
 *   I I/O lock
 *
 * Primary: a request's state, and the slots' words, which say who performs an I/O. Everything about
 * queues and counts follows from these.
 */
#ifndef REEVE_SEGMENT_LAYOUT_H
#include "layout.h" /* which includes this file at its place */
#elif !defined(REEVE_SEGMENT_LAYOUT_IO_H)
#define REEVE_SEGMENT_LAYOUT_IO_H

#include "layout_base.h"
#include "../base/io_flow.h"

#include <reeve/io.h>

#define REEVE_SH_IO_SLOTS     1024u /* most requests under way at once */
#define REEVE_SH_IO_DEVICES   64u
#define REEVE_SH_IO_EXECUTORS 64u
#define REEVE_SH_IO_SHARDS    4u /* copies of a device's counters, so that writers meet less */

enum { REEVE_IO_QUEUE_ADMIT = 0, REEVE_IO_QUEUE_PULL = 1, REEVE_IO_QUEUES = 2 };

enum {
	REEVE_IO_FLAG_SEQUENTIAL = 1,
	REEVE_IO_FLAG_THROTTLED = 2, /* was delayed by a limit; counted */
	REEVE_IO_FLAG_IOPS = 4,	     /* the limit that holds it is that of operations */
	REEVE_IO_FLAG_TAKEN = 8	     /* its executor has taken it up: it is in no list any more */
};
enum { REEVE_IO_KIND_PULL = 0, REEVE_IO_KIND_MANAGED = 1, REEVE_IO_KIND_ADMIT = 2 };

/* A request of pull or managed mode, or one that a session waits for. */
struct reeve_sh_io_request {
	struct reeve_sh_head head;
	_Atomic uint32_t state;	  /* I writes, a reads: enum reeve_io_state */
	uint32_t kind;		  /* i: REEVE_IO_KIND_... */
	uint32_t flags;		  /* I: REEVE_IO_FLAG_... */
	uint32_t type;		  /* i */
	uint32_t device;	  /* i */
	uint32_t attachment;	  /* i: slot */
	uint32_t task;		  /* i: slot; REEVE_NONE */
	uint32_t task_generation; /* i */
	uint32_t executor;	  /* i: slot; REEVE_NONE */
	uint32_t next;		  /* I d: in its executor's list of granted requests */
	uint32_t slot;		  /* I h: I/O slot that bears its name */
	uint32_t pad;
	uint64_t started_ns; /* I */
	uint64_t offset;     /* i */
	uint64_t session_id; /* i: whose task it is; 0: nobody's */
	uint64_t pad2[3];
	struct reeve_sh_io_entry entry; /* I; flow: group slot */
};

/* Spans by powers of two. */
struct reeve_sh_latency {
	_Atomic uint64_t count, sum_ns, min_ns, max_ns;
	_Atomic uint64_t buckets[REEVE_LATENCY_BUCKETS];
	uint64_t pad[4];
};

/* A group's I/O; beside the group's slot, of the same number. */
struct reeve_sh_io_group {
	/* read on every begin */
	_Atomic uint64_t group_id;   /* I writes: group that this is of; another's is cleared */
	_Atomic uint32_t is_limited; /* I d */
	uint32_t active;	     /* I d: requests of the table that are ACTIVE */
	uint32_t weight;	     /* I d */
	uint32_t held_by_iops;	     /* I h: which limit it is held for */
	_Atomic uint64_t held_told_ns,
		missed_told_ns; /* a h: when events last told of it; 0: never */
	uint64_t pad[3];
	/* limits, and what is past */
	struct reeve_sh_io_bucket bytes, ops; /* I */
	struct reeve_sh_io_rate rate;	      /* I: of requests that no live task counts; at: ns */
	uint64_t retired_bytes,
		retired_ops; /* I: of tasks that are gone or have moved on, and of none */
	_Atomic uint64_t deadline_misses; /* a */
	uint64_t throttled;		  /* I */
	uint64_t pad2;
	/* explicit registration: the copy that `registered` names is in force */
	_Atomic uint64_t registered; /* C: (activation + 1) * 2 + which copy; 0: none */
	_Atomic uint64_t registered_bandwidth[2], registered_iops[2]; /* C writes */
	_Atomic uint32_t registered_weight[2];			      /* C writes */
	uint64_t pad3[2];
	struct reeve_sh_latency wait;			/* I: waits that were any */
	struct reeve_sh_io_flow flows[REEVE_IO_QUEUES]; /* I d, but for start: I */
};

/* Permission for one request to be under way. A cache line each. */
struct reeve_sh_io_slot {
	_Atomic uint64_t word;	       /* a: who; see engine/io.h */
	_Atomic uint64_t since_cycles; /* h: since when */
	_Atomic uint32_t group;	       /* h */
	_Atomic uint32_t device;       /* h */
	uint64_t pad[5];
};

struct reeve_sh_io_counts {
	_Atomic uint64_t completed, failed, bytes_read, bytes_written, bytes_other; /* a */
	uint64_t pad[3];
	struct reeve_sh_latency service; /* a */
};

struct reeve_sh_io_device {
	_Atomic uint32_t is_known; /* I writes: 1 once target is there */
	uint32_t pad;
	char target[REEVE_IO_TARGET_MAX]; /* i */
	uint64_t sampled_ns;		  /* I: when busy was last worked out */
	uint64_t sampled_service_ns;	  /* I: service by then */
	uint64_t busy_q20;		  /* I: mean number under way, times 2^20 */
	struct reeve_sh_io_counts shards[REEVE_SH_IO_SHARDS];
};

/* An executor of some process: where its granted requests go. */
struct reeve_sh_io_executor {
	struct reeve_sh_head head;
	_Atomic uint32_t word; /* a: futex word, grows with every grant */
	uint32_t attachment;   /* i: slot */
	uint32_t first, last;  /* I d: granted and not yet taken up */
	uint64_t pad[2];
};

struct reeve_sh_io {
	/* read on every begin and end */
	_Atomic uint32_t contended;	 /* I writes: requests in the admission queue */
	_Atomic uint32_t max_concurrent; /* I writes */
	_Atomic uint64_t ruling_seen;	 /* I writes: ruling word that limits are of */
	_Atomic uint64_t deadlines_ns[REEVE_IO_TYPES][REEVE_IO_PRIORITIES]; /* I writes */
	_Atomic uint32_t slot_limit; /* I writes, d: slots below it may be taken; see io.h */
	uint32_t pad[3];
	struct reeve_sh_lock lock;
	struct reeve_sh_io_queue queues[REEVE_IO_QUEUES]; /* I d, but for clock and policy */
	uint64_t next_request_id, next_executor_id;	  /* I */
	uint32_t burst_ppm;				  /* I */
	uint32_t watchman;		     /* I h: waiting request whose owner looks after time */
	uint64_t watch_ns;		     /* I h: when it will look; 0: as soon as it runs */
	uint32_t slot_hint;		     /* I h: a slot that may be free */
	uint32_t devices;		     /* I: known, with the nameless first */
	uint64_t cancelled;		     /* I */
	uint64_t merged;		     /* I */
	uint64_t clock_ns;		     /* I: the latest instant anybody had under the lock */
	uint64_t slots, groups, device_rows; /* i: offsets */
	_Alignas(64) struct reeve_sh_table requests, executors;
};

_Static_assert(sizeof(struct reeve_sh_io_entry) == 128, "entry");
_Static_assert(sizeof(struct reeve_sh_io_request) == 256, "an I/O request takes 256 bytes");
_Static_assert(sizeof(struct reeve_sh_io_slot) == 64, "an I/O slot is a cache line");
_Static_assert(sizeof(struct reeve_sh_io_group) % 64 == 0, "I/O group");
_Static_assert(offsetof(struct reeve_sh_io_group, bytes) % 64 == 0, "I/O group, second block");
_Static_assert(sizeof(struct reeve_sh_io_counts) % 64 == 0, "I/O counts");
_Static_assert(sizeof(struct reeve_sh_io_device) % 64 == 0, "I/O device");
_Static_assert(offsetof(struct reeve_sh_io_device, shards) % 64 == 0, "I/O device, shards");
_Static_assert(sizeof(struct reeve_sh_io_executor) == 64, "I/O executor");
_Static_assert(offsetof(struct reeve_sh_io, lock) % 64 == 0, "I/O lock");
_Static_assert(sizeof(struct reeve_sh_io) % 64 == 0, "I/O domain");

#endif
