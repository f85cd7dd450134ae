/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on base/heap, policy/shares, policy/bucket and policy/fair, against simple
 * models: a sorted array, the definition of a share, exact fractions. Episodes begin short, so that
 * what fails first is small; its own seed is printed.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "../../src/base/heap.h"
#include "../../src/policy/bucket.h"
#include "../../src/policy/fair.h"
#include "../../src/policy/shares.h"

static uint64_t episode_number;

/* Runs episodes of growing size until `steps` steps are done. */
static void episodes(
	const char *name, uint64_t steps, void (*episode)(struct sim_random *random, uint32_t size))
{
	uint64_t seed = core_seed(name), done = 0;

	for (uint64_t i = 0; done < core_steps(steps); i++) {
		uint32_t size = (uint32_t)(2 + i / 4 < 256 ? 2 + i / 4 : 256);
		struct sim_random random;
		episode_number = i;
		sim_random_init(&random, seed, i);
		episode(&random, size);
		done += size;
	}
}

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("episode %llu: ", (unsigned long long)episode_number);         \
			print_error(__VA_ARGS__);                                                  \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* ---- heap against a sorted array ---- */

#define HEAP_MAX 256u

struct model_entry {
	uint64_t key, tie;
	uint32_t slot;
};

static bool entry_before(const struct model_entry *a, const struct model_entry *b)
{
	return a->key != b->key ? (int64_t)(a->key - b->key) < 0 : a->tie < b->tie;
}

static uint32_t model_least(const struct model_entry *e, uint32_t n)
{
	uint32_t least = 0;

	for (uint32_t i = 1; i < n; i++)
		if (entry_before(&e[i], &e[least]))
			least = i;
	return least;
}

static void heap_episode(struct sim_random *random, uint32_t size)
{
	static struct reeve_sh_node nodes[HEAP_MAX];
	struct reeve__heap heap = {(char *)nodes, sizeof(nodes[0]), size, false};
	struct model_entry model[HEAP_MAX];
	uint64_t clock = UINT64_MAX - 40, tie = 0;
	uint32_t root = REEVE_NONE, n = 0;

	memset(nodes, 0, sizeof(nodes));
	for (uint32_t step = 0; step < 4 * size; step++) {
		uint32_t i = (uint32_t)core_below(random, size), at = 0;
		while (at < n && model[at].slot != i)
			at++;
		must((at < n) == reeve__heap_has(&nodes[i]), "slot %u: has is wrong\n", i);
		clock += core_below(random, 3);
		if (at == n) {
			model[n] = (struct model_entry){clock + core_below(random, 20), tie++, i};
			reeve__heap_insert(&heap, &root, i, model[n].key, model[n].tie);
			n++;
		} else {
			if (core_below(random, 2)) /* the first as often as any */
				at = model_least(model, n);
			reeve__heap_remove(&heap, &root, model[at].slot);
			model[at] = model[--n];
		}
		must(reeve__heap_check(&heap, root) == n, "step %u: %u nodes wanted\n", step, n);
		must(n == 0 ? root == REEVE_NONE : root == model[model_least(model, n)].slot,
			"step %u: the wrong one comes first\n", step);
	}
	must(!heap.fault, "a fault\n");
}

static void a_heap_is_a_sorted_array(void **state)
{
	(void)state;
	episodes("heap", 60000, heap_episode);
}

/* ---- shares against their definition ---- */

static void random_shares(
	struct sim_random *random, struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	static const uint64_t scales[] = {2, 11, 101, 10001, REEVE_SHARES_MAX, UINT64_C(1) << 40};
	uint64_t scale = scales[core_below(random, by_level ? 3 : 6)];

	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct reeve_sh_share){
			.number = core_below(random, scale),
			.level = (uint32_t)core_below(random, REEVE_SHARE_LEVELS),
			.cap_ppm = core_below(random, 3)
					   ? REEVE_PPM
					   : (uint32_t)(1 + core_below(random, REEVE_PPM)),
			.has_demand = core_below(random, 4) != 0,
		};
}

struct sums {
	uint64_t shares, weights, caps;
	uint32_t demand;
	bool all_capped;
};

static struct sums sum_up(const struct reeve_sh_share *s, uint32_t n)
{
	struct sums t = {.all_capped = true};

	for (uint32_t i = 0; i < n; i++) {
		t.shares += s[i].share_ppm;
		if (!s[i].has_demand)
			continue;
		t.demand++;
		t.weights += s[i].weight_ppm;
		t.caps += s[i].cap_ppm;
		t.all_capped = t.all_capped && s[i].share_ppm == s[i].cap_ppm;
	}
	return t;
}

/* What holds whatever goes in: see the head of shares.h. */
static void check_invariants(const struct reeve_sh_share *s, uint32_t n)
{
	struct sums t = sum_up(s, n);
	uint64_t floor = REEVE_SHARE_FLOOR_PPM, whole = t.caps < REEVE_PPM ? t.caps : REEVE_PPM;

	if (t.demand && floor > REEVE_PPM / (2 * t.demand))
		floor = REEVE_PPM / (2 * t.demand);
	must(t.shares <= REEVE_PPM, "%llu ppm handed out\n", (unsigned long long)t.shares);
	must(!t.demand || t.shares + 2 * t.demand >= whole,
		"not work-conserving: %llu of %llu ppm handed out\n", (unsigned long long)t.shares,
		(unsigned long long)whole);
	must(t.weights <= REEVE_PPM && (!t.demand || t.weights + 2 * t.demand >= REEVE_PPM),
		"weights add up to %llu\n", (unsigned long long)t.weights);
	for (uint32_t i = 0; i < n; i++) {
		must(s[i].has_demand || s[i].share_ppm == 0, "row %u has no demand\n", i);
		must(s[i].share_ppm <= s[i].cap_ppm, "row %u: %u over its cap %u\n", i,
			s[i].share_ppm, s[i].cap_ppm);
		must(!s[i].has_demand || s[i].share_ppm + 1 >= floor ||
				s[i].share_ppm == s[i].cap_ppm,
			"row %u: %u under the floor %llu\n", i, s[i].share_ppm,
			(unsigned long long)floor);
	}
}

/* Two rows of a level that neither floor nor cap touches stand in the ratio of their numbers. */
static void check_proportions(const struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++) {
			if (!s[i].has_demand || !s[k].has_demand ||
				(by_level && s[i].level != s[k].level) ||
				s[i].share_ppm == s[i].cap_ppm || s[k].share_ppm == s[k].cap_ppm)
				continue;
			must(!(s[i].number > s[k].number) || s[i].share_ppm + 2 >= s[k].share_ppm,
				"rows %u and %u: the larger number has the smaller share\n", i, k);
			must(s[i].number != s[k].number ||
					s[i].share_ppm - s[k].share_ppm + 2u <= 4,
				"rows %u and %u: equal numbers, %u and %u ppm\n", i, k,
				s[i].share_ppm, s[k].share_ppm);
		}
}

static void shares_episode(struct sim_random *random, uint32_t size)
{
	struct reeve_sh_share s[256];
	bool by_level = core_below(random, 2);

	random_shares(random, s, size, by_level);
	reeve__shares_solve(s, size, by_level);
	check_invariants(s, size);
	check_proportions(s, size, by_level);
}

static void shares_keep_their_promises(void **state)
{
	(void)state;
	episodes("shares", 200000, shares_episode);
}

/* Without floors and caps in the way, the share is number / sum, to the part per million. */
static void exact_episode(struct sim_random *random, uint32_t size)
{
	struct reeve_sh_share s[256];
	uint32_t n = size < 16 ? size : 16;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		s[i] = (struct reeve_sh_share){.number = 100 + core_below(random, 1000),
			.level = 1,
			.cap_ppm = REEVE_PPM,
			.has_demand = 1};
		sum += s[i].number;
	}
	reeve__shares_solve(s, n, false);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t want = s[i].number * REEVE_PPM / sum;
		must(s[i].share_ppm + 2 >= want && s[i].share_ppm <= want + 2,
			"row %u: %u ppm, wanted %llu\n", i, s[i].share_ppm,
			(unsigned long long)want);
	}
}

static void shares_are_exact_where_nothing_binds(void **state)
{
	(void)state;
	episodes("exact shares", 20000, exact_episode);
}

/* Numbers so close together that no floor binds: a floor is of the weights, before caps. */
static void monotone_episode(struct sim_random *random, uint32_t size)
{
	struct reeve_sh_share a[256], b[256];
	uint32_t n = size < 16 ? size : 16, gone = (uint32_t)core_below(random, n);

	random_shares(random, a, n, false);
	for (uint32_t i = 0; i < n; i++)
		a[i].number = 100 + core_below(random, 1000);
	memcpy(b, a, sizeof(a));
	b[gone].has_demand = 0;
	reeve__shares_solve(a, n, false);
	reeve__shares_solve(b, n, false);
	for (uint32_t i = 0; i < n; i++)
		must(i == gone || b[i].share_ppm + 2 >= a[i].share_ppm,
			"row %u fell from %u to %u when row %u left\n", i, a[i].share_ppm,
			b[i].share_ppm, gone);
}

static void who_leaves_takes_nothing_from_the_others(void **state)
{
	(void)state;
	episodes("monotone shares", 20000, monotone_episode);
}

/* ---- bucket against exact fractions ---- */

__extension__ typedef __int128 i128;

/* The model counts millionths of tokens. */
static void bucket_episode(struct sim_random *random, uint32_t size)
{
	uint64_t rate = 10000 * (1 + core_below(random, 100)) * (1 + core_below(random, 8));
	uint64_t burst = reeve__muldiv(20000000, rate, REEVE_PPM), now = 1;
	struct reeve_sh_bucket b = {(int64_t)burst, now};

	i128 exact = (i128)burst * REEVE_PPM;
	uint64_t fills = 0;

	for (uint32_t step = 0; step < 4 * size; step++) {
		uint64_t dt = core_below(random, core_below(random, 8) ? 2000 : 30000000);
		now += dt;
		exact += (i128)dt * (int64_t)rate;
		if (exact > (i128)burst * REEVE_PPM)
			exact = (i128)burst * REEVE_PPM;
		reeve__bucket_fill(&b, now, rate, burst);
		fills++;
		int64_t model = (int64_t)(exact / (int64_t)REEVE_PPM);
		must(b.tokens <= model + 1, "step %u: %lld tokens, at most %lld can be there\n",
			step, (long long)b.tokens, (long long)model);
		/* at most what flows in a nanosecond is lost by each fill */
		must(b.tokens + 1 + (int64_t)(fills * (rate / REEVE_PPM + 1)) >= model,
			"step %u: %lld tokens of %lld\n", step, (long long)b.tokens,
			(long long)model);
		if (core_below(random, 2)) {
			int64_t use = (int64_t)core_below(random, burst + burst / 4);
			b.tokens -= use;
			exact -= (i128)use * REEVE_PPM;
		}
		uint64_t want = core_below(random, burst + 1);
		struct reeve_sh_bucket later = b;
		uint64_t wait = reeve__bucket_wait_ns(&b, want, rate);
		reeve__bucket_fill(&later, b.filled_ns + wait, rate, burst);
		must(later.tokens >= (int64_t)want, "step %u: after the wait %lld of %llu\n", step,
			(long long)later.tokens, (unsigned long long)want);
	}
}

static void a_bucket_is_exact(void **state)
{
	(void)state;
	episodes("bucket", 60000, bucket_episode);
}

/* ---- fair: whoever is youngest runs ---- */

/*
 * Entities with random weights always want more: ages stay together, so use is in proportion, but
 * for the slice that each may be ahead or behind.
 */
static void fair_episode(struct sim_random *random, uint32_t size)
{
	uint32_t n = size < 8 ? size : 8, weight[8];
	uint64_t age[8], used[8] = {0}, all = 0, slice = 1000000, weights = 0;

	for (uint32_t i = 0; i < n; i++) {
		weight[i] = (uint32_t)(10000 + core_below(random, 500000));
		weights += weight[i];
		age[i] = UINT64_MAX - 1000; /* wraps at once */
	}
	for (uint32_t turn = 0; turn < 400 * n; turn++) {
		uint32_t youngest = 0;
		for (uint32_t i = 1; i < n; i++)
			if (reeve__before(age[i], age[youngest]))
				youngest = i;
		age[youngest] += reeve__fair_age(slice, weight[youngest]);
		used[youngest] += slice;
		all += slice;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t want = reeve__muldiv(all, weight[i], weights);
		must(used[i] + n * slice >= want && used[i] <= want + n * slice,
			"weight %u used %llu, wanted %llu\n", weight[i],
			(unsigned long long)used[i], (unsigned long long)want);
	}
}

static void the_youngest_first_is_in_proportion(void **state)
{
	(void)state;
	episodes("fair", 4000, fair_episode);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heap_is_a_sorted_array),
		cmocka_unit_test(shares_keep_their_promises),
		cmocka_unit_test(shares_are_exact_where_nothing_binds),
		cmocka_unit_test(who_leaves_takes_nothing_from_the_others),
		cmocka_unit_test(a_bucket_is_exact),
		cmocka_unit_test(the_youngest_first_is_in_proportion),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
