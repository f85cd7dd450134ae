/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sessions.c - what session control costs, beside the floor of this machine in the same run: begin and
 * end without a pool, with a pool that has room, and with switch rules to watch; handing a place over
 * with many waiting; creating and ending a session; telling and reading an event.
 */
#include "../src/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 31, LOOPS = 20000, THREADS = 2 };

static struct reeve *reeve;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct reeve_session *session_of(uint64_t user, uint64_t group)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;
	struct reeve_error err;

	def.username = "bench";
	def.user_id = user;
	def.group.v = group;
	if (reeve_session_create(reeve, &def, &s, &err) != 0) {
		fprintf(stderr, "bench_sessions: %s\n", err.text);
		exit(1);
	}
	return s;
}

static struct reeve_session *session_in(uint64_t group)
{
	return session_of(0, group);
}

static void run_atomic(struct reeve_session *s, unsigned loops)
{
	static _Thread_local _Atomic uint64_t counter;

	(void)s;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&counter, 1);
}

static void run_mutex(struct reeve_session *s, unsigned loops)
{
	static _Thread_local pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)s;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&mutex);
		__asm__ volatile("" ::: "memory");
		pthread_mutex_unlock(&mutex);
	}
}

static void run_syscall(struct reeve_session *s, unsigned loops)
{
	(void)s;
	for (unsigned i = 0; i < loops; i++)
		syscall(SYS_getppid);
}

static void run_begin_end(struct reeve_session *s, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		if (reeve_query_begin(s, NULL, NULL) != 0)
			abort();
		reeve_query_end(s, NULL);
	}
}

static void run_create(struct reeve_session *s, unsigned loops)
{
	(void)s;
	for (unsigned i = 0; i < loops / 10; i++)
		for (unsigned k = 0; k < 10; k++)
			reeve_session_destroy(session_in(REEVE_MAINTENANCE_GROUP));
}

/* A user's session: its end asks whether it was his last, for his mapping. */
static void run_create_mapped(struct reeve_session *s, unsigned loops)
{
	(void)s;
	for (unsigned i = 0; i < loops; i++)
		reeve_session_destroy(session_of(7, REEVE_MAINTENANCE_GROUP));
}

static void run_emit(struct reeve_session *s, unsigned loops)
{
	struct reeve_event e = {.kind = REEVE_EVENT_REBALANCED};

	(void)s;
	for (unsigned i = 0; i < loops; i++)
		reeve__event_emit(reeve, &e);
}

static void run_read(struct reeve_session *s, unsigned loops)
{
	static _Thread_local struct reeve_event e[64];
	uint64_t at = reeve_event_newest(reeve) - 4096;

	(void)s;
	for (unsigned i = 0; i < loops / 64; i++)
		reeve_event_copy(reeve, at + i % 32, e, 64, NULL, NULL);
}

static const struct row {
	const char *name;
	void (*run)(struct reeve_session *s, unsigned loops);
	uint64_t group;
} rows[] = {
	{"atomic add", run_atomic, REEVE_BATCH_GROUP},
	{"mutex pair", run_mutex, REEVE_BATCH_GROUP},
	{"system call", run_syscall, REEVE_BATCH_GROUP},
	{"begin + end, no pool", run_begin_end, REEVE_INTERACTIVE_GROUP},
	{"begin + end, a pool with room", run_begin_end, REEVE_BATCH_GROUP},
	{"begin + end, switch rules", run_begin_end, REEVE_SYS_GROUP},
	{"session create + end", run_create, REEVE_BATCH_GROUP},
	{"the same, of a user with a mapping", run_create_mapped, REEVE_BATCH_GROUP},
	{"event told", run_emit, REEVE_BATCH_GROUP},
	{"event read", run_read, REEVE_BATCH_GROUP},
};

struct job {
	pthread_barrier_t *barrier;
	const struct row *row;
	double times[REPEATS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void *run_job(void *arg)
{
	struct job *job = arg;
	struct reeve_session *s = session_in(job->row->group);

	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double begun = now_ns();
		job->row->run(s, LOOPS);
		job->times[i] = (now_ns() - begun) / LOOPS;
	}
	reeve_session_destroy(s);
	return NULL;
}

/* Minimum and median of one call, the slowest thread counting. */
static void measure(const struct row *row, unsigned threads, double *ret)
{
	static struct job jobs[THREADS];
	pthread_t ids[THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){&barrier, row, {0}};
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
	ret[0] = jobs[0].times[0];
	ret[1] = jobs[0].times[REPEATS / 2];
}

/* A place goes round among `n` sessions by hand; all but one wait. */
static void hand_over(uint32_t n)
{
	struct reeve_session **s = calloc(n, sizeof(struct reeve_session *));
	double times[REPEATS];
	uint32_t next = 0;

	if (!s)
		exit(1);
	for (uint32_t i = 0; i < n; i++) {
		s[i] = session_in(REEVE_MAINTENANCE_GROUP);
		if (reeve_session_start(reeve, reeve_session_id_of(s[i]), NULL) < 0)
			exit(1);
	}
	for (int i = 0; i < REPEATS; i++) {
		double begun = now_ns();
		for (uint32_t k = 0; k < 1000; k++) {
			reeve_session_id id = reeve_session_id_of(s[next]);
			if (reeve_session_complete(reeve, id, NULL) ||
				reeve__session_start(reeve, id, NULL, NULL, NULL) < 0)
				exit(1);
			next = (next + 1) % n;
		}
		times[i] = (now_ns() - begun) / 1000;
	}
	qsort(times, REPEATS, sizeof(double), by_value);
	printf("%-36s %10.0f %10.0f\n",
		n == 10	    ? "complete + start, 10 in the pool"
		: n == 1000 ? "the same, 1,000"
			    : "the same, 10,000",
		times[0], times[REPEATS / 2]);
	for (uint32_t i = 0; i < n; i++)
		reeve_session_destroy(s[i]);
	free(s);
}

int main(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err;

	options.cpu_slots = THREADS;
	if (reeve_open(&options, &reeve, &err) != 0 ||
		reeve_session_pool_configure(reeve, (reeve_group_id){REEVE_BATCH_GROUP}, 100,
			REEVE_UNLIMITED, true, &err) ||
		reeve_session_pool_configure(reeve, (reeve_group_id){REEVE_MAINTENANCE_GROUP}, 1,
			REEVE_UNLIMITED, true, &err) ||
		reeve_user_map(
			reeve, 7, "bench", (reeve_group_id){REEVE_BATCH_GROUP}, true, &err)) {
		fprintf(stderr, "bench_sessions: %s\n", err.text);
		return 1;
	}
	struct reeve_sh_ruling_row *row = &reeve__ruling_now(reeve).rows[0]; /* SYS_GROUP */
	atomic_store(&row->switch_cpu_ns, (uint64_t)1000 * 1000000000);
	atomic_store(&row->switch_action, REEVE_ROW_LOG);
	atomic_store(&reeve->control->ruling_seen, 0);
	reeve__session_pools_look(reeve);
	struct reeve_session_pool_info info;
	reeve_session_pool_get(reeve, (reeve_group_id){REEVE_SYS_GROUP}, &info, NULL);
	printf("%-36s %10s %10s %14s %14s\n", "ns of one call", "minimum", "median",
		"2 threads min", "2 threads med");
	for (size_t i = 0; i < REEVE_COUNT(rows); i++) {
		double one[2], two[2];
		measure(&rows[i], 1, one);
		measure(&rows[i], 2, two);
		printf("%-36s %10.1f %10.1f %14.1f %14.1f\n", rows[i].name, one[0], one[1], two[0],
			two[1]);
		fflush(stdout);
	}
	hand_over(10);
	hand_over(1000);
	hand_over(10000);
	reeve_close(reeve);
	return 0;
}
