/* SPDX-License-Identifier: Apache-2.0 */
/* memory_check.c - statistics of the memory domain, and its checks. */
#include "memory.h"

#include <stdlib.h>

void reeve__memory_host_look(struct reeve *r)
{
	struct reeve_host_memory h = {.system_bytes = 0};

	if (r->host->memory && !r->host->memory(r->host->self, &h))
		h = (struct reeve_host_memory){.container_limit_bytes = REEVE_UNLIMITED};
	if (h.container_limit_bytes && h.container_limit_bytes < h.system_bytes)
		h.system_bytes = h.container_limit_bytes;
	reeve__put(&r->host_system_bytes, h.system_bytes);
	reeve__put(&r->host_resident_bytes, h.resident_bytes);
}

void reeve__memory_stats_locked(struct reeve *r, struct reeve_memory_stats *ret)
{
	struct reeve_sh_memory *m = r->memory;

	reeve__lock_assert(&m->lock);
	*ret = (struct reeve_memory_stats){
		.allocations = m->allocations,
		.deallocations = m->deallocations,
		.allocated_bytes = m->taken_bytes,
		.freed_bytes = m->returned_bytes,
		.used_bytes = m->used,
		.peak_bytes = m->peak,
		.limit_bytes = reeve__memory_def(r)->limit_bytes,
		.pool_bytes = m->pool_bytes,
		.session_bytes = m->session_bytes,
		.pressure_events = m->pressure_events,
		.auto_adjustments = m->auto_adjustments,
		.reclaimed_bytes = reeve__get(&m->reclaimed),
		.system_bytes = reeve__get(&r->host_system_bytes),
		.resident_bytes = reeve__get(&r->host_resident_bytes),
		.level = reeve__get(&m->level),
	};
	for (uint32_t i = 0; i < REEVE_REFUSED_CAUSES; i++) {
		ret->failed[i] = reeve__get(&m->failed[i]);
		ret->failed_allocations += ret->failed[i];
	}
}

void reeve__memory_stats(struct reeve *r, struct reeve_memory_stats *ret)
{
	reeve__memory_host_look(r);
	reeve__memory_lock(r);
	reeve__memory_stats_locked(r, ret);
	reeve__memory_unlock(r);
}

uint64_t reeve__memory_adjustments(struct reeve *r)
{
	uint64_t n;

	reeve__memory_lock(r);
	n = r->memory->auto_adjustments;
	reeve__memory_unlock(r);
	return n;
}

/* ---- validate ---- */

/* The sums as they ought to be. */
struct sums {
	uint64_t pools[REEVE_SH_POOLS], allocations[REEVE_SH_POOLS];
	uint64_t used, pool_bytes, session_bytes, live;
	uint64_t *groups;
	uint32_t *sessions;
	uint32_t group_count;
	const char *fault;
};

static void sum_up(struct reeve *r, struct sums *s, uint32_t pool, uint64_t bytes)
{
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);

	for (uint32_t i = pool, n = 0; i != REEVE_NONE && n < REEVE_SH_POOLS; n++) {
		s->pools[i] += bytes;
		i = reeve__memory_parent(d, i);
	}
	s->used += bytes;
}

/* The owner of a quota changes used and room without a lock: look until both stand still. */
static bool overspent(const struct reeve_sh_quota *q, uint32_t k)
{
	for (int tries = 0; tries < 1000; tries++) {
		uint64_t used = atomic_load(&q->used[k]), room = atomic_load(&q->room[k]);
		if (used + room <= reeve__get(&q->credit[k]))
			return false;
	}
	return true;
}

static void sum_quota(struct reeve *r, struct sums *s, uint32_t i)
{
	const struct reeve_sh_quota *q = &r->quotas[i];
	const struct reeve_sh_header *h = r->header;
	uint64_t bytes = 0;

	if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE)
		return;
	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++) {
		bytes += reeve__get(&q->credit[k]) + reeve__quota_by_hand(q, k);
		if (overspent(q, k))
			s->fault = "a session has spent more memory than its credit";
	}
	s->session_bytes += bytes;
	sum_up(r, s, REEVE__PGA, bytes);
	if (q->group >= s->group_count) {
		s->fault = "a memory quota names a group that does not exist";
		return;
	}
	s->groups[q->group] += bytes + reeve__get(&q->owned);
	s->sessions[q->group]++;
	if (q->session == REEVE_NONE)
		return;
	if (q->session >= h->sessions.capacity ||
		reeve__get(&r->quota_of_session[q->session]) != i + 1)
		s->fault = "a session and its memory quota do not name each other";
	else if (reeve__get(&r->sessions[q->session].head.state) != REEVE_SLOT_LIVE ||
		 r->sessions[q->session].head.id != q->head.id)
		s->fault = "a memory quota has outlived its session";
	else if (reeve__get(&r->sessions[q->session].group) != q->group)
		s->fault = "a session's memory counts in another group than its own";
}

static void sum_allocation(struct reeve *r, struct sums *s, uint32_t i)
{
	const struct reeve_sh_allocation *a = &r->allocations[i];

	if (reeve__get(&a->head.state) != REEVE_SLOT_LIVE)
		return;
	if (a->pool >= REEVE_SH_POOLS || reeve__memory_def(r)->pools[a->pool].id == 0) {
		s->fault = "a memory allocation names a pool that does not exist";
		return;
	}
	if (a->session_id && reeve__quota_find_locked(r, a->session_id) != a->quota)
		s->fault = "a memory allocation has outlived its session's quota";
	s->live++;
	s->allocations[a->pool]++;
	s->pool_bytes += a->bytes;
	sum_up(r, s, a->pool, a->bytes);
}

static const char *compare_pools(struct reeve *r, const struct sums *s)
{
	const struct reeve_sh_memory_def *d = reeve__memory_def(r);
	const struct reeve_sh_memory *m = r->memory;

	for (uint32_t i = 0; i < REEVE_SH_POOLS; i++) {
		const struct reeve_sh_pool_def *p = &d->pools[i];
		if (p->id == 0)
			continue;
		if (m->pools[i].allocated != s->pools[i] ||
			m->pools[i].allocations != s->allocations[i])
			return "a memory pool's account differs from what it holds";
		if (s->pools[i] > p->max_bytes)
			return "a memory pool holds more than its maximum";
		if (p->max_bytes > reeve__memory_budget(d, reeve__memory_parent(d, i)) ||
			p->min_bytes > p->max_bytes)
			return "a memory pool's bounds do not fit";
		if (reeve__get(&m->pools[i].id) != p->id)
			return "a memory pool's account is another pool's";
	}
	if (s->used > d->limit_bytes)
		return "more memory is in use than the database limit";
	return NULL;
}

static const char *compare(struct reeve *r, const struct sums *s)
{
	const struct reeve_sh_memory *m = r->memory;
	const char *fault = compare_pools(r, s);

	if (s->fault || fault)
		return s->fault ? s->fault : fault;
	if (m->used != s->used || m->pool_bytes != s->pool_bytes ||
		m->session_bytes != s->session_bytes)
		return "memory in use differs from what pools and sessions hold";
	if (m->allocations != m->deallocations + s->live)
		return "memory allocations made are not those freed and those live";
	if (m->taken_bytes != m->returned_bytes + s->used)
		return "bytes of memory taken are not those returned and those in use";
	for (uint32_t g = 0; g < s->group_count; g++)
		if (r->memory_groups[g].group_id == r->groups[g].head.id
				? r->memory_groups[g].used != s->groups[g] ||
					  r->memory_groups[g].sessions != s->sessions[g]
				: s->groups[g] != 0)
			return "a group's memory differs from what its sessions hold";
	return NULL;
}

/* Under the session lock, so that no session ends meanwhile, and the memory lock. */
static const char *check_sums(struct reeve *r, struct sums *s)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->quotas); i++)
		sum_quota(r, s, i);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->allocations); i++)
		sum_allocation(r, s, i);
	return compare(r, s);
}

int reeve__memory_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct sums s = {.group_count = r->group_capacity};
	const char *faults[4];
	int n = 0;

	s.groups = calloc(s.group_count, sizeof(*s.groups));
	s.sessions = calloc(s.group_count, sizeof(*s.sessions));
	reeve__sessions_lock(r);
	reeve__memory_lock(r);
	if ((faults[n] = reeve__table_check(r, &r->header->quotas)))
		n++;
	if ((faults[n] = reeve__table_check(r, &r->header->allocations)))
		n++;
	if ((faults[n] = reeve__table_check(r, &r->header->externals)))
		n++;
	faults[n] =
		s.groups && s.sessions ? check_sums(r, &s) : "out of memory while checking memory";
	n += faults[n] != NULL;
	reeve__memory_unlock(r);
	reeve__sessions_unlock(r);
	free(s.groups);
	free(s.sessions);
	for (int k = 0; found && k < n; k++)
		found(arg, faults[k]);
	return n;
}
