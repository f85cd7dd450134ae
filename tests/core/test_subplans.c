/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of sub-plans: entitlements by path, circles, what is refused while a tree is in force. */
#include "core.h"

#include <stdio.h>
#include <string.h>

#include "../../src/engine/cpu.h"

static uint64_t sub_plan(struct core *c, const char *name, uint64_t parent, uint32_t method)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {0};

	def.name = name;
	def.cpu_method = method;
	def.parent.v = parent;
	assert_ok(reeve_plan_create(c->r, &def, &id, E));
	return id.v;
}

static uint64_t shares(struct core *c, uint64_t plan, uint64_t group, uint32_t n)
{
	const struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = n};

	return core_directive(c->r, plan, group, &d);
}

static int divide(struct core *c, uint64_t plan, uint64_t group, uint64_t sub)
{
	const struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_SUB_PLAN, .sub_plan = {sub}};
	reeve_directive_id id;

	return reeve_directive_set(
		c->r, (reeve_plan_id){plan}, (reeve_group_id){group}, &d, &id, E);
}

static int activate(struct core *c, uint64_t plan)
{
	return reeve_plan_activate(c->r, (reeve_plan_id){plan}, E);
}

/* The k-th entitlement of a group under a plan. */
static struct reeve_entitlement place(struct core *c, uint64_t plan, uint64_t group, uint32_t k)
{
	static struct reeve_entitlement all[200];
	int n = reeve_plan_entitlements(c->r, (reeve_plan_id){plan}, all, 200, E);

	for (int i = 0; i < n; i++)
		if (all[i].group.v == group && k-- == 0)
			return all[i];
	return (struct reeve_entitlement){0};
}

static void entitled(struct core *c, uint64_t plan, uint64_t group, uint32_t ppm)
{
	struct reeve_entitlement e = place(c, plan, group, 0);

	if (e.group.v != group || e.share_ppm + 4 < ppm || e.share_ppm > ppm + 4) {
		print_error("group %d has %u ppm, wanted %u\n", (int)group, e.share_ppm, ppm);
		fail();
	}
}

static bool says(struct core *c, uint64_t plan, enum reeve_severity severity, const char *part)
{
	struct reeve_plan_message m[40];
	int n = reeve_plan_validate(c->r, (reeve_plan_id){plan}, m, 40, E);

	assert_in_range(n, 0, 40);
	for (int i = 0; i < n; i++)
		if (m[i].severity == severity && strstr(m[i].text, part))
			return true;
	for (int i = 0; i < n; i++)
		print_message("said: %s\n", m[i].text);
	return false;
}

/*
 * Plan 100: SYS 0 of its own, group 2 60, group 3 40; what group 2 has, plan 101 divides between
 * groups 100 (2) and 101 (1).
 */
static void office(struct core *c, uint64_t *ret_top, uint64_t *ret_sub)
{
	uint64_t a = core_group(c->r, "sales", 0), b = core_group(c->r, "books", 0);

	*ret_top = core_plan(c->r, "day", REEVE_METHOD_SHARES);
	*ret_sub = sub_plan(c, "desks", *ret_top, REEVE_METHOD_SHARES);
	shares(c, *ret_sub, a, 2);
	shares(c, *ret_sub, b, 1);
	shares(c, *ret_top, 2, 60);
	shares(c, *ret_top, 3, 40);
	assert_ok(divide(c, *ret_top, 2, *ret_sub));
}

/* Groups, line 14: sub-plans were never evaluated. */
static void plans_14_a_row_is_divided_by_its_sub_plan(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;

	office(c, &top, &sub);
	/* 2 and 4 are others, of the sub-plan and of the top plan: together 1 part in 100 of each */
	assert_in_range(place(c, top, 2, 0).share_ppm, 3500, 3600);
	assert_in_range(place(c, top, 4, 0).share_ppm, 1000, 1010);
	struct reeve_entitlement sales = place(c, top, 100, 0), books = place(c, top, 101, 0);
	struct reeve_entitlement batch = place(c, top, 3, 0);
	assert_in_range(sales.share_ppm + books.share_ppm, 590000, 600000);
	assert_in_range(sales.share_ppm, 2 * books.share_ppm - 2000, 2 * books.share_ppm + 2000);
	assert_in_range(batch.share_ppm, 398000, 400000);
	assert_true(sales.depth == 2 && sales.path[0].v == top && sales.path[1].v == sub);
	assert_true(batch.depth == 1 && batch.path[0].v == top);
	assert_true(place(c, top, 2, 0).depth == 2 && place(c, top, 2, 1).group.v == 0);
	assert_ok(activate(c, top));
	struct reeve_cpu_group_stats s = core_group_stats(c->r, 100);
	assert_int_equal(s.entitled_ppm, sales.share_ppm);
}

/* Without the others in the way the numbers are exact. */
static void percentages_multiply_down_the_path(void **state)
{
	struct core *c = *state;
	uint64_t top = core_plan(c->r, "t", REEVE_METHOD_SHARES), last = top;
	char name[16];

	shares(c, top, 1, 1);
	shares(c, top, 2, 1);
	shares(c, top, 3, 1);
	shares(c, top, 4, 1);
	for (int depth = 2; depth <= 9; depth++) { /* each divides group 4's quarter again */
		snprintf(name, sizeof(name), "s%d", depth);
		uint64_t sub = sub_plan(c, name, last, REEVE_METHOD_SHARES);
		shares(c, sub, 4, 3);
		shares(c, sub, 3, 1);
		assert_ok(divide(c, last, 4, sub));
		last = sub;
	}
	uint32_t want = 250000, sum = 0;
	for (uint32_t k = 1; k <= 8; k++) { /* group 3: a place in every plan */
		struct reeve_entitlement e = place(c, top, 3, k);
		assert_int_equal(e.depth, k + 1);
		assert_in_range(e.share_ppm, want / 4 - 8, want / 4 + 8);
		sum += e.share_ppm;
		want = want / 4 * 3;
	}
	struct reeve_entitlement deep = place(c, top, 4, 0);
	assert_true(deep.depth == 9 && deep.path[8].v == last && deep.path[0].v == top);
	assert_in_range(deep.share_ppm, want - 16, want + 16);
	assert_ok(activate(c, top));
	/* a group of several places is entitled to their sum */
	uint32_t have = core_group_stats(c->r, 3).entitled_ppm;
	assert_in_range(have, 250000 + sum - 4, 250000 + sum + 4);
}

static void a_group_keeps_its_own_directive_in_the_sub_plan(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;

	office(c, &top, &sub);
	shares(c, sub, 2, 3);
	struct reeve_entitlement own = place(c, top, 2, 0);
	assert_in_range(own.share_ppm, 298000, 300000); /* half of 60 % */
	assert_true(own.depth == 2 && own.path[1].v == sub);
}

static void methods_differ_by_plan(void **state)
{
	struct core *c = *state;
	uint64_t top = core_plan(c->r, "t", REEVE_METHOD_EMPHASIS);
	uint64_t sub = sub_plan(c, "s", top, REEVE_METHOD_RATIO);
	const struct reeve_directive_def half = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 50};
	const struct reeve_directive_def low = {
		.given = REEVE_DIRECTIVE_CPU_PCT | REEVE_DIRECTIVE_CPU_LEVEL,
		.cpu_pct = 100,
		.cpu_level = 2};

	core_directive(c->r, top, 1, &half);
	core_directive(c->r, top, 2, &low);
	core_directive(c->r, sub, 3, &half);
	core_directive(c->r, sub, 4, &half);
	core_directive(c->r, sub, 2, &half);
	assert_ok(divide(c, top, 2, sub));
	entitled(c, top, 1, 500000);
	entitled(c, top, 2, 166666);
	entitled(c, top, 3, 166666);
	entitled(c, top, 4, 166666);
}

static void caps_hold_for_all_below(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;

	office(c, &top, &sub);
	const struct reeve_directive_def capped = {
		.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 30};
	core_directive(c->r, top, 2, &capped);
	struct reeve_entitlement sales = place(c, top, 100, 0), books = place(c, top, 101, 0);
	assert_in_range(sales.cap_ppm + books.cap_ppm, 298000, 300000);
	assert_in_range(sales.share_ppm + books.share_ppm, 298000, 300000);
	assert_in_range(place(c, top, 3, 0).share_ppm, 690000, 700000);
	def.max_utilization_pct = 12; /* of the sub-plan: the tighter holds */
	assert_ok(reeve_plan_update(
		c->r, (reeve_plan_id){sub}, REEVE_PLAN_MAX_UTILIZATION, &def, 0, E));
	sales = place(c, top, 100, 0);
	books = place(c, top, 101, 0);
	assert_in_range(sales.cap_ppm + books.cap_ppm, 118000, 120000);
}

/* Groups, line 12: a sub-plan could be activated as a top plan. */
static void plans_12_a_sub_plan_is_not_activated_alone(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;

	office(c, &top, &sub);
	assert_fails(activate(c, sub), REEVE_ECONFIGURATION,
		"resource plan 101 (desks) is a sub-plan of 100 and cannot be activated alone");
	assert_true(reeve_plan_active(c->r).v == 1);
	struct reeve_plan_info p;
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){sub}, &p, E));
	assert_true(!p.is_top_plan && p.parent.v == top);
}

/* Groups, line 14: no cycle was ever noticed. */
static void plans_14_a_circle_is_an_error_that_names_it(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;

	office(c, &top, &sub);
	uint64_t third = sub_plan(c, "third", sub, REEVE_METHOD_SHARES);
	assert_ok(divide(c, sub, 100, third));
	assert_ok(divide(c, third, 3, top));
	assert_true(says(c, top, REEVE_SEVERITY_ERROR, "in a circle: 100 > 101 > 102 > 100"));
	assert_fails(activate(c, top), REEVE_ECONFIGURATION, "circle: 100 > 101 > 102 > 100");
	assert_int_equal(place(c, top, 3, 1).depth, 3); /* not followed again, but no harm either */
	assert_ok(divide(c, third, 3, third));
	assert_true(says(c, top, REEVE_SEVERITY_ERROR, "in a circle: 102 > 102"));
	assert_ok(reeve_directive_update(c->r,
		(reeve_directive_id){place(c, third, 3, 0).directive.v},
		&(struct reeve_directive_def){.removed = REEVE_DIRECTIVE_SUB_PLAN}, 0, E));
	assert_ok(activate(c, top));
}

static void the_tree_in_force_stays_a_tree(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def off = REEVE_PLAN_DEF_INIT;
	uint64_t top, sub;

	office(c, &top, &sub);
	assert_ok(activate(c, top));
	uint64_t revision = core_segment(c->r).revision;
	assert_fails(divide(c, sub, 100, top), REEVE_ECONFIGURATION,
		"the plan in force would go round in a circle: 100 > 101 > 100");
	assert_fails(divide(c, top, 3, top), REEVE_ECONFIGURATION, "in a circle: 100 > 100");
	off.is_enabled = false;
	assert_fails(
		reeve_plan_update(c->r, (reeve_plan_id){sub}, REEVE_PLAN_IS_ENABLED, &off, 0, E),
		REEVE_ECONFLICT, "resource plan 101 is active as a sub-plan");
	assert_true(core_segment(c->r).revision == revision);
	/* a change of a sub-plan is in force at once */
	shares(c, sub, 101, 2);
	assert_int_equal(
		core_group_stats(c->r, 100).entitled_ppm, core_group_stats(c->r, 101).entitled_ppm);
}

static void doubts_about_sub_plans_each_have_a_sentence(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def off = REEVE_PLAN_DEF_INIT;
	uint64_t top, sub;

	office(c, &top, &sub);
	assert_ok(divide(c, top, 3, 2));
	assert_true(says(c, top, REEVE_SEVERITY_WARNING,
		"sub-plan 2 (DAYTIME_PLAN) of BATCH_GROUP is a top plan"));
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);
	assert_ok(divide(c, other, 3, sub));
	assert_true(says(c, other, REEVE_SEVERITY_WARNING,
		"sub-plan 101 (desks) of BATCH_GROUP belongs to resource plan 100"));
	const struct reeve_directive_def zero = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 5};
	core_directive(c->r, sub, 100, &zero);
	assert_true(says(c, top, REEVE_SEVERITY_WARNING,
		"in sub-plan desks: cpuPct 5 of sales has no effect"));
	off.is_enabled = false;
	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){sub}, REEVE_PLAN_IS_ENABLED, &off, 0, E));
	assert_true(says(c, top, REEVE_SEVERITY_ERROR,
		"sub-plan 101 (desks) of INTERACTIVE_GROUP is disabled"));
	assert_fails(activate(c, top), REEVE_ECONFIGURATION, "is disabled");
	assert_fails(divide(c, top, 3, 999), REEVE_ENOT_FOUND, "subPlanId: resource plan 999");
}

static void a_parent_is_no_child(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	uint64_t top, sub;
	reeve_plan_id id = {77};

	office(c, &top, &sub);
	def.parent.v = sub;
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){top}, REEVE_PLAN_PARENT, &def, 0, E),
		REEVE_ECONFIGURATION, "parentPlanId 101 of resource plan 100 would make a cycle");
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){sub}, REEVE_PLAN_PARENT, &def, 0, E),
		REEVE_ECONFIGURATION, "parentPlanId 101 of resource plan 101");
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){2}, REEVE_PLAN_PARENT, &def, 0, E),
		REEVE_EPERMISSION_DENIED, "DAYTIME_PLAN is a system plan and stays a top plan");
	assert_ok(activate(c, top));
	uint64_t other = core_plan(c->r, "other", REEVE_METHOD_SHARES);
	def.parent.v = other;
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){top}, REEVE_PLAN_PARENT, &def, 0, E),
		REEVE_ECONFLICT, "resource plan 100 is active and stays a top plan");
	def.parent.v = 999;
	def.name = "orphan";
	assert_fails(reeve_plan_create(c->r, &def, &id, E), REEVE_ENOT_FOUND, "resource plan 999");
	assert_true(id.v == 77);
}

/* Two ways into each next plan: the paths double with each step. */
static void a_tree_with_too_many_places_is_refused(void **state)
{
	struct core *c = *state;
	uint64_t plans[8];
	char name[16];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		plans[i] = core_plan(c->r, name, REEVE_METHOD_SHARES);
		shares(c, plans[i], 2, 1);
		shares(c, plans[i], 3, 1);
		if (i >= 1 && i < 7) {
			assert_ok(divide(c, plans[i - 1], 2, plans[i]));
			assert_ok(divide(c, plans[i - 1], 3, plans[i]));
		}
	}
	assert_true(says(c, plans[0], REEVE_SEVERITY_ERROR, "more places than"));
	assert_fails(activate(c, plans[0]), REEVE_ECONFIGURATION, "more places than");
	assert_ok(activate(c, plans[1])); /* half as many */
	assert_fails(divide(c, plans[6], 3, plans[7]), REEVE_ERESOURCE_EXHAUSTED,
		"more places than there is room for");
	struct reeve_directive_info d;
	assert_ok(reeve_directive_get(c->r, place(c, plans[6], 3, 0).directive, &d, E));
	assert_false(d.given & REEVE_DIRECTIVE_SUB_PLAN); /* nothing half changed */
	/* nor does a new directive fit, and it uses up no number */
	const struct reeve_directive_def more = {
		.given = REEVE_DIRECTIVE_CPU_SHARES | REEVE_DIRECTIVE_SUB_PLAN,
		.cpu_shares = 1,
		.sub_plan = {plans[7]}};
	reeve_directive_id id = {77};
	uint64_t revision = core_segment(c->r).revision;
	assert_fails(reeve_directive_set(
			     c->r, (reeve_plan_id){plans[6]}, (reeve_group_id){4}, &more, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "more places");
	assert_true(id.v == 77 && core_segment(c->r).revision == revision);
	uint64_t last = shares(c, 2, core_group(c->r, "g", 0), 1);
	assert_true(last == 16 + 16 + 1);
}

static void of_two_directives_the_lower_priority_says_the_limits(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;
	struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_MAX_IDLE, .max_idle_ns = 5};

	office(c, &top, &sub);
	core_directive(c->r, top, 2, &d);
	d.max_idle_ns = 7;
	core_directive(c->r, sub, 2, &d);
	assert_ok(activate(c, top));
	/* equal priorities: the older one, which has the lower number */
	assert_true(reeve__ruling_now(c->r).rows[1].max_idle_ns == 5);
	d = (struct reeve_directive_def){.given = REEVE_DIRECTIVE_PRIORITY, .priority = 3};
	core_directive(c->r, top, 2, &d);
	assert_true(reeve__ruling_now(c->r).rows[1].max_idle_ns == 7);
}

static void a_registration_counts_in_the_sub_plan(void **state)
{
	struct core *c = *state;
	uint64_t top, sub;

	office(c, &top, &sub);
	assert_ok(activate(c, top));
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){100}, 1, 0, E));
	assert_int_equal(
		core_group_stats(c->r, 100).entitled_ppm, core_group_stats(c->r, 101).entitled_ppm);
	assert_ok(reeve_cpu_group_unregister(c->r, (reeve_group_id){100}, E));
	assert_true(core_group_stats(c->r, 100).entitled_ppm > 390000);
}

/* What one group of a sub-plan leaves goes to the others of the same sub-plan. */
static void weights_follow_demand_within_the_sub_plan(void **state)
{
	struct core *c = *state;
	struct reeve_sh_group *g = c->r->groups;
	struct reeve__cpu_pass x;
	uint64_t top, sub;

	office(c, &top, &sub);
	assert_ok(activate(c, top));
	core_sleep(&c->h, REEVE_SEC);
	reeve__cpu_begin(&x, c->r);
	g[4].cpu.active_ns = g[2].cpu.active_ns = x.now; /* sales, and group 3 */
	reeve__cpu_solve_for_demand(&x);
	reeve__cpu_end(&x);
	assert_in_range(g[4].cpu.weight_ppm, 599990, 600000);
	assert_in_range(g[2].cpu.weight_ppm, 399990, 400000);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(plans_14_a_row_is_divided_by_its_sub_plan),
		with_core(percentages_multiply_down_the_path),
		with_core(a_group_keeps_its_own_directive_in_the_sub_plan),
		with_core(methods_differ_by_plan),
		with_core(caps_hold_for_all_below),
		with_core(plans_12_a_sub_plan_is_not_activated_alone),
		with_core(plans_14_a_circle_is_an_error_that_names_it),
		with_core(the_tree_in_force_stays_a_tree),
		with_core(doubts_about_sub_plans_each_have_a_sentence),
		with_core(a_parent_is_no_child),
		with_core(a_tree_with_too_many_places_is_refused),
		with_core(of_two_directives_the_lower_priority_says_the_limits),
		with_core(a_registration_counts_in_the_sub_plan),
		with_core(weights_follow_demand_within_the_sub_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
