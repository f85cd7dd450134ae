/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: against a plain array, by random operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"
#include "timers.h"

#define COUNT 200

/* The earliest by (time, order of setting), the slow way. */
static struct sim_timer *find_first(struct sim_timer *timers)
{
	struct sim_timer *best = NULL;

	for (size_t i = 0; i < COUNT; i++) {
		struct sim_timer *t = &timers[i];

		if (t->place == 0)
			continue;
		if (best == NULL || t->at < best->at ||
			(t->at == best->at && t->order < best->order))
			best = t;
	}
	return best;
}

static void test_against_array(void **state)
{
	static struct sim_timer timers[COUNT];
	struct sim_timers heap = {0};
	struct sim_random random;

	(void)state;
	sim_random_init(&random, 7, 1);
	for (int i = 0; i < 100000; i++) {
		struct sim_timer *timer = &timers[sim_random_next(&random) % COUNT];

		if (timer->place != 0 || sim_random_next(&random) % 4 == 0)
			sim_timers_unset(&heap, timer);
		else
			assert_true(
				sim_timers_set(&heap, timer, sim_random_between(&random, 0, 50)));
		assert_ptr_equal(sim_timers_first(&heap), find_first(timers));
	}
	sim_timers_fini(&heap);
}

static void test_same_instant_in_order(void **state)
{
	struct sim_timer timers[10] = {0};
	struct sim_timers heap = {0};

	(void)state;
	for (size_t i = 0; i < 10; i++)
		assert_true(sim_timers_set(&heap, &timers[i], 5));
	for (size_t i = 0; i < 10; i++) {
		assert_ptr_equal(sim_timers_first(&heap), &timers[i]);
		sim_timers_unset(&heap, &timers[i]);
	}
	assert_null(sim_timers_first(&heap));
	sim_timers_fini(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_same_instant_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
