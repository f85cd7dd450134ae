/* SPDX-License-Identifier: Apache-2.0 */
/* Several connections, each in a thread: who waits, who is let in, and cancelling from outside. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

static int setup(void **state)
{
	struct kit *kit = calloc(1, sizeof(*kit));

	assert_non_null(kit);
	kit_init(kit, 1);
	*state = kit;
	return 0;
}

static int teardown(void **state)
{
	kit_fini(*state);
	free(*state);
	return 0;
}

static void set_quantum(struct kit *kit, reeve_ns quantum)
{
	struct reeve_cpu_config config;

	reeve_cpu_config_get(kit->reeve, &config);
	config.quantum_ns = quantum;
	assert_int_equal(0, reeve_cpu_config_set(kit->reeve, &config, NULL));
}

static uint64_t dispatches(struct kit *kit, uint64_t group)
{
	struct reeve_cpu_group_stats stats;

	assert_int_equal(
		0, reeve_cpu_group_stats_get(kit->reeve, (reeve_group_id){group}, &stats, NULL));
	return stats.dispatches;
}

static int cancel(struct kit *kit, uint64_t session)
{
	return reeve_session_cancel(kit->reeve, (reeve_session_id){session}, NULL);
}

static void test_cancel_and_kill_from_outside(void **state)
{
	struct kit *kit = *state;

	for (int way = 0; way < 3; way++) {
		sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
		struct reeve_sqlite *governor = reeve_sqlite_of(db);
		uint64_t session = kit_session_of(db);
		uint32_t marks = atomic_load(&kit->marks);
		struct kit_worker worker;

		kit_start(&worker, db, KIT_ENDLESS_MARKED);
		KIT_UNTIL(atomic_load(&kit->marks) != marks);
		if (way == 0)
			assert_int_equal(0, cancel(kit, session));
		else if (way == 1)
			assert_int_equal(0,
				reeve_session_kill(kit->reeve, (reeve_session_id){session}, NULL));
		else
			assert_int_equal(0, reeve_sqlite_cancel(governor, NULL));
		assert_int_equal(SQLITE_INTERRUPT, kit_join(&worker));
		assert_int_equal(way == 1 ? REEVE_EKILLED : REEVE_ECANCELLED,
			reeve_sqlite_why(governor, NULL));
		assert_int_equal(SQLITE_OK, sqlite3_close(db));
	}
}

/* SQLite's own flag reaches into an opcode that makes no checkpoint; the reason is known all the same. */
static void test_cancel_inside_one_opcode(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	struct reeve_sqlite *governor;
	struct kit_worker worker;
	int rc = SQLITE_OK;
	sqlite3 *db;

	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &options);
	options.flags = REEVE_SQLITE_OWN_CACHE; /* all in memory: no file is read */
	assert_int_equal(0, reeve_sqlite_open(":memory:", &db,
				    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &options, NULL));
	governor = reeve_sqlite_of(db);
	assert_int_equal(SQLITE_OK,
		kit_run(db, "CREATE TABLE u AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
			    "SELECT i + 1 FROM n WHERE i < 50000) SELECT i FROM n"));
	for (int tries = 0; rc == SQLITE_OK && tries < 10000; tries++) {
		kit_start(&worker, db, "SELECT count(*) FROM u");
		while (reeve_sqlite_cancel(governor, NULL) != 0 &&
			kit_queries(kit, REEVE_BATCH_GROUP) < (uint64_t)tries + 2)
			;
		rc = kit_join(&worker);
	}
	assert_int_equal(SQLITE_INTERRUPT, rc);
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(governor, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* A look-up of some 10 opcodes waits for the slot like any other, and is refused before it starts. */
static void test_short_statement_cancelled_in_the_queue(void **state)
{
	struct kit *kit = *state;
	sqlite3 *holder = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	sqlite3 *db = kit_connect(kit, "bob", REEVE_BATCH_GROUP);
	struct reeve_sqlite *governor = reeve_sqlite_of(db);
	uint64_t session = kit_session_of(db);
	uint32_t marks = atomic_load(&kit->marks);
	struct reeve_session_info info;
	struct reeve_sqlite_totals totals;
	struct kit_worker worker;

	set_quantum(kit, REEVE_SEC);
	assert_int_equal(0, reeve_sqlite_begin(reeve_sqlite_of(holder), REEVE_NEVER, NULL));
	kit_start(&worker, db, "SELECT kit_mark() FROM t WHERE a = 7");
	KIT_UNTIL(kit_state(kit, session) == REEVE_SESSION_WAITING);
	assert_int_equal(
		0, reeve_session_get(kit->reeve, (reeve_session_id){session}, &info, NULL));
	assert_int_equal(REEVE_WAIT_CPU_SLOT, info.wait_reason);
	assert_int_equal(0, cancel(kit, session));
	assert_int_equal(SQLITE_INTERRUPT, kit_join(&worker));
	assert_int_equal(marks, atomic_load(&kit->marks)); /* nothing of it ran */
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(governor, NULL));
	reeve_sqlite_totals(governor, &totals);
	assert_int_equal(1, totals.refused);
	/* And out of time while it waits. */
	assert_int_equal(0, reeve_sqlite_set_timeout(governor, 20 * REEVE_MSEC, NULL));
	kit_start(&worker, db, "SELECT kit_mark() FROM t WHERE a = 7");
	assert_int_equal(SQLITE_INTERRUPT, kit_join(&worker));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(governor, NULL));
	assert_int_equal(marks, atomic_load(&kit->marks));
	/* When the slot is free it just runs. */
	assert_int_equal(0, reeve_sqlite_set_timeout(governor, 0, NULL));
	kit_start(&worker, db, "SELECT kit_mark() FROM t WHERE a = 7");
	KIT_UNTIL(kit_state(kit, session) == REEVE_SESSION_WAITING);
	reeve_sqlite_end(reeve_sqlite_of(holder), NULL);
	assert_int_equal(SQLITE_OK, kit_join(&worker));
	assert_int_equal(marks + 1, atomic_load(&kit->marks));
	assert_int_equal(SQLITE_OK, sqlite3_close(holder));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* One slot, two groups, statements without end: each is let in again and again. */
static void test_two_groups_take_turns(void **state)
{
	struct kit *kit = *state;
	sqlite3 *one = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	sqlite3 *two = kit_connect(kit, "bob", REEVE_MAINTENANCE_GROUP);
	uint64_t first = kit_session_of(one), second = kit_session_of(two);
	struct reeve_cpu_stats cpu;
	struct kit_worker workers[2];

	set_quantum(kit, REEVE_MSEC);
	kit_start(&workers[0], one, KIT_ENDLESS_MARKED);
	kit_start(&workers[1], two, KIT_ENDLESS_MARKED);
	KIT_UNTIL(dispatches(kit, REEVE_BATCH_GROUP) >= 20 &&
		  dispatches(kit, REEVE_MAINTENANCE_GROUP) >= 20);
	for (int i = 0; i < 1000; i++) {
		reeve_cpu_stats_get(kit->reeve, &cpu);
		assert_true(cpu.running <= 1);
	}
	assert_int_equal(0, cancel(kit, first));
	assert_int_equal(0, cancel(kit, second));
	assert_int_equal(SQLITE_INTERRUPT, kit_join(&workers[0]));
	assert_int_equal(SQLITE_INTERRUPT, kit_join(&workers[1]));
	assert_int_equal(SQLITE_OK, sqlite3_close(one));
	assert_int_equal(SQLITE_OK, sqlite3_close(two));
}

/* Who waits for another's lock holds no CPU slot, goes on when the lock is free, can be cancelled. */
static void test_waiting_for_a_lock_gives_the_slot_up(void **state)
{
	struct kit *kit = *state;
	sqlite3 *locker = kit_connect_plain(kit);
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	sqlite3 *reader = kit_connect(kit, "bob", REEVE_BATCH_GROUP);
	struct reeve_sqlite *governor = reeve_sqlite_of(db);
	uint64_t session = kit_session_of(db);
	struct reeve_cpu_stats cpu;
	struct kit_worker worker;

	assert_int_equal(SQLITE_OK, kit_run(locker, "PRAGMA journal_mode=WAL; BEGIN IMMEDIATE"));
	assert_int_equal(0, reeve_sqlite_set_busy_timeout(governor, 600 * REEVE_SEC, NULL));
	kit_start(&worker, db, "UPDATE t SET b = 0 WHERE a = 1");
	KIT_UNTIL(kit_state(kit, session) == REEVE_SESSION_BLOCKED);
	assert_int_equal(100, kit_number(reader, "SELECT count(*) FROM t"));
	reeve_cpu_stats_get(kit->reeve, &cpu);
	assert_true(cpu.running == 0 || kit_state(kit, session) != REEVE_SESSION_BLOCKED);
	assert_int_equal(SQLITE_OK, kit_run(locker, "COMMIT"));
	assert_int_equal(SQLITE_OK, kit_join(&worker));
	assert_int_equal(0, kit_number(reader, "SELECT b FROM t WHERE a = 1"));

	assert_int_equal(SQLITE_OK, kit_run(locker, "BEGIN IMMEDIATE"));
	kit_start(&worker, db, "UPDATE t SET b = 5 WHERE a = 1");
	KIT_UNTIL(kit_state(kit, session) == REEVE_SESSION_BLOCKED);
	assert_int_equal(0, cancel(kit, session));
	assert_int_equal(SQLITE_BUSY, kit_join(&worker));
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(governor, NULL));
	assert_int_equal(SQLITE_OK, kit_run(locker, "COMMIT"));
	assert_int_equal(0, kit_number(reader, "SELECT b FROM t WHERE a = 1"));
	assert_int_equal(SQLITE_OK, sqlite3_close(locker));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(SQLITE_OK, sqlite3_close(reader));
}

/* One connection used by several threads in turn, as SQLite allows: rows here, the end there. */
static void *finalize_it(void *stmt)
{
	sqlite3_finalize(stmt);
	return NULL;
}

static void test_statement_ends_in_another_thread(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	struct reeve_query_usage usage;
	pthread_t thread;

	for (int i = 0; i < 20; i++) {
		sqlite3_stmt *stmt = kit_prepare(db, "SELECT a FROM t");

		for (int row = 0; row < 50; row++)
			assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
		assert_int_equal(0, pthread_create(&thread, NULL, finalize_it, stmt));
		assert_int_equal(0, pthread_join(thread, NULL));
		reeve_sqlite_usage(reeve_sqlite_of(db), &usage);
		assert_true(usage.cpu_ns >= 0 && usage.cpu_ns <= usage.elapsed_ns);
	}
	assert_int_equal(20, kit_queries(kit, REEVE_BATCH_GROUP));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/*
 * Threads with a connection each do what they please: look-ups, scans, cursors left open, sorts,
 * writes, while one thread cancels. Counts must balance, and ThreadSanitizer has something to see.
 */
enum { MIX_THREADS = 6, MIX_ROUNDS = 150 };

struct mix {
	struct kit *kit;
	sqlite3 *db;
	uint64_t seed;
	uint64_t ended;
	_Atomic bool *stop;
};

static void run_one(struct mix *m, uint32_t kind)
{
	static const char *const sql[] = {"SELECT b FROM t WHERE a = 17",
		"SELECT sum(x.b) FROM t x, t y", "SELECT b, count(*) FROM t GROUP BY b ORDER BY 2",
		"UPDATE t SET b = b + 1 WHERE a = 3", "BEGIN; UPDATE t SET b = 1; ROLLBACK",
		"SELECT reeve_group(), reeve_cpu_ns()"};
	sqlite3_stmt *stmt;
	int rc;

	if (kind < sizeof(sql) / sizeof(sql[0])) {
		rc = kit_run(m->db, sql[kind]);
		if (!sqlite3_get_autocommit(m->db))
			(void)kit_run(m->db, "ROLLBACK");
	} else {
		stmt = kit_prepare(m->db, "SELECT a FROM t");
		rc = sqlite3_step(stmt);
		sqlite3_finalize(stmt);
	}
	assert_true(
		rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_INTERRUPT || rc == SQLITE_BUSY);
}

static void *run_mix(void *arg)
{
	struct mix *m = arg;
	struct reeve_sqlite_totals totals;

	for (int i = 0; i < MIX_ROUNDS; i++) {
		m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
		run_one(m, (uint32_t)(m->seed >> 33) % 7);
	}
	reeve_sqlite_totals(reeve_sqlite_of(m->db), &totals);
	m->ended = totals.statements + totals.refused;
	return NULL;
}

static void *run_canceller(void *arg)
{
	struct mix *all = arg;
	uint64_t sessions[MIX_THREADS];

	for (int i = 0; i < MIX_THREADS; i++)
		sessions[i] = all[i].seed; /* the session's id, until the thread starts */
	for (uint64_t i = 0; !atomic_load(all[0].stop); i++)
		(void)cancel(all[0].kit, sessions[i % MIX_THREADS]);
	return NULL;
}

static void test_mixed_load_in_threads(void **state)
{
	struct kit *kit = *state;
	struct mix mix[MIX_THREADS], for_canceller[MIX_THREADS];
	pthread_t threads[MIX_THREADS + 1];
	_Atomic bool stop = false;
	uint64_t groups[] = {REEVE_BATCH_GROUP, REEVE_INTERACTIVE_GROUP};
	uint64_t ended = 0;

	set_quantum(kit, REEVE_MSEC);
	for (uint64_t i = 0; i < MIX_THREADS; i++) {
		mix[i] = (struct mix){kit, kit_connect(kit, "ann", groups[i % 2]), i + 1, 0, &stop};
		for_canceller[i] = mix[i];
		for_canceller[i].seed = kit_session_of(mix[i].db);
		assert_int_equal(0, reeve_sqlite_set_busy_timeout(
					    reeve_sqlite_of(mix[i].db), 60 * REEVE_SEC, NULL));
	}
	for (int i = 0; i < MIX_THREADS; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, run_mix, &mix[i]));
	assert_int_equal(
		0, pthread_create(&threads[MIX_THREADS], NULL, run_canceller, for_canceller));
	for (int i = 0; i < MIX_THREADS; i++) {
		assert_int_equal(0, pthread_join(threads[i], NULL));
		ended += mix[i].ended;
	}
	atomic_store(&stop, true);
	assert_int_equal(0, pthread_join(threads[MIX_THREADS], NULL));
	assert_true(ended >= MIX_THREADS * MIX_ROUNDS);
	for (int i = 0; i < MIX_THREADS; i++)
		assert_int_equal(SQLITE_OK, sqlite3_close(mix[i].db));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cancel_and_kill_from_outside),
		TEST(test_cancel_inside_one_opcode),
		TEST(test_short_statement_cancelled_in_the_queue),
		TEST(test_two_groups_take_turns),
		TEST(test_waiting_for_a_lock_gives_the_slot_up),
		TEST(test_statement_ends_in_another_thread),
		TEST(test_mixed_load_in_threads),
	};

	return cmocka_run_group_tests_name("sqlite threads", tests, NULL, NULL);
}
