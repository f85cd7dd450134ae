/* SPDX-License-Identifier: Apache-2.0 */
/* shares.c - see shares.h. */
#include "shares.h"

/*
 * Shares are worked out in parts per 10^12, so that rounding down over 65,536 groups loses less
 * than one part per million.
 */
#define WHOLE ((uint64_t)1000000000000u)
#define SCALE (WHOLE / REEVE_PPM)

static bool level_counts(const struct reeve_sh_share *s, uint32_t level, bool by_level)
{
	return s->has_demand && (!by_level || s->level == level);
}

/* Sum of the numbers and how many groups with demand there are on a level. */
static uint64_t sum_level(
	struct reeve_sh_share *s, uint32_t n, uint32_t level, bool by_level, uint32_t *ret_count)
{
	uint64_t sum = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		if (level_counts(&s[i], level, by_level)) {
			sum += s[i].number;
			count++;
		}
	*ret_count = count;
	return sum;
}

/*
 * Gives each group of a level number/base of `available`; equal parts when no group has a number.
 * Returns what it gave.
 */
static uint64_t give_level(struct reeve_sh_share *s, uint32_t n, uint32_t level, bool by_level,
	uint64_t base, uint64_t available, uint32_t count)
{
	uint64_t given = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!level_counts(&s[i], level, by_level))
			continue;
		uint64_t part =
			base ? reeve__muldiv(available, s[i].number, base) : available / count;
		s[i].part += part;
		given += part;
	}
	return given;
}

/* Scales all parts so that they add up to the whole; what no number claims goes to everyone. */
static void fill_whole(struct reeve_sh_share *s, uint32_t n, uint64_t given)
{
	uint32_t count;

	if (given == 0) {
		(void)sum_level(s, n, 0, false, &count);
		if (count)
			give_level(s, n, 0, false, 0, WHOLE, count);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		s[i].part = reeve__muldiv(s[i].part, WHOLE, given);
}

/* Raises parts below the floor to it, at the cost of the others in proportion. */
static void raise_floor(struct reeve_sh_share *s, uint32_t n)
{
	uint64_t floor = REEVE_SHARE_FLOOR_PPM * SCALE, low = 0, high = 0;
	uint32_t count;

	(void)sum_level(s, n, 0, false, &count);
	if (count == 0)
		return;
	if (floor > WHOLE / (2 * count)) /* so many groups that floors would fill the whole */
		floor = WHOLE / (2 * count);
	for (uint32_t i = 0; i < n; i++) {
		if (!s[i].has_demand)
			continue;
		if (s[i].part < floor)
			low += floor;
		else
			high += s[i].part - floor;
		if (s[i].part >= floor)
			low += floor;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!s[i].has_demand)
			continue;
		if (s[i].part <= floor)
			s[i].part = floor;
		else
			s[i].part = floor + reeve__muldiv(s[i].part - floor, WHOLE - low, high);
	}
}

/*
 * Water filling: what a cap cuts off goes to the uncapped in proportion to their weights; repeat
 * until no cap binds anew. Each round fixes at least one group.
 */
static void apply_caps(struct reeve_sh_share *s, uint32_t n)
{
	bool more = true;

	for (uint32_t i = 0; i < n; i++)
		s[i].share_ppm = 0;
	for (uint32_t round = 0; more && round <= n; round++) {
		uint64_t open = 0, left = REEVE_PPM;
		more = false;
		for (uint32_t i = 0; i < n; i++) {
			if (!s[i].has_demand)
				continue;
			if (s[i].share_ppm)
				left -= s[i].share_ppm;
			else
				open += s[i].part;
		}
		for (uint32_t i = 0; i < n; i++) {
			if (!s[i].has_demand || s[i].share_ppm || !s[i].cap_ppm)
				continue;
			if (reeve__muldiv(s[i].part, left, open) > s[i].cap_ppm) {
				s[i].share_ppm = s[i].cap_ppm;
				more = true;
			}
		}
		if (more)
			continue;
		for (uint32_t i = 0; i < n; i++)
			if (s[i].has_demand && !s[i].share_ppm)
				s[i].share_ppm = (uint32_t)reeve__muldiv(s[i].part, left, open);
	}
}

void reeve__shares_weigh(struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	uint64_t left = WHOLE, given = 0;

	for (uint32_t i = 0; i < n; i++)
		s[i].part = 0;
	for (uint32_t level = 0; level < REEVE_SHARE_LEVELS && left; level++) {
		uint32_t count;
		uint64_t sum = sum_level(s, n, level, by_level, &count);
		/* 0 % of a level is the floor, but who no plan names shares what is left. */
		if (count == 0 || (by_level && sum == 0 && level != REEVE_SHARE_LEVEL_OTHER))
			continue;
		/* A level's percentages are of what is left; ratios and overfull levels add up. */
		uint64_t base = by_level && sum && sum < 100 && level != REEVE_SHARE_LEVEL_OTHER
					? 100
					: sum;
		uint64_t part = give_level(s, n, level, by_level, base, left, count);
		given += part;
		left -= part;
		if (!by_level)
			break;
	}
	fill_whole(s, n, given);
	raise_floor(s, n);
	for (uint32_t i = 0; i < n; i++)
		s[i].weight_ppm = (uint32_t)(s[i].part / SCALE);
}

void reeve__shares_solve(struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	reeve__shares_weigh(s, n, by_level);
	apply_caps(s, n);
}
