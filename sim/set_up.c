/* SPDX-License-Identifier: Apache-2.0 */
/* set_up.c - a scenario's groups, plans and settings, told to the library. */
#include "client.h"

static bool set_up_group(struct run *run, uint32_t index)
{
	const struct scn_group *group = &run->scenario->groups[index];
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_error err = {0};
	uint32_t fields = 0;

	def.name = group->name;
	if (group->priority != SCN_NONE) {
		def.priority = group->priority;
		fields |= REEVE_GROUP_PRIORITY;
	}
	if (group->cpu_pct != SCN_NONE) {
		def.cpu_allocation_pct = group->cpu_pct;
		fields |= REEVE_GROUP_CPU_ALLOCATION_PCT;
	}
	if (!reeve_group_find(run->reeve, group->name, &run->groups[index]))
		return run__must(run,
			reeve_group_create(run->reeve, &def, &run->groups[index], &err), &err,
			"creating a group");
	return fields == 0 ||
	       run__must(run,
		       reeve_group_update(run->reeve, run->groups[index], fields, &def, 0, &err),
		       &err, "changing a group");
}

static bool set_up_plan(struct run *run, uint32_t index)
{
	const struct scn_plan *plan = &run->scenario->plans[index];
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_error err = {0};

	if (reeve_plan_find(run->reeve, plan->name, &run->plans[index]))
		return true;
	def.name = plan->name;
	def.cpu_method = plan->method;
	def.max_utilization_pct = plan->max_pct;
	def.active_session_pool_managed = plan->manages_sessions;
	def.parallel_execution_managed = plan->manages_parallel;
	return run__must(run, reeve_plan_create(run->reeve, &def, &run->plans[index], &err), &err,
		"creating a plan");
}

bool set_up__directive(struct run *run, const struct scn_directive *directive)
{
	struct reeve_directive_def def = directive->def;
	struct reeve_error err = {0};
	reeve_directive_id id;

	if (def.given & REEVE_DIRECTIVE_SUB_PLAN)
		def.sub_plan = run->plans[directive->sub_plan];
	if (def.given & REEVE_DIRECTIVE_SWITCH_GROUP) {
		def.switch_group = run->groups[directive->switch_group];
		run->may_move = true;
	}
	return run__must(run,
		reeve_directive_set(run->reeve, run->plans[directive->plan],
			run->groups[directive->group], &def, &id, &err),
		&err, "setting a directive");
}

bool set_up__activate(struct run *run, uint32_t plan)
{
	struct reeve_error err = {0};

	return run__must(run, reeve_plan_activate(run->reeve, run->plans[plan], &err), &err,
		"activating a plan");
}

bool set_up__quantum(struct run *run, reeve_ns quantum_ns)
{
	struct reeve_cpu_config config;
	struct reeve_error err = {0};

	reeve_cpu_config_get(run->reeve, &config);
	config.quantum_ns = quantum_ns;
	return run__must(
		run, reeve_cpu_config_set(run->reeve, &config, &err), &err, "setting the quantum");
}

bool set_up__policy(struct run *run, uint32_t policy)
{
	struct reeve_cpu_config config;
	struct reeve_error err = {0};

	reeve_cpu_config_get(run->reeve, &config);
	config.policy = policy;
	return run__must(
		run, reeve_cpu_config_set(run->reeve, &config, &err), &err, "setting the policy");
}

static bool set_io(struct run *run)
{
	const struct scenario *s = run->scenario;
	struct reeve_io_config config;
	struct reeve_error err = {0};

	reeve_io_config_get(run->reeve, &config);
	config.policy = s->io_policy;
	if (s->io_concurrent != 0)
		config.max_concurrent = s->io_concurrent;
	if (s->io_burst_ppm != 0)
		config.burst_ppm = s->io_burst_ppm;
	return run__must(run, reeve_io_config_set(run->reeve, &config, &err), &err, "setting I/O");
}

static bool set_runaways(struct run *run)
{
	const struct scenario *s = run->scenario;
	struct reeve_cpu_config config;
	struct reeve_error err = {0};

	if (s->runaway_ns == 0)
		return true;
	reeve_cpu_config_get(run->reeve, &config);
	config.runaway_detection = true;
	config.runaway_threshold_ns = s->runaway_ns;
	if (s->runaway_speed_pct != 0)
		config.runaway_throttle_ppm = s->runaway_speed_pct * 10000;
	return run__must(
		run, reeve_cpu_config_set(run->reeve, &config, &err), &err, "setting runaways");
}

static bool set_servers(struct run *run)
{
	struct reeve_parallel_config config;
	struct reeve_error err = {0};

	if (run->scenario->parallel_servers == 0)
		return true;
	reeve_parallel_config_get(run->reeve, &config);
	config.max_total_dop = run->scenario->parallel_servers;
	return run__must(run, reeve_parallel_config_set(run->reeve, &config, &err), &err,
		"setting parallel servers");
}

bool set_up__all(struct run *run)
{
	const struct scenario *s = run->scenario;

	for (uint32_t i = 0; i < s->group_count; i++) {
		if (!set_up_group(run, i))
			return false;
	}
	for (uint32_t i = 0; i < s->plan_count; i++) {
		if (!set_up_plan(run, i))
			return false;
	}
	for (uint32_t i = 0; i < s->directive_count; i++) {
		if (!set_up__directive(run, &s->directives[i]))
			return false;
	}
	if (s->quantum_ns != 0 && !set_up__quantum(run, s->quantum_ns))
		return false;
	if (s->policy != 0 && !set_up__policy(run, s->policy))
		return false;
	if (!set_io(run) || !set_runaways(run) || !set_servers(run))
		return false;
	return s->active_plan == SCN_NONE || set_up__activate(run, s->active_plan);
}
