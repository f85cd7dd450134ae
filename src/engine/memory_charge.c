/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_charge.c - what sessions hold: credit, by-hand charges, groups' limits.
 *
 * Worked: a session with nothing charges 1,000 bytes: 66,536 are counted in the PGA pool, 1,000 are
 * used, 65,536 are room. Its next charges take from that, without a lock. When they have, 131,072
 * bytes more are counted, and so on up to 1 MiB. At pressure LOW it is 64 KiB each time, at HIGH
 * nothing beyond the charge itself.
 */
#include "memory.h"

/* ---- limits ---- */

struct reeve__memory_limits reeve__memory_limits_locked(struct reeve *r, uint32_t group)
{
	struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, group);
	uint32_t which = reeve__get(&mg->which) & 1;
	struct reeve__memory_limits l = {REEVE_UNLIMITED, REEVE_UNLIMITED, false};
	uint32_t slot = group < r->group_capacity ? group : 0;
	struct reeve__ruling_view view;

	for (int tries = 0; tries < 4;
		tries++) { /* three rulings come by at most while one is read */
		view = reeve__ruling_now(r);
		l.is_registered = mg->registration[which].activation ==
				  reeve__get(&view.head->activation) + 1;
		l.max_session = group < reeve__get(&view.head->groups)
					? reeve__get(&view.rows[group].session_pga_bytes)
					: REEVE_UNLIMITED;
		if (reeve__ruling_holds(&view))
			break;
	}
	l.max_group = reeve__get(&r->groups[slot].memory_bytes);
	if (!l.is_registered)
		return l;
	if (mg->registration[which].max_group < l.max_group)
		l.max_group = mg->registration[which].max_group;
	if (mg->registration[which].max_session != REEVE_UNLIMITED)
		l.max_session = mg->registration[which].max_session;
	return l;
}

bool reeve__quota_is_system(const struct reeve *r, uint32_t quota)
{
	uint32_t g = r->quotas[quota].group;

	return g < r->group_capacity && r->groups[g].head.id == REEVE_SYS_GROUP;
}

uint64_t reeve__quota_limit_locked(struct reeve *r, uint32_t quota, uint32_t kind)
{
	const struct reeve_sh_quota *q = &r->quotas[quota];
	uint64_t cap = REEVE_UNLIMITED;

	if (kind == REEVE_MEMORY_PGA)
		cap = reeve__memory_limits_locked(r, q->group).max_session;
	return q->max_bytes[kind] < cap ? q->max_bytes[kind] : cap;
}

static bool refuse(struct reeve__refusal *why, uint32_t cause, uint64_t id, uint64_t bytes,
	uint64_t limit, uint64_t used)
{
	why->cause = cause;
	why->id = id;
	why->asked = bytes;
	why->limit = limit;
	why->used = used;
	why->name[0] = 0;
	return false;
}

bool reeve__group_admit_locked(
	struct reeve *r, uint32_t group, uint64_t bytes, struct reeve__refusal *why)
{
	uint64_t limit = reeve__memory_limits_locked(r, group).max_group;
	uint64_t used = reeve__memory_group_locked(r, group)->used;

	if (used <= limit && bytes <= limit - used)
		return true;
	refuse(why, REEVE_REFUSED_GROUP, 0, bytes, limit, used);
	if (group < r->group_capacity)
		reeve__text_copy(why->name, sizeof(why->name), r->groups[group].name);
	return false;
}

bool reeve__quota_admit_locked(
	struct reeve *r, uint32_t quota, uint32_t kind, uint64_t bytes, struct reeve__refusal *why)
{
	const struct reeve_sh_quota *q = &r->quotas[quota];
	uint64_t limit = reeve__quota_limit_locked(r, quota, kind);
	uint64_t used = reeve__get(&q->credit[kind]) + reeve__quota_by_hand(q, kind);
	bool shrunk = kind == REEVE_MEMORY_WORK_AREA &&
		      reeve__get(&r->memory->level) >= REEVE_PRESSURE_HIGH &&
		      !reeve__quota_is_system(r, quota);

	if (kind == REEVE_MEMORY_PGA)
		used += reeve__get(&q->owned);
	if (shrunk)
		limit /= 4;
	if (used > limit || bytes > limit - used) {
		refuse(why,
			kind == REEVE_MEMORY_PGA ? REEVE_REFUSED_SESSION : REEVE_REFUSED_WORK_AREA,
			q->head.id, bytes, limit, used);
		if (shrunk)
			reeve__text_copy(why->name, sizeof(why->name), "shrunk");
		return false;
	}
	return reeve__group_admit_locked(r, q->group, bytes, why);
}

/* ---- counting ---- */

void reeve__memory_count_session_locked(
	struct reeve *r, uint32_t quota, uint64_t more, uint64_t less)
{
	struct reeve_sh_memory *m = r->memory;
	uint32_t group = r->quotas[quota].group;

	if (more > less) {
		m->session_bytes += more - less;
		reeve__memory_group_add_locked(r, group, more - less);
		reeve__memory_add_locked(r, REEVE__PGA, more - less);
	} else if (less > more) {
		less -= more;
		m->session_bytes = m->session_bytes > less ? m->session_bytes - less : 0;
		reeve__memory_group_sub_locked(r, group, less);
		reeve__memory_sub_locked(r, REEVE__PGA, less);
		reeve__memory_freed_locked(r, less);
	}
}

/* Lowers the credit of one kind to what is used and `keep` bytes of room. By the owner. */
static void trim_credit_locked(struct reeve *r, uint32_t i, uint32_t kind, uint64_t keep)
{
	struct reeve_sh_quota *q = &r->quotas[i];
	uint64_t used = reeve__get(&q->used[kind]), credit = reeve__get(&q->credit[kind]), kept;

	/* Nobody else adds room, and who takes it away holds the lock. */
	atomic_store_explicit(&q->room[kind], 0, memory_order_relaxed);
	if (credit < used)
		return; /* its session has ended */
	kept = credit - used < keep ? credit - used : keep;
	reeve__put(&q->credit[kind], used + kept);
	reeve__memory_count_session_locked(r, i, used + kept, credit);
	atomic_store_explicit(&q->room[kind], kept, memory_order_relaxed);
}

void reeve__quota_take_room_locked(struct reeve *r, uint32_t quota)
{
	struct reeve_sh_quota *q = &r->quotas[quota];

	for (uint32_t k = 0; k < REEVE_SH_KINDS; k++) {
		uint64_t credit = reeve__get(&q->credit[k]);
		/* Pairs with the release in reeve__memory_release. */
		uint64_t room = atomic_exchange_explicit(&q->room[k], 0, memory_order_acquire);
		if (room > credit)
			room = credit;
		reeve__put(&q->credit[k], credit - room);
		reeve__memory_count_session_locked(r, quota, 0, room);
	}
}

static void sweep_quota(struct reeve *r, uint32_t i)
{
	struct reeve_sh_quota *q = &r->quotas[i];

	if (reeve__get(&q->room[0]) || reeve__get(&q->room[1]))
		reeve__quota_take_room_locked(r, i);
	if (reeve__get(&q->ruling_seen))
		reeve__put(&q->ruling_seen, 0);
}

void reeve__memory_sweep(struct reeve *r)
{
	uint32_t i = 0, used, n;

	do {
		reeve__memory_lock(r);
		used = reeve__table_used(&r->header->quotas);
		for (n = 0; i < used && n < REEVE__SWEEP; i++, n++)
			if (reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE)
				sweep_quota(r, i);
		reeve__memory_unlock(r);
	} while (i < used);
}

bool reeve__memory_sweep_helps(const struct reeve__refusal *why)
{
	return why->cause == REEVE_REFUSED_POOL || why->cause == REEVE_REFUSED_PARENT ||
	       why->cause == REEVE_REFUSED_DATABASE || why->cause == REEVE_REFUSED_GROUP ||
	       why->cause == REEVE_REFUSED_PRESSURE ||
	       (why->cause == REEVE_REFUSED_WORK_AREA && *why->name); /* shrunk by pressure */
}

/* ---- the owner ---- */

/* Credit that a refill takes beyond the charge, if it can be had. */
static uint64_t extra_of(struct reeve *r, struct reeve_sh_quota *q)
{
	uint32_t level = reeve__get(&r->memory->level);
	uint64_t extra = q->chunk;

	if (level >= REEVE_PRESSURE_HIGH)
		return 0;
	if (level >= REEVE_PRESSURE_LOW)
		extra = REEVE__CREDIT_LEAST;
	if (q->chunk < REEVE__CREDIT_MOST)
		q->chunk *= 2;
	return extra;
}

static bool admit_all(
	struct reeve *r, uint32_t i, uint32_t kind, uint64_t bytes, struct reeve__refusal *why)
{
	return reeve__quota_admit_locked(r, i, kind, bytes, why) &&
	       reeve__memory_admit_locked(r, REEVE__PGA, bytes, reeve__quota_is_system(r, i), why);
}

enum outcome { DONE, REFUSED, GONE };

static enum outcome refill_locked(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve__refusal *why)
{
	struct reeve *r = s->r;
	struct reeve_sh_quota *q = s->quota;
	uint32_t i = (uint32_t)(q - r->quotas);
	uint64_t extra, credit;

	if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE || q->session != s->session)
		return GONE;
	/* While it is refused it holds more than its limits allow, so every charge comes here. */
	reeve__put(&q->ruling_seen, 0);
	trim_credit_locked(r, i, kind, 0);
	if (!admit_all(r, i, kind, bytes, why)) {
		r->memory->pools[REEVE__PGA].failed += why->cause == REEVE_REFUSED_POOL;
		return REFUSED;
	}
	extra = extra_of(r, q);
	if (extra && (bytes > UINT64_MAX - extra || !admit_all(r, i, kind, bytes + extra, why)))
		extra = 0;
	/* Nor may it spend what it releases of the other kind, while that is above its limit. */
	if (reeve__quota_admit_locked(r, i, kind ^ 1, 0, why))
		reeve__put(&q->ruling_seen, reeve__get(&r->header->ruling));
	credit = reeve__get(&q->credit[kind]);
	reeve__put(&q->credit[kind], credit + bytes + extra);
	REEVE_POINT(MEMORY_CREDITED);
	reeve__memory_count_session_locked(r, i, bytes + extra, 0);
	reeve__put(&r->memory->clock_wall, reeve__wall(r));
	reeve__memory_note(q, kind, bytes, reeve__get(&r->memory->clock_wall));
	atomic_store_explicit(&q->room[kind], extra, memory_order_relaxed);
	return DONE;
}

static int check_request(uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	if (kind >= REEVE_SH_KINDS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"kind is %u; allowed are 0 (PGA) and 1 (work area)", kind);
	if (bytes == 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "size is 0; allowed are 1 byte and more");
	return 0;
}

/* Gives the session a quota, or finds out that it has ended. */
static int bind_quota(struct reeve_session *s, struct reeve_error *err)
{
	struct reeve *r = s->r;
	int rc;

	if (reeve__get(&s->sh->head.state) != REEVE_SLOT_LIVE)
		return reeve__memory_unknown(
			r, REEVE_EKILLED, "session", s->sh->head.id, " was killed", err);
	rc = reeve__quota_ensure(r, s->sh->head.id, err);
	if (rc == REEVE_EINVALID_STATE) /* killed since the look above */
		return reeve__memory_unknown(
			r, REEVE_EKILLED, "session", s->sh->head.id, " was killed", err);
	if (rc)
		return rc;
	uint32_t i = reeve__get(&r->quota_of_session[s->session]) - 1;
	if (i >= r->header->quotas.capacity)
		return reeve__fail(err, REEVE_EKILLED, "session %llu was killed",
			(unsigned long long)s->sh->head.id);
	s->quota = &r->quotas[i];
	return 0;
}

int reeve__memory_charge_slow(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	struct reeve *r = s->r;
	struct reeve__refusal why;
	enum outcome outcome = GONE;
	int rc = check_request(kind, bytes, err);

	for (int tries = 0; !rc && tries < 3; tries++) {
		if (!s->quota || outcome == GONE)
			rc = s->quota && tries == 0 ? 0 : bind_quota(s, err);
		if (rc)
			break;
		reeve__memory_lock(r);
		outcome = refill_locked(s, kind, bytes, &why);
		reeve__memory_unlock(r);
		if (outcome == DONE)
			return 0;
		if (outcome == REFUSED && (tries > 0 || !reeve__memory_sweep_helps(&why)))
			break;
		if (outcome == REFUSED)
			reeve__memory_sweep(r);
	}
	if (rc)
		return rc;
	if (outcome == GONE)
		return reeve__memory_unknown(
			r, REEVE_EKILLED, "session", s->sh->head.id, " was killed", err);
	return reeve__memory_refuse(r, &why, err);
}

/* Room that a session may keep for its next charges. */
static uint64_t room_kept(const struct reeve *r)
{
	return reeve__get(&r->memory->level) >= REEVE_PRESSURE_LOW ? 0 : REEVE__CREDIT_LEAST;
}

int reeve__memory_release_slow(
	struct reeve_session *s, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	struct reeve *r = s->r;
	struct reeve_sh_quota *q = s->quota;
	uint64_t used;
	int rc = check_request(kind, bytes, err);

	if (rc)
		return rc;
	used = q ? reeve__get(&q->used[kind]) : 0;
	if (bytes > used)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"%llu bytes cannot be released: session %llu was charged %llu",
			(unsigned long long)bytes, (unsigned long long)s->sh->head.id,
			(unsigned long long)used);
	reeve__put(&q->used[kind], used - bytes);
	reeve__memory_lock(r);
	if (reeve__get(&q->head.state) == REEVE_SLOT_LIVE && q->session == s->session)
		trim_credit_locked(r, (uint32_t)(q - r->quotas), kind, room_kept(r));
	reeve__memory_unlock(r);
	return 0;
}

void reeve__memory_statement_end(struct reeve_session *s)
{
	struct reeve *r = s->r;
	struct reeve_sh_quota *q = s->quota;
	uint64_t keep = room_kept(r);

	if (reeve__get(&q->room[0]) <= keep && reeve__get(&q->room[1]) <= keep)
		return;
	reeve__memory_lock(r);
	if (reeve__get(&q->head.state) == REEVE_SLOT_LIVE && q->session == s->session) {
		q->chunk = (uint32_t)REEVE__CREDIT_LEAST;
		for (uint32_t k = 0; k < REEVE_SH_KINDS; k++)
			trim_credit_locked(r, (uint32_t)(q - r->quotas), k, keep);
	}
	reeve__memory_unlock(r);
}

/* ---- by id ---- */

/* Takes the lock with the session's quota found, made if need be; does not when it fails. */
static int begin_hand(
	struct reeve *r, uint64_t session_id, bool make, uint32_t *ret, struct reeve_error *err)
{
	for (int tries = 0; tries < 2; tries++) {
		reeve__memory_lock(r);
		*ret = reeve__quota_find_locked(r, session_id);
		if (*ret != REEVE_NONE)
			return 0;
		reeve__memory_unlock(r);
		if (!make)
			return reeve__fail(err, REEVE_ENOT_FOUND, "memory quota of session %llu",
				(unsigned long long)session_id);
		int rc = reeve__quota_ensure(r, session_id, err);
		if (rc)
			return rc;
	}
	return reeve__memory_unknown(
		r, REEVE_EINVALID_STATE, "session", session_id, " has ended", err);
}

static bool charge_hand_locked(
	struct reeve *r, uint32_t i, uint32_t kind, uint64_t bytes, struct reeve__refusal *why)
{
	struct reeve_sh_quota *q = &r->quotas[i];

	reeve__quota_take_room_locked(r, i);
	if (!admit_all(r, i, kind, bytes, why)) {
		r->memory->pools[REEVE__PGA].failed += why->cause == REEVE_REFUSED_POOL;
		return false;
	}
	reeve__put(&q->hand[kind], reeve__get(&q->hand[kind]) + bytes);
	REEVE_POINT(MEMORY_CREDITED);
	reeve__memory_count_session_locked(r, i, bytes, 0);
	q->hand_charges++;
	reeve__put(&q->last_wall, reeve__wall(r));
	reeve__quota_peak_locked(q);
	return true;
}

int reeve__memory_hand_charge(struct reeve *r, reeve_session_id session, uint32_t kind,
	uint64_t bytes, struct reeve_error *err)
{
	struct reeve__refusal why;
	bool done = false;
	uint32_t i;
	int rc = check_request(kind, bytes, err);

	for (int tries = 0; !rc && tries < 2; tries++) {
		rc = begin_hand(r, session.v, true, &i, err);
		if (rc)
			break;
		done = charge_hand_locked(r, i, kind, bytes, &why);
		reeve__memory_unlock(r);
		if (done || !reeve__memory_sweep_helps(&why))
			break;
		if (tries == 0)
			reeve__memory_sweep(r);
	}
	return rc || done ? rc : reeve__memory_refuse(r, &why, err);
}

int reeve__memory_hand_release(struct reeve *r, reeve_session_id session, uint32_t kind,
	uint64_t bytes, struct reeve_error *err)
{
	uint64_t held;
	uint32_t i;
	int rc = check_request(kind, bytes, err);

	if (!rc)
		rc = begin_hand(r, session.v, false, &i, err);
	if (rc)
		return rc;
	held = reeve__get(&r->quotas[i].hand[kind]);
	if (bytes <= held) {
		reeve__put(&r->quotas[i].hand[kind], held - bytes);
		reeve__memory_count_session_locked(r, i, 0, bytes);
	}
	reeve__memory_unlock(r);
	return bytes <= held ? 0
			     : reeve__fail(err, REEVE_EINVALID_ARGUMENT,
				       "%llu bytes cannot be released: session %llu was charged "
				       "%llu by id",
				       (unsigned long long)bytes, (unsigned long long)session.v,
				       (unsigned long long)held);
}

/* ---- for an admission; the session lock is held ---- */

static bool charge_admission(
	struct reeve *r, uint32_t i, uint64_t bytes, struct reeve__refusal *why)
{
	struct reeve_sh_quota *q = &r->quotas[i];

	reeve__quota_take_room_locked(r, i);
	if (!admit_all(r, i, REEVE_MEMORY_WORK_AREA, bytes, why)) {
		r->memory->pools[REEVE__PGA].failed += why->cause == REEVE_REFUSED_POOL;
		return false;
	}
	/* The store that counts: the sums are derived from it. */
	reeve__put(&q->admitted, bytes);
	REEVE_POINT(MEMORY_CREDITED);
	reeve__memory_count_session_locked(r, i, bytes, 0);
	q->hand_charges++;
	reeve__put(&q->last_wall, reeve__wall(r));
	reeve__quota_peak_locked(q);
	return true;
}

int reeve__memory_admission_charge(
	struct reeve *r, uint32_t session, uint64_t bytes, struct reeve_error *err)
{
	struct reeve__refusal why;
	bool done = false;
	uint32_t i;
	int rc = reeve__quota_ensure_locked(r, session, err);

	for (int tries = 0; !rc && !done && tries < 2; tries++) {
		if (tries)
			reeve__memory_sweep(r);
		reeve__memory_lock(r);
		i = reeve__quota_find_locked(r, r->sessions[session].head.id);
		if (i == REEVE_NONE) /* removed within this very moment */
			rc = reeve__fail(err, REEVE_ECONFLICT,
				"the memory quota of session %llu was removed meanwhile",
				(unsigned long long)r->sessions[session].head.id);
		else
			done = charge_admission(r, i, bytes, &why);
		reeve__memory_unlock(r);
		if (!rc && !done && !reeve__memory_sweep_helps(&why))
			break;
	}
	return rc || done ? rc : reeve__memory_refuse(r, &why, err);
}

void reeve__memory_admission_release(struct reeve *r, uint32_t session)
{
	uint32_t i;
	uint64_t bytes;

	if (reeve__get(&r->quota_of_session[session]) == 0)
		return;
	reeve__memory_lock(r);
	i = reeve__get(&r->quota_of_session[session]) - 1;
	if (i < r->header->quotas.capacity && r->quotas[i].session == session &&
		reeve__get(&r->quotas[i].head.state) == REEVE_SLOT_LIVE) {
		bytes = reeve__get(&r->quotas[i].admitted);
		reeve__put(&r->quotas[i].admitted, 0);
		reeve__memory_count_session_locked(r, i, 0, bytes);
	}
	reeve__memory_unlock(r);
}

/* ---- groups ---- */

int reeve__memory_group_register(struct reeve *r, reeve_group_id group, uint64_t max_group,
	uint64_t max_session, struct reeve_error *err)
{
	uint32_t g = REEVE_NONE;
	int rc;

	if (max_group == 0 || max_session == 0)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"%s is 0; allowed are 1 byte and more",
			max_group ? "maxSessionPga" : "maxGroupMemory");
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc) {
		struct reeve__ruling_view view = reeve__ruling_now(r);
		reeve__memory_lock(r);
		struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, g);
		uint32_t which = (reeve__get(&mg->which) & 1) ^ 1;
		mg->registration[which].activation = reeve__get(&view.head->activation) + 1;
		mg->registration[which].max_group = max_group;
		mg->registration[which].max_session = max_session;
		atomic_store_explicit(&mg->which, which, memory_order_release);
		reeve__memory_unlock(r);
		reeve__add(&r->header->revision, 1);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__memory_sweep(r); /* no session goes on by credit of the old limits */
	return rc;
}

bool reeve__memory_group_is_registered(struct reeve *r, uint32_t group)
{
	bool is;

	reeve__memory_lock(r);
	is = reeve__memory_limits_locked(r, group).is_registered;
	reeve__memory_unlock(r);
	return is;
}

void reeve__memory_registration_move(struct reeve *r, uint32_t from, uint32_t to)
{
	reeve__memory_lock(r);
	if (reeve__memory_limits_locked(r, from).is_registered &&
		!reeve__memory_limits_locked(r, to).is_registered) {
		const struct reeve_sh_memory_group *mf = reeve__memory_group_locked(r, from);
		struct reeve_sh_memory_group *mt = reeve__memory_group_locked(r, to);
		uint32_t which = (reeve__get(&mt->which) & 1) ^ 1;
		mt->registration[which] = mf->registration[reeve__get(&mf->which) & 1];
		atomic_store_explicit(&mt->which, which, memory_order_release);
	}
	reeve__memory_unlock(r);
}

int reeve__memory_group_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err)
{
	uint32_t g = REEVE_NONE;
	bool was = false;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc) {
		reeve__memory_lock(r);
		was = reeve__memory_limits_locked(r, g).is_registered;
		struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, g);
		uint32_t which = (reeve__get(&mg->which) & 1) ^ 1;
		mg->registration[which].activation = 0;
		if (was)
			atomic_store_explicit(&mg->which, which, memory_order_release);
		reeve__memory_unlock(r);
		if (was)
			reeve__add(&r->header->revision, 1);
	}
	reeve__catalog_unlock(r);
	if (!rc && !was)
		return reeve__fail(err, REEVE_ENOT_FOUND, "memory limits of consumer group %llu",
			(unsigned long long)group.v);
	return rc;
}

static void fill_group(struct reeve *r, uint32_t g, struct reeve_memory_group_info *ret)
{
	struct reeve__memory_limits l = reeve__memory_limits_locked(r, g);
	const struct reeve_sh_memory_group *mg = reeve__memory_group_locked(r, g);

	*ret = (struct reeve_memory_group_info){
		.group = {r->groups[g].head.id},
		.max_group_memory = l.max_group,
		.max_session_pga = l.max_session,
		.is_registered = l.is_registered,
		.used_bytes = mg->used,
		.peak_bytes = mg->peak,
		.sessions = mg->sessions,
	};
}

int reeve__memory_group_get(struct reeve *r, reeve_group_id group,
	struct reeve_memory_group_info *ret, struct reeve_error *err)
{
	uint32_t g = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc) {
		reeve__memory_lock(r);
		fill_group(r, g, ret);
		reeve__memory_unlock(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__memory_group_copy(struct reeve *r, reeve_group_id after,
	struct reeve_memory_group_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		reeve__memory_lock(r);
		for (uint32_t k = 0; k < n; k++)
			fill_group(r, slots[k], &ret[done++]);
		reeve__memory_unlock(r);
		if (n)
			after = ret[done - 1].group;
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}
