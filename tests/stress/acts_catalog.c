/* SPDX-License-Identifier: Apache-2.0 */
/* acts_catalog.c - groups, users, assignment rules, registrations of CPU. */
#include "actor.h"

/* Of a handful, so that names are often taken. */
static const char *a_name(struct actor *a, char *to, size_t size, const char *what)
{
	snprintf(to, size, "%s %u", what, below(a, 24));
	return to;
}

static uint64_t maybe(struct actor *a, uint64_t least, uint32_t span)
{
	return once_in(a, 2) ? REEVE_UNLIMITED : least + below(a, span);
}

static struct reeve_group_def group_def(struct actor *a, const char *name)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;

	def.name = name;
	def.description = once_in(a, 2) ? NULL : "of the actors";
	def.priority = below(a, 8);
	def.category = below(a, 6);
	def.cpu_allocation_pct = below(a, 101);
	def.max_sessions = maybe(a, 1, 8);
	def.max_execution_ns = maybe(a, 1000000, 50000000);
	def.is_active = !once_in(a, 8);
	def.max_idle_ns = maybe(a, 20000000, 500000000);
	def.parallel_degree_limit = maybe(a, 1, 8);
	def.memory_limit_bytes = maybe(a, 100000, 4000000);
	def.io_bandwidth_limit = maybe(a, 100000, 100000000);
	def.iops_limit = maybe(a, 100, 100000);
	return def;
}

void act_group_change(struct actor *a)
{
	char name[32];
	struct reeve_group_def def = group_def(a, a_name(a, name, sizeof(name), "group"));
	struct reeve_group_info info;
	reeve_group_id id = {0};
	uint32_t fields = below(a, REEVE_GROUP_ALL_FIELDS) & ~(uint32_t)REEVE_GROUP_NAME;

	switch (below(a, 6)) {
	case 0:
	case 1:
		if (allow(a, reeve_group_create(a->r, &def, &id, &a->err), MAY_EXIST | MAY_EXHAUST,
			    "group_create") == 0)
			board_put(a, BOARD_GROUP, id.v);
		return;
	case 2:
		allow(a, reeve_group_default_set(a->r, any_group(a), &a->err),
			MAY_NOT_FOUND | MAY_CONFLICT, "group_default_set");
		return;
	case 3:
		fields |= REEVE_GROUP_NAME;
		/* fall through */
	default:
		id = any_group(a);
		if (reeve_group_get(a->r, id, &info, NULL))
			info.revision = 0;
		allow(a,
			reeve_group_update(
				a->r, id, fields, &def, once_in(a, 2) ? 0 : info.revision, &a->err),
			MAY_NOT_FOUND | MAY_EXIST | MAY_DENY | MAY_BE_STALE | MAY_CONFLICT,
			"group_update");
	}
}

void act_group_delete(struct actor *a)
{
	reeve_group_id to = once_in(a, 4) ? (reeve_group_id){0} : any_group(a);

	allow(a, reeve_group_destroy(a->r, any_group(a), to, &a->err),
		MAY_NOT_FOUND | MAY_DENY | MAY_CONFLICT | MAY_BE_INVALID | MAY_EXHAUST,
		"group_destroy");
}

void act_user(struct actor *a)
{
	uint64_t user = 1 + below(a, 200);
	reeve_ns until = reeve_now_wall(a->r) + (reeve_ns)(1 + below(a, 1000)) * REEVE_MSEC;
	struct reeve_user_mapping users[8];

	switch (below(a, 4)) {
	case 0:
		allow(a, reeve_user_unmap(a->r, user, &a->err), MAY_NOT_FOUND, "user_unmap");
		return;
	case 1:
		allow(a,
			reeve_user_map_until(
				a->r, user, "ada", any_group(a), once_in(a, 2), until, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST | MAY_BE_INVALID, "user_map_until");
		return;
	case 2:
		reeve_user_copy(a->r, user, users, 8);
		allow(a, reeve_user_get(a->r, user, users, &a->err), MAY_NOT_FOUND, "user_get");
		return;
	default:
		allow(a, reeve_user_map(a->r, user, "bob", any_group(a), once_in(a, 2), &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST, "user_map");
	}
}

/* One of the rules there are; .v 0: there are none. */
static reeve_rule_id any_rule(struct actor *a)
{
	struct reeve_rule_info info;

	return reeve_rule_copy(a->r, below(a, 32), &info, 1) ? info.id : (reeve_rule_id){0};
}

void act_rule(struct actor *a)
{
	struct reeve_condition leaves[2] = {
		{.kind = REEVE_CONDITION_PROGRAM_NAME, .text = once_in(a, 2) ? "etl" : "report"},
		{.kind = REEVE_CONDITION_USERNAME_PATTERN,
			.syntax = REEVE_PATTERN_REGEX,
			.text = "^a[a-z]+$"}};
	struct reeve_condition c = {
		.kind = REEVE_CONDITION_AND + below(a, 2), .count = 2, .operands = leaves};
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;
	struct reeve_session_def who = REEVE_SESSION_DEF_INIT;
	struct reeve_assignment where;
	struct reeve_rule_trace traces[8];
	reeve_rule_id id;

	def.name = "of the actors";
	def.condition = once_in(a, 2) ? &c : &leaves[0];
	def.priority = below(a, 100);
	def.target = any_group(a);
	def.is_enabled = !once_in(a, 4);
	who.username = "ada";
	who.program = "etl";
	switch (below(a, 4)) {
	case 0:
		allow(a, reeve_rule_create(a->r, &def, &id, &a->err), MAY_NOT_FOUND | MAY_EXHAUST,
			"rule_create");
		return;
	case 1:
		allow(a, reeve_rule_destroy(a->r, any_rule(a), &a->err), MAY_NOT_FOUND,
			"rule_destroy");
		return;
	case 2:
		allow(a,
			reeve_rule_update(a->r, any_rule(a), below(a, REEVE_RULE_ALL_FIELDS + 1),
				&def, 0, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST, "rule_update");
		return;
	default:
		allow(a,
			reeve_assignment_evaluate(
				a->r, &who, reeve_now_wall(a->r), &where, traces, 8, &a->err),
			0, "assignment_evaluate");
	}
}

void act_cpu_registration(struct actor *a)
{
	struct reeve_cpu_group_stats stats;
	reeve_group_id g = any_group(a);

	switch (below(a, 5)) {
	case 0:
		allow(a, reeve_cpu_group_unregister(a->r, g, &a->err), MAY_NOT_FOUND,
			"cpu_group_unregister");
		return;
	case 1:
		allow(a, reeve_cpu_rebalance(a->r, &a->err), 0, "cpu_rebalance");
		return;
	case 2:
		allow(a, reeve_cpu_group_stats_get(a->r, g, &stats, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST, "cpu_group_stats_get");
		return;
	default:
		allow(a,
			reeve_cpu_group_register(a->r, g, 1 + below(a, 1000),
				once_in(a, 2) ? 0 : 30 + below(a, 71), &a->err),
			MAY_NOT_FOUND, "cpu_group_register");
	}
}
