/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel.h - parallel execution: how many servers a statement may use, now.
 *
 *	reeve_parallel_begin(session, &def, &parallel, &err);     waits in the queue if it must
 *	workers = reeve_parallel_dop(&parallel);
 *	while (working)
 *		if (reeve_parallel_dop(&parallel) != workers) {   one load
 *			stop or start workers;                    fewer, more, or 0: stop all
 *			workers = reeve_parallel_adapt(&parallel);
 *		}
 *	reeve_parallel_end(&parallel, NULL);
 *
 * The degree (DOP) is the number of parallel servers a statement works with; a statement of degree 1
 * runs in its session's own process and takes no server. Servers belong to server pools. As long as
 * there is no pool, servers are virtual: they are counted against max_total_dop and the group's
 * limits, and have no id. As soon as there is one, every server comes from a pool; a statement's all
 * from the same one. A pool with groups assigned serves only those.
 *
 * Target: MANUAL is the requested degree; AUTOMATIC and ADAPTIVE follow from cost, rows and load
 * (reeve_parallel_auto_dop explains it step by step); then at most the group's degree limit (0 means
 * serial), and its server limit. Every statement that starts with less than was asked for is counted
 * as downgraded.
 *
 * When the target is not to be had: under a plan directive with a parallel queue timeout the
 * statement waits for it. Without one, a statement that allows a downgrade starts with what there is
 * (at least min_dop; with min_dop 1 at once, serially if need be), any other waits. Out of time, it
 * fails with TIMEOUT or runs serially, as the directive says.
 *
 * The queue is served by group, the one that has had the least servers' time for its weight in the
 * plan first; in a group by priority, a step of which is worth a second of waiting. Who fits goes,
 * past those who do not; but once who is first has waited for a second, what it waits for is kept for
 * it, so that it starts at the latest when all who execute then have ended.
 */
#ifndef REEVE_PARALLEL_H
#define REEVE_PARALLEL_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	uint64_t v;
} reeve_execution_id;
typedef struct {
	uint64_t v;
} reeve_server_id;
typedef struct {
	uint64_t v;
} reeve_server_pool_id;

enum reeve_parallel_mode {
	REEVE_PARALLEL_SERIAL = 0,
	REEVE_PARALLEL_MANUAL = 1,    /* exactly the requested degree, or wait */
	REEVE_PARALLEL_AUTOMATIC = 2, /* by cost, load and limits, at the start */
	REEVE_PARALLEL_ADAPTIVE = 3   /* the same, and changed while it runs */
};

enum reeve_server_type {
	REEVE_SERVER_COORDINATOR = 0,
	REEVE_SERVER_PRODUCER = 1, /* what a server is until somebody says otherwise */
	REEVE_SERVER_CONSUMER = 2
};

enum reeve_server_state {
	REEVE_SERVER_IDLE = 0,
	REEVE_SERVER_ALLOCATED = 1, /* given to an execution whose owner has not seen it yet */
	REEVE_SERVER_RUNNING = 2,
	REEVE_SERVER_CLEANUP = 3 /* to be given back: its execution has not let go of it yet */
};

enum reeve_execution_state {
	REEVE_EXECUTION_QUEUED = 0,
	REEVE_EXECUTION_INITIALIZING = 1, /* started from the queue, not seen by its owner yet */
	REEVE_EXECUTION_EXECUTING = 2,
	REEVE_EXECUTION_COMPLETING = 3, /* cancelled; its owner has not stopped yet */
	REEVE_EXECUTION_COMPLETED = 4,
	REEVE_EXECUTION_FAILED = 5
};

/* Lowest priority of a request; 0 is served first. */
#define REEVE_PARALLEL_PRIORITY_LOWEST 100u
/* Greatest number in any field that counts servers. */
#define REEVE_PARALLEL_DOP_MAX 65536u

enum reeve_parallel_downgrade {
	REEVE_DOWNGRADE_BY_MODE = 0, /* MANUAL: no; all others: yes */
	REEVE_DOWNGRADE_YES = 1,
	REEVE_DOWNGRADE_NO = 2
};

/* What is asked for. */
struct reeve_parallel_def {
	uint32_t mode;		/* enum reeve_parallel_mode */
	uint32_t requested_dop; /* MANUAL: 1 up; AUTOMATIC, ADAPTIVE: at most that; 0: none given */
	uint32_t
		min_dop; /* least that will do; 0: the target when no downgrade is allowed, else 1 */
	uint32_t downgrade; /* enum reeve_parallel_downgrade */
	uint32_t priority;  /* 0 to REEVE_PARALLEL_PRIORITY_LOWEST */
	uint64_t
		estimated_cost_milli; /* thousandths of the optimizer's unit; REEVE_UNLIMITED: none */
	uint64_t estimated_rows;      /* REEVE_UNLIMITED: none */
	/* Instant of the monotonic clock: when queued until then, it fails; REEVE_NEVER: the
	   directive's timeout alone, else the default one */
	reeve_ns deadline;
};
#define REEVE_PARALLEL_DEF_INIT                                                                    \
	{                                                                                          \
		REEVE_PARALLEL_AUTOMATIC, 0, 0, REEVE_DOWNGRADE_BY_MODE, 0, REEVE_UNLIMITED,       \
			REEVE_UNLIMITED, REEVE_NEVER                                               \
	}

/* An execution as its owner holds it: caller's memory, filled by reeve_parallel_begin. */
struct reeve_parallel {
	struct reeve *reeve;
	const void *word; /* what reeve_parallel_dop loads */
	uint64_t id;
	uint32_t slot, generation;
};

/*
 * Asks for servers on behalf of a session of this process, from the thread that uses the session;
 * waits in the queue while it must, with the session's CPU slot given up (as between
 * reeve_block_begin and _end). It counts in the session's group.
 * The end of the session ends it; so does the death of the process.
 * Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED (more than max_total_dop or than any pool can give;
 * table of executions full), TIMEOUT, CANCELLED (the execution or the statement), KILLED.
 */
REEVE_API int reeve_parallel_begin(struct reeve_session *session,
	const struct reeve_parallel_def *def, struct reeve_parallel *ret_parallel,
	struct reeve_error *err);

/*
 * Servers it may use now; 0: it is over (cancelled, or its session has ended): stop. One load, from
 * any thread of the owner's.
 */
REEVE_API uint32_t reeve_parallel_dop(const struct reeve_parallel *parallel);

/*
 * After the owner has followed reeve_parallel_dop: gives back servers that it uses no more, and,
 * when ADAPTIVE, takes more if there are idle ones and nobody waits. Returns the degree from now on.
 */
REEVE_API uint32_t reeve_parallel_adapt(struct reeve_parallel *parallel);

/* Rows and bytes processed so far. They never go back. */
REEVE_API void reeve_parallel_progress(
	struct reeve_parallel *parallel, uint64_t rows, uint64_t bytes);

/*
 * Ends it and gives its servers to whoever waits. `failure` NULL: it went well; else what went
 * wrong, at most 87 bytes of which are kept. Never blocks but for locks.
 * INVALID_STATE when it is over already.
 */
REEVE_API int reeve_parallel_end(
	struct reeve_parallel *parallel, const char *failure, struct reeve_error *err);

/* An execution as it is: a copy. */
struct reeve_execution_info {
	reeve_execution_id id;
	uint64_t session_id;
	reeve_group_id group;
	uint32_t state; /* enum reeve_execution_state */
	uint32_t mode;
	uint32_t requested_dop; /* as asked by the caller */
	uint32_t target_dop;	/* after mode, cost, load and limits */
	uint32_t min_dop;
	uint32_t granted_dop;  /* 0 while queued; when over, what it had last */
	uint32_t held_servers; /* given back or not; 0 when serial */
	uint32_t priority;
	uint32_t queue_position; /* 1 is next; 0: not queued */
	bool allow_downgrade;
	bool is_downgraded;	   /* it started with less than was asked for */
	bool is_external;	   /* its session is an outside engine's */
	reeve_server_pool_id pool; /* .v 0: none */
	uint64_t estimated_cost_milli, estimated_rows;
	uint64_t rows, bytes;				   /* processed, as reported */
	reeve_ns requested_wall, started_wall, ended_wall; /* 0: not yet */
	reeve_ns deadline_wall;				   /* 0: none */
	int failure_code;				   /* REEVE_E...; 0 */
	char failure[88];				   /* "": none */
};

/*
 * The same for an outside engine, by ids, without waiting: the execution is QUEUED or EXECUTING when
 * the call returns, and *ret_info says which; who is queued looks again with reeve_execution_get. A
 * session id that this segment does not know is accepted as an outside engine's. `group` is the one
 * it counts in; .v 0: the session's. The execution ends with its session, if that is known here, and
 * with the process that made this call.
 * Errors: INVALID_ARGUMENT, NOT_FOUND (group), RESOURCE_EXHAUSTED, INVALID_STATE (the session has
 * ended).
 */
REEVE_API int reeve_execution_request(struct reeve *reeve, uint64_t session_id,
	reeve_group_id group, const struct reeve_parallel_def *def,
	struct reeve_execution_info *ret_info, struct reeve_error *err);

/*
 * Reports rows and bytes so far (they never go back), and with it that the owner has seen its
 * present degree: servers above it are given back. NOT_FOUND, INVALID_STATE (queued or over).
 */
REEVE_API int reeve_execution_progress(struct reeve *reeve, reeve_execution_id id, uint64_t rows,
	uint64_t bytes, struct reeve_error *err);

/* Ends it; a queued one leaves the queue. NOT_FOUND, INVALID_STATE (over already). */
REEVE_API int reeve_execution_complete(
	struct reeve *reeve, reeve_execution_id id, const char *failure, struct reeve_error *err);

/*
 * Cancels it. A queued one fails at once, and one of an outside engine ends at once; one that a
 * process holds is told (its degree is 0) and keeps its servers until it has stopped. NOT_FOUND,
 * INVALID_STATE (over already).
 */
REEVE_API int reeve_execution_cancel(
	struct reeve *reeve, reeve_execution_id id, struct reeve_error *err);

/* Copies one; of those that are over the last 64 are kept. NOT_FOUND. */
REEVE_API int reeve_execution_get(struct reeve *reeve, reeve_execution_id id,
	struct reeve_execution_info *ret_info, struct reeve_error *err);

enum { REEVE_EXECUTIONS_ENDED = 1 /* those that are over too */ };
/* Up to `capacity` executions with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_execution_copy(struct reeve *reeve, reeve_execution_id after,
	uint32_t flags, struct reeve_execution_info *ret_infos, uint32_t capacity);
/* Up to `capacity` queued executions in the order of the queue. Returns how many were copied. */
REEVE_API uint32_t reeve_execution_queue_copy(
	struct reeve *reeve, struct reeve_execution_info *ret_infos, uint32_t capacity);

/* Server pools. For update, `fields` says which of these are meant. */
struct reeve_server_pool_def {
	const char *name;	  /* 1 to 128 bytes; need not be unique */
	uint32_t min_servers;	  /* kept at all times */
	uint32_t max_servers;	  /* 1 up, at least min_servers */
	reeve_ns idle_timeout_ns; /* servers above the minimum stop when idle for longer; 1 ms up */
	const uint64_t *groups;	  /* ids of the groups it serves; none: all */
	uint32_t group_count;	  /* at most 32 */
};
#define REEVE_SERVER_POOL_DEF_INIT                                                                 \
	{                                                                                          \
		NULL, 0, 0, 300 * REEVE_SEC, NULL, 0                                               \
	}
enum {
	REEVE_SERVER_POOL_NAME = 1 << 0,
	REEVE_SERVER_POOL_MIN = 1 << 1,
	REEVE_SERVER_POOL_MAX = 1 << 2,
	REEVE_SERVER_POOL_IDLE_TIMEOUT = 1 << 3,
	REEVE_SERVER_POOL_GROUPS = 1 << 4
};

struct reeve_server_pool_info {
	reeve_server_pool_id id;
	char name[REEVE_NAME_MAX];
	uint32_t min_servers, max_servers;
	uint32_t servers, idle_servers; /* now */
	reeve_ns idle_timeout_ns;
	uint32_t group_count;
	uint64_t groups[32];
	reeve_ns created_wall;
	uint64_t revision;
};

/*
 * Creates a pool with its min_servers. Errors: INVALID_ARGUMENT, NOT_FOUND (a group),
 * RESOURCE_EXHAUSTED (table of pools or of servers full).
 */
REEVE_API int reeve_server_pool_create(struct reeve *reeve, const struct reeve_server_pool_def *def,
	reeve_server_pool_id *ret_id, struct reeve_error *err);
/*
 * Changes the fields that `fields` names, all or none. A greater minimum makes servers at once; a
 * lower maximum removes idle ones at once and busy ones when they come back. Errors as above, and
 * STALE_REVISION (expected_revision not 0 and not the pool's).
 */
REEVE_API int reeve_server_pool_update(struct reeve *reeve, reeve_server_pool_id id,
	uint32_t fields, const struct reeve_server_pool_def *def, uint64_t expected_revision,
	struct reeve_error *err);
/* Removes a pool. NOT_FOUND, CONFLICT (a server of it is in use). */
REEVE_API int reeve_server_pool_destroy(
	struct reeve *reeve, reeve_server_pool_id id, struct reeve_error *err);
REEVE_API int reeve_server_pool_get(struct reeve *reeve, reeve_server_pool_id id,
	struct reeve_server_pool_info *ret_info, struct reeve_error *err);
/* Up to `capacity` pools with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_server_pool_copy(struct reeve *reeve, reeve_server_pool_id after,
	struct reeve_server_pool_info *ret_infos, uint32_t capacity);

struct reeve_server_info {
	reeve_server_id id;
	uint32_t type;		      /* enum reeve_server_type */
	uint32_t state;		      /* enum reeve_server_state */
	reeve_execution_id execution; /* .v 0: none */
	reeve_server_pool_id pool;
	int32_t cpu_affinity; /* processor; -1: any */
	reeve_ns created_wall;
	reeve_ns last_used_wall; /* 0: never */
	uint64_t cpu_ns;	 /* as reported */
};

REEVE_API int reeve_server_get(struct reeve *reeve, reeve_server_id id,
	struct reeve_server_info *ret_info, struct reeve_error *err);
/*
 * Up to `capacity` servers with an id above `after`, by id; of one pool only, unless .v is 0.
 * Returns how many were copied.
 */
REEVE_API uint32_t reeve_server_copy(struct reeve *reeve, reeve_server_id after,
	reeve_server_pool_id pool, struct reeve_server_info *ret_infos, uint32_t capacity);
/* Up to `capacity` ids of the servers an execution holds. Returns how many it holds, 0 if unknown. */
REEVE_API uint32_t reeve_execution_servers(
	struct reeve *reeve, reeve_execution_id id, reeve_server_id *ret_ids, uint32_t capacity);

/* What whoever runs a server may say of it. */
enum {
	REEVE_SERVER_TYPE = 1 << 0,	/* not of an idle one, which forgets it */
	REEVE_SERVER_AFFINITY = 1 << 1, /* processor 0 to 65,535, or -1; stays */
	REEVE_SERVER_CPU = 1 << 2	/* cpu_ns so far; never goes back */
};
/* Errors: NOT_FOUND, INVALID_ARGUMENT, INVALID_STATE (type of an idle server). */
REEVE_API int reeve_server_report(struct reeve *reeve, reeve_server_id id, uint32_t fields,
	uint32_t type, int32_t cpu_affinity, uint64_t cpu_ns, struct reeve_error *err);

/*
 * A group's limits by hand, until the next plan activation; setting again replaces both. `degree`:
 * of one statement, 0 means serial; `servers`: of all its statements together. UINT32_MAX: as the
 * plan says. Errors: NOT_FOUND (group), INVALID_ARGUMENT.
 */
REEVE_API int reeve_parallel_group_limit_set(struct reeve *reeve, reeve_group_id group,
	uint32_t degree, uint32_t servers, struct reeve_error *err);
/* Ends them. NOT_FOUND when there are none. */
REEVE_API int reeve_parallel_group_limit_clear(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err);

/* Limits in force for a group, and its use. */
struct reeve_parallel_group_info {
	reeve_group_id group;
	bool is_registered; /* set by hand */
	uint32_t degree;    /* UINT32_MAX: none */
	uint32_t servers;   /* UINT32_MAX: none; its CPU cap may have set it */
	uint32_t in_use;    /* servers held by its executions */
	uint32_t executing, waiting;
};
REEVE_API int reeve_parallel_group_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_parallel_group_info *ret_info, struct reeve_error *err);
/* Up to `capacity` groups with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_parallel_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_parallel_group_info *ret_infos, uint32_t capacity);

struct reeve_parallel_config {
	uint32_t cpu_cores;	   /* what AUTOMATIC goes by; default: the host's processors */
	uint32_t io_parallelism;   /* most that AUTOMATIC gives; default 32 */
	uint32_t max_total_dop;	   /* most servers in use at once; default 128 */
	bool downgrade_enabled;	   /* off: every statement waits for its target; default on */
	reeve_ns queue_timeout_ns; /* when no directive says otherwise; 1 ms to a day; 300 s */
};
REEVE_API void reeve_parallel_config_get(
	struct reeve *reeve, struct reeve_parallel_config *ret_config);
/* Sets all, all or none, in force at once; what executes stays. INVALID_ARGUMENT. */
REEVE_API int reeve_parallel_config_set(
	struct reeve *reeve, const struct reeve_parallel_config *config, struct reeve_error *err);

/*
 * Load of the machine, 0 to REEVE_PPM: the busy part of its processors over the last second or more,
 * measured through the host; or what a caller has set within the last minute.
 */
REEVE_API uint32_t reeve_parallel_load_get(struct reeve *reeve);
/* INVALID_ARGUMENT above REEVE_PPM. */
REEVE_API int reeve_parallel_load_set(
	struct reeve *reeve, uint32_t load_ppm, struct reeve_error *err);

/* How AUTOMATIC came by its degree: each step in order, with what it left. */
struct reeve_dop_step {
	uint32_t dop;
	char text[92];
};
struct reeve_auto_dop {
	uint32_t dop;
	uint32_t step_count;
	struct reeve_dop_step steps[8];
};
/*
 * What AUTOMATIC would give now; changes nothing. `group` .v 0: no group's limits. `requested_dop` 0
 * and REEVE_UNLIMITED: not given. NOT_FOUND, INVALID_ARGUMENT.
 */
REEVE_API int reeve_parallel_auto_dop(struct reeve *reeve, reeve_group_id group,
	uint32_t requested_dop, uint64_t cost_milli, uint64_t rows, struct reeve_auto_dop *ret,
	struct reeve_error *err);

/* Waits in the queue that are over and led to a start, in ns. */
struct reeve_parallel_latency {
	uint64_t count, mean_ns, min_ns, p50_ns, p90_ns, p99_ns, p999_ns, max_ns;
};
/* Totals since the segment was created, and what is so now: one consistent look. */
struct reeve_parallel_stats {
	uint64_t parallel;   /* started with a degree above 1 */
	uint64_t serial;     /* started with degree 1 */
	uint64_t downgraded; /* started with less than the caller asked for */
	uint64_t queued;     /* put in the queue */
	uint64_t queue_timeouts;
	uint64_t failed; /* ended with a failure, timeouts and cancels included */
	uint64_t cancelled;
	uint64_t completed;
	uint64_t adjustments;	/* changes of the degree of running ones */
	uint64_t avg_dop_milli; /* thousandths; of the degrees they started with */
	uint32_t peak_total_dop;
	uint32_t current_total_dop; /* servers held now */
	uint32_t max_total_dop;
	uint32_t queued_now, executing_now;
	uint32_t pools, servers, busy_servers;
	uint32_t utilization_ppm; /* busy over all; without pools, held over max_total_dop */
	struct reeve_parallel_latency queue_latency;
};
REEVE_API void reeve_parallel_stats_get(
	struct reeve *reeve, struct reeve_parallel_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
