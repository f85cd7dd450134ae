/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.h - the share solver: what each group of a plan, or of a tree of plans, is entitled to.
 *
 * Pure: integers in, integers out. Whatever the input, the result
 *   - is work-conserving: shares of groups with demand add up to the whole, unless caps forbid;
 *   - never exceeds a cap, neither a group's own nor that of a sub-plan it is in;
 *   - gives every group with demand at least REEVE_SHARE_FLOOR_PPM (unless a cap is lower), however
 *     deep it lies; or half an equal part when more than 500 groups have demand and floors would fill
 *     more than half;
 *   - keeps proportions: two rows of a level of a plan stand in the ratio of their numbers, floor
 *     and caps apart.
 *
 * Worked: EMPHASIS, level 1: A 60 %, B 20 %; level 2: C 100 %. All want: A 60, B 20, C what level 1
 * left, 20. A idle: B 20, C 80. A divided by a sub-plan into D and E by 2 : 1: D 40, E 20.
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

/*
 * One place in a plan: what goes in, then what comes out. A leaf is a group's; the children of a
 * row that a sub-plan divides lie together, somewhere behind it. Can lie in the segment.
 */
struct reeve_sh_share {
	uint64_t number;     /* in: shares, or percent */
	uint64_t label;	     /* the caller's; not touched */
	uint64_t part;	     /* scratch */
	uint64_t got;	     /* scratch */
	uint64_t bound;	     /* scratch */
	uint32_t level;	     /* in: 0 to 9 */
	uint32_t cap_ppm;    /* in: 1 to REEVE_PPM, which is none; of the whole, however deep */
	uint32_t has_demand; /* in; of a row with children: out */
	uint32_t by_level;   /* in: how it divides among its children, see below */
	uint32_t first;	     /* in: index of its first child, above its own */
	uint32_t count;	     /* in: children; 0: a leaf */
	uint32_t owner;	     /* the caller's: whose child it is */
	uint32_t tag;	     /* the caller's: which group */
	uint32_t
		weight_ppm; /* out: by the numbers alone, caps aside; fair queueing divides by it */
	uint32_t share_ppm; /* out: entitlement with caps; 0 without demand */
	uint32_t limit_ppm; /* out: most it may use, its part of the caps above it included */
	uint32_t fixed;	    /* scratch */
};

/*
 * Solves n groups of one plan. `by_level` true for EMPHASIS: number is a percentage of what the
 * levels above left; else levels are ignored and numbers are ratios. Takes O(n) times the number
 * of rounds in which caps bind, at most n.
 */
void reeve__shares_solve(struct reeve_sh_share *s, uint32_t n, bool by_level);
/* The same without caps: only weight_ppm comes out. Takes O(n). */
void reeve__shares_weigh(struct reeve_sh_share *s, uint32_t n, bool by_level);

/*
 * Solves a tree of n rows: the first `top` are of the top plan, the others are children. Every row
 * from `top` on is the child of exactly one, in the order of their parents.
 */
void reeve__shares_solve_tree(struct reeve_sh_share *s, uint32_t n, uint32_t top, bool by_level);

#endif
