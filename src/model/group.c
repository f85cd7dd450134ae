/* SPDX-License-Identifier: Apache-2.0 */
/* group.c - consumer groups. */
#include "model.h"

static int check_number(
	struct reeve_error *err, const char *field, uint64_t value, uint64_t low, uint64_t high)
{
	if (value >= low && value <= high)
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %llu; allowed are %llu to %llu",
		field, (unsigned long long)value, (unsigned long long)low,
		(unsigned long long)high);
}

/* Those that other modules enforce. */
static int check_limits(const struct reeve_group_def *def, uint32_t fields, struct reeve_error *err)
{
	const struct {
		uint32_t field;
		const char *name;
		uint64_t value, high;
	} limits[] = {
		{REEVE_GROUP_MAX_IDLE, "maxIdleTime in nanoseconds", def->max_idle_ns,
			INT64_MAX / 4},
		{REEVE_GROUP_PARALLEL_DEGREE, "parallelDegreeLimit", def->parallel_degree_limit,
			INT32_MAX},
		{REEVE_GROUP_MEMORY_LIMIT, "memoryLimit", def->memory_limit_bytes, INT64_MAX},
		{REEVE_GROUP_IO_BANDWIDTH, "ioBandwidthLimit", def->io_bandwidth_limit, INT64_MAX},
		{REEVE_GROUP_IOPS, "iopsLimit", def->iops_limit, INT32_MAX},
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < REEVE_COUNT(limits); i++)
		if ((fields & limits[i].field) && limits[i].value != REEVE_UNLIMITED)
			rc = check_number(err, limits[i].name, limits[i].value, 1, limits[i].high);
	return rc;
}

/* Judges the fields that `fields` names. */
static int check_def(const struct reeve_group_def *def, uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE_GROUP_NAME)
		rc = reeve__text_check(def->name, REEVE_NAME_MAX, false, "name", err);
	if (!rc && (fields & REEVE_GROUP_DESCRIPTION))
		rc = reeve__text_check(
			def->description, REEVE_DESCRIPTION_MAX, true, "description", err);
	if (!rc && (fields & REEVE_GROUP_CUSTOM_CATEGORY))
		rc = reeve__text_check(
			def->custom_category, REEVE_ATTRIBUTE_MAX, true, "customCategory", err);
	if (!rc && (fields & REEVE_GROUP_PRIORITY))
		rc = check_number(err, "priority", def->priority, 0, REEVE_PRIORITY_LOWEST);
	if (!rc && (fields & REEVE_GROUP_CATEGORY))
		rc = check_number(err, "category", def->category, 0, REEVE_CATEGORY_CUSTOM);
	if (!rc && (fields & REEVE_GROUP_CPU_ALLOCATION_PCT))
		rc = check_number(err, "cpuAllocationPct", def->cpu_allocation_pct, 0, 100);
	if (!rc && (fields & REEVE_GROUP_MAX_SESSIONS) && def->max_sessions != REEVE_UNLIMITED)
		rc = check_number(err, "maxSessions", def->max_sessions, 0, INT32_MAX);
	if (!rc && (fields & REEVE_GROUP_MAX_EXECUTION) && def->max_execution_ns != REEVE_UNLIMITED)
		rc = check_number(err, "maxExecutionTime in nanoseconds", def->max_execution_ns, 1,
			INT64_MAX / 4);
	return rc ? rc : check_limits(def, fields, err);
}

static void write_def(struct reeve_sh_group *g, uint32_t fields, const struct reeve_group_def *def)
{
	if (fields & REEVE_GROUP_NAME)
		reeve__group_name_put(g, def->name);
	if (fields & REEVE_GROUP_DESCRIPTION)
		reeve__text_copy(g->description, sizeof(g->description), def->description);
	if (fields & REEVE_GROUP_CUSTOM_CATEGORY)
		reeve__text_copy(
			g->custom_category, sizeof(g->custom_category), def->custom_category);
	if (fields & REEVE_GROUP_PRIORITY)
		reeve__put(&g->priority, def->priority);
	if (fields & REEVE_GROUP_CATEGORY)
		g->category = def->category;
	if (fields & REEVE_GROUP_CPU_ALLOCATION_PCT)
		g->cpu_allocation_pct = def->cpu_allocation_pct;
	if (fields & REEVE_GROUP_MAX_SESSIONS)
		g->max_sessions = def->max_sessions;
	if (fields & REEVE_GROUP_MAX_EXECUTION)
		reeve__put(&g->max_execution_ns, def->max_execution_ns);
	if (fields & REEVE_GROUP_IS_ACTIVE)
		g->is_active = def->is_active;
	if (fields & REEVE_GROUP_MAX_IDLE)
		reeve__put(&g->max_idle_ns, def->max_idle_ns);
	if (fields & REEVE_GROUP_PARALLEL_DEGREE)
		reeve__put(&g->parallel_degree, def->parallel_degree_limit == REEVE_UNLIMITED
							? UINT32_MAX
							: (uint32_t)def->parallel_degree_limit);
	if (fields & REEVE_GROUP_MEMORY_LIMIT)
		reeve__put(&g->memory_bytes, def->memory_limit_bytes);
	if (fields & REEVE_GROUP_IO_BANDWIDTH)
		reeve__put(&g->io_bandwidth, def->io_bandwidth_limit);
	if (fields & REEVE_GROUP_IOPS)
		reeve__put(&g->io_iops, def->iops_limit);
}

static int check_name_free(struct reeve *r, const char *name, uint32_t but, struct reeve_error *err)
{
	uint32_t i = reeve__table_find_name(
		r, &r->header->groups, name, offsetof(struct reeve_sh_group, name));

	if (i == REEVE_NONE || i == but)
		return 0;
	return reeve__fail(err, REEVE_EALREADY_EXISTS, "consumer group \"%s\" exists with id %llu",
		name, (unsigned long long)r->groups[i].head.id);
}

static void clear_between(struct reeve_sh_group *g, size_t from, size_t to)
{
	memset((char *)g + from, 0, to - from);
}

/*
 * No past is left but, for the sake of the totals, what earlier groups with this slot have used. Done
 * again by the next, should this process die here.
 */
static void clear_row(struct reeve_sh_group *g)
{
	g->cpu.retired_ns_base = g->cpu.retired_ns;
	g->cpu.retired_queries_base = g->cpu.retired_queries;
	/* The name is looked at without the lock, so it is not cleared but written. */
	clear_between(g, sizeof(g->head), offsetof(struct reeve_sh_group, cpu.retired_ns));
	clear_between(g, offsetof(struct reeve_sh_group, cpu.node),
		offsetof(struct reeve_sh_group, cpu.retired_queries));
	clear_between(g, offsetof(struct reeve_sh_group, cpu.pad2),
		offsetof(struct reeve_sh_group, name));
	clear_between(g, offsetof(struct reeve_sh_group, description), sizeof(*g));
}

/* A new row with its scheduling entity at rest. `id` 0: the next. */
static int create_locked(struct reeve *r, const struct reeve_group_def *def, uint64_t id,
	reeve_ns now_wall, uint32_t *ret_slot, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_group *g;
	uint32_t i = REEVE_NONE;
	int rc = check_name_free(r, def->name, REEVE_NONE, err);

	if (!rc)
		rc = reeve__id_check(r, &h->groups, id, err);
	if (rc)
		return rc;
	i = reeve__table_claim(r, &h->groups);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of consumer groups is full: %u of %u",
			reeve__get(&h->groups.live), h->groups.capacity);
	g = &r->groups[i];
	clear_row(g);
	if (reeve__get(&g->head.generation)) /* what is new is all zero, and not touched */
		memset(&r->cpu_lanes[i], 0, sizeof(r->cpu_lanes[i]));
	reeve__group_index_begin_locked(r);
	write_def(g, REEVE_GROUP_ALL_FIELDS, def);
	g->created_wall = g->modified_wall = now_wall;
	g->cpu.root = g->cpu.pull_root = REEVE_NONE;
	g->cpu.age = reeve__get(&r->cpu->clock); /* a newcomer is as old as whoever ran last */
	g->cpu.pull_age = reeve__get(&r->cpu->pull_clock);
	reeve__put(&g->cpu.cap_ppm, REEVE_PPM);
	reeve__put(&g->cpu.weight_ppm, 1);
	g->revision = reeve__add(&h->revision, 1) + 1;
	reeve__table_publish(r, &h->groups, i, reeve__id_take(&h->next_group_id, id), g->name);
	reeve__group_index_end_locked(r);
	*ret_slot = i;
	return 0;
}

int reeve__group_create(struct reeve *r, const struct reeve_group_def *def, reeve_ns now_wall,
	reeve_group_id *ret_id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = check_def(def, REEVE_GROUP_ALL_FIELDS, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = create_locked(r, def, ret_id->v, now_wall, &i, err);
	if (!rc) {
		ret_id->v = r->groups[i].head.id;
		reeve__ruling_refresh_locked(r);
		reeve__model_event(r, REEVE_EVENT_GROUP_CREATED, *ret_id, (reeve_plan_id){0}, 0,
			r->groups[i].name);
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__group_slot_locked(
	struct reeve *r, reeve_group_id id, uint32_t *ret_slot, struct reeve_error *err)
{
	uint32_t i = reeve__table_find(r, &r->header->groups, id.v);

	if (i == REEVE_NONE)
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "consumer group %llu", (unsigned long long)id.v);
	*ret_slot = i;
	return 0;
}

static int check_update(struct reeve *r, uint32_t i, uint32_t fields,
	const struct reeve_group_def *def, uint64_t expected, struct reeve_error *err)
{
	const struct reeve_sh_group *g = &r->groups[i];

	if (expected && expected != g->revision)
		return reeve__fail(err, REEVE_ESTALE_REVISION,
			"consumer group %llu is at revision %llu, not %llu",
			(unsigned long long)g->head.id, (unsigned long long)g->revision,
			(unsigned long long)expected);
	if (!(fields & REEVE_GROUP_NAME) || strcmp(g->name, def->name) == 0)
		return 0;
	if (g->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system group and keeps its name", g->name);
	return check_name_free(r, def->name, i, err);
}

int reeve__group_update(struct reeve *r, reeve_group_id id, uint32_t fields,
	const struct reeve_group_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	struct reeve_sh_group *g;
	uint32_t i = REEVE_NONE;
	int rc = check_def(def, fields, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, &i, err);
	if (!rc)
		rc = check_update(r, i, fields, def, expected_revision, err);
	if (!rc) {
		g = &r->groups[i];
		reeve__group_index_begin_locked(r);
		reeve__journal_begin_locked(r, REEVE_JOURNAL_GROUP, i);
		if (fields & REEVE_GROUP_NAME)
			reeve__table_rename(r, &r->header->groups, i, g->name, def->name);
		write_def(g, fields, def);
		g->modified_wall = now_wall;
		g->revision = reeve__get(&r->header->revision) + 1;
		reeve__journal_commit_locked(r);
		reeve__group_index_end_locked(r);
		reeve__ruling_refresh_locked(r);
		reeve__model_event(
			r, REEVE_EVENT_GROUP_UPDATED, id, (reeve_plan_id){0}, 0, g->name);
	}
	reeve__catalog_unlock(r);
	return rc;
}

static void fill_info(struct reeve *r, uint32_t i, struct reeve_group_info *info)
{
	const struct reeve_sh_group *g = &r->groups[i];

	memset(info, 0, sizeof(*info));
	info->id.v = g->head.id;
	reeve__text_copy(info->name, sizeof(info->name), g->name);
	reeve__text_copy(info->description, sizeof(info->description), g->description);
	reeve__text_copy(info->custom_category, sizeof(info->custom_category), g->custom_category);
	info->priority = reeve__get(&g->priority);
	info->category = g->category;
	info->cpu_allocation_pct = g->cpu_allocation_pct;
	info->max_sessions = g->max_sessions;
	info->max_execution_ns = reeve__get(&g->max_execution_ns);
	info->max_idle_ns = reeve__get(&g->max_idle_ns);
	info->parallel_degree_limit = reeve__get(&g->parallel_degree) == UINT32_MAX
					      ? REEVE_UNLIMITED
					      : reeve__get(&g->parallel_degree);
	info->memory_limit_bytes = reeve__get(&g->memory_bytes);
	info->io_bandwidth_limit = reeve__get(&g->io_bandwidth);
	info->iops_limit = reeve__get(&g->io_iops);
	info->is_active = g->is_active != 0;
	info->is_system = g->head.id < REEVE_FIRST_USER_ID;
	info->is_default = r->header->default_group == i;
	info->created_wall = g->created_wall;
	info->modified_wall = g->modified_wall;
	info->revision = g->revision;
	info->current_sessions = reeve__get(&g->sessions);
}

int reeve__group_get(struct reeve *r, reeve_group_id id, struct reeve_group_info *ret_info,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, &i, err);
	if (!rc)
		fill_info(r, i, ret_info);
	reeve__catalog_unlock(r);
	return rc;
}

uint64_t reeve__group_default_get(struct reeve *r)
{
	uint64_t id;

	reeve__catalog_lock(r);
	id = r->header->default_group < reeve__table_used(&r->header->groups)
		     ? r->groups[r->header->default_group].head.id
		     : 0;
	reeve__catalog_unlock(r);
	return id;
}

int reeve__group_default_set(struct reeve *r, reeve_group_id id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, &i, err);
	if (!rc && !r->groups[i].is_active)
		rc = reeve__fail(err, REEVE_ECONFLICT,
			"consumer group %.128s is inactive and cannot be the default group",
			r->groups[i].name);
	if (!rc && r->header->default_group != i) {
		r->header->default_group = i;
		reeve__add(&r->header->revision, 1);
		reeve__model_event(
			r, REEVE_EVENT_GROUP_UPDATED, id, (reeve_plan_id){0}, 0, r->groups[i].name);
	}
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__group_copy(
	struct reeve *r, reeve_group_id after, struct reeve_group_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_info(r, slots[k], &ret[done]);
			after = ret[done].id;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}

/* The four system groups, as the manual of every installation has them. */
static int seed_groups(struct reeve *r, reeve_ns now_wall, struct reeve_error *err)
{
	static const struct {
		const char *name;
		uint32_t priority, category, pct;
		uint64_t max_execution_ns;
	} rows[] = {
		{"SYS_GROUP", 0, REEVE_CATEGORY_SYSTEM, 0, REEVE_UNLIMITED},
		{"INTERACTIVE_GROUP", 3, REEVE_CATEGORY_INTERACTIVE, 60, 300 * REEVE_SEC},
		{"BATCH_GROUP", 7, REEVE_CATEGORY_BATCH, 30, REEVE_UNLIMITED},
		{"MAINTENANCE_GROUP", 7, REEVE_CATEGORY_MAINTENANCE, 10, REEVE_UNLIMITED},
	};

	for (uint32_t k = 0; k < REEVE_COUNT(rows); k++) {
		struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
		uint32_t i;
		def.name = rows[k].name;
		def.priority = rows[k].priority;
		def.category = rows[k].category;
		def.cpu_allocation_pct = rows[k].pct;
		def.max_execution_ns = rows[k].max_execution_ns;
		int rc = create_locked(r, &def, k + 1, now_wall, &i, err);
		if (rc)
			return rc;
		if (k + 1 == REEVE_INTERACTIVE_GROUP)
			r->header->default_group = i;
	}
	return 0;
}

/* The four system plans with their directives: shares of the four groups. */
static int seed_plans(struct reeve *r, reeve_ns now_wall, struct reeve_error *err)
{
	static const struct {
		const char *name, *description;
		uint32_t max_utilization;
		bool parallel_managed, sessions_managed;
		uint32_t shares[4];
	} rows[] = {
		{"DEFAULT_PLAN", "Default balanced resource plan", 100, true, true,
			{1000, 600, 300, 100}},
		{"DAYTIME_PLAN", "Resource plan for business hours", 90, true, true,
			{1000, 700, 200, 100}},
		{"NIGHTTIME_PLAN", "Resource plan for off-hours batch processing", 100, true, false,
			{1000, 300, 600, 100}},
		{"MAINTENANCE_PLAN", "Resource plan for maintenance operations", 100, false, false,
			{1000, 200, 100, 700}},
	};

	r->header->next_plan_id = 1;
	for (uint32_t k = 0; k < REEVE_COUNT(rows); k++) {
		struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
		reeve_plan_id plan = {0};
		def.name = rows[k].name;
		def.description = rows[k].description;
		def.max_utilization_pct = rows[k].max_utilization;
		def.parallel_execution_managed = rows[k].parallel_managed;
		def.active_session_pool_managed = rows[k].sessions_managed;
		int rc = reeve__plan_create(r, &def, now_wall, &plan, err);
		for (uint64_t g = 1; !rc && g <= 4; g++) {
			struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_CPU_SHARES,
				.cpu_shares = rows[k].shares[g - 1]};
			reeve_directive_id id = {0};
			rc = reeve__directive_set(
				r, plan, (reeve_group_id){g}, &d, now_wall, &id, err);
		}
		if (rc)
			return rc;
	}
	r->header->next_plan_id = REEVE_FIRST_USER_ID;
	return 0;
}

int reeve__model_seed(struct reeve *r, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	int rc;

	h->next_group_id = REEVE_FIRST_USER_ID;
	h->groups_domain.next_rule_id = 1;
	h->next_directive_id = h->next_session_id = h->next_task_id = h->next_attachment_id = 1;
	h->next_admission_id = 1;
	h->planning.next_schedule_id = h->planning.next_window_id = 1;
	reeve__put(&h->planning.user_sessions_allowed, 1);
	reeve__put(&h->planning.max_user_sessions, UINT32_MAX);
	reeve__catalog_lock(r);
	reeve__rules_reindex_locked(r);
	rc = seed_groups(r, now_wall, err);
	reeve__catalog_unlock(r);
	if (!rc)
		rc = seed_plans(r, now_wall, err);
	if (!rc)
		rc = reeve__plan_activate(r, (reeve_plan_id){REEVE_DEFAULT_PLAN}, now_wall, err);
	return rc;
}
