/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad input for every public function: NULLs, numbers out of range, long and malformed texts,
 * unknown ids. The code is right, the text names the field and the range, outputs stay untouched.
 */
#include "core.h"

#include <string.h>

#define INVALID REEVE_EINVALID_ARGUMENT
#define UNKNOWN ((uint64_t)4711)

static char long_name[REEVE_NAME_MAX + 1], long_description[REEVE_DESCRIPTION_MAX + 1];
static char long_attribute[REEVE_ATTRIBUTE_MAX + 1];

/* Calls that fail say nothing when they are given no error to fill. */
#define also_without_error(call_with_null, code) assert_int_equal((call_with_null), (code))

static void null_segment(void **state)
{
	(void)state;
	struct reeve *r = NULL;
	reeve_group_id g = {2};
	reeve_plan_id p = {1};
	reeve_directive_id d = {1};
	reeve_session_id s = {1};
	reeve_task_id t = {1};
	struct reeve_group_def gd = REEVE_GROUP_DEF_INIT;
	struct reeve_plan_def pd = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_def dd = {0};
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_cpu_config k = {0};
	struct reeve_session *session;
	union {
		struct reeve_group_info group;
		struct reeve_user_mapping mapping;
		struct reeve_plan_info plan;
		struct reeve_directive_info directive;
		struct reeve_session_info session;
		struct reeve_task_info task;
		struct reeve_cpu_group_stats group_stats;
		struct reeve_cpu_stats cpu_stats;
		struct reeve_session_stats session_stats;
		struct reeve_segment_info segment;
		struct reeve_attachment_info attachment;
		struct reeve_tick_report tick;
		struct reeve_plan_message message;
		struct reeve_entitlement entitlement;
		char bytes[4096];
	} u, untouched;

	memset(&u, 0x5a, sizeof(u));
	untouched = u;
	assert_fails(reeve_group_create(r, &gd, &g, E), INVALID, "reeve is NULL");
	assert_fails(reeve_group_update(r, g, 0, &gd, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_group_get(r, g, &u.group, E), INVALID, "reeve is NULL");
	assert_false(reeve_group_find(r, "SYS_GROUP", &g));
	assert_int_equal(reeve_group_copy(r, g, &u.group, 1), 0);
	assert_fails(reeve_user_map(r, 1, "a", g, true, E), INVALID, "reeve is NULL");
	assert_fails(reeve_user_unmap(r, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_user_get(r, 1, &u.mapping, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_user_copy(r, 0, &u.mapping, 1), 0);
	assert_fails(reeve_plan_create(r, &pd, &p, E), INVALID, "reeve is NULL");
	assert_fails(reeve_plan_update(r, p, 0, &pd, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_plan_get(r, p, &u.plan, E), INVALID, "reeve is NULL");
	assert_false(reeve_plan_find(r, "DEFAULT_PLAN", &p));
	assert_int_equal(reeve_plan_copy(r, p, &u.plan, 1), 0);
	assert_true(reeve_plan_active(r).v == 0);
	assert_fails(reeve_directive_set(r, p, g, &dd, &d, E), INVALID, "reeve is NULL");
	assert_fails(reeve_directive_update(r, d, &dd, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_directive_destroy(r, d, E), INVALID, "reeve is NULL");
	assert_fails(reeve_directive_get(r, d, &u.directive, E), INVALID, "reeve is NULL");
	assert_fails(reeve_directive_copy(r, p, d, &u.directive, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_plan_validate(r, p, &u.message, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_plan_activate(r, p, E), INVALID, "reeve is NULL");
	assert_fails(reeve_plan_entitlements(r, p, &u.entitlement, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_create(r, &sd, &session, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_get(r, s, &u.session, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_session_copy(r, s, 0, &u.session, 1), 0);
	assert_fails(reeve_session_start(r, s, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_complete(r, s, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_switch(r, s, g, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_cancel(r, s, E), INVALID, "reeve is NULL");
	assert_fails(reeve_session_kill(r, s, E), INVALID, "reeve is NULL");
	reeve_session_stats_get(r, &u.session_stats);
	reeve_cpu_config_get(r, &k);
	assert_fails(reeve_cpu_config_set(r, &k, E), INVALID, "reeve is NULL");
	assert_fails(reeve_cpu_group_register(r, g, 1, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_cpu_group_unregister(r, g, E), INVALID, "reeve is NULL");
	assert_fails(reeve_cpu_rebalance(r, E), INVALID, "reeve is NULL");
	assert_fails(reeve_cpu_group_stats_get(r, g, &u.group_stats, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_cpu_group_stats_copy(r, g, &u.group_stats, 1), 0);
	reeve_cpu_stats_get(r, &u.cpu_stats);
	assert_fails(reeve_task_create(r, 1, g, 3, &t, E), INVALID, "reeve is NULL");
	assert_fails(reeve_task_next(r, &u.task, E), INVALID, "reeve is NULL");
	assert_fails(reeve_task_charge(r, t, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_task_yield(r, t, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_task_complete(r, t, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_task_get(r, t, &u.task, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_task_copy(r, t, &u.task, 1), 0);
	assert_fails(reeve_cpu_detect_runaways(r, &t, 1, NULL, E), INVALID, "reeve is NULL");
	assert_fails(reeve_tick(r, &u.tick, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_validate(r, NULL, NULL), INVALID);
	reeve_segment_get(r, &u.segment);
	assert_int_equal(reeve_attachment_copy(r, &u.attachment, 1), 0);
	assert_true(reeve_now_mono(r) == 0 && reeve_now_wall(r) == 0);
	reeve_close(r);
	assert_memory_equal(&u, &untouched, sizeof(u));
	assert_true(g.v == 2 && p.v == 1 && d.v == 1 && t.v == 1);
	also_without_error(reeve_group_create(r, &gd, &g, NULL), INVALID);
	also_without_error(reeve_tick(r, NULL, NULL), INVALID);
}

static void null_arguments(void **state)
{
	struct core *c = *state;
	struct reeve *r = c->r;
	reeve_group_id g = {2};
	reeve_plan_id p = {1};
	reeve_directive_id d = {1};
	reeve_session_id s = {1};
	reeve_task_id t = {1};
	struct reeve_group_def gd = REEVE_GROUP_DEF_INIT;
	struct reeve_plan_def pd = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_def dd = {0};
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve *opened;
	struct reeve_session *session;

	gd.name = pd.name = sd.username = "x";
	assert_fails(reeve_open(NULL, NULL, E), INVALID, "ret_reeve is NULL");
	assert_fails(reeve_attach(NULL, &opened, E), INVALID, "parent is NULL");
	assert_fails(reeve_attach(r, NULL, E), INVALID, "ret_reeve is NULL");
	assert_fails(reeve_group_create(r, NULL, &g, E), INVALID, "def is NULL");
	assert_fails(reeve_group_create(r, &gd, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_group_update(r, g, 0, NULL, 0, E), INVALID, "def is NULL");
	assert_fails(reeve_group_get(r, g, NULL, E), INVALID, "ret_info is NULL");
	assert_false(reeve_group_find(r, NULL, &g));
	assert_false(reeve_group_find(r, "SYS_GROUP", NULL));
	assert_int_equal(reeve_group_copy(r, g, NULL, 5), 0);
	assert_fails(reeve_user_map(r, 1, NULL, g, true, E), INVALID, "username is empty");
	assert_fails(reeve_user_get(r, 1, NULL, E), INVALID, "ret_mapping is NULL");
	assert_int_equal(reeve_user_copy(r, 0, NULL, 5), 0);
	assert_fails(reeve_plan_create(r, NULL, &p, E), INVALID, "def is NULL");
	assert_fails(reeve_plan_create(r, &pd, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_plan_update(r, p, 0, NULL, 0, E), INVALID, "def is NULL");
	assert_fails(reeve_plan_get(r, p, NULL, E), INVALID, "ret_info is NULL");
	assert_false(reeve_plan_find(r, NULL, &p));
	assert_false(reeve_plan_find(r, "DEFAULT_PLAN", NULL));
	assert_int_equal(reeve_plan_copy(r, p, NULL, 5), 0);
	assert_fails(reeve_directive_set(r, p, g, NULL, &d, E), INVALID, "def is NULL");
	assert_fails(reeve_directive_set(r, p, g, &dd, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_directive_update(r, d, NULL, 0, E), INVALID, "def is NULL");
	assert_fails(reeve_directive_get(r, d, NULL, E), INVALID, "ret_info is NULL");
	assert_fails(reeve_directive_copy(r, p, d, NULL, 1, E), INVALID, "ret_infos is NULL");
	assert_fails(reeve_plan_validate(r, p, NULL, 1, E), INVALID, "ret_messages is NULL");
	assert_fails(reeve_plan_entitlements(r, p, NULL, 1, E), INVALID, "ret is NULL");
	assert_fails(reeve_session_create(r, NULL, &session, E), INVALID, "def is NULL");
	assert_fails(reeve_session_create(r, &sd, NULL, E), INVALID, "ret_session is NULL");
	assert_fails(reeve_session_get(r, s, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_session_copy(r, s, 0, NULL, 5), 0);
	reeve_session_stats_get(r, NULL);
	reeve_cpu_config_get(r, NULL);
	assert_fails(reeve_cpu_config_set(r, NULL, E), INVALID, "config is NULL");
	assert_fails(reeve_cpu_group_stats_get(r, g, NULL, E), INVALID, "ret_stats is NULL");
	assert_int_equal(reeve_cpu_group_stats_copy(r, g, NULL, 5), 0);
	reeve_cpu_stats_get(r, NULL);
	assert_fails(reeve_task_create(r, 1, g, 3, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_task_next(r, NULL, E), INVALID, "ret_task is NULL");
	assert_fails(reeve_task_get(r, t, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_task_copy(r, t, NULL, 5), 0);
	assert_fails(reeve_cpu_detect_runaways(r, NULL, 1, NULL, E), INVALID, "ret_new is NULL");
	reeve_segment_get(r, NULL);
	assert_int_equal(reeve_attachment_copy(r, NULL, 5), 0);
	assert_int_equal(core_segment(r).groups, 4);
	assert_int_equal(core_segment(r).plans, 4);
}

static void null_session(void **state)
{
	(void)state;
	struct reeve_query_usage usage = {.parks = 77};

	assert_fails(reeve_query_begin(NULL, NULL, E), INVALID, "session is NULL");
	also_without_error(reeve_query_begin(NULL, NULL, NULL), INVALID);
	reeve_query_end(NULL, &usage);
	assert_int_equal(usage.parks, 77);
	reeve_block_begin(NULL);
	assert_int_equal(reeve_block_end(NULL), 0);
	reeve_shield_begin(NULL);
	assert_int_equal(reeve_shield_end(NULL), 0);
	assert_true(reeve_session_id_of(NULL).v == 0);
	assert_string_equal(reeve_checkpoint_text(NULL), "");
	reeve_session_destroy(NULL);
}

static void unknown_ids(void **state)
{
	struct core *c = *state;
	struct reeve *r = c->r;
	struct reeve_group_def gd = REEVE_GROUP_DEF_INIT;
	struct reeve_plan_def pd = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_def dd = {0};
	struct reeve_session *session = core_session(r, 3);

	for (int i = 0; i < 3; i++) {
		uint64_t no = (const uint64_t[]){UNKNOWN, 0, UINT64_MAX}[i];
		reeve_group_id g = {no};
		reeve_plan_id p = {no};
		reeve_directive_id d = {no};
		reeve_session_id s = {no};
		reeve_task_id t = {no};
		char out[4096], same[4096];
		memset(out, 0x5a, sizeof(out));
		memcpy(same, out, sizeof(out));
		assert_fails(
			reeve_group_get(r, g, (void *)out, E), REEVE_ENOT_FOUND, "consumer group");
		assert_fails(
			reeve_group_update(r, g, 0, &gd, 0, E), REEVE_ENOT_FOUND, "consumer group");
		assert_fails(reeve_user_unmap(r, no, E), REEVE_ENOT_FOUND, "mapping of user");
		assert_fails(
			reeve_user_get(r, no, (void *)out, E), REEVE_ENOT_FOUND, "mapping of user");
		assert_fails(
			reeve_plan_get(r, p, (void *)out, E), REEVE_ENOT_FOUND, "resource plan");
		assert_fails(
			reeve_plan_update(r, p, 0, &pd, 0, E), REEVE_ENOT_FOUND, "resource plan");
		assert_fails(reeve_plan_activate(r, p, E), REEVE_ENOT_FOUND, "resource plan");
		assert_fails(reeve_plan_validate(r, p, (void *)out, 1, E), REEVE_ENOT_FOUND,
			"resource plan");
		assert_fails(reeve_plan_entitlements(r, p, (void *)out, 1, E), REEVE_ENOT_FOUND,
			"resource plan");
		assert_fails(reeve_directive_get(r, d, (void *)out, E), REEVE_ENOT_FOUND,
			"plan directive");
		assert_fails(reeve_directive_update(r, d, &dd, 0, E), REEVE_ENOT_FOUND,
			"plan directive");
		assert_fails(reeve_directive_destroy(r, d, E), REEVE_ENOT_FOUND, "plan directive");
		assert_fails(reeve_directive_copy(r, p, d, (void *)out, 1, E), REEVE_ENOT_FOUND,
			"resource plan");
		assert_fails(reeve_session_get(r, s, (void *)out, E), REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_start(r, s, E), REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_complete(r, s, E), REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_cancel(r, s, E), REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_kill(r, s, E), REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_switch(r, s, (reeve_group_id){2}, 0, E),
			REEVE_ENOT_FOUND, "session");
		assert_fails(reeve_session_switch(r, reeve_session_id_of(session), g, 0, E),
			REEVE_ENOT_FOUND, "consumer group");
		assert_fails(reeve_cpu_group_register(r, g, 1, 0, E), REEVE_ENOT_FOUND,
			"consumer group");
		assert_fails(
			reeve_cpu_group_unregister(r, g, E), REEVE_ENOT_FOUND, "consumer group");
		assert_fails(reeve_cpu_group_stats_get(r, g, (void *)out, E), REEVE_ENOT_FOUND,
			"consumer group");
		assert_fails(reeve_task_get(r, t, (void *)out, E), REEVE_ENOT_FOUND, "CPU task");
		assert_fails(reeve_task_charge(r, t, 1, E), REEVE_ENOT_FOUND, "CPU task");
		assert_fails(reeve_task_yield(r, t, 1, E), REEVE_ENOT_FOUND, "CPU task");
		assert_fails(reeve_task_complete(r, t, 1, E), REEVE_ENOT_FOUND, "CPU task");
		assert_memory_equal(out, same, sizeof(out));
	}
	reeve_session_destroy(session);
}

/* Each field of a group, out of its range. */
static void groups(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_group_def def;
		uint32_t field;
		const char *part;
	} bad[] = {
		{{.name = NULL}, REEVE_GROUP_NAME, "name is empty; allowed are 1 to 128 bytes"},
		{{.name = ""}, REEVE_GROUP_NAME, "name is empty"},
		{{.name = long_name}, REEVE_GROUP_NAME, "is too long; allowed are 1 to 128 bytes"},
		{{.name = "a\nb"}, REEVE_GROUP_NAME,
			"name has a control character or malformed UTF-8 at byte 1"},
		{{.name = "\xff"}, REEVE_GROUP_NAME, "at byte 0"},
		{{.name = "x", .description = long_description}, REEVE_GROUP_DESCRIPTION,
			"allowed are 0 to 256 bytes"},
		{{.name = "x", .description = "\x80"}, REEVE_GROUP_DESCRIPTION, "description has"},
		{{.name = "x", .custom_category = long_attribute}, REEVE_GROUP_CUSTOM_CATEGORY,
			"allowed are 0 to 64 bytes"},
		{{.name = "x", .priority = 8}, REEVE_GROUP_PRIORITY,
			"priority is 8; allowed are 0 to 7"},
		{{.name = "x", .priority = UINT32_MAX}, REEVE_GROUP_PRIORITY,
			"priority is 4294967295"},
		{{.name = "x", .category = 6}, REEVE_GROUP_CATEGORY,
			"category is 6; allowed are 0 to 5"},
		{{.name = "x", .cpu_allocation_pct = 101}, REEVE_GROUP_CPU_ALLOCATION_PCT,
			"cpuAllocationPct is 101; allowed are 0 to 100"},
		{{.name = "x", .max_sessions = UINT64_MAX - 1}, REEVE_GROUP_MAX_SESSIONS,
			"maxSessions is 18446744073709551614; allowed are 0 to"},
		{{.name = "x", .max_execution_ns = 0}, REEVE_GROUP_MAX_EXECUTION,
			"maxExecutionTime in nanoseconds is 0; allowed are 1 to"},
		{{.name = "x", .max_execution_ns = UINT64_MAX - 1}, REEVE_GROUP_MAX_EXECUTION,
			"maxExecutionTime"},
	};
	uint64_t id = core_group(c->r, "good", 0);
	struct reeve_group_info before = core_group_info(c->r, id), after;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reeve_group_id ret = {77};
		struct reeve_group_def def = bad[i].def;
		assert_fails(
			reeve_group_update(c->r, (reeve_group_id){id}, bad[i].field, &def, 0, E),
			INVALID, bad[i].part);
		if (bad[i].field != REEVE_GROUP_MAX_EXECUTION)
			def.max_execution_ns = REEVE_UNLIMITED;
		assert_fails(reeve_group_create(c->r, &def, &ret, E), INVALID, bad[i].part);
		assert_true(ret.v == 77);
	}
	after = core_group_info(c->r, id);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_fails(reeve_group_update(c->r, (reeve_group_id){id}, 1u << 14, &bad[0].def, 0, E),
		INVALID, "fields is 0x4000; allowed are bits up to 0x2000");
	assert_int_equal(core_segment(c->r).groups, 5);
}

static void plans(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_plan_def def;
		uint32_t field;
		const char *part;
	} bad[] = {
		{{.name = NULL}, REEVE_PLAN_NAME, "name is empty; allowed are 1 to 128 bytes"},
		{{.name = long_name}, REEVE_PLAN_NAME, "allowed are 1 to 128 bytes"},
		{{.name = "\xc0\x80"}, REEVE_PLAN_NAME, "malformed UTF-8 at byte 0"},
		{{.name = "x", .description = long_description}, REEVE_PLAN_DESCRIPTION,
			"allowed are 0 to 256 bytes"},
		{{.name = "x", .cpu_method = 3}, REEVE_PLAN_CPU_METHOD,
			"cpuMethod is 3; allowed are 0 to 2"},
		{{.name = "x", .max_utilization_pct = 101}, REEVE_PLAN_MAX_UTILIZATION,
			"maxUtilizationLimit is 101; allowed are 1 to 100"},
	};
	reeve_plan_id id = {core_plan(c->r, "good", 0)};
	struct reeve_plan_info before, after;

	assert_ok(reeve_plan_get(c->r, id, &before, E));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reeve_plan_id ret = {77};
		assert_fails(reeve_plan_create(c->r, &bad[i].def, &ret, E), INVALID, bad[i].part);
		assert_fails(reeve_plan_update(c->r, id, bad[i].field, &bad[i].def, 0, E), INVALID,
			bad[i].part);
		assert_true(ret.v == 77);
	}
	assert_ok(reeve_plan_get(c->r, id, &after, E));
	assert_memory_equal(&before, &after, sizeof(before));
	assert_fails(reeve_plan_update(c->r, id, 0x20, &bad[0].def, 0, E), INVALID,
		"fields is 0x20; allowed are bits up to 0x10");
}

static void directives(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_directive_def def;
		const char *part;
	} bad[] = {
		{{.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 101},
			"cpuPct is 101; allowed are 0 to 100"},
		{{.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 0},
			"cpuShares is 0; allowed are 1 to 1000000"},
		{{.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 1000001},
			"cpuShares is 1000001"},
		{{.given = REEVE_DIRECTIVE_CPU_LEVEL, .cpu_level = 0},
			"cpuLevel is 0; allowed are 1 to 8"},
		{{.given = REEVE_DIRECTIVE_CPU_LEVEL, .cpu_level = 9}, "cpuLevel is 9"},
		{{.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 0},
			"cpuUtilizationLimit is 0; allowed are 1 to 100"},
		{{.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 101},
			"cpuUtilizationLimit is 101"},
		{{.given = 16}, "fields is 0x10; allowed are bits up to 0x8"},
		{{.removed = 32}, "fields is 0x20"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reeve_directive_id ret = {77};
		assert_fails(reeve_directive_set(c->r, (reeve_plan_id){1}, (reeve_group_id){2},
				     &bad[i].def, &ret, E),
			INVALID, bad[i].part);
		assert_fails(
			reeve_directive_update(c->r, (reeve_directive_id){2}, &bad[i].def, 0, E),
			INVALID, bad[i].part);
		assert_true(ret.v == 77);
	}
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
	assert_int_equal(core_segment(c->r).directives, 16);
}

static void users(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	assert_fails(
		reeve_user_map(c->r, 0, "a", g, true, E), INVALID, "userId is 0; allowed are 1 to");
	assert_fails(reeve_user_map(c->r, 1, "", g, true, E), INVALID,
		"username is empty; allowed are 1 to 128");
	assert_fails(reeve_user_map(c->r, 1, long_name, g, true, E), INVALID, "username");
	assert_fails(reeve_user_map(c->r, 1, "a\x7f", g, true, E), INVALID,
		"username has a control character");
	assert_int_equal(core_segment(c->r).mappings, 0);
}

static void sessions(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_session_def def;
		const char *part;
	} bad[] = {
		{{.username = NULL}, "username is empty; allowed are 1 to 128 bytes"},
		{{.username = long_name}, "username"},
		{{.username = "\xed\xa0\x80"},
			"username has a control character or malformed UTF-8 at byte 0"},
		{{.username = "a", .priority = 4},
			"priority is 4; allowed are 0 (Critical) to 3 (Low)"},
		{{.username = "a", .program = long_attribute}, "programName"},
		{{.username = "a", .machine = long_attribute}, "machineName"},
		{{.username = "a", .service = long_attribute}, "serviceName"},
		{{.username = "a", .module = long_attribute}, "moduleName"},
		{{.username = "a", .action = long_attribute}, "actionName"},
		{{.username = "a", .action = "\x1b[2J"}, "actionName has a control character"},
	};
	struct reeve_session *s = NULL;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = (void *)c;
		assert_fails(reeve_session_create(c->r, &bad[i].def, &s, E), INVALID, bad[i].part);
		assert_ptr_equal(s, c);
	}
	assert_int_equal(core_segment(c->r).sessions, 0);
	s = core_session(c->r, 3);
	assert_fails(reeve_session_switch(c->r, reeve_session_id_of(s), (reeve_group_id){2}, 5, E),
		INVALID, "reason is 5; allowed are 0 (Initial) to 4 (WorkloadBased)");
	assert_true(core_info(c->r, s).group.v == 3);
	struct reeve_query_def def = {
		.deadline = INT64_MIN}; /* long over, without a wait or an overflow */
	assert_ok(reeve_query_begin(s, &def, E));
	assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
	reeve_session_destroy(s);
}

static void registrations(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	assert_fails(reeve_cpu_group_register(c->r, g, 0, 0, E), INVALID,
		"shares is 0; allowed are 1 to 1000000");
	assert_fails(
		reeve_cpu_group_register(c->r, g, 1000001, 0, E), INVALID, "shares is 1000001");
	assert_fails(reeve_cpu_group_register(c->r, g, 1, 101, E), INVALID,
		"limitPercent is 101; allowed are 1 to 100");
	assert_false(core_group_stats(c->r, 2).is_registered);
}

/* A later error than the first does not run: texts of exactly the longest length are taken. */
static void the_longest_texts_are_taken(void **state)
{
	struct core *c = *state;
	char name[REEVE_NAME_MAX], attribute[REEVE_ATTRIBUTE_MAX];
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;
	reeve_group_id id = {0}, found = {0};

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	memset(attribute, 'a', sizeof(attribute));
	attribute[sizeof(attribute) - 1] = 0;
	def.name = name;
	assert_ok(reeve_group_create(c->r, &def, &id, E));
	assert_string_equal(core_group_info(c->r, id.v).name, name);
	assert_true(reeve_group_find(c->r, name, &found) && found.v == id.v);
	assert_false(reeve_group_find(c->r, long_name, &found));
	sd.username = name;
	sd.program = sd.machine = sd.service = sd.module = sd.action = attribute;
	assert_ok(reeve_session_create(c->r, &sd, &s, E));
	assert_string_equal(core_info(c->r, s).username, name);
	assert_string_equal(core_info(c->r, s).action, attribute);
	reeve_session_destroy(s);
}

static int fill_texts(void **state)
{
	(void)state;
	memset(long_name, 'x', sizeof(long_name) - 1);
	memset(long_description, 'x', sizeof(long_description) - 1);
	memset(long_attribute, 'x', sizeof(long_attribute) - 1);
	return 0;
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_segment),
		with_core(null_arguments),
		cmocka_unit_test(null_session),
		with_core(unknown_ids),
		with_core(groups),
		with_core(plans),
		with_core(directives),
		with_core(users),
		with_core(sessions),
		with_core(registrations),
		with_core(the_longest_texts_are_taken),
	};
	return cmocka_run_group_tests(tests, fill_texts, NULL);
}
