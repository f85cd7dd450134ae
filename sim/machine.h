/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - a simulated computer: virtual time, processors, processes, threads, sleeping, waking.
 *
 * Simulated threads are coroutines that run real code. Code takes no virtual time; only sim_work
 * does, sim_sleep, and waiting on a word through the machine's `struct reeve_host`. So the library
 * runs here as it is, on a clock that jumps from event to event, and a run depends on nothing but
 * the program and the seed.
 *
 * The kernel's scheduler is a simple one: one queue of ready threads for all processors; a thread
 * keeps its processor for `timeslice_ns` while others are ready; one that was just woken goes to the
 * head of the queue, and takes the processor of a thread that has run for `granularity_ns`. A woken
 * thread is ready after a latency drawn from [wake_min_ns, wake_max_ns]. Work is used up in pieces of
 * `piece_ns`, at whose ends such decisions fall.
 *
 *	           dispatch           sim_wait, sim_sleep
 *	READY <-------------> RUNNING ------------------> SLEEPING
 *	  ^     preempted        | returns                   |
 *	  |                      v                           | woken, or its time has come
 *	  +--------------------------------------------------+
 *	                       ENDED   (from every state when its process is killed)
 *
 * One thread of the caller's program uses a machine at a time.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/host.h>
#include <reeve/types.h>

struct sim_machine;
struct sim_process;
struct sim_thread;

#define SIM_CORES_MAX 64u

struct sim_machine_config {
	uint64_t seed;
	uint32_t cores; /* 1 to SIM_CORES_MAX */
	reeve_ns timeslice_ns;
	reeve_ns granularity_ns;
	reeve_ns piece_ns;
	reeve_ns wake_min_ns, wake_max_ns;
};
#define SIM_MACHINE_CONFIG_INIT                                                                    \
	{                                                                                          \
		1, 1, 3 * REEVE_MSEC, REEVE_MSEC, 20 * REEVE_USEC, 5 * REEVE_USEC, 50 * REEVE_USEC \
	}

/* Who watches the machine; either may be NULL. They must not call back into it, but for sim_now. */
struct sim_observer {
	void *self;
	/* `thread` had a processor over [from, to]. Once a piece. */
	void (*ran)(void *self, struct sim_thread *thread, reeve_ns from, reeve_ns to);
	/* This many processors are idle from now on. */
	void (*idle)(void *self, uint32_t idle_cores);
};

/* `observer` (may be NULL) is copied. NULL when memory is short or the configuration is absurd. */
struct sim_machine *sim_machine_create(
	const struct sim_machine_config *config, const struct sim_observer *observer);
/* Frees all processes and threads with it; stacks are not unwound. NULL is allowed. */
void sim_machine_destroy(struct sim_machine *machine);

/*
 * The outside world as the library shall see it. Valid as long as the machine. Its monotonic clock
 * starts at 1,000 s, its wall clock at 2026-01-01 UTC; a cycle is a nanosecond. Called from outside
 * any simulated thread it speaks for process 1, which never dies and must not wait.
 */
const struct reeve_host *sim_machine_host(struct sim_machine *machine);

/* Time since the machine was created. */
reeve_ns sim_now(const struct sim_machine *machine);

/*
 * Runs until that time, or until no thread can ever run again. Returns how many threads have not
 * ended. What happens at `until` itself has happened on return. From the main context.
 */
uint32_t sim_machine_run(struct sim_machine *machine, reeve_ns until);

/* A digest of every dispatch so far: equal runs have equal digests. */
uint64_t sim_machine_digest(const struct sim_machine *machine);

/* A process without threads. It belongs to the machine. NULL when memory is short. */
struct sim_process *sim_process_create(struct sim_machine *machine);
int32_t sim_process_pid(const struct sim_process *process);
bool sim_process_is_alive(const struct sim_process *process);
/*
 * All its threads vanish where they are, as by SIGKILL. Not from one of its own threads. A second
 * kill does nothing.
 */
void sim_process_kill(struct sim_process *process);

/*
 * A thread of a live process, ready at once, that runs fn(arg). It belongs to the machine. NULL when
 * memory is short. From anywhere.
 */
struct sim_thread *sim_thread_create(struct sim_process *process, void (*fn)(void *arg), void *arg);
bool sim_thread_has_ended(const struct sim_thread *thread);
/* Of the creator of the thread, to find what it stands for. */
void *sim_thread_arg(const struct sim_thread *thread);

/*
 * Memory that a killed process had allocated, which on a real machine goes with it: tells the leak
 * checker, where there is one, that nobody will free it. NULL is allowed.
 */
void sim_process_abandon(void *memory);

/* The calling simulated thread; NULL in the main context. */
struct sim_thread *sim_thread_current(const struct sim_machine *machine);

/* For simulated threads: uses the processor for `ns`, sharing it as the kernel decides. */
void sim_work(struct sim_machine *machine, reeve_ns ns);
/* For simulated threads: sleeps until that time, without a processor. */
void sim_sleep(struct sim_machine *machine, reeve_ns until);

#endif
