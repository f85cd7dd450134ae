/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the server itself. */
#include "resolvers/resolvers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct server_info {
	const char *version;
	char zone[256];
	int64_t started_at, now;
	uint64_t cores;
};

/*
 * What the process's local time is called: TZ when it names a zone, else what /etc/localtime leads to,
 * else its offset at `now`.
 */
static void name_zone(char *to, size_t size, int64_t now)
{
	static const char folder[] = "zoneinfo/";
	const char *tz = getenv("TZ"), *name;
	char target[256];
	time_t seconds = (time_t)(now / REEVE_SEC);
	struct tm local;
	ssize_t n;
	tzset();
	if (tz != NULL && *tz == ':')
		tz++;
	if (tz == NULL) {
		n = readlink("/etc/localtime", target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		tz = target;
	}
	name = strstr(tz, folder);
	name = name != NULL ? name + sizeof(folder) - 1 : tz;
	if ((strchr(name, '/') != NULL || strcmp(name, "UTC") == 0) && *name != '/') {
		snprintf(to, size, "%s", name);
		return;
	}
	localtime_r(&seconds, &local);
	strftime(to, size, "UTC%z", &local);
}

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
	name_zone(info.zone, sizeof(info.zone), info.now);
	return reeve_gql_emit_object(ctx, &info);
}

REEVED_TEXT_OF(resolve_zone, struct server_info, zone)

static const struct reeve_gql_binding rows[] = {
	TEXT("ServerInfo", "version", struct server_info, version),
	FN("ServerInfo", "timeZone", resolve_zone),
	TIME_NS("ServerInfo", "startedAt", struct server_info, started_at, ),
	TIME_NS("ServerInfo", "now", struct server_info, now, ),
	UINT("ServerInfo", "cores", struct server_info, cores, ),
	FN("ServerInfo", "revision", reeved_resolve_revision),
	FN("Query", "serverInfo", resolve_server_info),
};
const struct reeve_gql_table reeved_server_table = {rows, REEVED_COUNT(rows)};
