/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - weekly periods: when one is open, and when that changes.
 *
 * Pure. A period begins on each of its days at a local time, and ends at another, or after a span.
 * An end that is not after the start is of the next day, so start = end is a whole day; the period
 * belongs to the day on which it starts. Periods that meet or overlap are one.
 *
 * Clocks set back show a local time twice: its first instant counts. Clocks set forward skip local
 * times: the instant of the change counts for them, so a period that lies wholly in what is skipped
 * is not that day. A span is elapsed time.
 */
#ifndef REEVE_POLICY_SCHEDULE_H
#define REEVE_POLICY_SCHEDULE_H

#include "../base/zone.h"

#define REEVE__DAY_S	  86400
#define REEVE__ALL_DAYS	  0x7fu
#define REEVE__SPAN_MAX_S (7u * REEVE__DAY_S)

struct reeve__period {
	uint32_t days;	     /* bits, 1 << 0 is Sunday; at least one */
	uint32_t start_s;    /* after local midnight, 0 to 86399 */
	uint32_t end_s;	     /* 0 to 86400; not used with a span */
	uint32_t duration_s; /* span, at most a week; 0: by end_s */
	const struct reeve_sh_zone_data *zone;
};

/* How it stands at an instant. INT64_MAX: never; INT64_MIN: always was. Seconds, UTC. */
struct reeve__period_state {
	bool is_open;
	int64_t since_s; /* last boundary at or before */
	int64_t until_s; /* next boundary after */
	int64_t next_start_s;
	int64_t next_end_s;
};

/* About 5 us. Looks 8 days back and 15 ahead. */
void reeve__period_at(
	const struct reeve__period *p, int64_t utc_s, struct reeve__period_state *ret);

#endif
