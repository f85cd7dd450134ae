/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c - checks of the definitions and of the ruling in force. */
#include "schedule.h"

static bool is_group(const struct reeve *r, uint32_t slot)
{
	return slot < reeve__table_used(&r->header->groups) &&
	       reeve__get(&r->groups[slot].head.state) == REEVE_SLOT_LIVE;
}

static const char *check_directives(const struct reeve *r)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t i = 0; i < reeve__table_used(&h->directives); i++) {
		const struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (d->plan >= reeve__table_used(&h->plans) || !is_group(r, d->group) ||
			r->plans[d->plan].head.id != d->plan_id)
			return "a directive names a plan or group that does not exist";
	}
	return NULL;
}

/* Each plan's chain has its directives, each once. */
static const char *check_chains(const struct reeve *r)
{
	const struct reeve_sh_header *h = r->header;
	uint32_t chained = 0, live = 0;

	for (uint32_t i = 0; i < reeve__table_used(&h->directives); i++)
		live += reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE;
	for (uint32_t p = 0; p < reeve__table_used(&h->plans); p++) {
		uint32_t i = r->plans[p].first_directive, last = REEVE_NONE;
		if (reeve__get(&r->plans[p].head.state) != REEVE_SLOT_LIVE)
			continue;
		for (; i < h->directives.capacity; i = r->directives[i].next_of_plan, chained++) {
			if (r->directives[i].plan != p || chained > live)
				return "the directives of a plan are chained wrongly";
			last = i;
		}
		if (last != r->plans[p].last_directive)
			return "the chain of a plan's directives has another end";
	}
	return chained == live ? NULL : "a directive is not in its plan's chain";
}

static const char *check_periods(const struct reeve *r, enum reeve__period_kind kind)
{
	for (uint32_t i = 0; i < reeve__table_used(reeve__period_table(r, kind)); i++) {
		const struct reeve_sh_period *p = reeve__period_row(r, kind, i);
		if (reeve__get(&p->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (reeve__table_find(r, &r->header->plans, p->plan_id) == REEVE_NONE)
			return "a schedule or window names a plan that does not exist";
		if (p->zone > 1 || !p->days || p->days > REEVE_ALL_DAYS)
			return "a schedule or window has no day or no zone";
	}
	return NULL;
}

static const char *check_planning(const struct reeve *r)
{
	const struct reeve_sh_planning *p = &r->header->planning;
	bool by_window = reeve__get(&reeve__ruling_now(r).head->cause) == REEVE_CAUSE_WINDOW;

	if (reeve__get(&p->intent.kind) != REEVE_INTENT_NONE)
		return "a change of several rows was not completed";
	if (reeve__txn_active(r))
		return "a staged edit was neither submitted nor taken back";
	if (!by_window && (reeve__get(&p->user_sessions_allowed) != 1 ||
				  reeve__get(&p->max_user_sessions) != UINT32_MAX))
		return "sessions of users are limited without a maintenance window";
	return NULL;
}

static const char *check_mappings(const struct reeve *r)
{
	const struct reeve_sh_header *h = r->header;

	for (uint32_t i = 0; i < reeve__table_used(&h->mappings); i++)
		if (reeve__get(&r->mappings[i].head.state) == REEVE_SLOT_LIVE &&
			!is_group(r, r->mappings[i].group))
			return "a user mapping names a group that does not exist";
	return NULL;
}

static const char *check_ruling(const struct reeve *r)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t shares = 0;

	if (!reeve__ruling_holds(&now))
		return "the ruling word names a ruling of another sequence";
	if (reeve__table_find(r, &r->header->plans, reeve__get(&now.head->plan_id)) == REEVE_NONE)
		return "the plan in force does not exist";
	if (reeve__get(&now.head->groups) != reeve__table_used(&r->header->groups))
		return "the ruling does not cover every group";
	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups); i++) {
		shares += reeve__get(&now.rows[i].share_ppm);
		if (reeve__get(&now.rows[i].share_ppm) > reeve__get(&now.rows[i].cap_ppm))
			return "a group is entitled to more than its cap";
	}
	return shares > REEVE_PPM ? "entitlements add up to more than the whole" : NULL;
}

int reeve__model_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct reeve_sh_header *h = r->header;
	const char *faults[24];
	int n = 0;

	reeve__catalog_lock(r);
	const char *all[] = {reeve__table_check(r, &h->groups), reeve__table_check(r, &h->mappings),
		reeve__table_check(r, &h->plans), reeve__table_check(r, &h->directives),
		check_directives(r), check_chains(r), check_mappings(r),
		reeve__table_check(r, &h->schedules), reeve__table_check(r, &h->windows),
		check_periods(r, REEVE__SCHEDULE), check_periods(r, REEVE__WINDOW),
		check_planning(r), check_ruling(r), reeve__table_check(r, &h->groups_domain.rules),
		reeve__table_check(r, &h->groups_domain.zones), reeve__rules_check_locked(r),
		reeve__get(&h->groups_domain.sequence) & 1 ? "groups are marked as changing" : NULL,
		is_group(r, h->default_group) ? NULL : "there is no default group",
		reeve__get(&h->groups_domain.deletion.active) ? "a group is half deleted" : NULL};
	for (size_t i = 0; i < REEVE_COUNT(all); i++)
		if (all[i])
			faults[n++] = all[i];
	reeve__catalog_unlock(r);
	for (int i = 0; found && i < n; i++)
		found(arg, faults[i]);
	return n;
}
