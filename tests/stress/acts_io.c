/* SPDX-License-Identifier: Apache-2.0 */
/* acts_io.c - I/O that outside engines pull, that reeve performs, and what is set of it. */
#include "actor.h"

#include <string.h>

static struct reeve_io_def io_def(struct actor *a)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;

	def.type = below(a, 4);
	def.priority = below(a, 5);
	def.size_bytes = below(a, 65536);
	def.device = below(a, 3);
	def.deadline = once_in(a, 2) ? 0 : soon(a, 3000);
	def.is_sequential = once_in(a, 2);
	return def;
}

static void submit(struct actor *a)
{
	uint32_t i = own_place(a, a->requests, false);
	struct reeve_io_def def = io_def(a);
	reeve_io_id id = {0};
	int rc;

	if (i == OWN_MAX)
		return;
	count_try(a, COUNT_IO);
	rc = allow(a, reeve_io_submit(a->r, any_group(a), &def, &id, &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST, "io_submit");
	count_settle(a, COUNT_IO, rc ? IT_IS_REFUSED : IT_IS_DONE);
	if (rc == 0)
		board_put(a, BOARD_REQUEST, a->requests[i] = id.v);
}

static void forget(struct actor *a, uint64_t id)
{
	for (uint32_t i = 0; i < OWN_MAX; i++)
		if (a->requests[i] == id)
			a->requests[i] = 0;
}

/* Whoever's request is next: an engine may have several that pull. */
static void perform(struct actor *a)
{
	struct reeve_io_request_info info;
	reeve_ns again;

	if (allow(a, reeve_io_next(a->r, &info, &again, &a->err), MAY_NOT_FOUND, "io_next"))
		return;
	if (info.state != REEVE_IO_ACTIVE)
		fault(a, "what is to be performed is not active", (int)info.state);
	if (once_in(a, 8))
		return; /* left under way until somebody cancels it */
	allow(a, reeve_io_complete(a->r, info.id, below(a, 65536), !once_in(a, 8), &info, &a->err),
		MAY_NOT_FOUND, "io_complete");
	forget(a, info.id.v);
}

void act_io_pull(struct actor *a)
{
	uint32_t i = own_place(a, a->requests, true);
	reeve_io_id id = {board_pick(a, BOARD_REQUEST)};

	switch (below(a, 6)) {
	case 0:
		if (i == OWN_MAX)
			return;
		id.v = a->requests[i];
		a->requests[i] = 0;
		/* others complete it, its session may end */
		allow(a, reeve_io_cancel(a->r, id, NULL, &a->err), MAY_NOT_FOUND,
			"io_cancel of one's own");
		return;
	case 1:
		allow(a, reeve_io_boost(a->r, id, below(a, 5), &a->err),
			MAY_NOT_FOUND | MAY_BE_LATE, "io_boost");
		return;
	case 2:
	case 3:
		perform(a);
		return;
	default:
		submit(a);
	}
}

/* ---- managed ---- */

static bool open_executor(struct actor *a)
{
	struct reeve_io_executor_options o = {.backend = below(a, 3), .threads = 2, .depth = 8};
	int rc;

	if (a->executor)
		return true;
	rc = allow(a, reeve_io_executor_open(a->r, &o, &a->executor, &a->err),
		MAY_FAIL | MAY_EXHAUST, "io_executor_open");
	if (rc)
		a->executor = NULL;
	return rc == 0;
}

static void close_executor(struct actor *a)
{
	reeve_io_executor_close(a->executor);
	a->executor = NULL;
	for (uint32_t i = 0; i < OWN_MAX; i++)
		if (a->job_is_out[i] && a->jobs[i].state != REEVE_IO_COMPLETED &&
			a->jobs[i].state != REEVE_IO_CANCELLED &&
			a->jobs[i].state != REEVE_IO_FAILED)
			fault(a, "a job is not over with its executor", (int)a->jobs[i].state);
	memset(a->job_is_out, 0, sizeof(a->job_is_out));
}

/* The operation decides what types fit. */
static void job_fill(struct actor *a, uint32_t i)
{
	static const uint32_t types[] = {REEVE_IO_READ, REEVE_IO_WRITE, REEVE_IO_SYNC_WRITE};
	struct reeve_io_job *job = &a->jobs[i];

	memset(job, 0, sizeof(*job));
	job->def = io_def(a);
	job->op = below(a, 3);
	job->def.type = types[job->op];
	job->def.offset = below(a, 16) * 4096;
	job->def.size_bytes = job->op == REEVE_IO_OP_FSYNC ? 0 : 4096;
	job->fd = a->fd;
	job->buffer = a->buffer[i];
}

static void wait_job(struct actor *a, uint32_t i)
{
	struct reeve_io_job *job = &a->jobs[i];

	if (once_in(a, 4) && job->id.v)
		allow(a, reeve_io_cancel(a->r, job->id, NULL, &a->err), MAY_NOT_FOUND | MAY_BE_LATE,
			"io_cancel of a job");
	if (allow(a, reeve_io_executor_wait(a->executor, job, soon(a, 20000), &a->err),
		    MAY_TIME_OUT, "io_executor_wait") == 0)
		a->job_is_out[i] = false;
}

void act_io_managed(struct actor *a)
{
	uint32_t i = below(a, OWN_MAX);
	struct reeve_session *s = a->sessions[below(a, SESSIONS_MAX)];
	int rc;

	if (once_in(a, 16)) {
		close_executor(a);
		return;
	}
	if (!open_executor(a))
		return;
	if (a->job_is_out[i]) {
		wait_job(a, i);
		return;
	}
	job_fill(a, i);
	count_try(a, COUNT_IO);
	rc = allow(a,
		reeve_io_executor_submit(
			a->executor, once_in(a, 2) ? s : NULL, any_group(a), &a->jobs[i], &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST | MAY_KILL, "io_executor_submit");
	count_settle(a, COUNT_IO, rc ? IT_IS_REFUSED : IT_IS_DONE);
	a->job_is_out[i] = rc == 0;
	if (rc == 0 && once_in(a, 2))
		wait_job(a, i);
}

/* ---- settings and lists ---- */

void act_io_settings(struct actor *a)
{
	reeve_group_id g = any_group(a);
	struct reeve_io_config c;
	uint32_t device;

	switch (below(a, 5)) {
	case 0:
		allow(a, reeve_io_group_unregister(a->r, g, &a->err), MAY_NOT_FOUND,
			"io_group_unregister");
		return;
	case 1:
		reeve_io_config_get(a->r, &c);
		c.policy = below(a, 4);
		c.max_concurrent = 1 + below(a, 8);
		c.burst_ppm = 1000 + below(a, 1000000);
		allow(a, reeve_io_config_set(a->r, &c, &a->err), 0, "io_config_set");
		return;
	case 2:
		allow(a,
			reeve_io_deadline_set(a->r, below(a, 4), below(a, 5),
				once_in(a, 2) ? REEVE_NEVER : REEVE_USEC * (1 + below(a, 1000)),
				&a->err),
			0, "io_deadline_set");
		return;
	case 3:
		allow(a,
			reeve_io_device_open(
				a->r, once_in(a, 2) ? "/dev/one" : "/dev/two", &device, &a->err),
			0, "io_device_open");
		return;
	default:
		allow(a,
			reeve_io_group_register(a->r, g,
				once_in(a, 2) ? REEVE_UNLIMITED : 1000000 + below(a, 100000000),
				once_in(a, 2) ? REEVE_UNLIMITED : 1000 + below(a, 100000),
				1 + below(a, 1000), &a->err),
			MAY_NOT_FOUND, "io_group_register");
	}
}

void act_io_look(struct actor *a)
{
	static _Thread_local struct reeve_io_group_stats groups[8];
	static _Thread_local struct reeve_io_device_stats devices[4];
	struct reeve_io_request_info infos[8];

	reeve_io_request_copy(a->r, (reeve_io_id){board_pick(a, BOARD_REQUEST)}, infos, 8);
	reeve_io_group_stats_copy(a->r, (reeve_group_id){0}, groups, 8);
	reeve_io_device_stats_copy(a->r, devices, 4);
}

void io_give_back(struct actor *a)
{
	close_executor(a);
	for (uint32_t i = 0; i < OWN_MAX; i++) {
		if (a->requests[i] == 0)
			continue;
		allow(a, reeve_io_cancel(a->r, (reeve_io_id){a->requests[i]}, NULL, &a->err),
			MAY_NOT_FOUND, "io_cancel of one's own");
		a->requests[i] = 0;
	}
}
