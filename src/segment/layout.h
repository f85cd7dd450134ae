/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - what lies in the segment. The only place that says so.
 *
 * A segment is a header of two pages and tables of fixed-size slots, addressed by index. No pointers, no
 * types whose size depends on the build. Structs are written in blocks of 64 bytes; the letter
 * before a field says who may touch it:
 *
 *   i set before publication     A admin lock      C catalog lock     S session lock
 *   D CPU lock                   a atomic, any time                   o only the owner writes
 *   d derived: rebuilt by recovery from primary state                 h hint, may be stale
 *
 * Primary state is written so that a process may die between any two stores. The rules:
 *   - a slot exists when head.state says LIVE;
 *   - who runs is said by the CPU slots' words and by nothing else;
 *   - a task waits when its phase is WORK and no CPU slot names it;
 *   - the plan in force is what the ruling word names.
 * Everything else about queues, counts and lists follows from these, and is derived.
 */
#ifndef REEVE_SEGMENT_LAYOUT_H
#define REEVE_SEGMENT_LAYOUT_H

#include "../base/heap.h"
#include "../base/io_flow.h"
#include "../base/lock_ranks.h"
#include "../base/zone.h"
#include "layout_base.h"
#include "layout_cpu.h"

#include <pthread.h>

/* One group's row in the share solver (policy/shares.h); the segment only gives it room. */
#define REEVE_SH_SHARE_BYTES 88u

#define REEVE_SH_MAGIC	   UINT64_C(0x31746e656d676573) /* "segment1" */
#define REEVE_SH_FORMAT	   2u
#define REEVE_SH_RULINGS   4u
#define REEVE_SH_MAX_SLOTS 1024u

struct reeve_sh_attachment {
	struct reeve_sh_head head; /* id: never reused number of this attachment */
	_Atomic int32_t pid;	   /* a: read by who looks for the dead, and again under the lock */
	uint32_t pad;
	_Atomic uint64_t start_ticks; /* a: the same */
	int64_t attached_wall;	      /* i */
	_Atomic uint32_t sessions;    /* S d */
	uint32_t pad2;
	char name[72]; /* i */
	uint64_t pad3[7];
};

/* What a group's CPU is, block by block. Lies inside the group's slot. */
struct reeve_sh_cpu_group {
	/* read on every begin */
	_Atomic uint32_t gate; /* D writes: 1 while the cap is reached; derived from the bucket */
	_Atomic uint32_t cap_ppm;    /* d: of the ruling; REEVE_PPM: none */
	_Atomic uint32_t weight_ppm; /* d: of the ruling, or as solved for who has demand now */
	uint32_t where;		     /* D d: REEVE_GROUP_... */
	uint64_t age;		     /* D: virtual runtime of the group */
	_Atomic uint64_t task_clock; /* D writes: virtual clock of its tasks */
	uint32_t root;		     /* D d: heap of its waiting tasks */
	uint32_t waiting;	     /* D d */
	uint64_t active_ns;	     /* D: when it last had a task in the slow path */
	uint64_t throttled_since;    /* D: 0: not throttled */
	uint64_t retired_ns; /* D: CPU of tasks that are gone or have moved on, of all groups that
				had this slot */
	/* the heap it is in, and its cap */
	struct reeve_sh_node node;     /* D d: by age, or by the time its cap lets it go on */
	struct reeve_sh_bucket bucket; /* D */
	uint64_t throttled_ns;	       /* D: total */
	uint64_t dispatches;	       /* D: total */
	/* pull mode: tasks of outside engines */
	struct reeve_sh_node pull_node; /* D d */
	uint64_t pull_age;		/* D */
	uint64_t pull_clock;		/* D */
	uint32_t pull_root;		/* D d */
	uint32_t pull_ready;		/* D d */
	uint64_t wait_ns;		/* D: total */
	/* explicit registration, in force while `registered` equals the ruling's activation */
	uint64_t registered;	       /* C: activation number + 1; 0: none */
	uint32_t registered_shares;    /* C */
	uint32_t registered_cap_ppm;   /* C */
	uint64_t retired_queries;      /* D */
	uint64_t retired_ns_base;      /* C: part of retired_ns that is of earlier groups */
	uint64_t retired_queries_base; /* C */
	uint64_t pad2[3];
};

struct reeve_sh_group {
	struct reeve_sh_head head;
	_Atomic uint32_t priority;	   /* C writes, a reads */
	uint32_t category;		   /* C */
	uint32_t cpu_allocation_pct;	   /* C */
	uint32_t is_active;		   /* C */
	uint64_t max_sessions;		   /* C */
	_Atomic uint64_t max_execution_ns; /* C writes, a reads */
	int64_t created_wall;		   /* i */
	int64_t modified_wall;		   /* C */
	uint64_t revision;		   /* C */
	_Atomic uint32_t sessions;	   /* S d: live sessions assigned */
	uint32_t pad;
	uint64_t pad2[3];
	struct reeve_sh_cpu_group cpu;
	char name[136];		   /* C writes in words, a reads: see group.c */
	char description[264];	   /* C */
	char custom_category[120]; /* C */
	/* limits for other modules to enforce; UINT32_MAX or REEVE_UNLIMITED: none */
	_Atomic uint64_t max_idle_ns;	  /* C writes, a reads */
	_Atomic uint64_t memory_bytes;	  /* C writes, a reads: of all its sessions together */
	_Atomic uint64_t io_bandwidth;	  /* C writes, a reads: bytes a second */
	_Atomic uint64_t io_iops;	  /* C writes, a reads */
	_Atomic uint32_t parallel_degree; /* C writes, a reads: of one statement */
	uint32_t pad3[7];
};

enum { REEVE_GROUP_IDLE = 0, REEVE_GROUP_READY = 1, REEVE_GROUP_THROTTLED = 2 };

struct reeve_sh_mapping {
	struct reeve_sh_head head; /* id: the user's */
	uint32_t group;		   /* C: slot */
	uint32_t is_permanent;	   /* C */
	int64_t created_wall;	   /* C */
	int64_t expires_wall;	   /* C: counts no more from then on; 0: none */
	char username[136];	   /* C */
};

struct reeve_sh_plan {
	struct reeve_sh_head head;
	uint32_t cpu_method;	      /* C */
	uint32_t max_utilization_pct; /* C */
	uint32_t is_enabled;	      /* C */
	uint32_t parallel_managed;    /* C */
	int64_t created_wall;	      /* i */
	int64_t modified_wall;	      /* C */
	uint64_t revision;	      /* C */
	uint64_t parent;	      /* C: id; 0: a top plan */
	uint32_t sessions_managed;    /* C */
	uint32_t first_directive;     /* C d: slot of its first, the others by next_of_plan */
	uint32_t last_directive;      /* C d */
	uint32_t mark, cursor, via;   /* C h: of the walk under way through the tree of plans */
	uint64_t pad[1];
	char name[136];	       /* C */
	char description[264]; /* C */
};

struct reeve_sh_directive {
	struct reeve_sh_head head;
	uint64_t plan_id;      /* i */
	uint32_t plan;	       /* i: slot */
	uint32_t group;	       /* i: slot */
	uint64_t given;	       /* C: REEVE_DIRECTIVE_... */
	int64_t created_wall;  /* i */
	int64_t modified_wall; /* C */
	uint64_t revision;     /* C */
	/* what it says, C all; see reeve/plan.h */
	uint32_t cpu_pct, cpu_shares, cpu_level, cpu_cap_pct;
	uint32_t parallel_degree, parallel_servers, parallel_queue_runs_serial, active_sessions;
	uint32_t switch_action, switch_estimate, switch_for_call, io_weight;
	uint32_t iops, priority;
	uint64_t parallel_queue_timeout_ns, queue_timeout_ns, max_est_exec_ns;
	uint64_t max_idle_ns, max_idle_blocker_ns;
	uint64_t switch_group; /* id */
	uint64_t switch_cpu_ns, switch_elapsed_ns, switch_io_bytes, switch_io_requests;
	uint64_t switch_logical_reads, undo_bytes, undo_rate, session_pga_bytes, io_bandwidth;
	uint64_t sub_plan;     /* id */
	uint32_t next_of_plan; /* C d: slot of the plan's next; REEVE_NONE */
	uint32_t pad;
	uint64_t pad2[6];
};

/* A compiled plan: what is in force for each group. Immutable while the ruling word names it. */
struct reeve_sh_ruling {
	_Atomic uint64_t sequence; /* a: of the ruling word; 0 while being written */
	_Atomic uint64_t plan_id;
	_Atomic uint64_t activation; /* which activation it belongs to; ends registrations */
	_Atomic uint32_t by_level;
	_Atomic uint32_t cap_ppm; /* of all together */
	_Atomic uint32_t groups;  /* rows that count */
	_Atomic uint32_t nodes;	  /* of the tree; 0: no sub-plans, the rows say all */
	_Atomic uint32_t cause;	  /* enum reeve_plan_cause: why this plan */
	uint32_t pad;
	_Atomic uint64_t period;     /* id of the schedule or window; 0: none */
	_Atomic int64_t active_wall; /* since when it is in force */
};

/*
 * One place in a tree of plans, as the share solver wants it (policy/shares.h): the first `groups`
 * are the top plan's, one a group slot. In force as the rows are.
 */
struct reeve_sh_ruling_node {
	_Atomic uint64_t number;
	_Atomic uint32_t level;
	_Atomic uint32_t cap_ppm;
	_Atomic uint32_t by_level;
	_Atomic uint32_t first; /* child; children lie together */
	_Atomic uint32_t count; /* 0: a leaf */
	_Atomic uint32_t group; /* slot; REEVE_NONE: nobody's */
};

struct reeve_sh_ruling_row {
	_Atomic uint64_t number; /* shares or percent, as solved */
	_Atomic uint32_t level;
	_Atomic uint32_t weight_ppm;
	_Atomic uint32_t share_ppm;
	_Atomic uint32_t cap_ppm;
	_Atomic uint64_t directive_id; /* 0: none */
	/* limits of the directive; UINT32_MAX or REEVE_UNLIMITED: none */
	_Atomic uint32_t active_sessions;
	_Atomic uint32_t parallel_degree;
	_Atomic uint32_t parallel_servers;
	_Atomic uint32_t io_weight; /* 0: the default */
	_Atomic uint64_t queue_timeout_ns;
	_Atomic uint64_t parallel_queue_timeout_ns;
	_Atomic uint64_t max_est_exec_ns;
	_Atomic uint64_t max_idle_ns;
	_Atomic uint64_t max_idle_blocker_ns;
	_Atomic uint64_t session_pga_bytes;
	_Atomic uint64_t io_bandwidth; /* bytes a second */
	_Atomic uint64_t io_iops;
	/* when a call crosses one of these, switch_action is done */
	_Atomic uint64_t switch_cpu_ns;
	_Atomic uint64_t switch_elapsed_ns;
	_Atomic uint64_t switch_io_bytes;
	_Atomic uint64_t switch_io_requests;
	_Atomic uint32_t switch_action; /* REEVE_ROW_... */
	_Atomic uint32_t switch_group;	/* slot; REEVE_NONE */
	_Atomic uint32_t flags;		/* REEVE_ROW_... */
	uint32_t pad;
};

/* What to do with a call that crosses a switch limit. */
enum {
	REEVE_ROW_NOTHING = 0,
	REEVE_ROW_LOG = 1,
	REEVE_ROW_SWITCH = 2, /* to switch_group */
	REEVE_ROW_CANCEL = 3,
	REEVE_ROW_KILL = 4
};
enum {
	REEVE_ROW_FOR_CALL = 1,		 /* back to the group it came from when the call ends */
	REEVE_ROW_ON_ESTIMATE = 2,	 /* judge by the estimate, before it starts */
	REEVE_ROW_SESSIONS_MANAGED = 4,	 /* the plan's: active_sessions and queueing count */
	REEVE_ROW_PARALLEL_MANAGED = 8,	 /* the plan's: parallel limits count */
	REEVE_ROW_QUEUE_RUNS_SERIAL = 16 /* out of time in the parallel queue: run, do not fail */
};

/* Texts of a session, in their order: each ends with a NUL, also an empty one. */
enum {
	REEVE_SESSION_USERNAME,
	REEVE_SESSION_PROGRAM,
	REEVE_SESSION_MACHINE,
	REEVE_SESSION_SERVICE,
	REEVE_SESSION_MODULE,
	REEVE_SESSION_ACTION,
	REEVE_SESSION_TEXTS
};
/* What fits into the slot itself; longer ones lie in the session's row of long texts, which has two places. */
#define REEVE_SH_SESSION_TEXT	   192u
#define REEVE_SH_SESSION_LONG_TEXT 512u

struct reeve_sh_session {
	struct reeve_sh_head head;
	_Atomic uint32_t state; /* S: INACTIVE (live: see the task), KILLED, TERMINATED */
	_Atomic uint32_t group; /* S writes: slot */
	_Atomic uint32_t task;	/* S writes: slot; REEVE_NONE once its owner has let go */
	uint32_t attachment;	/* i: slot */
	uint64_t pad_hand;
	_Atomic int64_t last_active_wall; /* o */
	/* slow path */
	uint64_t user_id;	 /* i */
	uint64_t previous_group; /* S: id */
	uint32_t priority;	 /* S: its own, without a boost */
	uint32_t assigned_by;	 /* i */
	uint32_t switch_reason;	 /* S */
	uint32_t termination;	 /* S */
	int64_t connected_wall;	 /* i */
	int64_t switched_wall;	 /* S */
	int64_t terminated_wall; /* S */
	int32_t pid;		 /* i */
	_Atomic uint32_t texts;	 /* S: where they lie; see engine/session_text.c */
	/* looked at by begin and end */
	_Atomic uint64_t pool;	       /* a: its place in a pool; see engine/session_pool.c */
	_Atomic uint32_t at_end;       /* a: REEVE_AT_END_...: what the end of its statement does */
	_Atomic uint32_t doom;	       /* a: enum reeve_termination: why it is being killed */
	_Atomic uint64_t execution_ns; /* a: its own limits; REEVE_UNLIMITED: none */
	_Atomic uint64_t idle_ns;      /* a */
	_Atomic uint64_t ruled_cycles; /* a: start_cycles of the call that a rule has dealt with */
	_Atomic uint32_t rule_switches; /* a: times the call was switched by rule */
	_Atomic uint32_t rank;		/* a: priority it has now: its own, or boosted */
	_Atomic uint32_t boosts;	/* S */
	uint32_t is_system;		/* i: never out of time */
	_Atomic uint64_t return_group;	/* S: id: where it goes back to when its call ends; 0 */
	/* in a queue, and idle */
	struct reeve_sh_node queue_node;    /* P d */
	_Atomic uint64_t queued_ns;	    /* P: monotonic; 0: not queued */
	_Atomic uint64_t queue_deadline_ns; /* P: monotonic; UINT64_MAX: none */
	uint64_t created_cycles;	    /* i */
	uint64_t idle_noted;		    /* S: end_cycles of which it was said to be idle */
	/* rules, and when it has ended */
	_Atomic uint64_t call_io_bytes, call_io_requests; /* o: the task's, when the call began */
	_Atomic uint64_t
		overrun_told;	/* a: idle since when it was told that it is so for too long */
	uint64_t cpu_ns_at_end; /* S: when terminated, what its task had used */
	uint64_t wait_ns_at_end;
	uint64_t queries_at_end;
	uint64_t rule_id;	    /* i: that chose the group; 0: none did */
	_Atomic uint32_t admission; /* S: 1 + slot of the one under way; 0: none */
	uint32_t pad;
	/* cold text, see engine/session_text.c */
	char text[REEVE_SH_SESSION_TEXT]; /* S */
};

/* Bits of a session's at_end word. */
enum {
	REEVE_AT_END_BOOST = 2, /* it has had its turn: back to its own priority */
	REEVE_AT_END_RETURN = 4 /* back to the group it came from */
};

/*
 * What a task is doing: the primary word of a statement. A session is ACTIVE when its task's phase
 * is neither IDLE nor DEAD. A CPU slot whose holder is in another phase than WORK rests: it is kept
 * for the holder, and anybody may take it.
 */
enum {
	REEVE_PHASE_IDLE = 0,
	REEVE_PHASE_WORK = 1,
	REEVE_PHASE_BLOCKED = 2,
	REEVE_PHASE_HAND = 3, /* a statement of an outside engine, started by hand */
	REEVE_PHASE_DEAD = 4  /* killed; final */
};
enum { REEVE_PARK_NO = 0, REEVE_PARK_YES = 1, REEVE_PARK_LOOK = 2 };
enum { REEVE_TASK_SESSION = 1, REEVE_TASK_PULL = 2 };

/* Bits of a task's attention word: what its next checkpoint must look at. */
enum {
	REEVE_ATTEND_YIELD = 1,	  /* its slot was given to another, or a new ruling is in force */
	REEVE_ATTEND_CANCEL = 2,  /* the statement is to stop */
	REEVE_ATTEND_KILL = 4,	  /* the session is to end */
	REEVE_ATTEND_TIMEOUT = 8, /* out of time; sticks until the statement ends */
	/* not for checkpoints: */
	REEVE_ATTEND_LINKED = 256, /* it waits for what another session holds */
	REEVE_ATTEND_END = 16,	 /* the statement's end has more to do: at_end, a place in a pool */
	REEVE_ATTEND_LIMITS = 32 /* its limits are not just its group's; sticks */
};
#define REEVE_ATTEND_NOW 15u /* what a checkpoint looks at */

struct reeve_sh_task {
	struct reeve_sh_head head;
	/* what the owner and the scheduler tell each other */
	_Atomic uint32_t phase;	      /* o, but a killer takes IDLE and HAND to DEAD */
	_Atomic uint32_t attention;   /* a */
	_Atomic uint32_t park;	      /* a: futex word, REEVE_PARK_... */
	_Atomic uint32_t shield;      /* o: depth */
	_Atomic uint32_t group;	      /* D writes: slot */
	_Atomic uint32_t slot;	      /* h: CPU slot last granted */
	_Atomic uint32_t wait_reason; /* D: REEVE_WAIT_... */
	uint32_t queued;	      /* D d: 1 while in its group's heap */
	/* accounts: all that a short statement writes besides its phase lies in this line */
	_Atomic uint64_t cpu_ns;       /* o: charged, all statements */
	_Atomic uint64_t query_edges;  /* o: begins and ends of statements: odd while one is on */
	uint64_t cpu_ns_base;	       /* D: part of cpu_ns that its group has retired */
	uint64_t queries_base;	       /* D: the same of statements ended */
	_Atomic uint64_t query_cpu_ns; /* o: charged, this statement */
	_Atomic uint64_t start_cycles; /* o: when the statement began */
	_Atomic uint64_t end_cycles;   /* o: when the last statement ended; 0: none has */
	_Atomic uint32_t is_runaway;   /* D writes */
	uint32_t priority;	       /* i */
	/* waits */
	_Atomic uint64_t wait_since; /* D: monotonic ns; 0: not waiting */
	_Atomic uint64_t wait_ns;    /* o: waits that are over */
	_Atomic uint64_t dispatches; /* D: slots granted by the scheduler */
	uint64_t prepaid_ns;	     /* D: charged to age ahead of the owner's own charge */
	/* the scheduler's */
	uint64_t age;			/* D: virtual runtime in its group */
	struct reeve_sh_node node;	/* D d: in its group's heap */
	_Atomic uint64_t slot_cpu_base; /* o: part of cpu_ns that is booked to the slots it had */
	uint32_t session;		/* i: slot; REEVE_NONE */
	uint32_t attachment;		/* i: slot; REEVE_NONE for pull tasks */
	uint32_t kind;			/* i: REEVE_TASK_SESSION or _PULL */
	_Atomic uint32_t pull_state;	/* D: enum reeve_task_state, pull tasks */
	uint64_t query_id;		/* i */
	int64_t created_wall;		/* i */
	_Atomic int64_t scheduled_wall; /* D: last pull dispatch */
	_Atomic uint64_t cancel_cycles; /* a: start_cycles of the statement to cancel */
	/* I/O */
	_Atomic uint64_t io_bytes;    /* a: moved, all statements */
	_Atomic uint64_t io_requests; /* a: ended, all statements */
	uint64_t io_bytes_base;	      /* I/O lock: part of io_bytes that its group has retired */
	uint64_t io_requests_base;    /* I/O lock: the same of io_requests */
	_Atomic uint64_t io_rate_bytes, io_rate_ops, io_rate_at; /* o: a rate; at: cycles */
	_Atomic uint32_t io_slot; /* o: 1 + I/O slot that may bear its name; 0: none */
	_Atomic uint32_t io_live; /* I/O lock writes: requests of the table that are its */
};

/* One CPU slot. A cache line each: the word is the hottest store there is. */
struct reeve_sh_cpu_slot {
	_Atomic uint64_t word;		/* a: who runs; see engine/cpu.h */
	_Atomic uint64_t since_ns;	/* h: when the holder was last charged */
	_Atomic uint64_t linger_cycles; /* o: the resting holder is expected back since; 0: not */
	_Atomic uint32_t last_task;	/* h: task of the last grant */
	uint32_t pad;
	_Atomic uint64_t scheduled;  /* a: grants */
	_Atomic uint64_t switches;   /* a: grants to another task than the last */
	_Atomic uint64_t granted_ns; /* h: since when this task has had it; 0: not known */
	_Atomic uint64_t lender;     /* h: word of whom it was taken from, running on; 0: nobody */
};

struct reeve_sh_cpu {
	/* read on every begin and end */
	_Atomic uint32_t contended; /* D writes: tasks waiting + 1 while the plan's cap holds all */
	_Atomic uint32_t slots;	    /* i */
	_Atomic uint64_t quantum_ns;  /* D writes */
	_Atomic uint32_t runaway_on;  /* D writes */
	_Atomic uint32_t runaway_ppm; /* D writes */
	_Atomic uint64_t runaway_ns;  /* D writes */
	uint64_t pad[4];
	struct reeve_sh_lock lock;
	/* queues */
	uint32_t ready;		     /* D d: heap of groups with waiting tasks, by age */
	uint32_t throttled;	     /* D d: heap of groups over their cap, by time */
	uint32_t waiting;	     /* D d: tasks in queues */
	uint32_t watchman;	     /* D h: the parked task that looks after time */
	uint32_t pull_ready;	     /* D d: heap of groups with pull tasks */
	_Atomic uint32_t plan_gate;  /* D writes, d: 1 while the plan's cap is reached */
	_Atomic uint64_t clock;	     /* D writes: virtual clock of groups */
	_Atomic uint64_t pull_clock; /* D writes */
	uint64_t contended_ns;	     /* D: since when tasks wait */
	uint64_t tie;		     /* D: next arrival number */
	uint64_t plan_open_ns;	     /* D: when the plan's cap lets go on */
	uint64_t solved_ns;	     /* D: when weights were last solved for demand */
	/* totals */
	struct reeve_sh_bucket plan_bucket; /* D */
	uint64_t ruling_seen;		    /* D: ruling word that weights and caps are of */
	_Atomic uint64_t preemptions;	    /* D */
	_Atomic uint64_t waits;		    /* D */
	_Atomic uint64_t wait_ns;	    /* D */
	_Atomic uint64_t runaways;	    /* D */
	_Atomic uint64_t throttled_tasks;   /* D */
	_Atomic uint32_t plan_cap_ppm;	    /* d */
	uint32_t pad2;
	_Atomic uint64_t pull_dispatches; /* D */
	uint64_t pad3[5];
};

struct reeve_sh_session_counts {
	_Atomic uint64_t created, terminated, manual_kills, process_deaths; /* S */
	_Atomic uint64_t execution_timeouts, cancelled;			    /* a */
	_Atomic uint32_t current, peak;					    /* S */
	_Atomic uint32_t ending; /* S: 1 + slot of the session being terminated; 0: none */
	uint32_t ending_count;	 /* S: what the count of its reason was before, low half */
};

/*
 * What a definition looked like before the change under way, so that recovery can put it back when
 * the changer dies in the middle. Valid while `table` is not 0.
 */
struct reeve_sh_journal {
	_Atomic uint32_t table; /* C: 1 + which of the tables; 0: nothing under way */
	uint32_t slot;		/* C */
	char row[1016];		/* C */
};

#include "layout_plans.h"
#include "layout_event.h"
#include "layout_io.h"
#include "layout_parallel.h"
#include "layout_groups.h"
#include "layout_session.h"

struct reeve_sh_header {
	uint64_t magic;		 /* i */
	uint32_t format;	 /* i */
	_Atomic uint32_t state;	 /* a: enum reeve_segment_state */
	uint64_t signature;	 /* i */
	uint64_t size;		 /* i */
	int64_t created_wall;	 /* i */
	char boot_id[40];	 /* i: of the machine's boot that live state belongs to */
	uint64_t cpu_slots;	 /* i: offset */
	uint64_t rulings;	 /* i: offset of the REEVE_SH_RULINGS rulings, each with its rows */
	uint64_t scratch;	 /* i: offset of two arrays of struct reeve_sh_share, C's and D's */
	_Atomic uint64_t ruling; /* a: sequence << 8 | which: the plan in force */
	_Atomic uint64_t revision;   /* C writes */
	_Atomic uint64_t reaped_ns;  /* h: last look for dead processes */
	uint64_t next_attachment_id; /* A */
	uint64_t next_group_id, next_plan_id, next_directive_id; /* C */
	uint64_t next_session_id, next_task_id;			 /* S */
	uint32_t default_group;					 /* C: slot */
	uint32_t pad;
	char fault[160]; /* h: why it is degraded */
	_Alignas(64) struct reeve_sh_table attachments, groups, mappings, plans,
		directives, sessions, tasks;
	struct reeve_sh_session_counts session_counts;
	struct reeve_sh_journal journal;
	_Alignas(64) struct reeve_sh_lock admin, catalog, session_lock;
	struct reeve_sh_cpu cpu;
	/* plans */
	_Alignas(64) struct reeve_sh_table schedules, windows;
	struct reeve_sh_planning planning;
	struct reeve_sh_edit edit;
	/* events */
	struct reeve_sh_events events;
	/* memory: layout_memory.h; sessions of outside engines: layout_external.h */
	struct reeve_sh_table quotas, allocations; /* M */
	struct reeve_sh_table externals;	   /* S */
	uint64_t memory;			   /* i: offset of struct reeve_sh_memory */
	uint64_t memory_groups;	   /* i: offset of one struct reeve_sh_memory_group a group */
	uint64_t quota_of_session; /* i: offset of a word a session: slot of its quota + 1 */
	uint64_t samplers;	   /* i: offset of REEVE_SH_POOLS samplers */
	struct reeve_sh_io io;
	/* parallel control, see layout_parallel.h */
	_Alignas(64) struct reeve_sh_table executions, servers, pools; /* P */
	uint64_t parallel;	    /* i: offset of its settings, lock and totals */
	uint64_t parallel_groups;   /* i: offset of a row a group slot */
	uint64_t parallel_sessions; /* i: offset of 1 + an execution's slot, a session slot */
	struct reeve_sh_groups_domain groups_domain;
	/* CPU, beside the slots of tasks and groups: layout_cpu.h */
	struct reeve_sh_cpu_more cpu_more;
	/* sessions: pools, limits */
	uint64_t session_pools;		  /* i: offset: one a group slot */
	uint64_t session_domain;	  /* i: offset */
	uint64_t session_texts;		  /* i: offset of two long texts a session */
	struct reeve_sh_table admissions; /* S: layout_admission.h */
	uint64_t next_admission_id;	  /* S */
};

_Static_assert(sizeof(struct reeve_sh_lock) == 64, "a lock is a cache line");
_Static_assert(sizeof(struct reeve_sh_head) == 32, "head");
_Static_assert(sizeof(struct reeve_sh_table) == 64, "table");
_Static_assert(sizeof(struct reeve_sh_attachment) % 64 == 0, "attachment");
_Static_assert(sizeof(struct reeve_sh_cpu_group) % 64 == 0, "cpu group");
_Static_assert(sizeof(struct reeve_sh_group) % 64 == 0, "group");
_Static_assert(sizeof(struct reeve_sh_group) <= 2048, "a group takes at most 2 kB");
_Static_assert(sizeof(struct reeve_sh_group) % 128 == 64,
	"groups lie an odd number of lines apart, so that their heads share no cache set");
_Static_assert(sizeof(struct reeve_sh_mapping) % 64 == 0, "mapping");
_Static_assert(sizeof(struct reeve_sh_plan) % 64 == 0, "plan");
_Static_assert(sizeof(struct reeve_sh_directive) % 64 == 0, "directive");
_Static_assert(sizeof(struct reeve_sh_session) == 512, "a session takes 512 bytes");
_Static_assert(sizeof(struct reeve_sh_task) == 320, "a task takes 320 bytes");
_Static_assert(sizeof(struct reeve_sh_cpu_slot) == 64, "a CPU slot is a cache line");
_Static_assert(sizeof(struct reeve_sh_cpu) % 64 == 0, "cpu");
_Static_assert(
	offsetof(struct reeve_sh_period, zones) <= sizeof(((struct reeve_sh_undo *)0)->row) &&
		sizeof(struct reeve_sh_plan) <= sizeof(((struct reeve_sh_undo *)0)->row),
	"an undo entry holds a plan, a directive, or a period without its zones");
_Static_assert(sizeof(struct reeve_sh_period) % 64 == 0, "period");
_Static_assert(sizeof(struct reeve_sh_plan_switch) % 64 == 0, "plan switch");
_Static_assert(sizeof(struct reeve_sh_planning) % 64 == 0, "planning");
_Static_assert(
	offsetof(struct reeve_sh_period, zones) <= sizeof(((struct reeve_sh_journal *)0)->row),
	"the journal holds a period without its zones");
_Static_assert(sizeof(struct reeve_sh_group) <= sizeof(((struct reeve_sh_journal *)0)->row),
	"the journal holds any definition");
_Static_assert(sizeof(struct reeve_sh_header) <= 8192, "the header is two pages");

/* Parts of other modules, which build on what is above. */
#include "layout_admission.h"
#include "layout_external.h"
#include "layout_memory.h"

#endif
