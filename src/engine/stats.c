/* SPDX-License-Identifier: Apache-2.0 */
/* stats.c - settings, statistics and lists of the CPU domain. */
#include <string.h>
#include "cpu.h"

#include "../policy/fair.h"
#include "../policy/histogram.h"

#include <stdlib.h>

void reeve__cpu_config_get(struct reeve *r, struct reeve_cpu_config *ret)
{
	const struct reeve_sh_cpu *c = r->cpu;

	*ret = (struct reeve_cpu_config){
		.cpu_slots = r->slot_count,
		.quantum_ns = (reeve_ns)reeve__get(&c->quantum_ns),
		.runaway_detection = reeve__get(&c->runaway_on) != 0,
		.runaway_threshold_ns = (reeve_ns)reeve__get(&c->runaway_ns),
		.runaway_throttle_ppm = reeve__get(&c->runaway_ppm),
		.policy = reeve__get(&r->cpu_more->policy),
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
	if (k->policy > REEVE_CPU_WEIGHTED_FAIR_QUEUEING)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"policy is %u; allowed are 0 (completely fair) to 3 (weighted fair "
			"queueing)",
			k->policy);
	return 0;
}

int reeve__cpu_config_set(
	struct reeve *r, const struct reeve_cpu_config *config, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	int rc = check_config(config, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	reeve__put(&x.c->quantum_ns, (uint64_t)config->quantum_ns);
	reeve__put(&x.c->runaway_ns, (uint64_t)config->runaway_threshold_ns);
	reeve__put(&x.c->runaway_ppm, config->runaway_throttle_ppm);
	reeve__put(&x.c->runaway_on, config->runaway_detection);
	reeve__cpu_set_policy(&x, config->policy);
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	reeve__cpu_announce(r);
	reeve__event_emit(r, &(struct reeve_event){.kind = REEVE_EVENT_CONFIG_CHANGED,
				     .text = "the CPU scheduler"});
	return 0;
}

static void fill_latency(const struct reeve_sh_histogram *h, struct reeve_wait_latency *ret)
{
	*ret = (struct reeve_wait_latency){
		.count = h->count,
		.mean_ns = h->count ? h->sum_ns / h->count : 0,
		.min_ns = h->min_ns,
		.p50_ns = reeve__histogram_quantile(h, 500000),
		.p90_ns = reeve__histogram_quantile(h, 900000),
		.p99_ns = reeve__histogram_quantile(h, 990000),
		.p999_ns = reeve__histogram_quantile(h, 999000),
		.max_ns = h->max_ns,
		.sum_ns = h->sum_ns,
	};
	_Static_assert(REEVE_WAIT_BUCKETS == REEVE_HISTOGRAM_BUCKETS, "buckets are copied");
	memcpy(ret->buckets, h->buckets, sizeof(ret->buckets));
}

/* What a pass over slots and tasks finds out about one group. */
struct tally {
	uint64_t cpu_ns, queries, queries_now;
	uint32_t running, tasks, suspended;
};

static bool is_listed(const struct reeve_sh_task *t)
{
	uint32_t phase = reeve__get(&t->phase);

	return t->kind == REEVE_TASK_PULL ||
	       (phase != REEVE_PHASE_IDLE && phase != REEVE_PHASE_DEAD);
}

/*
 * Tallies all tasks by group slot, under the session lock, so that tasks neither come nor go, and the
 * CPU lock, so that what moves from a task to its group (retire) is counted once. `tally` has one
 * entry a group slot.
 */
static void tally_tasks(struct reeve__cpu_pass *x, struct tally *tally, uint32_t groups)
{
	struct reeve *r = x->r;

	for (uint32_t i = 0; i < groups; i++)
		tally[i] = (struct tally){.cpu_ns = reeve__group_retired_ns(&r->groups[i]),
			.queries = reeve__group_retired_queries(&r->groups[i])};
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		const struct reeve_sh_task *t = &r->tasks[i];
		uint32_t g = reeve__get(&t->group);
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE || g >= groups)
			continue;
		tally[g].cpu_ns += reeve__get(&t->cpu_ns) - t->cpu_ns_base;
		tally[g].queries += reeve__task_queries_ended(t) - t->queries_base;
		tally[g].queries_now += reeve__task_queries_begun(t) - reeve__task_queries_ended(t);
		tally[g].tasks += is_listed(t);
		tally[g].suspended += t->kind == REEVE_TASK_PULL &&
				      reeve__get(&t->pull_state) != REEVE_TASK_READY &&
				      reeve__get(&t->pull_state) != REEVE_TASK_RUNNING;
		tally[g].running +=
			reeve__get(&t->phase) == REEVE_PHASE_WORK && reeve__cpu_holds(r, i);
	}
}

static struct tally *new_tally(const struct reeve *r)
{
	return calloc(r->group_capacity, sizeof(struct tally));
}

/* A group's number in the plan's own units; 0 for one that the plan does not name. */
static uint32_t shares_of(const struct reeve__ruling_view *view, uint32_t i)
{
	uint64_t number = reeve__get(&view->rows[i].number);

	return (uint32_t)(reeve__get(&view->head->by_level) ? number
							    : number / REEVE__NUMBER_SCALE);
}

/* Under the catalog lock, so that the ruling's rows and the groups belong together. */
static void fill_group_stats(struct reeve__cpu_pass *x, uint32_t i, const struct tally *tally,
	struct reeve_cpu_group_stats *ret)
{
	struct reeve *r = x->r;
	struct reeve__ruling_view view = reeve__ruling_now(r);
	const struct reeve_sh_group *g = &r->groups[i];

	memset(ret, 0, sizeof(*ret));
	ret->group.v = g->head.id;
	ret->is_registered = reeve__cpu_is_registered(r, g);
	ret->shares = shares_of(&view, i);
	ret->entitled_ppm = reeve__get(&view.rows[i].share_ppm);
	ret->cap_ppm = reeve__get(&view.rows[i].cap_ppm);
	ret->cpu_ns = tally[i].cpu_ns;
	ret->queries = tally[i].queries;
	ret->tasks = tally[i].tasks;
	ret->running = tally[i].running;
	ret->dispatches = g->cpu.dispatches;
	ret->wait_ns = g->cpu.wait_ns;
	ret->throttled_ns = g->cpu.throttled_ns;
	if (g->cpu.throttled_since)
		ret->throttled_ns += x->now - g->cpu.throttled_since;
	ret->waiting = g->cpu.waiting;
	ret->vruntime = g->cpu.age;
	ret->weight_ppm = reeve__cpu_group_weight(x, g, false);
	ret->suspended = tally[i].suspended;
	fill_latency(&r->cpu_lanes[i].waits, &ret->wait);
}

/* Groups of these slots, in their order, of one moment. */
static int copy_group_stats(struct reeve *r, const uint32_t *slots, uint32_t n,
	struct reeve_cpu_group_stats *ret, struct tally *tally)
{
	struct reeve__cpu_pass x;

	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	tally_tasks(&x, tally, reeve__table_used(&r->header->groups));
	for (uint32_t k = 0; k < n; k++)
		fill_group_stats(&x, slots[k], tally, &ret[k]);
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__cpu_wake(&x);
	return 0;
}

int reeve__cpu_group_stats(struct reeve *r, reeve_group_id group, struct reeve_cpu_group_stats *ret,
	struct reeve_error *err)
{
	struct tally *tally = new_tally(r);
	uint32_t i = REEVE_NONE;
	int rc;

	if (!tally)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc)
		rc = copy_group_stats(r, &i, 1, ret, tally);
	reeve__catalog_unlock(r);
	free(tally);
	return rc;
}

uint32_t reeve__cpu_group_stats_copy(
	struct reeve *r, reeve_group_id after, struct reeve_cpu_group_stats *ret, uint32_t capacity)
{
	struct tally *tally = new_tally(r);
	uint32_t slots[64], n, done = 0;

	if (!tally)
		return 0;
	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->groups, after.v, false, slots, want);
		copy_group_stats(r, slots, n, ret + done, tally);
		done += n;
		if (n)
			after = ret[done - 1].group;
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	free(tally);
	return done;
}

static void sum_groups(struct reeve__cpu_pass *x, const struct tally *tally, uint32_t groups,
	struct reeve_cpu_stats *ret)
{
	struct reeve__ruling_view view = reeve__ruling_now(x->r);

	for (uint32_t i = 0; i < groups; i++) {
		const struct reeve_sh_cpu_group *q = &x->r->groups[i].cpu;
		ret->cpu_ns += tally[i].cpu_ns + q->retired_ns_base;
		ret->queries += tally[i].queries + q->retired_queries_base;
		ret->queries_now += tally[i].queries_now;
		ret->running += tally[i].running;
		if (tally[i].tasks || q->waiting)
			ret->total_shares += shares_of(&view, i);
	}
}

size_t reeve__cpu_stats_room(const struct reeve *r)
{
	return r->group_capacity * sizeof(struct tally);
}

void reeve__cpu_stats_locked(struct reeve__cpu_pass *x, void *room, struct reeve_cpu_stats *ret)
{
	struct reeve *r = x->r;
	struct tally *tally = room;

	reeve__lock_assert(&r->cpu->lock);
	memset(ret, 0, sizeof(*ret));
	tally_tasks(x, tally, reeve__table_used(&r->header->groups));
	sum_groups(x, tally, reeve__table_used(&r->header->groups), ret);
	for (uint32_t i = 0; i < r->slot_count; i++) {
		ret->scheduled += reeve__get(&r->cpu_slots[i].scheduled);
		ret->context_switches += reeve__get(&r->cpu_slots[i].switches);
	}
	ret->scheduled += reeve__get(&x->c->pull_dispatches);
	ret->preemptions = reeve__get(&x->c->preemptions);
	ret->wait_ns = reeve__get(&x->c->wait_ns);
	ret->waits = reeve__get(&x->c->waits);
	ret->runaways = reeve__get(&x->c->runaways);
	ret->throttled = reeve__get(&x->c->throttled_tasks);
	ret->ready = x->c->waiting;
	ret->min_vruntime = reeve__get(&x->c->clock);
	ret->policy = x->policy;
	ret->boosts = reeve__get(&r->cpu_more->boosts);
	ret->deadlocks = reeve__get(&r->cpu_more->deadlocks);
	fill_latency(&r->cpu_lanes[r->group_capacity].waits, &ret->wait);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++)
		ret->throttled_now += reeve__get(&r->tasks[i].head.state) == REEVE_SLOT_LIVE &&
				      reeve__get(&r->tasks[i].is_runaway) &&
				      reeve__get(&x->c->runaway_ppm) < REEVE_PPM;
}

void reeve__cpu_stats(struct reeve *r, struct reeve_cpu_stats *ret)
{
	struct tally *tally = new_tally(r);
	struct reeve__cpu_pass x;

	memset(ret, 0, sizeof(*ret));
	if (!tally)
		return;
	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	reeve__cpu_stats_locked(&x, tally, ret);
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	free(tally);
}

/* What each slot's tasks have used since they were last booked to a slot. */
static void add_unbooked(const struct reeve *r, struct reeve_cpu_slot_stats *ret, uint32_t n)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		const struct reeve_sh_task *t = &r->tasks[i];
		uint32_t slot = reeve__get(&t->slot);
		if (reeve__get(&t->head.state) == REEVE_SLOT_LIVE && slot < n)
			ret[slot].cpu_ns += reeve__get(&t->cpu_ns) - reeve__get(&t->slot_cpu_base);
	}
}

uint32_t reeve__cpu_slot_stats_copy(
	struct reeve *r, struct reeve_cpu_slot_stats *ret, uint32_t capacity)
{
	uint32_t n = r->slot_count < capacity ? r->slot_count : capacity;
	struct reeve__cpu_pass x;

	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	for (uint32_t i = 0; i < n; i++) {
		const struct reeve_sh_cpu_slot *s = &r->cpu_slots[i];
		uint32_t t = reeve__word_task(r, atomic_load(&s->word));
		ret[i] = (struct reeve_cpu_slot_stats){
			.slot = i,
			.is_busy = t != REEVE_NONE &&
				   reeve__get(&r->tasks[t].phase) == REEVE_PHASE_WORK,
			.task = {t != REEVE_NONE ? r->tasks[t].head.id : 0},
			.cpu_ns = reeve__get(&r->cpu_slot_ns[i]),
			.scheduled = reeve__get(&s->scheduled),
			.context_switches = reeve__get(&s->switches),
		};
	}
	add_unbooked(r, ret, n);
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__cpu_wake(&x);
	return r->slot_count;
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
		.group = {g < r->group_capacity ? r->groups[g].head.id : 0},
		.session = {t->session < r->header->sessions.capacity
				    ? r->sessions[t->session].head.id
				    : 0},
		.priority = t->priority,
		.effective_priority = reeve__cpu_task_priority(x, i),
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
		.slice_left_ns = (reeve_ns)reeve__cpu_slice_ns(x, i),
	};
}

int reeve__task_get(
	struct reeve *r, reeve_task_id id, struct reeve_task_info *ret, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t i = REEVE_NONE;
	int rc = 0;

	reeve__sessions_lock(r);
	i = reeve__table_find(r, &r->header->tasks, id.v);
	if (i == REEVE_NONE || !is_listed(&r->tasks[i])) {
		rc = reeve__fail(err, REEVE_ENOT_FOUND, "CPU task %llu", (unsigned long long)id.v);
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
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		changed += reeve__get(&before.rows[i].weight_ppm) !=
				   reeve__get(&after.rows[i].weight_ppm) ||
			   reeve__get(&after.rows[i].weight_ppm) !=
				   reeve__get(&r->groups[i].cpu.weight_ppm);
	reeve__catalog_unlock(r);
	reeve__cpu_begin(&x, r);
	reeve__cpu_dispatch(&x);
	reeve__cpu_end(&x);
	if (changed)
		reeve__event_emit(r,
			&(struct reeve_event){.kind = REEVE_EVENT_REBALANCED, .actual = changed});
	return (int)changed;
}

/* Counts a task that was just marked, and says so. */
void reeve__runaway_note(struct reeve *r, uint32_t task)
{
	const struct reeve_sh_task *t = &r->tasks[task];
	struct reeve_sh_cpu *c = r->cpu;
	bool slowed = reeve__get(&c->runaway_ppm) < REEVE_PPM;
	struct reeve_event e = {
		.kind = REEVE_EVENT_RUNAWAY_DETECTED,
		.limit_kind = REEVE_LIMIT_RUNAWAY,
		.action = slowed ? REEVE_ACTION_THROTTLE : REEVE_ACTION_LOG,
		.group = {reeve__group_at(r, reeve__get(&t->group))->head.id},
		.session = {t->session < r->header->sessions.capacity
				    ? r->sessions[t->session].head.id
				    : 0},
		.object = t->head.id,
		.query = t->query_id,
		.limit = reeve__get(&c->runaway_ns),
		.actual = reeve__get(&t->query_cpu_ns),
	};

	reeve__add(&c->runaways, 1);
	reeve__event_text(&e, slowed ? "it is slowed down" : "it goes on");
	reeve__event_emit(r, &e);
	if (!slowed)
		return;
	reeve__add(&c->throttled_tasks, 1);
	e.kind = REEVE_EVENT_TASK_THROTTLED;
	reeve__event_emit(r, &e);
}

int reeve__runaway_detect(struct reeve *r, reeve_task_id *ret_new, uint32_t capacity,
	uint32_t *ret_current, struct reeve_error *err)
{
	struct reeve_sh_cpu *c = r->cpu;
	uint32_t found = 0, current = 0;

	(void)err;
	reeve__sessions_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		struct reeve_sh_task *t = &r->tasks[i];
		uint32_t no = 0;
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE || !is_listed(t) ||
			!reeve__get(&c->runaway_on) ||
			reeve__get(&t->query_cpu_ns) <= reeve__get(&c->runaway_ns))
			continue;
		current++;
		if (!atomic_compare_exchange_strong(&t->is_runaway, &no, 1))
			continue;
		reeve__runaway_note(r, i);
		if (found < capacity)
			ret_new[found].v = t->head.id;
		found++;
	}
	reeve__sessions_unlock(r);
	if (ret_current)
		*ret_current = current;
	return (int)found;
}
