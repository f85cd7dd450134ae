/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of policy/shares: worked examples. Rows are {number, level, cap, has demand}. */
#include "core.h"

#include "../../src/policy/shares.h"

struct in {
	uint64_t number;
	uint32_t level, cap_ppm, has_demand;
};

#define ALL REEVE_PPM

static void solve(const struct in *in, uint32_t n, bool by_level, struct reeve_sh_share *s)
{
	for (uint32_t i = 0; i < n; i++)
		s[i] = (struct reeve_sh_share){.number = in[i].number,
			.level = in[i].level,
			.cap_ppm = in[i].cap_ppm,
			.has_demand = in[i].has_demand,
			.label = 70 + i};
	reeve__shares_solve(s, n, by_level);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(s[i].label, 70 + i);
}

/* Solves, and wants these shares within a part per million each. */
#define SOLVES(by_level, want, ...)                                                                \
	do {                                                                                       \
		const struct in in_[] = {__VA_ARGS__};                                             \
		check(in_, REEVE_COUNT(in_), by_level, want, __LINE__);                            \
	} while (0)
#define WANT(...) ((const uint32_t[]){__VA_ARGS__})

static void check(const struct in *in, uint32_t n, bool by_level, const uint32_t *want, int line)
{
	struct reeve_sh_share s[16];

	solve(in, n, by_level, s);
	for (uint32_t i = 0; i < n; i++) {
		int64_t off = (int64_t)s[i].share_ppm - want[i];
		if (off < -2 || off > 2) {
			print_error("line %d: row %u got %u, wanted %u\n", line, i, s[i].share_ppm,
				want[i]);
			fail();
		}
	}
}

static void shares_divide_in_proportion(void **state)
{
	(void)state;
	SOLVES(false, WANT(500000, 300000, 150000, 50000), {1000, 1, ALL, 1}, {600, 1, ALL, 1},
		{300, 1, ALL, 1}, {100, 1, ALL, 1});
	SOLVES(false, WANT(750000, 250000), {3, 1, ALL, 1}, {1, 1, ALL, 1});
	SOLVES(false, WANT(1000000), {1, 1, ALL, 1});
	SOLVES(false, WANT(333333, 333333, 333333), {7, 1, ALL, 1}, {7, 1, ALL, 1}, {7, 1, ALL, 1});
}

static void who_wants_nothing_gets_nothing_and_the_others_its_share(void **state)
{
	(void)state;
	SOLVES(false, WANT(0, 600000, 300000, 100000), {1000, 1, ALL, 0}, {600, 1, ALL, 1},
		{300, 1, ALL, 1}, {100, 1, ALL, 1});
	SOLVES(false, WANT(0, 1000000), {1000, 1, ALL, 0}, {1, 1, ALL, 1});
	SOLVES(false, WANT(0, 0), {1000, 1, ALL, 0}, {1, 1, ALL, 0});
}

static void ratio_counts_percentages_as_ratios(void **state)
{
	(void)state;
	SOLVES(false, WANT(500000, 500000), {20, 1, ALL, 1}, {20, 1, ALL, 1});
	SOLVES(false, WANT(666667, 333333), {100, 1, ALL, 1}, {50, 1, ALL, 1});
	/* levels mean nothing to it */
	SOLVES(false, WANT(500000, 500000), {20, 1, ALL, 1}, {20, 5, ALL, 1});
}

static void emphasis_gives_lower_levels_what_upper_ones_leave(void **state)
{
	(void)state;
	/* the example at the head of shares.h */
	SOLVES(true, WANT(600000, 200000, 200000), {60, 1, ALL, 1}, {20, 1, ALL, 1},
		{100, 2, ALL, 1});
	SOLVES(true, WANT(0, 200000, 800000), {60, 1, ALL, 0}, {20, 1, ALL, 1}, {100, 2, ALL, 1});
	SOLVES(true, WANT(0, 0, 1000000), {60, 1, ALL, 0}, {20, 1, ALL, 0}, {100, 2, ALL, 1});
	SOLVES(true, WANT(500000, 250000, 125000, 125000), {50, 1, ALL, 1}, {50, 2, ALL, 1},
		{50, 3, ALL, 1}, {100, 8, ALL, 1});
}

static void emphasis_scales_up_what_nobody_claims(void **state)
{
	(void)state;
	SOLVES(true, WANT(750000, 250000), {60, 1, ALL, 1}, {20, 1, ALL, 1});
	SOLVES(true, WANT(1000000, 0), {10, 1, ALL, 1}, {20, 1, ALL, 0});
}

static void emphasis_scales_down_an_overfull_level(void **state)
{
	(void)state;
	SOLVES(true, WANT(500000, 500000), {100, 1, ALL, 1}, {100, 1, ALL, 1});
}

static void a_full_level_leaves_the_next_the_floor(void **state)
{
	(void)state;
	SOLVES(true, WANT(999000, 1000), {100, 1, ALL, 1}, {100, 2, ALL, 1});
}

static void groups_that_no_plan_names_share_what_is_left(void **state)
{
	(void)state;
	uint32_t other = REEVE_SHARE_LEVEL_OTHER;

	SOLVES(true, WANT(800000, 100000, 100000), {80, 1, ALL, 1}, {0, other, ALL, 1},
		{0, other, ALL, 1});
	SOLVES(true, WANT(800000, 150000, 50000), {80, 1, ALL, 1}, {75, other, ALL, 1},
		{25, other, ALL, 1});
}

static void the_system_level_comes_before_all_others(void **state)
{
	(void)state;
	uint32_t sys = REEVE_SHARE_LEVEL_SYSTEM;

	SOLVES(true, WANT(500000, 400000, 100000), {50, sys, ALL, 1}, {80, 1, ALL, 1},
		{100, 2, ALL, 1});
	SOLVES(true, WANT(0, 800000, 200000), {50, sys, ALL, 0}, {80, 1, ALL, 1}, {100, 2, ALL, 1});
}

/* CPU, line 11: groups without shares never ran, even alone. */
static void cpu_11_no_number_is_slow_and_not_dead(void **state)
{
	(void)state;
	SOLVES(false, WANT(999000, 1000), {1000, 1, ALL, 1}, {0, 1, ALL, 1});
	SOLVES(false, WANT(0, 1000000), {1000, 1, ALL, 0}, {0, 1, ALL, 1});
	SOLVES(true, WANT(999000, 1000), {50, 1, ALL, 1}, {0, 1, ALL, 1});
	SOLVES(true, WANT(0, 1000000), {50, 1, ALL, 0}, {0, 1, ALL, 1});
}

static void all_zero_is_equal_parts(void **state)
{
	(void)state;
	SOLVES(false, WANT(250000, 250000, 250000, 250000), {0, 1, ALL, 1}, {0, 1, ALL, 1},
		{0, 9, ALL, 1}, {0, 9, ALL, 1});
	SOLVES(true, WANT(500000, 500000), {0, 1, ALL, 1}, {0, 2, ALL, 1});
}

static void a_tiny_number_is_lifted_to_the_floor(void **state)
{
	(void)state;
	SOLVES(false, WANT(999000, 1000), {1000000, 1, ALL, 1}, {1, 1, ALL, 1});
}

static void caps_fill_up_like_water(void **state)
{
	(void)state;
	/* 50/30/20 with the first capped at 20: its 30 go 3:2 to the others */
	SOLVES(false, WANT(200000, 480000, 320000), {50, 1, 200000, 1}, {30, 1, ALL, 1},
		{20, 1, ALL, 1});
	/* what the first leaves lifts the second over its own cap: a second round */
	SOLVES(false, WANT(200000, 400000, 400000), {50, 1, 200000, 1}, {30, 1, 400000, 1},
		{20, 1, ALL, 1});
	/* a cap above the share does not bind */
	SOLVES(false, WANT(500000, 500000), {1, 1, 600000, 1}, {1, 1, ALL, 1});
}

static void when_all_are_capped_the_rest_stays_unused(void **state)
{
	(void)state;
	SOLVES(false, WANT(250000), {1, 1, 250000, 1});
	SOLVES(false, WANT(250000, 250000), {3, 1, 250000, 1}, {1, 1, 250000, 1});
}

static void a_cap_below_the_floor_binds(void **state)
{
	(void)state;
	SOLVES(false, WANT(10, 999990), {1, 1, 10, 1}, {1, 1, ALL, 1});
}

static void the_weight_leaves_caps_aside(void **state)
{
	(void)state;
	const struct in in[] = {{3, 1, 100000, 1}, {1, 1, ALL, 1}};
	struct reeve_sh_share s[2];

	solve(in, 2, false, s);
	assert_in_range(s[0].weight_ppm, 749998, 750000);
	assert_in_range(s[1].weight_ppm, 249998, 250000);
	assert_int_equal(s[0].share_ppm, 100000);
	assert_in_range(s[1].share_ppm, 899998, 900000);
}

/* Groups, line 16: Emphasis, Ratio and Shares did not differ in what anybody got. */
static void plans_16_the_methods_differ(void **state)
{
	(void)state;
	const struct in in[] = {{60, 1, ALL, 1}, {60, 2, ALL, 1}, {0, 9, ALL, 1}};
	struct reeve_sh_share ratio[3], emphasis[3];

	solve(in, 3, false, ratio);
	solve(in, 3, true, emphasis);
	assert_in_range(ratio[0].share_ppm, 499000, 500000);
	assert_in_range(emphasis[0].share_ppm, 599998, 600000);
	assert_in_range(emphasis[1].share_ppm, 239998, 240000);
	assert_in_range(emphasis[2].share_ppm, 159998, 160000);
}

static void nobody_is_no_trouble(void **state)
{
	(void)state;
	reeve__shares_solve(NULL, 0, false);
	reeve__shares_solve(NULL, 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_divide_in_proportion),
		cmocka_unit_test(who_wants_nothing_gets_nothing_and_the_others_its_share),
		cmocka_unit_test(ratio_counts_percentages_as_ratios),
		cmocka_unit_test(emphasis_gives_lower_levels_what_upper_ones_leave),
		cmocka_unit_test(emphasis_scales_up_what_nobody_claims),
		cmocka_unit_test(emphasis_scales_down_an_overfull_level),
		cmocka_unit_test(a_full_level_leaves_the_next_the_floor),
		cmocka_unit_test(groups_that_no_plan_names_share_what_is_left),
		cmocka_unit_test(the_system_level_comes_before_all_others),
		cmocka_unit_test(cpu_11_no_number_is_slow_and_not_dead),
		cmocka_unit_test(all_zero_is_equal_parts),
		cmocka_unit_test(a_tiny_number_is_lifted_to_the_floor),
		cmocka_unit_test(caps_fill_up_like_water),
		cmocka_unit_test(when_all_are_capped_the_rest_stays_unused),
		cmocka_unit_test(a_cap_below_the_floor_binds),
		cmocka_unit_test(the_weight_leaves_caps_aside),
		cmocka_unit_test(plans_16_the_methods_differ),
		cmocka_unit_test(nobody_is_no_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
