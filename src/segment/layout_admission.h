/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_admission.h - statements that were admitted by ids to all that they need, in the segment.
 * Letters as in layout.h. All of it lies under the session lock.
 *
 * What an admission holds is said by what is held: the session's phase HAND and its place in a pool,
 * a CPU task and a parallel execution that name the session, bytes in its memory quota. A row names
 * them, so that they are found.
 */
#ifndef REEVE_SEGMENT_LAYOUT_ADMISSION_H
#define REEVE_SEGMENT_LAYOUT_ADMISSION_H

#include "layout.h"

/*
 * LIVE: PLACE -> SERVERS -> RUNNING, any of them left out; ENDED, kept for a while: COMPLETED or FAILED.
 */
enum {
	REEVE_ADMISSION_PLACE = 1,   /* waits for a place in the pool of its group */
	REEVE_ADMISSION_SERVERS = 2, /* has it, waits for parallel servers */
	REEVE_ADMISSION_RUNNING = 3,
	REEVE_ADMISSION_COMPLETED = 4,
	REEVE_ADMISSION_FAILED = 5
};

struct reeve_sh_admission {
	struct reeve_sh_head head;
	_Atomic uint32_t stage; /* S: REEVE_ADMISSION_... */
	_Atomic uint32_t busy;	/* S: 1 while what it holds is being changed; such are undone */
	uint32_t session;	/* i: slot */
	uint32_t task;		/* S: slot of its CPU task; REEVE_NONE */
	uint64_t session_id;	/* i */
	uint64_t task_id;	/* S: 0: none yet */
	uint64_t execution_id;	/* S: parallel; 0: none yet, or serial */
	uint64_t group_id;	/* S: when it ended; 0: its session's */
	/* what it asked for; i */
	uint32_t is_parallel, mode, requested_dop, min_dop, downgrade, parallel_priority;
	uint64_t cost_milli, rows, estimate_ns, work_area_bytes;
	int64_t begun_wall;   /* i */
	int64_t started_wall; /* S: 0: not yet */
	int64_t ended_wall;   /* S: 0: not yet */
	/* how it was, when it has ended; S */
	uint64_t cpu_ns, io_bytes, io_requests;
	uint32_t dop;
	uint32_t outcome; /* code of its failure as a positive number; 0: none */
	char failure[120];
	int64_t deadline; /* i: for its servers; monotonic */
};
_Static_assert(sizeof(struct reeve_sh_admission) == 320, "an admission takes 320 bytes");

#endif
