/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pull.c - tasks of outside engines: they ask which task to run next, and report what it used.
 *
 * The same two levels of ages as for slots, in queues of their own: groups by weight, tasks inside
 * by the weight of their priority. How many run at once is the outside engine's affair.
 */
#include "engine.h"

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

static void place_group(struct reeve__cpu_pass *x, uint32_t g)
{
	struct reeve_sh_cpu_group *q = &x->r->groups[g].cpu;

	if (reeve__heap_has(&q->pull_node))
		reeve__heap_remove(&x->pulls, &x->c->pull_ready, g);
	if (q->pull_ready)
		reeve__heap_insert(
			&x->pulls, &x->c->pull_ready, g, q->pull_age, x->r->groups[g].priority);
}

void reeve__pull_enqueue(struct reeve__cpu_pass *x, uint32_t task)
{
	struct reeve_sh_task *t = &x->r->tasks[task];
	uint32_t g = reeve__get(&t->group);
	struct reeve_sh_cpu_group *q;

	if (g >= x->r->group_capacity || t->queued ||
		reeve__get(&t->pull_state) != REEVE_TASK_READY)
		return;
	q = &x->r->groups[g].cpu;
	uint32_t weight = reeve__get(&q->weight_ppm);
	uint32_t own = reeve__fair_priority_weight(t->priority);
	if (q->pull_ready == 0)
		q->pull_age = reeve__fair_join(q->pull_age, reeve__get(&x->c->pull_clock),
			credit(x, weight), lead(x, weight));
	t->age = reeve__fair_join(t->age, q->pull_clock, credit(x, own), lead(x, own));
	t->queued = 1;
	q->pull_ready++;
	reeve__heap_insert(&x->tasks, &q->pull_root, task, t->age, x->c->tie++);
	place_group(x, g);
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
	place_group(x, g);
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

int reeve__pull_create(struct reeve *r, uint64_t query_id, reeve_group_id group, uint32_t priority,
	reeve_task_id *ret_id, struct reeve_error *err)
{
	struct reeve_sh_table *table = &r->header->tasks;
	struct reeve__cpu_pass x;
	uint32_t g = REEVE_NONE, i = REEVE_NONE;
	int rc;

	if (priority > REEVE_PRIORITY_LOWEST)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 to %u", priority, REEVE_PRIORITY_LOWEST);
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	reeve__sessions_lock(r);
	if (!rc && (i = reeve__table_claim(r, table)) == REEVE_NONE)
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of tasks is full: %u of %u", reeve__get(&table->live),
			table->capacity);
	if (!rc) {
		struct reeve_sh_task *t = &r->tasks[i];
		memset((char *)t + sizeof(t->head), 0, sizeof(*t) - sizeof(t->head));
		reeve__put(&t->group, g);
		reeve__put(&t->slot, REEVE_NONE);
		t->priority = priority;
		t->session = t->attachment = REEVE_NONE;
		t->kind = REEVE_TASK_PULL;
		t->query_id = query_id;
		t->created_wall = reeve__wall(r);
		reeve__put(&t->pull_state, REEVE_TASK_READY);
		reeve__table_publish(r, table, i, r->header->next_task_id++, NULL);
		ret_id->v = t->head.id;
		reeve__cpu_begin(&x, r);
		reeve__pull_enqueue(&x, i);
		reeve__cpu_unlock(&x);
	}
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__cpu_wake(&x);
	return rc;
}

int reeve__pull_next(struct reeve *r, struct reeve_task_info *ret, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	uint32_t g = REEVE_NONE, i = REEVE_NONE;

	reeve__cpu_begin(&x, r);
	g = x.c->pull_ready;
	if (g < r->group_capacity)
		i = r->groups[g].cpu.pull_root;
	if (i < r->header->tasks.capacity) {
		struct reeve_sh_task *t = &r->tasks[i];
		struct reeve_sh_cpu_group *q = &r->groups[g].cpu;
		if (reeve__before(reeve__get(&x.c->pull_clock), q->pull_age))
			reeve__put(&x.c->pull_clock, q->pull_age);
		if (reeve__before(q->pull_clock, t->age))
			q->pull_clock = t->age;
		dequeue(&x, i);
		reeve__put(&t->pull_state, REEVE_TASK_RUNNING);
		reeve__add(&t->dispatches, 1);
		reeve__put(&t->scheduled_wall, reeve__wall(r));
		q->dispatches++;
		reeve__add(&x.c->pull_dispatches, 1);
		reeve__task_fill(&x, i, ret);
	} else {
		i = REEVE_NONE;
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

	dequeue(x, i);
	t->age += reeve__fair_age(cpu_ns, reeve__fair_priority_weight(t->priority));
	q->pull_age += reeve__fair_age(cpu_ns, reeve__get(&q->weight_ppm));
	reeve__add(&t->cpu_ns, cpu_ns);
	reeve__add(&t->query_cpu_ns, cpu_ns);
	if (queued)
		reeve__pull_enqueue(x, i);
	else
		place_group(x, g);
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
	if (verb == REEVE_PULL_YIELD && reeve__get(&t->pull_state) != REEVE_TASK_RUNNING)
		return reeve__fail(err, REEVE_EINVALID_STATE, "CPU task %llu is not running", id);
	return 0;
}

int reeve__pull_report(struct reeve *r, reeve_task_id id, uint64_t cpu_ns,
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
	i = reeve__table_find(r, &r->header->tasks, id.v);
	if (i == REEVE_NONE)
		rc = reeve__fail(err, REEVE_ENOT_FOUND, "CPU task %llu", (unsigned long long)id.v);
	else
		rc = check_report(r, i, verb, err);
	if (!rc) {
		reeve__cpu_begin(&x, r);
		charge(&x, i, cpu_ns);
		if (verb == REEVE_PULL_YIELD) {
			reeve__put(&r->tasks[i].pull_state, REEVE_TASK_READY);
			reeve__pull_enqueue(&x, i);
		} else if (verb == REEVE_PULL_COMPLETE) {
			reeve__add(&r->tasks[i].queries, 1);
			reeve__cpu_retire(&x, i);
			reeve__put(&r->tasks[i].pull_state, REEVE_TASK_COMPLETED);
			dequeue(&x, i);
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
