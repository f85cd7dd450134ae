/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input for every public function of the I/O scheduler. */
#include "io_kit.h"

#include <string.h>

#define INVALID REEVE_EINVALID_ARGUMENT

static void null_segment(void **state)
{
	struct reeve *r = NULL;
	reeve_group_id g = {2};
	reeve_io_id id = {77};
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	struct reeve_io_config k = {.policy = 77};
	struct reeve_io_request_info q = {.type = 77};
	struct reeve_io_group_stats gs = {.weight = 77};
	struct reeve_io_device_stats ds;
	struct reeve_io_stats s = {.queued = 77};
	struct reeve_io_executor *ex = (void *)&def;
	struct reeve_io_job job = {.op = 0};
	uint32_t device = 77;

	(void)state;
	assert_fails(reeve_io_device_open(r, "x", &device, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_submit(r, g, &def, &id, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_next(r, &q, NULL, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_complete(r, id, 1, true, &q, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_cancel(r, id, &q, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_boost(r, id, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_request_get(r, id, &q, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_io_request_copy(r, id, &q, 1), 0);
	assert_fails(reeve_io_executor_open(r, NULL, &ex, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_executor_submit(NULL, NULL, g, &job, E), INVALID, "executor is NULL");
	assert_fails(reeve_io_executor_wait(NULL, &job, 0, E), INVALID, "executor is NULL");
	assert_fails(reeve_io_group_register(r, g, 1, 1, 1, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_group_unregister(r, g, E), INVALID, "reeve is NULL");
	reeve_io_config_get(r, &k);
	assert_fails(reeve_io_config_set(r, &k, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_deadline_set(r, 0, 0, REEVE_SEC, E), INVALID, "reeve is NULL");
	assert_fails(reeve_io_group_stats_get(r, g, &gs, E), INVALID, "reeve is NULL");
	assert_int_equal(reeve_io_group_stats_copy(r, g, &gs, 1), 0);
	assert_int_equal(reeve_io_device_stats_copy(r, &ds, 1), 0);
	reeve_io_stats_get(r, &s);
	assert_fails(reeve_io_begin(NULL, &def, E), INVALID, "session is NULL");
	assert_int_equal(reeve_io_begin(NULL, &def, NULL), INVALID);
	assert_int_equal(reeve_io_end(NULL, 1, true), 0);
	assert_fails(reeve_io_submit_for(NULL, &def, &id, E), INVALID, "session is NULL");
	assert_true(id.v == 77 && k.policy == 77 && q.type == 77 && gs.weight == 77);
	assert_true(s.queued == 77 && device == 77 && ex == (void *)&def);
}

static void null_arguments(void **state)
{
	struct core *c = *state;
	struct reeve *r = c->r;
	struct reeve_session *s = core_session(r, 3);
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	reeve_group_id g = {2};
	reeve_io_id id = {1};

	assert_fails(reeve_io_device_open(r, NULL, NULL, E), INVALID, "ret_device is NULL");
	assert_fails(reeve_io_begin(s, NULL, E), INVALID, "def is NULL");
	assert_fails(reeve_io_submit(r, g, NULL, &id, E), INVALID, "def is NULL");
	assert_fails(reeve_io_submit(r, g, &def, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_io_submit_for(s, NULL, &id, E), INVALID, "def is NULL");
	assert_fails(reeve_io_submit_for(s, &def, NULL, E), INVALID, "ret_id is NULL");
	assert_fails(reeve_io_next(r, NULL, NULL, E), INVALID, "ret_info is NULL");
	assert_fails(reeve_io_request_get(r, id, NULL, E), INVALID, "ret_info is NULL");
	assert_int_equal(reeve_io_request_copy(r, id, NULL, 5), 0);
	assert_fails(reeve_io_executor_open(r, NULL, NULL, E), INVALID, "ret_executor is NULL");
	reeve_io_config_get(r, NULL);
	assert_fails(reeve_io_config_set(r, NULL, E), INVALID, "config is NULL");
	assert_fails(reeve_io_group_stats_get(r, g, NULL, E), INVALID, "ret_stats is NULL");
	assert_int_equal(reeve_io_group_stats_copy(r, g, NULL, 5), 0);
	assert_int_equal(reeve_io_device_stats_copy(r, NULL, 5), 0);
	reeve_io_stats_get(r, NULL);
	reeve_session_destroy(s);
	assert_true(io_stats(r).total == 0);
}

static void definitions(void **state)
{
	struct core *c = *state;
	static const struct {
		struct reeve_io_def def;
		const char *part;
	} bad[] = {
		{{.type = 4}, "requestType is 4; allowed are 0 to 3"},
		{{.priority = 5}, "priority is 5; allowed are 0 to 4"},
		{{.size_bytes = ((uint64_t)1 << 40) + 1},
			"sizeBytes is 1099511627777; allowed are 0 to 1099511627776"},
		{{.size_bytes = UINT64_MAX}, "sizeBytes is 18446744073709551615"},
		{{.device = 1}, "device is 1; allowed are 0 and what"},
		{{.device = UINT32_MAX}, "device is 4294967295"},
	};
	struct reeve_session *s = core_session(c->r, 3);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reeve_io_id id = {77};
		assert_fails(reeve_io_submit(c->r, (reeve_group_id){2}, &bad[i].def, &id, E),
			INVALID, bad[i].part);
		assert_fails(reeve_io_submit_for(s, &bad[i].def, &id, E), INVALID, bad[i].part);
		assert_fails(reeve_io_begin(s, &bad[i].def, E), INVALID, bad[i].part);
		assert_true(id.v == 77);
	}
	reeve_session_destroy(s);
	assert_true(io_stats(c->r).total == 0);
	assert_true(io_submit(c->r, 2, (uint64_t)1 << 40) == 1); /* no id was used up */
}

static void settings(void **state)
{
	struct core *c = *state;
	struct reeve_io_config good, k, after;

	memset(&good, 0, sizeof(good));
	memset(&after, 0, sizeof(after));
	reeve_io_config_get(c->r, &good);
	assert_true(good.policy == REEVE_IO_COMPLETELY_FAIR && good.max_concurrent == 128);
	assert_true(good.burst_ppm == REEVE_PPM);
	assert_true(good.deadlines[REEVE_IO_READ][REEVE_IO_NORMAL] == 100 * REEVE_MSEC);
	assert_true(good.deadlines[REEVE_IO_WRITE][REEVE_IO_HIGH] == REEVE_SEC);
	assert_true(good.deadlines[REEVE_IO_SYNC_WRITE][REEVE_IO_LOW] == 200 * REEVE_MSEC);
	assert_true(good.deadlines[REEVE_IO_METADATA][REEVE_IO_NORMAL] == 50 * REEVE_MSEC);
	assert_true(good.deadlines[REEVE_IO_READ][REEVE_IO_REAL_TIME] == 25 * REEVE_MSEC);
	assert_true(good.deadlines[REEVE_IO_WRITE][REEVE_IO_IDLE] == REEVE_NEVER);
	k = good;
	k.policy = 4;
	assert_fails(reeve_io_config_set(c->r, &k, E), INVALID,
		"policy is 4; allowed are 0 (CompletelyFair) to 3 (Priority)");
	for (int i = 0; i < 2; i++) {
		k = good;
		k.max_concurrent = i ? 1025 : 0;
		assert_fails(reeve_io_config_set(c->r, &k, E), INVALID, "allowed are 1 to 1024");
		k = good;
		k.burst_ppm = i ? 10000001 : 999;
		assert_fails(
			reeve_io_config_set(c->r, &k, E), INVALID, "allowed are 1000 to 10000000");
		k = good;
		k.deadlines[2][3] = i ? 999 : -1;
		assert_fails(reeve_io_config_set(c->r, &k, E), INVALID,
			"ns; allowed are 1000 ns to a day, or none");
	}
	assert_fails(reeve_io_deadline_set(c->r, 4, 0, REEVE_SEC, E), INVALID, "requestType is 4");
	assert_fails(reeve_io_deadline_set(c->r, 0, 5, REEVE_SEC, E), INVALID, "priority is 5");
	assert_fails(reeve_io_deadline_set(c->r, 0, 0, 0, E), INVALID, "deadline is 0 ns");
	reeve_io_config_get(c->r, &after);
	assert_memory_equal(&good, &after, sizeof(good));
}

static void registrations(void **state)
{
	struct core *c = *state;
	reeve_group_id g = {2};

	assert_fails(reeve_io_group_register(c->r, g, 0, 1, 1, E), INVALID,
		"bandwidthLimit is 0; allowed are 1 to 1099511627776, or none");
	assert_fails(reeve_io_group_register(c->r, g, ((uint64_t)1 << 40) + 1, 1, 1, E), INVALID,
		"bandwidthLimit is 1099511627777");
	assert_fails(reeve_io_group_register(c->r, g, 1, 0, 1, E), INVALID,
		"iopsLimit is 0; allowed are 1 to 2147483647, or none");
	assert_fails(reeve_io_group_register(c->r, g, 1, (uint64_t)1 << 31, 1, E), INVALID,
		"iopsLimit is 2147483648");
	assert_fails(reeve_io_group_register(c->r, g, 1, 1, 10001, E), INVALID,
		"weight is 10001; allowed are 1 to 10000");
	assert_false(io_group(c->r, 2).is_registered);
	for (uint64_t no = 0; no < 2; no++) {
		reeve_group_id unknown = {no ? UINT64_MAX : 0};
		struct reeve_io_group_stats gs;
		assert_fails(reeve_io_group_unregister(c->r, unknown, E), REEVE_ENOT_FOUND,
			"consumer group");
		assert_fails(reeve_io_group_stats_get(c->r, unknown, &gs, E), REEVE_ENOT_FOUND,
			"consumer group");
	}
}

static void requests(void **state)
{
	struct core *c = *state;
	struct reeve_io_request_info q, same;

	memset(&q, 0x5a, sizeof(q));
	same = q;
	for (int i = 0; i < 3; i++) {
		reeve_io_id id = {(const uint64_t[]){0, 4711, UINT64_MAX}[i]};
		assert_fails(
			reeve_io_request_get(c->r, id, &q, E), REEVE_ENOT_FOUND, "I/O request");
		assert_fails(reeve_io_complete(c->r, id, 0, true, &q, E), REEVE_ENOT_FOUND,
			"I/O request");
		assert_fails(reeve_io_cancel(c->r, id, &q, E), REEVE_ENOT_FOUND, "I/O request");
		assert_fails(reeve_io_boost(c->r, id, 0, E), REEVE_ENOT_FOUND, "I/O request");
	}
	assert_fails(
		reeve_io_complete(c->r, (reeve_io_id){1}, ((uint64_t)1 << 40) + 1, true, &q, E),
		INVALID, "bytes is 1099511627777; allowed are 0 to 1099511627776");
	assert_memory_equal(&q, &same, sizeof(q));
}

static void targets(void **state)
{
	struct core *c = *state;
	char name[REEVE_IO_TARGET_MAX + 1];
	uint32_t device = 77;

	memset(name, 'x', sizeof(name));
	name[REEVE_IO_TARGET_MAX] = 0;
	assert_fails(reeve_io_device_open(c->r, "", &device, E), INVALID,
		"target is empty; allowed are 1 to 95 bytes");
	assert_fails(reeve_io_device_open(c->r, NULL, &device, E), INVALID, "target is empty");
	assert_fails(reeve_io_device_open(c->r, name, &device, E), INVALID, "is too long");
	assert_fails(reeve_io_device_open(c->r, "a\n", &device, E), INVALID,
		"target has a control character");
	assert_int_equal(device, 77);
	name[REEVE_IO_TARGET_MAX - 1] = 0;
	assert_ok(reeve_io_device_open(c->r, name, &device, E));
	assert_int_equal(device, 1);
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_segment),
		with_core(null_arguments),
		with_core(definitions),
		with_core(settings),
		with_core(registrations),
		with_core(requests),
		with_core(targets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
