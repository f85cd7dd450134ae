/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_pool.h - session pools: how many sessions of a group run a statement at once, who waits, and why.
 *
 * A group has a pool when one was configured, until the next activation of a plan, or when the plan in
 * force has one for it (active session pool, with the plan's sessions managed). Who finds it full
 * waits, by priority, then age: a lower priority is served at most 10 s later than the next higher of
 * the same age. A place is handed to the next waiter. Critical sessions and those of SYS_GROUP do not
 * wait; they count, and others wait until there is room again.
 */
#ifndef REEVE_SESSION_POOL_H
#define REEVE_SESSION_POOL_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Gives a group a pool, or changes the one it has; what runs goes on and is counted. Stands until the
 * next activation. `max_active` 1 to 1,048,576; `queue_timeout_ns` 1 ms up, REEVE_UNLIMITED: none.
 * A raised limit lets waiters in at once; a lowered one ends nothing.
 * Errors: NOT_FOUND, INVALID_ARGUMENT, PERMISSION_DENIED (SYS_GROUP).
 */
REEVE_API int reeve_session_pool_configure(struct reeve *reeve, reeve_group_id group,
	uint32_t max_active, uint64_t queue_timeout_ns, bool allow_queuing,
	struct reeve_error *err);
/* Back to what the plan says, which may be no limit: waiters then go on. NOT_FOUND (no pool by hand). */
REEVE_API int reeve_session_pool_remove(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err);

struct reeve_session_pool_info {
	reeve_group_id group;
	bool is_limited; /* false: no pool; the next three mean nothing */
	bool by_hand;	 /* configured; false: of the plan */
	uint32_t max_active;
	uint64_t queue_timeout_ns; /* REEVE_UNLIMITED: none */
	bool allow_queuing;
	uint32_t active; /* sessions that run a statement */
	uint32_t queued;
};
/* A group's pool, or that it has none. NOT_FOUND (group). */
REEVE_API int reeve_session_pool_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_session_pool_info *ret_info, struct reeve_error *err);
/* Up to `capacity` pools that limit, of groups with an id above `after`, by id. How many were copied. */
REEVE_API uint32_t reeve_session_pool_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_session_pool_info *ret_infos, uint32_t capacity);

struct reeve_queued_session {
	reeve_session_id session;
	reeve_group_id group;
	uint32_t position;   /* 1: next */
	uint32_t priority;   /* enum reeve_session_priority */
	reeve_ns queued_at;  /* monotonic */
	reeve_ns expires_at; /* monotonic; REEVE_NEVER */
};
/*
 * The first `capacity` of a group's queue, in order. Returns how many there are, which may be more.
 * NOT_FOUND (group).
 */
REEVE_API int reeve_session_queue_copy(struct reeve *reeve, reeve_group_id group,
	struct reeve_queued_session *ret_queued, uint32_t capacity, struct reeve_error *err);

enum { REEVE_HOLDERS_MAX = 16 };

/* Where a limit was set. */
enum reeve_set_by {
	REEVE_SET_BY_NOBODY = 0,
	REEVE_SET_BY_SESSION = 1,
	REEVE_SET_BY_GROUP = 2,
	REEVE_SET_BY_PLAN = 3,
	REEVE_SET_BY_CONFIGURATION = 4
};

/* Why a session waits, from the segment's state alone. */
struct reeve_wait_explanation {
	reeve_session_id session;
	bool waiting;
	uint32_t reason;     /* enum reeve_wait_reason */
	uint32_t limit_kind; /* enum reeve_limit_kind: what binds */
	uint64_t limit, actual;
	uint32_t set_by; /* enum reeve_set_by */
	reeve_group_id group;
	reeve_plan_id plan; /* in force */
	reeve_ns since;	    /* monotonic; 0: not waiting */
	reeve_ns waited_ns;
	uint32_t queue_position;   /* 0: not in a session queue */
	reeve_ns expected_wait_ns; /* from the pool's recent waits; -1: not known */
	uint32_t holders;	   /* how many there are; the first REEVE_HOLDERS_MAX follow */
	reeve_session_id holder[REEVE_HOLDERS_MAX]; /* who has longest what it waits for, first */
	char text[256];
};
/* NOT_FOUND. A session that does not wait is explained too: waiting is false. */
REEVE_API int reeve_explain(struct reeve *reeve, reeve_session_id id,
	struct reeve_wait_explanation *ret_explanation, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
