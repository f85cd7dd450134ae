/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of parallel control by ids, without waiting: admission, queue, hand-over, pools, limits. */
#include "parallel_kit.h"

#include <string.h>

enum { SERIAL, MANUAL, AUTOMATIC, ADAPTIVE };
enum { QUEUED, INITIALIZING, EXECUTING, COMPLETING, COMPLETED, FAILED };
enum { IDLE, ALLOCATED, RUNNING, CLEANUP };
#define NO UINT32_MAX

static int progress(struct reeve *r, uint64_t id)
{
	return reeve_execution_progress(r, (reeve_execution_id){id}, 0, 0, E);
}

/* ---- admission ---- */

/* Parallel, line 2: a serial call failed for want of servers. */
static void parallel_02_a_serial_call_takes_no_server(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 4);
	struct reeve_execution_info a = parallel_ask(c->r, 2, MANUAL, 4);
	struct reeve_execution_info b = parallel_ask(c->r, 2, SERIAL, 0);
	assert_int_equal(a.granted_dop, 4);
	assert_int_equal(b.state, EXECUTING);
	assert_int_equal(b.granted_dop, 1);
	assert_int_equal(b.held_servers, 0);
	assert_false(b.is_downgraded);
	assert_int_equal(parallel_stats(c->r).serial, 1);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 4);
	/* asked for or not, a degree of one is one */
	struct reeve_execution_info d = parallel_ask(c->r, 2, MANUAL, 1);
	assert_int_equal(d.granted_dop, 1);
	assert_int_equal(d.held_servers, 0);
}

/* Groups, line 3: the limit of the group itself was read by nobody. */
static void groups_03_the_degree_limit_of_a_group_is_kept(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = {.parallel_degree_limit = 3};
	struct reeve_parallel_group_info info;

	parallel_total(c->r, 40);
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){2}, REEVE_GROUP_PARALLEL_DEGREE, &def, 0, E));
	assert_ok(reeve_parallel_group_get(c->r, (reeve_group_id){2}, &info, E));
	assert_int_equal(info.degree, 3);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 3);
	/* By hand it can be made stricter, and no looser. */
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 9, NO, E));
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 3);
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 2, NO, E));
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 2);
}

/* And on a full machine whatever allows a downgrade ran not at all. */
static void parallel_02_a_downgrade_gives_what_there_is(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 10);
	parallel_cores(c->r, 8);
	parallel_ask(c->r, 2, MANUAL, 6);
	struct reeve_execution_info a = parallel_ask(c->r, 2, AUTOMATIC, 8);
	assert_int_equal(a.granted_dop, 4);
	assert_true(a.is_downgraded);
	struct reeve_execution_info b = parallel_ask(c->r, 2, AUTOMATIC, 8);
	assert_int_equal(b.granted_dop, 1);
	assert_int_equal(b.state, EXECUTING);
	struct reeve_parallel_stats st = parallel_stats(c->r);
	assert_int_equal(st.downgraded, 2);
	assert_int_equal(st.queued, 0);
	assert_int_equal(st.parallel, 2);
	assert_int_equal(st.serial, 1);
	assert_int_equal(st.avg_dop_milli, 11000 / 3);
	assert_int_equal(st.peak_total_dop, 10);
	assert_int_equal(st.utilization_ppm, 1000000);
}

/* Parallel, line 7: it waited for ever, and blocked the queue behind it. */
static void parallel_07_manual_above_the_total_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(MANUAL, 129);
	struct reeve_execution_info info;

	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){2}, &def, &info, E),
		REEVE_ERESOURCE_EXHAUSTED, "requestedDop is 129; the limit maxTotalDop is 128");
	assert_int_equal(parallel_stats(c->r).queued_now, 0);
	info = parallel_ask(c->r, 2, MANUAL, 128);
	assert_int_equal(info.granted_dop, 128);
	assert_true(info.id.v == 1); /* the refused one used up no id */
}

static void manual_is_exact_or_waits(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 8);
	struct reeve_execution_info a = parallel_ask(c->r, 2, MANUAL, 6);
	struct reeve_execution_info b = parallel_ask(c->r, 2, MANUAL, 3);
	assert_int_equal(b.state, QUEUED);
	assert_int_equal(b.granted_dop, 0);
	assert_int_equal(b.queue_position, 1);
	assert_true(b.started_wall == 0);
	core_sleep(&c->h, 40 * REEVE_MSEC);
	parallel_complete(c->r, a.id.v);
	b = parallel_get(c->r, b.id.v);
	assert_int_equal(b.state, INITIALIZING);
	assert_int_equal(b.granted_dop, 3);
	assert_int_equal(b.queue_position, 0);
	assert_true(b.started_wall == b.requested_wall + 40 * REEVE_MSEC);
	assert_ok(progress(c->r, b.id.v));
	assert_int_equal(parallel_get(c->r, b.id.v).state, EXECUTING);
	struct reeve_parallel_stats st = parallel_stats(c->r);
	assert_int_equal(st.queued, 1);
	assert_int_equal(st.queued_now, 0);
	assert_int_equal(st.queue_latency.count, 1);
	assert_true(st.queue_latency.mean_ns == 40 * REEVE_MSEC);
	assert_true(st.queue_latency.min_ns == 40 * REEVE_MSEC);
	assert_true(st.queue_latency.p50_ns == 40 * REEVE_MSEC); /* no longer than the longest */
	assert_true(st.queue_latency.max_ns == 40 * REEVE_MSEC);
}

/* Parallel, line 5: the stored number was the computed one, so no downgrade could be seen. */
static void parallel_05_a_limit_of_the_group_shows_as_a_downgrade(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	parallel_cores(c->r, 16);
	assert_ok(reeve_parallel_group_limit_set(c->r, g, 3, NO, E));
	for (uint32_t mode = MANUAL; mode <= ADAPTIVE; mode++) {
		struct reeve_execution_info a = parallel_ask(c->r, 2, mode, 8);
		assert_int_equal(a.requested_dop, 8);
		assert_int_equal(a.target_dop, 3);
		assert_int_equal(a.granted_dop, 3);
		assert_true(a.is_downgraded);
		assert_int_equal(parallel_stats(c->r).downgraded, mode);
	}
	assert_int_equal(parallel_ask(c->r, 3, MANUAL, 8).granted_dop, 8);
}

static void automatic_gives_at_most_what_was_asked_for(void **state)
{
	struct core *c = *state;

	parallel_cores(c->r, 16);
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 6).granted_dop, 6);
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 0).granted_dop, 16);
	struct reeve_execution_info a = parallel_ask(c->r, 2, AUTOMATIC, 40);
	assert_int_equal(a.granted_dop, 16);
	assert_true(a.is_downgraded); /* against what the caller asked */
}

/* Parallel, line 9: it made an execution of degree 0. */
static void parallel_09_a_limit_of_0_means_serial(void **state)
{
	struct core *c = *state;

	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 0, NO, E));
	struct reeve_execution_info a = parallel_ask(c->r, 2, MANUAL, 8);
	assert_int_equal(a.granted_dop, 1);
	assert_int_equal(a.held_servers, 0);
	assert_int_equal(parallel_stats(c->r).serial, 1);
	assert_int_equal(parallel_stats(c->r).downgraded, 1);
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, NO, 0, E));
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 8).granted_dop, 1);
}

static void the_least_that_will_do(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(AUTOMATIC, 8);
	struct reeve_execution_info info, a;

	parallel_total(c->r, 10);
	parallel_cores(c->r, 8);
	a = parallel_ask(c->r, 2, MANUAL, 6);
	def.min_dop = 5;
	info = parallel_ask_def(c->r, 2, &def);
	assert_int_equal(info.state, QUEUED); /* four are left */
	def.min_dop = 4;
	info = parallel_ask_def(c->r, 2, &def);
	assert_int_equal(info.granted_dop, 4);
	parallel_complete(c->r, a.id.v);
	assert_int_equal(parallel_get(c->r, 2).granted_dop, 6);
	/* he who wants four at least gets them, whatever the cost says; or is refused */
	def.estimated_cost_milli = 0;
	parallel_complete(c->r, 2);
	assert_int_equal(parallel_ask_def(c->r, 2, &def).granted_dop, 4);
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){3}, 3, NO, E));
	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){3}, &def, &info, E),
		REEVE_ERESOURCE_EXHAUSTED, "minDop is 4; consumer group BATCH_GROUP can have 3");
}

static void no_downgrade_when_it_is_off_or_unwanted(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(AUTOMATIC, 8);
	struct reeve_parallel_config config;

	parallel_total(c->r, 10);
	parallel_cores(c->r, 8);
	uint64_t a = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	def.downgrade = REEVE_DOWNGRADE_NO;
	assert_int_equal(parallel_ask_def(c->r, 2, &def).state, QUEUED);
	def.mode = MANUAL;
	def.downgrade = REEVE_DOWNGRADE_YES;
	assert_int_equal(parallel_ask_def(c->r, 2, &def).granted_dop, 4);
	reeve_parallel_config_get(c->r, &config);
	config.downgrade_enabled = false;
	assert_ok(reeve_parallel_config_set(c->r, &config, E));
	assert_int_equal(parallel_ask_def(c->r, 2, &def).state, QUEUED);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_stats(c->r).queued_now, 2); /* six are not eight */
	parallel_complete(c->r, 3);
	assert_int_equal(parallel_stats(c->r).queued_now, 1);
}

/* ---- limits ---- */

static void the_servers_of_a_group_are_limited_together(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};
	struct reeve_parallel_group_info info;

	assert_ok(reeve_parallel_group_limit_set(c->r, g, NO, 6, E));
	uint64_t a = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	struct reeve_execution_info b = parallel_ask(c->r, 2, MANUAL, 4);
	assert_int_equal(b.state, QUEUED);
	assert_int_equal(parallel_ask(c->r, 3, MANUAL, 4).state, EXECUTING); /* others are free */
	/* more than the group may ever have is cut down to that */
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 10).target_dop, 6);
	assert_ok(reeve_parallel_group_get(c->r, g, &info, E));
	assert_int_equal(info.in_use, 4);
	assert_int_equal(info.waiting, 2);
	assert_int_equal(info.servers, 6);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_get(c->r, b.id.v).granted_dop, 4);
}

static void the_plan_limits_when_it_manages_parallel_work(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_group_info info;

	parallel_plan(c->r, 2, 5, NO, REEVE_UNLIMITED, false);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 5);
	/* set by hand it counts instead, until the next activation */
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 6, NO, E));
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 6);
	assert_ok(reeve_parallel_group_limit_clear(c->r, (reeve_group_id){2}, E));
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 8).granted_dop, 5);
	assert_fails(reeve_parallel_group_limit_clear(c->r, (reeve_group_id){2}, E),
		REEVE_ENOT_FOUND, "explicit parallel limits of consumer group 2");
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 6, 7, E));
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){4}, E));
	assert_ok(reeve_parallel_group_get(c->r, (reeve_group_id){2}, &info, E));
	assert_false(info.is_registered);
	assert_int_equal(info.degree, NO); /* plan 4 does not manage parallel work */
	assert_int_equal(info.servers, NO);
}

static void a_cpu_cap_limits_servers_by_the_same_part(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_group_info info;

	parallel_total(c->r, 40);
	parallel_plan_cap(c->r, 2, 250000);
	parallel_plan(c->r, 2, NO, NO, REEVE_UNLIMITED, false);
	assert_ok(reeve_parallel_group_get(c->r, (reeve_group_id){2}, &info, E));
	assert_int_equal(info.servers, 10);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 20).granted_dop, 10);
	parallel_plan(c->r, 2, NO, 30, REEVE_UNLIMITED, false); /* a server limit counts instead */
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 20).granted_dop, 20);
}

static void a_raised_limit_lets_waiters_in(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	assert_ok(reeve_parallel_group_limit_set(c->r, g, NO, 4, E));
	parallel_ask(c->r, 2, MANUAL, 4);
	uint64_t b = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	assert_ok(reeve_parallel_group_limit_set(c->r, g, NO, 8, E));
	assert_int_equal(parallel_get(c->r, b).state, INITIALIZING);
	parallel_total(c->r, 10);
	uint64_t d = parallel_ask(c->r, 3, MANUAL, 4).id.v;
	assert_int_equal(parallel_get(c->r, d).state, QUEUED);
	parallel_total(c->r, 12);
	assert_int_equal(parallel_get(c->r, d).state, INITIALIZING);
}

/* ---- the queue ---- */

static void by_plan_it_waits_and_then_fails(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 8);
	parallel_cores(c->r, 8);
	parallel_plan(c->r, 2, NO, NO, 30 * (uint64_t)REEVE_SEC, false);
	parallel_ask(c->r, 3, MANUAL, 8);
	struct reeve_execution_info a = parallel_ask(c->r, 2, AUTOMATIC, 4);
	assert_int_equal(a.state, QUEUED); /* no downgrade at once: the plan says to wait */
	assert_int_equal(a.target_dop, 4);
	assert_true(a.deadline_wall == a.requested_wall + 30 * REEVE_SEC);
	core_sleep(&c->h, 30 * REEVE_SEC - 1);
	assert_int_equal(parallel_get(c->r, a.id.v).state, QUEUED);
	core_sleep(&c->h, 1);
	a = parallel_get(c->r, a.id.v);
	assert_int_equal(a.state, FAILED);
	assert_int_equal(a.failure_code, REEVE_ETIMEOUT);
	assert_non_null(strstr(a.failure, "out of time"));
	assert_int_equal(a.granted_dop, 0);
	assert_int_equal(parallel_stats(c->r).queue_timeouts, 1);
	assert_int_equal(parallel_stats(c->r).failed, 1);
}

static void by_plan_it_waits_and_then_runs_serially(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;

	parallel_total(c->r, 8);
	parallel_cores(c->r, 8);
	parallel_plan(c->r, 2, NO, NO, 5 * (uint64_t)REEVE_SEC, true);
	parallel_ask(c->r, 3, MANUAL, 8);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	uint64_t a = parallel_ask(c->r, 2, AUTOMATIC, 4).id.v;
	def.deadline = c->h.mono + REEVE_SEC; /* the caller's own deadline: it fails */
	uint64_t b = parallel_ask_def(c->r, 2, &def).id.v;
	core_sleep(&c->h, 5 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.parallel_changes, 2);
	assert_int_equal(parallel_get(c->r, a).state, INITIALIZING);
	assert_int_equal(parallel_get(c->r, a).granted_dop, 1);
	assert_true(parallel_get(c->r, a).is_downgraded);
	assert_int_equal(parallel_get(c->r, b).failure_code, REEVE_ETIMEOUT);
}

static void parallel_07_a_waiter_can_be_cancelled_and_completed(void **state)
{
	struct core *c = *state;
	reeve_execution_id id;

	parallel_total(c->r, 4);
	parallel_ask(c->r, 2, MANUAL, 4);
	id = parallel_ask(c->r, 2, MANUAL, 4).id;
	assert_ok(reeve_execution_cancel(c->r, id, E));
	assert_int_equal(parallel_get(c->r, id.v).failure_code, REEVE_ECANCELLED);
	assert_fails(reeve_execution_cancel(c->r, id, E), REEVE_EINVALID_STATE, "is over already");
	id = parallel_ask(c->r, 2, MANUAL, 4).id;
	assert_ok(reeve_execution_complete(c->r, id, NULL, E)); /* manager, line 13: NOT_FOUND */
	assert_int_equal(parallel_get(c->r, id.v).state, FAILED);
	assert_int_equal(parallel_stats(c->r).queued_now, 0);
	assert_int_equal(parallel_stats(c->r).cancelled, 2);
	/* the one that runs, of an outside engine, ends at once */
	assert_ok(reeve_execution_cancel(c->r, (reeve_execution_id){1}, E));
	assert_int_equal(parallel_stats(c->r).current_total_dop, 0);
}

static void parallel_07_priority_and_then_age(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	struct reeve_execution_info queue[8];

	parallel_total(c->r, 4);
	parallel_ask(c->r, 2, MANUAL, 4);
	def.priority = 5;
	uint64_t low = parallel_ask_def(c->r, 2, &def).id.v;
	core_sleep(&c->h, REEVE_SEC);
	def.priority = 0;
	uint64_t first = parallel_ask_def(c->r, 2, &def).id.v;
	uint64_t second = parallel_ask_def(c->r, 2, &def).id.v;
	core_sleep(&c->h, 5 * REEVE_SEC); /* by now low has waited longer than its priority costs */
	uint64_t late = parallel_ask_def(c->r, 2, &def).id.v;
	assert_int_equal(reeve_execution_queue_copy(c->r, queue, 8), 4);
	assert_true(queue[0].id.v == first && queue[1].id.v == second && queue[2].id.v == low &&
		    queue[3].id.v == late);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(queue[i].queue_position, i + 1);
	parallel_complete(c->r, 1);
	assert_int_equal(parallel_get(c->r, first).state, INITIALIZING);
	parallel_complete(c->r, first);
	parallel_complete(c->r, second);
	assert_int_equal(parallel_get(c->r, low).state, INITIALIZING);
	assert_int_equal(parallel_get(c->r, late).state, QUEUED);
}

static void groups_take_turns_by_weight(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	uint32_t granted[5] = {0};
	uint64_t running = 1;

	parallel_total(c->r, 4);
	parallel_plan_weight(c->r, 2, 750000);
	parallel_plan_weight(c->r, 3, 250000);
	parallel_ask(c->r, 4, MANUAL, 4);
	for (int i = 0; i < 20; i++) {
		parallel_ask_def(c->r, 2, &def);
		parallel_ask_def(c->r, 3, &def);
	}
	for (int i = 0; i < 20; i++) { /* each runs a second */
		core_sleep(&c->h, REEVE_SEC);
		parallel_complete(c->r, running);
		for (uint64_t id = 1; id <= 41; id++)
			if (parallel_get(c->r, id).state == INITIALIZING)
				running = id;
		granted[parallel_get(c->r, running).group.v]++;
	}
	assert_in_range(granted[2], 14, 16); /* three to one */
	assert_int_equal(granted[2] + granted[3], 20);
}

static void a_big_one_does_not_starve_behind_small_ones(void **state)
{
	struct core *c = *state;
	uint64_t small[4];

	parallel_total(c->r, 8);
	for (int i = 0; i < 4; i++)
		small[i] = parallel_ask(c->r, 3, MANUAL, 2).id.v;
	uint64_t big = parallel_ask(c->r, 2, MANUAL, 8).id.v;
	/* within a second small ones pass */
	core_sleep(&c->h, REEVE_MSEC);
	parallel_complete(c->r, small[0]);
	small[0] = parallel_ask(c->r, 3, MANUAL, 2).id.v;
	assert_int_equal(parallel_get(c->r, small[0]).state, EXECUTING);
	core_sleep(&c->h, REEVE_SEC);
	/* from then on what comes back is kept */
	parallel_complete(c->r, small[0]);
	uint64_t next = parallel_ask(c->r, 3, MANUAL, 2).id.v;
	assert_int_equal(parallel_get(c->r, next).state, QUEUED);
	struct reeve_execution_info automatic = parallel_ask(c->r, 3, AUTOMATIC, 2);
	assert_int_equal(automatic.granted_dop, 1); /* serial work goes on */
	for (int i = 1; i < 4; i++)
		parallel_complete(c->r, small[i]);
	assert_int_equal(parallel_get(c->r, big).state, INITIALIZING);
	parallel_complete(c->r, big);
	assert_int_equal(parallel_get(c->r, next).state, INITIALIZING);
}

static void one_held_up_by_its_own_group_holds_up_nobody_else(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 8);
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, NO, 4, E));
	parallel_ask(c->r, 2, MANUAL, 2);
	uint64_t blocked = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	core_sleep(&c->h, 10 * REEVE_SEC);
	assert_int_equal(parallel_ask(c->r, 3, MANUAL, 6).state, EXECUTING);
	/* in its own group nobody passes it any more */
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 2).state, QUEUED);
	parallel_complete(c->r, 1);
	assert_int_equal(parallel_get(c->r, blocked).state, QUEUED); /* two of the total are left */
	parallel_complete(c->r, 3);
	assert_int_equal(parallel_get(c->r, blocked).state, INITIALIZING);
}

/* Parallel, line 8: a missing server lost the request, and another's completion failed for it. */
static void parallel_08_who_does_not_fit_stays_and_others_go(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 8);
	uint64_t a = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	uint64_t b = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	uint64_t big = parallel_ask(c->r, 2, MANUAL, 8).id.v;
	uint64_t small = parallel_ask(c->r, 2, MANUAL, 3).id.v;
	uint64_t small2 = parallel_ask(c->r, 2, MANUAL, 2).id.v;
	parallel_complete(c->r, a);
	assert_int_equal(parallel_get(c->r, big).state, QUEUED);
	assert_int_equal(parallel_get(c->r, small).state, INITIALIZING);
	assert_int_equal(parallel_get(c->r, small2).state, QUEUED);
	parallel_complete(c->r, b);
	assert_int_equal(parallel_get(c->r, small2).state, INITIALIZING);
	parallel_complete(c->r, small);
	parallel_complete(c->r, small2);
	assert_int_equal(parallel_get(c->r, big).granted_dop, 8);
}

/* ---- ending ---- */

static void it_ends_once(void **state)
{
	struct core *c = *state;
	reeve_execution_id id = parallel_ask(c->r, 2, MANUAL, 4).id;

	assert_ok(reeve_execution_progress(c->r, id, 100, 5000, E));
	assert_ok(reeve_execution_progress(c->r, id, 50, 6000, E)); /* never back */
	assert_ok(reeve_execution_complete(c->r, id, NULL, E));
	assert_fails(reeve_execution_complete(c->r, id, NULL, E), REEVE_EINVALID_STATE,
		"parallel execution 1 is over already");
	assert_fails(reeve_execution_progress(c->r, id, 1, 1, E), REEVE_EINVALID_STATE, "is over");
	struct reeve_execution_info info = parallel_get(c->r, id.v);
	assert_int_equal(info.state, COMPLETED);
	assert_true(info.rows == 100 && info.bytes == 6000);
	assert_int_equal(info.granted_dop, 4);
	assert_int_equal(info.held_servers, 0);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 0);
	assert_int_equal(parallel_stats(c->r).completed, 1);
	id = parallel_ask(c->r, 2, MANUAL, 4).id;
	assert_ok(reeve_execution_complete(c->r, id, "disk full", E));
	info = parallel_get(c->r, id.v);
	assert_int_equal(info.state, FAILED);
	assert_string_equal(info.failure, "disk full");
	assert_fails(reeve_execution_complete(c->r, (reeve_execution_id){99}, NULL, E),
		REEVE_ENOT_FOUND, "parallel execution 99");
}

static void a_long_failure_is_cut_between_characters(void **state)
{
	struct core *c = *state;
	char text[200] = "";
	reeve_execution_id id = parallel_ask(c->r, 2, MANUAL, 4).id;

	for (int i = 0; i < 60; i++)
		strcat(text, "\xc3\xa9"); /* two bytes each; 87 is in the middle of one */
	assert_ok(reeve_execution_complete(c->r, id, text, E));
	assert_int_equal(strlen(parallel_get(c->r, id.v).failure), 86);
}

static void the_last_64_are_kept(void **state)
{
	struct core *c = *state;
	struct reeve_execution_info infos[100];

	for (uint64_t i = 1; i <= 200; i++)
		parallel_complete(c->r, parallel_ask(c->r, 2, MANUAL, 4).id.v);
	assert_int_equal(reeve_execution_copy(
				 c->r, (reeve_execution_id){0}, REEVE_EXECUTIONS_ENDED, infos, 100),
		64);
	assert_true(infos[0].id.v == 137 && infos[63].id.v == 200);
	assert_int_equal(reeve_execution_copy(c->r, (reeve_execution_id){0}, 0, infos, 100), 0);
}

/* ---- pools ---- */

/* Parallel, line 1: creating a pool with servers hung; line 10: its id was the count plus one. */
static void parallel_01_a_pool_starts_with_its_minimum(void **state)
{
	struct core *c = *state;
	uint64_t a = parallel_pool(c->r, 4, 16);
	struct reeve_server_pool_info info = parallel_pool_get(c->r, a);

	assert_true(a == 1);
	assert_int_equal(info.servers, 4);
	assert_int_equal(info.idle_servers, 4);
	assert_int_equal(parallel_servers_in(c->r, a, IDLE), 4);
	assert_ok(reeve_server_pool_destroy(c->r, (reeve_server_pool_id){a}, E));
	assert_int_equal(core_segment(c->r).servers, 0);
	assert_true(parallel_pool(c->r, 0, 1) == 2); /* ids are never used again */
}

/* Parallel, line 3: servers had one state, and nobody kept it. */
static void parallel_03_the_states_of_servers_are_true(void **state)
{
	struct core *c = *state;
	uint64_t p = parallel_pool(c->r, 2, 8);
	struct reeve_server_info s;
	reeve_server_id ids[8];

	uint64_t a = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	assert_int_equal(parallel_pool_get(c->r, p).servers, 6); /* grown */
	assert_int_equal(parallel_servers_in(c->r, p, RUNNING), 6);
	assert_true(parallel_get(c->r, a).pool.v == p);
	assert_int_equal(reeve_execution_servers(c->r, (reeve_execution_id){a}, ids, 8), 6);
	assert_ok(reeve_server_get(c->r, ids[0], &s, E));
	assert_true(s.execution.v == a && s.pool.v == p && s.cpu_affinity == -1);
	assert_int_equal(s.type, REEVE_SERVER_PRODUCER);
	assert_true(s.last_used_wall == c->h.wall);
	assert_ok(reeve_server_report(c->r, ids[0],
		REEVE_SERVER_TYPE | REEVE_SERVER_AFFINITY | REEVE_SERVER_CPU, REEVE_SERVER_CONSUMER,
		3, 777, E));
	assert_ok(reeve_server_get(c->r, ids[0], &s, E));
	assert_int_equal(s.type, REEVE_SERVER_CONSUMER);
	assert_int_equal(s.cpu_affinity, 3);
	assert_true(s.cpu_ns == 777);
	uint64_t b = parallel_ask(c->r, 2, MANUAL, 6).id.v; /* two can be had, six not */
	assert_int_equal(parallel_get(c->r, b).state, QUEUED);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_servers_in(c->r, p, ALLOCATED), 6);
	assert_ok(reeve_server_get(c->r, ids[0], &s, E));
	assert_int_equal(s.type, REEVE_SERVER_PRODUCER); /* forgotten; the affinity stays */
	assert_int_equal(s.cpu_affinity, 3);
	assert_ok(progress(c->r, b));
	assert_int_equal(parallel_servers_in(c->r, p, RUNNING), 6);
	parallel_complete(c->r, b);
	assert_int_equal(parallel_servers_in(c->r, p, IDLE), 6);
	assert_int_equal(parallel_stats(c->r).utilization_ppm, 0);
}

/* Parallel, line 4: what was available was the room in the total, and not idle servers. */
static void parallel_04_servers_must_be_there(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(MANUAL, 9);
	struct reeve_execution_info info;

	parallel_pool(c->r, 0, 8);
	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){2}, &def, &info, E),
		REEVE_ERESOURCE_EXHAUSTED,
		"requestedDop is 9; consumer group INTERACTIVE_GROUP can have 8 servers at most");
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 5).state, EXECUTING);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 4).state, QUEUED);
	parallel_cores(c->r, 16);
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 16).granted_dop, 3);
	struct reeve_parallel_stats st = parallel_stats(c->r);
	assert_int_equal(st.servers, 8);
	assert_int_equal(st.busy_servers, 8);
	assert_int_equal(st.utilization_ppm, REEVE_PPM);
}

static void parallel_03_a_pool_with_groups_serves_only_those(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	uint64_t groups[] = {3};
	reeve_server_pool_id own = {0};
	struct reeve_execution_info info;
	struct reeve_parallel_def ask = parallel_def(MANUAL, 2);

	def.name = "for batch";
	def.max_servers = 4;
	def.groups = groups;
	def.group_count = 1;
	assert_ok(reeve_server_pool_create(c->r, &def, &own, E));
	assert_true(parallel_pool_get(c->r, own.v).groups[0] == 3);
	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){2}, &ask, &info, E),
		REEVE_ERESOURCE_EXHAUSTED, "INTERACTIVE_GROUP can have 0 servers");
	parallel_cores(c->r, 8);
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 8).granted_dop, 1);
	assert_true(parallel_ask(c->r, 3, MANUAL, 3).pool.v == own.v);
	uint64_t all = parallel_pool(c->r, 0, 8);
	assert_true(parallel_ask(c->r, 2, MANUAL, 3).pool.v == all);
	assert_true(parallel_ask(c->r, 3, MANUAL, 2).pool.v == all); /* its own has one left */
}

static void a_pool_shrinks_when_idle_and_never_below_its_minimum(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	uint64_t p = parallel_pool(c->r, 2, 8);
	struct reeve_tick_report report;

	def.idle_timeout_ns = 10 * REEVE_SEC;
	assert_ok(reeve_server_pool_update(
		c->r, (reeve_server_pool_id){p}, REEVE_SERVER_POOL_IDLE_TIMEOUT, &def, 0, E));
	parallel_complete(c->r, parallel_ask(c->r, 2, MANUAL, 8).id.v);
	core_sleep(&c->h, 9 * REEVE_SEC);
	parallel_complete(c->r, parallel_ask(c->r, 2, MANUAL, 3).id.v); /* three were used again */
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(parallel_pool_get(c->r, p).servers, 8);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(parallel_pool_get(c->r, p).servers, 3);
	assert_int_equal(report.parallel_changes, 5);
	core_sleep(&c->h, 100 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(parallel_pool_get(c->r, p).servers, 2);
}

static void a_pool_is_changed_whole_or_not_at_all(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id p = {parallel_pool(c->r, 2, 8)};
	struct reeve_server_pool_info info = parallel_pool_get(c->r, p.v);

	uint64_t a = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	def.name = "smaller";
	def.min_servers = 1;
	def.max_servers = 3;
	assert_fails(reeve_server_pool_update(c->r, p, 3, &def, 7777, E), REEVE_ESTALE_REVISION,
		"is at revision");
	def.min_servers = 9; /* above the maximum that stays */
	assert_fails(reeve_server_pool_update(c->r, p, 3, &def, 0, E), REEVE_EINVALID_ARGUMENT,
		"minServers is 9; allowed are 0 to 8");
	assert_string_equal(parallel_pool_get(c->r, p.v).name, "pool");
	def.min_servers = 1;
	assert_ok(reeve_server_pool_update(c->r, p, 7, &def, info.revision, E));
	info = parallel_pool_get(c->r, p.v);
	assert_string_equal(info.name, "smaller");
	assert_int_equal(info.servers, 6); /* busy ones go when they come back */
	assert_fails(reeve_server_pool_destroy(c->r, p, E), REEVE_ECONFLICT, "6 servers in use");
	parallel_complete(c->r, a);
	assert_int_equal(parallel_pool_get(c->r, p.v).servers, 3);
	def.min_servers = def.max_servers = 5;
	assert_ok(reeve_server_pool_update(c->r, p, 6, &def, 0, E));
	assert_int_equal(parallel_pool_get(c->r, p.v).idle_servers, 5);
}

/* A request for more than a pool that has shrunk can give waits, and is in nobody's way. */
static void parallel_08_a_pool_that_shrank_loses_no_request(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id p = {parallel_pool(c->r, 0, 8)};

	uint64_t a = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	uint64_t big = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	def.max_servers = 4;
	assert_ok(reeve_server_pool_update(c->r, p, REEVE_SERVER_POOL_MAX, &def, 0, E));
	core_sleep(&c->h, 20 * REEVE_SEC);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_get(c->r, big).state, QUEUED);
	a = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	assert_int_equal(parallel_get(c->r, a).state, EXECUTING);
	assert_fails(reeve_server_pool_destroy(c->r, p, E), REEVE_ECONFLICT, "in use");
	parallel_complete(c->r, a);
	def.max_servers = 6;
	assert_ok(reeve_server_pool_update(c->r, p, REEVE_SERVER_POOL_MAX, &def, 0, E));
	assert_int_equal(parallel_get(c->r, big).granted_dop, 6);
}

static void work_that_began_without_pools_goes_on_beside_one(void **state)
{
	struct core *c = *state;

	uint64_t a = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	uint64_t p = parallel_pool(c->r, 0, 4);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 6);
	assert_int_equal(parallel_stats(c->r).busy_servers, 0);
	uint64_t b = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	parallel_complete(c->r, a);
	parallel_complete(c->r, b);
	assert_ok(reeve_server_pool_destroy(c->r, (reeve_server_pool_id){p}, E));
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 20).granted_dop, 20);
}

/* What is kept for one who has waited is kept where he can have it. */
static void servers_are_kept_in_a_pool_that_is_big_enough(void **state)
{
	struct core *c = *state;
	uint64_t small = parallel_pool(c->r, 0, 4), big = parallel_pool(c->r, 0, 8), first[3];

	first[0] = parallel_ask(c->r, 3, MANUAL, 5).id.v; /* of the big one */
	assert_true(parallel_get(c->r, first[0]).pool.v == big);
	first[1] = parallel_ask(c->r, 3, MANUAL, 2).id.v;
	assert_true(parallel_get(c->r, first[1]).pool.v == small);
	uint64_t waits = parallel_ask(c->r, 2, MANUAL, 8).id.v;
	core_sleep(&c->h, 2 * REEVE_SEC);
	assert_int_equal(parallel_ask(c->r, 3, MANUAL, 3).state, QUEUED); /* kept in the big one */
	first[2] = parallel_ask(c->r, 4, MANUAL, 2).id.v;
	assert_true(parallel_get(c->r, first[2]).pool.v == small); /* and not in the other */
	parallel_complete(c->r, first[0]);
	assert_int_equal(parallel_get(c->r, waits).granted_dop, 8);
}

/* ---- adaptation ---- */

/* Parallel, line 6: ADAPTIVE was AUTOMATIC. */
static void parallel_06_servers_move_to_who_waits_and_back(void **state)
{
	struct core *c = *state;
	uint64_t p = parallel_pool(c->r, 0, 8);

	parallel_cores(c->r, 8);
	uint64_t a = parallel_ask(c->r, 2, ADAPTIVE, 0).id.v;
	assert_int_equal(parallel_get(c->r, a).granted_dop, 8);
	core_sleep(&c->h, REEVE_SEC);
	uint64_t b = parallel_ask(c->r, 3, MANUAL, 4).id.v;
	assert_int_equal(parallel_get(c->r, a).granted_dop, 4); /* told to shrink at once */
	assert_int_equal(parallel_get(c->r, a).held_servers, 8);
	assert_int_equal(parallel_servers_in(c->r, p, CLEANUP), 4);
	assert_int_equal(parallel_get(c->r, b).state, QUEUED); /* they are still in use */
	assert_ok(progress(c->r, a));			       /* it has seen that */
	assert_int_equal(parallel_get(c->r, a).held_servers, 4);
	assert_int_equal(parallel_get(c->r, b).granted_dop, 4);
	assert_int_equal(parallel_stats(c->r).adjustments, 1);
	parallel_complete(c->r, b);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E)); /* nobody waits, four are idle */
	assert_int_equal(parallel_get(c->r, a).granted_dop, 8);
	assert_int_equal(parallel_servers_in(c->r, p, RUNNING), 8);
	assert_ok(reeve_parallel_load_set(c->r, 900000, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_ok(reeve_tick(c->r, NULL, E)); /* not twice in a tenth of a second */
	assert_int_equal(parallel_get(c->r, a).granted_dop, 4);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(parallel_get(c->r, a).granted_dop, 1);
	assert_int_equal(parallel_get(c->r, a).held_servers, 8);
	assert_ok(reeve_parallel_load_set(c->r, 0, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E)); /* it grows into what it has not let go */
	assert_int_equal(parallel_get(c->r, a).granted_dop, 2);
	assert_ok(progress(c->r, a));
	assert_int_equal(parallel_servers_in(c->r, p, IDLE), 6);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_servers_in(c->r, p, IDLE), 8);
}

static void others_do_not_adapt(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 8);
	parallel_cores(c->r, 8);
	uint64_t a = parallel_ask(c->r, 2, AUTOMATIC, 0).id.v;
	core_sleep(&c->h, REEVE_SEC);
	parallel_ask(c->r, 3, MANUAL, 4);
	assert_ok(reeve_parallel_load_set(c->r, REEVE_PPM, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(parallel_get(c->r, a).granted_dop, 8);
}

static void it_shrinks_for_nobody_whom_that_does_not_help(void **state)
{
	struct core *c = *state;

	parallel_total(c->r, 16);
	parallel_cores(c->r, 8);
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){3}, NO, 4, E));
	uint64_t a = parallel_ask(c->r, 2, ADAPTIVE, 0).id.v;
	parallel_ask(c->r, 3, MANUAL, 4);
	core_sleep(&c->h, REEVE_SEC);
	assert_int_equal(parallel_ask(c->r, 3, MANUAL, 4).state, QUEUED);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(parallel_get(c->r, a).granted_dop, 8);
	/* a lowered limit of its own makes it shrink */
	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){2}, 3, NO, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(parallel_get(c->r, a).granted_dop, 3);
}

/* ---- load ---- */

static uint64_t busy_ticks, all_ticks;

static bool cpu_times(void *self, uint64_t *ret_busy, uint64_t *ret_all)
{
	(void)self;
	*ret_busy = busy_ticks;
	*ret_all = all_ticks;
	return true;
}

/* Parallel, line 10: the load was whatever a caller had said last. */
static void parallel_10_the_load_is_measured(void **state)
{
	struct core *c = *state;

	assert_int_equal(reeve_parallel_load_get(c->r), 0); /* this host cannot tell */
	core_sleep(&c->h, REEVE_SEC);
	c->h.host.cpu_times = cpu_times;
	busy_ticks = 1000;
	all_ticks = 5000;
	assert_int_equal(reeve_parallel_load_get(c->r), 0); /* since when? */
	busy_ticks += 70;
	all_ticks += 100;
	core_sleep(&c->h, REEVE_SEC - 1);
	assert_int_equal(reeve_parallel_load_get(c->r), 0);
	core_sleep(&c->h, 1);
	assert_int_equal(reeve_parallel_load_get(c->r), 700000);
	/* a caller's word counts for a minute */
	assert_ok(reeve_parallel_load_set(c->r, 650000, E));
	busy_ticks += 10;
	all_ticks += 100;
	core_sleep(&c->h, 60 * REEVE_SEC - 1);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(reeve_parallel_load_get(c->r), 650000);
	core_sleep(&c->h, 1);
	assert_int_equal(reeve_parallel_load_get(c->r), 100000);
	core_sleep(&c->h, REEVE_SEC);
	busy_ticks = all_ticks = 0; /* the host started anew */
	assert_int_equal(reeve_parallel_load_get(c->r), 0);
	c->h.host.cpu_times = NULL;
}

static void automatic_goes_by_the_load_and_says_so(void **state)
{
	struct core *c = *state;
	struct reeve_auto_dop dop;
	reeve_group_id g = {2};

	parallel_cores(c->r, 16);
	assert_ok(reeve_parallel_load_set(c->r, 650000, E));
	assert_ok(reeve_parallel_group_limit_set(c->r, g, 5, NO, E));
	assert_ok(reeve_parallel_auto_dop(c->r, g, 8, 100000000, REEVE_UNLIMITED, &dop, E));
	assert_int_equal(dop.dop, 5);
	assert_int_equal(dop.step_count, 4);
	assert_string_equal(dop.steps[0].text, "cost 100000.000, 16 cores: 16");
	assert_string_equal(dop.steps[1].text, "system load 0.650: 12");
	assert_string_equal(dop.steps[2].text, "requested 8: 8");
	assert_string_equal(dop.steps[3].text, "limit of the group 5: 5");
	assert_int_equal(parallel_ask(c->r, 2, AUTOMATIC, 8).granted_dop, 5);
	assert_int_equal(parallel_ask(c->r, 3, AUTOMATIC, 0).granted_dop, 12);
	assert_ok(reeve_parallel_auto_dop(
		c->r, (reeve_group_id){0}, 0, REEVE_UNLIMITED, 2500, &dop, E));
	assert_int_equal(dop.dop, 1); /* of two, three quarters */
	assert_string_equal(dop.steps[0].text, "no cost given, 16 cores: 16");
	assert_string_equal(dop.steps[1].text, "2500 rows, 1000 a server: 2");
}

/* ---- whose it is ---- */

static void sessions_that_are_known_and_others(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	struct reeve_execution_info a, b;
	uint64_t id = reeve_session_id_of(s).v;

	assert_ok(reeve_execution_request(c->r, id, (reeve_group_id){0}, &def, &a, E));
	assert_true(a.group.v == 3 && !a.is_external && a.session_id == id);
	assert_ok(reeve_execution_request(c->r, 1002, (reeve_group_id){2}, &def, &b, E));
	assert_true(b.group.v == 2 && b.is_external && b.session_id == 1002);
	assert_fails(reeve_execution_request(c->r, 1002, (reeve_group_id){0}, &def, &b, E),
		REEVE_ENOT_FOUND, "consumer group 0");
	/* an outside engine's id is never given to a session of ours */
	assert_ok(reeve_execution_request(c->r, id + 1, (reeve_group_id){2}, &def, &b, E));
	parallel_complete(c->r, b.id.v);
	struct reeve_session *next = core_session(c->r, 2);
	assert_true(reeve_session_id_of(next).v == id + 2);
	reeve_session_destroy(next);
	/* the session's end is its end, once */
	reeve_session_destroy(s);
	assert_int_equal(parallel_get(c->r, a.id.v).state, FAILED);
	assert_int_equal(parallel_get(c->r, a.id.v).failure_code, REEVE_EKILLED);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 4);
	assert_fails(reeve_execution_complete(c->r, a.id, NULL, E), REEVE_EINVALID_STATE, "over");
	assert_fails(reeve_execution_request(c->r, id, (reeve_group_id){3}, &def, &a, E),
		REEVE_EINVALID_STATE, "session 1 has ended");
}

/* Groups, line 10: switching the group left its parallel queries where they were. */
static void groups_10_a_switch_moves_what_executes_and_what_waits(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	struct reeve_execution_info a, b;
	struct reeve_parallel_group_info two, three;
	reeve_session_id id = reeve_session_id_of(s);

	assert_ok(reeve_parallel_group_limit_set(c->r, (reeve_group_id){3}, NO, 4, E));
	assert_ok(reeve_execution_request(c->r, id.v, (reeve_group_id){0}, &def, &a, E));
	assert_ok(reeve_execution_request(c->r, id.v, (reeve_group_id){0}, &def, &b, E));
	assert_int_equal(b.state, QUEUED);
	assert_ok(reeve_session_switch(c->r, id, (reeve_group_id){2}, REEVE_SWITCH_MANUAL, E));
	assert_ok(reeve_parallel_group_get(c->r, (reeve_group_id){2}, &two, E));
	assert_ok(reeve_parallel_group_get(c->r, (reeve_group_id){3}, &three, E));
	assert_int_equal(two.in_use, 8); /* the other may start there */
	assert_int_equal(two.executing, 2);
	assert_int_equal(three.in_use + three.executing + three.waiting, 0);
	assert_true(parallel_get(c->r, a.id.v).group.v == 2);
	reeve_session_destroy(s);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 0);
}

/* Plans, line 6: what referred to a deleted group was left with a group that did not exist. */
static void plans_06_a_deleted_group_s_parallel_work_moves(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_group_id old = {core_group(c->r, "old", 0)}, to = {3};
	struct reeve_parallel_group_info info;
	uint64_t groups[] = {2, old.v}, both[] = {old.v, 3};
	reeve_server_pool_id p[2];

	def.name = "p";
	def.max_servers = 6;
	def.groups = groups;
	def.group_count = 2;
	assert_ok(reeve_server_pool_create(c->r, &def, &p[0], E));
	def.groups = both;
	assert_ok(reeve_server_pool_create(c->r, &def, &p[1], E));
	assert_ok(reeve_parallel_group_limit_set(c->r, old, NO, 6, E));
	uint64_t a = parallel_ask(c->r, old.v, MANUAL, 4).id.v;
	uint64_t b = parallel_ask(c->r, old.v, MANUAL, 4).id.v;
	uint64_t over = parallel_ask(c->r, old.v, SERIAL, 0).id.v;
	parallel_complete(c->r, over);
	assert_fails(reeve_group_destroy(c->r, old, (reeve_group_id){0}, E), REEVE_ECONFLICT,
		"1 parallel limit, 2 server pools, 2 parallel executions; name a group to move to");
	assert_ok(reeve_group_destroy(c->r, old, to, E));
	assert_true(parallel_get(c->r, a).group.v == 3 && parallel_get(c->r, b).group.v == 3);
	assert_true(parallel_get(c->r, over).group.v == 3);
	assert_ok(reeve_parallel_group_get(c->r, to, &info, E));
	assert_int_equal(info.in_use, 4);
	assert_int_equal(info.waiting, 1);
	assert_int_equal(info.servers, 6); /* its limit came along */
	assert_true(parallel_pool_get(c->r, p[0].v).groups[1] == 3);
	assert_int_equal(parallel_pool_get(c->r, p[1].v).group_count, 1);
	assert_true(parallel_pool_get(c->r, p[1].v).groups[0] == 3);
	/* a group that comes into its slot begins anew */
	reeve_group_id next = {core_group(c->r, "next", 0)};
	assert_ok(reeve_parallel_group_get(c->r, next, &info, E));
	assert_false(info.is_registered);
	assert_int_equal(info.in_use + info.executing + info.waiting, 0);
	parallel_complete(c->r, a);
	assert_int_equal(parallel_get(c->r, b).granted_dop, 4);
}

static void what_a_dead_process_asked_for_is_returned(void **state)
{
	struct core *c = *state;
	struct reeve *other;
	struct reeve_execution_info info;
	struct reeve_parallel_def def = parallel_def(MANUAL, 8);

	parallel_total(c->r, 8);
	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &other, E));
	assert_ok(reeve_execution_request(other, 1001, (reeve_group_id){2}, &def, &info, E));
	uint64_t mine = parallel_ask(c->r, 2, MANUAL, 8).id.v;
	assert_ok(reeve_execution_request(other, 1001, (reeve_group_id){2}, &def, &info, E));
	c->h.dead_below = 100; /* 50 is dead */
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(parallel_get(c->r, mine).state, INITIALIZING);
	assert_int_equal(parallel_get(c->r, info.id.v).state, FAILED);
	assert_int_equal(parallel_stats(c->r).queued_now, 0);
	assert_int_equal(parallel_stats(c->r).failed, 2);
	reeve_close(other); /* what is left of it in this process */
}

/* What is out of the ordinary is told, and how it ended; the rest is not. */
static void events_tell_who_waits_and_who_gets_less(void **state)
{
	struct core *c = *state;
	struct reeve_event e[16];

	parallel_total(c->r, 8);
	uint64_t from = reeve_event_newest(c->r);
	parallel_complete(c->r, parallel_ask(c->r, 2, MANUAL, 4).id.v);
	assert_int_equal(reeve_event_copy(c->r, from, e, 16, NULL, NULL), 0);
	uint64_t a = parallel_ask(c->r, 3, MANUAL, 6).id.v;
	uint64_t b = parallel_ask(c->r, 2, MANUAL, 4).id.v;
	parallel_cores(c->r, 8);
	uint64_t d = parallel_ask(c->r, 2, AUTOMATIC, 8).id.v;
	parallel_complete(c->r, a);
	parallel_complete(c->r, b);
	assert_ok(reeve_execution_complete(c->r, (reeve_execution_id){d}, "disk full", E));
	assert_int_equal(reeve_event_copy(c->r, from, e, 16, NULL, NULL), 4);
	assert_int_equal(e[0].kind, REEVE_EVENT_PARALLEL_QUEUED);
	assert_true(e[0].query == b && e[0].session.v == 1001 && e[0].group.v == 2);
	assert_true(e[0].actual == 4 && e[0].limit == 8);
	assert_int_equal(e[1].kind, REEVE_EVENT_PARALLEL_DOWNGRADED);
	assert_true(e[1].query == d && e[1].actual == 2 && e[1].limit == 8);
	assert_int_equal(e[2].kind, REEVE_EVENT_PARALLEL_COMPLETED);
	assert_true(e[2].query == b && e[2].code == 0);
	assert_int_equal(e[3].kind, REEVE_EVENT_PARALLEL_COMPLETED);
	assert_true(e[3].query == d);
	assert_string_equal(e[3].text, "disk full");
}

/* The operations as the mission has them, in their order. */
static void the_operations_of_the_contract(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(AUTOMATIC, 8);
	struct reeve_execution_info info;
	reeve_group_id g = {2};

	parallel_cores(c->r, 2);
	assert_int_equal(parallel_stats(c->r).parallel, 0);
	assert_true(parallel_pool(c->r, 4, 16) == 1);
	def.estimated_cost_milli = 100000 * UINT64_C(1000);
	assert_ok(reeve_execution_request(c->r, 1001, g, &def, &info, E));
	assert_true(info.id.v == 1);
	assert_int_equal(info.granted_dop, 4);
	def = parallel_def(MANUAL, 4);
	assert_ok(reeve_execution_request(c->r, 1002, g, &def, &info, E));
	assert_true(info.id.v == 2);
	assert_int_equal(info.granted_dop, 4);
	assert_ok(reeve_parallel_group_limit_set(c->r, g, 16, NO, E));
	info = parallel_get(c->r, 1);
	assert_true(info.session_id == 1001 && info.granted_dop == 4 && info.requested_dop == 8);
	assert_int_equal(info.state, EXECUTING);
	assert_ok(reeve_parallel_load_set(c->r, 650000, E));
	assert_ok(reeve_execution_complete(c->r, (reeve_execution_id){1}, NULL, E));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(parallel_02_a_serial_call_takes_no_server),
		with_core(groups_03_the_degree_limit_of_a_group_is_kept),
		with_core(parallel_02_a_downgrade_gives_what_there_is),
		with_core(parallel_07_manual_above_the_total_is_refused),
		with_core(manual_is_exact_or_waits),
		with_core(parallel_05_a_limit_of_the_group_shows_as_a_downgrade),
		with_core(automatic_gives_at_most_what_was_asked_for),
		with_core(parallel_09_a_limit_of_0_means_serial),
		with_core(the_least_that_will_do),
		with_core(no_downgrade_when_it_is_off_or_unwanted),
		with_core(the_servers_of_a_group_are_limited_together),
		with_core(the_plan_limits_when_it_manages_parallel_work),
		with_core(a_cpu_cap_limits_servers_by_the_same_part),
		with_core(a_raised_limit_lets_waiters_in),
		with_core(by_plan_it_waits_and_then_fails),
		with_core(by_plan_it_waits_and_then_runs_serially),
		with_core(parallel_07_a_waiter_can_be_cancelled_and_completed),
		with_core(parallel_07_priority_and_then_age),
		with_core(groups_take_turns_by_weight),
		with_core(a_big_one_does_not_starve_behind_small_ones),
		with_core(one_held_up_by_its_own_group_holds_up_nobody_else),
		with_core(parallel_08_who_does_not_fit_stays_and_others_go),
		with_core(it_ends_once),
		with_core(a_long_failure_is_cut_between_characters),
		with_core(the_last_64_are_kept),
		with_core(parallel_01_a_pool_starts_with_its_minimum),
		with_core(parallel_03_the_states_of_servers_are_true),
		with_core(parallel_04_servers_must_be_there),
		with_core(parallel_03_a_pool_with_groups_serves_only_those),
		with_core(a_pool_shrinks_when_idle_and_never_below_its_minimum),
		with_core(a_pool_is_changed_whole_or_not_at_all),
		with_core(parallel_08_a_pool_that_shrank_loses_no_request),
		with_core(work_that_began_without_pools_goes_on_beside_one),
		with_core(servers_are_kept_in_a_pool_that_is_big_enough),
		with_core(parallel_06_servers_move_to_who_waits_and_back),
		with_core(others_do_not_adapt),
		with_core(it_shrinks_for_nobody_whom_that_does_not_help),
		with_core(parallel_10_the_load_is_measured),
		with_core(automatic_goes_by_the_load_and_says_so),
		with_core(sessions_that_are_known_and_others),
		with_core(groups_10_a_switch_moves_what_executes_and_what_waits),
		with_core(plans_06_a_deleted_group_s_parallel_work_moves),
		with_core(what_a_dead_process_asked_for_is_returned),
		with_core(events_tell_who_waits_and_who_gets_less),
		with_core(the_operations_of_the_contract),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
