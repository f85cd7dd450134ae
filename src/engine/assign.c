/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assign.c - which group a session gets: the one it names, else the one its user is mapped to, else
 * the target of the first rule that holds, else the default group.
 *
 * Rules are judged under the catalog lock, which is let go between stretches of them. When a
 * definition has changed meanwhile, the answer is worked out anew, so that in the end it is right for
 * the catalog as it is while the lock is held. After RESTARTS changes in a row the lock is kept.
 */
#include "engine.h"

#define RESTARTS 8

static bool is_group(const struct reeve *r, uint32_t slot)
{
	return slot < reeve__table_used(&r->header->groups) &&
	       reeve__get(&r->groups[slot].head.state) == REEVE_SLOT_LIVE;
}

/* By name or by mapping: true, with *ret_rc, when that settles it. */
static bool settled_locked(struct reeve *r, const struct reeve_session_def *def, reeve_ns now_wall,
	struct reeve__assigned *ret, int *ret_rc, struct reeve_error *err)
{
	*ret_rc = 0;
	ret->rule = REEVE_NONE;
	if (def->group.v) {
		ret->by = REEVE_ASSIGNED_EXPLICIT;
		*ret_rc = reeve__group_slot_locked(r, def->group, &ret->group, err);
		return true;
	}
	ret->by = REEVE_ASSIGNED_MAPPING;
	ret->group =
		def->user_id ? reeve__user_group_locked(r, def->user_id, now_wall) : REEVE_NONE;
	return is_group(r, ret->group);
}

static int default_locked(struct reeve *r, struct reeve__assigned *ret, struct reeve_error *err)
{
	ret->by = REEVE_ASSIGNED_DEFAULT;
	ret->group = r->header->default_group;
	ret->rule = REEVE_NONE;
	return is_group(r, ret->group)
		       ? 0
		       : reeve__fail(err, REEVE_EINTERNAL, "there is no default group");
}

/* The first rule that holds; lets go of the lock now and then. */
static uint32_t search_rules_locked(struct reeve *r, struct reeve__rule_input *in)
{
	struct reeve__rule_search search = {0};
	uint64_t version = 0;
	int changes = 0;

	while (!reeve__rules_search_locked(r, in, &search)) {
		changes += search.version != version;
		version = search.version;
		if (changes > RESTARTS)
			continue;
		reeve__catalog_unlock(r);
		reeve__catalog_lock(r);
	}
	return search.best;
}

int reeve__assign_locked(struct reeve *r, const struct reeve_session_def *def, reeve_ns now_wall,
	struct reeve__assigned *ret, struct reeve_error *err)
{
	struct reeve__rule_input in;
	int rc;

	if (settled_locked(r, def, now_wall, ret, &rc, err))
		return rc;
	reeve__rule_input_init(&in, def, now_wall, reeve__rule_zone_at, r);
	uint32_t rule = search_rules_locked(r, &in);
	/* A mapping may have come while the lock was let go. */
	if (settled_locked(r, def, now_wall, ret, &rc, err))
		return rc;
	if (rule == REEVE_NONE || !is_group(r, reeve__rule_version(r, rule)->group))
		return default_locked(r, ret, err);
	*ret = (struct reeve__assigned){
		reeve__rule_version(r, rule)->group, REEVE_ASSIGNED_RULE, rule};
	return 0;
}

/* ---- explained ---- */

static void describe_locked(
	struct reeve *r, const struct reeve__assigned *to, struct reeve_assignment *ret)
{
	const struct reeve_sh_group *g = &r->groups[to->group];

	memset(ret, 0, sizeof(*ret));
	ret->group.v = g->head.id;
	reeve__text_copy(ret->group_name, sizeof(ret->group_name), g->name);
	ret->assigned_by = to->by;
	ret->rule.v = to->rule == REEVE_NONE ? 0 : r->rules[to->rule].head.id;
	ret->admissible = g->is_active && reeve__get(&g->sessions) < g->max_sessions;
}

/* Rules judged and told before the lock is let go. */
#define STRETCH 32u

/* Verdicts from *place on; false when there are more. */
static bool trace_stretch_locked(struct reeve *r, struct reeve__rule_input *in, uint32_t *place,
	struct reeve_rule_trace *ret, uint32_t capacity, uint32_t *n)
{
	for (uint32_t k = 0; k < STRETCH; k++, (*place)++) {
		uint32_t slot = reeve__rule_at_locked(r, *place);
		if (slot == REEVE_NONE)
			return true;
		const struct reeve_sh_rule_version *v = reeve__rule_version(r, slot);
		if (!v->is_enabled || v->words > REEVE_SH_RULE_WORDS)
			continue;
		if (*n < capacity) {
			struct reeve_rule_trace *t = &ret[*n];
			memset(t, 0, sizeof(*t));
			t->rule.v = r->rules[slot].head.id;
			reeve__text_copy(t->name, sizeof(t->name), v->name);
			t->matched = reeve__rule_holds(v->program, v->words, in);
		}
		(*n)++;
	}
	return false;
}

/* All verdicts, of one version of the rules unless these change faster than they can be told. */
static uint32_t trace_rules_locked(struct reeve *r, struct reeve__rule_input *in,
	struct reeve_rule_trace *ret, uint32_t capacity)
{
	uint64_t version = r->header->groups_domain.index.version;
	uint32_t place = 0, n = 0;
	int changes = 0;

	while (!trace_stretch_locked(r, in, &place, ret, capacity, &n)) {
		if (changes <= RESTARTS) {
			reeve__catalog_unlock(r);
			reeve__catalog_lock(r);
		}
		if (version != r->header->groups_domain.index.version) {
			version = r->header->groups_domain.index.version;
			place = n = 0;
			in->known = 0;
			changes++;
		}
	}
	return n;
}

int reeve__assignment_evaluate(struct reeve *r, const struct reeve_session_def *who,
	reeve_ns at_wall, struct reeve_assignment *ret, struct reeve_rule_trace *ret_traces,
	uint32_t capacity, struct reeve_error *err)
{
	struct reeve__assigned to;
	struct reeve__rule_input in;
	uint32_t n = 0;
	int rc = reeve__session_check(who, err);

	if (rc)
		return rc;
	reeve__rule_input_init(&in, who, at_wall, reeve__rule_zone_at, r);
	reeve__catalog_lock(r);
	rc = reeve__assign_locked(r, who, at_wall, &to, err);
	if (!rc) {
		n = trace_rules_locked(r, &in, ret_traces, capacity);
		rc = reeve__assign_locked(r, who, at_wall, &to, err);
	}
	if (!rc)
		describe_locked(r, &to, ret);
	reeve__catalog_unlock(r);
	return rc ? rc : (int)n;
}
