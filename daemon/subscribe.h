/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribe.h - GraphQL over server-sent events, as the graphql-sse protocol has it.
 *
 * Distinct connections: a request with Accept: text/event-stream is answered by `next` events and one
 * `complete`, be it a subscription or not.
 *
 * Single connection, at /graphql/stream:
 *
 *	PUT                           201 and a token, as text
 *	GET, Accept: text/event-stream    the stream of the token; 409 when it is open, 404 unknown
 *	GET, POST                     202; the operation's answers come on the stream, with the id
 *	                              that extensions.operationId has
 *	DELETE ?operationId=...       200; ends an operation
 *
 * The token is in the header X-GraphQL-Event-Stream-Token or in ?token=. Without one GET and POST are
 * as at /graphql.
 *
 * An event of resourceEvents has its sequence as its id, so that a browser's EventSource goes on from
 * there (Last-Event-ID). Events that a slow client has missed are told in the answer's
 * extensions.gap {from, to} of the next one.
 */
#ifndef REEVE_DAEMON_SUBSCRIBE_H
#define REEVE_DAEMON_SUBSCRIBE_H

#include "client.h"
#include "http/http.h"

#define REEVED_STREAM_PATH "/graphql/stream"

/* A request to the path with a token, or PUT or DELETE: true, and *ret_verdict. False: it is as one
 * to /graphql, or client->relay is set and its answer goes there. */
bool reeved_subscribe_handle(struct reeved_client *client, const struct reeve_http_request *request,
	struct reeve_http_reply *ret_reply, enum reeve_http_verdict *ret_verdict);

/* The call has begun, and client->relay is set: takes the operation's id. False: it has none, and
 * *ret_reply says so. */
bool reeved_subscribe_name(struct reeved_client *client, struct reeve_http_reply *ret_reply);

/* The call is a subscription. */
enum reeve_http_verdict reeved_subscribe_begin(struct reeved_client *client,
	const struct reeve_http_request *request, struct reeve_http_reply *ret_reply);

/* The call is done: its answer as an ordinary reply, as events, or on the way to client->relay. */
void reeved_subscribe_reply(struct reeved_client *client, struct reeve_http_reply *ret_reply);

/* For struct reeve_http_app. */
enum reeve_http_flow reeved_subscribe_next(
	void *self, void *state, int64_t now_ms, struct reeve_http_piece *ret_piece);
void reeved_subscribe_end(void *self, void *state);
/* The request is over without an answer to relay. */
void reeved_subscribe_forget(struct reeved_client *client);

#endif
