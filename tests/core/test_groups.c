/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of groups and user mappings; of the journal that undoes a change cut short. */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/model.h"

static void the_system_groups_are_as_the_reference_has_them(void **state)
{
	struct core *c = *state;
	static const struct {
		const char *name;
		uint32_t priority, category, pct;
		uint64_t max_execution_ns;
		bool is_default;
	} want[] = {
		{"SYS_GROUP", 0, REEVE_CATEGORY_SYSTEM, 0, REEVE_UNLIMITED, false},
		{"INTERACTIVE_GROUP", 3, REEVE_CATEGORY_INTERACTIVE, 60, 300 * REEVE_SEC, true},
		{"BATCH_GROUP", 7, REEVE_CATEGORY_BATCH, 30, REEVE_UNLIMITED, false},
		{"MAINTENANCE_GROUP", 7, REEVE_CATEGORY_MAINTENANCE, 10, REEVE_UNLIMITED, false},
	};

	for (uint64_t id = 1; id <= 4; id++) {
		struct reeve_group_info g = core_group_info(c->r, id);
		assert_true(g.id.v == id);
		assert_string_equal(g.name, want[id - 1].name);
		assert_string_equal(g.description, "");
		assert_string_equal(g.custom_category, "");
		assert_int_equal(g.priority, want[id - 1].priority);
		assert_int_equal(g.category, want[id - 1].category);
		assert_int_equal(g.cpu_allocation_pct, want[id - 1].pct);
		assert_true(g.max_execution_ns == want[id - 1].max_execution_ns);
		assert_true(g.max_sessions == REEVE_UNLIMITED);
		assert_int_equal(g.is_default, want[id - 1].is_default);
		assert_true(g.is_active && g.is_system);
		assert_int_equal(g.current_sessions, 0);
		assert_true(g.created_wall == c->h.wall && g.modified_wall == c->h.wall);
	}
}

/* Manager, line 11: creation discarded the category. */
static void manager_11_a_created_group_has_all_it_was_given(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = {"reports", "what finance runs", 5, REEVE_CATEGORY_CUSTOM,
		"finance", 15, 7, 90 * REEVE_SEC, false, 60 * REEVE_SEC, 4, 1 << 20, 5000, 50};
	reeve_group_id id = {0};
	uint64_t before = core_segment(c->r).revision;

	core_sleep(&c->h, 5 * REEVE_SEC);
	assert_ok(reeve_group_create(c->r, &def, &id, E));
	assert_true(id.v == 100);
	struct reeve_group_info g = core_group_info(c->r, 100);
	assert_string_equal(g.name, "reports");
	assert_string_equal(g.description, "what finance runs");
	assert_string_equal(g.custom_category, "finance");
	assert_int_equal(g.priority, 5);
	assert_int_equal(g.category, REEVE_CATEGORY_CUSTOM);
	assert_int_equal(g.cpu_allocation_pct, 15);
	assert_true(g.max_sessions == 7 && g.max_execution_ns == 90 * REEVE_SEC);
	assert_true(g.max_idle_ns == 60 * REEVE_SEC && g.parallel_degree_limit == 4);
	assert_true(g.memory_limit_bytes == 1 << 20 && g.io_bandwidth_limit == 5000);
	assert_true(g.iops_limit == 50);
	assert_false(g.is_active || g.is_system || g.is_default);
	assert_true(g.created_wall == c->h.wall);
	assert_true(g.revision == before + 1 && core_segment(c->r).revision == before + 1);
}

static void a_name_exists_once_and_case_counts(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {77};

	core_group(c->r, "Reports", 0);
	def.name = "Reports";
	assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_EALREADY_EXISTS,
		"\"Reports\" exists with id 100");
	def.name = "SYS_GROUP";
	assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_EALREADY_EXISTS, "with id 1");
	assert_true(id.v == 77);
	core_group(c->r, "reports", 0);
	assert_true(reeve_group_find(c->r, "Reports", &id) && id.v == 100);
	assert_true(reeve_group_find(c->r, "reports", &id) && id.v == 101);
	assert_false(reeve_group_find(c->r, "REPORTS", &id));
	assert_true(id.v == 101);
}

/* Groups, line 20: ids were burnt on refused creations. */
static void plans_20_a_refused_creation_uses_up_no_id_and_no_revision(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {0};
	uint64_t before = core_segment(c->r).revision;

	def.name = "SYS_GROUP";
	assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_EALREADY_EXISTS, "");
	def.name = "x";
	def.priority = 8;
	assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT, "");
	assert_true(core_segment(c->r).revision == before);
	assert_int_equal(core_segment(c->r).groups, 4);
	assert_true(core_group(c->r, "first", 0) == 100);
	assert_true(core_group(c->r, "second", 0) == 101);
}

static void update(struct core *c, uint64_t id, uint32_t fields, const struct reeve_group_def *def)
{
	assert_ok(reeve_group_update(c->r, (reeve_group_id){id}, fields, def, 0, E));
}

static void an_update_changes_the_named_fields_and_no_others(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = {"new name", "new text", 6, REEVE_CATEGORY_ANALYTICS, "label",
		55, 9, REEVE_SEC, false, 2 * REEVE_SEC, 3, 4, 5, 6};
	uint64_t id = core_group(c->r, "old name", 20);

	for (uint32_t bit = 0; bit < 14; bit++) {
		struct reeve_group_info before = core_group_info(c->r, id);
		core_sleep(&c->h, REEVE_SEC);
		update(c, id, 1u << bit, &def);
		struct reeve_group_info after = core_group_info(c->r, id);
		assert_int_equal(strcmp(after.name, before.name) != 0, bit == 0);
		assert_int_equal(strcmp(after.description, before.description) != 0, bit == 1);
		assert_int_equal(after.priority != before.priority, bit == 2);
		assert_int_equal(after.category != before.category, bit == 3);
		assert_int_equal(
			strcmp(after.custom_category, before.custom_category) != 0, bit == 4);
		assert_int_equal(after.cpu_allocation_pct != before.cpu_allocation_pct, bit == 5);
		assert_int_equal(after.max_sessions != before.max_sessions, bit == 6);
		assert_int_equal(after.max_execution_ns != before.max_execution_ns, bit == 7);
		assert_int_equal(after.is_active != before.is_active, bit == 8);
		assert_int_equal(after.max_idle_ns != before.max_idle_ns, bit == 9);
		assert_int_equal(
			after.parallel_degree_limit != before.parallel_degree_limit, bit == 10);
		assert_int_equal(after.memory_limit_bytes != before.memory_limit_bytes, bit == 11);
		assert_int_equal(after.io_bandwidth_limit != before.io_bandwidth_limit, bit == 12);
		assert_int_equal(after.iops_limit != before.iops_limit, bit == 13);
		assert_true(after.created_wall == before.created_wall);
		assert_true(after.modified_wall == c->h.wall);
		assert_true(after.revision == before.revision + 1);
		assert_true(after.revision == core_segment(c->r).revision);
	}
}

/* Groups, line 5: renaming broke the index of names, and percent could exceed 100. */
static void plans_05_an_update_keeps_the_index_and_the_ranges(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	uint64_t id = core_group(c->r, "old", 0);
	reeve_group_id found = {0};

	def.name = "new";
	update(c, id, REEVE_GROUP_NAME, &def);
	assert_false(reeve_group_find(c->r, "old", &found));
	assert_true(reeve_group_find(c->r, "new", &found) && found.v == id);
	core_group(c->r, "old", 0);	       /* the name is free again */
	update(c, id, REEVE_GROUP_NAME, &def); /* to its own name */
	def.name = "old";
	assert_fails(reeve_group_update(c->r, found, REEVE_GROUP_NAME, &def, 0, E),
		REEVE_EALREADY_EXISTS, "\"old\"");
	def.cpu_allocation_pct = 101;
	assert_fails(reeve_group_update(c->r, found, REEVE_GROUP_CPU_ALLOCATION_PCT, &def, 0, E),
		REEVE_EINVALID_ARGUMENT, "cpuAllocationPct is 101; allowed are 0 to 100");
	assert_int_equal(core_group_info(c->r, id).cpu_allocation_pct, 0);
}

static void a_refused_update_changes_nothing_at_all(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = {"other", "text", 9, 1, NULL, 50, 1, 1, false, 1, 1, 1, 1, 1};
	uint64_t id = core_group(c->r, "kept", 20);
	struct reeve_group_info before = core_group_info(c->r, id), after;

	assert_fails(reeve_group_update(c->r, (reeve_group_id){id}, 0x3fff, &def, 0, E),
		REEVE_EINVALID_ARGUMENT, "priority is 9; allowed are 0 to 7");
	def.priority = 1;
	def.name = "SYS_GROUP";
	assert_fails(reeve_group_update(c->r, (reeve_group_id){id}, 0x3fff, &def, 0, E),
		REEVE_EALREADY_EXISTS, "SYS_GROUP");
	after = core_group_info(c->r, id);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void a_system_group_keeps_its_name_and_nothing_else(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id batch = {REEVE_BATCH_GROUP};

	def.name = "NIGHT";
	assert_fails(reeve_group_update(c->r, batch, REEVE_GROUP_NAME, &def, 0, E),
		REEVE_EPERMISSION_DENIED, "BATCH_GROUP is a system group and keeps its name");
	def.name = "BATCH_GROUP";
	def.description = "at night";
	update(c, batch.v, REEVE_GROUP_NAME | REEVE_GROUP_DESCRIPTION, &def);
	assert_string_equal(core_group_info(c->r, batch.v).description, "at night");
}

static void a_stale_revision_is_refused_with_both_numbers(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {core_group(c->r, "g", 0)};
	uint64_t revision = core_group_info(c->r, id.v).revision;
	char want[80];

	def.priority = 1;
	assert_ok(reeve_group_update(c->r, id, REEVE_GROUP_PRIORITY, &def, revision, E));
	snprintf(want, sizeof(want), "is at revision %llu, not %llu",
		(unsigned long long)revision + 1, (unsigned long long)revision);
	def.priority = 2;
	assert_fails(reeve_group_update(c->r, id, REEVE_GROUP_PRIORITY, &def, revision, E),
		REEVE_ESTALE_REVISION, want);
	assert_int_equal(core_group_info(c->r, id.v).priority, 1);
}

/* Groups, line 3: limits could be given and were lost, or were of any size. */
static void plans_03_every_limit_is_kept_and_bounded(void **state)
{
	struct core *c = *state;
	static const struct {
		uint32_t field;
		const char *name;
		uint64_t high;
	} rows[] = {
		{REEVE_GROUP_MAX_IDLE, "maxIdleTime", INT64_MAX / 4},
		{REEVE_GROUP_PARALLEL_DEGREE, "parallelDegreeLimit", INT32_MAX},
		{REEVE_GROUP_MEMORY_LIMIT, "memoryLimit", INT64_MAX},
		{REEVE_GROUP_IO_BANDWIDTH, "ioBandwidthLimit", INT64_MAX},
		{REEVE_GROUP_IOPS, "iopsLimit", INT32_MAX},
	};
	reeve_group_id id = {core_group(c->r, "g", 0)};

	for (size_t i = 0; i < REEVE_COUNT(rows); i++) {
		uint64_t values[] = {0, rows[i].high + 1, 1, rows[i].high, REEVE_UNLIMITED};
		for (size_t k = 0; k < REEVE_COUNT(values); k++) {
			struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
			uint64_t v = values[k];
			def.max_idle_ns = def.parallel_degree_limit = def.memory_limit_bytes = v;
			def.io_bandwidth_limit = def.iops_limit = v;
			if (k < 2) {
				assert_fails(
					reeve_group_update(c->r, id, rows[i].field, &def, 0, E),
					REEVE_EINVALID_ARGUMENT, rows[i].name);
				continue;
			}
			update(c, id.v, rows[i].field, &def);
			struct reeve_group_info g = core_group_info(c->r, id.v);
			uint64_t got[] = {g.max_idle_ns, g.parallel_degree_limit,
				g.memory_limit_bytes, g.io_bandwidth_limit, g.iops_limit};
			assert_true(got[i] == v);
		}
	}
}

static void the_default_group_can_be_chosen(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {core_group(c->r, "mine", 0)};
	uint64_t before = core_segment(c->r).revision;

	assert_true(reeve_group_default_get(c->r).v == REEVE_INTERACTIVE_GROUP);
	assert_ok(reeve_group_default_set(c->r, id, E));
	assert_true(reeve_group_default_get(c->r).v == id.v);
	assert_true(core_segment(c->r).revision == before + 1);
	assert_ok(reeve_group_default_set(c->r, id, E)); /* nothing changes */
	assert_true(core_segment(c->r).revision == before + 1);
	assert_true(core_group_info(c->r, id.v).is_default);
	assert_false(core_group_info(c->r, REEVE_INTERACTIVE_GROUP).is_default);
	struct reeve_session *s = core_session(c->r, 0);
	assert_true(core_info(c->r, s).group.v == id.v);
	reeve_session_destroy(s);
	assert_fails(reeve_group_default_set(c->r, (reeve_group_id){4711}, E), REEVE_ENOT_FOUND,
		"consumer group 4711");
	def.is_active = false;
	update(c, REEVE_BATCH_GROUP, REEVE_GROUP_IS_ACTIVE, &def);
	assert_fails(reeve_group_default_set(c->r, (reeve_group_id){REEVE_BATCH_GROUP}, E),
		REEVE_ECONFLICT, "BATCH_GROUP is inactive");
	assert_true(reeve_group_default_get(c->r).v == id.v);
}

static void groups_are_found_by_id_and_by_name_of_any_length(void **state)
{
	struct core *c = *state;
	char name[REEVE_NAME_MAX + 1];
	reeve_group_id found = {0};
	uint64_t ids[8];
	static const size_t lengths[8] = {1, 7, 8, 9, 15, 16, 127, 128};

	for (size_t i = 0; i < 8; i++) {
		memset(name, 'n', sizeof(name));
		name[lengths[i]] = 0;
		ids[i] = core_group(c->r, name, 0);
	}
	for (size_t i = 0; i < 8; i++) {
		memset(name, 'n', sizeof(name));
		name[lengths[i]] = 0;
		assert_true(reeve_group_find(c->r, name, &found) && found.v == ids[i]);
		assert_true(reeve_group_exists(c->r, (reeve_group_id){ids[i]}));
		name[lengths[i] - 1] = 'N';
		assert_false(reeve_group_find(c->r, name, &found));
	}
	memset(name, 'n', sizeof(name));
	name[129] = 0;
	assert_false(reeve_group_find(c->r, name, &found));
	assert_false(reeve_group_find(c->r, "", &found));
	assert_false(reeve_group_exists(c->r, (reeve_group_id){0}));
	assert_false(reeve_group_exists(c->r, (reeve_group_id){4711}));
	assert_false(reeve_group_exists(NULL, (reeve_group_id){1}));
}

static void groups_are_listed_by_id_in_pages(void **state)
{
	struct core *c = *state;
	struct reeve_group_info infos[40];
	char name[8];

	for (int i = 27; i >= 0; i--) {
		snprintf(name, sizeof(name), "g%d", i);
		core_group(c->r, name, 0);
	}
	assert_int_equal(reeve_group_copy(c->r, (reeve_group_id){0}, infos, 40), 32);
	for (int i = 1; i < 32; i++)
		assert_true(infos[i].id.v > infos[i - 1].id.v);
	assert_int_equal(reeve_group_copy(c->r, (reeve_group_id){0}, infos, 5), 5);
	assert_true(infos[4].id.v == 100);
	assert_int_equal(reeve_group_copy(c->r, infos[4].id, infos, 40), 27);
	assert_true(infos[0].id.v == 101);
	assert_int_equal(reeve_group_copy(c->r, (reeve_group_id){127}, infos, 40), 0);
}

/* ---- users ---- */

static struct reeve_user_mapping mapping_of(struct core *c, uint64_t user)
{
	struct reeve_user_mapping m = {0};

	assert_ok(reeve_user_get(c->r, user, &m, E));
	return m;
}

static int map(struct core *c, uint64_t user, uint64_t group, bool permanent)
{
	return reeve_user_map(c->r, user, "ada", (reeve_group_id){group}, permanent, E);
}

static void a_mapping_is_kept_and_the_last_one_wins(void **state)
{
	struct core *c = *state;

	assert_ok(map(c, UINT64_MAX, REEVE_BATCH_GROUP, true));
	struct reeve_user_mapping m = mapping_of(c, UINT64_MAX);
	assert_true(m.user_id == UINT64_MAX && m.group.v == REEVE_BATCH_GROUP && m.is_permanent);
	assert_string_equal(m.username, "ada");
	assert_true(m.created_wall == c->h.wall);
	assert_ok(reeve_user_map(c->r, UINT64_MAX, "bob", (reeve_group_id){2}, false, E));
	m = mapping_of(c, UINT64_MAX);
	assert_true(m.group.v == 2 && !m.is_permanent);
	assert_string_equal(m.username, "bob");
	assert_int_equal(core_segment(c->r).mappings, 1);
	assert_ok(reeve_user_unmap(c->r, UINT64_MAX, E));
	assert_fails(reeve_user_unmap(c->r, UINT64_MAX, E), REEVE_ENOT_FOUND,
		"mapping of user 18446744073709551615");
	assert_fails(reeve_user_get(c->r, 5, &m, E), REEVE_ENOT_FOUND, "mapping of user 5");
	assert_int_equal(core_segment(c->r).mappings, 0);
}

/* Groups, line 9: the group was looked up, and the mapping put in when it might be gone. */
static void plans_09_a_mapping_to_an_unknown_group_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_user_mapping m;

	assert_fails(map(c, 5, 4711, true), REEVE_ENOT_FOUND, "consumer group 4711");
	assert_fails(reeve_user_get(c->r, 5, &m, E), REEVE_ENOT_FOUND, "5");
	assert_ok(map(c, 5, 2, true));
	assert_fails(map(c, 5, 4711, false), REEVE_ENOT_FOUND, "4711");
	assert_true(mapping_of(c, 5).group.v == 2 && mapping_of(c, 5).is_permanent);
}

static void mappings_are_listed_by_user_in_pages(void **state)
{
	struct core *c = *state;
	struct reeve_user_mapping m[40];

	for (uint64_t user = 30; user > 0; user--)
		assert_ok(map(c, user * 7, 2, true));
	assert_int_equal(reeve_user_copy(c->r, 0, m, 40), 30);
	for (uint64_t i = 0; i < 30; i++)
		assert_true(m[i].user_id == (i + 1) * 7);
	assert_int_equal(reeve_user_copy(c->r, 70, m, 3), 3);
	assert_true(m[0].user_id == 77 && m[2].user_id == 91);
}

static void a_mapping_counts_until_it_expires(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_assignment a;
	reeve_group_id batch = {REEVE_BATCH_GROUP};
	reeve_ns at = c->h.wall + REEVE_SEC;
	uint64_t revision;

	def.username = "ada";
	def.user_id = 5;
	assert_fails(reeve_user_map_until(c->r, 5, "ada", batch, true, c->h.wall, E),
		REEVE_EINVALID_ARGUMENT, "expiresAt is");
	assert_fails(reeve_user_map_until(NULL, 5, "ada", batch, true, 0, E),
		REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_ok(reeve_user_map_until(c->r, 5, "ada", batch, true, at, E));
	assert_ok(map(c, 6, REEVE_BATCH_GROUP, true));
	assert_true(mapping_of(c, 5).expires_wall == at && mapping_of(c, 6).expires_wall == 0);
	assert_ok(reeve_assignment_evaluate(c->r, &def, at - 1, &a, NULL, 0, E));
	assert_true(a.group.v == REEVE_BATCH_GROUP);
	assert_ok(reeve_assignment_evaluate(c->r, &def, at, &a, NULL, 0, E));
	assert_int_equal(a.assigned_by, REEVE_ASSIGNED_DEFAULT);
	core_sleep(&c->h, REEVE_SEC - 1);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_segment(c->r).mappings, 2);
	revision = core_segment(c->r).revision;
	core_sleep(&c->h, 1);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_segment(c->r).mappings, 1);
	assert_true(core_segment(c->r).revision == revision + 1);
	assert_ok(map(c, 6, 2, true)); /* mapped again: for ever */
	assert_true(mapping_of(c, 6).expires_wall == 0);
}

static void statistics_tell_what_each_group_has_and_does(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 2), *b = core_session(c->r, 2);
	struct reeve_group_stats all[8], one;
	reeve_task_id task;

	core_session(c->r, 3);
	assert_ok(reeve_query_begin(a, NULL, E));
	core_work(&c->h, 3 * REEVE_MSEC);
	reeve_query_end(a, NULL);
	assert_ok(reeve_query_begin(b, NULL, E));
	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){4}, 3, &task, E));
	assert_ok(reeve_task_charge(c->r, task, 500, E));
	assert_int_equal(reeve_group_stats_copy(c->r, (reeve_group_id){0}, all, 8, E), 4);
	assert_true(all[1].id.v == 2 && all[1].current_sessions == 2);
	assert_string_equal(all[1].name, "INTERACTIVE_GROUP");
	assert_int_equal(all[1].active_sessions, 1);
	assert_int_equal(all[1].waiting_sessions, 0);
	assert_true(all[1].cpu_ns == 3 * REEVE_MSEC && all[1].queries == 1);
	assert_true(all[1].max_sessions == REEVE_UNLIMITED);
	assert_int_equal(all[1].cpu_allocation_pct, 60);
	assert_int_equal(all[1].priority, 3);
	assert_true(all[2].current_sessions == 1 && all[2].cpu_ns == 0);
	assert_true(all[3].outside_tasks == 1 && all[3].cpu_ns == 500);
	assert_ok(reeve_group_stats_get(c->r, (reeve_group_id){2}, &one, E));
	assert_memory_equal(&one, &all[1], sizeof(one));
	assert_int_equal(reeve_group_stats_copy(c->r, (reeve_group_id){2}, all, 1, E), 1);
	assert_true(all[0].id.v == 3);
	reeve_session_destroy(a); /* what it used stays counted */
	assert_ok(reeve_group_stats_get(c->r, (reeve_group_id){2}, &one, E));
	assert_true(one.cpu_ns == 3 * REEVE_MSEC && one.current_sessions == 1);
	assert_fails(reeve_group_stats_get(c->r, (reeve_group_id){9}, &one, E), REEVE_ENOT_FOUND,
		"consumer group 9");
	assert_fails(reeve_group_stats_get(c->r, (reeve_group_id){2}, NULL, E),
		REEVE_EINVALID_ARGUMENT, "ret_stats");
	assert_fails(reeve_group_stats_copy(c->r, (reeve_group_id){0}, NULL, 1, E),
		REEVE_EINVALID_ARGUMENT, "ret_stats");
	assert_fails(reeve_group_stats_copy(NULL, (reeve_group_id){0}, all, 1, E),
		REEVE_EINVALID_ARGUMENT, "reeve");
}

/* ---- a change cut short ---- */

/* Dies holding the catalog lock, after doing what `change` does. */
static void die_changing(struct core *c, void (*change)(struct reeve *r))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		reeve__catalog_lock(c->r);
		change(c->r);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static uint32_t slot_of(struct reeve *r, uint64_t id)
{
	return reeve__table_find(r, &r->header->groups, id);
}

static void half_rename(struct reeve *r)
{
	struct reeve_sh_group *g = &r->groups[slot_of(r, 100)];

	reeve__group_index_begin_locked(r);
	reeve__journal_begin_locked(r, REEVE_JOURNAL_GROUP, slot_of(r, 100));
	reeve__table_rename(r, &r->header->groups, slot_of(r, 100), g->name, "after");
	memset(g->name, 'z', 20); /* half a name */
	g->priority = 1;
	g->cpu_allocation_pct = 99;
	g->modified_wall = 1;
	g->revision = 4711;
}

static void a_death_in_the_middle_of_an_update_leaves_the_old_group(void **state)
{
	struct core *c = *state;
	reeve_group_id found = {0};

	core_group(c->r, "before", 20);
	struct reeve_group_info before = core_group_info(c->r, 100), after;
	struct reeve_session *s = core_session(c->r, 100); /* live state must not be undone */
	die_changing(c, half_rename);
	assert_true(reeve_group_find(c->r, "before", &found) && found.v == 100);
	assert_false(reeve_group_find(c->r, "after", &found));
	after = core_group_info(c->r, 100);
	assert_int_equal(after.current_sessions, 1);
	after.current_sessions = 0;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_clean(c->r);
	reeve_session_destroy(s);
}

static void whole_update(struct reeve *r)
{
	half_rename(r);
	memset(r->groups[slot_of(r, 100)].name, 0, 136);
	strcpy(r->groups[slot_of(r, 100)].name, "after");
	reeve__journal_commit_locked(r);
}

static void a_death_after_the_commit_leaves_the_new_group(void **state)
{
	struct core *c = *state;
	reeve_group_id found = {0};

	core_group(c->r, "before", 20);
	die_changing(c, whole_update);
	assert_true(reeve_group_find(c->r, "after", &found) && found.v == 100);
	assert_int_equal(core_group_info(c->r, 100).cpu_allocation_pct, 99);
	assert_clean(c->r);
}

static void claim_only(struct reeve *r)
{
	uint32_t i = reeve__table_claim(r, &r->header->groups);

	memset(r->groups[i].name, 'q', 20);
}

static void a_death_in_the_middle_of_a_creation_leaves_nothing(void **state)
{
	struct core *c = *state;

	die_changing(c, claim_only);
	assert_int_equal(
		reeve_group_copy(c->r, (reeve_group_id){0}, (struct reeve_group_info[8]){0}, 8), 4);
	assert_int_equal(core_segment(c->r).groups, 4);
	assert_true(core_group(c->r, "next", 0) == 100);
	assert_clean(c->r);
}

static void half_mapping(struct reeve *r)
{
	uint32_t i = reeve__table_find(r, &r->header->mappings, 5);

	reeve__journal_begin_locked(r, REEVE_JOURNAL_MAPPING, i);
	r->mappings[i].group = slot_of(r, 3);
	memset(r->mappings[i].username, 'x', 10);
}

static void a_death_in_the_middle_of_a_mapping_leaves_the_old_one(void **state)
{
	struct core *c = *state;

	assert_ok(map(c, 5, 2, true));
	struct reeve_user_mapping before = mapping_of(c, 5), after;
	die_changing(c, half_mapping);
	after = mapping_of(c, 5);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_clean(c->r);
}

/* Manager, line 18: one failure in an operation made all later calls on its lock fail. */
static void manager_18_a_death_under_a_lock_stops_nobody(void **state)
{
	struct core *c = *state;

	for (int i = 0; i < 3; i++)
		die_changing(c, claim_only);
	assert_true(core_group(c->r, "after all", 0) == 100);
	struct reeve_session *s = core_session(c->r, 100);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_DAYTIME_PLAN}, E));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(the_system_groups_are_as_the_reference_has_them),
		with_core(manager_11_a_created_group_has_all_it_was_given),
		with_core(a_name_exists_once_and_case_counts),
		with_core(plans_20_a_refused_creation_uses_up_no_id_and_no_revision),
		with_core(an_update_changes_the_named_fields_and_no_others),
		with_core(plans_05_an_update_keeps_the_index_and_the_ranges),
		with_core(a_refused_update_changes_nothing_at_all),
		with_core(a_system_group_keeps_its_name_and_nothing_else),
		with_core(a_stale_revision_is_refused_with_both_numbers),
		with_core(plans_03_every_limit_is_kept_and_bounded),
		with_core(the_default_group_can_be_chosen),
		with_core(groups_are_found_by_id_and_by_name_of_any_length),
		with_core(groups_are_listed_by_id_in_pages),
		with_core(a_mapping_is_kept_and_the_last_one_wins),
		with_core(plans_09_a_mapping_to_an_unknown_group_is_refused),
		with_core(mappings_are_listed_by_user_in_pages),
		with_core(a_mapping_counts_until_it_expires),
		with_core(statistics_tell_what_each_group_has_and_does),
		with_core(a_death_in_the_middle_of_an_update_leaves_the_old_group),
		with_core(a_death_after_the_commit_leaves_the_new_group),
		with_core(a_death_in_the_middle_of_a_creation_leaves_nothing),
		with_core(a_death_in_the_middle_of_a_mapping_leaves_the_old_one),
		with_core(manager_18_a_death_under_a_lock_stops_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
