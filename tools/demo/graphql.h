/* SPDX-License-Identifier: Apache-2.0 */
/* graphql.h - GraphQL calls over one connection, waiting for each answer. */
#ifndef REEVE_DEMO_GRAPHQL_H
#define REEVE_DEMO_GRAPHQL_H

#include <jansson.h>

#include "http.h"

/* Longest a call that runs no report may take. */
#define GRAPHQL_TIMEOUT_MS 30000

/*
 * Calls with the variables (taken over; NULL: none). Returns the `data` object, the caller's; or
 * NULL after printing what went wrong, unless `quietly`.
 */
json_t *graphql_call(struct http_conn *conn, const char *document, json_t *variables, bool quietly);
/* As graphql_call, for the one unsigned number at a path such as "createSession.sessionId". */
uint64_t graphql_number(
	struct http_conn *conn, const char *document, json_t *variables, const char *path);

/* The number after "name": in a JSON text; 0 when it is not there. For answers read by the thousand. */
uint64_t json_text_number(const char *text, const char *name);

#endif
