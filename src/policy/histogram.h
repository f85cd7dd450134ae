/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - how long waits were: buckets by powers of two.
 *
 * Bucket 0 holds waits below 1,024 ns, bucket k those from 2^(9+k) to below 2^(10+k), the last all
 * from 2^44 ns (five hours) up. A quantile is worked out on a straight line inside its bucket, as far
 * as that lies between the least and the longest wait; so it is off by less than a factor of two, and for even
 * spread by far less. Mean, least and longest are exact.
 */
#ifndef REEVE_POLICY_HISTOGRAM_H
#define REEVE_POLICY_HISTOGRAM_H

#include "../base/measures.h"

#define REEVE_HISTOGRAM_FIRST_NS 10u /* bucket 0 ends at 2^this */

static inline uint32_t reeve__histogram_bucket(uint64_t ns)
{
	uint32_t bits = ns >> REEVE_HISTOGRAM_FIRST_NS
				? 64u - (uint32_t)__builtin_clzll(ns) - REEVE_HISTOGRAM_FIRST_NS
				: 0;

	return bits < REEVE_HISTOGRAM_BUCKETS ? bits : REEVE_HISTOGRAM_BUCKETS - 1;
}

static inline void reeve__histogram_note(struct reeve_sh_histogram *h, uint64_t ns)
{
	if (h->count == 0 || ns < h->min_ns)
		h->min_ns = ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->count++;
	h->sum_ns += ns;
	h->buckets[reeve__histogram_bucket(ns)]++;
}

/* The wait that `ppm` parts in a million do not exceed; 0 when none was noted. */
uint64_t reeve__histogram_quantile(const struct reeve_sh_histogram *h, uint32_t ppm);

#endif
