/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - one phase of the demonstration: clients that look packages up, clients that run reports,
 * and what came of it.
 *
 * All clients are closed loops in one thread: each waits for its answer before it asks again. A
 * look-up client then thinks for 2 ms on average (exponential); a report client does not think.
 */
#ifndef REEVE_DEMO_LOAD_H
#define REEVE_DEMO_LOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"
#include "samples.h"
#include "server.h"

/* Set by the signal handler; everything that takes time looks at it. */
extern volatile sig_atomic_t load_stop;

struct load_options {
	const struct server *server;
	struct http_conn *control; /* to the server, idle */
	const struct load_names *names;
	unsigned lookup_clients, report_clients;
	unsigned seconds; /* measured; one more before that is not */
	unsigned cores;
};

/* Of the measured seconds. */
struct load_result {
	double seconds;
	struct samples lookups; /* latency of each */
	struct samples reports;
	double cpu_lookups; /* cores used by statements of INTERACTIVE_GROUP */
	double cpu_reports; /* ... of BATCH_GROUP */
	double cpu_all;	    /* ... of server and clients, by the operating system */
	uint64_t errors;
};

/*
 * Runs one phase with a line a second, and ends its sessions. 0, or -1 after printing why, or when
 * load_stop was set. `ret_result` must be zero before, and is the caller's to load_result_fini.
 */
int load_run(const struct load_options *options, struct load_result *ret_result);
void load_result_fini(struct load_result *result);

#endif
