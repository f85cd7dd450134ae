/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - policy applied under locks: the CPU domain, statements, sessions, reaping.
 *
 * A CPU slot's word says who runs:
 *
 *	bits 0-31  task slot + 1, 0: nobody     bits 32-61  the task's generation
 *
 * A slot stays with its holder after the statement, at rest: the holder's next statement finds its
 * name still there and goes on, at the cost of one compare-and-swap (of its phase) and one load.
 * Anybody else who wants a slot may take one whose holder is not in phase WORK. While others wait,
 * a holder that comes back within microseconds is given that long (linger_cycles).
 *
 * Words change by compare-and-swap only: by a beginner that finds nobody waiting, or by whoever
 * holds the CPU lock. Who takes a resting slot looks at the holder's phase again afterwards: if the
 * holder has begun meanwhile, it has been displaced, and is told to look at its next checkpoint.
 *
 * A task is in a queue, outside of the lock, only while it is parked: so nobody is granted a slot
 * while he takes another by himself.
 *
 * That no wake-up is lost: who ends changes its phase and then reads `contended`; who waits raises
 * `contended` and then reads words and phases; all are sequentially consistent, so one sees the
 * other.
 */
#ifndef REEVE_ENGINE_ENGINE_H
#define REEVE_ENGINE_ENGINE_H

#include "../host/host.h"
#include "../model/model.h"

/* A slot whose holder has ended its statement is kept for it this long. */
#define REEVE_LINGER_NS ((uint64_t)50000)
/*
 * Who loses its slot to one that arrives runs on for so long: most arrivals are short, and give it
 * back before. Parking and waking the loser would cost more than that, and idle a processor twice.
 * Only a statement that has run for longer than LENDER may: a short one would be over by then.
 */
#define REEVE_LOAN_NS	((uint64_t)1000000)
#define REEVE_LENDER_NS ((uint64_t)5000000)
/* How often the watchman looks at lingering slots, and at all others. */
#define REEVE_PATROL_NS	     ((uint64_t)2000000)
#define REEVE_PATROL_SLOW_NS ((uint64_t)5000000)
/* A holder that is not seen for this long after its slice loses the slot to who waits. */
#define REEVE_OVERDUE_NS ((uint64_t)10000000)
/* Every waiter looks up at least this often, so that a dead process's slot is found within a second. */
#define REEVE_LOOK_UP_NS ((uint64_t)100000000)
/* Elapsed time of a statement is taken for its CPU time up to here; then the CPU clock is read. */
#define REEVE_PROBE_NS ((uint64_t)50000)
/* What a task of a capped group may use before it settles its account. */
#define REEVE_SETTLE_NS ((uint64_t)1000000)

/* Limits of a switch rule, in the order in which they are looked at. */
enum {
	REEVE__RULE_CPU,
	REEVE__RULE_ELAPSED,
	REEVE__RULE_IO_BYTES,
	REEVE__RULE_IO_REQUESTS,
	REEVE__RULE_LIMITS
};

/* What the ruling says about calls of a group. */
struct reeve__rule {
	uint64_t limit[REEVE__RULE_LIMITS]; /* REEVE_UNLIMITED: none */
	uint64_t max_estimate_ns;
	uint64_t plan, ruling;
	uint32_t action, to_group; /* REEVE_ROW_...; slot */
	bool for_call, on_estimate;
};

/*
 * A session as its process holds it. Used by one thread at a time. What a short statement touches
 * comes first: between two of them an engine's own work may have filled the processor's cache.
 */
struct reeve_session {
	struct reeve *r;
	struct reeve_sh_task *t;
	uint64_t word; /* what a slot it holds says */
	uint32_t slot;
	uint32_t block_depth, shield_depth;
	bool in_query;
	bool own_deadline;	  /* the deadline is its caller's, not a limit */
	bool rules_on;		  /* there are rules on calls, below */
	bool io_open, io_blocked; /* of the I/O request, below */
	int stop_code;
	uint32_t parks;
	uint32_t countdown; /* checkpoints until the counter is looked at */
	/* the statement under way; cycles are of the processor's counter */
	uint64_t begin_cycles;
	_Alignas(64) uint64_t charged_cycles;
	uint64_t look_cycles, slice_cycles, deadline_cycles;
	uint64_t query_cpu_ns, query_wait_ns, blocked_ns;
	uint64_t unsettled_ns;		    /* charged, not yet counted by the scheduler */
	_Alignas(64) uint64_t ended_cycles; /* elapsed time of statements that are over */
	uint64_t gap_cycles;		    /* smoothed pause between two; see note_gap */
	uintptr_t cpu_thread;		    /* whose CPU clock is cpu_ns_base; 0: nobody's */
	uint64_t limit_ns, limit_cycles;    /* the group's, as last seen, and in ticks */
	uint64_t settle_look_ns;      /* at so much, an end looks whether a cap wants it settled */
	struct reeve_sh_quota *quota; /* of memory; NULL until the first charge */
	uint64_t estimate_ns;	      /* CPU the statement will use, as said; 0: not said */
	uint64_t wait_sum_ns, blocked_sum_ns; /* of all statements */
	/* longer ones */
	reeve_ns cpu_ns_base; /* last reading of the thread's CPU clock */
	/* the slice began at so much CPU of the statement that began then */
	uint64_t slice_start_cpu_ns, slice_statement_cycles;
	uint64_t blocked_cycles;
	uint64_t glance_cycles; /* when a checkpoint last looked at the counter */
	struct reeve_sh_session *sh;
	uint32_t session, task;
	char stop_text[REEVE_ERROR_TEXT_MAX];
	/* the I/O request under way, if io_open */
	uint32_t io_type, io_device;
	uint32_t io_slot, io_hint;	    /* I/O slot that bears the task's name; where to try */
	uint32_t io_request, io_generation; /* row of the table, when it had to queue */
	uint64_t io_cycles, io_due_ns;	    /* when it was admitted; the span it may take */
	struct reeve_session *next, *previous; /* this process's list */
	/* rules on calls; see limits.c */
	struct {
		uint64_t ruling; /* ruling word they are of */
		uint32_t group;	 /* slot of the group they are of */
		bool done;
		uint64_t look_cycles; /* when to look at them next */
		uint64_t base_cycles; /* call in which counting began */
		uint64_t cpu_base, io_bytes_base, io_requests_base, elapsed_base;
		struct reeve__rule rule;
	} rules;
};

static inline uint64_t reeve__cycles(const struct reeve *r)
{
	if (REEVE_LIKELY(r->native_cycles))
		return reeve__host_ticks();
	return r->host->cycles ? r->host->cycles(r->host->self)
			       : (uint64_t)r->host->mono(r->host->self);
}

static inline uint64_t reeve__cycles_ns(const struct reeve *r, uint64_t cycles)
{
	return reeve__mulq32(cycles, r->cycles_ns_q32);
}

static inline uint64_t reeve__ns_cycles(const struct reeve *r, uint64_t ns)
{
	return reeve__mulq32(ns, r->cycles_ticks_q32);
}

static inline uint64_t reeve__task_word(const struct reeve_sh_task *t, uint32_t i)
{
	uint64_t generation = reeve__get(&t->head.generation) & 0x3fffffffu;

	return generation << 32 | (uint64_t)(i + 1);
}

/* Task slot that a word names; REEVE_NONE for a free slot and for an index out of range. */
/*
 * Statements of a task, begun and ended. The owner says so, or whoever has its phase by hand or buries
 * it: each says it again without harm, so one whose process dies in the middle is ended once.
 */
static inline void reeve__task_query_begins(struct reeve_sh_task *t)
{
	reeve__put(&t->query_edges, reeve__get(&t->query_edges) | 1);
}

static inline void reeve__task_query_ends(struct reeve_sh_task *t)
{
	reeve__put(&t->query_edges, (reeve__get(&t->query_edges) + 1) & ~(uint64_t)1);
}

static inline uint64_t reeve__task_queries_ended(const struct reeve_sh_task *t)
{
	return reeve__get(&t->query_edges) / 2;
}

static inline uint64_t reeve__task_queries_begun(const struct reeve_sh_task *t)
{
	uint64_t edges = reeve__get(&t->query_edges);

	return edges / 2 + edges % 2;
}

/* What a group's own tasks have used that are gone or have moved on. */
static inline uint64_t reeve__group_retired_ns(const struct reeve_sh_group *g)
{
	return g->cpu.retired_ns - g->cpu.retired_ns_base;
}

static inline uint64_t reeve__group_retired_queries(const struct reeve_sh_group *g)
{
	return g->cpu.retired_queries - g->cpu.retired_queries_base;
}

static inline uint32_t reeve__word_task(const struct reeve *r, uint64_t word)
{
	uint32_t i = (uint32_t)word - 1; /* 0 wraps to REEVE_NONE */

	return i < r->header->tasks.capacity ? i : REEVE_NONE;
}

/* A group slot that was read from the segment; the first for one that cannot exist. */
static inline struct reeve_sh_group *reeve__group_at(const struct reeve *r, uint32_t i)
{
	return &r->groups[REEVE_LIKELY(i < r->group_capacity) ? i : 0];
}

/* ---- cpu*.c: the CPU domain. Everything below until "query.c" wants the CPU lock. ---- */

/* What one pass under the CPU lock works with; wakes are sent after the lock is let go. */
struct reeve__cpu_pass {
	struct reeve *r;
	struct reeve_sh_cpu *c;
	uint64_t now; /* monotonic ns */
	uint64_t cycles;
	struct reeve__heap tasks, groups, pulls;
	uint32_t policy; /* enum reeve_cpu_policy */
	uint32_t wake_count;
	uint32_t wakes[16];
};

/* Takes the lock (rebuilding the queues when its last owner died), reads the clocks. */
void reeve__cpu_begin(struct reeve__cpu_pass *x, struct reeve *r);
/* The same without the cycle counter, for passes that have nothing to do with slots. */
void reeve__cpu_begin_aside(struct reeve__cpu_pass *x, struct reeve *r);
/* Lets go of the lock. */
void reeve__cpu_unlock(struct reeve__cpu_pass *x);
/* Wakes who was granted a slot; after the lock, and best after all locks. */
void reeve__cpu_wake(struct reeve__cpu_pass *x);
/* Both. */
void reeve__cpu_end(struct reeve__cpu_pass *x);

bool reeve__cpu_holds(const struct reeve *r, uint32_t task);
/* Whether a slot was taken from the task of this word so lately that it may run on. Any time. */
bool reeve__cpu_is_lent(const struct reeve *r, uint32_t slot, uint64_t word, uint64_t now);
/* A task whose slot was taken: makes it look at its next checkpoint, if it is running after all. */
void reeve__cpu_displaced(struct reeve__cpu_pass *x, uint32_t task);
/* Moves what a task has used into its group's account of what is past. */
void reeve__cpu_retire(struct reeve__cpu_pass *x, uint32_t task);
/* Counts use that the owner has measured: ages, buckets, gates. */
void reeve__cpu_settle(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns);
void reeve__cpu_enqueue(struct reeve__cpu_pass *x, uint32_t task);
void reeve__cpu_dequeue(struct reeve__cpu_pass *x, uint32_t task);
/* The task stops waiting without a slot; its wait is booked. */
void reeve__cpu_give_up(struct reeve__cpu_pass *x, uint32_t task);
/* Grants free slots to the most deserving, as long as there are both. */
void reeve__cpu_dispatch(struct reeve__cpu_pass *x);
/* Takes a slot from somebody clearly less deserving for this queued task; true when it did. */
bool reeve__cpu_preempt(struct reeve__cpu_pass *x, uint32_t task);
/*
 * Gives the slot that `task` holds to the most deserving of all who wait, `task` included when it
 * is queued; frees it when nobody may run.
 */
void reeve__cpu_hand_over(struct reeve__cpu_pass *x, uint32_t task);
/* Instant at which somebody should look again: caps that reopen, slots that linger. */
uint64_t reeve__cpu_next_look(const struct reeve__cpu_pass *x);
/* Length of the slice that a task may run now. */
uint64_t reeve__cpu_slice_ns(const struct reeve__cpu_pass *x, uint32_t task);
/*
 * What the task's statement will cost, for weighted fair queueing: `estimate_ns`, or 0: a guess by
 * what went before. `used_ns` of it are done.
 */
void reeve__cpu_estimate(
	struct reeve__cpu_pass *x, uint32_t task, uint64_t estimate_ns, uint64_t used_ns);
/*
 * Books what a task has used to the CPU slot it had, before it has another. By the owner, without the
 * lock, or under it while the owner waits.
 */
void reeve__cpu_book_slot(struct reeve *r, struct reeve_sh_task *t);
/* Takes weights and caps from the ruling in force, when it is another than last time. */
void reeve__cpu_follow_ruling(struct reeve__cpu_pass *x);
/* Rebuilds everything derived from phases and slot words. */
void reeve__cpu_rebuild(struct reeve__cpu_pass *x);
/* Compares everything derived with what it is derived from. Lock taken inside. */
int reeve__cpu_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

/* A new ruling is in force: every running task looks at its next checkpoint. Takes the session lock too. */
void reeve__cpu_announce(struct reeve *r);
/*
 * A task is gone: out of queue and slots. Takes the lock; the caller wakes. Whoever calls it holds the
 * session lock, so that the slot is still that task's.
 */
void reeve__cpu_drop(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task);
/* Moves a task to another group. Takes the lock; the caller wakes. */
void reeve__cpu_move(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task, uint32_t to_group);

/* ---- query.c: the owner's side. No lock held. ---- */

int reeve__query_begin(
	struct reeve_session *s, const struct reeve_query_def *def, struct reeve_error *err);
int reeve__query_checkpoint_slow(struct reeve_session *s, uint64_t cycles);
/* `ticks`: see reeve_query_end_at. */
/* What the statement that ended last used, or the one under way up to its last charge. */
void reeve__query_usage(const struct reeve_session *s, struct reeve_query_usage *ret);
/* The same of all statements of the session together. */
void reeve__session_usage(const struct reeve_session *s, struct reeve_query_usage *ret);
void reeve__query_end(struct reeve_session *s, uint64_t ticks, struct reeve_query_usage *ret);
/* Counts what the owner has measured and the scheduler does not know yet. Before the task goes. */
void reeve__query_settle(struct reeve_session *s);
void reeve__query_block_begin(struct reeve_session *s);
int reeve__query_block_end(struct reeve_session *s);
void reeve__query_shield_begin(struct reeve_session *s);
int reeve__query_shield_end(struct reeve_session *s);
/* Whether the statement has to stop: 0, or the code, with the reason in stop_text. */
int reeve__query_must_stop(struct reeve_session *s, uint32_t attention, uint64_t cycles);
/* Nanoseconds until the statement is out of time. */
uint64_t reeve__query_time_left(const struct reeve_session *s, uint64_t cycles);
/*
 * Sets bits in a task's attention. Any process, locks may be held. True when it is parked: the
 * caller then wakes it, once it holds no lock.
 */
bool reeve__task_attend(struct reeve *r, uint32_t task, uint32_t bits);
void reeve__task_wake(struct reeve *r, uint32_t task);

/*
 * Reading the processor's counter costs more than all else in a checkpoint, so checkpoints that
 * come thick and fast read it every eighth time.
 */
#define REEVE_GLANCE_EVERY 8u
#define REEVE_GLANCE_NS	   ((uint64_t)50000)

static inline int reeve__query_glance(struct reeve_session *s)
{
	uint64_t cycles = reeve__cycles(s->r);
	bool often = cycles - s->glance_cycles < s->r->glance_cycles;

	s->glance_cycles = cycles;
	s->countdown = often ? REEVE_GLANCE_EVERY : 1;
	if (REEVE_UNLIKELY(!reeve__before(cycles, s->look_cycles)))
		return reeve__query_checkpoint_slow(s, cycles);
	return 0;
}

/* The hot part of reeve_checkpoint: a load, a branch, a count; now and then the cycle counter. */
static inline int reeve__query_checkpoint(struct reeve_session *s)
{
	if (REEVE_UNLIKELY(reeve__get(&s->t->attention) & REEVE_ATTEND_NOW))
		return reeve__query_checkpoint_slow(s, reeve__cycles(s->r));
	if (REEVE_LIKELY(--s->countdown != 0))
		return 0;
	return reeve__query_glance(s);
}

/* ---- assign.c: which group a session gets ---- */

struct reeve__assigned {
	uint32_t group; /* slot */
	uint32_t by;	/* enum reeve_assigned_by */
	uint32_t rule;	/* slot; REEVE_NONE: not by a rule */
};
/*
 * The group for a session with these attributes: named, else mapped, else by rule, else the default
 * one; whether it has room is not asked. Wants the catalog lock, lets it go and takes it again while
 * many rules are judged, and holds it in the end.
 */
int reeve__assign_locked(struct reeve *r, const struct reeve_session_def *def, reeve_ns now_wall,
	struct reeve__assigned *ret, struct reeve_error *err);
int reeve__assignment_evaluate(struct reeve *r, const struct reeve_session_def *who,
	reeve_ns at_wall, struct reeve_assignment *ret, struct reeve_rule_trace *ret_traces,
	uint32_t capacity, struct reeve_error *err);

/* ---- group_delete.c ---- */

int reeve__group_destroy(struct reeve *r, reeve_group_id id, reeve_group_id move_to,
	reeve_ns now_wall, struct reeve_error *err);

/* ---- group_stats.c ---- */

int reeve__group_stats_get(
	struct reeve *r, reeve_group_id id, struct reeve_group_stats *ret, struct reeve_error *err);
int reeve__group_stats_copy(struct reeve *r, reeve_group_id after, struct reeve_group_stats *ret,
	uint32_t capacity, struct reeve_error *err);

/* ---- cpu_boost.c ---- */

/*
 * A session's statement waits for what another session holds, until it says that it does not. NOT_FOUND;
 * INVALID_STATE: no statement, or ended; CONFLICT: the two would wait for ever; RESOURCE_EXHAUSTED:
 * the chain of waits would be too long. Take the locks.
 */
int reeve__session_blocked_by(
	struct reeve *r, reeve_session_id waiter, reeve_session_id holder, struct reeve_error *err);
int reeve__session_unblocked(struct reeve *r, reeve_session_id waiter, struct reeve_error *err);
/*
 * Whether another session waits for what the session of this slot holds, and which (one of them).
 * Session lock held; takes the CPU lock, but only when the answer is yes.
 */
bool reeve__session_blocks_others(struct reeve *r, uint32_t session, reeve_session_id *ret_blocked);
/*
 * A statement is over: its task waits for nobody. Takes the CPU lock if it did; true: the caller wakes, once
 * it holds no lock.
 */
bool reeve__task_unlink(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task);
/* Session that a task waits for; .v 0: none. Session lock held. */
reeve_session_id reeve__task_blocked_by(const struct reeve *r, uint32_t task);

/* ---- session.c ---- */

/* An event about a session, in its group when `event` names none. Any lock may be held. */
void reeve__session_event(
	struct reeve *r, uint32_t session, struct reeve_event e, const char *text);
/* What a reason of termination is called: "killed". */
const char *reeve__termination_text(uint32_t reason);
/* Judges names and attributes of a session. */
int reeve__session_check(const struct reeve_session_def *def, struct reeve_error *err);

/* Slot of a live session's task. Session lock held. NOT_FOUND, INVALID_STATE: it has ended. */
int reeve__session_task_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret_task, struct reeve_error *err);

void reeve__sessions_lock(struct reeve *r);
void reeve__sessions_unlock(struct reeve *r);
/* Rebuilds what is derived, as after the death of an owner. Takes the CPU lock. */
void reeve__sessions_recover_locked(struct reeve *r);
int reeve__session_create(struct reeve *r, const struct reeve_session_def *def,
	struct reeve_session **ret, struct reeve_error *err);
/* Texts of a session, in the order of REEVE_SESSION_...; session_text.c. Session lock held. */
struct reeve__session_texts {
	char username[REEVE_NAME_MAX];
	char attributes[REEVE_SESSION_TEXTS - 1][REEVE_ATTRIBUTE_MAX];
};
/* NULL is an empty one. They were checked (reeve__session_check), and do not lie in the session. */
void reeve__session_texts_put(
	struct reeve *r, uint32_t session, const char *const texts[REEVE_SESSION_TEXTS]);
void reeve__session_texts_get(struct reeve *r, uint32_t session, struct reeve__session_texts *ret);
/* The handles kept for sessions to come; at the end of an attachment. */
void reeve__session_free_spares(struct reeve *r);
void reeve__session_destroy(struct reeve_session *s, uint32_t reason);
int reeve__session_get(struct reeve *r, reeve_session_id id, struct reeve_session_info *ret,
	struct reeve_error *err);
uint32_t reeve__session_copy(struct reeve *r, reeve_session_id after, uint32_t flags,
	struct reeve_session_info *ret, uint32_t capacity);
/* 0: started; 1: queued. `def` may be NULL. */
int reeve__session_start(struct reeve *r, reeve_session_id id, const struct reeve_query_def *def,
	uint32_t *ret_position, struct reeve_error *err);
int reeve__session_complete(struct reeve *r, reeve_session_id id, struct reeve_error *err);
int reeve__session_switch(struct reeve *r, reeve_session_id id, reeve_group_id to, uint32_t reason,
	struct reeve_error *err);
int reeve__session_cancel(struct reeve *r, reeve_session_id id, struct reeve_error *err);
int reeve__session_kill(struct reeve *r, reeve_session_id id, struct reeve_error *err);
/*
 * For reaping: ends the first session of an attachment at or after slot `from`, returning all it
 * holds; the same for a task that a death has left without session. The slot, or REEVE_NONE when
 * there is none. Take the locks.
 */
uint32_t reeve__session_reap(struct reeve *r, uint32_t attachment, uint32_t from, uint32_t reason);
uint32_t reeve__task_reap(struct reeve *r, uint32_t attachment, uint32_t from);
/* The owner has seen that its session was killed, outside a statement. */
void reeve__session_finish_kill(struct reeve_session *s);
void reeve__session_stats(struct reeve *r, struct reeve_session_stats *ret);
int reeve__session_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);
/* Forgets ended sessions past their retention. Returns how many. */
uint32_t reeve__session_forget(struct reeve *r);

/* ---- recover.c ---- */

/* All checks but that of the segment's state. Returns the number of faults. Takes the locks. */
int reeve__validate_all(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);
/* Takes all locks. INVALID_STATE: not degraded; BAD_SEGMENT: primary state is damaged. */
int reeve__segment_recover(struct reeve *r, struct reeve_error *err);

/* ---- reap.c ---- */

int reeve__attachment_claim(struct reeve *r, const char *name, struct reeve_error *err);
void reeve__attachment_leave(struct reeve *r);
/* Returns what dead processes held. Cheap when nobody died; asks /proc once an attachment. */
void reeve__reap(struct reeve *r, struct reeve_tick_report *ret);
/* The same, unless somebody looked within the last 200 ms or is changing attachments just now. */
void reeve__reap_if_due(struct reeve *r);
uint32_t reeve__attachment_copy(
	struct reeve *r, struct reeve_attachment_info *ret, uint32_t capacity);
int reeve__attachment_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

/* ---- memory: see memory.h for the rest. These take the memory lock, unless there is nothing to do. */

/* The session's memory is returned, once: it has ended. Session lock held. */
void reeve__memory_session_end(struct reeve *r, uint32_t session);
/* The same, and its owner will charge no more. Session lock held. */
void reeve__memory_session_release(struct reeve *r, uint32_t session);
/* Moves what a session holds to another group; RESOURCE_EXHAUSTED when it does not fit there. */
int reeve__memory_session_move(
	struct reeve *r, uint32_t session, uint32_t group, struct reeve_error *err);
/* The same, whether it fits or not: a move that was cut short. */
void reeve__memory_session_follow(struct reeve *r, uint32_t session, uint32_t group);
/*
 * For the deletion of a group: its quotas of outside engines' sessions; whether all that it holds fits
 * in another's limit, RESOURCE_EXHAUSTED when not; all its quotas moved, whether they fit or not. The
 * same of its limits registered by hand, where the other has none of its own.
 */
uint32_t reeve__memory_outside_quotas(struct reeve *r, uint32_t group);
int reeve__memory_group_fits(struct reeve *r, uint32_t from, uint32_t to, struct reeve_error *err);
void reeve__memory_group_move(struct reeve *r, uint32_t from, uint32_t to);
bool reeve__memory_group_is_registered(struct reeve *r, uint32_t group);
void reeve__memory_registration_move(struct reeve *r, uint32_t from, uint32_t to);
/*
 * The work area of a session's admission, of which there is one at most: RESOURCE_EXHAUSTED; and all of
 * it back. Session lock held.
 */
int reeve__memory_admission_charge(
	struct reeve *r, uint32_t session, uint64_t bytes, struct reeve_error *err);
void reeve__memory_admission_release(struct reeve *r, uint32_t session);
/* A statement has ended: credit beyond a little goes back. */
void reeve__memory_statement_end(struct reeve_session *s);
/* For reaping: what a process allocated without naming a session. */
void reeve__memory_reap(struct reeve *r, uint32_t attachment);
/* Housekeeping. Returns how many pools were resized. */
uint32_t reeve__memory_tick(struct reeve *r);
int reeve__memory_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);
/* First content of a new segment. */
void reeve__memory_seed(struct reeve *r, uint64_t limit_bytes, reeve_ns now_wall);
/* Callbacks of this process, if any are due. */
void reeve__memory_shrink(struct reeve *r);

static inline void reeve__memory_attend(struct reeve *r)
{
	if (REEVE_UNLIKELY(reeve__get(&r->shrinker_count) != 0) &&
		(reeve__get(&r->memory->wanted) || reeve__get(&r->memory->targets)))
		reeve__memory_shrink(r);
}

/* ---- pull.c: tasks of outside engines ---- */

int reeve__pull_create(struct reeve *r, uint64_t query_id, reeve_group_id group, uint32_t priority,
	reeve_task_id *ret_id, struct reeve_error *err);
/*
 * The same for a session's admission, and its end. Session lock held; the caller wakes.
 * RESOURCE_EXHAUSTED: the table is full.
 */
struct reeve__pull_def {
	uint64_t query_id, estimate_ns;
	uint32_t group, session; /* slots; session REEVE_NONE: nobody's */
	uint32_t priority;
};
int reeve__pull_add_locked(struct reeve__cpu_pass *x, struct reeve *r,
	const struct reeve__pull_def *def, uint32_t *ret, struct reeve_error *err);
void reeve__pull_end_locked(struct reeve__cpu_pass *x, struct reeve *r, uint32_t task);
/* Queues those that are ready and whose maker has died before he did. Session lock held. */
void reeve__pull_recover_locked(struct reeve *r);
int reeve__pull_next(struct reeve *r, struct reeve_task_info *ret, struct reeve_error *err);
enum reeve__pull_verb {
	REEVE_PULL_CHARGE,
	REEVE_PULL_YIELD,
	REEVE_PULL_COMPLETE,
	REEVE_PULL_SUSPEND, /* to `state` */
	REEVE_PULL_RESUME
};
int reeve__pull_report(struct reeve *r, reeve_task_id id, uint64_t cpu_ns, uint32_t state,
	enum reeve__pull_verb verb, struct reeve_error *err);
/* Moves a task to another group. Takes the CPU lock. */
void reeve__pull_move(struct reeve *r, uint32_t task, uint32_t to_group);
int reeve__pull_estimate(
	struct reeve *r, reeve_task_id id, uint64_t estimate_ns, struct reeve_error *err);
/* The CPU lock's rebuild puts a ready pull task back into its queue. */
void reeve__pull_enqueue(struct reeve__cpu_pass *x, uint32_t task);
/* Puts a group's pull tasks where they belong: idle, ready, or throttled by its cap. */
void reeve__pull_place(struct reeve__cpu_pass *x, uint32_t group);

/* ---- stats.c ---- */

void reeve__cpu_config_get(struct reeve *r, struct reeve_cpu_config *ret);
int reeve__cpu_config_set(
	struct reeve *r, const struct reeve_cpu_config *config, struct reeve_error *err);
int reeve__cpu_group_stats(struct reeve *r, reeve_group_id group, struct reeve_cpu_group_stats *ret,
	struct reeve_error *err);
uint32_t reeve__cpu_group_stats_copy(struct reeve *r, reeve_group_id after,
	struct reeve_cpu_group_stats *ret, uint32_t capacity);
void reeve__cpu_stats(struct reeve *r, struct reeve_cpu_stats *ret);
/* The same under the catalog, session and CPU locks; `room` is so many bytes of the caller's. */
size_t reeve__cpu_stats_room(const struct reeve *r);
void reeve__cpu_stats_locked(struct reeve__cpu_pass *x, void *room, struct reeve_cpu_stats *ret);
uint32_t reeve__cpu_slot_stats_copy(
	struct reeve *r, struct reeve_cpu_slot_stats *ret, uint32_t capacity);
int reeve__task_get(
	struct reeve *r, reeve_task_id id, struct reeve_task_info *ret, struct reeve_error *err);
uint32_t reeve__task_copy(
	struct reeve *r, reeve_task_id after, struct reeve_task_info *ret, uint32_t capacity);
/* Fills the description of a task; CPU lock held. */
void reeve__task_fill(struct reeve__cpu_pass *x, uint32_t task, struct reeve_task_info *ret);
int reeve__cpu_rebalance(struct reeve *r, struct reeve_error *err);
/* A task was just marked as a runaway: counts, and events. Any lock may be held. */
void reeve__runaway_note(struct reeve *r, uint32_t task);
int reeve__runaway_detect(struct reeve *r, reeve_task_id *ret_new, uint32_t capacity,
	uint32_t *ret_current, struct reeve_error *err);

/* ---- session_pool.c: session pools; see its head ---- */

#define REEVE__SESSION_POOL_RULES                                                                  \
	(UINT64_C(1) << 59) /* in a pool's word: calls of the group are watched */

/* What one pass under the lock of pools works with; wakes are sent once no lock is held. */
struct reeve__session_pool_pass {
	struct reeve *r;
	struct reeve_sh_session_domain *d;
	uint64_t now; /* monotonic ns */
	struct reeve__heap queue;
	uint32_t wake_count;
	uint32_t wakes[16];
};

/* Takes the lock: makes everything anew when its last owner died, follows a new ruling. */
void reeve__session_pool_begin(struct reeve__session_pool_pass *x, struct reeve *r);
void reeve__session_pool_unlock(struct reeve__session_pool_pass *x);
void reeve__session_pool_wake(struct reeve__session_pool_pass *x);
/*
 * The owner's way in, without the lock: 0, or 1 when it has to come to the lock. And its way out,
 * when its phase is IDLE again.
 */
int reeve__session_pool_enter(struct reeve_session *s, uint32_t group);
void reeve__session_pool_leave(struct reeve *r, struct reeve_sh_session *sh);
/* In, under the lock: 0; 1 when it is queued; RESOURCE_EXHAUSTED when the pool does not queue. */
int reeve__session_pool_enter_locked(
	struct reeve__session_pool_pass *x, uint32_t session, struct reeve_error *err);
/* Whether it is in a queue; what has become of it is then to be looked at under the lock. */
bool reeve__session_pool_waits(const struct reeve_sh_session *sh);
bool reeve__session_pool_overdue(const struct reeve_sh_session *sh, uint64_t now);
/* Out of the queue, for whatever reason; or because of the queue timeout: QUEUE_TIMEOUT. */
void reeve__session_pool_give_up_locked(struct reeve__session_pool_pass *x, uint32_t session);
int reeve__session_pool_timeout_locked(
	struct reeve__session_pool_pass *x, uint32_t session, struct reeve_error *err);
/* Free places of its pool go to who waits: a look-up of somebody who does. */
void reeve__session_pool_hand_over_locked(struct reeve__session_pool_pass *x, uint32_t session);
/* A session ends, moves to another group, gets another priority. The session lock is held. */
void reeve__session_pool_drop_locked(struct reeve__session_pool_pass *x, uint32_t session);
void reeve__session_pool_move_locked(
	struct reeve__session_pool_pass *x, uint32_t session, uint32_t to_group);
/* Its place follows its group, after a move that was cut short or has no wakes to send. */
void reeve__session_pool_settle(struct reeve *r, uint32_t session, uint32_t group);
void reeve__session_pool_rank_locked(
	struct reeve__session_pool_pass *x, uint32_t session, uint32_t rank);
/* Follows the ruling in force and gives free places to who waits, in all pools. No lock held. */
void reeve__session_pools_look(struct reeve *r);
int reeve__session_pool_configure(struct reeve *r, reeve_group_id group, uint32_t max_active,
	uint64_t queue_timeout_ns, bool allow_queuing, struct reeve_error *err);
int reeve__session_pool_remove(struct reeve *r, reeve_group_id group, struct reeve_error *err);
int reeve__session_pool_get(struct reeve *r, reeve_group_id group,
	struct reeve_session_pool_info *ret, struct reeve_error *err);
uint32_t reeve__session_pool_copy(struct reeve *r, reeve_group_id after,
	struct reeve_session_pool_info *ret, uint32_t capacity);
int reeve__session_queue_copy(struct reeve *r, reeve_group_id group,
	struct reeve_queued_session *ret, uint32_t capacity, struct reeve_error *err);
/* Place in its queue, 1: next; 0: not queued. Pools' lock held. */
uint32_t reeve__session_queue_position_locked(struct reeve__session_pool_pass *x, uint32_t session);
int reeve__session_pool_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

/* ---- limits.c: what a call and a session may use ---- */

/* Refuses a call by its estimate, or has it switched before it starts. 0, or why not. */
int reeve__limits_estimate(
	struct reeve *r, uint32_t session, uint64_t estimated_ns, struct reeve_error *err);
/* The owner's calls: a call begins; time to look at its rules. */
void reeve__limits_begin(struct reeve_session *s, uint64_t cycles);
int reeve__limits_look(struct reeve_session *s, uint64_t cycles);
/* Whether a ruling or group has changed since the rules were read, or it is time to look at them. */
static inline bool reeve__limits_due(const struct reeve_session *s, uint64_t cycles)
{
	return s->rules.ruling != reeve__get(&s->r->header->ruling) ||
	       s->rules.group != reeve__get(&s->t->group) ||
	       !reeve__before(cycles, s->rules.look_cycles);
}
/* Back to its own priority: it has had its turn. */
void reeve__session_unboost(struct reeve *r, uint32_t session);
/* What is to be done besides when a statement has ended: see REEVE_AT_END_... */
void reeve__limits_at_end(struct reeve *r, uint32_t session);
/* Limit of a statement's elapsed time, strictest first; REEVE_UNLIMITED. */
uint64_t reeve__execution_limit_ns(const struct reeve *r, const struct reeve_sh_session *sh);
/* When it was last busy, on the processor's counter. Session lock held. */
uint64_t reeve__idle_cycles(const struct reeve *r, const struct reeve_sh_session *sh);
uint64_t reeve__idle_limit_ns(const struct reeve *r, const struct reeve_sh_session *sh);
#define REEVE__CHECK_RULES (1u << 16) /* beside REEVE_CHECK_...: statements that do not come by */
/* Looks at all sessions: who is idle, queued or running for too long. No lock held. */
void reeve__limits_check(struct reeve *r, uint32_t kinds, reeve_session_id *ret_ids,
	uint32_t capacity, struct reeve_timeout_report *ret);
void reeve__limits_check_if_due(struct reeve *r, struct reeve_timeout_report *ret);
int reeve__session_limits_set(struct reeve *r, reeve_session_id id, uint32_t fields,
	const struct reeve_session_limits *limits, struct reeve_error *err);
int reeve__session_limits_get(struct reeve *r, reeve_session_id id,
	struct reeve_session_limits *ret, struct reeve_error *err);
int reeve__session_config_set(
	struct reeve *r, const struct reeve_session_config *config, struct reeve_error *err);
void reeve__session_config_get(struct reeve *r, struct reeve_session_config *ret);
int reeve__session_priority_set(struct reeve *r, reeve_session_id id, uint32_t priority, bool boost,
	struct reeve_priority_change *ret, struct reeve_error *err);
int reeve__session_attributes_set(struct reeve *r, reeve_session_id id,
	const struct reeve_session_attributes *attributes, struct reeve_error *err);
int reeve__explain(struct reeve *r, reeve_session_id id, struct reeve_wait_explanation *ret,
	struct reeve_error *err);

/* ---- session.c, for these ---- */

/* Slot of a live session under the session lock, or why not. */
int reeve__session_find_live_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret, struct reeve_error *err);
int reeve__session_find_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret, struct reeve_error *err);
/* Ends a session for that reason, in whatever state it is. */
int reeve__session_end(
	struct reeve *r, reeve_session_id id, uint32_t reason, struct reeve_error *err);
/* Whether a call that was refused had the session moved by its estimate: it goes back (limits_at_end). */
bool reeve__session_moved_by_estimate(const struct reeve *r, uint32_t session);
/* A statement by hand, under the session lock; the caller wakes, and then has reeve__limits_at_end. */
int reeve__session_start_locked(struct reeve *r, uint32_t session, uint32_t *ret_position,
	struct reeve__session_pool_pass *x, struct reeve_error *err);
int reeve__session_leave_hand_locked(struct reeve *r, uint32_t session, bool may_wait,
	struct reeve__session_pool_pass *x, struct reeve__cpu_pass *cpu, struct reeve_error *err);
/* Ends it if it is idle still, since the statement that ended at `end_cycles`. */
bool reeve__session_end_idle(struct reeve *r, uint32_t session, reeve_session_id id,
	uint64_t end_cycles, uint32_t reason);
/* A statement by hand is over, for the reason that `code` says. */
int reeve__session_stop_hand(
	struct reeve *r, reeve_session_id id, int code, struct reeve_error *err);
/* Whether a group takes one more session, or why not. */
int reeve__session_check_room(const struct reeve_sh_group *g, struct reeve_error *err);
/* Priority 0 to 7 of a session's task. */
uint32_t reeve__session_task_priority(uint32_t session_priority);
/*
 * Moves a session with counts, place in a pool, and task, or nothing. What runs goes on, and counts
 * in the new group even when its pool is full; what waits, waits there, as old as it is. Back goes a
 * session to any group that exists, full or not. By hand ends a way back.
 */
enum reeve__mover { REEVE__MOVED_BY_HAND, REEVE__MOVED_BY_RULE, REEVE__MOVED_BACK };
int reeve__session_move(struct reeve *r, reeve_session_id id, reeve_group_id to, uint32_t reason,
	enum reeve__mover mover, struct reeve_error *err);
/* Describes a session; session lock held. */
void reeve__session_fill(struct reeve *r, uint32_t i, struct reeve_session_info *info);
/* The end of its statement has more to do: REEVE_AT_END_... bits; 0: give a place in a pool back. */
void reeve__session_at_end(struct reeve *r, struct reeve_sh_session *sh, uint32_t bits);
/* The part of the statistics that pools and limits know. */
void reeve__session_queue_stats_locked(
	struct reeve__session_pool_pass *x, struct reeve_session_stats *ret);
/* All of them, under the session lock and that of the pools. */
void reeve__session_stats_locked(
	struct reeve__session_pool_pass *x, struct reeve_session_stats *ret);
bool reeve__session_is_busy(const struct reeve_sh_task *t);

#endif
