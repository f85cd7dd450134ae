/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - what each path of the HTTP server answers.
 *
 *	/graphql   GraphQL, GET and POST; as server-sent events too, and /graphql/stream: subscribe.h
 *	/api/v1    REST, the same as a table of routes (rest/rest.h)
 *	/metrics   OpenMetrics or Prometheus text
 *	/healthz   200 while the process answers
 *	/readyz    200 while it governs; 503 while it stops, or when the segment is degraded
 *	/          what there is, in plain text
 */
#ifndef REEVE_DAEMON_SERVICE_H
#define REEVE_DAEMON_SERVICE_H

#include "reeved.h"

/* The application of the HTTP server. `daemon` must outlive it. */
struct reeve_http_app reeved_service_app(struct reeved *daemon);

/* Builds the GraphQL engine from the schema that is linked in. INTERNAL: schema and resolvers do
 * not fit, with what is wrong in `err` and, in full, in the log. */
int reeved_service_create_graphql(const struct reeved_options *limits,
	struct reeve_gql_engine **ret_engine, struct reeve_error *err);

#endif
