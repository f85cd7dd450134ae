/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_policy.c - the four policies, as queues, slots and pull tasks see them. CPU lock held.
 *
 * All keep ages: what was used over weight. They differ in what a weight is and in the key by which
 * queues are ordered:
 *
 *	completely fair            age                             weights as the ruling says
 *	fair share                 age                             weights as history changes them
 *	priority round robin       begin of the wait and level     (ages are kept, and not looked at)
 *	weighted fair queueing     age and rest of the cost        weights as the ruling says
 *
 * Since all keep ages, whoever joins is pulled level with the clock under each of them. A change of
 * policy levels all ages: no hoard and no debt of one policy goes on under another.
 */
#include "cpu.h"

#include "../policy/fair.h"
#include "../policy/fair_share.h"
#include "../policy/round_robin.h"
#include "../policy/wfq.h"

struct reeve_sh_cpu_lane *reeve__cpu_lane_row(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	return &x->r->cpu_lanes[g - x->r->groups];
}

static struct reeve_sh_cpu_lane *all_lanes(const struct reeve__cpu_pass *x)
{
	return &x->r->cpu_lanes[x->r->group_capacity];
}

uint32_t reeve__cpu_group_weight(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g, bool pull)
{
	uint32_t weight = reeve__get(&g->cpu.weight_ppm);
	const struct reeve_sh_use *use;

	if (REEVE_LIKELY(x->policy != REEVE_CPU_FAIR_SHARE))
		return weight;
	use = &reeve__cpu_lane_row(x, g)->use[pull];
	return reeve__fair_share_weight(
		weight, all_lanes(x)->average[pull], reeve__fair_share_rate(use, weight));
}

uint32_t reeve__cpu_task_priority(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t lane = x->r->cpu_tasks[task].lane, own = x->r->tasks[task].priority;

	return REEVE_UNLIKELY(lane) && REEVE__LANE_PRIORITY(lane) < own ? REEVE__LANE_PRIORITY(lane)
									: own;
}

uint32_t reeve__cpu_task_weight(const struct reeve__cpu_pass *x, uint32_t task)
{
	uint32_t weight = reeve__fair_priority_weight(reeve__cpu_task_priority(x, task));
	const struct reeve_sh_cpu_lane *lane;
	bool pull = x->r->tasks[task].kind == REEVE_TASK_PULL;

	if (REEVE_LIKELY(x->policy != REEVE_CPU_FAIR_SHARE))
		return weight;
	lane = reeve__cpu_lane_row(x, reeve__cpu_lane_of(x, task));
	return reeve__fair_share_weight(weight, lane->average[pull],
		reeve__fair_share_rate(&x->r->cpu_tasks[task].use, weight));
}

/* Level of a task under priority round robin. */
static uint32_t level_of(const struct reeve__cpu_pass *x, uint32_t task)
{
	return reeve__round_robin_level(reeve__get(&reeve__cpu_lane_of(x, task)->priority),
		reeve__cpu_task_priority(x, task));
}

uint64_t reeve__cpu_task_key(const struct reeve__cpu_pass *x, uint32_t task)
{
	const struct reeve_sh_task *t = &x->r->tasks[task];

	switch (x->policy) {
	case REEVE_CPU_PRIORITY_ROUND_ROBIN:
		return reeve__round_robin_key(reeve__get(&t->wait_since), level_of(x, task));
	case REEVE_CPU_WEIGHTED_FAIR_QUEUEING:
		return reeve__wfq_finish(
			t->age, x->r->cpu_tasks[task].rest_ns, reeve__cpu_task_weight(x, task));
	default:
		return t->age;
	}
}

uint64_t reeve__cpu_group_key(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g, bool pull)
{
	uint64_t age = pull ? g->cpu.pull_age : g->cpu.age;
	uint32_t root = pull ? g->cpu.pull_root : g->cpu.root;

	if (x->policy < REEVE_CPU_PRIORITY_ROUND_ROBIN || root >= x->tasks.capacity)
		return age;
	if (x->policy == REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return x->r->tasks[root].node.key;
	return reeve__wfq_finish(
		age, x->r->cpu_tasks[root].rest_ns, reeve__cpu_group_weight(x, g, pull));
}

uint64_t reeve__cpu_most_lag_ns(const struct reeve__cpu_pass *x)
{
	uint64_t quantum = reeve__get(&x->c->quantum_ns);

	return x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING && quantum < REEVE_WFQ_COST_MAX_NS
		       ? REEVE_WFQ_COST_MAX_NS
		       : quantum;
}

/* Fair share: use is remembered, of the group and of the task, and the averages follow. */
static void remember_use(
	struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t task, bool pull, uint64_t ns)
{
	struct reeve_sh_cpu_lane *lane = reeve__cpu_lane_row(x, g), *all = all_lanes(x);
	struct reeve_sh_use *use = &x->r->cpu_tasks[task].use;
	uint32_t weight = reeve__fair_priority_weight(reeve__cpu_task_priority(x, task));

	reeve__fair_share_add(&lane->use[pull], x->now, ns);
	all->average[pull] = reeve__fair_share_average(all->average[pull],
		reeve__fair_share_rate(&lane->use[pull], reeve__get(&g->cpu.weight_ppm)), ns);
	if (use->stamp_ns == 0) /* new: as if it had used what the others have */
		*use = (struct reeve_sh_use){
			reeve__muldiv(lane->average[pull], weight, REEVE_PPM), x->now};
	reeve__fair_share_add(use, x->now, ns);
	lane->average[pull] = reeve__fair_share_average(
		lane->average[pull], reeve__fair_share_rate(use, weight), ns);
}

void reeve__cpu_count_use(
	struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t task, uint64_t used_ns)
{
	struct reeve_sh_cpu_task *ct = &x->r->cpu_tasks[task];

	if (x->policy == REEVE_CPU_FAIR_SHARE)
		remember_use(x, g, task, x->r->tasks[task].kind == REEVE_TASK_PULL, used_ns);
	else if (x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING)
		ct->rest_ns = (uint32_t)reeve__wfq_rest_ns(
			ct->rest_ns, ct->cost_ns, used_ns, reeve__get(&x->c->quantum_ns));
}

void reeve__cpu_estimate(
	struct reeve__cpu_pass *x, uint32_t task, uint64_t estimate_ns, uint64_t used_ns)
{
	const struct reeve_sh_task *t = &x->r->tasks[task];
	const struct reeve_sh_group *g = reeve__cpu_group_of(x, task);
	struct reeve_sh_cpu_task *ct = &x->r->cpu_tasks[task];
	uint64_t quantum = reeve__get(&x->c->quantum_ns);
	uint64_t before = reeve__get(&t->cpu_ns);
	uint64_t cost = estimate_ns
				? reeve__wfq_cost_ns(estimate_ns)
				: reeve__wfq_guess_ns(before > used_ns ? before - used_ns : 0,
					  reeve__task_queries_ended(t), reeve__group_retired_ns(g),
					  reeve__group_retired_queries(g), quantum);

	ct->statement = (uint32_t)reeve__get(&t->start_cycles);
	ct->cost_ns = (uint32_t)cost;
	ct->rest_ns = (uint32_t)reeve__wfq_rest_ns(cost, cost, used_ns, quantum);
}

/* ---- who may interrupt whom ---- */

/*
 * How much later in order than `task` the holder of a slot is, who has run `ran` ns that nobody has
 * counted yet, beyond the grain; 0 or less: leave it.
 */
static int64_t excess_by_age(
	const struct reeve__cpu_pass *x, uint32_t task, uint32_t holder, uint64_t ran)
{
	const struct reeve_sh_task *t = &x->r->tasks[task], *h = &x->r->tasks[holder];
	struct reeve_sh_group *gt = reeve__cpu_lane_of(x, task);
	struct reeve_sh_group *gh = reeve__cpu_lane_of(x, holder);
	uint64_t grain = reeve__fair_grain_ns(reeve__get(&x->c->quantum_ns));
	uint64_t rest = 0, mine = 0, own, other;

	if (x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING) {
		const struct reeve_sh_cpu_task *ch = &x->r->cpu_tasks[holder];
		rest = reeve__wfq_rest_ns(
			ch->rest_ns, ch->cost_ns, ran, reeve__get(&x->c->quantum_ns));
		mine = x->r->cpu_tasks[task].rest_ns;
	}
	if (gt == gh) {
		uint32_t wt = reeve__cpu_task_weight(x, task);
		other = h->age + reeve__fair_age(ran + rest, reeve__cpu_task_weight(x, holder));
		own = t->age + reeve__fair_age(grain + mine, wt);
	} else {
		uint32_t wt = reeve__cpu_group_weight(x, gt, false);
		other = gh->cpu.age +
			reeve__fair_age(ran + rest, reeve__cpu_group_weight(x, gh, false));
		own = gt->cpu.age + reeve__fair_age(grain + mine, wt);
	}
	return (int64_t)(other - own);
}

int64_t reeve__cpu_excess(
	const struct reeve__cpu_pass *x, uint32_t task, uint32_t holder, uint64_t ran)
{
	if (x->policy != REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return excess_by_age(x, task, holder, ran);
	if (reeve__before(x->now, x->r->cpu_tasks[holder].aged_until_ns))
		return 0;
	return (int64_t)level_of(x, holder) - (int64_t)level_of(x, task);
}

/*
 * Groups are compared at the end of every slice, but inside a group tasks take turns by quantum:
 * handing over between equals costs a wake-up and gains nobody anything. By priority, all equals take
 * turns by quantum; by virtual finish a statement that goes on goes first all by itself.
 */
bool reeve__cpu_keeps_its_turn(
	const struct reeve__cpu_pass *x, uint32_t slot, uint32_t task, uint32_t next)
{
	const struct reeve_sh_task *t = &x->r->tasks[task];
	uint64_t since = reeve__get(&x->r->cpu_slots[slot].granted_ns);

	if (!t->queued || reeve__get(&t->phase) != REEVE_PHASE_WORK || !since ||
		x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING ||
		x->now - since >= reeve__get(&x->c->quantum_ns))
		return false;
	if (x->policy == REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return level_of(x, task) <= level_of(x, next) ||
		       reeve__before(x->now, x->r->cpu_tasks[task].aged_until_ns);
	return reeve__cpu_lane_of(x, task) == reeve__cpu_lane_of(x, next) &&
	       reeve__cpu_task_priority(x, task) <= reeve__cpu_task_priority(x, next);
}

void reeve__cpu_note_grant(struct reeve__cpu_pass *x, uint32_t task)
{
	const struct reeve_sh_task *t = &x->r->tasks[task];
	uint64_t since = reeve__get(&t->wait_since);

	if (x->policy != REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return;
	if (since && since < x->now &&
		reeve__round_robin_is_aged(x->now - since, level_of(x, task)))
		x->r->cpu_tasks[task].aged_until_ns = x->now + reeve__get(&x->c->quantum_ns);
	else
		x->r->cpu_tasks[task].aged_until_ns = x->now;
}

/* ---- slices ---- */

/* By weight: the part of the quantum that the group's part of all who want to run gives. */
static uint64_t slice_by_weight(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g)
{
	uint64_t weight = reeve__cpu_group_weight(x, g, false), all = weight;
	uint32_t group = (uint32_t)(g - x->r->groups);

	/* Who else wants CPU: the groups on slots and, for the queues, the one next in line. */
	if (x->c->ready < x->r->group_capacity && x->c->ready != group)
		all += reeve__cpu_group_weight(x, &x->r->groups[x->c->ready], false);
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint32_t t = reeve__word_task(x->r, reeve__get(&x->r->cpu_slots[i].word));
		const struct reeve_sh_group *other = t == REEVE_NONE ? g : reeve__cpu_lane_of(x, t);
		if (other != g && (uint32_t)(other - x->r->groups) != x->c->ready)
			all += reeve__cpu_group_weight(x, other, false);
	}
	return reeve__fair_slice_ns(reeve__get(&x->c->quantum_ns), (uint32_t)weight, all);
}

/* What a cap leaves to use in one go. */
static uint64_t capped_slice(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g, uint64_t slice)
{
	bool group = reeve__get(&g->cpu.cap_ppm) < REEVE_PPM;
	bool plan = reeve__get(&x->c->plan_cap_ppm) < REEVE_PPM;
	int64_t tokens = group ? g->cpu.bucket.tokens : INT64_MAX;
	uint64_t left;

	if (!group && !plan)
		return slice;
	if (plan && x->c->plan_bucket.tokens < tokens)
		tokens = x->c->plan_bucket.tokens;
	left = tokens > 0 ? (uint64_t)tokens / x->r->slot_count : 0;
	left = left < REEVE_SETTLE_NS ? REEVE_SETTLE_NS : left;
	return slice < left ? slice : left;
}

uint64_t reeve__cpu_slice_ns(const struct reeve__cpu_pass *x, uint32_t task)
{
	const struct reeve_sh_group *g = reeve__cpu_lane_of(x, task);
	uint64_t slice = reeve__get(&x->c->quantum_ns);

	if (x->policy != REEVE_CPU_PRIORITY_ROUND_ROBIN &&
		x->r->tasks[task].kind == REEVE_TASK_SESSION)
		slice = slice_by_weight(x, g);
	return capped_slice(x, g, slice);
}

/* ---- a change of policy ---- */

void reeve__cpu_set_policy(struct reeve__cpu_pass *x, uint32_t policy)
{
	struct reeve *r = x->r;
	uint32_t quantum = (uint32_t)reeve__wfq_cost_ns(reeve__get(&x->c->quantum_ns));

	if (policy == x->policy)
		return;
	reeve__put(&r->cpu_more->policy, policy);
	x->policy = policy;
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++) {
		struct reeve_sh_cpu_group *q = &r->groups[i].cpu;
		struct reeve_sh_cpu_lane *lane = &r->cpu_lanes[i];
		q->age = reeve__get(&x->c->clock);
		q->pull_age = reeve__get(&x->c->pull_clock);
		memset(lane->use, 0, sizeof(lane->use));
		memset(lane->average, 0, sizeof(lane->average));
	}
	memset(all_lanes(x)->average, 0, sizeof(all_lanes(x)->average));
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		const struct reeve_sh_cpu_group *q = &reeve__cpu_lane_of(x, i)->cpu;
		struct reeve_sh_cpu_task *ct = &r->cpu_tasks[i];
		struct reeve_sh_task *t = &r->tasks[i];
		t->age = t->kind == REEVE_TASK_PULL ? q->pull_clock : reeve__get(&q->task_clock);
		t->prepaid_ns = 0;
		ct->rest_ns = ct->cost_ns = quantum;
		ct->statement = 0;
		ct->aged_until_ns = 0;
		memset(&ct->use, 0, sizeof(ct->use));
	}
	reeve__cpu_rebuild(x);
}
