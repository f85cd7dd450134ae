/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel_queue.c - who goes next, and how degrees of running executions change.
 *
 * Two levels: a heap of the groups that wait, by age (servers' time over weight, as in
 * policy/fair.h), and in each group a heap of its executions, by instant of request and priority.
 * A pass looks for the first in this order who fits. Subtrees that cannot hold an earlier one are
 * left out, and so is a group of which it is known that nobody in it needs as little as there is
 * (`least`); so a pass that starts nobody is short the next time, however many wait.
 *
 * Nobody starves: for the first in order who has waited REEVE__PARALLEL_PASS_NS, is not held up by
 * limits of its own group, and could have its servers from a pool at all, so many servers are kept:
 * all others see that much less room. In a group whose first is that old nobody else passes.
 */
#include "parallel.h"

#include "../policy/dop.h"
#include "../policy/fair.h"

/* How far a group may be behind or ahead when it joins those who wait, ns of one server's time. */
#define CREDIT_NS ((uint64_t)100000000)
#define LEAD_NS	  ((uint64_t)100000000000)
/* Charged ahead for a start, per server, so that starts at one instant alternate by weight. */
#define AHEAD_NS ((uint64_t)10000000)

static struct reeve_sh_execution *execution_at(const struct reeve__parallel_pass *x, uint32_t i)
{
	return i < x->r->header->executions.capacity ? &x->r->executions[i] : NULL;
}

/* ---- walking a heap ---- */

/*
 * The node after i in preorder; `skip`: without those below i. REEVE_NONE at the end. *steps bounds
 * a walk over damaged links.
 */
static uint32_t walk(struct reeve__heap *heap, uint32_t i, bool skip, uint32_t *steps)
{
	struct reeve_sh_node *n = reeve__heap_node(heap, i);

	if (!n || ++*steps > 3 * heap->capacity)
		return REEVE_NONE;
	if (!skip && n->left != REEVE_NONE)
		return n->left;
	if (!skip && n->right != REEVE_NONE)
		return n->right;
	for (;;) {
		struct reeve_sh_node *up = reeve__heap_node(heap, n->parent);
		if (!up || ++*steps > 3 * heap->capacity)
			return REEVE_NONE;
		if (up->left == i && up->right != REEVE_NONE)
			return up->right;
		i = n->parent;
		n = up;
	}
}

static bool is_before(const struct reeve_sh_node *a, const struct reeve_sh_node *b)
{
	return a->key != b->key ? reeve__before(a->key, b->key) : a->tie < b->tie;
}

/* ---- what an execution needs now ---- */

static uint32_t clamp_dop(uint32_t dop, const struct reeve__parallel_limits *limits)
{
	dop = dop < limits->degree ? dop : limits->degree;
	dop = dop < limits->servers ? dop : limits->servers;
	return dop ? dop : 1;
}

static bool is_overdue(const struct reeve__parallel_pass *x, const struct reeve_sh_execution *e)
{
	return x->now - e->requested_ns >= REEVE__PARALLEL_PASS_NS && x->now > e->requested_ns;
}

/* ---- starting ---- */

void reeve__parallel_charge(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);

	if (x->p->waiting && e->held && x->now > e->charged_ns) {
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, e->group);
		uint64_t ns = x->now - e->charged_ns;
		ns = ns < LEAD_NS ? ns : LEAD_NS;
		g->age += reeve__fair_age(ns * e->held, limits.weight_ppm);
	}
	e->charged_ns = x->now;
}

void reeve__parallel_event(
	struct reeve__parallel_pass *x, uint32_t i, uint32_t kind, uint64_t limit, uint64_t actual)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_event event = {
		.kind = kind,
		.code = (int32_t)(0 - reeve__get(&e->outcome)),
		.group.v = reeve__group_at(x->r, e->group)->head.id,
		.session.v = e->session_id,
		.query = e->head.id,
		.limit = limit,
		.actual = actual,
	};

	e->flags |= REEVE_SH_EXECUTION_TOLD;
	reeve__event_text(&event, e->failure);
	reeve__event_emit(x->r, &event);
}

static void count_start(struct reeve__parallel_pass *x, uint32_t i, uint32_t dop)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel *p = x->p;
	uint32_t wanted = e->requested_dop && e->mode != REEVE_PARALLEL_SERIAL ? e->requested_dop
									       : e->target_dop;

	reeve__add(dop > 1 ? &p->parallel : &p->serial, 1);
	reeve__add(&p->granted, dop);
	if (dop < wanted) {
		reeve__add(&p->downgraded, 1);
		reeve__parallel_event(x, i, REEVE_EVENT_PARALLEL_DOWNGRADED, wanted, dop);
	}
	p->executing++;
	p->adaptive += e->mode == REEVE_PARALLEL_ADAPTIVE;
	reeve__parallel_group_at(x->r, e->group)->executing++;
}

/* Starts execution i, which is in no queue, with servers that are there. */
static void start(struct reeve__parallel_pass *x, uint32_t i, uint32_t dop, uint32_t pool)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	bool from_queue = e->started_ns != 0; /* see enqueue */
	uint32_t servers = reeve__dop_servers(dop);

	if (servers)
		reeve__parallel_take(x, i, pool, servers);
	e->granted_first = dop;
	e->started_ns = e->adapted_ns = e->charged_ns = x->now;
	reeve__parallel_publish(e, dop);
	REEVE_POINT(PARALLEL_TAKING);
	/* The store that counts: before it, recovery gives the servers back. */
	atomic_store_explicit(&e->phase,
		from_queue ? (uint32_t)REEVE_EXECUTION_INITIALIZING
			   : (uint32_t)REEVE_EXECUTION_EXECUTING,
		memory_order_release);
	REEVE_POINT(PARALLEL_STARTED);
	reeve__parallel_mark(x, i);
	count_start(x, i, dop);
	if (from_queue) {
		struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, e->group);
		g->age += reeve__fair_age(AHEAD_NS * dop, limits.weight_ppm);
		reeve__parallel_note_wait(x->p, x->now - e->requested_ns);
		x->changes++;
	}
}

/* The degree it could start with now, 0: it has to wait; *ret_pool as of reeve__parallel_room. */
static uint32_t startable(struct reeve__parallel_pass *x, uint32_t i,
	const struct reeve__parallel_limits *limits, bool is_passed, uint32_t *ret_pool)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t target = clamp_dop(e->target_dop, limits), need = clamp_dop(e->need, limits);
	uint32_t room = 0, dop;

	*ret_pool = REEVE_NONE;
	if (target > 1 && !is_passed)
		room = reeve__parallel_room(
			x, e->group, limits, target, x->kept_for == i, ret_pool);
	dop = target < room ? target : room;
	if (dop < 2)
		dop = 1;
	return dop >= need ? dop : 0;
}

/* The first of a group that could ever be started; NULL: none waits, or none can. */
static struct reeve_sh_execution *first_possible(
	struct reeve__parallel_pass *x, uint32_t group, const struct reeve__parallel_limits *limits)
{
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, group);
	uint32_t ceiling = reeve__parallel_ceiling(x, group), steps = 0;
	struct reeve_sh_execution *best = NULL;
	bool skip;

	for (uint32_t i = g->root; i != REEVE_NONE; i = walk(&x->queue, i, skip, &steps)) {
		struct reeve_sh_execution *e = execution_at(x, i);
		if (!e)
			break;
		skip = best && !is_before(&e->node, &best->node);
		if (!skip && clamp_dop(e->need, limits) <= (ceiling > 1 ? ceiling : 1)) {
			best = e;
			skip = true;
		}
	}
	return best;
}

/* Whether a newcomer of the group has to wait behind one who has waited too long. */
static bool is_shut(
	struct reeve__parallel_pass *x, uint32_t group, const struct reeve__parallel_limits *limits)
{
	const struct reeve_sh_execution *first;

	if (reeve__parallel_group_at(x->r, group)->waiting == 0)
		return false;
	first = first_possible(x, group, limits);
	return first && is_overdue(x, first);
}

bool reeve__parallel_try(struct reeve__parallel_pass *x, uint32_t i)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, e->group);
	bool is_passed = x->p->waiting && is_shut(x, e->group, &limits);
	uint32_t pool, dop;

	if (x->p->waiting)
		reeve__parallel_keep(x);
	dop = startable(x, i, &limits, is_passed, &pool);
	if (dop)
		start(x, i, dop, pool);
	return dop != 0;
}

/* ---- the queue ---- */

static void place_group(struct reeve__parallel_pass *x, uint32_t group)
{
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, group);

	if (reeve__heap_has(&g->node))
		reeve__heap_remove(&x->groups, &x->p->root, group);
	if (g->waiting)
		reeve__heap_insert(&x->groups, &x->p->root, group, g->age, group);
}

void reeve__parallel_enqueue(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);
	struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, e->group);

	if (g->waiting++ == 0) {
		g->least = UINT32_MAX;
		g->age = reeve__fair_join(g->age, x->p->clock,
			reeve__fair_age(CREDIT_NS, limits.weight_ppm),
			reeve__fair_age(LEAD_NS, limits.weight_ppm));
	}
	e->started_ns = 1; /* it comes from the queue; becomes the instant of its start */
	x->p->waiting++;
	if (e->need < g->least)
		g->least = e->need;
	if (e->deadline_ns < x->p->next_deadline_ns)
		x->p->next_deadline_ns = e->deadline_ns;
	reeve__heap_insert(&x->queue, &g->root, i,
		reeve__parallel_key(e->requested_ns, e->priority), x->p->tie++);
	place_group(x, e->group);
}

void reeve__parallel_dequeue(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);

	if (!reeve__heap_has(&e->node))
		return;
	reeve__heap_remove(&x->queue, &g->root, i);
	if (g->waiting)
		g->waiting--;
	if (x->p->waiting)
		x->p->waiting--;
	place_group(x, e->group);
}

/* One who fits, and with what. */
struct fit {
	uint32_t execution; /* REEVE_NONE: nobody */
	uint32_t dop, pool;
};

/* The first of a group who fits. When nobody does, what they need is noted for the next time. */
static struct fit first_fitting(
	struct reeve__parallel_pass *x, uint32_t group, const struct reeve__parallel_limits *limits)
{
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, group);
	const struct reeve_sh_execution *best = first_possible(x, group, limits);
	struct fit fit = {REEVE_NONE, 0, REEVE_NONE};
	uint32_t steps = 0, least = UINT32_MAX, pool;
	bool skip;

	if (best && is_overdue(x, best)) { /* nobody passes it any more */
		fit.execution = (uint32_t)(best - x->r->executions);
		fit.dop = startable(x, fit.execution, limits, false, &fit.pool);
		if (fit.dop == 0)
			fit.execution = REEVE_NONE;
		return fit;
	}
	best = NULL;
	for (uint32_t i = g->root; i != REEVE_NONE; i = walk(&x->queue, i, skip, &steps)) {
		const struct reeve_sh_execution *e = execution_at(x, i);
		uint32_t dop;
		if (!e)
			break;
		skip = best && !is_before(&e->node, &best->node);
		if (skip)
			continue;
		least = e->need < least ? e->need : least;
		dop = startable(x, i, limits, false, &pool);
		if (dop) {
			best = e;
			fit = (struct fit){i, dop, pool};
			skip = true;
		}
	}
	if (!best)
		g->least = least;
	return fit;
}

/* Whether anybody in the group could go, by what it is known that they need at least. */
static bool may_fit(
	struct reeve__parallel_pass *x, uint32_t group, const struct reeve__parallel_limits *limits)
{
	uint32_t least = clamp_dop(reeve__parallel_group_at(x->r, group)->least, limits), pool;

	return least <= 1 || reeve__parallel_room(x, group, limits, least, x->kept_group == group,
				     &pool) >= least;
}

/* The first in the order of the queue who fits. */
static struct fit pick(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_parallel_group *best = NULL;
	struct fit found = {REEVE_NONE, 0, REEVE_NONE}, fit;
	uint32_t steps = 0;
	bool skip;

	for (uint32_t g = x->p->root; g != REEVE_NONE; g = walk(&x->groups, g, skip, &steps)) {
		const struct reeve_sh_parallel_group *row = reeve__parallel_group_at(x->r, g);
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, g);
		skip = best && !is_before(&row->node, &best->node);
		if (skip || !may_fit(x, g, &limits))
			continue;
		fit = first_fitting(x, g, &limits);
		if (fit.execution != REEVE_NONE) {
			best = row;
			found = fit;
			skip = true;
		}
	}
	return found;
}

void reeve__parallel_keep(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_parallel_group *best = NULL;
	uint32_t steps = 0;
	bool skip;

	x->kept_for = x->kept_group = x->kept_pool = REEVE_NONE;
	x->kept_servers = 0;
	for (uint32_t g = x->p->root; g != REEVE_NONE; g = walk(&x->groups, g, skip, &steps)) {
		const struct reeve_sh_parallel_group *row = reeve__parallel_group_at(x->r, g);
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, g);
		const struct reeve_sh_execution *e;
		skip = best && !is_before(&row->node, &best->node);
		e = skip ? NULL : first_possible(x, g, &limits);
		if (!e || !is_overdue(x, e))
			continue;
		uint32_t need = clamp_dop(e->need, &limits);
		if (limits.servers != UINT32_MAX && limits.servers < row->in_use + need)
			continue; /* it waits for its own group */
		best = row;
		skip = true;
		x->kept_for = (uint32_t)(e - x->r->executions);
		x->kept_group = g;
		x->kept_pool = reeve__parallel_pool_for(x, g, need);
		x->kept_servers = need;
	}
}

void reeve__parallel_tell(struct reeve__parallel_pass *x, uint32_t i)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t task;

	if (!(e->flags & REEVE_SH_EXECUTION_AWAITED) ||
		e->session >= x->r->header->sessions.capacity ||
		x->wake_count >= REEVE_COUNT(x->wakes))
		return; /* it looks up by itself */
	task = x->r->sessions[e->session].task;
	if (task < x->r->header->tasks.capacity)
		x->wakes[x->wake_count++] = task;
}

/* Those whose time in the queue is over. */
static void expire(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_table *t = &x->r->header->executions;
	uint64_t next = REEVE_UNLIMITED;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_execution *e = &x->r->executions[i];
		if (reeve__get(&e->head.state) != REEVE_SLOT_LIVE || !reeve__heap_has(&e->node))
			continue;
		if (e->deadline_ns > x->now) {
			next = e->deadline_ns < next ? e->deadline_ns : next;
			continue;
		}
		reeve__add(&x->p->timeouts, 1);
		if ((e->flags & REEVE_SH_EXECUTION_BY_PLAN) &&
			(e->flags & REEVE_SH_EXECUTION_RUNS_SERIAL)) {
			reeve__parallel_dequeue(x, i);
			start(x, i, 1, REEVE_NONE);
			reeve__parallel_tell(x, i);
		} else {
			reeve__execution_finish(
				x, i, REEVE_ETIMEOUT, "it was out of time in the parallel queue");
			x->changes++;
		}
	}
	x->p->next_deadline_ns = next;
}

void reeve__parallel_hand_over(struct reeve__parallel_pass *x)
{
	struct fit fit;
	uint32_t n = 0;

	if (x->p->waiting && x->now >= x->p->next_deadline_ns)
		expire(x);
	while (x->p->waiting && n++ <= x->r->header->executions.capacity) {
		struct reeve_sh_parallel_group *g;
		reeve__parallel_keep(x);
		fit = pick(x);
		if (fit.execution == REEVE_NONE)
			return;
		g = reeve__parallel_group_at(x->r, x->r->executions[fit.execution].group);
		if (reeve__before(x->p->clock, g->age))
			x->p->clock = g->age;
		reeve__parallel_dequeue(x, fit.execution);
		start(x, fit.execution, fit.dop, fit.pool);
		place_group(x, x->r->executions[fit.execution].group);
		reeve__parallel_tell(x, fit.execution);
	}
}

/* Whether a waits before b: by group, then in it. */
static bool waits_before(struct reeve__parallel_pass *x, const struct reeve_sh_execution *a,
	const struct reeve_sh_execution *b)
{
	if (a->group == b->group)
		return is_before(&a->node, &b->node);
	return is_before(&reeve__parallel_group_at(x->r, a->group)->node,
		&reeve__parallel_group_at(x->r, b->group)->node);
}

uint32_t reeve__parallel_position(struct reeve__parallel_pass *x, uint32_t i)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t n = 1, group_steps = 0;

	if (!reeve__heap_has(&e->node))
		return 0;
	for (uint32_t g = x->p->root; g != REEVE_NONE;
		g = walk(&x->groups, g, false, &group_steps)) {
		uint32_t steps = 0;
		for (uint32_t k = reeve__parallel_group_at(x->r, g)->root; k != REEVE_NONE;
			k = walk(&x->queue, k, false, &steps)) {
			const struct reeve_sh_execution *other = execution_at(x, k);
			if (other && other != e && waits_before(x, other, e))
				n++;
		}
	}
	return n;
}

/* ---- degrees of running executions ---- */

/* Whether somebody waits for servers that executions of this group could let go. */
static bool are_servers_wanted(struct reeve__parallel_pass *x, uint32_t group)
{
	uint32_t steps = 0;

	if (reeve__parallel_group_at(x->r, group)->waiting)
		return true;
	for (uint32_t g = x->p->root; g != REEVE_NONE; g = walk(&x->groups, g, false, &steps)) {
		const struct reeve_sh_parallel_group *row = reeve__parallel_group_at(x->r, g);
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, g);
		if (limits.servers == UINT32_MAX ||
			limits.servers >= row->in_use + clamp_dop(row->least, &limits))
			return true;
	}
	return false;
}

static void resize(struct reeve__parallel_pass *x, uint32_t i, uint32_t dop)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t servers = reeve__dop_servers(dop), pool = e->pool;

	reeve__parallel_charge(x, i);
	if (servers > e->held) {
		struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, e->group);
		if (e->held == 0)
			(void)reeve__parallel_room(x, e->group, &limits, servers, false, &pool);
		reeve__parallel_take(x, i, pool, servers - e->held);
	}
	REEVE_POINT(PARALLEL_RESIZED);
	reeve__parallel_publish(e, dop);
	reeve__parallel_mark(x, i);
	e->adapted_ns = x->now;
	reeve__add(&x->p->adjustments, 1);
	x->changes++;
}

bool reeve__parallel_adapt_one(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t phase = reeve__get(&e->phase), now = reeve__parallel_degree(e), dop;
	struct reeve__parallel_limits limits;
	struct reeve__dop_running in;

	if (e->mode != REEVE_PARALLEL_ADAPTIVE || now == 0 ||
		(phase != REEVE_EXECUTION_EXECUTING && phase != REEVE_EXECUTION_INITIALIZING) ||
		x->now - e->adapted_ns < REEVE__PARALLEL_ADAPT_NS)
		return false;
	limits = reeve__parallel_limits_of(x, e->group);
	reeve__parallel_keep(x);
	in = (struct reeve__dop_running){
		.now = now,
		.least = clamp_dop(e->min_dop, &limits),
		.target = clamp_dop(e->target_dop, &limits),
		.free = reeve__parallel_more(x, i, &limits),
		.is_wanted = x->p->waiting && are_servers_wanted(x, e->group),
		.load_ppm = reeve__get(&x->p->load_ppm),
	};
	dop = now > in.target ? in.target : reeve__dop_adapt(&in);
	if (dop == now)
		return false;
	resize(x, i, dop);
	return true;
}

void reeve__parallel_adapt_all(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_table *t = &x->r->header->executions;

	for (uint32_t i = 0; x->p->adaptive && i < reeve__table_used(t); i++)
		if (reeve__get(&x->r->executions[i].head.state) == REEVE_SLOT_LIVE)
			reeve__parallel_adapt_one(x, i);
}
