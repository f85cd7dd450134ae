/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.c - the ring of events: any process writes, any process reads, nobody waits for anybody.
 *
 * A writer takes a number (one fetch-and-add), claims the place of that number by compare-and-swap
 * of its stamp to "being filled", writes words and their sum, and publishes by a second
 * compare-and-swap of the stamp. Worked example with four places: number 6 goes to place 2; its
 * stamp goes from 4 (number 2, published) to 13 (6 being filled) to 12 (6 published).
 *
 *   - A stamp only grows. Who finds a later one in his place was a whole lap too slow: his event is
 *     refused and counted. So a claim takes a bounded number of steps.
 *   - A writer that dies in the middle leaves its number unpublished. A reader cannot tell it from
 *     one that is only slow, and stops there, until a later event is older than
 *     REEVE_EVENT_STALE_NS, or until the place was taken by a later lap: then the number is skipped
 *     and counts as lost. The place itself is used again in the next lap.
 *   - A writer that was stopped in the middle and goes on laps later writes words over another's
 *     event, but cannot publish. The sum, of words and number, then does not fit, and readers count
 *     that event as lost.
 *
 *	            emit          copy          wait
 *	emit        concurrent    concurrent    concurrent
 *	copy, wait  concurrent    concurrent    concurrent
 *
 * emit is wait-free; copy is bounded by the size of the ring; wait blocks until its deadline.
 */
#include "segment.h"

#include <reeve/host.h>
#include <reeve/event.h>

/* Stamps in a claimer's way are of earlier laps, each of which can get there once. */
#define CLAIM_TRIES 8

enum {
	WORD_WALL,
	WORD_MONO,
	WORD_KIND,	 /* severity above */
	WORD_CODE,	 /* reason above */
	WORD_LIMIT_KIND, /* action above */
	WORD_GROUP,
	WORD_SESSION,
	WORD_PLAN,
	WORD_OBJECT,
	WORD_QUERY,
	WORD_LIMIT,
	WORD_ACTUAL,
	WORD_HOLDER,
	WORD_TEXT, /* 8 words */
	WORDS = WORD_TEXT + 8
};
_Static_assert(WORDS == REEVE_SH_EVENT_WORDS, "an event's words are those of its place");
_Static_assert(REEVE_EVENT_TEXT_MAX == 65, "an event's text is eight words");

static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static void pack(const struct reeve_event *e, uint64_t *w)
{
	w[WORD_WALL] = (uint64_t)e->wall;
	w[WORD_MONO] = (uint64_t)e->mono;
	w[WORD_KIND] = pair(e->kind, e->severity);
	w[WORD_CODE] = pair((uint32_t)e->code, e->reason);
	w[WORD_LIMIT_KIND] = pair(e->limit_kind, e->action);
	w[WORD_GROUP] = e->group.v;
	w[WORD_SESSION] = e->session.v;
	w[WORD_PLAN] = e->plan.v;
	w[WORD_OBJECT] = e->object;
	w[WORD_QUERY] = e->query;
	w[WORD_LIMIT] = e->limit;
	w[WORD_ACTUAL] = e->actual;
	w[WORD_HOLDER] = e->holder.v;
	memcpy(&w[WORD_TEXT], e->text, 64);
}

static void unpack(const uint64_t *w, struct reeve_event *e)
{
	e->wall = (reeve_ns)w[WORD_WALL];
	e->mono = (reeve_ns)w[WORD_MONO];
	e->kind = (uint32_t)w[WORD_KIND];
	e->severity = (uint32_t)(w[WORD_KIND] >> 32);
	e->code = (int32_t)(uint32_t)w[WORD_CODE];
	e->reason = (uint32_t)(w[WORD_CODE] >> 32);
	e->limit_kind = (uint32_t)w[WORD_LIMIT_KIND];
	e->action = (uint32_t)(w[WORD_LIMIT_KIND] >> 32);
	e->group.v = w[WORD_GROUP];
	e->session.v = w[WORD_SESSION];
	e->plan.v = w[WORD_PLAN];
	e->object = w[WORD_OBJECT];
	e->query = w[WORD_QUERY];
	e->limit = w[WORD_LIMIT];
	e->actual = w[WORD_ACTUAL];
	e->holder.v = w[WORD_HOLDER];
	memcpy(e->text, &w[WORD_TEXT], 64);
	e->text[64] = 0;
}

/* Each word times an odd number of its own, so that words of two events do not add up. */
static uint64_t sum_of(uint64_t sequence, const uint64_t *w)
{
	uint64_t sum = sequence * UINT64_C(0x9e3779b97f4a7c15);

	for (uint32_t i = 0; i < WORDS; i++)
		sum += (w[i] ^ w[i] >> 29) * (UINT64_C(0xbf58476d1ce4e5b9) + 2 * i);
	return sum;
}

static struct reeve_sh_event *place_of(const struct reeve *r, uint64_t sequence)
{
	return &r->events[sequence & (r->event_capacity - 1)];
}

/* The place is this number's to fill; false: it is a later one's already. */
static bool claim(struct reeve_sh_event *p, uint64_t sequence)
{
	uint64_t stamp = reeve__get(&p->stamp);

	for (uint32_t i = 0; i < CLAIM_TRIES; i++) {
		if (stamp >= sequence * 2)
			return false;
		if (atomic_compare_exchange_strong(&p->stamp, &stamp, sequence * 2 + 1))
			return true;
	}
	return false;
}

/*
 * The stores are releases and the loads below acquires (both cost nothing on x86) in place of
 * fences: a reader that sees one of these words sees the stamp that says so.
 */
static void fill(struct reeve_sh_event *p, uint64_t sequence, const struct reeve_event *e)
{
	uint64_t w[WORDS], stamp = sequence * 2 + 1;

	pack(e, w);
	for (uint32_t i = 0; i < WORDS; i++) {
		if (i == WORD_OBJECT)
			REEVE_POINT(EVENT_FILLING);
		atomic_store_explicit(&p->words[i], w[i], memory_order_release);
	}
	atomic_store_explicit(&p->sum, sum_of(sequence, w), memory_order_release);
	atomic_compare_exchange_strong(&p->stamp, &stamp, sequence * 2);
}

void reeve__event_emit(struct reeve *r, const struct reeve_event *event)
{
	const struct reeve_event_row *row = reeve_event_row_of(event->kind);
	struct reeve_sh_events *ring = &r->header->events;
	struct reeve_event e = *event;
	uint64_t sequence;

	if (reeve__get(&r->header->state) == REEVE_SEGMENT_INIT)
		return;
	e.severity = row ? row->severity : (uint32_t)REEVE_EVENT_IS_ERROR;
	sequence = reeve__add(&ring->next, 1);
	e.mono = reeve__mono(r); /* after the number: what comes later is not older */
	e.wall = reeve__wall_at(r, (uint64_t)e.mono);
	REEVE_POINT(EVENT_CLAIMED);
	if (!claim(place_of(r, sequence), sequence)) {
		reeve__add(&ring->refused, 1);
		return;
	}
	fill(place_of(r, sequence), sequence, &e);
	/* Sequentially consistent, as in wait: one of the two sees the other. */
	atomic_fetch_add(&ring->bell, 1);
	if (REEVE_UNLIKELY(atomic_load(&ring->sleepers) != 0))
		reeve__put(&ring->owed, 1);
}

void reeve__event_wake(struct reeve *r)
{
	struct reeve_sh_events *ring = &r->header->events;

	if (atomic_exchange(&ring->owed, 0))
		reeve__wake(r, (uint32_t *)&ring->bell);
}

void reeve__event_text(struct reeve_event *event, const char *text)
{
	size_t n = strnlen(text, REEVE_EVENT_TEXT_MAX);

	if (n == REEVE_EVENT_TEXT_MAX) { /* cut before the character that does not fit */
		n--;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memset(event->text, 0, sizeof(event->text));
	memcpy(event->text, text, n);
}

/* ---- reading ---- */

enum look { LOOK_GOT, LOOK_LOST, LOOK_UNFINISHED };

static enum look look_at(const struct reeve *r, uint64_t sequence, struct reeve_event *ret)
{
	const struct reeve_sh_event *p = place_of(r, sequence);
	uint64_t w[WORDS], sum, stamp = atomic_load_explicit(&p->stamp, memory_order_acquire);

	if (stamp != sequence * 2)
		return stamp > sequence * 2 + 1 ? LOOK_LOST : LOOK_UNFINISHED;
	for (uint32_t i = 0; i < WORDS; i++)
		w[i] = atomic_load_explicit(&p->words[i], memory_order_acquire);
	sum = atomic_load_explicit(&p->sum, memory_order_acquire);
	if (reeve__get(&p->stamp) != stamp || sum != sum_of(sequence, w))
		return LOOK_LOST;
	ret->sequence = sequence;
	unpack(w, ret);
	return LOOK_GOT;
}

static uint64_t newest(const struct reeve *r)
{
	return atomic_load_explicit(&r->header->events.next, memory_order_acquire) - 1;
}

/* Whether an unfinished number will stay so: a later event is old. */
static bool is_hole(struct reeve *r, uint64_t sequence, uint64_t last)
{
	reeve_ns before = r->host->mono(r->host->self) - REEVE_EVENT_STALE_NS;
	struct reeve_event e;

	for (uint64_t s = sequence + 1; s <= last; s++)
		if (look_at(r, s, &e) == LOOK_GOT)
			return e.mono <= before;
	return false;
}

/* The next event after *at, which moves on over what is lost; false: none to be had yet. */
static bool next_event(
	struct reeve *r, uint64_t *at, uint64_t last, struct reeve_event *ret, uint64_t *lost)
{
	while (*at < last) {
		uint64_t sequence = *at + 1;
		enum look look = look_at(r, sequence, ret);
		if (look == LOOK_UNFINISHED && !is_hole(r, sequence, last))
			return false;
		*at = sequence;
		if (look == LOOK_GOT)
			return true;
		(*lost)++;
	}
	return false;
}

/* Brings a reader's number to what the ring holds. */
static uint64_t start_from(const struct reeve *r, uint64_t after, uint64_t last, uint64_t *lost)
{
	uint64_t first = last > r->event_capacity ? last - r->event_capacity : 0;

	if (after >= last)
		return last;
	if (after >= first)
		return after;
	*lost += first - after;
	return first;
}

uint32_t reeve__event_copy(struct reeve *r, uint64_t after, struct reeve_event *ret,
	uint32_t capacity, uint64_t *ret_next, uint64_t *ret_lost)
{
	uint64_t last = newest(r), lost = 0, at = start_from(r, after, last, &lost);
	uint32_t n = 0;

	while (n < capacity && next_event(r, &at, last, &ret[n], &lost))
		n++;
	if (ret_next)
		*ret_next = at;
	if (ret_lost)
		*ret_lost = lost;
	return n;
}

static bool has_event(struct reeve *r, uint64_t after)
{
	uint64_t last = newest(r), lost = 0, at = start_from(r, after, last, &lost);
	struct reeve_event e;

	return next_event(r, &at, last, &e, &lost);
}

int reeve__event_wait(struct reeve *r, uint64_t after, reeve_ns deadline, struct reeve_error *err)
{
	struct reeve_sh_events *ring = &r->header->events;
	bool found;

	if (has_event(r, after))
		return 0;
	atomic_fetch_add(&ring->sleepers, 1);
	for (;;) {
		uint32_t bell = atomic_load(&ring->bell);
		reeve_ns now = r->host->mono(r->host->self), at;
		found = has_event(r, after);
		if (found || now >= deadline)
			break;
		at = reeve__later(now, REEVE_EVENT_LOOK_NS);
		r->host->wait(r->host->self, (uint32_t *)&ring->bell, bell,
			at < deadline ? at : deadline);
	}
	if (reeve__get(&ring->sleepers))
		atomic_fetch_sub(&ring->sleepers, 1);
	return found ? 0
		     : reeve__fail(err, REEVE_ETIMEOUT, "no event after %llu",
			       (unsigned long long)after);
}

int reeve__event_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	uint64_t last;
	int n = 0;

	for (uint32_t i = 0; i < r->event_capacity; i++) {
		uint64_t stamp = atomic_load_explicit(&r->events[i].stamp, memory_order_acquire);
		last = newest(r);
		if (stamp && ((stamp / 2 & (r->event_capacity - 1)) != i || stamp / 2 > last))
			n = 1;
	}
	if (n && found)
		found(arg, "the ring of events holds a number that is not its place's");
	return n;
}
