/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager_config.c - the settings that belong to the whole, each kept by its module.
 *
 * A change of several modules is all or none: memory, which alone may refuse for what it holds, comes
 * last, and the others can always be set back to what they were.
 */
#include "manager.h"

#include "io.h"
#include "memory.h"
#include "parallel.h"

/* The settings of the modules that have a part in it. */
struct parts {
	struct reeve_cpu_config cpu;
	struct reeve_io_config io;
	struct reeve_parallel_config parallel;
	struct reeve_session_config sessions;
	struct reeve_memory_config memory;
};

static void read_parts(struct reeve *r, struct parts *to)
{
	reeve__cpu_config_get(r, &to->cpu);
	reeve__io_config_get(r, &to->io);
	reeve__parallel_config_get(r, &to->parallel);
	reeve__session_config_get(r, &to->sessions);
	reeve__memory_config_get(r, &to->memory);
}

void reeve__manager_config_get(struct reeve *r, struct reeve_manager_config *ret)
{
	struct parts p;

	read_parts(r, &p);
	reeve__memory_host_look(r);
	*ret = (struct reeve_manager_config){
		.cpu_cores = p.parallel.cpu_cores,
		.total_memory = reeve__get(&r->host_system_bytes),
		.max_db_memory = p.memory.db_limit_bytes,
		.io_parallelism = p.parallel.io_parallelism,
		.max_concurrent_io = p.io.max_concurrent,
		.max_total_dop = p.parallel.max_total_dop,
		.cpu_policy = p.cpu.policy,
		.io_policy = p.io.policy,
		.memory_strategy = p.memory.strategy,
		.rebalancing_period_ns = p.memory.tune_period_ns,
		.global_session_limit = p.sessions.global_session_limit,
		.enabled = true,
		.dynamic_rebalancing = true,
		.container_aware = true,
		.ml_predictions = false,
		.revision = reeve__get(&r->header->revision),
	};
}

/* What nothing can turn on or off. */
static int check_fixed(
	uint32_t fields, const struct reeve_manager_config *c, struct reeve_error *err)
{
	const struct {
		uint32_t field;
		bool value, fixed;
		const char *name, *why;
	} rows[] = {
		{REEVE_MANAGER_ENABLED, c->enabled, true, "enabled",
			"what is not to be governed is not attached"},
		{REEVE_MANAGER_DYNAMIC_REBALANCING, c->dynamic_rebalancing, true,
			"enableDynamicRebalancing",
			"memory strategy MANUAL keeps pools as they are"},
		{REEVE_MANAGER_CONTAINER_AWARE, c->container_aware, true, "containerAware",
			"the container's memory always counts"},
		{REEVE_MANAGER_ML_PREDICTIONS, c->ml_predictions, false, "enableMlPredictions",
			"nothing here learns"},
	};

	if (fields & ~REEVE_MANAGER_ALL)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits of %#x", fields, REEVE_MANAGER_ALL);
	for (size_t i = 0; i < REEVE_COUNT(rows); i++)
		if ((fields & rows[i].field) && rows[i].value != rows[i].fixed)
			return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
				"%s is %s; allowed is %s: %s", rows[i].name,
				rows[i].value ? "true" : "false", rows[i].fixed ? "true" : "false",
				rows[i].why);
	return 0;
}

static void edit_parts(struct parts *p, uint32_t fields, const struct reeve_manager_config *c)
{
	if (fields & REEVE_MANAGER_CPU_CORES)
		p->parallel.cpu_cores = c->cpu_cores;
	if (fields & REEVE_MANAGER_IO_PARALLELISM)
		p->parallel.io_parallelism = c->io_parallelism;
	if (fields & REEVE_MANAGER_MAX_TOTAL_DOP)
		p->parallel.max_total_dop = c->max_total_dop;
	if (fields & REEVE_MANAGER_MAX_CONCURRENT_IO)
		p->io.max_concurrent = c->max_concurrent_io;
	if (fields & REEVE_MANAGER_IO_POLICY)
		p->io.policy = c->io_policy;
	if (fields & REEVE_MANAGER_CPU_POLICY)
		p->cpu.policy = c->cpu_policy;
	if (fields & REEVE_MANAGER_GLOBAL_SESSION_LIMIT)
		p->sessions.global_session_limit = c->global_session_limit;
	if (fields & REEVE_MANAGER_MAX_DB_MEMORY)
		p->memory.db_limit_bytes = c->max_db_memory;
	if (fields & REEVE_MANAGER_MEMORY_STRATEGY)
		p->memory.strategy = c->memory_strategy;
	if (fields & REEVE_MANAGER_REBALANCING_PERIOD)
		p->memory.tune_period_ns = c->rebalancing_period_ns;
}

/* The modules in the order in which they are changed. */
enum { CPU, IO, PARALLEL, SESSIONS, MEMORY, MODULES };

static const uint32_t fields_of[MODULES] = {
	[CPU] = REEVE_MANAGER_CPU_POLICY,
	[IO] = REEVE_MANAGER_IO_POLICY | REEVE_MANAGER_MAX_CONCURRENT_IO,
	[PARALLEL] = REEVE_MANAGER_CPU_CORES | REEVE_MANAGER_IO_PARALLELISM |
		     REEVE_MANAGER_MAX_TOTAL_DOP,
	[SESSIONS] = REEVE_MANAGER_GLOBAL_SESSION_LIMIT,
	[MEMORY] = REEVE_MANAGER_MAX_DB_MEMORY | REEVE_MANAGER_MEMORY_STRATEGY |
		   REEVE_MANAGER_REBALANCING_PERIOD,
};

static int set_one(struct reeve *r, uint32_t module, const struct parts *p, struct reeve_error *err)
{
	switch (module) {
	case CPU:
		return reeve__cpu_config_set(r, &p->cpu, err);
	case IO:
		return reeve__io_config_set(r, &p->io, err);
	case PARALLEL:
		return reeve__parallel_config_set(r, &p->parallel, err);
	case SESSIONS:
		return reeve__session_config_set(r, &p->sessions, err);
	default:
		return reeve__memory_config_set(r, &p->memory, err);
	}
}

int reeve__manager_config_set(struct reeve *r, uint32_t fields,
	const struct reeve_manager_config *config, struct reeve_error *err)
{
	struct parts before, after;
	int rc = check_fixed(fields, config, err);

	if (rc)
		return rc;
	read_parts(r, &before);
	after = before;
	edit_parts(&after, fields, config);
	for (uint32_t m = 0; m < MODULES && !rc; m++) {
		if (!(fields & fields_of[m]))
			continue;
		rc = set_one(r, m, &after, err);
		for (uint32_t back = m; rc && back-- > 0;)
			if (fields & fields_of[back])
				(void)set_one(r, back, &before, NULL);
	}
	return rc;
}
