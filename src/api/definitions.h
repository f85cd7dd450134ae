/* SPDX-License-Identifier: Apache-2.0 */
/* definitions.h - what copying and applying definitions share; see reeve/definitions.h. */
#ifndef REEVE_API_DEFINITIONS_H
#define REEVE_API_DEFINITIONS_H

#include "../engine/definitions.h"

/* As the public calls, with *id as the id that is wanted; 0: the next. */
int reeve__schedule_create(struct reeve *reeve, const struct reeve_schedule_def *def, uint64_t *id,
	struct reeve_error *err);
int reeve__window_create(struct reeve *reeve, const struct reeve_window_def *def, uint64_t *id,
	struct reeve_error *err);

/* Adds a copy of a row behind the others; put in order when all are there. RESOURCE_EXHAUSTED. */
int reeve__definitions_add(
	struct reeve_definitions *d, const struct reeve_definition *row, struct reeve_error *err);
void reeve__definitions_sort(struct reeve_definitions *d);

/* The fields of directives, from one struct to the other. */
static inline void reeve__directive_def_of(
	const struct reeve_directive_info *info, struct reeve_directive_def *ret)
{
	ret->given = info->given;
	ret->removed = 0;
	memcpy(&ret->cpu_pct, &info->cpu_pct,
		sizeof(*ret) - offsetof(struct reeve_directive_def, cpu_pct));
}

static inline void reeve__directive_info_of(
	const struct reeve_directive_def *def, struct reeve_directive_info *ret)
{
	ret->given = def->given;
	memcpy(&ret->cpu_pct, &def->cpu_pct,
		sizeof(*def) - offsetof(struct reeve_directive_def, cpu_pct));
}

_Static_assert(offsetof(struct reeve_directive_info, sub_plan) -
			       offsetof(struct reeve_directive_info, cpu_pct) ==
		       offsetof(struct reeve_directive_def, sub_plan) -
			       offsetof(struct reeve_directive_def, cpu_pct),
	"directives have the same fields in the same order");
_Static_assert(offsetof(struct reeve_directive_def, sub_plan) + sizeof(reeve_plan_id) ==
		       sizeof(struct reeve_directive_def),
	"sub_plan is the last");

#endif
