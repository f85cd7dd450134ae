/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged segments: random bytes of a segment file are changed (but for its locks, which the kernel
 * and the C library trust), then the file is opened, validated and worked with. Whatever it says, it
 * must neither crash nor hang: the host of the library is somebody's database. Each case runs in a
 * child with a time limit. REEVE_SEED and REEVE_CASE repeat one, without a child.
 */
#include "core.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/segment/segment.h"

#define LIMIT_S	     20u
#define WAITS_MAX    20000u
#define EXIT_WAITING 77

static char path[300];
static char *good;
static size_t good_size;

/* ---- the file before the damage ---- */

/* Pools, servers, executions that run, wait and are over. */
static void populate_parallel(struct reeve *r, struct reeve_session *s)
{
	struct reeve_server_pool_def pool = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_execution_info info;
	reeve_server_pool_id id;
	struct reeve_parallel h;

	pool.name = "pool";
	pool.min_servers = 3;
	pool.max_servers = 12;
	assert_ok(reeve_server_pool_create(r, &pool, &id, E));
	assert_ok(reeve_parallel_group_limit_set(r, (reeve_group_id){3}, 7, 9, E));
	def.requested_dop = 4;
	for (uint64_t i = 0; i < 9; i++) {
		def.mode = 1 + (uint32_t)i % 3;
		assert_ok(reeve_execution_request(
			r, 1000 + i, (reeve_group_id){1 + i % 4}, &def, &info, E));
	}
	assert_ok(reeve_execution_complete(r, (reeve_execution_id){2}, "failed", E));
	def.mode = REEVE_PARALLEL_ADAPTIVE;
	assert_ok(reeve_parallel_begin(s, &def, &h, E));
}

static void use_memory(struct reeve *r, struct reeve_session *a, struct reeve_session *b)
{
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_session_id ids[3] = {reeve_session_id_of(a), {0}, {900}};
	reeve_allocation_id id;
	reeve_pool_id pool;

	def.name = "extra";
	def.parent.v = 5;
	def.max_bytes = 100000;
	def.auto_tune = true;
	assert_ok(reeve_pool_create(r, &def, &pool, E));
	assert_ok(reeve_memory_quota_set(r, ids[2], (reeve_group_id){3}, 10000000, 10000000, E));
	assert_ok(reeve_memory_group_register(r, (reeve_group_id){2}, 50000000, 20000000, E));
	for (uint64_t i = 0; i < 12; i++) {
		assert_ok(reeve_memory_allocate(
			r, (reeve_pool_id){1 + i % 5}, 1000 + i, ids[i % 3], "tag", &id, E));
		assert_ok(reeve_memory_charge(i % 2 ? a : b, i % 4 < 2, 70000 + i, E));
		assert_ok(reeve_memory_session_charge(r, ids[i % 2 * 2], 0, 100, E));
	}
	for (uint64_t i = 0; i < 20000; i++)
		reeve_memory_access(r, (reeve_pool_id){2}, i * i % 9000);
}

/* Something of everything, left behind by a process that has died in the middle of work. */
static void change_rule(struct reeve *r, uint64_t i, reeve_group_id g);

static void populate(struct reeve *r)
{
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_directive_def dd = {
		.given = 0xf, .cpu_pct = 40, .cpu_shares = 7, .cpu_level = 2, .cpu_cap_pct = 30};
	struct reeve_session *s[10];
	reeve_task_id task;
	char name[16];

	for (uint64_t i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "group %d", (int)i);
		uint64_t g = core_group(r, name, (uint32_t)i * 3);
		snprintf(name, sizeof(name), "plan %d", (int)i);
		uint64_t p = core_plan(r, name, (uint32_t)i % 3);
		core_directive(r, p, g, &dd);
		core_directive(r, p, 2, &dd);
		assert_ok(reeve_user_map(r, i + 1, "ada", (reeve_group_id){g}, i % 2, E));
		assert_ok(reeve_task_create(r, i, (reeve_group_id){g}, 3, &task, E));
	}
	assert_ok(reeve_plan_activate(r, (reeve_plan_id){100}, E));
	assert_ok(reeve_cpu_group_register(r, (reeve_group_id){3}, 50, 60, E));
	sd.username = "ada";
	for (uint64_t i = 0; i < 10; i++) {
		sd.user_id = i;
		assert_ok(reeve_session_create(r, &sd, &s[i], E));
	}
	assert_ok(reeve_query_begin(s[0], NULL, E));
	assert_ok(reeve_query_begin(s[1], NULL, E));
	for (uint64_t i = 1; i < 9; i++)
		change_rule(r, i, (reeve_group_id){1 + i % 4});
	reeve_block_begin(s[1]);
	assert_ok(reeve_session_start(r, reeve_session_id_of(s[2]), E));
	use_memory(r, s[6], s[4]);
	reeve_session_destroy(s[3]);
	reeve_session_destroy(s[4]);
	assert_ok(reeve_session_kill(r, reeve_session_id_of(s[5]), E));
	populate_parallel(r, s[6]);
}

/* Another session of the dead process waited for a slot when it died. */
static void die_waiting(struct core_host *h, void *arg)
{
	(void)h;
	(void)arg;
	_exit(0);
}

static struct reeve_options options_for(struct core_host *h)
{
	struct reeve_options o;

	core_small_options(&o);
	o.path = path;
	o.cpu_slots = 2;
	o.host = &h->host;
	return o;
}

static int make_good(void **state)
{
	struct stat st;
	int status, fd;

	(void)state;
	core_path(path, sizeof(path), "damage");
	pid_t child = fork();
	if (child == 0) {
		struct core_host h;
		core_host_init(&h);
		struct reeve_options o = options_for(&h);
		struct reeve *r = NULL;
		assert_ok(reeve_open(&o, &r, E));
		populate(r);
		struct reeve_session *a = core_session(r, 2), *b = core_session(r, 2);
		assert_ok(reeve_query_begin(a, NULL, E));
		h.on_wait = die_waiting;
		(void)reeve_query_begin(b, NULL, E);
		_exit(1);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	good_size = (size_t)st.st_size;
	good = malloc(good_size);
	if (!good || read(fd, good, good_size) != st.st_size)
		return -1;
	close(fd);
	return 0;
}

static int drop_good(void **state)
{
	(void)state;
	free(good);
	core_path_remove();
	return 0;
}

/* ---- damage ---- */

struct range {
	uint64_t from, size;
};

/* Where there is something to damage: the header, and what of the tables is in use. */
static uint32_t find_ranges(struct range *ret)
{
	const struct reeve_sh_header *h = (const void *)good;
	const struct reeve_sh_table *tables[] = {&h->attachments, &h->groups, &h->mappings,
		&h->plans, &h->directives, &h->sessions, &h->tasks, &h->executions, &h->servers,
		&h->pools, &h->groups_domain.rules, &h->groups_domain.zones, &h->quotas,
		&h->allocations, &h->externals};
	const struct reeve_sh_rule_index *x = &h->groups_domain.index;
	uint32_t n = 0;

	/* The journal's row is huge and idle: its first bytes are enough. */
	ret[n++] = (struct range){0, offsetof(struct reeve_sh_header, journal) + 64};
	ret[n++] = (struct range){
		offsetof(struct reeve_sh_header, attachments), 7 * sizeof(struct reeve_sh_table)};
	ret[n++] = (struct range){offsetof(struct reeve_sh_header, cpu), sizeof(h->cpu)};
	ret[n++] = (struct range){h->cpu_slots, 2 * sizeof(struct reeve_sh_cpu_slot)};
	ret[n++] = (struct range){h->rulings, 4096};
	ret[n++] = (struct range){h->scratch, 1024};
	ret[n++] = (struct range){offsetof(struct reeve_sh_header, executions),
		sizeof(*h) - offsetof(struct reeve_sh_header, executions)};
	ret[n++] = (struct range){h->parallel + sizeof(struct reeve_sh_lock),
		sizeof(struct reeve_sh_parallel) - sizeof(struct reeve_sh_lock)};
	ret[n++] = (struct range){h->parallel_groups, 12 * sizeof(struct reeve_sh_parallel_group)};
	ret[n++] = (struct range){h->parallel_sessions, 64};
	ret[n++] = (struct range){
		offsetof(struct reeve_sh_header, groups_domain), sizeof(h->groups_domain)};
	ret[n++] = (struct range){x->order, 64};
	ret[n++] = (struct range){x->generals, 64};
	ret[n++] = (struct range){x->buckets, x->bucket_count * 4u};
	ret[n++] = (struct range){x->entry, 20 * sizeof(struct reeve_sh_rule_entry)};
	ret[n++] = (struct range){
		offsetof(struct reeve_sh_header, quotas), 3 * sizeof(struct reeve_sh_table) + 32};
	ret[n++] = (struct range){h->memory, sizeof(struct reeve_sh_memory)};
	ret[n++] = (struct range){h->memory_groups, 10 * sizeof(struct reeve_sh_memory_group)};
	ret[n++] = (struct range){h->quota_of_session, 64};
	ret[n++] = (struct range){h->samplers + REEVE_SH_SHARDS_BYTES, REEVE_SH_SHARDS_BYTES};
	for (uint32_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		uint64_t used = tables[i]->high_water + 1;
		ret[n++] = (struct range){tables[i]->slots, used * tables[i]->stride};
		ret[n++] = (struct range){tables[i]->slots, used * 32}; /* heads and what follows */
		ret[n++] = (struct range){tables[i]->buckets,
			tables[i]->bucket_count * (tables[i]->has_names ? 8u : 4u)};
	}
	return n;
}

static bool is_lock(uint64_t at)
{
	const struct reeve_sh_header *h = (const void *)good;
	const struct range locks[] = {{h->memory + offsetof(struct reeve_sh_memory, lock),
					      2 * sizeof(struct reeve_sh_lock)},
		{offsetof(struct reeve_sh_header, admin), 3 * sizeof(struct reeve_sh_lock)},
		{offsetof(struct reeve_sh_header, cpu.lock), sizeof(struct reeve_sh_lock)}};

	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		if (at + 4 > locks[i].from && at < locks[i].from + locks[i].size)
			return true;
	return false;
}

static uint32_t bad_value(struct sim_random *random, uint32_t was)
{
	switch (core_below(random, 8)) {
	case 0:
		return 0;
	case 1:
		return UINT32_MAX;
	case 2:
		return was + 1;
	case 3:
		return (uint32_t)core_below(random, 130); /* indexes that exist */
	case 4:
		return was ^ (1u << core_below(random, 32));
	case 5:
		return 0x80000000u;
	case 6:
		return was ^ (uint32_t)(0xffu << (8 * core_below(random, 4)));
	default:
		return (uint32_t)sim_random_next(random);
	}
}

static void damage(struct sim_random *random, char *bytes)
{
	struct range ranges[96];
	uint32_t n = find_ranges(ranges), hits = 1 + (uint32_t)core_below(random, 12);

	while (hits) {
		struct range at = ranges[core_below(random, n)];
		uint64_t offset = (at.from + core_below(random, at.size)) & ~UINT64_C(3);
		uint32_t word;
		if (is_lock(offset) || offset + 4 > good_size)
			continue;
		memcpy(&word, bytes + offset, 4);
		word = bad_value(random, word);
		memcpy(bytes + offset, &word, 4);
		hits--;
	}
}

/* ---- work ---- */

static void do_not_wait_for_ever(struct core_host *h, void *arg)
{
	(void)arg;
	if (h->waits > WAITS_MAX)
		_exit(EXIT_WAITING);
}

static void look_at_memory(struct reeve *r)
{
	static union {
		struct reeve_pool_info pools[40];
		struct reeve_allocation_info allocations[300];
		struct reeve_memory_quota_info quotas[80];
		struct reeve_memory_group_info groups[40];
		struct reeve_memory_recommendation advice[40];
	} u;
	uint64_t sizes[2] = {100000, 100000000};
	uint32_t ppm[2];
	struct reeve_memory_config k;
	struct reeve_memory_pressure p;
	struct reeve_memory_stats stats;
	reeve_pool_id found;

	reeve_memory_config_get(r, &k);
	reeve_memory_pressure_get(r, &p);
	reeve_memory_stats_get(r, &stats);
	reeve_pool_copy(r, (reeve_pool_id){0}, u.pools, 40);
	reeve_pool_find(r, "extra", &found);
	reeve_allocation_copy(r, (reeve_allocation_id){0}, (reeve_pool_id){0},
		(reeve_session_id){0}, u.allocations, 300);
	reeve_memory_quota_copy(r, (reeve_session_id){0}, (reeve_group_id){0}, u.quotas, 80);
	reeve_memory_group_copy(r, (reeve_group_id){0}, u.groups, 40);
	reeve_memory_tune(r, false, u.advice, 40, NULL);
	for (uint64_t i = 1; i < 102; i = i == 6 ? 100 : i + 1) {
		reeve_pool_get(r, (reeve_pool_id){i}, u.pools, NULL);
		reeve_memory_miss_ratio(r, (reeve_pool_id){i}, sizes, 2, ppm, NULL, NULL);
	}
	for (uint64_t i = 1; i < 30; i++) {
		reeve_allocation_get(r, (reeve_allocation_id){i}, u.allocations, NULL);
		reeve_memory_quota_get(r, (reeve_session_id){i}, u.quotas, NULL);
		reeve_memory_group_get(r, (reeve_group_id){i}, u.groups, NULL);
	}
}

/* Changes pools, allocates, charges and frees, by handle and by id. */
static void work_with_memory(struct reeve *r, struct sim_random *random)
{
	struct reeve_session *s = NULL;
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	struct reeve_memory_config k;
	reeve_allocation_id id;
	reeve_pool_id pool;

	sd.username = "eve";
	if (reeve_session_create(r, &sd, &s, NULL) != 0)
		s = NULL;
	def.name = "fresh";
	def.max_bytes = 5000;
	reeve_pool_create(r, &def, &pool, NULL);
	for (uint64_t i = 0; i < 40; i++) {
		reeve_session_id sid = {i % 5 ? i % 20 : 900};
		def.max_bytes = def.target_bytes = 1 + core_below(random, UINT64_C(1) << 33);
		pool.v = 1 + i % 6;
		reeve_pool_update(
			r, pool, i % 2 ? REEVE_POOL_SET_MAX : REEVE_POOL_SET_TARGET, &def, NULL);
		if (reeve_memory_allocate(
			    r, pool, 1 + core_below(random, 1000), sid, "new", &id, NULL) == 0 &&
			i % 3)
			reeve_memory_free(r, id, sid, NULL);
		reeve_memory_free(r, (reeve_allocation_id){i % 14}, sid, NULL);
		reeve_memory_session_charge(r, sid, i % 2, 100, NULL);
		reeve_memory_session_release(r, sid, i % 2, 50, NULL);
		reeve_memory_quota_set(
			r, sid, (reeve_group_id){i % 4 ? 0 : 3}, 1000000, 100000, NULL);
		reeve_memory_group_register(
			r, (reeve_group_id){1 + i % 8}, 1000000000, 1000000, NULL);
		if (s && reeve_memory_charge(s, i % 2, 30000, NULL) == 0 && i % 3)
			reeve_memory_release(s, i % 2, 30000, NULL);
		for (uint64_t n = 0; n < 50; n++)
			reeve_memory_access(r, pool, core_below(random, 9000));
	}
	reeve_memory_give_back(r, (reeve_pool_id){2}, 10, NULL);
	reeve_memory_quota_remove(r, (reeve_session_id){900}, NULL);
	reeve_pool_destroy(r, (reeve_pool_id){100}, NULL);
	reeve_memory_curve_reset(r, (reeve_pool_id){2}, NULL);
	reeve_memory_config_get(r, &k);
	k.db_limit_bytes += 5;
	reeve_memory_config_set(r, &k, NULL);
	reeve_memory_tune(r, true, NULL, 0, NULL);
	reeve_session_destroy(s);
}

static void look_at_everything(struct reeve *r)
{
	static union {
		struct reeve_group_info groups[40];
		struct reeve_user_mapping users[40];
		struct reeve_plan_info plans[40];
		struct reeve_directive_info directives[80];
		struct reeve_session_info sessions[80];
		struct reeve_task_info tasks[150];
		struct reeve_cpu_group_stats stats[40];
		struct reeve_attachment_info attachments[10];
		struct reeve_plan_message messages[10];
		struct reeve_entitlement entitlements[40];
		struct reeve_execution_info executions[80];
		struct reeve_server_info servers[80];
		struct reeve_server_pool_info pools[10];
		struct reeve_parallel_group_info parallel_groups[40];
		struct reeve_parallel_stats parallel;
		reeve_server_id ids[80];
		struct reeve_rule_info rules[140];
		struct reeve_condition_copy condition;
		struct reeve_rule_trace traces[140];
	} u;
	struct reeve_session_def who = {.username = "user 1", .program = "psql", .user_id = 3};
	struct reeve_assignment decision;
	struct reeve_cpu_stats cpu;
	struct reeve_session_stats sessions;
	reeve_group_id g;
	reeve_plan_id p;

	core_segment(r);
	reeve_attachment_copy(r, u.attachments, 10);
	reeve_group_copy(r, (reeve_group_id){0}, u.groups, 40);
	reeve_group_find(r, "group 3", &g);
	reeve_user_copy(r, 0, u.users, 40);
	reeve_plan_copy(r, (reeve_plan_id){0}, u.plans, 40);
	reeve_plan_find(r, "plan 3", &p);
	reeve_plan_active(r);
	reeve_group_exists(r, (reeve_group_id){3});
	reeve_group_default_get(r);
	reeve_rule_copy(r, 0, u.rules, 140);
	reeve_assignment_evaluate(
		r, &who, INT64_C(1700000000) * REEVE_SEC, &decision, u.traces, 140, NULL);
	for (uint64_t i = 1; i < 12; i++) {
		char text[300];
		reeve_rule_get(r, (reeve_rule_id){i}, u.rules, NULL);
		if (reeve_rule_condition_copy(r, (reeve_rule_id){i}, &u.condition, NULL) > 0)
			reeve_condition_text(&u.condition.nodes[0], text, sizeof(text), NULL);
	}
	for (uint64_t i = 1; i < 110; i = i == 4 ? 100 : i + 1) {
		p.v = g.v = i;
		reeve_group_get(r, g, u.groups, NULL);
		reeve_user_get(r, i, u.users, NULL);
		reeve_plan_get(r, p, u.plans, NULL);
		reeve_directive_copy(r, p, (reeve_directive_id){0}, u.directives, 80, NULL);
		reeve_plan_validate(r, p, u.messages, 10, NULL);
		reeve_plan_entitlements(r, p, u.entitlements, 40, NULL);
		reeve_cpu_group_stats_get(r, g, u.stats, NULL);
	}
	for (uint64_t i = 1; i < 30; i++) {
		reeve_directive_get(r, (reeve_directive_id){i}, u.directives, NULL);
		reeve_session_get(r, (reeve_session_id){i}, u.sessions, NULL);
		reeve_task_get(r, (reeve_task_id){i}, u.tasks, NULL);
	}
	reeve_session_copy(r, (reeve_session_id){0}, REEVE_SESSIONS_TERMINATED, u.sessions, 80);
	reeve_task_copy(r, (reeve_task_id){0}, u.tasks, 150);
	reeve_cpu_group_stats_copy(r, (reeve_group_id){0}, u.stats, 40);
	reeve_cpu_stats_get(r, &cpu);
	reeve_session_stats_get(r, &sessions);
	reeve_execution_copy(r, (reeve_execution_id){0}, REEVE_EXECUTIONS_ENDED, u.executions, 80);
	reeve_execution_queue_copy(r, u.executions, 80);
	reeve_server_copy(r, (reeve_server_id){0}, (reeve_server_pool_id){0}, u.servers, 80);
	reeve_server_pool_copy(r, (reeve_server_pool_id){0}, u.pools, 10);
	reeve_parallel_group_copy(r, (reeve_group_id){0}, u.parallel_groups, 40);
	reeve_parallel_stats_get(r, &u.parallel);
	for (uint64_t i = 1; i < 15; i++) {
		reeve_execution_get(r, (reeve_execution_id){i}, u.executions, NULL);
		reeve_execution_servers(r, (reeve_execution_id){i}, u.ids, 80);
		reeve_server_get(r, (reeve_server_id){i}, u.servers, NULL);
	}
	look_at_memory(r);
}

static void run_parallel(struct core_host *h, struct reeve *r, struct sim_random *random)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_server_pool_def pool = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s = NULL;
	struct reeve_execution_info info;
	struct reeve_parallel held;
	reeve_server_pool_id id = {1};

	sd.username = "bob";
	if (reeve_session_create(r, &sd, &s, NULL) != 0)
		s = NULL;
	for (uint32_t i = 0; i < 20; i++) {
		reeve_execution_id e = {1 + core_below(random, 24)};
		def.mode = (uint32_t)core_below(random, 4);
		def.requested_dop = 1 + (uint32_t)core_below(random, 9);
		def.deadline = h->mono + (reeve_ns)core_below(random, 1000000000);
		reeve_execution_request(
			r, e.v, (reeve_group_id){1 + core_below(random, 4)}, &def, &info, NULL);
		core_sleep(h, 150 * REEVE_MSEC);
		reeve_execution_progress(r, e, 1, 1, NULL);
		if (i % 3 == 0)
			reeve_execution_complete(r, e, NULL, NULL);
		if (i % 7 == 0)
			reeve_execution_cancel(r, e, NULL);
		if (s && i % 5 == 0 && reeve_parallel_begin(s, &def, &held, NULL) == 0) {
			reeve_parallel_adapt(&held);
			reeve_parallel_end(&held, NULL, NULL);
		}
		if (s && i % 6 == 0)
			reeve_session_switch(r, reeve_session_id_of(s), (reeve_group_id){1 + i % 4},
				REEVE_SWITCH_MANUAL, NULL);
		reeve_server_report(r, (reeve_server_id){e.v}, 7, i % 3, 1, 5, NULL);
		pool.min_servers = i % 6;
		pool.max_servers = 6 + i % 9;
		reeve_server_pool_update(r, id, 6, &pool, 0, NULL);
		reeve_parallel_group_limit_set(r, (reeve_group_id){1 + i % 4}, 5, 9, NULL);
		reeve_tick(r, NULL, NULL);
	}
	reeve_server_pool_destroy(r, id, NULL);
	reeve_session_destroy(s);
}

/* Conditions of every kind. */
static void change_rule(struct reeve *r, uint64_t i, reeve_group_id g)
{
	struct reeve_condition parts[] = {{.kind = REEVE_CONDITION_USERNAME, .text = "user 1"},
		{.kind = REEVE_CONDITION_PROGRAM_NAME_PATTERN, .syntax = 4, .text = "^p(s|q)*l?$"},
		{.kind = REEVE_CONDITION_MODULE_NAME_PATTERN, .syntax = 3, .text = "*a?b"},
		{.kind = REEVE_CONDITION_TIME_OF_DAY, .start_s = 9, .zone = "Europe/Berlin"},
		{.kind = REEVE_CONDITION_DAY_OF_WEEK, .days = 5, .zone = "UTC"},
		{.kind = REEVE_CONDITION_USER_ID, .user_id = 3}};
	struct reeve_condition all = {
		.kind = REEVE_CONDITION_AND + (uint32_t)(i % 2), .count = 6, .operands = parts};
	struct reeve_rule_def def = {"rule", (uint32_t)i, &all, g, i % 5 != 0};
	reeve_rule_id id;

	if (i % 3 == 0)
		def.condition = &parts[i % 6];
	reeve_rule_create(r, &def, &id, NULL);
	def.condition = &parts[(i + 1) % 6];
	reeve_rule_update(r, (reeve_rule_id){i + 1}, REEVE_RULE_ALL_FIELDS, &def, 0, NULL);
	if (i % 4 == 0)
		reeve_rule_destroy(r, (reeve_rule_id){i}, NULL);
}

static void change_definitions(struct reeve *r, struct sim_random *random)
{
	struct reeve_group_def gd = REEVE_GROUP_DEF_INIT;
	struct reeve_plan_def pd = REEVE_PLAN_DEF_INIT;
	struct reeve_directive_def dd = {
		.given = 0xf, .cpu_pct = 10, .cpu_shares = 5, .cpu_level = 1, .cpu_cap_pct = 50};
	reeve_directive_id d;
	reeve_group_id g;
	reeve_plan_id p;
	char name[16];

	for (uint64_t i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "new %d", (int)i);
		gd.name = pd.name = name;
		g.v = i < 4 ? i + 1 : 96 + i;
		p.v = g.v;
		reeve_group_update(r, g, REEVE_GROUP_ALL_FIELDS, &gd, 0, NULL);
		reeve_group_default_set(r, g, NULL);
		change_rule(r, i, g);
		reeve_plan_update(r, p, 0xf, &pd, 0, NULL);
		reeve_directive_set(r, p, g, &dd, &d, NULL);
		reeve_directive_update(r, (reeve_directive_id){i + 12}, &dd, 0, NULL);
		if (core_below(random, 3) == 0)
			reeve_directive_destroy(r, (reeve_directive_id){i + 15}, NULL);
		reeve_user_map(r, i + 4, "bob", g, true, NULL);
		reeve_user_unmap(r, i + 2, NULL);
		if (core_below(random, 3) == 0)
			reeve_plan_activate(r, p, NULL);
		reeve_cpu_group_register(r, g, 10, 70, NULL);
		reeve_cpu_group_unregister(r, g, NULL);
		snprintf(name, sizeof(name), "fresh %d", (int)i);
		reeve_group_create(r, &gd, &g, NULL);
		reeve_plan_create(r, &pd, &p, NULL);
	}
	reeve_cpu_rebalance(r, NULL);
}

static void run_statements(struct core_host *h, struct reeve *r)
{
	struct reeve_session_def sd = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s[6] = {NULL};

	sd.username = "eve";
	for (uint64_t i = 0; i < 6; i++) {
		struct reeve_query_def def = {.deadline = h->mono + 50 * REEVE_MSEC};
		sd.user_id = i;
		sd.group.v = i < 4 ? i : 0;
		if (reeve_session_create(r, &sd, &s[i], NULL) != 0)
			s[i] = NULL;
		if (!s[i] || reeve_query_begin(s[i], &def, NULL) != 0)
			continue;
		core_work(h, 3 * REEVE_MSEC);
		reeve_checkpoint(s[i]);
		reeve_block_begin(s[i]);
		reeve_block_end(s[i]);
		reeve_session_switch(
			r, reeve_session_id_of(s[i]), (reeve_group_id){1 + i % 4}, 1, NULL);
		core_work(h, 3 * REEVE_MSEC);
		reeve_checkpoint(s[i]);
		if (i % 2)
			reeve_query_end(s[i], NULL);
	}
	for (uint64_t id = 1; id < 24; id++) {
		reeve_session_id sid = {id};
		reeve_session_start(r, sid, NULL);
		reeve_session_switch(r, sid, (reeve_group_id){1 + id % 4}, 1, NULL);
		reeve_session_cancel(r, sid, NULL);
		reeve_session_complete(r, sid, NULL);
		if (id % 3 == 0)
			reeve_session_kill(r, sid, NULL);
	}
	for (int i = 0; i < 6; i++)
		reeve_session_destroy(s[i]);
}

static void run_tasks(struct reeve *r)
{
	struct reeve_task_info t;
	reeve_task_id id;

	for (uint64_t i = 0; i < 20; i++) {
		reeve_task_create(r, i, (reeve_group_id){1 + i % 4}, (uint32_t)i % 8, &id, NULL);
		if (reeve_task_next(r, &t, NULL) == 0 && i % 2)
			reeve_task_yield(r, t.id, 1000, NULL);
		reeve_task_charge(r, (reeve_task_id){i}, 400 * (uint64_t)REEVE_SEC, NULL);
		reeve_task_complete(r, (reeve_task_id){i + 5}, 1000, NULL);
	}
	reeve_cpu_detect_runaways(r, NULL, 0, NULL, NULL);
}

/* All that is done with one damaged file. */
static void run_case(uint64_t seed, uint64_t number)
{
	struct sim_random random;
	struct core_host h;
	struct reeve *r = NULL;
	char *bytes = malloc(good_size);
	int fd;

	sim_random_init(&random, seed, number);
	memcpy(bytes, good, good_size);
	damage(&random, bytes);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, good_size) != (ssize_t)good_size)
		_exit(2);
	close(fd);
	free(bytes);
	core_host_init(&h);
	h.pid = 200;
	h.on_wait = do_not_wait_for_ever;
	if (core_below(&random, 2))
		h.dead_below = 150; /* who left it behind is dead, and will be reaped */
	struct reeve_options o = options_for(&h);
	o.flags = REEVE_OPEN_EXISTING;
	if (reeve_open(&o, &r, NULL) != 0)
		return;
	reeve_validate(r, NULL, NULL);
	look_at_everything(r);
	if (core_below(&random, 2))
		reeve_tick(r, NULL, NULL);
	for (int i = 0; i < 3; i++)
		switch (core_below(&random, 4)) {
		case 0:
			change_definitions(r, &random);
			work_with_memory(r, &random);
			break;
		case 3:
			run_parallel(&h, r, &random);
			break;
		case 1:
			run_statements(&h, r);
			break;
		default:
			run_tasks(r);
		}
	reeve_tick(r, NULL, NULL);
	look_at_everything(r);
	reeve_validate(r, NULL, NULL);
	reeve_close(r);
}

static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

static bool in_child(uint64_t seed, uint64_t number)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		/* cmocka would take a crash for the end of its own test */
		for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
			signal(crashes[i], SIG_DFL);
		alarm(LIMIT_S);
		run_case(seed, number);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status == 0)
		return true;
	print_error("REEVE_SEED=%llu REEVE_CASE=%llu: ", (unsigned long long)seed,
		(unsigned long long)number);
	if (WIFSIGNALED(status))
		print_error("%s\n",
			WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
	else
		print_error("exit %d%s\n", WEXITSTATUS(status),
			WEXITSTATUS(status) == EXIT_WAITING ? ": waits for ever" : "");
	return false;
}

static void damaged_segments_neither_crash_nor_hang(void **state)
{
	const char *only = getenv("REEVE_CASE");
	uint64_t seed = core_seed("damage");
	const char *all = getenv("REEVE_TEST_ALL");
	uint64_t cases = all && strcmp(all, "1") == 0 ? 20000 : 600;

	(void)state;
	if (only) {
		run_case(seed, strtoull(only, NULL, 0));
		return;
	}
	uint32_t bad = 0;
	for (uint64_t number = 0; number < cases && bad < 10; number++)
		bad += !in_child(seed, number);
	assert_int_equal(bad, 0);
}

/* The same work on the undamaged file: nobody finds anything wrong with it. */
static void the_undamaged_segment_is_fine(void **state)
{
	struct core_host h;
	struct reeve *r = NULL;

	(void)state;
	core_host_init(&h);
	h.pid = 200;
	h.dead_below = 150;
	h.on_wait = do_not_wait_for_ever;
	struct reeve_options o = options_for(&h);
	o.flags = REEVE_OPEN_EXISTING;
	assert_ok(reeve_open(&o, &r, E));
	assert_clean(r);
	look_at_everything(r);
	assert_ok(reeve_tick(r, NULL, E));
	struct sim_random random;
	sim_random_init(&random, 1, 1);
	change_definitions(r, &random);
	work_with_memory(r, &random);
	run_statements(&h, r);
	run_tasks(r);
	run_parallel(&h, r, &random);
	look_at_everything(r);
	assert_clean(r);
	reeve_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_undamaged_segment_is_fine),
		cmocka_unit_test(damaged_segments_neither_crash_nor_hang),
	};
	return cmocka_run_group_tests(tests, make_good, drop_good);
}
