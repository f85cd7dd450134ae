/* SPDX-License-Identifier: Apache-2.0 */
/* validate.c - checks of the definitions and of the ruling in force. */
#include "model.h"

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
	const char *faults[16];
	int n = 0;

	reeve__catalog_lock(r);
	const char *all[] = {reeve__table_check(r, &h->groups), reeve__table_check(r, &h->mappings),
		reeve__table_check(r, &h->plans), reeve__table_check(r, &h->directives),
		check_directives(r), check_mappings(r), check_ruling(r),
		reeve__table_check(r, &h->groups_domain.rules),
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
