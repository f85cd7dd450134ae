/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - sessions and their statements: what an engine calls around its work.
 *
 *	reeve_session_create(reeve, &def, &session, &err);
 *	for each statement:
 *		reeve_query_begin(session, NULL, &err);        waits for a CPU slot if it must
 *		while (working)
 *			if (reeve_checkpoint(session) != 0)    a load and a branch, mostly
 *				stop;                          cancelled, killed or out of time
 *		reeve_query_end(session, &usage);
 *	reeve_session_destroy(session);
 *
 * States, and the only edges there are:
 *
 *	INACTIVE -> ACTIVE    reeve_query_begin, reeve_session_start
 *	INACTIVE -> WAITING   reeve_query_begin, when no CPU slot is to be had
 *	WAITING  -> ACTIVE    the slot came
 *	WAITING  -> INACTIVE  gave up: cancelled or out of time
 *	ACTIVE   -> WAITING   the slot went to a more deserving task
 *	ACTIVE   -> INACTIVE  reeve_query_end, reeve_session_complete
 *	ACTIVE  <-> BLOCKED   reeve_block_begin, reeve_block_end
 *	BLOCKED  -> WAITING   reeve_block_end, when no CPU slot is to be had
 *	INACTIVE -> WAITING   also when the pool of its group is full (reason POOL), by hand too
 *	INACTIVE <-> IDLE     after the idle mark, and back when a statement begins
 *	any live -> KILLED -> TERMINATED
 *
 * Whether a live ACTIVE session waits for its slot is read from its task, so the fast paths make
 * one change of state each; reeve_session_get reports it as WAITING.
 */
#ifndef REEVE_SESSION_H
#define REEVE_SESSION_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reeve_session_state {
	REEVE_SESSION_INACTIVE = 1,
	REEVE_SESSION_ACTIVE = 2,
	REEVE_SESSION_WAITING = 3,
	REEVE_SESSION_BLOCKED = 4,
	REEVE_SESSION_IDLE = 5, /* inactive for longer than the idle mark */
	REEVE_SESSION_KILLED = 6,
	REEVE_SESSION_TERMINATED = 7
};

/* The weight of a session's task inside its group, and its place at equal merit. */
enum reeve_session_priority {
	REEVE_SESSION_CRITICAL = 0, /* weight 4.0 */
	REEVE_SESSION_HIGH = 1,	    /* 3.0 */
	REEVE_SESSION_NORMAL = 2,   /* 2.0 */
	REEVE_SESSION_LOW = 3	    /* 0.8 */
};

enum reeve_switch_reason {
	REEVE_SWITCH_INITIAL = 0,
	REEVE_SWITCH_MANUAL = 1,
	REEVE_SWITCH_AUTOMATIC = 2,
	REEVE_SWITCH_ADMINISTRATIVE = 3,
	REEVE_SWITCH_WORKLOAD_BASED = 4
};

enum reeve_termination {
	REEVE_END_NONE = 0,
	REEVE_END_CLIENT_CLOSE = 1,
	REEVE_END_MANUAL_KILL = 2,
	REEVE_END_PROCESS_DIED = 3,
	REEVE_END_SHUTDOWN = 4,
	REEVE_END_IDLE_TIMEOUT = 5,
	REEVE_END_IDLE_BLOCKER_TIMEOUT = 6,
	REEVE_END_EXECUTION_TIMEOUT = 7,
	REEVE_END_RUNAWAY = 8, /* a call crossed a limit of its plan whose action is to end it */
	REEVE_END_GROUP_DELETED = 9,
	REEVE_END_MAINTENANCE = 10
};

/* How a session came by its group. */
enum reeve_assigned_by {
	REEVE_ASSIGNED_EXPLICIT = 0,
	REEVE_ASSIGNED_MAPPING = 1,
	REEVE_ASSIGNED_DEFAULT = 2,
	REEVE_ASSIGNED_RULE = 3
};

/* Who connects. Texts longer than REEVE_ATTRIBUTE_MAX - 1 bytes are INVALID_ARGUMENT; NULL: none. */
struct reeve_session_def {
	uint64_t user_id;     /* 0: none */
	const char *username; /* required, 1 to 128 bytes */
	reeve_group_id group; /* .v 0: by mapping, else by rule (rule.h), else the default group */
	uint32_t priority;    /* enum reeve_session_priority */
	const char *program;
	const char *machine;
	const char *service;
	const char *module;
	const char *action;
	bool is_system; /* never out of time, and not counted by the global limit */
};
#define REEVE_SESSION_DEF_INIT                                                                     \
	{                                                                                          \
		0, NULL, {0}, REEVE_SESSION_NORMAL, NULL, NULL, NULL, NULL, NULL, false            \
	}

/*
 * Creates a session, assigns its group, and binds it to this process: when the process dies the
 * session ends. *ret_session is the caller's, to be given to reeve_session_destroy.
 * Errors: INVALID_ARGUMENT, NOT_FOUND (group), RESOURCE_EXHAUSTED (group full or inactive, session
 * or task table full).
 */
REEVE_API int reeve_session_create(struct reeve *reeve, const struct reeve_session_def *def,
	struct reeve_session **ret_session, struct reeve_error *err);

/* Ends a session (a running statement included) and frees the handle. NULL is allowed. */
REEVE_API void reeve_session_destroy(struct reeve_session *session);

/* Its public id. Does not change, is never reused. */
REEVE_API reeve_session_id reeve_session_id_of(const struct reeve_session *session);

/* What one statement may use. */
struct reeve_query_def {
	/* Instant of the monotonic clock at which it is out of time, waits included; REEVE_NEVER. */
	reeve_ns deadline;
	/*
	 * CPU it will use as far as the engine knows; 0: unknown. Weighted fair queueing orders by it;
	 * negative is INVALID_ARGUMENT.
	 */
	reeve_ns estimated_cpu_ns;
	/*
	 * How long it will run, as far as the engine knows; 0: unknown. A plan may refuse it for that,
	 * or have it run in another group.
	 */
	uint64_t estimated_ns;
};
#define REEVE_QUERY_DEF_INIT                                                                       \
	{                                                                                          \
		REEVE_NEVER, 0, 0                                                                  \
	}

/* What one statement used. */
struct reeve_query_usage {
	reeve_ns cpu_ns;
	reeve_ns wait_ns;    /* for CPU slots */
	reeve_ns blocked_ns; /* between reeve_block_begin and _end */
	reeve_ns elapsed_ns;
	reeve_group_id group; /* the session's, when this was asked for */
	uint32_t parks;	      /* times it had to sleep for a slot */
};

/*
 * Begins a statement: a place in its group's session pool if it has one, INACTIVE to ACTIVE, then a
 * CPU slot. Waits while either is not to be had. With room and a free slot it takes no lock and makes
 * no system call. `def` may be NULL: no deadline but the group's.
 * Errors: INVALID_STATE (a statement is running), TIMEOUT, CANCELLED, KILLED, QUEUE_TIMEOUT (waited
 * for a place longer than the queue timeout), RESOURCE_EXHAUSTED (the pool is full and does not
 * queue; or the estimate is above the plan's limit).
 */
REEVE_API int reeve_query_begin(
	struct reeve_session *session, const struct reeve_query_def *def, struct reeve_error *err);

/*
 * To be called often while working, at least every millisecond, from the thread that began.
 * Returns 0 to go on, after having waited if it was another's turn; or REEVE_ECANCELLED,
 * REEVE_EKILLED, REEVE_ETIMEOUT: stop, then call reeve_query_end. With nothing to do it is a load,
 * a branch and a count; the cycle counter is looked at when the last look is some time ago.
 */
REEVE_API int reeve_checkpoint(struct reeve_session *session);

/* The reason the last checkpoint said no, as a sentence; "" when it did not. */
REEVE_API const char *reeve_checkpoint_text(const struct reeve_session *session);

/* Ends the statement and gives the slot on. `ret_usage` may be NULL. Never blocks. */
REEVE_API void reeve_query_end(struct reeve_session *session, struct reeve_query_usage *ret_usage);

/*
 * The same for an engine that has just read the processor's counter itself: the statement ends at
 * that instant, and one reading of about 9 ns is saved. `ticks` is what RDTSC gave on x86-64, CNTVCT_EL0 on
 * 64-bit ARM, read on this thread after all the statement's work. 0, and any reading where reeve
 * measures by another counter (a host's own, a processor whose rate is not constant): it reads that.
 */
REEVE_API void reeve_query_end_at(
	struct reeve_session *session, uint64_t ticks, struct reeve_query_usage *ret_usage);

/*
 * What the statement that ended last used, whether or not its end was asked for it, or the one under
 * way up to its last checkpoint; all zero before the first. And the sums over all statements of the
 * session, with group and parks as of the last. On the session's thread; no lock, no system call.
 */
REEVE_API void reeve_query_usage(
	const struct reeve_session *session, struct reeve_query_usage *ret_usage);
REEVE_API void reeve_session_usage(
	const struct reeve_session *session, struct reeve_query_usage *ret_usage);

/*
 * Around anything that sleeps (I/O, locks, a client that reads slowly): gives the CPU slot up, and
 * takes it back, waiting if it must. reeve_block_end returns like reeve_checkpoint. Nest freely;
 * the outermost pair counts. Outside a statement they do nothing.
 */
REEVE_API void reeve_block_begin(struct reeve_session *session);
REEVE_API int reeve_block_end(struct reeve_session *session);

/*
 * Around critical sections (latches held, a transaction half written): a shielded task is never
 * parked; what it uses is charged all the same. Nest freely. reeve_shield_end returns like
 * reeve_checkpoint.
 */
REEVE_API void reeve_shield_begin(struct reeve_session *session);
REEVE_API int reeve_shield_end(struct reeve_session *session);

/*
 * What a statement waits for is held by another session: says by whom, between reeve_block_begin and
 * the wait itself. As long as it lasts the holder runs with this statement's group and priority, if
 * those are the higher (see REEVE_WAIT_LOCK, and reeve_session_info.blocked_by), and so does whoever the
 * holder itself waits for. A second call replaces the first. It ends with reeve_task_unblocked, with the
 * statement, with either session, and with its process.
 * Errors: NOT_FOUND; INVALID_STATE (no statement, or the holder has ended); CONFLICT: a deadlock, that
 * is the holder waits, directly or not, for this session; the error names them all, and the wait should
 * not begin; RESOURCE_EXHAUSTED: a chain of more than 32 sessions. Takes locks for a moment; from the
 * session's own thread.
 */
REEVE_API int reeve_task_blocked_by(
	struct reeve_session *session, reeve_session_id holder, struct reeve_error *err);
/* It waits no longer: it has what it wanted, or has given up. */
REEVE_API void reeve_task_unblocked(struct reeve_session *session);
/*
 * The same two for a session by id, from any process, for engines that report from outside.
 * NOT_FOUND, INVALID_STATE and, for the first, CONFLICT and RESOURCE_EXHAUSTED as above.
 */
REEVE_API int reeve_session_blocked_by(
	struct reeve *reeve, reeve_session_id id, reeve_session_id holder, struct reeve_error *err);
REEVE_API int reeve_session_unblocked(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err);

/* A session as it is: a copy. */
struct reeve_session_info {
	reeve_session_id id;
	uint64_t user_id;
	char username[REEVE_NAME_MAX];
	char program[REEVE_ATTRIBUTE_MAX];
	char machine[REEVE_ATTRIBUTE_MAX];
	char service[REEVE_ATTRIBUTE_MAX];
	char module[REEVE_ATTRIBUTE_MAX];
	char action[REEVE_ATTRIBUTE_MAX];
	reeve_group_id group;
	reeve_group_id previous_group; /* .v 0: none */
	uint32_t state;		       /* enum reeve_session_state */
	uint32_t priority;	       /* enum reeve_session_priority */
	uint32_t assigned_by;	       /* enum reeve_assigned_by */
	uint32_t switch_reason;	       /* enum reeve_switch_reason */
	uint32_t termination;	       /* enum reeve_termination */
	uint32_t wait_reason;	       /* enum reeve_wait_reason; 0: not waiting */
	int32_t pid;		       /* of the process it belongs to */
	reeve_ns waiting_since;	       /* monotonic; 0: not waiting */
	reeve_ns connected_wall;
	reeve_ns last_active_wall; /* last start or end of a statement */
	reeve_ns query_start;	   /* monotonic; 0: no statement */
	reeve_ns switched_wall;
	reeve_ns terminated_wall; /* 0: live */
	uint64_t total_queries;	  /* statements begun */
	uint64_t cpu_ns;	  /* charged, all statements */
	reeve_ns wait_ns;
	uint64_t rule_id;	     /* assignment rule that chose its first group; 0: none did */
	reeve_session_id blocked_by; /* what it waits for is held by; .v 0: none that is known */
	uint32_t base_priority;	     /* its own; `priority` is what it has now */
	uint32_t priority_boosts;    /* so far */
	bool is_system;
	uint64_t idle_timeout_ns;    /* in force, strictest of all; REEVE_UNLIMITED: none */
	uint64_t max_execution_ns;   /* the same */
	reeve_ns idle_ns;	     /* since its last statement; 0 while one runs */
	reeve_ns queued_since;	     /* monotonic; 0: not in a queue */
	uint32_t queue_position;     /* 1: next; reeve_session_get only, 0 in lists */
	reeve_group_id return_group; /* .v 0: none; else where it goes when its call ends */
};

/* Copies one session, recently terminated ones included. NOT_FOUND when unknown. */
REEVE_API int reeve_session_get(struct reeve *reeve, reeve_session_id id,
	struct reeve_session_info *ret_info, struct reeve_error *err);

enum { REEVE_SESSIONS_TERMINATED = 1 /* ended ones too */ };

/* Up to `capacity` sessions with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_session_copy(struct reeve *reeve, reeve_session_id after, uint32_t flags,
	struct reeve_session_info *ret_infos, uint32_t capacity);

/*
 * Statement by hand, for outside engines that run their own work: state, counters and the session pool
 * change; no CPU slot is involved. Callable from any process. Returns 0 when it has started, and 1
 * when it is queued for a place in its group's pool: it starts by itself when one is handed to it, and
 * is then ACTIVE instead of WAITING; a queue timeout leaves it INACTIVE (event QUEUE_TIMEOUT).
 * reeve_session_cancel takes it out of the queue. `def` of reeve_session_start_query may be NULL; its
 * deadline must be REEVE_NEVER. *ret_position (may be NULL) gets the place in the queue, 0: started.
 * Errors: NOT_FOUND, INVALID_STATE, RESOURCE_EXHAUSTED as reeve_query_begin.
 */
REEVE_API int reeve_session_start_query(struct reeve *reeve, reeve_session_id id,
	const struct reeve_query_def *def, uint32_t *ret_position, struct reeve_error *err);

REEVE_API int reeve_session_start(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err);
REEVE_API int reeve_session_complete(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err);

/*
 * Moves a session with its counts and its task, or nothing. A running statement goes on in the new
 * group from its next checkpoint. Errors: NOT_FOUND, RESOURCE_EXHAUSTED (full or inactive),
 * INVALID_STATE (ended).
 */
REEVE_API int reeve_session_switch(struct reeve *reeve, reeve_session_id id,
	reeve_group_id to_group, uint32_t reason, struct reeve_error *err);

/*
 * Cancels the running statement, waiting or not, or takes one that was started by hand out of the queue.
 * INVALID_STATE when none runs.
 */
REEVE_API int reeve_session_cancel(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err);

/*
 * Ends a session in whatever state it is: at once when no statement runs, else as soon as its
 * statement notices (the call does not wait for that). INVALID_STATE when it has ended.
 */
REEVE_API int reeve_session_kill(struct reeve *reeve, reeve_session_id id, struct reeve_error *err);

struct reeve_session_stats {
	uint64_t created;
	uint64_t terminated;
	uint64_t manual_kills;
	uint64_t process_deaths;     /* sessions ended because their process died */
	uint64_t execution_timeouts; /* statements that ran out of time */
	uint64_t cancelled;	     /* statements cancelled by hand */
	uint32_t current;
	uint32_t current_active; /* with a statement */
	uint32_t peak;		 /* most live at once */
	uint64_t idle_terminations, idle_blocker_terminations;
	uint64_t execution_terminations; /* sessions ended because a statement ran out of time */
	uint64_t runaway_terminations;	 /* sessions ended because a call crossed a limit */
	uint64_t sessions_queued, queue_timeouts;
	uint64_t priority_boosts;
	uint64_t refused_estimates; /* statements not begun because of their estimate */
	uint64_t rule_actions;	    /* calls that crossed a limit of their plan's switch rules */
	uint64_t admissions; /* statements that reeve_admission_begin let run, at once or later */
	uint64_t admission_failures; /* of its kind: refused, or ended with a failure */
	uint32_t current_queued;
	/* waits in queues that are over */
	uint64_t queue_wait_count, queue_wait_sum_ns, queue_wait_min_ns, queue_wait_max_ns;
	uint64_t queue_wait_p50_ns, queue_wait_p90_ns, queue_wait_p99_ns, queue_wait_p999_ns;
};

REEVE_API void reeve_session_stats_get(struct reeve *reeve, struct reeve_session_stats *ret_stats);

/* ---- limits and priority ---- */

/* A session's own limits; the strictest of session, group and plan holds. Compared strictly. */
struct reeve_session_limits {
	uint64_t idle_timeout_ns;  /* REEVE_UNLIMITED: none; else at least 1 ms */
	uint64_t max_execution_ns; /* of one statement; the same */
};
enum { REEVE_LIMITS_IDLE = 1, REEVE_LIMITS_EXECUTION = 2 };

/*
 * Sets those that `fields` names and leaves the other. A running statement keeps the limit it began
 * with. Errors: NOT_FOUND, INVALID_STATE (ended), INVALID_ARGUMENT.
 */
REEVE_API int reeve_session_limits_set(struct reeve *reeve, reeve_session_id id, uint32_t fields,
	const struct reeve_session_limits *limits, struct reeve_error *err);
/* Its own limits. NOT_FOUND. */
REEVE_API int reeve_session_limits_get(struct reeve *reeve, reeve_session_id id,
	struct reeve_session_limits *ret_limits, struct reeve_error *err);

struct reeve_priority_change {
	uint32_t previous, now; /* enum reeve_session_priority */
	uint32_t boosts;	/* of this session so far */
};
/*
 * One step up: Low, Normal, High, Critical. Moves it in its queue too (Critical leaves it at once),
 * counts, and lasts until the session has had its turn: the statement that runs or waits ends, or the
 * next one. At Critical nothing changes and nothing is counted. `ret_change` may be NULL.
 * Errors: NOT_FOUND, INVALID_STATE (ended).
 */
REEVE_API int reeve_session_boost(struct reeve *reeve, reeve_session_id id,
	struct reeve_priority_change *ret_change, struct reeve_error *err);
/* Sets its own priority for good; ends a boost. INVALID_ARGUMENT above 3. */
REEVE_API int reeve_session_priority_set(struct reeve *reeve, reeve_session_id id,
	uint32_t priority, struct reeve_priority_change *ret_change, struct reeve_error *err);

/* NULL leaves a text as it is, "" removes it. */
struct reeve_session_attributes {
	const char *program, *machine, *service, *module, *action;
};
/* Errors: NOT_FOUND, INVALID_STATE (ended), INVALID_ARGUMENT. */
REEVE_API int reeve_session_attributes_set(struct reeve *reeve, reeve_session_id id,
	const struct reeve_session_attributes *attributes, struct reeve_error *err);

/* ---- settings ---- */

enum reeve_execution_action {
	REEVE_EXECUTION_CANCELS = 0, /* the statement */
	REEVE_EXECUTION_ENDS_SESSION = 1
};
struct reeve_session_config {
	uint32_t global_session_limit;	   /* UINT32_MAX: none */
	bool timeout_checker_enabled;	   /* whether housekeeping looks at timeouts */
	bool auto_terminate_enabled;	   /* false: overruns are told, nobody is ended */
	uint64_t default_idle_timeout_ns;  /* where session, group and plan have none */
	uint64_t default_max_execution_ns; /* the same */
	uint64_t idle_mark_ns;		   /* inactive sessions are IDLE after this; 1 ms up */
	uint32_t execution_timeout_action; /* enum reeve_execution_action */
};
REEVE_API void reeve_session_config_get(
	struct reeve *reeve, struct reeve_session_config *ret_config);
/* Takes effect at once; a lowered global limit ends nobody. INVALID_ARGUMENT. */
REEVE_API int reeve_session_config_set(
	struct reeve *reeve, const struct reeve_session_config *config, struct reeve_error *err);

/* ---- timeouts ---- */

enum {
	REEVE_CHECK_IDLE = 1,
	REEVE_CHECK_EXECUTION = 2,
	REEVE_CHECK_QUEUE = 4,
	REEVE_CHECK_ALL = 7
};
struct reeve_timeout_report {
	uint32_t idle, idle_blockers, executions, queue_timeouts;
	uint32_t sessions; /* ids copied */
};
/*
 * Looks at all sessions now, for these kinds of timeouts, and does what is to be done: ends idle
 * sessions, statements by hand that run too long, waits in queues. (Statements of reeve_query_begin
 * see to their own.) reeve_tick does it twice a second, and so does whoever waits. *ret_report (may
 * be NULL) counts; up to `capacity` ids of sessions that were dealt with go to `ret_ids`.
 * Errors: INVALID_ARGUMENT.
 */
REEVE_API int reeve_session_check_timeouts(struct reeve *reeve, uint32_t kinds,
	reeve_session_id *ret_ids, uint32_t capacity, struct reeve_timeout_report *ret_report,
	struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
