/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups.c - what look-ups of groups and the judging of assignment rules cost: 10 and 1,000 groups
 * looked up in turn, 1,000 rules of several kinds.
 */
#include "bench.h"

#include <reeve/reeve.h>

#include "../src/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX = 1000, ORDER = 4096 };

struct set {
	struct reeve *r;
	uint64_t ids[MAX];
	char names[MAX][32];
	uint16_t order[ORDER]; /* who is looked up, in a random order */
	struct reeve_session_def who;
};

static void must(int rc, const struct reeve_error *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench_groups: %s\n", err->text);
	exit(1);
}

static struct reeve *open_segment(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err;
	struct reeve *r = NULL;

	options.max_rules = 2 * MAX;
	must(reeve_open(&options, &r, &err), &err);
	return r;
}

static void add_groups(struct set *s, uint32_t n)
{
	struct reeve_error err;
	uint64_t random = 1;

	for (uint32_t i = 0; i < n; i++) {
		struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
		reeve_group_id id = {0};
		snprintf(s->names[i], sizeof(s->names[i]), "GROUP_NUMBER_%u", i);
		def.name = s->names[i];
		must(reeve_group_create(s->r, &def, &id, &err), &err);
		s->ids[i] = id.v;
	}
	for (uint32_t i = 0; i < ORDER; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		s->order[i] = (uint16_t)((random >> 33) % n);
	}
}

static void by_id(void *arg, unsigned thread, unsigned loops)
{
	struct set *s = arg;
	unsigned long sum = 0;

	for (unsigned i = 0; i < loops; i++)
		sum += reeve_group_exists(
			s->r, (reeve_group_id){s->ids[s->order[(i + thread * 7) % ORDER]]});
	bench_keep(sum);
}

static void by_name(void *arg, unsigned thread, unsigned loops)
{
	struct set *s = arg;
	reeve_group_id id = {0};
	unsigned long sum = 0;

	for (unsigned i = 0; i < loops; i++) {
		reeve_group_find(s->r, s->names[s->order[(i + thread * 7) % ORDER]], &id);
		sum += id.v;
	}
	bench_keep(sum);
}

static void get(void *arg, unsigned thread, unsigned loops)
{
	struct set *s = arg;
	struct reeve_group_info info;

	for (unsigned i = 0; i < loops; i++)
		reeve_group_get(s->r, (reeve_group_id){s->ids[s->order[(i + thread * 7) % ORDER]]},
			&info, NULL);
}

/* What a new session asks: the group for its attributes, with the lock that it takes. */
static void assign(void *arg, unsigned thread, unsigned loops)
{
	struct set *s = arg;
	struct reeve_session_def who = s->who;
	struct reeve__assigned to;
	unsigned long sum = 0;

	for (unsigned i = 0; i < loops; i++) {
		if (s->who.username == NULL)
			who.username = s->names[s->order[(i + thread * 7) % ORDER]];
		reeve__catalog_lock(s->r);
		reeve__assign_locked(s->r, &who, INT64_C(1700000000) * REEVE_SEC, &to, NULL);
		reeve__catalog_unlock(s->r);
		sum += to.group;
	}
	bench_keep(sum);
}

static void add_rules(
	struct set *s, uint32_t n, struct reeve_condition (*make)(struct set *, uint32_t))
{
	struct reeve_error err;

	for (uint32_t i = 0; i < n; i++) {
		struct reeve_condition condition = make(s, i);
		struct reeve_rule_def def = {"r", i, &condition, {s->ids[i % 10]}, true};
		reeve_rule_id id;
		must(reeve_rule_create(s->r, &def, &id, &err), &err);
	}
}

static void remove_rules(struct set *s)
{
	struct reeve_rule_info info;

	while (reeve_rule_copy(s->r, 0, &info, 1) == 1)
		reeve_rule_destroy(s->r, info.id, NULL);
}

static struct reeve_condition equal(struct set *s, uint32_t i)
{
	return (struct reeve_condition){.kind = REEVE_CONDITION_USERNAME, .text = s->names[i]};
}

static struct reeve_condition both(struct set *s, uint32_t i)
{
	static struct reeve_condition parts[3];

	parts[0] = equal(s, i);
	parts[1] = (struct reeve_condition){.kind = REEVE_CONDITION_PROGRAM_NAME_PATTERN,
		.syntax = REEVE_PATTERN_GLOB,
		.text = "ps*l"};
	parts[2] = (struct reeve_condition){
		.kind = REEVE_CONDITION_TIME_OF_DAY, .zone = "Europe/Berlin", .end_s = 86400};
	return (struct reeve_condition){.kind = REEVE_CONDITION_AND, .count = 3, .operands = parts};
}

static struct reeve_condition prefix(struct set *s, uint32_t i)
{
	return (struct reeve_condition){.kind = REEVE_CONDITION_USERNAME_PATTERN,
		.syntax = REEVE_PATTERN_PREFIX,
		.text = s->names[i]};
}

static struct reeve_condition either(struct set *s, uint32_t i)
{
	static struct reeve_condition parts[2];

	parts[0] = prefix(s, i);
	parts[1] = equal(s, (i + 500) % MAX);
	return (struct reeve_condition){.kind = REEVE_CONDITION_OR, .count = 2, .operands = parts};
}

static struct reeve_condition regex(struct set *s, uint32_t i)
{
	(void)i;
	(void)s;
	return (struct reeve_condition){.kind = REEVE_CONDITION_PROGRAM_NAME_PATTERN,
		.syntax = REEVE_PATTERN_REGEX,
		.text = "^svc-(etl|bi)-[0-9]{2,3}$"};
}

int main(void)
{
	static struct set s;
	double floor, few_id, many_id, few_name, many_name, equals, boths, prefixes, eithers;

	s.r = open_segment();
	bench_head("ns of one call");
	floor = bench_floor();
	add_groups(&s, 10);
	few_id = bench_row("group by id, 10", by_id, &s, 50000);
	few_name = bench_row("group by name, 10", by_name, &s, 50000);
	reeve_close(s.r);
	s.r = open_segment();
	add_groups(&s, MAX);
	many_id = bench_row("group by id, 1,000", by_id, &s, 50000);
	many_name = bench_row("group by name, 1,000", by_name, &s, 50000);
	bench_row("group copied whole, with the lock, 1,000", get, &s, 20000);
	s.who.program = "psql";
	s.who.machine = "host.example";
	bench_row("assignment, no rules", assign, &s, 20000);
	add_rules(&s, MAX, equal);
	equals = bench_row("assignment, 1,000 rules for a user each", assign, &s, 20000);
	remove_rules(&s);
	add_rules(&s, MAX, both);
	boths = bench_row("same, and a glob, and a time", assign, &s, 20000);
	remove_rules(&s);
	s.who.username = "nobody";
	add_rules(&s, MAX, prefix);
	prefixes = bench_row("assignment, 1,000 prefixes, none holds", assign, &s, 200);
	remove_rules(&s);
	add_rules(&s, MAX, either);
	eithers = bench_row("assignment, 1,000 of a prefix or a user, none holds", assign, &s, 200);
	remove_rules(&s);
	add_rules(&s, MAX, regex);
	bench_row("assignment, 1,000 regexes, none holds", assign, &s, 50);
	bench_judge("group by id, 10", few_id, 10, "ns");
	bench_judge("group by id, 1,000", many_id, 10, "ns");
	bench_judge("group by name, 10", few_name, 40, "ns");
	bench_judge("group by name, 1,000", many_name, 40, "ns");
	bench_judge("group by id, 1,000, in atomic adds", many_id / floor, 10 / 1.7, "");
	bench_judge("1,000 rules for a user each", equals, 1000, "ns");
	bench_judge("1,000 rules for a user, a glob, a time", boths, 1000, "ns");
	bench_judge("1,000 rules for a prefix", prefixes, 1000, "ns");
	bench_judge("1,000 rules for a prefix or a user", eithers, 1000, "ns");
	reeve_close(s.r);
	return 0;
}
