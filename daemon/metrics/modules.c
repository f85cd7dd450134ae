/* SPDX-License-Identifier: Apache-2.0 */
/* modules.c - what I/O, memory, parallel execution and session control count; see metrics.h. */
#include "metrics/family.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S struct reeve_stats
static const struct reeved_family families[] = {
	COUNTS("reeve_sessions_idle_terminated", S, sessions.idle_terminations,
		"Sessions ended for being idle too long."),
	COUNTS("reeve_sessions_idle_blocker_terminated", S, sessions.idle_blocker_terminations,
		"Sessions ended for being idle while others waited for them."),
	COUNTS("reeve_sessions_execution_terminated", S, sessions.execution_terminations,
		"Sessions ended because a statement ran out of time."),
	COUNTS("reeve_sessions_runaway_terminated", S, sessions.runaway_terminations,
		"Sessions ended because a call crossed a limit."),
	COUNTS("reeve_sessions_boosted", S, sessions.priority_boosts, "Sessions boosted by hand."),
	COUNTS("reeve_sessions_queued", S, sessions.sessions_queued,
		"Statements that waited for a place in their group's session pool."),
	COUNTS("reeve_sessions_queue_timeouts", S, sessions.queue_timeouts,
		"Statements that waited for a place longer than allowed."),
	COUNTS("reeve_sessions_queue_waits", S, sessions.queue_wait_count,
		"Waits for a place that are over."),
	SECONDS_IN_ALL("reeve_sessions_queue_wait_seconds", S, sessions.queue_wait_sum_ns,
		"Waited for places, by waits that are over."),
	COUNTS("reeve_statements_refused_estimates", S, sessions.refused_estimates,
		"Statements not begun because of their estimate."),
	COUNTS("reeve_statements_over_limit", S, sessions.rule_actions,
		"Statements that crossed a limit of their plan's switch rules."),
	COUNTS("reeve_queries_admitted", S, sessions.admissions,
		"Queries that were admitted by ids to everything."),
	COUNTS("reeve_queries_failed", S, sessions.admission_failures,
		"Of these, refused or ended with a failure."),
	NOW("reeve_sessions_waiting", S, sessions.current_queued,
		"Statements that wait for a place now."),

	COUNTS("reeve_cpu_boosts", S, cpu.boosts,
		"Tasks that ran with the merit of one that waited for them."),
	COUNTS("reeve_cpu_deadlocks", S, cpu.deadlocks,
		"Waits refused because they would have closed a ring."),

	COUNTS("reeve_io_requests", S, io.total, "I/O requests submitted."),
	COUNTS("reeve_io_completed", S, io.completed, "I/O requests completed with success."),
	COUNTS("reeve_io_failed", S, io.failed, "I/O requests that failed."),
	COUNTS("reeve_io_cancelled", S, io.cancelled, "I/O requests cancelled."),
	COUNTS("reeve_io_merged", S, io.merged, "Managed requests performed with a neighbour."),
	COUNTS("reeve_io_throttled", S, io.throttled, "I/O requests delayed by a limit."),
	COUNTS("reeve_io_deadline_misses", S, io.deadline_misses,
		"I/O requests completed past their deadline."),
	BYTES_IN_ALL("reeve_io_read_bytes", S, io.bytes_read, "Bytes read."),
	BYTES_IN_ALL("reeve_io_written_bytes", S, io.bytes_written, "Bytes written."),
	NOW("reeve_io_queued", S, io.queued, "I/O requests that wait now."),
	NOW("reeve_io_active", S, io.active, "I/O requests under way now."),

	COUNTS("reeve_memory_allocations", S, memory.allocations, "Allocations from pools."),
	COUNTS("reeve_memory_deallocations", S, memory.deallocations, "Allocations given back."),
	COUNTS("reeve_memory_pressure_events", S, memory.pressure_events,
		"Changes of the pressure level."),
	COUNTS("reeve_memory_adjustments", S, memory.auto_adjustments,
		"Pools resized by reeve itself."),
	BYTES_IN_ALL("reeve_memory_reclaimed_bytes", S, memory.reclaimed_bytes,
		"Bytes freed by callbacks under pressure."),
	BYTES("reeve_memory_limit_bytes", S, memory.limit_bytes, "The database limit."),
	BYTES("reeve_memory_used_bytes", S, memory.used_bytes, "Of the database limit, in use."),
	BYTES("reeve_memory_peak_bytes", S, memory.peak_bytes, "Most that was in use at once."),
	BYTES("reeve_memory_allocated_bytes", S, memory.pool_bytes, "In use by allocations."),
	BYTES("reeve_memory_session_bytes", S, memory.session_bytes, "In use by sessions."),
	RATIO("reeve_memory_usage_ratio", S, memory_usage_ppm, "In use, of the database limit."),
	NOW("reeve_memory_pressure_level", S, memory_level,
		"0 none, 1 low, 2 medium, 3 high, 4 critical."),

	COUNTS("reeve_parallel_queries", S, parallel.parallel,
		"Executions started with a degree above 1."),
	COUNTS("reeve_parallel_serial", S, parallel.serial, "Executions started with degree 1."),
	COUNTS("reeve_parallel_downgraded", S, parallel.downgraded,
		"Executions started with less than was asked for."),
	COUNTS("reeve_parallel_queued", S, parallel.queued, "Executions that had to wait."),
	COUNTS("reeve_parallel_queue_timeouts", S, parallel.queue_timeouts,
		"Executions that waited longer than allowed."),
	COUNTS("reeve_parallel_completed", S, parallel.completed, "Executions completed."),
	COUNTS("reeve_parallel_failed", S, parallel.failed, "Executions that failed."),
	COUNTS("reeve_parallel_adjustments", S, parallel.adjustments,
		"Changes of the degree of running executions."),
	NOW("reeve_parallel_servers", S, parallel.servers, "Parallel servers there are."),
	NOW("reeve_parallel_servers_busy", S, parallel.busy_servers, "Parallel servers at work."),
	NOW("reeve_parallel_degree", S, parallel.current_total_dop, "Parallel servers held now."),
	NOW("reeve_parallel_degree_limit", S, parallel.max_total_dop,
		"Most parallel servers held at once."),
	NOW("reeve_parallel_degree_peak", S, parallel.peak_total_dop,
		"Most that were held at once so far."),
	NOW("reeve_parallel_waiting", S, parallel.queued_now, "Executions that wait now."),
	NOW("reeve_parallel_executing", S, parallel.executing_now, "Executions under way now."),
};

static void write_refusals(struct reeved_metrics_writer *w, const struct reeve_memory_stats *memory)
{
	static const char *const causes[REEVE_REFUSED_CAUSES] = {"pool", "parent", "database",
		"session", "work_area", "group", "pressure", "unknown", "table"};

	reeved_metrics_family(w, REEVED_COUNTER, "reeve_memory_refused", NULL,
		"Allocations and charges refused, by what had no room.");
	for (uint32_t i = 0; i < REEVE_REFUSED_CAUSES; i++)
		reeved_metrics_whole(w, (struct reeved_label){"cause", causes[i]}, REEVED_NO_LABEL,
			memory->failed[i]);
}

static void write_latency(struct reeved_metrics_writer *w, const char *name, const char *help,
	const struct reeve_latency *latency)
{
	reeved_metrics_family(w, REEVED_HISTOGRAM, name, "seconds", help);
	reeved_metrics_histogram(w, REEVED_NO_LABEL, latency->buckets, REEVE_LATENCY_BUCKETS, 0,
		latency->count, latency->sum_ns);
}

#define POOL struct reeve_pool_info
static const struct reeved_family pool_families[] = {
	BYTES("reeve_memory_pool_limit_bytes", POOL, max_bytes, "Most the pool may hold."),
	BYTES("reeve_memory_pool_target_bytes", POOL, target_bytes, "What it is shrinking to."),
	BYTES("reeve_memory_pool_used_bytes", POOL, allocated_bytes,
		"Held by the pool and those below it."),
	BYTES("reeve_memory_pool_peak_bytes", POOL, peak_bytes, "Most it held at once."),
	NOW("reeve_memory_pool_allocations", POOL, allocations, "Live allocations in it."),
	COUNTS("reeve_memory_pool_refused", POOL, failed_allocations, "Allocations it refused."),
};

static void write_pools(struct reeved_metrics_writer *w, struct reeve *reeve)
{
	const char *names[REEVE_MEMORY_POOLS_MAX];
	POOL *pools = calloc(REEVE_MEMORY_POOLS_MAX, sizeof(*pools));
	uint32_t n = pools == NULL ? 0
				   : reeve_pool_copy(reeve, (reeve_pool_id){0}, pools,
					     REEVE_MEMORY_POOLS_MAX);
	for (uint32_t i = 0; i < n; i++)
		names[i] = pools[i].name;
	if (n > 0)
		reeved_family_write_rows(w, pool_families, COUNT(pool_families), "pool", names,
			pools, sizeof(*pools), n);
	free(pools);
}

#define DEVICES_MAX 64
#define DEV	    struct reeve_io_device_stats
static const struct reeved_family device_families[] = {
	BYTES_IN_ALL("reeve_io_device_bytes", DEV, total_bytes, "Bytes read and written."),
	COUNTS("reeve_io_device_operations", DEV, total_ops, "I/O requests completed."),
	NOW("reeve_io_device_depth", DEV, queue_depth, "I/O requests under way."),
	RATIO("reeve_io_device_busy_ratio", DEV, busy_ppm, "Time with a request under way."),
};

static void write_devices(struct reeved_metrics_writer *w, struct reeve *reeve)
{
	const char *names[DEVICES_MAX];
	DEV *devices = calloc(DEVICES_MAX, sizeof(*devices));
	uint32_t n = devices == NULL ? 0 : reeve_io_device_stats_copy(reeve, devices, DEVICES_MAX);
	for (uint32_t i = 0; i < n; i++)
		names[i] = devices[i].device == 0 ? "" : devices[i].target;
	if (n > 0)
		reeved_family_write_rows(w, device_families, COUNT(device_families), "device",
			names, devices, sizeof(*devices), n);
	free(devices);
}

void reeved_metrics_write_modules(
	struct reeved_metrics_writer *w, struct reeve *reeve, const struct reeve_stats *stats)
{
	reeved_family_write_all(w, families, COUNT(families), stats);
	write_refusals(w, &stats->memory);
	write_latency(w, "reeve_io_wait_seconds", "I/O requests from submission to start.",
		&stats->io.wait);
	write_latency(w, "reeve_io_service_seconds", "I/O requests from start to completion.",
		&stats->io.service);
	write_pools(w, reeve);
	write_devices(w, reeve);
	reeved_metrics_family(w, REEVED_COUNTER, "reeve_events", NULL, "Events that happened.");
	reeved_metrics_whole(w, REEVED_NO_LABEL, REEVED_NO_LABEL, reeve_event_newest(reeve));
}
