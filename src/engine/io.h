/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - the I/O domain: limits, queues and I/O slots, under the I/O lock (rank 80).
 *
 * An I/O slot's word says who has a request under way:
 *
 *	bits 0-31  task slot + 1, or request slot + 1     bits 32-61  its generation
 *	bit 63     it is a request                        0: nobody
 *
 * Words change by compare-and-swap only. The fast path (admission, no limit, nobody waits) names the
 * task; whatever comes by the lock names a request of the table. So after any death the words tell
 * who held what, and max_concurrent holds.
 *
 * That no wake-up is lost: who ends frees its word and then reads `contended`; who waits raises
 * `contended` and then looks at the words; all are sequentially consistent, so one sees the other.
 *
 * A waiter sleeps on its task's park word, as for a CPU slot; an executor on its own word. One of the
 * waiters, the watchman, looks up when the first held group may go on; the others every 100 ms.
 *
 *	QUEUED --grant--> ACTIVE --end--> COMPLETED | FAILED      (then the slot is freed)
 *	   \---------------cancel--------> CANCELLED
 */
#ifndef REEVE_ENGINE_IO_H
#define REEVE_ENGINE_IO_H

#include "engine.h"

#include "../policy/io_policy.h"

#define REEVE_IO_WORD_REQUEST (UINT64_C(1) << 63)

/* What one pass under the I/O lock works with; wakes are sent after the lock is let go. */
struct reeve__io_pass {
	struct reeve *r;
	struct reeve_sh_io *io;
	uint64_t now; /* monotonic ns */
	struct reeve__io_view views[REEVE_IO_QUEUES];
	uint32_t wake_count, executor_count;
	uint32_t has_view;	/* bits: which of the views are made */
	bool has_more;		/* more could be granted than one pass grants */
	uint32_t wakes[16];	/* tasks */
	uint32_t executors[16]; /* executors with something granted */
};

void reeve__io_view_make(struct reeve__io_pass *x, uint32_t queue);

/* A queue in this process; made at its first use in a pass. */
static inline struct reeve__io_view *reeve__io_view_of(struct reeve__io_pass *x, uint32_t queue)
{
	if (!(x->has_view & 1u << queue))
		reeve__io_view_make(x, queue);
	return &x->views[queue];
}

static inline uint64_t reeve__io_request_word(const struct reeve_sh_io_request *q, uint32_t i)
{
	uint64_t generation = reeve__get(&q->head.generation) & 0x3fffffffu;

	return REEVE_IO_WORD_REQUEST | generation << 32 | (uint64_t)(i + 1);
}

/* ---- io.c: everything here but begin wants the lock ---- */

/* Takes the lock (rebuilding when its last owner died), reads the clock, follows the ruling. */
void reeve__io_lock(struct reeve__io_pass *x, struct reeve *r);
void reeve__io_unlock(struct reeve__io_pass *x);
/* The same when no queue and no slot has changed: nobody is to be woken. */
void reeve__io_leave(struct reeve__io_pass *x);
/* Wakes who was told something; after the lock, and best after all locks. */
void reeve__io_wake(struct reeve__io_pass *x);
/* Both. */
void reeve__io_done(struct reeve__io_pass *x);

/* A request (0: none of the table) was done so long after it was due: counted, and told now and then. */
void reeve__io_note_miss(
	struct reeve *r, uint32_t group, uint64_t request, uint64_t now, uint64_t late_ns);
/* The group's row; cleared when it is of an earlier group with this slot. */
struct reeve_sh_io_group *reeve__io_group(struct reeve__io_pass *x, uint32_t group);
/* Nanoseconds until a group's limits allow a request of that size; *ret_iops: the limit that binds. */
uint64_t reeve__io_limit_wait(
	struct reeve__io_pass *x, struct reeve_sh_io_group *g, uint64_t bytes, bool *ret_iops);
void reeve__io_limit_take(struct reeve__io_pass *x, struct reeve_sh_io_group *g, uint64_t bytes);
/*
 * Puts `word` into a free slot; REEVE_NONE when max_concurrent are taken. Without the lock only slots
 * below slot_limit are looked at, which is lower than max_concurrent while requests that began before it
 * was lowered are under way in slots beyond; with it, that limit is worked out anew then.
 */
uint32_t reeve__io_take_slot(struct reeve *r, uint64_t word, uint32_t hint);
uint32_t reeve__io_take_slot_locked(struct reeve__io_pass *x, uint64_t word);
/* Empties the slot if it bears that word. No lock needed. */
bool reeve__io_free_slot(struct reeve *r, uint32_t slot, uint64_t word);

/* A new row for a request, filled and published, not yet queued; REEVE_NONE: the table is full. */
uint32_t reeve__io_request_create(struct reeve__io_pass *x, const struct reeve_io_def *def,
	uint32_t kind, uint32_t group, uint32_t task, uint32_t executor);
/* Puts it into its queue. */
void reeve__io_enqueue(struct reeve__io_pass *x, uint32_t request);
/* The next request of a queue that its group's limits allow, still queued; REEVE_NONE. */
uint32_t reeve__io_best(struct reeve__io_pass *x, uint32_t queue);
/* Marks a queued request ACTIVE in that slot and charges its group. The slot bears its name. */
void reeve__io_start(struct reeve__io_pass *x, uint32_t request, uint32_t slot);
/* Grants slots to the most deserving of the admission queue, at most `most` of them. */
void reeve__io_dispatch(struct reeve__io_pass *x, uint32_t most);
/* The request is over: books it, frees row and slot; does not dispatch. */
void reeve__io_finish(struct reeve__io_pass *x, uint32_t request, uint32_t state, uint64_t bytes);
/* Wakes the session that waits for it, or its executor. */
void reeve__io_notify(struct reeve__io_pass *x, uint32_t request);
/* Instant at which the watchman should look again. */
uint64_t reeve__io_next_look(struct reeve__io_pass *x);
/* Rebuilds everything derived from requests and slot words. */
void reeve__io_rebuild(struct reeve__io_pass *x);
/* Another policy, in force for all that wait. */
void reeve__io_set_policy(struct reeve__io_pass *x, uint32_t policy);
/* Takes limits and weights from the ruling in force. */
void reeve__io_follow_ruling(struct reeve__io_pass *x);
uint32_t reeve__io_queue_of(const struct reeve_sh_io_request *q);

/* ---- io_account.c ---- */

void reeve__latency_add(struct reeve_sh_latency *l, uint64_t ns);
/* The same when a lock keeps other writers out. */
void reeve__latency_add_locked(struct reeve_sh_latency *l, uint64_t ns);
void reeve__latency_sum(struct reeve_latency *to, const struct reeve_sh_latency *l);
/* Books a completed transfer with its device. No lock needed. */
void reeve__io_count_device(struct reeve *r, uint32_t device, uint32_t shard, uint32_t type,
	uint64_t bytes, bool ok, uint64_t service_ns);
/* What a task has moved so far becomes its group's for good. I/O lock. */
void reeve__io_retire(struct reeve__io_pass *x, uint32_t task, uint32_t group, bool is_gone);
/* Works out how busy devices are; I/O lock. */
void reeve__io_sample(struct reeve__io_pass *x);

/* ---- io_session.c: what the ends of sessions and processes want. Take the lock. ---- */

/*
 * A task is gone: its requests are cancelled, its slots freed. Under the session lock, and so nobody is
 * woken: true when the caller is to, by reeve__io_wake.
 */
bool reeve__io_drop(struct reeve__io_pass *x, struct reeve *r, uint32_t task);
/* A task moves to another group; before it does. Under the session lock; wakes nobody. */
void reeve__io_move(struct reeve *r, uint32_t task, uint32_t from_group);
/* An attachment is gone: its requests and executors too. Under the admin lock. */
void reeve__io_reap(struct reeve *r, uint32_t attachment);
/*
 * For a group's deletion, under the catalog lock: how many requests are a group's; they become another's.
 * move returns with the I/O lock let go; the caller wakes.
 */
uint32_t reeve__io_group_requests(struct reeve *r, uint32_t group);
void reeve__io_group_move(struct reeve__io_pass *x, struct reeve *r, uint32_t from, uint32_t to);
/* The same for an explicit registration: 0 or 1. Under the catalog lock. */
uint32_t reeve__io_group_registrations(struct reeve *r, uint32_t group);
void reeve__io_registration_move(struct reeve *r, uint32_t from, uint32_t to);
/* Housekeeping. */
void reeve__io_tick(struct reeve *r);
int reeve__io_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);
/* First content of a new segment. */
void reeve__io_init(struct reeve *r);

/* ---- io_admit.c, io_pull.c, io_executor.c, io_stats.c: as in reeve/io.h ---- */

int reeve__io_check_def(struct reeve *r, const struct reeve_io_def *def, struct reeve_error *err);
int reeve__io_find_group(
	struct reeve *r, reeve_group_id id, uint32_t *ret_group, struct reeve_error *err);
int reeve__io_table_full(struct reeve *r, struct reeve_error *err);
/*
 * The group slot a request goes to, under the I/O lock: the session's as of now; without a session,
 * *group as found, unless that group has gone meanwhile or is about to.
 */
int reeve__io_group_of(struct reeve__io_pass *x, const struct reeve_session *s, reeve_group_id id,
	uint32_t *group, struct reeve_error *err);
uint64_t reeve__io_deadline(const struct reeve *r, const struct reeve_io_def *def, uint64_t now);

int reeve__io_begin(
	struct reeve_session *s, const struct reeve_io_def *def, struct reeve_error *err);
int reeve__io_end(struct reeve_session *s, uint64_t bytes, bool ok);
/* The statement ends with a request under way. */
void reeve__io_abandon(struct reeve_session *s);

int reeve__io_submit_as(struct reeve *r, reeve_admission_id admission,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err);
int reeve__io_submit(struct reeve *r, struct reeve_session *s, reeve_group_id group,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err);
int reeve__io_next(struct reeve *r, struct reeve_io_request_info *ret, reeve_ns *ret_retry,
	struct reeve_error *err);
int reeve__io_complete(struct reeve *r, reeve_io_id id, uint64_t bytes, bool ok,
	struct reeve_io_request_info *ret, struct reeve_error *err);
int reeve__io_cancel(struct reeve *r, reeve_io_id id, struct reeve_io_request_info *ret,
	struct reeve_error *err);
int reeve__io_boost(struct reeve *r, reeve_io_id id, uint32_t priority, struct reeve_error *err);
int reeve__io_request_get(struct reeve *r, reeve_io_id id, struct reeve_io_request_info *ret,
	struct reeve_error *err);
uint32_t reeve__io_request_copy(
	struct reeve *r, reeve_io_id after, struct reeve_io_request_info *ret, uint32_t capacity);
/* Fills the description of a request; I/O lock held. */
void reeve__io_fill(struct reeve__io_pass *x, uint32_t request, struct reeve_io_request_info *ret);

int reeve__io_register(struct reeve *r, reeve_group_id group, uint64_t bandwidth, uint64_t iops,
	uint32_t weight, struct reeve_error *err);
int reeve__io_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err);
bool reeve__io_is_registered(const struct reeve *r, uint32_t group);
int reeve__io_device_open(
	struct reeve *r, const char *target, uint32_t *ret, struct reeve_error *err);
void reeve__io_config_get(struct reeve *r, struct reeve_io_config *ret);
int reeve__io_config_set(
	struct reeve *r, const struct reeve_io_config *config, struct reeve_error *err);
int reeve__io_deadline_set(struct reeve *r, uint32_t type, uint32_t priority, reeve_ns deadline,
	struct reeve_error *err);
int reeve__io_group_stats(struct reeve *r, reeve_group_id group, struct reeve_io_group_stats *ret,
	struct reeve_error *err);
uint32_t reeve__io_group_stats_copy(
	struct reeve *r, reeve_group_id after, struct reeve_io_group_stats *ret, uint32_t capacity);
uint32_t reeve__io_device_stats_copy(
	struct reeve *r, struct reeve_io_device_stats *ret, uint32_t capacity);
void reeve__io_stats(struct reeve *r, struct reeve_io_stats *ret);
/* The same under the catalog, session and I/O locks; `room` is so many bytes of the caller's. */
size_t reeve__io_stats_room(const struct reeve *r);
void reeve__io_stats_locked(struct reeve__io_pass *x, void *room, struct reeve_io_stats *ret);

int reeve__io_executor_open(struct reeve *r, const struct reeve_io_executor_options *options,
	struct reeve_io_executor **ret, struct reeve_error *err);
void reeve__io_executor_close(struct reeve_io_executor *ex);
uint32_t reeve__io_executor_backend(const struct reeve_io_executor *ex);
int reeve__io_executor_submit(struct reeve_io_executor *ex, struct reeve_session *s,
	reeve_group_id group, struct reeve_io_job *job, struct reeve_error *err);
int reeve__io_executor_wait(struct reeve_io_executor *ex, struct reeve_io_job *job,
	reeve_ns give_up, struct reeve_error *err);

#endif
