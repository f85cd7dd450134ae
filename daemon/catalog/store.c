/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - see store.h. A row of `definition` is the JSON of the codec in document/. */
#include "catalog/store.h"
#include "catalog/points.h"

#include "document/document.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	LOAD,
	PUT_ROW,
	DROP_ROW,
	PUT_REVISION,
	PUT_CHANGE,
	PRUNE,
	PRUNE_CHANGES,
	PUT_META,
	GET_META,
	NEWEST,
	LIST,
	GET,
	CHANGES,
	REWIND,
	PUT_EVENT,
	PRUNE_EVENTS,
	STATEMENTS
};

static const char *const texts[STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[LOAD] = "SELECT kind, id, body FROM definition ORDER BY kind, id",
	[PUT_ROW] = "INSERT OR REPLACE INTO definition (kind, id, body) VALUES (?1, ?2, ?3)",
	[DROP_ROW] = "DELETE FROM definition WHERE kind = ?1 AND id = ?2",
	[PUT_REVISION] = "INSERT INTO revision (number, at_ns, author, operation, changes) "
			 "VALUES (?1, ?2, ?3, ?4, ?5)",
	[PUT_CHANGE] = "INSERT INTO change (revision, kind, id, before, after) "
		       "VALUES (?1, ?2, ?3, ?4, ?5)",
	[PRUNE] = "DELETE FROM revision WHERE number <= (SELECT number FROM revision "
		  "ORDER BY number DESC LIMIT 1 OFFSET ?1)",
	[PRUNE_CHANGES] = "DELETE FROM change WHERE revision < (SELECT min(number) FROM revision)",
	[PUT_META] = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)",
	[GET_META] = "SELECT value FROM meta WHERE name = ?1",
	[NEWEST] = "SELECT coalesce(max(number), 0) FROM revision",
	[LIST] = "SELECT number, at_ns, author, operation, changes FROM revision "
		 "WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
	[GET] = "SELECT number, at_ns, author, operation, changes FROM revision WHERE number = ?1",
	[CHANGES] =
		"SELECT kind, id, before, after FROM change WHERE revision = ?1 ORDER BY kind, id",
	[REWIND] = "SELECT kind, id, before FROM change WHERE revision > ?1 "
		   "ORDER BY revision DESC, kind, id",
	[PUT_EVENT] = "INSERT INTO event (at_ns, kind, severity, text) VALUES (?1, ?2, ?3, ?4)",
	[PRUNE_EVENTS] = "DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?1",
};

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = FULL;"
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS definition (kind INTEGER, id INTEGER, body TEXT NOT NULL,"
	" PRIMARY KEY (kind, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS revision (number INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL,"
	" author TEXT NOT NULL, operation TEXT NOT NULL, changes INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS change (revision INTEGER, kind INTEGER, id INTEGER, before "
	"TEXT,"
	" after TEXT, PRIMARY KEY (revision, kind, id)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL,"
	" kind TEXT NOT NULL, severity INTEGER NOT NULL, text TEXT NOT NULL);"
	"COMMIT;";

#define FORMAT "1"

struct reeved_store {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t newest;
};

/* ---- statements ---- */

static int fail(struct reeved_store *s, struct reeve_error *err, const char *what)
{
	int rc = sqlite3_errcode(s->db) & 0xff;

	err->code =
		rc == SQLITE_FULL || rc == SQLITE_IOERR ? REEVE_ERESOURCE_EXHAUSTED : REEVE_ESYSTEM;
	snprintf(err->text, sizeof(err->text), "the catalog cannot %s: %.100s%s", what,
		sqlite3_errmsg(s->db),
		err->code == REEVE_ERESOURCE_EXHAUSTED
			? "; nothing was changed: is there room on the disk?"
			: "");
	return err->code;
}

/* Binds what is given by letter: i a number, t a text or NULL. */
static sqlite3_stmt *ready(struct reeved_store *s, enum statement which, const char *types, ...)
{
	sqlite3_stmt *st = s->statements[which];
	va_list args;

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	va_start(args, types);
	for (int i = 1; *types; types++, i++)
		if (*types == 'i')
			sqlite3_bind_int64(st, i, (sqlite3_int64)va_arg(args, uint64_t));
		else
			sqlite3_bind_text(st, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
	va_end(args);
	return st;
}

static bool done(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc == SQLITE_DONE;
}

#define RUN(s, which, ...) done(ready(s, which, __VA_ARGS__))

static void get_text(sqlite3_stmt *st, int column, char *to, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

/* ---- opening ---- */

static int check_format(struct reeved_store *s, struct reeve_error *err)
{
	sqlite3_stmt *st = ready(s, GET_META, "t", "format");
	char format[16] = FORMAT;
	bool is_there = sqlite3_step(st) == SQLITE_ROW;

	if (is_there)
		get_text(st, 0, format, sizeof(format));
	sqlite3_reset(st);
	if (!is_there && !RUN(s, PUT_META, "tt", "format", FORMAT))
		return fail(s, err, "be written");
	if (strcmp(format, FORMAT) == 0)
		return 0;
	err->code = REEVE_ECONFIGURATION;
	snprintf(err->text, sizeof(err->text),
		"the catalog has format %s; this reeved reads " FORMAT, format);
	return err->code;
}

static int prepare(struct reeved_store *s, const char *path, struct reeve_error *err)
{
	sqlite3_stmt *st;

	sqlite3_busy_timeout(s->db, 2000);
	if (sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		fail(s, err, "be opened");
		snprintf(err->text, sizeof(err->text), "cannot open the catalog %.120s: %.80s",
			path, sqlite3_errmsg(s->db));
		return err->code;
	}
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &s->statements[i], NULL) != SQLITE_OK)
			return fail(s, err, "be read");
	st = ready(s, NEWEST, "");
	if (sqlite3_step(st) != SQLITE_ROW)
		return fail(s, err, "be read");
	s->newest = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return check_format(s, err);
}

int reeved_store_open(const char *path, struct reeved_store **ret_store, struct reeve_error *err)
{
	struct reeved_store *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL) {
		*err = (struct reeve_error){REEVE_ERESOURCE_EXHAUSTED, "out of memory"};
		return err->code;
	}
	rc = sqlite3_open_v2(path, &s->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		err->code = REEVE_ESYSTEM;
		snprintf(err->text, sizeof(err->text), "cannot open the catalog %.120s: %.80s",
			path, s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory");
		rc = err->code;
	} else {
		rc = prepare(s, path, err);
	}
	if (rc != 0)
		reeved_store_close(s);
	else
		*ret_store = s;
	return rc;
}

void reeved_store_close(struct reeved_store *store)
{
	if (store == NULL)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->db);
	free(store);
}

uint64_t reeved_store_newest(const struct reeved_store *store)
{
	return store->newest;
}

/* ---- reading ---- */

static int put_json(struct reeve_definitions *set, uint32_t kind, uint64_t id, const char *json,
	struct reeve_error *err)
{
	struct reeve_definition row;
	int rc = reeve_row_parse(json, strlen(json), kind, id, &row, err);

	if (rc == 0) {
		rc = reeve_definitions_put(set, &row, err);
		reeve_row_fini(&row);
	}
	return rc;
}

static void load_marks(struct reeved_store *s, struct reeve_definitions *set)
{
	sqlite3_stmt *st = ready(s, GET_META, "t", "next_ids");
	char text[256] = "", *at = text;

	if (sqlite3_step(st) == SQLITE_ROW)
		get_text(st, 0, text, sizeof(text));
	sqlite3_reset(st);
	for (int i = 0; i < REEVE_DEFINITION_COUNTERS; i++)
		set->next_ids[i] = strtoull(at, &at, 10);
	set->revision = s->newest;
}

int reeved_store_load(
	struct reeved_store *store, struct reeve_definitions *ret, struct reeve_error *err)
{
	struct reeve_definitions set = REEVE_DEFINITIONS_INIT;
	sqlite3_stmt *st = ready(store, LOAD, "");
	int rc = 0, step = SQLITE_DONE;

	while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW)
		rc = put_json(&set, (uint32_t)sqlite3_column_int(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1),
			(const char *)sqlite3_column_text(st, 2), err);
	sqlite3_reset(st);
	if (rc == 0 && step != SQLITE_DONE)
		rc = fail(store, err, "be read");
	if (rc != 0) {
		reeve_definitions_fini(&set);
		return rc;
	}
	load_marks(store, &set);
	*ret = set;
	return 0;
}

static void fill_info(sqlite3_stmt *st, struct reeved_revision_info *ret)
{
	ret->number = (uint64_t)sqlite3_column_int64(st, 0);
	ret->at_wall = sqlite3_column_int64(st, 1);
	get_text(st, 2, ret->author, sizeof(ret->author));
	get_text(st, 3, ret->operation, sizeof(ret->operation));
	ret->changes = (uint32_t)sqlite3_column_int64(st, 4);
}

int reeved_store_list(struct reeved_store *store, uint64_t before, struct reeved_revision_info *ret,
	uint32_t capacity, struct reeve_error *err)
{
	sqlite3_stmt *st = ready(
		store, LIST, "ii", before > INT64_MAX ? INT64_MAX : before, (uint64_t)capacity);
	int n = 0, step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		fill_info(st, &ret[n++]);
	sqlite3_reset(st);
	return step == SQLITE_DONE ? n : fail(store, err, "be read");
}

int reeved_store_get(struct reeved_store *store, uint64_t number, struct reeved_revision_info *ret,
	struct reeve_error *err)
{
	sqlite3_stmt *st = ready(store, GET, "i", number);
	int step = sqlite3_step(st);

	if (step == SQLITE_ROW)
		fill_info(st, ret);
	sqlite3_reset(st);
	if (step == SQLITE_ROW)
		return 0;
	if (step != SQLITE_DONE)
		return fail(store, err, "be read");
	err->code = REEVE_ENOT_FOUND;
	snprintf(err->text, sizeof(err->text), "revision %llu; the newest is %llu",
		(unsigned long long)number, (unsigned long long)store->newest);
	return err->code;
}

int reeved_store_changes(struct reeved_store *store, uint64_t number, reeved_change_fn found,
	void *arg, struct reeve_error *err)
{
	sqlite3_stmt *st = ready(store, CHANGES, "i", number);
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW)
		found(arg, (uint32_t)sqlite3_column_int(st, 0),
			(uint64_t)sqlite3_column_int64(st, 1),
			(const char *)sqlite3_column_text(st, 2),
			(const char *)sqlite3_column_text(st, 3));
	sqlite3_reset(st);
	return step == SQLITE_DONE ? 0 : fail(store, err, "be read");
}

int reeved_store_rewind(struct reeved_store *store, uint64_t number, struct reeve_definitions *set,
	struct reeve_error *err)
{
	struct reeved_revision_info info;
	sqlite3_stmt *st;
	int step = SQLITE_DONE, rc = reeved_store_get(store, number, &info, err);

	if (rc != 0)
		return rc;
	st = ready(store, REWIND, "i", number);
	while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
		uint32_t kind = (uint32_t)sqlite3_column_int(st, 0);
		uint64_t id = (uint64_t)sqlite3_column_int64(st, 1);
		const char *before = (const char *)sqlite3_column_text(st, 2);
		if (before == NULL)
			reeve_definitions_drop(set, kind, id);
		else
			rc = put_json(set, kind, id, before, err);
	}
	sqlite3_reset(st);
	return rc == 0 && step != SQLITE_DONE ? fail(store, err, "be read") : rc;
}

/* ---- writing ---- */

struct writing {
	struct reeved_store *store;
	uint64_t number;
	bool is_ok;
};

/* JSON of a row, for free(); NULL when there is no row. *is_ok is cleared when memory is out. */
static char *json_of(const struct reeve_definition *row, bool *is_ok)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = row != NULL ? open_memstream(&text, &size) : NULL;

	if (row == NULL)
		return NULL;
	if (out != NULL) {
		reeve_row_write(out, row, NULL);
		if (fclose(out) == 0)
			return text;
	}
	free(text);
	*is_ok = false;
	return NULL;
}

static void write_change(
	void *arg, const struct reeve_definition *from, const struct reeve_definition *to)
{
	struct writing *w = arg;
	const struct reeve_definition *row = from != NULL ? from : to;
	uint64_t kind = row->kind;
	char *before = json_of(from, &w->is_ok), *after = json_of(to, &w->is_ok);

	if (w->is_ok)
		w->is_ok =
			RUN(w->store, PUT_CHANGE, "iiitt", w->number, kind, row->id, before, after);
	if (w->is_ok && after != NULL)
		w->is_ok = RUN(w->store, PUT_ROW, "iit", kind, row->id, after);
	else if (w->is_ok)
		w->is_ok = RUN(w->store, DROP_ROW, "ii", kind, row->id);
	free(before);
	free(after);
	REEVED_POINT("catalog_row");
}

static bool write_marks(struct reeved_store *s, const struct reeve_definitions *to)
{
	char text[256] = "";

	for (int i = 0; i < REEVE_DEFINITION_COUNTERS; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%llu ",
			(unsigned long long)to->next_ids[i]);
	return RUN(s, PUT_META, "tt", "next_ids", text);
}

int reeved_store_write(struct reeved_store *store, const struct reeve_definitions *from,
	const struct reeve_definitions *to, const struct reeved_revision_note *note, uint32_t keep,
	struct reeve_error *err)
{
	struct writing w = {store, note->number, true};
	uint64_t changes = reeve_definitions_diff(from, to, NULL, NULL);
	int rc;

	if (!RUN(store, BEGIN, ""))
		return fail(store, err, "be written");
	REEVED_POINT("catalog_begun");
	w.is_ok = RUN(store, PUT_REVISION, "iitti", note->number, (uint64_t)note->at_wall,
		note->author, note->operation, changes);
	if (w.is_ok)
		reeve_definitions_diff(from, to, write_change, &w);
	w.is_ok = w.is_ok && write_marks(store, to) && RUN(store, PRUNE, "i", (uint64_t)keep) &&
		  RUN(store, PRUNE_CHANGES, "");
	REEVED_POINT("catalog_filled");
	if (w.is_ok && RUN(store, COMMIT, "")) {
		REEVED_POINT("catalog_committed");
		store->newest = note->number;
		return 0;
	}
	rc = fail(store, err, "be written");
	(void)RUN(store, ROLLBACK, ""); /* SQLite may have done it already */
	return rc;
}

int reeved_store_put_events(struct reeved_store *store, const struct reeve_event *events,
	uint32_t count, uint32_t keep, struct reeve_error *err)
{
	bool is_ok = RUN(store, BEGIN, "");

	for (uint32_t i = 0; is_ok && i < count; i++) {
		const struct reeve_event_row *row = reeve_event_row_of(events[i].kind);
		char text[512];
		reeve_event_format(&events[i], text, sizeof(text));
		is_ok = RUN(store, PUT_EVENT, "itit", (uint64_t)events[i].wall,
			row != NULL ? row->name : "?", (uint64_t)events[i].severity, text);
	}
	is_ok = is_ok && RUN(store, PRUNE_EVENTS, "i", (uint64_t)keep);
	if (is_ok && RUN(store, COMMIT, ""))
		return 0;
	int rc = fail(store, err, "keep events");
	(void)RUN(store, ROLLBACK, "");
	return rc;
}
