/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h. */
#include "sql/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_VALUE_BYTES (64 * 1024 * 1024) /* of one text or blob */
#define MAX_SQL_BYTES	(1024 * 1024)

enum pragma_use {
	READ_ONLY = 1, /* without a value */
	ANY_VALUE = 2
};

static const struct {
	const char *name;
	enum pragma_use use;
} pragmas[] = {
	{"analysis_limit", ANY_VALUE},
	{"application_id", READ_ONLY},
	{"auto_vacuum", READ_ONLY},
	{"cache_size", READ_ONLY},
	{"case_sensitive_like", ANY_VALUE},
	{"collation_list", READ_ONLY},
	{"compile_options", READ_ONLY},
	{"data_version", READ_ONLY},
	{"database_list", READ_ONLY},
	{"defer_foreign_keys", ANY_VALUE},
	{"encoding", READ_ONLY},
	{"foreign_key_check", ANY_VALUE},
	{"foreign_key_list", ANY_VALUE},
	{"foreign_keys", ANY_VALUE},
	{"freelist_count", READ_ONLY},
	{"function_list", READ_ONLY},
	{"index_info", ANY_VALUE},
	{"index_list", ANY_VALUE},
	{"index_xinfo", ANY_VALUE},
	{"integrity_check", ANY_VALUE},
	{"journal_mode", READ_ONLY},
	{"module_list", READ_ONLY},
	{"optimize", ANY_VALUE},
	{"page_count", READ_ONLY},
	{"page_size", READ_ONLY},
	{"pragma_list", READ_ONLY},
	{"query_only", ANY_VALUE},
	{"quick_check", ANY_VALUE},
	{"read_uncommitted", READ_ONLY},
	{"recursive_triggers", ANY_VALUE},
	{"reverse_unordered_selects", ANY_VALUE},
	{"schema_version", READ_ONLY},
	{"synchronous", READ_ONLY},
	{"table_info", ANY_VALUE},
	{"table_list", ANY_VALUE},
	{"table_xinfo", ANY_VALUE},
	{"temp_store", READ_ONLY},
	{"user_version", ANY_VALUE},
	{"wal_autocheckpoint", READ_ONLY},
};

static int judge_pragma(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(pragmas) / sizeof(pragmas[0]); i++) {
		if (strcasecmp(name, pragmas[i].name) == 0)
			return value == NULL || pragmas[i].use == ANY_VALUE ? SQLITE_OK
									    : SQLITE_DENY;
	}
	return SQLITE_DENY;
}

static int judge(int action, const char *first, const char *second)
{
	switch (action) {
	case SQLITE_ATTACH:
		/* No name is a temporary database; plain VACUUM makes itself one. */
		return first != NULL && first[0] == '\0' ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_DETACH:
		return SQLITE_DENY;
	case SQLITE_PRAGMA:
		return judge_pragma(first, second);
	case SQLITE_FUNCTION:
		return strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	default:
		return SQLITE_OK;
	}
}

static int authorize(void *was_refused, int action, const char *first, const char *second,
	const char *database, const char *trigger)
{
	(void)database;
	(void)trigger;
	int verdict = judge(action, first, second);
	if (verdict != SQLITE_OK)
		*(bool *)was_refused = true;
	return verdict;
}

int reeved_guard_install(sqlite3 *db, bool *was_refused, struct reeve_error *err)
{
	int rc = sqlite3_set_authorizer(db, authorize, was_refused);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	if (rc != SQLITE_OK) {
		if (err != NULL) {
			err->code = REEVE_ESYSTEM;
			snprintf(err->text, sizeof(err->text), "cannot guard a connection: %s",
				sqlite3_errstr(rc));
		}
		return REEVE_ESYSTEM;
	}
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES);
	return 0;
}
