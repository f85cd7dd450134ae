/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crash_stop.c - processes that are stopped, leave without a word, or fork.
 *
 * What a stopped process does to the others: a slot that it holds is lost to them for as long as its
 * slice may last and 20 ms more; then they take it. A session that it has stays its own. If it was
 * stopped inside one of the locks, which are held for microseconds, everybody who needs that lock
 * waits until it goes on or is killed; the lock of reaping excepted, which nobody waits for.
 */
#include "world.h"

#include "../../src/base/base.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Shared between a test and the process it stops. */
struct stage {
	_Atomic uint32_t reached; /* the process is where the test wants it */
	_Atomic uint32_t done;	  /* it came to its end as it should */
	_Atomic uint32_t leave;	  /* it may go on to that end */
	_Atomic uint64_t session;
	_Atomic int32_t helper; /* pid of a process that it has forked */
};

static struct stage *stage;
static struct world *world;

static bool wait_until(_Atomic uint32_t *flag)
{
	struct kit_poll poll = kit_poll_for(2 * REEVE_SEC);

	while (!atomic_load(flag))
		if (!kit_poll_more(&poll))
			return false;
	return true;
}

static bool bystanders_go_on(reeve_ns limit)
{
	struct kit_poll poll = kit_poll_for(limit);
	uint64_t before[WORLD_LOOPS];
	uint32_t on;

	for (uint32_t i = 0; i < WORLD_LOOPS; i++)
		before[i] = kit_get(&world->progress[i]);
	do {
		on = 0;
		for (uint32_t i = 0; i < WORLD_LOOPS; i++)
			on += kit_get(&world->progress[i]) >= before[i] + 2;
		if (on == WORLD_LOOPS)
			return true;
	} while (kit_poll_more(&poll));
	return false;
}

static pid_t start(int (*run)(struct world *w, void *arg))
{
	pid_t pid;

	memset(stage, 0, sizeof(*stage));
	pid = world_fork(world, run, NULL);
	assert_true(wait_until(&stage->reached));
	return pid;
}

/* After its end, however it came: all it held is back. */
static void assert_recovered(pid_t pid, const char *what)
{
	world_go(world, WORLD_BUSY);
	assert_int_equal(world_recovered(world, &pid, 1, what), 0);
}

static int set_up(void **state)
{
	(void)state;
	stage = kit_shared(sizeof(*stage));
	world = world_create(1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_destroy(world);
	return 0;
}

/* ---- a holder that is stopped ---- */

static int hold_slot(struct world *w, void *arg)
{
	struct reeve_session *s = kit_session(kit_open(w->path), REEVE_INTERACTIVE_GROUP);

	(void)arg;
	if (reeve_query_begin(s, NULL, NULL))
		return 1;
	while (!atomic_load(&stage->leave)) {
		for (uint32_t i = 0; i < 20; i++) { /* stopped here, outside of all locks */
			atomic_store(&stage->reached, 1);
			kit_spin(REEVE_MSEC);
		}
		if (reeve_checkpoint(s))
			return 1;
	}
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	atomic_store(&stage->done, 1);
	pause();
	return 1;
}

static void test_stopped_holder_loses_its_slot(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(world_pause(world));
	pid = start(hold_slot);
	kill(pid, SIGSTOP);
	world_go(world, WORLD_BUSY);
	assert_true(bystanders_go_on(REEVE_SEC));
	atomic_store(&stage->leave, 1);
	kill(pid, SIGCONT);
	assert_true(wait_until(&stage->done));
	assert_true(bystanders_go_on(REEVE_SEC));
	kill(pid, SIGKILL);
	world_wait(pid, REEVE_SEC);
	assert_recovered(pid, "a holder that was stopped");
}

/* ---- a waiter that is stopped ---- */

static int wait_for_slot(struct world *w, void *arg)
{
	struct reeve_session *s = kit_session(kit_open(w->path), REEVE_MAINTENANCE_GROUP);

	(void)arg;
	atomic_store(&stage->session, reeve_session_id_of(s).v);
	atomic_store(&stage->reached, 1);
	if (reeve_query_begin(s, NULL, NULL))
		return 1;
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	atomic_store(&stage->done, 1);
	pause();
	return 1;
}

static bool is_waiting(uint64_t session)
{
	struct kit_poll poll = kit_poll_for(2 * REEVE_SEC);
	struct reeve_session_info info;

	do {
		if (reeve_session_get(world->r, (reeve_session_id){session}, &info, NULL) == 0 &&
			info.state == REEVE_SESSION_WAITING)
			return true;
	} while (kit_poll_more(&poll));
	return false;
}

/* Stopped while it waits, it is granted the slot like any other, and loses it again. */
static void test_stopped_waiter_is_passed_by(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(world_pause(world));
	assert_int_equal(reeve_query_begin(world->probes[0], NULL, NULL), 0);
	reeve_shield_begin(world->probes[0]); /* or it would be overdue, and lose the slot */
	pid = start(wait_for_slot);
	assert_true(is_waiting(stage->session));
	kill(pid, SIGSTOP);
	world_go(world, WORLD_BUSY);
	reeve_query_end(world->probes[0], NULL);
	assert_true(bystanders_go_on(REEVE_SEC));
	kill(pid, SIGCONT);
	assert_true(wait_until(&stage->done));
	assert_true(bystanders_go_on(REEVE_SEC));
	kill(pid, SIGKILL);
	world_wait(pid, REEVE_SEC);
	assert_recovered(pid, "a waiter that was stopped");
}

/* At any instant, inside locks too: then the others may stand still, until it goes on. */
static int run_statements(struct world *w, void *arg)
{
	struct reeve_session *s = kit_session(kit_open(w->path), REEVE_BATCH_GROUP);

	(void)arg;
	for (;;) {
		if (reeve_query_begin(s, NULL, NULL))
			return 1;
		kit_spin(20 * REEVE_USEC);
		reeve_checkpoint(s);
		reeve_query_end(s, NULL);
		atomic_store(&stage->reached, 1);
	}
}

static void test_stops_at_random(void **state)
{
	uint64_t seed = kit_seed("stops at random");
	uint32_t stops = kit_all() ? 200 : 10, stood = 0;
	pid_t pid;

	(void)state;
	world_go(world, WORLD_BUSY);
	pid = start(run_statements);
	for (uint32_t i = 0; i < stops; i++) {
		kit_nap((reeve_ns)kit_below(&seed, 5000) * REEVE_USEC);
		kill(pid, SIGSTOP);
		stood += !bystanders_go_on(200 * REEVE_MSEC);
		kill(pid, SIGCONT);
		assert_true(bystanders_go_on(REEVE_SEC));
		atomic_store(&stage->reached, 0);
		assert_true(wait_until(&stage->reached));
	}
	printf("%u stops, in %u of which the others stood still too\n", stops, stood);
	kill(pid, SIGKILL);
	world_wait(pid, REEVE_SEC);
	assert_recovered(pid, "stops at random");
}

/* ---- leaving without a word ---- */

static int leave_in_statement(struct world *w, void *arg)
{
	struct reeve *r = kit_open(w->path);

	(void)arg;
	kit_session(r, REEVE_INTERACTIVE_GROUP);
	if (reeve_query_begin(kit_session(r, REEVE_BATCH_GROUP), NULL, NULL))
		return 1;
	atomic_store(&stage->reached, 1);
	return 0;
}

static void test_exit_without_close(void **state)
{
	pid_t pid;

	(void)state;
	assert_true(world_pause(world));
	pid = start(leave_in_statement);
	assert_int_equal(world_wait(pid, REEVE_SEC), 0);
	assert_recovered(pid, "an exit without close");
}

/* A zombie holds nothing any more, though its parent has not asked for its end. */
static void test_zombie_is_dead(void **state)
{
	struct kit_poll poll = kit_poll_for(REEVE_SEC);
	siginfo_t end;
	pid_t pid;

	(void)state;
	assert_true(world_pause(world));
	pid = start(leave_in_statement);
	assert_int_equal(waitid(P_PID, (id_t)pid, &end, WEXITED | WNOWAIT), 0);
	world_go(world, WORLD_BUSY);
	while (kit_attachments_of(world->r, pid))
		assert_true(kit_poll_more(&poll));
	assert_int_equal(world_wait(pid, REEVE_SEC), 0);
	assert_recovered(pid, "a zombie");
}

/* ---- threads of which the first leaves ---- */

static void *go_on_alone(void *arg)
{
	struct reeve *r = arg;
	struct reeve_session *s = kit_session(r, REEVE_INTERACTIVE_GROUP);

	atomic_store(&stage->session, reeve_session_id_of(s).v);
	atomic_store(&stage->reached, 1);
	while (!atomic_load(&stage->leave)) {
		if (reeve_query_begin(s, NULL, NULL))
			_exit(1);
		reeve_query_end(s, NULL);
		kit_nap(REEVE_MSEC);
	}
	reeve_session_destroy(s);
	reeve_close(r);
	atomic_store(&stage->done, 1);
	_exit(0);
}

static int leave_first_thread(struct world *w, void *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, go_on_alone, kit_open(w->path)))
		return 1;
	/* The thread only: the process goes on, and its state reads Z from now on. */
	syscall(SYS_exit, 0);
	return 1;
}

static void test_process_lives_without_its_first_thread(void **state)
{
	pid_t pid;

	(void)state;
	world_go(world, WORLD_BUSY);
	pid = start(leave_first_thread);
	for (uint32_t i = 0; i < 10; i++) {
		struct reeve_tick_report report;
		assert_int_equal(reeve_tick(world->r, &report, NULL), 0);
		assert_int_equal(report.reaped_attachments, 0);
		assert_int_equal(kit_attachments_of(world->r, pid), 1);
		kit_nap(REEVE_MSEC);
	}
	atomic_store(&stage->leave, 1);
	assert_true(wait_until(&stage->done));
	assert_int_equal(world_wait(pid, REEVE_SEC), 0);
	assert_recovered(pid, "a process without its first thread");
}

/* ---- fork without exec ---- */

static int use_parents_memory(const struct reeve *parent)
{
	struct reeve *own;
	struct reeve_session *s;

	if (reeve_attach(parent, &own, NULL))
		return 1;
	s = kit_session(own, REEVE_INTERACTIVE_GROUP);
	while (!atomic_load(&stage->leave)) {
		if (!s || reeve_query_begin(s, NULL, NULL))
			return 1;
		reeve_query_end(s, NULL);
		kit_nap(REEVE_MSEC);
	}
	reeve_session_destroy(s);
	reeve_close(own);
	atomic_store(&stage->done, 1);
	return 0;
}

static int fork_and_hold(struct world *w, void *arg)
{
	struct reeve *r = kit_open(w->path);
	struct reeve_session *s = kit_session(r, REEVE_BATCH_GROUP);
	pid_t helper;

	(void)arg;
	if (reeve_query_begin(s, NULL, NULL))
		return 1;
	helper = fork();
	if (helper == 0)
		_exit(use_parents_memory(r));
	atomic_store(&stage->helper, (int32_t)helper);
	atomic_store(&stage->reached, 1);
	for (;;)
		pause();
}

/*
 * The child of a fork has the parent's memory, but nothing of what the parent holds is its own: the
 * parent's death returns it, and the child, attached by itself, works on.
 */
static void test_fork_without_exec(void **state)
{
	struct kit_poll poll = kit_poll_for(REEVE_SEC);
	pid_t pid, helper;

	(void)state;
	assert_true(world_pause(world));
	pid = start(fork_and_hold);
	helper = atomic_load(&stage->helper);
	kill(pid, SIGKILL);
	world_wait(pid, REEVE_SEC);
	world_go(world, WORLD_BUSY);
	while (kit_attachments_of(world->r, pid))
		assert_true(kit_poll_more(&poll));
	assert_true(bystanders_go_on(REEVE_SEC));
	assert_int_equal(kit_attachments_of(world->r, helper), 1);
	atomic_store(&stage->leave, 1);
	assert_true(wait_until(&stage->done));
	assert_recovered(pid, "a parent whose child lives on");
}

/* ---- stopped inside the lock of reaping ---- */

#if REEVE_CHECKED
static void stop_at_reap(int point)
{
	if (point != REEVE_POINT_REAP_CLAIMED)
		return;
	atomic_store(&stage->reached, 1);
	raise(SIGSTOP);
}

static int reap_and_stop(struct world *w, void *arg)
{
	struct reeve *r = kit_open(w->path);

	(void)arg;
	atomic_store(&reeve__point_hook, stop_at_reap);
	while (!atomic_load(&stage->leave))
		reeve_tick(r, NULL, NULL);
	reeve_close(r);
	atomic_store(&stage->done, 1);
	pause();
	return 1;
}

static void test_stopped_reaper_holds_nobody_up(void **state)
{
	pid_t prey, pid;

	(void)state;
	assert_true(world_pause(world));
	prey = start(leave_in_statement);
	assert_int_equal(world_wait(prey, REEVE_SEC), 0);
	pid = start(reap_and_stop);
	world_go(world, WORLD_BUSY);
	/* Five times a second one of them wants to reap: each has been at it then. */
	for (reeve_ns until = kit_now() + 2 * REEVE_SEC; kit_now() < until;)
		assert_true(bystanders_go_on(REEVE_SEC));
	atomic_store(&stage->leave, 1);
	kill(pid, SIGCONT);
	assert_true(wait_until(&stage->done));
	kill(pid, SIGKILL);
	world_wait(pid, REEVE_SEC);
	assert_recovered(prey, "a reaper that was stopped");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_holder_loses_its_slot),
		cmocka_unit_test(test_stopped_waiter_is_passed_by),
		cmocka_unit_test(test_stops_at_random),
		cmocka_unit_test(test_exit_without_close),
		cmocka_unit_test(test_zombie_is_dead),
		cmocka_unit_test(test_process_lives_without_its_first_thread),
		cmocka_unit_test(test_fork_without_exec),
#if REEVE_CHECKED
		cmocka_unit_test(test_stopped_reaper_holds_nobody_up),
#endif
	};

	return cmocka_run_group_tests_name("crash_stop", tests, set_up, tear_down);
}
