/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c - see transfer.h. */
#include "transfer.h"

#include <reeve/io.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* One call never moves more than this (Linux cuts at 2 GiB less a page). */
#define PIECE_MAX ((uint64_t)1 << 30)

static ssize_t run_piece(const struct reeve__transfer *t, uint64_t done)
{
	uint64_t left = t->size_bytes - done;
	size_t size = (size_t)(left < PIECE_MAX ? left : PIECE_MAX);
	off_t at = (off_t)(t->offset + done);

	if (t->op == REEVE_IO_OP_FSYNC)
		return fsync(t->fd);
	if (t->op == REEVE_IO_OP_READ)
		return pread(t->fd, (char *)t->buffer + done, size, at);
	return pwrite(t->fd, (const char *)t->buffer + done, size, at);
}

int64_t reeve__transfer_run(const struct reeve__transfer *t)
{
	uint64_t done = 0;

	for (;;) {
		ssize_t n = run_piece(t, done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return done ? (int64_t)done : -(int64_t)errno;
		done += (uint64_t)n;
		if (n == 0 || done >= t->size_bytes)
			return (int64_t)done; /* all, or the end of the file */
	}
}

/* One call for all; what it leaves undone, each does by itself. */
static int64_t run_vector(const struct reeve__transfer *t, uint32_t n)
{
	struct iovec parts[REEVE__TRANSFER_MANY];
	ssize_t moved;

	for (uint32_t i = 0; i < n; i++)
		parts[i] = (struct iovec){t[i].buffer, (size_t)t[i].size_bytes};
	do {
		moved = t->op == REEVE_IO_OP_READ ? preadv(t->fd, parts, (int)n, (off_t)t->offset)
						  : pwritev(t->fd, parts, (int)n, (off_t)t->offset);
	} while (moved < 0 && errno == EINTR);
	return moved;
}

void reeve__transfer_run_many(const struct reeve__transfer *t, uint32_t n, int64_t *ret_results)
{
	int64_t moved = n > 1 ? run_vector(t, n) : -1;
	uint64_t left = moved > 0 ? (uint64_t)moved : 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t part = left < t[i].size_bytes ? left : t[i].size_bytes;
		left -= part;
		if (part == t[i].size_bytes && part)
			ret_results[i] = (int64_t)part;
		else
			ret_results[i] = reeve__transfer_run(&t[i]);
	}
}

int reeve__thread_start(pthread_t *ret_thread, void *(*fn)(void *arg), void *arg)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all); /* signals are for the caller's own threads */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(ret_thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

#if REEVE_HAVE_URING

#include <liburing.h>

struct reeve__ring {
	struct io_uring ring;
};

struct reeve__ring *reeve__ring_open(uint32_t depth, int *ret_errno)
{
	struct reeve__ring *ring = calloc(1, sizeof(*ring));
	int rc = ring ? io_uring_queue_init(depth, &ring->ring, 0) : -ENOMEM;

	if (rc == 0)
		return ring;
	*ret_errno = -rc;
	free(ring);
	return NULL;
}

void reeve__ring_close(struct reeve__ring *ring)
{
	io_uring_queue_exit(&ring->ring);
	free(ring);
}

bool reeve__ring_submit(struct reeve__ring *ring, const struct reeve__transfer *t, uint64_t label)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);
	unsigned size = (unsigned)(t->size_bytes < PIECE_MAX ? t->size_bytes : PIECE_MAX);

	if (!sqe)
		return false;
	if (t->op == REEVE_IO_OP_FSYNC)
		io_uring_prep_fsync(sqe, t->fd, 0);
	else if (t->op == REEVE_IO_OP_READ)
		io_uring_prep_read(sqe, t->fd, t->buffer, size, t->offset);
	else
		io_uring_prep_write(sqe, t->fd, t->buffer, size, t->offset);
	sqe->user_data = label;
	return io_uring_submit(&ring->ring) >= 0;
}

void reeve__ring_nudge(struct reeve__ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

	if (!sqe)
		return;
	io_uring_prep_nop(sqe);
	sqe->user_data = UINT64_MAX;
	io_uring_submit(&ring->ring);
}

bool reeve__ring_wait(struct reeve__ring *ring, uint64_t *ret_label, int64_t *ret_result)
{
	struct io_uring_cqe *cqe;
	int rc;

	do {
		rc = io_uring_wait_cqe(&ring->ring, &cqe);
	} while (rc == -EINTR || rc == -EAGAIN);
	if (rc < 0)
		return false;
	*ret_label = cqe->user_data;
	*ret_result = cqe->res;
	io_uring_cqe_seen(&ring->ring, cqe);
	return true;
}

#else

struct reeve__ring *reeve__ring_open(uint32_t depth, int *ret_errno)
{
	(void)depth;
	*ret_errno = ENOSYS;
	return NULL;
}

void reeve__ring_close(struct reeve__ring *ring)
{
	(void)ring;
}

bool reeve__ring_submit(struct reeve__ring *ring, const struct reeve__transfer *t, uint64_t label)
{
	(void)ring;
	(void)t;
	(void)label;
	return false;
}

void reeve__ring_nudge(struct reeve__ring *ring)
{
	(void)ring;
}

bool reeve__ring_wait(struct reeve__ring *ring, uint64_t *ret_label, int64_t *ret_result)
{
	(void)ring;
	(void)ret_label;
	(void)ret_result;
	return false;
}

#endif
