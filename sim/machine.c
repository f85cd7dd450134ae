/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.c - the simulated computer: its loop, its processors, its processes and threads.
 *
 * One event is either a timer (a sleeper becomes ready) or the end of a piece of work on a
 * processor. Of two at one instant the timer comes first, then the lower processor. Worked example,
 * one processor: thread A works 50 us in pieces of 20; at 30 us a timer makes B ready; A has run 40
 * us at its next decision, which is less than the granularity, so it goes on; after 1 ms it yields.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIM_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIM_LSAN 1
#endif
#endif
#ifdef SIM_LSAN
#include <sanitizer/lsan_interface.h>
#endif

#include "coro.h"
#include "random.h"
#include "timers.h"

/* Monotonic clock and wall clock (2026-01-01 UTC) when a machine is created. */
#define MONO_START ((reeve_ns)1000 * REEVE_SEC)
#define WALL_START ((reeve_ns)1767225600 * REEVE_SEC)
/* Ticks a second of process start times, as the kernel shows them. */
#define TICK_NS	    (10 * REEVE_MSEC)
#define FIRST_PID   1001
#define OUTSIDE_PID 1
/* Switches at one instant that can only mean that somebody spins without using time. */
#define SPIN_MAX     5000000u
#define WORD_BUCKETS 256u

enum thread_state { READY, RUNNING, SLEEPING, ENDED };

struct sim_thread {
	struct sim_timer timer; /* first: a timer is its thread */
	struct sim_process *process;
	struct sim_thread *next_of_process;
	struct sim_coro *coro;
	void *arg;
	uint64_t number;
	enum thread_state state;
	bool was_woken;			/* ready, and at the head of the queue for it */
	struct sim_thread *next, *prev; /* ready queue, or the bucket of its word */
	const uint32_t *word;		/* that it waits on; NULL: none */
	reeve_ns work_ns;		/* still to be done before it goes on */
	reeve_ns cpu_ns;
};

struct sim_process {
	struct sim_machine *machine;
	struct sim_process *next;
	struct sim_thread *threads;
	int32_t pid;
	uint64_t start_ticks;
	bool is_alive;
};

struct core {
	struct sim_thread *thread; /* NULL: idle */
	reeve_ns since;		   /* when the thread got it */
	reeve_ns piece_start, piece_end;
};

struct list {
	struct sim_thread *first, *last;
};

struct sim_machine {
	struct sim_machine_config config;
	struct sim_observer observer;
	struct reeve_host host;
	struct sim_random random;
	reeve_ns now;
	struct sim_timers timers;
	struct list ready;
	struct list waiting[WORD_BUCKETS];
	struct core cores[SIM_CORES_MAX];
	struct sim_thread *current;
	struct sim_process *processes;
	int32_t next_pid;
	uint64_t next_number;
	uint32_t live_threads;
	uint32_t shown_idle;
	uint32_t spins; /* switches since the clock last moved */
	uint64_t digest;
};

static _Noreturn void give_up(const struct sim_machine *machine, const char *why)
{
	fprintf(stderr, "simulated machine, at %.6f s, thread %llu: %s\n",
		(double)machine->now / 1e9,
		machine->current == NULL ? 0ull : (unsigned long long)machine->current->number,
		why);
	abort();
}

/* Lists of threads: the ready queue, and the sleepers of each word. */

static void insert_before(struct list *list, struct sim_thread *thread, struct sim_thread *before)
{
	thread->next = before;
	thread->prev = before == NULL ? list->last : before->prev;
	if (thread->prev == NULL)
		list->first = thread;
	else
		thread->prev->next = thread;
	if (before == NULL)
		list->last = thread;
	else
		before->prev = thread;
}

static void unlink_thread(struct list *list, struct sim_thread *thread)
{
	if (thread->prev == NULL)
		list->first = thread->next;
	else
		thread->prev->next = thread->next;
	if (thread->next == NULL)
		list->last = thread->prev;
	else
		thread->next->prev = thread->prev;
	thread->next = thread->prev = NULL;
}

static struct list *bucket_of(struct sim_machine *machine, const uint32_t *word)
{
	uint64_t hash = (uint64_t)(uintptr_t)word * UINT64_C(0x9e3779b97f4a7c15);

	return &machine->waiting[hash >> 56];
}

static void set_timer(struct sim_machine *machine, struct sim_thread *thread, reeve_ns at)
{
	if (!sim_timers_set(&machine->timers, &thread->timer, at))
		give_up(machine, "out of memory");
}

/* Changes of state. */

static void make_ready(struct sim_machine *machine, struct sim_thread *thread, bool was_woken)
{
	struct sim_thread *before = NULL;

	thread->state = READY;
	thread->was_woken = was_woken;
	if (was_woken) {
		before = machine->ready.first;
		while (before != NULL && before->was_woken)
			before = before->next;
	}
	insert_before(&machine->ready, thread, before);
}

/* It no longer waits on a word, nor for a time. */
static void stop_sleeping(struct sim_machine *machine, struct sim_thread *thread)
{
	if (thread->word != NULL) {
		unlink_thread(bucket_of(machine, thread->word), thread);
		thread->word = NULL;
	}
	sim_timers_unset(&machine->timers, &thread->timer);
}

static void end_thread(struct sim_machine *machine, struct sim_thread *thread)
{
	thread->state = ENDED;
	machine->live_threads--;
	sim_coro_destroy(thread->coro);
	thread->coro = NULL;
}

/* The current thread leaves its processor; it comes back when somebody makes it ready. */
static void sleep_now(struct sim_machine *machine, reeve_ns until)
{
	struct sim_thread *thread = machine->current;

	thread->state = SLEEPING;
	if (until != REEVE_NEVER)
		set_timer(machine, thread, until);
	sim_coro_yield(thread->coro);
}

/* Processors. */

static uint32_t count_idle(const struct sim_machine *machine)
{
	uint32_t idle = 0;

	for (uint32_t i = 0; i < machine->config.cores; i++)
		idle += machine->cores[i].thread == NULL;
	return idle;
}

static void show_idle(struct sim_machine *machine)
{
	uint32_t idle = count_idle(machine);

	if (idle == machine->shown_idle)
		return;
	machine->shown_idle = idle;
	if (machine->observer.idle != NULL)
		machine->observer.idle(machine->observer.self, idle);
}

/* Takes account of what the processor's thread did since its piece began. */
static void charge_core(struct sim_machine *machine, struct core *core)
{
	struct sim_thread *thread = core->thread;
	reeve_ns ran_ns = machine->now - core->piece_start;

	if (ran_ns <= 0)
		return;
	thread->cpu_ns += ran_ns;
	thread->work_ns -= ran_ns;
	if (machine->observer.ran != NULL)
		machine->observer.ran(
			machine->observer.self, thread, core->piece_start, machine->now);
	core->piece_start = machine->now;
}

static void start_piece(struct sim_machine *machine, struct core *core)
{
	reeve_ns piece_ns = machine->config.piece_ns;

	if (core->thread->work_ns < piece_ns)
		piece_ns = core->thread->work_ns;
	core->piece_start = machine->now;
	core->piece_end = machine->now + piece_ns;
}

static void note_switch(struct sim_machine *machine, const struct sim_thread *thread)
{
	machine->digest ^= (uint64_t)machine->now ^ (thread->number << 48);
	machine->digest *= UINT64_C(0x100000001b3);
	if (++machine->spins > SPIN_MAX)
		give_up(machine, "somebody spins without using time");
}

/* Lets the thread on `core` run its code until it works, sleeps or ends. */
static void run_code(struct sim_machine *machine, struct core *core)
{
	struct sim_thread *thread = core->thread;

	note_switch(machine, thread);
	machine->current = thread;
	sim_coro_resume(thread->coro);
	machine->current = NULL;
	if (sim_coro_has_ended(thread->coro))
		end_thread(machine, thread);
	if (thread->state != RUNNING)
		core->thread = NULL;
}

/* Whether the thread on `core` has to make way for the first of the queue. */
static bool must_make_way(const struct sim_machine *machine, const struct core *core)
{
	const struct sim_thread *first = machine->ready.first;
	reeve_ns ran_ns = machine->now - core->since;

	if (first == NULL)
		return false;
	return ran_ns >=
	       (first->was_woken ? machine->config.granularity_ns : machine->config.timeslice_ns);
}

/* Goes on with the thread on `core` as far as it gets at this instant. */
static void continue_core(struct sim_machine *machine, struct core *core)
{
	if (core->thread->work_ns == 0)
		run_code(machine, core);
	if (core->thread == NULL)
		return;
	if (must_make_way(machine, core)) {
		make_ready(machine, core->thread, false);
		core->thread = NULL;
		return;
	}
	start_piece(machine, core);
}

static struct core *find_idle_core(struct sim_machine *machine)
{
	for (uint32_t i = 0; i < machine->config.cores; i++) {
		if (machine->cores[i].thread == NULL)
			return &machine->cores[i];
	}
	return NULL;
}

/* Gives idle processors to ready threads until one of the two runs out. */
static void dispatch(struct sim_machine *machine)
{
	struct core *core;

	while (machine->ready.first != NULL && (core = find_idle_core(machine)) != NULL) {
		core->thread = machine->ready.first;
		unlink_thread(&machine->ready, core->thread);
		core->thread->state = RUNNING;
		core->thread->was_woken = false;
		core->since = machine->now;
		continue_core(machine, core);
	}
	show_idle(machine);
}

/* The busy processor whose piece ends first; NULL when all are idle. */
static struct core *find_next_core(struct sim_machine *machine)
{
	struct core *best = NULL;

	for (uint32_t i = 0; i < machine->config.cores; i++) {
		struct core *core = &machine->cores[i];

		if (core->thread != NULL && (best == NULL || core->piece_end < best->piece_end))
			best = core;
	}
	return best;
}

static void advance_to(struct sim_machine *machine, reeve_ns at)
{
	if (at > machine->now) {
		machine->now = at;
		machine->spins = 0;
	}
}

/* One event not after `until`; false when there is none. */
static bool step(struct sim_machine *machine, reeve_ns until)
{
	struct sim_timer *timer = sim_timers_first(&machine->timers);
	struct core *core = find_next_core(machine);

	if (timer != NULL && (core == NULL || timer->at <= core->piece_end)) {
		struct sim_thread *thread = (struct sim_thread *)(void *)timer;

		if (timer->at > until)
			return false;
		advance_to(machine, timer->at);
		stop_sleeping(machine, thread);
		make_ready(machine, thread, true);
	} else if (core != NULL && core->piece_end <= until) {
		advance_to(machine, core->piece_end);
		charge_core(machine, core);
		continue_core(machine, core);
	} else {
		return false;
	}
	dispatch(machine);
	return true;
}

uint32_t sim_machine_run(struct sim_machine *machine, reeve_ns until)
{
	if (machine->current != NULL)
		give_up(machine, "sim_machine_run from a simulated thread");
	dispatch(machine);
	while (step(machine, until))
		;
	if (machine->live_threads > 0)
		advance_to(machine, until);
	return machine->live_threads;
}

/* The host interface. */

static reeve_ns host_mono(void *self)
{
	return MONO_START + ((struct sim_machine *)self)->now;
}

static reeve_ns host_wall(void *self)
{
	return WALL_START + ((struct sim_machine *)self)->now;
}

static reeve_ns host_thread_cpu(void *self)
{
	struct sim_machine *machine = self;

	return machine->current == NULL ? 0 : machine->current->cpu_ns;
}

static uint64_t host_cycles(void *self)
{
	return (uint64_t)host_mono(self);
}

static void host_wait(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline)
{
	struct sim_machine *machine = self;
	struct sim_thread *thread = machine->current;

	if (thread == NULL)
		give_up(machine, "a wait outside any simulated thread would be for ever");
	if (__atomic_load_n(word, __ATOMIC_ACQUIRE) != expected ||
		(deadline != REEVE_NEVER && deadline <= host_mono(self))) {
		if (++machine->spins > SPIN_MAX)
			give_up(machine, "somebody spins without using time");
		return;
	}
	thread->word = word;
	insert_before(bucket_of(machine, word), thread, NULL);
	sleep_now(machine, deadline == REEVE_NEVER ? REEVE_NEVER : deadline - MONO_START);
}

static void host_wake(void *self, uint32_t *word)
{
	struct sim_machine *machine = self;
	struct sim_thread *next = bucket_of(machine, word)->first;

	while (next != NULL) {
		struct sim_thread *thread = next;

		next = thread->next;
		if (thread->word != word)
			continue;
		stop_sleeping(machine, thread);
		set_timer(machine, thread,
			machine->now + sim_random_between(&machine->random,
					       machine->config.wake_min_ns,
					       machine->config.wake_max_ns));
	}
}

static const struct sim_process *find_process(const struct sim_machine *machine, int32_t pid)
{
	const struct sim_process *process = machine->processes;

	while (process != NULL && process->pid != pid)
		process = process->next;
	return process;
}

static uint64_t host_process_start(void *self, int32_t pid)
{
	const struct sim_process *process = find_process(self, pid);

	if (pid == OUTSIDE_PID)
		return 1;
	return process == NULL || !process->is_alive ? 0 : process->start_ticks;
}

static bool host_process_alive(void *self, int32_t pid, uint64_t start_ticks)
{
	return start_ticks != 0 && host_process_start(self, pid) == start_ticks;
}

static int32_t host_process_id(void *self)
{
	const struct sim_machine *machine = self;

	return machine->current == NULL ? OUTSIDE_PID : machine->current->process->pid;
}

static uint32_t host_cpu_count(void *self)
{
	return ((const struct sim_machine *)self)->config.cores;
}

static void fill_host(struct sim_machine *machine)
{
	machine->host = (struct reeve_host){
		.self = machine,
		.mono = host_mono,
		.wall = host_wall,
		.thread_cpu = host_thread_cpu,
		.cycles = host_cycles,
		.cycles_ns_q32 = UINT64_C(1) << 32,
		.wait = host_wait,
		.wake = host_wake,
		.process_alive = host_process_alive,
		.process_start = host_process_start,
		.process_id = host_process_id,
		.cpu_count = host_cpu_count,
	};
}

/* Machines. */

static bool is_sane(const struct sim_machine_config *config)
{
	return config->cores >= 1 && config->cores <= SIM_CORES_MAX && config->timeslice_ns > 0 &&
	       config->granularity_ns > 0 && config->piece_ns > 0 && config->wake_min_ns >= 0 &&
	       config->wake_max_ns >= config->wake_min_ns;
}

struct sim_machine *sim_machine_create(
	const struct sim_machine_config *config, const struct sim_observer *observer)
{
	struct sim_machine *machine;

	if (!is_sane(config))
		return NULL;
	machine = calloc(1, sizeof(*machine));
	if (machine == NULL)
		return NULL;
	machine->config = *config;
	if (observer != NULL)
		machine->observer = *observer;
	fill_host(machine);
	sim_random_init(&machine->random, config->seed, 0);
	machine->next_pid = FIRST_PID;
	machine->next_number = 1;
	machine->shown_idle = config->cores;
	machine->digest = UINT64_C(0xcbf29ce484222325);
	return machine;
}

static void free_threads(struct sim_process *process)
{
	while (process->threads != NULL) {
		struct sim_thread *thread = process->threads;

		process->threads = thread->next_of_process;
		sim_coro_destroy(thread->coro);
		free(thread);
	}
}

void sim_machine_destroy(struct sim_machine *machine)
{
	if (machine == NULL)
		return;
	while (machine->processes != NULL) {
		struct sim_process *process = machine->processes;

		machine->processes = process->next;
		free_threads(process);
		free(process);
	}
	sim_timers_fini(&machine->timers);
	free(machine);
}

const struct reeve_host *sim_machine_host(struct sim_machine *machine)
{
	return &machine->host;
}

reeve_ns sim_now(const struct sim_machine *machine)
{
	return machine->now;
}

uint64_t sim_machine_digest(const struct sim_machine *machine)
{
	return machine->digest;
}

/* Processes and threads. */

struct sim_process *sim_process_create(struct sim_machine *machine)
{
	struct sim_process *process = calloc(1, sizeof(*process));

	if (process == NULL)
		return NULL;
	process->machine = machine;
	process->pid = machine->next_pid++;
	process->start_ticks = (uint64_t)(host_mono(machine) / TICK_NS);
	process->is_alive = true;
	process->next = machine->processes;
	machine->processes = process;
	return process;
}

int32_t sim_process_pid(const struct sim_process *process)
{
	return process->pid;
}

bool sim_process_is_alive(const struct sim_process *process)
{
	return process->is_alive;
}

static void kill_thread(struct sim_machine *machine, struct sim_thread *thread)
{
	switch (thread->state) {
	case READY:
		unlink_thread(&machine->ready, thread);
		break;
	case RUNNING:
		for (uint32_t i = 0; i < machine->config.cores; i++) {
			if (machine->cores[i].thread != thread)
				continue;
			charge_core(machine, &machine->cores[i]);
			machine->cores[i].thread = NULL;
		}
		break;
	case SLEEPING:
		stop_sleeping(machine, thread);
		break;
	case ENDED:
		return;
	}
	end_thread(machine, thread);
}

void sim_process_kill(struct sim_process *process)
{
	struct sim_machine *machine = process->machine;

	if (machine->current != NULL && machine->current->process == process)
		give_up(machine, "a process cannot kill itself here");
	process->is_alive = false;
	for (struct sim_thread *t = process->threads; t != NULL; t = t->next_of_process)
		kill_thread(machine, t);
}

void sim_process_abandon(void *memory)
{
#ifdef SIM_LSAN
	if (memory != NULL)
		__lsan_ignore_object(memory);
#endif
	(void)memory;
}

struct sim_thread *sim_thread_create(struct sim_process *process, void (*fn)(void *arg), void *arg)
{
	struct sim_machine *machine = process->machine;
	struct sim_thread *thread;

	if (!process->is_alive)
		give_up(machine, "a thread in a dead process");
	thread = calloc(1, sizeof(*thread));
	if (thread == NULL)
		return NULL;
	thread->coro = sim_coro_create(fn, arg);
	if (thread->coro == NULL) {
		free(thread);
		return NULL;
	}
	thread->process = process;
	thread->arg = arg;
	thread->number = machine->next_number++;
	thread->next_of_process = process->threads;
	process->threads = thread;
	machine->live_threads++;
	make_ready(machine, thread, false);
	return thread;
}

bool sim_thread_has_ended(const struct sim_thread *thread)
{
	return thread->state == ENDED;
}

void *sim_thread_arg(const struct sim_thread *thread)
{
	return thread->arg;
}

struct sim_thread *sim_thread_current(const struct sim_machine *machine)
{
	return machine->current;
}

void sim_work(struct sim_machine *machine, reeve_ns ns)
{
	if (machine->current == NULL)
		give_up(machine, "work outside any simulated thread");
	if (ns <= 0)
		return;
	machine->current->work_ns = ns;
	sim_coro_yield(machine->current->coro);
}

void sim_sleep(struct sim_machine *machine, reeve_ns until)
{
	if (machine->current == NULL)
		give_up(machine, "sleep outside any simulated thread");
	if (until > machine->now)
		sleep_now(machine, until);
}
