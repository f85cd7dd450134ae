/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_index.c - rules in their order, and which of them a session can match at all.
 *
 * Most rules ask for equality with something: a user, a program, a service. Such a rule can hold only
 * for sessions that have one of its keys (policy/rule.h), so it is found through a hash of keys, and
 * only the others are judged one by one, in order, up to the best that the hash has given. With
 * 1,000 rules for a user each, a session is judged by the one for its own.
 *
 * Everything here is derived from the table of rules and built anew after each change: O(n log n)
 * under the catalog lock, 0.2 ms for 1,000 rules. Indexes are checked before use all the same.
 */
#include "model.h"

/* Rules judged one by one before the lock is let go for others. */
#define STRETCH 32u

static struct reeve_sh_rule_index *index_of(const struct reeve *r)
{
	return &r->header->groups_domain.index;
}

static uint32_t *at_offset(const struct reeve *r, uint64_t offset)
{
	return (uint32_t *)(void *)(r->base + offset);
}

static struct reeve_sh_rule_entry *entries_of(const struct reeve *r)
{
	return (struct reeve_sh_rule_entry *)(void *)(r->base + index_of(r)->entry);
}

static struct reeve_sh_rule_general *generals_of(const struct reeve *r)
{
	return (struct reeve_sh_rule_general *)(void *)(r->base + index_of(r)->generals);
}

static uint32_t *bucket_of(const struct reeve *r, uint32_t key)
{
	const struct reeve_sh_rule_index *x = index_of(r);

	return at_offset(r, x->buckets) + ((key >> 4) & (x->bucket_count - 1));
}

static bool is_before(const struct reeve *r, uint32_t a, uint32_t b)
{
	uint32_t pa = reeve__rule_version(r, a)->priority, pb = reeve__rule_version(r, b)->priority;

	return pa != pb ? pa < pb : r->rules[a].head.id < r->rules[b].head.id;
}

static void sift(const struct reeve *r, uint32_t *order, uint32_t n, uint32_t i)
{
	for (;;) {
		uint32_t child = 2 * i + 1, swap = order[i];
		if (child >= n)
			return;
		if (child + 1 < n && is_before(r, order[child], order[child + 1]))
			child++;
		if (!is_before(r, swap, order[child]))
			return;
		order[i] = order[child];
		order[child] = swap;
		i = child;
	}
}

/* Heapsort: in place and never worse. */
static void sort(const struct reeve *r, uint32_t *order, uint32_t n)
{
	for (uint32_t i = n / 2; i-- > 0;)
		sift(r, order, n, i);
	for (uint32_t i = n; i-- > 1;) {
		uint32_t swap = order[0];
		order[0] = order[i];
		order[i] = swap;
		sift(r, order, i, 0);
	}
}

/* Words of a rule's program, never more than there is room for. */
static uint32_t words_of(const struct reeve_sh_rule_version *v)
{
	return v->words < REEVE_SH_RULE_WORDS ? v->words : REEVE_SH_RULE_WORDS;
}

static void add_entry(struct reeve *r, uint32_t key, uint32_t place)
{
	struct reeve_sh_rule_index *x = index_of(r);
	uint32_t *bucket = bucket_of(r, key), i = x->entries++;

	entries_of(r)[i] = (struct reeve_sh_rule_entry){key, place, *bucket, 0};
	*bucket = i + 1;
	x->kinds |= UINT32_C(1) << reeve__rule_key_kind(key);
}

static void add_general(struct reeve *r, uint32_t place, const struct reeve_sh_rule_version *v)
{
	struct reeve_sh_rule_index *x = index_of(r);
	struct reeve__rule_filter f = reeve__rule_filter(v->program, words_of(v));

	generals_of(r)[x->general++] =
		(struct reeve_sh_rule_general){f.mask, f.want, f.word, place};
	x->filter_words |= UINT64_C(1) << f.word;
}

/* From the last to the first, so that each chain begins with the first. */
static void add_rule(struct reeve *r, uint32_t place)
{
	struct reeve_sh_rule_index *x = index_of(r);
	const struct reeve_sh_rule_version *v =
		reeve__rule_version(r, at_offset(r, x->order)[place]);
	uint32_t keys[REEVE_RULE_KEYS], n;

	if (!v->is_enabled)
		return;
	n = reeve__rule_keys(v->program, words_of(v), keys, REEVE_COUNT(keys));
	if (n == 0 || n > x->entry_count - x->entries) {
		add_general(r, place, v);
		return;
	}
	while (n > 0)
		add_entry(r, keys[--n], place);
}

void reeve__rules_reindex_locked(struct reeve *r)
{
	const struct reeve_sh_table *t = &r->header->groups_domain.rules;
	struct reeve_sh_rule_index *x = index_of(r);
	uint32_t *order = at_offset(r, x->order);
	struct reeve_sh_rule_general *general = generals_of(r);

	reeve__lock_assert(&r->header->catalog);
	x->version++;
	x->count = x->general = x->entries = x->kinds = 0;
	x->filter_words = 0;
	if (reeve__table_used(t)) /* a segment without rules has not touched its buckets */
		memset(r->base + x->buckets, 0, (size_t)x->bucket_count * sizeof(uint32_t));
	for (uint32_t i = 0; i < reeve__table_used(t); i++)
		if (reeve__get(&r->rules[i].head.state) == REEVE_SLOT_LIVE)
			order[x->count++] = i;
	sort(r, order, x->count);
	for (uint32_t place = x->count; place-- > 0;)
		add_rule(r, place);
	for (uint32_t i = 0; i < x->general / 2; i++) {
		struct reeve_sh_rule_general swap = general[i],
					     *other = &general[x->general - 1 - i];
		general[i] = *other;
		*other = swap;
	}
}

uint32_t reeve__rule_at_locked(const struct reeve *r, uint32_t place)
{
	const struct reeve_sh_rule_index *x = index_of(r);
	const struct reeve_sh_table *t = &r->header->groups_domain.rules;
	uint32_t slot;

	if (place >= x->count || place >= t->capacity)
		return REEVE_NONE;
	slot = at_offset(r, x->order)[place];
	return slot < reeve__table_used(t) ? slot : REEVE_NONE;
}

static bool holds(struct reeve *r, uint32_t place, struct reeve__rule_input *in)
{
	uint32_t slot = reeve__rule_at_locked(r, place);
	const struct reeve_sh_rule_version *v;

	if (slot == REEVE_NONE)
		return false;
	v = reeve__rule_version(r, slot);
	return v->is_enabled && reeve__rule_holds(v->program, words_of(v), in);
}

/* The first place before `best` of the rules under one key that hold. */
static uint32_t best_of_key(
	struct reeve *r, struct reeve__rule_input *in, uint32_t key, uint32_t best)
{
	const struct reeve_sh_rule_index *x = index_of(r);
	uint32_t i = *bucket_of(r, key) - 1;

	for (uint32_t n = 0; i < x->entry_count && n < x->entry_count; n++) {
		const struct reeve_sh_rule_entry *e = &entries_of(r)[i];
		if (e->place >= best)
			break;
		if (e->key == key && holds(r, e->place, in))
			return e->place;
		i = e->next - 1;
	}
	return best;
}

static void begin_search(
	struct reeve *r, struct reeve__rule_input *in, struct reeve__rule_search *search)
{
	const struct reeve_sh_rule_index *x = index_of(r);

	search->version = x->version;
	search->next = 0;
	search->place = UINT32_MAX;
	for (uint64_t left = x->filter_words; left; left &= left - 1) {
		uint32_t n = (uint32_t)__builtin_ctzll(left);
		if (n < REEVE_RULE_FILTER_WORDS)
			in->filter_words[n] = reeve__rule_filter_word(in, n);
	}
	for (uint32_t kind = 0; kind <= REEVE_CONDITION_USER_ID; kind += 2) {
		uint32_t key = x->kinds >> kind & 1 ? reeve__rule_key_of(in, kind) : 0;
		if (key)
			search->place = best_of_key(r, in, key, search->place);
	}
}

/* On to the next that its filter lets pass; false: there is none. At most 16,384 steps of a nanosecond. */
static bool skip(const struct reeve *r, const struct reeve__rule_input *in,
	struct reeve__rule_search *search, uint32_t general)
{
	const struct reeve_sh_rule_general *g = generals_of(r);
	uint32_t i = search->next;

	while (i < general && g[i].word < REEVE_RULE_FILTER_WORDS &&
		(in->filter_words[g[i].word] & g[i].mask) != g[i].want)
		i++;
	search->next = i;
	return i < general;
}

bool reeve__rules_search_locked(
	struct reeve *r, struct reeve__rule_input *input, struct reeve__rule_search *search)
{
	const struct reeve_sh_rule_index *x = index_of(r);
	uint32_t capacity = r->header->groups_domain.rules.capacity;
	uint32_t general = x->general < capacity ? x->general : capacity;

	if (search->version != x->version)
		begin_search(r, input, search);
	for (uint32_t n = 0; skip(r, input, search, general); n++) {
		uint32_t place = generals_of(r)[search->next].place;
		if (place >= search->place)
			break;
		if (n == STRETCH)
			return false;
		if (holds(r, place, input)) {
			search->place = place;
			break;
		}
		search->next++;
	}
	search->best = reeve__rule_at_locked(r, search->place);
	return true;
}

/* ---- validate ---- */

static const char *check_rule(const struct reeve *r, uint32_t i)
{
	const struct reeve_sh_rule_version *v = reeve__rule_version(r, i);
	uint64_t zones;

	if (reeve__get(&r->rules[i].current) > 1)
		return "a rule has a version that does not exist";
	if (v->words > REEVE_SH_RULE_WORDS)
		return "a rule's condition is larger than its room";
	if (v->group >= reeve__table_used(&r->header->groups) ||
		reeve__get(&r->groups[v->group].head.state) != REEVE_SLOT_LIVE)
		return "a rule names a group that does not exist";
	zones = reeve__rule_zone_mask(v->program, v->words);
	for (uint32_t n = 0; n < REEVE_SH_ZONES; n++)
		if ((zones >> n & 1) && !reeve__rule_zone_at((void *)(uintptr_t)r, n))
			return "a rule names a time zone that does not exist";
	return NULL;
}

static bool has_entry(const struct reeve *r, uint32_t key, uint32_t place)
{
	const struct reeve_sh_rule_index *x = index_of(r);
	uint32_t i = *bucket_of(r, key) - 1;

	for (uint32_t n = 0; i < x->entry_count && n < x->entry_count; n++) {
		const struct reeve_sh_rule_entry *e = &entries_of(r)[i];
		if (e->key == key && e->place == place)
			return true;
		i = e->next - 1;
	}
	return false;
}

/* Generals are in rising order. */
static const struct reeve_sh_rule_general *general_at(const struct reeve *r, uint32_t place)
{
	const struct reeve_sh_rule_index *x = index_of(r);
	const struct reeve_sh_rule_general *general = generals_of(r);
	uint32_t low = 0, high = x->general;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (general[middle].place < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low < x->general && general[low].place == place ? &general[low] : NULL;
}

/* Whether an enabled rule is found under each of its keys, or else among the general ones. */
static bool is_indexed(const struct reeve *r, uint32_t place)
{
	const struct reeve_sh_rule_version *v =
		reeve__rule_version(r, reeve__rule_at_locked(r, place));
	const struct reeve_sh_rule_general *general = general_at(r, place);
	struct reeve__rule_filter f;
	uint32_t keys[REEVE_RULE_KEYS], n;

	if (general) {
		f = reeve__rule_filter(v->program, words_of(v));
		return general->mask == f.mask && general->want == f.want &&
		       general->word == f.word;
	}
	n = reeve__rule_keys(v->program, words_of(v), keys, REEVE_COUNT(keys));
	for (uint32_t i = 0; i < n; i++)
		if (!has_entry(r, keys[i], place))
			return false;
	return n > 0;
}

const char *reeve__rules_check_locked(const struct reeve *r)
{
	const struct reeve_sh_table *t = &r->header->groups_domain.rules;
	const struct reeve_sh_rule_index *x = index_of(r);
	uint32_t live = 0;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const char *fault = NULL;
		if (reeve__get(&r->rules[i].head.state) == REEVE_SLOT_LIVE) {
			fault = check_rule(r, i);
			live++;
		}
		if (fault)
			return fault;
	}
	if (x->count != live || x->general > t->capacity || x->entries > x->entry_count)
		return "the index of rules does not hold every rule";
	for (uint32_t place = 0; place < x->count; place++) {
		uint32_t slot = reeve__rule_at_locked(r, place);
		if (slot == REEVE_NONE || reeve__get(&r->rules[slot].head.state) != REEVE_SLOT_LIVE)
			return "the order of rules names one that does not exist";
		if (place && !is_before(r, at_offset(r, x->order)[place - 1], slot))
			return "rules are out of order";
		if (reeve__rule_version(r, slot)->is_enabled && !is_indexed(r, place))
			return "an enabled rule is not in the index";
	}
	return NULL;
}
