/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_boost.c - who waits for what another holds: boost, and waits that would never end.
 *
 * A task that waits for a lock says which session holds it. As long as that lasts the holder runs in
 * the waiter's lane, when that is the higher one: in its group's queue, with its priority if higher, on
 * its group's account and under its group's cap. So a low group that holds a lock delays a high one
 * by no more than its work under the lock, whatever else is going on (priority inheritance: Sha,
 * Rajkumar, Lehoczky 1990). Along a chain of waits the merit is handed on. What a task uses is
 * counted as its own group's in all statistics.
 *
 * Higher is: under priority round robin the lower level; under the others the greater weight of the
 * group, then the group's priority, then, in one group, the task's.
 *
 * A wait that closes a ring is refused: all in it would wait for ever. A chain longer than
 * REEVE__CHAIN_MAX is refused too, so that every ring is found, and every walk ends.
 *
 * The word waits_for is primary. Lists of waiters and lanes are derived from it. All under the CPU
 * lock; a ring that damage has made is walked REEVE__CHAIN_MAX steps and no more.
 */
#include "cpu.h"

#include "../policy/round_robin.h"

#include <stdio.h>

/* Group and priority that a task runs with. */
struct merit {
	uint32_t group, priority;
};

static struct reeve_sh_cpu_task *row(const struct reeve__cpu_pass *x, uint32_t task)
{
	return &x->r->cpu_tasks[task];
}

/* The task that one waits for; REEVE_NONE. */
static uint32_t holder_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint64_t word = reeve__get(&row(x, task)->waits_for);
	uint32_t i = reeve__word_task(x->r, word);

	if (i == REEVE_NONE || word != reeve__task_word(&x->r->tasks[i], i) ||
		reeve__get(&x->r->tasks[i].head.state) != REEVE_SLOT_LIVE)
		return REEVE_NONE;
	return i;
}

static struct merit own_merit(const struct reeve__cpu_pass *x, uint32_t task)
{
	return (struct merit){(uint32_t)(reeve__cpu_group_of(x, task) - x->r->groups),
		x->r->tasks[task].priority};
}

/* What a task runs with now, and hands on. */
static struct merit merit_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t lane = row(x, task)->lane;

	if (lane && REEVE__LANE_SLOT(lane) < x->r->group_capacity)
		return (struct merit){REEVE__LANE_SLOT(lane), REEVE__LANE_PRIORITY(lane)};
	return own_merit(x, task);
}

static bool is_higher(const struct reeve__cpu_pass *x, struct merit a, struct merit b)
{
	const struct reeve_sh_group *ga = &x->r->groups[a.group], *gb = &x->r->groups[b.group];
	uint32_t wa = reeve__get(&ga->cpu.weight_ppm), wb = reeve__get(&gb->cpu.weight_ppm);

	if (x->policy == REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return reeve__round_robin_level(ga->priority, a.priority) <
		       reeve__round_robin_level(gb->priority, b.priority);
	if (ga == gb)
		return a.priority < b.priority;
	return wa != wb ? wa > wb : ga->priority < gb->priority;
}

/* Moves a task to the lane of that merit. True when that is another than before. */
static bool set_merit(struct reeve__cpu_pass *x, uint32_t task, struct merit m)
{
	struct merit own = own_merit(x, task);
	bool is_own = m.group == own.group && m.priority >= own.priority;
	uint32_t lane = is_own ? 0 : REEVE__LANE(m.group, m.priority & 7);
	bool queued = x->r->tasks[task].queued != 0;
	struct reeve_sh_group *before = reeve__cpu_lane_of(x, task);
	uint64_t contended_ns = x->c->contended_ns;

	if (lane == row(x, task)->lane)
		return false;
	reeve__cpu_dequeue(x, task);
	if (row(x, task)->lane == 0)
		reeve__add(&x->r->cpu_more->boosts, 1);
	row(x, task)->lane = lane;
	if (reeve__cpu_lane_of(x, task) != before)
		x->r->tasks[task].age = reeve__get(&reeve__cpu_lane_of(x, task)->cpu.task_clock);
	if (queued) {
		reeve__cpu_enqueue(x, task);
		x->c->contended_ns = contended_ns; /* it has waited all the time */
	}
	return true;
}

/* The highest merit among a task's own and those of who waits for it. */
static struct merit highest_merit(const struct reeve__cpu_pass *x, uint32_t task)
{
	struct merit best = own_merit(x, task);
	uint32_t most = x->r->header->tasks.capacity,
		 link = reeve__get(&row(x, task)->first_waiter);

	for (uint32_t n = 0; link && link <= most && n < most; n++) {
		struct merit m = merit_of(x, link - 1);
		if (is_higher(x, m, best))
			best = m;
		link = row(x, link - 1)->next_waiter;
	}
	return best;
}

void reeve__boost_refresh(struct reeve__cpu_pass *x, uint32_t task)
{
	for (uint32_t n = 0; task != REEVE_NONE && n < REEVE__CHAIN_MAX; n++) {
		if (!set_merit(x, task, highest_merit(x, task)) && n)
			return;
		task = holder_of(x, task);
	}
}

/* A new waiter has come: what it hands on can only raise. */
static void raise_from(struct reeve__cpu_pass *x, uint32_t waiter)
{
	uint32_t task = holder_of(x, waiter);

	for (uint32_t n = 0; task != REEVE_NONE && n < REEVE__CHAIN_MAX; n++) {
		if (!is_higher(x, merit_of(x, waiter), merit_of(x, task)) ||
			!set_merit(x, task, merit_of(x, waiter)))
			return;
		waiter = task;
		task = holder_of(x, task);
	}
}

static void link_waiter(struct reeve__cpu_pass *x, uint32_t waiter, uint32_t holder)
{
	uint32_t first = reeve__get(&row(x, holder)->first_waiter);

	row(x, waiter)->next_waiter = first;
	row(x, waiter)->previous_waiter = 0;
	if (first && first <= x->r->header->tasks.capacity)
		row(x, first - 1)->previous_waiter = waiter + 1;
	reeve__put(&row(x, holder)->first_waiter, waiter + 1);
	x->r->cpu_more->links++;
}

/* Takes a waiter out of the list of the task it waits for, which is returned; REEVE_NONE. */
static uint32_t unlink_waiter(struct reeve__cpu_pass *x, uint32_t waiter)
{
	struct reeve_sh_cpu_task *w = row(x, waiter);
	uint32_t holder = holder_of(x, waiter), most = x->r->header->tasks.capacity;

	if (w->next_waiter && w->next_waiter <= most)
		row(x, w->next_waiter - 1)->previous_waiter = w->previous_waiter;
	if (w->previous_waiter && w->previous_waiter <= most)
		row(x, w->previous_waiter - 1)->next_waiter = w->next_waiter;
	else if (holder != REEVE_NONE)
		reeve__put(&row(x, holder)->first_waiter, w->next_waiter);
	w->next_waiter = w->previous_waiter = 0;
	if (x->r->cpu_more->links)
		x->r->cpu_more->links--;
	reeve__put(&w->waits_for, 0);
	atomic_fetch_and(&x->r->tasks[waiter].attention, ~(uint32_t)REEVE_ATTEND_LINKED);
	if (reeve__get(&x->r->tasks[waiter].wait_reason) == REEVE_WAIT_LOCK)
		reeve__put(&x->r->tasks[waiter].wait_reason, REEVE_WAIT_BLOCKED);
	return holder;
}

void reeve__boost_unblock(struct reeve__cpu_pass *x, uint32_t waiter)
{
	if (reeve__get(&row(x, waiter)->waits_for) == 0)
		return;
	reeve__boost_refresh(x, unlink_waiter(x, waiter));
}

void reeve__boost_forget(struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t most = x->r->header->tasks.capacity, link;

	reeve__boost_unblock(x, task);
	for (uint32_t n = 0; n < most; n++) {
		link = reeve__get(&row(x, task)->first_waiter);
		if (link == 0 || link > most)
			break;
		(void)unlink_waiter(x, link - 1);
		if (reeve__get(&row(x, task)->first_waiter) == link)
			break; /* damaged: it is not where it says */
	}
	reeve__put(&row(x, task)->first_waiter, 0);
	row(x, task)->lane = 0;
}

/* Walks from `holder` on. 0, or the number of tasks in the ring that `waiter` would close; -1: too far. */
static int find_ring(const struct reeve__cpu_pass *x, uint32_t waiter, uint32_t holder,
	uint32_t ring[REEVE__CHAIN_MAX])
{
	int n = 0;

	for (uint32_t i = holder; i != REEVE_NONE; i = holder_of(x, i)) {
		if (n == REEVE__CHAIN_MAX)
			return -1;
		ring[n++] = i;
		if (i == waiter)
			return n;
	}
	return 0;
}

/* Who runs in a lower lane comes to the scheduler at its next checkpoint, and is compared. */
static void nudge_lower(struct reeve__cpu_pass *x, struct merit m)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint32_t t = reeve__word_task(x->r, atomic_load(&x->r->cpu_slots[i].word));
		if (t != REEVE_NONE && is_higher(x, m, merit_of(x, t)))
			atomic_fetch_or(&x->r->tasks[t].attention, REEVE_ATTEND_YIELD);
	}
}

int reeve__boost_block(struct reeve__cpu_pass *x, uint32_t waiter, uint32_t holder,
	uint32_t ring[REEVE__CHAIN_MAX])
{
	struct reeve_sh_task *t = &x->r->tasks[waiter];
	int n = find_ring(x, waiter, holder, ring);

	if (n) {
		reeve__add(&x->r->cpu_more->deadlocks, n > 0);
		return n;
	}
	reeve__boost_unblock(x, waiter);
	reeve__put(&row(x, waiter)->waits_for, reeve__task_word(&x->r->tasks[holder], holder));
	REEVE_POINT(LOCK_WAIT_NOTED);
	link_waiter(x, waiter, holder);
	atomic_fetch_or(&t->attention, REEVE_ATTEND_LINKED);
	if (reeve__get(&t->wait_reason) == REEVE_WAIT_BLOCKED)
		reeve__put(&t->wait_reason, REEVE_WAIT_LOCK);
	raise_from(x, waiter);
	REEVE_POINT(LOCK_WAIT_BOOSTED);
	/* Statements end without the lock: one that just has is seen here, or sees the attention. */
	if (atomic_load(&t->phase) == REEVE_PHASE_IDLE ||
		atomic_load(&t->phase) == REEVE_PHASE_DEAD)
		reeve__boost_unblock(x, waiter);
	reeve__cpu_dispatch(x);
	if (x->r->tasks[holder].queued && !reeve__cpu_preempt(x, holder))
		nudge_lower(x, merit_of(x, holder));
	return 0;
}

void reeve__boost_follow_ruling(struct reeve__cpu_pass *x)
{
	uint32_t used = reeve__table_used(&x->r->header->tasks);

	for (uint32_t i = 0; x->r->cpu_more->links && i < used; i++)
		if (reeve__get(&row(x, i)->first_waiter))
			reeve__boost_refresh(x, i);
}

void reeve__boost_rebuild(struct reeve__cpu_pass *x)
{
	uint32_t used = reeve__table_used(&x->r->header->tasks);

	x->r->cpu_more->links = 0;
	for (uint32_t i = 0; i < used; i++) {
		struct reeve_sh_cpu_task *ct = row(x, i);
		reeve__put(&ct->first_waiter, 0);
		ct->next_waiter = ct->previous_waiter = ct->lane = 0;
	}
	for (uint32_t i = 0; i < used; i++) {
		uint32_t holder = holder_of(x, i);
		if (reeve__get(&row(x, i)->waits_for) == 0)
			continue;
		if (reeve__get(&x->r->tasks[i].head.state) == REEVE_SLOT_LIVE &&
			holder != REEVE_NONE && holder != i) {
			link_waiter(x, i, holder);
			atomic_fetch_or(&x->r->tasks[i].attention, REEVE_ATTEND_LINKED);
		} else {
			reeve__put(&row(x, i)->waits_for, 0);
		}
	}
	for (uint32_t i = 0; i < used; i++)
		if (holder_of(x, i) != REEVE_NONE)
			raise_from(x, i);
}

/* ---- from outside ---- */

/* Slots of the tasks of two sessions; session lock held. The first must run a statement. */
static int find_pair_locked(struct reeve *r, reeve_session_id waiter, reeve_session_id holder,
	uint32_t *ret_waiter, uint32_t *ret_holder, struct reeve_error *err)
{
	uint32_t phase;
	int rc = reeve__session_task_locked(r, waiter, ret_waiter, err);

	if (!rc && holder.v)
		rc = reeve__session_task_locked(r, holder, ret_holder, err);
	if (rc || !holder.v)
		return rc;
	phase = reeve__get(&r->tasks[*ret_waiter].phase);
	if (phase == REEVE_PHASE_IDLE || phase == REEVE_PHASE_DEAD)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"session %llu runs no statement that could wait",
			(unsigned long long)waiter.v);
	return 0;
}

/* Names the sessions of a ring: "session 3 waits for session 5, which waits for session 3". */
static int refuse_ring(struct reeve *r, reeve_session_id waiter, const uint32_t *ring, int n,
	struct reeve_error *err)
{
	char text[REEVE_ERROR_TEXT_MAX - 64];
	size_t length = 0;

	text[0] = 0;
	for (int i = 0; i < n && length < sizeof(text) - 64; i++) {
		uint32_t s = r->tasks[ring[i]].session;
		unsigned long long id =
			s < r->header->sessions.capacity ? r->sessions[s].head.id : 0;
		length += (size_t)snprintf(text + length, sizeof(text) - length,
			"%s waits for session %llu", i ? ", which" : "", id);
	}
	return reeve__fail(err, REEVE_ECONFLICT, "deadlock: session %llu%s",
		(unsigned long long)waiter.v, text);
}

int reeve__session_blocked_by(
	struct reeve *r, reeve_session_id waiter, reeve_session_id holder, struct reeve_error *err)
{
	uint32_t w = REEVE_NONE, h = REEVE_NONE, ring[REEVE__CHAIN_MAX];
	struct reeve__cpu_pass x;
	int rc, n = 0;

	reeve__sessions_lock(r);
	rc = find_pair_locked(r, waiter, holder, &w, &h, err);
	if (!rc) {
		reeve__cpu_begin(&x, r);
		n = reeve__boost_block(&x, w, h, ring);
		reeve__cpu_unlock(&x);
	}
	if (!rc && n > 0)
		rc = refuse_ring(r, waiter, ring, n, err);
	else if (!rc && n < 0)
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"session %llu would wait at the end of a chain of more than %u sessions",
			(unsigned long long)waiter.v, REEVE__CHAIN_MAX);
	reeve__sessions_unlock(r);
	if (w != REEVE_NONE && h != REEVE_NONE && (!rc || n))
		reeve__cpu_wake(&x);
	return rc;
}

int reeve__session_unblocked(struct reeve *r, reeve_session_id waiter, struct reeve_error *err)
{
	uint32_t w = REEVE_NONE;
	struct reeve__cpu_pass x;
	int rc;

	reeve__sessions_lock(r);
	rc = find_pair_locked(r, waiter, (reeve_session_id){0}, &w, NULL, err);
	if (!rc) {
		reeve__cpu_begin(&x, r);
		reeve__boost_unblock(&x, w);
		reeve__cpu_unlock(&x);
	}
	reeve__sessions_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}

bool reeve__task_unlink(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task)
{
	if (reeve__get(&r->cpu_tasks[task].waits_for) == 0)
		return false;
	reeve__cpu_begin(x, r);
	reeve__boost_unblock(x, task);
	reeve__cpu_unlock(x);
	return true;
}

/* Public id of a task's session; .v 0: none. */
static reeve_session_id session_of(const struct reeve *r, uint32_t task)
{
	uint32_t s = task < r->header->tasks.capacity ? r->tasks[task].session : REEVE_NONE;

	return (reeve_session_id){s < r->header->sessions.capacity ? r->sessions[s].head.id : 0};
}

bool reeve__session_blocks_others(struct reeve *r, uint32_t session, reeve_session_id *ret_blocked)
{
	uint32_t task = r->sessions[session].task;
	struct reeve__cpu_pass x;
	uint32_t first;

	if (task >= r->header->tasks.capacity || !reeve__get(&r->cpu_tasks[task].first_waiter))
		return false;
	reeve__cpu_begin(&x, r);
	first = reeve__get(&r->cpu_tasks[task].first_waiter);
	if (first && ret_blocked)
		*ret_blocked = session_of(r, first - 1);
	reeve__cpu_end(&x);
	return first != 0;
}

reeve_session_id reeve__task_blocked_by(const struct reeve *r, uint32_t task)
{
	uint64_t word = reeve__get(&r->cpu_tasks[task].waits_for);
	uint32_t i = reeve__word_task(r, word);

	if (i == REEVE_NONE || word != reeve__task_word(&r->tasks[i], i))
		return (reeve_session_id){0};
	return session_of(r, i);
}

/* ---- validate ---- */

uint32_t reeve__boost_check(struct reeve__cpu_pass *x, uint32_t *ret_task)
{
	uint32_t used = reeve__table_used(&x->r->header->tasks), waiters = 0, linked = 0;

	for (uint32_t i = 0; i < used; i++) {
		uint64_t word = reeve__task_word(&x->r->tasks[i], i);
		uint32_t link = reeve__get(&row(x, i)->first_waiter);
		bool live = reeve__get(&x->r->tasks[i].head.state) == REEVE_SLOT_LIVE;
		*ret_task = i;
		waiters += live && reeve__get(&row(x, i)->waits_for) != 0;
		if (live && link == 0 && row(x, i)->lane)
			return 1;
		for (uint32_t before = 0; live && link; linked++) {
			if (link > used || linked > used ||
				reeve__get(&row(x, link - 1)->waits_for) != word ||
				row(x, link - 1)->previous_waiter != before)
				return 2;
			before = link;
			link = row(x, link - 1)->next_waiter;
		}
	}
	return waiters == linked ? 0 : 3;
}
