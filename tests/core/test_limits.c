/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of what sessions and calls may use: idle and execution timeouts, estimates, the ladder of
 * switch rules, and what the end of a call brings back.
 */
#include "core.h"

#include "../../src/engine/engine.h"

#include <string.h>

#define BATCH	    REEVE_BATCH_GROUP
#define MAINTENANCE REEVE_MAINTENANCE_GROUP
#define S	    ((uint64_t)REEVE_SEC)

/* What the plan says, as the ruling has it; running calls and pools look anew. */
static struct reeve_sh_ruling_row *row_of(struct core *c, uint64_t group)
{
	uint32_t g = reeve__table_find(c->r, &c->r->header->groups, group);

	atomic_store(&c->r->control->ruling_seen, 0);
	return &reeve__ruling_now(c->r).rows[g];
}

static void in_force(struct core *c)
{
	atomic_store(&c->r->control->ruling_seen, 0);
	reeve__cpu_announce(c->r);
}

static uint32_t slot_of(struct core *c, uint64_t group)
{
	return reeve__table_find(c->r, &c->r->header->groups, group);
}

/* BATCH: at 2 s of CPU, to MAINTENANCE, or whatever. */
static struct reeve_sh_ruling_row *cpu_rule(struct core *c, uint32_t action, uint32_t flags)
{
	struct reeve_sh_ruling_row *row = row_of(c, BATCH);

	atomic_store(&row->switch_cpu_ns, 2 * S);
	atomic_store(&row->switch_action, action);
	atomic_store(&row->switch_group, slot_of(c, MAINTENANCE));
	atomic_store(&row->flags, flags);
	in_force(c);
	return row;
}

static struct reeve_session_stats stats(struct core *c)
{
	struct reeve_session_stats s;

	reeve_session_stats_get(c->r, &s);
	return s;
}

static struct reeve_session_info info(struct core *c, reeve_session_id id)
{
	struct reeve_session_info i;

	assert_ok(reeve_session_get(c->r, id, &i, E));
	return i;
}

static struct reeve_event last_event(struct core *c, uint32_t kind)
{
	struct reeve_event e[64], found = {0};
	uint64_t at = 0;
	uint32_t n;

	while ((n = reeve_event_copy(c->r, at, e, 64, &at, NULL)))
		for (uint32_t i = 0; i < n; i++)
			if (e[i].kind == kind)
				found = e[i];
	return found;
}

static void set_limits(struct core *c, struct reeve_session *s, uint64_t idle, uint64_t execution)
{
	struct reeve_session_limits l = {idle, execution};

	assert_ok(reeve_session_limits_set(c->r, reeve_session_id_of(s), 3, &l, E));
}

/* Works in steps of a millisecond, with checkpoints; what the last of them said. */
static int work(struct core *c, struct reeve_session *s, reeve_ns ns)
{
	int rc = 0;

	for (; ns > 0 && rc == 0; ns -= REEVE_MSEC) {
		core_work(&c->h, REEVE_MSEC);
		rc = reeve_checkpoint(s);
	}
	return rc;
}

/* Sessions, line 9: setting one limit cleared the other. */
static void sessions_09_setting_one_limit_leaves_the_other(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_session_limits l = {5 * S, 7 * S}, got;

	assert_ok(reeve_session_limits_set(c->r, id, REEVE_LIMITS_IDLE, &l, E));
	assert_ok(reeve_session_limits_get(c->r, id, &got, E));
	assert_true(got.idle_timeout_ns == 5 * S && got.max_execution_ns == REEVE_UNLIMITED);
	assert_ok(reeve_session_limits_set(c->r, id, REEVE_LIMITS_EXECUTION, &l, E));
	l.idle_timeout_ns = REEVE_UNLIMITED;
	assert_ok(reeve_session_limits_set(c->r, id, REEVE_LIMITS_IDLE, &l, E));
	assert_ok(reeve_session_limits_get(c->r, id, &got, E));
	assert_true(got.idle_timeout_ns == REEVE_UNLIMITED && got.max_execution_ns == 7 * S);
	reeve_session_destroy(s);
}

/* Sessions, line 9: group limits never became session limits. */
static void sessions_09_the_strictest_limit_holds(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, REEVE_INTERACTIVE_GROUP); /* 300 s */
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_session_config k;
	struct reeve_sh_ruling_row *row = row_of(c, REEVE_INTERACTIVE_GROUP);

	assert_int_equal(info(c, id).max_execution_ns, 300 * S);
	assert_int_equal(info(c, id).idle_timeout_ns, REEVE_UNLIMITED);
	set_limits(c, s, 50 * S, 400 * S);
	assert_int_equal(info(c, id).max_execution_ns, 300 * S);
	set_limits(c, s, 50 * S, 200 * S);
	assert_int_equal(info(c, id).max_execution_ns, 200 * S);
	atomic_store(&row->max_idle_ns, 40 * S);
	assert_int_equal(info(c, id).idle_timeout_ns, 40 * S);
	reeve_session_destroy(s);
	/* The default stands in where nobody has one. */
	reeve_session_config_get(c->r, &k);
	k.default_max_execution_ns = 9 * S;
	k.default_idle_timeout_ns = 8 * S;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	s = core_session(c->r, BATCH);
	assert_int_equal(info(c, reeve_session_id_of(s)).max_execution_ns, 9 * S);
	assert_int_equal(info(c, reeve_session_id_of(s)).idle_timeout_ns, 8 * S);
	set_limits(c, s, 50 * S, 20 * S);
	assert_int_equal(info(c, reeve_session_id_of(s)).max_execution_ns, 20 * S);
	reeve_session_destroy(s);
}

/* Sessions, line 9: a time-out ended the session instead of the query. */
static void sessions_09_an_execution_timeout_cancels_the_statement(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	set_limits(c, s, REEVE_UNLIMITED, S);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(work(c, s, 2 * REEVE_SEC), REEVE_ETIMEOUT);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	assert_int_equal(stats(c).execution_timeouts, 1);
	assert_int_equal(stats(c).execution_terminations, 0);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_setting_makes_it_end_the_session(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *by_hand = core_session(c->r, BATCH);
	struct reeve_query_def def = {.deadline = c->h.mono + 100 * REEVE_MSEC};
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_session_config k;

	reeve_session_config_get(c->r, &k);
	k.execution_timeout_action = REEVE_EXECUTION_ENDS_SESSION;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	set_limits(c, s, REEVE_UNLIMITED, S);
	set_limits(c, by_hand, REEVE_UNLIMITED, S);
	/* A deadline of the caller's own is no limit. */
	assert_ok(reeve_query_begin(s, &def, E));
	assert_int_equal(work(c, s, REEVE_SEC), REEVE_ETIMEOUT);
	reeve_query_end(s, NULL);
	assert_int_equal(info(c, id).state, REEVE_SESSION_INACTIVE);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(work(c, s, 2 * REEVE_SEC), REEVE_ETIMEOUT);
	reeve_query_end(s, NULL);
	assert_int_equal(info(c, id).state, REEVE_SESSION_TERMINATED);
	assert_int_equal(info(c, id).termination, REEVE_END_EXECUTION_TIMEOUT);
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(by_hand), E));
	core_sleep(&c->h, 2 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(
		info(c, reeve_session_id_of(by_hand)).termination, REEVE_END_EXECUTION_TIMEOUT);
	assert_int_equal(stats(c).execution_terminations, 2);
	reeve_session_destroy(s);
	reeve_session_destroy(by_hand);
}

/* Sessions, line 3: the same dead session timed out again at every check. */
static void sessions_03_a_timeout_happens_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *idle = core_session(c->r, BATCH);
	struct reeve_timeout_report report;
	reeve_session_id ids[4];

	set_limits(c, s, REEVE_UNLIMITED, S);
	set_limits(c, idle, S, REEVE_UNLIMITED);
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(s), E));
	core_sleep(&c->h, 2 * REEVE_SEC);
	assert_ok(reeve_session_check_timeouts(c->r, REEVE_CHECK_ALL, ids, 4, &report, E));
	assert_int_equal(report.executions, 1);
	assert_int_equal(report.idle, 1);
	assert_int_equal(report.sessions, 2);
	assert_true(ids[0].v + ids[1].v == reeve_session_id_of(s).v + reeve_session_id_of(idle).v);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	for (uint32_t i = 0; i < 3; i++) {
		assert_ok(reeve_session_check_timeouts(c->r, REEVE_CHECK_ALL, ids, 4, &report, E));
		assert_int_equal(report.executions + report.idle + report.sessions, 0);
	}
	assert_int_equal(stats(c).execution_timeouts, 1);
	assert_int_equal(stats(c).idle_terminations, 1);
	reeve_session_destroy(s);
	reeve_session_destroy(idle);
}

static void an_idle_session_is_ended_within_a_second_and_not_before(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *busy = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);
	reeve_ns began;

	set_limits(c, s, 10 * S, REEVE_UNLIMITED);
	set_limits(c, busy, 10 * S, REEVE_UNLIMITED);
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, REEVE_SEC);
	reeve_query_end(s, NULL); /* from here on */
	assert_ok(reeve_query_begin(busy, NULL, E));
	began = c->h.mono;
	while (info(c, id).state != REEVE_SESSION_TERMINATED) {
		assert_true(c->h.mono - began < 12 * REEVE_SEC);
		core_sleep(&c->h, 100 * REEVE_MSEC);
		assert_ok(reeve_tick(c->r, NULL, E));
	}
	assert_in_range(c->h.mono - began, 10 * REEVE_SEC + 1, 11 * REEVE_SEC);
	assert_int_equal(info(c, id).termination, REEVE_END_IDLE_TIMEOUT);
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_EKILLED, "killed");
	assert_int_equal(core_info(c->r, busy).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(busy, NULL);
	reeve_session_destroy(s);
	reeve_session_destroy(busy);
}

/* The group's own limit holds whatever the plan says, and the stricter of both counts. */
static void groups_03_the_idle_limit_of_a_group_is_kept(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_group_def def = {.max_idle_ns = 20 * S};
	struct reeve_sh_ruling_row *row;

	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){BATCH}, REEVE_GROUP_MAX_IDLE, &def, 0, E));
	assert_int_equal(info(c, id).idle_timeout_ns, 20 * S);
	row = row_of(c, BATCH);
	atomic_store(&row->max_idle_ns, 10 * S);
	assert_int_equal(info(c, id).idle_timeout_ns, 10 * S);
	atomic_store(&row->max_idle_ns, 30 * S);
	assert_int_equal(info(c, id).idle_timeout_ns, 20 * S);
	core_sleep(&c->h, 21 * REEVE_SEC);
	struct reeve_timeout_report report;
	assert_ok(reeve_session_check_timeouts(c->r, REEVE_CHECK_IDLE, NULL, 0, &report, E));
	assert_int_equal(report.idle, 1);
	reeve_session_destroy(s);
}

static void an_idle_blocker_is_ended_earlier(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *waits = core_session(c->r, BATCH);
	struct reeve_sh_ruling_row *row = row_of(c, BATCH);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_timeout_report report;

	atomic_store(&row->max_idle_ns, 100 * S);
	atomic_store(&row->max_idle_blocker_ns, 5 * S);
	core_sleep(&c->h, 6 * REEVE_SEC);
	assert_ok(reeve_session_check_timeouts(c->r, REEVE_CHECK_IDLE, NULL, 0, &report, E));
	assert_int_equal(report.idle_blockers, 0); /* it is in nobody's way */
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(waits), E));
	assert_ok(reeve_session_blocked_by(c->r, reeve_session_id_of(waits), id, E));
	assert_ok(reeve_session_check_timeouts(c->r, REEVE_CHECK_IDLE, NULL, 0, &report, E));
	assert_int_equal(report.idle_blockers, 1);
	assert_int_equal(info(c, id).termination, REEVE_END_IDLE_BLOCKER_TIMEOUT);
	assert_int_equal(stats(c).idle_blocker_terminations, 1);
	reeve_session_destroy(s);
	reeve_session_destroy(waits);
}

/* Sessions, line 8: Idle never occurred; is_system, program and machine could not be set. */
static void sessions_08_idle_and_system_sessions(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session_config k;
	struct reeve_session *s, *ordinary = core_session(c->r, BATCH);
	struct reeve_session_attributes a = {.module = "billing", .action = ""};

	def.username = "root";
	def.program = "cron";
	def.machine = "m1";
	def.action = "x";
	def.is_system = true;
	def.group.v = REEVE_INTERACTIVE_GROUP;
	assert_ok(reeve_session_create(c->r, &def, &s, E));
	assert_true(core_info(c->r, s).is_system);
	assert_ok(reeve_session_attributes_set(c->r, reeve_session_id_of(s), &a, E));
	assert_string_equal(core_info(c->r, s).module, "billing");
	assert_string_equal(core_info(c->r, s).action, "");
	assert_string_equal(core_info(c->r, s).program, "cron");
	/* names that do not fit into the slot, twice, and then such as do */
	char longest[REEVE_ATTRIBUTE_MAX];
	for (int i = 0; i < 3; i++) {
		memset(longest, 'p' + i, sizeof(longest));
		longest[i < 2 ? REEVE_ATTRIBUTE_MAX - 1 : 3] = 0;
		a = (struct reeve_session_attributes){
			.machine = longest, .service = longest, .module = longest};
		assert_ok(reeve_session_attributes_set(c->r, reeve_session_id_of(s), &a, E));
		assert_string_equal(core_info(c->r, s).username, "root");
		assert_string_equal(core_info(c->r, s).program, "cron");
		assert_string_equal(core_info(c->r, s).machine, longest);
		assert_string_equal(core_info(c->r, s).service, longest);
		assert_string_equal(core_info(c->r, s).module, longest);
		assert_string_equal(core_info(c->r, s).action, "");
	}
	assert_int_equal(core_info(c->r, s).max_execution_ns, REEVE_UNLIMITED);
	set_limits(c, s, S, S);
	set_limits(c, ordinary, 1000 * S, S);
	reeve_session_config_get(c->r, &k);
	k.idle_mark_ns = 5 * S;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	core_sleep(&c->h, 5 * REEVE_SEC);
	assert_int_equal(core_info(c->r, ordinary).state, REEVE_SESSION_INACTIVE);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_IDLE);
	assert_int_equal(core_info(c->r, ordinary).state, REEVE_SESSION_IDLE);
	assert_int_equal(core_info(c->r, ordinary).idle_ns, 6 * REEVE_SEC);
	struct reeve_event e = last_event(c, REEVE_EVENT_SESSION_STATE_CHANGED);
	assert_string_equal(e.text, "idle");
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(last_event(c, REEVE_EVENT_SESSION_STATE_CHANGED).sequence, e.sequence);
	assert_ok(reeve_query_begin(ordinary, NULL, E));
	assert_int_equal(core_info(c->r, ordinary).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(ordinary, NULL);
	assert_int_equal(core_info(c->r, ordinary).state, REEVE_SESSION_INACTIVE);
	reeve_session_destroy(s);
	reeve_session_destroy(ordinary);
}

static void a_switch_that_is_off_tells_and_ends_nobody(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_session_config k;
	uint64_t before;

	set_limits(c, s, S, REEVE_UNLIMITED);
	reeve_session_config_get(c->r, &k);
	k.auto_terminate_enabled = false;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	core_sleep(&c->h, 2 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_not_equal(core_info(c->r, s).state, REEVE_SESSION_TERMINATED);
	struct reeve_event e = last_event(c, REEVE_EVENT_SESSION_STATE_CHANGED);
	assert_int_equal(e.limit, S);
	before = reeve_event_newest(c->r);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(reeve_event_newest(c->r), before);
	k.timeout_checker_enabled = false;
	k.auto_terminate_enabled = true;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_not_equal(core_info(c->r, s).state, REEVE_SESSION_TERMINATED);
	reeve_session_destroy(s);
}

/* Sessions, line 4: ended sessions counted against the global limit for ever. */
static void sessions_04_the_global_limit_counts_the_living(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session_config k;
	struct reeve_session *s[2], *t = NULL;

	reeve_session_config_get(c->r, &k);
	k.global_session_limit = 2;
	assert_ok(reeve_session_config_set(c->r, &k, E));
	def.username = "ada";
	for (uint32_t lap = 0; lap < 4; lap++) {
		for (uint32_t i = 0; i < 2; i++)
			assert_ok(reeve_session_create(c->r, &def, &s[i], E));
		assert_fails(reeve_session_create(c->r, &def, &t, E), REEVE_ERESOURCE_EXHAUSTED,
			"the limit globalSessionLimit is 2");
		def.is_system = true;
		assert_ok(reeve_session_create(c->r, &def, &t, E));
		def.is_system = false;
		reeve_session_destroy(t);
		assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s[0]), E));
		reeve_session_destroy(s[0]);
		reeve_session_destroy(s[1]);
	}
}

static void an_estimate_above_the_limit_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;

	atomic_store(&row_of(c, BATCH)->max_est_exec_ns, 10 * S);
	def.estimated_ns = 10 * S;
	assert_ok(reeve_query_begin(s, &def, E)); /* compared strictly */
	reeve_query_end(s, NULL);
	def.estimated_ns = 11 * S;
	assert_fails(reeve_query_begin(s, &def, E), REEVE_ERESOURCE_EXHAUSTED,
		"the statement is estimated at 11000 ms; the limit maxEstExecTime of consumer "
		"group BATCH_GROUP is 10000 ms");
	assert_fails(reeve_session_start_query(c->r, reeve_session_id_of(s), &def, NULL, E),
		REEVE_ERESOURCE_EXHAUSTED, "11000 ms");
	assert_ok(reeve_query_begin(s, NULL, E)); /* without an estimate it runs */
	reeve_query_end(s, NULL);
	assert_int_equal(stats(c).refused_estimates, 2);
	assert_int_equal(core_info(c->r, s).total_queries, 2);
	struct reeve_event e = last_event(c, REEVE_EVENT_STATEMENT_REFUSED);
	assert_int_equal(e.limit, 10 * S);
	assert_int_equal(e.actual, 11 * S);
	reeve_session_destroy(s);
}

/* ---- the ladder ---- */

/* Plans, line 15: switch_time was stored only. Seen within 100 ms of crossing. */
static void plans_15_a_call_is_switched_by_its_cpu_and_comes_back(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_session_info i;
	struct reeve_event e;

	cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 2 * REEVE_SEC));
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	assert_ok(work(c, s, 100 * REEVE_MSEC));
	i = core_info(c->r, s);
	assert_int_equal(i.group.v, MAINTENANCE);
	assert_int_equal(i.return_group.v, BATCH);
	assert_int_equal(i.switch_reason, REEVE_SWITCH_AUTOMATIC);
	e = last_event(c, REEVE_EVENT_RUNAWAY_DETECTED);
	assert_int_equal(e.group.v, BATCH); /* whose limit it is, not where it is now */
	assert_int_equal(e.limit_kind, REEVE_LIMIT_CPU_TIME);
	assert_int_equal(e.limit, 2 * S);
	assert_in_range(e.actual, 2 * S, 2 * S + 100000000);
	assert_int_equal(e.action, REEVE_ACTION_SWITCH_GROUP);
	assert_string_equal(e.text, "it was moved to group 4");
	reeve_query_end(s, NULL);
	i = core_info(c->r, s);
	assert_int_equal(i.group.v, BATCH);
	assert_int_equal(i.return_group.v, 0);
	assert_int_equal(stats(c).rule_actions, 1);
	/* The next call counts anew. */
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 1500 * REEVE_MSEC));
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_call_that_fails_comes_back_too(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL);
	set_limits(c, s, REEVE_UNLIMITED, 3 * S);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(work(c, s, 10 * REEVE_SEC), REEVE_ETIMEOUT);
	assert_int_equal(core_info(c->r, s).group.v, MAINTENANCE);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	/* A switch by hand meanwhile stands. */
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 2100 * REEVE_MSEC));
	assert_ok(reeve_session_switch(c->r, reeve_session_id_of(s),
		(reeve_group_id){REEVE_SYS_GROUP}, REEVE_SWITCH_MANUAL, E));
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).group.v, REEVE_SYS_GROUP);
	reeve_session_destroy(s);
}

static void without_for_call_the_session_counts_and_stays(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	cpu_rule(c, REEVE_ROW_SWITCH, 0);
	for (uint32_t i = 0; i < 2; i++) {
		assert_ok(reeve_query_begin(s, NULL, E));
		assert_ok(work(c, s, 900 * REEVE_MSEC));
		reeve_query_end(s, NULL);
		assert_int_equal(core_info(c->r, s).group.v, BATCH);
	}
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 300 * REEVE_MSEC));
	assert_int_equal(core_info(c->r, s).group.v, MAINTENANCE);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).group.v, MAINTENANCE);
	reeve_session_destroy(s);
}

static void a_call_is_cancelled(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	cpu_rule(c, REEVE_ROW_CANCEL, REEVE_ROW_FOR_CALL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(work(c, s, 2100 * REEVE_MSEC), REEVE_ECANCELLED);
	assert_non_null(strstr(reeve_checkpoint_text(s), "more than the plan allows"));
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	assert_int_equal(
		last_event(c, REEVE_EVENT_RUNAWAY_DETECTED).action, REEVE_ACTION_CANCEL_QUERY);
	reeve_session_destroy(s);
}

static void a_session_is_ended(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);

	cpu_rule(c, REEVE_ROW_KILL, REEVE_ROW_FOR_CALL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_int_equal(work(c, s, 2100 * REEVE_MSEC), REEVE_EKILLED);
	reeve_query_end(s, NULL);
	assert_int_equal(info(c, id).state, REEVE_SESSION_TERMINATED);
	assert_int_equal(info(c, id).termination, REEVE_END_RUNAWAY);
	assert_int_equal(stats(c).runaway_terminations, 1);
	reeve_session_destroy(s);
}

static void a_log_is_written_once_a_call(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	cpu_rule(c, REEVE_ROW_LOG, REEVE_ROW_FOR_CALL);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_ok(reeve_query_begin(s, NULL, E));
		assert_ok(work(c, s, 5 * REEVE_SEC));
		reeve_query_end(s, NULL);
		assert_int_equal(stats(c).rule_actions, i);
	}
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	reeve_session_destroy(s);
}

static void elapsed_time_and_io_cross_as_well(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_sh_ruling_row *row = cpu_rule(c, REEVE_ROW_LOG, REEVE_ROW_FOR_CALL);
	struct reeve_event e;

	atomic_store(&row->switch_cpu_ns, REEVE_UNLIMITED);
	atomic_store(&row->switch_elapsed_ns, S);
	in_force(c);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_block_begin(s);
	core_sleep(&c->h, 1050 * REEVE_MSEC); /* no CPU at all */
	assert_ok(reeve_block_end(s));
	assert_ok(work(c, s, 2 * REEVE_MSEC));
	e = last_event(c, REEVE_EVENT_RUNAWAY_DETECTED);
	assert_int_equal(e.limit_kind, REEVE_LIMIT_ELAPSED_TIME);
	reeve_query_end(s, NULL);
	atomic_store(&row->switch_elapsed_ns, REEVE_UNLIMITED);
	atomic_store(&row->switch_io_bytes, (uint64_t)1000);
	in_force(c);
	atomic_fetch_add(&s->t->io_bytes, 5000); /* before the call: not its */
	assert_ok(reeve_query_begin(s, NULL, E));
	atomic_fetch_add(&s->t->io_bytes, 1000);
	assert_ok(work(c, s, 200 * REEVE_MSEC));
	assert_int_equal(stats(c).rule_actions, 1);
	atomic_fetch_add(&s->t->io_bytes, 1);
	assert_ok(work(c, s, 100 * REEVE_MSEC));
	e = last_event(c, REEVE_EVENT_RUNAWAY_DETECTED);
	assert_int_equal(e.limit_kind, REEVE_LIMIT_IO_BYTES);
	assert_int_equal(e.actual, 1001);
	reeve_query_end(s, NULL);
	atomic_store(&row->switch_io_bytes, REEVE_UNLIMITED);
	atomic_store(&row->switch_io_requests, (uint64_t)3);
	in_force(c);
	assert_ok(reeve_query_begin(s, NULL, E));
	atomic_fetch_add(&s->t->io_requests, 4);
	assert_ok(work(c, s, 100 * REEVE_MSEC));
	assert_int_equal(
		last_event(c, REEVE_EVENT_RUNAWAY_DETECTED).limit_kind, REEVE_LIMIT_IO_REQUESTS);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_call_that_does_not_come_by_is_seen_by_the_tick(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *by_hand = core_session(c->r, BATCH);
	struct reeve_sh_ruling_row *row = cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL);

	atomic_store(&row->switch_cpu_ns, REEVE_UNLIMITED);
	atomic_store(&row->switch_elapsed_ns, S);
	in_force(c);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(by_hand), E));
	core_work(&c->h, 1010 * REEVE_MSEC); /* without a checkpoint */
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_info(c->r, s).group.v, MAINTENANCE);
	assert_int_equal(core_info(c->r, by_hand).group.v, MAINTENANCE);
	assert_int_equal(stats(c).rule_actions, 2);
	assert_ok(work(c, s, 10 * REEVE_MSEC));
	assert_int_equal(stats(c).rule_actions, 2); /* told once */
	reeve_query_end(s, NULL);
	assert_ok(reeve_session_complete(c->r, reeve_session_id_of(by_hand), E));
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	assert_int_equal(core_info(c->r, by_hand).group.v, BATCH);
	/* Cancelled by hand and killed. */
	atomic_store(&row->switch_action, REEVE_ROW_CANCEL);
	in_force(c);
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(by_hand), E));
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 1010 * REEVE_MSEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_info(c->r, by_hand).state, REEVE_SESSION_INACTIVE);
	assert_int_equal(reeve_checkpoint(s), REEVE_ECANCELLED);
	reeve_query_end(s, NULL);
	atomic_store(&row->switch_action, REEVE_ROW_KILL);
	in_force(c);
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(by_hand), E));
	core_work(&c->h, 1010 * REEVE_MSEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(info(c, reeve_session_id_of(by_hand)).termination, REEVE_END_RUNAWAY);
	reeve_session_destroy(s);
	reeve_session_destroy(by_hand);
}

static void on_estimate_the_call_starts_where_it_belongs(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	struct reeve_query_usage usage;

	cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL | REEVE_ROW_ON_ESTIMATE);
	def.estimated_ns = 2 * S;
	assert_ok(reeve_query_begin(s, &def, E));
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	reeve_query_end(s, NULL);
	def.estimated_ns = 3 * S;
	assert_ok(reeve_query_begin(s, &def, E));
	assert_int_equal(core_info(c->r, s).group.v, MAINTENANCE);
	reeve_query_end(s, &usage);
	assert_int_equal(usage.group.v, MAINTENANCE);
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	cpu_rule(c, REEVE_ROW_CANCEL, REEVE_ROW_ON_ESTIMATE);
	assert_fails(reeve_query_begin(s, &def, E), REEVE_ECANCELLED,
		"estimated at 3000 ms; a limit of consumer group BATCH_GROUP is 2000 ms");
	cpu_rule(c, REEVE_ROW_KILL, REEVE_ROW_ON_ESTIMATE);
	assert_fails(reeve_query_begin(s, &def, E), REEVE_EKILLED, "3000 ms");
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_TERMINATED);
	reeve_session_destroy(s);
}

static void two_groups_do_not_play_ball_with_a_call(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_sh_ruling_row *row;

	cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL);
	row = row_of(c, MAINTENANCE);
	atomic_store(&row->switch_cpu_ns, S);
	atomic_store(&row->switch_action, REEVE_ROW_SWITCH);
	atomic_store(&row->switch_group, slot_of(c, BATCH));
	atomic_store(&row->flags, REEVE_ROW_FOR_CALL);
	in_force(c);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 5 * REEVE_SEC));
	assert_in_range(stats(c).rule_actions, 1, 4);
	reeve_query_end(s, NULL);
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	reeve_session_destroy(s);
}

static void a_full_group_does_not_take_it(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_session *s = core_session(c->r, BATCH);

	def.is_active = false;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){MAINTENANCE}, REEVE_GROUP_IS_ACTIVE, &def, 0, E));
	cpu_rule(c, REEVE_ROW_SWITCH, REEVE_ROW_FOR_CALL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 3 * REEVE_SEC));
	assert_int_equal(core_info(c->r, s).group.v, BATCH);
	assert_int_equal(core_info(c->r, s).return_group.v, 0);
	assert_int_equal(stats(c).rule_actions, 1);
	struct reeve_event e = last_event(c, REEVE_EVENT_RUNAWAY_DETECTED);
	assert_int_equal(e.code, REEVE_ERESOURCE_EXHAUSTED);
	assert_string_equal(e.text, "it cannot be moved to group 4");
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_new_plan_rules_calls_that_run(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);

	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(work(c, s, 3 * REEVE_SEC));
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_DEFAULT_PLAN}, E));
	cpu_rule(c, REEVE_ROW_LOG, REEVE_ROW_FOR_CALL);
	assert_ok(work(c, s, 2 * REEVE_MSEC));
	assert_int_equal(stats(c).rule_actions, 1);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void bad_input(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s), none = {4711};
	struct reeve_session_limits l = {REEVE_UNLIMITED, 1};
	struct reeve_session_config k, good;
	struct reeve_session_attributes a = {.program = "a\nb"};
	reeve_session_id ids[1];

	assert_fails(
		reeve_session_limits_set(NULL, id, 1, &l, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(
		reeve_session_limits_set(c->r, id, 1, NULL, E), REEVE_EINVALID_ARGUMENT, "limits");
	assert_fails(reeve_session_limits_set(c->r, id, 4, &l, E), REEVE_EINVALID_ARGUMENT,
		"fields is 0x4");
	assert_fails(reeve_session_limits_set(c->r, id, 2, &l, E), REEVE_EINVALID_ARGUMENT,
		"maxExecutionTime is 1 ns; allowed are 1 ms up");
	assert_fails(reeve_session_limits_set(c->r, none, 1, &l, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_session_limits_get(c->r, none, &l, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(
		reeve_session_limits_get(c->r, id, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_limits");
	assert_fails(reeve_session_attributes_set(c->r, id, &a, E), REEVE_EINVALID_ARGUMENT,
		"programName");
	assert_fails(reeve_session_attributes_set(c->r, id, NULL, E), REEVE_EINVALID_ARGUMENT,
		"attributes");
	assert_fails(reeve_session_config_set(c->r, NULL, E), REEVE_EINVALID_ARGUMENT, "config");
	reeve_session_config_get(c->r, &good);
	k = good;
	k.global_session_limit = 0;
	assert_fails(reeve_session_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
		"globalSessionLimit is 0; allowed are 1 up");
	k = good;
	k.execution_timeout_action = 2;
	assert_fails(reeve_session_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT,
		"executionTimeoutAction is 2");
	k = good;
	k.idle_mark_ns = 0;
	assert_fails(reeve_session_config_set(c->r, &k, E), REEVE_EINVALID_ARGUMENT, "idleMark");
	assert_fails(reeve_session_check_timeouts(c->r, 8, NULL, 0, NULL, E),
		REEVE_EINVALID_ARGUMENT, "kinds is 0x8");
	assert_fails(reeve_session_check_timeouts(c->r, 1, NULL, 1, NULL, E),
		REEVE_EINVALID_ARGUMENT, "ret_ids");
	assert_fails(reeve_session_check_timeouts(NULL, 1, ids, 1, NULL, E),
		REEVE_EINVALID_ARGUMENT, "reeve");
	reeve_session_config_get(NULL, &k);
	reeve_session_config_get(c->r, NULL);
	reeve_session_destroy(s);
	assert_fails(reeve_session_limits_set(c->r, id, 1, &l, E), REEVE_EINVALID_STATE, "ended");
}

#define with_core(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(sessions_09_setting_one_limit_leaves_the_other),
		with_core(sessions_09_the_strictest_limit_holds),
		with_core(sessions_09_an_execution_timeout_cancels_the_statement),
		with_core(a_setting_makes_it_end_the_session),
		with_core(sessions_03_a_timeout_happens_once),
		with_core(an_idle_session_is_ended_within_a_second_and_not_before),
		with_core(groups_03_the_idle_limit_of_a_group_is_kept),
		with_core(an_idle_blocker_is_ended_earlier),
		with_core(sessions_08_idle_and_system_sessions),
		with_core(a_switch_that_is_off_tells_and_ends_nobody),
		with_core(sessions_04_the_global_limit_counts_the_living),
		with_core(an_estimate_above_the_limit_is_refused),
		with_core(plans_15_a_call_is_switched_by_its_cpu_and_comes_back),
		with_core(a_call_that_fails_comes_back_too),
		with_core(without_for_call_the_session_counts_and_stays),
		with_core(a_call_is_cancelled),
		with_core(a_session_is_ended),
		with_core(a_log_is_written_once_a_call),
		with_core(elapsed_time_and_io_cross_as_well),
		with_core(a_call_that_does_not_come_by_is_seen_by_the_tick),
		with_core(on_estimate_the_call_starts_where_it_belongs),
		with_core(two_groups_do_not_play_ball_with_a_call),
		with_core(a_full_group_does_not_take_it),
		with_core(a_new_plan_rules_calls_that_run),
		with_core(bad_input),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
