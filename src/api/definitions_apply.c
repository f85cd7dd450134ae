/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions_apply.c - bringing a segment's definitions to what a copy says; see definitions.h.
 *
 * Steps in an order in which none needs what another has yet to do:
 *
 *	names that somebody else is to have are set aside; settings; groups, plans without parents
 *	what refers to something and is not to be, or is to change what it refers to, goes
 *	directives, rules, users, schedules, windows, pools
 *	the default group, the plan chosen by hand; parents, plans that are to be disabled
 *	plans and groups that are not to be go; limits by hand, which the activation has ended
 */
#include "definitions_step.h"

/* One step for one row, which is noted when it is refused. */
static int step(struct reeve__work *w, const struct reeve_definition *row, reeve__step_fn fn)
{
	int rc = fn(w, row);

	if (rc)
		w->about = (struct reeve_definition_place){row->kind, row->id};
	return rc;
}

/* Calls fn for each row of a kind that `to` has and `from` has not, or not so. */
static int each_wanted(struct reeve__work *w, uint32_t kind, reeve__step_fn fn)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->to->count; i++)
		if (w->to->rows[i].kind == kind && !reeve_definition_equal(&w->to->rows[i],
							   reeve__row_in(w->from, &w->to->rows[i])))
			rc = step(w, &w->to->rows[i], fn);
	return rc;
}

/* Calls fn for each row of a kind that only `from` has, last first. */
static int each_gone(struct reeve__work *w, uint32_t kind, reeve__step_fn fn)
{
	int rc = 0;

	for (uint32_t i = w->from->count; !rc && i-- > 0;)
		if (w->from->rows[i].kind == kind && !reeve__row_in(w->to, &w->from->rows[i]))
			rc = step(w, &w->from->rows[i], fn);
	return rc;
}

/* ---- what needs an order among its rows ---- */

static const char *name_of(const struct reeve_definition *row)
{
	return row->kind == REEVE_DEFINITION_GROUP ? row->u.group.name : row->u.plan.name;
}

/* A row whose name another one is to have gets one that nobody wants. */
static int set_aside(struct reeve__work *w, uint32_t kind)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->from->count; i++) {
		const struct reeve_definition *row = &w->from->rows[i];
		bool wanted = false;
		if (row->kind != kind || row->id < REEVE_FIRST_USER_ID)
			continue;
		for (uint32_t k = 0; !wanted && k < w->to->count; k++)
			wanted = w->to->rows[k].kind == kind && w->to->rows[k].id != row->id &&
				 strcmp(name_of(&w->to->rows[k]), name_of(row)) == 0;
		if (wanted)
			rc = step(w, row, reeve__row_rename_aside);
	}
	return rc;
}

/* Those that go, and those that are to be of another plan or group. */
static int drop_directives(struct reeve__work *w)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < w->from->count; i++) {
		const struct reeve_definition *row = &w->from->rows[i],
					      *to = reeve__row_in(w->to, row);
		if (row->kind == REEVE_DEFINITION_DIRECTIVE &&
			(!to || !reeve__same_place(&row->u.directive, &to->u.directive)))
			rc = step(w, row, reeve__row_drop);
	}
	return rc;
}

/*
 * Pools bound each other: parents grow before their children, children shrink before their parents. Each
 * pass does what it can, as long as one gets something done.
 */
static int put_memory_pools(struct reeve__work *w)
{
	bool done[REEVE_MEMORY_POOLS_MAX] = {false};
	uint32_t left, before = REEVE_MEMORY_POOLS_MAX + 1;
	int rc;

	do {
		uint32_t n = 0;
		left = 0;
		rc = 0;
		for (uint32_t i = 0; i < w->to->count && n < REEVE_MEMORY_POOLS_MAX; i++) {
			if (w->to->rows[i].kind != REEVE_DEFINITION_MEMORY_POOL)
				continue;
			/* All of them: the database's limit may have resized any. */
			int one = done[n] ? 0 : step(w, &w->to->rows[i], reeve__row_put);
			done[n++] = one == 0;
			left += one != 0;
			rc = one ? one : rc;
		}
		if (left >= before)
			return rc;
		before = left;
	} while (left);
	return 0;
}

static int put_settings(struct reeve__work *w)
{
	int rc = 0;

	for (uint32_t k = REEVE_DEFINITION_CPU_CONFIG; !rc && k <= REEVE_DEFINITION_SESSION_CONFIG;
		k++)
		rc = each_wanted(w, k, reeve__row_put);
	return rc;
}

static int each_limit(struct reeve__work *w,
	int (*each)(struct reeve__work *, uint32_t, reeve__step_fn), reeve__step_fn fn)
{
	int rc = 0;

	for (uint32_t k = REEVE_DEFINITION_CPU_LIMITS; !rc && k <= REEVE_DEFINITION_SESSION_POOL;
		k++)
		rc = each(w, k, fn);
	return rc;
}

/* The activation has ended limits by hand: those that are to be are set again. */
static int put_all_limits(struct reeve__work *w)
{
	struct reeve_definitions now = REEVE_DEFINITIONS_INIT;
	const struct reeve_definitions *from = w->from;
	int rc = reeve_definitions_copy(w->r, &now, &w->why);

	w->from = &now;
	if (!rc)
		rc = each_limit(w, each_gone, reeve__row_drop);
	if (!rc)
		rc = each_limit(w, each_wanted, reeve__row_put);
	w->from = from;
	reeve_definitions_fini(&now);
	return rc;
}

/* ---- all of it ---- */

static int make_room(struct reeve__work *w)
{
	int rc = set_aside(w, REEVE_DEFINITION_GROUP);

	if (!rc)
		rc = set_aside(w, REEVE_DEFINITION_PLAN);
	if (!rc)
		rc = drop_directives(w);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_SCHEDULE, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_WINDOW, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_RULE, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_USER, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_SERVER_POOL, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_MEMORY_POOL, reeve__row_drop);
	if (!rc)
		rc = each_limit(w, each_gone, reeve__row_drop);
	return rc;
}

static int put_rows(struct reeve__work *w)
{
	static const uint32_t kinds[] = {REEVE_DEFINITION_GROUP, REEVE_DEFINITION_PLAN,
		REEVE_DEFINITION_DIRECTIVE, REEVE_DEFINITION_SCHEDULE, REEVE_DEFINITION_WINDOW,
		REEVE_DEFINITION_RULE, REEVE_DEFINITION_USER, REEVE_DEFINITION_SERVER_POOL,
		REEVE_DEFINITION_DEFAULT_GROUP, REEVE_DEFINITION_CHOSEN_PLAN};
	int rc = put_settings(w);

	if (!rc)
		rc = put_memory_pools(w);
	for (size_t i = 0; !rc && i < REEVE_COUNT(kinds); i++)
		rc = each_wanted(w, kinds[i], reeve__row_put);
	return rc ? rc : each_wanted(w, REEVE_DEFINITION_PLAN, reeve__row_finish_plan);
}

static int drop_rows(struct reeve__work *w)
{
	int rc = each_gone(w, REEVE_DEFINITION_PLAN, reeve__row_orphan_plan);

	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_PLAN, reeve__row_drop);
	if (!rc)
		rc = each_gone(w, REEVE_DEFINITION_GROUP, reeve__row_drop);
	return rc;
}

static int bring(struct reeve *r, const struct reeve_definitions *from,
	const struct reeve_definitions *to, uint32_t flags, struct reeve_definition_place *about,
	struct reeve_error *why)
{
	struct reeve__work w = {.r = r,
		.from = from,
		.to = to,
		.flags = flags,
		.about = {.kind = REEVE_DEFINITION_KINDS}};
	int rc = make_room(&w);

	if (!rc)
		rc = put_rows(&w);
	if (!rc)
		rc = drop_rows(&w);
	if (!rc)
		rc = put_all_limits(&w);
	reeve__event_flush(r);
	if (rc) {
		*why = w.why;
		*about = w.about;
	}
	return rc;
}

static void restore_marks(struct reeve *r, const struct reeve_definitions *to)
{
	for (uint32_t i = 0; i < to->count; i++)
		reeve__stamp_set(r, &to->rows[i]);
	reeve__counters_set(r, to->next_ids, to->revision);
}

/* Back to what was, after a step was refused. */
static int take_back(struct reeve *r, const struct reeve_definitions *was, int rc,
	const struct reeve_error *why, struct reeve_error *err)
{
	struct reeve_definitions now = REEVE_DEFINITIONS_INIT;
	struct reeve_definition_place unused;
	struct reeve_error second = {0};
	int back = reeve_definitions_copy(r, &now, &second);

	if (!back)
		back = bring(r, &now, was, 0, &unused, &second);
	reeve_definitions_fini(&now);
	if (!back)
		return reeve__fail(err, rc, "%s", why->text);
	return reeve__fail(err, REEVE_EINTERNAL,
		"%.110s; and taking back what had been done was refused: %.80s", why->text,
		second.text);
}

REEVE_API int reeve_definitions_apply(struct reeve *reeve, const struct reeve_definitions *target,
	uint32_t flags, struct reeve_error *err)
{
	return reeve_definitions_apply_told(reeve, target, flags, NULL, err);
}

REEVE_API int reeve_definitions_apply_told(struct reeve *reeve,
	const struct reeve_definitions *target, uint32_t flags,
	struct reeve_definition_place *ret_place, struct reeve_error *err)
{
	struct reeve_definition_place about = {.kind = REEVE_DEFINITION_KINDS};
	struct reeve_definitions was = REEVE_DEFINITIONS_INIT;
	struct reeve_error why = {0};
	int rc;

	if (!reeve || !target)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "%s is NULL", reeve ? "target" : "reeve");
	if (flags & ~(uint32_t)REEVE_DEFINITIONS_RESTORE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"flags is %#x; allowed are bits up to %#x", flags,
			REEVE_DEFINITIONS_RESTORE);
	rc = reeve_definitions_copy(reeve, &was, err);
	if (rc)
		return rc;
	rc = reeve_definitions_diff(&was, target, NULL, NULL)
		     ? bring(reeve, &was, target, flags, &about, &why)
		     : 0;
	if (rc)
		rc = take_back(reeve, &was, rc, &why, err);
	else if (flags & REEVE_DEFINITIONS_RESTORE)
		restore_marks(reeve, target);
	reeve_definitions_fini(&was);
	if (ret_place)
		*ret_place = about;
	return rc;
}
