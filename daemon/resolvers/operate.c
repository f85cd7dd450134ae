/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operate.c - what is done around every field that changes something, or is not for everybody.
 *
 *	may he? -> definitions in turn -> the field -> the audit log
 *
 * Definitions (groups, mappings, rules, plans, schedules, limits, settings) change one at a time,
 * so that what a resolver reads first is still true when it writes; and each is in the catalog before
 * it takes effect. Steps of a staged edit wait their turn too: what is submitted is what was rehearsed.
 */
#include "catalog/catalog.h"
#include "resolvers/resolvers.h"

static bool has_flags(const struct reeve_gql_binding *row, unsigned flags)
{
	return (row->flags & flags) == flags;
}

/* Definitions, and what was done to them by whom, are for admins. */
static enum reeved_role role_needed(const struct reeve_gql_binding *row)
{
	return has_flags(row, REEVED_DEFINES) || has_flags(row, REEVED_TELLS) ? REEVED_ADMIN
									      : REEVED_OPERATOR;
}

static int authorize(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row)
{
	struct reeved_client *client = reeved_client_of(ctx);
	enum reeved_role needed = role_needed(row);

	if (client->who.role >= needed) {
		client->permitted++;
		return 0;
	}
	client->denied++;
	return reeved_refuse(ctx, REEVE_EPERMISSION_DENIED, "%s needs the role %s, and %s has %s",
		reeve_gql_field_name(ctx), reeved_role_names[needed], client->who.name,
		reeved_role_names[client->who.role]);
}

static int run(struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object)
{
	struct reeved *daemon = reeved_client_of(ctx)->daemon;
	int rc;

	if (!has_flags(row, REEVED_DEFINES) && !has_flags(row, REEVED_STAGES))
		return row->fn(ctx, object);
	pthread_mutex_lock(&daemon->definitions);
	if (has_flags(row, REEVED_STAGES)) {
		rc = row->fn(ctx, object);
	} else {
		rc = reeved_catalog_begin(ctx, row, object);
		if (rc >= 0)
			rc = reeved_catalog_end(ctx, row, row->fn(ctx, object));
	}
	pthread_mutex_unlock(&daemon->definitions);
	return rc;
}

int reeved_operate(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object)
{
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_ns wall = reeve_now_wall(reeve), mono = reeve_now_mono(reeve);
	int denied = authorize(ctx, row);
	int rc = denied == 0 ? run(ctx, row, object) : denied;

	if (denied != 0 || !has_flags(row, REEVED_TELLS))
		reeved_audit_operation(ctx, rc, wall, mono);
	return rc;
}
