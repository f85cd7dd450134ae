/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.c - robust locks of the segment.
 *
 * Built on POSIX robust mutexes: when the owner dies, the kernel hands the lock to the next waiter
 * with EOWNERDEAD (set_robust_list(2)). A checking build also keeps the stack of locks that the
 * thread holds, and refuses any order but rising ranks, so that no cycle of waits can exist.
 */
#include "segment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#if REEVE_CHECKED
#define HELD_MAX 8
static _Thread_local const struct reeve_sh_lock *held[HELD_MAX];
static _Thread_local unsigned held_count;

static void note_acquired(const struct reeve_sh_lock *lock)
{
	if (held_count && held[held_count - 1]->rank >= lock->rank) {
		fprintf(stderr, "reeve: lock of rank %u taken while holding rank %u\n", lock->rank,
			held[held_count - 1]->rank);
		abort();
	}
	if (held_count == HELD_MAX)
		abort();
	held[held_count++] = lock;
}

static void note_released(const struct reeve_sh_lock *lock)
{
	if (!held_count || held[held_count - 1] != lock) {
		fprintf(stderr, "reeve: lock of rank %u released out of order\n", lock->rank);
		abort();
	}
	held_count--;
}

void reeve__lock_assert(const struct reeve_sh_lock *lock)
{
	for (unsigned i = 0; i < held_count; i++)
		if (held[i] == lock)
			return;
	fprintf(stderr, "reeve: lock of rank %u is not held\n", lock->rank);
	abort();
}

void reeve__lock_assert_none(void)
{
	if (held_count == 0 || held[held_count - 1]->rank == REEVE_RANK_ADMIN)
		return;
	fprintf(stderr, "reeve: somebody is woken while the lock of rank %u is held\n",
		held[held_count - 1]->rank);
	abort();
}
#else
#define note_acquired(lock) ((void)(lock))
#define note_released(lock) ((void)(lock))
#endif

void reeve__lock_init(struct reeve_sh_lock *lock, uint32_t rank)
{
	pthread_mutexattr_t attr;

	memset(lock, 0, sizeof(*lock));
	lock->rank = rank;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&lock->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* The lock is had; whether its last owner died with it. */
static bool take_over(struct reeve_sh_lock *lock, int rc)
{
	note_acquired(lock);
	if (REEVE_LIKELY(rc == 0))
		return false;
	/* EOWNERDEAD; anything else means the mutex itself is damaged, which rebuilding mends. */
	if (rc == EOWNERDEAD)
		pthread_mutex_consistent(&lock->mutex);
	reeve__add(&lock->recoveries, 1);
	return true;
}

bool reeve__lock_acquire(struct reeve_sh_lock *lock)
{
	return take_over(lock, pthread_mutex_lock(&lock->mutex));
}

bool reeve__lock_try(struct reeve_sh_lock *lock, bool *ret_died)
{
	int rc = pthread_mutex_trylock(&lock->mutex);

	if (rc == EBUSY)
		return false;
	*ret_died = take_over(lock, rc);
	return true;
}

void reeve__lock_release(struct reeve_sh_lock *lock)
{
	note_released(lock);
	pthread_mutex_unlock(&lock->mutex);
}
