/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of plans, directives, validation, activation and registrations. */
#include "core.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/model.h"

#define SHARES(n)                                                                                  \
	{                                                                                          \
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = (n)                             \
	}
#define PCT(n)                                                                                     \
	{                                                                                          \
		.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = (n)                                   \
	}
#define LEVEL(l, n)                                                                                \
	{                                                                                          \
		.given = REEVE_DIRECTIVE_CPU_PCT | REEVE_DIRECTIVE_CPU_LEVEL, .cpu_pct = (n),      \
		.cpu_level = (l)                                                                   \
	}

static struct reeve_plan_info plan_of(struct core *c, uint64_t id)
{
	struct reeve_plan_info info = {0};

	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){id}, &info, E));
	return info;
}

static int activate(struct core *c, uint64_t id)
{
	return reeve_plan_activate(c->r, (reeve_plan_id){id}, E);
}

/* Entitlements of groups 1 to 4 (and 100 ...) under a plan, in ppm. */
static void entitled(struct core *c, uint64_t plan, uint32_t n, uint32_t *share, uint32_t *cap)
{
	struct reeve_entitlement e[32] = {0};

	assert_int_equal(reeve_plan_entitlements(c->r, (reeve_plan_id){plan}, e, 32, E), n);
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			assert_true(e[i].group.v > e[i - 1].group.v);
		share[i] = e[i].share_ppm;
		if (cap)
			cap[i] = e[i].cap_ppm;
	}
}

static void near(uint32_t got, uint32_t want)
{
	if (got + 3 < want || got > want + 3) {
		print_error("%u ppm, wanted %u\n", got, want);
		fail();
	}
}

static void the_system_plans_are_as_the_reference_has_them(void **state)
{
	struct core *c = *state;
	static const struct {
		const char *name, *description;
		uint32_t max;
		bool parallel, sessions;
		uint32_t shares[4];
	} want[] = {
		{"DEFAULT_PLAN", "Default balanced resource plan", 100, true, true,
			{1000, 600, 300, 100}},
		{"DAYTIME_PLAN", "Resource plan for business hours", 90, true, true,
			{1000, 700, 200, 100}},
		{"NIGHTTIME_PLAN", "Resource plan for off-hours batch processing", 100, true, false,
			{1000, 300, 600, 100}},
		{"MAINTENANCE_PLAN", "Resource plan for maintenance operations", 100, false, false,
			{1000, 200, 100, 700}},
	};

	for (uint64_t id = 1; id <= 4; id++) {
		struct reeve_plan_info p = plan_of(c, id);
		struct reeve_directive_info d[8];
		assert_string_equal(p.name, want[id - 1].name);
		assert_string_equal(p.description, want[id - 1].description);
		assert_int_equal(p.cpu_method, REEVE_METHOD_SHARES);
		assert_int_equal(p.max_utilization_pct, want[id - 1].max);
		assert_true(p.is_enabled && p.is_system && p.is_top_plan && p.parent.v == 0);
		assert_int_equal(p.parallel_execution_managed, want[id - 1].parallel);
		assert_int_equal(p.active_session_pool_managed, want[id - 1].sessions);
		assert_int_equal(p.is_active, id == 1);
		assert_int_equal(p.is_default, id == 1);
		assert_int_equal(
			reeve_directive_copy(c->r, p.id, (reeve_directive_id){0}, d, 8, E), 4);
		for (uint64_t g = 0; g < 4; g++) {
			assert_true(d[g].id.v == (id - 1) * 4 + g + 1);
			assert_true(d[g].plan.v == id && d[g].group.v == g + 1);
			assert_int_equal(d[g].given, REEVE_DIRECTIVE_CPU_SHARES);
			assert_int_equal(d[g].cpu_shares, want[id - 1].shares[g]);
			assert_int_equal(d[g].cpu_level, 1);
		}
	}
	assert_true(reeve_plan_active(c->r).v == 1);
}

static void a_plan_is_created_found_changed_and_listed(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = {.name = "quarter end",
		.description = "books close",
		.cpu_method = REEVE_METHOD_RATIO,
		.max_utilization_pct = 80,
		.is_enabled = true};
	struct reeve_plan_info infos[8];
	reeve_plan_id id = {0}, found = {0};

	assert_ok(reeve_plan_create(c->r, &def, &id, E));
	assert_true(id.v == 100);
	struct reeve_plan_info p = plan_of(c, 100);
	assert_string_equal(p.name, "quarter end");
	assert_string_equal(p.description, "books close");
	assert_int_equal(p.cpu_method, REEVE_METHOD_RATIO);
	assert_int_equal(p.max_utilization_pct, 80);
	assert_true(p.is_enabled && !p.is_system && !p.is_active && !p.is_default);
	assert_fails(
		reeve_plan_create(c->r, &def, &id, E), REEVE_EALREADY_EXISTS, "\"quarter end\"");
	struct reeve_plan_def change = {.name = "year end", .cpu_method = REEVE_METHOD_EMPHASIS};
	assert_ok(reeve_plan_update(c->r, id, 0x1f, &change, p.revision, E));
	assert_fails(reeve_plan_update(c->r, id, 0x1f, &change, p.revision, E),
		REEVE_ESTALE_REVISION, "resource plan 100 is at revision");
	p = plan_of(c, 100);
	assert_string_equal(p.name, "year end");
	assert_string_equal(p.description, "");
	assert_int_equal(p.cpu_method, REEVE_METHOD_EMPHASIS);
	assert_true(p.max_utilization_pct == 0 && !p.is_enabled);
	assert_false(reeve_plan_find(c->r, "quarter end", &found));
	assert_true(reeve_plan_find(c->r, "year end", &found) && found.v == 100);
	assert_int_equal(reeve_plan_copy(c->r, (reeve_plan_id){0}, infos, 8), 5);
	assert_int_equal(reeve_plan_copy(c->r, (reeve_plan_id){3}, infos, 8), 2);
	assert_true(infos[0].id.v == 4 && infos[1].id.v == 100);
}

static void a_system_plan_keeps_its_name(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id day = {REEVE_DAYTIME_PLAN};

	def.name = "OFFICE_PLAN";
	assert_fails(reeve_plan_update(c->r, day, REEVE_PLAN_NAME, &def, 0, E),
		REEVE_EPERMISSION_DENIED, "DAYTIME_PLAN is a system plan and keeps its name");
	def.name = "NIGHTTIME_PLAN";
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){core_plan(c->r, "p", 0)},
			     REEVE_PLAN_NAME, &def, 0, E),
		REEVE_EALREADY_EXISTS, "with id 3");
	def.max_utilization_pct = 50;
	assert_ok(reeve_plan_update(c->r, day, REEVE_PLAN_MAX_UTILIZATION, &def, 0, E));
}

static void the_active_plan_cannot_be_disabled(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;

	def.is_enabled = false;
	assert_fails(reeve_plan_update(c->r, (reeve_plan_id){1}, REEVE_PLAN_IS_ENABLED, &def, 0, E),
		REEVE_ECONFLICT, "resource plan 1 is active");
	assert_true(plan_of(c, 1).is_enabled);
	assert_ok(activate(c, 2));
	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){1}, REEVE_PLAN_IS_ENABLED, &def, 0, E));
	assert_fails(activate(c, 1), REEVE_ECONFIGURATION, "DEFAULT_PLAN) is disabled");
	assert_true(reeve_plan_active(c->r).v == 2);
}

/* Groups, line 11: unknown groups and duplicates were taken, unknown plans listed as empty. */
static void plans_11_directives_know_their_plan_and_group(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def def = SHARES(10);
	struct reeve_directive_info info;
	reeve_directive_id id = {77};

	assert_fails(
		reeve_directive_set(c->r, (reeve_plan_id){9}, (reeve_group_id){2}, &def, &id, E),
		REEVE_ENOT_FOUND, "resource plan 9");
	assert_fails(
		reeve_directive_set(c->r, (reeve_plan_id){1}, (reeve_group_id){9}, &def, &id, E),
		REEVE_ENOT_FOUND, "consumer group 9");
	assert_true(id.v == 77);
	assert_fails(reeve_directive_copy(
			     c->r, (reeve_plan_id){9}, (reeve_directive_id){0}, &info, 1, E),
		REEVE_ENOT_FOUND, "resource plan 9");
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	assert_int_equal(reeve_directive_copy(
				 c->r, (reeve_plan_id){plan}, (reeve_directive_id){0}, &info, 1, E),
		0);
	uint64_t first = core_directive(c->r, plan, 2, &def);
	assert_true(first == 17); /* and nothing burnt before */
	assert_true(core_directive(c->r, plan, 2, &def) == first);
	assert_ok(reeve_directive_destroy(c->r, (reeve_directive_id){first}, E));
	assert_fails(reeve_directive_get(c->r, (reeve_directive_id){first}, &info, E),
		REEVE_ENOT_FOUND, "plan directive 17");
	assert_fails(reeve_directive_destroy(c->r, (reeve_directive_id){first}, E),
		REEVE_ENOT_FOUND, "17");
	assert_true(core_directive(c->r, plan, 2, &def) == 18);
}

static void a_second_directive_merges_into_the_first(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def shares = SHARES(10);
	const struct reeve_directive_def cap = {
		.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 30};
	const struct reeve_directive_def other = {.given = REEVE_DIRECTIVE_CPU_LEVEL,
		.removed = REEVE_DIRECTIVE_CPU_SHARES,
		.cpu_level = 5};
	const struct reeve_directive_def plain = {.removed = REEVE_DIRECTIVE_CPU_LEVEL};
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	reeve_directive_id id = {core_directive(c->r, plan, 3, &shares)};
	struct reeve_directive_info d;

	core_directive(c->r, plan, 3, &cap);
	assert_ok(reeve_directive_get(c->r, id, &d, E));
	assert_int_equal(d.given, REEVE_DIRECTIVE_CPU_SHARES | REEVE_DIRECTIVE_CPU_CAP);
	assert_true(d.cpu_shares == 10 && d.cpu_cap_pct == 30 && d.cpu_level == 1);
	uint64_t revision = d.revision;
	assert_ok(reeve_directive_update(c->r, id, &other, revision, E));
	assert_ok(reeve_directive_get(c->r, id, &d, E));
	assert_int_equal(d.given, REEVE_DIRECTIVE_CPU_LEVEL | REEVE_DIRECTIVE_CPU_CAP);
	assert_int_equal(d.cpu_level, 5);
	assert_fails(reeve_directive_update(c->r, id, &other, revision, E), REEVE_ESTALE_REVISION,
		"plan directive 17 is at revision");
	assert_ok(reeve_directive_update(c->r, id, &plain, 0, E));
	assert_ok(reeve_directive_get(c->r, id, &d, E));
	assert_int_equal(d.cpu_level, 1);
}

/* Groups, lines 8 and 16; Manager, line 8: only a part of the numbers was ever used. */
static void entitlements_of_the_default_plan(void **state)
{
	struct core *c = *state;
	uint32_t share[4], cap[4];

	entitled(c, 1, 4, share, cap);
	near(share[0], 500000);
	near(share[1], 300000);
	near(share[2], 150000);
	near(share[3], 50000);
	for (int i = 0; i < 4; i++)
		assert_int_equal(cap[i], REEVE_PPM);
}

static void entitlements_by_emphasis_and_levels(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def a = LEVEL(1, 60), b = LEVEL(2, 100), sys = LEVEL(1, 20);
	uint32_t share[4];

	core_directive(c->r, plan, 1, &sys);
	core_directive(c->r, plan, 2, &a);
	core_directive(c->r, plan, 3, &b);
	entitled(c, plan, 4, share, NULL);
	near(share[0], 199800); /* the floor of group 4 comes off all */
	near(share[1], 599400);
	near(share[2], 199800);
	near(share[3], 1000);
}

/* It weighs as much as all others together; their entitlements are told as without it. */
static void sys_group_is_favoured_where_a_plan_forgets_it(void **state)
{
	struct core *c = *state;
	const struct reeve_sh_group *sys = &c->r->groups[0];
	uint64_t plan = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def all = LEVEL(1, 100);
	uint32_t share[4];

	assert_int_equal(sys->head.id, REEVE_SYS_GROUP);
	core_directive(c->r, plan, 2, &all);
	entitled(c, plan, 4, share, NULL);
	assert_int_equal(share[0], 0);
	assert_in_range(share[1], 990000, 1000000);
	uint64_t ratio = core_plan(c->r, "r", REEVE_METHOD_SHARES);
	const struct reeve_directive_def ten = SHARES(10);
	core_directive(c->r, ratio, 2, &ten);
	entitled(c, ratio, 4, share, NULL);
	assert_int_equal(share[0], 0);
	assert_in_range(share[1], 985000, 1000000);
	assert_int_equal(reeve_plan_activate(c->r, (reeve_plan_id){ratio}, NULL), 0);
	assert_int_equal(sys->cpu.weight_ppm, REEVE_PPM);
}

static void caps_are_part_of_the_entitlement(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	uint32_t share[4], cap[4];

	for (uint64_t g = 1; g <= 4; g++) {
		const struct reeve_directive_def even = SHARES(25);
		core_directive(c->r, plan, g, &even);
	}
	const struct reeve_directive_def ten = {
		.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 10};
	core_directive(c->r, plan, 3, &ten);
	entitled(c, plan, 4, share, cap);
	assert_int_equal(cap[2], 100000);
	near(share[2], 100000);
	near(share[0], 300000);
	near(share[3], 300000);
}

/* Manager, line 8: limits of the previous plan were never removed. */
static void manager_08_limits_of_the_last_plan_end_with_it(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES);
	const struct reeve_directive_def capped = {
		.given = REEVE_DIRECTIVE_CPU_CAP | REEVE_DIRECTIVE_CPU_SHARES,
		.cpu_shares = 5,
		.cpu_cap_pct = 10};

	core_directive(c->r, plan, 2, &capped);
	assert_ok(activate(c, plan));
	assert_int_equal(core_group_stats(c->r, 2).cap_ppm, 100000);
	assert_int_equal(core_group_stats(c->r, 2).shares, 5);
	assert_ok(activate(c, 1));
	assert_int_equal(core_group_stats(c->r, 2).cap_ppm, REEVE_PPM);
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
}

/* Manager, line 6: after activation only the last group's shares were there. */
static void manager_06_activation_sets_every_group(void **state)
{
	struct core *c = *state;
	static const uint32_t want[] = {1000, 300, 600, 100};

	assert_ok(activate(c, REEVE_NIGHTTIME_PLAN));
	for (uint64_t g = 1; g <= 4; g++)
		assert_int_equal(core_group_stats(c->r, g).shares, want[g - 1]);
}

static void a_change_of_the_active_plan_is_in_force_at_once(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def def = SHARES(3000);

	core_directive(c->r, 1, 3, &def);
	assert_int_equal(core_group_stats(c->r, 3).shares, 3000);
	assert_ok(reeve_directive_update(c->r, (reeve_directive_id){3},
		&(struct reeve_directive_def){.given = REEVE_DIRECTIVE_CPU_CAP, .cpu_cap_pct = 7},
		0, E));
	assert_int_equal(core_group_stats(c->r, 3).cap_ppm, 70000);
	assert_ok(reeve_directive_destroy(c->r, (reeve_directive_id){3}, E));
	assert_int_equal(core_group_stats(c->r, 3).cap_ppm, REEVE_PPM);
	assert_true(core_group_stats(c->r, 3).entitled_ppm < 20000);
}

static void a_change_of_another_plan_is_not(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def def = SHARES(3000);

	core_directive(c->r, 2, 3, &def);
	assert_int_equal(core_group_stats(c->r, 3).shares, 300);
}

static void a_new_group_is_entitled_at_once(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "new", 50);

	assert_true(core_group_stats(c->r, id).entitled_ppm >= 1000);
	assert_true(core_group_stats(c->r, id).entitled_ppm <= 20000);
}

static void activating_the_active_plan_reapplies_it(void **state)
{
	struct core *c = *state;

	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){2}, 77, 0, E));
	assert_int_equal(core_group_stats(c->r, 2).shares, 77);
	assert_ok(activate(c, 1));
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
}

/* Manager, line 7: a group that was registered could not be registered again. */
static void manager_07_registering_again_replaces(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {3};

	assert_ok(reeve_cpu_group_register(c->r, g, 50, 20, E));
	struct reeve_cpu_group_stats s = core_group_stats(c->r, 3);
	assert_true(s.is_registered && s.shares == 50 && s.cap_ppm == 200000);
	assert_ok(reeve_cpu_group_register(c->r, g, 60, 0, E));
	s = core_group_stats(c->r, 3);
	assert_true(s.is_registered && s.shares == 60 && s.cap_ppm == REEVE_PPM);
	assert_false(core_group_stats(c->r, 2).is_registered);
	assert_ok(reeve_cpu_group_unregister(c->r, g, E));
	assert_fails(reeve_cpu_group_unregister(c->r, g, E), REEVE_ENOT_FOUND,
		"explicit CPU registration of consumer group 3");
	s = core_group_stats(c->r, 3);
	assert_true(!s.is_registered && s.shares == 300);
}

static void registrations_end_with_the_next_activation(void **state)
{
	struct core *c = *state;

	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){2}, 50, 20, E));
	assert_ok(activate(c, REEVE_DAYTIME_PLAN));
	struct reeve_cpu_group_stats s = core_group_stats(c->r, 2);
	assert_true(!s.is_registered && s.shares == 700 && s.cap_ppm == REEVE_PPM);
	assert_fails(
		reeve_cpu_group_unregister(c->r, (reeve_group_id){2}, E), REEVE_ENOT_FOUND, "2");
}

static void a_refused_activation_changes_nothing(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "too much", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def sixty = PCT(60);

	core_directive(c->r, plan, 2, &sixty);
	core_directive(c->r, plan, 3, &sixty);
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){4}, 50, 20, E));
	uint64_t revision = core_segment(c->r).revision;
	assert_fails(activate(c, plan), REEVE_ECONFIGURATION, "add up to 120, more than 100");
	assert_fails(activate(c, 4711), REEVE_ENOT_FOUND, "resource plan 4711");
	assert_true(reeve_plan_active(c->r).v == 1);
	assert_true(core_group_stats(c->r, 4).is_registered);
	assert_true(core_segment(c->r).revision == revision);
}

/* ---- validation ---- */

/* Whether validation says this, with this severity. */
static bool says(struct core *c, uint64_t plan, enum reeve_severity severity, const char *part)
{
	struct reeve_plan_message m[24];
	int n = reeve_plan_validate(c->r, (reeve_plan_id){plan}, m, 24, E);

	assert_in_range(n, 0, 24);
	for (int i = 0; i < n; i++)
		if (m[i].severity == severity && strstr(m[i].text, part))
			return true;
	for (int i = 0; i < n; i++)
		print_message("said: %s\n", m[i].text);
	return false;
}
#define warns(plan, part) assert_true(says(c, plan, REEVE_SEVERITY_WARNING, part))
#define errs(plan, part)  assert_true(says(c, plan, REEVE_SEVERITY_ERROR, part))
#define silent(plan)                                                                               \
	assert_int_equal(reeve_plan_validate(c->r, (reeve_plan_id){plan}, NULL, 0, E), 0)

static void the_system_plans_are_valid_without_a_word(void **state)
{
	struct core *c = *state;

	for (uint64_t id = 1; id <= 4; id++)
		silent(id);
}

static void sums_above_100_are_an_error_for_emphasis_and_a_warning_for_ratio(void **state)
{
	struct core *c = *state;
	uint64_t e = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);
	uint64_t r = core_plan(c->r, "r", REEVE_METHOD_RATIO);
	const struct reeve_directive_def sixty = PCT(60), low = LEVEL(2, 60);

	core_directive(c->r, e, 2, &sixty);
	core_directive(c->r, e, 3, &low); /* other levels are sums of their own */
	assert_false(says(c, e, REEVE_SEVERITY_ERROR, "more than 100"));
	core_directive(c->r, e, 4, &low);
	errs(e, "percentages of level 2 add up to 120, more than 100");
	core_directive(c->r, r, 2, &sixty);
	core_directive(c->r, r, 3, &sixty);
	warns(r, "add up to 120, more than 100");
	assert_ok(activate(c, r));
}

static void ratios_below_100_are_a_warning(void **state)
{
	struct core *c = *state;
	uint64_t r = core_plan(c->r, "r", REEVE_METHOD_RATIO);
	const struct reeve_directive_def ten = PCT(10), ninety = PCT(90);

	core_directive(c->r, r, 2, &ten);
	warns(r, "add up to 10, less than 100");
	core_directive(c->r, r, 3, &ninety);
	silent(r);
}

static void a_plan_without_numbers_is_warned_of(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def ten = PCT(10), shares = SHARES(10);
	uint64_t s = core_plan(c->r, "s", REEVE_METHOD_SHARES);
	uint64_t e = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);

	warns(s, "no group has shares");
	warns(e, "no group has a percentage");
	core_directive(c->r, s, 2, &ten);
	core_directive(c->r, e, 2, &shares);
	warns(s, "no group has shares");
	warns(s, "cpuPct 10 of INTERACTIVE_GROUP has no effect");
	warns(e, "no group has a percentage");
	warns(e, "cpuShares 10 of INTERACTIVE_GROUP has no effect");
}

static void zero_percent_is_warned_of(void **state)
{
	struct core *c = *state;
	uint64_t e = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def zero = PCT(0), all = PCT(100);

	core_directive(c->r, e, 2, &zero);
	core_directive(c->r, e, 3, &all);
	warns(e, "INTERACTIVE_GROUP has 0 percent");
}

static void an_unreachable_level_is_warned_of(void **state)
{
	struct core *c = *state;
	uint64_t e = core_plan(c->r, "e", REEVE_METHOD_EMPHASIS);
	const struct reeve_directive_def top = LEVEL(1, 100), mid = LEVEL(2, 30),
					 low = LEVEL(4, 50);

	core_directive(c->r, e, 2, &top);
	core_directive(c->r, e, 3, &mid);
	core_directive(c->r, e, 4, &low);
	warns(e, "level 2 gets only the floor while level 1 wants all its 100");
	warns(e, "level 4 gets only the floor while level 1 wants all its 100");
}

static void levels_without_effect_are_warned_of(void **state)
{
	struct core *c = *state;
	uint64_t r = core_plan(c->r, "r", REEVE_METHOD_RATIO);
	const struct reeve_directive_def low = LEVEL(3, 100);

	core_directive(c->r, r, 2, &low);
	warns(r, "cpuLevel 3 of INTERACTIVE_GROUP has no effect: only EMPHASIS has levels");
}

static void a_limit_that_can_never_bind_is_warned_of(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = {.name = "p",
		.cpu_method = REEVE_METHOD_SHARES,
		.max_utilization_pct = 40,
		.is_enabled = true};
	const struct reeve_directive_def capped = {
		.given = REEVE_DIRECTIVE_CPU_CAP | REEVE_DIRECTIVE_CPU_SHARES,
		.cpu_shares = 5,
		.cpu_cap_pct = 50};
	reeve_plan_id plan = {0};

	assert_ok(reeve_plan_create(c->r, &def, &plan, E));
	uint64_t d = core_directive(c->r, plan.v, 2, &capped);
	warns(plan.v, "cpuUtilizationLimit 50 of INTERACTIVE_GROUP can never bind");
	struct reeve_plan_message m[2];
	assert_int_equal(reeve_plan_validate(c->r, plan, m, 2, E), 1);
	assert_true(m[0].directive.v == d);
}

static void messages_that_do_not_fit_are_counted(void **state)
{
	struct core *c = *state;
	uint64_t s = core_plan(c->r, "s", REEVE_METHOD_SHARES);
	struct reeve_plan_message m[3];

	memset(m, 0x5a, sizeof(m));
	for (uint64_t g = 1; g <= 4; g++) {
		const struct reeve_directive_def ten = PCT(10);
		core_directive(c->r, s, g, &ten);
	}
	assert_int_equal(reeve_plan_validate(c->r, (reeve_plan_id){s}, m, 2, E), 5);
	assert_non_null(strstr(m[1].text, "INTERACTIVE_GROUP"));
	assert_int_equal((unsigned char)m[2].text[0], 0x5a);
	assert_fails(reeve_plan_validate(c->r, (reeve_plan_id){9}, m, 2, E), REEVE_ENOT_FOUND,
		"resource plan 9");
}

/* ---- at once ---- */

static void *keep_activating(void *arg)
{
	struct core *c = arg;
	static _Atomic uint64_t next = 2;
	uint64_t mine = next++;

	for (int i = 0; i < 300; i++) {
		struct reeve_error err;
		if (reeve_plan_activate(c->r, (reeve_plan_id){mine}, &err) != 0)
			return (void *)1;
	}
	return NULL;
}

/* Groups, line 12: two activations at once left two plans marked active. */
static void plans_12_exactly_one_plan_is_active(void **state)
{
	struct core *c = *state;
	struct reeve_plan_info infos[8];
	pthread_t threads[2];
	void *failed;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_activating, c), 0);
	for (int i = 0; i < 300; i++) {
		uint32_t active = 0;
		uint32_t n = reeve_plan_copy(c->r, (reeve_plan_id){0}, infos, 8);
		for (uint32_t k = 0; k < n; k++)
			active += infos[k].is_active;
		assert_int_equal(active, 1);
		assert_in_range(reeve_plan_active(c->r).v, 1, 3);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void *create_and_find(void *arg)
{
	struct core *c = arg;
	struct reeve_error err;
	reeve_group_id id;

	for (int i = 0; i < 300; i++) {
		struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
		def.name = i % 2 ? "SYS_GROUP" : "BATCH_GROUP";
		if (reeve_group_create(c->r, &def, &id, &err) != REEVE_EALREADY_EXISTS ||
			!reeve_group_find(c->r, def.name, &id))
			return (void *)1;
	}
	return NULL;
}

/* Groups, line 4: creating took two locks in one order, looking up by name in the other. */
static void plans_04_creating_and_looking_up_at_once_ends(void **state)
{
	struct core *c = *state;
	pthread_t threads[3];
	void *failed;

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, create_and_find, c), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

/* ---- a change cut short ---- */

static void half_plan_and_directive(struct reeve *r)
{
	reeve__journal_begin_locked(
		r, REEVE_JOURNAL_DIRECTIVE, reeve__table_find(r, &r->header->directives, 2));
	struct reeve_sh_directive *d =
		&r->directives[reeve__table_find(r, &r->header->directives, 2)];
	d->cpu_shares = 999999;
	d->given = 0xf;
}

static void a_death_in_the_middle_of_a_directive_leaves_the_old_one(void **state)
{
	struct core *c = *state;
	struct reeve_directive_info before, after;
	int status;

	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){2}, &before, E));
	pid_t child = fork();
	if (child == 0) {
		reeve__catalog_lock(c->r);
		half_plan_and_directive(c->r);
		reeve__ruling_refresh_locked(c->r); /* even if it got this far */
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){2}, &after, E));
	assert_int_equal(after.given, before.given);
	assert_int_equal(after.cpu_shares, before.cpu_shares);
	assert_true(after.revision == before.revision);
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
	assert_clean(c->r);
}

static void a_death_between_compiling_and_switching_leaves_the_old_plan(void **state)
{
	struct core *c = *state;
	int status;
	pid_t child = fork();

	if (child == 0) {
		uint64_t word = reeve__get(&c->r->header->ruling);
		reeve__catalog_lock(c->r);
		const struct reeve__cause cause = {REEVE_CAUSE_MANUAL, 0, 1, true};
		reeve__ruling_compile_locked(
			c->r, reeve__table_find(c->r, &c->r->header->plans, 3), &cause);
		reeve__put(&c->r->header->ruling, word); /* as if the last store had not come */
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_true(reeve_plan_active(c->r).v == 1);
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
	assert_clean(c->r);
	assert_ok(activate(c, 3));
	assert_int_equal(core_group_stats(c->r, 2).shares, 300);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(the_system_plans_are_as_the_reference_has_them),
		with_core(a_plan_is_created_found_changed_and_listed),
		with_core(a_system_plan_keeps_its_name),
		with_core(the_active_plan_cannot_be_disabled),
		with_core(plans_11_directives_know_their_plan_and_group),
		with_core(a_second_directive_merges_into_the_first),
		with_core(entitlements_of_the_default_plan),
		with_core(entitlements_by_emphasis_and_levels),
		with_core(sys_group_is_favoured_where_a_plan_forgets_it),
		with_core(caps_are_part_of_the_entitlement),
		with_core(manager_08_limits_of_the_last_plan_end_with_it),
		with_core(manager_06_activation_sets_every_group),
		with_core(a_change_of_the_active_plan_is_in_force_at_once),
		with_core(a_change_of_another_plan_is_not),
		with_core(a_new_group_is_entitled_at_once),
		with_core(activating_the_active_plan_reapplies_it),
		with_core(manager_07_registering_again_replaces),
		with_core(registrations_end_with_the_next_activation),
		with_core(a_refused_activation_changes_nothing),
		with_core(the_system_plans_are_valid_without_a_word),
		with_core(sums_above_100_are_an_error_for_emphasis_and_a_warning_for_ratio),
		with_core(ratios_below_100_are_a_warning),
		with_core(a_plan_without_numbers_is_warned_of),
		with_core(zero_percent_is_warned_of),
		with_core(an_unreachable_level_is_warned_of),
		with_core(levels_without_effect_are_warned_of),
		with_core(a_limit_that_can_never_bind_is_warned_of),
		with_core(messages_that_do_not_fit_are_counted),
		with_core(plans_12_exactly_one_plan_is_active),
		with_core(plans_04_creating_and_looking_up_at_once_ends),
		with_core(a_death_in_the_middle_of_a_directive_leaves_the_old_one),
		with_core(a_death_between_compiling_and_switching_leaves_the_old_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
