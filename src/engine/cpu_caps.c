/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_caps.c - caps and their gates, and what the ruling in force says. CPU lock held. */
#include "cpu.h"

#include "../policy/bucket.h"
#include "../policy/shares.h"

/* Buckets of caps hold this much time: at most so long over the cap at a stretch. */
#define CAP_BURST_NS ((uint64_t)20000000)
/* Weights of EMPHASIS plans are solved anew, for who wants CPU now, at most this often. */
#define SOLVE_PERIOD_NS ((uint64_t)10000000)
/* More groups than this cannot all have the floor and share half of the machine besides. */
#define FLOORED_GROUPS (REEVE_PPM / 2 / REEVE_SHARE_FLOOR_PPM)
/* A group that wanted CPU this recently still counts as wanting it. */
#define DEMAND_NS ((uint64_t)100000000)

static uint32_t slot_of_group(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	return (uint32_t)(g - x->r->groups);
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

uint64_t reeve__cpu_opens_at(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	uint32_t cap = reeve__get(&g->cpu.cap_ppm);

	return x->now +
	       reeve__bucket_wait_ns(&g->cpu.bucket, cap_burst(x, cap) / 2, cap_rate(x, cap));
}

/* Puts a group where it belongs: idle, ready by age, or throttled by time. */
void reeve__cpu_place_group(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	struct reeve_sh_cpu *c = x->c;
	struct reeve_sh_cpu_group *q = &g->cpu;
	uint32_t i = slot_of_group(x, g);
	uint64_t key = 0;
	uint32_t where = q->waiting == 0	? REEVE_GROUP_IDLE
			 : reeve__get(&q->gate) ? REEVE_GROUP_THROTTLED
						: REEVE_GROUP_READY;

	if (where == REEVE_GROUP_READY) {
		key = reeve__cpu_group_key(x, g, false);
		if (q->where == where && q->node.key == key)
			return;
	}
	if (q->where == REEVE_GROUP_READY)
		reeve__heap_remove(&x->groups, &c->ready, i);
	else if (q->where == REEVE_GROUP_THROTTLED)
		reeve__heap_remove(&x->groups, &c->throttled, i);
	q->where = where;
	if (where == REEVE_GROUP_READY)
		reeve__heap_insert(&x->groups, &c->ready, i, key, reeve__get(&g->priority));
	else if (where == REEVE_GROUP_THROTTLED)
		reeve__heap_insert(&x->groups, &c->throttled, i, reeve__cpu_opens_at(x, g), 0);
}

/* Makes every task that runs in a group (REEVE_NONE: in any) look at its next checkpoint. */
void reeve__cpu_nudge(struct reeve__cpu_pass *x, uint32_t group)
{
	for (uint32_t s = 0; s < x->r->slot_count; s++) {
		uint32_t t = reeve__word_task(x->r, atomic_load(&x->r->cpu_slots[s].word));
		if (t != REEVE_NONE && (group == REEVE_NONE ||
					       slot_of_group(x, reeve__cpu_lane_of(x, t)) == group))
			atomic_fetch_or(&x->r->tasks[t].attention, REEVE_ATTEND_YIELD);
	}
}

static void close_gate(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	if (reeve__get(&g->cpu.gate))
		return;
	atomic_store(&g->cpu.gate, 1);
	g->cpu.throttled_since = x->now;
	reeve__cpu_nudge(x, slot_of_group(x, g));
	reeve__cpu_place_group(x, g);
	reeve__pull_place(x, slot_of_group(x, g));
}

static void open_gate(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
{
	if (!reeve__get(&g->cpu.gate))
		return;
	atomic_store(&g->cpu.gate, 0);
	g->cpu.throttled_ns += x->now - g->cpu.throttled_since;
	g->cpu.throttled_since = 0;
	reeve__cpu_place_group(x, g);
	reeve__pull_place(x, slot_of_group(x, g));
}

/* Brings a group's bucket to now, and its gate with it. */
void reeve__cpu_look_at_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g)
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
void reeve__cpu_look_at_plan_cap(struct reeve__cpu_pass *x)
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
		reeve__cpu_nudge(x, REEVE_NONE);
	reeve__cpu_publish_contended(x);
}

/* Buckets in debt for longer than this are as good as in debt for ever: 146 years. */
#define MOST_DEBT (INT64_MAX / 2)

static void take(struct reeve_sh_bucket *b, uint64_t ns)
{
	int64_t debt = ns < MOST_DEBT ? (int64_t)ns : MOST_DEBT;

	b->tokens = b->tokens < debt - MOST_DEBT ? -MOST_DEBT : b->tokens - debt;
}

void reeve__cpu_take_tokens(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint64_t ns)
{
	if (reeve__get(&g->cpu.cap_ppm) < REEVE_PPM) {
		take(&g->cpu.bucket, ns);
		reeve__cpu_look_at_cap(x, g);
	}
	if (reeve__get(&x->c->plan_cap_ppm) < REEVE_PPM) {
		take(&x->c->plan_bucket, ns);
		reeve__cpu_look_at_plan_cap(x);
	}
}

void reeve__cpu_release_throttled(struct reeve__cpu_pass *x)
{
	struct reeve_sh_node *top;

	while ((top = reeve__heap_node(&x->groups, x->c->throttled)) &&
		!reeve__before(x->now, top->key)) {
		uint32_t first = x->c->throttled;
		struct reeve_sh_group *g = &x->r->groups[first];
		reeve__cpu_look_at_cap(x, g);
		if (reeve__get(&g->cpu.gate)) { /* not yet after all: by its new instant */
			reeve__cpu_place_group(x, g);
			return;
		}
		if (x->c->throttled == first) {
			x->groups.fault = true;
			return;
		}
	}
}

/* ---- the ruling ---- */

/* Another cap: newly capped is a full bucket, no past; else the old rate counts until now. */
void reeve__cpu_set_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t cap)
{
	uint32_t before = reeve__get(&g->cpu.cap_ppm);

	if (cap == before)
		return;
	if (before >= REEVE_PPM) {
		g->cpu.bucket.tokens = (int64_t)cap_burst(x, cap);
		g->cpu.bucket.filled_ns = x->now;
	} else {
		reeve__bucket_fill(
			&g->cpu.bucket, x->now, cap_rate(x, before), cap_burst(x, before));
	}
	reeve__put(&g->cpu.cap_ppm, cap ? cap : REEVE_PPM);
	reeve__cpu_look_at_cap(x, g);
}

bool reeve__cpu_wants(const struct reeve__cpu_pass *x, uint32_t group)
{
	const struct reeve_sh_cpu_group *q = &x->r->groups[group].cpu;

	return q->waiting || q->pull_ready || x->now - q->active_ns < DEMAND_NS;
}

/*
 * EMPHASIS, since unused percentages go down the levels; and with so many groups that floors for all
 * are smaller than the floor that those who are there are due.
 */
static void solve_levels(struct reeve__cpu_pass *x, const struct reeve__ruling_view *view)
{
	struct reeve__shares s = reeve__shares_scratch(x->r, 1);

	if (s.n > reeve__get(&view->head->groups))
		s.n = reeve__get(&view->head->groups);
	for (uint32_t i = 0; i < s.n; i++)
		s.rows[i] = (struct reeve_sh_share){
			.number = reeve__get(&view->rows[i].number),
			.level = reeve__get(&view->rows[i].level),
			.cap_ppm = reeve__get(&view->rows[i].cap_ppm),
			.has_demand = reeve__cpu_wants(x, i),
		};
	if (!reeve__ruling_holds(view))
		return; /* the next pass follows the newer one */
	reeve__shares_weigh(s.rows, s.n, reeve__get(&view->head->by_level) != 0);
	for (uint32_t i = 0; i < s.n; i++)
		if (s.rows[i].has_demand && s.rows[i].weight_ppm)
			reeve__put(&x->r->groups[i].cpu.weight_ppm, s.rows[i].weight_ppm);
}

void reeve__cpu_solve_for_demand(struct reeve__cpu_pass *x)
{
	struct reeve__ruling_view view = reeve__ruling_now(x->r);
	bool is_tree = reeve__get(&view.head->nodes) != 0;

	if ((!is_tree && !reeve__get(&view.head->by_level) &&
		    reeve__get(&view.head->groups) <= FLOORED_GROUPS) ||
		x->now - x->c->solved_ns < SOLVE_PERIOD_NS)
		return;
	x->c->solved_ns = x->now;
	if (is_tree)
		reeve__cpu_solve_tree(x, &view);
	else
		solve_levels(x, &view);
}

static void follow_row(
	struct reeve__cpu_pass *x, struct reeve_sh_group *g, const struct reeve_sh_ruling_row *row)
{
	uint32_t weight = reeve__get(&row->weight_ppm);

	reeve__put(&g->cpu.weight_ppm, weight ? weight : 1);
	reeve__cpu_set_cap(x, g, reeve__get(&row->cap_ppm));
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
	reeve__cpu_look_at_plan_cap(x);
	x->c->ruling_seen = view.sequence;
	x->c->solved_ns = 0;
}

void reeve__cpu_announce(struct reeve *r)
{
	struct reeve__cpu_pass x;

	reeve__session_pools_look(r); /* pools and rules follow first: who is told looks at them */
	reeve__sessions_lock(r);      /* tasks come and go under it */
	reeve__cpu_begin(&x, r);
	reeve__boost_follow_ruling(&x);
	reeve__cpu_nudge(&x, REEVE_NONE);
	reeve__cpu_dispatch(&x);
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__cpu_wake(&x);
}
