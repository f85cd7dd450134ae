/* SPDX-License-Identifier: Apache-2.0 */
/* monitoring.c - the clock's monitoring: started, stopped, and what it costs. */
#include "clock.h"
#include "resolvers/resolvers.h"

static struct reeved_clock *clock_of(const struct reeve_gql_ctx *ctx)
{
	return reeved_client_of(ctx)->daemon->clock;
}

static int resolve_start(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_monitoring status;
	int was_active = reeved_clock_start_monitoring(clock_of(ctx));
	reeved_clock_monitoring(clock_of(ctx), &status);
	return reeved_emit_done(ctx,
		was_active ? "Resource monitoring is active already; it rebalances every %llu s."
			   : "Resource monitoring has started; it rebalances every %llu s.",
		(unsigned long long)status.rebalancing_seconds);
}

static int resolve_stop(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	int was_active = reeved_clock_stop_monitoring(clock_of(ctx));
	return reeved_emit_done(ctx, "%s",
		was_active ? "Resource monitoring has stopped; limits of time are still enforced."
			   : "Resource monitoring is not active.");
}

static int resolve_status(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_monitoring status;
	reeved_clock_monitoring(clock_of(ctx), &status);
	return reeve_gql_emit_object(ctx, &status);
}

#define M			    "MonitoringStatus"
#define COUNTER(field, member, ...) UINT(M, field, struct reeved_monitoring, member, __VA_ARGS__)
static const struct reeve_gql_binding rows[] = {
	BOOL(M, "active", struct reeved_monitoring, is_active),
	TIME_NS(M, "since", struct reeved_monitoring, since_wall,
		REEVE_GQL_PRESENT_IF(struct reeved_monitoring, is_active)),
	COUNTER("rebalancingIntervalSeconds", rebalancing_seconds, ),
	COUNTER("timeoutCheckIntervalMs", tick_ms, ),
	COUNTER("cycles", cycles, ),
	COUNTER("rebalancings", rebalancings, ),
	COUNTER("failedCycles", failed_cycles, ),
	COUNTER("lateCycles", late_cycles, ),
	COUNTER("cpuSeconds", cpu_ns, .divisor = 1000000000),
	COUNTER("longestCycleUs", longest_ns, .divisor = 1000),
	REEVE_GQL_BIND_MEMBER(M, "lastReport", REEVE_GQL_STRUCT, struct reeved_monitoring, report,
		REEVE_GQL_PRESENT_IF(struct reeved_monitoring, has_report)),
	ACTS("Mutation", "startResourceMonitoring", resolve_start),
	ACTS("Mutation", "stopResourceMonitoring", resolve_stop),
	FN("Query", "getMonitoringStatus", resolve_status),
};
const struct reeve_gql_table reeved_monitoring_table = {rows, REEVED_COUNT(rows)};
