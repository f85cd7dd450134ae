/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_check.c - the CPU domain rebuilt after a death, and compared with what it is derived from. */
#include "cpu.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- recovery ---- */

/*
 * Who runs is said by the words alone: what tasks have noted of them follows. A winner that was not
 * told is told now.
 */
static void follow_words(struct reeve__cpu_pass *x)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint64_t word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t task = reeve__word_task(x->r, word);
		if (task == REEVE_NONE)
			continue;
		struct reeve_sh_task *t = &x->r->tasks[task];
		if (word != reeve__task_word(t, task)) {
			atomic_compare_exchange_strong(&x->r->cpu_slots[i].word, &word, 0);
			continue;
		}
		reeve__put(&t->slot, i);
		if (reeve__get(&t->phase) == REEVE_PHASE_WORK &&
			atomic_exchange(&t->park, REEVE_PARK_NO) != REEVE_PARK_NO &&
			x->wake_count < REEVE_COUNT(x->wakes))
			x->wakes[x->wake_count++] = task;
	}
}

/* Whether a task waits: it has parked, for a slot, and none names it. Who is not parked comes by. */
static bool is_waiter(const struct reeve *r, uint32_t task)
{
	const struct reeve_sh_task *t = &r->tasks[task];

	return reeve__get(&t->phase) == REEVE_PHASE_WORK && !reeve__cpu_holds(r, task) &&
	       reeve__get(&t->park) != REEVE_PARK_NO;
}

/* Everything derived, from what is primary: task phases, slot words, ages, buckets. */
void reeve__cpu_rebuild(struct reeve__cpu_pass *x)
{
	struct reeve *r = x->r;
	struct reeve_sh_cpu *c = x->c;
	struct reeve_sh_table *tasks = &r->header->tasks, *groups = &r->header->groups;

	follow_words(x);
	c->ready = c->throttled = c->pull_ready = c->watchman = REEVE_NONE;
	r->cpu_more->pull_throttled = REEVE_NONE;
	c->waiting = 0;
	for (uint32_t i = 0; i < reeve__table_used(groups); i++) {
		struct reeve_sh_cpu_group *q = &r->groups[i].cpu;
		q->root = q->pull_root = REEVE_NONE;
		q->waiting = q->pull_ready = 0;
		q->where = REEVE_GROUP_IDLE;
		q->node.rank = q->pull_node.rank = 0;
		r->cpu_lanes[i].pull_where = REEVE_GROUP_IDLE;
	}
	for (uint32_t i = 0; i < reeve__table_used(tasks); i++) {
		r->tasks[i].queued = 0;
		r->tasks[i].node.rank = 0;
	}
	reeve__boost_rebuild(x);
	for (uint32_t i = 0; i < reeve__table_used(tasks); i++) {
		struct reeve_sh_task *t = &r->tasks[i];
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (t->kind == REEVE_TASK_PULL)
			reeve__pull_enqueue(x, i);
		else if (is_waiter(r, i))
			reeve__cpu_enqueue(x, i);
	}
	reeve__cpu_publish_contended(x);
}

/* ---- validate ---- */

struct faults {
	void (*found)(void *arg, const char *fault);
	void *arg;
	int count;
	char text[24][160];
};

__attribute__((format(printf, 2, 3))) static void note_fault(
	struct faults *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if ((size_t)f->count < REEVE_COUNT(f->text))
		vsnprintf(f->text[f->count], sizeof(f->text[0]), format, args);
	va_end(args);
	f->count++;
}

static void check_group(struct reeve__cpu_pass *x, uint32_t i, struct faults *f, uint32_t *waiting)
{
	struct reeve_sh_cpu_group *q = &x->r->groups[i].cpu;
	uint32_t n = reeve__heap_check(&x->tasks, q->root);

	*waiting += q->waiting;
	if (n != q->waiting)
		note_fault(f, "group slot %u counts %u waiting tasks, its queue holds %u", i,
			q->waiting, n);
	if ((q->waiting != 0) != (q->where != REEVE_GROUP_IDLE))
		note_fault(f, "group slot %u has %u waiting tasks and is in place %u", i,
			q->waiting, q->where);
	if (q->waiting && (q->where == REEVE_GROUP_THROTTLED) != (reeve__get(&q->gate) != 0))
		note_fault(f, "group slot %u is in place %u with gate %u", i, q->where,
			reeve__get(&q->gate));
}

static void check_task(struct reeve__cpu_pass *x, uint32_t i, struct faults *f)
{
	struct reeve_sh_task *t = &x->r->tasks[i];
	bool live = reeve__get(&t->head.state) == REEVE_SLOT_LIVE;
	bool holds = reeve__cpu_holds(x->r, i);

	if (t->queued && (!live || holds))
		note_fault(f, "task slot %u waits although it %s", i,
			live ? "holds a CPU slot" : "does not exist");
	if (live && reeve__get(&t->group) >= reeve__table_used(&x->r->header->groups)) {
		note_fault(f, "task slot %u names group slot %u", i, reeve__get(&t->group));
		return; /* recovery puts it into no queue */
	}
	if (t->queued && t->kind == REEVE_TASK_SESSION && reeve__get(&t->park) == REEVE_PARK_NO)
		note_fault(f, "task slot %u waits and is not parked", i);
	if (live && t->kind == REEVE_TASK_PULL && !t->queued &&
		reeve__get(&t->pull_state) == REEVE_TASK_READY)
		note_fault(f, "task slot %u is ready and in no queue", i);
	/* A holder between words and phase is just beginning or ending; a parked one must wait. */
	if (live && t->kind == REEVE_TASK_SESSION && !t->queued && !holds &&
		reeve__get(&t->park) == REEVE_PARK_YES &&
		reeve__get(&t->phase) == REEVE_PHASE_WORK && /* else it waits for something else */
		reeve__get(&t->wait_reason) != REEVE_WAIT_RUNAWAY)
		note_fault(f, "task slot %u is parked and neither waits nor holds a CPU slot", i);
}

static void check_slots(struct reeve__cpu_pass *x, struct faults *f)
{
	for (uint32_t i = 0; i < x->r->slot_count; i++) {
		uint64_t word = atomic_load(&x->r->cpu_slots[i].word);
		uint32_t t = reeve__word_task(x->r, word);
		if (word && t == REEVE_NONE)
			note_fault(f, "CPU slot %u names a task that cannot exist", i);
		else if (word && (word != reeve__task_word(&x->r->tasks[t], t) ||
					 reeve__get(&x->r->tasks[t].head.state) != REEVE_SLOT_LIVE))
			note_fault(f, "CPU slot %u names a task that is gone", i);
		for (uint32_t k = 0; word && k < i; k++)
			if (atomic_load(&x->r->cpu_slots[k].word) == word)
				note_fault(f, "CPU slots %u and %u name the same task", k, i);
	}
}

static void check_boosts(struct reeve__cpu_pass *x, struct faults *f)
{
	static const char *const texts[] = {"is boosted although nobody waits for it",
		"has a list of waiters that is damaged",
		"is the last, and not all that wait for another are in a list"};
	uint32_t task = 0, fault = reeve__boost_check(x, &task);

	if (fault)
		note_fault(f, "task slot %u %s", task, texts[fault - 1]);
}

int reeve__cpu_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct faults f = {found, arg, 0, {{0}}};
	struct reeve__cpu_pass x;
	uint32_t waiting = 0, n;

	reeve__catalog_lock(r); /* groups come under it, and tasks come and go under the next */
	reeve__sessions_lock(r);
	reeve__cpu_begin(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		check_group(&x, i, &f, &waiting);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++)
		check_task(&x, i, &f);
	check_slots(&x, &f);
	check_boosts(&x, &f);
	if (waiting != x.c->waiting)
		note_fault(&f, "the CPU domain counts %u waiting tasks, its groups %u",
			x.c->waiting, waiting);
	n = reeve__heap_check(&x.groups, x.c->ready);
	if (n == UINT32_MAX)
		note_fault(&f, "the queue of ready groups is damaged");
	n = reeve__heap_check(&x.groups, x.c->throttled);
	if (n == UINT32_MAX)
		note_fault(&f, "the queue of throttled groups is damaged");
	reeve__cpu_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__cpu_wake(&x);
	for (int i = 0; found && i < f.count && i < (int)REEVE_COUNT(f.text); i++)
		found(arg, f.text[i]);
	return f.count;
}
