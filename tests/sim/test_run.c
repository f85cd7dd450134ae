/* SPDX-License-Identifier: Apache-2.0 */
/* Running scenarios: the same seed is the same run, faults are found, the dead leave nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"

static void run_text(
	const char *text, uint64_t seed, struct scenario *scenario, struct outcome *outcome)
{
	char error[SCN_ERROR_MAX] = "", *copy = strdup(text);

	assert_non_null(copy);
	(void)scenario_parse("t.scn", copy, scenario, error);
	assert_string_equal(error, "");
	free(copy);
	scenario->machine.seed = seed;
	(void)run_scenario(scenario, outcome, error);
	assert_string_equal(error, "");
}

static double first_measure(const struct scenario *scenario, const struct outcome *outcome)
{
	return measure(scenario, outcome, &scenario->expects[0]);
}

static const char busy[] = "machine cores 2\n"
			   "duration 1s\n"
			   "group A\n"
			   "group B\n"
			   "clients a 4 group A work exponential 2ms think exponential 1ms\n"
			   "clients b 4 group B work lognormal 3ms 1 block 1ms every 2ms\n"
			   "expect statements > 0\n";

static uint64_t digest_of(uint64_t seed)
{
	struct scenario scenario;
	struct outcome outcome;
	uint64_t digest;

	run_text(busy, seed, &scenario, &outcome);
	assert_string_equal(outcome.first_fault, "");
	assert_true(first_measure(&scenario, &outcome) > 100);
	digest = outcome.digest;
	outcome_fini(&outcome);
	scenario_fini(&scenario);
	return digest;
}

static void test_a_seed_is_a_run(void **state)
{
	(void)state;
	assert_true(digest_of(1) == digest_of(1));
	assert_true(digest_of(1) != digest_of(2));
}

/* What the observer saw is what the library charged, and no more than the machine has. */
static void test_time_adds_up(void **state)
{
	struct scenario scenario;
	struct outcome outcome;
	uint64_t all_ns;

	(void)state;
	run_text("machine cores 2\nduration 2s\ngroup A\ngroup B\n"
		 "clients a 3 group A work endless\nclients b 3 group B work endless\n"
		 "expect utilization >= 99%\n",
		1, &scenario, &outcome);
	assert_string_equal(outcome.first_fault, "");
	all_ns = outcome.record.total_ns[0] + outcome.record.total_ns[1];
	assert_in_range(all_ns, 3980000000, 4000200000);
	for (uint32_t i = 0; i < 2; i++)
		assert_in_range(outcome.charged_ns[i],
			outcome.record.total_ns[i] - outcome.record.total_ns[i] / 1000,
			outcome.record.total_ns[i] + outcome.record.total_ns[i] / 1000);
	assert_true(first_measure(&scenario, &outcome) > 99.0);
	outcome_fini(&outcome);
	scenario_fini(&scenario);
}

static void test_statements_run_to_their_end(void **state)
{
	struct scenario scenario;
	struct outcome outcome;

	(void)state;
	/* one statement of 1 s each, on one processor: the last ends long after the run */
	run_text("machine cores 1\nduration 500ms\ngroup A\nclients a 4 group A work 1s\n"
		 "expect statements A >= 0\n",
		1, &scenario, &outcome);
	assert_string_equal(outcome.first_fault, "");
	assert_int_equal(outcome.unfinished, 0);
	assert_int_equal(outcome.record.samples[RECORD_LATENCY].count, 4);
	assert_in_range(outcome.record.total_ns[0], 4 * REEVE_SEC, 4 * REEVE_SEC);
	outcome_fini(&outcome);
	scenario_fini(&scenario);
}

static void test_what_never_ends_is_a_fault(void **state)
{
	struct scenario scenario;
	struct outcome outcome;

	(void)state;
	run_text("machine cores 1\nduration 500ms\ndrain 1s\ngroup A\n"
		 "clients a 4 group A work 1s\nexpect statements A >= 0\n",
		1, &scenario, &outcome);
	assert_true(outcome.unfinished > 0);
	assert_non_null(strstr(outcome.first_fault, "had not ended 1.0 s after"));
	outcome_fini(&outcome);
	scenario_fini(&scenario);
}

static void test_a_refused_call_is_a_fault(void **state)
{
	struct scenario scenario;
	struct outcome outcome;

	(void)state;
	run_text("machine cores 2\nduration 500ms\ngroup A\nclients a 1 group A work endless\n"
		 "at 100ms unregister A\nexpect statements A >= 0\n",
		1, &scenario, &outcome);
	assert_int_equal(outcome.faults, 1);
	assert_non_null(
		strstr(outcome.first_fault, "ending a registration at 0.100000 s: Not found: "));
	outcome_fini(&outcome);
	scenario_fini(&scenario);
}

/* A process killed at many different moments of its statements' lives. */
static void test_death_at_any_moment(void **state)
{
	char text[600];

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct scenario scenario;
		struct outcome outcome;

		snprintf(text, sizeof(text),
			"machine cores 2\nquantum 5ms\nduration 400ms\ngroup A\ngroup B\n"
			"process victim\nprocess other\n"
			"clients v 4 group A process victim work exponential 2ms "
			"block 1ms every 1ms shield 500us every 700us\n"
			"clients o 4 group B process other work exponential 2ms think 1ms\n"
			"at %dus kill victim\n"
			"expect statements B from 250ms to 400ms > 0\n",
			50000 + 137 * i);
		run_text(text, (uint64_t)i, &scenario, &outcome);
		assert_string_equal(outcome.first_fault, "");
		assert_int_equal(outcome.unfinished, 0);
		assert_true(first_measure(&scenario, &outcome) > 10);
		outcome_fini(&outcome);
		scenario_fini(&scenario);
	}
}

/* Two requests of 1 MiB at once, at 10 MiB a second and 1 ms: done after 101 and 201 ms. */
static void test_the_device_takes_its_time(void **state)
{
	struct scenario scenario;
	struct outcome outcome;
	const struct record_samples *latency = &outcome.record.samples[RECORD_IO_LATENCY];

	(void)state;
	run_text("machine cores 2\ndevice latency 1ms bandwidth 10MiB\nduration 250ms\ngroup A\n"
		 "clients a 2 group A work 30us io 1MiB every 20us think 10s\n"
		 "expect iops A = 8 within 0\n",
		1, &scenario, &outcome);
	assert_string_equal(outcome.first_fault, "");
	assert_int_equal(latency->count, 2);
	assert_int_equal(latency->items[0].ns, 101 * REEVE_MSEC);
	assert_in_range(latency->items[1].ns, 201 * REEVE_MSEC - 50000, 201 * REEVE_MSEC);
	assert_true(measure_is_met(&scenario.expects[0], first_measure(&scenario, &outcome)));
	outcome_fini(&outcome);
	scenario_fini(&scenario);
}

/* A statement that a limit ends is a fault, unless the scenario counts such ends. */
static void test_ends_are_expected(void **state)
{
	static const char text[] =
		"machine cores 1\nduration 1s\ngroup A\nplan P shares\n"
		"directive P A switchTime 100ms switchAction cancel switchForCall 1\nactivate P\n"
		"clients a 1 group A work 10s\nexpect %s A > 0\n";
	char whole[400];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scenario scenario;
		struct outcome outcome;

		snprintf(whole, sizeof(whole), text, i == 0 ? "kills" : "cancels");
		run_text(whole, 1, &scenario, &outcome);
		assert_int_equal(outcome.faults > 0, i == 0);
		assert_true(strstr(outcome.first_fault, "a statement of a failed at 0.1") != NULL ||
			    i == 1);
		assert_int_equal(
			measure_is_met(&scenario.expects[0], first_measure(&scenario, &outcome)),
			i == 1);
		outcome_fini(&outcome);
		scenario_fini(&scenario);
	}
}

/* Without a field a scenario is as if it had never been written. */
static void test_a_field_can_be_taken_out(void **state)
{
	struct scenario scenario;
	char error[SCN_ERROR_MAX] = "";
	char text[] = "duration 1s\ngroup A\nplan P shares\n"
		      "directive P A shares 5 iopsLimit 10\nactivate P\n"
		      "clients a 1 group A work 1ms\nat 1ms directive P A iopsLimit 20\n";

	(void)state;
	assert_int_equal(scenario_parse("t.scn", text, &scenario, error), 0);
	assert_true(
		scenario_fields(&scenario) == (REEVE_DIRECTIVE_CPU_SHARES | REEVE_DIRECTIVE_IOPS));
	scenario_drop_field(&scenario, REEVE_DIRECTIVE_IOPS);
	assert_true(scenario_fields(&scenario) == REEVE_DIRECTIVE_CPU_SHARES);
	scenario_fini(&scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_seed_is_a_run),
		cmocka_unit_test(test_time_adds_up),
		cmocka_unit_test(test_statements_run_to_their_end),
		cmocka_unit_test(test_what_never_ends_is_a_fault),
		cmocka_unit_test(test_a_refused_call_is_a_fault),
		cmocka_unit_test(test_death_at_any_moment),
		cmocka_unit_test(test_the_device_takes_its_time),
		cmocka_unit_test(test_ends_are_expected),
		cmocka_unit_test(test_a_field_can_be_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
