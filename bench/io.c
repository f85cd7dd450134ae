/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.c - what the I/O scheduler costs, and how exact its limits are in real time.
 *
 * Rows: ns of one operation, minimum and median of many repetitions, in one thread and in two at once,
 * with 10, 1,000 and 10,000 requests pending in ten groups that have both limits on (too wide to bind);
 * beside them the machine's floor in the same run. Then limits of bandwidth and of operations with
 * one session and with eight, over ten seconds each.
 */
#include <reeve/reeve.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../src/policy/io_bucket.h"

enum { REPEATS = 41, THREADS = 2, GROUPS = 10 };

struct bench {
	struct reeve *r;
	uint64_t groups[GROUPS];
	uint64_t ids[THREADS][4096];
	struct reeve_session *sessions[THREADS];
};

struct lane {
	_Alignas(128) _Atomic uint64_t counter;
	pthread_mutex_t mutex;
	struct reeve_sh_io_bucket bucket;
};
static struct lane lanes[THREADS] = {
	{.mutex = PTHREAD_MUTEX_INITIALIZER}, {.mutex = PTHREAD_MUTEX_INITIALIZER}};
static volatile uint64_t sink;

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench_io: a call failed with %d\n", rc);
	exit(1);
}

/* ---- what is measured ---- */

static void run_atomic(struct bench *b, unsigned t, unsigned loops)
{
	(void)b;
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&lanes[t].counter, 1);
}

static void run_mutex(struct bench *b, unsigned t, unsigned loops)
{
	(void)b;
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&lanes[t].mutex);
		lanes[t].counter++;
		pthread_mutex_unlock(&lanes[t].mutex);
	}
}

static void run_syscall(struct bench *b, unsigned t, unsigned loops)
{
	(void)b;
	(void)t;
	for (unsigned i = 0; i < loops; i++)
		sink += (uint64_t)syscall(SYS_getppid);
}

static void run_bucket(struct bench *b, unsigned t, unsigned loops)
{
	struct reeve_sh_io_bucket *bucket = &lanes[t].bucket;
	uint64_t ticks = 1;

	(void)b;
	reeve__io_bucket_set(bucket, 1000000000, REEVE_PPM, 0);
	for (unsigned i = 0; i < loops; i++) {
		ticks += 5000;
		if (reeve__io_bucket_wait(bucket, 4096, ticks) == 0)
			reeve__io_bucket_take(bucket, 4096, ticks);
		__asm__ volatile("" ::"r"(bucket) : "memory");
	}
}

static void run_submit(struct bench *b, unsigned t, unsigned loops)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;

	def.size_bytes = 4096;
	for (unsigned i = 0; i < loops; i++) {
		reeve_io_id id;
		def.priority = i % 5;
		must(reeve_io_submit(
			b->r, (reeve_group_id){b->groups[(i + t) % GROUPS]}, &def, &id, NULL));
		b->ids[t][i] = id.v;
	}
}

static void undo_submit(struct bench *b, unsigned t, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++)
		must(reeve_io_cancel(b->r, (reeve_io_id){b->ids[t][i]}, NULL, NULL));
}

static void run_next(struct bench *b, unsigned t, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		struct reeve_io_request_info q;
		must(reeve_io_next(b->r, &q, NULL, NULL));
		b->ids[t][i] = q.id.v;
	}
}

/* Completes what was picked, and submits as many again. */
static void put_back(struct bench *b, unsigned t, unsigned loops)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	reeve_io_id id;

	def.size_bytes = 4096;
	for (unsigned i = 0; i < loops; i++) {
		must(reeve_io_complete(b->r, (reeve_io_id){b->ids[t][i]}, 4096, true, NULL, NULL));
		def.priority = i % 5;
		must(reeve_io_submit(
			b->r, (reeve_group_id){b->groups[(i + t) % GROUPS]}, &def, &id, NULL));
	}
}

/* Picks, completes, and submits another in its place: what a request costs in all. */
static void run_cycle(struct bench *b, unsigned t, unsigned loops)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	reeve_io_id id;

	(void)t;
	def.size_bytes = 4096;
	for (unsigned i = 0; i < loops; i++) {
		struct reeve_io_request_info q;
		must(reeve_io_next(b->r, &q, NULL, NULL));
		must(reeve_io_complete(b->r, q.id, 4096, true, NULL, NULL));
		must(reeve_io_submit(b->r, q.group, &def, &id, NULL));
	}
}

static void run_admission(struct bench *b, unsigned t, unsigned loops)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;

	def.size_bytes = 4096;
	def.keeps_cpu_slot = true;
	for (unsigned i = 0; i < loops; i++) {
		must(reeve_io_begin(b->sessions[t], &def, NULL));
		must(reeve_io_end(b->sessions[t], 4096, true));
	}
}

/* ---- measuring ---- */

struct row {
	const char *name;
	void (*run)(struct bench *b, unsigned t, unsigned loops);
	void (*undo)(struct bench *b, unsigned t, unsigned loops); /* not counted */
	unsigned loops;
};

struct job {
	struct bench *b;
	const struct row *row;
	pthread_barrier_t *barrier;
	unsigned thread;
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
		job->row->run(job->b, job->thread, job->row->loops);
		job->times[i] = (now_ns() - begun) / job->row->loops;
		pthread_barrier_wait(job->barrier);
		if (job->row->undo)
			job->row->undo(job->b, job->thread, job->row->loops);
	}
	return NULL;
}

/* Minimum of one thread alone. */
static double measure(struct bench *b, const struct row *row)
{
	static struct job jobs[THREADS];
	double best[THREADS + 1], median[THREADS + 1];

	for (unsigned n = 1; n <= THREADS; n++) {
		pthread_barrier_t barrier;
		pthread_t ids[THREADS];
		pthread_barrier_init(&barrier, NULL, n);
		for (unsigned i = 0; i < n; i++) {
			jobs[i] = (struct job){b, row, &barrier, i, {0}};
			pthread_create(&ids[i], NULL, run_job, &jobs[i]);
		}
		for (unsigned i = 0; i < n; i++)
			pthread_join(ids[i], NULL);
		pthread_barrier_destroy(&barrier);
		for (int i = 0; i < REPEATS; i++) /* the slowest thread counts */
			if (n > 1 && jobs[1].times[i] > jobs[0].times[i])
				jobs[0].times[i] = jobs[1].times[i];
		qsort(jobs[0].times, REPEATS, sizeof(double), by_value);
		best[n] = jobs[0].times[0];
		median[n] = jobs[0].times[REPEATS / 2];
	}
	printf("%-34s %10.1f %10.1f %14.1f %14.1f\n", row->name, best[1], median[1], best[2],
		median[2]);
	fflush(stdout);
	return best[1];
}

static void judge(const char *what, double value, double bar, const char *unit)
{
	printf("%-58s %8.2f %-4s bar %6.2f  %s\n", what, value, unit, bar,
		value <= bar ? "PASS" : "MISS");
}

/*
 * Bars are of a machine on which an atomic add took 1.7 ns and a mutex pair 5.4: times are brought to
 * that by what these two take here, in this run.
 */
static double scale = 1;

static void judge_ns(const char *what, double ns, double bar)
{
	char text[100];

	snprintf(text, sizeof(text), "%s: %.1f ns, scaled", what, ns);
	judge(text, ns * scale, bar, "ns");
}

static struct bench *bench_open(void)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct bench *b = calloc(1, sizeof(*b));
	struct reeve_io_config k;

	o.cpu_slots = THREADS;
	must(reeve_open(&o, &b->r, NULL));
	reeve_io_config_get(b->r, &k);
	k.max_concurrent = REEVE_IO_CONCURRENT_MAX;
	must(reeve_io_config_set(b->r, &k, NULL));
	for (unsigned i = 0; i < GROUPS; i++) {
		struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
		reeve_group_id id;
		char name[16];
		snprintf(name, sizeof(name), "group %u", i);
		def.name = name;
		must(reeve_group_create(b->r, &def, &id, NULL));
		b->groups[i] = id.v;
		must(reeve_io_group_register(
			b->r, id, (uint64_t)1 << 39, 1000000000, 1 + i * 50, NULL));
	}
	for (unsigned t = 0; t < THREADS; t++) {
		struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
		def.username = "bench";
		def.group.v = 3;
		must(reeve_session_create(b->r, &def, &b->sessions[t], NULL));
	}
	return b;
}

static void set_policy(struct bench *b, uint32_t policy)
{
	struct reeve_io_config k;

	reeve_io_config_get(b->r, &k);
	k.policy = policy;
	must(reeve_io_config_set(b->r, &k, NULL));
}

static void fill(struct bench *b, unsigned pending)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	reeve_io_id id;

	for (unsigned i = 0; i < pending; i++) {
		def.size_bytes = 4096;
		def.type = i % 2;
		def.priority = i % 5;
		must(reeve_io_submit(
			b->r, (reeve_group_id){b->groups[i % GROUPS]}, &def, &id, NULL));
	}
}

static void drain(struct bench *b)
{
	struct reeve_io_request_info q;

	while (reeve_io_next(b->r, &q, NULL, NULL) == 0)
		must(reeve_io_complete(b->r, q.id, 4096, true, NULL, NULL));
}

/* ---- limits in real time ---- */

struct reader {
	struct reeve *r;
	uint64_t size;
	_Atomic uint64_t *moved;
	_Atomic int *stop;
};

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_io_def io = REEVE_IO_DEF_INIT;
	struct reeve_session *s;

	def.username = "bench";
	def.group.v = 4;
	must(reeve_session_create(reader->r, &def, &s, NULL));
	io.size_bytes = reader->size;
	while (!atomic_load(reader->stop)) {
		must(reeve_io_begin(s, &io, NULL));
		atomic_fetch_add(reader->moved, reader->size);
		must(reeve_io_end(s, reader->size, true));
	}
	reeve_session_destroy(s);
	return NULL;
}

static void nap(double seconds)
{
	struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	nanosleep(&t, NULL);
}

/* Percent of the limit over ten seconds, past the burst. */
static void run_limit(struct bench *b, unsigned sessions, uint64_t bandwidth, uint64_t iops,
	uint64_t size, double seconds)
{
	_Atomic uint64_t moved = 0;
	_Atomic int stop = 0;
	struct reader reader = {b->r, size, &moved, &stop};
	pthread_t ids[8];
	double begun, took, due;
	uint64_t before;
	char what[80];

	must(reeve_io_group_register(
		b->r, (reeve_group_id){4}, REEVE_UNLIMITED, REEVE_UNLIMITED, 100, NULL));
	must(reeve_io_group_register(b->r, (reeve_group_id){4}, bandwidth, iops, 100, NULL));
	for (unsigned i = 0; i < sessions; i++)
		pthread_create(&ids[i], NULL, read_on, &reader);
	nap(1.5);
	before = atomic_load(&moved);
	begun = now_ns();
	nap(seconds);
	took = (now_ns() - begun) / 1e9;
	due = bandwidth == REEVE_UNLIMITED ? (double)(iops * size) : (double)bandwidth;
	snprintf(what, sizeof(what), "limit of %s, %u sessions, off by",
		bandwidth == REEVE_UNLIMITED ? "operations" : "bandwidth", sessions);
	double off = 100 * (double)(atomic_load(&moved) - before) / took / due - 100;
	judge(what, off < 0 ? -off : off, 1, "%");
	atomic_store(&stop, 1);
	must(reeve_io_group_register(
		b->r, (reeve_group_id){4}, REEVE_UNLIMITED, REEVE_UNLIMITED, 100, NULL));
	for (unsigned i = 0; i < sessions; i++)
		pthread_join(ids[i], NULL);
}

int main(int argc, char **argv)
{
	static const char *const policies[] = {"fair", "deadline", "budget", "priority"};
	static const unsigned pendings[] = {10, 1000, 10000};
	static const struct row floor_rows[] = {{"atomic add", run_atomic, NULL, 20000},
		{"mutex pair", run_mutex, NULL, 20000}, {"system call", run_syscall, NULL, 5000}};
	double seconds = argc > 1 ? atof(argv[1]) : 10, worst[3] = {0}, submit = 0, bucket,
	       machine[3];
	struct bench *b = bench_open();
	char name[64];

	printf("%-34s %10s %10s %14s %14s\n", "ns of one", "minimum", "median", "2 threads min",
		"2 threads med");
	for (int i = 0; i < 3; i++)
		machine[i] = measure(b, &floor_rows[i]);
	scale = (1.7 / machine[0] + 5.4 / machine[1]) / 2;
	bucket = measure(b, &(struct row){"token bucket take", run_bucket, NULL, 20000});
	measure(b, &(struct row){"io_begin + io_end, no limit", run_admission, NULL, 4000});
	must(reeve_io_group_register(
		b->r, (reeve_group_id){3}, (uint64_t)1 << 39, 1000000000, 100, NULL));
	measure(b, &(struct row){"io_begin + io_end, both limits", run_admission, NULL, 4000});
	for (unsigned p = 0; p < 4; p++)
		for (unsigned n = 0; n < 3; n++) {
			unsigned loops = pendings[n] < 1000 ? 4 : 400;
			double ns;
			set_policy(b, p);
			fill(b, pendings[n]);
			snprintf(name, sizeof(name), "%s: submit, %u pending", policies[p],
				pendings[n]);
			ns = measure(b, &(struct row){name, run_submit, undo_submit, loops});
			submit = ns > submit && loops > 4 ? ns : submit;
			snprintf(name, sizeof(name), "%s: next + complete + submit, %u",
				policies[p], pendings[n]);
			measure(b, &(struct row){name, run_cycle, NULL, loops});
			drain(b);
			if (loops == 4)
				continue;
			fill(b, pendings[n] + loops / 2); /* on average */
			snprintf(name, sizeof(name), "%s: schedule, %u pending", policies[p],
				pendings[n]);
			ns = measure(b, &(struct row){name, run_next, put_back, loops});
			worst[n] = ns > worst[n] ? ns : worst[n];
			drain(b);
		}
	judge_ns("token bucket take", bucket, 5);
	judge_ns("submit, the slowest policy", submit, 50);
	judge_ns("schedule, 1,000 pending, slowest policy", worst[1], 80);
	judge_ns("schedule, 10,000 pending, slowest policy", worst[2], 120);
	for (unsigned sessions = 1; seconds > 0 && sessions <= 8; sessions += 7) {
		run_limit(b, sessions, 200 << 20, REEVE_UNLIMITED, 64 << 10, seconds);
		run_limit(b, sessions, REEVE_UNLIMITED, 2000, 4096, seconds);
	}
	reeve_close(b->r);
	free(b);
	return 0;
}
