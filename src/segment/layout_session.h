/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_session.h - session pools and the settings of session control. Letters as in layout.h, and
 * P: the lock of pools, in struct reeve_sh_session_domain.
 */
#ifndef REEVE_SEGMENT_LAYOUT_SESSION_H
#define REEVE_SEGMENT_LAYOUT_SESSION_H

#include "layout_base.h"

/* A pool that was configured by hand, in force while `activation` is the ruling's, plus 1. */
struct reeve_sh_session_pool_config {
	uint64_t activation;
	uint64_t queue_timeout_ns;
	uint32_t max_active;
	uint32_t allow_queuing;
};

/* One a group slot. Zero: the group has neither pool nor rules. */
struct reeve_sh_session_pool {
	/* read on every begin */
	_Atomic uint64_t word;		/* a: count, epoch and flags; see engine/session_pool.c */
	_Atomic uint32_t limit;		/* P writes: most active at once */
	_Atomic uint32_t allow_queuing; /* P writes */
	_Atomic uint64_t queue_timeout_ns; /* P writes; REEVE_UNLIMITED: none */
	uint64_t epoch;			   /* P: grows with every count made anew */
	uint32_t root;			   /* P d: heap of sessions that wait, by key */
	uint32_t waiting;		   /* P d */
	uint32_t tally;			   /* P d: count being made anew */
	uint32_t marking;  /* P: 1 while statements that run uncounted are counted in */
	uint64_t group_id; /* P: whose it is; another: the slot was given on */
	uint64_t pad;
	/* by hand */
	struct reeve_sh_session_pool_config
		config[2];	/* P: one is in force, the other may be half written */
	_Atomic uint32_t which; /* P */
	uint32_t pad2;
	_Atomic uint64_t limit_actions; /* a: statements and sessions that limits ended */
};

enum { REEVE_QUEUE_BUCKETS = 40 };

/* Settings and totals of session control. */
struct reeve_sh_session_domain {
	struct reeve_sh_lock lock;		 /* pools, rank POOLS */
	_Atomic uint64_t ruling_seen;		 /* P writes: ruling word that pools are of */
	_Atomic uint64_t looked_ns;		 /* h: last look at timeouts */
	_Atomic uint32_t global_limit;		 /* a: sessions of all groups; UINT32_MAX: none */
	_Atomic uint32_t checker_on;		 /* a */
	_Atomic uint32_t auto_terminate;	 /* a */
	_Atomic uint32_t execution_ends_session; /* a: what an execution timeout does */
	_Atomic uint64_t default_idle_ns, default_execution_ns; /* a: REEVE_UNLIMITED: none */
	_Atomic uint64_t idle_mark_ns;				/* a */
	_Atomic uint64_t queued, queue_timeouts, boosts, refused_estimates, rule_actions; /* a */
	_Atomic uint64_t idle_ends, idle_blocker_ends, execution_ends, runaway_ends;	  /* a */
	_Atomic uint32_t waiting;  /* P writes d: sessions in all queues */
	uint32_t admissions_ended; /* S d: kept */
	uint64_t tie;		   /* P: next arrival number */
	/* waits in queues that are over, by powers of two of nanoseconds from 2^10 */
	_Atomic uint64_t wait_count, wait_sum_ns, wait_min_ns, wait_max_ns; /* P writes */
	_Atomic uint64_t wait_buckets[REEVE_QUEUE_BUCKETS];		    /* P writes */
	_Atomic uint64_t admissions,
		admission_failures; /* S writes: began to run; refused or failed */
};

_Static_assert(sizeof(struct reeve_sh_session_pool) == 128, "a pool is two cache lines");
_Static_assert(sizeof(struct reeve_sh_session_domain) % 64 == 0, "session domain");

#endif
