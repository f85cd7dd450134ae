/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_flow.h - what the I/O policies know: requests waiting (entries), groups that have some (flows),
 * and a queue of them. Lies in the segment; linked by index; under the I/O lock.
 *
 * All of it is derived, but for what an entry says of its request: recovery clears the queues and
 * adds every waiting entry again.
 */
#ifndef REEVE_BASE_IO_FLOW_H
#define REEVE_BASE_IO_FLOW_H

#include "heap.h"

/* One request as a policy sees it. */
struct reeve_sh_io_entry {
	struct reeve_sh_node node; /* in a heap of its flow */
	struct reeve_sh_node due;  /* in the queue's heap of deadlines, until that has passed */
	uint64_t size_bytes;
	uint64_t submitted_ns;
	uint64_t deadline_ns; /* UINT64_MAX: none */
	uint64_t tie;	      /* arrival number */
	uint32_t flow;	      /* group slot */
	uint32_t is_write;    /* direction, for the deadline policy: 0 or 1 */
	uint32_t klass;	      /* 0 (real time) to 4 (idle), as given */
	uint32_t is_late;     /* past its deadline: two classes better */
	uint64_t pad[2];
};

enum {
	REEVE_FLOW_IDLE = 0,	/* nothing waits */
	REEVE_FLOW_READY = 1,	/* in the ready heap (deadline: in one or both) */
	REEVE_FLOW_BEHIND = 2,	/* budget fair: not yet eligible, by start tag */
	REEVE_FLOW_CURRENT = 3, /* budget fair: in service, in no heap */
	REEVE_FLOW_HELD = 4,	/* over a limit, by the instant at which it may go on */
	REEVE_FLOW_PAUSED =
		5 /* budget fair: nothing waits in the middle of its turn, by finish tag */
};

/* One group in one queue. */
struct reeve_sh_io_flow {
	struct reeve_sh_node node[2]; /* [1]: writes, deadline policy only */
	uint32_t root[2];	      /* its entries; [1] as above */
	uint32_t count;
	uint32_t where;	      /* REEVE_FLOW_... */
	uint64_t start;	      /* virtual: fair: service so far; budget fair: start tag */
	uint64_t finish;      /* budget fair: finish tag */
	uint64_t budget_used; /* budget fair: bytes of this turn */
	uint64_t held_until_ns;
	uint32_t weight; /* 1 to 10,000 */
	uint32_t pad;
	uint64_t pad2;
};

/* Requests that wait, of all groups, under one policy. */
struct reeve_sh_io_queue {
	uint32_t policy;   /* enum reeve_io_policy */
	uint32_t ready[2]; /* heaps of flows; [1]: writes, deadline policy only */
	uint32_t behind;   /* heap of flows by start tag */
	uint32_t held;	   /* heap of flows by the instant at which they may go on */
	uint32_t due;	   /* heap of entries by deadline */
	uint32_t count;	   /* entries */
	uint32_t current;  /* budget fair: flow in service; REEVE_NONE */
	uint32_t batch_is_write, batch_left, reads_first; /* deadline */
	uint32_t paused; /* budget fair: heap of flows by finish tag */
	uint64_t clock;	 /* virtual time */
	uint64_t tie;	 /* next arrival number */
	uint64_t weight; /* of all flows that have entries or are paused */
	uint64_t pad2;
};

/* A limit of a rate; see policy/io_bucket.h. */
struct reeve_sh_io_bucket {
	uint64_t full_at;    /* ticks: when it will be full again */
	uint64_t inv_q20;    /* ticks a unit, times 2^20; 0: no limit */
	uint64_t burst;	     /* ticks: what it holds */
	uint64_t limit_rate; /* units a second; REEVE_UNLIMITED */
};

/* Exponentially weighted rates of two quantities; see policy/io_rate.h. */
struct reeve_sh_io_rate {
	uint64_t bytes_q8; /* bytes a second, times 256, at the instant `at` */
	uint64_t ops_q8;
	uint64_t at;
};

#endif
