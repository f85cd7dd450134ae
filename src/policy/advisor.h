/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advisor.h - what size a pool ought to have. Pure.
 *
 * First rule, from usage alone: above 90 % of the maximum, a fifth more; below 50 %, a tenth less,
 * down to the minimum; the benefit is |usage - 75 %| / 25 %.
 *
 * Curve rule, where the miss ratio was measured: the smallest size whose miss ratio is within one
 * point of what the largest possible size would give. Worked: max 100, possible 200, misses 40 % at
 * 100, 12 % at 160, 11.5 % at 200: recommended 160, benefit (40 - 12) / 40 = 70 %. Misses 11.6 % at
 * 100: the pool may shrink to where it reaches 12.5 %.
 */
#ifndef REEVE_POLICY_ADVISOR_H
#define REEVE_POLICY_ADVISOR_H

#include "../base/base.h"

#define REEVE__ADVICE_GRID	64u    /* sizes that the curve rule compares */
#define REEVE__ADVICE_SLACK_PPM 10000u /* one point of miss ratio */

struct reeve__advice {
	uint64_t bytes;	      /* recommended; equal to max: no opinion */
	uint64_t benefit_ppm; /* 0 then */
};

static inline struct reeve__advice reeve__advice_first(uint64_t max, uint64_t min, uint64_t used)
{
	struct reeve__advice a = {max, 0};
	uint64_t ppm = max ? reeve__muldiv(used, REEVE_PPM, max) : 0;

	if (max == 0)
		return a;
	if (ppm > 900000)
		a.bytes = max / 5 > UINT64_MAX - max ? UINT64_MAX : max + max / 5;
	else if (ppm < 500000 && max > min)
		a.bytes = max - max / 10 > min ? max - max / 10 : min;
	if (a.bytes != max)
		a.benefit_ppm = (ppm > 750000 ? ppm - 750000 : 750000 - ppm) * 4;
	return a;
}

/* Size number i of n from `least` to `most`, both included. */
static inline uint64_t reeve__advice_size(uint64_t least, uint64_t most, uint32_t i)
{
	return least + reeve__muldiv(most - least, i, REEVE__ADVICE_GRID - 1);
}

/*
 * `miss_ppm[i]` is the miss ratio at size number i from `least` to `most`; `now_ppm` at `max`.
 */
static inline struct reeve__advice reeve__advice_curve(uint64_t max, uint32_t now_ppm,
	uint64_t least, uint64_t most, const uint32_t miss_ppm[REEVE__ADVICE_GRID])
{
	struct reeve__advice a = {max, 0};
	uint32_t best = miss_ppm[REEVE__ADVICE_GRID - 1], i = 0;
	uint64_t bytes;

	while (i < REEVE__ADVICE_GRID - 1 && miss_ppm[i] > best + REEVE__ADVICE_SLACK_PPM)
		i++;
	bytes = reeve__advice_size(least, most, i);
	if (bytes > max && now_ppm > best + REEVE__ADVICE_SLACK_PPM) {
		a.bytes = bytes;
		a.benefit_ppm = reeve__muldiv(now_ppm - miss_ppm[i], REEVE_PPM, now_ppm);
	} else if (bytes < max) {
		a.bytes = bytes;
		a.benefit_ppm = reeve__muldiv(max - bytes, REEVE_PPM, max);
	}
	return a;
}

#endif
