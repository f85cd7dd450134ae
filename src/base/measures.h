/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measures.h - small records of measurement that lie in the segment and that policies work on. Under
 * their owner's lock. All 0: nothing noted.
 */
#ifndef REEVE_MEASURES_H
#define REEVE_MEASURES_H

#include "base.h"

#define REEVE_HISTOGRAM_BUCKETS 36u

/* How long waits were (policy/histogram.h). */
struct reeve_sh_histogram {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t buckets[REEVE_HISTOGRAM_BUCKETS];
};

/* Use as the fair share policy remembers it (policy/fair_share.h). */
struct reeve_sh_use {
	uint64_t use;	   /* decayed to `stamp_ns`, in 1/256 ns */
	uint64_t stamp_ns; /* instant of the last decay */
};

_Static_assert(sizeof(struct reeve_sh_histogram) == 320, "a histogram takes 320 bytes");

#endif
