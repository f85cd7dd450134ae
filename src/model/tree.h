/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - a plan with its sub-plans: walking it, and laying it out for the share solver.
 *
 * A directive with a sub-plan gives its group a part that the sub-plan's directives divide further.
 * The group itself has a place in that sub-plan: the one its own directive there says, else it is
 * one of the sub-plan's others. A group that several plans of the tree name has several places, and
 * is entitled to their sum.
 *
 * All functions want the catalog lock; nothing is allocated, and every walk is bounded: each plan
 * is entered once, and the layout has room for a fixed number of places.
 */
#ifndef REEVE_MODEL_TREE_H
#define REEVE_MODEL_TREE_H

#include "model.h"

#include "../policy/shares.h"

_Static_assert(sizeof(struct reeve_sh_share) == REEVE_SH_SHARE_BYTES, "room in the segment");

/* Calls `f` with each live directive slot `i` of a plan, in the order in which they were made. */
#define REEVE__EACH_DIRECTIVE(r, plan_slot, i)                                                     \
	for (uint32_t i = (r)->plans[plan_slot].first_directive,                                   \
		      left_ = (r)->header->directives.capacity;                                    \
		i < (r)->header->directives.capacity && left_-- > 0;                               \
		i = (r)->directives[i].next_of_plan)                                               \
		if (reeve__get(&(r)->directives[i].head.state) == REEVE_SLOT_LIVE &&               \
			(r)->directives[i].plan == (plan_slot))

/* Slot of a directive's sub-plan; REEVE_NONE. */
uint32_t reeve__sub_plan_of(const struct reeve *r, const struct reeve_sh_directive *d);

/* What a walk tells; either may be NULL. */
struct reeve__tree_visitor {
	/* a plan, and the directive slot through which it was entered (REEVE_NONE: the top) */
	void (*enter)(void *arg, uint32_t plan, uint32_t by);
	/* a directive whose sub-plan is above it; `path` is like "100 > 101 > 100" */
	void (*cycle)(void *arg, uint32_t directive, const char *path);
	void *arg;
};
/* Enters a plan and all plans below it, each once. Leaves `mark` not 0 in those. */
void reeve__tree_walk(struct reeve *r, uint32_t top, const struct reeve__tree_visitor *visitor);
/* Whether a plan is in the tree that is in force. */
bool reeve__tree_in_force(struct reeve *r, uint32_t plan);
/*
 * Whether `plan` dividing a row by `sub` would close a circle; `ret_path` (96 bytes) then says
 * which.
 */
bool reeve__tree_would_cycle(struct reeve *r, uint32_t plan, uint32_t sub, char *ret_path);

/* A plan laid out and solved, in the scratch memory of the catalog lock. */
struct reeve__tree {
	struct reeve_sh_share
		*rows; /* label: slot of the directive, and 1; tag: slot of the group */
	uint32_t n;
	uint32_t top;  /* of these rows, one a group slot, are of the top plan */
	uint32_t sys;  /* row of SYS_GROUP when no plan names it; REEVE_NONE */
	bool by_level; /* how the top plan divides */
	bool is_cut;   /* it has more places than there is room for */
};
/*
 * Lays out and solves. Registrations count when they are of `activation`; UINT64_MAX: none does. A
 * circle is not followed.
 */
struct reeve__tree reeve__tree_solve(struct reeve *r, uint32_t plan_slot, uint64_t activation);
/* Plans from the top to the one that row k is of; returns how many, at most `capacity` copied. */
uint32_t reeve__tree_path(const struct reeve *r, const struct reeve__tree *t, uint32_t k,
	uint32_t plan_slot, reeve_plan_id *ret, uint32_t capacity);

#endif
