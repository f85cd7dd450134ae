/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_pool.c - session pools: at most so many statements of a group at once; the others queue.
 *
 * A pool's word holds its count and what a beginner has to know, so that a group without a pool
 * costs a beginner one load, and one with room a few compare-and-swaps and no lock:
 *
 *	bits 0-31 count    32-55 epoch    56 LIMITED    57 WAITERS    58 CLOSED    59 RULES    60 DEFAULTS
 *
 * What a session holds is said by its own word, and by nothing else; the count is derived from it:
 *
 *	0 -> PENDING -> HELD -> RELEASING -> 0        by its owner, without a lock
 *	0 -> WAITING -> HELD                          under the lock; handed over by who leaves
 *	PENDING, RELEASING -> 0                       by whoever counts anew
 *
 * The owner notes PENDING, counts itself into the word, and then makes PENDING HELD; it notes
 * RELEASING, counts itself out, and then clears it. Between two of these steps it may die, and then
 * nobody can tell whether it is in the count. So whoever finds a dead one there (or has the lock of
 * one who died with it) counts anew: closes the word (no owner's compare-and-swap succeeds any
 * more), clears every PENDING and RELEASING, counts HELD, and opens the word under another epoch. An
 * owner whose PENDING was cleared has no place, whatever it did to the word before, and comes to the
 * lock; one whose RELEASING was cleared is done.
 *
 * A place is handed to the next waiter, never thrown open: while anybody waits, WAITERS keeps
 * beginners from counting themselves in, and who leaves comes to the lock.
 *
 *	            enter         leave         under the lock
 *	enter       lock-free     lock-free     the lock wins: an epoch goes by
 *	leave       lock-free     lock-free     the same
 */
#include "session_pool.h"

bool reeve__session_pool_waits(const struct reeve_sh_session *sh)
{
	return state_of(atomic_load(&sh->pool)) == WAITING;
}

/* ---- without the lock ---- */

/* What the fast path of enter says. */
enum fast { FAST_IN, FAST_FREE, FAST_NOT };

static enum fast enter_fast(
	struct reeve *r, struct reeve_sh_session *sh, struct reeve_sh_session_pool *p, uint32_t g)
{
	for (uint32_t tries = 0; tries < 4; tries++) {
		uint64_t word = atomic_load(&p->word), mine = place(PENDING, g), nothing = 0;
		if (!(word & (LIMITED | CLOSED)))
			return FAST_FREE;
		if ((word & (WAITERS | CLOSED)) || count_of(word) >= reeve__get(&p->limit))
			return FAST_NOT;
		/* After the word was read: who closes it afterwards sees this, or we see that. Who made
		   a pool for this statement has counted it in already: to the lock. */
		if (!atomic_compare_exchange_strong(&sh->pool, &nothing, mine))
			return FAST_NOT;
		REEVE_POINT(POOL_PENDING);
		/* The task follows its session's switch last. Who switches it now finds it PENDING. */
		if (atomic_load(&sh->group) != g) {
			atomic_compare_exchange_strong(&sh->pool, &mine, 0);
			return FAST_NOT;
		}
		if (!atomic_compare_exchange_strong(&p->word, &word, word + 1)) {
			atomic_compare_exchange_strong(&sh->pool, &mine, 0);
			continue;
		}
		REEVE_POINT(POOL_CLAIMED);
		if (!atomic_compare_exchange_strong(&sh->pool, &mine, place(HELD, g)))
			return FAST_NOT; /* counted anew, without us */
		reeve__session_at_end(r, sh, 0);
		return FAST_IN;
	}
	return FAST_NOT;
}

/* Gives a place back. False: somebody waits for it, or it is being counted: to the lock. */
static bool leave_fast(struct reeve_sh_session *sh, struct reeve_sh_session_pool *p, uint32_t g)
{
	uint64_t mine = place(RELEASING, g), word;

	for (uint32_t tries = 0; tries < 64; tries++) {
		word = atomic_load(&p->word);
		if (atomic_load(&sh->pool) != mine) /* after the word, see the head */
			return true;
		if ((word & (WAITERS | CLOSED)) || count_of(word) == 0)
			return false;
		if (atomic_compare_exchange_strong(&p->word, &word, word - 1)) {
			atomic_compare_exchange_strong(&sh->pool, &mine, 0);
			return true;
		}
	}
	return false;
}

/* ---- the lock, and counting anew ---- */

void reeve__session_pool_add(struct reeve_sh_session_pool *p, int by)
{
	uint64_t word = atomic_load(&p->word), next;

	do {
		if (by < 0 && count_of(word) == 0)
			return;
		next = by < 0 ? word - 1 : word + 1;
	} while (!atomic_compare_exchange_weak(&p->word, &word, next));
}

/* Whether a session runs a statement now, in that group, that no pool has counted. */
bool reeve__session_pool_runs_uncounted(
	const struct reeve *r, const struct reeve_sh_session *sh, uint32_t g)
{
	const struct reeve_sh_task *t = task_of(r, sh);
	uint32_t phase = t ? atomic_load(&t->phase) : REEVE_PHASE_DEAD;

	return reeve__get(&sh->head.state) == REEVE_SLOT_LIVE && reeve__get(&sh->group) == g &&
	       phase != REEVE_PHASE_IDLE && phase != REEVE_PHASE_DEAD;
}

/* Counts a statement in that began before there was a pool; takes it back when it has just ended. */
bool reeve__session_pool_mark(struct reeve *r, struct reeve_sh_session *sh, uint32_t g)
{
	uint64_t nothing = 0, held = place(HELD, g);

	reeve__session_at_end(r, sh, 0);
	if (!atomic_compare_exchange_strong(&sh->pool, &nothing, held))
		return false;
	if (reeve__session_pool_runs_uncounted(r, sh, g))
		return true;
	/* Its owner may be on its way to the lock with it, and then counts it out there. */
	return !atomic_compare_exchange_strong(&sh->pool, &held, 0);
}

/* Looks at one session's place while its pool is closed. Without a limit nobody holds any. */
static void count_session(
	struct reeve__session_pool_pass *x, uint32_t i, uint32_t only, uint64_t flags)
{
	struct reeve *r = x->r;
	struct reeve_sh_session *sh = &r->sessions[i];
	uint64_t at = atomic_load(&sh->pool);
	uint32_t g = at ? group_of(r, at) : reeve__get(&sh->group);
	struct reeve_sh_session_pool *p = &r->session_pools[g < r->group_capacity ? g : 0];

	if (g >= r->group_capacity || (only != REEVE_NONE && only != g))
		return;
	switch (state_of(at)) {
	case NO_PLACE:
		if (p->marking && reeve__session_pool_runs_uncounted(r, sh, g) &&
			reeve__session_pool_mark(r, sh, g))
			p->tally++;
		break;
	case HELD:
		if ((flags & LIMITED) && reeve__get(&sh->head.state) == REEVE_SLOT_LIVE)
			p->tally++;
		else
			atomic_compare_exchange_strong(&sh->pool, &at, 0);
		break;
	case WAITING:
		if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE && only == REEVE_NONE)
			atomic_store(&sh->pool, 0);
		break;
	default:
		if (!atomic_compare_exchange_strong(&sh->pool, &at, 0) && state_of(at) == HELD)
			p->tally++; /* its owner was quicker */
	}
}

static void open_word(struct reeve_sh_session_pool *p, uint64_t flags)
{
	p->epoch++;
	p->marking = 0;
	atomic_store(&p->word, !(flags & FLAGS)
				       ? 0
				       : p->tally | (p->epoch & EPOCH_MASK) << EPOCH_SHIFT | flags |
						 (p->waiting ? WAITERS : 0));
}

/* Makes the count of one pool anew, under these flags; all that waits goes on waiting. */
void reeve__session_pool_count_anew(struct reeve__session_pool_pass *x, uint32_t g, uint64_t flags)
{
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];

	atomic_fetch_or(&p->word, CLOSED);
	REEVE_POINT(POOL_CLOSED);
	p->tally = 0;
	for (uint32_t i = 0; i < sessions_used(x->r); i++)
		count_session(x, i, g, flags);
	open_word(p, flags);
}

/* Everything derived, for all pools: counts, queues, flags. */
static void rebuild(struct reeve__session_pool_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t g = 0; g < reeve__table_used(&r->header->groups); g++) {
		struct reeve_sh_session_pool *p = &r->session_pools[g];
		if (atomic_load(&p->word))
			atomic_fetch_or(&p->word, CLOSED);
		p->root = REEVE_NONE;
		p->waiting = p->tally = 0;
	}
	reeve__put(&x->d->waiting, 0);
	for (uint32_t i = 0; i < sessions_used(r); i++) {
		struct reeve_sh_session *sh = &r->sessions[i];
		sh->queue_node.rank = 0;
		uint64_t at = atomic_load(&sh->pool);
		count_session(
			x, i, REEVE_NONE, atomic_load(&r->session_pools[group_of(r, at)].word));
		if (state_of(atomic_load(&sh->pool)) == WAITING)
			reeve__session_queue_insert(x, i, group_of(r, atomic_load(&sh->pool)));
	}
	for (uint32_t g = 0; g < reeve__table_used(&r->header->groups); g++) {
		struct reeve_sh_session_pool *p = &r->session_pools[g];
		uint64_t word = atomic_load(&p->word);
		if (word)
			open_word(p, word & FLAGS);
	}
	reeve__put(&x->d->ruling_seen, (uint64_t)0); /* whatever was being followed, again */
}

/* ---- following the plan ---- */

const struct reeve_sh_session_pool_config *reeve__session_pool_config_of(
	const struct reeve_sh_session_pool *p, uint64_t activation)
{
	const struct reeve_sh_session_pool_config *c = &p->config[reeve__get(&p->which) & 1];

	return c->activation == activation + 1 ? c : NULL;
}

/* The limits in force for a group: by hand, else of the plan. UINT32_MAX: none. */
static uint32_t wanted(const struct reeve_sh_session_pool *p, const struct reeve_sh_ruling_row *row,
	uint64_t activation, uint64_t *ret_timeout_ns, uint32_t *ret_queue)
{
	const struct reeve_sh_session_pool_config *c = reeve__session_pool_config_of(p, activation);

	*ret_timeout_ns = c ? c->queue_timeout_ns : reeve__get(&row->queue_timeout_ns);
	*ret_queue = c ? c->allow_queuing : 1;
	if (c)
		return c->max_active;
	return reeve__get(&row->flags) & REEVE_ROW_SESSIONS_MANAGED
		       ? reeve__get(&row->active_sessions)
		       : UINT32_MAX;
}

/* Whether calls of the group are watched, or judged before they begin. */
static bool has_rules(const struct reeve_sh_ruling_row *row)
{
	return reeve__get(&row->max_est_exec_ns) != REEVE_UNLIMITED ||
	       (reeve__get(&row->switch_action) != REEVE_ROW_NOTHING &&
		       (reeve__get(&row->switch_cpu_ns) != REEVE_UNLIMITED ||
			       reeve__get(&row->switch_elapsed_ns) != REEVE_UNLIMITED ||
			       reeve__get(&row->switch_io_bytes) != REEVE_UNLIMITED ||
			       reeve__get(&row->switch_io_requests) != REEVE_UNLIMITED));
}

static void follow_group(struct reeve__session_pool_pass *x, uint32_t g,
	const struct reeve_sh_ruling_row *row, uint64_t activation)
{
	struct reeve_sh_session_pool *p = &x->r->session_pools[g];
	uint64_t id = reeve__head_id(&x->r->groups[g].head), word = atomic_load(&p->word), timeout,
		 flags;
	uint32_t limit, allow;

	if (p->group_id != id) { /* the slot is another group's now */
		reeve__put(&p->which, 0);
		p->config[0].activation = p->config[1].activation = 0;
		reeve__put(&p->limit_actions, (uint64_t)0);
		reeve__put(&p->limit, UINT32_MAX);
		if (!p->waiting)
			p->root = REEVE_NONE;
		p->group_id = id;
	}
	limit = wanted(p, row, activation, &timeout, &allow);
	if (id == REEVE_SYS_GROUP) /* never queued */
		limit = UINT32_MAX;
	flags = (limit != UINT32_MAX ? LIMITED : 0) | (has_rules(row) ? RULES : 0) |
		(reeve__get(&x->d->default_execution_ns) != REEVE_UNLIMITED ? DEFAULTS : 0);
	reeve__put(&p->queue_timeout_ns, timeout);
	reeve__put(&p->allow_queuing, allow);
	if ((word & FLAGS) == flags && reeve__get(&p->limit) == limit)
		return;
	p->marking = (flags & LIMITED) && !(word & LIMITED);
	atomic_fetch_or(&p->word, CLOSED);
	reeve__put(&p->limit, limit);
	reeve__session_pool_count_anew(x, g, flags);
}

void reeve__session_pool_follow(struct reeve__session_pool_pass *x)
{
	struct reeve *r = x->r;
	struct reeve__ruling_view view;
	uint32_t n, tries = 0;

	do {
		view = reeve__ruling_now(r);
		n = reeve__table_used(&r->header->groups);
		for (uint32_t g = 0; g < n && g < r->group_capacity; g++)
			follow_group(x, g, &view.rows[g], reeve__get(&view.head->activation));
	} while (!reeve__ruling_holds(&view) && tries++ < 8);
	reeve__put(&x->d->ruling_seen, view.sequence);
}

static bool is_stale(const struct reeve *r)
{
	return reeve__get(&r->control->ruling_seen) != reeve__ruling_now(r).sequence;
}

void reeve__session_pool_begin(struct reeve__session_pool_pass *x, struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->control->lock);

	x->r = r;
	x->d = r->control;
	x->now = (uint64_t)reeve__mono(r);
	x->wake_count = 0;
	x->queue = (struct reeve__heap){(char *)&r->sessions[0].queue_node,
		sizeof(struct reeve_sh_session), r->header->sessions.capacity, false};
	if (REEVE_UNLIKELY(died))
		rebuild(x);
	if (REEVE_UNLIKELY(is_stale(r)))
		reeve__session_pool_follow(x);
}

void reeve__session_pool_unlock(struct reeve__session_pool_pass *x)
{
	if (REEVE_UNLIKELY(x->queue.fault))
		reeve__segment_degrade(x->r, "a queue of a session pool is damaged");
	reeve__lock_release(&x->d->lock);
}

void reeve__session_pool_wake(struct reeve__session_pool_pass *x)
{
	for (uint32_t i = 0; i < x->wake_count; i++)
		reeve__task_wake(x->r, x->wakes[i]);
	x->wake_count = 0;
}

static void pool_end(struct reeve__session_pool_pass *x)
{
	reeve__session_pool_unlock(x);
	reeve__session_pool_wake(x);
}

void reeve__session_pools_look(struct reeve *r)
{
	struct reeve__session_pool_pass x;
	uint32_t g = 0, n;

	do { /* a lock's hold a batch of wakes */
		reeve__session_pool_begin(&x, r);
		n = reeve__table_used(&r->header->groups);
		while (g < n && x.wake_count < REEVE_COUNT(x.wakes)) {
			reeve__session_queue_hand_over(&x, g);
			if (x.wake_count < REEVE_COUNT(x.wakes))
				g++;
		}
		pool_end(&x);
	} while (g < n && reeve__get(&r->control->waiting));
}

int reeve__session_pool_enter(struct reeve_session *s, uint32_t g)
{
	struct reeve_sh_session *sh = s->sh;

	switch (enter_fast(s->r, sh, &s->r->session_pools[g], g)) {
	case FAST_IN:
	case FAST_FREE:
		return 0;
	default:
		return 1;
	}
}

void reeve__session_pool_leave(struct reeve *r, struct reeve_sh_session *sh)
{
	uint64_t at = atomic_load(&sh->pool);
	uint32_t g = group_of(r, at);
	struct reeve__session_pool_pass x;
	bool gone;

	do { /* a switch may move it meanwhile */
		g = group_of(r, at);
		if (state_of(at) != HELD)
			return;
		gone = atomic_compare_exchange_strong(&sh->pool, &at, place(RELEASING, g));
	} while (!gone);
	REEVE_POINT(POOL_RELEASING);
	if (leave_fast(sh, &r->session_pools[g], g))
		return;
	reeve__session_pool_begin(&x, r);
	at = place(RELEASING, g);
	if (atomic_compare_exchange_strong(&sh->pool, &at, 0))
		reeve__session_pool_add(&r->session_pools[g], -1);
	reeve__session_queue_hand_over(&x, g);
	pool_end(&x);
}
