/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the advisor: both rules, strategies, application within the tree, page accesses. */
#include "core.h"

#include "../../src/policy/advisor.h"

#include <string.h>

#define MIB	   ((uint64_t)1048576)
#define NO_SESSION ((reeve_session_id){0})
#define CACHE	   ((reeve_pool_id){REEVE_POOL_BUFFER_CACHE})

static struct reeve_pool_info pool(struct reeve *r, uint64_t id)
{
	struct reeve_pool_info info = {.id = {0}};

	assert_ok(reeve_pool_get(r, (reeve_pool_id){id}, &info, E));
	return info;
}

static void tuned(struct reeve *r, uint64_t id)
{
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;

	def.auto_tune = true;
	assert_ok(reeve_pool_update(r, (reeve_pool_id){id}, REEVE_POOL_SET_AUTO_TUNE, &def, E));
}

static void resize(struct reeve *r, uint64_t id, uint64_t max, uint64_t min)
{
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;

	def.max_bytes = max;
	def.min_bytes = min;
	assert_ok(reeve_pool_update(
		r, (reeve_pool_id){id}, REEVE_POOL_SET_MAX | REEVE_POOL_SET_MIN, &def, E));
}

static void strategy(struct reeve *r, uint32_t which)
{
	struct reeve_memory_config k;

	reeve_memory_config_get(r, &k);
	k.strategy = which;
	assert_ok(reeve_memory_config_set(r, &k, E));
}

static void take(struct reeve *r, uint64_t id, uint64_t bytes)
{
	reeve_allocation_id a;

	assert_ok(reeve_memory_allocate(r, (reeve_pool_id){id}, bytes, NO_SESSION, NULL, &a, E));
}

static uint64_t adjustments(struct reeve *r)
{
	struct reeve_memory_stats s;

	reeve_memory_stats_get(r, &s);
	return s.auto_adjustments;
}

static void the_first_rule(void **state)
{
	(void)state;
	struct reeve__advice a = reeve__advice_first(1000, 100, 901);

	assert_true(a.bytes == 1200 && a.benefit_ppm == 604000); /* |90.1 - 75| / 25 */
	a = reeve__advice_first(1000, 100, 900);
	assert_true(a.bytes == 1000 && a.benefit_ppm == 0);
	a = reeve__advice_first(1000, 100, 500);
	assert_true(a.bytes == 1000);
	a = reeve__advice_first(1000, 100, 499);
	assert_true(a.bytes == 900 && a.benefit_ppm == 1004000);
	a = reeve__advice_first(1000, 950, 0);
	assert_true(a.bytes == 950);
	a = reeve__advice_first(1000, 1000, 0);
	assert_true(a.bytes == 1000);
	/* Memory, line 10: a limit of nothing gave "not a number". */
	a = reeve__advice_first(0, 0, 0);
	assert_true(a.bytes == 0 && a.benefit_ppm == 0);
	a = reeve__advice_first(UINT64_MAX - 5, 0, UINT64_MAX - 5);
	assert_true(a.bytes == UINT64_MAX);
}

static void the_curve_rule(void **state)
{
	(void)state;
	uint32_t miss[REEVE__ADVICE_GRID];
	struct reeve__advice a;

	/* A cliff at 60 of 63 steps: from 80 % to 10 %. */
	for (uint32_t i = 0; i < REEVE__ADVICE_GRID; i++)
		miss[i] = i < 60 ? 800000 : 100000;
	a = reeve__advice_curve(300, 800000, 0, 630, miss);
	assert_true(a.bytes == 600 && a.benefit_ppm == 875000);
	a = reeve__advice_curve(630, 100000, 0, 630, miss); /* may shrink to the edge */
	assert_true(a.bytes == 600 && a.benefit_ppm == 47619);
	a = reeve__advice_curve(600, 100000, 0, 630, miss);
	assert_true(a.bytes == 600 && a.benefit_ppm == 0);
	for (uint32_t i = 0; i < REEVE__ADVICE_GRID; i++)
		miss[i] = 500000; /* size makes no difference */
	a = reeve__advice_curve(300, 500000, 100, 630, miss);
	assert_true(a.bytes == 100);
}

/* Memory, line 8: recommendations were always empty, and nothing applied them. */
static void memory_08_recommendations_are_made_and_applied(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation recs[4];

	assert_int_equal(reeve_memory_tune(c->r, false, recs, 4, E), 0); /* nobody asked for it */
	tuned(c->r, 3);
	tuned(c->r, 4);
	take(c->r, 4, 480 * MIB); /* 97 % of LARGE_POOL */
	assert_int_equal(reeve_memory_tune(c->r, false, recs, 4, E), 2);
	assert_true(recs[0].pool.v == 3 && recs[0].current_bytes == 1546188226);
	assert_true(recs[0].recommended_bytes == 1391569404 && recs[0].applied_bytes == 0);
	assert_true(recs[0].benefit_ppm == 3000000 && !recs[0].is_measured);
	assert_string_equal(recs[0].pool_name, "SHARED_POOL");
	assert_string_equal(recs[0].reason, "0.0 % of the pool is in use");
	assert_true(recs[1].pool.v == 4 && recs[1].recommended_bytes == 618475290);
	assert_true(recs[1].wall == c->h.wall);
	assert_true(pool(c->r, 3).max_bytes == 1546188226 && adjustments(c->r) == 0);
	/* Applied, what shrinks makes room for what grows; SGA's sum holds. */
	assert_int_equal(reeve_memory_tune(c->r, true, recs, 4, E), 2);
	assert_true(recs[0].applied_bytes == 1391569404 && recs[1].applied_bytes == 618475290);
	assert_true(pool(c->r, 3).max_bytes == 1391569404 && pool(c->r, 4).max_bytes == 618475290);
	assert_true(adjustments(c->r) == 2);
	assert_true(pool(c->r, 2).max_bytes + pool(c->r, 3).max_bytes + pool(c->r, 4).max_bytes <=
		    pool(c->r, 1).max_bytes);
	assert_clean(c->r);
}

static void growth_stops_where_the_parent_is_full(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;

	tuned(c->r, 4);
	take(c->r, 4, 480 * MIB);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.recommended_bytes == 618475290);
	assert_true(rec.applied_bytes == 515396076); /* SGA has one byte that nobody has */
	resize(c->r, 3, 1546188226 - 1000, 0);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.applied_bytes == 515397076); /* as far as there is room */
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.applied_bytes == 0 && adjustments(c->r) == 2);
}

static void manual_only_recommends(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;

	strategy(c->r, REEVE_STRATEGY_MANUAL);
	tuned(c->r, 3);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.applied_bytes == 0 && pool(c->r, 3).max_bytes == 1546188226);
	core_sleep(&c->h, 61 * REEVE_SEC);
	struct reeve_tick_report report;
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.resized_pools, 0);
}

static void hybrid_stays_within_what_an_operator_gave(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;
	struct reeve_memory_config k;

	strategy(c->r, REEVE_STRATEGY_HYBRID);
	resize(c->r, 2, 1000 * MIB, 0); /* SGA has room now */
	resize(c->r, 3, 100 * MIB, 0);
	tuned(c->r, 3);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.applied_bytes == 90 * MIB); /* benefit 3.0 */
	take(c->r, 3, 82 * MIB);		    /* 91 %: benefit 0.64 */
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.recommended_bytes == 108 * MIB && rec.applied_bytes == 100 * MIB);
	take(c->r, 3, 10 * MIB);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.recommended_bytes == 120 * MIB && rec.applied_bytes == 0);
	/* A small benefit is not worth it. */
	reeve_memory_config_get(c->r, &k);
	k.hybrid_benefit_ppm = 900000;
	assert_ok(reeve_memory_config_set(c->r, &k, E));
	resize(c->r, 3, 101 * MIB, 0);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.benefit_ppm < 900000 && rec.applied_bytes == 0);
	strategy(c->r, REEVE_STRATEGY_AUTOMATIC);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.applied_bytes == rec.recommended_bytes);
}

/* What the operator gave last may be a target that the pool's children are in the way of. */
static void a_pool_is_not_made_smaller_than_its_children(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_pool_info info;
	reeve_pool_id parent, child;

	strategy(c->r, REEVE_STRATEGY_HYBRID);
	def.name = "parent";
	def.max_bytes = 100 * MIB;
	assert_ok(reeve_pool_create(c->r, &def, &parent, E));
	def.name = "child";
	def.parent = parent;
	def.max_bytes = 80 * MIB;
	assert_ok(reeve_pool_create(c->r, &def, &child, E));
	def.target_bytes = 50 * MIB;
	assert_ok(reeve_pool_update(c->r, parent, REEVE_POOL_SET_TARGET, &def, E));
	tuned(c->r, parent.v);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.recommended_bytes >= 80 * MIB && rec.applied_bytes == 0);
	assert_ok(reeve_pool_get(c->r, parent, &info, E));
	assert_true(info.max_bytes == 100 * MIB);
	assert_clean(c->r);
}

static void the_tick_tunes_at_its_period(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;

	assert_ok(reeve_tick(c->r, &report, E)); /* the first is at once, with nothing to do */
	tuned(c->r, 3);
	core_sleep(&c->h, 59 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.resized_pools, 0);
	core_sleep(&c->h, 1 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.resized_pools, 1);
	assert_true(pool(c->r, 3).max_bytes == 1391569404 && adjustments(c->r) == 1);
	/* Down to the minimum, and no further. */
	for (int i = 0; i < 20; i++) {
		core_sleep(&c->h, 60 * REEVE_SEC);
		assert_ok(reeve_tick(c->r, &report, E));
	}
	assert_true(pool(c->r, 3).max_bytes == 773094113);
}

static void a_pool_that_holds_more_gets_a_target(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;
	uint64_t page = 8192;

	/* 1,000 hot pages: a cache of 8 MB has all the hits there are. */
	resize(c->r, 2, 1000 * MIB, 1 * MIB);
	tuned(c->r, 2);
	take(c->r, 2, 600 * MIB);
	for (uint64_t i = 0; i < 50000; i++)
		reeve_memory_access(c->r, CACHE, i % 1000);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.is_measured && strstr(rec.reason, "measured: 2.0 % of accesses miss now"));
	assert_true(rec.recommended_bytes >= 1000 * page && rec.recommended_bytes < 100 * MIB);
	assert_true(pool(c->r, 2).max_bytes == 1000 * MIB);
	assert_true(pool(c->r, 2).target_bytes == rec.recommended_bytes);
	assert_ok(reeve_memory_give_back(c->r, CACHE, 600 * MIB, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_true(pool(c->r, 2).max_bytes == rec.recommended_bytes);
}

static void a_curve_overrules_the_first_rule(void **state)
{
	struct core *c = *state;
	struct reeve_memory_recommendation rec;

	/* 98 % in use: the first rule would say a fifth more. A loop of 400 MB says: all of that. */
	resize(c->r, 2, 100 * MIB, 1 * MIB);
	tuned(c->r, 2);
	take(c->r, 2, 98 * MIB);
	assert_int_equal(reeve_memory_tune(c->r, false, &rec, 1, E), 1);
	assert_true(rec.recommended_bytes == 120 * MIB && !rec.is_measured);
	for (uint64_t i = 0; i < 500000; i++)
		reeve_memory_access(c->r, CACHE, i % 51200);
	assert_int_equal(reeve_memory_tune(c->r, true, &rec, 1, E), 1);
	assert_true(rec.is_measured);
	assert_in_range(rec.recommended_bytes / MIB, 370, 470);
	assert_true(rec.benefit_ppm > 800000 && rec.applied_bytes == rec.recommended_bytes);
	/* Forgotten, the first rule is back. */
	assert_ok(reeve_memory_curve_reset(c->r, CACHE, E));
	assert_int_equal(reeve_memory_tune(c->r, false, &rec, 1, E), 1);
	assert_false(rec.is_measured);
}

static void curves_are_read(void **state)
{
	struct core *c = *state;
	uint64_t sizes[3] = {0, 96 * 4096, 100 * 4096};
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_memory_curve curve;
	uint32_t ppm[3] = {7, 7, 7};

	def.page_bytes = 4096;
	assert_ok(reeve_pool_update(c->r, CACHE, REEVE_POOL_SET_PAGE, &def, E));
	for (uint64_t i = 0; i < 999; i++)
		reeve_memory_access(c->r, CACHE, i % 100);
	assert_fails(reeve_memory_miss_ratio(c->r, CACHE, sizes, 3, ppm, NULL, E),
		REEVE_EINVALID_STATE, "memory pool 2 has 999 samples; it wants 1000");
	assert_int_equal(ppm[0], 7);
	assert_ok(reeve_memory_miss_ratio(c->r, CACHE, NULL, 0, NULL, &curve, E));
	assert_true(curve.references == 999 && !curve.is_usable && curve.rate_ppm == REEVE_PPM);
	reeve_memory_access(c->r, CACHE, 99);
	assert_ok(reeve_memory_miss_ratio(c->r, CACHE, sizes, 3, ppm, &curve, E));
	assert_true(curve.references == 1000 && curve.samples == 1000 && curve.is_usable);
	assert_int_equal(ppm[0], REEVE_PPM);
	assert_int_equal(ppm[2], 100000);    /* a hundred first accesses */
	assert_int_equal(ppm[1], REEVE_PPM); /* a cycle defeats a cache that is a bucket short */
	reeve_memory_access(c->r, (reeve_pool_id){999}, 1); /* ignored */
	assert_fails(reeve_memory_miss_ratio(c->r, (reeve_pool_id){999}, sizes, 3, ppm, NULL, E),
		REEVE_ENOT_FOUND, "memory pool 999");
	assert_fails(reeve_memory_curve_reset(c->r, (reeve_pool_id){0}, E), REEVE_ENOT_FOUND,
		"memory pool 0");
}

/* What one process tells without sampling counts when it ticks; what two tell adds up. */
static void accesses_of_processes_add_up(void **state)
{
	struct core *c = *state;
	struct reeve_memory_curve a, b;
	struct reeve *r2 = NULL;

	assert_ok(reeve_attach(c->r, &r2, E));
	for (uint64_t i = 0; i < 300000; i++)
		reeve_memory_access(i % 2 ? c->r : r2, CACHE, i % 30000);
	assert_ok(reeve_tick(r2, NULL, E));
	assert_ok(reeve_memory_miss_ratio(c->r, CACHE, NULL, 0, NULL, &a, E));
	assert_ok(reeve_memory_miss_ratio(r2, CACHE, NULL, 0, NULL, &b, E));
	assert_true(a.references == b.references && a.samples == b.samples);
	assert_true(a.rate_ppm < 200000);
	assert_true(a.references == 300000 || a.samples >= 65536); /* aged by then */
	reeve_close(r2);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_rule),
		cmocka_unit_test(the_curve_rule),
		with_core(memory_08_recommendations_are_made_and_applied),
		with_core(growth_stops_where_the_parent_is_full),
		with_core(manual_only_recommends),
		with_core(hybrid_stays_within_what_an_operator_gave),
		with_core(a_pool_is_not_made_smaller_than_its_children),
		with_core(the_tick_tunes_at_its_period),
		with_core(a_pool_that_holds_more_gets_a_target),
		with_core(a_curve_overrules_the_first_rule),
		with_core(curves_are_read),
		with_core(accesses_of_processes_add_up),
	};
	return cmocka_run_group_tests_name("memory_advice", tests, NULL, NULL);
}
