/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stress_processes.c - processes that do everything at random, and are killed at random.
 *
 * Four processes of two threads each, beside the bystanders of tests/crash. After each kill the
 * definitions that the dead was changing must be whole; after each batch of kills everything held
 * must be back within a second and all accounts must agree.
 */
#include "load.h"
#include "world.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROCESSES = 4, THREADS = 2, KILLS = 40 };

static struct load_board *board;
static _Atomic uint64_t *faults_seen; /* shared: sentences that loads complained of */

struct order {
	uint32_t index;
	uint64_t seed;
};

static void *run_load(void *arg)
{
	struct load *l = arg;

	while (!l->fault)
		load_step(l);
	printf("FAULT process %d: %s\n", (int)getpid(), l->fault);
	fflush(stdout);
	kit_add(faults_seen, 1);
	return NULL;
}

static int run_process(struct world *w, void *arg)
{
	static struct load loads[THREADS];
	struct order *o = arg;
	struct reeve *r = kit_open(w->path);
	pthread_t threads[THREADS];

	if (!r)
		return 1;
	for (uint32_t i = 0; i < THREADS; i++) {
		loads[i] = (struct load){.r = r,
			.board = board,
			.set = i ? NULL : &w->sets[o->index], /* one changer a set */
			.index = o->index * THREADS + i,
			.seed = kit_random(&o->seed)};
		if (pthread_create(&threads[i], NULL, run_load, &loads[i]))
			return 1;
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 1;
}

static pid_t start(struct world *w, uint32_t index, uint64_t *seed)
{
	struct order order = {index, kit_random(seed)};

	for (uint32_t i = 0; i < THREADS; i++)
		kit_put(&board->ids[index * THREADS + i], 0);
	return world_fork(w, run_process, &order);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int run_batch(struct world *w, uint64_t *seed)
{
	pid_t pids[PROCESSES], dead[KILLS + PROCESSES];
	uint32_t n = 0;
	int faults = 0;

	world_go(w, kit_below(seed, 2) ? WORLD_BUSY : WORLD_LIGHT);
	for (uint32_t i = 0; i < PROCESSES; i++)
		pids[i] = start(w, i, seed);
	while (n < KILLS) {
		uint32_t i = kit_below(seed, PROCESSES);
		kit_nap((reeve_ns)kit_below(seed, 20000) * REEVE_USEC);
		end(pids[i]);
		dead[n++] = pids[i];
		faults += definitions_check(&w->sets[i], w->r, "after a random kill");
		pids[i] = start(w, i, seed);
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		end(pids[i]);
		dead[n++] = pids[i];
	}
	world_go(w, WORLD_BUSY);
	faults += world_recovered(w, dead, n, "after a batch of random kills");
	return faults + (int)kit_get(faults_seen);
}

static void test_random_kills(void **state)
{
	uint64_t seed = kit_seed("random kills");
	struct world *w = world_create(2);
	uint32_t batches = kit_all() ? 100 : 6, done = 0;
	int faults = 0;

	(void)state;
	board = kit_shared(sizeof(*board));
	faults_seen = kit_shared(sizeof(*faults_seen));
	w->any_plan = true;
	for (; done < batches && !faults; done++)
		faults += run_batch(w, &seed);
	printf("%u kills; the longest recovery took %.3f s\n", done * (KILLS + PROCESSES),
		(double)w->longest / 1e9);
	world_destroy(w);
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_kills)};

	return cmocka_run_group_tests_name("stress_processes", tests, NULL, NULL);
}
