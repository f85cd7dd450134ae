/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random trees of plans against a model that is simple and slow: it recurses, reckons in floating
 * point, finds water levels by bisection, and knows nothing of the order of rows.
 */
#include "core.h"

#include <math.h>
#include <string.h>

#include "../../src/policy/shares.h"

#define ROWS_MAX 256u

static uint64_t episode_number;

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("episode %llu: ", (unsigned long long)episode_number);         \
			print_error(__VA_ARGS__);                                                  \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* A plan of the tree: rows `at` to `at + n - 1`. */
struct model {
	const struct reeve_sh_share *in;
	double part[ROWS_MAX], got[ROWS_MAX], floor[ROWS_MAX], most[ROWS_MAX];
	bool wants[ROWS_MAX];
};

static bool model_wants(struct model *m, uint32_t k)
{
	const struct reeve_sh_share *s = &m->in[k];

	m->wants[k] = !s->count && s->has_demand;
	for (uint32_t i = 0; i < s->count; i++)
		m->wants[k] |= model_wants(m, s->first + i);
	return m->wants[k];
}

static uint32_t model_leaves(const struct model *m, uint32_t at, uint32_t n)
{
	uint32_t leaves = 0;

	for (uint32_t k = at; k < at + n; k++)
		leaves += m->in[k].count ? model_leaves(m, m->in[k].first, m->in[k].count)
					 : m->wants[k];
	return leaves;
}

static double model_floor(struct model *m, uint32_t k, double each)
{
	const struct reeve_sh_share *s = &m->in[k];

	m->floor[k] = s->count || !m->wants[k] ? 0 : each;
	for (uint32_t i = 0; i < s->count; i++)
		m->floor[k] += model_floor(m, s->first + i, each);
	return m->floor[k];
}

static double model_most(struct model *m, uint32_t k)
{
	const struct reeve_sh_share *s = &m->in[k];
	double below = 0;

	m->most[k] = m->wants[k] ? s->cap_ppm : 0;
	for (uint32_t i = 0; i < s->count; i++)
		below += model_most(m, s->first + i);
	if (s->count)
		m->most[k] = fmin(m->most[k], below);
	return m->most[k];
}

/* What numbers alone give each row of a plan that has `whole`, before floors. */
static void model_numbers(struct model *m, uint32_t at, uint32_t n, bool by_level, double whole)
{
	double left = whole, given = 0;
	uint32_t want = 0;

	for (uint32_t k = at; k < at + n; k++) {
		m->part[k] = 0;
		want += m->wants[k];
	}
	for (uint32_t level = 0; level < (by_level ? REEVE_SHARE_LEVELS : 1); level++) {
		double sum = 0, used = 0;
		uint32_t count = 0;
		for (uint32_t k = at; k < at + n; k++)
			if (m->wants[k] && (!by_level || m->in[k].level == level)) {
				sum += (double)m->in[k].number;
				count++;
			}
		bool named = by_level && level != REEVE_SHARE_LEVEL_OTHER;
		if (!count || (named && sum == 0))
			continue;
		double base = named && sum < 100 ? 100 : sum;
		for (uint32_t k = at; k < at + n; k++)
			if (m->wants[k] && (!by_level || m->in[k].level == level)) {
				m->part[k] = base > 0 ? left * (double)m->in[k].number / base
						      : left / count;
				used += m->part[k];
			}
		left -= used;
		given += used;
	}
	for (uint32_t k = at; k < at + n; k++)
		if (m->wants[k])
			m->part[k] = given > 0 ? m->part[k] * whole / given : whole / want;
}

static void model_parts(struct model *m, uint32_t at, uint32_t n, bool by_level, double whole)
{
	double floors = 0, over = 0;

	model_numbers(m, at, n, by_level, whole);
	for (uint32_t k = at; k < at + n; k++) {
		floors += m->floor[k];
		over += fmax(0, m->part[k] - m->floor[k]);
	}
	for (uint32_t k = at; k < at + n; k++)
		if (m->wants[k]) {
			double above = fmax(0, m->part[k] - m->floor[k]);
			m->part[k] = m->floor[k] +
				     (over > 0 ? above * fmax(0, whole - floors) / over : 0);
		}
	for (uint32_t k = at; k < at + n; k++)
		if (m->in[k].count && m->wants[k])
			model_parts(
				m, m->in[k].first, m->in[k].count, m->in[k].by_level, m->part[k]);
}

/* The level of the water at which `amount` is used up, all rows filled at the rate of their part. */
static void model_water(struct model *m, uint32_t at, uint32_t n, double amount)
{
	double low = 0, high = 1e13;

	for (int i = 0; i < 200; i++) {
		double level = (low + high) / 2, used = 0;
		for (uint32_t k = at; k < at + n; k++)
			if (m->wants[k])
				used += fmin(m->most[k], level * m->part[k]);
		if (used < amount)
			low = level;
		else
			high = level;
	}
	for (uint32_t k = at; k < at + n; k++) {
		m->got[k] = m->wants[k] ? fmin(m->most[k], high * m->part[k]) : 0;
		if (m->in[k].count)
			model_water(m, m->in[k].first, m->in[k].count, m->got[k]);
	}
}

static void model_solve(struct model *m, uint32_t top, bool by_level)
{
	double each = REEVE_SHARE_FLOOR_PPM;
	uint32_t leaves;

	for (uint32_t k = 0; k < top; k++)
		model_wants(m, k);
	leaves = model_leaves(m, 0, top);
	if (leaves)
		each = fmin(each, 1e6 / (2.0 * leaves));
	for (uint32_t k = 0; k < top; k++) {
		model_floor(m, k, each);
		model_most(m, k);
	}
	model_parts(m, 0, top, by_level, 1e6);
	model_water(m, 0, top, 1e6);
}

/* ---- random trees ---- */

static void random_row(struct sim_random *random, struct reeve_sh_share *s, bool by_level)
{
	static const uint64_t scales[] = {2, 11, 101, 10001, REEVE_SHARES_MAX, UINT64_C(1) << 40};

	*s = (struct reeve_sh_share){
		.number = core_below(random, scales[core_below(random, by_level ? 3 : 6)]),
		.level = (uint32_t)core_below(random, REEVE_SHARE_LEVELS),
		.cap_ppm = core_below(random, 3) ? REEVE_PPM
						 : (uint32_t)(1000 + core_below(random, 999001)),
		.has_demand = core_below(random, 4) != 0,
		.by_level = (uint32_t)core_below(random, 2),
		.owner = REEVE_NONE,
	};
}

/* A tree of up to `size` rows; whose rows divide is chance, so depth and width vary. */
static uint32_t random_tree(struct sim_random *random, struct reeve_sh_share *s, uint32_t size,
	bool by_level, uint32_t *ret_top)
{
	uint32_t n = *ret_top = 1 + (uint32_t)core_below(random, size < 12 ? size : 12);

	for (uint32_t k = 0; k < n; k++)
		random_row(random, &s[k], by_level);
	for (uint32_t k = 0; k < n && n < size; k++) {
		uint32_t count = 1 + (uint32_t)core_below(random, 6);
		if (core_below(random, 3) || count > size - n)
			continue;
		s[k].first = n;
		s[k].count = count;
		for (uint32_t i = 0; i < count; i++) {
			random_row(random, &s[n], s[k].by_level);
			s[n++].owner = k;
		}
	}
	return n;
}

/* ---- what must hold ---- */

static uint32_t depth_of(const struct reeve_sh_share *s, uint32_t k)
{
	uint32_t depth = 0;

	for (; k != REEVE_NONE; k = s[k].owner)
		depth++;
	return depth;
}

static void check_row(
	const struct reeve_sh_share *s, const struct model *m, uint32_t k, double floor)
{
	double slack = 2 + depth_of(s, k);
	bool is_capped = false;

	must(fabs(s[k].weight_ppm - m->part[k]) <= slack, "row %u: weight %u, model %.3f\n", k,
		s[k].weight_ppm, m->part[k]);
	must(fabs(s[k].share_ppm - m->got[k]) <= slack, "row %u: share %u, model %.3f\n", k,
		s[k].share_ppm, m->got[k]);
	must(s[k].share_ppm <= s[k].cap_ppm && s[k].share_ppm <= s[k].limit_ppm + slack,
		"row %u: share %u over cap %u or limit %u\n", k, s[k].share_ppm, s[k].cap_ppm,
		s[k].limit_ppm);
	for (uint32_t a = k; a != REEVE_NONE; a = s[a].owner)
		is_capped = is_capped || s[a].cap_ppm < REEVE_PPM;
	must(s[k].count || !s[k].has_demand || is_capped || s[k].share_ppm + slack >= floor,
		"row %u: %u under the floor\n", k, s[k].share_ppm);
	must(s[k].has_demand || !s[k].share_ppm, "row %u wants nothing\n", k);
}

/* The limits of those below a capped row that want CPU fit under its cap. */
static void check_limits(const struct reeve_sh_share *s, uint32_t k)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s[k].count; i++)
		if (s[s[k].first + i].has_demand)
			sum += s[s[k].first + i].limit_ppm;
	must(!s[k].count || s[k].limit_ppm >= REEVE_PPM ||
			sum <= (uint64_t)s[k].limit_ppm + s[k].count,
		"row %u: limit %u, below it %llu\n", k, s[k].limit_ppm, (unsigned long long)sum);
}

static void tree_episode(struct sim_random *random, uint32_t size)
{
	static struct reeve_sh_share s[ROWS_MAX], in[ROWS_MAX];
	static struct model m;
	uint32_t top = 0, leaves = 0;
	bool by_level = core_below(random, 2);
	uint32_t n = random_tree(random, s, size, by_level, &top);
	uint64_t shares = 0;
	double most = 0;

	memcpy(in, s, sizeof(in));
	memset(&m, 0, sizeof(m));
	m.in = in;
	model_solve(&m, top, by_level);
	reeve__shares_solve_tree(s, n, top, by_level);
	for (uint32_t k = 0; k < n; k++) {
		bool is_leaf = s[k].count == 0;
		leaves += is_leaf && s[k].has_demand;
		shares += is_leaf ? s[k].share_ppm : 0;
	}
	for (uint32_t k = 0; k < top; k++)
		most += m.most[k];
	double floor = leaves ? fmin(REEVE_SHARE_FLOOR_PPM, 1e6 / (2.0 * leaves)) : 0;
	for (uint32_t k = 0; k < n; k++) {
		check_row(s, &m, k, floor);
		check_limits(s, k);
	}
	must(shares <= REEVE_PPM, "%llu ppm handed out\n", (unsigned long long)shares);
	must((double)shares + 3.0 * n >= fmin(1e6, most), "not work-conserving: %llu of %.1f\n",
		(unsigned long long)shares, fmin(1e6, most));
}

static void a_tree_is_solved_as_the_model_does(void **state)
{
	uint64_t seed = core_seed("trees"), done = 0;

	(void)state;
	for (uint64_t i = 0; done < core_steps(150000); i++) {
		uint32_t size = (uint32_t)(2 + i / 8 < ROWS_MAX ? 2 + i / 8 : ROWS_MAX);
		struct sim_random random;
		episode_number = i;
		sim_random_init(&random, seed, i);
		tree_episode(&random, size);
		done += size;
	}
}

/* Groups, line 14: sub-plans were never evaluated. */
static void plans_14_a_sub_plan_divides_its_row(void **state)
{
	struct reeve_sh_share s[] = {
		{.number = 60, .level = 1, .cap_ppm = REEVE_PPM, .first = 3, .count = 2},
		{.number = 20, .level = 1, .cap_ppm = REEVE_PPM, .has_demand = 1},
		{.number = 100, .level = 2, .cap_ppm = REEVE_PPM, .has_demand = 1},
		{.number = 2, .level = 1, .cap_ppm = REEVE_PPM, .has_demand = 1},
		{.number = 1, .level = 1, .cap_ppm = REEVE_PPM, .has_demand = 1},
	};

	(void)state;
	reeve__shares_solve_tree(s, 5, 3, true); /* the example at the head of shares.h */
	assert_in_range(s[3].share_ppm, 399997, 400000);
	assert_in_range(s[4].share_ppm, 199997, 200000);
	s[3].has_demand = 0;
	reeve__shares_solve_tree(s, 5, 3, true);
	assert_in_range(s[4].share_ppm, 599997, 600000); /* it stays in the family */
	s[4].has_demand = 0;
	reeve__shares_solve_tree(s, 5, 3, true);
	assert_in_range(s[1].share_ppm, 199997, 200000);
	assert_in_range(s[2].share_ppm, 799997, 800000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_14_a_sub_plan_divides_its_row),
		cmocka_unit_test(a_tree_is_solved_as_the_model_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
