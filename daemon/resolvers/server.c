/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the server itself. */
#include "resolvers/resolvers.h"

#include <unistd.h>

struct server_info {
	const char *version;
	int64_t started_at, now;
	uint64_t cores;
};

static int resolve_server_info(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const struct reeved *daemon = reeved_client_of(ctx)->daemon;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct server_info info = {
		.version = reeve_version(),
		.started_at = daemon->started_wall,
		.now = reeve_now_wall(daemon->reeve),
		.cores = cores > 0 ? (uint64_t)cores : 1,
	};
	return reeve_gql_emit_object(ctx, &info);
}

static const struct reeve_gql_binding rows[] = {
	TEXT("ServerInfo", "version", struct server_info, version),
	TIME_NS("ServerInfo", "startedAt", struct server_info, started_at, ),
	TIME_NS("ServerInfo", "now", struct server_info, now, ),
	UINT("ServerInfo", "cores", struct server_info, cores, ),
	FN("ServerInfo", "revision", reeved_resolve_revision),
	FN("Query", "serverInfo", resolve_server_info),
};
const struct reeve_gql_table reeved_server_table = {rows, REEVED_COUNT(rows)};
