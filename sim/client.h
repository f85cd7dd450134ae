/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - one simulated client, and what it shares with the rest of its run.
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
	reeve_ns block_left_ns, shield_left_ns,
		lock_left_ns; /* CPU until the next one; REEVE_NEVER: none */
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
	bool has_ended;		    /* the housekeeper got to its end */
};

/* Something that must not happen; the first one's text is kept. */
__attribute__((format(printf, 2, 3))) void run__fault(struct run *run, const char *format, ...);

/* The thread of a client. */
void client__main(void *client);
/* Moves it to another group, for the books. */
void client__set_group(struct client *client, uint32_t group);
/* Its process was killed. */
void client__die(struct client *client);

#endif
