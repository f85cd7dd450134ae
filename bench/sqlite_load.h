/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_load.h - what the SQLite benchmarks share: options, a database, connections plain and
 * governed, threads that run one statement again and again, and the arithmetic of their reports.
 *
 * Everything here ends the program with a message and exit code 1 when it fails: a benchmark has
 * nothing to save.
 */
#ifndef REEVE_BENCH_SQLITE_LOAD_H
#define REEVE_BENCH_SQLITE_LOAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include <reeve/sqlite.h>

/* --seconds N, --rows N, and their defaults; anything else prints the usage and exits 2. */
struct load_options {
	double seconds; /* of each measured phase */
	uint32_t rows;
};
void load_parse(int argc, char **argv, const char *what, struct load_options *options);

/* A database in a new folder under $TMPDIR or /tmp, in WAL mode: t(a INTEGER PRIMARY KEY, b, c). */
struct load_database {
	char folder[96];
	char path[128];
	uint32_t rows;
};
void load_create(struct load_database *database, uint32_t rows);
void load_destroy(struct load_database *database);

sqlite3 *load_connect_plain(const struct load_database *database);
sqlite3 *load_connect(const struct load_database *database, struct reeve *reeve, uint64_t group);
sqlite3_stmt *load_prepare(sqlite3 *db, const char *sql);
void load_exec(sqlite3 *db, const char *sql);
void load_die(const char *what, const char *why);

/* An anonymous segment with a CPU slot for each processor. */
struct reeve *load_segment(void);
/* Makes a plan of shares for two groups and puts it in force. cap_pct of the first; 0: none. */
void load_plan(struct reeve *reeve, const char *name, uint64_t first, uint32_t first_shares,
	uint32_t cap_pct, uint64_t second, uint32_t second_shares);

#define LOAD_LOOK_UP "SELECT b, c FROM t WHERE a = ?"
/* About 0.2 ms of CPU: an aggregate over 2,000 rows from a random place. */
#define LOAD_SCAN "SELECT sum(b), max(length(c)) FROM t WHERE a BETWEEN ?1 AND ?1 + 2000"
#define LOAD_ROWS "SELECT b FROM t WHERE a BETWEEN ?1 AND ?1 + 200"
/* Seconds of CPU: a report that groups and sorts the whole table. */
#define LOAD_REPORT                                                                                \
	"SELECT b % 1009 AS class, count(*), sum(length(c)), max(c) FROM t GROUP BY class ORDER "  \
	"BY 3, 1"

/* Runs a statement with ?1 at a random place, to its end. SQLite's last result. */
int load_run_once(sqlite3_stmt *stmt, uint32_t rows, uint64_t *seed);

/* A thread with a connection that repeats a statement until it is told to stop. */
struct load_worker {
	const struct load_database *database;
	struct reeve *reeve; /* NULL: plain */
	uint64_t group;
	const char *sql;
	_Atomic uint64_t runs; /* statements ended */
	_Atomic bool stop;
	_Atomic bool is_ready;
	/* latencies in microseconds, log-linear, 1/16 each; filled when `latencies` is set */
	bool latencies;
	_Atomic uint32_t histogram[1024];
	sqlite3 *db;
	struct reeve_sqlite *governor; /* NULL: plain */
	pthread_t thread;
};
void load_start(struct load_worker *worker);
/* Ends its statement where it is, and joins. */
void load_stop(struct load_worker *worker);
/* CPU time its thread has used, ns. */
int64_t load_cpu_ns(const struct load_worker *worker);
void load_clear_histogram(struct load_worker *worker);
/* A quantile (0 to 1) of one worker's latencies, in microseconds. */
double load_quantile(const struct load_worker *worker, double quantile);

int64_t load_mono_ns(void);
int64_t load_thread_cpu_ns(void);
int64_t load_process_cpu_ns(void);
uint32_t load_processors(void);
void load_sleep(double seconds);
/* Sorts. */
double load_median(double *values, size_t count);
/* Prints PASS or MISS beside a bar, as all benchmarks do. */
const char *load_verdict(bool is_met);

#endif
