/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.c - tasks of outside engines: they ask which task to run next, and report what it used.
 *
 * The same policy and the same two levels as for slots, in queues of their own. A group over its cap
 * lies in `pull_throttled` instead of `pull_ready`. How many run at once is the outside engine's
 * affair.
 *
 *	         next                yield, resume
 *	READY <-------> RUNNING    suspend: READY, RUNNING -> WAITING, SLEEPING -> READY
 *	  any -> COMPLETED, which is the end of its slot
 */
#include "cpu.h"

#include "../policy/bucket.h"
#include "../policy/fair.h"

/* How much older use makes a task and its group, for the clamp on joining. */
static uint64_t credit(const struct reeve__cpu_pass *x, uint32_t weight)
{
	return reeve__fair_age(reeve__fair_credit_ns(reeve__get(&x->c->quantum_ns)), weight);
}

static uint64_t lead(const struct reeve__cpu_pass *x, uint32_t weight)
{
	return reeve__fair_age(16 * reeve__get(&x->c->quantum_ns), weight);
}

void reeve__pull_place(struct reeve__cpu_pass *x, uint32_t g)
{
	struct reeve_sh_cpu_group *q = &x->r->groups[g].cpu;
	uint32_t *where = &x->r->cpu_lanes[g].pull_where, next = REEVE_GROUP_IDLE;
	uint32_t *ready = &x->c->pull_ready, *throttled = &x->r->cpu_more->pull_throttled;
	uint64_t key = 0;

	if (q->pull_ready)
		next = reeve__get(&q->gate) ? REEVE_GROUP_THROTTLED : REEVE_GROUP_READY;
	if (next == REEVE_GROUP_READY) {
		key = reeve__cpu_group_key(x, &x->r->groups[g], true);
		if (*where == next && q->pull_node.key == key)
			return;
	}
	if (*where == REEVE_GROUP_READY)
		reeve__heap_remove(&x->pulls, ready, g);
	else if (*where == REEVE_GROUP_THROTTLED)
		reeve__heap_remove(&x->pulls, throttled, g);
	*where = next;
	if (next == REEVE_GROUP_READY)
		reeve__heap_insert(&x->pulls, ready, g, key, reeve__get(&x->r->groups[g].priority));
	else if (next == REEVE_GROUP_THROTTLED)
		reeve__heap_insert(
			&x->pulls, throttled, g, reeve__cpu_opens_at(x, &x->r->groups[g]), 0);
}

static void enqueue(struct reeve__cpu_pass *x, uint32_t task, bool arrives)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	uint32_t g = reeve__get(&t->group), weight, own;
	struct reeve_sh_cpu_group *q;

	if (g >= x->r->group_capacity || t->queued ||
		reeve__get(&t->pull_state) != REEVE_TASK_READY)
		return;
	q = &x->r->groups[g].cpu;
	weight = reeve__cpu_group_weight(x, &x->r->groups[g], true);
	own = reeve__cpu_task_weight(x, task);
	/* By virtual finish one that has been at work all the time may be far behind by right. */
	arrives |= x->policy != REEVE_CPU_WEIGHTED_FAIR_QUEUEING;
	if (q->pull_ready == 0 && arrives)
		q->pull_age = reeve__fair_join(q->pull_age, reeve__get(&x->c->pull_clock),
			credit(x, weight), lead(x, weight));
	if (arrives)
		t->age = reeve__fair_join(t->age, q->pull_clock, credit(x, own), lead(x, own));
	t->queued = 1;
	if (reeve__get(&t->wait_since) == 0)
		reeve__put(&t->wait_since, x->now);
	q->pull_ready++;
	reeve__heap_insert(
		&x->tasks, &q->pull_root, task, reeve__cpu_task_key(x, task), x->c->tie++);
	reeve__pull_place(x, g);
}

void reeve__pull_enqueue(struct reeve__cpu_pass *x, uint32_t task)
{
	enqueue(x, task, true);
}

static void dequeue(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	uint32_t g = reeve__get(&t->group);

	if (!t->queued || g >= x->r->group_capacity)
		return;
	reeve__heap_remove(&x->tasks, &x->r->groups[g].cpu.pull_root, task);
	t->queued = 0;
	if (x->r->groups[g].cpu.pull_ready)
		x->r->groups[g].cpu.pull_ready--;
	reeve__pull_place(x, g);
}

void reeve__pull_move(struct reeve *r, uint32_t task, uint32_t to_group)
{
	struct reeve_sh_task *t = &r->tasks[task];
	struct reeve__cpu_pass x;

	reeve__cpu_begin(&x, r);
	dequeue(&x, task);
	reeve__cpu_retire(&x, task);
	reeve__put(&t->group, to_group);
	t->age = r->groups[to_group].cpu.pull_clock;
	reeve__pull_enqueue(&x, task);
	reeve__cpu_unlock(&x);
}

int reeve__pull_add_locked(struct reeve__cpu_pass *x, struct reeve *r,
	const struct reeve__pull_def *def, uint32_t *ret, struct reeve_error *err)
{
	struct reeve_sh_table *table = &r->header->tasks;
	uint32_t i = reeve__table_claim(r, table);
	struct reeve_sh_task *t;

	reeve__lock_assert(&r->header->session_lock);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of tasks is full: %u of %u", reeve__get(&table->live),
			table->capacity);
	t = &r->tasks[i];
	memset((char *)t + sizeof(t->head), 0, sizeof(*t) - sizeof(t->head));
	reeve__put(&t->group, def->group);
	reeve__put(&t->slot, REEVE_NONE);
	t->priority = def->priority;
	t->session = def->session;
	t->attachment = REEVE_NONE;
	t->kind = REEVE_TASK_PULL;
	t->query_id = def->query_id;
	if (def->session == REEVE_NONE) /* else the session counts it */
		reeve__task_query_begins(t);
	memset(&r->cpu_tasks[i], 0, sizeof(r->cpu_tasks[i]));
	reeve__put(&t->pull_state, REEVE_TASK_READY);
	reeve__table_publish(r, table, i, r->header->next_task_id++, NULL);
	REEVE_POINT(TASK_PUBLISHED);
	reeve__cpu_begin_aside(x, r);
	t->created_wall = reeve__wall_at(r, x->now);
	reeve__cpu_estimate(x, i, def->estimate_ns, 0);
	reeve__pull_enqueue(x, i);
	reeve__cpu_unlock(x);
	*ret = i;
	return 0;
}

void reeve__pull_recover_locked(struct reeve *r)
{
	struct reeve__cpu_pass x;
	uint32_t used = reeve__table_used(&r->header->tasks);

	reeve__lock_assert(&r->header->session_lock);
	reeve__cpu_begin_aside(&x, r);
	for (uint32_t i = 0; i < used; i++)
		if (reeve__get(&r->tasks[i].head.state) == REEVE_SLOT_LIVE &&
			r->tasks[i].kind == REEVE_TASK_PULL)
			reeve__pull_enqueue(&x, i); /* nothing, if it is there */
	reeve__cpu_unlock(&x);
}

int reeve__pull_create(struct reeve *r, uint64_t query_id, reeve_group_id group, uint32_t priority,
	reeve_task_id *ret_id, struct reeve_error *err)
{
	struct reeve__pull_def def = {
		.query_id = query_id, .priority = priority, .session = REEVE_NONE};
	struct reeve__cpu_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	if (priority > REEVE_PRIORITY_LOWEST)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 to %u", priority, REEVE_PRIORITY_LOWEST);
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &def.group, err);
	reeve__sessions_lock(r);
	if (!rc)
		rc = reeve__pull_add_locked(&x, r, &def, &i, err);
	if (!rc)
		ret_id->v = r->tasks[i].head.id;
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}

/* The task to run next, out of its queue; REEVE_NONE. */
static uint32_t take_next(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;
	struct reeve_sh_node *top;

	while ((top = reeve__heap_node(&x->pulls, r->cpu_more->pull_throttled)) &&
		!reeve__before(x->now, top->key)) {
		uint32_t g = r->cpu_more->pull_throttled;
		reeve__cpu_look_at_cap(x, &r->groups[g]);
		reeve__pull_place(x, g);
		if (reeve__get(&r->groups[g].cpu.gate))
			break; /* not yet after all: by its new instant */
		if (r->cpu_more->pull_throttled == g) {
			x->pulls.fault = true;
			break;
		}
	}
	reeve__cpu_look_at_plan_cap(x);
	for (uint32_t g; !x->c->plan_gate && (g = x->c->pull_ready) < r->group_capacity;) {
		uint32_t task = r->groups[g].cpu.pull_root;
		if (task >= r->header->tasks.capacity || reeve__get(&r->tasks[task].group) != g) {
			reeve__segment_degrade(r, "group slot %u is ready and has no task", g);
			break;
		}
		if (reeve__get(&r->groups[g].cpu.cap_ppm) < REEVE_PPM)
			reeve__cpu_look_at_cap(x, &r->groups[g]);
		if (!reeve__get(&r->groups[g].cpu.gate))
			return task;
		reeve__pull_place(x, g);
		if (x->c->pull_ready == g) {
			x->pulls.fault = true;
			break;
		}
	}
	return REEVE_NONE;
}

int reeve__pull_next(struct reeve *r, struct reeve_task_info *ret, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t i;

	reeve__cpu_begin_aside(&x, r);
	reeve__cpu_solve_for_demand(&x);
	i = take_next(&x);
	if (i != REEVE_NONE) {
		struct reeve_sh_task *t = &r->tasks[i];
		struct reeve_sh_cpu_group *q = &reeve__cpu_group_of(&x, i)->cpu;
		if (reeve__before(reeve__get(&x.c->pull_clock), q->pull_age))
			reeve__put(&x.c->pull_clock, q->pull_age);
		if (reeve__before(q->pull_clock, t->age))
			q->pull_clock = t->age;
		dequeue(&x, i);
		reeve__cpu_end_wait(&x, i);
		reeve__put(&t->pull_state, REEVE_TASK_RUNNING);
		reeve__add(&t->dispatches, 1);
		reeve__put(&t->scheduled_wall, reeve__wall_at(r, x.now));
		q->dispatches++;
		q->active_ns = x.now;
		reeve__add(&x.c->pull_dispatches, 1);
		reeve__task_fill(&x, i, ret);
	}
	reeve__cpu_end(&x);
	return i == REEVE_NONE ? reeve__fail(err, REEVE_ENOT_FOUND, "no task is ready") : 0;
}

/* Books use of a pull task; CPU lock held. */
static void charge(struct reeve__cpu_pass *x, uint32_t i, uint64_t cpu_ns)
{
	struct reeve_sh_task *t = &x->r->tasks[i];
	uint32_t g = reeve__get(&t->group);
	struct reeve_sh_cpu_group *q = &x->r->groups[g].cpu;
	bool queued = t->queued != 0;

	if (cpu_ns == 0)
		return;
	dequeue(x, i);
	reeve__cpu_count_use(x, &x->r->groups[g], i, cpu_ns);
	t->age += reeve__fair_age(cpu_ns, reeve__cpu_task_weight(x, i));
	q->pull_age += reeve__fair_age(cpu_ns, reeve__cpu_group_weight(x, &x->r->groups[g], true));
	reeve__add(&t->cpu_ns, cpu_ns);
	reeve__add(&t->query_cpu_ns, cpu_ns);
	reeve__cpu_take_tokens(x, &x->r->groups[g], cpu_ns);
	if (queued)
		enqueue(x, i, false);
	else
		reeve__pull_place(x, g);
}

static bool is_suspended(const struct reeve_sh_task *t)
{
	uint32_t state = reeve__get(&t->pull_state);

	return state == REEVE_TASK_WAITING || state == REEVE_TASK_SLEEPING;
}

/* Ids are given out in order and never again: one that is gone was there and has ended. */
static int find_locked(struct reeve *r, reeve_task_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->tasks, id.v);
	if (*ret != REEVE_NONE)
		return 0;
	if (id.v && id.v < r->header->next_task_id)
		return reeve__fail(err, REEVE_EINVALID_STATE, "CPU task %llu was completed",
			(unsigned long long)id.v);
	return reeve__fail(err, REEVE_ENOT_FOUND, "CPU task %llu", (unsigned long long)id.v);
}

static int check_report(
	struct reeve *r, uint32_t i, enum reeve__pull_verb verb, struct reeve_error *err)
{
	const struct reeve_sh_task *t = &r->tasks[i];
	unsigned long long id = t->head.id;

	if (t->kind != REEVE_TASK_PULL)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"CPU task %llu is a session's statement; reeve measures it itself", id);
	if (reeve__get(&t->group) >= r->group_capacity) {
		reeve__segment_degrade(
			r, "task %llu names group slot %u", id, reeve__get(&t->group));
		return reeve__fail(err, REEVE_EINTERNAL, "CPU task %llu is damaged", id);
	}
	if (verb == REEVE_PULL_COMPLETE && t->session != REEVE_NONE)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"CPU task %llu ends with its query execution %llu", id,
			(unsigned long long)t->query_id);
	if (verb == REEVE_PULL_YIELD && reeve__get(&t->pull_state) != REEVE_TASK_RUNNING)
		return reeve__fail(err, REEVE_EINVALID_STATE, "CPU task %llu is not running", id);
	if (verb == REEVE_PULL_SUSPEND && is_suspended(t))
		return reeve__fail(err, REEVE_EINVALID_STATE, "CPU task %llu is suspended", id);
	if (verb == REEVE_PULL_RESUME && !is_suspended(t))
		return reeve__fail(err, REEVE_EINVALID_STATE, "CPU task %llu is not suspended", id);
	return 0;
}

static void set_state(struct reeve__cpu_pass *x, uint32_t i, uint32_t state)
{
	bool arrives = is_suspended(&x->r->tasks[i]);

	reeve__put(&x->r->tasks[i].pull_state, state);
	if (state == REEVE_TASK_READY) {
		enqueue(x, i, arrives);
		return;
	}
	dequeue(x, i);
	reeve__cpu_end_wait(x, i);
}

/* It is over; its slot is the caller's to free. CPU lock held. */
static void complete(struct reeve__cpu_pass *x, uint32_t i)
{
	reeve__task_query_ends(&x->r->tasks[i]);
	reeve__cpu_retire(x, i);
	set_state(x, i, REEVE_TASK_COMPLETED);
}

void reeve__pull_end_locked(struct reeve__cpu_pass *x, struct reeve *r, uint32_t i)
{
	reeve__lock_assert(&r->header->session_lock);
	reeve__cpu_begin_aside(x, r);
	if (reeve__get(&r->tasks[i].group) < r->group_capacity)
		complete(x, i);
	reeve__cpu_unlock(x);
	reeve__table_free(r, &r->header->tasks, i, NULL);
}

int reeve__pull_report(struct reeve *r, reeve_task_id id, uint64_t cpu_ns, uint32_t state,
	enum reeve__pull_verb verb, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t i = REEVE_NONE;
	int rc = 0;

	if (cpu_ns > INT64_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"cpuTimeNs is %llu; allowed are 0 to %lld", (unsigned long long)cpu_ns,
			(long long)INT64_MAX);
	reeve__sessions_lock(r);
	rc = find_locked(r, id, &i, err);
	if (!rc)
		rc = check_report(r, i, verb, err);
	if (!rc) {
		reeve__cpu_begin_aside(&x, r);
		charge(&x, i, cpu_ns);
		if (verb == REEVE_PULL_YIELD || verb == REEVE_PULL_RESUME) {
			set_state(&x, i, REEVE_TASK_READY);
		} else if (verb == REEVE_PULL_SUSPEND) {
			set_state(&x, i, state);
		} else if (verb == REEVE_PULL_COMPLETE) {
			complete(&x, i);
		}
		reeve__cpu_unlock(&x);
		if (verb == REEVE_PULL_COMPLETE)
			reeve__table_free(r, &r->header->tasks, i, NULL);
	}
	reeve__sessions_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}

int reeve__pull_estimate(
	struct reeve *r, reeve_task_id id, uint64_t estimate_ns, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__sessions_lock(r);
	rc = find_locked(r, id, &i, err);
	if (!rc)
		rc = check_report(r, i, REEVE_PULL_CHARGE, err);
	if (!rc) {
		reeve__cpu_begin_aside(&x, r);
		bool queued = r->tasks[i].queued != 0;
		dequeue(&x, i);
		reeve__cpu_estimate(&x, i, estimate_ns, reeve__get(&r->tasks[i].cpu_ns));
		if (queued)
			reeve__pull_enqueue(&x, i);
		reeve__cpu_unlock(&x);
	}
	reeve__sessions_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}
