/* SPDX-License-Identifier: Apache-2.0 */
/* io_policy.c - what the four policies share; see io_policy.h. */
#include "io_policy.h"

static const struct reeve__io_ops *ops_of(const struct reeve__io_view *v)
{
	static const struct reeve__io_ops *const all[] = {&reeve__io_fair_ops,
		&reeve__io_deadline_ops, &reeve__io_budget_ops, &reeve__io_priority_ops};

	return all[v->q->policy & 3];
}

void reeve__io_view_init(struct reeve__io_view *v, struct reeve_sh_io_queue *q, void *entry_base,
	size_t entry_stride, uint32_t entries, void *flow_base, size_t flow_stride, uint32_t flows)
{
	char *e = entry_base, *f = flow_base;

	v->q = q;
	v->entries = (struct reeve__heap){
		e + offsetof(struct reeve_sh_io_entry, node), entry_stride, entries, false};
	v->dues = (struct reeve__heap){
		e + offsetof(struct reeve_sh_io_entry, due), entry_stride, entries, false};
	v->flows[0] = (struct reeve__heap){
		f + offsetof(struct reeve_sh_io_flow, node[0]), flow_stride, flows, false};
	v->flows[1] = (struct reeve__heap){
		f + offsetof(struct reeve_sh_io_flow, node[1]), flow_stride, flows, false};
}

_Static_assert(offsetof(struct reeve_sh_io_entry, node) == 0, "reeve__io_entry relies on it");
_Static_assert(offsetof(struct reeve_sh_io_flow, node) == 0, "reeve__io_flow relies on it");

void reeve__io_queue_clear(struct reeve_sh_io_queue *q, uint32_t policy)
{
	uint64_t clock = q->clock, tie = q->tie;

	*q = (struct reeve_sh_io_queue){
		.policy = policy,
		.ready = {REEVE_NONE, REEVE_NONE},
		.behind = REEVE_NONE,
		.held = REEVE_NONE,
		.paused = REEVE_NONE,
		.due = REEVE_NONE,
		.current = REEVE_NONE,
		.clock = clock,
		.tie = tie,
	};
}

void reeve__io_flow_clear(struct reeve_sh_io_flow *flow)
{
	flow->node[0].rank = flow->node[1].rank = 0;
	flow->root[0] = flow->root[1] = REEVE_NONE;
	flow->count = 0;
	flow->where = REEVE_FLOW_IDLE;
	flow->budget_used = 0;
}

void reeve__io_flow_insert(struct reeve__io_view *v, uint32_t dir, uint32_t *root, uint32_t f,
	uint64_t key, uint64_t tie)
{
	reeve__heap_insert(&v->flows[dir], root, f, key, tie);
}

/* Out of whatever heap the flow is in. */
static void lift(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	struct reeve_sh_io_queue *q = v->q;

	if (flow->where == REEVE_FLOW_READY) {
		reeve__heap_remove(&v->flows[0], &q->ready[0], f);
		reeve__heap_remove(&v->flows[1], &q->ready[1], f);
	} else if (flow->where == REEVE_FLOW_BEHIND) {
		reeve__heap_remove(&v->flows[0], &q->behind, f);
	} else if (flow->where == REEVE_FLOW_HELD) {
		reeve__heap_remove(&v->flows[0], &q->held, f);
	} else if (flow->where == REEVE_FLOW_PAUSED) {
		reeve__heap_remove(&v->flows[0], &q->paused, f);
	}
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (flow->where == REEVE_FLOW_CURRENT && flow->count)
		return;
	lift(v, f);
	if (flow->count) {
		ops_of(v)->place(v, f);
		return;
	}
	flow->where = REEVE_FLOW_IDLE;
	if (ops_of(v)->run_dry)
		ops_of(v)->run_dry(v, f);
}

static uint32_t *root_of(const struct reeve__io_view *v, const struct reeve_sh_io_entry *e)
{
	return &reeve__io_flow(v, e->flow)->root[ops_of(v)->by_direction && e->is_write ? 1 : 0];
}

static bool valid_flow(struct reeve__io_view *v, uint32_t f)
{
	if (REEVE_LIKELY(f < v->flows[0].capacity))
		return true;
	v->flows[0].fault = true;
	return false;
}

void reeve__io_policy_add(struct reeve__io_view *v, uint32_t i)
{
	struct reeve_sh_io_entry *e = reeve__io_entry(v, i);
	struct reeve_sh_io_queue *q = v->q;
	struct reeve_sh_io_flow *flow;
	uint32_t *root, before;

	if (!valid_flow(v, e->flow))
		return;
	flow = reeve__io_flow(v, e->flow);
	e->tie = q->tie++;
	root = root_of(v, e);
	before = *root;
	reeve__heap_insert(&v->entries, root, i, ops_of(v)->key(e), e->tie);
	if (e->deadline_ns != UINT64_MAX && !e->is_late && ops_of(v)->has_classes)
		reeve__heap_insert(&v->dues, &q->due, i, e->deadline_ns, e->tie);
	q->count++;
	if (flow->count++ == 0) {
		q->weight += flow->where == REEVE_FLOW_PAUSED ? 0 : flow->weight;
		ops_of(v)->join(v, e->flow);
	}
	if (*root != before && flow->where != REEVE_FLOW_CURRENT)
		place(v, e->flow); /* a held one too: its new first may be small enough */
}

/* Out of the heaps of its flow and of deadlines. True when its flow has to be placed anew. */
static bool take_out(struct reeve__io_view *v, uint32_t i)
{
	struct reeve_sh_io_entry *e = reeve__io_entry(v, i);
	struct reeve_sh_io_queue *q = v->q;
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, e->flow);
	uint32_t *root = root_of(v, e);
	bool first = *root == i;

	reeve__heap_remove(&v->entries, root, i);
	if (reeve__heap_has(&e->due))
		reeve__heap_remove(&v->dues, &q->due, i);
	if (q->count)
		q->count--;
	if (flow->count && --flow->count == 0)
		q->weight = q->weight > flow->weight ? q->weight - flow->weight : 0;
	return first;
}

void reeve__io_policy_remove(struct reeve__io_view *v, uint32_t i)
{
	const struct reeve_sh_io_entry *e = reeve__io_entry(v, i);

	if (!reeve__heap_has(&e->node) || !valid_flow(v, e->flow))
		return;
	if (take_out(v, i))
		place(v, e->flow);
}

void reeve__io_policy_again(struct reeve__io_view *v, uint32_t i)
{
	const struct reeve_sh_io_entry *e = reeve__io_entry(v, i);
	uint32_t *root, before;

	if (!reeve__heap_has(&e->node) || !valid_flow(v, e->flow))
		return;
	root = root_of(v, e);
	before = *root;
	reeve__heap_remove(&v->entries, root, i);
	reeve__heap_insert(&v->entries, root, i, ops_of(v)->key(e), e->tie);
	if (before == i || *root == i)
		place(v, e->flow);
}

void reeve__io_policy_advance(struct reeve__io_view *v, uint64_t now)
{
	struct reeve_sh_io_queue *q = v->q;
	const struct reeve_sh_node *top;

	while ((top = reeve__heap_node(&v->dues, q->due)) && !reeve__before(now, top->key)) {
		uint32_t i = q->due;
		reeve__heap_remove(&v->dues, &q->due, i);
		reeve__io_entry(v, i)->is_late = 1;
		reeve__io_policy_again(v, i);
		if (q->due == i) {
			v->dues.fault = true;
			break;
		}
	}
	while ((top = reeve__heap_node(&v->flows[0], q->held)) && !reeve__before(now, top->key)) {
		uint32_t f = q->held;
		reeve__io_policy_release(v, f);
		if (q->held == f) {
			v->flows[0].fault = true;
			break;
		}
	}
}

uint32_t reeve__io_policy_pick(struct reeve__io_view *v, uint64_t now)
{
	uint32_t i = v->q->count ? ops_of(v)->pick(v, now) : REEVE_NONE;

	return i < v->entries.capacity ? i : REEVE_NONE;
}

void reeve__io_policy_serve(struct reeve__io_view *v, uint32_t i)
{
	const struct reeve_sh_io_entry *e = reeve__io_entry(v, i);
	bool moved;

	if (!valid_flow(v, e->flow))
		return;
	moved = take_out(v, i);
	ops_of(v)->charge(v, e->flow, e);
	if (moved || ops_of(v)->moves_by_serve)
		place(v, e->flow);
}

void reeve__io_policy_hold(struct reeve__io_view *v, uint32_t f, uint64_t until_ns)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (flow->count == 0)
		return;
	lift(v, f);
	if (ops_of(v)->expire)
		ops_of(v)->expire(v, f);
	flow->where = REEVE_FLOW_HELD;
	flow->held_until_ns = until_ns;
	reeve__io_flow_insert(v, 0, &v->q->held, f, until_ns, f);
}

void reeve__io_policy_release(struct reeve__io_view *v, uint32_t f)
{
	if (reeve__io_flow(v, f)->where == REEVE_FLOW_HELD)
		place(v, f);
}

void reeve__io_policy_weigh(struct reeve__io_view *v, uint32_t f, uint32_t weight)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (flow->count || flow->where == REEVE_FLOW_PAUSED)
		v->q->weight = v->q->weight + weight - flow->weight;
	flow->weight = weight;
}

void reeve__io_policy_forget(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (flow->where != REEVE_FLOW_PAUSED || v->q->paused == REEVE_NONE)
		return;
	lift(v, f);
	flow->where = REEVE_FLOW_IDLE;
	v->q->weight = v->q->weight > flow->weight ? v->q->weight - flow->weight : 0;
}

uint64_t reeve__io_policy_next(struct reeve__io_view *v)
{
	const struct reeve_sh_node *top = reeve__heap_node(&v->flows[0], v->q->held);

	return top ? top->key : UINT64_MAX;
}

static const char *check_flow(struct reeve__io_view *v, uint32_t f)
{
	const struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	uint32_t n = reeve__heap_check(&v->entries, flow->root[0]);
	uint32_t m = reeve__heap_check(&v->entries, flow->root[1]);

	if (n == UINT32_MAX || m == UINT32_MAX)
		return "a group's queue of I/O requests is damaged";
	if (n + m != flow->count)
		return "a group counts other I/O requests than its queue holds";
	if ((flow->count != 0) !=
		(flow->where != REEVE_FLOW_IDLE && flow->where != REEVE_FLOW_PAUSED))
		return "a group is in an I/O queue without requests, or has requests and is in "
		       "none";
	return NULL;
}

const char *reeve__io_policy_check(struct reeve__io_view *v, uint32_t flows)
{
	struct reeve_sh_io_queue *q = v->q;
	uint64_t count = 0, weight = 0;
	uint32_t placed = 0, in[5];

	for (uint32_t f = 0; f < flows; f++) {
		const struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
		const char *fault = check_flow(v, f);
		if (fault)
			return fault;
		count += flow->count;
		weight += flow->count || flow->where == REEVE_FLOW_PAUSED ? flow->weight : 0;
		placed += flow->where != REEVE_FLOW_IDLE;
	}
	if (count != q->count)
		return "an I/O queue counts other requests than its groups";
	if (weight != q->weight)
		return "an I/O queue's sum of weights is wrong";
	in[0] = reeve__heap_check(&v->flows[0], q->ready[0]);
	in[1] = reeve__heap_check(&v->flows[1], q->ready[1]);
	in[2] = reeve__heap_check(&v->flows[0], q->behind);
	in[3] = reeve__heap_check(&v->flows[0], q->held);
	in[4] = reeve__heap_check(&v->flows[0], q->paused);
	for (uint32_t i = 0; i < REEVE_COUNT(in); i++)
		if (in[i] == UINT32_MAX)
			return "an I/O queue's heap of groups is damaged";
	if (!ops_of(v)->by_direction &&
		in[0] + in[2] + in[3] + in[4] + (q->current != REEVE_NONE) != placed)
		return "an I/O queue does not hold every group that has requests";
	if (reeve__heap_check(&v->dues, q->due) > q->count)
		return "an I/O queue's heap of deadlines is damaged";
	return NULL;
}
