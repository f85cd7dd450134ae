/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_account.c - what was moved, and how long it took.
 *
 * A session's own I/O is counted in its task, whose group is known; a group's totals are those of its
 * tasks and what tasks that are gone, or have moved on, have left behind. Devices are counted apart, in
 * several copies.
 */
#include "io.h"

#include "../policy/io_rate.h"

/* 0, then one for each power of two. */
static uint32_t bucket_of(uint64_t ns)
{
	uint32_t i = ns ? 64u - (uint32_t)__builtin_clzll(ns) : 0;

	return i < REEVE_LATENCY_BUCKETS ? i : REEVE_LATENCY_BUCKETS - 1;
}

void reeve__latency_add(struct reeve_sh_latency *l, uint64_t ns)
{
	uint64_t least = reeve__get(&l->min_ns), most = reeve__get(&l->max_ns);

	/* min is kept as its complement, so that zeroed memory says that there is none */
	while (REEVE_UNLIKELY(~ns > least) &&
		!atomic_compare_exchange_weak(&l->min_ns, &least, ~ns))
		;
	while (REEVE_UNLIKELY(ns > most) && !atomic_compare_exchange_weak(&l->max_ns, &most, ns))
		;
	reeve__add(&l->buckets[bucket_of(ns)], 1);
	reeve__add(&l->sum_ns, ns);
	reeve__add(&l->count, 1);
}

void reeve__latency_add_locked(struct reeve_sh_latency *l, uint64_t ns)
{
	_Atomic uint64_t *bucket = &l->buckets[bucket_of(ns)];

	if (~ns > reeve__get(&l->min_ns))
		reeve__put(&l->min_ns, ~ns);
	if (ns > reeve__get(&l->max_ns))
		reeve__put(&l->max_ns, ns);
	reeve__put(bucket, reeve__get(bucket) + 1);
	reeve__put(&l->sum_ns, reeve__get(&l->sum_ns) + ns);
	reeve__put(&l->count, reeve__get(&l->count) + 1);
}

void reeve__latency_sum(struct reeve_latency *to, const struct reeve_sh_latency *l)
{
	uint64_t count = reeve__get(&l->count), least = ~reeve__get(&l->min_ns);
	uint64_t most = reeve__get(&l->max_ns);

	if (count == 0)
		return;
	to->min_ns = to->count == 0 || least < to->min_ns ? least : to->min_ns;
	to->max_ns = most > to->max_ns ? most : to->max_ns;
	to->count += count;
	to->sum_ns += reeve__get(&l->sum_ns);
	for (uint32_t i = 0; i < REEVE_LATENCY_BUCKETS; i++)
		to->buckets[i] += reeve__get(&l->buckets[i]);
}

void reeve__io_count_device(struct reeve *r, uint32_t device, uint32_t shard, uint32_t type,
	uint64_t bytes, bool ok, uint64_t service_ns)
{
	struct reeve_sh_io_device *d = &r->io_devices[device < REEVE_SH_IO_DEVICES ? device : 0];
	struct reeve_sh_io_counts *c = &d->shards[shard % REEVE_SH_IO_SHARDS];

	reeve__latency_add(&c->service, service_ns);
	if (!ok) {
		reeve__add(&c->failed, 1);
		return;
	}
	reeve__add(type == REEVE_IO_READ       ? &c->bytes_read
		   : type == REEVE_IO_METADATA ? &c->bytes_other
					       : &c->bytes_written,
		bytes);
	reeve__add(&c->completed, 1);
}

void reeve__io_retire(struct reeve__io_pass *x, uint32_t task, uint32_t group, bool is_gone)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	struct reeve_sh_io_group *g = reeve__io_group(x, group);
	uint64_t bytes = reeve__get(&t->io_bytes), ops = reeve__get(&t->io_requests);

	g->retired_bytes += bytes - t->io_bytes_base;
	t->io_bytes_base = bytes;
	g->retired_ops += ops - t->io_requests_base;
	t->io_requests_base = ops;
	if (!is_gone || reeve__get(&t->io_rate_at) == 0)
		return; /* a session that moves takes its recent rate along */
	uint64_t ns = reeve__cycles_ns(x->r, reeve__cycles(x->r) - reeve__get(&t->io_rate_at));
	reeve__io_rate_count(&g->rate, x->now - g->rate.at, x->now, 0, 0);
	g->rate.bytes_q8 += reeve__io_decay(reeve__get(&t->io_rate_bytes), ns);
	g->rate.ops_q8 += reeve__io_decay(reeve__get(&t->io_rate_ops), ns);
	reeve__put(&t->io_rate_at, 0);
}

static uint64_t service_of(const struct reeve_sh_io_device *d)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < REEVE_SH_IO_SHARDS; i++)
		ns += reeve__get(&d->shards[i].service.sum_ns);
	return ns;
}

void reeve__io_note_miss(
	struct reeve *r, uint32_t group, uint64_t request, uint64_t now, uint64_t late_ns)
{
	struct reeve_sh_io_group *g = &r->io_groups[group];

	reeve__add(&g->deadline_misses, 1);
	if (reeve__event_due(&g->missed_told_ns, now))
		reeve__event_emit(r, &(struct reeve_event){.kind = REEVE_EVENT_IO_DEADLINE_MISSED,
					     .group = {r->groups[group].head.id},
					     .object = request,
					     .limit_kind = REEVE_LIMIT_IO_DEADLINE,
					     .actual = late_ns});
}

void reeve__io_sample(struct reeve__io_pass *x)
{
	for (uint32_t i = 0; i < x->io->devices && i < REEVE_SH_IO_DEVICES; i++) {
		struct reeve_sh_io_device *d = &x->r->io_devices[i];
		uint64_t span = x->now - d->sampled_ns, service = service_of(d);
		uint64_t mean, kept;
		if (x->now < d->sampled_ns || d->sampled_ns == 0) {
			d->sampled_ns = x->now;
			d->sampled_service_ns = service;
			continue;
		}
		if (span < 1000000)
			continue;
		/* The mean of this span counts for what the past has lost in it. */
		mean = reeve__muldiv(service - d->sampled_service_ns, 1u << 20, span);
		kept = reeve__io_decay(1u << 20, span);
		d->busy_q20 = reeve__muldiv(d->busy_q20, kept, 1u << 20) +
			      reeve__muldiv(mean, (1u << 20) - kept, 1u << 20);
		d->sampled_ns = x->now;
		d->sampled_service_ns = service;
	}
}
