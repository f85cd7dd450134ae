/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest.h - REST under /api/v1, as a table over the GraphQL schema.
 *
 * A route is a row of routes.c: method, path, and the root field that it resolves. Everything else
 * follows from the schema: which parameters and members there are, of what type, what is answered,
 * and the OpenAPI document. A request becomes a GraphQL document with variables, which runs like any
 * other (the same checks, resolvers and threads); its answer becomes a body, or a problem.
 *
 *	HTTP request -> reeved_rest_begin() -> GraphQL request -> engine -> GraphQL answer
 *	    [-> reeved_rest_follow() -> the same once more] -> reeved_rest_finish() -> HTTP reply
 *
 * Knows neither the segment nor the daemon. struct reeved_rest is immutable and may be used by any
 * number of threads; a call belongs to one at a time.
 */
#ifndef REEVE_DAEMON_REST_H
#define REEVE_DAEMON_REST_H

#include "graphql/graphql.h"
#include "http/http.h"

#define REEVED_REST_ROOT "/api/v1"

struct reeved_rest;
struct reeved_rest_call;

/*
 * Fits the routes to the engine's schema, which must outlive the result, and proves that each gives
 * a valid document. INTERNAL: a row does not fit (the text names it), or out of memory.
 */
int reeved_rest_create(
	struct reeve_gql_engine *engine, struct reeved_rest **ret_rest, struct reeve_error *err);
void reeved_rest_destroy(struct reeved_rest *rest);

/* A call is used for one request after another. NULL: out of memory. */
struct reeved_rest_call *reeved_rest_call_create(const struct reeved_rest *rest);
void reeved_rest_call_destroy(struct reeved_rest_call *call);

enum reeved_rest_step {
	REEVED_REST_REPLY, /* *ret_reply is the answer */
	REEVED_REST_ASK,   /* run *ret_gql, then reeved_rest_finish() */
	REEVED_REST_BUSY   /* out of memory */
};

/* The texts of `request` must live until the reply is sent; *ret_gql lives until the next begin. */
enum reeved_rest_step reeved_rest_begin(struct reeved_rest_call *call,
	const struct reeve_http_request *request, struct reeve_gql_http_request *ret_gql,
	struct reeve_http_reply *ret_reply);

/* After a good answer to a PATCH: true, with the query for what is at that path now in *ret_gql, to
 * be run before reeved_rest_finish(). */
bool reeved_rest_follow(struct reeved_rest_call *call,
	const struct reeve_gql_http_response *response, struct reeve_gql_http_request *ret_gql);

/* The answer's texts belong to `response` and the call. */
enum reeved_rest_step reeved_rest_finish(struct reeved_rest_call *call,
	const struct reeve_gql_http_response *response, struct reeve_http_reply *ret_reply);

#endif
