/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of sessions: how they come by a group, move, end, and are looked at. */
#include "core.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int create(struct core *c, const struct reeve_session_def *def, struct reeve_session **ret)
{
	return reeve_session_create(c->r, def, ret, E);
}

static struct reeve_session *session_of_user(struct core *c, uint64_t user, uint64_t group)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.user_id = user;
	def.username = "ada";
	def.group.v = group;
	assert_ok(create(c, &def, &s));
	return s;
}

static int switch_to(struct core *c, struct reeve_session *s, uint64_t group)
{
	return reeve_session_switch(
		c->r, reeve_session_id_of(s), (reeve_group_id){group}, REEVE_SWITCH_MANUAL, E);
}

static uint32_t sessions_in(struct core *c, uint64_t group)
{
	return core_group_info(c->r, group).current_sessions;
}

static struct reeve_session_stats stats_of(struct core *c)
{
	struct reeve_session_stats s;

	reeve_session_stats_get(c->r, &s);
	return s;
}

/* A group that takes at most n sessions. */
static uint64_t small_group(struct core *c, const char *name, uint64_t n)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {0};

	def.name = name;
	def.max_sessions = n;
	assert_ok(reeve_group_create(c->r, &def, &id, E));
	return id.v;
}

static void a_session_has_all_it_was_given(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = {42, "grace", {REEVE_BATCH_GROUP}, REEVE_SESSION_HIGH,
		"psql", "host7", "sales", "orders", "close", false};
	struct reeve_session *s = NULL;

	assert_ok(create(c, &def, &s));
	struct reeve_session_info i = core_info(c->r, s);
	assert_true(i.id.v == 1 && i.user_id == 42 && i.group.v == REEVE_BATCH_GROUP);
	assert_string_equal(i.username, "grace");
	assert_string_equal(i.program, "psql");
	assert_string_equal(i.machine, "host7");
	assert_string_equal(i.service, "sales");
	assert_string_equal(i.module, "orders");
	assert_string_equal(i.action, "close");
	assert_int_equal(i.state, REEVE_SESSION_INACTIVE);
	assert_int_equal(i.priority, REEVE_SESSION_HIGH);
	assert_int_equal(i.assigned_by, REEVE_ASSIGNED_EXPLICIT);
	assert_int_equal(i.switch_reason, REEVE_SWITCH_INITIAL);
	assert_int_equal(i.termination, REEVE_END_NONE);
	assert_int_equal(i.wait_reason, REEVE_WAIT_NONE);
	assert_int_equal(i.pid, c->h.pid);
	assert_true(i.connected_wall == c->h.wall && i.last_active_wall == c->h.wall);
	assert_true(i.previous_group.v == 0 && i.query_start == 0 && i.terminated_wall == 0);
	assert_true(i.total_queries == 0 && i.cpu_ns == 0 && i.wait_ns == 0);
	reeve_session_destroy(s);
}

/* Manager, line 9: every session was made in SYS_GROUP, whatever group was assigned. */
static void manager_09_a_session_is_in_the_group_it_was_assigned(void **state)
{
	struct core *c = *state;
	struct reeve_query_usage usage;

	assert_ok(reeve_user_map(c->r, 5, "ada", (reeve_group_id){REEVE_BATCH_GROUP}, true, E));
	struct reeve_session *explicitly = session_of_user(c, 5, REEVE_MAINTENANCE_GROUP);
	struct reeve_session *mapped = session_of_user(c, 5, 0);
	struct reeve_session *by_default = session_of_user(c, 6, 0);
	struct reeve_session *nobody = session_of_user(c, 0, 0);
	assert_true(core_info(c->r, explicitly).group.v == REEVE_MAINTENANCE_GROUP);
	assert_int_equal(core_info(c->r, explicitly).assigned_by, REEVE_ASSIGNED_EXPLICIT);
	assert_true(core_info(c->r, mapped).group.v == REEVE_BATCH_GROUP);
	assert_int_equal(core_info(c->r, mapped).assigned_by, REEVE_ASSIGNED_MAPPING);
	assert_true(core_info(c->r, by_default).group.v == REEVE_INTERACTIVE_GROUP);
	assert_int_equal(core_info(c->r, by_default).assigned_by, REEVE_ASSIGNED_DEFAULT);
	assert_true(core_info(c->r, nobody).group.v == REEVE_INTERACTIVE_GROUP);
	assert_ok(reeve_query_begin(mapped, NULL, E));
	reeve_query_end(mapped, &usage);
	assert_true(usage.group.v == REEVE_BATCH_GROUP);
	assert_true(core_group_stats(c->r, REEVE_BATCH_GROUP).queries == 1);
	assert_true(core_group_stats(c->r, REEVE_SYS_GROUP).queries == 0);
	reeve_session_destroy(explicitly);
	reeve_session_destroy(mapped);
	reeve_session_destroy(by_default);
	reeve_session_destroy(nobody);
}

/* Manager, line 10: a session whose group refused it stayed in the tables. */
static void manager_10_a_refused_session_leaves_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = (void *)c;

	def.username = "ada";
	def.group.v = small_group(c, "none", 0);
	assert_fails(create(c, &def, &s), REEVE_ERESOURCE_EXHAUSTED,
		"none has 0 sessions; its limit maxSessions is 0");
	def.group.v = 4711;
	assert_fails(create(c, &def, &s), REEVE_ENOT_FOUND, "consumer group 4711");
	assert_ptr_equal(s, c);
	struct reeve_segment_info i = core_segment(c->r);
	assert_int_equal(i.sessions + i.tasks, 0);
	assert_int_equal(stats_of(c).created, 0);
	struct reeve_session *good = session_of_user(c, 0, 0);
	assert_true(reeve_session_id_of(good).v == 1); /* and no id was burnt */
	reeve_session_destroy(good);
}

static void a_full_group_refuses_until_one_leaves(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.username = "ada";
	def.group.v = small_group(c, "two", 2);
	struct reeve_session *a = session_of_user(c, 0, def.group.v);
	struct reeve_session *b = session_of_user(c, 0, def.group.v);
	assert_fails(create(c, &def, &s), REEVE_ERESOURCE_EXHAUSTED,
		"two has 2 sessions; its limit maxSessions is 2");
	reeve_session_destroy(a);
	assert_ok(create(c, &def, &s));
	reeve_session_destroy(b);
	reeve_session_destroy(s);
}

static void an_inactive_group_refuses(void **state)
{
	struct core *c = *state;
	struct reeve_group_def change = REEVE_GROUP_DEF_INIT;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.username = "ada";
	change.is_active = false;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){2}, REEVE_GROUP_IS_ACTIVE, &change, 0, E));
	assert_fails(
		create(c, &def, &s), REEVE_ERESOURCE_EXHAUSTED, "INTERACTIVE_GROUP is inactive");
	assert_ok(reeve_user_map(c->r, 5, "ada", (reeve_group_id){2}, true, E));
	def.user_id = 5;
	assert_fails(create(c, &def, &s), REEVE_ERESOURCE_EXHAUSTED, "inactive");
	struct reeve_session *other = session_of_user(c, 0, 3);
	assert_fails(switch_to(c, other, 2), REEVE_ERESOURCE_EXHAUSTED, "inactive");
	reeve_session_destroy(other);
}

/* Groups, line 10: switching the group moved one record of the session, and not the others. */
static void plans_10_a_switch_moves_counts_and_task(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = session_of_user(c, 0, 2);
	struct reeve_task_info task[2];
	struct reeve_query_usage usage;

	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 10 * REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(switch_to(c, s, 3));
	assert_int_equal(sessions_in(c, 2), 0);
	assert_int_equal(sessions_in(c, 3), 1);
	struct reeve_session_info i = core_info(c->r, s);
	assert_true(i.group.v == 3 && i.previous_group.v == 2);
	assert_int_equal(i.switch_reason, REEVE_SWITCH_MANUAL);
	assert_true(i.switched_wall == c->h.wall);
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, task, 2), 1);
	assert_true(task[0].group.v == 3 && task[0].session.v == i.id.v);
	assert_int_equal(core_group_stats(c->r, 2).tasks, 0);
	assert_int_equal(core_group_stats(c->r, 3).tasks, 1);
	uint64_t before = core_group_stats(c->r, 2).cpu_ns;
	assert_ok(reeve_checkpoint(s));
	core_work(&c->h, 20 * REEVE_MSEC);
	reeve_query_end(s, &usage);
	assert_true(usage.group.v == 3);
	assert_true(
		core_group_stats(c->r, 2).cpu_ns == before); /* use after it is the new group's */
	assert_true(core_group_stats(c->r, 3).cpu_ns >= 20 * (uint64_t)REEVE_MSEC);
	assert_true(core_group_stats(c->r, 3).queries == 1);
	assert_clean(c->r);
	reeve_session_destroy(s);
}

/* Groups, line 7: a failed switch had already left the old group. */
static void plans_07_a_failed_switch_changes_nothing(void **state)
{
	struct core *c = *state;
	uint64_t full = small_group(c, "full", 1);
	struct reeve_session *in = session_of_user(c, 0, full), *s = session_of_user(c, 0, 2);
	struct reeve_session_info before = core_info(c->r, s), after;

	assert_fails(switch_to(c, s, full), REEVE_ERESOURCE_EXHAUSTED, "full has 1 sessions");
	assert_fails(switch_to(c, s, 4711), REEVE_ENOT_FOUND, "consumer group 4711");
	assert_fails(
		reeve_session_switch(c->r, (reeve_session_id){4711}, (reeve_group_id){2}, 0, E),
		REEVE_ENOT_FOUND, "session 4711");
	after = core_info(c->r, s);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(sessions_in(c, 2), 1);
	assert_int_equal(sessions_in(c, full), 1);
	reeve_session_destroy(in);
	reeve_session_destroy(s);
}

/* Groups, line 8: assigning again counted twice. */
static void plans_08_switching_to_the_same_group_counts_once(void **state)
{
	struct core *c = *state;
	uint64_t full = small_group(c, "full", 1);
	struct reeve_session *s = session_of_user(c, 0, full);

	assert_ok(switch_to(c, s, full));
	assert_ok(switch_to(c, s, full));
	assert_int_equal(sessions_in(c, full), 1);
	reeve_session_destroy(s);
	assert_int_equal(sessions_in(c, full), 0);
}

/* Manager, line 15: ending a session returned neither counts nor anything else. */
static void manager_15_ending_a_session_returns_everything(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[8];

	for (int i = 0; i < 8; i++)
		s[i] = session_of_user(c, 0, 3);
	assert_ok(reeve_query_begin(s[0], NULL, E));
	assert_int_equal(sessions_in(c, 3), 8);
	for (int i = 0; i < 8; i++)
		reeve_session_destroy(s[i]); /* one of them with a statement */
	assert_int_equal(sessions_in(c, 3), 0);
	struct reeve_session_stats st = stats_of(c);
	assert_int_equal(st.created, 8);
	assert_int_equal(st.terminated, 8);
	assert_int_equal(st.current, 0);
	assert_int_equal(st.current_active, 0);
	assert_int_equal(st.peak, 8);
	assert_int_equal(core_segment(c->r).tasks, 0);
	assert_int_equal(core_group_stats(c->r, 3).running, 0);
	struct reeve_attachment_info a;
	assert_int_equal(reeve_attachment_copy(c->r, &a, 1), 1);
	assert_int_equal(a.sessions, 0);
}

static void closing_ends_the_sessions_of_the_process(void **state)
{
	struct core *c = *state;
	struct reeve *other = NULL;

	assert_ok(reeve_attach(c->r, &other, E));
	struct reeve_session *s = core_session(other, 3);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_session_info i;
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_close(other);
	assert_ok(reeve_session_get(c->r, id, &i, E));
	assert_int_equal(i.state, REEVE_SESSION_TERMINATED);
	assert_int_equal(i.termination, REEVE_END_SHUTDOWN);
	assert_int_equal(core_segment(c->r).attachments, 1);
	assert_int_equal(core_segment(c->r).tasks, 0);
}

/* ---- states ---- */

static uint32_t state_of(struct core *c, struct reeve_session *s)
{
	return core_info(c->r, s).state;
}

static void a_statement_goes_through_its_states(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = session_of_user(c, 0, 3);

	core_sleep(&c->h, 7 * REEVE_SEC);
	assert_ok(reeve_query_begin(s, NULL, E));
	struct reeve_session_info i = core_info(c->r, s);
	assert_int_equal(i.state, REEVE_SESSION_ACTIVE);
	assert_true(i.query_start == c->h.mono);
	assert_true(i.last_active_wall == c->h.wall);
	assert_int_equal(stats_of(c).current_active, 1);
	reeve_block_begin(s);
	i = core_info(c->r, s);
	assert_int_equal(i.state, REEVE_SESSION_BLOCKED);
	assert_int_equal(i.wait_reason, REEVE_WAIT_BLOCKED);
	assert_ok(reeve_block_end(s));
	assert_int_equal(state_of(c, s), REEVE_SESSION_ACTIVE);
	core_work(&c->h, 3 * REEVE_SEC);
	reeve_query_end(s, NULL);
	i = core_info(c->r, s);
	assert_int_equal(i.state, REEVE_SESSION_INACTIVE);
	assert_true(i.query_start == 0 && i.total_queries == 1);
	assert_true(i.last_active_wall == c->h.wall);
	assert_true(i.cpu_ns == 3 * (uint64_t)REEVE_SEC);
	assert_int_equal(stats_of(c).current_active, 0);
	reeve_session_destroy(s);
}

static void statements_by_hand_change_state_and_counters(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = session_of_user(c, 0, 3);
	reeve_session_id id = reeve_session_id_of(s);

	core_sleep(&c->h, REEVE_SEC);
	assert_ok(reeve_session_start(c->r, id, E));
	struct reeve_session_info i = core_info(c->r, s);
	assert_int_equal(i.state, REEVE_SESSION_ACTIVE);
	assert_true(i.total_queries == 1 && i.query_start == c->h.mono);
	assert_int_equal(core_group_stats(c->r, 3).running, 0); /* no CPU slot is involved */
	assert_fails(reeve_query_begin(s, NULL, E), REEVE_EINVALID_STATE, "session 1");
	assert_fails(reeve_session_cancel(c->r, id, E), REEVE_EINVALID_STATE, "runs no statement");
	assert_ok(reeve_session_complete(c->r, id, E));
	assert_int_equal(state_of(c, s), REEVE_SESSION_INACTIVE);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_fails(reeve_session_complete(c->r, id, E), REEVE_EINVALID_STATE, "by hand");
	assert_fails(reeve_session_start(c->r, id, E), REEVE_EINVALID_STATE, "runs a statement");
	reeve_query_end(s, NULL);
	assert_true(core_info(c->r, s).total_queries == 2);
	assert_fails(reeve_session_start(c->r, (reeve_session_id){99}, E), REEVE_ENOT_FOUND,
		"session 99");
	assert_fails(reeve_session_complete(c->r, (reeve_session_id){99}, E), REEVE_ENOT_FOUND,
		"session 99");
	reeve_session_destroy(s);
}

/* Sessions, line 6: starting twice counted twice, completing an inactive one took others' counts. */
static void sessions_06_starting_twice_and_completing_nothing_are_refused(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = session_of_user(c, 0, 3), *other = session_of_user(c, 0, 3);
	reeve_session_id id = reeve_session_id_of(s);

	assert_ok(reeve_session_start(c->r, id, E));
	assert_fails(reeve_session_start(c->r, id, E), REEVE_EINVALID_STATE, "session 1");
	assert_int_equal(stats_of(c).current_active, 1);
	assert_true(core_info(c->r, s).total_queries == 1);
	assert_fails(reeve_session_complete(c->r, reeve_session_id_of(other), E),
		REEVE_EINVALID_STATE, "session 2 is inactive");
	assert_int_equal(stats_of(c).current_active, 1);
	assert_ok(reeve_session_complete(c->r, id, E));
	assert_fails(reeve_session_complete(c->r, id, E), REEVE_EINVALID_STATE, "inactive");
	assert_int_equal(stats_of(c).current_active, 0);
	reeve_session_destroy(s);
	reeve_session_destroy(other);
}

/* ---- ending ---- */

/* Brings a session into one of the states in which it can be killed. */
enum kind { INACTIVE, ACTIVE, BLOCKED, SHIELDED, BY_HAND, KINDS };

static void bring(struct core *c, struct reeve_session *s, enum kind kind)
{
	if (kind == BY_HAND)
		assert_ok(reeve_session_start(c->r, reeve_session_id_of(s), E));
	else if (kind != INACTIVE)
		assert_ok(reeve_query_begin(s, NULL, E));
	if (kind == BLOCKED)
		reeve_block_begin(s);
	if (kind == SHIELDED)
		reeve_shield_begin(s);
}

static void unwind(struct core *c, struct reeve_session *s, enum kind kind)
{
	if (kind == INACTIVE || kind == BY_HAND)
		return;
	assert_int_equal(state_of(c, s), REEVE_SESSION_KILLED);
	assert_int_equal(kind == BLOCKED ? reeve_block_end(s) : reeve_checkpoint(s), REEVE_EKILLED);
	assert_string_equal(reeve_checkpoint_text(s), "the session was killed");
	reeve_query_end(s, NULL);
}

/* Sessions, lines 2 and 8: killing leaked the slot; the reason was lost; KILLED never occurred. */
static void sessions_02_a_kill_works_in_every_state_and_returns_everything(void **state)
{
	struct core *c = *state;

	for (enum kind kind = INACTIVE; kind < KINDS; kind++) {
		struct reeve_session_stats before = stats_of(c);
		struct reeve_session *s = session_of_user(c, 0, 3);
		bring(c, s, kind);
		core_sleep(&c->h, REEVE_SEC);
		assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s), E));
		unwind(c, s, kind);
		struct reeve_session_info i = core_info(c->r, s);
		assert_int_equal(i.state, REEVE_SESSION_TERMINATED);
		assert_int_equal(i.termination, REEVE_END_MANUAL_KILL);
		assert_true(i.terminated_wall == c->h.wall);
		assert_int_equal(sessions_in(c, 3), 0);
		assert_fails(reeve_query_begin(s, NULL, E), REEVE_EKILLED, "was killed");
		assert_clean(c->r);
		struct reeve_session *next = session_of_user(c, 0, 3);
		assert_ok(reeve_query_begin(next, NULL, E)); /* the CPU slot is back */
		assert_int_equal(c->h.waits, 0);
		reeve_session_destroy(next);
		reeve_session_destroy(s); /* ends nothing a second time */
		assert_int_equal(stats_of(c).manual_kills, before.manual_kills + 1);
		assert_int_equal(stats_of(c).terminated, before.terminated + 2);
		assert_int_equal(stats_of(c).current, 0);
	}
}

/* Sessions, line 4: ended sessions could be killed, started and completed again, and counted. */
static void sessions_04_an_ended_session_can_only_be_looked_at(void **state)
{
	struct core *c = *state;
	uint64_t one = small_group(c, "one", 1);
	struct reeve_session *s = session_of_user(c, 0, one);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_session_info i;

	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 30 * REEVE_MSEC);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	assert_fails(reeve_session_kill(c->r, id, E), REEVE_EINVALID_STATE, "session 1 has ended");
	assert_fails(reeve_session_start(c->r, id, E), REEVE_EINVALID_STATE, "has ended");
	assert_fails(reeve_session_complete(c->r, id, E), REEVE_EINVALID_STATE, "has ended");
	assert_fails(reeve_session_cancel(c->r, id, E), REEVE_EINVALID_STATE, "has ended");
	assert_fails(reeve_session_switch(c->r, id, (reeve_group_id){2}, 0, E),
		REEVE_EINVALID_STATE, "has ended");
	assert_ok(reeve_session_get(c->r, id, &i, E));
	assert_int_equal(i.state, REEVE_SESSION_TERMINATED);
	assert_int_equal(i.termination, REEVE_END_CLIENT_CLOSE);
	assert_true(i.total_queries == 1 && i.cpu_ns == 30 * (uint64_t)REEVE_MSEC);
	assert_int_equal(stats_of(c).terminated, 1);
	reeve_session_destroy(session_of_user(c, 0, one)); /* it does not count against the limit */
	assert_int_equal(reeve_session_copy(c->r, (reeve_session_id){0}, 0, &i, 1), 0);
	assert_int_equal(
		reeve_session_copy(c->r, (reeve_session_id){0}, REEVE_SESSIONS_TERMINATED, &i, 1),
		1);
}

static void ended_sessions_are_forgotten_after_a_while(void **state)
{
	struct core *c = *state;
	struct reeve_tick_report report;
	struct reeve_session_info i;
	struct reeve_session *kept = session_of_user(c, 0, 3);

	reeve_session_destroy(session_of_user(c, 0, 3));
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(kept), E));
	core_sleep(&c->h, 299 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.forgotten_sessions, 0);
	core_sleep(&c->h, 2 * REEVE_SEC);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.forgotten_sessions, 1);
	assert_fails(reeve_session_get(c->r, (reeve_session_id){2}, &i, E), REEVE_ENOT_FOUND,
		"session 2");
	assert_ok(reeve_session_get(c->r, (reeve_session_id){1}, &i, E)); /* its handle is out */
	reeve_session_destroy(kept);
	assert_ok(reeve_tick(c->r, &report, E));
	assert_int_equal(report.forgotten_sessions, 1);
	assert_int_equal(core_segment(c->r).sessions, 0);
}

static void memory_does_not_grow_with_sessions_ended(void **state)
{
	struct core *c = *state;

	for (int i = 0; i < 1000; i++)
		reeve_session_destroy(session_of_user(c, 0, 3));
	assert_true(core_segment(c->r).sessions <= 64);
	assert_int_equal(core_segment(c->r).tasks, 0);
	assert_int_equal(stats_of(c).created, 1000);
	assert_clean(c->r);
}

/* Groups, line 8: is_permanent was stored and never used. */
static void plans_08_a_temporary_mapping_ends_with_the_users_last_session(void **state)
{
	struct core *c = *state;
	struct reeve_user_mapping m;

	assert_ok(reeve_user_map(c->r, 5, "ada", (reeve_group_id){3}, false, E));
	assert_ok(reeve_user_map(c->r, 6, "bob", (reeve_group_id){3}, true, E));
	struct reeve_session *a = session_of_user(c, 5, 0), *b = session_of_user(c, 5, 0);
	struct reeve_session *other = session_of_user(c, 6, 0);
	reeve_session_destroy(a);
	assert_ok(reeve_user_get(c->r, 5, &m, E));
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(b), E));
	assert_fails(reeve_user_get(c->r, 5, &m, E), REEVE_ENOT_FOUND, "user 5");
	reeve_session_destroy(b);
	reeve_session_destroy(other);
	assert_ok(reeve_user_get(c->r, 6, &m, E));
	struct reeve_session *after = session_of_user(c, 5, 0);
	assert_int_equal(core_info(c->r, after).assigned_by, REEVE_ASSIGNED_DEFAULT);
	reeve_session_destroy(after);
}

static void sessions_are_listed_by_id_in_pages(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[30];
	struct reeve_session_info i[40];

	for (int k = 0; k < 30; k++)
		s[k] = session_of_user(c, 0, 3);
	for (int k = 0; k < 30; k += 3)
		reeve_session_destroy(s[k]);
	assert_int_equal(reeve_session_copy(c->r, (reeve_session_id){0}, 0, i, 40), 20);
	assert_true(i[0].id.v == 2 && i[1].id.v == 3 && i[2].id.v == 5 && i[19].id.v == 30);
	assert_int_equal(reeve_session_copy(c->r, (reeve_session_id){3}, 0, i, 2), 2);
	assert_true(i[0].id.v == 5 && i[1].id.v == 6);
	assert_int_equal(
		reeve_session_copy(c->r, (reeve_session_id){0}, REEVE_SESSIONS_TERMINATED, i, 40),
		30);
	for (uint64_t k = 0; k < 30; k++)
		assert_true(i[k].id.v == k + 1);
	for (int k = 0; k < 30; k++)
		if (k % 3)
			reeve_session_destroy(s[k]);
}

/* ---- a handle whose session is gone ---- */

/* An owner that has not noticed the kill must not touch what others do in its place. */
static void a_killed_handle_touches_nobody_else(void **state)
{
	struct core *c = *state;
	struct reeve_session *dead = session_of_user(c, 0, 3);
	struct reeve_task_info before[4], after[4];
	struct reeve_session *s[3];

	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(dead), E));
	for (int k = 0; k < 3; k++)
		s[k] = session_of_user(c, 0, 3);
	assert_ok(reeve_query_begin(s[0], NULL, E));
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, before, 4), 1);
	reeve_shield_begin(dead);
	reeve_block_begin(dead);
	reeve_checkpoint(dead);
	reeve_query_end(dead, NULL);
	assert_int_equal(reeve_block_end(dead), 0);
	reeve_shield_end(dead);
	assert_fails(reeve_query_begin(dead, NULL, E), REEVE_EKILLED, "session 1 was killed");
	assert_int_equal(reeve_task_copy(c->r, (reeve_task_id){0}, after, 4), 1);
	assert_true(before[0].id.v == after[0].id.v && before[0].slot == after[0].slot);
	assert_ok(reeve_checkpoint(s[0]));
	reeve_query_end(s[0], NULL);
	reeve_session_destroy(dead);
	for (int k = 0; k < 3; k++)
		reeve_session_destroy(s[k]);
}

/* ---- at once ---- */

struct rush {
	struct core *c;
	uint64_t group;
	_Atomic uint32_t in, most, refused;
};

static void *come_and_go(void *arg)
{
	struct rush *rush = arg;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;

	def.username = "ada";
	def.group.v = rush->group;
	for (int i = 0; i < 500; i++) {
		struct reeve_session *s;
		struct reeve_error err;
		if (reeve_session_create(rush->c->r, &def, &s, &err) != 0) {
			rush->refused++;
			continue;
		}
		uint32_t in = ++rush->in, most = rush->most;
		while (in > most && !atomic_compare_exchange_weak(&rush->most, &most, in))
			;
		rush->in--;
		reeve_session_destroy(s);
	}
	return NULL;
}

/* Sessions, line 5: two sessions at once both got into a group with room for one. */
static void sessions_05_a_limit_holds_however_many_come_at_once(void **state)
{
	struct core *c = *state;
	struct rush rush = {.c = c, .group = small_group(c, "two", 2)};
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &rush), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_in_range(rush.most, 1, 2);
	assert_int_equal(sessions_in(c, rush.group), 0);
	assert_int_equal(stats_of(c).created + rush.refused, 2000);
	assert_int_equal(stats_of(c).terminated, stats_of(c).created);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_session_has_all_it_was_given),
		with_core(manager_09_a_session_is_in_the_group_it_was_assigned),
		with_core(manager_10_a_refused_session_leaves_nothing),
		with_core(a_full_group_refuses_until_one_leaves),
		with_core(an_inactive_group_refuses),
		with_core(plans_10_a_switch_moves_counts_and_task),
		with_core(plans_07_a_failed_switch_changes_nothing),
		with_core(plans_08_switching_to_the_same_group_counts_once),
		with_core(manager_15_ending_a_session_returns_everything),
		with_core(closing_ends_the_sessions_of_the_process),
		with_core(a_statement_goes_through_its_states),
		with_core(statements_by_hand_change_state_and_counters),
		with_core(sessions_06_starting_twice_and_completing_nothing_are_refused),
		with_core(sessions_02_a_kill_works_in_every_state_and_returns_everything),
		with_core(sessions_04_an_ended_session_can_only_be_looked_at),
		with_core(ended_sessions_are_forgotten_after_a_while),
		with_core(memory_does_not_grow_with_sessions_ended),
		with_core(plans_08_a_temporary_mapping_ends_with_the_users_last_session),
		with_core(sessions_are_listed_by_id_in_pages),
		with_core(a_killed_handle_touches_nobody_else),
		with_core(sessions_05_a_limit_holds_however_many_come_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
