/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How exact limits and shares are, on a simulated machine: sessions in threads of their own, that
 * read again and again, under a virtual clock. Nothing depends on the real machine but the counting.
 */
#include "io_kit.h"

#include "machine.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_MAX 16u
/* Windows of a tenth of a second, over which use is kept. */
#define WINDOWS 200u

struct lab {
	struct sim_machine *machine;
	struct reeve *r;
	uint64_t moved[5][WINDOWS]; /* admitted, by group and window */
	bool in_operations;
};

struct reader {
	struct lab *lab;
	uint64_t group, size;
	reeve_ns service;
};

static void read_on(void *arg)
{
	struct reader *reader = arg;
	struct lab *lab = reader->lab;
	struct reeve_session *s = core_session(lab->r, reader->group);

	sim_process_abandon(s);

	for (;;) {
		struct reeve_io_def def = io_read(reader->size);
		assert_ok(reeve_query_begin(s, NULL, E));
		assert_ok(reeve_io_begin(s, &def, E));
		uint64_t w = (uint64_t)(sim_now(lab->machine) / (REEVE_SEC / 10));
		if (w < WINDOWS)
			lab->moved[reader->group][w] += lab->in_operations ? 1 : reader->size;
		if (reader->service)
			sim_sleep(lab->machine, sim_now(lab->machine) + reader->service);
		reeve_io_end(s, reader->size, true);
		reeve_query_end(s, NULL);
	}
}

static void lab_open(struct lab *lab)
{
	struct sim_machine_config k = SIM_MACHINE_CONFIG_INIT;
	struct reeve_options o;

	memset(lab, 0, sizeof(*lab));
	k.cores = 2;
	k.seed = 7;
	lab->machine = sim_machine_create(&k, NULL);
	assert_non_null(lab->machine);
	core_small_options(&o);
	o.host = sim_machine_host(lab->machine);
	o.cpu_slots = 2;
	assert_ok(reeve_open(&o, &lab->r, E));
}

static void lab_run(struct lab *lab, struct reader *readers, uint32_t n, reeve_ns until)
{
	struct sim_process *process = sim_process_create(lab->machine);

	for (uint32_t i = 0; i < n; i++) {
		readers[i].lab = lab;
		assert_non_null(sim_thread_create(process, read_on, &readers[i]));
	}
	sim_machine_run(lab->machine, until);
	assert_clean(lab->r);
}

static void lab_close(struct lab *lab)
{
	sim_process_abandon(lab->r);
	sim_machine_destroy(lab->machine); /* the readers vanish where they are */
}

static uint64_t sum(const struct lab *lab, uint64_t group, uint32_t from, uint32_t to)
{
	uint64_t all = 0;

	for (uint32_t w = from; w < to; w++)
		all += lab->moved[group][w];
	return all;
}

/*
 * Past the burst, ten seconds give ten times the limit, to one percent; and no second ever gives more than
 * the limit and the burst. `limit` in bytes, or operations, a second.
 */
static void assert_limit_holds(
	const struct lab *lab, uint64_t group, uint64_t limit, uint64_t burst, uint64_t request)
{
	uint64_t ten = sum(lab, group, 50, 150);

	print_message(
		"over 10 s: %.3f %% of the limit\n", 100.0 * (double)ten / (double)(10 * limit));
	assert_in_range(ten, 10 * limit - limit / 10, 10 * limit + limit / 10);
	for (uint32_t w = 0; w + 10 <= 150; w++)
		assert_true(sum(lab, group, w, w + 10) <= limit + burst + request);
	for (uint32_t w = 30; w + 10 <= 150; w++) /* the burst is used up by then */
		assert_true(sum(lab, group, w, w + 10) <= limit + limit / 50 + 2 * request);
}

static void run_limit(uint32_t sessions, uint64_t bandwidth, uint64_t iops, uint64_t size)
{
	struct reader readers[SESSIONS_MAX];
	struct lab lab;

	lab_open(&lab);
	lab.in_operations = bandwidth == REEVE_UNLIMITED;
	io_limit(lab.r, 3, bandwidth, iops, 100);
	for (uint32_t i = 0; i < sessions; i++)
		readers[i] = (struct reader){NULL, 3, size, 100 * REEVE_USEC};
	lab_run(&lab, readers, sessions, 15 * REEVE_SEC);
	if (lab.in_operations)
		assert_limit_holds(&lab, 3, iops, iops, 1);
	else
		assert_limit_holds(&lab, 3, bandwidth, bandwidth, size);
	lab_close(&lab);
}

static void bandwidth_one_session(void **state)
{
	(void)state;
	run_limit(1, 20 * MIB, REEVE_UNLIMITED, 64 * KIB);
}

static void bandwidth_eight_sessions(void **state)
{
	(void)state;
	run_limit(8, 20 * MIB, REEVE_UNLIMITED, 64 * KIB);
}

static void operations_one_session(void **state)
{
	(void)state;
	run_limit(1, REEVE_UNLIMITED, 500, 4096);
}

static void operations_eight_sessions(void **state)
{
	(void)state;
	run_limit(8, REEVE_UNLIMITED, 500, 4096);
}

/* A request of four seconds' worth runs on debt, and the debt is paid. */
static void requests_larger_than_the_bucket(void **state)
{
	struct reader reader = {NULL, 3, 4 * MIB, 0};
	struct lab lab;

	(void)state;
	lab_open(&lab);
	io_limit(lab.r, 3, MIB, REEVE_UNLIMITED, 100);
	lab_run(&lab, &reader, 1, 20 * REEVE_SEC);
	assert_true(sum(&lab, 3, 0, 200) == 5 * 4 * MIB); /* at 0, 4, 8, 12, 16 s */
	lab_close(&lab);
}

/* One place to be under way, eight sessions of three groups that always want it. */
static void weights_share_what_there_is(void **state)
{
	static const uint32_t weights[] = {0, 0, 600, 300, 100};
	struct reader readers[9];
	struct lab lab;
	uint64_t all = 0;

	(void)state;
	lab_open(&lab);
	io_configure(lab.r, REEVE_IO_COMPLETELY_FAIR, 1);
	for (uint64_t g = 2; g <= 4; g++)
		io_limit(lab.r, g, REEVE_UNLIMITED, REEVE_UNLIMITED, weights[g]);
	for (uint32_t i = 0; i < 9; i++)
		readers[i] = (struct reader){NULL, 2 + i % 3, 64 * KIB, REEVE_MSEC};
	lab_run(&lab, readers, 9, 10 * REEVE_SEC);
	for (uint64_t g = 2; g <= 4; g++)
		all += sum(&lab, g, 0, 100);
	for (uint64_t g = 2; g <= 4; g++) {
		double part = 100.0 * (double)sum(&lab, g, 0, 100) / (double)all;
		print_message("group %u: %.2f %%, entitled to %u %%\n", (unsigned)g, part,
			weights[g] / 10);
		assert_true(part > weights[g] / 10.0 - 1 && part < weights[g] / 10.0 + 1);
	}
	/* a request is under way almost all the time */
	assert_true(all > 9000 * 64 * KIB);
	lab_close(&lab);
}

/* A group at its limit does not slow another down. */
static void an_unlimited_group_beside_a_limited_one(void **state)
{
	struct reader readers[9];
	struct lab lab;
	uint64_t alone;

	(void)state;
	lab_open(&lab);
	readers[0] = (struct reader){NULL, 2, 64 * KIB, REEVE_MSEC};
	lab_run(&lab, readers, 1, 5 * REEVE_SEC);
	alone = sum(&lab, 2, 0, 50);
	lab_close(&lab);
	lab_open(&lab);
	io_limit(lab.r, 3, MIB, REEVE_UNLIMITED, 10000);
	for (uint32_t i = 0; i < 9; i++)
		readers[i] = (struct reader){NULL, i ? 3 : 2, 64 * KIB, REEVE_MSEC};
	lab_run(&lab, readers, 9, 5 * REEVE_SEC);
	print_message("beside eight throttled sessions: %.2f %% of alone\n",
		100.0 * (double)sum(&lab, 2, 0, 50) / (double)alone);
	assert_true(sum(&lab, 2, 0, 50) >= alone / 100 * 97);
	lab_close(&lab);
}

static void lift(void *arg)
{
	struct lab *lab = arg;

	sim_sleep(lab->machine, REEVE_SEC);
	io_limit(lab->r, 3, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
}

/* More wait than one pass lets in: those go on with it. */
static void a_lifted_limit_lets_all_in(void **state)
{
	struct reader readers[40];
	struct lab lab;

	(void)state;
	lab_open(&lab);
	lab.in_operations = true;
	io_limit(lab.r, 3, REEVE_UNLIMITED, 1, 100);
	for (uint32_t i = 0; i < 40; i++)
		readers[i] = (struct reader){NULL, 3, 4096, 10 * REEVE_SEC};
	assert_non_null(sim_thread_create(sim_process_create(lab.machine), lift, &lab));
	lab_run(&lab, readers, 40, 2 * REEVE_SEC);
	assert_in_range(sum(&lab, 3, 0, 10), 1, 2);
	assert_true(sum(&lab, 3, 0, 11) == 40); /* within 100 ms of it */
	lab_close(&lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bandwidth_one_session),
		cmocka_unit_test(bandwidth_eight_sessions),
		cmocka_unit_test(operations_one_session),
		cmocka_unit_test(operations_eight_sessions),
		cmocka_unit_test(requests_larger_than_the_bucket),
		cmocka_unit_test(weights_share_what_there_is),
		cmocka_unit_test(an_unlimited_group_beside_a_limited_one),
		cmocka_unit_test(a_lifted_limit_lets_all_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
