/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_cancel.c - how long a statement goes on after it was cancelled, by what it was doing. This
 * is the longest time between two checkpoints as an administrator feels it, and the time for which a
 * statement may keep a CPU slot that is no longer its own. Each statement is cancelled at random
 * moments, with the cache and temporary store that reeve sets, and with large ones of the program's
 * own (REEVE_SQLITE_OWN_CACHE).
 */
#include <stdlib.h>
#include <string.h>

#include "sqlite_load.h"

enum { MOST = 400 };

struct task {
	const char *name;
	const char *sql;
};

static const struct task tasks[] = {
	{"GROUP BY, sorted", "SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 LIMIT 1"},
	{"ORDER BY text", "SELECT c FROM t ORDER BY c DESC LIMIT 1 OFFSET 100000"},
	{"join in a nested loop", "SELECT count(*) FROM t x, t y WHERE x.b + y.b = 7"},
	{"count(*)", "SELECT count(*) FROM t"},
	{"CREATE INDEX", "CREATE INDEX by_text ON t(c)"},
	{"DELETE of all rows", "DELETE FROM t"},
	{"UPDATE of all rows", "UPDATE t SET b = b + 1"},
};

struct runner {
	sqlite3 *db;
	const char *sql;
	int64_t ended;
};

static void *run(void *arg)
{
	struct runner *r = arg;

	(void)sqlite3_exec(r->db, r->sql, NULL, NULL, NULL); /* mostly SQLITE_INTERRUPT */
	r->ended = load_mono_ns();
	return NULL;
}

/* In a transaction that is rolled back: by the cancelling, or here. */
static void undo(struct runner *r)
{
	if (!sqlite3_get_autocommit(r->db))
		load_exec(r->db, "ROLLBACK");
}

static int64_t time_of(struct runner *r)
{
	int64_t start = load_mono_ns();

	load_exec(r->db, "BEGIN");
	run(r);
	undo(r);
	return r->ended - start;
}

/* One run, cancelled after `span` ns; the time until it ended, or -1: it was not
 * running then. */
static int64_t cancel_after(struct runner *r, struct reeve *reeve, int64_t span)
{
	reeve_session_id id = reeve_session_id_of(reeve_sqlite_session(reeve_sqlite_of(r->db)));
	int64_t start, sent;
	pthread_t thread;
	bool is_sent;

	load_exec(r->db, "BEGIN");
	start = load_mono_ns();
	if (pthread_create(&thread, NULL, run, r) != 0)
		load_die("pthread_create", "failed");
	if (span > 100000)
		load_sleep((double)(span - 50000) / 1e9);
	while (load_mono_ns() - start < span)
		;
	sent = load_mono_ns();
	is_sent = reeve_session_cancel(reeve, id, NULL) == 0;
	pthread_join(thread, NULL);
	undo(r);
	return is_sent ? r->ended - sent : -1;
}

static void measure(struct reeve *reeve, sqlite3 *db, const struct task *task, double seconds)
{
	static double waits_ms[MOST];
	struct runner runner = {.db = db, .sql = task->sql};
	struct reeve_sqlite *governor = reeve_sqlite_of(db);
	int64_t whole, end, wait;
	size_t count = 0;
	double median;

	(void)reeve_sqlite_set_timeout(governor, 200 * REEVE_MSEC, NULL);
	whole = time_of(&runner);
	(void)reeve_sqlite_set_timeout(governor, 0, NULL);
	end = load_mono_ns() + (int64_t)(seconds * 1e9);
	while (load_mono_ns() < end && count < MOST) {
		wait = cancel_after(&runner, reeve, (int64_t)(drand48() * (double)whole));
		if (wait >= 0)
			waits_ms[count++] = (double)wait / 1e6;
	}
	if (count == 0) {
		printf("  %-24s never caught running\n", task->name);
		return;
	}
	median = load_median(waits_ms, count);
	printf("  %-24s %9.2f %9.2f %6zu\n", task->name, median, waits_ms[count - 1], count);
	fflush(stdout);
}

static sqlite3 *connect_with_own_cache(const struct load_database *database, struct reeve *reeve)
{
	struct reeve_session_def who = {.username = "bench", .group = {REEVE_BATCH_GROUP}};
	struct reeve_sqlite_options options = {
		.reeve = reeve, .session_def = &who, .flags = REEVE_SQLITE_OWN_CACHE};
	struct reeve_error err;
	sqlite3 *db;

	if (reeve_sqlite_open(database->path, &db, SQLITE_OPEN_READWRITE, &options, &err) != 0)
		load_die("reeve_sqlite_open", err.text);
	load_exec(db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -262144");
	return db;
}

int main(int argc, char **argv)
{
	struct load_options options = {.seconds = 2, .rows = 1000000};
	struct load_database database;
	struct reeve *reeve;
	sqlite3 *db;

	load_parse(argc, argv, "Time from cancel to end, by kind of statement.", &options);
	load_create(&database, options.rows);
	reeve = load_segment();
	for (int own = 0; own < 2; own++) {
		db = own ? connect_with_own_cache(&database, reeve)
			 : load_connect(&database, reeve, REEVE_BATCH_GROUP);
		load_exec(db, "PRAGMA synchronous = OFF");
		printf("%s\n  %-24s %9s %9s %6s\n",
			own ? "cache 256 MB, temporary store in memory (the program's own)"
			    : "cache 2 MB, temporary store in files (what reeve sets)",
			"ms from cancel to end", "median", "most", "times");
		for (size_t i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
			measure(reeve, db, &tasks[i], options.seconds);
		sqlite3_close(db);
	}
	reeve_close(reeve);
	load_destroy(&database);
	return 0;
}
