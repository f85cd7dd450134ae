/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_policy.h - which I/O request is next: four policies over the same queue of flows and entries.
 *
 *   completely fair  start-time fair queueing (Goyal, Vin, Cheng 1996) over bytes: the flow with the
 *                    least service by weight; it is charged when a request is served, not when that
 *                    completes. A flow that comes back starts level with the virtual clock.
 *   deadline         earliest deadline first over all flows, reads and writes apart, in batches of
 *                    16 of one direction; reads go first, but after 2 batches of reads the writes
 *                    that wait have one. A request without deadline counts as due 5 s after it came.
 *   budget fair      B-WF2Q+ (Bennett, Zhang 1997; Valente, Checconi 2010): a flow in service keeps
 *                    its turn for 1 MiB, so that sequential work stays so; turns go by the least
 *                    finish tag among the flows whose start tag is not ahead of virtual time. A
 *                    flow whose clients are all being served pauses, and goes on when one is back.
 *   priority         the best class over all flows, then the oldest; waiting half a second is worth
 *                    a class, so idle is late and not lost. Weights do not count.
 *
 * Inside a flow, and for the priority policy over all, an entry's key is the instant it came plus half
 * a second a class: who is ahead of whom does not change with time, so heaps keep their order. The
 * one thing that changes with time is made an event: an entry past its deadline is taken out of the
 * heap of deadlines and gets a key two classes better.
 *
 * A flow that is over a limit is held: it lies aside until an instant and is in nobody's way.
 *
 * All operations take O(log n), promotions and releases amortised: an entry is promoted once, and a
 * flow is released once for each hold. Pure: the caller's lock excludes, `now` is an argument.
 */
#ifndef REEVE_POLICY_IO_POLICY_H
#define REEVE_POLICY_IO_POLICY_H

#include "../base/io_flow.h"

#include <reeve/io.h>

/* Waiting so long is worth a class. */
#define REEVE_IO_AGING_NS ((uint64_t)500000000)
/* A request without deadline is due so long after it came, under the deadline policy. */
#define REEVE_IO_STARVE_NS    ((uint64_t)5000000000)
#define REEVE_IO_BATCH	      16u
#define REEVE_IO_READS_FIRST  2u
#define REEVE_IO_BUDGET_BYTES ((uint64_t)1 << 20)
/* What the smallest request counts for service: seeking costs too. */
#define REEVE_IO_LEAST_BYTES	  ((uint64_t)4096)
#define REEVE_IO_DEADLINE_CLASSES 2u

/* A queue in this process: where entries and flows are. `entry_head`: offset of entry 0. */
struct reeve__io_view {
	struct reeve_sh_io_queue *q;
	struct reeve__heap entries, dues, flows[2];
};

/* Entries at entry_base + i * entry_stride, flows likewise. */
void reeve__io_view_init(struct reeve__io_view *v, struct reeve_sh_io_queue *q, void *entry_base,
	size_t entry_stride, uint32_t entries, void *flow_base, size_t flow_stride, uint32_t flows);

static inline bool reeve__io_view_fault(const struct reeve__io_view *v)
{
	return v->entries.fault || v->dues.fault || v->flows[0].fault || v->flows[1].fault;
}

static inline struct reeve_sh_io_entry *reeve__io_entry(const struct reeve__io_view *v, uint32_t i)
{
	return (struct reeve_sh_io_entry *)(void *)(v->entries.base + v->entries.stride * i);
}

static inline struct reeve_sh_io_flow *reeve__io_flow(const struct reeve__io_view *v, uint32_t f)
{
	return (struct reeve_sh_io_flow *)(void *)(v->flows[0].base + v->flows[0].stride * f);
}

/* An empty queue under a policy; flows are cleared by reeve__io_flow_clear, one by one. */
void reeve__io_queue_clear(struct reeve_sh_io_queue *q, uint32_t policy);
/* A flow without entries; its weight and service stay. */
void reeve__io_flow_clear(struct reeve_sh_io_flow *flow);

/* The class in force: two better once late. */
static inline uint32_t reeve__io_class(const struct reeve_sh_io_entry *e)
{
	uint32_t better = e->is_late ? REEVE_IO_DEADLINE_CLASSES : 0;

	return e->klass > better ? e->klass - better : 0;
}

/* Adds a waiting entry; its fields from size_bytes on are filled, but for tie. */
void reeve__io_policy_add(struct reeve__io_view *v, uint32_t entry);
/* Takes a waiting entry out, unserved. */
void reeve__io_policy_remove(struct reeve__io_view *v, uint32_t entry);
/* The entry's class or deadline has changed: puts it where it now belongs. */
void reeve__io_policy_again(struct reeve__io_view *v, uint32_t entry);
/* Flows whose time has come may go on; entries past their deadline become late. */
void reeve__io_policy_advance(struct reeve__io_view *v, uint64_t now);
/* The entry to serve next, which stays where it is; REEVE_NONE when none may be. */
uint32_t reeve__io_policy_pick(struct reeve__io_view *v, uint64_t now);
/* Takes the entry just picked out and charges its flow. */
void reeve__io_policy_serve(struct reeve__io_view *v, uint32_t entry);
/* The flow is over a limit until that instant. Holding it again moves the instant. */
void reeve__io_policy_hold(struct reeve__io_view *v, uint32_t flow, uint64_t until_ns);
/* The flow's limits have changed: it may be tried again. */
void reeve__io_policy_release(struct reeve__io_view *v, uint32_t flow);
/* Another weight, 1 to 10,000. */
void reeve__io_policy_weigh(struct reeve__io_view *v, uint32_t flow, uint32_t weight);
/* The flow is to be cleared: what the policy remembers of it, which has no entries, is dropped. */
void reeve__io_policy_forget(struct reeve__io_view *v, uint32_t flow);
/* The earliest instant at which a held flow may go on; UINT64_MAX: none is held. */
uint64_t reeve__io_policy_next(struct reeve__io_view *v);
/* A sentence about the first fault of lists and counts, or NULL. O(n). */
const char *reeve__io_policy_check(struct reeve__io_view *v, uint32_t flows);

/* ---- what the policies' files offer to io_policy.c ---- */

static inline uint64_t reeve__io_service(const struct reeve_sh_io_entry *e)
{
	return e->size_bytes > REEVE_IO_LEAST_BYTES ? e->size_bytes : REEVE_IO_LEAST_BYTES;
}

/* Virtual time that `bytes` of service at a weight take. */
static inline uint64_t reeve__io_virtual(uint64_t bytes, uint64_t weight)
{
	if (REEVE_LIKELY(bytes < (uint64_t)1 << 44))
		return (bytes << 16) / (weight ? weight : 1);
	return reeve__muldiv(bytes, 65536, weight ? weight : 1) & INT64_MAX;
}

void reeve__io_flow_insert(struct reeve__io_view *v, uint32_t dir, uint32_t *root, uint32_t f,
	uint64_t key, uint64_t tie);

struct reeve__io_ops {
	uint64_t (*key)(const struct reeve_sh_io_entry *e);
	/* The flow's first entry has come. */
	void (*join)(struct reeve__io_view *v, uint32_t f);
	/* Puts a flow with entries, in no heap, where it is to be. */
	void (*place)(struct reeve__io_view *v, uint32_t f);
	uint32_t (*pick)(struct reeve__io_view *v, uint64_t now);
	/* An entry of the flow was served and taken out; the flow is in no heap. */
	void (*charge)(struct reeve__io_view *v, uint32_t f, const struct reeve_sh_io_entry *e);
	/* Loses its turn, if it has one; the flow is in no heap. NULL: there are none. */
	void (*expire)(struct reeve__io_view *v, uint32_t f);
	/* Its last entry has gone; the flow is in no heap. NULL: nothing is to be done. */
	void (*run_dry)(struct reeve__io_view *v, uint32_t f);
	bool has_classes;    /* what becomes late moves: its key is by class */
	bool by_direction;   /* reads and writes apart */
	bool moves_by_serve; /* a serve changes the flow's place even when its first entry stays */
};

extern const struct reeve__io_ops reeve__io_fair_ops, reeve__io_deadline_ops, reeve__io_budget_ops,
	reeve__io_priority_ops;

/* Key of an entry by class and age; see above. */
static inline uint64_t reeve__io_class_key(const struct reeve_sh_io_entry *e)
{
	return e->submitted_ns + reeve__io_class(e) * REEVE_IO_AGING_NS;
}

#endif
