/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - the memory lock, what recovery makes anew, sums, levels, refusals. */
#include "memory.h"

#include <stdio.h>

/* ---- first content ---- */

/* Pools of a new segment. Worked for 8 GiB: SGA 60 % of it, 5,153,960,755; fractions are cut off. */
static void seed_pool(struct reeve *r, uint32_t i, const char *name, uint32_t type, uint32_t parent,
	uint64_t max, uint64_t min)
{
	struct reeve_sh_memory_def *d = &r->memory->defs[0];

	d->pools[i] = (struct reeve_sh_pool_def){
		.id = i + 1,
		.max_bytes = max,
		.min_bytes = min,
		.target_bytes = REEVE_UNLIMITED,
		.operator_bytes = max,
		.page_bytes = 8192,
		.created_wall = r->header->created_wall,
		.parent = parent,
		.type = type,
	};
	reeve__text_copy(d->pools[i].name, sizeof(d->pools[i].name), name);
	reeve__put(&r->memory->pools[i].id, i + 1);
}

static uint64_t percent(uint64_t whole, uint32_t pct)
{
	return reeve__muldiv(whole, pct, 100);
}

void reeve__memory_seed(struct reeve *r, uint64_t limit_bytes, reeve_ns now_wall)
{
	uint64_t db = limit_bytes ? limit_bytes : REEVE_MEMORY_DB_DEFAULT;
	uint64_t sga = percent(db, 60), pga = percent(db, 40);
	struct reeve_sh_memory *m = r->memory;

	m->defs[0] = (struct reeve_sh_memory_def){
		.limit_bytes = db,
		.threshold_ppm = {600000, 750000, 850000, 950000},
		.hysteresis_ppm = 20000,
		.strategy = REEVE_STRATEGY_AUTOMATIC,
		.hybrid_benefit_ppm = 200000,
		.tune_period_ns = 60 * (uint64_t)REEVE_SEC,
		.next_pool_id = REEVE_FIRST_USER_ID,
	};
	seed_pool(r, 0, "SGA", REEVE_POOL_SHARED_GLOBAL, REEVE_NONE, sga, sga / 2);
	seed_pool(r, 1, "BUFFER_CACHE", REEVE_POOL_TYPE_BUFFER_CACHE, 0, percent(sga, 60),
		percent(sga, 30));
	seed_pool(r, 2, "SHARED_POOL", REEVE_POOL_TYPE_SHARED_POOL, 0, percent(sga, 30),
		percent(sga, 15));
	seed_pool(r, 3, "LARGE_POOL", REEVE_POOL_TYPE_LARGE_POOL, 0, percent(sga, 10),
		percent(sga, 5));
	seed_pool(r, REEVE__PGA, "PGA", REEVE_POOL_PROGRAM_GLOBAL, REEVE_NONE, pga, pga / 4);
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++)
		reeve__put(&m->pools[i].sample, REEVE__SHARD_ALL);
	m->next_allocation_id = 1;
	m->level_since_wall = now_wall;
	m->stall_some_ppm = m->stall_full_ppm = UINT32_MAX;
	reeve__put(&m->clock_wall, now_wall);
	reeve__memory_level_locked(r);
}

/* ---- the lock, and what is derived ---- */

/* An owner died between an allocation or a return and its count. `taken_bytes`: as it had counted. */
static void recover_totals(struct reeve *r, uint64_t live, uint64_t taken_bytes)
{
	struct reeve_sh_memory *m = r->memory;

	if (taken_bytes < m->returned_bytes + m->used)
		taken_bytes = m->returned_bytes + m->used;
	m->taken_bytes = taken_bytes;
	m->returned_bytes = taken_bytes - m->used;
	if (m->allocations < m->deallocations + live)
		m->allocations = m->deallocations + live;
	m->deallocations = m->allocations - live;
	if (m->used > m->peak)
		m->peak = m->used;
}

static void clear_sums(struct reeve *r)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);

	m->used = m->pool_bytes = m->session_bytes = 0;
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		reeve__put(&m->pools[i].id, d->pools[i].id);
		m->pools[i].allocated = m->pools[i].allocations = 0;
	}
	for (uint32_t g = 0; g < reeve__table_used(&r->header->groups); g++)
		r->memory_groups[g].used = r->memory_groups[g].sessions = 0;
	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++)
		reeve__put(&r->quota_of_session[i], 0);
}

static void recover_quota(struct reeve *r, uint32_t i)
{
	struct reeve_sh_quota *q = &r->quotas[i];
	uint32_t state = reeve__get(&q->head.state);
	uint64_t bytes = 0;

	if (state != REEVE_SLOT_LIVE && state != REEVE_SLOT_KEPT)
		return;
	q->first_owned = REEVE_NONE;
	reeve__put(&q->owned, 0);
	if (q->session < r->header->sessions.capacity)
		reeve__put(&r->quota_of_session[q->session], i + 1);
	if (state != REEVE_SLOT_LIVE)
		return;
	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++)
		bytes += reeve__get(&q->credit[k]) + reeve__quota_by_hand(q, k);
	r->memory->session_bytes += bytes;
	reeve__memory_group_locked(r, q->group)->sessions++;
	reeve__memory_group_add_locked(r, q->group, bytes);
	reeve__memory_add_locked(r, REEVE__PGA, bytes);
}

/* False: its session has ended meanwhile, or its pool cannot be; it is freed. */
static bool recover_allocation(struct reeve *r, uint32_t i)
{
	struct reeve_sh_allocation *a = &r->allocations[i];
	bool owned = a->session_id != 0;

	if (a->pool >= REEVE_SH_POOLS || reeve__memory_def(r)->pools[a->pool].id == 0 ||
		(owned && (a->quota >= r->header->quotas.capacity ||
				  reeve__get(&r->quotas[a->quota].head.state) != REEVE_SLOT_LIVE ||
				  r->quotas[a->quota].head.id != a->session_id))) {
		reeve__table_free(r, &r->header->allocations, i, NULL);
		return false;
	}
	r->memory->pools[a->pool].allocations++;
	r->memory->pool_bytes += a->bytes;
	reeve__memory_add_locked(r, a->pool, a->bytes);
	reeve__allocation_link_locked(r, i);
	return true;
}

static void recover_memory(struct reeve *r)
{
	struct reeve_sh_header *h = r->header;
	uint64_t live = 0, taken_bytes = r->memory->taken_bytes; /* adding up anew takes nothing */

	reeve__table_rebuild(r, &h->quotas, 0);
	reeve__table_rebuild(r, &h->allocations, 0);
	clear_sums(r);
	for (uint32_t i = 0; i < reeve__table_used(&h->quotas); i++)
		recover_quota(r, i);
	for (uint32_t i = 0; i < reeve__table_used(&h->allocations); i++)
		if (reeve__get(&r->allocations[i].head.state) == REEVE_SLOT_LIVE)
			live += recover_allocation(r, i);
	recover_totals(r, live, taken_bytes);
	reeve__memory_level_locked(r);
	reeve__put(&r->memory->rebuild, 0);
}

void reeve__memory_lock(struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->memory->lock);

	if (REEVE_UNLIKELY(died || reeve__get(&r->memory->rebuild)))
		recover_memory(r);
}

void reeve__memory_unlock(struct reeve *r)
{
	reeve__lock_release(&r->memory->lock);
}

/* ---- definitions ---- */

struct reeve_sh_memory_def *reeve__memory_edit_locked(struct reeve *r)
{
	uint32_t which = reeve__get(&r->memory->which) & 1;

	reeve__lock_assert(&r->memory->lock);
	r->memory->defs[which ^ 1] = r->memory->defs[which];
	r->memory->defs[which ^ 1].revision = reeve__memory_next_revision(r);
	return &r->memory->defs[which ^ 1];
}

uint64_t reeve__memory_next_revision(const struct reeve *r)
{
	return reeve__memory_def(r)->revision + 1;
}

void reeve__memory_commit_locked(struct reeve *r)
{
	struct reeve_sh_memory *m = r->memory;
	uint32_t targets = 0;

	REEVE_POINT(MEMORY_PREPARED);
	atomic_store_explicit(&m->which, reeve__get(&m->which) ^ 1, memory_order_release);
	reeve__add(&r->header->revision, 1);
	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		const struct reeve_sh_pool_def *p = &reeve__memory_def(r)->pools[i];
		reeve__put(&m->pools[i].id, p->id);
		targets += p->id && p->target_bytes != REEVE_UNLIMITED;
	}
	reeve__put(&m->targets, targets);
	reeve__memory_level_locked(r);
}

uint32_t reeve__memory_pool_of(const struct reeve *r, uint64_t id)
{
	if (id - 1 <= REEVE__PGA)
		return (uint32_t)id - 1;
	for (uint32_t i = REEVE__PGA + 1; id && i < REEVE_SH_POOLS; i++)
		if (reeve__get(&r->memory->pools[i].id) == id)
			return i;
	return REEVE_NONE;
}

bool reeve__memory_is_private(const struct reeve_sh_memory_def *d, uint32_t pool)
{
	for (uint32_t n = 0; pool < REEVE_SH_POOLS && n < REEVE_SH_POOLS; n++) {
		if (pool == REEVE__PGA)
			return true;
		pool = reeve__memory_parent(d, pool);
	}
	return false;
}

/* ---- sums and levels ---- */

struct reeve__pressure_points reeve__memory_points(const struct reeve_sh_memory_def *d)
{
	return reeve__pressure_points_of(d->limit_bytes, d->threshold_ppm, d->hysteresis_ppm);
}

/* Hysteresis bounds how often. */
static void tell_level(struct reeve *r, uint32_t level, uint64_t used, uint64_t limit)
{
	static const char *const names[] = {"none", "low", "medium", "high", "critical"};
	struct reeve_event e = {
		.kind = REEVE_EVENT_MEMORY_PRESSURE_CHANGED, .limit = limit, .actual = used};

	reeve__event_text(&e, names[level < REEVE_COUNT(names) ? level : 0]);
	reeve__event_emit(r, &e);
}

void reeve__memory_level_locked(struct reeve *r)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);
	struct reeve__pressure_points p = reeve__memory_points(d);
	uint64_t used = m->used, low = reeve__pressure_keeps(&p, REEVE_PRESSURE_MEDIUM);
	uint64_t outside = reeve__muldiv(d->limit_bytes, m->outside_ppm, REEVE_PPM);
	uint64_t stall = reeve__pressure_of_stall(&p, m->stall_some_ppm, m->stall_full_ppm);
	uint32_t before = reeve__get(&m->level), level;

	if (outside > used)
		used = outside;
	if (stall > used)
		used = stall;
	level = reeve__pressure_level(&p, before, used);
	m->most_bytes = p.at[3];
	m->rise_bytes = reeve__pressure_rise(&p, level);
	m->fall_bytes = level ? reeve__pressure_keeps(&p, level) + 1 : 0;
	reeve__put(&m->wanted, level >= REEVE_PRESSURE_MEDIUM && used > low ? used - low : 0);
	if (level == before)
		return;
	m->pressure_events += level > before;
	m->level_since_wall = reeve__wall(r);
	reeve__put(&m->level, level);
	tell_level(r, level, used, d->limit_bytes);
}

static bool refuse(struct reeve__refusal *why, uint32_t cause, const struct reeve_sh_pool_def *p,
	uint64_t bytes, uint64_t limit, uint64_t used)
{
	why->cause = cause;
	why->asked = bytes;
	why->limit = limit;
	why->used = used;
	why->id = p ? p->id : 0;
	reeve__text_copy(why->name, REEVE_ATTRIBUTE_MAX, p ? p->name : NULL);
	return false;
}

bool reeve__memory_admit_locked(
	struct reeve *r, uint32_t pool, uint64_t bytes, bool is_system, struct reeve__refusal *why)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);
	uint32_t n = 0;

	for (uint32_t i = pool; i != REEVE_NONE && n < REEVE_SH_POOLS; n++) {
		const struct reeve_sh_pool_def *p = &d->pools[i];
		uint64_t limit = reeve__memory_pool_limit(p), used = m->pools[i].allocated;
		if (used > limit || bytes > limit - used)
			return refuse(why, n ? REEVE_REFUSED_PARENT : REEVE_REFUSED_POOL, p, bytes,
				limit, used);
		i = reeve__memory_parent(d, i);
	}
	if (m->used > d->limit_bytes || bytes > d->limit_bytes - m->used)
		return refuse(why, REEVE_REFUSED_DATABASE, NULL, bytes, d->limit_bytes, m->used);
	if (is_system)
		return true;
	if (reeve__get(&m->level) == REEVE_PRESSURE_CRITICAL || m->used > m->most_bytes ||
		bytes > m->most_bytes - m->used)
		return refuse(why, REEVE_REFUSED_PRESSURE, NULL, bytes, m->most_bytes, m->used);
	return true;
}

void reeve__memory_add_locked(struct reeve *r, uint32_t pool, uint64_t bytes)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);

	for (uint32_t i = pool, n = 0; i != REEVE_NONE && n < REEVE_SH_POOLS; n++) {
		m->pools[i].allocated += bytes;
		if (m->pools[i].allocated > m->pools[i].peak)
			m->pools[i].peak = m->pools[i].allocated;
		i = reeve__memory_parent(d, i);
	}
	m->used += bytes;
	m->taken_bytes += bytes;
	if (m->used > m->peak)
		m->peak = m->used;
	if (m->used >= m->rise_bytes)
		reeve__memory_level_locked(r);
}

static void take_off(uint64_t *sum, uint64_t bytes)
{
	*sum = *sum > bytes ? *sum - bytes : 0;
}

void reeve__memory_sub_locked(struct reeve *r, uint32_t pool, uint64_t bytes)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);

	for (uint32_t i = pool, n = 0; i != REEVE_NONE && n < REEVE_SH_POOLS; n++) {
		take_off(&m->pools[i].allocated, bytes);
		i = reeve__memory_parent(d, i);
	}
	take_off(&m->used, bytes);
	m->returned_bytes += bytes;
	if (m->used < m->fall_bytes)
		reeve__memory_level_locked(r);
}

/* ---- groups' accounts ---- */

struct reeve_sh_memory_group *reeve__memory_group_locked(struct reeve *r, uint32_t group)
{
	uint32_t g = group < r->group_capacity ? group : 0;
	struct reeve_sh_memory_group *mg = &r->memory_groups[g];
	uint64_t id = reeve__head_id(&r->groups[g].head);

	if (mg->group_id != id) {
		memset(mg, 0, sizeof(*mg));
		mg->group_id = id;
	}
	return mg;
}

void reeve__memory_group_add_locked(struct reeve *r, uint32_t group, uint64_t bytes)
{
	struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, group);

	mg->used += bytes;
	if (mg->used > mg->peak)
		mg->peak = mg->used;
}

void reeve__memory_group_sub_locked(struct reeve *r, uint32_t group, uint64_t bytes)
{
	take_off(&reeve__memory_group_locked(r, group)->used, bytes);
}

/* ---- refusals ---- */

static void count_refusal(struct reeve *r, uint32_t cause)
{
	reeve__add(&r->memory->failed[cause < REEVE_REFUSED_CAUSES ? cause : 0], 1);
}

/* Of each cause one a second at most, of each process; the counters have them all. */
static void tell_refusal(struct reeve *r, const struct reeve__refusal *why, const char *of)
{
	bool of_session =
		why->cause == REEVE_REFUSED_SESSION || why->cause == REEVE_REFUSED_WORK_AREA;
	struct reeve_event e = {.kind = REEVE_EVENT_ALLOCATION_FAILED,
		.code = REEVE_ERESOURCE_EXHAUSTED,
		.action = REEVE_ACTION_REJECT,
		.group = {why->cause == REEVE_REFUSED_GROUP ? why->id : 0},
		.session = {of_session ? why->id : 0},
		.object = of_session ? 0 : why->id,
		.limit = why->limit,
		.actual = why->asked};

	if (why->cause >= REEVE_REFUSED_CAUSES ||
		!reeve__event_due(&r->refusal_told_ns[why->cause], (uint64_t)reeve__mono(r)))
		return;
	reeve__event_text(&e, of);
	reeve__event_emit(r, &e);
}

int reeve__memory_refuse(struct reeve *r, const struct reeve__refusal *why, struct reeve_error *err)
{
	char of[REEVE_NAME_MAX + 64];
	unsigned long long id = (unsigned long long)why->id;

	count_refusal(r, why->cause);
	switch (why->cause) {
	case REEVE_REFUSED_POOL:
	case REEVE_REFUSED_PARENT:
		snprintf(of, sizeof(of), "memory pool %.64s", why->name);
		break;
	case REEVE_REFUSED_SESSION:
		snprintf(of, sizeof(of), "the PGA quota of session %llu", id);
		break;
	case REEVE_REFUSED_WORK_AREA:
		snprintf(of, sizeof(of), "the work area quota of session %llu%s", id,
			*why->name ? " under high memory pressure" : "");
		break;
	case REEVE_REFUSED_GROUP:
		snprintf(of, sizeof(of), "memory of consumer group %.128s", why->name);
		break;
	case REEVE_REFUSED_PRESSURE:
		snprintf(of, sizeof(of), "critical memory pressure of the database");
		break;
	default:
		snprintf(of, sizeof(of), "the database memory limit");
	}
	tell_refusal(r, why, of);
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"%llu bytes are refused: %s is %llu bytes, of which %llu are in use",
		(unsigned long long)why->asked, of, (unsigned long long)why->limit,
		(unsigned long long)why->used);
}

int reeve__memory_unknown(struct reeve *r, int code, const char *what, uint64_t id, const char *how,
	struct reeve_error *err)
{
	count_refusal(r, REEVE_REFUSED_UNKNOWN);
	return reeve__fail(err, code, "%s %llu%s", what, (unsigned long long)id, how);
}

int reeve__memory_table_full(struct reeve *r, const struct reeve_sh_table *table, const char *name,
	struct reeve_error *err)
{
	count_refusal(r, REEVE_REFUSED_TABLE);
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "the table of %s is full: %u of %u",
		name, reeve__get(&table->live), table->capacity);
}
