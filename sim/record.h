/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - what happened in a run: CPU by group and millisecond, I/O, samples, events, idle processors.
 *
 * Groups are indexes of the scenario. The time is the machine's.
 */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/types.h>

#define RECORD_CELL_NS REEVE_MSEC

enum record_kind {
	RECORD_WAIT,	      /* a statement ended; all its waits for slots */
	RECORD_LATENCY,	      /* a statement ended; from begin to end */
	RECORD_PARK,	      /* one wait is over */
	RECORD_SHIELD_PARK,   /* one wait is over that began in a shield */
	RECORD_TIMEOUT,	      /* a statement ran out of time */
	RECORD_CANCEL,	      /* a statement was cancelled */
	RECORD_KILL,	      /* a statement found its session ended */
	RECORD_QUEUE_TIMEOUT, /* a statement waited too long in a session pool's queue */
	RECORD_REFUSAL,	      /* a statement was refused something */
	RECORD_ACTIVE,	      /* one more statement has begun; `ns` is how many there are now */
	RECORD_SERVERS,	      /* more parallel servers are in use; likewise */
	RECORD_DEGREE,	      /* a statement got so many servers; likewise */
	RECORD_MEMORY,	      /* a statement took memory; `ns` is how many bytes it has */
	RECORD_IO_WAIT,	      /* a request was admitted; from asking to that */
	RECORD_IO_LATENCY,    /* a request is done; from asking to that */
	RECORD_KINDS
};

struct record_sample {
	reeve_ns at; /* when it was over */
	reeve_ns ns;
	uint32_t group;
};

/* What the library told. */
struct record_event {
	reeve_ns at;
	uint32_t group; /* index; the number of groups: none that the scenario knows */
	uint32_t kind, limit;
	int64_t over; /* actual beyond limit, in the limit's unit */
};

struct record_samples {
	struct record_sample *items;
	size_t count, capacity;
};

/* A stretch in which a client of the group waited and a processor had nothing to do. */
struct record_stretch {
	reeve_ns from, to;
};

struct record_idle {
	uint32_t parked; /* clients in a call that may wait */
	bool is_open;
	reeve_ns from, to;	      /* of the latest stretch */
	struct record_stretch *items; /* those that lasted */
	size_t count, capacity;
};

struct record {
	uint32_t group_count;
	size_t cell_count;
	uint32_t **cpu_ns;   /* [group][cell] */
	uint64_t *total_ns;  /* [group], to the very end */
	uint64_t **io_bytes; /* [group][cell], at the admission of requests */
	uint32_t **io_requests;
	uint32_t *level[RECORD_KINDS]; /* [group]; of those kinds that count what there is now */
	struct record_event *events;
	size_t event_count, event_capacity;
	struct record_samples samples[RECORD_KINDS];
	uint32_t idle_cores;
	struct record_idle *idle; /* [group], and one for all together */
	bool is_short_of_memory;  /* something was not recorded */
};

/* False when memory is short. */
bool record_init(struct record *record, uint32_t groups, reeve_ns duration, uint32_t cores);
void record_fini(struct record *record);

void record_ran(struct record *record, uint32_t group, reeve_ns from, reeve_ns to);
void record_sample(
	struct record *record, enum record_kind kind, uint32_t group, reeve_ns at, reeve_ns ns);
/* There are `change` more (fewer) of what the kind counts. */
void record_level(
	struct record *record, enum record_kind kind, uint32_t group, reeve_ns at, int change);
/* A request of so many bytes was admitted. */
void record_io(struct record *record, uint32_t group, reeve_ns at, uint64_t bytes);
void record_event(struct record *record, const struct record_event *event);
/* The number of idle processors is this from now on. */
void record_idle_cores(struct record *record, reeve_ns now, uint32_t idle_cores);
/* A client of the group enters (+1) or leaves (-1) a call that may wait. */
void record_parked(struct record *record, reeve_ns now, uint32_t group, int change);
/* Ends what is open. */
void record_close(struct record *record, reeve_ns now);

#endif
