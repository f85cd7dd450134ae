/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - a thread for what happens by itself: the segment's housekeeping ten times a second, and
 * once a second a measurement of how busy each group was.
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

/*
 * While monitoring is on, everything that can be rebalanced is, once in the manager's period. To turn
 * on what is on, or off what is off, is no error. 0, or a REEVE_E code. From any thread.
 */
int reeved_clock_start_monitoring(struct reeved_clock *clock);
int reeved_clock_stop_monitoring(struct reeved_clock *clock);

/* CPU that a group used over the last second, percent of all CPU slots; 0 before the second
 * measurement. From any thread. */
double reeved_clock_usage_percent(struct reeved_clock *clock, reeve_group_id group);

#endif
