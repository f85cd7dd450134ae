/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txn.c - a change of many rows that is taken back whole when it is refused, or its author dies.
 *
 * Before a row changes for the first time it is copied; so there are never more copies than rows.
 * While the change is under way nothing is compiled and no event is sent; the catalog lock is held
 * from begin to end, so nobody sees it. Ending it is one store: from then on it has happened.
 */
#include "schedule.h"

static struct reeve_sh_undo *entries(const struct reeve *r)
{
	return (struct reeve_sh_undo *)(void *)(r->base + r->header->edit.undo);
}

bool reeve__txn_active(const struct reeve *r)
{
	return reeve__get(&r->header->edit.active) != 0;
}

void reeve__txn_begin_locked(struct reeve *r)
{
	struct reeve_sh_edit *e = &r->header->edit;

	reeve__lock_assert(&r->header->catalog);
	reeve__put(&e->undo_count, 0);
	e->next_plan_id = r->header->next_plan_id;
	e->next_directive_id = r->header->next_directive_id;
	atomic_store_explicit(&e->active, 1, memory_order_release);
}

static void keep(struct reeve *r, uint32_t table, uint32_t slot, bool is_new)
{
	struct reeve_sh_edit *e = &r->header->edit;
	uint32_t n = reeve__get(&e->undo_count);
	const struct reeve_sh_head *head =
		reeve__table_head(r, reeve__journal_table(r, table), slot);
	struct reeve_sh_undo *u = &entries(r)[n];

	if (!reeve__txn_active(r))
		return;
	for (uint32_t i = 0; i < n; i++)
		if (entries(r)[i].slot == slot && entries(r)[i].table == table)
			return;
	u->table = table;
	u->slot = slot;
	u->state = is_new ? REEVE_SLOT_FREE : REEVE_SLOT_LIVE;
	u->id = head->id;
	if (!is_new)
		reeve__journal_copy(u->row, (const char *)head, table);
	atomic_store_explicit(&e->undo_count, n + 1, memory_order_release);
}

void reeve__txn_touch_locked(struct reeve *r, uint32_t table, uint32_t slot)
{
	keep(r, table, slot, false);
}

void reeve__txn_new_locked(struct reeve *r, uint32_t table, uint32_t slot)
{
	keep(r, table, slot, true);
}

void reeve__txn_undo_locked(struct reeve *r)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_edit *e = &h->edit;

	for (uint32_t i = reeve__get(&e->undo_count); i-- > 0;) {
		const struct reeve_sh_undo *u = &entries(r)[i];
		struct reeve_sh_table *t = reeve__journal_table(r, u->table);
		struct reeve_sh_head *head;
		if (u->slot >= t->capacity)
			continue;
		head = reeve__table_head(r, t, u->slot);
		if (u->state == REEVE_SLOT_LIVE) {
			reeve__journal_copy((char *)head, u->row, u->table);
			head->id = u->id;
		}
		reeve__put(&head->state, u->state);
	}
	h->next_plan_id = e->next_plan_id;
	h->next_directive_id = e->next_directive_id;
	reeve__table_rebuild(r, &h->plans, offsetof(struct reeve_sh_plan, name));
	reeve__table_rebuild(r, &h->directives, 0);
	reeve__directive_chain_locked(r);
	reeve__period_forget_locked(r);
	atomic_store_explicit(&e->active, 0, memory_order_release);
}

uint64_t reeve__txn_commit_locked(struct reeve *r)
{
	uint64_t revision = reeve__add(&r->header->revision, 1) + 1;

	REEVE_POINT(EDIT_APPLIED);
	atomic_store_explicit(&r->header->edit.active, 0, memory_order_release);
	REEVE_POINT(EDIT_COMMITTED);
	reeve__ruling_refresh_locked(r);
	return revision;
}

uint64_t reeve__next_revision_locked(struct reeve *r)
{
	if (reeve__txn_active(r))
		return reeve__get(&r->header->revision) + 1;
	return reeve__add(&r->header->revision, 1) + 1;
}
