/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - schedules and maintenance windows as rows, and the decision which plan is in force.
 * Both kinds are one kind of row; see segment/layout_plans.h and policy/schedule.h.
 */
#ifndef REEVE_MODEL_SCHEDULE_H
#define REEVE_MODEL_SCHEDULE_H

#include "model.h"

enum reeve__period_kind { REEVE__SCHEDULE = 0, REEVE__WINDOW = 1 };

enum {
	REEVE__PERIOD_NAME = 1 << 0,
	REEVE__PERIOD_DESCRIPTION = 1 << 1,
	REEVE__PERIOD_PLAN = 1 << 2,
	REEVE__PERIOD_DAYS = 1 << 3,
	REEVE__PERIOD_START = 1 << 4,
	REEVE__PERIOD_END = 1 << 5,
	REEVE__PERIOD_DURATION = 1 << 6,
	REEVE__PERIOD_ZONE = 1 << 7,
	REEVE__PERIOD_PRIORITY = 1 << 8,
	REEVE__PERIOD_ALLOWS = 1 << 9,
	REEVE__PERIOD_MAX_USERS = 1 << 10,
	REEVE__PERIOD_ENABLED = 1 << 11
};

/* What can be said of a schedule or window. `zone` is what the file of `zone_name` says. */
struct reeve__period_def {
	const char *name, *description, *zone_name;
	const struct reeve_sh_zone_data *zone;
	uint64_t plan;
	uint32_t days, start_s, end_s, duration_s, priority, allows_users, max_users, is_enabled;
};

int reeve__period_create(struct reeve *r, enum reeve__period_kind kind,
	const struct reeve__period_def *def, reeve_ns now_wall, uint64_t *ret_id,
	struct reeve_error *err);
int reeve__period_update(struct reeve *r, enum reeve__period_kind kind, uint64_t id,
	uint32_t fields, const struct reeve__period_def *def, uint64_t expected_revision,
	reeve_ns now_wall, struct reeve_error *err);
int reeve__period_destroy(
	struct reeve *r, enum reeve__period_kind kind, uint64_t id, struct reeve_error *err);
int reeve__schedule_get(struct reeve *r, uint64_t id, reeve_ns now_wall,
	struct reeve_schedule_info *ret, struct reeve_error *err);
int reeve__window_get(struct reeve *r, uint64_t id, reeve_ns now_wall,
	struct reeve_window_info *ret, struct reeve_error *err);
uint32_t reeve__schedule_copy(struct reeve *r, uint64_t after, reeve_ns now_wall,
	struct reeve_schedule_info *ret, uint32_t capacity);
uint32_t reeve__window_copy(struct reeve *r, uint64_t after, reeve_ns now_wall,
	struct reeve_window_info *ret, uint32_t capacity);

/* Rows of a kind; catalog lock. */
struct reeve_sh_table *reeve__period_table(const struct reeve *r, enum reeve__period_kind kind);
struct reeve_sh_period *reeve__period_row(
	const struct reeve *r, enum reeve__period_kind kind, uint32_t slot);
/* Whether it is open at a second, enabled or not; and the next second at which that changes. */
bool reeve__period_open_locked(struct reeve_sh_period *p, int64_t utc_s, int64_t *ret_until_s);
/* The same without the memory of the row, for any instant. */
int64_t reeve__period_boundary_locked(const struct reeve_sh_period *p, int64_t utc_s);
/* Makes rows reckon anew, for recovery. */
void reeve__period_forget_locked(struct reeve *r);

/* decide.c */

/* The lowest (priority, id) of the enabled windows open at an instant; REEVE_NONE. */
uint32_t reeve__window_current_locked(struct reeve *r, reeve_ns at_wall);
int reeve__plan_decide(struct reeve *r, reeve_ns at_wall, struct reeve_plan_decision *ret,
	struct reeve_error *err);
int reeve__plan_check(struct reeve *r, reeve_ns now_wall, struct reeve_plan_change *ret_change,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err);
int reeve__plan_lock(struct reeve *r, bool locked, reeve_ns now_wall, struct reeve_error *err);
/* The plan that was chosen by hand and is in force; 0: none. */
uint64_t reeve__plan_chosen(struct reeve *r, reeve_ns *ret_since, bool *ret_locked);
/* Nothing is chosen by hand any more: DEFAULT_PLAN is in force until the next decision. */
int reeve__plan_release(struct reeve *r, reeve_ns now_wall, struct reeve_error *err);
uint32_t reeve__plan_history(
	struct reeve *r, struct reeve_plan_switch_record *ret, uint32_t capacity);
/* Publishes what the window in force says of sessions of users. */
void reeve__plan_limits_locked(struct reeve *r);
/* After a death: the last change is in the history, the limits are those of the ruling. */
void reeve__plan_recover_locked(struct reeve *r);

#endif
