/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h. */
#include "sql/run.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CELL_BYTES ((size_t)32 * 1024 * 1024) /* of one result */

__attribute__((format(printf, 3, 4))) static int fail(
	struct reeve_error *err, int code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

/* The error that SQLite's last result means. */
static int fail_sqlite(struct reeved_session *session, struct reeve_error *err)
{
	int rc = sqlite3_errcode(session->db) & 0xff;
	int code = REEVE_EINVALID_ARGUMENT;
	if (session->was_refused)
		code = REEVE_EPERMISSION_DENIED;
	else if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		code = REEVE_ECONFLICT;
	else if (rc == SQLITE_NOMEM || rc == SQLITE_FULL)
		code = REEVE_ERESOURCE_EXHAUSTED;
	else if (rc == SQLITE_IOERR || rc == SQLITE_CORRUPT || rc == SQLITE_CANTOPEN ||
		 rc == SQLITE_NOTADB)
		code = REEVE_ESYSTEM;
	else if (rc == SQLITE_INTERRUPT)
		code = REEVE_ECANCELLED;
	return fail(err, code, "%s", sqlite3_errmsg(session->db));
}

/* Prepared statements */

static struct reeved_statement *find_kept(
	struct reeved_session *session, const char *sql, size_t len)
{
	for (size_t i = 0; i < REEVED_STATEMENTS; i++) {
		struct reeved_statement *kept = &session->statements[i];
		if (kept->text != NULL && kept->len == len && memcmp(kept->text, sql, len) == 0)
			return kept;
	}
	return NULL;
}

/* A free place, or the one that was not used for longest, emptied. */
static struct reeved_statement *make_place(struct reeved_session *session)
{
	struct reeved_statement *oldest = &session->statements[0];
	for (size_t i = 1; i < REEVED_STATEMENTS && oldest->text != NULL; i++) {
		struct reeved_statement *kept = &session->statements[i];
		if (kept->text == NULL || kept->used < oldest->used)
			oldest = kept;
	}
	sqlite3_finalize(oldest->stmt);
	free(oldest->text);
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

/* Whether nothing but spaces, comments and semicolons follows. */
static bool is_alone(struct reeved_session *session, const char *tail)
{
	while (*tail != '\0') {
		sqlite3_stmt *next = NULL;
		if (sqlite3_prepare_v2(session->db, tail, -1, &next, &tail) != SQLITE_OK)
			return false;
		sqlite3_finalize(next);
		if (next != NULL)
			return false;
	}
	return true;
}

/* Prepares a statement that is not kept yet. */
static int prepare_new(struct reeved_session *session, const char *sql, sqlite3_stmt **ret_stmt,
	struct reeve_error *err)
{
	const char *tail;
	sqlite3_stmt *stmt = NULL;
	session->was_refused = false;
	if (sqlite3_prepare_v3(session->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, &tail) !=
		SQLITE_OK)
		return fail_sqlite(session, err);
	if (stmt == NULL)
		return fail(err, REEVE_EINVALID_ARGUMENT, "there is no statement in the text");
	if (!is_alone(session, tail)) {
		sqlite3_finalize(stmt);
		return fail(err, REEVE_EINVALID_ARGUMENT,
			"one statement a call: something follows the first");
	}
	*ret_stmt = stmt;
	return 0;
}

/* The session's prepared statement for the text, kept from last time if it was. */
static int prepare(struct reeved_session *session, const char *sql, sqlite3_stmt **ret_stmt,
	struct reeve_error *err)
{
	size_t len = strlen(sql);
	struct reeved_statement *kept = find_kept(session, sql, len);
	if (kept == NULL) {
		sqlite3_stmt *stmt = NULL;
		int rc = prepare_new(session, sql, &stmt, err);
		if (rc != 0)
			return rc;
		kept = make_place(session);
		kept->stmt = stmt;
		kept->len = len;
		kept->text = strdup(sql);
		if (kept->text == NULL) {
			sqlite3_finalize(stmt);
			memset(kept, 0, sizeof(*kept));
			return fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
		}
	}
	kept->used = ++session->uses;
	*ret_stmt = kept->stmt;
	return 0;
}

/* Parameters */

static int bind_one(sqlite3_stmt *stmt, int at, const struct reeve_gql_value *value)
{
	switch (value->kind) {
	case REEVE_GQL_VALUE_ABSENT:
	case REEVE_GQL_VALUE_NULL:
		return sqlite3_bind_null(stmt, at);
	case REEVE_GQL_VALUE_BOOL:
		return sqlite3_bind_int(stmt, at, value->boolean);
	case REEVE_GQL_VALUE_INT:
		return sqlite3_bind_int64(stmt, at, value->i64);
	case REEVE_GQL_VALUE_UINT:
		return value->u64 <= INT64_MAX ? sqlite3_bind_int64(stmt, at, (int64_t)value->u64)
					       : SQLITE_RANGE;
	case REEVE_GQL_VALUE_DOUBLE:
		return sqlite3_bind_double(stmt, at, value->real);
	case REEVE_GQL_VALUE_STRING:
	case REEVE_GQL_VALUE_ENUM:
		/* The text lives as long as the call, and the binding is cleared before. */
		return sqlite3_bind_text64(
			stmt, at, value->text, value->count, SQLITE_STATIC, SQLITE_UTF8);
	case REEVE_GQL_VALUE_LIST:
	case REEVE_GQL_VALUE_OBJECT:
		break;
	}
	return SQLITE_MISMATCH;
}

static int bind_all(
	sqlite3_stmt *stmt, const struct reeve_gql_value *parameters, struct reeve_error *err)
{
	uint32_t given = parameters != NULL ? reeve_gql_value_count(parameters) : 0;
	uint32_t wanted = (uint32_t)sqlite3_bind_parameter_count(stmt);
	if (given != wanted)
		return fail(err, REEVE_EINVALID_ARGUMENT,
			"the statement has %u parameters, and %u values were given", wanted, given);
	for (uint32_t i = 0; i < given; i++) {
		int rc = bind_one(stmt, (int)i + 1, reeve_gql_value_item(parameters, i));
		if (rc == SQLITE_MISMATCH)
			return fail(err, REEVE_EINVALID_ARGUMENT,
				"parameter %u is a list or an object; null, boolean, number and "
				"text "
				"can be bound",
				i + 1);
		if (rc == SQLITE_RANGE)
			return fail(err, REEVE_EINVALID_ARGUMENT,
				"parameter %u is above the largest integer of SQLite", i + 1);
		if (rc != SQLITE_OK)
			return fail(err, REEVE_ERESOURCE_EXHAUSTED, "parameter %u: %s", i + 1,
				sqlite3_errstr(rc));
	}
	return 0;
}

/* Values */

static void write_base64(struct reeve_json *out, const unsigned char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i = 0;
	reeve_json_raw(out, "\"", 1);
	for (; i < len && reeve_json_reserve(out, 4); i += 3) {
		uint32_t group = (uint32_t)bytes[i] << 16;
		group |= i + 1 < len ? (uint32_t)bytes[i + 1] << 8 : 0;
		group |= i + 2 < len ? bytes[i + 2] : 0;
		char text[4] = {digits[group >> 18], digits[(group >> 12) & 63],
			i + 1 < len ? digits[(group >> 6) & 63] : '=',
			i + 2 < len ? digits[group & 63] : '='};
		reeve_json_raw(out, text, sizeof(text));
	}
	reeve_json_raw(out, "\"", 1);
}

/* The separator keeps the writer from putting a comma before the next value. */
static bool end_cell(struct reeved_sql_result *result)
{
	if (result->n_ends == result->cap_ends) {
		size_t cap = result->cap_ends > 0 ? result->cap_ends * 2 : 256;
		uint32_t *ends = realloc(result->ends, cap * sizeof(*ends));
		if (ends == NULL)
			return false;
		result->ends = ends;
		result->cap_ends = cap;
	}
	result->ends[result->n_ends++] = (uint32_t)result->cells->len;
	reeve_json_raw(result->cells, "\n", 1);
	return reeve_json_ok(result->cells);
}

static bool write_cell(struct reeved_sql_result *result, sqlite3_stmt *stmt, int column)
{
	struct reeve_json *out = result->cells;
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		reeve_json_i64(out, sqlite3_column_int64(stmt, column));
		break;
	case SQLITE_FLOAT:
		reeve_json_double(out, sqlite3_column_double(stmt, column));
		break;
	case SQLITE_TEXT: {
		const void *text = sqlite3_column_text(stmt, column);
		reeve_json_strn(
			out, text != NULL ? text : "", (size_t)sqlite3_column_bytes(stmt, column));
		break;
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_column_blob(stmt, column);
		write_base64(out, blob, (size_t)sqlite3_column_bytes(stmt, column));
		break;
	}
	default:
		reeve_json_null(out);
		break;
	}
	return end_cell(result);
}

/* After the first step: a statement that is kept takes notice of a changed schema there. */
static bool write_names(struct reeved_sql_result *result, sqlite3_stmt *stmt)
{
	result->n_columns = (uint32_t)sqlite3_column_count(stmt);
	for (uint32_t i = 0; i < result->n_columns; i++) {
		const char *name = sqlite3_column_name(stmt, (int)i);
		if (name != NULL)
			reeve_json_raw(result->cells, name, strlen(name));
		if (!end_cell(result))
			return false;
	}
	return true;
}

/* False when the row does not fit; it is taken back then. */
static bool write_row(struct reeved_sql_result *result, sqlite3_stmt *stmt)
{
	size_t len = result->cells->len, n_ends = result->n_ends;
	for (uint32_t i = 0; i < result->n_columns; i++) {
		if (!write_cell(result, stmt, (int)i)) {
			result->n_ends = n_ends;
			result->cells->failed = false;
			reeve_json_truncate(result->cells, len);
			return false;
		}
	}
	result->n_rows++;
	return true;
}

/* Steps */

static int step_all(struct reeved_session *session, const struct reeved_run_request *request,
	sqlite3_stmt *stmt, struct reeved_sql_result *result, struct reeve_error *err)
{
	int rc = sqlite3_step(stmt);
	if ((rc == SQLITE_ROW || rc == SQLITE_DONE) && !write_names(result, stmt))
		return fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory for the result");
	for (; rc == SQLITE_ROW; rc = sqlite3_step(stmt)) {
		if (result->n_rows == request->max_rows || !write_row(result, stmt)) {
			result->is_truncated = true;
			return 0;
		}
	}
	if (rc == SQLITE_DONE)
		return 0;
	int why = reeve_sqlite_why(session->governor, err);
	return why != 0 ? why : fail_sqlite(session, err);
}

/* With the parameters in place: waits for the session's turn, and steps. */
static int govern(struct reeved_session *session, const struct reeved_run_request *request,
	sqlite3_stmt *stmt, struct reeved_sql_result *result, struct reeve_error *err)
{
	int64_t changes_before = sqlite3_total_changes64(session->db);
	if (atomic_load(request->stop))
		return fail(
			err, REEVE_ECANCELLED, "the client went away, or the server is stopping");
	int rc = reeve_sqlite_begin(session->governor, request->deadline, err);
	if (rc != 0)
		return rc;
	rc = step_all(session, request, stmt, result, err);
	sqlite3_reset(stmt);
	if (sqlite3_total_changes64(session->db) != changes_before)
		result->changes = (uint64_t)sqlite3_changes64(session->db);
	reeve_sqlite_end(session->governor, &result->usage);
	return rc;
}

int reeved_run(struct reeved_session *session, const struct reeved_run_request *request,
	struct reeved_sql_result *ret_result, struct reeve_error *err)
{
	sqlite3_stmt *stmt = NULL;
	ret_result->cells->max_bytes = MAX_CELL_BYTES;
	int rc = prepare(session, request->sql, &stmt, err);
	if (rc != 0)
		return rc;
	rc = bind_all(stmt, request->parameters, err);
	if (rc == 0)
		rc = govern(session, request, stmt, ret_result, err);
	sqlite3_clear_bindings(stmt);
	return rc;
}

void reeved_run_fini(struct reeved_sql_result *result)
{
	free(result->ends);
	result->ends = NULL;
}
