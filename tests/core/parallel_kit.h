/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_kit.h - short ways of the tests of parallel control; they must succeed. */
#ifndef TESTS_CORE_PARALLEL_KIT_H
#define TESTS_CORE_PARALLEL_KIT_H

#include "core.h"

/* A request by ids; the session is unknown to the segment unless it is one of its own. */
struct reeve_execution_info parallel_ask(
	struct reeve *r, uint64_t group, uint32_t mode, uint32_t dop);
/* The same with all that can be said. */
struct reeve_execution_info parallel_ask_def(
	struct reeve *r, uint64_t group, const struct reeve_parallel_def *def);
struct reeve_parallel_def parallel_def(uint32_t mode, uint32_t dop);
struct reeve_execution_info parallel_get(struct reeve *r, uint64_t id);
void parallel_complete(struct reeve *r, uint64_t id);
struct reeve_parallel_stats parallel_stats(struct reeve *r);
uint64_t parallel_pool(struct reeve *r, uint32_t least, uint32_t most);
struct reeve_server_pool_info parallel_pool_get(struct reeve *r, uint64_t id);
/* Servers of a pool in that state. */
uint32_t parallel_servers_in(struct reeve *r, uint64_t pool, uint32_t state);
void parallel_total(struct reeve *r, uint32_t max_total_dop);
void parallel_cores(struct reeve *r, uint32_t cores);

/* What the plan in force says of a group, written over; UINT32_MAX, REEVE_UNLIMITED: nothing. */
void parallel_plan(struct reeve *r, uint64_t group, uint32_t degree, uint32_t servers,
	uint64_t timeout_ns, bool runs_serial);
void parallel_plan_weight(struct reeve *r, uint64_t group, uint32_t weight_ppm);
void parallel_plan_cap(struct reeve *r, uint64_t group, uint32_t cap_ppm);

#endif
