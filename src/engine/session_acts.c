/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_acts.c - what is done to a session from outside, in whatever state it is: statements by
 * hand, switching, cancelling, ending, priority.
 */
#include "admission.h"
#include "io.h"
#include "parallel.h"

void reeve__session_at_end(struct reeve *r, struct reeve_sh_session *sh, uint32_t bits)
{
	uint32_t task = sh->task;

	if (bits)
		atomic_fetch_or(&sh->at_end, bits);
	if (task < r->header->tasks.capacity)
		atomic_fetch_or(&r->tasks[task].attention, REEVE_ATTEND_END);
}

/* ---- by hand ---- */

static int wrong_phase(uint64_t id, uint32_t phase, const char *want, struct reeve_error *err)
{
	static const char *const names[] = {"is inactive", "runs a statement",
		"runs a statement, blocked", "runs a statement that was started by hand",
		"was killed"};

	return reeve__fail(err, REEVE_EINVALID_STATE, "session %llu %s; %s", (unsigned long long)id,
		phase < REEVE_COUNT(names) ? names[phase] : "is damaged", want);
}

/* Into the pool: 0, or 1: queued. The statement does not count when it is refused. */
static int enter_by_hand(struct reeve *r, uint32_t i, uint32_t *ret_position,
	struct reeve__session_pool_pass *x, struct reeve_error *err)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve_sh_task *t = &r->tasks[sh->task];
	int rc;

	reeve__session_pool_begin(x, r);
	rc = reeve__session_pool_enter_locked(x, i, err);
	if (ret_position) /* takes a pass over the sessions */
		*ret_position = rc > 0 ? reeve__session_queue_position_locked(x, i) : 0;
	if (rc < 0) {
		reeve__put(&t->start_cycles, (uint64_t)0);
		atomic_store(&t->phase, (uint32_t)REEVE_PHASE_IDLE);
	}
	reeve__session_pool_unlock(x);
	if (rc < 0)
		return rc;
	reeve__task_query_begins(t);
	reeve__put(&sh->last_active_wall, reeve__wall(r));
	return rc;
}

int reeve__session_start_locked(struct reeve *r, uint32_t i, uint32_t *ret_position,
	struct reeve__session_pool_pass *x, struct reeve_error *err)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve_sh_task *t = &r->tasks[sh->task];
	uint32_t phase = REEVE_PHASE_IDLE;

	if (!atomic_compare_exchange_strong(&t->phase, &phase, REEVE_PHASE_HAND))
		return wrong_phase(sh->head.id, phase, "it must be inactive to start one", err);
	reeve__put(&t->start_cycles, reeve__cycles(r));
	return enter_by_hand(r, i, ret_position, x, err);
}

bool reeve__session_moved_by_estimate(const struct reeve *r, uint32_t i)
{
	const struct reeve_sh_session *sh = &r->sessions[i];

	uint32_t task = reeve__get(&sh->task); /* REEVE_NONE: it has ended meanwhile */

	return (atomic_load(&sh->at_end) & REEVE_AT_END_RETURN) &&
	       task < r->header->tasks.capacity &&
	       atomic_load(&r->tasks[task].phase) == REEVE_PHASE_IDLE;
}

int reeve__session_start(struct reeve *r, reeve_session_id id, const struct reeve_query_def *def,
	uint32_t *ret_position, struct reeve_error *err)
{
	struct reeve__session_pool_pass x = {.wake_count = 0};
	uint32_t i = REEVE_NONE, position = 0;
	bool moved;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	reeve__sessions_unlock(r);
	if (!rc && def) /* may move it: takes the locks */
		rc = reeve__limits_estimate(r, i, def->estimated_ns, err);
	if (rc)
		return rc;
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc)
		rc = reeve__session_start_locked(r, i, ret_position ? &position : NULL, &x, err);
	moved = rc < 0 && i != REEVE_NONE && reeve__session_moved_by_estimate(r, i);
	reeve__sessions_unlock(r);
	reeve__session_pool_wake(&x);
	if (moved)
		reeve__limits_at_end(r, i);
	if (rc >= 0 && ret_position)
		*ret_position = position;
	return rc;
}

/* HAND to IDLE, the statement over or out of the queue, in one hold: who makes a pool meanwhile
   counts it in before, or not at all. */
int reeve__session_leave_hand_locked(struct reeve *r, uint32_t i, bool may_wait,
	struct reeve__session_pool_pass *x, struct reeve__cpu_pass *cpu, struct reeve_error *err)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve_sh_task *t = &r->tasks[sh->task];
	uint32_t phase = REEVE_PHASE_HAND;

	if (reeve__session_pool_waits(sh) && !may_wait)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"session %llu waits in the queue of its group; cancel it to take it out",
			(unsigned long long)sh->head.id);
	if (reeve__get(&t->phase) != REEVE_PHASE_HAND)
		return wrong_phase(sh->head.id, reeve__get(&t->phase),
			"only one that was started by hand is completed", err);
	reeve__session_pool_begin(x, r);
	reeve__session_pool_drop_locked(x, i);
	reeve__task_query_ends(t); /* by hand still: then its owner may begin one */
	(void)atomic_compare_exchange_strong(&t->phase, &phase, REEVE_PHASE_IDLE);
	reeve__session_pool_unlock(x);
	reeve__put(&t->end_cycles, reeve__cycles(r));
	reeve__put(&t->start_cycles, (uint64_t)0);
	reeve__put(&sh->last_active_wall, reeve__wall(r));
	(void)reeve__task_unlink(cpu, r, sh->task);
	return 0;
}

/* What was admitted for it goes with it. `code` 0: it was completed. */
static int leave_hand(
	struct reeve *r, reeve_session_id id, bool may_wait, int code, struct reeve_error *err)
{
	struct reeve__session_pool_pass x = {.wake_count = 0};
	struct reeve__cpu_pass cpu = {.wake_count = 0, .r = r};
	struct reeve__admission_pass admission = {.r = r};
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc)
		rc = reeve__session_leave_hand_locked(r, i, may_wait, &x, &cpu, err);
	if (!rc)
		reeve__admission_drop_locked(&admission, i, code);
	reeve__sessions_unlock(r);
	reeve__session_pool_wake(&x);
	reeve__cpu_wake(&cpu);
	reeve__admission_wake(&admission);
	if (!rc)
		reeve__limits_at_end(r, i);
	return rc;
}

int reeve__session_complete(struct reeve *r, reeve_session_id id, struct reeve_error *err)
{
	return leave_hand(r, id, false, 0, err);
}

int reeve__session_stop_hand(
	struct reeve *r, reeve_session_id id, int code, struct reeve_error *err)
{
	return leave_hand(r, id, true, code, err);
}

/* ---- switching ---- */

/* A choice by hand stands: nothing brings the session back when its call ends. */
static void note_mover(struct reeve_sh_session *sh, enum reeve__mover mover)
{
	if (mover != REEVE__MOVED_BY_HAND)
		return;
	reeve__put(&sh->return_group, (uint64_t)0);
	atomic_fetch_and(&sh->at_end, ~(uint32_t)REEVE_AT_END_RETURN);
}

static bool move_locked(struct reeve *r, uint32_t i, uint32_t g, uint32_t reason,
	struct reeve__session_pool_pass *pool, struct reeve__cpu_pass *x,
	struct reeve__parallel_pass *parallel)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	uint32_t from = reeve__get(&sh->group);
	bool parallel_moved;

	sh->previous_group = r->groups[from].head.id;
	sh->switch_reason = reason;
	sh->switched_wall = reeve__wall(r);
	atomic_store(&sh->group, g); /* before the look at its place; see enter_fast */
	reeve__add(&r->groups[from].sessions, (uint32_t)-1);
	reeve__add(&r->groups[g].sessions, 1);
	REEVE_POINT(POOL_SWITCHED);
	reeve__io_move(r, sh->task, from);
	parallel_moved = reeve__parallel_move(parallel, r, i, from, g);
	reeve__cpu_move(x, r, sh->task, g);
	if (from != g) { /* last: who begins a statement from here on begins it in that group */
		reeve__session_pool_begin(pool, r);
		reeve__session_pool_move_locked(pool, i, g);
		reeve__session_pool_unlock(pool);
	}
	reeve__admission_follow_locked(r, i);
	reeve__session_event(r, i,
		(struct reeve_event){.kind = REEVE_EVENT_SESSION_SWITCHED,
			.reason = reason,
			.object = sh->previous_group},
		NULL);
	return parallel_moved;
}

int reeve__session_move(struct reeve *r, reeve_session_id id, reeve_group_id to, uint32_t reason,
	enum reeve__mover mover, struct reeve_error *err)
{
	struct reeve__cpu_pass x = {.wake_count = 0, .r = r};
	struct reeve__session_pool_pass pool = {.wake_count = 0, .r = r};
	struct reeve__parallel_pass parallel;
	uint32_t i = REEVE_NONE, g = REEVE_NONE;
	bool parallel_moved = false;
	int rc;

	if (reason > REEVE_SWITCH_WORKLOAD_BASED)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"reason is %u; allowed are 0 (Initial) to 4 (WorkloadBased)", reason);
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, to, &g, err);
	reeve__sessions_lock(r);
	if (!rc)
		rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc && reeve__get(&r->sessions[i].group) != g && mover != REEVE__MOVED_BACK)
		rc = reeve__session_check_room(&r->groups[g], err);
	if (!rc)
		rc = reeve__memory_session_move(r, i, g, err);
	if (!rc) {
		note_mover(&r->sessions[i], mover);
		parallel_moved = move_locked(r, i, g, reason, &pool, &x, &parallel);
	}
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__session_pool_wake(&pool);
	reeve__cpu_wake(&x);
	if (parallel_moved)
		reeve__parallel_wake(&parallel);
	return rc;
}

int reeve__session_switch(struct reeve *r, reeve_session_id id, reeve_group_id to, uint32_t reason,
	struct reeve_error *err)
{
	return reeve__session_move(r, id, to, reason, REEVE__MOVED_BY_HAND, err);
}

/* ---- cancelling and ending ---- */

int reeve__session_cancel(struct reeve *r, reeve_session_id id, struct reeve_error *err)
{
	uint64_t start = 0;
	uint32_t i = REEVE_NONE, task = REEVE_NONE;
	bool wake = false, queued = false;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc) {
		task = r->sessions[i].task;
		struct reeve_sh_task *t = &r->tasks[task];
		bool by_hand = reeve__get(&t->phase) == REEVE_PHASE_HAND;
		start = reeve__get(&t->start_cycles);
		queued = by_hand && reeve__session_pool_waits(&r->sessions[i]);
		if (start == 0 || (by_hand && !queued))
			rc = reeve__fail(err, REEVE_EINVALID_STATE,
				"session %llu runs no statement", (unsigned long long)id.v);
	}
	if (!rc && !queued) {
		reeve__put(&r->tasks[task].cancel_cycles, start);
		REEVE_POINT(CANCEL_NOTED);
		wake = reeve__task_attend(r, task, REEVE_ATTEND_CANCEL);
	}
	reeve__sessions_unlock(r);
	if (wake)
		reeve__task_wake(r, task);
	if (!queued)
		return rc;
	rc = leave_hand(r, id, true, REEVE_ECANCELLED, err);
	if (!rc) {
		reeve__add(&r->header->session_counts.cancelled, (uint64_t)1);
		reeve__session_event(r, i,
			(struct reeve_event){.kind = REEVE_EVENT_STATEMENT_CANCELLED,
				.code = REEVE_ECANCELLED,
				.action = REEVE_ACTION_CANCEL_QUERY},
			NULL);
	}
	return rc;
}

int reeve__session_kill(struct reeve *r, reeve_session_id id, struct reeve_error *err)
{
	return reeve__session_end(r, id, REEVE_END_MANUAL_KILL, err);
}

/* ---- priority ---- */

/* Rank 0 to 3 of a session, in its queue, and its task's weight with it. */
static void rank_locked(
	struct reeve *r, uint32_t i, uint32_t rank, struct reeve__session_pool_pass *pool)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve__cpu_pass x;

	reeve__session_pool_begin(pool, r);
	reeve__session_pool_rank_locked(pool, i, rank);
	reeve__session_pool_unlock(pool);
	reeve__cpu_begin(&x, r);
	r->tasks[sh->task].priority = reeve__session_task_priority(rank);
	reeve__admission_rank_locked(r, i, rank);
	reeve__cpu_unlock(&x);
	reeve__cpu_wake(&x);
}

int reeve__session_priority_set(struct reeve *r, reeve_session_id id, uint32_t priority, bool boost,
	struct reeve_priority_change *ret, struct reeve_error *err)
{
	static const char *const names[] = {"Critical", "High", "Normal", "Low"};
	struct reeve__session_pool_pass pool = {.wake_count = 0, .r = r};
	struct reeve_priority_change change;
	uint32_t i = REEVE_NONE;
	int rc;

	if (!boost && priority > REEVE_SESSION_LOW)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 (Critical) to 3 (Low)", priority);
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc) {
		struct reeve_sh_session *sh = &r->sessions[i];
		change.previous = change.now = reeve__get(&sh->rank);
		if (!boost) {
			sh->priority = change.now = priority;
			atomic_fetch_and(&sh->at_end, ~(uint32_t)REEVE_AT_END_BOOST);
		} else if (change.now > REEVE_SESSION_CRITICAL) {
			change.now--;
			reeve__add(&sh->boosts, 1);
			reeve__add(&r->control->boosts, (uint64_t)1);
			reeve__session_at_end(r, sh, REEVE_AT_END_BOOST);
		}
		change.boosts = reeve__get(&sh->boosts);
		if (change.now != change.previous) {
			rank_locked(r, i, change.now, &pool);
			reeve__session_event(r, i,
				(struct reeve_event){.kind = REEVE_EVENT_PRIORITY_BOOSTED,
					.actual = change.now,
					.limit = change.previous},
				names[change.now & 3]);
		}
	}
	reeve__sessions_unlock(r);
	reeve__session_pool_wake(&pool);
	if (!rc && ret)
		*ret = change;
	return rc;
}

void reeve__session_unboost(struct reeve *r, uint32_t session)
{
	struct reeve__session_pool_pass pool = {.wake_count = 0, .r = r};
	struct reeve_sh_session *sh = &r->sessions[session];

	reeve__sessions_lock(r);
	if (reeve__get(&sh->head.state) == REEVE_SLOT_LIVE &&
		sh->task < r->header->tasks.capacity && reeve__get(&sh->rank) != sh->priority)
		rank_locked(r, session, sh->priority, &pool);
	reeve__sessions_unlock(r);
	reeve__session_pool_wake(&pool);
}
