/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeouts.c - looking at sessions from outside: who is idle, queued, or running for too long.
 *
 * A look goes over the sessions in batches, under their lock; what it finds is dealt with afterwards,
 * one by one, each looked at again under the locks that it takes. So a session that was idle too long
 * and begins a statement in that moment keeps it. Statements of reeve_query_begin see to their own time
 * and waits; from outside they are held to the elapsed time and I/O of their switch rules, should they
 * not come by a checkpoint.
 */
#include "admission.h"
#include "limits.h"

#define PERIOD_NS ((uint64_t)500000000)
/* The rules of statements that do not come by are looked at in every tick. */
#define RULES_PERIOD_NS ((uint64_t)80000000)

enum finding { FOUND_IDLE, FOUND_IDLE_BLOCKER, FOUND_EXECUTION, FOUND_QUEUED, FOUND_RULE };

struct found {
	enum finding what;
	uint32_t session;
	reeve_session_id id;
	uint64_t cycles;	/* end or start of the statement it is about */
	uint64_t limit, actual; /* ns */
};

struct look {
	struct reeve *r;
	uint32_t kinds;
	uint64_t now, cycles;
	struct found found[32];
	uint32_t n;
};

static uint64_t strictest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t reeve__execution_limit_ns(const struct reeve *r, const struct reeve_sh_session *sh)
{
	const struct reeve_sh_group *g = reeve__group_at(r, reeve__get(&sh->group));
	uint64_t limit = strictest(reeve__get(&sh->execution_ns), reeve__get(&g->max_execution_ns));

	if (sh->is_system)
		return REEVE_UNLIMITED;
	return limit != REEVE_UNLIMITED ? limit : reeve__get(&r->control->default_execution_ns);
}

static uint64_t row_limit(const struct reeve *r, uint32_t group, bool blocker)
{
	struct reeve__ruling_view view;
	uint64_t limit;
	uint32_t tries = 0;

	do {
		view = reeve__ruling_now(r);
		const struct reeve_sh_ruling_row *row =
			&view.rows[group < r->group_capacity ? group : 0];
		limit = reeve__get(blocker ? &row->max_idle_blocker_ns : &row->max_idle_ns);
	} while (!reeve__ruling_holds(&view) && tries++ < 8);
	return limit;
}

uint64_t reeve__idle_limit_ns(const struct reeve *r, const struct reeve_sh_session *sh)
{
	uint32_t group = reeve__get(&sh->group);
	uint64_t limit = strictest(reeve__get(&sh->idle_ns), row_limit(r, group, false));

	if (group < r->group_capacity)
		limit = strictest(limit, reeve__get(&r->groups[group].max_idle_ns));

	if (sh->is_system)
		return REEVE_UNLIMITED;
	return limit != REEVE_UNLIMITED ? limit : reeve__get(&r->control->default_idle_ns);
}

uint64_t reeve__idle_cycles(const struct reeve *r, const struct reeve_sh_session *sh)
{
	uint64_t end = sh->task < r->header->tasks.capacity
			       ? reeve__get(&r->tasks[sh->task].end_cycles)
			       : 0;

	return end ? end : sh->created_cycles;
}

static void note(struct look *l, enum finding what, uint32_t i, uint64_t cycles, uint64_t limit,
	uint64_t actual)
{
	l->found[l->n++] =
		(struct found){what, i, {l->r->sessions[i].head.id}, cycles, limit, actual};
}

/* An inactive session: ended, or told to be idle. */
static void look_at_idle(struct look *l, uint32_t i, uint64_t since)
{
	struct reeve_sh_session *sh = &l->r->sessions[i];
	uint64_t idle = reeve__cycles_ns(l->r, l->cycles - since);
	uint64_t limit = reeve__idle_limit_ns(l->r, sh), blocker = REEVE_UNLIMITED;

	if (!reeve__before(since, l->cycles))
		return;
	if (!sh->is_system)
		blocker = row_limit(l->r, reeve__get(&sh->group), true);
	if (blocker < limit && idle > blocker && reeve__session_blocks_others(l->r, i, NULL))
		note(l, FOUND_IDLE_BLOCKER, i, since, blocker, idle);
	else if (idle > limit)
		note(l, FOUND_IDLE, i, since, limit, idle);
	else if (idle > reeve__get(&l->r->control->idle_mark_ns) && sh->idle_noted != since) {
		sh->idle_noted = since;
		reeve__session_event(l->r, i,
			(struct reeve_event){.kind = REEVE_EVENT_SESSION_STATE_CHANGED,
				.reason = REEVE_SESSION_IDLE,
				.limit_kind = REEVE_LIMIT_IDLE_TIME,
				.limit = reeve__get(&l->r->control->idle_mark_ns),
				.actual = idle},
			"idle");
	}
}

/* What can be seen of a statement from outside. */
static void use_from_outside(const struct look *l, uint32_t i, uint64_t start, uint64_t *used)
{
	const struct reeve_sh_session *sh = &l->r->sessions[i];
	const struct reeve_sh_task *t = &l->r->tasks[sh->task];
	bool by_hand = reeve__get(&t->phase) == REEVE_PHASE_HAND;

	used[REEVE__RULE_CPU] = 0;
	used[REEVE__RULE_ELAPSED] = reeve__cycles_ns(l->r, l->cycles - start);
	if (by_hand && reeve__admission_use(l->r, i, used))
		return;
	used[REEVE__RULE_IO_BYTES] =
		by_hand ? 0 : reeve__get(&t->io_bytes) - reeve__get(&sh->call_io_bytes);
	used[REEVE__RULE_IO_REQUESTS] =
		by_hand ? 0 : reeve__get(&t->io_requests) - reeve__get(&sh->call_io_requests);
}

static bool has_crossed(const struct look *l, uint32_t i, uint64_t start)
{
	struct reeve_sh_session *sh = &l->r->sessions[i];
	uint64_t used[REEVE__RULE_LIMITS];
	struct reeve__rule rule;

	if (reeve__get(&sh->ruled_cycles) == start ||
		!reeve__rule_read(l->r, reeve__get(&sh->group), &rule))
		return false;
	use_from_outside(l, i, start, used);
	return reeve__rule_crossed(&rule, used) != REEVE_NONE;
}

static void look_at_session(struct look *l, uint32_t i)
{
	struct reeve *r = l->r;
	struct reeve_sh_session *sh = &r->sessions[i];
	const struct reeve_sh_task *t;
	uint64_t start, limit;

	if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE || sh->task >= r->header->tasks.capacity)
		return;
	t = &r->tasks[sh->task];
	if (!reeve__session_is_busy(t)) {
		if ((l->kinds & REEVE_CHECK_IDLE) && reeve__get(&t->phase) == REEVE_PHASE_IDLE)
			look_at_idle(l, i, reeve__idle_cycles(r, sh));
		return;
	}
	start = reeve__get(&t->start_cycles);
	if (reeve__session_pool_waits(sh)) {
		if ((l->kinds & REEVE_CHECK_QUEUE) && reeve__session_pool_overdue(sh, l->now) &&
			reeve__get(&t->phase) == REEVE_PHASE_HAND)
			note(l, FOUND_QUEUED, i, 0, 0, 0);
		return;
	}
	if (!start || !reeve__before(start, l->cycles))
		return;
	limit = reeve__execution_limit_ns(r, sh);
	if ((l->kinds & REEVE_CHECK_EXECUTION) && reeve__get(&t->phase) == REEVE_PHASE_HAND &&
		reeve__cycles_ns(r, l->cycles - start) > limit)
		note(l, FOUND_EXECUTION, i, start, limit, reeve__cycles_ns(r, l->cycles - start));
	else if ((l->kinds & REEVE__CHECK_RULES) && has_crossed(l, i, start))
		note(l, FOUND_RULE, i, start, 0, 0);
}

/* ---- dealing with it; no lock held ---- */

static void timeout_event(struct look *l, const struct found *f, uint32_t kind, uint32_t limit_kind,
	uint32_t action, const char *text)
{
	reeve__session_event(l->r, f->session,
		(struct reeve_event){.kind = kind,
			.code = REEVE_ETIMEOUT,
			.limit_kind = limit_kind,
			.limit = f->limit,
			.actual = f->actual,
			.action = action},
		text);
}

static bool deal_with_idle(struct look *l, const struct found *f)
{
	bool blocker = f->what == FOUND_IDLE_BLOCKER;
	struct reeve_sh_session *sh = &l->r->sessions[f->session];

	if (!reeve__get(&l->r->control->auto_terminate)) { /* told once, and left alone */
		if (atomic_exchange(&sh->overrun_told, f->cycles) != f->cycles)
			timeout_event(l, f, REEVE_EVENT_SESSION_STATE_CHANGED,
				blocker ? REEVE_LIMIT_IDLE_BLOCKER_TIME : REEVE_LIMIT_IDLE_TIME,
				REEVE_ACTION_LOG, "idle for longer than its limit");
		return false;
	}
	return reeve__session_end_idle(l->r, f->session, f->id, f->cycles,
		blocker ? REEVE_END_IDLE_BLOCKER_TIMEOUT : REEVE_END_IDLE_TIMEOUT);
}

static bool deal_with_execution(struct look *l, const struct found *f)
{
	bool ends = reeve__get(&l->r->control->execution_ends_session) &&
		    reeve__get(&l->r->control->auto_terminate);
	int rc = reeve__session_stop_hand(l->r, f->id, REEVE_ETIMEOUT, NULL);

	if (rc)
		return false;
	reeve__add(&l->r->header->session_counts.execution_timeouts, (uint64_t)1);
	timeout_event(l, f, REEVE_EVENT_EXECUTION_TIMEOUT, REEVE_LIMIT_EXECUTION_TIME,
		ends ? REEVE_ACTION_TERMINATE_SESSION : REEVE_ACTION_CANCEL_QUERY, NULL);
	if (ends)
		reeve__session_end(l->r, f->id, REEVE_END_EXECUTION_TIMEOUT, NULL);
	return true;
}

static bool deal_with_queued(struct look *l, const struct found *f)
{
	struct reeve__session_pool_pass x;
	uint32_t i = REEVE_NONE;
	bool late;

	reeve__sessions_lock(l->r);
	late = reeve__session_find_live_locked(l->r, f->id, &i, NULL) == 0;
	if (late) {
		reeve__session_pool_begin(&x, l->r);
		late = reeve__session_pool_overdue(&l->r->sessions[i], x.now);
		if (late)
			reeve__session_pool_timeout_locked(&x, i, NULL);
		reeve__session_pool_unlock(&x);
	}
	reeve__sessions_unlock(l->r);
	if (i == REEVE_NONE)
		return false;
	reeve__session_pool_wake(&x);
	if (late)
		reeve__session_stop_hand(l->r, f->id, REEVE_EQUEUE_TIMEOUT, NULL);
	return late;
}

static void deal_with_rule(struct look *l, const struct found *f)
{
	struct reeve *r = l->r;
	struct reeve_sh_session *sh = &r->sessions[f->session];
	uint64_t used[REEVE__RULE_LIMITS];
	struct reeve__rule rule;
	uint32_t which;
	int rc;

	if (!reeve__rule_read(r, reeve__get(&sh->group), &rule) ||
		!reeve__rule_claim(sh, f->cycles))
		return;
	use_from_outside(l, f->session, f->cycles, used);
	which = reeve__rule_crossed(&rule, used);
	if (which == REEVE_NONE)
		return;
	rc = reeve__rule_act(r, f->session, f->id, &rule, which, used[which]);
	if (rc == 1)
		reeve__put(&sh->ruled_cycles, (uint64_t)0); /* on to the rules of that group */
	else if (rc == REEVE_EKILLED)
		reeve__session_end(r, f->id, REEVE_END_RUNAWAY, NULL);
	else if (rc == REEVE_ECANCELLED &&
		 reeve__session_cancel(r, f->id, NULL) == REEVE_EINVALID_STATE)
		reeve__session_stop_hand(r, f->id, REEVE_ECANCELLED, NULL);
}

/* True when a session has lost something by it. */
static bool deal_with(struct look *l, const struct found *f, struct reeve_timeout_report *ret)
{
	switch (f->what) {
	case FOUND_IDLE:
	case FOUND_IDLE_BLOCKER:
		if (!deal_with_idle(l, f))
			return false;
		if (f->what == FOUND_IDLE)
			ret->idle++;
		else
			ret->idle_blockers++;
		return true;
	case FOUND_EXECUTION:
		if (!deal_with_execution(l, f))
			return false;
		ret->executions++;
		return true;
	case FOUND_QUEUED:
		if (!deal_with_queued(l, f))
			return false;
		ret->queue_timeouts++;
		return true;
	default:
		deal_with_rule(l, f);
		return false;
	}
}

/* One batch from session slot *at on, which moves on. */
static void look_at_batch(struct look *l, uint32_t *at)
{
	uint32_t used, end;

	l->n = 0;
	reeve__sessions_lock(l->r);
	l->now = (uint64_t)reeve__mono(l->r);
	l->cycles = reeve__cycles(l->r);
	used = reeve__table_used(&l->r->header->sessions);
	end = used - *at > 1024 ? *at + 1024 : used;
	while (*at < end && l->n < REEVE_COUNT(l->found))
		look_at_session(l, (*at)++);
	reeve__sessions_unlock(l->r);
}

void reeve__limits_check(struct reeve *r, uint32_t kinds, reeve_session_id *ret_ids,
	uint32_t capacity, struct reeve_timeout_report *ret)
{
	struct look l = {.r = r, .kinds = kinds};
	uint32_t at = 0, before;

	*ret = (struct reeve_timeout_report){0};
	do {
		before = at;
		look_at_batch(&l, &at);
		for (uint32_t k = 0; k < l.n; k++)
			if (deal_with(&l, &l.found[k], ret) && ret->sessions < capacity)
				ret_ids[ret->sessions++] = l.found[k].id;
	} while (at < reeve__table_used(&r->header->sessions) && at != before);
}

void reeve__limits_check_if_due(struct reeve *r, struct reeve_timeout_report *ret)
{
	struct reeve_timeout_report report = {0};
	uint64_t now = (uint64_t)reeve__mono(r), last = reeve__get(&r->control->looked_ns);
	uint64_t slow = now / PERIOD_NS != last / PERIOD_NS ? REEVE_CHECK_IDLE : 0;

	if (ret)
		*ret = report;
	if (now - last < RULES_PERIOD_NS && now >= last)
		return;
	if (!atomic_compare_exchange_strong(&r->control->looked_ns, &last, now))
		return;
	if (!reeve__get(&r->control->checker_on))
		slow = REEVE_CHECK_QUEUE;
	else
		slow |= REEVE_CHECK_EXECUTION | REEVE_CHECK_QUEUE;
	reeve__limits_check(r, (uint32_t)slow | REEVE__CHECK_RULES, NULL, 0, &report);
	if (ret)
		*ret = report;
}
