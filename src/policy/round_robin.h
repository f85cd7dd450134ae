/* SPDX-License-Identifier: Apache-2.0 */
/*
 * round_robin.h - the priority round robin policy: the higher goes first, equals take turns, and
 * whoever has waited long enough goes before them all.
 *
 * A level is 0 (first) to 63: 8 times the group's priority plus the task's. Who begins to wait gets
 * as key the instant, plus its level times 125 ms; the smallest key runs next. So
 *   - of two who begin to wait together the higher level runs first;
 *   - among equals it is first come, first served; who has had its quantum begins to wait anew, and
 *     so they rotate by quantum;
 *   - a task of level n is passed by nobody who comes later than n * 125 ms after it, whatever his
 *     level: with k others at work on s slots and a quantum q it waits at most
 *     n * 125 ms + (k / s + 1) * q. That is the aging bound; from one group priority to the next it is
 *     1 s, from the first to the last 7.875 s.
 * Relations between keys never change while they wait, so a heap keeps its order.
 *
 * Worked: a task of level 24 (group 3, task 0) waits since t = 0; level 0 is busy all the time. At
 * 3 s it runs, for a quantum; and then again after 3 s.
 */
#ifndef REEVE_POLICY_ROUND_ROBIN_H
#define REEVE_POLICY_ROUND_ROBIN_H

#include "../base/base.h"

#define REEVE_ROUND_ROBIN_STEP_NS ((uint64_t)125000000)
#define REEVE_ROUND_ROBIN_LEVELS  64u

static inline uint32_t reeve__round_robin_level(uint32_t group_priority, uint32_t task_priority)
{
	uint32_t g = group_priority < 7 ? group_priority : 7;
	uint32_t t = task_priority < 7 ? task_priority : 7;

	return g * 8 + t;
}

/* Place among those who wait, as a point of a wrapping clock: the smallest goes first. */
static inline uint64_t reeve__round_robin_key(uint64_t since_ns, uint32_t level)
{
	return since_ns + level * REEVE_ROUND_ROBIN_STEP_NS;
}

/*
 * Whether one who was granted a slot after such a wait got it by age, before others of a higher
 * level: it then keeps it for a quantum, or its turn would be none.
 */
static inline bool reeve__round_robin_is_aged(uint64_t waited_ns, uint32_t level)
{
	return level && waited_ns >= REEVE_ROUND_ROBIN_STEP_NS;
}

#endif
