/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_queue.c - the queues of session pools, under the lock: who waits, in which order, and how a
 * place is handed on. Order: policy/queue.h. Who waits sleeps on its task's park word; one that was
 * started by hand has nobody that sleeps.
 */
#include "session_pool.h"

#include "../policy/queue.h"

void reeve__session_queue_insert(struct reeve__session_pool_pass *x, uint32_t i, uint32_t g)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];

	reeve__heap_insert(&x->queue, &p->root, i,
		reeve__queue_key(reeve__get(&sh->queued_ns), reeve__get(&sh->rank)), x->d->tie++);
	p->waiting++;
	reeve__add(&x->d->waiting, 1);
	atomic_fetch_or(&p->word, WAITERS);
}

static void take_out(struct reeve__session_pool_pass *x, uint32_t i, uint32_t g)
{
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];

	if (!reeve__heap_has(&x->r->sessions[i].queue_node))
		return;
	reeve__heap_remove(&x->queue, &p->root, i);
	if (p->waiting && --p->waiting == 0)
		atomic_fetch_and(&p->word, ~WAITERS);
	if (reeve__get(&x->d->waiting))
		reeve__add(&x->d->waiting, (uint32_t)-1);
}

/* ---- handing over ---- */

static void note_wait(struct reeve__session_pool_pass *x, uint64_t ns)
{
	struct reeve_sh_session_domain *d = x->d;
	uint32_t bits = ns >> 10 ? 64u - (uint32_t)__builtin_clzll(ns) - 10u : 0;

	if (reeve__get(&d->wait_count) == 0 || ns < reeve__get(&d->wait_min_ns))
		reeve__put(&d->wait_min_ns, ns);
	if (ns > reeve__get(&d->wait_max_ns))
		reeve__put(&d->wait_max_ns, ns);
	reeve__add(&d->wait_count, (uint64_t)1);
	reeve__add(&d->wait_sum_ns, ns);
	reeve__add(&d->wait_buckets[bits < REEVE_QUEUE_BUCKETS ? bits : REEVE_QUEUE_BUCKETS - 1],
		(uint64_t)1);
}

/* The wait of a session is over, with a place or without: its task is told. */
static void end_wait(struct reeve__session_pool_pass *x, uint32_t i, uint64_t at)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	struct reeve_sh_task *t = task_of(x->r, sh);
	uint64_t since = reeve__get(&sh->queued_ns);
	uint64_t waited = since && since < x->now ? x->now - since : 0;

	take_out(x, i, group_of(x->r, atomic_load(&sh->pool)));
	atomic_store(&sh->pool, at);
	reeve__put(&sh->queued_ns, (uint64_t)0);
	note_wait(x, waited);
	if (!t)
		return;
	reeve__put(&t->wait_reason, (uint32_t)REEVE_WAIT_NONE);
	reeve__put(&t->wait_since, (uint64_t)0);
	reeve__add(&t->wait_ns, waited);
}

static void hand_to(struct reeve__session_pool_pass *x, uint32_t i, uint32_t g)
{
	struct reeve *r = x->r;
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve_sh_task *t = task_of(r, sh);
	uint64_t since = reeve__get(&sh->queued_ns);

	if (atomic_load(&r->session_pools[g].word) & LIMITED) {
		reeve__session_at_end(x->r, sh, 0);
		end_wait(x, i, place(HELD, g));
		reeve__session_pool_add(&r->session_pools[g], 1);
	} else {
		end_wait(x, i, 0);
	}
	REEVE_POINT(POOL_HANDED);
	reeve__session_event(r, i,
		(struct reeve_event){.kind = REEVE_EVENT_SESSION_DEQUEUED,
			.limit_kind = REEVE_LIMIT_QUEUE_TIME,
			.limit = reeve__get(&r->session_pools[g].queue_timeout_ns),
			.actual = since < x->now ? x->now - since : 0},
		NULL);
	if (!t)
		return;
	if (reeve__get(&t->phase) == REEVE_PHASE_HAND)
		reeve__put(&t->start_cycles, reeve__cycles(r));
	else if (atomic_exchange(&t->park, REEVE_PARK_NO) != REEVE_PARK_NO)
		x->wakes[x->wake_count++] = (uint32_t)(t - r->tasks);
}

/* Gives free places to who waits, in order. */
void reeve__session_queue_hand_over(struct reeve__session_pool_pass *x, uint32_t g)
{
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];

	while (p->waiting && x->wake_count < REEVE_COUNT(x->wakes)) {
		uint64_t word = atomic_load(&p->word);
		uint32_t first = p->root;
		if ((word & LIMITED) && count_of(word) >= reeve__get(&p->limit))
			return;
		if (first >= x->queue.capacity) {
			x->queue.fault = true;
			return;
		}
		hand_to(x, first, g);
	}
}

/* ---- entering, under the lock ---- */

static bool is_exempt(const struct reeve_sh_session *sh)
{
	return reeve__get(&sh->rank) == REEVE_SESSION_CRITICAL;
}

/* Takes a place if there is one and nobody is before it, or if it is never queued. */
static bool take_locked(struct reeve__session_pool_pass *x, uint32_t i, uint32_t g)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];
	uint64_t word = atomic_load(&p->word);

	do {
		if (!(word & LIMITED))
			return true;
		if (!is_exempt(sh) && (p->waiting || count_of(word) >= reeve__get(&p->limit)))
			return false;
	} while (!atomic_compare_exchange_weak(&p->word, &word, word + 1));
	reeve__session_at_end(x->r, sh, 0);
	atomic_store(&sh->pool, place(HELD, g));
	return true;
}

static int pool_full(struct reeve *r, uint32_t i, uint32_t g, struct reeve_error *err)
{
	const struct reeve_sh_session_pool *p = &r->session_pools[g];
	uint32_t n = count_of(atomic_load(&p->word));

	reeve__session_event(r, i,
		(struct reeve_event){.kind = REEVE_EVENT_STATEMENT_REFUSED,
			.code = REEVE_ERESOURCE_EXHAUSTED,
			.action = REEVE_ACTION_REJECT,
			.limit_kind = REEVE_LIMIT_ACTIVE_SESSIONS,
			.limit = reeve__get(&p->limit),
			.actual = n},
		NULL);
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"consumer group %.128s has %u active sessions; its limit maxActiveSessions is %u, "
		"and "
		"it does not queue",
		r->groups[g].name, n, reeve__get(&p->limit));
}

static void enqueue_locked(struct reeve__session_pool_pass *x, uint32_t i, uint32_t g)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];
	struct reeve_sh_task *t = task_of(x->r, sh);
	uint64_t timeout = reeve__get(&p->queue_timeout_ns);

	reeve__put(&sh->queued_ns, x->now);
	reeve__put(&sh->queue_deadline_ns,
		timeout < UINT64_MAX - x->now ? x->now + timeout : UINT64_MAX);
	atomic_store(&sh->pool, place(WAITING, g));
	reeve__session_queue_insert(x, i, g);
	if (t) {
		reeve__put(&t->wait_reason, (uint32_t)REEVE_WAIT_SESSION_POOL);
		reeve__put(&t->wait_since, x->now);
	}
	reeve__add(&x->d->queued, (uint64_t)1);
	REEVE_POINT(POOL_QUEUED);
	reeve__session_event(x->r, i,
		(struct reeve_event){.kind = REEVE_EVENT_SESSION_QUEUED,
			.reason = REEVE_WAIT_SESSION_POOL,
			.action = REEVE_ACTION_QUEUE,
			.limit_kind = REEVE_LIMIT_ACTIVE_SESSIONS,
			.limit = reeve__get(&p->limit),
			.actual = count_of(atomic_load(&p->word))},
		NULL);
}

int reeve__session_pool_enter_locked(
	struct reeve__session_pool_pass *x, uint32_t i, struct reeve_error *err)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	uint32_t g = reeve__get(&sh->group);

	if (g >= x->r->group_capacity)
		return reeve__fail(err, REEVE_EINTERNAL, "session %llu names group slot %u",
			(unsigned long long)sh->head.id, g);
	if (state_of(atomic_load(&sh->pool)) == HELD) { /* counted in when the pool was made */
		reeve__session_at_end(x->r, sh, 0);	/* the end before may have taken the note */
		return 0;
	}
	if (take_locked(x, i, g))
		return 0;
	if (!reeve__get(&x->r->session_pools[g].allow_queuing))
		return pool_full(x->r, i, g, err);
	for (;;) {
		/* First WAITERS, then one more look: a place that came free meanwhile is taken. */
		atomic_fetch_or(&x->r->session_pools[g].word, WAITERS);
		if (x->r->session_pools[g].waiting || !take_locked(x, i, g))
			break;
		atomic_fetch_and(&x->r->session_pools[g].word, ~WAITERS);
		return 0;
	}
	enqueue_locked(x, i, g);
	return 1;
}

void reeve__session_pool_give_up_locked(struct reeve__session_pool_pass *x, uint32_t i)
{
	uint64_t at = atomic_load(&x->r->sessions[i].pool);

	if (state_of(at) == WAITING)
		end_wait(x, i, 0);
	reeve__session_queue_hand_over(x, group_of(x->r, at));
}

int reeve__session_pool_timeout_locked(
	struct reeve__session_pool_pass *x, uint32_t i, struct reeve_error *err)
{
	struct reeve *r = x->r;
	struct reeve_sh_session *sh = &r->sessions[i];
	uint64_t waited = x->now - reeve__get(&sh->queued_ns);
	uint32_t g = group_of(r, atomic_load(&sh->pool));
	uint64_t limit = reeve__get(&sh->queue_deadline_ns) - reeve__get(&sh->queued_ns);

	reeve__add(&x->d->queue_timeouts, (uint64_t)1);
	reeve__session_event(r, i,
		(struct reeve_event){.kind = REEVE_EVENT_QUEUE_TIMEOUT,
			.code = REEVE_EQUEUE_TIMEOUT,
			.action = REEVE_ACTION_REJECT,
			.limit_kind = REEVE_LIMIT_QUEUE_TIME,
			.limit = limit,
			.actual = waited},
		NULL);
	reeve__session_pool_give_up_locked(x, i);
	return reeve__fail(err, REEVE_EQUEUE_TIMEOUT,
		"session %llu waited %llu ms for one of the %u active sessions of consumer group "
		"%.128s; its queue timeout is %llu ms",
		(unsigned long long)sh->head.id, (unsigned long long)(waited / 1000000),
		reeve__get(&r->session_pools[g].limit), r->groups[g].name,
		(unsigned long long)(limit / 1000000));
}

bool reeve__session_pool_overdue(const struct reeve_sh_session *sh, uint64_t now)
{
	return reeve__session_pool_waits(sh) && now > reeve__get(&sh->queue_deadline_ns);
}

void reeve__session_pool_hand_over_locked(struct reeve__session_pool_pass *x, uint32_t i)
{
	reeve__session_queue_hand_over(x, group_of(x->r, atomic_load(&x->r->sessions[i].pool)));
}

/* ---- sessions that end or move; the session lock is held ---- */

void reeve__session_pool_drop_locked(struct reeve__session_pool_pass *x, uint32_t i)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	uint64_t at = atomic_load(&sh->pool);
	uint32_t g = group_of(x->r, at);

	if (state_of(at) == WAITING) {
		end_wait(x, i, 0);
	} else if (state_of(at) == HELD && atomic_compare_exchange_strong(&sh->pool, &at, 0)) {
		reeve__session_pool_add(&x->r->session_pools[g], -1);
	} else if (at) { /* in the middle of a step */
		reeve__session_pool_count_anew(
			x, g, atomic_load(&x->r->session_pools[g].word) & FLAGS);
		at = atomic_load(&sh->pool);
		if (state_of(at) == HELD && atomic_compare_exchange_strong(&sh->pool, &at, 0))
			reeve__session_pool_add(&x->r->session_pools[g], -1);
	}
	reeve__session_queue_hand_over(x, g);
}

void reeve__session_pool_move_locked(struct reeve__session_pool_pass *x, uint32_t i, uint32_t to)
{
	struct reeve *r = x->r;
	struct reeve_sh_session *sh = &r->sessions[i];
	uint64_t at = atomic_load(&sh->pool), flags;
	uint32_t g = group_of(r, at);
	bool limited = (atomic_load(&r->session_pools[to].word) & LIMITED) != 0;

	if (state_of(at) == PENDING || state_of(at) == RELEASING) {
		flags = atomic_load(&r->session_pools[g].word) & FLAGS;
		reeve__session_pool_count_anew(x, g, flags);
		at = atomic_load(&sh->pool);
	}
	if (state_of(at) == WAITING) {
		uint64_t queued = reeve__get(&sh->queued_ns);
		take_out(x, i, g);
		atomic_store(&sh->pool, place(WAITING, to)); /* as old as it is */
		reeve__put(&sh->queued_ns, queued);
		reeve__session_queue_insert(x, i, to);
		reeve__session_queue_hand_over(x, to);
	} else if (state_of(at) == HELD) {
		if (atomic_compare_exchange_strong(&sh->pool, &at, limited ? place(HELD, to) : 0)) {
			reeve__session_pool_add(&r->session_pools[g], -1);
			if (limited)
				reeve__session_pool_add(&r->session_pools[to], 1);
		}
	} else if (limited && reeve__session_pool_runs_uncounted(r, sh, to) &&
		   reeve__session_pool_mark(r, sh, to)) {
		reeve__session_pool_add(&r->session_pools[to], 1);
	}
	reeve__session_queue_hand_over(x, g);
}

void reeve__session_pool_rank_locked(struct reeve__session_pool_pass *x, uint32_t i, uint32_t rank)
{
	struct reeve_sh_session *sh = &x->r->sessions[i];
	uint64_t at = atomic_load(&sh->pool);
	uint32_t g = group_of(x->r, at);

	if (state_of(at) != WAITING) {
		reeve__put(&sh->rank, rank);
		return;
	}
	take_out(x, i, g);
	reeve__put(&sh->rank, rank);
	if (rank == REEVE_SESSION_CRITICAL) { /* never queued, however old the others are */
		hand_to(x, i, g);
		return;
	}
	reeve__session_queue_insert(x, i, g);
	reeve__session_queue_hand_over(x, g);
}

void reeve__session_pool_settle(struct reeve *r, uint32_t i, uint32_t group)
{
	uint64_t at = atomic_load(&r->sessions[i].pool);
	struct reeve__session_pool_pass x;

	if (group >= r->group_capacity || (at && (uint32_t)at == group))
		return;
	if (!at && !reeve__session_pool_runs_uncounted(r, &r->sessions[i], group))
		return;
	reeve__session_pool_begin(&x, r);
	reeve__session_pool_move_locked(&x, i, group);
	reeve__session_pool_unlock(&x);
}
