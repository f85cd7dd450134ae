/* SPDX-License-Identifier: Apache-2.0 */
/* acts_session.c - sessions: made, ended, and meddled with by whoever knows their id. */
#include "actor.h"

static const char *const programs[] = {NULL, "sqlplus", "etl", "report"};

void act_session_create(struct actor *a)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	uint32_t i = below(a, SESSIONS_MAX);
	int rc;

	if (a->sessions[i])
		return;
	def.username = once_in(a, 2) ? "ada" : "bob";
	def.user_id = below(a, 8);
	def.group = once_in(a, 3) ? (reeve_group_id){0} : any_group(a);
	def.priority = below(a, 4);
	def.program = programs[below(a, 4)];
	def.machine = programs[below(a, 4)];
	def.is_system = once_in(a, 8);
	count_try(a, COUNT_SESSIONS);
	rc = allow(a, reeve_session_create(a->r, &def, &a->sessions[i], &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST, "session_create");
	count_settle(a, COUNT_SESSIONS, rc ? IT_IS_REFUSED : IT_IS_DONE);
	if (rc)
		a->sessions[i] = NULL;
	else
		board_put(a, BOARD_SESSION, reeve_session_id_of(a->sessions[i]).v);
}

static void end(struct actor *a, uint32_t i)
{
	struct reeve_session_info info;

	if (!a->sessions[i])
		return;
	if (allow(a, reeve_session_get(a->r, reeve_session_id_of(a->sessions[i]), &info, &a->err),
		    0, "session_get of one with a handle") == 0)
		a->session_cpu_ns += info.cpu_ns;
	reeve_session_destroy(a->sessions[i]);
	a->sessions[i] = NULL;
}

void act_session_end(struct actor *a)
{
	end(a, below(a, SESSIONS_MAX));
}

void sessions_give_back(struct actor *a)
{
	for (uint32_t i = 0; i < SESSIONS_MAX; i++)
		end(a, i);
}

void act_session_meddle(struct actor *a)
{
	const uint32_t gone = MAY_NOT_FOUND | MAY_BE_LATE;
	reeve_session_id id = {board_pick(a, BOARD_SESSION)},
			 other = {board_pick(a, BOARD_SESSION)};
	struct reeve_session_attributes attributes = {.program = programs[below(a, 4)]};
	struct reeve_session_limits limits = {
		once_in(a, 2) ? REEVE_UNLIMITED : (1 + below(a, 50)) * 1000000ull,
		once_in(a, 2) ? REEVE_UNLIMITED : (1 + below(a, 50)) * 1000000ull};

	switch (below(a, 10)) {
	case 0:
		allow(a, reeve_session_kill(a->r, id, &a->err), gone, "session_kill");
		return;
	case 1:
	case 2:
		allow(a, reeve_session_cancel(a->r, id, &a->err), gone, "session_cancel");
		return;
	case 3:
		allow(a, reeve_session_boost(a->r, id, NULL, &a->err), gone, "session_boost");
		return;
	case 4:
		allow(a, reeve_session_priority_set(a->r, id, below(a, 4), NULL, &a->err), gone,
			"session_priority_set");
		return;
	case 5:
		allow(a, reeve_session_limits_set(a->r, id, 1 + below(a, 3), &limits, &a->err),
			gone, "session_limits_set");
		return;
	case 6:
		allow(a, reeve_session_attributes_set(a->r, id, &attributes, &a->err), gone,
			"session_attributes_set");
		return;
	case 7:
		if (other.v == 0)
			return;
		allow(a, reeve_session_blocked_by(a->r, id, other, &a->err),
			gone | MAY_CONFLICT | MAY_EXHAUST, "session_blocked_by");
		allow(a, reeve_session_unblocked(a->r, id, &a->err), gone, "session_unblocked");
		return;
	default:
		allow(a, reeve_session_switch(a->r, id, any_group(a), below(a, 5), &a->err),
			gone | MAY_EXHAUST, "session_switch");
	}
}

void act_session_settings(struct actor *a)
{
	struct reeve_session_config c;
	uint32_t kinds = 1 + below(a, REEVE_CHECK_ALL);

	if (once_in(a, 2)) {
		allow(a, reeve_session_check_timeouts(a->r, kinds, NULL, 0, NULL, &a->err), 0,
			"session_check_timeouts");
		return;
	}
	reeve_session_config_get(a->r, &c);
	c.global_session_limit = once_in(a, 4) ? 1 + below(a, 20) : UINT32_MAX;
	c.timeout_checker_enabled = !once_in(a, 4);
	c.auto_terminate_enabled = !once_in(a, 4);
	c.default_idle_timeout_ns = once_in(a, 4) ? 20000000 : REEVE_UNLIMITED;
	c.default_max_execution_ns = once_in(a, 4) ? 20000000 : REEVE_UNLIMITED;
	c.idle_mark_ns = (1 + below(a, 20)) * 1000000ull;
	c.execution_timeout_action = below(a, 2);
	allow(a, reeve_session_config_set(a->r, &c, &a->err), 0, "session_config_set");
}

/* Statements of an outside engine, on anybody's session. */
void act_session_by_hand(struct actor *a)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	reeve_session_id id = {board_pick(a, BOARD_SESSION)};
	int rc;

	if (once_in(a, 4))
		def.estimated_ns = below(a, 100000000);
	count_try(a, COUNT_STATEMENTS);
	rc = allow(a, reeve_session_start_query(a->r, id, &def, NULL, &a->err),
		MAY_NOT_FOUND | MAY_BE_LATE | MAY_EXHAUST | MAY_KILL, "session_start_query");
	count_settle(a, COUNT_STATEMENTS, rc < 0 ? IT_IS_REFUSED : IT_IS_DONE);
	if (rc < 0 || once_in(a, 4))
		return; /* and is left to whoever cancels it */
	rc = rc == 0 ? reeve_session_complete(a->r, id, &a->err)
		     : reeve_session_cancel(a->r, id, &a->err);
	allow(a, rc, MAY_NOT_FOUND | MAY_BE_LATE, "the end of a statement by hand");
}

void act_session_pool(struct actor *a)
{
	reeve_group_id g = any_group(a);
	struct reeve_queued_session queue[4];
	struct reeve_session_pool_info info;

	if (once_in(a, 3)) {
		allow(a, reeve_session_pool_remove(a->r, g, &a->err), MAY_NOT_FOUND,
			"session_pool_remove");
		return;
	}
	if (once_in(a, 2)) {
		allow(a,
			reeve_session_pool_configure(a->r, g, 1 + below(a, 4),
				(1 + below(a, 20)) * 1000000ull, !once_in(a, 4), &a->err),
			MAY_NOT_FOUND | MAY_DENY, "session_pool_configure");
		return;
	}
	allow(a, reeve_session_pool_get(a->r, g, &info, &a->err), MAY_NOT_FOUND,
		"session_pool_get");
	allow(a, reeve_session_queue_copy(a->r, g, queue, 4, &a->err), MAY_NOT_FOUND,
		"session_queue_copy");
}

void act_session_look(struct actor *a)
{
	static _Thread_local struct reeve_session_info infos[8];
	reeve_session_id id = {board_pick(a, BOARD_SESSION)};
	struct reeve_wait_explanation why;
	struct reeve_session_limits limits;
	struct reeve_session_pool_info pools[4];

	reeve_session_copy(a->r, id, below(a, 2), infos, 8);
	reeve_session_pool_copy(a->r, (reeve_group_id){0}, pools, 4);
	allow(a, reeve_explain(a->r, id, &why, &a->err), MAY_NOT_FOUND, "explain");
	allow(a, reeve_session_limits_get(a->r, id, &limits, &a->err), MAY_NOT_FOUND,
		"session_limits_get");
}
