/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of statements admitted by ids to everything: what they take and give back, who has to queue
 * and goes on, what ends one from outside, and that what was refused leaves nothing.
 */
#include "core.h"

#include <string.h>

#define BATCH REEVE_BATCH_GROUP

static const reeve_group_id batch = {BATCH};

static struct reeve_admission_def whole(struct reeve_parallel_def *parallel)
{
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;

	*parallel = (struct reeve_parallel_def)REEVE_PARALLEL_DEF_INIT;
	parallel->mode = REEVE_PARALLEL_MANUAL;
	parallel->requested_dop = 4;
	def.parallel = parallel;
	def.work_area_bytes = 1 << 20;
	return def;
}

static struct reeve_admission_info get(struct core *c, reeve_admission_id id)
{
	struct reeve_admission_info info;

	assert_ok(reeve_admission_get(c->r, id, &info, E));
	return info;
}

/* CPU tasks that outside engines run. */
static uint32_t tasks(struct core *c)
{
	struct reeve_task_info infos[32];
	uint32_t n = 0, all = reeve_task_copy(c->r, (reeve_task_id){0}, infos, 32);

	for (uint32_t i = 0; i < all; i++)
		n += !infos[i].is_managed;
	return n;
}

/* Nobody runs, waits or holds anything; places, servers, tasks, memory. */
static void assert_nothing_held(struct core *c)
{
	struct reeve_admission_info list[4];
	struct reeve_stats all;

	assert_ok(reeve_stats_get(c->r, &all, E));
	assert_int_equal(all.sessions.current_active, 0);
	assert_int_equal(all.sessions.current_queued, 0);
	assert_int_equal(all.parallel.current_total_dop, 0);
	assert_int_equal(all.parallel.queued_now + all.parallel.executing_now, 0);
	assert_true(all.memory.used_bytes == 0);
	assert_int_equal(tasks(c), 0);
	assert_int_equal(reeve_admission_copy(c->r, (reeve_admission_id){0}, 0, list, 4), 0);
	assert_clean(c->r);
}

static void it_gets_everything_and_gives_it_back(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_io_def io = REEVE_IO_DEF_INIT;
	struct reeve_admission_info info, list[4];
	struct reeve_io_request_info request;
	struct reeve_task_info task;
	struct reeve_stats all;
	reeve_io_id io_id;

	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &info, E));
	assert_true(info.id.v == 1 && info.session.v == reeve_session_id_of(s).v);
	assert_true(info.group.v == 2 && info.state == REEVE_EXECUTION_EXECUTING && info.dop == 4);
	assert_true(info.memory_bytes == 1 << 20 && info.task.v && info.execution.v);
	assert_true(info.begun_wall == c->h.wall && info.started_wall == c->h.wall);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	assert_ok(reeve_stats_get(c->r, &all, E));
	assert_true(all.sessions.current_active == 1 && all.parallel.current_total_dop == 4);
	assert_clean(c->r);
	/* CPU: its task is picked, and what is reported of it counts. */
	assert_ok(reeve_task_next(c->r, &task, E));
	assert_true(task.id.v == info.task.v && task.query_id == info.id.v);
	assert_true(task.session.v == info.session.v && task.group.v == 2);
	assert_ok(reeve_task_charge(c->r, info.task, 7 * REEVE_MSEC, E));
	assert_fails(reeve_task_complete(c->r, info.task, 0, E), REEVE_EINVALID_STATE,
		"ends with its query execution 1");
	/* I/O: in its session's group, and counted. */
	io.size_bytes = 4096;
	assert_ok(reeve_io_submit_as(c->r, info.id, &io, &io_id, E));
	assert_ok(reeve_io_next(c->r, &request, NULL, E));
	assert_true(request.group.v == 2 && request.session.v == info.session.v);
	assert_ok(reeve_io_complete(c->r, io_id, 4096, true, NULL, E));
	assert_int_equal(reeve_admission_copy(c->r, (reeve_admission_id){0}, 0, list, 4), 1);
	assert_true(list[0].cpu_ns == 7 * REEVE_MSEC);
	assert_true(list[0].io_bytes == 4096 && list[0].io_requests == 1);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_admission_end(c->r, info.id, NULL, E));
	assert_nothing_held(c);
	/* It can be looked at for a while; its group has what it used. */
	info = get(c, info.id);
	assert_true(info.state == REEVE_EXECUTION_COMPLETED && info.cpu_ns == 7 * REEVE_MSEC);
	assert_true(info.ended_wall == c->h.wall && info.dop == 4 && info.io_bytes == 4096);
	assert_true(core_group_stats(c->r, 2).cpu_ns == 7 * REEVE_MSEC);
	assert_int_equal(core_info(c->r, s).total_queries, 1);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	assert_int_equal(reeve_admission_copy(c->r, (reeve_admission_id){0}, 1, list, 4), 1);
	assert_fails(reeve_admission_end(c->r, info.id, NULL, E), REEVE_EINVALID_STATE, "is over");
	reeve_session_destroy(s);
}

static void bad_input_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info info, untouched;
	struct reeve_io_def io = REEVE_IO_DEF_INIT;
	const reeve_admission_id none = {0}, unknown = {99};
	reeve_io_id io_id;

	memset(&info, 0x5a, sizeof(info));
	untouched = info;
	assert_fails(reeve_admission_begin(NULL, id, &def, &info, E), REEVE_EINVALID_ARGUMENT,
		"reeve is NULL");
	assert_fails(reeve_admission_begin(c->r, id, NULL, &info, E), REEVE_EINVALID_ARGUMENT,
		"def is NULL");
	assert_fails(reeve_admission_begin(c->r, id, &def, NULL, E), REEVE_EINVALID_ARGUMENT,
		"ret_info is NULL");
	assert_fails(reeve_admission_begin(c->r, (reeve_session_id){77}, &def, &info, E),
		REEVE_ENOT_FOUND, "session 77");
	def.work_area_bytes = UINT64_MAX;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_ARGUMENT,
		"workAreaBytes");
	def.work_area_bytes = 0;
	def.estimated_ns = UINT64_MAX;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_ARGUMENT,
		"estimatedExecTime");
	def.estimated_ns = 0;
	parallel.mode = 9;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_ARGUMENT,
		"mode is 9");
	assert_memory_equal(&info, &untouched, sizeof(info));
	assert_fails(reeve_admission_get(c->r, none, &info, E), REEVE_ENOT_FOUND, "execution 0");
	assert_fails(reeve_admission_get(c->r, unknown, &info, E), REEVE_ENOT_FOUND, "99");
	assert_fails(
		reeve_admission_get(NULL, unknown, &info, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(reeve_admission_get(c->r, unknown, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_");
	assert_fails(reeve_admission_end(c->r, unknown, NULL, E), REEVE_ENOT_FOUND, "99");
	assert_fails(
		reeve_admission_end(c->r, unknown, "\xff", E), REEVE_EINVALID_ARGUMENT, "failure");
	assert_fails(reeve_admission_end(NULL, unknown, NULL, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(reeve_io_submit_as(c->r, unknown, &io, &io_id, E), REEVE_ENOT_FOUND, "99");
	assert_fails(
		reeve_io_submit_as(c->r, unknown, NULL, &io_id, E), REEVE_EINVALID_ARGUMENT, "");
	assert_fails(reeve_io_submit_as(c->r, unknown, &io, NULL, E), REEVE_EINVALID_ARGUMENT, "");
	assert_int_equal(reeve_admission_copy(NULL, none, 0, &info, 1), 0);
	assert_int_equal(reeve_admission_copy(c->r, none, 0, NULL, 1), 0);
	assert_nothing_held(c);
	/* A session that is not inactive, by whomever; one that has ended. */
	assert_ok(reeve_session_start(c->r, id, E));
	parallel.mode = REEVE_PARALLEL_MANUAL;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_STATE,
		"started by hand; it must be inactive");
	assert_ok(reeve_session_complete(c->r, id, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_STATE,
		"runs a statement");
	reeve_query_end(s, NULL);
	assert_nothing_held(c);
	assert_ok(reeve_session_kill(c->r, id, E));
	assert_fails(
		reeve_admission_begin(c->r, id, &def, &info, E), REEVE_EINVALID_STATE, "has ended");
	reeve_session_destroy(s);
}

/* Manager, line 12, by ids: whatever refuses, nothing is left of what was had before. */
static void what_is_refused_leaves_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *other = core_session(c->r, BATCH);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_directive_def limit = {
		.given = REEVE_DIRECTIVE_MAX_EST_EXEC, .max_est_exec_ns = 10 * REEVE_SEC};
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info info;

	assert_ok(reeve_session_pool_configure(c->r, batch, 1, REEVE_SEC, false, E));
	assert_ok(reeve_session_start(c->r, reeve_session_id_of(other), E));
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_ERESOURCE_EXHAUSTED,
		"maxActiveSessions is 1, and it does not queue");
	assert_ok(reeve_session_complete(c->r, reeve_session_id_of(other), E));
	assert_nothing_held(c);
	parallel.requested_dop = 1000;
	parallel.downgrade = REEVE_DOWNGRADE_NO;
	assert_fails(
		reeve_admission_begin(c->r, id, &def, &info, E), REEVE_ERESOURCE_EXHAUSTED, "1000");
	assert_nothing_held(c);
	parallel.requested_dop = 4;
	def.work_area_bytes = REEVE_MEMORY_PGA_DEFAULT;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_ERESOURCE_EXHAUSTED,
		"work area");
	assert_nothing_held(c);
	core_directive(c->r, core_plan(c->r, "strict", REEVE_METHOD_SHARES), BATCH, &limit);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){100}, E));
	assert_ok(reeve_session_pool_configure(c->r, batch, 1, REEVE_SEC, false, E));
	def.work_area_bytes = 4096;
	def.estimated_ns = 11 * REEVE_SEC;
	assert_fails(reeve_admission_begin(c->r, id, &def, &info, E), REEVE_ERESOURCE_EXHAUSTED,
		"maxEstExecTime");
	assert_nothing_held(c);
	/* The one place is free all the same. */
	def.estimated_ns = 9 * REEVE_SEC;
	assert_ok(reeve_admission_begin(c->r, id, &def, &info, E));
	assert_ok(reeve_admission_end(c->r, info.id, "disk on fire", E));
	info = get(c, info.id);
	assert_int_equal(info.state, REEVE_EXECUTION_FAILED);
	assert_string_equal(info.failure, "disk on fire");
	assert_nothing_held(c);
	reeve_session_destroy(other);
	reeve_session_destroy(s);
}

/* One waits for a place, and goes on when it is looked at, or by housekeeping. */
static void who_queues_for_a_place_goes_on(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[3];
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info a[3];

	assert_ok(reeve_session_pool_configure(c->r, batch, 1, 60 * REEVE_SEC, true, E));
	for (int i = 0; i < 3; i++) {
		s[i] = core_session(c->r, BATCH);
		assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s[i]), &def, &a[i], E));
		assert_int_equal(a[i].queue_position, (uint32_t)i);
	}
	assert_int_equal(a[0].state, REEVE_EXECUTION_EXECUTING);
	assert_true(a[1].state == REEVE_EXECUTION_QUEUED && a[1].task.v == 0 && a[1].dop == 0);
	assert_fails(reeve_io_submit_as(c->r, a[1].id, &(struct reeve_io_def)REEVE_IO_DEF_INIT,
			     &(reeve_io_id){0}, E),
		REEVE_EINVALID_STATE, "is queued");
	assert_int_equal(tasks(c), 1);
	assert_clean(c->r);
	assert_ok(reeve_admission_end(c->r, a[0].id, NULL, E));
	a[1] = get(c, a[1].id);
	assert_true(a[1].state == REEVE_EXECUTION_EXECUTING && a[1].dop == 4 && a[1].task.v);
	assert_true(a[1].memory_bytes == 1 << 20);
	assert_ok(reeve_admission_end(c->r, a[1].id, NULL, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(tasks(c), 1);
	assert_ok(reeve_admission_end(c->r, a[2].id, NULL, E));
	assert_nothing_held(c);
	for (int i = 0; i < 3; i++)
		reeve_session_destroy(s[i]);
}

/* The same for servers, of which there are four. */
static void who_queues_for_servers_goes_on(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2), *t = core_session(c->r, 2);
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info a, b;
	struct reeve_parallel_config k;

	reeve_parallel_config_get(c->r, &k);
	k.max_total_dop = 4;
	assert_ok(reeve_parallel_config_set(c->r, &k, E));
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &a, E));
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(t), &def, &b, E));
	assert_true(b.state == REEVE_EXECUTION_QUEUED && b.execution.v && b.task.v == 0);
	assert_int_equal(b.queue_position, 1);
	assert_ok(reeve_admission_end(c->r, a.id, NULL, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	b = get(c, b.id);
	assert_true(b.state == REEVE_EXECUTION_EXECUTING && b.dop == 4);
	/* The first again, and its wait is cancelled: it fails, and has nothing. */
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &a, E));
	assert_ok(reeve_execution_cancel(c->r, a.execution, E));
	a = get(c, a.id);
	assert_true(a.state == REEVE_EXECUTION_FAILED && a.failure_code == REEVE_ECANCELLED);
	assert_non_null(strstr(a.failure, "did not start"));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_INACTIVE);
	/* One that is completed while it waits has failed. */
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &a, E));
	assert_ok(reeve_admission_end(c->r, a.id, NULL, E));
	assert_int_equal(get(c, a.id).state, REEVE_EXECUTION_FAILED);
	assert_ok(reeve_admission_end(c->r, b.id, NULL, E));
	assert_nothing_held(c);
	reeve_session_destroy(t);
	reeve_session_destroy(s);
}

/* What is refused when the turn has come ends the whole, with its reason, and the place is free. */
static void a_refusal_after_the_wait_ends_it(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH), *t = core_session(c->r, BATCH);
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;
	struct reeve_admission_info a, b;

	assert_ok(reeve_session_pool_configure(c->r, batch, 1, 60 * REEVE_SEC, true, E));
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &a, E));
	def.work_area_bytes = REEVE_MEMORY_PGA_DEFAULT;
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(t), &def, &b, E));
	assert_int_equal(b.state, REEVE_EXECUTION_QUEUED);
	assert_ok(reeve_admission_end(c->r, a.id, NULL, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	b = get(c, b.id);
	assert_true(b.state == REEVE_EXECUTION_FAILED);
	assert_int_equal(b.failure_code, REEVE_ERESOURCE_EXHAUSTED);
	assert_non_null(strstr(b.failure, "work area"));
	assert_nothing_held(c);
	def.work_area_bytes = 0;
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(t), &def, &b, E));
	assert_int_equal(b.state, REEVE_EXECUTION_EXECUTING);
	assert_ok(reeve_session_complete(c->r, reeve_session_id_of(t), E));
	assert_int_equal(get(c, b.id).state, REEVE_EXECUTION_COMPLETED);
	assert_nothing_held(c);
	reeve_session_destroy(t);
	reeve_session_destroy(s);
}

/* Each of these ends it from outside; all it had is back, and it says why. */
static void its_session_takes_it_along(void **state)
{
	struct core *c = *state;
	struct reeve_session_limits limits = {.max_execution_ns = 2 * REEVE_SEC};
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info info;

	for (int how = 0; how < 4; how++) {
		struct reeve_session *s = core_session(c->r, BATCH), *t = core_session(c->r, BATCH);
		reeve_session_id id = reeve_session_id_of(s);
		assert_ok(reeve_session_pool_configure(c->r, batch, 1, REEVE_SEC, true, E));
		assert_ok(reeve_session_limits_set(c->r, id, REEVE_LIMITS_EXECUTION, &limits, E));
		if (how == 3) /* it waits for this one */
			assert_ok(reeve_session_start(c->r, reeve_session_id_of(t), E));
		assert_ok(reeve_admission_begin(c->r, id, &def, &info, E));
		if (how == 0)
			assert_ok(reeve_session_kill(c->r, id, E));
		else if (how == 1)
			reeve_session_destroy(s);
		else
			core_sleep(&c->h, 3 * REEVE_SEC);
		assert_ok(reeve_tick(c->r, NULL, E));
		info = get(c, info.id);
		assert_int_equal(info.state, REEVE_EXECUTION_FAILED);
		assert_int_equal(info.failure_code, how < 2    ? REEVE_EKILLED
						    : how == 2 ? REEVE_ETIMEOUT
							       : REEVE_EQUEUE_TIMEOUT);
		if (how == 3)
			assert_ok(reeve_session_complete(c->r, reeve_session_id_of(t), E));
		assert_nothing_held(c);
		if (how != 1)
			reeve_session_destroy(s);
		reeve_session_destroy(t);
	}
}

/* The process that made the session dies: another finds what it held. */
static void a_death_gives_everything_back(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def parallel;
	struct reeve_admission_def def = whole(&parallel);
	struct reeve_admission_info info;
	struct reeve_session *s;
	struct reeve *dead;

	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &dead, E));
	s = core_session(dead, 2);
	/* Admitted by the survivor: it is the session's process that counts. */
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &info, E));
	c->h.dead_below = 60;
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	info = get(c, info.id);
	assert_true(info.state == REEVE_EXECUTION_FAILED && info.failure_code == REEVE_EKILLED);
	assert_nothing_held(c);
	c->h.dead_below = 1;
	reeve_close(dead); /* its attachment was reaped */
}

/* A switch takes the CPU task along; a rule of the plan sees what was reported. */
static void groups_and_rules_hold_for_it(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, BATCH);
	struct reeve_directive_def rule = {
		.given = REEVE_DIRECTIVE_SWITCH_ACTION | REEVE_DIRECTIVE_SWITCH_CPU,
		.switch_action = REEVE_SWITCH_CANCEL,
		.switch_cpu_ns = 2 * REEVE_SEC};
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;
	struct reeve_admission_info info;
	struct reeve_task_info task;

	core_directive(c->r, core_plan(c->r, "rules", REEVE_METHOD_SHARES), BATCH, &rule);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){100}, E));
	assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &info, E));
	assert_ok(reeve_task_charge(c->r, info.task, REEVE_SEC, E));
	assert_ok(reeve_session_switch(c->r, info.session, (reeve_group_id){2}, 1, E));
	assert_ok(reeve_task_get(c->r, info.task, &task, E));
	assert_int_equal(task.group.v, 2);
	assert_int_equal(get(c, info.id).group.v, 2);
	assert_ok(reeve_session_switch(c->r, info.session, batch, 1, E));
	assert_ok(reeve_session_priority_set(c->r, info.session, REEVE_SESSION_HIGH, NULL, E));
	assert_ok(reeve_task_get(c->r, info.task, &task, E));
	assert_int_equal(task.priority, 1);
	assert_clean(c->r);
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(get(c, info.id).state, REEVE_EXECUTION_EXECUTING);
	assert_ok(reeve_task_charge(c->r, info.task, REEVE_SEC + 1, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_tick(c->r, NULL, E));
	info = get(c, info.id);
	assert_true(info.state == REEVE_EXECUTION_FAILED && info.failure_code == REEVE_ECANCELLED);
	assert_true(info.cpu_ns == 2 * REEVE_SEC + 1);
	assert_nothing_held(c);
	reeve_session_destroy(s);
}

/* Those that are over make room: more than the table holds, one after the other. */
static void nothing_grows_with_work_done(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;
	struct reeve_admission_info info, list[200];
	uint32_t n;

	for (int i = 0; i < 1000; i++) {
		assert_ok(reeve_admission_begin(c->r, reeve_session_id_of(s), &def, &info, E));
		assert_ok(reeve_admission_end(c->r, info.id, NULL, E));
	}
	n = reeve_admission_copy(c->r, (reeve_admission_id){0}, REEVE_ADMISSIONS_ENDED, list, 200);
	assert_in_range(n, 1, 64);
	assert_int_equal(list[n - 1].id.v, 1000);
	assert_nothing_held(c);
	reeve_session_destroy(s);
}

/* The table has as many rows as there may be sessions: the last of them finds room, however many ended. */
static void every_session_may_have_one(void **state)
{
	struct core *c = *state;
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;
	uint32_t n = core_segment(c->r).max_sessions;
	struct reeve_session *s[256];
	struct reeve_admission_info info;

	assert_in_range(n, 1, 256);
	for (uint32_t lap = 0; lap < 2; lap++) {
		for (uint32_t i = 0; i < n; i++) {
			s[i] = core_session(c->r, 2);
			assert_ok(reeve_admission_begin(
				c->r, reeve_session_id_of(s[i]), &def, &info, E));
		}
		assert_clean(c->r);
		for (uint32_t i = 0; i < n; i++)
			reeve_session_destroy(s[i]);
		assert_nothing_held(c);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, core_setup_two_slots, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_gets_everything_and_gives_it_back),
		TEST(bad_input_is_refused),
		TEST(what_is_refused_leaves_nothing),
		TEST(who_queues_for_a_place_goes_on),
		TEST(who_queues_for_servers_goes_on),
		TEST(a_refusal_after_the_wait_ends_it),
		TEST(its_session_takes_it_along),
		TEST(a_death_gives_everything_back),
		TEST(groups_and_rules_hold_for_it),
		TEST(nothing_grows_with_work_done),
		TEST(every_session_may_have_one),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
