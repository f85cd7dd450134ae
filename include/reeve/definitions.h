/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions.h - all definitions of a segment at once: copied out, compared, and brought to what a
 * copy says. For catalogs, rollback and plan files.
 *
 * A definition is what people decide: groups, users' mappings, rules, plans and directives,
 * schedules and windows, pools, limits by hand, settings, the default group, the plan chosen by hand.
 * What lives (sessions, counts, what a schedule has put in force) is none, and neither is the mapping
 * of a user that is not permanent.
 *
 * Any thread may call these. They allocate, and hold no lock in between the steps that they take.
 */
#ifndef REEVE_DEFINITIONS_H
#define REEVE_DEFINITIONS_H

#include <reeve/cpu.h>
#include <reeve/group.h>
#include <reeve/io.h>
#include <reeve/memory.h>
#include <reeve/parallel.h>
#include <reeve/plan.h>
#include <reeve/rule.h>
#include <reeve/schedule.h>
#include <reeve/session.h>

#ifdef __cplusplus
extern "C" {
#endif

enum reeve_definition_kind {
	REEVE_DEFINITION_GROUP = 0,
	REEVE_DEFINITION_USER = 1,
	REEVE_DEFINITION_RULE = 2,
	REEVE_DEFINITION_PLAN = 3,
	REEVE_DEFINITION_DIRECTIVE = 4,
	REEVE_DEFINITION_SCHEDULE = 5,
	REEVE_DEFINITION_WINDOW = 6,
	REEVE_DEFINITION_SERVER_POOL = 7,
	REEVE_DEFINITION_MEMORY_POOL = 8,
	/* limits of a group by hand, in force until the next activation of a plan; id: the group's */
	REEVE_DEFINITION_CPU_LIMITS = 9,
	REEVE_DEFINITION_IO_LIMITS = 10,
	REEVE_DEFINITION_MEMORY_LIMITS = 11,
	REEVE_DEFINITION_PARALLEL_LIMITS = 12,
	REEVE_DEFINITION_SESSION_POOL = 13,
	/* one each, with id 1 */
	REEVE_DEFINITION_DEFAULT_GROUP = 14,
	REEVE_DEFINITION_CHOSEN_PLAN = 15,
	REEVE_DEFINITION_CPU_CONFIG = 16,
	REEVE_DEFINITION_IO_CONFIG = 17,
	REEVE_DEFINITION_MEMORY_CONFIG = 18,
	REEVE_DEFINITION_PARALLEL_CONFIG = 19,
	REEVE_DEFINITION_SESSION_CONFIG = 20,
	REEVE_DEFINITION_KINDS = 21
};

/* One definition. Fields of the structs that are not definitions are zero in a copy. */
struct reeve_definition {
	uint32_t kind;
	uint64_t id;
	/* RULE: its condition. One block of memory, see reeve_condition_clone. */
	struct reeve_condition *condition;
	union {
		struct reeve_group_info group;
		struct reeve_user_mapping user;
		struct reeve_rule_info rule;
		struct reeve_plan_info plan;
		struct reeve_directive_info directive; /* fields not in `given` are zero */
		struct reeve_schedule_info schedule;
		struct reeve_window_info window;
		struct reeve_server_pool_info server_pool;
		struct reeve_pool_info memory_pool;
		struct {
			uint32_t shares, cap_pct; /* cap_pct 0: none */
		} cpu_limits;
		struct {
			uint64_t bandwidth, iops;
			uint32_t weight;
		} io_limits;
		struct {
			uint64_t max_group_memory, max_session_pga;
		} memory_limits;
		struct {
			uint32_t degree, servers;
		} parallel_limits;
		struct {
			uint64_t queue_timeout_ns;
			uint32_t max_active;
			bool allow_queuing;
		} session_pool;
		struct {
			reeve_group_id group;
		} default_group;
		struct {
			reeve_plan_id plan;  /* .v 0: none is, schedules and windows decide */
			reeve_ns since_wall; /* not compared */
			bool is_locked;
		} chosen_plan;
		struct reeve_cpu_config cpu_config;
		struct reeve_io_config io_config;
		struct reeve_memory_config memory_config;
		struct reeve_parallel_config parallel_config;
		struct reeve_session_config session_config;
	} u;
};

/* The next ids of groups, rules, plans, directives, schedules, windows, server and memory pools. */
enum { REEVE_DEFINITION_COUNTERS = 8 };

struct reeve_definitions {
	struct reeve_definition *rows; /* by kind, then id */
	uint32_t count;
	uint64_t next_ids[REEVE_DEFINITION_COUNTERS];
	uint64_t revision; /* of the segment */
};
#define REEVE_DEFINITIONS_INIT                                                                     \
	{                                                                                          \
		NULL, 0, {0}, 0                                                                    \
	}

/* What a kind is called, for example "group"; NULL past the last. */
REEVE_API const char *reeve_definition_kind_name(uint32_t kind);

/*
 * Copies all definitions. Not of one moment when others change them meanwhile: each row is whole.
 * *ret_definitions is the caller's, for reeve_definitions_fini. Errors: RESOURCE_EXHAUSTED (out of
 * memory), INVALID_ARGUMENT.
 */
REEVE_API int reeve_definitions_copy(
	struct reeve *reeve, struct reeve_definitions *ret_definitions, struct reeve_error *err);
/* Frees the rows. NULL, and what was never filled, are allowed. */
REEVE_API void reeve_definitions_fini(struct reeve_definitions *definitions);

/* The row of a kind and id; NULL. */
REEVE_API const struct reeve_definition *reeve_definitions_find(
	const struct reeve_definitions *definitions, uint32_t kind, uint64_t id);
/* Adds a copy of a row, or replaces the one of its kind and id. RESOURCE_EXHAUSTED. */
REEVE_API int reeve_definitions_put(struct reeve_definitions *definitions,
	const struct reeve_definition *row, struct reeve_error *err);
/* Takes a row away; there need not be one. */
REEVE_API void reeve_definitions_drop(
	struct reeve_definitions *definitions, uint32_t kind, uint64_t id);

/* Whether two rows say the same; when they were made or changed, and revisions, do not count. */
REEVE_API bool reeve_definition_equal(
	const struct reeve_definition *a, const struct reeve_definition *b);
/*
 * Calls `found` for each row that differs, by kind and id: `from` NULL: only in `to`; `to` NULL: only
 * in `from`. Returns how many there are.
 */
typedef void (*reeve_definition_diff_fn)(
	void *arg, const struct reeve_definition *from, const struct reeve_definition *to);
REEVE_API uint32_t reeve_definitions_diff(const struct reeve_definitions *from,
	const struct reeve_definitions *to, reeve_definition_diff_fn found, void *arg);

/* A condition with its operands and texts in one block, for free(). NULL: out of memory. */
REEVE_API struct reeve_condition *reeve_condition_clone(const struct reeve_condition *condition);

enum {
	/*
	 * A segment is to be as it was: next ids, revisions and dates become those of `target` too;
	 * groups that are not in it go even when sessions are in them (to the default group).
	 */
	REEVE_DEFINITIONS_RESTORE = 1
};

/*
 * Brings a segment to `target`: ids, names and fields become exactly those; what is not in it is
 * deleted. Each step is one change as the other headers have it, so what others see meanwhile is
 * valid, but not of one piece. When a step is refused, those before it are taken back, and the error
 * says which it was: nothing has changed. Should taking back be refused too (others change things at
 * the same time), INTERNAL says so. When the process dies in the middle the steps made so far stay.
 * Errors: those of the steps: INVALID_ARGUMENT, NOT_FOUND, CONFLICT (a group that is to go has
 * sessions; a pool in use), CONFIGURATION, PERMISSION_DENIED, RESOURCE_EXHAUSTED.
 */
REEVE_API int reeve_definitions_apply(struct reeve *reeve, const struct reeve_definitions *target,
	uint32_t flags, struct reeve_error *err);

/* A row by its kind and id; kind REEVE_DEFINITION_KINDS: none. */
struct reeve_definition_place {
	uint32_t kind;
	uint64_t id;
};
/*
 * The same. When a step is refused, *ret_place (may be NULL) says about which row it was: one of
 * `target`, or one that is not in it and was to be deleted; none where it was about no row, or nothing
 * was refused.
 */
REEVE_API int reeve_definitions_apply_told(struct reeve *reeve,
	const struct reeve_definitions *target, uint32_t flags,
	struct reeve_definition_place *ret_place, struct reeve_error *err);

/* Has the segment count its revisions from `at_least` on, if it is not there yet. */
REEVE_API void reeve_revision_raise(struct reeve *reeve, uint64_t at_least);

#ifdef __cplusplus
}
#endif
#endif
