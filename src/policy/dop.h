/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dop.h - degrees of parallelism: what AUTOMATIC gives, how ADAPTIVE changes, who waits before whom.
 *
 * Worked, two cores, nothing requested: cost 50,000 gives max(2 / 2, 4) = 4; cost 100,000 gives
 * max(2, 4) = 4; at a load of 0.65 that is 3, at 0.9 it is 2.
 */
#ifndef REEVE_POLICY_DOP_H
#define REEVE_POLICY_DOP_H

#include "../base/base.h"

/* Rows that one server should have to do, so that its start is worth it. */
#define REEVE__DOP_ROWS ((uint64_t)1000)
/* Loads above which a degree is cut to three quarters and to a half. */
#define REEVE__DOP_LOAD_BUSY 600000u
#define REEVE__DOP_LOAD_HIGH 800000u
/* What a step of priority is worth in waiting. */
#define REEVE__PARALLEL_STEP_NS ((uint64_t)1000000000)
/* Who is first and has waited that long is not passed any more. */
#define REEVE__PARALLEL_PASS_NS ((uint64_t)1000000000)
/* An execution's degree changes at most once in this time. */
#define REEVE__PARALLEL_ADAPT_NS ((uint64_t)100000000)

enum reeve__dop_reason {
	REEVE__DOP_COST,
	REEVE__DOP_ROWS_FEW,
	REEVE__DOP_LOAD,
	REEVE__DOP_REQUESTED,
	REEVE__DOP_GROUP,
	REEVE__DOP_LEFT,
	REEVE__DOP_IO,
	REEVE__DOP_REASONS
};

struct reeve__dop_input {
	uint32_t cores;	      /* at least 1 */
	uint32_t requested;   /* 0: none given */
	uint32_t group_limit; /* UINT32_MAX: none */
	uint32_t left;	      /* servers not in use */
	uint32_t io_parallelism;
	uint32_t load_ppm;
	uint64_t cost_milli; /* REEVE_UNLIMITED: unknown */
	uint64_t rows;	     /* REEVE_UNLIMITED: unknown */
};

struct reeve__dop_step {
	uint32_t reason; /* enum reeve__dop_reason */
	uint32_t dop;	 /* after the step */
};

/*
 * The degree, at least 1. Never falls when the cost or the rows grow. Fills `ret_steps` (room for
 * REEVE__DOP_REASONS; NULL: not wanted) with the first step and each that changed it; *ret_count.
 */
uint32_t reeve__dop_auto(
	const struct reeve__dop_input *in, struct reeve__dop_step *ret_steps, uint32_t *ret_count);

struct reeve__dop_running {
	uint32_t now;	 /* degree, at least 1 */
	uint32_t least;	 /* at least 1 */
	uint32_t target; /* at least `least` */
	uint32_t free;	 /* servers to be had */
	bool is_wanted;	 /* somebody waits for servers */
	uint32_t load_ppm;
};

/*
 * The degree that a running ADAPTIVE execution should have: half while others wait or the load is
 * high, down to `least`; twice when nobody waits and the load is low, up to the target and to what
 * `free` allows; else as it is.
 */
uint32_t reeve__dop_adapt(const struct reeve__dop_running *in);

/* Servers that a degree takes: none for a serial call. */
static inline uint32_t reeve__dop_servers(uint32_t dop)
{
	return dop > 1 ? dop : 0;
}

/*
 * Place in a group's queue: smaller goes first. A step of priority counts as much as a second, so
 * the lowest of 100 is late by at most 100 s, and not lost.
 */
static inline uint64_t reeve__parallel_key(uint64_t requested_ns, uint32_t priority)
{
	return requested_ns + priority * REEVE__PARALLEL_STEP_NS;
}

#endif
