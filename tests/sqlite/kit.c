/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kit.h"

static void say_fault(void *arg, const char *fault)
{
	(void)arg;
	fprintf(stderr, "segment: %s\n", fault);
}

void kit_init(struct kit *kit, uint32_t cpu_slots)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err = {0, ""};
	sqlite3 *db;

	memset(kit, 0, sizeof(*kit));
	options.cpu_slots = cpu_slots;
	if (reeve_open(&options, &kit->reeve, &err) != 0)
		fail_msg("reeve_open: %s", err.text);
	strcpy(kit->folder, "/tmp/reeve-sqlite-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	snprintf(kit->database, sizeof(kit->database), "%s/test.db", kit->folder);
	db = kit_connect_plain(kit);
	assert_int_equal(SQLITE_OK,
		kit_run(db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
			    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
			    "WHERE i < 100) INSERT INTO t SELECT i, i * 10 FROM n"));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void remove_file(const struct kit *kit, const char *suffix)
{
	char path[128];

	snprintf(path, sizeof(path), "%s%s", kit->database, suffix);
	unlink(path);
}

void kit_fini(struct kit *kit)
{
	struct reeve_session_stats stats;
	struct reeve_cpu_stats cpu;

	reeve_session_stats_get(kit->reeve, &stats);
	assert_int_equal(0, stats.current);
	reeve_cpu_stats_get(kit->reeve, &cpu);
	assert_int_equal(0, cpu.running);
	assert_int_equal(0, cpu.ready);
	assert_int_equal(0, reeve_validate(kit->reeve, say_fault, NULL));
	reeve_close(kit->reeve);
	remove_file(kit, "");
	remove_file(kit, "-journal");
	remove_file(kit, "-wal");
	remove_file(kit, "-shm");
	assert_int_equal(0, rmdir(kit->folder));
}

void kit_options(struct kit *kit, const char *username, uint64_t group,
	struct reeve_session_def *ret_def, struct reeve_sqlite_options *ret_options)
{
	*ret_def = (struct reeve_session_def)REEVE_SESSION_DEF_INIT;
	*ret_options = (struct reeve_sqlite_options)REEVE_SQLITE_OPTIONS_INIT;
	ret_def->username = username;
	ret_def->group.v = group;
	ret_options->reeve = kit->reeve;
	ret_options->session_def = ret_def;
}

static void sql_mark(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct kit *kit = sqlite3_user_data(context);

	(void)count;
	(void)values;
	sqlite3_result_int(context, (int)atomic_fetch_add(&kit->marks, 1) + 1);
}

sqlite3 *kit_connect_by(struct kit *kit, const struct reeve_sqlite_options *options)
{
	struct reeve_error err = {0, ""};
	sqlite3 *db = NULL;

	if (reeve_sqlite_open(kit->database, &db, SQLITE_OPEN_READWRITE, options, &err) != 0)
		fail_msg("reeve_sqlite_open: %s", err.text);
	assert_int_equal(SQLITE_OK,
		sqlite3_create_function(db, "kit_mark", 0, SQLITE_UTF8, kit, sql_mark, NULL, NULL));
	return db;
}

sqlite3 *kit_connect(struct kit *kit, const char *username, uint64_t group)
{
	struct reeve_session_def def;
	struct reeve_sqlite_options options;

	kit_options(kit, username, group, &def, &options);
	return kit_connect_by(kit, &options);
}

sqlite3 *kit_connect_plain(struct kit *kit)
{
	sqlite3 *db = NULL;

	assert_int_equal(SQLITE_OK, sqlite3_open(kit->database, &db));
	return db;
}

int kit_run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

sqlite3_stmt *kit_prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	return stmt;
}

int64_t kit_number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = kit_prepare(db, sql);
	int64_t number;

	if (sqlite3_step(stmt) != SQLITE_ROW)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return number;
}

uint64_t kit_session_of(sqlite3 *db)
{
	struct reeve_sqlite *governor = reeve_sqlite_of(db);

	assert_non_null(governor);
	return reeve_session_id_of(reeve_sqlite_session(governor)).v;
}

uint32_t kit_state(struct kit *kit, uint64_t session)
{
	struct reeve_session_info info;

	assert_int_equal(
		0, reeve_session_get(kit->reeve, (reeve_session_id){session}, &info, NULL));
	return info.state;
}

uint64_t kit_queries(struct kit *kit, uint64_t group)
{
	struct reeve_cpu_group_stats stats;

	assert_int_equal(
		0, reeve_cpu_group_stats_get(kit->reeve, (reeve_group_id){group}, &stats, NULL));
	return stats.queries;
}

/* Looks again at once for a while, then leaves the processor to others in between. */
bool kit_is_patient(uint64_t tries)
{
	static _Thread_local struct timespec start;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (tries == 0)
		start = now;
	sched_yield();
	return now.tv_sec - start.tv_sec < 60;
}

static void *run_worker(void *arg)
{
	struct kit_worker *worker = arg;

	worker->result = kit_run(worker->db, worker->sql);
	return NULL;
}

void kit_start(struct kit_worker *worker, sqlite3 *db, const char *sql)
{
	pthread_t thread;

	worker->db = db;
	worker->sql = sql;
	assert_int_equal(0, pthread_create(&thread, NULL, run_worker, worker));
	worker->thread = (uintptr_t)thread;
}

int kit_join(struct kit_worker *worker)
{
	assert_int_equal(0, pthread_join((pthread_t)worker->thread, NULL));
	return worker->result;
}
