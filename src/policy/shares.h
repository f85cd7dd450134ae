/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.h - the share solver: what each group of a plan is entitled to.
 *
 * Pure: integers in, integers out. Whatever the input, the result
 *   - is work-conserving: shares of groups with demand add up to the whole, unless caps forbid;
 *   - never exceeds a cap;
 *   - gives every group with demand at least REEVE_SHARE_FLOOR_PPM (unless its cap is lower), or half
 *     an equal part when more than 500 groups have demand and floors would fill more than half;
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

/* One group: what goes in, then what comes out. 40 bytes, so that it can lie in the segment. */
struct reeve_sh_share {
	uint64_t number;     /* in: shares, or percent */
	uint64_t part;	     /* scratch of the solver */
	uint64_t label;	     /* the caller's; not touched */
	uint32_t level;	     /* in: 0 to 9 */
	uint32_t cap_ppm;    /* in: 1 to REEVE_PPM, which is none */
	uint32_t has_demand; /* in */
	uint32_t
		weight_ppm; /* out: by the numbers alone, caps aside; fair queueing divides by it */
	uint32_t share_ppm; /* out: entitlement with caps; 0 without demand */
	uint32_t pad;
};

/*
 * Solves n groups. `by_level` true for EMPHASIS: number is a percentage of what the levels above
 * left; else levels are ignored and numbers are ratios. Takes O(n) times the number of rounds in
 * which caps bind, at most n.
 */
void reeve__shares_solve(struct reeve_sh_share *s, uint32_t n, bool by_level);
/* The same without caps: only weight_ppm comes out. Takes O(n). */
void reeve__shares_weigh(struct reeve_sh_share *s, uint32_t n, bool by_level);

#endif
