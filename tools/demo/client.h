/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.h - one client of the demonstration: a connection, a session, and what it asks.
 *
 * A look-up client asks for the page of one package; a report client runs one of three reports in
 * turn: everything that needs a package (recursive), how sections depend on each other, and which
 * packages are wanted together (aggregates over joins). The sampler reads the groups' CPU use.
 */
#ifndef REEVE_DEMO_CLIENT_H
#define REEVE_DEMO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

enum role { LOOKUP, REPORT, SAMPLER };

struct client {
	struct http_conn conn;
	enum role role;
	uint64_t session; /* 0: the sampler has none */
	bool is_busy;	  /* has asked, and waits for the answer */
	int64_t since_us; /* when it asked */
	int64_t next_us;  /* when it asks again */
	unsigned asked;	  /* reports so far, counted from a start of its own */
};

/* What the clients ask for: names from the database. */
struct load_names {
	char **lookups; /* any packages */
	size_t lookup_count;
	char **roots; /* those that most others depend on */
	size_t root_count;
};

/* Copies the names out of the database through the server. 0, or -1 after printing why. */
int load_names_fetch(struct load_names *names, struct http_conn *control);
void load_names_fini(struct load_names *names);

/* A number of the generator, whose state (not 0) is the caller's: the same requests in every run. */
uint64_t next_random(uint64_t *state);

/* Connects, with a session in INTERACTIVE_GROUP or BATCH_GROUP by role. 0, or -1 after printing why. */
int client_open(struct client *client, enum role role, unsigned number, struct http_conn *control);
/* Sends the next request; is_busy from then on. 0, or -1 with errno. */
int client_ask(struct client *client, const struct load_names *names, uint64_t *random);
/* Ends its session. Close the connection first: that cancels what still runs. */
void client_end_session(struct client *client, struct http_conn *control);

#endif
