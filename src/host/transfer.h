/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - the transfers themselves: blocking calls, and a ring of io_uring where the kernel has
 * it. Nothing here knows of groups, limits or policies.
 */
#ifndef REEVE_HOST_TRANSFER_H
#define REEVE_HOST_TRANSFER_H

#include "../base/base.h"

#include <pthread.h>

struct reeve__transfer {
	uint32_t op; /* enum reeve_io_op */
	int fd;
	void *buffer;
	uint64_t size_bytes, offset;
};

/* Does it, in this thread; goes on after an interruption. Bytes moved, or a negative errno. */
int64_t reeve__transfer_run(const struct reeve__transfer *transfer);

/*
 * The same for up to REEVE__TRANSFER_MANY reads or writes of one fd that lie end to end, in one call:
 * ret_results gets each one's part.
 */
#define REEVE__TRANSFER_MANY 16u
void reeve__transfer_run_many(
	const struct reeve__transfer *transfers, uint32_t n, int64_t *ret_results);

/* A ring. One thread submits, one waits; they may be two. */
struct reeve__ring;

/* NULL when the kernel has no io_uring for us, or this build no liburing; *ret_errno says why. */
struct reeve__ring *reeve__ring_open(uint32_t depth, int *ret_errno);
void reeve__ring_close(struct reeve__ring *ring);
/*
 * Starts a transfer. `label` comes back with its end; UINT64_MAX is the ring's own. False when the
 * ring is full: wait for one to end.
 */
bool reeve__ring_submit(
	struct reeve__ring *ring, const struct reeve__transfer *transfer, uint64_t label);
/* Makes reeve__ring_wait return with label UINT64_MAX. */
void reeve__ring_nudge(struct reeve__ring *ring);
/* Sleeps until a transfer ends. False on a broken ring. */
bool reeve__ring_wait(struct reeve__ring *ring, uint64_t *ret_label, int64_t *ret_result);

/* A thread of this process that runs fn(arg); 0 or an errno. All signals are blocked in it. */
int reeve__thread_start(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg);

#endif
