/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random work of an outside engine on the four CPU policies against a model that is a table, searched from
 * end to end: tasks come, run, yield, sleep and go, are estimated and charged; policy and quantum change.
 * What policies promise over time is held against that: shares, and the aging bound. The arithmetic of a
 * single step is the library's; decay is compared with real exponentials.
 */
#include "core.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/engine/cpu.h"
#include "../../src/policy/fair.h"
#include "../../src/policy/fair_share.h"
#include "../../src/policy/round_robin.h"
#include "../../src/policy/wfq.h"

#define TASKS  48u
#define GROUPS 5u

struct task {
	uint64_t id; /* 0: there is none */
	uint32_t group, priority, state;
	uint64_t age, key, tie, since, cpu_ns, cost, rest;
	struct reeve_sh_use use;
};

struct group {
	uint64_t id;
	uint32_t slot, weight, priority;
	uint64_t age, clock, key, retired_ns, retired;
	uint64_t average, got_ns, longest_ns;
	struct reeve_sh_use use;
};

struct world {
	struct core_host h;
	struct reeve *r;
	struct reeve_cpu_config config;
	struct task t[TASKS];
	struct group g[GROUPS];
	uint64_t clock, tie, average;
	uint64_t episode, step;
};

#define must(w, condition, ...)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("episode %llu, step %llu, policy %u: ",                        \
				(unsigned long long)(w)->episode, (unsigned long long)(w)->step,   \
				(w)->config.policy);                                               \
			print_error(__VA_ARGS__);                                                  \
			print_error("\n");                                                         \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

/* ---- the model: weights, keys, joining ---- */

static uint64_t quantum(const struct world *w)
{
	return (uint64_t)w->config.quantum_ns;
}

static uint32_t group_weight(const struct world *w, const struct group *g)
{
	return w->config.policy != REEVE_CPU_FAIR_SHARE
		       ? g->weight
		       : reeve__fair_share_weight(
				 g->weight, w->average, reeve__fair_share_rate(&g->use, g->weight));
}

static uint32_t task_weight(const struct world *w, const struct task *t)
{
	uint32_t weight = reeve__fair_priority_weight(t->priority);

	return w->config.policy != REEVE_CPU_FAIR_SHARE
		       ? weight
		       : reeve__fair_share_weight(weight, w->g[t->group].average,
				 reeve__fair_share_rate(&t->use, weight));
}

static uint64_t task_key(const struct world *w, const struct task *t)
{
	uint32_t level = w->g[t->group].priority * 8 + t->priority;

	switch (w->config.policy) {
	case REEVE_CPU_PRIORITY_ROUND_ROBIN:
		return t->since + level * (uint64_t)(125 * REEVE_MSEC);
	case REEVE_CPU_WEIGHTED_FAIR_QUEUEING:
		return t->age + reeve__fair_age(t->rest, task_weight(w, t));
	default:
		return t->age;
	}
}

static bool waits(const struct task *t, uint32_t group)
{
	return t->id && t->state == REEVE_TASK_READY && t->group == group;
}

/* The first of a group; NULL. */
static struct task *first_of(struct world *w, uint32_t group)
{
	struct task *first = NULL;

	for (struct task *t = w->t; t < w->t + TASKS; t++)
		if (waits(t, group) && (!first || (int64_t)(t->key - first->key) < 0 ||
					       (t->key == first->key && t->tie < first->tie)))
			first = t;
	return first;
}

static uint64_t group_key(struct world *w, uint32_t group, const struct task *first)
{
	const struct group *g = &w->g[group];

	if (w->config.policy == REEVE_CPU_PRIORITY_ROUND_ROBIN)
		return first->key;
	if (w->config.policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING)
		return g->age + reeve__fair_age(first->rest, group_weight(w, g));
	return g->age;
}

static uint64_t join(const struct world *w, uint64_t own, uint64_t clock, uint32_t weight)
{
	uint64_t behind = reeve__fair_age(reeve__fair_credit_ns(quantum(w)), weight);
	uint64_t ahead = reeve__fair_age(16 * quantum(w), weight);

	if ((int64_t)(own - (clock - behind)) < 0)
		return clock - behind;
	return (int64_t)(own - (clock + ahead)) > 0 ? clock + ahead : own;
}

/* A task begins to wait, or is placed anew; who was at work all the time keeps its finish. */
static void enqueue(struct world *w, struct task *t, bool arrives)
{
	struct group *g = &w->g[t->group];
	uint32_t group = group_weight(w, g), own = task_weight(w, t);

	t->state = REEVE_TASK_SLEEPING; /* not among those who wait */
	if (arrives || w->config.policy != REEVE_CPU_WEIGHTED_FAIR_QUEUEING) {
		if (!first_of(w, t->group))
			g->age = join(w, g->age, w->clock, group);
		t->age = join(w, t->age, g->clock, own);
	}
	t->state = REEVE_TASK_READY;
	t->since = t->since ? t->since : (uint64_t)w->h.mono;
	t->key = task_key(w, t);
	t->tie = w->tie++;
}

static void remember(struct world *w, struct task *t, uint64_t ns)
{
	struct group *g = &w->g[t->group];
	uint32_t weight = reeve__fair_priority_weight(t->priority);
	uint64_t now = (uint64_t)w->h.mono;

	reeve__fair_share_add(&g->use, now, ns);
	w->average = reeve__fair_share_average(
		w->average, reeve__fair_share_rate(&g->use, g->weight), ns);
	if (t->use.stamp_ns == 0)
		t->use = (struct reeve_sh_use){reeve__muldiv(g->average, weight, REEVE_PPM), now};
	reeve__fair_share_add(&t->use, now, ns);
	g->average =
		reeve__fair_share_average(g->average, reeve__fair_share_rate(&t->use, weight), ns);
}

static void charge(struct world *w, struct task *t, uint64_t ns)
{
	struct group *g = &w->g[t->group];

	if (ns == 0)
		return;
	if (w->config.policy == REEVE_CPU_FAIR_SHARE)
		remember(w, t, ns);
	else if (w->config.policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING)
		t->rest = reeve__wfq_rest_ns(t->rest, t->cost, ns, quantum(w));
	t->age += reeve__fair_age(ns, task_weight(w, t));
	g->age += reeve__fair_age(ns, group_weight(w, g));
	t->cpu_ns += ns;
	g->got_ns += ns;
	if (t->state == REEVE_TASK_READY)
		enqueue(w, t, false);
}

static void estimate(struct world *w, struct task *t, uint64_t ns)
{
	const struct group *g = &w->g[t->group];
	uint64_t mean = g->retired ? g->retired_ns / g->retired : quantum(w);

	t->cost = reeve__wfq_cost_ns(ns ? ns : mean);
	t->rest = reeve__wfq_rest_ns(t->cost, t->cost, t->cpu_ns, quantum(w));
}

/* ---- steps ---- */

static struct task *find(struct world *w, uint64_t id)
{
	for (struct task *t = w->t; t < w->t + TASKS; t++)
		if (t->id == id)
			return t;
	return NULL;
}

static reeve_task_id id_of(const struct task *t)
{
	return (reeve_task_id){t->id};
}

static struct task *create(struct world *w, uint32_t group, uint32_t priority)
{
	struct task *t = find(w, 0);
	reeve_task_id id = {0};

	if (!t)
		return NULL;
	assert_ok(reeve_task_create(w->r, 1, (reeve_group_id){w->g[group].id}, priority, &id, E));
	*t = (struct task){.id = id.v, .group = group, .priority = priority};
	estimate(w, t, 0);
	enqueue(w, t, true);
	return t;
}

/* Who is next must be the first of a group of which none goes before. */
static struct task *run_next(struct world *w)
{
	struct reeve_task_info info = {0};
	int rc = reeve_task_next(w->r, &info, E);
	struct task *t = rc ? NULL : find(w, info.id.v);
	struct group *g;

	must(w, rc || t, "a task that is not there is next");
	for (uint32_t i = 0; i < GROUPS; i++) {
		const struct task *first = first_of(w, i);
		must(w, !first || !rc, "task %llu waits, and none is next",
			(unsigned long long)first->id);
		must(w, !first || first_of(w, t->group) == t,
			"task %llu is next, and is not the first of its group",
			(unsigned long long)t->id);
		must(w,
			!first ||
				(int64_t)(group_key(w, i, first) - group_key(w, t->group, t)) >= 0,
			"task %llu is next, and task %llu goes before it",
			(unsigned long long)t->id, (unsigned long long)first->id);
	}
	if (!t)
		return NULL;
	g = &w->g[t->group];
	if ((uint64_t)w->h.mono - t->since > g->longest_ns)
		g->longest_ns = (uint64_t)w->h.mono - t->since;
	if ((int64_t)(g->age - w->clock) > 0)
		w->clock = g->age;
	if ((int64_t)(t->age - g->clock) > 0)
		g->clock = t->age;
	t->since = 0;
	t->state = REEVE_TASK_RUNNING;
	return t;
}

static void yield(struct world *w, struct task *t, uint64_t ns)
{
	assert_ok(reeve_task_yield(w->r, id_of(t), ns, E));
	charge(w, t, ns);
	enqueue(w, t, false);
}

static void complete(struct world *w, struct task *t, uint64_t ns)
{
	struct group *g = &w->g[t->group];

	assert_ok(reeve_task_complete(w->r, id_of(t), ns, E));
	charge(w, t, ns);
	g->retired_ns += t->cpu_ns;
	g->retired++;
	t->id = 0;
}

static void suspend_or_resume(struct world *w, struct task *t)
{
	if (t->state == REEVE_TASK_SLEEPING) {
		assert_ok(reeve_task_resume(w->r, id_of(t), E));
		enqueue(w, t, true);
		return;
	}
	assert_ok(reeve_task_suspend(w->r, id_of(t), REEVE_TASK_SLEEPING, E));
	t->state = REEVE_TASK_SLEEPING;
	t->since = 0;
}

static void set_estimate(struct world *w, struct task *t, uint64_t ns)
{
	assert_ok(reeve_task_estimate(w->r, id_of(t), ns, E));
	estimate(w, t, ns);
	if (t->state == REEVE_TASK_READY)
		enqueue(w, t, true);
}

/* All are levelled, and those who wait are placed anew, by their place in the table. */
static void configure(struct world *w, uint32_t policy, uint64_t quantum_ns)
{
	bool waited[TASKS], other = policy != w->config.policy;

	w->config.policy = policy;
	w->config.quantum_ns = (reeve_ns)quantum_ns;
	assert_ok(reeve_cpu_config_set(w->r, &w->config, E));
	if (!other)
		return;
	w->average = 0;
	for (struct group *g = w->g; g < w->g + GROUPS; g++) {
		g->age = w->clock;
		g->average = 0;
		g->use = (struct reeve_sh_use){0, 0};
	}
	for (uint32_t i = 0; i < TASKS; i++) {
		struct task *t = &w->t[i];
		waited[i] = t->id && t->state == REEVE_TASK_READY;
		t->state = waited[i] ? REEVE_TASK_SLEEPING : t->state;
		t->age = w->g[t->group].clock;
		t->rest = t->cost = reeve__wfq_cost_ns(quantum(w));
		t->use = (struct reeve_sh_use){0, 0};
	}
	for (uint32_t slot = 0; slot < w->r->header->tasks.capacity; slot++)
		for (uint32_t i = 0; i < TASKS; i++)
			if (w->t[i].id && waited[i] && w->r->tasks[slot].head.id == w->t[i].id &&
				w->t[i].state == REEVE_TASK_SLEEPING)
				enqueue(w, &w->t[i], true);
}

static uint64_t some_ns(struct sim_random *random)
{
	return core_below(random, UINT64_C(1) << core_below(random, 30));
}

static void change_task(struct world *w, struct sim_random *random, struct task *t, uint32_t what)
{
	uint64_t ns = some_ns(random);

	if (what < 6) {
		if (t->state == REEVE_TASK_RUNNING)
			yield(w, t, ns);
	} else if (what == 6) {
		complete(w, t, core_below(random, 2) ? ns : 0);
	} else if (what == 7) {
		assert_ok(reeve_task_charge(w->r, id_of(t), ns, E));
		charge(w, t, ns);
	} else if (what == 8) {
		set_estimate(w, t, 1 + ns);
	} else {
		suspend_or_resume(w, t);
	}
}

static void step(struct world *w, struct sim_random *random, uint32_t size)
{
	struct task *t = &w->t[core_below(random, size)];
	uint32_t what = (uint32_t)core_below(random, 26);

	if (what < 5) {
		if (!find(w, 0) || find(w, 0) < w->t + size)
			create(w, (uint32_t)core_below(random, GROUPS),
				(uint32_t)core_below(random, 8));
	} else if (what < 11) {
		run_next(w);
	} else if (what < 21) {
		if (t->id)
			change_task(w, random, t, what - 11);
	} else if (what == 21 && core_below(random, 16) == 0) {
		configure(w, (uint32_t)core_below(random, 4),
			(1 + core_below(random, 500)) * (uint64_t)REEVE_MSEC);
	} else {
		core_sleep(&w->h, (reeve_ns)some_ns(random));
	}
}

static void world_open(struct world *w, struct sim_random *random, uint32_t policy)
{
	memset(w, 0, sizeof(*w));
	core_host_init(&w->h);
	w->r = core_open(&w->h.host, 1);
	for (uint32_t i = 0; i < GROUPS; i++) {
		struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
		struct group *g = &w->g[i];
		reeve_group_id id = {0};
		char name[16];
		(void)snprintf(name, sizeof(name), "G%u", i);
		def.name = name;
		def.priority = (uint32_t)core_below(random, 8);
		assert_ok(reeve_group_create(w->r, &def, &id, E));
		assert_ok(reeve_cpu_group_register(
			w->r, id, 50 + (uint32_t)core_below(random, 400), 0, E));
		*g = (struct group){.id = id.v, .priority = def.priority};
		g->slot = reeve__table_find(w->r, &w->r->header->groups, id.v);
	}
	reeve_cpu_config_get(w->r, &w->config);
	w->config.policy = policy;
	assert_ok(reeve_cpu_config_set(w->r, &w->config, E));
	w->clock = reeve__get(&w->r->cpu->pull_clock);
	for (struct group *g = w->g; g < w->g + GROUPS; g++) {
		const struct reeve_sh_cpu_group *q = &w->r->groups[g->slot].cpu;
		g->age = q->pull_age;
		g->clock = q->pull_clock;
		g->weight = reeve__get(&q->weight_ppm); /* the solver has tests of its own */
	}
}

static void run_episodes(const char *name, uint64_t steps, uint32_t longest,
	void (*episode)(struct world *w, struct sim_random *random, uint32_t size))
{
	uint64_t seed = core_seed(name), done = 0, all = core_steps(steps);
	static struct world w;

	for (uint64_t n = 0; done < all; n++) {
		uint32_t size = (uint32_t)(2 + n < longest ? 2 + n : longest);
		struct sim_random random;
		sim_random_init(&random, seed, n);
		world_open(&w, &random, (uint32_t)core_below(&random, 4));
		w.episode = n;
		episode(&w, &random, size);
		done += w.step;
		assert_clean(w.r);
		reeve_close(w.r);
	}
}

static void random_episode(struct world *w, struct sim_random *random, uint32_t size)
{
	for (w->step = 0; w->step < 24 * size; w->step++)
		step(w, random, size);
}

static void tasks_go_as_the_model_says(void **state)
{
	(void)state;
	run_episodes("cpu", 20000, TASKS, random_episode);
}

/* ---- over time ---- */

static void run_for(struct world *w, struct sim_random *random, uint64_t ns)
{
	uint64_t until = (uint64_t)w->h.mono + ns;

	while ((uint64_t)w->h.mono < until) {
		struct task *t = run_next(w);
		uint64_t slice = 1 + core_below(random, 20 * (uint64_t)REEVE_MSEC);
		core_sleep(&w->h, (reeve_ns)slice);
		yield(w, t, slice);
		w->step++;
	}
}

/*
 * All groups always want more. By the policies by weight they get their parts to one percent, once what
 * history there is counts no more; by priority nobody waits longer than the aging bound.
 */
static void saturated_episode(struct world *w, struct sim_random *random, uint32_t size)
{
	bool by_weight = w->config.policy != REEVE_CPU_PRIORITY_ROUND_ROBIN;
	uint64_t all = 0, weights = 0, bound, most = 20 * (uint64_t)REEVE_MSEC;
	uint32_t tasks = 0;

	w->step = 0;
	for (uint32_t i = 0; i < GROUPS; i++)
		for (uint32_t k = 0; k < 1 + size % 4; k++, tasks++)
			create(w, i, by_weight ? 3 : (uint32_t)core_below(random, 8));
	run_for(w, random, 5 * (uint64_t)REEVE_SEC);
	for (uint32_t i = 0; i < GROUPS; i++)
		w->g[i].got_ns = 0;
	run_for(w, random, 20 * (uint64_t)REEVE_SEC);
	for (uint32_t i = 0; i < GROUPS; i++) {
		all += w->g[i].got_ns;
		weights += w->g[i].weight;
	}
	for (uint32_t i = 0; i < GROUPS; i++) {
		const struct group *g = &w->g[i];
		double part = (double)g->got_ns / (double)all;
		double due = (double)g->weight / (double)weights;
		must(w, !by_weight || fabs(part - due) < 0.01, "group %u had %.4f, due %.4f", i,
			part, due);
		bound = (g->priority * 8 + 7) * (uint64_t)(125 * REEVE_MSEC) + (tasks + 1) * most;
		must(w, by_weight || g->longest_ns <= bound, "group %u has waited %llu ns", i,
			(unsigned long long)g->longest_ns);
	}
}

static void shares_and_bounds_hold_in_the_long_run(void **state)
{
	(void)state;
	run_episodes("cpu shares", 20000, 8, saturated_episode);
}

/* ---- decay against real exponentials ---- */

static void use_decays_as_an_exponential(void **state)
{
	uint64_t seed = core_seed("decay"), all = core_steps(20000);
	struct reeve_sh_use u = {0, 0};
	struct sim_random random;
	double real = 0;
	uint64_t now = 1000 * (uint64_t)REEVE_SEC;

	(void)state;
	sim_random_init(&random, seed, 0);
	for (uint64_t i = 0; i < all; i++) {
		uint64_t pause = core_below(&random, UINT64_C(1) << core_below(&random, 36));
		uint64_t ns = some_ns(&random);
		now += pause;
		real *= exp2(-(double)pause / (double)REEVE_FAIR_SHARE_HALF_LIFE_NS);
		real += (double)ns;
		reeve__fair_share_add(&u, now, ns);
		double seen = (double)u.use / 256, off = real * 2e-4 + 1;
		if (fabs(seen - real) > off) {
			print_error("step %llu: %f ns are remembered of %f\n",
				(unsigned long long)i, seen, real);
			fail();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_go_as_the_model_says),
		cmocka_unit_test(shares_and_bounds_hold_in_the_long_run),
		cmocka_unit_test(use_decays_as_an_exponential),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
