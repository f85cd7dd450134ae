/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_overhead.c - what governing costs where no limit binds: look-ups of one session through
 * the C API, governed against plain SQLite, in chunks that take turns. CPU time of the thread, so
 * that other programs on the machine do not count. Ratio: plain time / governed time, of the
 * minima and as the median over the pairs.
 */
#include <stdlib.h>

#include "sqlite_load.h"

enum { MOST_PAIRS = 20000 };

struct subject {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	uint64_t seed;
};

struct workload {
	const char *name;
	const char *sql;
	int chunk;	   /* statements in a row */
	const char *setup; /* run on both connections first; NULL: nothing */
	bool prepares;	   /* each statement anew */
	double bar;	   /* 0: none */
};

static double chunk_ns(
	struct subject *s, const struct load_database *database, const struct workload *load)
{
	int64_t start = load_thread_cpu_ns();
	sqlite3_stmt *stmt = s->stmt;

	for (int i = 0; i < load->chunk; i++) {
		if (load->prepares)
			stmt = load_prepare(s->db, load->sql);
		if (load_run_once(stmt, database->rows, &s->seed) != SQLITE_DONE)
			load_die(load->sql, sqlite3_errmsg(s->db));
		if (load->prepares)
			sqlite3_finalize(stmt);
	}
	return (double)(load_thread_cpu_ns() - start) / load->chunk;
}

static void subject_init(struct subject *s, sqlite3 *db, const struct workload *load)
{
	s->db = db;
	s->seed = 42;
	if (load->setup != NULL)
		load_exec(db, load->setup);
	s->stmt = load_prepare(db, load->sql);
}

static void subject_fini(struct subject *s)
{
	sqlite3_finalize(s->stmt);
	sqlite3_close(s->db);
}

static double least(const double *values, size_t count)
{
	double found = values[0];

	for (size_t i = 1; i < count; i++)
		found = values[i] < found ? values[i] : found;
	return found;
}

static void report(const struct workload *load, double *plain, double *governed, size_t pairs)
{
	double *ratios = malloc(pairs * sizeof(*ratios));
	double plain_least = least(plain, pairs), governed_least = least(governed, pairs), ratio;

	if (ratios == NULL)
		load_die("malloc", "out of memory");
	for (size_t i = 0; i < pairs; i++)
		ratios[i] = plain[i] / governed[i];
	ratio = load_median(ratios, pairs);
	printf("%-34s %7.0f %7.0f %7.0f %7.0f %8.1f %% %8.1f %%", load->name, plain_least,
		governed_least, load_median(plain, pairs), load_median(governed, pairs),
		100 * plain_least / governed_least, 100 * ratio);
	if (load->bar > 0)
		printf("  bar %.0f %%  %s", 100 * load->bar, load_verdict(ratio >= load->bar));
	putchar('\n');
	free(ratios);
}

static void compare(const struct load_database *database, struct reeve *reeve,
	const struct workload *load, double seconds)
{
	double *times = malloc(2 * MOST_PAIRS * sizeof(*times));
	double *side[2] = {times, times + MOST_PAIRS};
	struct subject subjects[2];
	int64_t end;
	size_t pairs = 0;

	if (times == NULL)
		load_die("malloc", "out of memory");
	subject_init(&subjects[0], load_connect_plain(database), load);
	subject_init(&subjects[1], load_connect(database, reeve, REEVE_INTERACTIVE_GROUP), load);
	for (int i = 0; i < 2; i++) /* warm */
		(void)chunk_ns(&subjects[i], database, load);
	end = load_mono_ns() + (int64_t)(seconds * 1e9);
	while (pairs < MOST_PAIRS && (load_mono_ns() < end || pairs < 11)) {
		size_t first = pairs % 2;

		side[first][pairs] = chunk_ns(&subjects[first], database, load);
		side[1 - first][pairs] = chunk_ns(&subjects[1 - first], database, load);
		pairs++;
	}
	report(load, side[0], side[1], pairs);
	subject_fini(&subjects[0]);
	subject_fini(&subjects[1]);
	free(times);
}

int main(int argc, char **argv)
{
	static const struct workload loads[] = {
		{"look-up, prepared once", LOAD_LOOK_UP, 1000, NULL, false, 0.98},
		{"look-up, in a read transaction", LOAD_LOOK_UP, 1000, "BEGIN; SELECT 1 FROM t",
			false, 0},
		{"look-up, prepared each time", LOAD_LOOK_UP, 1000, NULL, true, 0},
		{"2,000 rows added up", LOAD_SCAN, 10, NULL, false, 0},
		{"200 rows handed out", LOAD_ROWS, 50, NULL, false, 0},
		{"look-up, rollback journal", LOAD_LOOK_UP, 1000, "PRAGMA journal_mode = DELETE",
			false, 0},
	};
	struct load_options options = {.seconds = 3, .rows = 300000};
	struct load_database database;
	struct reeve *reeve;

	load_parse(argc, argv, "CPU time of look-ups, governed against plain SQLite.", &options);
	load_create(&database, options.rows);
	reeve = load_segment();
	printf("%-34s %15s %15s %21s\n", "ns of CPU a statement", "minimum", "median",
		"plain / governed");
	printf("%-34s %7s %7s %7s %7s %10s %10s\n", "", "plain", "gov.", "plain", "gov.", "minima",
		"median");
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		compare(&database, reeve, &loads[i], options.seconds);
	reeve_close(reeve);
	load_destroy(&database);
	return 0;
}
