/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel_owner.c - executions as the process that runs them holds them: by handle, and waiting.
 *
 * A waiter sleeps on its task's park word, as for CPU slots, so that a cancel, a kill and a start wake
 * it alike; in a statement it has given up its CPU slot meanwhile.
 */
#include "parallel.h"

/* ---- by handle ---- */

/* Execution of a handle, LIVE and not over; REEVE_NONE. */
static uint32_t find_by_handle(const struct reeve__parallel_pass *x, const struct reeve_parallel *h)
{
	const struct reeve_sh_execution *e;

	if (h->slot >= x->r->header->executions.capacity)
		return REEVE_NONE;
	e = &x->r->executions[h->slot];
	if (reeve__get(&e->head.state) != REEVE_SLOT_LIVE || e->head.id != h->id ||
		reeve__get(&e->head.generation) != h->generation || !reeve__parallel_runs(e))
		return REEVE_NONE;
	return h->slot;
}

uint32_t reeve__parallel_adapt(struct reeve_parallel *h)
{
	struct reeve__parallel_pass x;
	uint32_t i, dop = 0;

	reeve__parallel_lock(&x, h->reeve);
	i = find_by_handle(&x, h);
	if (i != REEVE_NONE) {
		reeve__parallel_acknowledge(&x, i);
		reeve__parallel_adapt_one(&x, i);
		dop = reeve__parallel_degree(&x.r->executions[i]);
	}
	reeve__parallel_done(&x);
	return dop;
}

void reeve__parallel_progress(struct reeve_parallel *h, uint64_t rows, uint64_t bytes)
{
	struct reeve__parallel_pass x;
	uint32_t i;

	reeve__parallel_lock(&x, h->reeve);
	i = find_by_handle(&x, h);
	if (i != REEVE_NONE) {
		reeve__parallel_raise(&x.r->executions[i].rows, rows);
		reeve__parallel_raise(&x.r->executions[i].bytes, bytes);
	}
	reeve__parallel_done(&x);
}

int reeve__parallel_end(struct reeve_parallel *h, const char *failure, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i;

	reeve__parallel_lock(&x, h->reeve);
	i = find_by_handle(&x, h);
	if (REEVE_LIKELY(i != REEVE_NONE))
		reeve__parallel_stop(&x, i, failure);
	reeve__parallel_done(&x);
	if (REEVE_UNLIKELY(i == REEVE_NONE))
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"parallel execution %llu is over already", (unsigned long long)h->id);
	return 0;
}

/* ---- waiting ---- */

/* One wait of an owner for its execution, from the thread that uses the session. */
struct wait {
	struct reeve_session *s;
	struct reeve_sh_execution *e;
	uint32_t i;
	bool in_query;
};

/*
 * The marks of a wait are set and removed under the CPU lock, with the phase other than WORK: so
 * whoever has that lock sees a task that is parked for servers, or one that may be for a slot.
 */
static void mark(struct wait *w, uint32_t reason, bool waits, uint32_t park)
{
	struct reeve_sh_task *t = w->s->t;
	struct reeve__cpu_pass x;

	reeve__cpu_begin(&x, w->s->r);
	if (!waits && reeve__get(&t->wait_since) && x.now > reeve__get(&t->wait_since))
		reeve__add(&t->wait_ns, x.now - reeve__get(&t->wait_since));
	reeve__put(&t->wait_reason, reason);
	reeve__put(&t->wait_since, waits ? x.now : 0);
	atomic_store(&t->park, park);
	reeve__cpu_end(&x);
}

static void begin_wait(struct wait *w)
{
	if (w->in_query)
		reeve__query_block_begin(w->s);
	/* Before the look at the phase: whoever starts it does these in the opposite order. */
	mark(w, REEVE_WAIT_PARALLEL_SERVERS, true, REEVE_PARK_YES);
}

/* Back to work; the code with which the statement has to stop, 0: it goes on. */
static int end_wait(struct wait *w)
{
	mark(w, REEVE_WAIT_NONE, false, REEVE_PARK_NO);
	return w->in_query ? reeve__query_block_end(w->s) : 0;
}

static bool is_queued(const struct wait *w)
{
	return atomic_load(&w->e->phase) == REEVE_EXECUTION_QUEUED;
}

/* Whether the statement or session may have been told to stop. */
static bool is_called(const struct wait *w)
{
	uint32_t bits = REEVE_ATTEND_KILL | (w->in_query ? REEVE_ATTEND_CANCEL : 0);

	if (reeve__get(&w->s->t->attention) & bits)
		return true;
	return w->in_query && !reeve__before(reeve__cycles(w->s->r), w->s->deadline_cycles);
}

/* When to look up: soon, at the deadline in the queue, at the statement's. */
static reeve_ns look_up_at(const struct wait *w)
{
	struct reeve *r = w->s->r;
	uint64_t now = (uint64_t)reeve__mono(r), at = now + REEVE_LOOK_UP_NS;
	uint64_t cycles = reeve__cycles(r), left;

	if (w->e->deadline_ns < at)
		at = w->e->deadline_ns;
	if (w->in_query && reeve__before(cycles, w->s->deadline_cycles)) {
		left = reeve__cycles_ns(r, w->s->deadline_cycles - cycles);
		at = now + left < at ? now + left : at;
	}
	return (reeve_ns)(at > now ? at : now + 1);
}

static void sleep_once(struct wait *w)
{
	struct reeve *r = w->s->r;
	uint32_t look = REEVE_PARK_LOOK;

	r->host->wait(r->host->self, (uint32_t *)&w->s->t->park, REEVE_PARK_YES, look_up_at(w));
	atomic_compare_exchange_strong(&w->s->t->park, &look, (uint32_t)REEVE_PARK_YES);
}

/* A look of a waiter whom nobody woke: time passes for the queue, and the dead are found. */
static void look_up(struct wait *w)
{
	struct reeve__parallel_pass x;

	reeve__parallel_lock(&x, w->s->r);
	reeve__parallel_hand_over(&x);
	if (!reeve__segment_ready(x.r) && is_queued(w)) {
		x.r->executions[w->i].need = 1; /* nothing is enforced any more */
		reeve__parallel_group_at(x.r, w->e->group)->least = 1;
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_done(&x);
	reeve__reap_if_due(w->s->r);
}

/* Until it is no longer queued, or the statement must stop: the code of that. */
static int wait_for_start(struct wait *w)
{
	int rc = 0;

	REEVE_POINT(PARALLEL_PARKING);
	begin_wait(w);
	while (rc == 0 && is_queued(w)) {
		if (is_called(w)) {
			rc = end_wait(w); /* which finds out whether it was meant */
			if (rc == 0 && !w->in_query)
				rc = REEVE_EKILLED;
			if (rc)
				return rc;
			begin_wait(w);
		}
		sleep_once(w);
		if (is_queued(w))
			look_up(w);
	}
	return end_wait(w);
}

/* Why it is over before its owner saw it start. */
static int code_of(const struct reeve_sh_execution *e)
{
	int code = (int)(0 - reeve__get(&e->outcome));

	return code < 0 ? code : REEVE_ECANCELLED; /* somebody has completed it by its id */
}

/* After the wait: what has become of it. The execution's slot is this owner's in any case. */
static int settle(struct wait *w, int stop, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	struct reeve_sh_execution *e = w->e;
	unsigned long long id;
	char failure[sizeof(e->failure)];
	int rc;

	reeve__parallel_lock(&x, w->s->r);
	id = e->head.id;
	e->flags &= ~(uint32_t)REEVE_SH_EXECUTION_AWAITED;
	if (stop && reeve__get(&e->phase) <= REEVE_EXECUTION_COMPLETING) {
		reeve__execution_finish(&x, w->i, stop, "its statement was told to stop");
		reeve__parallel_hand_over(&x);
	} else if (reeve__parallel_runs(e)) {
		reeve__parallel_acknowledge(&x, w->i);
	}
	rc = reeve__parallel_runs(e) ? 0 : code_of(e);
	memcpy(failure, e->failure, sizeof(failure));
	if (reeve__get(&e->head.state) == REEVE_SLOT_KEPT)
		reeve__parallel_rest(&x, w->i);
	reeve__parallel_done(&x);
	return rc ? reeve__fail(
			    err, rc, "parallel execution %llu did not start: %.80s", id, failure)
		  : 0;
}

static void fill_handle(struct reeve *r, uint32_t i, struct reeve_parallel *ret)
{
	const struct reeve_sh_execution *e = &r->executions[i];

	*ret = (struct reeve_parallel){
		.reeve = r,
		.word = (const void *)&e->word,
		.id = e->head.id,
		.slot = i,
		.generation = reeve__get(&e->head.generation),
	};
}

/* Whether a session may still ask, under the lock: see reeve__parallel_drop. */
static int check_session(const struct reeve_session *s, struct reeve_error *err)
{
	if (atomic_load(&s->sh->head.state) == REEVE_SLOT_LIVE &&
		reeve__get(&s->sh->state) != REEVE_SESSION_KILLED)
		return 0;
	return reeve__fail(
		err, REEVE_EKILLED, "session %llu was killed", (unsigned long long)s->sh->head.id);
}

/* Without a wait: 0 when it runs, else the code with which it failed within this very pass. */
static int outcome_at_once(struct reeve__parallel_pass *x, uint32_t i, struct reeve_error *err)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];

	if (!reeve__parallel_runs(e))
		return reeve__fail(err, code_of(e), "parallel execution %llu did not start: %.80s",
			(unsigned long long)e->head.id, e->failure);
	reeve__parallel_acknowledge(x, i);
	return 0;
}

int reeve__parallel_begin(struct reeve_session *s, const struct reeve_parallel_def *def,
	struct reeve_parallel *ret, struct reeve_error *err)
{
	struct reeve__parallel_asker asker = {s->sh->head.id, s->session, 0, 0};
	struct wait w = {.s = s, .in_query = s->in_query};
	struct reeve__parallel_pass x;
	struct reeve_parallel handle;
	int rc = reeve__parallel_check_def(def, err);

	if (rc)
		return rc;
	if (def->mode >= REEVE_PARALLEL_AUTOMATIC)
		(void)reeve__parallel_load(s->r, reeve__mono(s->r));
	reeve__parallel_lock(&x, s->r);
	asker.group = reeve__get(&s->sh->group);
	if (asker.group >= s->r->group_capacity)
		asker.group = 0;
	rc = check_session(s, err);
	if (!rc)
		rc = reeve__parallel_admit(&x, def, &asker, &w.i, err);
	if (!rc &&
		(rc = check_session(s, err))) { /* it ended meanwhile, and did not see this one */
		reeve__execution_finish(&x, w.i, REEVE_EKILLED, "its session has ended");
		reeve__parallel_hand_over(&x);
	}
	if (!rc) {
		w.e = &s->r->executions[w.i];
		if (reeve__get(&w.e->head.state) == REEVE_SLOT_LIVE &&
			reeve__get(&w.e->phase) == REEVE_EXECUTION_QUEUED)
			w.e->flags |= REEVE_SH_EXECUTION_AWAITED;
		fill_handle(s->r, w.i, &handle);
	}
	bool queued = !rc && (w.e->flags & REEVE_SH_EXECUTION_AWAITED);
	if (!rc && !queued)
		rc = outcome_at_once(&x, w.i, err);
	reeve__parallel_done(&x);
	if (queued)
		rc = settle(&w, wait_for_start(&w), err);
	if (!rc)
		*ret = handle;
	return rc;
}
