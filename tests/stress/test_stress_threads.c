/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stress_threads.c - threads on one mapping, where ThreadSanitizer sees everything.
 *
 * Eight threads do everything at random for some seconds (60 with REEVE_TEST_ALL=1); then all
 * accounts must agree. And two threads hand few slots to and fro, many thousand times: each statement
 * comes to its end, without the periodic look-ups that would hide a lost wake-up.
 */
#include "accounts.h"
#include "company.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8 };

static struct reeve *open_anonymous(uint32_t cpu_slots, const struct reeve_host *host)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct reeve_cpu_config config;
	struct reeve *r;

	o.cpu_slots = cpu_slots;
	o.host = host;
	o.max_sessions = o.max_tasks = 4096;
	assert_int_equal(reeve_open(&o, &r, NULL), 0);
	reeve_cpu_config_get(r, &config);
	config.quantum_ns = 2 * REEVE_MSEC;
	assert_int_equal(reeve_cpu_config_set(r, &config, NULL), 0);
	return r;
}

/* ---- everything at random ---- */

static void *run_actor(void *arg)
{
	actor_run(arg);
	return NULL;
}

static void test_everything_at_random(void **state)
{
	static struct board board;
	static struct actor actors[THREADS];
	uint64_t seed = kit_seed("threads");
	struct reeve *r = company_open(NULL);
	pthread_t threads[THREADS];
	reeve_ns until;
	int faults = 0;

	(void)state;
	company_files(&board);
	for (uint32_t i = 0; i < THREADS; i++)
		actors[i] = (struct actor){
			.r = r, .board = &board, .index = i, .seed = kit_random(&seed)};
	until = kit_now() + (kit_all() ? 60 : 4) * REEVE_SEC;
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_actor, &actors[i]), 0);
	while (kit_now() < until && !kit_get(&board.faults))
		kit_nap(20 * REEVE_MSEC);
	atomic_store(&board.phase, (uint32_t)BOARD_REST);
	if (!company_rests(&board, THREADS, 20 * REEVE_SEC))
		abort();
	faults += accounts_at_rest(r, &board, "at rest");
	atomic_store(&board.phase, (uint32_t)BOARD_END);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	reeve_tick(r, NULL, NULL);
	accounts_clear(r);
	faults += accounts_at_end(r, "at the end") + (int)kit_get(&board.faults);
	reeve_close(r);
	company_files_remove(&board);
	assert_int_equal(faults, 0);
}

/* ---- to and fro ---- */

/*
 * The real host, but a sleep goes on ten times as long as was asked for, and at least a second: who
 * is woken does not notice, and who is not woken is late by so much that it shows.
 */
static _Atomic uint64_t overslept;

static void wait_long(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline)
{
	reeve_ns now = kit_now(), until = deadline;

	if (deadline <= now)
		return; /* a look at the word and no sleep */
	if (deadline != REEVE_NEVER)
		until = now + 10 * (deadline - now) + REEVE_SEC;
	reeve_host_native()->wait(self, word, expected, until);
	if (kit_now() >= until)
		kit_add(&overslept, 1);
}

struct pair {
	struct reeve_session *session;
	uint64_t seed, statements, parks;
	reeve_ns longest;
};

static void *run_pair(void *arg)
{
	struct pair *p = arg;
	struct reeve_query_usage usage;

	for (uint64_t i = 0; i < p->statements; i++) {
		reeve_ns began = kit_now();
		if (reeve_query_begin(p->session, NULL, NULL))
			abort();
		/* Asleep with the slot: the others want it, however few processors there are. */
		kit_nap((reeve_ns)kit_below(&p->seed, 60000));
		if (reeve_checkpoint(p->session))
			abort();
		reeve_query_end(p->session, &usage);
		p->parks += usage.parks;
		if (kit_now() - began > p->longest)
			p->longest = kit_now() - began;
		/* Longer than a slot lingers, so that it is handed over and not kept. */
		kit_nap(60 * REEVE_USEC);
	}
	return NULL;
}

static void run_to_and_fro(uint32_t cpu_slots, uint32_t threads, uint64_t statements)
{
	struct reeve_host host = *reeve_host_native();
	struct pair pairs[8];
	pthread_t ids[8];
	uint64_t seed = kit_seed("to and fro"), parks = 0;
	struct reeve *r;
	reeve_ns longest = 0;

	host.wait = wait_long;
	r = open_anonymous(cpu_slots, &host);
	for (uint32_t i = 0; i < threads; i++) {
		pairs[i] = (struct pair){.session = kit_session(r, 2 + i % 2),
			.seed = kit_random(&seed),
			.statements = statements};
		assert_non_null(pairs[i].session);
	}
	for (uint32_t i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, run_pair, &pairs[i]), 0);
	for (uint32_t i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		parks += pairs[i].parks;
		if (pairs[i].longest > longest)
			longest = pairs[i].longest;
	}
	printf("%u threads, %u slots: %llu statements, %llu parks, the longest took %.3f ms\n",
		threads, cpu_slots, (unsigned long long)(threads * statements),
		(unsigned long long)parks, (double)longest / 1e6);
	assert_int_equal(kit_faults(r, "to and fro"), 0);
	for (uint32_t i = 0; i < threads; i++)
		reeve_session_destroy(pairs[i].session);
	reeve_close(r);
	assert_true(parks > threads * statements / 50);
	assert_int_equal(overslept, 0);
}

static void test_two_threads_one_slot(void **state)
{
	(void)state;
	run_to_and_fro(1, 2, kit_all() ? 200000 : 10000);
}

static void test_four_threads_one_slot(void **state)
{
	(void)state;
	run_to_and_fro(1, 4, kit_all() ? 50000 : 3000);
}

static void test_four_threads_two_slots(void **state)
{
	(void)state;
	run_to_and_fro(2, 4, kit_all() ? 100000 : 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_threads_one_slot),
		cmocka_unit_test(test_four_threads_one_slot),
		cmocka_unit_test(test_four_threads_two_slots),
		cmocka_unit_test(test_everything_at_random)};

	return cmocka_run_group_tests_name("stress_threads", tests, NULL, NULL);
}
