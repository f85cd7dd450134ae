/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel.h - parallel control: executions, their servers and pools, and the queue for them.
 *
 * All state lies under one lock (rank 50), so that admission, completion with its hand-over, and
 * every change of a limit are each one decision that excludes the others. Lock-free are only the
 * degree that a running execution polls and the load. Calls block for the lock alone, except
 * reeve__parallel_begin, which waits.
 *
 *	                    +-> started --------------------------+
 *	QUEUED -> INITIALIZING -> EXECUTING -> COMPLETING -> COMPLETED, FAILED
 *	   +-----------------------------------------------------------^ cancelled, out of time
 *
 * Death: an execution starts by the store of its phase, after its servers have been taken, and ends
 * by the store of its phase, before they are returned. So whoever finds the lock's owner dead gives
 * back the servers of all executions that do not run, and counts everything anew. A waiter whose
 * waker died looks up by itself every REEVE_LOOK_UP_NS.
 */
#ifndef REEVE_ENGINE_PARALLEL_H
#define REEVE_ENGINE_PARALLEL_H

#include "engine.h"

/* Of those that are over so many are kept. */
#define REEVE_EXECUTIONS_KEPT 64u

/* What a group may use, as of now. */
struct reeve__parallel_limits {
	uint32_t degree;  /* of one statement; UINT32_MAX: none */
	uint32_t servers; /* of all; UINT32_MAX: none */
	uint32_t weight_ppm;
	bool is_registered, runs_serial;
	uint64_t timeout_ns; /* of its directive; REEVE_UNLIMITED: none */
};

/* One pass under the lock; wakes are sent after it is let go. */
struct reeve__parallel_pass {
	struct reeve *r;
	struct reeve_sh_parallel *p;
	const struct reeve_sh_parallel_config *config;
	uint64_t now; /* monotonic ns */
	struct reeve__ruling_view ruling;
	struct reeve__heap queue, groups;
	/* what is kept for somebody who has waited too long; REEVE_NONE: nothing */
	uint32_t kept_for, kept_group, kept_pool, kept_servers;
	uint32_t changes; /* starts, timeouts, servers moved */
	uint32_t wake_count;
	uint32_t wakes[32]; /* tasks */
};

/* ---- parallel_servers.c: who has which server. All under the lock. ---- */

void reeve__parallel_lock(struct reeve__parallel_pass *x, struct reeve *r);
void reeve__parallel_unlock(struct reeve__parallel_pass *x);
/* Wakes who was started; after the lock, and best after all locks. */
void reeve__parallel_wake(struct reeve__parallel_pass *x);
/* Both. */
void reeve__parallel_done(struct reeve__parallel_pass *x);

struct reeve__parallel_limits reeve__parallel_limits_of(
	const struct reeve__parallel_pass *x, uint32_t group);
/* Servers beyond one that `group` could have at once, at most; and from which pool. */
uint32_t reeve__parallel_room(const struct reeve__parallel_pass *x, uint32_t group,
	const struct reeve__parallel_limits *limits, uint32_t want, bool for_kept,
	uint32_t *ret_pool);
/* Servers that running execution i could have besides those it may use; of its own pool. */
uint32_t reeve__parallel_more(const struct reeve__parallel_pass *x, uint32_t i,
	const struct reeve__parallel_limits *limits);
/* Of the pools that could ever give the group so many, the one with the most free; REEVE_NONE. */
uint32_t reeve__parallel_pool_for(
	const struct reeve__parallel_pass *x, uint32_t group, uint32_t servers);
/* Most servers that any execution of the group could ever have from pools and the total. */
uint32_t reeve__parallel_ceiling(const struct reeve__parallel_pass *x, uint32_t group);
/* Takes n more servers; they were found to be there. Fewer only when memory is damaged. */
void reeve__parallel_take(struct reeve__parallel_pass *x, uint32_t i, uint32_t pool, uint32_t n);
/* Gives back all but `keep`, last taken first. */
void reeve__parallel_give(struct reeve__parallel_pass *x, uint32_t i, uint32_t keep);
/* States of its servers, from its phase and its degree. */
void reeve__parallel_mark(struct reeve__parallel_pass *x, uint32_t i);
/* Stops servers that no pool needs; starts those that one lacks. At most 64 a pool. */
void reeve__parallel_trim(struct reeve__parallel_pass *x);
/* An idle server goes into its pool's list. */
void reeve__parallel_idle(struct reeve__parallel_pass *x, uint32_t server);

/* Rows by slots that were read from the segment; the first for one that cannot exist. */
static inline struct reeve_sh_parallel_group *reeve__parallel_group_at(
	const struct reeve *r, uint32_t i)
{
	struct reeve_sh_parallel_group *g =
		&r->parallel_groups[REEVE_LIKELY(i < r->group_capacity) ? i : 0];

	if (REEVE_UNLIKELY(!g->known)) {
		g->age = r->parallel->clock;
		g->root = REEVE_NONE;
		g->least = UINT32_MAX;
		g->known = 1;
	}
	return g;
}

static inline struct reeve_sh_server_pool *reeve__pool_at(const struct reeve *r, uint32_t i)
{
	return &r->pools[REEVE_LIKELY(i < r->header->pools.capacity) ? i : 0];
}

static inline uint32_t reeve__parallel_degree(const struct reeve_sh_execution *e)
{
	return (uint32_t)reeve__get(&e->word);
}

/* Puts the degree where its owner polls it. */
static inline void reeve__parallel_publish(struct reeve_sh_execution *e, uint32_t dop)
{
	uint64_t generation = reeve__get(&e->head.generation);

	atomic_store_explicit(&e->word, generation << 32 | dop, memory_order_release);
}

static inline bool reeve__parallel_runs(const struct reeve_sh_execution *e)
{
	uint32_t phase = reeve__get(&e->phase);

	return phase >= REEVE_EXECUTION_INITIALIZING && phase <= REEVE_EXECUTION_COMPLETING;
}

/* ---- parallel_queue.c: who goes next. All under the lock. ---- */

/* Starts execution i if there is room for what it needs. It is in no queue. */
bool reeve__parallel_try(struct reeve__parallel_pass *x, uint32_t i);
void reeve__parallel_enqueue(struct reeve__parallel_pass *x, uint32_t i);
void reeve__parallel_dequeue(struct reeve__parallel_pass *x, uint32_t i);
/* Starts everybody who can go, in order; those out of time fail, or run serially. */
void reeve__parallel_hand_over(struct reeve__parallel_pass *x);
/* Finds out whether something is to be kept for somebody. */
void reeve__parallel_keep(struct reeve__parallel_pass *x);
/* Place in the queue, 1 is next; 0: it does not wait. */
uint32_t reeve__parallel_position(struct reeve__parallel_pass *x, uint32_t i);
/* Changes degrees of ADAPTIVE executions that are due; all of them when servers are wanted. */
void reeve__parallel_adapt_all(struct reeve__parallel_pass *x);
/* The same for one; true when its degree changed. */
bool reeve__parallel_adapt_one(struct reeve__parallel_pass *x, uint32_t i);
/* Tells of execution i by an event; its end is told of too, from then on. */
void reeve__parallel_event(
	struct reeve__parallel_pass *x, uint32_t i, uint32_t kind, uint64_t limit, uint64_t actual);
/* Its sleeping owner is to be woken. */
void reeve__parallel_tell(struct reeve__parallel_pass *x, uint32_t i);
/* Counts servers' time of execution i until now in its group's age. */
void reeve__parallel_charge(struct reeve__parallel_pass *x, uint32_t i);

/* ---- parallel_admit.c: a request's beginning and end. Under the lock. ---- */

/* Who asks. */
struct reeve__parallel_asker {
	uint64_t session_id;
	uint32_t session; /* slot; REEVE_NONE: of an outside engine */
	uint32_t group;	  /* slot */
	uint32_t flags;	  /* REEVE_SH_EXECUTION_... */
};

/* Refuses what is out of range; no lock. */
int reeve__parallel_check_def(const struct reeve_parallel_def *def, struct reeve_error *err);
/* Judges, adds, and starts or queues. Nothing is changed when it fails. */
int reeve__parallel_admit(struct reeve__parallel_pass *x, const struct reeve_parallel_def *def,
	const struct reeve__parallel_asker *asker, uint32_t *ret, struct reeve_error *err);
/* The owner has seen its degree: it runs with that, and has let go of the rest. */
void reeve__parallel_acknowledge(struct reeve__parallel_pass *x, uint32_t i);
/* A running one ends by its owner's hand (what was cancelled stays so), and others go on. */
void reeve__parallel_stop(struct reeve__parallel_pass *x, uint32_t i, const char *failure);
/* Ends execution i, whatever it is doing. */
void reeve__execution_finish(
	struct reeve__parallel_pass *x, uint32_t i, int code, const char *failure);
/* It is over, and nobody looks for its outcome but who lists it. */
void reeve__parallel_rest(struct reeve__parallel_pass *x, uint32_t i);

static inline void reeve__parallel_raise(_Atomic uint64_t *counter, uint64_t to)
{
	if (to > reeve__get(counter))
		reeve__put(counter, to);
}

/* ---- parallel_owner.c, parallel.c: executions. They take the lock. ---- */

int reeve__parallel_begin(struct reeve_session *s, const struct reeve_parallel_def *def,
	struct reeve_parallel *ret, struct reeve_error *err);
uint32_t reeve__parallel_adapt(struct reeve_parallel *h);
void reeve__parallel_progress(struct reeve_parallel *h, uint64_t rows, uint64_t bytes);
int reeve__parallel_end(struct reeve_parallel *h, const char *failure, struct reeve_error *err);
int reeve__execution_request(struct reeve *r, uint64_t session_id, reeve_group_id group,
	const struct reeve_parallel_def *def, struct reeve_execution_info *ret,
	struct reeve_error *err);
int reeve__execution_progress(struct reeve *r, reeve_execution_id id, uint64_t rows, uint64_t bytes,
	struct reeve_error *err);
int reeve__execution_complete(
	struct reeve *r, reeve_execution_id id, const char *failure, struct reeve_error *err);
int reeve__execution_cancel(struct reeve *r, reeve_execution_id id, struct reeve_error *err);
/*
 * A session ends: its executions end with it. The caller holds the session lock and has made the
 * session's slot other than LIVE; one load when the session has none. The caller wakes, when true.
 */
bool reeve__parallel_drop(struct reeve__parallel_pass *x, struct reeve *r, uint32_t session);
/* A session changes groups, under the session lock, after its slot names the new one. */
bool reeve__parallel_move(struct reeve__parallel_pass *x, struct reeve *r, uint32_t session,
	uint32_t from, uint32_t to);
/* One execution into another group; under the lock. */
void reeve__parallel_move_one(struct reeve__parallel_pass *x, uint32_t i, uint32_t to);
/* A process is gone: ends all that it asked for. Returns how many. */
uint32_t reeve__parallel_reap(struct reeve *r, uint32_t attachment);
/* Timeouts, hand-over, adaptation, pools, load. Returns how much changed. */
uint32_t reeve__parallel_tick(struct reeve *r);

/* ---- parallel_check.c ---- */

void reeve__parallel_seed(struct reeve *r);
/* Recomputes everything derived, and ends what was half done; under the lock. */
void reeve__parallel_rebuild(struct reeve__parallel_pass *x);
int reeve__parallel_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

/* ---- parallel_pool.c, parallel_stats.c ---- */

int reeve__server_pool_create(struct reeve *r, const struct reeve_server_pool_def *def,
	reeve_server_pool_id *ret_id, struct reeve_error *err);
int reeve__server_pool_update(struct reeve *r, reeve_server_pool_id id, uint32_t fields,
	const struct reeve_server_pool_def *def, uint64_t expected_revision,
	struct reeve_error *err);
int reeve__server_pool_destroy(struct reeve *r, reeve_server_pool_id id, struct reeve_error *err);
int reeve__server_pool_get(struct reeve *r, reeve_server_pool_id id,
	struct reeve_server_pool_info *ret, struct reeve_error *err);
uint32_t reeve__server_pool_copy(struct reeve *r, reeve_server_pool_id after,
	struct reeve_server_pool_info *ret, uint32_t capacity);
int reeve__server_get(struct reeve *r, reeve_server_id id, struct reeve_server_info *ret,
	struct reeve_error *err);
uint32_t reeve__server_copy(struct reeve *r, reeve_server_id after, reeve_server_pool_id pool,
	struct reeve_server_info *ret, uint32_t capacity);
uint32_t reeve__execution_servers(
	struct reeve *r, reeve_execution_id id, reeve_server_id *ret, uint32_t capacity);
int reeve__server_report(struct reeve *r, reeve_server_id id, uint32_t fields, uint32_t type,
	int32_t affinity, uint64_t cpu_ns, struct reeve_error *err);

/* Fills the description of an execution; under the lock. */
void reeve__execution_fill(
	struct reeve__parallel_pass *x, uint32_t i, struct reeve_execution_info *ret);
int reeve__execution_get(struct reeve *r, reeve_execution_id id, struct reeve_execution_info *ret,
	struct reeve_error *err);
uint32_t reeve__execution_copy(struct reeve *r, reeve_execution_id after, uint32_t flags,
	struct reeve_execution_info *ret, uint32_t capacity);
uint32_t reeve__execution_queue_copy(
	struct reeve *r, struct reeve_execution_info *ret, uint32_t capacity);
int reeve__parallel_limit_set(struct reeve *r, reeve_group_id group, uint32_t degree,
	uint32_t servers, struct reeve_error *err);
int reeve__parallel_limit_clear(struct reeve *r, reeve_group_id group, struct reeve_error *err);
int reeve__parallel_group_get(struct reeve *r, reeve_group_id group,
	struct reeve_parallel_group_info *ret, struct reeve_error *err);
uint32_t reeve__parallel_group_copy(struct reeve *r, reeve_group_id after,
	struct reeve_parallel_group_info *ret, uint32_t capacity);
void reeve__parallel_config_get(struct reeve *r, struct reeve_parallel_config *ret);
int reeve__parallel_config_set(
	struct reeve *r, const struct reeve_parallel_config *config, struct reeve_error *err);
/* Measures the load when it is due. No lock held. Returns the load that counts. */
uint32_t reeve__parallel_load(struct reeve *r, reeve_ns now);
void reeve__parallel_load_set(struct reeve *r, uint32_t ppm, reeve_ns now);
int reeve__parallel_auto_dop(struct reeve *r, reeve_group_id group, uint32_t requested,
	uint64_t cost_milli, uint64_t rows, struct reeve_auto_dop *ret, struct reeve_error *err);
void reeve__parallel_stats(struct reeve *r, struct reeve_parallel_stats *ret);
void reeve__parallel_stats_locked(
	const struct reeve__parallel_pass *x, struct reeve_parallel_stats *ret);
/* Puts a pool's definition, a group's limits in the place of the old; under the lock. */
void reeve__server_pool_change(
	struct reeve__parallel_pass *x, uint32_t i, const struct reeve_sh_server_pool_def *to);
void reeve__parallel_limit_commit(
	struct reeve__parallel_pass *x, uint32_t slot, const struct reeve_sh_parallel_limit *limit);
/* Adds one wait to the histogram; under the lock. */
void reeve__parallel_note_wait(struct reeve_sh_parallel *p, uint64_t ns);

/*
 * ---- parallel_group.c: a group that is to be deleted. Under the catalog lock; they take their own.
 *
 * How much refers to it, and moving that to another group: executions (which run on, or wait there),
 * limits set by hand (unless the other has some), and its place in the lists of pools. The moves return
 * with the lock let go; the caller wakes.
 */
uint32_t reeve__parallel_group_executions(struct reeve *r, uint32_t group);
void reeve__parallel_group_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to);
uint32_t reeve__parallel_group_limits(struct reeve *r, uint32_t group);
void reeve__parallel_limits_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to);
uint32_t reeve__parallel_group_pools(struct reeve *r, uint32_t group);
void reeve__parallel_pools_move(
	struct reeve__parallel_pass *x, struct reeve *r, uint32_t from, uint32_t to);

#endif
