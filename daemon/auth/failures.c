/* SPDX-License-Identifier: Apache-2.0 */
/* failures.c - see failures.h. The limit is the generic cell rate algorithm, in one instant each. */
#include "auth/failures.h"

#include <string.h>

void reeved_failures_init(struct reeved_failures *failures)
{
	memset(failures->ways, 0, sizeof(failures->ways));
	pthread_mutex_init(&failures->lock, NULL);
}

void reeved_failures_fini(struct reeved_failures *failures)
{
	pthread_mutex_destroy(&failures->lock);
}

static struct reeved_failure *set_of(struct reeved_failures *failures, const uint8_t network[16])
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (int i = 0; i < 16; i++)
		hash = (hash ^ network[i]) * 16777619u;
	return failures->ways[(hash ^ hash >> 16) % REEVED_FAILURES_SETS];
}

/* Its place; or, for one that is not there, the place of the one that failed least. */
static struct reeved_failure *find_locked(
	struct reeved_failures *failures, const uint8_t network[16])
{
	struct reeved_failure *set = set_of(failures, network), *least = set;
	for (uint32_t i = 0; i < REEVED_FAILURES_WAYS; i++) {
		if (set[i].paid_ms != 0 && memcmp(set[i].network, network, 16) == 0)
			return &set[i];
		if (set[i].paid_ms < least->paid_ms)
			least = &set[i];
	}
	return least;
}

uint32_t reeved_failures_wait(
	struct reeved_failures *failures, const uint8_t network[16], int64_t now_ms)
{
	const int64_t room_ms = (int64_t)(REEVED_FAILURES_BURST - 1) * REEVED_FAILURES_EACH_MS;
	pthread_mutex_lock(&failures->lock);
	const struct reeved_failure *failure = find_locked(failures, network);
	int64_t wait_ms = memcmp(failure->network, network, 16) == 0
				  ? failure->paid_ms - room_ms - now_ms
				  : 0;
	pthread_mutex_unlock(&failures->lock);
	return wait_ms > 0 ? (uint32_t)((wait_ms + 999) / 1000) : 0;
}

void reeved_failures_note(
	struct reeved_failures *failures, const uint8_t network[16], int64_t now_ms)
{
	pthread_mutex_lock(&failures->lock);
	struct reeved_failure *failure = find_locked(failures, network);
	if (memcmp(failure->network, network, 16) != 0 || failure->paid_ms < now_ms) {
		memcpy(failure->network, network, 16);
		failure->paid_ms = now_ms;
	}
	failure->paid_ms += REEVED_FAILURES_EACH_MS;
	pthread_mutex_unlock(&failures->lock);
}
