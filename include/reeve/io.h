/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - the I/O scheduler: requests of groups share the devices by weight, within limits.
 *
 * Three ways in, under one policy for each kind of waiting, one pair of limits a group (bytes and
 * operations a second) and one limit of requests under way (max_concurrent):
 *
 *   admission  the engine does its own I/O between reeve_io_begin and reeve_io_end, and waits in the
 *              first when its group must.
 *   managed    reeve does the I/O: an executor that the caller opens, with threads of its own.
 *   pull       an outside engine submits requests, asks which is next, and reports completion.
 *
 * Admission and managed requests wait in one queue, pull requests in another; limits and
 * max_concurrent hold for all together.
 *
 * A group's limits are those of the last explicit registration, else the active plan's directive, else
 * none; and its own (group.h), which hold whatever the others say: of each kind the stricter counts. Its
 * weight is that of the first two, else REEVE_IO_WEIGHT_DEFAULT. A group that is over a limit waits by
 * itself: it is never in the way of another.
 */
#ifndef REEVE_IO_H
#define REEVE_IO_H

#include <reeve/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
	uint64_t v;
} reeve_io_id;

enum reeve_io_type {
	REEVE_IO_READ = 0,
	REEVE_IO_WRITE = 1,
	REEVE_IO_SYNC_WRITE = 2, /* somebody waits for it to be durable */
	REEVE_IO_METADATA = 3	 /* counts as operation, and as bytes neither read nor written */
};
#define REEVE_IO_TYPES 4u

enum reeve_io_priority {
	REEVE_IO_REAL_TIME = 0,
	REEVE_IO_HIGH = 1,
	REEVE_IO_NORMAL = 2,
	REEVE_IO_LOW = 3,
	REEVE_IO_IDLE = 4
};
#define REEVE_IO_PRIORITIES 5u

/* What order requests that wait are served in. */
enum reeve_io_policy {
	REEVE_IO_COMPLETELY_FAIR = 0, /* least bytes by weight first, charged at dispatch */
	REEVE_IO_DEADLINE = 1,	      /* earliest deadline, in batches of reads or writes */
	REEVE_IO_BUDGET_FAIR = 2,     /* turns of 1 MiB a group, by WF2Q+ */
	REEVE_IO_PRIORITY = 3	      /* best class; half a second of waiting is worth a class */
};

enum reeve_io_state {
	REEVE_IO_QUEUED = 1,
	REEVE_IO_THROTTLED = 2, /* queued, and its group is over a limit */
	REEVE_IO_ACTIVE = 3,
	REEVE_IO_COMPLETED = 4,
	REEVE_IO_FAILED = 5,
	REEVE_IO_CANCELLED = 6
};

#define REEVE_IO_WEIGHT_DEFAULT 100u
#define REEVE_IO_WEIGHT_MAX	10000u
/* Most bytes a second that can be set as limit, and most operations a second. */
#define REEVE_IO_BANDWIDTH_MAX ((uint64_t)1 << 40)
#define REEVE_IO_IOPS_MAX      ((uint64_t)INT32_MAX)
/* Largest request. */
#define REEVE_IO_SIZE_MAX	((uint64_t)1 << 40)
#define REEVE_IO_TARGET_MAX	96
#define REEVE_IO_CONCURRENT_MAX 1024u

/* A request: what for, how large, how urgent. Start from REEVE_IO_DEF_INIT. */
struct reeve_io_def {
	uint32_t type;	     /* enum reeve_io_type */
	uint32_t priority;   /* enum reeve_io_priority */
	uint64_t size_bytes; /* 0 to REEVE_IO_SIZE_MAX */
	uint64_t offset;
	/*
	 * Completion is wanted by this instant of the monotonic clock. 0: the default of its type and
	 * priority; REEVE_NEVER: none. A request past it gains two priorities.
	 */
	reeve_ns deadline;
	/* reeve_io_begin only: wait no longer than to this instant; 0 or REEVE_NEVER: no bound. */
	reeve_ns give_up;
	uint32_t device; /* of reeve_io_device_open; 0: not told */
	bool is_sequential;
	/*
	 * reeve_io_begin only: the transfer is short and mostly from memory. The CPU slot is then
	 * kept, unless the request has to wait.
	 */
	bool keeps_cpu_slot;
};
#define REEVE_IO_DEF_INIT                                                                          \
	{                                                                                          \
		REEVE_IO_READ, REEVE_IO_NORMAL, 0, 0, 0, 0, 0, false, false                        \
	}

/* ---- devices ---- */

/*
 * Number of the device or file with this name, 1 to 95 bytes, for statistics by target; the first
 * call with a name makes it known. A segment holds 64. Errors: INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED. Takes the I/O lock; meant to be called once a file.
 */
REEVE_API int reeve_io_device_open(
	struct reeve *reeve, const char *target, uint32_t *ret_device, struct reeve_error *err);

/* ---- admission ---- */

/*
 * Asks for admission of one request, and waits while the session's group must: for its limits, for
 * max_concurrent, and for those who are more deserving under the policy. The CPU slot is given up, as
 * by reeve_block_begin, until reeve_io_end. A session does one at a time.
 *
 * Without limit on the group, and with nobody waiting, it takes no lock and makes no system call. A
 * group with a limit takes the I/O lock for a moment. A session in a shield is never made to wait:
 * what it takes is charged, into debt if need be.
 *
 * Errors: INVALID_ARGUMENT, INVALID_STATE (one is under way), RESOURCE_EXHAUSTED (it would have to
 * wait and the table of I/O requests is full), CANCELLED, KILLED, TIMEOUT (the statement's deadline,
 * or give_up). On failure nothing is to be ended.
 * When the process dies in between, what it held is returned.
 */
REEVE_API int reeve_io_begin(
	struct reeve_session *session, const struct reeve_io_def *def, struct reeve_error *err);

/*
 * The transfer is over: `bytes` were moved, at most size_bytes are counted against limits already;
 * `ok` false: it failed. Takes the CPU slot back, waiting if it must. Returns like reeve_checkpoint: 0, or the code
 * that says that the statement has to stop; the request is ended either way. Without a request under
 * way it does nothing.
 */
REEVE_API int reeve_io_end(struct reeve_session *session, uint64_t bytes, bool ok);

/* ---- pull: requests of outside engines ---- */

/*
 * Submits a request of a group, for an outside engine to perform when reeve_io_next says so. It is
 * this process's: when the process ends, it is cancelled.
 * Errors: NOT_FOUND (group), INVALID_ARGUMENT, RESOURCE_EXHAUSTED (table full).
 */
REEVE_API int reeve_io_submit(struct reeve *reeve, reeve_group_id group,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err);

/*
 * The same on behalf of a session, in its present group: its statement's bytes and requests count it
 * when it completes; it is cancelled when the session ends.
 */
REEVE_API int reeve_io_submit_for(struct reeve_session *session, const struct reeve_io_def *def,
	reeve_io_id *ret_id, struct reeve_error *err);

/* One request, as of now. */
struct reeve_io_request_info {
	reeve_io_id id;
	reeve_group_id group;
	reeve_session_id session; /* .v 0: none */
	uint32_t type, priority;
	uint32_t effective_priority; /* after the deadline's boost */
	uint32_t state;		     /* enum reeve_io_state */
	uint64_t size_bytes, offset;
	char target[REEVE_IO_TARGET_MAX]; /* "": not told */
	reeve_ns deadline_wall;		  /* 0: none */
	reeve_ns submitted_wall;
	reeve_ns started_wall;	 /* 0: not yet */
	reeve_ns completed_wall; /* 0: not yet */
	reeve_ns wait_ns;	 /* submission to start, or to now */
	reeve_ns service_ns;	 /* start to completion, or to now; 0: not started */
	bool is_sequential;
	bool is_past_deadline;
	bool is_managed;   /* an executor performs it */
	bool is_admission; /* a session waits for it, or performs it */
};

/*
 * Picks the pull request that is to be performed now and marks it ACTIVE. NOT_FOUND when none may
 * be started; *ret_retry_after (may be NULL) is then how long to the next chance: 0 when
 * max_concurrent is reached (a completion is), REEVE_NEVER when none waits.
 */
REEVE_API int reeve_io_next(struct reeve *reeve, struct reeve_io_request_info *ret_info,
	reeve_ns *ret_retry_after, struct reeve_error *err);

/*
 * Reports that an ACTIVE pull request is over: `bytes` moved, `ok` false when it failed. It is then
 * gone; *ret_info (may be NULL) is how it was. NOT_FOUND for one that is gone, so a second call fails;
 * INVALID_STATE for one that was not started, or that reeve performs itself.
 */
REEVE_API int reeve_io_complete(struct reeve *reeve, reeve_io_id id, uint64_t bytes, bool ok,
	struct reeve_io_request_info *ret_info, struct reeve_error *err);

/*
 * Cancels a request that waits; a session that waits for it gets CANCELLED, a managed one ends as
 * cancelled. An ACTIVE pull request is given up: its completion will not be found. INVALID_STATE for
 * one that reeve or a session is performing, and for a managed one that was cancelled before;
 * NOT_FOUND.
 */
REEVE_API int reeve_io_cancel(struct reeve *reeve, reeve_io_id id,
	struct reeve_io_request_info *ret_info, struct reeve_error *err);

/* Gives a waiting request another priority, in force at once. NOT_FOUND, INVALID_ARGUMENT, INVALID_STATE. */
REEVE_API int reeve_io_boost(
	struct reeve *reeve, reeve_io_id id, uint32_t priority, struct reeve_error *err);

/* Copies one request. NOT_FOUND. */
REEVE_API int reeve_io_request_get(struct reeve *reeve, reeve_io_id id,
	struct reeve_io_request_info *ret_info, struct reeve_error *err);
/*
 * Up to `capacity` requests with an id above `after`, by id: those of pull and managed mode, and those
 * that sessions had to wait for. Returns how many were copied.
 */
REEVE_API uint32_t reeve_io_request_copy(struct reeve *reeve, reeve_io_id after,
	struct reeve_io_request_info *ret_infos, uint32_t capacity);

/* ---- managed: requests that reeve performs ---- */

/* Threads that perform requests, opened by the caller. */
struct reeve_io_executor;

enum reeve_io_backend {
	REEVE_IO_AUTO = 0,   /* io_uring where the kernel has it, threads where not */
	REEVE_IO_URING = 1,  /* SYSTEM when the kernel does not have it */
	REEVE_IO_THREADS = 2 /* pread, pwrite, fsync */
};

struct reeve_io_executor_options {
	uint32_t backend;
	uint32_t threads; /* THREADS: 1 to 256; 0: 8 */
	uint32_t depth;	  /* URING: requests in the ring, 1 to 1,024; 0: 128 */
};

enum reeve_io_op { REEVE_IO_OP_READ = 0, REEVE_IO_OP_WRITE = 1, REEVE_IO_OP_FSYNC = 2 };

/*
 * One managed request. The caller fills the first part, keeps the memory, fd and buffer until the job
 * is over, and reads the second part then. `def.size_bytes` bytes at `def.offset`; the type must fit the
 * operation: READ or METADATA to read, WRITE or SYNC_WRITE to write, any but READ to fsync.
 */
struct reeve_io_job {
	struct reeve_io_def def;
	uint32_t op; /* enum reeve_io_op */
	int fd;
	void *buffer;
	/* when it is over */
	uint32_t state; /* enum reeve_io_state */
	int64_t result; /* bytes, or a negative errno */
	reeve_io_id id;
	/* reeve's own */
	uint32_t slot;
	uint32_t is_over; /* futex word */
};

/*
 * Opens an executor: this is the one call of the library that starts threads. `options` NULL:
 * defaults. *ret_executor is the caller's, to be given to reeve_io_executor_close before reeve_close.
 * Errors: INVALID_ARGUMENT, RESOURCE_EXHAUSTED (64 a segment, memory), SYSTEM.
 */
REEVE_API int reeve_io_executor_open(struct reeve *reeve,
	const struct reeve_io_executor_options *options, struct reeve_io_executor **ret_executor,
	struct reeve_error *err);
/* Cancels what waits, waits for what is under way, ends the threads. NULL is allowed. */
REEVE_API void reeve_io_executor_close(struct reeve_io_executor *executor);
/* REEVE_IO_URING or REEVE_IO_THREADS. */
REEVE_API uint32_t reeve_io_executor_backend(const struct reeve_io_executor *executor);

/*
 * Submits a job of a session (in its present group; its statement is charged) or, with `session`
 * NULL, of a group. Does not block. Any thread. Errors: NOT_FOUND, INVALID_ARGUMENT,
 * RESOURCE_EXHAUSTED (table of I/O requests full).
 */
REEVE_API int reeve_io_executor_submit(struct reeve_io_executor *executor,
	struct reeve_session *session, reeve_group_id group, struct reeve_io_job *job,
	struct reeve_error *err);
/*
 * Waits until a job is over, at most to `give_up` (monotonic; REEVE_NEVER: no bound): TIMEOUT. The job
 * goes on then. 0 when it is over, whatever its result. To be called between reeve_block_begin and
 * _end by a thread that holds a CPU slot.
 */
REEVE_API int reeve_io_executor_wait(struct reeve_io_executor *executor, struct reeve_io_job *job,
	reeve_ns give_up, struct reeve_error *err);

/* ---- groups ---- */

/*
 * Sets a group's limits and weight by hand, until the next plan activation, in place of the plan's; the
 * group's own go on to hold. Registering again replaces. `bandwidth` bytes a second, 1 to REEVE_IO_BANDWIDTH_MAX, or REEVE_UNLIMITED; `iops`
 * operations a second, 1 to REEVE_IO_IOPS_MAX, or REEVE_UNLIMITED; `weight` 1 to REEVE_IO_WEIGHT_MAX.
 * In force at once. Errors: NOT_FOUND, INVALID_ARGUMENT.
 */
REEVE_API int reeve_io_group_register(struct reeve *reeve, reeve_group_id group, uint64_t bandwidth,
	uint64_t iops, uint32_t weight, struct reeve_error *err);
/* Ends an explicit registration. NOT_FOUND when there is none. */
REEVE_API int reeve_io_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err);

/* ---- settings ---- */

struct reeve_io_config {
	uint32_t policy;	 /* enum reeve_io_policy */
	uint32_t max_concurrent; /* requests under way at once, 1 to 1,024; default 128 */
	uint32_t
		burst_ppm; /* what a limit's bucket holds, in ppm of a second: 1,000 to 10,000,000 */
	/* Default deadlines, [type][priority], after submission; REEVE_NEVER: none. */
	reeve_ns deadlines[REEVE_IO_TYPES][REEVE_IO_PRIORITIES];
};

REEVE_API void reeve_io_config_get(struct reeve *reeve, struct reeve_io_config *ret_config);
/*
 * Sets all, or nothing, in force at once; requests that wait are put in the new order (milliseconds
 * under the I/O lock when tens of thousands wait). INVALID_ARGUMENT.
 */
REEVE_API int reeve_io_config_set(
	struct reeve *reeve, const struct reeve_io_config *config, struct reeve_error *err);
/* Sets one default deadline: 1 us up, or REEVE_NEVER. INVALID_ARGUMENT. */
REEVE_API int reeve_io_deadline_set(struct reeve *reeve, uint32_t type, uint32_t priority,
	reeve_ns deadline, struct reeve_error *err);

/* ---- statistics ---- */

#define REEVE_LATENCY_BUCKETS 40u

/* A distribution of spans. Bucket i counts spans of 2^(i-1) up to 2^i ns; bucket 0 those of 0. */
struct reeve_latency {
	uint64_t count, sum_ns, min_ns, max_ns;
	uint64_t buckets[REEVE_LATENCY_BUCKETS];
};
/* The span that `ppm` of all do not exceed: 990,000 for p99. Between bounds of a bucket, straight. */
REEVE_API uint64_t reeve_latency_at(const struct reeve_latency *latency, uint32_t ppm);

struct reeve_io_group_stats {
	reeve_group_id group;
	bool is_registered; /* explicitly */
	uint64_t bandwidth; /* limit in force; REEVE_UNLIMITED */
	uint64_t iops;	    /* limit in force; REEVE_UNLIMITED */
	uint32_t weight;
	uint64_t total_bytes; /* of completed requests */
	uint64_t total_ops;
	uint32_t queued, active; /* both together: submitted and not yet complete */
	/* observed, exponentially weighted, half-life one second */
	uint64_t bytes_per_s;
	uint64_t milliops_per_s;	       /* operations, times 1,000 */
	int64_t bandwidth_tokens, iops_tokens; /* left; negative: debt; 0 without limit */
	uint64_t throttled;		       /* requests delayed at least once by a limit */
	uint64_t deadline_misses;	       /* completed past their deadline */
	struct reeve_latency wait;	       /* submission to start */
};

/* NOT_FOUND. */
REEVE_API int reeve_io_group_stats_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_io_group_stats *ret_stats, struct reeve_error *err);
/* Up to `capacity` groups by id. Returns how many were copied. */
REEVE_API uint32_t reeve_io_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_io_group_stats *ret_stats, uint32_t capacity);

struct reeve_io_device_stats {
	uint32_t device;
	char target[REEVE_IO_TARGET_MAX];
	uint64_t total_bytes, total_ops;
	uint32_t queue_depth; /* requests under way */
	/*
	 * Part of the time in which it had a request, from the mean number under way over about a
	 * second: one or more is REEVE_PPM.
	 */
	uint32_t busy_ppm;
	struct reeve_latency service; /* start to completion */
};
/* Up to `capacity` devices by number; 0 is requests that named none. Returns how many. */
REEVE_API uint32_t reeve_io_device_stats_copy(
	struct reeve *reeve, struct reeve_io_device_stats *ret_stats, uint32_t capacity);

/* Totals since the segment was created. */
struct reeve_io_stats {
	uint64_t
		total; /* requests submitted: completed, failed, cancelled, and those that are there */
	uint64_t completed; /* with success */
	uint64_t failed, cancelled;
	uint64_t bytes_read, bytes_written;
	uint64_t avg_latency_ns; /* mean of submission to completion */
	uint64_t deadline_misses;
	uint64_t throttled; /* requests delayed at least once by a limit */
	/* managed requests performed in one call with a neighbour, by an executor of threads */
	uint64_t merged;
	uint32_t queued, active;
	uint64_t bytes_per_s;
	uint64_t milliops_per_s;
	uint32_t policy;
	struct reeve_latency wait, service;
};
REEVE_API void reeve_io_stats_get(struct reeve *reeve, struct reeve_io_stats *ret_stats);

#ifdef __cplusplus
}
#endif
#endif
