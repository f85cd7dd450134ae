/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open.c - opens a governed connection, and ends what belongs to it.
 *
 * Who owns what: the connection owns the governor (through the destructor of an SQL function), the
 * governor owns the session and the attachment when it made them. So the session ends when SQLite
 * really closes the connection: in sqlite3_close, or in the last sqlite3_finalize after
 * sqlite3_close_v2.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "governor.h"

int reeve__sqlite_fail(struct reeve_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err != NULL) {
		err->code = code;
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return code;
}

/*
 * Connections that share a cache hold a lock on it while a statement runs. One that is parked with
 * it would stop another that holds the CPU slot it waits for.
 */
static bool wants_shared_cache(const char *filename, int flags)
{
	return (flags & SQLITE_OPEN_SHAREDCACHE) != 0 ||
	       (strncmp(filename, "file:", 5) == 0 && strstr(filename, "cache=shared") != NULL);
}

static int check_options(const char *filename, sqlite3 **ret_db, int flags,
	const struct reeve_sqlite_options *options, struct reeve_error *err)
{
	const char *fault = NULL;

	if (filename == NULL || ret_db == NULL || options == NULL)
		fault = "filename, ret_db and options are required";
	else if (wants_shared_cache(filename, flags))
		fault = "a shared cache cannot be governed";
	else if ((options->session == NULL) == (options->session_def == NULL))
		fault = "either session or session_def is required, not both";
	else if ((options->reeve == NULL) == (options->segment == NULL))
		fault = "either reeve or segment is required, not both";
	else if (options->session != NULL && options->reeve == NULL)
		fault = "session needs reeve, the segment it belongs to";
	else if (options->flags & ~(uint32_t)REEVE_SQLITE_OWN_CACHE)
		fault = "flags has unknown bits";
	else if (options->timeout_ns < 0 || options->busy_timeout_ns < 0)
		fault = "timeout_ns and busy_timeout_ns must not be negative";
	if (fault == NULL)
		return 0;
	return reeve__sqlite_fail(err, REEVE_EINVALID_ARGUMENT, "reeve_sqlite_open: %s", fault);
}

void reeve__sqlite_destroy(struct reeve_sqlite *g)
{
	if (g->is_begun)
		reeve__sqlite_end(g, 0);
	reeve__sqlite_drop_vfs(g);
	if (g->owns_session)
		reeve_session_destroy(g->session);
	if (g->owns_reeve)
		reeve_close(g->reeve);
	if (g->open != g->open_inline)
		free(g->open);
	free(g);
}

static int open_session(
	struct reeve_sqlite *g, const struct reeve_sqlite_options *options, struct reeve_error *err)
{
	struct reeve_options segment = REEVE_OPTIONS_INIT;
	int rc;

	g->reeve = options->reeve;
	g->session = options->session;
	if (g->reeve == NULL) {
		segment.path = options->segment;
		rc = reeve_open(&segment, &g->reeve, err);
		if (rc < 0)
			return rc;
		g->owns_reeve = true;
	}
	if (g->session == NULL) {
		rc = reeve_session_create(g->reeve, options->session_def, &g->session, err);
		if (rc < 0)
			return rc;
		g->owns_session = true;
	}
	reeve_session_usage(g->session, &g->usage_base);
	return 0;
}

static int create_governor(const struct reeve_sqlite_options *options, struct reeve_sqlite **ret_g,
	struct reeve_error *err)
{
	struct reeve_sqlite *g = aligned_alloc(_Alignof(struct reeve_sqlite), sizeof(*g));
	int rc;

	if (g == NULL)
		return reeve__sqlite_fail(err, REEVE_ESYSTEM, "out of memory");
	memset(g, 0, sizeof(*g));
	g->open = g->open_inline;
	g->open_capacity = REEVE__SQLITE_INLINE_OPEN;
	g->is_cache_ours = (options->flags & REEVE_SQLITE_OWN_CACHE) == 0;
	g->timeout_ns = options->timeout_ns;
	g->busy_timeout_ns = options->busy_timeout_ns;
	g->deadline = REEVE_NEVER;
	rc = open_session(g, options, err);
	if (rc == 0 && (rc = reeve__sqlite_add_vfs(g, options->vfs)) != SQLITE_OK)
		rc = reeve__sqlite_fail(err, REEVE_ESYSTEM, "vfs \"%.80s\": %s",
			options->vfs != NULL ? options->vfs : "default",
			rc == SQLITE_NOTFOUND ? "no such vfs" : sqlite3_errstr(rc));
	if (rc < 0) {
		reeve__sqlite_destroy(g);
		return rc;
	}
	*ret_g = g;
	return 0;
}

/*
 * Bounds how much a sort does between two checkpoints. Setting the cache reads the schema, which
 * can fail (another connection holds the file, or it is no database): the program is told by its
 * own first statement, and SQLite's default is the same 2 MB.
 */
static int contain_sorter(sqlite3 *db)
{
	int rc = sqlite3_exec(db, "PRAGMA temp_store = FILE", NULL, NULL, NULL);

	if (rc == SQLITE_OK &&
		sqlite3_exec(db, "PRAGMA cache_size = -2000", NULL, NULL, NULL) == SQLITE_NOMEM)
		rc = SQLITE_NOMEM;
	sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
	return rc;
}

/* Opens the file and hands the governor over to the connection. Frees it on failure. */
static int open_database(
	struct reeve_sqlite *g, const char *filename, int flags, struct reeve_error *err)
{
	bool is_ours = true;
	int rc = sqlite3_open_v2(
		filename, &g->db, flags | SQLITE_OPEN_PRIVATECACHE, reeve__sqlite_vfs_name(g));
	sqlite3 *db = g->db;

	if (rc == SQLITE_OK) {
		rc = reeve__sqlite_hand_over(g);
		is_ours = rc != SQLITE_OK;
	}
	if (rc == SQLITE_OK)
		rc = reeve__sqlite_register(g);
	if (rc == SQLITE_OK && g->is_cache_ours)
		rc = contain_sorter(db);
	if (rc == SQLITE_OK)
		return 0;
	rc = reeve__sqlite_fail(err, REEVE_ESYSTEM, "cannot open database \"%.120s\": %s", filename,
		db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	sqlite3_close(db);
	if (is_ours)
		reeve__sqlite_destroy(g);
	return rc;
}

int reeve_sqlite_open(const char *filename, sqlite3 **ret_db, int flags,
	const struct reeve_sqlite_options *options, struct reeve_error *err)
{
	struct reeve_sqlite *g = NULL;
	int rc = check_options(filename, ret_db, flags, options, err);

	if (rc == 0)
		rc = create_governor(options, &g, err);
	if (rc == 0)
		rc = open_database(g, filename, flags, err);
	if (rc < 0)
		return rc;
	reeve__sqlite_hook(g);
	*ret_db = g->db;
	return 0;
}
