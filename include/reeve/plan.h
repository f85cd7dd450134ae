/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - resource plans and their directives: what each group is entitled to.
 *
 * One plan is active. Activating compiles it aside into a flat table (the ruling) and puts that in
 * force by one store: nobody ever sees half of two plans. System plans are 1 DEFAULT_PLAN,
 * 2 DAYTIME_PLAN, 3 NIGHTTIME_PLAN, 4 MAINTENANCE_PLAN; created plans count from 100.
 */
#ifndef REEVE_PLAN_H
#define REEVE_PLAN_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_DEFAULT_PLAN     ((uint64_t)1)
#define REEVE_DAYTIME_PLAN     ((uint64_t)2)
#define REEVE_NIGHTTIME_PLAN   ((uint64_t)3)
#define REEVE_MAINTENANCE_PLAN ((uint64_t)4)

/* How a plan divides CPU between its directives. */
enum reeve_cpu_method {
	REEVE_METHOD_EMPHASIS = 0, /* percent by level; lower levels get what upper ones leave */
	REEVE_METHOD_RATIO = 1,	   /* percent as ratios of each other */
	REEVE_METHOD_SHARES = 2	   /* shares */
};

/* What a group gets when it has no number of the plan's method. */
#define REEVE_SHARES_MAX 1000000u
#define REEVE_CPU_LEVELS 8u

struct reeve_plan_def {
	const char *name;	 /* 1 to 128 bytes, unique, case-sensitive */
	const char *description; /* NULL: none */
	uint32_t cpu_method;	 /* enum reeve_cpu_method */
	/* Cap on the CPU of all governed work, percent of the CPU slots, 1 to 100; 0: none. */
	uint32_t max_utilization_pct;
	bool is_enabled; /* may be activated */
	/* Whether the plan's directives on parallel calls, and on active sessions, are enforced. */
	bool parallel_execution_managed;
	bool active_session_pool_managed;
	/* The plan it is a sub-plan of; .v 0: none, it is a top plan. */
	reeve_plan_id parent;
};
#define REEVE_PLAN_DEF_INIT                                                                        \
	{                                                                                          \
		NULL, NULL, REEVE_METHOD_SHARES, 0, true, false, false,                            \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}

enum {
	REEVE_PLAN_NAME = 1 << 0,
	REEVE_PLAN_DESCRIPTION = 1 << 1,
	REEVE_PLAN_CPU_METHOD = 1 << 2,
	REEVE_PLAN_MAX_UTILIZATION = 1 << 3,
	REEVE_PLAN_IS_ENABLED = 1 << 4,
	REEVE_PLAN_PARALLEL_MANAGED = 1 << 5,
	REEVE_PLAN_SESSIONS_MANAGED = 1 << 6,
	REEVE_PLAN_PARENT = 1 << 7
};

enum reeve_plan_status {
	REEVE_PLAN_ACTIVE = 0,
	REEVE_PLAN_INACTIVE = 1,
	REEVE_PLAN_MAINTENANCE = 2 /* in force because a maintenance window is open */
};

struct reeve_plan_info {
	reeve_plan_id id;
	char name[REEVE_NAME_MAX];
	char description[REEVE_DESCRIPTION_MAX];
	uint32_t cpu_method;
	uint32_t max_utilization_pct;
	bool is_enabled;
	bool is_system;
	bool is_active;	 /* in force */
	uint32_t status; /* enum reeve_plan_status */
	bool is_default; /* DEFAULT_PLAN */
	bool parallel_execution_managed;
	bool active_session_pool_managed;
	bool is_top_plan;     /* has no parent */
	reeve_plan_id parent; /* .v 0: none */
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision;
};

/* Errors: INVALID_ARGUMENT, ALREADY_EXISTS, NOT_FOUND (the parent), RESOURCE_EXHAUSTED. */
REEVE_API int reeve_plan_create(struct reeve *reeve, const struct reeve_plan_def *def,
	reeve_plan_id *ret_id, struct reeve_error *err);

/*
 * Changes the fields that `fields` names, all or none; a change of the active plan is in force at
 * once. Errors: NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT, PERMISSION_DENIED (renaming a system
 * plan, or giving it a parent), CONFLICT (disabling the active plan, or giving it a parent),
 * CONFIGURATION (a parent that is below the plan), STALE_REVISION.
 */
REEVE_API int reeve_plan_update(struct reeve *reeve, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, struct reeve_error *err);

/*
 * Deletes a plan with its directives. Directives, sub-plans, schedules and windows that refer to it
 * refer to `replacement` afterwards; with .v 0 there must be none. All or nothing, even if the
 * process dies in the middle. Errors: NOT_FOUND (either), PERMISSION_DENIED (a system plan),
 * CONFLICT (it is active, or referred to: the text says by what), CONFIGURATION (the replacement
 * does not do: a circle, a sub-plan in a schedule).
 */
REEVE_API int reeve_plan_delete(
	struct reeve *reeve, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err);

REEVE_API int reeve_plan_get(struct reeve *reeve, reeve_plan_id id,
	struct reeve_plan_info *ret_info, struct reeve_error *err);
REEVE_API bool reeve_plan_find(struct reeve *reeve, const char *name, reeve_plan_id *ret_id);
/* Up to `capacity` plans with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_plan_copy(struct reeve *reeve, reeve_plan_id after,
	struct reeve_plan_info *ret_infos, uint32_t capacity);
/* The plan in force. One load. */
REEVE_API reeve_plan_id reeve_plan_active(struct reeve *reeve);

/*
 * What is done with a call that crosses a switch limit. When a directive does not say: GROUP if it
 * has a switch_group, else LOG.
 */
enum reeve_switch_action {
	REEVE_SWITCH_NOTHING = 0,
	REEVE_SWITCH_LOG = 1,	 /* only an event */
	REEVE_SWITCH_GROUP = 2,	 /* the session goes on in switch_group */
	REEVE_SWITCH_CANCEL = 3, /* the statement is cancelled */
	REEVE_SWITCH_KILL = 4	 /* the session is ended */
};

/* Which fields a directive has; the others are absent: no limit. */
enum {
	REEVE_DIRECTIVE_CPU_PCT = 1 << 0,
	REEVE_DIRECTIVE_CPU_SHARES = 1 << 1,
	REEVE_DIRECTIVE_CPU_LEVEL = 1 << 2,
	REEVE_DIRECTIVE_CPU_CAP = 1 << 3,
	REEVE_DIRECTIVE_PARALLEL_DEGREE = 1 << 4,
	REEVE_DIRECTIVE_PARALLEL_SERVERS = 1 << 5,
	REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT = 1 << 6,
	REEVE_DIRECTIVE_PARALLEL_QUEUE_RUNS = 1 << 7,
	REEVE_DIRECTIVE_ACTIVE_SESSIONS = 1 << 8,
	REEVE_DIRECTIVE_QUEUE_TIMEOUT = 1 << 9,
	REEVE_DIRECTIVE_MAX_EST_EXEC = 1 << 10,
	REEVE_DIRECTIVE_MAX_IDLE = 1 << 11,
	REEVE_DIRECTIVE_MAX_IDLE_BLOCKER = 1 << 12,
	REEVE_DIRECTIVE_SWITCH_GROUP = 1 << 13,
	REEVE_DIRECTIVE_SWITCH_ACTION = 1 << 14,
	REEVE_DIRECTIVE_SWITCH_CPU = 1 << 15,
	REEVE_DIRECTIVE_SWITCH_ELAPSED = 1 << 16,
	REEVE_DIRECTIVE_SWITCH_IO_BYTES = 1 << 17,
	REEVE_DIRECTIVE_SWITCH_IO_REQUESTS = 1 << 18,
	REEVE_DIRECTIVE_SWITCH_LOGICAL_READS = 1 << 19,
	REEVE_DIRECTIVE_SWITCH_ESTIMATE = 1 << 20,
	REEVE_DIRECTIVE_SWITCH_FOR_CALL = 1 << 21,
	REEVE_DIRECTIVE_UNDO_POOL = 1 << 22,
	REEVE_DIRECTIVE_UNDO_RATE = 1 << 23,
	REEVE_DIRECTIVE_SESSION_PGA = 1 << 24,
	REEVE_DIRECTIVE_IO_BANDWIDTH = 1 << 25,
	REEVE_DIRECTIVE_IOPS = 1 << 26,
	REEVE_DIRECTIVE_IO_WEIGHT = 1 << 27,
	REEVE_DIRECTIVE_SUB_PLAN = 1 << 28,
	REEVE_DIRECTIVE_PRIORITY = 1 << 29
};

/*
 * The fields, one name in the definition, the information and reeve_directive_field. Only those
 * that `given` has count. Those that are a limit of the plan's session pool or parallel calls are
 * enforced when the plan manages these.
 */
#define REEVE_DIRECTIVE_FIELDS                                                                     \
	uint32_t cpu_pct;	   /* 0 to 100, for EMPHASIS and RATIO */                          \
	uint32_t cpu_shares;	   /* 1 to REEVE_SHARES_MAX, for SHARES */                         \
	uint32_t cpu_level;	   /* 1 (first) to 8, for EMPHASIS; absent: 1 */                   \
	uint32_t cpu_cap_pct;	   /* utilization cap, percent of the CPU slots, 1 to 100 */       \
	uint32_t parallel_degree;  /* most servers of one call, 1 up */                            \
	uint32_t parallel_servers; /* most servers of all calls of the group */                    \
	uint32_t parallel_queue_runs_serial; /* 1: out of time in that queue, run serially */      \
	uint32_t active_sessions;	     /* most calls of the group at once; the rest queue */ \
	uint32_t switch_action;		     /* enum reeve_switch_action; absent: see there */     \
	uint32_t switch_estimate; /* 1: judge by the estimate, before the call starts */           \
	uint32_t switch_for_call; /* 1: back to the group it came from after the call */           \
	uint32_t io_weight;	  /* between groups, 1 to 10,000; absent: 100 */                   \
	uint32_t iops;		  /* requests a second, 1 up */                                    \
	uint32_t priority;	  /* of two for one group in a tree of plans the lower counts */   \
	uint64_t parallel_queue_timeout_ns;                                                        \
	uint64_t queue_timeout_ns;    /* longest wait for a place among the active sessions */     \
	uint64_t max_est_exec_ns;     /* calls estimated to run longer are refused */              \
	uint64_t max_idle_ns;	      /* sessions idle for longer are ended */                     \
	uint64_t max_idle_blocker_ns; /* the same for those that block others */                   \
	reeve_group_id switch_group;  /* where a call goes that crosses a limit below */           \
	uint64_t switch_cpu_ns;	      /* CPU of a call */                                          \
	uint64_t switch_elapsed_ns;                                                                \
	uint64_t switch_io_bytes;                                                                  \
	uint64_t switch_io_requests;                                                               \
	uint64_t switch_logical_reads;                                                             \
	uint64_t undo_bytes; /* uncommitted change volume of the group */                          \
	uint64_t undo_rate;  /* bytes a second */                                                  \
	uint64_t session_pga_bytes;                                                                \
	uint64_t io_bandwidth; /* bytes a second */                                                \
	reeve_plan_id sub_plan /* divides what this directive gives */

struct reeve_directive_def {
	uint64_t given;	  /* REEVE_DIRECTIVE_... of the fields below that have a value */
	uint64_t removed; /* update and merge: fields to make absent */
	REEVE_DIRECTIVE_FIELDS;
};

struct reeve_directive_info {
	reeve_directive_id id;
	reeve_plan_id plan;
	reeve_group_id group;
	uint64_t given;		/* REEVE_DIRECTIVE_... */
	REEVE_DIRECTIVE_FIELDS; /* cpu_level is 1 when absent, the others 0 */
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision;
};

/* What can be said of a field of directives: for messages, documentation and generic callers. */
struct reeve_directive_field {
	uint64_t bit;	  /* REEVE_DIRECTIVE_... */
	const char *name; /* as the API shows it */
	const char *unit; /* "ns", "bytes", ...; "" for plain numbers */
	uint64_t least, most;
	size_t offset; /* in struct reeve_directive_def */
	size_t size;   /* 4 or 8 bytes there */
	/* Nothing enforces a field of which this is false: it is refused, for the reason given. */
	bool is_enforced;
	const char *why_not;
};

/* Row k of the table of fields; NULL past the last. Static. */
REEVE_API const struct reeve_directive_field *reeve_directive_field_at(uint32_t k);

/* A directive of a plan that is to be made. */
struct reeve_plan_part {
	reeve_group_id group;
	struct reeve_directive_def def;
};

/*
 * Makes a plan with its `n` directives, as one revision: whole or not at all, even if the process dies
 * in the middle. Directives of one group are merged. Waits for the catalog lock, and holds it for
 * microseconds and a few more for each directive. Errors: those of reeve_plan_create and
 * reeve_directive_set; the text says which directive, counted from 1.
 */
REEVE_API int reeve_plan_define(struct reeve *reeve, const struct reeve_plan_def *def,
	const struct reeve_plan_part *parts, uint32_t n, reeve_plan_id *ret_id,
	struct reeve_error *err);

/*
 * Adds a directive for (plan, group), or merges the given fields into the one there is. In force
 * at once when the plan is active. Errors: NOT_FOUND (plan or group, also one that a field names),
 * INVALID_ARGUMENT (field, value and range are named), CONFIGURATION (a field that nothing
 * enforces), RESOURCE_EXHAUSTED (directive table full).
 */
REEVE_API int reeve_directive_set(struct reeve *reeve, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_directive_id *ret_id, struct reeve_error *err);
/* Errors: NOT_FOUND, INVALID_ARGUMENT, CONFIGURATION, STALE_REVISION. */
REEVE_API int reeve_directive_update(struct reeve *reeve, reeve_directive_id id,
	const struct reeve_directive_def *def, uint64_t expected_revision, struct reeve_error *err);
REEVE_API int reeve_directive_destroy(
	struct reeve *reeve, reeve_directive_id id, struct reeve_error *err);
REEVE_API int reeve_directive_get(struct reeve *reeve, reeve_directive_id id,
	struct reeve_directive_info *ret_info, struct reeve_error *err);
/*
 * Up to `capacity` directives of a plan with an id above `after`, by id; the count, or NOT_FOUND
 * when the plan does not exist.
 */
REEVE_API int reeve_directive_copy(struct reeve *reeve, reeve_plan_id plan,
	reeve_directive_id after, struct reeve_directive_info *ret_infos, uint32_t capacity,
	struct reeve_error *err);

/* A plan with its directives is judged before it is put in force; ERROR forbids activation. */
enum reeve_severity { REEVE_SEVERITY_ERROR = 0, REEVE_SEVERITY_WARNING = 1 };

struct reeve_plan_message {
	enum reeve_severity severity;
	reeve_directive_id directive; /* .v 0: the plan as a whole */
	char text[REEVE_ERROR_TEXT_MAX];
};

/*
 * Judges a plan. Copies up to `capacity` messages; returns how many there are (which may be more),
 * or NOT_FOUND. A plan is valid when none is an ERROR.
 */
REEVE_API int reeve_plan_validate(struct reeve *reeve, reeve_plan_id id,
	struct reeve_plan_message *ret_messages, uint32_t capacity, struct reeve_error *err);

/*
 * Puts a plan in force, atomically for everyone: running statements see it at their next
 * checkpoint. It is then chosen by hand, see schedule.h. Explicit registrations
 * (reeve_cpu_group_register) end. Activating the active plan
 * re-applies it. Errors: NOT_FOUND, CONFIGURATION (disabled, a sub-plan, or validation finds an
 * ERROR).
 */
REEVE_API int reeve_plan_activate(struct reeve *reeve, reeve_plan_id id, struct reeve_error *err);

/* Plans of a path that an entitlement has room for. */
#define REEVE_PATH_MAX 16

/*
 * What a group is entitled to under a plan when every group wants all it can get. A group that
 * several plans of a tree name has an entitlement for each of these places.
 */
struct reeve_entitlement {
	reeve_group_id group;
	uint32_t share_ppm;	      /* of the CPU slots */
	uint32_t cap_ppm;	      /* REEVE_PPM: none */
	reeve_directive_id directive; /* .v 0: none; treated as OTHER */
	/* Plans from the top plan to the one of this place; of a deeper one the first are told. */
	uint32_t depth;
	reeve_plan_id path[REEVE_PATH_MAX];
};

/*
 * Up to `capacity` entitlements under a plan, by the group's id, those of a group in the order of
 * the tree; how many were copied, or NOT_FOUND.
 */
REEVE_API int reeve_plan_entitlements(struct reeve *reeve, reeve_plan_id id,
	struct reeve_entitlement *ret, uint32_t capacity, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
