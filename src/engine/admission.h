/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admission.h - statements of sessions, admitted by ids to all that they need; contracts are in
 * reeve/manager.h, the idea in admission.c.
 */
#ifndef REEVE_ENGINE_ADMISSION_H
#define REEVE_ENGINE_ADMISSION_H

#include "engine.h"

#include <reeve/manager.h>

/* What a change leaves to be woken when no lock is held. One that does not fit looks up by itself. */
struct reeve__admission_pass {
	struct reeve *r;
	uint32_t tasks, executors;
	uint32_t task[24], executor[8];
};
void reeve__admission_wake(struct reeve__admission_pass *p);

int reeve__admission_begin(struct reeve *r, reeve_session_id session,
	const struct reeve_admission_def *def, struct reeve_admission_info *ret,
	struct reeve_error *err);
int reeve__admission_end(
	struct reeve *r, reeve_admission_id id, const char *failure, struct reeve_error *err);
int reeve__admission_get(struct reeve *r, reeve_admission_id id, struct reeve_admission_info *ret,
	struct reeve_error *err);
uint32_t reeve__admission_copy(struct reeve *r, reeve_admission_id after, uint32_t flags,
	struct reeve_admission_info *ret, uint32_t capacity);
/* Housekeeping: who has come to his turn goes on. No lock held. */
void reeve__admissions_look(struct reeve *r);

/* ---- under the session lock ---- */

/*
 * What was admitted for a session, if anything: over, because its statement is (`code` 0), or was
 * stopped for that reason. Gives back everything but the statement's phase and place, which are the
 * caller's to leave before.
 */
void reeve__admission_drop_locked(struct reeve__admission_pass *p, uint32_t session, int code);
/* Its CPU task follows its session to another group, and gets its priority. */
void reeve__admission_follow_locked(struct reeve *r, uint32_t session);
void reeve__admission_rank_locked(struct reeve *r, uint32_t session, uint32_t rank);
/* What was reported of it, by REEVE__RULE_...; false: it has no CPU task. */
bool reeve__admission_use(const struct reeve *r, uint32_t session, uint64_t *used);
/* Slot of the running CPU task of an admission. NOT_FOUND, INVALID_STATE. */
int reeve__admission_task_locked(
	struct reeve *r, reeve_admission_id id, uint32_t *ret_task, struct reeve_error *err);
/* Ends those that a death has left half done. */
void reeve__admissions_recover_locked(struct reeve *r);

/* Takes the session lock. */
int reeve__admission_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

/* ---- between the files of this module; under the session lock, but for _finish ---- */

/* What one section under the lock leaves to be done without it. */
struct reeve__admission_after {
	struct reeve__admission_pass p;
	struct reeve__session_pool_pass pool;
	struct reeve__cpu_pass cpu;
	uint32_t left; /* session whose statement is over; REEVE_NONE: none */
};
#define REEVE__ADMISSION_AFTER(r_)                                                                 \
	{                                                                                          \
		.p = {.r = (r_)}, .pool = {.r = (r_)}, .cpu = {.r = (r_)}, .left = REEVE_NONE      \
	}
void reeve__admission_finish(struct reeve__admission_after *f);

/* Row of what is under way for a session; its CPU task. REEVE_NONE: none. */
uint32_t reeve__admission_row(const struct reeve *r, uint32_t session);
uint32_t reeve__admission_cpu_task(const struct reeve *r, const struct reeve_sh_admission *a);
/* Whether it waits for a place or for servers. */
bool reeve__admission_waits(const struct reeve_sh_admission *a);
/* NOT_FOUND; with `live` also INVALID_STATE: it is over. */
int reeve__admission_find_locked(
	struct reeve *r, reeve_admission_id id, bool live, uint32_t *ret, struct reeve_error *err);
/* Describes one. */
void reeve__admission_fill(struct reeve *r, uint32_t i, struct reeve_admission_info *ret);
/* One that waits: takes the rest if its turn has come, and fails when that is refused. */
void reeve__admission_advance(struct reeve__admission_after *f, uint32_t i);
/* LIVE to ENDED: everything back. The statement's phase and place have been left. */
void reeve__admission_end_row(
	struct reeve__admission_pass *p, uint32_t i, int code, const char *failure);

#endif
