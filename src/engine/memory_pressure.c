/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_pressure.c - what the host says about memory, callbacks of this process, housekeeping.
 */
#include "memory.h"

#define FEED_PERIOD_NS	 ((uint64_t)100000000)
#define FEED_STALE_NS	 ((uint64_t)1000000000)
#define SHRINK_PERIOD_NS ((uint64_t)100000000)

/* ---- what the host says ---- */

static uint32_t part_of(uint64_t used, uint64_t limit)
{
	uint64_t ppm = limit == REEVE_UNLIMITED ? 0 : reeve__muldiv(used, REEVE_PPM, limit);

	return ppm > REEVE_PPM ? REEVE_PPM : (uint32_t)ppm;
}

/*
 * Several processes may tick, in containers of their own. The highest figure counts; another's lower
 * one only when the highest was told more than a second ago.
 */
static void take_figures_locked(struct reeve *r, const struct reeve_host_memory *h, uint64_t now)
{
	struct reeve_sh_memory *m = r->memory;
	uint32_t ppm = part_of(h->container_used_bytes, h->container_limit_bytes);

	m->stall_some_ppm = h->stall_some_ppm;
	m->stall_full_ppm = h->stall_full_ppm;
	if (m->fed_by != r->attachment && ppm < m->outside_ppm && now - m->fed_ns < FEED_STALE_NS)
		return;
	m->outside_ppm = ppm;
	m->fed_by = r->attachment;
	m->fed_ns = now;
}

static void feed(struct reeve *r)
{
	struct reeve_host_memory h;
	uint64_t now = (uint64_t)reeve__mono(r);

	if (!r->host->memory || now - reeve__get(&r->asked_ns) < FEED_PERIOD_NS)
		return;
	reeve__put(&r->asked_ns, now);
	if (!r->host->memory(r->host->self, &h))
		return;
	reeve__memory_lock(r);
	take_figures_locked(r, &h, now);
	reeve__memory_level_locked(r);
	reeve__memory_unlock(r);
}

void reeve__memory_pressure_get(struct reeve *r, struct reeve_memory_pressure *ret)
{
	struct reeve_sh_memory *m = r->memory;
	const struct reeve_sh_memory_def *d;

	reeve__memory_lock(r);
	reeve__memory_level_locked(r); /* usage may have changed within its level */
	d = reeve__memory_def(r);
	*ret = (struct reeve_memory_pressure){
		.level = reeve__get(&m->level),
		.usage_ppm = part_of(m->used, d->limit_bytes),
		.outside_ppm = m->outside_ppm,
		.stall_ppm = m->stall_some_ppm,
		.low_ppm = d->threshold_ppm[0],
		.medium_ppm = d->threshold_ppm[1],
		.high_ppm = d->threshold_ppm[2],
		.critical_ppm = d->threshold_ppm[3],
		.hysteresis_ppm = d->hysteresis_ppm,
		.since_wall = m->level_since_wall,
		.wanted_bytes = reeve__get(&m->wanted),
	};
	reeve__memory_unlock(r);
}

/* ---- callbacks ---- */

int reeve__memory_on_pressure(struct reeve *r, reeve_pool_id pool, reeve_memory_shrink_fn shrink,
	void *arg, struct reeve_error *err)
{
	uint32_t i = 0, n;
	int rc = 0;

	if (pool.v && reeve__memory_pool_of(r, pool.v) == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "memory pool %llu", (unsigned long long)pool.v);
	pthread_mutex_lock(&r->shrink_lock);
	n = reeve__get(&r->shrinker_count);
	while (i < n && (r->shrinkers[i].shrink != shrink || r->shrinkers[i].arg != arg))
		i++;
	if (i == REEVE__SHRINKERS) {
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"this process has %u memory callbacks; allowed are %u", n,
			REEVE__SHRINKERS);
	} else {
		r->shrinkers[i] = (struct reeve__shrinker){shrink, arg, pool};
		if (i == n)
			reeve__put(&r->shrinker_count, n + 1);
	}
	pthread_mutex_unlock(&r->shrink_lock);
	return rc;
}

int reeve__memory_off_pressure(
	struct reeve *r, reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err)
{
	uint32_t i = 0, n;

	pthread_mutex_lock(&r->shrink_lock);
	n = reeve__get(&r->shrinker_count);
	while (i < n && (r->shrinkers[i].shrink != shrink || r->shrinkers[i].arg != arg))
		i++;
	if (i < n) {
		r->shrinkers[i] = r->shrinkers[n - 1];
		reeve__put(&r->shrinker_count, n - 1);
	}
	pthread_mutex_unlock(&r->shrink_lock);
	return i < n ? 0 : reeve__fail(err, REEVE_ENOT_FOUND, "that memory callback");
}

/* What to ask of a pool (id 0: of the database); *ret_level: why. 0: nothing. */
static uint64_t wanted_of(struct reeve *r, uint64_t pool, uint32_t *ret_level)
{
	struct reeve_sh_memory *m = r->memory;
	uint64_t bytes, over = 0;
	uint32_t i;

	reeve__memory_lock(r);
	reeve__memory_level_locked(r); /* usage may have changed within its level */
	*ret_level = reeve__get(&m->level);
	bytes = reeve__get(&m->wanted);
	if (pool) {
		i = reeve__memory_pool_of(r, pool);
		uint64_t held = i == REEVE_NONE ? 0 : m->pools[i].allocated;
		if (bytes > held)
			bytes = held;
		if (held) {
			uint64_t limit = reeve__memory_pool_limit(&reeve__memory_def(r)->pools[i]);
			over = held > limit ? held - limit : 0;
		}
	}
	reeve__memory_unlock(r);
	return bytes > over ? bytes : over;
}

static void ask(struct reeve *r, const struct reeve__shrinker *s)
{
	uint32_t level;
	uint64_t before, bytes = wanted_of(r, s->pool.v, &level);

	if (bytes == 0)
		return;
	before = reeve__get(&r->freed_bytes);
	s->shrink(s->arg, level, s->pool, bytes);
	reeve__add(&r->memory->reclaimed, reeve__get(&r->freed_bytes) - before);
}

void reeve__memory_shrink(struct reeve *r)
{
	uint64_t now = (uint64_t)reeve__mono(r), last = reeve__get(&r->shrunk_ns);

	if (now - last < SHRINK_PERIOD_NS ||
		!atomic_compare_exchange_strong(&r->shrunk_ns, &last, now))
		return;
	if (pthread_mutex_trylock(&r->shrink_lock) != 0)
		return;
	for (uint32_t i = 0; i < reeve__get(&r->shrinker_count); i++)
		ask(r, &r->shrinkers[i]);
	pthread_mutex_unlock(&r->shrink_lock);
}

/* ---- the tick ---- */

/* Whether a round of the advisor is due; whoever finds so makes it. */
static bool tune_is_due(struct reeve *r)
{
	uint64_t now = (uint64_t)reeve__mono(r);
	bool due;

	reeve__memory_lock(r);
	due = now - r->memory->tuned_ns >= reeve__memory_def(r)->tune_period_ns;
	if (due)
		r->memory->tuned_ns = now;
	reeve__memory_unlock(r);
	return due;
}

uint32_t reeve__memory_tick(struct reeve *r)
{
	uint64_t before;
	uint32_t n;

	reeve__put(&r->memory->clock_wall, reeve__wall(r));
	feed(r);
	if (reeve__get(&r->memory->level) >= REEVE_PRESSURE_HIGH)
		reeve__memory_sweep(r);
	reeve__memory_curves_flush(r);
	reeve__memory_attend(r);
	n = reeve__memory_targets(r);
	if (tune_is_due(r)) {
		before = reeve__memory_adjustments(r);
		reeve__memory_tune(r, true, NULL, 0, NULL);
		n += (uint32_t)(reeve__memory_adjustments(r) - before);
	}
	return n;
}
