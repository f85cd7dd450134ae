/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - what one HTTP connection keeps for the daemon: its GraphQL call, and the statement it
 * has running, so that the statement can be cancelled from the loop when the client hangs up.
 *
 * Two threads meet here: the one that works on the request, and the loop that may abandon it.
 *
 *	worker: claims the session; running = id; statement; running = 0; waits for cancelling = 0;
 *		releases the session
 *	loop:	cancelling++; id = running; cancels id; cancelling--
 *
 * Both sides use sequentially consistent operations, so either the loop sees 0, or the worker sees
 * the loop cancelling and keeps the session until it has: a statement of the next request in the
 * same session is never hit.
 */
#ifndef REEVE_DAEMON_CLIENT_H
#define REEVE_DAEMON_CLIENT_H

#include "auth/role.h"
#include "graphql/graphql.h"
#include "json/json.h"
#include "reeved.h"
#include "rest/rest.h"

struct reeved_stream;

struct reeved_client {
	struct reeved *daemon;
	struct reeve *rehearsal;    /* segment that resolvers change now; NULL: everybody's */
	uint64_t revision;	    /* of the change that is being performed; 0: none was written */
	struct reeved_identity who; /* of the present request */
	uint32_t permitted, denied; /* of its fields that need a role: see operate.c */
	struct reeve_gql_call *call;   /* NULL until the first GraphQL request */
	struct reeved_rest_call *rest; /* NULL until the first REST request */
	bool is_rest;		       /* the present request is one */
	struct reeve_json text;	       /* answers that are not GraphQL; decoded query strings */
	struct reeve_json cells;       /* values of a result on their way to the answer */
	struct reeved_stream *stream;  /* that this connection tells; NULL: none */
	/* The stream that the present request's answer goes to, a reference, and the id of its
	 * operation; NULL: the answer goes back. */
	struct reeved_stream *relay;
	char *relay_id;
	_Atomic bool is_abandoned; /* of the present request: nobody waits for it */
	_Atomic uint64_t running;  /* id of the session whose statement runs; 0: none */
	_Atomic uint32_t cancelling;
};

/* Around a statement, on the thread that runs it. */
void reeved_client_begin(struct reeved_client *client, reeve_session_id id);
void reeved_client_end(struct reeved_client *client);

#endif
