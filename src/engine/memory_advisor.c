/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_advisor.c - page accesses, miss-ratio curves, recommendations and their application.
 *
 * Samplers have a lock of their own, so that sampling does not stand in the way of allocations. A
 * sampler whose owner died in the middle is begun again.
 */
#include "memory.h"

#include "../policy/advisor.h"

#include <stdio.h>

_Static_assert(sizeof(struct reeve_sh_shards) == REEVE_SH_SHARDS_BYTES, "room in the segment");

/* ---- samplers ---- */

static struct reeve_sh_shards *sampler_at(const struct reeve *r, uint32_t pool)
{
	return (struct reeve_sh_shards *)(void *)(r->base + r->header->samplers +
						  (uint64_t)pool * REEVE_SH_SHARDS_BYTES);
}

static void samplers_lock(struct reeve *r)
{
	if (REEVE_LIKELY(!reeve__lock_acquire(&r->memory->sampler_lock)))
		return;
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		if (!reeve__get(&sampler_at(r, i)->busy))
			continue;
		reeve__shards_init(sampler_at(r, i));
		reeve__put(&r->memory->pools[i].sample, REEVE__SHARD_ALL);
	}
}

static void samplers_unlock(struct reeve *r)
{
	reeve__lock_release(&r->memory->sampler_lock);
}

/* Accesses of a pool that this process's threads have told since this was last asked. */
static uint64_t take_told(struct reeve *r, uint32_t pool)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < REEVE__LANES; i++)
		if (reeve__get(&r->accesses[i][pool]))
			n += atomic_exchange_explicit(
				&r->accesses[i][pool], 0, memory_order_relaxed);
	return n;
}

void reeve__memory_sample(struct reeve *r, uint32_t pool, uint64_t hash)
{
	struct reeve_sh_shards *s = sampler_at(r, pool);

	samplers_lock(r);
	reeve__put(&s->busy, 1);
	/* What is in the segment must not be found half changed with busy still 0. */
	atomic_thread_fence(memory_order_release);
	REEVE_POINT(MEMORY_SAMPLING);
	reeve__shards_access(s, hash, take_told(r, pool));
	reeve__put(&r->memory->pools[pool].sample, s->threshold);
	atomic_store_explicit(&s->busy, 0, memory_order_release);
	samplers_unlock(r);
}

void reeve__memory_curves_flush(struct reeve *r)
{
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		uint64_t n = take_told(r, i);
		if (n == 0)
			continue;
		samplers_lock(r);
		reeve__shards_count(sampler_at(r, i), n);
		samplers_unlock(r);
	}
}

void reeve__memory_curve_clear(struct reeve *r, uint32_t pool)
{
	samplers_lock(r);
	if (sampler_at(r, pool)->threshold) {
		reeve__put(&sampler_at(r, pool)->busy, 1);
		reeve__shards_init(sampler_at(r, pool)); /* busy is 0 again */
	}
	reeve__put(&r->memory->pools[pool].sample, REEVE__SHARD_ALL);
	samplers_unlock(r);
}

static int pool_index(struct reeve *r, reeve_pool_id pool, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__memory_pool_of(r, pool.v);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "memory pool %llu", (unsigned long long)pool.v);
}

int reeve__memory_curve_reset(struct reeve *r, reeve_pool_id pool, struct reeve_error *err)
{
	uint32_t i;
	int rc = pool_index(r, pool, &i, err);

	if (rc)
		return rc;
	take_told(r, i);
	reeve__memory_curve_clear(r, i);
	return 0;
}

static uint64_t page_bytes(struct reeve *r, uint32_t pool)
{
	uint64_t bytes;

	reeve__memory_lock(r);
	bytes = reeve__memory_def(r)->pools[pool].page_bytes;
	reeve__memory_unlock(r);
	return bytes ? bytes : 1;
}

int reeve__memory_miss_ratio(struct reeve *r, reeve_pool_id pool, const uint64_t *sizes, uint32_t n,
	uint32_t *ret_ppm, struct reeve_memory_curve *ret_curve, struct reeve_error *err)
{
	struct reeve_sh_shards *s;
	uint64_t page, samples;
	bool usable;
	uint32_t i;
	int rc = pool_index(r, pool, &i, err);

	if (rc)
		return rc;
	page = page_bytes(r, i);
	s = sampler_at(r, i);
	samplers_lock(r);
	reeve__shards_count(s, take_told(r, i));
	usable = reeve__shards_usable(s);
	samples = s->samples;
	for (uint32_t k = 0; usable && k < n; k++)
		ret_ppm[k] = reeve__shards_miss_ppm(s, sizes[k] / page);
	if (ret_curve && (usable || n == 0))
		*ret_curve = (struct reeve_memory_curve){
			.references = s->references >> REEVE__SHARD_SHIFT,
			.samples = samples,
			.rate_ppm = (uint32_t)reeve__muldiv(
				s->threshold ? s->threshold : REEVE__SHARD_ALL, REEVE_PPM,
				REEVE__SHARD_ALL),
			.is_usable = usable,
		};
	samplers_unlock(r);
	if (usable || n == 0)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_STATE,
		"the miss-ratio curve of memory pool %llu has %llu samples; it wants %u",
		(unsigned long long)pool.v, (unsigned long long)samples, REEVE__SHARD_USABLE);
}

/* ---- recommendations ---- */

/* What one pool is judged by, read under the lock. */
struct judged {
	struct reeve_sh_pool_def def;
	uint64_t used, least, most; /* sizes that are possible */
	uint32_t index;
};

/* No smaller than its minimum, and than what its children may have together. */
static uint64_t least_of(const struct reeve_sh_memory_def *d, uint32_t i)
{
	const struct reeve_sh_pool_def *p = &d->pools[i];
	uint64_t children = reeve__memory_children(d, i);
	uint64_t least = p->min_bytes > children ? p->min_bytes : children;

	return least < p->max_bytes ? least : p->max_bytes;
}

static void look_at_pool(struct reeve *r, uint32_t i, struct judged *j)
{
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);
	uint32_t parent = reeve__memory_parent(d, i);
	uint64_t budget = reeve__memory_budget(d, parent), others = 0;

	for (uint32_t k = 0; k < REEVE_SH_POOLS; k++)
		if (k != i && d->pools[k].id && reeve__memory_parent(d, k) == parent)
			others += d->pools[k].min_bytes;
	j->index = i;
	j->def = d->pools[i];
	j->used = r->memory->pools[i].allocated;
	j->least = least_of(d, i);
	j->most = others < budget ? budget - others : 0;
	if (j->most < j->def.max_bytes)
		j->most = j->def.max_bytes;
}

/* By the curve, if there is one. */
static bool judge_by_curve(struct reeve *r, const struct judged *j, struct reeve__advice *ret,
	struct reeve_memory_recommendation *rec)
{
	uint64_t sizes[REEVE__ADVICE_GRID + 1];
	uint32_t ppm[REEVE__ADVICE_GRID + 1];

	for (uint32_t i = 0; i < REEVE__ADVICE_GRID; i++)
		sizes[i] = reeve__advice_size(j->least, j->most, i);
	sizes[REEVE__ADVICE_GRID] = j->def.max_bytes;
	if (reeve__memory_miss_ratio(
		    r, (reeve_pool_id){j->def.id}, sizes, REEVE__ADVICE_GRID + 1, ppm, NULL, NULL))
		return false;
	*ret = reeve__advice_curve(
		j->def.max_bytes, ppm[REEVE__ADVICE_GRID], j->least, j->most, ppm);
	snprintf(rec->reason, sizeof(rec->reason),
		"measured: %.1f %% of accesses miss now, %.1f %% at %llu bytes, %.1f %% at most",
		ppm[REEVE__ADVICE_GRID] / 1e4, ppm[REEVE__ADVICE_GRID - 1] / 1e4,
		(unsigned long long)j->most, ppm[0] / 1e4);
	return true;
}

/* False: no opinion. */
static bool judge(struct reeve *r, const struct judged *j, struct reeve_memory_recommendation *rec)
{
	struct reeve__advice a;

	memset(rec, 0, sizeof(*rec));
	rec->is_measured = judge_by_curve(r, j, &a, rec);
	if (!rec->is_measured) {
		a = reeve__advice_first(j->def.max_bytes, j->least, j->used);
		if (a.bytes > j->most)
			a.bytes = j->most;
		snprintf(rec->reason, sizeof(rec->reason), "%.1f %% of the pool is in use",
			(double)j->used * 100 / (double)j->def.max_bytes);
	}
	if (a.bytes == j->def.max_bytes)
		return false;
	rec->pool.v = j->def.id;
	reeve__text_copy(rec->pool_name, sizeof(rec->pool_name), j->def.name);
	rec->current_bytes = j->def.max_bytes;
	rec->recommended_bytes = a.bytes;
	rec->benefit_ppm = a.benefit_ppm;
	rec->wall = reeve__wall(r);
	return true;
}

/* ---- application ---- */

/* Whether the strategy lets the advisor have its way, and up to which size. */
static bool may_apply(const struct reeve_sh_memory_def *d, const struct reeve_sh_pool_def *p,
	const struct reeve_memory_recommendation *rec, uint64_t *ret_most)
{
	*ret_most = REEVE_UNLIMITED;
	if (d->strategy == REEVE_STRATEGY_HYBRID) {
		*ret_most = p->operator_bytes;
		return rec->benefit_ppm >= d->hybrid_benefit_ppm;
	}
	return d->strategy == REEVE_STRATEGY_AUTOMATIC;
}

/* Resizes one pool in the definitions being edited, as far as its parent has room. */
static void apply_one(struct reeve *r, struct reeve_sh_memory_def *d, uint32_t i,
	struct reeve_memory_recommendation *rec)
{
	struct reeve_sh_pool_def *p = &d->pools[i];
	uint32_t parent = reeve__memory_parent(d, i);
	uint64_t budget = reeve__memory_budget(d, parent), most, bytes = rec->recommended_bytes;
	uint64_t sum = reeve__memory_children(d, parent);

	if (p->id != rec->pool.v || !p->auto_tune || !may_apply(d, p, rec, &most))
		return;
	if (bytes > most)
		bytes = most;
	if (bytes > p->max_bytes) {
		uint64_t room = sum < budget ? budget - sum : 0;
		if (bytes - p->max_bytes > room)
			bytes = p->max_bytes + room;
		if (bytes == p->max_bytes)
			return;
	} else if (rec->recommended_bytes > p->max_bytes || bytes < least_of(d, i)) {
		return; /* it was to grow, and may not; or its minimum or its children are larger now */
	}
	if (bytes < p->max_bytes && r->memory->pools[i].allocated > bytes) {
		p->target_bytes = bytes;
	} else {
		p->max_bytes = bytes;
		p->target_bytes = REEVE_UNLIMITED;
	}
	p->revision = d->revision;
	rec->applied_bytes = bytes;
}

/* Those that shrink first, so that the others have room. */
static void apply_all(struct reeve *r, struct reeve_memory_recommendation *recs,
	const uint32_t *indexes, uint32_t n)
{
	struct reeve_sh_memory_def *d;
	uint32_t done = 0;

	reeve__memory_lock(r);
	d = reeve__memory_edit_locked(r);
	for (int growing = 0; growing < 2; growing++)
		for (uint32_t k = 0; k < n; k++)
			if ((recs[k].recommended_bytes > recs[k].current_bytes) == growing)
				apply_one(r, d, indexes[k], &recs[k]);
	for (uint32_t k = 0; k < n; k++)
		done += recs[k].applied_bytes != 0;
	if (done) {
		r->memory->auto_adjustments += done;
		reeve__memory_commit_locked(r);
	}
	for (uint32_t k = 0; k < n; k++)
		if (recs[k].applied_bytes)
			reeve__event_emit(
				r, &(struct reeve_event){.kind = REEVE_EVENT_MEMORY_RESIZED,
					   .object = recs[k].pool.v,
					   .limit = recs[k].current_bytes,
					   .actual = recs[k].applied_bytes});
	reeve__memory_unlock(r);
}

int reeve__memory_tune(struct reeve *r, bool apply, struct reeve_memory_recommendation *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct reeve_memory_recommendation recs[REEVE_SH_POOLS];
	uint32_t indexes[REEVE_SH_POOLS], n = 0;
	struct judged judged;

	(void)err;
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		bool wanted;
		reeve__memory_lock(r);
		wanted = reeve__memory_def(r)->pools[i].id &&
			 reeve__memory_def(r)->pools[i].auto_tune &&
			 reeve__memory_def(r)->pools[i].max_bytes;
		if (wanted)
			look_at_pool(r, i, &judged);
		reeve__memory_unlock(r);
		if (wanted && judge(r, &judged, &recs[n]))
			indexes[n++] = i;
	}
	if (apply && n)
		apply_all(r, recs, indexes, n);
	for (uint32_t k = 0; k < n && k < capacity; k++)
		ret[k] = recs[k];
	return (int)n;
}
