/* SPDX-License-Identifier: Apache-2.0 */
/* user.c - users pinned to groups. */
#include "model.h"

int reeve__user_map(struct reeve *r, uint64_t user_id, const char *username, reeve_group_id group,
	bool is_permanent, reeve_ns expires_wall, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_mapping *m;
	uint32_t i, g = REEVE_NONE;
	int rc = reeve__text_check(username, REEVE_NAME_MAX, false, "username", err);

	if (!rc && user_id == 0)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"userId is 0; allowed are 1 to 18446744073709551615");
	if (!rc && expires_wall && expires_wall <= now_wall)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"expiresAt is %lld ns since 1970; allowed are 0 (never) and what comes "
			"after now, %lld",
			(long long)expires_wall, (long long)now_wall);
	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	i = reeve__table_find(r, &h->mappings, user_id);
	if (!rc && i == REEVE_NONE) {
		i = reeve__table_claim(r, &h->mappings);
		if (i == REEVE_NONE)
			rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
				"the table of user mappings is full: %u of %u",
				reeve__get(&h->mappings.live), h->mappings.capacity);
	}
	if (!rc) {
		bool is_new = reeve__get(&r->mappings[i].head.state) == REEVE_SLOT_CLAIMED;
		m = &r->mappings[i];
		if (!is_new)
			reeve__journal_begin_locked(r, REEVE_JOURNAL_MAPPING, i);
		m->group = g;
		m->is_permanent = is_permanent;
		m->created_wall = now_wall;
		m->expires_wall = expires_wall;
		reeve__text_copy(m->username, sizeof(m->username), username);
		if (is_new)
			reeve__table_publish(r, &h->mappings, i, user_id, NULL);
		reeve__journal_commit_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}

static int find_mapping(struct reeve *r, uint64_t user_id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->mappings, user_id);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(
		err, REEVE_ENOT_FOUND, "mapping of user %llu", (unsigned long long)user_id);
}

int reeve__user_unmap(struct reeve *r, uint64_t user_id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_mapping(r, user_id, &i, err);
	if (!rc) {
		reeve__table_free(r, &r->header->mappings, i, NULL);
		reeve__add(&r->header->revision, 1);
	}
	reeve__catalog_unlock(r);
	return rc;
}

static void fill_mapping(struct reeve *r, uint32_t i, struct reeve_user_mapping *ret)
{
	const struct reeve_sh_mapping *m = &r->mappings[i];

	memset(ret, 0, sizeof(*ret));
	ret->user_id = m->head.id;
	reeve__text_copy(ret->username, sizeof(ret->username), m->username);
	if (m->group < r->header->groups.capacity)
		ret->group.v = r->groups[m->group].head.id;
	ret->is_permanent = m->is_permanent != 0;
	ret->created_wall = m->created_wall;
	ret->expires_wall = m->expires_wall;
}

int reeve__user_get(
	struct reeve *r, uint64_t user_id, struct reeve_user_mapping *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_mapping(r, user_id, &i, err);
	if (!rc)
		fill_mapping(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__user_copy(
	struct reeve *r, uint64_t after, struct reeve_user_mapping *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->mappings, after, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_mapping(r, slots[k], &ret[done]);
			after = ret[done].user_id;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}

static bool has_expired(const struct reeve_sh_mapping *m, reeve_ns now_wall)
{
	return m->expires_wall && m->expires_wall <= now_wall;
}

uint32_t reeve__user_group_locked(struct reeve *r, uint64_t user_id, reeve_ns now_wall)
{
	uint32_t i = reeve__table_find(r, &r->header->mappings, user_id);

	if (i == REEVE_NONE || r->mappings[i].group >= reeve__table_used(&r->header->groups) ||
		has_expired(&r->mappings[i], now_wall))
		return REEVE_NONE;
	return r->mappings[i].group;
}

bool reeve__user_is_temporary_locked(const struct reeve *r, uint64_t user_id)
{
	uint32_t i = reeve__table_find(r, &r->header->mappings, user_id);

	return i != REEVE_NONE && !r->mappings[i].is_permanent;
}

void reeve__user_forget_locked(struct reeve *r, uint64_t user_id)
{
	uint32_t i = reeve__table_find(r, &r->header->mappings, user_id);

	reeve__lock_assert(&r->header->catalog);
	if (i == REEVE_NONE)
		return;
	reeve__table_free(r, &r->header->mappings, i, NULL);
	reeve__add(&r->header->revision, 1);
}

/* A tick without any mapping takes no lock. */
uint32_t reeve__user_expire(struct reeve *r, reeve_ns now_wall)
{
	struct reeve_sh_table *t = &r->header->mappings;
	uint32_t n = 0;

	if (reeve__get(&t->live) == 0)
		return 0;
	reeve__catalog_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		if (reeve__get(&r->mappings[i].head.state) != REEVE_SLOT_LIVE ||
			!has_expired(&r->mappings[i], now_wall))
			continue;
		reeve__table_free(r, t, i, NULL);
		reeve__add(&r->header->revision, 1);
		n++;
	}
	reeve__catalog_unlock(r);
	return n;
}
