/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of assignment rules: conditions of every kind, order, explanation, changes and what a death in
 * the middle of one leaves; and random rules against a simple model.
 */
#include "core.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/model/model.h"

#define TEXT(k, t) ((struct reeve_condition){.kind = REEVE_CONDITION_##k, .text = (t)})
#define PATTERN(k, s, t)                                                                           \
	((struct reeve_condition){                                                                 \
		.kind = REEVE_CONDITION_##k##_PATTERN, .syntax = REEVE_PATTERN_##s, .text = (t)})
#define LIST(k, array)                                                                             \
	((struct reeve_condition){                                                                 \
		.kind = REEVE_CONDITION_##k, .count = REEVE_COUNT(array), .operands = (array)})
#define ANYBODY ((struct reeve_condition){.kind = REEVE_CONDITION_AND})

static uint64_t rule(struct core *c, const char *name, uint32_t priority, uint64_t target,
	const struct reeve_condition *condition)
{
	struct reeve_rule_def def = {name, priority, condition, {target}, true};
	reeve_rule_id id = {0};

	assert_ok(reeve_rule_create(c->r, &def, &id, E));
	return id.v;
}

static struct reeve_rule_info rule_info(struct core *c, uint64_t id)
{
	struct reeve_rule_info info = {0};

	assert_ok(reeve_rule_get(c->r, (reeve_rule_id){id}, &info, E));
	return info;
}

static void remove_rule(struct core *c, uint64_t id)
{
	assert_ok(reeve_rule_destroy(c->r, (reeve_rule_id){id}, E));
}

static struct reeve_assignment decide(
	struct core *c, const struct reeve_session_def *who, reeve_ns at_wall)
{
	struct reeve_assignment a = {0};

	assert_ok(reeve_assignment_evaluate(c->r, who, at_wall, &a, NULL, 0, E));
	return a;
}

static const struct reeve_session_def ada = {.user_id = 7,
	.username = "ada",
	.program = "psql",
	.machine = "db-07.example",
	.service = "billing",
	.module = "Report",
	.action = "month end"};

/* Whether a rule with this condition takes ada at that time. */
static bool takes_at(struct core *c, const struct reeve_condition *condition, reeve_ns at)
{
	uint64_t id = rule(c, "r", 1, REEVE_BATCH_GROUP, condition);
	bool taken = decide(c, &ada, at).rule.v == id;

	remove_rule(c, id);
	return taken;
}

static bool takes(struct core *c, struct reeve_condition condition)
{
	return takes_at(c, &condition, c->h.wall);
}

/* Groups, line 2: the pattern was a substring, the action had no condition. */
static void plans_02_every_attribute_has_a_test_and_every_pattern_a_language(void **state)
{
	struct core *c = *state;

	assert_true(takes(c, TEXT(USERNAME, "ada")));
	assert_false(takes(c, TEXT(USERNAME, "ad")));
	assert_false(takes(c, TEXT(USERNAME, "Ada")));
	assert_true(takes(c, TEXT(PROGRAM_NAME, "psql")));
	assert_true(takes(c, TEXT(MACHINE_NAME, "db-07.example")));
	assert_true(takes(c, TEXT(SERVICE_NAME, "billing")));
	assert_true(takes(c, TEXT(MODULE_NAME, "Report")));
	assert_true(takes(c, TEXT(ACTION_NAME, "month end")));
	assert_false(takes(c, TEXT(ACTION_NAME, "month")));
	assert_true(takes(c, PATTERN(USERNAME, CONTAINS, "d")));
	assert_true(takes(c, PATTERN(PROGRAM_NAME, PREFIX, "ps")));
	assert_false(takes(c, PATTERN(PROGRAM_NAME, PREFIX, "sql")));
	assert_true(takes(c, PATTERN(PROGRAM_NAME, SUFFIX, "sql")));
	assert_false(takes(c, PATTERN(PROGRAM_NAME, SUFFIX, "ps")));
	assert_true(takes(c, PATTERN(MACHINE_NAME, GLOB, "db-??.*")));
	assert_false(takes(c, PATTERN(MACHINE_NAME, GLOB, "db-?.*")));
	assert_false(takes(c, PATTERN(MACHINE_NAME, GLOB, "db-07"))); /* the whole text */
	assert_true(takes(c, PATTERN(MACHINE_NAME, REGEX, "^db-[0-9]{2}\\.")));
	assert_true(takes(c, PATTERN(SERVICE_NAME, REGEX, "ill")));
	assert_true(takes(c, PATTERN(ACTION_NAME, CONTAINS, "th e")));
	struct reeve_condition p = PATTERN(MODULE_NAME, CONTAINS, "rEPo");
	assert_false(takes(c, p));
	p.ignore_case = true;
	assert_true(takes(c, p));
	p = PATTERN(MODULE_NAME, GLOB, "REP*");
	p.ignore_case = true;
	assert_true(takes(c, p));
	p.kind = REEVE_CONDITION_USER_ID;
	p.user_id = 7;
	assert_true(takes(c, p));
	p.user_id = UINT64_C(7) << 32;
	assert_false(takes(c, p));
}

static void what_a_session_does_not_have_equals_nothing(void **state)
{
	struct core *c = *state;
	struct reeve_condition has = PATTERN(MODULE_NAME, REGEX, "^.*$"), not ;
	const struct reeve_session_def bare = {.username = "bob", .module = ""};

	not = (struct reeve_condition){.kind = REEVE_CONDITION_NOT, .count = 1, .operands = &has};
	uint64_t id = rule(c, "has a module", 1, REEVE_BATCH_GROUP, &has);
	assert_true(decide(c, &bare, 0).rule.v == 0 && decide(c, &ada, 0).rule.v == id);
	remove_rule(c, id);
	id = rule(c, "has none", 1, REEVE_BATCH_GROUP, &not );
	assert_true(decide(c, &bare, 0).rule.v == id && decide(c, &ada, 0).rule.v == 0);
}

/* Instant of a UTC time. */
static reeve_ns utc(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute)
{
	return (reeve__days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60) *
	       REEVE_SEC;
}

static struct reeve_condition time_of(uint32_t start_h, uint32_t end_h, const char *zone)
{
	return (struct reeve_condition){.kind = REEVE_CONDITION_TIME_OF_DAY,
		.start_s = start_h * 3600,
		.end_s = end_h * 3600,
		.zone = zone};
}

/* Groups, line 1: time of day and day of week were always true, and so their negation never. */
static void plans_01_time_and_day_are_looked_at_and_so_is_their_negation(void **state)
{
	struct core *c = *state;
	struct reeve_condition office = time_of(9, 17, "UTC"), night = time_of(22, 6, "UTC"),
			       always = time_of(8, 8, "UTC"), not ;
	struct reeve_condition days = {
		.kind = REEVE_CONDITION_DAY_OF_WEEK, .days = 1 << 2, .zone = "UTC"};

	not = (struct reeve_condition){
		.kind = REEVE_CONDITION_NOT, .count = 1, .operands = &office};
	assert_false(takes_at(c, &office, utc(2026, 3, 3, 9, 0) - 1));
	assert_true(takes_at(c, &office, utc(2026, 3, 3, 9, 0)));
	assert_true(takes_at(c, &office, utc(2026, 3, 3, 17, 0) - 1));
	assert_false(takes_at(c, &office, utc(2026, 3, 3, 17, 0)));
	assert_true(takes_at(c, &not, utc(2026, 3, 3, 17, 0)));
	assert_false(takes_at(c, &not, utc(2026, 3, 3, 12, 0)));
	assert_true(takes_at(c, &night, utc(2026, 3, 3, 22, 0)));
	assert_true(takes_at(c, &night, utc(2026, 3, 4, 5, 59)));
	assert_false(takes_at(c, &night, utc(2026, 3, 4, 6, 0)));
	assert_true(takes_at(c, &always, utc(2026, 3, 4, 8, 0)));
	assert_true(takes_at(c, &always, utc(2026, 3, 4, 7, 59)));
	assert_true(takes_at(c, &days, utc(2026, 3, 3, 23, 59))); /* a Tuesday */
	assert_false(takes_at(c, &days, utc(2026, 3, 4, 0, 0)));
	office.end_s = 86400;
	assert_true(takes_at(c, &office, utc(2026, 3, 4, 0, 0) - 1));
}

static void local_time_follows_the_zone_through_summer(void **state)
{
	struct core *c = *state;
	struct reeve_condition office = time_of(9, 17, "Europe/Berlin");
	struct reeve_condition sunday = {
		.kind = REEVE_CONDITION_DAY_OF_WEEK, .days = 1, .zone = "Pacific/Auckland"};

	assert_true(takes_at(c, &office, utc(2026, 1, 5, 8, 0)));
	assert_false(takes_at(c, &office, utc(2026, 1, 5, 7, 59)));
	assert_true(takes_at(c, &office, utc(2026, 7, 6, 7, 0)));
	assert_false(takes_at(c, &office, utc(2026, 7, 6, 15, 0)));
	assert_true(takes_at(c, &sunday, utc(2026, 7, 4, 12, 0))); /* a Saturday in London */
	assert_false(takes_at(c, &sunday, utc(2026, 7, 5, 12, 0)));
}

static void the_servers_zone_is_that_of_the_rules_creation(void **state)
{
	struct core *c = *state;
	struct reeve_condition nine = time_of(9, 10, NULL);

	setenv("TZ", "Asia/Tokyo", 1);
	uint64_t id = rule(c, "nine", 1, REEVE_BATCH_GROUP, &nine);
	unsetenv("TZ"); /* other processes may have another: all agree on the rule's */
	assert_true(decide(c, &ada, utc(2026, 5, 5, 0, 30)).rule.v == id);
	assert_true(decide(c, &ada, utc(2026, 5, 5, 9, 30)).rule.v == 0);
}

static void and_or_not_nest(void **state)
{
	struct core *c = *state;
	struct reeve_condition or_[] = {TEXT(USERNAME, "bob"), TEXT(USERNAME, "ada")};
	struct reeve_condition both[] = {LIST(OR, or_), PATTERN(PROGRAM_NAME, PREFIX, "p")};
	struct reeve_condition not = {
		.kind = REEVE_CONDITION_NOT, .count = 1, .operands = &both[1]};
	struct reeve_condition never = {.kind = REEVE_CONDITION_OR};
	struct reeve_condition neither[] = {LIST(OR, or_), not };

	assert_true(takes(c, LIST(AND, both)));
	assert_false(takes(c, LIST(AND, neither)));
	assert_true(takes(c, LIST(OR, neither)));
	assert_true(takes(c, ANYBODY));
	assert_false(takes(c, never));
}

static void the_lower_priority_and_then_the_lower_id_is_first(void **state)
{
	struct core *c = *state;
	struct reeve_condition all = ANYBODY, me = TEXT(USERNAME, "ada"),
			       me2 = TEXT(PROGRAM_NAME, "psql");
	uint64_t second = rule(c, "second", 10, 2, &all), third = rule(c, "third", 10, 3, &me);
	uint64_t last = rule(c, "last", 20, 4, &me2), first = rule(c, "first", 5, 3, &me2);
	struct reeve_rule_info infos[8];
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;

	assert_true(decide(c, &ada, 0).rule.v == first);
	assert_int_equal(reeve_rule_copy(c->r, 0, infos, 8), 4);
	assert_true(infos[0].id.v == first && infos[1].id.v == second);
	assert_true(infos[2].id.v == third && infos[3].id.v == last);
	assert_int_equal(reeve_rule_copy(c->r, 3, infos, 8), 1);
	remove_rule(c, first);
	assert_true(decide(c, &ada, 0).rule.v == second);
	def.is_enabled = false;
	assert_ok(reeve_rule_update(
		c->r, (reeve_rule_id){second}, REEVE_RULE_IS_ENABLED, &def, 0, E));
	assert_true(decide(c, &ada, 0).rule.v == third);
	def.priority = 30;
	assert_ok(reeve_rule_update(c->r, (reeve_rule_id){third}, REEVE_RULE_PRIORITY, &def, 0, E));
	assert_true(decide(c, &ada, 0).rule.v == last);
}

static struct reeve_session *connect_as(struct core *c, const struct reeve_session_def *def)
{
	struct reeve_session *s = NULL;

	assert_ok(reeve_session_create(c->r, def, &s, E));
	return s;
}

static void a_session_keeps_the_rule_that_placed_it(void **state)
{
	struct core *c = *state;
	struct reeve_condition me = TEXT(USERNAME, "ada");
	uint64_t id = rule(c, "r", 1, REEVE_BATCH_GROUP, &me);
	struct reeve_session *s;
	struct reeve_session_def def = ada;

	core_sleep(&c->h, REEVE_SEC);
	s = connect_as(c, &ada);
	assert_true(core_info(c->r, s).group.v == REEVE_BATCH_GROUP);
	assert_int_equal(core_info(c->r, s).assigned_by, REEVE_ASSIGNED_RULE);
	assert_true(core_info(c->r, s).rule_id == id);
	assert_true(rule_info(c, id).match_count == 1);
	assert_true(rule_info(c, id).last_matched_wall == c->h.wall);
	decide(c, &ada, 0); /* a dry run counts nothing */
	assert_true(rule_info(c, id).match_count == 1);
	remove_rule(c, id); /* the session stays */
	assert_true(core_info(c->r, s).group.v == REEVE_BATCH_GROUP);
	reeve_session_destroy(s);
	/* explicit, then mapping, then rule, then default */
	id = rule(c, "r", 1, REEVE_BATCH_GROUP, &me);
	assert_ok(reeve_user_map(c->r, 7, "ada", (reeve_group_id){4}, true, E));
	assert_int_equal(decide(c, &ada, 0).assigned_by, REEVE_ASSIGNED_MAPPING);
	assert_true(decide(c, &ada, 0).group.v == 4 && decide(c, &ada, 0).rule.v == 0);
	def.group.v = 1;
	assert_int_equal(decide(c, &def, 0).assigned_by, REEVE_ASSIGNED_EXPLICIT);
	assert_string_equal(decide(c, &def, 0).group_name, "SYS_GROUP");
	def = (struct reeve_session_def){.username = "eve"};
	assert_int_equal(decide(c, &def, 0).assigned_by, REEVE_ASSIGNED_DEFAULT);
	s = connect_as(c, &def);
	assert_true(core_info(c->r, s).rule_id == 0);
	reeve_session_destroy(s);
}

static void a_full_or_inactive_group_refuses_and_there_is_no_second_choice(void **state)
{
	struct core *c = *state;
	struct reeve_condition me = TEXT(USERNAME, "ada"), all = ANYBODY;
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	reeve_group_id g = {core_group(c->r, "small", 0)};
	struct reeve_session *s, *more = NULL;
	uint64_t id = rule(c, "r", 1, g.v, &me);

	rule(c, "others", 2, REEVE_BATCH_GROUP, &all);
	group.max_sessions = 1;
	assert_ok(reeve_group_update(c->r, g, REEVE_GROUP_MAX_SESSIONS, &group, 0, E));
	assert_true(decide(c, &ada, 0).admissible);
	s = connect_as(c, &ada);
	assert_false(decide(c, &ada, 0).admissible);
	assert_fails(reeve_session_create(c->r, &ada, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"consumer group small has 1 sessions; its limit maxSessions is 1");
	assert_true(rule_info(c, id).match_count == 1);
	reeve_session_destroy(s);
	group.is_active = false;
	assert_ok(reeve_group_update(c->r, g, REEVE_GROUP_IS_ACTIVE, &group, 0, E));
	assert_false(decide(c, &ada, 0).admissible);
	assert_fails(reeve_session_create(c->r, &ada, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"is inactive");
}

static void the_verdict_of_every_enabled_rule_is_told_in_order(void **state)
{
	struct core *c = *state;
	struct reeve_condition me = TEXT(USERNAME, "ada"), you = TEXT(USERNAME, "bob");
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;
	struct reeve_rule_trace t[100];
	struct reeve_assignment a;
	char name[16];

	for (uint32_t i = 0; i < 90; i++) {
		snprintf(name, sizeof(name), "rule %u", i);
		rule(c, name, 1000 - i, 2 + i % 3, i % 2 ? &me : &you);
	}
	assert_ok(reeve_rule_update(c->r, (reeve_rule_id){90}, REEVE_RULE_NAME,
		&(struct reeve_rule_def){.name = "top"}, 0, E));
	def.is_enabled = false;
	assert_ok(reeve_rule_update(c->r, (reeve_rule_id){89}, REEVE_RULE_IS_ENABLED, &def, 0, E));
	assert_int_equal(reeve_assignment_evaluate(c->r, &ada, 0, &a, t, 100, E), 89);
	assert_true(t[0].rule.v == 90 && t[0].matched && a.rule.v == 90);
	assert_string_equal(t[0].name, "top");
	for (uint32_t i = 1; i < 89; i++) {
		assert_true(t[i].rule.v == 89 - i);
		assert_int_equal(t[i].matched, (89 - i) % 2 == 0);
	}
	memset(t, 0x5a, sizeof(t));
	assert_int_equal(reeve_assignment_evaluate(c->r, &ada, 0, &a, t, 1, E), 89);
	assert_int_equal(((char *)t)[sizeof(t[0])], 0x5a);
}

static void rules_can_be_read_changed_and_deleted(void **state)
{
	struct core *c = *state;
	struct reeve_condition time = time_of(22, 6, "Europe/Berlin");
	struct reeve_condition list[] = {PATTERN(PROGRAM_NAME, GLOB, "sql*"), time};
	struct reeve_condition or_ = LIST(OR, list),
			       not = {.kind = REEVE_CONDITION_NOT, .count = 1, .operands = &or_};
	struct reeve_condition both[] = {TEXT(USERNAME, "a \"b\" \\c"), not };
	struct reeve_condition and_ = LIST(AND, both);
	uint64_t before = core_segment(c->r).revision;
	uint64_t id = rule(c, "first name", 7, REEVE_BATCH_GROUP, &and_);
	static struct reeve_condition_copy copy;
	struct reeve_rule_info info = rule_info(c, id);
	struct reeve_rule_def def = REEVE_RULE_DEF_INIT;
	char text[200];
	static const char want[] =
		"username = \"a \\\"b\\\" \\\\c\" and not (program glob \"sql*\" or time in "
		"22:00-06:00 Europe/Berlin)";

	assert_true(id == 1 && info.id.v == 1 && info.priority == 7 && info.is_enabled);
	assert_string_equal(info.name, "first name");
	assert_true(info.target.v == REEVE_BATCH_GROUP && info.revision == before + 1);
	assert_true(info.created_wall == c->h.wall && info.modified_wall == c->h.wall);
	assert_int_equal(reeve_rule_condition_copy(c->r, (reeve_rule_id){id}, &copy, E), 6);
	assert_int_equal(reeve_condition_text(&copy.nodes[0], text, sizeof(text), E), strlen(want));
	assert_string_equal(text, want);
	assert_int_equal(reeve_condition_text(&copy.nodes[0], text, 9, E), strlen(want));
	assert_string_equal(text, "username");
	core_sleep(&c->h, REEVE_SEC);
	def.name = "second name";
	def.condition = &both[0];
	assert_ok(reeve_rule_update(c->r, (reeve_rule_id){id},
		REEVE_RULE_NAME | REEVE_RULE_CONDITION, &def, info.revision, E));
	assert_fails(reeve_rule_update(
			     c->r, (reeve_rule_id){id}, REEVE_RULE_NAME, &def, info.revision, E),
		REEVE_ESTALE_REVISION, "assignment rule 1 is at revision");
	info = rule_info(c, id);
	assert_string_equal(info.name, "second name");
	assert_true(info.priority == 7 && info.target.v == REEVE_BATCH_GROUP);
	assert_true(info.created_wall == c->h.wall - REEVE_SEC && info.modified_wall == c->h.wall);
	assert_int_equal(reeve_rule_condition_copy(c->r, (reeve_rule_id){id}, &copy, E), 1);
	assert_string_equal(copy.nodes[0].text, "a \"b\" \\c");
	remove_rule(c, id);
	assert_fails(reeve_rule_get(c->r, (reeve_rule_id){id}, &info, E), REEVE_ENOT_FOUND,
		"assignment rule 1");
	assert_fails(reeve_rule_destroy(c->r, (reeve_rule_id){id}, E), REEVE_ENOT_FOUND, "1");
	assert_true(rule(c, "next", 1, 2, &both[0]) == 2); /* ids are not used again */
}

/* ---- refused ---- */

static void bad_conditions_are_refused_with_what_and_where(void **state)
{
	struct core *c = *state;
	struct reeve_condition deep[20], wide[300], user = TEXT(USERNAME, "x"), big[40];
	char long_text[130], medium[129];
	const struct {
		struct reeve_condition condition;
		const char *part;
	} bad[] = {
		{{.kind = 18}, "condition node 1: kind is 18; allowed are 0 to 17"},
		{TEXT(USERNAME, NULL), "username is empty"},
		{TEXT(USERNAME, ""), "username is empty; allowed are 1 to 128 bytes"},
		{TEXT(ACTION_NAME, long_text),
			"actionName \"tttttttttttttttttttttttt...\" is too long"},
		{TEXT(PROGRAM_NAME, "\xff"), "programName has a control character or malformed"},
		{{.kind = REEVE_CONDITION_USERNAME_PATTERN, .text = "x", .syntax = 5},
			"usernamePattern of condition node 1: syntax is 5; allowed are 0 "
			"(CONTAINS)"},
		{PATTERN(USERNAME, REGEX, "a(b"), "\"a(b\": ( without ) at byte 1"},
		{{.kind = REEVE_CONDITION_USER_ID}, "userId is 0"},
		{time_of(24, 1, NULL), "start in seconds is 86400; allowed are 0 to 86399"},
		{time_of(1, 25, NULL), "end in seconds is 90000; allowed are 0 to 86400"},
		{time_of(1, 2, "../x"), "time zone \"../x\" is malformed"},
		{time_of(1, 2, "Mars/Base"), "time zone \"Mars/Base\" is not in"},
		{{.kind = REEVE_CONDITION_DAY_OF_WEEK}, "the set of days is 0"},
		{{.kind = REEVE_CONDITION_DAY_OF_WEEK, .days = 128}, "the set of days is 128"},
		{{.kind = REEVE_CONDITION_NOT}, "the number of operands is 0; allowed are 1"},
		{{.kind = REEVE_CONDITION_AND, .count = 1}, "operands is NULL"},
		{{.kind = REEVE_CONDITION_NOT}, "more than 16 levels"},
		{LIST(AND, wide), "more than 256 nodes"},
		{LIST(OR, big), "takes more than"},
	};
	reeve_rule_id id = {77};
	uint64_t revision = core_segment(c->r).revision;

	memset(long_text, 't', 129);
	long_text[129] = 0;
	memset(medium, 'm', 128);
	medium[128] = 0;
	for (size_t i = 0; i < REEVE_COUNT(wide); i++)
		wide[i] = ANYBODY;
	for (size_t i = 0; i < REEVE_COUNT(big); i++)
		big[i] = TEXT(USERNAME, medium);
	for (size_t i = 0; i < REEVE_COUNT(deep); i++)
		deep[i] = (struct reeve_condition){.kind = REEVE_CONDITION_NOT,
			.count = 1,
			.operands = i + 1 < REEVE_COUNT(deep) ? &deep[i + 1] : &user};
	for (size_t i = 0; i < REEVE_COUNT(bad); i++) {
		struct reeve_condition condition = i == 16 ? deep[0] : bad[i].condition;
		struct reeve_rule_def def = {"r", 1, &condition, {2}, true};
		assert_fails(reeve_rule_create(c->r, &def, &id, E), REEVE_EINVALID_ARGUMENT,
			bad[i].part);
	}
	assert_true(id.v == 77 && core_segment(c->r).revision == revision);
	assert_int_equal(core_segment(c->r).rules, 0);
}

static void bad_arguments_are_refused_by_name(void **state)
{
	struct core *c = *state;
	struct reeve_condition all = ANYBODY;
	struct reeve_rule_def def = {"r", 1, &all, {2}, true}, bad;
	static struct reeve_condition_copy copy;
	struct reeve_rule_info info;
	struct reeve_assignment a;
	reeve_rule_id id = {77}, one = {1};
	char text[8];

	assert_fails(reeve_rule_create(NULL, &def, &id, E), REEVE_EINVALID_ARGUMENT, "reeve");
	assert_fails(reeve_rule_create(c->r, NULL, &id, E), REEVE_EINVALID_ARGUMENT, "def");
	assert_fails(reeve_rule_create(c->r, &def, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_id");
	bad = def;
	bad.name = "";
	assert_fails(reeve_rule_create(c->r, &bad, &id, E), REEVE_EINVALID_ARGUMENT, "name is");
	bad = def;
	bad.priority = UINT32_C(1) << 31;
	assert_fails(reeve_rule_create(c->r, &bad, &id, E), REEVE_EINVALID_ARGUMENT,
		"priority is 2147483648; allowed are 0 to 2147483647");
	bad = def;
	bad.condition = NULL;
	assert_fails(reeve_rule_create(c->r, &bad, &id, E), REEVE_EINVALID_ARGUMENT,
		"condition is NULL");
	/* Groups, line 9: the group was looked up, and the rule put in when it might be gone. */
	bad = def;
	bad.target.v = 4711;
	assert_fails(reeve_rule_create(c->r, &bad, &id, E), REEVE_ENOT_FOUND, "group 4711");
	assert_true(id.v == 77);
	assert_ok(reeve_rule_create(c->r, &def, &id, E));
	assert_true(id.v == 1); /* refused creations have used up no id */
	assert_fails(reeve_rule_update(c->r, one, 1 << 5, &def, 0, E), REEVE_EINVALID_ARGUMENT,
		"fields is 0x20; allowed are bits up to 0x10");
	assert_fails(reeve_rule_update(c->r, one, REEVE_RULE_TARGET, &bad, 0, E), REEVE_ENOT_FOUND,
		"group 4711");
	assert_fails(reeve_rule_update(c->r, (reeve_rule_id){9}, 0, &def, 0, E), REEVE_ENOT_FOUND,
		"assignment rule 9");
	assert_fails(reeve_rule_get(c->r, one, NULL, E), REEVE_EINVALID_ARGUMENT, "ret_info");
	assert_fails(reeve_rule_get(c->r, (reeve_rule_id){0}, &info, E), REEVE_ENOT_FOUND, "0");
	assert_fails(reeve_rule_condition_copy(c->r, one, NULL, E), REEVE_EINVALID_ARGUMENT,
		"ret is NULL");
	assert_fails(reeve_rule_condition_copy(c->r, (reeve_rule_id){9}, &copy, E),
		REEVE_ENOT_FOUND, "9");
	assert_fails(reeve_condition_text(NULL, text, 8, E), REEVE_EINVALID_ARGUMENT, "condition");
	assert_fails(reeve_condition_text(&all, NULL, 8, E), REEVE_EINVALID_ARGUMENT, "to is");
	assert_int_equal(reeve_condition_text(&all, NULL, 0, E), 4);
	assert_int_equal(reeve_rule_copy(c->r, 0, NULL, 4), 0);
	assert_int_equal(reeve_rule_copy(NULL, 0, &info, 1), 0);
	assert_fails(reeve_assignment_evaluate(c->r, NULL, 0, &a, NULL, 0, E),
		REEVE_EINVALID_ARGUMENT, "who");
	assert_fails(reeve_assignment_evaluate(c->r, &ada, 0, NULL, NULL, 0, E),
		REEVE_EINVALID_ARGUMENT, "ret is");
	assert_fails(reeve_assignment_evaluate(c->r, &ada, 0, &a, NULL, 1, E),
		REEVE_EINVALID_ARGUMENT, "ret_traces");
	struct reeve_session_def who = {.username = NULL};
	assert_fails(reeve_assignment_evaluate(c->r, &who, 0, &a, NULL, 0, E),
		REEVE_EINVALID_ARGUMENT, "username");
	who = ada;
	who.group.v = 4711;
	assert_fails(
		reeve_assignment_evaluate(c->r, &who, 0, &a, NULL, 0, E), REEVE_ENOT_FOUND, "4711");
}

static void the_table_of_rules_says_so_when_it_is_full(void **state)
{
	struct core *c = *state;
	struct reeve_condition all = ANYBODY;
	struct reeve_rule_def def = {"one more", 1, &all, {2}, true};
	reeve_rule_id id = {77};
	uint32_t max = core_segment(c->r).max_rules;

	for (uint32_t i = 0; i < max; i++)
		rule(c, "r", i, 2 + i % 2, &all);
	assert_fails(reeve_rule_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of assignment rules is full: 128 of 128");
	assert_true(id.v == 77);
	remove_rule(c, 5);
	assert_true(rule(c, "again", 0, 3, &all) == max + 1);
	assert_true(decide(c, &ada, 0).rule.v == 1);
}

static void zones_that_no_rule_names_make_room_for_others(void **state)
{
	struct core *c = *state;
	char names[70][16];
	uint64_t ids[70];

	for (uint32_t i = 0; i < 64; i++) {
		snprintf(names[i], sizeof(names[i]), "Etc/GMT%+d", (int)(i % 27) - 14);
		struct reeve_condition time = time_of(1, 2, names[i]);
		ids[i] = rule(c, "r", i, 2, &time);
	}
	static const char *const more[] = {"Europe/Paris", "Europe/Rome", "Europe/Madrid",
		"Europe/Vienna", "Europe/Prague", "Europe/Berlin", "Europe/London", "Europe/Athens",
		"Europe/Lisbon", "Europe/Dublin", "Europe/Warsaw", "Europe/Zurich", "Asia/Tokyo",
		"Asia/Seoul", "Asia/Dubai", "Asia/Kolkata", "Asia/Shanghai", "Asia/Tehran",
		"Asia/Riyadh", "Asia/Manila", "Africa/Cairo", "Africa/Lagos", "Africa/Tunis",
		"America/Lima", "America/Bogota", "America/Chicago", "America/Denver",
		"America/New_York", "America/Toronto", "America/Caracas", "America/Havana",
		"Pacific/Fiji", "Pacific/Guam", "Pacific/Apia", "Indian/Maldives",
		"Australia/Sydney", "Australia/Perth"};
	for (size_t i = 0; i < REEVE_COUNT(more); i++) {
		struct reeve_condition time = time_of(1, 2, more[i]);
		rule(c, "r", 1, 2, &time);
	}
	struct reeve_condition time = time_of(9, 10, "Asia/Baku");
	struct reeve_rule_def def = {"one more", 0, &time, {2}, true};
	reeve_rule_id id = {77};
	assert_fails(reeve_rule_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of time zones that rules name is full: 64 of 64");
	assert_int_equal(core_segment(c->r).rules, 64 + (uint32_t)REEVE_COUNT(more));
	for (uint32_t i = 0; i < 64; i++)
		if (strcmp(names[i], names[3]) == 0)
			remove_rule(c, ids[i]);
	assert_ok(reeve_rule_create(c->r, &def, &id, E));
	assert_true(decide(c, &ada, utc(2026, 1, 1, 5, 30)).rule.v == id.v);
}

/* ---- death ---- */

static void die(struct core *c, void (*change)(struct reeve *r))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		reeve__catalog_lock(c->r);
		change(c->r);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void half_a_version(struct reeve *r)
{
	memset(&r->rules[0].versions[1], 0x5a, sizeof(r->rules[0].versions[1]));
}

static void a_version_and_half_an_index(struct reeve *r)
{
	r->rules[0].versions[1] = r->rules[0].versions[0];
	strcpy(r->rules[0].versions[1].name, "new");
	reeve__put(&r->rules[0].current, 1);
	memset(r->base + r->header->groups_domain.index.buckets, 0,
		r->header->groups_domain.index.bucket_count * 4u);
	r->header->groups_domain.index.entries = 0;
}

static void a_death_in_the_middle_leaves_the_old_rule_or_the_new_one(void **state)
{
	struct core *c = *state;
	struct reeve_condition me = TEXT(USERNAME, "ada");
	uint64_t id = rule(c, "old", 1, REEVE_BATCH_GROUP, &me);

	die(c, half_a_version);
	assert_string_equal(rule_info(c, id).name, "old");
	assert_true(decide(c, &ada, 0).rule.v == id);
	assert_clean(c->r);
	die(c, a_version_and_half_an_index);
	assert_string_equal(rule_info(c, id).name, "new");
	assert_true(decide(c, &ada, 0).rule.v == id);
	assert_clean(c->r);
}

/* ---- against a model ---- */

#define WORDS 6
static const char *const words[WORDS] = {"ada", "bob", "abba", "a", "ab.a", ""};
static const char *const globs[] = {"a*", "*b*", "?b*", "a?a", "*", "ab\\.a", "*a", "b?b"};

/* A random condition in nodes[], and what it says about texts by the plainest means. */
struct made {
	struct reeve_condition nodes[64];
	uint32_t n;
};

static void make(struct sim_random *random, struct made *m, struct reeve_condition *to, int depth)
{
	uint64_t what = core_below(random, depth ? 10 : 6);
	uint32_t attribute = (uint32_t)core_below(random, 6);

	memset(to, 0, sizeof(*to));
	if (what < 3) {
		to->kind = attribute * 2;
		to->text = words[core_below(random, WORDS - 1)];
	} else if (what < 5) {
		to->kind = attribute * 2 + 1;
		to->syntax = (uint32_t)core_below(random, 4);
		to->text = to->syntax == REEVE_PATTERN_GLOB
				   ? globs[core_below(random, REEVE_COUNT(globs))]
				   : words[core_below(random, WORDS - 1)];
	} else if (what == 5) {
		to->kind = REEVE_CONDITION_USER_ID;
		to->user_id = 1 + core_below(random, 4);
	} else {
		to->kind = what == 6 ? REEVE_CONDITION_NOT
				     : (what < 9 ? REEVE_CONDITION_AND : REEVE_CONDITION_OR);
		to->count = what == 6 ? 1 : (uint32_t)core_below(random, 4);
		if (m->n + to->count > 64)
			to->count = 0, to->kind = REEVE_CONDITION_AND;
		to->operands = &m->nodes[m->n];
		struct reeve_condition *operands = &m->nodes[m->n];
		m->n += to->count;
		for (uint32_t i = 0; i < to->count; i++)
			make(random, m, &operands[i], depth - 1);
	}
}

static bool model_holds(const struct reeve_condition *c, const char *const texts[6], uint64_t user)
{
	const char *t = c->kind < REEVE_CONDITION_USER_ID ? texts[c->kind / 2] : "";
	size_t n = strlen(t), m = c->text ? strlen(c->text) : 0;

	if (c->kind < REEVE_CONDITION_USER_ID && !*t)
		return false;
	if (c->kind == REEVE_CONDITION_USER_ID)
		return c->user_id == user;
	if (c->kind == REEVE_CONDITION_NOT)
		return !model_holds(c->operands, texts, user);
	if (c->kind >= REEVE_CONDITION_AND) {
		for (uint32_t i = 0; i < c->count; i++)
			if (model_holds(&c->operands[i], texts, user) !=
				(c->kind == REEVE_CONDITION_AND))
				return c->kind == REEVE_CONDITION_OR;
		return c->kind == REEVE_CONDITION_AND;
	}
	if (c->kind % 2 == 0)
		return strcmp(t, c->text) == 0;
	switch (c->syntax) {
	case REEVE_PATTERN_CONTAINS:
		return strstr(t, c->text) != NULL;
	case REEVE_PATTERN_PREFIX:
		return strncmp(t, c->text, m) == 0;
	case REEVE_PATTERN_SUFFIX:
		return n >= m && strcmp(t + n - m, c->text) == 0;
	default:
		return fnmatch(c->text, t, 0) == 0;
	}
}

enum { MODEL_RULES = 40 };
struct model_rule {
	uint64_t id;
	uint32_t priority;
	bool enabled;
	struct made made;
	struct reeve_condition root;
};

/* Creates, changes, toggles or deletes one of the model's rules, here and there. */
static void change_one(struct core *c, struct sim_random *random, struct model_rule *m)
{
	struct reeve_rule_def def = {"r", (uint32_t)core_below(random, 8), &m->root, {2}, true};
	reeve_rule_id id = {m->id};

	if (!m->id || core_below(random, 2)) {
		m->made.n = 0;
		make(random, &m->made, &m->root, 3);
	}
	if (!m->id) {
		assert_ok(reeve_rule_create(c->r, &def, &id, E));
		m->id = id.v;
		m->enabled = true;
	} else if (core_below(random, 4) == 0) {
		remove_rule(c, m->id);
		m->id = 0;
	} else {
		m->enabled = def.is_enabled = core_below(random, 4) != 0;
		assert_ok(reeve_rule_update(c->r, id,
			REEVE_RULE_PRIORITY | REEVE_RULE_CONDITION | REEVE_RULE_IS_ENABLED, &def, 0,
			E));
	}
	m->priority = def.priority;
}

static uint64_t model_decides(
	const struct model_rule *rules, const char *const texts[6], uint64_t user)
{
	const struct model_rule *best = NULL;

	for (uint32_t i = 0; i < MODEL_RULES; i++) {
		const struct model_rule *m = &rules[i];
		if (!m->id || !m->enabled || !model_holds(&m->root, texts, user))
			continue;
		if (!best || m->priority < best->priority ||
			(m->priority == best->priority && m->id < best->id))
			best = m;
	}
	return best ? best->id : 0;
}

static void random_rules_decide_as_a_simple_model_does(void **state)
{
	struct core *c = *state;
	static struct model_rule rules[MODEL_RULES];
	struct sim_random random;

	memset(rules, 0, sizeof(rules));
	sim_random_init(&random, core_seed("rules"), 0);
	for (uint64_t i = 0; i < core_steps(4000); i++) {
		const char *texts[6];
		uint64_t user = core_below(&random, 5);
		change_one(c, &random, &rules[core_below(&random, MODEL_RULES)]);
		for (int k = 0; k < 6; k++)
			texts[k] = words[core_below(&random, k ? WORDS : WORDS - 1)];
		struct reeve_session_def who = {.user_id = user,
			.username = texts[0],
			.program = texts[1],
			.machine = texts[2],
			.service = texts[3],
			.module = texts[4],
			.action = texts[5]};
		uint64_t want = model_decides(rules, texts, user);
		uint64_t got = decide(c, &who, 0).rule.v;
		if (got != want)
			fail_msg("step %llu: rule %llu, the model says %llu", (unsigned long long)i,
				(unsigned long long)got, (unsigned long long)want);
		if (i % 500 == 0)
			assert_clean(c->r);
	}
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(plans_02_every_attribute_has_a_test_and_every_pattern_a_language),
		with_core(what_a_session_does_not_have_equals_nothing),
		with_core(plans_01_time_and_day_are_looked_at_and_so_is_their_negation),
		with_core(local_time_follows_the_zone_through_summer),
		with_core(the_servers_zone_is_that_of_the_rules_creation),
		with_core(and_or_not_nest),
		with_core(the_lower_priority_and_then_the_lower_id_is_first),
		with_core(a_session_keeps_the_rule_that_placed_it),
		with_core(a_full_or_inactive_group_refuses_and_there_is_no_second_choice),
		with_core(the_verdict_of_every_enabled_rule_is_told_in_order),
		with_core(rules_can_be_read_changed_and_deleted),
		with_core(bad_conditions_are_refused_with_what_and_where),
		with_core(bad_arguments_are_refused_by_name),
		with_core(the_table_of_rules_says_so_when_it_is_full),
		with_core(zones_that_no_rule_names_make_room_for_others),
		with_core(a_death_in_the_middle_leaves_the_old_rule_or_the_new_one),
		with_core(random_rules_decide_as_a_simple_model_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
