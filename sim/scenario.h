/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - what a scenario file says: a machine, groups, plans, clients, events, expectations.
 *
 * The file is text, one statement a line, `#` starts a comment, words are separated by blanks, and
 * names are declared before use. reeve-sim(1) describes every statement.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include <reeve/io.h>
#include <reeve/plan.h>
#include <reeve/types.h>

#include "machine.h"

#define SCN_NAME_MAX 64
#define SCN_TEXT_MAX 160
#define SCN_NONE     UINT32_MAX

struct scn_group {
	char name[SCN_NAME_MAX];
	uint32_t priority; /* SCN_NONE: as it comes */
	uint32_t cpu_pct;  /* SCN_NONE: as it comes */
};

struct scn_plan {
	char name[SCN_NAME_MAX];
	uint32_t method;  /* enum reeve_cpu_method */
	uint32_t max_pct; /* 0: none */
	bool manages_sessions, manages_parallel;
};

struct scn_directive {
	uint32_t plan, group; /* indexes */
	struct reeve_directive_def def;
	uint32_t sub_plan, switch_group; /* indexes; count when def has such a field */
};

struct scn_process {
	char name[SCN_NAME_MAX];
};

enum scn_distribution { SCN_FIXED, SCN_EXPONENTIAL, SCN_LOGNORMAL, SCN_ENDLESS };

struct scn_amount {
	enum scn_distribution distribution;
	reeve_ns ns; /* the value, mean or median */
	double sigma;
};

/* What a statement does again and again, each time it has used `every_ns` CPU. */
enum scn_act {
	SCN_BLOCK,  /* sleeps for `length_ns` */
	SCN_SHIELD, /* uses `length_ns` of CPU in a critical section */
	SCN_LOCK,   /* uses `length_ns` of CPU under the one lock that there is */
	SCN_IO,	    /* transfers `bytes` */
	SCN_MEMORY, /* takes `bytes` more, until the statement ends */
	SCN_ACTS
};

struct scn_pattern {
	reeve_ns length_ns;
	uint64_t bytes;
	reeve_ns every_ns; /* 0: never */
};

/* `count` clients alike: each in a loop of a statement and a pause. */
struct scn_clients {
	char name[SCN_NAME_MAX];
	uint32_t count;
	uint32_t group, process; /* indexes */
	uint32_t priority;	 /* enum reeve_session_priority */
	struct scn_amount work, think;
	struct scn_pattern acts[SCN_ACTS];
	uint32_t io_type, io_priority; /* enum reeve_io_type, reeve_io_priority */
	reeve_ns io_deadline_ns;       /* 0: the default */
	bool is_pull;		       /* submits its I/O, and performs whose turn it is */
	uint32_t degree;	       /* parallel servers a statement asks for; 0: none */
	bool takes_less;	       /* fewer will do */
	bool keeps_lock;	       /* until its next statement */
	bool is_silent;		       /* does not say whom it waits for */
	reeve_ns start_ns, stop_ns;    /* stop: no statement begins after it */
	reeve_ns deadline_ns;	       /* of each statement; 0: none */
	double estimate_pct; /* of what they will use, statements say beforehand; 0: nothing */
	uint32_t renew;	     /* statements a session; 0: one session for all */
};

enum scn_event_kind {
	SCN_ACTIVATE,
	SCN_SWITCH,
	SCN_KILL,
	SCN_QUANTUM,
	SCN_REGISTER,
	SCN_UNREGISTER,
	SCN_DIRECTIVE,
	SCN_CANCEL,
	SCN_END,
	SCN_POLICY
};

struct scn_event {
	reeve_ns at;
	uint32_t line;
	enum scn_event_kind kind;
	uint32_t plan, group, process, clients; /* indexes, as the kind needs them */
	reeve_ns quantum_ns;
	uint32_t shares, cap_pct;
	uint32_t policy; /* enum reeve_cpu_policy */
	struct scn_directive directive;
};

enum scn_metric {
	SCN_SHARE,
	SCN_USAGE,
	SCN_UTILIZATION,
	SCN_LEAD,
	SCN_LAG,
	SCN_GAP,
	SCN_WAIT,
	SCN_PARK,
	SCN_LATENCY,
	SCN_IDLE_WAIT,
	SCN_STATEMENTS,
	SCN_PARKS,
	SCN_SHIELD_PARKS,
	SCN_TIMEOUTS,
	SCN_CANCELS,
	SCN_CHARGED,
	SCN_QUEUE_TIMEOUTS,
	SCN_REFUSALS,
	SCN_KILLS,
	SCN_ACTIVE,
	SCN_SERVERS,
	SCN_DEGREE,
	SCN_MEMORY_USE,
	SCN_IO_SHARE,
	SCN_IO_RATE,
	SCN_IOPS,
	SCN_IO_WAIT,
	SCN_IO_LATENCY,
	SCN_EVENTS,
	SCN_OVERRUN
};

enum scn_unit { SCN_PERCENT, SCN_TIME, SCN_COUNT, SCN_BYTES };
enum scn_statistic { SCN_MAX, SCN_MEAN, SCN_QUANTILE };
enum scn_relation { SCN_LESS, SCN_AT_MOST, SCN_MORE, SCN_AT_LEAST, SCN_EQUAL };

struct scn_expect {
	uint32_t line;
	char text[SCN_TEXT_MAX]; /* as written */
	enum scn_metric metric;
	enum scn_unit unit;
	uint32_t group; /* index; SCN_NONE: all */
	enum scn_statistic statistic;
	uint32_t event, limit; /* enum reeve_event_kind, reeve_limit_kind; limit 0: any */
	double quantile;       /* 0 to 1 */
	double of_pct;	       /* lead and lag: of which share */
	reeve_ns from, to;     /* to: REEVE_NEVER: the end */
	reeve_ns window_ns;    /* 0: the whole of it */
	enum scn_relation relation;
	double value, within; /* percent, nanoseconds, bytes or a count */
};

struct scenario {
	const char *file; /* borrowed */
	struct sim_machine_config machine;
	uint32_t slots;		    /* 0: as many as cores */
	reeve_ns quantum_ns;	    /* 0: as it comes */
	uint32_t policy;	    /* enum reeve_cpu_policy */
	uint32_t io_policy;	    /* enum reeve_io_policy */
	uint32_t io_concurrent;	    /* 0: as it comes */
	uint32_t io_burst_ppm;	    /* 0: as it comes */
	reeve_ns device_latency_ns; /* of each request, any number at once */
	uint64_t device_bandwidth;  /* bytes a second, one request after the other; 0: no end */
	reeve_ns runaway_ns;	    /* 0: as it comes */
	uint32_t runaway_speed_pct; /* 0: as it comes */
	uint32_t parallel_servers;  /* of all groups together; 0: as it comes */
	reeve_ns chunk_ns;	    /* CPU between two checkpoints, on average */
	reeve_ns tick_ns;	    /* between two reeve_tick; 0: never */
	reeve_ns duration_ns;
	reeve_ns drain_ns;    /* how long after it statements may take to end */
	uint32_t active_plan; /* index; SCN_NONE: as it comes */
	struct scn_group *groups;
	uint32_t group_count;
	struct scn_plan *plans;
	uint32_t plan_count;
	struct scn_directive *directives;
	uint32_t directive_count;
	struct scn_process *processes; /* the first is nameless, for clients that name none */
	uint32_t process_count;
	struct scn_clients *clients;
	uint32_t clients_count;
	struct scn_event *events; /* by time, then line */
	uint32_t event_count;
	struct scn_expect *expects;
	uint32_t expect_count;
};

/* Words for enum reeve_cpu_policy, in its order; ends with NULL. */
extern const char *const scenario_policies[];
/* The same for enum reeve_io_policy. */
extern const char *const scenario_io_policies[];

/* Takes a field (REEVE_DIRECTIVE_...) out of all directives, as if nobody had written it. */
void scenario_drop_field(struct scenario *scenario, uint64_t bit);
/* The fields that its directives set. */
uint64_t scenario_fields(const struct scenario *scenario);

#define SCN_ERROR_MAX 400

/*
 * Reads a scenario. Returns 0; or -1 with a sentence "FILE:LINE: ..." in `error` of SCN_ERROR_MAX
 * bytes, and then there is nothing to free. `file` must outlive the scenario.
 */
int scenario_read(const char *file, struct scenario *ret_scenario, char *error);
/* The same for text in memory, which is changed by it. */
int scenario_parse(const char *file, char *text, struct scenario *ret_scenario, char *error);
void scenario_fini(struct scenario *scenario);

#endif
