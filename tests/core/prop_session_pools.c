/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on session pools against a model that is a few arrays: two groups, statements by
 * hand, pools that come, go and change, moves, boosts, cancels and kills. After each step every session
 * is in the state that the model says, and so are counts and queues.
 */
#include "core.h"

#include "../../src/policy/queue.h"

#include <stdlib.h>

enum { SESSIONS = 24, GROUPS = 2 };
enum { IDLE, ACTIVE, QUEUED };

struct member {
	struct reeve_session *s;
	uint32_t group, own, rank, state;
	uint64_t queued_ns, key, tie;
};

struct model {
	struct core *c;
	struct sim_random random;
	struct member m[SESSIONS];
	uint32_t limit[GROUPS]; /* 0: no pool */
	uint64_t tie;
};

static const uint64_t groups[GROUPS] = {REEVE_BATCH_GROUP, REEVE_MAINTENANCE_GROUP};

static uint32_t count(const struct model *w, uint32_t g, uint32_t state)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SESSIONS; i++)
		n += w->m[i].group == g && w->m[i].state == state;
	return n;
}

static bool is_before(const struct member *a, const struct member *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static uint32_t position(const struct model *w, uint32_t i)
{
	uint32_t n = 1;

	for (uint32_t k = 0; k < SESSIONS; k++)
		n += k != i && w->m[k].state == QUEUED && w->m[k].group == w->m[i].group &&
		     is_before(&w->m[k], &w->m[i]);
	return n;
}

static void insert(struct model *w, struct member *m)
{
	m->key = reeve__queue_key(m->queued_ns, m->rank);
	m->tie = w->tie++;
	m->state = QUEUED;
}

static void hand_over(struct model *w, uint32_t g)
{
	for (;;) {
		uint32_t first = SESSIONS;
		for (uint32_t i = 0; i < SESSIONS; i++)
			if (w->m[i].state == QUEUED && w->m[i].group == g &&
				(first == SESSIONS || is_before(&w->m[i], &w->m[first])))
				first = i;
		if (first == SESSIONS || (w->limit[g] && count(w, g, ACTIVE) >= w->limit[g]))
			return;
		w->m[first].state = ACTIVE;
	}
}

static void create(struct model *w, struct member *m)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;

	m->group = (uint32_t)core_below(&w->random, GROUPS);
	m->own = m->rank = 1 + (uint32_t)core_below(&w->random, 3);
	m->state = IDLE;
	def.username = "ada";
	def.group.v = groups[m->group];
	def.priority = m->own;
	assert_ok(reeve_session_create(w->c->r, &def, &m->s, E));
}

static void start(struct model *w, struct member *m)
{
	uint32_t place = 0, limit = w->limit[m->group];
	int rc = reeve_session_start_query(w->c->r, reeve_session_id_of(m->s), NULL, &place, E);

	if (m->state != IDLE) {
		assert_int_equal(rc, REEVE_EINVALID_STATE);
		return;
	}
	if (!limit || m->rank == 0 ||
		(!count(w, m->group, QUEUED) && count(w, m->group, ACTIVE) < limit)) {
		m->state = ACTIVE;
	} else {
		m->queued_ns = (uint64_t)w->c->h.mono;
		insert(w, m);
	}
	assert_int_equal(rc, m->state == QUEUED);
	assert_int_equal(place, m->state == QUEUED ? position(w, (uint32_t)(m - w->m)) : 0);
}

static void complete(struct model *w, struct member *m)
{
	int rc = reeve_session_complete(w->c->r, reeve_session_id_of(m->s), E);

	assert_int_equal(rc, m->state == ACTIVE ? 0 : REEVE_EINVALID_STATE);
	if (m->state != ACTIVE)
		return;
	m->state = IDLE;
	m->rank = m->own;
	hand_over(w, m->group);
}

static void cancel(struct model *w, struct member *m)
{
	int rc = reeve_session_cancel(w->c->r, reeve_session_id_of(m->s), E);

	assert_int_equal(rc, m->state == QUEUED ? 0 : REEVE_EINVALID_STATE);
	if (m->state != QUEUED)
		return;
	m->state = IDLE;
	m->rank = m->own;
}

static void end(struct model *w, struct member *m)
{
	if (core_below(&w->random, 2))
		assert_ok(reeve_session_kill(w->c->r, reeve_session_id_of(m->s), E));
	reeve_session_destroy(m->s);
	m->state = IDLE;
	hand_over(w, m->group);
	create(w, m);
}

static void boost(struct model *w, struct member *m)
{
	assert_ok(reeve_session_boost(w->c->r, reeve_session_id_of(m->s), NULL, E));
	if (m->rank == 0)
		return;
	m->rank--;
	if (m->state == QUEUED && m->rank == 0)
		m->state = ACTIVE;
	else if (m->state == QUEUED)
		insert(w, m);
}

static void move(struct model *w, struct member *m)
{
	uint32_t to = (uint32_t)core_below(&w->random, GROUPS), from = m->group;

	assert_ok(reeve_session_switch(w->c->r, reeve_session_id_of(m->s),
		(reeve_group_id){groups[to]}, REEVE_SWITCH_MANUAL, E));
	if (to == from)
		return;
	m->group = to;
	if (m->state == QUEUED)
		insert(w, m);
	hand_over(w, to);
	hand_over(w, from);
}

static void change(struct model *w)
{
	uint32_t g = (uint32_t)core_below(&w->random, GROUPS);
	uint32_t n = (uint32_t)core_below(&w->random, 5);
	reeve_group_id id = {groups[g]};

	if (n)
		assert_ok(reeve_session_pool_configure(w->c->r, id, n, REEVE_UNLIMITED, true, E));
	else
		assert_int_equal(reeve_session_pool_remove(w->c->r, id, E),
			w->limit[g] ? 0 : REEVE_ENOT_FOUND);
	w->limit[g] = n;
	hand_over(w, g);
}

static void compare(struct model *w)
{
	static const uint32_t states[] = {
		REEVE_SESSION_INACTIVE, REEVE_SESSION_ACTIVE, REEVE_SESSION_WAITING};
	struct reeve_session_pool_info info;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		struct reeve_session_info s = core_info(w->c->r, w->m[i].s);
		uint32_t state = s.state == REEVE_SESSION_IDLE ? REEVE_SESSION_INACTIVE : s.state;
		assert_int_equal(state, states[w->m[i].state]);
		assert_int_equal(s.priority, w->m[i].rank);
		assert_int_equal(s.queue_position, w->m[i].state == QUEUED ? position(w, i) : 0);
	}
	for (uint32_t g = 0; g < GROUPS; g++) {
		assert_ok(reeve_session_pool_get(w->c->r, (reeve_group_id){groups[g]}, &info, E));
		assert_int_equal(info.active, count(w, g, ACTIVE));
		assert_int_equal(info.queued, count(w, g, QUEUED));
		assert_int_equal(info.is_limited, w->limit[g] != 0);
	}
}

static void step(struct model *w)
{
	struct member *m = &w->m[core_below(&w->random, SESSIONS)];

	switch (core_below(&w->random, 16)) {
	case 0:
		change(w);
		break;
	case 1:
		end(w, m);
		break;
	case 2:
		boost(w, m);
		break;
	case 3:
		move(w, m);
		break;
	case 4:
		cancel(w, m);
		break;
	case 5:
		core_sleep(&w->c->h, (reeve_ns)core_below(&w->random, 8000) * REEVE_MSEC);
		break;
	case 6:
		assert_ok(reeve_tick(w->c->r, NULL, E));
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		complete(w, m);
		break;
	default:
		start(w, m);
	}
}

static void pools_do_what_the_model_does(void **state)
{
	struct model w = {.c = *state};
	uint64_t steps = core_steps(20000);

	sim_random_init(&w.random, core_seed("session pools"), 0);
	for (uint32_t i = 0; i < SESSIONS; i++)
		create(&w, &w.m[i]);
	for (uint64_t i = 0; i < steps; i++) {
		step(&w);
		compare(&w);
		if (i % 64 == 0)
			assert_clean(w.c->r);
	}
	for (uint32_t i = 0; i < SESSIONS; i++)
		reeve_session_destroy(w.m[i].s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
		pools_do_what_the_model_does, core_setup, core_teardown)};

	return cmocka_run_group_tests_name("prop_session_pools", tests, NULL, NULL);
}
