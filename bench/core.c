/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - what the library's calls cost, beside the floor of this machine in the same run: an
 * uncontended atomic add, a call of an empty function, the cycle counter, the CPU clock, a mutex
 * pair, a system call. With one thread and with two, each with a session of its own.
 */
#include <reeve/reeve.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 41, LOOPS = 50000, THREADS = 2 };

struct row {
	const char *name;
	void (*run)(struct reeve_session *session, unsigned loops);
	bool in_query; /* measured inside a statement */
	double best[THREADS + 1], median[THREADS + 1];
};

/* One cache line a thread, so that two threads do not meet. */
struct lane {
	_Alignas(128) _Atomic uint64_t counter;
	pthread_mutex_t mutex;
};

static _Thread_local struct lane lane = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static _Thread_local volatile uint64_t sink;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run_atomic(struct reeve_session *session, unsigned loops)
{
	(void)session;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&lane.counter, 1);
}

__attribute__((noinline)) static int empty(struct reeve_session *session)
{
	__asm__ volatile("" ::"r"(session));
	return 0;
}

static void run_empty(struct reeve_session *session, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)empty(session);
}

static void run_counter(struct reeve_session *session, unsigned loops)
{
	(void)session;
	for (unsigned i = 0; i < loops; i++) {
#if defined(__x86_64__)
		sink += __builtin_ia32_rdtsc();
#else
		struct timespec t;
		sink += (uint64_t)clock_gettime(CLOCK_MONOTONIC, &t);
#endif
	}
}

static void run_cpu_clock(struct reeve_session *session, unsigned loops)
{
	struct timespec t;

	(void)session;
	for (unsigned i = 0; i < loops / 20; i++)
		for (int k = 0; k < 20; k++)
			clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
}

static void run_mutex(struct reeve_session *session, unsigned loops)
{
	(void)session;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&lane.mutex);
		sink++;
		pthread_mutex_unlock(&lane.mutex);
	}
}

static void run_syscall(struct reeve_session *session, unsigned loops)
{
	(void)session;
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

static void run_checkpoint(struct reeve_session *session, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)reeve_checkpoint(session);
}

static void run_begin_end(struct reeve_session *session, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		if (reeve_query_begin(session, NULL, NULL) != 0)
			abort();
		reeve_query_end(session, NULL);
	}
}

static struct row rows[] = {
	{"atomic add", run_atomic, false, {0}, {0}},
	{"empty call", run_empty, false, {0}, {0}},
	{"cycle counter", run_counter, false, {0}, {0}},
	{"thread CPU clock", run_cpu_clock, false, {0}, {0}},
	{"mutex pair", run_mutex, false, {0}, {0}},
	{"system call", run_syscall, false, {0}, {0}},
	{"reeve_checkpoint", run_checkpoint, true, {0}, {0}},
	{"reeve_query_begin + _end", run_begin_end, false, {0}, {0}},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), ATOMIC = 0, EMPTY = 1, COUNTER = 2, CHECKPOINT = 6 };
enum { BEGIN_END = 7 };

struct job {
	struct reeve *reeve;
	pthread_barrier_t *barrier;
	struct row *row;
	unsigned threads;
	double times[REPEATS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void *run_job(void *arg)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct job *job = arg;
	struct reeve_session *session;
	struct reeve_error err;

	def.username = "bench";
	if (reeve_session_create(job->reeve, &def, &session, &err) != 0) {
		fprintf(stderr, "bench_core: %s\n", err.text);
		exit(1);
	}
	if (job->row->in_query && reeve_query_begin(session, NULL, NULL) != 0)
		abort();
	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double begun = now_ns();
		job->row->run(session, LOOPS);
		job->times[i] = (now_ns() - begun) / LOOPS;
	}
	if (job->row->in_query)
		reeve_query_end(session, NULL);
	reeve_session_destroy(session);
	return NULL;
}

/* ns of one call in one thread while `threads` do the same; the slowest thread counts. */
static void measure(struct reeve *reeve, struct row *row, unsigned threads)
{
	static struct job jobs[THREADS];
	pthread_t ids[THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){reeve, &barrier, row, threads, {0}};
		pthread_create(&ids[i], NULL, run_job, &jobs[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < REPEATS; i++)
		for (unsigned t = 1; t < threads; t++)
			if (jobs[t].times[i] > jobs[0].times[i])
				jobs[0].times[i] = jobs[t].times[i];
	qsort(jobs[0].times, REPEATS, sizeof(double), by_value);
	row->best[threads] = jobs[0].times[0];
	row->median[threads] = jobs[0].times[REPEATS / 2];
}

static void judge(const char *what, double value, double bar, const char *unit, bool at_most)
{
	bool pass = at_most ? value <= bar : value >= bar;

	printf("%-52s %7.2f %-6s bar %5.2f  %s\n", what, value, unit, bar, pass ? "PASS" : "MISS");
}

/* ns of one snapshot of all statistics, in a segment of default size whose sessions have ended. */
static double time_stats(struct reeve *reeve)
{
	enum { SNAPSHOTS = 2000 };
	static struct reeve_stats stats;
	double best = 1e18;

	for (int i = 0; i < REPEATS; i++) {
		double begun = now_ns(), ns;
		for (int k = 0; k < SNAPSHOTS; k++)
			if (reeve_stats_get(reeve, &stats, NULL) != 0)
				abort();
		ns = (now_ns() - begun) / SNAPSHOTS;
		best = ns < best ? ns : best;
	}
	return best;
}

int main(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err;
	struct reeve *reeve;
	double clocks;

	options.cpu_slots = THREADS;
	if (reeve_open(&options, &reeve, &err) != 0) {
		fprintf(stderr, "bench_core: %s\n", err.text);
		return 1;
	}
	printf("%-28s %10s %10s %14s %14s\n", "ns of one call", "minimum", "median",
		"2 threads min", "2 threads med");
	for (int i = 0; i < ROWS; i++) {
		measure(reeve, &rows[i], 1);
		measure(reeve, &rows[i], 2);
		printf("%-28s %10.2f %10.2f %14.2f %14.2f\n", rows[i].name, rows[i].best[1],
			rows[i].median[1], rows[i].best[2], rows[i].median[2]);
		fflush(stdout);
	}
	clocks = 2 * rows[COUNTER].best[1];
	judge("checkpoint over an empty call", rows[CHECKPOINT].best[1] - rows[EMPTY].best[1], 5,
		"ns", true);
	judge("begin + end without their two counter reads, adds",
		(rows[BEGIN_END].best[1] - clocks) / rows[ATOMIC].best[1], 20, "times", true);
	judge("begin + end of two threads over one, together",
		2 * rows[BEGIN_END].best[1] / rows[BEGIN_END].best[2], 1.7, "times", false);
	judge("all statistics of one moment", time_stats(reeve) / 1000, 1, "us", true);
	reeve_close(reeve);
	return 0;
}
