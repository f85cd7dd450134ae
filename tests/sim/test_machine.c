/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated machine: who gets processors, who is woken when, who dies, and always the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "machine.h"

static struct sim_machine_config config_of(uint32_t cores)
{
	struct sim_machine_config config = SIM_MACHINE_CONFIG_INIT;

	config.cores = cores;
	return config;
}

struct worker {
	struct sim_machine *machine;
	const struct reeve_host *host;
	reeve_ns work_ns; /* once, after the sleep */
	reeve_ns sleep_until;
	uint32_t *word;	   /* waited on first; NULL: none */
	reeve_ns deadline; /* on the machine's clock */
	reeve_ns woken_at, started_at, ended_at, cpu_ns;
};

static void work(void *arg)
{
	struct worker *w = arg;

	if (w->word != NULL)
		w->host->wait(w->host->self, w->word, 0,
			w->deadline == REEVE_NEVER ? REEVE_NEVER : w->deadline);
	w->woken_at = sim_now(w->machine);
	sim_sleep(w->machine, w->sleep_until);
	w->started_at = sim_now(w->machine);
	sim_work(w->machine, w->work_ns);
	w->ended_at = sim_now(w->machine);
	w->cpu_ns = w->host->thread_cpu(w->host->self);
}

static struct worker worker_of(struct sim_machine *machine, reeve_ns work_ns)
{
	return (struct worker){
		.machine = machine,
		.host = sim_machine_host(machine),
		.work_ns = work_ns,
		.deadline = REEVE_NEVER,
	};
}

static void start(struct sim_process *process, struct worker *worker)
{
	assert_non_null(sim_thread_create(process, work, worker));
}

static void test_processors_are_shared_equally(void **state)
{
	struct sim_machine_config config = config_of(2);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	struct sim_process *process = sim_process_create(machine);
	struct worker workers[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		workers[i] = worker_of(machine, REEVE_SEC);
		start(process, &workers[i]);
	}
	assert_int_equal(sim_machine_run(machine, 10 * REEVE_SEC), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(workers[i].cpu_ns, REEVE_SEC);
		/* six seconds of work on two processors; all end within a round of slices */
		assert_in_range(
			workers[i].ended_at, 3 * REEVE_SEC - 10 * REEVE_MSEC, 3 * REEVE_SEC);
	}
	sim_machine_destroy(machine);
}

static void test_alone_it_runs_at_full_speed(void **state)
{
	struct sim_machine_config config = config_of(4);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	struct worker worker = worker_of(machine, 123456789);

	(void)state;
	worker.sleep_until = 5 * REEVE_MSEC;
	start(sim_process_create(machine), &worker);
	assert_int_equal(sim_machine_run(machine, REEVE_SEC), 0);
	assert_int_equal(worker.started_at, 5 * REEVE_MSEC);
	assert_int_equal(worker.ended_at, 5 * REEVE_MSEC + 123456789);
	sim_machine_destroy(machine);
}

/* A sleeper that wakes gets a busy processor within the granularity; an equal waits for a slice. */
static void test_woken_goes_first(void **state)
{
	struct sim_machine_config config = config_of(1);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	struct sim_process *process = sim_process_create(machine);
	struct worker hog = worker_of(machine, REEVE_SEC), equal = hog, sleeper = hog;

	(void)state;
	start(process, &hog);
	start(process, &equal);
	sleeper.work_ns = 100 * REEVE_USEC;
	sleeper.sleep_until = 100 * REEVE_MSEC;
	start(process, &sleeper);
	sim_machine_run(machine, 5 * REEVE_SEC);
	assert_int_equal(equal.started_at, config.timeslice_ns);
	assert_in_range(sleeper.started_at, sleeper.sleep_until,
		sleeper.sleep_until + config.granularity_ns + config.piece_ns);
	sim_machine_destroy(machine);
}

struct waker {
	struct sim_machine *machine;
	uint32_t *word;
	reeve_ns at;
	bool does_wake;
};

static void wake(void *arg)
{
	struct waker *waker = arg;
	const struct reeve_host *host = sim_machine_host(waker->machine);

	sim_sleep(waker->machine, waker->at);
	*waker->word = 1;
	if (waker->does_wake)
		host->wake(host->self, waker->word);
}

/* Runs one waiter with this deadline, and a waker at 10 ms; returns when the waiter went on. */
static reeve_ns wait_once(reeve_ns deadline, bool does_wake, uint32_t value)
{
	struct sim_machine_config config = config_of(2);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	struct sim_process *process = sim_process_create(machine);
	const struct reeve_host *host = sim_machine_host(machine);
	uint32_t word = value;
	struct worker waiter = worker_of(machine, 1);
	struct waker waker = {machine, &word, 10 * REEVE_MSEC, does_wake};

	waiter.word = &word;
	waiter.woken_at = -1;
	waiter.deadline = deadline == REEVE_NEVER ? deadline : host->mono(host->self) + deadline;
	start(process, &waiter);
	assert_non_null(sim_thread_create(process, wake, &waker));
	sim_machine_run(machine, REEVE_SEC);
	sim_machine_destroy(machine);
	return waiter.woken_at;
}

static void test_wait(void **state)
{
	(void)state;
	/* woken: after the latency */
	assert_in_range(wait_once(REEVE_NEVER, true, 0), 10 * REEVE_MSEC + 5 * REEVE_USEC,
		10 * REEVE_MSEC + 50 * REEVE_USEC);
	assert_in_range(wait_once(20 * REEVE_MSEC, true, 0), 10 * REEVE_MSEC + 5 * REEVE_USEC,
		10 * REEVE_MSEC + 50 * REEVE_USEC);
	/* timed out */
	assert_int_equal(wait_once(3 * REEVE_MSEC, true, 0), 3 * REEVE_MSEC);
	/* a change of the word alone wakes nobody */
	assert_int_equal(wait_once(20 * REEVE_MSEC, false, 0), 20 * REEVE_MSEC);
	assert_int_equal(wait_once(REEVE_NEVER, false, 0), -1);
	/* the word is already different; the deadline has passed */
	assert_int_equal(wait_once(REEVE_NEVER, false, 7), 0);
	assert_int_equal(wait_once(0, false, 0), 0);
}

static void test_wake_reaches_all_sleepers_of_its_word_only(void **state)
{
	struct sim_machine_config config = config_of(4);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	struct sim_process *process = sim_process_create(machine);
	static uint32_t words[300];
	struct worker waiters[300];
	struct waker waker = {machine, &words[7], REEVE_MSEC, true};
	uint32_t left;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		waiters[i] = worker_of(machine, 1);
		waiters[i].word = &words[i % 150];
		waiters[i].woken_at = -1;
		start(process, &waiters[i]);
	}
	assert_non_null(sim_thread_create(process, wake, &waker));
	left = sim_machine_run(machine, REEVE_SEC);
	assert_int_equal(left, 298);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(waiters[i].woken_at >= 0, i % 150 == 7);
	sim_machine_destroy(machine);
}

struct killer {
	struct sim_machine *machine;
	struct sim_process *victim;
	reeve_ns at;
};

static void kill_victim(void *arg)
{
	struct killer *killer = arg;

	sim_sleep(killer->machine, killer->at);
	sim_process_kill(killer->victim);
	sim_process_kill(killer->victim);
}

static void test_death(void **state)
{
	struct sim_machine_config config = config_of(1);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	const struct reeve_host *host = sim_machine_host(machine);
	struct sim_process *victim = sim_process_create(machine);
	struct sim_process *other = sim_process_create(machine);
	int32_t pid = sim_process_pid(victim);
	uint64_t start_ticks = host->process_start(host->self, pid);
	uint32_t word = 0;
	struct worker running = worker_of(machine, 10 * REEVE_SEC), ready = running;
	struct worker waiting = running, sleeping = running, heir = worker_of(machine, REEVE_SEC);
	struct killer killer = {machine, victim, 500 * REEVE_MSEC};

	(void)state;
	waiting.word = &word;
	sleeping.sleep_until = 700 * REEVE_MSEC;
	heir.sleep_until = 600 * REEVE_MSEC;
	start(victim, &running);
	start(victim, &ready);
	start(victim, &waiting);
	start(victim, &sleeping);
	start(other, &heir);
	assert_non_null(sim_thread_create(other, kill_victim, &killer));
	assert_true(host->process_alive(host->self, pid, start_ticks));
	assert_false(host->process_alive(host->self, pid, start_ticks + 1));
	assert_int_equal(sim_machine_run(machine, 5 * REEVE_SEC), 0);
	assert_false(host->process_alive(host->self, pid, start_ticks));
	assert_int_equal(host->process_start(host->self, pid), 0);
	assert_false(sim_process_is_alive(victim));
	assert_true(sim_process_is_alive(other));
	/* its processor was free at once */
	assert_int_equal(heir.ended_at, 1600 * REEVE_MSEC);
	assert_int_equal(running.ended_at, 0);
	assert_int_equal(sleeping.started_at, 0);
	sim_machine_destroy(machine);
}

static void ask_pid(void *arg)
{
	struct worker *w = arg;

	w->cpu_ns = w->host->process_id(w->host->self);
}

static void test_each_process_has_its_id(void **state)
{
	struct sim_machine_config config = config_of(1);
	struct sim_machine *machine = sim_machine_create(&config, NULL);
	const struct reeve_host *host = sim_machine_host(machine);
	struct sim_process *a = sim_process_create(machine), *b = sim_process_create(machine);
	struct worker wa = worker_of(machine, 0), wb = wa;

	(void)state;
	assert_non_null(sim_thread_create(a, ask_pid, &wa));
	assert_non_null(sim_thread_create(b, ask_pid, &wb));
	sim_machine_run(machine, 1);
	assert_int_equal(wa.cpu_ns, sim_process_pid(a));
	assert_int_equal(wb.cpu_ns, sim_process_pid(b));
	assert_int_not_equal(wa.cpu_ns, wb.cpu_ns);
	assert_int_equal(host->process_id(host->self), 1);
	assert_true(host->process_alive(host->self, 1, host->process_start(host->self, 1)));
	assert_int_equal(host->cpu_count(host->self), 1);
	sim_machine_destroy(machine);
}

struct watch {
	struct sim_machine *machine;
	reeve_ns busy_ns, idle_since, idle_ns;
};

static void saw_run(void *self, struct sim_thread *thread, reeve_ns from, reeve_ns to)
{
	(void)thread;
	((struct watch *)self)->busy_ns += to - from;
}

static void saw_idle(void *self, uint32_t idle_cores)
{
	struct watch *watch = self;

	if (idle_cores == 1)
		watch->idle_since = sim_now(watch->machine);
	else
		watch->idle_ns += sim_now(watch->machine) - watch->idle_since;
}

static void test_observer_sees_all_time(void **state)
{
	struct sim_machine_config config = config_of(1);
	struct watch watch = {0};
	struct sim_observer observer = {&watch, saw_run, saw_idle};
	struct sim_machine *machine = sim_machine_create(&config, &observer);
	struct sim_process *process = sim_process_create(machine);
	struct worker early = worker_of(machine, 30 * REEVE_MSEC), late = early;

	(void)state;
	watch.machine = machine;
	late.sleep_until = 100 * REEVE_MSEC;
	start(process, &early);
	start(process, &late);
	sim_machine_run(machine, REEVE_SEC);
	assert_int_equal(watch.busy_ns, 60 * REEVE_MSEC);
	assert_int_equal(watch.idle_ns, 70 * REEVE_MSEC);
	assert_int_equal(watch.idle_since, 130 * REEVE_MSEC);
	sim_machine_destroy(machine);
}

/* Waiters, wakers and workers enough to draw many latencies. */
static uint64_t digest_of(uint64_t seed)
{
	struct sim_machine_config config = config_of(2);
	struct sim_machine *machine;
	struct sim_process *process;
	static uint32_t words[20];
	struct worker workers[20];
	struct waker wakers[20];
	uint64_t digest;

	config.seed = seed;
	machine = sim_machine_create(&config, NULL);
	process = sim_process_create(machine);
	for (size_t i = 0; i < 20; i++) {
		words[i] = 0;
		workers[i] = worker_of(machine, (reeve_ns)(i + 1) * REEVE_MSEC);
		workers[i].word = &words[i];
		wakers[i] = (struct waker){machine, &words[i], (reeve_ns)i * REEVE_MSEC, true};
		start(process, &workers[i]);
		assert_non_null(sim_thread_create(process, wake, &wakers[i]));
	}
	assert_int_equal(sim_machine_run(machine, 10 * REEVE_SEC), 0);
	digest = sim_machine_digest(machine);
	sim_machine_destroy(machine);
	return digest;
}

static void test_a_seed_is_a_run(void **state)
{
	(void)state;
	assert_true(digest_of(5) == digest_of(5));
	assert_true(digest_of(5) != digest_of(6));
}

static void test_absurd_configurations_are_refused(void **state)
{
	struct sim_machine_config config = config_of(0);

	(void)state;
	assert_null(sim_machine_create(&config, NULL));
	config = config_of(SIM_CORES_MAX + 1);
	assert_null(sim_machine_create(&config, NULL));
	config = config_of(1);
	config.piece_ns = 0;
	assert_null(sim_machine_create(&config, NULL));
	config = config_of(1);
	config.wake_max_ns = config.wake_min_ns - 1;
	assert_null(sim_machine_create(&config, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processors_are_shared_equally),
		cmocka_unit_test(test_alone_it_runs_at_full_speed),
		cmocka_unit_test(test_woken_goes_first),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_wake_reaches_all_sleepers_of_its_word_only),
		cmocka_unit_test(test_death),
		cmocka_unit_test(test_each_process_has_its_id),
		cmocka_unit_test(test_observer_sees_all_time),
		cmocka_unit_test(test_a_seed_is_a_run),
		cmocka_unit_test(test_absurd_configurations_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
