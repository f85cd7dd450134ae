/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions.h - a set of definitions (a group, a plan, a directive, a mapping, a rule) of which every
 * field follows from one number, so that half a change shows.
 *
 * Lies in memory shared by the process that changes them and the one that checks.
 */
#ifndef REEVE_CRASH_DEFINITIONS_H
#define REEVE_CRASH_DEFINITIONS_H

#include <reeve/reeve.h>

#include <stdatomic.h>

enum {
	DEFINITION_GROUP,
	DEFINITION_PLAN,
	DEFINITION_DIRECTIVE,
	DEFINITION_USER,
	DEFINITION_RULE,
	DEFINITION_KINDS
};

struct definitions {
	uint32_t index; /* sets differ in it */
	reeve_group_id group;
	reeve_plan_id plan;
	reeve_directive_id directive;
	reeve_rule_id rule;
	/* number under way, and the last one that reeve acknowledged */
	_Atomic uint64_t intended[DEFINITION_KINDS], acknowledged[DEFINITION_KINDS];
};

/* Makes them, all at number 1. Aborts when refused. */
void definitions_create(struct definitions *d, struct reeve *r, uint32_t index);
/* Changes one to the next number. One changer at a time. Aborts when refused. */
void definitions_change(struct definitions *d, struct reeve *r, uint32_t kind);
/*
 * With no changer alive: each must be whole, at the acknowledged number or at the intended one.
 * Prints and counts faults; goes on from what is there.
 */
int definitions_check(struct definitions *d, struct reeve *r, const char *when);

#endif
