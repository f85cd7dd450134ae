/* SPDX-License-Identifier: Apache-2.0 */
/* Coroutines: order of control, registers and stacks that survive a switch, death half way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coro.h"

struct talker {
	struct sim_coro *coro;
	char *out;
	char letter;
	int times;
};

static void say(struct talker *talker)
{
	size_t length = strlen(talker->out);

	talker->out[length] = talker->letter;
	talker->out[length + 1] = '\0';
}

static void talk(void *arg)
{
	struct talker *talker = arg;

	for (int i = 0; i < talker->times; i++) {
		say(talker);
		sim_coro_yield(talker->coro);
	}
	say(talker);
}

static void test_two_take_turns(void **state)
{
	char out[32] = "";
	struct talker a = {NULL, out, 'a', 3}, b = {NULL, out, 'b', 1};

	(void)state;
	a.coro = sim_coro_create(talk, &a);
	b.coro = sim_coro_create(talk, &b);
	assert_non_null(a.coro);
	assert_non_null(b.coro);
	while (!sim_coro_has_ended(a.coro)) {
		sim_coro_resume(a.coro);
		if (!sim_coro_has_ended(b.coro))
			sim_coro_resume(b.coro);
	}
	assert_string_equal(out, "ababaa");
	sim_coro_destroy(a.coro);
	sim_coro_destroy(b.coro);
}

struct counter {
	struct sim_coro *coro;
	int depth;
	double sum;
	uint64_t check;
};

/* Deep recursion with a yield at the bottom of each level: every frame must come back whole. */
static double descend(struct counter *counter, int depth)
{
	volatile char ballast[512];
	double mine = sqrt((double)depth);

	memset((char *)(uintptr_t)ballast, depth, sizeof(ballast));
	sim_coro_yield(counter->coro);
	if (depth > 0)
		mine += descend(counter, depth - 1);
	sim_coro_yield(counter->coro);
	for (size_t i = 0; i < sizeof(ballast); i++)
		counter->check += ballast[i] == (char)depth;
	return mine;
}

static void count(void *arg)
{
	struct counter *counter = arg;

	counter->sum = descend(counter, counter->depth);
}

static void test_frames_survive(void **state)
{
	struct counter counters[8];
	double expected = 0.0;

	(void)state;
	for (int i = 0; i <= 60; i++)
		expected += sqrt((double)i);
	for (size_t i = 0; i < 8; i++) {
		counters[i] = (struct counter){.depth = 60};
		counters[i].coro = sim_coro_create(count, &counters[i]);
		assert_non_null(counters[i].coro);
	}
	for (int round = 0; round < 2 * 61 + 1; round++) {
		for (size_t i = 0; i < 8; i++)
			sim_coro_resume(counters[i].coro);
	}
	for (size_t i = 0; i < 8; i++) {
		assert_true(sim_coro_has_ended(counters[i].coro));
		assert_true(fabs(counters[i].sum - expected) < 1e-9);
		assert_int_equal(counters[i].check, 61 * 512);
		sim_coro_destroy(counters[i].coro);
	}
}

static void test_destroyed_half_way(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct counter counter = {.depth = 50};

		counter.coro = sim_coro_create(count, &counter);
		assert_non_null(counter.coro);
		for (int step = 0; step < i % 40; step++)
			sim_coro_resume(counter.coro);
		assert_false(sim_coro_has_ended(counter.coro));
		sim_coro_destroy(counter.coro);
	}
	sim_coro_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_take_turns),
		cmocka_unit_test(test_frames_survive),
		cmocka_unit_test(test_destroyed_half_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
