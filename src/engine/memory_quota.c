/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_quota.c - quotas of sessions: their making, resizing, moving and end.
 *
 *	LIVE    counted; its session lives, or is an outside engine's
 *	KEPT    nothing is counted any more, but the session's owner may still have its address
 *
 * A session's quota is made under the session lock, so that it cannot outlive the session unseen, and
 * its slot is noted before it is published, so that whoever ends the session looks here.
 */
#include "memory.h"

uint32_t reeve__quota_find_locked(const struct reeve *r, uint64_t session_id)
{
	uint32_t i = reeve__table_find(r, &r->header->quotas, session_id);

	return i != REEVE_NONE && reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE
		       ? i
		       : REEVE_NONE;
}

/* Where a session stands: its slot when it is ours and lives. */
enum standing { OURS, ENDED, UNKNOWN };

static enum standing look_up(struct reeve *r, uint64_t id, uint32_t *ret_slot)
{
	*ret_slot = reeve__table_find(r, &r->header->sessions, id);
	if (*ret_slot == REEVE_NONE)
		return UNKNOWN;
	return reeve__get(&r->sessions[*ret_slot].head.state) == REEVE_SLOT_LIVE ? OURS : ENDED;
}

/* ---- making one; session and memory locks ---- */

struct terms {
	uint64_t session_id;
	uint32_t session, group; /* slots; session REEVE_NONE: an outside engine's */
	uint64_t max_pga, max_work_area;
};

static void fill_quota(struct reeve *r, struct reeve_sh_quota *q, const struct terms *t)
{
	memset((char *)q + sizeof(q->head), 0, sizeof(*q) - sizeof(q->head));
	q->session = t->session;
	q->group = t->group;
	q->first_owned = REEVE_NONE;
	q->chunk = (uint32_t)REEVE__CREDIT_LEAST;
	q->max_bytes[REEVE_MEMORY_PGA] = t->max_pga;
	q->max_bytes[REEVE_MEMORY_WORK_AREA] = t->max_work_area;
	reeve__memory_group_locked(r, t->group)->sessions++;
}

enum making { MADE, NO_SLOT, NO_NOTE };

static enum making make_quota_locked(struct reeve *r, const struct terms *t)
{
	struct reeve_sh_table *table = &r->header->quotas;
	uint32_t i = reeve__table_find(r, table, t->session_id);

	if (i != REEVE_NONE) { /* KEPT: it was removed, its session goes on */
		fill_quota(r, &r->quotas[i], t);
		atomic_store(&r->quotas[i].head.state, (uint32_t)REEVE_SLOT_LIVE);
		return MADE;
	}
	i = reeve__table_claim(r, table);
	if (i == REEVE_NONE)
		return NO_SLOT;
	REEVE_POINT(MEMORY_CLAIMED);
	if (t->session == REEVE_NONE && !reeve__external_session_note(r, t->session_id)) {
		reeve__table_free(r, table, i, NULL);
		return NO_NOTE;
	}
	if (t->session != REEVE_NONE)
		reeve__put(&r->quota_of_session[t->session], i + 1);
	fill_quota(r, &r->quotas[i], t);
	reeve__table_publish(r, table, i, t->session_id, NULL);
	REEVE_POINT(MEMORY_PUBLISHED);
	return MADE;
}

static int making_failed(struct reeve *r, enum making made, struct reeve_error *err)
{
	if (made == NO_NOTE)
		return reeve__memory_table_full(
			r, &r->header->externals, "outside engines' sessions", err);
	return reeve__memory_table_full(r, &r->header->quotas, "memory quotas", err);
}

/* Quotas that were not given, by the group's limit a session. */
static void fill_terms(uint64_t cap, struct terms *t)
{
	if (t->max_pga == REEVE_UNLIMITED)
		t->max_pga = cap != REEVE_UNLIMITED ? cap : REEVE_MEMORY_PGA_DEFAULT;
	if (t->max_work_area == REEVE_UNLIMITED)
		t->max_work_area = t->max_pga / 4;
}

/* The quota of a session of ours, made when it has none. Session lock held; takes the memory lock. */
static enum making ensure_ours(struct reeve *r, uint64_t session_id, uint32_t session)
{
	struct terms t = {.session_id = session_id,
		.session = session,
		.group = reeve__get(&r->sessions[session].group),
		.max_pga = REEVE_UNLIMITED,
		.max_work_area = REEVE_UNLIMITED};
	enum making made = MADE;

	reeve__memory_lock(r);
	if (reeve__quota_find_locked(r, session_id) == REEVE_NONE) {
		fill_terms(reeve__memory_limits_locked(r, t.group).max_session, &t);
		made = make_quota_locked(r, &t);
	}
	reeve__memory_unlock(r);
	return made;
}

int reeve__quota_ensure(struct reeve *r, uint64_t session_id, struct reeve_error *err)
{
	enum making made = MADE;
	enum standing standing;
	uint32_t session;

	reeve__sessions_lock(r);
	standing = look_up(r, session_id, &session);
	if (standing == OURS)
		made = ensure_ours(r, session_id, session);
	reeve__sessions_unlock(r);
	if (standing == ENDED)
		return reeve__memory_unknown(
			r, REEVE_EINVALID_STATE, "session", session_id, " has ended", err);
	if (standing == UNKNOWN)
		return reeve__memory_unknown(r, REEVE_ENOT_FOUND, "session", session_id,
			"; one of an outside engine wants a quota first", err);
	return made == MADE ? 0 : making_failed(r, made, err);
}

int reeve__quota_ensure_locked(struct reeve *r, uint32_t session, struct reeve_error *err)
{
	enum making made = ensure_ours(r, r->sessions[session].head.id, session);

	return made == MADE ? 0 : making_failed(r, made, err);
}

/* ---- setting one ---- */

static int check_terms(struct reeve *r, reeve_session_id session, uint64_t max_pga,
	uint64_t max_work_area, struct reeve_error *err)
{
	(void)r;
	if (session.v == 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "session is 0; allowed are 1 and more");
	if (max_pga == 0 || max_work_area == 0)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"%s is 0; allowed are 1 byte and more",
			max_pga ? "maxWorkArea" : "maxPgaMemory");
	return 0;
}

/* Session and memory locks held; `group` is REEVE_NONE when the caller named none. */
static int set_locked(struct reeve *r, struct terms *t, enum standing standing, uint32_t i,
	struct reeve_error *err)
{
	struct reeve__memory_limits limits = reeve__memory_limits_locked(r, t->group);
	enum making made;

	if (t->max_pga != REEVE_UNLIMITED && t->max_pga > limits.max_session)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"maxPgaMemory is %llu; consumer group %.128s allows a session %llu bytes",
			(unsigned long long)t->max_pga, r->groups[t->group].name,
			(unsigned long long)limits.max_session);
	fill_terms(limits.max_session, t);
	if (i != REEVE_NONE) {
		r->quotas[i].max_bytes[REEVE_MEMORY_PGA] = t->max_pga;
		r->quotas[i].max_bytes[REEVE_MEMORY_WORK_AREA] = t->max_work_area;
		reeve__put(&r->quotas[i].ruling_seen, 0); /* its next charge looks at the limit */
		reeve__quota_take_room_locked(r, i);
		return 0;
	}
	if (standing == UNKNOWN)
		t->session = REEVE_NONE;
	made = make_quota_locked(r, t);
	return made == MADE ? 0 : making_failed(r, made, err);
}

/* The group that the quota is in; `given` REEVE_NONE: not named. */
static int settle_group(struct reeve *r, struct terms *t, uint32_t given, enum standing standing,
	uint32_t quota, struct reeve_error *err)
{
	uint32_t own = standing == OURS	     ? reeve__get(&r->sessions[t->session].group)
		       : quota != REEVE_NONE ? r->quotas[quota].group
					     : REEVE_NONE;

	t->group = own != REEVE_NONE ? own : given;
	if (t->group == REEVE_NONE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"group is 0; session %llu, of an outside engine, wants one",
			(unsigned long long)t->session_id);
	if (t->group >= r->group_capacity)
		return reeve__fail(err, REEVE_EINTERNAL, "session %llu is damaged",
			(unsigned long long)t->session_id);
	if (given != REEVE_NONE && given != t->group)
		return reeve__fail(err, REEVE_ECONFLICT,
			"session %llu is of consumer group %llu, not of %llu",
			(unsigned long long)t->session_id,
			(unsigned long long)r->groups[t->group].head.id,
			(unsigned long long)r->groups[given].head.id);
	return 0;
}

int reeve__quota_set(struct reeve *r, reeve_session_id session, reeve_group_id group,
	uint64_t max_pga, uint64_t max_work_area, struct reeve_error *err)
{
	struct terms t = {
		.session_id = session.v, .max_pga = max_pga, .max_work_area = max_work_area};
	uint32_t given = REEVE_NONE, i;
	enum standing standing;
	int rc = check_terms(r, session, max_pga, max_work_area, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	if (group.v)
		rc = reeve__group_slot_locked(r, group, &given, err);
	reeve__sessions_lock(r);
	standing = look_up(r, session.v, &t.session);
	if (!rc && standing == ENDED)
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "session %llu has ended",
			(unsigned long long)session.v);
	reeve__memory_lock(r);
	i = reeve__quota_find_locked(r, session.v);
	if (!rc)
		rc = settle_group(r, &t, given, standing, i, err);
	if (!rc)
		rc = set_locked(r, &t, standing, i, err);
	reeve__memory_unlock(r);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	return rc;
}

/* ---- ending ---- */

/* All that a quota's session holds goes back; the slot is KEPT. */
static void end_quota_locked(struct reeve *r, uint32_t i)
{
	struct reeve_sh_quota *q = &r->quotas[i];
	struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, q->group);
	uint32_t capacity = r->header->allocations.capacity;
	uint64_t bytes = 0;

	for (uint32_t n = 0; q->first_owned < capacity && n < capacity; n++)
		reeve__allocation_drop_locked(r, q->first_owned);
	REEVE_POINT(MEMORY_ENDING);
	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++) {
		bytes += reeve__get(&q->credit[k]) + reeve__quota_by_hand(q, k);
		reeve__put(&q->room[k], 0);
		reeve__put(&q->credit[k], 0);
		reeve__put(&q->hand[k], 0);
	}
	reeve__put(&q->admitted, 0);
	reeve__table_keep(r, &r->header->quotas, i);
	mg->sessions -= mg->sessions > 0;
	reeve__memory_count_session_locked(r, i, 0, bytes);
}

/* LIVE or KEPT slot of our session's quota. */
static uint32_t quota_of(struct reeve *r, uint32_t session)
{
	uint32_t i = reeve__get(&r->quota_of_session[session]) - 1; /* 0 wraps to REEVE_NONE */

	return i < r->header->quotas.capacity && r->quotas[i].session == session &&
			       reeve__get(&r->quotas[i].head.state) >= REEVE_SLOT_LIVE
		       ? i
		       : REEVE_NONE;
}

void reeve__memory_session_end(struct reeve *r, uint32_t session)
{
	uint32_t i;

	if (REEVE_LIKELY(reeve__get(&r->quota_of_session[session]) == 0))
		return;
	reeve__memory_lock(r);
	i = quota_of(r, session);
	if (i != REEVE_NONE && reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE)
		end_quota_locked(r, i);
	reeve__memory_unlock(r);
}

void reeve__memory_session_release(struct reeve *r, uint32_t session)
{
	uint32_t i;

	if (REEVE_LIKELY(reeve__get(&r->quota_of_session[session]) == 0))
		return;
	reeve__memory_lock(r);
	i = quota_of(r, session);
	if (i != REEVE_NONE) {
		if (reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE)
			end_quota_locked(r, i);
		reeve__table_free(r, &r->header->quotas, i, NULL);
	}
	reeve__put(&r->quota_of_session[session], 0);
	reeve__memory_unlock(r);
}

/* Whether anything is charged to it, once unused credit is out of the way. */
static bool holds_any(struct reeve *r, uint32_t i)
{
	const struct reeve_sh_quota *q = &r->quotas[i];

	reeve__quota_take_room_locked(r, i);
	return reeve__get(&q->credit[0]) || reeve__get(&q->credit[1]) ||
	       reeve__quota_by_others(q) || q->first_owned != REEVE_NONE;
}

int reeve__quota_remove(struct reeve *r, reeve_session_id session, struct reeve_error *err)
{
	bool in_use = false;
	uint32_t i;

	reeve__memory_lock(r);
	i = reeve__quota_find_locked(r, session.v);
	if (i != REEVE_NONE) {
		bool ours = r->quotas[i].session != REEVE_NONE;
		in_use = ours && holds_any(r, i);
		if (!in_use)
			end_quota_locked(r, i);
		if (!ours)
			reeve__table_free(r, &r->header->quotas, i, NULL);
	}
	reeve__memory_unlock(r);
	if (in_use)
		return reeve__fail(err, REEVE_ECONFLICT,
			"session %llu has memory charged to it; end the session to return it",
			(unsigned long long)session.v);
	return i == REEVE_NONE ? reeve__fail(err, REEVE_ENOT_FOUND, "memory quota of session %llu",
					 (unsigned long long)session.v)
			       : 0;
}

/* ---- moving ---- */

static uint64_t counted_bytes(const struct reeve_sh_quota *q)
{
	uint64_t bytes = reeve__get(&q->owned);

	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++)
		bytes += reeve__get(&q->credit[k]) + reeve__quota_by_hand(q, k);
	return bytes;
}

static void move_locked(struct reeve *r, uint32_t i, uint32_t group)
{
	struct reeve_sh_quota *q = &r->quotas[i];
	struct reeve_sh_memory_group *from = reeve__memory_group_locked(r, q->group);
	uint64_t bytes = counted_bytes(q);

	from->sessions -= from->sessions > 0;
	reeve__memory_group_sub_locked(r, q->group, bytes);
	q->group = group;
	reeve__memory_group_locked(r, group)->sessions++;
	reeve__memory_group_add_locked(r, group, bytes);
	reeve__put(&q->ruling_seen, 0); /* its next charge looks at the new group's limits */
}

/* LIVE quota of our session that is not in that group yet. */
static uint32_t to_be_moved(struct reeve *r, uint32_t session, uint32_t group)
{
	uint32_t i = quota_of(r, session);

	return i != REEVE_NONE && reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE &&
			       r->quotas[i].group != group
		       ? i
		       : REEVE_NONE;
}

static bool try_move(struct reeve *r, uint32_t session, uint32_t group, struct reeve__refusal *why)
{
	bool admitted = true;
	uint32_t i;

	reeve__memory_lock(r);
	i = to_be_moved(r, session, group);
	if (i != REEVE_NONE) {
		reeve__quota_take_room_locked(r, i);
		admitted = reeve__group_admit_locked(r, group, counted_bytes(&r->quotas[i]), why);
		if (admitted)
			move_locked(r, i, group);
	}
	reeve__memory_unlock(r);
	return admitted;
}

int reeve__memory_session_move(
	struct reeve *r, uint32_t session, uint32_t group, struct reeve_error *err)
{
	struct reeve__refusal why;

	if (REEVE_LIKELY(reeve__get(&r->quota_of_session[session]) == 0) ||
		try_move(r, session, group, &why))
		return 0;
	reeve__memory_sweep(r); /* others of the group may have credit that they do not use */
	return try_move(r, session, group, &why) ? 0 : reeve__memory_refuse(r, &why, err);
}

void reeve__memory_session_follow(struct reeve *r, uint32_t session, uint32_t group)
{
	uint32_t i;

	if (reeve__get(&r->quota_of_session[session]) == 0)
		return;
	reeve__memory_lock(r);
	i = to_be_moved(r, session, group);
	if (i != REEVE_NONE)
		move_locked(r, i, group);
	reeve__memory_unlock(r);
}

/* ---- groups that go ---- */

/* Quotas looked at before others get the lock. */
#define STRETCH 256u

uint32_t reeve__memory_outside_quotas(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	reeve__memory_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->quotas); i++)
		n += reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE &&
		     r->quotas[i].session == REEVE_NONE && r->quotas[i].group == group;
	reeve__memory_unlock(r);
	return n;
}

int reeve__memory_group_fits(struct reeve *r, uint32_t from, uint32_t to, struct reeve_error *err)
{
	struct reeve__refusal why;
	bool fits;

	reeve__memory_sweep(r);
	reeve__memory_lock(r);
	fits = reeve__group_admit_locked(r, to, reeve__memory_group_locked(r, from)->used, &why);
	reeve__memory_unlock(r);
	return fits ? 0 : reeve__memory_refuse(r, &why, err);
}

void reeve__memory_group_move(struct reeve *r, uint32_t from, uint32_t to)
{
	const struct reeve_sh_table *t = &r->header->quotas;

	for (uint32_t at = 0; at < reeve__table_used(t); at += STRETCH) {
		reeve__memory_lock(r);
		for (uint32_t i = at; i < at + STRETCH && i < reeve__table_used(t); i++) {
			if (r->quotas[i].group != from)
				continue;
			if (reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE)
				move_locked(r, i, to);
			else
				r->quotas[i].group = to;
		}
		reeve__memory_unlock(r);
	}
}

/* ---- looking ---- */

static void fill_info(struct reeve *r, uint32_t i, struct reeve_memory_quota_info *ret)
{
	const struct reeve_sh_quota *q = &r->quotas[i];
	uint64_t used[REEVE_SH_KINDS], credit = 0, peak = reeve__get(&q->peak);

	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++) {
		uint64_t counted = reeve__get(&q->credit[k]);
		used[k] = reeve__get(&q->used[k]);
		if (used[k] > counted)
			used[k] = counted;
		credit += counted - used[k];
	}
	*ret = (struct reeve_memory_quota_info){
		.session = {q->head.id},
		.group = {q->group < r->group_capacity ? r->groups[q->group].head.id : 0},
		.max_pga_bytes = reeve__quota_limit_locked(r, i, REEVE_MEMORY_PGA),
		.max_work_area_bytes = q->max_bytes[REEVE_MEMORY_WORK_AREA],
		.pga_bytes = used[0] + reeve__quota_by_hand(q, 0) + reeve__get(&q->owned),
		.work_area_bytes = used[1] + reeve__quota_by_hand(q, 1),
		.credit_bytes = credit,
		.peak_bytes = peak > q->hand_peak ? peak : q->hand_peak,
		.charges = reeve__get(&q->charges) + q->hand_charges,
		.last_charge_wall = reeve__get(&q->last_wall),
		.is_registered = q->session != REEVE_NONE,
	};
}

int reeve__quota_get(struct reeve *r, reeve_session_id session, struct reeve_memory_quota_info *ret,
	struct reeve_error *err)
{
	uint32_t i;

	reeve__memory_lock(r);
	i = reeve__quota_find_locked(r, session.v);
	if (i != REEVE_NONE)
		fill_info(r, i, ret);
	reeve__memory_unlock(r);
	return i == REEVE_NONE ? reeve__fail(err, REEVE_ENOT_FOUND, "memory quota of session %llu",
					 (unsigned long long)session.v)
			       : 0;
}

uint32_t reeve__quota_copy(struct reeve *r, reeve_session_id after, reeve_group_id group,
	struct reeve_memory_quota_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	do {
		reeve__memory_lock(r);
		n = reeve__table_list(
			r, &r->header->quotas, after.v, false, slots, REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			fill_info(r, slots[k], &ret[done]);
			after = ret[done].session;
			done += group.v == 0 || ret[done].group.v == group.v;
		}
		reeve__memory_unlock(r);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}
