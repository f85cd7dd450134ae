/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - what an expectation finds in a record. */
#ifndef SIM_MEASURE_H
#define SIM_MEASURE_H

#include <stddef.h>

#include "record.h"
#include "scenario.h"

/* What a run leaves behind. */
struct outcome {
	struct record record;
	uint32_t unfinished;  /* clients that had not ended when time was up; a fault, too */
	uint64_t *charged_ns; /* [group], as the library has it */
	uint32_t faults;      /* that reeve_validate found, or calls that failed unexpectedly */
	char first_fault[300];
	uint64_t digest;
	uint64_t events; /* switches of threads are most of a run's cost */
};

/*
 * The measured value, in the unit of the expectation: percent, nanoseconds or a count. With a
 * window: that of the worst window. NaN when there was nothing to measure.
 */
double measure(const struct scenario *scenario, const struct outcome *outcome,
	const struct scn_expect *expect);

/* Whether the measured value is as expected. */
bool measure_is_met(const struct scn_expect *expect, double measured);

/* The value as text with its unit. */
void measure_format(const struct scn_expect *expect, double measured, char *to, size_t size);

#endif
