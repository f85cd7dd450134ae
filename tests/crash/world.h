/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the surroundings of a kill: a segment with one CPU slot or two, processes with threads
 * that run statements on it all the time (the bystanders), and what must be true after a process died.
 *
 * Nobody ticks unless told to: whoever waits has to return by itself what the dead held.
 */
#ifndef REEVE_CRASH_WORLD_H
#define REEVE_CRASH_WORLD_H

#include "definitions.h"
#include "kit.h"

enum { WORLD_SLOTS_MAX = 2, WORLD_PROCESSES = 2, WORLD_THREADS = 2, WORLD_SETS = 4 };
/* Servers that may be in use at once. */
enum { WORLD_DOP = 4 };
enum { WORLD_LOOPS = WORLD_PROCESSES * WORLD_THREADS };

enum world_mode {
	WORLD_PAUSED, /* nobody is in a statement, once all idle words say so */
	WORLD_BUSY,   /* more loops than slots: somebody waits at any time */
	WORLD_LIGHT   /* short statements, long pauses: slots are mostly free */
};

/* Shared by all processes of a test. */
struct world {
	char path[64];
	_Atomic uint32_t mode, ticking;
	_Atomic uint32_t idle[WORLD_LOOPS];
	_Atomic uint64_t progress[WORLD_LOOPS]; /* statements ended */
	_Atomic int refused;			/* a bystander's call failed with this code */
	struct definitions sets[WORLD_SETS];
	_Atomic uint64_t plan_intended, plan_acknowledged;
	reeve_server_pool_id pool; /* of parallel servers, for all */
	/* this process's, in the test itself */
	struct reeve *r;
	uint32_t slots;
	bool any_plan; /* several activate plans: any system plan may be in force */
	struct reeve_session *probes[WORLD_SLOTS_MAX];
	pid_t children[WORLD_PROCESSES + 1];
	reeve_ns longest;
	uint64_t events_read;
};

/* Creates segment, definitions, bystanders and the (still idle) ticker. */
struct world *world_create(uint32_t cpu_slots);
/* Ends all, removes the file. */
void world_destroy(struct world *w);

/* A child process that runs `run` and then exits with what it returns; dies with the test. */
pid_t world_fork(struct world *w, int (*run)(struct world *w, void *arg), void *arg);
/* Waits until it has ended; its wait status. Fails (and kills it) after `limit`. */
int world_wait(pid_t pid, reeve_ns limit);

/* Gives the pool of parallel servers a minimum, and a maximum that follows from it. */
void world_change_pool(struct world *w, struct reeve *r, uint32_t min_servers);

/* Pauses the bystanders and waits until they are. False when one hangs. */
bool world_pause(struct world *w);
void world_go(struct world *w, enum world_mode mode);

/*
 * After processes died: within a second their attachments are gone and every bystander has ended two
 * further statements. Then, with all paused: validate finds nothing, counts add up, no CPU slot is
 * held, as many statements as there are slots can begin, definitions are whole. Prints and returns
 * the number of faults.
 */
int world_recovered(struct world *w, const pid_t *dead, uint32_t n, const char *what);
/* The second half of it alone. */
int world_check_at_rest(struct world *w, const char *what);

#endif
