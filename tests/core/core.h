/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - what the tests of the library share: a host whose clocks stand still, a segment in
 * anonymous memory, calls that must succeed or fail, seeds.
 *
 * The clocks of the host move when a test says so, and when somebody waits: a wait calls `on_wait`
 * and then, unless that woke the waiter, jumps to the wait's deadline. So waits are tested on one
 * thread, without a sleep, and every time of every run is the same.
 */
#ifndef TESTS_CORE_CORE_H
#define TESTS_CORE_CORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <reeve/reeve.h>

#include "random.h"

struct core_host {
	struct reeve_host host;
	reeve_ns mono, wall, cpu;
	/* called by each wait before time jumps; may act on sessions; NULL: nothing happens */
	void (*on_wait)(struct core_host *h, void *arg);
	void *arg;
	uint32_t waits, wakes;
	int32_t pid;	    /* of whoever opens next */
	int32_t dead_below; /* processes with a lower pid are dead */
	bool memory_known;  /* what it says about memory counts */
	struct reeve_host_memory memory;
};

/* A host at 1,000 s of monotonic and 2,000 s of wall time, process 100, all alive. */
void core_host_init(struct core_host *h);
/* Time passes, with the thread on a processor, or off it. */
void core_work(struct core_host *h, reeve_ns ns);
void core_sleep(struct core_host *h, reeve_ns ns);

/* The fixture of most tests: a still host and a small anonymous segment with one CPU slot. */
struct core {
	struct core_host h;
	struct reeve *r;
};

/* cmocka setup and teardown; the teardown demands that the segment validates clean. */
int core_setup(void **state);
int core_setup_two_slots(void **state);
int core_teardown(void **state);

/* Capacities of the fixture's segment. */
void core_small_options(struct reeve_options *options);
/* A segment in anonymous memory with these; on the real host when `host` is NULL. */
struct reeve *core_open(const struct reeve_host *host, uint32_t cpu_slots);

/* Where failures of the calls in the macros below go: pass E as the last argument. */
extern struct reeve_error core_err;
#define E (&core_err)

#define assert_ok(call)                                                                            \
	do {                                                                                       \
		core_err = (struct reeve_error){0};                                                \
		core_assert_ok((call), #call, __FILE__, __LINE__);                                 \
	} while (0)
/* The call fails with this code, its error says so too, and its text has `part` in it. */
#define assert_fails(call, code, part)                                                             \
	do {                                                                                       \
		core_err = (struct reeve_error){0};                                                \
		core_assert_fails((call), (code), (part), #call, __FILE__, __LINE__);              \
	} while (0)

void core_assert_ok(int rc, const char *call, const char *file, int line);
void core_assert_fails(
	int rc, int code, const char *part, const char *call, const char *file, int line);
/* The segment validates clean; prints the faults otherwise. */
#define assert_clean(r) core_assert_clean((r), __FILE__, __LINE__)
void core_assert_clean(struct reeve *r, const char *file, int line);

/* Short ways to the usual things; they must succeed. */
struct reeve_session *core_session(struct reeve *r, uint64_t group);
uint64_t core_group(struct reeve *r, const char *name, uint32_t cpu_pct);
uint64_t core_plan(struct reeve *r, const char *name, uint32_t method);
uint64_t core_directive(
	struct reeve *r, uint64_t plan, uint64_t group, const struct reeve_directive_def *def);
struct reeve_session_info core_info(struct reeve *r, const struct reeve_session *s);
struct reeve_group_info core_group_info(struct reeve *r, uint64_t group);
struct reeve_cpu_group_stats core_group_stats(struct reeve *r, uint64_t group);
struct reeve_segment_info core_segment(struct reeve *r);

/* A name in a directory of its own under /dev/shm (or /tmp), gone with core_path_remove. */
void core_path(char *to, size_t size, const char *name);
void core_path_remove(void);

/* Seed of a random test: REEVE_SEED, or a fresh one; printed either way. */
uint64_t core_seed(const char *test);
/* Steps a random test takes: `usual`, or a million with REEVE_TEST_ALL=1. */
uint64_t core_steps(uint64_t usual);
/* Uniform below n, which is at least 1. */
uint64_t core_below(struct sim_random *random, uint64_t n);

#endif
