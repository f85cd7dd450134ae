/* SPDX-License-Identifier: Apache-2.0 */
/* acts_look.c - what looks at everything, and housekeeping. */
#include "accounts.h"
#include "actor.h"

#include <string.h>

void act_stats(struct actor *a)
{
	static _Thread_local struct reeve_group_stats groups[16];
	struct reeve_segment_info segment;
	struct reeve_stats stats;

	reeve_segment_get(a->r, &segment);
	if (segment.state != REEVE_SEGMENT_READY)
		fault(a, "the segment is degraded", (int)segment.state);
	allow(a, reeve_group_stats_copy(a->r, (reeve_group_id){0}, groups, 16, &a->err),
		MAY_EXHAUST, "group_stats_copy");
	if (allow(a, reeve_stats_get(a->r, &stats, &a->err), MAY_EXHAUST, "stats_get"))
		return;
	if (accounts_any_time(&stats))
		fault(a, "statistics of one moment do not add up", 0);
}

void act_events(struct actor *a)
{
	struct reeve_event events[16];
	uint64_t before = a->events_read;
	char text[200];
	uint32_t n = reeve_event_copy(a->r, before, events, 16, &a->events_read, NULL);

	for (uint32_t i = 0; i < n; i++) {
		if (events[i].sequence <= before)
			fault(a, "events go back", (int)i);
		before = events[i].sequence;
		reeve_event_format(&events[i], text, sizeof(text));
	}
	if (n == 0)
		allow(a, reeve_event_wait(a->r, a->events_read, soon(a, 500), &a->err),
			MAY_TIME_OUT, "event_wait");
}

void act_manager(struct actor *a)
{
	static _Thread_local struct reeve_rebalancing_report report;
	struct reeve_manager_config c;

	if (once_in(a, 2)) {
		allow(a, reeve_rebalance(a->r, &report, &a->err), 0, "rebalance");
		return;
	}
	if (allow(a, reeve_manager_config_get(a->r, &c, &a->err), 0, "manager_config_get"))
		return;
	c.io_parallelism = 1 + below(a, 32);
	c.max_total_dop = 2 + below(a, 12);
	c.max_concurrent_io = 1 + below(a, 8);
	c.io_policy = below(a, 4);
	c.max_db_memory = 48000000 + below(a, 40000000);
	allow(a,
		reeve_manager_config_set(a->r,
			REEVE_MANAGER_IO_PARALLELISM | REEVE_MANAGER_MAX_TOTAL_DOP |
				REEVE_MANAGER_MAX_CONCURRENT_IO | REEVE_MANAGER_IO_POLICY |
				REEVE_MANAGER_MAX_DB_MEMORY,
			&c, &a->err),
		MAY_CONFLICT, "manager_config_set");
}

void act_tick(struct actor *a)
{
	allow(a, reeve_tick(a->r, NULL, &a->err), 0, "tick");
}

void act_validate(struct actor *a)
{
	if (kit_faults(a->r, "on the live segment"))
		fault(a, "validate finds faults on the live segment", 0);
}

/* A process may attach more than once; what it leaves behind is ended with the attachment. */
void act_attach(struct actor *a)
{
	struct reeve *r = NULL;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;

	if (allow(a, reeve_attach(a->r, &r, &a->err), MAY_EXHAUST, "attach"))
		return;
	def.username = "ada";
	def.is_system = true;
	count_try(a, COUNT_SESSIONS);
	if (allow(a, reeve_session_create(r, &def, &s, &a->err), MAY_EXHAUST,
		    "session_create elsewhere") == 0)
		count_settle(a, COUNT_SESSIONS, IT_IS_DONE);
	else
		count_settle(a, COUNT_SESSIONS, IT_IS_REFUSED);
	reeve_close(r);
}
