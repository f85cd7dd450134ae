/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - who is next in the queue of a session pool: priority, then age, with aging.
 *
 * A waiter's key is the instant at which it was queued plus a handicap by its priority; the smallest
 * key is next. So among those who came within one handicap of each other priority decides, and who
 * has waited longer than the difference of handicaps goes first whatever its priority: Low is late,
 * and not lost. Worked example: Normal waits since second 100, key 110; High came in second 105, key
 * 105: High is next. A High of second 111 has key 111 and is after the Normal.
 */
#ifndef REEVE_POLICY_QUEUE_H
#define REEVE_POLICY_QUEUE_H

#include <stdint.h>

/* How much later a waiter of the next lower priority is served, at most. */
#define REEVE_QUEUE_HANDICAP_NS ((uint64_t)10000000000)

/* `priority` 0 (Critical) to 3 (Low). */
static inline uint64_t reeve__queue_key(uint64_t queued_ns, uint32_t priority)
{
	return queued_ns + (uint64_t)priority * REEVE_QUEUE_HANDICAP_NS;
}

#endif
