/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - a thread for what happens by itself: the segment's housekeeping ten times a second, once
 * a second a measurement of how busy each group was, and monitoring.
 *
 * Monitoring rebalances (reeve_rebalance) at the interval that the manager's configuration has, as
 * often as monitoring is active; it is so from the start, and operators may stop and start it.
 * Housekeeping goes on whether it is or not: limits of time, returning what dead processes held,
 * schedules and lost wake-ups are promises, not monitoring.
 */
#ifndef REEVE_DAEMON_CLOCK_H
#define REEVE_DAEMON_CLOCK_H

#include <reeve/reeve.h>

struct reeved;
struct reeved_clock;

/* Starts the thread. SYSTEM. The daemon's segment and sessions must be there. */
int reeved_clock_start(
	struct reeved *daemon, struct reeved_clock **ret_clock, struct reeve_error *err);
/* Stops it and waits for it. NULL is allowed. */
void reeved_clock_stop(struct reeved_clock *clock);

/* CPU that a group used over the last second, percent of all CPU slots; 0 before the second
 * measurement. From any thread. */
double reeved_clock_usage_percent(struct reeved_clock *clock, reeve_group_id group);

/* From any thread; in force with the next cycle. Return 1 when it was active before, else 0. The
 * first rebalancing is one interval after the start. */
int reeved_clock_start_monitoring(struct reeved_clock *clock);
int reeved_clock_stop_monitoring(struct reeved_clock *clock);

struct reeved_monitoring {
	bool is_active, has_report;
	reeve_ns since_wall; /* of is_active */
	uint64_t rebalancing_seconds, tick_ms;
	/* Since the process started, of the thread as a whole. */
	uint64_t cycles, rebalancings;
	uint64_t failed_cycles; /* housekeeping or rebalancing was refused; the log says why */
	uint64_t late_cycles;	/* begun a whole tick after their time, or later */
	uint64_t cpu_ns, longest_ns;
	struct reeve_rebalancing_report report; /* of has_report: the last one by monitoring */
};
/* As it is now. From any thread. */
void reeved_clock_monitoring(struct reeved_clock *clock, struct reeved_monitoring *ret_status);

#endif
