/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_bucket.h - token buckets of bytes and of operations, with debt.
 *
 * The generic cell rate algorithm (ITU-T I.371, Annex A): a bucket is one instant, that at which it
 * will be full again; taking n tokens moves it by n / rate. No refill has to be booked, and nothing
 * is lost by rounding: an instant has ticks of 2^-10 ns.
 *
 * Worked: 1 MB/s and a burst of one second: a full bucket holds 10^6 tokens; taking 250,000 moves
 * the instant to now + 0.25 s; 750,000 are left. A request for more than the bucket holds waits until
 * it is full, and then takes it into debt.
 *
 * Over any span t the use is at most rate * t + burst, or rate * t + the one request that is larger
 * than the burst. Error: below 2e-6 of the rate up to 2^40 units a second.
 *
 * Ticks wrap after 208 days and are compared by signed difference; reeve__io_bucket_touch, at least
 * once in 50 days, keeps a bucket that nobody uses from seeming to be in debt.
 */
#ifndef REEVE_POLICY_IO_BUCKET_H
#define REEVE_POLICY_IO_BUCKET_H

#include "../base/io_flow.h"

#define REEVE_IO_TICKS_SHIFT 10
#define REEVE_IO_RATE_MAX    ((uint64_t)1 << 40)

static inline uint64_t reeve__io_ticks(uint64_t ns)
{
	return ns << REEVE_IO_TICKS_SHIFT;
}

static inline uint64_t reeve__io_bucket_cost(const struct reeve_sh_io_bucket *b, uint64_t units)
{
	reeve__u128 cost = ((reeve__u128)units * b->inv_q20) >> 20;

	return cost >> 62 ? (uint64_t)1 << 62 : (uint64_t)cost;
}

/* Ticks that are missing to a full bucket; 0 when it is full. */
static inline uint64_t reeve__io_bucket_missing(const struct reeve_sh_io_bucket *b, uint64_t ticks)
{
	int64_t missing = (int64_t)(b->full_at - ticks);

	return missing > 0 ? (uint64_t)missing : 0;
}

/* Ticks until `units` may be taken; 0: now. */
static inline uint64_t reeve__io_bucket_wait(
	const struct reeve_sh_io_bucket *b, uint64_t units, uint64_t ticks)
{
	uint64_t need = reeve__io_bucket_cost(b, units);
	uint64_t missing = reeve__io_bucket_missing(b, ticks);

	need = need < b->burst ? need : b->burst;
	return missing + need > b->burst ? missing + need - b->burst : 0;
}

/* Takes them, into debt if need be. */
static inline void reeve__io_bucket_take(
	struct reeve_sh_io_bucket *b, uint64_t units, uint64_t ticks)
{
	uint64_t cost = reeve__io_bucket_cost(b, units);

	if (cost)
		b->full_at = ticks + reeve__io_bucket_missing(b, ticks) + cost;
}

static inline void reeve__io_bucket_touch(struct reeve_sh_io_bucket *b, uint64_t ticks)
{
	if (reeve__io_bucket_missing(b, ticks) == 0)
		b->full_at = ticks;
}

/* Tokens left; negative: debt. 0 without a limit. */
static inline int64_t reeve__io_bucket_tokens(const struct reeve_sh_io_bucket *b, uint64_t ticks)
{
	uint64_t missing = reeve__io_bucket_missing(b, ticks);
	bool debt = missing > b->burst;
	uint64_t off = debt ? missing - b->burst : b->burst - missing;
	uint64_t tokens = b->inv_q20 ? (uint64_t)(((reeve__u128)off << 20) / b->inv_q20) : 0;

	return debt ? -(int64_t)tokens : (int64_t)tokens;
}

/*
 * Another limit, or another burst (ppm of a second). Tokens and debt stay what they are, but for what
 * no longer fits in; a bucket that had no limit starts full. `rate` 1 to REEVE_IO_RATE_MAX, or
 * REEVE_UNLIMITED.
 */
static inline void reeve__io_bucket_set(
	struct reeve_sh_io_bucket *b, uint64_t rate, uint32_t burst_ppm, uint64_t ticks)
{
	bool had = b->inv_q20 != 0;
	int64_t tokens = reeve__io_bucket_tokens(b, ticks);
	int64_t missing;

	b->limit_rate = rate;
	b->burst = ((uint64_t)1000 << REEVE_IO_TICKS_SHIFT) * burst_ppm;
	b->inv_q20 = 0;
	b->full_at = ticks;
	if (rate == REEVE_UNLIMITED || rate == 0)
		return;
	b->inv_q20 = (((uint64_t)1000000000 << (REEVE_IO_TICKS_SHIFT + 20)) + rate / 2) / rate;
	if (!had)
		return;
	missing = (int64_t)b->burst;
	if (tokens < 0)
		missing += (int64_t)reeve__io_bucket_cost(b, (uint64_t)-tokens);
	else
		missing -= (int64_t)reeve__io_bucket_cost(b, (uint64_t)tokens);
	if (missing > 0)
		b->full_at = ticks + (uint64_t)missing;
}

#endif
