/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_budget.c - budget fair: turns of a byte budget in the order of B-WF2Q+; see io_policy.h.
 *
 * A flow that waits has a start tag and a finish tag, finish = start + budget / weight. Virtual time
 * moves by the bytes served over the weight of all who wait. At the end of a turn the finish tag is
 * set by what was really used, and the next turn starts there.
 */
#include "io_policy.h"

static void set_tags(struct reeve_sh_io_flow *flow, uint64_t start)
{
	flow->start = start;
	flow->finish = start + reeve__io_virtual(REEVE_IO_BUDGET_BYTES, flow->weight);
	flow->budget_used = 0;
}

static void join(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	set_tags(flow, reeve__before(flow->start, v->q->clock) ? v->q->clock : flow->start);
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (reeve__before(v->q->clock, flow->start)) {
		flow->where = REEVE_FLOW_BEHIND;
		reeve__io_flow_insert(v, 0, &v->q->behind, f, flow->start, f);
	} else {
		flow->where = REEVE_FLOW_READY;
		reeve__io_flow_insert(v, 0, &v->q->ready[0], f, flow->finish, v->q->tie++);
	}
}

/* The turn is over: the next starts where what was used puts it. The flow is left in no heap. */
static void expire(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (v->q->current == f)
		v->q->current = REEVE_NONE;
	flow->where = REEVE_FLOW_IDLE;
	set_tags(flow, flow->start + reeve__io_virtual(flow->budget_used, flow->weight));
}

/* Flows whose start tag virtual time has reached become eligible. */
static void advance_eligible(struct reeve__io_view *v)
{
	struct reeve_sh_io_queue *q = v->q;
	const struct reeve_sh_node *top = reeve__heap_node(&v->flows[0], q->behind);

	if (q->ready[0] == REEVE_NONE && top && reeve__before(q->clock, top->key))
		q->clock = top->key;
	while (top && !reeve__before(q->clock, top->key)) {
		uint32_t f = q->behind;
		reeve__heap_remove(&v->flows[0], &q->behind, f);
		place(v, f);
		top = reeve__heap_node(&v->flows[0], q->behind);
	}
}

static uint32_t pick(struct reeve__io_view *v, uint64_t now)
{
	struct reeve_sh_io_queue *q = v->q;
	uint32_t f = q->current;

	(void)now;
	if (f < v->flows[0].capacity) {
		struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
		if (flow->count && flow->budget_used < REEVE_IO_BUDGET_BYTES)
			return flow->root[0];
		expire(v, f);
		if (flow->count)
			place(v, f);
	}
	advance_eligible(v);
	f = q->ready[0];
	if (f >= v->flows[0].capacity)
		return REEVE_NONE;
	reeve__heap_remove(&v->flows[0], &q->ready[0], f);
	reeve__io_flow(v, f)->where = REEVE_FLOW_CURRENT;
	q->current = f;
	return reeve__io_flow(v, f)->root[0];
}

static void charge(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	uint64_t bytes = reeve__io_service(e);
	/* The one just served waited too, even if it was the last of its flow. */
	uint64_t all = v->q->weight + (flow->count ? 0 : flow->weight);

	flow->budget_used += bytes;
	v->q->clock += reeve__io_virtual(bytes, all);
}

const struct reeve__io_ops reeve__io_budget_ops = {
	.key = reeve__io_class_key,
	.has_classes = true,
	.join = join,
	.place = place,
	.pick = pick,
	.charge = charge,
	.expire = expire,
};
