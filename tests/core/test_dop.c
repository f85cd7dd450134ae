/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of policy/dop.h: the table of AUTOMATIC, its steps, ADAPTIVE, the order of a queue. */
#include "core.h"

#include "../../src/policy/dop.h"

static struct reeve__dop_input input(uint32_t cores, uint64_t cost)
{
	return (struct reeve__dop_input){
		.cores = cores,
		.group_limit = UINT32_MAX,
		.left = 128,
		.io_parallelism = 32,
		.cost_milli = cost == REEVE_UNLIMITED ? cost : cost * 1000,
		.rows = REEVE_UNLIMITED,
	};
}

static uint32_t dop(const struct reeve__dop_input *in)
{
	return reeve__dop_auto(in, NULL, NULL);
}

static void the_table_of_costs(void **state)
{
	static const struct {
		uint32_t cores;
		uint64_t cost;
		uint32_t dop;
	} rows[] = {
		{2, REEVE_UNLIMITED, 2},
		{2, 0, 1},
		{2, 999, 1},
		{2, 1000, 2},
		{2, 9999, 2},
		{2, 10000, 4},
		{2, 99999, 4},
		{2, 100000, 4},
		{16, REEVE_UNLIMITED, 16},
		{16, 999, 1},
		{16, 1000, 4},
		{16, 10000, 8},
		{16, 100000, 16},
		{64, 100000, 32},
		{64, 10000, 32},
		{64, 9999, 16},
		{1, REEVE_UNLIMITED, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reeve__dop_input in = input(rows[i].cores, rows[i].cost);
		assert_int_equal(dop(&in), rows[i].dop);
	}
	struct reeve__dop_input in = input(2, 999);
	in.cost_milli += 999; /* 999.999 is below 1,000 */
	assert_int_equal(dop(&in), 1);
}

/* Parallel, line 6: on two cores cost 50,000 gave 4 and cost 100,000 gave 2; rows were ignored. */
static void parallel_06_the_degree_never_falls_as_cost_or_rows_grow(void **state)
{
	struct sim_random random;
	uint64_t seed = core_seed("dop_grows");

	(void)state;
	sim_random_init(&random, seed, 0);
	for (uint64_t n = core_steps(20000); n-- > 0;) {
		struct reeve__dop_input a = input(1 + (uint32_t)core_below(&random, 200), 0), b;
		a.cost_milli = core_below(&random, 200000000);
		a.rows = core_below(&random, 100000);
		a.requested = (uint32_t)core_below(&random, 40);
		a.group_limit = (uint32_t)core_below(&random, 40);
		a.left = (uint32_t)core_below(&random, 200);
		a.load_ppm = (uint32_t)core_below(&random, REEVE_PPM + 1);
		b = a;
		b.cost_milli += core_below(&random, 100000000);
		b.rows += core_below(&random, 50000);
		assert_true(dop(&a) <= dop(&b));
		assert_true(dop(&a) >= 1);
		if (a.requested)
			assert_true(dop(&b) <= a.requested);
		assert_true(dop(&b) <= (a.group_limit ? a.group_limit : 1));
		assert_true(dop(&b) <= (a.left ? a.left : 1) && dop(&b) <= 32);
	}
}

static void each_step_that_changed_it_is_told(void **state)
{
	struct reeve__dop_input in = input(16, 100000);
	struct reeve__dop_step steps[REEVE__DOP_REASONS];
	uint32_t n = 0;

	(void)state;
	in.rows = 15500;
	in.load_ppm = 800000; /* busy, and not yet high */
	in.requested = 10;
	in.group_limit = 9;
	in.left = 8;
	in.io_parallelism = 7;
	assert_int_equal(reeve__dop_auto(&in, steps, &n), 7);
	static const uint32_t want[] = {16, 15, 11, 10, 9, 8, 7};
	assert_int_equal(n, REEVE__DOP_REASONS);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(steps[i].reason, i);
		assert_int_equal(steps[i].dop, want[i]);
	}
	in.load_ppm = 800001;
	in.requested = 0;
	in.rows = REEVE_UNLIMITED;
	in.group_limit = UINT32_MAX;
	in.left = 128;
	in.io_parallelism = 32;
	assert_int_equal(reeve__dop_auto(&in, steps, &n), 8);
	assert_int_equal(n, 2);
	in.load_ppm = 600000;
	assert_int_equal(reeve__dop_auto(&in, steps, &n), 16);
	assert_int_equal(n, 1);
	in.left = in.io_parallelism = in.group_limit = 0;
	assert_int_equal(dop(&in), 1);
}

static void a_running_one_shrinks_and_grows(void **state)
{
	struct reeve__dop_running in = {8, 2, 16, 100, false, 0};

	(void)state;
	assert_int_equal(reeve__dop_adapt(&in), 16);
	in.free = 3;
	assert_int_equal(reeve__dop_adapt(&in), 11);
	in.free = 0;
	assert_int_equal(reeve__dop_adapt(&in), 8);
	in.free = 100;
	in.load_ppm = 700000;
	assert_int_equal(reeve__dop_adapt(&in), 8);
	in.load_ppm = 900000;
	assert_int_equal(reeve__dop_adapt(&in), 4);
	in.load_ppm = 0;
	in.is_wanted = true;
	assert_int_equal(reeve__dop_adapt(&in), 4);
	in.now = 3;
	assert_int_equal(reeve__dop_adapt(&in), 2);
	in.now = 2;
	assert_int_equal(reeve__dop_adapt(&in), 2);
	in = (struct reeve__dop_running){1, 1, 4, 1, false, 0};
	assert_int_equal(reeve__dop_adapt(&in), 1); /* two servers are not there */
	in.free = 2;
	assert_int_equal(reeve__dop_adapt(&in), 2);
	in = (struct reeve__dop_running){1, 2, 4, 0, true, 0};
	assert_int_equal(reeve__dop_adapt(&in), 1); /* shrinking never grows */
}

static void a_step_of_priority_is_a_second_of_waiting(void **state)
{
	uint64_t s = (uint64_t)REEVE_SEC;

	(void)state;
	assert_true(reeve__parallel_key(10 * s, 0) < reeve__parallel_key(10 * s, 1));
	assert_true(reeve__parallel_key(10 * s, 3) < reeve__parallel_key(13 * s + 1, 0));
	assert_true(reeve__parallel_key(10 * s, 3) > reeve__parallel_key(12 * s, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_costs),
		cmocka_unit_test(parallel_06_the_degree_never_falls_as_cost_or_rows_grow),
		cmocka_unit_test(each_step_that_changed_it_is_told),
		cmocka_unit_test(a_running_one_shrinks_and_grows),
		cmocka_unit_test(a_step_of_priority_is_a_second_of_waiting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
