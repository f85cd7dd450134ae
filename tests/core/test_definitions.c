/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions copied out of a segment, compared, and put into another or back. */
#include "core.h"

#include <reeve/definitions.h>

#include <string.h>

/* Something of every kind. */
static void fill(struct reeve *r)
{
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	struct reeve_plan_def plan = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_def directive = {
		.given = REEVE_DIRECTIVE_CPU_SHARES | REEVE_DIRECTIVE_ACTIVE_SESSIONS,
		.cpu_shares = 70,
		.active_sessions = 5};
	struct reeve_condition parts[2] = {{.kind = REEVE_CONDITION_USERNAME, .text = "ada"},
		{.kind = REEVE_CONDITION_TIME_OF_DAY,
			.start_s = 3600,
			.end_s = 7200,
			.zone = "UTC"}};
	struct reeve_condition both = {.kind = REEVE_CONDITION_AND, .count = 2, .operands = parts};
	struct reeve_rule_def rule = REEVE_RULE_DEF_INIT;
	struct reeve_schedule_def schedule = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_window_def window = REEVE_WINDOW_DEF_INIT;
	struct reeve_server_pool_def servers = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_pool_def pool = REEVE_POOL_DEF_INIT;
	struct reeve_session_config sessions;
	reeve_group_id g, gone;
	reeve_plan_id p, sub;
	reeve_directive_id d;
	reeve_rule_id u;
	reeve_schedule_id s;
	reeve_window_id w;
	reeve_server_pool_id sp;
	reeve_pool_id mp;

	group.name = "gone";
	assert_ok(reeve_group_create(r, &group, &gone, E));
	assert_ok(reeve_group_destroy(r, gone, (reeve_group_id){0}, E));
	group.name = "reports";
	group.description = "what can wait";
	group.max_sessions = 12;
	assert_ok(reeve_group_create(r, &group, &g, E));
	assert_ok(reeve_user_map(r, 7, "ada", g, true, E));
	assert_ok(reeve_user_map(r, 8, "bob", (reeve_group_id){2}, false, E));
	rule.name = "ada by night";
	rule.condition = &both;
	rule.target = g;
	assert_ok(reeve_rule_create(r, &rule, &u, E));
	plan.name = "day";
	plan.active_session_pool_managed = true;
	assert_ok(reeve_plan_create(r, &plan, &p, E));
	plan.name = "below";
	plan.parent = p;
	assert_ok(reeve_plan_create(r, &plan, &sub, E));
	assert_ok(reeve_directive_set(r, p, g, &directive, &d, E));
	directive.given = REEVE_DIRECTIVE_SUB_PLAN | REEVE_DIRECTIVE_CPU_SHARES;
	directive.sub_plan = sub;
	assert_ok(reeve_directive_set(r, p, (reeve_group_id){3}, &directive, &d, E));
	schedule.name = "office";
	schedule.plan = p;
	schedule.start_s = 9 * 3600;
	schedule.end_s = 17 * 3600;
	schedule.zone = "UTC";
	assert_ok(reeve_schedule_create(r, &schedule, &s, E));
	window.name = "sunday";
	window.plan.v = REEVE_MAINTENANCE_PLAN;
	window.start_s = 7200;
	window.zone = "UTC";
	assert_ok(reeve_window_create(r, &window, &w, E));
	servers.name = "workers";
	servers.min_servers = 1;
	servers.max_servers = 4;
	servers.groups = &g.v;
	servers.group_count = 1;
	assert_ok(reeve_server_pool_create(r, &servers, &sp, E));
	pool.name = "extra";
	pool.parent.v = REEVE_POOL_SGA;
	pool.max_bytes = 1 << 20;
	assert_ok(reeve_pool_create(r, &pool, &mp, E));
	assert_ok(reeve_group_default_set(r, g, E));
	assert_ok(reeve_plan_activate(r, p, E));
	assert_ok(reeve_plan_lock(r, true, E));
	assert_ok(reeve_cpu_group_register(r, g, 300, 40, E));
	assert_ok(reeve_io_group_register(r, g, 1 << 20, REEVE_UNLIMITED, 50, E));
	assert_ok(reeve_memory_group_register(r, g, 1 << 22, REEVE_UNLIMITED, E));
	assert_ok(reeve_parallel_group_limit_set(r, g, 3, UINT32_MAX, E));
	assert_ok(reeve_session_pool_configure(r, g, 9, 5 * REEVE_SEC, true, E));
	reeve_session_config_get(r, &sessions);
	sessions.idle_mark_ns = 9 * REEVE_SEC;
	assert_ok(reeve_session_config_set(r, &sessions, E));
}

static void print_difference(
	void *arg, const struct reeve_definition *from, const struct reeve_definition *to)
{
	const struct reeve_definition *row = from ? from : to;

	(void)arg;
	print_message("%s %llu: %s\n", reeve_definition_kind_name(row->kind),
		(unsigned long long)row->id,
		!from ? "only there"
		: !to ? "only here"
		      : "differs");
}

static void assert_same(
	const struct reeve_definitions *a, const struct reeve_definitions *b, bool with_marks)
{
	assert_int_equal(reeve_definitions_diff(a, b, print_difference, NULL), 0);
	if (!with_marks)
		return;
	assert_memory_equal(a->next_ids, b->next_ids, sizeof(a->next_ids));
	assert_int_equal(a->revision, b->revision);
	for (uint32_t i = 0; i < a->count; i++)
		if (a->rows[i].kind == REEVE_DEFINITION_GROUP) {
			assert_int_equal(a->rows[i].u.group.revision, b->rows[i].u.group.revision);
			assert_int_equal(
				a->rows[i].u.group.created_wall, b->rows[i].u.group.created_wall);
		}
}

static uint32_t count_of(const struct reeve_definitions *d, uint32_t kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->count; i++)
		n += d->rows[i].kind == kind;
	return n;
}

static void a_new_segment_becomes_as_the_old_one_was(void **state)
{
	struct core *c = *state;
	struct reeve_definitions was, is;
	struct reeve *other = core_open(&c->h.host, 1);

	fill(c->r);
	assert_ok(reeve_definitions_copy(c->r, &was, E));
	for (uint32_t kind = 0; kind < REEVE_DEFINITION_KINDS; kind++)
		assert_true(count_of(&was, kind) >= 1);
	assert_null(reeve_definitions_find(&was, REEVE_DEFINITION_USER, 8));
	core_sleep(&c->h, 3 * REEVE_SEC);
	assert_ok(reeve_definitions_apply(other, &was, REEVE_DEFINITIONS_RESTORE, E));
	assert_ok(reeve_definitions_copy(other, &is, E));
	assert_same(&was, &is, true);
	assert_clean(other);
	reeve_definitions_fini(&is);
	reeve_definitions_fini(&was);
	reeve_close(other);
}

/* There and back again: between any two of three states. */
static void definitions_go_back_and_forth(void **state)
{
	struct core *c = *state;
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	struct reeve_definitions states[3], is;
	reeve_group_id g;

	assert_ok(reeve_definitions_copy(c->r, &states[0], E));
	fill(c->r);
	assert_ok(reeve_definitions_copy(c->r, &states[1], E));
	/* the names change owners */
	assert_ok(reeve_definitions_apply(c->r, &states[0], 0, E));
	group.name = "reports";
	assert_ok(reeve_group_create(c->r, &group, &g, E));
	assert_ok(reeve_definitions_copy(c->r, &states[2], E));
	assert_true(reeve_definitions_find(&states[1], REEVE_DEFINITION_GROUP, g.v) == NULL);
	for (int i = 0; i < 9; i++) {
		const struct reeve_definitions *to = &states[(i * 2 + i / 3) % 3];
		assert_ok(reeve_definitions_apply(c->r, to, 0, E));
		assert_ok(reeve_definitions_copy(c->r, &is, E));
		assert_same(to, &is, false);
		assert_clean(c->r);
		reeve_definitions_fini(&is);
	}
	for (int i = 0; i < 3; i++)
		reeve_definitions_fini(&states[i]);
}

/* The last step is refused: a group that is to go has a session. */
static void what_is_refused_changes_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_definitions empty, was, is;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;

	assert_ok(reeve_definitions_copy(c->r, &empty, E));
	fill(c->r);
	assert_ok(reeve_definitions_copy(c->r, &was, E));
	def.user_id = 7;
	def.username = "ada";
	assert_ok(reeve_session_create(c->r, &def, &s, E));
	assert_fails(reeve_definitions_apply(c->r, &empty, 0, E), REEVE_ECONFLICT, "1 session");
	assert_ok(reeve_definitions_copy(c->r, &is, E));
	assert_same(&was, &is, false);
	reeve_definitions_fini(&is);
	/* When the segment is to be as it was, the session moves. */
	assert_ok(reeve_definitions_apply(c->r, &empty, REEVE_DEFINITIONS_RESTORE, E));
	assert_ok(reeve_definitions_copy(c->r, &is, E));
	assert_same(&empty, &is, true);
	reeve_session_destroy(s);
	reeve_definitions_fini(&is);
	reeve_definitions_fini(&was);
	reeve_definitions_fini(&empty);
}

static void bad_input_is_refused(void **state)
{
	struct core *c = *state;
	struct reeve_definitions d = REEVE_DEFINITIONS_INIT, was;
	struct reeve_definition row = {.kind = REEVE_DEFINITION_KINDS};

	assert_fails(reeve_definitions_copy(NULL, &d, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(reeve_definitions_copy(c->r, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_");
	assert_fails(reeve_definitions_apply(NULL, &d, 0, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(reeve_definitions_apply(c->r, NULL, 0, E), REEVE_EINVALID_ARGUMENT, "target");
	assert_fails(reeve_definitions_apply(c->r, &d, 2, E), REEVE_EINVALID_ARGUMENT, "flags");
	struct reeve_definition_place place = {7, 7};
	assert_fails(reeve_definitions_apply_told(NULL, &d, 0, &place, E), REEVE_EINVALID_ARGUMENT,
		"reeve");
	assert_true(place.kind == 7 && place.id == 7);
	assert_fails(reeve_definitions_put(&d, &row, E), REEVE_EINVALID_ARGUMENT, "kind");
	assert_null(reeve_definition_kind_name(REEVE_DEFINITION_KINDS));
	assert_null(reeve_definitions_find(NULL, 0, 1));
	assert_false(reeve_definition_equal(NULL, &row));
	reeve_definitions_drop(&d, 0, 1);
	reeve_definitions_fini(NULL);
	/* A set that is missing what is the system's. */
	assert_ok(reeve_definitions_copy(c->r, &was, E));
	assert_fails(
		reeve_definitions_apply_told(c->r, &d, 0, &place, E), REEVE_EPERMISSION_DENIED, "");
	assert_true(place.kind < REEVE_DEFINITION_KINDS &&
		    !reeve_definitions_find(&d, place.kind, place.id));
	/* One that is refused, which is said; then one that is not. */
	struct reeve_definition *group = &was.rows[2];
	uint32_t priority = group->u.group.priority;
	assert_int_equal(group->kind, REEVE_DEFINITION_GROUP);
	group->u.group.priority = 99;
	assert_fails(reeve_definitions_apply_told(c->r, &was, 0, &place, E),
		REEVE_EINVALID_ARGUMENT, "priority is 99");
	assert_true(place.kind == REEVE_DEFINITION_GROUP && place.id == group->id);
	group->u.group.priority = priority;
	assert_ok(reeve_definitions_apply_told(c->r, &was, 0, &place, E));
	assert_int_equal(place.kind, REEVE_DEFINITION_KINDS);
	assert_int_equal(reeve_definitions_diff(&was, &was, NULL, NULL), 0);
	reeve_definitions_fini(&was);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_new_segment_becomes_as_the_old_one_was, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			definitions_go_back_and_forth, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			what_is_refused_changes_nothing, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(bad_input_is_refused, core_setup, core_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
