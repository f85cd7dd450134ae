/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O scheduler on real threads, clocks and futexes; for ThreadSanitizer too. Nothing depends on
 * how long anything takes.
 */
#include "io_kit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 400 };

struct crew {
	struct reeve *r;
	uint32_t index;
	_Atomic uint32_t *stop;
	uint64_t bytes, ops;
	int code;
};

static int setup(void **state)
{
	*state = core_open(NULL, 2);
	return 0;
}

static int teardown(void **state)
{
	assert_clean(*state);
	reeve_close(*state);
	return 0;
}

/* Not by the short ways: they share one error. */
static struct reeve_session *session_of(struct reeve *r, uint64_t group)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;

	def.username = "ada";
	def.group.v = group;
	return reeve_session_create(r, &def, &s, NULL) ? NULL : s;
}

static void *admit(void *arg)
{
	struct crew *crew = arg;
	struct reeve_session *s = session_of(crew->r, 1 + crew->index % 4);

	for (uint32_t i = 0; i < ROUNDS && !crew->code; i++) {
		struct reeve_io_def def = io_def(i % 4, i % 5, 512 * (i % 9));
		struct reeve_error err;
		bool in_query = i % 5 != 0;
		def.keeps_cpu_slot = i % 3 == 0;
		if (in_query)
			crew->code = reeve_query_begin(s, NULL, &err);
		if (!crew->code)
			crew->code = reeve_io_begin(s, &def, &err);
		if (i % 16 == 0)
			sched_yield();
		crew->bytes += def.size_bytes;
		crew->ops++;
		if (!crew->code)
			crew->code = reeve_io_end(s, def.size_bytes, true);
		if (in_query)
			reeve_query_end(s, NULL);
		if (i % 100 == 99) {
			reeve_session_destroy(s);
			s = session_of(crew->r, 1 + (crew->index + i) % 4);
		}
	}
	reeve_session_destroy(s);
	return NULL;
}

static void *pull(void *arg)
{
	struct crew *crew = arg;

	for (uint32_t live = 0; !atomic_load(crew->stop);) {
		struct reeve_io_def def = io_read(4096);
		struct reeve_io_request_info q;
		reeve_io_id id;
		if (live < 16 && live++ < 16 && /* the table is small */
			reeve_io_submit(crew->r, (reeve_group_id){2}, &def, &id, NULL))
			crew->code = -1;
		while (reeve_io_next(crew->r, &q, NULL, NULL) == 0) {
			if (reeve_io_complete(crew->r, q.id, 4096, true, NULL, NULL))
				crew->code = -2; /* what was picked is its picker's alone */
			crew->ops++;
			live--;
		}
	}
	return NULL;
}

/* Everything else, all the time: settings, limits, plans, statistics, lists, housekeeping. */
static void *meddle(void *arg)
{
	struct crew *crew = arg;
	static struct reeve_io_group_stats groups[8];
	static struct reeve_io_request_info list[16];
	static struct reeve_io_device_stats devices[4];
	struct reeve_io_stats stats;
	struct reeve_io_config k;

	for (uint32_t i = 0; !atomic_load(crew->stop); i++) {
		reeve_io_config_get(crew->r, &k);
		k.policy = i % 4;
		k.max_concurrent = 1 + i % 3;
		if (reeve_io_config_set(crew->r, &k, NULL) ||
			reeve_io_group_register(crew->r, (reeve_group_id){1 + i % 4},
				REEVE_UNLIMITED, 20000 + i, 1 + i % 100, NULL))
			crew->code = -1;
		reeve_io_stats_get(crew->r, &stats);
		reeve_io_group_stats_copy(crew->r, (reeve_group_id){0}, groups, 8);
		reeve_io_request_copy(crew->r, (reeve_io_id){0}, list, 16);
		reeve_io_device_stats_copy(crew->r, devices, 4);
		if (i % 8 == 0)
			reeve_plan_activate(crew->r, (reeve_plan_id){1 + i / 8 % 4}, NULL);
		reeve_tick(crew->r, NULL, NULL);
		sched_yield();
	}
	return NULL;
}

static void all_at_once(void **state)
{
	struct reeve *r = *state;
	_Atomic uint32_t stop = 0;
	struct crew crew[THREADS], puller = {r, 0, &stop, 0, 0, 0},
				   meddler = {r, 0, &stop, 0, 0, 0};
	pthread_t threads[THREADS], tp, tm;
	struct reeve_io_request_info q;
	uint64_t bytes = 0, ops = 0;

	assert_int_equal(pthread_create(&tp, NULL, pull, &puller), 0);
	assert_int_equal(pthread_create(&tm, NULL, meddle, &meddler), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		crew[i] = (struct crew){r, i, &stop, 0, 0, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, admit, &crew[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crew[i].code, 0);
		bytes += crew[i].bytes;
		ops += crew[i].ops;
	}
	atomic_store(&stop, 1);
	pthread_join(tp, NULL);
	pthread_join(tm, NULL);
	assert_int_equal(puller.code, 0);
	assert_int_equal(meddler.code, 0);
	io_configure(r, 0, 8);
	for (uint64_t g = 1; g <= 4; g++)
		io_limit(r, g, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
	while (reeve_io_next(r, &q, NULL, NULL) == 0) {
		io_complete(r, q.id.v, 4096);
		puller.ops++;
	}
	struct reeve_io_stats s = io_stats(r);
	assert_true(s.completed == ops + puller.ops && s.total == s.completed);
	assert_int_equal(s.active, 0);
	uint64_t total = 0;
	for (uint64_t g = 1; g <= 4; g++)
		total += io_group(r, g).total_bytes;
	assert_true(total == bytes + 4096 * puller.ops);
	assert_int_equal(core_segment(r).io_requests, 0);
}

/* ---- what wakes a real wait ---- */

struct waiter {
	struct reeve *r;
	struct reeve_session *s;
	_Atomic uint32_t admitted;
	int code;
};

static void *wait_in_line(void *arg)
{
	struct waiter *w = arg;
	struct reeve_io_def def = io_read(MIB);

	w->code = reeve_query_begin(w->s, NULL, NULL);
	if (!w->code)
		w->code = reeve_io_begin(w->s, &def, NULL);
	if (!w->code) {
		atomic_store(&w->admitted, 1);
		w->code = reeve_io_end(w->s, 1, true);
	}
	reeve_query_end(w->s, NULL);
	return NULL;
}

static void await_wait(struct waiter *w)
{
	while (core_info(w->r, w->s).wait_reason < REEVE_WAIT_IO_BANDWIDTH)
		sched_yield();
}

/* Starts a waiter for a group in a day of debt. */
static void start(struct reeve *r, struct waiter *w, pthread_t *thread)
{
	struct reeve_io_def def = io_read(86400 * MIB);
	struct reeve_session *s = core_session(r, 3);

	io_limit(r, 3, REEVE_UNLIMITED, REEVE_UNLIMITED, 100); /* no debt of earlier */
	io_limit(r, 3, MIB, REEVE_UNLIMITED, 100);
	assert_ok(reeve_io_begin(s, &def, E));
	reeve_io_end(s, 1, true);
	reeve_session_destroy(s);
	*w = (struct waiter){.r = r, .s = core_session(r, 3)};
	assert_int_equal(pthread_create(thread, NULL, wait_in_line, w), 0);
	await_wait(w);
}

static void a_lifted_limit_lets_the_waiter_go(void **state)
{
	struct reeve *r = *state;
	struct waiter w;
	pthread_t thread;

	start(r, &w, &thread);
	io_limit(r, 3, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
	pthread_join(thread, NULL);
	assert_true(w.code == 0 && w.admitted);
	reeve_session_destroy(w.s);
}

static void a_cancel_and_a_kill_let_the_waiter_go(void **state)
{
	struct reeve *r = *state;
	struct waiter w;
	pthread_t thread;

	start(r, &w, &thread);
	assert_ok(reeve_session_cancel(r, reeve_session_id_of(w.s), E));
	pthread_join(thread, NULL);
	assert_int_equal(w.code, REEVE_ECANCELLED);
	reeve_session_destroy(w.s);
	start(r, &w, &thread);
	assert_ok(reeve_session_kill(r, reeve_session_id_of(w.s), E));
	pthread_join(thread, NULL);
	assert_int_equal(w.code, REEVE_EKILLED);
	reeve_session_destroy(w.s);
}

static void who_ends_lets_the_next_in(void **state)
{
	struct reeve *r = *state;
	struct reeve_session *s = core_session(r, 2);
	struct reeve_io_def def = io_read(1);
	struct waiter w = {.r = r, .s = core_session(r, 3)};
	pthread_t thread;

	io_configure(r, REEVE_IO_COMPLETELY_FAIR, 1);
	assert_ok(reeve_io_begin(s, &def, E));
	assert_int_equal(pthread_create(&thread, NULL, wait_in_line, &w), 0);
	await_wait(&w);
	assert_false(w.admitted);
	reeve_io_end(s, 1, true);
	pthread_join(thread, NULL);
	assert_true(w.code == 0 && w.admitted);
	reeve_session_destroy(s);
	reeve_session_destroy(w.s);
}

#define with_threads(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_threads(all_at_once),
		with_threads(a_lifted_limit_lets_the_waiter_go),
		with_threads(a_cancel_and_a_kill_let_the_waiter_go),
		with_threads(who_ends_lets_the_next_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
