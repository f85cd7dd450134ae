/* SPDX-License-Identifier: Apache-2.0 */
/* io_stats.c - settings, registrations and statistics of the I/O domain. */
#include "io.h"

#include "../policy/io_bucket.h"
#include "../policy/io_rate.h"

#include <stdlib.h>

/* ---- registrations ---- */

static int check_limit(const char *field, uint64_t value, uint64_t most, struct reeve_error *err)
{
	if (value == REEVE_UNLIMITED || (value >= 1 && value <= most))
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
		"%s is %llu; allowed are 1 to %llu, or none", field, (unsigned long long)value,
		(unsigned long long)most);
}

bool reeve__io_is_registered(const struct reeve *r, uint32_t i)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);

	return reeve__get(&r->io_groups[i].group_id) == r->groups[i].head.id &&
	       reeve__get(&r->io_groups[i].registered) / 2 == reeve__get(&now.head->activation) + 1;
}

/* Written aside and put in force by one store: whoever dies in between leaves what was. */
static void write_registration(
	struct reeve *r, uint32_t i, uint64_t bandwidth, uint64_t iops, uint32_t weight)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	struct reeve_sh_io_group *g;
	struct reeve__io_pass x;
	uint32_t k;

	reeve__io_lock(&x, r); /* the row is this group's from here on */
	g = reeve__io_group(&x, i);
	reeve__io_done(&x);
	k = !(reeve__get(&g->registered) & 1);
	reeve__put(&g->registered_bandwidth[k], bandwidth);
	reeve__put(&g->registered_iops[k], iops);
	reeve__put(&g->registered_weight[k], weight);
	REEVE_POINT(IO_REGISTERED);
	atomic_store_explicit(&g->registered, (reeve__get(&now.head->activation) + 1) * 2 + k,
		memory_order_release);
}

/* Whoever comes by the I/O lock next follows the new ruling; waiters are let in at once. */
static void follow(struct reeve *r)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, r);
	reeve__io_dispatch(&x, 8);
	reeve__io_done(&x);
}

int reeve__io_register(struct reeve *r, reeve_group_id group, uint64_t bandwidth, uint64_t iops,
	uint32_t weight, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	if ((rc = check_limit("bandwidthLimit", bandwidth, REEVE_IO_BANDWIDTH_MAX, err)) ||
		(rc = check_limit("iopsLimit", iops, REEVE_IO_IOPS_MAX, err)))
		return rc;
	if (weight < 1 || weight > REEVE_IO_WEIGHT_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"weight is %u; allowed are 1 to %u", weight, REEVE_IO_WEIGHT_MAX);
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc) {
		write_registration(r, i, bandwidth, iops, weight);
		reeve__add(&r->header->revision, 1);
		reeve__ruling_refresh_locked(r);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		follow(r);
	return rc;
}

int reeve__io_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc && !reeve__io_is_registered(r, i))
		rc = reeve__fail(err, REEVE_ENOT_FOUND,
			"explicit I/O registration of consumer group %llu",
			(unsigned long long)group.v);
	if (!rc) {
		atomic_store_explicit(&r->io_groups[i].registered, 0, memory_order_release);
		reeve__add(&r->header->revision, 1);
		reeve__ruling_refresh_locked(r);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		follow(r);
	return rc;
}

uint32_t reeve__io_group_registrations(struct reeve *r, uint32_t group)
{
	return reeve__io_is_registered(r, group);
}

void reeve__io_registration_move(struct reeve *r, uint32_t from, uint32_t to)
{
	struct reeve_sh_io_group *g = &r->io_groups[from];
	uint32_t k = reeve__get(&g->registered) & 1;

	if (!reeve__io_is_registered(r, from))
		return;
	if (!reeve__io_is_registered(r, to))
		write_registration(r, to, reeve__get(&g->registered_bandwidth[k]),
			reeve__get(&g->registered_iops[k]), reeve__get(&g->registered_weight[k]));
	atomic_store_explicit(&g->registered, 0, memory_order_release);
}

/* ---- devices ---- */

int reeve__io_device_open(
	struct reeve *r, const char *target, uint32_t *ret, struct reeve_error *err)
{
	int rc = reeve__text_check(target, REEVE_IO_TARGET_MAX, false, "target", err);
	struct reeve__io_pass x;
	uint32_t i = 1;

	if (rc)
		return rc;
	reeve__io_lock(&x, r);
	while (i < x.io->devices && i < REEVE_SH_IO_DEVICES &&
		strcmp(r->io_devices[i].target, target) != 0)
		i++;
	if (i >= REEVE_SH_IO_DEVICES) {
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of I/O targets is full: %u of %u", REEVE_SH_IO_DEVICES - 1,
			REEVE_SH_IO_DEVICES - 1);
	} else if (i == x.io->devices) {
		reeve__text_copy(r->io_devices[i].target, REEVE_IO_TARGET_MAX, target);
		atomic_store(&r->io_devices[i].is_known, 1);
		x.io->devices++;
	}
	reeve__io_done(&x);
	if (!rc)
		*ret = i;
	return rc;
}

/* ---- settings ---- */

void reeve__io_config_get(struct reeve *r, struct reeve_io_config *ret)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, r);
	ret->policy = x.io->queues[0].policy;
	ret->max_concurrent = reeve__get(&x.io->max_concurrent);
	ret->burst_ppm = x.io->burst_ppm;
	for (uint32_t t = 0; t < REEVE_IO_TYPES; t++)
		for (uint32_t p = 0; p < REEVE_IO_PRIORITIES; p++)
			ret->deadlines[t][p] = (reeve_ns)reeve__get(&x.io->deadlines_ns[t][p]);
	reeve__io_done(&x);
}

static int check_deadline(reeve_ns deadline, struct reeve_error *err)
{
	if (deadline == REEVE_NEVER || (deadline >= REEVE_USEC && deadline <= 86400 * REEVE_SEC))
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
		"deadline is %lld ns; allowed are 1000 ns to a day, or none", (long long)deadline);
}

static int check_config(const struct reeve_io_config *k, struct reeve_error *err)
{
	int rc = 0;

	if (k->policy > REEVE_IO_PRIORITY)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"policy is %u; allowed are 0 (CompletelyFair) to 3 (Priority)", k->policy);
	if (k->max_concurrent < 1 || k->max_concurrent > REEVE_SH_IO_SLOTS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"maxConcurrentIo is %u; allowed are 1 to %u", k->max_concurrent,
			REEVE_SH_IO_SLOTS);
	if (k->burst_ppm < 1000 || k->burst_ppm > 10 * REEVE_PPM)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"burst is %u ppm of a second; allowed are 1000 to 10000000", k->burst_ppm);
	for (uint32_t t = 0; t < REEVE_IO_TYPES; t++)
		for (uint32_t p = 0; !rc && p < REEVE_IO_PRIORITIES; p++)
			rc = check_deadline(k->deadlines[t][p], err);
	return rc;
}

int reeve__io_config_set(struct reeve *r, const struct reeve_io_config *k, struct reeve_error *err)
{
	struct reeve__io_pass x;
	int rc = check_config(k, err);

	if (rc)
		return rc;
	reeve__io_lock(&x, r);
	/* what is under way goes on; slot_limit is worked out when the next slot is taken */
	reeve__put(&x.io->slot_limit, 0);
	reeve__put(&x.io->max_concurrent, k->max_concurrent);
	x.io->burst_ppm = k->burst_ppm;
	for (uint32_t t = 0; t < REEVE_IO_TYPES; t++)
		for (uint32_t p = 0; p < REEVE_IO_PRIORITIES; p++)
			reeve__put(&x.io->deadlines_ns[t][p], (uint64_t)k->deadlines[t][p]);
	if (x.io->queues[0].policy != k->policy)
		reeve__io_set_policy(&x, k->policy);
	reeve__io_follow_ruling(&x); /* buckets take the new burst */
	reeve__io_dispatch(&x, 8);
	reeve__io_done(&x);
	return 0;
}

int reeve__io_deadline_set(struct reeve *r, uint32_t type, uint32_t priority, reeve_ns deadline,
	struct reeve_error *err)
{
	if (type > REEVE_IO_METADATA)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"requestType is %u; allowed are 0 (Read) to 3 (Metadata)", type);
	if (priority > REEVE_IO_IDLE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 (RealTime) to 4 (Idle)", priority);
	int rc = check_deadline(deadline, err);
	if (!rc)
		reeve__put(&r->io->deadlines_ns[type][priority], (uint64_t)deadline);
	return rc;
}

/* ---- groups ---- */

/* What passes over tasks and slots find out about one group. */
struct tally {
	uint64_t bytes, ops, bytes_q8, ops_q8;
	uint32_t active;
};

/*
 * Tallies all tasks and slots by group slot, under the session lock, so that tasks neither come nor go,
 * and the I/O lock, so that what moves from a task to its group is counted once.
 */
static void tally_all(struct reeve__io_pass *x, struct tally *tally, uint32_t groups)
{
	struct reeve *r = x->r;
	uint64_t cycles = reeve__cycles(r);

	for (uint32_t i = 0; i < groups; i++) {
		struct reeve_sh_io_group *g = reeve__io_group(x, i);
		reeve__io_rate_count(&g->rate, x->now - g->rate.at, x->now, 0, 0);
		tally[i] = (struct tally){g->retired_bytes, g->retired_ops, g->rate.bytes_q8,
			g->rate.ops_q8, g->active};
	}
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		const struct reeve_sh_task *t = &r->tasks[i];
		uint32_t g = reeve__get(&t->group);
		uint64_t ns, at = reeve__get(&t->io_rate_at);
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE || g >= groups)
			continue;
		tally[g].bytes += reeve__get(&t->io_bytes) - t->io_bytes_base;
		tally[g].ops += reeve__get(&t->io_requests) - t->io_requests_base;
		ns = reeve__before(at, cycles) ? reeve__cycles_ns(r, cycles - at) : 0;
		tally[g].bytes_q8 += reeve__io_decay(reeve__get(&t->io_rate_bytes), ns);
		tally[g].ops_q8 += reeve__io_decay(reeve__get(&t->io_rate_ops), ns);
	}
	for (uint32_t s = 0; s < REEVE_SH_IO_SLOTS; s++) {
		uint64_t word = atomic_load(&r->io_slots[s].word);
		uint32_t g = reeve__get(&r->io_slots[s].group);
		if (word && !(word & REEVE_IO_WORD_REQUEST) && g < groups)
			tally[g].active++;
	}
}

/* Waits of no time at all are not booked one by one. */
static void fill_wait(const struct reeve_sh_io_group *g, uint64_t ops, struct reeve_latency *ret)
{
	uint64_t at_once;

	reeve__latency_sum(ret, &g->wait);
	at_once = ops > ret->count ? ops - ret->count : 0;
	if (at_once)
		ret->min_ns = 0;
	ret->count += at_once;
	ret->buckets[0] += at_once;
}

static void fill_group(struct reeve__io_pass *x, uint32_t i, const struct tally *tally,
	struct reeve_io_group_stats *ret)
{
	const struct reeve_sh_io_group *g = &x->r->io_groups[i];
	uint64_t ticks = reeve__io_ticks(x->now);

	memset(ret, 0, sizeof(*ret));
	ret->group.v = x->r->groups[i].head.id;
	ret->is_registered = reeve__io_is_registered(x->r, i);
	ret->bandwidth = g->bytes.limit_rate;
	ret->iops = g->ops.limit_rate;
	ret->weight = g->weight;
	ret->total_bytes = tally[i].bytes;
	ret->total_ops = tally[i].ops;
	ret->queued = g->flows[0].count + g->flows[1].count;
	ret->active = tally[i].active;
	ret->bytes_per_s = tally[i].bytes_q8 >> 8;
	ret->milliops_per_s = (tally[i].ops_q8 * 1000) >> 8;
	ret->bandwidth_tokens = reeve__io_bucket_tokens(&g->bytes, ticks);
	ret->iops_tokens = reeve__io_bucket_tokens(&g->ops, ticks);
	ret->throttled = g->throttled;
	ret->deadline_misses = reeve__get(&g->deadline_misses);
	fill_wait(g, tally[i].ops, &ret->wait);
}

static struct tally *new_tally(const struct reeve *r)
{
	return calloc(r->group_capacity, sizeof(struct tally));
}

static void copy_groups(struct reeve *r, const uint32_t *slots, uint32_t n,
	struct reeve_io_group_stats *ret, struct tally *tally)
{
	struct reeve__io_pass x;

	reeve__sessions_lock(r);
	reeve__io_lock(&x, r);
	tally_all(&x, tally, reeve__table_used(&r->header->groups));
	for (uint32_t k = 0; k < n; k++)
		fill_group(&x, slots[k], tally, &ret[k]);
	reeve__io_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__io_wake(&x);
}

int reeve__io_group_stats(struct reeve *r, reeve_group_id group, struct reeve_io_group_stats *ret,
	struct reeve_error *err)
{
	struct tally *tally = new_tally(r);
	uint32_t i = REEVE_NONE;
	int rc;

	if (!tally)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc)
		copy_groups(r, &i, 1, ret, tally);
	reeve__catalog_unlock(r);
	free(tally);
	return rc;
}

uint32_t reeve__io_group_stats_copy(
	struct reeve *r, reeve_group_id after, struct reeve_io_group_stats *ret, uint32_t capacity)
{
	struct tally *tally = new_tally(r);
	uint32_t slots[64], n, done = 0;

	if (!tally)
		return 0;
	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		copy_groups(r, slots, n, ret + done, tally);
		done += n;
		if (n)
			after = ret[done - 1].group;
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	free(tally);
	return done;
}

/* ---- devices and totals ---- */

static uint32_t depth_of(const struct reeve *r, uint32_t device)
{
	uint32_t n = 0;

	for (uint32_t s = 0; s < REEVE_SH_IO_SLOTS; s++)
		n += reeve__get(&r->io_slots[s].word) != 0 &&
		     reeve__get(&r->io_slots[s].device) == device;
	return n;
}

static void fill_device(struct reeve *r, uint32_t i, struct reeve_io_device_stats *ret)
{
	const struct reeve_sh_io_device *d = &r->io_devices[i];

	memset(ret, 0, sizeof(*ret));
	ret->device = i;
	reeve__text_copy(ret->target, sizeof(ret->target), d->target);
	for (uint32_t k = 0; k < REEVE_SH_IO_SHARDS; k++) {
		const struct reeve_sh_io_counts *c = &d->shards[k];
		ret->total_bytes += reeve__get(&c->bytes_read) + reeve__get(&c->bytes_written) +
				    reeve__get(&c->bytes_other);
		ret->total_ops += reeve__get(&c->completed);
		reeve__latency_sum(&ret->service, &c->service);
	}
	ret->queue_depth = depth_of(r, i);
	ret->busy_ppm =
		d->busy_q20 >= 1u << 20 ? REEVE_PPM : (uint32_t)((d->busy_q20 * REEVE_PPM) >> 20);
}

uint32_t reeve__io_device_stats_copy(
	struct reeve *r, struct reeve_io_device_stats *ret, uint32_t capacity)
{
	struct reeve__io_pass x;
	uint32_t n;

	reeve__io_lock(&x, r);
	reeve__io_sample(&x);
	for (n = 0; n < x.io->devices && n < REEVE_SH_IO_DEVICES && n < capacity; n++)
		fill_device(r, n, &ret[n]);
	reeve__io_done(&x);
	return n;
}

static void add_counts(struct reeve *r, uint32_t devices, struct reeve_io_stats *ret)
{
	for (uint32_t i = 0; i < devices && i < REEVE_SH_IO_DEVICES; i++)
		for (uint32_t k = 0; k < REEVE_SH_IO_SHARDS; k++) {
			const struct reeve_sh_io_counts *c = &r->io_devices[i].shards[k];
			ret->completed += reeve__get(&c->completed);
			ret->failed += reeve__get(&c->failed);
			ret->bytes_read += reeve__get(&c->bytes_read);
			ret->bytes_written += reeve__get(&c->bytes_written);
			reeve__latency_sum(&ret->service, &c->service);
		}
}

static void add_groups(
	struct reeve__io_pass *x, const struct tally *tally, struct reeve_io_stats *ret)
{
	uint64_t bytes_q8 = 0, ops_q8 = 0, at_once;

	for (uint32_t i = 0; i < reeve__table_used(&x->r->header->groups); i++) {
		const struct reeve_sh_io_group *g = &x->r->io_groups[i];
		ret->active += tally[i].active;
		ret->throttled += g->throttled;
		ret->deadline_misses += reeve__get(&g->deadline_misses);
		bytes_q8 += tally[i].bytes_q8;
		ops_q8 += tally[i].ops_q8;
		reeve__latency_sum(&ret->wait, &g->wait);
	}
	ret->bytes_per_s = bytes_q8 >> 8;
	ret->milliops_per_s = (ops_q8 * 1000) >> 8;
	at_once = ret->completed > ret->wait.count ? ret->completed - ret->wait.count : 0;
	ret->wait.count += at_once;
	ret->wait.buckets[0] += at_once;
	if (at_once)
		ret->wait.min_ns = 0;
}

size_t reeve__io_stats_room(const struct reeve *r)
{
	return r->group_capacity * sizeof(struct tally);
}

void reeve__io_stats_locked(struct reeve__io_pass *x, void *room, struct reeve_io_stats *ret)
{
	struct reeve *r = x->r;
	struct tally *tally = room;
	uint64_t over;

	reeve__lock_assert(&x->io->lock);
	memset(ret, 0, sizeof(*ret));
	tally_all(x, tally, reeve__table_used(&r->header->groups));
	add_counts(r, x->io->devices, ret);
	add_groups(x, tally, ret);
	ret->cancelled = x->io->cancelled;
	ret->merged = x->io->merged;
	ret->queued = x->io->queues[0].count + x->io->queues[1].count;
	ret->policy = x->io->queues[0].policy;
	over = ret->completed + ret->failed;
	ret->total = over + ret->cancelled + ret->queued + ret->active;
	if (over)
		ret->avg_latency_ns = (ret->wait.sum_ns + ret->service.sum_ns) / over;
}

void reeve__io_stats(struct reeve *r, struct reeve_io_stats *ret)
{
	struct tally *tally = new_tally(r);
	struct reeve__io_pass x;

	memset(ret, 0, sizeof(*ret));
	if (!tally)
		return;
	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__io_lock(&x, r);
	reeve__io_stats_locked(&x, tally, ret);
	reeve__io_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__io_wake(&x);
	free(tally);
}
