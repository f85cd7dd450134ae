/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Miss-ratio curves by SHARDS against an exact simulation of LRU, on traces of several kinds.
 *
 * The exact side keeps the same pages in a Fenwick tree over all accesses, with no sampling and no
 * buckets. Bounds, in points of miss ratio over 40 cache sizes: 2 on average over the large traces and
 * several seeds, 5 on average over one trace, 8 at the worst; while no more pages are in play than are
 * followed, half a point on average and 2 at the worst, which is what buckets cost. A loop has a cliff, where the curve may lie a bucket (1/16 of the size) to the
 * side.
 */
#include "core.h"

#include "../../src/policy/shards.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- exact LRU ---- */

struct exact {
	uint32_t pages, time, limit;
	uint32_t *last;	 /* time + 1 of a page's last access */
	uint32_t *tree;	 /* over times */
	uint64_t *count; /* by distance; [pages]: first accesses */
};

static void exact_init(struct exact *e, uint32_t pages, uint32_t accesses)
{
	e->pages = pages;
	e->time = 0;
	e->limit = accesses;
	e->last = calloc(pages, sizeof(*e->last));
	e->tree = calloc((size_t)accesses + 1, sizeof(*e->tree));
	e->count = calloc((size_t)pages + 1, sizeof(*e->count));
	assert_true(e->last && e->tree && e->count);
}

static void exact_fini(struct exact *e)
{
	free(e->last);
	free(e->tree);
	free(e->count);
}

static void add(struct exact *e, uint32_t at, uint32_t by)
{
	for (uint32_t i = at; i <= e->limit; i += i & -i)
		e->tree[i] += by;
}

static uint32_t sum(const struct exact *e, uint32_t at)
{
	uint32_t n = 0;

	for (uint32_t i = at; i; i -= i & -i)
		n += e->tree[i];
	return n;
}

static void exact_access(struct exact *e, uint32_t page)
{
	uint32_t now = ++e->time, last = e->last[page];

	if (last) {
		e->count[sum(e, now - 1) - sum(e, last)]++;
		add(e, last, (uint32_t)-1);
	} else {
		e->count[e->pages]++;
	}
	add(e, now, 1);
	e->last[page] = now;
}

static double exact_misses(const struct exact *e, uint64_t cache)
{
	uint64_t misses = e->count[e->pages];

	for (uint64_t d = cache; d < e->pages; d++)
		misses += e->count[d];
	return (double)misses / e->time;
}

/* ---- traces ---- */

struct trace {
	const char *name;
	uint32_t pages, accesses;
	uint32_t (*next)(struct sim_random *random, const struct trace *t, uint32_t i);
};

static double uniform(struct sim_random *random)
{
	return (double)(sim_random_next(random) >> 11) / 9007199254740992.0;
}

static uint32_t next_uniform(struct sim_random *random, const struct trace *t, uint32_t i)
{
	(void)i;
	return (uint32_t)core_below(random, t->pages);
}

/* Zipf by inversion of the continuous distribution, exponent 0.9. */
static uint32_t next_zipf(struct sim_random *random, const struct trace *t, uint32_t i)
{
	double x = pow(uniform(random) * (pow(t->pages, 0.1) - 1) + 1, 10);

	(void)i;
	return (uint32_t)x - 1 < t->pages ? (uint32_t)x - 1 : 0;
}

static uint32_t next_loop(struct sim_random *random, const struct trace *t, uint32_t i)
{
	(void)random;
	return i % t->pages;
}

/* Look-ups by Zipf beside a scan over and over. */
static uint32_t next_mixed(struct sim_random *random, const struct trace *t, uint32_t i)
{
	return core_below(random, 4) ? next_zipf(random, t, i) : i % t->pages;
}

static const struct trace traces[] = {
	{"uniform", 50000, 400000, next_uniform},
	{"zipf", 50000, 400000, next_zipf},
	{"loop", 50000, 400000, next_loop},
	{"mixed", 50000, 400000, next_mixed},
	{"small uniform", 3000, 60000, next_uniform},
	{"small zipf", 3000, 60000, next_zipf},
	{"small mixed", 3000, 60000, next_mixed},
};

/* Runs one trace through both. */
static void run(const struct trace *t, uint64_t seed, struct exact *e, struct reeve_sh_shards *s)
{
	struct sim_random random;
	uint64_t told = 0;

	sim_random_init(&random, seed, (uint64_t)(t - traces));
	reeve__shards_init(s);
	for (uint32_t i = 0; i < t->accesses; i++) {
		uint32_t page = t->next(&random, t, i);
		uint64_t hash = reeve__shards_hash(page ^ (seed << 32));
		exact_access(e, page);
		told++;
		if (reeve__shards_wants(s->threshold, hash)) {
			reeve__shards_access(s, hash, told);
			told = 0;
		}
	}
	reeve__shards_count(s, told);
}

/* Returns the average error. */
static double compare(const struct trace *t, uint64_t seed, struct reeve_sh_shards *s)
{
	struct exact e;
	double worst = 0, total = 0;
	bool small = t->pages <= REEVE__SAMPLES;

	exact_init(&e, t->pages, t->accesses);
	run(t, seed, &e, s);
	for (uint32_t k = 1; k <= 40; k++) {
		uint64_t cache = (uint64_t)t->pages * k / 40;
		double got = reeve__shards_miss_ppm(s, cache) / 1e6;
		/* At the cliff of a loop a curve that is a bucket to the side is right enough. */
		uint64_t slack = t->next == next_loop ? cache / 16 : 0;
		double high = got - exact_misses(&e, cache - slack);
		double low = exact_misses(&e, cache + slack) - got;
		double error = high > low ? high : low;
		if (error < 0)
			error = 0;
		total += error;
		if (error > worst)
			worst = error;
	}
	print_message(
		"%-14s %6u pages: error %.2f points on average, %.2f at the worst; rate %.4f\n",
		t->name, t->pages, total / 40 * 100, worst * 100,
		(double)s->threshold / REEVE__SHARD_ALL);
	assert_true(total / 40 <= (small ? 0.005 : 0.05));
	assert_true(worst <= (small ? 0.02 : 0.08));
	assert_true(s->count <= REEVE__SAMPLES);
	exact_fini(&e);
	return total / 40;
}

static void curves_are_as_an_exact_lru_has_them(void **state)
{
	struct reeve_sh_shards *s = malloc(sizeof(*s));
	uint64_t seed = core_seed("shards"), laps = core_steps(1) > 1 ? 100 : 4;
	double errors = 0;

	(void)state;
	assert_non_null(s);
	for (uint64_t lap = 0; lap < laps; lap++)
		for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
			double error = compare(&traces[i], seed + lap, s);
			errors += traces[i].pages > REEVE__SAMPLES ? error : 0;
		}
	print_message(
		"%.2f points on average over all large ones\n", errors / (4 * (double)laps) * 100);
	assert_true(errors / (4 * (double)laps) <= 0.02);
	free(s);
}

static void curves_fall_with_size(void **state)
{
	struct reeve_sh_shards *s = malloc(sizeof(*s));
	struct exact e;
	uint32_t last = REEVE_PPM;

	(void)state;
	assert_non_null(s);
	exact_init(&e, traces[3].pages, traces[3].accesses);
	run(&traces[3], core_seed("monotonic"), &e, s);
	for (uint64_t cache = 0; cache < 60000; cache += 37) {
		uint32_t now = reeve__shards_miss_ppm(s, cache);
		assert_true(now <= last);
		last = now;
	}
	assert_int_equal(reeve__shards_miss_ppm(s, 0), REEVE_PPM);
	exact_fini(&e);
	free(s);
}

/* What is followed, its table and its tree agree, through evictions, compactions and ageing. */
static void the_structure_stays_whole(void **state)
{
	struct reeve_sh_shards *s = malloc(sizeof(*s));
	struct sim_random random;
	uint64_t seed = core_seed("structure"), steps = core_steps(300000), pages = 100;

	(void)state;
	assert_non_null(s);
	sim_random_init(&random, seed, 7);
	reeve__shards_init(s);
	for (uint64_t i = 0; i < steps; i++) {
		if (i % 20000 == 0)
			pages = 1 + core_below(&random, i % 40000 ? 200000 : 3000);
		uint64_t hash = reeve__shards_hash(core_below(&random, pages));
		if (reeve__shards_wants(s->threshold, hash))
			reeve__shards_access(s, hash, 1 + core_below(&random, 3));
		if (i % 5000 != 0)
			continue;
		uint32_t live = 0, cells = 0;
		uint64_t weights = s->cold;
		for (uint32_t k = 0; k < 2 * REEVE__SAMPLES; k++) {
			live += s->pages[k] != 0;
			if (s->table[k]) {
				assert_true(s->table[k] <= s->position);
				assert_true(s->pages[s->table[k] - 1] != 0);
				cells++;
			}
		}
		for (uint32_t k = 0; k < REEVE__SHARD_BUCKETS; k++)
			weights += s->weight[k];
		assert_int_equal(live, s->count);
		assert_int_equal(cells, s->count);
		assert_true(s->count <= REEVE__SAMPLES);
		assert_true(weights == s->weighed);
	}
	assert_true(s->threshold < REEVE__SHARD_ALL);
	free(s);
}

static void distances_are_exact_while_all_pages_are_followed(void **state)
{
	struct reeve_sh_shards *s = malloc(sizeof(*s));

	(void)state;
	assert_non_null(s);
	reeve__shards_init(s);
	for (uint32_t i = 0; i < 1000; i++) /* ten pages, over and over: distance 9 each time */
		reeve__shards_access(s, reeve__shards_hash(i % 10), 1);
	assert_int_equal(reeve__shards_miss_ppm(s, 9), REEVE_PPM);
	assert_int_equal(reeve__shards_miss_ppm(s, 10), 10000); /* ten first accesses of 1,000 */
	assert_true(reeve__shards_usable(s));
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(curves_are_as_an_exact_lru_has_them),
		cmocka_unit_test(curves_fall_with_size),
		cmocka_unit_test(the_structure_stays_whole),
		cmocka_unit_test(distances_are_exact_while_all_pages_are_followed),
	};
	return cmocka_run_group_tests_name("prop_shards", tests, NULL, NULL);
}
