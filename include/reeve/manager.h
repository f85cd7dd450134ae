/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.h - what joins the modules: all statistics of one moment, rebalancing of everything that
 * can be rebalanced, and admission of one statement to everything that it needs.
 *
 * Threads: all functions may be called by any thread at once, except that reeve_execute_begin and
 * reeve_execute_end belong to the thread that uses the session.
 */
#ifndef REEVE_MANAGER_H
#define REEVE_MANAGER_H

#include <reeve/cpu.h>
#include <reeve/group.h>
#include <reeve/host.h>
#include <reeve/io.h>
#include <reeve/memory.h>
#include <reeve/parallel.h>
#include <reeve/session.h>
#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- statistics ---- */

/*
 * All statistics of one moment. What only changes under a lock (places, queues, degrees, memory,
 * counts of sessions) is of the same moment in all of it. Statements begin and end without a lock
 * when nothing is short; they are looked at once, for sessions and CPU alike, so that
 * cpu.running <= sessions.current_active at all times.
 */
struct reeve_stats {
	struct reeve_cpu_stats cpu;
	struct reeve_io_stats io;
	struct reeve_memory_stats memory; /* the host's figures are at most a second old */
	struct reeve_parallel_stats parallel;
	struct reeve_session_stats sessions;
	uint32_t memory_usage_ppm; /* of the database limit */
	uint32_t memory_level;	   /* enum reeve_memory_level */
	reeve_plan_id active_plan;
	reeve_ns taken_wall;
	reeve_ns uptime_ns; /* since the segment was created, on the wall clock */
};

/*
 * Copies them. Holds the locks of all modules for as long as a look at all groups, tasks and sessions
 * takes; never waits otherwise. Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED (out of memory).
 */
REEVE_API int reeve_stats_get(
	struct reeve *reeve, struct reeve_stats *ret_stats, struct reeve_error *err);

/* ---- rebalancing ---- */

#define REEVE_REBALANCE_ACTIONS	   (REEVE_MEMORY_POOLS_MAX + 2)
#define REEVE_REBALANCE_ACTION_MAX 128

/* What one rebalancing has done: nothing is told that was not done. */
struct reeve_rebalancing_report {
	uint32_t cpu_groups;	  /* whose weight changed */
	uint32_t io_devices;	  /* whose load was measured anew */
	uint32_t memory_pools;	  /* that were given another size, or a target */
	uint32_t recommendations; /* in the list below, applied or not */
	uint32_t action_count;
	char actions[REEVE_REBALANCE_ACTIONS][REEVE_REBALANCE_ACTION_MAX]; /* a sentence each */
	struct reeve_memory_recommendation memory[REEVE_MEMORY_POOLS_MAX];
	reeve_ns taken_wall;
};

/*
 * Solves the CPU shares anew, measures the load of devices, has the memory advisor recommend and,
 * as the memory strategy says, apply. `ret_report` may be NULL. Errors: INVALID_ARGUMENT.
 */
REEVE_API int reeve_rebalance(
	struct reeve *reeve, struct reeve_rebalancing_report *ret_report, struct reeve_error *err);

/* ---- settings ---- */

/*
 * What is set of all modules together. The four that nothing can turn on or off are told as they
 * are, and refused as anything else.
 */
struct reeve_manager_config {
	uint32_t cpu_cores;	 /* what AUTOMATIC degrees go by */
	uint64_t total_memory;	 /* of the machine or container; 0: not known; cannot be set */
	uint64_t max_db_memory;	 /* REEVE_MEMORY_DB_MIN to _MAX */
	uint32_t io_parallelism; /* most that AUTOMATIC gives */
	uint32_t max_concurrent_io;
	uint32_t max_total_dop;
	uint32_t cpu_policy;		/* enum reeve_cpu_policy */
	uint32_t io_policy;		/* enum reeve_io_policy */
	uint32_t memory_strategy;	/* enum reeve_memory_strategy */
	reeve_ns rebalancing_period_ns; /* between resizes of pools by reeve_tick */
	uint32_t global_session_limit;	/* UINT32_MAX: none */
	bool enabled;			/* true */
	bool dynamic_rebalancing;	/* true; strategy MANUAL keeps pools as they are */
	bool container_aware;		/* true */
	bool ml_predictions;		/* false */
	uint64_t revision;		/* of all definitions; cannot be set */
};

enum {
	REEVE_MANAGER_CPU_CORES = 1 << 0,
	REEVE_MANAGER_MAX_DB_MEMORY = 1 << 1,
	REEVE_MANAGER_IO_PARALLELISM = 1 << 2,
	REEVE_MANAGER_MAX_CONCURRENT_IO = 1 << 3,
	REEVE_MANAGER_MAX_TOTAL_DOP = 1 << 4,
	REEVE_MANAGER_CPU_POLICY = 1 << 5,
	REEVE_MANAGER_IO_POLICY = 1 << 6,
	REEVE_MANAGER_MEMORY_STRATEGY = 1 << 7,
	REEVE_MANAGER_REBALANCING_PERIOD = 1 << 8,
	REEVE_MANAGER_GLOBAL_SESSION_LIMIT = 1 << 9,
	REEVE_MANAGER_ENABLED = 1 << 10,
	REEVE_MANAGER_DYNAMIC_REBALANCING = 1 << 11,
	REEVE_MANAGER_CONTAINER_AWARE = 1 << 12,
	REEVE_MANAGER_ML_PREDICTIONS = 1 << 13
};
#define REEVE_MANAGER_ALL ((1u << 14) - 1)

REEVE_API int reeve_manager_config_get(
	struct reeve *reeve, struct reeve_manager_config *ret_config, struct reeve_error *err);
/*
 * Sets the fields that `fields` names, in force at once, or none: what had been set is set back when a
 * later one is refused. Each module is changed as its own _config_set does it. INVALID_ARGUMENT names
 * field, value and range; CONFLICT when pools hold more than max_db_memory leaves them.
 */
REEVE_API int reeve_manager_config_set(struct reeve *reeve, uint32_t fields,
	const struct reeve_manager_config *config, struct reeve_error *err);

/* ---- groups ---- */

/* What is registered by hand for a new group, until the next activation of a plan. */
struct reeve_group_registrations {
	uint32_t cpu_shares;	  /* 1 to REEVE_SHARES_MAX; 0: as the plan says */
	uint32_t io_weight;	  /* 1 to REEVE_IO_WEIGHT_MAX; 0: as the plan says */
	uint64_t max_session_pga; /* bytes, from 1; REEVE_UNLIMITED: as the plan says */
};
#define REEVE_GROUP_REGISTRATIONS_INIT                                                             \
	{                                                                                          \
		0, 0, REEVE_UNLIMITED                                                              \
	}

/*
 * Creates a group in all modules at once, or in none: its definition, whose limits hold whatever
 * plan is active, and what is to be registered by hand (NULL: nothing). It takes sessions when all of
 * that is in force, and not before; if this process dies in the middle it is left inactive. On
 * failure the group is gone again. Errors: those of reeve_group_create, and of the registrations.
 */
REEVE_API int reeve_group_define(struct reeve *reeve, const struct reeve_group_def *def,
	const struct reeve_group_registrations *registrations, reeve_group_id *ret_id,
	struct reeve_error *err);

/* ---- the container ---- */

/*
 * Limits of the container or control group that this process is in, as they are now: the set of
 * processors, quota and usage of memory, and how long the kernel has held it back. Reads a few files.
 * NOT_FOUND when there is none, or the host tells nothing of it. INVALID_ARGUMENT.
 */
REEVE_API int reeve_container_get(
	struct reeve *reeve, struct reeve_container_limits *ret_limits, struct reeve_error *err);

/* ---- admission to everything ---- */

/* What one statement needs, and what is known of it. Start from REEVE_EXECUTE_DEF_INIT. */
struct reeve_execute_def {
	struct reeve_query_def query;		   /* its deadline bounds all waits together */
	const struct reeve_parallel_def *parallel; /* NULL: serial, no servers */
	uint64_t work_area_bytes;		   /* charged to the session; 0: none */
};
#define REEVE_EXECUTE_DEF_INIT                                                                     \
	{                                                                                          \
		REEVE_QUERY_DEF_INIT, NULL, 0                                                      \
	}

/* A statement that was admitted, as its caller holds it: filled by reeve_execute_begin. */
struct reeve_execute {
	struct reeve_session *session; /* NULL: ended */
	struct reeve_parallel parallel;
	bool is_parallel;	  /* reeve_parallel_dop and _adapt may be asked */
	uint32_t dop;		  /* granted at the start; 1: serial */
	uint64_t work_area_bytes; /* charged */
	reeve_ns started_wall;
};

/*
 * Begins a statement, in this order: a place in its group's session pool and a CPU slot (as
 * reeve_query_begin), parallel servers (reeve_parallel_begin), a work area (reeve_memory_charge).
 * Waits where those wait. On failure nothing is left of it: what it had is given back in the opposite
 * order, what waited is out of its queue, and *ret_execute is untouched.
 * Errors: those of the three; the text is of the one that refused.
 */
REEVE_API int reeve_execute_begin(struct reeve_session *session,
	const struct reeve_execute_def *def, struct reeve_execute *ret_execute,
	struct reeve_error *err);

/*
 * Ends it and gives everything back, whatever has happened to the session meanwhile. `failure` NULL:
 * it went well (see reeve_parallel_end). `ret_usage` may be NULL. INVALID_STATE when it has been ended.
 */
REEVE_API int reeve_execute_end(struct reeve_execute *execute, const char *failure,
	struct reeve_query_usage *ret_usage, struct reeve_error *err);

/* ---- the same by ids, for engines whose statements are not threads of this process ---- */

/* What the statement needs, and what is known of it. Start from REEVE_ADMISSION_DEF_INIT. */
struct reeve_admission_def {
	uint64_t estimated_ns;			   /* 0: not known; else judged by the plan */
	const struct reeve_parallel_def *parallel; /* NULL: serial, no servers */
	uint64_t work_area_bytes;		   /* charged to the session; 0: none */
};
#define REEVE_ADMISSION_DEF_INIT                                                                   \
	{                                                                                          \
		0, NULL, 0                                                                         \
	}

struct reeve_admission_info {
	reeve_admission_id id;
	reeve_session_id session;
	reeve_group_id group;	      /* its session's; when over, as it was at the end */
	reeve_task_id task;	      /* for reeve_task_charge and the like; .v 0: queued still */
	reeve_execution_id execution; /* parallel; .v 0: serial, or not asked for yet */
	uint32_t state;		 /* REEVE_EXECUTION_QUEUED, _EXECUTING, _COMPLETED or _FAILED */
	uint32_t dop;		 /* 0 while queued; 1: serial */
	uint32_t queue_position; /* in its group's pool, or for servers; 0: not queued */
	uint64_t cpu_ns;	 /* as reported of its task */
	uint64_t io_bytes, io_requests; /* of requests submitted with reeve_io_submit_as */
	uint64_t memory_bytes;		/* that its session holds; 0 when over */
	reeve_ns begun_wall, started_wall, ended_wall; /* 0: not yet */
	int failure_code;			       /* REEVE_E...; 0 */
	char failure[120];			       /* "": none */
};

/*
 * Begins a statement of a session, in this order: a place in its group's session pool, parallel
 * servers, a CPU task that reeve_task_next picks by the plan, a work area. Never waits: where it has
 * to queue, for a place or for servers, it keeps what it has, and *ret_info says so; it goes on in
 * reeve_tick, or when it is looked at by its id. What is refused then makes it FAILED, with the
 * reason. On failure of this call nothing is left of it, and *ret_info is untouched.
 *
 * The session is then as one of reeve_session_start: subject to the same timeouts and switch rules,
 * which go by what is reported of the CPU task. The statement ends by reeve_admission_end, by
 * reeve_session_complete, when its session is stopped, ended or killed, and when the process dies
 * that made the session.
 * Errors: NOT_FOUND; INVALID_STATE (the session has ended or is not inactive); INVALID_ARGUMENT;
 * RESOURCE_EXHAUSTED, and those of reeve_session_start, reeve_execution_request, reeve_memory_charge.
 */
REEVE_API int reeve_admission_begin(struct reeve *reeve, reeve_session_id session,
	const struct reeve_admission_def *def, struct reeve_admission_info *ret_info,
	struct reeve_error *err);

/*
 * Ends it and gives everything back. `failure` NULL: it went well; one that was queued still is
 * FAILED in any case. NOT_FOUND; INVALID_STATE: it is over.
 */
REEVE_API int reeve_admission_end(
	struct reeve *reeve, reeve_admission_id id, const char *failure, struct reeve_error *err);

/* One of them; the last 64 that are over can be looked at, too. NOT_FOUND. */
REEVE_API int reeve_admission_get(struct reeve *reeve, reeve_admission_id id,
	struct reeve_admission_info *ret_info, struct reeve_error *err);

#define REEVE_ADMISSIONS_ENDED 1u /* list those that are over, too */
/* Copies those with ids above `after`, by id. Returns how many. */
REEVE_API uint32_t reeve_admission_copy(struct reeve *reeve, reeve_admission_id after,
	uint32_t flags, struct reeve_admission_info *ret_infos, uint32_t capacity);

/*
 * Submits an I/O request on its behalf, in its session's group, as reeve_io_submit: its bytes and
 * requests count the request when that completes, and it is cancelled when it ends.
 * NOT_FOUND; INVALID_STATE: queued or over; and those of reeve_io_submit.
 */
REEVE_API int reeve_io_submit_as(struct reeve *reeve, reeve_admission_id admission,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
