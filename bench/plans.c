/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plans.c - what plans cost: activating one with 10, 1,000 and 10,000 directives, reading what is in
 * force for a group, deciding by schedules, submitting an edit; beside an atomic add, a mutex pair and
 * a system call of the same run. With one thread and with two.
 */
#include <reeve/reeve.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../src/model/model.h"

enum { REPEATS = 21, THREADS = 2, SIZES = 3 };
static const unsigned sizes[SIZES] = {10, 1000, 10000};

/* A segment whose plans 100 and 101 have that many directives, of as many groups. */
struct world {
	struct reeve *reeve;
	unsigned size;
	uint32_t slot; /* of a group that they name */
};

struct row {
	const char *name;
	void (*run)(struct world *w, unsigned loops);
	unsigned loops[SIZES]; /* 0: not measured at that size */
};

static _Thread_local _Alignas(128) _Atomic uint64_t counter;
static _Thread_local pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local volatile uint64_t sink;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int rc, const struct reeve_error *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench_plans: %s\n", err->text);
	exit(1);
}

static void run_atomic(struct world *w, unsigned loops)
{
	(void)w;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&counter, 1);
}

static void run_mutex(struct world *w, unsigned loops)
{
	(void)w;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&mutex);
		sink++;
		pthread_mutex_unlock(&mutex);
	}
}

static void run_syscall(struct world *w, unsigned loops)
{
	(void)w;
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

/* As a module reads a limit: the ruling in force, a field of the group's row, still of one piece. */
static void run_read(struct world *w, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		struct reeve__ruling_view view = reeve__ruling_now(w->reeve);
		uint64_t limit = reeve__get(&view.rows[w->slot].max_est_exec_ns);
		sink += reeve__ruling_holds(&view) ? limit : 0;
	}
}

static void run_activate(struct world *w, unsigned loops)
{
	struct reeve_error err;

	for (unsigned i = 0; i < loops; i++)
		must(reeve_plan_activate(w->reeve, (reeve_plan_id){100 + i % 2}, &err), &err);
}

static void run_check(struct world *w, unsigned loops)
{
	struct reeve_error err;

	for (unsigned i = 0; i < loops; i++)
		must(reeve_plan_check(w->reeve, NULL, NULL, &err), &err);
}

/* A step for each of ten directives; another thread's edit or change only costs the time of asking. */
static void run_edit(struct world *w, unsigned loops)
{
	struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_CPU_SHARES};
	struct reeve_error err;

	for (unsigned i = 0; i < loops; i++) {
		d.cpu_shares = 1 + i % 100;
		if (reeve_edit_begin(w->reeve, 0, &err))
			reeve_edit_discard(w->reeve, &err);
		for (uint64_t k = 0; k < 10; k++)
			reeve_edit_directive_set(w->reeve, (reeve_plan_id){101},
				(reeve_group_id){100 + k}, &d, &err);
		if (reeve_edit_submit(w->reeve, NULL, &err))
			reeve_edit_discard(w->reeve, &err);
	}
}

static const struct row rows[] = {
	{"atomic add", run_atomic, {50000, 0, 0}},
	{"mutex pair", run_mutex, {50000, 0, 0}},
	{"system call", run_syscall, {50000, 0, 0}},
	{"read a group's limit", run_read, {50000, 50000, 50000}},
	{"activate a plan", run_activate, {500, 30, 4}},
	{"look at 20 schedules", run_check, {500, 500, 100}},
	{"edit of 10 steps", run_edit, {100, 20, 3}},
};

static void create_plan(struct world *w, const char *name)
{
	struct reeve_directive_def d = {
		.given = REEVE_DIRECTIVE_CPU_SHARES | REEVE_DIRECTIVE_MAX_EST_EXEC,
		.max_est_exec_ns = 1000};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err;
	reeve_plan_id plan;
	reeve_directive_id id;

	def.name = name;
	must(reeve_plan_create(w->reeve, &def, &plan, &err), &err);
	for (unsigned i = 0; i < w->size; i++) {
		d.cpu_shares = 1 + i % 50;
		must(reeve_directive_set(w->reeve, plan, (reeve_group_id){100 + i}, &d, &id, &err),
			&err);
	}
}

static void create_schedules(struct world *w)
{
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_error err;
	reeve_schedule_id id;

	for (unsigned i = 0; i < 20; i++) {
		def.name = "nightly";
		def.plan.v = 100;
		def.zone = "UTC";
		def.days = 1u << i % 7;
		def.start_s = 3600 * (i % 20);
		def.end_s = def.start_s + 1800;
		must(reeve_schedule_create(w->reeve, &def, &id, &err), &err);
	}
}

static void create_world(struct world *w, unsigned size)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	struct reeve_error err;
	reeve_group_id id;
	char name[32];

	w->size = size;
	options.cpu_slots = THREADS;
	options.max_groups = size + 16;
	options.max_directives = 2 * size + 32;
	must(reeve_open(&options, &w->reeve, &err), &err);
	for (unsigned i = 0; i < size; i++) {
		snprintf(name, sizeof(name), "group %u", i);
		group.name = name;
		must(reeve_group_create(w->reeve, &group, &id, &err), &err);
	}
	w->slot = size / 2 + 4;
	create_plan(w, "left");
	create_plan(w, "right");
	create_schedules(w);
}

struct job {
	struct world *world;
	const struct row *row;
	unsigned loops;
	pthread_barrier_t *barrier;
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

	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double begun = now_ns();
		job->row->run(job->world, job->loops);
		job->times[i] = (now_ns() - begun) / job->loops;
	}
	return NULL;
}

/* ns of one call while `threads` do the same; the slowest counts. Minimum and median to ret. */
static void measure(
	struct world *w, const struct row *row, unsigned loops, unsigned threads, double ret[2])
{
	static struct job jobs[THREADS];
	pthread_t ids[THREADS];
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i] = (struct job){w, row, loops, &barrier, {0}};
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

int main(void)
{
	static struct world worlds[SIZES];
	double t[2], t2[2];

	for (unsigned k = 0; k < SIZES; k++)
		create_world(&worlds[k], sizes[k]);
	printf("%-24s %7s %12s %12s %14s %14s\n", "ns of one call", "objects", "minimum", "median",
		"2 threads min", "2 threads med");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned k = 0; k < SIZES; k++) {
			if (!rows[i].loops[k])
				continue;
			measure(&worlds[k], &rows[i], rows[i].loops[k], 1, t);
			measure(&worlds[k], &rows[i], rows[i].loops[k], 2, t2);
			printf("%-24s %7u %12.1f %12.1f %14.1f %14.1f\n", rows[i].name, sizes[k],
				t[0], t[1], t2[0], t2[1]);
			fflush(stdout);
		}
	for (unsigned k = 0; k < SIZES; k++)
		reeve_close(worlds[k].reeve);
	return 0;
}
