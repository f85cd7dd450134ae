/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on a table of slots, and on a whole segment through the public API, against
 * models that are arrays. The tables are small, so that full and empty are ordinary; the segment is
 * validated as it goes. Episodes begin short, so that what fails first is small.
 */
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/segment/segment.h"

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

static void episodes(
	const char *name, uint64_t steps, void (*episode)(struct sim_random *random, uint64_t size))
{
	uint64_t seed = core_seed(name), done = 0;

	for (uint64_t i = 0; done < core_steps(steps); i++) {
		uint64_t size = 10 * (i + 1) < 3000 ? 10 * (i + 1) : 3000;
		struct sim_random random;
		sim_random_init(&random, seed, i);
		episode_number = i;
		episode(&random, size);
		done += size;
	}
}

/* ---- a table against an array ---- */

#define SLOTS 32u

struct table_model {
	uint32_t state[SLOTS]; /* REEVE_SLOT_... */
	uint64_t id[SLOTS];
	uint32_t ended[SLOTS], ended_count; /* oldest first */
};

static void model_unend(struct table_model *m, uint32_t slot)
{
	for (uint32_t i = 0; i < m->ended_count; i++)
		if (m->ended[i] == slot) {
			memmove(&m->ended[i], &m->ended[i + 1],
				(m->ended_count - i - 1) * sizeof(m->ended[0]));
			m->ended_count--;
			return;
		}
}

static void table_claim(
	struct reeve *r, struct reeve_sh_table *t, struct table_model *m, uint64_t id, bool publish)
{
	uint32_t free_slots = 0, i = reeve__table_claim(r, t);

	for (uint32_t k = 0; k < SLOTS; k++)
		free_slots += m->state[k] == REEVE_SLOT_FREE;
	if (i == REEVE_NONE) {
		must(free_slots + m->ended_count == 0, "refused with room\n");
		return;
	}
	must(i < SLOTS, "slot %u\n", i);
	if (free_slots)
		must(m->state[i] == REEVE_SLOT_FREE, "slot %u was not free\n", i);
	else
		must(m->ended_count && m->ended[0] == i, "slot %u is not the oldest ended\n", i);
	model_unend(m, i);
	m->state[i] = REEVE_SLOT_CLAIMED;
	if (publish) {
		reeve__table_publish(r, t, i, id, NULL);
		m->state[i] = REEVE_SLOT_LIVE;
		m->id[i] = id;
	}
}

static void table_change(
	struct reeve *r, struct reeve_sh_table *t, struct table_model *m, uint64_t what, uint32_t i)
{
	switch (what) {
	case 0:
		if (m->state[i] != REEVE_SLOT_FREE) {
			reeve__table_free(r, t, i, NULL);
			model_unend(m, i);
			m->state[i] = REEVE_SLOT_FREE;
		}
		break;
	case 1:
		reeve__table_keep(r, t, i);
		if (m->state[i] == REEVE_SLOT_LIVE)
			m->state[i] = REEVE_SLOT_KEPT;
		break;
	case 2:
		reeve__table_end(r, t, i);
		if (m->state[i] == REEVE_SLOT_LIVE || m->state[i] == REEVE_SLOT_KEPT) {
			m->state[i] = REEVE_SLOT_ENDED;
			m->ended[m->ended_count++] = i;
		}
		break;
	default: /* as after a death: what was only claimed is free, ended ones lose their order */
		reeve__table_rebuild(r, t, 0);
		m->ended_count = 0;
		for (uint32_t k = SLOTS; k-- > 0;) {
			if (m->state[k] == REEVE_SLOT_CLAIMED)
				m->state[k] = REEVE_SLOT_FREE;
			if (m->state[k] == REEVE_SLOT_ENDED)
				m->ended[m->ended_count++] = k;
		}
	}
}

static void table_compare(struct reeve *r, struct reeve_sh_table *t, const struct table_model *m,
	struct sim_random *random)
{
	uint32_t slots[SLOTS], used = 0, want = 0;
	uint64_t after = core_below(random, 200), last = after;
	bool with_ended = core_below(random, 2);
	const char *fault = reeve__table_check(r, t);

	must(!fault, "%s\n", fault);
	for (uint32_t i = 0; i < SLOTS; i++) {
		bool listed = m->state[i] == REEVE_SLOT_LIVE ||
			      (with_ended && m->state[i] > REEVE_SLOT_LIVE);
		used += m->state[i] != REEVE_SLOT_FREE;
		want += listed && m->id[i] > after;
		if (m->state[i] >= REEVE_SLOT_LIVE)
			must(reeve__table_find(r, t, m->id[i]) == i, "slot %u is not found\n", i);
	}
	must(reeve__get(&t->live) == used, "%u live, wanted %u\n", reeve__get(&t->live), used);
	uint32_t n = reeve__table_list(r, t, after, with_ended, slots, SLOTS);
	must(n == want, "%u listed, wanted %u\n", n, want);
	for (uint32_t i = 0; i < n; i++) {
		must(m->id[slots[i]] > last, "listed out of order\n");
		last = m->id[slots[i]];
	}
}

static void table_episode(struct sim_random *random, uint64_t size)
{
	struct reeve *r = core_open(NULL, 1);
	struct reeve_sh_table *t = &r->header->mappings;
	struct table_model m = {0};
	uint64_t next_id = 1;

	must(t->capacity == SLOTS, "capacity\n");
	for (step_number = 0; step_number < size; step_number++) {
		uint64_t what = core_below(random, 20);
		if (what < 9)
			table_claim(r, t, &m, next_id++, what > 0);
		else
			table_change(r, t, &m, (what - 9) / 3, (uint32_t)core_below(random, SLOTS));
		if (core_below(random, 4) == 0)
			table_compare(r, t, &m, random);
	}
	reeve_close(r);
}

static void a_table_is_an_array(void **state)
{
	(void)state;
	episodes("table", 100000, table_episode);
}

/* ---- a segment against arrays ---- */

#define GROUPS	 32u
#define PLANS	 16u
#define USERS	 40u
#define SESSIONS 64u
#define TASKS	 40u

struct world {
	struct core_host h;
	struct reeve *r;
	struct sim_random *random;
	uint32_t groups, plans; /* how many there are; ids are 1-4, 100... */
	uint32_t group_name[GROUPS];
	uint64_t group_limit[GROUPS];
	uint32_t in_group[GROUPS];
	uint64_t active_plan;
	uint32_t shares[PLANS][GROUPS]; /* 0: no directive */
	uint32_t directives;
	uint32_t user_group[USERS]; /* group index + 1; 0: not mapped */
	struct reeve_session *session[SESSIONS];
	uint32_t session_group[SESSIONS], session_state[SESSIONS]; /* as looked at */
	uint32_t session_count;
	uint64_t task[TASKS];
	bool task_runs[TASKS];
	uint64_t created, terminated;
};

static uint64_t id_of(uint32_t index)
{
	return index < 4 ? index + 1 : 96 + index;
}

static uint32_t index_of(uint64_t id)
{
	return (uint32_t)(id < 100 ? id - 1 : id - 96);
}

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)core_below(w->random, n);
}

static void wants(int rc, int code, const char *what)
{
	must(rc == code, "%s returned %d (%s), wanted %d\n", what, rc, core_err.text, code);
}

static void do_group(struct world *w)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	uint32_t i = pick(w, w->groups), name = pick(w, 60), holder = GROUPS;
	reeve_group_id id = {0};
	char text[16];

	snprintf(text, sizeof(text), "group %u", name);
	def.name = text;
	for (uint32_t k = 4; k < w->groups; k++)
		if (w->group_name[k] == name)
			holder = k;
	if (pick(w, 2)) {
		int rc = reeve_group_create(w->r, &def, &id, E);
		if (holder < GROUPS) {
			wants(rc, REEVE_EALREADY_EXISTS, "group_create");
		} else if (w->groups == GROUPS) {
			wants(rc, REEVE_ERESOURCE_EXHAUSTED, "group_create");
		} else {
			wants(rc, 0, "group_create");
			must(id.v == id_of(w->groups), "id %llu\n", (unsigned long long)id.v);
			w->group_limit[w->groups] = REEVE_UNLIMITED;
			w->group_name[w->groups++] = name;
		}
		return;
	}
	def.max_sessions = pick(w, 3) ? pick(w, 8) : REEVE_UNLIMITED;
	int rc = reeve_group_update(w->r, (reeve_group_id){id_of(i)},
		REEVE_GROUP_NAME | REEVE_GROUP_MAX_SESSIONS, &def, 0, E);
	if (i < 4) {
		wants(rc, REEVE_EPERMISSION_DENIED, "group_update");
	} else if (holder < GROUPS && holder != i) {
		wants(rc, REEVE_EALREADY_EXISTS, "group_update");
	} else {
		wants(rc, 0, "group_update");
		w->group_name[i] = name;
		w->group_limit[i] = def.max_sessions;
	}
}

static void do_plan(struct world *w)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	reeve_plan_id id = {0};
	char text[16];

	if (pick(w, 4) == 0) {
		snprintf(text, sizeof(text), "plan %u", w->plans);
		def.name = text;
		int rc = reeve_plan_create(w->r, &def, &id, E);
		wants(rc, w->plans == PLANS ? REEVE_ERESOURCE_EXHAUSTED : 0, "plan_create");
		w->plans += rc == 0;
		return;
	}
	uint32_t i = pick(w, w->plans + 1);
	int rc = reeve_plan_activate(w->r, (reeve_plan_id){id_of(i)}, E);
	wants(rc, i < w->plans ? 0 : REEVE_ENOT_FOUND, "plan_activate");
	if (rc == 0)
		w->active_plan = id_of(i);
}

static void do_directive(struct world *w)
{
	struct reeve_directive_def def = {.given = REEVE_DIRECTIVE_CPU_SHARES};
	uint32_t p = pick(w, w->plans), g = pick(w, w->groups);
	struct reeve_directive_info infos[64];
	reeve_directive_id id = {0};

	def.cpu_shares = 1 + pick(w, 1000);
	if (pick(w, 3)) {
		int rc = reeve_directive_set(
			w->r, (reeve_plan_id){id_of(p)}, (reeve_group_id){id_of(g)}, &def, &id, E);
		bool full = w->shares[p][g] == 0 && w->directives == 64;
		wants(rc, full ? REEVE_ERESOURCE_EXHAUSTED : 0, "directive_set");
		if (rc == 0) {
			w->directives += w->shares[p][g] == 0;
			w->shares[p][g] = def.cpu_shares;
		}
		return;
	}
	int n = reeve_directive_copy(
		w->r, (reeve_plan_id){id_of(p)}, (reeve_directive_id){0}, infos, 64, E);
	must(n >= 0, "directive_copy: %s\n", core_err.text);
	for (int i = 0; i < n; i++)
		must(infos[i].cpu_shares == w->shares[p][index_of(infos[i].group.v)],
			"shares of plan %u\n", p);
	if (n > 0) {
		uint32_t i = pick(w, (uint32_t)n);
		wants(reeve_directive_destroy(w->r, infos[i].id, E), 0, "directive_destroy");
		w->shares[p][index_of(infos[i].group.v)] = 0;
		w->directives--;
	}
}

static void do_user(struct world *w)
{
	uint32_t u = pick(w, USERS), g = pick(w, w->groups), mapped = 0;

	for (uint32_t i = 0; i < USERS; i++)
		mapped += w->user_group[i] != 0;
	if (pick(w, 3) == 0) {
		int rc = reeve_user_unmap(w->r, u + 1, E);
		wants(rc, w->user_group[u] ? 0 : REEVE_ENOT_FOUND, "user_unmap");
		w->user_group[u] = 0;
		return;
	}
	int rc = reeve_user_map(w->r, u + 1, "ada", (reeve_group_id){id_of(g)}, true, E);
	bool full = w->user_group[u] == 0 && mapped == 32;
	wants(rc, full ? REEVE_ERESOURCE_EXHAUSTED : 0, "user_map");
	if (rc == 0)
		w->user_group[u] = g + 1;
}

static void create_session(struct world *w, uint32_t i)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	uint32_t u = pick(w, USERS), g = w->user_group[u] ? w->user_group[u] - 1 : 1;

	def.username = "ada";
	def.user_id = u + 1;
	if (pick(w, 2)) {
		g = pick(w, w->groups);
		def.group.v = id_of(g);
	}
	int rc = reeve_session_create(w->r, &def, &w->session[i], E);
	bool full = w->in_group[g] >= w->group_limit[g];
	wants(rc, full ? REEVE_ERESOURCE_EXHAUSTED : 0, "session_create");
	if (rc)
		return;
	w->session_group[i] = g;
	w->session_state[i] = REEVE_SESSION_INACTIVE;
	w->in_group[g]++;
	w->created++;
}

static void ended(struct world *w, uint32_t i)
{
	if (w->session_state[i] != REEVE_SESSION_TERMINATED) {
		w->in_group[w->session_group[i]]--;
		w->terminated++;
	}
	w->session_state[i] = REEVE_SESSION_TERMINATED;
}

static void switch_session(struct world *w, uint32_t i)
{
	uint32_t to = pick(w, w->groups), from = w->session_group[i];
	int rc = reeve_session_switch(w->r, reeve_session_id_of(w->session[i]),
		(reeve_group_id){id_of(to)}, REEVE_SWITCH_MANUAL, E);

	if (w->session_state[i] == REEVE_SESSION_TERMINATED) {
		wants(rc, REEVE_EINVALID_STATE, "switch");
	} else if (to != from && w->in_group[to] >= w->group_limit[to]) {
		wants(rc, REEVE_ERESOURCE_EXHAUSTED, "switch");
	} else {
		wants(rc, 0, "switch");
		w->in_group[from]--;
		w->in_group[to]++;
		w->session_group[i] = to;
	}
}

/* Statements: none waits for long, for a deadline ends each wait. */
static void begin_statement(struct world *w, uint32_t i)
{
	struct reeve_query_def def = {.deadline = w->h.mono + 20 * REEVE_MSEC};
	int rc = reeve_query_begin(w->session[i], &def, E);

	if (w->session_state[i] == REEVE_SESSION_TERMINATED)
		wants(rc, REEVE_EKILLED, "begin");
	else if (w->session_state[i] != REEVE_SESSION_INACTIVE)
		wants(rc, REEVE_EINVALID_STATE, "begin");
	else if (rc == 0)
		w->session_state[i] = REEVE_SESSION_ACTIVE;
	else
		wants(rc, REEVE_ETIMEOUT, "begin");
}

static void work_statement(struct world *w, uint32_t i)
{
	if (w->session_state[i] != REEVE_SESSION_ACTIVE)
		return;
	core_work(&w->h, (reeve_ns)core_below(w->random, 3000000));
	if (pick(w, 2))
		reeve_checkpoint(w->session[i]);
	if (pick(w, 3) == 0) {
		reeve_block_begin(w->session[i]);
		core_sleep(&w->h, (reeve_ns)core_below(w->random, 1000000));
		reeve_block_end(w->session[i]);
	}
}

static void do_session(struct world *w)
{
	uint32_t i = pick(w, SESSIONS);
	struct reeve_session *s = w->session[i];

	if (!s) {
		create_session(w, i);
		return;
	}
	switch (pick(w, 8)) {
	case 0:
		reeve_session_destroy(s);
		ended(w, i);
		w->session[i] = NULL;
		break;
	case 1: {
		int rc = reeve_session_kill(w->r, reeve_session_id_of(s), E);
		wants(rc,
			w->session_state[i] == REEVE_SESSION_TERMINATED ? REEVE_EINVALID_STATE : 0,
			"kill");
		if (w->session_state[i] == REEVE_SESSION_ACTIVE)
			reeve_query_end(s, NULL);
		ended(w, i);
		break;
	}
	case 2:
		switch_session(w, i);
		break;
	case 3:
		if (w->session_state[i] == REEVE_SESSION_ACTIVE)
			w->session_state[i] = REEVE_SESSION_INACTIVE;
		reeve_query_end(s, NULL);
		break;
	case 4:
		if (w->session_state[i] == REEVE_SESSION_ACTIVE)
			wants(reeve_session_cancel(w->r, reeve_session_id_of(s), E), 0, "cancel");
		break;
	case 5:
		work_statement(w, i);
		break;
	default:
		begin_statement(w, i);
	}
}

static void do_task(struct world *w)
{
	uint32_t i = pick(w, TASKS);
	struct reeve_task_info info;
	reeve_task_id id = {w->task[i]};

	if (!id.v) {
		wants(reeve_task_create(w->r, i, (reeve_group_id){id_of(pick(w, w->groups))},
			      pick(w, 8), &id, E),
			0, "task_create");
		w->task[i] = id.v;
		w->task_runs[i] = false;
	} else if (pick(w, 3) == 0) {
		wants(reeve_task_complete(w->r, id, 1000, E), 0, "task_complete");
		w->task[i] = 0;
	} else if (w->task_runs[i]) {
		wants(reeve_task_yield(w->r, id, core_below(w->random, 1000000), E), 0, "yield");
		w->task_runs[i] = false;
	} else if (reeve_task_next(w->r, &info, E) == 0) {
		must(w->task[info.query_id] == info.id.v && !w->task_runs[info.query_id],
			"task %llu was not ready\n", (unsigned long long)info.id.v);
		w->task_runs[info.query_id] = true;
	} else {
		must(false, "task %u is ready and was not picked\n", i);
	}
}

static void print_fault(void *arg, const char *fault)
{
	(void)arg;
	print_error("fault: %s\n", fault);
}

static void compare(struct world *w)
{
	struct reeve_segment_info i = core_segment(w->r);
	struct reeve_session_stats st;
	uint32_t tasks = 0, mapped = 0;

	must(reeve_validate(w->r, print_fault, NULL) == 0, "does not validate\n");
	must(i.groups == w->groups && i.plans == w->plans, "%u groups, %u plans\n", i.groups,
		i.plans);
	must(i.directives == w->directives, "%u directives\n", i.directives);
	for (uint32_t u = 0; u < USERS; u++)
		mapped += w->user_group[u] != 0;
	must(i.mappings == mapped, "%u mappings\n", i.mappings);
	for (uint32_t k = 0; k < SESSIONS; k++)
		tasks += w->session[k] != NULL;
	for (uint32_t k = 0; k < TASKS; k++)
		tasks += w->task[k] != 0;
	must(i.tasks == tasks, "%u tasks, wanted %u\n", i.tasks, tasks);
	must(reeve_plan_active(w->r).v == w->active_plan, "another plan is active\n");
	reeve_session_stats_get(w->r, &st);
	must(st.created == w->created && st.terminated == w->terminated &&
			st.current == w->created - w->terminated,
		"session counts\n");
	for (uint32_t g = 0; g < w->groups; g++) {
		struct reeve_group_info info = core_group_info(w->r, id_of(g));
		uint32_t shares = w->shares[index_of(w->active_plan)][g];
		must(info.current_sessions == w->in_group[g], "group %u has %u sessions\n", g,
			info.current_sessions);
		if (shares)
			must(core_group_stats(w->r, id_of(g)).shares == shares,
				"shares of group %u\n", g);
	}
	for (uint32_t k = 0; k < SESSIONS; k++) {
		if (!w->session[k])
			continue;
		struct reeve_session_info info = core_info(w->r, w->session[k]);
		must(info.state == w->session_state[k] ||
				(info.state == REEVE_SESSION_WAITING &&
					w->session_state[k] == REEVE_SESSION_ACTIVE),
			"session %u is in state %u, wanted %u\n", k, info.state,
			w->session_state[k]);
		must(info.group.v == id_of(w->session_group[k]), "session %u is in group %llu\n", k,
			(unsigned long long)info.group.v);
	}
}

static void world_open(struct world *w, struct sim_random *random)
{
	struct reeve_options o;

	*w = (struct world){
		.random = random, .groups = 4, .plans = 4, .active_plan = 1, .directives = 16};
	core_host_init(&w->h);
	core_small_options(&o);
	o.host = &w->h.host;
	o.cpu_slots = 1 + pick(w, 4);
	assert_ok(reeve_open(&o, &w->r, E));
	for (uint32_t g = 0; g < GROUPS; g++)
		w->group_limit[g] = REEVE_UNLIMITED;
	for (uint32_t p = 0; p < 4; p++) {
		struct reeve_directive_info d[4];
		assert_int_equal(reeve_directive_copy(w->r, (reeve_plan_id){p + 1},
					 (reeve_directive_id){0}, d, 4, E),
			4);
		for (uint32_t g = 0; g < 4; g++)
			w->shares[p][g] = d[g].cpu_shares;
	}
}

static void world_episode(struct sim_random *random, uint64_t size)
{
	static void (*const deeds[])(struct world *) = {do_group, do_plan, do_directive, do_user,
		do_session, do_session, do_session, do_session, do_session, do_task, do_task};
	static struct world w;

	world_open(&w, random);
	for (step_number = 0; step_number < size; step_number++) {
		w.h.waits = 0;
		deeds[core_below(random, sizeof(deeds) / sizeof(deeds[0]))](&w);
		if (core_below(random, 30) == 0)
			assert_ok(reeve_tick(w.r, NULL, E));
		if (core_below(random, 20) == 0)
			compare(&w);
	}
	compare(&w);
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (w.session[i])
			reeve_session_destroy(w.session[i]);
	assert_clean(w.r);
	reeve_close(w.r);
}

static void a_segment_is_its_model(void **state)
{
	(void)state;
	episodes("segment", 200000, world_episode);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_an_array),
		cmocka_unit_test(a_segment_is_its_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
