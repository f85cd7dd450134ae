/* SPDX-License-Identifier: Apache-2.0 */
/* parallel.c - executions by id, and what ends or moves them from outside; see parallel.h. */
#include "parallel.h"

/* ---- by id ---- */

static int find_by_id(
	const struct reeve__parallel_pass *x, uint64_t id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(x->r, &x->r->header->executions, id);
	if (*ret == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "parallel execution %llu", (unsigned long long)id);
	if (reeve__get(&x->r->executions[*ret].phase) > REEVE_EXECUTION_COMPLETING)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"parallel execution %llu is over already", (unsigned long long)id);
	return 0;
}

/*
 * The session and group of an outside engine's request. The catalog and session locks are held, so
 * that neither goes away before the execution is there.
 */
static int find_asker(struct reeve *r, uint64_t session_id, reeve_group_id group,
	struct reeve__parallel_asker *asker, struct reeve_error *err)
{
	uint32_t i = reeve__table_find(r, &r->header->sessions, session_id);
	const struct reeve_sh_session *sh = i == REEVE_NONE ? NULL : &r->sessions[i];
	int rc;

	*asker = (struct reeve__parallel_asker){session_id, i, 0, REEVE_SH_EXECUTION_OUTSIDE};
	if (sh && reeve__get(&sh->head.state) != REEVE_SLOT_LIVE)
		return reeve__fail(err, REEVE_EINVALID_STATE, "session %llu has ended",
			(unsigned long long)session_id);
	if (group.v == 0 && sh) {
		asker->group = reeve__get(&sh->group);
		return asker->group < r->group_capacity
			       ? 0
			       : reeve__fail(err, REEVE_EINTERNAL, "session %llu is damaged",
					 (unsigned long long)session_id);
	}
	rc = reeve__group_slot_locked(r, group, &asker->group, err);
	if (rc || sh)
		return rc;
	asker->flags |= REEVE_SH_EXECUTION_EXTERNAL;
	if (!reeve__external_session_note(r, session_id))
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of outside engines' sessions is full: %u of %u",
			reeve__get(&r->header->externals.live), r->header->externals.capacity);
	return 0;
}

int reeve__execution_request(struct reeve *r, uint64_t session_id, reeve_group_id group,
	const struct reeve_parallel_def *def, struct reeve_execution_info *ret,
	struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	struct reeve__parallel_asker asker;
	uint32_t i;
	int rc = reeve__parallel_check_def(def, err);

	if (!rc && session_id == 0)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT, "sessionId is 0; allowed are 1 up");
	if (rc)
		return rc;
	if (def->mode >= REEVE_PARALLEL_AUTOMATIC)
		(void)reeve__parallel_load(r, reeve__mono(r));
	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	rc = find_asker(r, session_id, group, &asker, err);
	if (!rc) {
		reeve__parallel_lock(&x, r);
		rc = reeve__parallel_admit(&x, def, &asker, &i, err);
		if (!rc && reeve__parallel_runs(&r->executions[i]))
			reeve__parallel_acknowledge(&x, i);
		if (!rc)
			reeve__execution_fill(&x, i, ret);
		reeve__parallel_unlock(&x);
	} else {
		x.wake_count = 0;
		x.r = r;
	}
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__parallel_wake(&x);
	return rc;
}

int reeve__execution_progress(struct reeve *r, reeve_execution_id id, uint64_t rows, uint64_t bytes,
	struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_by_id(&x, id.v, &i, err);
	if (!rc && !reeve__parallel_runs(&r->executions[i]))
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "parallel execution %llu is queued",
			(unsigned long long)id.v);
	if (!rc) {
		reeve__parallel_raise(&r->executions[i].rows, rows);
		reeve__parallel_raise(&r->executions[i].bytes, bytes);
		if (r->executions[i].flags & REEVE_SH_EXECUTION_OUTSIDE) {
			reeve__parallel_acknowledge(&x, i);
			reeve__parallel_adapt_one(&x, i);
		}
	}
	reeve__parallel_done(&x);
	return rc;
}

int reeve__execution_complete(
	struct reeve *r, reeve_execution_id id, const char *failure, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_by_id(&x, id.v, &i, err);
	if (!rc && reeve__parallel_runs(&r->executions[i])) {
		reeve__parallel_stop(&x, i, failure);
	} else if (!rc) {
		reeve__execution_finish(&x, i, REEVE_ECANCELLED,
			failure ? failure : "it was completed before it started");
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_done(&x);
	return rc;
}

/* One that a process holds is told, and keeps its servers until it has stopped. */
static void ask_to_stop(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];

	reeve__put(&e->outcome, (uint32_t)-REEVE_ECANCELLED);
	reeve__put(&e->phase, (uint32_t)REEVE_EXECUTION_COMPLETING);
	reeve__parallel_publish(e, 0);
	reeve__parallel_mark(x, i);
}

int reeve__execution_cancel(struct reeve *r, reeve_execution_id id, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_by_id(&x, id.v, &i, err);
	if (!rc && reeve__get(&r->executions[i].phase) == REEVE_EXECUTION_COMPLETING)
		rc = reeve__fail(err, REEVE_EINVALID_STATE,
			"parallel execution %llu has been cancelled already",
			(unsigned long long)id.v);
	if (!rc && reeve__parallel_runs(&r->executions[i]) &&
		!(r->executions[i].flags & REEVE_SH_EXECUTION_OUTSIDE)) {
		ask_to_stop(&x, i);
	} else if (!rc) {
		reeve__execution_finish(&x, i, REEVE_ECANCELLED, "it was cancelled");
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_done(&x);
	return rc;
}

/* ---- sessions, processes, time ---- */

bool reeve__parallel_drop(struct reeve__parallel_pass *x, struct reeve *r, uint32_t session)
{
	uint32_t n = 0, i;

	/* Its slot is not LIVE any more: who adds one after this look sees that (check_session). */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&r->parallel_sessions[session]) == 0)
		return false;
	reeve__parallel_lock(x, r);
	for (; n <= r->header->executions.capacity; n++) {
		i = reeve__get(&r->parallel_sessions[session]) - 1;
		if (i >= r->header->executions.capacity || r->executions[i].session != session ||
			reeve__get(&r->executions[i].phase) > REEVE_EXECUTION_COMPLETING)
			break;
		reeve__execution_finish(x, i, REEVE_EKILLED, "its session has ended");
	}
	reeve__put(&r->parallel_sessions[session], 0);
	reeve__parallel_hand_over(x);
	reeve__parallel_unlock(x);
	return true;
}

void reeve__parallel_move_one(struct reeve__parallel_pass *x, uint32_t i, uint32_t to)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *from = reeve__parallel_group_at(x->r, e->group);
	struct reeve_sh_parallel_group *into = reeve__parallel_group_at(x->r, to);
	bool waits = reeve__heap_has(&e->node);

	if (waits) {
		reeve__parallel_dequeue(x, i);
		e->group = to;
		reeve__parallel_enqueue(x, i);
		return;
	}
	reeve__parallel_charge(x, i);
	from->in_use -= e->held;
	into->in_use += e->held;
	if (reeve__parallel_runs(e)) {
		from->executing--;
		into->executing++;
	}
	e->group = to;
}

bool reeve__parallel_move(struct reeve__parallel_pass *x, struct reeve *r, uint32_t session,
	uint32_t from, uint32_t to)
{
	uint32_t i, n = 0;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&r->parallel_sessions[session]) == 0)
		return false;
	reeve__parallel_lock(x, r);
	i = reeve__get(&r->parallel_sessions[session]) - 1;
	for (; i < r->header->executions.capacity && n <= r->header->executions.capacity; n++) {
		struct reeve_sh_execution *e = &r->executions[i];
		if (e->group == from || (from == REEVE_NONE && e->group != to &&
						!(e->flags & REEVE_SH_EXECUTION_OUTSIDE)))
			reeve__parallel_move_one(x, i, to);
		i = e->session_next;
	}
	reeve__parallel_hand_over(x);
	reeve__parallel_unlock(x);
	return true;
}

uint32_t reeve__parallel_reap(struct reeve *r, uint32_t attachment)
{
	const struct reeve_sh_table *t = &r->header->executions;
	struct reeve__parallel_pass x;
	uint32_t n = 0, i = 0, batch;

	if (reeve__get(&t->live) == 0)
		return 0;
	do { /* at most 64 under one lock */
		reeve__parallel_lock(&x, r);
		for (batch = 0; i < reeve__table_used(t) && batch < 64; i++) {
			struct reeve_sh_execution *e = &r->executions[i];
			uint32_t state = reeve__get(&e->head.state);
			if (e->attachment != attachment ||
				(state != REEVE_SLOT_LIVE && state != REEVE_SLOT_KEPT))
				continue;
			e->flags &= ~(uint32_t)REEVE_SH_EXECUTION_AWAITED;
			reeve__execution_finish(
				&x, i, REEVE_EKILLED, "the process that asked for it is gone");
			if (reeve__get(&e->head.state) == REEVE_SLOT_KEPT)
				reeve__parallel_rest(&x, i);
			batch++;
		}
		n += batch;
		reeve__parallel_hand_over(&x);
		reeve__parallel_done(&x);
	} while (batch == 64);
	return n;
}

uint32_t reeve__parallel_tick(struct reeve *r)
{
	struct reeve__parallel_pass x;

	(void)reeve__parallel_load(r, reeve__mono(r));
	reeve__parallel_lock(&x, r);
	reeve__parallel_hand_over(&x);
	reeve__parallel_adapt_all(&x);
	reeve__parallel_trim(&x);
	reeve__parallel_hand_over(&x);
	reeve__parallel_done(&x);
	return x.changes;
}
