/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - resource plans and their directives. */
#include "tree.h"

#include <stdio.h>

#define ALL_FIELDS ((REEVE_PLAN_PARENT << 1) - 1)

int reeve__check_number(
	struct reeve_error *err, const char *field, uint64_t value, uint64_t low, uint64_t high)
{
	if (value >= low && value <= high)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %llu; allowed are %llu to %llu",
		field, (unsigned long long)value, (unsigned long long)low,
		(unsigned long long)high);
}

int reeve__plan_check_def(
	const struct reeve_plan_def *def, uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE_PLAN_NAME)
		rc = reeve__text_check(def->name, REEVE_NAME_MAX, false, "name", err);
	if (!rc && (fields & REEVE_PLAN_DESCRIPTION))
		rc = reeve__text_check(
			def->description, REEVE_DESCRIPTION_MAX, true, "description", err);
	if (!rc && (fields & REEVE_PLAN_CPU_METHOD))
		rc = reeve__check_number(err, "cpuMethod", def->cpu_method, 0, REEVE_METHOD_SHARES);
	if (!rc && (fields & REEVE_PLAN_MAX_UTILIZATION) && def->max_utilization_pct)
		rc = reeve__check_number(
			err, "maxUtilizationLimit", def->max_utilization_pct, 1, 100);
	return rc;
}

static void write_def(struct reeve_sh_plan *p, uint32_t fields, const struct reeve_plan_def *def)
{
	if (fields & REEVE_PLAN_NAME)
		reeve__text_copy(p->name, sizeof(p->name), def->name);
	if (fields & REEVE_PLAN_DESCRIPTION)
		reeve__text_copy(p->description, sizeof(p->description), def->description);
	if (fields & REEVE_PLAN_CPU_METHOD)
		p->cpu_method = def->cpu_method;
	if (fields & REEVE_PLAN_MAX_UTILIZATION)
		p->max_utilization_pct = def->max_utilization_pct;
	if (fields & REEVE_PLAN_IS_ENABLED)
		p->is_enabled = def->is_enabled;
	if (fields & REEVE_PLAN_PARALLEL_MANAGED)
		p->parallel_managed = def->parallel_execution_managed;
	if (fields & REEVE_PLAN_SESSIONS_MANAGED)
		p->sessions_managed = def->active_session_pool_managed;
	if (fields & REEVE_PLAN_PARENT)
		p->parent = def->parent.v;
}

static int check_name_free(struct reeve *r, const char *name, uint32_t but, struct reeve_error *err)
{
	uint32_t i = reeve__table_find_name(
		r, &r->header->plans, name, offsetof(struct reeve_sh_plan, name));

	if (i == REEVE_NONE || i == but)
		return 0;
	return reeve__fail(err, REEVE_EALREADY_EXISTS, "resource plan \"%s\" exists with id %llu",
		name, (unsigned long long)r->plans[i].head.id);
}

/* A parent exists, and is not the plan itself or one of those below it. `id` 0: a new plan. */
static int check_parent(struct reeve *r, uint64_t id, uint64_t parent, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE, depth = 0;

	for (uint64_t at = parent; at; at = r->plans[i].parent) {
		if (at == id || depth++ > r->header->plans.capacity)
			return reeve__fail(err, REEVE_ECONFIGURATION,
				"parentPlanId %llu of resource plan %llu would make a cycle: it is "
				"the plan itself, or below it",
				(unsigned long long)parent, (unsigned long long)id);
		int rc = reeve__plan_slot_locked(r, (reeve_plan_id){at}, &i, err);
		if (rc)
			return rc;
	}
	return 0;
}

int reeve__plan_create_locked(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_plan *p;
	uint32_t i = REEVE_NONE;
	int rc = check_name_free(r, def->name, REEVE_NONE, err);

	if (!rc)
		rc = check_parent(r, 0, def->parent.v, err);
	if (!rc)
		rc = reeve__id_check(r, &h->plans, ret_id->v, err);
	if (rc)
		return rc;
	i = reeve__table_claim(r, &h->plans);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of resource plans is full: %u of %u", reeve__get(&h->plans.live),
			h->plans.capacity);
	reeve__txn_new_locked(r, REEVE_JOURNAL_PLAN, i);
	p = &r->plans[i];
	memset((char *)p + sizeof(p->head), 0, sizeof(*p) - sizeof(p->head));
	write_def(p, ALL_FIELDS, def);
	p->first_directive = p->last_directive = REEVE_NONE;
	p->created_wall = p->modified_wall = now_wall;
	p->revision = reeve__next_revision_locked(r);
	reeve__table_publish(r, &h->plans, i, reeve__id_take(&h->next_plan_id, ret_id->v), p->name);
	ret_id->v = p->head.id;
	return 0;
}

int reeve__plan_create(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	int rc = reeve__plan_check_def(def, ALL_FIELDS, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__plan_create_locked(r, def, now_wall, ret_id, err);
	if (!rc)
		reeve__model_event(
			r, REEVE_EVENT_PLAN_CREATED, (reeve_group_id){0}, *ret_id, 0, def->name);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__plan_slot_locked(
	struct reeve *r, reeve_plan_id id, uint32_t *ret_slot, struct reeve_error *err)
{
	uint32_t i = reeve__table_find(r, &r->header->plans, id.v);

	if (i == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "resource plan %llu", (unsigned long long)id.v);
	*ret_slot = i;
	return 0;
}

bool reeve__plan_is_active(const struct reeve *r, const struct reeve_sh_plan *p)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);

	return reeve__get(&now.head->plan_id) == p->head.id;
}

static int check_new_parent(
	struct reeve *r, const struct reeve_sh_plan *p, uint64_t parent, struct reeve_error *err)
{
	if (parent && p->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system plan and stays a top plan", p->name);
	if (parent && reeve__plan_is_active(r, p))
		return reeve__fail(err, REEVE_ECONFLICT,
			"resource plan %llu is active and stays a top plan",
			(unsigned long long)p->head.id);
	return check_parent(r, p->head.id, parent, err);
}

static int check_update(struct reeve *r, uint32_t i, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected, struct reeve_error *err)
{
	const struct reeve_sh_plan *p = &r->plans[i];

	if (expected && expected != p->revision)
		return reeve__fail(err, REEVE_ESTALE_REVISION,
			"resource plan %llu is at revision %llu, not %llu",
			(unsigned long long)p->head.id, (unsigned long long)p->revision,
			(unsigned long long)expected);
	if ((fields & REEVE_PLAN_IS_ENABLED) && !def->is_enabled && p->is_enabled &&
		reeve__tree_in_force(r, i))
		return reeve__fail(err, REEVE_ECONFLICT,
			"resource plan %llu is active%s and cannot be disabled",
			(unsigned long long)p->head.id,
			reeve__plan_is_active(r, p) ? "" : " as a sub-plan");
	if ((fields & REEVE_PLAN_PARENT) && def->parent.v != p->parent) {
		int rc = check_new_parent(r, p, def->parent.v, err);
		if (rc)
			return rc;
	}
	if (!(fields & REEVE_PLAN_NAME) || strcmp(p->name, def->name) == 0)
		return 0;
	if (p->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system plan and keeps its name", p->name);
	return check_name_free(r, def->name, i, err);
}

int reeve__plan_update_locked(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	struct reeve_sh_plan *p;
	uint32_t i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, id, &i, err);

	if (!rc)
		rc = check_update(r, i, fields, def, expected_revision, err);
	if (rc)
		return rc;
	p = &r->plans[i];
	reeve__journal_begin_locked(r, REEVE_JOURNAL_PLAN, i);
	if (fields & REEVE_PLAN_NAME)
		reeve__table_rename(r, &r->header->plans, i, p->name, def->name);
	write_def(p, fields, def);
	p->modified_wall = now_wall;
	p->revision = reeve__get(&r->header->revision) + 1;
	reeve__journal_commit_locked(r);
	if (reeve__tree_in_force(r, i))
		reeve__ruling_refresh_locked(r);
	reeve__model_event(r, REEVE_EVENT_PLAN_UPDATED, (reeve_group_id){0}, id, 0, p->name);
	return 0;
}

int reeve__plan_update(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	int rc = reeve__plan_check_def(def, fields, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__plan_update_locked(r, id, fields, def, expected_revision, now_wall, err);
	reeve__catalog_unlock(r);
	return rc;
}

static void fill_info(struct reeve *r, uint32_t i, struct reeve_plan_info *info)
{
	const struct reeve_sh_plan *p = &r->plans[i];

	memset(info, 0, sizeof(*info));
	info->id.v = p->head.id;
	reeve__text_copy(info->name, sizeof(info->name), p->name);
	reeve__text_copy(info->description, sizeof(info->description), p->description);
	info->cpu_method = p->cpu_method;
	info->max_utilization_pct = p->max_utilization_pct;
	info->is_enabled = p->is_enabled != 0;
	info->is_system = p->head.id < REEVE_FIRST_USER_ID;
	info->is_active = reeve__plan_is_active(r, p);
	info->status = !info->is_active ? REEVE_PLAN_INACTIVE
		       : reeve__get(&reeve__ruling_now(r).head->cause) == REEVE_CAUSE_WINDOW
			       ? REEVE_PLAN_MAINTENANCE
			       : REEVE_PLAN_ACTIVE;
	info->is_default = p->head.id == REEVE_DEFAULT_PLAN;
	info->parallel_execution_managed = p->parallel_managed != 0;
	info->active_session_pool_managed = p->sessions_managed != 0;
	info->is_top_plan = p->parent == 0;
	info->parent.v = p->parent;
	info->created_wall = p->created_wall;
	info->modified_wall = p->modified_wall;
	info->revision = p->revision;
}

int reeve__plan_get(
	struct reeve *r, reeve_plan_id id, struct reeve_plan_info *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		fill_info(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

bool reeve__plan_find(struct reeve *r, const char *name, reeve_plan_id *ret_id)
{
	uint32_t i = REEVE_NONE;

	reeve__catalog_lock(r);
	i = reeve__table_find_name(
		r, &r->header->plans, name, offsetof(struct reeve_sh_plan, name));
	if (i != REEVE_NONE)
		ret_id->v = r->plans[i].head.id;
	reeve__catalog_unlock(r);
	return i != REEVE_NONE;
}

uint32_t reeve__plan_copy(
	struct reeve *r, reeve_plan_id after, struct reeve_plan_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->plans, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_info(r, slots[k], &ret[done]);
			after = ret[done].id;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}
