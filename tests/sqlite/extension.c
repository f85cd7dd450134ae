/* SPDX-License-Identifier: Apache-2.0 */
/* A loadable extension of SQLite, for the test that closes a connection which has one. */
#include <stddef.h>
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

int test_extension_init(sqlite3 *db, char **ret_message, const sqlite3_api_routines *api);

static void answer(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	sqlite3_result_int(context, 42);
}

__attribute__((visibility("default"))) int test_extension_init(
	sqlite3 *db, char **ret_message, const sqlite3_api_routines *api)
{
	(void)ret_message;
	SQLITE_EXTENSION_INIT2(api);
	return sqlite3_create_function(
		db, "test_extension", 0, SQLITE_UTF8, NULL, answer, NULL, NULL);
}
