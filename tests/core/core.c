/* SPDX-License-Identifier: Apache-2.0 */
/* core.c - see core.h. */
#include "core.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct reeve_error core_err;

/* ---- the host ---- */

static reeve_ns host_mono(void *self)
{
	return ((struct core_host *)self)->mono;
}

static reeve_ns host_wall(void *self)
{
	return ((struct core_host *)self)->wall;
}

static reeve_ns host_thread_cpu(void *self)
{
	return ((struct core_host *)self)->cpu;
}

static void host_wait(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline)
{
	struct core_host *h = self;

	assert_true(++h->waits < 1000000); /* nobody waits for ever */
	if (h->on_wait)
		h->on_wait(h, h->arg);
	if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == expected && deadline != REEVE_NEVER &&
		deadline > h->mono)
		core_sleep(h, deadline - h->mono);
}

static void host_wake(void *self, uint32_t *word)
{
	(void)word;
	((struct core_host *)self)->wakes++;
}

static bool host_process_alive(void *self, int32_t pid, uint64_t start_ticks)
{
	struct core_host *h = self;

	return pid >= h->dead_below && start_ticks == (uint64_t)pid * 10;
}

static uint64_t host_process_start(void *self, int32_t pid)
{
	(void)self;
	return (uint64_t)pid * 10;
}

static int32_t host_process_id(void *self)
{
	return ((struct core_host *)self)->pid;
}

static uint32_t host_cpu_count(void *self)
{
	(void)self;
	return 1;
}

static bool host_memory(void *self, struct reeve_host_memory *ret)
{
	struct core_host *h = self;

	*ret = h->memory;
	return h->memory_known;
}

void core_host_init(struct core_host *h)
{
	*h = (struct core_host){
		.host = {.self = h,
			.mono = host_mono,
			.wall = host_wall,
			.thread_cpu = host_thread_cpu,
			.wait = host_wait,
			.wake = host_wake,
			.process_alive = host_process_alive,
			.process_start = host_process_start,
			.process_id = host_process_id,
			.cpu_count = host_cpu_count,
			.memory = host_memory},
		.mono = 1000 * REEVE_SEC,
		.wall = 2000 * REEVE_SEC,
		.pid = 100,
		.dead_below = 1,
	};
}

void core_work(struct core_host *h, reeve_ns ns)
{
	h->cpu += ns;
	core_sleep(h, ns);
}

void core_sleep(struct core_host *h, reeve_ns ns)
{
	h->mono += ns;
	h->wall += ns;
}

/* ---- the segment ---- */

void core_small_options(struct reeve_options *o)
{
	*o = (struct reeve_options)REEVE_OPTIONS_INIT;
	o->cpu_slots = 1;
	o->max_attachments = 8;
	o->max_groups = 32;
	o->max_plans = 16;
	o->max_directives = 64;
	o->max_mappings = 32;
	o->max_sessions = 64;
	o->max_tasks = 128;
	o->max_events = 256;
	o->max_quotas = 64;
	o->max_allocations = 256;
	o->max_external_sessions = 16;
	o->max_io_requests = 128;
	o->max_executions = 64;
	o->max_servers = 64;
	o->max_server_pools = 8;
	o->max_rules = 128;
}

struct reeve *core_open(const struct reeve_host *host, uint32_t cpu_slots)
{
	struct reeve_options o;
	struct reeve *r = NULL;

	core_small_options(&o);
	o.host = host;
	o.cpu_slots = cpu_slots;
	assert_ok(reeve_open(&o, &r, E));
	return r;
}

static int setup(void **state, uint32_t cpu_slots)
{
	struct core *c = calloc(1, sizeof(*c));

	if (!c)
		return -1;
	core_host_init(&c->h);
	c->r = core_open(&c->h.host, cpu_slots);
	*state = c;
	return 0;
}

int core_setup(void **state)
{
	return setup(state, 1);
}

int core_setup_two_slots(void **state)
{
	return setup(state, 2);
}

int core_teardown(void **state)
{
	struct core *c = *state;

	assert_clean(c->r);
	reeve_close(c->r);
	free(c);
	return 0;
}

/* ---- judging ---- */

void core_assert_ok(int rc, const char *call, const char *file, int line)
{
	if (rc >= 0)
		return;
	print_error("%s: %d %s\n", call, rc, core_err.text);
	_fail(file, line);
}

void core_assert_fails(
	int rc, int code, const char *part, const char *call, const char *file, int line)
{
	if (rc == code && core_err.code == code && strstr(core_err.text, part))
		return;
	print_error("%s: returned %d, error %d \"%s\"; wanted %d with \"%s\"\n", call, rc,
		core_err.code, core_err.text, code, part);
	_fail(file, line);
}

static void print_fault(void *arg, const char *fault)
{
	(void)arg;
	print_error("fault: %s\n", fault);
}

void core_assert_clean(struct reeve *r, const char *file, int line)
{
	if (reeve_validate(r, print_fault, NULL) != 0)
		_fail(file, line);
}

/* ---- short ways ---- */

struct reeve_session *core_session(struct reeve *r, uint64_t group)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.username = "ada";
	def.group.v = group;
	assert_ok(reeve_session_create(r, &def, &s, E));
	return s;
}

uint64_t core_group(struct reeve *r, const char *name, uint32_t cpu_pct)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {0};

	def.name = name;
	def.cpu_allocation_pct = cpu_pct;
	assert_ok(reeve_group_create(r, &def, &id, E));
	return id.v;
}

uint64_t core_plan(struct reeve *r, const char *name, uint32_t method)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {0};

	def.name = name;
	def.cpu_method = method;
	assert_ok(reeve_plan_create(r, &def, &id, E));
	return id.v;
}

uint64_t core_directive(
	struct reeve *r, uint64_t plan, uint64_t group, const struct reeve_directive_def *def)
{
	reeve_directive_id id = {0};

	assert_ok(reeve_directive_set(
		r, (reeve_plan_id){plan}, (reeve_group_id){group}, def, &id, E));
	return id.v;
}

struct reeve_session_info core_info(struct reeve *r, const struct reeve_session *s)
{
	struct reeve_session_info info = {0};

	assert_ok(reeve_session_get(r, reeve_session_id_of(s), &info, E));
	return info;
}

struct reeve_group_info core_group_info(struct reeve *r, uint64_t group)
{
	struct reeve_group_info info = {0};

	assert_ok(reeve_group_get(r, (reeve_group_id){group}, &info, E));
	return info;
}

struct reeve_cpu_group_stats core_group_stats(struct reeve *r, uint64_t group)
{
	struct reeve_cpu_group_stats stats = {0};

	assert_ok(reeve_cpu_group_stats_get(r, (reeve_group_id){group}, &stats, E));
	return stats;
}

struct reeve_segment_info core_segment(struct reeve *r)
{
	struct reeve_segment_info info = {0};

	reeve_segment_get(r, &info);
	return info;
}

/* ---- files ---- */

static char directory[64];

void core_path(char *to, size_t size, const char *name)
{
	if (!*directory) {
		struct stat st;
		bool shm = stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0;
		snprintf(directory, sizeof(directory), "%s/reeve-test-XXXXXX",
			shm ? "/dev/shm" : "/tmp");
		assert_non_null(mkdtemp(directory));
	}
	snprintf(to, size, "%s/%s", directory, name);
}

void core_path_remove(void)
{
	struct dirent *entry;
	DIR *dir;

	if (!*directory || !(dir = opendir(directory)))
		return;
	while ((entry = readdir(dir))) {
		char path[400];
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			unlink(path) != 0)
			rmdir(path);
	}
	closedir(dir);
	rmdir(directory);
	*directory = 0;
}

/* ---- chance ---- */

uint64_t core_seed(const char *test)
{
	const char *given = getenv("REEVE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 0;

	if (!given && getrandom(&seed, 4, 0) != 4)
		seed = 1;
	print_message("%s: REEVE_SEED=%llu\n", test, (unsigned long long)seed);
	return seed;
}

uint64_t core_steps(uint64_t usual)
{
	const char *all = getenv("REEVE_TEST_ALL");

	return all && strcmp(all, "1") == 0 && usual < 1000000 ? 1000000 : usual;
}

uint64_t core_below(struct sim_random *random, uint64_t n)
{
	return sim_random_next(random) % n;
}
