/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.h - SQLite connections whose statements reeve governs.
 *
 * A program changes the call that opens its database:
 *
 *	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
 *	struct reeve_sqlite_options options = REEVE_SQLITE_OPTIONS_INIT;
 *	who.username = "report";
 *	options.reeve = reeve;
 *	options.session_def = &who;
 *	reeve_sqlite_open("app.db", &db, SQLITE_OPEN_READWRITE, &options, &err);
 *
 * and goes on with an ordinary `sqlite3 *`: prepare, step, finalize, close. Each statement then
 * waits for a CPU slot before its first opcode when its group must, gives way at checkpoints, is
 * charged to its group, and ends with SQLITE_INTERRUPT when it is cancelled, killed or out of time;
 * reeve_sqlite_why tells which.
 *
 * What counts as one statement. From the first sqlite3_step to the end: SQLITE_DONE, an error,
 * sqlite3_reset or sqlite3_finalize. Statements that overlap on one connection (an open cursor, and
 * look-ups inside its loop) are one statement to reeve, from the first's start to the last's end,
 * with one deadline. Preparing is not governed.
 *
 * Between two sqlite3_step calls the program reads a row, and SQLite tells nobody. A connection
 * whose program has been slow there gives its CPU slot up with each row and takes it back inside the
 * next sqlite3_step; one whose program was quick (under about half a millisecond) eight times in a
 * row keeps it. A reader that was quick and then stops with its cursor open keeps the slot until it
 * goes on, or until a more deserving statement takes it: a program that knows it will wait calls
 * reeve_block_begin and reeve_block_end on reeve_sqlite_session, or reads all rows first.
 *
 * What SQLite's own hooks mean for the program. reeve uses sqlite3_trace_v2,
 * sqlite3_progress_handler, sqlite3_busy_handler and sqlite3_set_authorizer of the connection, each
 * of which can only be set once. A program that sets one of them takes it from reeve; see
 * reeve_sqlite_check. sqlite3_busy_timeout is such a call too: use reeve_sqlite_set_busy_timeout.
 * Names beginning with "reeve_" are reserved for SQL functions.
 *
 * Transactions. Cancelling a statement that writes inside a transaction rolls the transaction back,
 * as sqlite3_interrupt does. ROLLBACK is never refused; COMMIT, END and RELEASE only when the session
 * was killed.
 *
 * Threads: as the connection itself. One connection, and what belongs to it, is used by one thread
 * at a time; only reeve_sqlite_cancel may be called from others, while the connection is open.
 * Functions marked "on the connection's thread" must not run at the same time as its statements.
 */
#ifndef REEVE_SQLITE_H
#define REEVE_SQLITE_H

#include <reeve/reeve.h>
#include <sqlite3.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What reeve keeps for one connection. Belongs to it; freed when the connection really closes. */
struct reeve_sqlite;

enum {
	/*
	 * The program's own cache_size and temp_store stand. Without it every governed connection
	 * has temp_store FILE and a cache of 2 MB, and PRAGMAs that would change them are ignored:
	 * they bound how long a sort or GROUP BY runs between two checkpoints (25 ms; with a large
	 * cache it is as long as the whole sort).
	 */
	REEVE_SQLITE_OWN_CACHE = 1
};

/*
 * How to govern a connection. Zero means the default in every field. Either `session`, or
 * `session_def`; either `reeve`, or `segment`.
 */
struct reeve_sqlite_options {
	/* The segment. Must stay open until the connection is closed. Needed with `session`. */
	struct reeve *reeve;
	/*
	 * Instead of `reeve`: path of the segment. The connection makes its own attachment and ends
	 * it when it closes. For programs with a few connections; attachments are a small table.
	 */
	const char *segment;
	/*
	 * The session whose statements these are. Borrowed: its owner destroys it after the
	 * connection is closed, and begins no statement on it by other means meanwhile.
	 */
	struct reeve_session *session;
	/* Instead of `session`: who connects. The session is made now, and ends with the connection. */
	const struct reeve_session_def *session_def;
	const char *vfs;	  /* the file system under the connection; NULL: SQLite's default */
	uint32_t flags;		  /* REEVE_SQLITE_... */
	reeve_ns timeout_ns;	  /* longest a statement may take, waits included; 0: no limit */
	reeve_ns busy_timeout_ns; /* longest wait for another's lock; 0: SQLITE_BUSY at once */
};
#define REEVE_SQLITE_OPTIONS_INIT                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * Opens a database like sqlite3_open_v2 (`flags` are SQLITE_OPEN_...) and governs it. On success
 * *ret_db is the caller's, to be closed by sqlite3_close or sqlite3_close_v2; with the latter the
 * session lives until the last statement is finalized. A shared cache is INVALID_ARGUMENT: it would
 * have statements wait for each other's CPU slots.
 * Errors: INVALID_ARGUMENT, SYSTEM (SQLite's message is in the text), and those of reeve_open and
 * reeve_session_create. *ret_db is untouched then. `err` may be NULL.
 */
REEVE_API int reeve_sqlite_open(const char *filename, sqlite3 **ret_db, int flags,
	const struct reeve_sqlite_options *options, struct reeve_error *err);

/* The governor of a connection; NULL when it has none. Borrowed. On the connection's thread. */
REEVE_API struct reeve_sqlite *reeve_sqlite_of(sqlite3 *db);

/* The connection's session. Borrowed; its id is what reeve_session_cancel and others take. */
REEVE_API struct reeve_session *reeve_sqlite_session(const struct reeve_sqlite *governor);

/* Time limits of the statements that begin from now on; as in the options. INVALID_ARGUMENT. */
REEVE_API int reeve_sqlite_set_timeout(
	struct reeve_sqlite *governor, reeve_ns timeout_ns, struct reeve_error *err);
REEVE_API int reeve_sqlite_set_busy_timeout(
	struct reeve_sqlite *governor, reeve_ns busy_timeout_ns, struct reeve_error *err);

/*
 * Optional brackets. Between them all statements of the connection are one statement to reeve, and
 * the slot is held from begin to end; a refusal is the result of the call, before anything ran.
 * `deadline` is an instant of the segment's monotonic clock or REEVE_NEVER; the connection's own
 * timeout counts besides, from now. On the connection's thread. They do not nest.
 * Errors of begin: INVALID_STATE (a statement is open, or begin was called), TIMEOUT, CANCELLED,
 * KILLED. `ret_usage` may be NULL; end without begin does nothing and leaves it untouched.
 */
REEVE_API int reeve_sqlite_begin(
	struct reeve_sqlite *governor, reeve_ns deadline, struct reeve_error *err);
REEVE_API void reeve_sqlite_end(struct reeve_sqlite *governor, struct reeve_query_usage *ret_usage);

/*
 * Cancels the running statement, waiting or not, at the next checkpoint or, inside work of SQLite
 * that has no checkpoints, where SQLite looks for sqlite3_interrupt. From any thread.
 * INVALID_STATE when none runs.
 */
REEVE_API int reeve_sqlite_cancel(struct reeve_sqlite *governor, struct reeve_error *err);

/*
 * Why reeve stopped or refused the last statement: CANCELLED, KILLED or TIMEOUT, with a sentence in
 * *ret_why (may be NULL), or 0, when it did not: then *ret_why is untouched. SQLite's result was
 * SQLITE_INTERRUPT, or SQLITE_BUSY when the statement was waiting for another connection's lock.
 * Forgotten when the next statement begins. On the connection's thread.
 */
REEVE_API int reeve_sqlite_why(const struct reeve_sqlite *governor, struct reeve_error *ret_why);

/* What a connection's statements used. */
struct reeve_sqlite_totals {
	uint64_t statements; /* ended, refused ones not included */
	uint64_t refused;    /* not begun: cancelled, killed or out of time while they waited */
	uint64_t stopped;    /* begun, and stopped by reeve */
	uint64_t busy_waits; /* times it slept for another connection's lock */
	reeve_ns cpu_ns, wait_ns, blocked_ns, elapsed_ns;
};

/*
 * Cost of the statement that ended last, or of the one that runs, up to its last checkpoint; all
 * zero before the first. On the connection's thread.
 */
REEVE_API void reeve_sqlite_usage(
	const struct reeve_sqlite *governor, struct reeve_query_usage *ret_usage);
/* Sums over all statements of the session since it has this connection. On the connection's thread. */
REEVE_API void reeve_sqlite_totals(
	const struct reeve_sqlite *governor, struct reeve_sqlite_totals *ret_totals);

/*
 * Whether reeve still has its hooks, as far as can be seen: 0, or CONFLICT with a sentence that
 * names the hook the program took and what is no longer governed. On the connection's thread, with
 * no statement open; it runs a short statement of its own, which is not counted.
 */
REEVE_API int reeve_sqlite_check(struct reeve_sqlite *governor, struct reeve_error *err);

/*
 * SQL functions of a governed connection:
 *	reeve_group()       name of the group the session is in now
 *	reeve_session_id()  id of the session
 *	reeve_cpu_ns()      CPU time charged to the session so far, in nanoseconds
 */

#ifdef __cplusplus
}
#endif
#endif
