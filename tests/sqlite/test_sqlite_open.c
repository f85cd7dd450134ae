/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, closing in every order, what belongs to whom, and bad input to every function. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kit.h"

#define RW SQLITE_OPEN_READWRITE

static int setup(void **state)
{
	struct kit *kit = calloc(1, sizeof(*kit));

	assert_non_null(kit);
	kit_init(kit, 2);
	*state = kit;
	return 0;
}

static int teardown(void **state)
{
	kit_fini(*state);
	free(*state);
	return 0;
}

static void refuse(
	struct kit *kit, const struct reeve_sqlite_options *options, int code, const char *word)
{
	struct reeve_error err = {0, ""};
	sqlite3 *db = (sqlite3 *)&err; /* any value: must not change */

	assert_int_equal(code, reeve_sqlite_open(kit->database, &db, RW, options, &err));
	assert_int_equal(code, err.code);
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" does not speak of %s", err.text, word);
	assert_ptr_equal(&err, db);
	assert_int_equal(code, reeve_sqlite_open(kit->database, &db, RW, options, NULL));
}

static void test_bad_options(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options good, bad;
	struct reeve_session *session = NULL;
	sqlite3 *db;

	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &good);
	assert_int_equal(0, reeve_session_create(kit->reeve, &def, &session, NULL));
	refuse(kit, NULL, REEVE_EINVALID_ARGUMENT, "options");
	bad = good, bad.reeve = NULL;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "reeve");
	bad = good, bad.segment = "/nowhere";
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "segment");
	bad = good, bad.session_def = NULL;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "session_def");
	bad = good, bad.session = session;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "session_def");
	bad.session_def = NULL, bad.reeve = NULL, bad.segment = "/nowhere";
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "session");
	bad = good, bad.flags = 0x80;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "flags");
	bad = good, bad.timeout_ns = -1;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "timeout_ns");
	bad = good, bad.busy_timeout_ns = -1;
	refuse(kit, &bad, REEVE_EINVALID_ARGUMENT, "timeout_ns");
	bad = good, bad.vfs = "no-such-vfs";
	refuse(kit, &bad, REEVE_ESYSTEM, "no-such-vfs");
	bad = good, bad.reeve = NULL, bad.segment = "/no/such/folder/segment";
	refuse(kit, &bad, REEVE_ESYSTEM, "/no/such/folder");
	def.username = NULL;
	refuse(kit, &good, REEVE_EINVALID_ARGUMENT, "name");
	def.username = "ann", def.group.v = 99;
	refuse(kit, &good, REEVE_ENOT_FOUND, "99");
	def.group.v = REEVE_BATCH_GROUP;
	assert_int_equal(REEVE_EINVALID_ARGUMENT,
		reeve_sqlite_open(kit->database, &db, RW | SQLITE_OPEN_SHAREDCACHE, &good, NULL));
	assert_int_equal(REEVE_EINVALID_ARGUMENT,
		reeve_sqlite_open("file:x?cache=shared", &db, RW | SQLITE_OPEN_URI, &good, NULL));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_open(NULL, &db, RW, &good, NULL));
	assert_int_equal(
		REEVE_EINVALID_ARGUMENT, reeve_sqlite_open(kit->database, NULL, RW, &good, NULL));
	reeve_session_destroy(session);
}

/* What SQLite refuses leaves no session, no attachment and no file system behind. */
static void test_file_cannot_be_opened(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	struct reeve_error err = {0, ""};
	struct reeve_session_stats stats;
	sqlite3 *db = NULL;

	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &options);
	assert_int_equal(
		REEVE_ESYSTEM, reeve_sqlite_open("/no/such/file", &db, RW, &options, &err));
	assert_non_null(strstr(err.text, "/no/such/file"));
	assert_non_null(strstr(err.text, "unable to open"));
	assert_int_equal(REEVE_ESYSTEM, reeve_sqlite_open(kit->database, &db, 0, &options, &err));
	assert_null(db);
	reeve_session_stats_get(kit->reeve, &stats);
	assert_int_equal(0, stats.current);
	for (sqlite3_vfs *vfs = sqlite3_vfs_find(NULL); vfs != NULL; vfs = vfs->pNext)
		assert_int_not_equal(0, strncmp(vfs->zName, "reeve", 5));
}

static void test_null_arguments(void **state)
{
	struct reeve_error err = {0, ""};
	struct reeve_query_usage usage;

	(void)state;
	memset(&usage, 7, sizeof(usage));
	assert_null(reeve_sqlite_of(NULL));
	assert_null(reeve_sqlite_session(NULL));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_set_timeout(NULL, 1, &err));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_set_busy_timeout(NULL, 1, &err));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_begin(NULL, REEVE_NEVER, &err));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_cancel(NULL, &err));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_check(NULL, NULL));
	assert_int_equal(0, reeve_sqlite_why(NULL, &err));
	reeve_sqlite_end(NULL, &usage);
	assert_int_equal(0x07070707, usage.parks);
	reeve_sqlite_usage(NULL, &usage);
	reeve_sqlite_totals(NULL, NULL);
}

static void test_bad_values(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	struct reeve_sqlite *governor = reeve_sqlite_of(db);
	struct reeve_error err = {0, ""};

	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_set_timeout(governor, -5, &err));
	assert_non_null(strstr(err.text, "-5"));
	assert_int_equal(
		REEVE_EINVALID_ARGUMENT, reeve_sqlite_set_busy_timeout(governor, -1, &err));
	assert_int_equal(REEVE_EINVALID_ARGUMENT, reeve_sqlite_begin(governor, -1, &err));
	assert_int_equal(REEVE_EINVALID_STATE, reeve_sqlite_cancel(governor, &err));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

static void test_governor_is_found(void **state)
{
	struct kit *kit = *state;
	sqlite3 *plain = kit_connect_plain(kit);
	sqlite3 *one = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	sqlite3 *other = kit_connect(kit, "bob", REEVE_BATCH_GROUP);
	struct reeve_sqlite_totals totals;

	assert_null(reeve_sqlite_of(plain));
	assert_ptr_not_equal(reeve_sqlite_of(one), reeve_sqlite_of(other));
	assert_ptr_equal(reeve_sqlite_of(one), reeve_sqlite_of(one));
	reeve_sqlite_totals(reeve_sqlite_of(one), &totals);
	assert_int_equal(0, totals.statements); /* finding is not governed */
	/* Without the pointer that goes with it the function tells nothing. */
	assert_int_equal(SQLITE_OK, kit_run(one, "SELECT reeve_governor(12345)"));
	assert_int_equal(SQLITE_OK, sqlite3_close(plain));
	assert_int_equal(SQLITE_OK, sqlite3_close(one));
	assert_int_equal(SQLITE_OK, sqlite3_close(other));
}

/* The session ends when the connection really closes, whichever call does it. */
static void test_close_in_every_order(void **state)
{
	struct kit *kit = *state;

	for (int order = 0; order < 4; order++) {
		sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
		uint64_t session = kit_session_of(db);
		sqlite3_stmt *stmt = kit_prepare(db, "SELECT a FROM t");

		if (order % 2 != 0)
			assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
		if (order < 2) {
			assert_int_equal(SQLITE_BUSY, sqlite3_close(db));
			assert_int_not_equal(REEVE_SESSION_TERMINATED, kit_state(kit, session));
			sqlite3_finalize(stmt);
			assert_int_equal(SQLITE_OK, sqlite3_close(db));
		} else {
			assert_int_equal(SQLITE_OK, sqlite3_close_v2(db));
			assert_int_not_equal(REEVE_SESSION_TERMINATED, kit_state(kit, session));
			assert_int_equal(SQLITE_ROW, sqlite3_step(stmt));
			sqlite3_finalize(stmt);
		}
		assert_int_equal(REEVE_SESSION_TERMINATED, kit_state(kit, session));
	}
	assert_int_equal(3, kit_queries(kit, REEVE_BATCH_GROUP)); /* order 0 ran nothing */
}

static void test_close_inside_bracket(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);

	assert_int_equal(0, reeve_sqlite_begin(reeve_sqlite_of(db), REEVE_NEVER, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(1, kit_queries(kit, REEVE_BATCH_GROUP));
}

static void test_borrowed_session(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	struct reeve_session *session = NULL;
	sqlite3 *db;
	uint64_t id;

	kit_options(kit, "ann", REEVE_INTERACTIVE_GROUP, &def, &options);
	assert_int_equal(0, reeve_session_create(kit->reeve, &def, &session, NULL));
	options.session_def = NULL;
	options.session = session;
	db = kit_connect_by(kit, &options);
	id = reeve_session_id_of(session).v;
	assert_ptr_equal(session, reeve_sqlite_session(reeve_sqlite_of(db)));
	assert_int_equal(id, kit_number(db, "SELECT reeve_session_id()"));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(REEVE_SESSION_INACTIVE, kit_state(kit, id));
	assert_int_equal(1, kit_queries(kit, REEVE_INTERACTIVE_GROUP));
	reeve_session_destroy(session);
}

/* A connection with an attachment of its own: the segment's file is all it is told. */
static void test_segment_by_path(void **state)
{
	struct kit *kit = *state;
	struct reeve_options shared = REEVE_OPTIONS_INIT;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	struct reeve_segment_info info;
	struct reeve *watcher = NULL;
	char path[96];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/segment", kit->folder);
	shared.path = path;
	assert_int_equal(0, reeve_open(&shared, &watcher, NULL));
	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &options);
	options.reeve = NULL;
	options.segment = path;
	db = kit_connect_by(kit, &options);
	assert_int_equal(100, kit_number(db, "SELECT count(*) FROM t"));
	reeve_segment_get(watcher, &info);
	assert_int_equal(2, info.attachments);
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	reeve_segment_get(watcher, &info);
	assert_int_equal(1, info.attachments);
	assert_int_equal(0, kit_queries(kit, REEVE_BATCH_GROUP));
	reeve_close(watcher);
	unlink(path);
}

static void test_memory_temporary_and_attached(void **state)
{
	struct kit *kit = *state;
	struct reeve_session_def def;
	struct reeve_sqlite_options options;
	const int flags = RW | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
	static const char *const names[] = {":memory:", "", "file:x?mode=memory"};
	char sql[160];
	sqlite3 *db;

	kit_options(kit, "ann", REEVE_BATCH_GROUP, &def, &options);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(0, reeve_sqlite_open(names[i], &db, flags, &options, NULL));
		assert_non_null(reeve_sqlite_of(db));
		snprintf(sql, sizeof(sql), "ATTACH '%s' AS other", kit->database);
		assert_int_equal(SQLITE_OK, kit_run(db, sql));
		assert_int_equal(SQLITE_OK, kit_run(db, "CREATE TABLE u AS SELECT * FROM other.t"));
		assert_int_equal(100, kit_number(db, "SELECT count(*) FROM u"));
		assert_int_equal(SQLITE_OK, sqlite3_close(db));
	}
	assert_int_equal(9, kit_queries(kit, REEVE_BATCH_GROUP));
}

/* A new file still takes the settings that count only before its first table. */
static void test_settings_of_a_new_file(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db;

	assert_int_equal(0, truncate(kit->database, 0));
	db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	assert_int_equal(SQLITE_OK,
		kit_run(db,
			"PRAGMA page_size=8192; PRAGMA auto_vacuum=1; PRAGMA encoding='UTF-16le';"
			"PRAGMA journal_mode=wal; CREATE TABLE t(a)"));
	assert_int_equal(8192, kit_number(db, "PRAGMA page_size"));
	assert_int_equal(1, kit_number(db, "PRAGMA auto_vacuum"));
	assert_int_equal(1, kit_number(db, "SELECT encoding = 'UTF-16le' FROM pragma_encoding"));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* A file that is no database: the program is told by its statement, as without reeve. */
static void test_no_database(void **state)
{
	struct kit *kit = *state;
	FILE *file = fopen(kit->database, "w");
	sqlite3 *db;

	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", file);
	fclose(file);
	db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	assert_int_equal(SQLITE_NOTADB, kit_run(db, "SELECT * FROM t"));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
}

/* SQLite unloads extensions when the governor is gone already, through our file system. */
static void test_extension_is_unloaded_last(void **state)
{
	struct kit *kit = *state;
	sqlite3 *db = kit_connect(kit, "ann", REEVE_BATCH_GROUP);
	char *message = NULL;

	assert_int_equal(
		SQLITE_OK, sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL));
	if (sqlite3_load_extension(db, TEST_EXTENSION, "test_extension_init", &message))
		fail_msg("%s", message);
	assert_int_equal(42, kit_number(db, "SELECT test_extension()"));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	for (sqlite3_vfs *vfs = sqlite3_vfs_find(NULL); vfs != NULL; vfs = vfs->pNext)
		assert_int_not_equal(0, strncmp(vfs->zName, "reeve", 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad_options, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_cannot_be_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(test_null_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_governor_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_in_every_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_close_inside_bracket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_borrowed_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_segment_by_path, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_memory_temporary_and_attached, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settings_of_a_new_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_database, setup, teardown),
		cmocka_unit_test_setup_teardown(test_extension_is_unloaded_last, setup, teardown),
	};

	return cmocka_run_group_tests_name("sqlite open", tests, NULL, NULL);
}
