/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.h - definitions outlive the segment: each change is written before it takes effect.
 *
 * A change through the API is first made in a segment of reeved's own that has the same definitions and
 * nothing alive in it (the rehearsal). What has become different there is written as one revision;
 * then the same is done in the segment that everybody uses, and then the answer goes out. If that
 * segment refuses what the rehearsal did (a group has sessions, a table is full), the difference
 * back is written as a further revision, and the caller gets the error.
 *
 * What other processes change directly is imported as a revision once it is seen: before the next
 * change, and by the clock. When reeved starts, the segment is brought to what the catalog says.
 * Decisions 56 and 57.
 *
 * Everything here happens under daemon->definitions, one at a time.
 */
#ifndef REEVE_DAEMON_CATALOG_CATALOG_H
#define REEVE_DAEMON_CATALOG_CATALOG_H

#include "catalog/store.h"
#include "graphql/graphql.h"
#include "reeved.h"

#include <reeve/reeve.h>

struct reeved_catalog;

/* Opens DIR/catalog.db and brings the segment to it, or it to the segment when it is new. */
int reeved_catalog_open(
	struct reeved *daemon, struct reeved_catalog **ret, struct reeve_error *err);
void reeved_catalog_close(struct reeved_catalog *catalog);

/*
 * Around a resolver that changes definitions, which is called in between; with `catalog` NULL they do
 * nothing. begin rehearses it and writes what it will change: negative after failing the field, and
 * the resolver is not to be called. end takes what the resolver returned, and returns what the field
 * is to return.
 */
int reeved_catalog_begin(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object);
int reeved_catalog_end(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, int result);

/* Once a second: imports what was changed from outside, keeps new events. */
void reeved_catalog_tick(struct reeved_catalog *catalog);

/* For resolvers of revisions; under daemon->definitions. */
/* The segment of the rehearsal: whoever changes it puts it back. */
struct reeve *reeved_catalog_rehearsal(struct reeved_catalog *catalog);
struct reeved_store *reeved_catalog_store(struct reeved_catalog *catalog);
const struct reeve_definitions *reeved_catalog_definitions(const struct reeved_catalog *catalog);
/* Number of the newest revision. Any thread, without the lock. */
uint64_t reeved_catalog_revision(const struct reeved_catalog *catalog);

#endif
