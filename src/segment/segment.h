/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.h - the mapped file: creating, checking, mapping; locks; tables; this process's handle.
 */
#ifndef REEVE_SEGMENT_SEGMENT_H
#define REEVE_SEGMENT_SEGMENT_H

#include "layout.h"

#include <reeve/host.h>
#include <reeve/reeve.h>

/* A callback of this process for memory pressure. */
struct reeve__shrinker {
	void (*shrink)(void *arg, uint32_t level, reeve_pool_id pool, uint64_t bytes);
	void *arg;
	reeve_pool_id pool;
};
#define REEVE__SHRINKERS 16u
#define REEVE__LANES	 16u

/* One process's attachment: where things are in this process. Opaque to users. */
struct reeve {
	/* what every statement wants: one cache line */
	_Alignas(64) bool native_cycles; /* the processor's counter, read without a call */
	uint32_t group_capacity;
	uint64_t cycles_ns_q32; /* ns in 2^32 ticks */
	uint64_t probe_cycles;	/* REEVE_PROBE_NS in ticks */
	struct reeve_sh_header *header;
	struct reeve_sh_cpu *cpu;
	struct reeve_sh_cpu_slot *cpu_slots;
	struct reeve_sh_group *groups;
	struct reeve_sh_session_pool *session_pools; /* one a group slot */

	const struct reeve_host *host;
	uint64_t cycles_ticks_q32; /* ticks in 2^32 ns */
	uint64_t glance_cycles;	   /* checkpoints closer together than this are frequent */
	uint64_t gap_cycles;	   /* twice REEVE_LINGER_NS: the longest pause that is told apart */
	char *base;
	struct reeve_sh_cpu_more *cpu_more;
	struct reeve_sh_cpu_task *cpu_tasks; /* as many as tasks */
	_Atomic uint64_t *cpu_slot_ns;	     /* as many as CPU slots */
	struct reeve_sh_cpu_lane *cpu_lanes; /* as many as groups, and one for all */
	struct reeve_sh_plan *plans;
	struct reeve_sh_directive *directives;
	struct reeve_sh_mapping *mappings;
	struct reeve_sh_session *sessions;
	char *session_texts; /* two of REEVE_SH_SESSION_LONG_TEXT bytes a session slot */
	struct reeve_sh_task *tasks;
	struct reeve_sh_admission *admissions;
	struct reeve_sh_attachment *attachments;
	struct reeve_sh_period *schedules;
	struct reeve_sh_period *windows;
	struct reeve_sh_event *events;
	struct reeve_sh_memory *memory;
	struct reeve_sh_memory_group *memory_groups;
	struct reeve_sh_quota *quotas;
	struct reeve_sh_allocation *allocations;
	_Atomic uint32_t *quota_of_session;
	struct reeve_sh_io *io;
	struct reeve_sh_io_slot *io_slots;
	struct reeve_sh_io_group *io_groups;
	struct reeve_sh_io_device *io_devices;
	struct reeve_sh_io_request *io_requests;
	struct reeve_sh_io_executor *io_executors;
	uint64_t io_clock_cycles, io_clock_ns; /* a pair of clock readings; under the I/O lock */
	_Atomic uint32_t io_group_hints[64];   /* 1 + group slot, by id; looked at, then checked */
	struct reeve_sh_parallel *parallel;
	struct reeve_sh_parallel_group *parallel_groups;
	_Atomic uint32_t *parallel_sessions;
	struct reeve_sh_execution *executions;
	struct reeve_sh_server *servers;
	struct reeve_sh_server_pool *pools;
	struct reeve_sh_rule *rules;
	struct reeve_sh_zone *zones;
	struct reeve_sh_session_domain *control; /* settings of session control */

	_Atomic reeve_ns wall_offset;	/* wall clock less monotonic clock, as last read */
	_Atomic uint64_t wall_stamp_ns; /* when that was; 0: never */

	uint32_t slot_count;
	uint32_t event_capacity;
	uint32_t attachment; /* slot of this process; REEVE_NONE while opening */
	bool owns_mapping;

	pthread_mutex_t local_lock; /* this process's list of sessions; never held with others */
	struct reeve_session *local_sessions;
	struct reeve_session *spare_sessions; /* ended, to be used again: by next */
	uint32_t spare_count;

	/* memory: who is to shrink under pressure, and page accesses told but not yet counted */
	pthread_mutex_t shrink_lock; /* held while callbacks run; never taken under another lock */
	struct reeve__shrinker shrinkers[REEVE__SHRINKERS];
	_Atomic uint32_t shrinker_count;
	_Atomic uint64_t shrunk_ns;   /* when callbacks were last asked */
	_Atomic uint64_t asked_ns;    /* when the host was last asked about memory */
	_Atomic uint64_t freed_bytes; /* memory that this process has given back */
	/* what the host said last about memory, and when statistics last asked; 0: never */
	_Atomic uint64_t host_system_bytes, host_resident_bytes, host_looked_ns;
	_Atomic uint64_t refusal_told_ns[REEVE_REFUSED_CAUSES]; /* last events of refusals */
	/* A row a few threads share; rows are longer than a row of pools to lie on lines apart. */
	_Atomic uint64_t accesses[REEVE__LANES][REEVE_SH_POOLS + 8];
};

static inline reeve_ns reeve__mono(const struct reeve *r)
{
	return r->host->mono(r->host->self);
}

static inline reeve_ns reeve__wall(const struct reeve *r)
{
	return r->host->wall(r->host->self);
}

/* The wall clock is read this often where an instant of the other clock is at hand. */
#define REEVE_WALL_PERIOD_NS ((uint64_t)10000000)

/* Wall clock at an instant of the monotonic clock that was read just now: a jump shows 10 ms late. */
static inline reeve_ns reeve__wall_at(struct reeve *r, uint64_t mono)
{
	uint64_t stamp = reeve__get(&r->wall_stamp_ns);

	if (REEVE_UNLIKELY(stamp == 0 || mono - stamp >= REEVE_WALL_PERIOD_NS)) {
		reeve__put(&r->wall_offset, reeve__wall(r) - (reeve_ns)mono);
		reeve__put(&r->wall_stamp_ns, mono);
	}
	return (reeve_ns)mono + reeve__get(&r->wall_offset);
}

/*
 * Maps the segment that `options` names, creating it when need be: layout and locks only, no rows.
 * `boot_id` is the machine's present boot. On success fills the pointers of *r and sets *ret_created
 * when the caller has to put the first rows in (it then has the only mapping, see
 * reeve__segment_publish). A segment of an earlier boot is adopted: its locks are made anew and
 * its attachments marked dead.
 */
int reeve__segment_map(struct reeve *r, const struct reeve_options *options, uint32_t cpu_slots,
	const char *boot_id, reeve_ns now_wall, bool *ret_created, struct reeve_error *err);

/* Makes a segment that reeve__segment_map created visible under its path; loses no race. */
int reeve__segment_publish(
	struct reeve *r, const struct reeve_options *options, struct reeve_error *err);

/* Takes the addresses of another handle of the same memory. */
void reeve__segment_share(struct reeve *r, const struct reeve *parent);

void reeve__segment_unmap(struct reeve *r);

/*
 * An internal fault: enforcement stops for all, and every surface says why. Keeps the first reason.
 */
__attribute__((format(printf, 2, 3))) void reeve__segment_degrade(
	struct reeve *r, const char *format, ...);

static inline bool reeve__segment_ready(const struct reeve *r)
{
	return reeve__get(&r->header->state) == REEVE_SEGMENT_READY;
}

/*
 * Locks. acquire returns true when the last owner died holding it: the caller must then rebuild
 * what the lock protects before anything else. The lock is usable again either way. In a checking
 * build ranks must rise. Blocks; the owner's death unblocks.
 */
bool reeve__lock_acquire(struct reeve_sh_lock *lock);
/* The same without waiting: false when somebody has the lock, and *ret_died is untouched. */
bool reeve__lock_try(struct reeve_sh_lock *lock, bool *ret_died);
void reeve__lock_release(struct reeve_sh_lock *lock);
void reeve__lock_init(struct reeve_sh_lock *lock, uint32_t rank);
#if REEVE_CHECKED
/* Asserts that this thread holds the lock. */
void reeve__lock_assert(const struct reeve_sh_lock *lock);
/* Asserts that it holds none but the admin lock, under which the reaper also looks at /proc. */
void reeve__lock_assert_none(void);
#else
#define reeve__lock_assert(lock)  ((void)(lock))
#define reeve__lock_assert_none() ((void)0)
#endif

/* Wakes who sleeps on a word of the segment. Never under a lock: who is woken would run into it. */
static inline void reeve__wake(struct reeve *r, uint32_t *word)
{
	reeve__lock_assert_none();
	r->host->wake(r->host->self, word);
}

/*
 * Places that a tree of plans has room for: every group on top, every directive once, and with
 * each the group's own part of its sub-plan.
 */
static inline uint64_t reeve__tree_capacity(uint64_t groups, uint64_t directives)
{
	return groups + 2 * directives;
}

/*
 * Tables. All calls under the table's lock. A slot goes FREE, CLAIMED, LIVE, then FREE again, or
 * ENDED (kept to be looked at) and then FREE.
 */
static inline struct reeve_sh_head *reeve__table_head(
	const struct reeve *r, const struct reeve_sh_table *table, uint32_t i)
{
	return (struct reeve_sh_head *)(void *)(r->base + table->slots +
						(uint64_t)i * table->stride);
}

/* The id of a slot that may be given to somebody else right now, without the table's lock. */
static inline uint64_t reeve__head_id(const struct reeve_sh_head *head)
{
	return __atomic_load_n(&head->id, __ATOMIC_RELAXED);
}

/* Slots that may be in use: those below are looked at, the others never were. */
static inline uint32_t reeve__table_used(const struct reeve_sh_table *table)
{
	uint32_t used = reeve__get(&table->high_water);

	return used < table->capacity ? used : table->capacity;
}

/* A slot to fill; REEVE_NONE when the table is full. Reuses the oldest ended slot at the end. */
uint32_t reeve__table_claim(struct reeve *r, struct reeve_sh_table *table);
/* Makes a filled slot findable by its id (and name; NULL when the table has none). */
void reeve__table_publish(
	struct reeve *r, struct reeve_sh_table *table, uint32_t i, uint64_t id, const char *name);
/* Frees a slot, LIVE, CLAIMED or ENDED. `name` as published. */
void reeve__table_free(struct reeve *r, struct reeve_sh_table *table, uint32_t i, const char *name);
/* Marks a LIVE slot KEPT, or a LIVE or KEPT one ENDED; it stays findable by id. */
void reeve__table_keep(struct reeve *r, struct reeve_sh_table *table, uint32_t i);
void reeve__table_end(struct reeve *r, struct reeve_sh_table *table, uint32_t i);
/* Slot with this id, LIVE, KEPT or ENDED; REEVE_NONE. */
uint32_t reeve__table_find(const struct reeve *r, const struct reeve_sh_table *table, uint64_t id);
/* LIVE slot whose text at `name_offset` is `name`; REEVE_NONE. */
uint32_t reeve__table_find_name(const struct reeve *r, const struct reeve_sh_table *table,
	const char *name, size_t name_offset);
/* Eight bytes of a text that is loaded and stored whole. */
typedef uint64_t __attribute__((may_alias)) reeve__word;
/*
 * The same for a name as words padded with NULs, its last NUL among them, and its reeve__text_hash.
 * This one and reeve__table_find may be called without the lock by whoever can tell afterwards that
 * nothing has changed meanwhile; the answer is meaningless otherwise.
 */
uint32_t reeve__table_peek_name(const struct reeve *r, const struct reeve_sh_table *table,
	const uint64_t *words, size_t word_count, uint64_t hash, size_t name_offset);
/* Moves a slot to another name in the index, before its text is changed. */
void reeve__table_rename(struct reeve *r, struct reeve_sh_table *table, uint32_t i,
	const char *from, const char *to);
/*
 * Rebuilds lists, chains and counts from the slots' states; frees slots that were only claimed.
 * `name_offset` 0: no names. For recovery.
 */
void reeve__table_rebuild(struct reeve *r, struct reeve_sh_table *table, size_t name_offset);
/*
 * Copies LIVE (and, if asked, KEPT and ENDED) slots' indexes with an id above `after`, by id, up to
 * `capacity`. O(table * log(capacity)).
 */
uint32_t reeve__table_list(const struct reeve *r, const struct reeve_sh_table *table,
	uint64_t after, bool with_ended, uint32_t *ret_slots, uint32_t capacity);
/* Compares lists, chains and counts with the slots; a sentence about the first fault, or NULL. */
const char *reeve__table_check(const struct reeve *r, const struct reeve_sh_table *table);

/*
 * Events (event.c). emit numbers the event, puts the time in, and publishes it: wait-free, without a
 * system call, so any lock may be held and any process may call. Events of a segment that nobody can
 * see yet are not kept. A sleeping reader is woken by flush, which is to be called once no lock is
 * held any more; should nobody call it, the reader looks up by itself within REEVE_EVENT_LOOK_NS.
 */
#define REEVE_EVENT_LOOK_NS  ((reeve_ns)50000000)
#define REEVE_EVENT_STALE_NS ((reeve_ns)100000000)
void reeve__event_emit(struct reeve *r, const struct reeve_event *event);
/* Copies a text to an event, cut at a character's end. */
void reeve__event_text(struct reeve_event *event, const char *text);
void reeve__event_wake(struct reeve *r);
/* Whether something that may happen any number of times may be told now: once a second. */
#define REEVE_EVENT_PACE_NS INT64_C(1000000000)
static inline bool reeve__event_due(_Atomic uint64_t *told_ns, uint64_t now)
{
	uint64_t last = reeve__get(told_ns);

	return (last == 0 || (int64_t)(now - last) >= REEVE_EVENT_PACE_NS) &&
	       atomic_compare_exchange_strong(told_ns, &last, now ? now : 1);
}
static inline void reeve__event_flush(struct reeve *r)
{
	if (REEVE_UNLIKELY(reeve__get(&r->header->events.owed) != 0))
		reeve__event_wake(r);
}
uint32_t reeve__event_copy(struct reeve *r, uint64_t after, struct reeve_event *ret,
	uint32_t capacity, uint64_t *ret_next, uint64_t *ret_lost);
int reeve__event_wait(struct reeve *r, uint64_t after, reeve_ns deadline, struct reeve_error *err);
/* Checks the stamps of the ring; calls found for each fault; returns how many. */
int reeve__event_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

#endif
