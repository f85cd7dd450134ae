/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - see feed.h. */
#include "stream/feed.h"

#define BATCH	    16
#define MAX_BATCHES 64 /* looked at in one call; about 200 us */

static void note_gap(struct reeved_feed *feed, uint64_t to)
{
	if (feed->gap_from == 0)
		feed->gap_from = feed->last + 1;
	feed->gap_to = to;
}

static bool is_wanted(const struct reeved_feed *feed, const struct reeve_event *event)
{
	return event->kind < 64 && (feed->kinds & REEVED_FEED_BIT(event->kind)) != 0 &&
	       (feed->group == 0 || feed->group == event->group.v) &&
	       (feed->session == 0 || feed->session == event->session.v);
}

bool reeved_feed_read(struct reeved_feed *feed, struct reeve *reeve, reeved_feed_fn fn, void *arg)
{
	struct reeve_event events[BATCH];
	uint64_t next = feed->last;
	for (int batch = 0; batch < MAX_BATCHES; batch++) {
		uint32_t n = reeve_event_copy(reeve, feed->last, events, BATCH, &next, NULL);
		for (uint32_t i = 0; i < n; i++) {
			if (events[i].sequence > feed->last + 1)
				note_gap(feed, events[i].sequence - 1);
			feed->last = events[i].sequence;
			if (is_wanted(feed, &events[i]) && !fn(arg, &events[i]))
				return true;
		}
		/* Numbers at the end whose writers died. Or the reader had a number of another
		 * segment's, and goes on from this one's newest. */
		if (next > feed->last)
			note_gap(feed, next);
		feed->last = next;
		if (n < BATCH)
			return false;
	}
	return true;
}
