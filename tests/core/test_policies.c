/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of the CPU policies: their arithmetic (src/policy), and what each makes of tasks of outside
 * engines, where every step is seen. Their behaviour over time is in tests/scenarios.
 */
#include "core.h"

#include "../../src/policy/fair_share.h"
#include "../../src/policy/histogram.h"
#include "../../src/policy/round_robin.h"
#include "../../src/policy/wfq.h"
#include "../../src/segment/segment.h"

#include <stdio.h>
#include <string.h>

#define LIFE REEVE_FAIR_SHARE_HALF_LIFE_NS

/* ---- arithmetic ---- */

static void use_halves_in_a_half_life(void **state)
{
	struct reeve_sh_use u = {0, 0};

	(void)state;
	reeve__fair_share_add(&u, 77, 1000000000);
	assert_true(u.use == (uint64_t)1000000000 << 8 && u.stamp_ns == 77);
	reeve__fair_share_add(&u, 77 + LIFE, 0);
	assert_true(u.use == (uint64_t)500000000 << 8);
	reeve__fair_share_add(&u, 77 + 3 * LIFE, 5);
	assert_true(u.use == ((uint64_t)125000000 + 5) << 8);
	reeve__fair_share_add(&u, 77 + 100 * LIFE, 0);
	assert_true(u.use == 0);
}

/* The bound at the head of fair_share.h: 5,000 updates a half-life are off by one part in 10,000. */
static void decay_in_small_steps_is_decay_all_the_same(void **state)
{
	struct reeve_sh_use u = {0, 0};
	uint64_t now = 123456789, whole = (uint64_t)1000000000000 << 8;

	(void)state;
	reeve__fair_share_add(&u, now, 1000000000000);
	for (int i = 0; i < 5000; i++)
		reeve__fair_share_add(&u, now += 2000000, 0);
	assert_true(u.use <= whole / 2);
	assert_true(u.use >= whole / 2 - whole / 2 / 10000);
	/* spans below 1 ms are not lost */
	for (int i = 0; i < 20000; i++)
		reeve__fair_share_add(&u, now += 500000, 0);
	assert_true(u.use <= whole / 4 && u.use >= whole / 4 - whole / 4 / 5000);
}

static void use_neither_wraps_nor_falls_when_time_goes_back(void **state)
{
	struct reeve_sh_use u = {0, 0};

	(void)state;
	reeve__fair_share_add(&u, 1000, UINT64_MAX);
	assert_true(u.use == (uint64_t)1 << 62);
	reeve__fair_share_add(&u, 1000, UINT64_MAX);
	assert_true(u.use == (uint64_t)1 << 62);
	reeve__fair_share_add(&u, 500, 0);
	assert_true(u.use == (uint64_t)1 << 62 && u.stamp_ns == 1000);
	assert_true(reeve__fair_share_rate(&u, 0) == REEVE_FAIR_SHARE_RATE_MAX);
}

static void history_changes_a_weight_by_two_at_most(void **state)
{
	(void)state;
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 1000), 300000);
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 1600), 187500);
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 2000), 150000);
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 900000), 150000);
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 500), 600000);
	assert_int_equal(reeve__fair_share_weight(300000, 1000, 0), 600000);
	assert_int_equal(reeve__fair_share_weight(300000, 0, 0), 300000); /* nobody has used any */
	assert_int_equal(reeve__fair_share_weight(0, 1000, 1000), 1);
	assert_int_equal(reeve__fair_share_weight(UINT32_MAX, 1000, 0), UINT32_MAX);
}

static void the_average_follows_those_who_run(void **state)
{
	uint64_t average = reeve__fair_share_average(0, 800, 1);

	(void)state;
	assert_true(average == 800);
	assert_true(reeve__fair_share_average(800, 1600, 500000000) == 1200);
	assert_true(reeve__fair_share_average(800, 0, 500000000) == 400);
	assert_true(reeve__fair_share_average(800, 0, 5000000000) == 0);
}

static void a_level_is_worth_an_eighth_of_a_second(void **state)
{
	(void)state;
	assert_int_equal(reeve__round_robin_level(0, 0), 0);
	assert_int_equal(reeve__round_robin_level(3, 5), 29);
	assert_int_equal(reeve__round_robin_level(7, 7), 63);
	assert_int_equal(reeve__round_robin_level(900, 900), 63); /* damage does no harm */
	assert_true(reeve__round_robin_key(5, 63) == 5 + UINT64_C(7875000000));
	/* one group below comes before who arrives a second later, and not before who arrives earlier */
	uint64_t low = reeve__round_robin_key(UINT64_MAX - 10, 8);
	assert_true(reeve__before(low, reeve__round_robin_key(UINT64_MAX - 10 + 1000000001, 0)));
	assert_true(reeve__before(reeve__round_robin_key(UINT64_MAX - 10 + 999999999, 0), low));
	assert_false(reeve__round_robin_is_aged(UINT64_MAX, 0));
	assert_false(reeve__round_robin_is_aged(124999999, 1));
	assert_true(reeve__round_robin_is_aged(125000000, 1));
}

static void a_virtual_finish_stands_still_while_the_statement_runs(void **state)
{
	uint64_t age = UINT64_MAX - 1000, rest = 8000000;
	uint64_t finish = reeve__wfq_finish(age, rest, 500000);

	(void)state;
	for (int i = 0; i < 7; i++) {
		age += reeve__fair_age(1000000, 500000);
		rest = reeve__wfq_rest_ns(rest, 8000000, 1000000, 100000000);
		assert_true(reeve__wfq_finish(age, rest, 500000) == finish);
	}
	assert_true(rest == 1000000);
	/* the estimate was wrong: on with a piece of the same size, at most a quantum */
	assert_true(reeve__wfq_rest_ns(rest, 8000000, 1000000, 100000000) == 8000000);
	assert_true(reeve__wfq_rest_ns(rest, 8000000, 3000000, 100000000) == 6000000);
	assert_true(reeve__wfq_rest_ns(rest, 8000000, 2000000, 5000000) == 4000000);
	assert_true(reeve__wfq_rest_ns(0, 0, 5, 100000000) == 1); /* damage does no harm */
}

static void a_cost_is_said_or_guessed(void **state)
{
	(void)state;
	assert_true(reeve__wfq_cost_ns(0) == REEVE_WFQ_COST_MIN_NS);
	assert_true(reeve__wfq_cost_ns(20000000) == 20000000);
	assert_true(reeve__wfq_cost_ns(UINT64_MAX) == REEVE_WFQ_COST_MAX_NS);
	assert_true(reeve__wfq_guess_ns(30000000, 3, 90, 1, 5000000) == 10000000);
	assert_true(reeve__wfq_guess_ns(0, 0, 90000000, 3, 5000000) == 30000000);
	assert_true(reeve__wfq_guess_ns(0, 0, 0, 0, 5000000) == 5000000);
}

static void buckets_are_powers_of_two(void **state)
{
	(void)state;
	assert_int_equal(reeve__histogram_bucket(0), 0);
	assert_int_equal(reeve__histogram_bucket(1023), 0);
	assert_int_equal(reeve__histogram_bucket(1024), 1);
	assert_int_equal(reeve__histogram_bucket(2047), 1);
	assert_int_equal(reeve__histogram_bucket(2048), 2);
	assert_int_equal(reeve__histogram_bucket((uint64_t)1 << 43), 34);
	assert_int_equal(reeve__histogram_bucket((uint64_t)1 << 44), 35);
	assert_int_equal(reeve__histogram_bucket(UINT64_MAX), 35);
}

static void quantiles_lie_where_the_waits_were(void **state)
{
	struct reeve_sh_histogram h;

	(void)state;
	memset(&h, 0, sizeof(h));
	assert_true(reeve__histogram_quantile(&h, 500000) == 0);
	reeve__histogram_note(&h, 5000);
	assert_true(reeve__histogram_quantile(&h, 1) == 5000);
	assert_true(reeve__histogram_quantile(&h, 1000000) == 5000);
	for (uint64_t i = 1; i < 1000; i++) /* evenly from 5 to 5,000 us */
		reeve__histogram_note(&h, 5000 + i * 5000);
	assert_true(h.count == 1000 && h.min_ns == 5000 && h.max_ns == 5000000);
	assert_true(h.sum_ns == 5000 * (uint64_t)500500);
	assert_in_range(reeve__histogram_quantile(&h, 500000), 2450000, 2550000);
	assert_in_range(reeve__histogram_quantile(&h, 900000), 4200000, 4700000);
	assert_true(reeve__histogram_quantile(&h, 1000000) == 5000000);
	assert_true(reeve__histogram_quantile(&h, 0) == reeve__histogram_quantile(&h, 1));
}

/* ---- with tasks of outside engines ---- */

static void set_policy(struct core *c, uint32_t policy)
{
	struct reeve_cpu_config k;

	reeve_cpu_config_get(c->r, &k);
	k.policy = policy;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	reeve_cpu_config_get(c->r, &k);
	assert_int_equal(k.policy, policy);
}

static uint64_t add(struct core *c, uint64_t group, uint32_t priority)
{
	reeve_task_id id = {0};

	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){group}, priority, &id, E));
	return id.v;
}

static uint64_t next(struct core *c)
{
	struct reeve_task_info t = {0};

	assert_ok(reeve_task_next(c->r, &t, E));
	return t.id.v;
}

/* Picks, uses `ns`, yields; `n` times. How often `id` was picked. */
static uint32_t turns_of(struct core *c, uint64_t id, uint32_t n, reeve_ns ns)
{
	uint32_t turns = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t now = next(c);
		core_sleep(&c->h, ns);
		assert_ok(reeve_task_yield(c->r, (reeve_task_id){now}, (uint64_t)ns, E));
		turns += now == id;
	}
	return turns;
}

static void complete(struct core *c, uint64_t id)
{
	assert_ok(reeve_task_complete(c->r, (reeve_task_id){id}, 0, E));
}

/* CPU, line 17: policy, quantum and runaway settings could not be reached from outside. */
static void cpu_17_policies_are_chosen_live(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k;

	reeve_cpu_config_get(c->r, &k);
	assert_int_equal(k.policy, REEVE_CPU_COMPLETELY_FAIR);
	k.policy = 4;
	assert_fails(reeve_cpu_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
		"policy is 4; allowed are 0 (completely fair) to 3");
	for (uint32_t p = 0; p < 4; p++) {
		struct reeve_cpu_stats st;
		set_policy(c, p);
		reeve_cpu_stats_get(c->r, &st);
		assert_int_equal(st.policy, p);
	}
}

/* CPU, line 10: weighted fair queueing was fair share; priority never rotated. */
static void cpu_10_by_priority_equals_take_turns(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_PRIORITY_ROUND_ROBIN);
	uint64_t a = add(c, 2, 3), b = add(c, 2, 3), d = add(c, 2, 3), low = add(c, 3, 3);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(turns_of(c, a, 1, REEVE_MSEC), 1);
		assert_int_equal(turns_of(c, b, 1, REEVE_MSEC), 1);
		assert_int_equal(turns_of(c, d, 1, REEVE_MSEC), 1);
	}
	/* group priority 3 against 7, and it has waited 12 ms */
	assert_true(next(c) == a);
	complete(c, a);
	complete(c, b);
	complete(c, d);
	assert_true(next(c) == low);
	complete(c, low);
}

/* The aging bound: four steps of group priority are 4 s. */
static void by_priority_nobody_starves(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_PRIORITY_ROUND_ROBIN);
	uint64_t high = add(c, 2, 3), low = add(c, 3, 3);
	assert_int_equal(turns_of(c, low, 399, 10 * REEVE_MSEC), 0);
	assert_int_equal(turns_of(c, low, 3, 10 * REEVE_MSEC), 1);
	assert_int_equal(turns_of(c, low, 395, 10 * REEVE_MSEC), 0);
	complete(c, high);
	complete(c, low);
}

static void by_priority_the_task_counts_inside_the_group(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_PRIORITY_ROUND_ROBIN);
	uint64_t low = add(c, 2, 5), high = add(c, 2, 1);
	assert_true(next(c) == high);
	assert_true(next(c) == low);
	complete(c, high);
	complete(c, low);
}

/* CPU, line 10. */
static void cpu_10_by_virtual_finish_the_short_goes_first(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_WEIGHTED_FAIR_QUEUEING);
	uint64_t lng = add(c, 2, 3), shrt = add(c, 2, 3);
	assert_ok(reeve_task_estimate(c->r, (reeve_task_id){lng}, 500 * REEVE_MSEC, E));
	assert_ok(reeve_task_estimate(c->r, (reeve_task_id){shrt}, 5 * REEVE_MSEC, E));
	assert_true(next(c) == shrt);
	complete(c, shrt);
	/* and each runs to its end */
	uint64_t other = add(c, 2, 3);
	assert_ok(reeve_task_estimate(c->r, (reeve_task_id){other}, 600 * REEVE_MSEC, E));
	assert_int_equal(turns_of(c, lng, 50, 10 * REEVE_MSEC), 50);
	complete(c, lng);
	complete(c, other);
}

static void between_groups_a_finish_is_over_the_weight(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_WEIGHTED_FAIR_QUEUEING);
	/* 600 shares and 300: 90 ms over 2 is before 50 ms over 1 */
	uint64_t a = add(c, 3, 3), b = add(c, 2, 3);
	assert_ok(reeve_task_estimate(c->r, (reeve_task_id){a}, 50 * REEVE_MSEC, E));
	assert_ok(reeve_task_estimate(c->r, (reeve_task_id){b}, 90 * REEVE_MSEC, E));
	assert_true(next(c) == b);
	assert_true(next(c) == a);
	complete(c, a);
	complete(c, b);
}

/* Fair share, the example at its head: who has been alone is behind, by 4 to 1 at most. */
static void fair_share_remembers(void **state)
{
	struct core *c = *state;
	struct reeve_directive_def half = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 500};

	core_directive(c->r, 1, 2, &half);
	core_directive(c->r, 1, 3, &half);
	set_policy(c, REEVE_CPU_FAIR_SHARE);
	uint64_t a = add(c, 2, 3);
	turns_of(c, a, 3000, 10 * REEVE_MSEC);
	uint64_t b = add(c, 3, 3);
	assert_in_range(turns_of(c, b, 300, 10 * REEVE_MSEC), 195, 241);
	turns_of(c, b, 5000, 10 * REEVE_MSEC);
	assert_in_range(turns_of(c, b, 1000, 10 * REEVE_MSEC), 490, 510);
	complete(c, a);
	complete(c, b);
}

/* CPU, lines 4 and 11: groups and shares count; who has none runs too. */
static void cpu_11_shares_hold_under_all_that_know_shares(void **state)
{
	static const uint32_t policies[] = {
		REEVE_CPU_COMPLETELY_FAIR, REEVE_CPU_FAIR_SHARE, REEVE_CPU_WEIGHTED_FAIR_QUEUEING};
	struct core *c = *state;

	for (uint32_t i = 0; i < 3; i++) {
		set_policy(c, policies[i]);
		uint64_t a = add(c, 2, 3), b = add(c, 3, 3), none = add(c, 1, 3);
		complete(c, none);
		none = add(c, core_group(c->r, i ? i > 1 ? "none2" : "none1" : "none0", 0), 3);
		uint32_t turns = turns_of(c, a, 6000, 5 * REEVE_MSEC);
		assert_in_range(turns, 3930, 4020); /* 2 in 3 but for the floor of the other */
		complete(c, a);
		complete(c, b);
		assert_int_equal(turns_of(c, none, 5, REEVE_MSEC), 5);
		complete(c, none);
	}
}

/* A change of policy levels all: nobody brings a hoard or a debt from one into the next. */
static void a_change_of_policy_levels_all(void **state)
{
	struct core *c = *state;

	set_policy(c, REEVE_CPU_PRIORITY_ROUND_ROBIN);
	uint64_t high = add(c, 2, 3), low = add(c, 3, 3);
	turns_of(c, high, 3000, REEVE_MSEC); /* low gets nothing, for 3 s */
	set_policy(c, REEVE_CPU_COMPLETELY_FAIR);
	assert_in_range(turns_of(c, low, 300, REEVE_MSEC), 98, 102); /* 300 of 900 shares */
	set_policy(c, REEVE_CPU_WEIGHTED_FAIR_QUEUEING);
	assert_in_range(turns_of(c, low, 900, REEVE_MSEC), 270, 330);
	assert_clean(c->r);
	complete(c, high);
	complete(c, low);
}

static void pull_tasks_are_under_caps(void **state)
{
	struct core *c = *state;
	struct reeve_task_info t;
	uint32_t turns = 0;

	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){3}, 300, 25, E));
	uint64_t a = add(c, 3, 3);
	for (int i = 0; i < 1000; i++) { /* a second */
		if (reeve_task_next(c->r, &t, E) == 0) {
			assert_ok(reeve_task_yield(c->r, t.id, REEVE_MSEC, E));
			turns++;
		}
		core_sleep(&c->h, REEVE_MSEC);
	}
	assert_in_range(turns, 245, 256);
	/* a great debt is forgiven when the cap goes */
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, INT64_MAX, E));
	assert_fails(reeve_task_next(c->r, &t, E), REEVE_ENOT_FOUND, "no task is ready");
	assert_ok(reeve_cpu_group_unregister(c->r, (reeve_group_id){3}, E));
	assert_true(next(c) == a);
	complete(c, a);
}

static void the_plan_s_cap_holds_pull_tasks_too(void **state)
{
	struct core *c = *state;
	struct reeve_task_info t;
	uint32_t turns = 0;

	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){2}, E)); /* 90 % */
	uint64_t a = add(c, 3, 3);
	for (int i = 0; i < 1000; i++) {
		if (reeve_task_next(c->r, &t, E) == 0) {
			assert_ok(reeve_task_yield(c->r, t.id, REEVE_MSEC, E));
			turns++;
		}
		core_sleep(&c->h, REEVE_MSEC);
	}
	assert_in_range(turns, 880, 921);
	complete(c, a);
}

static void a_suspended_task_is_not_picked(void **state)
{
	struct core *c = *state;
	struct reeve_task_info t;
	uint64_t a = add(c, 3, 3);
	reeve_task_id id = {a};

	assert_fails(reeve_task_suspend(c->r, id, REEVE_TASK_READY, E), REEVE_EINVALID_ARGUMENT,
		"state is 1; allowed are 3 (Waiting) and 4 (Sleeping)");
	assert_fails(reeve_task_resume(c->r, id, E), REEVE_EINVALID_STATE, "is not suspended");
	assert_ok(reeve_task_suspend(c->r, id, REEVE_TASK_WAITING, E));
	assert_fails(reeve_task_next(c->r, &t, E), REEVE_ENOT_FOUND, "no task is ready");
	assert_fails(reeve_task_suspend(c->r, id, REEVE_TASK_SLEEPING, E), REEVE_EINVALID_STATE,
		"is suspended");
	assert_ok(reeve_task_get(c->r, id, &t, E));
	assert_int_equal(t.state, REEVE_TASK_WAITING);
	assert_int_equal(core_group_stats(c->r, 3).suspended, 1);
	assert_ok(reeve_task_charge(c->r, id, 9, E));
	assert_clean(c->r);
	assert_ok(reeve_task_resume(c->r, id, E));
	assert_true(next(c) == a);
	assert_ok(reeve_task_suspend(c->r, id, REEVE_TASK_SLEEPING, E));
	assert_fails(reeve_task_yield(c->r, id, 0, E), REEVE_EINVALID_STATE, "is not running");
	complete(c, a); /* suspended or not */
}

/* CPU, line 13: the mean wait was never written. */
static void cpu_13_waits_are_in_the_statistics(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_stats st;

	for (int i = 1; i <= 100; i++) {
		uint64_t a = add(c, 3, 3);
		core_sleep(&c->h, i * REEVE_MSEC);
		assert_true(next(c) == a);
		complete(c, a);
	}
	struct reeve_wait_latency w = core_group_stats(c->r, 3).wait;
	assert_true(w.count == 100 && w.min_ns == REEVE_MSEC && w.max_ns == 100 * REEVE_MSEC);
	assert_true(w.mean_ns == 50500 * (uint64_t)REEVE_USEC);
	assert_in_range(w.p50_ns, 45 * REEVE_MSEC, 55 * REEVE_MSEC);
	assert_in_range(w.p99_ns, 80 * REEVE_MSEC, 100 * REEVE_MSEC);
	assert_true(w.p50_ns <= w.p90_ns && w.p90_ns <= w.p99_ns && w.p99_ns <= w.p999_ns);
	reeve_cpu_stats_get(c->r, &st);
	assert_true(st.wait.count == 100 && st.waits == 100);
	assert_true(st.wait_ns == 5050 * (uint64_t)REEVE_MSEC);
	assert_true(core_group_stats(c->r, 2).wait.count == 0);
}

/* CPU, line 16: cores were guessed by summing the bytes of a thread's name. */
static void cpu_16_each_slot_counts_what_ran_in_it(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_slot_stats s[4];
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 3);

	memset(s, 0xee, sizeof(s));
	assert_int_equal(reeve_cpu_slot_stats_copy(c->r, s, 4), 2);
	assert_true(s[0].cpu_ns == 0 && s[0].task.v == 0 && !s[0].is_busy && s[1].slot == 1);
	assert_int_equal(s[2].slot, 0xeeeeeeee);
	assert_ok(reeve_query_begin(a, NULL, E));
	assert_ok(reeve_query_begin(b, NULL, E));
	core_work(&c->h, 10 * REEVE_MSEC);
	reeve_query_end(b, NULL);
	assert_int_equal(reeve_cpu_slot_stats_copy(c->r, s, 4), 2);
	assert_true(s[0].is_busy != s[1].is_busy && s[0].task.v != s[1].task.v);
	assert_true(s[0].cpu_ns + s[1].cpu_ns == 10 * (uint64_t)REEVE_MSEC);
	reeve_query_end(a, NULL);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	assert_int_equal(reeve_cpu_slot_stats_copy(c->r, s, 1), 2);
	assert_int_equal(reeve_cpu_slot_stats_copy(c->r, s, 4), 2);
	assert_true(s[0].cpu_ns + s[1].cpu_ns == 20 * (uint64_t)REEVE_MSEC);
	assert_true(s[0].scheduled + s[1].scheduled == 2);
}

/* Groups by the hundred: a group of 0 % keeps the floor against those that are there. */
static void the_floor_does_not_shrink_with_the_number_of_groups(void **state)
{
	struct core_host h;
	struct reeve_options o;
	struct reeve *r = NULL;
	struct core c;
	char name[16];

	(void)state;
	core_host_init(&h);
	core_small_options(&o);
	o.host = &h.host;
	o.max_groups = 1024;
	assert_ok(reeve_open(&o, &r, E));
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "G%d", i);
		core_group(r, name, 0);
	}
	c.h = h;
	c.r = r;
	uint64_t a = add(&c, 2, 3), none = add(&c, 500, 3);
	uint32_t turns = 0;
	for (int i = 0; i < 40000; i++) {
		struct reeve_task_info t;
		assert_ok(reeve_task_next(r, &t, E));
		core_sleep(&h, REEVE_MSEC);
		assert_ok(reeve_task_yield(r, t.id, REEVE_MSEC, E));
		turns += t.id.v == none;
	}
	assert_in_range(turns, 38, 500); /* a thousandth at least */
	complete(&c, a);
	complete(&c, none);
	assert_clean(r);
	reeve_close(r);
}

/* CPU, line 3: a runaway was charged half, and grew old at half speed: it was rewarded. */
static void cpu_03_a_runaway_is_charged_in_full_to_its_age(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k;
	reeve_task_id found;

	reeve_cpu_config_get(c->r, &k);
	k.runaway_threshold_ns = REEVE_MSEC;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	uint64_t a = add(c, 3, 3), b = add(c, 3, 3);
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){a}, 10 * REEVE_MSEC, E));
	assert_int_equal(reeve_cpu_detect_runaways(c->r, &found, 1, NULL, E), 1);
	assert_ok(reeve_task_charge(c->r, (reeve_task_id){b}, 10 * REEVE_MSEC, E));
	/* level, and level they stay: both are picked as often */
	assert_in_range(turns_of(c, a, 100, REEVE_MSEC), 49, 51);
	complete(c, a);
	complete(c, b);
}

/* CPU, line 15: a pick looked at all tasks. It follows right spines, which are of log2 of them. */
static void cpu_15_a_pick_walks_no_further_than_log2_of_the_tasks(void **state)
{
	struct core *c = *state;

	for (int i = 0; i < 127; i++)
		add(c, 3, (uint32_t)i % 8);
	for (uint32_t policy = 0; policy < 4; policy++) {
		set_policy(c, policy);
		for (int i = 0; i < 500; i++) {
			uint32_t root = c->r->groups[2].cpu.pull_root;
			assert_in_range(c->r->tasks[root].node.rank, 1, 7);
			turns_of(c, 0, 1, REEVE_MSEC);
		}
	}
	for (uint64_t id = 1; id <= 127; id++)
		complete(c, id);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)
#define with_two(test)	cmocka_unit_test_setup_teardown(test, core_setup_two_slots, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(use_halves_in_a_half_life),
		cmocka_unit_test(decay_in_small_steps_is_decay_all_the_same),
		cmocka_unit_test(use_neither_wraps_nor_falls_when_time_goes_back),
		cmocka_unit_test(history_changes_a_weight_by_two_at_most),
		cmocka_unit_test(the_average_follows_those_who_run),
		cmocka_unit_test(a_level_is_worth_an_eighth_of_a_second),
		cmocka_unit_test(a_virtual_finish_stands_still_while_the_statement_runs),
		cmocka_unit_test(a_cost_is_said_or_guessed),
		cmocka_unit_test(buckets_are_powers_of_two),
		cmocka_unit_test(quantiles_lie_where_the_waits_were),
		with_core(cpu_17_policies_are_chosen_live),
		with_core(cpu_10_by_priority_equals_take_turns),
		with_core(by_priority_nobody_starves),
		with_core(by_priority_the_task_counts_inside_the_group),
		with_core(cpu_10_by_virtual_finish_the_short_goes_first),
		with_core(between_groups_a_finish_is_over_the_weight),
		with_core(fair_share_remembers),
		with_core(cpu_11_shares_hold_under_all_that_know_shares),
		with_core(a_change_of_policy_levels_all),
		with_core(pull_tasks_are_under_caps),
		with_core(the_plan_s_cap_holds_pull_tasks_too),
		with_core(a_suspended_task_is_not_picked),
		with_core(cpu_13_waits_are_in_the_statistics),
		with_two(cpu_16_each_slot_counts_what_ran_in_it),
		with_core(cpu_03_a_runaway_is_charged_in_full_to_its_age),
		with_core(cpu_15_a_pick_walks_no_further_than_log2_of_the_tasks),
		cmocka_unit_test(the_floor_does_not_shrink_with_the_number_of_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
