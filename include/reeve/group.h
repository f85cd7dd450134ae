/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group.h - consumer groups: classes of sessions that share limits; which user belongs to which.
 *
 * Ids 1 to 4 are the system groups (SYS_GROUP, INTERACTIVE_GROUP, BATCH_GROUP, MAINTENANCE_GROUP);
 * created groups count from 100. Every call takes the catalog lock for microseconds, unless it says that
 * it takes none. A refused change changes nothing and uses up no id.
 */
#ifndef REEVE_GROUP_H
#define REEVE_GROUP_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_SYS_GROUP		((uint64_t)1)
#define REEVE_INTERACTIVE_GROUP ((uint64_t)2)
#define REEVE_BATCH_GROUP	((uint64_t)3)
#define REEVE_MAINTENANCE_GROUP ((uint64_t)4)
/* Groups and plans with a lower id are the system's: not to be renamed or deleted. */
#define REEVE_FIRST_USER_ID ((uint64_t)100)

enum reeve_group_category {
	REEVE_CATEGORY_INTERACTIVE = 0,
	REEVE_CATEGORY_BATCH = 1,
	REEVE_CATEGORY_MAINTENANCE = 2,
	REEVE_CATEGORY_ANALYTICS = 3,
	REEVE_CATEGORY_SYSTEM = 4,
	REEVE_CATEGORY_CUSTOM = 5
};

/* Lowest and highest priority of groups and tasks: 0 is served first. */
#define REEVE_PRIORITY_HIGHEST 0u
#define REEVE_PRIORITY_LOWEST  7u

/*
 * What can be said of a group. For reeve_group_create fill all (REEVE_GROUP_DEF_INIT, then name);
 * for reeve_group_update fill those that `fields` names.
 */
struct reeve_group_def {
	const char *name;	 /* 1 to 128 bytes, unique, case-sensitive */
	const char *description; /* NULL: none */
	uint32_t
		priority; /* 0 to 7; tasks of the group have it unless their session says otherwise */
	uint32_t category;	     /* enum reeve_group_category */
	const char *custom_category; /* label of a CUSTOM category; NULL: none */
	/*
	 * CPU percent 0 to 100. The ratio in which the groups that the active plan does not name
	 * share what it leaves; with 0 it gets the floor, one part in a thousand. See cpu.h.
	 */
	uint32_t cpu_allocation_pct;
	uint64_t max_sessions;	   /* most sessions assigned at once; REEVE_UNLIMITED: none */
	uint64_t max_execution_ns; /* a statement that runs longer is cancelled; REEVE_UNLIMITED */
	bool is_active;		   /* an inactive group takes no new sessions */
	/*
	 * Limits of the group whatever plan is active and whatever is registered by hand; the stricter
	 * counts.
	 * REEVE_UNLIMITED: none.
	 */
	uint64_t max_idle_ns;		/* a session idle for longer is ended; from 1 */
	uint64_t parallel_degree_limit; /* of one statement; 1 to INT32_MAX */
	uint64_t memory_limit_bytes;	/* of all its sessions together; from 1 */
	uint64_t io_bandwidth_limit;	/* bytes a second; from 1 */
	uint64_t iops_limit;		/* operations a second; 1 to INT32_MAX */
};
#define REEVE_GROUP_DEF_INIT                                                                       \
	{                                                                                          \
		NULL, NULL, 3, REEVE_CATEGORY_CUSTOM, NULL, 0, REEVE_UNLIMITED, REEVE_UNLIMITED,   \
			true, REEVE_UNLIMITED, REEVE_UNLIMITED, REEVE_UNLIMITED, REEVE_UNLIMITED,  \
			REEVE_UNLIMITED                                                            \
	}

enum {
	REEVE_GROUP_NAME = 1 << 0,
	REEVE_GROUP_DESCRIPTION = 1 << 1,
	REEVE_GROUP_PRIORITY = 1 << 2,
	REEVE_GROUP_CATEGORY = 1 << 3,
	REEVE_GROUP_CUSTOM_CATEGORY = 1 << 4,
	REEVE_GROUP_CPU_ALLOCATION_PCT = 1 << 5,
	REEVE_GROUP_MAX_SESSIONS = 1 << 6,
	REEVE_GROUP_MAX_EXECUTION = 1 << 7,
	REEVE_GROUP_IS_ACTIVE = 1 << 8,
	REEVE_GROUP_MAX_IDLE = 1 << 9,
	REEVE_GROUP_PARALLEL_DEGREE = 1 << 10,
	REEVE_GROUP_MEMORY_LIMIT = 1 << 11,
	REEVE_GROUP_IO_BANDWIDTH = 1 << 12,
	REEVE_GROUP_IOPS = 1 << 13,
	REEVE_GROUP_ALL_FIELDS = (1 << 14) - 1
};

/* A group as it is: a copy, whole and consistent. */
struct reeve_group_info {
	reeve_group_id id;
	char name[REEVE_NAME_MAX];
	char description[REEVE_DESCRIPTION_MAX]; /* empty: none */
	char custom_category[REEVE_ATTRIBUTE_MAX];
	uint32_t priority;
	uint32_t category;
	uint32_t cpu_allocation_pct;
	uint64_t max_sessions;
	uint64_t max_execution_ns;
	bool is_active;
	bool is_system;
	bool is_default; /* takes sessions that no mapping claims */
	reeve_ns created_wall;
	reeve_ns modified_wall;
	uint64_t revision;	   /* of the segment, when the group last changed */
	uint32_t current_sessions; /* assigned now */
	uint64_t max_idle_ns;
	uint64_t parallel_degree_limit;
	uint64_t memory_limit_bytes;
	uint64_t io_bandwidth_limit;
	uint64_t iops_limit;
};

/*
 * Creates a group. Errors: INVALID_ARGUMENT (field, value and range are named), ALREADY_EXISTS,
 * RESOURCE_EXHAUSTED (group table full).
 */
REEVE_API int reeve_group_create(struct reeve *reeve, const struct reeve_group_def *def,
	reeve_group_id *ret_id, struct reeve_error *err);

/*
 * Changes the fields that `fields` (REEVE_GROUP_... bits) names, all or none. `expected_revision`
 * 0: whatever it is; else STALE_REVISION unless the group's revision is that. Errors further:
 * NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT, PERMISSION_DENIED (renaming a system group).
 */
REEVE_API int reeve_group_update(struct reeve *reeve, reeve_group_id id, uint32_t fields,
	const struct reeve_group_def *def, uint64_t expected_revision, struct reeve_error *err);

/*
 * Deletes a group. What refers to it (sessions with what they do and hold, tasks and memory of outside
 * engines, user mappings, assignment rules, plan directives, its registrations) moves to the group
 * `move_to`, all or nothing, also when this process dies in the middle. Where that group has a
 * directive of the same plan or a registration of its own, its own stands. .v 0: to none; then nothing
 * may refer to it.
 * Errors: NOT_FOUND (either group), PERMISSION_DENIED (system group), CONFLICT (it is the default
 * group, or is referred to and there is no `move_to`; the text says by what and how many),
 * INVALID_ARGUMENT (`move_to` is the group itself), RESOURCE_EXHAUSTED (`move_to` is inactive, or
 * would have more than its maxSessions or its memory).
 * Holds the catalog lock for the time it takes, about 0.3 us a session.
 */
REEVE_API int reeve_group_destroy(
	struct reeve *reeve, reeve_group_id id, reeve_group_id move_to, struct reeve_error *err);

/* Copies one group. NOT_FOUND when it does not exist. */
REEVE_API int reeve_group_get(struct reeve *reeve, reeve_group_id id,
	struct reeve_group_info *ret_info, struct reeve_error *err);

/*
 * Id of the group with this name; false when there is none. Takes no lock, unless groups are being
 * created, renamed or deleted just then: about 40 ns.
 */
REEVE_API bool reeve_group_find(struct reeve *reeve, const char *name, reeve_group_id *ret_id);

/* Whether there is a group with this id. As reeve_group_find: about 10 ns. */
REEVE_API bool reeve_group_exists(struct reeve *reeve, reeve_group_id id);

/* The group that takes sessions which no mapping or rule claims. */
REEVE_API reeve_group_id reeve_group_default_get(struct reeve *reeve);

/* Makes a group the default group. Errors: NOT_FOUND, CONFLICT (it is inactive). */
REEVE_API int reeve_group_default_set(
	struct reeve *reeve, reeve_group_id id, struct reeve_error *err);

/* Up to `capacity` groups with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_group_info *ret_infos, uint32_t capacity);

/* What a group has and does now; further counts are in cpu.h. */
struct reeve_group_stats {
	reeve_group_id id;
	char name[REEVE_NAME_MAX];
	uint32_t current_sessions;
	uint64_t max_sessions;
	uint32_t cpu_allocation_pct;
	uint32_t priority;
	uint32_t active_sessions;  /* with a statement */
	uint32_t waiting_sessions; /* of these, those that wait for a CPU slot */
	uint32_t outside_tasks;	   /* tasks of outside engines */
	uint64_t cpu_ns;	   /* by all its tasks, those gone included */
	uint64_t queries;	   /* statements ended */
	uint64_t limit_actions;	   /* statements cancelled and sessions ended by limits */
};

/*
 * Statistics of one group, and of up to `capacity` groups with an id above `after`, by id, all of one
 * moment. The latter returns how many were copied. Errors: NOT_FOUND, RESOURCE_EXHAUSTED (out of
 * memory). Looks at all tasks under the locks of sessions and CPU: about 3 ns a task.
 */
REEVE_API int reeve_group_stats_get(struct reeve *reeve, reeve_group_id id,
	struct reeve_group_stats *ret_stats, struct reeve_error *err);
REEVE_API int reeve_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_group_stats *ret_stats, uint32_t capacity, struct reeve_error *err);

/* A user pinned to a group. */
struct reeve_user_mapping {
	uint64_t user_id;
	char username[REEVE_NAME_MAX];
	reeve_group_id group;
	/* false: dropped when the user's last session ends, or when the segment is created anew */
	bool is_permanent;
	reeve_ns created_wall;
	reeve_ns expires_wall; /* from then on it does not count; 0: never */
};

/*
 * Pins a user to a group; a second call for the same user replaces the first. Sessions that exist
 * stay where they are. Errors: NOT_FOUND (group), INVALID_ARGUMENT (user_id 0, name),
 * RESOURCE_EXHAUSTED.
 */
REEVE_API int reeve_user_map(struct reeve *reeve, uint64_t user_id, const char *username,
	reeve_group_id group, bool is_permanent, struct reeve_error *err);

/*
 * The same until an instant (ns since 1970-01-01 UTC; 0: for ever). From then on the mapping does not
 * count, and the next reeve_tick drops it. INVALID_ARGUMENT when the instant has passed.
 */
REEVE_API int reeve_user_map_until(struct reeve *reeve, uint64_t user_id, const char *username,
	reeve_group_id group, bool is_permanent, reeve_ns expires_wall, struct reeve_error *err);

/* Removes a mapping. NOT_FOUND when there is none. */
REEVE_API int reeve_user_unmap(struct reeve *reeve, uint64_t user_id, struct reeve_error *err);

/* Copies one mapping. NOT_FOUND when there is none. */
REEVE_API int reeve_user_get(struct reeve *reeve, uint64_t user_id,
	struct reeve_user_mapping *ret_mapping, struct reeve_error *err);

/* Up to `capacity` mappings with a user id above `after`, by user id. Returns how many. */
REEVE_API uint32_t reeve_user_copy(struct reeve *reeve, uint64_t after,
	struct reeve_user_mapping *ret_mappings, uint32_t capacity);

#ifdef __cplusplus
}
#endif
#endif
