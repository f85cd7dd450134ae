/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor.h - one thread that does everything the public API allows, at random.
 *
 * What it may do is a table of acts (actor.c), each with a weight. Ids that actors have come by lie on
 * a board for the others to meddle with, so most calls are about something of somebody else's, or about
 * what is gone. Every answer must be one that the header allows; anything else is a fault. Beside
 * reeve, the board counts what was asked for: reeve's own counts must agree (accounts.h).
 */
#ifndef REEVE_STRESS_ACTOR_H
#define REEVE_STRESS_ACTOR_H

#include "../crash/kit.h"

enum { ACTORS_MAX = 16, BOARD_PLACES = 16, OWN_MAX = 6, SESSIONS_MAX = 2 };

/* What ids are of. */
enum board_kind {
	BOARD_SESSION,
	BOARD_GROUP,
	BOARD_PLAN,
	BOARD_TASK,
	BOARD_REQUEST,
	BOARD_EXECUTION,
	BOARD_KINDS
};

/* What is counted. */
enum count_kind {
	COUNT_SESSIONS,	   /* created */
	COUNT_STATEMENTS,  /* begun, or given up while they waited; tasks of outside engines too */
	COUNT_ALLOCATIONS, /* made */
	COUNT_IO,	   /* requests admitted or submitted */
	COUNT_PARALLEL,	   /* requests for servers that were not refused outright */
	COUNT_KINDS
};

/*
 * Shared by all actors, of all processes. A count is bracketed: `tried` rises before the call and falls
 * again when it is refused, `done` rises after it; who is killed in between leaves tried above done.
 */
struct board {
	_Atomic uint64_t ids[BOARD_KINDS][BOARD_PLACES];
	_Atomic uint64_t tried[COUNT_KINDS], done[COUNT_KINDS];
	_Atomic uint32_t phase; /* enum board_phase */
	_Atomic uint32_t
		doing[ACTORS_MAX]; /* number of the act under way, for who looks at a hang */
	_Atomic uint32_t rests[ACTORS_MAX];
	_Atomic uint32_t faults;
	_Atomic uint64_t steps;
	char directory[64]; /* of the files that managed I/O reads and writes */
};

enum board_phase {
	BOARD_WORK,
	BOARD_REST, /* nobody is in a call; what they hold they keep */
	BOARD_END   /* all is given back */
};

struct actor {
	struct reeve *r;
	struct board *board;
	uint32_t index;
	uint64_t seed;
	const char *act; /* under way */
	struct reeve_error err;
	/* what is its own; 0, NULL: nothing */
	struct reeve_session *sessions[SESSIONS_MAX];
	uint64_t allocations[OWN_MAX]; /* of the process */
	uint64_t tasks[OWN_MAX], requests[OWN_MAX], executions[OWN_MAX];
	struct reeve_io_executor *executor;
	struct reeve_io_job jobs[OWN_MAX];
	bool job_is_out[OWN_MAX];
	char buffer[OWN_MAX][4096];
	int fd;
	bool has_callback;
	uint64_t events_read;
	uint64_t session_cpu_ns; /* of sessions that it has ended, as reeve told */
};

/* Works, rests and ends as the board says; then gives everything back. */
void actor_run(struct actor *a);
/* What act number `doing` of the board is. */
const char *actor_act_name(uint32_t doing);

/* ---- for acts ---- */

/* Bits of codes that an answer may have; 0 and counts are always right. */
enum {
	MAY_NOT_FOUND = 1 << 1,
	MAY_EXIST = 1 << 2,
	MAY_EXHAUST = 1 << 3,
	MAY_DENY = 1 << 4,
	MAY_MISCONFIGURE = 1 << 5,
	MAY_CONFLICT = 1 << 6,
	MAY_BE_INVALID = 1 << 7,
	MAY_BE_LATE = 1 << 8, /* INVALID_STATE */
	MAY_TIME_OUT = 1 << 9,
	MAY_BE_STALE = 1 << 10,
	MAY_CANCEL = 1 << 13,
	MAY_KILL = 1 << 14,
	MAY_FAIL = 1 << 16, /* SYSTEM */
	MAY_QUEUE_OUT = 1 << 24,
	MAY_STOP = MAY_TIME_OUT | MAY_CANCEL | MAY_KILL
};

/* Notes a fault when `rc` is none of them; returns rc. `what` is the call. */
int allow(struct actor *a, int rc, uint32_t may, const char *what);
void fault(struct actor *a, const char *what, int rc);

uint32_t below(struct actor *a, uint32_t n);
/* True once in n. */
bool once_in(struct actor *a, uint32_t n);
/* An instant up to `us` from now. */
reeve_ns soon(struct actor *a, uint32_t us);

/* An id from the board, or 0: none is there. */
uint64_t board_pick(struct actor *a, enum board_kind kind);
void board_put(struct actor *a, enum board_kind kind, uint64_t id);
/* A group: a system one, or one from the board that may be gone. Likewise a plan. */
reeve_group_id any_group(struct actor *a);
reeve_plan_id any_plan(struct actor *a);
/* A place of `own` that is free, or, with `used`, that is not; OWN_MAX: there is none. */
uint32_t own_place(struct actor *a, const uint64_t *own, bool used);

void count_try(struct actor *a, enum count_kind kind);
/* What became of it: done, refused, or not to be told. */
enum outcome { IT_IS_DONE, IT_IS_REFUSED, WHO_KNOWS };
void count_settle(struct actor *a, enum count_kind kind, enum outcome outcome);

/* ---- acts ---- */

void act_session_create(struct actor *a);
void act_session_end(struct actor *a);
void act_session_meddle(struct actor *a);
void act_session_settings(struct actor *a);
void act_session_by_hand(struct actor *a);
void act_session_pool(struct actor *a);
void act_session_look(struct actor *a);
void sessions_give_back(struct actor *a);

void act_statement(struct actor *a);

void act_group_change(struct actor *a);
void act_group_delete(struct actor *a);
void act_user(struct actor *a);
void act_rule(struct actor *a);
void act_cpu_registration(struct actor *a);

void act_plan_change(struct actor *a);
void act_plan_delete(struct actor *a);
void act_directive(struct actor *a);
void act_plan_activate(struct actor *a);
void act_plan_look(struct actor *a);
void act_edit(struct actor *a);
void act_schedule(struct actor *a);
void act_window(struct actor *a);

void act_allocate(struct actor *a);
void act_memory_pool(struct actor *a);
void act_quota(struct actor *a);
void act_memory_settings(struct actor *a);
void act_pressure(struct actor *a);
void act_advice(struct actor *a);
void act_memory_look(struct actor *a);
void memory_give_back(struct actor *a);

void act_io_pull(struct actor *a);
void act_io_managed(struct actor *a);
void act_io_settings(struct actor *a);
void act_io_look(struct actor *a);
void io_give_back(struct actor *a);

void act_outside_parallel(struct actor *a);
void act_server_pool(struct actor *a);
void act_parallel_settings(struct actor *a);
void act_parallel_look(struct actor *a);
void act_task(struct actor *a);
void act_cpu_settings(struct actor *a);
void parallel_give_back(struct actor *a);

void act_stats(struct actor *a);
void act_events(struct actor *a);
void act_manager(struct actor *a);
void act_tick(struct actor *a);
void act_validate(struct actor *a);
void act_attach(struct actor *a);

#endif
