/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.c - what the CPU domain costs: adding a task of an outside engine, picking one, both at 10,
 * 1,000 and 10,000 tasks in 10 groups (and 1,000 in 1,000 groups), under each policy; and ending a
 * statement while 10 or 10,000 others wait in the group. Beside them, in the same run, the floor: an
 * atomic add, a mutex pair, a robust shared mutex pair, the monotonic clock, a system call. A pick is
 * reeve_task_next and reeve_task_yield, so that all stay ready: both are told.
 */
#include "../src/engine/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 21, LOOPS = 2000, THREADS = 2 };

struct timing {
	double best, median;
};

struct world {
	struct reeve *reeve;
	reeve_group_id groups[1000];
	uint32_t group_count;
	_Atomic uint64_t next;
};

static void die(const char *what, const struct reeve_error *err)
{
	fprintf(stderr, "bench_cpu: %s: %s\n", what, err->text);
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct timing timing_of(double *times)
{
	qsort(times, REPEATS, sizeof(double), by_value);
	return (struct timing){times[0], times[REPEATS / 2]};
}

/* ---- the floor ---- */

static _Atomic uint64_t counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust;

static void run_atomic(void)
{
	atomic_fetch_add(&counter, 1);
}

static void run_mutex(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
}

static void run_robust(void)
{
	pthread_mutex_lock(&robust);
	pthread_mutex_unlock(&robust);
}

static void run_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
}

static void run_syscall(void)
{
	syscall(SYS_getppid);
}

static void show_floor(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} rows[] = {{"atomic add", run_atomic}, {"mutex pair", run_mutex},
		{"robust shared mutex pair", run_robust}, {"monotonic clock", run_clock},
		{"system call", run_syscall}};
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&robust, &attr);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double times[REPEATS];
		for (int k = 0; k < REPEATS; k++) {
			double begun = now_ns();
			for (int n = 0; n < 20000; n++)
				rows[i].run();
			times[k] = (now_ns() - begun) / 20000;
		}
		struct timing t = timing_of(times);
		printf("%-44s %9.1f %9.1f\n", rows[i].name, t.best, t.median);
	}
}

/* ---- tasks of outside engines ---- */

static void open_world(struct world *w, uint32_t groups)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err = {0, ""};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	char name[16];

	options.cpu_slots = 1;
	if (reeve_open(&options, &w->reeve, &err))
		die("open", &err);
	w->group_count = groups;
	for (uint32_t i = 0; i < groups; i++) {
		snprintf(name, sizeof(name), "G%u", i);
		def.name = name;
		def.priority = i % 8;
		def.cpu_allocation_pct = 1 + i % 20;
		if (reeve_group_create(w->reeve, &def, &w->groups[i], &err))
			die("group", &err);
	}
}

static void set_policy(struct world *w, uint32_t policy)
{
	struct reeve_cpu_config config;
	struct reeve_error err = {0, ""};

	reeve_cpu_config_get(w->reeve, &config);
	config.policy = policy;
	if (reeve_cpu_config_set(w->reeve, &config, &err))
		die("policy", &err);
}

static reeve_task_id add_task(struct world *w, uint64_t i)
{
	struct reeve_error err = {0, ""};
	reeve_task_id id;

	if (reeve_task_create(
		    w->reeve, i, w->groups[i % w->group_count], (uint32_t)(i * 7 % 8), &id, &err))
		die("task", &err);
	return id;
}

struct pull_job {
	struct world *w;
	pthread_barrier_t *barrier;
	double add[REPEATS], next[REPEATS], yield[REPEATS];
};

/* Adds a hundred and takes them out again; picks and yields. */
static void *run_pull(void *arg)
{
	struct pull_job *job = arg;
	struct world *w = job->w;
	struct reeve_error err = {0, ""};
	static _Thread_local reeve_task_id ids[LOOPS];
	static _Thread_local struct reeve_task_info info[LOOPS];
	double begun;

	for (int k = 0; k < REPEATS; k++) {
		pthread_barrier_wait(job->barrier);
		begun = now_ns();
		for (int i = 0; i < 100; i++)
			ids[i] = add_task(w, atomic_fetch_add(&w->next, 1));
		job->add[k] = (now_ns() - begun) / 100;
		for (int i = 0; i < 100; i++)
			if (reeve_task_complete(w->reeve, ids[i], 0, &err))
				die("complete", &err);
		pthread_barrier_wait(job->barrier);
		/* eight at a time, as an engine with eight workers */
		job->next[k] = job->yield[k] = 0;
		for (int n = 0; n < LOOPS; n += 8) {
			begun = now_ns();
			for (int i = 0; i < 8; i++)
				if (reeve_task_next(w->reeve, &info[i], &err))
					info[i].id.v = 0;
			double picked = now_ns();
			for (int i = 0; i < 8; i++)
				if (info[i].id.v)
					(void)reeve_task_yield(w->reeve, info[i].id,
						100000 + (uint64_t)i * 1000, &err);
			job->yield[k] += (now_ns() - picked) / LOOPS;
			job->next[k] += (picked - begun) / LOOPS;
		}
	}
	return NULL;
}

static void show_pull(struct world *w, const char *policy, uint32_t tasks, unsigned threads)
{
	static struct pull_job jobs[THREADS];
	pthread_barrier_t barrier;
	pthread_t ids[THREADS];
	struct timing add, next, yield;

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		jobs[i].w = w;
		jobs[i].barrier = &barrier;
		pthread_create(&ids[i], NULL, run_pull, &jobs[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	add = timing_of(jobs[0].add);
	next = timing_of(jobs[0].next);
	yield = timing_of(jobs[0].yield);
	printf("%-22s %6u %5u %2u  %8.0f %8.0f  %8.0f %8.0f  %8.0f %8.0f\n", policy, tasks,
		w->group_count, threads, add.best, add.median, next.best, next.median, yield.best,
		yield.median);
	fflush(stdout);
}

static void bench_pull(uint32_t groups, uint32_t tasks, bool two)
{
	static const char *const names[] = {
		"completely fair", "fair share", "priority round robin", "weighted fair queueing"};
	static struct world w;

	open_world(&w, groups);
	for (uint32_t i = 0; i < tasks; i++)
		add_task(&w, i);
	for (uint32_t policy = 0; policy < 4; policy++) {
		set_policy(&w, policy);
		show_pull(&w, names[policy], tasks, 1);
		if (two)
			show_pull(&w, names[policy], tasks, 2);
	}
	reeve_close(w.reeve);
}

/* ---- statements ---- */

static uint32_t wakes;

static void count_wake(void *self, uint32_t *word)
{
	(void)self;
	(void)word;
	wakes++;
}

/* Puts a session's task into the queue as if its thread slept: no thread does. */
static void park(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];

	atomic_store(&t->phase, REEVE_PHASE_WORK);
	atomic_store(&t->park, REEVE_PARK_YES);
	reeve__cpu_enqueue(x, task);
}

/* `own` holds the slot again, at rest, with its slice ahead; who got it waits again. */
static void set_back(struct reeve_session *own)
{
	struct reeve *r = own->r;
	struct reeve__cpu_pass x;
	uint32_t winner;

	reeve__cpu_begin(&x, r);
	winner = reeve__word_task(r, atomic_load(&r->cpu_slots[0].word));
	atomic_store(&r->cpu_slots[0].word, own->word);
	if (winner != REEVE_NONE && winner != own->task)
		park(&x, winner);
	x.c->watchman = winner; /* as who parks last is */
	reeve__cpu_end(&x);
	own->slot = 0;
	own->slice_cycles = reeve__cycles(r) + reeve__ns_cycles(r, 1000000000);
	own->gap_cycles = r->gap_cycles; /* it is away for long: nothing lingers */
}

static void bench_end(uint32_t waiting)
{
	static struct reeve_session *sessions[10001];
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_host host = *reeve_host_native();
	struct reeve_error err = {0, ""};
	struct reeve__cpu_pass x;
	struct reeve *r;
	double times[REPEATS], clock = 1e9;

	host.wake = count_wake;
	options.host = &host;
	options.cpu_slots = 1;
	def.username = "bench";
	if (reeve_open(&options, &r, &err))
		die("open", &err);
	for (uint32_t i = 0; i <= waiting; i++)
		if (reeve_session_create(r, &def, &sessions[i], &err))
			die("session", &err);
	reeve__cpu_begin(&x, r);
	for (uint32_t i = 1; i <= waiting; i++)
		park(&x, sessions[i]->task);
	reeve__cpu_end(&x);
	for (int n = 0; n < 1000; n++) {
		double begun = now_ns(), gone = now_ns() - begun;
		clock = gone < clock ? gone : clock;
	}
	wakes = 0;
	for (int k = 0; k < REPEATS; k++) {
		times[k] = 0;
		for (int n = 0; n < 500; n++) {
			set_back(sessions[0]);
			if (reeve_query_begin(sessions[0], NULL, &err))
				die("begin", &err);
			double begun = now_ns();
			reeve_query_end(sessions[0], NULL);
			times[k] += (now_ns() - begun - clock) / 500;
		}
	}
	struct timing t = timing_of(times);
	printf("end of a statement, %5u wait in the group     %9.1f %9.1f   %.2f wakes each\n",
		waiting, t.best, t.median, (double)wakes / (REPEATS * 500));
	/* nobody sleeps: the rest goes with the segment */
	for (uint32_t i = 1; i <= waiting; i++)
		reeve__put(&sessions[i]->t->park, REEVE_PARK_NO);
	reeve_close(r);
}

int main(void)
{
	printf("%-44s %9s %9s\n", "ns of one call", "minimum", "median");
	show_floor();
	printf("\n%-22s %6s %5s %2s  %8s %8s  %8s %8s  %8s %8s\n", "policy", "tasks", "grps", "th",
		"add min", "median", "pick min", "median", "yield mn", "median");
	bench_pull(10, 10, true);
	bench_pull(10, 1000, true);
	bench_pull(10, 10000, true);
	bench_pull(1000, 1000, false);
	printf("\n%-44s %9s %9s\n", "ns of one call, clock reads taken off", "minimum", "median");
	bench_end(10);
	bench_end(10000);
	return 0;
}
