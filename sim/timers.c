/* SPDX-License-Identifier: Apache-2.0 */
/* timers.c - see timers.h. */
#include "timers.h"

#include <stdlib.h>

static bool is_before(const struct sim_timer *a, const struct sim_timer *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct sim_timers *timers, uint32_t index, struct sim_timer *timer)
{
	timers->heap[index] = timer;
	timer->place = index + 1;
}

static void sift_up(struct sim_timers *timers, uint32_t index)
{
	struct sim_timer *timer = timers->heap[index];

	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (!is_before(timer, timers->heap[parent]))
			break;
		put(timers, index, timers->heap[parent]);
		index = parent;
	}
	put(timers, index, timer);
}

static void sift_down(struct sim_timers *timers, uint32_t index)
{
	struct sim_timer *timer = timers->heap[index];

	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
			is_before(timers->heap[child + 1], timers->heap[child]))
			child++;
		if (!is_before(timers->heap[child], timer))
			break;
		put(timers, index, timers->heap[child]);
		index = child;
	}
	put(timers, index, timer);
}

static bool grow(struct sim_timers *timers)
{
	uint32_t capacity = timers->capacity == 0 ? 64 : timers->capacity * 2;
	struct sim_timer **heap = realloc(timers->heap, capacity * sizeof(*heap));

	if (heap == NULL)
		return false;
	timers->heap = heap;
	timers->capacity = capacity;
	return true;
}

void sim_timers_fini(struct sim_timers *timers)
{
	free(timers->heap);
	*timers = (struct sim_timers){0};
}

bool sim_timers_set(struct sim_timers *timers, struct sim_timer *timer, reeve_ns at)
{
	if (timers->count == timers->capacity && !grow(timers))
		return false;
	timer->at = at;
	timer->order = timers->next_order++;
	put(timers, timers->count++, timer);
	sift_up(timers, timers->count - 1);
	return true;
}

void sim_timers_unset(struct sim_timers *timers, struct sim_timer *timer)
{
	uint32_t index;
	struct sim_timer *last;

	if (timer->place == 0)
		return;
	index = timer->place - 1;
	timer->place = 0;
	last = timers->heap[--timers->count];
	if (last == timer)
		return;
	put(timers, index, last);
	sift_up(timers, index);
	sift_down(timers, last->place - 1);
}

struct sim_timer *sim_timers_first(const struct sim_timers *timers)
{
	return timers->count == 0 ? NULL : timers->heap[0];
}
