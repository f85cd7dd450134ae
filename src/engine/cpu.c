/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.c - the CPU domain: the lock, and who gets a slot.
 *
 * Two levels of heaps. `ready` holds the groups that have waiting tasks; each group holds its waiting
 * tasks; in the order of the policy in force (cpu_policy.c). Groups over their cap lie in `throttled`
 * instead, by the instant at which their bucket lets them go on.
 *
 * Use counts towards age only while somebody waits: what nobody else wanted is free.
 */
#include "cpu.h"

struct reeve_sh_group *reeve__cpu_group_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t g = reeve__get(&x->r->tasks[task].group);

	if (REEVE_UNLIKELY(g >= x->r->group_capacity)) {
		reeve__segment_degrade(x->r, "task %u names group slot %u", task, g);
		g = 0;
	}
	return &x->r->groups[g];
}

struct reeve_sh_group *reeve__cpu_lane_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t lane = x->r->cpu_tasks[task].lane;

	if (REEVE_UNLIKELY(lane && REEVE__LANE_SLOT(lane) < x->r->group_capacity))
		return &x->r->groups[REEVE__LANE_SLOT(lane)];
	return reeve__cpu_group_of(x, task);
}

void reeve__cpu_publish_contended(struct reeve__cpu_pass *x)
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

static void enter(struct reeve__cpu_pass *x, struct reeve *r, bool died)
{
	x->r = r;
	x->c = r->cpu;
	x->wake_count = 0;
	x->now = (uint64_t)reeve__mono(r);
	x->policy = reeve__get(&r->cpu_more->policy);
	set_heaps(x);
	if (REEVE_UNLIKELY(died))
		reeve__cpu_rebuild(x);
	REEVE_POINT(CPU_LOCKED);
	if (REEVE_UNLIKELY(x->c->ruling_seen != atomic_load(&r->header->ruling)))
		reeve__cpu_follow_ruling(x);
}

void reeve__cpu_begin(struct reeve__cpu_pass *x, struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->cpu->lock);

	x->cycles = reeve__cycles(r);
	enter(x, r, died);
}

void reeve__cpu_begin_aside(struct reeve__cpu_pass *x, struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->cpu->lock);

	x->cycles = died ? reeve__cycles(r) : 0;
	enter(x, r, died);
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
		reeve__wake(r, (uint32_t *)&r->tasks[x->wakes[i]].park);
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
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);
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
	reeve__cpu_note_grant(x, task);
	reeve__cpu_dequeue(x, task);
	reeve__cpu_end_wait(x, task);
	if (reeve__get(&t->slot) != slot)
		reeve__cpu_book_slot(x->r, t);
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
	reeve__cpu_release_throttled(x);
	reeve__cpu_look_at_plan_cap(x);
	while (!x->c->plan_gate && x->c->ready < x->r->group_capacity) {
		uint32_t t = x->r->groups[x->c->ready].cpu.root;
		if (t >= x->tasks.capacity) {
			reeve__segment_degrade(x->r, "a ready group has no task");
			return REEVE_NONE;
		}
		if (reeve__get(&x->r->tasks[t].phase) == REEVE_PHASE_WORK)
			return t;
		if (!x->r->tasks[t].queued ||
			reeve__cpu_lane_of(x, t) != &x->r->groups[x->c->ready]) {
			reeve__segment_degrade(x->r, "task slot %u heads a queue it is not in", t);
			return REEVE_NONE;
		}
		reeve__cpu_dequeue(x, t); /* it is just ending its statement */
		reeve__cpu_end_wait(x, t);
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
		int64_t excess = reeve__cpu_excess(x, task, holder, ran_ns(x, i));
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
	struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);
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
		reeve__cpu_age_task(x, loser, ran);
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
		reeve__get(&reeve__cpu_lane_of(x, task)->cpu.gate))
		return REEVE_NONE;
	return task;
}

/* Whether a lender gets its slot back before the one next in line: inside a group its turn goes on. */
static bool is_still_due(struct reeve__cpu_pass *x, uint32_t lender, uint32_t next)
{
	return next == REEVE_NONE || reeve__cpu_lane_of(x, lender) == reeve__cpu_lane_of(x, next) ||
	       reeve__cpu_excess(x, next, lender, 0) <= 0;
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
	if (next != REEVE_NONE && next != task && reeve__cpu_keeps_its_turn(x, slot, task, next))
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
