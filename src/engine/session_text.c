/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_text.c - the names that a session came with, packed one behind the other.
 *
 * Mostly they take far less than the 496 bytes that are allowed, and fit into the slot (place 0). Others
 * lie in the row of the same index in a table of long texts, which has two places (1 and 2) and of which
 * only those pages take memory that were needed. A change writes a place that does not count, and then
 * makes it count by one store, so that whoever dies in the middle leaves the old names. Session lock held.
 */
#include "engine.h"

_Static_assert(REEVE_NAME_MAX + 5 * REEVE_ATTRIBUTE_MAX <= REEVE_SH_SESSION_LONG_TEXT,
	"a row of long texts holds the longest");

static const size_t most[REEVE_SESSION_TEXTS] = {REEVE_NAME_MAX, REEVE_ATTRIBUTE_MAX,
	REEVE_ATTRIBUTE_MAX, REEVE_ATTRIBUTE_MAX, REEVE_ATTRIBUTE_MAX, REEVE_ATTRIBUTE_MAX};

/* Where the texts lie in a place, and how many bytes there are; the slot for one that cannot exist. */
static char *place_of(struct reeve *r, uint32_t session, uint32_t place, size_t *ret_size)
{
	if (place != 1 && place != 2) {
		*ret_size = REEVE_SH_SESSION_TEXT;
		return r->sessions[session].text;
	}
	*ret_size = REEVE_SH_SESSION_LONG_TEXT;
	return r->session_texts + ((size_t)session * 2 + place - 1) * REEVE_SH_SESSION_LONG_TEXT;
}

void reeve__session_texts_put(
	struct reeve *r, uint32_t session, const char *const texts[REEVE_SESSION_TEXTS])
{
	struct reeve_sh_session *sh = &r->sessions[session];
	bool is_new = reeve__get(&sh->head.state) == REEVE_SLOT_CLAIMED;
	size_t length[REEVE_SESSION_TEXTS], all = 0, size;
	uint32_t place = reeve__get(&sh->texts);
	char *to;

	for (uint32_t k = 0; k < REEVE_SESSION_TEXTS; k++) {
		length[k] = texts[k] ? strnlen(texts[k], most[k] - 1) : 0;
		all += length[k] + 1;
	}
	if (all <= REEVE_SH_SESSION_TEXT && (is_new || place != 0))
		place = 0;
	else
		place = place == 1 ? 2 : 1;
	to = place_of(r, session, place, &size);
	for (uint32_t k = 0; k < REEVE_SESSION_TEXTS; k++) {
		if (length[k])
			memcpy(to, texts[k], length[k]);
		to[length[k]] = 0;
		to += length[k] + 1;
	}
	if (!is_new)
		REEVE_POINT(SESSION_NAMED);
	atomic_store_explicit(&sh->texts, place, memory_order_release);
}

void reeve__session_texts_get(struct reeve *r, uint32_t session, struct reeve__session_texts *ret)
{
	char *to[REEVE_SESSION_TEXTS] = {ret->username, ret->attributes[0], ret->attributes[1],
		ret->attributes[2], ret->attributes[3], ret->attributes[4]};
	size_t left;
	const char *at = place_of(r, session, reeve__get(&r->sessions[session].texts), &left);

	for (uint32_t k = 0; k < REEVE_SESSION_TEXTS; k++) {
		size_t length = strnlen(at, left), part = length;
		if (part > most[k] - 1)
			part = most[k] - 1;
		memcpy(to[k], at, part);
		memset(to[k] + part, 0, most[k] - part);
		length += length < left;
		at += length;
		left -= length;
	}
}
