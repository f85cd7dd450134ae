/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - resource plans and their directives. */
#include "model.h"

#include <stdio.h>

#define ALL_FIELDS ((REEVE_PLAN_IS_ENABLED << 1) - 1)

static int check_number(
	struct reeve_error *err, const char *field, uint64_t value, uint64_t low, uint64_t high)
{
	if (value >= low && value <= high)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %llu; allowed are %llu to %llu",
		field, (unsigned long long)value, (unsigned long long)low,
		(unsigned long long)high);
}

static int check_def(const struct reeve_plan_def *def, uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE_PLAN_NAME)
		rc = reeve__text_check(def->name, REEVE_NAME_MAX, false, "name", err);
	if (!rc && (fields & REEVE_PLAN_DESCRIPTION))
		rc = reeve__text_check(
			def->description, REEVE_DESCRIPTION_MAX, true, "description", err);
	if (!rc && (fields & REEVE_PLAN_CPU_METHOD))
		rc = check_number(err, "cpuMethod", def->cpu_method, 0, REEVE_METHOD_SHARES);
	if (!rc && (fields & REEVE_PLAN_MAX_UTILIZATION) && def->max_utilization_pct)
		rc = check_number(err, "maxUtilizationLimit", def->max_utilization_pct, 1, 100);
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

static int create_locked(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_plan *p;
	uint32_t i = REEVE_NONE;
	int rc = check_name_free(r, def->name, REEVE_NONE, err);

	if (rc)
		return rc;
	i = reeve__table_claim(r, &h->plans);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of resource plans is full: %u of %u", reeve__get(&h->plans.live),
			h->plans.capacity);
	p = &r->plans[i];
	memset((char *)p + sizeof(p->head), 0, sizeof(*p) - sizeof(p->head));
	write_def(p, ALL_FIELDS, def);
	p->created_wall = p->modified_wall = now_wall;
	p->revision = reeve__add(&h->revision, 1) + 1;
	reeve__table_publish(r, &h->plans, i, h->next_plan_id++, p->name);
	ret_id->v = p->head.id;
	return 0;
}

int reeve__plan_create(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	int rc = check_def(def, ALL_FIELDS, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = create_locked(r, def, now_wall, ret_id, err);
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

static bool is_active(const struct reeve *r, const struct reeve_sh_plan *p)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);

	return reeve__get(&now.head->plan_id) == p->head.id;
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
	if ((fields & REEVE_PLAN_IS_ENABLED) && !def->is_enabled && is_active(r, p))
		return reeve__fail(err, REEVE_ECONFLICT,
			"resource plan %llu is active and cannot be disabled",
			(unsigned long long)p->head.id);
	if (!(fields & REEVE_PLAN_NAME) || strcmp(p->name, def->name) == 0)
		return 0;
	if (p->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system plan and keeps its name", p->name);
	return check_name_free(r, def->name, i, err);
}

int reeve__plan_update(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	struct reeve_sh_plan *p;
	uint32_t i = REEVE_NONE;
	int rc = check_def(def, fields, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		rc = check_update(r, i, fields, def, expected_revision, err);
	if (!rc) {
		p = &r->plans[i];
		reeve__journal_begin_locked(r, REEVE_JOURNAL_PLAN, i);
		if (fields & REEVE_PLAN_NAME)
			reeve__table_rename(r, &r->header->plans, i, p->name, def->name);
		write_def(p, fields, def);
		p->modified_wall = now_wall;
		p->revision = reeve__get(&r->header->revision) + 1;
		reeve__journal_commit_locked(r);
		if (is_active(r, p))
			reeve__ruling_refresh_locked(r);
		reeve__model_event(
			r, REEVE_EVENT_PLAN_UPDATED, (reeve_group_id){0}, id, 0, p->name);
	}
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
	info->is_active = is_active(r, p);
	info->is_default = p->head.id == REEVE_DEFAULT_PLAN;
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

/* Directives. */

static int check_directive(const struct reeve_directive_def *d, struct reeve_error *err)
{
	int rc = 0;

	if (d->given & REEVE_DIRECTIVE_CPU_PCT)
		rc = check_number(err, "cpuPct", d->cpu_pct, 0, 100);
	if (!rc && (d->given & REEVE_DIRECTIVE_CPU_SHARES))
		rc = check_number(err, "cpuShares", d->cpu_shares, 1, REEVE_SHARES_MAX);
	if (!rc && (d->given & REEVE_DIRECTIVE_CPU_LEVEL))
		rc = check_number(err, "cpuLevel", d->cpu_level, 1, REEVE_CPU_LEVELS);
	if (!rc && (d->given & REEVE_DIRECTIVE_CPU_CAP))
		rc = check_number(err, "cpuUtilizationLimit", d->cpu_cap_pct, 1, 100);
	return rc;
}

static void write_directive(struct reeve_sh_directive *to, const struct reeve_directive_def *d)
{
	if (d->given & REEVE_DIRECTIVE_CPU_PCT)
		to->cpu_pct = d->cpu_pct;
	if (d->given & REEVE_DIRECTIVE_CPU_SHARES)
		to->cpu_shares = d->cpu_shares;
	if (d->given & REEVE_DIRECTIVE_CPU_LEVEL)
		to->cpu_level = d->cpu_level;
	if (d->given & REEVE_DIRECTIVE_CPU_CAP)
		to->cpu_cap_pct = d->cpu_cap_pct;
	to->given = (to->given & ~d->removed) | d->given;
	if (!(to->given & REEVE_DIRECTIVE_CPU_LEVEL))
		to->cpu_level = 1;
}

static uint32_t find_pair(struct reeve *r, uint32_t plan, uint32_t group)
{
	struct reeve_sh_table *t = &r->header->directives;

	for (uint32_t i = 0; i < reeve__table_used(t); i++)
		if (reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE &&
			r->directives[i].plan == plan && r->directives[i].group == group)
			return i;
	return REEVE_NONE;
}

static int add_directive(struct reeve *r, uint32_t plan, uint32_t group,
	const struct reeve_directive_def *def, reeve_ns now_wall, uint32_t *ret_slot,
	struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_directive *d;
	uint32_t i = reeve__table_claim(r, &h->directives);

	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of plan directives is full: %u of %u",
			reeve__get(&h->directives.live), h->directives.capacity);
	d = &r->directives[i];
	memset((char *)d + sizeof(d->head), 0, sizeof(*d) - sizeof(d->head));
	d->plan = plan;
	d->plan_id = r->plans[plan].head.id;
	d->group = group;
	write_directive(d, def);
	d->created_wall = d->modified_wall = now_wall;
	d->revision = reeve__add(&h->revision, 1) + 1;
	reeve__table_publish(r, &h->directives, i, h->next_directive_id++, NULL);
	*ret_slot = i;
	return 0;
}

static void change_directive(
	struct reeve *r, uint32_t i, const struct reeve_directive_def *def, reeve_ns now_wall)
{
	struct reeve_sh_directive *d = &r->directives[i];

	reeve__journal_begin_locked(r, REEVE_JOURNAL_DIRECTIVE, i);
	write_directive(d, def);
	d->modified_wall = now_wall;
	d->revision = reeve__get(&r->header->revision) + 1;
	reeve__journal_commit_locked(r);
}

static void refresh_if_active(struct reeve *r, uint32_t plan)
{
	if (plan < reeve__table_used(&r->header->plans) && is_active(r, &r->plans[plan]))
		reeve__ruling_refresh_locked(r);
}

static void directive_event(struct reeve *r, uint32_t i, const char *what)
{
	const struct reeve_sh_directive *d = &r->directives[i];
	uint64_t group = d->group < r->group_capacity ? r->groups[d->group].head.id : 0;

	reeve__model_event(r, REEVE_EVENT_DIRECTIVE_CHANGED, (reeve_group_id){group},
		(reeve_plan_id){d->plan_id}, d->head.id, what);
}

int reeve__directive_set(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_ns now_wall, reeve_directive_id *ret_id,
	struct reeve_error *err)
{
	uint32_t p = REEVE_NONE, g = REEVE_NONE, i = REEVE_NONE;
	int rc = check_directive(def, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, plan, &p, err);
	if (!rc)
		rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc) {
		i = find_pair(r, p, g);
		if (i == REEVE_NONE)
			rc = add_directive(r, p, g, def, now_wall, &i, err);
		else
			change_directive(r, i, def, now_wall);
	}
	if (!rc) {
		ret_id->v = r->directives[i].head.id;
		refresh_if_active(r, p);
		directive_event(r, i, "set");
	}
	reeve__catalog_unlock(r);
	return rc;
}

static int find_directive(
	struct reeve *r, reeve_directive_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->directives, id.v);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "plan directive %llu", (unsigned long long)id.v);
}

int reeve__directive_update(struct reeve *r, reeve_directive_id id,
	const struct reeve_directive_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = check_directive(def, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc && expected_revision && expected_revision != r->directives[i].revision)
		rc = reeve__fail(err, REEVE_ESTALE_REVISION,
			"plan directive %llu is at revision %llu, not %llu",
			(unsigned long long)id.v, (unsigned long long)r->directives[i].revision,
			(unsigned long long)expected_revision);
	if (!rc) {
		change_directive(r, i, def, now_wall);
		refresh_if_active(r, r->directives[i].plan);
		directive_event(r, i, "changed");
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__directive_destroy(struct reeve *r, reeve_directive_id id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc) {
		uint32_t plan = r->directives[i].plan;
		directive_event(r, i, "removed");
		reeve__table_free(r, &r->header->directives, i, NULL);
		reeve__add(&r->header->revision, 1);
		refresh_if_active(r, plan);
	}
	reeve__catalog_unlock(r);
	return rc;
}

static void fill_directive(struct reeve *r, uint32_t i, struct reeve_directive_info *info)
{
	const struct reeve_sh_directive *d = &r->directives[i];

	*info = (struct reeve_directive_info){
		.id = {d->head.id},
		.plan = {d->plan_id},
		.group = {d->group < r->group_capacity ? r->groups[d->group].head.id : 0},
		.given = d->given,
		.cpu_pct = d->cpu_pct,
		.cpu_shares = d->cpu_shares,
		.cpu_level = d->cpu_level,
		.cpu_cap_pct = d->cpu_cap_pct,
		.created_wall = d->created_wall,
		.modified_wall = d->modified_wall,
		.revision = d->revision,
	};
}

int reeve__directive_get(struct reeve *r, reeve_directive_id id, struct reeve_directive_info *ret,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc)
		fill_directive(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__directive_copy(struct reeve *r, reeve_plan_id plan, reeve_directive_id after,
	struct reeve_directive_info *ret, uint32_t capacity, struct reeve_error *err)
{
	uint32_t slots[64], n, p = REEVE_NONE, done = 0;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, plan, &p, err);
	do {
		n = rc ? 0
		       : reeve__table_list(r, &r->header->directives, after.v, false, slots,
				 REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			after.v = r->directives[slots[k]].head.id;
			if (r->directives[slots[k]].plan == p)
				fill_directive(r, slots[k], &ret[done++]);
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return rc ? rc : (int)done;
}
