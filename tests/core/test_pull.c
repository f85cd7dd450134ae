/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pull mode: tasks of outside engines, picked, charged, yielded, completed. */
#include "core.h"

#include <string.h>

static uint64_t add(struct core *c, uint64_t group, uint32_t priority)
{
	reeve_task_id id = {0};

	assert_ok(reeve_task_create(c->r, 1001, (reeve_group_id){group}, priority, &id, E));
	return id.v;
}

static struct reeve_task_info next(struct core *c)
{
	struct reeve_task_info t = {0};

	assert_ok(reeve_task_next(c->r, &t, E));
	return t;
}

static struct reeve_task_info task(struct core *c, uint64_t id)
{
	struct reeve_task_info t = {0};

	assert_ok(reeve_task_get(c->r, (reeve_task_id){id}, &t, E));
	return t;
}

/* Everybody always wants more: picks n times, each turn uses a millisecond. */
static void share_out(struct core *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		assert_ok(reeve_task_yield(c->r, next(c).id, REEVE_MSEC, E));
}

static void complete(struct core *c, uint64_t id)
{
	assert_ok(reeve_task_complete(c->r, (reeve_task_id){id}, 0, E));
}

static void a_task_goes_from_ready_to_running_and_away(void **state)
{
	struct core *c = *state;
	uint64_t id = add(c, 3, 5);

	assert_true(id == 1);
	struct reeve_task_info t = task(c, id);
	assert_int_equal(t.state, REEVE_TASK_READY);
	assert_true(t.query_id == 1001 && t.group.v == 3 && t.priority == 5 && t.session.v == 0);
	assert_true(!t.is_managed && !t.is_runaway && t.throttle_ppm == REEVE_PPM);
	assert_true(t.weight_ppm == 1200000 && t.cpu_ns == 0 && t.dispatches == 0);
	assert_true(t.created_wall == c->h.wall && t.last_scheduled_wall == 0);
	assert_int_equal(t.slot, UINT32_MAX);
	core_sleep(&c->h, REEVE_SEC);
	t = next(c);
	assert_true(t.id.v == id && t.state == REEVE_TASK_RUNNING && t.dispatches == 1);
	assert_true(t.last_scheduled_wall == c->h.wall);
	assert_fails(reeve_task_next(c->r, &t, E), REEVE_ENOT_FOUND, "no task is ready");
	assert_ok(reeve_task_charge(c->r, t.id, 7, E));
	assert_ok(reeve_task_yield(c->r, t.id, 5, E));
	assert_true(task(c, id).cpu_ns == 12);
	assert_int_equal(task(c, id).state, REEVE_TASK_READY);
	next(c);
	assert_ok(reeve_task_complete(c->r, t.id, 3, E));
	assert_fails(reeve_task_get(c->r, t.id, &t, E), REEVE_ENOT_FOUND, "CPU task 1");
	assert_true(core_group_stats(c->r, 3).cpu_ns == 15);
	assert_true(core_group_stats(c->r, 3).queries == 1);
	assert_true(core_group_stats(c->r, 3).dispatches == 2);
}

/* CPU, line 4: the default policy ignored groups, shares and percentages: 500:500 at 9:1. */
static void cpu_04_groups_share_by_weight(void **state)
{
	struct core *c = *state;
	struct reeve_directive_def nine = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 900};
	struct reeve_directive_def one = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 100};

	core_directive(c->r, 1, 2, &nine);
	core_directive(c->r, 1, 3, &one);
	uint64_t a = add(c, 2, 3), b = add(c, 3, 3);
	share_out(c, 1000);
	assert_in_range(task(c, a).dispatches, 898, 902);
	assert_in_range(task(c, b).dispatches, 98, 102);
	complete(c, a);
	complete(c, b);
}

static void the_number_of_tasks_does_not_make_a_group_weigh_more(void **state)
{
	struct core *c = *state;
	uint64_t ids[11];
	uint64_t many = 0;

	ids[10] = add(c, 2, 3); /* 600 shares */
	for (int i = 0; i < 10; i++)
		ids[i] = add(c, 3, 3); /* 300 together */
	share_out(c, 900);
	assert_in_range(task(c, ids[10]).dispatches, 597, 603);
	for (int i = 0; i < 10; i++) {
		assert_in_range(task(c, ids[i]).dispatches, 28, 32);
		many += task(c, ids[i]).dispatches;
		complete(c, ids[i]);
	}
	assert_in_range(many, 297, 303);
	complete(c, ids[10]);
}

static void tasks_of_a_group_share_by_priority(void **state)
{
	struct core *c = *state;
	uint64_t a = add(c, 3, 0), b = add(c, 3, 6); /* weights 4.0 and 1.0 */

	share_out(c, 1000);
	assert_in_range(task(c, a).dispatches, 797, 803);
	assert_in_range(task(c, b).dispatches, 197, 203);
	complete(c, a);
	complete(c, b);
}

/* CPU, line 6: equals were served newest first. */
static void cpu_06_equals_come_in_order_of_arrival(void **state)
{
	struct core *c = *state;
	uint64_t ids[6];

	for (int i = 0; i < 6; i++)
		ids[i] = add(c, 3, 3);
	for (int i = 0; i < 6; i++)
		assert_true(next(c).id.v == ids[i]);
	for (int i = 0; i < 6; i++)
		complete(c, ids[i]);
}

/* CPU, line 7: a charge to a queued task was lost, and the pick wrote the old copy back. */
static void cpu_07_a_charge_to_a_waiting_task_counts(void **state)
{
	struct core *c = *state;
	uint64_t a = add(c, 3, 3), b = add(c, 3, 3);

	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, 50 * REEVE_MSEC, E));
	assert_true(next(c).id.v == b); /* a has had enough */
	assert_true(task(c, a).cpu_ns == 50 * (uint64_t)REEVE_MSEC);
	assert_true(next(c).id.v == a);
	assert_true(task(c, a).cpu_ns == 50 * (uint64_t)REEVE_MSEC);
	complete(c, a);
	complete(c, b);
}

/* CPU, line 8: completed tasks ran again; a second completion made the count 2^64 - 1. */
static void cpu_08_a_completed_task_is_gone(void **state)
{
	struct core *c = *state;
	uint64_t a = add(c, 3, 3);
	struct reeve_task_info t;

	complete(c, a); /* without ever having run */
	assert_fails(reeve_task_next(c->r, &t, E), REEVE_ENOT_FOUND, "no task is ready");
	assert_fails(reeve_task_complete(c->r, (reeve_task_id){a}, 0, E), REEVE_EINVALID_STATE,
		"CPU task 1 was completed");
	assert_fails(reeve_task_charge(c->r, (reeve_task_id){a}, 0, E), REEVE_EINVALID_STATE,
		"CPU task 1 was completed");
	assert_fails(reeve_task_yield(c->r, (reeve_task_id){a}, 0, E), REEVE_EINVALID_STATE,
		"CPU task 1 was completed");
	assert_fails(reeve_task_suspend(c->r, (reeve_task_id){a}, REEVE_TASK_WAITING, E),
		REEVE_EINVALID_STATE, "CPU task 1 was completed");
	assert_fails(reeve_task_charge(c->r, (reeve_task_id){a + 1}, 0, E), REEVE_ENOT_FOUND,
		"CPU task 2");
	assert_fails(
		reeve_task_charge(c->r, (reeve_task_id){0}, 0, E), REEVE_ENOT_FOUND, "CPU task 0");
	assert_int_equal(core_group_stats(c->r, 3).tasks, 0);
	for (int i = 0; i < 1000; i++) { /* memory stays bounded */
		uint64_t id = add(c, 3, 3);
		assert_true(id == (uint64_t)i + 2);
		complete(c, id);
	}
	assert_int_equal(core_segment(c->r).tasks, 0);
}

/* CPU, line 9: new tasks started at 0 and starved the old ones. */
static void cpu_09_a_newcomer_is_level_with_the_others(void **state)
{
	struct core *c = *state;
	uint64_t old = add(c, 3, 3);

	share_out(c, 10000); /* ten seconds alone */
	uint64_t fresh = add(c, 3, 3);
	uint64_t before = task(c, old).dispatches;
	share_out(c, 200);
	assert_in_range(task(c, old).dispatches - before, 90, 110);
	assert_in_range(task(c, fresh).dispatches, 90, 110);
	complete(c, old);
	complete(c, fresh);
}

/* CPU, line 11: a group that had been idle took everything until it had caught up. */
static void cpu_11_a_group_that_was_idle_has_no_hoard(void **state)
{
	struct core *c = *state;
	uint64_t batch = add(c, 3, 3), inter = add(c, 2, 3); /* 300 and 600 shares */

	share_out(c, 300);
	complete(c, inter);
	share_out(c, 10000);
	inter = add(c, 2, 3);
	uint64_t before = task(c, batch).dispatches;
	share_out(c, 300);
	assert_in_range(task(c, batch).dispatches - before, 90, 105);
	complete(c, batch);
	complete(c, inter);
}

/* CPU, line 11 again: and one without shares never ran at all. */
static void cpu_11_a_group_without_shares_runs_too(void **state)
{
	struct core *c = *state;
	uint64_t nothing = core_group(c->r, "nothing", 0);
	uint64_t a = add(c, nothing, 3), b = add(c, 2, 3);

	share_out(c, 3000);
	assert_true(task(c, a).dispatches >= 2);
	complete(c, b);
	uint64_t before = task(c, a).dispatches;
	share_out(c, 10);
	assert_true(task(c, a).dispatches == before + 10); /* alone it gets everything */
	complete(c, a);
}

/* CPU, line 12: tasks of unknown groups were accepted and lost. */
static void cpu_12_a_task_of_an_unknown_group_is_refused(void **state)
{
	struct core *c = *state;
	reeve_task_id id = {77};

	assert_fails(reeve_task_create(c->r, 1, (reeve_group_id){4711}, 3, &id, E),
		REEVE_ENOT_FOUND, "consumer group 4711");
	assert_fails(reeve_task_create(c->r, 1, (reeve_group_id){3}, 8, &id, E),
		REEVE_EINVALID_ARGUMENT, "priority is 8; allowed are 0 to 7");
	assert_true(id.v == 77);
	assert_int_equal(core_segment(c->r).tasks, 0);
	assert_true(add(c, 3, 3) == 1); /* no id was burnt */
	complete(c, 1);
}

static void what_a_task_is_not_doing_is_refused(void **state)
{
	struct core *c = *state;
	uint64_t a = add(c, 3, 3);
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_task_info t[2];

	assert_fails(reeve_task_yield(c->r, (reeve_task_id){a}, 0, E), REEVE_EINVALID_STATE,
		"CPU task 1 is not running");
	assert_fails(reeve_task_charge(c->r, (reeve_task_id){a}, UINT64_MAX, E),
		REEVE_EINVALID_ARGUMENT, "cpuTimeNs is 18446744073709551615; allowed are 0 to");
	assert_true(task(c, a).cpu_ns == 0);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){a}, t, 2), 1);
	assert_true(t[0].is_managed);
	assert_fails(reeve_task_charge(c->r, t[0].id, 5, E), REEVE_EINVALID_STATE,
		"is a session's statement");
	assert_fails(reeve_task_complete(c->r, t[0].id, 5, E), REEVE_EINVALID_STATE, "statement");
	reeve_session_destroy(s);
	complete(c, a);
}

static void statements_at_rest_are_not_among_the_tasks(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_task_info t[4];
	uint64_t a = add(c, 3, 3);

	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, t, 4), 1);
	assert_true(t[0].id.v == a);
	assert_fails(
		reeve_task_get(c->r, (reeve_task_id){1}, t, E), REEVE_ENOT_FOUND, "CPU task 1");
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, t, 4), 2);
	assert_true(t[0].session.v == reeve_session_id_of(s).v && t[0].is_managed);
	assert_true(t[0].state == REEVE_TASK_RUNNING && t[0].slot == 0);
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, t, 1), 1);
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){a}, t, 4), 0);
	reeve_block_begin(s);
	assert_ok(reeve_task_get(c->r, (reeve_task_id){1}, t, E));
	assert_int_equal(t[0].state, REEVE_TASK_SLEEPING);
	assert_ok(reeve_block_end(s));
	reeve_session_destroy(s);
	complete(c, a);
}

/* CPU, lines 2 and 3: detection skipped what charging had flagged, and charged it half. */
static void cpu_02_a_runaway_task_is_found_once(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k;
	reeve_task_id found[4] = {{77}, {77}, {77}, {77}};
	uint32_t current = 0;
	struct reeve_cpu_stats st;
	uint64_t a = add(c, 3, 3), b = add(c, 3, 3);

	reeve_cpu_config_get(c->r, &k);
	k.runaway_threshold_ns = REEVE_SEC;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, (uint64_t)REEVE_SEC, E));
	assert_int_equal(reeve_cpu_detect_runaways(c->r, found, 4, &current, E), 0);
	assert_int_equal(current, 0);
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, 1, E));
	assert_int_equal(reeve_cpu_detect_runaways(c->r, found, 4, &current, E), 1);
	assert_true(found[0].v == a && found[1].v == 77 && current == 1);
	assert_int_equal(reeve_cpu_detect_runaways(c->r, found, 4, &current, E), 0);
	assert_int_equal(current, 1);
	assert_true(task(c, a).is_runaway && task(c, a).throttle_ppm == 500000);
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, 100, E));
	assert_true(task(c, a).cpu_ns == (uint64_t)REEVE_SEC + 101);
	assert_false(task(c, b).is_runaway);
	reeve_cpu_stats_get(c->r, &st);
	assert_true(st.runaways == 1 && st.throttled == 1 && st.throttled_now == 1);
	assert_int_equal(reeve_cpu_detect_runaways(c->r, NULL, 0, NULL, E), 0);
	complete(c, a);
	complete(c, b);
}

/* CPU, line 14: total shares began at 1000 for no group, and only grew. */
static void cpu_14_total_shares_are_those_of_groups_with_tasks(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_stats st;

	reeve_cpu_stats_get(c->r, &st);
	assert_int_equal(st.total_shares, 0);
	uint64_t a = add(c, 2, 3), b = add(c, 3, 3);
	reeve_cpu_stats_get(c->r, &st);
	assert_int_equal(st.total_shares, 900);
	complete(c, a);
	reeve_cpu_stats_get(c->r, &st);
	assert_int_equal(st.total_shares, 300);
	complete(c, b);
	reeve_cpu_stats_get(c->r, &st);
	assert_int_equal(st.total_shares, 0);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_task_goes_from_ready_to_running_and_away),
		with_core(cpu_04_groups_share_by_weight),
		with_core(the_number_of_tasks_does_not_make_a_group_weigh_more),
		with_core(tasks_of_a_group_share_by_priority),
		with_core(cpu_06_equals_come_in_order_of_arrival),
		with_core(cpu_07_a_charge_to_a_waiting_task_counts),
		with_core(cpu_08_a_completed_task_is_gone),
		with_core(cpu_09_a_newcomer_is_level_with_the_others),
		with_core(cpu_11_a_group_that_was_idle_has_no_hoard),
		with_core(cpu_11_a_group_without_shares_runs_too),
		with_core(cpu_12_a_task_of_an_unknown_group_is_refused),
		with_core(what_a_task_is_not_doing_is_refused),
		with_core(statements_at_rest_are_not_among_the_tasks),
		with_core(cpu_02_a_runaway_task_is_found_once),
		with_core(cpu_14_total_shares_are_those_of_groups_with_tasks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
