/* SPDX-License-Identifier: Apache-2.0 */
/* definitions.c - see definitions.h. */
#include "definitions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts and fields that number k of a set has. */
struct texts {
	char name[64], description[200];
};

static struct texts texts_of(const struct definitions *d, const char *kind, uint64_t k)
{
	struct texts t;

	snprintf(t.name, sizeof(t.name), "%s-%u-%" PRIu64, kind, d->index, k);
	snprintf(t.description, sizeof(t.description), "%s number %" PRIu64 " %.*s", t.name, k,
		(int)(k % 100),
		".................................................................................."
		".."
		"................");
	return t;
}

static struct reeve_group_def group_of(const struct texts *t, uint64_t k)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;

	def.name = t->name;
	def.description = t->description;
	def.custom_category = t->name;
	def.priority = (uint32_t)(k % 8);
	def.category = (uint32_t)(k % 6);
	def.cpu_allocation_pct = (uint32_t)(k % 101);
	def.max_sessions = 1000 + k;
	def.max_execution_ns = (k + 1) * (uint64_t)REEVE_SEC;
	def.max_idle_ns = (k + 2) * (uint64_t)REEVE_SEC;
	def.parallel_degree_limit = k + 3;
	def.memory_limit_bytes = k + 4;
	def.io_bandwidth_limit = k + 5;
	def.iops_limit = k + 6;
	return def;
}

static struct reeve_plan_def plan_of(const struct texts *t, uint64_t k)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;

	def.name = t->name;
	def.description = t->description;
	def.cpu_method = (uint32_t)(k % 3);
	def.max_utilization_pct = (uint32_t)(k % 100) + 1;
	def.is_enabled = k % 2 == 0;
	return def;
}

static struct reeve_directive_def directive_of(uint64_t k)
{
	return (struct reeve_directive_def){
		.given = REEVE_DIRECTIVE_CPU_PCT | REEVE_DIRECTIVE_CPU_SHARES |
			 REEVE_DIRECTIVE_CPU_LEVEL | REEVE_DIRECTIVE_CPU_CAP,
		.cpu_pct = (uint32_t)(k % 101),
		.cpu_shares = (uint32_t)(k % REEVE_SHARES_MAX) + 1,
		.cpu_level = (uint32_t)(k % REEVE_CPU_LEVELS) + 1,
		.cpu_cap_pct = (uint32_t)(k % 100) + 1,
	};
}

static struct reeve_condition condition_of(const struct texts *t)
{
	return (struct reeve_condition){.kind = REEVE_CONDITION_USERNAME, .text = t->name};
}

static struct reeve_rule_def rule_of(
	const struct texts *t, uint64_t k, const struct reeve_condition *condition)
{
	return (struct reeve_rule_def){
		t->name, (uint32_t)(k % 1000), condition, {k % 4 + 1}, k % 2 == 0};
}

static uint64_t user_of(const struct definitions *d)
{
	return 1000 + d->index;
}

static int write_number(
	struct definitions *d, struct reeve *r, uint32_t kind, uint64_t k, struct reeve_error *err)
{
	struct texts t = texts_of(d,
		kind == DEFINITION_GROUP  ? "group"
		: kind == DEFINITION_PLAN ? "plan"
		: kind == DEFINITION_RULE ? "rule"
					  : "user",
		k);
	struct reeve_group_def group = group_of(&t, k);
	struct reeve_plan_def plan = plan_of(&t, k);
	struct reeve_directive_def directive = directive_of(k);
	struct reeve_condition condition = condition_of(&t);
	struct reeve_rule_def rule = rule_of(&t, k, &condition);

	switch (kind) {
	case DEFINITION_GROUP:
		return reeve_group_update(r, d->group, REEVE_GROUP_ALL_FIELDS, &group, 0, err);
	case DEFINITION_PLAN:
		return reeve_plan_update(r, d->plan, (REEVE_PLAN_PARENT << 1) - 1, &plan, 0, err);
	case DEFINITION_DIRECTIVE:
		return reeve_directive_update(r, d->directive, &directive, 0, err);
	case DEFINITION_RULE:
		return reeve_rule_update(r, d->rule, REEVE_RULE_ALL_FIELDS, &rule, 0, err);
	default:
		return reeve_user_map(
			r, user_of(d), t.name, (reeve_group_id){k % 4 + 1}, k % 2 == 0, err);
	}
}

static void must(int rc, const struct reeve_error *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "definitions: %s\n", err->text);
	abort();
}

void definitions_create(struct definitions *d, struct reeve *r, uint32_t index)
{
	struct reeve_error err;

	d->index = index;
	struct texts g = texts_of(d, "group", 1), p = texts_of(d, "plan", 1);
	struct reeve_group_def group = group_of(&g, 1);
	struct reeve_plan_def plan = plan_of(&p, 1);
	struct reeve_directive_def directive = directive_of(1);
	struct texts u = texts_of(d, "rule", 1);
	struct reeve_condition condition = condition_of(&u);
	struct reeve_rule_def rule = rule_of(&u, 1, &condition);
	must(reeve_rule_create(r, &rule, &d->rule, &err), &err);
	must(reeve_group_create(r, &group, &d->group, &err), &err);
	must(reeve_plan_create(r, &plan, &d->plan, &err), &err);
	must(reeve_directive_set(r, d->plan, d->group, &directive, &d->directive, &err), &err);
	for (uint32_t kind = 0; kind < DEFINITION_KINDS; kind++) {
		must(write_number(d, r, kind, 1, &err), &err);
		d->intended[kind] = d->acknowledged[kind] = 1;
	}
}

void definitions_change(struct definitions *d, struct reeve *r, uint32_t kind)
{
	uint64_t k = d->acknowledged[kind] + 1;
	struct reeve_error err;

	d->intended[kind] = k;
	must(write_number(d, r, kind, k, &err), &err);
	d->acknowledged[kind] = k;
}

/* Number at the end of a name such as plan-3-17; 0 when it has none. */
static uint64_t number_in(const char *name)
{
	const char *dash = strrchr(name, '-');

	return dash ? strtoull(dash + 1, NULL, 10) : 0;
}

static bool group_is(const struct definitions *d, struct reeve *r, uint64_t *ret_k)
{
	struct reeve_group_info i;
	reeve_group_id found = {0};

	if (reeve_group_get(r, d->group, &i, NULL))
		return false;
	*ret_k = number_in(i.name);
	struct texts t = texts_of(d, "group", *ret_k);
	struct reeve_group_def w = group_of(&t, *ret_k);
	return strcmp(i.name, w.name) == 0 && strcmp(i.description, w.description) == 0 &&
	       strcmp(i.custom_category, w.custom_category) == 0 && i.priority == w.priority &&
	       i.category == w.category && i.cpu_allocation_pct == w.cpu_allocation_pct &&
	       i.max_sessions == w.max_sessions && i.max_execution_ns == w.max_execution_ns &&
	       i.max_idle_ns == w.max_idle_ns &&
	       i.parallel_degree_limit == w.parallel_degree_limit &&
	       i.memory_limit_bytes == w.memory_limit_bytes &&
	       i.io_bandwidth_limit == w.io_bandwidth_limit && i.iops_limit == w.iops_limit &&
	       reeve_group_find(r, i.name, &found) && found.v == d->group.v;
}

static bool plan_is(const struct definitions *d, struct reeve *r, uint64_t *ret_k)
{
	struct reeve_plan_info i;
	reeve_plan_id found = {0};

	if (reeve_plan_get(r, d->plan, &i, NULL))
		return false;
	*ret_k = number_in(i.name);
	struct texts t = texts_of(d, "plan", *ret_k);
	struct reeve_plan_def w = plan_of(&t, *ret_k);
	return strcmp(i.name, w.name) == 0 && strcmp(i.description, w.description) == 0 &&
	       i.cpu_method == w.cpu_method && i.max_utilization_pct == w.max_utilization_pct &&
	       i.is_enabled == w.is_enabled && reeve_plan_find(r, i.name, &found) &&
	       found.v == d->plan.v;
}

static bool directive_is(const struct definitions *d, struct reeve *r, uint64_t *ret_k)
{
	struct reeve_directive_info i;

	if (reeve_directive_get(r, d->directive, &i, NULL))
		return false;
	*ret_k = (uint64_t)i.cpu_shares - 1;
	struct reeve_directive_def w = directive_of(*ret_k);
	return i.plan.v == d->plan.v && i.group.v == d->group.v && i.given == w.given &&
	       i.cpu_pct == w.cpu_pct && i.cpu_level == w.cpu_level &&
	       i.cpu_cap_pct == w.cpu_cap_pct;
}

static bool user_is(const struct definitions *d, struct reeve *r, uint64_t *ret_k)
{
	struct reeve_user_mapping m;

	if (reeve_user_get(r, user_of(d), &m, NULL))
		return false;
	*ret_k = number_in(m.username);
	struct texts t = texts_of(d, "user", *ret_k);
	return strcmp(m.username, t.name) == 0 && m.group.v == *ret_k % 4 + 1 &&
	       m.is_permanent == (*ret_k % 2 == 0);
}

/* Its condition names it, and whoever has that name is placed by it when it is enabled. */
static bool rule_is(const struct definitions *d, struct reeve *r, uint64_t *ret_k)
{
	static struct reeve_condition_copy copy;
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	struct reeve_assignment decision;
	struct reeve_rule_info i;

	if (reeve_rule_get(r, d->rule, &i, NULL) ||
		reeve_rule_condition_copy(r, d->rule, &copy, NULL) != 1)
		return false;
	*ret_k = number_in(i.name);
	struct texts t = texts_of(d, "rule", *ret_k);
	struct reeve_condition condition = condition_of(&t);
	struct reeve_rule_def w = rule_of(&t, *ret_k, &condition);
	who.username = t.name;
	return strcmp(i.name, w.name) == 0 && i.priority == w.priority &&
	       i.target.v == w.target.v && i.is_enabled == w.is_enabled &&
	       copy.nodes[0].kind == condition.kind &&
	       strcmp(copy.nodes[0].text, condition.text) == 0 &&
	       reeve_assignment_evaluate(r, &who, 0, &decision, NULL, 0, NULL) >= 0 &&
	       decision.rule.v == (i.is_enabled ? d->rule.v : 0);
}

int definitions_check(struct definitions *d, struct reeve *r, const char *when)
{
	static bool (*const is[DEFINITION_KINDS])(const struct definitions *, struct reeve *,
		uint64_t *) = {group_is, plan_is, directive_is, user_is, rule_is};
	static const char *const names[DEFINITION_KINDS] = {
		"group", "plan", "directive", "mapping", "rule"};
	int faults = 0;

	for (uint32_t kind = 0; kind < DEFINITION_KINDS; kind++) {
		uint64_t k = 0;
		bool whole = is[kind](d, r, &k);
		if (!whole || (k != d->acknowledged[kind] && k != d->intended[kind])) {
			printf("FAULT %s: %s of set %u is %s, at %" PRIu64 "; acknowledged %" PRIu64
			       ", intended %" PRIu64 "\n",
				when, names[kind], d->index, whole ? "whole" : "half", k,
				d->acknowledged[kind], d->intended[kind]);
			faults++;
		}
		d->intended[kind] = d->acknowledged[kind] = k;
	}
	return faults;
}
