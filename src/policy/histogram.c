/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.c - see histogram.h. */
#include "histogram.h"

static uint64_t clamp(const struct reeve_sh_histogram *h, uint64_t ns)
{
	return ns < h->min_ns ? h->min_ns : ns > h->max_ns ? h->max_ns : ns;
}

uint64_t reeve__histogram_quantile(const struct reeve_sh_histogram *h, uint32_t ppm)
{
	/* nearest rank: the smallest wait that at least this part of all does not exceed */
	uint64_t rank = (uint64_t)(((reeve__u128)h->count * ppm + REEVE_PPM - 1) / REEVE_PPM);
	uint64_t below = 0;

	if (h->count == 0)
		return 0;
	rank = rank == 0 ? 1 : rank;
	for (uint32_t i = 0; i < REEVE_HISTOGRAM_BUCKETS; i++) {
		uint64_t n = h->buckets[i];
		if (n == 0 || below + n < rank) {
			below += n;
			continue;
		}
		uint64_t low = i ? (uint64_t)1 << (REEVE_HISTOGRAM_FIRST_NS + i - 1) : 0;
		uint64_t end = (uint64_t)1 << (REEVE_HISTOGRAM_FIRST_NS + i);
		low = clamp(h, low);
		end = i == REEVE_HISTOGRAM_BUCKETS - 1 ? h->max_ns : clamp(h, end);
		return low + reeve__muldiv(end - low, rank - below, n);
	}
	return h->max_ns;
}
