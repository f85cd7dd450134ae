/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover.c - a degraded segment put right: everything derived is rebuilt from what is primary, and
 * when a check of the whole then finds nothing, limits are enforced again.
 *
 *	READY -> DEGRADED -> RECOVERING -> READY       all in order
 *	                         |  ^
 *	                         v  |                  primary state is damaged too; or the one that
 *	                      DEGRADED                 recovered died, and another does it again
 *
 * While it recovers nobody is held back, as while it is degraded; statements come to the scheduler at
 * their next checkpoint after it is READY.
 */
#include "admission.h"
#include "cpu.h"
#include "io.h"
#include "memory.h"
#include "parallel.h"

#include <stdio.h>

/* What each lock's recovery rebuilds, in the order of ranks. */
static void rebuild_all(struct reeve *r)
{
	struct reeve__parallel_pass parallel;
	struct reeve__cpu_pass x;
	struct reeve__io_pass io;

	(void)reeve__lock_acquire(&r->header->admin);
	reeve__table_rebuild(r, &r->header->attachments, 0);
	reeve__catalog_lock(r);
	reeve__catalog_recover_locked(r);
	reeve__sessions_lock(r);
	reeve__sessions_recover_locked(r);
	reeve__parallel_lock(&parallel, r);
	reeve__parallel_rebuild(&parallel);
	reeve__parallel_unlock(&parallel);
	reeve__put(&r->memory->rebuild, 1);
	reeve__memory_lock(r);
	reeve__memory_unlock(r);
	reeve__cpu_begin(&x, r);
	reeve__cpu_rebuild(&x);
	reeve__cpu_unlock(&x);
	reeve__io_lock(&io, r);
	reeve__io_rebuild(&io);
	reeve__io_unlock(&io);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__lock_release(&r->header->admin);
	reeve__parallel_wake(&parallel);
	reeve__cpu_wake(&x);
	reeve__io_wake(&io);
}

int reeve__validate_all(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	int n = reeve__attachment_validate(r, found, arg);

	n += reeve__model_validate(r, found, arg);
	n += reeve__session_validate(r, found, arg);
	n += reeve__session_pool_validate(r, found, arg);
	n += reeve__admission_validate(r, found, arg);
	n += reeve__cpu_validate(r, found, arg);
	n += reeve__event_validate(r, found, arg);
	n += reeve__memory_validate(r, found, arg);
	n += reeve__io_validate(r, found, arg);
	n += reeve__parallel_validate(r, found, arg);
	return n;
}

struct first {
	char text[160];
};

static void keep_first(void *arg, const char *fault)
{
	struct first *first = arg;

	if (!*first->text)
		snprintf(first->text, sizeof(first->text), "%s", fault);
}

int reeve__segment_recover(struct reeve *r, struct reeve_error *err)
{
	uint32_t degraded = REEVE_SEGMENT_DEGRADED, recovering = REEVE_SEGMENT_RECOVERING;
	_Atomic uint32_t *state = &r->header->state;
	struct first first = {""};
	int n;

	if (!atomic_compare_exchange_strong(state, &degraded, recovering) &&
		degraded != REEVE_SEGMENT_RECOVERING)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"the segment is not degraded; there is nothing to recover");
	rebuild_all(r);
	n = reeve__validate_all(r, keep_first, &first);
	if (n) {
		reeve__text_copy(r->header->fault, sizeof(r->header->fault), first.text);
		(void)atomic_compare_exchange_strong(
			state, &recovering, (uint32_t)REEVE_SEGMENT_DEGRADED);
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%d faults are left, the first: %.160s; make a new segment", n, first.text);
	}
	if (atomic_compare_exchange_strong(state, &recovering, (uint32_t)REEVE_SEGMENT_READY)) {
		memset(r->header->fault, 0, sizeof(r->header->fault));
		reeve__add(&r->cpu_more->recoveries, 1);
	}
	reeve__cpu_announce(r);
	return 0;
}
