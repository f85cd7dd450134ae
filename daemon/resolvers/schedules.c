/* SPDX-License-Identifier: Apache-2.0 */
/* schedules.c - which plan is in force when: schedules, maintenance windows, decisions, history. */
#include "resolvers/resolvers.h"

#include <string.h>

#define MAX_HISTORY 256u
#define DAY_S	    86400u

static const char *const cause_kinds[] = {
	"STARTUP", "MANUAL", "SCHEDULE", "MAINTENANCE_WINDOW", "DEFAULT_FALLBACK"};

/* A result of checkAndSwitchResourcePlan. */
struct plan_switch {
	struct reeve_plan_change change;
	char name[REEVE_NAME_MAX];
};

REEVED_LIST(windows, struct reeve_window_info, id.v, reeve_window_id, reeve_window_copy);
REEVED_GET(resolve_schedule, struct reeve_schedule_info, reeve_schedule_get, reeve_schedule_id,
	"scheduleId")
REEVED_GET(resolve_window, struct reeve_window_info, reeve_window_get, reeve_window_id, "windowId")

/* Fields of both */

static int emit_clock(struct reeve_gql_ctx *ctx, uint32_t seconds)
{
	/* The end of the day is told as its beginning: both are midnight. */
	uint32_t s = seconds % DAY_S;
	return reeve_gql_emit_str(
		ctx, reeve_gql_printf(ctx, "%02u:%02u:%02u", s / 3600, s / 60 % 60, s % 60));
}

static int emit_instant(struct reeve_gql_ctx *ctx, reeve_ns wall)
{
	return wall == REEVE_NEVER ? reeve_gql_emit_null(ctx) : reeve_gql_emit_time_ns(ctx, wall);
}

static int resolve_schedule_start(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_clock(ctx, ((const struct reeve_schedule_info *)object)->start_s);
}

static int resolve_schedule_end(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_clock(ctx, ((const struct reeve_schedule_info *)object)->end_s);
}

REEVED_TEXT_OF(resolve_schedule_zone, struct reeve_schedule_info, zone)

static int resolve_schedule_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_plan(ctx, ((const struct reeve_schedule_info *)object)->plan);
}

static int resolve_next_start(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_instant(ctx, ((const struct reeve_schedule_info *)object)->next_start_wall);
}

static int resolve_next_end(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_instant(ctx, ((const struct reeve_schedule_info *)object)->next_end_wall);
}

/* Null: every day, or several. */
static int resolve_day(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t days = ((const struct reeve_schedule_info *)object)->days;
	for (uint32_t day = 0; day < 7; day++) {
		if (days == 1u << day)
			return reeve_gql_emit_u64(ctx, day);
	}
	return reeve_gql_emit_null(ctx);
}

static int resolve_days(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t days = ((const struct reeve_schedule_info *)object)->days;
	if (days == REEVE_ALL_DAYS)
		return reeve_gql_emit_null(ctx);
	reeve_gql_list_begin(ctx);
	for (uint32_t day = 0; day < 7; day++) {
		if ((days & 1u << day) != 0)
			reeve_gql_emit_u64(ctx, day);
	}
	return reeve_gql_list_end(ctx);
}

REEVED_TEXT_OF(resolve_window_description, struct reeve_window_info, description)
REEVED_TEXT_OF(resolve_window_zone, struct reeve_window_info, zone)

static int resolve_window_start(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_clock(ctx, ((const struct reeve_window_info *)object)->start_s);
}

static int resolve_window_plan(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_plan(ctx, ((const struct reeve_window_info *)object)->plan);
}

static int resolve_next_open(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_instant(ctx, ((const struct reeve_window_info *)object)->next_open_wall);
}

static int resolve_next_close(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_instant(ctx, ((const struct reeve_window_info *)object)->next_close_wall);
}

static int resolve_max_users(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t users = ((const struct reeve_window_info *)object)->max_user_sessions;
	return reeved_emit_limit(ctx, users == REEVE_USERS_UNLIMITED ? REEVE_UNLIMITED : users);
}

/* Lists */

static const struct reeved_field schedule_filter[] = {
	REEVED_FIELD("planId", U64, struct reeve_schedule_info, plan.v, REEVED_ID),
	REEVED_FIELD("isEnabled", BOOL, struct reeve_schedule_info, is_enabled, ),
};

/* In evaluation order: by priority, then by id. */
static int emit_schedules(struct reeve_gql_ctx *ctx, const struct reeved_filter *filter)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_segment_info segment;
	reeve_segment_get(reeve, &segment);
	struct reeve_schedule_info *infos =
		reeve_gql_alloc(ctx, (segment.max_schedules + 1) * sizeof(*infos));
	if (infos == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n =
		reeve_schedule_copy(reeve, (reeve_schedule_id){0}, infos, segment.max_schedules);
	reeve_gql_list_begin(ctx);
	for (uint64_t next, priority = 0; n > 0; priority = next) {
		next = UINT64_MAX;
		for (uint32_t i = 0; i < n; i++) {
			if (infos[i].priority > priority && infos[i].priority < next)
				next = infos[i].priority;
			if (infos[i].priority == priority &&
				reeved_filter_admits(filter, &infos[i]))
				reeve_gql_emit_object(ctx, &infos[i]);
		}
		if (next == UINT64_MAX)
			break;
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_schedules(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	if (REEVED_READ_FILTER(ctx, NULL, schedule_filter, &filter) != 0)
		return -1;
	return emit_schedules(ctx, &filter);
}

static int resolve_windows(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {
		REEVED_FIELD("isEnabled", BOOL, struct reeve_window_info, is_enabled, )};
	struct reeved_page all = {0, UINT32_MAX};
	struct reeved_filter filter;
	if (REEVED_READ_FILTER(ctx, NULL, fields, &filter) != 0)
		return -1;
	return reeved_emit_list(ctx, &windows, NULL, &filter, all);
}

int reeved_emit_schedules_of(struct reeve_gql_ctx *ctx, reeve_plan_id plan)
{
	struct reeved_filter filter = {.fields = schedule_filter, .n_fields = 1};
	filter.is_given[0] = true;
	filter.wanted[0].number = plan.v;
	return emit_schedules(ctx, &filter);
}

int reeved_emit_windows_of(struct reeve_gql_ctx *ctx, reeve_plan_id plan)
{
	static const struct reeved_field fields[] = {
		REEVED_FIELD("planId", U64, struct reeve_window_info, plan.v, REEVED_ID)};
	struct reeved_page all = {0, UINT32_MAX};
	struct reeved_filter filter = {.fields = fields, .n_fields = 1};
	filter.is_given[0] = true;
	filter.wanted[0].number = plan.v;
	return reeved_emit_list(ctx, &windows, NULL, &filter, all);
}

static int resolve_current_window(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_window_info info;
	reeve_window_id id;
	bool is_open =
		reeve_window_current(reeve, &id) && reeve_window_get(reeve, id, &info, NULL) == 0;
	return reeve_gql_emit_object(ctx, is_open ? &info : NULL);
}

/* Changes of schedules */

/* Days as one number or as a list; null of both: every day. */
static int read_days(struct reeve_gql_ctx *ctx, uint32_t *days, uint64_t *fields)
{
	const struct reeve_gql_value *one = reeve_gql_arg(ctx, "dayOfWeek");
	const struct reeve_gql_value *list = reeve_gql_arg(ctx, "daysOfWeek");
	uint32_t day = 0;
	int given = reeved_take_int(ctx, one, "dayOfWeek", 0, 6, &day);
	if (given < 0)
		return -1;
	if (given != REEVE_GQL_OMITTED || reeve_gql_value_given(list) != REEVE_GQL_OMITTED)
		*fields |= REEVE_SCHEDULE_DAYS;
	*days = given == REEVE_GQL_GIVEN ? 1u << day : REEVE_ALL_DAYS;
	if (reeve_gql_value_given(list) != REEVE_GQL_GIVEN)
		return 0;
	if (given == REEVE_GQL_GIVEN)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"dayOfWeek and daysOfWeek exclude each other");
	*days = 0;
	return reeved_read_days(ctx, list, "daysOfWeek", days);
}

/* An hour and a minute, or a time of day; whichever is given. Returns what was, or negative. */
static int read_time(struct reeve_gql_ctx *ctx, const char *hour_name, const char *minute_name,
	const char *time_name, uint32_t last_hour, uint32_t *seconds)
{
	uint32_t hour = 0, minute = 0;
	int32_t time = 0;
	int has_hour =
		reeved_take_int(ctx, reeve_gql_arg(ctx, hour_name), hour_name, 0, last_hour, &hour);
	if (has_hour < 0 || reeved_take_int(ctx, reeve_gql_arg(ctx, minute_name), minute_name, 0,
				    59, &minute) < 0)
		return -1;
	bool has_time = reeve_gql_arg_time_of_day(ctx, time_name, &time) == REEVE_GQL_GIVEN;
	if (has_time == (has_hour == REEVE_GQL_GIVEN))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "one of %s and %s must be given",
			hour_name, time_name);
	if (hour == 24 && minute != 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %u, and must be 0 after hour 24", minute_name, minute);
	*seconds = has_time ? (uint32_t)time : hour * 3600 + minute * 60;
	return 0;
}

/* Of create and update; the times of create have more forms than a table can tell. */
#define SCHEDULE_FIELDS                                                                            \
	REEVED_FIELD("name", TEXT, struct reeve_schedule_def, name, .bit = REEVE_SCHEDULE_NAME),   \
		REEVED_FIELD("planId", U64, struct reeve_schedule_def, plan.v, REEVED_ID,          \
			.bit = REEVE_SCHEDULE_PLAN),                                               \
		REEVED_FIELD("timeZone", TEXT, struct reeve_schedule_def, zone, REEVED_OR_NULL(0), \
			.bit = REEVE_SCHEDULE_ZONE),                                               \
		REEVED_FIELD("priority", INT, struct reeve_schedule_def, priority,                 \
			REEVED_BETWEEN(0, INT32_MAX), .bit = REEVE_SCHEDULE_PRIORITY),             \
		REEVED_FIELD("isEnabled", BOOL, struct reeve_schedule_def, is_enabled,             \
			.bit = REEVE_SCHEDULE_IS_ENABLED)

static const struct reeved_field new_schedule_fields[] = {SCHEDULE_FIELDS};
static const struct reeved_field schedule_fields[] = {
	SCHEDULE_FIELDS,
	REEVED_FIELD("startTime", CLOCK, struct reeve_schedule_def, start_s,
		.bit = REEVE_SCHEDULE_START),
	REEVED_FIELD("endTime", CLOCK, struct reeve_schedule_def, end_s, .bit = REEVE_SCHEDULE_END),
};

static int resolve_add_schedule(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_schedule_info info;
	struct reeve_error err;
	reeve_schedule_id id;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, new_schedule_fields, &def, &fields) != 0 ||
		read_days(ctx, &def.days, &fields) != 0 ||
		read_time(ctx, "startHour", "startMinute", "startTime", 23, &def.start_s) != 0 ||
		read_time(ctx, "endHour", "endMinute", "endTime", 24, &def.end_s) != 0)
		return -1;
	if (reeve_schedule_create(reeve, &def, &id, &err) != 0 ||
		reeve_schedule_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_update_schedule(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_schedule_id id = {reeved_arg_id(ctx, "scheduleId")};
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_error err;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, schedule_fields, &def, &fields) != 0 ||
		read_days(ctx, &def.days, &fields) != 0)
		return -1;
	if (reeve_schedule_update(reeved_segment_of(ctx), id, (uint32_t)fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Plan schedule %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete_schedule, reeve_schedule_destroy, reeve_schedule_id, "scheduleId",
	"Plan schedule %llu was deleted.")

/* Changes of windows */

#define WINDOW_FIELDS                                                                              \
	REEVED_FIELD("name", TEXT, struct reeve_window_def, name, .bit = REEVE_WINDOW_NAME),       \
		REEVED_FIELD("description", TEXT, struct reeve_window_def, description,            \
			REEVED_OR_NULL(0), .bit = REEVE_WINDOW_DESCRIPTION),                       \
		REEVED_FIELD("maintenancePlanId", U64, struct reeve_window_def, plan.v, REEVED_ID, \
			.bit = REEVE_WINDOW_PLAN),                                                 \
		REEVED_FIELD("dayOfWeek", INT, struct reeve_window_def, day, REEVED_BETWEEN(0, 6), \
			.bit = REEVE_WINDOW_DAY),                                                  \
		REEVED_FIELD("durationMinutes", INT, struct reeve_window_def, duration_s,          \
			REEVED_BETWEEN(1, REEVE_WINDOW_MAX_S / 60), .unit = 60,                    \
			.bit = REEVE_WINDOW_DURATION),                                             \
		REEVED_FIELD("timeZone", TEXT, struct reeve_window_def, zone, REEVED_OR_NULL(0),   \
			.bit = REEVE_WINDOW_ZONE),                                                 \
		REEVED_FIELD("priority", INT, struct reeve_window_def, priority,                   \
			REEVED_BETWEEN(0, INT32_MAX), .bit = REEVE_WINDOW_PRIORITY),               \
		REEVED_FIELD("allowUserSessions", BOOL, struct reeve_window_def,                   \
			allow_user_sessions, .bit = REEVE_WINDOW_ALLOW_USERS),                     \
		REEVED_FIELD("maxUserSessions", INT, struct reeve_window_def, max_user_sessions,   \
			REEVED_BETWEEN(0, INT32_MAX), REEVED_OR_NULL(REEVE_USERS_UNLIMITED),       \
			.bit = REEVE_WINDOW_MAX_USERS),                                            \
		REEVED_FIELD("isEnabled", BOOL, struct reeve_window_def, is_enabled,               \
			.bit = REEVE_WINDOW_IS_ENABLED)

static const struct reeved_field new_window_fields[] = {WINDOW_FIELDS};
static const struct reeved_field window_fields[] = {
	WINDOW_FIELDS,
	REEVED_FIELD(
		"startTime", CLOCK, struct reeve_window_def, start_s, .bit = REEVE_WINDOW_START),
};

static int resolve_add_window(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_window_def def = REEVE_WINDOW_DEF_INIT;
	struct reeve_window_info info;
	struct reeve_error err;
	reeve_window_id id;
	if (REEVED_READ(ctx, NULL, new_window_fields, &def, NULL) != 0 ||
		read_time(ctx, "startHour", "startMinute", "startTime", 23, &def.start_s) != 0)
		return -1;
	if (reeve_window_create(reeve, &def, &id, &err) != 0 ||
		reeve_window_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_update_window(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_window_id id = {reeved_arg_id(ctx, "windowId")};
	struct reeve_window_def def = REEVE_WINDOW_DEF_INIT;
	struct reeve_error err;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, window_fields, &def, &fields) != 0)
		return -1;
	if (reeve_window_update(reeved_segment_of(ctx), id, (uint32_t)fields, &def,
		    reeved_arg_id(ctx, "expectedRevision"), &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "Maintenance window %llu was updated.", (unsigned long long)id.v);
}

REEVED_CHANGE(resolve_delete_window, reeve_window_destroy, reeve_window_id, "windowId",
	"Maintenance window %llu was deleted.")

/* Decisions */

static int resolve_evaluate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_decision decision;
	struct reeve_error err;
	int64_t at = 0;
	if (reeve_gql_arg_time_ns(ctx, "at", &at) == REEVE_GQL_GIVEN && at <= 0)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "at must be after 1970");
	if (reeve_plan_decide(reeved_segment_of(ctx), at, &decision, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &decision);
}

static int resolve_valid_until(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_instant(ctx, ((const struct reeve_plan_decision *)object)->valid_until_wall);
}

static int resolve_check(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct plan_switch result = {{0}, ""};
	struct reeve_plan_decision decision;
	struct reeve_error err;
	if (reeve_plan_check(reeved_segment_of(ctx), &result.change, &decision, &err) != 0)
		return reeved_fail(ctx, &err);
	memcpy(result.name, decision.name, sizeof(result.name));
	return reeve_gql_emit_object(ctx, &result);
}

static int resolve_history(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_switch_record *records =
		reeve_gql_alloc(ctx, MAX_HISTORY * sizeof(*records));
	uint32_t limit = 0;
	if (records == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	int given =
		reeved_take_int(ctx, reeve_gql_arg(ctx, "limit"), "limit", 1, INT32_MAX, &limit);
	if (given < 0)
		return -1;
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "limit");
	uint32_t n = reeve_plan_history(
		reeved_segment_of(ctx), records, limit < MAX_HISTORY ? limit : MAX_HISTORY);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n; i++)
		reeve_gql_emit_object(ctx, &records[i]);
	return reeve_gql_list_end(ctx);
}

/* The newest switch: of several that came together, a subscriber may see the last one again. */
static int resolve_plan_changed(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_plan_switch_record record;
	if (reeve_plan_history(reeved_segment_of(ctx), &record, 1) == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "the history of plans is empty");
	return reeve_gql_emit_object(ctx, &record);
}

#define S	    "PlanSchedule"
#define W	    "MaintenanceWindow"
#define D	    "PlanDecision"
#define R	    "PlanSwitchResult"
#define H	    "PlanSwitchRecord"
#define IF_SWITCHED REEVE_GQL_PRESENT_IF(struct plan_switch, change.switched)
static const struct reeve_gql_binding rows[] = {
	UINT(S, "id", struct reeve_schedule_info, id.v, ),
	CHARS(S, "name", struct reeve_schedule_info, name),
	FN(S, "dayOfWeek", resolve_day),
	FN(S, "daysOfWeek", resolve_days),
	FN(S, "startTime", resolve_schedule_start),
	FN(S, "endTime", resolve_schedule_end),
	FN(S, "timeZone", resolve_schedule_zone),
	UINT(S, "planId", struct reeve_schedule_info, plan.v, ),
	FN(S, "plan", resolve_schedule_plan),
	UINT(S, "priority", struct reeve_schedule_info, priority, ),
	BOOL(S, "isEnabled", struct reeve_schedule_info, is_enabled),
	BOOL(S, "isActiveNow", struct reeve_schedule_info, is_open),
	FN(S, "nextStart", resolve_next_start),
	FN(S, "nextEnd", resolve_next_end),
	UINT(S, "revision", struct reeve_schedule_info, revision, ),

	UINT(W, "id", struct reeve_window_info, id.v, ),
	CHARS(W, "name", struct reeve_window_info, name),
	FN(W, "description", resolve_window_description),
	UINT(W, "dayOfWeek", struct reeve_window_info, day, ),
	FN(W, "startTime", resolve_window_start),
	UINT(W, "durationMinutes", struct reeve_window_info, duration_s, .divisor = 60),
	FN(W, "timeZone", resolve_window_zone),
	UINT(W, "maintenancePlanId", struct reeve_window_info, plan.v, ),
	FN(W, "maintenancePlan", resolve_window_plan),
	BOOL(W, "allowUserSessions", struct reeve_window_info, allow_user_sessions),
	FN(W, "maxUserSessions", resolve_max_users),
	UINT(W, "priority", struct reeve_window_info, priority, ),
	BOOL(W, "isEnabled", struct reeve_window_info, is_enabled),
	BOOL(W, "isOpenNow", struct reeve_window_info, is_open),
	FN(W, "nextOpen", resolve_next_open),
	FN(W, "nextClose", resolve_next_close),
	UINT(W, "revision", struct reeve_window_info, revision, ),

	TIME_NS(D, "at", struct reeve_plan_decision, at_wall, ),
	UINT(D, "planId", struct reeve_plan_decision, plan.v, ),
	CHARS(D, "planName", struct reeve_plan_decision, name),
	NAMED(D, "cause", struct reeve_plan_decision, cause, cause_kinds),
	UINT(D, "scheduleId", struct reeve_plan_decision, schedule.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(D, "windowId", struct reeve_plan_decision, window.v, .flags = REEVE_GQL_ZERO_IS_NULL),
	FN(D, "validUntil", resolve_valid_until),

	BOOL(R, "switched", struct plan_switch, change.switched),
	REEVE_GQL_BIND_MEMBER(
		R, "newPlanId", REEVE_GQL_UINT, struct plan_switch, change.to.v, IF_SWITCHED),
	REEVE_GQL_BIND_MEMBER(
		R, "newPlanName", REEVE_GQL_CHARS, struct plan_switch, name, IF_SWITCHED),
	REEVE_GQL_BIND_MEMBER(R, "previousPlanId", REEVE_GQL_UINT, struct plan_switch,
		change.from.v, IF_SWITCHED),
	REEVE_GQL_BIND_ENUM(R, "cause", struct plan_switch, change.cause, cause_kinds, IF_SWITCHED),

	TIME_NS(H, "at", struct reeve_plan_switch_record, at_wall, ),
	UINT(H, "fromPlanId", struct reeve_plan_switch_record, from.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(H, "toPlanId", struct reeve_plan_switch_record, to.v, ),
	NAMED(H, "cause", struct reeve_plan_switch_record, cause, cause_kinds),

	UINT("AddPlanSchedulePayload", "scheduleId", struct reeve_schedule_info, id.v, ),
	SELF("AddPlanSchedulePayload", "schedule"),
	UINT("AddMaintenanceWindowPayload", "windowId", struct reeve_window_info, id.v, ),
	SELF("AddMaintenanceWindowPayload", "window"),

	FN("Query", "listPlanSchedules", resolve_schedules),
	FN("Query", "getPlanSchedule", resolve_schedule),
	FN("Query", "listMaintenanceWindows", resolve_windows),
	FN("Query", "getMaintenanceWindow", resolve_window),
	FN("Query", "getCurrentMaintenanceWindow", resolve_current_window),
	FN("Query", "evaluatePlanSchedule", resolve_evaluate),
	FN("Query", "getPlanSwitchHistory", resolve_history),
	FN("Subscription", "activePlanChanged", resolve_plan_changed),

	DEFINES("Mutation", "addPlanSchedule", resolve_add_schedule),
	DEFINES("Mutation", "updatePlanSchedule", resolve_update_schedule),
	DEFINES("Mutation", "deletePlanSchedule", resolve_delete_schedule),
	ACTS("Mutation", "checkAndSwitchResourcePlan", resolve_check),
	DEFINES("Mutation", "addMaintenanceWindow", resolve_add_window),
	DEFINES("Mutation", "updateMaintenanceWindow", resolve_update_window),
	DEFINES("Mutation", "deleteMaintenanceWindow", resolve_delete_window),
};
const struct reeve_gql_table reeved_schedule_table = {rows, REEVED_COUNT(rows)};
