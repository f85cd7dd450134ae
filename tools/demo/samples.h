/* SPDX-License-Identifier: Apache-2.0 */
/* samples.h - latencies in microseconds, all kept, so that percentiles are exact. */
#ifndef REEVE_DEMO_SAMPLES_H
#define REEVE_DEMO_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

struct samples {
	uint32_t *us;
	size_t count, cap;
};

/* Adds one; leaves it out when there is no memory. */
void samples_add(struct samples *samples, int64_t us);
/* The value that `permille` of a thousand do not exceed, in ms; 0 of none. Sorts in place. */
double samples_ms(struct samples *samples, unsigned permille);
void samples_fini(struct samples *samples);

#endif
