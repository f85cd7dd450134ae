/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_stats.c - what people see and set: executions, limits of groups, settings, totals. */
#include "parallel.h"

#include <stdlib.h>

/* ---- executions ---- */

/* The wall's time at an instant of the monotonic clock; 0: there was none. */
static reeve_ns wall_of(const struct reeve__parallel_pass *x, uint64_t mono)
{
	return mono ? (reeve_ns)((uint64_t)reeve__wall(x->r) - (x->now - mono)) : 0;
}

static uint32_t granted_of(const struct reeve_sh_execution *e)
{
	return reeve__parallel_runs(e) ? reeve__parallel_degree(e) : e->granted_first;
}

/* What its caller counted on. */
static uint32_t asked_of(const struct reeve_sh_execution *e)
{
	return e->requested_dop && e->mode != REEVE_PARALLEL_SERIAL ? e->requested_dop
								    : e->target_dop;
}

static void fill_times(const struct reeve__parallel_pass *x, const struct reeve_sh_execution *e,
	struct reeve_execution_info *ret)
{
	ret->requested_wall = wall_of(x, e->requested_ns);
	if (e->granted_first) /* before that it only says that it was queued */
		ret->started_wall = wall_of(x, e->started_ns);
	ret->ended_wall = wall_of(x, e->ended_ns);
	if (reeve__get(&e->phase) == REEVE_EXECUTION_QUEUED && e->deadline_ns < INT64_MAX)
		ret->deadline_wall =
			(reeve_ns)((uint64_t)reeve__wall(x->r) + (e->deadline_ns - x->now));
}

void reeve__execution_fill(
	struct reeve__parallel_pass *x, uint32_t i, struct reeve_execution_info *ret)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];

	memset(ret, 0, sizeof(*ret));
	ret->id.v = e->head.id;
	ret->session_id = e->session_id;
	ret->group.v = reeve__group_at(x->r, e->group)->head.id;
	ret->state = reeve__get(&e->phase);
	ret->mode = e->mode;
	ret->requested_dop = e->requested_dop;
	ret->target_dop = e->target_dop;
	ret->min_dop = e->min_dop;
	ret->granted_dop = granted_of(e);
	ret->held_servers = e->held;
	ret->priority = e->priority;
	ret->queue_position = reeve__parallel_position(x, i);
	ret->allow_downgrade = e->flags & REEVE_SH_EXECUTION_DOWNGRADE;
	ret->is_downgraded = e->granted_first && e->granted_first < asked_of(e);
	ret->is_external = e->flags & REEVE_SH_EXECUTION_EXTERNAL;
	if (e->pool != REEVE_NONE)
		ret->pool.v = reeve__pool_at(x->r, e->pool)->head.id;
	ret->estimated_cost_milli = e->cost_milli;
	ret->estimated_rows = e->rows_estimate;
	ret->rows = reeve__get(&e->rows);
	ret->bytes = reeve__get(&e->bytes);
	fill_times(x, e, ret);
	ret->failure_code = (int)(0 - reeve__get(&e->outcome));
	memcpy(ret->failure, e->failure, sizeof(ret->failure));
	ret->failure[sizeof(ret->failure) - 1] = 0;
}

int reeve__execution_get(struct reeve *r, reeve_execution_id id, struct reeve_execution_info *ret,
	struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i;

	reeve__parallel_lock(&x, r);
	if (x.p->waiting && x.now >= x.p->next_deadline_ns)
		reeve__parallel_hand_over(&x); /* what is out of time is not shown as queued */
	i = reeve__table_find(r, &r->header->executions, id.v);
	if (i != REEVE_NONE)
		reeve__execution_fill(&x, i, ret);
	reeve__parallel_done(&x);
	return i != REEVE_NONE ? 0
			       : reeve__fail(err, REEVE_ENOT_FOUND, "parallel execution %llu",
					 (unsigned long long)id.v);
}

uint32_t reeve__execution_copy(struct reeve *r, reeve_execution_id after, uint32_t flags,
	struct reeve_execution_info *ret, uint32_t capacity)
{
	uint32_t slots[16], n, done = 0;
	struct reeve__parallel_pass x;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__parallel_lock(&x, r);
		n = reeve__table_list(r, &r->header->executions, after.v,
			flags & REEVE_EXECUTIONS_ENDED, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			reeve__execution_fill(&x, slots[k], &ret[done]);
			after = ret[done].id;
		}
		reeve__parallel_done(&x);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

/* Place of one who waits, for sorting outside the lock. */
struct place {
	uint64_t group_key, group_tie, key, tie, id;
};

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->group_key != b->group_key)
		return reeve__before(a->group_key, b->group_key) ? -1 : 1;
	if (a->group_tie != b->group_tie)
		return a->group_tie < b->group_tie ? -1 : 1;
	if (a->key != b->key)
		return reeve__before(a->key, b->key) ? -1 : 1;
	return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static uint32_t note_places(struct reeve *r, struct place *places)
{
	const struct reeve_sh_table *t = &r->header->executions;
	struct reeve__parallel_pass x;
	uint32_t n = 0;

	reeve__parallel_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_execution *e = &r->executions[i];
		const struct reeve_sh_node *g = &reeve__parallel_group_at(r, e->group)->node;
		if (reeve__get(&e->head.state) == REEVE_SLOT_LIVE && reeve__heap_has(&e->node))
			places[n++] = (struct place){
				g->key, g->tie, e->node.key, e->node.tie, e->head.id};
	}
	reeve__parallel_done(&x);
	return n;
}

uint32_t reeve__execution_queue_copy(
	struct reeve *r, struct reeve_execution_info *ret, uint32_t capacity)
{
	struct place *places = calloc(r->header->executions.capacity, sizeof(*places));
	struct reeve__parallel_pass x;
	uint32_t n, done = 0;

	if (!places)
		return 0;
	n = note_places(r, places);
	qsort(places, n, sizeof(*places), compare_places);
	for (uint32_t k = 0; k < n && done < capacity;) {
		reeve__parallel_lock(&x, r);
		for (uint32_t b = 0; b < 16 && k < n && done < capacity; b++, k++) {
			uint32_t i = reeve__table_find(r, &r->header->executions, places[k].id);
			if (i == REEVE_NONE || !reeve__heap_has(&r->executions[i].node))
				continue; /* it has left the queue meanwhile */
			reeve__execution_fill(&x, i, &ret[done++]);
		}
		reeve__parallel_done(&x);
	}
	free(places);
	return done;
}

/* ---- limits of groups ---- */

static int check_limit(const char *field, uint32_t value, struct reeve_error *err)
{
	if (value <= REEVE_PARALLEL_DOP_MAX || value == UINT32_MAX)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %u; allowed are 0 to %u", field,
		value, REEVE_PARALLEL_DOP_MAX);
}

/* The limits into the one of the two places that does not count, then one store. */
void reeve__parallel_limit_commit(
	struct reeve__parallel_pass *x, uint32_t slot, const struct reeve_sh_parallel_limit *limit)
{
	struct reeve_sh_parallel_group *g = &x->r->parallel_groups[slot];
	uint64_t which = ~reeve__get(&g->registered) & 1;

	g->limits[which] = *limit;
	atomic_store_explicit(&g->registered,
		(reeve__get(&x->ruling.head->activation) + 1) << 1 | which, memory_order_release);
	reeve__add(&x->r->header->revision, 1);
	reeve__parallel_hand_over(x);
}

int reeve__parallel_limit_set(struct reeve *r, reeve_group_id group, uint32_t degree,
	uint32_t servers, struct reeve_error *err)
{
	const struct reeve_sh_parallel_limit limit = {group.v, degree, servers};
	struct reeve__parallel_pass x;
	uint32_t slot = REEVE_NONE;
	int rc = check_limit("limit", degree, err);

	if (!rc)
		rc = check_limit("serverLimit", servers, err);
	if (!rc && degree == UINT32_MAX && servers == UINT32_MAX)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"limit and serverLimit are both absent; one must be given");
	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &slot, err);
	if (!rc) {
		reeve__parallel_lock(&x, r);
		reeve__parallel_limit_commit(&x, slot, &limit);
		reeve__parallel_unlock(&x);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__parallel_wake(&x);
	return rc;
}

int reeve__parallel_limit_clear(struct reeve *r, reeve_group_id group, struct reeve_error *err)
{
	const struct reeve_sh_parallel_limit none = {0, UINT32_MAX, UINT32_MAX};
	struct reeve__parallel_pass x;
	uint32_t slot = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &slot, err);
	if (!rc) {
		reeve__parallel_lock(&x, r);
		if (!reeve__parallel_limits_of(&x, slot).is_registered)
			rc = reeve__fail(err, REEVE_ENOT_FOUND,
				"explicit parallel limits of consumer group %llu",
				(unsigned long long)group.v);
		else
			reeve__parallel_limit_commit(&x, slot, &none);
		reeve__parallel_unlock(&x);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__parallel_wake(&x);
	return rc;
}

static void fill_group(
	struct reeve__parallel_pass *x, uint32_t slot, struct reeve_parallel_group_info *ret)
{
	const struct reeve_sh_parallel_group *g = &x->r->parallel_groups[slot];
	struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, slot);

	*ret = (struct reeve_parallel_group_info){
		.group.v = x->r->groups[slot].head.id,
		.is_registered = limits.is_registered,
		.degree = limits.degree,
		.servers = limits.servers,
		.in_use = g->in_use,
		.executing = g->executing,
		.waiting = g->waiting,
	};
}

int reeve__parallel_group_get(struct reeve *r, reeve_group_id group,
	struct reeve_parallel_group_info *ret, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t slot = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &slot, err);
	if (!rc) {
		reeve__parallel_lock(&x, r);
		fill_group(&x, slot, ret);
		reeve__parallel_unlock(&x);
	}
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__parallel_group_copy(struct reeve *r, reeve_group_id after,
	struct reeve_parallel_group_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;
	struct reeve__parallel_pass x;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__catalog_lock(r);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		reeve__parallel_lock(&x, r);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_group(&x, slots[k], &ret[done]);
			after = ret[done].group;
		}
		reeve__parallel_unlock(&x);
		reeve__catalog_unlock(r);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

/* ---- settings ---- */

void reeve__parallel_config_get(struct reeve *r, struct reeve_parallel_config *ret)
{
	struct reeve__parallel_pass x;

	reeve__parallel_lock(&x, r);
	*ret = (struct reeve_parallel_config){
		.cpu_cores = x.config->cpu_cores,
		.io_parallelism = x.config->io_parallelism,
		.max_total_dop = x.config->max_total_dop,
		.downgrade_enabled = x.config->downgrade_enabled,
		.queue_timeout_ns = (reeve_ns)x.config->queue_timeout_ns,
	};
	reeve__parallel_done(&x);
}

static int check_config(const struct reeve_parallel_config *config, struct reeve_error *err)
{
	const struct {
		const char *name;
		uint32_t value;
	} numbers[] = {{"cpuCores", config->cpu_cores}, {"ioParallelism", config->io_parallelism},
		{"maxTotalDop", config->max_total_dop}};
	const reeve_ns day = 86400 * REEVE_SEC;

	for (size_t k = 0; k < REEVE_COUNT(numbers); k++)
		if (numbers[k].value < 1 || numbers[k].value > REEVE_PARALLEL_DOP_MAX)
			return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
				"%s is %u; allowed are 1 to %u", numbers[k].name, numbers[k].value,
				REEVE_PARALLEL_DOP_MAX);
	if (config->queue_timeout_ns < REEVE_MSEC || config->queue_timeout_ns > day)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"defaultQueueTimeout is %lld ns; allowed are 1000000 (1 ms) to %lld (a "
			"day)",
			(long long)config->queue_timeout_ns, (long long)day);
	return 0;
}

int reeve__parallel_config_set(
	struct reeve *r, const struct reeve_parallel_config *config, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t next;
	int rc = check_config(config, err);

	if (rc)
		return rc;
	reeve__parallel_lock(&x, r);
	next = ~reeve__get(&x.p->which) & 1;
	x.p->config[next] = (struct reeve_sh_parallel_config){
		.cpu_cores = config->cpu_cores,
		.io_parallelism = config->io_parallelism,
		.max_total_dop = config->max_total_dop,
		.downgrade_enabled = config->downgrade_enabled,
		.queue_timeout_ns = (uint64_t)config->queue_timeout_ns,
	};
	atomic_store_explicit(&x.p->which, next, memory_order_release);
	x.config = &x.p->config[next];
	reeve__add(&r->header->revision, 1);
	reeve__parallel_hand_over(&x);
	reeve__parallel_done(&x);
	return 0;
}

/* ---- totals ---- */

/* Four buckets to each doubling of a microsecond; the last takes all that is longer than 2^33 us. */
static uint32_t bucket_of(uint64_t us)
{
	uint32_t power, i;

	if (us < 4)
		return (uint32_t)us;
	power = 63u - (uint32_t)__builtin_clzll(us);
	i = 4 * (power - 1) + (uint32_t)(us >> (power - 2) & 3);
	return i < REEVE_SH_PARALLEL_BUCKETS ? i : REEVE_SH_PARALLEL_BUCKETS - 1;
}

/* The least us that is above bucket i. */
static uint64_t bucket_end(uint32_t i)
{
	return i < 4 ? i + 1u : (uint64_t)(5 + i % 4) << (i / 4 - 1);
}

void reeve__parallel_note_wait(struct reeve_sh_parallel *p, uint64_t ns)
{
	uint64_t waits = reeve__add(&p->waits, 1);

	reeve__add(&p->wait_ns, ns);
	reeve__add(&p->histogram[bucket_of(ns / 1000)], 1);
	if (waits == 0 || ns < reeve__get(&p->wait_min_ns))
		reeve__put(&p->wait_min_ns, ns);
	if (ns > reeve__get(&p->wait_max_ns))
		reeve__put(&p->wait_max_ns, ns);
}

/* The wait that `ppm` of all were not longer than, up to a fifth too long. */
static uint64_t percentile(const struct reeve_sh_parallel *p, uint64_t count, uint32_t ppm)
{
	uint64_t rank = reeve__muldiv(count, ppm, REEVE_PPM), seen = 0;
	uint64_t most = reeve__get(&p->wait_max_ns);

	for (uint32_t i = 0; i < REEVE_SH_PARALLEL_BUCKETS; i++) {
		seen += reeve__get(&p->histogram[i]);
		if (seen > rank || (seen && seen == count))
			return bucket_end(i) * 1000 < most ? bucket_end(i) * 1000 : most;
	}
	return most;
}

static void fill_latency(const struct reeve_sh_parallel *p, struct reeve_parallel_latency *ret)
{
	uint64_t count = reeve__get(&p->waits);

	if (count == 0)
		return;
	ret->count = count;
	ret->mean_ns = reeve__get(&p->wait_ns) / count;
	ret->min_ns = reeve__get(&p->wait_min_ns);
	ret->p50_ns = percentile(p, count, 500000);
	ret->p90_ns = percentile(p, count, 900000);
	ret->p99_ns = percentile(p, count, 990000);
	ret->p999_ns = percentile(p, count, 999000);
	ret->max_ns = reeve__get(&p->wait_max_ns);
}

/* Servers of pools that are not idle. */
static uint32_t busy_servers(const struct reeve *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->pools); i++)
		if (reeve__get(&r->pools[i].head.state) == REEVE_SLOT_LIVE)
			n += r->pools[i].servers - r->pools[i].idle;
	return n;
}

void reeve__parallel_stats_locked(
	const struct reeve__parallel_pass *x, struct reeve_parallel_stats *ret)
{
	const struct reeve *r = x->r;
	const struct reeve_sh_parallel *p = r->parallel;

	reeve__lock_assert(&p->lock);
	memset(ret, 0, sizeof(*ret));
	ret->parallel = reeve__get(&p->parallel);
	ret->serial = reeve__get(&p->serial);
	ret->downgraded = reeve__get(&p->downgraded);
	ret->queued = reeve__get(&p->queued);
	ret->queue_timeouts = reeve__get(&p->timeouts);
	ret->failed = reeve__get(&p->failed);
	ret->cancelled = reeve__get(&p->cancelled);
	ret->completed = reeve__get(&p->completed);
	ret->adjustments = reeve__get(&p->adjustments);
	if (ret->parallel + ret->serial)
		ret->avg_dop_milli =
			reeve__muldiv(reeve__get(&p->granted), 1000, ret->parallel + ret->serial);
	ret->peak_total_dop = reeve__get(&p->peak);
	ret->current_total_dop = p->in_use;
	ret->max_total_dop = x->config->max_total_dop;
	ret->queued_now = p->waiting;
	ret->executing_now = p->executing;
	ret->pools = reeve__get(&r->header->pools.live);
	ret->servers = p->servers;
	ret->busy_servers = ret->pools ? busy_servers(r) : p->in_use;
	ret->utilization_ppm = (uint32_t)reeve__muldiv(ret->busy_servers, REEVE_PPM,
		ret->pools ? (ret->servers ? ret->servers : 1) : ret->max_total_dop);
	fill_latency(p, &ret->queue_latency);
}

void reeve__parallel_stats(struct reeve *r, struct reeve_parallel_stats *ret)
{
	struct reeve__parallel_pass x;

	reeve__parallel_lock(&x, r);
	reeve__parallel_stats_locked(&x, ret);
	reeve__parallel_done(&x);
}
