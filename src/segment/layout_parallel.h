/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_parallel.h - what parallel control keeps in the segment. Part of layout.h, which includes it.
 *
 * Letters as there, and:  P parallel lock (rank 50)
 *
 * Primary state: an execution's phase, its word, and (without server pools) how many servers it
 * holds; a server's execution; a pool's definition; a group's registration; the settings. Which
 * servers a pool execution holds is said by the servers alone. All else is derived.
 */
#ifndef REEVE_SEGMENT_LAYOUT_PARALLEL_H
#define REEVE_SEGMENT_LAYOUT_PARALLEL_H

#include "layout.h"

/* Groups that one server pool may be kept for. */
#define REEVE_SH_POOL_GROUPS 32u
/* Buckets of the histogram of waits: four to each doubling of a microsecond. */
#define REEVE_SH_PARALLEL_BUCKETS 128u

/*
 * QUEUED -> INITIALIZING -> EXECUTING -> COMPLETING -> COMPLETED | FAILED, numbered as in the public
 * header; QUEUED -> FAILED when it is cancelled or out of time.
 */
struct reeve_sh_execution {
	struct reeve_sh_head head;
	/* what its owner polls: generation of the slot << 32 | servers it may use now */
	_Atomic uint64_t word;	  /* P writes */
	_Atomic uint32_t phase;	  /* P writes: enum reeve_execution_state */
	_Atomic uint32_t outcome; /* P writes: code of its failure as a positive number; 0 */
	uint32_t group;		  /* P: slot */
	uint32_t pool;		  /* P: slot; REEVE_NONE: no pool's servers */
	uint32_t held;		  /* P: servers held; derived when a pool's */
	uint32_t servers;	  /* P d: list of them, through reeve_sh_server.next */
	/* who asked, and for what */
	uint64_t session_id;	/* i */
	uint32_t session;	/* i: slot; REEVE_NONE: of an outside engine */
	uint32_t attachment;	/* i: slot */
	uint32_t mode;		/* i: enum reeve_parallel_mode */
	uint32_t requested_dop; /* i: the caller's number; 0: none given */
	uint32_t target_dop;	/* i: after mode, cost, load and limits */
	uint32_t min_dop;	/* i: least that will do */
	uint32_t need;		/* i: least it waits for */
	uint32_t priority;	/* i */
	uint32_t flags;		/* P: REEVE_SH_EXECUTION_... */
	uint32_t granted_first; /* P: what it was granted when it started */
	uint64_t cost_milli;	/* i */
	uint64_t rows_estimate; /* i */
	/* instants of the monotonic clock; 0: not yet */
	uint64_t requested_ns;	   /* i */
	uint64_t started_ns;	   /* P */
	uint64_t ended_ns;	   /* P */
	uint64_t deadline_ns;	   /* i: for its start; REEVE_UNLIMITED */
	uint64_t adapted_ns;	   /* P: last change of its servers */
	uint64_t charged_ns;	   /* P: until when its servers are counted in its group's age */
	_Atomic uint64_t rows;	   /* a: processed, as reported */
	_Atomic uint64_t bytes;	   /* a */
	struct reeve_sh_node node; /* P d: in its group's queue */
	uint32_t session_next;	   /* P d: of the same session's */
	uint32_t session_previous; /* P d */
	char failure[88];	   /* P */
};

enum {
	REEVE_SH_EXECUTION_DOWNGRADE = 1, /* may start with less than its target */
	REEVE_SH_EXECUTION_EXTERNAL = 2,  /* its session is an outside engine's */
	REEVE_SH_EXECUTION_AWAITED = 4,	  /* its owner sleeps in a call until it starts or fails */
	REEVE_SH_EXECUTION_RUNS_SERIAL = 8, /* out of time in the queue: run it serially */
	REEVE_SH_EXECUTION_BY_PLAN = 16,    /* the deadline is the plan's, not the caller's */
	REEVE_SH_EXECUTION_OUTSIDE = 32,    /* asked for by ids: no process polls its degree */
	REEVE_SH_EXECUTION_TOLD = 64,	    /* an event has told of it, so one tells of its end */
	REEVE_SH_EXECUTION_ADMITTED =
		128 /* of its session's admission, and its session's process's */
};

struct reeve_sh_server {
	struct reeve_sh_head head;
	_Atomic uint32_t state; /* P: enum reeve_server_state */
	uint32_t type;		/* P: enum reeve_server_type */
	uint32_t pool;		/* i: slot */
	uint32_t execution;	/* P: slot; REEVE_NONE: none. Primary */
	uint32_t next;		/* P d: of the execution's list, or of the idle ones of its pool */
	uint32_t previous;	/* P d: idle ones: the one used later */
	int32_t cpu_affinity;	/* P: processor; -1: any */
	uint32_t pad;
	/* times */
	int64_t created_wall;	/* i */
	uint64_t last_used_ns;	/* P: monotonic; 0: never */
	uint64_t idle_since_ns; /* P: monotonic */
	uint64_t cpu_ns;	/* P: as reported */
	uint64_t pad2[4];
};

/* What is said of a pool: changed as a whole. */
struct reeve_sh_server_pool_def {
	uint32_t min_servers, max_servers;
	uint64_t idle_timeout_ns;
	uint32_t group_count;
	uint32_t pad;
	uint64_t groups[REEVE_SH_POOL_GROUPS]; /* ids */
	char name[136];
};

struct reeve_sh_server_pool {
	struct reeve_sh_head head;
	int64_t created_wall;		     /* i */
	uint64_t revision;		     /* P */
	uint32_t servers;		     /* P d: there are */
	uint32_t idle;			     /* P d */
	uint32_t idle_first;		     /* P d: used last */
	uint32_t idle_last;		     /* P d: unused longest */
	struct reeve_sh_server_pool_def def; /* P */
	uint64_t pad[4];
};

/* A group's limits as set by hand. Two of them, so that one store changes all. */
struct reeve_sh_parallel_limit {
	uint64_t group_id; /* P: 0: none */
	uint32_t degree;   /* P: UINT32_MAX: none */
	uint32_t servers;  /* P: UINT32_MAX: none */
};

/* One a group slot. */
struct reeve_sh_parallel_group {
	_Atomic uint64_t registered; /* P: activation + 1 << 1 | which of the two counts */
	struct reeve_sh_parallel_limit limits[2];
	uint64_t age;		   /* P: servers' time over weight */
	uint32_t executing;	   /* P d */
	uint32_t in_use;	   /* P d: servers held by its executions */
	uint32_t waiting;	   /* P d */
	uint32_t root;		   /* P d: queue of its waiting executions */
	uint32_t least;		   /* P d: none of them waits for less */
	uint32_t known;		   /* P: 1 once it was looked at; before that it is all zero */
	struct reeve_sh_node node; /* P d: in the queue of groups */
	uint64_t pad2[3];
};

struct reeve_sh_parallel_config {
	uint32_t cpu_cores;
	uint32_t io_parallelism;
	uint32_t max_total_dop;
	uint32_t downgrade_enabled;
	uint64_t queue_timeout_ns;
	uint64_t pad[5];
};

struct reeve_sh_parallel {
	struct reeve_sh_lock lock;
	/* settings: two, so that one store changes all */
	struct reeve_sh_parallel_config config[2];
	/* load of the machine */
	_Atomic uint32_t which;		/* P writes: the settings that count */
	_Atomic uint32_t load_ppm;	/* a */
	_Atomic uint64_t load_set_ns;	/* a: a caller set it then; 0: measured */
	_Atomic uint64_t load_taken_ns; /* a: last measurement */
	_Atomic uint64_t load_busy;	/* a: processor time then, in units of the host */
	_Atomic uint64_t load_all;
	uint64_t pad[3];
	/* what is going on */
	uint32_t executing; /* P d */
	uint32_t in_use;    /* P d: servers held, pools' and others */
	uint32_t waiting;   /* P d */
	uint32_t adaptive;  /* P d: adaptive ones executing */
	uint32_t ended;	    /* P d: executions kept to be looked at */
	uint32_t root;	    /* P d: queue of groups that wait */
	uint32_t servers;   /* P d: in all pools */
	uint32_t pad7;
	uint64_t next_deadline_ns; /* P d: nobody who waits is out of time before */
	uint64_t clock;		   /* P: age of the group served last */
	uint64_t tie;		   /* P: next arrival number */
	uint64_t next_execution_id, next_server_id, next_pool_id; /* P */
	uint64_t pad2[4];
	/* totals since the segment was made */
	_Atomic uint64_t parallel, serial, downgraded, queued; /* P write */
	_Atomic uint64_t granted;			       /* P: sum of first grants */
	_Atomic uint64_t timeouts, failed, cancelled, completed, adjustments; /* P */
	_Atomic uint64_t wait_ns, waits, wait_min_ns, wait_max_ns;	      /* P */
	_Atomic uint32_t peak;						      /* P */
	uint32_t pad3;
	uint64_t pad4;
	/* the pool whose definition is being changed, as it was: 1 + slot; 0: none */
	_Atomic uint32_t undo; /* P */
	uint32_t pad5;
	uint64_t pad6[7];
	struct reeve_sh_server_pool_def undo_def; /* P */
	uint64_t pad8[6];
	_Atomic uint64_t histogram[REEVE_SH_PARALLEL_BUCKETS]; /* P */
};

_Static_assert(sizeof(struct reeve_sh_execution) % 64 == 0, "execution");
_Static_assert(sizeof(struct reeve_sh_server) % 64 == 0, "server");
_Static_assert(sizeof(struct reeve_sh_server_pool) % 64 == 0, "pool");
_Static_assert(sizeof(struct reeve_sh_parallel_group) % 64 == 0, "parallel group");
_Static_assert(sizeof(struct reeve_sh_parallel) % 64 == 0, "parallel");

#endif
