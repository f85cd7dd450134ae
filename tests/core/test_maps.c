/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same segment at two addresses in one process, and in children: nothing in it may depend on
 * where it lies. Both sides validate clean, and see what the other did.
 */
#include "core.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/segment/segment.h"

struct twin {
	struct core_host h;
	struct reeve *a, *b;
	char path[300];
};

static int setup(void **state)
{
	struct twin *t = calloc(1, sizeof(*t));
	struct reeve_options o;

	core_host_init(&t->h);
	core_path(t->path, sizeof(t->path), "maps");
	core_small_options(&o);
	o.path = t->path;
	o.host = &t->h.host;
	assert_ok(reeve_open(&o, &t->a, E));
	assert_ok(reeve_open(&o, &t->b, E));
	assert_ptr_not_equal(t->a->base, t->b->base);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct twin *t = *state;

	assert_clean(t->a);
	assert_clean(t->b);
	reeve_close(t->a);
	assert_clean(t->b);
	reeve_close(t->b);
	core_path_remove();
	free(t);
	return 0;
}

static void definitions_are_seen_on_both_sides(void **state)
{
	struct twin *t = *state;
	reeve_group_id found = {0};

	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "group %d", i);
		uint64_t id = core_group(i % 2 ? t->a : t->b, name, 1);
		assert_true(reeve_group_find(i % 2 ? t->b : t->a, name, &found));
		assert_true(found.v == id);
	}
	assert_ok(reeve_plan_activate(t->a, (reeve_plan_id){3}, E));
	assert_true(reeve_plan_active(t->b).v == 3);
	assert_int_equal(core_group_stats(t->b, 2).shares, 300);
}

/* Queues linked on one side are followed on the other. */
static void pull_queues_are_worked_from_both_sides(void **state)
{
	struct twin *t = *state;
	struct reeve_task_info info;
	reeve_task_id id;

	for (uint32_t i = 0; i < 100; i++)
		assert_ok(reeve_task_create(
			i % 2 ? t->a : t->b, i, (reeve_group_id){1 + i % 4}, i % 8, &id, E));
	for (uint32_t i = 0; i < 300; i++) {
		assert_ok(reeve_task_next(i % 2 ? t->a : t->b, &info, E));
		assert_ok(reeve_task_yield(i % 3 ? t->a : t->b, info.id, 1000, E));
	}
	assert_clean(t->a);
	for (uint32_t i = 0; i < 100; i++) {
		assert_ok(reeve_task_next(i % 2 ? t->b : t->a, &info, E));
		assert_ok(reeve_task_complete(i % 3 ? t->b : t->a, info.id, 1000, E));
	}
	assert_int_equal(core_segment(t->a).tasks, 0);
}

struct meeting {
	struct twin *t;
	struct reeve_session *runs;
	uint32_t calls;
};

static void end_the_other(struct core_host *h, void *arg)
{
	struct meeting *m = arg;

	(void)h;
	if (m->calls++ == 0)
		reeve_query_end(m->runs, NULL);
}

static void a_slot_is_handed_from_one_side_to_the_other(void **state)
{
	struct twin *t = *state;
	struct reeve_session *a = core_session(t->a, 3), *b = core_session(t->b, 3);
	struct meeting m = {t, a, 0};

	t->h.arg = &m;
	t->h.on_wait = end_the_other;
	for (int i = 0; i < 50; i++) {
		struct reeve_session *waits = i % 2 ? a : b;
		m.runs = i % 2 ? b : a;
		m.calls = 0;
		assert_ok(reeve_query_begin(m.runs, NULL, E));
		core_work(&t->h, REEVE_MSEC);
		assert_ok(reeve_query_begin(waits, NULL, E));
		core_work(&t->h, REEVE_MSEC);
		reeve_query_end(waits, NULL);
		reeve_query_end(m.runs, NULL);
	}
	t->h.on_wait = NULL;
	assert_true(core_group_stats(t->b, 3).queries == 100);
	assert_ok(reeve_session_switch(t->a, reeve_session_id_of(b), (reeve_group_id){2}, 1, E));
	assert_true(core_info(t->b, b).group.v == 2);
	assert_ok(reeve_session_kill(t->b, reeve_session_id_of(a), E));
	assert_fails(reeve_query_begin(a, NULL, E), REEVE_EKILLED, "");
	reeve_session_destroy(a);
	reeve_session_destroy(b);
}

/* No address of either mapping, nor of a library or stack, may be found in the segment's slots. */
static void no_pointer_is_in_the_segment(void **state)
{
	struct twin *t = *state;
	struct reeve_session *a = core_session(t->a, 3);
	const struct reeve_sh_header *h = t->a->header;
	int stack;

	assert_ok(reeve_query_begin(a, NULL, E));
	core_group(t->b, "g", 1);
	const uintptr_t bad[] = {(uintptr_t)t->a->base, (uintptr_t)t->b->base, (uintptr_t)&stack,
		(uintptr_t)a, (uintptr_t)&core_err};
	for (uint64_t at = h->attachments.slots; at < h->size; at += 8) {
		uint64_t word;
		memcpy(&word, t->a->base + at, 8);
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			assert_true(word == 0 || word >> 20 != (uint64_t)bad[i] >> 20);
	}
	reeve_session_destroy(a);
}

/* What one child does to a segment it opens, or that it attaches to. */
static int child_work(struct reeve *r, uint64_t n)
{
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_group_def gd = REEVE_GROUP_DEF_INIT;
	struct reeve_error err;
	reeve_group_id g;
	char name[32];

	snprintf(name, sizeof(name), "of child %d", (int)n);
	gd.name = name;
	gd.cpu_allocation_pct = 5;
	if (reeve_group_create(r, &gd, &g, &err))
		return 1;
	sd.username = "ada";
	sd.group = g;
	for (int i = 0; i < 200; i++) {
		struct reeve_session *s;
		if (reeve_session_create(r, &sd, &s, &err) || reeve_query_begin(s, NULL, &err))
			return 2;
		for (int k = 0; k < 20; k++)
			if (reeve_checkpoint(s))
				return 3;
		reeve_query_end(s, NULL);
		reeve_session_destroy(s);
	}
	return reeve_validate(r, NULL, NULL) ? 4 : 0;
}

static void finish_children(struct reeve *r, pid_t *children)
{
	int status;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_clean(r);
	assert_int_equal(core_segment(r).groups, 8);
	assert_int_equal(core_segment(r).attachments, 1);
	for (uint64_t g = 100; g < 104; g++)
		assert_true(core_group_stats(r, g).queries == 200);
}

static void children_share_a_file(void **state)
{
	(void)state;
	struct reeve_options o;
	struct reeve *r = NULL;
	pid_t children[4];
	char path[300];

	core_path(path, sizeof(path), "shared");
	core_small_options(&o);
	o.path = path;
	assert_ok(reeve_open(&o, &r, E));
	for (uint64_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct reeve *own;
			struct reeve_error err;
			/* something in the way, so that it lies elsewhere than in the parent */
			if (mmap(NULL, (i + 1) << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				    0) == MAP_FAILED ||
				reeve_open(&o, &own, &err))
				_exit(10);
			int rc = child_work(own, i);
			reeve_close(own);
			_exit(rc);
		}
	}
	finish_children(r, children);
	reeve_close(r);
	core_path_remove();
}

static void children_share_anonymous_memory(void **state)
{
	(void)state;
	struct reeve *r = core_open(NULL, 2);
	pid_t children[4];

	for (uint64_t i = 0; i < 4; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct reeve *own;
			struct reeve_error err;
			if (reeve_attach(r, &own, &err))
				_exit(10);
			int rc = child_work(own, i);
			reeve_close(own);
			_exit(rc);
		}
	}
	finish_children(r, children);
	reeve_close(r);
}

/* Sessions of the parent go on in the parent, whatever children do. */
static void a_statement_of_the_parent_lives_through_a_fork(void **state)
{
	(void)state;
	struct reeve *r = core_open(NULL, 2);
	struct reeve_session *s = core_session(r, 3);
	int status;

	assert_ok(reeve_query_begin(s, NULL, E));
	pid_t child = fork();
	if (child == 0) {
		struct reeve *own;
		struct reeve_error err;
		if (reeve_attach(r, &own, &err))
			_exit(10);
		int rc = child_work(own, 7);
		reeve_close(own);
		_exit(rc);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_ok(reeve_checkpoint(s));
	assert_int_equal(core_info(r, s).state, REEVE_SESSION_ACTIVE);
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	assert_clean(r);
	reeve_close(r);
}

#define with_twin(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_twin(definitions_are_seen_on_both_sides),
		with_twin(pull_queues_are_worked_from_both_sides),
		with_twin(a_slot_is_handed_from_one_side_to_the_other),
		with_twin(no_pointer_is_in_the_segment),
		cmocka_unit_test(children_share_a_file),
		cmocka_unit_test(children_share_anonymous_memory),
		cmocka_unit_test(a_statement_of_the_parent_lives_through_a_fork),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
