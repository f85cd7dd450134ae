/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the ring of events: what is told, laps, holes, torn places, waiting, threads. */
#include "core.h"

#include "../../src/segment/segment.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct reeve_event last_event(struct reeve *r, uint32_t kind)
{
	struct reeve_event e[64], found = {0};
	uint64_t at = 0;
	uint32_t n;

	while ((n = reeve_event_copy(r, at, e, 64, &at, NULL)))
		for (uint32_t i = 0; i < n; i++)
			if (e[i].kind == kind)
				found = e[i];
	return found;
}

static void emit(struct reeve *r, uint64_t number)
{
	reeve__event_emit(r, &(struct reeve_event){.kind = REEVE_EVENT_REBALANCED,
				     .object = number,
				     .limit = number,
				     .actual = ~number});
}

/* A number taken by a writer that never came back. */
static uint64_t leave_hole(struct reeve *r)
{
	return atomic_fetch_add(&r->header->events.next, 1);
}

static void every_kind_reads_as_a_sentence(void **state)
{
	(void)state;
	for (uint32_t kind = 1; kind <= REEVE_EVENT_LAST; kind++) {
		struct reeve_event e = {.kind = kind, .text = "text"};
		char text[256];
		assert_non_null(reeve_event_row_of(kind));
		size_t n = reeve_event_format(&e, text, sizeof(text));
		assert_int_equal(n, strlen(text));
		assert_null(strchr(text, '{'));
	}
	assert_null(reeve_event_row_of(0));
	assert_null(reeve_event_row_of(REEVE_EVENT_LAST + 1));
	assert_null(reeve_limit_row_of(1000));
	assert_string_equal(reeve_limit_row_of(REEVE_LIMIT_IO_BYTES)->unit, "bytes");
}

static void a_sentence_carries_the_numbers(void **state)
{
	struct reeve_event e = {.kind = REEVE_EVENT_QUEUE_TIMEOUT,
		.session = {7},
		.group = {102},
		.limit_kind = REEVE_LIMIT_QUEUE_TIME,
		.limit = 60 * (uint64_t)REEVE_SEC,
		.actual = 60001000000};
	char text[256], cut[10];

	(void)state;
	reeve_event_format(&e, text, sizeof(text));
	assert_string_equal(
		text, "session 7 waited 60.001 s in the queue of group 102; the limit is 60.000 s");
	assert_int_equal(reeve_event_format(&e, cut, sizeof(cut)), strlen(text));
	assert_string_equal(cut, "session 7");
	assert_int_equal(reeve_event_format(&e, NULL, 0), strlen(text));
	assert_true(reeve_event_format(NULL, text, sizeof(text)) > 0);
}

static void a_new_segment_has_told_nothing(void **state)
{
	struct core *c = *state;

	assert_int_equal(reeve_event_newest(c->r), 0);
}

static void changes_of_definitions_are_told_in_order(void **state)
{
	struct core *c = *state;
	uint64_t g = core_group(c->r, "reports", 10), p = core_plan(c->r, "night", 0), next, lost;
	struct reeve_directive_def d = {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 10};
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	uint64_t id = core_directive(c->r, p, g, &d);
	static const uint32_t kinds[] = {REEVE_EVENT_GROUP_CREATED, REEVE_EVENT_PLAN_CREATED,
		REEVE_EVENT_DIRECTIVE_CHANGED, REEVE_EVENT_GROUP_UPDATED, REEVE_EVENT_PLAN_SWITCHED,
		REEVE_EVENT_DIRECTIVE_CHANGED};
	struct reeve_event e[16];

	def.priority = 5;
	assert_ok(reeve_group_update(c->r, (reeve_group_id){g}, REEVE_GROUP_PRIORITY, &def, 0, E));
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){REEVE_DAYTIME_PLAN}, E));
	assert_ok(reeve_directive_destroy(c->r, (reeve_directive_id){id}, E));
	assert_int_equal(reeve_event_copy(c->r, 0, e, 16, &next, &lost), 6);
	assert_int_equal(lost, 0);
	assert_int_equal(next, 6);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(e[i].sequence, i + 1);
		assert_int_equal(e[i].kind, kinds[i]);
		assert_int_equal(e[i].wall, c->h.wall);
	}
	assert_int_equal(e[0].group.v, g);
	assert_string_equal(e[0].text, "reports");
	assert_int_equal(e[2].object, id);
	assert_int_equal(e[2].plan.v, p);
	assert_string_equal(e[4].text, "DAYTIME_PLAN");
	assert_string_equal(e[5].text, "removed");
	/* A refused change tells nothing. */
	assert_fails(reeve_plan_activate(c->r, (reeve_plan_id){4711}, E), REEVE_ENOT_FOUND, "");
	assert_int_equal(reeve_event_newest(c->r), 6);
}

static void the_life_of_a_session_is_told(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, REEVE_BATCH_GROUP);
	reeve_session_id id = reeve_session_id_of(s);
	struct reeve_event e = last_event(c->r, REEVE_EVENT_SESSION_CREATED);

	assert_int_equal(e.session.v, id.v);
	assert_int_equal(e.group.v, REEVE_BATCH_GROUP);
	assert_ok(reeve_session_switch(
		c->r, id, (reeve_group_id){REEVE_SYS_GROUP}, REEVE_SWITCH_MANUAL, E));
	e = last_event(c->r, REEVE_EVENT_SESSION_SWITCHED);
	assert_int_equal(e.group.v, REEVE_SYS_GROUP);
	assert_int_equal(e.object, REEVE_BATCH_GROUP);
	assert_int_equal(e.reason, REEVE_SWITCH_MANUAL);
	assert_ok(reeve_query_begin(s, NULL, E));
	assert_ok(reeve_session_cancel(c->r, id, E));
	assert_int_equal(reeve_checkpoint(s), REEVE_ECANCELLED);
	assert_int_equal(reeve_checkpoint(s), REEVE_ECANCELLED); /* told once */
	reeve_query_end(s, NULL);
	assert_int_equal(last_event(c->r, REEVE_EVENT_STATEMENT_CANCELLED).session.v, id.v);
	assert_ok(reeve_session_kill(c->r, id, E));
	e = last_event(c->r, REEVE_EVENT_SESSION_TERMINATED);
	assert_int_equal(e.session.v, id.v);
	assert_int_equal(e.reason, REEVE_END_MANUAL_KILL);
	reeve_session_destroy(s);
	assert_int_equal(
		reeve_event_newest(c->r), 5); /* created, switched, cancelled, killed, ended */
}

static void a_timeout_is_told_with_value_and_limit(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, REEVE_BATCH_GROUP);
	struct reeve_query_def def = {.deadline = c->h.mono + 5 * REEVE_MSEC};

	assert_ok(reeve_query_begin(s, &def, E));
	core_work(&c->h, 6 * REEVE_MSEC);
	assert_int_equal(reeve_checkpoint(s), REEVE_ETIMEOUT);
	reeve_query_end(s, NULL);
	struct reeve_event e = last_event(c->r, REEVE_EVENT_EXECUTION_TIMEOUT);
	assert_int_equal(e.limit_kind, REEVE_LIMIT_EXECUTION_TIME);
	assert_in_range(e.limit, 4999990, 5000010);
	assert_in_range(e.actual, 5999990, 6000010);
	assert_int_equal(e.code, REEVE_ETIMEOUT);
	reeve_session_destroy(s);
}

static void runaways_dead_processes_and_faults_are_told(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_config k;
	struct reeve *other;
	struct reeve_session *s = core_session(c->r, REEVE_BATCH_GROUP);

	reeve_cpu_config_get(c->r, &k);
	k.runaway_threshold_ns = REEVE_SEC;
	assert_ok(reeve_cpu_config_set(c->r, &k, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, 2 * REEVE_SEC);
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, NULL);
	assert_int_equal(last_event(c->r, REEVE_EVENT_RUNAWAY_DETECTED).limit, REEVE_SEC);
	assert_int_equal(last_event(c->r, REEVE_EVENT_TASK_THROTTLED).actual, 2 * REEVE_SEC);
	reeve_session_destroy(s);
	assert_ok(reeve_attach(c->r, &other, E));
	core_session(other, REEVE_BATCH_GROUP);
	c->r->attachments[other->attachment].pid = 50;
	c->h.dead_below = 60;
	assert_ok(reeve_tick(c->r, NULL, E));
	struct reeve_event e = last_event(c->r, REEVE_EVENT_PROCESS_REAPED);
	assert_int_equal(e.object, 50);
	assert_int_equal(e.actual, 1);
	reeve__segment_degrade(c->r, "a test wants it so");
	e = last_event(c->r, REEVE_EVENT_DEGRADED);
	assert_string_equal(e.text, "a test wants it so");
	assert_int_equal(e.severity, REEVE_EVENT_IS_ERROR);
	atomic_store(&c->r->header->state, (uint32_t)REEVE_SEGMENT_READY);
	other->attachment = REEVE_NONE;
	free(other->local_sessions); /* what its death has left of the handle */
	other->local_sessions = NULL;
	reeve_close(other);
}

static void who_reads_too_late_is_told_how_many_he_missed(void **state)
{
	struct core *c = *state;
	uint64_t capacity = core_segment(c->r).max_events, next, lost;
	struct reeve_event e[8];

	for (uint64_t i = 1; i <= capacity + 100; i++)
		emit(c->r, i);
	assert_int_equal(reeve_event_copy(c->r, 0, e, 8, &next, &lost), 8);
	assert_int_equal(lost, 100);
	assert_int_equal(next, 108);
	assert_int_equal(e[0].sequence, 101);
	assert_int_equal(e[0].object, 101);
	assert_int_equal(reeve_event_copy(c->r, 50, e, 0, &next, &lost), 0);
	assert_int_equal(lost, 50);
	assert_int_equal(next, 100);
	assert_int_equal(reeve_event_copy(c->r, capacity + 99, e, 8, &next, &lost), 1);
	assert_int_equal(lost, 0);
	/* A number of another segment: above all there are. */
	assert_int_equal(reeve_event_copy(c->r, UINT64_MAX, e, 8, &next, &lost), 0);
	assert_int_equal(next, capacity + 100);
	assert_int_equal(lost, 0);
}

static void a_hole_stops_readers_until_it_is_stale(void **state)
{
	struct core *c = *state;
	uint64_t next, lost, hole;
	struct reeve_event e[8];

	emit(c->r, 1);
	hole = leave_hole(c->r);
	assert_int_equal(reeve_event_copy(c->r, 0, e, 8, &next, &lost), 1);
	assert_int_equal(next, hole - 1);
	core_sleep(&c->h, REEVE_SEC); /* nothing later: perhaps it is still being written */
	assert_int_equal(reeve_event_copy(c->r, next, e, 8, &next, &lost), 0);
	emit(c->r, 3);
	assert_int_equal(reeve_event_copy(c->r, next, e, 8, &next, &lost), 0);
	assert_int_equal(lost, 0);
	core_sleep(&c->h, REEVE_EVENT_STALE_NS);
	assert_int_equal(reeve_event_copy(c->r, next, e, 8, &next, &lost), 1);
	assert_int_equal(lost, 1);
	assert_int_equal(e[0].object, 3);
	assert_clean(c->r);
}

static void a_hole_that_was_lapped_is_skipped_at_once(void **state)
{
	struct core *c = *state;
	uint64_t capacity = core_segment(c->r).max_events, hole = leave_hole(c->r), next, lost;
	struct reeve_event e[2];

	/* Half filled, by a writer that died: the place is taken over in the next lap. */
	atomic_store(&c->r->events[hole & (capacity - 1)].stamp, hole * 2 + 1);
	for (uint64_t i = 0; i < capacity; i++)
		emit(c->r, i);
	assert_int_equal(reeve_event_copy(c->r, 0, e, 2, &next, &lost), 2);
	assert_int_equal(lost, 1);
	assert_int_equal(core_segment(c->r).refused_events, 0);
}

static void an_event_of_a_writer_a_lap_late_is_refused(void **state)
{
	struct core *c = *state;
	uint64_t capacity = core_segment(c->r).max_events, next, lost;
	struct reeve_event e[2];

	emit(c->r, 1);
	/* The place of the next number bears one of the next lap. */
	atomic_store(&c->r->events[2 & (capacity - 1)].stamp, (2 + capacity) * 2);
	emit(c->r, 2);
	assert_int_equal(core_segment(c->r).refused_events, 1);
	assert_int_equal(reeve_event_copy(c->r, 1, e, 2, &next, &lost), 0);
	assert_int_equal(lost, 1);
	atomic_store(&c->r->events[2 & (capacity - 1)].stamp, 0);
}

static void a_place_that_two_have_written_is_not_read(void **state)
{
	struct core *c = *state;
	uint64_t next, lost;
	struct reeve_event e[4];

	emit(c->r, 1);
	emit(c->r, 2);
	emit(c->r, 3);
	for (uint32_t word = 0; word < REEVE_SH_EVENT_WORDS; word++) {
		uint64_t was = atomic_fetch_add(&c->r->events[2].words[word], 1);
		assert_int_equal(reeve_event_copy(c->r, 0, e, 4, &next, &lost), 2);
		assert_int_equal(lost, 1);
		assert_int_equal(e[1].object, 3);
		atomic_store(&c->r->events[2].words[word], was);
	}
	assert_int_equal(reeve_event_copy(c->r, 0, e, 4, &next, &lost), 3);
}

static void emit_while_waiting(struct core_host *h, void *arg)
{
	if (h->waits == 3)
		emit(arg, 1);
}

static void a_wait_ends_with_an_event(void **state)
{
	struct core *c = *state;
	reeve_ns began = c->h.mono;

	c->h.on_wait = emit_while_waiting;
	c->h.arg = c->r;
	assert_ok(reeve_event_wait(c->r, 0, REEVE_NEVER, E));
	/* Two looks of 50 ms went by without; in the third somebody told. */
	assert_int_equal(c->h.mono - began, 2 * REEVE_EVENT_LOOK_NS);
	assert_ok(reeve_event_wait(c->r, 0, 0, E)); /* there already */
	assert_int_equal(c->h.waits, 3);
	/* The wake is owed, and sent by the next call that is done with its locks. */
	assert_int_equal(c->h.wakes, 0);
	assert_ok(reeve_tick(c->r, NULL, E));
	assert_int_equal(c->h.wakes, 1);
	assert_int_equal(atomic_load(&c->r->header->events.sleepers), 0);
}

static void a_wait_ends_at_its_deadline(void **state)
{
	struct core *c = *state;
	reeve_ns deadline = c->h.mono + 120 * REEVE_MSEC;

	assert_fails(reeve_event_wait(c->r, 0, deadline, E), REEVE_ETIMEOUT, "no event after 0");
	assert_int_equal(c->h.mono, deadline);
	assert_int_equal(atomic_load(&c->r->header->events.sleepers), 0);
}

static void bad_input(void **state)
{
	struct core *c = *state;
	struct reeve_options o;
	struct reeve_event e;
	struct reeve *r = NULL;

	assert_int_equal(reeve_event_copy(NULL, 0, &e, 1, NULL, NULL), 0);
	assert_int_equal(reeve_event_copy(c->r, 0, NULL, 1, NULL, NULL), 0);
	assert_int_equal(reeve_event_newest(NULL), 0);
	assert_fails(reeve_event_wait(NULL, 0, 0, E), REEVE_EINVALID_ARGUMENT, "reeve is NULL");
	assert_fails(reeve_event_wait(c->r, 0, -1, E), REEVE_EINVALID_ARGUMENT, "deadline is -1");
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t bad[] = {63, 96, 1u << 21};
		core_small_options(&o);
		o.host = &c->h.host;
		o.max_events = bad[i];
		assert_fails(reeve_open(&o, &r, E), REEVE_EINVALID_ARGUMENT,
			"allowed are powers of two from 64 to 1048576");
	}
	assert_null(r);
}

static void a_text_is_cut_at_a_character(void **state)
{
	struct core *c = *state;
	struct reeve_event e = {.kind = REEVE_EVENT_CONFIG_CHANGED};
	char text[80];

	memset(text, 'x', sizeof(text));
	text[79] = 0;
	memcpy(text + 63, "\xc3\xa9", 2); /* two bytes across the end */
	reeve__event_text(&e, text);
	assert_int_equal(strlen(e.text), 63);
	text[64] = 0;
	text[63] = 'x';
	reeve__event_text(&e, text);
	assert_int_equal(strlen(e.text), 64);
	reeve__event_emit(c->r, &e);
	assert_int_equal(strlen(last_event(c->r, REEVE_EVENT_CONFIG_CHANGED).text), 64);
}

/* ---- threads ---- */

enum { WRITERS = 3 };

struct crew {
	struct reeve *r;
	uint64_t events;
	_Atomic uint32_t writing;
	uint64_t read, lost, torn;
};

static void *write_events(void *arg)
{
	struct crew *crew = arg;

	for (uint64_t i = 0; i < crew->events; i++)
		emit(crew->r, i);
	crew->writing--;
	return NULL;
}

static void *read_events(void *arg)
{
	struct crew *crew = arg;
	struct reeve_event e[32];
	uint64_t at = 0, lost, before;
	uint32_t n;

	do {
		before = at;
		bool last = crew->writing == 0;
		n = reeve_event_copy(crew->r, at, e, 32, &at, &lost);
		crew->read += n;
		crew->lost += lost;
		for (uint32_t i = 0; i < n; i++)
			crew->torn += e[i].actual != ~e[i].limit || e[i].object != e[i].limit ||
				      e[i].sequence <= before || e[i].sequence > at ||
				      (i && e[i].sequence <= e[i - 1].sequence);
		if (last && !n && !lost)
			break;
	} while (true);
	return NULL;
}

static void writers_and_readers_meet_at_every_place(void **state)
{
	struct reeve_options o;
	struct crew crew = {.events = core_steps(100000), .writing = WRITERS};
	pthread_t threads[WRITERS + 1];

	(void)state;
	core_small_options(&o);
	o.max_events = 64; /* laps all the time */
	assert_ok(reeve_open(&o, &crew.r, E));
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, write_events, &crew);
	pthread_create(&threads[WRITERS], NULL, read_events, &crew);
	for (uint32_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	pthread_join(threads[WRITERS], NULL);
	assert_int_equal(crew.torn, 0);
	assert_int_equal(crew.read + crew.lost, WRITERS * crew.events);
	assert_int_equal(reeve_event_newest(crew.r), WRITERS * crew.events);
	assert_clean(crew.r);
	reeve_close(crew.r);
}

static void *wait_for_event(void *arg)
{
	struct crew *crew = arg;

	crew->writing = 0;
	crew->read = reeve_event_wait(crew->r, 0, REEVE_NEVER, NULL) == 0;
	return NULL;
}

static void a_sleeping_reader_is_woken(void **state)
{
	struct crew crew = {.writing = 1};
	pthread_t thread;

	(void)state;
	crew.r = core_open(NULL, 1);
	pthread_create(&thread, NULL, wait_for_event, &crew);
	while (crew.writing)
		;
	reeve_session_destroy(core_session(crew.r, REEVE_BATCH_GROUP));
	pthread_join(thread, NULL);
	assert_int_equal(crew.read, 1);
	reeve_close(crew.r);
}

#define with_core(f) cmocka_unit_test_setup_teardown(f, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_reads_as_a_sentence),
		cmocka_unit_test(a_sentence_carries_the_numbers),
		with_core(a_new_segment_has_told_nothing),
		with_core(changes_of_definitions_are_told_in_order),
		with_core(the_life_of_a_session_is_told),
		with_core(a_timeout_is_told_with_value_and_limit),
		with_core(runaways_dead_processes_and_faults_are_told),
		with_core(who_reads_too_late_is_told_how_many_he_missed),
		with_core(a_hole_stops_readers_until_it_is_stale),
		with_core(a_hole_that_was_lapped_is_skipped_at_once),
		with_core(an_event_of_a_writer_a_lap_late_is_refused),
		with_core(a_place_that_two_have_written_is_not_read),
		with_core(a_wait_ends_with_an_event),
		with_core(a_wait_ends_at_its_deadline),
		with_core(bad_input),
		with_core(a_text_is_cut_at_a_character),
		cmocka_unit_test(writers_and_readers_meet_at_every_place),
		cmocka_unit_test(a_sleeping_reader_is_woken),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
