/* SPDX-License-Identifier: Apache-2.0 */
/*
 * governor.h - what libreeve-sqlite keeps for one connection, and how its parts call each other.
 *
 * hooks.c hears from SQLite (a statement starts, a row is ready, 1,000 opcodes have passed, it
 * ended, a lock is taken), vfs.c sees files read and written, and both tell statement.c, which keeps the one reeve statement of the
 * session in step with the SQLite statements that are open:
 *
 *	             first start                    last end
 *	  NOTHING  ---------------->  BEGUN  ------------------->  NOTHING
 *	                              |   ^
 *	      a row goes to a reader  v   |  the next call of any hook
 *	        or a lock is waited  AWAY
 *
 * AWAY is BEGUN inside reeve_block_begin: no CPU slot is held. A refused statement is open with
 * nothing begun; SQLite ends it by itself, because refusing sets SQLite's interrupt flag.
 *
 * All of it belongs to the thread that uses the connection; SQLite's own lock on the connection is
 * held in every hook. There is no other shared state.
 */
#ifndef REEVE_SQLITE_GOVERNOR_H
#define REEVE_SQLITE_GOVERNOR_H

#include <time.h>

#include <reeve/sqlite.h>

/* Room for one, which is as many as most connections ever have open; more are allocated, and kept. */
#define REEVE__SQLITE_INLINE_OPEN 1

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
/* Out of the way of what runs for every look-up: a section of its own, and never inlined. */
#define COLD  __attribute__((cold, noinline))
#define APART __attribute__((noinline)) /* so that its caller saves no registers for it */
/* What every look-up runs: linked side by side, so that it shares pages and lines. */
#define HOT __attribute__((hot))

/* Opcodes between two checkpoints: about 20 us. Fewer cost more than noise, see docs/decisions. */
#define REEVE__SQLITE_OPCODES 1000

/*
 * First what a look-up touches: two cache lines. A look-up of SQLite runs
 * through more code and data than the processor's first caches hold, so each line that it touches besides costs
 * a few ns.
 */
struct reeve_sqlite {
	_Alignas(64) struct reeve_session *session; /* set at open */

	/* the statement */
	bool is_begun;	      /* between reeve_query_begin and _end */
	bool is_away;	      /* between reeve_block_begin and _end */
	bool is_bracketed;    /* by reeve_sqlite_begin: ends by reeve_sqlite_end only */
	bool is_probing;      /* reeve_sqlite_check runs a statement of its own */
	bool is_start_next;   /* nothing has asked for the time since all statements ended */
	bool has_why;	      /* the last statement was stopped or refused, and `why` says why */
	uint8_t quick_pauses; /* of the reader, in a row; see statement.c */
	/* Set by reeve_sqlite_cancel in any thread: SQLite's interrupt flag may have come first. */
	_Atomic bool is_cancel_sent;
	int stop; /* 0, or the code for which the statement is to stop */
	/*
	 * Rows that may go out without a thought. Above 0 only while all this holds: the reader is
	 * trusted, nothing is away, the statement is not to stop, and whatever is open is begun.
	 */
	uint32_t free_rows;
	uint64_t left_ticks; /* when the last row went out to a reader who is measured; 0: none */

	/* the SQLite statements that have started and not ended: identities, never looked into */
	sqlite3_stmt **open;
	uint32_t open_count;
	uint32_t open_capacity;
	sqlite3_stmt *last_ended; /* for a statement that SQLite starts again by itself */
	sqlite3_stmt *open_inline[REEVE__SQLITE_INLINE_OPEN];

	/* the time of day; see vfs_time_ms */
	_Alignas(64) const sqlite3_int64 *asked_at; /* where SQLite wanted the last answer */
	const sqlite3_int64 *start_at;		    /* where it wanted one at the last start */
	uint64_t told_ticks;   /* when it was told; 0: its question has been heard of since */
	sqlite3_int64 time_ms; /* the answer */
	uint64_t time_ticks;   /* when that was true */

	reeve_ns deadline;   /* of the statement; REEVE_NEVER */
	uint64_t statements; /* ended, refused ones not included */
	reeve_ns timeout_ns; /* 0: none */

	struct reeve_sqlite_totals totals;   /* counts, but of statements */
	struct reeve_query_usage usage_base; /* the session's, before the connection */
	uint64_t look_ticks;		     /* when a row of a trusted reader last was looked at */
	reeve_ns busy_timeout_ns;	     /* 0: none */
	reeve_ns busy_since;		     /* of the lock now waited for */
	reeve_ns looked_up;   /* when we last asked whether the statement is to stop */
	uint32_t probe_hooks; /* PROBE_... bits of hooks that were called while probing */
	struct reeve_error why;

	/* set at open */
	sqlite3 *db;
	struct reeve *reeve;
	struct reeve_sqlite_vfs *vfs;
	bool owns_session;
	bool owns_reeve;
	bool is_handed_over; /* belongs to the connection */
	bool is_cache_ours;  /* cache_size and temp_store are held where we set them */
};

enum {
	REEVE__PROBE_START = 1,
	REEVE__PROBE_END = 2,
	REEVE__PROBE_PROGRESS = 4,
	REEVE__PROBE_AUTHORIZER = 8
};

/* The statement that finds a connection's governor, word for word; it is not governed itself. */
#define REEVE__SQLITE_FIND_SQL "/*reeve*/SELECT reeve_governor(?1)"

/*
 * A counter of constant rate that costs a few nanoseconds to read: the processor's, of 1 to 5 GHz,
 * or, where it has none that we know, nanoseconds. Good for spans of which only the size matters.
 */
static inline uint64_t reeve__sqlite_ticks(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

/*
 * Such a reading as reeve_query_end_at takes it: 0 (none) where its counter is another than ours.
 */
static inline uint64_t reeve__sqlite_reading(uint64_t ticks)
{
#if defined(__x86_64__)
	return ticks;
#else
	(void)ticks;
	return 0;
#endif
}

/* Writes *err (may be NULL) by a printf format, and returns `code`. */
int reeve__sqlite_fail(struct reeve_error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* statement.c */

/* A begin failed: notes it. Returns `code`. */
int reeve__sqlite_refused(struct reeve_sqlite *g, int code);

static inline void reeve__sqlite_reset(struct reeve_sqlite *g, reeve_ns deadline)
{
	g->is_begun = true;
	g->has_why = false;
	g->stop = 0;
	g->left_ticks = 0;
	g->deadline = deadline;
}

/* Without deadline and timeout; see below. */
static inline int reeve__sqlite_begin_plain(struct reeve_sqlite *g)
{
	int rc;

	reeve__sqlite_reset(g, REEVE_NEVER);
	rc = reeve_query_begin(g->session, NULL, &g->why);
	return UNLIKELY(rc < 0) ? reeve__sqlite_refused(g, rc) : 0;
}

/* Of a statement that is begun, and of no reader who is measured. */
static inline void reeve__sqlite_end_plain(struct reeve_sqlite *g, uint64_t ticks)
{
	g->is_begun = false;
	g->is_away = false;
	g->statements++;
	reeve_query_end_at(g->session, reeve__sqlite_reading(ticks), NULL);
}

/*
 * Begins the session's statement, waiting for its slot, to end by `deadline` or by the connection's
 * own timeout, whichever is earlier. 0 or the reason, also in g->why.
 */
int reeve__sqlite_begin(struct reeve_sqlite *g, reeve_ns deadline);
/*
 * Ends it, if one is begun, and adds up what it used. `ticks`: a reading of the counter that was taken
 * just now; 0: none.
 */
void reeve__sqlite_end(struct reeve_sqlite *g, uint64_t ticks);
/*
 * The connection is at work: takes the slot back when it was given up, begins when open statements
 * have nothing begun. 0, or why the statement must stop.
 */
int reeve__sqlite_arrive(struct reeve_sqlite *g);
/* A row goes to the program, or it goes on with other cursors open. */
void reeve__sqlite_leave(struct reeve_sqlite *g);
/* arrive, and a checkpoint. */
int reeve__sqlite_checkpoint(struct reeve_sqlite *g);
/* Gives the slot up. Nothing when it is given up, or nothing is begun. */
void reeve__sqlite_go_away(struct reeve_sqlite *g);
/* Whether a statement that is away is to stop: 0 or the reason. Does not wait. */
int reeve__sqlite_look_up(struct reeve_sqlite *g);
/* Notes why the statement stops: the first reason counts. Returns `code`. */
int reeve__sqlite_stop(struct reeve_sqlite *g, int code, const char *text);
bool reeve__sqlite_is_open(const struct reeve_sqlite *g, const sqlite3_stmt *stmt);
/* Adds to the open statements; false for want of memory. */
bool reeve__sqlite_track(struct reeve_sqlite *g, sqlite3_stmt *stmt);
/* Takes from them; false when it is none. */
bool reeve__sqlite_untrack(struct reeve_sqlite *g, const sqlite3_stmt *stmt);

/* hooks.c */

/* Puts all hooks in place. Cannot fail. */
void reeve__sqlite_hook(struct reeve_sqlite *g);
/* The longest wait for a lock, as PRAGMA busy_timeout and the setter give it. */
void reeve__sqlite_set_busy(struct reeve_sqlite *g, reeve_ns busy_timeout_ns);

/* functions.c */

/*
 * From here on the governor belongs to the connection, which frees it at its end. SQLite's result;
 * on failure nothing has changed.
 */
int reeve__sqlite_hand_over(struct reeve_sqlite *g);
/* Registers the SQL functions. SQLite's result. */
int reeve__sqlite_register(struct reeve_sqlite *g);

/* vfs.c */

/*
 * Registers a file system of the connection's own over the one named (NULL: SQLite's default).
 * SQLite's result: NOTFOUND, NOMEM.
 */
int reeve__sqlite_add_vfs(struct reeve_sqlite *g, const char *base_name);
/* The name under which to open; lives as long as the governor. */
const char *reeve__sqlite_vfs_name(const struct reeve_sqlite *g);
void reeve__sqlite_drop_vfs(struct reeve_sqlite *g);

/* open.c: ends the session and the attachment if they are the governor's, and frees it. */
void reeve__sqlite_destroy(struct reeve_sqlite *g);

#endif
