/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failures.h - how often an address may come with a token that is none: ten times at once, then
 * once in three seconds. An address over that is answered 429, whatever it brings, until it has
 * waited; so a guesser learns nothing for his trouble, and fills no log.
 *
 * A table of fixed size, which forgets those that failed least.
 */
#ifndef REEVE_DAEMON_AUTH_FAILURES_H
#define REEVE_DAEMON_AUTH_FAILURES_H

#include <pthread.h>
#include <stdint.h>

#define REEVED_FAILURES_BURST	10
#define REEVED_FAILURES_EACH_MS 3000
#define REEVED_FAILURES_SETS	256u
#define REEVED_FAILURES_WAYS	4u

struct reeved_failures {
	pthread_mutex_t lock;
	struct reeved_failure {
		uint8_t network[16];
		int64_t paid_ms; /* when all that it did is forgotten */
	} ways[REEVED_FAILURES_SETS][REEVED_FAILURES_WAYS];
};

void reeved_failures_init(struct reeved_failures *failures);
void reeved_failures_fini(struct reeved_failures *failures);
/* Seconds that the address has to wait, 1 or more; 0: it may try. `now_ms` never goes back. */
uint32_t reeved_failures_wait(
	struct reeved_failures *failures, const uint8_t network[16], int64_t now_ms);
void reeved_failures_note(
	struct reeved_failures *failures, const uint8_t network[16], int64_t now_ms);

#endif
