/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - the CPU scheduler: settings, registrations, tasks and statistics.
 *
 * At most `cpu_slots` statements run at once; who else wants to run waits. Groups share by weight
 * (virtual runtime), tasks inside a group by the weight of their priority. A group's weight and cap
 * are, strictest first: the last explicit registration, else the active plan's directive, else its
 * own cpu_allocation_pct, by which the groups that the plan does not name share what is left.
 */
#ifndef REEVE_CPU_H
#define REEVE_CPU_H

#include <reeve/types.h>
#include <reeve/waits.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a session waits; one row of defs/waits each. Text: reeve_wait_text. */
REEVE_API const char *reeve_wait_text(uint32_t reason);

enum reeve_cpu_policy {
	/* By weight, most behind first: groups by their share, tasks inside by their priority's weight. */
	REEVE_CPU_COMPLETELY_FAIR = 0,
	/*
	 * The same, but use of the last while counts: with a half-life of 10 s, who has used more than its
	 * shares weighs down to half, who has used less up to double, until that is forgotten.
	 */
	REEVE_CPU_FAIR_SHARE = 1,
	/*
	 * Strictly by priority of group, then of task; equals take turns by quantum. Who has waited 1 s
	 * for each step of group priority (125 ms of task priority) below goes first all the same. Shares
	 * mean nothing; caps hold.
	 */
	REEVE_CPU_PRIORITY_ROUND_ROBIN = 2,
	/*
	 * By weight, who would be done first goes first: short statements before long ones, each to its
	 * end. By reeve_query_def.estimated_cpu_ns, else by what went before.
	 */
	REEVE_CPU_WEIGHTED_FAIR_QUEUEING = 3
};

struct reeve_cpu_config {
	uint32_t cpu_slots;	       /* given when the segment was created; not settable */
	reeve_ns quantum_ns;	       /* 1 ms to 1 s, default 100 ms */
	bool runaway_detection;	       /* default on */
	reeve_ns runaway_threshold_ns; /* CPU of one statement, default 300 s; strictly greater */
	uint32_t runaway_throttle_ppm; /* speed of a runaway, 100,000 to 1,000,000; default half */
	uint32_t policy;	       /* enum reeve_cpu_policy, default COMPLETELY_FAIR */
};

REEVE_API void reeve_cpu_config_get(struct reeve *reeve, struct reeve_cpu_config *ret_config);
/* Sets all but cpu_slots, all or none, in force at once. INVALID_ARGUMENT. */
REEVE_API int reeve_cpu_config_set(
	struct reeve *reeve, const struct reeve_cpu_config *config, struct reeve_error *err);

/*
 * Sets a group's weight and cap by hand, until the next plan activation. Registering again
 * replaces. `shares` 1 to REEVE_SHARES_MAX, on the scale of a SHARES plan; `cap_pct` 1 to 100, or
 * 0: none. Errors: NOT_FOUND, INVALID_ARGUMENT.
 */
REEVE_API int reeve_cpu_group_register(struct reeve *reeve, reeve_group_id group, uint32_t shares,
	uint32_t cap_pct, struct reeve_error *err);
/* Ends an explicit registration. NOT_FOUND when there is none. */
REEVE_API int reeve_cpu_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err);

/* Solves the shares anew and puts them in force. Returns how many groups' weights changed. */
REEVE_API int reeve_cpu_rebalance(struct reeve *reeve, struct reeve_error *err);

/*
 * How long waits were. Quantiles are worked out from buckets by powers of two, on a straight line in each,
 * and so may be off by up to a factor of two; the rest is exact. All 0 when there was no wait.
 */
#define REEVE_WAIT_BUCKETS 36u
struct reeve_wait_latency {
	uint64_t count;
	uint64_t mean_ns;
	uint64_t min_ns;
	uint64_t p50_ns;
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint64_t p999_ns;
	uint64_t max_ns;
	uint64_t sum_ns;
	/* [0]: below 1,024 ns; [i]: 2^(9+i) up to 2^(10+i) ns; the last: all longer ones */
	uint64_t buckets[REEVE_WAIT_BUCKETS];
};

/* One group's CPU, as of now. */
struct reeve_cpu_group_stats {
	reeve_group_id group;
	bool is_registered;    /* explicitly; shares and cap are then that registration's */
	uint32_t shares;       /* weight in force, on the scale of its plan's numbers */
	uint32_t entitled_ppm; /* of the CPU slots, under full contention */
	uint32_t cap_ppm;      /* REEVE_PPM: none */
	uint64_t cpu_ns;       /* charged since the segment was created */
	uint64_t queries;    /* statements ended, those whose process died in the middle included */
	uint64_t dispatches; /* slots granted after a wait */
	uint64_t wait_ns;    /* waited for slots, by waits that are over */
	uint64_t throttled_ns; /* spent with the cap reached */
	uint32_t running;      /* tasks that hold a slot */
	uint32_t waiting;      /* tasks that wait for one */
	uint32_t tasks;	       /* not yet completed: statements begun, and tasks added by hand */
	uint64_t vruntime;     /* virtual runtime; only differences mean something */
	uint32_t
		weight_ppm; /* that the policy goes by now: as of the ruling, of who wants CPU now, of history */
	uint32_t suspended;		/* tasks added by hand that are WAITING or SLEEPING */
	struct reeve_wait_latency wait; /* from ready to running, of tasks added by hand too */
};

REEVE_API int reeve_cpu_group_stats_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_cpu_group_stats *ret_stats, struct reeve_error *err);
/* Up to `capacity` groups by id. Returns how many were copied. */
REEVE_API uint32_t reeve_cpu_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_cpu_group_stats *ret_stats, uint32_t capacity);

/* Totals since the segment was created. */
struct reeve_cpu_stats {
	uint64_t scheduled;	   /* slots granted */
	uint64_t context_switches; /* grants whose task differs from the last one on that slot */
	uint64_t preemptions;	   /* slots taken from a running task for another's sake */
	uint64_t cpu_ns;	   /* charged to tasks, of groups that are gone too */
	/*
	 * Statements and tasks of outside engines that have ended, those whose process died in the middle
	 * included, and those under way: together all that were begun.
	 */
	uint64_t queries, queries_now;
	uint64_t wait_ns;   /* waited for slots, by waits that are over */
	uint64_t waits;	    /* how many such waits */
	uint64_t runaways;  /* statements found over the threshold */
	uint64_t throttled; /* statements slowed down for it */
	uint32_t ready;	    /* tasks waiting now */
	uint32_t running;   /* tasks with a slot now */
	uint32_t throttled_now;
	uint32_t total_shares; /* of groups that have tasks now */
	uint64_t min_vruntime;
	uint32_t policy;    /* enum reeve_cpu_policy */
	uint64_t boosts;    /* tasks that began to run with the merit of one that waits for them */
	uint64_t deadlocks; /* waits refused because they would have closed a ring */
	struct reeve_wait_latency wait; /* from ready to running, of all */
};

REEVE_API void reeve_cpu_stats_get(struct reeve *reeve, struct reeve_cpu_stats *ret_stats);

/* One CPU slot. As many run at once as there are slots; the kernel says on which processors. */
struct reeve_cpu_slot_stats {
	uint32_t slot;
	bool is_busy;	    /* a statement runs in it now */
	reeve_task_id task; /* whose it is, at work or at rest; .v 0: nobody's */
	uint64_t cpu_ns;    /* used by the tasks that have had it */
	uint64_t scheduled; /* grants */
	uint64_t context_switches;
};

/* Up to `capacity` slots, in order. Returns how many there are, which may be more. */
REEVE_API uint32_t reeve_cpu_slot_stats_copy(
	struct reeve *reeve, struct reeve_cpu_slot_stats *ret_stats, uint32_t capacity);

enum reeve_task_state {
	REEVE_TASK_READY = 1,
	REEVE_TASK_RUNNING = 2,
	REEVE_TASK_WAITING = 3,
	REEVE_TASK_SLEEPING = 4,
	REEVE_TASK_THROTTLED = 5,
	REEVE_TASK_COMPLETED = 6
};

/* One task: a statement of a session, or one added by hand for an outside engine. */
struct reeve_task_info {
	reeve_task_id id;
	uint64_t query_id; /* owner's label; 0 for statements */
	reeve_group_id group;
	reeve_session_id session;    /* .v 0: none */
	uint32_t priority;	     /* 0 to 7 */
	uint32_t effective_priority; /* that it runs with: a waiter's, when that is higher */
	uint32_t state;		     /* enum reeve_task_state */
	uint32_t slot;		     /* CPU slot held; UINT32_MAX: none */
	bool is_managed; /* reeve runs and parks it; false: an outside engine asks and reports */
	bool is_runaway;
	uint32_t throttle_ppm; /* REEVE_PPM: full speed */
	uint64_t cpu_ns;
	uint64_t dispatches;
	uint64_t vruntime;
	uint32_t weight_ppm; /* of its priority: 2.0 is 2,000,000 */
	reeve_ns created_wall;
	reeve_ns last_scheduled_wall; /* 0: never */
	reeve_ns slice_left_ns;
};

/*
 * Adds a task for an outside engine (pull mode): the engine asks reeve_task_next which task to run,
 * reports what it used, and completes it. Such tasks share among themselves by the same weights.
 * Errors: NOT_FOUND (group), INVALID_ARGUMENT (priority), RESOURCE_EXHAUSTED (task table full).
 */
REEVE_API int reeve_task_create(struct reeve *reeve, uint64_t query_id, reeve_group_id group,
	uint32_t priority, reeve_task_id *ret_id, struct reeve_error *err);
/*
 * Picks the next task by the policy in force and marks it RUNNING; NOT_FOUND when none is ready, or
 * caps let none run.
 */
REEVE_API int reeve_task_next(
	struct reeve *reeve, struct reeve_task_info *ret_task, struct reeve_error *err);
/*
 * Charges CPU to a task, READY, RUNNING or suspended. NOT_FOUND for an id that never was;
 * INVALID_STATE when it was completed, or is a session's statement.
 */
REEVE_API int reeve_task_charge(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err);
/* Charges, and makes a RUNNING task READY again; the same errors, and INVALID_STATE when not RUNNING. */
REEVE_API int reeve_task_yield(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err);
/* Charges, and ends it. The same errors; so completing it again is INVALID_STATE. */
REEVE_API int reeve_task_complete(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err);
/*
 * Takes a task, READY or RUNNING, out of the choice: `state` is REEVE_TASK_WAITING or
 * REEVE_TASK_SLEEPING. reeve_task_resume makes it READY again. INVALID_STATE when it is suspended, or
 * is not; else errors as for reeve_task_charge.
 */
REEVE_API int reeve_task_suspend(
	struct reeve *reeve, reeve_task_id id, uint32_t state, struct reeve_error *err);
REEVE_API int reeve_task_resume(struct reeve *reeve, reeve_task_id id, struct reeve_error *err);
/*
 * Says what CPU a task will use in all, for weighted fair queueing; 1 ns and more. Without it the mean
 * of its group's past tasks and statements is taken. Errors as for reeve_task_charge.
 */
REEVE_API int reeve_task_estimate(
	struct reeve *reeve, reeve_task_id id, uint64_t estimated_cpu_ns, struct reeve_error *err);
/* Copies one task. NOT_FOUND, also when it was completed. */
REEVE_API int reeve_task_get(struct reeve *reeve, reeve_task_id id,
	struct reeve_task_info *ret_info, struct reeve_error *err);
/* Up to `capacity` tasks with an id above `after`, by id. Statements at rest are not listed. */
REEVE_API uint32_t reeve_task_copy(struct reeve *reeve, reeve_task_id after,
	struct reeve_task_info *ret_infos, uint32_t capacity);

/*
 * Marks and slows down statements and tasks over the runaway threshold. Copies the ids newly found
 * (up to `capacity`) and returns how many there are. *ret_current (may be NULL): all over it now.
 */
REEVE_API int reeve_cpu_detect_runaways(struct reeve *reeve, reeve_task_id *ret_new,
	uint32_t capacity, uint32_t *ret_current, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
