/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - what the memory manager's calls cost, beside the floor of this machine in the same run,
 * with one thread and with two, at 10, 1,000 and 10,000 objects (sessions with a quota, or live
 * allocations). ns of one pair of calls, minimum and median.
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

enum { REPEATS = 31, LOOPS = 20000, THREADS = 2 };

/* One thread's own. */
struct lane {
	_Alignas(128) _Atomic uint64_t counter;
	pthread_mutex_t mutex;
	struct reeve *reeve;
	struct reeve_session *session;
	uint64_t index;
};

struct row {
	const char *name;
	void (*run)(struct lane *lane, unsigned loops);
	double bar;	   /* ns; 0: a floor */
	bool with_objects; /* measured at several numbers of objects */
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void must(int rc)
{
	if (rc < 0)
		abort();
}

static void run_atomic(struct lane *lane, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++)
		atomic_fetch_add(&lane->counter, 1);
}

static void run_mutex(struct lane *lane, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		pthread_mutex_lock(&lane->mutex);
		lane->index++;
		pthread_mutex_unlock(&lane->mutex);
	}
}

static void run_syscall(struct lane *lane, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++)
		lane->index += (uint64_t)syscall(SYS_getppid);
}

static void run_charge(struct lane *lane, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		must(reeve_memory_charge(lane->session, REEVE_MEMORY_PGA, 1000, NULL));
		must(reeve_memory_release(lane->session, REEVE_MEMORY_PGA, 1000, NULL));
	}
}

/* Larger than any credit: the way through the lock. */
static void run_refill(struct lane *lane, unsigned loops)
{
	for (unsigned i = 0; i < loops; i++) {
		must(reeve_memory_charge(lane->session, REEVE_MEMORY_PGA, 4000000, NULL));
		must(reeve_memory_release(lane->session, REEVE_MEMORY_PGA, 4000000, NULL));
	}
}

static void run_allocate(struct lane *lane, unsigned loops)
{
	reeve_allocation_id id;

	for (unsigned i = 0; i < loops; i++) {
		must(reeve_memory_allocate(lane->reeve, (reeve_pool_id){REEVE_POOL_BUFFER_CACHE},
			1000, (reeve_session_id){0}, NULL, &id, NULL));
		must(reeve_memory_free(lane->reeve, id, (reeve_session_id){0}, NULL));
	}
}

/* Of a working set that the curve samples at its full rate, and of one that it samples rarely. */
static void access_pages(struct lane *lane, unsigned loops, uint64_t pages)
{
	for (unsigned i = 0; i < loops; i++) {
		lane->index = lane->index * 6364136223846793005u + 1442695040888963407u;
		reeve_memory_access(lane->reeve, (reeve_pool_id){REEVE_POOL_BUFFER_CACHE},
			(lane->index >> 33) % pages);
	}
}

static void run_access(struct lane *lane, unsigned loops)
{
	access_pages(lane, loops, 4000000);
}

static void run_stats(struct lane *lane, unsigned loops)
{
	struct reeve_memory_pressure p;

	for (unsigned i = 0; i < loops; i++) {
		reeve_memory_pressure_get(lane->reeve, &p);
		lane->index += p.level;
	}
}

static const struct row rows[] = {
	{"atomic add", run_atomic, 0, false},
	{"mutex pair", run_mutex, 0, false},
	{"system call", run_syscall, 0, false},
	{"charge + release, from credit", run_charge, 15, true},
	{"charge + release, 4 MB through the lock", run_refill, 0, true},
	{"pool allocation + free, with handle", run_allocate, 50, true},
	{"page access, 4 million pages", run_access, 0, false},
	{"pressure, consistent", run_stats, 1000, false},
};

struct job {
	struct lane lane;
	const struct row *row;
	pthread_barrier_t *barrier;
	double times[REPEATS];
};

static void *run_job(void *arg)
{
	struct job *job = arg;

	job->row->run(&job->lane, LOOPS); /* warm, and the curve has settled */
	for (int i = 0; i < REPEATS; i++) {
		pthread_barrier_wait(job->barrier);
		double began = now_ns();
		job->row->run(&job->lane, LOOPS);
		job->times[i] = (now_ns() - began) / LOOPS;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct reeve_session *new_session(struct reeve *reeve)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *session;

	def.username = "bench";
	must(reeve_session_create(reeve, &def, &session, NULL));
	return session;
}

/* The slower of the threads, each time. */
static void measure(struct reeve *reeve, const struct row *row, unsigned threads, double *ret_min,
	double *ret_median)
{
	static struct job jobs[THREADS];
	pthread_barrier_t barrier;
	pthread_t ids[THREADS];

	pthread_barrier_init(&barrier, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		memset(&jobs[i], 0, sizeof(jobs[i]));
		pthread_mutex_init(&jobs[i].lane.mutex, NULL);
		jobs[i].lane.reeve = reeve;
		jobs[i].lane.session = new_session(reeve);
		jobs[i].lane.index = i + 1;
		jobs[i].row = row;
		jobs[i].barrier = &barrier;
		pthread_create(&ids[i], NULL, run_job, &jobs[i]);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	pthread_barrier_destroy(&barrier);
	for (unsigned t = 1; t < threads; t++)
		for (int i = 0; i < REPEATS; i++)
			if (jobs[t].times[i] > jobs[0].times[i])
				jobs[0].times[i] = jobs[t].times[i];
	qsort(jobs[0].times, REPEATS, sizeof(double), by_value);
	*ret_min = jobs[0].times[0];
	*ret_median = jobs[0].times[REPEATS / 2];
	for (unsigned i = 0; i < threads; i++)
		reeve_session_destroy(jobs[i].lane.session);
}

static void print_row(struct reeve *reeve, const struct row *row, unsigned objects)
{
	char name[80];
	double min[2], median[2];

	for (unsigned threads = 1; threads <= THREADS; threads++)
		measure(reeve, row, threads, &min[threads - 1], &median[threads - 1]);
	snprintf(name, sizeof(name), row->with_objects ? "%s, %u objects" : "%s", row->name,
		objects);
	printf("%-56s %8.1f %8.1f %8.1f %8.1f", name, min[0], median[0], min[1], median[1]);
	if (row->bar > 0)
		printf("   bar %4.0f %s", row->bar, min[0] <= row->bar ? "PASS" : "MISS");
	printf("\n");
	fflush(stdout);
}

/* So many sessions that hold memory, and as many allocations. */
static void add_objects(struct reeve *reeve, unsigned *have, unsigned want)
{
	reeve_allocation_id id;

	for (; *have < want; ++*have) {
		must(reeve_memory_charge(new_session(reeve), REEVE_MEMORY_PGA, 100, NULL));
		must(reeve_memory_allocate(reeve, (reeve_pool_id){REEVE_POOL_SHARED}, 100,
			(reeve_session_id){0}, NULL, &id, NULL));
	}
}

int main(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	static const unsigned numbers[] = {10, 1000, 10000};
	unsigned have = 0;
	struct reeve_error err;
	struct reeve *reeve;

	options.cpu_slots = THREADS;
	if (reeve_open(&options, &reeve, &err) != 0) {
		fprintf(stderr, "bench_memory: %s\n", err.text);
		return 1;
	}
	printf("%-56s %8s %8s %8s %8s\n", "ns of one pair", "min", "median", "2 thr.", "median");
	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		add_objects(reeve, &have, numbers[n]);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (n == 0 || rows[i].with_objects)
				print_row(reeve, &rows[i], numbers[n]);
	}
	reeve_close(reeve);
	return 0;
}
