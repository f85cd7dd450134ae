/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_alloc.c - allocations: a handle for each, an owner for each.
 *
 * An allocation counts from its publication to its slot's being free; whoever dies in between leaves
 * sums that the next to take the lock makes anew.
 */
#include "memory.h"

/* ---- a session's list ---- */

void reeve__allocation_link_locked(struct reeve *r, uint32_t i)
{
	struct reeve_sh_allocation *a = &r->allocations[i];
	struct reeve_sh_quota *q;

	a->next = a->previous = REEVE_NONE;
	if (a->session_id == 0 || a->quota >= r->header->quotas.capacity)
		return;
	q = &r->quotas[a->quota];
	a->next = q->first_owned;
	if (a->next < r->header->allocations.capacity)
		r->allocations[a->next].previous = i;
	q->first_owned = i;
	if (reeve__memory_is_private(reeve__memory_def(r), a->pool)) {
		reeve__put(&q->owned, reeve__get(&q->owned) + a->bytes);
		reeve__memory_group_add_locked(r, q->group, a->bytes);
	}
}

static void unlink_allocation(struct reeve *r, uint32_t i)
{
	struct reeve_sh_allocation *a = &r->allocations[i];
	uint32_t capacity = r->header->allocations.capacity;
	struct reeve_sh_quota *q;

	if (a->session_id == 0 || a->quota >= r->header->quotas.capacity)
		return;
	q = &r->quotas[a->quota];
	if (a->previous < capacity)
		r->allocations[a->previous].next = a->next;
	else
		q->first_owned = a->next;
	if (a->next < capacity)
		r->allocations[a->next].previous = a->previous;
	if (reeve__memory_is_private(reeve__memory_def(r), a->pool)) {
		uint64_t owned = reeve__get(&q->owned);
		reeve__put(&q->owned, owned > a->bytes ? owned - a->bytes : 0);
		reeve__memory_group_sub_locked(r, q->group, a->bytes);
	}
}

/* ---- allocate ---- */

struct request {
	uint32_t pool, quota;
	uint64_t bytes, session_id;
	const char *tag;
};

static uint64_t publish_allocation(struct reeve *r, uint32_t i, const struct request *q)
{
	struct reeve_sh_memory *m = r->memory;
	struct reeve_sh_allocation *a = &r->allocations[i];
	uint64_t id = m->next_allocation_id++;

	a->bytes = q->bytes;
	a->session_id = q->session_id;
	a->created_cycles = reeve__cycles(r);
	a->pool = q->pool;
	a->attachment = r->attachment;
	a->quota = q->quota;
	a->tag[0] = 0;
	if (q->tag)
		reeve__text_copy(a->tag, sizeof(a->tag), q->tag);
	reeve__table_publish(r, &r->header->allocations, i, id, NULL);
	REEVE_POINT(MEMORY_PUBLISHED);
	reeve__allocation_link_locked(r, i);
	m->pools[q->pool].allocations++;
	m->pool_bytes += q->bytes;
	m->allocations++;
	reeve__memory_add_locked(r, q->pool, q->bytes);
	if (q->quota != REEVE_NONE)
		reeve__quota_peak_locked(&r->quotas[q->quota]);
	return id;
}

/* Whether quota, group, pools and pressure admit it. */
static bool admit(struct reeve *r, const struct request *q, struct reeve__refusal *why)
{
	bool is_system = q->quota != REEVE_NONE && reeve__quota_is_system(r, q->quota);

	if (q->quota != REEVE_NONE && reeve__memory_is_private(reeve__memory_def(r), q->pool)) {
		if (!reeve__quota_admit_locked(r, q->quota, REEVE_MEMORY_PGA, q->bytes, why)) {
			reeve__quota_take_room_locked(r, q->quota);
			if (!reeve__quota_admit_locked(
				    r, q->quota, REEVE_MEMORY_PGA, q->bytes, why))
				return false;
		}
	}
	return reeve__memory_admit_locked(r, q->pool, q->bytes, is_system, why);
}

enum outcome { DONE, REFUSED, FULL };

static enum outcome try_locked(
	struct reeve *r, const struct request *q, uint64_t *ret_id, struct reeve__refusal *why)
{
	uint32_t i;

	if (!admit(r, q, why)) {
		r->memory->pools[q->pool].failed++;
		return REFUSED;
	}
	i = reeve__table_claim(r, &r->header->allocations);
	if (i == REEVE_NONE) {
		r->memory->pools[q->pool].failed++;
		return FULL;
	}
	REEVE_POINT(MEMORY_CLAIMED);
	*ret_id = publish_allocation(r, i, q);
	return DONE;
}

/* Takes the lock with pool and quota found; releases it when one is not there. */
static int begin(struct reeve *r, reeve_pool_id pool, reeve_session_id session, struct request *q,
	struct reeve_error *err)
{
	int rc;

	for (int tries = 0; tries < 2; tries++) {
		reeve__memory_lock(r);
		q->pool = reeve__memory_pool_of(r, pool.v);
		q->quota = session.v ? reeve__quota_find_locked(r, session.v) : REEVE_NONE;
		if (q->pool != REEVE_NONE && (q->quota != REEVE_NONE || session.v == 0))
			return 0;
		reeve__memory_unlock(r);
		if (q->pool == REEVE_NONE)
			return reeve__memory_unknown(
				r, REEVE_ENOT_FOUND, "memory pool", pool.v, "", err);
		rc = reeve__quota_ensure(r, session.v, err);
		if (rc)
			return rc;
	}
	return reeve__memory_unknown(
		r, REEVE_EINVALID_STATE, "session", session.v, " has ended", err);
}

int reeve__memory_allocate(struct reeve *r, reeve_pool_id pool, uint64_t bytes,
	reeve_session_id session, const char *tag, reeve_allocation_id *ret_id,
	struct reeve_error *err)
{
	struct request q = {.bytes = bytes, .session_id = session.v, .tag = tag};
	struct reeve__refusal why;
	enum outcome outcome;
	int rc = 0;

	if (bytes == 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "size is 0; allowed are 1 byte and more");
	if (tag)
		rc = reeve__text_check(tag, REEVE_MEMORY_TAG_MAX, true, "tag", err);
	if (!rc)
		rc = begin(r, pool, session, &q, err);
	if (rc)
		return rc;
	outcome = try_locked(r, &q, &ret_id->v, &why);
	reeve__memory_unlock(r);
	if (outcome == REFUSED && reeve__memory_sweep_helps(&why)) {
		reeve__memory_sweep(r);
		rc = begin(r, pool, session, &q, err);
		if (rc)
			return rc;
		r->memory->pools[q.pool].failed--; /* the second try says which it is */
		outcome = try_locked(r, &q, &ret_id->v, &why);
		reeve__memory_unlock(r);
	}
	if (outcome == FULL)
		return reeve__memory_table_full(
			r, &r->header->allocations, "memory allocations", err);
	return outcome == DONE ? 0 : reeve__memory_refuse(r, &why, err);
}

/* ---- free ---- */

void reeve__allocation_drop_locked(struct reeve *r, uint32_t i)
{
	struct reeve_sh_allocation *a = &r->allocations[i];
	struct reeve_sh_memory *m = r->memory;
	uint32_t pool = a->pool < REEVE_SH_POOLS ? a->pool : 0;

	unlink_allocation(r, i);
	if (m->pools[pool].allocations)
		m->pools[pool].allocations--;
	m->pool_bytes = m->pool_bytes > a->bytes ? m->pool_bytes - a->bytes : 0;
	m->deallocations++;
	reeve__memory_sub_locked(r, pool, a->bytes);
	REEVE_POINT(MEMORY_FREEING);
	reeve__table_free(r, &r->header->allocations, i, NULL);
	reeve__memory_freed_locked(r, a->bytes);
}

/* Whether this process, speaking for `session` (0: for itself), owns it. */
static bool may_free(const struct reeve *r, const struct reeve_sh_allocation *a, uint64_t session)
{
	const struct reeve_sh_quota *q;

	if (a->session_id == 0)
		return session == 0 && a->attachment == r->attachment;
	if (session)
		return session == a->session_id;
	if (a->attachment == r->attachment)
		return true;
	q = a->quota < r->header->quotas.capacity ? &r->quotas[a->quota] : NULL;
	return q && q->session < r->header->sessions.capacity &&
	       r->sessions[q->session].attachment == r->attachment;
}

int reeve__memory_free(
	struct reeve *r, reeve_allocation_id id, reeve_session_id session, struct reeve_error *err)
{
	uint64_t owner = 0;
	bool mine = false;
	uint32_t i;

	reeve__memory_lock(r);
	i = reeve__table_find(r, &r->header->allocations, id.v);
	if (i != REEVE_NONE) {
		owner = r->allocations[i].session_id;
		mine = may_free(r, &r->allocations[i], session.v);
		if (mine)
			reeve__allocation_drop_locked(r, i);
	}
	reeve__memory_unlock(r);
	if (mine)
		return 0;
	if (i == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "memory allocation %llu", (unsigned long long)id.v);
	if (owner)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"memory allocation %llu is session %llu's", (unsigned long long)id.v,
			(unsigned long long)owner);
	return reeve__fail(err, REEVE_EPERMISSION_DENIED,
		"memory allocation %llu is another process's", (unsigned long long)id.v);
}

/* A process's own allocation, in that pool. */
static bool is_own(const struct reeve *r, uint32_t i, uint32_t pool, uint32_t attachment)
{
	const struct reeve_sh_allocation *a = &r->allocations[i];

	return reeve__get(&a->head.state) == REEVE_SLOT_LIVE && a->session_id == 0 &&
	       a->attachment == attachment && (pool == REEVE_NONE || a->pool == pool);
}

static uint64_t own_bytes(const struct reeve *r, uint32_t pool)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->allocations); i++)
		if (is_own(r, i, pool, r->attachment))
			sum += r->allocations[i].bytes;
	return sum;
}

static void shrink_allocation(struct reeve *r, uint32_t i, uint64_t bytes)
{
	struct reeve_sh_allocation *a = &r->allocations[i];

	a->bytes -= bytes;
	r->memory->pool_bytes -= bytes;
	reeve__memory_sub_locked(r, a->pool, bytes);
	reeve__memory_freed_locked(r, bytes);
}

/* Part or all of one allocation; the bytes that are still to be given back. */
static uint64_t give_back_one(struct reeve *r, uint32_t i, uint64_t bytes)
{
	uint64_t held = r->allocations[i].bytes;

	if (held > bytes) {
		shrink_allocation(r, i, bytes);
		return 0;
	}
	reeve__allocation_drop_locked(r, i);
	return bytes - held;
}

int reeve__memory_give_back(
	struct reeve *r, reeve_pool_id pool, uint64_t bytes, struct reeve_error *err)
{
	uint64_t held = 0, left = bytes;
	uint32_t p;

	if (bytes == 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "size is 0; allowed are 1 byte and more");
	reeve__memory_lock(r);
	p = reeve__memory_pool_of(r, pool.v);
	if (p != REEVE_NONE)
		held = own_bytes(r, p);
	for (uint32_t i = 0; held >= bytes && left; i++)
		if (is_own(r, i, p, r->attachment))
			left = give_back_one(r, i, left);
	reeve__memory_unlock(r);
	if (p == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "memory pool %llu", (unsigned long long)pool.v);
	if (held < bytes)
		return reeve__fail(err, REEVE_ECONFLICT,
			"%llu bytes cannot be returned to memory pool %llu: this process holds "
			"%llu there",
			(unsigned long long)bytes, (unsigned long long)pool.v,
			(unsigned long long)held);
	return 0;
}

void reeve__memory_reap(struct reeve *r, uint32_t attachment)
{
	uint32_t i = 0, used, n;

	do { /* a few at a time, so that nobody waits long for the lock */
		reeve__memory_lock(r);
		used = reeve__table_used(&r->header->allocations);
		for (n = 0; i < used && n < REEVE__SWEEP; i++, n++)
			if (is_own(r, i, REEVE_NONE, attachment))
				reeve__allocation_drop_locked(r, i);
		reeve__memory_unlock(r);
	} while (i < used);
}

/* ---- looking ---- */

static void fill_info(struct reeve *r, uint32_t i, struct reeve_allocation_info *ret)
{
	const struct reeve_sh_allocation *a = &r->allocations[i];
	uint64_t ago = reeve__cycles_ns(r, reeve__cycles(r) - a->created_cycles);
	uint32_t g = a->quota < r->header->quotas.capacity && a->session_id
			     ? r->quotas[a->quota].group
			     : REEVE_NONE;

	memset(ret, 0, sizeof(*ret));
	ret->id.v = a->head.id;
	ret->pool.v = a->pool < REEVE_SH_POOLS ? reeve__memory_def(r)->pools[a->pool].id : 0;
	ret->session.v = a->session_id;
	ret->group.v = g < r->group_capacity ? r->groups[g].head.id : 0;
	ret->pid = a->attachment < r->header->attachments.capacity
			   ? r->attachments[a->attachment].pid
			   : 0;
	ret->bytes = a->bytes;
	reeve__text_copy(ret->tag, sizeof(ret->tag), a->tag);
	ret->created_wall = reeve__wall(r) - (reeve_ns)ago;
}

int reeve__allocation_get(struct reeve *r, reeve_allocation_id id,
	struct reeve_allocation_info *ret, struct reeve_error *err)
{
	uint32_t i;

	reeve__memory_lock(r);
	i = reeve__table_find(r, &r->header->allocations, id.v);
	if (i != REEVE_NONE)
		fill_info(r, i, ret);
	reeve__memory_unlock(r);
	return i == REEVE_NONE ? reeve__fail(err, REEVE_ENOT_FOUND, "memory allocation %llu",
					 (unsigned long long)id.v)
			       : 0;
}

uint32_t reeve__allocation_copy(struct reeve *r, reeve_allocation_id after, reeve_pool_id pool,
	reeve_session_id session, struct reeve_allocation_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	do {
		reeve__memory_lock(r);
		n = reeve__table_list(
			r, &r->header->allocations, after.v, false, slots, REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			fill_info(r, slots[k], &ret[done]);
			after = ret[done].id;
			done += (pool.v == 0 || ret[done].pool.v == pool.v) &&
				(session.v == 0 || ret[done].session.v == session.v);
		}
		reeve__memory_unlock(r);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}
