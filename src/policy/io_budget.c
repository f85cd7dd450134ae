/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_budget.c - budget fair: turns of a byte budget in the order of B-WF2Q+; see io_policy.h.
 *
 * A flow that waits has a start tag and a finish tag, finish = start + budget / weight. Virtual time
 * moves by the bytes served over the weight of all who wait. At the end of a turn the finish tag is
 * set by what was really used, and the next turn starts there.
 *
 * A flow with few clients often has none that waits, because they are being served. It has not given
 * its turn up for that: it pauses with its tags, still counts as one who waits, and when a client is
 * back before virtual time has passed its finish tag, it goes on, at once if the turn in service would
 * end later. Worked: weights are equal, A has two clients, B has one, one request is served at a time.
 * Without pauses each of B's turns would be one request, of A's sixteen of 64 KiB; so B's turn goes on
 * after each request of A, and both have the same.
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

	if (flow->where == REEVE_FLOW_PAUSED)
		return;
	set_tags(flow, reeve__before(flow->start, v->q->clock) ? v->q->clock : flow->start);
}

static void line_up(struct reeve__io_view *v, uint32_t f)
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

/* The flow in service is not that any longer; its turn goes on later if there is a rest of it. */
static void step_back(struct reeve__io_view *v)
{
	uint32_t f = v->q->current;
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	v->q->current = REEVE_NONE;
	if (flow->count == 0 || flow->budget_used >= REEVE_IO_BUDGET_BYTES)
		expire(v, f);
	if (flow->count)
		line_up(v, f);
}

static void take_turn(struct reeve__io_view *v, uint32_t f)
{
	reeve__io_flow(v, f)->where = REEVE_FLOW_CURRENT;
	v->q->current = f;
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	uint32_t now = v->q->current;

	if (flow->where != REEVE_FLOW_PAUSED || now >= v->flows[0].capacity ||
		reeve__before(v->q->clock, flow->start) ||
		reeve__before(reeve__io_flow(v, now)->finish, flow->finish)) {
		line_up(v, f);
		return;
	}
	step_back(v);
	take_turn(v, f);
}

static void run_dry(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (v->q->current == f)
		v->q->current = REEVE_NONE;
	if (flow->budget_used >= REEVE_IO_BUDGET_BYTES)
		expire(v, f);
	if (!reeve__before(v->q->clock, flow->finish)) {
		expire(v, f);
		return;
	}
	flow->where = REEVE_FLOW_PAUSED;
	v->q->weight += flow->weight;
	reeve__io_flow_insert(v, 0, &v->q->paused, f, flow->finish, f);
}

/* Virtual time goes on; who has paused for so long loses its turn. */
static void set_clock(struct reeve__io_view *v, uint64_t clock)
{
	struct reeve_sh_io_queue *q = v->q;
	const struct reeve_sh_node *top;

	q->clock = clock;
	while ((top = reeve__heap_node(&v->flows[0], q->paused)) &&
		!reeve__before(clock, top->key)) {
		uint32_t f = q->paused;
		reeve__io_policy_forget(v, f);
		expire(v, f);
		if (q->paused == f) {
			v->flows[0].fault = true;
			break;
		}
	}
}

/* Flows whose start tag virtual time has reached become eligible. */
static void advance_eligible(struct reeve__io_view *v)
{
	struct reeve_sh_io_queue *q = v->q;
	const struct reeve_sh_node *top = reeve__heap_node(&v->flows[0], q->behind);

	if (q->ready[0] == REEVE_NONE && q->paused == REEVE_NONE && top &&
		reeve__before(q->clock, top->key))
		q->clock = top->key;
	while (top && !reeve__before(q->clock, top->key)) {
		uint32_t f = q->behind;
		reeve__heap_remove(&v->flows[0], &q->behind, f);
		line_up(v, f);
		top = reeve__heap_node(&v->flows[0], q->behind);
	}
}

/* The flow whose turn is next. While one that is due pauses, the first of those behind stands in. */
static uint32_t next_flow(struct reeve__io_view *v)
{
	struct reeve_sh_io_queue *q = v->q;
	uint32_t *root = q->ready[0] == REEVE_NONE ? &q->behind : &q->ready[0];
	uint32_t f = *root;

	if (f >= v->flows[0].capacity)
		return REEVE_NONE;
	reeve__heap_remove(&v->flows[0], root, f);
	return f;
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
		step_back(v);
	}
	advance_eligible(v);
	f = next_flow(v);
	if (f == REEVE_NONE)
		return REEVE_NONE;
	take_turn(v, f);
	return reeve__io_flow(v, f)->root[0];
}

static void charge(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	uint64_t bytes = reeve__io_service(e);
	/* The one just served waited too, even if it was the last of its flow. */
	uint64_t all = v->q->weight + (flow->count ? 0 : flow->weight);

	flow->budget_used += bytes;
	set_clock(v, v->q->clock + reeve__io_virtual(bytes, all));
}

const struct reeve__io_ops reeve__io_budget_ops = {
	.key = reeve__io_class_key,
	.has_classes = true,
	.join = join,
	.place = place,
	.pick = pick,
	.charge = charge,
	.expire = expire,
	.run_dry = run_dry,
};
