/* SPDX-License-Identifier: Apache-2.0 */
/* judge.c - see judge.h. Each kind of doubt has a sentence of its own. */
#include "judge.h"
#include "tree.h"

#include <stdarg.h>
#include <stdio.h>

/* Messages of validation: all are counted, those that fit are kept. */
struct messages {
	struct reeve *r;
	struct reeve_plan_message *ret;
	uint32_t capacity, count, errors;
	uint32_t top; /* slot of the plan that is judged */
	struct reeve_error first_error;
	const struct reeve_sh_plan *plan; /* the one the next message is of */
};

__attribute__((format(printf, 4, 5))) static void say(struct messages *m,
	enum reeve_severity severity, uint64_t directive, const char *format, ...)
{
	struct reeve_plan_message scratch;
	struct reeve_plan_message *to = m->count < m->capacity ? &m->ret[m->count] : &scratch;
	size_t at = 0;
	va_list args;

	to->severity = severity;
	to->directive.v = directive;
	if (m->plan != &m->r->plans[m->top])
		at = (size_t)snprintf(
			to->text, sizeof(to->text), "in sub-plan %.64s: ", m->plan->name);
	va_start(args, format);
	vsnprintf(to->text + at, sizeof(to->text) - at, format, args);
	va_end(args);
	m->count++;
	if (severity == REEVE_SEVERITY_ERROR && m->errors++ == 0)
		reeve__fail(&m->first_error, REEVE_ECONFIGURATION, "%s", to->text);
}

#define WARN(d, ...)  say(m, REEVE_SEVERITY_WARNING, (d)->head.id, __VA_ARGS__)
#define ERROR(d, ...) say(m, REEVE_SEVERITY_ERROR, (d)->head.id, __VA_ARGS__)

static bool has(const struct reeve_sh_directive *d, uint64_t bits)
{
	return (d->given & bits) != 0;
}

static const char *group_name(const struct reeve *r, const struct reeve_sh_directive *d)
{
	return d->group < r->group_capacity ? r->groups[d->group].name : "?";
}

static void judge_cpu(struct messages *m, const struct reeve_sh_directive *d)
{
	const struct reeve_sh_plan *plan = m->plan;
	bool by_shares = plan->cpu_method == REEVE_METHOD_SHARES;
	const char *group = group_name(m->r, d);
	uint32_t cap = plan->max_utilization_pct;

	if (by_shares && has(d, REEVE_DIRECTIVE_CPU_PCT))
		WARN(d, "cpuPct %u of %.128s has no effect: the plan divides by shares", d->cpu_pct,
			group);
	if (!by_shares && has(d, REEVE_DIRECTIVE_CPU_SHARES))
		WARN(d, "cpuShares %u of %.128s has no effect: the plan divides by percent",
			d->cpu_shares, group);
	if (!by_shares && has(d, REEVE_DIRECTIVE_CPU_PCT) && d->cpu_pct == 0)
		WARN(d, "%.128s has 0 percent and gets only the floor while others want CPU",
			group);
	if (plan->cpu_method != REEVE_METHOD_EMPHASIS && has(d, REEVE_DIRECTIVE_CPU_LEVEL) &&
		d->cpu_level != 1)
		WARN(d, "cpuLevel %u of %.128s has no effect: only EMPHASIS has levels",
			d->cpu_level, group);
	if (has(d, REEVE_DIRECTIVE_CPU_CAP) && cap && d->cpu_cap_pct >= cap && cap < 100)
		WARN(d, "cpuUtilizationLimit %u of %.128s can never bind: the plan's is %u",
			d->cpu_cap_pct, group, cap);
}

static void judge_sessions(struct messages *m, const struct reeve_sh_directive *d)
{
	const char *group = group_name(m->r, d);
	uint64_t most = d->group < m->r->group_capacity ? m->r->groups[d->group].max_sessions
							: REEVE_UNLIMITED;

	if (has(d, REEVE_DIRECTIVE_ACTIVE_SESSIONS | REEVE_DIRECTIVE_QUEUE_TIMEOUT) &&
		!m->plan->sessions_managed)
		WARN(d, "%s of %.128s has no effect: the plan does not manage session pools",
			has(d, REEVE_DIRECTIVE_ACTIVE_SESSIONS) ? "activeSessPoolP1" : "queueingP1",
			group);
	if (has(d, REEVE_DIRECTIVE_QUEUE_TIMEOUT) && !has(d, REEVE_DIRECTIVE_ACTIVE_SESSIONS))
		WARN(d,
			"queueingP1 of %.128s can never bind: without activeSessPoolP1 nobody "
			"queues",
			group);
	if (has(d, REEVE_DIRECTIVE_ACTIVE_SESSIONS) && d->active_sessions >= most)
		WARN(d,
			"activeSessPoolP1 %u of %.128s can never bind: the group has at most %llu "
			"sessions",
			d->active_sessions, group, (unsigned long long)most);
	if (has(d, REEVE_DIRECTIVE_MAX_IDLE) && has(d, REEVE_DIRECTIVE_MAX_IDLE_BLOCKER) &&
		d->max_idle_blocker_ns >= d->max_idle_ns)
		WARN(d, "maxIdleBlockerTime of %.128s can never bind: it is not below maxIdleTime",
			group);
}

static void judge_parallel(struct messages *m, const struct reeve_sh_directive *d)
{
	const uint64_t all = REEVE_DIRECTIVE_PARALLEL_DEGREE | REEVE_DIRECTIVE_PARALLEL_SERVERS |
			     REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT |
			     REEVE_DIRECTIVE_PARALLEL_QUEUE_RUNS;
	const char *group = group_name(m->r, d);

	if (has(d, all) && !m->plan->parallel_managed)
		WARN(d, "%s of %.128s has no effect: the plan does not manage parallel execution",
			has(d, REEVE_DIRECTIVE_PARALLEL_DEGREE)	   ? "parallelDegreeLimit"
			: has(d, REEVE_DIRECTIVE_PARALLEL_SERVERS) ? "parallelServerLimit"
								   : "parallelQueueTimeout",
			group);
	if (has(d, REEVE_DIRECTIVE_PARALLEL_DEGREE) && has(d, REEVE_DIRECTIVE_PARALLEL_SERVERS) &&
		d->parallel_servers && d->parallel_degree > d->parallel_servers)
		WARN(d,
			"parallelDegreeLimit %u of %.128s can never bind: all its calls together "
			"have %u servers",
			d->parallel_degree, group, d->parallel_servers);
	if (d->parallel_queue_runs_serial && !has(d, REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT))
		WARN(d,
			"parallelQueueRunsSerial of %.128s can never happen: it has no "
			"parallelQueueTimeout",
			group);
}

static void judge_switch_group(struct messages *m, const struct reeve_sh_directive *d)
{
	const char *group = group_name(m->r, d);
	bool moves =
		!has(d, REEVE_DIRECTIVE_SWITCH_ACTION) || d->switch_action == REEVE_SWITCH_GROUP;

	if (has(d, REEVE_DIRECTIVE_SWITCH_GROUP) &&
		reeve__table_find(m->r, &m->r->header->groups, d->switch_group) == REEVE_NONE)
		ERROR(d, "switchGroup %llu of %.128s does not exist",
			(unsigned long long)d->switch_group, group);
	else if (has(d, REEVE_DIRECTIVE_SWITCH_GROUP) && d->group < m->r->group_capacity &&
		 d->switch_group == m->r->groups[d->group].head.id)
		WARN(d, "switchGroup of %.128s is the group itself: nothing changes", group);
	if (has(d, REEVE_DIRECTIVE_SWITCH_GROUP) && !moves)
		WARN(d, "switchGroup of %.128s has no effect: switchAction is another", group);
	if (has(d, REEVE_DIRECTIVE_SWITCH_ACTION) && moves && !has(d, REEVE_DIRECTIVE_SWITCH_GROUP))
		ERROR(d, "switchAction of %.128s is to move, and there is no switchGroup", group);
	if (d->switch_for_call && (!moves || !has(d, REEVE_DIRECTIVE_SWITCH_GROUP)))
		WARN(d, "switchForCall of %.128s has no effect: calls are not moved", group);
}

static void judge_switch(struct messages *m, const struct reeve_sh_directive *d)
{
	const uint64_t limits = REEVE_DIRECTIVE_SWITCH_CPU | REEVE_DIRECTIVE_SWITCH_ELAPSED |
				REEVE_DIRECTIVE_SWITCH_IO_BYTES |
				REEVE_DIRECTIVE_SWITCH_IO_REQUESTS |
				REEVE_DIRECTIVE_SWITCH_LOGICAL_READS;
	const char *group = group_name(m->r, d);

	judge_switch_group(m, d);
	if (has(d, REEVE_DIRECTIVE_SWITCH_GROUP | REEVE_DIRECTIVE_SWITCH_ACTION) && !has(d, limits))
		WARN(d, "%.128s is never switched: it has no switch limit", group);
	if (has(d, limits) && !has(d, REEVE_DIRECTIVE_SWITCH_GROUP | REEVE_DIRECTIVE_SWITCH_ACTION))
		WARN(d,
			"switch limits of %.128s only make an event: it has no switchGroup and no "
			"switchAction",
			group);
	if (d->switch_estimate && !has(d, REEVE_DIRECTIVE_SWITCH_CPU))
		WARN(d, "switchEstimate of %.128s has no effect: it has no switchTime", group);
	if (has(d, REEVE_DIRECTIVE_SWITCH_ELAPSED) && d->group < m->r->group_capacity &&
		d->switch_elapsed_ns >= reeve__get(&m->r->groups[d->group].max_execution_ns))
		WARN(d,
			"switchElapsedTime of %.128s can never bind: maxExecutionTime of the group "
			"ends calls before",
			group);
}

static void judge_group(struct messages *m, const struct reeve_sh_directive *d)
{
	if (d->group < m->r->group_capacity && !m->r->groups[d->group].is_active)
		WARN(d, "%.128s is out of reach: the group is inactive and takes no sessions",
			group_name(m->r, d));
}

static void judge_sub_plan(struct messages *m, const struct reeve_sh_directive *d)
{
	uint32_t sub = reeve__sub_plan_of(m->r, d);
	const struct reeve_sh_plan *p = &m->r->plans[sub == REEVE_NONE ? 0 : sub];
	const char *group = group_name(m->r, d);

	if (!has(d, REEVE_DIRECTIVE_SUB_PLAN))
		return;
	if (sub == REEVE_NONE)
		ERROR(d, "subPlanId %llu of %.128s does not exist", (unsigned long long)d->sub_plan,
			group);
	else if (!p->is_enabled)
		ERROR(d, "sub-plan %llu (%.64s) of %.64s is disabled",
			(unsigned long long)p->head.id, p->name, group);
	else if (p->parent == 0)
		WARN(d, "sub-plan %llu (%.64s) of %.64s is a top plan",
			(unsigned long long)p->head.id, p->name, group);
	else if (p->parent != m->plan->head.id)
		WARN(d, "sub-plan %llu (%.64s) of %.64s belongs to resource plan %llu",
			(unsigned long long)p->head.id, p->name, group,
			(unsigned long long)p->parent);
}

static void judge_directive(struct messages *m, const struct reeve_sh_directive *d)
{
	judge_cpu(m, d);
	judge_sessions(m, d);
	judge_parallel(m, d);
	judge_switch(m, d);
	judge_group(m, d);
	judge_sub_plan(m, d);
}

static void judge_level(struct messages *m, uint32_t level, uint32_t sum)
{
	bool emphasis = m->plan->cpu_method == REEVE_METHOD_EMPHASIS;

	if (sum > 100)
		say(m, emphasis ? REEVE_SEVERITY_ERROR : REEVE_SEVERITY_WARNING, 0,
			"percentages of level %u add up to %u, more than 100", level, sum);
	else if (sum && sum < 100 && !emphasis)
		say(m, REEVE_SEVERITY_WARNING, 0,
			"percentages add up to %u, less than 100; they count as ratios", sum);
}

static void judge_levels(struct messages *m, const uint32_t *sums)
{
	for (uint32_t level = 1, full = 0; level <= REEVE_CPU_LEVELS; level++) {
		judge_level(m, level, sums[level]);
		if (full && sums[level])
			say(m, REEVE_SEVERITY_WARNING, 0,
				"level %u gets only the floor while level %u wants all its 100 "
				"percent",
				level, full);
		if (!full && sums[level] >= 100)
			full = level;
	}
}

/* One plan of the tree, as the walk enters it. */
static void judge_plan(void *arg, uint32_t plan_slot, uint32_t by)
{
	struct messages *m = arg;
	const struct reeve_sh_plan *plan = m->plan = &m->r->plans[plan_slot];
	bool by_shares = plan->cpu_method == REEVE_METHOD_SHARES;
	bool has_levels = plan->cpu_method == REEVE_METHOD_EMPHASIS;
	uint32_t sums[REEVE_CPU_LEVELS + 1] = {0}, numbers = 0;

	(void)by;
	REEVE__EACH_DIRECTIVE(m->r, plan_slot, i)
	{
		const struct reeve_sh_directive *d = &m->r->directives[i];
		judge_directive(m, d);
		numbers += has(d, by_shares ? REEVE_DIRECTIVE_CPU_SHARES : REEVE_DIRECTIVE_CPU_PCT);
		if (!by_shares && has(d, REEVE_DIRECTIVE_CPU_PCT))
			sums[has_levels && d->cpu_level <= REEVE_CPU_LEVELS ? d->cpu_level : 1] +=
				d->cpu_pct;
	}
	if (numbers == 0)
		say(m, REEVE_SEVERITY_WARNING, 0, "no group has %s: all get what is left",
			by_shares ? "shares" : "a percentage");
	judge_levels(m, sums);
}

static void judge_cycle(void *arg, uint32_t directive, const char *path)
{
	struct messages *m = arg;

	m->plan = &m->r->plans[m->top];
	ERROR(&m->r->directives[directive], "sub-plans go round in a circle: %s", path);
}

int reeve__plan_judge_locked(struct reeve *r, uint32_t plan_slot, struct reeve_plan_message *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct messages m = {.r = r, .ret = ret, .capacity = capacity, .top = plan_slot};
	const struct reeve__tree_visitor visitor = {judge_plan, judge_cycle, &m};

	reeve__tree_walk(r, plan_slot, &visitor);
	m.plan = &r->plans[plan_slot];
	if (reeve__tree_solve(r, plan_slot, UINT64_MAX).is_cut)
		say(&m, REEVE_SEVERITY_ERROR, 0,
			"the tree of sub-plans has more places than the segment has room for: %llu",
			(unsigned long long)reeve__tree_capacity(
				r->group_capacity, r->header->directives.capacity));
	if (!err || !m.errors)
		return (int)m.count;
	*err = m.first_error;
	return m.first_error.code;
}

int reeve__plan_validate(struct reeve *r, reeve_plan_id id, struct reeve_plan_message *ret,
	uint32_t capacity, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		rc = reeve__plan_judge_locked(r, i, ret, capacity, NULL);
	reeve__catalog_unlock(r);
	return rc;
}
