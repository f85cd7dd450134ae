/* SPDX-License-Identifier: Apache-2.0 */
/* kit.c - see kit.h. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

bool kit_all(void)
{
	const char *all = getenv("REEVE_TEST_ALL");

	return all && strcmp(all, "1") == 0;
}

uint64_t kit_seed(const char *test)
{
	const char *given = getenv("REEVE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)kit_now();

	printf("%s: REEVE_SEED=%llu\n", test, (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

uint64_t kit_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t kit_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((kit_random(state) >> 32) % n);
}

reeve_ns kit_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (reeve_ns)t.tv_sec * REEVE_SEC + t.tv_nsec;
}

void kit_nap(reeve_ns ns)
{
	struct timespec t = {ns / REEVE_SEC, ns % REEVE_SEC};

	nanosleep(&t, NULL);
}

void kit_spin(reeve_ns ns)
{
	reeve_ns until = kit_now() + ns;

	while (kit_now() < until)
		;
}

#define NAP_NS (REEVE_MSEC / 2)
/* What a busy machine may add to a limit. */
#define MOST_LATE_NS (20 * REEVE_SEC)

struct kit_poll kit_poll_for(reeve_ns limit)
{
	return (struct kit_poll){kit_now(), limit, 0};
}

bool kit_poll_more(struct kit_poll *poll)
{
	reeve_ns before = kit_now();

	if (before - poll->began > poll->limit + poll->late)
		return false;
	kit_nap(NAP_NS);
	reeve_ns late = kit_now() - before - NAP_NS;
	if (late > REEVE_MSEC) /* all wait as long as this process did, and there are several */
		poll->late += 4 * late;
	if (poll->late > MOST_LATE_NS)
		poll->late = MOST_LATE_NS;
	return true;
}

reeve_ns kit_poll_took(const struct kit_poll *poll)
{
	return kit_now() - poll->began;
}

void *kit_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

struct reeve *kit_create(char *path, uint32_t cpu_slots)
{
	static _Atomic unsigned number;
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct reeve_parallel_config parallel;
	struct reeve_cpu_config config;
	struct reeve_error err;
	struct reeve *r;

	snprintf(path, 64, "/dev/shm/reeve-test-%ld-%u", (long)getpid(), kit_add(&number, 1));
	unlink(path);
	o.path = path;
	o.flags = REEVE_OPEN_NEW;
	o.cpu_slots = cpu_slots;
	o.max_sessions = 4096;
	o.max_tasks = 4096;
	if (reeve_open(&o, &r, &err)) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		abort();
	}
	reeve_cpu_config_get(r, &config);
	config.quantum_ns = 2 * REEVE_MSEC;
	reeve_parallel_config_get(r, &parallel);
	parallel.max_total_dop = 8; /* few, so that there is a queue */
	if (reeve_cpu_config_set(r, &config, &err) ||
		reeve_parallel_config_set(r, &parallel, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	return r;
}

struct reeve *kit_open(const char *path)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct reeve *r;

	o.path = path;
	o.flags = REEVE_OPEN_EXISTING;
	return reeve_open(&o, &r, NULL) ? NULL : r;
}

struct reeve_session *kit_session(struct reeve *r, uint64_t group)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;

	def.username = "test";
	def.group.v = group;
	return reeve_session_create(r, &def, &s, NULL) ? NULL : s;
}

static void print_fault(void *when, const char *fault)
{
	printf("FAULT %s: %s\n", (const char *)when, fault);
}

int kit_faults(struct reeve *r, const char *when)
{
	char text[160];

	snprintf(text, sizeof(text), "%s", when);
	return reeve_validate(r, print_fault, text);
}

int kit_count_faults(struct reeve *r, const char *when)
{
	static struct reeve_session_info infos[64];
	struct reeve_session_stats stats;
	uint32_t listed = 0, n;
	reeve_session_id after = {0};
	int faults = 0;

	do {
		n = reeve_session_copy(r, after, 0, infos, 64);
		listed += n;
		if (n)
			after = infos[n - 1].id;
	} while (n == 64);
	reeve_session_stats_get(r, &stats);
	if (stats.created != stats.terminated + stats.current) {
		printf("FAULT %s: %llu sessions created, %llu terminated, %u current\n", when,
			(unsigned long long)stats.created, (unsigned long long)stats.terminated,
			stats.current);
		faults++;
	}
	if (stats.current != listed) {
		printf("FAULT %s: %u sessions counted, %u listed\n", when, stats.current, listed);
		faults++;
	}
	return faults;
}

uint32_t kit_attachments_of(struct reeve *r, pid_t pid)
{
	static struct reeve_attachment_info infos[256];
	uint32_t n = reeve_attachment_copy(r, infos, 256), found = 0;

	for (uint32_t i = 0; i < n && i < 256; i++)
		found += infos[i].pid == (int32_t)pid;
	return found;
}
