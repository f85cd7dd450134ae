/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of statements: slots, waits, cancel, kill, deadlines, block, shield, caps, runaways; on one
 * thread, with a host whose clocks stand still. Who waits calls the test back, which then acts as
 * the rest of the world. Nobody sleeps.
 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two sessions of a group on one CPU slot: `runs` has it, `waits` wants it. */
struct pair {
	struct core *c;
	struct reeve_session *runs, *waits;
	reeve_ns after; /* what the rest of the world does, it does this much later */
	uint32_t calls;
	struct reeve_session_info seen; /* of `waits`, while it waited */
	int code;			/* what `runs` was told */
};

static struct pair pair_of(struct core *c)
{
	struct pair p = {.c = c, .after = 3 * REEVE_MSEC};

	p.runs = core_session(c->r, 3);
	p.waits = core_session(c->r, 3);
	assert_ok(reeve_query_begin(p.runs, NULL, E));
	c->h.arg = NULL;
	return p;
}

static void part(struct pair *p)
{
	p->c->h.on_wait = NULL;
	reeve_session_destroy(p->runs);
	reeve_session_destroy(p->waits);
}

/* Makes `act` what happens at the first wait. */
static void then(struct pair *p, void (*act)(struct core_host *h, void *arg))
{
	p->c->h.arg = p;
	p->c->h.on_wait = act;
}

static struct reeve_cpu_stats cpu_stats(struct core *c)
{
	struct reeve_cpu_stats s;

	reeve_cpu_stats_get(c->r, &s);
	return s;
}

static struct reeve_session_stats session_stats(struct core *c)
{
	struct reeve_session_stats s;

	reeve_session_stats_get(c->r, &s);
	return s;
}

/* What `waits` looks like from outside, the first time. */
static bool look(struct core_host *h, struct pair *p)
{
	if (p->calls++)
		return false;
	p->seen = core_info(p->c->r, p->waits);
	core_sleep(h, p->after);
	return true;
}

/* ---- slots ---- */

static void a_free_slot_is_taken_without_waiting(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_usage u;

	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(cpu_stats(c).running, 1);
	assert_int_equal(core_group_stats(c->r, 3).running, 1);
	core_work(&c->h, 12 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	core_work(&c->h, 8 * REEVE_MSEC);
	reeve_query_end(s, &u);
	assert_true(u.cpu_ns == 20 * REEVE_MSEC && u.elapsed_ns == 20 * REEVE_MSEC);
	assert_true(u.wait_ns == 0 && u.blocked_ns == 0 && u.parks == 0 && u.group.v == 3);
	assert_int_equal(c->h.waits, 0);
	assert_int_equal(cpu_stats(c).running, 0);
	assert_int_equal(cpu_stats(c).waits, 0);
	reeve_session_destroy(s);
}

static void end_running(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (look(h, p))
		reeve_query_end(p->runs, NULL);
}

/* CPU, line 1: nothing was ever stopped. Sessions, line 1: the queue never drained. */
static void cpu_01_without_a_slot_a_statement_waits_until_one_is_free(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_usage u;
	reeve_ns began = c->h.mono;

	then(&p, end_running);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(p.seen.state, REEVE_SESSION_WAITING);
	assert_int_equal(p.seen.wait_reason, REEVE_WAIT_CPU_SLOT);
	assert_true(p.seen.waiting_since == began);
	assert_int_equal(core_info(c->r, p.waits).state, REEVE_SESSION_ACTIVE);
	assert_int_equal(core_info(c->r, p.waits).wait_reason, REEVE_WAIT_NONE);
	core_work(&c->h, REEVE_MSEC);
	reeve_query_end(p.waits, &u);
	assert_true(u.wait_ns == p.after && u.parks == 1);
	assert_true(u.cpu_ns == REEVE_MSEC && u.elapsed_ns == p.after + REEVE_MSEC);
	part(&p);
}

/* CPU, line 13: the average wait was never written. */
static void cpu_13_waits_are_counted_and_timed(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	then(&p, end_running);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(cpu_stats(c).waits, 1);
	assert_true(cpu_stats(c).wait_ns == (uint64_t)p.after);
	assert_true(core_group_stats(c->r, 3).wait_ns == (uint64_t)p.after);
	assert_true(core_group_stats(c->r, 3).dispatches == 1);
	assert_true(core_info(c->r, p.waits).wait_ns == p.after);
	part(&p);
}

static void end_running_with_effort(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (!look(h, p))
		return;
	h->cpu +=
		20 * REEVE_USEC; /* what the waiter's own thread uses to fall asleep and wake up */
	reeve_query_end(p->runs, NULL);
}

/* A cap of 25 percent let 26.1 through (bench_sqlite_shares): a thousand parks a second are work. */
static void going_to_sleep_and_waking_up_are_charged(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_usage u;

	then(&p, end_running_with_effort);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	reeve_query_end(p.waits, &u);
	assert_true(u.cpu_ns == 20 * REEVE_USEC);
	part(&p);
}

static void kill_running(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (!look(h, p))
		return;
	assert_ok(reeve_session_kill(p->c->r, reeve_session_id_of(p->runs), E));
	p->code = reeve_checkpoint(p->runs);
	reeve_query_end(p->runs, NULL);
}

static void the_slot_of_a_killed_statement_goes_to_who_waits(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	then(&p, kill_running);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(p.code, REEVE_EKILLED);
	assert_int_equal(cpu_stats(c).running, 1);
	part(&p);
}

static void destroy_running(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (!look(h, p))
		return;
	reeve_session_destroy(p->runs);
	p->runs = NULL;
}

static void the_slot_of_a_destroyed_session_goes_to_who_waits(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	then(&p, destroy_running);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	part(&p);
}

static void beginning_twice_is_refused_and_ending_twice_counts_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_usage u = {.parks = 77};

	reeve_query_end(s, &u); /* nothing runs: nothing happens */
	assert_int_equal(u.parks, 77);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_EINVALID_STATE,
		"session 1 is running a statement");
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(s, NULL);
	reeve_query_end(s, NULL);
	assert_true(core_info(c->r, s).total_queries == 1);
	assert_true(core_group_stats(c->r, 3).queries == 1);
	reeve_session_destroy(s);
}

static void with_two_slots_two_run_at_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 2);
	struct reeve_task_info t[2];

	assert_ok(reeve_query_begin(a, NULL, E));
	assert_ok(reeve_query_begin(b, NULL, E));
	assert_int_equal(cpu_stats(c).running, 2);
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, t, 2), 2);
	assert_int_not_equal(t[0].slot, t[1].slot);
	assert_int_equal(c->h.waits, 0);
	reeve_query_end(a, NULL);
	reeve_query_end(b, NULL);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* CPU, line 13: context switches were always the dispatches. */
static void cpu_13_switches_count_only_changes_of_task(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 3);
	struct reeve_session *turn[] = {a, b, a, b};

	for (int i = 0; i < 4; i++) {
		assert_ok(reeve_query_begin(turn[i], NULL, E));
		reeve_query_end(turn[i], NULL);
	}
	assert_int_equal(cpu_stats(c).context_switches, 4);
	for (int i = 0; i < 4; i++) {
		assert_ok(reeve_query_begin(b, NULL, E));
		reeve_query_end(b, NULL);
	}
	assert_int_equal(cpu_stats(c).context_switches, 4);
	assert_true(cpu_stats(c).scheduled >= 4);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* ---- being told to stop ---- */

static void a_deadline_ends_a_wait(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_def def = {.deadline = c->h.mono + 50 * REEVE_MSEC};

	assert_fails(
		reeve_query_begin(p.waits, &def, E), REEVE_ETIMEOUT, "out of time after 0.050 s");
	assert_true(c->h.mono >= def.deadline && c->h.mono < def.deadline + REEVE_MSEC);
	assert_int_equal(core_info(c->r, p.waits).state, REEVE_SESSION_INACTIVE);
	assert_true(core_info(c->r, p.waits).waiting_since == 0);
	assert_int_equal(cpu_stats(c).ready, 0);
	assert_int_equal(session_stats(c).execution_timeouts, 1);
	assert_int_equal(cpu_stats(c).waits, 1); /* it is over too */
	assert_true(cpu_stats(c).wait_ns >= 50 * (uint64_t)REEVE_MSEC);
	assert_ok(reeve_checkpoint(p.runs)); /* the other goes on */
	reeve_query_end(p.runs, NULL);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	part(&p);
}

static void a_deadline_that_is_over_ends_it_at_once_when_it_must_wait(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_def def = {.deadline = c->h.mono - REEVE_SEC};

	assert_fails(reeve_query_begin(p.waits, &def, E), REEVE_ETIMEOUT, "out of time");
	assert_true(c->h.waits <= 1);
	part(&p);
}

static void cancel_waiting(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (look(h, p))
		assert_ok(reeve_session_cancel(p->c->r, reeve_session_id_of(p->waits), E));
}

static void a_cancel_ends_a_wait(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	then(&p, cancel_waiting);
	assert_fails(reeve_query_begin(p.waits, NULL, E), REEVE_ECANCELLED,
		"the statement was cancelled");
	assert_int_equal(core_info(c->r, p.waits).state, REEVE_SESSION_INACTIVE);
	assert_int_equal(session_stats(c).cancelled, 1);
	assert_int_equal(cpu_stats(c).ready, 0);
	reeve_query_end(p.runs, NULL);
	assert_ok(reeve_query_begin(p.waits, NULL, E)); /* the next one is not meant */
	assert_ok(reeve_checkpoint(p.waits));
	part(&p);
}

static void kill_waiting(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (look(h, p))
		assert_ok(reeve_session_kill(p->c->r, reeve_session_id_of(p->waits), E));
}

static void a_kill_ends_a_wait_and_the_session(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	then(&p, kill_waiting);
	assert_fails(reeve_query_begin(p.waits, NULL, E), REEVE_EKILLED, "the session was killed");
	assert_int_equal(core_info(c->r, p.waits).state, REEVE_SESSION_TERMINATED);
	assert_int_equal(core_info(c->r, p.waits).termination, REEVE_END_MANUAL_KILL);
	assert_int_equal(cpu_stats(c).ready, 0);
	assert_int_equal(core_group_info(c->r, 3).current_sessions, 1);
	assert_ok(reeve_checkpoint(p.runs));
	part(&p);
}

static void a_deadline_ends_a_running_statement(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_def def = {.deadline = c->h.mono + 50 * REEVE_MSEC};

	assert_ok(reeve_query_begin(s, &def, E));
	assert_string_equal(reeve_checkpoint_text(s), "");
	core_work(&c->h, 40 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	core_work(&c->h, 20 * REEVE_MSEC);
	assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
	assert_string_equal(
		reeve_checkpoint_text(s), "the statement was out of time after 0.050 s");
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE); /* until it ends it */
	reeve_query_end(s, NULL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_string_equal(reeve_checkpoint_text(s), "");
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

/* Sessions, line 3: one timeout was counted again at each check. */
static void sessions_03_a_timeout_is_counted_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_def def = {.deadline = c->h.mono + REEVE_MSEC};

	assert_ok(reeve_query_begin(s, &def, E));
	for (int i = 0; i < 5; i++) {
		core_work(&c->h, 5 * REEVE_MSEC);
		assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
		assert_ok(reeve_tick(c->r, NULL, E));
	}
	assert_int_equal(session_stats(c).execution_timeouts, 1);
	reeve_query_end(s, NULL);
	assert_int_equal(session_stats(c).execution_timeouts, 1);
	reeve_session_destroy(s);
}

/* Groups, line 3; Sessions, line 9: the group's limit was read by nobody; a timeout took the session. */
static void sessions_09_the_groups_limit_ends_the_statement_and_not_the_session(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_query_def longer = {.deadline = c->h.mono + 100 * REEVE_SEC};
	struct reeve_session *s = core_session(c->r, 3);

	def.max_execution_ns = 2 * REEVE_SEC;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){3}, REEVE_GROUP_MAX_EXECUTION, &def, 0, E));
	assert_ok(reeve_query_begin(s, &longer, E));
	core_work(&c->h, 1900 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	core_work(&c->h, 200 * REEVE_MSEC);
	assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
	assert_string_equal(
		reeve_checkpoint_text(s), "the statement was out of time after 2.000 s");
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_cancel_ends_a_running_statement(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id id = reeve_session_id_of(s);

	assert_fails(reeve_session_cancel(c->r, id, E), REEVE_EINVALID_STATE,
		"session 1 runs no statement");
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(reeve_session_cancel(c->r, id, E));
	assert_int_equal(reeve_checkpoint(s), REEVE_ECANCELLED);
	assert_int_equal(reeve_checkpoint(s), REEVE_ECANCELLED); /* it sticks */
	reeve_query_end(s, NULL);
	assert_int_equal(session_stats(c).cancelled, 1);
	reeve_session_destroy(s);
}

static void a_cancel_that_comes_too_late_does_not_hit_the_next(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, REEVE_MSEC);
	assert_ok(reeve_session_cancel(c->r, reeve_session_id_of(s), E));
	reeve_query_end(s, NULL);
	core_work(&c->h, REEVE_MSEC);
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, NULL);
	assert_int_equal(session_stats(c).cancelled, 0);
	reeve_session_destroy(s);
}

/* ---- block ---- */

static void a_blocked_statement_gives_its_slot_up(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 3);
	struct reeve_query_usage u;

	assert_ok(reeve_query_begin(a, NULL, E));
	core_work(&c->h, 2 * REEVE_MSEC);
	reeve_block_begin(a);
	assert_ok(reeve_query_begin(b, NULL, E));
	assert_int_equal(c->h.waits, 0);
	core_work(&c->h, 5 * REEVE_MSEC);
	reeve_query_end(b, NULL);
	assert_ok(reeve_block_end(a));
	assert_int_equal(c->h.waits, 0);
	core_work(&c->h, REEVE_MSEC);
	reeve_query_end(a, &u);
	assert_true(u.blocked_ns == 5 * REEVE_MSEC && u.wait_ns == 0);
	assert_true(u.cpu_ns == 3 * REEVE_MSEC && u.elapsed_ns == 8 * REEVE_MSEC);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

static void coming_back_from_a_block_may_wait(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_usage u;

	reeve_query_end(p.runs, NULL);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	reeve_block_begin(p.waits);
	assert_ok(reeve_query_begin(p.runs, NULL, E));
	core_work(&c->h, REEVE_MSEC);
	then(&p, end_running);
	assert_ok(reeve_block_end(p.waits));
	assert_int_equal(p.seen.state, REEVE_SESSION_WAITING);
	reeve_query_end(p.waits, &u);
	assert_true(u.blocked_ns == REEVE_MSEC && u.wait_ns == p.after);
	assert_true(u.cpu_ns == 0);
	part(&p);
}

static void blocks_nest_and_the_outermost_counts(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_usage u;

	reeve_block_begin(s); /* outside a statement: nothing */
	assert_int_equal(reeve_block_end(s), 0);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	core_sleep(&c->h, REEVE_MSEC);
	reeve_block_begin(s);
	core_sleep(&c->h, REEVE_MSEC);
	assert_ok(reeve_block_end(s));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_BLOCKED);
	core_sleep(&c->h, REEVE_MSEC);
	assert_ok(reeve_block_end(s));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	assert_int_equal(reeve_block_end(s), 0); /* one too many: nothing */
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(s, &u);
	assert_true(u.blocked_ns == 3 * REEVE_MSEC);
	reeve_session_destroy(s);
}

static void a_statement_can_end_blocked(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	reeve_block_begin(s);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_block_that_ends_after_cancel_kill_or_deadline_says_so(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_def def = {.deadline = c->h.mono + 10 * REEVE_MSEC};

	assert_ok(reeve_query_begin(s, &def, E));
	reeve_block_begin(s);
	core_sleep(&c->h, 20 * REEVE_MSEC);
	assert_int_equal(reeve_block_end(s), REEVE_ETIMEOUT);
	reeve_query_end(s, NULL);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	assert_ok(reeve_session_cancel(c->r, reeve_session_id_of(s), E));
	assert_int_equal(reeve_block_end(s), REEVE_ECANCELLED);
	reeve_query_end(s, NULL);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s), E));
	assert_int_equal(reeve_block_end(s), REEVE_EKILLED);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_TERMINATED);
	reeve_session_destroy(s);
}

/* ---- shield ---- */

static void work_shielded(struct core_host *h, void *arg)
{
	struct pair *p = arg;
	uint32_t waits = h->waits;

	if (!look(h, p))
		return;
	for (int i = 0; i < 50; i++) { /* far over its quantum, with another waiting */
		core_work(h, 10 * REEVE_MSEC);
		assert_int_equal(reeve_checkpoint(p->runs), 0);
	}
	assert_int_equal(h->waits, waits);
	reeve_query_end(p->runs, NULL);
}

static void a_shielded_statement_is_never_parked(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	reeve_shield_begin(p.runs);
	then(&p, work_shielded);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	/* and what it used is charged all the same */
	assert_true(core_info(c->r, p.runs).cpu_ns >= 500 * (uint64_t)REEVE_MSEC);
	part(&p);
}

static void shields_nest(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_int_equal(reeve_shield_end(s), 0); /* none: nothing */
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_shield_begin(s);
	reeve_shield_begin(s);
	assert_ok(reeve_session_cancel(c->r, reeve_session_id_of(s), E));
	assert_int_equal(reeve_shield_end(s), 0);
	assert_int_equal(reeve_shield_end(s), REEVE_ECANCELLED); /* as a checkpoint */
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

/* ---- caps ---- */

/* Runs `ms` milliseconds of work in pieces of 5 ms; how long it took. */
static reeve_ns run(struct core *c, struct reeve_session *s, uint32_t ms)
{
	reeve_ns began = c->h.mono;

	assert_ok(reeve_query_begin(s, NULL, E));
	for (uint32_t i = 0; i < ms / 5; i++) {
		core_work(&c->h, 5 * REEVE_MSEC);
		assert_ok(reeve_checkpoint(s));
	}
	reeve_query_end(s, NULL);
	return c->h.mono - began;
}

static void note_reason(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	(void)h;
	if (p->calls++ == 0)
		p->seen = core_info(p->c->r, p->waits);
}

static void a_cap_holds_though_the_slot_is_free(void **state)
{
	struct core *c = *state;
	struct pair p = {.c = c, .waits = core_session(c->r, 3)};

	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){3}, 300, 25, E));
	c->h.arg = &p;
	c->h.on_wait = note_reason;
	reeve_ns took = run(c, p.waits, 1000);
	assert_in_range(took, 3900 * REEVE_MSEC, 4100 * REEVE_MSEC);
	assert_int_equal(p.seen.state, REEVE_SESSION_WAITING);
	assert_int_equal(p.seen.wait_reason, REEVE_WAIT_CPU_CAP);
	assert_true(core_group_stats(c->r, 3).throttled_ns > 2 * (uint64_t)REEVE_SEC);
	reeve_session_destroy(p.waits);
}

/* Groups, line 15: max_utilization_limit was stored only. */
static void plans_15_the_plans_own_cap_holds_for_all(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct pair p = {.c = c, .waits = core_session(c->r, 3)};

	def.max_utilization_pct = 50;
	assert_ok(reeve_plan_update(
		c->r, (reeve_plan_id){1}, REEVE_PLAN_MAX_UTILIZATION, &def, 0, E));
	c->h.arg = &p;
	c->h.on_wait = note_reason;
	assert_in_range(run(c, p.waits, 1000), 1900 * REEVE_MSEC, 2100 * REEVE_MSEC);
	assert_int_equal(p.seen.wait_reason, REEVE_WAIT_PLAN_CAP);
	def.max_utilization_pct = 0;
	assert_ok(reeve_plan_update(
		c->r, (reeve_plan_id){1}, REEVE_PLAN_MAX_UTILIZATION, &def, 0, E));
	assert_true(run(c, p.waits, 1000) <= 1020 * REEVE_MSEC);
	reeve_session_destroy(p.waits);
}

static void without_a_cap_a_lone_group_gets_everything(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, REEVE_MAINTENANCE_GROUP); /* 100 of 2000 */

	assert_true(run(c, s, 1000) == REEVE_SEC);
	assert_int_equal(c->h.waits, 0);
	reeve_session_destroy(s);
}

/* ---- runaways ---- */

static void set_runaway(struct core *c, reeve_ns threshold, uint32_t ppm)
{
	struct reeve_cpu_config k;

	reeve_cpu_config_get(c->r, &k);
	k.runaway_threshold_ns = threshold;
	k.runaway_throttle_ppm = ppm;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
}

/* CPU, lines 2 and 3: a runaway was never found, and charged half when it was marked. */
static void cpu_02_a_runaway_is_found_once_slowed_down_and_charged_in_full(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_task_info t;
	struct reeve_query_usage u;
	reeve_ns began;

	set_runaway(c, 400 * REEVE_MSEC, 250000);
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 400 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s)); /* equal is not over */
	assert_int_equal(cpu_stats(c).runaways, 0);
	began = c->h.mono;
	for (int i = 0; i < 10; i++) {
		core_work(&c->h, 100 * REEVE_MSEC);
		assert_ok(reeve_checkpoint(s));
	}
	assert_int_equal(cpu_stats(c).runaways, 1);
	assert_int_equal(cpu_stats(c).throttled, 1);
	assert_int_equal(cpu_stats(c).throttled_now, 1);
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, &t, 1), 1);
	assert_true(t.is_runaway && t.throttle_ppm == 250000);
	assert_in_range(c->h.mono - began, 3900 * REEVE_MSEC, 4100 * REEVE_MSEC);
	reeve_query_end(s, &u);
	assert_true(u.cpu_ns == 1400 * REEVE_MSEC);
	assert_int_equal(cpu_stats(c).throttled_now, 0);
	assert_true(run(c, s, 100) == 100 * REEVE_MSEC); /* the next one starts afresh */
	assert_int_equal(cpu_stats(c).runaways, 1);
	reeve_session_destroy(s);
}

/* The slice of the statement before was subtracted: the rest was too short, or had no end. */
static void a_runaway_rests_by_its_own_use(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_usage u;

	set_runaway(c, 300 * REEVE_MSEC, 500000);
	assert_true(run(c, s, 300) == 300 * REEVE_MSEC);
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 301 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, &u);
	assert_true(u.cpu_ns == 301 * REEVE_MSEC);
	assert_in_range(u.elapsed_ns, 602 * REEVE_MSEC, 603 * REEVE_MSEC);
	reeve_session_destroy(s);
}

static void a_runaway_may_be_let_run(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_cpu_config k;

	set_runaway(c, REEVE_MSEC, REEVE_PPM);
	assert_true(run(c, s, 500) == 500 * REEVE_MSEC);
	assert_int_equal(cpu_stats(c).runaways, 1);
	assert_int_equal(cpu_stats(c).throttled, 0);
	reeve_cpu_config_get(c->r, &k);
	k.runaway_detection = false;
	k.runaway_throttle_ppm = 100000;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	assert_true(run(c, s, 500) == 500 * REEVE_MSEC);
	assert_int_equal(cpu_stats(c).runaways, 1);
	reeve_session_destroy(s);
}

static void cancel_resting(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (look(h, p))
		assert_ok(reeve_session_cancel(p->c->r, reeve_session_id_of(p->waits), E));
}

static void a_cancel_ends_the_rest_of_a_runaway(void **state)
{
	struct core *c = *state;
	struct pair p = {.c = c, .waits = core_session(c->r, 3), .after = REEVE_MSEC};
	reeve_ns began;

	set_runaway(c, REEVE_MSEC, 100000);
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	core_work(&c->h, 100 * REEVE_MSEC);
	then(&p, cancel_resting);
	began = c->h.mono;
	assert_int_equal(reeve_checkpoint(p.waits), REEVE_ECANCELLED);
	assert_true(c->h.mono - began < 10 * REEVE_MSEC);
	assert_int_equal(p.seen.wait_reason, REEVE_WAIT_RUNAWAY);
	c->h.on_wait = NULL;
	reeve_query_end(p.waits, NULL);
	assert_ok(reeve_query_begin(p.waits, NULL, E)); /* nothing of the rest is left over */
	assert_int_equal(core_info(c->r, p.waits).state, REEVE_SESSION_ACTIVE);
	reeve_session_destroy(p.waits);
}

static void a_deadline_ends_the_rest_of_a_runaway(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_query_def def = {.deadline = c->h.mono + 150 * REEVE_MSEC};

	set_runaway(c, REEVE_MSEC, 100000);
	assert_ok(reeve_query_begin(s, &def, E));
	core_work(&c->h, 100 * REEVE_MSEC); /* would rest for 900 ms */
	assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
	assert_true(c->h.mono <= def.deadline + REEVE_MSEC);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

/* ---- accounts ---- */

/* CPU, line 16: tasks were counted twice. */
static void cpu_16_what_statements_used_adds_up(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[4];
	uint64_t sum = 0;

	for (int i = 0; i < 4; i++)
		s[i] = core_session(c->r, i % 2 ? 2 : 3);
	for (int k = 0; k < 40; k++) {
		struct reeve_query_usage u;
		assert_ok(reeve_query_begin(s[k % 4], NULL, E));
		core_work(&c->h, (k + 1) * 37 * REEVE_USEC);
		if (k % 3 == 0)
			assert_ok(reeve_checkpoint(s[k % 4]));
		core_work(&c->h, 100 * REEVE_USEC);
		reeve_query_end(s[k % 4], &u);
		sum += (uint64_t)u.cpu_ns;
	}
	assert_true(core_group_stats(c->r, 2).cpu_ns + core_group_stats(c->r, 3).cpu_ns == sum);
	assert_true(core_group_stats(c->r, 2).queries == 20);
	assert_true(cpu_stats(c).cpu_ns == sum);
	uint64_t sessions = 0;
	for (int i = 0; i < 4; i++) {
		sessions += core_info(c->r, s[i]).cpu_ns;
		reeve_session_destroy(s[i]);
	}
	assert_true(sessions == sum);
	assert_true(cpu_stats(c).cpu_ns == sum); /* and stays when the sessions are gone */
	assert_true(core_group_stats(c->r, 3).queries == 20);
}

/* Manager, line 12: a statement that could not begin left the session active and its slot lost. */
static void manager_12_a_statement_that_could_not_begin_leaves_nothing(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_query_def def = {.deadline = c->h.mono + REEVE_MSEC};

	for (int i = 0; i < 10; i++)
		assert_fails(reeve_query_begin(p.waits, &def, E), REEVE_ETIMEOUT, "");
	assert_clean(c->r);
	assert_int_equal(session_stats(c).current_active, 1);
	assert_int_equal(cpu_stats(c).running, 1);
	assert_int_equal(core_group_stats(c->r, 3).waiting, 0);
	part(&p);
}

/* ---- slots taken for those who arrive ---- */

static void work_and_end(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (p->calls++)
		return;
	core_work(h, 40 * REEVE_MSEC);
	reeve_query_end(p->runs, NULL);
}

/*
 * BATCH has had CPU that INTERACTIVE waited for, and `runs` is in it, having used `used` in its
 * statement: so one of INTERACTIVE that arrives takes its slot at once.
 */
static struct reeve_session *evict(struct pair *p, reeve_ns used)
{
	struct reeve_session *arrives = core_session(p->c->r, 2);

	then(p, work_and_end);
	assert_ok(reeve_query_begin(arrives, NULL, E));
	reeve_query_end(arrives, NULL);
	assert_ok(reeve_query_begin(p->runs, NULL, E));
	p->c->h.on_wait = NULL;
	p->c->h.waits = p->calls = 0;
	core_work(&p->c->h, used);
	assert_ok(reeve_checkpoint(p->runs));
	assert_ok(reeve_query_begin(arrives, NULL, E));
	assert_int_equal(p->c->h.waits, 0);
	assert_int_equal(core_group_stats(p->c->r, 2).running, 1);
	assert_int_equal(core_group_stats(p->c->r, 3).running, 0);
	return arrives;
}

/* Parking and waking a report for each look-up idles a processor for as long as the look-up takes. */
static void a_long_statement_runs_on_until_a_short_one_gives_its_slot_back(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_session *arrives = evict(&p, 20 * REEVE_MSEC);

	core_work(&c->h, 300 * REEVE_USEC);
	assert_ok(reeve_checkpoint(p.runs)); /* told that it has lost its slot */
	reeve_query_end(arrives, NULL);
	core_work(&c->h, 800 * REEVE_USEC);
	assert_ok(reeve_checkpoint(p.runs));
	assert_int_equal(c->h.waits, 0);
	assert_int_equal(core_group_stats(c->r, 3).running, 1);
	reeve_session_destroy(arrives);
	part(&p);
}

static void end_arrived(struct core_host *h, void *arg)
{
	struct pair *p = arg;

	if (p->calls++)
		return;
	core_sleep(h, p->after);
	reeve_query_end(p->waits, NULL);
}

static void it_parks_when_the_loan_takes_longer(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	reeve_session_destroy(p.waits);
	p.waits = evict(&p, 20 * REEVE_MSEC);
	then(&p, end_arrived);
	core_work(&c->h, 900 * REEVE_USEC);
	assert_ok(reeve_checkpoint(p.runs));
	assert_int_equal(c->h.waits, 0);
	core_work(&c->h, 200 * REEVE_USEC);
	assert_ok(reeve_checkpoint(p.runs));
	assert_true(c->h.waits > 0);
	assert_int_equal(core_group_stats(c->r, 3).running, 1);
	part(&p);
}

/* It would be over by then, and never have waited its turn. */
static void a_short_statement_that_loses_its_slot_parks_at_once(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);

	reeve_session_destroy(p.waits);
	p.waits = evict(&p, 2 * REEVE_MSEC);
	then(&p, end_arrived);
	core_work(&c->h, 20 * REEVE_USEC);
	assert_ok(reeve_checkpoint(p.runs));
	assert_true(c->h.waits > 0);
	part(&p);
}

static void who_deserves_it_more_gets_the_slot_before_its_lender(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_session *second = core_session(c->r, 2);

	reeve_session_destroy(p.waits);
	p.waits = evict(&p, 20 * REEVE_MSEC);
	p.after = 300 * REEVE_USEC;
	then(&p, end_arrived);
	assert_ok(reeve_query_begin(second, NULL, E)); /* waits; then the first one ends */
	assert_int_equal(p.calls, 1);
	assert_int_equal(core_group_stats(c->r, 2).running, 1);
	assert_int_equal(core_group_stats(c->r, 3).running, 0);
	reeve_query_end(second, NULL);
	reeve_session_destroy(second);
	part(&p);
}

static void a_killed_statement_does_not_run_on(void **state)
{
	struct core *c = *state;
	struct pair p = pair_of(c);
	struct reeve_session *arrives = evict(&p, 20 * REEVE_MSEC);

	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(p.runs), E));
	assert_int_equal(reeve_checkpoint(p.runs), REEVE_EKILLED);
	reeve_query_end(p.runs, NULL);
	reeve_query_end(arrives, NULL);
	reeve_session_destroy(arrives);
	part(&p);
}

/* The host of these tests has a counter of its own: a reading of the processor's counts for nothing. */
static void an_end_ignores_a_reading_of_another_counter(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;
	struct reeve_query_usage u;

	def.username = "u";
	assert_ok(reeve_session_create(c->r, &def, &s, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 10 * REEVE_USEC);
	reeve_query_end_at(s, UINT64_MAX / 2, &u);
	assert_int_equal(10 * REEVE_USEC, u.elapsed_ns);
	assert_int_equal(10 * REEVE_USEC, u.cpu_ns);
	reeve_query_end_at(s, 1, &u); /* nothing runs: nothing happens */
	reeve_query_end_at(NULL, 1, &u);
	reeve_session_destroy(s);
}

/* One from before the statement cannot be its end. */
static void an_end_ignores_a_reading_that_is_too_old(void **state)
{
	struct reeve *r = core_open(NULL, 1);
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;
	struct reeve_query_usage u = {0};

	(void)state;
	def.username = "u";
	assert_ok(reeve_session_create(r, &def, &s, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end_at(s, 1, &u);
	assert_true(u.elapsed_ns >= 0 && u.elapsed_ns < 3600 * REEVE_SEC);
	assert_true(u.cpu_ns >= 0 && u.cpu_ns < 3600 * REEVE_SEC);
	reeve_session_destroy(s);
	reeve_close(r);
}

/* Of the processor's counter; none where reeve does not know it. */
static uint64_t reading(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static void plain_statement(struct reeve_session *s)
{
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end_at(s, reading(), NULL);
}

static void expect_queries(struct reeve *r, struct reeve_session *s, uint64_t expected)
{
	struct reeve_session_info info;

	assert_ok(reeve_session_get(r, reeve_session_id_of(s), &info, E));
	assert_int_equal(expected, info.total_queries);
	assert_int_equal(REEVE_SESSION_INACTIVE, info.state);
}

/* What the straight path of begin and end does not do is still done by the one beside it. */
static void the_straight_path_sees_all_that_is_in_its_way(void **state)
{
	struct reeve *r = core_open(NULL, 1);
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s, *other;
	struct reeve_query_usage u;

	(void)state;
	def.username = "u";
	assert_ok(reeve_session_create(r, &def, &s, E));
	assert_ok(reeve_session_create(r, &def, &other, E));
	plain_statement(s);
	plain_statement(s);
	expect_queries(r, s, 2);

	plain_statement(other); /* the only slot bears another's name now */
	plain_statement(s);
	expect_queries(r, s, 3);

	assert_ok(reeve_query_begin(s, NULL, E)); /* a block and a shield end with the statement */
	reeve_shield_begin(s);
	reeve_block_begin(s);
	reeve_query_end_at(s, reading(), NULL);
	expect_queries(r, s, 4);
	reeve_query_usage(s, &u);
	assert_true(u.elapsed_ns >= u.cpu_ns);

	(void)reeve_session_cancel(r, reeve_session_id_of(s), NULL); /* not for the next */
	plain_statement(s);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(reeve_session_cancel(r, reeve_session_id_of(s), E));
	assert_int_equal(REEVE_ECANCELLED, reeve_checkpoint(s));
	reeve_query_end_at(s, reading(), NULL);
	plain_statement(s);
	expect_queries(r, s, 7);

	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(REEVE_EINVALID_STATE, reeve_query_begin(s, NULL, E));
	assert_ok(reeve_session_kill(r, reeve_session_id_of(s), E)); /* takes effect at its end */
	reeve_query_end_at(s, reading(), NULL);
	assert_int_equal(REEVE_EKILLED, reeve_query_begin(s, NULL, E));
	assert_clean(r);
	reeve_session_destroy(s);
	reeve_session_destroy(other);
	reeve_close(r);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_free_slot_is_taken_without_waiting),
		with_core(cpu_01_without_a_slot_a_statement_waits_until_one_is_free),
		with_core(cpu_13_waits_are_counted_and_timed),
		with_core(going_to_sleep_and_waking_up_are_charged),
		with_core(the_slot_of_a_killed_statement_goes_to_who_waits),
		with_core(the_slot_of_a_destroyed_session_goes_to_who_waits),
		with_core(beginning_twice_is_refused_and_ending_twice_counts_once),
		cmocka_unit_test_setup_teardown(
			with_two_slots_two_run_at_once, core_setup_two_slots, core_teardown),
		with_core(cpu_13_switches_count_only_changes_of_task),
		with_core(an_end_ignores_a_reading_of_another_counter),
		cmocka_unit_test(an_end_ignores_a_reading_that_is_too_old),
		cmocka_unit_test(the_straight_path_sees_all_that_is_in_its_way),
		with_core(a_deadline_ends_a_wait),
		with_core(a_deadline_that_is_over_ends_it_at_once_when_it_must_wait),
		with_core(a_cancel_ends_a_wait),
		with_core(a_kill_ends_a_wait_and_the_session),
		with_core(a_deadline_ends_a_running_statement),
		with_core(sessions_03_a_timeout_is_counted_once),
		with_core(sessions_09_the_groups_limit_ends_the_statement_and_not_the_session),
		with_core(a_cancel_ends_a_running_statement),
		with_core(a_cancel_that_comes_too_late_does_not_hit_the_next),
		with_core(a_blocked_statement_gives_its_slot_up),
		with_core(coming_back_from_a_block_may_wait),
		with_core(blocks_nest_and_the_outermost_counts),
		with_core(a_statement_can_end_blocked),
		with_core(a_block_that_ends_after_cancel_kill_or_deadline_says_so),
		with_core(a_shielded_statement_is_never_parked),
		with_core(shields_nest),
		with_core(a_cap_holds_though_the_slot_is_free),
		with_core(plans_15_the_plans_own_cap_holds_for_all),
		with_core(without_a_cap_a_lone_group_gets_everything),
		with_core(cpu_02_a_runaway_is_found_once_slowed_down_and_charged_in_full),
		with_core(a_runaway_rests_by_its_own_use),
		with_core(a_runaway_may_be_let_run),
		with_core(a_cancel_ends_the_rest_of_a_runaway),
		with_core(a_deadline_ends_the_rest_of_a_runaway),
		with_core(cpu_16_what_statements_used_adds_up),
		with_core(a_long_statement_runs_on_until_a_short_one_gives_its_slot_back),
		with_core(it_parks_when_the_loan_takes_longer),
		with_core(a_short_statement_that_loses_its_slot_parks_at_once),
		with_core(who_deserves_it_more_gets_the_slot_before_its_lender),
		with_core(a_killed_statement_does_not_run_on),
		with_core(manager_12_a_statement_that_could_not_begin_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
