/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reeved.h - the daemon as a whole: what its parts share.
 *
 *	main      command line, start, signals, stop
 *	clock     a thread that calls reeve_tick and measures usage
 *	http/     sockets, requests, threads
 *	service   what each path answers
 *	auth/     who may come in, and what for
 *	audit/    the record of who changed what
 *	rest/     /api/v1, a table over the GraphQL schema
 *	graphql/  the language; resolvers/ what each field means
 *	stream/   server-sent events; subscribe puts GraphQL into them
 *	sql/      sessions of this daemon with their database connections; running statements
 *	catalog/  definitions, written before they take effect; revisions
 *	metrics/  Prometheus and OpenMetrics text
 *
 * One struct reeved a process; it is complete before the first request and constant from then on,
 * except for what says otherwise.
 */
#ifndef REEVE_DAEMON_REEVED_H
#define REEVE_DAEMON_REEVED_H

#include "auth/auth.h"
#include "graphql/graphql.h"
#include "http/http.h"
#include "options.h"

#include <reeve/reeve.h>

#include <pthread.h>
#include <stdatomic.h>

struct reeved_rest;
struct reeved_sessions;
struct reeved_clock;
struct reeved_catalog;
struct reeved_streams;
struct reeved_audit;

/* How statements ended; labels of the metric. */
enum reeved_sql_outcome {
	REEVED_SQL_OK,
	REEVED_SQL_ERROR,
	REEVED_SQL_CANCELLED,
	REEVED_SQL_TIMEOUT,
	REEVED_SQL_KILLED,
	REEVED_SQL_OUTCOMES
};

/* Counted by any thread, read by the metrics. */
struct reeved_counters {
	_Atomic uint64_t queries, mutations, subscriptions, refused; /* GraphQL operations */
	_Atomic uint64_t statements[REEVED_SQL_OUTCOMES];
	_Atomic uint64_t rows;
};

struct reeved {
	struct reeved_options options;
	struct reeve *reeve;
	struct reeve_gql_engine *graphql;
	struct reeved_rest *rest;
	struct reeved_sessions *sessions;
	struct reeved_clock *clock;
	struct reeved_catalog *catalog;
	struct reeved_streams *streams;
	struct reeved_audit *audit;
	struct reeved_auth auth;
	struct reeve_http *http; /* NULL until it listens */
	reeve_ns started_wall;
	_Atomic bool is_stopping;
	pthread_mutex_t definitions; /* one at a time changes them */
	struct reeved_counters counters;
	pthread_mutex_t reset_lock;
	struct reeve_stats reset; /* when totals began anew for readers; zero: they never have */
};

static inline void reeved_count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
