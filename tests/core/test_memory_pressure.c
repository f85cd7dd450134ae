/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of memory pressure: levels, hysteresis, what each level does, what the host says. */
#include "core.h"

#include "../../src/host/host.h"
#include "../../src/policy/pressure.h"
#include "../../src/segment/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB	   ((uint64_t)1024)
#define MIB	   ((uint64_t)1048576)
#define NO_SESSION ((reeve_session_id){0})

/* A pool as large as the database, so that usage is what a test makes it. */
static uint64_t whole(struct reeve *r)
{
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_pool_id id = {0};

	def.name = "WHOLE";
	def.max_bytes = REEVE_MEMORY_DB_DEFAULT;
	assert_ok(reeve_pool_create(r, &def, &id, E));
	return id.v;
}

/* Bytes that make so many parts per 10,000 of the limit, rounded up. */
static uint64_t part(uint64_t per_10000)
{
	return (REEVE_MEMORY_DB_DEFAULT * per_10000 + 9999) / 10000;
}

static reeve_allocation_id take(struct reeve *r, uint64_t pool, uint64_t bytes)
{
	reeve_allocation_id a = {0};

	assert_ok(reeve_memory_allocate(r, (reeve_pool_id){pool}, bytes, NO_SESSION, NULL, &a, E));
	return a;
}

static uint32_t level(struct reeve *r)
{
	struct reeve_memory_pressure p;

	reeve_memory_pressure_get(r, &p);
	return p.level;
}

static struct reeve_memory_stats stats(struct reeve *r)
{
	struct reeve_memory_stats s = {0};

	reeve_memory_stats_get(r, &s);
	return s;
}

static void a_level_is_kept_until_usage_is_clearly_below(void **state)
{
	(void)state;
	static const uint32_t ppm[4] = {600000, 750000, 850000, 950000};
	struct reeve__pressure_points p = reeve__pressure_points_of(1000, ppm, 20000);

	assert_true(p.at[0] == 600 && p.at[3] == 950 && p.gap == 20);
	assert_int_equal(reeve__pressure_level(&p, 0, 599), 0);
	assert_int_equal(reeve__pressure_level(&p, 0, 600), 1); /* inclusive */
	assert_int_equal(reeve__pressure_level(&p, 0, 1000), 4);
	assert_int_equal(reeve__pressure_level(&p, 2, 731), 2);
	assert_int_equal(reeve__pressure_level(&p, 2, 730), 1);
	assert_int_equal(reeve__pressure_level(&p, 4, 0), 0);
	assert_int_equal(reeve__pressure_level(&p, 4, 931), 4);
	assert_int_equal(reeve__pressure_level(&p, 4, 600), 1);
	assert_int_equal(reeve__pressure_level(&p, 4, 581), 1);
	assert_int_equal(reeve__pressure_level(&p, 1, 580), 0);
	assert_true(
		reeve__pressure_rise(&p, 0) == 600 && reeve__pressure_rise(&p, 4) == UINT64_MAX);
}

/* Memory, line 9: no hysteresis, and no reaction at any level. */
static void memory_09_levels_come_with_usage_and_go_with_hysteresis(void **state)
{
	struct core *c = *state;
	uint64_t w = whole(c->r);
	struct reeve_memory_pressure p;

	take(c->r, w, part(6000) - 1);
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
	core_sleep(&c->h, REEVE_SEC);
	reeve_allocation_id a = take(c->r, w, 1);
	reeve_memory_pressure_get(c->r, &p);
	assert_int_equal(p.level, REEVE_PRESSURE_LOW);
	assert_true(p.since_wall == c->h.wall && p.usage_ppm == 600000);
	assert_true(p.low_ppm == 600000 && p.critical_ppm == 950000 && p.hysteresis_ppm == 20000);
	assert_ok(reeve_memory_free(c->r, a, NO_SESSION, E));
	assert_int_equal(level(c->r), REEVE_PRESSURE_LOW); /* not far enough below */
	a = take(c->r, w, part(9500) - part(6000) + 1);	   /* straight to CRITICAL: one rise */
	assert_int_equal(level(c->r), REEVE_PRESSURE_CRITICAL);
	assert_int_equal(stats(c->r).pressure_events, 2);
	assert_ok(reeve_memory_free(c->r, a, NO_SESSION, E));
	assert_int_equal(level(c->r), REEVE_PRESSURE_LOW);
	assert_ok(reeve_memory_give_back(c->r, (reeve_pool_id){w}, part(200) + 1, E));
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
	assert_int_equal(stats(c->r).pressure_events, 2);
	take(c->r, w, part(200) + 2);
	assert_int_equal(stats(c->r).pressure_events, 3);
}

/* Memory, line 9: one request could jump past CRITICAL, and refusals were not counted. */
static void memory_09_nobody_but_the_system_goes_past_critical(void **state)
{
	struct core *c = *state;
	struct reeve_session *user = core_session(c->r, 3), *sys = core_session(c->r, 1);
	uint64_t w = whole(c->r);
	reeve_allocation_id a = {77};

	assert_fails(reeve_memory_allocate(
			     c->r, (reeve_pool_id){w}, part(9500) + 1, NO_SESSION, NULL, &a, E),
		REEVE_ERESOURCE_EXHAUSTED, "critical memory pressure of the database");
	assert_true(a.v == 77 && stats(c->r).used_bytes == 0);
	take(c->r, w, part(9500) - 1000);
	assert_ok(reeve_memory_charge(user, REEVE_MEMORY_PGA, 1000, E)); /* no credit besides */
	assert_int_equal(level(c->r), REEVE_PRESSURE_CRITICAL);
	assert_fails(reeve_memory_charge(user, REEVE_MEMORY_PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"critical memory pressure");
	assert_ok(reeve_memory_charge(sys, REEVE_MEMORY_PGA, 5000, E));
	assert_ok(reeve_memory_session_charge(
		c->r, reeve_session_id_of(sys), REEVE_MEMORY_WORK_AREA, 10, E));
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){w}, 10, reeve_session_id_of(sys), NULL, &a, E));
	assert_fails(reeve_memory_session_charge(
			     c->r, reeve_session_id_of(user), REEVE_MEMORY_WORK_AREA, 1, E),
		REEVE_ERESOURCE_EXHAUSTED, "pressure");
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_PRESSURE], 3);
	reeve_session_destroy(user);
	reeve_session_destroy(sys);
}

static void at_high_work_areas_shrink_and_credit_goes(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_memory_quota_info q;
	uint64_t w = whole(c->r);

	assert_ok(reeve_memory_quota_set(c->r, id, (reeve_group_id){0}, 1 * MIB, 400 * KIB, E));
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 60 * KIB, E));
	reeve_allocation_id a = take(c->r, w, part(8500));
	assert_int_equal(level(c->r), REEVE_PRESSURE_HIGH);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_ok(reeve_memory_quota_get(c->r, id, &q, E));
	assert_true(q.credit_bytes == 0 && q.work_area_bytes == 60 * KIB);
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 40 * KIB, E));
	assert_fails(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 1, E),
		REEVE_ERESOURCE_EXHAUSTED,
		"the work area quota of session 1 under high memory pressure is 102400 bytes");
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_PGA, 500 * KIB, E));
	assert_ok(reeve_memory_release(s, REEVE_MEMORY_PGA, 500 * KIB, E));
	assert_ok(reeve_memory_quota_get(c->r, id, &q, E));
	assert_true(q.credit_bytes == 0);
	assert_ok(reeve_memory_free(c->r, a, NO_SESSION, E));
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 300 * KIB, E));
	reeve_session_destroy(s);
}

/* ---- callbacks ---- */

struct cache {
	struct reeve *r;
	uint64_t pool, asked;
	uint32_t calls, level;
	uint64_t gives; /* of what it is asked, at most */
};

static void shrink(void *arg, uint32_t at, reeve_pool_id pool, uint64_t bytes)
{
	struct cache *cache = arg;
	uint64_t give = bytes < cache->gives ? bytes : cache->gives;

	(void)pool;
	cache->calls++;
	cache->asked = bytes;
	cache->level = at;
	if (give)
		assert_ok(reeve_memory_give_back(cache->r, (reeve_pool_id){cache->pool}, give, E));
}

static void callbacks_are_asked_for_what_is_too_much(void **state)
{
	struct core *c = *state;
	uint64_t w = whole(c->r);
	struct cache cache = {.r = c->r, .pool = w, .gives = UINT64_MAX};
	struct reeve_memory_pressure p;

	assert_ok(reeve_memory_on_pressure(c->r, (reeve_pool_id){0}, shrink, &cache, E));
	take(c->r, w, part(7000));
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(cache.calls, 0); /* LOW asks for nothing */
	take(c->r, w, part(2000));
	reeve_memory_pressure_get(c->r, &p);
	assert_int_equal(p.level, REEVE_PRESSURE_HIGH);
	/* Down to where MEDIUM is left: 73 %. */
	assert_true(p.wanted_bytes + part(7300) >= stats(c->r).used_bytes - 2 &&
		    p.wanted_bytes + part(7300) <= stats(c->r).used_bytes + 2);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(cache.calls, 1);
	assert_int_equal(cache.level, REEVE_PRESSURE_HIGH);
	assert_true(cache.asked == p.wanted_bytes);
	assert_int_equal(level(c->r), REEVE_PRESSURE_LOW);
	assert_true(stats(c->r).reclaimed_bytes == cache.asked);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(cache.calls, 1);
	assert_ok(reeve_memory_off_pressure(c->r, shrink, &cache, E));
	assert_fails(reeve_memory_off_pressure(c->r, shrink, &cache, E), REEVE_ENOT_FOUND,
		"that memory callback");
	take(c->r, w, part(1500));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(cache.calls, 1);
}

static void a_checkpoint_asks_too_and_not_too_often(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	uint64_t w = whole(c->r);
	struct cache cache = {.r = c->r, .pool = w, .gives = 0};

	assert_ok(reeve_memory_on_pressure(c->r, (reeve_pool_id){w}, shrink, &cache, E));
	take(c->r, w, part(8000));
	assert_ok(reeve_query_begin(s, NULL, E));
	for (int i = 0; i < 50; i++) { /* half a second */
		core_work(&c->h, 10 * REEVE_MSEC);
		assert_ok(reeve_checkpoint(s));
	}
	reeve_query_end(s, NULL);
	assert_in_range(cache.calls, 3, 6);
	assert_true(stats(c->r).reclaimed_bytes == 0);
	reeve_session_destroy(s);
}

static void a_pool_s_callback_is_asked_for_its_target(void **state)
{
	struct core *c = *state;
	struct cache cache = {.r = c->r, .pool = 2, .gives = 300};
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_pool_info info;

	assert_ok(reeve_memory_on_pressure(c->r, (reeve_pool_id){2}, shrink, &cache, E));
	def.min_bytes = 0;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){2}, REEVE_POOL_SET_MIN, &def, E));
	take(c->r, 2, 1000);
	def.target_bytes = 500;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){2}, REEVE_POOL_SET_TARGET, &def, E));
	for (int i = 0; i < 3; i++) {
		core_sleep(&c->h, REEVE_SEC);
		assert_ok(reeve_tick(c->r, NULL, E));
	}
	assert_int_equal(cache.calls, 2);
	assert_true(cache.asked == 200);
	assert_ok(reeve_pool_get(c->r, (reeve_pool_id){2}, &info, E));
	assert_true(info.max_bytes == 500 && info.target_bytes == REEVE_UNLIMITED);
}

static void there_is_room_for_16_callbacks(void **state)
{
	struct core *c = *state;
	struct cache caches[17] = {{.calls = 0}};

	for (int i = 0; i < 16; i++)
		assert_ok(
			reeve_memory_on_pressure(c->r, (reeve_pool_id){0}, shrink, &caches[i], E));
	assert_fails(reeve_memory_on_pressure(c->r, (reeve_pool_id){0}, shrink, &caches[16], E),
		REEVE_ERESOURCE_EXHAUSTED, "16 memory callbacks; allowed are 16");
	assert_ok(reeve_memory_on_pressure(c->r, (reeve_pool_id){2}, shrink, &caches[3], E));
	assert_ok(reeve_memory_off_pressure(c->r, shrink, &caches[0], E));
	assert_ok(reeve_memory_on_pressure(c->r, (reeve_pool_id){0}, shrink, &caches[16], E));
	assert_fails(reeve_memory_on_pressure(c->r, (reeve_pool_id){9}, shrink, &caches[0], E),
		REEVE_ENOT_FOUND, "memory pool 9");
}

/* ---- the host ---- */

static void tick_after(struct core *c, reeve_ns ns)
{
	core_sleep(&c->h, ns);
	assert_ok(reeve_tick(c->r, NULL, E));
}

static void the_container_s_usage_counts_too(void **state)
{
	struct core *c = *state;
	struct reeve_memory_pressure p;

	c->h.memory_known = true;
	c->h.memory = (struct reeve_host_memory){.system_bytes = 64 * MIB,
		.container_limit_bytes = 1000,
		.container_used_bytes = 860,
		.resident_bytes = 12345,
		.stall_some_ppm = UINT32_MAX,
		.stall_full_ppm = UINT32_MAX};
	tick_after(c, REEVE_SEC);
	reeve_memory_pressure_get(c->r, &p);
	assert_int_equal(p.level, REEVE_PRESSURE_HIGH);
	assert_true(p.outside_ppm == 860000 && p.usage_ppm == 0 && p.wanted_bytes > 0);
	assert_true(p.stall_ppm == UINT32_MAX);
	assert_true(stats(c->r).system_bytes == 1000 && stats(c->r).resident_bytes == 12345);
	c->h.memory.container_used_bytes = 831;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_HIGH); /* hysteresis */
	c->h.memory.container_used_bytes = 830;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_MEDIUM);
	c->h.memory.container_used_bytes = 2000; /* over a limit that was lowered */
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_CRITICAL);
	c->h.memory.container_limit_bytes = REEVE_UNLIMITED;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
	assert_int_equal(stats(c->r).pressure_events, 2);
}

static void the_tightest_container_of_all_tickers_counts(void **state)
{
	struct core *c = *state;
	struct core_host h2;
	struct reeve *r2 = NULL;

	assert_ok(reeve_attach(c->r, &r2, E));
	c->h.memory_known = true;
	c->h.memory.container_limit_bytes = 1000;
	c->h.memory.container_used_bytes = 900;
	c->h.memory.stall_some_ppm = c->h.memory.stall_full_ppm = UINT32_MAX;
	tick_after(c, REEVE_SEC);
	h2 = c->h; /* the same clocks, another container */
	h2.host.self = &h2;
	h2.memory.container_used_bytes = 100;
	r2->host = &h2.host;
	assert_ok(reeve_tick(r2, NULL, E));
	assert_int_equal(level(c->r), REEVE_PRESSURE_HIGH);
	h2.mono += 2 * REEVE_SEC; /* the first has not been heard of for long */
	assert_ok(reeve_tick(r2, NULL, E));
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
	r2->host = &c->h.host;
	reeve_close(r2);
}

static void stalls_make_medium_and_high_but_not_critical(void **state)
{
	struct core *c = *state;

	c->h.memory_known = true;
	c->h.memory.container_limit_bytes = REEVE_UNLIMITED;
	c->h.memory.stall_some_ppm = 99999;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
	c->h.memory.stall_some_ppm = 100000;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_MEDIUM);
	c->h.memory.stall_some_ppm = c->h.memory.stall_full_ppm = REEVE_PPM;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_HIGH);
	c->h.memory.stall_some_ppm = c->h.memory.stall_full_ppm = 0;
	tick_after(c, REEVE_SEC);
	assert_int_equal(level(c->r), REEVE_PRESSURE_NONE);
}

static void put(const char *root, const char *path, const char *text)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(full, 0700);
		*at = '/';
	}
	FILE *f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void the_kernel_s_files_are_read(void **state)
{
	(void)state;
	char root[64], command[128];
	struct reeve_host_memory m;

	snprintf(root, sizeof(root), "/tmp/reeve-test-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_true(reeve__host_memory(root, &m)); /* nothing there */
	assert_true(m.system_bytes == 0 && m.container_limit_bytes == REEVE_UNLIMITED);
	assert_true(m.stall_some_ppm == UINT32_MAX && m.resident_bytes == 0);
	put(root, "/proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1 kB\n");
	put(root, "/proc/self/statm", "100 7 3 1 0 5 0\n");
	put(root, "/proc/pressure/memory",
		"some avg10=12.34 avg60=0.00 avg300=0.00 total=1\n"
		"full avg10=0.50 avg60=0.00 avg300=0.00 total=1\n");
	/* Version 1, beside an empty version 2. */
	put(root, "/proc/self/cgroup", "4:memory:/a/b\n1:cpu:/\n0::/\n");
	put(root, "/sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "500\n");
	put(root, "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	put(root, "/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "900\n");
	put(root, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000\n");
	put(root, "/sys/fs/cgroup/memory/a/memory.stat",
		"inactive_file 1\ntotal_inactive_file 100\n");
	assert_true(reeve__host_memory(root, &m));
	assert_true(m.system_bytes == 2097152);
	assert_true(m.resident_bytes == 7 * (uint64_t)sysconf(_SC_PAGESIZE));
	assert_int_equal(m.stall_some_ppm, 123400);
	assert_int_equal(m.stall_full_ppm, 5000);
	assert_true(m.container_limit_bytes == 1000 && m.container_used_bytes == 800);
	/* Version 2: the tightest level counts, here the parent. */
	put(root, "/proc/self/cgroup", "0::/db.slice/one\n");
	put(root, "/sys/fs/cgroup/db.slice/one/memory.current", "700\n");
	put(root, "/sys/fs/cgroup/db.slice/one/memory.max", "max\n");
	put(root, "/sys/fs/cgroup/db.slice/memory.current", "1900\n");
	put(root, "/sys/fs/cgroup/db.slice/memory.max", "2000\n");
	put(root, "/sys/fs/cgroup/db.slice/memory.stat", "anon 5\ninactive_file 400\n");
	assert_true(reeve__host_memory(root, &m));
	assert_true(m.container_limit_bytes == 2000 && m.container_used_bytes == 1500);
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
	assert_true(reeve__host_memory("", &m)); /* the real ones */
	assert_true(m.system_bytes > 16 * MIB && m.resident_bytes > 100 * KIB);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_kept_until_usage_is_clearly_below),
		with_core(memory_09_levels_come_with_usage_and_go_with_hysteresis),
		with_core(memory_09_nobody_but_the_system_goes_past_critical),
		with_core(at_high_work_areas_shrink_and_credit_goes),
		with_core(callbacks_are_asked_for_what_is_too_much),
		with_core(a_checkpoint_asks_too_and_not_too_often),
		with_core(a_pool_s_callback_is_asked_for_its_target),
		with_core(there_is_room_for_16_callbacks),
		with_core(the_container_s_usage_counts_too),
		with_core(the_tightest_container_of_all_tickers_counts),
		with_core(stalls_make_medium_and_high_but_not_critical),
		cmocka_unit_test(the_kernel_s_files_are_read),
	};
	return cmocka_run_group_tests_name("memory_pressure", tests, NULL, NULL);
}
