/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of deleting groups: what is refused, what moves with whom, deaths in the middle; and random
 * creations, deletions, sessions, mappings and rules against a model.
 */
#include "core.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/engine/engine.h"

static int destroy(struct core *c, uint64_t id, uint64_t to)
{
	return reeve_group_destroy(c->r, (reeve_group_id){id}, (reeve_group_id){to}, E);
}

static uint64_t rule_to(struct core *c, uint64_t group)
{
	struct reeve_condition me = {.kind = REEVE_CONDITION_USERNAME, .text = "eve"};
	struct reeve_rule_def def = {"r", 1, &me, {group}, true};
	reeve_rule_id id = {0};

	assert_ok(reeve_rule_create(c->r, &def, &id, E));
	return id.v;
}

static const struct reeve_directive_def shares = {
	.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 50};

static void an_unused_group_goes_and_its_name_and_slot_are_free(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "g", 5), revision = core_segment(c->r).revision;
	struct reeve_group_info info;
	reeve_group_id found;

	assert_ok(destroy(c, id, 0));
	assert_true(core_segment(c->r).revision == revision + 1);
	assert_fails(
		reeve_group_get(c->r, (reeve_group_id){id}, &info, E), REEVE_ENOT_FOUND, "100");
	assert_false(reeve_group_find(c->r, "g", &found));
	assert_false(reeve_group_exists(c->r, (reeve_group_id){id}));
	assert_fails(destroy(c, id, 0), REEVE_ENOT_FOUND, "consumer group 100");
	assert_int_equal(core_segment(c->r).groups, 4);
	assert_true(core_group(c->r, "g", 0) == id + 1); /* ids are not used again */
	assert_int_equal(core_group_info(c->r, id + 1).cpu_allocation_pct, 0);
}

static void system_and_default_groups_stay(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "mine", 0);

	for (uint64_t g = 1; g <= 4; g++)
		assert_fails(destroy(c, g, id), REEVE_EPERMISSION_DENIED,
			"is a system group and cannot be deleted");
	assert_ok(reeve_group_default_set(c->r, (reeve_group_id){id}, E));
	assert_fails(destroy(c, id, 2), REEVE_ECONFLICT, "mine is the default group");
	assert_fails(reeve_group_destroy(NULL, (reeve_group_id){id}, (reeve_group_id){2}, E),
		REEVE_EINVALID_ARGUMENT, "reeve is NULL");
}

/* Groups, line 6: deletion ignored sessions, mappings, rules, directives and registrations. */
static void plans_06_a_group_that_is_referred_to_is_not_deleted_without_a_target(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "busy", 0);
	reeve_task_id task;
	struct reeve_session *s[2];

	for (int i = 0; i < 2; i++)
		s[i] = core_session(c->r, id);
	assert_ok(reeve_user_map(c->r, 5, "ada", (reeve_group_id){id}, true, E));
	rule_to(c, id);
	core_directive(c->r, 1, id, &shares);
	core_directive(c->r, 2, id, &shares);
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){id}, 10, 0, E));
	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){id}, 3, &task, E));
	struct reeve_group_info before = core_group_info(c->r, id), after;
	assert_fails(destroy(c, id, 0), REEVE_ECONFLICT,
		"consumer group 100 is referred to by 2 sessions, 1 task of an outside engine, 1 "
		"user mapping, 1 assignment rule, 2 plan directives, 1 CPU registration; name a "
		"group to move to");
	assert_fails(destroy(c, id, id), REEVE_EINVALID_ARGUMENT, "moveTo is 100");
	assert_fails(destroy(c, id, 4711), REEVE_ENOT_FOUND, "consumer group 4711");
	after = core_group_info(c->r, id);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_ok(reeve_task_complete(c->r, task, 0, E));
	for (int i = 0; i < 2; i++)
		reeve_session_destroy(s[i]);
}

static void everything_moves_to_the_target(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0), to = core_group(c->r, "new", 0);
	uint64_t rule = rule_to(c, id);
	uint64_t own = core_directive(c->r, 1, to, &shares);
	uint64_t lost = core_directive(c->r, 1, id, &shares);
	uint64_t kept = core_directive(c->r, 2, id, &shares);
	struct reeve_session *s = core_session(c->r, id), *gone = core_session(c->r, id);
	struct reeve_directive_info d;
	struct reeve_user_mapping m;
	struct reeve_task_info t;
	struct reeve_rule_info r;
	struct reeve_query_usage usage;
	reeve_session_id gone_id = reeve_session_id_of(gone);
	reeve_task_id task;

	reeve_session_destroy(gone);
	assert_ok(reeve_user_map(c->r, 5, "ada", (reeve_group_id){id}, true, E));
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){id}, 77, 50, E));
	assert_ok(reeve_task_create(c->r, 1, (reeve_group_id){id}, 3, &task, E));
	assert_ok(reeve_query_begin(s, NULL, E));
	core_sleep(&c->h, REEVE_SEC);
	assert_ok(destroy(c, id, to));
	/* the session, in the middle of its statement */
	assert_true(core_info(c->r, s).group.v == to && core_info(c->r, s).previous_group.v == id);
	assert_int_equal(core_info(c->r, s).switch_reason, REEVE_SWITCH_ADMINISTRATIVE);
	assert_true(core_info(c->r, s).switched_wall == c->h.wall);
	assert_int_equal(core_group_info(c->r, to).current_sessions, 1);
	core_work(&c->h, REEVE_MSEC);
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, &usage);
	assert_true(usage.group.v == to);
	assert_true(core_group_stats(c->r, to).queries == 1);
	/* what remembers the group shows the one that took its place, not one that comes later */
	core_group(c->r, "later", 0);
	struct reeve_session_info ended;
	assert_ok(reeve_session_get(c->r, gone_id, &ended, E));
	assert_true(ended.group.v == to);
	/* definitions */
	assert_ok(reeve_user_get(c->r, 5, &m, E));
	assert_true(m.group.v == to && m.is_permanent);
	assert_ok(reeve_rule_get(c->r, (reeve_rule_id){rule}, &r, E));
	assert_true(r.target.v == to && r.modified_wall == c->h.wall - REEVE_MSEC);
	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){own}, &d, E));
	assert_true(d.group.v == to);
	assert_fails(reeve_directive_get(c->r, (reeve_directive_id){lost}, &d, E), REEVE_ENOT_FOUND,
		"directive");
	assert_ok(reeve_directive_get(c->r, (reeve_directive_id){kept}, &d, E));
	assert_true(d.group.v == to && d.plan.v == 2);
	assert_true(core_group_stats(c->r, to).is_registered);
	assert_int_equal(core_group_stats(c->r, to).shares, 77);
	assert_ok(reeve_task_next(c->r, &t, E));
	assert_true(t.id.v == task.v && t.group.v == to);
	assert_ok(reeve_task_complete(c->r, task, 1, E));
	reeve_session_destroy(s);
}

static struct reeve_memory_group_info memory_of(struct core *c, uint64_t group)
{
	struct reeve_memory_group_info info = {0};

	assert_ok(reeve_memory_group_get(c->r, (reeve_group_id){group}, &info, E));
	return info;
}

static void memory_moves_with_its_sessions(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0), to = core_group(c->r, "new", 0);
	struct reeve_session *s = core_session(c->r, id);
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_session_id outside = {4711};

	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_PGA, 5 << 20, E));
	assert_ok(reeve_memory_quota_set(
		c->r, outside, (reeve_group_id){id}, 1 << 20, REEVE_UNLIMITED, E));
	assert_ok(reeve_memory_session_charge(c->r, outside, REEVE_MEMORY_PGA, 1 << 20, E));
	assert_ok(reeve_memory_group_register(
		c->r, (reeve_group_id){id}, 64 << 20, REEVE_UNLIMITED, E));
	assert_fails(destroy(c, id, 0), REEVE_ECONFLICT,
		"by 1 session, 1 memory quota of an outside engine, 1 memory registration");
	def.memory_limit_bytes = 4 << 20;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){to}, REEVE_GROUP_MEMORY_LIMIT, &def, 0, E));
	assert_fails(destroy(c, id, to), REEVE_ERESOURCE_EXHAUSTED, "memory of consumer group new");
	assert_true(core_info(c->r, s).group.v == id);
	def.memory_limit_bytes = REEVE_UNLIMITED;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){to}, REEVE_GROUP_MEMORY_LIMIT, &def, 0, E));
	assert_ok(destroy(c, id, to));
	assert_true(memory_of(c, to).used_bytes >= 6 << 20 && memory_of(c, to).sessions == 2);
	assert_true(
		memory_of(c, to).is_registered && memory_of(c, to).max_group_memory == 64 << 20);
	/* a group in the old one's slot begins anew */
	id = core_group(c->r, "later", 0);
	assert_true(memory_of(c, id).used_bytes == 0 && memory_of(c, id).sessions == 0);
	assert_false(memory_of(c, id).is_registered);
	assert_clean(c->r);
	assert_ok(reeve_memory_quota_remove(c->r, outside, E));
	assert_ok(reeve_memory_release(s, REEVE_MEMORY_PGA, 5 << 20, E));
	reeve_session_destroy(s);
}

static void work_of_outside_engines_moves(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0);
	struct reeve_server_pool_def pool = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_parallel_def pdef = REEVE_PARALLEL_DEF_INIT;
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	struct reeve_io_request_info q;
	struct reeve_execution_info e[3];
	struct reeve_server_pool_info p;
	reeve_server_pool_id pool_id;
	reeve_io_id io[2];
	reeve_ns retry;

	pool.name = "pool";
	pool.min_servers = pool.max_servers = 4;
	pool.groups = &id;
	pool.group_count = 1;
	assert_ok(reeve_server_pool_create(c->r, &pool, &pool_id, E));
	pdef.mode = REEVE_PARALLEL_MANUAL;
	pdef.requested_dop = 3;
	for (uint64_t i = 0; i < 2; i++) /* one runs, one waits */
		assert_ok(reeve_execution_request(
			c->r, 5000 + i, (reeve_group_id){id}, &pdef, &e[i], E));
	def.size_bytes = 4096;
	for (int i = 0; i < 2; i++) /* one is active, one waits */
		assert_ok(reeve_io_submit(c->r, (reeve_group_id){id}, &def, &io[i], E));
	assert_ok(reeve_io_next(c->r, &q, &retry, E));
	assert_fails(destroy(c, id, 0), REEVE_ECONFLICT,
		"by 2 I/O requests, 1 server pool, 2 parallel executions; name a group");
	assert_ok(destroy(c, id, 3));
	assert_clean(c->r);
	core_group(c->r, "later, in its slot", 0);
	for (int i = 0; i < 2; i++) {
		assert_ok(reeve_io_request_get(c->r, io[i], &q, E));
		assert_true(q.group.v == 3);
		assert_ok(reeve_execution_get(c->r, e[i].id, &e[2], E));
		assert_true(e[2].group.v == 3);
	}
	assert_ok(reeve_server_pool_get(c->r, pool_id, &p, E));
	assert_true(p.group_count == 1 && p.groups[0] == 3);
	assert_ok(reeve_io_complete(c->r, io[0], 4096, true, NULL, E));
	assert_ok(reeve_io_next(c->r, &q, &retry, E));
	assert_true(q.id.v == io[1].v);
	assert_ok(reeve_io_complete(c->r, io[1], 4096, true, NULL, E));
	for (int i = 0; i < 2; i++)
		assert_ok(reeve_execution_complete(c->r, e[i].id, NULL, E));
}

/* Groups, line 3: the memory limit was read by nobody. */
static void plans_03_the_memory_limit_of_a_group_holds(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {core_group(c->r, "g", 0)};
	struct reeve_session *s = core_session(c->r, id.v);

	def.memory_limit_bytes = 8 << 20;
	assert_ok(reeve_group_update(c->r, id, REEVE_GROUP_MEMORY_LIMIT, &def, 0, E));
	assert_true(memory_of(c, id.v).max_group_memory == 8 << 20);
	assert_fails(reeve_memory_charge(s, REEVE_MEMORY_PGA, 9 << 20, E),
		REEVE_ERESOURCE_EXHAUSTED, "memory of consumer group g is 8388608 bytes");
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_PGA, 8 << 20, E));
	/* registered by hand: the lesser of the two counts */
	assert_ok(reeve_memory_group_register(c->r, id, 16 << 20, REEVE_UNLIMITED, E));
	assert_true(memory_of(c, id.v).max_group_memory == 8 << 20);
	assert_ok(reeve_memory_group_register(c->r, id, 4 << 20, REEVE_UNLIMITED, E));
	assert_true(memory_of(c, id.v).max_group_memory == 4 << 20);
	assert_ok(reeve_memory_release(s, REEVE_MEMORY_PGA, 8 << 20, E));
	reeve_session_destroy(s);
}

static void the_targets_own_registration_stands(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0);

	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){id}, 77, 0, E));
	assert_ok(reeve_cpu_group_register(c->r, (reeve_group_id){3}, 55, 0, E));
	assert_ok(destroy(c, id, 3));
	assert_int_equal(core_group_stats(c->r, 3).shares, 55);
}

static void a_target_without_room_refuses_and_nothing_moves(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0), to = core_group(c->r, "small", 0);
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_session *s[3] = {
		core_session(c->r, id), core_session(c->r, id), core_session(c->r, to)};

	rule_to(c, id);
	def.max_sessions = 2;
	assert_ok(reeve_group_update(
		c->r, (reeve_group_id){to}, REEVE_GROUP_MAX_SESSIONS, &def, 0, E));
	assert_fails(destroy(c, id, to), REEVE_ERESOURCE_EXHAUSTED,
		"consumer group small has 1 sessions and 2 are to move; its limit maxSessions is "
		"2");
	def.max_sessions = 3;
	def.is_active = false;
	assert_ok(reeve_group_update(c->r, (reeve_group_id){to},
		REEVE_GROUP_MAX_SESSIONS | REEVE_GROUP_IS_ACTIVE, &def, 0, E));
	assert_fails(destroy(c, id, to), REEVE_ERESOURCE_EXHAUSTED, "small is inactive");
	assert_int_equal(core_group_info(c->r, id).current_sessions, 2);
	def.is_active = true;
	assert_ok(
		reeve_group_update(c->r, (reeve_group_id){to}, REEVE_GROUP_IS_ACTIVE, &def, 0, E));
	assert_ok(destroy(c, id, to));
	assert_int_equal(core_group_info(c->r, to).current_sessions, 3);
	for (int i = 0; i < 3; i++)
		reeve_session_destroy(s[i]);
}

/* A session waits for a slot in a group that goes away under it; then it gets the slot. */
static struct reeve_session *holder;

static void delete_under_a_waiter(struct core_host *h, void *arg)
{
	struct core *c = arg;

	(void)h;
	c->h.on_wait = NULL;
	assert_ok(destroy(c, 100, 3));
	assert_clean(c->r);
	reeve_query_end(holder, NULL);
}

static void who_waits_goes_on_waiting_in_the_target(void **state)
{
	struct core *c = *state;
	uint64_t id = core_group(c->r, "old", 0);
	struct reeve_session *s = core_session(c->r, id);
	struct reeve_query_usage usage;

	holder = core_session(c->r, 2);
	assert_ok(reeve_query_begin(holder, NULL, E));
	c->h.on_wait = delete_under_a_waiter;
	c->h.arg = c;
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_query_end(s, &usage);
	assert_true(usage.group.v == 3);
	reeve_session_destroy(s);
	reeve_session_destroy(holder);
}

static void a_full_table_of_groups_has_room_once_one_is_deleted(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {77};
	char name[16];

	for (int lap = 0; lap < 3; lap++) {
		for (uint32_t i = core_segment(c->r).groups; i < 32; i++) {
			snprintf(name, sizeof(name), "g %d %u", lap, i);
			core_group(c->r, name, 1);
		}
		def.name = "one more";
		assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
			"the table of consumer groups is full: 32 of 32");
		for (int i = 0; i <= lap; i++) {
			struct reeve_group_info first;
			assert_int_equal(
				reeve_group_copy(c->r, (reeve_group_id){99}, &first, 1), 1);
			assert_ok(destroy(c, first.id.v, 0));
		}
	}
}

/* ---- death ---- */

/* Notes the deletion of group 100 to `to` 101, as the deleter would. */
static void note_deletion(struct reeve *r)
{
	struct reeve_sh_group_deletion *note = &r->header->groups_domain.deletion;

	reeve__catalog_lock(r);
	note->from = reeve__table_find(r, &r->header->groups, 100);
	note->to = reeve__table_find(r, &r->header->groups, 101);
	note->id = 100;
	note->wall = 1;
	note->revision = reeve__add(&r->header->revision, 1) + 1;
	reeve__put(&note->active, 1);
}

/* How far it comes before it dies, holding its locks. */
static void delete_some(struct reeve *r, int how_far)
{
	struct reeve_sh_group_deletion *note = &r->header->groups_domain.deletion;
	uint32_t to;

	note_deletion(r);
	to = note->to;
	if (how_far >= 1)
		r->mappings[0].group = to;
	if (how_far == 2) {
		reeve__sessions_lock(r);
		reeve__put(&r->sessions[0].group, to); /* neither counts nor task yet */
	}
	if (how_far == 3) { /* all done but for the note */
		reeve__group_deletion_resume_locked(r);
		reeve__put(&note->active, 1);
	}
}

static void a_death_in_the_middle_of_a_deletion_is_followed_by_its_end(void **state)
{
	(void)state;

	for (int how_far = 0; how_far <= 3; how_far++) {
		struct core_host h;
		struct reeve_options o;
		struct core d;
		struct reeve_session *s[3];
		struct reeve_user_mapping m;
		struct reeve_rule_info r;
		int status;

		core_host_init(&h);
		core_small_options(&o);
		o.host = &h.host;
		assert_ok(reeve_open(&o, &d.r, E));
		assert_true(core_group(d.r, "from", 0) == 100 && core_group(d.r, "to", 0) == 101);
		for (int i = 0; i < 3; i++)
			s[i] = core_session(d.r, 100);
		assert_ok(reeve_user_map(d.r, 5, "ada", (reeve_group_id){100}, true, E));
		uint64_t rule = rule_to(&d, 100);
		core_directive(d.r, 2, 100, &shares);
		assert_ok(reeve_query_begin(s[0], NULL, E));
		pid_t child = fork();
		if (child == 0) {
			delete_some(d.r, how_far);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_fails(
			reeve_group_destroy(d.r, (reeve_group_id){100}, (reeve_group_id){0}, E),
			REEVE_ENOT_FOUND, "consumer group 100");
		for (int i = 0; i < 3; i++)
			assert_true(core_info(d.r, s[i]).group.v == 101);
		assert_int_equal(core_group_info(d.r, 101).current_sessions, 3);
		assert_ok(reeve_user_get(d.r, 5, &m, E));
		assert_true(m.group.v == 101);
		assert_ok(reeve_rule_get(d.r, (reeve_rule_id){rule}, &r, E));
		assert_true(r.target.v == 101);
		assert_clean(d.r);
		reeve_query_end(s[0], NULL);
		assert_true(core_group_stats(d.r, 101).queries == 1);
		reeve_close(d.r);
	}
}

/* ---- against a model ---- */

enum { GROUPS = 12, SESSIONS = 20, USERS = 10, RULES = 10 };
struct model {
	uint64_t group[GROUPS]; /* ids; 0: none */
	struct reeve_session *s[SESSIONS];
	uint64_t session[SESSIONS]; /* groups */
	uint64_t user[USERS];	    /* groups; 0: not mapped */
	uint64_t rule[RULES], rule_group[RULES];
	uint32_t names;
};

static uint64_t any_group(struct model *m, struct sim_random *random)
{
	uint64_t id = m->group[core_below(random, GROUPS)];

	return id ? id : 1 + core_below(random, 4);
}

static void delete_one(struct core *c, struct model *m, struct sim_random *random)
{
	uint64_t *id = &m->group[core_below(random, GROUPS)], used = 0;
	uint64_t to = core_below(random, 2) ? any_group(m, random) : 0;

	if (*id == 0) {
		char name[32];
		snprintf(name, sizeof(name), "group %u", m->names++);
		*id = core_group(c->r, name, 0);
		return;
	}
	for (int i = 0; i < SESSIONS; i++)
		used += m->s[i] && m->session[i] == *id;
	for (int i = 0; i < USERS; i++)
		used += m->user[i] == *id;
	for (int i = 0; i < RULES; i++)
		used += m->rule[i] && m->rule_group[i] == *id;
	if (to == *id) {
		assert_fails(destroy(c, *id, to), REEVE_EINVALID_ARGUMENT, "moveTo");
		return;
	}
	if (!to && used) {
		assert_fails(destroy(c, *id, 0), REEVE_ECONFLICT, "is referred to by");
		return;
	}
	assert_ok(destroy(c, *id, to));
	for (int i = 0; i < SESSIONS; i++)
		if (m->session[i] == *id)
			m->session[i] = to;
	for (int i = 0; i < USERS; i++)
		if (m->user[i] == *id)
			m->user[i] = to;
	for (int i = 0; i < RULES; i++)
		if (m->rule_group[i] == *id)
			m->rule_group[i] = to;
	*id = 0;
}

static void change_one(struct core *c, struct model *m, struct sim_random *random)
{
	uint64_t i = core_below(random, SESSIONS), u = core_below(random, USERS);
	uint64_t k = core_below(random, RULES), g = any_group(m, random);

	switch (core_below(random, 3)) {
	case 0:
		if (m->s[i]) {
			reeve_session_destroy(m->s[i]);
			m->s[i] = NULL;
			m->session[i] = 0;
		} else {
			m->s[i] = core_session(c->r, g);
			m->session[i] = g;
		}
		break;
	case 1:
		if (m->user[u] && core_below(random, 2)) {
			assert_ok(reeve_user_unmap(c->r, u + 1, E));
			m->user[u] = 0;
		} else {
			assert_ok(reeve_user_map(c->r, u + 1, "u", (reeve_group_id){g}, true, E));
			m->user[u] = g;
		}
		break;
	default:
		if (m->rule[k]) {
			assert_ok(reeve_rule_destroy(c->r, (reeve_rule_id){m->rule[k]}, E));
			m->rule[k] = m->rule_group[k] = 0;
		} else {
			m->rule[k] = rule_to(c, g);
			m->rule_group[k] = g;
		}
	}
}

static void compare(struct core *c, const struct model *m)
{
	for (int i = 0; i < SESSIONS; i++)
		if (m->s[i])
			assert_true(core_info(c->r, m->s[i]).group.v == m->session[i]);
	for (uint64_t i = 0; i < USERS; i++) {
		struct reeve_user_mapping mapping;
		if (m->user[i] && reeve_user_get(c->r, i + 1, &mapping, NULL) == 0)
			assert_true(mapping.group.v == m->user[i]);
	}
	for (int i = 0; i < RULES; i++) {
		struct reeve_rule_info info;
		if (!m->rule[i])
			continue;
		assert_ok(reeve_rule_get(c->r, (reeve_rule_id){m->rule[i]}, &info, E));
		assert_true(info.target.v == m->rule_group[i]);
	}
}

static void random_deletions_move_what_a_model_says(void **state)
{
	struct core *c = *state;
	static struct model m;
	struct sim_random random;

	memset(&m, 0, sizeof(m));
	sim_random_init(&random, core_seed("deletions"), 0);
	for (uint64_t i = 0; i < core_steps(5000); i++) {
		if (core_below(&random, 4) == 0)
			delete_one(c, &m, &random);
		else
			change_one(c, &m, &random);
		if (i % 50 == 0)
			compare(c, &m);
		if (i % 500 == 0)
			assert_clean(c->r);
	}
	for (int i = 0; i < SESSIONS; i++)
		reeve_session_destroy(m.s[i]);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(an_unused_group_goes_and_its_name_and_slot_are_free),
		with_core(system_and_default_groups_stay),
		with_core(plans_06_a_group_that_is_referred_to_is_not_deleted_without_a_target),
		with_core(everything_moves_to_the_target),
		with_core(memory_moves_with_its_sessions),
		with_core(work_of_outside_engines_moves),
		with_core(plans_03_the_memory_limit_of_a_group_holds),
		with_core(the_targets_own_registration_stands),
		with_core(a_target_without_room_refuses_and_nothing_moves),
		with_core(who_waits_goes_on_waiting_in_the_target),
		with_core(a_full_table_of_groups_has_room_once_one_is_deleted),
		with_core(a_death_in_the_middle_of_a_deletion_is_followed_by_its_end),
		with_core(random_deletions_move_what_a_model_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
