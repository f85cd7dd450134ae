/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_fair.c - completely fair: start-time fair queueing over bytes; see io_policy.h.
 *
 * Worked: weights 300 and 100, requests of 64 KiB: a turn moves the one on by 65,536 * 2^16 / 300 =
 * 14,316,557 and the other by three times that, so the first is served three times as often.
 */
#include "io_policy.h"

static void join(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (reeve__before(flow->start, v->q->clock))
		flow->start = v->q->clock;
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	flow->where = REEVE_FLOW_READY;
	reeve__io_flow_insert(v, 0, &v->q->ready[0], f, flow->start, v->q->tie++);
}

static uint32_t pick(struct reeve__io_view *v, uint64_t now)
{
	uint32_t f = v->q->ready[0];

	(void)now;
	return f < v->flows[0].capacity ? reeve__io_flow(v, f)->root[0] : REEVE_NONE;
}

static void charge(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	if (reeve__before(v->q->clock, flow->start))
		v->q->clock = flow->start;
	flow->start += reeve__io_virtual(reeve__io_service(e), flow->weight);
	/* Nobody else is there: what nobody else wanted is not held against anyone. */
	if (v->q->count == 0)
		v->q->clock = flow->start;
}

const struct reeve__io_ops reeve__io_fair_ops = {
	.key = reeve__io_class_key,
	.has_classes = true,
	.join = join,
	.place = place,
	.pick = pick,
	.charge = charge,
	.moves_by_serve = true,
};
