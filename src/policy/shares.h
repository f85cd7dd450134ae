/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.h - the share solver: what each group of a plan is entitled to.
 *
 * Pure: integers in, integers out. Whatever the input, the result
 *   - is work-conserving: shares of groups with demand add up to the whole, unless caps forbid;
 *   - never exceeds a cap;
 *   - gives every group with demand at least REEVE_SHARE_FLOOR_PPM (unless its cap is lower);
 *   - keeps proportions: two groups of a level stand in the ratio of their numbers, floor and caps
 *     apart.
 *
 * Worked: EMPHASIS, level 1: A 60 %, B 20 %; level 2: C 100 %. All want: A 60, B 20, C what level 1
 * left, 20. A idle: B 20, C 80.
 */
#ifndef REEVE_POLICY_SHARES_H
#define REEVE_POLICY_SHARES_H

#include "../base/base.h"

/* Least share of a group with demand: one part in a thousand, so that 0 % is slow and not dead. */
#define REEVE_SHARE_FLOOR_PPM 1000u
/* Level of groups that a plan does not name: after all of its own. */
#define REEVE_SHARE_LEVEL_OTHER 9u
/* Level of SYS_GROUP when a plan does not name it: before all others. */
#define REEVE_SHARE_LEVEL_SYSTEM 0u
#define REEVE_SHARE_LEVELS	 10u

struct reeve__share_in {
	uint64_t number; /* shares, or percent */
	uint32_t level;	 /* 0 to 9; the same for all when the method has no levels */
	uint32_t cap_ppm; /* REEVE_PPM: none */
	bool has_demand;
};

struct reeve__share_out {
	uint64_t part; /* scratch of the solver */
	uint32_t weight_ppm; /* by the numbers alone, caps aside: what fair queueing divides by */
	uint32_t share_ppm;  /* entitlement with caps; 0 without demand */
};

/*
 * Solves n groups. `by_level` true for EMPHASIS: number is a percentage of what the levels above
 * left; else levels are ignored and numbers are ratios. Takes O(n) times the number of rounds in
 * which caps bind, at most n.
 */
void reeve__shares_solve(
	const struct reeve__share_in *in, uint32_t n, bool by_level, struct reeve__share_out *out);

#endif
