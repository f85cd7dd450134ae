/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.h - the sessions this daemon made, each with the database connection it gets at its
 * first statement.
 *
 * A session is idle, or claimed by the one thread that runs a statement in it. Whoever finds it
 * ended (killed by anybody, in any process) while it is idle closes it: the claimer when it lets
 * go, a kill through this daemon at once, the sweep for all others.
 *
 * Threads: every function from any. One mutex protects the table; it is not held while SQLite or
 * the segment is at work.
 */
#ifndef REEVE_DAEMON_SQL_SESSIONS_H
#define REEVE_DAEMON_SQL_SESSIONS_H

#include <reeve/reeve.h>
#include <reeve/sqlite.h>

#include <stdbool.h>

#define REEVED_STATEMENTS 8 /* prepared statements kept for each session */

struct reeved_sessions;

/* One kept statement; text NULL: a free place. */
struct reeved_statement {
	char *text;
	size_t len;
	sqlite3_stmt *stmt;
	uint64_t used; /* when last, by the session's count */
};

/* A claimed session: its claimer's, until released. */
struct reeved_session {
	struct reeved_session *next; /* in the table */
	reeve_session_id id;
	struct reeve_session *handle;
	bool is_claimed; /* protected by the table */
	/* The claimer's. */
	sqlite3 *db; /* NULL before the first statement */
	struct reeve_sqlite *governor;
	bool was_refused; /* by the guard, since somebody cleared it */
	struct reeved_statement statements[REEVED_STATEMENTS];
	uint64_t uses;
};

/* `database` NULL: no engine. Borrowed, as is `reeve`. NULL: out of memory. */
struct reeved_sessions *reeved_sessions_create(struct reeve *reeve, const char *database);
/* Closes all. No session may be claimed. */
void reeved_sessions_destroy(struct reeved_sessions *sessions);

/* Makes a session; it lives until ended, killed, or reeved_sessions_destroy. */
int reeved_session_create(struct reeved_sessions *sessions, const struct reeve_session_def *def,
	reeve_session_id *ret_id, struct reeve_error *err);

/*
 * Claims a session for a statement, and opens its connection if it has none. Errors: CONFIGURATION
 * (no engine), NOT_FOUND, INVALID_STATE (a statement is running; ended; of another process),
 * SYSTEM (the database does not open).
 */
int reeved_session_claim(struct reeved_sessions *sessions, reeve_session_id id,
	struct reeved_session **ret_session, struct reeve_error *err);
void reeved_session_release(struct reeved_sessions *sessions, struct reeved_session *session);

/* Orderly end. NOT_FOUND, INVALID_STATE (as above). */
int reeved_session_end(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeve_error *err);
/* Ends any session, of whatever process. As reeve_session_kill. */
int reeved_session_kill(
	struct reeved_sessions *sessions, reeve_session_id id, struct reeve_error *err);

/* Closes up to a few hundred idle sessions that somebody ended; the next call goes on there. */
void reeved_sessions_sweep(struct reeved_sessions *sessions);

#endif
