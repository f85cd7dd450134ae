/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.h - staged edits of plans: many changes that become one.
 *
 * A segment has one pending area. Who begins an edit owns it; steps are put into it, and change
 * nothing. Validation judges what would be. Submitting makes all changes or none, as one revision,
 * and what is in force changes by one store; if the process dies in the middle, none was made.
 * Definitions that others have changed since the edit began make it stale.
 *
 * The area belongs to this attachment until it submits or discards, does nothing for the edit's
 * timeout, or its process dies; then anybody may begin anew, and the steps are gone. Every call takes
 * the catalog lock: for microseconds, and a few more for each step where steps are made. Threads of
 * one attachment share its edit.
 */
#ifndef REEVE_EDIT_H
#define REEVE_EDIT_H

#include <reeve/plan.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_EDIT_TIMEOUT_NS ((uint64_t)600 * 1000000000u)

struct reeve_edit_info {
	bool is_open;
	bool is_mine;
	int32_t pid; /* of the owner */
	char by[REEVE_ATTRIBUTE_MAX];
	reeve_ns begun_wall;
	reeve_ns until_mono; /* when it may be taken over */
	uint64_t revision;   /* of the segment when it was begun */
	uint32_t steps, max_steps;
};

/*
 * Begins an edit; `timeout_ns` 0: REEVE_EDIT_TIMEOUT_NS. Where another is open, dead processes are looked
 * for first, as reeve_tick does. Errors: CONFLICT (another edit is open: the text says whose),
 * INVALID_ARGUMENT.
 */
REEVE_API int reeve_edit_begin(struct reeve *reeve, uint64_t timeout_ns, struct reeve_error *err);

/*
 * One step each, as reeve_plan_create, _update, _delete and reeve_directive_set. What is malformed is
 * refused here, what does not fit by validate and submit. The id of a created plan holds when the
 * edit is submitted, and later steps may use it. Errors: INVALID_STATE (no edit of this attachment
 * is open, or its time is over), INVALID_ARGUMENT, CONFIGURATION, RESOURCE_EXHAUSTED (full).
 */
REEVE_API int reeve_edit_plan_create(struct reeve *reeve, const struct reeve_plan_def *def,
	reeve_plan_id *ret_id, struct reeve_error *err);
REEVE_API int reeve_edit_plan_update(struct reeve *reeve, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, struct reeve_error *err);
REEVE_API int reeve_edit_plan_delete(
	struct reeve *reeve, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err);
REEVE_API int reeve_edit_directive_set(struct reeve *reeve, reeve_plan_id plan,
	reeve_group_id group, const struct reeve_directive_def *def, struct reeve_error *err);
REEVE_API int reeve_edit_directive_remove(
	struct reeve *reeve, reeve_plan_id plan, reeve_group_id group, struct reeve_error *err);

/*
 * Judges every plan that a step names, and the plan in force, as they would be. Copies up to
 * `capacity` messages; returns how many there are. Errors: those of the step that does not fit,
 * with its number; STALE_REVISION; INVALID_STATE.
 */
REEVE_API int reeve_edit_validate(struct reeve *reeve, struct reeve_plan_message *ret_messages,
	uint32_t capacity, struct reeve_error *err);
/*
 * Makes all changes, and ends the edit; *ret_revision (may be NULL) gets the revision. An edit that
 * is refused stays open. Errors: as validate, and CONFIGURATION when a message is an ERROR.
 */
REEVE_API int reeve_edit_submit(
	struct reeve *reeve, uint64_t *ret_revision, struct reeve_error *err);
/* Ends the edit without a change. INVALID_STATE when there is none of this attachment. */
REEVE_API int reeve_edit_discard(struct reeve *reeve, struct reeve_error *err);
/*
 * Begins in `to` the edit that is open in `from`, with the same steps: to try it in another segment that
 * has the same definitions and next ids. An edit of this attachment in `to` is discarded. Nobody may
 * put steps into either meanwhile. On failure none is open in `to`. Errors: INVALID_STATE (no edit of
 * this attachment is open in `from`), STALE_REVISION (of it), CONFLICT (another's is open in `to`),
 * RESOURCE_EXHAUSTED (`to` has room for fewer steps), INVALID_ARGUMENT.
 */
REEVE_API int reeve_edit_clone(struct reeve *from, struct reeve *to, struct reeve_error *err);
REEVE_API void reeve_edit_get(struct reeve *reeve, struct reeve_edit_info *ret_info);

#ifdef __cplusplus
}
#endif
#endif
