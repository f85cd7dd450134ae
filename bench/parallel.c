/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel.c - what parallel control costs, beside the floor of this machine in the same run: begin and
 * end of a degree of 4, with virtual servers and with a pool's, among 10 to 10,000 that execute, and
 * past as many that wait; with one thread and with two, each with a session of its own.
 */
#include <reeve/reeve.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <time.h>

enum { REPEATS = 41, LOOPS = 10000, THREADS = 2 };

static _Thread_local volatile uint64_t sink;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(int rc, const struct reeve_error *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_parallel: %s\n", err->text);
	exit(1);
}

static struct reeve_parallel_def manual(uint32_t dop)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;

	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = dop;
	return def;
}

/* ---- what is measured ---- */

static void run_atomic(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	static _Thread_local _Atomic uint64_t counter;

	(void)session;
	(void)r;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&counter, 1);
}

static void run_mutex(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	static _Thread_local pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

	(void)session;
	(void)r;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&mutex);
		sink++;
		pthread_mutex_unlock(&mutex);
	}
}

static void run_syscall(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	(void)session;
	(void)r;
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

static void run_clock(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	(void)session;
	(void)r;
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)now_ns();
}

static void run_begin_end(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	struct reeve_parallel_def def = manual(4);
	struct reeve_parallel parallel;
	struct reeve_error err;

	(void)r;
	for (unsigned i = 0; i < loops; i++) {
		check(reeve_parallel_begin(session, &def, &parallel, &err), &err);
		check(reeve_parallel_end(&parallel, NULL, &err), &err);
	}
}

static void run_by_id(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	struct reeve_parallel_def def = manual(4);
	struct reeve_execution_info info;
	struct reeve_error err;

	(void)session;
	for (unsigned i = 0; i < loops; i++) {
		check(reeve_execution_request(r, 1000000, (reeve_group_id){2}, &def, &info, &err),
			&err);
		check(reeve_execution_complete(r, info.id, NULL, &err), &err);
	}
}

static void run_dop(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	struct reeve_parallel_def def = manual(4);
	struct reeve_parallel parallel;
	struct reeve_error err;

	(void)r;
	check(reeve_parallel_begin(session, &def, &parallel, &err), &err);
	for (unsigned i = 0; i < loops; i++)
		sink += reeve_parallel_dop(&parallel);
	check(reeve_parallel_end(&parallel, NULL, &err), &err);
}

static void run_session(struct reeve_session *session, struct reeve *r, unsigned loops)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_error err;

	def.username = "bench";
	for (unsigned i = 0; i < loops; i++) {
		check(reeve_session_create(r, &def, &session, &err), &err);
		reeve_session_destroy(session);
	}
}

/* ---- how ---- */

typedef void (*run_fn)(struct reeve_session *session, struct reeve *r, unsigned loops);

struct job {
	struct reeve *r;
	pthread_barrier_t *barrier;
	run_fn run;
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
	def.group.v = REEVE_INTERACTIVE_GROUP;
	check(reeve_session_create(job->r, &def, &session, &err), &err);
	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double begun = now_ns();
		job->run(session, job->r, LOOPS);
		job->times[i] = (now_ns() - begun) / LOOPS;
	}
	reeve_session_destroy(session);
	return NULL;
}

/* ns of one call in one thread while `threads` do the same; the slowest thread counts. */
static double *measure(struct reeve *r, run_fn run, unsigned threads)
{
	static struct job jobs[THREADS];
	pthread_barrier_t barrier;
	pthread_t ids[THREADS];

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){r, &barrier, run, {0}};
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
	return jobs[0].times;
}

static double show(const char *name, struct reeve *r, run_fn run)
{
	double *times = measure(r, run, 1), best = times[0];

	printf("%-44s %10.2f %10.2f", name, times[0], times[REPEATS / 2]);
	times = measure(r, run, THREADS);
	printf(" %14.2f %14.2f\n", times[0], times[REPEATS / 2]);
	fflush(stdout);
	return best;
}

static struct reeve *open_segment(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_parallel_config config;
	struct reeve_error err;
	struct reeve *r;

	options.cpu_slots = THREADS;
	options.max_executions = 32768;
	options.max_servers = 65536;
	check(reeve_open(&options, &r, &err), &err);
	reeve_parallel_config_get(r, &config);
	config.max_total_dop = 65536;
	config.queue_timeout_ns = 86400 * REEVE_SEC;
	check(reeve_parallel_config_set(r, &config, &err), &err);
	return r;
}

static void ask(struct reeve *r, uint64_t group, uint32_t dop, uint32_t n)
{
	struct reeve_parallel_def def = manual(dop);
	struct reeve_execution_info info;
	struct reeve_error err;

	while (n-- > 0)
		check(reeve_execution_request(
			      r, 1000000, (reeve_group_id){group}, &def, &info, &err),
			&err);
}

static void add_pool(struct reeve *r)
{
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id id;
	struct reeve_error err;

	def.name = "bench";
	def.min_servers = 16;
	def.max_servers = 65536;
	check(reeve_server_pool_create(r, &def, &id, &err), &err);
}

int main(void)
{
	static const uint32_t sizes[] = {10, 1000, 10000};
	struct reeve *r = open_segment();
	struct reeve_error err;
	char name[64];
	double best, mutex;

	printf("%-44s %10s %10s %14s %14s\n", "ns of one call", "minimum", "median",
		"2 threads min", "2 threads med");
	show("atomic add", r, run_atomic);
	mutex = show("mutex pair", r, run_mutex);
	show("clock reading", r, run_clock);
	show("system call", r, run_syscall);
	show("reeve_parallel_dop", r, run_dop);
	best = show("begin + end, degree 4", r, run_begin_end);
	show("request + complete by ids, degree 4", r, run_by_id);
	show("session create + destroy", r, run_session);
	reeve_close(r);
	for (int pool = 0; pool < 2; pool++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			r = open_segment();
			if (pool)
				add_pool(r);
			ask(r, REEVE_BATCH_GROUP, 2, sizes[i]);
			snprintf(name, sizeof(name), "the same, %s, %u execute",
				pool ? "servers of a pool" : "virtual servers", sizes[i]);
			show(name, r, run_begin_end);
			reeve_close(r);
		}
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		r = open_segment();
		/* Those wait for their own group's limit, and are in nobody else's way. */
		check(reeve_parallel_group_limit_set(
			      r, (reeve_group_id){REEVE_BATCH_GROUP}, UINT32_MAX, 4, &err),
			&err);
		ask(r, REEVE_BATCH_GROUP, 4, 1 + sizes[i]);
		snprintf(name, sizeof(name), "the same, %u of another group wait", sizes[i]);
		show(name, r, run_begin_end);
		reeve_close(r);
	}
	/* 150 ns where a mutex pair takes 5.4 */
	printf("%-44s %10.2f times a mutex pair, bar %.1f  %s\n", "begin + end, degree 4",
		best / mutex, 150 / 5.4, best / mutex <= 150 / 5.4 ? "PASS" : "MISS");
	return 0;
}
