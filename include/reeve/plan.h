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
};
#define REEVE_PLAN_DEF_INIT                                                                        \
	{                                                                                          \
		NULL, NULL, REEVE_METHOD_SHARES, 0, true                                           \
	}

enum {
	REEVE_PLAN_NAME = 1 << 0,
	REEVE_PLAN_DESCRIPTION = 1 << 1,
	REEVE_PLAN_CPU_METHOD = 1 << 2,
	REEVE_PLAN_MAX_UTILIZATION = 1 << 3,
	REEVE_PLAN_IS_ENABLED = 1 << 4
};

struct reeve_plan_info {
	reeve_plan_id id;
	char name[REEVE_NAME_MAX];
	char description[REEVE_DESCRIPTION_MAX];
	uint32_t cpu_method;
	uint32_t max_utilization_pct;
	bool is_enabled;
	bool is_system;
	bool is_active;
	bool is_default; /* DEFAULT_PLAN */
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision;
};

/* Errors: INVALID_ARGUMENT, ALREADY_EXISTS, RESOURCE_EXHAUSTED. */
REEVE_API int reeve_plan_create(struct reeve *reeve, const struct reeve_plan_def *def,
	reeve_plan_id *ret_id, struct reeve_error *err);

/*
 * Changes the fields that `fields` names, all or none; a change of the active plan is in force at
 * once. Errors: NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT, PERMISSION_DENIED (renaming a system
 * plan), CONFLICT (disabling the active plan), STALE_REVISION.
 */
REEVE_API int reeve_plan_update(struct reeve *reeve, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, struct reeve_error *err);

REEVE_API int reeve_plan_get(struct reeve *reeve, reeve_plan_id id,
	struct reeve_plan_info *ret_info, struct reeve_error *err);
REEVE_API bool reeve_plan_find(struct reeve *reeve, const char *name, reeve_plan_id *ret_id);
/* Up to `capacity` plans with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_plan_copy(struct reeve *reeve, reeve_plan_id after,
	struct reeve_plan_info *ret_infos, uint32_t capacity);
/* The plan in force. One load. */
REEVE_API reeve_plan_id reeve_plan_active(struct reeve *reeve);

/* Which numbers a directive has; the others are absent. */
enum {
	REEVE_DIRECTIVE_CPU_PCT = 1 << 0,
	REEVE_DIRECTIVE_CPU_SHARES = 1 << 1,
	REEVE_DIRECTIVE_CPU_LEVEL = 1 << 2,
	REEVE_DIRECTIVE_CPU_CAP = 1 << 3
};

struct reeve_directive_def {
	uint32_t given;	      /* REEVE_DIRECTIVE_... of the fields below that have a value */
	uint32_t removed;     /* update and merge: fields to make absent */
	uint32_t cpu_pct;     /* 0 to 100, for EMPHASIS and RATIO */
	uint32_t cpu_shares;  /* 1 to REEVE_SHARES_MAX, for SHARES */
	uint32_t cpu_level;   /* 1 (first) to 8, for EMPHASIS; absent: 1 */
	uint32_t cpu_cap_pct; /* utilization cap, percent of the CPU slots, 1 to 100 */
};

struct reeve_directive_info {
	reeve_directive_id id;
	reeve_plan_id plan;
	reeve_group_id group;
	uint32_t given; /* REEVE_DIRECTIVE_... */
	uint32_t cpu_pct;
	uint32_t cpu_shares;
	uint32_t cpu_level; /* 1 when absent */
	uint32_t cpu_cap_pct;
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision;
};

/*
 * Adds a directive for (plan, group), or merges the given fields into the one there is. In force
 * at once when the plan is active. Errors: NOT_FOUND (plan or group), INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED (directive table full).
 */
REEVE_API int reeve_directive_set(struct reeve *reeve, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_directive_id *ret_id, struct reeve_error *err);
/* Errors: NOT_FOUND, INVALID_ARGUMENT, STALE_REVISION. */
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
 * checkpoint. Explicit registrations (reeve_cpu_group_register) end. Activating the active plan
 * re-applies it. Errors: NOT_FOUND, CONFIGURATION (disabled, or validation finds an ERROR).
 */
REEVE_API int reeve_plan_activate(struct reeve *reeve, reeve_plan_id id, struct reeve_error *err);

/* What a group is entitled to under a plan when every group wants all it can get. */
struct reeve_entitlement {
	reeve_group_id group;
	uint32_t share_ppm;	      /* of the CPU slots */
	uint32_t cap_ppm;	      /* REEVE_PPM: none */
	reeve_directive_id directive; /* .v 0: none; treated as OTHER */
};

/* Entitlements of all groups by id under a plan; the count, or NOT_FOUND. */
REEVE_API int reeve_plan_entitlements(struct reeve *reeve, reeve_plan_id id,
	struct reeve_entitlement *ret, uint32_t capacity, struct reeve_error *err);

#ifdef __cplusplus
}
#endif
#endif
