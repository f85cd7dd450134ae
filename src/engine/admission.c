/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.c - a session's statement admitted by ids, for an engine that is no thread of ours.
 *
 *	place in the session pool -> parallel servers -> CPU task of the pull kind -> work area
 *
 * in the order of manager_admit.c, and for its reasons. What has to queue keeps what it has, and goes
 * on when its turn has come and somebody looks: who asks after it, or housekeeping. What is refused
 * then ends the whole.
 *
 * Each step and each end is one section under the session lock, in which the row is `busy`, and what
 * is taken names the session: so whoever finds the lock's owner dead finds what belongs to a row that
 * is busy, or whose session runs no statement by hand any more, and gives it back. In that order an
 * end goes, too: first the statement's phase, then the row, then what it holds.
 */
#include "admission.h"
#include "io.h"
#include "memory.h"
#include "parallel.h"

/* Of those that are over so many are kept to be looked at. */
#define KEPT 64u

/* ---- wakes ---- */

static void note_tasks(struct reeve__admission_pass *p, const uint32_t *tasks, uint32_t n)
{
	for (uint32_t i = 0; i < n && p->tasks < REEVE_COUNT(p->task); i++)
		p->task[p->tasks++] = tasks[i];
}

void reeve__admission_wake(struct reeve__admission_pass *p)
{
	struct reeve *r = p->r;

	for (uint32_t i = 0; i < p->tasks; i++) {
		uint32_t parked = REEVE_PARK_YES;
		atomic_compare_exchange_strong(
			&r->tasks[p->task[i]].park, &parked, REEVE_PARK_LOOK);
		reeve__task_wake(r, p->task[i]);
	}
	for (uint32_t i = 0; i < p->executors; i++)
		reeve__wake(r, (uint32_t *)&r->io_executors[p->executor[i]].word);
	p->tasks = p->executors = 0;
}

/* ---- rows ---- */

/* Row of what is under way for a session; REEVE_NONE. */
uint32_t reeve__admission_row(const struct reeve *r, uint32_t session)
{
	uint32_t i = reeve__get(&r->sessions[session].admission) - 1; /* 0 wraps to REEVE_NONE */

	return i < reeve__table_used(&r->header->admissions) &&
			       reeve__get(&r->admissions[i].head.state) == REEVE_SLOT_LIVE &&
			       r->admissions[i].session == session
		       ? i
		       : REEVE_NONE;
}

/* Its CPU task; REEVE_NONE: none yet. */
uint32_t reeve__admission_cpu_task(const struct reeve *r, const struct reeve_sh_admission *a)
{
	return a->task < r->header->tasks.capacity && r->tasks[a->task].kind == REEVE_TASK_PULL &&
			       r->tasks[a->task].session == a->session &&
			       r->tasks[a->task].head.id == a->task_id
		       ? a->task
		       : REEVE_NONE;
}

static void free_oldest(struct reeve *r)
{
	struct reeve_sh_table *t = &r->header->admissions;

	if (t->ended_first >= t->capacity)
		return;
	reeve__table_free(r, t, t->ended_first, NULL);
	r->control->admissions_ended -= r->control->admissions_ended > 0;
}

/* A row, published, busy and linked, that has taken nothing; REEVE_NONE: the table is full. */
static uint32_t add_row(struct reeve *r, uint32_t session, const struct reeve_admission_def *def)
{
	struct reeve_sh_table *t = &r->header->admissions;
	const struct reeve_parallel_def *parallel = def->parallel;
	struct reeve_sh_admission *a;
	uint32_t i;

	if (t->free >= t->capacity && reeve__table_used(t) >= t->capacity)
		free_oldest(r);
	i = reeve__table_claim(r, t);
	if (i == REEVE_NONE)
		return i;
	a = &r->admissions[i];
	memset((char *)a + sizeof(a->head), 0, sizeof(*a) - sizeof(a->head));
	reeve__put(&a->busy, 1);
	a->session = session;
	a->session_id = r->sessions[session].head.id;
	a->task = REEVE_NONE;
	a->estimate_ns = def->estimated_ns;
	a->work_area_bytes = def->work_area_bytes;
	a->begun_wall = reeve__wall(r);
	if (parallel) {
		a->is_parallel = 1;
		a->mode = parallel->mode;
		a->requested_dop = parallel->requested_dop;
		a->min_dop = parallel->min_dop;
		a->downgrade = parallel->downgrade;
		a->parallel_priority = parallel->priority;
		a->cost_milli = parallel->estimated_cost_milli;
		a->rows = parallel->estimated_rows;
		a->deadline = parallel->deadline;
	}
	reeve__put(&a->stage, REEVE_ADMISSION_PLACE);
	reeve__table_publish(r, t, i, r->header->next_admission_id++, NULL);
	reeve__put(&r->sessions[session].admission, i + 1);
	return i;
}

static void unlink_row(struct reeve *r, uint32_t i)
{
	uint32_t session = r->admissions[i].session;

	if (session < r->header->sessions.capacity &&
		reeve__get(&r->sessions[session].admission) == i + 1)
		reeve__put(&r->sessions[session].admission, 0);
}

/* ---- taking ---- */

static int stop_code(const struct reeve_sh_execution *e)
{
	int code = (int)(0 - reeve__get(&e->outcome));

	return code < 0 ? code : REEVE_ECANCELLED;
}

/* What has become of its parallel execution: 0: it runs; 1: it is queued; else why it is over. */
static int look_at_servers(
	struct reeve__parallel_pass *x, const struct reeve_sh_admission *a, struct reeve_error *err)
{
	uint32_t k = reeve__table_find(x->r, &x->r->header->executions, a->execution_id);
	const struct reeve_sh_execution *e = k == REEVE_NONE ? NULL : &x->r->executions[k];

	if (e && reeve__get(&e->phase) == REEVE_EXECUTION_QUEUED)
		return 1;
	if (e && reeve__parallel_runs(e)) {
		reeve__parallel_acknowledge(x, k);
		return 0;
	}
	return reeve__fail(err, e ? stop_code(e) : REEVE_ECANCELLED,
		"parallel execution %llu did not start: %.80s", (unsigned long long)a->execution_id,
		e ? e->failure : "it was cancelled");
}

static int ask_for_servers(
	struct reeve__parallel_pass *x, struct reeve_sh_admission *a, struct reeve_error *err)
{
	const struct reeve_parallel_def def = {
		.mode = a->mode,
		.requested_dop = a->requested_dop,
		.min_dop = a->min_dop,
		.downgrade = a->downgrade,
		.priority = a->parallel_priority,
		.estimated_cost_milli = a->cost_milli,
		.estimated_rows = a->rows,
		.deadline = a->deadline,
	};
	const struct reeve__parallel_asker asker = {
		.session_id = a->session_id,
		.session = a->session,
		.group = reeve__get(&x->r->sessions[a->session].group),
		.flags = REEVE_SH_EXECUTION_OUTSIDE | REEVE_SH_EXECUTION_ADMITTED,
	};
	uint32_t k;
	int rc = reeve__parallel_admit(x, &def, &asker, &k, err);

	if (!rc)
		a->execution_id = x->r->executions[k].head.id;
	return rc;
}

/* 0: has them; 1: queued. */
static int take_servers(struct reeve__admission_pass *p, uint32_t i, struct reeve_error *err)
{
	struct reeve_sh_admission *a = &p->r->admissions[i];
	struct reeve__parallel_pass x;
	int rc = 0;

	if (!a->is_parallel)
		return 0;
	reeve__parallel_lock(&x, p->r);
	if (!a->execution_id)
		rc = ask_for_servers(&x, a, err);
	if (!rc)
		rc = look_at_servers(&x, a, err);
	reeve__parallel_unlock(&x);
	note_tasks(p, x.wakes, x.wake_count);
	return rc;
}

static int take_task(struct reeve__admission_pass *p, uint32_t i, struct reeve_error *err)
{
	struct reeve *r = p->r;
	struct reeve_sh_admission *a = &r->admissions[i];
	const struct reeve_sh_session *sh = &r->sessions[a->session];
	const struct reeve__pull_def def = {
		.query_id = a->head.id,
		.estimate_ns = a->estimate_ns,
		.group = reeve__get(&sh->group),
		.session = a->session,
		.priority = reeve__session_task_priority(reeve__get(&sh->rank)),
	};
	struct reeve__cpu_pass x;
	int rc = reeve__pull_add_locked(&x, r, &def, &a->task, err);

	if (rc)
		return rc;
	a->task_id = r->tasks[a->task].head.id;
	note_tasks(p, x.wakes, x.wake_count);
	return 0;
}

/* From its place on, as far as it goes: 0: it runs; 1: it has to wait for servers. */
static int go_on(struct reeve__admission_pass *p, uint32_t i, struct reeve_error *err)
{
	struct reeve_sh_admission *a = &p->r->admissions[i];
	int rc = take_servers(p, i, err);

	if (rc == 1)
		reeve__put(&a->stage, REEVE_ADMISSION_SERVERS);
	if (rc)
		return rc;
	REEVE_POINT(ADMISSION_SERVED);
	rc = take_task(p, i, err);
	if (rc)
		return rc;
	REEVE_POINT(ADMISSION_TASKED);
	if (a->work_area_bytes)
		rc = reeve__memory_admission_charge(p->r, a->session, a->work_area_bytes, err);
	if (rc)
		return rc;
	a->started_wall = reeve__wall(p->r);
	reeve__add(&p->r->control->admissions, (uint64_t)1);
	reeve__put(&a->stage, REEVE_ADMISSION_RUNNING);
	return 0;
}

/* ---- giving back ---- */

static void give_servers_back(struct reeve__admission_pass *p, const struct reeve_sh_admission *a,
	int code, const char *text)
{
	struct reeve__parallel_pass x;
	uint32_t k;

	reeve__parallel_lock(&x, p->r);
	k = reeve__table_find(p->r, &p->r->header->executions, a->execution_id);
	if (k != REEVE_NONE &&
		reeve__get(&p->r->executions[k].phase) <= REEVE_EXECUTION_COMPLETING) {
		reeve__execution_finish(&x, k, code, text && *text ? text : NULL);
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_unlock(&x);
	note_tasks(p, x.wakes, x.wake_count);
}

static void give_task_back(struct reeve__admission_pass *p, struct reeve_sh_admission *a)
{
	struct reeve *r = p->r;
	struct reeve__io_pass io;
	struct reeve__cpu_pass x;

	if (reeve__io_drop(&io, r, a->task)) {
		note_tasks(p, io.wakes, io.wake_count);
		for (uint32_t k = 0; k < io.executor_count; k++)
			if (p->executors < REEVE_COUNT(p->executor))
				p->executor[p->executors++] = io.executors[k];
	}
	reeve__pull_end_locked(&x, r, a->task);
	note_tasks(p, x.wakes, x.wake_count);
	a->task = REEVE_NONE;
}

static void give_back(
	struct reeve__admission_pass *p, struct reeve_sh_admission *a, int code, const char *text)
{
	reeve__memory_admission_release(p->r, a->session);
	if (reeve__admission_cpu_task(p->r, a) != REEVE_NONE)
		give_task_back(p, a);
	if (a->execution_id)
		give_servers_back(p, a, code, text);
}

/* What it has used and had, for those who look when it is over. */
static void note_use(struct reeve__admission_pass *p, struct reeve_sh_admission *a)
{
	struct reeve *r = p->r;
	uint32_t g = reeve__get(&r->sessions[a->session].group),
		 task = reeve__admission_cpu_task(r, a), k;
	struct reeve__parallel_pass x;

	a->group_id = g < r->group_capacity ? r->groups[g].head.id : 0;
	if (task != REEVE_NONE) {
		a->cpu_ns = reeve__get(&r->tasks[task].cpu_ns);
		a->io_bytes = reeve__get(&r->tasks[task].io_bytes);
		a->io_requests = reeve__get(&r->tasks[task].io_requests);
	}
	a->dop = a->started_wall != 0;
	if (!a->execution_id)
		return;
	reeve__parallel_lock(&x, r);
	k = reeve__table_find(r, &r->header->executions, a->execution_id);
	if (k != REEVE_NONE && r->executions[k].granted_first)
		a->dop = r->executions[k].granted_first;
	reeve__parallel_unlock(&x);
	note_tasks(p, x.wakes, x.wake_count);
}

/* LIVE to ENDED: everything back. The statement's phase and place have been left. */
void reeve__admission_end_row(
	struct reeve__admission_pass *p, uint32_t i, int code, const char *failure)
{
	struct reeve *r = p->r;
	struct reeve_sh_admission *a = &r->admissions[i];
	bool failed = code || failure;

	reeve__put(&a->busy, 1);
	note_use(p, a);
	a->outcome = (uint32_t)-code;
	reeve__text_cut(a->failure, sizeof(a->failure), failure);
	a->ended_wall = reeve__wall(r);
	reeve__put(&a->stage, failed ? REEVE_ADMISSION_FAILED : REEVE_ADMISSION_COMPLETED);
	if (failed)
		reeve__add(&r->control->admission_failures, (uint64_t)1);
	REEVE_POINT(ADMISSION_ENDING);
	give_back(p, a, code, a->failure);
	unlink_row(r, i);
	reeve__put(&a->busy, 0);
	reeve__table_end(r, &r->header->admissions, i);
	if (++r->control->admissions_ended > KEPT)
		free_oldest(r);
}

/* What is over before the caller has heard of it leaves nothing. */
static void undo_row(struct reeve__admission_pass *p, uint32_t i, int code, const char *text)
{
	give_back(p, &p->r->admissions[i], code, text);
	unlink_row(p->r, i);
	reeve__table_free(p->r, &p->r->header->admissions, i, NULL);
	reeve__add(&p->r->control->admission_failures, (uint64_t)1);
}

static const char *why_stopped(int code)
{
	switch (code) {
	case 0:
		return NULL;
	case REEVE_EKILLED:
		return "its session has ended";
	case REEVE_ETIMEOUT:
		return "the statement was out of time";
	case REEVE_EQUEUE_TIMEOUT:
		return "it was out of time in the queue of its group";
	default:
		return "the statement was cancelled";
	}
}

void reeve__admission_drop_locked(struct reeve__admission_pass *p, uint32_t session, int code)
{
	uint32_t i;

	if (REEVE_LIKELY(reeve__get(&p->r->sessions[session].admission) == 0))
		return;
	i = reeve__admission_row(p->r, session);
	if (i == REEVE_NONE)
		return;
	reeve__admission_end_row(p, i, code, why_stopped(code));
}

/* ---- going on ---- */

void reeve__admission_finish(struct reeve__admission_after *f)
{
	reeve__session_pool_wake(&f->pool);
	reeve__cpu_wake(&f->cpu);
	reeve__admission_wake(&f->p);
	if (f->left != REEVE_NONE)
		reeve__limits_at_end(f->p.r, f->left);
	reeve__event_flush(f->p.r);
}

/* The statement is over first, then its row. */
static void end_statement(
	struct reeve__admission_after *f, uint32_t i, int code, const char *failure)
{
	uint32_t session = f->p.r->admissions[i].session;

	if (reeve__session_leave_hand_locked(f->p.r, session, true, &f->pool, &f->cpu, NULL) == 0)
		f->left = session;
	reeve__admission_end_row(&f->p, i, code, failure);
}

/* One that waits: whether its turn has come, and whether it gets the rest. */
void reeve__admission_advance(struct reeve__admission_after *f, uint32_t i)
{
	struct reeve *r = f->p.r;
	struct reeve_sh_admission *a = &r->admissions[i];
	struct reeve_error why = {0, ""};
	int rc;

	if (reeve__get(&a->stage) == REEVE_ADMISSION_PLACE &&
		reeve__session_pool_waits(&r->sessions[a->session]))
		return;
	reeve__put(&a->busy, 1);
	rc = go_on(&f->p, i, &why);
	if (rc >= 0) {
		reeve__put(&a->busy, 0);
		return;
	}
	reeve__session_event(r, a->session,
		(struct reeve_event){.kind = REEVE_EVENT_STATEMENT_REFUSED,
			.code = rc,
			.action = REEVE_ACTION_REJECT},
		why.text);
	end_statement(f, i, rc, why.text);
}

bool reeve__admission_waits(const struct reeve_sh_admission *a)
{
	uint32_t stage = reeve__get(&a->stage);

	return reeve__get(&a->head.state) == REEVE_SLOT_LIVE &&
	       (stage == REEVE_ADMISSION_PLACE || stage == REEVE_ADMISSION_SERVERS);
}

void reeve__admissions_look(struct reeve *r)
{
	uint32_t at = 0, used = 0;

	if (REEVE_LIKELY(reeve__get(&r->header->admissions.live) == 0))
		return;
	do {
		struct reeve__admission_after f = REEVE__ADMISSION_AFTER(r);
		uint32_t end;
		reeve__sessions_lock(r);
		used = reeve__table_used(&r->header->admissions);
		end = used - at > 1024 ? at + 1024 : used;
		while (at < end && !reeve__admission_waits(&r->admissions[at]))
			at++;
		if (at < end)
			reeve__admission_advance(&f, at++);
		reeve__sessions_unlock(r);
		reeve__admission_finish(&f);
	} while (at < used);
}

/* ---- beginning and ending ---- */

int reeve__admission_find_locked(
	struct reeve *r, reeve_admission_id id, bool live, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->admissions, id.v);
	if (*ret == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "query execution %llu", (unsigned long long)id.v);
	if (live && reeve__get(&r->admissions[*ret].head.state) != REEVE_SLOT_LIVE)
		return reeve__fail(err, REEVE_EINVALID_STATE, "query execution %llu is over",
			(unsigned long long)id.v);
	return 0;
}

static int check_def(const struct reeve_admission_def *def, struct reeve_error *err)
{
	int rc = def->parallel ? reeve__parallel_check_def(def->parallel, err) : 0;

	if (!rc)
		rc = reeve__check_number(err, "estimatedExecTime", def->estimated_ns, 0, INT64_MAX);
	if (!rc)
		rc = reeve__check_number(err, "workAreaBytes", def->work_area_bytes, 0, INT64_MAX);
	return rc;
}

/* Under the session lock, for a live session: nothing is left of it when it fails. */
static int admit(struct reeve__admission_after *f, uint32_t session,
	const struct reeve_admission_def *def, uint32_t *ret, struct reeve_error *err)
{
	struct reeve *r = f->p.r;
	const struct reeve_sh_task *t = &r->tasks[r->sessions[session].task];
	struct reeve_error why = {0, ""};
	uint32_t i;
	int rc;

	/* Nobody else makes it HAND without this lock: so a busy row's session is in it by that row. */
	if (reeve__get(&t->phase) == REEVE_PHASE_HAND)
		return reeve__session_start_locked(r, session, NULL, &f->pool, err);
	i = add_row(r, session, def);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of query executions is full: %u",
			r->header->admissions.capacity);
	REEVE_POINT(ADMISSION_NOTED);
	rc = reeve__session_start_locked(r, session, NULL, &f->pool, &why);
	if (rc == 0) {
		REEVE_POINT(ADMISSION_ENTERED);
		rc = go_on(&f->p, i, &why);
		if (rc < 0 && reeve__session_leave_hand_locked(
				      r, session, true, &f->pool, &f->cpu, NULL) == 0)
			f->left = session;
	}
	if (rc < 0) {
		undo_row(&f->p, i, rc, why.text);
		return reeve__fail(err, rc, "%s", why.text);
	}
	reeve__put(&r->admissions[i].busy, 0);
	*ret = i;
	return 0;
}

int reeve__admission_begin(struct reeve *r, reeve_session_id session,
	const struct reeve_admission_def *def, struct reeve_admission_info *ret,
	struct reeve_error *err)
{
	struct reeve__admission_after f = REEVE__ADMISSION_AFTER(r);
	uint32_t s = REEVE_NONE, i = REEVE_NONE;
	int rc = check_def(def, err);

	if (rc)
		return rc;
	if (def->parallel && def->parallel->mode >= REEVE_PARALLEL_AUTOMATIC)
		(void)reeve__parallel_load(r, reeve__mono(r));
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, session, &s, err);
	reeve__sessions_unlock(r);
	if (!rc) /* may move it: takes the locks */
		rc = reeve__limits_estimate(r, s, def->estimated_ns, err);
	if (rc)
		return rc;
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, session, &s, err);
	if (!rc)
		rc = admit(&f, s, def, &i, err);
	if (!rc)
		reeve__admission_fill(r, i, ret);
	if (rc && s != REEVE_NONE && reeve__session_moved_by_estimate(r, s))
		f.left = s;
	reeve__sessions_unlock(r);
	reeve__admission_finish(&f);
	return rc;
}

int reeve__admission_end(
	struct reeve *r, reeve_admission_id id, const char *failure, struct reeve_error *err)
{
	struct reeve__admission_after f = REEVE__ADMISSION_AFTER(r);
	uint32_t i;
	bool queued;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__admission_find_locked(r, id, true, &i, err);
	if (!rc) {
		queued = reeve__admission_waits(&r->admissions[i]);
		if (queued && !failure)
			failure = "it was completed before it started";
		end_statement(&f, i, queued ? REEVE_ECANCELLED : 0, failure);
	}
	reeve__sessions_unlock(r);
	reeve__admission_finish(&f);
	return rc;
}
