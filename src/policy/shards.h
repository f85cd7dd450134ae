/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shards.h - miss-ratio curves in fixed memory: SHARDS (Waldspurger, Park, Garthwaite, Ahmad:
 * "Efficient MRC construction with SHARDS", FAST 2015), the fixed-size variant, with the correction
 * that the paper calls SHARDS-adj.
 *
 * A page is sampled when its hash is below a threshold T of 2^24, so the same pages are sampled each
 * time. The reuse distance among sampled pages, divided by the rate R = T / 2^24, estimates the reuse
 * distance among all. When more than REEVE__SAMPLES pages are followed, T falls by an eighth and
 * those above it are dropped. Each sampled access weighs 1 / R, so weights of different times add up.
 * What all accesses told amount to, beyond the weights, are accesses of hot pages that the sample
 * missed: hits at the shortest distance.
 *
 * Worked: R = 1/8, a page comes again after 100 other sampled pages: distance 800, weight 8.
 *
 * Error, as the tests measure it against an exact LRU for Zipf, uniform, looping and mixed traces of
 * 50,000 pages: about one point of miss ratio on average over sizes and traces, which the test bounds
 * by two; 5 on average over the sizes of one trace and 8 at one size at the worst (which pages are
 * sampled is chance: one standard deviation is 1.5 points). While fewer pages than REEVE__SAMPLES are
 * in play: half a point on average, 2 at the worst, which is what the buckets cost.
 *
 * Pure; not safe for concurrent use. After a death in the middle (`busy`), begin again.
 */
#ifndef REEVE_POLICY_SHARDS_H
#define REEVE_POLICY_SHARDS_H

#include "../base/base.h"

#define REEVE__SAMPLES	     4096u /* pages followed at most */
#define REEVE__SHARD_BUCKETS 640u  /* 16 an octave of distance, up to 2^43 pages */
#define REEVE__SHARD_ALL     (UINT32_C(1) << 24)
#define REEVE__SHARD_AGE     65536u /* samples after which the past counts half */
/* Fewer samples than this make no curve. */
#define REEVE__SHARD_USABLE 1000u
/* Fraction bits of weights and references. */
#define REEVE__SHARD_SHIFT 8

struct reeve_sh_shards {
	_Atomic uint32_t busy; /* 1 while it is being changed: garbage if its owner died */
	uint32_t count;	       /* pages followed */
	uint32_t threshold;    /* T; 0: not begun */
	uint32_t position;     /* next; positions order pages by their last access */
	uint64_t references;   /* accesses told, with fraction bits */
	uint64_t weighed;      /* sum of all weights */
	uint64_t cold;	       /* weight of first accesses */
	uint64_t samples;
	uint64_t aged; /* samples when the past was last halved */
	uint64_t pad;
	uint64_t pages[2 * 4096]; /* hash by position; 0: nobody's */
	uint32_t table[2 * 4096]; /* position + 1, by hash; 0: empty */
	uint32_t marks[2 * 4096]; /* Fenwick tree (1994) of positions in use */
	uint64_t weight[640];	  /* by distance */
};

/* Callers' hashes may be poor; the finalizer of splitmix64 is a bijection. Never 0. */
static inline uint64_t reeve__shards_hash(uint64_t page)
{
	uint64_t z = page + UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z ? z : 1;
}

static inline bool reeve__shards_wants(uint64_t threshold, uint64_t hash)
{
	return (hash >> 40) < threshold;
}

/* Begins, or begins again with all forgotten. */
void reeve__shards_init(struct reeve_sh_shards *s);
/*
 * One sampled access, and how many accesses were told since the last call, this one included.
 * O(log REEVE__SAMPLES), now and then O(REEVE__SAMPLES).
 */
void reeve__shards_access(struct reeve_sh_shards *s, uint64_t hash, uint64_t references);
/* More accesses told, none of them sampled. */
void reeve__shards_count(struct reeve_sh_shards *s, uint64_t references);
static inline bool reeve__shards_usable(const struct reeve_sh_shards *s)
{
	return s->samples >= REEVE__SHARD_USABLE;
}
/* Share of accesses that miss with an LRU cache of so many pages, ppm. Falls with `pages`. */
uint32_t reeve__shards_miss_ppm(const struct reeve_sh_shards *s, uint64_t pages);

#endif
