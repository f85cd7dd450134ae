/* SPDX-License-Identifier: Apache-2.0 */
/* admission_check.c - admissions put right after a death, and checked; see admission.c. */
#include "admission.h"
#include "memory.h"
#include "parallel.h"

/* ---- recovery ---- */

static bool is_by_hand(const struct reeve *r, const struct reeve_sh_session *sh)
{
	uint32_t task = reeve__get(&sh->task);

	return task < r->header->tasks.capacity &&
	       atomic_load(&r->tasks[task].phase) == REEVE_PHASE_HAND;
}

/* Whether a row is as it is between two sections under the lock. */
static bool is_whole(const struct reeve *r, uint32_t i)
{
	const struct reeve_sh_admission *a = &r->admissions[i];
	const struct reeve_sh_session *sh;
	uint32_t stage = reeve__get(&a->stage);

	if (reeve__get(&a->busy) || a->session >= reeve__table_used(&r->header->sessions) ||
		stage < REEVE_ADMISSION_PLACE || stage > REEVE_ADMISSION_RUNNING)
		return false;
	sh = &r->sessions[a->session];
	return reeve__get(&sh->head.state) == REEVE_SLOT_LIVE && sh->head.id == a->session_id &&
	       reeve__get(&sh->admission) == i + 1 && is_by_hand(r, sh) &&
	       (stage == REEVE_ADMISSION_RUNNING) ==
		       (reeve__admission_cpu_task(r, a) != REEVE_NONE);
}

/* What names the session, and was perhaps not noted by the row. */
static void find_parts(struct reeve *r, struct reeve_sh_admission *a)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t k = 0; k < reeve__table_used(&h->tasks); k++)
		if (reeve__get(&r->tasks[k].head.state) == REEVE_SLOT_LIVE &&
			r->tasks[k].kind == REEVE_TASK_PULL && r->tasks[k].session == a->session) {
			a->task = k;
			a->task_id = r->tasks[k].head.id;
		}
	for (uint32_t k = 0; k < reeve__table_used(&h->executions); k++)
		if (reeve__get(&r->executions[k].head.state) == REEVE_SLOT_LIVE &&
			(r->executions[k].flags & REEVE_SH_EXECUTION_ADMITTED) &&
			r->executions[k].session == a->session)
			a->execution_id = r->executions[k].head.id;
}

static void recover_row(struct reeve *r, uint32_t i)
{
	struct reeve_sh_admission *a = &r->admissions[i];
	struct reeve__admission_after f =
		REEVE__ADMISSION_AFTER(r); /* its wakes are lost: who waits looks up by himself */
	struct reeve_sh_session *sh;

	if (a->session >= r->header->sessions.capacity) {
		reeve__table_free(r, &r->header->admissions, i, NULL);
		return;
	}
	sh = &r->sessions[a->session];
	find_parts(r, a);
	if (reeve__get(&sh->head.state) == REEVE_SLOT_LIVE && sh->head.id == a->session_id &&
		reeve__get(&sh->admission) == i + 1 && is_by_hand(r, sh) &&
		reeve__session_leave_hand_locked(r, a->session, true, &f.pool, &f.cpu, NULL) == 0 &&
		atomic_load(&sh->pool)) {
		reeve__session_pool_begin(&f.pool, r);
		reeve__session_pool_drop_locked(&f.pool, a->session);
		reeve__session_pool_unlock(&f.pool);
	}
	if (reeve__get(&a->stage) <= REEVE_ADMISSION_RUNNING)
		reeve__admission_end_row(
			&f.p, i, REEVE_ECANCELLED, "its admission was cut short by a death");
	else
		reeve__admission_end_row(
			&f.p, i, -(int)a->outcome, *a->failure ? a->failure : NULL);
}

void reeve__admissions_recover_locked(struct reeve *r)
{
	struct reeve_sh_table *t = &r->header->admissions;
	uint32_t used;

	reeve__table_rebuild(r, t, 0);
	used = reeve__table_used(t);
	r->control->admissions_ended = 0;
	for (uint32_t i = 0; i < used; i++)
		r->control->admissions_ended +=
			reeve__get(&r->admissions[i].head.state) == REEVE_SLOT_ENDED;
	for (uint32_t i = 0; i < used; i++)
		if (reeve__get(&r->admissions[i].head.state) == REEVE_SLOT_LIVE && !is_whole(r, i))
			recover_row(r, i);
}

/* ---- validate ---- */

/* Tasks, executions and work areas that name a session and no row names. */
static const char *find_orphan(struct reeve *r)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t k = 0; k < reeve__table_used(&h->tasks); k++) {
		const struct reeve_sh_task *t = &r->tasks[k];
		uint32_t i;
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE || t->kind != REEVE_TASK_PULL ||
			t->session == REEVE_NONE)
			continue;
		i = t->session < h->sessions.capacity ? reeve__admission_row(r, t->session)
						      : REEVE_NONE;
		if (i == REEVE_NONE || r->admissions[i].task != k)
			return "a CPU task belongs to a query execution that is over";
	}
	for (uint32_t k = 0; k < reeve__table_used(&h->executions); k++) {
		const struct reeve_sh_execution *e = &r->executions[k];
		uint32_t i;
		if (reeve__get(&e->head.state) != REEVE_SLOT_LIVE ||
			!(e->flags & REEVE_SH_EXECUTION_ADMITTED))
			continue;
		i = e->session < h->sessions.capacity ? reeve__admission_row(r, e->session)
						      : REEVE_NONE;
		if (i == REEVE_NONE || r->admissions[i].execution_id != e->head.id)
			return "a parallel execution belongs to a query execution that is over";
	}
	for (uint32_t k = 0; k < reeve__table_used(&h->quotas); k++) {
		const struct reeve_sh_quota *q = &r->quotas[k];
		if (reeve__get(&q->head.state) == REEVE_SLOT_LIVE && reeve__get(&q->admitted) &&
			(q->session >= h->sessions.capacity ||
				reeve__admission_row(r, q->session) == REEVE_NONE))
			return "a work area belongs to a query execution that is over";
	}
	return NULL;
}

int reeve__admission_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct reeve__parallel_pass x;
	const char *faults[4];
	uint32_t ended = 0;
	int n = 0;

	reeve__sessions_lock(r);
	reeve__parallel_lock(&x, r);
	reeve__memory_lock(r);
	if ((faults[n] = reeve__table_check(r, &r->header->admissions)))
		n++;
	for (uint32_t i = 0; i < reeve__table_used(&r->header->admissions); i++) {
		uint32_t state = reeve__get(&r->admissions[i].head.state);
		ended += state == REEVE_SLOT_ENDED;
		if (state == REEVE_SLOT_LIVE && !is_whole(r, i)) {
			faults[n++] = "a query execution and its session do not agree";
			break;
		}
	}
	if (ended != r->control->admissions_ended)
		faults[n++] = "the count of query executions that are over is wrong";
	if ((faults[n] = find_orphan(r)))
		n++;
	reeve__memory_unlock(r);
	reeve__parallel_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__parallel_wake(&x);
	for (int k = 0; found && k < n; k++)
		found(arg, faults[k]);
	return n;
}
