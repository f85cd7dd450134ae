/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every table filled to its last slot says so by its name and capacity, changes nothing else, and
 * works again once a slot is free. (Groups: see test_group_delete.c.)
 */
#include "core.h"

#include <stdio.h>
#include <string.h>

static void attachments(void **state)
{
	struct core *c = *state;
	struct reeve *r[8] = {NULL}, *more = (void *)c;

	for (int i = 0; i < 7; i++)
		assert_ok(reeve_attach(c->r, &r[i], E));
	assert_fails(reeve_attach(c->r, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of attachments is full: 8 of 8");
	assert_ptr_equal(more, c);
	assert_clean(c->r);
	reeve_close(r[3]);
	assert_ok(reeve_attach(c->r, &r[3], E));
	for (int i = 0; i < 7; i++)
		reeve_close(r[i]);
}

static void groups(void **state)
{
	struct core *c = *state;
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	reeve_group_id id = {77};
	char name[16];

	for (int i = 4; i < 32; i++) {
		snprintf(name, sizeof(name), "group %d", i);
		core_group(c->r, name, 1);
	}
	uint64_t revision = core_segment(c->r).revision;
	def.name = "one more";
	assert_fails(reeve_group_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of consumer groups is full: 32 of 32");
	assert_true(id.v == 77 && core_segment(c->r).revision == revision);
	assert_false(reeve_group_find(c->r, "one more", &id));
	struct reeve_session *s = core_session(c->r, 127); /* the last one works like the first */
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_session_destroy(s);
	assert_true(core_group_stats(c->r, 127).queries == 1);
}

static void plans(void **state)
{
	struct core *c = *state;
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {77};
	char name[16];

	for (int i = 4; i < 16; i++) {
		snprintf(name, sizeof(name), "plan %d", i);
		core_plan(c->r, name, REEVE_METHOD_SHARES);
	}
	def.name = "one more";
	assert_fails(reeve_plan_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of resource plans is full: 16 of 16");
	assert_true(id.v == 77);
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){111}, E));
}

static void directives(void **state)
{
	struct core *c = *state;
	const struct reeve_directive_def def = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 5};
	reeve_directive_id id = {77};
	char name[16];

	for (uint64_t p = 0; p < 12; p++) {
		snprintf(name, sizeof(name), "plan %d", (int)p);
		uint64_t plan = core_plan(c->r, name, REEVE_METHOD_SHARES);
		for (uint64_t g = 1; g <= 4; g++)
			core_directive(c->r, plan, g, &def);
	}
	uint64_t group = core_group(c->r, "g", 0);
	assert_fails(reeve_directive_set(
			     c->r, (reeve_plan_id){1}, (reeve_group_id){group}, &def, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "the table of plan directives is full: 64 of 64");
	assert_true(id.v == 77);
	core_directive(c->r, 1, 2, &def); /* merging takes no slot */
	assert_ok(reeve_directive_destroy(c->r, (reeve_directive_id){20}, E));
	assert_true(core_directive(c->r, 1, group, &def) == 65);
	assert_int_equal(core_group_stats(c->r, group).shares, 5);
}

static void mappings(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	for (uint64_t u = 1; u <= 32; u++)
		assert_ok(reeve_user_map(c->r, u, "ada", g, true, E));
	assert_fails(reeve_user_map(c->r, 33, "ada", g, true, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of user mappings is full: 32 of 32");
	assert_ok(reeve_user_map(c->r, 7, "bob", g, true, E)); /* replacing takes no slot */
	assert_ok(reeve_user_unmap(c->r, 7, E));
	assert_ok(reeve_user_map(c->r, 33, "ada", g, true, E));
}

static void sessions(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s[64], *more = (void *)c;
	struct reeve_session_info info;

	def.username = "ada";
	for (int i = 0; i < 64; i++)
		s[i] = core_session(c->r, 3);
	assert_fails(reeve_session_create(c->r, &def, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of sessions is full: 64 of 64");
	assert_ptr_equal(more, c);
	assert_int_equal(core_group_info(c->r, 2).current_sessions, 0);
	assert_clean(c->r);
	/* a killed session is kept for its owner's handle, and in the way until he lets go */
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s[5]), E));
	assert_fails(
		reeve_session_create(c->r, &def, &more, E), REEVE_ERESOURCE_EXHAUSTED, "sessions");
	reeve_session_destroy(s[5]);
	s[5] = core_session(c->r, 3);
	assert_true(reeve_session_id_of(s[5]).v == 65);
	assert_fails(reeve_session_get(c->r, (reeve_session_id){6}, &info, E), REEVE_ENOT_FOUND,
		"session 6");
	for (int i = 0; i < 64; i++)
		reeve_session_destroy(s[i]);
}

static void tasks(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *more = (void *)c;
	reeve_task_id ids[128], id = {77};
	reeve_group_id g = {3};

	for (int i = 0; i < 128; i++)
		assert_ok(reeve_task_create(c->r, 1, g, 3, &ids[i], E));
	assert_fails(reeve_task_create(c->r, 1, g, 3, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of tasks is full: 128 of 128");
	assert_true(id.v == 77);
	def.username = "ada";
	assert_fails(reeve_session_create(c->r, &def, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of tasks is full: 128 of 128");
	assert_ptr_equal(more, c);
	assert_int_equal(core_segment(c->r).sessions, 0);
	assert_clean(c->r);
	assert_ok(reeve_task_complete(c->r, ids[60], 0, E));
	assert_ok(reeve_task_create(c->r, 1, g, 3, &ids[60], E));
	assert_true(ids[60].v == 129);
	assert_ok(reeve_task_complete(c->r, ids[61], 0, E));
	struct reeve_session *s = core_session(c->r, 3);
	assert_ok(reeve_query_begin(s, NULL, E));
	reeve_session_destroy(s);
	for (int i = 0; i < 128; i++)
		if (i != 61)
			assert_ok(reeve_task_complete(c->r, ids[i], 0, E));
}

#define NO_SESSION ((reeve_session_id){0})

static void allocations(void **state)
{
	struct core *c = *state;
	struct reeve_memory_stats stats;
	reeve_allocation_id id = {77}, first = {0};

	for (int i = 0; i < 256; i++)
		assert_ok(reeve_memory_allocate(
			c->r, (reeve_pool_id){2}, 10, NO_SESSION, NULL, i ? &id : &first, E));
	id.v = 77;
	assert_fails(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 10, NO_SESSION, NULL, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "the table of memory allocations is full: 256 of 256");
	reeve_memory_stats_get(c->r, &stats);
	assert_true(id.v == 77 && stats.used_bytes == 2560);
	assert_true(stats.failed[REEVE_REFUSED_TABLE] == 1 && stats.allocations == 256);
	assert_ok(reeve_memory_free(c->r, first, NO_SESSION, E));
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 10, NO_SESSION, NULL, &id, E));
	assert_true(id.v == 257);
}

static void quotas(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_group_id g = {3};

	struct reeve_session *more[48];

	for (uint64_t i = 0; i < 16;
		i++) /* all that outside engines may have; ours fill the rest */
		assert_ok(reeve_memory_quota_set(
			c->r, (reeve_session_id){100 + i}, g, 1000, 1000, E));
	for (int i = 0; i < 48; i++) {
		more[i] = core_session(c->r, 3);
		assert_ok(reeve_memory_charge(more[i], REEVE_MEMORY_PGA, 1, E));
	}
	assert_fails(reeve_memory_charge(s, REEVE_MEMORY_PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of memory quotas is full: 64 of 64");
	assert_clean(c->r);
	assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){100}, E));
	assert_ok(reeve_memory_charge(s, REEVE_MEMORY_PGA, 1, E));
	for (int i = 0; i < 48; i++)
		reeve_session_destroy(more[i]);
	reeve_session_destroy(s);
}

static void external_sessions(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {3};

	for (uint64_t i = 0; i < 16; i++)
		assert_ok(reeve_memory_quota_set(c->r, (reeve_session_id){2 + i}, g, 1, 1, E));
	assert_fails(reeve_memory_quota_set(c->r, (reeve_session_id){50}, g, 1, 1, E),
		REEVE_ERESOURCE_EXHAUSTED,
		"the table of outside engines' sessions is full: 16 of 16");
	assert_int_equal(core_segment(c->r).quotas, 16);
	assert_clean(c->r);
	assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){2}, E));
	/* Its id is still not to be handed out, until the counter has passed it. */
	assert_fails(reeve_memory_quota_set(c->r, (reeve_session_id){50}, g, 1, 1, E),
		REEVE_ERESOURCE_EXHAUSTED, "outside engines");
	reeve_session_destroy(core_session(c->r, 3));
	struct reeve_session *s = core_session(c->r, 3);
	assert_true(reeve_session_id_of(s).v == 18);
	assert_ok(reeve_memory_quota_set(c->r, (reeve_session_id){50}, g, 1, 1, E));
	reeve_session_destroy(s);
}

static void pools(void **state)
{
	struct core *c = *state;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_pool_id id = {77};
	char name[16];

	def.name = name;
	def.max_bytes = 100;
	for (int i = 5; i < 32; i++) {
		snprintf(name, sizeof(name), "pool %d", i);
		assert_ok(reeve_pool_create(c->r, &def, &id, E));
	}
	assert_true(id.v == 126);
	snprintf(name, sizeof(name), "one more");
	assert_fails(reeve_pool_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of memory pools is full: 32 of 32");
	reeve_allocation_id a = {0};
	assert_ok(reeve_memory_allocate(c->r, id, 100, NO_SESSION, NULL, &a, E));
	assert_ok(reeve_pool_destroy(c->r, (reeve_pool_id){100}, E));
	assert_ok(reeve_pool_create(c->r, &def, &id, E));
	assert_true(id.v == 127);
}

/* As many statements at once as there are sessions, all but one waiting. */
struct crowd {
	struct core *c;
	struct reeve_session *s[64];
	uint32_t begun;
};

static void begin_next(struct core_host *h, void *arg)
{
	struct crowd *crowd = arg;
	struct reeve_query_def def = {.deadline = h->mono + REEVE_SEC};
	uint32_t i = crowd->begun;

	if (i < 64) {
		crowd->begun++;
		assert_fails(
			reeve_query_begin(crowd->s[i], &def, E), REEVE_ETIMEOUT, "out of time");
		return;
	}
	if (i == 64) { /* all wait */
		crowd->begun++;
		assert_int_equal(core_group_stats(crowd->c->r, 3).waiting, 63);
		assert_clean(crowd->c->r);
	}
}

static void all_sessions_wait_for_one_slot(void **state)
{
	struct core *c = *state;
	struct crowd crowd = {.c = c, .begun = 2};
	struct reeve_query_def def = {.deadline = c->h.mono + REEVE_SEC};
	struct reeve_cpu_stats st;

	for (int i = 0; i < 64; i++)
		crowd.s[i] = core_session(c->r, 3);
	assert_ok(reeve_query_begin(crowd.s[0], NULL, E));
	reeve_shield_begin(crowd.s[0]); /* not to lose its slot for being silent so long */
	c->h.arg = &crowd;
	c->h.on_wait = begin_next;
	assert_fails(reeve_query_begin(crowd.s[1], &def, E), REEVE_ETIMEOUT, "out of time");
	c->h.on_wait = NULL;
	assert_int_equal(crowd.begun, 65);
	reeve_cpu_stats_get(c->r, &st);
	assert_int_equal(st.ready, 0);
	for (int i = 0; i < 64; i++)
		reeve_session_destroy(crowd.s[i]);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(attachments),
		with_core(groups),
		with_core(plans),
		with_core(directives),
		with_core(mappings),
		with_core(sessions),
		with_core(tasks),
		with_core(all_sessions_wait_for_one_slot),
		with_core(allocations),
		with_core(quotas),
		with_core(external_sessions),
		with_core(pools),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
