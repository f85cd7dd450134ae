/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of managed I/O on a real file, with O_DIRECT, by both backends. */
#include "io_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK  4096u
#define BLOCKS 64u

struct rig {
	struct reeve *r;
	struct reeve_io_executor *ex;
	int fd;
	bool direct;
	char path[64];
	char *buffers;
	struct reeve_io_job jobs[BLOCKS];
};

/* A file on a file system that takes O_DIRECT, where there is one. */
static void open_file(struct rig *rig)
{
	snprintf(rig->path, sizeof(rig->path), "/var/tmp/reeve-io-XXXXXX");
	rig->fd = mkstemp(rig->path);
	assert_true(rig->fd >= 0);
	int direct = open(rig->path, O_RDWR | O_DIRECT | O_CLOEXEC);
	rig->direct = direct >= 0;
	if (rig->direct) {
		close(rig->fd);
		rig->fd = direct;
	}
	print_message("%s: O_DIRECT %s\n", rig->path, rig->direct ? "on" : "refused here");
	assert_int_equal(posix_memalign((void **)&rig->buffers, BLOCK, BLOCK * BLOCKS), 0);
}

static int setup(void **state, uint32_t backend)
{
	const struct reeve_io_executor_options o = {backend, 4, 32};
	struct rig *rig = calloc(1, sizeof(*rig));

	rig->r = core_open(NULL, 1);
	core_err = (struct reeve_error){0};
	int rc = reeve_io_executor_open(rig->r, &o, &rig->ex, E);
	if (rc == REEVE_ESYSTEM && backend == REEVE_IO_URING) {
		print_message("io_uring: %s\n", core_err.text);
		rig->ex = NULL;
	} else {
		assert_int_equal(rc, 0);
		assert_int_equal(reeve_io_executor_backend(rig->ex), backend);
	}
	open_file(rig);
	*state = rig;
	return 0;
}

static int setup_threads(void **state)
{
	return setup(state, REEVE_IO_THREADS);
}

static int setup_uring(void **state)
{
	return setup(state, REEVE_IO_URING);
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	reeve_io_executor_close(rig->ex);
	assert_clean(rig->r);
	reeve_close(rig->r);
	close(rig->fd);
	unlink(rig->path);
	free(rig->buffers);
	free(rig);
	return 0;
}

static struct reeve_io_job *job_of(struct rig *rig, uint32_t i, uint32_t op)
{
	struct reeve_io_job *job = &rig->jobs[i];

	*job = (struct reeve_io_job){
		.def = REEVE_IO_DEF_INIT,
		.op = op,
		.fd = rig->fd,
		.buffer = rig->buffers + (size_t)i * BLOCK,
	};
	job->def.type = op == REEVE_IO_OP_READ ? REEVE_IO_READ : REEVE_IO_WRITE;
	job->def.size_bytes = op == REEVE_IO_OP_FSYNC ? 0 : BLOCK;
	job->def.offset = (uint64_t)i * BLOCK;
	return job;
}

static void submit(struct rig *rig, struct reeve_io_job *job, uint64_t group)
{
	assert_ok(reeve_io_executor_submit(rig->ex, NULL, (reeve_group_id){group}, job, E));
}

static void submit_to(struct reeve_io_executor *ex, struct reeve_io_job *job, uint64_t group)
{
	assert_ok(reeve_io_executor_submit(ex, NULL, (reeve_group_id){group}, job, E));
}

static void await_job(struct rig *rig, struct reeve_io_job *job)
{
	assert_ok(reeve_io_executor_wait(rig->ex, job, reeve_now_mono(rig->r) + 20 * REEVE_SEC, E));
}

#define SKIP_WITHOUT_EXECUTOR(rig)                                                                 \
	do {                                                                                       \
		if (!(rig)->ex)                                                                    \
			skip();                                                                    \
	} while (0)

static void what_is_written_is_read(void **state)
{
	struct rig *rig = *state;

	SKIP_WITHOUT_EXECUTOR(rig);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		memset(rig->buffers + (size_t)i * BLOCK, (int)(i + 1), BLOCK);
		submit(rig, job_of(rig, i, REEVE_IO_OP_WRITE), 2 + i % 2);
	}
	for (uint32_t i = 0; i < BLOCKS; i++) {
		await_job(rig, &rig->jobs[i]);
		assert_int_equal(rig->jobs[i].state, REEVE_IO_COMPLETED);
		assert_true(rig->jobs[i].result == BLOCK);
	}
	submit(rig, job_of(rig, 0, REEVE_IO_OP_FSYNC), 2);
	await_job(rig, &rig->jobs[0]);
	assert_true(rig->jobs[0].result == 0 && rig->jobs[0].state == REEVE_IO_COMPLETED);
	memset(rig->buffers, 0, BLOCK * BLOCKS);
	for (uint32_t i = 0; i < BLOCKS; i++)
		submit(rig, job_of(rig, i, REEVE_IO_OP_READ), 3);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		await_job(rig, &rig->jobs[i]);
		assert_true(rig->jobs[i].result == BLOCK);
		for (uint32_t k = 0; k < BLOCK; k++)
			assert_int_equal(rig->buffers[(size_t)i * BLOCK + k], (char)(i + 1));
	}
	struct reeve_io_stats s = io_stats(rig->r);
	assert_true(s.completed == 2 * BLOCKS + 1 && s.bytes_read == BLOCK * BLOCKS);
	assert_true(s.bytes_written == BLOCK * BLOCKS && s.active == 0 && s.queued == 0);
	assert_true(io_group(rig->r, 2).total_ops == BLOCKS / 2 + 1);
	assert_true(s.service.count == 2 * BLOCKS + 1 && s.service.min_ns > 0);
}

/* Neighbours that are granted at once are performed in one call. */
static void neighbours_are_performed_together(void **state)
{
	struct rig *rig = *state;
	const struct reeve_io_executor_options o = {REEVE_IO_THREADS, 1, 0};
	struct reeve_io_executor *ex;

	SKIP_WITHOUT_EXECUTOR(rig);
	assert_ok(reeve_io_executor_open(rig->r, &o, &ex, E));
	io_limit(rig->r, 2, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
	io_limit(rig->r, 3, 1, REEVE_UNLIMITED, 100);
	submit_to(ex, job_of(rig, 63, REEVE_IO_OP_WRITE), 3);
	assert_ok(reeve_io_executor_wait(ex, &rig->jobs[63], REEVE_NEVER, E));
	for (uint32_t i = 0; i < 24; i++) { /* all wait for a limit, which is then lifted */
		memset(rig->buffers + (size_t)i * BLOCK, (int)(i + 1), BLOCK);
		submit_to(ex, job_of(rig, i, REEVE_IO_OP_WRITE), 3);
	}
	io_limit(rig->r, 3, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
	for (uint32_t i = 0; i < 24; i++) {
		assert_ok(reeve_io_executor_wait(ex, &rig->jobs[i], REEVE_NEVER, E));
		assert_true(rig->jobs[i].result == BLOCK);
	}
	assert_true(io_stats(rig->r).merged >= 2 && io_stats(rig->r).completed == 25);
	memset(rig->buffers, 0, BLOCK * BLOCKS);
	for (uint32_t i = 0; i < 24; i++)
		submit_to(ex, job_of(rig, i, REEVE_IO_OP_READ), 2);
	for (uint32_t i = 0; i < 24; i++) {
		assert_ok(reeve_io_executor_wait(ex, &rig->jobs[i], REEVE_NEVER, E));
		assert_true(rig->jobs[i].result == BLOCK);
		assert_int_equal(rig->buffers[(size_t)i * BLOCK + 9], (char)(i + 1));
	}
	reeve_io_executor_close(ex);
}

static void errors_come_back(void **state)
{
	struct rig *rig = *state;
	struct reeve_io_job *job = &rig->jobs[0];

	SKIP_WITHOUT_EXECUTOR(rig);
	job_of(rig, 0, REEVE_IO_OP_READ)->fd = 1 << 20;
	submit(rig, job, 2);
	await_job(rig, job);
	assert_int_equal(job->state, REEVE_IO_FAILED);
	assert_true(job->result == -EBADF);
	submit(rig, job_of(rig, 0, REEVE_IO_OP_READ), 2); /* the file is empty */
	await_job(rig, job);
	assert_true(job->state == REEVE_IO_COMPLETED && job->result == 0);
	assert_true(io_stats(rig->r).failed == 1 && io_stats(rig->r).completed == 1);
}

static void a_limit_orders_and_delays_managed_requests(void **state)
{
	struct rig *rig = *state;
	reeve_ns before;

	SKIP_WITHOUT_EXECUTOR(rig);
	io_limit(rig->r, 3, REEVE_UNLIMITED, 10, 100);
	for (uint32_t i = 0; i < 10; i++)
		submit(rig, job_of(rig, i, REEVE_IO_OP_WRITE), 3);
	for (uint32_t i = 0; i < 10; i++)
		await_job(rig, &rig->jobs[i]); /* the burst */
	before = reeve_now_mono(rig->r);
	for (uint32_t i = 0; i < 4; i++)
		submit(rig, job_of(rig, i, REEVE_IO_OP_WRITE), 3);
	for (uint32_t i = 0; i < 4; i++)
		await_job(rig, &rig->jobs[i]);
	assert_true(reeve_now_mono(rig->r) - before > 200 * REEVE_MSEC);
	assert_true(io_group(rig->r, 3).throttled >= 1);
}

static void a_held_group_is_not_in_the_way_of_another(void **state)
{
	struct rig *rig = *state;

	SKIP_WITHOUT_EXECUTOR(rig);
	io_limit(rig->r, 3, 1, REEVE_UNLIMITED, 100);
	submit(rig, job_of(rig, 0, REEVE_IO_OP_WRITE), 3);
	await_job(rig, &rig->jobs[0]); /* an hour of debt */
	submit(rig, job_of(rig, 1, REEVE_IO_OP_WRITE), 3);
	submit(rig, job_of(rig, 20, REEVE_IO_OP_WRITE), 2);
	await_job(rig, &rig->jobs[20]);
	assert_int_equal(io_info(rig->r, rig->jobs[1].id.v).state, REEVE_IO_THROTTLED);
	io_limit(rig->r, 3, REEVE_UNLIMITED, REEVE_UNLIMITED, 100);
	await_job(rig, &rig->jobs[1]);
	assert_int_equal(rig->jobs[1].state, REEVE_IO_COMPLETED);
}

static void a_waiting_job_is_cancelled_and_a_wait_gives_up(void **state)
{
	struct rig *rig = *state;
	struct reeve_io_job *job = &rig->jobs[1];

	SKIP_WITHOUT_EXECUTOR(rig);
	io_limit(rig->r, 3, 1, REEVE_UNLIMITED, 100);
	submit(rig, job_of(rig, 0, REEVE_IO_OP_WRITE), 3);
	await_job(rig, &rig->jobs[0]); /* an hour of debt */
	submit(rig, job_of(rig, 1, REEVE_IO_OP_WRITE), 3);
	assert_fails(
		reeve_io_executor_wait(rig->ex, job, reeve_now_mono(rig->r) + 5 * REEVE_MSEC, E),
		REEVE_ETIMEOUT, "is not over yet");
	assert_true(io_info(rig->r, job->id.v).is_managed);
	assert_ok(reeve_io_cancel(rig->r, job->id, NULL, E));
	await_job(rig, job);
	assert_true(job->state == REEVE_IO_CANCELLED && job->result == -ECANCELED);
	submit(rig, job_of(rig, 2, REEVE_IO_OP_WRITE), 3); /* closing the executor ends it */
	reeve_io_executor_close(rig->ex);
	rig->ex = NULL;
	assert_int_equal(rig->jobs[2].state, REEVE_IO_CANCELLED);
	assert_int_equal(core_segment(rig->r).io_requests, 0);
}

static void jobs_of_a_session_count_for_it_and_go_with_it(void **state)
{
	struct rig *rig = *state;
	struct reeve_session *s;

	SKIP_WITHOUT_EXECUTOR(rig);
	s = core_session(rig->r, 4);
	job_of(rig, 0, REEVE_IO_OP_WRITE);
	assert_ok(reeve_io_executor_submit(rig->ex, s, (reeve_group_id){0}, &rig->jobs[0], E));
	await_job(rig, &rig->jobs[0]);
	assert_true(io_group(rig->r, 4).total_bytes == BLOCK);
	io_limit(rig->r, 4, 1, REEVE_UNLIMITED, 100);
	job_of(rig, 1, REEVE_IO_OP_WRITE);
	job_of(rig, 2, REEVE_IO_OP_WRITE);
	for (uint32_t i = 1; i < 3; i++)
		assert_ok(reeve_io_executor_submit(
			rig->ex, s, (reeve_group_id){0}, &rig->jobs[i], E));
	await_job(rig, &rig->jobs[1]);
	reeve_session_destroy(s);
	await_job(rig, &rig->jobs[2]);
	assert_int_equal(rig->jobs[2].state, REEVE_IO_CANCELLED);
	assert_true(io_group(rig->r, 4).total_bytes == 2 * BLOCK);
}

static void bad_jobs_are_refused(void **state)
{
	struct rig *rig = *state;
	struct reeve_io_job *job = &rig->jobs[0];
	reeve_group_id g = {2};

	SKIP_WITHOUT_EXECUTOR(rig);
	job_of(rig, 0, 3);
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, g, job, E), REEVE_EINVALID_ARGUMENT,
		"op is 3; allowed are 0 (read), 1 (write) and 2 (fsync)");
	job_of(rig, 0, REEVE_IO_OP_WRITE)->def.type = REEVE_IO_READ;
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, g, job, E), REEVE_EINVALID_ARGUMENT,
		"requestType 0 does not fit op 1");
	job_of(rig, 0, REEVE_IO_OP_WRITE)->fd = -1;
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, g, job, E), REEVE_EINVALID_ARGUMENT,
		"fd is -1");
	job_of(rig, 0, REEVE_IO_OP_WRITE)->buffer = NULL;
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, g, job, E), REEVE_EINVALID_ARGUMENT,
		"buffer is NULL");
	job_of(rig, 0, REEVE_IO_OP_WRITE)->def.offset = INT64_MAX;
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, g, job, E), REEVE_EINVALID_ARGUMENT,
		"offset is 9223372036854775807; allowed are 0 to");
	job_of(rig, 0, REEVE_IO_OP_WRITE);
	assert_fails(reeve_io_executor_submit(rig->ex, NULL, (reeve_group_id){77}, job, E),
		REEVE_ENOT_FOUND, "consumer group 77");
	assert_int_equal(core_segment(rig->r).io_requests, 0);
}

static void executors_are_refused_and_have_an_end(void **state)
{
	struct core *c = *state;
	struct reeve_io_executor *ex[64] = {NULL}, *more = (void *)c;
	struct reeve_io_executor_options o = {3, 0, 0};

	assert_fails(reeve_io_executor_open(c->r, &o, &more, E), REEVE_EINVALID_ARGUMENT,
		"backend is 3; allowed are 0 (auto), 1 (io_uring) and 2 (threads)");
	o = (struct reeve_io_executor_options){REEVE_IO_THREADS, 257, 0};
	assert_fails(reeve_io_executor_open(c->r, &o, &more, E), REEVE_EINVALID_ARGUMENT,
		"threads is 257; allowed are 1 to 256, or 0 for 8");
	o = (struct reeve_io_executor_options){REEVE_IO_URING, 0, 1025};
	assert_fails(reeve_io_executor_open(c->r, &o, &more, E), REEVE_EINVALID_ARGUMENT,
		"depth is 1025; allowed are 1 to 1024, or 0 for 128");
	o = (struct reeve_io_executor_options){REEVE_IO_THREADS, 1, 0};
	for (int i = 0; i < 64; i++)
		assert_ok(reeve_io_executor_open(c->r, &o, &ex[i], E));
	assert_fails(reeve_io_executor_open(c->r, &o, &more, E), REEVE_ERESOURCE_EXHAUSTED,
		"the table of I/O executors is full: 64 of 64");
	assert_ptr_equal(more, c);
	reeve_io_executor_close(ex[7]);
	assert_ok(reeve_io_executor_open(c->r, &o, &ex[7], E));
	for (int i = 0; i < 64; i++)
		reeve_io_executor_close(ex[i]);
	reeve_io_executor_close(NULL);
	assert_int_equal(reeve_io_executor_backend(NULL), 0);
}

static int setup_real(void **state)
{
	struct core *c = calloc(1, sizeof(*c));

	c->r = core_open(NULL, 1);
	*state = c;
	return 0;
}

#define both(test)                                                                                 \
	{#test " (threads)", test, setup_threads, teardown, NULL},                                 \
	{                                                                                          \
#test " (io_uring)", test, setup_uring, teardown, NULL                             \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(what_is_written_is_read),
		both(errors_come_back),
		cmocka_unit_test_setup_teardown(
			neighbours_are_performed_together, setup_threads, teardown),
		both(a_limit_orders_and_delays_managed_requests),
		both(a_held_group_is_not_in_the_way_of_another),
		both(a_waiting_job_is_cancelled_and_a_wait_gives_up),
		both(jobs_of_a_session_count_for_it_and_go_with_it),
		both(bad_jobs_are_refused),
		cmocka_unit_test_setup_teardown(
			executors_are_refused_and_have_an_end, setup_real, core_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
