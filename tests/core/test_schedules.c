/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of schedules and maintenance windows: when a period is open (against a model that walks the
 * minutes), which plan is in force when, and why.
 */
#include "core.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/schedule.h"
#include "../../src/policy/schedule.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static struct reeve_sh_zone_data berlin, utc;

static int zones_setup(void **state)
{
	(void)state;
	reeve__zone_utc(&utc);
	return reeve__zone_parse_rule("CET-1CEST,M3.5.0,M10.5.0/3", &berlin, NULL);
}

static int64_t utc_of(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute)
{
	return reeve__days_of_date(year, month, day) * DAY + hour * HOUR + minute * MINUTE;
}

static bool open_at(const struct reeve__period *p, int64_t utc_s)
{
	struct reeve__period_state s;

	reeve__period_at(p, utc_s, &s);
	assert_true(s.since_s <= utc_s && s.until_s > utc_s);
	return s.is_open;
}

/* ---- one period ---- */

static void a_period_is_half_open(void **state)
{
	const struct reeve__period p = {1 << 1, 9 * HOUR, 17 * HOUR, 0, &utc}; /* Mondays */
	int64_t monday = utc_of(2026, 11, 23, 0, 0);
	struct reeve__period_state s;

	(void)state;
	assert_false(open_at(&p, monday + 9 * HOUR - 1));
	assert_true(open_at(&p, monday + 9 * HOUR));
	assert_true(open_at(&p, monday + 17 * HOUR - 1));
	assert_false(open_at(&p, monday + 17 * HOUR));
	assert_false(open_at(&p, monday + DAY + 12 * HOUR));
	reeve__period_at(&p, monday + 12 * HOUR, &s);
	assert_true(s.since_s == monday + 9 * HOUR && s.until_s == monday + 17 * HOUR);
	assert_true(s.next_start_s == monday + 7 * DAY + 9 * HOUR);
	reeve__period_at(&p, monday + 20 * HOUR, &s);
	assert_true(s.since_s == monday + 17 * HOUR && s.until_s == s.next_start_s);
	assert_true(s.next_end_s == monday + 7 * DAY + 17 * HOUR);
}

/* Groups, line 17: overnight with a weekday was wrong. */
static void plans_17_overnight_belongs_to_its_start_day(void **state)
{
	const struct reeve__period p = {1 << 5, 22 * HOUR, 6 * HOUR, 0, &utc}; /* Fridays */
	int64_t friday = utc_of(2026, 11, 27, 0, 0);

	(void)state;
	assert_false(open_at(&p, friday + 1 * HOUR)); /* that would be Thursday's */
	assert_true(open_at(&p, friday + 22 * HOUR));
	assert_true(open_at(&p, friday + DAY + 5 * HOUR));
	assert_false(open_at(&p, friday + DAY + 6 * HOUR));
	assert_false(open_at(&p, friday + DAY + 23 * HOUR));
}

/* Groups, line 17: start = end was never active. Here it is a whole day. */
static void plans_17_start_equal_to_end_is_a_whole_day(void **state)
{
	const struct reeve__period p = {1 << 6, 8 * HOUR, 8 * HOUR, 0, &utc}; /* Saturdays */
	const struct reeve__period all = {REEVE__ALL_DAYS, 8 * HOUR, 8 * HOUR, 0, &utc};
	int64_t saturday = utc_of(2026, 11, 28, 0, 0);
	struct reeve__period_state s;

	(void)state;
	assert_false(open_at(&p, saturday + 8 * HOUR - 1));
	assert_true(open_at(&p, saturday + 8 * HOUR));
	assert_true(open_at(&p, saturday + DAY + 8 * HOUR - 1));
	assert_false(open_at(&p, saturday + DAY + 8 * HOUR));
	reeve__period_at(&all, saturday, &s);
	assert_true(s.is_open && s.until_s == INT64_MAX && s.since_s == INT64_MIN);
}

static void an_end_of_24_is_midnight(void **state)
{
	const struct reeve__period p = {1 << 6, 0, DAY, 0, &utc};
	int64_t saturday = utc_of(2026, 11, 28, 0, 0);

	(void)state;
	assert_false(open_at(&p, saturday - 1));
	assert_true(open_at(&p, saturday) && open_at(&p, saturday + DAY - 1));
	assert_false(open_at(&p, saturday + DAY));
}

static void days_that_meet_have_no_boundary_between_them(void **state)
{
	const struct reeve__period p = {1 << 1 | 1 << 2, 0, 0, 0, &utc}; /* Monday, Tuesday */
	int64_t monday = utc_of(2026, 11, 23, 0, 0);
	struct reeve__period_state s;

	(void)state;
	reeve__period_at(&p, monday + HOUR, &s);
	assert_true(s.since_s == monday && s.until_s == monday + 2 * DAY);
}

/* Groups, line 17: UTC was the only zone. In Berlin it is an hour or two later. */
static void plans_17_a_period_is_of_its_zone(void **state)
{
	const struct reeve__period p = {REEVE__ALL_DAYS, 9 * HOUR, 17 * HOUR, 0, &berlin};

	(void)state;
	assert_false(open_at(&p, utc_of(2026, 1, 15, 7, 59)));
	assert_true(open_at(&p, utc_of(2026, 1, 15, 8, 0)));
	assert_false(open_at(&p, utc_of(2026, 7, 15, 6, 59)));
	assert_true(open_at(&p, utc_of(2026, 7, 15, 7, 0)));
	assert_false(open_at(&p, utc_of(2026, 7, 15, 15, 0)));
}

/* 29 March 2026: 02:00 becomes 03:00 (01:00 UTC). */
static void clocks_set_forward(void **state)
{
	const struct reeve__period gone = {1, 2 * HOUR, 2 * HOUR + 30 * MINUTE, 0, &berlin};
	const struct reeve__period half = {1, 2 * HOUR, 4 * HOUR, 0, &berlin};
	const struct reeve__period night = {1 << 6, 23 * HOUR, 7 * HOUR, 0, &berlin};
	struct reeve__period_state s;

	(void)state;
	for (int m = 0; m < 24 * 60; m++) /* wholly in what is skipped: not that day */
		assert_false(open_at(&gone, utc_of(2026, 3, 29, 0, m)));
	assert_true(open_at(&gone, utc_of(2026, 4, 5, 0, 15)));
	reeve__period_at(&half, utc_of(2026, 3, 29, 1, 0), &s);
	assert_true(s.is_open && s.since_s == utc_of(2026, 3, 29, 1, 0) &&
		    s.until_s == utc_of(2026, 3, 29, 2, 0));
	reeve__period_at(&night, utc_of(2026, 3, 29, 0, 0), &s); /* an hour shorter */
	assert_true(s.is_open && s.until_s - s.since_s == 7 * HOUR);
}

/* 25 October 2026: 03:00 becomes 02:00 (01:00 UTC). */
static void clocks_set_back(void **state)
{
	const struct reeve__period twice = {1, 2 * HOUR, 2 * HOUR + 30 * MINUTE, 0, &berlin};
	const struct reeve__period night = {1 << 6, 23 * HOUR, 7 * HOUR, 0, &berlin};
	const struct reeve__period window = {1, 1 * HOUR, 0, 3 * HOUR, &berlin};
	struct reeve__period_state s;

	(void)state;
	assert_true(open_at(&twice, utc_of(2026, 10, 25, 0, 15)));
	assert_false(open_at(&twice, utc_of(2026, 10, 25, 1, 15))); /* the first one counts */
	reeve__period_at(&night, utc_of(2026, 10, 25, 0, 0), &s);
	assert_true(s.is_open && s.until_s - s.since_s == 9 * HOUR);
	reeve__period_at(&window, utc_of(2026, 10, 25, 0, 0), &s); /* a span is elapsed time */
	assert_true(s.is_open && s.since_s == utc_of(2026, 10, 24, 23, 0) &&
		    s.until_s == utc_of(2026, 10, 25, 2, 0));
}

static void years_end(void **state)
{
	/* 31 December 2026 is a Thursday */
	const struct reeve__period p = {1 << 4, 20 * HOUR, 4 * HOUR, 0, &berlin};
	struct reeve__period_state s;

	(void)state;
	reeve__period_at(&p, utc_of(2026, 12, 31, 23, 30), &s);
	assert_true(s.is_open && s.since_s == utc_of(2026, 12, 31, 19, 0) &&
		    s.until_s == utc_of(2027, 1, 1, 3, 0));
	assert_true(s.next_start_s == utc_of(2027, 1, 7, 19, 0));
	/* before 1970 too */
	assert_true(open_at(&p, utc_of(1964, 12, 31, 23, 30)));
}

/* Groups, line 19: windows that reach midnight never matched. */
static void plans_19_a_window_passes_midnight_and_weeks(void **state)
{
	const struct reeve__period p = {1 << 6, 23 * HOUR, 0, 4 * HOUR, &utc}; /* Saturdays */
	const struct reeve__period week = {1 << 6, 23 * HOUR, 0, 6 * DAY, &utc};
	int64_t saturday = utc_of(2026, 11, 28, 0, 0);

	(void)state;
	assert_false(open_at(&p, saturday + 23 * HOUR - 1));
	assert_true(open_at(&p, saturday + 23 * HOUR) && open_at(&p, saturday + 27 * HOUR - 1));
	assert_false(open_at(&p, saturday + 27 * HOUR));
	assert_true(open_at(&week, saturday + 22 * HOUR - 2 * DAY));
	assert_false(open_at(&week, saturday + 22 * HOUR + 59 * MINUTE));
	assert_true(open_at(&week, saturday + 6 * DAY + 22 * HOUR));
}

/*
 * The model: walk the seconds of a quarter hour grid from far enough back, looking at the walls. A
 * period opens when its start is first shown, or skipped, on one of its days, and closes when its
 * end is.
 */
static bool model_open(const struct reeve__period *p, int64_t utc_s)
{
	for (int64_t start = utc_s; start > utc_s - 9 * DAY; start -= 15 * MINUTE) {
		struct reeve__civil now, before;
		reeve__zone_local(p->zone, start, &now);
		reeve__zone_local(p->zone, start - 15 * MINUTE, &before);
		int64_t day = reeve__days_of_date(now.year, now.month, now.day);
		int64_t shown = day * DAY + now.second;
		int64_t was = reeve__days_of_date(before.year, before.month, before.day) * DAY +
			      before.second;
		int64_t wanted = day * DAY + p->start_s, ends;
		bool on_day = p->days & 1u << now.weekday;
		/* shown for the first time: not if the walls showed it before they were set back */
		struct reeve__civil hour_ago;
		reeve__zone_local(p->zone, start - HOUR, &hour_ago);
		bool again = hour_ago.second == now.second && hour_ago.day == now.day;
		if (!on_day || again || !(was < wanted && wanted <= shown))
			continue;
		if (p->duration_s)
			return utc_s < start + p->duration_s;
		ends = day * DAY + p->end_s + (p->end_s <= p->start_s ? DAY : 0);
		for (int64_t at = start; at <= utc_s; at += 15 * MINUTE) {
			reeve__zone_local(p->zone, at, &now);
			if (reeve__days_of_date(now.year, now.month, now.day) * DAY + now.second >=
				ends)
				return false;
		}
		return true;
	}
	return false;
}

static void a_period_is_open_when_the_walls_say_so(void **state)
{
	uint64_t seed = core_seed("periods"), steps = core_steps(3000) / 20;
	struct sim_random random;

	(void)state;
	sim_random_init(&random, seed, 0);
	for (uint64_t i = 0; i < steps; i++) {
		struct reeve__period p = {.days = 1 + (uint32_t)core_below(&random, 127),
			.start_s = (uint32_t)core_below(&random, 96) * 15 * MINUTE,
			.end_s = (uint32_t)core_below(&random, 97) * 15 * MINUTE,
			.zone = core_below(&random, 4) ? &berlin : &utc};
		int64_t at = utc_of(2026, core_below(&random, 2) ? 3 : 10, 20, 0, 0) +
			     (int64_t)core_below(&random, 12 * 96) * 15 * MINUTE;
		if (core_below(&random, 3) == 0) /* windows have one day, and do not overlap */
			p.duration_s = (1 + (uint32_t)core_below(&random, 4 * 96)) * 15 * MINUTE;
		if (p.duration_s)
			p.days = 1u << core_below(&random, 7);
		struct reeve__period_state s;
		reeve__period_at(&p, at, &s);
		if (s.is_open != model_open(&p, at)) {
			print_error("step %d: days %x %u-%u+%u at %lld: %d\n", (int)i, p.days,
				p.start_s, p.end_s, p.duration_s, (long long)at, s.is_open);
			fail();
		}
		if (s.until_s != INT64_MAX && s.until_s < at + 20 * DAY)
			assert_int_equal(open_at(&p, s.until_s), !s.is_open);
		if (s.since_s != INT64_MIN)
			assert_int_equal(open_at(&p, s.since_s - 1), !s.is_open);
	}
}

/* ---- which plan is in force ---- */

/* The clock on the wall shows this many seconds; time since boot goes on by a minute. */
static void clock_shows(struct core *c, int64_t utc_s)
{
	c->h.wall = utc_s * REEVE_SEC;
	c->h.mono += 60 * REEVE_SEC;
}

static uint64_t schedule(struct core *c, uint64_t plan, uint32_t days, uint32_t start_s,
	uint32_t end_s, uint32_t priority)
{
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	reeve_schedule_id id = {0};

	def.name = "s";
	def.plan.v = plan;
	def.days = days;
	def.start_s = start_s;
	def.end_s = end_s;
	def.zone = "UTC";
	def.priority = priority;
	assert_ok(reeve_schedule_create(c->r, &def, &id, E));
	return id.v;
}

static struct reeve_window_def window_def(uint64_t plan, uint32_t day, uint32_t start_s)
{
	struct reeve_window_def def = REEVE_WINDOW_DEF_INIT;

	def.name = "w";
	def.plan.v = plan;
	def.day = day;
	def.start_s = start_s;
	def.zone = "UTC";
	return def;
}

static uint64_t window(struct core *c, uint64_t plan, uint32_t day, uint32_t start_s)
{
	const struct reeve_window_def def = window_def(plan, day, start_s);
	reeve_window_id id = {0};

	assert_ok(reeve_window_create(c->r, &def, &id, E));
	return id.v;
}

/* Checks, and wants this plan for this cause in force. */
static void in_force(struct core *c, uint64_t plan, enum reeve_plan_cause cause)
{
	struct reeve_plan_decision d = {0};
	struct reeve_plan_change change;

	assert_ok(reeve_plan_check(c->r, &change, &d, E));
	assert_int_equal(d.plan.v, plan);
	assert_int_equal(d.cause, cause);
	assert_int_equal(reeve_plan_active(c->r).v, plan);
}

#define MONDAY		utc_of(2026, 11, 23, 0, 0)
#define SHARES_OF(c, g) core_group_stats((c)->r, g).shares

static void a_schedule_is_followed(void **state)
{
	struct core *c = *state;
	struct reeve_plan_change change;

	clock_shows(c, MONDAY + 8 * HOUR);
	uint64_t id = schedule(c, 2, 0x3e, 9 * HOUR, 17 * HOUR, 100);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	clock_shows(c, MONDAY + 9 * HOUR);
	assert_ok(reeve_plan_check(c->r, &change, NULL, E));
	assert_true(change.switched && change.from.v == 1 && change.to.v == 2);
	assert_int_equal(change.cause, REEVE_CAUSE_SCHEDULE);
	/* Groups, line 18: directives were not applied by it */
	assert_int_equal(SHARES_OF(c, 2), 700);
	assert_ok(reeve_plan_check(c->r, &change, NULL, E));
	assert_false(change.switched);
	clock_shows(c, MONDAY + 17 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	assert_int_equal(SHARES_OF(c, 2), 600);
	struct reeve_schedule_info info;
	assert_ok(reeve_schedule_get(c->r, (reeve_schedule_id){id}, &info, E));
	assert_true(!info.is_open && info.next_start_wall == (MONDAY + DAY + 9 * HOUR) * REEVE_SEC);
	assert_true(info.next_end_wall == (MONDAY + DAY + 17 * HOUR) * REEVE_SEC);
}

static void the_tick_follows_schedules_once_a_second(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;

	clock_shows(c, MONDAY + 8 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 100);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.plan_switches, 0);
	c->h.wall = (MONDAY + 9 * HOUR) * REEVE_SEC;
	c->h.mono += REEVE_SEC / 2;
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(reeve_plan_active(c->r).v, 1); /* not so often */
	c->h.mono += REEVE_SEC / 2;
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.plan_switches, 1);
	assert_int_equal(reeve_plan_active(c->r).v, 2);
}

static void the_lowest_priority_number_wins_then_the_lower_id(void **state)
{
	struct core *c = *state;

	clock_shows(c, MONDAY + 12 * HOUR);
	schedule(c, 3, 0x7f, 9 * HOUR, 17 * HOUR, 50);
	schedule(c, 2, 0x7f, 11 * HOUR, 13 * HOUR, 50);
	in_force(c, 3, REEVE_CAUSE_SCHEDULE);
	schedule(c, 4, 0x7f, 11 * HOUR, 13 * HOUR, 49);
	in_force(c, 4, REEVE_CAUSE_SCHEDULE);
	clock_shows(c, MONDAY + 13 * HOUR);
	in_force(c, 3, REEVE_CAUSE_SCHEDULE);
}

/* Groups, line 17: one bad plan at the top blocked all switching. */
static void plans_17_a_plan_that_will_not_do_is_passed_over(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def off = REEVE_PLAN_DEF_INIT;
	struct reeve_plan_decision d;

	clock_shows(c, MONDAY + 12 * HOUR);
	uint64_t invalid = core_plan(c->r, "invalid", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def all = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 80};
	core_directive(c->r, invalid, 2, &all);
	core_directive(c->r, invalid, 3, &all);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	schedule(c, invalid, 0x7f, 9 * HOUR, 17 * HOUR, 2);
	schedule(c, 3, 0x7f, 9 * HOUR, 17 * HOUR, 3);
	off.is_enabled = false;
	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){2}, REEVE_PLAN_IS_ENABLED, &off, 0, E));
	in_force(c, 3, REEVE_CAUSE_SCHEDULE);
	assert_ok(reeve_plan_decide(c->r, 0, &d, E));
	assert_int_equal(d.skipped, 2);
	assert_true(d.skips[0].plan.v == 2 && strstr(d.skips[0].text, "DAYTIME_PLAN) is disabled"));
	assert_true(d.skips[1].plan.v == invalid && strstr(d.skips[1].text, "add up to 160"));
	assert_true(d.schedule.v == 3 && d.valid_until_wall == (MONDAY + 17 * HOUR) * REEVE_SEC);
}

static void when_nothing_else_will_do_what_is_in_force_goes_on(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def off = REEVE_PLAN_DEF_INIT;

	clock_shows(c, MONDAY + 12 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	off.is_enabled = false;
	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){1}, REEVE_PLAN_IS_ENABLED, &off, 0, E));
	clock_shows(c, MONDAY + 18 * HOUR);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	struct reeve_plan_decision d;
	assert_ok(reeve_plan_decide(c->r, 0, &d, E));
	assert_true(d.skipped == 1 && d.skips[0].plan.v == 1);
}

/* Groups, line 18: the next check undid what was chosen by hand. */
static void plans_18_what_is_chosen_by_hand_holds_until_the_next_boundary(void **state)
{
	struct core *c = *state;

	clock_shows(c, MONDAY + 12 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	schedule(c, 4, 0x7f, 20 * HOUR, 22 * HOUR, 1);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	in_force(c, 3, REEVE_CAUSE_MANUAL);
	clock_shows(c, MONDAY + 17 * HOUR - 1);
	in_force(c, 3, REEVE_CAUSE_MANUAL);
	clock_shows(c, MONDAY + 17 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	clock_shows(c, MONDAY + 20 * HOUR - 1);
	in_force(c, 3, REEVE_CAUSE_MANUAL);
	clock_shows(c, MONDAY + 20 * HOUR);
	in_force(c, 4, REEVE_CAUSE_SCHEDULE);
	clock_shows(c, MONDAY + 22 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT); /* what was chosen by hand is past */
}

static void without_schedules_it_holds_for_ever(void **state)
{
	struct core *c = *state;
	struct reeve_plan_decision d;

	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	clock_shows(c, MONDAY + 365 * DAY);
	in_force(c, 3, REEVE_CAUSE_MANUAL);
	assert_ok(reeve_plan_decide(c->r, 0, &d, E));
	assert_true(d.valid_until_wall == REEVE_NEVER);
	assert_ok(reeve_plan_deactivate(c->r, E));
	in_force(c, 1, REEVE_CAUSE_MANUAL);
}

static void a_locked_plan_holds_against_all(void **state)
{
	struct core *c = *state;

	clock_shows(c, MONDAY + 8 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	window(c, 4, 1, 9 * HOUR);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	assert_ok(reeve_plan_lock(c->r, true, E));
	clock_shows(c, MONDAY + 9 * HOUR);
	in_force(c, 3, REEVE_CAUSE_MANUAL);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E)); /* the lock goes on */
	clock_shows(c, MONDAY + 9 * HOUR + 10);
	in_force(c, 1, REEVE_CAUSE_MANUAL);
	assert_ok(reeve_plan_lock(c->r, false, E));
	in_force(c, 1, REEVE_CAUSE_MANUAL); /* until the next boundary */
	clock_shows(c, MONDAY + 10 * HOUR);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
}

/* Groups, line 19: windows were consulted by nothing. */
static void plans_19_a_window_outranks_schedules_and_limits_sessions(void **state)
{
	struct core *c = *state;
	const struct reeve_sh_planning *p = &c->r->header->planning;
	struct reeve_window_def def = window_def(4, 1, 12 * HOUR);
	struct reeve_plan_info info;
	struct reeve_plan_decision d;
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	reeve_window_id id = {0}, now = {0};
	struct reeve_session *s[3];

	def.duration_s = 2 * HOUR;
	def.max_user_sessions = 7;
	clock_shows(c, MONDAY + 11 * HOUR);
	assert_ok(reeve_window_create(c->r, &def, &id, E));
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 0);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	assert_false(reeve_window_current(c->r, &now));
	assert_true(reeve__get(&p->user_sessions_allowed) == 1 &&
		    reeve__get(&p->max_user_sessions) == UINT32_MAX);
	clock_shows(c, MONDAY + 12 * HOUR);
	in_force(c, 4, REEVE_CAUSE_WINDOW);
	assert_true(reeve_window_current(c->r, &now) && now.v == id.v);
	assert_true(reeve__get(&p->user_sessions_allowed) == 0 &&
		    reeve__get(&p->max_user_sessions) == 7);
	who.username = "ada";
	assert_fails(reeve_session_create(c->r, &who, &s[0], E), REEVE_ERESOURCE_EXHAUSTED,
		"allowUserSessions is false");
	who.is_system = true;
	assert_ok(reeve_session_create(c->r, &who, &s[0], E));
	def.allow_user_sessions = true;
	def.max_user_sessions = 1;
	assert_ok(reeve_window_update(
		c->r, id, REEVE_WINDOW_ALLOW_USERS | REEVE_WINDOW_MAX_USERS, &def, 0, E));
	who.is_system = false;
	assert_ok(reeve_session_create(c->r, &who, &s[1], E));
	assert_fails(reeve_session_create(c->r, &who, &s[2], E), REEVE_ERESOURCE_EXHAUSTED,
		"there are 1 sessions of users; the open maintenance window's limit "
		"maxUserSessions is 1");
	reeve_session_destroy(s[0]);
	reeve_session_destroy(s[1]);
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){4}, &info, E));
	assert_int_equal(info.status, REEVE_PLAN_MAINTENANCE);
	assert_ok(reeve_plan_decide(c->r, 0, &d, E));
	assert_true(d.window.v == id.v && d.schedule.v == 0 &&
		    d.valid_until_wall == (MONDAY + 14 * HOUR) * REEVE_SEC);
	def.allow_user_sessions = true; /* a change is in force at once */
	def.max_user_sessions = REEVE_USERS_UNLIMITED;
	assert_ok(reeve_window_update(
		c->r, id, REEVE_WINDOW_ALLOW_USERS | REEVE_WINDOW_MAX_USERS, &def, 0, E));
	assert_true(reeve__get(&p->user_sessions_allowed) == 1 &&
		    reeve__get(&p->max_user_sessions) == UINT32_MAX);
	clock_shows(c, MONDAY + 14 * HOUR);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){4}, &info, E));
	assert_int_equal(info.status, REEVE_PLAN_INACTIVE);
}

static void a_window_over_the_plan_in_force_changes_the_cause_alone(void **state)
{
	struct core *c = *state;
	struct reeve_plan_change change;
	struct reeve_plan_info info;

	clock_shows(c, MONDAY + 12 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){2}, 50, 0, E));
	window(c, 1, 1, 12 * HOUR);
	assert_ok(reeve_plan_check(c->r, &change, NULL, E));
	assert_false(change.switched);
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){1}, &info, E));
	assert_int_equal(info.status, REEVE_PLAN_MAINTENANCE);
	assert_int_equal(reeve__get(&c->r->header->planning.user_sessions_allowed), 0);
	assert_true(core_group_stats(c->r, 2).is_registered);
	clock_shows(c, MONDAY + 14 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	assert_int_equal(reeve__get(&c->r->header->planning.user_sessions_allowed), 1);
}

static void between_windows_the_priority_decides(void **state)
{
	struct core *c = *state;
	struct reeve_window_def def = window_def(3, 1, 11 * HOUR);
	reeve_window_id id;

	clock_shows(c, MONDAY + 11 * HOUR);
	window(c, 4, 1, 11 * HOUR);
	in_force(c, 4, REEVE_CAUSE_WINDOW);
	def.priority = 1;
	assert_ok(reeve_window_create(c->r, &def, &id, E));
	in_force(c, 3, REEVE_CAUSE_WINDOW);
	def.is_enabled = false;
	assert_ok(reeve_window_update(c->r, id, REEVE_WINDOW_IS_ENABLED, &def, 0, E));
	in_force(c, 4, REEVE_CAUSE_WINDOW);
	assert_ok(reeve_window_destroy(c->r, (reeve_window_id){1}, E));
	assert_int_equal(reeve__get(&c->r->header->planning.user_sessions_allowed), 1);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
}

static void the_clock_may_jump(void **state)
{
	struct core *c = *state;

	clock_shows(c, MONDAY + 12 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	clock_shows(c, MONDAY + 400 * DAY + 20 * HOUR);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
	clock_shows(c, MONDAY - 4000 * DAY + 9 * HOUR); /* back */
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	clock_shows(c, MONDAY - 4001 * DAY + 18 * HOUR); /* back before it was chosen */
	in_force(c, 3, REEVE_CAUSE_MANUAL);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_plan_decision d;

	clock_shows(c, MONDAY + 8 * HOUR);
	schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	assert_ok(reeve_plan_decide(c->r, (MONDAY + 10 * HOUR) * REEVE_SEC, &d, E));
	assert_true(d.plan.v == 2 && d.at_wall == (MONDAY + 10 * HOUR) * REEVE_SEC);
	assert_string_equal(d.name, "DAYTIME_PLAN");
	assert_true(reeve_plan_active(c->r).v == 1);
	in_force(c, 1, REEVE_CAUSE_DEFAULT);
}

static void the_history_says_who_when_and_why(void **state)
{
	struct core *c = *state;
	struct reeve_plan_switch_record h[300];

	clock_shows(c, MONDAY + 12 * HOUR);
	uint64_t id = schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	in_force(c, 2, REEVE_CAUSE_SCHEDULE);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	assert_int_equal(reeve_plan_history(c->r, h, 300), 3);
	assert_true(h[0].from.v == 2 && h[0].to.v == 3 && h[0].cause == REEVE_CAUSE_MANUAL);
	assert_true(h[1].from.v == 1 && h[1].to.v == 2 && h[1].cause == REEVE_CAUSE_SCHEDULE);
	assert_true(h[1].period == id && h[1].at_wall == (MONDAY + 12 * HOUR) * REEVE_SEC);
	assert_true(h[2].from.v == 0 && h[2].to.v == 1 && h[2].cause == REEVE_CAUSE_STARTUP);
	assert_int_equal(h[0].pid, 100);
	for (int i = 0; i < 300; i++)
		assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1 + (uint64_t)i % 2}, E));
	assert_int_equal(reeve_plan_history(c->r, h, 300), 256);
	assert_true(h[0].to.v == 2 && h[255].to.v == 1);
	assert_int_equal(reeve_plan_history(c->r, h, 1), 1);
}

/* ---- rows ---- */

static void schedules_are_created_changed_and_listed(void **state)
{
	struct core *c = *state;
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_schedule_info s, all[8];
	reeve_schedule_id id = {77};

	def.name = "office hours";
	def.plan.v = 2;
	def.days = 0x3e;
	def.start_s = 9 * HOUR;
	def.end_s = 17 * HOUR;
	def.zone = "Europe/Berlin";
	def.plan.v = 99;
	assert_fails(
		reeve_schedule_create(c->r, &def, &id, E), REEVE_ENOT_FOUND, "resource plan 99");
	assert_true(id.v == 77);
	def.plan.v = 2;
	assert_ok(reeve_schedule_create(c->r, &def, &id, E));
	assert_true(id.v == 1);
	assert_ok(reeve_schedule_get(c->r, id, &s, E));
	assert_string_equal(s.name, "office hours");
	assert_string_equal(s.zone, "Europe/Berlin");
	assert_true(s.plan.v == 2 && s.days == 0x3e && s.start_s == 9 * HOUR &&
		    s.end_s == 17 * HOUR && s.priority == 100 && s.is_enabled);
	assert_true(s.next_start_wall == (1 * DAY + 8 * HOUR) * REEVE_SEC - DAY * REEVE_SEC);
	struct reeve_schedule_def change = {.zone = "UTC", .priority = 5};
	assert_ok(reeve_schedule_update(c->r, id,
		REEVE_SCHEDULE_ZONE | REEVE_SCHEDULE_PRIORITY | REEVE_SCHEDULE_IS_ENABLED, &change,
		s.revision, E));
	assert_fails(
		reeve_schedule_update(c->r, id, REEVE_SCHEDULE_PRIORITY, &change, s.revision, E),
		REEVE_ESTALE_REVISION, "plan schedule 1 is at revision");
	assert_ok(reeve_schedule_get(c->r, id, &s, E));
	assert_string_equal(s.zone, "UTC");
	assert_true(s.priority == 5 && !s.is_enabled && s.days == 0x3e);
	assert_true(s.next_start_wall == 9 * HOUR * REEVE_SEC);
	assert_true(schedule(c, 3, 1, 0, 0, 1) == 2);
	assert_int_equal(reeve_schedule_copy(c->r, (reeve_schedule_id){0}, all, 8), 2);
	assert_int_equal(reeve_schedule_copy(c->r, (reeve_schedule_id){1}, all, 8), 1);
	assert_true(all[0].id.v == 2);
	assert_ok(reeve_schedule_destroy(c->r, id, E));
	assert_fails(reeve_schedule_get(c->r, id, &s, E), REEVE_ENOT_FOUND, "plan schedule 1");
	assert_fails(reeve_schedule_destroy(c->r, id, E), REEVE_ENOT_FOUND, "plan schedule 1");
	assert_int_equal(core_segment(c->r).schedules, 1);
}

static void windows_are_created_changed_and_listed(void **state)
{
	struct core *c = *state;
	struct reeve_window_def def = window_def(4, 6, 22 * HOUR);
	struct reeve_window_info w, all[4];
	reeve_window_id id = {0};

	def.description = "weekly";
	def.duration_s = 4 * HOUR;
	def.max_user_sessions = 3;
	assert_ok(reeve_window_create(c->r, &def, &id, E));
	assert_ok(reeve_window_get(c->r, id, &w, E));
	assert_string_equal(w.name, "w");
	assert_string_equal(w.description, "weekly");
	assert_true(w.plan.v == 4 && w.day == 6 && w.start_s == 22 * HOUR &&
		    w.duration_s == 4 * HOUR && w.max_user_sessions == 3 &&
		    !w.allow_user_sessions && w.is_enabled && !w.is_open);
	assert_true(w.next_open_wall == (2 * DAY + 22 * HOUR) * REEVE_SEC);
	assert_true(w.next_close_wall == (3 * DAY + 2 * HOUR) * REEVE_SEC);
	def.day = 0;
	assert_ok(reeve_window_update(c->r, id, REEVE_WINDOW_DAY, &def, w.revision, E));
	assert_ok(reeve_window_get(c->r, id, &w, E));
	assert_int_equal(w.day, 0);
	assert_int_equal(reeve_window_copy(c->r, (reeve_window_id){0}, all, 4), 1);
	assert_ok(reeve_window_destroy(c->r, id, E));
	assert_fails(reeve_window_get(c->r, id, &w, E), REEVE_ENOT_FOUND, "maintenance window 1");
}

/* Groups, line 19: day and duration were not looked at. */
static void plans_19_what_makes_no_sense_is_refused(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_schedule_def def;
		const char *part;
	} bad[] = {
		{{.name = "", .plan = {1}, .days = 1}, "name is empty"},
		{{.name = "s", .plan = {1}, .days = 0}, "daysOfWeek (bits) is 0; allowed are 1"},
		{{.name = "s", .plan = {1}, .days = 128}, "daysOfWeek (bits) is 128"},
		{{.name = "s", .plan = {1}, .days = 1, .start_s = DAY},
			"startTime in seconds is 86400; allowed are 0 to 86399"},
		{{.name = "s", .plan = {1}, .days = 1, .end_s = DAY + 1},
			"endTime in seconds is 86401; allowed are 0 to 86400"},
		{{.name = "s", .plan = {1}, .days = 1, .priority = UINT32_MAX},
			"priority is 4294967295"},
		{{.name = "s", .plan = {1}, .days = 1, .zone = "Mars/Olympus"}, "Mars/Olympus"},
	};
	struct reeve_window_def w;
	reeve_schedule_id id = {77};
	reeve_window_id wid = {77};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_fails(reeve_schedule_create(c->r, &bad[i].def, &id, E),
			REEVE_EINVALID_ARGUMENT, bad[i].part);
	w = window_def(1, 7, 0);
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_EINVALID_ARGUMENT,
		"dayOfWeek is 7; allowed are 0 (Sunday) to 6");
	w = window_def(1, 0, 0);
	w.duration_s = 59;
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_EINVALID_ARGUMENT,
		"duration in seconds is 59; allowed are 60 to 604800");
	w.duration_s = 604801;
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_EINVALID_ARGUMENT, "604801");
	w.duration_s = 60;
	w.max_user_sessions = UINT32_MAX - 1;
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_EINVALID_ARGUMENT,
		"maxUserSessions is 4294967294");
	struct reeve_plan_def sub = REEVE_PLAN_DEF_INIT;
	reeve_plan_id plan;
	sub.name = "sub";
	sub.parent.v = 1;
	assert_ok(reeve_plan_create(c->r, &sub, &plan, E));
	w = window_def(plan.v, 0, 0);
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_ECONFIGURATION,
		"planId: resource plan 100 is a sub-plan");
	assert_true(id.v == 77 && wid.v == 77);
	assert_true(schedule(c, 1, 1, 0, 0, 1) == 1 && window(c, 1, 1, 0) == 1); /* none burnt */
	assert_fails(reeve_schedule_update(c->r, (reeve_schedule_id){1}, 0x100, &bad[0].def, 0, E),
		REEVE_EINVALID_ARGUMENT, "fields is 0x100; allowed are bits up to 0x80");
	assert_fails(reeve_window_update(c->r, (reeve_window_id){1}, 0x800, &w, 0, E),
		REEVE_EINVALID_ARGUMENT, "fields is 0x800");
}

static void nothing_where_something_is_wanted(void **state)
{
	struct core *c = *state;
	struct reeve_schedule_def s = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_window_def w = REEVE_WINDOW_DEF_INIT;
	struct reeve_schedule_info si;
	struct reeve_window_info wi;
	reeve_schedule_id sid;
	reeve_window_id wid;

#define NULLS(call, name) assert_fails(call, REEVE_EINVALID_ARGUMENT, name " is NULL")
	NULLS(reeve_schedule_create(NULL, &s, &sid, E), "reeve");
	NULLS(reeve_schedule_create(c->r, NULL, &sid, E), "def");
	NULLS(reeve_schedule_create(c->r, &s, NULL, E), "ret_id");
	NULLS(reeve_schedule_update(NULL, sid = (reeve_schedule_id){1}, 0, &s, 0, E), "reeve");
	NULLS(reeve_schedule_update(c->r, sid, 0, NULL, 0, E), "def");
	NULLS(reeve_schedule_destroy(NULL, sid, E), "reeve");
	NULLS(reeve_schedule_get(NULL, sid, &si, E), "reeve");
	NULLS(reeve_schedule_get(c->r, sid, NULL, E), "ret_info");
	NULLS(reeve_window_create(NULL, &w, &wid, E), "reeve");
	NULLS(reeve_window_create(c->r, NULL, &wid, E), "def");
	NULLS(reeve_window_create(c->r, &w, NULL, E), "ret_id");
	NULLS(reeve_window_update(NULL, wid = (reeve_window_id){1}, 0, &w, 0, E), "reeve");
	NULLS(reeve_window_update(c->r, wid, 0, NULL, 0, E), "def");
	NULLS(reeve_window_destroy(NULL, wid, E), "reeve");
	NULLS(reeve_window_get(NULL, wid, &wi, E), "reeve");
	NULLS(reeve_window_get(c->r, wid, NULL, E), "ret_info");
	NULLS(reeve_plan_decide(NULL, 0, &(struct reeve_plan_decision){0}, E), "reeve");
	NULLS(reeve_plan_decide(c->r, 0, NULL, E), "ret_decision");
	NULLS(reeve_plan_check(NULL, NULL, NULL, E), "reeve");
	NULLS(reeve_plan_lock(NULL, true, E), "reeve");
	NULLS(reeve_plan_deactivate(NULL, E), "reeve");
	NULLS(reeve_plan_delete(NULL, (reeve_plan_id){100}, (reeve_plan_id){0}, E), "reeve");
	assert_int_equal(reeve_schedule_copy(NULL, sid, &si, 1), 0);
	assert_int_equal(reeve_schedule_copy(c->r, sid, NULL, 1), 0);
	assert_int_equal(reeve_window_copy(NULL, wid, &wi, 1), 0);
	assert_int_equal(reeve_plan_history(NULL, NULL, 1), 0);
	assert_false(reeve_window_current(NULL, &wid));
	assert_false(reeve_window_current(c->r, NULL));
	assert_ok(reeve_plan_check(c->r, NULL, NULL, E)); /* outputs that may be NULL */
}

static void full_tables_say_so(void **state)
{
	struct core *c = *state;
	struct reeve_schedule_def def = {.name = "one more", .plan = {1}, .days = 1};
	struct reeve_window_def w = window_def(1, 0, 0);
	uint32_t most = core_segment(c->r).max_schedules, windows = core_segment(c->r).max_windows;
	reeve_schedule_id id = {77};
	reeve_window_id wid = {77};

	for (uint32_t i = 0; i < most; i++)
		schedule(c, 1, 1, 0, 0, 1);
	assert_fails(reeve_schedule_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of plan schedules is full: 128 of 128");
	assert_ok(reeve_schedule_destroy(c->r, (reeve_schedule_id){5}, E));
	assert_ok(reeve_schedule_create(c->r, &def, &id, E));
	assert_true(id.v == most + 1);
	for (uint32_t i = 0; i < windows; i++)
		window(c, 1, 0, 0);
	assert_fails(reeve_window_create(c->r, &w, &wid, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of maintenance windows is full: 64 of 64");
	assert_ok(reeve_window_destroy(c->r, (reeve_window_id){5}, E));
	assert_ok(reeve_window_create(c->r, &w, &wid, E));
	in_force(c, 1, REEVE_CAUSE_DEFAULT); /* Thursday */
}

static void a_schedule_cut_short_is_as_before(void **state)
{
	struct core *c = *state;
	struct reeve_schedule_info before, after;
	struct reeve_schedule_def def = {.zone = "UTC", .name = "changed"};
	int status;

	clock_shows(c, MONDAY + 12 * HOUR);
	reeve_schedule_id id = {schedule(c, 2, 0x7f, 9 * HOUR, 17 * HOUR, 1)};
	def.zone = "Asia/Tokyo";
	assert_ok(reeve_schedule_update(c->r, id, REEVE_SCHEDULE_ZONE, &def, 0, E));
	assert_ok(reeve_schedule_get(c->r, id, &before, E));
	pid_t child = fork();
	if (child == 0) {
		struct reeve_sh_period *p = &c->r->schedules[0];
		reeve__catalog_lock(c->r);
		p->zones[1 - p->zone] = utc;
		reeve__journal_begin_locked(c->r, REEVE_JOURNAL_SCHEDULE, 0);
		p->zone = 1 - p->zone;
		p->zone_name[0] = 0;
		p->start_s = 1;
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_ok(reeve_schedule_get(c->r, id, &after, E));
	assert_memory_equal(&before, &after, sizeof(before));
}

/* Died with the window's plan in force, before the limits and the history were written. */
static void a_switch_cut_short_is_completed(void **state)
{
	struct core *c = *state;
	struct reeve_plan_switch_record h[4];
	int status;

	clock_shows(c, MONDAY + 12 * HOUR);
	uint64_t id = window(c, 4, 1, 12 * HOUR);
	pid_t child = fork();
	if (child == 0) {
		const struct reeve__cause cause = {
			REEVE_CAUSE_WINDOW, id, (MONDAY + 12 * HOUR) * REEVE_SEC, true};
		reeve__catalog_lock(c->r);
		reeve__ruling_compile_locked(
			c->r, reeve__table_find(c->r, &c->r->header->plans, 4), &cause);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(reeve_plan_history(c->r, h, 4), 2);
	assert_true(h[0].to.v == 4 && h[0].cause == REEVE_CAUSE_WINDOW && h[0].period == id);
	assert_int_equal(reeve__get(&c->r->header->planning.user_sessions_allowed), 0);
	in_force(c, 4, REEVE_CAUSE_WINDOW);
}

static void *keep_checking(void *arg)
{
	struct core *c = arg;

	for (int i = 0; i < 300; i++) {
		struct reeve_error err;
		struct reeve_plan_change change;
		if (reeve_plan_check(c->r, &change, NULL, &err) ||
			(i % 3 == 0 && reeve_plan_activate(c->r, (reeve_plan_id){2}, &err)))
			return (void *)1;
	}
	return NULL;
}

static void checks_and_activations_at_once(void **state)
{
	struct core *c = *state;
	struct reeve_plan_switch_record h[256];
	pthread_t threads[2];
	void *failed;

	clock_shows(c, MONDAY + 12 * HOUR);
	schedule(c, 3, 0x7f, 9 * HOUR, 17 * HOUR, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_checking, c), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	uint32_t n = reeve_plan_history(c->r, h, 256);
	for (uint32_t i = 0; i + 1 < n; i++) /* one chain */
		assert_true(h[i].from.v == h[i + 1].to.v && h[i].from.v != h[i].to.v);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_period_is_half_open),
		cmocka_unit_test(plans_17_overnight_belongs_to_its_start_day),
		cmocka_unit_test(plans_17_start_equal_to_end_is_a_whole_day),
		cmocka_unit_test(an_end_of_24_is_midnight),
		cmocka_unit_test(days_that_meet_have_no_boundary_between_them),
		cmocka_unit_test(plans_17_a_period_is_of_its_zone),
		cmocka_unit_test(clocks_set_forward),
		cmocka_unit_test(clocks_set_back),
		cmocka_unit_test(years_end),
		cmocka_unit_test(plans_19_a_window_passes_midnight_and_weeks),
		cmocka_unit_test(a_period_is_open_when_the_walls_say_so),
		with_core(a_schedule_is_followed),
		with_core(the_tick_follows_schedules_once_a_second),
		with_core(the_lowest_priority_number_wins_then_the_lower_id),
		with_core(plans_17_a_plan_that_will_not_do_is_passed_over),
		with_core(when_nothing_else_will_do_what_is_in_force_goes_on),
		with_core(plans_18_what_is_chosen_by_hand_holds_until_the_next_boundary),
		with_core(without_schedules_it_holds_for_ever),
		with_core(a_locked_plan_holds_against_all),
		with_core(plans_19_a_window_outranks_schedules_and_limits_sessions),
		with_core(a_window_over_the_plan_in_force_changes_the_cause_alone),
		with_core(between_windows_the_priority_decides),
		with_core(the_clock_may_jump),
		with_core(a_dry_run_changes_nothing),
		with_core(the_history_says_who_when_and_why),
		with_core(schedules_are_created_changed_and_listed),
		with_core(windows_are_created_changed_and_listed),
		with_core(plans_19_what_makes_no_sense_is_refused),
		with_core(nothing_where_something_is_wanted),
		with_core(full_tables_say_so),
		with_core(a_schedule_cut_short_is_as_before),
		with_core(a_switch_cut_short_is_completed),
		with_core(checks_and_activations_at_once),
	};
	return cmocka_run_group_tests(tests, zones_setup, NULL);
}
