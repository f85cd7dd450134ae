/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_interleave_pools.c - beginners, leavers and changers of a session pool, stopped at every step of
 * a place, in all orders with up to three switches: nobody sleeps past its wake-up, the limit
 * holds, and afterwards no place is taken.
 */
#include "kit.h"
#include "orders.h"

#include "../../src/engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define GROUP ((reeve_group_id){REEVE_BATCH_GROUP})
#define OTHER ((reeve_group_id){REEVE_MAINTENANCE_GROUP})

static struct {
	struct reeve *r;
	struct reeve_session *a, *b, *c, *hand;
	_Atomic int32_t inside, most;
	int32_t limit; /* 0: it changes during the run */
	int other;
	bool comes; /* session a starts in another group, and moves in */
	bool both;  /* which has a pool, too */
	_Atomic bool runs;
	int uncounted;
} t;

static int open_all(void **state)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;

	(void)state;
	o.cpu_slots = 4; /* only the pool makes anybody wait */
	o.host = orders_host();
	o.max_sessions = o.max_tasks = 64;
	t.comes = t.both = false;
	assert_int_equal(reeve_open(&o, &t.r, NULL), 0);
	t.a = kit_session(t.r, REEVE_BATCH_GROUP);
	t.b = kit_session(t.r, REEVE_BATCH_GROUP);
	t.c = kit_session(t.r, REEVE_BATCH_GROUP);
	t.hand = kit_session(t.r, REEVE_BATCH_GROUP);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	reeve_close(t.r);
	return 0;
}

static void configure(uint32_t n)
{
	if (reeve_session_pool_configure(t.r, GROUP, n, REEVE_UNLIMITED, true, NULL))
		abort();
}

static void prepare(void *arg)
{
	uint32_t n = *(uint32_t *)arg;

	atomic_store(&t.inside, 0);
	atomic_store(&t.most, 0);
	t.other = 0;
	t.uncounted = 0;
	configure(n);
	if (t.both && reeve_session_pool_configure(t.r, OTHER, 2, REEVE_UNLIMITED, true, NULL))
		abort();
	/* All are where they start again, whatever the run before did. */
	reeve_session_switch(
		t.r, reeve_session_id_of(t.a), t.comes ? OTHER : GROUP, REEVE_SWITCH_MANUAL, NULL);
	orders_overslept();
}

static int check(void *arg)
{
	uint32_t n = *(uint32_t *)arg, overslept = orders_overslept();
	struct reeve_session_pool_info info;
	int faults = kit_faults(t.r, "after an order");

	reeve_session_pool_get(t.r, GROUP, &info, NULL);
	if (info.active || info.queued) {
		printf("FAULT all have ended; %u are active, %u wait\n", info.active, info.queued);
		faults++;
	}
	if (t.both)
		reeve_session_pool_get(t.r, OTHER, &info, NULL);
	if (t.both && (info.active || info.queued)) {
		printf("FAULT of the other group %u are active, %u wait\n", info.active,
			info.queued);
		faults++;
	}
	if (t.uncounted) {
		printf("FAULT a statement ran in a pool that did not count it\n");
		faults++;
	}
	if (overslept) {
		printf("FAULT %u sleeps were not ended by a wake-up\n", overslept);
		faults++;
	}
	if (t.limit && atomic_load(&t.most) > (int32_t)n) {
		printf("FAULT %d were in a pool of %u\n", atomic_load(&t.most), n);
		faults++;
	}
	return faults;
}

static int run_all(const char *title, struct orders *o, uint32_t n, bool limit_holds)
{
	t.limit = limit_holds;
	o->most_runs = kit_all() ? 20000 : 500;
	o->prepare = prepare;
	o->check = check;
	o->arg = &n;
	o->switches = 3;
	return orders_run(title, o);
}

static void note_entry(void)
{
	int32_t now = atomic_fetch_add(&t.inside, 1) + 1, most = atomic_load(&t.most);

	while (now > most && !atomic_compare_exchange_weak(&t.most, &most, now))
		;
}

static void statement(void *arg)
{
	struct reeve_session *s = *(struct reeve_session **)arg;

	if (reeve_query_begin(s, NULL, NULL))
		return; /* cancelled or killed by another actor */
	note_entry();
	reeve_checkpoint(s);
	atomic_fetch_sub(&t.inside, 1);
	reeve_query_end(s, NULL);
}

static void statement_of_a(void *arg)
{
	if (reeve_query_begin(t.a, NULL, NULL))
		return;
	atomic_store(&t.runs, true);
	reeve_checkpoint(t.a);
	atomic_store(&t.runs, false);
	reeve_query_end(t.a, NULL);
	(void)arg;
}

static void by_hand(void *arg)
{
	reeve_session_id id = reeve_session_id_of(t.hand);

	(void)arg;
	if (reeve_session_start(t.r, id, NULL) < 0)
		abort();
	/* Still queued: it gives up. Handed over in this moment: it completes. */
	while (reeve_session_complete(t.r, id, NULL) && reeve_session_cancel(t.r, id, NULL))
		;
}

static void change(void *arg)
{
	configure(*(uint32_t *)arg);
}

static void take_away(void *arg)
{
	(void)arg;
	reeve_session_pool_remove(t.r, GROUP, NULL);
}

static void move(void *arg)
{
	(void)arg;
	reeve_session_switch(t.r, reeve_session_id_of(t.a), OTHER, REEVE_SWITCH_MANUAL, NULL);
}

static void move_in(void *arg)
{
	struct reeve_session_pool_info info;
	bool ran;

	(void)arg;
	reeve_session_switch(t.r, reeve_session_id_of(t.a), GROUP, REEVE_SWITCH_MANUAL, NULL);
	ran = atomic_load(&t.runs);
	reeve_session_pool_get(t.r, GROUP, &info, NULL);
	if (ran && atomic_load(&t.runs) && info.active == 0)
		t.uncounted++;
}

static void cancel(void *arg)
{
	(void)arg;
	t.other = reeve_session_cancel(t.r, reeve_session_id_of(t.a), NULL);
}

static void boost(void *arg)
{
	(void)arg;
	for (uint32_t i = 0; i < 2; i++)
		reeve_session_boost(t.r, reeve_session_id_of(t.a), NULL, NULL);
}

static void test_two_for_one_place(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}}, .count = 2};

	(void)state;
	assert_int_equal(run_all("two for one place", &o, 1, true), 0);
}

static void test_three_for_two_places(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"c", statement, &t.c}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("three for two places", &o, 2, true), 0);
}

static void test_a_pool_is_made_smaller(void **state)
{
	uint32_t to = 1;
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"change", change, &to}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a pool is made smaller", &o, 2, true), 0);
}

static void test_a_pool_is_made_larger(void **state)
{
	uint32_t to = 2;
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"change", change, &to}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a pool is made larger", &o, 1, false), 0);
}

static void test_a_pool_is_taken_away(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b},
				   {"take away", take_away, NULL}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a pool is taken away", &o, 1, false), 0);
}

static void test_a_session_moves(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"move", move, NULL}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a session moves", &o, 1, false), 0);
}

/* It begins, in a group with a pool or without, while it moves to one with a pool. */
static void moves_in(const char *title, bool both)
{
	struct orders o = {
		.actors = {{"a", statement_of_a, NULL}, {"move in", move_in, NULL}}, .count = 2};

	t.comes = true;
	t.both = both;
	assert_int_equal(run_all(title, &o, 1, false), 0);
}

static void test_a_session_moves_in(void **state)
{
	(void)state;
	moves_in("a session moves in", false);
}

static void test_a_session_moves_between_pools(void **state)
{
	(void)state;
	moves_in("a session moves between pools", true);
}

static void test_a_wait_is_cancelled(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b},
				   {"cancel", cancel, NULL}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a wait is cancelled", &o, 1, true), 0);
}

static void test_a_waiter_becomes_critical(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"boost", boost, NULL}},
		.count = 3};

	(void)state;
	assert_int_equal(run_all("a waiter becomes critical", &o, 1, false), 0);
}

static void test_by_hand_and_begin(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"by hand", by_hand, NULL}}, .count = 2};

	(void)state;
	assert_int_equal(run_all("by hand and begin", &o, 1, true), 0);
}

#define with_all(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_all(test_two_for_one_place),
		with_all(test_three_for_two_places),
		with_all(test_a_pool_is_made_smaller),
		with_all(test_a_pool_is_made_larger),
		with_all(test_a_pool_is_taken_away),
		with_all(test_a_session_moves),
		with_all(test_a_session_moves_in),
		with_all(test_a_session_moves_between_pools),
		with_all(test_a_wait_is_cancelled),
		with_all(test_a_waiter_becomes_critical),
		with_all(test_by_hand_and_begin),
	};

	return cmocka_run_group_tests_name("interleave_pools", tests, NULL, NULL);
}
