/* SPDX-License-Identifier: Apache-2.0 */
/*
 * totals.c - totals that start anew for readers: what they were at the last reset is kept in this
 * process and taken off what the library tells. The library's own, and the metrics, go on.
 *
 * Totals are what only grows. Averages, peaks and distributions are over the whole time: what they
 * would be since a reset cannot be told from what they were.
 */
#include "resolvers/resolvers.h"

#include <string.h>

#define TOTAL(member_) offsetof(struct reeve_stats, member_)
static const size_t totals[] = {
	TOTAL(cpu.scheduled),
	TOTAL(cpu.context_switches),
	TOTAL(cpu.preemptions),
	TOTAL(cpu.cpu_ns),
	TOTAL(cpu.wait_ns),
	TOTAL(cpu.waits),
	TOTAL(cpu.runaways),
	TOTAL(cpu.throttled),
	TOTAL(cpu.boosts),
	TOTAL(cpu.deadlocks),

	TOTAL(io.total),
	TOTAL(io.completed),
	TOTAL(io.failed),
	TOTAL(io.cancelled),
	TOTAL(io.bytes_read),
	TOTAL(io.bytes_written),
	TOTAL(io.deadline_misses),
	TOTAL(io.throttled),
	TOTAL(io.merged),

	TOTAL(memory.allocations),
	TOTAL(memory.deallocations),
	TOTAL(memory.failed_allocations),
	TOTAL(memory.allocated_bytes),
	TOTAL(memory.freed_bytes),
	TOTAL(memory.pressure_events),
	TOTAL(memory.auto_adjustments),
	TOTAL(memory.reclaimed_bytes),

	TOTAL(parallel.parallel),
	TOTAL(parallel.serial),
	TOTAL(parallel.downgraded),
	TOTAL(parallel.queued),
	TOTAL(parallel.queue_timeouts),
	TOTAL(parallel.failed),
	TOTAL(parallel.cancelled),
	TOTAL(parallel.completed),
	TOTAL(parallel.adjustments),

	TOTAL(sessions.created),
	TOTAL(sessions.terminated),
	TOTAL(sessions.manual_kills),
	TOTAL(sessions.process_deaths),
	TOTAL(sessions.execution_timeouts),
	TOTAL(sessions.cancelled),
	TOTAL(sessions.idle_terminations),
	TOTAL(sessions.idle_blocker_terminations),
	TOTAL(sessions.execution_terminations),
	TOTAL(sessions.runaway_terminations),
	TOTAL(sessions.sessions_queued),
	TOTAL(sessions.queue_timeouts),
	TOTAL(sessions.priority_boosts),
	TOTAL(sessions.refused_estimates),
	TOTAL(sessions.rule_actions),
	TOTAL(sessions.admissions),
	TOTAL(sessions.admission_failures),
};

void reeved_totals_since(const struct reeve_gql_ctx *ctx, size_t offset, size_t size, void *part)
{
	struct reeved *daemon = reeved_client_of(ctx)->daemon;
	uint64_t now, before;
	pthread_mutex_lock(&daemon->reset_lock);
	for (size_t i = 0; i < REEVED_COUNT(totals); i++) {
		if (totals[i] < offset || totals[i] >= offset + size)
			continue;
		char *at = (char *)part + (totals[i] - offset);
		memcpy(&now, at, sizeof(now));
		memcpy(&before, (const char *)&daemon->reset + totals[i], sizeof(before));
		now -= before < now ? before : now; /* the segment may be another than then */
		memcpy(at, &now, sizeof(now));
	}
	pthread_mutex_unlock(&daemon->reset_lock);
}

reeve_ns reeved_totals_wall(const struct reeve_gql_ctx *ctx)
{
	struct reeved *daemon = reeved_client_of(ctx)->daemon;
	reeve_ns wall;
	pthread_mutex_lock(&daemon->reset_lock);
	wall = daemon->reset.taken_wall;
	pthread_mutex_unlock(&daemon->reset_lock);
	return wall;
}

static int resolve_reset(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved *daemon = reeved_client_of(ctx)->daemon;
	struct reeve_stats stats;
	struct reeve_error err;
	if (reeve_stats_get(daemon->reeve, &stats, &err) != 0)
		return reeved_fail(ctx, &err);
	pthread_mutex_lock(&daemon->reset_lock);
	daemon->reset = stats;
	pthread_mutex_unlock(&daemon->reset_lock);
	return reeved_emit_done(ctx, "Totals count from now on; metrics go on as they were.");
}

static const struct reeve_gql_binding rows[] = {
	ACTS("Mutation", "resetStatistics", resolve_reset),
};
const struct reeve_gql_table reeved_totals_table = {rows, REEVED_COUNT(rows)};
