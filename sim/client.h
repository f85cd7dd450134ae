/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - one simulated client, what it does, and what it shares with the rest of its run.
 */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include <reeve/reeve.h>

#include "measure.h"
#include "random.h"
#include "scenario.h"

struct run;

struct process {
	struct run *run;
	uint32_t index; /* in the scenario */
	struct sim_process *machine_process;
	struct reeve *reeve;   /* its attachment */
	uint32_t live_clients; /* word that its main thread waits on */
};

struct client {
	struct run *run;
	struct process *process;
	const struct scn_clients *kind;
	uint32_t group; /* index; where it is now */
	struct sim_random random;
	struct reeve_session *session; /* NULL before and after */
	bool is_gone;		       /* has returned, or died with its process */
	bool was_ended;		       /* somebody ends its session: KILLED is no surprise */
	bool was_cancelled;
	bool is_in_call; /* of the library, that may wait */
	bool is_in_statement;
	uint32_t shields;
	reeve_ns call_since, begun_at, waited_ns;
	reeve_ns left_ns[SCN_ACTS];	       /* CPU until the next one; REEVE_NEVER: none */
	bool is_active;			       /* its statement has begun and counts as active */
	uint64_t memory_bytes;		       /* that its statement has taken */
	uint32_t servers;		       /* that its statement has */
	uint64_t request;		       /* that it has submitted and waits for; 0: none */
	struct reeve_io_request_info performs; /* for whom it is; id 0: none */
	reeve_ns asked_at;		       /* when */
	struct reeve_error err;		       /* of what its statement asked for last */
};

struct run {
	const struct scenario *scenario;
	struct sim_machine *machine;
	const struct reeve_host *host;
	struct outcome *outcome;
	struct reeve *reeve; /* the housekeeper's; the last to be closed */
	reeve_group_id *groups;
	reeve_plan_id *plans;
	struct process *processes;
	struct client *clients;
	uint32_t client_count;
	struct client *lock_holder; /* of the one lock that there is; NULL: free */
	uint32_t lock_word;	    /* changes when the lock is let go; who wants it waits on it */
	reeve_ns device_free_at;    /* the simulated device has transferred all it was given */
	uint32_t
		io_word; /* changes when a pull request comes or is done; who waits for his waits on it */
	bool may_move; /* the library may move sessions by itself: their groups are looked up */
	uint64_t next_event, lost_events;
	reeve_ns mono_start; /* the library's clock at 0 */
	bool has_ended;	     /* the housekeeper got to its end */
};

/* Something that must not happen; the first one's text is kept. */
__attribute__((format(printf, 2, 3))) void run__fault(struct run *run, const char *format, ...);

/* A call that must work. */
bool run__must(struct run *run, int rc, const struct reeve_error *err, const char *what);
/* Whether the scenario expects anything of this metric for this group (SCN_NONE: any). */
bool run__expects(const struct run *run, enum scn_metric metric, uint32_t group);

/* set_up.c: what there is at the beginning, and changes of it. False after a fault. */
bool set_up__all(struct run *run);
bool set_up__directive(struct run *run, const struct scn_directive *directive);
bool set_up__activate(struct run *run, uint32_t plan);
bool set_up__quantum(struct run *run, reeve_ns quantum_ns);
bool set_up__policy(struct run *run, uint32_t policy);

/* The thread of a client. */
void client__main(void *client);
/* Moves it to another group, for the books. */
void client__set_group(struct client *client, uint32_t group);
/* Its process was killed. */
void client__die(struct client *client);
/* Its session has ended while it keeps the lock: an engine rolls back. */
void client__roll_back(struct client *client);

/* Around every call that may wait for a CPU slot. */
void client__enter_call(struct client *client);
void client__leave_call(struct client *client);
/* Uses CPU up to the next checkpoint, and passes it. At most `most_ns`; less is possible. */
int client__work_chunk(struct client *client, reeve_ns most_ns, reeve_ns *ret_used);

/*
 * acts.c: one of the things that statements do besides plain work. *ret_used gets the CPU it took.
 * Returns 0, or the code with which the statement ends.
 */
int client__act(struct client *client, enum scn_act act, reeve_ns *ret_used);
void client__let_lock_go(struct client *client);
/* Its process was killed: what it performed fails, what it asked for is nobody's. */
void client__give_request_up(struct client *client);
/* Its memory, when the statement is over; the session lives. */
void client__free_memory(struct client *client);

#endif
