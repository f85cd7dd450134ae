/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - the memory domain: what its files share, and what the rest of the engine calls.
 *
 *	memory.c          the lock, recovery, sums, levels
 *	memory_pool.c     definitions: settings and pools
 *	memory_alloc.c    allocations
 *	memory_quota.c    quotas of sessions, and their ends
 *	memory_charge.c   charges and releases, credit, groups' limits
 *	memory_pressure.c what the host says, callbacks, the tick
 *	memory_advisor.c  miss-ratio curves and recommendations
 *	memory_check.c    statistics and validate
 *
 * Credit. `credit` of a quota is what the pools count for its session; its owner spends it without a
 * lock: `room` is what is left, `used` what is spent, and used + room <= credit at any time. Anybody
 * who holds the memory lock may take room away (take_room), the owner included. If a taker dies in
 * between, the owner's next refill finds that credit - used is more than room, and mends it.
 *
 * Sums (pools, groups, totals in use) are derived from allocations and quotas. Whoever finds the lock
 * of a dead owner makes them anew, so a death between any two stores leaves them right.
 */
#ifndef REEVE_ENGINE_MEMORY_H
#define REEVE_ENGINE_MEMORY_H

#include "../policy/pressure.h"
#include "../policy/shards.h"
#include "engine.h"

#define REEVE__CREDIT_LEAST ((uint64_t)65536) /* what a first refill takes, and what may be kept */
#define REEVE__CREDIT_MOST  ((uint64_t)1048576) /* what later refills take */
#define REEVE__ROOM_MOST    (2 * REEVE__CREDIT_MOST)
#define REEVE__PGA	    4u /* index of pool 5 */
/* Quotas whose room is taken in one go under the lock. */
#define REEVE__SWEEP 256u

/* Why something is refused: filled under the lock, told after it. */
struct reeve__refusal {
	uint32_t cause; /* enum reeve_memory_refusal */
	uint64_t asked, limit, used;
	uint64_t id;		   /* of the pool, session or group */
	char name[REEVE_NAME_MAX]; /* of the pool or group */
};

/* ---- memory.c ---- */

void reeve__memory_lock(struct reeve *r);
void reeve__memory_unlock(struct reeve *r);

static inline struct reeve_sh_memory_def *reeve__memory_def(const struct reeve *r)
{
	return &r->memory->defs[reeve__get(&r->memory->which) & 1];
}
/* The definitions not in force, as a copy of those that are, to be changed; then put in force. */
struct reeve_sh_memory_def *reeve__memory_edit_locked(struct reeve *r);
void reeve__memory_commit_locked(struct reeve *r);
/* What the next commit's revision will be. */
uint64_t reeve__memory_next_revision(const struct reeve *r);

/* Index of a pool, or REEVE_NONE. */
uint32_t reeve__memory_pool_of(const struct reeve *r, uint64_t id);
/* Parent's index; REEVE_NONE: the database limit, and whatever a damaged index says. */
static inline uint32_t reeve__memory_parent(const struct reeve_sh_memory_def *d, uint32_t i)
{
	return d->pools[i].parent < REEVE_SH_POOLS ? d->pools[i].parent : REEVE_NONE;
}
/* What a pool admits up to: its maximum, or a lower target. */
static inline uint64_t reeve__memory_pool_limit(const struct reeve_sh_pool_def *p)
{
	return p->target_bytes < p->max_bytes ? p->target_bytes : p->max_bytes;
}
/* Whether memory of this pool counts in the PGA pool. */
bool reeve__memory_is_private(const struct reeve_sh_memory_def *d, uint32_t pool);

struct reeve__pressure_points reeve__memory_points(const struct reeve_sh_memory_def *d);
/* Whether so many bytes more fit in the pool, all above it, and what pressure admits. */
bool reeve__memory_admit_locked(
	struct reeve *r, uint32_t pool, uint64_t bytes, bool is_system, struct reeve__refusal *why);
void reeve__memory_add_locked(struct reeve *r, uint32_t pool, uint64_t bytes);
void reeve__memory_sub_locked(struct reeve *r, uint32_t pool, uint64_t bytes);
/* Notes that this process has given so much back: what a callback is credited with. */
static inline void reeve__memory_freed_locked(struct reeve *r, uint64_t bytes)
{
	reeve__put(&r->freed_bytes, reeve__get(&r->freed_bytes) + bytes);
}
/* Looks at the level anew, after usage or thresholds or the outside have changed. */
void reeve__memory_level_locked(struct reeve *r);

/* Counts a refusal and tells it. No lock. */
int reeve__memory_refuse(
	struct reeve *r, const struct reeve__refusal *why, struct reeve_error *err);
int reeve__memory_unknown(struct reeve *r, int code, const char *what, uint64_t id, const char *how,
	struct reeve_error *err);
int reeve__memory_table_full(struct reeve *r, const struct reeve_sh_table *table, const char *name,
	struct reeve_error *err);

/* A group's account, as of its group; emptied when the slot's group has changed. */
struct reeve_sh_memory_group *reeve__memory_group_locked(struct reeve *r, uint32_t group);
void reeve__memory_group_add_locked(struct reeve *r, uint32_t group, uint64_t bytes);
void reeve__memory_group_sub_locked(struct reeve *r, uint32_t group, uint64_t bytes);

/* ---- memory_pool.c ---- */

void reeve__memory_config_get(struct reeve *r, struct reeve_memory_config *ret);
int reeve__memory_config_set(
	struct reeve *r, const struct reeve_memory_config *config, struct reeve_error *err);
int reeve__pool_create(struct reeve *r, const struct reeve_pool_def *def, reeve_pool_id *ret_id,
	struct reeve_error *err);
int reeve__pool_update(struct reeve *r, reeve_pool_id id, uint32_t fields,
	const struct reeve_pool_def *def, struct reeve_error *err);
int reeve__pool_destroy(struct reeve *r, reeve_pool_id id, struct reeve_error *err);
int reeve__pool_get(
	struct reeve *r, reeve_pool_id id, struct reeve_pool_info *ret, struct reeve_error *err);
bool reeve__pool_find(struct reeve *r, const char *name, reeve_pool_id *ret_id);
uint32_t reeve__pool_copy(
	struct reeve *r, reeve_pool_id after, struct reeve_pool_info *ret, uint32_t capacity);
/* Sum of the maxima of a pool's children (REEVE_NONE: of the database's), saturating. */
uint64_t reeve__memory_children(const struct reeve_sh_memory_def *d, uint32_t parent);
/* The parent's maximum, or the database limit. */
uint64_t reeve__memory_budget(const struct reeve_sh_memory_def *d, uint32_t parent);
/* Lets pools have what they were on their way to, where that is possible now. How many did. */
uint32_t reeve__memory_targets(struct reeve *r);

/* ---- memory_alloc.c ---- */

int reeve__memory_allocate(struct reeve *r, reeve_pool_id pool, uint64_t bytes,
	reeve_session_id session, const char *tag, reeve_allocation_id *ret_id,
	struct reeve_error *err);
int reeve__memory_free(
	struct reeve *r, reeve_allocation_id id, reeve_session_id session, struct reeve_error *err);
int reeve__memory_give_back(
	struct reeve *r, reeve_pool_id pool, uint64_t bytes, struct reeve_error *err);
int reeve__allocation_get(struct reeve *r, reeve_allocation_id id,
	struct reeve_allocation_info *ret, struct reeve_error *err);
uint32_t reeve__allocation_copy(struct reeve *r, reeve_allocation_id after, reeve_pool_id pool,
	reeve_session_id session, struct reeve_allocation_info *ret, uint32_t capacity);
/* Puts an allocation into its session's list. */
void reeve__allocation_link_locked(struct reeve *r, uint32_t i);
/* Frees an allocation, counting it out of everything. */
void reeve__allocation_drop_locked(struct reeve *r, uint32_t i);

/* ---- memory_quota.c ---- */

/* LIVE quota of a session; REEVE_NONE. */
uint32_t reeve__quota_find_locked(const struct reeve *r, uint64_t session_id);
/*
 * Gives a session a quota with the defaults, unless it has one. No lock held; the session's slot in
 * *ret when it is there. Unknown sessions: NOT_FOUND.
 */
int reeve__quota_ensure(struct reeve *r, uint64_t session_id, struct reeve_error *err);
/* The same for a live session of ours, by slot. Session lock held. */
int reeve__quota_ensure_locked(struct reeve *r, uint32_t session, struct reeve_error *err);
int reeve__quota_set(struct reeve *r, reeve_session_id session, reeve_group_id group,
	uint64_t max_pga, uint64_t max_work_area, struct reeve_error *err);
int reeve__quota_remove(struct reeve *r, reeve_session_id session, struct reeve_error *err);
int reeve__quota_get(struct reeve *r, reeve_session_id session, struct reeve_memory_quota_info *ret,
	struct reeve_error *err);
uint32_t reeve__quota_copy(struct reeve *r, reeve_session_id after, reeve_group_id group,
	struct reeve_memory_quota_info *ret, uint32_t capacity);

/* ---- memory_charge.c ---- */

int reeve__memory_charge_slow(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err);
int reeve__memory_release_slow(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err);
int reeve__memory_hand_charge(struct reeve *r, reeve_session_id session, uint32_t kind,
	uint64_t bytes, struct reeve_error *err);
int reeve__memory_hand_release(struct reeve *r, reeve_session_id session, uint32_t kind,
	uint64_t bytes, struct reeve_error *err);
/* What a group's sessions may hold; REEVE_UNLIMITED: as they like. */
struct reeve__memory_limits {
	uint64_t max_group, max_session;
	bool is_registered; /* by hand */
};
/*
 * In force now: for a session what is registered by hand, else the plan's directive; for the group
 * its own limit, and what is registered by hand where that is less.
 */
struct reeve__memory_limits reeve__memory_limits_locked(struct reeve *r, uint32_t group);
/* Whether so many bytes more fit in a group's limit. */
bool reeve__group_admit_locked(
	struct reeve *r, uint32_t group, uint64_t bytes, struct reeve__refusal *why);
/* Counts bytes that a session's credit or by-hand charges were raised or lowered by. */
void reeve__memory_count_session_locked(
	struct reeve *r, uint32_t quota, uint64_t more, uint64_t less);
/* Whether a session may have so many bytes more of its quota and its group's limit. */
bool reeve__quota_admit_locked(
	struct reeve *r, uint32_t quota, uint32_t kind, uint64_t bytes, struct reeve__refusal *why);
bool reeve__quota_is_system(const struct reeve *r, uint32_t quota);
/* What a session may hold of a kind: its own limit, or its group's a session. */
uint64_t reeve__quota_limit_locked(struct reeve *r, uint32_t quota, uint32_t kind);
/* Takes the credit that a session has not used out of the pools. */
void reeve__quota_take_room_locked(struct reeve *r, uint32_t quota);
/*
 * The same of all sessions, a few at a time; their next charges look at all limits. No lock held.
 */
void reeve__memory_sweep(struct reeve *r);
/* Whether calling back credit could help against this refusal. */
bool reeve__memory_sweep_helps(const struct reeve__refusal *why);
int reeve__memory_group_register(struct reeve *r, reeve_group_id group, uint64_t max_group,
	uint64_t max_session, struct reeve_error *err);
int reeve__memory_group_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err);
int reeve__memory_group_get(struct reeve *r, reeve_group_id group,
	struct reeve_memory_group_info *ret, struct reeve_error *err);
uint32_t reeve__memory_group_copy(struct reeve *r, reeve_group_id after,
	struct reeve_memory_group_info *ret, uint32_t capacity);

/* ---- memory_pressure.c ---- */

void reeve__memory_pressure_get(struct reeve *r, struct reeve_memory_pressure *ret);
int reeve__memory_on_pressure(struct reeve *r, reeve_pool_id pool, reeve_memory_shrink_fn shrink,
	void *arg, struct reeve_error *err);
int reeve__memory_off_pressure(
	struct reeve *r, reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err);
/* ---- memory_advisor.c ---- */

void reeve__memory_sample(struct reeve *r, uint32_t pool, uint64_t hash);
int reeve__memory_miss_ratio(struct reeve *r, reeve_pool_id pool, const uint64_t *sizes, uint32_t n,
	uint32_t *ret_ppm, struct reeve_memory_curve *ret_curve, struct reeve_error *err);
int reeve__memory_curve_reset(struct reeve *r, reeve_pool_id pool, struct reeve_error *err);
void reeve__memory_curves_flush(struct reeve *r);
int reeve__memory_tune(struct reeve *r, bool apply, struct reeve_memory_recommendation *ret,
	uint32_t capacity, struct reeve_error *err);
void reeve__memory_curve_clear(struct reeve *r, uint32_t pool);

/* ---- memory_check.c ---- */

void reeve__memory_stats(struct reeve *r, struct reeve_memory_stats *ret);
/* The same under the lock, with the host's figures as they were at the last look. */
void reeve__memory_stats_locked(struct reeve *r, struct reeve_memory_stats *ret);
/* Asks the host for them. No lock held. */
void reeve__memory_host_look(struct reeve *r);
/* Resizes that were made without an operator. */
uint64_t reeve__memory_adjustments(struct reeve *r);

/* ---- the hot paths ---- */

/* What was charged to a session by its id, and for its admission, which is work area. */
static inline uint64_t reeve__quota_by_hand(const struct reeve_sh_quota *q, uint32_t kind)
{
	uint64_t admitted = kind == REEVE_MEMORY_WORK_AREA ? reeve__get(&q->admitted) : 0;

	return reeve__get(&q->hand[kind]) + admitted;
}

/* What a session holds that its owner did not charge: by hand, and allocations. */
static inline uint64_t reeve__quota_by_others(const struct reeve_sh_quota *q)
{
	return reeve__quota_by_hand(q, 0) + reeve__quota_by_hand(q, 1) + reeve__get(&q->owned);
}

/* A session's peak, as whoever holds the memory lock sees it; its owner keeps one of its own. */
static inline void reeve__quota_peak_locked(struct reeve_sh_quota *q)
{
	uint64_t all =
		reeve__get(&q->used[0]) + reeve__get(&q->used[1]) + reeve__quota_by_others(q);

	if (all > q->hand_peak)
		q->hand_peak = all;
}

static inline void reeve__memory_note(
	struct reeve_sh_quota *q, uint32_t kind, uint64_t bytes, reeve_ns wall)
{
	uint64_t used = reeve__get(&q->used[kind]) + bytes, all;

	reeve__put(&q->used[kind], used);
	reeve__put(&q->charges, reeve__get(&q->charges) + 1);
	reeve__put(&q->last_wall, wall);
	all = used + reeve__get(&q->used[kind ^ 1]) + reeve__quota_by_others(q);
	if (all > reeve__get(&q->peak))
		reeve__put(&q->peak, all);
}

/*
 * One compare-and-swap when the session's credit is enough, no limit has changed since it was given
 * and pressure is below HIGH.
 */
static inline int reeve__memory_charge(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	struct reeve_sh_quota *q = s->quota;
	struct reeve *r = s->r;
	uint64_t room;

	if (REEVE_UNLIKELY(kind >= REEVE_SH_KINDS || bytes == 0 || !q ||
			   reeve__get(&r->memory->level) >= REEVE_PRESSURE_HIGH ||
			   reeve__get(&q->ruling_seen) != reeve__get(&r->header->ruling)))
		return reeve__memory_charge_slow(s, kind, bytes, err);
	room = reeve__get(&q->room[kind]);
	do {
		if (REEVE_UNLIKELY(bytes > room))
			return reeve__memory_charge_slow(s, kind, bytes, err);
	} while (!atomic_compare_exchange_weak_explicit(
		&q->room[kind], &room, room - bytes, memory_order_relaxed, memory_order_relaxed));
	reeve__memory_note(q, kind, bytes, reeve__get(&r->memory->clock_wall));
	return 0;
}

static inline int reeve__memory_release(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	struct reeve_sh_quota *q = s->quota;
	uint64_t used;

	if (REEVE_UNLIKELY(kind >= REEVE_SH_KINDS || !q ||
			   reeve__get(&s->r->memory->level) >= REEVE_PRESSURE_MEDIUM))
		return reeve__memory_release_slow(s, kind, bytes, err);
	used = reeve__get(&q->used[kind]);
	if (REEVE_UNLIKELY(bytes == 0 || bytes > used ||
			   reeve__get(&q->room[kind]) + bytes > REEVE__ROOM_MOST))
		return reeve__memory_release_slow(s, kind, bytes, err);
	/* In this order, so that used + room never exceeds credit. */
	reeve__put(&q->used[kind], used - bytes);
	atomic_fetch_add_explicit(&q->room[kind], bytes, memory_order_release);
	return 0;
}

static inline void reeve__memory_access(struct reeve *r, reeve_pool_id id, uint64_t page)
{
	uint64_t lane = ((uint64_t)(uintptr_t)pthread_self() >> 12) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = reeve__shards_hash(page);
	uint32_t pool = (uint32_t)id.v - 1;
	_Atomic uint64_t *told;

	if (REEVE_UNLIKELY(id.v - 1 > REEVE__PGA)) {
		pool = reeve__memory_pool_of(r, id.v);
		if (pool == REEVE_NONE)
			return;
	}
	told = &r->accesses[lane >> 60][pool];
	reeve__add(told, 1);
	if (REEVE_UNLIKELY(reeve__shards_wants(reeve__get(&r->memory->pools[pool].sample), hash)))
		reeve__memory_sample(r, pool, hash);
}

#endif
