/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.c - tables of slots: free list, list of ended slots, hash of ids and of names.
 *
 * Only head.state, head.id and high_water are primary. Free slots form a stack, so that the pages in
 * use stay few; ended slots form a queue, so that the oldest is reused first; hash chains run
 * through the slots. Indexes read from memory are checked against the capacity, and walks are
 * bounded by it, so that damage leads to a wrong answer and a fault found by check, not to a crash.
 */
#include "segment.h"

/*
 * Ids, names and chains of groups are looked up without the lock (model/lookup.c), so they are loaded
 * and stored whole. Loads are acquires, so that they come before the look-up's second reading of its
 * sequence number.
 */
#define link_get(p)    __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define link_put(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

/*
 * Ids that follow each other go to buckets that follow each other, so that a session or task that comes
 * finds its bucket in the cache line of the last one's, and alone; what lies above the count of buckets
 * moves the whole row about, so that ids which others choose do not meet by their step.
 */
static uint64_t spread(const struct reeve_sh_table *table, uint64_t id)
{
	return (id + ((id / table->bucket_count) * UINT64_C(0x9e3779b97f4a7c15) >> 20)) &
	       (table->bucket_count - 1);
}

static uint32_t *buckets_of(const struct reeve *r, const struct reeve_sh_table *table)
{
	return (uint32_t *)(void *)(r->base + table->buckets);
}

static uint32_t *id_bucket(const struct reeve *r, const struct reeve_sh_table *table, uint64_t id)
{
	return buckets_of(r, table) + spread(table, id);
}

static uint32_t *hash_bucket(
	const struct reeve *r, const struct reeve_sh_table *table, uint64_t hash)
{
	return buckets_of(r, table) + table->bucket_count + spread(table, hash);
}

static uint32_t *name_bucket(
	const struct reeve *r, const struct reeve_sh_table *table, const char *name)
{
	return hash_bucket(r, table, reeve__text_hash(name));
}

/*
 * Takes slot i out of a chain whose links are at offset `link` of the head. Links are slot + 1, so that
 * buckets of a new segment are as the kernel gives them, and take no memory.
 */
static void unchain(const struct reeve *r, const struct reeve_sh_table *table, uint32_t *bucket,
	uint32_t i, size_t link)
{
	uint32_t *from = bucket;

	for (uint32_t n = 0; *from - 1 < table->capacity && n <= table->capacity; n++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, *from - 1);
		uint32_t *next = (uint32_t *)(void *)((char *)head + link);
		if (*from - 1 == i) {
			link_put(from, *next);
			link_put(next, 0);
			return;
		}
		from = next;
	}
}

static void chain_id(const struct reeve *r, const struct reeve_sh_table *table, uint32_t i)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);
	uint32_t *bucket = id_bucket(r, table, head->id);

	link_put(&head->chain, *bucket);
	link_put(bucket, i + 1);
}

static void chain_name(
	const struct reeve *r, const struct reeve_sh_table *table, uint32_t i, const char *name)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);
	uint64_t hash = reeve__text_hash(name);
	uint32_t *bucket = hash_bucket(r, table, hash);

	link_put(&head->name_hash, (uint32_t)hash);
	link_put(&head->name_chain, *bucket);
	link_put(bucket, i + 1);
}

/* Under the table's lock, so one store is enough; those who read without it see old or new. */
static void count_live(struct reeve_sh_table *table, uint32_t by)
{
	reeve__put(&table->live, reeve__get(&table->live) + by);
}

static void push_free(const struct reeve *r, struct reeve_sh_table *table, uint32_t i)
{
	reeve__table_head(r, table, i)->next = table->free;
	table->free = i;
}

static void push_ended(const struct reeve *r, struct reeve_sh_table *table, uint32_t i)
{
	reeve__table_head(r, table, i)->next = REEVE_NONE;
	if (table->ended_last < table->capacity)
		reeve__table_head(r, table, table->ended_last)->next = i;
	else
		table->ended_first = i;
	table->ended_last = i;
}

/* Takes an ended slot out of its list; the common case is the first. */
static void pull_ended(const struct reeve *r, struct reeve_sh_table *table, uint32_t i)
{
	uint32_t before = REEVE_NONE, at = table->ended_first;

	for (uint32_t n = 0; at < table->capacity && n <= table->capacity; n++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, at);
		if (at == i) {
			if (before == REEVE_NONE)
				table->ended_first = head->next;
			else
				reeve__table_head(r, table, before)->next = head->next;
			if (table->ended_last == i)
				table->ended_last = before;
			return;
		}
		before = at;
		at = head->next;
	}
}

uint32_t reeve__table_claim(struct reeve *r, struct reeve_sh_table *table)
{
	uint32_t i = table->free;

	if (i < table->capacity) {
		if (reeve__get(&reeve__table_head(r, table, i)->state) != REEVE_SLOT_FREE) {
			reeve__segment_degrade(r, "slot %u is on a free list and in use", i);
			return REEVE_NONE;
		}
		table->free = reeve__table_head(r, table, i)->next;
	} else if ((i = reeve__get(&table->high_water)) < table->capacity) {
		reeve__put(&table->high_water, i + 1);
	} else if (table->ended_first < table->capacity) {
		i = table->ended_first;
		reeve__table_free(r, table, i, NULL);
		table->free = reeve__table_head(r, table, i)->next;
	} else {
		return REEVE_NONE;
	}
	count_live(table, 1);
	reeve__put(&reeve__table_head(r, table, i)->state, REEVE_SLOT_CLAIMED);
	return i;
}

void reeve__table_publish(
	struct reeve *r, struct reeve_sh_table *table, uint32_t i, uint64_t id, const char *name)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);

	link_put(&head->id, id);
	chain_id(r, table, i);
	if (name)
		chain_name(r, table, i, name);
	/* Pairs with the acquire in readers that look at slots without the lock. */
	atomic_store_explicit(&head->state, REEVE_SLOT_LIVE, memory_order_release);
}

void reeve__table_free(struct reeve *r, struct reeve_sh_table *table, uint32_t i, const char *name)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);
	uint32_t state = reeve__get(&head->state);

	if (state == REEVE_SLOT_FREE)
		return;
	if (state == REEVE_SLOT_ENDED)
		pull_ended(r, table, i);
	if (state != REEVE_SLOT_CLAIMED) {
		unchain(r, table, id_bucket(r, table, head->id), i,
			offsetof(struct reeve_sh_head, chain));
		if (name)
			unchain(r, table, name_bucket(r, table, name), i,
				offsetof(struct reeve_sh_head, name_chain));
	}
	reeve__put(&head->generation, reeve__get(&head->generation) + 1);
	atomic_store_explicit(&head->state, REEVE_SLOT_FREE, memory_order_release);
	push_free(r, table, i);
	count_live(table, (uint32_t)-1);
}

void reeve__table_keep(struct reeve *r, struct reeve_sh_table *table, uint32_t i)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);

	if (reeve__get(&head->state) == REEVE_SLOT_LIVE)
		atomic_store_explicit(&head->state, REEVE_SLOT_KEPT, memory_order_release);
}

void reeve__table_end(struct reeve *r, struct reeve_sh_table *table, uint32_t i)
{
	struct reeve_sh_head *head = reeve__table_head(r, table, i);
	uint32_t state = reeve__get(&head->state);

	if (state != REEVE_SLOT_LIVE && state != REEVE_SLOT_KEPT)
		return;
	atomic_store_explicit(&head->state, REEVE_SLOT_ENDED, memory_order_release);
	push_ended(r, table, i);
}

uint32_t reeve__table_find(const struct reeve *r, const struct reeve_sh_table *table, uint64_t id)
{
	uint32_t i = link_get(id_bucket(r, table, id)) - 1;

	for (uint32_t n = 0; i < table->capacity && n <= table->capacity; n++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		if (link_get(&head->id) == id &&
			atomic_load_explicit(&head->state, memory_order_acquire) >= REEVE_SLOT_LIVE)
			return i;
		i = link_get(&head->chain) - 1;
	}
	return REEVE_NONE;
}

uint32_t reeve__table_find_name(const struct reeve *r, const struct reeve_sh_table *table,
	const char *name, size_t name_offset)
{
	uint32_t i = *name_bucket(r, table, name) - 1;

	for (uint32_t n = 0; i < table->capacity && n <= table->capacity; n++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		if (strcmp((const char *)head + name_offset, name) == 0)
			return i;
		i = head->name_chain - 1;
	}
	return REEVE_NONE;
}

uint32_t reeve__table_peek_name(const struct reeve *r, const struct reeve_sh_table *table,
	const uint64_t *words, size_t word_count, uint64_t hash, size_t name_offset)
{
	uint32_t i = link_get(hash_bucket(r, table, hash)) - 1;

	for (uint32_t n = 0; i < table->capacity && n <= table->capacity; n++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		const reeve__word *there =
			(const reeve__word *)(const void *)((const char *)head + name_offset);
		size_t k = 0;
		if (link_get(&head->name_hash) == (uint32_t)hash)
			while (k < word_count && link_get(&there[k]) == words[k])
				k++;
		if (k == word_count)
			return i;
		i = link_get(&head->name_chain) - 1;
	}
	return REEVE_NONE;
}

void reeve__table_rename(
	struct reeve *r, struct reeve_sh_table *table, uint32_t i, const char *from, const char *to)
{
	unchain(r, table, name_bucket(r, table, from), i,
		offsetof(struct reeve_sh_head, name_chain));
	chain_name(r, table, i, to);
}

void reeve__table_rebuild(struct reeve *r, struct reeve_sh_table *table, size_t name_offset)
{
	uint32_t *buckets = buckets_of(r, table);

	if (table->high_water > table->capacity)
		table->high_water = table->capacity;
	table->free = table->ended_first = table->ended_last = REEVE_NONE;
	reeve__put(&table->live, 0);
	memset(buckets, 0, sizeof(uint32_t) * table->bucket_count * (table->has_names ? 2u : 1u));
	for (uint32_t i = table->high_water; i-- > 0;) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		uint32_t state = reeve__get(&head->state);
		if (state == REEVE_SLOT_CLAIMED) {
			reeve__add(&head->generation, 1);
			reeve__put(&head->state, REEVE_SLOT_FREE);
		}
		if (state == REEVE_SLOT_FREE || state == REEVE_SLOT_CLAIMED) {
			push_free(r, table, i);
			continue;
		}
		count_live(table, 1);
		chain_id(r, table, i);
		if (name_offset)
			chain_name(r, table, i, (const char *)head + name_offset);
		if (state == REEVE_SLOT_ENDED)
			push_ended(r, table, i);
	}
}

/* Keeps `ids` a max-heap of the `capacity` smallest ids seen: sift down from the top. */
static void sift(const struct reeve *r, const struct reeve_sh_table *table, uint32_t *slots,
	uint32_t n, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= n)
			return;
		if (child + 1 < n && reeve__table_head(r, table, slots[child])->id <
					     reeve__table_head(r, table, slots[child + 1])->id)
			child++;
		if (reeve__table_head(r, table, slots[i])->id >=
			reeve__table_head(r, table, slots[child])->id)
			return;
		uint32_t swap = slots[i];
		slots[i] = slots[child];
		slots[child] = swap;
		i = child;
	}
}

uint32_t reeve__table_list(const struct reeve *r, const struct reeve_sh_table *table,
	uint64_t after, bool with_ended, uint32_t *ret_slots, uint32_t capacity)
{
	uint32_t n = 0;

	if (capacity == 0)
		return 0;
	for (uint32_t i = 0; i < reeve__table_used(table); i++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		uint32_t state = reeve__get(&head->state);
		if (head->id <= after ||
			(state != REEVE_SLOT_LIVE && !(with_ended && state > REEVE_SLOT_LIVE)))
			continue;
		if (n < capacity) {
			ret_slots[n++] = i;
			if (n == capacity)
				for (uint32_t k = n / 2; k-- > 0;)
					sift(r, table, ret_slots, n, k);
		} else if (head->id < reeve__table_head(r, table, ret_slots[0])->id) {
			ret_slots[0] = i;
			sift(r, table, ret_slots, n, 0);
		}
	}
	for (uint32_t k = n / 2; k-- > 0;)
		sift(r, table, ret_slots, n, k);
	for (uint32_t k = n; k-- > 1;) { /* heapsort: the greatest to the end */
		uint32_t swap = ret_slots[0];
		ret_slots[0] = ret_slots[k];
		ret_slots[k] = swap;
		sift(r, table, ret_slots, k, 0);
	}
	return n;
}

const char *reeve__table_check(const struct reeve *r, const struct reeve_sh_table *table)
{
	uint32_t free = 0, ended = 0, live = 0, listed = 0;

	if (table->high_water > table->capacity)
		return "high-water mark is above the capacity";
	for (uint32_t i = 0; i < table->high_water; i++) {
		struct reeve_sh_head *head = reeve__table_head(r, table, i);
		uint32_t state = reeve__get(&head->state);
		if (state > REEVE_SLOT_KEPT)
			return "a slot has a state that does not exist";
		if (state == REEVE_SLOT_FREE)
			free++;
		else
			live++;
		if (state == REEVE_SLOT_ENDED)
			ended++;
		if (state >= REEVE_SLOT_LIVE && reeve__table_find(r, table, head->id) != i)
			return "a live slot is not found by its id";
	}
	if (live != reeve__get(&table->live))
		return "the count of live slots is wrong";
	for (uint32_t i = table->free; i != REEVE_NONE; listed++) {
		if (i >= table->capacity || listed > free)
			return "the free list is broken";
		i = reeve__table_head(r, table, i)->next;
	}
	if (listed != free)
		return "the free list does not hold every free slot";
	listed = 0;
	for (uint32_t i = table->ended_first; i != REEVE_NONE; listed++) {
		if (i >= table->capacity || listed > ended)
			return "the list of ended slots is broken";
		i = reeve__table_head(r, table, i)->next;
	}
	return listed == ended ? NULL : "the list of ended slots does not hold every one";
}
