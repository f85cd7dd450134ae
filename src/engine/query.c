/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.c - the owner's side of a statement: begin, checkpoint, block, shield, end.
 *
 * Fast paths take no lock, make no system call, allocate nothing. A begin is one compare-and-swap
 * (of the phase), and another when the slot of last time is gone; an end is one exchange.
 *
 * The plainest begin (nobody waits, slot kept, no limits but the group's own) and the plainest end run
 * straight through: all that could ask for more is read first and tested together, and what asks for
 * more is done apart, from the start, by begin_slowly and end_fully. They end by calling and call nothing
 * else, so that no register is saved for them. Between the statements of an engine this code is not in
 * the processor's first caches: there it costs by its length (decision 121).
 *
 * What a statement used is measured with the processor's counter while it is short: elapsed time is
 * CPU time as long as nobody interrupts. From 50 us on, the thread's CPU clock is read, at slice
 * ends and at the end.
 */
#include "engine.h"
#include "io.h"

#include <stdio.h>

/* ---- measuring ---- */

static void note_wait(struct reeve_session *s, uint64_t ns)
{
	s->query_wait_ns += ns;
	s->wait_sum_ns += ns;
}

static inline void book(struct reeve_session *s, uint64_t ns)
{
	reeve__put(&s->t->cpu_ns, reeve__get(&s->t->cpu_ns) + ns);
	s->query_cpu_ns += ns;
	reeve__put(&s->t->query_cpu_ns, s->query_cpu_ns);
	s->unsettled_ns += ns;
}

REEVE_APART static void read_cpu_clock(struct reeve_session *s)
{
	s->cpu_ns_base = s->r->host->thread_cpu(s->r->host->self);
	s->cpu_thread = reeve__host_thread();
}

static bool is_own_clock(const struct reeve_session *s)
{
	return s->cpu_thread == reeve__host_thread();
}

REEVE_APART static void measure_long(struct reeve_session *s, uint64_t cycles)
{
	uint64_t ns = reeve__cycles_ns(s->r, cycles - s->charged_cycles);
	bool same = is_own_clock(s);
	reeve_ns before = s->cpu_ns_base;

	read_cpu_clock(s);
	if (same && s->cpu_ns_base >= before && (uint64_t)(s->cpu_ns_base - before) < ns)
		ns = (uint64_t)(s->cpu_ns_base - before);
	s->charged_cycles = cycles;
	book(s, ns);
}

/* Below 50 us. */
static inline void measure_short(struct reeve_session *s, uint64_t cycles)
{
	uint64_t used = cycles - s->charged_cycles;

	s->charged_cycles = cycles;
	book(s, (uint64_t)((reeve__u128)used * s->r->cycles_ns_q32 >> 32));
}

/*
 * Books what has been used since the last call. Elapsed time is the upper bound; the CPU clock,
 * where there is an earlier reading by the same thread, gives the truth.
 */
static inline void measure(struct reeve_session *s, uint64_t cycles)
{
	if (REEVE_UNLIKELY(cycles - s->charged_cycles >= s->r->probe_cycles))
		measure_long(s, cycles);
	else
		measure_short(s, cycles);
}

static void set_look(struct reeve_session *s)
{
	uint64_t at = s->slice_cycles;

	if (reeve__before(s->deadline_cycles, at))
		at = s->deadline_cycles;
	if (REEVE_UNLIKELY(s->rules_on) && reeve__before(s->rules.look_cycles, at))
		at = s->rules.look_cycles;
	s->look_cycles = at;
}

static void start_slice(struct reeve_session *s, uint64_t cycles, uint64_t ns)
{
	s->slice_cycles = cycles + reeve__ns_cycles(s->r, ns);
	s->slice_start_cpu_ns = s->query_cpu_ns;
	s->slice_statement_cycles = s->begin_cycles;
	set_look(s);
}

/* ---- being told to stop ---- */

static int stop(struct reeve_session *s, int code, const char *text)
{
	if (s->stop_code == 0) {
		s->stop_code = code;
		snprintf(s->stop_text, sizeof(s->stop_text), "%s", text);
	}
	return s->stop_code;
}

/*
 * Whether the cancel is meant for this statement. One that came too late for an earlier statement is
 * forgotten; the canceller notes the statement before it sets the bit, hence the second look.
 */
static bool is_cancelled(struct reeve_session *s)
{
	struct reeve_sh_task *t = s->t;

	if (atomic_load(&t->cancel_cycles) == s->begin_cycles)
		return true;
	atomic_fetch_and(&t->attention, ~(uint32_t)REEVE_ATTEND_CANCEL);
	if (atomic_load(&t->cancel_cycles) != s->begin_cycles)
		return false;
	atomic_fetch_or(&t->attention, REEVE_ATTEND_CANCEL);
	return true;
}

/* Its end takes the session with it. */
static void doom(struct reeve_session *s, uint32_t reason)
{
	uint32_t none = REEVE_END_NONE;

	atomic_compare_exchange_strong(&s->sh->doom, &none, reason);
	atomic_fetch_or(&s->t->attention, REEVE_ATTEND_KILL);
}

/* An execution limit, other than its caller's own deadline, may be set to end the session. */
static bool timeout_ends_session(const struct reeve_session *s)
{
	const struct reeve_sh_session_domain *d = s->r->control;

	return !s->own_deadline && reeve__get(&d->execution_ends_session) &&
	       reeve__get(&d->auto_terminate);
}

int reeve__query_must_stop(struct reeve_session *s, uint32_t attention, uint64_t cycles)
{
	if (s->stop_code)
		return s->stop_code;
	if (attention & REEVE_ATTEND_KILL)
		return stop(s, REEVE_EKILLED, "the session was killed");
	if ((attention & REEVE_ATTEND_CANCEL) && is_cancelled(s)) {
		reeve__add(&s->r->header->session_counts.cancelled, 1);
		reeve__session_event(s->r, s->session,
			(struct reeve_event){.kind = REEVE_EVENT_STATEMENT_CANCELLED,
				.code = REEVE_ECANCELLED,
				.action = REEVE_ACTION_CANCEL_QUERY},
			NULL);
		return stop(s, REEVE_ECANCELLED, "the statement was cancelled");
	}
	if (!reeve__before(cycles, s->deadline_cycles)) {
		char text[96];
		snprintf(text, sizeof(text), "the statement was out of time after %.3f s",
			(double)reeve__cycles_ns(s->r, s->deadline_cycles - s->begin_cycles) / 1e9);
		reeve__add(&s->r->header->session_counts.execution_timeouts, 1);
		if (timeout_ends_session(s))
			doom(s, REEVE_END_EXECUTION_TIMEOUT);
		reeve__session_event(s->r, s->session,
			(struct reeve_event){.kind = REEVE_EVENT_EXECUTION_TIMEOUT,
				.code = REEVE_ETIMEOUT,
				.action = timeout_ends_session(s) ? REEVE_ACTION_TERMINATE_SESSION
								  : REEVE_ACTION_CANCEL_QUERY,
				.limit_kind = REEVE_LIMIT_EXECUTION_TIME,
				.limit = reeve__cycles_ns(
					s->r, s->deadline_cycles - s->begin_cycles),
				.actual = reeve__cycles_ns(s->r, cycles - s->begin_cycles)},
			NULL);
		return stop(s, REEVE_ETIMEOUT, text);
	}
	return 0;
}

/* ---- waiting ---- */

/*
 * From here on whoever cancels or kills wakes this task; the order of the two steps, and of theirs in
 * reeve__task_attend, sees to it that one of the two notices the other. True when there is already
 * something to look at.
 */
static bool park_locked(struct reeve_session *s)
{
	atomic_store(&s->t->park, REEVE_PARK_YES);
	return (atomic_load(&s->t->attention) & (REEVE_ATTEND_CANCEL | REEVE_ATTEND_KILL)) != 0;
}

uint64_t reeve__query_time_left(const struct reeve_session *s, uint64_t cycles)
{
	return reeve__before(cycles, s->deadline_cycles)
		       ? reeve__cycles_ns(s->r, s->deadline_cycles - cycles)
		       : 0;
}

/* Instant of the monotonic clock at which this waiter looks up by itself. */
static reeve_ns look_up_at(struct reeve__cpu_pass *x, struct reeve_session *s)
{
	uint64_t at =
		x->c->watchman == s->task ? reeve__cpu_next_look(x) : x->now + REEVE_LOOK_UP_NS;
	uint64_t left = reeve__query_time_left(s, x->cycles);

	if (at - x->now > left)
		at = x->now + left;
	return (reeve_ns)at;
}

/* One look of a waiter, under the lock. True when the wait is over: slot held, or *ret says stop. */
static bool look_up(struct reeve_session *s, struct reeve__cpu_pass *x, int *ret)
{
	reeve__cpu_begin(x, s->r);
	if (!reeve__cpu_holds(s->r, s->task)) {
		park_locked(s);
		*ret = reeve__query_must_stop(s, reeve__get(&s->t->attention), x->cycles);
		if (*ret == 0 && !s->t->queued)
			reeve__cpu_enqueue(x, s->task);
		if (*ret == 0)
			reeve__cpu_dispatch(x);
	}
	if (*ret || reeve__cpu_holds(s->r, s->task) || !reeve__segment_ready(s->r)) {
		reeve__cpu_give_up(x, s->task);
		reeve__put(&s->t->park, REEVE_PARK_NO);
		return true;
	}
	if (x->c->watchman == REEVE_NONE)
		x->c->watchman = s->task;
	return false;
}

/* Sleeps until the slot comes, or a reason to stop. `at`: when to look up first. */
static int wait_for_slot(struct reeve_session *s, reeve_ns at)
{
	struct reeve *r = s->r;
	reeve_ns began = reeve__mono(r), used = r->host->thread_cpu(r->host->self);
	struct reeve__cpu_pass x;
	int rc = 0;

	s->parks++;
	REEVE_POINT(TASK_PARKING);
	reeve__reap_if_due(r); /* here, and not only when a wait is long: all waits may be short */
	for (bool over = false; !over;) {
		r->host->wait(r->host->self, (uint32_t *)&s->t->park, REEVE_PARK_YES, at);
		if (atomic_load(&s->t->park) == REEVE_PARK_NO && reeve__cpu_holds(r, s->task))
			break;
		over = look_up(s, &x, &rc);
		at = look_up_at(&x, s);
		reeve__cpu_end(&x);
		if (!over)
			reeve__reap_if_due(r);
	}
	note_wait(s, (uint64_t)(reeve__mono(r) - began));
	read_cpu_clock(s);
	if (s->cpu_ns_base > used) /* going to sleep and waking up is work too: 20 us a time */
		book(s, (uint64_t)(s->cpu_ns_base - used));
	return rc;
}

/* Weighted fair queueing wants to know, once a statement, what it will cost. */
static void estimate(struct reeve_session *s, struct reeve__cpu_pass *x)
{
	if (x->policy == REEVE_CPU_WEIGHTED_FAIR_QUEUEING &&
		s->r->cpu_tasks[s->task].statement != (uint32_t)s->begin_cycles)
		reeve__cpu_estimate(x, s->task, s->estimate_ns, s->query_cpu_ns);
}

/*
 * Comes to the scheduler with a queued or slotless task and stays until it has a slot (or is told
 * to stop). Who arrives, from outside or from sleep, may interrupt others; who has just had its
 * slice may not. A shielded task does not stay: it goes on without, and comes again when the shield ends.
 */
REEVE_APART static int acquire_slot(
	struct reeve_session *s, struct reeve__cpu_pass *x, bool arrives)
{
	struct reeve *r = s->r;
	bool held, stay;
	uint64_t slice;
	reeve_ns at = 0;

	estimate(s, x);
	if (!reeve__cpu_holds(r, s->task)) {
		reeve__cpu_enqueue(x, s->task);
		reeve__cpu_dispatch(x);
		if (arrives && s->t->queued)
			reeve__cpu_preempt(x, s->task);
	}
	held = reeve__cpu_holds(r, s->task);
	stay = !held && s->shield_depth == 0 && reeve__segment_ready(r);
	slice = held ? reeve__cpu_slice_ns(x, s->task) : REEVE_SETTLE_NS;
	if (stay) {
		x->c->watchman = s->task;
		at = park_locked(s) ? (reeve_ns)x->now : look_up_at(x, s);
	} else if (!held) {
		reeve__cpu_dequeue(x, s->task);
		reeve__put(&s->t->wait_since, 0);
		reeve__put(&s->t->wait_reason, REEVE_WAIT_NONE);
	}
	reeve__cpu_end(x);
	if (stay) {
		int rc = wait_for_slot(s, at);
		if (rc)
			return rc;
		reeve__cpu_begin(x, r);
		slice = reeve__cpu_slice_ns(x, s->task);
		reeve__cpu_end(x);
	} else if (arrives) {
		read_cpu_clock(s); /* on a busy machine elapsed time is no measure */
	}
	s->slot = reeve__cpu_holds(r, s->task) ? reeve__get(&s->t->slot) : s->slot;
	s->charged_cycles = reeve__cycles(r);
	start_slice(s, s->charged_cycles, slice);
	return 0;
}

static void settle_locked(struct reeve__cpu_pass *x, struct reeve_session *s)
{
	reeve__cpu_settle(x, s->task, s->unsettled_ns);
	s->unsettled_ns = 0;
	s->settle_look_ns = REEVE_SETTLE_NS;
	if (s->slot < s->r->slot_count && reeve__cpu_holds(s->r, s->task))
		reeve__put(&s->r->cpu_slots[s->slot].since_ns, x->now);
}

void reeve__query_settle(struct reeve_session *s)
{
	struct reeve__cpu_pass x;

	if (s->unsettled_ns == 0)
		return;
	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	reeve__cpu_end(&x);
}

static bool is_capped(const struct reeve_session *s)
{
	uint32_t g = reeve__get(&s->t->group);

	return reeve__get(&s->r->cpu->plan_cap_ppm) < REEVE_PPM ||
	       (g < s->r->group_capacity && reeve__get(&s->r->groups[g].cpu.cap_ppm) < REEVE_PPM);
}

/* ---- begin ---- */

/* Takes slot i if it is free or its holder rests. */
static bool take_slot(struct reeve_session *s, uint32_t i)
{
	struct reeve *r = s->r;
	struct reeve_sh_cpu_slot *slot = &r->cpu_slots[i];
	uint64_t word = atomic_load(&slot->word);
	uint32_t holder = reeve__word_task(r, word);
	struct reeve__cpu_pass x;

	if ((holder != REEVE_NONE && atomic_load(&r->tasks[holder].phase) == REEVE_PHASE_WORK) ||
		!atomic_compare_exchange_strong(&slot->word, &word, s->word))
		return false;
	REEVE_POINT(SLOT_FAST_TAKEN);
	s->slot = i;
	if (reeve__get(&s->t->slot) != i)
		reeve__cpu_book_slot(r, s->t);
	reeve__put(&s->t->slot, i);
	reeve__put(&slot->linger_cycles, 0);
	reeve__put(&slot->lender, 0);
	reeve__add(&slot->scheduled, 1);
	if (reeve__get(&slot->last_task) != s->task) {
		reeve__put(&slot->last_task, s->task);
		reeve__put(&slot->granted_ns, 0);
		reeve__add(&slot->switches, 1);
	}
	if (holder != REEVE_NONE &&
		REEVE_UNLIKELY(atomic_load(&r->tasks[holder].phase) == REEVE_PHASE_WORK)) {
		reeve__cpu_begin(&x, r); /* it began in this very moment */
		reeve__cpu_displaced(&x, holder);
		reeve__cpu_end(&x);
	}
	return true;
}

/* Takes a slot that is to be had, its own of last time first. False: there is none, or others wait. */
static bool take_free_slot(struct reeve_session *s)
{
	struct reeve *r = s->r;
	uint32_t g = reeve__get(&s->t->group);

	if (atomic_load(&r->cpu->contended) || reeve__get(&reeve__group_at(r, g)->cpu.gate))
		return false;
	for (uint32_t n = 0, i = s->slot; n < r->slot_count; n++, i++) {
		if (i >= r->slot_count)
			i = 0;
		if (take_slot(s, i))
			return true;
	}
	return false;
}

/* Whether the slot of last time still bears its name; read after the phase became WORK. */
static bool has_kept_slot(const struct reeve_session *s)
{
	return atomic_load(&s->r->cpu_slots[s->slot].word) == s->word;
}

/* On with the slot that was kept. While others wait, its slice goes on over statements. */
static inline int go_on(
	struct reeve_session *s, const struct reeve_sh_group *group, uint64_t cycles)
{
	bool contended = atomic_load(&s->r->cpu->contended) != 0;
	uint64_t probe = cycles + s->r->probe_cycles;

	if (REEVE_LIKELY(!contended))
		s->slice_cycles = probe;
	set_look(s);
	if (REEVE_UNLIKELY((reeve__get(&s->t->attention) & REEVE_ATTEND_NOW) ||
			   reeve__get(&group->cpu.gate) || !reeve__before(cycles, s->look_cycles)))
		return reeve__query_checkpoint_slow(s, cycles);
	if (REEVE_UNLIKELY(contended) && reeve__before(probe, s->look_cycles))
		s->look_cycles = probe;
	return 0;
}

/* No deadline: a quarter of the counter's range away, which is decades. */
#define NO_DEADLINE_CYCLES (UINT64_C(1) << 62)

static uint64_t cycles_until(const struct reeve *r, uint64_t ns)
{
	uint64_t cycles = reeve__ns_cycles(r, ns);

	return cycles < NO_DEADLINE_CYCLES ? cycles : NO_DEADLINE_CYCLES;
}

/* The statement's own deadline, which may be earlier than its group's. */
REEVE_APART static void set_deadline(struct reeve_session *s, reeve_ns deadline, uint64_t cycles)
{
	reeve_ns now = reeve__mono(s->r);
	uint64_t left = deadline > now ? (uint64_t)(deadline - now) : 0;
	uint64_t own = cycles + cycles_until(s->r, left);

	s->own_deadline = reeve__before(own, s->deadline_cycles);
	if (s->own_deadline)
		s->deadline_cycles = own;
}

/* The group's limit is another than the one seen last. */
REEVE_APART static void follow_limit(struct reeve_session *s, uint64_t limit_ns)
{
	s->limit_ns = limit_ns;
	s->limit_cycles =
		limit_ns == REEVE_UNLIMITED ? NO_DEADLINE_CYCLES : cycles_until(s->r, limit_ns);
}

/* What was counted of the last statement is forgotten. */
static inline void reset_statement(struct reeve_session *s, uint64_t cycles)
{
	s->in_query = true;
	s->own_deadline = false;
	s->countdown = 1;
	s->begin_cycles = s->charged_cycles = cycles;
	s->query_cpu_ns = s->query_wait_ns = s->blocked_ns = 0;
	s->parks = 0;
	s->stop_code = 0;
	s->estimate_ns = 0;
	s->deadline_cycles = cycles + s->limit_cycles;
	reeve__put(&s->t->query_cpu_ns, 0);
	reeve__put(&s->t->start_cycles, cycles);
	reeve__task_query_begins(s->t);
}

static void start_statement(struct reeve_session *s, const struct reeve_sh_group *group,
	const struct reeve_query_def *def, uint64_t cycles)
{
	uint64_t limit = reeve__get(&group->max_execution_ns);

	if (!is_own_clock(s))
		read_cpu_clock(s); /* another thread than last time: its clock is the measure now */
	if (limit != s->limit_ns)
		follow_limit(s, limit);
	reset_statement(s, cycles);
	s->look_cycles = cycles;
	if (def) {
		s->estimate_ns = (uint64_t)def->estimated_cpu_ns;
		if (def->deadline != REEVE_NEVER)
			set_deadline(s, def->deadline, cycles);
	}
}

static uint32_t group_index(const struct reeve_session *s)
{
	uint32_t i = reeve__get(&s->t->group);

	return REEVE_LIKELY(i < s->r->group_capacity) ? i : 0;
}

static struct reeve_sh_group *group_of(const struct reeve_session *s)
{
	return &s->r->groups[group_index(s)];
}

REEVE_COLD static int begin_refused(
	struct reeve_session *s, uint32_t phase, struct reeve_error *err)
{
	uint64_t id = s->sh->head.id;

	if (phase == REEVE_PHASE_DEAD)
		return reeve__fail(
			err, REEVE_EKILLED, "session %llu was killed", (unsigned long long)id);
	return reeve__fail(err, REEVE_EINVALID_STATE,
		"session %llu is running a statement; end it first", (unsigned long long)id);
}

/* By its estimate the plan ends the session, or only refuses the statement. */
REEVE_COLD static int estimate_refused(struct reeve_session *s, int code)
{
	if (code == REEVE_EKILLED)
		reeve__session_end(
			s->r, (reeve_session_id){s->sh->head.id}, REEVE_END_RUNAWAY, NULL);
	return code;
}

REEVE_COLD static int begin_failed(struct reeve_session *s, int code, struct reeve_error *err)
{
	char text[sizeof(s->stop_text)];

	memcpy(text, s->stop_text, sizeof(text));
	reeve__query_end(s, 0, NULL);
	return reeve__fail(err, code, "%s", text);
}

/* ---- a place in the group's pool ---- */

/* Instant at which a waiter for a place looks up by itself. */
static reeve_ns place_look_at(struct reeve_session *s, uint64_t now)
{
	uint64_t at = now + REEVE_LOOK_UP_NS, left = reeve__query_time_left(s, reeve__cycles(s->r));
	uint64_t timeout = reeve__get(&s->sh->queue_deadline_ns);

	if (timeout < at)
		at = timeout + 1; /* compared strictly */
	if (at - now > left)
		at = now + left;
	return (reeve_ns)at;
}

/* One look of a waiter, under the lock of pools. True when the wait is over. */
static bool place_look(struct reeve_session *s, struct reeve__session_pool_pass *x, int *ret)
{
	struct reeve_error why;

	if (!reeve__session_pool_waits(s->sh))
		return true;
	park_locked(s);
	*ret = reeve__query_must_stop(s, reeve__get(&s->t->attention), reeve__cycles(s->r));
	if (*ret == 0 && reeve__session_pool_overdue(s->sh, x->now)) {
		*ret = stop(s, reeve__session_pool_timeout_locked(x, s->session, &why), why.text);
		return true;
	}
	if (*ret || !reeve__segment_ready(s->r)) {
		reeve__session_pool_give_up_locked(x, s->session);
		return true;
	}
	reeve__session_pool_hand_over_locked(x, s->session);
	return !reeve__session_pool_waits(s->sh);
}

/* Sleeps until a place is handed over, or a reason to stop. */
static int wait_for_place(struct reeve_session *s)
{
	struct reeve *r = s->r;
	reeve_ns began = reeve__mono(r), at = place_look_at(s, (uint64_t)began);
	struct reeve__session_pool_pass x;
	bool over = false;
	int rc = 0;

	s->parks++;
	reeve__reap_if_due(r);
	while (!over) {
		if (!(reeve__get(&s->t->attention) & (REEVE_ATTEND_CANCEL | REEVE_ATTEND_KILL)))
			r->host->wait(r->host->self, (uint32_t *)&s->t->park, REEVE_PARK_YES, at);
		reeve__session_pool_begin(&x, r);
		over = place_look(s, &x, &rc);
		reeve__session_pool_unlock(&x);
		reeve__session_pool_wake(&x);
		at = place_look_at(s, x.now);
		if (!over)
			reeve__reap_if_due(r);
	}
	reeve__put(&s->t->park, REEVE_PARK_NO);
	note_wait(s, (uint64_t)(reeve__mono(r) - began));
	s->charged_cycles = reeve__cycles(r);
	read_cpu_clock(s);
	return rc;
}

/* Under the lock: in, or into the queue. Phase BLOCKED: the CPU slot it may have kept is others' to take. */
static int enter_slowly(struct reeve_session *s)
{
	struct reeve__session_pool_pass x;
	struct reeve__cpu_pass cpu;
	struct reeve_error why;
	int rc;

	reeve__session_pool_begin(&x, s->r);
	rc = reeve__session_pool_enter_locked(&x, s->session, &why);
	if (rc == 1) {
		atomic_store(&s->t->phase, (uint32_t)REEVE_PHASE_BLOCKED);
		park_locked(s);
	}
	reeve__session_pool_unlock(&x);
	reeve__session_pool_wake(&x);
	if (rc < 0)
		return stop(s, rc, why.text);
	if (rc == 0)
		return 0;
	if (atomic_load(&s->r->cpu->contended)) {
		reeve__cpu_begin(&cpu, s->r);
		reeve__cpu_dispatch(&cpu);
		reeve__cpu_end(&cpu);
	}
	reeve__event_flush(s->r);
	rc = wait_for_place(s);
	atomic_store(&s->t->phase, (uint32_t)REEVE_PHASE_WORK);
	return rc;
}

/* A limit of the session's own, or of nobody else's, in place of its group's. */
static void limit_statement(struct reeve_session *s, const struct reeve_query_def *def)
{
	uint64_t limit = reeve__execution_limit_ns(s->r, s->sh);

	s->deadline_cycles =
		s->begin_cycles +
		(limit == REEVE_UNLIMITED ? NO_DEADLINE_CYCLES : cycles_until(s->r, limit));
	s->own_deadline = false;
	if (def && def->deadline != REEVE_NEVER)
		set_deadline(s, def->deadline, s->begin_cycles);
}

/* The group has a pool, or rules for its calls, or there are limits that are not its group's. */
REEVE_APART static int begin_controlled(
	struct reeve_session *s, const struct reeve_query_def *def, uint64_t word)
{
	limit_statement(s, def);
	if (word & REEVE__SESSION_POOL_RULES)
		reeve__limits_begin(s, s->begin_cycles);
	if (reeve__session_pool_enter(s, reeve__get(&s->t->group)) == 0)
		return 0;
	return enter_slowly(s);
}

/* Without the slot of last time. */
REEVE_APART static int begin_elsewhere(
	struct reeve_session *s, uint64_t cycles, struct reeve_error *err)
{
	struct reeve__cpu_pass x;
	int rc;

	if (!reeve__segment_ready(s->r)) {
		start_slice(s, cycles, REEVE_SEC);
		return 0;
	}
	if (take_free_slot(s)) {
		REEVE_POINT(QUERY_RUNNING);
		start_slice(s, cycles, REEVE_PROBE_NS);
		return 0;
	}
	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	rc = acquire_slot(s, &x, true);
	return rc ? begin_failed(s, rc, err) : 0;
}

/* The phase is WORK, and there may be more to see to than in the plainest of cases. */
REEVE_APART static int begin_slowly(struct reeve_session *s, const struct reeve_query_def *def,
	uint64_t cycles, struct reeve_error *err)
{
	uint32_t i = group_index(s);
	uint64_t word;
	int rc;

	start_statement(s, &s->r->groups[i], def, cycles);
	/* After the phase: who makes a pool now sees this statement, or this sees the pool. */
	word = atomic_load(&s->r->session_pools[i].word);
	if (REEVE_UNLIKELY(word || (reeve__get(&s->t->attention) & REEVE_ATTEND_LIMITS)) &&
		reeve__segment_ready(s->r)) {
		rc = begin_controlled(s, def, word);
		if (rc)
			return begin_failed(s, rc, err);
		cycles = s->charged_cycles;
	}
	if (REEVE_UNLIKELY(!reeve__segment_ready(s->r) || !has_kept_slot(s)))
		return begin_elsewhere(s, cycles, err);
	REEVE_POINT(QUERY_RUNNING);
	rc = go_on(s, group_of(s), cycles); /* it may have been moved while it waited */
	return REEVE_UNLIKELY(rc) ? begin_failed(s, rc, err) : 0;
}

/*
 * Not 0: something asks for more than the plainest begin. Read after the phase became WORK, so that who
 * takes the slot, makes a pool, kills or closes a gate sees this statement, or this sees it.
 */
static inline uint64_t obstacles(
	const struct reeve_session *s, const struct reeve_sh_group *group, uint32_t group_slot)
{
	const struct reeve *r = s->r;
	const uint32_t bits = REEVE_ATTEND_NOW | REEVE_ATTEND_LIMITS;

	return atomic_load(&r->session_pools[group_slot].word) |
	       (atomic_load(&r->cpu_slots[s->slot].word) ^ s->word) |
	       (reeve__get(&group->max_execution_ns) ^ s->limit_ns) |
	       (s->cpu_thread ^ reeve__host_thread()) |
	       (atomic_load(&r->cpu->contended) | reeve__get(&group->cpu.gate) |
		       (reeve__get(&s->t->attention) & bits) | s->rules_on |
		       (reeve__get(&r->header->state) ^ (uint32_t)REEVE_SEGMENT_READY));
}

static inline __attribute__((always_inline)) int begin_at(struct reeve_session *s,
	const struct reeve_query_def *def, uint64_t cycles, struct reeve_error *err)
{
	uint32_t phase = REEVE_PHASE_IDLE, i;
	const struct reeve *r = s->r;
	uint64_t look;

	if (REEVE_UNLIKELY(!atomic_compare_exchange_strong(&s->t->phase, &phase, REEVE_PHASE_WORK)))
		return begin_refused(s, phase, err);
	REEVE_POINT(QUERY_ACTIVE);
	i = group_index(s);
	look = s->limit_cycles < r->probe_cycles ? s->limit_cycles : r->probe_cycles;
	if (REEVE_UNLIKELY(def || look == 0 || obstacles(s, &r->groups[i], i) != 0))
		return begin_slowly(s, def, cycles, err);
	REEVE_POINT(QUERY_RUNNING);
	reset_statement(s, cycles);
	s->slice_cycles = cycles + r->probe_cycles;
	s->look_cycles = cycles + look;
	return 0;
}

REEVE_APART static int begin_by_def(
	struct reeve_session *s, const struct reeve_query_def *def, struct reeve_error *err)
{
	int rc;

	if (REEVE_UNLIKELY(def && def->estimated_ns)) {
		rc = reeve__limits_estimate(s->r, s->session, def->estimated_ns, err);
		if (rc)
			return estimate_refused(s, rc);
	}
	return begin_at(s, def, reeve__cycles(s->r), err);
}

/* The plainest begin calls nothing, so that no register is saved for it; see the head of this file. */
REEVE_HOT int reeve__query_begin(
	struct reeve_session *s, const struct reeve_query_def *def, struct reeve_error *err)
{
	if (REEVE_UNLIKELY(def || !s->r->native_cycles))
		return begin_by_def(s, def, err);
	return begin_at(s, NULL, reeve__host_ticks(), err);
}

/* ---- checkpoint ---- */

/*
 * A runaway is slowed down to a part of its speed: after each slice it rests, without slot, so long
 * that the slice was that part of the whole. Its use is charged in full.
 */
static int rest(struct reeve_session *s, uint64_t used_ns)
{
	struct reeve *r = s->r;
	uint32_t ppm = reeve__get(&r->cpu->runaway_ppm);
	uint64_t ns = reeve__muldiv(used_ns, REEVE_PPM - ppm, ppm);
	struct reeve__cpu_pass x;
	reeve_ns until;
	int rc;

	if (ns == 0 || s->shield_depth)
		return 0;
	reeve__cpu_begin(&x, r);
	settle_locked(&x, s);
	if (ns > reeve__query_time_left(s, x.cycles))
		ns = reeve__query_time_left(s, x.cycles);
	until = (reeve_ns)(x.now + ns);
	reeve__put(&s->t->phase, REEVE_PHASE_BLOCKED);
	reeve__cpu_dequeue(&x, s->task);
	if (reeve__cpu_holds(r, s->task))
		reeve__cpu_hand_over(&x, s->task);
	reeve__put(&s->t->wait_reason, REEVE_WAIT_RUNAWAY);
	reeve__put(&s->t->wait_since, x.now);
	reeve__put(&s->t->park, REEVE_PARK_YES);
	reeve__cpu_end(&x);
	while (reeve__mono(r) < until &&
		!(reeve__get(&s->t->attention) & (REEVE_ATTEND_CANCEL | REEVE_ATTEND_KILL))) {
		uint32_t look = REEVE_PARK_LOOK;
		r->host->wait(r->host->self, (uint32_t *)&s->t->park, REEVE_PARK_YES, until);
		atomic_compare_exchange_strong(&s->t->park, &look, REEVE_PARK_YES);
	}
	reeve__put(&s->t->park, REEVE_PARK_NO);
	reeve__put(&s->t->phase, REEVE_PHASE_WORK);
	reeve__cpu_begin(&x, r);
	rc = reeve__query_must_stop(s, reeve__get(&s->t->attention), x.cycles);
	if (rc == 0)
		return acquire_slot(s, &x, true);
	reeve__cpu_give_up(&x, s->task);
	reeve__cpu_end(&x);
	return rc;
}

/* Marks a statement that has used more CPU than a runaway may; once. */
static void look_for_runaway(struct reeve_session *s)
{
	struct reeve_sh_cpu *c = s->r->cpu;
	uint32_t no = 0;

	if (!reeve__get(&c->runaway_on) || s->query_cpu_ns <= reeve__get(&c->runaway_ns))
		return;
	if (atomic_compare_exchange_strong(&s->t->is_runaway, &no, 1))
		reeve__runaway_note(s->r, s->task);
}

/*
 * Whether this task, whose slot was taken for one that arrived, runs on for a moment; it then looks
 * again when that is over. A closed cap, or being told to stop, ends it.
 */
static bool runs_on(struct reeve_session *s, uint64_t cycles)
{
	struct reeve *r = s->r;
	uint32_t g = reeve__get(&s->t->group);
	uint64_t now, left;

	if (s->slot >= r->slot_count || reeve__get(&r->cpu_slots[s->slot].lender) != s->word)
		return false;
	now = (uint64_t)reeve__mono(r);
	left = reeve__get(&r->cpu_slots[s->slot].granted_ns) + REEVE_LOAN_NS - now;
	if (left > REEVE_LOAN_NS || !reeve__cpu_is_lent(r, s->slot, s->word, now) ||
		reeve__get(&r->cpu->plan_gate) || reeve__get(&reeve__group_at(r, g)->cpu.gate))
		return false;
	atomic_fetch_and(&s->t->attention, ~(uint32_t)REEVE_ATTEND_YIELD);
	s->look_cycles = cycles + reeve__ns_cycles(r, left);
	if (reeve__before(s->deadline_cycles, s->look_cycles))
		s->look_cycles = s->deadline_cycles;
	return true;
}

/* With others waiting, a cap, or a slot lost: what the scheduler says. */
static int ask_scheduler(struct reeve_session *s)
{
	struct reeve__cpu_pass x;

	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	atomic_fetch_and(&s->t->attention, ~(uint32_t)REEVE_ATTEND_YIELD);
	if (s->shield_depth == 0 && reeve__cpu_holds(s->r, s->task)) {
		reeve__cpu_enqueue(&x, s->task);
		reeve__cpu_hand_over(&x, s->task);
	}
	return acquire_slot(s, &x, false);
}

/* What the plan says about calls of its group, and about what this one has used. */
static int look_at_rules(struct reeve_session *s, uint64_t cycles)
{
	int rc = reeve__limits_look(s, cycles);

	if (rc == REEVE_EKILLED) {
		doom(s, REEVE_END_RUNAWAY);
		return stop(s, rc, "the session is ended: its call used more than the plan allows");
	}
	if (rc == REEVE_ECANCELLED) {
		reeve__add(&s->r->header->session_counts.cancelled, 1);
		return stop(s, rc,
			"the statement was cancelled: it used more than the plan allows its group");
	}
	return 0;
}

int reeve__query_checkpoint_slow(struct reeve_session *s, uint64_t cycles)
{
	uint32_t attention = reeve__get(&s->t->attention) & REEVE_ATTEND_NOW;
	uint64_t used, next;
	int rc;

	if (!s->in_query || s->block_depth)
		return s->stop_code;
	measure(s, cycles);
	rc = reeve__query_must_stop(s, attention, cycles);
	if (rc)
		return rc;
	if (!reeve__segment_ready(s->r)) {
		start_slice(s, cycles, REEVE_SEC);
		return 0;
	}
	reeve__memory_attend(s->r);
	if (REEVE_UNLIKELY(reeve__limits_due(s, cycles))) {
		rc = look_at_rules(s, cycles);
		if (rc)
			return rc;
	}
	look_for_runaway(s);
	/* a statement that began without waiting has had no slice yet: the last was another's */
	used = s->slice_statement_cycles == s->begin_cycles
		       ? s->query_cpu_ns - s->slice_start_cpu_ns
		       : s->query_cpu_ns;
	if (REEVE_UNLIKELY(reeve__get(&s->t->is_runaway)) && reeve__get(&s->r->cpu->runaway_on))
		return rest(s, used);
	if (!attention && reeve__before(cycles, s->slice_cycles) &&
		reeve__cpu_holds(s->r, s->task)) {
		set_look(s); /* only the first look of a statement, for the CPU clock's sake */
		return 0;
	}
	if (!reeve__cpu_holds(s->r, s->task) && runs_on(s, cycles))
		return 0;
	if (attention || atomic_load(&s->r->cpu->contended) || is_capped(s) ||
		!reeve__cpu_holds(s->r, s->task))
		return ask_scheduler(s);
	next = reeve__get(&s->r->cpu->quantum_ns);
	start_slice(s, cycles, next);
	return 0;
}

/* ---- block and shield ---- */

void reeve__query_block_begin(struct reeve_session *s)
{
	struct reeve__cpu_pass x;
	uint64_t cycles = reeve__cycles(s->r);

	if (!s->in_query || s->block_depth++ > 0)
		return;
	measure(s, cycles);
	s->blocked_cycles = cycles;
	reeve__put(&s->t->wait_reason, REEVE_WAIT_BLOCKED);
	atomic_store(&s->t->phase, REEVE_PHASE_BLOCKED);
	if (!atomic_load(&s->r->cpu->contended) && !is_capped(s))
		return; /* the slot rests; whoever wants it takes it */
	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	reeve__cpu_dequeue(&x, s->task);
	if (reeve__cpu_holds(s->r, s->task))
		reeve__cpu_hand_over(&x, s->task);
	else
		reeve__cpu_dispatch(&x);
	reeve__put(&s->t->wait_reason, REEVE_WAIT_BLOCKED);
	reeve__cpu_end(&x);
}

int reeve__query_block_end(struct reeve_session *s)
{
	struct reeve__cpu_pass x;
	uint64_t cycles, blocked;

	if (!s->in_query || s->block_depth == 0)
		return s->stop_code;
	if (--s->block_depth > 0)
		return 0;
	cycles = reeve__cycles(s->r);
	blocked = reeve__cycles_ns(s->r, cycles - s->blocked_cycles);
	s->blocked_ns += blocked;
	s->blocked_sum_ns += blocked;
	s->charged_cycles = cycles;
	reeve__put(&s->t->wait_reason, REEVE_WAIT_NONE);
	atomic_store(&s->t->phase, REEVE_PHASE_WORK);
	int rc = reeve__query_must_stop(s, reeve__get(&s->t->attention), cycles);
	if (rc || !reeve__segment_ready(s->r))
		return rc;
	if (has_kept_slot(s))
		return go_on(s, group_of(s), cycles);
	if (take_free_slot(s)) {
		start_slice(s, cycles, REEVE_PROBE_NS);
		return 0;
	}
	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	return acquire_slot(s, &x, true);
}

void reeve__query_shield_begin(struct reeve_session *s)
{
	if (s->shield_depth++ == 0)
		atomic_store(&s->t->shield, 1);
}

int reeve__query_shield_end(struct reeve_session *s)
{
	if (s->shield_depth == 0 || --s->shield_depth > 0)
		return 0;
	atomic_store(&s->t->shield, 0);
	if (!s->in_query)
		return 0;
	if (!reeve__cpu_holds(s->r, s->task)) /* it lost its slot meanwhile and went on without */
		return reeve__query_checkpoint_slow(s, reeve__cycles(s->r));
	return reeve__query_checkpoint(s);
}

/* ---- end ---- */

void reeve__query_usage(const struct reeve_session *s, struct reeve_query_usage *ret)
{
	*ret = (struct reeve_query_usage){
		.cpu_ns = (reeve_ns)s->query_cpu_ns,
		.wait_ns = (reeve_ns)s->query_wait_ns,
		.blocked_ns = (reeve_ns)s->blocked_ns,
		.elapsed_ns = (reeve_ns)reeve__cycles_ns(s->r, s->charged_cycles - s->begin_cycles),
		.group = {group_of(s)->head.id},
		.parks = s->parks,
	};
}

void reeve__session_usage(const struct reeve_session *s, struct reeve_query_usage *ret)
{
	uint64_t elapsed = s->ended_cycles;

	reeve__query_usage(s, ret);
	if (s->in_query)
		elapsed += s->charged_cycles - s->begin_cycles;
	ret->cpu_ns = (reeve_ns)reeve__get(&s->t->cpu_ns);
	ret->wait_ns = (reeve_ns)s->wait_sum_ns;
	ret->blocked_ns = (reeve_ns)s->blocked_sum_ns;
	ret->elapsed_ns = (reeve_ns)reeve__cycles_ns(s->r, elapsed);
}

/* Settles; the slot goes to whoever deserves it, unless it lingers and no cap was reached. */
REEVE_APART static void release_slow(struct reeve_session *s, bool lingers)
{
	const struct reeve_sh_group *g = &s->r->groups[reeve__get(&s->t->group)];
	struct reeve__cpu_pass x;

	reeve__cpu_begin(&x, s->r);
	settle_locked(&x, s);
	reeve__cpu_dequeue(&x, s->task);
	if (!reeve__cpu_holds(s->r, s->task))
		reeve__cpu_dispatch(&x);
	else if (!lingers || reeve__get(&g->cpu.gate) || x.c->plan_gate)
		reeve__cpu_hand_over(&x, s->task);
	reeve__put(&s->t->wait_since, 0);
	reeve__put(&s->t->wait_reason, REEVE_WAIT_NONE);
	reeve__cpu_end(&x);
}

/*
 * With others waiting, a session that comes back within microseconds keeps its slot for so long:
 * handing it over and taking it back would cost more than the pause. Its slice still ends in time.
 */
REEVE_APART static bool may_linger(const struct reeve_session *s, uint64_t cycles)
{
	return !(reeve__get(&s->t->attention) & REEVE_ATTEND_NOW) &&
	       reeve__before(cycles, s->slice_cycles) &&
	       reeve__cycles_ns(s->r, s->gap_cycles) <= REEVE_LINGER_NS / 2 && has_kept_slot(s);
}

/* Much is unsettled. Where nothing is capped it may stay so until somebody waits. */
REEVE_APART static void settle_if_capped(struct reeve_session *s, bool lingers)
{
	if (is_capped(s))
		release_slow(s, lingers);
	else
		s->settle_look_ns = s->unsettled_ns + REEVE_SETTLE_NS;
}

/*
 * The pause before this statement; see may_linger. It is noted where others wait at an end, for only
 * there does it matter: who has not been seen to come back at once does not linger.
 */
static void note_gap(struct reeve_session *s)
{
	uint64_t gap = s->begin_cycles - reeve__get(&s->t->end_cycles); /* the last one's still */

	/* One long pause, a preemption say, must not outweigh many short ones. */
	s->gap_cycles = (7 * s->gap_cycles + (gap < s->r->gap_cycles ? gap : s->r->gap_cycles)) / 8;
}

/* Others wait, or did: whether the slot lingers, which its row has to say before the phase. */
REEVE_APART static bool note_linger(struct reeve_session *s, uint64_t cycles)
{
	struct reeve_sh_cpu_slot *slot = &s->r->cpu_slots[s->slot];
	bool lingers = false;

	if (reeve__get(&s->r->cpu->contended)) {
		note_gap(s);
		lingers = may_linger(s, cycles);
	}

	if (reeve__get(&slot->linger_cycles) != 0 || lingers)
		reeve__put(&slot->linger_cycles, lingers ? cycles : 0);
	return lingers;
}

/*
 * Somebody wanted the statement's attention, or there is something to do besides: a kill still counts,
 * the rest is forgotten.
 */
REEVE_COLD static void attend_after(struct reeve_session *s)
{
	uint32_t attention = atomic_fetch_and(
		&s->t->attention, (uint32_t)(REEVE_ATTEND_KILL | REEVE_ATTEND_LIMITS));
	struct reeve__cpu_pass x;

	if ((attention & REEVE_ATTEND_LINKED) && reeve__task_unlink(&x, s->r, s->task))
		reeve__cpu_wake(&x);
	if (attention & REEVE_ATTEND_END) {
		reeve__session_pool_leave(s->r, s->sh);
		reeve__limits_at_end(s->r, s->session);
	}
	if (attention & REEVE_ATTEND_KILL)
		reeve__session_finish_kill(s);
}

/* The statement ends with something open: a request, a block, a shield. */
REEVE_APART static void close_open(struct reeve_session *s, uint64_t cycles)
{
	if (s->io_open)
		reeve__io_abandon(s);
	if (s->block_depth == 0)
		measure(s, cycles);
	s->charged_cycles = cycles; /* time spent in a block is not charged, but it has passed */
	s->block_depth = 0;
	if (s->shield_depth) {
		s->shield_depth = 0;
		atomic_store(&s->t->shield, 0);
	}
}

/* The phase is IDLE, and there is more to see to. */
REEVE_APART static void end_slowly(struct reeve_session *s, bool lingers)
{
	if (!lingers && atomic_load(&s->r->cpu->contended))
		release_slow(s, lingers);
	else if (s->unsettled_ns >= s->settle_look_ns)
		settle_if_capped(s, lingers);
	if (s->quota != NULL)
		reeve__memory_statement_end(s);
	/* After the phase: a killer sees IDLE, or is seen. */
	if (atomic_load(&s->t->attention))
		attend_after(s);
}

/* Accounts, the statement's use being measured. */
static inline void close_accounts(struct reeve_session *s, uint64_t cycles)
{
	struct reeve_sh_task *t = s->t;

	REEVE_POINT(QUERY_CHARGED);
	reeve__task_query_ends(t);
	if (REEVE_UNLIKELY(reeve__get(&t->is_runaway)))
		reeve__put(&t->is_runaway, 0);
	reeve__put(&t->start_cycles, 0);
	reeve__put(&t->end_cycles, cycles);
	s->ended_cycles += cycles - s->begin_cycles;
	s->in_query = false;
}

/*
 * The statement is over. Nobody waits: the slot rests with the session, at no cost. Else it lingers,
 * or goes to whoever deserves it.
 */
static inline void leave_phase(struct reeve_session *s, bool lingers)
{
	struct reeve_sh_task *t = s->t;

	atomic_store(&t->phase, REEVE_PHASE_IDLE);
	REEVE_POINT(QUERY_INACTIVE);
	if (REEVE_UNLIKELY((atomic_load(&s->r->cpu->contended) | atomic_load(&t->attention)) != 0 ||
			   s->unsettled_ns >= s->settle_look_ns || s->quota != NULL))
		end_slowly(s, lingers);
}

/* Whether others wait, or did: the slot's row has to say whether it lingers. */
static inline bool may_be_wanted(const struct reeve_session *s)
{
	return (reeve__get(&s->r->cpu->contended) |
		       reeve__get(&s->r->cpu_slots[s->slot].linger_cycles)) != 0;
}

static inline bool has_open(const struct reeve_session *s)
{
	return (s->io_open | s->block_depth | s->shield_depth) != 0;
}

/* A caller's reading counts when it is of our counter, and not from before what was charged last. */
static inline bool is_reading(const struct reeve_session *s, uint64_t ticks)
{
	return !reeve__before(ticks, s->charged_cycles) && s->r->native_cycles;
}

REEVE_APART static void end_fully(
	struct reeve_session *s, uint64_t ticks, struct reeve_query_usage *ret)
{
	uint64_t cycles = is_reading(s, ticks) ? ticks : reeve__cycles(s->r);
	bool lingers;

	if (!s->in_query)
		return;
	if (REEVE_UNLIKELY(has_open(s)))
		close_open(s, cycles);
	else
		measure(s, cycles);
	lingers = REEVE_UNLIKELY(may_be_wanted(s)) && note_linger(s, cycles);
	close_accounts(s, cycles);
	if (ret)
		reeve__query_usage(s, ret);
	leave_phase(s, lingers);
}

/* The plainest end, like the plainest begin, calls nothing. */
REEVE_HOT void reeve__query_end(
	struct reeve_session *s, uint64_t ticks, struct reeve_query_usage *ret)
{
	const struct reeve *r = s->r;

	if (REEVE_UNLIKELY(ret || ticks - s->charged_cycles >= r->probe_cycles ||
			   !r->native_cycles || !s->in_query || has_open(s) || may_be_wanted(s))) {
		end_fully(s, ticks, ret);
		return;
	}
	measure_short(s, ticks);
	close_accounts(s, ticks);
	leave_phase(s, false);
}

bool reeve__task_attend(struct reeve *r, uint32_t task, uint32_t bits)
{
	uint32_t parked = REEVE_PARK_YES;

	atomic_fetch_or(&r->tasks[task].attention, bits);
	return atomic_compare_exchange_strong(&r->tasks[task].park, &parked, REEVE_PARK_LOOK);
}

void reeve__task_wake(struct reeve *r, uint32_t task)
{
	reeve__wake(r, (uint32_t *)&r->tasks[task].park);
}
