/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of waits for what another session holds: boost, deadlocks, and how they end; and of a degraded
 * segment put right. On one thread, with a host whose clocks stand still.
 */
#include "core.h"

#include "../../src/engine/cpu.h"

#include <stdio.h>
#include <string.h>

/* Groups of plan 1, by weight: 1 (1000 shares), 2 (600), 3 (300), 4 (100). */

static reeve_session_id id_of(const struct reeve_session *s)
{
	return reeve_session_id_of(s);
}

/* A session of that group whose statement is blocked. */
static struct reeve_session *blocked(struct core *c, uint64_t group)
{
	struct reeve_session *s = core_session(c->r, group);

	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	return s;
}

/* Id of the group in whose lane a session runs. */
static uint64_t lane_of(struct core *c, const struct reeve_session *s)
{
	struct reeve__cpu_pass x = {.r = c->r};

	return reeve__cpu_lane_of(&x, s->task)->head.id;
}

static struct reeve_cpu_stats cpu_stats(struct core *c)
{
	struct reeve_cpu_stats s;

	reeve_cpu_stats_get(c->r, &s);
	return s;
}

static void a_wait_names_its_holder(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 4), *waiter = blocked(c, 2);

	assert_int_equal(core_info(c->r, waiter).wait_reason, REEVE_WAIT_BLOCKED);
	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	struct reeve_session_info info = core_info(c->r, waiter);
	assert_true(info.blocked_by.v == id_of(holder).v);
	assert_int_equal(info.wait_reason, REEVE_WAIT_LOCK);
	assert_int_equal(info.state, REEVE_SESSION_BLOCKED);
	assert_true(core_info(c->r, holder).blocked_by.v == 0);
	assert_clean(c->r);
	reeve_task_unblocked(waiter);
	info = core_info(c->r, waiter);
	assert_true(info.blocked_by.v == 0 && info.wait_reason == REEVE_WAIT_BLOCKED);
	reeve_task_unblocked(waiter); /* once more does nothing */
	reeve_task_unblocked(NULL);
	reeve_session_destroy(holder);
	reeve_session_destroy(waiter);
}

static void a_holder_runs_in_the_lane_of_a_higher_waiter(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 4);
	struct reeve_session *high = blocked(c, 2), *low = blocked(c, 3);

	assert_true(lane_of(c, holder) == 4);
	assert_ok(reeve_task_blocked_by(low, id_of(holder), E));
	assert_true(lane_of(c, holder) == 3);
	assert_ok(reeve_task_blocked_by(high, id_of(holder), E));
	assert_true(lane_of(c, holder) == 2);
	assert_true(cpu_stats(c).boosts == 1);
	assert_clean(c->r);
	reeve_task_unblocked(high); /* back to the one that is left */
	assert_true(lane_of(c, holder) == 3);
	reeve_task_unblocked(low);
	assert_true(lane_of(c, holder) == 4);
	/* what it uses is its own group's all the same */
	assert_ok(reeve_task_blocked_by(high, id_of(holder), E));
	assert_ok(reeve_query_begin(holder, NULL, E));
	core_work(&c->h, 3 * REEVE_MSEC);
	reeve_query_end(holder, NULL);
	assert_true(core_group_stats(c->r, 4).cpu_ns == 3 * (uint64_t)REEVE_MSEC);
	reeve_session_destroy(holder);
	reeve_session_destroy(high);
	reeve_session_destroy(low);
}

static void a_lower_waiter_boosts_nobody(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 2), *waiter = blocked(c, 4);

	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	assert_true(lane_of(c, holder) == 2 && cpu_stats(c).boosts == 0);
	assert_true(core_info(c->r, waiter).blocked_by.v == id_of(holder).v);
	reeve_session_destroy(holder);
	reeve_session_destroy(waiter);
}

static void merit_is_handed_on_along_a_chain(void **state)
{
	struct core *c = *state;
	struct reeve_session *last = core_session(c->r, 4);
	struct reeve_session *middle = blocked(c, 3), *first = blocked(c, 2);

	assert_ok(reeve_task_blocked_by(middle, id_of(last), E));
	assert_ok(reeve_task_blocked_by(first, id_of(middle), E));
	assert_true(lane_of(c, middle) == 2 && lane_of(c, last) == 2);
	assert_clean(c->r);
	/* the first moves to a group above, and one below */
	assert_ok(reeve_session_switch(c->r, id_of(first), (reeve_group_id){1}, 1, E));
	assert_true(lane_of(c, middle) == 1 && lane_of(c, last) == 1);
	assert_ok(reeve_session_switch(c->r, id_of(first), (reeve_group_id){4}, 1, E));
	assert_true(lane_of(c, middle) == 3 && lane_of(c, last) == 3);
	assert_clean(c->r);
	reeve_session_destroy(middle); /* dies in the middle of it */
	assert_true(lane_of(c, last) == 4);
	assert_true(core_info(c->r, first).blocked_by.v == 0);
	assert_int_equal(core_info(c->r, first).wait_reason, REEVE_WAIT_BLOCKED);
	assert_clean(c->r);
	reeve_session_destroy(first);
	reeve_session_destroy(last);
}

static void a_boost_ends_with_the_statement_or_with_either_side(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 4), *waiter = blocked(c, 2);

	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	assert_ok(reeve_block_end(waiter));
	reeve_query_end(waiter, NULL);
	assert_true(lane_of(c, holder) == 4 && core_info(c->r, waiter).blocked_by.v == 0);
	assert_ok(reeve_query_begin(waiter, NULL, E));
	reeve_block_begin(waiter);
	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	reeve_session_destroy(waiter);
	assert_true(lane_of(c, holder) == 4);
	assert_clean(c->r);
	waiter = blocked(c, 2);
	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	assert_ok(reeve_session_kill(c->r, id_of(holder), E));
	assert_true(core_info(c->r, waiter).blocked_by.v == 0);
	assert_clean(c->r);
	reeve_session_destroy(holder);
	reeve_session_destroy(waiter);
}

static void outside_engines_report_by_id(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 4), *waiter = core_session(c->r, 2);

	assert_fails(reeve_session_blocked_by(c->r, id_of(waiter), id_of(holder), E),
		REEVE_EINVALID_STATE, "session 2 runs no statement that could wait");
	assert_ok(reeve_session_start(c->r, id_of(waiter), E));
	assert_ok(reeve_session_blocked_by(c->r, id_of(waiter), id_of(holder), E));
	assert_true(lane_of(c, holder) == 2);
	assert_ok(reeve_session_unblocked(c->r, id_of(waiter), E));
	assert_true(lane_of(c, holder) == 4);
	assert_ok(reeve_session_blocked_by(c->r, id_of(waiter), id_of(holder), E));
	assert_ok(reeve_session_complete(c->r, id_of(waiter), E));
	assert_true(lane_of(c, holder) == 4);
	assert_fails(reeve_session_blocked_by(c->r, (reeve_session_id){99}, id_of(holder), E),
		REEVE_ENOT_FOUND, "session 99");
	assert_fails(reeve_session_unblocked(c->r, (reeve_session_id){99}, E), REEVE_ENOT_FOUND,
		"session 99");
	reeve_session_id gone = id_of(holder);
	reeve_session_destroy(holder);
	assert_ok(reeve_session_start(c->r, id_of(waiter), E));
	assert_fails(reeve_session_blocked_by(c->r, id_of(waiter), gone, E), REEVE_EINVALID_STATE,
		"session 1 has ended");
	assert_fails(reeve_task_blocked_by(waiter, (reeve_session_id){0}, E),
		REEVE_EINVALID_ARGUMENT, "blockedBy is 0; allowed are ids of sessions");
	assert_fails(
		reeve_task_blocked_by(NULL, gone, E), REEVE_EINVALID_ARGUMENT, "session is NULL");
	assert_fails(reeve_session_blocked_by(NULL, gone, gone, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(
		reeve_session_unblocked(NULL, gone, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	reeve_session_destroy(waiter);
}

static void a_ring_of_waits_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = blocked(c, 2), *b = blocked(c, 3), *d = blocked(c, 4);

	assert_fails(reeve_task_blocked_by(a, id_of(a), E), REEVE_ECONFLICT,
		"deadlock: session 1 waits for session 1");
	assert_ok(reeve_task_blocked_by(a, id_of(b), E));
	assert_ok(reeve_task_blocked_by(b, id_of(d), E));
	assert_fails(reeve_task_blocked_by(d, id_of(a), E), REEVE_ECONFLICT,
		"deadlock: session 3 waits for session 1, which waits for session 2, which waits "
		"for session 3");
	assert_true(core_info(c->r, d).blocked_by.v == 0);
	assert_true(cpu_stats(c).deadlocks == 2);
	assert_clean(c->r);
	/* a gives up: there is no ring any more */
	reeve_task_unblocked(a);
	assert_ok(reeve_task_blocked_by(d, id_of(a), E));
	assert_clean(c->r);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	reeve_session_destroy(d);
}

static void a_second_wait_replaces_the_first(void **state)
{
	struct core *c = *state;
	struct reeve_session *w = blocked(c, 2), *a = core_session(c->r, 4);
	struct reeve_session *b = core_session(c->r, 4);

	assert_ok(reeve_task_blocked_by(w, id_of(a), E));
	assert_ok(reeve_task_blocked_by(w, id_of(b), E));
	assert_true(lane_of(c, a) == 4 && lane_of(c, b) == 2);
	assert_ok(reeve_task_blocked_by(w, id_of(b), E));
	assert_true(lane_of(c, b) == 2);
	assert_clean(c->r);
	reeve_session_destroy(w);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

static void a_chain_has_an_end(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[REEVE__CHAIN_MAX + 2];

	for (int i = 0; i < REEVE__CHAIN_MAX + 2; i++)
		s[i] = blocked(c, 4);
	/* each waits for the one before: the walk from the last is as long as the chain */
	for (int i = 1; i <= REEVE__CHAIN_MAX; i++)
		assert_ok(reeve_task_blocked_by(s[i], id_of(s[i - 1]), E));
	assert_fails(reeve_task_blocked_by(s[REEVE__CHAIN_MAX + 1], id_of(s[REEVE__CHAIN_MAX]), E),
		REEVE_ERESOURCE_EXHAUSTED, "at the end of a chain of more than 32 sessions");
	assert_clean(c->r);
	reeve_task_unblocked(s[1]); /* in two halves it works again */
	assert_ok(reeve_task_blocked_by(s[REEVE__CHAIN_MAX + 1], id_of(s[REEVE__CHAIN_MAX]), E));
	assert_clean(c->r);
	for (int i = 0; i < REEVE__CHAIN_MAX + 2; i++)
		reeve_session_destroy(s[i]);
}

static void who_blocks_others_can_be_asked(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 4), *waiter = blocked(c, 4);
	reeve_session_id who = {77};

	reeve__sessions_lock(c->r);
	assert_false(reeve__session_blocks_others(c->r, holder->session, &who));
	assert_true(who.v == 77);
	reeve__sessions_unlock(c->r);
	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	reeve__sessions_lock(c->r);
	assert_true(reeve__session_blocks_others(c->r, holder->session, &who));
	assert_true(who.v == id_of(waiter).v);
	assert_false(reeve__session_blocks_others(c->r, waiter->session, NULL));
	reeve__sessions_unlock(c->r);
	reeve_session_destroy(holder);
	reeve_session_destroy(waiter);
}

struct scene {
	struct core *c;
	struct reeve_session *hog, *holder, *waiter;
	uint32_t calls;
	bool tells_only;
};

static void then_somebody_waits_for_it(struct core_host *h, void *arg)
{
	struct scene *s = arg;

	h->on_wait = NULL;
	s->calls++;
	core_work(h, REEVE_MSEC);
	assert_ok(reeve_task_blocked_by(s->waiter, id_of(s->holder), E));
	if (s->tells_only) { /* it is not clearly behind yet, and so is asked to come and be compared */
		assert_true(reeve__get(&s->hog->t->attention) & REEVE_ATTEND_YIELD);
		reeve_query_end(s->hog, NULL);
	}
}

/* A low group's session queues behind a hog; somebody high waits for it: it runs at once. */
static void a_boost_interrupts_who_is_lower(uint32_t policy, struct core *c)
{
	struct scene s = {.c = c, .tells_only = policy != REEVE_CPU_PRIORITY_ROUND_ROBIN};
	struct reeve_cpu_config k;
	reeve_ns before;

	reeve_cpu_config_get(c->r, &k);
	k.policy = policy;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	s.waiter = blocked(c, 2);
	s.hog = core_session(c->r, 3);
	s.holder = core_session(c->r, 4);
	assert_ok(reeve_query_begin(s.hog, NULL, E));
	core_work(&c->h, 20 * REEVE_MSEC);
	before = c->h.mono;
	c->h.arg = &s;
	c->h.on_wait = then_somebody_waits_for_it;
	assert_ok(reeve_query_begin(s.holder, NULL, E));
	assert_int_equal(s.calls, 1);
	assert_true(c->h.mono - before == REEVE_MSEC);
	assert_clean(c->r);
	reeve_session_destroy(s.holder);
	reeve_session_destroy(s.hog);
	reeve_session_destroy(s.waiter);
}

static void a_boost_interrupts_under_each_policy(void **state)
{
	static const uint32_t policies[] = {
		REEVE_CPU_COMPLETELY_FAIR, REEVE_CPU_FAIR_SHARE, REEVE_CPU_PRIORITY_ROUND_ROBIN};

	for (int i = 0; i < 3; i++)
		a_boost_interrupts_who_is_lower(policies[i], *state);
}

/* ---- a degraded segment put right ---- */

static void what_is_in_order_is_not_recovered(void **state)
{
	struct core *c = *state;

	assert_fails(reeve_segment_recover(c->r, E), REEVE_EINVALID_STATE, "is not degraded");
	assert_fails(reeve_segment_recover(NULL, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
}

static void a_degraded_segment_is_put_right(void **state)
{
	struct core *c = *state;
	struct reeve_session *runs = core_session(c->r, 3), *holder = core_session(c->r, 4);
	struct reeve_session *waiter = blocked(c, 2);
	reeve_task_id t[3];

	assert_ok(reeve_query_begin(runs, NULL, E));
	assert_ok(reeve_task_blocked_by(waiter, id_of(holder), E));
	for (int i = 0; i < 3; i++)
		assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){3}, 3, &t[i], E));
	/* everything derived is garbage */
	memset(&c->r->groups[2].cpu.pull_node, 0x5a, sizeof(c->r->groups[2].cpu.pull_node));
	c->r->groups[2].cpu.pull_root = 77;
	c->r->groups[2].cpu.root = 5;
	c->r->groups[2].cpu.waiting = 9;
	c->r->cpu->ready = 1;
	c->r->cpu->waiting = 3;
	c->r->header->tasks.free = 2;
	reeve__put(&c->r->groups[2].sessions, 55);
	c->r->cpu_tasks[holder->task].lane = 0xffff;
	reeve__put(&c->r->cpu_tasks[holder->task].first_waiter, 3000);
	reeve__put(&c->r->header->session_counts.current, 5000);
	reeve__segment_degrade(c->r, "a test was here");
	assert_true(reeve_validate(c->r, NULL, NULL) > 0);
	assert_ok(reeve_segment_recover(c->r, E));
	assert_int_equal(core_segment(c->r).state, REEVE_SEGMENT_READY);
	assert_clean(c->r);
	assert_true(lane_of(c, holder) == 2);
	/* enforcement is back, and nothing was lost */
	assert_int_equal(core_segment(c->r).sessions, 3);
	assert_int_equal(cpu_stats(c).running, 1);
	for (int i = 0; i < 3; i++) {
		struct reeve_task_info info;
		assert_ok(reeve_task_next(c->r, &info, E));
		assert_ok(reeve_task_complete(c->r, info.id, 0, E));
	}
	assert_int_equal(reeve_checkpoint(runs), 0);
	reeve_session_destroy(runs);
	reeve_session_destroy(holder);
	reeve_session_destroy(waiter);
	/* and it can degrade again */
	reeve__segment_degrade(c->r, "once more");
	assert_true(reeve_validate(c->r, NULL, NULL) == 1);
	assert_ok(reeve_segment_recover(c->r, E));
}

/* The one that recovered has died: another goes on from RECOVERING. */
static void recovery_can_be_taken_over(void **state)
{
	struct core *c = *state;

	atomic_store(&c->r->header->state, (uint32_t)REEVE_SEGMENT_RECOVERING);
	assert_ok(reeve_segment_recover(c->r, E));
	assert_int_equal(core_segment(c->r).state, REEVE_SEGMENT_READY);
}

static void what_cannot_be_put_right_stays_degraded(void **state)
{
	struct core *c = *state;
	reeve_task_id id;

	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){3}, 3, &id, E));
	uint32_t i = reeve__table_find(c->r, &c->r->header->tasks, id.v);
	reeve__put(&c->r->tasks[i].group, 3000); /* primary: nothing says what it was */
	reeve__segment_degrade(c->r, "a test was here");
	assert_fails(reeve_segment_recover(c->r, E), REEVE_EBAD_SEGMENT,
		"1 faults are left, the first: task slot 0 names group slot 3000");
	assert_int_equal(core_segment(c->r).state, REEVE_SEGMENT_DEGRADED);
	reeve__put(&c->r->tasks[i].group, 2);
	assert_ok(reeve_segment_recover(c->r, E));
	assert_ok(reeve_task_complete(c->r, id, 0, E));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_wait_names_its_holder),
		with_core(a_holder_runs_in_the_lane_of_a_higher_waiter),
		with_core(a_lower_waiter_boosts_nobody),
		with_core(merit_is_handed_on_along_a_chain),
		with_core(a_boost_ends_with_the_statement_or_with_either_side),
		with_core(outside_engines_report_by_id),
		with_core(a_ring_of_waits_is_refused),
		with_core(a_second_wait_replaces_the_first),
		with_core(a_chain_has_an_end),
		with_core(who_blocks_others_can_be_asked),
		with_core(a_boost_interrupts_under_each_policy),
		with_core(what_is_in_order_is_not_recovered),
		with_core(a_degraded_segment_is_put_right),
		with_core(recovery_can_be_taken_over),
		with_core(what_cannot_be_put_right_stays_degraded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
