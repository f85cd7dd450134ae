/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.c - groups found by id and by name without a lock.
 *
 * A sequence lock over the index of groups: its number is odd while somebody, who has the catalog
 * lock, changes ids, names or chains. A reader walks the chains, bounded by the table's capacity, and
 * then asks whether the number is still the even one it began with; what it read along the way may
 * be nonsense, but is never followed out of the table.
 *
 *	                     other look-ups    a change of the index
 *	look-up              side by side      starts over; after TRIES, waits for the catalog lock
 *	change of the index  side by side      excluded by the catalog lock
 *
 * A changer that dies leaves the number odd. Look-ups then take the catalog lock, whose recovery
 * rebuilds the index and makes the number even.
 */
#include "model.h"

/* A change takes well below a microsecond; a reader that has met so many waits instead. */
#define TRIES 32

void reeve__group_index_begin_locked(struct reeve *r)
{
	_Atomic uint64_t *sequence = &r->header->groups_domain.sequence;

	reeve__lock_assert(&r->header->catalog);
	reeve__put(sequence, reeve__get(sequence) | 1);
	/* The odd number must be seen before any change: pairs with the acquires in try_find. */
	atomic_thread_fence(memory_order_release);
}

void reeve__group_index_end_locked(struct reeve *r)
{
	_Atomic uint64_t *sequence = &r->header->groups_domain.sequence;

	reeve__lock_assert(&r->header->catalog);
	/* Pairs with the first acquire in try_find. */
	atomic_store_explicit(sequence, (reeve__get(sequence) | 1) + 1, memory_order_release);
}

void reeve__group_name_put(struct reeve_sh_group *g, const char *name)
{
	uint64_t words[sizeof(g->name) / 8];
	reeve__word *to = (reeve__word *)(void *)g->name;

	reeve__text_copy((char *)words, sizeof(words), name);
	for (size_t k = 0; k < REEVE_COUNT(words); k++)
		__atomic_store_n(&to[k], words[k], __ATOMIC_RELAXED);
}

/* What is looked for: a name when there are words, else an id. */
struct key {
	uint64_t id, hash;
	size_t word_count;
	uint64_t words[REEVE_NAME_MAX / 8 + 1];
};

static uint32_t find(const struct reeve *r, const struct key *key)
{
	const struct reeve_sh_table *t = &r->header->groups;

	return key->word_count ? reeve__table_peek_name(r, t, key->words, key->word_count,
					 key->hash, offsetof(struct reeve_sh_group, name))
			       : reeve__table_find(r, t, key->id);
}

static inline bool try_find(
	const struct reeve *r, const struct key *key, uint32_t *ret_slot, uint64_t *ret_id)
{
	const _Atomic uint64_t *sequence = &r->header->groups_domain.sequence;
	uint64_t before = atomic_load_explicit(sequence, memory_order_acquire);
	uint32_t i;

	if (REEVE_UNLIKELY(before & 1))
		return false;
	i = find(r, key);
	*ret_slot = i;
	*ret_id = i == REEVE_NONE ? 0 : __atomic_load_n(&r->groups[i].head.id, __ATOMIC_ACQUIRE);
	/* All loads since the first are acquires, so this one comes last. */
	return reeve__get(sequence) == before;
}

static uint32_t look_up(struct reeve *r, const struct key *key, uint64_t *ret_id)
{
	uint32_t i;

	for (int tries = 0; tries < TRIES; tries++)
		if (REEVE_LIKELY(try_find(r, key, &i, ret_id)))
			return i;
	reeve__catalog_lock(r);
	i = find(r, key);
	*ret_id = i == REEVE_NONE ? 0 : r->groups[i].head.id;
	reeve__catalog_unlock(r);
	return i;
}

uint32_t reeve__group_lookup(struct reeve *r, reeve_group_id id)
{
	struct key key;
	uint64_t found;

	key.id = id.v;
	key.word_count = 0;
	return look_up(r, &key, &found);
}

bool reeve__group_find(struct reeve *r, const char *name, reeve_group_id *ret_id)
{
	size_t length = strnlen(name, REEVE_NAME_MAX);
	struct key key;
	uint64_t found;

	if (length == 0 || length == REEVE_NAME_MAX)
		return false;
	key.word_count = length / 8 + 1;
	key.words[key.word_count - 1] = 0;
	memcpy(key.words, name, length);
	key.hash = reeve__text_hash(name);
	if (look_up(r, &key, &found) == REEVE_NONE)
		return false;
	ret_id->v = found;
	return true;
}
