/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.c - assignment rules and the time zones that they name.
 *
 * A rule and a zone have room for two versions. A change fills the version that does not count, and
 * one store of `current` makes it the one that does; so there is nothing to undo after a death, and
 * the index, which is derived, is built anew. A zone that no rule names any more keeps its slot until
 * another zone wants one.
 */
#include "model.h"

static struct reeve_sh_table *rules_of(struct reeve *r)
{
	return &r->header->groups_domain.rules;
}

struct reeve_sh_rule_version *reeve__rule_version(const struct reeve *r, uint32_t slot)
{
	struct reeve_sh_rule *rule = &r->rules[slot];

	return &rule->versions[atomic_load_explicit(&rule->current, memory_order_relaxed) & 1];
}

const struct reeve_sh_zone_data *reeve__rule_zone_at(void *arg, uint32_t n)
{
	const struct reeve *r = arg;
	const struct reeve_sh_zone *zone = &r->zones[n % REEVE_SH_ZONES];

	if (reeve__get(&zone->head.state) != REEVE_SLOT_LIVE)
		return NULL;
	return &zone->versions[reeve__get(&zone->current) & 1];
}

/* ---- preparing ---- */

int reeve__rule_prepare(struct reeve__rule_change *change, const struct reeve_rule_def *def,
	uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	change->fields = fields;
	change->def = def;
	change->words = change->zones.count = 0;
	if (fields & REEVE_RULE_NAME)
		rc = reeve__text_check(def->name, REEVE_NAME_MAX, false, "name", err);
	if (!rc && (fields & REEVE_RULE_PRIORITY) && def->priority > INT32_MAX)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 to %d", def->priority, INT32_MAX);
	if (rc || !(fields & REEVE_RULE_CONDITION))
		return rc;
	if (!def->condition)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "condition is NULL");
	rc = reeve__rule_encode(
		def->condition, change->program, REEVE_SH_RULE_WORDS, &change->zones, err);
	if (rc < 0)
		return rc;
	change->words = (uint32_t)rc;
	return 0;
}

/* ---- zones ---- */

/* Zones that some rule names. */
static uint64_t zones_in_use(const struct reeve *r)
{
	const struct reeve_sh_table *t = &r->header->groups_domain.rules;
	uint64_t mask = 0;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_rule_version *v = reeve__rule_version(r, i);
		if (reeve__get(&r->rules[i].head.state) == REEVE_SLOT_LIVE &&
			v->words <= REEVE_SH_RULE_WORDS)
			mask |= reeve__rule_zone_mask(v->program, v->words);
	}
	return mask;
}

static void drop_unused_zones(struct reeve *r, uint64_t used)
{
	struct reeve_sh_table *t = &r->header->groups_domain.zones;

	for (uint32_t i = 0; i < reeve__table_used(t); i++)
		if (reeve__get(&r->zones[i].head.state) == REEVE_SLOT_LIVE && !(used >> i & 1))
			reeve__table_free(r, t, i, r->zones[i].name);
}

/* An empty slot, or one of a zone that nobody uses; `mine` are those of the change under way. */
static uint32_t claim_zone(struct reeve *r, uint64_t mine)
{
	struct reeve_sh_table *t = &r->header->groups_domain.zones;
	uint32_t i = reeve__table_claim(r, t);

	if (i != REEVE_NONE)
		return i;
	drop_unused_zones(r, zones_in_use(r) | mine);
	return reeve__table_claim(r, t);
}

/* Slot of a zone, new or brought up to date. */
static uint32_t put_zone(
	struct reeve *r, const char *name, const struct reeve_sh_zone_data *data, uint64_t mine)
{
	struct reeve_sh_table *t = &r->header->groups_domain.zones;
	uint32_t i = reeve__table_find_name(r, t, name, offsetof(struct reeve_sh_zone, name));
	struct reeve_sh_zone *zone;
	uint32_t other;

	if (i == REEVE_NONE) {
		i = claim_zone(r, mine);
		if (i == REEVE_NONE)
			return i;
		zone = &r->zones[i];
		reeve__text_copy(zone->name, sizeof(zone->name), name);
		reeve__put(&zone->current, 0);
		zone->versions[0] = *data;
		reeve__table_publish(r, t, i, (uint64_t)i + 1, zone->name);
		return i;
	}
	zone = &r->zones[i];
	other = ~reeve__get(&zone->current) & 1;
	if (memcmp(&zone->versions[!other], data, sizeof(*data)) != 0) {
		zone->versions[other] = *data;
		atomic_store_explicit(&zone->current, other, memory_order_release);
	}
	return i;
}

static int put_zones(struct reeve *r, struct reeve__rule_change *change, struct reeve_error *err)
{
	uint8_t numbers[REEVE_RULE_ZONES_OF_ONE] = {0};
	uint64_t mine = 0;

	for (uint32_t k = 0; k < change->zones.count; k++) {
		uint32_t i = put_zone(r, change->zones.names[k], &change->data[k], mine);
		if (i == REEVE_NONE)
			return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
				"the table of time zones that rules name is full: %u of %u",
				reeve__get(&r->header->groups_domain.zones.live), REEVE_SH_ZONES);
		numbers[k] = (uint8_t)i;
		mine |= UINT64_C(1) << i;
	}
	reeve__rule_renumber_zones(change->program, change->words, numbers);
	return 0;
}

/* ---- changing ---- */

static void rule_event(struct reeve *r, uint32_t i)
{
	uint32_t g = reeve__rule_version(r, i)->group;

	reeve__model_event(r, REEVE_EVENT_CONFIG_CHANGED,
		(reeve_group_id){g < r->group_capacity ? r->groups[g].head.id : 0},
		(reeve_plan_id){0}, r->rules[i].head.id, "assignment rules");
}

static void write_version(struct reeve_sh_rule_version *v, const struct reeve__rule_change *change,
	uint32_t target, reeve_ns now_wall, uint64_t revision)
{
	const struct reeve_rule_def *def = change->def;

	if (change->fields & REEVE_RULE_NAME)
		reeve__text_copy(v->name, sizeof(v->name), def->name);
	if (change->fields & REEVE_RULE_PRIORITY)
		v->priority = def->priority;
	if (change->fields & REEVE_RULE_TARGET)
		v->group = target;
	if (change->fields & REEVE_RULE_IS_ENABLED)
		v->is_enabled = def->is_enabled;
	if (change->fields & REEVE_RULE_CONDITION) {
		memcpy(v->program, change->program, change->words * sizeof(v->program[0]));
		v->words = change->words;
	}
	v->modified_wall = now_wall;
	v->revision = revision;
}

static int create_locked(struct reeve *r, uint64_t id, struct reeve__rule_change *change,
	reeve_ns now_wall, uint32_t *ret_slot, struct reeve_error *err)
{
	struct reeve_sh_table *t = rules_of(r);
	struct reeve_sh_rule *rule;
	uint32_t i, target = REEVE_NONE;
	int rc = reeve__group_slot_locked(r, change->def->target, &target, err);

	if (!rc)
		rc = reeve__id_check(r, t, id, err);
	if (rc)
		return rc;
	i = reeve__table_claim(r, t);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of assignment rules is full: %u of %u", reeve__get(&t->live),
			t->capacity);
	rc = put_zones(r, change, err);
	if (rc) {
		reeve__table_free(r, t, i, NULL);
		return rc;
	}
	rule = &r->rules[i];
	reeve__put(&rule->current, 0);
	reeve__put(&rule->matches, 0);
	reeve__put(&rule->last_matched_wall, 0);
	rule->created_wall = now_wall;
	write_version(&rule->versions[0], change, target, now_wall,
		reeve__add(&r->header->revision, 1) + 1);
	reeve__table_publish(
		r, t, i, reeve__id_take(&r->header->groups_domain.next_rule_id, id), NULL);
	REEVE_POINT(RULE_CURRENT);
	reeve__rules_reindex_locked(r);
	rule_event(r, i);
	*ret_slot = i;
	return 0;
}

int reeve__rule_create(struct reeve *r, struct reeve__rule_change *change, reeve_ns now_wall,
	reeve_rule_id *ret_id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = create_locked(r, ret_id->v, change, now_wall, &i, err);
	if (!rc)
		ret_id->v = r->rules[i].head.id;
	reeve__catalog_unlock(r);
	return rc;
}

static int find_rule(struct reeve *r, reeve_rule_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, rules_of(r), id.v);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "assignment rule %llu", (unsigned long long)id.v);
}

static int update_locked(struct reeve *r, uint32_t i, struct reeve__rule_change *change,
	uint64_t expected, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_rule *rule = &r->rules[i];
	const struct reeve_sh_rule_version *old = reeve__rule_version(r, i);
	uint32_t other = ~reeve__get(&rule->current) & 1, target = REEVE_NONE;
	int rc = 0;

	if (expected && expected != old->revision)
		return reeve__fail(err, REEVE_ESTALE_REVISION,
			"assignment rule %llu is at revision %llu, not %llu",
			(unsigned long long)rule->head.id, (unsigned long long)old->revision,
			(unsigned long long)expected);
	if (change->fields & REEVE_RULE_TARGET)
		rc = reeve__group_slot_locked(r, change->def->target, &target, err);
	if (!rc && (change->fields & REEVE_RULE_CONDITION))
		rc = put_zones(r, change, err);
	if (rc)
		return rc;
	rule->versions[other] = *old;
	write_version(&rule->versions[other], change, target, now_wall,
		reeve__add(&r->header->revision, 1) + 1);
	REEVE_POINT(RULE_WRITTEN);
	atomic_store_explicit(&rule->current, other, memory_order_release);
	REEVE_POINT(RULE_CURRENT);
	reeve__rules_reindex_locked(r);
	rule_event(r, i);
	return 0;
}

int reeve__rule_update(struct reeve *r, reeve_rule_id id, struct reeve__rule_change *change,
	uint64_t expected_revision, reeve_ns now_wall, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_rule(r, id, &i, err);
	if (!rc)
		rc = update_locked(r, i, change, expected_revision, now_wall, err);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__rule_destroy(struct reeve *r, reeve_rule_id id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_rule(r, id, &i, err);
	if (!rc) {
		rule_event(r, i);
		reeve__table_free(r, rules_of(r), i, NULL);
		reeve__add(&r->header->revision, 1);
		reeve__rules_reindex_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}

void reeve__rule_count_match(struct reeve *r, uint32_t slot, reeve_ns now_wall)
{
	reeve__add(&r->rules[slot].matches, 1);
	reeve__put(&r->rules[slot].last_matched_wall, now_wall);
}

/* ---- looking ---- */

static void fill_info(struct reeve *r, uint32_t i, struct reeve_rule_info *info)
{
	const struct reeve_sh_rule *rule = &r->rules[i];
	const struct reeve_sh_rule_version *v = reeve__rule_version(r, i);

	memset(info, 0, sizeof(*info));
	info->id.v = rule->head.id;
	reeve__text_copy(info->name, sizeof(info->name), v->name);
	info->priority = v->priority;
	info->target.v = v->group < r->group_capacity ? r->groups[v->group].head.id : 0;
	info->is_enabled = v->is_enabled != 0;
	info->match_count = reeve__get(&rule->matches);
	info->last_matched_wall = reeve__get(&rule->last_matched_wall);
	info->created_wall = rule->created_wall;
	info->modified_wall = v->modified_wall;
	info->revision = v->revision;
}

int reeve__rule_get(
	struct reeve *r, reeve_rule_id id, struct reeve_rule_info *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_rule(r, id, &i, err);
	if (!rc)
		fill_info(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__rule_copy(
	struct reeve *r, uint32_t from, struct reeve_rule_info *ret, uint32_t capacity)
{
	uint32_t n = 0, i;

	reeve__catalog_lock(r);
	while (n < capacity && (i = reeve__rule_at_locked(r, from)) != REEVE_NONE) {
		fill_info(r, i, &ret[n++]);
		from++;
	}
	reeve__catalog_unlock(r);
	return n;
}

static const char *zone_name(void *arg, uint32_t n)
{
	const struct reeve *r = arg;

	return r->zones[n % REEVE_SH_ZONES].name;
}

int reeve__rule_condition_copy(struct reeve *r, reeve_rule_id id, struct reeve_condition_copy *ret,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_rule(r, id, &i, err);
	if (!rc) {
		const struct reeve_sh_rule_version *v = reeve__rule_version(r, i);
		uint32_t words = v->words < REEVE_SH_RULE_WORDS ? v->words : REEVE_SH_RULE_WORDS;
		rc = reeve__rule_decode(v->program, words, zone_name, r, ret, err);
	}
	reeve__catalog_unlock(r);
	return rc;
}
