/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of memory pools and allocations: the tree, handles, owners, refusals. */
#include "core.h"

#include "../../src/segment/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB	   ((uint64_t)1048576)
#define NO_SESSION ((reeve_session_id){0})

static struct reeve_pool_info pool(struct reeve *r, uint64_t id)
{
	struct reeve_pool_info info = {.id = {0}};

	assert_ok(reeve_pool_get(r, (reeve_pool_id){id}, &info, E));
	return info;
}

static struct reeve_memory_stats stats(struct reeve *r)
{
	struct reeve_memory_stats s;

	memset(&s, 0x5a, sizeof(s));
	reeve_memory_stats_get(r, &s);
	return s;
}

static reeve_allocation_id allocate(struct reeve *r, uint64_t id, uint64_t bytes)
{
	reeve_allocation_id a = {0};

	assert_ok(reeve_memory_allocate(r, (reeve_pool_id){id}, bytes, NO_SESSION, NULL, &a, E));
	return a;
}

static int try_allocate(struct reeve *r, uint64_t id, uint64_t bytes)
{
	reeve_allocation_id a = {77};
	int rc = reeve_memory_allocate(r, (reeve_pool_id){id}, bytes, NO_SESSION, NULL, &a, E);

	assert_true(rc == 0 || a.v == 77);
	return rc;
}

static void release(struct reeve *r, reeve_allocation_id a)
{
	assert_ok(reeve_memory_free(r, a, NO_SESSION, E));
}

/* No pressure gets in the way of tests of limits. */
static void no_pressure(struct reeve *r)
{
	struct reeve_memory_config k;

	reeve_memory_config_get(r, &k);
	k.low_ppm = 999997;
	k.medium_ppm = 999998;
	k.high_ppm = 999999;
	k.critical_ppm = REEVE_PPM;
	assert_ok(reeve_memory_config_set(r, &k, E));
}

static void five_pools_for_8_gib_whatever_the_host_has(void **state)
{
	struct core *c = *state;
	static const struct {
		uint64_t id, parent, max, min;
		uint32_t type;
		const char *name;
	} want[] = {
		{1, 0, 5153960755, 2576980377, REEVE_POOL_SHARED_GLOBAL, "SGA"},
		{2, 1, 3092376453, 1546188226, REEVE_POOL_TYPE_BUFFER_CACHE, "BUFFER_CACHE"},
		{3, 1, 1546188226, 773094113, REEVE_POOL_TYPE_SHARED_POOL, "SHARED_POOL"},
		{4, 1, 515396075, 257698037, REEVE_POOL_TYPE_LARGE_POOL, "LARGE_POOL"},
		{5, 0, 3435973836, 858993459, REEVE_POOL_PROGRAM_GLOBAL, "PGA"},
	};
	struct reeve_pool_info infos[8];
	reeve_pool_id id = {0};

	assert_int_equal(reeve_pool_copy(c->r, (reeve_pool_id){0}, infos, 8), 5);
	for (int i = 0; i < 5; i++) {
		assert_true(infos[i].id.v == want[i].id);
		assert_true(infos[i].parent.v == want[i].parent);
		assert_true(infos[i].max_bytes == want[i].max);
		assert_true(infos[i].min_bytes == want[i].min);
		assert_int_equal(infos[i].type, want[i].type);
		assert_string_equal(infos[i].name, want[i].name);
		assert_false(infos[i].auto_tune);
		assert_true(infos[i].target_bytes == REEVE_UNLIMITED);
		assert_true(infos[i].created_wall == c->h.wall);
		assert_true(infos[i].allocated_bytes == 0 && infos[i].peak_bytes == 0);
		assert_true(reeve_pool_find(c->r, want[i].name, &id) && id.v == want[i].id);
	}
	assert_int_equal(reeve_pool_copy(c->r, (reeve_pool_id){3}, infos, 1), 1);
	assert_true(infos[0].id.v == 4);
	assert_true(stats(c->r).limit_bytes == REEVE_MEMORY_DB_DEFAULT);
	assert_false(reeve_pool_find(c->r, "sga", &id));
}

static void the_limit_can_be_given_when_the_segment_is_made(void **state)
{
	(void)state;
	struct reeve_options o;
	struct core_host h;
	struct reeve *r = NULL;

	core_host_init(&h);
	core_small_options(&o);
	o.host = &h.host;
	o.db_limit_bytes = 1000 * MIB;
	assert_ok(reeve_open(&o, &r, E));
	assert_true(pool(r, 1).max_bytes == 600 * MIB);
	assert_true(pool(r, 2).max_bytes == 360 * MIB);
	assert_true(pool(r, 5).max_bytes == 400 * MIB);
	reeve_close(r);
	o.db_limit_bytes = 1000;
	assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT,
		"db_limit_bytes is 1000; allowed are 1048576 to");
}

/* Memory, line 2: pools added up to 160 % of the limit, and usage reached 133.8 %. */
static void memory_02_what_a_pool_holds_counts_in_all_above_it(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_pool_id big = {0};

	no_pressure(c->r);
	allocate(c->r, 2, 1000);
	allocate(c->r, 3, 500);
	assert_true(pool(c->r, 2).allocated_bytes == 1000);
	assert_true(pool(c->r, 1).allocated_bytes == 1500);
	assert_true(stats(c->r).used_bytes == 1500 && stats(c->r).pool_bytes == 1500);
	/* A pool as large as its parent: what the others hold is not there for it. */
	def.name = "BIG";
	def.parent.v = REEVE_POOL_SGA;
	def.max_bytes = 5153960755;
	assert_ok(reeve_pool_create(c->r, &def, &big, E));
	assert_true(big.v == 100);
	assert_fails(try_allocate(c->r, big.v, 5153960755 - 1499), REEVE_ERESOURCE_EXHAUSTED,
		"memory pool SGA is 5153960755 bytes, of which 1500 are in use");
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_PARENT], 1);
	allocate(c->r, big.v, 5153960755 - 1500); /* equality admits */
	assert_fails(try_allocate(c->r, 3, 1), REEVE_ERESOURCE_EXHAUSTED, "memory pool SGA");
	/* The database limit holds over pools that could have more together. */
	def.name = "OUTSIDE";
	def.parent.v = 0;
	def.max_bytes = REEVE_MEMORY_DB_DEFAULT;
	assert_ok(reeve_pool_create(c->r, &def, &big, E));
	assert_fails(try_allocate(c->r, big.v, REEVE_MEMORY_DB_DEFAULT - 5153960755 + 1),
		REEVE_ERESOURCE_EXHAUSTED,
		"the database memory limit is 8589934592 bytes, of which 5153960755 are in use");
	allocate(c->r, big.v, REEVE_MEMORY_DB_DEFAULT - 5153960755);
	assert_true(stats(c->r).used_bytes == REEVE_MEMORY_DB_DEFAULT);
	assert_true(pool(c->r, 1).usage_ppm == REEVE_PPM);
}

/* Memory, line 1: there was no handle, and anybody freed anything. */
static void memory_01_only_the_owner_frees_and_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id sid = reeve_session_id_of(s), other = {4711};
	reeve_allocation_id a = allocate(c->r, 2, 100), b = {0};
	struct reeve *r2 = NULL;

	assert_ok(reeve_attach(c->r, &r2, E));
	assert_fails(reeve_memory_free(r2, a, NO_SESSION, E), REEVE_EPERMISSION_DENIED,
		"memory allocation 1 is another process's");
	assert_fails(reeve_memory_free(c->r, a, sid, E), REEVE_EPERMISSION_DENIED, "process's");
	assert_ok(reeve_memory_allocate(r2, (reeve_pool_id){3}, 200, sid, "plan cache", &b, E));
	assert_fails(reeve_memory_free(r2, b, other, E), REEVE_EPERMISSION_DENIED,
		"memory allocation 2 is session 1's");
	struct reeve_allocation_info info;
	assert_ok(reeve_allocation_get(c->r, b, &info, E));
	assert_true(info.session.v == 1 && info.group.v == 3 && info.bytes == 200);
	assert_true(info.pool.v == 3 && info.pid == 100 && info.created_wall == c->h.wall);
	assert_string_equal(info.tag, "plan cache");
	assert_ok(reeve_memory_free(c->r, b, NO_SESSION, E)); /* its session is this process's */
	assert_fails(
		reeve_memory_free(c->r, b, NO_SESSION, E), REEVE_ENOT_FOUND, "memory allocation 2");
	assert_fails(reeve_memory_free(r2, b, sid, E), REEVE_ENOT_FOUND, "memory allocation 2");
	release(c->r, a);
	assert_true(stats(c->r).used_bytes == 0);
	assert_true(stats(c->r).allocations == 2 && stats(c->r).deallocations == 2);
	/* what was taken and returned; credit of sessions counts as it is taken */
	uint64_t taken = stats(c->r).allocated_bytes;
	assert_true(taken >= 200 && stats(c->r).freed_bytes == taken);
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 700, NO_SESSION, NULL, &a, E));
	assert_true(stats(c->r).allocated_bytes == taken + 700);
	assert_ok(reeve_memory_give_back(c->r, (reeve_pool_id){2}, 300, E));
	assert_true(stats(c->r).freed_bytes == taken + 300);
	release(c->r, a);
	assert_true(stats(c->r).freed_bytes == taken + 700 && stats(c->r).used_bytes == 0);
	reeve_close(r2);
	reeve_session_destroy(s);
}

/* Memory, line 3: sizes near 2^64 wrapped, and succeeded. */
static void memory_03_sizes_near_2_to_the_64_are_refused(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id sid = reeve_session_id_of(s);
	static const uint64_t sizes[] = {
		UINT64_MAX, UINT64_MAX - 99, UINT64_MAX - 100, UINT64_MAX / 2, UINT64_C(1) << 63};

	allocate(c->r, 2, 100);
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_PGA, 100, E));
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 100, E));
	uint64_t used = stats(c->r).used_bytes;
	for (int i = 0; i < 5; i++) {
		assert_fails(try_allocate(c->r, 2, sizes[i]), REEVE_ERESOURCE_EXHAUSTED, "BUFFER");
		assert_fails(try_allocate(c->r, 5, sizes[i]), REEVE_ERESOURCE_EXHAUSTED, "PGA");
		for (uint32_t k = 0; k < 2; k++) {
			assert_fails(reeve_memory_charge(s, k, sizes[i], E),
				REEVE_ERESOURCE_EXHAUSTED, "quota of session 1");
			assert_fails(reeve_memory_session_charge(c->r, sid, k, sizes[i], E),
				REEVE_ERESOURCE_EXHAUSTED, "quota of session 1");
			assert_fails(reeve_memory_release(s, k, sizes[i], E),
				REEVE_EINVALID_ARGUMENT, "session 1 was charged 100");
		}
	}
	assert_true(stats(c->r).used_bytes <= used);
	assert_true(pool(c->r, 2).allocated_bytes == 100);
	reeve_session_destroy(s);
}

/* Memory, line 4: freeing more than was allocated drove usage down. */
static void memory_04_no_more_is_freed_than_was_allocated(void **state)
{
	struct core *c = *state;
	struct reeve *r2 = NULL;

	assert_ok(reeve_attach(c->r, &r2, E));
	allocate(r2, 2, 5000);
	allocate(c->r, 2, 1000);
	allocate(c->r, 2, 200);
	allocate(c->r, 3, 9000);
	assert_fails(reeve_memory_give_back(c->r, (reeve_pool_id){2}, 1201, E), REEVE_ECONFLICT,
		"1201 bytes cannot be returned to memory pool 2: this process holds 1200 there");
	assert_true(stats(c->r).used_bytes == 15200);
	assert_ok(reeve_memory_give_back(c->r, (reeve_pool_id){2}, 1100, E));
	assert_true(pool(c->r, 2).allocated_bytes == 5100);
	assert_clean(c->r);
	assert_ok(reeve_memory_give_back(c->r, (reeve_pool_id){2}, 100, E));
	assert_fails(
		reeve_memory_give_back(c->r, (reeve_pool_id){2}, 1, E), REEVE_ECONFLICT, "holds 0");
	assert_fails(reeve_memory_give_back(c->r, (reeve_pool_id){2}, 0, E),
		REEVE_EINVALID_ARGUMENT, "size is 0");
	assert_true(stats(c->r).used_bytes == 14000);
	reeve_close(r2); /* its 5,000 come back */
	assert_true(stats(c->r).used_bytes == 9000);
}

static void refusals_change_nothing_and_name_the_limit(void **state)
{
	struct core *c = *state;
	struct reeve_memory_stats before;

	no_pressure(c->r);
	allocate(c->r, 4, 515396000);
	before = stats(c->r);
	assert_fails(try_allocate(c->r, 4, 76), REEVE_ERESOURCE_EXHAUSTED,
		"76 bytes are refused: memory pool LARGE_POOL is 515396075 bytes, of which "
		"515396000 are in use");
	assert_fails(try_allocate(c->r, 6, 1), REEVE_ENOT_FOUND, "memory pool 6");
	assert_fails(try_allocate(c->r, 0, 1), REEVE_ENOT_FOUND, "memory pool 0");
	assert_fails(try_allocate(c->r, 2, 0), REEVE_EINVALID_ARGUMENT, "size is 0");
	struct reeve_memory_stats after = stats(c->r);
	assert_true(after.used_bytes == before.used_bytes);
	assert_true(after.allocations == 1 && after.deallocations == 0);
	/* Memory, line 9: refusals for an unknown pool were not counted. */
	assert_int_equal(after.failed[REEVE_REFUSED_POOL], 1);
	assert_int_equal(after.failed[REEVE_REFUSED_UNKNOWN], 2);
	assert_int_equal(after.failed_allocations, 3);
	assert_int_equal(pool(c->r, 4).failed_allocations, 1);
	allocate(c->r, 4, 75); /* equality admits; the refused calls used up no id */
	reeve_allocation_id next = allocate(c->r, 2, 1);
	assert_true(next.v == 3);
}

static void peaks_stay(void **state)
{
	struct core *c = *state;
	reeve_allocation_id a = allocate(c->r, 2, 1000), b = allocate(c->r, 3, 300);

	release(c->r, a);
	release(c->r, b);
	assert_true(pool(c->r, 2).peak_bytes == 1000 && pool(c->r, 1).peak_bytes == 1300);
	assert_true(stats(c->r).peak_bytes == 1300 && stats(c->r).used_bytes == 0);
	assert_int_equal(pool(c->r, 2).allocations, 0);
}

static void pools_are_made_changed_and_ended(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_pool_id id = {77}, child = {0};

	def.name = "SORTS";
	def.type = REEVE_POOL_WORK_AREA;
	def.parent.v = REEVE_POOL_PGA;
	def.max_bytes = 1000;
	def.min_bytes = 100;
	def.auto_tune = true;
	assert_ok(reeve_pool_create(c->r, &def, &id, E));
	assert_true(id.v == 100 && pool(c->r, 100).parent.v == 5 && pool(c->r, 100).auto_tune);
	assert_fails(reeve_pool_create(c->r, &def, &child, E), REEVE_EALREADY_EXISTS,
		"memory pool \"SORTS\" exists with id 100");
	def.name = "SMALL";
	def.parent = id;
	def.max_bytes = 1001;
	assert_fails(reeve_pool_create(c->r, &def, &child, E), REEVE_ERESOURCE_EXHAUSTED,
		"maxSize of memory pool SMALL is 1001; SORTS has 1000 bytes");
	def.max_bytes = 600;
	assert_ok(reeve_pool_create(c->r, &def, &child, E));
	assert_true(child.v == 101); /* the refused calls used up no id */
	def.max_bytes = 599;
	assert_fails(reeve_pool_update(c->r, id, REEVE_POOL_SET_MAX, &def, E), REEVE_ECONFLICT,
		"that of its child SMALL 600");
	allocate(c->r, child.v, 500);
	def.max_bytes = 499;
	assert_fails(reeve_pool_update(c->r, child, REEVE_POOL_SET_MAX, &def, E), REEVE_ECONFLICT,
		"499, and 500 bytes are in use");
	def.max_bytes = 500;
	assert_ok(reeve_pool_update(c->r, child, REEVE_POOL_SET_MAX, &def, E));
	assert_fails(try_allocate(c->r, child.v, 1), REEVE_ERESOURCE_EXHAUSTED, "SMALL");
	assert_fails(reeve_pool_destroy(c->r, child, E), REEVE_ECONFLICT, "500 bytes in use");
	assert_ok(reeve_memory_give_back(c->r, child, 500, E));
	assert_fails(reeve_pool_destroy(c->r, id, E), REEVE_ECONFLICT, "has a child, SMALL");
	assert_ok(reeve_pool_destroy(c->r, child, E));
	assert_ok(reeve_pool_destroy(c->r, id, E));
	assert_fails(reeve_pool_destroy(c->r, id, E), REEVE_ENOT_FOUND, "memory pool 100");
	assert_fails(reeve_pool_destroy(c->r, (reeve_pool_id){1}, E), REEVE_EPERMISSION_DENIED,
		"the system's");
	def.name = "AGAIN";
	def.parent.v = 0;
	assert_ok(reeve_pool_create(c->r, &def, &id, E));
	assert_true(id.v == 102 && pool(c->r, 102).peak_bytes == 0);
}

static void a_target_is_reached_when_it_can_be(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_allocation_id a = allocate(c->r, 2, 2000 * MIB), b = allocate(c->r, 2, 100 * MIB);
	struct reeve_tick_report report;

	def.target_bytes = 1500 * MIB;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){2}, REEVE_POOL_SET_TARGET, &def, E));
	assert_true(pool(c->r, 2).target_bytes == 1500 * MIB);
	assert_true(pool(c->r, 2).max_bytes == 3092376453 && pool(c->r, 2).available_bytes == 0);
	release(c->r, b);
	assert_fails(try_allocate(c->r, 2, 1), REEVE_ERESOURCE_EXHAUSTED,
		"BUFFER_CACHE is 1572864000 bytes");
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.resized_pools, 0);
	release(c->r, a);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.resized_pools, 1);
	assert_true(pool(c->r, 2).max_bytes == 1500 * MIB);
	assert_true(pool(c->r, 2).target_bytes == REEVE_UNLIMITED);
	assert_int_equal(stats(c->r).auto_adjustments, 1);
	/* Up: there is room in SGA for what BUFFER_CACHE gave away, and no more. */
	def.target_bytes = 2000 * MIB;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_TARGET, &def, E));
	assert_true(pool(c->r, 3).max_bytes == 2000 * MIB);
	def.target_bytes = 4000 * MIB;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_TARGET, &def, E));
	assert_true(pool(c->r, 3).max_bytes == 2000 * MIB);
	assert_true(pool(c->r, 3).target_bytes == 4000 * MIB);
	def.target_bytes = 5153960756;
	assert_fails(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_TARGET, &def, E),
		REEVE_EINVALID_ARGUMENT,
		"targetSize is 5153960756; allowed are minSize, 773094113");
	def.target_bytes = REEVE_UNLIMITED;
	assert_ok(reeve_pool_update(c->r, (reeve_pool_id){3}, REEVE_POOL_SET_TARGET, &def, E));
	assert_true(pool(c->r, 3).target_bytes == REEVE_UNLIMITED);
}

static void a_new_limit_scales_the_pools(void **state)
{
	struct core *c = *state;
	struct reeve_memory_config k, same;
	uint64_t revision = core_segment(c->r).revision;

	reeve_memory_config_get(c->r, &k);
	k.db_limit_bytes *= 2;
	assert_ok(reeve_memory_config_set(c->r, &k, E));
	assert_true(core_segment(c->r).revision == revision + 1);
	assert_true(pool(c->r, 1).max_bytes == 2 * UINT64_C(5153960755));
	assert_true(pool(c->r, 5).min_bytes == 2 * UINT64_C(858993459));
	allocate(c->r, 4, 515396076);
	k.db_limit_bytes /= 2;
	assert_fails(reeve_memory_config_set(c->r, &k, E), REEVE_ECONFLICT,
		"LARGE_POOL would have 515396075 bytes, and 515396076 are in use");
	reeve_memory_config_get(c->r, &same);
	assert_true(same.db_limit_bytes == 2 * REEVE_MEMORY_DB_DEFAULT);
	assert_ok(reeve_memory_give_back(c->r, (reeve_pool_id){4}, 1, E));
	assert_ok(reeve_memory_config_set(c->r, &k, E));
	assert_true(pool(c->r, 2).max_bytes == 3092376453);
}

static void bad_settings_are_refused_by_name(void **state)
{
	struct core *c = *state;
	struct reeve_memory_config good, k;

	reeve_memory_config_get(c->r, &good);
#define BAD(field, value, part)                                                                    \
	do {                                                                                       \
		k = good;                                                                          \
		k.field = (value);                                                                 \
		assert_fails(reeve_memory_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT, part); \
	} while (0)
	BAD(low_ppm, 0, "low is 0.000000; thresholds rise");
	BAD(medium_ppm, 600000, "medium is 0.600000; thresholds rise");
	BAD(high_ppm, 749999, "high is");
	BAD(critical_ppm, 1000001, "critical is 1.000001");
	BAD(hysteresis_ppm, 100001, "hysteresis is 0.100001; allowed are 0 to 0.1");
	BAD(db_limit_bytes, 1048575, "max_db_memory is 1048575 bytes; allowed are 1048576 to");
	BAD(db_limit_bytes, UINT64_MAX, "max_db_memory");
	BAD(strategy, 3, "memory strategy is 3");
	BAD(tune_period_ns, REEVE_MSEC, "tune period is 0.001 s");
#undef BAD
	reeve_memory_config_get(c->r, &k);
	assert_memory_equal(&k, &good, sizeof(k));
}

static void lists_come_in_pages(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_allocation_info infos[200];
	reeve_allocation_id id = {0};
	uint32_t n;

	for (int i = 0; i < 150; i++)
		assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){i % 3 ? 2 : 3}, 10,
			i % 2 ? reeve_session_id_of(s) : NO_SESSION, NULL, &id, E));
	n = reeve_allocation_copy(
		c->r, (reeve_allocation_id){0}, (reeve_pool_id){0}, NO_SESSION, infos, 200);
	assert_int_equal(n, 150);
	for (uint32_t i = 0; i < n; i++)
		assert_true(infos[i].id.v == i + 1);
	n = reeve_allocation_copy(c->r, (reeve_allocation_id){0}, (reeve_pool_id){3},
		reeve_session_id_of(s), infos, 200);
	assert_int_equal(n, 25);
	n = reeve_allocation_copy(
		c->r, (reeve_allocation_id){100}, (reeve_pool_id){2}, NO_SESSION, infos, 7);
	assert_int_equal(n, 7);
	assert_true(infos[0].id.v == 101);
	reeve_session_destroy(s);
	assert_int_equal(reeve_allocation_copy(c->r, (reeve_allocation_id){0}, (reeve_pool_id){0},
				 NO_SESSION, infos, 200),
		75);
}

static void a_dead_process_s_memory_comes_back(void **state)
{
	struct core *c = *state;
	struct reeve *dead = NULL;

	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &dead, E));
	c->h.pid = 100;
	allocate(dead, 2, 1000);
	allocate(c->r, 2, 300);
	struct reeve_session *s = core_session(dead, 3);
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, 5000, E));
	reeve_allocation_id a = {0};
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){5}, 77, reeve_session_id_of(s), NULL, &a, E));
	free(s);
	dead->local_sessions = NULL;
	c->h.dead_below = 60;
	assert_ok(reeve_tick(c->r, NULL, E));
	pthread_mutex_destroy(&dead->local_lock);
	pthread_mutex_destroy(&dead->shrink_lock);
	free(dead); /* what it had in its own memory; reeve_close would touch the segment */
	assert_true(stats(c->r).used_bytes == 300);
	assert_true(stats(c->r).session_bytes == 0);
	assert_fails(reeve_memory_free(c->r, a, NO_SESSION, E), REEVE_ENOT_FOUND, "allocation 3");
	assert_true(stats(c->r).allocations == 3 && stats(c->r).deallocations == 2);
	assert_int_equal(core_segment(c->r).quotas, 0);
}

/* ---- bad input ---- */

static void null_arguments_are_refused_by_name(void **state)
{
	struct core *c = *state;
	struct reeve *r = NULL;
	struct reeve_session *s = NULL;
	reeve_pool_id p = {2};
	reeve_group_id g = {2};
	reeve_session_id sid = {1};
	reeve_allocation_id a = {7};
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_memory_config k = {.low_ppm = 1};
	uint64_t size = 1;
	uint32_t ppm = 7;
	union {
		struct reeve_pool_info pool;
		struct reeve_allocation_info allocation;
		struct reeve_memory_quota_info quota;
		struct reeve_memory_group_info group;
		struct reeve_memory_pressure pressure;
		struct reeve_memory_stats stats;
		struct reeve_memory_recommendation advice;
		char bytes[1024];
	} u, untouched;

#define BAD(call, argument) assert_fails((call), REEVE_EINVALID_ARGUMENT, argument " is NULL")
	memset(&u, 0x5a, sizeof(u));
	untouched = u;
	BAD(reeve_memory_config_set(r, &k, E), "reeve");
	BAD(reeve_pool_create(r, &def, &p, E), "reeve");
	BAD(reeve_pool_update(r, p, 0, &def, E), "reeve");
	BAD(reeve_pool_destroy(r, p, E), "reeve");
	BAD(reeve_pool_get(r, p, &u.pool, E), "reeve");
	BAD(reeve_memory_allocate(r, p, 1, sid, NULL, &a, E), "reeve");
	BAD(reeve_memory_free(r, a, sid, E), "reeve");
	BAD(reeve_memory_give_back(r, p, 1, E), "reeve");
	BAD(reeve_allocation_get(r, a, &u.allocation, E), "reeve");
	BAD(reeve_memory_charge(s, 0, 1, E), "session");
	BAD(reeve_memory_release(s, 0, 1, E), "session");
	BAD(reeve_memory_quota_set(r, sid, g, 1, 1, E), "reeve");
	BAD(reeve_memory_quota_remove(r, sid, E), "reeve");
	BAD(reeve_memory_session_charge(r, sid, 0, 1, E), "reeve");
	BAD(reeve_memory_session_release(r, sid, 0, 1, E), "reeve");
	BAD(reeve_memory_quota_get(r, sid, &u.quota, E), "reeve");
	BAD(reeve_memory_group_register(r, g, 1, 1, E), "reeve");
	BAD(reeve_memory_group_unregister(r, g, E), "reeve");
	BAD(reeve_memory_group_get(r, g, &u.group, E), "reeve");
	BAD(reeve_memory_miss_ratio(r, p, &size, 1, &ppm, NULL, E), "reeve");
	BAD(reeve_memory_curve_reset(r, p, E), "reeve");
	BAD(reeve_memory_tune(r, true, &u.advice, 1, E), "reeve");
	assert_false(reeve_pool_find(r, "SGA", &p));
	assert_int_equal(reeve_pool_copy(r, p, &u.pool, 1), 0);
	assert_int_equal(reeve_allocation_copy(r, a, p, sid, &u.allocation, 1), 0);
	assert_int_equal(reeve_memory_quota_copy(r, sid, g, &u.quota, 1), 0);
	assert_int_equal(reeve_memory_group_copy(r, g, &u.group, 1), 0);
	reeve_memory_config_get(r, &k);
	reeve_memory_pressure_get(r, &u.pressure);
	reeve_memory_stats_get(r, &u.stats);
	reeve_memory_access(r, p, 1);
	BAD(reeve_memory_config_set(c->r, NULL, E), "config");
	BAD(reeve_pool_create(c->r, NULL, &p, E), "def");
	BAD(reeve_pool_create(c->r, &def, NULL, E), "ret_id");
	BAD(reeve_pool_update(c->r, p, 0, NULL, E), "def");
	BAD(reeve_pool_get(c->r, p, NULL, E), "ret_info");
	BAD(reeve_memory_allocate(c->r, p, 1, sid, NULL, NULL, E), "ret_id");
	BAD(reeve_allocation_get(c->r, a, NULL, E), "ret_info");
	BAD(reeve_memory_quota_get(c->r, sid, NULL, E), "ret_info");
	BAD(reeve_memory_group_get(c->r, g, NULL, E), "ret_info");
	BAD(reeve_memory_on_pressure(c->r, p, NULL, NULL, E), "shrink");
	BAD(reeve_memory_off_pressure(c->r, NULL, NULL, E), "shrink");
	BAD(reeve_memory_miss_ratio(c->r, p, NULL, 1, &ppm, NULL, E), "sizes");
	BAD(reeve_memory_miss_ratio(c->r, p, &size, 1, NULL, NULL, E), "ret_ppm");
	BAD(reeve_memory_tune(c->r, true, NULL, 1, E), "ret");
#undef BAD
	assert_memory_equal(&u, &untouched, sizeof(u));
	assert_true(p.v == 2 && a.v == 7 && ppm == 7 && k.low_ppm == 1);
	assert_int_equal(reeve_memory_free(NULL, a, sid, NULL), REEVE_EINVALID_ARGUMENT);
}

static void bad_texts_and_fields_are_refused(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_pool_id id = {77};
	reeve_allocation_id a = {7};
	char text[80];

	memset(text, 'x', sizeof(text));
	text[65] = 0;
	def.name = text;
	def.max_bytes = 10;
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "name");
	def.name = "";
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "name");
	def.name = NULL;
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "name");
	def.name = "fine";
	def.type = 6;
	assert_fails(
		reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "pool type is 6");
	def.type = 0;
	def.min_bytes = 11;
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT,
		"maxSize is 10, minSize 11");
	def.min_bytes = 0;
	def.max_bytes = 0;
	assert_fails(
		reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "maxSize is 0");
	def.max_bytes = UINT64_MAX;
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the database limit has 8589934592 bytes");
	def.max_bytes = 10;
	def.page_bytes = 0;
	assert_fails(
		reeve_pool_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "page size is 0");
	def.page_bytes = 1;
	def.parent.v = 55;
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_ENOT_FOUND, "memory pool 55");
	assert_fails(reeve_pool_update(c->r, (reeve_pool_id){2}, 32, &def, E),
		REEVE_EINVALID_ARGUMENT, "fields is 0x20");
	assert_fails(reeve_pool_update(c->r, (reeve_pool_id){9}, 1, &def, E), REEVE_ENOT_FOUND,
		"memory pool 9");
	text[33] = 0;
	assert_fails(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 1, NO_SESSION, text, &a, E),
		REEVE_EINVALID_ARGUMENT, "tag");
	text[32] = 0;
	assert_true(id.v == 77 && a.v == 7);
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 1, NO_SESSION, text, &a, E));
	struct reeve_allocation_info info;
	assert_ok(reeve_allocation_get(c->r, a, &info, E));
	assert_string_equal(info.tag, text);
}

/* A segment of an earlier boot: what the dead had goes, and sums are made anew. */
static void an_adopted_segment_makes_its_sums_anew(void **state)
{
	(void)state;
	struct reeve_options o;
	struct core_host h;
	struct reeve *r = NULL;
	char path[300];

	core_host_init(&h);
	core_small_options(&o);
	core_path(path, sizeof(path), "adopted");
	o.path = path;
	o.host = &h.host;
	assert_ok(reeve_open(&o, &r, E));
	allocate(r, 2, 1000);
	assert_ok(reeve_memory_quota_set(
		r, (reeve_session_id){900}, (reeve_group_id){3}, 500, 500, E));
	assert_ok(
		reeve_memory_session_charge(r, (reeve_session_id){900}, REEVE_MEMORY_PGA, 300, E));
	/* The machine stops in the middle of a change: sums are garbage, and the boot is another. */
	r->memory->pools[1].allocated = 123456;
	r->memory->used = 5;
	r->memory->allocations = 1;
	r->header->boot_id[0] ^= 1;
	h.dead_below = 150;
	struct core_host later = h;
	later.host.self = &later;
	later.pid = 200;
	o.host = &later.host;
	struct reeve *r2 = NULL;
	assert_ok(reeve_open(&o, &r2, E));
	assert_ok(reeve_tick(r2, NULL, E));
	assert_true(stats(r2).used_bytes == 300 && pool(r2, 2).allocated_bytes == 0);
	assert_clean(r2);
	reeve_close(r2);
	reeve__segment_unmap(r);
	pthread_mutex_destroy(&r->local_lock);
	pthread_mutex_destroy(&r->shrink_lock);
	free(r);
	core_path_remove();
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(five_pools_for_8_gib_whatever_the_host_has),
		cmocka_unit_test(the_limit_can_be_given_when_the_segment_is_made),
		with_core(memory_02_what_a_pool_holds_counts_in_all_above_it),
		with_core(memory_01_only_the_owner_frees_and_once),
		with_core(memory_03_sizes_near_2_to_the_64_are_refused),
		with_core(memory_04_no_more_is_freed_than_was_allocated),
		with_core(refusals_change_nothing_and_name_the_limit),
		with_core(peaks_stay),
		with_core(pools_are_made_changed_and_ended),
		with_core(a_target_is_reached_when_it_can_be),
		with_core(a_new_limit_scales_the_pools),
		with_core(bad_settings_are_refused_by_name),
		with_core(lists_come_in_pages),
		with_core(a_dead_process_s_memory_comes_back),
		with_core(null_arguments_are_refused_by_name),
		with_core(bad_texts_and_fields_are_refused),
		cmocka_unit_test(an_adopted_segment_makes_its_sums_anew),
	};
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
