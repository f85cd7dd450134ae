/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on the memory domain through the public API, against a model that is arrays and
 * sums by hand. Limits are small, so that refusals are ordinary. Whether something is admitted is
 * judged exactly: the model knows what everybody uses, and credit is called back before a refusal.
 * Episodes begin short, so that what fails first is small.
 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t episode_number, step_number;

#define must(condition, ...)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error(                                                               \
				"episode %llu, step %llu: ", (unsigned long long)episode_number,   \
				(unsigned long long)step_number);                                  \
			print_error(__VA_ARGS__);                                                  \
			fail();                                                                    \
		}                                                                                  \
	} while (0)

#define POOLS	    5u
#define SESSIONS    6u /* of ours; as many more are an outside engine's */
#define ALLOCATIONS 40u
#define GROUPS	    5u /* ids 1 to 4 */
#define KINDS	    2u
#define NONE	    UINT64_MAX

static const uint32_t parent_of[POOLS] = {POOLS, 0, 0, 0, POOLS};

struct model_session {
	struct reeve_session *s; /* NULL: not there, or an outside engine's */
	uint64_t id;		 /* 0: not there */
	uint64_t group;
	bool has_quota;
	uint64_t max[KINDS], used[KINDS], hand[KINDS], owned, peak;
};

struct model {
	struct core_host h;
	struct reeve *r;
	uint64_t limit, high, critical, max[POOLS];
	uint64_t group_max[GROUPS], session_max[GROUPS];
	struct model_session sessions[2 * SESSIONS];
	struct {
		uint64_t id, bytes;
		uint32_t pool, session; /* 2 * SESSIONS: none */
	} allocations[ALLOCATIONS];
	uint64_t made, freed;
};

/* ---- what the model says ---- */

static uint64_t pool_used(const struct model *m, uint32_t pool)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < ALLOCATIONS; i++)
		for (uint32_t p = m->allocations[i].pool; m->allocations[i].id && p < POOLS;
			p = parent_of[p])
			sum += p == pool ? m->allocations[i].bytes : 0;
	for (uint32_t i = 0; pool == 4 && i < 2 * SESSIONS; i++)
		for (uint32_t k = 0; k < KINDS; k++)
			sum += m->sessions[i].used[k] + m->sessions[i].hand[k];
	return sum;
}

static uint64_t group_used(const struct model *m, uint64_t group)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 2 * SESSIONS; i++)
		if (m->sessions[i].id && m->sessions[i].group == group) {
			const struct model_session *s = &m->sessions[i];
			sum += s->used[0] + s->used[1] + s->hand[0] + s->hand[1] + s->owned;
		}
	return sum;
}

static bool fits(uint64_t used, uint64_t bytes, uint64_t limit)
{
	return used <= limit && bytes <= limit - used;
}

static bool pools_admit(const struct model *m, uint32_t pool, uint64_t bytes, bool is_system)
{
	uint64_t all = pool_used(m, 0) + pool_used(m, 4);

	for (uint32_t p = pool; p < POOLS; p = parent_of[p])
		if (!fits(pool_used(m, p), bytes, m->max[p]))
			return false;
	return fits(all, bytes, m->limit) &&
	       (is_system || (fits(all, bytes, m->critical) && all < m->critical));
}

static bool quota_admits(
	const struct model *m, const struct model_session *s, uint32_t kind, uint64_t bytes)
{
	uint64_t used = s->used[kind] + s->hand[kind] + (kind == 0 ? s->owned : 0);
	uint64_t max = s->max[kind];

	if (kind == 0 && m->session_max[s->group] < max)
		max = m->session_max[s->group];
	if (kind == 1 && s->group != REEVE_SYS_GROUP &&
		pool_used(m, 0) + pool_used(m, 4) >= m->high)
		max /= 4;
	return fits(used, bytes, max) &&
	       fits(group_used(m, s->group), bytes, m->group_max[s->group]);
}

static void give_quota(const struct model *m, struct model_session *s)
{
	if (s->has_quota)
		return;
	s->has_quota = true;
	s->max[0] = m->session_max[s->group] != NONE ? m->session_max[s->group]
						     : REEVE_MEMORY_PGA_DEFAULT;
	s->max[1] = s->max[0] / 4;
}

static void note_peak(struct model_session *s)
{
	uint64_t all = s->used[0] + s->used[1] + s->hand[0] + s->hand[1] + s->owned;

	if (all > s->peak)
		s->peak = all;
}

/* A session has ended: its allocations are gone. */
static void forget_session(struct model *m, uint32_t i)
{
	for (uint32_t a = 0; a < ALLOCATIONS; a++)
		if (m->allocations[a].id && m->allocations[a].session == i) {
			m->allocations[a].id = 0;
			m->freed++;
		}
	memset(&m->sessions[i], 0, sizeof(m->sessions[i]));
}

/* ---- steps ---- */

static uint64_t some_bytes(struct sim_random *random)
{
	static const uint64_t most[] = {16, 4096, 100000, 1000000};

	return 1 + core_below(random, most[core_below(random, 4)]);
}

/* As much as some limit has left, or a byte more; else anything. */
static uint64_t telling_bytes(const struct model *m, struct sim_random *random,
	const struct model_session *s, uint32_t kind, uint32_t pool)
{
	uint64_t used[4] = {pool_used(m, pool), pool_used(m, 0) + pool_used(m, 4)};
	uint64_t limit[4] = {m->max[pool], m->critical, NONE, NONE}, which = core_below(random, 8);

	if (s && s->has_quota) {
		used[2] = s->used[kind] + s->hand[kind] + (kind == 0 ? s->owned : 0);
		limit[2] = s->max[kind];
		used[3] = group_used(m, s->group);
		limit[3] = m->group_max[s->group];
	}
	if (which > 3 || limit[which] == NONE || limit[which] <= used[which])
		return some_bytes(random);
	return limit[which] - used[which] + core_below(random, 2);
}

static void expect(const struct model *m, int rc, bool admitted, const char *what, uint64_t bytes)
{
	(void)m;
	must((rc == 0) == admitted, "%s of %llu bytes: %d (%s), the model says %s\n", what,
		(unsigned long long)bytes, rc, rc ? core_err.text : "", admitted ? "yes" : "no");
	must(rc == 0 || rc == REEVE_ERESOURCE_EXHAUSTED, "%s: %d %s\n", what, rc, core_err.text);
}

static void step_session(struct model *m, struct sim_random *random, uint32_t i)
{
	struct model_session *s = &m->sessions[i];
	reeve_group_id g = {1 + core_below(random, GROUPS - 1)};

	if (s->id == 0 && i < SESSIONS) {
		s->s = core_session(m->r, g.v);
		s->id = reeve_session_id_of(s->s).v;
		s->group = g.v;
		for (uint32_t k = 0; k < 2 * SESSIONS; k++)
			must(k == i || m->sessions[k].id != s->id, "id %llu is handed out twice\n",
				(unsigned long long)s->id);
	} else if (s->id == 0) {
		/* The very id that would be handed out next, often. */
		struct reeve_session *probe = core_session(m->r, 1);
		s->id = reeve_session_id_of(probe).v + 1 + core_below(random, 3);
		reeve_session_destroy(probe);
		for (uint32_t k = 0; k < 2 * SESSIONS; k++)
			if (k != i && m->sessions[k].id == s->id)
				s->id = 0;
		if (s->id == 0)
			return;
		s->group = g.v;
		give_quota(m, s);
		assert_ok(reeve_memory_quota_set(
			m->r, (reeve_session_id){s->id}, g, REEVE_UNLIMITED, REEVE_UNLIMITED, E));
	} else if (core_below(random, 3) && s->s) {
		uint64_t all = s->used[0] + s->used[1] + s->hand[0] + s->hand[1] + s->owned;
		bool admitted = g.v == s->group ||
				fits(group_used(m, g.v), all, m->group_max[g.v]) || !s->has_quota;
		int rc = reeve_session_switch(m->r, (reeve_session_id){s->id}, g, 1, E);
		expect(m, rc, admitted, "switch", all);
		if (rc == 0)
			s->group = g.v;
	} else if (s->s) {
		if (core_below(random, 2))
			assert_ok(reeve_session_kill(m->r, (reeve_session_id){s->id}, E));
		reeve_session_destroy(s->s);
		forget_session(m, i);
	} else {
		assert_ok(reeve_memory_quota_remove(m->r, (reeve_session_id){s->id}, E));
		forget_session(m, i);
	}
}

static void step_charge(struct model *m, struct sim_random *random, uint32_t i)
{
	struct model_session *s = &m->sessions[i];
	uint32_t kind = (uint32_t)core_below(random, KINDS);
	bool by_hand = !s->s || core_below(random, 3) == 0;
	uint64_t bytes = telling_bytes(m, random, s, kind, 4),
		 *held = by_hand ? &s->hand[kind] : &s->used[kind];
	reeve_session_id id = {s->id};

	if (s->id == 0)
		return;
	if (core_below(random, 5) < 3) {
		give_quota(m, s);
		bool admitted = quota_admits(m, s, kind, bytes) &&
				pools_admit(m, 4, bytes, s->group == REEVE_SYS_GROUP);
		int rc = by_hand ? reeve_memory_session_charge(m->r, id, kind, bytes, E)
				 : reeve_memory_charge(s->s, kind, bytes, E);
		expect(m, rc, admitted, by_hand ? "charge by id" : "charge", bytes);
		if (rc == 0)
			*held += bytes;
		note_peak(s);
		return;
	}
	if (core_below(random, 2) && *held)
		bytes = *held;
	int rc = by_hand ? reeve_memory_session_release(m->r, id, kind, bytes, E)
			 : reeve_memory_release(s->s, kind, bytes, E);
	must((rc == 0) == (bytes <= *held && s->has_quota), "release of %llu of %llu: %d\n",
		(unsigned long long)bytes, (unsigned long long)*held, rc);
	if (rc == 0)
		*held -= bytes;
}

static void step_allocate(struct model *m, struct sim_random *random)
{
	uint32_t i = (uint32_t)core_below(random, ALLOCATIONS);
	uint32_t owner = (uint32_t)core_below(random, 2 * SESSIONS + 4);
	uint32_t pool = (uint32_t)core_below(random, POOLS);
	struct model_session *s = owner < 2 * SESSIONS ? &m->sessions[owner] : NULL;
	reeve_session_id sid = {s ? s->id : 0};
	reeve_allocation_id id = {0};
	uint64_t bytes = telling_bytes(m, random, s, 0, pool);

	if (m->allocations[i].id) {
		id.v = m->allocations[i].id;
		owner = m->allocations[i].session;
		if (owner < 2 * SESSIONS)
			sid.v = m->sessions[owner].id;
		else
			sid.v = 0;
		assert_ok(reeve_memory_free(m->r, id, sid, E));
		assert_fails(reeve_memory_free(m->r, id, sid, E), REEVE_ENOT_FOUND, "allocation");
		if (m->allocations[i].pool == 4 && owner < 2 * SESSIONS)
			m->sessions[owner].owned -= m->allocations[i].bytes;
		m->allocations[i].id = 0;
		m->freed++;
		return;
	}
	if (s && s->id == 0)
		return;
	if (s)
		give_quota(m, s);
	bool admitted = (!s || pool != 4 || quota_admits(m, s, 0, bytes)) &&
			pools_admit(m, pool, bytes, s && s->group == REEVE_SYS_GROUP);
	int rc = reeve_memory_allocate(m->r, (reeve_pool_id){pool + 1}, bytes, sid, "x", &id, E);
	expect(m, rc, admitted, "allocation", bytes);
	if (rc)
		return;
	m->made++;
	m->allocations[i].id = id.v;
	m->allocations[i].bytes = bytes;
	m->allocations[i].pool = pool;
	m->allocations[i].session = s ? owner : 2 * SESSIONS;
	if (s && pool == 4) {
		s->owned += bytes;
		note_peak(s);
	}
}

static void step_limits(struct model *m, struct sim_random *random)
{
	struct model_session *s = &m->sessions[core_below(random, 2 * SESSIONS)];
	uint64_t g = 1 + core_below(random, GROUPS - 1);

	switch (core_below(random, 4)) {
	case 0:
		m->group_max[g] = core_below(random, 3) ? some_bytes(random) * 2 : NONE;
		m->session_max[g] = core_below(random, 3) ? some_bytes(random) * 2 : NONE;
		assert_ok(reeve_memory_group_register(
			m->r, (reeve_group_id){g}, m->group_max[g], m->session_max[g], E));
		break;
	case 1:
		assert_ok(reeve_plan_activate(m->r, (reeve_plan_id){1 + core_below(random, 4)}, E));
		for (uint32_t i = 0; i < GROUPS; i++)
			m->group_max[i] = m->session_max[i] = NONE;
		break;
	case 2:
		if (s->s)
			reeve_query_end(s->s, NULL);
		assert_ok(reeve_tick(m->r, NULL, E));
		break;
	default:
		if (s->id == 0)
			return;
		uint64_t pga = some_bytes(random) * 4, work = some_bytes(random);
		int rc = reeve_memory_quota_set(
			m->r, (reeve_session_id){s->id}, (reeve_group_id){0}, pga, work, E);
		expect(m, rc, pga <= m->session_max[s->group], "quota", pga);
		if (rc == 0) {
			s->has_quota = true;
			s->max[0] = pga;
			s->max[1] = work;
		}
	}
}

static void compare(struct model *m)
{
	struct reeve_memory_stats stats;
	uint64_t used = pool_used(m, 0) + pool_used(m, 4), credit = 0;

	for (uint32_t i = 0; i < 2 * SESSIONS; i++) {
		struct model_session *s = &m->sessions[i];
		struct reeve_memory_quota_info q;
		if (!s->id || !s->has_quota)
			continue;
		assert_ok(reeve_memory_quota_get(m->r, (reeve_session_id){s->id}, &q, E));
		must(q.pga_bytes == s->used[0] + s->hand[0] + s->owned, "PGA of %llu\n",
			(unsigned long long)s->id);
		must(q.work_area_bytes == s->used[1] + s->hand[1], "work area\n");
		must(q.peak_bytes == s->peak, "peak %llu, wanted %llu\n",
			(unsigned long long)q.peak_bytes, (unsigned long long)s->peak);
		must(q.group.v == s->group && q.is_registered == (s->s != NULL), "group\n");
		credit += q.credit_bytes;
	}
	reeve_memory_stats_get(m->r, &stats);
	must(stats.used_bytes == used + credit, "%llu in use, wanted %llu and %llu of credit\n",
		(unsigned long long)stats.used_bytes, (unsigned long long)used,
		(unsigned long long)credit);
	must(stats.allocations == m->made && stats.deallocations == m->freed, "totals\n");
	assert_clean(m->r);
}

static void episode(struct sim_random *random, uint64_t size)
{
	struct model *m = calloc(1, sizeof(*m));
	struct reeve_memory_config k;
	struct reeve_options o;

	assert_non_null(m);
	core_host_init(&m->h);
	core_small_options(&o);
	o.host = &m->h.host;
	o.db_limit_bytes = 2 * 1048576;
	assert_ok(reeve_open(&o, &m->r, E));
	/* HIGH is two bytes below CRITICAL, and what the levels below do does not show here. */
	reeve_memory_config_get(m->r, &k);
	k.low_ppm = 949997;
	k.medium_ppm = 949998;
	k.high_ppm = 949999;
	k.hysteresis_ppm = 0;
	assert_ok(reeve_memory_config_set(m->r, &k, E));
	m->limit = o.db_limit_bytes;
	m->high = (m->limit * k.high_ppm + 999999) / 1000000;
	m->critical = (m->limit * 95 + 99) / 100;
	for (uint32_t i = 0; i < POOLS; i++) {
		struct reeve_pool_info info;
		assert_ok(reeve_pool_get(m->r, (reeve_pool_id){i + 1}, &info, E));
		m->max[i] = info.max_bytes;
	}
	for (uint32_t i = 0; i < GROUPS; i++)
		m->group_max[i] = m->session_max[i] = NONE;
	for (step_number = 0; step_number < size; step_number++) {
		uint64_t what = core_below(random, 20);
		uint32_t i = (uint32_t)core_below(random, 2 * SESSIONS);
		if (what < 2)
			step_session(m, random, i);
		else if (what < 10)
			step_charge(m, random, i);
		else if (what < 18)
			step_allocate(m, random);
		else
			step_limits(m, random);
		if (size < 200 || step_number % 16 == 0)
			compare(m);
	}
	compare(m);
	reeve_close(m->r);
	free(m);
}

static void memory_against_a_model(void **state)
{
	uint64_t seed = core_seed("memory"), steps = core_steps(300000), done = 0;

	(void)state;
	for (uint64_t i = 0; done < steps; i++) {
		uint64_t size = 10 * (i + 1) < 3000 ? 10 * (i + 1) : 3000;
		struct sim_random random;
		sim_random_init(&random, seed, i);
		episode_number = i;
		episode(&random, size);
		done += size;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(memory_against_a_model)};

	return cmocka_run_group_tests_name("prop_memory", tests, NULL, NULL);
}
