/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reeve.h - opening a segment, attaching this process to it, housekeeping. Includes the whole API.
 *
 * All live state of reeve is in one segment: a file that any number of processes map (put it under
 * /dev/shm), or anonymous memory for one process and the children it forks. A process attaches by
 * reeve_open and from then on acts on the segment directly.
 *
 * Threads: a `struct reeve` may be used by any number of threads at once. A `struct reeve_session`
 * by one at a time, except where a function says otherwise.
 * Processes: any attached process may be killed at any instruction; the others go on, and what it
 * held is returned within a second, by reeve_tick or by whoever waits.
 * The library starts no thread, installs no signal handler, never exits, prints nothing.
 */
#ifndef REEVE_REEVE_H
#define REEVE_REEVE_H

#include <reeve/types.h>
#include <reeve/host.h>
#include <reeve/group.h>
#include <reeve/plan.h>
#include <reeve/schedule.h>
#include <reeve/edit.h>
#include <reeve/session.h>
#include <reeve/rule.h>
#include <reeve/cpu.h>
#include <reeve/event.h>
#include <reeve/memory.h>
#include <reeve/io.h>
#include <reeve/parallel.h>
#include <reeve/session_pool.h>
#include <reeve/manager.h>
#include <reeve/definitions.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	REEVE_OPEN_EXISTING = 1, /* fail with NOT_FOUND when the file does not exist */
	REEVE_OPEN_NEW = 2	 /* fail with ALREADY_EXISTS when it does */
};

/*
 * How to open. Start from REEVE_OPTIONS_INIT; zero means the default in every field. Sizes and
 * cpu_slots count only for whoever creates the segment; a later opener gets what is there.
 */
struct reeve_options {
	const char *path; /* file of the segment; NULL: anonymous memory */
	uint32_t flags;	  /* REEVE_OPEN_... */
	const char *name; /* how this process shows in lists; default: the program's name */
	const struct reeve_host *host;
	/*
	 * Tasks that run at once, 1 to 1024. Default: processors that this process may use, or what
	 * the CPU quota of its container comes to, rounded up, when that is less.
	 */
	uint32_t cpu_slots;
	uint32_t max_attachments; /* default 256, at most 4,096 */
	uint32_t max_groups;	  /* default 1,024, at most 65,536 */
	uint32_t max_plans;	  /* default 256 */
	uint32_t max_directives;  /* default 4,096 */
	uint32_t max_mappings;	  /* users pinned to groups; default 16,384 */
	uint32_t max_sessions;	  /* default 16,384, at most 1,048,576 */
	uint32_t max_tasks;	  /* default 65,536 */
	uint32_t max_schedules;	  /* of plans; default 128, at most 4,096 */
	uint32_t max_windows;	  /* for maintenance; default 64, at most 4,096 */
	uint32_t max_edit_ops;	  /* steps of a staged edit; default 1,024, at most 65,536 */
	uint32_t max_events; /* latest events kept; a power of two, 64 to 2^20; default 8,192 */
	/* memory; see memory.h */
	uint64_t db_limit_bytes;	/* default 8 GiB */
	uint32_t max_quotas;		/* sessions with memory; default as max_sessions */
	uint32_t max_allocations;	/* default 65,536, at most 16,777,216 */
	uint32_t max_external_sessions; /* ids of outside engines' sessions; default 16,384 */
	uint32_t max_io_requests;	/* waiting, or under way by hand; default 65,536 */
	uint32_t max_executions; /* parallel executions, waiting ones included; default 4,096 */
	uint32_t max_servers;	 /* parallel servers of all pools; default 1,024, at most 65,536 */
	uint32_t max_server_pools; /* default 64 */
	uint32_t max_rules;	   /* assignment rules; default 1,024, at most 16,384 */
};
#define REEVE_OPTIONS_INIT                                                                         \
	{                                                                                          \
		0                                                                                  \
	}

/*
 * Opens the segment, creating it if need be (system groups and plans, DEFAULT_PLAN active), and
 * attaches this process.
 *
 * *ret_reeve is the caller's, to be given to reeve_close.
 * Errors: BAD_SEGMENT (damaged, foreign, other format: the text says what differs), NOT_FOUND,
 * ALREADY_EXISTS, RESOURCE_EXHAUSTED (attachment table full), INVALID_ARGUMENT, SYSTEM.
 * Takes half a millisecond to measure the processor's counter. Blocks only for locks.
 */
REEVE_API int reeve_open(
	const struct reeve_options *options, struct reeve **ret_reeve, struct reeve_error *err);

/*
 * Detaches and unmaps. Sessions of this process that still exist are ended, so their
 * `struct reeve_session` must not be used afterwards. NULL is allowed. After fork() the child must
 * not close or use the parent's handle; it opens its own.
 */
REEVE_API void reeve_close(struct reeve *reeve);

/*
 * A second attachment of this process or of a forked child to the same memory: the only way to
 * share an anonymous segment with a child. Call it in the child; `parent` is only read.
 */
REEVE_API int reeve_attach(
	const struct reeve *parent, struct reeve **ret_reeve, struct reeve_error *err);

/* What one tick did. */
struct reeve_tick_report {
	uint32_t reaped_attachments; /* dead processes whose holdings were returned */
	uint32_t reaped_sessions;
	uint32_t forgotten_sessions; /* terminated sessions past their retention */
	uint32_t throttled_tasks;    /* runaways found */
	uint32_t plan_switches;	     /* 1: a schedule or window has put another plan in force */
	uint32_t resized_pools;	     /* by the memory advisor, or by reaching their targets */
	uint32_t parallel_changes;   /* queued requests started or timed out, servers moved */
	struct reeve_timeout_report timeouts;
};

/*
 * Housekeeping: returns what dead processes held, finds runaways, forgets ended sessions, follows
 * plan schedules (once a second), and lets waiters in that a lost wake-up left behind. Call it about ten times a second from any one
 * attached process (reeved does); more callers do no harm. `ret_report` may be NULL.
 * Takes locks for microseconds; reads /proc once for each attachment.
 */
REEVE_API int reeve_tick(
	struct reeve *reeve, struct reeve_tick_report *ret_report, struct reeve_error *err);

/*
 * Checks the whole segment: every index in range, every derived sum equal to what it is derived
 * from, every list and heap in order. Calls `found` (may be NULL) with a sentence for each fault,
 * holding no lock. Returns the number of faults. On a live segment it takes the locks one after
 * another; each check is consistent in itself.
 */
REEVE_API int reeve_validate(
	struct reeve *reeve, void (*found)(void *arg, const char *fault), void *arg);

/*
 * Puts a degraded segment right: rebuilds everything derived from what it is derived from, checks the
 * whole, and when nothing is found has limits enforced again, by all processes, from their next
 * checkpoint on. Any process, any number of times; when it dies in the middle another may do it again.
 * INVALID_STATE when the segment is not degraded; BAD_SEGMENT, with the first fault that is left, when
 * what others are derived from is damaged itself: the segment then stays degraded. Takes all locks, for
 * as long as a check of the whole segment takes.
 */
REEVE_API int reeve_segment_recover(struct reeve *reeve, struct reeve_error *err);

/* State of the segment, for lists and health checks. */
enum reeve_segment_state {
	REEVE_SEGMENT_INIT = 1,
	REEVE_SEGMENT_READY = 2,
	REEVE_SEGMENT_RECOVERING = 3,
	REEVE_SEGMENT_DEGRADED =
		4, /* an internal fault: nothing is enforced until it is recovered */
	REEVE_SEGMENT_RETIRED = 5
};

struct reeve_segment_info {
	enum reeve_segment_state state;
	uint64_t size_bytes; /* mapped */
	uint32_t format_version;
	uint64_t signature; /* of every slot's size and offsets */
	reeve_ns created_wall;
	uint64_t revision; /* counts every accepted change of a definition */
	uint32_t cpu_slots;
	uint32_t attachments, max_attachments;
	uint32_t groups, max_groups;
	uint32_t plans, max_plans;
	uint32_t directives, max_directives;
	uint32_t mappings, max_mappings;
	uint32_t sessions, max_sessions; /* terminated ones still kept included */
	uint32_t tasks, max_tasks;
	uint32_t schedules, max_schedules;
	uint32_t windows, max_windows;
	uint32_t max_events;
	uint64_t refused_events; /* lost because their place in the ring was already taken again */
	uint32_t quotas, max_quotas;
	uint32_t allocations, max_allocations;
	uint32_t external_sessions, max_external_sessions;
	uint32_t io_requests, max_io_requests;
	uint32_t executions, max_executions; /* ended ones still kept included */
	uint32_t servers, max_servers;
	uint32_t server_pools, max_server_pools;
	uint32_t rules, max_rules;
};

REEVE_API void reeve_segment_get(struct reeve *reeve, struct reeve_segment_info *ret_info);

/* One attached process. */
struct reeve_attachment_info {
	int32_t pid;
	uint64_t start_ticks;
	char name[REEVE_ATTRIBUTE_MAX];
	reeve_ns attached_wall;
	uint32_t sessions; /* live ones it owns */
};

/* Up to `capacity` attachments, in table order. Returns how many there are, which may be more. */
REEVE_API uint32_t reeve_attachment_copy(
	struct reeve *reeve, struct reeve_attachment_info *ret_infos, uint32_t capacity);

/* Clocks of the segment's host, for callers that show or compute instants. */
REEVE_API reeve_ns reeve_now_mono(struct reeve *reeve);
REEVE_API reeve_ns reeve_now_wall(struct reeve *reeve);

/* The library's version, for example "0.1.0". */
REEVE_API const char *reeve_version(void);

#ifdef __cplusplus
}
#endif
#endif
