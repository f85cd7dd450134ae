/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_cpu.h - what the CPU domain keeps beside the slots of tasks and groups. Letters: layout.h.
 *
 * Both kinds of rows are all zero when new: links are slot + 1, and 0 is none.
 */
#ifndef REEVE_SEGMENT_LAYOUT_CPU_H
#define REEVE_SEGMENT_LAYOUT_CPU_H

#include "../base/measures.h"

/* One a task slot, with its index. */
struct reeve_sh_cpu_task {
	/* who waits for whom: waits_for is primary, the rest is the same seen from the other side */
	_Atomic uint64_t waits_for; /* D writes: word of the task that holds what this one wants */
	_Atomic uint32_t first_waiter; /* D d: 1 + a task that waits for this one */
	uint32_t next_waiter;	       /* D d: 1 + another that waits for the same */
	uint32_t previous_waiter;      /* D d */
	uint32_t lane; /* D d: REEVE_LANE of group and priority it runs with; 0: own */
	/* the policies' */
	uint32_t rest_ns;   /* D: what is left of the estimated cost of its statement */
	uint32_t cost_ns;   /* D: the estimate */
	uint32_t statement; /* D: low half of start_cycles of the statement they are of */
	uint32_t pad;
	uint64_t aged_until_ns;	 /* D: it got its slot by age, and keeps it until then */
	struct reeve_sh_use use; /* D */
};

/* One a group slot, with its index, and one more for all together. */
struct reeve_sh_cpu_lane {
	struct reeve_sh_histogram
		waits;		    /* D: for CPU, of the group's tasks, by waits that are over */
	struct reeve_sh_use use[2]; /* D: of the group; [1]: of its pull tasks */
	uint64_t average[2];	    /* D: that the use of its tasks is compared with */
	uint32_t pull_where;	    /* D d: REEVE_GROUP_... of its pull tasks */
	uint32_t pad;
	uint64_t pad2;
};

struct reeve_sh_cpu_more {
	_Atomic uint32_t policy; /* D writes: enum reeve_cpu_policy */
	uint32_t pull_throttled; /* D d: heap of groups with pull tasks, over their cap, by time */
	uint64_t tasks;		 /* i: offset of one reeve_sh_cpu_task a task */
	uint64_t lanes;		 /* i: offset of one reeve_sh_cpu_lane a group, and one */
	_Atomic uint64_t boosts; /* D: tasks that began to run with another group's merit */
	_Atomic uint64_t deadlocks;  /* D: waits refused because they would never have ended */
	_Atomic uint64_t recoveries; /* a: times a degraded segment was put right */
	uint64_t slot_ns;	     /* i: offset of a count a CPU slot: what was used in it. a */
	uint64_t links;		     /* D d: tasks that wait for another */
};

_Static_assert(sizeof(struct reeve_sh_cpu_task) == 64, "a cache line a task");
_Static_assert(sizeof(struct reeve_sh_cpu_lane) % 64 == 0, "cpu lane");
_Static_assert(sizeof(struct reeve_sh_cpu_more) == 64, "cpu more");

#endif
