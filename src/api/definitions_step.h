/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions_step.h - the steps that bring a segment's definitions to what a set says: each is one
 * change by the ordinary calls, of one row. Their order is definitions_apply.c's.
 */
#ifndef REEVE_API_DEFINITIONS_STEP_H
#define REEVE_API_DEFINITIONS_STEP_H

#include "definitions.h"

struct reeve__work {
	struct reeve *r;
	const struct reeve_definitions *from, *to; /* what is, and what is to be */
	uint32_t flags;				   /* of reeve_definitions_apply */
	struct reeve_error why;			   /* of the step that was refused */
	struct reeve_definition_place about;	   /* and its row */
};

typedef int (*reeve__step_fn)(struct reeve__work *w, const struct reeve_definition *row);

/* Makes a row of `to`, or changes what `from` has to it. Plans: see the last two. */
int reeve__row_put(struct reeve__work *w, const struct reeve_definition *row);
/* Deletes a row of `from`; not of kinds of which there is always one. */
int reeve__row_drop(struct reeve__work *w, const struct reeve_definition *row);
/* A group or plan gets a name that nobody wants. */
int reeve__row_rename_aside(struct reeve__work *w, const struct reeve_definition *row);
/* A plan gets its parent, and is disabled if it is to be. */
int reeve__row_finish_plan(struct reeve__work *w, const struct reeve_definition *row);
/* A plan has no parent any more. */
int reeve__row_orphan_plan(struct reeve__work *w, const struct reeve_definition *row);

/* The row of the same kind and id; NULL. */
static inline const struct reeve_definition *reeve__row_in(
	const struct reeve_definitions *d, const struct reeve_definition *row)
{
	return reeve_definitions_find(d, row->kind, row->id);
}

static inline bool reeve__same_place(
	const struct reeve_directive_info *a, const struct reeve_directive_info *b)
{
	return a->plan.v == b->plan.v && a->group.v == b->group.v;
}

#endif
