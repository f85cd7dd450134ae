/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_admit.c - sessions that do their own I/O: begin and end.
 *
 * The fast path names the task in a free I/O slot: one compare-and-swap. A group with limits comes by
 * the lock, but gets no row in the table as long as nobody waits and its buckets have enough. Who has
 * to queue has given the CPU slot up before.
 */
#include "io.h"

#include "../policy/io_rate.h"

uint64_t reeve__io_deadline(const struct reeve *r, const struct reeve_io_def *def, uint64_t now)
{
	uint64_t span;

	if (def->deadline == REEVE_NEVER)
		return UINT64_MAX;
	if (def->deadline)
		return def->deadline > 0 ? (uint64_t)def->deadline : 0;
	span = reeve__get(&r->io->deadlines_ns[def->type][def->priority]);
	return span >= INT64_MAX ? UINT64_MAX : now + span;
}

static int check_number(
	struct reeve_error *err, const char *field, uint64_t value, uint64_t low, uint64_t high)
{
	if (REEVE_LIKELY(value >= low && value <= high))
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %llu; allowed are %llu to %llu",
		field, (unsigned long long)value, (unsigned long long)low,
		(unsigned long long)high);
}

int reeve__io_check_def(struct reeve *r, const struct reeve_io_def *def, struct reeve_error *err)
{
	int rc;

	if ((rc = check_number(err, "requestType", def->type, 0, REEVE_IO_METADATA)) ||
		(rc = check_number(err, "priority", def->priority, 0, REEVE_IO_IDLE)) ||
		(rc = check_number(err, "sizeBytes", def->size_bytes, 0, REEVE_IO_SIZE_MAX)))
		return rc;
	if (REEVE_LIKELY(def->device == 0) ||
		(def->device < REEVE_SH_IO_DEVICES &&
			reeve__get(&r->io_devices[def->device].is_known)))
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
		"device is %u; allowed are 0 and what reeve_io_device_open gives", def->device);
}

int reeve__io_table_full(struct reeve *r, struct reeve_error *err)
{
	const struct reeve_sh_table *t = &r->header->io.requests;

	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"the table of I/O requests is full: %u of %u", reeve__get(&t->live), t->capacity);
}

/* ---- begin ---- */

static void open_io(struct reeve_session *s, const struct reeve_io_def *def, uint64_t cycles)
{
	uint64_t span = reeve__get(&s->r->io->deadlines_ns[def->type][def->priority]);

	if (def->deadline) {
		reeve_ns now = reeve__mono(s->r);
		span = def->deadline == REEVE_NEVER ? UINT64_MAX
		       : def->deadline > now	    ? (uint64_t)(def->deadline - now)
						    : 0;
	}
	s->io_type = def->type;
	s->io_device = def->device;
	s->io_slot = s->io_request = REEVE_NONE;
	s->io_cycles = cycles;
	s->io_due_ns = span;
}

/* Names the task in a free slot, without the lock or with it. It is noted first that there may be one, for whoever buries it. */
static bool take_slot(struct reeve_session *s, uint32_t group, struct reeve__io_pass *locked)
{
	struct reeve *r = s->r;
	uint32_t i;

	reeve__put(&s->t->io_slot, UINT32_MAX);
	i = locked ? reeve__io_take_slot_locked(locked, s->word)
		   : reeve__io_take_slot(r, s->word, s->io_hint);
	if (i == REEVE_NONE) {
		reeve__put(&s->t->io_slot, 0);
		return false;
	}
	REEVE_POINT(IO_SLOT_TAKEN);
	reeve__put(&s->t->io_slot, i + 1);
	reeve__put(&r->io_slots[i].group, group);
	reeve__put(&r->io_slots[i].device, s->io_device);
	s->io_slot = s->io_hint = i;
	return true;
}

/* No limit, nobody waits, the plan is the one that limits are of. */
static bool begin_fast(struct reeve_session *s)
{
	struct reeve *r = s->r;
	uint32_t i = reeve__get(&s->t->group);
	const struct reeve_sh_io_group *g = &r->io_groups[i < r->group_capacity ? i : 0];

	return !atomic_load(&r->io->contended) && !reeve__get(&g->is_limited) &&
	       reeve__get(&r->io->ruling_seen) == atomic_load(&r->header->ruling) &&
	       reeve__get(&g->group_id) == reeve__group_at(r, i)->head.id && take_slot(s, i, NULL);
}

/* Whether all who wait are held, and this group has nobody among them: nobody is overtaken. */
static bool nobody_is_due(struct reeve__io_pass *x, uint32_t group)
{
	const struct reeve_sh_io_queue *q = &x->io->queues[REEVE_IO_QUEUE_ADMIT];

	if (q->count == 0)
		return true;
	return q->ready[0] == REEVE_NONE && q->ready[1] == REEVE_NONE && q->behind == REEVE_NONE &&
	       q->current == REEVE_NONE &&
	       x->r->io_groups[group].flows[REEVE_IO_QUEUE_ADMIT].count == 0 &&
	       reeve__io_policy_next(reeve__io_view_of(x, REEVE_IO_QUEUE_ADMIT)) > x->now;
}

/* With limits: at once, if the buckets have enough and nobody waits. A shielded task never waits. */
static bool begin_at_once(struct reeve_session *s, const struct reeve_io_def *def)
{
	struct reeve__io_pass x;
	struct reeve_sh_io_group *g;
	uint32_t of = reeve__get(&s->t->group), i = of < s->r->group_capacity ? of : 0;
	bool iops, admitted, shielded = s->shield_depth > 0;

	reeve__io_lock(&x, s->r);
	g = reeve__io_group(&x, i);
	admitted = shielded || (nobody_is_due(&x, i) &&
				       reeve__io_limit_wait(&x, g, def->size_bytes, &iops) == 0);
	if (admitted && !take_slot(s, i, &x))
		admitted = shielded;
	if (admitted)
		reeve__io_limit_take(&x, g, def->size_bytes);
	reeve__io_done(&x);
	return admitted;
}

static bool is_mine(const struct reeve_session *s, const struct reeve_sh_io_request *q)
{
	return reeve__get(&q->head.generation) == s->io_generation &&
	       reeve__get(&q->head.state) == REEVE_SLOT_LIVE;
}

static bool is_granted(const struct reeve_session *s)
{
	const struct reeve_sh_io_request *q = &s->r->io_requests[s->io_request];

	return atomic_load_explicit(&q->state, memory_order_acquire) == REEVE_IO_ACTIVE &&
	       is_mine(s, q);
}

/* See park_locked in query.c: from here on whoever cancels or kills wakes it. */
static bool park(struct reeve_session *s)
{
	atomic_store(&s->t->park, REEVE_PARK_YES);
	return (atomic_load(&s->t->attention) & (REEVE_ATTEND_CANCEL | REEVE_ATTEND_KILL)) != 0;
}

/* Why it may not go on waiting: 0, or the code, with the text in *err. */
static int must_stop(
	struct reeve_session *s, reeve_ns give_up, uint64_t now, struct reeve_error *err)
{
	uint32_t attention = reeve__get(&s->t->attention);
	int rc = s->in_query ? reeve__query_must_stop(s, attention, reeve__cycles(s->r)) : 0;

	if (rc)
		return reeve__fail(err, rc, "%s", s->stop_text);
	if (attention & REEVE_ATTEND_KILL)
		return reeve__fail(err, REEVE_EKILLED, "session %llu was killed",
			(unsigned long long)s->sh->head.id);
	if (now >= (uint64_t)give_up)
		return reeve__fail(err, REEVE_ETIMEOUT,
			"session %llu was not admitted to I/O in time: %s",
			(unsigned long long)s->sh->head.id,
			reeve_wait_text(reeve__get(&s->t->wait_reason)));
	return 0;
}

/* Somebody else has ended the request meanwhile. */
static int was_ended(struct reeve_session *s, struct reeve_error *err)
{
	int rc = must_stop(s, REEVE_NEVER, 0, err);

	return rc ? rc : reeve__fail(err, REEVE_ECANCELLED, "the I/O request was cancelled");
}

static reeve_ns look_up_at(struct reeve__io_pass *x, struct reeve_session *s, reeve_ns give_up)
{
	uint64_t at = x->io->watchman == s->io_request ? reeve__io_next_look(x)
						       : x->now + REEVE_LOOK_UP_NS;
	uint64_t left = s->in_query ? reeve__query_time_left(s, reeve__cycles(x->r)) : UINT64_MAX;

	if (at > x->now && at - x->now > left)
		at = x->now + left;
	if (at > (uint64_t)give_up)
		at = (uint64_t)give_up;
	at = at <= x->now ? x->now + 1000 : at;
	if (x->io->watchman == s->io_request)
		x->io->watch_ns = at;
	return (reeve_ns)at;
}

/* One look under the lock. True when the wait is over: admitted, or *ret says why not. */
static bool look_up(struct reeve_session *s, struct reeve__io_pass *x, reeve_ns give_up, int *ret,
	struct reeve_error *err)
{
	struct reeve_sh_io_request *q = &s->r->io_requests[s->io_request];

	if (!is_mine(s, q)) {
		*ret = was_ended(s, err);
		return true;
	}
	if (reeve__get(&q->state) != REEVE_IO_ACTIVE) {
		park(s);
		*ret = must_stop(s, give_up, x->now, err);
		if (*ret) {
			reeve__io_finish(x, s->io_request, REEVE_IO_CANCELLED, 0);
			reeve__io_dispatch(x, 1);
			return true;
		}
		if (x->io->watchman == REEVE_NONE || x->io->watchman == s->io_request)
			x->io->watchman = s->io_request;
		reeve__io_dispatch(x, 8);
	}
	if (reeve__get(&q->state) != REEVE_IO_ACTIVE && !reeve__segment_ready(s->r))
		reeve__io_start(x, s->io_request, REEVE_NONE);
	return reeve__get(&q->state) == REEVE_IO_ACTIVE;
}

static int wait_for_grant(
	struct reeve_session *s, reeve_ns give_up, reeve_ns at, struct reeve_error *err)
{
	struct reeve *r = s->r;
	struct reeve__io_pass x;
	int rc = 0;

	REEVE_POINT(IO_PARKING);
	reeve__reap_if_due(r);
	for (bool over = false; !over;) {
		r->host->wait(r->host->self, (uint32_t *)&s->t->park, REEVE_PARK_YES, at);
		if (is_granted(s))
			break;
		reeve__io_lock(&x, r);
		over = look_up(s, &x, give_up, &rc, err);
		at = look_up_at(&x, s, give_up);
		reeve__io_done(&x);
		if (!over)
			reeve__reap_if_due(r);
	}
	return rc;
}

/* Through the queue. The CPU slot is given up already. */
static int begin_queued(
	struct reeve_session *s, const struct reeve_io_def *def, struct reeve_error *err)
{
	reeve_ns give_up = def->give_up ? def->give_up : REEVE_NEVER, at = 0;
	struct reeve__io_pass x;
	bool granted = false;
	uint32_t i;
	int rc = 0;

	reeve__io_lock(&x, s->r);
	i = reeve__io_request_create(
		&x, def, REEVE_IO_KIND_ADMIT, reeve__get(&s->t->group), s->task, REEVE_NONE);
	if (i != REEVE_NONE) {
		s->io_request = i;
		s->io_generation = reeve__get(&s->r->io_requests[i].head.generation);
		reeve__put(&s->t->wait_reason, REEVE_WAIT_IO_TURN);
		reeve__put(&s->t->wait_since, x.now);
		atomic_store(&s->t->park, REEVE_PARK_NO);
		reeve__io_enqueue(&x, i);
		reeve__io_dispatch(&x, 8);
		granted = reeve__get(&s->r->io_requests[i].state) == REEVE_IO_ACTIVE;
		if (!granted) {
			x.io->watchman = i; /* who comes last looks at the clock next */
			at = park(s) ? (reeve_ns)x.now : look_up_at(&x, s, give_up);
		}
	}
	reeve__io_done(&x);
	if (i == REEVE_NONE)
		return reeve__io_table_full(s->r, err);
	if (!granted)
		rc = wait_for_grant(s, give_up, at, err);
	atomic_store(&s->t->park, REEVE_PARK_NO);
	reeve__put(&s->t->wait_since, 0);
	reeve__put(&s->t->wait_reason, s->block_depth ? REEVE_WAIT_BLOCKED : REEVE_WAIT_NONE);
	return rc;
}

static int begin_slow(
	struct reeve_session *s, const struct reeve_io_def *def, struct reeve_error *err)
{
	int rc;

	if (!reeve__segment_ready(s->r) || begin_at_once(s, def))
		return 0;
	if (!s->io_blocked) {
		reeve__query_block_begin(s);
		s->io_blocked = true;
	}
	rc = begin_queued(s, def, err);
	if (rc)
		s->io_request = REEVE_NONE;
	return rc;
}

int reeve__io_begin(
	struct reeve_session *s, const struct reeve_io_def *def, struct reeve_error *err)
{
	int rc = reeve__io_check_def(s->r, def, err);

	if (rc)
		return rc;
	if (s->io_open)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"session %llu has an I/O request under way; end it first",
			(unsigned long long)s->sh->head.id);
	open_io(s, def, reeve__cycles(s->r));
	s->io_blocked = !def->keeps_cpu_slot;
	if (s->io_blocked)
		reeve__query_block_begin(s);
	if (REEVE_UNLIKELY(!begin_fast(s))) {
		rc = begin_slow(s, def, err);
		s->io_cycles = reeve__cycles(s->r);
	}
	if (REEVE_UNLIKELY(rc)) {
		if (s->io_blocked)
			reeve__query_block_end(s);
		return rc;
	}
	s->io_open = true;
	REEVE_POINT(IO_PERFORMING);
	return 0;
}

/* ---- end ---- */

/* The task's account, written by its owner; the other kinds of requests may add to the totals. */
static void account(struct reeve_session *s, uint64_t bytes, bool ok, uint64_t cycles)
{
	struct reeve *r = s->r;
	uint64_t ns = reeve__cycles_ns(r, cycles - s->io_cycles);
	uint32_t g = reeve__get(&s->t->group);
	struct reeve_sh_io_rate rate = {reeve__get(&s->t->io_rate_bytes),
		reeve__get(&s->t->io_rate_ops), reeve__get(&s->t->io_rate_at)};

	reeve__io_count_device(r, s->io_device, s->task, s->io_type, bytes, ok, ns);
	if (REEVE_UNLIKELY(ns > s->io_due_ns) && g < r->group_capacity)
		reeve__io_note_miss(r, g, 0, (uint64_t)reeve__mono(r), ns - s->io_due_ns);
	if (!ok)
		return;
	reeve__add(&s->t->io_bytes, bytes);
	reeve__add(&s->t->io_requests, 1);
	reeve__io_rate_count(&rate, reeve__cycles_ns(r, cycles - rate.at), cycles, bytes, 1);
	reeve__put(&s->t->io_rate_bytes, rate.bytes_q8);
	reeve__put(&s->t->io_rate_ops, rate.ops_q8);
	reeve__put(&s->t->io_rate_at, rate.at);
}

/* The slot goes back; whoever waits for one is looked for. */
static void release_slot(struct reeve_session *s)
{
	struct reeve__io_pass x;
	bool was_mine = reeve__io_free_slot(s->r, s->io_slot, s->word);

	REEVE_POINT(IO_RELEASED);
	reeve__put(&s->t->io_slot, 0);
	if (!was_mine || !atomic_load(&s->r->io->contended))
		return;
	reeve__io_lock(&x, s->r);
	x.io->slot_hint = s->io_slot;
	reeve__io_dispatch(&x, 1);
	reeve__io_done(&x);
}

static void end_queued(struct reeve_session *s, uint64_t bytes, bool ok)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, s->r);
	if (is_mine(s, &s->r->io_requests[s->io_request])) {
		reeve__io_finish(
			&x, s->io_request, ok ? REEVE_IO_COMPLETED : REEVE_IO_FAILED, bytes);
		reeve__io_dispatch(&x, 1);
	}
	reeve__io_done(&x);
}

static void end_io(struct reeve_session *s, uint64_t bytes, bool ok)
{
	s->io_open = false;
	if (s->io_request != REEVE_NONE) {
		end_queued(s, bytes, ok);
		return;
	}
	account(s, bytes, ok, reeve__cycles(s->r));
	if (s->io_slot != REEVE_NONE)
		release_slot(s);
}

int reeve__io_end(struct reeve_session *s, uint64_t bytes, bool ok)
{
	if (!s->io_open)
		return 0;
	end_io(s, bytes < REEVE_IO_SIZE_MAX ? bytes : REEVE_IO_SIZE_MAX, ok);
	return s->io_blocked ? reeve__query_block_end(s) : reeve__query_checkpoint(s);
}

void reeve__io_abandon(struct reeve_session *s)
{
	end_io(s, 0, false);
}
