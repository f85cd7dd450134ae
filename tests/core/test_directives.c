/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of directives: every field set, read, refused, cleared, and compiled into the ruling. */
#include "core.h"

#include <string.h>

#include "../../src/model/model.h"

static void write_field(
	struct reeve_directive_def *d, const struct reeve_directive_field *f, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	d->given |= f->bit;
	if (f->size == 8)
		memcpy((char *)d + f->offset, &value, 8);
	else
		memcpy((char *)d + f->offset, &narrow, 4);
}

/* The fields lie in the same order in the information. */
static uint64_t read_field(
	const struct reeve_directive_info *info, const struct reeve_directive_field *f)
{
	size_t at = f->offset - offsetof(struct reeve_directive_def, cpu_pct) +
		    offsetof(struct reeve_directive_info, cpu_pct);
	uint64_t wide;
	uint32_t narrow;

	memcpy(&wide, (const char *)info + at, 8);
	memcpy(&narrow, (const char *)info + at, 4);
	return f->size == 8 ? wide : narrow;
}

/* A value that the field takes; references name what exists. */
static uint64_t good_value(const struct reeve_directive_field *f, uint64_t plan)
{
	if (f->bit == REEVE_DIRECTIVE_SWITCH_GROUP)
		return 3;
	if (f->bit == REEVE_DIRECTIVE_SUB_PLAN)
		return plan;
	return f->most;
}

static struct reeve_directive_info info_of(struct core *c, uint64_t id)
{
	struct reeve_directive_info info = {0};

	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){id}, &info, E));
	return info;
}

static void the_table_names_every_field_once(void **state)
{
	const struct reeve_directive_field *f;
	uint64_t seen = 0;
	uint32_t k = 0;

	(void)state;
	for (; (f = reeve_directive_field_at(k)); k++) {
		assert_int_equal(seen & f->bit, 0);
		seen |= f->bit;
		assert_true(*f->name && f->least <= f->most && (f->size == 4 || f->size == 8));
		assert_true(f->is_enforced == (*f->why_not == 0));
	}
	assert_true(seen == ((uint64_t)REEVE_DIRECTIVE_PRIORITY << 1) - 1);
	assert_null(reeve_directive_field_at(k + 1));
}

static void every_field_is_set_read_merged_and_cleared(void **state)
{
	struct core *c = *state;
	uint64_t plan = core_plan(c->r, "p", REEVE_METHOD_SHARES), given = 0, id = 0;
	uint64_t sub = core_plan(c->r, "sub", REEVE_METHOD_SHARES);
	const struct reeve_directive_field *f;

	for (uint32_t k = 0; (f = reeve_directive_field_at(k)); k++) {
		struct reeve_directive_def d = {0};
		if (!f->is_enforced)
			continue;
		write_field(&d, f, good_value(f, sub));
		id = core_directive(c->r, plan, 2, &d);
		given |= f->bit;
		assert_true(info_of(c, id).given == given); /* the others stay */
		assert_true(read_field(&(struct reeve_directive_info){0}, f) == 0);
	}
	struct reeve_directive_info info = info_of(c, id);
	for (uint32_t k = 0; (f = reeve_directive_field_at(k)); k++)
		if (f->is_enforced)
			assert_true(read_field(&info, f) == good_value(f, sub));
	for (uint32_t k = 0; (f = reeve_directive_field_at(k)); k++) {
		struct reeve_directive_def d = {.removed = f->bit};
		assert_ok(reeve_directive_update(c->r, (reeve_directive_id){id}, &d, 0, E));
		given &= ~f->bit;
		info = info_of(c, id);
		assert_true(info.given == given);
		assert_true(read_field(&info, f) == (f->bit == REEVE_DIRECTIVE_CPU_LEVEL));
	}
	assert_true(given == 0);
}

static void every_field_names_itself_its_value_and_its_range(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_field *f;
	uint64_t revision = core_segment(c->r).revision;

	for (uint32_t k = 0; (f = reeve_directive_field_at(k)); k++) {
		uint64_t top = f->size == 4 ? UINT32_MAX : UINT64_MAX;
		for (int low = 0; low < 2; low++) {
			struct reeve_directive_def d = {0};
			reeve_directive_id id = {77};
			if (low ? f->least == 0 : f->most == top)
				continue;
			write_field(&d, f, low ? f->least - 1 : f->most + 1);
			int rc = reeve_directive_set(
				c->r, (reeve_plan_id){1}, (reeve_group_id){2}, &d, &id, E);
			assert_int_equal(rc,
				f->is_enforced ? REEVE_EINVALID_ARGUMENT : REEVE_ECONFIGURATION);
			assert_non_null(strstr(core_err.text, f->name));
			assert_non_null(
				strstr(core_err.text, f->is_enforced ? "allowed are" : f->why_not));
			assert_true(id.v == 77);
		}
	}
	assert_true(core_segment(c->r).revision == revision);
}

/* A limit that is set and does nothing must not exist. */
static void what_nothing_enforces_is_refused_with_the_reason(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def undo = {
		.given = REEVE_DIRECTIVE_UNDO_POOL, .undo_bytes = 1 << 20};
	const struct reeve_directive_def reads = {
		.given = REEVE_DIRECTIVE_SWITCH_LOGICAL_READS, .switch_logical_reads = 5};
	reeve_directive_id id = {77};

	assert_fails(
		reeve_directive_set(c->r, (reeve_plan_id){1}, (reeve_group_id){2}, &undo, &id, E),
		REEVE_ECONFIGURATION, "undoPool is not enforced, and so is not taken: no engine");
	assert_fails(reeve_directive_update(c->r, (reeve_directive_id){2}, &reads, 0, E),
		REEVE_ECONFIGURATION, "switchLogicalReads is not enforced");
	assert_true(info_of(c, 2).given == REEVE_DIRECTIVE_CPU_SHARES);
}

static void what_a_field_names_must_exist(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def to = {
		.given = REEVE_DIRECTIVE_SWITCH_GROUP, .switch_group = {99}};

	assert_fails(reeve_directive_update(c->r, (reeve_directive_id){2}, &to, 0, E),
		REEVE_ENOT_FOUND, "switchGroup: consumer group 99");
	assert_true(info_of(c, 2).given == REEVE_DIRECTIVE_CPU_SHARES);
}

/* ---- in force ---- */

static const struct reeve_sh_ruling_row *row_of(struct core *c, uint32_t group)
{
	return &reeve__ruling_now(c->r).rows[group - 1]; /* system groups lie in order */
}

/* Groups, line 15: all of these were stored and read by nobody. */
static void plans_15_every_limit_is_in_the_ruling(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def d = {
		.given = REEVE_DIRECTIVE_PARALLEL_DEGREE | REEVE_DIRECTIVE_PARALLEL_SERVERS |
			 REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT |
			 REEVE_DIRECTIVE_PARALLEL_QUEUE_RUNS | REEVE_DIRECTIVE_ACTIVE_SESSIONS |
			 REEVE_DIRECTIVE_QUEUE_TIMEOUT | REEVE_DIRECTIVE_MAX_EST_EXEC |
			 REEVE_DIRECTIVE_MAX_IDLE | REEVE_DIRECTIVE_MAX_IDLE_BLOCKER |
			 REEVE_DIRECTIVE_SWITCH_GROUP | REEVE_DIRECTIVE_SWITCH_CPU |
			 REEVE_DIRECTIVE_SWITCH_ELAPSED | REEVE_DIRECTIVE_SWITCH_IO_BYTES |
			 REEVE_DIRECTIVE_SWITCH_IO_REQUESTS | REEVE_DIRECTIVE_SWITCH_ESTIMATE |
			 REEVE_DIRECTIVE_SWITCH_FOR_CALL | REEVE_DIRECTIVE_SESSION_PGA |
			 REEVE_DIRECTIVE_IO_BANDWIDTH | REEVE_DIRECTIVE_IOPS |
			 REEVE_DIRECTIVE_IO_WEIGHT,
		.parallel_degree = 3,
		.parallel_servers = 4,
		.parallel_queue_timeout_ns = 5,
		.parallel_queue_runs_serial = 1,
		.active_sessions = 6,
		.queue_timeout_ns = 7,
		.max_est_exec_ns = 8,
		.max_idle_ns = 9,
		.max_idle_blocker_ns = 10,
		.switch_group = {4},
		.switch_cpu_ns = 11,
		.switch_elapsed_ns = 12,
		.switch_io_bytes = 13,
		.switch_io_requests = 14,
		.switch_estimate = 1,
		.switch_for_call = 1,
		.session_pga_bytes = 15,
		.io_bandwidth = 16,
		.iops = 17,
		.io_weight = 18,
	};
	core_directive(c->r, 1, 2, &d);
	const struct reeve_sh_ruling_row *row = row_of(c, 2);
	assert_int_equal(row->parallel_degree, 3);
	assert_int_equal(row->parallel_servers, 4);
	assert_int_equal(row->parallel_queue_timeout_ns, 5);
	assert_int_equal(row->active_sessions, 6);
	assert_int_equal(row->queue_timeout_ns, 7);
	assert_int_equal(row->max_est_exec_ns, 8);
	assert_int_equal(row->max_idle_ns, 9);
	assert_int_equal(row->max_idle_blocker_ns, 10);
	assert_int_equal(row->switch_action, REEVE_ROW_SWITCH);
	assert_int_equal(row->switch_group, 3); /* the slot of group 4 */
	assert_int_equal(row->switch_cpu_ns, 11);
	assert_int_equal(row->switch_elapsed_ns, 12);
	assert_int_equal(row->switch_io_bytes, 13);
	assert_int_equal(row->switch_io_requests, 14);
	assert_int_equal(row->session_pga_bytes, 15);
	assert_int_equal(row->io_bandwidth, 16);
	assert_int_equal(row->io_iops, 17);
	assert_int_equal(row->io_weight, 18);
	assert_int_equal(row->flags, 31);
	row = row_of(c, 3); /* another group has none of it */
	assert_int_equal(row->active_sessions, UINT32_MAX);
	assert_true(row->max_idle_ns == REEVE_UNLIMITED && row->switch_action == REEVE_ROW_NOTHING);
	assert_int_equal(row->flags, REEVE_ROW_SESSIONS_MANAGED | REEVE_ROW_PARALLEL_MANAGED);
	/* and limits of a plan end with it */
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){4}, E));
	row = row_of(c, 2);
	assert_int_equal(row->active_sessions, UINT32_MAX);
	assert_true(row->io_bandwidth == REEVE_UNLIMITED && row->flags == 0);
}

static void what_the_plan_does_not_manage_is_no_limit(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_ACTIVE_SESSIONS |
						       REEVE_DIRECTIVE_PARALLEL_DEGREE |
						       REEVE_DIRECTIVE_MAX_IDLE,
		.active_sessions = 6,
		.parallel_degree = 3,
		.max_idle_ns = 9};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_plan_info p;

	core_directive(c->r, 1, 2, &d);
	assert_ok(reeve_plan_update(
		c->r, (reeve_plan_id){1}, REEVE_PLAN_SESSIONS_MANAGED, &def, 0, E));
	assert_int_equal(row_of(c, 2)->active_sessions, UINT32_MAX);
	assert_int_equal(row_of(c, 2)->parallel_degree, 3);
	assert_int_equal(row_of(c, 2)->flags, REEVE_ROW_PARALLEL_MANAGED);
	assert_ok(reeve_plan_update(
		c->r, (reeve_plan_id){1}, REEVE_PLAN_PARALLEL_MANAGED, &def, 0, E));
	assert_int_equal(row_of(c, 2)->parallel_degree, UINT32_MAX);
	assert_int_equal(row_of(c, 2)->max_idle_ns, 9);
	assert_int_equal(row_of(c, 2)->flags, 0);
	assert_ok(reeve_plan_get(c->r, (reeve_plan_id){1}, &p, E));
	assert_true(!p.parallel_execution_managed && !p.active_session_pool_managed);
	def.parallel_execution_managed = def.active_session_pool_managed = true;
	assert_ok(reeve_plan_update(c->r, (reeve_plan_id){1},
		REEVE_PLAN_PARALLEL_MANAGED | REEVE_PLAN_SESSIONS_MANAGED, &def, 0, E));
	assert_int_equal(row_of(c, 2)->active_sessions, 6);
}

static void a_switch_limit_without_group_or_action_is_noted_only(void **state)
{
	struct core *c = *state;
	struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_SWITCH_CPU, .switch_cpu_ns = 5};
	static const uint32_t actions[] = {
		REEVE_SWITCH_NOTHING, REEVE_SWITCH_LOG, REEVE_SWITCH_CANCEL, REEVE_SWITCH_KILL};

	core_directive(c->r, 1, 2, &d);
	assert_int_equal(row_of(c, 2)->switch_action, REEVE_ROW_LOG);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		d.given = REEVE_DIRECTIVE_SWITCH_ACTION;
		d.switch_action = actions[i];
		core_directive(c->r, 1, 2, &d);
		assert_int_equal(row_of(c, 2)->switch_action, actions[i]);
		assert_int_equal(row_of(c, 2)->switch_group, REEVE_NONE);
	}
}

static void a_group_that_calls_move_to_is_not_forgotten(void **state)
{
	struct core *c = *state;
	uint64_t group = core_group(c->r, "slow lane", 0);
	struct reeve_directive_def d = {
		.given = REEVE_DIRECTIVE_SWITCH_GROUP | REEVE_DIRECTIVE_SWITCH_CPU,
		.switch_group = {group},
		.switch_cpu_ns = 5};

	core_directive(c->r, 1, 2, &d);
	assert_int_equal(row_of(c, 2)->switch_group, 4);
	assert_fails(reeve_group_destroy(c->r, (reeve_group_id){group}, (reeve_group_id){0}, E),
		REEVE_ECONFLICT, "1 plan directive");
	assert_ok(reeve_group_destroy(c->r, (reeve_group_id){group}, (reeve_group_id){3}, E));
	assert_true(info_of(c, 2).switch_group.v == 3);
	assert_int_equal(row_of(c, 2)->switch_group, 2);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(the_table_names_every_field_once),
		with_core(every_field_is_set_read_merged_and_cleared),
		with_core(every_field_names_itself_its_value_and_its_range),
		with_core(what_nothing_enforces_is_refused_with_the_reason),
		with_core(what_a_field_names_must_exist),
		with_core(plans_15_every_limit_is_in_the_ruling),
		with_core(what_the_plan_does_not_manage_is_no_limit),
		with_core(a_switch_limit_without_group_or_action_is_noted_only),
		with_core(a_group_that_calls_move_to_is_not_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
