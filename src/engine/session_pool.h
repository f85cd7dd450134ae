/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_pool.h - what the files of session pools share: how words are read. The protocol is told in session_pool.c.
 */
#ifndef REEVE_ENGINE_SESSION_POOL_H
#define REEVE_ENGINE_SESSION_POOL_H

#include "engine.h"

#define COUNT_MASK  UINT64_C(0xffffffff)
#define EPOCH_SHIFT 32u
#define EPOCH_MASK  UINT64_C(0xffffff)
#define LIMITED	    (UINT64_C(1) << 56)
#define WAITERS	    (UINT64_C(1) << 57)
#define CLOSED	    (UINT64_C(1) << 58)
#define DEFAULTS    (UINT64_C(1) << 60) /* there is a default execution limit */
#define FLAGS	    (LIMITED | RULES | DEFAULTS)
#define RULES	    REEVE__SESSION_POOL_RULES

/* States of a session's place. */
enum { NO_PLACE, PENDING, HELD, RELEASING, WAITING };

static inline uint64_t place(uint32_t state, uint32_t group)
{
	return (uint64_t)state << 32 | group;
}

static inline uint32_t state_of(uint64_t at)
{
	return (uint32_t)(at >> 32);
}

/* Group slot of a place; one that cannot exist reads as the first. */
static inline uint32_t group_of(const struct reeve *r, uint64_t at)
{
	return (uint32_t)at < r->group_capacity ? (uint32_t)at : 0;
}

static inline uint32_t count_of(uint64_t word)
{
	return (uint32_t)(word & COUNT_MASK);
}

static inline uint32_t sessions_used(const struct reeve *r)
{
	return reeve__table_used(&r->header->sessions);
}

static inline struct reeve_sh_task *task_of(
	const struct reeve *r, const struct reeve_sh_session *sh)
{
	uint32_t task = reeve__get(&sh->task); /* once: its owner may let go of it meanwhile */

	return task < r->header->tasks.capacity ? &r->tasks[task] : NULL;
}

/* session_pool.c; the lock of pools is held. */
void reeve__session_pool_add(struct reeve_sh_session_pool *p, int by);
void reeve__session_pool_count_anew(
	struct reeve__session_pool_pass *x, uint32_t group, uint64_t flags);
bool reeve__session_pool_mark(struct reeve *r, struct reeve_sh_session *sh, uint32_t group);
bool reeve__session_pool_runs_uncounted(
	const struct reeve *r, const struct reeve_sh_session *sh, uint32_t group);
void reeve__session_pool_follow(struct reeve__session_pool_pass *x);
const struct reeve_sh_session_pool_config *reeve__session_pool_config_of(
	const struct reeve_sh_session_pool *p, uint64_t activation);
/* session_queue.c; the lock of pools is held. */
void reeve__session_queue_insert(
	struct reeve__session_pool_pass *x, uint32_t session, uint32_t group);
void reeve__session_queue_hand_over(struct reeve__session_pool_pass *x, uint32_t group);

#endif
