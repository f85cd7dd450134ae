/* SPDX-License-Identifier: Apache-2.0 */
/* io_session.c - I/O when sessions and processes end or move; housekeeping; validate. */
#include "io.h"

#include "../policy/io_bucket.h"

#include <stdio.h>

void reeve__io_init(struct reeve *r)
{
	struct reeve_sh_io *io = r->io;
	static const uint64_t usual_ms[REEVE_IO_TYPES] = {100, 1000, 200, 50};

	reeve__put(&io->max_concurrent, 128);
	reeve__put(&io->slot_limit, 128);
	io->burst_ppm = REEVE_PPM;
	io->watchman = REEVE_NONE;
	io->devices = 1; /* 0: not told */
	io->next_request_id = io->next_executor_id = 1;
	for (uint32_t t = 0; t < REEVE_IO_TYPES; t++)
		for (uint32_t p = 0; p < REEVE_IO_PRIORITIES; p++) {
			uint64_t ns = usual_ms[t] * 1000000;
			reeve__put(&io->deadlines_ns[t][p], p == REEVE_IO_REAL_TIME ? ns / 4
							    : p == REEVE_IO_IDLE    ? INT64_MAX
										    : ns);
		}
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++) {
		/* Virtual clocks start just before they wrap, so that wrapping is ordinary. */
		io->queues[k].clock = UINT64_MAX - UINT32_MAX;
		reeve__io_queue_clear(&io->queues[k], REEVE_IO_COMPLETELY_FAIR);
	}
}

/* ---- ends and moves ---- */

/* The I/O slots that bear a task's name. */
static void free_slots(struct reeve__io_pass *x, uint32_t task)
{
	struct reeve *r = x->r;
	uint64_t word = reeve__task_word(&r->tasks[task], task);

	for (uint32_t s = 0; s < REEVE_SH_IO_SLOTS; s++)
		if (reeve__get(&r->io_slots[s].word) == word && reeve__io_free_slot(r, s, word))
			x->io->slot_hint = s;
	reeve__put(&r->tasks[task].io_slot, 0);
}

static bool is_of_task(const struct reeve *r, const struct reeve_sh_io_request *q, uint32_t task)
{
	return reeve__get(&q->head.state) == REEVE_SLOT_LIVE && q->task == task &&
	       q->task_generation == reeve__get(&r->tasks[task].head.generation);
}

/*
 * Ends a request whose owner is gone. A managed one that its executor performs is left to that, unless
 * the executor's process is what ends.
 */
static void end_request(struct reeve__io_pass *x, uint32_t i, bool process_gone)
{
	struct reeve_sh_io_request *q = &x->r->io_requests[i];
	uint32_t state = reeve__get(&q->state);

	if (q->kind == REEVE_IO_KIND_MANAGED && !process_gone) {
		if (state != REEVE_IO_QUEUED)
			return;
		reeve__io_policy_remove(reeve__io_view_of(x, REEVE_IO_QUEUE_ADMIT), i);
		if (x->io->watchman == i)
			x->io->watchman = REEVE_NONE;
		reeve__put(&q->state, REEVE_IO_CANCELLED);
		reeve__io_notify(x, i);
		return;
	}
	reeve__io_finish(x, i, REEVE_IO_CANCELLED, 0);
}

bool reeve__io_drop(struct reeve__io_pass *x, struct reeve *r, uint32_t task)
{
	struct reeve_sh_task *t = &r->tasks[task];
	uint32_t g = reeve__get(&t->group);

	if (!reeve__get(&t->io_live) && !reeve__get(&t->io_slot) &&
		reeve__get(&t->io_requests) == t->io_requests_base)
		return false;
	reeve__io_lock(x, r);
	for (uint32_t i = 0; reeve__get(&t->io_live) && i < reeve__table_used(&x->io->requests);
		i++)
		if (is_of_task(r, &r->io_requests[i], task))
			end_request(x, i, false);
	if (reeve__get(&t->io_slot))
		free_slots(x, task);
	if (g < r->group_capacity)
		reeve__io_retire(x, task, g, true);
	reeve__io_dispatch(x, 8);
	reeve__io_unlock(x);
	return true;
}

void reeve__io_move(struct reeve *r, uint32_t task, uint32_t from_group)
{
	struct reeve_sh_task *t = &r->tasks[task];
	struct reeve__io_pass x;

	if (reeve__get(&t->io_requests) == t->io_requests_base)
		return;
	reeve__io_lock(&x, r);
	reeve__io_retire(&x, task, from_group, false);
	reeve__io_leave(&x); /* nobody's turn has come by this */
}

void reeve__io_reap(struct reeve *r, uint32_t attachment)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&x.io->requests); i++)
		if (reeve__get(&r->io_requests[i].head.state) == REEVE_SLOT_LIVE &&
			r->io_requests[i].attachment == attachment)
			end_request(&x, i, true);
	for (uint32_t i = 0; i < reeve__table_used(&x.io->executors); i++)
		if (reeve__get(&r->io_executors[i].head.state) == REEVE_SLOT_LIVE &&
			r->io_executors[i].attachment == attachment)
			reeve__table_free(r, &x.io->executors, i, NULL);
	reeve__io_dispatch(&x, 8);
	reeve__io_done(&x);
}

uint32_t reeve__io_group_requests(struct reeve *r, uint32_t group)
{
	struct reeve__io_pass x;
	uint32_t n = 0;

	reeve__io_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&x.io->requests); i++)
		n += reeve__get(&r->io_requests[i].head.state) == REEVE_SLOT_LIVE &&
		     r->io_requests[i].entry.flow == group;
	reeve__io_done(&x);
	return n;
}

void reeve__io_group_move(struct reeve__io_pass *x, struct reeve *r, uint32_t from, uint32_t to)
{
	reeve__io_lock(x, r);
	reeve__io_group(x, from);
	reeve__io_group(x, to);
	for (uint32_t i = 0; i < reeve__table_used(&x->io->requests); i++) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		uint32_t state = reeve__get(&q->state);
		struct reeve__io_view *v = reeve__io_view_of(x, reeve__io_queue_of(q));
		if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE || q->entry.flow != from)
			continue;
		if (state == REEVE_IO_QUEUED)
			reeve__io_policy_remove(v, i);
		q->entry.flow = to;
		if (state == REEVE_IO_QUEUED)
			reeve__io_policy_add(v, i);
		if (state == REEVE_IO_ACTIVE) {
			r->io_groups[to].active++;
			r->io_groups[from].active--;
		}
	}
	reeve__io_dispatch(x, 8);
	reeve__io_unlock(x);
}

void reeve__io_tick(struct reeve *r)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++) {
		struct reeve_sh_io_group *g = reeve__io_group(&x, i);
		reeve__io_bucket_touch(&g->bytes, reeve__io_ticks(x.now));
		reeve__io_bucket_touch(&g->ops, reeve__io_ticks(x.now));
	}
	reeve__io_sample(&x);
	reeve__io_dispatch(&x, 8);
	reeve__io_done(&x);
}

/* ---- validate ---- */

struct faults {
	int count;
	char text[16][160];
};

static void note(struct faults *f, const char *text)
{
	if (!text)
		return;
	if ((size_t)f->count < REEVE_COUNT(f->text))
		snprintf(f->text[f->count], sizeof(f->text[0]), "%s", text);
	f->count++;
}

static void check_requests(struct reeve__io_pass *x, struct faults *f)
{
	struct reeve *r = x->r;
	uint32_t queued[REEVE_IO_QUEUES] = {0}, active = 0, counted = 0;
	char text[160];

	for (uint32_t i = 0; i < reeve__table_used(&x->io->requests); i++) {
		const struct reeve_sh_io_request *q = &r->io_requests[i];
		uint32_t state = reeve__get(&q->state);
		if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE)
			continue;
		queued[reeve__io_queue_of(q)] += state == REEVE_IO_QUEUED;
		active += state == REEVE_IO_ACTIVE;
		if (q->entry.flow < reeve__table_used(&r->header->groups) &&
			(state == REEVE_IO_QUEUED) == reeve__heap_has(&q->entry.node))
			continue;
		snprintf(text, sizeof(text),
			"I/O request slot %u of group slot %u in state %u is %s a queue", i,
			q->entry.flow, state, reeve__heap_has(&q->entry.node) ? "in" : "not in");
		note(f, text);
	}
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		counted += r->io_groups[i].active;
	if (counted != active)
		note(f, "groups count other I/O requests under way than there are");
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		if (queued[k] != x->io->queues[k].count)
			note(f, "an I/O queue does not hold every request that waits");
}

static void check_slots(struct reeve__io_pass *x, struct faults *f)
{
	struct reeve *r = x->r;
	char text[160];

	for (uint32_t s = 0; s < REEVE_SH_IO_SLOTS; s++) {
		uint64_t word = atomic_load(&r->io_slots[s].word);
		uint32_t i = (uint32_t)word - 1;
		bool good = true;
		if (word == 0)
			continue;
		if (word & REEVE_IO_WORD_REQUEST)
			good = i < x->io->requests.capacity &&
			       word == reeve__io_request_word(&r->io_requests[i], i) &&
			       reeve__get(&r->io_requests[i].head.state) == REEVE_SLOT_LIVE;
		else
			good = i < r->header->tasks.capacity &&
			       word == reeve__task_word(&r->tasks[i], i) &&
			       reeve__get(&r->tasks[i].head.state) == REEVE_SLOT_LIVE;
		if (good)
			continue;
		snprintf(text, sizeof(text), "I/O slot %u names a %s that is gone", s,
			word & REEVE_IO_WORD_REQUEST ? "request" : "task");
		note(f, text);
	}
}

int reeve__io_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct faults f = {.count = 0};
	struct reeve__io_pass x;
	uint32_t groups;

	reeve__catalog_lock(r); /* groups come under it, and tasks come and go under the next */
	reeve__sessions_lock(r);
	reeve__io_lock(&x, r);
	groups = reeve__table_used(&r->header->groups);
	note(&f, reeve__table_check(r, &x.io->requests));
	note(&f, reeve__table_check(r, &x.io->executors));
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		note(&f, reeve__io_policy_check(reeve__io_view_of(&x, k), groups));
	check_requests(&x, &f);
	check_slots(&x, &f);
	if (reeve__get(&x.io->contended) != x.io->queues[REEVE_IO_QUEUE_ADMIT].count)
		note(&f, "the count of requests that wait for admission is wrong");
	if (reeve__get(&x.io->slot_limit) > reeve__get(&x.io->max_concurrent))
		note(&f, "more I/O slots may be taken than max_concurrent");
	reeve__io_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__io_wake(&x);
	for (int i = 0; found && i < f.count && i < (int)REEVE_COUNT(f.text); i++)
		found(arg, f.text[i]);
	return f.count;
}
