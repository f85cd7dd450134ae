/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite out of memory at every point of an open and of a statement: nothing is left behind. */
#include <stdlib.h>

#include "kit.h"

static sqlite3_mem_methods real;
static int64_t allocations_left = INT64_MAX;

static bool is_denied(void)
{
	return allocations_left <= 0 || --allocations_left <= 0;
}

static void *deny_malloc(int size)
{
	return is_denied() ? NULL : real.xMalloc(size);
}

static void *deny_realloc(void *memory, int size)
{
	return is_denied() ? NULL : real.xRealloc(memory, size);
}

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
	allocations_left = INT64_MAX;
	kit_fini(*state);
	free(*state);
	return 0;
}

static uint32_t live_sessions(struct kit *kit)
{
	struct reeve_session_stats stats;

	reeve_session_stats_get(kit->reeve, &stats);
	return stats.current;
}

static void test_open(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	struct reeve_error err;
	int rc = -1;

	sqlite3 *plain = kit_connect_plain(kit);

	/* With a log there is more to do at the close of a connection that failed to open. */
	assert_int_equal(SQLITE_OK, kit_run(plain, "PRAGMA journal_mode = WAL"));
	assert_int_equal(SQLITE_OK, sqlite3_close(plain));
	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &options);
	for (int64_t n = 1; rc != 0; n++) {
		sqlite3 *db = NULL;

		err.code = 0;
		allocations_left = n;
		rc = reeve_sqlite_open(kit->database, &db, SQLITE_OPEN_READWRITE, &options, &err);
		allocations_left = INT64_MAX;
		if (rc != 0) {
			assert_int_equal(REEVE_ESYSTEM, rc);
			assert_int_equal(REEVE_ESYSTEM, err.code);
			assert_null(db);
		} else {
			assert_int_equal(100, kit_number(db, "SELECT count(*) FROM t"));
			assert_int_equal(SQLITE_OK, sqlite3_close(db));
			assert_true(n > 10);
		}
		assert_int_equal(0, live_sessions(kit));
	}
}

static void test_statement(void **state)
{
	static const char sql[] = "SELECT a, group_concat(b) FROM t GROUP BY a % 7 ORDER BY 2";
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	uint64_t session = kit_session_of(db);
	int rc = SQLITE_NOMEM;

	for (int64_t n = 1; rc != SQLITE_OK; n++) {
		allocations_left = n;
		rc = kit_run(db, sql);
		allocations_left = INT64_MAX;
		assert_true(rc == SQLITE_OK || rc == SQLITE_NOMEM);
		assert_int_equal(REEVE_SESSION_INACTIVE, kit_state(kit, session));
		assert_true(n < 100000);
	}
	assert_int_equal(0, reeve_sqlite_check(reeve_sqlite_of(db), NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* Finding the governor needs memory too; without it there is simply none. */
static void test_find(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	struct reeve_sqlite *expected = reeve_sqlite_of(db), *found = NULL;

	for (int64_t n = 1; found == NULL; n++) {
		allocations_left = n;
		found = reeve_sqlite_of(db);
		allocations_left = INT64_MAX;
		assert_true(found == NULL || found == expected);
		assert_true(n < 100000);
	}
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statement, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
	};
	sqlite3_mem_methods denying;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
	denying = real;
	denying.xMalloc = deny_malloc;
	denying.xRealloc = deny_realloc;
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* every allocation can fail */
	sqlite3_config(SQLITE_CONFIG_MALLOC, &denying);
	return cmocka_run_group_tests_name("sqlite memory", tests, NULL, NULL);
}
