/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_executor.c - managed requests: performed by threads that the caller has reeve start.
 *
 * A managed request waits in the admission queue like any other. Whoever grants it, in whatever
 * process, puts it into its executor's list and bumps the executor's word, on which its threads sleep.
 * With blocking calls each thread takes one request up, performs it and ends it. With io_uring one
 * thread takes up and submits, another waits for the ring and ends.
 */
#include "io.h"

#include "../host/transfer.h"

#include <errno.h>
#include <stdlib.h>

#define THREADS_MAX 256u

/*
 * REFUSING: nothing is submitted any more. LEAVING: what waited is in the list, and threads go when that
 * is empty.
 */
enum closing { OPEN, REFUSING, LEAVING };

struct reeve_io_executor {
	struct reeve *r;
	uint32_t slot; /* in the segment */
	uint32_t backend, threads, depth;
	_Atomic uint32_t closing;   /* enum closing */
	struct reeve_io_job **jobs; /* by request slot, until taken up; under the I/O lock */
	struct reeve__ring *ring;
	pthread_mutex_t ring_lock; /* submissions, in_ring */
	pthread_cond_t ring_room;
	uint32_t in_ring;
	pthread_t ids[THREADS_MAX + 1];
};

static struct reeve_sh_io_executor *row_of(const struct reeve_io_executor *ex)
{
	return &ex->r->io_executors[ex->slot];
}

/* ---- taking up and ending ---- */

/* Takes the first granted request off the list; NULL: there is none. I/O lock. */
static struct reeve_io_job *take_locked(struct reeve_io_executor *ex, struct reeve__io_pass *x)
{
	struct reeve_sh_io_executor *e = row_of(ex);

	while (e->first < x->io->requests.capacity) {
		uint32_t i = e->first;
		struct reeve_io_job *job = ex->jobs[i];
		x->r->io_requests[i].flags |= REEVE_IO_FLAG_TAKEN; /* recovery lists it no more */
		e->first = x->r->io_requests[i].next;
		if (e->first >= x->io->requests.capacity)
			e->first = e->last = REEVE_NONE;
		ex->jobs[i] = NULL;
		if (job) /* NULL: nothing of this executor's */
			return job;
	}
	return NULL;
}

/* The job is its owner's again. */
static void hand_back(struct reeve_io_executor *ex, struct reeve_io_job *job)
{
	_Atomic uint32_t *over = (_Atomic uint32_t *)&job->is_over;

	atomic_store(over, 1);
	reeve__wake(ex->r, &job->is_over);
}

/* Ends a job whose transfer gave `result`. */
static void end_job(struct reeve_io_executor *ex, struct reeve_io_job *job, int64_t result)
{
	struct reeve__io_pass x;

	job->result = result;
	job->state = result == -ECANCELED ? REEVE_IO_CANCELLED
		     : result < 0	  ? REEVE_IO_FAILED
					  : REEVE_IO_COMPLETED;
	reeve__io_lock(&x, ex->r);
	reeve__io_finish(&x, job->slot, job->state, result > 0 ? (uint64_t)result : 0);
	reeve__io_dispatch(&x, 1);
	reeve__io_done(&x);
	hand_back(ex, job);
}

static bool is_cancelled(const struct reeve_io_executor *ex, const struct reeve_io_job *job)
{
	return reeve__get(&ex->r->io_requests[job->slot].state) == REEVE_IO_CANCELLED;
}

/* When this executor's threads look by themselves: when one of its requests is the watchman. */
static reeve_ns look_at(struct reeve_io_executor *ex, struct reeve__io_pass *x)
{
	uint32_t w = x->io->watchman;

	if (w < x->io->requests.capacity && ex->r->io_requests[w].executor == ex->slot) {
		x->io->watch_ns = reeve__io_next_look(x);
		return (reeve_ns)x->io->watch_ns;
	}
	return x->io->queues[REEVE_IO_QUEUE_ADMIT].count ? (reeve_ns)(x->now + REEVE_LOOK_UP_NS)
							 : REEVE_NEVER;
}

/* Whether the first granted request goes on where `last` ends, so that one call does both. */
static bool next_adjoins(const struct reeve_io_executor *ex, const struct reeve_io_job *last)
{
	uint32_t i = row_of(ex)->first;
	const struct reeve_io_job *job;

	job = i < ex->r->header->io.requests.capacity ? ex->jobs[i] : NULL;
	return job && last->op != REEVE_IO_OP_FSYNC && job->op == last->op && job->fd == last->fd &&
	       last->def.size_bytes && job->def.offset == last->def.offset + last->def.size_bytes &&
	       !is_cancelled(ex, job) && !is_cancelled(ex, last);
}

/*
 * The next granted requests, up to `most` that lie end to end; sleeps until there is one. Returns how
 * many; 0: the executor is closing.
 */
static uint32_t take(struct reeve_io_executor *ex, struct reeve_io_job **ret_jobs, uint32_t most)
{
	struct reeve *r = ex->r;
	struct reeve__io_pass x;

	for (;;) {
		uint32_t word = atomic_load(&row_of(ex)->word);
		bool leaving = atomic_load(&ex->closing) == LEAVING; /* before the list is read */
		uint32_t n = 0;
		reeve_ns at;
		reeve__io_lock(&x, r);
		reeve__io_dispatch(&x, 8);
		if ((ret_jobs[0] = take_locked(ex, &x)))
			n = 1;
		while (n && n < most && next_adjoins(ex, ret_jobs[n - 1]))
			ret_jobs[n++] = take_locked(ex, &x);
		if (n > 1)
			x.io->merged += n;
		at = look_at(ex, &x);
		reeve__io_done(&x);
		if (n || leaving)
			return n;
		r->host->wait(r->host->self, (uint32_t *)&row_of(ex)->word, word, at);
		reeve__reap_if_due(r);
	}
}

static struct reeve__transfer transfer_of(const struct reeve_io_job *job, uint64_t done)
{
	return (struct reeve__transfer){job->op, job->fd,
		job->buffer ? (char *)job->buffer + done : NULL, job->def.size_bytes - done,
		job->def.offset + done};
}

/* ---- blocking calls ---- */

static void perform(struct reeve_io_executor *ex, struct reeve_io_job **jobs, uint32_t n)
{
	struct reeve__transfer transfers[REEVE__TRANSFER_MANY];
	int64_t results[REEVE__TRANSFER_MANY];

	if (is_cancelled(ex, jobs[0])) {
		end_job(ex, jobs[0], -ECANCELED);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		transfers[i] = transfer_of(jobs[i], 0);
	reeve__transfer_run_many(transfers, n, results);
	for (uint32_t i = 0; i < n; i++)
		end_job(ex, jobs[i], results[i]);
}

static void *run_thread(void *arg)
{
	struct reeve_io_executor *ex = arg;
	struct reeve_io_job *jobs[REEVE__TRANSFER_MANY];
	uint32_t n;

	while ((n = take(ex, jobs, REEVE__TRANSFER_MANY)))
		perform(ex, jobs, n);
	return NULL;
}

/* ---- io_uring ---- */

/* Bytes of a job that are moved already are kept in its result meanwhile. */
static void feed_ring(struct reeve_io_executor *ex, struct reeve_io_job *job)
{
	struct reeve__transfer t = transfer_of(job, (uint64_t)job->result);

	pthread_mutex_lock(&ex->ring_lock);
	while (ex->in_ring >= ex->depth ||
		!reeve__ring_submit(ex->ring, &t, (uint64_t)(uintptr_t)job))
		pthread_cond_wait(&ex->ring_room, &ex->ring_lock);
	ex->in_ring++;
	pthread_mutex_unlock(&ex->ring_lock);
}

static void *run_feeder(void *arg)
{
	struct reeve_io_executor *ex = arg;
	struct reeve_io_job *job;

	while (take(ex, &job, 1)) {
		job->result = 0;
		if (is_cancelled(ex, job))
			end_job(ex, job, -ECANCELED);
		else
			feed_ring(ex, job);
	}
	pthread_mutex_lock(&ex->ring_lock);
	while (ex->in_ring)
		pthread_cond_wait(&ex->ring_room, &ex->ring_lock);
	reeve__ring_nudge(ex->ring);
	pthread_mutex_unlock(&ex->ring_lock);
	return NULL;
}

/* A short transfer goes on where it stopped; true when it does. */
static bool goes_on(struct reeve_io_executor *ex, struct reeve_io_job *job, int64_t result)
{
	struct reeve__transfer t;
	bool on = false;

	if (result == -EINTR || result == -EAGAIN)
		result = 0;
	else if (result <= 0 || job->op == REEVE_IO_OP_FSYNC)
		return false;
	if ((uint64_t)(job->result + result) >= job->def.size_bytes)
		return false;
	job->result += result;
	t = transfer_of(job, (uint64_t)job->result);
	pthread_mutex_lock(&ex->ring_lock);
	on = reeve__ring_submit(ex->ring, &t, (uint64_t)(uintptr_t)job);
	pthread_mutex_unlock(&ex->ring_lock);
	if (!on)
		job->result -= result;
	return on;
}

static void *run_reaper(void *arg)
{
	struct reeve_io_executor *ex = arg;
	uint64_t label;
	int64_t result;

	while (reeve__ring_wait(ex->ring, &label, &result) && label != UINT64_MAX) {
		struct reeve_io_job *job = (struct reeve_io_job *)(uintptr_t)label;
		/* What the submitting thread wrote came by the kernel; the lock says so in C, too. */
		pthread_mutex_lock(&ex->ring_lock);
		pthread_mutex_unlock(&ex->ring_lock);
		if (goes_on(ex, job, result))
			continue;
		if (result >= 0 || job->result > 0) /* what an earlier piece has moved counts */
			result = job->result + (result > 0 ? result : 0);
		end_job(ex, job, result);
		pthread_mutex_lock(&ex->ring_lock);
		ex->in_ring--;
		pthread_cond_broadcast(&ex->ring_room);
		pthread_mutex_unlock(&ex->ring_lock);
	}
	return NULL;
}

/* ---- open and close ---- */

static int check_options(const struct reeve_io_executor_options *o, struct reeve_error *err)
{
	if (o->backend > REEVE_IO_THREADS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"backend is %u; allowed are 0 (auto), 1 (io_uring) and 2 (threads)",
			o->backend);
	if (o->threads > THREADS_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"threads is %u; allowed are 1 to %u, or 0 for 8", o->threads, THREADS_MAX);
	if (o->depth > REEVE_IO_CONCURRENT_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"depth is %u; allowed are 1 to %u, or 0 for 128", o->depth,
			REEVE_IO_CONCURRENT_MAX);
	return 0;
}

static int open_backend(struct reeve_io_executor *ex, uint32_t backend, struct reeve_error *err)
{
	int why = 0;

	ex->backend = REEVE_IO_THREADS;
	if (backend == REEVE_IO_THREADS)
		return 0;
	ex->ring = reeve__ring_open(ex->depth, &why);
	if (ex->ring)
		ex->backend = REEVE_IO_URING;
	else if (backend == REEVE_IO_URING)
		return reeve__fail(err, REEVE_ESYSTEM, "io_uring: %s", strerrordesc_np(why));
	return 0;
}

static int claim_row(struct reeve_io_executor *ex, struct reeve_error *err)
{
	struct reeve__io_pass x;
	struct reeve_sh_table *table = &ex->r->io->executors;

	reeve__io_lock(&x, ex->r);
	ex->slot = reeve__table_claim(ex->r, table);
	if (ex->slot != REEVE_NONE) {
		struct reeve_sh_io_executor *e = row_of(ex);
		reeve__put(&e->word, 0);
		e->attachment = ex->r->attachment;
		e->first = e->last = REEVE_NONE;
		reeve__table_publish(ex->r, table, ex->slot, x.io->next_executor_id++, NULL);
	}
	reeve__io_done(&x);
	return ex->slot != REEVE_NONE ? 0
				      : reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
						"the table of I/O executors is full: %u of %u",
						reeve__get(&table->live), table->capacity);
}

static void free_executor(struct reeve_io_executor *ex)
{
	if (ex->ring)
		reeve__ring_close(ex->ring);
	pthread_mutex_destroy(&ex->ring_lock);
	pthread_cond_destroy(&ex->ring_room);
	free(ex->jobs);
	free(ex);
}

/* What waits is cancelled; what is granted is performed. */
static void cancel_waiting(struct reeve_io_executor *ex)
{
	struct reeve *r = ex->r;
	struct reeve__io_pass x;

	reeve__io_lock(&x, r);
	for (uint32_t i = 0; i < reeve__table_used(&x.io->requests); i++) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		if (reeve__get(&q->head.state) != REEVE_SLOT_LIVE ||
			q->kind != REEVE_IO_KIND_MANAGED || q->executor != ex->slot ||
			reeve__get(&q->state) != REEVE_IO_QUEUED)
			continue;
		reeve__io_policy_remove(reeve__io_view_of(&x, REEVE_IO_QUEUE_ADMIT), i);
		if (x.io->watchman == i)
			x.io->watchman = REEVE_NONE;
		reeve__put(&q->state, REEVE_IO_CANCELLED);
		reeve__io_notify(&x, i);
	}
	reeve__io_done(&x);
}

static void end_threads(struct reeve_io_executor *ex)
{
	atomic_store(&ex->closing, REFUSING);
	cancel_waiting(ex);
	atomic_store(&ex->closing, LEAVING);
	atomic_fetch_add(&row_of(ex)->word, 1);
	reeve__wake(ex->r, (uint32_t *)&row_of(ex)->word);
	for (uint32_t i = 0; i < ex->threads; i++)
		pthread_join(ex->ids[i], NULL);
}

static void free_row(struct reeve_io_executor *ex)
{
	struct reeve__io_pass x;

	reeve__io_lock(&x, ex->r);
	reeve__table_free(ex->r, &x.io->executors, ex->slot, NULL);
	reeve__io_done(&x);
}

static int start_threads(struct reeve_io_executor *ex, uint32_t threads, struct reeve_error *err)
{
	bool ring = ex->backend == REEVE_IO_URING;
	uint32_t want = ring ? 2 : threads;

	while (ex->threads < want) {
		void *(*fn)(void *) = !ring ? run_thread : ex->threads ? run_reaper : run_feeder;
		int why = reeve__thread_start(&ex->ids[ex->threads], fn, ex);
		if (why == 0) {
			ex->threads++;
			continue;
		}
		end_threads(ex);
		return reeve__fail(err, REEVE_ESYSTEM, "cannot start thread %u of %u: %s",
			ex->threads + 1, want, strerrordesc_np(why));
	}
	return 0;
}

int reeve__io_executor_open(struct reeve *r, const struct reeve_io_executor_options *options,
	struct reeve_io_executor **ret, struct reeve_error *err)
{
	static const struct reeve_io_executor_options usual = {0, 0, 0};
	const struct reeve_io_executor_options *o = options ? options : &usual;
	struct reeve_io_executor *ex;
	int rc = check_options(o, err);

	if (rc)
		return rc;
	ex = calloc(1, sizeof(*ex));
	if (ex)
		ex->jobs = calloc(r->header->io.requests.capacity, sizeof(ex->jobs[0]));
	if (!ex || !ex->jobs) {
		free(ex);
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	}
	ex->r = r;
	ex->depth = o->depth ? o->depth : 128;
	pthread_mutex_init(&ex->ring_lock, NULL);
	pthread_cond_init(&ex->ring_room, NULL);
	rc = open_backend(ex, o->backend, err);
	if (!rc)
		rc = claim_row(ex, err);
	if (!rc) {
		rc = start_threads(ex, o->threads ? o->threads : 8, err);
		if (rc)
			free_row(ex);
	}
	if (rc) {
		free_executor(ex);
		return rc;
	}
	*ret = ex;
	return 0;
}

void reeve__io_executor_close(struct reeve_io_executor *ex)
{
	end_threads(ex);
	free_row(ex);
	free_executor(ex);
}

uint32_t reeve__io_executor_backend(const struct reeve_io_executor *ex)
{
	return ex->backend;
}

/* ---- jobs ---- */

static int check_job(struct reeve *r, const struct reeve_io_job *job, struct reeve_error *err)
{
	static const uint32_t fits[] = {
		[REEVE_IO_OP_READ] = 1u << REEVE_IO_READ | 1u << REEVE_IO_METADATA,
		[REEVE_IO_OP_WRITE] = 1u << REEVE_IO_WRITE | 1u << REEVE_IO_SYNC_WRITE,
		[REEVE_IO_OP_FSYNC] =
			1u << REEVE_IO_WRITE | 1u << REEVE_IO_SYNC_WRITE | 1u << REEVE_IO_METADATA,
	};
	int rc = reeve__io_check_def(r, &job->def, err);

	if (rc)
		return rc;
	if (job->op > REEVE_IO_OP_FSYNC)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"op is %u; allowed are 0 (read), 1 (write) and 2 (fsync)", job->op);
	if (!(fits[job->op] & 1u << job->def.type))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"requestType %u does not fit op %u", job->def.type, job->op);
	if (job->fd < 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "fd is %d; allowed are 0 and up", job->fd);
	if (!job->buffer && job->def.size_bytes && job->op != REEVE_IO_OP_FSYNC)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "buffer is NULL");
	if (job->def.offset > INT64_MAX - REEVE_IO_SIZE_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"offset is %llu; allowed are 0 to %llu",
			(unsigned long long)job->def.offset,
			(unsigned long long)(INT64_MAX - REEVE_IO_SIZE_MAX));
	return 0;
}

int reeve__io_executor_submit(struct reeve_io_executor *ex, struct reeve_session *s,
	reeve_group_id group, struct reeve_io_job *job, struct reeve_error *err)
{
	struct reeve *r = ex->r;
	struct reeve__io_pass x;
	uint32_t g = 0, i = REEVE_NONE;
	int rc = check_job(r, job, err);

	if (!rc && s && s->r != r)
		rc = reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"the session is of another attachment than the executor");
	if (!rc && !s)
		rc = reeve__io_find_group(r, group, &g, err);
	if (rc)
		return rc;
	reeve__io_lock(&x, r);
	if (atomic_load(&ex->closing))
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "the executor is closing");
	else
		rc = reeve__io_group_of(&x, s, group, &g, err);
	if (!rc)
		i = reeve__io_request_create(&x, &job->def, REEVE_IO_KIND_MANAGED, g,
			s ? s->task : REEVE_NONE, ex->slot);
	if (i != REEVE_NONE) {
		job->id.v = r->io_requests[i].head.id;
		job->slot = i;
		job->state = REEVE_IO_QUEUED;
		job->result = 0;
		job->is_over = 0;
		ex->jobs[i] = job;
		reeve__io_enqueue(&x, i);
		reeve__io_dispatch(&x, 8);
	}
	reeve__io_done(&x);
	return rc || i != REEVE_NONE ? rc : reeve__io_table_full(r, err);
}

int reeve__io_executor_wait(struct reeve_io_executor *ex, struct reeve_io_job *job,
	reeve_ns give_up, struct reeve_error *err)
{
	struct reeve *r = ex->r;
	_Atomic uint32_t *over = (_Atomic uint32_t *)&job->is_over;

	while (!atomic_load(over)) {
		if (give_up != REEVE_NEVER && reeve__mono(r) >= give_up)
			return reeve__fail(err, REEVE_ETIMEOUT, "I/O request %llu is not over yet",
				(unsigned long long)job->id.v);
		r->host->wait(r->host->self, &job->is_over, 0, give_up);
	}
	return 0;
}
