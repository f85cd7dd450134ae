/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_kit.c - see parallel_kit.h. */
#include "parallel_kit.h"

#include "../../src/engine/parallel.h"

struct reeve_parallel_def parallel_def(uint32_t mode, uint32_t dop)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;

	def.mode = mode;
	def.requested_dop = dop;
	return def;
}

struct reeve_execution_info parallel_ask_def(
	struct reeve *r, uint64_t group, const struct reeve_parallel_def *def)
{
	struct reeve_execution_info info;

	assert_ok(reeve_execution_request(r, 1001, (reeve_group_id){group}, def, &info, E));
	return info;
}

struct reeve_execution_info parallel_ask(
	struct reeve *r, uint64_t group, uint32_t mode, uint32_t dop)
{
	struct reeve_parallel_def def = parallel_def(mode, dop);

	return parallel_ask_def(r, group, &def);
}

struct reeve_execution_info parallel_get(struct reeve *r, uint64_t id)
{
	struct reeve_execution_info info;

	assert_ok(reeve_execution_get(r, (reeve_execution_id){id}, &info, E));
	return info;
}

void parallel_complete(struct reeve *r, uint64_t id)
{
	assert_ok(reeve_execution_complete(r, (reeve_execution_id){id}, NULL, E));
}

struct reeve_parallel_stats parallel_stats(struct reeve *r)
{
	struct reeve_parallel_stats stats;

	reeve_parallel_stats_get(r, &stats);
	return stats;
}

uint64_t parallel_pool(struct reeve *r, uint32_t least, uint32_t most)
{
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id id = {0};

	def.name = "pool";
	def.min_servers = least;
	def.max_servers = most;
	assert_ok(reeve_server_pool_create(r, &def, &id, E));
	return id.v;
}

struct reeve_server_pool_info parallel_pool_get(struct reeve *r, uint64_t id)
{
	struct reeve_server_pool_info info;

	assert_ok(reeve_server_pool_get(r, (reeve_server_pool_id){id}, &info, E));
	return info;
}

uint32_t parallel_servers_in(struct reeve *r, uint64_t pool, uint32_t state)
{
	struct reeve_server_info infos[64];
	uint32_t n = reeve_server_copy(
			 r, (reeve_server_id){0}, (reeve_server_pool_id){pool}, infos, 64),
		 found = 0;

	for (uint32_t i = 0; i < n; i++)
		found += infos[i].state == state;
	return found;
}

void parallel_total(struct reeve *r, uint32_t max_total_dop)
{
	struct reeve_parallel_config config;

	reeve_parallel_config_get(r, &config);
	config.max_total_dop = max_total_dop;
	assert_ok(reeve_parallel_config_set(r, &config, E));
}

void parallel_cores(struct reeve *r, uint32_t cores)
{
	struct reeve_parallel_config config;

	reeve_parallel_config_get(r, &config);
	config.cpu_cores = cores;
	assert_ok(reeve_parallel_config_set(r, &config, E));
}

static struct reeve_sh_ruling_row *row_of(struct reeve *r, uint64_t group)
{
	uint32_t slot = reeve__table_find(r, &r->header->groups, group);

	assert_true(slot != REEVE_NONE);
	return &reeve__ruling_now(r).rows[slot];
}

void parallel_plan(struct reeve *r, uint64_t group, uint32_t degree, uint32_t servers,
	uint64_t timeout_ns, bool runs_serial)
{
	struct reeve_sh_ruling_row *row = row_of(r, group);

	reeve__put(&row->parallel_degree, degree);
	reeve__put(&row->parallel_servers, servers);
	reeve__put(&row->parallel_queue_timeout_ns, timeout_ns);
	reeve__put(&row->flags, REEVE_ROW_PARALLEL_MANAGED |
					(runs_serial ? (uint32_t)REEVE_ROW_QUEUE_RUNS_SERIAL : 0));
}

void parallel_plan_weight(struct reeve *r, uint64_t group, uint32_t weight_ppm)
{
	reeve__put(&row_of(r, group)->weight_ppm, weight_ppm);
}

void parallel_plan_cap(struct reeve *r, uint64_t group, uint32_t cap_ppm)
{
	reeve__put(&row_of(r, group)->cap_ppm, cap_ppm);
	reeve__put(&row_of(r, group)->share_ppm, 0); /* not above the cap */
}
