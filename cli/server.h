/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - a running reeved, over HTTP: GraphQL and REST. */
#ifndef REEVE_CLI_SERVER_H
#define REEVE_CLI_SERVER_H

#include "document/document.h"

struct server {
	const char *url;	/* http://..., https://..., or unix:PATH */
	const char *token_file; /* whose first line is sent as a bearer token; NULL: none */
};

/* What REEVE_SERVER and REEVE_TOKEN_FILE say, or http://127.0.0.1:8080 without a token. */
struct server server_default(void);

/*
 * Posts a query to URL/graphql; `document` goes along as the variable $d, unless it is NULL. *ret_tree
 * is the answer, of which *ret_data is the member `data`; to be destroyed. Negative: CLI_CANNOT, after a
 * line on stderr.
 */
int server_ask(const struct server *server, const char *query, const struct reeve_node *document,
	struct reeve_tree *ret_tree, const struct reeve_node **ret_data);

/* The same without a word: on failure `why` has the line, without "reeve: ". */
int server_ask_quietly(const struct server *server, const char *query,
	const struct reeve_node *document, struct reeve_tree *ret_tree,
	const struct reeve_node **ret_data, char *why, size_t why_size);

struct server_answer {
	long status; /* of HTTP */
	char *body;  /* NUL-terminated; for free() */
	size_t size;
	char next[1024]; /* the path of the next page; "": this was the last */
};

/*
 * One request, to a path that begins with "/"; `body` is JSON, or NULL. CLI_OK, whatever the status;
 * CLI_CANNOT after a line on stderr, and then there is nothing to free.
 */
int server_request(const struct server *server, const char *method, const char *path,
	const char *body, struct server_answer *ret_answer);
/* The same without a word: on CLI_CANNOT `why` has the line, without "reeve: ". */
int server_try(const struct server *server, const char *method, const char *path, const char *body,
	struct server_answer *ret_answer, char *why, size_t why_size);
/*
 * Posts a GraphQL subscription (`body` is the whole request) and gives each event's JSON to `event`, until
 * that returns false or the server ends the stream. Then CLI_OK, with what came that was no event: of
 * another status than 200, the problem. CLI_CANNOT: `why` has the line.
 */
typedef bool (*server_event_fn)(void *arg, const char *json);
int server_stream(const struct server *server, const char *body, server_event_fn event, void *arg,
	struct server_answer *ret_answer, char *why, size_t why_size);
/*
 * What an answer of another status than 2xx says, in one line: from its problem document, the field
 * first when the text does not begin with it.
 */
void server_problem(const struct server_answer *answer, char *to, size_t size);

#endif
