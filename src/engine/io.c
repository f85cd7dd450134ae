/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - the I/O domain: lock, limits, slots, grants, recovery. See io.h. */
#include "io.h"

#include "../policy/io_bucket.h"
#include "../policy/io_rate.h"

/* Readings of the clock closer together than this are worked out from the processor's counter. */
#define CLOCK_NS ((uint64_t)1000000)

/* ---- the pass ---- */

/* The monotonic clock costs more than all else in a submission, the counter a third of that. */
static uint64_t read_clock(struct reeve *r)
{
	uint64_t cycles, since;

	if (!r->native_cycles)
		return (uint64_t)reeve__mono(r);
	cycles = reeve__cycles(r);
	since = reeve__cycles_ns(r, cycles - r->io_clock_cycles);
	if (since >= CLOCK_NS) {
		r->io_clock_ns = (uint64_t)reeve__mono(r);
		r->io_clock_cycles = cycles;
		since = 0;
	}
	return r->io_clock_ns + since;
}

void reeve__io_view_make(struct reeve__io_pass *x, uint32_t queue)
{
	struct reeve *r = x->r;

	reeve__io_view_init(&x->views[queue], &x->io->queues[queue], &r->io_requests[0].entry,
		sizeof(struct reeve_sh_io_request), r->header->io.requests.capacity,
		&r->io_groups[0].flows[queue], sizeof(struct reeve_sh_io_group), r->group_capacity);
	x->has_view |= 1u << queue;
}

void reeve__io_lock(struct reeve__io_pass *x, struct reeve *r)
{
	bool died = reeve__lock_acquire(&r->io->lock);

	x->r = r;
	x->io = r->io;
	x->wake_count = x->executor_count = x->has_view = 0;
	x->has_more = false;
	x->now = read_clock(r);
	/* Two processes' readings may differ by a microsecond; nobody goes back. */
	if (REEVE_UNLIKELY(x->now < x->io->clock_ns && x->io->clock_ns - x->now < REEVE_MSEC))
		x->now = x->io->clock_ns;
	x->io->clock_ns = x->now;
	if (REEVE_UNLIKELY(died))
		reeve__io_rebuild(x);
	REEVE_POINT(IO_LOCKED);
	if (REEVE_UNLIKELY(reeve__get(&x->io->ruling_seen) != atomic_load(&r->header->ruling)))
		reeve__io_follow_ruling(x);
}

static void wake_later(struct reeve__io_pass *x, uint32_t task)
{
	if (x->wake_count < REEVE_COUNT(x->wakes))
		x->wakes[x->wake_count++] = task;
}

static void wake_executor_later(struct reeve__io_pass *x, uint32_t executor)
{
	for (uint32_t i = 0; i < x->executor_count; i++)
		if (x->executors[i] == executor)
			return;
	if (x->executor_count < REEVE_COUNT(x->executors))
		x->executors[x->executor_count++] = executor;
}

/* Whether a task is still the one that a request was made for. */
static bool is_owner(const struct reeve *r, const struct reeve_sh_io_request *q)
{
	return q->task < r->header->tasks.capacity &&
	       reeve__get(&r->tasks[q->task].head.generation) == q->task_generation;
}

/* The first of the waiting, of a held group when there is one. */
static uint32_t first_waiter(struct reeve__io_pass *x)
{
	struct reeve__io_view *v = reeve__io_view_of(x, REEVE_IO_QUEUE_ADMIT);
	uint32_t f = v->q->held < x->r->group_capacity ? v->q->held : v->q->ready[0];
	const struct reeve_sh_io_flow *flow;

	if (f >= x->r->group_capacity)
		f = v->q->ready[1] < x->r->group_capacity ? v->q->ready[1] : v->q->current;
	if (f >= x->r->group_capacity)
		return REEVE_NONE;
	flow = reeve__io_flow(v, f);
	return flow->root[0] != REEVE_NONE ? flow->root[0] : flow->root[1];
}

/* Somebody has to look after time while requests wait. */
static void appoint_watchman(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;
	struct reeve_sh_io_request *q;
	uint32_t i;

	if (x->io->queues[REEVE_IO_QUEUE_ADMIT].count == 0)
		return;
	if (x->io->watchman != REEVE_NONE && !x->has_more &&
		reeve__io_next_look(x) >= x->io->watch_ns)
		return;
	i = first_waiter(x);
	if (i >= r->header->io.requests.capacity)
		return;
	q = &r->io_requests[i];
	x->io->watchman = i;
	x->io->watch_ns = 0;
	if (q->kind == REEVE_IO_KIND_MANAGED && q->executor < REEVE_SH_IO_EXECUTORS) {
		atomic_fetch_add(&r->io_executors[q->executor].word, 1);
		wake_executor_later(x, q->executor);
	} else if (is_owner(r, q) && reeve__task_attend(r, q->task, 0)) {
		wake_later(x, q->task);
	}
}

void reeve__io_leave(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;

	/* seq_cst: see the head of io.h */
	if (reeve__get(&x->io->contended) != x->io->queues[REEVE_IO_QUEUE_ADMIT].count)
		atomic_store(&x->io->contended, x->io->queues[REEVE_IO_QUEUE_ADMIT].count);
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		if ((x->has_view & 1u << k) && REEVE_UNLIKELY(reeve__io_view_fault(&x->views[k])))
			reeve__segment_degrade(r, "a queue of the I/O domain is damaged");
	reeve__lock_release(&r->io->lock);
}

void reeve__io_unlock(struct reeve__io_pass *x)
{
	appoint_watchman(x);
	reeve__io_leave(x);
}

void reeve__io_wake(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t i = 0; i < x->wake_count; i++)
		reeve__task_wake(r, x->wakes[i]);
	for (uint32_t i = 0; i < x->executor_count; i++)
		reeve__wake(r, (uint32_t *)&r->io_executors[x->executors[i]].word);
}

void reeve__io_done(struct reeve__io_pass *x)
{
	reeve__io_unlock(x);
	reeve__io_wake(x);
}

/* ---- limits ---- */

/* The group that now has this slot has no past in it. */
static void clear_group(struct reeve__io_pass *x, struct reeve_sh_io_group *g, uint64_t id)
{
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		reeve__io_policy_forget(reeve__io_view_of(x, k), (uint32_t)(g - x->r->io_groups));
	memset((char *)g + sizeof(g->group_id), 0,
		offsetof(struct reeve_sh_io_group, flows) - sizeof(g->group_id));
	reeve__io_bucket_set(&g->bytes, REEVE_UNLIMITED, x->io->burst_ppm, reeve__io_ticks(x->now));
	reeve__io_bucket_set(&g->ops, REEVE_UNLIMITED, x->io->burst_ppm, reeve__io_ticks(x->now));
	g->weight = REEVE_IO_WEIGHT_DEFAULT;
	g->rate.at = x->now;
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++) {
		memset(&g->flows[k], 0, sizeof(g->flows[k]));
		reeve__io_flow_clear(&g->flows[k]);
		g->flows[k].start = x->io->queues[k].clock; /* a newcomer starts level */
		g->flows[k].weight = REEVE_IO_WEIGHT_DEFAULT;
	}
	atomic_store_explicit(&g->group_id, id, memory_order_release);
}

struct reeve_sh_io_group *reeve__io_group(struct reeve__io_pass *x, uint32_t i)
{
	struct reeve_sh_io_group *g;
	uint64_t id;

	i = REEVE_LIKELY(i < x->r->group_capacity) ? i : 0;
	g = &x->r->io_groups[i];
	id = reeve__head_id(&x->r->groups[i].head);
	if (REEVE_UNLIKELY(reeve__get(&g->group_id) != id))
		clear_group(x, g, id);
	return g;
}

static void set_limits(
	struct reeve__io_pass *x, uint32_t i, uint64_t bandwidth, uint64_t iops, uint32_t weight)
{
	struct reeve_sh_io_group *g = reeve__io_group(x, i);
	uint64_t ticks = reeve__io_ticks(x->now), burst = x->io->burst_ppm;
	bool same = g->bytes.limit_rate == bandwidth && g->ops.limit_rate == iops &&
		    g->bytes.burst == (burst * 1000) << REEVE_IO_TICKS_SHIFT;

	if (!same) {
		reeve__io_bucket_set(&g->bytes, bandwidth, (uint32_t)burst, ticks);
		reeve__io_bucket_set(&g->ops, iops, (uint32_t)burst, ticks);
	}
	atomic_store(&g->is_limited, bandwidth != REEVE_UNLIMITED || iops != REEVE_UNLIMITED);
	g->weight = weight;
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++) {
		if (g->flows[k].weight != weight)
			reeve__io_policy_weigh(reeve__io_view_of(x, k), i, weight);
		if (!same)
			reeve__io_policy_release(reeve__io_view_of(x, k), i);
	}
}

/* A limit that cannot be reached is kept as the greatest that can be counted; 0 is damage: none. */
static uint64_t in_range(uint64_t limit, uint64_t most)
{
	if (limit == REEVE_UNLIMITED || limit == 0)
		return REEVE_UNLIMITED;
	return limit < most ? limit : most;
}

static uint64_t stricter(uint64_t a, uint64_t b, uint64_t most)
{
	a = in_range(a, most);
	b = in_range(b, most);
	return a < b ? a : b;
}

static void follow_row(struct reeve__io_pass *x, uint32_t i, const struct reeve_sh_ruling_row *row,
	uint64_t activation)
{
	const struct reeve_sh_io_group *g = &x->r->io_groups[i];
	uint64_t registered = atomic_load_explicit(&g->registered, memory_order_acquire);
	const struct reeve_sh_group *own = &x->r->groups[i];
	uint64_t bandwidth = reeve__get(&row->io_bandwidth), iops = reeve__get(&row->io_iops);
	uint32_t weight = reeve__get(&row->io_weight), k = registered & 1;

	if (registered / 2 == activation + 1 &&
		reeve__get(&g->group_id) == x->r->groups[i].head.id) {
		bandwidth = reeve__get(&g->registered_bandwidth[k]);
		iops = reeve__get(&g->registered_iops[k]);
		weight = reeve__get(&g->registered_weight[k]);
	}
	/* The group's own limits hold whatever the plan says or is registered. */
	bandwidth = stricter(bandwidth, reeve__get(&own->io_bandwidth), REEVE_IO_BANDWIDTH_MAX);
	iops = stricter(iops, reeve__get(&own->io_iops), REEVE_IO_IOPS_MAX);
	if (weight == 0 || weight > REEVE_IO_WEIGHT_MAX)
		weight = weight ? REEVE_IO_WEIGHT_MAX : REEVE_IO_WEIGHT_DEFAULT;
	set_limits(x, i, bandwidth, iops, weight);
}

void reeve__io_follow_ruling(struct reeve__io_pass *x)
{
	struct reeve__ruling_view view;
	uint32_t n, tries = 0;

	do {
		view = reeve__ruling_now(x->r);
		if (tries++ == 8) { /* rulings do not change that fast */
			reeve__segment_degrade(x->r, "the ruling word names no ruling");
			break;
		}
		n = reeve__get(&view.head->groups);
		for (uint32_t i = 0; i < n && i < x->r->group_capacity; i++)
			follow_row(x, i, &view.rows[i], reeve__get(&view.head->activation));
	} while (!reeve__ruling_holds(&view));
	atomic_store(&x->io->ruling_seen, view.sequence);
}

uint64_t reeve__io_limit_wait(
	struct reeve__io_pass *x, struct reeve_sh_io_group *g, uint64_t bytes, bool *ret_iops)
{
	uint64_t ticks = reeve__io_ticks(x->now);
	uint64_t a = reeve__io_bucket_wait(&g->bytes, bytes, ticks);
	uint64_t b = reeve__io_bucket_wait(&g->ops, 1, ticks);
	uint64_t most = a > b ? a : b;

	*ret_iops = b > a;
	return most ? (most >> REEVE_IO_TICKS_SHIFT) + 1 : 0;
}

void reeve__io_limit_take(struct reeve__io_pass *x, struct reeve_sh_io_group *g, uint64_t bytes)
{
	uint64_t ticks = reeve__io_ticks(x->now);

	reeve__io_bucket_take(&g->bytes, bytes, ticks);
	reeve__io_bucket_take(&g->ops, 1, ticks);
}

/* ---- slots ---- */

uint32_t reeve__io_take_slot(struct reeve *r, uint64_t word, uint32_t hint)
{
	uint32_t n = reeve__get(&r->io->slot_limit);

	n = n < REEVE_SH_IO_SLOTS ? n : REEVE_SH_IO_SLOTS;
	for (uint32_t k = 0, i = hint < n ? hint : 0; k < n; k++, i = i + 1 < n ? i + 1 : 0) {
		uint64_t nobody = 0;
		if (reeve__get(&r->io_slots[i].word) == 0 &&
			atomic_compare_exchange_strong(&r->io_slots[i].word, &nobody, word))
			return i;
	}
	return REEVE_NONE;
}

/* The most slots from 0 on that may be used so that, with those taken beyond, they are max_concurrent. */
static uint32_t slots_to_use(const struct reeve *r)
{
	uint32_t most = reeve__get(&r->io->max_concurrent), n, taken = 0;

	n = most = most < REEVE_SH_IO_SLOTS ? most : REEVE_SH_IO_SLOTS;
	for (uint32_t i = n; i < REEVE_SH_IO_SLOTS; i++)
		taken += reeve__get(&r->io_slots[i].word) != 0;
	while (n > 0 && n + taken > most)
		taken += reeve__get(&r->io_slots[--n].word) != 0;
	return n;
}

uint32_t reeve__io_take_slot_locked(struct reeve__io_pass *x, uint64_t word)
{
	struct reeve *r = x->r;
	uint32_t i;

	if (REEVE_UNLIKELY(reeve__get(&x->io->slot_limit) != reeve__get(&x->io->max_concurrent)))
		reeve__put(&x->io->slot_limit, slots_to_use(r));
	i = reeve__io_take_slot(r, word, x->io->slot_hint);
	if (i != REEVE_NONE)
		x->io->slot_hint = i + 1;
	return i;
}

bool reeve__io_free_slot(struct reeve *r, uint32_t slot, uint64_t word)
{
	return slot < REEVE_SH_IO_SLOTS &&
	       atomic_compare_exchange_strong(&r->io_slots[slot].word, &word, 0);
}

/* ---- requests ---- */

uint32_t reeve__io_queue_of(const struct reeve_sh_io_request *q)
{
	return q->kind == REEVE_IO_KIND_PULL ? REEVE_IO_QUEUE_PULL : REEVE_IO_QUEUE_ADMIT;
}

/* Of a task that cannot end meanwhile: its owner asks. */
static uint64_t session_of_task(const struct reeve *r, uint32_t task)
{
	uint32_t s = task == REEVE_NONE ? REEVE_NONE : r->tasks[task].session;

	return s < r->header->sessions.capacity ? r->sessions[s].head.id : 0;
}

uint32_t reeve__io_request_create(struct reeve__io_pass *x, const struct reeve_io_def *def,
	uint32_t kind, uint32_t group, uint32_t task, uint32_t executor)
{
	struct reeve *r = x->r;
	struct reeve_sh_io_request *q;
	uint32_t i = reeve__table_claim(r, &x->io->requests);

	if (i == REEVE_NONE)
		return i;
	q = &r->io_requests[i];
	reeve__put(&q->state, REEVE_IO_QUEUED);
	q->kind = kind;
	q->flags = def->is_sequential ? REEVE_IO_FLAG_SEQUENTIAL : 0;
	q->type = def->type;
	q->device = def->device;
	q->attachment = r->attachment;
	q->task = task;
	q->task_generation = task == REEVE_NONE ? 0 : reeve__get(&r->tasks[task].head.generation);
	q->executor = executor;
	q->next = q->slot = REEVE_NONE;
	q->started_ns = 0;
	q->offset = def->offset;
	q->session_id = session_of_task(r, task);
	q->entry.node.rank = q->entry.due.rank = 0;
	q->entry.size_bytes = def->size_bytes;
	q->entry.submitted_ns = x->now;
	q->entry.deadline_ns = reeve__io_deadline(r, def, x->now);
	q->entry.flow = group;
	q->entry.is_write = def->type == REEVE_IO_WRITE || def->type == REEVE_IO_SYNC_WRITE;
	q->entry.klass = def->priority;
	q->entry.is_late = 0;
	reeve__table_publish(r, &x->io->requests, i, x->io->next_request_id++, NULL);
	if (task != REEVE_NONE)
		reeve__add(&r->tasks[task].io_live, 1);
	return i;
}

void reeve__io_enqueue(struct reeve__io_pass *x, uint32_t i)
{
	struct reeve_sh_io_request *q = &x->r->io_requests[i];

	reeve__io_group(x, q->entry.flow);
	reeve__io_policy_add(reeve__io_view_of(x, reeve__io_queue_of(q)), i);
	if (q->kind != REEVE_IO_KIND_PULL)
		atomic_store(&x->io->contended, x->io->queues[REEVE_IO_QUEUE_ADMIT].count);
	REEVE_POINT(IO_QUEUED);
}

/* The group must wait: it is held until its buckets are full enough for this request. */
static void hold(
	struct reeve__io_pass *x, struct reeve__io_view *v, uint32_t i, uint64_t wait, bool iops)
{
	struct reeve_sh_io_request *q = &x->r->io_requests[i];
	struct reeve_sh_io_group *g = &x->r->io_groups[q->entry.flow];

	if (!(q->flags & REEVE_IO_FLAG_THROTTLED))
		g->throttled++;
	q->flags |= REEVE_IO_FLAG_THROTTLED | (iops ? REEVE_IO_FLAG_IOPS : 0);
	g->held_by_iops = iops;
	if (reeve__event_due(&g->held_told_ns, x->now))
		reeve__event_emit(
			x->r, &(struct reeve_event){.kind = REEVE_EVENT_IO_THROTTLED,
				      .group = {x->r->groups[q->entry.flow].head.id},
				      .object = q->head.id,
				      .limit_kind = iops ? REEVE_LIMIT_IO_OPERATIONS
							 : REEVE_LIMIT_IO_BANDWIDTH,
				      .action = REEVE_ACTION_QUEUE,
				      .limit = iops ? g->ops.limit_rate : g->bytes.limit_rate,
				      .actual = iops ? 1 : q->entry.size_bytes});
	if (q->kind == REEVE_IO_KIND_ADMIT && is_owner(x->r, q))
		reeve__put(&x->r->tasks[q->task].wait_reason,
			iops ? REEVE_WAIT_IO_IOPS : REEVE_WAIT_IO_BANDWIDTH);
	reeve__io_policy_hold(v, q->entry.flow, x->now + wait);
}

uint32_t reeve__io_best(struct reeve__io_pass *x, uint32_t queue)
{
	struct reeve__io_view *v = reeve__io_view_of(x, queue);
	uint32_t i;

	if (v->q->count == 0)
		return REEVE_NONE;
	reeve__io_policy_advance(v, x->now);
	/* At most once a group: a hold takes it out of what is picked from. */
	for (uint32_t n = 0; n <= x->r->group_capacity; n++) {
		struct reeve_sh_io_group *g;
		uint64_t wait;
		bool iops;
		i = reeve__io_policy_pick(v, x->now);
		if (i == REEVE_NONE)
			return i;
		g = reeve__io_group(x, x->r->io_requests[i].entry.flow);
		wait = reeve__io_limit_wait(x, g, x->r->io_requests[i].entry.size_bytes, &iops);
		if (wait == 0)
			return i;
		hold(x, v, i, wait, iops);
	}
	reeve__segment_degrade(x->r, "an I/O queue offers groups that are held");
	return REEVE_NONE;
}

void reeve__io_notify(struct reeve__io_pass *x, uint32_t i)
{
	struct reeve *r = x->r;
	struct reeve_sh_io_request *q = &r->io_requests[i];
	struct reeve_sh_io_executor *e;

	if (q->kind == REEVE_IO_KIND_ADMIT && is_owner(r, q)) {
		if (atomic_exchange(&r->tasks[q->task].park, REEVE_PARK_NO) != REEVE_PARK_NO)
			wake_later(x, q->task);
		return;
	}
	if (q->kind != REEVE_IO_KIND_MANAGED || q->executor >= REEVE_SH_IO_EXECUTORS)
		return;
	e = &r->io_executors[q->executor];
	q->next = REEVE_NONE;
	if (e->last < x->io->requests.capacity)
		r->io_requests[e->last].next = i;
	else
		e->first = i;
	e->last = i;
	atomic_fetch_add(&e->word, 1);
	wake_executor_later(x, q->executor);
}

void reeve__io_start(struct reeve__io_pass *x, uint32_t i, uint32_t slot)
{
	struct reeve *r = x->r;
	struct reeve_sh_io_request *q = &r->io_requests[i];
	struct reeve_sh_io_group *g = &r->io_groups[q->entry.flow];
	uint64_t waited = x->now - q->entry.submitted_ns;

	REEVE_POINT(IO_NAMED);
	reeve__io_limit_take(x, g, q->entry.size_bytes);
	reeve__io_policy_serve(reeve__io_view_of(x, reeve__io_queue_of(q)), i);
	q->started_ns = x->now;
	q->slot = slot;
	g->active++;
	if (waited)
		reeve__latency_add_locked(&g->wait, waited);
	if (x->io->watchman == i)
		x->io->watchman = REEVE_NONE;
	if (slot != REEVE_NONE) {
		reeve__put(&r->io_slots[slot].group, q->entry.flow);
		reeve__put(&r->io_slots[slot].device, q->device);
	}
	atomic_store_explicit(&q->state, REEVE_IO_ACTIVE, memory_order_release);
	REEVE_POINT(IO_GRANTED);
}

void reeve__io_dispatch(struct reeve__io_pass *x, uint32_t most)
{
	struct reeve *r = x->r;

	bool many = most > 1;

	while (most-- > 0 && x->wake_count < REEVE_COUNT(x->wakes) &&
		x->executor_count < REEVE_COUNT(x->executors)) {
		uint32_t i = reeve__io_best(x, REEVE_IO_QUEUE_ADMIT), slot;
		if (i == REEVE_NONE)
			return;
		slot = reeve__io_take_slot_locked(x, reeve__io_request_word(&r->io_requests[i], i));
		if (slot == REEVE_NONE)
			return;
		reeve__io_start(x, i, slot);
		reeve__io_notify(x, i);
	}
	x->has_more = many; /* somebody else goes on with it */
}

/* What an ended request leaves in its task's or its group's account. */
static void account(struct reeve__io_pass *x, const struct reeve_sh_io_request *q, uint64_t bytes)
{
	struct reeve_sh_io_group *g = reeve__io_group(x, q->entry.flow);

	reeve__io_rate_count(&g->rate, x->now - g->rate.at, x->now, bytes, 1);
	if (is_owner(x->r, q)) {
		reeve__add(&x->r->tasks[q->task].io_bytes, bytes);
		reeve__add(&x->r->tasks[q->task].io_requests, 1);
		return;
	}
	g->retired_bytes += bytes;
	g->retired_ops++;
}

static void book_end(
	struct reeve__io_pass *x, struct reeve_sh_io_request *q, uint32_t state, uint64_t bytes)
{
	struct reeve *r = x->r;
	uint64_t service = q->started_ns ? x->now - q->started_ns : 0;

	if (state == REEVE_IO_CANCELLED) {
		x->io->cancelled++;
		return;
	}
	if (x->now > q->entry.deadline_ns)
		reeve__io_note_miss(
			r, q->entry.flow, q->head.id, x->now, x->now - q->entry.deadline_ns);
	reeve__io_count_device(r, q->device, (uint32_t)q->head.id, q->type, bytes,
		state == REEVE_IO_COMPLETED, service);
	if (state == REEVE_IO_COMPLETED)
		account(x, q, bytes);
}

void reeve__io_finish(struct reeve__io_pass *x, uint32_t i, uint32_t state, uint64_t bytes)
{
	struct reeve *r = x->r;
	struct reeve_sh_io_request *q = &r->io_requests[i];
	uint32_t was = reeve__get(&q->state);

	if (was == REEVE_IO_QUEUED)
		reeve__io_policy_remove(reeve__io_view_of(x, reeve__io_queue_of(q)), i);
	if (x->io->watchman == i)
		x->io->watchman = REEVE_NONE;
	reeve__put(&q->state, state);
	REEVE_POINT(IO_ENDING);
	book_end(x, q, state, bytes);
	if (was == REEVE_IO_ACTIVE && r->io_groups[q->entry.flow].active)
		r->io_groups[q->entry.flow].active--;
	if (reeve__io_free_slot(r, q->slot, reeve__io_request_word(q, i)))
		x->io->slot_hint = q->slot;
	if (is_owner(r, q) && reeve__get(&r->tasks[q->task].io_live))
		reeve__add(&r->tasks[q->task].io_live, (uint32_t)-1);
	reeve__table_free(r, &x->io->requests, i, NULL);
	REEVE_POINT(IO_RELEASED);
}

uint64_t reeve__io_next_look(struct reeve__io_pass *x)
{
	uint64_t at = x->now + REEVE_LOOK_UP_NS;
	uint64_t next = reeve__io_policy_next(reeve__io_view_of(x, REEVE_IO_QUEUE_ADMIT));

	return next < at ? next : at;
}

/* ---- recovery ---- */

/* Puts every waiting request into its queue anew. */
static void fill_queues(struct reeve__io_pass *x, const uint32_t *policies)
{
	struct reeve *r = x->r;

	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		reeve__io_queue_clear(&x->io->queues[k], policies[k]);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
			reeve__io_flow_clear(&reeve__io_group(x, i)->flows[k]);
	for (uint32_t i = 0; i < reeve__table_used(&x->io->requests); i++) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		q->entry.node.rank = q->entry.due.rank = 0;
		if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE ||
			reeve__get(&q->state) != REEVE_IO_QUEUED)
			continue;
		q->entry.is_late = 0;
		reeve__io_policy_add(reeve__io_view_of(x, reeve__io_queue_of(q)), i);
	}
}

void reeve__io_set_policy(struct reeve__io_pass *x, uint32_t policy)
{
	const uint32_t policies[REEVE_IO_QUEUES] = {policy, policy};

	fill_queues(x, policies);
}

/* A request that ended while its end was being booked is gone; its counts may lack it. */
static void mend_requests(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t i = 0; i < reeve__table_used(&x->io->requests); i++) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		uint32_t state = reeve__get(&q->state);
		if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (q->entry.flow >= r->group_capacity || q->kind > REEVE_IO_KIND_ADMIT ||
			(state != REEVE_IO_QUEUED && state != REEVE_IO_ACTIVE &&
				!(q->kind == REEVE_IO_KIND_MANAGED &&
					state == REEVE_IO_CANCELLED))) {
			reeve__io_free_slot(r, q->slot, reeve__io_request_word(q, i));
			reeve__table_free(r, &x->io->requests, i, NULL);
			continue;
		}
		if (state == REEVE_IO_ACTIVE)
			r->io_groups[q->entry.flow].active++;
		if (is_owner(r, q))
			reeve__add(&r->tasks[q->task].io_live, 1);
	}
}

/* Words that name requests which are not under way name nobody: the grant did not come about. */
static void mend_slots(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t s = 0; s < REEVE_SH_IO_SLOTS; s++) {
		uint64_t word = atomic_load(&r->io_slots[s].word);
		uint32_t i = (uint32_t)word - 1;
		if (!(word & REEVE_IO_WORD_REQUEST))
			continue;
		if (i >= x->io->requests.capacity ||
			word != reeve__io_request_word(&r->io_requests[i], i) ||
			reeve__get(&r->io_requests[i].head.state) != REEVE_SLOT_LIVE ||
			reeve__get(&r->io_requests[i].state) != REEVE_IO_ACTIVE)
			reeve__io_free_slot(r, s, word);
		else
			r->io_requests[i].slot = s;
	}
}

/*
 * A winner that was not told is told now; one that was, finds nothing new. What an executor has taken up
 * is not listed again: its slot would be another request's while the list still goes through it.
 */
static void tell_winners(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;

	for (uint32_t i = 0; i < REEVE_SH_IO_EXECUTORS; i++)
		r->io_executors[i].first = r->io_executors[i].last = REEVE_NONE;
	for (uint32_t i = 0; i < reeve__table_used(&x->io->requests); i++) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		if (reeve__get(&q->head.state) == REEVE_SLOT_LIVE &&
			reeve__get(&q->state) >= REEVE_IO_ACTIVE && q->kind != REEVE_IO_KIND_PULL &&
			!(q->flags & REEVE_IO_FLAG_TAKEN))
			reeve__io_notify(x, i);
	}
}

void reeve__io_rebuild(struct reeve__io_pass *x)
{
	struct reeve *r = x->r;
	uint32_t policies[REEVE_IO_QUEUES];

	reeve__table_rebuild(r, &x->io->requests, 0);
	reeve__table_rebuild(r, &x->io->executors, 0);
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++) /* nothing in them is looked at again */
		x->io->queues[k].paused = REEVE_NONE;
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++)
		reeve__put(&r->tasks[i].io_live, 0);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++)
		reeve__io_group(x, i)->active = 0;
	mend_requests(x);
	mend_slots(x);
	for (uint32_t k = 0; k < REEVE_IO_QUEUES; k++)
		policies[k] = x->io->queues[k].policy & 3;
	fill_queues(x, policies);
	x->io->watchman = REEVE_NONE;
	x->io->slot_hint = 0;
	atomic_store(&x->io->ruling_seen, 0); /* limits may be half followed */
	tell_winners(x);
}
