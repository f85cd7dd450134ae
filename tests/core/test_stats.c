/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of settings, statistics, rebalancing, the tick, attachments and reaping. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/engine/engine.h"

static void the_settings_begin_as_the_reference_has_them(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k;

	reeve_cpu_config_get(c->r, &k);
	assert_int_equal(k.cpu_slots, 1);
	assert_true(k.quantum_ns == 100 * REEVE_MSEC);
	assert_true(k.runaway_detection && k.runaway_threshold_ns == 300 * REEVE_SEC);
	assert_int_equal(k.runaway_throttle_ppm, 500000);
}

/* CPU, line 17: quantum and runaway settings could not be reached. */
static void cpu_17_settings_are_set_all_or_none(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k = {.cpu_slots = 9,
					.quantum_ns = 5 * REEVE_MSEC,
					.runaway_threshold_ns = 7 * REEVE_SEC,
					.runaway_throttle_ppm = 100000},
				got;

	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	reeve_cpu_config_get(c->r, &got);
	assert_int_equal(got.cpu_slots, 1); /* not settable */
	assert_true(got.quantum_ns == 5 * REEVE_MSEC && !got.runaway_detection);
	assert_true(got.runaway_threshold_ns == 7 * REEVE_SEC);
	assert_int_equal(got.runaway_throttle_ppm, 100000);
	k.quantum_ns = 50 * REEVE_MSEC;
	k.runaway_throttle_ppm = 99999;
	assert_fails(reeve_cpu_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
		"throttle factor is 0.099999; allowed are 0.1 to 1.0");
	k.runaway_throttle_ppm = REEVE_PPM + 1;
	assert_fails(reeve_cpu_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT, "0.1 to 1.0");
	k.runaway_throttle_ppm = REEVE_PPM;
	k.runaway_threshold_ns = 0;
	assert_fails(reeve_cpu_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
		"runaway threshold is 0.000 s");
	k.runaway_threshold_ns = REEVE_SEC;
	for (int i = 0; i < 3; i++) {
		k.quantum_ns = (const reeve_ns[]){REEVE_MSEC - 1, REEVE_SEC + 1, -5}[i];
		assert_fails(reeve_cpu_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
			"allowed are 1 to 1000 ms");
	}
	reeve_cpu_config_get(c->r, &got);
	assert_true(got.quantum_ns == 5 * REEVE_MSEC && got.runaway_throttle_ppm == 100000);
}

static void group_statistics_say_what_is_in_force(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_group_stats s[8];
	static const uint32_t shares[] = {1000, 600, 300, 100}, ppm[] = {500, 300, 150, 50};

	assert_int_equal(reeve_cpu_group_stats_copy(c->r, (reeve_group_id){0}, s, 8), 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(s[i].group.v == i + 1);
		assert_int_equal(s[i].shares, shares[i]);
		assert_in_range(s[i].entitled_ppm, ppm[i] * 1000 - 2, ppm[i] * 1000);
		assert_int_equal(s[i].cap_ppm, REEVE_PPM);
		assert_false(s[i].is_registered);
		assert_true(s[i].cpu_ns == 0 && s[i].queries == 0 && s[i].dispatches == 0);
		assert_true(s[i].wait_ns == 0 && s[i].throttled_ns == 0);
		assert_int_equal(s[i].running + s[i].waiting + s[i].tasks, 0);
	}
	assert_int_equal(reeve_cpu_group_stats_copy(c->r, (reeve_group_id){2}, s, 1), 1);
	assert_true(s[0].group.v == 3);
	assert_fails(reeve_cpu_group_stats_get(c->r, (reeve_group_id){9}, s, E), REEVE_ENOT_FOUND,
		"consumer group 9");
}

/* Groups, line 3: the allocation of a group was read by nobody. */
static void plans_03_the_allocation_counts_where_a_plan_has_no_directive(void **state)
{
	struct core *c = *state;
	uint64_t a = core_group(c->r, "a", 60), b = core_group(c->r, "b", 20);
	uint32_t ea = core_group_stats(c->r, a).entitled_ppm;
	uint32_t eb = core_group_stats(c->r, b).entitled_ppm;

	assert_true(ea > 2 * eb && ea < 4 * eb);
}

/* Manager, line 14: rebalancing said it had adjusted what it had not. */
static void manager_14_rebalancing_reports_only_what_it_did(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def more = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 5000};

	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(reeve_cpu_rebalance(c->r, E), 0);
	assert_int_equal(reeve_cpu_rebalance(c->r, E), 0);
	core_directive(c->r, 1, 3, &more); /* in force at once: nothing is left to adjust */
	assert_int_equal(reeve_cpu_rebalance(c->r, E), 0);
}

static void an_idle_tick_does_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;
	uint64_t revision = core_segment(c->r).revision;

	memset(&report, 9, sizeof(report));
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.reaped_attachments + report.reaped_sessions +
				 report.forgotten_sessions + report.throttled_tasks +
				 report.plan_switches + report.parallel_changes,
		0);
	assert_true(core_segment(c->r).revision == revision);
}

/* Manager, line 5: nothing ever called detection by the clock. */
static void manager_05_the_tick_finds_runaways(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;
	reeve_task_id id = {0};

	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){3}, 3, &id, E));
	assert_ok(reeve_task_charge(c->r, id, 301 * (uint64_t)REEVE_SEC, E));
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.throttled_tasks, 1);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.throttled_tasks, 0);
	assert_ok(reeve_task_complete(c->r, id, 0, E));
}

static void attachments_are_listed(void **state)
{
	struct core *c = *state;
	struct reeve_attachment_info a[4];
	struct reeve *other = NULL;

	c->h.pid = 123;
	assert_ok(reeve_attach(c->r, &other, E));
	struct reeve_session *s = core_session(other, 3);
	assert_int_equal(reeve_attachment_copy(c->r, a, 4), 2);
	assert_true(a[0].pid == 100 && a[0].start_ticks == 1000 && a[0].sessions == 0);
	assert_true(a[1].pid == 123 && a[1].start_ticks == 1230 && a[1].sessions == 1);
	assert_true(a[1].attached_wall == c->h.wall && *a[1].name);
	assert_int_equal(core_info(c->r, s).pid, 123);
	reeve_close(other);
	assert_int_equal(reeve_attachment_copy(c->r, a, 4), 1);
}

/* Attaches a process that then dies, with two sessions, one of which holds the CPU slot. */
static struct reeve *doomed(struct core *c, struct reeve_session **ret_running)
{
	struct reeve *r = NULL;

	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &r, E));
	c->h.pid = 100;
	*ret_running = core_session(r, 3);
	core_session(r, 2);
	assert_ok(reeve_query_begin(*ret_running, NULL, E));
	c->h.dead_below = 60;
	return r;
}

/* Frees what the dead one had in its own memory, without touching the segment. */
static void bury(struct reeve *r)
{
	while (r->local_sessions) {
		struct reeve_session *s = r->local_sessions;
		r->local_sessions = s->next;
		free(s);
	}
	pthread_mutex_destroy(&r->local_lock);
	free(r);
}

static void the_tick_returns_what_dead_processes_held(void **state)
{
	struct core *c = *state;
	struct reeve_session *running;
	struct reeve *dead = doomed(c, &running);
	struct reeve_session_info i;
	struct reeve_session_stats st;
	struct reeve_tick_report report;

	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.reaped_attachments, 1);
	assert_int_equal(report.reaped_sessions, 2);
	assert_int_equal(core_segment(c->r).attachments, 1);
	assert_int_equal(core_segment(c->r).tasks, 0);
	assert_ok(reeve_session_get(c->r, (reeve_session_id){1}, &i, E));
	assert_int_equal(i.state, REEVE_SESSION_TERMINATED);
	assert_int_equal(i.termination, REEVE_END_PROCESS_DIED);
	reeve_session_stats_get(c->r, &st);
	assert_true(st.process_deaths == 2 && st.current == 0 && st.current_active == 0);
	assert_int_equal(core_group_info(c->r, 3).current_sessions, 0);
	struct reeve_session *s = core_session(c->r, 3);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(c->h.waits, 0);
	reeve_session_destroy(s);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.reaped_attachments, 0);
	bury(dead);
}

static void who_waits_for_a_dead_process_reaps_it_within_a_second(void **state)
{
	struct core *c = *state;
	struct reeve_session *running;
	struct reeve *dead = doomed(c, &running);
	struct reeve_session *s = core_session(c->r, 3);
	reeve_ns began = c->h.mono;

	assert_ok(reeve_query_begin(s, NULL, E));
	assert_true(c->h.mono - began < REEVE_SEC);
	reeve_session_destroy(s);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_segment(c->r).attachments, 1);
	bury(dead);
}

static void a_process_id_used_again_is_another_process(void **state)
{
	struct core *c = *state;
	struct reeve_session *running;
	struct reeve *dead = doomed(c, &running);
	struct reeve_tick_report report;

	c->h.dead_below = 1; /* 50 lives again, but started at another time */
	c->r->attachments[dead->attachment].start_ticks = 499;
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.reaped_attachments, 1);
	bury(dead);
}

/* Manager, line 16: statistics came from five locks, of five moments. */
static void manager_16_numbers_of_one_answer_belong_together(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_group_stats s[8];
	struct reeve_cpu_stats all;
	struct reeve_session *a = core_session(c->r, 3);
	uint64_t cpu = 0;
	uint32_t running = 0;

	assert_ok(reeve_query_begin(a, NULL, E));
	core_work(&c->h, 30 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(a));
	reeve_cpu_stats_get(c->r, &all);
	assert_int_equal(reeve_cpu_group_stats_copy(c->r, (reeve_group_id){0}, s, 8), 4);
	for (int i = 0; i < 4; i++) {
		cpu += s[i].cpu_ns;
		running += s[i].running;
	}
	assert_true(cpu == all.cpu_ns && cpu == 30 * (uint64_t)REEVE_MSEC);
	assert_true(running == all.running && running == 1);
	reeve_session_destroy(a);
}

/* An internal fault stops enforcement for all, and says so. */
static void a_degraded_segment_lets_everybody_through_and_says_so(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 3);

	assert_ok(reeve_query_begin(a, NULL, E));
	reeve__segment_degrade(c->r, "queue %d is damaged", 7);
	reeve__segment_degrade(c->r, "another");
	assert_int_equal(core_segment(c->r).state, REEVE_SEGMENT_DEGRADED);
	assert_string_equal(c->r->header->fault, "queue 7 is damaged");
	assert_ok(reeve_query_begin(b, NULL, E)); /* without a slot */
	assert_int_equal(c->h.waits, 0);
	core_work(&c->h, REEVE_SEC);
	assert_ok(reeve_checkpoint(a));
	assert_ok(reeve_checkpoint(b));
	reeve_query_end(a, NULL);
	reeve_query_end(b, NULL);
	assert_int_equal(reeve_validate(c->r, NULL, NULL), 1);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	reeve__put(&c->r->header->state, REEVE_SEGMENT_READY);
}

/* Begun is ended and under way, also when a session goes in the middle; and totals never fall. */
static void statements_are_counted_once_whatever_becomes_of_them(void **state)
{
	struct core *c = *state;
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	uint64_t old = core_group(c->r, "OLD", 0), new;
	struct reeve_session *s = core_session(c->r, old), *other = core_session(c->r, old);
	reeve_session_id hand = reeve_session_id_of(other);
	struct reeve_cpu_stats all;
	reeve_task_id task;

	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 3 * REEVE_MSEC);
	reeve_cpu_stats_get(c->r, &all);
	assert_true(all.queries == 0 && all.queries_now == 1);
	assert_true(core_info(c->r, s).total_queries == 1);
	reeve_query_end(s, NULL);
	assert_ok(reeve_session_start_query(c->r, hand, &def, NULL, E));
	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){old}, 3, &task, E));
	reeve_cpu_stats_get(c->r, &all);
	assert_true(all.queries == 1 && all.queries_now == 2);
	assert_ok(reeve_task_complete(c->r, task, 0, E));
	assert_ok(reeve_session_kill(c->r, hand, E)); /* in the middle of its statement */
	reeve_session_destroy(other);
	reeve_session_destroy(s);
	reeve_cpu_stats_get(c->r, &all);
	assert_true(all.queries == 3 && all.queries_now == 0);
	assert_true(core_group_stats(c->r, old).queries == 3);
	assert_true(all.cpu_ns == 3 * (uint64_t)REEVE_MSEC);
	/* the next group with its slot has no past, and what was used is not forgotten */
	assert_ok(reeve_group_destroy(c->r, (reeve_group_id){old}, (reeve_group_id){0}, E));
	new = core_group(c->r, "NEW", 0);
	assert_true(core_group_stats(c->r, new).queries == 0);
	assert_true(core_group_stats(c->r, new).cpu_ns == 0);
	reeve_cpu_stats_get(c->r, &all);
	assert_true(all.queries == 3 && all.cpu_ns == 3 * (uint64_t)REEVE_MSEC);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(the_settings_begin_as_the_reference_has_them),
		with_core(cpu_17_settings_are_set_all_or_none),
		with_core(group_statistics_say_what_is_in_force),
		with_core(plans_03_the_allocation_counts_where_a_plan_has_no_directive),
		with_core(manager_14_rebalancing_reports_only_what_it_did),
		with_core(an_idle_tick_does_nothing),
		with_core(manager_05_the_tick_finds_runaways),
		with_core(attachments_are_listed),
		with_core(the_tick_returns_what_dead_processes_held),
		with_core(who_waits_for_a_dead_process_reaps_it_within_a_second),
		with_core(a_process_id_used_again_is_another_process),
		with_core(manager_16_numbers_of_one_answer_belong_together),
		with_core(a_degraded_segment_lets_everybody_through_and_says_so),
		with_core(statements_are_counted_once_whatever_becomes_of_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
