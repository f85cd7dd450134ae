/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stress_threads.c - threads on one mapping, where ThreadSanitizer sees everything.
 *
 * Eight threads do everything at random for some seconds (60 with REEVE_TEST_ALL=1); then all
 * accounts must agree. And two threads hand few slots to and fro, many thousand times: each statement
 * comes to its end, without the periodic look-ups that would hide a lost wake-up.
 */
#include "load.h"

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

static _Atomic bool over;

static void *run_load(void *arg)
{
	struct load *l = arg;

	while (!atomic_load(&over) && !l->fault)
		load_step(l);
	load_end(l);
	return NULL;
}

static int check_accounts(struct reeve *r, const struct load *loads)
{
	struct reeve_session_stats sessions;
	struct reeve_cpu_stats cpu;
	struct reeve_cpu_group_stats groups[8];
	struct load sum = {0};
	uint64_t queries = 0, cpu_ns = 0;
	uint32_t n = reeve_cpu_group_stats_copy(r, (reeve_group_id){0}, groups, 8);
	int faults = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		sum.begun += loads[i].begun;
		sum.given_up += loads[i].given_up;
		sum.ended += loads[i].ended;
		sum.created += loads[i].created;
		sum.cpu_ns += loads[i].cpu_ns;
		sum.queries += loads[i].queries;
		sum.outside += loads[i].outside;
		if (loads[i].fault) {
			printf("FAULT thread %u: %s\n", i, loads[i].fault);
			faults++;
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		queries += groups[i].queries;
		cpu_ns += groups[i].cpu_ns;
	}
	reeve_session_stats_get(r, &sessions);
	reeve_cpu_stats_get(r, &cpu);
	printf("%llu statements, %llu of them gave up waiting; %llu sessions; %.3f s of CPU\n",
		(unsigned long long)sum.queries, (unsigned long long)sum.given_up,
		(unsigned long long)sum.created, (double)cpu_ns / 1e9);
	faults += sum.begun != sum.ended || sum.begun + sum.given_up != sum.queries ||
		  queries != sum.queries + sum.outside;
	faults += sessions.created != sum.created || sessions.terminated != sum.created ||
		  sessions.current != 0;
	faults += cpu_ns != sum.cpu_ns || cpu.cpu_ns != cpu_ns;
	faults += cpu.running != 0 || cpu.ready != 0;
	if (faults)
		printf("FAULT begun %llu, gave up %llu, ended %llu, of sessions %llu, of groups "
		       "%llu; "
		       "CPU of sessions %llu, of groups %llu, of all %llu; sessions %llu, %llu, "
		       "%llu, %u; %u running, %u waiting\n",
			(unsigned long long)sum.begun, (unsigned long long)sum.given_up,
			(unsigned long long)sum.ended, (unsigned long long)sum.queries,
			(unsigned long long)queries, (unsigned long long)sum.cpu_ns,
			(unsigned long long)cpu_ns, (unsigned long long)cpu.cpu_ns,
			(unsigned long long)sum.created, (unsigned long long)sessions.created,
			(unsigned long long)sessions.terminated, sessions.current, cpu.running,
			cpu.ready);
	return faults;
}

static void test_everything_at_random(void **state)
{
	static struct load_board board;
	static struct definitions sets[THREADS];
	struct load loads[THREADS];
	pthread_t threads[THREADS];
	uint64_t seed = kit_seed("threads");
	struct reeve *r = open_anonymous(2, NULL);
	reeve_ns until;
	int faults;

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++) {
		definitions_create(&sets[i], r, i);
		loads[i] = (struct load){.r = r,
			.board = &board,
			.set = &sets[i],
			.index = i,
			.seed = kit_random(&seed)};
	}
	atomic_store(&over, false);
	until = kit_now() + (kit_all() ? 60 : 4) * REEVE_SEC;
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_load, &loads[i]), 0);
	while (kit_now() < until)
		kit_nap(20 * REEVE_MSEC);
	atomic_store(&over, true);
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	faults = check_accounts(r, loads) + kit_faults(r, "at the end") +
		 kit_count_faults(r, "at the end");
	for (uint32_t i = 0; i < THREADS; i++)
		faults += definitions_check(&sets[i], r, "at the end");
	reeve_close(r);
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
