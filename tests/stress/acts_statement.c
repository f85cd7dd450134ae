/* SPDX-License-Identifier: Apache-2.0 */
/* acts_statement.c - a statement, admitted by itself or to everything at once, and all it may do. */
#include "actor.h"

#include <string.h>

static struct reeve_parallel_def parallel_def(struct actor *a)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;

	def.mode = below(a, 4);
	def.requested_dop = 1 + below(a, 6);
	def.downgrade = below(a, 3);
	def.priority = below(a, 101);
	if (once_in(a, 2))
		def.estimated_cost_milli = below(a, 100000000);
	def.deadline = soon(a, 3000);
	return def;
}

static int work_parallel(struct actor *a, struct reeve_session *s)
{
	struct reeve_parallel_def def = parallel_def(a);
	struct reeve_parallel p;
	int rc;

	count_try(a, COUNT_PARALLEL);
	rc = allow(a, reeve_parallel_begin(s, &def, &p, &a->err), MAY_STOP | MAY_EXHAUST,
		"parallel_begin");
	count_settle(a, COUNT_PARALLEL, rc == 0 ? IT_IS_DONE : WHO_KNOWS);
	if (rc)
		return reeve_checkpoint(s);
	if (reeve_parallel_dop(&p) > 6 && def.mode != REEVE_PARALLEL_SERIAL)
		fault(a, "more servers than asked for", (int)reeve_parallel_dop(&p));
	board_put(a, BOARD_EXECUTION, p.id);
	for (uint32_t n = below(a, 3); n > 0; n--) {
		kit_spin((reeve_ns)below(a, 20) * REEVE_USEC);
		reeve_parallel_progress(&p, n, n * 10);
		reeve_parallel_adapt(&p);
	}
	allow(a, reeve_parallel_end(&p, once_in(a, 8) ? "it went wrong" : NULL, &a->err),
		MAY_BE_LATE, "parallel_end");
	return reeve_checkpoint(s);
}

static int work_io(struct actor *a, struct reeve_session *s)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	int rc;

	def.type = below(a, 4);
	def.priority = below(a, 5);
	def.size_bytes = below(a, 65536);
	def.give_up = soon(a, 4000);
	def.device = below(a, 3);
	def.keeps_cpu_slot = once_in(a, 2);
	count_try(a, COUNT_IO);
	rc = allow(a, reeve_io_begin(s, &def, &a->err), MAY_STOP | MAY_EXHAUST, "io_begin");
	/* a refused one may have waited, which counts as cancelled */
	count_settle(a, COUNT_IO, rc == 0 ? IT_IS_DONE : WHO_KNOWS);
	if (rc)
		return reeve_checkpoint(s);
	if (once_in(a, 4))
		kit_nap((reeve_ns)below(a, 100) * REEVE_USEC);
	return reeve_io_end(s, below(a, 65536), !once_in(a, 8));
}

static int work_memory(struct actor *a, struct reeve_session *s)
{
	uint64_t bytes = 1 + below(a, 300000);
	uint32_t kind = below(a, 2);
	int rc = allow(a, reeve_memory_charge(s, kind, bytes, &a->err), MAY_EXHAUST | MAY_KILL,
		"memory_charge");

	if (rc == 0 && !once_in(a, 8)) /* else it stays until the session ends */
		allow(a, reeve_memory_release(s, kind, bytes, &a->err), MAY_KILL | MAY_BE_INVALID,
			"memory_release");
	return reeve_checkpoint(s);
}

static int work_blocked(struct actor *a, struct reeve_session *s)
{
	uint64_t holder = board_pick(a, BOARD_SESSION);

	reeve_block_begin(s);
	if (holder && once_in(a, 2))
		allow(a, reeve_task_blocked_by(s, (reeve_session_id){holder}, &a->err),
			MAY_NOT_FOUND | MAY_BE_LATE | MAY_CONFLICT | MAY_EXHAUST,
			"task_blocked_by");
	kit_nap((reeve_ns)below(a, 200) * REEVE_USEC);
	if (once_in(a, 2))
		reeve_task_unblocked(s);
	return reeve_block_end(s);
}

static int work_shielded(struct actor *a, struct reeve_session *s)
{
	reeve_shield_begin(s);
	for (uint32_t n = below(a, 4); n > 0; n--) {
		kit_spin((reeve_ns)below(a, 30) * REEVE_USEC);
		reeve_checkpoint(s);
	}
	return reeve_shield_end(s);
}

static int work_requests(struct actor *a, struct reeve_session *s)
{
	uint32_t i = own_place(a, a->requests, false);
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	reeve_io_id id = {0};
	int rc;

	if (i == OWN_MAX)
		return reeve_checkpoint(s);
	def.type = below(a, 4);
	def.size_bytes = below(a, 65536);
	count_try(a, COUNT_IO);
	rc = allow(a, reeve_io_submit_for(s, &def, &id, &a->err), MAY_EXHAUST | MAY_KILL,
		"io_submit_for");
	count_settle(a, COUNT_IO, rc ? IT_IS_REFUSED : IT_IS_DONE);
	if (rc == 0)
		board_put(a, BOARD_REQUEST, a->requests[i] = id.v);
	return reeve_checkpoint(s);
}

static int work(struct actor *a, struct reeve_session *s)
{
	int rc = 0;

	for (uint32_t n = below(a, 5); n > 0 && !rc; n--) {
		switch (below(a, 12)) {
		case 0:
			rc = work_parallel(a, s);
			break;
		case 1:
		case 2:
			rc = work_io(a, s);
			break;
		case 3:
		case 4:
			rc = work_memory(a, s);
			break;
		case 5:
			rc = work_blocked(a, s);
			break;
		case 6:
			rc = work_shielded(a, s);
			break;
		case 7:
			rc = work_requests(a, s);
			break;
		default:
			kit_spin((reeve_ns)below(a, 60) * REEVE_USEC);
			rc = reeve_checkpoint(s);
		}
	}
	return rc;
}

static struct reeve_query_def query_def(struct actor *a)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;

	def.deadline = once_in(a, 16) ? REEVE_NEVER : soon(a, once_in(a, 2) ? 2000 : 50000);
	if (once_in(a, 4))
		def.estimated_ns = below(a, 100000000);
	if (once_in(a, 4))
		def.estimated_cpu_ns = below(a, 1000000);
	return def;
}

enum { MAY_NOT_BEGIN = MAY_STOP | MAY_QUEUE_OUT | MAY_EXHAUST | MAY_BE_LATE };

static void destroy_killed(struct actor *a, uint32_t i)
{
	struct reeve_session_info info;

	if (allow(a, reeve_session_get(a->r, reeve_session_id_of(a->sessions[i]), &info, &a->err),
		    0, "session_get of one with a handle") == 0)
		a->session_cpu_ns += info.cpu_ns;
	reeve_session_destroy(a->sessions[i]);
	a->sessions[i] = NULL;
}

static void check_stop(struct actor *a, int rc)
{
	if (rc && rc != REEVE_ECANCELLED && rc != REEVE_ETIMEOUT && rc != REEVE_EKILLED)
		fault(a, "a checkpoint answers with a strange code", rc);
}

static void run_alone(struct actor *a, uint32_t i)
{
	struct reeve_query_def def = query_def(a);
	struct reeve_query_usage usage = {0};
	int rc;

	count_try(a, COUNT_STATEMENTS);
	rc = allow(
		a, reeve_query_begin(a->sessions[i], &def, &a->err), MAY_NOT_BEGIN, "query_begin");
	count_settle(a, COUNT_STATEMENTS,
		rc == 0			     ? IT_IS_DONE
		: rc == REEVE_EINVALID_STATE ? IT_IS_REFUSED
					     : WHO_KNOWS);
	if (rc == REEVE_EINVALID_STATE)
		allow(a, reeve_session_cancel(a->r, reeve_session_id_of(a->sessions[i]), &a->err),
			MAY_BE_LATE, "cancel of a statement by hand"),
			allow(a,
				reeve_session_complete(
					a->r, reeve_session_id_of(a->sessions[i]), &a->err),
				MAY_BE_LATE, "complete of a statement by hand");
	if (rc == 0) {
		rc = work(a, a->sessions[i]);
		check_stop(a, rc);
		reeve_query_end(a->sessions[i], &usage);
		if (usage.cpu_ns < 0 || usage.elapsed_ns < 0 || usage.wait_ns < 0)
			fault(a, "a statement used less than nothing", 0);
	}
	if (rc == REEVE_EKILLED)
		destroy_killed(a, i);
}

/* The same admitted to all resources at once. */
static void run_admitted(struct actor *a, uint32_t i)
{
	struct reeve_execute_def def = REEVE_EXECUTE_DEF_INIT;
	struct reeve_parallel_def parallel = parallel_def(a);
	struct reeve_execute e;
	int rc;

	def.query = query_def(a);
	def.parallel = once_in(a, 2) ? &parallel : NULL;
	def.work_area_bytes = once_in(a, 2) ? below(a, 400000) : 0;
	count_try(a, COUNT_STATEMENTS);
	count_try(a, COUNT_PARALLEL);
	rc = allow(a, reeve_execute_begin(a->sessions[i], &def, &e, &a->err), MAY_NOT_BEGIN,
		"execute_begin");
	count_settle(a, COUNT_STATEMENTS, rc == 0 ? IT_IS_DONE : WHO_KNOWS);
	count_settle(a, COUNT_PARALLEL,
		!def.parallel ? IT_IS_REFUSED
		: rc == 0     ? IT_IS_DONE
			      : WHO_KNOWS);
	if (rc == 0) {
		rc = work(a, a->sessions[i]);
		check_stop(a, rc);
		allow(a, reeve_execute_end(&e, once_in(a, 8) ? "no" : NULL, NULL, &a->err), 0,
			"execute_end");
	}
	if (rc == REEVE_EKILLED)
		destroy_killed(a, i);
}

void act_statement(struct actor *a)
{
	uint32_t i = below(a, SESSIONS_MAX);

	if (!a->sessions[i])
		act_session_create(a);
	if (!a->sessions[i])
		return;
	if (once_in(a, 3))
		run_admitted(a, i);
	else
		run_alone(a, i);
}
