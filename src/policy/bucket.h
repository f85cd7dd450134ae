/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - a token bucket with debt, for caps.
 *
 * `rate_ppm` tokens flow in for every million nanoseconds; a bucket of CPU time for a cap of 25 %
 * of two slots has rate 500,000. Use may take the bucket below zero; the user is then held back
 * until it is full enough again. Over any span t the use is at most rate * t + burst + one debt.
 */
#ifndef REEVE_POLICY_BUCKET_H
#define REEVE_POLICY_BUCKET_H

#include "../base/base.h"

/*
 * Brings the bucket to `now`, up to `burst` tokens. An instant before the last changes nothing, but
 * a last instant far ahead, of another boot say, is forgotten. The part of a token that has come in by `now` is not lost: the bucket then stands at the instant at
 * which the last whole one was there.
 */
static inline void reeve__bucket_fill(
	struct reeve_sh_bucket *b, uint64_t now, uint64_t rate_ppm, uint64_t burst)
{
	uint64_t add;

	if (now <= b->filled_ns) {
		if (b->filled_ns - now > 1000000000u)
			b->filled_ns = now;
		return;
	}
	add = reeve__muldiv(now - b->filled_ns, rate_ppm, REEVE_PPM);
	if (add == 0)
		return; /* let the span grow until it is worth a token */
	if (add > INT64_MAX / 2)
		add = INT64_MAX / 2;
	if (b->tokens > (int64_t)burst - (int64_t)add) {
		b->filled_ns = now;
		b->tokens = (int64_t)burst;
		return;
	}
	/* Rounded up: never above the rate. At most now - filled_ns, so it fits. */
	b->filled_ns += (uint64_t)(((reeve__u128)add * REEVE_PPM + rate_ppm - 1) / rate_ppm);
	b->tokens += (int64_t)add;
}

/* Nanoseconds until the bucket holds `want` tokens (at most the burst); 0 when it does. */
static inline uint64_t reeve__bucket_wait_ns(
	const struct reeve_sh_bucket *b, uint64_t want, uint64_t rate_ppm)
{
	if (b->tokens >= (int64_t)want)
		return 0;
	uint64_t ns = reeve__muldiv((uint64_t)((int64_t)want - b->tokens), REEVE_PPM, rate_ppm);
	return ns == UINT64_MAX ? ns : ns + 1;
}

#endif
