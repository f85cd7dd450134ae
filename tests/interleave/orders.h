/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders.h - runs threads in every order, one step at a time.
 *
 * Actors are threads that stop at named points of the library (defs/points.def). At each step one of
 * those that are stopped is let go, and runs until it stops again, ends, or is blocked: on a lock that
 * another holds, or parked for a slot. All sequences of choices are tried, as far as they change
 * from an actor that could go on to another at most `switches` times (Musuvathi and Qadeer 2007:
 * defects show with two or three).
 */
#ifndef REEVE_INTERLEAVE_ORDERS_H
#define REEVE_INTERLEAVE_ORDERS_H

#include <reeve/reeve.h>

enum { ORDERS_ACTORS_MAX = 4, ORDERS_STEPS_MAX = 200 };

struct orders_actor {
	const char *name;
	void (*run)(void *arg);
	void *arg;
};

struct orders {
	struct orders_actor actors[ORDERS_ACTORS_MAX];
	uint32_t count;
	uint32_t switches;  /* at most so many in a run */
	uint32_t most_runs; /* then it ends, and says so */
	/* Before each run, and after it with all actors ended; the number of faults. */
	void (*prepare)(void *arg);
	int (*check)(void *arg);
	void *arg;
};

/* Runs all orders. Prints how many, and the steps of one with faults. Returns the number of faults. */
int orders_run(const char *title, const struct orders *o);

/*
 * The real host, but for sleeps: they last a second longer than asked for, so that only somebody's
 * wake-up ends them in time. How many ended otherwise since the last call.
 */
const struct reeve_host *orders_host(void);
uint32_t orders_overslept(void);

#endif
