/* SPDX-License-Identifier: Apache-2.0 */
/* shards.c - see shards.h. */
#include "shards.h"

#define POSITIONS (2 * REEVE__SAMPLES)
#define CELLS	  (2 * REEVE__SAMPLES)

_Static_assert(sizeof(((struct reeve_sh_shards *)0)->pages) == POSITIONS * sizeof(uint64_t), "");
_Static_assert(sizeof(((struct reeve_sh_shards *)0)->table) == CELLS * sizeof(uint32_t), "");
_Static_assert(
	sizeof(((struct reeve_sh_shards *)0)->weight) == REEVE__SHARD_BUCKETS * sizeof(uint64_t),
	"");

/* ---- positions in use ---- */

static void mark(struct reeve_sh_shards *s, uint32_t position, uint32_t by)
{
	for (uint32_t i = position + 1; i <= POSITIONS; i += i & -i)
		s->marks[i - 1] += by;
}

/* Positions in use up to and including this one. */
static uint32_t marked_to(const struct reeve_sh_shards *s, uint32_t position)
{
	uint32_t n = 0;

	for (uint32_t i = position + 1; i > 0; i -= i & -i)
		n += s->marks[i - 1];
	return n;
}

/* ---- the table ---- */

/* The cell of a page, or the empty one where it would go. */
static uint32_t cell_of(const struct reeve_sh_shards *s, uint64_t hash)
{
	uint32_t i = (uint32_t)hash % CELLS;

	/* Half of the cells are empty; the count is for memory that is damaged. */
	for (uint32_t n = 0; n < CELLS && s->table[i]; n++) {
		uint32_t at = s->table[i] - 1;
		if (at < POSITIONS && s->pages[at] == hash)
			break;
		i = (i + 1) % CELLS;
	}
	return i;
}

/*
 * Renumbers positions from 0 in their order, dropping pages above the threshold, and makes table and
 * marks anew. In place: a page only ever moves down.
 */
static void compact(struct reeve_sh_shards *s)
{
	uint32_t n = 0;

	memset(s->table, 0, sizeof(s->table));
	memset(s->marks, 0, sizeof(s->marks));
	for (uint32_t i = 0; i < POSITIONS; i++) {
		uint64_t hash = s->pages[i];
		s->pages[i] = 0;
		if (hash == 0 || !reeve__shards_wants(s->threshold, hash) || n == REEVE__SAMPLES)
			continue;
		s->pages[n] = hash;
		s->table[cell_of(s, hash)] = n + 1;
		mark(s, n, 1);
		n++;
	}
	s->count = s->position = n;
}

/* Room for one page more. */
static void shed(struct reeve_sh_shards *s)
{
	while (s->count >= REEVE__SAMPLES && s->threshold > 1) {
		s->threshold -= (s->threshold + 7) / 8;
		compact(s);
	}
}

/* ---- distances ---- */

static uint32_t bucket_of(uint64_t distance)
{
	uint32_t octave;

	if (distance < 16)
		return (uint32_t)distance;
	octave = 59u - (uint32_t)__builtin_clzll(distance);
	if (octave > REEVE__SHARD_BUCKETS / 16 - 2)
		return REEVE__SHARD_BUCKETS - 1;
	return 16 + octave * 16 + (uint32_t)((distance >> octave) & 15);
}

static uint64_t bucket_low(uint32_t bucket)
{
	return bucket < 16 ? bucket : (uint64_t)(16 + bucket % 16) << (bucket / 16 - 1);
}

static void age(struct reeve_sh_shards *s)
{
	if (s->samples - s->aged < REEVE__SHARD_AGE)
		return;
	s->aged = s->samples;
	s->weighed = s->cold /= 2;
	for (uint32_t i = 0; i < REEVE__SHARD_BUCKETS; i++)
		s->weighed += s->weight[i] /= 2;
	s->references /= 2;
}

void reeve__shards_init(struct reeve_sh_shards *s)
{
	memset(s, 0, sizeof(*s));
	s->threshold = REEVE__SHARD_ALL;
}

void reeve__shards_count(struct reeve_sh_shards *s, uint64_t references)
{
	s->references += references << REEVE__SHARD_SHIFT;
}

void reeve__shards_access(struct reeve_sh_shards *s, uint64_t hash, uint64_t references)
{
	uint64_t weight;
	uint32_t cell, at;

	if (s->threshold == 0)
		reeve__shards_init(s);
	reeve__shards_count(s, references);
	if (!reeve__shards_wants(s->threshold, hash))
		return; /* the threshold fell since the caller looked */
	weight = ((uint64_t)REEVE__SHARD_ALL << REEVE__SHARD_SHIFT) / s->threshold;
	s->samples++;
	s->weighed += weight;
	if (s->position >= POSITIONS)
		compact(s);
	cell = cell_of(s, hash);
	if (s->table[cell]) {
		at = s->table[cell] - 1;
		uint64_t distance = s->count - marked_to(s, at);
		s->weight[bucket_of(reeve__muldiv(distance, REEVE__SHARD_ALL, s->threshold))] +=
			weight;
		s->pages[at] = 0;
		mark(s, at, (uint32_t)-1);
	} else {
		s->cold += weight;
		if (s->count >= REEVE__SAMPLES)
			shed(s);
		if (!reeve__shards_wants(s->threshold, hash))
			return;
		s->count++;
		cell = cell_of(s, hash);
	}
	s->pages[s->position] = hash;
	s->table[cell] = s->position + 1;
	mark(s, s->position, 1);
	s->position++;
	age(s);
}

uint32_t reeve__shards_miss_ppm(const struct reeve_sh_shards *s, uint64_t pages)
{
	uint64_t misses = s->cold;

	for (uint32_t i = REEVE__SHARD_BUCKETS; i-- > 0;) {
		uint64_t low = bucket_low(i),
			 next = i + 1 < REEVE__SHARD_BUCKETS ? bucket_low(i + 1) : UINT64_MAX;
		if (next <= pages)
			break;
		/* Accesses of a distance of `pages` and more miss; within a bucket they lie evenly. */
		misses += low >= pages ? s->weight[i]
				       : reeve__muldiv(s->weight[i], next - pages, next - low);
	}
	if (s->references == 0 || pages == 0)
		return REEVE_PPM;
	uint64_t ppm = reeve__muldiv(misses, REEVE_PPM, s->references);
	return ppm > REEVE_PPM ? REEVE_PPM : (uint32_t)ppm;
}
