/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operate.c - what is done around every field that changes something.
 *
 * Definitions (groups, mappings, rules, plans, schedules, limits, settings) change one at a time,
 * so that what a resolver reads first is still true when it writes; and each is in the catalog before
 * it takes effect.
 */
#include "catalog/catalog.h"
#include "resolvers/resolvers.h"

int reeved_operate(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object)
{
	struct reeved *daemon = reeved_client_of(ctx)->daemon;
	int rc;

	if ((row->flags & REEVED_DEFINES) != REEVED_DEFINES)
		return row->fn(ctx, object);
	pthread_mutex_lock(&daemon->definitions);
	rc = reeved_catalog_begin(ctx, row, object);
	if (rc >= 0)
		rc = reeved_catalog_end(ctx, row, row->fn(ctx, object));
	pthread_mutex_unlock(&daemon->definitions);
	return rc;
}
