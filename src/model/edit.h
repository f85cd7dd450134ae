/* SPDX-License-Identifier: Apache-2.0 */
/* edit.h - the pending area: steps put in, tried, submitted; see reeve/edit.h. */
#ifndef REEVE_MODEL_EDIT_H
#define REEVE_MODEL_EDIT_H

#include "model.h"

int reeve__edit_begin(struct reeve *r, uint64_t timeout_ns, reeve_ns now_wall, uint64_t now_mono,
	struct reeve_error *err);
int reeve__edit_plan_create(struct reeve *r, const struct reeve_plan_def *def, uint64_t now_mono,
	reeve_plan_id *ret_id, struct reeve_error *err);
int reeve__edit_plan_update(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t now_mono, struct reeve_error *err);
int reeve__edit_plan_delete(struct reeve *r, reeve_plan_id id, reeve_plan_id replacement,
	uint64_t now_mono, struct reeve_error *err);
int reeve__edit_directive_set(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, uint64_t now_mono, struct reeve_error *err);
int reeve__edit_directive_remove(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	uint64_t now_mono, struct reeve_error *err);
int reeve__edit_validate(struct reeve *r, struct reeve_plan_message *ret, uint32_t capacity,
	reeve_ns now_wall, uint64_t now_mono, struct reeve_error *err);
int reeve__edit_submit(struct reeve *r, uint64_t *ret_revision, reeve_ns now_wall,
	uint64_t now_mono, struct reeve_error *err);
int reeve__edit_discard(struct reeve *r, struct reeve_error *err);
int reeve__edit_clone(struct reeve *from, struct reeve *to, reeve_ns now_wall, uint64_t from_mono,
	uint64_t to_mono, struct reeve_error *err);
/* `n` is at most the capacity of the table of directives; *ret_id: the id that is wanted, or 0. */
int reeve__plan_define(struct reeve *r, const struct reeve_plan_def *def,
	const struct reeve_plan_part *parts, uint32_t n, reeve_ns now_wall, reeve_plan_id *ret_id,
	struct reeve_error *err);
void reeve__edit_get(struct reeve *r, struct reeve_edit_info *ret);

#endif
