/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_deadline.c - earliest deadline first, in batches of one direction; see io_policy.h. The batches
 * and the bound on starving writes are those of Linux's mq-deadline.
 */
#include "io_policy.h"

static uint64_t key(const struct reeve_sh_io_entry *e)
{
	return e->deadline_ns == UINT64_MAX ? e->submitted_ns + REEVE_IO_STARVE_NS : e->deadline_ns;
}

static void join(struct reeve__io_view *v, uint32_t f)
{
	(void)v;
	(void)f;
}

static void place(struct reeve__io_view *v, uint32_t f)
{
	struct reeve_sh_io_flow *flow = reeve__io_flow(v, f);

	flow->where = REEVE_FLOW_READY;
	for (uint32_t dir = 0; dir < 2; dir++) {
		const struct reeve_sh_node *first = reeve__heap_node(&v->entries, flow->root[dir]);
		if (first)
			reeve__io_flow_insert(v, dir, &v->q->ready[dir], f, first->key, first->tie);
	}
}

/* The direction of the next request: the batch under way, unless the other's first is late first. */
static uint32_t direction(struct reeve__io_view *v, uint64_t now)
{
	struct reeve_sh_io_queue *q = v->q;
	const struct reeve_sh_node *read = reeve__heap_node(&v->flows[0], q->ready[0]);
	const struct reeve_sh_node *write = reeve__heap_node(&v->flows[1], q->ready[1]);
	bool read_is_first;

	if (!read || !write)
		return read ? 0 : 1;
	read_is_first = !reeve__before(write->key, read->key);
	if (!reeve__before(now, read_is_first ? read->key : write->key))
		return read_is_first ? 0 : 1; /* late: the earliest, whatever the batch */
	if (q->batch_left)
		return q->batch_is_write ? 1 : 0;
	return q->reads_first >= REEVE_IO_READS_FIRST ? 1 : 0;
}

static uint32_t pick(struct reeve__io_view *v, uint64_t now)
{
	uint32_t dir = direction(v, now), f = v->q->ready[dir];

	return f < v->flows[0].capacity ? reeve__io_flow(v, f)->root[dir] : REEVE_NONE;
}

static void charge(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e)
{
	struct reeve_sh_io_queue *q = v->q;
	uint32_t write = e->is_write ? 1 : 0;

	(void)f;
	if (q->batch_left == 0 || q->batch_is_write != write) {
		q->batch_is_write = write;
		q->batch_left = REEVE_IO_BATCH;
		if (write)
			q->reads_first = 0;
		else if (q->ready[1] != REEVE_NONE)
			q->reads_first++;
	}
	q->batch_left--;
}

const struct reeve__io_ops reeve__io_deadline_ops = {
	.key = key,
	.join = join,
	.place = place,
	.pick = pick,
	.charge = charge,
	.by_direction = true,
};
