/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_rate.h - rates as exponentially weighted means with a half-life of one second.
 *
 * An event of n bytes at instant t counts n * ln 2 / 1 s at t, half of it a second later, and so on:
 * a steady flow of r bytes a second shows as r. The value depends on the events and on the instant
 * at which it is read, and not on how often anybody asks. Values of disjoint sets of events add up.
 */
#ifndef REEVE_POLICY_IO_RATE_H
#define REEVE_POLICY_IO_RATE_H

#include "../base/io_flow.h"

#define REEVE_IO_HALF_LIFE_NS ((uint64_t)1000000000)

/* `value` after `ns`: value * 2^-(ns / half-life), rounded down; relative error below 1e-4. */
uint64_t reeve__io_decay(uint64_t value, uint64_t ns);

/*
 * Brings the rate to an instant `ns` after `at`, counts an event there, and notes `now` (whatever
 * unit the caller keeps its instants in).
 */
static inline void reeve__io_rate_count(
	struct reeve_sh_io_rate *rate, uint64_t ns, uint64_t now, uint64_t bytes, uint64_t ops)
{
	/* ln 2 * 256 = 177.4457; in 1/16 of that, so that one operation is not rounded away */
	rate->bytes_q8 = reeve__io_decay(rate->bytes_q8, ns) + bytes * 177 + bytes * 7 / 16;
	rate->ops_q8 = reeve__io_decay(rate->ops_q8, ns) + ops * 177 + ops * 7 / 16;
	rate->at = now;
}

#endif
