/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of session pools: who is let in, who waits and in which order, how a place is handed on, what
 * ends a wait, and counts through every change. Named after the mistakes they watch for.
 */
#include "core.h"

#include "../../src/engine/engine.h"
#include "../../src/policy/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCH REEVE_BATCH_GROUP

static struct reeve_session *with_priority(struct core *c, uint64_t group, uint32_t priority)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.username = "ada";
	def.group.v = group;
	def.priority = priority;
	assert_ok(reeve_session_create(c->r, &def, &s, E));
	return s;
}

static void configure(struct core *c, uint32_t n, uint64_t timeout_ns, bool queues)
{
	assert_ok(reeve_session_pool_configure(
		c->r, (reeve_group_id){BATCH}, n, timeout_ns, queues, E));
}

static struct reeve_session_pool_info pool(struct core *c, uint64_t group)
{
	struct reeve_session_pool_info info;

	assert_ok(reeve_session_pool_get(c->r, (reeve_group_id){group}, &info, E));
	return info;
}

static int start(struct core *c, struct reeve_session *s)
{
	return reeve_session_start(c->r, reeve_session_id_of(s), E);
}

static void complete(struct core *c, struct reeve_session *s)
{
	assert_ok(reeve_session_complete(c->r, reeve_session_id_of(s), E));
}

static struct reeve_session_stats stats(struct core *c)
{
	struct reeve_session_stats s;

	reeve_session_stats_get(c->r, &s);
	return s;
}

static uint32_t state_of(struct core *c, struct reeve_session *s)
{
	return core_info(c->r, s).state;
}

static struct reeve_wait_explanation why(struct core *c, struct reeve_session *s)
{
	struct reeve_wait_explanation e;

	assert_ok(reeve_explain(c->r, reeve_session_id_of(s), &e, E));
	return e;
}

static void a_group_without_a_pool_lets_everybody_in(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[8];

	for (uint32_t i = 0; i < 8; i++) {
		s[i] = core_session(c->r, BATCH);
		assert_int_equal(start(c, s[i]), 0);
	}
	assert_false(pool(c, BATCH).is_limited);
	assert_int_equal(pool(c, BATCH).active, 8);
	for (uint32_t i = 0; i < 8; i++)
		reeve_session_destroy(s[i]);
	assert_int_equal(stats(c).sessions_queued, 0);
}

/* Sessions, line 1: the queue never drained, and served the lowest priority only. */
static void sessions_01_the_queue_drains_by_priority_then_age(void **state)
{
	struct core *c = *state;
	static const uint32_t priorities[] = {
		REEVE_SESSION_LOW, REEVE_SESSION_NORMAL, REEVE_SESSION_NORMAL, REEVE_SESSION_HIGH};
	static const uint32_t order[] = {3, 1, 2, 0};
	struct reeve_session *first, *s[4];
	struct reeve_queued_session q[8];

	configure(c, 1, REEVE_UNLIMITED, true);
	first = core_session(c->r, BATCH);
	assert_int_equal(start(c, first), 0);
	for (uint32_t i = 0; i < 4; i++) {
		s[i] = with_priority(c, BATCH, priorities[i]);
		core_sleep(&c->h, REEVE_MSEC);
		assert_int_equal(start(c, s[i]), 1);
		assert_fails(start(c, s[i]), REEVE_EINVALID_STATE, "started by hand");
		assert_int_equal(state_of(c, s[i]), REEVE_SESSION_WAITING);
	}
	assert_int_equal(reeve_session_queue_copy(c->r, (reeve_group_id){BATCH}, q, 8, E), 4);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(q[i].session.v, reeve_session_id_of(s[order[i]]).v);
		assert_int_equal(q[i].position, i + 1);
		assert_int_equal(q[i].expires_at, REEVE_NEVER);
		assert_int_equal(core_info(c->r, s[order[i]]).queue_position, i + 1);
	}
	for (uint32_t i = 0; i < 4; i++) {
		complete(c, i ? s[order[i - 1]] : first);
		assert_int_equal(state_of(c, s[order[i]]), REEVE_SESSION_ACTIVE);
		assert_int_equal(pool(c, BATCH).active, 1);
		assert_int_equal(pool(c, BATCH).queued, 3 - i);
		assert_clean(c->r);
	}
	complete(c, s[0]);
	assert_int_equal(pool(c, BATCH).active, 0);
	assert_int_equal(stats(c).sessions_queued, 4);
	assert_int_equal(stats(c).queue_wait_count, 4);
	assert_true(stats(c).queue_wait_max_ns >= stats(c).queue_wait_p50_ns);
	for (uint32_t i = 0; i < 4; i++)
		reeve_session_destroy(s[i]);
	reeve_session_destroy(first);
}

static void low_is_late_and_not_lost(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH);
	struct reeve_session *low = with_priority(c, BATCH, REEVE_SESSION_LOW), *high;

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, first), 0);
	assert_int_equal(start(c, low), 1);
	/* Highs keep coming; in the end the low one is older by more than its handicap. */
	for (uint32_t i = 0; state_of(c, low) == REEVE_SESSION_WAITING; i++) {
		assert_true(i < 12);
		high = with_priority(c, BATCH, REEVE_SESSION_HIGH);
		core_sleep(&c->h, 2 * REEVE_SEC);
		assert_int_equal(start(c, high), 1);
		reeve_session_destroy(first);
		first = high;
	}
	assert_in_range(why(c, low).waited_ns + c->h.mono, 0, INT64_MAX);
	assert_in_range(stats(c).queue_wait_max_ns, 2 * REEVE_QUEUE_HANDICAP_NS,
		2 * REEVE_QUEUE_HANDICAP_NS + 4 * (uint64_t)REEVE_SEC);
	reeve_session_destroy(low);
	reeve_session_destroy(first);
}

static void the_queue_key_ages(void **state)
{
	(void)state;
	uint64_t s = (uint64_t)REEVE_SEC;

	assert_true(reeve__queue_key(100 * s, 2) == 120 * s);
	assert_true(reeve__queue_key(105 * s, 1) < reeve__queue_key(100 * s, 2));
	assert_true(reeve__queue_key(111 * s, 1) > reeve__queue_key(100 * s, 2));
}

struct script {
	struct core *c;
	struct reeve_session *session, *other;
	uint32_t at;
	void (*act)(struct script *s);
	uint32_t seen_state, seen_reason, position;
	uint64_t holder;
};

static void on_wait(struct core_host *h, void *arg)
{
	struct script *s = arg;

	if (h->waits == s->at)
		s->act(s);
}

static struct script script(
	struct core *c, struct reeve_session *session, void (*act)(struct script *s))
{
	return (struct script){.c = c, .session = session, .act = act, .at = c->h.waits + 1};
}

static void install(struct script *s)
{
	s->c->h.on_wait = on_wait;
	s->c->h.arg = s;
}

static void look_and_complete(struct script *s)
{
	struct reeve_wait_explanation e = why(s->c, s->session);

	s->seen_state = state_of(s->c, s->session);
	s->seen_reason = e.reason;
	s->position = e.queue_position;
	s->holder = e.holder[0].v;
	complete(s->c, s->other);
}

static void a_begin_waits_for_a_place_and_is_told_why(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH), *s = core_session(c->r, BATCH);
	struct script act = script(c, s, look_and_complete);
	struct reeve_query_usage usage;

	configure(c, 1, 60 * (uint64_t)REEVE_SEC, true);
	assert_int_equal(start(c, first), 0);
	act.other = first;
	install(&act);
	act.at = c->h.waits + 3;
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(act.seen_state, REEVE_SESSION_WAITING);
	assert_int_equal(act.seen_reason, REEVE_WAIT_SESSION_POOL);
	assert_int_equal(act.position, 1);
	assert_int_equal(act.holder, reeve_session_id_of(first).v);
	assert_int_equal(pool(c, BATCH).active, 1);
	assert_false(why(c, s).waiting);
	core_work(&c->h, 3 * REEVE_MSEC);
	reeve_query_end(s, &usage);
	assert_int_equal(usage.wait_ns, 2 * REEVE_LOOK_UP_NS);
	assert_in_range(usage.cpu_ns, 2900000, 3100000); /* the wait is not charged */
	assert_int_equal(pool(c, BATCH).active, 0);
	reeve_session_destroy(s);
	reeve_session_destroy(first);
}

/* Sessions, line 7: the queue timeout and allow_queuing were ignored. */
static void sessions_07_a_queue_timeout_is_an_error_of_its_own(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH), *s = core_session(c->r, BATCH);
	reeve_ns began = c->h.mono;

	configure(c, 1, 3 * (uint64_t)REEVE_SEC, true);
	assert_int_equal(start(c, first), 0);
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_EQUEUE_TIMEOUT,
		"its queue timeout is 3000 ms");
	assert_in_range(c->h.mono - began, 3 * REEVE_SEC, 3 * REEVE_SEC + REEVE_MSEC);
	assert_int_equal(stats(c).queue_timeouts, 1);
	assert_int_equal(pool(c, BATCH).queued, 0);
	assert_int_equal(state_of(c, s), REEVE_SESSION_INACTIVE);
	/* By hand: the tick sees to it. */
	assert_int_equal(start(c, s), 1);
	core_sleep(&c->h, 3 * REEVE_SEC);
	struct reeve_tick_report report;
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.timeouts.queue_timeouts, 0); /* strictly more than the limit */
	core_sleep(&c->h, 100 * REEVE_MSEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.timeouts.queue_timeouts, 1);
	assert_int_equal(state_of(c, s), REEVE_SESSION_INACTIVE);
	assert_int_equal(stats(c).queue_timeouts, 2);
	complete(c, first);
	assert_ok(reeve_query_begin(s, NULL, E)); /* works again */
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	reeve_session_destroy(first);
}

static void sessions_07_a_pool_that_does_not_queue_refuses(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH), *s = core_session(c->r, BATCH);

	configure(c, 1, REEVE_UNLIMITED, false);
	assert_ok(reeve_query_begin(first, NULL, E));
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_ERESOURCE_EXHAUSTED,
		"its limit maxActiveSessions is 1, and it does not queue");
	assert_fails(start(c, s), REEVE_ERESOURCE_EXHAUSTED, "does not queue");
	assert_int_equal(core_info(c->r, s).total_queries, 1); /* the refused begin was one */
	assert_int_equal(state_of(c, s), REEVE_SESSION_INACTIVE);
	reeve_query_end(first, NULL);
	assert_int_equal(start(c, s), 0);
	reeve_session_destroy(s);
	reeve_session_destroy(first);
}

static void cancel_it(struct script *s)
{
	assert_ok(reeve_session_cancel(s->c->r, reeve_session_id_of(s->session), E));
}

static void kill_it(struct script *s)
{
	assert_ok(reeve_session_kill(s->c->r, reeve_session_id_of(s->session), E));
}

static void boost_it(struct script *s)
{
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(reeve_session_boost(s->c->r, reeve_session_id_of(s->session), NULL, E));
}

/* Sessions, line 10: a boost did not affect queued entries, never decayed, and counted at Critical. */
static void sessions_10_a_boost_moves_a_queued_entry_and_decays(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH);
	struct reeve_session *a = with_priority(c, BATCH, REEVE_SESSION_NORMAL);
	struct reeve_session *b = with_priority(c, BATCH, REEVE_SESSION_LOW);
	struct reeve_priority_change change;

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, first), 0);
	assert_int_equal(start(c, a), 1);
	assert_int_equal(start(c, b), 1);
	assert_int_equal(core_info(c->r, b).queue_position, 2);
	for (uint32_t i = 0; i < 2; i++)
		assert_ok(reeve_session_boost(c->r, reeve_session_id_of(b), &change, E));
	assert_int_equal(change.previous, REEVE_SESSION_NORMAL);
	assert_int_equal(change.now, REEVE_SESSION_HIGH);
	assert_int_equal(change.boosts, 2);
	assert_int_equal(core_info(c->r, b).queue_position, 1);
	assert_clean(c->r);
	/* One more, and it does not wait: Critical is never queued. */
	assert_ok(reeve_session_boost(c->r, reeve_session_id_of(b), &change, E));
	assert_int_equal(state_of(c, b), REEVE_SESSION_ACTIVE);
	assert_int_equal(pool(c, BATCH).active, 2);
	assert_ok(reeve_session_boost(c->r, reeve_session_id_of(b), &change, E));
	assert_int_equal(change.boosts, 3);
	assert_int_equal(change.now, REEVE_SESSION_CRITICAL);
	assert_int_equal(core_info(c->r, b).priority, REEVE_SESSION_CRITICAL);
	complete(c, b);
	assert_int_equal(core_info(c->r, b).priority, REEVE_SESSION_LOW);
	assert_int_equal(state_of(c, a), REEVE_SESSION_WAITING);
	complete(c, first);
	assert_int_equal(state_of(c, a), REEVE_SESSION_ACTIVE);
	assert_int_equal(stats(c).priority_boosts, 3);
	/* An own priority is for good. */
	assert_ok(reeve_session_priority_set(c->r, reeve_session_id_of(b), 1, &change, E));
	assert_int_equal(change.previous, REEVE_SESSION_LOW);
	assert_ok(reeve_query_begin(with_priority(c, BATCH, 0), NULL, E));
	reeve_session_destroy(first);
	reeve_session_destroy(a);
	assert_int_equal(core_info(c->r, b).priority, REEVE_SESSION_HIGH);
	reeve_session_destroy(b);
}

static void what_is_done_to_a_queued_begin_reaches_it(void **state)
{
	struct core *c = *state;
	struct reeve_session *first = core_session(c->r, BATCH), *s = core_session(c->r, BATCH);
	struct reeve_session *victim = core_session(c->r, BATCH);
	struct reeve_query_def def = {.deadline = c->h.mono + 2 * REEVE_SEC};
	struct script act = script(c, s, cancel_it);

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, first), 0);
	install(&act);
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_ECANCELLED, "cancelled");
	assert_int_equal(pool(c, BATCH).queued, 0);
	act = script(c, victim, kill_it);
	assert_fails(reeve_query_begin(victim, NULL, E), REEVE_EKILLED, "killed");
	assert_int_equal(state_of(c, victim), REEVE_SESSION_TERMINATED);
	assert_fails(reeve_query_begin(s, &def, E), REEVE_ETIMEOUT, "out of time");
	act = script(c, s, boost_it); /* Normal to Critical */
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(pool(c, BATCH).active, 2);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).priority, REEVE_SESSION_NORMAL);
	/* By hand */
	c->h.on_wait = NULL;
	assert_int_equal(start(c, s), 1);
	assert_fails(reeve_session_complete(c->r, reeve_session_id_of(s), E), REEVE_EINVALID_STATE,
		"waits in the queue");
	assert_ok(reeve_session_cancel(c->r, reeve_session_id_of(s), E));
	assert_int_equal(state_of(c, s), REEVE_SESSION_INACTIVE);
	assert_int_equal(start(c, s), 1);
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s), E));
	assert_int_equal(pool(c, BATCH).queued, 0);
	reeve_session_destroy(victim);
	reeve_session_destroy(s);
	reeve_session_destroy(first);
}

/* Sessions, line 2: killing or timing out an active session leaked its slot. */
static void sessions_02_a_kill_gives_the_place_to_the_next(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, BATCH), *b = core_session(c->r, BATCH);

	configure(c, 1, REEVE_UNLIMITED, true);
	for (uint32_t lap = 0; lap < 3; lap++) {
		assert_int_equal(start(c, a), 0);
		assert_int_equal(start(c, b), 1);
		assert_ok(reeve_session_kill(c->r, reeve_session_id_of(a), E));
		assert_int_equal(state_of(c, b), REEVE_SESSION_ACTIVE);
		assert_int_equal(pool(c, BATCH).active, 1);
		complete(c, b);
		assert_int_equal(pool(c, BATCH).active, 0);
		reeve_session_destroy(a);
		a = core_session(c->r, BATCH);
	}
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* Sessions, line 6: reconfiguring a pool reset its active count to 0. */
static void sessions_06_counts_stay_right_through_reconfiguration(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[6];

	for (uint32_t i = 0; i < 6; i++)
		s[i] = core_session(c->r, BATCH);
	assert_int_equal(start(c, s[0]), 0);
	assert_ok(reeve_query_begin(s[1], NULL, E));
	configure(c, 2, REEVE_UNLIMITED, true); /* both run already */
	assert_int_equal(pool(c, BATCH).active, 2);
	assert_int_equal(start(c, s[2]), 1);
	assert_int_equal(start(c, s[3]), 1);
	assert_int_equal(start(c, s[4]), 1);
	configure(c, 3, REEVE_UNLIMITED, true); /* raised: the first waiter is let in at once */
	assert_int_equal(pool(c, BATCH).active, 3);
	assert_int_equal(pool(c, BATCH).queued, 2);
	assert_int_equal(state_of(c, s[2]), REEVE_SESSION_ACTIVE);
	configure(c, 1, REEVE_UNLIMITED, true); /* lowered: nothing that runs is ended */
	assert_int_equal(pool(c, BATCH).active, 3);
	reeve_query_end(s[1], NULL);
	complete(c, s[0]);
	assert_int_equal(pool(c, BATCH).active, 1);
	assert_int_equal(state_of(c, s[3]), REEVE_SESSION_WAITING);
	assert_clean(c->r);
	assert_ok(reeve_session_pool_remove(c->r, (reeve_group_id){BATCH}, E));
	assert_int_equal(state_of(c, s[3]), REEVE_SESSION_ACTIVE);
	assert_int_equal(state_of(c, s[4]), REEVE_SESSION_ACTIVE);
	assert_false(pool(c, BATCH).is_limited);
	assert_int_equal(pool(c, BATCH).active, 3);
	assert_clean(c->r);
	configure(c, 3, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, s[5]), 1);
	complete(c, s[2]);
	assert_int_equal(state_of(c, s[5]), REEVE_SESSION_ACTIVE);
	for (uint32_t i = 0; i < 6; i++)
		reeve_session_destroy(s[i]);
	assert_int_equal(pool(c, BATCH).active, 0);
}

static void an_activation_ends_a_pool_by_hand(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, BATCH), *b = core_session(c->r, BATCH);

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, a), 0);
	assert_int_equal(start(c, b), 1);
	assert_true(pool(c, BATCH).by_hand);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_DAYTIME_PLAN}, E));
	assert_false(pool(c, BATCH).is_limited);
	assert_int_equal(state_of(c, b), REEVE_SESSION_ACTIVE);
	assert_fails(reeve_session_pool_remove(c->r, (reeve_group_id){BATCH}, E), REEVE_ENOT_FOUND,
		"no session pool of its own");
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

static void a_plan_limits_when_its_sessions_are_managed(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, BATCH), *b = core_session(c->r, BATCH);
	const struct reeve_directive_def one = {
		.given = REEVE_DIRECTIVE_ACTIVE_SESSIONS | REEVE_DIRECTIVE_QUEUE_TIMEOUT,
		.active_sessions = 1,
		.queue_timeout_ns = (uint64_t)REEVE_SEC};

	core_directive(c->r, REEVE_NIGHTTIME_PLAN, BATCH, &one); /* which does not manage them */
	core_directive(c->r, REEVE_DEFAULT_PLAN, BATCH, &one);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_NIGHTTIME_PLAN}, E));
	assert_false(pool(c, BATCH).is_limited);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_DEFAULT_PLAN}, E));
	assert_true(pool(c, BATCH).is_limited);
	assert_false(pool(c, BATCH).by_hand);
	assert_int_equal(pool(c, BATCH).queue_timeout_ns, REEVE_SEC);
	assert_int_equal(start(c, a), 0);
	assert_fails(reeve_query_begin(b, NULL, E), REEVE_EQUEUE_TIMEOUT, "1000 ms");
	assert_int_equal(why(c, a).plan.v, REEVE_DEFAULT_PLAN);
	/* By hand goes before the plan. */
	configure(c, 2, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, b), 0);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

static void critical_and_system_are_never_queued(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, BATCH);
	struct reeve_session *critical = with_priority(c, BATCH, REEVE_SESSION_CRITICAL);
	struct reeve_session *b = core_session(c->r, BATCH);
	const struct reeve_directive_def one = {
		.given = REEVE_DIRECTIVE_ACTIVE_SESSIONS, .active_sessions = 1};

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_ok(reeve_query_begin(a, NULL, E));
	assert_int_equal(start(c, critical), 0);
	assert_int_equal(pool(c, BATCH).active, 2);
	assert_int_equal(start(c, b), 1);
	reeve_query_end(a, NULL);
	assert_int_equal(state_of(c, b), REEVE_SESSION_WAITING); /* there is no room yet */
	complete(c, critical);
	assert_int_equal(state_of(c, b), REEVE_SESSION_ACTIVE);
	assert_fails(reeve_session_pool_configure(
			     c->r, (reeve_group_id){REEVE_SYS_GROUP}, 1, 1000000, true, E),
		REEVE_EPERMISSION_DENIED, "never queued");
	core_directive(c->r, REEVE_DEFAULT_PLAN, REEVE_SYS_GROUP, &one);
	assert_false(pool(c, REEVE_SYS_GROUP).is_limited);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	reeve_session_destroy(critical);
}

static void a_switch_moves_the_place(void **state)
{
	struct core *c = *state;
	uint64_t other = core_group(c->r, "other", 0);
	struct reeve_session *s[4];

	for (uint32_t i = 0; i < 4; i++)
		s[i] = core_session(c->r, i < 3 ? BATCH : other);
	configure(c, 1, REEVE_UNLIMITED, true);
	assert_ok(reeve_session_pool_configure(
		c->r, (reeve_group_id){other}, 1, REEVE_UNLIMITED, true, E));
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(start(c, s[i]), i == 1 || i == 2);
	/* The active one counts over there although there is no room, and leaves room here. */
	assert_ok(reeve_session_switch(
		c->r, reeve_session_id_of(s[0]), (reeve_group_id){other}, REEVE_SWITCH_MANUAL, E));
	assert_int_equal(pool(c, other).active, 2);
	assert_int_equal(pool(c, BATCH).active, 1);
	assert_int_equal(state_of(c, s[1]), REEVE_SESSION_ACTIVE);
	/* One that waits, waits over there. */
	assert_ok(reeve_session_switch(
		c->r, reeve_session_id_of(s[2]), (reeve_group_id){other}, REEVE_SWITCH_MANUAL, E));
	assert_int_equal(pool(c, other).queued, 1);
	assert_int_equal(pool(c, BATCH).queued, 0);
	assert_clean(c->r);
	complete(c, s[0]);
	assert_int_equal(state_of(c, s[2]), REEVE_SESSION_WAITING);
	complete(c, s[3]);
	assert_int_equal(state_of(c, s[2]), REEVE_SESSION_ACTIVE);
	/* To a group without a pool, and back. */
	assert_ok(reeve_session_switch(c->r, reeve_session_id_of(s[2]),
		(reeve_group_id){REEVE_MAINTENANCE_GROUP}, REEVE_SWITCH_MANUAL, E));
	assert_int_equal(pool(c, other).active, 0);
	assert_ok(reeve_session_switch(
		c->r, reeve_session_id_of(s[2]), (reeve_group_id){other}, REEVE_SWITCH_MANUAL, E));
	assert_int_equal(pool(c, other).active, 1);
	assert_clean(c->r);
	for (uint32_t i = 0; i < 4; i++)
		reeve_session_destroy(s[i]);
	assert_int_equal(pool(c, other).active, 0);
	assert_int_equal(pool(c, BATCH).active, 0);
}

static void a_dead_process_leaves_its_places_and_its_queue(void **state)
{
	struct core *c = *state;
	struct reeve *other;
	struct reeve_session *active, *queued, *mine = core_session(c->r, BATCH);

	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &other, E));
	configure(c, 1, REEVE_UNLIMITED, true);
	active = core_session(other, BATCH);
	queued = core_session(other, BATCH);
	assert_int_equal(start(c, active), 0);
	assert_int_equal(start(c, queued), 1);
	core_sleep(&c->h, REEVE_MSEC);
	assert_int_equal(start(c, mine), 1);
	c->h.dead_below = 60;
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(state_of(c, mine), REEVE_SESSION_ACTIVE);
	assert_int_equal(pool(c, BATCH).active, 1);
	assert_int_equal(pool(c, BATCH).queued, 0);
	other->attachment = REEVE_NONE;
	other->local_sessions = NULL;
	free(active); /* what the death has left of the handles */
	free(queued);
	reeve_close(other);
	reeve_session_destroy(mine);
}

/* Every step of a place at which a process can die, as its session's word tells it. */
static void a_death_between_two_steps_is_counted_out(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *other = core_session(c->r, BATCH);
	uint32_t g = reeve__get(&s->sh->group);

	configure(c, 2, REEVE_UNLIMITED, true);
	assert_int_equal(start(c, other), 0);
	for (uint32_t step = 0; step < 4; step++) {
		/* PENDING not counted, PENDING counted, RELEASING counted, RELEASING not counted */
		atomic_store(&s->sh->pool, (uint64_t)(step < 2 ? 1 : 3) << 32 | g);
		if (step == 1 || step == 2)
			atomic_fetch_add(&c->r->session_pools[g].word, 1);
		reeve_session_destroy(s);
		assert_int_equal(pool(c, BATCH).active, 1);
		assert_clean(c->r);
		s = core_session(c->r, BATCH);
	}
	reeve_session_destroy(s);
	reeve_session_destroy(other);
}

static void *die_with(void *lock)
{
	reeve__lock_acquire(lock);
	return NULL;
}

static void everything_derived_is_made_anew_when_the_locks_owner_dies(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[5];
	uint32_t g;

	configure(c, 2, REEVE_UNLIMITED, true);
	for (uint32_t i = 0; i < 5; i++) {
		s[i] = core_session(c->r, BATCH);
		assert_int_equal(start(c, s[i]), i >= 2);
	}
	g = reeve__get(&s[0]->sh->group);
	/* Garbage in all that is derived, and a lock whose owner is gone. */
	c->r->session_pools[g].root = 7;
	c->r->session_pools[g].waiting = 99;
	atomic_store(&c->r->session_pools[g].word, atomic_load(&c->r->session_pools[g].word) + 17);
	for (uint32_t i = 0; i < 5; i++)
		s[i]->sh->queue_node.left = s[i]->sh->queue_node.rank = 3;
	struct reeve__session_pool_pass x;
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, die_with, &c->r->control->lock), 0);
	pthread_join(thread, NULL);
	reeve__session_pool_begin(&x, c->r);
	reeve__session_pool_unlock(&x);
	assert_int_equal(pool(c, BATCH).active, 2);
	assert_int_equal(pool(c, BATCH).queued, 3);
	assert_clean(c->r);
	complete(c, s[0]);
	assert_int_equal(state_of(c, s[2]), REEVE_SESSION_ACTIVE);
	for (uint32_t i = 0; i < 5; i++)
		reeve_session_destroy(s[i]);
}

static void explain_names_who_has_what_it_waits_for(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[20];
	struct reeve_wait_explanation e;

	configure(c, 18, 60 * (uint64_t)REEVE_SEC, true);
	for (uint32_t i = 0; i < 20; i++) {
		s[i] = core_session(c->r, BATCH);
		core_sleep(&c->h, REEVE_MSEC);
		assert_int_equal(start(c, s[i]), i >= 18);
	}
	core_sleep(&c->h, REEVE_SEC);
	e = why(c, s[19]);
	assert_true(e.waiting);
	assert_int_equal(e.reason, REEVE_WAIT_SESSION_POOL);
	assert_int_equal(e.limit_kind, REEVE_LIMIT_ACTIVE_SESSIONS);
	assert_int_equal(e.limit, 18);
	assert_int_equal(e.actual, 18);
	assert_int_equal(e.set_by, REEVE_SET_BY_CONFIGURATION);
	assert_int_equal(e.queue_position, 2);
	assert_int_equal(e.waited_ns, REEVE_SEC);
	assert_int_equal(e.holders, 18);
	for (uint32_t i = 0; i < REEVE_HOLDERS_MAX; i++)
		assert_int_equal(e.holder[i].v, reeve_session_id_of(s[i]).v);
	assert_non_null(strstr(e.text, "number 2 for one of 18 active sessions"));
	assert_false(why(c, s[0]).waiting);
	assert_fails(reeve_explain(c->r, (reeve_session_id){4711}, &e, E), REEVE_ENOT_FOUND, "");
	/* Blocked by another. */
	assert_ok(reeve_session_blocked_by(
		c->r, reeve_session_id_of(s[0]), reeve_session_id_of(s[5]), E));
	e = why(c, s[0]);
	assert_int_equal(e.holder[0].v, reeve_session_id_of(s[5]).v);
	assert_int_equal(state_of(c, s[0]), REEVE_SESSION_BLOCKED);
	assert_ok(reeve_session_unblocked(c->r, reeve_session_id_of(s[0]), E));
	assert_int_equal(state_of(c, s[0]), REEVE_SESSION_ACTIVE);
	for (uint32_t i = 0; i < 20; i++)
		reeve_session_destroy(s[i]);
}

/* A switch changes the session first and its task last; in between the task's group is the old one. */
static void a_beginner_enters_the_pool_of_its_sessions_group(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	uint32_t from = reeve__get(&s->sh->group), to = from - 1;
	uint64_t other = c->r->groups[to].head.id;

	configure(c, 1, REEVE_UNLIMITED, true);
	assert_ok(reeve_session_pool_configure(
		c->r, (reeve_group_id){other}, 1, REEVE_UNLIMITED, true, E));
	reeve__put(&s->sh->group, to);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_true(pool(c, BATCH).active == 0 && pool(c, other).active == 1);
	reeve_query_end(s, NULL);
	assert_true(pool(c, BATCH).active == 0 && pool(c, other).active == 0);
	reeve__put(&s->sh->group, from);
	reeve_session_destroy(s);
}

static void bad_input(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {BATCH}, none = {4711};
	struct reeve_session_pool_info info;
	struct reeve_queued_session q;
	struct reeve_wait_explanation e;
	struct reeve_query_def def = {.deadline = 5};
	struct reeve_session *s = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);

	assert_fails(reeve_session_pool_configure(NULL, g, 1, 1000000, true, E),
		REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_session_pool_configure(c->r, none, 1, 1000000, true, E),
		REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_session_pool_configure(c->r, g, 0, 1000000, true, E),
		REEVE_EINVALID_ARGUMENT, "maxActiveSessions is 0; allowed are 1 to 1048576");
	assert_fails(reeve_session_pool_configure(c->r, g, 1, 999999, true, E),
		REEVE_EINVALID_ARGUMENT, "queueTimeout is 999999 ns; allowed are 1 ms up");
	assert_fails(
		reeve_session_pool_remove(NULL, g, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_session_pool_remove(c->r, g, E), REEVE_ENOT_FOUND, "no session pool");
	assert_fails(reeve_session_pool_get(c->r, none, &info, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_session_pool_get(NULL, g, &info, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(reeve_session_pool_get(c->r, g, NULL, E), REEVE_EINVALID_ARGUMENT,
		"ret_info is NULL");
	assert_int_equal(reeve_session_pool_copy(NULL, g, &info, 1), 0);
	assert_int_equal(reeve_session_pool_copy(c->r, g, NULL, 1), 0);
	assert_fails(reeve_session_queue_copy(c->r, none, &q, 1, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_session_queue_copy(NULL, g, &q, 1, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(reeve_session_queue_copy(c->r, g, NULL, 1, E), REEVE_EINVALID_ARGUMENT,
		"ret_queued is NULL");
	assert_fails(reeve_explain(NULL, id, &e, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_explain(c->r, id, NULL, E), REEVE_EINVALID_ARGUMENT,
		"ret_explanation is NULL");
	assert_fails(reeve_session_start_query(NULL, id, NULL, NULL, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(reeve_session_start_query(c->r, id, &def, NULL, E), REEVE_EINVALID_ARGUMENT,
		"deadline is 5");
	assert_fails(
		reeve_session_boost(NULL, id, NULL, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_session_priority_set(c->r, id, 4, NULL, E), REEVE_EINVALID_ARGUMENT,
		"priority is 4");
	assert_fails(
		reeve_session_boost(c->r, (reeve_session_id){99}, NULL, E), REEVE_ENOT_FOUND, "99");
	reeve_session_destroy(s);
	assert_fails(reeve_session_boost(c->r, id, NULL, E), REEVE_EINVALID_STATE, "has ended");
}

/* ---- threads ---- */

enum { THREADS = 4 };

struct crew {
	struct reeve *r;
	struct reeve_session *s; /* made and ended by the test itself */
	uint64_t laps;
	_Atomic int32_t *inside;
	_Atomic uint32_t *over;
	int32_t limit;
	uint64_t done;
};

static void *run(void *arg)
{
	struct crew *crew = arg;
	struct reeve_session *s = crew->s;

	for (uint64_t i = 0; i < crew->laps; i++) {
		if (reeve_query_begin(s, NULL, NULL))
			abort();
		if (atomic_fetch_add(crew->inside, 1) + 1 > crew->limit)
			(*crew->over)++;
		reeve_checkpoint(s);
		atomic_fetch_sub(crew->inside, 1);
		reeve_query_end(s, NULL);
		crew->done++;
	}
	return NULL;
}

/* Sessions, line 5: the limit was exceeded by a race of two. */
static void sessions_05_a_limit_holds_however_many_come_at_once(void **state)
{
	struct reeve_session_pool_info info;
	_Atomic int32_t inside = 0;
	_Atomic uint32_t over = 0;
	struct crew crew[THREADS];
	pthread_t threads[THREADS];
	struct reeve *r = core_open(NULL, 4);

	(void)state;
	assert_ok(reeve_session_pool_configure(
		r, (reeve_group_id){BATCH}, 2, REEVE_UNLIMITED, true, E));
	for (uint32_t i = 0; i < THREADS; i++) {
		crew[i] = (struct crew){.r = r,
			.s = core_session(r, BATCH),
			.laps = core_steps(3000),
			.inside = &inside,
			.over = &over,
			.limit = 2};
		pthread_create(&threads[i], NULL, run, &crew[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < THREADS; i++)
		reeve_session_destroy(crew[i].s);
	assert_int_equal(over, 0);
	assert_ok(reeve_session_pool_get(r, (reeve_group_id){BATCH}, &info, E));
	assert_int_equal(info.active, 0);
	assert_int_equal(info.queued, 0);
	assert_clean(r);
	reeve_close(r);
}

static void *change(void *arg)
{
	struct crew *crew = arg;

	for (uint64_t i = 0; i < crew->laps; i++) {
		if (i % 5 == 4)
			reeve_session_pool_remove(crew->r, (reeve_group_id){BATCH}, NULL);
		else if (reeve_session_pool_configure(crew->r, (reeve_group_id){BATCH},
				 (uint32_t)(1 + i % 3), REEVE_UNLIMITED, true, NULL))
			abort();
	}
	return NULL;
}

static void counts_survive_changes_under_load(void **state)
{
	struct reeve_session_pool_info info;
	_Atomic int32_t inside = 0;
	_Atomic uint32_t over = 0;
	struct crew crew[THREADS];
	pthread_t threads[THREADS];
	struct reeve *r = core_open(NULL, 4);

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++) {
		crew[i] = (struct crew){.r = r,
			.s = core_session(r, BATCH),
			.laps = core_steps(i ? 3000 : 300),
			.inside = &inside,
			.over = &over,
			.limit = THREADS};
		pthread_create(&threads[i], NULL, i ? run : change, &crew[i]);
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_ok(reeve_session_pool_configure(
		r, (reeve_group_id){BATCH}, 1, REEVE_UNLIMITED, true, E));
	assert_ok(reeve_session_pool_get(r, (reeve_group_id){BATCH}, &info, E));
	assert_int_equal(info.active, 0);
	assert_clean(r);
	reeve_close(r);
}

#define with_core(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_group_without_a_pool_lets_everybody_in),
		with_core(sessions_01_the_queue_drains_by_priority_then_age),
		with_core(low_is_late_and_not_lost),
		cmocka_unit_test(the_queue_key_ages),
		with_core(a_begin_waits_for_a_place_and_is_told_why),
		with_core(sessions_07_a_queue_timeout_is_an_error_of_its_own),
		with_core(sessions_07_a_pool_that_does_not_queue_refuses),
		with_core(sessions_10_a_boost_moves_a_queued_entry_and_decays),
		with_core(what_is_done_to_a_queued_begin_reaches_it),
		with_core(sessions_02_a_kill_gives_the_place_to_the_next),
		with_core(sessions_06_counts_stay_right_through_reconfiguration),
		with_core(an_activation_ends_a_pool_by_hand),
		with_core(a_plan_limits_when_its_sessions_are_managed),
		with_core(critical_and_system_are_never_queued),
		with_core(a_switch_moves_the_place),
		with_core(a_dead_process_leaves_its_places_and_its_queue),
		with_core(a_death_between_two_steps_is_counted_out),
		with_core(everything_derived_is_made_anew_when_the_locks_owner_dies),
		with_core(explain_names_who_has_what_it_waits_for),
		with_core(a_beginner_enters_the_pool_of_its_sessions_group),
		with_core(bad_input),
		cmocka_unit_test(sessions_05_a_limit_holds_however_many_come_at_once),
		cmocka_unit_test(counts_survive_changes_under_load),
	};

	return cmocka_run_group_tests_name("pools", tests, NULL, NULL);
}
