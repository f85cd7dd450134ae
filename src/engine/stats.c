/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - settings, statistics and lists of the CPU domain. */
#include "engine.h"

#include "../policy/fair.h"

void reeve__cpu_config_get(struct reeve *r, struct reeve_cpu_config *ret)
{
	const struct reeve_sh_cpu *c = r->cpu;

	*ret = (struct reeve_cpu_config){
		.cpu_slots = r->slot_count,
		.quantum_ns = (reeve_ns)reeve__get(&c->quantum_ns),
		.runaway_detection = reeve__get(&c->runaway_on) != 0,
		.runaway_threshold_ns = (reeve_ns)reeve__get(&c->runaway_ns),
		.runaway_throttle_ppm = reeve__get(&c->runaway_ppm),
	};
}

static int check_config(const struct reeve_cpu_config *k, struct reeve_error *err)
{
	if (k->quantum_ns < REEVE_MSEC || k->quantum_ns > REEVE_SEC)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"quantum is %.3f ms; allowed are 1 to 1000 ms",
			(double)k->quantum_ns / 1e6);
	if (k->runaway_threshold_ns < REEVE_MSEC || k->runaway_threshold_ns > INT64_MAX / 4)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"runaway threshold is %.3f s; allowed are 0.001 s and more",
			(double)k->runaway_threshold_ns / 1e9);
	if (k->runaway_throttle_ppm < 100000 || k->runaway_throttle_ppm > REEVE_PPM)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"runaway throttle factor is %.6f; allowed are 0.1 to 1.0",
			(double)k->runaway_throttle_ppm / REEVE_PPM);
	return 0;
}

int reeve__cpu_config_set(
	struct reeve *r, const struct reeve_cpu_config *config, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	int rc = check_config(config, err);

	if (rc)
		return rc;
	reeve__cpu_begin(&x, r);
	reeve__put(&x.c->quantum_ns, (uint64_t)config->quantum_ns);
	reeve__put(&x.c->runaway_ns, (uint64_t)config->runaway_threshold_ns);
	reeve__put(&x.c->runaway_ppm, config->runaway_throttle_ppm);
	reeve__put(&x.c->runaway_on, config->runaway_detection);
	reeve__cpu_end(&x);
	reeve__cpu_announce(r);
	return 0;
}

static uint32_t count_running(const struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->slot_count; i++) {
		uint64_t word = reeve__get(&r->cpu_slots[i].word);
		uint32_t t = reeve__word_task(r, word);
		n += t != REEVE_NONE && !(word & REEVE_WORD_LINGER) &&
		     (group == REEVE_NONE || reeve__get(&r->tasks[t].group) == group);
	}
	return n;
}

static void sum_usage(const struct reeve *r, uint32_t group, uint64_t *ret_ns, uint64_t *ret_n)
{
	*ret_ns = *ret_n = 0;
	for (uint32_t row = 0; row <= r->slot_count; row++) {
		const struct reeve_sh_usage *u = &r->usage[(size_t)row * r->usage_groups + group];
		*ret_ns += reeve__get(&u->cpu_ns);
		*ret_n += reeve__get(&u->queries);
	}
}

/* Statements under way and tasks added by hand, of one group. */
static uint32_t count_tasks(const struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->header->tasks.high_water; i++) {
		const struct reeve_sh_task *t = &r->tasks[i];
		n += reeve__get(&t->head.state) == REEVE_SLOT_LIVE &&
		     reeve__get(&t->group) == group &&
		     (t->kind == REEVE_TASK_PULL || reeve__get(&t->phase) != REEVE_PHASE_IDLE);
	}
	return n;
}

/* Under the catalog lock, so that the ruling's rows and the groups belong together. */
static void fill_group_stats(struct reeve *r, uint32_t i, struct reeve_cpu_group_stats *ret)
{
	struct reeve__ruling_view view = reeve__ruling_now(r);
	const struct reeve_sh_group *g = &r->groups[i];
	struct reeve__cpu_pass x;

	memset(ret, 0, sizeof(*ret));
	ret->group.v = g->head.id;
	ret->is_registered = reeve__cpu_is_registered(r, g);
	ret->shares = (uint32_t)reeve__get(&view.rows[i].number);
	ret->entitled_ppm = reeve__get(&view.rows[i].share_ppm);
	ret->cap_ppm = reeve__get(&view.rows[i].cap_ppm);
	sum_usage(r, i, &ret->cpu_ns, &ret->queries);
	ret->tasks = count_tasks(r, i);
	reeve__cpu_begin(&x, r);
	ret->dispatches = g->cpu.dispatches;
	ret->wait_ns = g->cpu.wait_ns;
	ret->throttled_ns = g->cpu.throttled_ns;
	if (g->cpu.throttled_since)
		ret->throttled_ns += x.now - g->cpu.throttled_since;
	ret->waiting = g->cpu.waiting;
	ret->vruntime = g->cpu.age;
	ret->running = count_running(r, i);
	reeve__cpu_end(&x);
}

int reeve__cpu_group_stats(struct reeve *r, reeve_group_id group,
	struct reeve_cpu_group_stats *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc)
		fill_group_stats(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__cpu_group_stats_copy(struct reeve *r, reeve_group_id after,
	struct reeve_cpu_group_stats *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want = capacity - done < REEVE_COUNT(slots) ? capacity - done
								     : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_group_stats(r, slots[k], &ret[done]);
			after = ret[done].group;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}

void reeve__cpu_stats(struct reeve *r, struct reeve_cpu_stats *ret)
{
	struct reeve__ruling_view view = reeve__ruling_now(r);
	struct reeve__cpu_pass x;

	memset(ret, 0, sizeof(*ret));
	reeve__cpu_begin(&x, r);
	for (uint32_t i = 0; i < r->slot_count; i++) {
		ret->scheduled += reeve__get(&r->cpu_slots[i].scheduled);
		ret->context_switches += reeve__get(&r->cpu_slots[i].switches);
	}
	ret->scheduled += reeve__get(&x.c->pull_dispatches);
	ret->preemptions = reeve__get(&x.c->preemptions);
	ret->wait_ns = reeve__get(&x.c->wait_ns);
	ret->waits = reeve__get(&x.c->waits);
	ret->runaways = reeve__get(&x.c->runaways);
	ret->throttled = reeve__get(&x.c->throttled_tasks);
	ret->ready = x.c->waiting;
	ret->running = count_running(r, REEVE_NONE);
	ret->min_vruntime = x.c->clock;
	for (uint32_t i = 0; i < r->header->groups.high_water; i++) {
		const struct reeve_sh_cpu_group *q = &r->groups[i].cpu;
		uint64_t ns, n;
		sum_usage(r, i, &ns, &n);
		ret->cpu_ns += ns;
		if (q->waiting || q->pull_ready || count_running(r, i))
			ret->total_shares += (uint32_t)reeve__get(&view.rows[i].number);
	}
	for (uint32_t i = 0; i < r->header->tasks.high_water; i++)
		ret->throttled_now +=
			reeve__get(&r->tasks[i].head.state) == REEVE_SLOT_LIVE &&
			reeve__get(&r->tasks[i].is_runaway) &&
			reeve__get(&x.c->runaway_ppm) < REEVE_PPM;
	reeve__cpu_end(&x);
}

/* ---- tasks ---- */

static uint32_t task_state(const struct reeve *r, uint32_t i)
{
	const struct reeve_sh_task *t = &r->tasks[i];

	if (t->kind == REEVE_TASK_PULL)
		return reeve__get(&t->pull_state);
	if (reeve__get(&t->wait_reason) == REEVE_WAIT_RUNAWAY)
		return REEVE_TASK_THROTTLED;
	if (reeve__get(&t->phase) == REEVE_PHASE_BLOCKED)
		return REEVE_TASK_SLEEPING;
	if (t->queued)
		return reeve__get(&t->wait_reason) == REEVE_WAIT_CPU_SLOT ? REEVE_TASK_READY
									  : REEVE_TASK_THROTTLED;
	return REEVE_TASK_RUNNING;
}

void reeve__task_fill(struct reeve__cpu_pass *x, uint32_t i, struct reeve_task_info *ret)
{
	struct reeve *r = x->r;
	const struct reeve_sh_task *t = &r->tasks[i];
	uint32_t g = reeve__get(&t->group);
	bool runaway = reeve__get(&t->is_runaway) != 0;

	*ret = (struct reeve_task_info){
		.id = {t->head.id},
		.query_id = t->query_id,
		.group = {g < r->usage_groups ? r->groups[g].head.id : 0},
		.session = {t->session < r->header->sessions.capacity
				    ? r->sessions[t->session].head.id
				    : 0},
		.priority = t->priority,
		.state = task_state(r, i),
		.slot = reeve__cpu_holds(r, i) ? reeve__get(&t->slot) : REEVE_NONE,
		.is_managed = t->kind == REEVE_TASK_SESSION,
		.is_runaway = runaway,
		.throttle_ppm = runaway ? reeve__get(&x->c->runaway_ppm) : REEVE_PPM,
		.cpu_ns = reeve__get(&t->query_cpu_ns),
		.dispatches = reeve__get(&t->dispatches),
		.vruntime = t->age,
		.weight_ppm = reeve__fair_priority_weight(t->priority),
		.created_wall = t->created_wall,
		.last_scheduled_wall = reeve__get(&t->scheduled_wall),
		.slice_left_ns = g < r->usage_groups ? (reeve_ns)reeve__cpu_slice_ns(x, g) : 0,
	};
}

static bool is_listed(const struct reeve_sh_task *t)
{
	return t->kind == REEVE_TASK_PULL || reeve__get(&t->phase) != REEVE_PHASE_IDLE;
}

int reeve__task_get(struct reeve *r, reeve_task_id id, struct reeve_task_info *ret,
	struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t i = REEVE_NONE;
	int rc = 0;

	reeve__sessions_lock(r);
	i = reeve__table_find(r, &r->header->tasks, id.v);
	if (i == REEVE_NONE || !is_listed(&r->tasks[i])) {
		rc = reeve__fail(
			err, REEVE_ENOT_FOUND, "CPU task %llu", (unsigned long long)id.v);
	} else {
		reeve__cpu_begin(&x, r);
		reeve__task_fill(&x, i, ret);
		reeve__cpu_unlock(&x);
	}
	reeve__sessions_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}

uint32_t reeve__task_copy(
	struct reeve *r, reeve_task_id after, struct reeve_task_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;
	struct reeve__cpu_pass x;

	do {
		reeve__sessions_lock(r);
		n = reeve__table_list(
			r, &r->header->tasks, after.v, false, slots, REEVE_COUNT(slots));
		reeve__cpu_begin(&x, r);
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			after.v = r->tasks[slots[k]].head.id;
			if (is_listed(&r->tasks[slots[k]]))
				reeve__task_fill(&x, slots[k], &ret[done++]);
		}
		reeve__cpu_unlock(&x);
		reeve__sessions_unlock(r);
		reeve__cpu_wake(&x);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

/* ---- rebalance and runaways ---- */

int reeve__cpu_rebalance(struct reeve *r, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t changed = 0;

	(void)err;
	reeve__catalog_lock(r);
	struct reeve__ruling_view before = reeve__ruling_now(r);
	reeve__ruling_refresh_locked(r);
	struct reeve__ruling_view after = reeve__ruling_now(r);
	for (uint32_t i = 0; i < r->header->groups.high_water; i++)
		changed += reeve__get(&before.rows[i].weight_ppm) !=
				   reeve__get(&after.rows[i].weight_ppm) ||
			   reeve__get(&after.rows[i].weight_ppm) !=
				   reeve__get(&r->groups[i].cpu.weight_ppm);
	reeve__catalog_unlock(r);
	reeve__cpu_begin(&x, r);
	reeve__cpu_dispatch(&x);
	reeve__cpu_end(&x);
	return (int)changed;
}

int reeve__runaway_detect(struct reeve *r, reeve_task_id *ret_new, uint32_t capacity,
	uint32_t *ret_current, struct reeve_error *err)
{
	struct reeve_sh_cpu *c = r->cpu;
	uint32_t found = 0, current = 0;

	(void)err;
	reeve__sessions_lock(r);
	for (uint32_t i = 0; i < r->header->tasks.high_water; i++) {
		struct reeve_sh_task *t = &r->tasks[i];
		uint32_t no = 0;
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE || !is_listed(t) ||
			!reeve__get(&c->runaway_on) ||
			reeve__get(&t->query_cpu_ns) <= reeve__get(&c->runaway_ns))
			continue;
		current++;
		if (!atomic_compare_exchange_strong(&t->is_runaway, &no, 1))
			continue;
		reeve__add(&c->runaways, 1);
		if (reeve__get(&c->runaway_ppm) < REEVE_PPM)
			reeve__add(&c->throttled_tasks, 1);
		if (found < capacity)
			ret_new[found].v = t->head.id;
		found++;
	}
	reeve__sessions_unlock(r);
	if (ret_current)
		*ret_current = current;
	return (int)found;
}
