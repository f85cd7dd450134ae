/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - one thread that does everything the library allows, at random: statements with and
 * without deadlines, blocking, shields; sessions that come, go, are cancelled, switched and killed by
 * others; plans, registrations, lists, tasks of outside engines, ticks.
 */
#ifndef REEVE_CRASH_LOAD_H
#define REEVE_CRASH_LOAD_H

#include "definitions.h"
#include "kit.h"

enum { LOAD_MAX = 64 };

/* Shared by all loads: whose sessions there are. */
struct load_board {
	_Atomic uint64_t ids[LOAD_MAX];
};

struct load {
	struct reeve *r;
	struct load_board *board;
	struct definitions *set; /* to be changed by this load alone; NULL: none */
	uint32_t index;
	uint64_t seed;
	struct reeve_session *session;
	/* what it has seen: statements that began, that were refused after a wait, that ended */
	uint64_t begun, given_up, ended;
	uint64_t created, destroyed;
	/* of sessions it has destroyed, and of outside tasks: as reeve said */
	uint64_t cpu_ns, queries;
	uint64_t outside;  /* tasks of outside engines, completed */
	const char *fault; /* NULL: all answers were among those allowed */
};

/* One random action. */
void load_step(struct load *l);
/* Ends its session. */
void load_end(struct load *l);

#endif
