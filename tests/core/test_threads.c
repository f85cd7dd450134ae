/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of statements on real threads, clocks and futexes. Nothing here depends on how long anything
 * takes: a thread goes on when another has done something, or a test runs into its time limit.
 */
#include "core.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct crew {
	struct reeve *r;
	_Atomic uint32_t begun, may_end;
	struct reeve_session *s;
	int code;
	struct reeve_error err;
	struct reeve_query_usage usage;
};

static int setup(void **state)
{
	struct reeve *r = core_open(NULL, 1);
	struct reeve_cpu_config k;

	reeve_cpu_config_get(r, &k);
	k.quantum_ns = REEVE_MSEC;
	assert_ok(reeve_cpu_config_set(r, &k, E));
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	assert_clean(*state);
	reeve_close(*state);
	return 0;
}

/* Works, with checkpoints, until it may end or is told to stop. */
static void *work(void *arg)
{
	struct crew *crew = arg;

	crew->code = reeve_query_begin(crew->s, NULL, &crew->err);
	if (crew->code)
		return NULL;
	crew->begun = 1;
	while (!crew->may_end && crew->code == 0)
		crew->code = reeve_checkpoint(crew->s);
	reeve_query_end(crew->s, &crew->usage);
	return NULL;
}

static struct crew crew_of(struct reeve *r, uint64_t group)
{
	return (struct crew){.r = r, .s = core_session(r, group)};
}

static void await(const _Atomic uint32_t *flag)
{
	while (!*flag)
		sched_yield();
}

static void await_state(struct crew *crew, uint32_t wanted)
{
	while (core_info(crew->r, crew->s).state != wanted)
		sched_yield();
}

static void start(pthread_t *thread, void *(*fn)(void *), struct crew *crew)
{
	assert_int_equal(pthread_create(thread, NULL, fn, crew), 0);
}

/* CPU, line 13: there was no quantum and no preemption: who ran, ran on. */
static void cpu_13_who_waits_gets_the_slot_of_who_runs_on(void **state)
{
	struct reeve *r = *state;
	struct crew a = crew_of(r, 3), b = crew_of(r, 3);
	pthread_t ta, tb;

	start(&ta, work, &a);
	await(&a.begun);
	start(&tb, work, &b);
	await(&b.begun); /* a does not end meanwhile: the scheduler took its slot */
	a.may_end = b.may_end = 1;
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_int_equal(a.code, 0);
	assert_int_equal(b.code, 0);
	assert_true(b.usage.parks >= 1 || a.usage.parks >= 1);
	reeve_session_destroy(a.s);
	reeve_session_destroy(b.s);
}

/* Sessions, line 1: a session that waited, waited for ever. */
static void sessions_01_all_who_wait_get_their_turn(void **state)
{
	struct reeve *r = *state;
	struct crew crew[8];
	pthread_t threads[8];

	for (uint32_t i = 0; i < 8; i++) {
		struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
		crew[i] = (struct crew){.r = r};
		def.username = "ada";
		def.group.v = 1 + i % 4;
		def.priority = i % 4; /* Low is late and not lost */
		assert_ok(reeve_session_create(r, &def, &crew[i].s, E));
	}
	for (uint32_t i = 0; i < 8; i++)
		start(&threads[i], work, &crew[i]);
	for (uint32_t i = 0; i < 8; i++)
		await(&crew[i].begun); /* nobody ends before all have begun */
	for (uint32_t i = 0; i < 8; i++)
		crew[i].may_end = 1;
	for (uint32_t i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crew[i].code, 0);
		assert_true(crew[i].usage.group.v == 1 + i % 4);
		reeve_session_destroy(crew[i].s);
	}
}

static void *hold(void *arg)
{
	struct crew *crew = arg;

	crew->code = reeve_query_begin(crew->s, NULL, &crew->err);
	reeve_shield_begin(crew->s); /* not to be parked: the slot stays taken */
	crew->begun = 1;
	while (!crew->may_end)
		reeve_checkpoint(crew->s);
	reeve_query_end(crew->s, NULL);
	return NULL;
}

/* One who holds the only slot, one who waits for it, and what is done to that one. */
static void while_waiting(struct reeve *r,
	int (*act)(struct reeve *, reeve_session_id, struct reeve_error *), int code)
{
	struct crew a = crew_of(r, 3), b = crew_of(r, 3);
	pthread_t ta, tb;

	start(&ta, hold, &a);
	await(&a.begun);
	start(&tb, work, &b);
	await_state(&b, REEVE_SESSION_WAITING);
	assert_ok(act(r, reeve_session_id_of(b.s), E));
	pthread_join(tb, NULL); /* although the slot is not free */
	assert_int_equal(b.code, code);
	assert_int_equal(b.err.code, code);
	a.may_end = 1;
	pthread_join(ta, NULL);
	reeve_session_destroy(a.s);
	reeve_session_destroy(b.s);
}

static void a_cancel_wakes_who_waits(void **state)
{
	while_waiting(*state, reeve_session_cancel, REEVE_ECANCELLED);
}

static void a_kill_wakes_who_waits(void **state)
{
	while_waiting(*state, reeve_session_kill, REEVE_EKILLED);
}

static void a_deadline_wakes_who_waits(void **state)
{
	struct reeve *r = *state;
	struct crew a = crew_of(r, 3);
	struct reeve_session *s = core_session(r, 3);
	pthread_t ta;

	start(&ta, hold, &a);
	await(&a.begun);
	struct reeve_query_def def = {.deadline = reeve_now_mono(r) + 20 * REEVE_MSEC};
	assert_fails(reeve_query_begin(s, &def, E), REEVE_ETIMEOUT, "out of time");
	assert_true(reeve_now_mono(r) >= def.deadline - REEVE_MSEC);
	a.may_end = 1;
	pthread_join(ta, NULL);
	reeve_session_destroy(a.s);
	reeve_session_destroy(s);
}

/* In cycles of the counter it is out of range, and must not wrap into the past. */
static void a_deadline_far_away_is_none(void **state)
{
	struct reeve *r = *state;
	struct reeve_session *s = core_session(r, 3);
	struct reeve_query_def def = {.deadline = REEVE_NEVER - 1};
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;

	assert_ok(reeve_query_begin(s, &def, E));
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, NULL);
	group.max_execution_ns = INT64_MAX / 4;
	assert_ok(reeve_group_update(
		r, (reeve_group_id){3}, REEVE_GROUP_MAX_EXECUTION, &group, 0, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void a_running_statement_is_cancelled_and_killed_from_another_thread(void **state)
{
	struct reeve *r = *state;
	struct crew a = crew_of(r, 3);
	pthread_t ta;

	start(&ta, work, &a);
	await(&a.begun);
	assert_ok(reeve_session_cancel(r, reeve_session_id_of(a.s), E));
	pthread_join(ta, NULL);
	assert_int_equal(a.code, REEVE_ECANCELLED);
	a.begun = 0;
	start(&ta, work, &a);
	await(&a.begun);
	assert_ok(reeve_session_kill(r, reeve_session_id_of(a.s), E));
	pthread_join(ta, NULL);
	assert_int_equal(a.code, REEVE_EKILLED);
	assert_int_equal(core_info(r, a.s).state, REEVE_SESSION_TERMINATED);
	reeve_session_destroy(a.s);
}

static void *block(void *arg)
{
	struct crew *crew = arg;

	crew->code = reeve_query_begin(crew->s, NULL, &crew->err);
	reeve_block_begin(crew->s);
	crew->begun = 1;
	await(&crew->may_end);
	crew->code = reeve_block_end(crew->s);
	reeve_query_end(crew->s, NULL);
	return NULL;
}

static void who_blocks_lets_others_run(void **state)
{
	struct reeve *r = *state;
	struct crew a = crew_of(r, 3), b = crew_of(r, 3);
	pthread_t ta, tb;

	start(&ta, block, &a);
	await(&a.begun);
	start(&tb, work, &b);
	await(&b.begun);
	b.may_end = 1;
	pthread_join(tb, NULL);
	a.may_end = 1;
	pthread_join(ta, NULL);
	assert_int_equal(a.code, 0);
	reeve_session_destroy(a.s);
	reeve_session_destroy(b.s);
}

static void a_running_statement_is_switched_under_its_feet(void **state)
{
	struct reeve *r = *state;
	struct crew a = crew_of(r, 3), b = crew_of(r, 3);
	pthread_t ta, tb;

	start(&ta, work, &a);
	start(&tb, work, &b);
	await(&a.begun);
	await(&b.begun);
	for (uint32_t i = 0; i < 200; i++) {
		reeve_group_id to = {1 + i % 4};
		assert_ok(reeve_session_switch(
			r, reeve_session_id_of(i % 3 ? a.s : b.s), to, REEVE_SWITCH_MANUAL, E));
	}
	assert_ok(reeve_session_switch(
		r, reeve_session_id_of(a.s), (reeve_group_id){4}, REEVE_SWITCH_MANUAL, E));
	a.may_end = b.may_end = 1;
	pthread_join(ta, NULL);
	pthread_join(tb, NULL);
	assert_true(a.usage.group.v == 4);
	assert_int_equal(core_group_info(r, 4).current_sessions +
				 core_group_info(r, 3).current_sessions +
				 core_group_info(r, 2).current_sessions +
				 core_group_info(r, 1).current_sessions,
		2);
	reeve_session_destroy(a.s);
	reeve_session_destroy(b.s);
}

/* CPU, line 5: picking and yielding took their locks in opposite orders. */
static void *pull(void *arg)
{
	struct crew *crew = arg;

	for (int i = 0; i < 1500; i++) {
		struct reeve_task_info t;
		struct reeve_error err;
		reeve_task_id id;
		if (i % 3 == 0)
			reeve_task_create(crew->r, 1, (reeve_group_id){1 + (uint64_t)i % 4},
				(uint32_t)i % 8, &id, &err);
		if (reeve_task_next(crew->r, &t, &err) != 0)
			continue;
		if (i % 2 ? reeve_task_yield(crew->r, t.id, 1000, &err)
			  : reeve_task_complete(crew->r, t.id, 1000, &err))
			crew->code = err.code;
	}
	return NULL;
}

static void cpu_05_picking_and_yielding_at_once_ends(void **state)
{
	struct crew crew = {.r = *state};
	pthread_t threads[3];
	struct reeve_task_info t;

	for (int i = 0; i < 3; i++)
		start(&threads[i], pull, &crew);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crew.code, 0); /* a picked task is its picker's alone */
	while (reeve_task_next(crew.r, &t, E) == 0)
		assert_ok(reeve_task_complete(crew.r, t.id, 0, E));
	assert_int_equal(core_segment(crew.r).tasks, 0);
}

/* Looks groups up without a lock while another thread changes the index. */
static void *look_up(void *arg)
{
	struct crew *crew = arg;
	reeve_group_id id = {0};

	do {
		if (!reeve_group_find(crew->r, "BATCH_GROUP", &id) || id.v != REEVE_BATCH_GROUP)
			crew->code = -1;
		if (reeve_group_find(crew->r, "a name", &id) && id.v != 100)
			crew->code = -2;
		if (reeve_group_find(crew->r, "another name", &id) && id.v != 100)
			crew->code = -3;
		if (!reeve_group_exists(crew->r, (reeve_group_id){100}) ||
			reeve_group_exists(crew->r, (reeve_group_id){99}))
			crew->code = -4;
		crew->begun++;
	} while (!crew->may_end && crew->code == 0);
	return NULL;
}

/* Groups, line 4: creation and look-up by name waited for each other for ever. */
static void plans_04_groups_are_found_while_others_come_and_are_renamed(void **state)
{
	struct crew crew = {.r = *state};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	pthread_t threads[2];
	char name[16];

	assert_true(core_group(crew.r, "a name", 0) == 100);
	for (int i = 0; i < 2; i++)
		start(&threads[i], look_up, &crew);
	for (unsigned i = 0; i < 27 || crew.begun < 5000; i++) {
		def.name = i % 2 ? "a name" : "another name";
		assert_ok(reeve_group_update(
			crew.r, (reeve_group_id){100}, REEVE_GROUP_NAME, &def, 0, E));
		if (i < 27) {
			snprintf(name, sizeof(name), "more %u", i);
			core_group(crew.r, name, 0);
		}
	}
	crew.may_end = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crew.code, 0);
}

/* Sessions of a group that goes and comes, each with a statement. */
static void *come_and_go(void *arg)
{
	struct crew *crew = arg;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_error err;

	def.username = "eve";
	while (!crew->may_end && crew->code == 0) {
		struct reeve_session *s;
		reeve_group_id id = {0};
		reeve_group_find(crew->r, "here today", &id);
		def.group = id;
		int rc = reeve_session_create(crew->r, &def, &s, &err);
		if (rc == REEVE_ENOT_FOUND)
			continue; /* gone between the look-up and the creation */
		if (rc) {
			crew->code = rc;
			break;
		}
		if ((rc = reeve_query_begin(s, NULL, &err)) || (rc = reeve_checkpoint(s)))
			crew->code = rc;
		reeve_query_end(s, NULL);
		reeve_session_destroy(s);
		crew->begun++;
	}
	return NULL;
}

static void a_group_is_deleted_while_sessions_come_and_go(void **state)
{
	struct crew crew = {.r = *state};
	struct reeve_group_stats all[8];
	struct reeve_rule_info rule;
	struct reeve_condition eve = {.kind = REEVE_CONDITION_USERNAME, .text = "eve"};
	pthread_t threads[2];
	uint32_t sessions = 0;

	for (int i = 0; i < 2; i++)
		start(&threads[i], come_and_go, &crew);
	for (unsigned i = 0; i < 100 || crew.begun < 400; i++) {
		uint64_t id = core_group(crew.r, "here today", 0);
		struct reeve_rule_def def = {"r", 1, &eve, {id}, true};
		reeve_rule_id rule_id;
		uint32_t before = crew.begun;
		assert_ok(reeve_rule_create(crew.r, &def, &rule_id, E));
		while (crew.begun < before + i % 3 && crew.code == 0)
			sched_yield();
		assert_ok(reeve_group_destroy(
			crew.r, (reeve_group_id){id}, (reeve_group_id){3 + i % 2}, E));
		assert_ok(reeve_rule_get(crew.r, rule_id, &rule, E));
		assert_true(rule.target.v == 3 + i % 2);
		assert_ok(reeve_rule_destroy(crew.r, rule_id, E));
		assert_int_equal(reeve_group_stats_copy(crew.r, (reeve_group_id){0}, all, 8, E), 4);
	}
	crew.may_end = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crew.code, 0);
	for (uint64_t g = 1; g <= 4; g++)
		sessions += core_group_info(crew.r, g).current_sessions;
	assert_int_equal(sessions, 0);
}

#define with_crew(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_crew(cpu_13_who_waits_gets_the_slot_of_who_runs_on),
		with_crew(sessions_01_all_who_wait_get_their_turn),
		with_crew(a_cancel_wakes_who_waits),
		with_crew(a_kill_wakes_who_waits),
		with_crew(a_deadline_wakes_who_waits),
		with_crew(a_deadline_far_away_is_none),
		with_crew(a_running_statement_is_cancelled_and_killed_from_another_thread),
		with_crew(who_blocks_lets_others_run),
		with_crew(a_running_statement_is_switched_under_its_feet),
		with_crew(cpu_05_picking_and_yielding_at_once_ends),
		with_crew(plans_04_groups_are_found_while_others_come_and_are_renamed),
		with_crew(a_group_is_deleted_while_sessions_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
