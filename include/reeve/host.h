/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - everything reeve asks of the outside world, as one table of functions.
 *
 * Leave it out (options.host = NULL) and the real clocks, futexes and /proc are used. The simulator
 * supplies its own, so that the same engine runs under a virtual clock.
 *
 * All functions must be callable from any thread, must not call back into reeve, and are never
 * called with a lock of the segment held, except the clocks.
 */
#ifndef REEVE_HOST_H
#define REEVE_HOST_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the host knows of memory. */
struct reeve_host_memory {
	uint64_t system_bytes;		/* of the machine; 0: not known */
	uint64_t container_limit_bytes; /* of the control group; REEVE_UNLIMITED: none */
	uint64_t container_used_bytes;	/* in it, without page cache that is not in use */
	uint64_t resident_bytes;	/* of this process; 0: not known */
	/* part of the last 10 s in which some, or all, tasks waited for memory; UINT32_MAX: not known */
	uint32_t stall_some_ppm, stall_full_ppm;
};

#define REEVE_CONTAINER_CPUS 1024u

/* Limits of the control group that this process is in; of all levels the tightest. */
struct reeve_container_limits {
	uint32_t version; /* of the control groups, 1 or 2; 0: there are none */
	/* CPU time that may be used in a unit of time, in ppm of one processor; REEVE_UNLIMITED: none */
	uint64_t cpu_quota_ppm;
	uint32_t cpu_count;			     /* processors in cpu_set; 0: not told */
	uint64_t cpu_set[REEVE_CONTAINER_CPUS / 64]; /* bit i % 64 of word i / 64: processor i */
	uint64_t memory_limit_bytes;		     /* REEVE_UNLIMITED: none */
	uint64_t memory_used_bytes;		     /* without page cache that is not in use */
	uint64_t
		throttled_us; /* held back by the kernel for the quota; REEVE_UNLIMITED: not told */
};

struct reeve_host {
	void *self; /* first argument of every function */

	/* Monotonic clock, ns. Shared by all processes of the machine; never goes back. */
	reeve_ns (*mono)(void *self);
	/* Wall clock, ns since 1970-01-01 UTC. May jump. */
	reeve_ns (*wall)(void *self);
	/* CPU time of the calling thread, ns. */
	reeve_ns (*thread_cpu)(void *self);
	/*
	 * A cheap counter that advances at a constant rate, and how many nanoseconds 2^32 of its
	 * ticks are. NULL: the processor's own (TSC, CNTVCT) where it is constant, else mono.
	 */
	uint64_t (*cycles)(void *self);
	uint64_t cycles_ns_q32;
	/*
	 * Sleeps until *word is seen different from `expected`, wake() is called on it, or the
	 * monotonic clock reaches `deadline` (REEVE_NEVER: none). May return early. The word lies
	 * in memory shared between processes.
	 */
	void (*wait)(void *self, uint32_t *word, uint32_t expected, reeve_ns deadline);
	/* Wakes every sleeper on the word, in all processes. */
	void (*wake)(void *self, uint32_t *word);
	/*
	 * Whether process `pid`, started at `start_ticks` (see process_start), still runs. A zombie
	 * does not run.
	 */
	bool (*process_alive)(void *self, int32_t pid, uint64_t start_ticks);
	/* Start time of a process in the kernel's ticks since boot; 0 when it does not exist. */
	uint64_t (*process_start)(void *self, int32_t pid);
	/* This process. */
	int32_t (*process_id)(void *self);
	/* Processors this process may use, at least 1. */
	uint32_t (*cpu_count)(void *self);
	/* Memory of machine, container and process; false: nothing is known. NULL: the same. */
	bool (*memory)(void *self, struct reeve_host_memory *ret);
	/*
	 * Processor time of the machine since it started, the busy part and all of it, in any unit;
	 * false when it cannot be told. NULL: it never can, and the load counts as 0.
	 */
	bool (*cpu_times)(void *self, uint64_t *ret_busy, uint64_t *ret_all);
	/* Limits of the container; false: nothing is known. NULL: the same. */
	bool (*container)(void *self, struct reeve_container_limits *ret);
};

/* The real one. Never NULL; static; the same pointer each time. */
REEVE_API const struct reeve_host *reeve_host_native(void);

#ifdef __cplusplus
}
#endif
#endif
