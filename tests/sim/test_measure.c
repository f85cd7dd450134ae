/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring: each metric on a record made by hand, where the right answer is known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure.h"

static struct scenario scenario = {.machine = {.cores = 2}};

/* Four seconds, two processors. A has both in the first second; then A and B in turns of 10 ms each. */
static int set_up(void **state)
{
	struct outcome *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	assert_true(record_init(&o->record, 2, 4 * REEVE_SEC, 2));
	record_ran(&o->record, 0, 0, REEVE_SEC);
	record_ran(&o->record, 0, 0, REEVE_SEC);
	for (int i = 0; i < 300; i++)
		record_ran(&o->record, (uint32_t)(i & 1), REEVE_SEC + i * 10 * REEVE_MSEC,
			REEVE_SEC + (i + 1) * 10 * REEVE_MSEC);
	o->charged_ns = calloc(2, sizeof(*o->charged_ns));
	assert_non_null(o->charged_ns);
	*state = o;
	return 0;
}

static int tear_down(void **state)
{
	struct outcome *o = *state;

	record_fini(&o->record);
	free(o->charged_ns);
	free(o);
	return 0;
}

static struct scn_expect expect_of(enum scn_metric metric, uint32_t group)
{
	return (struct scn_expect){
		.metric = metric, .group = group, .from = 0, .to = 4 * REEVE_SEC};
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) < 1e-6))
		fail_msg("%.9f is not %.9f", a, b);
}

static void test_ratios(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_SHARE, 0);

	assert_near(measure(&scenario, o, &e), 70.0);
	e.metric = SCN_USAGE;
	assert_near(measure(&scenario, o, &e), 43.75);
	e.metric = SCN_UTILIZATION;
	assert_near(measure(&scenario, o, &e), 62.5);
	e.metric = SCN_SHARE;
	e.from = REEVE_SEC;
	assert_near(measure(&scenario, o, &e), 50.0);
}

static void test_windows_find_the_worst(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_USAGE, 0);

	e.window_ns = 100 * REEVE_MSEC;
	e.relation = SCN_AT_MOST;
	assert_near(measure(&scenario, o, &e), 100.0);
	e.relation = SCN_AT_LEAST;
	assert_near(measure(&scenario, o, &e), 25.0);
	e.relation = SCN_EQUAL;
	e.value = 40.0;
	assert_near(measure(&scenario, o, &e), 100.0);
	e.value = 90.0;
	assert_near(measure(&scenario, o, &e), 25.0);
	/* one of 15 ms holds at most 10 ms of one turn and 5 of nothing, from 2 s on */
	e.from = 2 * REEVE_SEC;
	e.window_ns = 15 * REEVE_MSEC;
	e.relation = SCN_LESS;
	assert_near(measure(&scenario, o, &e), 100.0 * 10 / 30);
}

static void test_lead_and_lag(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_LEAD, 0);

	e.of_pct = 50.0;
	e.from = REEVE_SEC;
	assert_near(measure(&scenario, o, &e), 5e6);
	e.metric = SCN_LAG;
	assert_near(measure(&scenario, o, &e), 5e6);
	/* with the first second: two seconds of CPU, of which half was not its own */
	e.metric = SCN_LEAD;
	e.from = 0;
	assert_near(measure(&scenario, o, &e), 1e9 + 5e6);
}

static void test_gap(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_GAP, 1);

	assert_near(measure(&scenario, o, &e), 1.01e9);
	e.from = 2 * REEVE_SEC;
	assert_near(measure(&scenario, o, &e), 1e7);
}

static void test_samples(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_WAIT, 0);

	e.statistic = SCN_MAX;
	assert_true(isnan(measure(&scenario, o, &e)));
	assert_false(measure_is_met(&e, NAN));
	for (int i = 1; i <= 100; i++)
		record_sample(&o->record, RECORD_WAIT, 0, i * REEVE_MSEC, i);
	record_sample(&o->record, RECORD_WAIT, 1, REEVE_MSEC, 1000);
	record_sample(&o->record, RECORD_WAIT, 0, 5 * REEVE_SEC, 5000);
	assert_near(measure(&scenario, o, &e), 100.0);
	e.statistic = SCN_MEAN;
	assert_near(measure(&scenario, o, &e), 50.5);
	e.statistic = SCN_QUANTILE;
	e.quantile = 0.99;
	assert_near(measure(&scenario, o, &e), 99.0);
	e.quantile = 0.5;
	assert_near(measure(&scenario, o, &e), 50.0);
	e.group = SCN_NONE;
	e.statistic = SCN_MAX;
	assert_near(measure(&scenario, o, &e), 1000.0);
	record_sample(&o->record, RECORD_LATENCY, 0, REEVE_SEC, 7);
	e.metric = SCN_STATEMENTS;
	assert_near(measure(&scenario, o, &e), 1.0);
	e.metric = SCN_PARKS;
	assert_near(measure(&scenario, o, &e), 0.0);
}

static void test_idle_wait(void **state)
{
	struct outcome *o = *state;
	struct record *r = &o->record;
	struct scn_expect e = expect_of(SCN_IDLE_WAIT, 0);

	/* both busy; A waits: no stretch. One falls idle at 10 ms, until 30 ms: a stretch of 20. */
	record_idle_cores(r, 0, 0);
	record_parked(r, REEVE_MSEC, 0, 1);
	record_idle_cores(r, 10 * REEVE_MSEC, 1);
	record_idle_cores(r, 30 * REEVE_MSEC, 0);
	/* another one, in two parts that touch: 15 ms */
	record_idle_cores(r, 50 * REEVE_MSEC, 1);
	record_idle_cores(r, 60 * REEVE_MSEC, 0);
	record_idle_cores(r, 60 * REEVE_MSEC, 2);
	record_idle_cores(r, 65 * REEVE_MSEC, 0);
	/* B waits while idle for 100 ms; A is then no longer waiting */
	record_parked(r, 70 * REEVE_MSEC, 0, -1);
	record_idle_cores(r, 70 * REEVE_MSEC, 2);
	record_parked(r, 100 * REEVE_MSEC, 1, 1);
	record_close(r, 200 * REEVE_MSEC);
	assert_near(measure(&scenario, o, &e), 2e7);
	e.from = 40 * REEVE_MSEC;
	assert_near(measure(&scenario, o, &e), 1.5e7);
	e.group = 1;
	assert_near(measure(&scenario, o, &e), 1e8);
	e.group = SCN_NONE;
	assert_near(measure(&scenario, o, &e), 1e8);
	e.to = 150 * REEVE_MSEC;
	assert_near(measure(&scenario, o, &e), 5e7);
}

static void test_charged(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_CHARGED, 1);

	o->charged_ns[1] = 1485000000;
	assert_near(measure(&scenario, o, &e), 99.0);
}

static void test_is_met(void **state)
{
	struct scn_expect e = {.value = 10.0, .within = 1.0};

	(void)state;
	e.relation = SCN_LESS;
	assert_true(measure_is_met(&e, 9.9) && !measure_is_met(&e, 10.0));
	e.relation = SCN_AT_MOST;
	assert_true(measure_is_met(&e, 10.0) && !measure_is_met(&e, 10.1));
	e.relation = SCN_MORE;
	assert_true(measure_is_met(&e, 10.1) && !measure_is_met(&e, 10.0));
	e.relation = SCN_AT_LEAST;
	assert_true(measure_is_met(&e, 10.0) && !measure_is_met(&e, 9.9));
	e.relation = SCN_EQUAL;
	assert_true(measure_is_met(&e, 11.0) && measure_is_met(&e, 9.0));
	assert_true(!measure_is_met(&e, 11.01) && !measure_is_met(&e, 8.99));
}

static void test_format(void **state)
{
	struct scn_expect e = {.unit = SCN_TIME};
	char text[64];

	(void)state;
	measure_format(&e, 1.5e9, text, sizeof(text));
	assert_string_equal(text, "1.500s");
	measure_format(&e, 2.25e6, text, sizeof(text));
	assert_string_equal(text, "2.250ms");
	measure_format(&e, 950.0, text, sizeof(text));
	assert_string_equal(text, "0.9us");
	e.unit = SCN_PERCENT;
	measure_format(&e, 74.996, text, sizeof(text));
	assert_string_equal(text, "75.00%");
	measure_format(&e, NAN, text, sizeof(text));
	assert_string_equal(text, "nothing to measure");
}

/* 2 MiB a second of A and one request of 1 MiB of B a second, in steps of 100 ms */
static void test_io(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_IO_SHARE, 1);

	assert_true(isnan(measure(&scenario, o, &e)));
	for (int i = 0; i < 40; i++)
		for (int j = 0; j < 2; j++)
			record_io(&o->record, 0, i * 100 * REEVE_MSEC, (1 << 20) / 10);
	for (int i = 0; i < 4; i++)
		record_io(&o->record, 1, i * REEVE_SEC, (1 << 20) / 10 * 10);
	record_io(&o->record, 1, 4 * REEVE_SEC, 1); /* after the end */
	assert_near(measure(&scenario, o, &e), 100.0 / 3);
	e.metric = SCN_IO_RATE;
	assert_near(measure(&scenario, o, &e), (1 << 20) / 10 * 10);
	e.metric = SCN_IOPS;
	assert_near(measure(&scenario, o, &e), 1.0);
	e.group = 0;
	e.window_ns = 50 * REEVE_MSEC;
	e.relation = SCN_AT_MOST;
	assert_near(measure(&scenario, o, &e), 40.0);
	e.relation = SCN_AT_LEAST;
	assert_near(measure(&scenario, o, &e), 0.0);
	e.group = SCN_NONE;
	e.window_ns = 0;
	assert_near(measure(&scenario, o, &e), 21.0);
}

static void test_levels(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_ACTIVE, 0);

	record_level(&o->record, RECORD_ACTIVE, 0, 1, 1);
	record_level(&o->record, RECORD_ACTIVE, 0, 2, 1);
	record_level(&o->record, RECORD_ACTIVE, 1, 2, 3);
	record_level(&o->record, RECORD_ACTIVE, 0, 3, -2);
	record_level(&o->record, RECORD_ACTIVE, 0, 4, 1);
	assert_near(measure(&scenario, o, &e), 2.0);
	e.from = 3;
	assert_near(measure(&scenario, o, &e), 1.0);
}

static void test_events(void **state)
{
	struct outcome *o = *state;
	struct scn_expect e = expect_of(SCN_EVENTS, SCN_NONE);
	const struct record_event events[] = {
		{.at = 1, .group = 0, .kind = 7, .limit = 2, .over = 5},
		{.at = 2, .group = 1, .kind = 7, .limit = 1, .over = 9},
		{.at = 3, .group = 2, .kind = 7},
		{.at = 3, .group = 0, .kind = 8, .limit = 2, .over = 99},
		{.at = 5 * REEVE_SEC, .group = 0, .kind = 7, .limit = 2, .over = 99},
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		record_event(&o->record, &events[i]);
	e.event = 7;
	assert_near(measure(&scenario, o, &e), 3.0);
	e.metric = SCN_OVERRUN;
	e.statistic = SCN_MAX;
	assert_near(measure(&scenario, o, &e), 9.0);
	e.limit = 2;
	assert_near(measure(&scenario, o, &e), 5.0);
	e.group = 1;
	assert_true(isnan(measure(&scenario, o, &e)));
	e.metric = SCN_EVENTS;
	assert_near(measure(&scenario, o, &e), 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ratios, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_windows_find_the_worst, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lead_and_lag, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_samples, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_idle_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_charged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_io, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
		cmocka_unit_test(test_is_met),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
