/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory on real threads: sessions that charge and release, allocations that come and go, limits and
 * pools that change, sweeps, kills and validate, all at once on one mapping. What is checked: no limit
 * is ever passed, and at the end everything has come back. Clean under ThreadSanitizer.
 */
#include "core.h"

#include <pthread.h>
#include <stdio.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4u
#define KIB	((uint64_t)1024)

struct shared {
	struct reeve *r;
	_Atomic uint32_t working;
	_Atomic uint64_t killable[THREADS]; /* id of a session that may be killed */
	_Atomic uint64_t shrunk;
};

struct worker {
	struct shared *shared;
	struct sim_random random;
	uint32_t index;
	uint64_t rounds, refused;
};

static void *charge_and_release(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->shared;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;
	uint64_t held[2] = {0, 0};

	def.username = "ada";
	def.group.v = 2 + w->index % 2;
	for (uint64_t i = 0; i < w->rounds; i++) {
		uint32_t kind = (uint32_t)core_below(&w->random, 2);
		uint64_t bytes = 1 + core_below(&w->random, 40 * KIB);
		int rc;
		if (!s) {
			struct reeve_error err;
			if (reeve_session_create(sh->r, &def, &s, &err)) {
				fprintf(stderr, "a session: %s\n", err.text);
				abort();
			}
			held[0] = held[1] = 0;
			atomic_store(&sh->killable[w->index], reeve_session_id_of(s).v);
		}
		if (core_below(&w->random, 2)) {
			rc = reeve_memory_charge(s, kind, bytes, NULL);
			held[kind] += rc ? 0 : bytes;
			w->refused += rc == REEVE_ERESOURCE_EXHAUSTED;
		} else {
			bytes = bytes < held[kind] ? bytes : held[kind];
			rc = bytes ? reeve_memory_release(s, kind, bytes, NULL) : 0;
			held[kind] -= rc ? 0 : bytes;
		}
		if (rc && rc != REEVE_ERESOURCE_EXHAUSTED && rc != REEVE_EKILLED) {
			fprintf(stderr, "a charge: %d\n", rc);
			abort();
		}
		reeve_memory_access(sh->r, (reeve_pool_id){2}, core_below(&w->random, 9000));
		if (rc == REEVE_EKILLED || core_below(&w->random, 500) == 0) {
			atomic_store(&sh->killable[w->index], 0);
			reeve_session_destroy(s);
			s = NULL;
		}
	}
	reeve_session_destroy(s);
	atomic_fetch_sub(&sh->working, 1);
	return NULL;
}

static void *allocate_and_free(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->shared;
	reeve_allocation_id ids[16] = {{0}};

	for (uint64_t i = 0; i < w->rounds; i++) {
		reeve_allocation_id *id = &ids[core_below(&w->random, 16)];
		reeve_session_id owner = {atomic_load(&sh->killable[core_below(&w->random, 4)])};
		uint64_t pool = 1 + core_below(&w->random, 5);
		if (id->v) {
			int rc = reeve_memory_free(sh->r, *id, (reeve_session_id){0}, NULL);
			if (rc && rc != REEVE_ENOT_FOUND) /* its session may have ended */
				abort();
			id->v = 0;
		} else if (reeve_memory_allocate(sh->r, (reeve_pool_id){pool},
				   1 + core_below(&w->random, 60 * KIB), owner, "t", id, NULL)) {
			w->refused++;
			id->v = 0;
		}
	}
	for (int i = 0; i < 16; i++)
		if (ids[i].v)
			reeve_memory_free(sh->r, ids[i], (reeve_session_id){0}, NULL);
	atomic_fetch_sub(&sh->working, 1);
	return NULL;
}

static void shrink(void *arg, uint32_t level, reeve_pool_id pool, uint64_t bytes)
{
	struct shared *sh = arg;

	(void)level;
	(void)pool;
	(void)bytes;
	atomic_fetch_add(&sh->shrunk, 1);
}

/* Changes everything that can be changed, and looks. */
static void stir(struct shared *sh, struct sim_random *random)
{
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_group_id g = {2 + core_below(random, 2)};
	reeve_session_id victim = {atomic_load(&sh->killable[core_below(random, THREADS)])};
	struct reeve_memory_group_info group;
	struct reeve_memory_stats stats;
	struct reeve_pool_info pool;

	switch (core_below(random, 6)) {
	case 0:
		reeve_memory_group_register(
			sh->r, g, 200 * KIB + core_below(random, 600 * KIB), 300 * KIB, NULL);
		break;
	case 1:
		if (victim.v)
			reeve_session_kill(sh->r, victim, NULL);
		break;
	case 2:
		if (victim.v)
			reeve_session_switch(sh->r, victim, g, 1, NULL);
		break;
	case 3:
		def.target_bytes = 500 * KIB + core_below(random, 300 * KIB);
		reeve_pool_update(sh->r, (reeve_pool_id){5}, REEVE_POOL_SET_TARGET, &def, NULL);
		break;
	case 4:
		if (victim.v)
			reeve_memory_quota_set(sh->r, victim, (reeve_group_id){0},
				100 * KIB + core_below(random, 200 * KIB), 90 * KIB, NULL);
		break;
	default:
		reeve_plan_activate(sh->r, (reeve_plan_id){1 + core_below(random, 4)}, NULL);
	}
	reeve_tick(sh->r, NULL, NULL);
	reeve_memory_stats_get(sh->r, &stats);
	assert_true(stats.used_bytes <= stats.limit_bytes);
	assert_true(stats.pool_bytes + stats.session_bytes == stats.used_bytes);
	assert_ok(reeve_pool_get(sh->r, (reeve_pool_id){5}, &pool, E));
	assert_true(pool.allocated_bytes <= pool.max_bytes);
	assert_ok(reeve_memory_group_get(sh->r, g, &group, E));
	assert_true(group.used_bytes <= stats.limit_bytes);
}

static void all_at_once(void **state)
{
	(void)state;
	struct reeve_options o;
	struct shared sh = {.r = NULL};
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct sim_random random;
	uint64_t seed = core_seed("memory threads"), refused = 0;
	struct reeve_memory_stats stats;

	core_small_options(&o);
	o.cpu_slots = 2;
	o.db_limit_bytes = 2048 * KIB;
	assert_ok(reeve_open(&o, &sh.r, E));
	assert_ok(reeve_memory_on_pressure(sh.r, (reeve_pool_id){0}, shrink, &sh, E));
	sim_random_init(&random, seed, 99);
	sh.working = THREADS;
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] =
			(struct worker){.shared = &sh, .index = i, .rounds = core_steps(300000)};
		sim_random_init(&workers[i].random, seed, i);
		assert_int_equal(
			pthread_create(&threads[i], NULL,
				i == 3 ? allocate_and_free : charge_and_release, &workers[i]),
			0);
	}
	while (atomic_load(&sh.working)) {
		stir(&sh, &random);
		assert_clean(sh.r);
		sched_yield();
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		refused += workers[i].refused;
	}
	reeve_memory_stats_get(sh.r, &stats);
	assert_true(stats.used_bytes == 0 && stats.allocations == stats.deallocations);
	assert_int_equal(core_segment(sh.r).quotas, 0);
	assert_true(refused > 0);
	assert_clean(sh.r);
	reeve_close(sh.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once)};

	return cmocka_run_group_tests_name("memory_threads", tests, NULL, NULL);
}
