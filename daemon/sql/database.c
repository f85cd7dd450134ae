/* SPDX-License-Identifier: Apache-2.0 */
/* database.c - see database.h. */
#include "sql/database.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_TIMEOUT_MS 5000

__attribute__((format(printf, 2, 3))) static int fail(
	struct reeve_error *err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	err->code = REEVE_ECONFIGURATION;
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return err->code;
}

static int enter_wal_mode(sqlite3 *db, const char *path, struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	int result = 0;
	if (mode == NULL)
		result = fail(err, "cannot use database %s: %s", path, sqlite3_errmsg(db));
	else if (strcmp(mode, "wal") != 0)
		result = fail(err, "database %s cannot be put into WAL mode", path);
	sqlite3_finalize(stmt);
	return result;
}

static int check_open(sqlite3 *db, const char *path, struct reeve_error *err)
{
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	if (sqlite3_exec(db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL) != SQLITE_OK)
		return fail(err, "cannot use database %s: %s", path, sqlite3_errmsg(db));
	if (sqlite3_db_readonly(db, "main") != 0)
		return fail(err, "cannot use database %s: it may not be written", path);
	return enter_wal_mode(db, path, err);
}

int reeved_database_prepare(const char *path, struct reeve_error *err)
{
	struct stat info;
	sqlite3 *db = NULL;
	if (stat(path, &info) != 0)
		return fail(err, "cannot use database %s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode))
		return fail(err, "cannot use database %s: it is not a file", path);
	int rc;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		rc = fail(err, "cannot use database %s: %s", path, sqlite3_errmsg(db));
	else
		rc = check_open(db, path, err);
	sqlite3_close(db);
	return rc;
}
