/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.c - what SQLite tells us, and when.
 *
 *	SQLITE_TRACE_STMT     first opcode of a statement. It cannot say no; but SQLite looks at
 *			      its interrupt flag before anything is done, so setting that refuses.
 *	SQLITE_TRACE_ROW      a row is ready; sqlite3_step returns it next.
 *	SQLITE_TRACE_PROFILE  done, failed, reset or finalized. Once for each start.
 *	progress handler      every 1,000 opcodes, counted over all steps of a statement.
 *	busy handler	      another connection holds a lock.
 *	authorizer	      while preparing: PRAGMAs.
 *
 * Traps, each seen in SQLite 3.40: triggers and statements run by SQL functions trace with a text
 * of their own, so a start counts only when the text is the statement's. SQLite reads its schema by
 * statements without text that trace rows and nothing else. EXPLAIN traces only an end. After a
 * change of schema a statement ends and goes on by itself without a second start.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "governor.h"

/* Between two tries for a lock, in microseconds; the last one repeats. */
static const int32_t busy_delay_us[] = {100, 200, 500, 1000, 2000, 5000};
/* How soon a cancelled statement stops waiting for a lock, at most, and a try more. */
#define BUSY_LOOK_UP_NS (10 * REEVE_MSEC)

/* The first word of a statement. */
static const char *skip_blanks(const char *sql)
{
	const char *from;

	do {
		from = sql;
		sql += strspn(sql, " \t\n\v\f\r;");
		if (sql[0] == '-' && sql[1] == '-')
			sql += strcspn(sql, "\n");
		else if (sql[0] == '/' && sql[1] == '*' && strstr(sql + 2, "*/") != NULL)
			sql = strstr(sql + 2, "*/") + 2;
	} while (sql != from);
	return sql;
}

/*
 * ROLLBACK must get through whatever happened. What ends a transaction otherwise gets through too,
 * unless the session was killed: then its changes are not wanted any more.
 */
COLD static bool may_pass(const char *sql, int code)
{
	static const char *const ends[] = {"ROLLBACK", "COMMIT", "END", "RELEASE"};
	size_t count = code == REEVE_EKILLED ? 1 : sizeof(ends) / sizeof(ends[0]);

	sql = skip_blanks(sql);
	for (size_t i = 0; i < count; i++)
		if (sqlite3_strnicmp(sql, ends[i], (int)strlen(ends[i])) == 0)
			return true;
	return false;
}

/* Ours, which no one governs. */
COLD static bool is_own(struct reeve_sqlite *g, const char *text)
{
	if (strcmp(text, REEVE__SQLITE_FIND_SQL) == 0)
		return true;
	if (g->is_probing)
		g->probe_hooks |= REEVE__PROBE_START;
	return g->is_probing;
}

/* One more is open, or the first inside brackets, or one that we know already. */
COLD static int another_starts(struct reeve_sqlite *g, sqlite3_stmt *stmt)
{
	if (!reeve__sqlite_track(g, stmt))
		return 0; /* no memory: better ungoverned than never ended */
	if (!g->is_begun && g->open_count == 1)
		return reeve__sqlite_begin(g, REEVE_NEVER);
	return reeve__sqlite_arrive(g);
}

COLD static int refused_start(struct reeve_sqlite *g, const char *text, int code)
{
	if (!may_pass(text, code))
		sqlite3_interrupt(g->db);
	return 0;
}

/* Not the plainest of starts: a comment, others are open, brackets, a time limit. */
APART static int starts_otherwise(struct reeve_sqlite *g, sqlite3_stmt *stmt, const char *text)
{
	int rc;

	if (text != sqlite3_sql(stmt))
		return 0; /* a trigger, or inside another statement */
	if (UNLIKELY(text[0] == '/' || g->is_probing) && is_own(g, text))
		return 0;
	if (UNLIKELY(g->open_count > 0 || g->is_begun)) {
		rc = another_starts(g, stmt);
	} else {
		g->start_at = g->asked_at;
		g->open[g->open_count++] = stmt;
		rc = reeve__sqlite_begin(g, REEVE_NEVER);
	}
	return UNLIKELY(rc < 0) ? refused_start(g, text, rc) : 0;
}

/*
 * Whether a text may be another than the statement's: SQLite passes either that or a comment which names
 * a trigger or the statement that is run inside another. Our own statement is a comment too.
 */
static bool may_be_comment(const char *text)
{
	return text[0] == '-' || text[0] == '/';
}

HOT APART static int statement_starts(struct reeve_sqlite *g, sqlite3_stmt *stmt, const char *text)
{
	int rc;

	if (UNLIKELY(may_be_comment(text) || g->open_count > 0 || g->is_begun || g->is_probing ||
		     g->timeout_ns != 0))
		return starts_otherwise(g, stmt, text);
	g->start_at = g->asked_at;
	g->open[0] = stmt;
	g->open_count = 1;
	rc = reeve__sqlite_begin_plain(g);
	return UNLIKELY(rc < 0) ? refused_start(g, text, rc) : 0;
}

/* reeve_sqlite_cancel was called, and its interrupt may have been lost. */
COLD static void hear_cancel(struct reeve_sqlite *g)
{
	if (g->is_begun && atomic_exchange(&g->is_cancel_sent, false) && g->stop == 0)
		(void)reeve__sqlite_checkpoint(g);
}

static bool is_last_open(const struct reeve_sqlite *g, const sqlite3_stmt *stmt)
{
	return g->open_count > 0 && g->open[g->open_count - 1] == stmt;
}

/* Not the plainest of ends: not the last to start, others stay open, brackets, a cancel. */
APART static int ends_otherwise(struct reeve_sqlite *g, sqlite3_stmt *stmt, uint64_t ticks)
{
	if (is_last_open(g, stmt)) {
		g->open_count--;
	} else if (!reeve__sqlite_untrack(g, stmt)) {
		g->probe_hooks |= REEVE__PROBE_END;
		return 0;
	}
	g->last_ended = stmt;
	if (UNLIKELY(atomic_load(&g->is_cancel_sent))) {
		hear_cancel(g);
		ticks = 0; /* it may have waited */
	}
	if (UNLIKELY(g->open_count > 0)) {
		reeve__sqlite_leave(g);
		return 0;
	}
	g->is_start_next = ticks != 0;
	if (UNLIKELY(g->is_bracketed))
		return 0;
	reeve__sqlite_end(g, ticks);
	g->stop = 0;
	return 0;
}

HOT APART static int statement_ends(struct reeve_sqlite *g, sqlite3_stmt *stmt)
{
	uint64_t ticks = g->told_ticks; /* SQLite asked for the time just before it called us */

	g->told_ticks = 0;
	if (UNLIKELY(g->open_count != 1 || g->open[0] != stmt || ticks == 0 || !g->is_begun ||
		     g->is_bracketed || atomic_load(&g->is_cancel_sent) || g->left_ticks != 0))
		return ends_otherwise(g, stmt, ticks);
	g->open_count = 0;
	g->last_ended = stmt;
	g->is_start_next = true;
	g->stop = 0;
	reeve__sqlite_end_plain(g, ticks);
	return 0;
}

/*
 * Whether `stmt`, which we do not know, is the one that ended last, started again by SQLite after a
 * change of schema: then it is open once more. The counter of such starts tells it from another
 * statement that was given the same address.
 */
COLD static bool reopen(struct reeve_sqlite *g, sqlite3_stmt *stmt)
{
	if (stmt != g->last_ended || g->is_begun)
		return false;
	if (sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0) == 0)
		return false;
	g->last_ended = NULL;
	return reeve__sqlite_track(g, stmt);
}

APART static int row_is_ready(struct reeve_sqlite *g, sqlite3_stmt *stmt)
{
	if (!reeve__sqlite_is_open(g, stmt) && !reopen(g, stmt))
		return 0;
	if (reeve__sqlite_arrive(g) < 0)
		sqlite3_interrupt(g->db);
	else
		reeve__sqlite_leave(g);
	return 0;
}

/* Its result and those of what it calls are 0 always: nothing is to be done after the last call. */
HOT static int on_trace(unsigned what, void *arg, void *stmt, void *text)
{
	struct reeve_sqlite *g = arg;

	if (what == SQLITE_TRACE_ROW) {
		if (g->free_rows == 0 || !is_last_open(g, stmt))
			return row_is_ready(g, stmt);
		g->free_rows--;
		return 0;
	}
	if (what == SQLITE_TRACE_STMT)
		return statement_starts(g, stmt, text);
	return what == SQLITE_TRACE_PROFILE ? statement_ends(g, stmt) : 0;
}

/* Opcodes pass and nothing is open: see reopen. */
static void find_reopened(struct reeve_sqlite *g)
{
	sqlite3_stmt *stmt = NULL;

	while (g->last_ended != NULL && (stmt = sqlite3_next_stmt(g->db, stmt)) != NULL)
		if (stmt == g->last_ended && sqlite3_stmt_busy(stmt))
			(void)reopen(g, stmt);
}

static int on_progress(void *arg)
{
	struct reeve_sqlite *g = arg;

	g->probe_hooks |= REEVE__PROBE_PROGRESS;
	if (g->open_count == 0 && !g->is_begun && !g->is_probing)
		find_reopened(g);
	if (g->open_count == 0 && !g->is_begun)
		return 0;
	return reeve__sqlite_checkpoint(g) < 0;
}

static void sleep_ns(reeve_ns span)
{
	struct timespec pause = {span / REEVE_SEC, span % REEVE_SEC};

	nanosleep(&pause, NULL);
}

/* When waiting for the lock ends in vain. */
static reeve_ns busy_limit(const struct reeve_sqlite *g)
{
	reeve_ns limit = g->busy_since;

	limit = g->busy_timeout_ns < REEVE_NEVER - limit ? limit + g->busy_timeout_ns : REEVE_NEVER;
	return g->is_begun && g->deadline < limit ? g->deadline : limit;
}

/* Whether the wait is to end without the lock. */
static bool is_busy_over(struct reeve_sqlite *g, reeve_ns now, reeve_ns limit)
{
	if (g->stop == 0 && g->is_begun && now >= g->deadline)
		reeve__sqlite_stop(g, REEVE_ETIMEOUT,
			"the statement ran out of time while it waited for a lock");
	if (g->stop == 0 && g->is_away && now - g->looked_up >= BUSY_LOOK_UP_NS) {
		g->looked_up = now;
		(void)reeve__sqlite_look_up(g);
	}
	return g->stop != 0 || now >= limit;
}

static int on_busy(void *arg, int count)
{
	struct reeve_sqlite *g = arg;
	reeve_ns now = reeve_now_mono(g->reeve), limit, pause;
	size_t step = (size_t)count, last = sizeof(busy_delay_us) / sizeof(busy_delay_us[0]) - 1;

	if (count == 0)
		g->busy_since = g->looked_up = now;
	limit = busy_limit(g);
	if (is_busy_over(g, now, limit))
		return 0;
	reeve__sqlite_go_away(g);
	pause = busy_delay_us[step < last ? step : last] * REEVE_USEC;
	sleep_ns(pause < limit - now ? pause : limit - now);
	g->totals.busy_waits++;
	return 1;
}

void reeve__sqlite_set_busy(struct reeve_sqlite *g, reeve_ns busy_timeout_ns)
{
	g->busy_timeout_ns = busy_timeout_ns;
	sqlite3_busy_handler(g->db, busy_timeout_ns > 0 ? on_busy : NULL, g);
}

static bool is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && sqlite3_stricmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

static int on_authorize(void *arg, int action, const char *name, const char *value,
	const char *database, const char *trigger)
{
	static const char *const ours[] = {
		"cache_size", "default_cache_size", "temp_store", "threads", NULL};
	struct reeve_sqlite *g = arg;
	long ms;

	(void)database;
	(void)trigger;
	g->probe_hooks |= REEVE__PROBE_AUTHORIZER;
	if (action != SQLITE_PRAGMA || value == NULL)
		return SQLITE_OK;
	if (g->is_cache_ours && is_one_of(name, ours))
		return SQLITE_IGNORE;
	if (sqlite3_stricmp(name, "busy_timeout") != 0)
		return SQLITE_OK;
	ms = strtol(value, NULL, 10);
	reeve__sqlite_set_busy(g, ms < 0 ? 0 : (ms > INT32_MAX ? INT32_MAX : ms) * REEVE_MSEC);
	return SQLITE_IGNORE;
}

void reeve__sqlite_hook(struct reeve_sqlite *g)
{
	unsigned events = SQLITE_TRACE_STMT | SQLITE_TRACE_ROW | SQLITE_TRACE_PROFILE;

	reeve__sqlite_set_busy(g, g->busy_timeout_ns);
	sqlite3_set_authorizer(g->db, on_authorize, g);
	sqlite3_progress_handler(g->db, REEVE__SQLITE_OPCODES, on_progress, g);
	sqlite3_trace_v2(g->db, events, on_trace, g);
}
