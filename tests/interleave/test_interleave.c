/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_interleave.c - two to four threads, stopped at named points, in all orders with up to two or
 * three switches: nobody sleeps past its wake-up, everybody comes to an end, and validate finds
 * nothing after each order.
 */
#include "kit.h"
#include "orders.h"

#include "../../src/engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the actors of all scenarios act on; one CPU slot, if not said otherwise. */
static struct {
	struct reeve *r;
	struct reeve_session *a, *b, *c, *fresh;
	reeve_session_id id;
	int begun, checked, other; /* what calls returned */
	_Atomic bool told;	   /* the call that b must notice has returned 0 */
	bool told_before;	   /* b was after it with its last look */
	uint64_t to_group;
} t;

/* Statements with pauses, so that no slot lingers with these sessions. */
static void warm_up(struct reeve_session *s)
{
	for (uint32_t i = 0; i < 16; i++) {
		kit_spin(150 * REEVE_USEC);
		assert_int_equal(reeve_query_begin(s, NULL, NULL), 0);
		reeve_query_end(s, NULL);
	}
}

static void open_with(uint32_t cpu_slots)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;

	memset(&t, 0, sizeof(t));
	o.cpu_slots = cpu_slots;
	o.host = orders_host();
	o.max_sessions = o.max_tasks = 64;
	assert_int_equal(reeve_open(&o, &t.r, NULL), 0);
	t.a = kit_session(t.r, REEVE_INTERACTIVE_GROUP);
	t.b = kit_session(t.r, REEVE_BATCH_GROUP);
	t.c = kit_session(t.r, REEVE_BATCH_GROUP);
	warm_up(t.a);
	warm_up(t.b);
	warm_up(t.c);
	orders_overslept();
}

static int open_all(void **state)
{
	(void)state;
	open_with(1);
	return 0;
}

static int open_two_slots(void **state)
{
	(void)state;
	open_with(2);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	reeve_session_destroy(t.a);
	reeve_session_destroy(t.b);
	reeve_session_destroy(t.c);
	reeve_close(t.r);
	return 0;
}

static void prepare(void *arg)
{
	(void)arg;
	t.begun = t.checked = t.other = 0;
	t.told_before = false;
	atomic_store(&t.told, false);
	kit_spin(150 * REEVE_USEC);
}

/* What must be true after any order. */
static int check(void *arg)
{
	uint32_t overslept = orders_overslept();
	struct reeve_cpu_stats cpu;
	int faults;

	(void)arg;
	faults = kit_faults(t.r, "after an order") + kit_count_faults(t.r, "after an order");
	reeve_cpu_stats_get(t.r, &cpu);
	if (overslept) {
		printf("FAULT %u sleeps were not ended by a wake-up\n", overslept);
		faults++;
	}
	if (cpu.running || cpu.ready) {
		printf("FAULT all have ended, but %u run and %u wait\n", cpu.running, cpu.ready);
		faults++;
	}
	return faults;
}

static int run_all(const char *title, struct orders *o)
{
	o->most_runs = kit_all() ? 20000 : 1500;
	if (!o->prepare)
		o->prepare = prepare;
	if (!o->check)
		o->check = check;
	return orders_run(title, o);
}

/* ---- begin and end against parking ---- */

static void statement(void *arg)
{
	struct reeve_session *s = *(struct reeve_session **)arg;

	if (reeve_query_begin(s, NULL, NULL) || reeve_checkpoint(s))
		abort();
	reeve_query_end(s, NULL);
}

static void test_two_statements(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}},
		.count = 2,
		.switches = 3};

	(void)state;
	assert_int_equal(run_all("two statements", &o), 0);
}

static void test_three_statements(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"c", statement, &t.c}},
		.count = 3,
		.switches = 2};

	(void)state;
	assert_int_equal(run_all("three statements", &o), 0);
}

/* The two slots rest with a and c; b comes and takes the one that a is about to use again. */
static void prepare_two_slots(void *arg)
{
	prepare(arg);
	statement(&t.a);
	t.c->slot = 1 - t.a->slot;
	statement(&t.c);
	t.b->slot = t.a->slot;
}

static void test_two_slots(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}},
		.count = 2,
		.switches = 3,
		.prepare = prepare_two_slots};

	(void)state;
	assert_int_equal(run_all("two slots", &o), 0);
}

static void test_two_slots_for_three(void **state)
{
	struct orders o = {
		.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}, {"c", statement, &t.c}},
		.count = 3,
		.switches = 2,
		.prepare = prepare_two_slots};

	(void)state;
	assert_int_equal(run_all("two slots for three", &o), 0);
}

static void blocking_statement(void *arg)
{
	struct reeve_session *s = *(struct reeve_session **)arg;

	if (reeve_query_begin(s, NULL, NULL))
		abort();
	reeve_block_begin(s);
	if (reeve_block_end(s))
		abort();
	reeve_query_end(s, NULL);
}

static void test_block_against_begin(void **state)
{
	struct orders o = {.actors = {{"a", blocking_statement, &t.a}, {"b", statement, &t.b}},
		.count = 2,
		.switches = 3};

	(void)state;
	assert_int_equal(run_all("block against begin", &o), 0);
}

/* ---- eviction against end ---- */

/* The group of b has been away for long: b comes younger than a, and evicts. */
static void prepare_eviction(void *arg)
{
	struct reeve_sh_header *h = t.r->header;

	prepare(arg);
	for (uint32_t i = 0; i < h->groups.high_water; i++)
		if (t.r->groups[i].head.id == REEVE_BATCH_GROUP)
			t.r->groups[i].cpu.age = reeve__get(&h->cpu.clock) - (UINT64_C(1) << 60);
}

static void test_eviction_against_end(void **state)
{
	struct orders o = {.actors = {{"a", statement, &t.a}, {"b", statement, &t.b}},
		.count = 2,
		.switches = 3,
		.prepare = prepare_eviction};
	struct reeve_cpu_stats before, after;

	(void)state;
	reeve_cpu_stats_get(t.r, &before);
	assert_int_equal(run_all("eviction against end", &o), 0);
	reeve_cpu_stats_get(t.r, &after);
	printf("%llu evictions\n", (unsigned long long)(after.preemptions - before.preemptions));
	assert_true(after.preemptions > before.preemptions);
}

/* ---- kill against begin and end ---- */

static void prepare_kill(void *arg)
{
	prepare(arg);
	t.fresh = kit_session(t.r, REEVE_INTERACTIVE_GROUP);
	if (!t.fresh)
		abort();
	t.id = reeve_session_id_of(t.fresh);
}

static void statement_to_be_killed(void *arg)
{
	(void)arg;
	t.begun = reeve_query_begin(t.fresh, NULL, NULL);
	if (t.begun)
		return;
	t.told_before = atomic_load(&t.told);
	t.checked = reeve_checkpoint(t.fresh);
	reeve_query_end(t.fresh, NULL);
}

static void kill_fresh(void *arg)
{
	(void)arg;
	t.other = reeve_session_kill(t.r, t.id, NULL);
	atomic_store(&t.told, t.other == 0);
}

/* A new session right away: whose slots may be those of one that has just ended. */
static void come_and_go(void *arg)
{
	struct reeve_session *s = kit_session(t.r, REEVE_BATCH_GROUP);

	(void)arg;
	if (!s)
		abort();
	statement(&s);
	reeve_session_destroy(s);
}

static int check_kill(void *arg)
{
	struct reeve_session_info info;
	int faults = 0;

	if (reeve_session_get(t.r, t.id, &info, NULL) || info.state != REEVE_SESSION_TERMINATED ||
		info.termination != REEVE_END_MANUAL_KILL || t.other) {
		printf("FAULT killed (%d), but its state is %u, its termination %u\n", t.other,
			info.state, info.termination);
		faults++;
	}
	if ((t.begun && t.begun != REEVE_EKILLED) || (t.checked && t.checked != REEVE_EKILLED) ||
		(t.told_before && t.checked != REEVE_EKILLED)) {
		printf("FAULT the killed one's begin said %d, its checkpoint %d, %s the kill\n",
			t.begun, t.checked, t.told_before ? "after" : "about");
		faults++;
	}
	reeve_session_destroy(t.fresh);
	return faults + check(arg);
}

static void test_kill_against_statement(void **state)
{
	struct orders o = {
		.actors = {{"victim", statement_to_be_killed, NULL}, {"killer", kill_fresh, NULL}},
		.count = 2,
		.switches = 3,
		.prepare = prepare_kill,
		.check = check_kill};

	(void)state;
	assert_int_equal(run_all("kill against a statement", &o), 0);
}

/* The victim also ends its session, while another comes. */
static void statement_and_destroy(void *arg)
{
	statement_to_be_killed(arg);
	reeve_session_destroy(t.fresh);
	t.fresh = NULL;
}

static int check_gone(void *arg)
{
	struct reeve_session_info info;
	int faults = 0;

	if (reeve_session_get(t.r, t.id, &info, NULL) || info.state != REEVE_SESSION_TERMINATED) {
		printf("FAULT destroyed, but not ended\n");
		faults++;
	}
	return faults + check(arg);
}

static void test_kill_against_destroy_and_create(void **state)
{
	struct orders o = {.actors = {{"victim", statement_and_destroy, NULL},
				   {"killer", kill_fresh, NULL}, {"newcomer", come_and_go, NULL}},
		.count = 3,
		.switches = 2,
		.prepare = prepare_kill,
		.check = check_gone};

	(void)state;
	assert_int_equal(run_all("kill against destroy and create", &o), 0);
}

/* ---- cancel against begin ---- */

/* c holds the slot when the order starts; an actor ends its statement. */
static void prepare_held(void *arg)
{
	prepare(arg);
	if (reeve_query_begin(t.c, NULL, NULL))
		abort();
	t.id = reeve_session_id_of(t.b);
}

static void end_held(void *arg)
{
	(void)arg;
	reeve_query_end(t.c, NULL);
}

static void statement_to_be_cancelled(void *arg)
{
	(void)arg;
	t.begun = reeve_query_begin(t.b, NULL, NULL);
	if (t.begun)
		return;
	t.told_before = atomic_load(&t.told);
	t.checked = reeve_checkpoint(t.b);
	reeve_query_end(t.b, NULL);
}

static void cancel_b(void *arg)
{
	(void)arg;
	t.other = reeve_session_cancel(t.r, t.id, NULL);
	atomic_store(&t.told, t.other == 0);
}

static int check_cancel(void *arg)
{
	int faults = 0;

	if ((t.begun && t.begun != REEVE_ECANCELLED) ||
		(t.told_before && t.checked != REEVE_ECANCELLED) ||
		(t.checked && t.checked != REEVE_ECANCELLED) ||
		((t.begun || t.checked) && t.other)) {
		printf("FAULT cancel said %d, begin %d, checkpoint %d\n", t.other, t.begun,
			t.checked);
		faults++;
	}
	/* The next statement has nothing to do with it. */
	if (reeve_query_begin(t.b, NULL, NULL) || reeve_checkpoint(t.b)) {
		printf("FAULT the next statement is cancelled too\n");
		faults++;
	}
	if (reeve__get(&t.b->t->attention) & REEVE_ATTEND_CANCEL) {
		printf("FAULT a cancel that came too late is not forgotten\n");
		faults++;
	}
	reeve_query_end(t.b, NULL);
	return faults + check(arg);
}

static void test_cancel_against_begin(void **state)
{
	struct orders o = {
		.actors = {{"holder", end_held, NULL}, {"waiter", statement_to_be_cancelled, NULL},
			{"canceller", cancel_b, NULL}},
		.count = 3,
		.switches = 2,
		.prepare = prepare_held,
		.check = check_cancel};

	(void)state;
	assert_int_equal(run_all("cancel against begin", &o), 0);
}

/* Nobody ends c's statement but a canceller that came too early: only the cancel wakes b. */
static void cancel_b_or_end_held(void *arg)
{
	cancel_b(arg);
	if (t.other)
		end_held(arg);
}

static int check_only_cancel(void *arg)
{
	int faults = 0;

	if (t.other == 0) {
		end_held(arg);
		if (t.begun != REEVE_ECANCELLED) {
			printf("FAULT the waiter was cancelled, but its begin said %d\n", t.begun);
			faults++;
		}
	}
	return faults + check_cancel(arg);
}

static void test_only_the_cancel_wakes(void **state)
{
	struct orders o = {.actors = {{"waiter", statement_to_be_cancelled, NULL},
				   {"canceller", cancel_b_or_end_held, NULL}},
		.count = 2,
		.switches = 3,
		.prepare = prepare_held,
		.check = check_only_cancel};

	(void)state;
	assert_int_equal(run_all("only the cancel wakes", &o), 0);
}

/* ---- switch against hand-over ---- */

static void prepare_switch(void *arg)
{
	prepare_held(arg);
	t.to_group = t.to_group == REEVE_BATCH_GROUP ? REEVE_MAINTENANCE_GROUP : REEVE_BATCH_GROUP;
}

static void switch_b(void *arg)
{
	(void)arg;
	t.other = reeve_session_switch(
		t.r, t.id, (reeve_group_id){t.to_group}, REEVE_SWITCH_MANUAL, NULL);
}

static int check_switch(void *arg)
{
	struct reeve_session_info info;
	int faults = t.other != 0 || reeve_session_get(t.r, t.id, &info, NULL) ||
		     info.group.v != t.to_group;

	if (faults)
		printf("FAULT the session is not in the group it was moved to (%d)\n", t.other);
	return faults + check(arg);
}

static void test_switch_against_hand_over(void **state)
{
	struct orders o = {.actors = {{"holder", end_held, NULL}, {"waiter", statement, &t.b},
				   {"mover", switch_b, NULL}},
		.count = 3,
		.switches = 2,
		.prepare = prepare_switch,
		.check = check_switch};

	(void)state;
	assert_int_equal(run_all("switch against hand-over", &o), 0);
}

/* All of it: one ends, two wait, one is moved. */
static void test_four_actors(void **state)
{
	struct orders o = {.actors = {{"holder", end_held, NULL}, {"waiter", statement, &t.b},
				   {"other", statement, &t.a}, {"mover", switch_b, NULL}},
		.count = 4,
		.switches = 1,
		.prepare = prepare_switch,
		.check = check_switch};

	(void)state;
	assert_int_equal(run_all("four actors", &o), 0);
}

#define ORDERS_TEST(f)	  cmocka_unit_test_setup_teardown(f, open_all, close_all)
#define TWO_SLOTS_TEST(f) cmocka_unit_test_setup_teardown(f, open_two_slots, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ORDERS_TEST(test_two_statements),
		ORDERS_TEST(test_three_statements),
		TWO_SLOTS_TEST(test_two_slots),
		TWO_SLOTS_TEST(test_two_slots_for_three),
		ORDERS_TEST(test_block_against_begin),
		ORDERS_TEST(test_eviction_against_end),
		ORDERS_TEST(test_kill_against_statement),
		ORDERS_TEST(test_kill_against_destroy_and_create),
		ORDERS_TEST(test_cancel_against_begin),
		ORDERS_TEST(test_only_the_cancel_wakes),
		ORDERS_TEST(test_switch_against_hand_over),
		ORDERS_TEST(test_four_actors),
	};

	return cmocka_run_group_tests_name("interleave", tests, NULL, NULL);
}
