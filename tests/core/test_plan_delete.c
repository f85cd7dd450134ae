/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of deleting plans: what refuses it, what is moved, all or nothing. */
#include "core.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/schedule.h"

static int delete_plan(struct core *c, uint64_t plan, uint64_t replacement)
{
	return reeve_plan_delete(c->r, (reeve_plan_id){plan}, (reeve_plan_id){replacement}, E);
}

static uint64_t sub_plan(struct core *c, const char *name, uint64_t parent)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {0};

	def.name = name;
	def.parent.v = parent;
	assert_ok(reeve_plan_create(c->r, &def, &id, E));
	return id.v;
}

static uint64_t divide(struct core *c, uint64_t plan, uint64_t group, uint64_t sub)
{
	const struct reeve_directive_def d = {
		.given = REEVE_DIRECTIVE_SUB_PLAN | REEVE_DIRECTIVE_CPU_SHARES,
		.cpu_shares = 5,
		.sub_plan = {sub}};

	return core_directive(c->r, plan, group, &d);
}

static uint64_t schedule(struct core *c, uint64_t plan)
{
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	reeve_schedule_id id = {0};

	def.name = "s";
	def.plan.v = plan;
	assert_ok(reeve_schedule_create(c->r, &def, &id, E));
	return id.v;
}

static uint64_t window(struct core *c, uint64_t plan)
{
	struct reeve_window_def def = REEVE_WINDOW_DEF_INIT;
	reeve_window_id id = {0};

	def.name = "w";
	def.plan.v = plan;
	assert_ok(reeve_window_create(c->r, &def, &id, E));
	return id.v;
}

static struct reeve_directive_info directive(struct core *c, uint64_t id)
{
	struct reeve_directive_info info = {0};

	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){id}, &info, E));
	return info;
}

static void a_plan_goes_with_its_directives_and_its_name(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "gone", REEVE_METHOD_SHARES);
	const struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 5};
	struct reeve_plan_info info;
	struct reeve_directive_info di;
	reeve_plan_id found;

	uint64_t a = core_directive(c->r, plan, 2, &d), b = core_directive(c->r, plan, 3, &d);
	uint64_t revision = core_segment(c->r).revision;
	assert_ok(delete_plan(c, plan, 0));
	assert_true(core_segment(c->r).revision == revision + 1);
	assert_fails(reeve_plan_get(c->r, (reeve_plan_id){plan}, &info, E), REEVE_ENOT_FOUND,
		"resource plan 100");
	assert_fails(
		reeve_directive_get(c->r, (reeve_directive_id){a}, &di, E), REEVE_ENOT_FOUND, "17");
	assert_fails(
		reeve_directive_get(c->r, (reeve_directive_id){b}, &di, E), REEVE_ENOT_FOUND, "18");
	assert_false(reeve_plan_find(c->r, "gone", &found));
	assert_fails(delete_plan(c, plan, 0), REEVE_ENOT_FOUND, "resource plan 100");
	assert_true(core_plan(c->r, "gone", REEVE_METHOD_SHARES) == 101); /* ids are not reused */
	assert_int_equal(core_segment(c->r).plans, 5);
	assert_int_equal(core_segment(c->r).directives, 16);
}

/* Groups, line 13: all of these were ignored. */
static void plans_13_what_is_needed_is_not_deleted(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);

	assert_fails(delete_plan(c, 2, 0), REEVE_EPERMISSION_DENIED,
		"DAYTIME_PLAN is a system plan and cannot be deleted");
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){plan}, E));
	assert_fails(delete_plan(c, plan, 0), REEVE_ECONFLICT, "resource plan 100 is active");
	assert_fails(delete_plan(c, plan, other), REEVE_ECONFLICT, "resource plan 100 is active");
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
	reeve_schedule_id s = {schedule(c, plan)};
	assert_fails(delete_plan(c, plan, 0), REEVE_ECONFLICT,
		"resource plan 100 is referred to by plan schedule 1; name a plan to take its "
		"place");
	assert_ok(reeve_schedule_destroy(c->r, s, E));
	reeve_window_id w = {window(c, plan)};
	assert_fails(delete_plan(c, plan, 0), REEVE_ECONFLICT, "by maintenance window 1");
	assert_ok(reeve_window_destroy(c->r, w, E));
	reeve_directive_id d = {divide(c, other, 2, plan)};
	assert_fails(
		delete_plan(c, plan, 0), REEVE_ECONFLICT, "by directive 17 of resource plan 101");
	assert_ok(reeve_directive_destroy(c->r, d, E));
	uint64_t child = sub_plan(c, "child", plan);
	assert_fails(delete_plan(c, plan, 0), REEVE_ECONFLICT, "by its sub-plan 102");
	assert_ok(delete_plan(c, child, 0));
	assert_ok(delete_plan(c, plan, 0));
}

static void a_replacement_takes_its_place_everywhere(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);
	uint64_t user = core_plan(c->r, "user", REEVE_METHOD_SHARES);
	uint64_t child = sub_plan(c, "child", plan), d = divide(c, user, 2, plan);
	uint64_t s = schedule(c, plan), w = window(c, plan);
	struct reeve_schedule_info si;
	struct reeve_window_info wi;
	struct reeve_plan_info pi;

	assert_ok(delete_plan(c, plan, other));
	assert_true(directive(c, d).sub_plan.v == other);
	assert_ok(reeve_schedule_get(c->r, (reeve_schedule_id){s}, &si, E));
	assert_ok(reeve_window_get(c->r, (reeve_window_id){w}, &wi, E));
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){child}, &pi, E));
	assert_true(si.plan.v == other && wi.plan.v == other && pi.parent.v == other);
}

static void a_replacement_that_will_not_do_is_refused(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	uint64_t child = sub_plan(c, "child", plan), grandchild = sub_plan(c, "grandchild", child);
	uint64_t user = core_plan(c->r, "user", REEVE_METHOD_SHARES);
	uint64_t s = schedule(c, plan);
	struct reeve_schedule_info si;

	assert_fails(delete_plan(c, plan, plan), REEVE_EINVALID_ARGUMENT,
		"replacement is 100, the plan itself");
	assert_fails(delete_plan(c, plan, 999), REEVE_ENOT_FOUND, "resource plan 999");
	assert_fails(delete_plan(c, plan, child), REEVE_ECONFIGURATION,
		"resource plan 101 is a sub-plan");
	assert_ok(reeve_schedule_destroy(c->r, (reeve_schedule_id){s}, E));
	assert_fails(delete_plan(c, plan, child), REEVE_ECONFIGURATION,
		"resource plan 101 is below 100, and would be its own parent");
	assert_fails(delete_plan(c, plan, grandchild), REEVE_ECONFIGURATION, "102 is below 100");
	divide(c, user, 2, plan); /* and the replacement leads back to the user */
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);
	divide(c, other, 3, user);
	assert_fails(delete_plan(c, plan, other), REEVE_ECONFIGURATION,
		"sub-plans would go round in a circle: 104 > 103 > 104");
	assert_fails(delete_plan(c, plan, user), REEVE_ECONFIGURATION, "in a circle: 103 > 103");
	s = schedule(c, plan);
	assert_ok(reeve_schedule_get(c->r, (reeve_schedule_id){s}, &si, E));
	assert_true(si.plan.v == plan); /* nothing has moved */
}

static void a_sub_plan_in_force_can_be_replaced(void **state)
{
	struct core *c = *state;
	uint64_t top = core_plan(c->r, "top", REEVE_METHOD_SHARES);
	uint64_t a = sub_plan(c, "a", top), b = sub_plan(c, "b", top);
	const struct reeve_directive_def even = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 1};

	divide(c, top, 2, a);
	core_directive(c->r, a, 3, &even);
	core_directive(c->r, b, 4, &even);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){top}, E));
	assert_true(core_group_stats(c->r, 3).entitled_ppm > 900000);
	assert_fails(delete_plan(c, a, 0), REEVE_ECONFLICT, "by directive 17 of resource plan 100");
	assert_ok(delete_plan(c, a, b));
	assert_true(core_group_stats(c->r, 4).entitled_ppm > 900000);
	assert_true(core_group_stats(c->r, 3).entitled_ppm < 20000);
}

/* Whoever finds the lock of a dead deleter completes what it had written down. */
static void a_deletion_cut_short_is_completed(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);
	uint64_t d = divide(c, other, 2, plan), child = sub_plan(c, "child", plan);
	uint64_t user = core_plan(c->r, "user", REEVE_METHOD_SHARES);
	const struct reeve_directive_def even = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 1};
	struct reeve_plan_info info;
	int status;

	core_directive(c->r, plan, 3, &even);
	pid_t pid = fork();
	if (pid == 0) {
		struct reeve_sh_intent *intent = &c->r->header->planning.intent;
		reeve__catalog_lock(c->r);
		intent->plan = plan;
		intent->replacement = user;
		reeve__put(&intent->kind, REEVE_INTENT_DELETE_PLAN);
		c->r->directives[reeve__table_find(c->r, &c->r->header->directives, d)].sub_plan =
			user; /* half way */
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_fails(
		reeve_plan_get(c->r, (reeve_plan_id){plan}, &info, E), REEVE_ENOT_FOUND, "100");
	assert_true(directive(c, d).sub_plan.v == user);
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){child}, &info, E));
	assert_true(info.parent.v == user);
	assert_int_equal(core_segment(c->r).directives, 17);
}

static void *keep_activating(void *arg)
{
	struct core *c = arg;

	for (int i = 0; i < 400; i++) {
		struct reeve_error err;
		int rc = reeve_plan_activate(c->r, (reeve_plan_id){100 + (uint64_t)i / 4}, &err);
		if (rc && rc != REEVE_ENOT_FOUND)
			return (void *)1;
	}
	return NULL;
}

/* Groups, line 13: deletion raced with activation. */
static void plans_13_the_active_plan_always_exists(void **state)
{
	struct core *c = *state;
	struct reeve_plan_info info;
	pthread_t thread;
	void *failed;

	assert_int_equal(pthread_create(&thread, NULL, keep_activating, c), 0);
	for (uint64_t i = 0; i < 100; i++) {
		struct reeve_error err;
		uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
		int rc = reeve_plan_delete(c->r, (reeve_plan_id){plan}, (reeve_plan_id){0}, &err);
		assert_true(rc == 0 || rc == REEVE_ECONFLICT);
		if (rc) {
			assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
			while (reeve_plan_delete(
				c->r, (reeve_plan_id){plan}, (reeve_plan_id){0}, &err))
				assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
		}
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_ok(reeve_plan_get(c->r, reeve_plan_active(c->r), &info, E));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_plan_goes_with_its_directives_and_its_name),
		with_core(plans_13_what_is_needed_is_not_deleted),
		with_core(a_replacement_takes_its_place_everywhere),
		with_core(a_replacement_that_will_not_do_is_refused),
		with_core(a_sub_plan_in_force_can_be_replaced),
		with_core(a_deletion_cut_short_is_completed),
		with_core(plans_13_the_active_plan_always_exists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
