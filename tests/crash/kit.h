/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit.h - what the crash, interleave and stress tests share: chance with a printed seed, polls with
 * a deadline, a segment in a file, and the checks that follow every disturbance.
 */
#ifndef REEVE_CRASH_KIT_H
#define REEVE_CRASH_KIT_H

#include <reeve/reeve.h>

#include <stdatomic.h>
#include <stdio.h>
#include <sys/types.h>

#define kit_get(p)    atomic_load_explicit((p), memory_order_relaxed)
#define kit_put(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
#define kit_add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_relaxed)

/* REEVE_TEST_ALL=1 asks for the full length. */
bool kit_all(void);
/* REEVE_SEED, or one of the clock's; prints it with the test's name. */
uint64_t kit_seed(const char *test);
/* A step of splitmix64. */
uint64_t kit_random(uint64_t *state);
/* 0 to n - 1. */
uint32_t kit_below(uint64_t *state, uint32_t n);

reeve_ns kit_now(void);
void kit_nap(reeve_ns ns);
/* Uses the processor for that long, by the clock on the wall. */
void kit_spin(reeve_ns ns);

/*
 * A poll: naps half a millisecond, false once `limit` is over. On a machine too busy to wake this
 * process in time the limit grows by what the poller itself was late, so that the limit means time
 * in which others could run.
 */
struct kit_poll {
	reeve_ns began, limit, late;
};
struct kit_poll kit_poll_for(reeve_ns limit);
bool kit_poll_more(struct kit_poll *poll);
reeve_ns kit_poll_took(const struct kit_poll *poll);

/* Zeroed memory shared with children forked later. Never fails (aborts). */
void *kit_shared(size_t size);

/*
 * A new segment in a file under /dev/shm, opened; the path goes to `path` (at least 64 bytes). Quantum
 * 2 ms, so that slots change hands often. Aborts on failure.
 */
struct reeve *kit_create(char *path, uint32_t cpu_slots);
/* The same segment, attached by this process at an address of its own. NULL when refused. */
struct reeve *kit_open(const char *path);
/* A session of the user "test" in that group; NULL when refused. */
struct reeve_session *kit_session(struct reeve *r, uint64_t group);

/* Runs reeve_validate, prints each fault with `when`, and returns how many there were. */
int kit_faults(struct reeve *r, const char *when);
/*
 * Counts that must add up at any time when nobody is in the middle of a call: sessions created =
 * terminated + current, and current = those listed. Prints and returns the number of faults.
 */
int kit_count_faults(struct reeve *r, const char *when);
/* Attachments of that process; 0: none. */
uint32_t kit_attachments_of(struct reeve *r, pid_t pid);

#endif
