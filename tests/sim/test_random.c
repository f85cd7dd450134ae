/* SPDX-License-Identifier: Apache-2.0 */
/* Random streams: the same for a seed, different between streams, with the moments they promise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"

#define DRAWS 200000

static void test_streams(void **state)
{
	struct sim_random a, b, c;
	int same = 0;

	(void)state;
	sim_random_init(&a, 42, 1);
	sim_random_init(&b, 42, 1);
	sim_random_init(&c, 42, 2);
	for (int i = 0; i < 1000; i++) {
		uint64_t x = sim_random_next(&a);

		assert_int_equal(x, sim_random_next(&b));
		same += x == sim_random_next(&c);
	}
	assert_int_equal(same, 0);
}

static void test_between_reaches_both_ends(void **state)
{
	struct sim_random random;
	int low = 0, high = 0;

	(void)state;
	sim_random_init(&random, 1, 1);
	for (int i = 0; i < 10000; i++) {
		reeve_ns x = sim_random_between(&random, 5, 14);

		assert_in_range(x, 5, 14);
		low += x == 5;
		high += x == 14;
	}
	assert_in_range(low, 850, 1150);
	assert_in_range(high, 850, 1150);
	assert_int_equal(sim_random_between(&random, 9, 3), 9);
}

static void test_exponential_mean(void **state)
{
	struct sim_random random;
	double sum = 0.0;

	(void)state;
	sim_random_init(&random, 1, 2);
	for (int i = 0; i < DRAWS; i++)
		sum += (double)sim_random_exponential(&random, 1000000);
	assert_true(fabs(sum / DRAWS / 1e6 - 1.0) < 0.01);
}

static void test_lognormal_median_and_sigma(void **state)
{
	struct sim_random random;
	double squares = 0.0;
	int below = 0;

	(void)state;
	sim_random_init(&random, 1, 3);
	for (int i = 0; i < DRAWS; i++) {
		double x = log((double)sim_random_lognormal(&random, 1000000, 0.7) / 1e6);

		below += x < 0.0;
		squares += x * x;
	}
	assert_true(fabs((double)below / DRAWS - 0.5) < 0.005);
	assert_true(fabs(sqrt(squares / DRAWS) - 0.7) < 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_between_reaches_both_ends),
		cmocka_unit_test(test_exponential_mean),
		cmocka_unit_test(test_lognormal_median_and_sigma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
