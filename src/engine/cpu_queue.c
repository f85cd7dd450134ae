/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_queue.c - tasks that wait: ages, queues, leaving and moving. CPU lock held. */
#include "cpu.h"

#include "../policy/fair.h"
#include "../policy/histogram.h"

/* ---- ages ---- */

static uint64_t credit_age(const struct reeve__cpu_pass *x, uint32_t weight)
{
	return reeve__fair_age(reeve__fair_credit_ns(reeve__get(&x->c->quantum_ns)), weight);
}

static uint64_t lead_age(const struct reeve__cpu_pass *x, uint32_t weight)
{
	uint64_t quanta = (uint64_t)x->r->slot_count + 1;

	return reeve__fair_age(quanta * reeve__cpu_most_lag_ns(x), weight);
}

/* Whether a group has a task at work, besides those that wait. */
static bool is_at_work(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint32_t t = reeve__word_task(x->r, reeve__get(&x->r->cpu_slots[i].word));
		if (t != REEVE_NONE && reeve__get(&x->r->tasks[t].phase) == REEVE_PHASE_WORK &&
			reeve__cpu_lane_of(x, t) == g)
			return true;
	}
	return false;
}

/*
 * Ages with which a task and its group join those who wait. One that has been at work all the time
 * may be behind by right: a group by what others got while all its tasks ran or were between two
 * statements, up to the lead that others may have; by virtual finish without a bound, for its
 * statement may be long.
 */
static void join(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	bool by_finish = x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING;
	uint64_t clock = reeve__get(&x->c->clock), tasks = reeve__get(&g->cpu.task_clock);
	uint32_t weight = reeve__cpu_group_weight(x, g, false);
	uint32_t own = reeve__cpu_task_weight(x, task);

	if (g->cpu.waiting == 0) {
		uint64_t lead = lead_age(x, weight);
		bool works = is_at_work(x, g);
		if (!(by_finish && works))
			g->cpu.age = reeve__fair_join(
				g->cpu.age, clock, works ? lead : credit_age(x, weight), lead);
	}
	if (!(by_finish && reeve__cpu_holds(x->r, task)))
		t->age = reeve__fair_join(t->age, tasks, credit_age(x, own), lead_age(x, own));
}

/* Puts a task that waits, and its lane, where they belong now. */
static void replace_task(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	uint64_t key = reeve__cpu_task_key(x, task);

	if (t->queued && t->node.key != key) {
		reeve__heap_remove(&x->tasks, &g->cpu.root, task);
		reeve__heap_insert(&x->tasks, &g->cpu.root, task, key, x->c->tie++);
	}
	if (g->cpu.where == REEVE_GROUP_READY)
		reeve__cpu_place_group(x, g);
}

void reeve__cpu_age_task(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns)
{
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);

	x->r->tasks[task].age += reeve__fair_age(ns, reeve__cpu_task_weight(x, task));
	g->cpu.age += reeve__fair_age(ns, reeve__cpu_group_weight(x, g, false));
	g->cpu.active_ns = x->now;
	replace_task(x, g, task);
}

void reeve__cpu_settle(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);
	uint64_t prepaid = t->prepaid_ns < ns ? t->prepaid_ns : ns;
	uint64_t ageing = ns - prepaid;
	uint64_t contended = x->c->waiting ? x->now - x->c->contended_ns : 0;

	if (ns == 0)
		return;
	t->prepaid_ns -= prepaid;
	reeve__cpu_count_use(x, g, task, ns);
	reeve__cpu_age_task(x, task, ageing < contended ? ageing : contended);
	reeve__cpu_take_tokens(x, g, ns);
	if (reeve__get(&g->cpu.cap_ppm) < REEVE_PPM)
		reeve__cpu_solve_for_demand(x); /* a sub-plan's cap is for those that run */
}

/* ---- queues ---- */

static uint32_t wait_reason(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	if (x->c->plan_gate)
		return REEVE_WAIT_PLAN_CAP;
	return reeve__get(&g->cpu.gate) ? REEVE_WAIT_CPU_CAP : REEVE_WAIT_CPU_SLOT;
}

void reeve__cpu_enqueue(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_cpu *c = x->c;
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);

	if (t->queued)
		return;
	join(x, g, task);
	t->queued = 1;
	if (reeve__get(&t->wait_since) == 0)
		reeve__put(&t->wait_since, x->now);
	reeve__heap_insert(&x->tasks, &g->cpu.root, task, reeve__cpu_task_key(x, task), c->tie++);
	g->cpu.waiting++;
	g->cpu.active_ns = x->now;
	if (c->waiting++ == 0)
		c->contended_ns = x->now;
	reeve__cpu_publish_contended(x);
	reeve__cpu_look_at_cap(x, g);
	if (g->cpu.waiting == 1 || g->cpu.where == REEVE_GROUP_READY)
		reeve__cpu_place_group(x, g);
	reeve__put(&t->wait_reason, wait_reason(x, g));
	reeve__cpu_solve_for_demand(x);
	REEVE_POINT(TASK_QUEUED);
}

void reeve__cpu_dequeue(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);

	if (!t->queued)
		return;
	reeve__heap_remove(&x->tasks, &g->cpu.root, task);
	t->queued = 0;
	if (g->cpu.waiting)
		g->cpu.waiting--;
	if (g->cpu.waiting == 0 || g->cpu.where == REEVE_GROUP_READY)
		reeve__cpu_place_group(x, g);
	if (x->c->waiting)
		x->c->waiting--;
	if (x->c->watchman == task)
		x->c->watchman = REEVE_NONE;
	reeve__cpu_publish_contended(x);
}

void reeve__cpu_note_wait(struct reeve__cpu_pass *x, uint32_t task, uint64_t waited)
{
	struct reeve_sh_group *g = reeve__cpu_group_of(x, task);

	reeve__histogram_note(&reeve__cpu_lane_row(x, g)->waits, waited);
	reeve__histogram_note(&x->r->cpu_lanes[x->r->group_capacity].waits, waited);
}

/* The wait is over, one way or the other: book it. */
void reeve__cpu_end_wait(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	uint64_t since = reeve__get(&t->wait_since);
	uint64_t waited = since && since < x->now ? x->now - since : 0;

	reeve__put(&t->wait_since, 0);
	reeve__put(&t->wait_reason, REEVE_WAIT_NONE);
	if (!since)
		return;
	reeve__add(&t->wait_ns, waited);
	reeve__add(&x->c->wait_ns, waited);
	reeve__add(&x->c->waits, 1);
	reeve__cpu_group_of(x, task)->cpu.wait_ns += waited;
	reeve__cpu_note_wait(x, task, waited);
}

void reeve__cpu_give_up(struct reeve__cpu_pass *x, uint32_t task)
{
	reeve__cpu_dequeue(x, task);
	reeve__cpu_end_wait(x, task);
}

/* ---- tasks that leave or move ---- */

void reeve__cpu_book_slot(struct reeve *r, struct reeve_sh_task *t)
{
	uint32_t slot = reeve__get(&t->slot);
	uint64_t ns = reeve__get(&t->cpu_ns), before = reeve__get(&t->slot_cpu_base);

	if (slot < r->slot_count && ns > before)
		reeve__add(&r->cpu_slot_ns[slot], ns - before);
	reeve__put(&t->slot_cpu_base, ns);
}

/* What a task has used so far becomes its group's for good. */
void reeve__cpu_retire(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_cpu_group *q = &reeve__cpu_group_of(x, task)->cpu;
	uint64_t ns = reeve__get(&t->cpu_ns), queries = reeve__task_queries_ended(t);

	q->retired_ns += ns - t->cpu_ns_base;
	t->cpu_ns_base = ns;
	q->retired_queries += queries - t->queries_base;
	t->queries_base = queries;
}

/*
 * A task leaves its group for good. Newcomers start at the group's clock, so what it got beyond the
 * clock must not vanish with it: those who wait are owed it, and the clock rises by their parts of
 * it. Else sessions that come and go, each a newcomer, would be served before one that stays for
 * ever. (EEVDF, Stoica and Abdel-Wahab 1995, section 4: virtual time at a leave.) Those who wait are
 * taken to weigh as much as the one that leaves.
 */
static void leave_group(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_cpu_group *q = &reeve__cpu_lane_of(x, task)->cpu;
	uint64_t clock = reeve__get(&q->task_clock), age = x->r->tasks[task].age;
	uint64_t most = lead_age(x, reeve__cpu_task_weight(x, task));

	if (q->waiting == 0 || !reeve__before(clock, age))
		return;
	age -= clock;
	reeve__put(&q->task_clock, clock + (age < most ? age : most) / q->waiting);
}

void reeve__cpu_drop(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task)
{
	struct reeve_sh_task *t = &r->tasks[task];
	uint64_t held = reeve__task_word(t, task);

	reeve__cpu_begin(x, r);
	atomic_store(&t->phase, REEVE_PHASE_DEAD);
	reeve__cpu_dequeue(x, task);
	reeve__cpu_end_wait(x, task);
	leave_group(x, task);
	reeve__boost_forget(x, task);
	reeve__task_query_ends(t); /* if one was under way, it is over */
	reeve__cpu_retire(x, task);
	reeve__cpu_book_slot(r, t);
	for (uint32_t i = 0; i < r->slot_count; i++) {
		uint64_t word = held;
		atomic_compare_exchange_strong(&r->cpu_slots[i].word, &word, 0);
	}
	reeve__cpu_dispatch(x);
	reeve__cpu_unlock(x);
}

void reeve__cpu_move(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task, uint32_t to_group)
{
	struct reeve_sh_task *t = &r->tasks[task];
	bool queued;

	reeve__cpu_begin(x, r);
	queued = t->queued != 0;
	reeve__cpu_dequeue(x, task);
	leave_group(x, task);
	reeve__cpu_retire(x, task);
	reeve__put(&t->group, to_group);
	reeve__boost_refresh(x, task);
	t->age = reeve__get(&reeve__cpu_lane_of(x, task)->cpu.task_clock);
	if (queued)
		reeve__cpu_enqueue(x, task);
	atomic_fetch_or(&t->attention, REEVE_ATTEND_YIELD);
	reeve__cpu_dispatch(x);
	reeve__cpu_unlock(x);
}
