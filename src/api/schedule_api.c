/* SPDX-License-Identifier: Apache-2.0 */
/* schedule_api.c - schedules, windows, what is in force when: zones read before any lock. */
#include "definitions.h"
#include "../host/zone.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

/* Refuses NULL arguments by name. */
#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (!(pointer))                                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

static int check_fields(uint32_t fields, uint32_t last, struct reeve_error *err)
{
	if (fields & ~((last << 1) - 1))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits up to %#x", fields, last);
	return 0;
}

/* Events of a change go to their readers, now that no lock is held. */
static int told(struct reeve *reeve, int rc)
{
	reeve__event_flush(reeve);
	return rc;
}

/* Which of the row's fields a caller's bits name. */
struct bit_pair {
	uint32_t from, to;
};

static uint32_t translate(uint32_t fields, const struct bit_pair *pairs, size_t n)
{
	uint32_t to = 0;

	for (size_t i = 0; i < n; i++)
		if (fields & pairs[i].from)
			to |= pairs[i].to;
	return to;
}

static const struct bit_pair schedule_bits[] = {
	{REEVE_SCHEDULE_NAME, REEVE__PERIOD_NAME},
	{REEVE_SCHEDULE_PLAN, REEVE__PERIOD_PLAN},
	{REEVE_SCHEDULE_DAYS, REEVE__PERIOD_DAYS},
	{REEVE_SCHEDULE_START, REEVE__PERIOD_START},
	{REEVE_SCHEDULE_END, REEVE__PERIOD_END},
	{REEVE_SCHEDULE_ZONE, REEVE__PERIOD_ZONE},
	{REEVE_SCHEDULE_PRIORITY, REEVE__PERIOD_PRIORITY},
	{REEVE_SCHEDULE_IS_ENABLED, REEVE__PERIOD_ENABLED},
};

static const struct bit_pair window_bits[] = {
	{REEVE_WINDOW_NAME, REEVE__PERIOD_NAME},
	{REEVE_WINDOW_DESCRIPTION, REEVE__PERIOD_DESCRIPTION},
	{REEVE_WINDOW_PLAN, REEVE__PERIOD_PLAN},
	{REEVE_WINDOW_DAY, REEVE__PERIOD_DAYS},
	{REEVE_WINDOW_START, REEVE__PERIOD_START},
	{REEVE_WINDOW_DURATION, REEVE__PERIOD_DURATION},
	{REEVE_WINDOW_ZONE, REEVE__PERIOD_ZONE},
	{REEVE_WINDOW_PRIORITY, REEVE__PERIOD_PRIORITY},
	{REEVE_WINDOW_ALLOW_USERS, REEVE__PERIOD_ALLOWS},
	{REEVE_WINDOW_MAX_USERS, REEVE__PERIOD_MAX_USERS},
	{REEVE_WINDOW_IS_ENABLED, REEVE__PERIOD_ENABLED},
};

static struct reeve__period_def of_schedule(const struct reeve_schedule_def *d)
{
	return (struct reeve__period_def){
		.name = d->name,
		.zone_name = d->zone ? d->zone : "",
		.plan = d->plan.v,
		.days = d->days,
		.start_s = d->start_s,
		.end_s = d->end_s,
		.priority = d->priority,
		.allows_users = 1,
		.max_users = UINT32_MAX,
		.is_enabled = d->is_enabled,
	};
}

/* A day above 6 becomes no bit at all, which is refused. */
static struct reeve__period_def of_window(const struct reeve_window_def *d)
{
	return (struct reeve__period_def){
		.name = d->name,
		.description = d->description,
		.zone_name = d->zone ? d->zone : "",
		.plan = d->plan.v,
		.days = d->day < 7 ? 1u << d->day : 0,
		.start_s = d->start_s,
		.duration_s = d->duration_s,
		.priority = d->priority,
		.allows_users = d->allow_user_sessions,
		.max_users = d->max_user_sessions,
		.is_enabled = d->is_enabled,
	};
}

static int check_day(const struct reeve_window_def *def, struct reeve_error *err)
{
	if (def->day < 7)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
		"dayOfWeek is %u; allowed are 0 (Sunday) to 6", def->day);
}

int reeve__schedule_create(struct reeve *reeve, const struct reeve_schedule_def *def, uint64_t *id,
	struct reeve_error *err)
{
	struct reeve__period_def d = of_schedule(def);
	struct reeve_sh_zone_data zone;
	int rc = 0;

	if (!rc)
		rc = reeve__zone_load(d.zone_name, &zone, err);
	d.zone = &zone;
	return rc ? rc
		  : told(reeve, reeve__period_create(
					reeve, REEVE__SCHEDULE, &d, reeve__wall(reeve), id, err));
}

REEVE_API int reeve_schedule_create(struct reeve *reeve, const struct reeve_schedule_def *def,
	reeve_schedule_id *ret_id, struct reeve_error *err)
{
	uint64_t id = 0;
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = reeve__schedule_create(reeve, def, &id, err);
	if (!rc)
		ret_id->v = id;
	return rc;
}

REEVE_API int reeve_schedule_update(struct reeve *reeve, reeve_schedule_id id, uint32_t fields,
	const struct reeve_schedule_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	struct reeve_sh_zone_data zone;
	struct reeve__period_def d;
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_fields(fields, REEVE_SCHEDULE_IS_ENABLED, err);
	d = of_schedule(def);
	if (!rc && (fields & REEVE_SCHEDULE_ZONE))
		rc = reeve__zone_load(d.zone_name, &zone, err);
	d.zone = &zone;
	return rc ? rc
		  : told(reeve,
			    reeve__period_update(reeve, REEVE__SCHEDULE, id.v,
				    translate(fields, schedule_bits, REEVE_COUNT(schedule_bits)),
				    &d, expected_revision, reeve__wall(reeve), err));
}

REEVE_API int reeve_schedule_destroy(
	struct reeve *reeve, reeve_schedule_id id, struct reeve_error *err)
{
	WANT(reeve);
	return told(reeve, reeve__period_destroy(reeve, REEVE__SCHEDULE, id.v, err));
}

REEVE_API int reeve_schedule_get(struct reeve *reeve, reeve_schedule_id id,
	struct reeve_schedule_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__schedule_get(reeve, id.v, reeve__wall(reeve), ret_info, err);
}

REEVE_API uint32_t reeve_schedule_copy(struct reeve *reeve, reeve_schedule_id after,
	struct reeve_schedule_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__schedule_copy(
					    reeve, after.v, reeve__wall(reeve), ret_infos, capacity)
				  : 0;
}

int reeve__window_create(struct reeve *reeve, const struct reeve_window_def *def, uint64_t *id,
	struct reeve_error *err)
{
	struct reeve__period_def d = of_window(def);
	struct reeve_sh_zone_data zone;
	int rc = check_day(def, err);

	if (!rc)
		rc = reeve__zone_load(d.zone_name, &zone, err);
	d.zone = &zone;
	return rc ? rc
		  : told(reeve, reeve__period_create(
					reeve, REEVE__WINDOW, &d, reeve__wall(reeve), id, err));
}

REEVE_API int reeve_window_create(struct reeve *reeve, const struct reeve_window_def *def,
	reeve_window_id *ret_id, struct reeve_error *err)
{
	uint64_t id = 0;
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = reeve__window_create(reeve, def, &id, err);
	if (!rc)
		ret_id->v = id;
	return rc;
}

REEVE_API int reeve_window_update(struct reeve *reeve, reeve_window_id id, uint32_t fields,
	const struct reeve_window_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	struct reeve_sh_zone_data zone;
	struct reeve__period_def d;
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_fields(fields, REEVE_WINDOW_IS_ENABLED, err);
	d = of_window(def);
	if (!rc && (fields & REEVE_WINDOW_DAY))
		rc = check_day(def, err);
	if (!rc && (fields & REEVE_WINDOW_ZONE))
		rc = reeve__zone_load(d.zone_name, &zone, err);
	d.zone = &zone;
	return rc ? rc
		  : told(reeve, reeve__period_update(reeve, REEVE__WINDOW, id.v,
					translate(fields, window_bits, REEVE_COUNT(window_bits)),
					&d, expected_revision, reeve__wall(reeve), err));
}

REEVE_API int reeve_window_destroy(struct reeve *reeve, reeve_window_id id, struct reeve_error *err)
{
	WANT(reeve);
	return told(reeve, reeve__period_destroy(reeve, REEVE__WINDOW, id.v, err));
}

REEVE_API int reeve_window_get(struct reeve *reeve, reeve_window_id id,
	struct reeve_window_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__window_get(reeve, id.v, reeve__wall(reeve), ret_info, err);
}

REEVE_API uint32_t reeve_window_copy(struct reeve *reeve, reeve_window_id after,
	struct reeve_window_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos
		       ? reeve__window_copy(reeve, after.v, reeve__wall(reeve), ret_infos, capacity)
		       : 0;
}

REEVE_API bool reeve_window_current(struct reeve *reeve, reeve_window_id *ret_id)
{
	reeve_ns now;
	uint32_t i;

	if (!reeve || !ret_id)
		return false;
	now = reeve__wall(reeve);
	reeve__catalog_lock(reeve);
	i = reeve__window_current_locked(reeve, now);
	if (i != REEVE_NONE)
		ret_id->v = reeve->windows[i].head.id;
	reeve__catalog_unlock(reeve);
	return i != REEVE_NONE;
}

REEVE_API int reeve_plan_decide(struct reeve *reeve, reeve_ns at_wall,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_decision);
	return reeve__plan_decide(reeve, at_wall ? at_wall : reeve__wall(reeve), ret_decision, err);
}

/* A change that may have put a new ruling in force: running tasks are told. */
static int announced(struct reeve *reeve, int rc)
{
	if (rc >= 0)
		reeve__cpu_announce(reeve);
	return told(reeve, rc);
}

REEVE_API int reeve_plan_check(struct reeve *reeve, struct reeve_plan_change *ret_change,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err)
{
	struct reeve_plan_change change;
	int rc;

	WANT(reeve);
	rc = reeve__plan_check(reeve, reeve__wall(reeve), &change, ret_decision, err);
	if (rc)
		return rc;
	if (change.switched)
		reeve__cpu_announce(reeve);
	reeve__event_flush(reeve);
	if (ret_change)
		*ret_change = change;
	return 0;
}

REEVE_API int reeve_plan_lock(struct reeve *reeve, bool locked, struct reeve_error *err)
{
	WANT(reeve);
	return told(reeve, reeve__plan_lock(reeve, locked, reeve__wall(reeve), err));
}

REEVE_API int reeve_plan_deactivate(struct reeve *reeve, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__plan_activate(reeve, (reeve_plan_id){REEVE_DEFAULT_PLAN},
					reeve__wall(reeve), err));
}

REEVE_API uint32_t reeve_plan_history(
	struct reeve *reeve, struct reeve_plan_switch_record *ret, uint32_t capacity)
{
	return reeve && ret ? reeve__plan_history(reeve, ret, capacity) : 0;
}

REEVE_API int reeve_plan_delete(
	struct reeve *reeve, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__plan_delete(reeve, id, replacement, err));
}
