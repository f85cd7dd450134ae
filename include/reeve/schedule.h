/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - which plan is in force when: weekly schedules, maintenance windows, the plan chosen
 * by hand.
 *
 * At any instant the plan is
 *   1. the one chosen by hand, until the next start or end of an enabled schedule or window, or for
 *      ever if it is locked (reeve_plan_activate, reeve_plan_lock);
 *   2. else that of the open window with the lowest priority number, ties to the lower id;
 *   3. else that of the open schedule with the lowest priority number, ties to the lower id;
 *   4. else DEFAULT_PLAN.
 * A plan that cannot be activated (disabled, invalid, a sub-plan) is passed over, with the reason,
 * and the next in this order is taken.
 *
 * A period that passes midnight belongs to the day on which it starts. It begins and ends on the
 * clock of its zone: a time that the clock shows twice counts when first shown, one that it skips
 * counts when it skips it.
 *
 * Schedules and windows are definitions: every call takes the catalog lock for microseconds, after
 * it has read the zone's file; a refused change changes nothing and uses up no id. Any thread, any
 * process. Nothing is followed unless somebody calls reeve_tick or reeve_plan_check.
 */
#ifndef REEVE_SCHEDULE_H
#define REEVE_SCHEDULE_H

#include <reeve/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	uint64_t v;
} reeve_schedule_id;
typedef struct {
	uint64_t v;
} reeve_window_id;

#define REEVE_DAY_SUNDAY 0u
/* Bits of days: 1 << 0 is Sunday. */
#define REEVE_ALL_DAYS 0x7fu
#define REEVE_ZONE_MAX 65
/* "No cap" on sessions of users while a window is open. */
#define REEVE_USERS_UNLIMITED UINT32_MAX
/* Longest window: a week. */
#define REEVE_WINDOW_MAX_S 604800u

struct reeve_schedule_def {
	const char *name;   /* 1 to 128 bytes, need not be unique */
	reeve_plan_id plan; /* a top plan */
	uint32_t days;	    /* start days, bits, at least one */
	uint32_t start_s;   /* seconds after local midnight, 0 to 86,399 */
	uint32_t end_s;	   /* exclusive, 0 to 86,400; not after start: next day; equal: whole day */
	const char *zone;  /* IANA name; NULL or empty: the zone of the process that sets it */
	uint32_t priority; /* lower first */
	bool is_enabled;
};
#define REEVE_SCHEDULE_DEF_INIT                                                                    \
	{                                                                                          \
		NULL, {0}, REEVE_ALL_DAYS, 0, 0, NULL, 100, true                                   \
	}

enum {
	REEVE_SCHEDULE_NAME = 1 << 0,
	REEVE_SCHEDULE_PLAN = 1 << 1,
	REEVE_SCHEDULE_DAYS = 1 << 2,
	REEVE_SCHEDULE_START = 1 << 3,
	REEVE_SCHEDULE_END = 1 << 4,
	REEVE_SCHEDULE_ZONE = 1 << 5,
	REEVE_SCHEDULE_PRIORITY = 1 << 6,
	REEVE_SCHEDULE_IS_ENABLED = 1 << 7
};

struct reeve_schedule_info {
	reeve_schedule_id id;
	char name[REEVE_NAME_MAX];
	reeve_plan_id plan;
	uint32_t days, start_s, end_s;
	char zone[REEVE_ZONE_MAX]; /* empty: the server's */
	uint32_t priority;
	bool is_enabled;
	bool is_open;				 /* its time is now, enabled or not */
	reeve_ns next_start_wall, next_end_wall; /* REEVE_NEVER: none */
	reeve_ns created_wall, modified_wall;
	uint64_t revision;
};

struct reeve_window_def {
	const char *name;	 /* 1 to 128 bytes, need not be unique */
	const char *description; /* NULL: none */
	reeve_plan_id plan;	 /* a top plan */
	uint32_t day;		 /* start day, 0 = Sunday */
	uint32_t start_s;	 /* seconds after local midnight, 0 to 86,399 */
	uint32_t duration_s;	 /* elapsed seconds, 60 to REEVE_WINDOW_MAX_S */
	const char *zone;	 /* as for schedules */
	uint32_t priority;	 /* between windows that are open at once, lower first */
	/* While it is open. Who comes too many is refused; sessions that are there stay. */
	bool allow_user_sessions;   /* false: only system sessions are created */
	uint32_t max_user_sessions; /* at most so many not of the system; REEVE_USERS_UNLIMITED */
	bool is_enabled;
};
#define REEVE_WINDOW_DEF_INIT                                                                      \
	{                                                                                          \
		NULL, NULL, {0}, 0, 0, 3600, NULL, 100, false, REEVE_USERS_UNLIMITED, true         \
	}

enum {
	REEVE_WINDOW_NAME = 1 << 0,
	REEVE_WINDOW_DESCRIPTION = 1 << 1,
	REEVE_WINDOW_PLAN = 1 << 2,
	REEVE_WINDOW_DAY = 1 << 3,
	REEVE_WINDOW_START = 1 << 4,
	REEVE_WINDOW_DURATION = 1 << 5,
	REEVE_WINDOW_ZONE = 1 << 6,
	REEVE_WINDOW_PRIORITY = 1 << 7,
	REEVE_WINDOW_ALLOW_USERS = 1 << 8,
	REEVE_WINDOW_MAX_USERS = 1 << 9,
	REEVE_WINDOW_IS_ENABLED = 1 << 10
};

struct reeve_window_info {
	reeve_window_id id;
	char name[REEVE_NAME_MAX];
	char description[REEVE_DESCRIPTION_MAX];
	reeve_plan_id plan;
	uint32_t day, start_s, duration_s;
	char zone[REEVE_ZONE_MAX];
	uint32_t priority;
	bool allow_user_sessions;
	uint32_t max_user_sessions;
	bool is_enabled;
	bool is_open;
	reeve_ns next_open_wall, next_close_wall; /* REEVE_NEVER: none */
	reeve_ns created_wall, modified_wall;
	uint64_t revision;
};

/*
 * Errors: INVALID_ARGUMENT (field, value and range are named; a zone that does not exist),
 * NOT_FOUND (the plan), CONFIGURATION (a sub-plan), RESOURCE_EXHAUSTED (table full), SYSTEM (the
 * zone's file cannot be read).
 */
REEVE_API int reeve_schedule_create(struct reeve *reeve, const struct reeve_schedule_def *def,
	reeve_schedule_id *ret_id, struct reeve_error *err);
/* Changes the fields that `fields` names, all or none. Errors: those, and STALE_REVISION. */
REEVE_API int reeve_schedule_update(struct reeve *reeve, reeve_schedule_id id, uint32_t fields,
	const struct reeve_schedule_def *def, uint64_t expected_revision, struct reeve_error *err);
REEVE_API int reeve_schedule_destroy(
	struct reeve *reeve, reeve_schedule_id id, struct reeve_error *err);
REEVE_API int reeve_schedule_get(struct reeve *reeve, reeve_schedule_id id,
	struct reeve_schedule_info *ret_info, struct reeve_error *err);
/* Up to `capacity` schedules with an id above `after`, by id. Returns how many were copied. */
REEVE_API uint32_t reeve_schedule_copy(struct reeve *reeve, reeve_schedule_id after,
	struct reeve_schedule_info *ret_infos, uint32_t capacity);

/* The same of windows. */
REEVE_API int reeve_window_create(struct reeve *reeve, const struct reeve_window_def *def,
	reeve_window_id *ret_id, struct reeve_error *err);
REEVE_API int reeve_window_update(struct reeve *reeve, reeve_window_id id, uint32_t fields,
	const struct reeve_window_def *def, uint64_t expected_revision, struct reeve_error *err);
REEVE_API int reeve_window_destroy(
	struct reeve *reeve, reeve_window_id id, struct reeve_error *err);
REEVE_API int reeve_window_get(struct reeve *reeve, reeve_window_id id,
	struct reeve_window_info *ret_info, struct reeve_error *err);
REEVE_API uint32_t reeve_window_copy(struct reeve *reeve, reeve_window_id after,
	struct reeve_window_info *ret_infos, uint32_t capacity);
/* The highest-ranked enabled window that is open now; false: none is. */
REEVE_API bool reeve_window_current(struct reeve *reeve, reeve_window_id *ret_id);

/* Why a plan is in force. */
enum reeve_plan_cause {
	REEVE_CAUSE_STARTUP = 0,
	REEVE_CAUSE_MANUAL = 1,
	REEVE_CAUSE_SCHEDULE = 2,
	REEVE_CAUSE_WINDOW = 3,
	REEVE_CAUSE_DEFAULT = 4
};

/* What a decision passed over, and why. */
struct reeve_plan_skip {
	reeve_plan_id plan;
	char text[REEVE_ERROR_TEXT_MAX];
};
#define REEVE_SKIPS_MAX 4

struct reeve_plan_decision {
	reeve_ns at_wall;
	reeve_plan_id plan;
	char name[REEVE_NAME_MAX];
	enum reeve_plan_cause cause;
	reeve_schedule_id schedule; /* .v 0: not by one */
	reeve_window_id window;
	reeve_ns valid_until_wall; /* next instant at which it can change; REEVE_NEVER */
	uint32_t skipped;	   /* passed over; the first are told */
	struct reeve_plan_skip skips[REEVE_SKIPS_MAX];
};

/* What would be in force at an instant; `at_wall` 0: now. Changes nothing. */
REEVE_API int reeve_plan_decide(struct reeve *reeve, reeve_ns at_wall,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err);

/* What a check did. */
struct reeve_plan_change {
	bool switched;
	reeve_plan_id from, to; /* .v 0 when not switched */
	enum reeve_plan_cause cause;
};

/*
 * Decides for now, and puts that plan in force when it is not. A window's limits on sessions are in
 * force from then on. reeve_tick does this once a second. `ret_decision` may be NULL.
 */
REEVE_API int reeve_plan_check(struct reeve *reeve, struct reeve_plan_change *ret_change,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err);

/*
 * Chooses the plan in force by hand for ever (`locked`), or lets it go on until the next boundary.
 * A plan that came by a schedule or window becomes one chosen by hand when it is locked.
 */
REEVE_API int reeve_plan_lock(struct reeve *reeve, bool locked, struct reeve_error *err);
/* Puts DEFAULT_PLAN in force, as if it had been chosen by hand. Errors: CONFIGURATION (as activating it). */
REEVE_API int reeve_plan_deactivate(struct reeve *reeve, struct reeve_error *err);

/* One change of the plan in force. */
struct reeve_plan_switch_record {
	reeve_ns at_wall;
	reeve_plan_id from; /* .v 0: none before */
	reeve_plan_id to;
	enum reeve_plan_cause cause;
	uint64_t period; /* id of the schedule or window; 0: none */
	int32_t pid;	 /* process that did it */
	char by[REEVE_ATTRIBUTE_MAX];
};

/* The last changes, newest first, at most 256; how many were copied. */
REEVE_API uint32_t reeve_plan_history(
	struct reeve *reeve, struct reeve_plan_switch_record *ret, uint32_t capacity);

#ifdef __cplusplus
}
#endif
#endif
