/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - the catalog lock, its recovery, and the journal of definitions. */
#include "schedule.h"

struct span {
	size_t from, to;
};

/*
 * The parts of a row that the journal restores: the definition, and not the live state that lies in
 * the same slot. Ends with an empty span.
 */
static const struct span *definition_spans(uint32_t table)
{
	static const struct span group[] = {
		{offsetof(struct reeve_sh_group, priority),
			offsetof(struct reeve_sh_group, sessions)},
		{offsetof(struct reeve_sh_group, cpu.registered),
			offsetof(struct reeve_sh_group, cpu.registered) + 16},
		{offsetof(struct reeve_sh_group, name), sizeof(struct reeve_sh_group)},
		{0, 0},
	};
	static const struct span mapping[] = {
		{sizeof(struct reeve_sh_head), sizeof(struct reeve_sh_mapping)}, {0, 0}};
	static const struct span plan[] = {
		{sizeof(struct reeve_sh_head), sizeof(struct reeve_sh_plan)}, {0, 0}};
	static const struct span period[] = {
		{sizeof(struct reeve_sh_head), offsetof(struct reeve_sh_period, zones)}, {0, 0}};
	static const struct span directive[] = {
		{sizeof(struct reeve_sh_head), sizeof(struct reeve_sh_directive)}, {0, 0}};

	return table == REEVE_JOURNAL_GROUP	  ? group
	       : table == REEVE_JOURNAL_MAPPING	  ? mapping
	       : table == REEVE_JOURNAL_PLAN	  ? plan
	       : table == REEVE_JOURNAL_DIRECTIVE ? directive
						  : period;
}

struct reeve_sh_table *reeve__journal_table(struct reeve *r, uint32_t table)
{
	struct reeve_sh_header *h = r->header;

	return table == REEVE_JOURNAL_GROUP	 ? &h->groups
	       : table == REEVE_JOURNAL_MAPPING	 ? &h->mappings
	       : table == REEVE_JOURNAL_PLAN	 ? &h->plans
	       : table == REEVE_JOURNAL_SCHEDULE ? &h->schedules
	       : table == REEVE_JOURNAL_WINDOW	 ? &h->windows
						 : &h->directives;
}

/* Copies the definition in a row of that table, and nothing that lives beside it. */
void reeve__journal_copy(char *to, const char *from, uint32_t table)
{
	for (const struct span *s = definition_spans(table); s->to; s++)
		memcpy(to + s->from, from + s->from, s->to - s->from);
}

void reeve__journal_begin_locked(struct reeve *r, uint32_t table, uint32_t slot)
{
	struct reeve_sh_journal *j = &r->header->journal;

	reeve__lock_assert(&r->header->catalog);
	if (reeve__txn_active(r)) {
		reeve__txn_touch_locked(r, table, slot);
		return;
	}
	j->slot = slot;
	reeve__journal_copy(j->row,
		(const char *)reeve__table_head(r, reeve__journal_table(r, table), slot), table);
	atomic_store_explicit(&j->table, table, memory_order_release);
	REEVE_POINT(ROW_JOURNALED);
}

uint64_t reeve__journal_commit_locked(struct reeve *r)
{
	uint64_t revision;

	if (reeve__txn_active(r))
		return reeve__get(&r->header->revision) + 1;
	REEVE_POINT(ROW_CHANGED);
	revision = reeve__add(&r->header->revision, 1) + 1;
	atomic_store_explicit(&r->header->journal.table, 0, memory_order_release);
	return revision;
}

void reeve__model_event(struct reeve *r, uint32_t kind, reeve_group_id group, reeve_plan_id plan,
	uint64_t object, const char *text)
{
	struct reeve_event e = {.kind = kind, .group = group, .plan = plan, .object = object};

	if (reeve__txn_active(r))
		return; /* it may be taken back; who ends it tells */
	reeve__event_text(&e, text);
	reeve__event_emit(r, &e);
}

/* Puts back the row whose change was under way. */
void reeve__journal_undo_locked(struct reeve *r)
{
	struct reeve_sh_journal *j = &r->header->journal;
	uint32_t table = reeve__get(&j->table);
	struct reeve_sh_table *t = reeve__journal_table(r, table);

	if (table && table <= REEVE_JOURNAL_WINDOW && j->slot < t->capacity)
		reeve__journal_copy((char *)reeve__table_head(r, t, j->slot), j->row, table);
	reeve__put(&j->table, 0);
}

void reeve__catalog_recover_locked(struct reeve *r)
{
	struct reeve_sh_header *h = r->header;

	reeve__group_index_begin_locked(r);
	reeve__journal_undo_locked(r);
	reeve__table_rebuild(r, &h->groups, offsetof(struct reeve_sh_group, name));
	reeve__group_index_end_locked(r);
	reeve__table_rebuild(r, &h->mappings, 0);
	reeve__table_rebuild(r, &h->plans, offsetof(struct reeve_sh_plan, name));
	reeve__table_rebuild(r, &h->directives, 0);
	reeve__table_rebuild(r, &h->groups_domain.rules, 0);
	reeve__table_rebuild(r, &h->groups_domain.zones, offsetof(struct reeve_sh_zone, name));
	reeve__table_rebuild(r, &h->schedules, 0);
	reeve__table_rebuild(r, &h->windows, 0);
	reeve__directive_chain_locked(r);
	if (reeve__txn_active(r))
		reeve__txn_undo_locked(r);
	reeve__intent_complete_locked(r);
	reeve__group_deletion_resume_locked(r);
	reeve__rules_reindex_locked(r);
	reeve__ruling_refresh_locked(r);
	reeve__plan_recover_locked(r);
}

int reeve__id_check(struct reeve *r, const struct reeve_sh_table *table, uint64_t wanted,
	struct reeve_error *err)
{
	if (!wanted || reeve__table_find(r, table, wanted) == REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ECONFLICT, "id %llu is in use", (unsigned long long)wanted);
}

void reeve__catalog_lock(struct reeve *r)
{
	if (REEVE_UNLIKELY(reeve__lock_acquire(&r->header->catalog)))
		reeve__catalog_recover_locked(r);
}

void reeve__catalog_unlock(struct reeve *r)
{
	reeve__lock_release(&r->header->catalog);
}
