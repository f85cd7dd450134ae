/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c - see bench.h. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 31, THREADS = 2 };

struct job {
	bench_run run;
	void *arg;
	pthread_barrier_t *barrier;
	unsigned thread, loops;
	double times[REPEATS];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *run_job(void *arg)
{
	struct job *job = arg;

	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double begun = now_ns();
		job->run(job->arg, job->thread, job->loops);
		job->times[i] = (now_ns() - begun) / job->loops;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The slowest thread of each repetition counts. */
static void measure(bench_run run, void *arg, unsigned loops, unsigned threads, double *ret_min,
	double *ret_median)
{
	static struct job jobs[THREADS];
	pthread_t ids[THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){run, arg, &barrier, i, loops, {0}};
		if (pthread_create(&ids[i], NULL, run_job, &jobs[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (int i = 0; i < REPEATS; i++)
		for (unsigned t = 1; t < threads; t++)
			if (jobs[t].times[i] > jobs[0].times[i])
				jobs[0].times[i] = jobs[t].times[i];
	qsort(jobs[0].times, REPEATS, sizeof(double), by_value);
	*ret_min = jobs[0].times[0];
	*ret_median = jobs[0].times[REPEATS / 2];
}

void bench_head(const char *title)
{
	printf("%-44s %10s %10s %14s %14s\n", title, "minimum", "median", "2 threads min",
		"2 threads med");
}

double bench_row(const char *name, bench_run run, void *arg, unsigned loops)
{
	double min[THREADS + 1], median[THREADS + 1];

	for (unsigned threads = 1; threads <= THREADS; threads++)
		measure(run, arg, loops, threads, &min[threads], &median[threads]);
	printf("%-44s %10.2f %10.2f %14.2f %14.2f\n", name, min[1], median[1], min[2], median[2]);
	fflush(stdout);
	return min[1];
}

static _Thread_local _Atomic uint64_t counter;
static _Thread_local pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void run_atomic(void *arg, unsigned thread, unsigned loops)
{
	(void)arg;
	(void)thread;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&counter, 1);
}

static void run_mutex(void *arg, unsigned thread, unsigned loops)
{
	(void)arg;
	(void)thread;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
	}
}

static void run_syscall(void *arg, unsigned thread, unsigned loops)
{
	(void)arg;
	(void)thread;
	for (unsigned i = 0; i < loops; i++)
		bench_keep((unsigned long)syscall(SYS_getppid));
}

double bench_floor(void)
{
	double atomic = bench_row("atomic add", run_atomic, NULL, 50000);

	bench_row("mutex pair", run_mutex, NULL, 50000);
	bench_row("system call", run_syscall, NULL, 20000);
	return atomic;
}

void bench_judge(const char *what, double value, double bar, const char *unit)
{
	printf("%-52s %8.2f %-6s bar %8.2f  %s\n", what, value, unit, bar,
		value <= bar ? "PASS" : "MISS");
}

void bench_keep(unsigned long value)
{
	__asm__ volatile("" ::"r"(value));
}
