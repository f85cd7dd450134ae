/* SPDX-License-Identifier: Apache-2.0 */
/*
 * external.c - ids of sessions that outside engines run, so that none is handed to a session of ours.
 * Under the session lock. An id that the counter of sessions has passed needs no note.
 */
#include "model.h"

bool reeve__external_session_is(const struct reeve *r, uint64_t id)
{
	return reeve__get(&r->header->externals.live) != 0 &&
	       reeve__table_find(r, &r->header->externals, id) != REEVE_NONE;
}

/* Frees the notes of ids that can no longer be handed out. */
static void forget_passed(struct reeve *r)
{
	struct reeve_sh_table *t = &r->header->externals;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_head *head = reeve__table_head(r, t, i);
		if (reeve__get(&head->state) == REEVE_SLOT_LIVE &&
			head->id < r->header->next_session_id)
			reeve__table_free(r, t, i, NULL);
	}
}

bool reeve__external_session_note(struct reeve *r, uint64_t id)
{
	struct reeve_sh_table *t = &r->header->externals;
	uint32_t i;

	reeve__lock_assert(&r->header->session_lock);
	if (id < r->header->next_session_id || reeve__external_session_is(r, id))
		return true;
	i = reeve__table_claim(r, t);
	if (i == REEVE_NONE) {
		forget_passed(r);
		i = reeve__table_claim(r, t);
	}
	if (i == REEVE_NONE)
		return false;
	reeve__table_publish(r, t, i, id, NULL);
	return true;
}

uint64_t reeve__external_session_skip(struct reeve *r)
{
	while (REEVE_UNLIKELY(reeve__external_session_is(r, r->header->next_session_id)))
		r->header->next_session_id++;
	return r->header->next_session_id++;
}
