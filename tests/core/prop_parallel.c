/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests, completions, cancels, limits, pools and time against a model that is an array: it
 * knows who was granted what, and asks after each step that limits hold, that sums are sums, that
 * nobody waits who could go, and that in the end everybody went or was out of time. Episodes begin
 * short, so that what fails first is small.
 */
#include "parallel_kit.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS = 4, ASKED = 24 };

struct model {
	struct core *c;
	struct sim_random *random;
	uint64_t ids[ASKED]; /* 0: none */
	uint32_t servers_limit[GROUPS + 1], degree_limit[GROUPS + 1];
	uint32_t total;
	uint64_t pool; /* 0: none */
	uint32_t pool_max;
	uint64_t asked, completed, failed, failed_running;
};

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

static uint32_t below(struct model *m, uint32_t n)
{
	return (uint32_t)core_below(m->random, n);
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t find_free(const struct model *m)
{
	for (uint32_t i = 0; i < ASKED; i++)
		if (m->ids[i] == 0)
			return i;
	return ASKED;
}

/* ---- what must be true after each step ---- */

struct sums {
	uint32_t held, waiting, executing;
	uint32_t of_group[GROUPS + 1];
	bool anyone_old;
	struct reeve_execution_info infos[ASKED];
	uint32_t n;
};

static void take_sums(struct model *m, struct sums *s)
{
	memset(s, 0, sizeof(*s));
	for (uint32_t i = 0; i < ASKED; i++) {
		struct reeve_execution_info *e = &s->infos[s->n];
		if (m->ids[i] == 0)
			continue;
		*e = parallel_get(m->c->r, m->ids[i]);
		if (e->state == REEVE_EXECUTION_FAILED) { /* timed out in the queue */
			must(e->failure_code == REEVE_ETIMEOUT, "code %d\n", e->failure_code);
			m->ids[i] = 0;
			m->failed++;
			continue;
		}
		s->n++;
		s->held += e->held_servers;
		s->of_group[e->group.v] += e->held_servers;
		s->waiting += e->state == REEVE_EXECUTION_QUEUED;
		s->executing += e->state != REEVE_EXECUTION_QUEUED;
		if (e->state == REEVE_EXECUTION_QUEUED &&
			m->c->h.wall - e->requested_wall >= REEVE_SEC)
			s->anyone_old = true;
	}
}

static void check_one(struct model *m, const struct sums *s, const struct reeve_execution_info *e)
{
	uint64_t g = e->group.v;
	uint32_t room = s->held < m->total ? m->total - s->held : 0, own, need;

	if (e->state != REEVE_EXECUTION_QUEUED) {
		must(e->granted_dop >= 1, "runs with 0\n");
		must(e->held_servers >= (e->granted_dop > 1 ? e->granted_dop : 0),
			"may use %u, holds %u\n", e->granted_dop, e->held_servers);
		must(!e->requested_dop || e->mode == REEVE_PARALLEL_SERIAL ||
				e->granted_dop <= e->requested_dop,
			"more than asked\n");
		return;
	}
	/* Who waits could not go, unless something is kept for somebody. */
	if (s->anyone_old)
		return;
	need = least(e->target_dop, least(m->degree_limit[g], m->servers_limit[g]));
	own = m->servers_limit[g] > s->of_group[g] ? m->servers_limit[g] - s->of_group[g] : 0;
	room = least(room, m->servers_limit[g] == UINT32_MAX ? UINT32_MAX : own);
	if (m->pool)
		room = least(room, m->pool_max > parallel_stats(m->c->r).busy_servers
					   ? m->pool_max - parallel_stats(m->c->r).busy_servers
					   : 0);
	must(need > room && need > 1, "execution %llu waits for %u, and %u are there\n",
		(unsigned long long)e->id.v, need, room);
}

static void check(struct model *m)
{
	struct reeve_parallel_stats st;
	struct sums s;

	take_sums(m, &s);
	st = parallel_stats(m->c->r);
	must(st.current_total_dop == s.held, "%u held, %u counted\n", s.held, st.current_total_dop);
	must(st.queued_now == s.waiting && st.executing_now == s.executing, "%u %u, %u %u\n",
		st.queued_now, s.waiting, st.executing_now, s.executing);
	must(st.completed == m->completed && st.failed == m->failed, "%llu %llu, %llu %llu\n",
		(unsigned long long)st.completed, (unsigned long long)m->completed,
		(unsigned long long)st.failed, (unsigned long long)m->failed);
	must(st.parallel + st.serial == m->completed + s.executing + m->failed_running,
		"starts do not add up\n");
	for (uint32_t i = 0; i < s.n; i++)
		check_one(m, &s, &s.infos[i]);
}

/* ---- steps ---- */

static void ask(struct model *m)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	uint32_t i = find_free(m), most = m->pool ? least(m->pool_max, m->total) : m->total;
	struct reeve_execution_info info;
	reeve_group_id g = {1 + below(m, GROUPS)};
	int rc;

	if (i == ASKED)
		return;
	def.mode = below(m, 4);
	def.requested_dop = 1 + below(m, 10);
	def.downgrade = below(m, 3);
	def.priority = below(m, 3);
	def.estimated_cost_milli = core_below(m->random, 200000000);
	def.deadline = below(m, 3) ? REEVE_NEVER : m->c->h.mono + below(m, 3000) * REEVE_MSEC;
	core_err = (struct reeve_error){0};
	rc = reeve_execution_request(m->c->r, 1001, g, &def, &info, E);
	if (rc) {
		must(rc == REEVE_ERESOURCE_EXHAUSTED && def.mode == REEVE_PARALLEL_MANUAL &&
				def.requested_dop > most,
			"refused: %s\n", core_err.text);
		return;
	}
	must(info.id.v == ++m->asked, "id %llu\n", (unsigned long long)info.id.v);
	must(info.granted_dop <= m->degree_limit[g.v] || info.granted_dop == 1, "degree limit\n");
	must(info.granted_dop <= m->servers_limit[g.v] || info.granted_dop == 1, "server limit\n");
	m->ids[i] = info.id.v;
}

static void end_one(struct model *m)
{
	uint32_t i = below(m, ASKED);
	struct reeve_execution_info info;
	bool ran;

	if (m->ids[i] == 0)
		return;
	info = parallel_get(m->c->r, m->ids[i]);
	if (info.state == REEVE_EXECUTION_FAILED)
		return; /* noticed by the next check */
	ran = info.state != REEVE_EXECUTION_QUEUED;
	if (below(m, 5) == 0)
		assert_ok(reeve_execution_cancel(m->c->r, info.id, E));
	else if (below(m, 5) == 0)
		assert_ok(reeve_execution_complete(m->c->r, info.id, "failed", E));
	else
		parallel_complete(m->c->r, info.id.v);
	info = parallel_get(m->c->r, info.id.v);
	m->completed += info.state == REEVE_EXECUTION_COMPLETED;
	m->failed += info.state == REEVE_EXECUTION_FAILED;
	m->failed_running += ran && info.state == REEVE_EXECUTION_FAILED;
	m->ids[i] = 0;
}

static void limit(struct model *m)
{
	uint64_t g = 1 + below(m, GROUPS);
	uint32_t degree = below(m, 2) ? UINT32_MAX : below(m, 9);
	uint32_t servers = below(m, 3) ? 2 + below(m, 12) : UINT32_MAX;

	if (degree == UINT32_MAX && servers == UINT32_MAX)
		return;
	assert_ok(reeve_parallel_group_limit_set(m->c->r, (reeve_group_id){g}, degree, servers, E));
	m->degree_limit[g] = degree;
	m->servers_limit[g] = servers;
}

static void change_pool(struct model *m)
{
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id id = {m->pool};

	if (m->pool && below(m, 4) == 0) {
		int rc = reeve_server_pool_destroy(m->c->r, id, E);
		must(rc == 0 || rc == REEVE_ECONFLICT, "code %d\n", rc);
		m->pool = rc ? m->pool : 0;
		return;
	}
	def.min_servers = below(m, 5);
	def.max_servers = 5 + below(m, 12);
	def.idle_timeout_ns = 100 * REEVE_MSEC;
	if (m->pool)
		assert_ok(reeve_server_pool_update(
			m->c->r, id, REEVE_SERVER_POOL_MIN | REEVE_SERVER_POOL_MAX, &def, 0, E));
	else
		m->pool = parallel_pool(m->c->r, def.min_servers, def.max_servers);
	m->pool_max = def.max_servers;
}

static void step(struct model *m)
{
	switch (below(m, 16)) {
	case 0:
		limit(m);
		break;
	case 1:
		m->total = 10 + below(m, 8);
		parallel_total(m->c->r, m->total);
		break;
	case 2:
		change_pool(m);
		break;
	case 3:
		assert_ok(reeve_tick(m->c->r, NULL, E));
		break;
	case 4:
		core_sleep(&m->c->h, below(m, 400) * REEVE_MSEC);
		break;
	case 5:
		if (m->ids[below(m, ASKED)])
			(void)reeve_execution_progress(
				m->c->r, (reeve_execution_id){m->ids[below(m, ASKED)]}, 1, 1, NULL);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		end_one(m);
		break;
	default:
		ask(m);
	}
	check(m);
}

/* All that runs completes, until nothing is left: everybody had his turn. */
static void drain(struct model *m)
{
	for (uint32_t lap = 0; lap < 2 * ASKED; lap++) {
		core_sleep(&m->c->h, 2 * REEVE_SEC); /* who is first is old by then */
		for (uint32_t i = 0; i < ASKED; i++) {
			struct reeve_execution_info info;
			if (m->ids[i] == 0)
				continue;
			info = parallel_get(m->c->r, m->ids[i]);
			if (info.state == REEVE_EXECUTION_INITIALIZING ||
				info.state == REEVE_EXECUTION_EXECUTING) {
				parallel_complete(m->c->r, info.id.v);
				m->completed++;
				m->ids[i] = 0;
			}
		}
		check(m);
	}
	for (uint32_t i = 0; i < ASKED; i++) {
		if (m->ids[i] == 0)
			continue;
		struct reeve_execution_info e = parallel_get(m->c->r, m->ids[i]);
		must(m->pool && e.target_dop > m->pool_max, "execution %llu never went\n",
			(unsigned long long)e.id.v);
	}
}

static void episode(struct sim_random *random, uint64_t size)
{
	struct core c;
	struct model m = {.c = &c, .random = random, .total = 10};

	core_host_init(&c.h);
	c.r = core_open(&c.h.host, 1);
	parallel_total(c.r, m.total);
	parallel_cores(c.r, 8);
	for (uint32_t g = 0; g <= GROUPS; g++)
		m.servers_limit[g] = m.degree_limit[g] = UINT32_MAX;
	for (step_number = 0; step_number < size; step_number++) {
		step(&m);
		if (step_number % 16 == 0)
			assert_clean(c.r);
	}
	drain(&m);
	assert_clean(c.r);
	reeve_close(c.r);
}

static void parallel_control_against_a_model(void **state)
{
	uint64_t seed = core_seed("parallel"), steps = core_steps(60000), done = 0;

	(void)state;
	for (uint64_t i = 0; done < steps; i++) {
		uint64_t size = 10 * (i + 1) < 1000 ? 10 * (i + 1) : 1000;
		struct sim_random random;
		sim_random_init(&random, seed, i);
		episode_number = i;
		episode(&random, size);
		done += size;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parallel_control_against_a_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
