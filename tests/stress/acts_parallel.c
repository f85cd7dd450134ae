/* SPDX-License-Identifier: Apache-2.0 */
/* acts_parallel.c - parallel work and tasks of outside engines, servers, settings of both. */
#include "actor.h"

#define OUTSIDE_SESSION UINT64_C(7000000)

static void request(struct actor *a, uint32_t i)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_execution_info info;
	uint64_t session = once_in(a, 2) ? board_pick(a, BOARD_SESSION) : 0;
	int rc;

	def.mode = below(a, 4);
	def.requested_dop = 1 + below(a, 6);
	def.downgrade = below(a, 3);
	def.priority = below(a, 101);
	def.deadline = soon(a, 20000);
	count_try(a, COUNT_PARALLEL);
	rc = allow(a,
		reeve_execution_request(a->r, session ? session : OUTSIDE_SESSION + below(a, 9),
			any_group(a), &def, &info, &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_LATE, "execution_request");
	count_settle(a, COUNT_PARALLEL, rc ? IT_IS_REFUSED : IT_IS_DONE);
	if (rc == 0)
		board_put(a, BOARD_EXECUTION, a->executions[i] = info.id.v);
}

static void complete(struct actor *a, uint32_t i)
{
	/* out of time in the queue, cancelled, ended with its session, or long forgotten */
	allow(a,
		reeve_execution_complete(a->r, (reeve_execution_id){a->executions[i]},
			once_in(a, 4) ? "no" : NULL, &a->err),
		MAY_NOT_FOUND | MAY_BE_LATE, "execution_complete");
	a->executions[i] = 0;
}

void act_outside_parallel(struct actor *a)
{
	uint32_t i = own_place(a, a->executions, once_in(a, 2));
	reeve_execution_id id = {board_pick(a, BOARD_EXECUTION)};
	const uint32_t gone = MAY_NOT_FOUND | MAY_BE_LATE;

	switch (below(a, 5)) {
	case 0:
		allow(a, reeve_execution_cancel(a->r, id, &a->err), gone, "execution_cancel");
		return;
	case 1:
		allow(a, reeve_execution_progress(a->r, id, below(a, 100), below(a, 100), &a->err),
			gone, "execution_progress");
		return;
	default:
		if (i == OWN_MAX)
			return;
		if (a->executions[i])
			complete(a, i);
		else
			request(a, i);
	}
}

void act_server_pool(struct actor *a)
{
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_server_pool_info pools[8];
	uint64_t groups[2] = {any_group(a).v, any_group(a).v};
	uint32_t n = reeve_server_pool_copy(a->r, (reeve_server_pool_id){0}, pools, 8);
	reeve_server_pool_id id = {0};
	struct reeve_server_info servers[4];

	def.name = "of the actors";
	def.min_servers = below(a, 4);
	def.max_servers = def.min_servers + 1 + below(a, 6);
	def.idle_timeout_ns = (1 + below(a, 50)) * REEVE_MSEC;
	def.groups = groups;
	def.group_count = once_in(a, 2) ? 0 : below(a, 3);
	if (n == 0 || once_in(a, 8)) {
		allow(a, reeve_server_pool_create(a->r, &def, &id, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_INVALID, "server_pool_create");
		return;
	}
	id = pools[below(a, n)].id;
	if (once_in(a, 2)) {
		allow(a, reeve_server_pool_destroy(a->r, id, &a->err), MAY_NOT_FOUND | MAY_CONFLICT,
			"server_pool_destroy");
		return;
	}
	allow(a, reeve_server_pool_update(a->r, id, below(a, 32), &def, 0, &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_INVALID, "server_pool_update");
	if (reeve_server_copy(a->r, (reeve_server_id){0}, id, servers, 4))
		allow(a,
			reeve_server_report(a->r, servers[0].id, REEVE_SERVER_CPU, 0, 0,
				below(a, 1000000), &a->err),
			MAY_NOT_FOUND, "server_report");
}

void act_parallel_settings(struct actor *a)
{
	reeve_group_id g = any_group(a);
	struct reeve_parallel_config c;

	switch (below(a, 5)) {
	case 0:
		allow(a, reeve_parallel_group_limit_clear(a->r, g, &a->err), MAY_NOT_FOUND,
			"parallel_group_limit_clear");
		return;
	case 1:
		allow(a, reeve_parallel_load_set(a->r, below(a, 1000001), &a->err), 0,
			"parallel_load_set");
		return;
	case 2:
		reeve_parallel_config_get(a->r, &c);
		c.cpu_cores = 1 + below(a, 16);
		c.max_total_dop = 2 + below(a, 12);
		c.downgrade_enabled = !once_in(a, 4);
		c.queue_timeout_ns = (1 + below(a, 20)) * REEVE_MSEC;
		allow(a, reeve_parallel_config_set(a->r, &c, &a->err), 0, "parallel_config_set");
		return;
	default:
		allow(a,
			reeve_parallel_group_limit_set(
				a->r, g, below(a, 8), 1 + below(a, 12), &a->err),
			MAY_NOT_FOUND, "parallel_group_limit_set");
	}
}

void act_parallel_look(struct actor *a)
{
	struct reeve_parallel_group_info groups[8];
	struct reeve_execution_info infos[8];
	struct reeve_auto_dop dop;

	reeve_execution_copy(a->r, (reeve_execution_id){0}, below(a, 2), infos, 8);
	reeve_execution_queue_copy(a->r, infos, 8);
	reeve_parallel_group_copy(a->r, (reeve_group_id){0}, groups, 8);
	allow(a, reeve_parallel_auto_dop(a->r, any_group(a), 0, 1000000, 1000, &dop, &a->err),
		MAY_NOT_FOUND, "parallel_auto_dop");
}

/* ---- tasks of outside engines ---- */

void act_task(struct actor *a)
{
	uint32_t i = own_place(a, a->tasks, !once_in(a, 3));
	reeve_task_id id = {board_pick(a, BOARD_TASK)};
	const uint32_t gone = MAY_NOT_FOUND | MAY_BE_LATE;
	struct reeve_task_info info;
	int rc;

	if (i == OWN_MAX)
		return;
	if (a->tasks[i] == 0) {
		count_try(a, COUNT_STATEMENTS);
		rc = allow(a,
			reeve_task_create(a->r, a->index, any_group(a), below(a, 8), &id, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST, "task_create");
		count_settle(a, COUNT_STATEMENTS, rc ? IT_IS_REFUSED : IT_IS_DONE);
		if (rc == 0)
			board_put(a, BOARD_TASK, a->tasks[i] = id.v);
		return;
	}
	switch (below(a, 6)) {
	case 0:
		if (allow(a, reeve_task_next(a->r, &info, &a->err), MAY_NOT_FOUND, "task_next") ==
			0)
			allow(a, reeve_task_yield(a->r, info.id, below(a, 100000), &a->err), gone,
				"task_yield");
		return;
	case 1:
		allow(a, reeve_task_charge(a->r, id, below(a, 100000), &a->err), gone,
			"task_charge");
		return;
	case 2:
		allow(a, reeve_task_suspend(a->r, id, REEVE_TASK_WAITING + below(a, 2), &a->err),
			gone, "task_suspend");
		return;
	case 3:
		allow(a, reeve_task_resume(a->r, id, &a->err), gone, "task_resume");
		return;
	case 4:
		allow(a, reeve_task_estimate(a->r, id, 1 + below(a, 100000), &a->err), gone,
			"task_estimate");
		return;
	default:
		allow(a,
			reeve_task_complete(
				a->r, (reeve_task_id){a->tasks[i]}, below(a, 100000), &a->err),
			0, "task_complete of one's own");
		a->tasks[i] = 0;
	}
}

void act_cpu_settings(struct actor *a)
{
	struct reeve_cpu_slot_stats slots[4];
	struct reeve_task_info tasks[8];
	struct reeve_cpu_config c;

	reeve_cpu_slot_stats_copy(a->r, slots, 4);
	reeve_task_copy(a->r, (reeve_task_id){board_pick(a, BOARD_TASK)}, tasks, 8);
	if (once_in(a, 2)) {
		allow(a, reeve_cpu_detect_runaways(a->r, NULL, 0, NULL, &a->err), MAY_EXHAUST,
			"cpu_detect_runaways");
		return;
	}
	reeve_cpu_config_get(a->r, &c);
	c.policy = below(a, 4);
	c.quantum_ns = (1 + below(a, 10)) * REEVE_MSEC;
	c.runaway_detection = once_in(a, 2);
	c.runaway_threshold_ns =
		once_in(a, 2) ? 300 * REEVE_SEC : REEVE_USEC * (50 + below(a, 500));
	c.runaway_throttle_ppm = 100000 + below(a, 900001);
	allow(a, reeve_cpu_config_set(a->r, &c, &a->err), MAY_BE_INVALID, "cpu_config_set");
}

void parallel_give_back(struct actor *a)
{
	for (uint32_t i = 0; i < OWN_MAX; i++) {
		if (a->executions[i])
			complete(a, i);
		if (a->tasks[i])
			allow(a,
				reeve_task_complete(a->r, (reeve_task_id){a->tasks[i]}, 0, &a->err),
				0, "task_complete of one's own");
		a->tasks[i] = 0;
	}
}
