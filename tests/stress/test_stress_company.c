/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_stress_company.c - four processes of two actors each, killed at random and begun anew.
 *
 * Some seconds of it, or a minute with REEVE_TEST_ALL=1. Then all who live come to rest: accounts must
 * agree with what they hold. Then half of them give everything back and the others are killed: once
 * housekeeping has come by, nothing may be left of any of them.
 */
#include "accounts.h"
#include "company.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROCESSES = 4, THREADS = 2 };

struct test {
	struct board *board;
	char path[64];
	uint64_t seed;
	pid_t pids[PROCESSES];
	struct reeve *r;
	uint32_t kills;
};

static void *run_actor(void *arg)
{
	actor_run(arg);
	return NULL;
}

static int run_process(struct test *t, uint32_t index, uint64_t seed)
{
	static struct actor actors[THREADS];
	struct reeve *r = kit_open(t->path);
	pthread_t threads[THREADS];

	if (!r)
		return 1;
	for (uint32_t i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){.r = r,
			.board = t->board,
			.index = index * THREADS + i,
			.seed = kit_random(&seed)};
		if (pthread_create(&threads[i], NULL, run_actor, &actors[i]))
			return 1;
	}
	for (uint32_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	reeve_close(r);
	return 0;
}

static void start(struct test *t, uint32_t index)
{
	uint64_t seed = kit_random(&t->seed);
	pid_t parent = getpid();

	for (uint32_t i = 0; i < THREADS; i++)
		atomic_store(&t->board->rests[index * THREADS + i], 0);
	fflush(NULL);
	t->pids[index] = fork();
	if (t->pids[index] != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(getppid() == parent ? run_process(t, index, seed) : 1);
}

static void end(struct test *t, uint32_t index)
{
	kill(t->pids[index], SIGKILL);
	waitpid(t->pids[index], NULL, 0);
}

/* Whoever has ended by itself has crashed, or could not attach. */
static int check_alive(struct test *t)
{
	int status, faults = 0;

	for (uint32_t i = 0; i < PROCESSES; i++)
		if (waitpid(t->pids[i], &status, WNOHANG) == t->pids[i]) {
			printf("FAULT process %u has ended by itself: status %x\n", i, status);
			faults++;
			start(t, i);
		}
	return faults;
}

static int work(struct test *t, reeve_ns span)
{
	reeve_ns until = kit_now() + span;
	int faults = 0;

	for (uint32_t i = 0; i < PROCESSES; i++)
		start(t, i);
	while (kit_now() < until && !kit_get(&t->board->faults) && !faults) {
		uint32_t i = kit_below(&t->seed, PROCESSES);
		kit_nap((reeve_ns)kit_below(&t->seed, 60000) * REEVE_USEC);
		faults += check_alive(t);
		if (kit_below(&t->seed, 3) == 0)
			continue;
		end(t, i);
		t->kills++;
		start(t, i);
		if (kit_below(&t->seed, 8) == 0)
			faults += kit_faults(t->r, "after a kill");
		if (kit_below(&t->seed, 2))
			reeve_tick(t->r, NULL, NULL);
	}
	return faults;
}

static void tick(struct test *t)
{
	for (int i = 0; i < 3; i++) {
		reeve_tick(t->r, NULL, NULL);
		kit_nap(20 * REEVE_MSEC);
	}
}

static int finish(struct test *t)
{
	int faults = 0;

	atomic_store(&t->board->phase, (uint32_t)BOARD_REST);
	if (!company_rests(t->board, PROCESSES * THREADS, 20 * REEVE_SEC))
		return 1;
	tick(t);
	faults += accounts_at_rest(t->r, t->board, "at rest");
	for (uint32_t i = 0; i < PROCESSES / 2; i++)
		end(t, i);
	atomic_store(&t->board->phase, (uint32_t)BOARD_END);
	for (uint32_t i = PROCESSES / 2; i < PROCESSES; i++) {
		int status = 0;
		waitpid(t->pids[i], &status, 0);
		if (status) {
			printf("FAULT process %u did not end well: status %x\n", i, status);
			faults++;
		}
	}
	tick(t);
	accounts_clear(t->r);
	faults += accounts_at_end(t->r, "at the end");
	return faults;
}

static void test_killed_at_random(void **state)
{
	struct test t = {.board = kit_shared(sizeof(struct board)), .seed = kit_seed("company")};
	int faults;

	(void)state;
	snprintf(t.path, sizeof(t.path), "/dev/shm/reeve-test-company-%ld", (long)getpid());
	unlink(t.path);
	company_files(t.board);
	t.r = company_open(t.path);
	faults = work(&t, (kit_all() ? 60 : 6) * REEVE_SEC);
	faults += finish(&t) + (int)kit_get(&t.board->faults);
	printf("%u kills\n", t.kills);
	for (uint32_t i = 0; i < PROCESSES; i++)
		kill(t.pids[i], SIGKILL);
	reeve_close(t.r);
	unlink(t.path);
	company_files_remove(t.board);
	assert_int_equal(faults, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_killed_at_random)};

	return cmocka_run_group_tests_name("stress_company", tests, NULL, NULL);
}
