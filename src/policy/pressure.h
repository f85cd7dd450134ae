/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pressure.h - levels of memory pressure, with hysteresis.
 *
 * A level is reached when usage is at its threshold, and left when usage is `gap` bytes below it or
 * less. Worked: limit 1,000, thresholds 60, 75, 85, 95 %, hysteresis 2 %: at 750 the level is MEDIUM,
 * at 731 still, at 730 it is LOW.
 */
#ifndef REEVE_POLICY_PRESSURE_H
#define REEVE_POLICY_PRESSURE_H

#include "../base/base.h"

struct reeve__pressure_points {
	uint64_t at[4]; /* bytes at which levels 1 to 4 are reached */
	uint64_t gap;	/* bytes of hysteresis */
};

/* ppm of `whole`, rounded up. */
static inline uint64_t reeve__part_up(uint64_t whole, uint32_t ppm)
{
	return (uint64_t)(((reeve__u128)whole * ppm + REEVE_PPM - 1) / REEVE_PPM);
}

static inline struct reeve__pressure_points reeve__pressure_points_of(
	uint64_t limit_bytes, const uint32_t threshold_ppm[4], uint32_t hysteresis_ppm)
{
	struct reeve__pressure_points p;

	for (int i = 0; i < 4; i++)
		p.at[i] = reeve__part_up(limit_bytes, threshold_ppm[i]);
	p.gap = reeve__muldiv(limit_bytes, hysteresis_ppm, REEVE_PPM);
	return p;
}

/* Usage above which a level (1 to 4) that is reached is kept; saturating at 0. */
static inline uint64_t reeve__pressure_keeps(const struct reeve__pressure_points *p, uint32_t level)
{
	uint64_t at = p->at[level - 1];

	return at > p->gap ? at - p->gap : 0;
}

/* The level at this usage for who was at level `now`. */
static inline uint32_t reeve__pressure_level(
	const struct reeve__pressure_points *p, uint32_t now, uint64_t used)
{
	uint32_t level = 4;

	while (level > 0 && used < p->at[level - 1] &&
		(level > now || used <= reeve__pressure_keeps(p, level)))
		level--;
	return level;
}

/* Usage at which the next level is reached; UINT64_MAX: there is none. */
static inline uint64_t reeve__pressure_rise(const struct reeve__pressure_points *p, uint32_t level)
{
	return level < 4 ? p->at[level] : UINT64_MAX;
}

/*
 * Usage that the kernel's stall figures stand for: tasks that lose a tenth of their time to memory
 * make at least MEDIUM, all tasks at once HIGH. Never CRITICAL: others' work on the machine must not
 * have everything refused here.
 */
#define REEVE__STALL_PPM 100000u
static inline uint64_t reeve__pressure_of_stall(
	const struct reeve__pressure_points *p, uint32_t some_ppm, uint32_t full_ppm)
{
	if (full_ppm != UINT32_MAX && full_ppm >= REEVE__STALL_PPM)
		return p->at[2];
	return some_ppm != UINT32_MAX && some_ppm >= REEVE__STALL_PPM ? p->at[1] : 0;
}

#endif
