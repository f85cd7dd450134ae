/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers.h - a binary heap of timers that know their place, so that each can be taken out.
 *
 * Timers of one instant fire in the order in which they were set.
 */
#ifndef SIM_TIMERS_H
#define SIM_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/types.h>

/* Embedded in whatever it wakes. Zeroed: not set. */
struct sim_timer {
	reeve_ns at;
	uint64_t order;
	uint32_t place; /* 1 + index in the heap; 0: not set */
};

struct sim_timers {
	struct sim_timer **heap;
	uint32_t count, capacity;
	uint64_t next_order;
};

void sim_timers_fini(struct sim_timers *timers);
/* Sets a timer that is not set. False when memory is short. */
bool sim_timers_set(struct sim_timers *timers, struct sim_timer *timer, reeve_ns at);
/* Takes a timer out; does nothing when it is not set. */
void sim_timers_unset(struct sim_timers *timers, struct sim_timer *timer);
/* The earliest one; NULL when there is none. */
struct sim_timer *sim_timers_first(const struct sim_timers *timers);

#endif
