/* SPDX-License-Identifier: Apache-2.0 */
/* Scenario files: what is read, and that every mistake names its line and what was expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <reeve/event.h>
#include <reeve/session.h>

#include "random.h"
#include "scenario.h"

static int parse(const char *text, struct scenario *scenario, char *error)
{
	char *copy = strdup(text);
	int rc;

	assert_non_null(copy);
	strcpy(error, "");
	rc = scenario_parse("t.scn", copy, scenario, error);
	free(copy);
	return rc;
}

static const char whole[] =
	"# a comment\n"
	"seed 77\n"
	"machine cores 3 timeslice 4ms granularity 500us wakeup 1us 9us\n"
	"slots 2\n"
	"quantum 10ms\n"
	"chunk 50us\n"
	"tick never\n"
	"duration 10s  # ten\n"
	"drain 2s\n"
	"group A priority 2 cpu 30%\n"
	"group B\n"
	"plan P emphasis max 90%\n"
	"plan Q shares\n"
	"directive P A percent 60% level 2 cap 25%\n"
	"directive Q B shares 7\n"
	"activate P\n"
	"device latency 1ms bandwidth 3MiB\n"
	"io policy deadline concurrent 5 burst 20%\n"
	"runaway 2s speed 40%\n"
	"servers 12\n"
	"plan R ratio sessions parallel\n"
	"directive R A sub-plan Q switchGroup B switchAction kill switchTime 3s "
	"sessionPgaLimit 1.5KiB iopsLimit 9 without ioWeight without level\n"
	"process one\n"
	"clients x 4 group A process one priority high work lognormal 5ms 0.7 "
	"think exponential 10ms start 1s stop 9s block 2ms every 5ms shield 1ms every 3ms "
	"deadline 100ms\n"
	"clients y 1 group B work endless\n"
	"clients z 1 group B work 5ms io 4KiB every 1ms write low due 9ms pull memory 1MiB "
	"every 2ms parallel 3 or-less lock 1ms every 2ms keeps-lock\n"
	"expect overrun RUNAWAY_DETECTED/CPU_TIME B max < 3ms\n"
	"at 5s switch x B\n"
	"at 2.5s kill one\n"
	"at 2500ms quantum 5ms\n"
	"at 6s directive P A without cap\n"
	"at 7s register B shares 3 cap 50%\n"
	"expect share A from 1s to 2s every 100ms = 75% within 0.5%\n"
	"\texpect wait p99.9 < 5ms\n"
	"expect latency A mean from 1s to 9s >= 20us # why\n"
	"expect lead B of 25% <= 10ms\n"
	"expect statements > 100\n";

static void test_whole(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];

	(void)state;
	(void)parse(whole, &s, error);
	assert_string_equal(error, "");
	assert_int_equal(s.machine.seed, 77);
	assert_int_equal(s.machine.cores, 3);
	assert_int_equal(s.machine.timeslice_ns, 4 * REEVE_MSEC);
	assert_int_equal(s.machine.granularity_ns, 500 * REEVE_USEC);
	assert_int_equal(s.machine.wake_min_ns, REEVE_USEC);
	assert_int_equal(s.machine.wake_max_ns, 9 * REEVE_USEC);
	assert_int_equal(s.slots, 2);
	assert_int_equal(s.quantum_ns, 10 * REEVE_MSEC);
	assert_int_equal(s.chunk_ns, 50 * REEVE_USEC);
	assert_int_equal(s.tick_ns, 0);
	assert_int_equal(s.duration_ns, 10 * REEVE_SEC);
	assert_int_equal(s.drain_ns, 2 * REEVE_SEC);
	assert_int_equal(s.group_count, 2);
	assert_int_equal(s.groups[0].priority, 2);
	assert_int_equal(s.groups[0].cpu_pct, 30);
	assert_int_equal(s.groups[1].priority, SCN_NONE);
	assert_int_equal(s.plan_count, 3);
	assert_int_equal(s.plans[0].method, REEVE_METHOD_EMPHASIS);
	assert_int_equal(s.plans[0].max_pct, 90);
	assert_int_equal(s.plans[1].method, REEVE_METHOD_SHARES);
	assert_int_equal(s.directive_count, 3);
	assert_int_equal(s.directives[0].def.given,
		REEVE_DIRECTIVE_CPU_PCT | REEVE_DIRECTIVE_CPU_LEVEL | REEVE_DIRECTIVE_CPU_CAP);
	assert_int_equal(s.directives[0].def.cpu_cap_pct, 25);
	assert_int_equal(s.directives[1].plan, 1);
	assert_int_equal(s.directives[1].group, 1);
	assert_int_equal(s.directives[1].def.cpu_shares, 7);
	assert_int_equal(s.active_plan, 0);
	scenario_fini(&s);
}

static void test_clients(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];

	(void)state;
	assert_int_equal(parse(whole, &s, error), 0);
	assert_int_equal(s.clients_count, 3);
	assert_string_equal(s.clients[0].name, "x");
	assert_int_equal(s.clients[0].count, 4);
	assert_int_equal(s.clients[0].process, 1);
	assert_int_equal(s.clients[0].priority, REEVE_SESSION_HIGH);
	assert_int_equal(s.clients[0].work.distribution, SCN_LOGNORMAL);
	assert_int_equal(s.clients[0].work.ns, 5 * REEVE_MSEC);
	assert_true(s.clients[0].work.sigma > 0.69 && s.clients[0].work.sigma < 0.71);
	assert_int_equal(s.clients[0].think.distribution, SCN_EXPONENTIAL);
	assert_int_equal(s.clients[0].start_ns, REEVE_SEC);
	assert_int_equal(s.clients[0].stop_ns, 9 * REEVE_SEC);
	assert_int_equal(s.clients[0].acts[SCN_BLOCK].length_ns, 2 * REEVE_MSEC);
	assert_int_equal(s.clients[0].acts[SCN_BLOCK].every_ns, 5 * REEVE_MSEC);
	assert_int_equal(s.clients[0].acts[SCN_SHIELD].every_ns, 3 * REEVE_MSEC);
	assert_int_equal(s.clients[0].deadline_ns, 100 * REEVE_MSEC);
	assert_int_equal(s.clients[1].process, 0);
	assert_int_equal(s.clients[1].stop_ns, REEVE_NEVER);
	assert_int_equal(s.clients[1].work.distribution, SCN_ENDLESS);
	scenario_fini(&s);
}

static void test_limits(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];
	const struct scn_clients *z;
	const struct reeve_directive_def *def;

	(void)state;
	assert_int_equal(parse(whole, &s, error), 0);
	assert_int_equal(s.device_latency_ns, REEVE_MSEC);
	assert_int_equal(s.device_bandwidth, 3 << 20);
	assert_int_equal(s.io_policy, REEVE_IO_DEADLINE);
	assert_int_equal(s.io_concurrent, 5);
	assert_int_equal(s.io_burst_ppm, 200000);
	assert_int_equal(s.runaway_ns, 2 * REEVE_SEC);
	assert_int_equal(s.runaway_speed_pct, 40);
	assert_int_equal(s.parallel_servers, 12);
	assert_true(s.plans[2].manages_sessions && s.plans[2].manages_parallel);
	assert_false(s.plans[0].manages_sessions || s.plans[0].manages_parallel);
	def = &s.directives[2].def;
	assert_true(
		def->given == (REEVE_DIRECTIVE_SUB_PLAN | REEVE_DIRECTIVE_SWITCH_GROUP |
				      REEVE_DIRECTIVE_SWITCH_ACTION | REEVE_DIRECTIVE_SWITCH_CPU |
				      REEVE_DIRECTIVE_SESSION_PGA | REEVE_DIRECTIVE_IOPS));
	assert_true(def->removed == (REEVE_DIRECTIVE_IO_WEIGHT | REEVE_DIRECTIVE_CPU_LEVEL));
	assert_int_equal(s.directives[2].sub_plan, 1);
	assert_int_equal(s.directives[2].switch_group, 1);
	assert_int_equal(def->switch_action, REEVE_SWITCH_KILL);
	assert_int_equal(def->switch_cpu_ns, 3 * REEVE_SEC);
	assert_int_equal(def->session_pga_bytes, 1536);
	assert_int_equal(def->iops, 9);
	z = &s.clients[2];
	assert_int_equal(z->acts[SCN_IO].bytes, 4096);
	assert_int_equal(z->acts[SCN_IO].every_ns, REEVE_MSEC);
	assert_int_equal(z->io_type, REEVE_IO_WRITE);
	assert_int_equal(z->io_priority, REEVE_IO_LOW);
	assert_int_equal(z->io_deadline_ns, 9 * REEVE_MSEC);
	assert_true(z->is_pull && z->takes_less && z->keeps_lock);
	assert_int_equal(z->acts[SCN_MEMORY].bytes, 1 << 20);
	assert_int_equal(z->degree, 3);
	assert_int_equal(s.expects[0].event, REEVE_EVENT_RUNAWAY_DETECTED);
	assert_int_equal(s.expects[0].limit, REEVE_LIMIT_CPU_TIME);
	scenario_fini(&s);
}

static void test_events_are_in_order(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];

	(void)state;
	assert_int_equal(parse(whole, &s, error), 0);
	assert_int_equal(s.event_count, 5);
	assert_int_equal(s.events[0].kind, SCN_KILL);
	assert_int_equal(s.events[0].process, 1);
	assert_int_equal(s.events[1].kind, SCN_QUANTUM);
	assert_int_equal(s.events[1].at, s.events[0].at);
	assert_int_equal(s.events[2].kind, SCN_SWITCH);
	assert_int_equal(s.events[2].group, 1);
	assert_int_equal(s.events[3].kind, SCN_DIRECTIVE);
	assert_int_equal(s.events[3].directive.def.removed, REEVE_DIRECTIVE_CPU_CAP);
	assert_int_equal(s.events[4].kind, SCN_REGISTER);
	assert_int_equal(s.events[4].shares, 3);
	assert_int_equal(s.events[4].cap_pct, 50);
	scenario_fini(&s);
}

static void test_expectations(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];

	(void)state;
	assert_int_equal(parse(whole, &s, error), 0);
	assert_int_equal(s.expect_count, 6);
	assert_int_equal(s.expects[1].metric, SCN_SHARE);
	assert_int_equal(s.expects[1].line, 33);
	assert_int_equal(s.expects[1].from, REEVE_SEC);
	assert_int_equal(s.expects[1].to, 2 * REEVE_SEC);
	assert_int_equal(s.expects[1].window_ns, 100 * REEVE_MSEC);
	assert_int_equal(s.expects[1].relation, SCN_EQUAL);
	assert_true(s.expects[1].value == 75.0 && s.expects[1].within == 0.5);
	assert_string_equal(s.expects[2].text, "expect wait p99.9 < 5ms");
	assert_int_equal(s.expects[2].group, SCN_NONE);
	assert_int_equal(s.expects[2].statistic, SCN_QUANTILE);
	assert_true(s.expects[2].quantile > 0.9989 && s.expects[2].quantile < 0.9991);
	assert_int_equal(s.expects[2].to, 10 * REEVE_SEC);
	assert_true(s.expects[2].value == 5e6);
	assert_int_equal(s.expects[3].statistic, SCN_MEAN);
	assert_string_equal(s.expects[3].text, "expect latency A mean from 1s to 9s >= 20us ");
	assert_true(s.expects[4].of_pct == 25.0);
	assert_int_equal(s.expects[5].relation, SCN_MORE);
	scenario_fini(&s);
}

#define GOOD "duration 1s\ngroup A\nplan P shares\nclients c 1 group A work 1ms\n"

/* One mistake each, on the line after GOOD unless the message says another. */
static const struct {
	const char *text, *error;
} mistakes[] = {
	{"sed 3", "t.scn:5: expected a statement (seed, machine, slots, quantum, policy, device, "
		  "io, runaway, servers, chunk, tick, duration, drain, group, plan, directive, "
		  "activate, process, clients, at, expect), found `sed`"},
	{"seed", "t.scn:5: expected a seed, 0 to 9223372036854775807, found the end of the line"},
	{"seed -1", "t.scn:5: expected a seed, 0 to 9223372036854775807, found `-1`"},
	{"machine 2", "t.scn:5: expected `cores`, found `2`"},
	{"machine cores 65", "t.scn:5: expected a number of cores, 1 to 64, found `65`"},
	{"machine cores 2 hyper", "t.scn:5: expected `timeslice`, `granularity` or `wakeup`, found "
				  "`hyper`"},
	{"machine cores 2 wakeup 9us 1us", "t.scn:5: expected the longest latency not below the "
					   "shortest"},
	{"quantum 10", "t.scn:5: expected a time, such as 20us, 5ms or 1.5s, found `10`"},
	{"quantum 0", "t.scn:5: expected a time, such as 20us, 5ms or 1.5s, found `0`"},
	{"quantum 10ms 5", "t.scn:5: expected the end of the line, found `5`"},
	{"quantum 1e3ms", "t.scn:5: expected a time, such as 20us, 5ms or 1.5s, found `1e3ms`"},
	{"quantum .5s", "t.scn:5: expected a time, such as 20us, 5ms or 1.5s, found `.5s`"},
	{"duration 0.5ms", "t.scn:5: expected a duration in whole milliseconds of at most an hour"},
	{"group A", "t.scn:5: expected a name for a group, but `A` is declared above"},
	{"group 9a", "t.scn:5: expected a name for a group, found `9a`"},
	{"group B cpu 101%", "t.scn:5: expected a CPU allocation, a whole percentage from 0% to "
			     "100%"},
	{"group B cpu 30", "t.scn:5: expected a CPU allocation, such as 25%, found `30`"},
	{"plan Q fair", "t.scn:5: expected one of emphasis ratio shares, found `fair`"},
	{"directive Q A shares 1", "t.scn:5: expected the name of a plan declared above, found "
				   "`Q`"},
	{"directive P B shares 1", "t.scn:5: expected the name of a group declared above, found "
				   "`B`"},
	{"directive P A shares 0", "t.scn:5: expected cpuShares, 1 to 1000000, found `0`"},
	{"directive P A level 9", "t.scn:5: expected cpuLevel, 1 to 8, found `9`"},
	{"directive P A weight 9", "t.scn:5: expected a field of directives (shares, percent, "
				   "level, cap, sub-plan, or "
				   "one by its name in the API) or `without`, found `weight`"},
	{"directive P A without",
		"t.scn:5: expected a field of directives (shares, percent, level, "
		"cap, sub-plan, or one by its name in the API) or `without`, found "
		"the end of the line"},
	{"directive P A ioWeight 10001", "t.scn:5: expected ioWeight, 1 to 10000, found `10001`"},
	{"directive P A ioBandwidthLimit 3MB", "t.scn:5: expected ioBandwidthLimit, such as 512B, "
					       "64KiB or 1.5MiB, found `3MB`"},
	{"directive P A switchTime 0s", "t.scn:5: expected switchTime, such as 20us, 5ms or 1.5s, "
					"found `0s`"},
	{"directive P A switchAction stop", "t.scn:5: expected one of nothing log switch cancel "
					    "kill, found `stop`"},
	{"directive P A switchGroup B", "t.scn:5: expected the name of a group declared above, "
					"found `B`"},
	{"io policy fair",
		"t.scn:5: expected one of completely-fair deadline budget-fair priority, "
		"found `fair`"},
	{"io", "t.scn:5: expected `policy`, `concurrent` or `burst`, found the end of the line"},
	{"device speed 1ms", "t.scn:5: expected `latency` or `bandwidth`, found `speed`"},
	{"runaway 1s speed 9%", "t.scn:5: expected a speed, a whole percentage from 10% to 100%"},
	{"servers 0", "t.scn:5: expected parallel servers, 1 to 65536, found `0`"},
	{"clients d 1 group A work 1ms io 4KiB", "t.scn:5: expected `every`, found the end of the "
						 "line"},
	{"clients d 1 group A work 1ms memory 0B every 1ms",
		"t.scn:5: expected a size, such as 512B, 64KiB or 1.5MiB, found `0B`"},
	{"clients d 1 group A work 1ms parallel 0",
		"t.scn:5: expected parallel servers, 1 to 65535, "
		"found `0`"},
	{"expect events BANG > 1",
		"t.scn:5: expected a kind of event of the library, or one with a "
		"limit as in RUNAWAY_DETECTED/CPU_TIME, found `BANG`"},
	{"expect events RUNAWAY_DETECTED/BANG > 1",
		"t.scn:5: expected a kind of event of the library, or one with a limit as in "
		"RUNAWAY_DETECTED/CPU_TIME, found `RUNAWAY_DETECTED/BANG`"},
	{"expect io-rate A < 3", "t.scn:5: expected a size, such as 512B, 64KiB or 1.5MiB, found "
				 "`3`"},
	{"clients d 1 group A", "t.scn:5: expected `work`, found the end of the line"},
	{"clients d 1 group A work often",
		"t.scn:5: expected `endless`, `exponential`, `lognormal` or a time, such as 20us, "
		"5ms or 1.5s, found `often`"},
	{"clients d 1 group A work 1ms block 1ms", "t.scn:5: expected `every`, found the end of "
						   "the line"},
	{"clients d 1 group A work endless think 1s", "t.scn:5: expected no pause between "
						      "statements that are endless"},
	{"clients d 1 group A work 1ms process p", "t.scn:5: expected the name of a process "
						   "declared above, found `p`"},
	{"at 2s activate P", "t.scn:5: expected a time before the end of the run"},
	{"at 0s explode", "t.scn:5: expected one of activate switch kill quantum register "
			  "unregister directive cancel end policy, found `explode`"},
	{"at 0s cancel d", "t.scn:5: expected the name of a set of clients declared above, found "
			   "`d`"},
	{"expect sharing A < 3%",
		"t.scn:5: expected a metric (share, usage, utilization, lead, lag, gap, wait, "
		"park, "
		"latency, idle-wait, statements, parks, shield-parks, timeouts, cancels, charged, "
		"queue-timeouts, refusals, kills, active, servers, degree, memory, io-share, "
		"io-rate, iops, io-wait, io-latency, events, overrun), found `sharing`"},
	{"expect share A 3%", "t.scn:5: expected <, <=, >, >= or =, found `3%`"},
	{"expect share A < 3", "t.scn:5: expected a percentage, such as 25%, found `3`"},
	{"expect share A = 3%", "t.scn:5: expected `within`, found the end of the line"},
	{"expect wait A p0 < 3ms", "t.scn:5: expected `max`, `mean` or a quantile such as p99, "
				   "found `p0`"},
	{"expect wait A < 3ms", "t.scn:5: expected `max`, `mean` or a quantile such as p99, found "
				"`<`"},
	{"expect share A from 0s to 2s < 3%", "t.scn:5: expected a stretch of time within the "
					      "run"},
	{"expect share A from 0.1ms to 1s < 3%", "t.scn:5: expected a time in whole milliseconds"},
	{"expect share A from 0s to 0.5s every 1s < 3%",
		"t.scn:5: expected a window not longer than its stretch of time"},
	{"expect gap A every 1s < 3s", "t.scn:5: expected <, <=, >, >= or =, found `every`"},
	{"expect lead A < 3ms", "t.scn:5: expected `of`, found `<`"},
};

static void test_mistakes(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX], text[600];

	(void)state;
	assert_int_equal(parse(GOOD, &s, error), 0);
	scenario_fini(&s);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		snprintf(text, sizeof(text), GOOD "%s\n", mistakes[i].text);
		assert_int_equal(parse(text, &s, error), -1);
		assert_string_equal(error, mistakes[i].error);
	}
}

static void test_incomplete(void **state)
{
	struct scenario s;
	char error[SCN_ERROR_MAX];

	(void)state;
	assert_int_equal(parse("", &s, error), -1);
	assert_non_null(strstr(error, "expected a `duration` somewhere"));
	assert_int_equal(parse("duration 1s\n", &s, error), -1);
	assert_non_null(strstr(error, "expected `clients` somewhere"));
	assert_int_equal(scenario_read("/nonexistent/x.scn", &s, error), -1);
	assert_string_equal(error, "/nonexistent/x.scn: No such file or directory");
}

/* Whatever bytes change in a good file, it is read or refused; the sanitizers watch. */
static void test_damaged(void **state)
{
	struct sim_random random;
	struct scenario s;
	char error[SCN_ERROR_MAX], text[sizeof(whole)];
	int refused = 0;

	(void)state;
	sim_random_init(&random, 3, 1);
	for (int i = 0; i < 20000; i++) {
		memcpy(text, whole, sizeof(whole));
		for (int j = 0; j < 3; j++) {
			size_t at = (size_t)(sim_random_next(&random) % (sizeof(whole) - 1));

			text[at] = (char)(sim_random_next(&random) % 255 + 1);
		}
		if (scenario_parse("t.scn", text, &s, error) == 0)
			scenario_fini(&s);
		else
			refused++;
	}
	assert_in_range(refused, 10000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_events_are_in_order),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
