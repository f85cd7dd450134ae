/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h. */
#include "schedule.h"

/*
 * An open period began at most a week (its longest span) and a day (of zones) ago. The next is at
 * most a week ahead; twice that, for one that a change of clocks leaves out.
 */
#define DAYS_BACK  8
#define DAYS_AHEAD 15

static int64_t first_instant(const struct reeve_sh_zone_data *zone, int64_t local_s)
{
	int64_t at[2];

	(void)reeve__zone_instants(zone, local_s, at);
	return at[0];
}

/* One stretch of time, as found in rising order. */
static void see_stretch(
	int64_t start_s, int64_t end_s, int64_t now_s, struct reeve__period_state *ret)
{
	if (end_s <= now_s) {
		ret->since_s = end_s;
		return;
	}
	if (start_s <= now_s) {
		ret->is_open = true;
		ret->since_s = start_s;
	} else if (ret->next_start_s == INT64_MAX) {
		ret->next_start_s = start_s;
	}
	if (ret->next_end_s == INT64_MAX)
		ret->next_end_s = end_s;
}

void reeve__period_at(const struct reeve__period *p, int64_t utc_s, struct reeve__period_state *ret)
{
	int64_t start_s = INT64_MAX, end_s = INT64_MIN, today;
	struct reeve__civil civil;

	*ret = (struct reeve__period_state){false, INT64_MIN, INT64_MAX, INT64_MAX, INT64_MAX};
	if (p->days == REEVE__ALL_DAYS && !p->duration_s && p->start_s == p->end_s) {
		ret->is_open = true;
		return;
	}
	reeve__zone_local(p->zone, utc_s, &civil);
	today = reeve__days_of_date(civil.year, civil.month, civil.day);
	for (int64_t day = today - DAYS_BACK; day <= today + DAYS_AHEAD; day++) {
		uint32_t weekday = (uint32_t)(((day + 4) % 7 + 7) % 7);
		int64_t at = day * REEVE__DAY_S, from, to;
		if (!(p->days & 1u << weekday))
			continue;
		from = first_instant(p->zone, at + p->start_s);
		if (p->duration_s)
			to = from + p->duration_s;
		else
			to = first_instant(p->zone,
				at + p->end_s + (p->end_s <= p->start_s ? REEVE__DAY_S : 0));
		if (to <= from)
			continue;
		if (from > end_s) {
			if (end_s > INT64_MIN)
				see_stretch(start_s, end_s, utc_s, ret);
			start_s = from;
		}
		if (to > end_s)
			end_s = to;
	}
	if (end_s > INT64_MIN)
		see_stretch(start_s, end_s, utc_s, ret);
	ret->until_s = ret->is_open ? ret->next_end_s : ret->next_start_s;
}
