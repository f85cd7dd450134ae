/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of staged edits: whose it is, all or nothing, stale, as one revision, cut short. */
#include "core.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/edit.h"

static const struct reeve_directive_def nine = {
	.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 9};

static uint64_t new_plan(struct core *c, const char *name, uint64_t parent)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {0};

	def.name = name;
	def.parent.v = parent;
	assert_ok(reeve_edit_plan_create(c->r, &def, &id, E));
	return id.v;
}

static void put(struct core *c, uint64_t plan, uint64_t group, const struct reeve_directive_def *d)
{
	assert_ok(reeve_edit_directive_set(
		c->r, (reeve_plan_id){plan}, (reeve_group_id){group}, d, E));
}

/* Everything that can be listed, for "nothing has changed". */
struct everything {
	struct reeve_segment_info segment;
	struct reeve_plan_info plans[16];
	struct reeve_directive_info directives[16][16];
	uint32_t n;
};

static struct everything all_of(struct core *c)
{
	static struct everything e;

	memset(&e, 0, sizeof(e));
	e.segment = core_segment(c->r);
	e.n = reeve_plan_copy(c->r, (reeve_plan_id){0}, e.plans, 16);
	for (uint32_t i = 0; i < e.n; i++)
		reeve_directive_copy(
			c->r, e.plans[i].id, (reeve_directive_id){0}, e.directives[i], 16, NULL);
	return e;
}

static void an_edit_is_one_change(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def rename = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_info d[8];
	struct reeve_plan_info p;
	reeve_plan_id id;
	uint64_t revision = 0;

	uint64_t old = core_plan(c->r, "old", REEVE_METHOD_SHARES);
	core_directive(c->r, old, 2, &nine);
	uint64_t before = core_segment(c->r).revision;
	assert_ok(reeve_edit_begin(c->r, 0, E));
	uint64_t a = new_plan(c, "a", 0), b = new_plan(c, "b", a);
	assert_true(a == 101 && b == 102);
	put(c, a, 2, &nine);
	put(c, b, 3, &nine);
	const struct reeve_directive_def divided = {
		.given = REEVE_DIRECTIVE_SUB_PLAN | REEVE_DIRECTIVE_CPU_SHARES,
		.cpu_shares = 4,
		.sub_plan = {b}};
	put(c, a, 3, &divided);
	put(c, 1, 3, &nine); /* the plan in force */
	assert_ok(reeve_edit_directive_remove(c->r, (reeve_plan_id){1}, (reeve_group_id){4}, E));
	rename.name = "newer";
	assert_ok(reeve_edit_plan_update(c->r, (reeve_plan_id){a}, REEVE_PLAN_NAME, &rename, E));
	assert_ok(reeve_edit_plan_delete(c->r, (reeve_plan_id){old}, (reeve_plan_id){0}, E));
	/* nothing has happened yet */
	assert_true(core_segment(c->r).revision == before);
	assert_int_equal(core_group_stats(c->r, 3).shares, 300);
	assert_false(reeve_plan_find(c->r, "newer", &id));
	assert_ok(reeve_edit_submit(c->r, &revision, E));
	assert_true(revision == before + 1 && core_segment(c->r).revision == revision);
	assert_int_equal(core_group_stats(c->r, 3).shares, 9);
	assert_true(reeve_plan_find(c->r, "newer", &id) && id.v == a);
	assert_false(reeve_plan_find(c->r, "old", &id));
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){b}, &p, E));
	assert_true(p.parent.v == a && p.revision == revision);
	assert_int_equal(
		reeve_directive_copy(c->r, (reeve_plan_id){a}, (reeve_directive_id){0}, d, 8, E),
		2);
	assert_true(d[0].group.v == 2 && d[1].sub_plan.v == b && d[1].revision == revision);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){a}, E));
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_EINVALID_STATE, "no edit of this");
}

static void validation_changes_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_plan_message m[16];
	bool found = false;

	struct everything before = all_of(c);
	assert_ok(reeve_edit_begin(c->r, 0, E));
	uint64_t a = new_plan(c, "a", 0);
	put(c, a, 2, &nine);
	const struct reeve_directive_def pct = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 9};
	put(c, a, 3, &pct);
	put(c, 1, 2, &nine);
	assert_ok(reeve_edit_directive_remove(c->r, (reeve_plan_id){1}, (reeve_group_id){4}, E));
	for (int twice = 0; twice < 2; twice++) {
		int n = reeve_edit_validate(c->r, m, 16, E);
		assert_int_equal(n, 1);
		found = strstr(m[0].text, "cpuPct 9 of BATCH_GROUP has no effect") != NULL;
	}
	assert_true(found);
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
	assert_clean(c->r);
	assert_ok(reeve_edit_discard(c->r, E));
	assert_true(core_plan(c->r, "b", 0) == 100); /* no id is burnt */
}

static void a_step_that_does_not_fit_refuses_all(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;

	struct everything before = all_of(c);
	assert_ok(reeve_edit_begin(c->r, 0, E));
	put(c, 1, 2, &nine);
	new_plan(c, "DAYTIME_PLAN", 0);
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_EALREADY_EXISTS,
		"step 2 of 2: resource plan \"DAYTIME_PLAN\" exists with id 2");
	assert_fails(reeve_edit_validate(c->r, NULL, 0, E), REEVE_EALREADY_EXISTS, "step 2 of 2");
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
	assert_ok(reeve_edit_begin(c->r, 0, E) == REEVE_ECONFLICT ? 0 : -1); /* it stays open */
	assert_ok(reeve_edit_discard(c->r, E));
	assert_ok(reeve_edit_begin(c->r, 0, E));
	assert_ok(reeve_edit_plan_delete(c->r, (reeve_plan_id){2}, (reeve_plan_id){0}, E));
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_EPERMISSION_DENIED, "step 1 of 1");
	assert_ok(reeve_edit_discard(c->r, E));
	assert_ok(reeve_edit_begin(c->r, 0, E)); /* what is malformed is refused at once */
	assert_fails(reeve_edit_plan_create(c->r, &def, &(reeve_plan_id){0}, E),
		REEVE_EINVALID_ARGUMENT, "name is empty");
	const struct reeve_directive_def bad = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 101};
	assert_fails(
		reeve_edit_directive_set(c->r, (reeve_plan_id){1}, (reeve_group_id){2}, &bad, E),
		REEVE_EINVALID_ARGUMENT, "cpuPct is 101");
	assert_fails(reeve_edit_plan_update(c->r, (reeve_plan_id){1}, 0x100, &def, E),
		REEVE_EINVALID_ARGUMENT, "fields is 0x100");
}

static void an_error_of_validation_refuses_all(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def emphasis = REEVE_PLAN_DEF_INIT;
	const struct reeve_directive_def eighty = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 80};

	struct everything before = all_of(c);
	assert_ok(reeve_edit_begin(c->r, 0, E));
	uint64_t a = new_plan(c, "a", 0);
	emphasis.cpu_method = REEVE_METHOD_EMPHASIS;
	assert_ok(reeve_edit_plan_update(
		c->r, (reeve_plan_id){a}, REEVE_PLAN_CPU_METHOD, &emphasis, E));
	put(c, a, 2, &eighty);
	put(c, a, 3, &eighty);
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_ECONFIGURATION,
		"resource plan 100: percentages of level 1 add up to 160");
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
	const struct reeve_directive_def ten = {.given = REEVE_DIRECTIVE_CPU_PCT, .cpu_pct = 10};
	put(c, a, 3, &ten); /* and goes on */
	assert_ok(reeve_edit_submit(c->r, NULL, E));
}

/* A circle in the middle is none at the end. */
static void the_tree_in_force_may_be_turned_round(void **state)
{
	struct core *c = *state;
	uint64_t a = core_plan(c->r, "a", 0), b;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id;

	def.name = "b";
	def.parent.v = a;
	assert_ok(reeve_plan_create(c->r, &def, &id, E));
	b = id.v;
	const struct reeve_directive_def to_b = {
		.given = REEVE_DIRECTIVE_SUB_PLAN, .sub_plan = {b}};
	const struct reeve_directive_def to_a = {
		.given = REEVE_DIRECTIVE_SUB_PLAN, .sub_plan = {a}};
	core_directive(c->r, a, 2, &to_b);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){a}, E));
	assert_ok(reeve_edit_begin(c->r, 0, E));
	put(c, b, 3, &to_a);
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_ECONFIGURATION, "circle: 100 > 101");
	assert_ok(reeve_edit_directive_remove(c->r, (reeve_plan_id){a}, (reeve_group_id){2}, E));
	assert_ok(reeve_edit_submit(c->r, NULL, E));
	assert_clean(c->r);
}

static void what_others_changed_makes_it_stale(void **state)
{
	struct core *c = *state;

	assert_ok(reeve_edit_begin(c->r, 0, E));
	put(c, 1, 2, &nine);
	core_group(c->r, "new", 0);
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_ESTALE_REVISION, "the edit began at");
	assert_fails(reeve_edit_validate(c->r, NULL, 0, E), REEVE_ESTALE_REVISION, "revision");
	assert_int_equal(core_group_stats(c->r, 2).shares, 600);
}

static void there_is_one_and_it_has_an_owner(void **state)
{
	struct core *c = *state;
	struct reeve *other = NULL;
	struct reeve_edit_info info;

	c->h.pid = 200;
	assert_ok(reeve_attach(c->r, &other, E));
	c->h.pid = 100;
	reeve_edit_get(c->r, &info);
	assert_true(!info.is_open && info.max_steps == 1024);
	assert_ok(reeve_edit_begin(c->r, 0, E));
	put(c, 1, 2, &nine);
	assert_fails(reeve_edit_begin(other, 0, E), REEVE_ECONFLICT, "an edit of process 100 (");
	assert_fails(
		reeve_edit_submit(other, NULL, E), REEVE_EINVALID_STATE, "another has begun one");
	assert_fails(reeve_edit_discard(other, E), REEVE_EINVALID_STATE, "no edit of this");
	reeve_edit_get(other, &info);
	assert_true(info.is_open && !info.is_mine && info.pid == 100 && info.steps == 1);
	reeve_edit_get(c->r, &info);
	assert_true(info.is_mine && info.revision == core_segment(c->r).revision);
	/* not used for its time, it may be taken over */
	core_sleep(&c->h, 601 * REEVE_SEC);
	assert_ok(reeve_edit_begin(other, 30 * (uint64_t)REEVE_SEC, E));
	reeve_edit_get(other, &info);
	assert_true(info.is_mine && info.steps == 0);
	assert_fails(
		reeve_edit_submit(c->r, NULL, E), REEVE_EINVALID_STATE, "another has begun one");
	core_sleep(&c->h, 20 * REEVE_SEC);
	assert_ok(reeve_edit_validate(other, NULL, 0, E)); /* a use gives it its time again */
	core_sleep(&c->h, 20 * REEVE_SEC);
	assert_ok(reeve_edit_validate(other, NULL, 0, E));
	core_sleep(&c->h, 31 * REEVE_SEC);
	assert_fails(reeve_edit_validate(other, NULL, 0, E), REEVE_EINVALID_STATE, "for its 30 s");
	/* its owner dead, it may be taken over at once */
	assert_ok(reeve_edit_begin(c->r, 0, E));
	reeve_close(other);
	c->h.pid = 300;
	assert_ok(reeve_attach(c->r, &other, E));
	assert_fails(reeve_edit_begin(other, 0, E), REEVE_ECONFLICT, "process 100");
	assert_ok(reeve_edit_discard(c->r, E));
	assert_ok(reeve_edit_begin(other, 0, E));
	c->h.dead_below = 301;
	c->h.pid = 400;
	struct reeve *third = NULL;
	assert_ok(reeve_attach(c->r, &third, E));
	assert_ok(reeve_edit_begin(third, 0, E)); /* which looks for the dead */
	c->h.dead_below = 1;
	reeve_close(third);
	reeve_edit_get(c->r, &info);
	assert_false(info.is_open); /* gone with its attachment */
	reeve_close(other);	    /* its attachment was reaped */
	c->h.pid = 100;
}

static void a_full_area_says_so(void **state)
{
	struct core *c = *state;
	struct reeve_edit_info info;

	assert_ok(reeve_edit_begin(c->r, 0, E));
	for (int i = 0; i < 1024; i++)
		put(c, 1, 2, &nine);
	assert_fails(
		reeve_edit_directive_set(c->r, (reeve_plan_id){1}, (reeve_group_id){2}, &nine, E),
		REEVE_ERESOURCE_EXHAUSTED, "the table of steps of an edit is full: 1024 of 1024");
	reeve_edit_get(c->r, &info);
	assert_int_equal(info.steps, 1024);
	assert_ok(reeve_edit_submit(c->r, NULL, E));
	/* and one that fills the table of plans is taken back */
	struct everything before = all_of(c);
	assert_ok(reeve_edit_begin(c->r, 0, E));
	for (int i = 0; i < 13; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%d", i);
		new_plan(c, name, 0);
	}
	assert_fails(reeve_edit_submit(c->r, NULL, E), REEVE_ERESOURCE_EXHAUSTED,
		"step 13 of 13: the table of resource plans is full: 16 of 16");
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
}

/* Died with all rows changed, or some: nothing has. */
static void an_edit_cut_short_never_was(void **state)
{
	struct core *c = *state;
	uint64_t user = core_plan(c->r, "user", 0), gone = core_plan(c->r, "gone", 0);
	const struct reeve_directive_def divided = {
		.given = REEVE_DIRECTIVE_SUB_PLAN, .sub_plan = {gone}};
	int status;

	core_directive(c->r, user, 2, &divided);
	core_directive(c->r, gone, 2, &nine);
	struct everything before = all_of(c);
	pid_t pid = fork();
	if (pid == 0) {
		struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
		reeve_plan_id id = {0};
		reeve_directive_id d = {0};
		def.name = "made";
		reeve__catalog_lock(c->r);
		reeve__txn_begin_locked(c->r);
		if (reeve__plan_create_locked(c->r, &def, 1, &id, NULL) ||
			reeve__directive_set_locked(
				c->r, id, (reeve_group_id){3}, &nine, 1, &d, NULL) ||
			reeve__directive_set_locked(c->r, (reeve_plan_id){1}, (reeve_group_id){3},
				&nine, 1, &d, NULL) ||
			reeve__plan_delete_locked(c->r, (reeve_plan_id){gone}, id, NULL))
			_exit(1);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_clean(c->r);
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(core_group_stats(c->r, 3).shares, 300);
	assert_true(core_plan(c->r, "made", 0) == gone + 1);
}

/* The same steps in a segment of the same definitions: what submitting will do is tried first. */
static void an_edit_is_tried_elsewhere(void **state)
{
	struct core *c = *state;
	struct reeve *stage = core_open(&c->h.host, 1);
	struct reeve_directive_info d[4];
	struct reeve_edit_info info;
	uint64_t revision = 0, id;

	assert_fails(reeve_edit_clone(c->r, stage, E), REEVE_EINVALID_STATE, "no edit of this");
	assert_ok(reeve_edit_begin(c->r, 0, E));
	id = new_plan(c, "tried", 0);
	put(c, id, 2, &nine);
	assert_ok(reeve_edit_clone(c->r, stage, E));
	put(c, id, 3, &nine);
	assert_ok(reeve_edit_validate(c->r, NULL, 0, E)); /* which gives the plan its id */
	assert_ok(reeve_edit_clone(c->r, stage, E));	  /* in place of the first */
	reeve_edit_get(stage, &info);
	assert_true(info.is_mine && info.steps == 3);
	assert_ok(reeve_edit_submit(stage, &revision, E));
	assert_int_equal(revision, core_segment(stage).revision);
	assert_int_equal(core_segment(c->r).revision + 1, revision);
	reeve_edit_get(c->r, &info);
	assert_true(info.is_open && info.steps == 3);
	assert_ok(reeve_edit_submit(c->r, &revision, E));
	assert_int_equal(core_segment(stage).revision, revision);
	assert_int_equal(
		reeve_directive_copy(stage, (reeve_plan_id){id}, (reeve_directive_id){0}, d, 4, E),
		2);
	/* what is stale here is refused, and nothing stays open there */
	assert_ok(reeve_edit_begin(c->r, 0, E));
	core_group(c->r, "new", 0);
	assert_fails(reeve_edit_clone(c->r, stage, E), REEVE_ESTALE_REVISION, "the edit began at");
	reeve_edit_get(stage, &info);
	assert_false(info.is_open);
	assert_clean(stage);
	reeve_close(stage);
}

static void a_plan_is_defined_whole(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_plan_part parts[3] = {{{2}, nine}, {{3}, nine}, {{99}, nine}};
	struct reeve_directive_info d[4];
	reeve_plan_id id = {77};
	uint64_t revision = core_segment(c->r).revision, seen = reeve_event_newest(c->r);
	struct reeve_event told[4];

	def.name = "whole";
	struct everything before = all_of(c);
	assert_fails(reeve_plan_define(c->r, &def, parts, 3, &id, E), REEVE_ENOT_FOUND,
		"directive 3: consumer group 99");
	parts[1].def.cpu_shares = 0;
	assert_fails(reeve_plan_define(c->r, &def, parts, 2, &id, E), REEVE_EINVALID_ARGUMENT,
		"directive 2: ");
	parts[1].def.given = 1ull << 60;
	assert_fails(reeve_plan_define(c->r, &def, parts, 2, &id, E), REEVE_EINVALID_ARGUMENT,
		"allowed are bits up to");
	parts[1].def = nine;
	def.name = "";
	assert_fails(reeve_plan_define(c->r, &def, parts, 2, &id, E), REEVE_EINVALID_ARGUMENT, "");
	def.name = "whole";
	def.parent.v = 99;
	assert_fails(reeve_plan_define(c->r, &def, parts, 2, &id, E), REEVE_ENOT_FOUND, "99");
	def.parent.v = 0;
	assert_fails(reeve_plan_define(c->r, &def, parts, UINT32_MAX, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "4294967295 directives; the table of directives");
	struct everything after = all_of(c);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(id.v, 77);
	assert_int_equal(reeve_event_newest(c->r), seen);

	assert_ok(reeve_plan_define(c->r, &def, parts, 2, &id, E));
	assert_int_equal(core_segment(c->r).revision, revision + 1);
	assert_int_equal(reeve_directive_copy(c->r, id, (reeve_directive_id){0}, d, 4, E), 2);
	assert_true(d[0].group.v == 2 && d[1].group.v == 3 && d[1].cpu_shares == 9);
	assert_true(d[0].revision == revision + 1 && d[1].revision == revision + 1);
	assert_int_equal(reeve_event_copy(c->r, seen, told, 4, &seen, NULL), 1);
	assert_true(told[0].kind == REEVE_EVENT_PLAN_CREATED && told[0].plan.v == id.v);
	assert_fails(
		reeve_plan_define(c->r, &def, NULL, 0, &id, E), REEVE_EALREADY_EXISTS, "whole");
	def.name = "empty";
	assert_ok(reeve_plan_define(c->r, &def, NULL, 0, &id, E));
}

static void nothing_where_something_is_wanted(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {1};
	reeve_group_id g = {2};

#define NULLS(call, name) assert_fails(call, REEVE_EINVALID_ARGUMENT, name " is NULL")
	NULLS(reeve_edit_begin(NULL, 0, E), "reeve");
	NULLS(reeve_edit_plan_create(NULL, &def, &id, E), "reeve");
	NULLS(reeve_edit_plan_create(c->r, NULL, &id, E), "def");
	NULLS(reeve_edit_plan_create(c->r, &def, NULL, E), "ret_id");
	NULLS(reeve_edit_plan_update(NULL, id, 0, &def, E), "reeve");
	NULLS(reeve_edit_plan_update(c->r, id, 0, NULL, E), "def");
	NULLS(reeve_edit_plan_delete(NULL, id, id, E), "reeve");
	NULLS(reeve_edit_directive_set(NULL, id, g, &nine, E), "reeve");
	NULLS(reeve_edit_directive_set(c->r, id, g, NULL, E), "def");
	NULLS(reeve_edit_directive_remove(NULL, id, g, E), "reeve");
	NULLS(reeve_edit_validate(NULL, NULL, 0, E), "reeve");
	NULLS(reeve_edit_validate(c->r, NULL, 1, E), "ret_messages");
	NULLS(reeve_edit_submit(NULL, NULL, E), "reeve");
	NULLS(reeve_edit_discard(NULL, E), "reeve");
	NULLS(reeve_edit_clone(NULL, c->r, E), "from");
	NULLS(reeve_edit_clone(c->r, NULL, E), "to");
	assert_fails(reeve_edit_clone(c->r, c->r, E), REEVE_EINVALID_ARGUMENT, "are the same");
	NULLS(reeve_plan_define(NULL, &def, NULL, 0, &id, E), "reeve");
	NULLS(reeve_plan_define(c->r, NULL, NULL, 0, &id, E), "def");
	NULLS(reeve_plan_define(c->r, &def, NULL, 0, NULL, E), "ret_id");
	NULLS(reeve_plan_define(c->r, &def, NULL, 1, &id, E), "parts");
	reeve_edit_get(NULL, NULL);
	reeve_edit_get(c->r, NULL);
	assert_fails(reeve_edit_begin(c->r, 1, E), REEVE_EINVALID_ARGUMENT,
		"timeout in nanoseconds is 1; allowed are 1000000000 to");
	assert_fails(reeve_edit_directive_remove(c->r, id, g, E), REEVE_EINVALID_STATE, "no edit");
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(an_edit_is_one_change),
		with_core(validation_changes_nothing),
		with_core(a_step_that_does_not_fit_refuses_all),
		with_core(an_error_of_validation_refuses_all),
		with_core(the_tree_in_force_may_be_turned_round),
		with_core(what_others_changed_makes_it_stale),
		with_core(there_is_one_and_it_has_an_owner),
		with_core(a_full_area_says_so),
		with_core(an_edit_cut_short_never_was),
		with_core(an_edit_is_tried_elsewhere),
		with_core(a_plan_is_defined_whole),
		with_core(nothing_where_something_is_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
