/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair_share.h - the fair share policy: what was used lately counts against what is wanted now.
 *
 * As the share schedulers of UNIX (Kay and Lauder 1988) and Solaris: use is remembered and decays,
 * with a half-life of 10 s. Who has lately used more than its shares, others' absence included, runs
 * at less than its shares until that is forgotten; who has used less, at more. Unlike there nobody
 * is ever shut out: history changes a weight by a factor between 1/2 and 2, and so the most a
 * newcomer gets over one that was there, at equal shares, is 4 parts in 5; and at rest, when all have
 * used what they are due, all factors are 1 and shares hold exactly.
 *
 * Worked: A and B have equal shares; A has run alone for long and its decayed use is 14.4 s (10 s /
 * ln 2). B comes: B weighs double, A at first the same as always and then, as the average falls
 * below what A has used, down to half.
 *
 * Fixed point: decayed use is in 1/256 ns. Decay is worked out to 2^-32, rounded down: over any
 * time, with an update every 2 ms, decayed use is at most one part in 10,000 too small.
 */
#ifndef REEVE_POLICY_FAIR_SHARE_H
#define REEVE_POLICY_FAIR_SHARE_H

#include "../base/measures.h"

#define REEVE_FAIR_SHARE_HALF_LIFE_NS ((uint64_t)10000000000)
/* Use is kept in 1/256 ns. */
#define REEVE_FAIR_SHARE_FRACTION 8
/* How far history changes a weight, ppm. */
#define REEVE_FAIR_SHARE_LEAST (REEVE_PPM / 2)
#define REEVE_FAIR_SHARE_MOST  (REEVE_PPM * 2)
/* The average follows use of so many nanoseconds, one slot's seconds. */
#define REEVE_FAIR_SHARE_MEMORY_NS ((uint64_t)1000000000)
/* The longest average there is: no one has a weight below 1 ppm and uses more than 1,024 slots. */
#define REEVE_FAIR_SHARE_RATE_MAX ((uint64_t)1 << 62)

/* Spans of decay are counted in 2^-24 of a half-life, 596 ns. */
#define REEVE_FAIR_SHARE_TICKS 24

/* 2^-(ticks / 2^24) in units of 2^-32, rounded down; at most 2^32. */
static inline uint64_t reeve__fair_share_decay_q32(uint64_t ticks)
{
	/* 2^-(2^-k) for k = 1 to 24, in units of 2^-32 */
	static const uint32_t roots[24] = {3037000499u, 3611622602u, 3938502375u, 4112874773u,
		4202935003u, 4248701964u, 4271771996u, 4283353945u, 4289156690u, 4292061009u,
		4293513906u, 4294240539u, 4294603902u, 4294785595u, 4294876444u, 4294921870u,
		4294944583u, 4294955939u, 4294961617u, 4294964456u, 4294965876u, 4294966586u,
		4294966941u, 4294967118u};
	uint64_t lives = ticks >> REEVE_FAIR_SHARE_TICKS;
	uint64_t q = (uint64_t)1 << 32;

	if (lives >= 32)
		return 0;
	for (unsigned k = 0; k < 24; k++)
		if (ticks >> (23 - k) & 1)
			q = (q * roots[k]) >> 32;
	return q >> lives;
}

/*
 * Decays to `now` and adds `ns` of use. An instant before the last decays nothing. Spans below 1 ms
 * are left to grow, and what is less than a tick stays for the next time.
 */
static inline void reeve__fair_share_add(struct reeve_sh_use *u, uint64_t now, uint64_t ns)
{
	uint64_t add = ns >> (62 - REEVE_FAIR_SHARE_FRACTION) ? (uint64_t)1 << 62
							      : ns << REEVE_FAIR_SHARE_FRACTION;

	if (u->use == 0) {
		u->stamp_ns = now;
	} else if (now > u->stamp_ns && now - u->stamp_ns >= 1000000) {
		uint64_t ticks = reeve__muldiv(now - u->stamp_ns,
			(uint64_t)1 << REEVE_FAIR_SHARE_TICKS, REEVE_FAIR_SHARE_HALF_LIFE_NS);
		u->use = reeve__mulq32(u->use, reeve__fair_share_decay_q32(ticks));
		u->stamp_ns += reeve__muldiv(ticks, REEVE_FAIR_SHARE_HALF_LIFE_NS,
			(uint64_t)1 << REEVE_FAIR_SHARE_TICKS);
	}
	u->use = u->use > ((uint64_t)1 << 62) - add ? (uint64_t)1 << 62 : u->use + add;
}

/* Decayed use over weight: in 1/256 ns a part per million. */
static inline uint64_t reeve__fair_share_rate(const struct reeve_sh_use *u, uint32_t weight_ppm)
{
	uint64_t rate = reeve__muldiv(u->use, REEVE_PPM, weight_ppm ? weight_ppm : 1);

	return rate < REEVE_FAIR_SHARE_RATE_MAX ? rate : REEVE_FAIR_SHARE_RATE_MAX;
}

/*
 * The average that rates are compared with, moved towards the rate of one that has just used `ns`:
 * so it is the average of those who run, each by what it uses.
 */
static inline uint64_t reeve__fair_share_average(uint64_t average, uint64_t rate, uint64_t ns)
{
	if (ns >= REEVE_FAIR_SHARE_MEMORY_NS || average == 0)
		return rate;
	if (rate >= average)
		return average + reeve__muldiv(rate - average, ns, REEVE_FAIR_SHARE_MEMORY_NS);
	return average - reeve__muldiv(average - rate, ns, REEVE_FAIR_SHARE_MEMORY_NS);
}

/* A weight as history changes it; at least 1. */
static inline uint32_t reeve__fair_share_weight(
	uint32_t weight_ppm, uint64_t average, uint64_t rate)
{
	uint64_t factor = rate ? reeve__muldiv(average, REEVE_PPM, rate) : REEVE_FAIR_SHARE_MOST;
	uint64_t weight;

	if (average == 0)
		factor = REEVE_PPM;
	factor = factor < REEVE_FAIR_SHARE_LEAST ? REEVE_FAIR_SHARE_LEAST : factor;
	factor = factor > REEVE_FAIR_SHARE_MOST ? REEVE_FAIR_SHARE_MOST : factor;
	weight = reeve__muldiv(weight_ppm, factor, REEVE_PPM);
	return weight > UINT32_MAX ? UINT32_MAX : weight ? (uint32_t)weight : 1;
}

#endif
