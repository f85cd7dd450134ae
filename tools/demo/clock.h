/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the monotonic clock, in the microseconds that a demonstration counts in. */
#ifndef REEVE_DEMO_CLOCK_H
#define REEVE_DEMO_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

#endif
