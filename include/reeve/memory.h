/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - the memory manager: pools, allocations, quotas, pressure, advice.
 *
 * Pools form a tree below the database limit:
 *
 *	database limit ---- SGA (1) ---- BUFFER_CACHE (2), SHARED_POOL (3), LARGE_POOL (4)
 *	               ---- PGA (5)      what sessions hold counts here
 *
 * An allocation counts in its pool and in every pool above it, up to the database limit, and is
 * admitted only while it fits in all of them; so no sum can exceed its limit. Equality admits. A
 * refusal is RESOURCE_EXHAUSTED, names the limit, its value and what is in use, and changes nothing.
 *
 * reeve keeps the accounts; the bytes are the engine's own. What is charged to a session is bounded
 * by its quota (PGA and work area apart), by its group's limits, by the PGA pool and by the database
 * limit. A charge takes from a credit that was counted before, up to 1 MiB at a time, so most
 * charges take no lock and make no system call; the accounts therefore run ahead of use by the
 * credit that is out. Before anybody is refused, unused credit is called back.
 *
 * Whoever owns memory (a session, or the process that allocated without naming one) may free it,
 * once; when the owner ends or dies, it is returned.
 *
 * Threads: all functions may be called by any thread at once, except that reeve_memory_charge and
 * reeve_memory_release belong to the thread that uses the session. They block for the memory lock
 * only, for microseconds, and never wait for memory to come free.
 */
#ifndef REEVE_MEMORY_H
#define REEVE_MEMORY_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REEVE_MEMORY_DB_DEFAULT ((uint64_t)8589934592) /* 8 GiB, whatever the machine has */
#define REEVE_MEMORY_DB_MIN	((uint64_t)1048576)
#define REEVE_MEMORY_DB_MAX	((uint64_t)1 << 60)
/* A session's PGA quota when neither its group nor the caller says otherwise. */
#define REEVE_MEMORY_PGA_DEFAULT ((uint64_t)104857600)
#define REEVE_MEMORY_POOLS_MAX	 32u
#define REEVE_MEMORY_TAG_MAX	 33

#define REEVE_POOL_SGA		((uint64_t)1)
#define REEVE_POOL_BUFFER_CACHE ((uint64_t)2)
#define REEVE_POOL_SHARED	((uint64_t)3)
#define REEVE_POOL_LARGE	((uint64_t)4)
#define REEVE_POOL_PGA		((uint64_t)5)

typedef struct {
	uint64_t v;
} reeve_pool_id;
typedef struct {
	uint64_t v;
} reeve_allocation_id;

enum reeve_pool_type {
	REEVE_POOL_SHARED_GLOBAL = 0,
	REEVE_POOL_PROGRAM_GLOBAL = 1,
	REEVE_POOL_WORK_AREA = 2,
	REEVE_POOL_TYPE_BUFFER_CACHE = 3,
	REEVE_POOL_TYPE_SHARED_POOL = 4,
	REEVE_POOL_TYPE_LARGE_POOL = 5
};

enum reeve_memory_kind {
	REEVE_MEMORY_PGA = 0,	   /* private memory of a session */
	REEVE_MEMORY_WORK_AREA = 1 /* sorts and hashes, which can spill */
};

/*
 * Pressure, by usage of the database limit (and of the container, and by the kernel's stall figures,
 * where the host has them). What each level does, besides what those below it do:
 *
 *	LOW       credit is given out in the smallest chunks, and is returned at statement end
 *	MEDIUM    registered callbacks are asked to shrink
 *	HIGH      all unused credit is called back; work areas shrink: a session's may grow to a
 *	          quarter of its quota only
 *	CRITICAL  everything is refused, except to sessions of SYS_GROUP
 *
 * Who is not of SYS_GROUP is never admitted past the threshold of CRITICAL, in however large a step.
 */
enum reeve_memory_level {
	REEVE_PRESSURE_NONE = 0,
	REEVE_PRESSURE_LOW = 1,
	REEVE_PRESSURE_MEDIUM = 2,
	REEVE_PRESSURE_HIGH = 3,
	REEVE_PRESSURE_CRITICAL = 4
};

/* Who sizes pools, once reeve_pool_update has set auto_tune. */
enum reeve_memory_strategy {
	REEVE_STRATEGY_AUTOMATIC = 0, /* recommendations are applied */
	REEVE_STRATEGY_MANUAL = 1,    /* they are only told */
	/*
	 * Applied when they promise at least hybrid_benefit_ppm, and never to more than the size
	 * that an operator gave the pool last.
	 */
	REEVE_STRATEGY_HYBRID = 2
};

/* ---- settings ---- */

struct reeve_memory_config {
	/* REEVE_MEMORY_DB_MIN to _MAX. Changing it resizes all pools in proportion. */
	uint64_t db_limit_bytes;
	/* Thresholds, rising, 1 to REEVE_PPM; defaults 600,000, 750,000, 850,000, 950,000. */
	uint32_t low_ppm, medium_ppm, high_ppm, critical_ppm;
	/* A level is left when usage is this far below its threshold; 0 to 100,000, default 20,000. */
	uint32_t hysteresis_ppm;
	uint32_t strategy;	     /* enum reeve_memory_strategy; default AUTOMATIC */
	uint32_t hybrid_benefit_ppm; /* default 200,000 */
	reeve_ns tune_period_ns; /* 100 ms to a day between resizes by reeve_tick; default 60 s */
};

REEVE_API void reeve_memory_config_get(struct reeve *reeve, struct reeve_memory_config *ret_config);
/*
 * Sets all, or nothing. INVALID_ARGUMENT names field, value and range; CONFLICT when a pool holds
 * more than it would have left.
 */
REEVE_API int reeve_memory_config_set(
	struct reeve *reeve, const struct reeve_memory_config *config, struct reeve_error *err);

/* ---- pools ---- */

struct reeve_pool_def {
	const char *name;      /* 1 to 64 bytes, unique */
	uint32_t type;	       /* enum reeve_pool_type */
	reeve_pool_id parent;  /* .v 0: directly below the database limit */
	uint64_t max_bytes;    /* 1 to the parent's */
	uint64_t min_bytes;    /* 0 to max_bytes: the advisor shrinks it no further */
	uint64_t target_bytes; /* REEVE_UNLIMITED: none; see reeve_pool_update */
	uint64_t page_bytes;   /* what one reeve_memory_access stands for; default 8,192 */
	bool auto_tune;	       /* the advisor may have an opinion of it; default off */
};
#define REEVE_POOL_DEF_INIT                                                                        \
	{                                                                                          \
		NULL, REEVE_POOL_SHARED_GLOBAL, {0}, 0, 0, REEVE_UNLIMITED, 8192, false            \
	}

enum {
	REEVE_POOL_SET_MAX = 1 << 0,
	REEVE_POOL_SET_MIN = 1 << 1,
	REEVE_POOL_SET_TARGET = 1 << 2,
	REEVE_POOL_SET_AUTO_TUNE = 1 << 3,
	REEVE_POOL_SET_PAGE = 1 << 4
};

struct reeve_pool_info {
	reeve_pool_id id;
	char name[REEVE_ATTRIBUTE_MAX];
	uint32_t type;
	reeve_pool_id parent; /* .v 0: the database limit */
	uint64_t max_bytes, min_bytes;
	uint64_t target_bytes;	  /* REEVE_UNLIMITED: none */
	uint64_t allocated_bytes; /* of this pool and those below it */
	uint64_t available_bytes; /* until max (or target, when that is lower) */
	uint32_t usage_ppm;	  /* allocated over max */
	uint64_t peak_bytes;
	uint64_t page_bytes;
	bool auto_tune;
	uint64_t allocations; /* live ones in the pool itself */
	uint64_t failed_allocations;
	reeve_ns created_wall;
	uint64_t revision; /* counts changes of pools and settings; of this pool's last */
};

/*
 * Adds a pool; its id counts from 100. Maxima of pools may add up to more than their parent's: what
 * they hold may not. INVALID_ARGUMENT, ALREADY_EXISTS (name), NOT_FOUND (parent),
 * RESOURCE_EXHAUSTED (table full, or max_bytes above the parent's).
 */
REEVE_API int reeve_pool_create(struct reeve *reeve, const struct reeve_pool_def *def,
	reeve_pool_id *ret_id, struct reeve_error *err);
/*
 * Changes the fields that `fields` (REEVE_POOL_SET_...) names, all or none. A maximum below what the
 * pool holds (or one of its children may have) is CONFLICT. A target below the maximum admits no
 * more than the target from now on, has the pool's callbacks asked for the rest, and becomes the
 * maximum once the pool is down to it; one above the maximum becomes it as soon as there is room in
 * the parent.
 */
REEVE_API int reeve_pool_update(struct reeve *reeve, reeve_pool_id id, uint32_t fields,
	const struct reeve_pool_def *def, struct reeve_error *err);
/* PERMISSION_DENIED for pools 1 to 5; CONFLICT while it holds anything or has children. */
REEVE_API int reeve_pool_destroy(struct reeve *reeve, reeve_pool_id id, struct reeve_error *err);
REEVE_API int reeve_pool_get(struct reeve *reeve, reeve_pool_id id,
	struct reeve_pool_info *ret_info, struct reeve_error *err);
REEVE_API bool reeve_pool_find(struct reeve *reeve, const char *name, reeve_pool_id *ret_id);
/* Up to `capacity` pools with an id above `after`, by id, of one moment. */
REEVE_API uint32_t reeve_pool_copy(struct reeve *reeve, reeve_pool_id after,
	struct reeve_pool_info *ret_infos, uint32_t capacity);

/* ---- allocations ---- */

/*
 * Takes `bytes` (at least 1) from a pool, for a session (.v 0: for this process). `tag` (NULL: none)
 * is up to 32 bytes. Of a pool that sessions' memory counts in (5), a session's allocation is bounded
 * by its PGA quota and its group too. *ret_id is the handle. Errors: NOT_FOUND (pool, session),
 * RESOURCE_EXHAUSTED, INVALID_ARGUMENT, INVALID_STATE (the session has ended). O(depth of the tree).
 */
REEVE_API int reeve_memory_allocate(struct reeve *reeve, reeve_pool_id pool, uint64_t bytes,
	reeve_session_id session, const char *tag, reeve_allocation_id *ret_id,
	struct reeve_error *err);
/*
 * Returns an allocation. `session` is the owner on whose behalf it is freed; .v 0: this process,
 * which may free what it allocated itself and what its own sessions own. NOT_FOUND when it was freed
 * before; PERMISSION_DENIED when it is another's.
 */
REEVE_API int reeve_memory_free(struct reeve *reeve, reeve_allocation_id id,
	reeve_session_id session, struct reeve_error *err);
/*
 * Returns bytes of this process's own allocations in a pool (those without session), whichever come
 * first; the last one may only shrink. CONFLICT when they are fewer. O(allocation table).
 */
REEVE_API int reeve_memory_give_back(
	struct reeve *reeve, reeve_pool_id pool, uint64_t bytes, struct reeve_error *err);

struct reeve_allocation_info {
	reeve_allocation_id id;
	reeve_pool_id pool;
	reeve_session_id session; /* .v 0: a process's own */
	reeve_group_id group;	  /* of the session; .v 0: none */
	int32_t pid;		  /* of the process that allocated */
	uint64_t bytes;
	char tag[REEVE_MEMORY_TAG_MAX];
	reeve_ns created_wall;
};

REEVE_API int reeve_allocation_get(struct reeve *reeve, reeve_allocation_id id,
	struct reeve_allocation_info *ret_info, struct reeve_error *err);
/* Up to `capacity` live allocations with an id above `after`, by id; .v 0 of pool, session: all. */
REEVE_API uint32_t reeve_allocation_copy(struct reeve *reeve, reeve_allocation_id after,
	reeve_pool_id pool, reeve_session_id session, struct reeve_allocation_info *ret_infos,
	uint32_t capacity);

/* ---- sessions ---- */

/*
 * Charges `bytes` to the session that the caller runs, before it takes them. The first charge gives
 * a session a quota, if it has none, with the defaults. `kind` is enum reeve_memory_kind. Mostly one
 * compare-and-swap. Errors: RESOURCE_EXHAUSTED, KILLED (the session has ended), INVALID_ARGUMENT.
 */
REEVE_API int reeve_memory_charge(
	struct reeve_session *session, uint32_t kind, uint64_t bytes, struct reeve_error *err);
/* Gives back what was charged. INVALID_ARGUMENT when it is more than the session was charged. */
REEVE_API int reeve_memory_release(
	struct reeve_session *session, uint32_t kind, uint64_t bytes, struct reeve_error *err);

/*
 * Gives a session a quota, or changes the one it has (its usage stays). `max_pga` and
 * `max_work_area`: REEVE_UNLIMITED asks for the defaults: the group's limit a session or 100 MiB, and
 * a quarter of that. A quota below usage only stops growth. `group`: .v 0: the session's own. A
 * session that reeve does not know is one of an outside engine: it wants a group, and its id will not
 * be handed to a session of reeve's; what it holds stays until its quota is removed. Errors: NOT_FOUND (group), CONFLICT (the session is of another
 * group), RESOURCE_EXHAUSTED (above the group's limit a session; a table is full), INVALID_ARGUMENT.
 */
REEVE_API int reeve_memory_quota_set(struct reeve *reeve, reeve_session_id session,
	reeve_group_id group, uint64_t max_pga, uint64_t max_work_area, struct reeve_error *err);
/*
 * Ends the quota of an outside engine's session and returns all it holds. Of a session that reeve
 * runs: CONFLICT while anything is charged to it, else it is as if it never had one. NOT_FOUND.
 */
REEVE_API int reeve_memory_quota_remove(
	struct reeve *reeve, reeve_session_id session, struct reeve_error *err);
/*
 * Charges a session by its id, for engines that do not run it through this library. Kept apart from
 * what its owner charges: only what was charged so is released so. Errors as of
 * reeve_memory_charge; NOT_FOUND for a session that neither reeve nor a quota knows.
 */
REEVE_API int reeve_memory_session_charge(struct reeve *reeve, reeve_session_id session,
	uint32_t kind, uint64_t bytes, struct reeve_error *err);
REEVE_API int reeve_memory_session_release(struct reeve *reeve, reeve_session_id session,
	uint32_t kind, uint64_t bytes, struct reeve_error *err);

struct reeve_memory_quota_info {
	reeve_session_id session;
	reeve_group_id group;
	uint64_t max_pga_bytes; /* in force: the group's limit a session may be lower */
	uint64_t max_work_area_bytes;
	uint64_t pga_bytes;	  /* in use; allocations of pool 5 that the session owns included */
	uint64_t work_area_bytes; /* in use */
	uint64_t credit_bytes;	  /* counted in the pool beyond that, ready for the next charges */
	uint64_t peak_bytes;	  /* highest of PGA and work area together */
	uint64_t charges;
	reeve_ns last_charge_wall; /* to a tenth of a second while something ticks; 0: never */
	bool is_registered;	   /* false: a session of an outside engine */
};

REEVE_API int reeve_memory_quota_get(struct reeve *reeve, reeve_session_id session,
	struct reeve_memory_quota_info *ret_info, struct reeve_error *err);
/* Up to `capacity` quotas with a session id above `after`, by id; .v 0 of group: all. */
REEVE_API uint32_t reeve_memory_quota_copy(struct reeve *reeve, reeve_session_id after,
	reeve_group_id group, struct reeve_memory_quota_info *ret_infos, uint32_t capacity);

/* ---- groups ---- */

/*
 * Sets limits of a group by hand, until the next plan activation. Registering again replaces.
 * REEVE_UNLIMITED: not set by hand; then the plan's directive counts, if it has a limit.
 * `max_session_pga` caps every session's PGA quota. NOT_FOUND, INVALID_ARGUMENT (0).
 */
REEVE_API int reeve_memory_group_register(struct reeve *reeve, reeve_group_id group,
	uint64_t max_group_memory, uint64_t max_session_pga, struct reeve_error *err);
/* Ends a registration. NOT_FOUND when there is none in force. */
REEVE_API int reeve_memory_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err);

struct reeve_memory_group_info {
	reeve_group_id group;
	uint64_t max_group_memory; /* in force; REEVE_UNLIMITED: none */
	uint64_t max_session_pga;  /* in force; REEVE_UNLIMITED: none */
	bool is_registered;	   /* by hand */
	uint64_t used_bytes;	   /* by all its sessions, unused credit included */
	uint64_t peak_bytes;
	uint32_t sessions; /* with a quota */
};

REEVE_API int reeve_memory_group_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_memory_group_info *ret_info, struct reeve_error *err);
/* Up to `capacity` groups with an id above `after`, by id. */
REEVE_API uint32_t reeve_memory_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_memory_group_info *ret_infos, uint32_t capacity);

/* ---- pressure ---- */

struct reeve_memory_pressure {
	uint32_t level;	      /* enum reeve_memory_level */
	uint32_t usage_ppm;   /* of the database limit */
	uint32_t outside_ppm; /* of the container's limit, page cache apart; 0: none */
	uint32_t stall_ppm;   /* some task stalled for memory, 10 s mean; UINT32_MAX: not told */
	uint32_t low_ppm, medium_ppm, high_ppm, critical_ppm, hysteresis_ppm;
	reeve_ns since_wall;
	uint64_t wanted_bytes; /* to be given back until callbacks are left alone */
};

REEVE_API void reeve_memory_pressure_get(
	struct reeve *reeve, struct reeve_memory_pressure *ret_pressure);

/*
 * Asked to give back about `bytes` of pool `pool` (0: of any). Called from reeve_tick and from
 * checkpoints of this process, on the caller's thread, at most every 100 ms, with no lock held. It
 * may call anything of this header, but not reeve_tick, a checkpoint, or reeve_memory_on_pressure.
 */
typedef void (*reeve_memory_shrink_fn)(
	void *arg, uint32_t level, reeve_pool_id pool, uint64_t bytes);

/*
 * Registers a callback of this process for a pool (.v 0: for pressure of the database as a whole).
 * The same function and argument again replace the earlier registration; `shrink` must stay valid
 * until reeve_close or reeve_memory_off_pressure. RESOURCE_EXHAUSTED: there are 16 already.
 */
REEVE_API int reeve_memory_on_pressure(struct reeve *reeve, reeve_pool_id pool,
	reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err);
/* Ends it; a call that is under way on another thread is waited for. NOT_FOUND. */
REEVE_API int reeve_memory_off_pressure(
	struct reeve *reeve, reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err);

/* ---- advice ---- */

/*
 * Tells that a page of a pool was accessed; `page_hash` names it, the same each time. Feeds the
 * pool's miss-ratio curve. Mostly a multiplication and a compare. An unknown pool is ignored.
 */
REEVE_API void reeve_memory_access(struct reeve *reeve, reeve_pool_id pool, uint64_t page_hash);

struct reeve_memory_curve {
	uint64_t references; /* accesses told, aged: halved every 65,536 samples */
	uint64_t samples;    /* of them sampled, since the curve was begun */
	uint32_t rate_ppm;   /* part of all pages that is sampled now */
	bool is_usable;	     /* at least 1,000 samples */
};

/*
 * The share of accesses that would miss if the pool had so many bytes, in ppm, for each of `n` sizes.
 * `ret_curve` may be NULL. NOT_FOUND (pool), INVALID_STATE (fewer than 1,000 samples).
 */
REEVE_API int reeve_memory_miss_ratio(struct reeve *reeve, reeve_pool_id pool,
	const uint64_t *sizes, uint32_t n, uint32_t *ret_ppm, struct reeve_memory_curve *ret_curve,
	struct reeve_error *err);
/* Forgets a pool's curve, when its work is known to have changed. */
REEVE_API int reeve_memory_curve_reset(
	struct reeve *reeve, reeve_pool_id pool, struct reeve_error *err);

struct reeve_memory_recommendation {
	reeve_pool_id pool;
	char pool_name[REEVE_ATTRIBUTE_MAX];
	uint64_t current_bytes;	    /* maximum when it was computed */
	uint64_t recommended_bytes; /* what the pool ought to have */
	uint64_t applied_bytes;	    /* what it was given; 0: nothing */
	/* First rule: |usage - 75 %| / 25 %. Curve: part of the misses avoided, or of the pool saved. */
	uint64_t benefit_ppm;
	bool is_measured; /* by a miss-ratio curve */
	char reason[128];
	reeve_ns wall;
};

/*
 * Computes recommendations for pools with auto_tune, by id; with `apply`, resizes as the strategy
 * says, so that children's maxima stay within their parent's. Returns how many there are, of which
 * up to `capacity` were copied.
 */
REEVE_API int reeve_memory_tune(struct reeve *reeve, bool apply,
	struct reeve_memory_recommendation *ret, uint32_t capacity, struct reeve_error *err);

/* ---- statistics ---- */

/* Why allocations and charges were refused. */
enum reeve_memory_refusal {
	REEVE_REFUSED_POOL = 0,
	REEVE_REFUSED_PARENT = 1,
	REEVE_REFUSED_DATABASE = 2,
	REEVE_REFUSED_SESSION = 3,   /* PGA quota */
	REEVE_REFUSED_WORK_AREA = 4, /* work area quota, or work areas shrunk */
	REEVE_REFUSED_GROUP = 5,
	REEVE_REFUSED_PRESSURE = 6,
	REEVE_REFUSED_UNKNOWN = 7, /* no such pool or session, or the session has ended */
	REEVE_REFUSED_TABLE = 8,   /* the table of allocations or quotas is full */
	REEVE_REFUSED_CAUSES = 9
};

/* Since the segment was created; of one moment. */
struct reeve_memory_stats {
	uint64_t allocations;	/* from pools, with a handle */
	uint64_t deallocations; /* allocations - deallocations is what is live */
	uint64_t failed[REEVE_REFUSED_CAUSES];
	uint64_t failed_allocations; /* their sum */
	/* Taken from pools and returned to them, by allocations and by sessions with their credit:
	   allocated_bytes - freed_bytes is used_bytes. */
	uint64_t allocated_bytes, freed_bytes;
	uint64_t used_bytes, peak_bytes;
	uint64_t limit_bytes;
	uint64_t pool_bytes;	/* of used: by allocations */
	uint64_t session_bytes; /* of used: by sessions, unused credit included */
	uint64_t pressure_events, auto_adjustments;
	uint64_t reclaimed_bytes; /* freed by callbacks while they were called */
	uint64_t system_bytes;	  /* of the machine, or of the container; 0: not told */
	uint64_t resident_bytes;  /* of this process; 0: not told */
	uint32_t level;
};

/* Reads the host's figures, which takes system calls; then one lock. */
REEVE_API void reeve_memory_stats_get(struct reeve *reeve, struct reeve_memory_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
