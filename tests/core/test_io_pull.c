/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pull mode I/O: requests, the four policies, limits, statistics. */
#include "io_kit.h"

#include "../../src/engine/io.h"

#include <string.h>

static void a_request_goes_from_queued_to_active_and_away(void **state)
{
	struct core *c = *state;
	struct reeve_io_def def = io_def(REEVE_IO_WRITE, REEVE_IO_LOW, 64 * KIB);
	struct reeve_io_request_info q, last;
	uint32_t device = 0;

	assert_ok(reeve_io_device_open(c->r, "/data/base.db", &device, E));
	def.offset = 8192;
	def.is_sequential = true;
	def.device = device;
	uint64_t id = io_submit_def(c->r, 3, def);
	assert_true(id == 1);
	q = io_info(c->r, id);
	assert_int_equal(q.state, REEVE_IO_QUEUED);
	assert_true(q.group.v == 3 && q.session.v == 0 && q.type == REEVE_IO_WRITE);
	assert_true(q.priority == REEVE_IO_LOW && q.effective_priority == REEVE_IO_LOW);
	assert_true(q.size_bytes == 64 * KIB && q.offset == 8192 && q.is_sequential);
	assert_string_equal(q.target, "/data/base.db");
	assert_true(q.submitted_wall == c->h.wall && q.deadline_wall == c->h.wall + REEVE_SEC);
	assert_true(!q.started_wall && !q.completed_wall && !q.is_managed && !q.is_past_deadline);
	core_sleep(&c->h, 300 * REEVE_MSEC);
	assert_true(io_info(c->r, id).wait_ns == 300 * REEVE_MSEC);
	q = io_next(c->r);
	assert_true(q.id.v == id && q.state == REEVE_IO_ACTIVE && q.started_wall == c->h.wall);
	assert_true(io_retry(c->r) == REEVE_NEVER);
	core_sleep(&c->h, 5 * REEVE_MSEC);
	assert_ok(reeve_io_complete(c->r, q.id, 60 * KIB, true, &last, E));
	assert_int_equal(last.state, REEVE_IO_COMPLETED);
	assert_true(last.wait_ns == 300 * REEVE_MSEC && last.service_ns == 5 * REEVE_MSEC);
	assert_true(last.completed_wall == c->h.wall);
	assert_fails(reeve_io_request_get(c->r, q.id, &q, E), REEVE_ENOT_FOUND, "I/O request 1");
	struct reeve_io_group_stats g = io_group(c->r, 3);
	assert_true(g.total_bytes == 60 * KIB && g.total_ops == 1 && g.queued + g.active == 0);
	struct reeve_io_stats s = io_stats(c->r);
	assert_true(s.total == 1 && s.completed == 1 && s.bytes_written == 60 * KIB);
	assert_true(s.bytes_read == 0 && s.avg_latency_ns == 305 * (uint64_t)REEVE_MSEC);
	struct reeve_io_device_stats d[4];
	assert_int_equal(reeve_io_device_stats_copy(c->r, d, 4), 2);
	assert_true(d[1].device == device && d[1].total_ops == 1 && d[1].total_bytes == 60 * KIB);
	assert_true(d[1].service.sum_ns == 5 * (uint64_t)REEVE_MSEC && d[0].total_ops == 0);
}

/* I/O, line 8: completing twice, or what was never started, succeeded; nothing was ever removed. */
static void io_08_completion_is_exactly_once_and_nothing_grows(void **state)
{
	struct core *c = *state;
	reeve_io_id id = {io_submit(c->r, 2, 4096)};

	assert_fails(reeve_io_complete(c->r, id, 1, true, NULL, E), REEVE_EINVALID_STATE,
		"I/O request 1 was not started");
	io_next(c->r);
	io_complete(c->r, id.v, 4096);
	assert_fails(reeve_io_complete(c->r, id, 4096, true, NULL, E), REEVE_ENOT_FOUND,
		"I/O request 1");
	assert_true(io_group(c->r, 2).total_ops == 1);
	for (int i = 0; i < 1000; i++) { /* eight times as many as the table holds */
		io_submit(c->r, 2, 4096);
		io_perform(c->r);
	}
	assert_int_equal(core_segment(c->r).io_requests, 0);
	assert_true(io_stats(c->r).total == 1001);
}

/* I/O, line 7: requests of unknown groups were accepted, counted and never served. */
static void io_07_unknown_groups_are_refused(void **state)
{
	struct core *c = *state;
	struct reeve_io_def def = io_read(1);
	reeve_io_id id = {77};

	assert_fails(reeve_io_submit(c->r, (reeve_group_id){55}, &def, &id, E), REEVE_ENOT_FOUND,
		"consumer group 55");
	assert_true(id.v == 77 && io_stats(c->r).total == 0);
	assert_fails(reeve_io_group_register(c->r, (reeve_group_id){55}, 1000, 10, 1, E),
		REEVE_ENOT_FOUND, "consumer group 55");
}

/* ---- the policies ---- */

/* I/O, line 6: fairness went by bytes completed, so one group could take all slots; weight 0 hung. */
static void io_06_fair_is_charged_at_dispatch(void **state)
{
	struct core *c = *state;
	uint32_t started[5] = {0};

	io_limit(c->r, 2, REEVE_UNLIMITED, REEVE_UNLIMITED, 300);
	for (int i = 0; i < 40; i++) {
		io_submit(c->r, 2, 64 * KIB);
		io_submit(c->r, 3, 64 * KIB);
	}
	for (int i = 0; i < 40; i++) /* nothing completes */
		started[io_next(c->r).group.v]++;
	assert_int_equal(started[2], 30);
	assert_int_equal(started[3], 10);
	assert_fails(reeve_io_group_register(
			     c->r, (reeve_group_id){2}, REEVE_UNLIMITED, REEVE_UNLIMITED, 0, E),
		REEVE_EINVALID_ARGUMENT, "weight is 0; allowed are 1 to 10000");
}

static void a_newcomer_starts_level(void **state)
{
	struct core *c = *state;
	uint32_t started[5] = {0};

	for (int i = 0; i < 100; i++)
		io_submit(c->r, 2, MIB);
	for (int i = 0; i < 60; i++)
		io_perform(c->r);
	for (int i = 0; i < 20; i++)
		io_submit(c->r, 3, MIB);
	for (int i = 0; i < 20; i++)
		started[io_perform(c->r)]++;
	assert_in_range(started[3], 9, 11); /* neither behind by the past, nor first for it */
}

/*
 * I/O, line 2: Deadline was Priority and BudgetFair was CompletelyFair. The same requests under each of the
 * four, and four different orders.
 */
static void run_policy(struct core *c, uint32_t policy, char *ret)
{
	struct reeve_io_def def;

	io_configure(c->r, policy, 128);
	io_limit(c->r, 2, REEVE_UNLIMITED, REEVE_UNLIMITED, 200);
	for (int i = 0; i < 8; i++) {
		/* group 2: low priority, due soon; group 3: high priority, due late; 256 KiB each */
		def = io_def(REEVE_IO_READ, REEVE_IO_LOW, 256 * KIB);
		def.deadline = c->h.mono + 100 * REEVE_MSEC + i;
		if (i >= 4) /* the last ones of group 2 are due last of all */
			def.deadline += REEVE_SEC;
		io_submit_def(c->r, 2, def);
		def = io_def(REEVE_IO_READ, REEVE_IO_HIGH, 256 * KIB);
		def.deadline = c->h.mono + 500 * REEVE_MSEC + i;
		io_submit_def(c->r, 3, def);
	}
	for (int i = 0; i < 16; i++)
		ret[i] = (char)('0' + io_perform(c->r));
	ret[16] = 0;
}

static void io_02_the_four_policies_differ(void **state)
{
	struct core *c = *state;
	char fair[17], deadline[17], budget[17], priority[17];

	run_policy(c, REEVE_IO_COMPLETELY_FAIR, fair);
	run_policy(c, REEVE_IO_DEADLINE, deadline);
	run_policy(c, REEVE_IO_BUDGET_FAIR, budget);
	run_policy(c, REEVE_IO_PRIORITY, priority);
	/* two of group 2 for each of group 3, as long as there are */
	assert_string_equal(fair, "2322322322323333");
	/* by deadline */
	assert_string_equal(deadline, "2222333333332222");
	/* turns of 1 MiB, four requests; both groups' two turns fit together */
	assert_string_equal(budget, "2222333322223333");
	/* by class */
	assert_string_equal(priority, "3333333322222222");
}

static void deadline_batches_reads_and_does_not_starve_writes(void **state)
{
	struct core *c = *state;
	char order[81];

	io_configure(c->r, REEVE_IO_DEADLINE, 128);
	for (int i = 0; i < 60; i++)
		io_submit_def(c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_NORMAL, 4096));
	for (int i = 0; i < 20; i++)
		io_submit_def(c->r, 3, io_def(REEVE_IO_WRITE, REEVE_IO_NORMAL, 4096));
	for (int i = 0; i < 80; i++)
		order[i] = io_perform(c->r) == 2 ? 'r' : 'w';
	order[80] = 0;
	assert_memory_equal(order,
		"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
		"wwwwwwwwwwwwwwww",
		48);
	assert_string_equal(order + 48, "rrrrrrrrrrrrrrrrrrrrrrrrrrrr"
					"wwww");
}

static void under_deadline_a_late_write_goes_before_fresh_reads(void **state)
{
	struct core *c = *state;

	io_configure(c->r, REEVE_IO_DEADLINE, 128);
	uint64_t late = io_submit_def(c->r, 3, io_def(REEVE_IO_WRITE, REEVE_IO_NORMAL, 4096));
	core_sleep(&c->h, 1100 * REEVE_MSEC);
	io_submit(c->r, 2, 4096);
	assert_true(io_info(c->r, late).is_past_deadline);
	assert_true(io_next(c->r).id.v == late);
}

static void a_request_without_deadline_is_served_in_the_end(void **state)
{
	struct core *c = *state;
	uint32_t n = 0;

	io_configure(c->r, REEVE_IO_DEADLINE, 128);
	uint64_t idle = io_submit_def(c->r, 3, io_def(REEVE_IO_READ, REEVE_IO_IDLE, 4096));
	assert_true(io_info(c->r, idle).deadline_wall == 0);
	for (struct reeve_io_request_info q = {0}; q.id.v != idle; n++) {
		io_submit(c->r, 2, 4096); /* there is always a fresh one */
		q = io_next(c->r);
		io_complete(c->r, q.id.v, 4096);
		core_sleep(&c->h, 100 * REEVE_MSEC);
		assert_true(n < 60);
	}
	assert_true(n > 40);
}

/* I/O, line 3: order depended on the clock; an expired Low request stayed behind fresh High ones. */
static void io_03_past_its_deadline_a_request_gains_two_classes(void **state)
{
	struct core *c = *state;
	struct reeve_io_def low = io_def(REEVE_IO_READ, REEVE_IO_LOW, 4096);

	io_configure(c->r, REEVE_IO_PRIORITY, 128);
	low.deadline = c->h.mono + 10 * REEVE_MSEC;
	uint64_t late = io_submit_def(c->r, 3, low);
	low.deadline = REEVE_NEVER;
	uint64_t never = io_submit_def(c->r, 3, low);
	core_sleep(&c->h, 20 * REEVE_MSEC);
	uint64_t normal = io_submit_def(c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_NORMAL, 4096));
	assert_int_equal(io_info(c->r, late).effective_priority, REEVE_IO_HIGH);
	assert_int_equal(io_info(c->r, late).priority, REEVE_IO_LOW);
	assert_true(io_next(c->r).id.v == late);
	assert_true(io_next(c->r).id.v == normal);
	assert_true(io_next(c->r).id.v == never);
	core_sleep(&c->h, REEVE_MSEC);
	io_complete(c->r, late, 4096);
	io_complete(c->r, normal, 4096);
	assert_true(io_group(c->r, 3).deadline_misses == 1);
	assert_true(io_stats(c->r).deadline_misses == 1);
}

static void waiting_half_a_second_is_worth_a_class(void **state)
{
	struct core *c = *state;
	struct reeve_io_def idle = io_def(REEVE_IO_READ, REEVE_IO_IDLE, 4096);

	io_configure(c->r, REEVE_IO_PRIORITY, 128);
	uint64_t old = io_submit_def(c->r, 3, idle);
	core_sleep(&c->h, 1001 * REEVE_MSEC);
	uint64_t normal = io_submit_def(c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_NORMAL, 4096));
	uint64_t high = io_submit_def(c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_HIGH, 4096));
	assert_true(io_next(c->r).id.v == high);
	assert_true(io_next(c->r).id.v == old);
	assert_true(io_next(c->r).id.v == normal);
}

static void a_boost_moves_a_waiting_request(void **state)
{
	struct core *c = *state;
	reeve_io_id first = {io_submit(c->r, 2, 4096)}, second = {io_submit(c->r, 2, 4096)};

	assert_ok(reeve_io_boost(c->r, second, REEVE_IO_REAL_TIME, E));
	assert_true(io_next(c->r).id.v == second.v);
	assert_fails(reeve_io_boost(c->r, second, 1, E), REEVE_EINVALID_STATE, "waits no longer");
	assert_fails(reeve_io_boost(c->r, first, 5, E), REEVE_EINVALID_ARGUMENT,
		"priority is 5; allowed are 0 (RealTime) to 4 (Idle)");
	assert_ok(reeve_io_boost(c->r, first, REEVE_IO_IDLE, E));
	assert_int_equal(io_info(c->r, first.v).priority, REEVE_IO_IDLE);
}

static void a_policy_changes_under_waiting_requests(void **state)
{
	struct core *c = *state;

	for (uint32_t i = 0; i < 60; i++)
		io_submit_def(c->r, 1 + i % 4, io_def(i % 4, i % 5, (i % 7) * 100 * KIB));
	for (uint32_t i = 0; i < 60; i++) {
		io_configure(c->r, i % 4, 128);
		assert_clean(c->r);
		io_perform(c->r);
		assert_int_equal(io_stats(c->r).policy, i % 4);
	}
	assert_int_equal(core_segment(c->r).io_requests, 0);
}

/* ---- limits ---- */

/* I/O, line 4: a throttled head stopped everybody; a request larger than the bucket stopped for ever. */
static void io_04_a_throttled_group_is_in_nobodys_way(void **state)
{
	struct core *c = *state;

	for (uint32_t policy = 0; policy < 4; policy++) {
		io_configure(c->r, policy, 128);
		io_limit(c->r, 2, MIB, REEVE_UNLIMITED, 100);
		uint64_t big =
			io_submit_def(c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_REAL_TIME, 4 * MIB));
		assert_true(io_next(c->r).id.v == big); /* larger than the bucket: on debt */
		io_complete(c->r, big, 4 * MIB);
		assert_true(io_group(c->r, 2).bandwidth_tokens == -3 * (int64_t)MIB);
		uint64_t small = io_submit_def(
			c->r, 2, io_def(REEVE_IO_READ, REEVE_IO_REAL_TIME, 512 * KIB));
		uint64_t other = io_submit_def(c->r, 3, io_def(REEVE_IO_READ, REEVE_IO_IDLE, 4096));
		assert_true(io_next(c->r).id.v == other);
		io_complete(c->r, other, 4096);
		assert_int_equal(io_info(c->r, small).state, REEVE_IO_THROTTLED);
		assert_in_range(io_retry(c->r), 3500 * REEVE_MSEC, 3500 * REEVE_MSEC + 10);
		core_sleep(&c->h, 3499 * REEVE_MSEC);
		assert_true(io_retry(c->r) > 0);
		core_sleep(&c->h, 2 * REEVE_MSEC);
		assert_true(io_next(c->r).id.v == small);
		io_complete(c->r, small, 512 * KIB);
		core_sleep(&c->h, 10 * REEVE_SEC);
	}
	assert_true(io_group(c->r, 2).throttled == 4 && io_stats(c->r).throttled == 4);
}

/* I/O, line 5: bandwidth was consumed even when operations then refused. */
static void io_05_both_limits_are_taken_together_or_not_at_all(void **state)
{
	struct core *c = *state;

	io_limit(c->r, 2, 10 * MIB, 2, 100);
	for (int i = 0; i < 3; i++)
		io_submit(c->r, 2, 1 * MIB);
	io_perform(c->r);
	io_perform(c->r);
	for (int i = 0; i < 5; i++)
		assert_in_range(io_retry(c->r), 499 * REEVE_MSEC, 500 * REEVE_MSEC + 10);
	struct reeve_io_group_stats g = io_group(c->r, 2);
	assert_in_range(g.bandwidth_tokens, 8 * MIB - 16, 8 * MIB);
	assert_true(g.iops_tokens == 0 && g.throttled == 1); /* one request, however often asked */
	core_sleep(&c->h, 501 * REEVE_MSEC);
	io_perform(c->r);
}

/* I/O, line 12: limits could not be changed. */
static void io_12_limits_change_live(void **state)
{
	struct core *c = *state;

	io_limit(c->r, 2, MIB, REEVE_UNLIMITED, 100);
	io_submit(c->r, 2, 11 * MIB);
	io_perform(c->r); /* ten seconds of debt */
	io_submit(c->r, 2, MIB);
	assert_in_range(io_retry(c->r), 10 * REEVE_SEC + 999 * REEVE_MSEC, 11 * REEVE_SEC + 10);
	io_limit(c->r, 2, 100 * MIB, REEVE_UNLIMITED, 100); /* the debt is 0.1 s of this */
	assert_in_range(io_retry(c->r), 105 * REEVE_MSEC, 115 * REEVE_MSEC);
	assert_ok(reeve_io_group_unregister(c->r, (reeve_group_id){2}, E));
	io_perform(c->r);
	assert_true(io_group(c->r, 2).bandwidth == REEVE_UNLIMITED);
	assert_fails(reeve_io_group_unregister(c->r, (reeve_group_id){2}, E), REEVE_ENOT_FOUND,
		"explicit I/O registration of consumer group 2");
}

/* Manager, line 7: registering again always failed with AlreadyExists. */
static void manager_07_registering_is_an_upsert_until_the_next_activation(void **state)
{
	struct core *c = *state;

	assert_int_equal(io_group(c->r, 2).weight, REEVE_IO_WEIGHT_DEFAULT);
	io_limit(c->r, 2, 1000, 10, 7);
	io_limit(c->r, 2, 2000, 20, 9);
	struct reeve_io_group_stats g = io_group(c->r, 2);
	assert_true(g.is_registered && g.bandwidth == 2000 && g.iops == 20 && g.weight == 9);
	core_group(c->r, "one more", 0); /* a new ruling, the same activation */
	assert_true(io_group(c->r, 2).bandwidth == 2000);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
	g = io_group(c->r, 2);
	assert_true(!g.is_registered && g.bandwidth == REEVE_UNLIMITED && g.weight == 100);
}

/* Groups, line 3: a group's own limits were decoration. */
static void groups_03_a_groups_own_limits_hold_whatever_else_is_said(void **state)
{
	struct core *c = *state;
	struct reeve_directive_def plan = {
		.given = REEVE_DIRECTIVE_IO_BANDWIDTH | REEVE_DIRECTIVE_IOPS,
		.io_bandwidth = MIB / 2,
		.iops = 70};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	uint32_t both = REEVE_GROUP_IO_BANDWIDTH | REEVE_GROUP_IOPS;

	def.io_bandwidth_limit = MIB;
	def.iops_limit = 50;
	assert_ok(reeve_group_update(c->r, (reeve_group_id){2}, both, &def, 0, E));
	assert_true(io_group(c->r, 2).bandwidth == MIB && io_group(c->r, 2).iops == 50);
	io_submit(c->r, 2, 2 * MIB);
	io_perform(c->r);
	io_submit(c->r, 2, MIB);
	assert_true(io_retry(c->r) > REEVE_SEC);
	/* registered by hand: the stricter of each kind */
	io_limit(c->r, 2, 100 * MIB, 20, 100);
	assert_true(io_group(c->r, 2).bandwidth == MIB && io_group(c->r, 2).iops == 20);
	io_limit(c->r, 2, MIB / 4, REEVE_UNLIMITED, 100);
	assert_true(io_group(c->r, 2).bandwidth == MIB / 4 && io_group(c->r, 2).iops == 50);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
	assert_true(io_group(c->r, 2).bandwidth == MIB && io_group(c->r, 2).iops == 50);
	/* said by the plan: likewise; and what is registered stands in the plan's place */
	core_directive(c->r, 1, 2, &plan);
	assert_true(io_group(c->r, 2).bandwidth == MIB / 2 && io_group(c->r, 2).iops == 50);
	io_limit(c->r, 2, 3 * MIB / 4, 60, 100);
	assert_true(io_group(c->r, 2).bandwidth == 3 * MIB / 4 && io_group(c->r, 2).iops == 50);
	plan.given = 0;
	plan.removed = REEVE_DIRECTIVE_IO_BANDWIDTH | REEVE_DIRECTIVE_IOPS;
	core_directive(c->r, 1, 2, &plan);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
	def.io_bandwidth_limit = def.iops_limit = REEVE_UNLIMITED;
	assert_ok(reeve_group_update(c->r, (reeve_group_id){2}, both, &def, 0, E));
	io_perform(c->r);
}

/* ---- max_concurrent ---- */

/* I/O, line 9: the limit of requests under way was checked, and then acted upon. */
static void io_09_no_more_than_max_concurrent_are_under_way(void **state)
{
	struct core *c = *state;
	uint64_t ids[3];

	io_configure(c->r, REEVE_IO_COMPLETELY_FAIR, 3);
	for (int i = 0; i < 5; i++)
		io_submit(c->r, 2, 4096);
	for (int i = 0; i < 3; i++)
		ids[i] = io_next(c->r).id.v;
	assert_true(io_retry(c->r) == 0);
	assert_int_equal(io_stats(c->r).active, 3);
	assert_int_equal(io_stats(c->r).queued, 2);
	io_complete(c->r, ids[1], 4096);
	io_next(c->r);
	assert_true(io_retry(c->r) == 0);
	io_configure(c->r, REEVE_IO_COMPLETELY_FAIR, 4); /* live */
	io_next(c->r);
}

/* ---- cancel, lists, statistics ---- */

static void a_cancelled_request_is_gone(void **state)
{
	struct core *c = *state;
	reeve_io_id a = {io_submit(c->r, 2, 4096)}, b = {io_submit(c->r, 2, 4096)};
	struct reeve_io_request_info q;

	assert_true(io_next(c->r).id.v == a.v);
	assert_ok(reeve_io_cancel(c->r, b, &q, E));
	assert_int_equal(q.state, REEVE_IO_CANCELLED);
	assert_ok(reeve_io_cancel(c->r, a, NULL, E)); /* given up */
	assert_fails(reeve_io_complete(c->r, a, 1, true, NULL, E), REEVE_ENOT_FOUND, "request 1");
	assert_fails(reeve_io_cancel(c->r, b, NULL, E), REEVE_ENOT_FOUND, "I/O request 2");
	struct reeve_io_stats s = io_stats(c->r);
	assert_true(s.cancelled == 2 && s.total == 2 && s.completed == 0 && s.active == 0);
}

static void a_failed_request_counts_as_failed_only(void **state)
{
	struct core *c = *state;
	reeve_io_id id = {io_submit(c->r, 2, 4096)};
	struct reeve_io_request_info q;

	io_next(c->r);
	assert_ok(reeve_io_complete(c->r, id, 100, false, &q, E));
	assert_int_equal(q.state, REEVE_IO_FAILED);
	struct reeve_io_stats s = io_stats(c->r);
	assert_true(s.failed == 1 && s.completed == 0 && s.bytes_read == 0);
	assert_true(io_group(c->r, 2).total_ops == 0);
}

static void requests_are_listed_by_id(void **state)
{
	struct core *c = *state;
	struct reeve_io_request_info list[100];
	uint32_t n = 0, k;

	for (int i = 0; i < 100; i++)
		io_submit(c->r, 1 + (uint64_t)i % 4, 4096);
	io_perform(c->r); /* the first */
	assert_int_equal(reeve_io_request_copy(c->r, (reeve_io_id){0}, list, 100), 99);
	for (n = 0; n < 99; n++)
		assert_true(list[n].id.v == n + 2);
	assert_int_equal(reeve_io_request_copy(c->r, (reeve_io_id){95}, list, 3), 3);
	assert_true(list[0].id.v == 96 && list[2].id.v == 98);
	for (k = 0; k < 99; k++)
		io_perform(c->r);
	assert_int_equal(reeve_io_request_copy(c->r, (reeve_io_id){0}, list, 100), 0);
}

/* I/O, line 11: the rate averaged a running total, and depended on how often it was asked for. */
static void io_11_rates_do_not_depend_on_who_asks(void **state)
{
	struct core *c = *state;
	uint64_t seen[2];

	for (int asked = 0; asked < 2; asked++) {
		for (int i = 0; i < 1000; i++) { /* 10 s of 100 requests a second, 10 kB each */
			io_submit(c->r, 2, 10000);
			io_perform(c->r);
			core_sleep(&c->h, 10 * REEVE_MSEC);
			if (asked)
				io_group(c->r, 2);
		}
		seen[asked] = io_group(c->r, 2).bytes_per_s;
		assert_in_range(seen[asked], 985000, 1015000);
		assert_in_range(io_group(c->r, 2).milliops_per_s, 98500, 101500);
		core_sleep(&c->h, REEVE_SEC); /* the half-life */
		assert_in_range(io_group(c->r, 2).bytes_per_s, seen[asked] / 2 - seen[asked] / 100,
			seen[asked] / 2 + seen[asked] / 100);
		core_sleep(&c->h, 60 * REEVE_SEC);
		assert_true(io_group(c->r, 2).bytes_per_s == 0);
	}
	assert_in_range(seen[1], seen[0] - seen[0] / 1000, seen[0] + seen[0] / 1000);
	assert_true(io_stats(c->r).bytes_per_s == 0);
}

/* I/O, line 10: the "average latency" smoothed queue waits by half, and left service out. */
static void io_10_latencies_are_those_that_were(void **state)
{
	struct core *c = *state;
	struct reeve_io_stats s;

	for (int i = 1; i <= 100; i++) { /* waits of 1 to 100 ms, each served in 2 ms */
		uint64_t id = io_submit(c->r, 2, 4096);
		core_sleep(&c->h, i * REEVE_MSEC);
		io_next(c->r);
		core_sleep(&c->h, 2 * REEVE_MSEC);
		io_complete(c->r, id, 4096);
	}
	s = io_stats(c->r);
	assert_true(s.wait.count == 100 && s.service.count == 100);
	assert_true(s.wait.sum_ns == 5050 * (uint64_t)REEVE_MSEC);
	assert_true(s.wait.min_ns == (uint64_t)REEVE_MSEC);
	assert_true(s.wait.max_ns == 100 * (uint64_t)REEVE_MSEC);
	assert_true(s.avg_latency_ns == 52500 * (uint64_t)REEVE_USEC);
	assert_in_range(reeve_latency_at(&s.wait, 500000), 40 * REEVE_MSEC, 60 * REEVE_MSEC);
	assert_in_range(reeve_latency_at(&s.wait, 990000), 90 * REEVE_MSEC, 100 * REEVE_MSEC);
	assert_true(reeve_latency_at(&s.wait, REEVE_PPM) == 100 * (uint64_t)REEVE_MSEC);
	assert_true(reeve_latency_at(&s.service, 500000) == 2 * (uint64_t)REEVE_MSEC);
	assert_true(reeve_latency_at(NULL, 1) == 0);
	assert_true(io_group(c->r, 2).wait.count == 100 && io_group(c->r, 3).wait.count == 0);
}

static void a_device_is_busy_by_its_mean_number_under_way(void **state)
{
	struct core *c = *state;
	struct reeve_io_device_stats d[2];
	struct reeve_io_def def = io_read(4096);

	assert_ok(reeve_io_device_open(c->r, "disk", &def.device, E));
	reeve_io_device_stats_copy(c->r, d, 2);
	for (int i = 0; i < 1000; i++) { /* a quarter of the time */
		uint64_t id = io_submit_def(c->r, 2, def);
		io_next(c->r);
		core_sleep(&c->h, 5 * REEVE_MSEC);
		if (i == 500) {
			reeve_io_device_stats_copy(c->r, d, 2);
			assert_int_equal(d[1].queue_depth, 1);
			assert_int_equal(d[0].queue_depth, 0);
		}
		io_complete(c->r, id, 4096);
		core_sleep(&c->h, 15 * REEVE_MSEC);
		if (i % 10 == 0)
			assert_ok(reeve_tick(c->r, NULL, E));
	}
	assert_int_equal(reeve_io_device_stats_copy(c->r, d, 2), 2);
	assert_in_range(d[1].busy_ppm, 240000, 260000);
	assert_true(d[1].total_ops == 1000 && d[1].queue_depth == 0);
}

/* ---- sessions and processes ---- */

static void requests_of_a_session_count_for_it_and_end_with_it(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_io_def def = io_read(1000);
	reeve_io_id a, b, d;

	assert_ok(reeve_io_submit_for(s, &def, &a, E));
	assert_ok(reeve_io_submit_for(s, &def, &b, E));
	assert_ok(reeve_io_submit_for(s, &def, &d, E));
	assert_true(io_info(c->r, a.v).session.v == reeve_session_id_of(s).v);
	assert_true(io_info(c->r, a.v).group.v == 3);
	io_next(c->r);
	io_complete(c->r, a.v, 900);
	io_next(c->r);
	assert_true(io_group(c->r, 3).total_bytes == 900);
	reeve_session_destroy(s); /* with one under way and one waiting */
	assert_fails(reeve_io_complete(c->r, b, 1000, true, NULL, E), REEVE_ENOT_FOUND, "request");
	assert_int_equal(core_segment(c->r).io_requests, 0);
	assert_true(io_group(c->r, 3).total_bytes == 900 && io_group(c->r, 3).total_ops == 1);
	assert_int_equal(io_stats(c->r).active, 0);
}

static void requests_go_with_their_process(void **state)
{
	struct core *c = *state;
	struct reeve *other = NULL;

	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &other, E));
	io_submit(other, 2, 4096);
	io_submit(c->r, 2, 4096);
	io_submit(other, 2, 4096);
	assert_true(io_next(c->r).id.v == 1); /* under way in this process, for that one */
	c->h.dead_below = 60;
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(core_segment(c->r).io_requests, 1);
	assert_int_equal(io_stats(c->r).active, 0);
	assert_true(io_next(c->r).id.v == 2);
	other->attachment = REEVE_NONE; /* it is dead */
	reeve_close(other);
}

/* ---- groups that go ---- */

static void requests_of_a_deleted_group_move(void **state)
{
	struct core *c = *state;
	reeve_group_id gone = {core_group(c->r, "gone", 0)};
	struct reeve_io_def def = io_read(1000);
	struct reeve_session *s = core_session(c->r, gone.v);
	reeve_io_id id = {0};

	io_limit(c->r, gone.v, MIB, 10, 7);
	io_submit(c->r, gone.v, 1000);
	io_perform(c->r);
	uint64_t active = io_submit(c->r, gone.v, 1000), waiting;
	assert_true(io_next(c->r).id.v == active);
	waiting = io_submit(c->r, gone.v, 1000);
	assert_ok(reeve_io_begin(s, &def, E));
	assert_int_equal(reeve_io_end(s, 1000, true), 0);
	assert_fails(reeve_group_destroy(c->r, gone, (reeve_group_id){0}, E), REEVE_ECONFLICT,
		"1 session, 1 I/O registration, 2 I/O requests");
	assert_ok(reeve_group_destroy(c->r, gone, (reeve_group_id){3}, E));
	assert_true(io_info(c->r, waiting).group.v == 3 && io_info(c->r, active).group.v == 3);
	assert_true(io_group(c->r, 3).bandwidth == MIB && io_group(c->r, 3).weight == 7);
	assert_true(io_group(c->r, 3).active == 1 && io_group(c->r, 3).queued == 1);
	assert_fails(reeve_io_submit(c->r, gone, &def, &id, E), REEVE_ENOT_FOUND, "consumer group");
	assert_clean(c->r);
	io_complete(c->r, active, 1000);
	assert_true(io_next(c->r).id.v == waiting);
	io_complete(c->r, waiting, 1000);
	assert_ok(reeve_io_begin(s, &def, E));
	assert_int_equal(reeve_io_end(s, 500, true), 0);
	assert_true(io_group(c->r, 3).total_bytes == 2500);
	reeve_session_destroy(s);
	/* another in its place has no past */
	uint64_t fresh = core_group(c->r, "fresh", 0);
	struct reeve_io_group_stats g = io_group(c->r, fresh);
	assert_true(g.total_bytes == 0 && g.total_ops == 0 && g.wait.count == 0 && g.weight == 100);
	assert_true(g.bandwidth == REEVE_UNLIMITED && !g.is_registered && g.throttled == 0);
	io_submit(c->r, fresh, 10);
	assert_true(io_perform(c->r) == fresh);
}

/* An executor whose threads never come by, and a job of it. */
static uint32_t stalled_executor(struct core *c)
{
	struct reeve_sh_io_executor *e;
	struct reeve__io_pass x;
	uint32_t ex;

	reeve__io_lock(&x, c->r);
	ex = reeve__table_claim(c->r, &x.io->executors);
	e = &c->r->io_executors[ex];
	e->first = e->last = REEVE_NONE;
	e->attachment = c->r->attachment;
	reeve__table_publish(c->r, &x.io->executors, ex, 1, NULL);
	reeve__io_done(&x);
	return ex;
}

static uint32_t stalled_job(struct core *c, uint32_t ex)
{
	const struct reeve_io_def def = io_def(REEVE_IO_READ, REEVE_IO_NORMAL, 4096);
	struct reeve__io_pass x;
	uint32_t i;

	reeve__io_lock(&x, c->r);
	i = reeve__io_request_create(&x, &def, REEVE_IO_KIND_MANAGED, 0, REEVE_NONE, ex);
	reeve__io_enqueue(&x, i);
	reeve__io_done(&x);
	return i;
}

static void end_stalled(struct core *c, uint32_t ex)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, c->r);
	for (uint32_t i = 0; i < reeve__table_used(&x.io->requests); i++)
		if (reeve__get(&c->r->io_requests[i].head.state) == REEVE_SLOT_LIVE)
			reeve__io_finish(&x, i, REEVE_IO_CANCELLED, 0);
	reeve__table_free(c->r, &x.io->executors, ex, NULL);
	reeve__io_done(&x);
}

/* A managed job is in its executor's list from the cancel on: twice in it, the list had no end. */
static void a_job_is_cancelled_once(void **state)
{
	struct core *c = *state;
	uint32_t ex = stalled_executor(c), i = stalled_job(c, ex);
	struct reeve_sh_io_executor *e = &c->r->io_executors[ex];
	reeve_io_id id = {c->r->io_requests[i].head.id};

	assert_ok(reeve_io_cancel(c->r, id, NULL, E));
	assert_true(e->first == i && e->last == i);
	assert_fails(reeve_io_cancel(c->r, id, NULL, E), REEVE_EINVALID_STATE,
		"I/O request 1 has been cancelled");
	assert_true(e->first == i && c->r->io_requests[i].next == REEVE_NONE);
	assert_clean(c->r);
	end_stalled(c, ex);
	assert_int_equal(io_stats(c->r).cancelled, 1);
}

/* Listed again after it was taken up, a job's slot became another request's, and the list broke there. */
static void recovery_lists_what_was_not_taken_up(void **state)
{
	struct core *c = *state;
	uint32_t ex = stalled_executor(c), i = stalled_job(c, ex), j = stalled_job(c, ex);
	struct reeve_sh_io_executor *e = &c->r->io_executors[ex];
	struct reeve__io_pass x;

	reeve__io_lock(&x, c->r);
	reeve__io_dispatch(&x, 2);
	assert_true(e->first == i && e->last == j && c->r->io_requests[i].next == j);
	c->r->io_requests[i].flags |= REEVE_IO_FLAG_TAKEN; /* as its executor does */
	e->first = j;
	reeve__io_rebuild(&x);
	reeve__io_done(&x);
	assert_true(e->first == j && e->last == j);
	assert_clean(c->r);
	end_stalled(c, ex);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(a_request_goes_from_queued_to_active_and_away),
		with_core(io_08_completion_is_exactly_once_and_nothing_grows),
		with_core(io_07_unknown_groups_are_refused),
		with_core(io_06_fair_is_charged_at_dispatch),
		with_core(a_newcomer_starts_level),
		with_core(io_02_the_four_policies_differ),
		with_core(deadline_batches_reads_and_does_not_starve_writes),
		with_core(under_deadline_a_late_write_goes_before_fresh_reads),
		with_core(a_request_without_deadline_is_served_in_the_end),
		with_core(io_03_past_its_deadline_a_request_gains_two_classes),
		with_core(waiting_half_a_second_is_worth_a_class),
		with_core(a_boost_moves_a_waiting_request),
		with_core(a_policy_changes_under_waiting_requests),
		with_core(io_04_a_throttled_group_is_in_nobodys_way),
		with_core(io_05_both_limits_are_taken_together_or_not_at_all),
		with_core(io_12_limits_change_live),
		with_core(manager_07_registering_is_an_upsert_until_the_next_activation),
		with_core(groups_03_a_groups_own_limits_hold_whatever_else_is_said),
		with_core(io_09_no_more_than_max_concurrent_are_under_way),
		with_core(a_cancelled_request_is_gone),
		with_core(a_failed_request_counts_as_failed_only),
		with_core(requests_are_listed_by_id),
		with_core(io_11_rates_do_not_depend_on_who_asks),
		with_core(io_10_latencies_are_those_that_were),
		with_core(a_device_is_busy_by_its_mean_number_under_way),
		with_core(requests_of_a_session_count_for_it_and_end_with_it),
		with_core(requests_go_with_their_process),
		with_core(a_job_is_cancelled_once),
		with_core(recovery_lists_what_was_not_taken_up),
		with_core(requests_of_a_deleted_group_move),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
