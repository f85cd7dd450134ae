/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of reeve_io_begin and reeve_io_end: who waits, what wakes, what ends a wait. */
#include "io_kit.h"

#include "../../src/engine/io.h"

#include <stdio.h>
#include <stdlib.h>

#include <string.h>

static void begin(struct reeve_session *s, uint64_t size)
{
	struct reeve_io_def def = io_read(size);

	assert_ok(reeve_io_begin(s, &def, E));
}

static void end(struct reeve_session *s, uint64_t bytes)
{
	assert_int_equal(reeve_io_end(s, bytes, true), 0);
}

static struct reeve_session *running(struct reeve *r, uint64_t group)
{
	struct reeve_session *s = core_session(r, group);

	assert_ok(reeve_query_begin(s, NULL, E));
	return s;
}

static void an_admission_counts_for_session_group_and_device(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);
	struct reeve_io_def def = io_def(REEVE_IO_SYNC_WRITE, REEVE_IO_NORMAL, 8192);
	struct reeve_io_device_stats d[2];

	assert_ok(reeve_io_device_open(c->r, "wal", &def.device, E));
	assert_ok(reeve_io_begin(s, &def, E));
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_BLOCKED);
	assert_int_equal(io_group(c->r, 3).active, 1);
	core_sleep(&c->h, 3 * REEVE_MSEC);
	end(s, 8000);
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	assert_true(reeve__get(&s->t->io_bytes) == 8000 && reeve__get(&s->t->io_requests) == 1);
	struct reeve_io_group_stats g = io_group(c->r, 3);
	assert_true(g.total_bytes == 8000 && g.total_ops == 1 && g.active == 0);
	assert_true(g.wait.count == 1 && g.wait.buckets[0] == 1);
	assert_true(g.bytes_per_s > 5000 && g.bytes_per_s < 6000); /* ln 2 of it */
	assert_int_equal(reeve_io_device_stats_copy(c->r, d, 2), 2);
	assert_true(d[1].total_bytes == 8000 && d[1].service.sum_ns == 3 * (uint64_t)REEVE_MSEC);
	assert_true(io_stats(c->r).bytes_written == 8000);
	reeve_query_end(s, NULL);
	begin(s, 100); /* outside of a statement too */
	end(s, 100);
	reeve_session_destroy(s);
	assert_true(io_group(c->r, 3).total_bytes == 8100); /* stays with the group */
	assert_int_equal(core_segment(c->r).io_requests, 0);
}

static void one_at_a_time(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);
	struct reeve_io_def def = io_read(1);

	begin(s, 1);
	assert_fails(reeve_io_begin(s, &def, E), REEVE_EINVALID_STATE, "under way; end it first");
	end(s, 1);
	assert_int_equal(reeve_io_end(s, 1, true), 0); /* nothing to end */
	assert_true(io_group(c->r, 3).total_ops == 1);
	begin(s, 1);
	reeve_query_end(s, NULL); /* ends the request too, as failed */
	assert_true(io_stats(c->r).failed == 1);
	begin(s, 1);
	reeve_session_destroy(s);
	assert_true(io_stats(c->r).failed == 2 && io_stats(c->r).active == 0);
}

static void the_cpu_slot_is_free_meanwhile(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = running(c->r, 3), *b;

	begin(a, 4096);
	b = running(c->r, 3); /* there is one slot, and nobody had to wait */
	assert_int_equal(c->h.waits, 0);
	reeve_query_end(b, NULL);
	end(a, 4096);
	struct reeve_io_def def = io_read(4096);
	def.keeps_cpu_slot = true;
	assert_ok(reeve_io_begin(a, &def, E));
	assert_int_equal(core_info(c->r, a).state, REEVE_SESSION_ACTIVE);
	end(a, 4096);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* ---- waiting for a limit ---- */

static void an_admission_waits_for_its_groups_limit(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);
	struct reeve_query_usage usage;
	reeve_ns before;

	io_limit(c->r, 3, MIB, REEVE_UNLIMITED, 100);
	begin(s, MIB); /* the burst */
	end(s, MIB);
	assert_int_equal(c->h.waits, 0);
	before = c->h.mono;
	begin(s, MIB / 2);
	assert_in_range(c->h.mono - before, 500 * REEVE_MSEC, 500 * REEVE_MSEC + 2000);
	end(s, MIB / 2);
	reeve_query_end(s, &usage);
	assert_true(usage.blocked_ns >= 500 * REEVE_MSEC && usage.wait_ns == 0);
	assert_true(io_group(c->r, 3).throttled == 1);
	assert_true(io_group(c->r, 3).wait.max_ns >= 500 * (uint64_t)REEVE_MSEC);
	assert_int_equal(core_info(c->r, s).wait_reason, REEVE_WAIT_NONE);
	reeve_session_destroy(s);
}

static void look_at_wait(struct core_host *h, void *arg)
{
	struct reeve_session *s = arg;
	struct reeve_session_info info = core_info(s->r, s);
	struct reeve_io_request_info list[4];

	assert_int_equal(info.state, REEVE_SESSION_WAITING);
	assert_int_equal(info.wait_reason, REEVE_WAIT_IO_IOPS);
	assert_true(info.waiting_since > 0 && info.waiting_since <= h->mono);
	assert_int_equal(reeve_io_request_copy(s->r, (reeve_io_id){0}, list, 4), 1);
	assert_true(list[0].session.v == info.id.v && list[0].is_admission);
	assert_int_equal(list[0].state, REEVE_IO_THROTTLED);
	assert_clean(s->r);
}

static void a_wait_shows_its_reason(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);

	io_limit(c->r, 3, REEVE_UNLIMITED, 1, 100);
	begin(s, 1);
	end(s, 1);
	c->h.on_wait = look_at_wait;
	c->h.arg = s;
	begin(s, 1);
	c->h.on_wait = NULL;
	assert_true(c->h.waits > 0);
	end(s, 1);
	reeve_session_destroy(s);
}

static void raise_limit(struct core_host *h, void *arg)
{
	struct reeve *r = arg;

	h->on_wait = NULL;
	io_limit(r, 3, 1000 * MIB, REEVE_UNLIMITED, 100);
}

static void a_raised_limit_wakes_at_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);
	reeve_ns before = c->h.mono;

	io_limit(c->r, 3, MIB, REEVE_UNLIMITED, 100);
	begin(s, 11 * MIB);
	end(s, 11 * MIB);
	c->h.on_wait = raise_limit;
	c->h.arg = c->r;
	begin(s, 4096);
	assert_true(c->h.mono - before < 120 * REEVE_MSEC);
	end(s, 4096);
	reeve_session_destroy(s);
}

/* ---- cancel, kill, deadline, give up ---- */

struct act {
	struct reeve_session *s;
	int (*fn)(struct reeve *, reeve_session_id, struct reeve_error *);
};

static void act_once(struct core_host *h, void *arg)
{
	struct act *a = arg;

	h->on_wait = NULL;
	assert_ok(a->fn(a->s->r, reeve_session_id_of(a->s), E));
}

/* A session that waits for a limit for a day. */
static struct reeve_session *in_debt(struct core *c, bool in_query)
{
	struct reeve_session *s = in_query ? running(c->r, 3) : core_session(c->r, 3);

	io_limit(c->r, 3, MIB, REEVE_UNLIMITED, 100);
	begin(s, 86400 * MIB);
	end(s, 1);
	return s;
}

static void interrupted(struct core *c, bool in_query,
	int (*fn)(struct reeve *, reeve_session_id, struct reeve_error *), int code,
	const char *part)
{
	struct reeve_session *s = in_debt(c, in_query);
	struct reeve_io_def def = io_read(MIB);
	struct act a = {s, fn};
	reeve_ns before = c->h.mono;

	c->h.on_wait = act_once;
	c->h.arg = &a;
	assert_fails(reeve_io_begin(s, &def, E), code, part);
	assert_true(c->h.mono - before < 200 * REEVE_MSEC);
	assert_int_equal(reeve_io_end(s, 1, true), 0); /* there is nothing to end */
	assert_true(io_stats(c->r).cancelled == 1 && io_stats(c->r).queued == 0);
	assert_int_equal(core_segment(c->r).io_requests, 0);
	reeve_session_destroy(s);
}

static void a_cancel_ends_the_wait(void **state)
{
	interrupted(*state, true, reeve_session_cancel, REEVE_ECANCELLED, "was cancelled");
}

static void a_kill_ends_the_wait(void **state)
{
	interrupted(*state, true, reeve_session_kill, REEVE_EKILLED, "was killed");
}

static void a_kill_ends_the_wait_outside_of_a_statement(void **state)
{
	interrupted(*state, false, reeve_session_kill, REEVE_EKILLED, "was killed");
}

static int cancel_request(struct reeve *r, reeve_session_id id, struct reeve_error *err)
{
	struct reeve_io_request_info q;

	(void)id;
	assert_int_equal(reeve_io_request_copy(r, (reeve_io_id){0}, &q, 1), 1);
	return reeve_io_cancel(r, q.id, NULL, err);
}

static void a_cancelled_request_ends_the_wait(void **state)
{
	interrupted(
		*state, true, cancel_request, REEVE_ECANCELLED, "the I/O request was cancelled");
}

static void the_statements_deadline_ends_the_wait(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = in_debt(c, false);
	struct reeve_query_def def = {.deadline = c->h.mono + 3 * REEVE_SEC};
	struct reeve_io_def io = io_read(MIB);
	reeve_ns before = c->h.mono;

	assert_ok(reeve_query_begin(s, &def, E));
	assert_fails(reeve_io_begin(s, &io, E), REEVE_ETIMEOUT, "out of time after 3.000 s");
	assert_in_range(c->h.mono - before, 3 * REEVE_SEC, 3 * REEVE_SEC + 2000);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
}

static void who_gives_up_is_told_why_it_waited(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = in_debt(c, true);
	struct reeve_io_def io = io_read(MIB);

	io.give_up = c->h.mono + 2 * REEVE_SEC;
	assert_fails(reeve_io_begin(s, &io, E), REEVE_ETIMEOUT,
		"not admitted to I/O in time: its group is over its limit of I/O bytes");
	assert_in_range(c->h.mono, io.give_up, io.give_up + 2000);
	assert_ok(reeve_checkpoint(s)); /* the statement may go on */
	reeve_session_destroy(s);
}

/* A trap of others: an accounting call that waits on its own limiter, with latches held. */
static void a_shielded_session_never_waits(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = in_debt(c, true);

	reeve_shield_begin(s);
	begin(s, MIB);
	end(s, MIB);
	assert_int_equal(c->h.waits, 0);
	assert_true(io_group(c->r, 3).total_bytes == MIB + 1); /* but it is charged */
	assert_true(io_group(c->r, 3).bandwidth_tokens < -86399 * (int64_t)MIB);
	reeve_shield_end(s);
	reeve_session_destroy(s);
}

static void a_degraded_segment_holds_nobody_back(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = in_debt(c, true);

	reeve__segment_degrade(c->r, "for the test");
	begin(s, MIB);
	end(s, MIB);
	assert_int_equal(c->h.waits, 0);
	reeve_session_destroy(s);
	atomic_store(&c->r->header->state, (uint32_t)REEVE_SEGMENT_READY);
}

/* ---- waiting for others ---- */

struct other {
	struct reeve_session *s;
	uint32_t seen;
};

static void end_other(struct core_host *h, void *arg)
{
	struct other *o = arg;
	uint32_t wakes = h->wakes;

	h->on_wait = NULL;
	o->seen = core_info(o->s->r, o->s).wait_reason;
	end(o->s, 4096);
	assert_true(h->wakes > wakes); /* who waits is told */
}

static void who_ends_wakes_who_waits(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = running(c->r, 2);
	struct other o = {a, 0};
	reeve_ns before = c->h.mono;

	io_configure(c->r, REEVE_IO_COMPLETELY_FAIR, 1);
	begin(a, 4096);
	c->h.on_wait = end_other;
	c->h.arg = &o;
	begin(b, 4096);
	assert_true(c->h.mono == before); /* woken, not timed out */
	assert_true(io_group(c->r, 2).active == 1 && io_group(c->r, 3).active == 0);
	end(b, 4096);
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	assert_int_equal(io_stats(c->r).active, 0);
}

static void die(struct core_host *h, void *arg)
{
	h->on_wait = arg ? NULL : h->on_wait;
	h->dead_below = 60;
}

static void a_waiter_returns_what_a_dead_process_held(void **state)
{
	struct core *c = *state;
	struct reeve_session *a, *b = running(c->r, 2);
	struct reeve *other = NULL;
	reeve_ns before = c->h.mono;

	io_configure(c->r, REEVE_IO_COMPLETELY_FAIR, 1);
	c->h.pid = 50;
	assert_ok(reeve_attach(c->r, &other, E));
	a = core_session(other, 3);
	begin(a, 4096); /* and dies */
	c->h.on_wait = die;
	c->h.arg = c;
	begin(b, 4096);
	assert_true(c->h.mono - before < REEVE_SEC);
	end(b, 4096);
	reeve_session_destroy(b);
	assert_int_equal(io_stats(c->r).active, 0);
	other->attachment = REEVE_NONE;
	other->local_sessions = NULL;
	free(a);
	reeve_close(other);
}

static void a_full_table_is_said_and_passes(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = in_debt(c, true);
	struct reeve_io_def def = io_read(4096);
	reeve_io_id id = {77};

	for (int i = 0; i < 128; i++)
		io_submit(c->r, 2, 4096);
	assert_fails(reeve_io_submit(c->r, (reeve_group_id){2}, &def, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "the table of I/O requests is full: 128 of 128");
	assert_true(id.v == 77);
	assert_fails(reeve_io_begin(s, &def, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of I/O requests is full: 128 of 128");
	assert_int_equal(core_info(c->r, s).state, REEVE_SESSION_ACTIVE);
	io_perform(c->r);
	assert_ok(reeve_io_submit(c->r, (reeve_group_id){2}, &def, &id, E));
	assert_true(id.v == 129);
	for (int i = 0; i < 128; i++)
		io_perform(c->r);
	reeve_session_destroy(s);
	assert_int_equal(core_segment(c->r).io_requests, 0);
}

static void all_targets_are_taken(void **state)
{
	struct core *c = *state;
	uint32_t device = 77;
	char name[16];

	for (uint32_t i = 1; i < 64; i++) {
		snprintf(name, sizeof(name), "file %u", i);
		assert_ok(reeve_io_device_open(c->r, name, &device, E));
		assert_int_equal(device, i);
	}
	device = 77;
	assert_fails(reeve_io_device_open(c->r, "one more", &device, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of I/O targets is full: 63 of 63");
	assert_int_equal(device, 77);
	assert_ok(reeve_io_device_open(c->r, "file 5", &device, E));
	assert_int_equal(device, 5);
}

static void a_switched_session_leaves_what_it_moved(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);

	begin(s, 1000);
	end(s, 1000);
	assert_ok(reeve_session_switch(c->r, reeve_session_id_of(s), (reeve_group_id){2}, 0, E));
	begin(s, 500);
	end(s, 500);
	assert_true(io_group(c->r, 3).total_bytes == 1000 && io_group(c->r, 2).total_bytes == 500);
	assert_true(reeve__get(&s->t->io_bytes) == 1500); /* the session's own goes on */
	reeve_session_destroy(s);
	assert_true(io_group(c->r, 3).total_bytes == 1000 && io_group(c->r, 2).total_bytes == 500);
	assert_true(io_group(c->r, 2).total_ops == 1);
}

static void misses_are_counted_for_admissions_too(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = running(c->r, 3);
	struct reeve_io_def def = io_def(REEVE_IO_METADATA, REEVE_IO_NORMAL, 0);

	for (int ms = 49; ms <= 51; ms += 2) { /* the default is 50 */
		assert_ok(reeve_io_begin(s, &def, E));
		core_sleep(&c->h, ms * REEVE_MSEC);
		end(s, 0);
	}
	assert_true(io_group(c->r, 3).deadline_misses == 1);
	assert_ok(reeve_io_deadline_set(c->r, REEVE_IO_METADATA, REEVE_IO_NORMAL, REEVE_NEVER, E));
	assert_ok(reeve_io_begin(s, &def, E));
	core_sleep(&c->h, REEVE_SEC);
	end(s, 0);
	def.deadline = c->h.mono + REEVE_MSEC;
	assert_ok(reeve_io_begin(s, &def, E));
	core_sleep(&c->h, 2 * REEVE_MSEC);
	end(s, 0);
	assert_true(io_group(c->r, 3).deadline_misses == 2);
	reeve_session_destroy(s);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(an_admission_counts_for_session_group_and_device),
		with_core(one_at_a_time),
		with_core(the_cpu_slot_is_free_meanwhile),
		with_core(an_admission_waits_for_its_groups_limit),
		with_core(a_wait_shows_its_reason),
		with_core(a_raised_limit_wakes_at_once),
		with_core(a_cancel_ends_the_wait),
		with_core(a_kill_ends_the_wait),
		with_core(a_kill_ends_the_wait_outside_of_a_statement),
		with_core(a_cancelled_request_ends_the_wait),
		with_core(the_statements_deadline_ends_the_wait),
		with_core(who_gives_up_is_told_why_it_waited),
		with_core(a_shielded_session_never_waits),
		with_core(a_degraded_segment_holds_nobody_back),
		with_core(who_ends_wakes_who_waits),
		with_core(a_waiter_returns_what_a_dead_process_held),
		with_core(a_full_table_is_said_and_passes),
		with_core(all_targets_are_taken),
		with_core(a_switched_session_leaves_what_it_moved),
		with_core(misses_are_counted_for_admissions_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
