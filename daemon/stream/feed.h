/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - one reader's place in the ring of events, what it wants of them, and what it has missed.
 *
 * A feed holds no events: a reader that is slow finds the ring overwritten and learns which numbers
 * it has missed. Thirty-odd bytes a reader, whatever happens.
 */
#ifndef REEVE_DAEMON_FEED_H
#define REEVE_DAEMON_FEED_H

#include <reeve/event.h>

struct reeved_feed {
	uint64_t last;	  /* number of the event looked at last; what follows is read next */
	uint64_t kinds;	  /* bit n: events of kind n */
	uint64_t group;	  /* 0: of any */
	uint64_t session; /* 0: of any */
	/* Numbers that were overwritten before they were read, and are not told yet; 0: none. Events
	 * of other kinds may be among them. Whoever tells sets gap_from to 0. */
	uint64_t gap_from, gap_to;
};

#define REEVED_FEED_ALL	   UINT64_MAX
#define REEVED_FEED_BIT(n) ((uint64_t)1 << (n))

/* What is done with an event. False: no more for now. */
typedef bool (*reeved_feed_fn)(void *arg, const struct reeve_event *event);

/*
 * Reads on: calls `fn` for each event that is wanted, oldest first, until there are none or it
 * returns false, or a bounded number has been passed over. True: there may be more to read.
 */
bool reeved_feed_read(struct reeved_feed *feed, struct reeve *reeve, reeved_feed_fn fn, void *arg);

#endif
