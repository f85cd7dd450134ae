/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of validation: each doubt about a directive's fields has a sentence of its own. */
#include "core.h"

#include <string.h>

#define D(bit) REEVE_DIRECTIVE_##bit

static struct reeve_plan_message found[16];
static int count;

/* Judges plan 1 with this directive of group 2 merged in. */
static void judge(struct core *c, const struct reeve_directive_def *def)
{
	core_directive(c->r, 1, 2, def);
	count = reeve_plan_validate(c->r, (reeve_plan_id){1}, found, 16, E);
	assert_in_range(count, 0, 16);
}

static bool said(enum reeve_severity severity, const char *part)
{
	for (int i = 0; i < count; i++)
		if (found[i].severity == severity && strstr(found[i].text, part) &&
			found[i].directive.v == 2)
			return true;
	for (int i = 0; i < count; i++)
		print_message("said: %s\n", found[i].text);
	return false;
}

struct doubt {
	struct reeve_directive_def def;
	enum reeve_severity severity;
	const char *text;
};

static const struct doubt doubts[] = {
	{{.given = D(CPU_PCT), .cpu_pct = 5}, REEVE_SEVERITY_WARNING,
		"cpuPct 5 of INTERACTIVE_GROUP has no effect: the plan divides by shares"},
	{{.given = D(QUEUE_TIMEOUT), .queue_timeout_ns = 5}, REEVE_SEVERITY_WARNING,
		"queueingP1 of INTERACTIVE_GROUP can never bind: without activeSessPoolP1"},
	{{.given = D(MAX_IDLE) | D(MAX_IDLE_BLOCKER), .max_idle_ns = 5, .max_idle_blocker_ns = 5},
		REEVE_SEVERITY_WARNING, "maxIdleBlockerTime of INTERACTIVE_GROUP can never bind"},
	{{.given = D(PARALLEL_DEGREE) | D(PARALLEL_SERVERS),
		 .parallel_degree = 9,
		 .parallel_servers = 8},
		REEVE_SEVERITY_WARNING,
		"parallelDegreeLimit 9 of INTERACTIVE_GROUP can never bind: all its calls "
		"together have 8 servers"},
	{{.given = D(PARALLEL_QUEUE_RUNS), .parallel_queue_runs_serial = 1}, REEVE_SEVERITY_WARNING,
		"parallelQueueRunsSerial of INTERACTIVE_GROUP can never happen"},
	{{.given = D(SWITCH_GROUP), .switch_group = {3}}, REEVE_SEVERITY_WARNING,
		"INTERACTIVE_GROUP is never switched: it has no switch limit"},
	{{.given = D(SWITCH_CPU), .switch_cpu_ns = 5}, REEVE_SEVERITY_WARNING,
		"switch limits of INTERACTIVE_GROUP only make an event"},
	{{.given = D(SWITCH_GROUP) | D(SWITCH_CPU), .switch_group = {2}, .switch_cpu_ns = 5},
		REEVE_SEVERITY_WARNING, "switchGroup of INTERACTIVE_GROUP is the group itself"},
	{{.given = D(SWITCH_GROUP) | D(SWITCH_CPU) | D(SWITCH_ACTION),
		 .switch_group = {3},
		 .switch_cpu_ns = 5,
		 .switch_action = REEVE_SWITCH_CANCEL},
		REEVE_SEVERITY_WARNING,
		"switchGroup of INTERACTIVE_GROUP has no effect: switchAction is another"},
	{{.given = D(SWITCH_CPU) | D(SWITCH_ACTION),
		 .switch_cpu_ns = 5,
		 .switch_action = REEVE_SWITCH_GROUP},
		REEVE_SEVERITY_ERROR,
		"switchAction of INTERACTIVE_GROUP is to move, and there is no switchGroup"},
	{{.given = D(SWITCH_FOR_CALL), .switch_for_call = 1}, REEVE_SEVERITY_WARNING,
		"switchForCall of INTERACTIVE_GROUP has no effect: calls are not moved"},
	{{.given = D(SWITCH_ESTIMATE), .switch_estimate = 1}, REEVE_SEVERITY_WARNING,
		"switchEstimate of INTERACTIVE_GROUP has no effect: it has no switchTime"},
	{{.given = D(SWITCH_ELAPSED), .switch_elapsed_ns = 300 * (uint64_t)REEVE_SEC},
		REEVE_SEVERITY_WARNING,
		"switchElapsedTime of INTERACTIVE_GROUP can never bind: maxExecutionTime"},
};

static void each_doubt_has_a_sentence(void **state)
{
	struct core *c = *state;

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		struct reeve_directive_def gone = {.removed = doubts[i].def.given};
		judge(c, &doubts[i].def);
		assert_true(said(doubts[i].severity, doubts[i].text));
		judge(c, &gone);
		assert_int_equal(count, 0);
	}
}

static void what_makes_sense_is_not_doubted(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def def = {
		.given = D(ACTIVE_SESSIONS) | D(QUEUE_TIMEOUT) | D(MAX_IDLE) | D(MAX_IDLE_BLOCKER) |
			 D(PARALLEL_DEGREE) | D(PARALLEL_SERVERS) | D(PARALLEL_QUEUE_TIMEOUT) |
			 D(PARALLEL_QUEUE_RUNS) | D(SWITCH_GROUP) | D(SWITCH_CPU) |
			 D(SWITCH_ELAPSED) | D(SWITCH_ESTIMATE) | D(SWITCH_FOR_CALL) |
			 D(MAX_EST_EXEC) | D(SESSION_PGA) | D(IO_BANDWIDTH) | D(IOPS) |
			 D(IO_WEIGHT) | D(CPU_CAP),
		.active_sessions = 8,
		.queue_timeout_ns = 8,
		.max_idle_ns = 8,
		.max_idle_blocker_ns = 7,
		.parallel_degree = 8,
		.parallel_servers = 8,
		.parallel_queue_timeout_ns = 8,
		.parallel_queue_runs_serial = 1,
		.switch_group = {3},
		.switch_cpu_ns = 8,
		.switch_elapsed_ns = 8,
		.switch_estimate = 1,
		.switch_for_call = 1,
		.max_est_exec_ns = 8,
		.session_pga_bytes = 8,
		.io_bandwidth = 8,
		.iops = 8,
		.io_weight = 8,
		.cpu_cap_pct = 50,
	};

	judge(c, &def);
	assert_int_equal(count, 0);
}

static void what_the_plan_does_not_manage_is_doubted(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def plan = REEVE_PLAN_DEF_INIT;
	const struct reeve_directive_def def = {.given = D(ACTIVE_SESSIONS) | D(PARALLEL_SERVERS),
		.active_sessions = 8,
		.parallel_servers = 8};

	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){1},
		REEVE_PLAN_SESSIONS_MANAGED | REEVE_PLAN_PARALLEL_MANAGED, &plan, 0, E));
	judge(c, &def);
	assert_int_equal(count, 2);
	assert_true(said(REEVE_SEVERITY_WARNING, "activeSessPoolP1 of INTERACTIVE_GROUP has no "
						 "effect: the plan does not manage session pools"));
	assert_true(said(REEVE_SEVERITY_WARNING,
		"parallelServerLimit of INTERACTIVE_GROUP has no effect: the plan does not manage "
		"parallel execution"));
}

static void limits_of_the_group_bind_before(void **state)
{
	struct core *c = *state;
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	const struct reeve_directive_def def = {.given = D(ACTIVE_SESSIONS), .active_sessions = 5};

	group.max_sessions = 5;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){2}, REEVE_GROUP_MAX_SESSIONS, &group, 0, E));
	judge(c, &def);
	assert_true(said(REEVE_SEVERITY_WARNING,
		"activeSessPoolP1 5 of INTERACTIVE_GROUP can never bind: the group has at most 5"));
	group.is_active = false;
	assert_ok(
		reeve_group_update(c->r, (reeve_group_id){2}, REEVE_GROUP_IS_ACTIVE, &group, 0, E));
	judge(c, &(struct reeve_directive_def){.removed = D(ACTIVE_SESSIONS)});
	assert_int_equal(count, 1);
	assert_true(said(REEVE_SEVERITY_WARNING, "INTERACTIVE_GROUP is out of reach"));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(each_doubt_has_a_sentence),
		with_core(what_makes_sense_is_not_doubted),
		with_core(what_the_plan_does_not_manage_is_doubted),
		with_core(limits_of_the_group_bind_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
