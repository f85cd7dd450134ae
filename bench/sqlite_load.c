/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_load.h"

void load_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

/* ---- options ---- */

static double parse_number(const char *text, double least, double most)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= least && value <= most)) {
		fprintf(stderr, "%s: not a number from %g to %g\n", text, least, most);
		exit(2);
	}
	return value;
}

void load_parse(int argc, char **argv, const char *what, struct load_options *options)
{
	/* Counting memory takes one lock for all connections: with threads it measures that lock. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	static const struct option known[] = {{"seconds", required_argument, NULL, 's'},
		{"rows", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "s:r:h", known, NULL)) != -1) {
		if (option == 's') {
			options->seconds = parse_number(optarg, 0.05, 3600);
		} else if (option == 'r') {
			options->rows = (uint32_t)parse_number(optarg, 10000, 1e8);
		} else {
			fprintf(option == 'h' ? stdout : stderr,
				"usage: %s [--seconds N] [--rows N]\n%s\n"
				"  --seconds N  of each measured phase, default %g\n"
				"  --rows N     of the table, default %u\n",
				argv[0], what, options->seconds, options->rows);
			exit(option == 'h' ? 0 : 2);
		}
	}
	if (optind != argc) {
		fprintf(stderr, "%s: unexpected argument \"%s\"\n", argv[0], argv[optind]);
		exit(2);
	}
}

/* ---- the database ---- */

void load_exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		load_die(sql, sqlite3_errmsg(db));
}

sqlite3_stmt *load_prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		load_die(sql, sqlite3_errmsg(db));
	return stmt;
}

void load_create(struct load_database *database, uint32_t rows)
{
	const char *base = getenv("TMPDIR");
	char sql[400];
	sqlite3 *db;

	snprintf(database->folder, sizeof(database->folder), "%.60s/reeve-bench-XXXXXX",
		base != NULL && base[0] != '\0' ? base : "/tmp");
	if (mkdtemp(database->folder) == NULL)
		load_die(database->folder, strerror(errno));
	snprintf(database->path, sizeof(database->path), "%s/bench.db", database->folder);
	database->rows = rows;
	db = load_connect_plain(database);
	snprintf(sql, sizeof(sql),
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
		"CREATE TABLE t(a INTEGER PRIMARY KEY, b INTEGER, c TEXT);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
		" INSERT INTO t SELECT i, (i * 7919) %% 1000003,"
		" printf('item %%d of this table', i) FROM n;"
		"PRAGMA wal_checkpoint(TRUNCATE)",
		rows);
	load_exec(db, sql);
	sqlite3_close(db);
}

void load_destroy(struct load_database *database)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[160];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", database->path, suffixes[i]);
		unlink(path);
	}
	rmdir(database->folder);
}

/* Plain SQLite with the same cache and temporary store that a governed connection has. */
sqlite3 *load_connect_plain(const struct load_database *database)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(database->path, &db) != SQLITE_OK)
		load_die(database->path, sqlite3_errmsg(db));
	load_exec(db, "PRAGMA temp_store = FILE; PRAGMA cache_size = -2000");
	return db;
}

sqlite3 *load_connect(const struct load_database *database, struct reeve *reeve, uint64_t group)
{
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	struct reeve_sqlite_options options = REEVE_SQLITE_OPTIONS_INIT;
	struct reeve_error err;
	sqlite3 *db = NULL;

	who.username = "bench";
	who.group.v = group;
	options.reeve = reeve;
	options.session_def = &who;
	if (reeve_sqlite_open(database->path, &db, SQLITE_OPEN_READWRITE, &options, &err) != 0)
		load_die("reeve_sqlite_open", err.text);
	return db;
}

struct reeve *load_segment(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err;
	struct reeve *reeve;

	if (reeve_open(&options, &reeve, &err) != 0)
		load_die("reeve_open", err.text);
	return reeve;
}

static void add_directive(
	struct reeve *reeve, reeve_plan_id plan, uint64_t group, uint32_t shares, uint32_t cap_pct)
{
	struct reeve_directive_def directive = {0};
	reeve_directive_id id;
	struct reeve_error err;

	directive.given = REEVE_DIRECTIVE_CPU_SHARES;
	directive.cpu_shares = shares;
	if (cap_pct != 0) {
		directive.given |= REEVE_DIRECTIVE_CPU_CAP;
		directive.cpu_cap_pct = cap_pct;
	}
	if (reeve_directive_set(reeve, plan, (reeve_group_id){group}, &directive, &id, &err) < 0)
		load_die("reeve_directive_set", err.text);
}

void load_plan(struct reeve *reeve, const char *name, uint64_t first, uint32_t first_shares,
	uint32_t cap_pct, uint64_t second, uint32_t second_shares)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	reeve_plan_id plan;

	def.name = name;
	if (reeve_plan_create(reeve, &def, &plan, &err) < 0)
		load_die("reeve_plan_create", err.text);
	add_directive(reeve, plan, first, first_shares, cap_pct);
	add_directive(reeve, plan, second, second_shares, 0);
	if (reeve_plan_activate(reeve, plan, &err) < 0)
		load_die("reeve_plan_activate", err.text);
}

/* ---- statements ---- */

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*seed >> 32) * below >> 32);
}

int load_run_once(sqlite3_stmt *stmt, uint32_t rows, uint64_t *seed)
{
	int rc;

	if (sqlite3_bind_parameter_count(stmt) > 0)
		sqlite3_bind_int64(stmt, 1, 1 + draw(seed, rows));
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		(void)sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return rc;
}

/* ---- workers ---- */

/* Sixteen buckets to each power of two, from 1/16 us. */
static uint32_t bucket_of(int64_t ns)
{
	uint64_t v = (uint64_t)ns / 62 + 1;
	uint32_t power = 63 - (uint32_t)__builtin_clzll(v);
	uint32_t at =
		power < 4 ? (uint32_t)v : (power - 3) * 16 + (uint32_t)(v >> (power - 4)) - 16;

	return at < 1023 ? at : 1023;
}

static double bucket_us(uint32_t at)
{
	uint32_t power = at / 16;
	double v = power == 0 ? at : (double)(16 + at % 16) * (double)(1ull << (power - 1));

	return v * 0.062;
}

static void *work(void *arg)
{
	struct load_worker *w = arg;
	sqlite3_stmt *stmt = load_prepare(w->db, w->sql);
	uint64_t seed = (uint64_t)(uintptr_t)w * 2654435761u;
	int64_t start;
	int rc;

	atomic_store(&w->is_ready, true);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		start = w->latencies ? load_mono_ns() : 0;
		rc = load_run_once(stmt, w->database->rows, &seed);
		if (rc != SQLITE_DONE && !atomic_load(&w->stop))
			load_die(w->sql, sqlite3_errmsg(w->db));
		if (w->latencies)
			atomic_fetch_add_explicit(&w->histogram[bucket_of(load_mono_ns() - start)],
				1, memory_order_relaxed);
		atomic_fetch_add_explicit(&w->runs, 1, memory_order_relaxed);
	}
	sqlite3_finalize(stmt);
	return NULL;
}

void load_start(struct load_worker *w)
{
	w->db = w->reeve != NULL ? load_connect(w->database, w->reeve, w->group)
				 : load_connect_plain(w->database);
	w->governor = w->reeve != NULL ? reeve_sqlite_of(w->db) : NULL;
	if (pthread_create(&w->thread, NULL, work, w) != 0)
		load_die("pthread_create", strerror(errno));
	while (!atomic_load(&w->is_ready))
		usleep(100);
}

void load_stop(struct load_worker *w)
{
	atomic_store(&w->stop, true);
	if (w->reeve == NULL || reeve_sqlite_cancel(w->governor, NULL) != 0)
		sqlite3_interrupt(w->db);
	pthread_join(w->thread, NULL);
	sqlite3_close(w->db);
}

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * REEVE_SEC + now.tv_nsec;
}

int64_t load_cpu_ns(const struct load_worker *w)
{
	clockid_t clock;

	if (pthread_getcpuclockid(w->thread, &clock) != 0)
		load_die("pthread_getcpuclockid", strerror(errno));
	return read_clock(clock);
}

void load_clear_histogram(struct load_worker *w)
{
	for (uint32_t i = 0; i < 1024; i++)
		atomic_store(&w->histogram[i], 0);
}

double load_quantile(const struct load_worker *w, double quantile)
{
	double all = 0, seen = 0;
	uint32_t at = 0;

	for (uint32_t i = 0; i < 1024; i++)
		all += atomic_load(&w->histogram[i]);
	while (at < 1023 && (seen += atomic_load(&w->histogram[at])) < all * quantile)
		at++;
	return bucket_us(at);
}

/* ---- clocks and numbers ---- */

int64_t load_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t load_thread_cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t load_process_cpu_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint32_t load_processors(void)
{
	return reeve_host_native()->cpu_count(reeve_host_native()->self);
}

void load_sleep(double seconds)
{
	struct timespec span = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&span, &span) != 0 && errno == EINTR)
		;
}

static int compare(const void *left, const void *right)
{
	double l = *(const double *)left, r = *(const double *)right;

	return l < r ? -1 : l > r;
}

double load_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

const char *load_verdict(bool is_met)
{
	return is_met ? "PASS" : "MISS";
}
