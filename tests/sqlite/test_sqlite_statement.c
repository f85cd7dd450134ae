/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a statement, what it may use, how it ends; in one thread. */
#include <stdlib.h>
#include <string.h>

#include "kit.h"

struct world {
	struct kit kit;
	sqlite3 *db;
	struct reeve_sqlite *governor;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	kit_init(&w->kit, 1);
	w->db = kit_connect(&w->kit, "ann", REEVE_BATCH_GROUP);
	w->governor = reeve_sqlite_of(w->db);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_int_equal(SQLITE_OK, sqlite3_close(w->db));
	kit_fini(&w->kit);
	free(w);
	return 0;
}

static uint64_t ended(struct world *w)
{
	struct reeve_sqlite_totals totals;

	reeve_sqlite_totals(w->governor, &totals);
	assert_int_equal(totals.statements, kit_queries(&w->kit, REEVE_BATCH_GROUP));
	return totals.statements;
}

static bool is_running(struct world *w)
{
	return kit_state(&w->kit, kit_session_of(w->db)) != REEVE_SESSION_INACTIVE;
}

static void cancel_it(struct world *w)
{
	assert_int_equal(0, reeve_session_cancel(w->kit.reeve,
				    reeve_session_id_of(reeve_sqlite_session(w->governor)), NULL));
}

static void test_every_kind_counts_once(void **state)
{
	static const char *const statements[] = {"SELECT a FROM t WHERE a = 5", "SELECT 1",
		"-- a remark\nSELECT * FROM t", "BEGIN", "INSERT INTO t VALUES(1000, 1)", "COMMIT",
		"CREATE TABLE u(x)", "DELETE FROM t WHERE a = 1000", "PRAGMA cache_size", "VACUUM",
		"ANALYZE", "SELECT a FROM t WHERE a = -1", "INSERT INTO t VALUES(1, 1)"};
	struct world *w = *state;
	size_t count = sizeof(statements) / sizeof(statements[0]);

	for (size_t i = 0; i < count; i++) {
		int rc = kit_run(w->db, statements[i]);
		assert_int_equal(i + 1 < count ? SQLITE_OK : SQLITE_CONSTRAINT, rc);
		assert_int_equal(i + 1, ended(w));
		assert_false(is_running(w));
	}
	assert_int_equal(SQLITE_OK, kit_run(w->db, "EXPLAIN SELECT * FROM t")); /* no work */
	assert_int_equal(SQLITE_ERROR, kit_run(w->db, "SELECT no_such_column FROM t"));
	assert_int_equal(count, ended(w));
}

static void test_triggers_are_part_of_their_statement(void **state)
{
	struct world *w = *state;

	assert_int_equal(SQLITE_OK,
		kit_run(w->db,
			"CREATE TABLE log(x); CREATE TABLE again(x);"
			"CREATE TRIGGER one AFTER INSERT ON t BEGIN "
			" INSERT INTO log VALUES(new.a); END;"
			"CREATE TRIGGER two AFTER INSERT ON log BEGIN "
			" INSERT INTO again SELECT x FROM log; SELECT count(*) FROM t; END;"));
	assert_int_equal(4, ended(w));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "INSERT INTO t VALUES(500, 1), (501, 2)"));
	assert_int_equal(5, ended(w));
	assert_false(is_running(w));
	assert_int_equal(3, kit_number(w->db, "SELECT count(*) FROM again"));
}

static void sql_inner(sqlite3_context *context, int count, sqlite3_value **values)
{
	sqlite3 *db = sqlite3_context_db_handle(context);

	(void)count;
	(void)values;
	sqlite3_result_int64(context, kit_number(db, "SELECT count(*) FROM t"));
}

static void test_sql_inside_a_function(void **state)
{
	struct world *w = *state;

	assert_int_equal(SQLITE_OK, sqlite3_create_function(w->db, "inner_count", 0, SQLITE_UTF8,
					    NULL, sql_inner, NULL, NULL));
	assert_int_equal(100, kit_number(w->db, "SELECT inner_count()"));
	assert_int_equal(1, ended(w));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "SELECT inner_count() FROM t"));
	assert_int_equal(2, ended(w));
	assert_false(is_running(w));
}

/* Statements that overlap are one; a hundred open cursors, closed in an order of their own. */
static void test_many_open_statements(void **state)
{
	enum { COUNT = 100 };
	struct world *w = *state;
	sqlite3_stmt *stmts[COUNT];

	for (int i = 0; i < COUNT; i++) {
		stmts[i] = kit_prepare(w->db, "SELECT a FROM t");
		assert_int_equal(SQLITE_ROW, sqlite3_step(stmts[i]));
		assert_int_equal(SQLITE_ROW, sqlite3_step(stmts[i]));
	}
	assert_int_equal(0, ended(w));
	for (int i = 0; i < COUNT; i++) {
		assert_true(is_running(w));
		assert_int_equal(0, ended(w));
		if (i % 2 != 0)
			sqlite3_reset(stmts[(i * 37) % COUNT]);
		sqlite3_finalize(stmts[(i * 37) % COUNT]);
	}
	assert_false(is_running(w));
	assert_int_equal(1, ended(w));
}

static void test_look_ups_inside_a_cursor(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *outer = kit_prepare(w->db, "SELECT a FROM t");
	sqlite3_stmt *inner = kit_prepare(w->db, "SELECT b FROM t WHERE a = ?");
	int64_t sum = 0;

	while (sqlite3_step(outer) == SQLITE_ROW) {
		sqlite3_bind_int64(inner, 1, sqlite3_column_int64(outer, 0));
		assert_int_equal(SQLITE_ROW, sqlite3_step(inner));
		sum += sqlite3_column_int64(inner, 0);
		assert_int_equal(0, ended(w));
		sqlite3_reset(inner);
		assert_true(is_running(w));
	}
	assert_false(is_running(w));
	assert_int_equal(1, ended(w));
	assert_int_equal(50500, sum);
	sqlite3_finalize(outer);
	sqlite3_finalize(inner);
}

/* A first row goes to a reader nobody knows: no CPU slot is held until it comes back. */
static void test_slot_is_given_up_to_an_unknown_reader(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT a FROM t");
	sqlite3 *other = kit_connect(&w->kit, "bob", REEVE_BATCH_GROUP);
	struct reeve_cpu_stats cpu;

	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	reeve_cpu_stats_get(w->kit.reeve, &cpu);
	assert_int_equal(0, cpu.running);
	assert_int_equal(REEVE_SESSION_BLOCKED, kit_state(&w->kit, kit_session_of(w->db)));
	/* There is one slot, and it is to be had. */
	assert_int_equal(100, kit_number(other, "SELECT count(*) FROM t"));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		;
	sqlite3_finalize(stmt);
	assert_int_equal(SQLITE_OK, sqlite3_close(other));
}

/* One that was quick eight times keeps it, until it was slow once. */
static void test_slot_is_kept_for_a_quick_reader(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *stmt = kit_prepare(w->db, KIT_ROWS);
	struct reeve_query_usage usage;
	uint64_t session = kit_session_of(w->db);
	bool was_kept = false, was_given_up = false;
	reeve_ns until;

	for (int row = 0; row < 100000 && !was_kept; row++) {
		assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
		was_kept = kit_state(&w->kit, session) == REEVE_SESSION_ACTIVE;
	}
	assert_true(was_kept);
	for (int row = 0; row < 100000 && !was_given_up; row++) {
		until = reeve_now_mono(w->kit.reeve) + 20 * REEVE_MSEC;
		while (reeve_now_mono(w->kit.reeve) < until)
			;
		assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
		was_given_up = kit_state(&w->kit, session) == REEVE_SESSION_BLOCKED;
	}
	assert_true(was_given_up);
	sqlite3_finalize(stmt);
	reeve_sqlite_usage(w->governor, &usage);
	assert_true(usage.elapsed_ns >= 20 * REEVE_MSEC);
	assert_int_equal(1, ended(w));
}

static void test_deadline_ends_a_runaway(void **state)
{
	struct world *w = *state;
	struct reeve_error why = {0, ""};
	struct reeve_query_usage usage;
	struct reeve_sqlite_totals totals;

	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 50 * REEVE_MSEC, NULL));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, KIT_ENDLESS));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, &why));
	assert_int_equal(REEVE_ETIMEOUT, why.code);
	assert_non_null(strstr(why.text, "out of time"));
	reeve_sqlite_usage(w->governor, &usage);
	assert_true(usage.elapsed_ns >= 50 * REEVE_MSEC);
	assert_true(usage.cpu_ns > 0);
	assert_int_equal(REEVE_BATCH_GROUP, usage.group.v);
	reeve_sqlite_totals(w->governor, &totals);
	assert_int_equal(1, totals.stopped);
	assert_int_equal(0, totals.refused);
	assert_int_equal(usage.elapsed_ns, totals.elapsed_ns);
	/* The next statement has its own time, and forgets why the last one ended. */
	assert_int_equal(100, kit_number(w->db, "SELECT count(*) FROM t"));
	assert_int_equal(0, reeve_sqlite_why(w->governor, NULL));
	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 0, NULL));
	assert_int_equal(3, kit_number(w->db, "SELECT max(i) FROM (WITH RECURSIVE n(i) AS "
					      "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)"
					      " SELECT i FROM n)"));
}

/* Work without progress callbacks, over a cache of 2 MB: the file system makes the checkpoints. */
static void test_deadline_inside_one_opcode(void **state)
{
	struct world *w = *state;
	struct reeve_error why = {0, ""};

	assert_int_equal(SQLITE_OK,
		kit_run(w->db,
			"CREATE TABLE wide AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
			"SELECT i + 1 FROM n WHERE i < 20000) SELECT i, zeroblob(900) z FROM n"));
	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 200 * REEVE_USEC, NULL));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, "SELECT count(*) FROM wide"));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, &why));
}

static void test_a_timeout_that_has_passed_refuses(void **state)
{
	struct world *w = *state;
	struct reeve_sqlite_totals totals;

	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 1, NULL));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, KIT_ENDLESS));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
	reeve_sqlite_totals(w->governor, &totals);
	assert_int_equal(1, totals.stopped + totals.refused);
}

static void sql_cancel(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	cancel_it(sqlite3_user_data(context));
	sqlite3_result_int(context, 1);
}

static void let_cancel_itself(struct world *w)
{
	assert_int_equal(SQLITE_OK, sqlite3_create_function(w->db, "cancel_me", 0, SQLITE_UTF8, w,
					    sql_cancel, NULL, NULL));
}

static void test_cancel(void **state)
{
	struct world *w = *state;
	struct reeve_error why = {0, ""};

	let_cancel_itself(w);
	assert_int_equal(SQLITE_INTERRUPT,
		kit_run(w->db, "WITH RECURSIVE n(i) AS (SELECT cancel_me() UNION ALL "
			       "SELECT i + 1 FROM n) SELECT count(*) FROM n"));
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(w->governor, &why));
	assert_non_null(strstr(why.text, "cancelled"));
	assert_int_equal(1, ended(w));
	assert_int_equal(100, kit_number(w->db, "SELECT count(*) FROM t"));
}

/* Cancelling while a cursor is open ends it at the next row, even of a reader that is trusted. */
static void test_cancel_between_rows(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *stmt = kit_prepare(w->db, KIT_ROWS);
	int rc;

	for (int row = 0; row < 50; row++)
		assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	cancel_it(w);
	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	assert_int_equal(SQLITE_INTERRUPT, rc);
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(w->governor, NULL));
	sqlite3_finalize(stmt);
	assert_int_equal(1, ended(w));
}

/* Everything that is open on the connection is stopped with it. */
static void test_cancel_stops_all_open_statements(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *outer = kit_prepare(w->db, KIT_ROWS);

	assert_int_equal(SQLITE_ROW, sqlite3_step(outer));
	cancel_it(w);
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, "SELECT * FROM t"));
	assert_int_equal(SQLITE_INTERRUPT, sqlite3_step(outer));
	assert_int_equal(REEVE_ECANCELLED, reeve_sqlite_why(w->governor, NULL));
	sqlite3_finalize(outer);
	assert_int_equal(1, ended(w));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "SELECT * FROM t"));
}

static void kill_it(struct world *w)
{
	assert_int_equal(0, reeve_session_kill(w->kit.reeve,
				    reeve_session_id_of(reeve_sqlite_session(w->governor)), NULL));
}

/* A killed session's changes are not wanted; its ROLLBACK is. */
static void test_kill_between_statements(void **state)
{
	struct world *w = *state;
	struct reeve_sqlite_totals totals;

	assert_int_equal(SQLITE_OK, kit_run(w->db, "BEGIN; DELETE FROM t"));
	kill_it(w);
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, "SELECT count(*) FROM t"));
	assert_int_equal(REEVE_EKILLED, reeve_sqlite_why(w->governor, NULL));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, " COMMIT"));
	assert_false(sqlite3_get_autocommit(w->db));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "/* undo */ -- it\n ROLLBACK"));
	reeve_sqlite_totals(w->governor, &totals);
	assert_int_equal(3, totals.refused);
}

static void sql_kill(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	kill_it(sqlite3_user_data(context));
	sqlite3_result_int(context, 1);
}

static void test_kill_inside_a_statement(void **state)
{
	struct world *w = *state;
	struct reeve_session_info info;
	reeve_session_id id = reeve_session_id_of(reeve_sqlite_session(w->governor));

	assert_int_equal(SQLITE_OK,
		sqlite3_create_function(w->db, "kill_me", 0, SQLITE_UTF8, w, sql_kill, NULL, NULL));
	assert_int_equal(SQLITE_INTERRUPT,
		kit_run(w->db, "WITH RECURSIVE n(i) AS (SELECT kill_me() UNION ALL "
			       "SELECT i + 1 FROM n) SELECT count(*) FROM n"));
	assert_int_equal(REEVE_EKILLED, reeve_sqlite_why(w->governor, NULL));
	assert_int_equal(0, reeve_session_get(w->kit.reeve, id, &info, NULL));
	assert_int_equal(REEVE_SESSION_TERMINATED, info.state);
	assert_int_equal(REEVE_END_MANUAL_KILL, info.termination);
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, "SELECT 1"));
}

/* After a change of schema by another connection SQLite starts a statement a second time. */
static void test_schema_changes_under_a_statement(void **state)
{
	struct world *w = *state;
	sqlite3 *plain = kit_connect_plain(&w->kit);
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT a FROM t");
	sqlite3_stmt *silent = kit_prepare(w->db, KIT_ENDLESS ", t");

	assert_int_equal(SQLITE_OK, kit_run(plain, "CREATE TABLE u1(x)"));
	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	assert_true(is_running(w));
	sqlite3_reset(stmt);
	assert_false(is_running(w));
	assert_int_equal(SQLITE_OK, kit_run(plain, "CREATE TABLE u2(x)"));
	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 50 * REEVE_MSEC, NULL));
	assert_int_equal(SQLITE_INTERRUPT, sqlite3_step(silent)); /* governed the second time too */
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
	assert_false(is_running(w));
	sqlite3_finalize(stmt);
	sqlite3_finalize(silent);
	assert_int_equal(SQLITE_OK, kit_run(plain, "CREATE TABLE u3(x)"));
	stmt = kit_prepare(w->db, "SELECT * FROM u3"); /* reads the schema: no statement */
	assert_false(is_running(w));
	sqlite3_finalize(stmt);
	assert_int_equal(SQLITE_OK, sqlite3_close(plain));
}

static void test_brackets(void **state)
{
	struct world *w = *state;
	struct reeve_query_usage usage = {0};
	struct reeve_error err = {0, ""};
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT a FROM t");

	assert_int_equal(0, reeve_sqlite_begin(w->governor, REEVE_NEVER, &err));
	assert_int_equal(REEVE_EINVALID_STATE, reeve_sqlite_begin(w->governor, REEVE_NEVER, &err));
	for (int i = 0; i < 3; i++)
		assert_int_equal(100, kit_number(w->db, "SELECT count(*) FROM t"));
	assert_int_equal(REEVE_SESSION_ACTIVE, kit_state(&w->kit, kit_session_of(w->db)));
	assert_int_equal(0, ended(w));
	reeve_sqlite_end(w->governor, &usage);
	assert_true(usage.elapsed_ns > 0);
	assert_int_equal(1, ended(w));
	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	assert_int_equal(REEVE_EINVALID_STATE, reeve_sqlite_begin(w->governor, REEVE_NEVER, &err));
	assert_non_null(strstr(err.text, "open"));
	sqlite3_reset(stmt);
	/* A cursor left open at the end is a statement of its own from its next step on. */
	assert_int_equal(0, reeve_sqlite_begin(w->governor, REEVE_NEVER, &err));
	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	reeve_sqlite_end(w->governor, NULL);
	assert_false(is_running(w));
	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	assert_true(is_running(w));
	sqlite3_finalize(stmt);
	assert_false(is_running(w));
	assert_int_equal(4, ended(w));
}

static void test_bracket_out_of_time(void **state)
{
	struct world *w = *state;
	struct reeve_error err = {0, ""};
	reeve_ns deadline = reeve_now_mono(w->kit.reeve) + 50 * REEVE_MSEC;

	assert_int_equal(0, reeve_sqlite_begin(w->governor, deadline, &err));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, KIT_ENDLESS));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, "SELECT 1"));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
	reeve_sqlite_end(w->governor, NULL);
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "SELECT 1"));
	kill_it(w);
	assert_int_equal(REEVE_EKILLED, reeve_sqlite_begin(w->governor, REEVE_NEVER, &err));
	assert_int_equal(REEVE_EKILLED, err.code);
}

static void test_cache_is_contained(void **state)
{
	struct world *w = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	sqlite3 *own;

	assert_int_equal(-2000, kit_number(w->db, "PRAGMA cache_size"));
	assert_int_equal(1, kit_number(w->db, "PRAGMA temp_store"));
	assert_int_equal(
		SQLITE_OK, kit_run(w->db, "PRAGMA cache_size=-64000; PRAGMA main.cache_size(5000);"
					  "PRAGMA temp_store=MEMORY; PRAGMA threads=4"));
	assert_int_equal(-2000, kit_number(w->db, "PRAGMA cache_size"));
	assert_int_equal(1, kit_number(w->db, "PRAGMA temp_store"));
	assert_int_equal(0, kit_number(w->db, "PRAGMA threads"));
	kit_options(&w->kit, "bob", REEVE_BATCH_GROUP, &def, &options);
	options.flags = REEVE_SQLITE_OWN_CACHE;
	own = kit_connect_by(&w->kit, &options);
	assert_int_equal(SQLITE_OK, kit_run(own, "PRAGMA cache_size=-64000; PRAGMA temp_store=2"));
	assert_int_equal(-64000, kit_number(own, "PRAGMA cache_size"));
	assert_int_equal(2, kit_number(own, "PRAGMA temp_store"));
	assert_int_equal(SQLITE_OK, sqlite3_close(own));
}

static int64_t matches(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = kit_prepare(db, sql);
	int64_t result;

	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	result = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return result;
}

static void test_sql_functions(void **state)
{
	struct world *w = *state;
	reeve_session_id id = reeve_session_id_of(reeve_sqlite_session(w->governor));
	int64_t before, after;

	assert_int_equal(1, matches(w->db, "SELECT reeve_group() = 'BATCH_GROUP'"));
	assert_int_equal(id.v, kit_number(w->db, "SELECT reeve_session_id()"));
	assert_int_equal(
		0, reeve_session_switch(w->kit.reeve, id, (reeve_group_id){REEVE_INTERACTIVE_GROUP},
			   REEVE_SWITCH_MANUAL, NULL));
	assert_int_equal(1, matches(w->db, "SELECT reeve_group() = 'INTERACTIVE_GROUP'"));
	before = kit_number(w->db, "SELECT reeve_cpu_ns()");
	assert_int_equal(SQLITE_OK,
		kit_run(w->db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
			       "WHERE i < 100000) SELECT count(*) FROM n"));
	after = kit_number(w->db, "SELECT reeve_cpu_ns()");
	assert_true(after - before > REEVE_MSEC);
}

/* Time of day is asked for often and answered from a note for a fraction of a millisecond. */
#define TIME_OF_DAY_BUT(modifier)                                                                  \
	"CAST(round((julianday('now'" modifier ") - 2440587.5) * 86400000.0) AS INTEGER)"
#define TIME_OF_DAY TIME_OF_DAY_BUT("")

/* The time that the next row tells is the time it is. */
static void expect_time(struct world *w, sqlite3_stmt *stmt)
{
	int64_t before = reeve_now_wall(w->kit.reeve) / REEVE_MSEC, after, told;

	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	told = sqlite3_column_int64(stmt, 0);
	after = reeve_now_wall(w->kit.reeve) / REEVE_MSEC;
	assert_in_range(told, before - 1, after + 1);
}

/* The answer of before a pause is not the answer after it. */
static void let_time_pass(struct world *w)
{
	reeve_ns until = reeve_now_mono(w->kit.reeve) + 10 * REEVE_MSEC;

	while (reeve_now_mono(w->kit.reeve) < until)
		;
}

static void test_time_of_day_is_right(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT " TIME_OF_DAY);

	for (int i = 0; i < 2000; i++) {
		if (i % 500 == 0)
			let_time_pass(w);
		expect_time(w, stmt);
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
}

static void test_time_of_day_in_a_long_statement(void **state)
{
	struct world *w = *state;
	/* Asked for in each row, where SQLite cannot know that it is always the same. */
	sqlite3_stmt *stmt =
		kit_prepare(w->db, "SELECT " TIME_OF_DAY_BUT(", (a * 0) || ' days'") " FROM t");

	for (int i = 0; i < 10; i++) {
		assert_int_equal(100, kit_number(w->db, "SELECT count(*) FROM t"));
		let_time_pass(w);
		expect_time(w, stmt);
	}
	sqlite3_finalize(stmt);
}

/* SQLite asks no more when a statement starts: the first question is date('now'). */
static void test_time_of_day_without_the_trace_hook(void **state)
{
	struct world *w = *state;
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT " TIME_OF_DAY);

	for (int i = 0; i < 3; i++) {
		expect_time(w, stmt);
		sqlite3_reset(stmt);
	}
	sqlite3_trace_v2(w->db, 0, NULL, NULL);
	let_time_pass(w);
	expect_time(w, stmt);
	sqlite3_finalize(stmt);
}

static void test_check_sees_lost_hooks(void **state)
{
	struct world *w = *state;
	struct reeve_error err = {0, ""};
	sqlite3_stmt *stmt = kit_prepare(w->db, "SELECT a FROM t");

	assert_int_equal(0, reeve_sqlite_check(w->governor, &err));
	assert_int_equal(0, ended(w));
	assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
	assert_int_equal(REEVE_EINVALID_STATE, reeve_sqlite_check(w->governor, &err));
	sqlite3_finalize(stmt);
	sqlite3_busy_timeout(w->db, 100);
	assert_int_equal(REEVE_ECONFLICT, reeve_sqlite_check(w->governor, &err));
	assert_non_null(strstr(err.text, "sqlite3_busy_timeout"));
	assert_int_equal(0, reeve_sqlite_set_busy_timeout(w->governor, REEVE_SEC, NULL));
	assert_int_equal(0, reeve_sqlite_check(w->governor, &err));
	sqlite3_set_authorizer(w->db, NULL, NULL);
	assert_int_equal(REEVE_ECONFLICT, reeve_sqlite_check(w->governor, &err));
	assert_non_null(strstr(err.text, "sqlite3_set_authorizer"));
	sqlite3_progress_handler(w->db, 0, NULL, NULL);
	assert_int_equal(REEVE_ECONFLICT, reeve_sqlite_check(w->governor, &err));
	assert_non_null(strstr(err.text, "sqlite3_progress_handler"));
	sqlite3_trace_v2(w->db, 0, NULL, NULL);
	assert_int_equal(REEVE_ECONFLICT, reeve_sqlite_check(w->governor, &err));
	assert_non_null(strstr(err.text, "sqlite3_trace_v2"));
	/* What is left goes on as plain SQLite. */
	assert_int_equal(100, kit_number(w->db, "SELECT count(*) FROM t"));
	assert_false(is_running(w));
}

/* Without the trace hook nothing begins, and so nothing is left running. */
static void test_trace_taken_while_idle(void **state)
{
	struct world *w = *state;

	assert_int_equal(SQLITE_OK, kit_run(w->db, "SELECT * FROM t"));
	sqlite3_trace_v2(w->db, 0, NULL, NULL);
	assert_int_equal(SQLITE_OK,
		kit_run(w->db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
			       "WHERE i < 10000) SELECT count(*) FROM n"));
	assert_false(is_running(w));
	assert_int_equal(1, ended(w));
}

static void test_busy_timeout(void **state)
{
	struct world *w = *state;
	sqlite3 *plain = kit_connect_plain(&w->kit);
	struct reeve_sqlite_totals totals;
	struct reeve_query_usage usage;

	assert_int_equal(SQLITE_OK, kit_run(plain, "BEGIN IMMEDIATE"));
	assert_int_equal(SQLITE_BUSY, kit_run(w->db, "DELETE FROM t")); /* at once, by default */
	reeve_sqlite_totals(w->governor, &totals);
	assert_int_equal(0, totals.busy_waits);
	assert_int_equal(SQLITE_OK, kit_run(w->db, "PRAGMA busy_timeout = 30"));
	assert_int_equal(SQLITE_BUSY, kit_run(w->db, "DELETE FROM t"));
	assert_int_equal(0, reeve_sqlite_why(w->governor, NULL)); /* not reeve's doing */
	reeve_sqlite_usage(w->governor, &usage);
	assert_true(usage.elapsed_ns >= 30 * REEVE_MSEC);
	assert_true(usage.cpu_ns < 30 * REEVE_MSEC);
	reeve_sqlite_totals(w->governor, &totals);
	assert_true(totals.busy_waits > 0);
	/* The statement's own deadline comes first. */
	assert_int_equal(0, reeve_sqlite_set_busy_timeout(w->governor, 600 * REEVE_SEC, NULL));
	assert_int_equal(0, reeve_sqlite_set_timeout(w->governor, 30 * REEVE_MSEC, NULL));
	assert_int_equal(SQLITE_BUSY, kit_run(w->db, "DELETE FROM t"));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
	assert_int_equal(SQLITE_OK, kit_run(plain, "COMMIT"));
	assert_int_equal(SQLITE_OK, kit_run(w->db, "DELETE FROM t"));
	assert_int_equal(SQLITE_OK, sqlite3_close(plain));
}

/* The group's own limit counts without any option. */
static void test_group_execution_limit(void **state)
{
	struct world *w = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;

	def.max_execution_ns = 50 * REEVE_MSEC;
	assert_int_equal(0, reeve_group_update(w->kit.reeve, (reeve_group_id){REEVE_BATCH_GROUP},
				    REEVE_GROUP_MAX_EXECUTION, &def, 0, NULL));
	assert_int_equal(SQLITE_INTERRUPT, kit_run(w->db, KIT_ENDLESS));
	assert_int_equal(REEVE_ETIMEOUT, reeve_sqlite_why(w->governor, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_kind_counts_once),
		TEST(test_triggers_are_part_of_their_statement),
		TEST(test_sql_inside_a_function),
		TEST(test_many_open_statements),
		TEST(test_look_ups_inside_a_cursor),
		TEST(test_slot_is_given_up_to_an_unknown_reader),
		TEST(test_slot_is_kept_for_a_quick_reader),
		TEST(test_deadline_ends_a_runaway),
		TEST(test_deadline_inside_one_opcode),
		TEST(test_a_timeout_that_has_passed_refuses),
		TEST(test_cancel),
		TEST(test_cancel_between_rows),
		TEST(test_cancel_stops_all_open_statements),
		TEST(test_kill_between_statements),
		TEST(test_kill_inside_a_statement),
		TEST(test_schema_changes_under_a_statement),
		TEST(test_brackets),
		TEST(test_bracket_out_of_time),
		TEST(test_cache_is_contained),
		TEST(test_sql_functions),
		TEST(test_time_of_day_is_right),
		TEST(test_time_of_day_in_a_long_statement),
		TEST(test_time_of_day_without_the_trace_hook),
		TEST(test_check_sees_lost_hooks),
		TEST(test_trace_taken_while_idle),
		TEST(test_busy_timeout),
		TEST(test_group_execution_limit),
	};

	return cmocka_run_group_tests_name("sqlite statement", tests, NULL, NULL);
}
