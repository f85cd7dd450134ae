/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_pool.c - settings and pools. A change is prepared in the block of definitions that is not in
 * force, judged, and put in force by one store.
 */
#include "memory.h"

#include <stdio.h>

/* ---- settings ---- */

void reeve__memory_config_get(struct reeve *r, struct reeve_memory_config *ret)
{
	const struct reeve_sh_memory_def *d;

	reeve__memory_lock(r);
	d = reeve__memory_def(r);
	*ret = (struct reeve_memory_config){
		.db_limit_bytes = d->limit_bytes,
		.low_ppm = d->threshold_ppm[0],
		.medium_ppm = d->threshold_ppm[1],
		.high_ppm = d->threshold_ppm[2],
		.critical_ppm = d->threshold_ppm[3],
		.hysteresis_ppm = d->hysteresis_ppm,
		.strategy = d->strategy,
		.hybrid_benefit_ppm = d->hybrid_benefit_ppm,
		.tune_period_ns = (reeve_ns)d->tune_period_ns,
	};
	reeve__memory_unlock(r);
}

static int check_thresholds(const struct reeve_memory_config *k, struct reeve_error *err)
{
	const uint32_t at[4] = {k->low_ppm, k->medium_ppm, k->high_ppm, k->critical_ppm};
	static const char *const names[4] = {"low", "medium", "high", "critical"};

	for (int i = 0; i < 4; i++)
		if (at[i] < 1 || at[i] > REEVE_PPM || (i && at[i] <= at[i - 1]))
			return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
				"%s is %.6f; thresholds rise, and allowed are 0.000001 to 1",
				names[i], (double)at[i] / REEVE_PPM);
	if (k->hysteresis_ppm > 100000)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"hysteresis is %.6f; allowed are 0 to 0.1",
			(double)k->hysteresis_ppm / REEVE_PPM);
	return 0;
}

static int check_config(const struct reeve_memory_config *k, struct reeve_error *err)
{
	int rc = check_thresholds(k, err);

	if (rc)
		return rc;
	if (k->db_limit_bytes < REEVE_MEMORY_DB_MIN || k->db_limit_bytes > REEVE_MEMORY_DB_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"max_db_memory is %llu bytes; allowed are %llu to %llu",
			(unsigned long long)k->db_limit_bytes,
			(unsigned long long)REEVE_MEMORY_DB_MIN,
			(unsigned long long)REEVE_MEMORY_DB_MAX);
	if (k->strategy > REEVE_STRATEGY_HYBRID)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"memory strategy is %u; allowed are 0 (Automatic) to 2 (Hybrid)",
			k->strategy);
	if (k->tune_period_ns < 100 * REEVE_MSEC || k->tune_period_ns > 86400 * REEVE_SEC)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"tune period is %.3f s; allowed are 0.1 to 86400 s",
			(double)k->tune_period_ns / 1e9);
	return 0;
}

/* All pools in proportion; the same parts of the whole, rounded down, still fit into one another. */
static int scale_pools(struct reeve *r, struct reeve_sh_memory_def *d, uint64_t from, uint64_t to,
	struct reeve_error *err)
{
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		struct reeve_sh_pool_def *p = &d->pools[i];
		if (p->id == 0)
			continue;
		p->max_bytes = reeve__muldiv(p->max_bytes, to, from);
		p->min_bytes = reeve__muldiv(p->min_bytes, to, from);
		p->operator_bytes = reeve__muldiv(p->operator_bytes, to, from);
		if (p->target_bytes != REEVE_UNLIMITED)
			p->target_bytes = reeve__muldiv(p->target_bytes, to, from);
		if (p->max_bytes == 0)
			p->max_bytes = 1;
		p->revision = d->revision;
		if (p->max_bytes < r->memory->pools[i].allocated)
			return reeve__fail(err, REEVE_ECONFLICT,
				"memory pool %.64s would have %llu bytes, and %llu are in use",
				p->name, (unsigned long long)p->max_bytes,
				(unsigned long long)r->memory->pools[i].allocated);
	}
	return 0;
}

int reeve__memory_config_set(
	struct reeve *r, const struct reeve_memory_config *k, struct reeve_error *err)
{
	struct reeve_sh_memory_def *d;
	int rc = check_config(k, err);

	if (rc)
		return rc;
	reeve__memory_lock(r);
	d = reeve__memory_edit_locked(r);
	if (k->db_limit_bytes != d->limit_bytes)
		rc = scale_pools(r, d, d->limit_bytes, k->db_limit_bytes, err);
	if (!rc) {
		d->limit_bytes = k->db_limit_bytes;
		d->threshold_ppm[0] = k->low_ppm;
		d->threshold_ppm[1] = k->medium_ppm;
		d->threshold_ppm[2] = k->high_ppm;
		d->threshold_ppm[3] = k->critical_ppm;
		d->hysteresis_ppm = k->hysteresis_ppm;
		d->strategy = k->strategy;
		d->hybrid_benefit_ppm = k->hybrid_benefit_ppm;
		d->tune_period_ns = (uint64_t)k->tune_period_ns;
		reeve__memory_commit_locked(r);
	}
	reeve__memory_unlock(r);
	return rc;
}

/* ---- the tree ---- */

uint64_t reeve__memory_budget(const struct reeve_sh_memory_def *d, uint32_t parent)
{
	return parent < REEVE_SH_POOLS ? d->pools[parent].max_bytes : d->limit_bytes;
}

uint64_t reeve__memory_children(const struct reeve_sh_memory_def *d, uint32_t parent)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		if (d->pools[i].id && reeve__memory_parent(d, i) == parent)
			sum = d->pools[i].max_bytes > UINT64_MAX - sum
				      ? UINT64_MAX
				      : sum + d->pools[i].max_bytes;
	return sum;
}

/* The largest maximum of a pool's children. */
static uint64_t largest_child(const struct reeve_sh_memory_def *d, uint32_t parent, uint32_t *ret)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		if (d->pools[i].id && reeve__memory_parent(d, i) == parent &&
			d->pools[i].max_bytes > most) {
			most = d->pools[i].max_bytes;
			*ret = i;
		}
	return most;
}

/*
 * A target that can be had now becomes the maximum: below it, once the pool holds no more; above it,
 * when the children of its parent still fit into that.
 */
static bool reach_target(struct reeve *r, struct reeve_sh_memory_def *d, uint32_t i)
{
	struct reeve_sh_pool_def *p = &d->pools[i];
	uint32_t parent = reeve__memory_parent(d, i), child = 0;
	uint64_t budget = reeve__memory_budget(d, parent);
	uint64_t others = reeve__memory_children(d, parent) - p->max_bytes;

	if (p->id == 0 || p->target_bytes == REEVE_UNLIMITED)
		return false;
	if (p->target_bytes < p->max_bytes ? r->memory->pools[i].allocated > p->target_bytes ||
						     largest_child(d, i, &child) > p->target_bytes
					   : others > budget || p->target_bytes > budget - others)
		return false;
	p->max_bytes = p->target_bytes;
	p->target_bytes = REEVE_UNLIMITED;
	p->revision = d->revision;
	return true;
}

uint32_t reeve__memory_targets(struct reeve *r)
{
	struct reeve_sh_memory_def *d;
	uint32_t n = 0;

	if (reeve__get(&r->memory->targets) == 0)
		return 0;
	reeve__memory_lock(r);
	d = reeve__memory_edit_locked(r);
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		n += reach_target(r, d, i);
	if (n) {
		r->memory->auto_adjustments += n;
		reeve__memory_commit_locked(r);
	}
	reeve__memory_unlock(r);
	return n;
}

/* ---- create, update, destroy ---- */

static int not_found(uint64_t id, struct reeve_error *err)
{
	return reeve__fail(err, REEVE_ENOT_FOUND, "memory pool %llu", (unsigned long long)id);
}

/* Bounds of one pool; `i` is its index. */
static int check_bounds(
	struct reeve *r, const struct reeve_sh_memory_def *d, uint32_t i, struct reeve_error *err)
{
	const struct reeve_sh_pool_def *p = &d->pools[i];
	uint32_t parent = reeve__memory_parent(d, i), child = 0;
	uint64_t budget = reeve__memory_budget(d, parent), held = r->memory->pools[i].allocated;
	const char *above = parent == REEVE_NONE ? "the database limit" : d->pools[parent].name;

	if (p->max_bytes < 1 || p->min_bytes > p->max_bytes)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"maxSize is %llu, minSize %llu; allowed are 1 and more, and minSize to it",
			(unsigned long long)p->max_bytes, (unsigned long long)p->min_bytes);
	if (p->max_bytes > budget)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"maxSize of memory pool %.64s is %llu; %.64s has %llu bytes", p->name,
			(unsigned long long)p->max_bytes, above, (unsigned long long)budget);
	if (p->max_bytes < held)
		return reeve__fail(err, REEVE_ECONFLICT,
			"maxSize of memory pool %.64s is %llu, and %llu bytes are in use; "
			"set targetSize to have it shrink",
			p->name, (unsigned long long)p->max_bytes, (unsigned long long)held);
	if (p->max_bytes < largest_child(d, i, &child))
		return reeve__fail(err, REEVE_ECONFLICT,
			"maxSize of memory pool %.64s is %llu, and that of its child %.64s %llu",
			p->name, (unsigned long long)p->max_bytes, d->pools[child].name,
			(unsigned long long)d->pools[child].max_bytes);
	if (p->target_bytes != REEVE_UNLIMITED &&
		(p->target_bytes < 1 || p->target_bytes < p->min_bytes || p->target_bytes > budget))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"targetSize is %llu; allowed are minSize, %llu, to the %llu bytes of %.64s",
			(unsigned long long)p->target_bytes, (unsigned long long)p->min_bytes,
			(unsigned long long)budget, above);
	if (p->page_bytes < 1 || p->page_bytes > 1u << 30)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"page size is %llu; allowed are 1 to 1073741824",
			(unsigned long long)p->page_bytes);
	return 0;
}

static uint32_t name_of(const struct reeve_sh_memory_def *d, const char *name)
{
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		if (d->pools[i].id && strcmp(d->pools[i].name, name) == 0)
			return i;
	return REEVE_NONE;
}

static int place_pool(struct reeve *r, struct reeve_sh_memory_def *d, uint64_t id,
	const struct reeve_pool_def *def, uint32_t *ret, struct reeve_error *err)
{
	uint32_t parent = def->parent.v ? reeve__memory_pool_of(r, def->parent.v) : REEVE_NONE;
	uint32_t i = 0, other = name_of(d, def->name);

	if (def->parent.v && parent == REEVE_NONE)
		return not_found(def->parent.v, err);
	if (id && reeve__memory_pool_of(r, id) != REEVE_NONE)
		return reeve__fail(
			err, REEVE_ECONFLICT, "id %llu is in use", (unsigned long long)id);
	if (other != REEVE_NONE)
		return reeve__fail(err, REEVE_EALREADY_EXISTS,
			"memory pool \"%s\" exists with id %llu", def->name,
			(unsigned long long)d->pools[other].id);
	while (i < REEVE_SH_POOLS && d->pools[i].id)
		i++;
	if (i == REEVE_SH_POOLS)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of memory pools is full: %u of %u", i, i);
	d->pools[i] = (struct reeve_sh_pool_def){
		.id = reeve__id_take(&d->next_pool_id, id),
		.max_bytes = def->max_bytes,
		.min_bytes = def->min_bytes,
		.target_bytes = def->target_bytes,
		.operator_bytes = def->max_bytes,
		.page_bytes = def->page_bytes,
		.revision = d->revision,
		.created_wall = reeve__wall(r),
		.parent = parent,
		.type = def->type,
		.auto_tune = def->auto_tune,
	};
	reeve__text_copy(d->pools[i].name, sizeof(d->pools[i].name), def->name);
	*ret = i;
	return 0;
}

int reeve__pool_create(struct reeve *r, const struct reeve_pool_def *def, reeve_pool_id *ret_id,
	struct reeve_error *err)
{
	struct reeve_sh_memory_def *d;
	uint32_t i = REEVE_NONE;
	int rc = reeve__text_check(def->name, REEVE_ATTRIBUTE_MAX, false, "name", err);

	if (rc)
		return rc;
	if (def->type > REEVE_POOL_TYPE_LARGE_POOL)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"pool type is %u; allowed are 0 (SharedGlobal) to 5 (LargePool)",
			def->type);
	reeve__memory_lock(r);
	d = reeve__memory_edit_locked(r);
	rc = place_pool(r, d, ret_id->v, def, &i, err);
	if (!rc)
		rc = check_bounds(r, d, i, err);
	if (!rc) {
		struct reeve_sh_pool *p = &r->memory->pools[i];
		p->allocated = p->allocations = p->peak = p->failed = 0;
		ret_id->v = d->pools[i].id;
		reach_target(r, d, i);
		reeve__memory_commit_locked(r);
	}
	reeve__memory_unlock(r);
	if (!rc)
		reeve__memory_curve_clear(r, i);
	return rc;
}

int reeve__pool_update(struct reeve *r, reeve_pool_id id, uint32_t fields,
	const struct reeve_pool_def *def, struct reeve_error *err)
{
	struct reeve_sh_memory_def *d;
	struct reeve_sh_pool_def *p;
	uint32_t i;
	int rc;

	if (fields & ~(uint32_t)(REEVE_POOL_SET_PAGE * 2 - 1))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are the REEVE_POOL_SET bits", fields);
	reeve__memory_lock(r);
	i = reeve__memory_pool_of(r, id.v);
	if (i == REEVE_NONE) {
		reeve__memory_unlock(r);
		return not_found(id.v, err);
	}
	d = reeve__memory_edit_locked(r);
	p = &d->pools[i];
	p->revision = d->revision;
	if (fields & REEVE_POOL_SET_MAX)
		p->max_bytes = p->operator_bytes = def->max_bytes;
	if (fields & REEVE_POOL_SET_MIN)
		p->min_bytes = def->min_bytes;
	if (fields & REEVE_POOL_SET_TARGET)
		p->target_bytes = def->target_bytes;
	if ((fields & REEVE_POOL_SET_TARGET) && def->target_bytes != REEVE_UNLIMITED)
		p->operator_bytes = def->target_bytes;
	if (fields & REEVE_POOL_SET_AUTO_TUNE)
		p->auto_tune = def->auto_tune;
	if (fields & REEVE_POOL_SET_PAGE)
		p->page_bytes = def->page_bytes;
	rc = check_bounds(r, d, i, err);
	if (!rc) {
		reach_target(r, d, i);
		reeve__memory_commit_locked(r);
	}
	reeve__memory_unlock(r);
	return rc;
}

int reeve__pool_destroy(struct reeve *r, reeve_pool_id id, struct reeve_error *err)
{
	struct reeve_sh_memory_def *d;
	uint32_t i, child = 0;
	int rc = 0;

	if (id.v && id.v < REEVE_FIRST_USER_ID && id.v - 1 <= REEVE__PGA)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"memory pool %llu is the system's", (unsigned long long)id.v);
	reeve__memory_lock(r);
	i = reeve__memory_pool_of(r, id.v);
	d = reeve__memory_def(r);
	if (i == REEVE_NONE)
		rc = not_found(id.v, err);
	else if (r->memory->pools[i].allocated)
		rc = reeve__fail(err, REEVE_ECONFLICT, "memory pool %.64s has %llu bytes in use",
			d->pools[i].name, (unsigned long long)r->memory->pools[i].allocated);
	else if (largest_child(d, i, &child))
		rc = reeve__fail(err, REEVE_ECONFLICT, "memory pool %.64s has a child, %.64s",
			d->pools[i].name, d->pools[child].name);
	if (!rc) {
		d = reeve__memory_edit_locked(r);
		memset(&d->pools[i], 0, sizeof(d->pools[i]));
		reeve__memory_commit_locked(r);
	}
	reeve__memory_unlock(r);
	return rc;
}

/* ---- looking ---- */

static void fill_info(struct reeve *r, uint32_t i, struct reeve_pool_info *ret)
{
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);
	const struct reeve_sh_pool_def *p = &d->pools[i];
	const struct reeve_sh_pool *now = &r->memory->pools[i];
	uint32_t parent = reeve__memory_parent(d, i);
	uint64_t limit = reeve__memory_pool_limit(p);

	memset(ret, 0, sizeof(*ret));
	ret->id.v = p->id;
	reeve__text_copy(ret->name, sizeof(ret->name), p->name);
	ret->type = p->type;
	ret->parent.v = parent == REEVE_NONE ? 0 : d->pools[parent].id;
	ret->max_bytes = p->max_bytes;
	ret->min_bytes = p->min_bytes;
	ret->target_bytes = p->target_bytes;
	ret->allocated_bytes = now->allocated;
	ret->available_bytes = now->allocated < limit ? limit - now->allocated : 0;
	ret->usage_ppm =
		p->max_bytes ? (uint32_t)reeve__muldiv(now->allocated, REEVE_PPM, p->max_bytes) : 0;
	ret->peak_bytes = now->peak;
	ret->page_bytes = p->page_bytes;
	ret->auto_tune = p->auto_tune != 0;
	ret->allocations = now->allocations;
	ret->failed_allocations = now->failed;
	ret->created_wall = p->created_wall;
	ret->revision = p->revision;
}

int reeve__pool_get(
	struct reeve *r, reeve_pool_id id, struct reeve_pool_info *ret, struct reeve_error *err)
{
	uint32_t i;

	reeve__memory_lock(r);
	i = reeve__memory_pool_of(r, id.v);
	if (i != REEVE_NONE)
		fill_info(r, i, ret);
	reeve__memory_unlock(r);
	return i == REEVE_NONE ? not_found(id.v, err) : 0;
}

bool reeve__pool_find(struct reeve *r, const char *name, reeve_pool_id *ret_id)
{
	uint32_t i;

	reeve__memory_lock(r);
	i = name_of(reeve__memory_def(r), name);
	if (i != REEVE_NONE)
		ret_id->v = reeve__memory_def(r)->pools[i].id;
	reeve__memory_unlock(r);
	return i != REEVE_NONE;
}

/* Index of the pool with the lowest id above `after`. */
static uint32_t next_pool(const struct reeve_sh_memory_def *d, uint64_t after)
{
	uint32_t best = REEVE_NONE;

	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		if (d->pools[i].id > after &&
			(best == REEVE_NONE || d->pools[i].id < d->pools[best].id))
			best = i;
	return best;
}

uint32_t reeve__pool_copy(
	struct reeve *r, reeve_pool_id after, struct reeve_pool_info *ret, uint32_t capacity)
{
	uint32_t n = 0, i;

	reeve__memory_lock(r);
	while (n < capacity && (i = next_pool(reeve__memory_def(r), after.v)) != REEVE_NONE) {
		fill_info(r, i, &ret[n]);
		after = ret[n++].id;
	}
	reeve__memory_unlock(r);
	return n;
}
