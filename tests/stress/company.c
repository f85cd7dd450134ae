/* SPDX-License-Identifier: Apache-2.0 */
/* company.c - see company.h. */
#include "company.h"

#include <stdlib.h>
#include <unistd.h>

struct reeve *company_open(const char *path)
{
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct reeve_error err;
	struct reeve *r;

	o.path = path;
	o.flags = path ? REEVE_OPEN_NEW : 0;
	o.cpu_slots = 2;
	o.max_attachments = 24;
	o.max_groups = 24;
	o.max_plans = 24;
	o.max_directives = 128;
	o.max_mappings = 100;
	o.max_sessions = 128;
	o.max_tasks = 160;
	o.max_schedules = 12;
	o.max_windows = 8;
	o.max_edit_ops = 8;
	o.max_events = 1024;
	o.db_limit_bytes = 64000000;
	o.max_quotas = 64;
	o.max_allocations = 128;
	o.max_external_sessions = 32;
	o.max_io_requests = 64;
	o.max_executions = 96;
	o.max_servers = 24;
	o.max_server_pools = 4;
	o.max_rules = 24;
	if (reeve_open(&o, &r, &err)) {
		fprintf(stderr, "%s: %s\n", path ? path : "anonymous", err.text);
		abort();
	}
	return r;
}

void company_files(struct board *b)
{
	snprintf(b->directory, sizeof(b->directory), "/tmp/reeve-test-XXXXXX");
	if (!mkdtemp(b->directory))
		abort();
}

void company_files_remove(struct board *b)
{
	char path[96];

	for (uint32_t i = 0; i < ACTORS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/actor-%u", b->directory, i);
		unlink(path);
	}
	rmdir(b->directory);
}

bool company_rests(struct board *b, uint32_t n, reeve_ns limit)
{
	struct kit_poll poll = kit_poll_for(limit);
	uint32_t resting;

	do {
		resting = 0;
		for (uint32_t i = 0; i < n; i++)
			resting += atomic_load(&b->rests[i]);
		if (resting == n)
			return true;
	} while (kit_poll_more(&poll));
	for (uint32_t i = 0; i < n; i++)
		if (!atomic_load(&b->rests[i]))
			printf("FAULT actor %u does not come to rest: %s\n", i,
				actor_act_name(kit_get(&b->doing[i])));
	fflush(stdout);
	return false;
}
