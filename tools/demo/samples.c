/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c - see samples.h. */
#include "samples.h"

#include <stdlib.h>

void samples_add(struct samples *samples, int64_t us)
{
	if (samples->count == samples->cap) {
		size_t cap = samples->cap ? samples->cap * 2 : 1024;
		uint32_t *grown = realloc(samples->us, cap * sizeof(*grown));
		if (!grown)
			return;
		samples->us = grown;
		samples->cap = cap;
	}
	samples->us[samples->count++] = us < 0 ? 0 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static int compare_us(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

double samples_ms(struct samples *samples, unsigned permille)
{
	size_t rank;

	if (samples->count == 0)
		return 0;
	qsort(samples->us, samples->count, sizeof(*samples->us), compare_us);
	rank = (samples->count * permille + 999) / 1000;
	return samples->us[rank ? rank - 1 : 0] / 1000.0;
}

void samples_fini(struct samples *samples)
{
	free(samples->us);
	*samples = (struct samples){0};
}
