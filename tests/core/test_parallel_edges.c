/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parallel control at its edges: bad input for every public function, every table full, and text that
 * does not fit. The code is right, the text names the field and the range, outputs stay untouched.
 */
#include "parallel_kit.h"

#include <string.h>

#define INVALID REEVE_EINVALID_ARGUMENT
enum { SERIAL, MANUAL, AUTOMATIC };

static void null_arguments(void **state)
{
	struct core *c = *state;
	struct reeve *none = NULL;
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_server_pool_def pd = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_parallel h = {0};
	struct reeve_parallel_config config = {0};
	reeve_execution_id e = {1};
	reeve_server_pool_id p = {1};
	reeve_server_id v = {1};
	reeve_group_id g = {2};
	union {
		struct reeve_execution_info execution;
		struct reeve_server_pool_info pool;
		struct reeve_server_info server;
		struct reeve_parallel_group_info group;
		struct reeve_parallel_stats stats;
		struct reeve_auto_dop dop;
		char bytes[2048];
	} u, untouched;

	memset(&u, 0x5a, sizeof(u));
	untouched = u;
	assert_fails(reeve_parallel_begin(NULL, &def, &h, E), INVALID, "session is NULL");
	assert_fails(reeve_parallel_begin(s, NULL, &h, E), INVALID, "def is NULL");
	assert_fails(reeve_parallel_begin(s, &def, NULL, E), INVALID, "ret_parallel is NULL");
	assert_int_equal(reeve_parallel_dop(NULL), 0);
	assert_int_equal(reeve_parallel_dop(&h), 0);
	assert_int_equal(reeve_parallel_adapt(NULL), 0);
	assert_int_equal(reeve_parallel_adapt(&h), 0);
	reeve_parallel_progress(NULL, 1, 1);
	reeve_parallel_progress(&h, 1, 1);
	assert_fails(reeve_parallel_end(NULL, NULL, E), INVALID, "parallel is NULL");
	assert_fails(reeve_parallel_end(&h, NULL, E), INVALID, "parallel->reeve is NULL");
	assert_fails(reeve_execution_request(none, 1, g, &def, &u.execution, E), INVALID, "reeve");
	assert_fails(reeve_execution_request(c->r, 1, g, NULL, &u.execution, E), INVALID, "def");
	assert_fails(reeve_execution_request(c->r, 1, g, &def, NULL, E), INVALID, "ret_info");
	assert_fails(reeve_execution_progress(none, e, 1, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_execution_complete(none, e, NULL, E), INVALID, "reeve is NULL");
	assert_fails(reeve_execution_cancel(none, e, E), INVALID, "reeve is NULL");
	assert_fails(reeve_execution_get(none, e, &u.execution, E), INVALID, "reeve is NULL");
	assert_fails(reeve_execution_get(c->r, e, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_execution_copy(none, e, 0, &u.execution, 1), 0);
	assert_int_equal(reeve_execution_copy(c->r, e, 0, NULL, 1), 0);
	assert_int_equal(reeve_execution_queue_copy(none, &u.execution, 1), 0);
	assert_int_equal(reeve_execution_queue_copy(c->r, NULL, 1), 0);
	assert_int_equal(reeve_execution_servers(none, e, &v, 1), 0);
	assert_int_equal(reeve_execution_servers(c->r, e, NULL, 1), 0);
	assert_fails(reeve_server_pool_create(none, &pd, &p, E), INVALID, "reeve is NULL");
	assert_fails(reeve_server_pool_create(c->r, NULL, &p, E), INVALID, "def is NULL");
	assert_fails(reeve_server_pool_create(c->r, &pd, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_server_pool_update(none, p, 1, &pd, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_server_pool_update(c->r, p, 1, NULL, 0, E), INVALID, "def is NULL");
	assert_fails(reeve_server_pool_destroy(none, p, E), INVALID, "reeve is NULL");
	assert_fails(reeve_server_pool_get(none, p, &u.pool, E), INVALID, "reeve is NULL");
	assert_fails(reeve_server_pool_get(c->r, p, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_server_pool_copy(none, p, &u.pool, 1), 0);
	assert_fails(reeve_server_get(none, v, &u.server, E), INVALID, "reeve is NULL");
	assert_fails(reeve_server_get(c->r, v, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_server_copy(none, v, p, &u.server, 1), 0);
	assert_fails(reeve_server_report(none, v, 0, 0, 0, 0, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_group_limit_set(none, g, 1, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_group_limit_clear(none, g, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_group_get(none, g, &u.group, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_group_get(c->r, g, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_parallel_group_copy(none, g, &u.group, 1), 0);
	assert_fails(reeve_parallel_config_set(none, &config, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_config_set(c->r, NULL, E), INVALID, "config is NULL");
	reeve_parallel_config_get(none, &config);
	reeve_parallel_config_get(c->r, NULL);
	assert_int_equal(reeve_parallel_load_get(none), 0);
	assert_fails(reeve_parallel_load_set(none, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_parallel_auto_dop(none, g, 1, 1, 1, &u.dop, E), INVALID, "reeve");
	assert_fails(reeve_parallel_auto_dop(c->r, g, 1, 1, 1, NULL, E), INVALID, "ret is NULL");
	reeve_parallel_stats_get(none, &u.stats);
	reeve_parallel_stats_get(c->r, NULL);
	assert_memory_equal(&u, &untouched, sizeof(u));
	assert_int_equal(reeve_execution_complete(c->r, e, NULL, NULL), REEVE_ENOT_FOUND);
	reeve_session_destroy(s);
}

static void bad_request(struct core *c, const struct reeve_parallel_def *def, const char *part)
{
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_execution_info info;
	struct reeve_parallel h = {.id = 77};

	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){2}, def, &info, E), INVALID,
		part);
	assert_fails(reeve_parallel_begin(s, def, &h, E), INVALID, part);
	assert_true(h.id == 77);
	reeve_session_destroy(s);
}

static void requests_out_of_range(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(4, 1);
	struct reeve_execution_info info;

	bad_request(c, &def, "mode is 4; allowed are 0 (Serial) to 3 (Adaptive)");
	def = parallel_def(MANUAL, 0);
	bad_request(c, &def, "requestedDop is 0; allowed are 1 to 65536");
	def = parallel_def(AUTOMATIC, 65537);
	bad_request(c, &def, "requestedDop is 65537; allowed are 0 to 65536");
	def = parallel_def(AUTOMATIC, 4);
	def.min_dop = 5;
	bad_request(c, &def, "minDop is 5; allowed are 1 to 4");
	def.min_dop = 0;
	def.downgrade = 3;
	bad_request(c, &def, "downgrade is 3; allowed are 0 (by mode) to 2 (no)");
	def.downgrade = 0;
	def.priority = 101;
	bad_request(c, &def, "priority is 101; allowed are 0 to 100");
	def.priority = 0;
	def.deadline = -1;
	bad_request(c, &def, "deadline is -1; allowed are 0 up");
	def.deadline = REEVE_NEVER;
	assert_fails(reeve_execution_request(c->r, 0, (reeve_group_id){2}, &def, &info, E), INVALID,
		"sessionId is 0; allowed are 1 up");
	assert_fails(reeve_execution_request(c->r, 999, (reeve_group_id){4711}, &def, &info, E),
		REEVE_ENOT_FOUND, "consumer group 4711");
	/* a deadline that is over: it fails at once, and is not left in the queue */
	parallel_ask(c->r, 2, MANUAL, 128);
	def = parallel_def(MANUAL, 2);
	def.deadline = c->h.mono - 1;
	info = parallel_ask_def(c->r, 2, &def);
	assert_int_equal(info.state, REEVE_EXECUTION_FAILED);
	assert_int_equal(info.failure_code, REEVE_ETIMEOUT);
	assert_int_equal(parallel_stats(c->r).queued_now, 0);
}

static void failures_that_are_no_text(void **state)
{
	struct core *c = *state;
	reeve_execution_id id = parallel_ask(c->r, 2, MANUAL, 2).id;

	assert_fails(reeve_execution_complete(c->r, id, "\xff", E), INVALID, "failure");
	assert_fails(reeve_execution_complete(c->r, id, "", E), INVALID, "failure");
	assert_int_equal(parallel_get(c->r, id.v).state, REEVE_EXECUTION_EXECUTING);
}

static void bad_pool(struct core *c, const struct reeve_server_pool_def *def, const char *part)
{
	reeve_server_pool_id id = {77};
	uint64_t revision = core_segment(c->r).revision;

	assert_fails(reeve_server_pool_create(c->r, def, &id, E), INVALID, part);
	assert_true(id.v == 77 && core_segment(c->r).revision == revision);
	assert_int_equal(core_segment(c->r).server_pools, 0);
}

static void pools_out_of_range(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	char long_name[REEVE_NAME_MAX + 1];
	uint64_t groups[33] = {2, 4711};
	reeve_server_pool_id id;

	memset(long_name, 'x', REEVE_NAME_MAX);
	long_name[REEVE_NAME_MAX] = 0;
	def.max_servers = 4;
	bad_pool(c, &def, "name");
	def.name = long_name;
	bad_pool(c, &def, "name");
	def.name = "p";
	def.min_servers = 5;
	bad_pool(c, &def, "minServers is 5; allowed are 0 to 4, the maximum");
	def.min_servers = 0;
	def.max_servers = 0;
	bad_pool(c, &def, "maxServers is 0; allowed are 1 to 65536");
	def.max_servers = 65537;
	bad_pool(c, &def, "maxServers is 65537; allowed are 1 to 65536");
	def.max_servers = 4;
	def.idle_timeout_ns = REEVE_MSEC - 1;
	bad_pool(c, &def, "idleServerTimeout is 999999 ns; allowed are 1000000 (1 ms) up");
	def.idle_timeout_ns = -1;
	bad_pool(c, &def, "idleServerTimeout is -1 ns");
	def.idle_timeout_ns = REEVE_SEC;
	def.groups = groups;
	def.group_count = 33;
	bad_pool(c, &def, "assignedGroups has 33 groups; allowed are 0 to 32");
	def.group_count = 2;
	assert_fails(reeve_server_pool_create(c->r, &def, &id, E), REEVE_ENOT_FOUND,
		"consumer group 4711");
	def.groups = NULL;
	bad_pool(c, &def, "groups is NULL");
	id.v = parallel_pool(c->r, 0, 4);
	assert_true(id.v == 1);
	assert_fails(reeve_server_pool_update(c->r, id, 0x20, &def, 0, E), INVALID,
		"fields is 0x20; allowed are bits up to 0x10");
	id.v = 2;
	assert_fails(reeve_server_pool_update(c->r, id, 1, &def, 0, E), REEVE_ENOT_FOUND,
		"server pool 2");
	assert_fails(reeve_server_pool_destroy(c->r, id, E), REEVE_ENOT_FOUND, "server pool 2");
}

static void servers_out_of_range(void **state)
{
	struct core *c = *state;
	struct reeve_server_info info;
	reeve_server_id id = {1};

	assert_fails(reeve_server_get(c->r, id, &info, E), REEVE_ENOT_FOUND, "parallel server 1");
	assert_fails(reeve_server_report(c->r, id, REEVE_SERVER_CPU, 0, 0, 1, E), REEVE_ENOT_FOUND,
		"parallel server 1");
	parallel_pool(c->r, 1, 4);
	assert_fails(reeve_server_report(c->r, id, 8, 0, 0, 1, E), INVALID,
		"fields is 0x8; allowed are bits up to 0x4");
	assert_fails(reeve_server_report(c->r, id, REEVE_SERVER_TYPE, 3, 0, 0, E), INVALID,
		"serverType is 3; allowed are 0 (Coordinator) to 2 (Consumer)");
	assert_fails(reeve_server_report(c->r, id, REEVE_SERVER_AFFINITY, 0, -2, 0, E), INVALID,
		"cpuAffinity is -2; allowed are 0 to 65535, or -1");
	assert_fails(reeve_server_report(c->r, id, REEVE_SERVER_TYPE, 2, 0, 0, E),
		REEVE_EINVALID_STATE, "parallel server 1 is idle");
	assert_ok(reeve_server_report(c->r, id, REEVE_SERVER_CPU, 0, 0, 100, E));
	assert_ok(reeve_server_report(c->r, id, REEVE_SERVER_CPU, 0, 0, 50, E));
	assert_ok(reeve_server_get(c->r, id, &info, E));
	assert_true(info.cpu_ns == 100); /* never back */
}

static void limits_and_settings_out_of_range(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_config config, before;
	reeve_group_id g = {2}, none = {4711};
	struct reeve_auto_dop dop;
	struct reeve_parallel_group_info info;

	assert_fails(reeve_parallel_group_limit_set(c->r, g, 65537, 1, E), INVALID,
		"limit is 65537; allowed are 0 to 65536");
	assert_fails(reeve_parallel_group_limit_set(c->r, g, 1, 65537, E), INVALID,
		"serverLimit is 65537; allowed are 0 to 65536");
	assert_fails(reeve_parallel_group_limit_set(c->r, g, UINT32_MAX, UINT32_MAX, E), INVALID,
		"limit and serverLimit are both absent");
	assert_fails(reeve_parallel_group_limit_set(c->r, none, 1, 1, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_parallel_group_limit_clear(c->r, none, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_parallel_group_get(c->r, none, &info, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(
		reeve_parallel_auto_dop(c->r, none, 1, 1, 1, &dop, E), REEVE_ENOT_FOUND, "4711");
	assert_fails(reeve_parallel_auto_dop(c->r, g, 65537, 1, 1, &dop, E), INVALID,
		"requestedDop is 65537");
	assert_fails(reeve_parallel_load_set(c->r, 1000001, E), INVALID,
		"load is 1000001 ppm; allowed are 0 to 1000000");
	reeve_parallel_config_get(c->r, &before);
	assert_int_equal(before.max_total_dop, 128);
	assert_int_equal(before.io_parallelism, 32);
	assert_int_equal(before.cpu_cores, 1);
	assert_true(before.downgrade_enabled && before.queue_timeout_ns == 300 * REEVE_SEC);
	config = before;
	config.cpu_cores = 0;
	assert_fails(reeve_parallel_config_set(c->r, &config, E), INVALID, "cpuCores is 0");
	config = before;
	config.io_parallelism = 65537;
	assert_fails(reeve_parallel_config_set(c->r, &config, E), INVALID,
		"ioParallelism is 65537; allowed are 1 to 65536");
	config = before;
	config.max_total_dop = 0;
	assert_fails(reeve_parallel_config_set(c->r, &config, E), INVALID, "maxTotalDop is 0");
	config = before;
	config.queue_timeout_ns = REEVE_NEVER;
	assert_fails(reeve_parallel_config_set(c->r, &config, E), INVALID,
		"allowed are 1000000 (1 ms) to 86400000000000 (a day)");
	reeve_parallel_config_get(c->r, &config);
	assert_memory_equal(&config, &before, sizeof(config));
}

/* ---- every table to its last slot ---- */

static void the_table_of_executions(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(MANUAL, 2);
	struct reeve_session *s = core_session(c->r, 2);
	struct reeve_execution_info info = {.session_id = 77};
	struct reeve_parallel h = {.id = 77};

	for (uint64_t i = 0; i < 64; i++)
		assert_true(parallel_ask(c->r, 2, i % 2 ? SERIAL : MANUAL, 2).id.v == i + 1);
	assert_fails(reeve_execution_request(c->r, 1, (reeve_group_id){2}, &def, &info, E),
		REEVE_ERESOURCE_EXHAUSTED, "the table of parallel executions is full: 64 of 64");
	assert_fails(reeve_parallel_begin(s, &def, &h, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of parallel executions is full: 64 of 64");
	assert_true(info.session_id == 77 && h.id == 77);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 64);
	assert_clean(c->r);
	parallel_complete(c->r, 30);
	assert_ok(reeve_parallel_begin(s, &def, &h, E));
	assert_true(h.id == 65);
	assert_fails(reeve_execution_get(c->r, (reeve_execution_id){30}, &info, E),
		REEVE_ENOT_FOUND, "parallel execution 30"); /* its slot is the new one's */
	reeve_session_destroy(s);
}

/* Ids of outside engines' sessions are kept, so that no session here gets them. */
static void the_table_of_outside_sessions(void **state)
{
	struct core *c = *state;
	struct reeve_parallel_def def = parallel_def(SERIAL, 0);
	struct reeve_execution_info info;

	for (uint64_t i = 0; i < 16; i++) {
		assert_ok(reeve_execution_request(
			c->r, 1000 + i, (reeve_group_id){2}, &def, &info, E));
		parallel_complete(c->r, info.id.v);
	}
	assert_fails(reeve_execution_request(c->r, 2000, (reeve_group_id){2}, &def, &info, E),
		REEVE_ERESOURCE_EXHAUSTED,
		"the table of outside engines' sessions is full: 16 of 16");
	assert_ok(reeve_execution_request(c->r, 1003, (reeve_group_id){2}, &def, &info, E));
	assert_true(info.id.v == 17);
}

/* All waiting at once, and then all at once not. */
static void a_queue_as_long_as_the_table(void **state)
{
	struct core *c = *state;
	struct reeve_execution_info queue[64];
	uint64_t first = parallel_ask(c->r, 2, MANUAL, 128).id.v;

	for (uint64_t i = 0; i < 63; i++)
		parallel_ask(c->r, 1 + i % 4, MANUAL, 2);
	assert_int_equal(reeve_execution_queue_copy(c->r, queue, 64), 63);
	for (uint32_t i = 0; i < 63; i++)
		assert_int_equal(queue[i].queue_position, i + 1);
	assert_int_equal(reeve_execution_queue_copy(c->r, queue, 5), 5);
	assert_clean(c->r);
	parallel_complete(c->r, first);
	assert_int_equal(parallel_stats(c->r).queued_now, 0);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 126);
	for (uint64_t id = 2; id <= 64; id++)
		parallel_complete(c->r, id);
	assert_int_equal(parallel_stats(c->r).current_total_dop, 0);
}

static void the_table_of_servers(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	reeve_server_pool_id id = {77};
	uint64_t a = parallel_pool(c->r, 60, 100);

	def.name = "another";
	def.min_servers = 5;
	def.max_servers = 10;
	assert_fails(reeve_server_pool_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of parallel servers is full: 60 of 64, and minServers wants 5 more");
	assert_true(id.v == 77 && core_segment(c->r).server_pools == 1);
	def.min_servers = 65;
	assert_fails(reeve_server_pool_update(
			     c->r, (reeve_server_pool_id){a}, REEVE_SERVER_POOL_MIN, &def, 0, E),
		REEVE_ERESOURCE_EXHAUSTED, "60 of 64");
	/* a pool may be allowed more than there are slots; it waits, and does not fail */
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 64).state, REEVE_EXECUTION_EXECUTING);
	assert_int_equal(core_segment(c->r).servers, 64);
	parallel_complete(c->r, 1);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 65).state, REEVE_EXECUTION_QUEUED);
	assert_ok(reeve_execution_cancel(c->r, (reeve_execution_id){2}, E));
	assert_ok(reeve_server_pool_destroy(c->r, (reeve_server_pool_id){a}, E));
	def.min_servers = 10;
	assert_ok(reeve_server_pool_create(c->r, &def, &id, E));
	assert_int_equal(core_segment(c->r).servers, 10);
}

static void the_table_of_pools(void **state)
{
	struct core *c = *state;
	struct reeve_server_pool_def def = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_server_pool_info infos[8];
	reeve_server_pool_id id = {77};

	for (int i = 0; i < 8; i++)
		parallel_pool(c->r, 1, 2);
	def.name = "one more";
	def.max_servers = 1;
	assert_fails(reeve_server_pool_create(c->r, &def, &id, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of server pools is full: 8 of 8");
	assert_true(id.v == 77);
	assert_ok(reeve_server_pool_destroy(c->r, (reeve_server_pool_id){3}, E));
	assert_ok(reeve_server_pool_create(c->r, &def, &id, E));
	assert_true(id.v == 9);
	assert_int_equal(reeve_server_pool_copy(c->r, (reeve_server_pool_id){2}, infos, 8), 6);
	assert_true(infos[0].id.v == 4 && infos[5].id.v == 9);
	/* eight pools, and each is used */
	for (int i = 0; i < 7; i++)
		assert_int_equal(parallel_ask(c->r, 2, MANUAL, 2).state, REEVE_EXECUTION_EXECUTING);
	assert_int_equal(parallel_ask(c->r, 2, MANUAL, 2).state, REEVE_EXECUTION_QUEUED);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(null_arguments),
		with_core(requests_out_of_range),
		with_core(failures_that_are_no_text),
		with_core(pools_out_of_range),
		with_core(servers_out_of_range),
		with_core(limits_and_settings_out_of_range),
		with_core(the_table_of_executions),
		with_core(the_table_of_outside_sessions),
		with_core(a_queue_as_long_as_the_table),
		with_core(the_table_of_servers),
		with_core(the_table_of_pools),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
