/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.c - the CPU domain: who gets a slot, under the CPU lock.
 *
 * Two levels of heaps. `ready` holds the groups that have waiting tasks, youngest first; each group
 * holds its waiting tasks, youngest first. Ages are virtual runtimes (policy/fair.h). Groups over
 * their cap lie in `throttled` instead, by the instant at which their bucket lets them go on.
 *
 * Use counts towards age only while somebody waits: what nobody else wanted is free.
 */
#include "engine.h"

#include "../policy/bucket.h"
#include "../policy/fair.h"
#include "../policy/shares.h"

#include <stdarg.h>
#include <stdio.h>

/* Buckets of caps hold this much time: at most so long over the cap at a stretch. */
#define CAP_BURST_NS ((uint64_t)20000000)
/* Weights of EMPHASIS plans are solved anew, for who wants CPU now, at most this often. */
#define SOLVE_PERIOD_NS ((uint64_t)10000000)
/* A group that wanted CPU this recently still counts as wanting it. */
#define DEMAND_NS ((uint64_t)100000000)

static struct reeve_sh_group *group_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t g = reeve__get(&x->r->tasks[task].group);

	if (REEVE_UNLIKELY(g >= x->r->group_capacity)) {
		reeve__segment_degrade(x->r, "task %u names group slot %u", task, g);
		g = 0;
	}
	return &x->r->groups[g];
}

static uint32_t slot_of_group(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	return (uint32_t)(g - x->r->groups);
}

static void publish_contended(struct reeve__cpu_pass *x)
{
	/* seq_cst: see the head of engine.h. */
	atomic_store(&x->c->contended, x->c->waiting + x->c->plan_gate);
}

static void set_heaps(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;
	struct reeve_sh_header *h = r->header;

	x->tasks = (struct reeve__heap){
		(char *)&r->tasks[0].node, sizeof(struct reeve_sh_task), h->tasks.capacity, false};
	x->groups = (struct reeve__heap){(char *)&r->groups[0].cpu.node,
		sizeof(struct reeve_sh_group), h->groups.capacity, false};
	x->pulls = (struct reeve__heap){(char *)&r->groups[0].cpu.pull_node,
		sizeof(struct reeve_sh_group), h->groups.capacity, false};
}

void reeve__cpu_begin(struct reeve__cpu_pass *x, struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->cpu->lock);

	x->r = r;
	x->c = r->cpu;
	x->wake_count = 0;
	x->now = (uint64_t)reeve__mono(r);
	x->cycles = reeve__cycles(r);
	set_heaps(x);
	if (REEVE_UNLIKELY(died))
		reeve__cpu_rebuild(x);
	REEVE_POINT(CPU_LOCKED);
	if (REEVE_UNLIKELY(x->c->ruling_seen != atomic_load(&r->header->ruling)))
		reeve__cpu_follow_ruling(x);
}

/* A parked task that looks after time while nobody else does. */
static void appoint_watchman(struct reeve__cpu_pass *x)
{
	struct reeve_sh_cpu *c = x->c;
	uint32_t g = c->ready != REEVE_NONE ? c->ready : c->throttled;
	uint32_t t;

	if (c->watchman != REEVE_NONE || c->waiting == 0 || g >= x->r->group_capacity)
		return;
	t = x->r->groups[g].cpu.root;
	if (t >= x->tasks.capacity || reeve__get(&x->r->tasks[t].park) == REEVE_PARK_NO ||
		x->wake_count == REEVE_COUNT(x->wakes))
		return; /* it is on its way to park, and will look up by itself */
	c->watchman = t;
	reeve__put(&x->r->tasks[t].park, REEVE_PARK_LOOK);
	x->wakes[x->wake_count++] = t;
}

void reeve__cpu_unlock(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;

	appoint_watchman(x);
	if (REEVE_UNLIKELY(x->tasks.fault || x->groups.fault || x->pulls.fault))
		reeve__segment_degrade(r, "a queue of the CPU domain is damaged");
	reeve__lock_release(&r->cpu->lock);
}

void reeve__cpu_wake(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t i = 0; i < x->wake_count; i++)
		r->host->wake(r->host->self, (uint32_t *)&r->tasks[x->wakes[i]].park);
}

void reeve__cpu_end(struct reeve__cpu_pass *x)
{
	reeve__cpu_unlock(x);
	reeve__cpu_wake(x);
}

bool reeve__cpu_holds(const struct reeve *r, uint32_t task)
{
	const struct reeve_sh_task *t = &r->tasks[task];
	uint32_t slot = reeve__get(&t->slot);

	return slot < r->slot_count &&
	       atomic_load(&r->cpu_slots[slot].word) == reeve__task_word(t, task);
}

/* ---- caps ---- */

static uint64_t cap_rate(const struct reeve__cpu_pass *x, uint32_t cap_ppm)
{
	return (uint64_t)cap_ppm * x->r->slot_count;
}

static uint64_t cap_burst(const struct reeve__cpu_pass *x, uint32_t cap_ppm)
{
	return reeve__muldiv(CAP_BURST_NS, cap_rate(x, cap_ppm), REEVE_PPM);
}

/* Puts a group where it belongs: idle, ready by age, or throttled by time. */
static void place_group(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	struct reeve_sh_cpu *c = x->c;
	struct reeve_sh_cpu_group *q = &g->cpu;
	uint32_t i = slot_of_group(x, g), cap = reeve__get(&q->cap_ppm);
	uint32_t where = q->waiting == 0	? REEVE_GROUP_IDLE
			 : reeve__get(&q->gate) ? REEVE_GROUP_THROTTLED
						: REEVE_GROUP_READY;

	if (q->where == REEVE_GROUP_READY)
		reeve__heap_remove(&x->groups, &c->ready, i);
	else if (q->where == REEVE_GROUP_THROTTLED)
		reeve__heap_remove(&x->groups, &c->throttled, i);
	q->where = where;
	if (where == REEVE_GROUP_READY)
		reeve__heap_insert(&x->groups, &c->ready, i, q->age, g->priority);
	else if (where == REEVE_GROUP_THROTTLED)
		reeve__heap_insert(&x->groups, &c->throttled, i,
			x->now + reeve__bucket_wait_ns(
					 &q->bucket, cap_burst(x, cap) / 2, cap_rate(x, cap)),
			0);
}

/* Makes every task that runs in a group (REEVE_NONE: in any) look at its next checkpoint. */
static void nudge_running(struct reeve__cpu_pass *x, uint32_t group)
{
	for (uint32_t s = 0; s < x->r->slot_count; s++) {
		uint32_t t = reeve__word_task(x->r, atomic_load(&x->r->cpu_slots[s].word));
		if (t != REEVE_NONE &&
			(group == REEVE_NONE || reeve__get(&x->r->tasks[t].group) == group))
			atomic_fetch_or(&x->r->tasks[t].attention, REEVE_ATTEND_YIELD);
	}
}

static void close_gate(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	if (reeve__get(&g->cpu.gate))
		return;
	atomic_store(&g->cpu.gate, 1);
	g->cpu.throttled_since = x->now;
	nudge_running(x, slot_of_group(x, g));
	place_group(x, g);
}

static void open_gate(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	if (!reeve__get(&g->cpu.gate))
		return;
	atomic_store(&g->cpu.gate, 0);
	g->cpu.throttled_ns += x->now - g->cpu.throttled_since;
	g->cpu.throttled_since = 0;
	place_group(x, g);
}

/* Brings a group's bucket to now, and its gate with it. */
static void look_at_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	uint32_t cap = reeve__get(&g->cpu.cap_ppm);
	uint64_t burst = cap_burst(x, cap);

	if (cap >= REEVE_PPM || cap == 0) { /* 0 is damage: better no cap than no CPU */
		open_gate(x, g);
		return;
	}
	reeve__bucket_fill(&g->cpu.bucket, x->now, cap_rate(x, cap), burst);
	if (g->cpu.bucket.tokens <= 0)
		close_gate(x, g);
	else if (g->cpu.bucket.tokens >= (int64_t)(burst / 2))
		open_gate(x, g);
}

/* The same for the plan's own cap, on all work together. */
static void look_at_plan_cap(struct reeve__cpu_pass *x)
{
	struct reeve_sh_cpu *c = x->c;
	uint32_t cap = reeve__get(&c->plan_cap_ppm), gate = c->plan_gate;
	uint64_t burst = cap_burst(x, cap);

	if (cap >= REEVE_PPM || cap == 0) {
		c->plan_gate = 0;
	} else {
		reeve__bucket_fill(&c->plan_bucket, x->now, cap_rate(x, cap), burst);
		if (c->plan_bucket.tokens <= 0)
			c->plan_gate = 1;
		else if (c->plan_bucket.tokens >= (int64_t)(burst / 2))
			c->plan_gate = 0;
		c->plan_open_ns = x->now + reeve__bucket_wait_ns(
						   &c->plan_bucket, burst / 2, cap_rate(x, cap));
	}
	if (gate == c->plan_gate)
		return;
	if (c->plan_gate)
		nudge_running(x, REEVE_NONE);
	publish_contended(x);
}

static void release_throttled(struct reeve__cpu_pass *x)
{
	struct reeve_sh_node *top;

	while ((top = reeve__heap_node(&x->groups, x->c->throttled)) &&
		!reeve__before(x->now, top->key)) {
		uint32_t first = x->c->throttled;
		struct reeve_sh_group *g = &x->r->groups[first];
		look_at_cap(x, g);
		if (reeve__get(&g->cpu.gate)) { /* not yet after all: by its new instant */
			place_group(x, g);
			return;
		}
		if (x->c->throttled == first) {
			x->groups.fault = true;
			return;
		}
	}
}

/* ---- ages ---- */

static uint64_t credit_age(const struct reeve__cpu_pass *x, uint32_t weight)
{
	return reeve__fair_age(reeve__fair_credit_ns(reeve__get(&x->c->quantum_ns)), weight);
}

static uint64_t lead_age(const struct reeve__cpu_pass *x, uint32_t weight)
{
	uint64_t quanta = (uint64_t)x->r->slot_count + 1;

	return reeve__fair_age(quanta * reeve__get(&x->c->quantum_ns), weight);
}

static uint32_t task_weight(const struct reeve_sh_task *t)
{
	return reeve__fair_priority_weight(t->priority);
}

static void age_task(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = group_of(x, task);

	t->age += reeve__fair_age(ns, task_weight(t));
	g->cpu.age += reeve__fair_age(ns, reeve__get(&g->cpu.weight_ppm));
	g->cpu.active_ns = x->now;
	if (t->queued) {
		reeve__heap_remove(&x->tasks, &g->cpu.root, task);
		reeve__heap_insert(&x->tasks, &g->cpu.root, task, t->age, x->c->tie++);
	}
	if (g->cpu.where == REEVE_GROUP_READY)
		place_group(x, g);
}

void reeve__cpu_settle(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = group_of(x, task);
	uint64_t prepaid = t->prepaid_ns < ns ? t->prepaid_ns : ns;
	uint64_t ageing = ns - prepaid;
	uint64_t contended = x->c->waiting ? x->now - x->c->contended_ns : 0;

	if (ns == 0)
		return;
	t->prepaid_ns -= prepaid;
	age_task(x, task, ageing < contended ? ageing : contended);
	if (reeve__get(&g->cpu.cap_ppm) < REEVE_PPM) {
		g->cpu.bucket.tokens -= (int64_t)ns;
		look_at_cap(x, g);
	}
	if (reeve__get(&x->c->plan_cap_ppm) < REEVE_PPM) {
		x->c->plan_bucket.tokens -= (int64_t)ns;
		look_at_plan_cap(x);
	}
}

/* ---- the ruling ---- */

/* EMPHASIS: weights for those who want CPU now, since unused percentages go down the levels. */
static void solve_for_demand(struct reeve__cpu_pass *x)
{
	struct reeve__ruling_view view = reeve__ruling_now(x->r);
	struct reeve__shares s;

	if (!reeve__get(&view.head->by_level) || x->now - x->c->solved_ns < SOLVE_PERIOD_NS)
		return;
	x->c->solved_ns = x->now;
	s = reeve__shares_scratch(x->r, 1);
	if (s.n > reeve__get(&view.head->groups))
		s.n = reeve__get(&view.head->groups);
	for (uint32_t i = 0; i < s.n; i++) {
		const struct reeve_sh_cpu_group *q = &x->r->groups[i].cpu;
		s.rows[i] = (struct reeve_sh_share){
			.number = reeve__get(&view.rows[i].number),
			.level = reeve__get(&view.rows[i].level),
			.cap_ppm = reeve__get(&view.rows[i].cap_ppm),
			.has_demand = q->waiting || x->now - q->active_ns < DEMAND_NS,
		};
	}
	if (!reeve__ruling_holds(&view))
		return; /* the next pass follows the newer one */
	reeve__shares_solve(s.rows, s.n, true);
	for (uint32_t i = 0; i < s.n; i++)
		if (s.rows[i].has_demand && s.rows[i].weight_ppm)
			reeve__put(&x->r->groups[i].cpu.weight_ppm, s.rows[i].weight_ppm);
}

static void follow_row(
	struct reeve__cpu_pass *x, struct reeve_sh_group *g, const struct reeve_sh_ruling_row *row)
{
	uint32_t cap = reeve__get(&row->cap_ppm), before = reeve__get(&g->cpu.cap_ppm);
	uint32_t weight = reeve__get(&row->weight_ppm);

	reeve__put(&g->cpu.weight_ppm, weight ? weight : 1);
	if (cap == before)
		return;
	if (before >= REEVE_PPM) { /* newly capped: a full bucket, no past */
		g->cpu.bucket.tokens = (int64_t)cap_burst(x, cap);
		g->cpu.bucket.filled_ns = x->now;
	}
	reeve__put(&g->cpu.cap_ppm, cap ? cap : REEVE_PPM);
	look_at_cap(x, g);
}

void reeve__cpu_follow_ruling(struct reeve__cpu_pass *x)
{
	struct reeve__ruling_view view;
	uint32_t n, cap = REEVE_PPM, tries = 0;

	do {
		view = reeve__ruling_now(x->r);
		if (tries++ == 8) { /* rulings do not change that fast */
			reeve__segment_degrade(x->r, "the ruling word names no ruling");
			break;
		}
		n = reeve__get(&view.head->groups);
		for (uint32_t i = 0; i < n && i < x->r->group_capacity; i++)
			follow_row(x, &x->r->groups[i], &view.rows[i]);
		cap = reeve__get(&view.head->cap_ppm);
	} while (!reeve__ruling_holds(&view));
	if (cap != reeve__get(&x->c->plan_cap_ppm)) {
		x->c->plan_bucket.tokens = (int64_t)cap_burst(x, cap);
		x->c->plan_bucket.filled_ns = x->now;
		reeve__put(&x->c->plan_cap_ppm, cap ? cap : REEVE_PPM);
	}
	look_at_plan_cap(x);
	x->c->ruling_seen = view.sequence;
	x->c->solved_ns = 0;
}

void reeve__cpu_announce(struct reeve *r)
{
	struct reeve__cpu_pass x;

	reeve__session_pools_look(r); /* pools and rules follow first: who is told looks at them */

	reeve__cpu_begin(&x, r);
	nudge_running(&x, REEVE_NONE);
	reeve__cpu_dispatch(&x);
	reeve__cpu_end(&x);
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
	struct reeve_sh_group *g = group_of(x, task);
	uint32_t weight = reeve__get(&g->cpu.weight_ppm), own = task_weight(t);

	if (t->queued)
		return;
	if (g->cpu.waiting == 0)
		g->cpu.age = reeve__fair_join(g->cpu.age, reeve__get(&c->clock),
			credit_age(x, weight), lead_age(x, weight));
	t->age = reeve__fair_join(
		t->age, reeve__get(&g->cpu.task_clock), credit_age(x, own), lead_age(x, own));
	t->queued = 1;
	if (reeve__get(&t->wait_since) == 0)
		reeve__put(&t->wait_since, x->now);
	reeve__heap_insert(&x->tasks, &g->cpu.root, task, t->age, c->tie++);
	g->cpu.waiting++;
	g->cpu.active_ns = x->now;
	if (c->waiting++ == 0)
		c->contended_ns = x->now;
	publish_contended(x);
	look_at_cap(x, g);
	if (g->cpu.waiting == 1)
		place_group(x, g);
	reeve__put(&t->wait_reason, wait_reason(x, g));
	solve_for_demand(x);
	REEVE_POINT(TASK_QUEUED);
}

void reeve__cpu_dequeue(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = group_of(x, task);

	if (!t->queued)
		return;
	reeve__heap_remove(&x->tasks, &g->cpu.root, task);
	t->queued = 0;
	if (g->cpu.waiting && --g->cpu.waiting == 0)
		place_group(x, g);
	if (x->c->waiting)
		x->c->waiting--;
	if (x->c->watchman == task)
		x->c->watchman = REEVE_NONE;
	publish_contended(x);
}

/* The wait is over, one way or the other: book it. */
static void end_wait(struct reeve__cpu_pass *x, uint32_t task)
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
	group_of(x, task)->cpu.wait_ns += waited;
}

void reeve__cpu_give_up(struct reeve__cpu_pass *x, uint32_t task)
{
	reeve__cpu_dequeue(x, task);
	end_wait(x, task);
}

void reeve__cpu_displaced(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];

	if (atomic_load(&t->phase) != REEVE_PHASE_WORK || reeve__cpu_holds(x->r, task))
		return;
	/* It queues itself when it looks: nobody else may, for it might be about to take a slot. */
	atomic_fetch_or(&t->attention, REEVE_ATTEND_YIELD);
}

/* Puts a task onto a slot whose word is `expected`; false when the word has changed. */
static bool grant(struct reeve__cpu_pass *x, uint32_t slot, uint64_t expected, uint32_t task)
{
	struct reeve_sh_cpu_slot *s = &x->r->cpu_slots[slot];
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_group *g = group_of(x, task);
	uint32_t holder = reeve__word_task(x->r, expected);

	if (!atomic_compare_exchange_strong(&s->word, &expected, reeve__task_word(t, task)))
		return false;
	REEVE_POINT(SLOT_HANDED);
	reeve__put(&s->since_ns, x->now);
	reeve__put(&s->linger_cycles, 0);
	reeve__put(&s->lender, 0);
	reeve__add(&s->scheduled, 1);
	if (reeve__get(&s->last_task) != task) {
		reeve__put(&s->last_task, task);
		reeve__put(&s->granted_ns, x->now);
		reeve__add(&s->switches, 1);
	}
	reeve__cpu_dequeue(x, task);
	end_wait(x, task);
	reeve__put(&t->slot, slot);
	reeve__add(&t->dispatches, 1);
	g->cpu.dispatches++;
	g->cpu.active_ns = x->now;
	if (reeve__before(reeve__get(&x->c->clock), g->cpu.age))
		reeve__put(&x->c->clock, g->cpu.age);
	if (reeve__before(reeve__get(&g->cpu.task_clock), t->age))
		reeve__put(&g->cpu.task_clock, t->age);
	atomic_fetch_and(&t->attention, ~(uint32_t)REEVE_ATTEND_YIELD);
	if (atomic_exchange(&t->park, REEVE_PARK_NO) != REEVE_PARK_NO &&
		x->wake_count < REEVE_COUNT(x->wakes))
		x->wakes[x->wake_count++] = task;
	REEVE_POINT(SLOT_TOLD);
	if (holder != REEVE_NONE && holder != task)
		reeve__cpu_displaced(x, holder); /* it runs, or has just begun to */
	return true;
}

/* The most deserving waiting task that may run now; REEVE_NONE. */
static uint32_t best_task(struct reeve__cpu_pass *x)
{
	release_throttled(x);
	look_at_plan_cap(x);
	while (!x->c->plan_gate && x->c->ready < x->r->group_capacity) {
		uint32_t t = x->r->groups[x->c->ready].cpu.root;
		if (t >= x->tasks.capacity) {
			reeve__segment_degrade(x->r, "a ready group has no task");
			return REEVE_NONE;
		}
		if (reeve__get(&x->r->tasks[t].phase) == REEVE_PHASE_WORK)
			return t;
		if (!x->r->tasks[t].queued || group_of(x, t) != &x->r->groups[x->c->ready]) {
			reeve__segment_degrade(x->r, "task slot %u heads a queue it is not in", t);
			return REEVE_NONE;
		}
		reeve__cpu_dequeue(x, t); /* it is just ending its statement */
		end_wait(x, t);
	}
	return REEVE_NONE;
}

/* Whether a slot's holder is at rest without being expected back at once. */
static bool rests(const struct reeve__cpu_pass *x, uint32_t slot, uint32_t holder)
{
	uint64_t since = reeve__get(&x->r->cpu_slots[slot].linger_cycles);

	if (atomic_load(&x->r->tasks[holder].phase) == REEVE_PHASE_WORK)
		return false;
	return since == 0 || (reeve__before(since, x->cycles) &&
				     x->cycles - since > reeve__ns_cycles(x->r, REEVE_LINGER_NS));
}

/*
 * Whether a slot's holder works but has not come to the scheduler for longer than any slice lasts:
 * it sleeps without having said so, or does something long without checkpoints. Others need not
 * wait for it; it parks at its next checkpoint.
 */
static bool is_overdue(const struct reeve__cpu_pass *x, uint32_t slot, uint32_t holder)
{
	uint64_t since = reeve__get(&x->r->cpu_slots[slot].since_ns);
	uint64_t most = reeve__get(&x->c->quantum_ns) + REEVE_OVERDUE_NS;

	if (reeve__before(since, x->c->contended_ns))
		since = x->c->contended_ns;
	return x->c->waiting && reeve__before(since + most, x->now) &&
	       reeve__get(&x->r->tasks[holder].shield) == 0;
}

/* A slot to be had: free, held by a task at rest, or by one that is overdue. */
static uint32_t open_slot(struct reeve__cpu_pass *x, uint64_t *ret_word)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		*ret_word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t holder = reeve__word_task(x->r, *ret_word);
		if (holder == REEVE_NONE || rests(x, i, holder) || is_overdue(x, i, holder))
			return i;
	}
	return REEVE_NONE;
}

void reeve__cpu_dispatch(struct reeve__cpu_pass *x)
{
	uint64_t word;

	while (x->wake_count < REEVE_COUNT(x->wakes) - 1) {
		uint32_t task = best_task(x);
		uint32_t slot = task == REEVE_NONE ? REEVE_NONE : open_slot(x, &word);
		if (slot == REEVE_NONE)
			return;
		grant(x, slot, word, task); /* if the word just changed, look again */
	}
}

/* How much older than `task` the holder of a slot is, beyond the grain; 0 or less: leave it. */
static int64_t excess_age(struct reeve__cpu_pass *x, uint32_t task, uint32_t holder, uint64_t ran)
{
	struct reeve_sh_task *t = &x->r->tasks[task], *h = &x->r->tasks[holder];
	struct reeve_sh_group *gt = group_of(x, task), *gh = group_of(x, holder);
	uint64_t grain = reeve__fair_grain_ns(reeve__get(&x->c->quantum_ns));

	if (gt == gh) {
		uint64_t age = h->age + reeve__fair_age(ran, task_weight(h));
		return (int64_t)(age - t->age - reeve__fair_age(grain, task_weight(t)));
	}
	uint32_t wt = reeve__get(&gt->cpu.weight_ppm), wh = reeve__get(&gh->cpu.weight_ppm);
	return (int64_t)(gh->cpu.age + reeve__fair_age(ran, wh) - gt->cpu.age -
			 reeve__fair_age(grain, wt));
}

static uint64_t ran_ns(const struct reeve__cpu_pass *x, uint32_t slot)
{
	uint64_t since = reeve__get(&x->r->cpu_slots[slot].since_ns);
	uint64_t ran = since && since < x->now ? x->now - since : 0;
	uint64_t contended = x->c->waiting ? x->now - x->c->contended_ns : 0;

	return ran < contended ? ran : contended;
}

/* The slot whose holder is the least deserving, if clearly less than `task`. */
static uint32_t find_victim(struct reeve__cpu_pass *x, uint32_t task, uint64_t *ret_word)
{
	uint32_t victim = REEVE_NONE;
	int64_t most = 0;

	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint64_t word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t holder = reeve__word_task(x->r, word);
		if (holder == REEVE_NONE || holder == task ||
			reeve__get(&x->r->tasks[holder].shield))
			continue;
		int64_t excess = excess_age(x, task, holder, ran_ns(x, i));
		if (excess > most) {
			most = excess;
			victim = i;
			*ret_word = word;
		}
	}
	return victim;
}

bool reeve__cpu_preempt(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_group *g = group_of(x, task);
	uint64_t word = 0, ran;
	uint32_t slot, loser;

	if (x->c->plan_gate || reeve__get(&g->cpu.gate))
		return false;
	slot = find_victim(x, task, &word);
	if (slot == REEVE_NONE)
		return false;
	ran = ran_ns(x, slot);
	loser = reeve__word_task(x->r, word);
	if (reeve__get(&x->r->tasks[loser].phase) == REEVE_PHASE_WORK) {
		age_task(x, loser, ran);
		x->r->tasks[loser].prepaid_ns += ran;
	}
	if (!grant(x, slot, word, task))
		return false;
	if (loser != task && reeve__get(&x->r->tasks[loser].query_cpu_ns) + ran >= REEVE_LENDER_NS)
		reeve__put(&x->r->cpu_slots[slot].lender, word);
	REEVE_POINT(SLOT_EVICTED);
	reeve__add(&x->c->preemptions, 1);
	return true;
}

/*
 * Groups are compared at the end of every slice, but inside a group tasks take turns by quantum:
 * handing over between equals costs a wake-up and gains nobody anything.
 */
static bool keeps_its_turn(
	const struct reeve__cpu_pass *x, uint32_t slot, uint32_t task, uint32_t next)
{
	const struct reeve_sh_task *t = &x->r->tasks[task];
	uint64_t since = reeve__get(&x->r->cpu_slots[slot].granted_ns);

	return t->queued && reeve__get(&t->phase) == REEVE_PHASE_WORK &&
	       reeve__get(&t->group) == reeve__get(&x->r->tasks[next].group) &&
	       t->priority <= x->r->tasks[next].priority && since &&
	       x->now - since < reeve__get(&x->c->quantum_ns);
}

bool reeve__cpu_is_lent(const struct reeve *r, uint32_t slot, uint64_t word, uint64_t now)
{
	const struct reeve_sh_cpu_slot *s = &r->cpu_slots[slot];
	uint64_t since = reeve__get(&s->granted_ns);

	return reeve__get(&s->lender) == word && since && now - since < REEVE_LOAN_NS;
}

/* The task that a slot was taken from, when it still works and could have it back; REEVE_NONE. */
static uint32_t lender_of(struct reeve__cpu_pass *x, uint32_t slot)
{
	uint64_t word = reeve__get(&x->r->cpu_slots[slot].lender);
	uint32_t task = reeve__word_task(x->r, word);
	struct reeve_sh_task *t = &x->r->tasks[task == REEVE_NONE ? 0 : task];

	if (task == REEVE_NONE || !reeve__cpu_is_lent(x->r, slot, word, x->now) ||
		word != reeve__task_word(t, task) || t->queued || x->c->plan_gate ||
		reeve__get(&t->head.state) != REEVE_SLOT_LIVE ||
		reeve__get(&t->park) != REEVE_PARK_NO || reeve__cpu_holds(x->r, task) ||
		atomic_load(&t->phase) != REEVE_PHASE_WORK ||
		reeve__get(&group_of(x, task)->cpu.gate))
		return REEVE_NONE;
	return task;
}

/* Whether a lender gets its slot back before the one next in line: inside a group its turn goes on. */
static bool is_still_due(struct reeve__cpu_pass *x, uint32_t lender, uint32_t next)
{
	return next == REEVE_NONE || group_of(x, lender) == group_of(x, next) ||
	       excess_age(x, next, lender, 0) <= 0;
}

void reeve__cpu_hand_over(struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t slot = reeve__get(&x->r->tasks[task].slot);
	uint64_t word = reeve__task_word(&x->r->tasks[task], task), expected = word;
	uint32_t next, lender;

	if (slot >= x->r->slot_count)
		return;
	next = best_task(x);
	lender = lender_of(x, slot);
	if (lender != REEVE_NONE && is_still_due(x, lender, next) && grant(x, slot, word, lender))
		return;
	if (next != REEVE_NONE && next != task && keeps_its_turn(x, slot, task, next))
		next = task;
	if (next == task) { /* it deserves the slot best itself: as if granted anew */
		grant(x, slot, word, task);
		return;
	}
	if (next != REEVE_NONE && grant(x, slot, word, next))
		return;
	atomic_compare_exchange_strong(&x->r->cpu_slots[slot].word, &expected, 0);
	REEVE_POINT(SLOT_RELEASED);
	reeve__cpu_dispatch(x);
}

uint64_t reeve__cpu_next_look(const struct reeve__cpu_pass *x)
{
	uint64_t at = x->now + REEVE_PATROL_SLOW_NS;
	struct reeve__heap groups = x->groups;
	struct reeve_sh_node *top = reeve__heap_node(&groups, x->c->throttled);

	for (uint32_t i = 0; i < x->r->slot_count; i++)
		if (reeve__get(&x->r->cpu_slots[i].linger_cycles))
			at = x->now + REEVE_PATROL_NS;
	if (x->c->plan_gate && x->c->plan_open_ns < at)
		at = x->c->plan_open_ns;
	if (top && reeve__before(top->key, at))
		at = top->key;
	return at < x->now + 1000 ? x->now + 1000 : at;
}

uint64_t reeve__cpu_slice_ns(const struct reeve__cpu_pass *x, uint32_t group)
{
	const struct reeve_sh_group *g = reeve__group_at(x->r, group);
	uint64_t quantum = reeve__get(&x->c->quantum_ns);
	uint64_t weight = reeve__get(&g->cpu.weight_ppm), all = weight, slice;
	uint32_t cap = reeve__get(&g->cpu.cap_ppm);

	/* Who else wants CPU: the groups on slots and, for the queues, the one next in line. */
	if (x->c->ready < x->r->group_capacity && x->c->ready != group)
		all += reeve__get(&x->r->groups[x->c->ready].cpu.weight_ppm);
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint32_t t = reeve__word_task(x->r, reeve__get(&x->r->cpu_slots[i].word));
		uint32_t other = t == REEVE_NONE ? group : reeve__get(&x->r->tasks[t].group);
		if (other != group && other != x->c->ready && other < x->r->group_capacity)
			all += reeve__get(&x->r->groups[other].cpu.weight_ppm);
	}
	slice = reeve__fair_slice_ns(quantum, (uint32_t)weight, all);
	if (cap < REEVE_PPM || reeve__get(&x->c->plan_cap_ppm) < REEVE_PPM) {
		int64_t tokens = cap < REEVE_PPM ? g->cpu.bucket.tokens : INT64_MAX;
		if (reeve__get(&x->c->plan_cap_ppm) < REEVE_PPM &&
			x->c->plan_bucket.tokens < tokens)
			tokens = x->c->plan_bucket.tokens;
		uint64_t left = tokens > 0 ? (uint64_t)tokens / x->r->slot_count : 0;
		left = left < REEVE_SETTLE_NS ? REEVE_SETTLE_NS : left;
		slice = slice < left ? slice : left;
	}
	return slice;
}

/* ---- tasks that leave or move ---- */

/* What a task has used so far becomes its group's for good. */
void reeve__cpu_retire(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_cpu_group *q = &group_of(x, task)->cpu;
	uint64_t ns = reeve__get(&t->cpu_ns), queries = reeve__get(&t->queries);

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
	struct reeve_sh_cpu_group *q = &group_of(x, task)->cpu;
	uint64_t clock = reeve__get(&q->task_clock), age = x->r->tasks[task].age;
	uint64_t most = lead_age(x, task_weight(&x->r->tasks[task]));

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
	end_wait(x, task);
	leave_group(x, task);
	reeve__cpu_retire(x, task);
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
	t->age = reeve__get(&r->groups[to_group].cpu.task_clock);
	if (queued)
		reeve__cpu_enqueue(x, task);
	atomic_fetch_or(&t->attention, REEVE_ATTEND_YIELD);
	reeve__cpu_dispatch(x);
	reeve__cpu_unlock(x);
}

/* ---- recovery ---- */

/*
 * Who runs is said by the words alone: what tasks have noted of them follows. A winner that was not
 * told is told now.
 */
static void follow_words(struct reeve__cpu_pass *x)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint64_t word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t task = reeve__word_task(x->r, word);
		if (task == REEVE_NONE)
			continue;
		struct reeve_sh_task *t = &x->r->tasks[task];
		if (word != reeve__task_word(t, task)) {
			atomic_compare_exchange_strong(&x->r->cpu_slots[i].word, &word, 0);
			continue;
		}
		reeve__put(&t->slot, i);
		if (reeve__get(&t->phase) == REEVE_PHASE_WORK &&
			atomic_exchange(&t->park, REEVE_PARK_NO) != REEVE_PARK_NO &&
			x->wake_count < REEVE_COUNT(x->wakes))
			x->wakes[x->wake_count++] = task;
	}
}

/* Whether a task waits: it has parked, for a slot, and none names it. Who is not parked comes by. */
static bool is_waiter(const struct reeve *r, uint32_t task)
{
	const struct reeve_sh_task *t = &r->tasks[task];

	return reeve__get(&t->phase) == REEVE_PHASE_WORK && !reeve__cpu_holds(r, task) &&
	       reeve__get(&t->park) != REEVE_PARK_NO;
}

/* Everything derived, from what is primary: task phases, slot words, ages, buckets. */
void reeve__cpu_rebuild(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;
	struct reeve_sh_cpu *c = x->c;
	struct reeve_sh_table *tasks = &r->header->tasks, *groups = &r->header->groups;

	follow_words(x);
	c->ready = c->throttled = c->pull_ready = c->watchman = REEVE_NONE;
	c->waiting = 0;
	for (uint32_t i = 0; i < reeve__table_used(groups); i++) {
		struct reeve_sh_cpu_group *q = &r->groups[i].cpu;
		q->root = q->pull_root = REEVE_NONE;
		q->waiting = q->pull_ready = 0;
		q->where = REEVE_GROUP_IDLE;
		q->node.rank = q->pull_node.rank = 0;
	}
	for (uint32_t i = 0; i < reeve__table_used(tasks); i++) {
		r->tasks[i].queued = 0;
		r->tasks[i].node.rank = 0;
	}
	for (uint32_t i = 0; i < reeve__table_used(tasks); i++) {
		struct reeve_sh_task *t = &r->tasks[i];
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (t->kind == REEVE_TASK_PULL)
			reeve__pull_enqueue(x, i);
		else if (is_waiter(r, i))
			reeve__cpu_enqueue(x, i);
	}
	publish_contended(x);
}

/* ---- validate ---- */

struct faults {
	void (*found)(void *arg, const char *fault);
	void *arg;
	int count;
	char text[24][160];
};

__attribute__((format(printf, 2, 3))) static void note_fault(
	struct faults *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if ((size_t)f->count < REEVE_COUNT(f->text))
		vsnprintf(f->text[f->count], sizeof(f->text[0]), format, args);
	va_end(args);
	f->count++;
}

static void check_group(struct reeve__cpu_pass *x, uint32_t i, struct faults *f, uint32_t *waiting)
{
	struct reeve_sh_cpu_group *q = &x->r->groups[i].cpu;
	uint32_t n = reeve__heap_check(&x->tasks, q->root);

	*waiting += q->waiting;
	if (n != q->waiting)
		note_fault(f, "group slot %u counts %u waiting tasks, its queue holds %u", i,
			q->waiting, n);
	if ((q->waiting != 0) != (q->where != REEVE_GROUP_IDLE))
		note_fault(f, "group slot %u has %u waiting tasks and is in place %u", i,
			q->waiting, q->where);
	if (q->waiting && (q->where == REEVE_GROUP_THROTTLED) != (reeve__get(&q->gate) != 0))
		note_fault(f, "group slot %u is in place %u with gate %u", i, q->where,
			reeve__get(&q->gate));
}

static void check_task(struct reeve__cpu_pass *x, uint32_t i, struct faults *f)
{
	struct reeve_sh_task *t = &x->r->tasks[i];
	bool live = reeve__get(&t->head.state) == REEVE_SLOT_LIVE;
	bool holds = reeve__cpu_holds(x->r, i);

	if (t->queued && (!live || holds))
		note_fault(f, "task slot %u waits although it %s", i,
			live ? "holds a CPU slot" : "does not exist");
	if (live && reeve__get(&t->group) >= reeve__table_used(&x->r->header->groups))
		note_fault(f, "task slot %u names group slot %u", i, reeve__get(&t->group));
	if (t->queued && t->kind == REEVE_TASK_SESSION && reeve__get(&t->park) == REEVE_PARK_NO)
		note_fault(f, "task slot %u waits and is not parked", i);
	/* A holder between words and phase is just beginning or ending; a parked one must wait. */
	if (live && t->kind == REEVE_TASK_SESSION && !t->queued && !holds &&
		reeve__get(&t->park) == REEVE_PARK_YES &&
		reeve__get(&t->phase) == REEVE_PHASE_WORK && /* else it waits for something else */
		reeve__get(&t->wait_reason) != REEVE_WAIT_RUNAWAY)
		note_fault(f, "task slot %u is parked and neither waits nor holds a CPU slot", i);
}

static void check_slots(struct reeve__cpu_pass *x, struct faults *f)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint64_t word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t t = reeve__word_task(x->r, word);
		if (word && t == REEVE_NONE)
			note_fault(f, "CPU slot %u names a task that cannot exist", i);
		else if (word && (word != reeve__task_word(&x->r->tasks[t], t) ||
					 reeve__get(&x->r->tasks[t].head.state) != REEVE_SLOT_LIVE))
			note_fault(f, "CPU slot %u names a task that is gone", i);
		for (uint32_t k = 0; word && k < i; k++)
			if (atomic_load(&x->r->cpu_slots[k].word) == word)
				note_fault(f, "CPU slots %u and %u name the same task", k, i);
	}
}

int reeve__cpu_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct faults f = {found, arg, 0, {{0}}};
	struct reeve__cpu_pass x;
	uint32_t waiting = 0, n;

	reeve__catalog_lock(r); /* groups come under it, and tasks come and go under the next */
	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		check_group(&x, i, &f, &waiting);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++)
		check_task(&x, i, &f);
	check_slots(&x, &f);
	if (waiting != x.c->waiting)
		note_fault(&f, "the CPU domain counts %u waiting tasks, its groups %u",
			x.c->waiting, waiting);
	n = reeve__heap_check(&x.groups, x.c->ready);
	if (n == UINT32_MAX)
		note_fault(&f, "the queue of ready groups is damaged");
	n = reeve__heap_check(&x.groups, x.c->throttled);
	if (n == UINT32_MAX)
		note_fault(&f, "the queue of throttled groups is damaged");
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	for (int i = 0; found && i < f.count && i < (int)REEVE_COUNT(f.text); i++)
		found(arg, f.text[i]);
	return f.count;
}
