/* SPDX-License-Identifier: Apache-2.0 */
/* io_priority.c - the best class first, with aging; see io_policy.h. */
#include "io_policy.h"

static void join(struct reeve__io_view *v, uint32_t f)
{
	(void)v;
	(void)f;
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);
	const struct reeve_sh_node *first = reeve__heap_node(&v->entries, flow->root[0]);

	flow->where = REEVE_FLOW_READY;
	if (first)
		reeve__io_flow_insert(v, 0, &v->q->ready[0], f, first->key, first->tie);
}

static uint32_t pick(struct reeve__io_view *v, uint64_t now)
{
	uint32_t f = v->q->ready[0];

	(void)now;
	return f < v->flows[0].capacity ? reeve__io_flow(v, f)->root[0] : REEVE_NONE;
}

static void charge(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e)
{
	(void)v;
	(void)f;
	(void)e;
}

const struct reeve__io_ops reeve__io_priority_ops = {
	.key = reeve__io_class_key,
	.has_classes = true,
	.join = join,
	.place = place,
	.pick = pick,
	.charge = charge,
};
