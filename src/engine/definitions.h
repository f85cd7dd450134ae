/* SPDX-License-Identifier: Apache-2.0 */
/*
 * definitions.h - what definitions.h of the public API needs of the inside: limits by hand as they were
 * set, the plan chosen by hand, next ids, and dates and revisions of rows.
 */
#ifndef REEVE_ENGINE_DEFINITIONS_H
#define REEVE_ENGINE_DEFINITIONS_H

#include "../model/schedule.h"
#include "engine.h"

#include <reeve/definitions.h>

/* A group's limits by hand that are in force. */
struct reeve__by_hand {
	bool has_cpu, has_io, has_memory, has_parallel, has_pool, allow_queuing;
	uint32_t shares, cap_pct, weight, degree, servers, max_active;
	uint64_t bandwidth, iops, max_group_memory, max_session_pga, queue_timeout_ns;
};
/* False: no such group. */
bool reeve__by_hand_get(struct reeve *r, uint64_t group, struct reeve__by_hand *ret);

/* Next ids in the order of reeve_definitions.next_ids, and the revision. */
void reeve__counters_get(
	struct reeve *r, uint64_t ret_ids[REEVE_DEFINITION_COUNTERS], uint64_t *ret_revision);
void reeve__counters_set(
	struct reeve *r, const uint64_t ids[REEVE_DEFINITION_COUNTERS], uint64_t revision);
/* Dates and revision of the row that `row` is of, if it is there. */
void reeve__stamp_set(struct reeve *r, const struct reeve_definition *row);

#endif
