/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails in turn: the call says RESOURCE_EXHAUSTED "out of memory" (or copies
 * nothing, where it has no way to say so), leaves nothing behind, and works the next time. The
 * linker puts __wrap_calloc in the place of calloc, and does the same with aligned_alloc.
 */
#include "core.h"

#include <stdlib.h>
#include <string.h>

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool counting;
static uint32_t seen, fail_at; /* 0: none */

void *__wrap_calloc(size_t n, size_t size)
{
	if (counting && ++seen == fail_at)
		return NULL;
	return __real_calloc(n, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	if (counting && ++seen == fail_at)
		return NULL;
	return __real_aligned_alloc(alignment, size);
}

static void begin(uint32_t at)
{
	seen = 0;
	fail_at = at;
	counting = true;
}

/* Whether the allocation that was to fail came at all. */
static bool end(void)
{
	counting = false;
	return fail_at && seen >= fail_at;
}

#define NO_MEMORY REEVE_ERESOURCE_EXHAUSTED

static void opening(void **state)
{
	(void)state;
	struct reeve_options o;
	struct core_host h;
	uint32_t failed = 0;

	core_host_init(&h);
	core_small_options(&o);
	o.host = &h.host;
	for (uint32_t at = 1;; at++) {
		struct reeve *r = (void *)&h;
		begin(at);
		int rc = reeve_open(&o, &r, E);
		if (!end()) {
			assert_int_equal(rc, 0);
			reeve_close(r);
			break;
		}
		assert_int_equal(rc, NO_MEMORY);
		assert_string_equal(core_err.text, "out of memory");
		assert_ptr_equal(r, &h);
		failed++;
	}
	assert_in_range(failed, 1, 100);
}

static void attaching(void **state)
{
	struct core *c = *state;
	uint32_t failed = 0;

	for (uint32_t at = 1;; at++) {
		struct reeve *r = (void *)c;
		begin(at);
		int rc = reeve_attach(c->r, &r, E);
		if (!end()) {
			assert_int_equal(rc, 0);
			reeve_close(r);
			break;
		}
		assert_int_equal(rc, NO_MEMORY);
		assert_ptr_equal(r, c);
		assert_int_equal(core_segment(c->r).attachments, 1);
		failed++;
	}
	assert_in_range(failed, 1, 100);
}

static void creating_a_session(void **state)
{
	struct core *c = *state;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	uint32_t failed = 0;

	def.username = "ada";
	for (uint32_t at = 1;; at++) {
		struct reeve_session *s = (void *)c;
		begin(at);
		int rc = reeve_session_create(c->r, &def, &s, E);
		if (!end()) {
			assert_int_equal(rc, 0);
			assert_true(reeve_session_id_of(s).v == 1);
			reeve_session_destroy(s);
			break;
		}
		assert_int_equal(rc, NO_MEMORY);
		assert_ptr_equal(s, c);
		assert_int_equal(core_segment(c->r).sessions + core_segment(c->r).tasks, 0);
		assert_int_equal(core_group_info(c->r, 2).current_sessions, 0);
		failed++;
	}
	assert_in_range(failed, 1, 100);
}

static void statistics(void **state)
{
	struct core *c = *state;
	struct reeve_cpu_group_stats s[4], untouched;
	struct reeve_cpu_stats all;

	memset(s, 0x5a, sizeof(s));
	untouched = s[0];
	begin(1);
	int rc = reeve_cpu_group_stats_get(c->r, (reeve_group_id){2}, &s[0], E);
	if (end()) {
		assert_int_equal(rc, NO_MEMORY);
		assert_memory_equal(&s[0], &untouched, sizeof(untouched));
	}
	begin(1);
	uint32_t n = reeve_cpu_group_stats_copy(c->r, (reeve_group_id){0}, s, 4);
	assert_int_equal(n, end() ? 0 : 4);
	begin(1);
	reeve_cpu_stats_get(c->r, &all); /* must not crash */
	end();
	assert_int_equal(reeve_cpu_group_stats_copy(c->r, (reeve_group_id){0}, s, 4), 4);
}

/* Whatever else is called allocates nothing: every allocation fails, and all goes well. */
static void a_day_without_memory(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_task_info t;
	struct reeve_session_info i;
	reeve_group_id id;
	reeve_task_id task;

	def.name = "g";
	seen = 0;
	fail_at = 1;
	counting = true;
	assert_ok(reeve_query_begin(s, NULL, E));
	core_work(&c->h, REEVE_SEC);
	assert_ok(reeve_checkpoint(s));
	reeve_query_end(s, NULL);
	assert_ok(reeve_group_create(c->r, &def, &id, E));
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){2}, E));
	assert_ok(reeve_user_map(c->r, 5, "ada", id, true, E));
	assert_ok(reeve_session_switch(c->r, reeve_session_id_of(s), id, 0, E));
	assert_ok(reeve_session_get(c->r, reeve_session_id_of(s), &i, E));
	assert_ok(reeve_task_create(c->r, 1, id, 3, &task, E));
	assert_ok(reeve_task_next(c->r, &t, E));
	assert_ok(reeve_task_complete(c->r, task, 5, E));
	assert_ok(reeve_tick(c->r, NULL, E));
	reeve_session_destroy(s);
	counting = false;
	assert_int_equal(seen, 0);
	assert_int_equal(reeve_validate(c->r, NULL, NULL), 0);
}

static void a_rule_with_zones(void **state)
{
	struct core *c = *state;
	struct reeve_condition times[] = {{.kind = REEVE_CONDITION_TIME_OF_DAY, .end_s = 9},
		{.kind = REEVE_CONDITION_DAY_OF_WEEK, .days = 9, .zone = "Europe/Berlin"}};
	struct reeve_condition all = {.kind = REEVE_CONDITION_AND, .count = 2, .operands = times};
	struct reeve_rule_def def = {"r", 1, &all, {2}, true};
	uint32_t failed = 0;

	for (uint32_t at = 1;; at++) {
		reeve_rule_id id = {77};
		begin(at);
		int rc = reeve_rule_create(c->r, &def, &id, E);
		if (!end()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, NO_MEMORY);
		assert_string_equal(core_err.text, "out of memory");
		assert_true(id.v == 77 && core_segment(c->r).rules == 0);
		failed++;
	}
	assert_int_equal(failed, 3); /* the change, and a file for each zone */
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening),
		with_core(a_rule_with_zones),
		with_core(attaching),
		with_core(creating_a_session),
		with_core(statistics),
		with_core(a_day_without_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
