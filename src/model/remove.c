/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remove.c - deleting a plan: what refers to it refers to another, then it goes with its directives.
 *
 * Several rows change. What could refuse the change is checked first; then the intent is written
 * down, the rows are changed, and the intent is taken back. Each step can be done twice, so whoever
 * takes the lock after a death completes what is written there.
 */
#include "schedule.h"
#include "tree.h"

#include <stdio.h>

/* First thing that refers to a plan, as a sentence's end; "" when nothing does. */
static void first_reference(struct reeve *r, uint64_t id, char *to, size_t size)
{
	const struct reeve_sh_header *h = r->header;

	*to = 0;
	for (uint32_t i = 0; i < reeve__table_used(&h->directives) && !*to; i++) {
		const struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) == REEVE_SLOT_LIVE && d->plan_id != id &&
			(d->given & REEVE_DIRECTIVE_SUB_PLAN) && d->sub_plan == id)
			snprintf(to, size, "directive %llu of resource plan %llu",
				(unsigned long long)d->head.id, (unsigned long long)d->plan_id);
	}
	for (uint32_t i = 0; i < reeve__table_used(&h->plans) && !*to; i++)
		if (reeve__get(&r->plans[i].head.state) == REEVE_SLOT_LIVE &&
			r->plans[i].parent == id)
			snprintf(to, size, "its sub-plan %llu",
				(unsigned long long)r->plans[i].head.id);
	for (uint32_t i = 0; i < reeve__table_used(&h->schedules) && !*to; i++)
		if (reeve__get(&r->schedules[i].head.state) == REEVE_SLOT_LIVE &&
			r->schedules[i].plan_id == id)
			snprintf(to, size, "plan schedule %llu",
				(unsigned long long)r->schedules[i].head.id);
	for (uint32_t i = 0; i < reeve__table_used(&h->windows) && !*to; i++)
		if (reeve__get(&r->windows[i].head.state) == REEVE_SLOT_LIVE &&
			r->windows[i].plan_id == id)
			snprintf(to, size, "maintenance window %llu",
				(unsigned long long)r->windows[i].head.id);
}

/* Whether a schedule or window would have the replacement, which must then be a top plan. */
static bool is_scheduled(const struct reeve *r, uint64_t id)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t i = 0; i < reeve__table_used(&h->schedules); i++)
		if (reeve__get(&r->schedules[i].head.state) == REEVE_SLOT_LIVE &&
			r->schedules[i].plan_id == id)
			return true;
	for (uint32_t i = 0; i < reeve__table_used(&h->windows); i++)
		if (reeve__get(&r->windows[i].head.state) == REEVE_SLOT_LIVE &&
			r->windows[i].plan_id == id)
			return true;
	return false;
}

/*
 * Everything that refers to the plan would refer to the replacement: there must be no circle, of
 * parents or of sub-plans. Circles can only go through the replacement.
 */
static int check_replacement(
	struct reeve *r, uint32_t plan, uint32_t other, struct reeve_error *err)
{
	const struct reeve_sh_header *h = r->header;
	uint64_t id = r->plans[plan].head.id, to = r->plans[other].head.id;
	uint32_t at = other, left = h->plans.capacity;
	char path[96];

	if (is_scheduled(r, id) && r->plans[other].parent)
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"replacement: resource plan %llu is a sub-plan, and a schedule or window "
			"wants it",
			(unsigned long long)to);
	while (at != REEVE_NONE && r->plans[at].parent && left--) {
		if (r->plans[at].parent == id)
			return reeve__fail(err, REEVE_ECONFIGURATION,
				"replacement: resource plan %llu is below %llu, and would be its "
				"own "
				"parent",
				(unsigned long long)to, (unsigned long long)id);
		at = reeve__table_find(r, &h->plans, r->plans[at].parent);
	}
	for (uint32_t i = 0; i < reeve__table_used(&h->directives); i++) {
		const struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) == REEVE_SLOT_LIVE && d->plan != plan &&
			(d->given & REEVE_DIRECTIVE_SUB_PLAN) && d->sub_plan == id &&
			reeve__tree_would_cycle(r, d->plan, other, path))
			return reeve__fail(err, REEVE_ECONFIGURATION,
				"replacement: sub-plans would go round in a circle: %s", path);
	}
	return 0;
}

static int check_delete(
	struct reeve *r, uint32_t plan, uint64_t replacement, struct reeve_error *err)
{
	const struct reeve_sh_plan *p = &r->plans[plan];
	uint32_t other = REEVE_NONE;
	char reference[96];
	int rc;

	if (p->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system plan and cannot be deleted", p->name);
	if (reeve__plan_is_active(r, p))
		return reeve__fail(err, REEVE_ECONFLICT,
			"resource plan %llu is active and cannot be deleted",
			(unsigned long long)p->head.id);
	first_reference(r, p->head.id, reference, sizeof(reference));
	if (*reference && !replacement)
		return reeve__fail(err, REEVE_ECONFLICT,
			"resource plan %llu is referred to by %s; name a plan to take its place",
			(unsigned long long)p->head.id, reference);
	if (!replacement)
		return 0;
	if (replacement == p->head.id)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"replacement is %llu, the plan itself", (unsigned long long)replacement);
	rc = reeve__plan_slot_locked(r, (reeve_plan_id){replacement}, &other, err);
	return rc ? rc : check_replacement(r, plan, other, err);
}

static void move_periods(struct reeve *r, enum reeve__period_kind kind, uint64_t id, uint64_t to)
{
	for (uint32_t i = 0; i < reeve__table_used(reeve__period_table(r, kind)); i++) {
		struct reeve_sh_period *p = reeve__period_row(r, kind, i);
		if (reeve__get(&p->head.state) != REEVE_SLOT_LIVE || p->plan_id != id)
			continue;
		reeve__txn_touch_locked(r,
			kind == REEVE__SCHEDULE ? REEVE_JOURNAL_SCHEDULE : REEVE_JOURNAL_WINDOW, i);
		p->plan_id = to;
	}
}

/* Everything that refers to plan `id` refers to `to`. */
static void move_references(struct reeve *r, uint64_t id, uint64_t to)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t i = 0; i < reeve__table_used(&h->directives); i++) {
		struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) == REEVE_SLOT_LIVE &&
			(d->given & REEVE_DIRECTIVE_SUB_PLAN) && d->sub_plan == id) {
			reeve__txn_touch_locked(r, REEVE_JOURNAL_DIRECTIVE, i);
			d->sub_plan = to;
		}
	}
	for (uint32_t i = 0; i < reeve__table_used(&h->plans); i++)
		if (reeve__get(&r->plans[i].head.state) == REEVE_SLOT_LIVE &&
			r->plans[i].parent == id) {
			reeve__txn_touch_locked(r, REEVE_JOURNAL_PLAN, i);
			r->plans[i].parent = to;
		}
	move_periods(r, REEVE__SCHEDULE, id, to);
	move_periods(r, REEVE__WINDOW, id, to);
}

/* The steps of a deletion; done again, they change nothing. */
static void do_delete(struct reeve *r, uint64_t id, uint64_t replacement)
{
	struct reeve_sh_header *h = r->header;
	uint32_t plan;

	if (replacement)
		move_references(r, id, replacement);
	REEVE_POINT(PLAN_REFERENCES_MOVED);
	for (uint32_t i = 0; i < reeve__table_used(&h->directives); i++)
		if (reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE &&
			r->directives[i].plan_id == id)
			reeve__directive_drop_locked(r, i);
	plan = reeve__table_find(r, &h->plans, id);
	if (plan != REEVE_NONE)
		reeve__model_event(r, REEVE_EVENT_PLAN_DELETED, (reeve_group_id){0},
			(reeve_plan_id){id}, 0, r->plans[plan].name);
	if (plan != REEVE_NONE)
		reeve__txn_touch_locked(r, REEVE_JOURNAL_PLAN, plan);
	if (plan != REEVE_NONE)
		reeve__table_free(r, &h->plans, plan, r->plans[plan].name);
}

void reeve__intent_complete_locked(struct reeve *r)
{
	struct reeve_sh_intent *intent = &r->header->planning.intent;

	switch (reeve__get(&intent->kind)) {
	case REEVE_INTENT_DELETE_PLAN:
		if (intent->plan >= REEVE_FIRST_USER_ID)
			do_delete(r, intent->plan, intent->replacement);
		break;
	default:
		break;
	}
	reeve__put(&intent->kind, REEVE_INTENT_NONE);
}

int reeve__plan_delete_locked(
	struct reeve *r, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, id, &i, err);

	if (!rc)
		rc = check_delete(r, i, replacement.v, err);
	if (!rc)
		do_delete(r, id.v, replacement.v);
	return rc;
}

int reeve__plan_delete(
	struct reeve *r, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err)
{
	struct reeve_sh_intent *intent = &r->header->planning.intent;
	uint32_t i = REEVE_NONE;
	bool in_force;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		rc = check_delete(r, i, replacement.v, err);
	if (!rc) {
		in_force = reeve__tree_in_force(r, i);
		intent->plan = id.v;
		intent->replacement = replacement.v;
		atomic_store_explicit(
			&intent->kind, REEVE_INTENT_DELETE_PLAN, memory_order_release);
		REEVE_POINT(PLAN_DELETE_NOTED);
		reeve__intent_complete_locked(r);
		reeve__add(&r->header->revision, 1);
		if (in_force)
			reeve__ruling_refresh_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}
