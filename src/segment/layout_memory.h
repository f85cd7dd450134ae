/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_memory.h - what the memory manager has in the segment. Letters as in layout.h, and
 *
 *   M memory lock
 *
 * Primary: the definition block that `which` names, allocations that are LIVE, and of each quota
 * that is LIVE its group, credit and by-hand charges. All sums follow from these.
 */
#ifndef REEVE_SEGMENT_LAYOUT_MEMORY_H
#define REEVE_SEGMENT_LAYOUT_MEMORY_H

#include "layout.h"

#define REEVE_SH_POOLS 32u
#define REEVE_SH_KINDS 2u /* PGA, work area */

/* One sampler of page accesses (policy/shards.h); the segment only gives it room. */
#define REEVE_SH_SHARDS_BYTES 136256u

struct reeve_sh_pool_def {
	uint64_t id; /* 0: unused */
	uint64_t max_bytes;
	uint64_t min_bytes;
	uint64_t target_bytes;	 /* UINT64_MAX: none */
	uint64_t operator_bytes; /* the maximum that a person gave it last */
	uint64_t page_bytes;
	uint64_t revision;
	int64_t created_wall;
	uint32_t parent; /* index; REEVE_NONE: the database limit */
	uint32_t type;
	uint32_t auto_tune;
	uint32_t pad;
	char name[112];
};

/*
 * All that people or the advisor decide, in one block. There are two: a change is prepared in the
 * one that is not in force, which is then named by one store. Nobody ever finds half a change.
 */
struct reeve_sh_memory_def {
	uint64_t limit_bytes;
	uint32_t threshold_ppm[4];
	uint32_t hysteresis_ppm;
	uint32_t strategy;
	uint32_t hybrid_benefit_ppm;
	uint32_t pad;
	uint64_t tune_period_ns;
	uint64_t next_pool_id;
	uint64_t revision;
	struct reeve_sh_pool_def pools[REEVE_SH_POOLS];
};

/* A pool's accounts. */
struct reeve_sh_pool {
	uint64_t allocated;	 /* M d: here and below */
	uint64_t peak;		 /* M */
	uint64_t failed;	 /* M */
	uint64_t allocations;	 /* M d: live ones of this pool itself */
	_Atomic uint64_t id;	 /* M d: 0: unused */
	_Atomic uint64_t sample; /* h: the sampler's threshold; what hashes below it is sampled */
	uint64_t pad[2];
};

/* A group's account and limits, by group slot. Void unless `group_id` is the slot's group. */
struct reeve_sh_memory_group {
	uint64_t group_id;	/* M */
	uint64_t used;		/* M d: credit and by-hand charges of its sessions */
	uint64_t peak;		/* M */
	uint32_t sessions;	/* M d */
	_Atomic uint32_t which; /* M: registration in force */
	struct {
		uint64_t activation; /* M: it is of, + 1; 0: none */
		uint64_t max_group;
		uint64_t max_session;
	} registration[2];
	uint64_t pad[6];
};

/* What one session may and does hold. */
struct reeve_sh_quota {
	struct reeve_sh_head head;	    /* id: the session's */
	uint32_t session;		    /* i: slot; REEVE_NONE: of an outside engine */
	uint32_t group;			    /* M: slot */
	uint32_t first_owned;		    /* M d: its allocations */
	uint32_t chunk;			    /* M: bytes of credit that its next refill takes */
	uint64_t max_bytes[REEVE_SH_KINDS]; /* M */
	/* its owner's: what a charge touches */
	_Atomic uint64_t room[REEVE_SH_KINDS]; /* a: credit not used; used + room <= credit */
	_Atomic uint64_t used[REEVE_SH_KINDS]; /* o */
	_Atomic uint64_t charges;	       /* o */
	_Atomic uint64_t peak;		       /* o */
	_Atomic int64_t last_wall;	       /* a */
	_Atomic uint64_t ruling_seen; /* a: ruling word when all limits last held; 0: look */
	/* counted in the pools */
	_Atomic uint64_t credit[REEVE_SH_KINDS]; /* M writes */
	_Atomic uint64_t hand[REEVE_SH_KINDS];	 /* M writes: charged by id */
	_Atomic uint64_t owned;			 /* M d: allocations of the PGA pool that it owns */
	uint64_t hand_charges;			 /* M */
	uint64_t hand_peak;			 /* M */
	_Atomic uint64_t admitted; /* M writes: work area of the session's admission */
};

struct reeve_sh_allocation {
	struct reeve_sh_head head;
	uint64_t bytes;		 /* M */
	uint64_t session_id;	 /* i: 0: its process's own */
	uint64_t created_cycles; /* i */
	uint32_t pool;		 /* i: index */
	uint32_t attachment;	 /* i: slot of whoever allocated */
	uint32_t quota;		 /* i: slot of its session's; REEVE_NONE */
	uint32_t next, previous; /* M d: of the same session */
	uint32_t pad;
	char tag[48]; /* i */
};

struct reeve_sh_memory {
	/* read by every charge */
	_Atomic uint32_t level;	    /* M writes */
	_Atomic uint32_t which;	    /* M writes: definition in force */
	_Atomic int64_t clock_wall; /* h */
	_Atomic uint64_t wanted;    /* h: bytes to be given back, when last looked */
	_Atomic uint32_t rebuild;   /* a: 1: adopted after a reboot, sums are to be made anew */
	_Atomic uint32_t targets;   /* h: pools that are on their way to a target */
	uint32_t pad[8];
	struct reeve_sh_lock lock;
	struct reeve_sh_lock sampler_lock;
	/* sums */
	uint64_t used;		/* M d */
	uint64_t pool_bytes;	/* M d: of it, by allocations */
	uint64_t session_bytes; /* M d: of it, by sessions */
	uint64_t rise_bytes;	/* M d: usage at which the level rises, and below which it falls */
	uint64_t fall_bytes;	/* M d */
	uint64_t peak;		/* M */
	uint64_t next_allocation_id; /* M */
	uint64_t tuned_ns;	     /* M */
	/* totals */
	uint64_t allocations, deallocations; /* M */
	uint64_t pressure_events;	     /* M */
	uint64_t auto_adjustments;	     /* M */
	_Atomic uint64_t reclaimed;	     /* a */
	_Atomic uint64_t failed[11];	     /* a: by enum reeve_memory_refusal */
	/* from outside */
	int64_t level_since_wall; /* M */
	uint64_t fed_ns;	  /* M: when the host was last asked */
	uint32_t outside_ppm;	  /* M: of the container's limit */
	uint32_t stall_some_ppm;  /* M */
	uint32_t stall_full_ppm;  /* M */
	uint32_t fed_by;	  /* M: attachment */
	uint64_t most_bytes;	  /* M d: where CRITICAL begins: nobody but the system goes on */
	uint64_t taken_bytes, returned_bytes; /* M: totals; taken - returned is what is in use */
	uint64_t pad2[1];
	struct reeve_sh_pool pools[REEVE_SH_POOLS];
	struct reeve_sh_memory_def defs[2];
};

_Static_assert(sizeof(struct reeve_sh_pool_def) == 192, "pool definition");
_Static_assert(sizeof(struct reeve_sh_memory_def) % 64 == 0, "memory definitions");
_Static_assert(sizeof(struct reeve_sh_pool) == 64, "a pool's accounts are a cache line");
_Static_assert(sizeof(struct reeve_sh_memory_group) == 128, "memory of a group");
_Static_assert(sizeof(struct reeve_sh_quota) == 192, "quota");
_Static_assert(offsetof(struct reeve_sh_quota, room) == 64, "a charge touches one cache line");
_Static_assert(sizeof(struct reeve_sh_allocation) == 128, "allocation");
_Static_assert(sizeof(struct reeve_sh_memory) % 64 == 0, "memory");

#endif
