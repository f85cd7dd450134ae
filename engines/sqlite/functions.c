/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.c - SQL functions of a governed connection, and the way from a connection to its
 * governor: SQLite 3.40 keeps no data for us on a connection, but a function's own data lives
 * exactly as long as the connection, zombies included, and its destructor is called at the end.
 */
#include "governor.h"

#define POINTER_TYPE "reeve_sqlite"

/* reeve_governor(?1): puts the governor where the bound pointer says. Nothing for other callers. */
static void sql_governor(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct reeve_sqlite **where = sqlite3_value_pointer(values[0], POINTER_TYPE);

	(void)count;
	if (where != NULL)
		*where = sqlite3_user_data(context);
}

/* Copies the session; false, with an SQL error, when it is no longer known. */
static bool get_session(sqlite3_context *context, struct reeve_session_info *ret_info)
{
	struct reeve_sqlite *g = sqlite3_user_data(context);
	struct reeve_error err;

	if (reeve_session_get(g->reeve, reeve_session_id_of(g->session), ret_info, &err) == 0)
		return true;
	sqlite3_result_error(context, err.text, -1);
	return false;
}

static void sql_group(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct reeve_sqlite *g = sqlite3_user_data(context);
	struct reeve_session_info session;
	struct reeve_group_info group;
	struct reeve_error err;

	(void)count;
	(void)values;
	if (!get_session(context, &session))
		return;
	if (reeve_group_get(g->reeve, session.group, &group, &err) == 0)
		sqlite3_result_text(context, group.name, -1, SQLITE_TRANSIENT);
	else
		sqlite3_result_error(context, err.text, -1);
}

static void sql_session_id(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct reeve_sqlite *g = sqlite3_user_data(context);

	(void)count;
	(void)values;
	sqlite3_result_int64(context, (sqlite3_int64)reeve_session_id_of(g->session).v);
}

static void sql_cpu_ns(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct reeve_session_info session;

	(void)count;
	(void)values;
	if (get_session(context, &session))
		sqlite3_result_int64(context, (sqlite3_int64)session.cpu_ns);
}

static void destroy(void *governor)
{
	struct reeve_sqlite *g = governor;

	if (g->is_handed_over)
		reeve__sqlite_destroy(g);
}

int reeve__sqlite_hand_over(struct reeve_sqlite *g)
{
	/* On failure SQLite calls the destructor at once; the file system is still in use then. */
	int rc = sqlite3_create_function_v2(g->db, "reeve_governor", 1,
		SQLITE_UTF8 | SQLITE_DIRECTONLY, g, sql_governor, NULL, NULL, destroy);

	if (rc == SQLITE_OK)
		g->is_handed_over = true;
	return rc;
}

int reeve__sqlite_register(struct reeve_sqlite *g)
{
	static const struct {
		const char *name;
		void (*run)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {{"reeve_group", sql_group}, {"reeve_session_id", sql_session_id},
		{"reeve_cpu_ns", sql_cpu_ns}};
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(functions) / sizeof(functions[0]); i++)
		rc = sqlite3_create_function_v2(g->db, functions[i].name, 0, SQLITE_UTF8, g,
			functions[i].run, NULL, NULL, NULL);
	return rc;
}

struct reeve_sqlite *reeve_sqlite_of(sqlite3 *db)
{
	struct reeve_sqlite *governor = NULL;
	sqlite3_stmt *stmt;

	if (db == NULL ||
		sqlite3_prepare_v2(db, REEVE__SQLITE_FIND_SQL, -1, &stmt, NULL) != SQLITE_OK)
		return NULL;
	if (sqlite3_bind_pointer(stmt, 1, &governor, POINTER_TYPE, NULL) == SQLITE_OK)
		(void)sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	return governor;
}
