/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of parallel executions by handle: waiting, and what ends a wait. First on one thread under a
 * clock that stands still; then on real threads, where nothing depends on how long anything takes.
 */
#include "parallel_kit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MANUAL = 1, AUTOMATIC, ADAPTIVE };

/* ---- one thread ---- */

/* What happens while somebody waits; once. */
struct play {
	struct core *c;
	struct reeve_session *waits;
	void (*act)(struct play *p);
	struct reeve_session_info seen;
	uint64_t held; /* execution that holds what is waited for */
	uint32_t acts;
};

static void on_wait(struct core_host *h, void *arg)
{
	struct play *p = arg;

	(void)h;
	if (p->acts++)
		return;
	p->seen = core_info(p->c->r, p->waits);
	if (p->act)
		p->act(p);
}

static void complete(struct play *p)
{
	core_sleep(&p->c->h, 30 * REEVE_MSEC);
	parallel_complete(p->c->r, p->held);
}

static void cancel_statement(struct play *p)
{
	assert_ok(reeve_session_cancel(p->c->r, reeve_session_id_of(p->waits), E));
}

static void cancel_execution(struct play *p)
{
	assert_ok(reeve_execution_cancel(p->c->r, (reeve_execution_id){p->held + 1}, E));
}

static void kill_session(struct play *p)
{
	assert_ok(reeve_session_kill(p->c->r, reeve_session_id_of(p->waits), E));
}

static void switch_session(struct play *p)
{
	assert_ok(reeve_session_switch(p->c->r, reeve_session_id_of(p->waits), (reeve_group_id){3},
		REEVE_SWITCH_MANUAL, E));
}

/* All but two of the servers are taken, and a session asks for four. */
static struct play play(struct core *c, void (*act)(struct play *p))
{
	struct play p = {.c = c, .act = act};

	parallel_total(c->r, 8);
	p.held = parallel_ask(c->r, 2, MANUAL, 6).id.v;
	p.waits = core_session(c->r, 2);
	return p;
}

static int wait_for_four(struct play *p, reeve_ns deadline, struct reeve_parallel *ret)
{
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	int rc;

	def.deadline = deadline;
	p->c->h.arg = p;
	p->c->h.on_wait = on_wait;
	core_err = (struct reeve_error){0};
	rc = reeve_parallel_begin(p->waits, &def, ret, E);
	p->c->h.on_wait = NULL;
	return rc;
}

static void no_wait_when_there_is_room(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	struct reeve_parallel h;

	assert_ok(reeve_parallel_begin(s, &def, &h, E));
	assert_int_equal(c->h.waits, 0);
	assert_int_equal(reeve_parallel_dop(&h), 4);
	assert_int_equal(reeve_parallel_adapt(&h), 4);
	reeve_parallel_progress(&h, 10, 20);
	reeve_parallel_progress(&h, 9, 30);
	struct reeve_execution_info info = parallel_get(c->r, h.id);
	assert_int_equal(info.state, REEVE_EXECUTION_EXECUTING);
	assert_true(info.rows == 10 && info.bytes == 30 && !info.is_external);
	assert_true(info.session_id == reeve_session_id_of(s).v);
	assert_ok(reeve_parallel_end(&h, NULL, E));
	assert_int_equal(reeve_parallel_dop(&h), 0);
	assert_int_equal(reeve_parallel_adapt(&h), 0);
	assert_fails(reeve_parallel_end(&h, NULL, E), REEVE_EINVALID_STATE, "is over already");
	reeve_session_destroy(s);
}

static void a_completion_wakes_who_waits(void **state)
{
	struct play p = play(*state, complete);
	struct reeve_query_usage usage;
	struct reeve_parallel h;

	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_ok(wait_for_four(&p, REEVE_NEVER, &h));
	assert_int_equal(p.seen.state, REEVE_SESSION_WAITING);
	assert_int_equal(p.seen.wait_reason, REEVE_WAIT_PARALLEL_SERVERS);
	assert_int_equal(p.acts, 1);
	assert_int_equal(p.c->h.wakes, 1);
	assert_int_equal(reeve_parallel_dop(&h), 4);
	assert_int_equal(parallel_get(p.c->r, h.id).state, REEVE_EXECUTION_EXECUTING);
	assert_int_equal(core_info(p.c->r, p.waits).state, REEVE_SESSION_ACTIVE);
	assert_int_equal(core_info(p.c->r, p.waits).wait_reason, REEVE_WAIT_NONE);
	assert_true(core_info(p.c->r, p.waits).wait_ns == 30 * REEVE_MSEC);
	assert_ok(reeve_parallel_end(&h, NULL, E));
	reeve_query_end(p.waits, &usage);
	assert_true(usage.cpu_ns == 0); /* the wait was not charged */
	reeve_session_destroy(p.waits);
}

static void outside_a_statement_it_waits_too(void **state)
{
	struct play p = play(*state, complete);
	struct reeve_parallel h;

	assert_ok(wait_for_four(&p, REEVE_NEVER, &h));
	assert_int_equal(reeve_parallel_dop(&h), 4);
	reeve_session_destroy(p.waits); /* and ends it */
	assert_int_equal(reeve_parallel_dop(&h), 0);
	assert_int_equal(parallel_stats(p.c->r).current_total_dop, 0);
}

static void a_deadline_ends_the_wait(void **state)
{
	struct play p = play(*state, NULL);
	struct reeve_parallel h = {.id = 77};
	reeve_ns until = p.c->h.mono + 450 * REEVE_MSEC;

	assert_int_equal(wait_for_four(&p, until, &h), REEVE_ETIMEOUT);
	assert_non_null(strstr(core_err.text, "did not start: it was out of time"));
	assert_true(h.id == 77 && p.c->h.mono == until);
	assert_int_equal(parallel_stats(p.c->r).queue_timeouts, 1);
	assert_int_equal(parallel_stats(p.c->r).queued_now, 0);
	/* the default one, when nobody says anything */
	until = p.c->h.mono + 300 * REEVE_SEC;
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_ETIMEOUT);
	assert_true(p.c->h.mono == until);
	reeve_session_destroy(p.waits);
}

static void the_statement_s_deadline_ends_the_wait(void **state)
{
	struct play p = play(*state, NULL);
	struct reeve_query_def query = {.deadline = p.c->h.mono + 120 * REEVE_MSEC};
	struct reeve_parallel h;

	assert_ok(reeve_query_begin(p.waits, &query, E));
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_ETIMEOUT);
	assert_true(p.c->h.mono >= query.deadline && p.c->h.mono < query.deadline + REEVE_MSEC);
	assert_int_equal(reeve_checkpoint(p.waits), REEVE_ETIMEOUT);
	reeve_query_end(p.waits, NULL);
	assert_int_equal(parallel_stats(p.c->r).queued_now, 0);
	reeve_session_destroy(p.waits);
}

static void by_plan_a_waiter_runs_serially_in_the_end(void **state)
{
	struct play p = play(*state, NULL);
	struct reeve_parallel h;
	reeve_ns began = p.c->h.mono;

	parallel_plan(p.c->r, 2, UINT32_MAX, UINT32_MAX, 2 * (uint64_t)REEVE_SEC, true);
	assert_ok(wait_for_four(&p, REEVE_NEVER, &h));
	assert_int_equal(reeve_parallel_dop(&h), 1);
	assert_true(p.c->h.mono == began + 2 * REEVE_SEC);
	assert_ok(reeve_parallel_end(&h, NULL, E));
	reeve_session_destroy(p.waits);
}

static void a_cancel_ends_the_wait(void **state)
{
	struct play p = play(*state, cancel_statement);
	struct reeve_parallel h;

	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_ECANCELLED);
	assert_int_equal(reeve_checkpoint(p.waits), REEVE_ECANCELLED);
	reeve_query_end(p.waits, NULL);
	assert_int_equal(parallel_stats(p.c->r).queued_now, 0);
	/* cancelling the execution alone leaves the statement to go on */
	p.act = cancel_execution;
	p.acts = 0;
	p.held = 2;
	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_ECANCELLED);
	assert_ok(reeve_checkpoint(p.waits));
	reeve_query_end(p.waits, NULL);
	reeve_session_destroy(p.waits);
}

static void a_kill_ends_the_wait(void **state)
{
	struct play p = play(*state, kill_session);
	struct reeve_parallel h;
	struct reeve_parallel_def def = parallel_def(MANUAL, 2);

	assert_ok(reeve_query_begin(p.waits, NULL, E));
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_EKILLED);
	reeve_query_end(p.waits, NULL);
	assert_fails(reeve_parallel_begin(p.waits, &def, &h, E), REEVE_EKILLED, "was killed");
	reeve_session_destroy(p.waits);
	/* and outside a statement */
	p.waits = core_session(p.c->r, 2);
	p.acts = 0;
	assert_int_equal(wait_for_four(&p, REEVE_NEVER, &h), REEVE_EKILLED);
	reeve_session_destroy(p.waits);
	assert_int_equal(parallel_stats(p.c->r).current_total_dop, 6);
	assert_int_equal(parallel_stats(p.c->r).queued_now, 0);
}

static void a_switch_moves_the_waiter(void **state)
{
	struct play p = play(*state, switch_session);
	struct reeve_parallel_group_info info;
	struct reeve_parallel h;

	assert_int_equal(wait_for_four(&p, p.c->h.mono + REEVE_SEC, &h), REEVE_ETIMEOUT);
	assert_true(core_info(p.c->r, p.waits).group.v == 3);
	assert_ok(reeve_parallel_group_get(p.c->r, (reeve_group_id){2}, &info, E));
	assert_int_equal(info.waiting, 0);
	reeve_session_destroy(p.waits);
}

/* A dead process's servers come back through who waits, without a tick. */
static void die(struct play *p)
{
	p->c->h.dead_below = 100;
}

static void who_waits_finds_the_dead(void **state)
{
	struct core *c = *state;
	struct play p = {.c = c, .act = die};
	struct reeve_parallel_def def = parallel_def(MANUAL, 8);
	struct reeve_execution_info info;
	struct reeve_parallel h;
	struct reeve *other;
	reeve_ns began = c->h.mono;

	parallel_total(c->r, 8);
	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &other, E));
	assert_ok(reeve_execution_request(other, 1001, (reeve_group_id){2}, &def, &info, E));
	p.waits = core_session(c->r, 2);
	assert_ok(wait_for_four(&p, REEVE_NEVER, &h));
	assert_true(c->h.mono - began < REEVE_SEC);
	assert_ok(reeve_parallel_end(&h, NULL, E));
	reeve_session_destroy(p.waits);
	reeve_close(other);
}

static void one_that_a_process_holds_is_told_to_stop(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	uint64_t p = parallel_pool(c->r, 0, 4);
	struct reeve_parallel h;

	assert_ok(reeve_parallel_begin(s, &def, &h, E));
	assert_ok(reeve_execution_cancel(c->r, (reeve_execution_id){h.id}, E));
	assert_int_equal(reeve_parallel_dop(&h), 0);
	assert_int_equal(parallel_get(c->r, h.id).state, REEVE_EXECUTION_COMPLETING);
	assert_int_equal(parallel_servers_in(c->r, p, REEVE_SERVER_CLEANUP), 4);
	assert_fails(reeve_execution_cancel(c->r, (reeve_execution_id){h.id}, E),
		REEVE_EINVALID_STATE, "has been cancelled already");
	assert_ok(reeve_parallel_end(&h, NULL, E));
	assert_int_equal(parallel_get(c->r, h.id).failure_code, REEVE_ECANCELLED);
	assert_int_equal(parallel_servers_in(c->r, p, REEVE_SERVER_IDLE), 4);
	reeve_session_destroy(s);
}

static void an_adaptive_one_follows_its_degree(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel_def def = parallel_def(ADAPTIVE, 0);
	struct reeve_parallel h;

	parallel_total(c->r, 8);
	parallel_cores(c->r, 8);
	assert_ok(reeve_parallel_begin(s, &def, &h, E));
	assert_int_equal(reeve_parallel_dop(&h), 8);
	core_sleep(&c->h, REEVE_SEC);
	uint64_t waiter = parallel_ask(c->r, 3, MANUAL, 3).id.v;
	assert_int_equal(reeve_parallel_dop(&h), 4);
	assert_int_equal(parallel_get(c->r, waiter).state, REEVE_EXECUTION_QUEUED);
	assert_int_equal(reeve_parallel_adapt(&h), 4); /* it has let four go */
	assert_int_equal(parallel_get(c->r, waiter).granted_dop, 3);
	parallel_complete(c->r, waiter);
	assert_int_equal(reeve_parallel_adapt(&h), 4); /* not so soon again */
	core_sleep(&c->h, REEVE_SEC);
	assert_int_equal(reeve_parallel_adapt(&h), 8);
	assert_ok(reeve_parallel_end(&h, NULL, E));
	reeve_session_destroy(s);
}

/* A handle that is stale says 0, also when its slot is another's. */
static void a_stale_handle_is_noticed(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel_def def = parallel_def(MANUAL, 4);
	struct reeve_parallel h, old;

	assert_ok(reeve_parallel_begin(s, &def, &old, E));
	assert_ok(reeve_parallel_end(&old, NULL, E));
	for (int i = 0; i < 300; i++) {
		assert_ok(reeve_parallel_begin(s, &def, &h, E));
		assert_int_equal(reeve_parallel_dop(&old), 0);
		assert_int_equal(reeve_parallel_adapt(&old), 0);
		reeve_parallel_progress(&old, 1, 1);
		assert_true(parallel_get(c->r, h.id).rows == 0);
		assert_fails(reeve_parallel_end(&old, NULL, E), REEVE_EINVALID_STATE, "1 is over");
		assert_ok(reeve_parallel_end(&h, NULL, E));
	}
	reeve_session_destroy(s);
}

/* ---- threads ---- */

struct crew {
	struct reeve *r;
	struct reeve_session *s;
	struct reeve_error err;
	struct reeve_parallel_def def;
	int code;
	bool in_query;
};

static int setup(void **state)
{
	struct reeve *r = core_open(NULL, 1);

	parallel_total(r, 4);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	assert_clean(*state);
	reeve_close(*state);
	return 0;
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	struct reeve_parallel h;

	if (crew->in_query)
		reeve_query_begin(crew->s, NULL, NULL);
	crew->code = reeve_parallel_begin(crew->s, &crew->def, &h, &crew->err);
	if (crew->code == 0)
		crew->code = reeve_parallel_end(&h, NULL, &crew->err);
	if (crew->in_query)
		reeve_query_end(crew->s, NULL);
	return NULL;
}

/* One who holds all servers, one who waits for some, and what is done about it. */
static void while_waiting(struct reeve *r, bool in_query, bool complete_it,
	int (*act)(struct reeve *, reeve_session_id, struct reeve_error *), int code)
{
	struct crew crew = {.r = r, .in_query = in_query, .def = parallel_def(MANUAL, 3)};
	uint64_t held = parallel_ask(r, 2, MANUAL, 4).id.v;
	pthread_t thread;

	crew.s = core_session(r, 2);
	assert_int_equal(pthread_create(&thread, NULL, work, &crew), 0);
	while (parallel_stats(r).queued_now == 0)
		sched_yield();
	if (complete_it)
		parallel_complete(r, held);
	if (act)
		assert_ok(act(r, reeve_session_id_of(crew.s), E));
	pthread_join(thread, NULL);
	assert_int_equal(crew.code, code);
	if (!complete_it)
		parallel_complete(r, held);
	reeve_session_destroy(crew.s);
	assert_int_equal(parallel_stats(r).current_total_dop, 0);
}

static void threads_start_cancel_and_kill_who_waits(void **state)
{
	struct reeve *r = *state;

	for (int i = 0; i < 20; i++) {
		while_waiting(r, true, true, NULL, 0);
		while_waiting(r, false, true, NULL, 0);
		while_waiting(r, true, false, reeve_session_cancel, REEVE_ECANCELLED);
		while_waiting(r, true, false, reeve_session_kill, REEVE_EKILLED);
		while_waiting(r, false, false, reeve_session_kill, REEVE_EKILLED);
	}
}

static void a_deadline_wakes_a_thread(void **state)
{
	struct reeve *r = *state;
	struct reeve_session *s = core_session(r, 2);
	struct reeve_parallel_def def = parallel_def(MANUAL, 3);
	struct reeve_parallel h;

	parallel_ask(r, 2, MANUAL, 4);
	def.deadline = reeve_now_mono(r) + 20 * REEVE_MSEC;
	assert_fails(reeve_parallel_begin(s, &def, &h, E), REEVE_ETIMEOUT, "out of time");
	assert_true(reeve_now_mono(r) >= def.deadline);
	parallel_complete(r, 1);
	reeve_session_destroy(s);
}

/* ---- all at once ---- */

enum { THREADS = 8, GROUPS = 4 };

struct stress {
	struct reeve *r;
	_Atomic uint64_t *shared; /* servers that workers believe they hold */
	uint64_t seed, steps;
	uint32_t index;
	_Atomic uint32_t *too_many;
};

/* What workers hold together is never more than the total. */
static void hold(struct stress *t, uint32_t dop)
{
	uint32_t servers = dop > 1 ? dop : 0;

	if (atomic_fetch_add(t->shared, servers) + servers > 12)
		atomic_fetch_add(t->too_many, 1);
	sched_yield();
	atomic_fetch_sub(t->shared, servers);
}

static void stress_step(struct stress *t, struct reeve_session *s, struct sim_random *random,
	struct reeve_error *err)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_execution_info info;
	struct reeve_parallel h;
	reeve_group_id g = {1 + core_below(random, GROUPS)};

	def.mode = (uint32_t)core_below(random, 4);
	def.requested_dop = 1 + (uint32_t)core_below(random, 8);
	def.priority = (uint32_t)core_below(random, 3);
	def.deadline = reeve_now_mono(t->r) + (reeve_ns)core_below(random, 3000000);
	switch (core_below(random, 8)) {
	case 0:
		if (reeve_execution_request(t->r, 1000, g, &def, &info, err) == 0)
			reeve_execution_complete(t->r, info.id, NULL, err);
		break;
	case 1:
		reeve_session_switch(t->r, reeve_session_id_of(s), g, REEVE_SWITCH_AUTOMATIC, err);
		break;
	case 2:
		reeve_parallel_group_limit_set(t->r, g, (uint32_t)core_below(random, 9),
			4 + (uint32_t)core_below(random, 9), err);
		break;
	case 3:
		reeve_tick(t->r, NULL, err);
		break;
	default:
		if (reeve_parallel_begin(s, &def, &h, err))
			break;
		uint32_t dop = reeve_parallel_dop(&h);
		if (def.mode != ADAPTIVE)
			hold(t, dop);
		reeve_parallel_adapt(&h);
		reeve_parallel_end(&h, NULL, err);
	}
}

static void *stress_thread(void *arg)
{
	struct stress *t = arg;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;
	struct sim_random random;
	struct reeve_error err;

	sim_random_init(&random, t->seed, t->index);
	def.username = "ada";
	def.group.v = 1 + t->index % GROUPS;
	if (reeve_session_create(t->r, &def, &s, &err))
		abort();
	for (uint64_t i = 0; i < t->steps; i++)
		stress_step(t, s, &random, &err);
	reeve_session_destroy(s);
	return NULL;
}

static void eight_threads_ask_at_random_and_the_sums_hold(void **state)
{
	struct reeve *r = *state;
	_Atomic uint64_t shared = 0;
	_Atomic uint32_t too_many = 0;
	struct stress t[THREADS];
	pthread_t threads[THREADS];
	uint64_t seed = core_seed("parallel stress");

	for (uint32_t round = 0; round < 2; round++) {
		parallel_total(r, 12);
		if (round)
			parallel_pool(r, 2, 9); /* and once more with a pool */
		for (uint32_t i = 0; i < THREADS; i++) {
			t[i] = (struct stress){r, &shared, seed + round,
				core_steps(10000) / (core_steps(10000) > 10000 ? 20 : 1), i,
				&too_many};
			assert_int_equal(
				pthread_create(&threads[i], NULL, stress_thread, &t[i]), 0);
		}
		for (uint32_t i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(too_many, 0);
		struct reeve_parallel_stats st = parallel_stats(r);
		assert_int_equal(st.current_total_dop, 0);
		assert_int_equal(st.queued_now, 0);
		assert_int_equal(st.executing_now, 0);
		assert_int_equal(st.busy_servers, 0);
		assert_true(st.peak_total_dop <= 12);
		assert_true(st.parallel + st.serial > THREADS * t[0].steps / 4);
		print_message("%llu started, %llu of them from the queue, %llu timeouts\n",
			(unsigned long long)(st.parallel + st.serial),
			(unsigned long long)st.queue_latency.count,
			(unsigned long long)st.queue_timeouts);
		assert_clean(r);
	}
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)
#define with_crew(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(no_wait_when_there_is_room),
		with_core(a_completion_wakes_who_waits),
		with_core(outside_a_statement_it_waits_too),
		with_core(a_deadline_ends_the_wait),
		with_core(the_statement_s_deadline_ends_the_wait),
		with_core(by_plan_a_waiter_runs_serially_in_the_end),
		with_core(a_cancel_ends_the_wait),
		with_core(a_kill_ends_the_wait),
		with_core(a_switch_moves_the_waiter),
		with_core(who_waits_finds_the_dead),
		with_core(one_that_a_process_holds_is_told_to_stop),
		with_core(an_adaptive_one_follows_its_degree),
		with_core(a_stale_handle_is_noticed),
		with_crew(threads_start_cancel_and_kill_who_waits),
		with_crew(a_deadline_wakes_a_thread),
		with_crew(eight_threads_ask_at_random_and_the_sums_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
