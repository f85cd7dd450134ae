/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what joins the modules: statistics of one moment, rebalancing, admission to everything. */
#include "core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>

#include "../../src/engine/engine.h"
#include "../../src/engine/memory.h"

/* ---- statistics ---- */

static void statistics_begin_at_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_stats s;

	core_sleep(&c->h, 3 * REEVE_SEC);
	assert_ok(reeve_stats_get(c->r, &s, E));
	assert_true(s.active_plan.v == 1);
	assert_true(s.uptime_ns == 3 * REEVE_SEC && s.taken_wall == c->h.wall);
	assert_true(s.memory_usage_ppm == 0 && s.memory_level == REEVE_PRESSURE_NONE);
	assert_true(s.memory.limit_bytes == REEVE_MEMORY_DB_DEFAULT);
	assert_true(s.sessions.created == 0 && s.cpu.scheduled == 0 && s.io.total == 0);
	assert_true(s.parallel.parallel + s.parallel.serial == 0);
	assert_fails(reeve_stats_get(NULL, &s, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_stats_get(c->r, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_stats is NULL");
}

/* What the modules say one by one is what they say together. */
static void statistics_are_those_of_the_modules(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 2), *b = core_session(c->r, 3);
	reeve_allocation_id held;
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_parallel p;
	struct reeve_session_stats sessions;
	struct reeve_memory_stats memory;
	struct reeve_parallel_stats parallel;
	struct reeve_cpu_stats cpu;
	struct reeve_io_stats io;
	struct reeve_stats s;

	c->h.memory_known = true;
	c->h.memory = (struct reeve_host_memory){.system_bytes = 1 << 30,
		.container_limit_bytes = REEVE_UNLIMITED,
		.resident_bytes = 12345};
	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = 4;
	assert_ok(reeve_query_begin(a, NULL, E));
	assert_ok(reeve_parallel_begin(a, &def, &p, E));
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){2}, REEVE_MEMORY_DB_DEFAULT / 8,
		(reeve_session_id){0}, NULL, &held, E));
	assert_ok(reeve_stats_get(c->r, &s, E));
	assert_int_equal(s.sessions.current, 2);
	assert_int_equal(s.sessions.current_active, 1);
	assert_int_equal(s.cpu.running, 1);
	assert_int_equal(s.parallel.current_total_dop, 4);
	assert_int_equal(s.memory_usage_ppm, 125000);
	assert_true(s.memory.resident_bytes == 12345 && s.memory.system_bytes == 1 << 30);
	reeve_session_stats_get(c->r, &sessions);
	reeve_memory_stats_get(c->r, &memory);
	reeve_parallel_stats_get(c->r, &parallel);
	reeve_cpu_stats_get(c->r, &cpu);
	reeve_io_stats_get(c->r, &io);
	assert_memory_equal(&s.sessions, &sessions, sizeof(sessions));
	assert_true(memcmp(&s.memory, &memory, offsetof(struct reeve_memory_stats, level)) == 0);
	assert_memory_equal(&s.parallel, &parallel, sizeof(parallel));
	assert_true(s.cpu.cpu_ns == cpu.cpu_ns && s.cpu.total_shares == cpu.total_shares);
	assert_true(s.cpu.running == cpu.running && s.cpu.scheduled == cpu.scheduled);
	assert_true(s.io.total == io.total && s.io.policy == io.policy);
	assert_ok(reeve_parallel_end(&p, NULL, E));
	reeve_query_end(a, NULL);
	assert_ok(reeve_memory_free(c->r, held, (reeve_session_id){0}, E));
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* Looks from the clock, which is read under each lock, whether all of them are held at once. */
struct watch {
	struct core *c;
	reeve_ns (*mono)(void *self);
	bool all_held;
};
static struct watch watch;

static bool is_held(struct reeve_sh_lock *lock)
{
	if (pthread_mutex_trylock(&lock->mutex) != 0)
		return true;
	pthread_mutex_unlock(&lock->mutex);
	return false;
}

static reeve_ns watching_mono(void *self)
{
	struct reeve *r = watch.c->r;

	watch.all_held |= is_held(&r->header->session_lock) && is_held(&r->control->lock) &&
			  is_held(&r->parallel->lock) && is_held(&r->memory->lock) &&
			  is_held(&r->cpu->lock) && is_held(&r->io->lock);
	return watch.mono(self);
}

/* Manager, line 16: five separate locks, one after another; the snapshot was of five moments. */
static void manager_16_statistics_are_of_one_moment(void **state)
{
	struct core *c = *state;
	struct reeve_stats s;

	watch = (struct watch){c, c->h.host.mono, false};
	c->h.host.mono = watching_mono;
	assert_ok(reeve_stats_get(c->r, &s, E));
	c->h.host.mono = watch.mono;
	assert_true(watch.all_held);
}

struct worker {
	struct reeve *r;
	_Atomic bool stop;
};

static void *run_statements(void *arg)
{
	struct worker *w = arg;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;

	def.username = "worker";
	if (reeve_session_create(w->r, &def, &s, NULL))
		abort();
	while (!atomic_load(&w->stop)) {
		if (reeve_query_begin(s, NULL, NULL))
			abort();
		if (reeve_memory_charge(s, REEVE_MEMORY_PGA, 4096, NULL) ||
			reeve_memory_release(s, REEVE_MEMORY_PGA, 4096, NULL))
			abort();
		reeve_query_end(s, NULL);
	}
	reeve_session_destroy(s);
	return NULL;
}

static void more_never_runs_than_is_active(void **state)
{
	struct worker w = {core_open(NULL, 2), false};
	pthread_t threads[2];
	struct reeve_stats s;

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run_statements, &w), 0);
	for (int i = 0; i < 2000; i++) {
		assert_ok(reeve_stats_get(w.r, &s, E));
		assert_true(s.cpu.running <= s.sessions.current_active);
		assert_true(s.sessions.current_active <= s.sessions.current);
		assert_true(s.sessions.created - s.sessions.terminated == s.sessions.current);
		assert_true(s.memory.used_bytes == s.memory.pool_bytes + s.memory.session_bytes);
	}
	atomic_store(&w.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_clean(w.r);
	reeve_close(w.r);
}

/* ---- rebalancing ---- */

static uint64_t max_of(struct reeve *r, uint64_t pool)
{
	struct reeve_pool_info info;

	assert_ok(reeve_pool_get(r, (reeve_pool_id){pool}, &info, E));
	return info.max_bytes;
}

static void set_strategy(struct reeve *r, uint32_t strategy)
{
	struct reeve_memory_config k;

	reeve_memory_config_get(r, &k);
	k.strategy = strategy;
	assert_ok(reeve_memory_config_set(r, &k, E));
}

/* Manager, line 14: it told of adjustments that nobody had made. */
static void manager_14_rebalancing_tells_what_it_did(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_rebalancing_report p;
	uint64_t before = max_of(c->r, 3);

	/* The first takes up the weights of the plan that a new segment is under; the second has nothing
	   to do, and says nothing. */
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(p.action_count, p.cpu_groups != 0);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(p.cpu_groups, 0);
	assert_true(p.memory_pools == 0 && p.recommendations == 0 && p.action_count == 0);
	/* An idle pool that the advisor may judge: told under MANUAL, and that is all. */
	def.auto_tune = true;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_AUTO_TUNE, &def, E));
	set_strategy(c->r, REEVE_STRATEGY_MANUAL);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(p.recommendations, 1);
	assert_true(p.memory[0].applied_bytes == 0 && p.memory_pools == 0);
	assert_int_equal(p.action_count, p.io_devices ? 1 : 0);
	assert_true(max_of(c->r, 3) == before);
	/* Applied under AUTOMATIC, and the sentence has the numbers. */
	set_strategy(c->r, REEVE_STRATEGY_AUTOMATIC);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(p.memory_pools, 1);
	assert_true(p.memory[0].applied_bytes == max_of(c->r, 3) && max_of(c->r, 3) < before);
	assert_non_null(strstr(p.actions[p.action_count - 1], "memory pool SHARED_POOL goes from"));
	assert_true(p.taken_wall == c->h.wall);
	assert_ok(reeve_rebalance(c->r, NULL, E));
	assert_fails(reeve_rebalance(NULL, &p, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
}

static void rebalancing_measures_devices_that_time_has_passed_for(void **state)
{
	struct core *c = *state;
	struct reeve_rebalancing_report p;

	assert_ok(reeve_rebalance(c->r, &p, E)); /* the first look has nothing to compare with */
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_true(p.io_devices == 0 && p.action_count == 0);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(p.io_devices, 1);
	assert_string_equal(p.actions[0], "the load of 1 I/O devices was measured");
}

/* ---- admission ---- */

static struct reeve_execute_def whole(struct reeve_parallel_def *parallel)
{
	struct reeve_execute_def def = REEVE_EXECUTE_DEF_INIT;

	*parallel = (struct reeve_parallel_def)REEVE_PARALLEL_DEF_INIT;
	parallel->mode = REEVE_PARALLEL_MANUAL;
	parallel->requested_dop = 4;
	def.parallel = parallel;
	def.work_area_bytes = 1 << 20;
	return def;
}

static void assert_nothing_held(struct reeve *r, struct reeve_session *s)
{
	struct reeve_stats all;
	struct reeve_memory_quota_info quota;

	assert_ok(reeve_stats_get(r, &all, E));
	assert_int_equal(all.sessions.current_active, 0);
	assert_int_equal(all.sessions.current_queued, 0);
	assert_int_equal(all.cpu.running + all.cpu.ready, 0);
	assert_int_equal(all.parallel.current_total_dop, 0);
	assert_int_equal(all.parallel.queued_now + all.parallel.executing_now, 0);
	if (reeve_memory_quota_get(r, reeve_session_id_of(s), &quota, NULL) == 0)
		assert_true(quota.work_area_bytes == 0 && quota.pga_bytes == 0);
	assert_clean(r);
}

static void a_statement_gets_everything_and_gives_it_back(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_memory_quota_info quota;
	struct reeve_parallel_def parallel;
	struct reeve_execute_def def = whole(&parallel);
	struct reeve_query_usage usage;
	struct reeve_execute x;
	struct reeve_stats all;

	assert_ok(reeve_execute_begin(s, &def, &x, E));
	assert_true(x.is_parallel && x.dop == 4 && x.work_area_bytes == 1 << 20);
	assert_int_equal(reeve_parallel_dop(&x.parallel), 4);
	assert_ok(reeve_stats_get(c->r, &all, E));
	assert_true(all.sessions.current_active == 1 && all.cpu.running == 1);
	assert_int_equal(all.parallel.current_total_dop, 4);
	assert_ok(reeve_memory_quota_get(c->r, reeve_session_id_of(s), &quota, E));
	assert_true(quota.work_area_bytes == 1 << 20);
	core_work(&c->h, 5 * REEVE_MSEC);
	assert_ok(reeve_execute_end(&x, NULL, &usage, E));
	assert_true(usage.cpu_ns == 5 * REEVE_MSEC && usage.group.v == 2);
	assert_nothing_held(c->r, s);
	assert_fails(reeve_execute_end(&x, NULL, NULL, E), REEVE_EINVALID_STATE, "been ended");
	/* Serial, without memory: a statement like any other. */
	def = (struct reeve_execute_def)REEVE_EXECUTE_DEF_INIT;
	assert_ok(reeve_execute_begin(s, &def, &x, E));
	assert_true(!x.is_parallel && x.dop == 1 && x.work_area_bytes == 0);
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_EINVALID_STATE, "");
	assert_ok(reeve_execute_end(&x, NULL, NULL, E));
	assert_fails(reeve_execute_begin(NULL, &def, &x, E), REEVE_EINVALID_ARGUMENT, "session");
	assert_fails(reeve_execute_begin(s, NULL, &x, E), REEVE_EINVALID_ARGUMENT, "def");
	assert_fails(reeve_execute_begin(s, &def, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_execute");
	assert_fails(reeve_execute_end(NULL, NULL, NULL, E), REEVE_EINVALID_ARGUMENT, "execute");
	reeve_session_destroy(s);
}

/* Manager, line 12: what was had before the failure was never given back. */
static void manager_12_a_failed_admission_leaves_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2), *other = core_session(c->r, 2);
	struct reeve_parallel_def parallel;
	struct reeve_execute_def def = whole(&parallel);
	struct reeve_execute x, untouched;

	memset(&x, 0x5a, sizeof(x));
	untouched = x;
	/* The pool is full, and does not queue. */
	assert_ok(reeve_session_pool_configure(c->r, (reeve_group_id){2}, 1, REEVE_SEC, false, E));
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(other), E));
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_ERESOURCE_EXHAUSTED,
		"maxActiveSessions is 1, and it does not queue");
	assert_ok(reeve_session_complete(c->r, reeve_session_id_of(other), E));
	assert_nothing_held(c->r, s);
	/* An estimate that makes no sense. */
	def.query.estimated_cpu_ns = -1;
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_EINVALID_ARGUMENT, "estimated");
	def.query.estimated_cpu_ns = 0;
	assert_nothing_held(c->r, s);
	/* More servers than there can be. */
	parallel.requested_dop = 1000;
	parallel.downgrade = REEVE_DOWNGRADE_NO;
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_ERESOURCE_EXHAUSTED, "1000");
	assert_nothing_held(c->r, s);
	/* The last of all: memory. */
	parallel.requested_dop = 4;
	def.work_area_bytes = REEVE_MEMORY_PGA_DEFAULT;
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_ERESOURCE_EXHAUSTED, "work area");
	assert_nothing_held(c->r, s);
	assert_memory_equal(&x, &untouched, sizeof(x));
	/* The one place of the pool is free: it can be had at once. */
	def.work_area_bytes = 4096;
	assert_ok(reeve_execute_begin(s, &def, &x, E));
	assert_ok(reeve_execute_end(&x, "not needed", NULL, E));
	assert_nothing_held(c->r, s);
	reeve_session_destroy(other);
	reeve_session_destroy(s);
}

static void cancel_who_waits(struct core_host *h, void *arg)
{
	struct reeve_execution_info info;
	struct core *c = arg;

	if (reeve_execution_queue_copy(c->r, &info, 1) == 1)
		assert_ok(reeve_execution_cancel(c->r, info.id, E));
	h->on_wait = NULL;
}

/* Manager, line 13: a parallel statement that was still queued kept its session's slot for ever. */
static void manager_13_a_queued_parallel_request_given_up_frees_the_slot(void **state)
{
	struct core *c = *state;
	struct reeve_session *holder = core_session(c->r, 3), *s = core_session(c->r, 2);
	struct reeve_parallel_def parallel, all;
	struct reeve_execute_def def = whole(&parallel);
	struct reeve_parallel_config k;
	struct reeve_execution_info held;
	struct reeve_execute x;

	assert_ok(reeve_session_pool_configure(c->r, (reeve_group_id){2}, 1, REEVE_SEC, false, E));
	reeve_parallel_config_get(c->r, &k);
	k.max_total_dop = 4;
	assert_ok(reeve_parallel_config_set(c->r, &k, E));
	whole(&all);
	assert_ok(reeve_execution_request(
		c->r, reeve_session_id_of(holder).v, (reeve_group_id){0}, &all, &held, E));
	assert_int_equal(held.granted_dop, 4);
	/* Cancelled by another, then out of time. */
	c->h.arg = c;
	c->h.on_wait = cancel_who_waits;
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_ECANCELLED, "");
	def.query.deadline = c->h.mono + 2 * REEVE_SEC;
	assert_fails(reeve_execute_begin(s, &def, &x, E), REEVE_ETIMEOUT, "");
	assert_true(c->h.mono <= def.query.deadline + REEVE_SEC / 10);
	assert_ok(reeve_execution_complete(c->r, held.id, NULL, E));
	assert_nothing_held(c->r, s);
	def.query.deadline = REEVE_NEVER;
	assert_ok(reeve_execute_begin(s, &def, &x, E));
	assert_ok(reeve_execute_end(&x, NULL, NULL, E));
	assert_nothing_held(c->r, s);
	reeve_session_destroy(holder);
	reeve_session_destroy(s);
}

/* Somebody else ends the session: all is returned once, and the end has nothing left to do. */
static void the_end_after_a_kill_gives_back_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2), *other = core_session(c->r, 2);
	struct reeve_parallel_def parallel;
	struct reeve_execute_def def = whole(&parallel);
	struct reeve_execute x;

	assert_ok(reeve_execute_begin(s, &def, &x, E));
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s), E));
	assert_int_equal(reeve_checkpoint(s), REEVE_EKILLED);
	assert_ok(reeve_execute_end(&x, "killed", NULL, E));
	assert_nothing_held(c->r, s);
	reeve_session_destroy(s);
	reeve_session_destroy(other);
}

/* ---- the container ---- */

/* A made-up file system: `text` in the file `path` below `root`. */
static void put(const char *root, const char *path, const char *text)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = strchr(full + strlen(root) + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		mkdir(full, 0700);
		*at = '/';
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void new_root(char *root, size_t size)
{
	snprintf(root, size, "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(root));
}

static void drop_root(const char *root)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void limits_of_version_2_are_read(void **state)
{
	struct reeve_container_limits k;
	char root[64];

	(void)state;
	new_root(root, sizeof(root));
	assert_false(reeve__host_container(root, &k)); /* nothing there */
	put(root, "/proc/self/cgroup", "0::/db.slice/one\n");
	assert_false(reeve__host_container(root, &k)); /* no tree is mounted */
	put(root, "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory\n");
	assert_true(reeve__host_container(root, &k));
	assert_int_equal(k.version, 2);
	assert_true(k.cpu_quota_ppm == REEVE_UNLIMITED && k.throttled_us == REEVE_UNLIMITED);
	assert_true(k.cpu_count == 0 && k.memory_limit_bytes == REEVE_UNLIMITED);
	put(root, "/sys/fs/cgroup/db.slice/one/cpu.max", "max 100000\n");
	assert_true(reeve__host_container(root, &k));
	assert_true(k.cpu_quota_ppm == REEVE_UNLIMITED);
	/* The parent's is the tightest. */
	put(root, "/sys/fs/cgroup/db.slice/one/cpu.max", "400000 100000\n");
	put(root, "/sys/fs/cgroup/db.slice/cpu.max", "150000 100000\n");
	put(root, "/sys/fs/cgroup/db.slice/one/cpu.stat",
		"usage_usec 99\nnr_periods 4\nnr_throttled 2\nthrottled_usec 12345\n");
	put(root, "/sys/fs/cgroup/db.slice/one/cpuset.cpus.effective", "0-3,8,64-65\n");
	put(root, "/sys/fs/cgroup/db.slice/one/memory.current", "700\n");
	put(root, "/sys/fs/cgroup/db.slice/one/memory.max", "1000\n");
	assert_true(reeve__host_container(root, &k));
	assert_true(k.cpu_quota_ppm == 1500000);
	assert_true(k.throttled_us == 12345);
	assert_int_equal(k.cpu_count, 7);
	assert_true(k.cpu_set[0] == 0x10f && k.cpu_set[1] == 3 && k.cpu_set[2] == 0);
	assert_true(k.memory_limit_bytes == 1000 && k.memory_used_bytes == 700);
	/* Nonsense is no limit. */
	put(root, "/sys/fs/cgroup/db.slice/cpu.max", "rubbish\n");
	put(root, "/sys/fs/cgroup/db.slice/one/cpu.max", "5\n");
	put(root, "/sys/fs/cgroup/db.slice/one/cpuset.cpus.effective", "3-1,2000-4000000000,7\n");
	assert_true(reeve__host_container(root, &k));
	assert_true(k.cpu_quota_ppm == REEVE_UNLIMITED);
	assert_true(k.cpu_count == 1 && k.cpu_set[0] == 0x80);
	drop_root(root);
}

static void limits_of_version_1_are_read(void **state)
{
	struct reeve_container_limits k;
	char root[64];

	(void)state;
	new_root(root, sizeof(root));
	put(root, "/proc/self/cgroup",
		"5:cpuset:/host/path\n4:cpuacct,cpu:/a/b\n3:memory:/a\n1:name=systemd:/x\n0::/\n");
	assert_false(reeve__host_container(root, &k));
	put(root, "/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
	put(root, "/sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
	assert_true(reeve__host_container(root, &k));
	assert_int_equal(k.version, 1);
	assert_true(k.cpu_quota_ppm == REEVE_UNLIMITED && k.cpu_count == 0);
	put(root, "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n");
	put(root, "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "200000\n");
	put(root, "/sys/fs/cgroup/cpu/a/b/cpu.stat",
		"nr_periods 4\nnr_throttled 2\nthrottled_time 7000999\n");
	/* The path is the host's, the mount ours. */
	put(root, "/sys/fs/cgroup/cpuset/cpuset.cpus", "1,3\n");
	put(root, "/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "900\n");
	put(root, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n");
	assert_true(reeve__host_container(root, &k));
	assert_true(k.cpu_quota_ppm == 250000 && k.throttled_us == 7000);
	assert_true(k.cpu_count == 2 && k.cpu_set[0] == 0xa);
	assert_true(k.memory_limit_bytes == 1000 && k.memory_used_bytes == 900);
	drop_root(root);
}

static uint64_t told_quota_ppm;
static uint32_t told_cpus;

static bool tell_container(void *self, struct reeve_container_limits *ret)
{
	(void)self;
	*ret = (struct reeve_container_limits){.version = 2,
		.cpu_quota_ppm = told_quota_ppm,
		.memory_limit_bytes = REEVE_UNLIMITED};
	return told_quota_ppm != 0;
}

static uint32_t tell_cpus(void *self)
{
	(void)self;
	return told_cpus;
}

/* Manager, line 3: "container-aware limits" that nothing read. */
static void manager_03_the_container_s_quota_bounds_the_cpu_slots(void **state)
{
	static const struct {
		uint64_t quota_ppm;
		uint32_t cpus, options, slots;
	} rows[] = {
		{REEVE_UNLIMITED, 4, 0, 4}, /* no quota: the processors */
		{0, 4, 0, 4},		    /* nothing is known */
		{1500000, 4, 0, 2},	    /* rounded up */
		{2000000, 4, 0, 2},
		{250000, 4, 0, 1},
		{1, 4, 0, 1},
		{9000000, 4, 0, 4}, /* never more than processors */
		{3999999, 4, 0, 4},
		{1500000, 4, 3, 3}, /* said by the caller */
		{REEVE_UNLIMITED, 5000, 0, 1024},
	};
	struct reeve_container_limits k;
	struct core_host h;

	(void)state;
	core_host_init(&h);
	h.host.cpu_count = tell_cpus;
	h.host.container = tell_container;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		told_quota_ppm = rows[i].quota_ppm;
		told_cpus = rows[i].cpus;
		struct reeve *r = core_open(&h.host, rows[i].options);
		assert_int_equal(core_segment(r).cpu_slots, rows[i].slots);
		if (told_quota_ppm) {
			assert_ok(reeve_container_get(r, &k, E));
			assert_true(k.version == 2 && k.cpu_quota_ppm == told_quota_ppm);
		} else {
			assert_fails(reeve_container_get(r, &k, E), REEVE_ENOT_FOUND, "");
		}
		assert_fails(
			reeve_container_get(r, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_limits");
		reeve_close(r);
	}
	assert_fails(reeve_container_get(NULL, &k, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
}

/* ---- settings ---- */

/* All fields but the revision. */
static bool same_settings(
	const struct reeve_manager_config *a, const struct reeve_manager_config *b)
{
	return a->cpu_cores == b->cpu_cores && a->total_memory == b->total_memory &&
	       a->max_db_memory == b->max_db_memory && a->io_parallelism == b->io_parallelism &&
	       a->max_concurrent_io == b->max_concurrent_io &&
	       a->max_total_dop == b->max_total_dop && a->cpu_policy == b->cpu_policy &&
	       a->io_policy == b->io_policy && a->memory_strategy == b->memory_strategy &&
	       a->rebalancing_period_ns == b->rebalancing_period_ns &&
	       a->global_session_limit == b->global_session_limit && a->enabled == b->enabled &&
	       a->dynamic_rebalancing == b->dynamic_rebalancing &&
	       a->container_aware == b->container_aware && a->ml_predictions == b->ml_predictions;
}

static void settings_are_of_all_modules(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_config parallel;
	struct reeve_memory_config memory;
	struct reeve_manager_config k, got;
	struct reeve_io_config io;
	struct reeve_cpu_config cpu;

	assert_ok(reeve_manager_config_get(c->r, &k, E));
	assert_true(k.max_db_memory == REEVE_MEMORY_DB_DEFAULT && k.io_parallelism == 32);
	assert_true(k.max_concurrent_io == 128 && k.max_total_dop == 128);
	assert_true(k.rebalancing_period_ns == 60 * REEVE_SEC);
	assert_true(k.global_session_limit == UINT32_MAX && k.cpu_policy == 0 && k.io_policy == 0);
	assert_true(k.enabled && k.dynamic_rebalancing && k.container_aware && !k.ml_predictions);
	k.max_db_memory /= 2;
	k.io_parallelism = 7;
	k.max_concurrent_io = 9;
	k.max_total_dop = 11;
	k.cpu_policy = 2;
	k.io_policy = 1;
	k.memory_strategy = REEVE_STRATEGY_HYBRID;
	k.rebalancing_period_ns = 5 * REEVE_SEC;
	k.global_session_limit = 13;
	k.cpu_cores = 6;
	/* Only what is named. */
	assert_ok(reeve_manager_config_set(c->r, REEVE_MANAGER_IO_PARALLELISM, &k, E));
	assert_ok(reeve_manager_config_get(c->r, &got, E));
	assert_true(got.io_parallelism == 7 && got.max_total_dop == 128 && got.cpu_policy == 0);
	assert_ok(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E));
	assert_ok(reeve_manager_config_get(c->r, &got, E));
	assert_true(got.revision > k.revision);
	assert_true(same_settings(&got, &k));
	/* In force where it counts. */
	reeve_parallel_config_get(c->r, &parallel);
	reeve_memory_config_get(c->r, &memory);
	reeve_io_config_get(c->r, &io);
	reeve_cpu_config_get(c->r, &cpu);
	assert_true(parallel.max_total_dop == 11 && parallel.cpu_cores == 6);
	assert_true(memory.db_limit_bytes == k.max_db_memory && memory.strategy == 2);
	assert_true(io.max_concurrent == 9 && io.policy == 1 && cpu.policy == 2);
}

/* Manager, line 4: settings that nothing ever used were taken without a word. */
static void manager_04_settings_that_nothing_enforces_are_refused(void **state)
{
	struct core *c = *state;
	struct reeve_manager_config k, before, got;
	reeve_allocation_id id;

	assert_ok(reeve_manager_config_get(c->r, &before, E));
	k = before;
	k.enabled = false;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E),
		REEVE_EINVALID_ARGUMENT, "enabled is false; allowed is true");
	k = before;
	k.dynamic_rebalancing = false;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E),
		REEVE_EINVALID_ARGUMENT, "enableDynamicRebalancing is false");
	k = before;
	k.container_aware = false;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E),
		REEVE_EINVALID_ARGUMENT, "containerAware is false");
	k = before;
	k.ml_predictions = true;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E),
		REEVE_EINVALID_ARGUMENT, "enableMlPredictions is true; allowed is false");
	assert_fails(reeve_manager_config_set(c->r, 1u << 14, &before, E), REEVE_EINVALID_ARGUMENT,
		"fields is 0x4000");
	/* The last module refuses, for what it holds: the others are as they were. */
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){2}, REEVE_MEMORY_DB_DEFAULT / 4,
		(reeve_session_id){0}, NULL, &id, E));
	k = before;
	k.cpu_policy = 1;
	k.io_policy = 1;
	k.max_total_dop = 5;
	k.global_session_limit = 5;
	k.max_db_memory = REEVE_MEMORY_DB_DEFAULT / 8;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E), REEVE_ECONFLICT, "");
	k.max_db_memory = 1;
	assert_fails(reeve_manager_config_set(c->r, REEVE_MANAGER_ALL, &k, E),
		REEVE_EINVALID_ARGUMENT, "");
	assert_ok(reeve_manager_config_get(c->r, &got, E));
	assert_true(same_settings(&got, &before));
	assert_ok(reeve_memory_free(c->r, id, (reeve_session_id){0}, E));
	assert_fails(
		reeve_manager_config_get(NULL, &k, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(
		reeve_manager_config_get(c->r, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_config");
	assert_fails(
		reeve_manager_config_set(NULL, 0, &k, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_manager_config_set(c->r, 0, NULL, E), REEVE_EINVALID_ARGUMENT, "config");
}

/* ---- events ---- */

/* How many events of a kind there are above `after`; *ret_last (may be NULL): the last. */
static uint32_t events_of(
	struct reeve *r, uint64_t after, uint32_t kind, struct reeve_event *ret_last)
{
	struct reeve_event e;
	uint64_t next;
	uint32_t n = 0;

	while (reeve_event_copy(r, after, &e, 1, &next, NULL) == 1) {
		if (e.kind == kind && ret_last)
			*ret_last = e;
		n += e.kind == kind;
		after = next;
	}
	return n;
}

static void pressure_is_told_once_a_crossing(void **state)
{
	struct core *c = *state;
	struct reeve_event e;
	reeve_allocation_id ids[20];
	char text[200];

	/* 61 % in twenty steps, then down again: one crossing each way. */
	for (int i = 0; i < 20; i++)
		assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){i < 10 ? 2 : 5},
			REEVE_MEMORY_DB_DEFAULT / 100 * 61 / 20, (reeve_session_id){0}, NULL,
			&ids[i], E));
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_MEMORY_PRESSURE_CHANGED, &e), 1);
	assert_string_equal(e.text, "low");
	assert_true(e.limit == REEVE_MEMORY_DB_DEFAULT && e.actual > e.limit / 100 * 60);
	reeve_event_format(&e, text, sizeof(text));
	assert_non_null(strstr(text, "memory pressure is low: "));
	for (int i = 0; i < 20; i++)
		assert_ok(reeve_memory_free(c->r, ids[i], (reeve_session_id){0}, E));
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_MEMORY_PRESSURE_CHANGED, &e), 2);
	assert_string_equal(e.text, "none");
}

static void refusals_are_told_once_a_second(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_memory_stats stats;
	struct reeve_event e;

	for (int i = 0; i < 100; i++)
		assert_fails(
			reeve_memory_charge(s, REEVE_MEMORY_PGA, REEVE_MEMORY_PGA_DEFAULT + 1, E),
			REEVE_ERESOURCE_EXHAUSTED, "PGA quota");
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_ALLOCATION_FAILED, &e), 1);
	assert_true(e.session.v == reeve_session_id_of(s).v && e.limit == REEVE_MEMORY_PGA_DEFAULT);
	assert_true(e.actual == REEVE_MEMORY_PGA_DEFAULT + 1);
	assert_int_equal(e.code, REEVE_ERESOURCE_EXHAUSTED);
	/* Another cause is another matter. */
	assert_fails(
		reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, REEVE_MEMORY_PGA_DEFAULT / 2, E),
		REEVE_ERESOURCE_EXHAUSTED, "work area");
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_ALLOCATION_FAILED, NULL), 2);
	core_sleep(&c->h, REEVE_SEC);
	for (int i = 0; i < 100; i++)
		assert_fails(
			reeve_memory_charge(s, REEVE_MEMORY_PGA, REEVE_MEMORY_PGA_DEFAULT + 1, E),
			REEVE_ERESOURCE_EXHAUSTED, "PGA quota");
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_ALLOCATION_FAILED, NULL), 3);
	reeve_memory_stats_get(c->r, &stats);
	assert_true(stats.failed[REEVE_REFUSED_SESSION] == 200);
	reeve_session_destroy(s);
}

static void what_the_advisor_resizes_is_told(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_rebalancing_report p;
	uint64_t before = max_of(c->r, 3);
	struct reeve_event e;

	def.auto_tune = true;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_AUTO_TUNE, &def, E));
	set_strategy(c->r, REEVE_STRATEGY_MANUAL);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_MEMORY_RESIZED, NULL), 0);
	set_strategy(c->r, REEVE_STRATEGY_AUTOMATIC);
	assert_ok(reeve_rebalance(c->r, &p, E));
	assert_int_equal(events_of(c->r, 0, REEVE_EVENT_MEMORY_RESIZED, &e), 1);
	assert_true(e.object == 3 && e.limit == before && e.actual == max_of(c->r, 3));
}

static void io_that_waits_or_is_late_is_told_once_a_second(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	struct reeve_io_stats stats;
	struct reeve_event e;
	reeve_ns begun = c->h.mono;
	uint32_t n;

	assert_ok(reeve_io_group_register(
		c->r, (reeve_group_id){2}, 1000000, REEVE_UNLIMITED, 100, E));
	def.size_bytes = 500000;
	assert_ok(reeve_query_begin(s, NULL, E));
	for (int i = 0; i < 12; i++) {
		def.deadline = c->h.mono + REEVE_MSEC;
		assert_ok(reeve_io_begin(s, &def, E));
		core_sleep(&c->h, 2 * REEVE_MSEC);
		assert_ok(reeve_io_end(s, def.size_bytes, true));
	}
	reeve_query_end(s, NULL);
	reeve_io_stats_get(c->r, &stats);
	assert_true(stats.throttled > 5 && stats.deadline_misses == 12);
	n = (uint32_t)((c->h.mono - begun) / REEVE_SEC) + 1;
	assert_in_range(events_of(c->r, 0, REEVE_EVENT_IO_THROTTLED, &e), 1, n);
	assert_true(e.group.v == 2 && e.limit == 1000000 && e.actual == 500000);
	assert_int_equal(e.limit_kind, REEVE_LIMIT_IO_BANDWIDTH);
	assert_in_range(events_of(c->r, 0, REEVE_EVENT_IO_DEADLINE_MISSED, &e), 1, n);
	assert_true(e.group.v == 2 && e.actual >= REEVE_MSEC);
	reeve_session_destroy(s);
}

/* ---- groups everywhere ---- */

static void a_group_is_defined_in_all_modules(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_group_registrations more = {4000, 300, 1 << 20};
	struct reeve_parallel_group_info parallel;
	struct reeve_memory_group_info memory;
	struct reeve_cpu_group_stats cpu;
	struct reeve_io_group_stats io;
	struct reeve_group_info info;
	reeve_group_id id;

	def.name = "EVERYWHERE";
	def.parallel_degree_limit = 3;
	def.memory_limit_bytes = 50 << 20;
	def.io_bandwidth_limit = 2000000;
	def.iops_limit = 70;
	assert_ok(reeve_group_define(c->r, &def, &more, &id, E));
	assert_ok(reeve_group_get(c->r, id, &info, E));
	assert_true(info.is_active);
	assert_ok(reeve_cpu_group_stats_get(c->r, id, &cpu, E));
	assert_int_equal(cpu.shares, 4000);
	assert_ok(reeve_io_group_stats_get(c->r, id, &io, E));
	assert_true(io.weight == 300 && io.bandwidth == 2000000 && io.iops == 70);
	assert_ok(reeve_memory_group_get(c->r, id, &memory, E));
	assert_true(memory.max_group_memory == 50 << 20 && memory.max_session_pga == 1 << 20);
	assert_ok(reeve_parallel_group_get(c->r, id, &parallel, E));
	assert_int_equal(parallel.degree, 3);
}

/* Manager, line 11: a creation that failed later was not undone. */
static void manager_11_a_refused_group_is_nowhere(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	const struct reeve_group_registrations none = REEVE_GROUP_REGISTRATIONS_INIT;
	struct reeve_group_registrations more = none;
	reeve_group_id id = {77};

	def.name = "NOWHERE";
	more.cpu_shares = REEVE_SHARES_MAX + 1;
	assert_fails(reeve_group_define(c->r, &def, &more, &id, E), REEVE_EINVALID_ARGUMENT,
		"cpu_shares");
	more = none;
	more.io_weight = REEVE_IO_WEIGHT_MAX + 1;
	assert_fails(reeve_group_define(c->r, &def, &more, &id, E), REEVE_EINVALID_ARGUMENT,
		"io_weight");
	more = none;
	more.max_session_pga = 0;
	assert_fails(reeve_group_define(c->r, &def, &more, &id, E), REEVE_EINVALID_ARGUMENT,
		"max_session_pga");
	more = none;
	more.io_weight = 5;
	def.io_bandwidth_limit =
		REEVE_UNLIMITED - 1; /* the group may have it, the I/O scheduler not */
	assert_true(reeve_group_define(c->r, &def, &more, &id, E) < 0);
	assert_int_equal(id.v, 77);
	assert_false(reeve_group_find(c->r, "NOWHERE", &id));
	assert_fails(reeve_group_define(NULL, &def, NULL, &id, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(reeve_group_define(c->r, NULL, NULL, &id, E), REEVE_EINVALID_ARGUMENT,
		"def is NULL");
	assert_fails(reeve_group_define(c->r, &def, NULL, NULL, E), REEVE_EINVALID_ARGUMENT,
		"ret_id is NULL");
	def = (struct reeve_group_def)REEVE_GROUP_DEF_INIT;
	def.name = "NOWHERE";
	assert_ok(reeve_group_define(c->r, &def, NULL, &id, E));
	assert_fails(reeve_group_define(c->r, &(struct reeve_group_def){.name = ""}, &none, &id, E),
		REEVE_EINVALID_ARGUMENT, "name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			statistics_begin_at_nothing, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			statistics_are_those_of_the_modules, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			manager_16_statistics_are_of_one_moment, core_setup, core_teardown),
		cmocka_unit_test(more_never_runs_than_is_active),
		cmocka_unit_test_setup_teardown(
			manager_14_rebalancing_tells_what_it_did, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			rebalancing_measures_devices_that_time_has_passed_for, core_setup,
			core_teardown),
		cmocka_unit_test_setup_teardown(
			a_statement_gets_everything_and_gives_it_back, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			manager_12_a_failed_admission_leaves_nothing, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			manager_13_a_queued_parallel_request_given_up_frees_the_slot, core_setup,
			core_teardown),
		cmocka_unit_test_setup_teardown(
			the_end_after_a_kill_gives_back_once, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			settings_are_of_all_modules, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			manager_04_settings_that_nothing_enforces_are_refused, core_setup,
			core_teardown),
		cmocka_unit_test_setup_teardown(
			pressure_is_told_once_a_crossing, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			refusals_are_told_once_a_second, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			what_the_advisor_resizes_is_told, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			io_that_waits_or_is_late_is_told_once_a_second, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			a_group_is_defined_in_all_modules, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			manager_11_a_refused_group_is_nowhere, core_setup, core_teardown),
		cmocka_unit_test(limits_of_version_2_are_read),
		cmocka_unit_test(limits_of_version_1_are_read),
		cmocka_unit_test(manager_03_the_container_s_quota_bounds_the_cpu_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
