/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap.c - attachments, and returning what dead processes held.
 *
 * An attachment is known dead when its process is gone, is a zombie, or has another start time
 * (pids are reused). Any attached process may reap: reeve_tick does, and so does whoever has waited
 * a while. The admin lock is held throughout, so that a reaper that dies is followed by another,
 * which starts over: every step is idempotent.
 */
#include "engine.h"
#include "io.h"
#include "parallel.h"

#define REAP_PERIOD_NS ((uint64_t)200000000)

static void admin_lock(struct reeve *r)
{
	if (REEVE_UNLIKELY(reeve__lock_acquire(&r->header->admin)))
		reeve__table_rebuild(r, &r->header->attachments, 0);
}

/* The same, unless somebody has the lock: false. */
static bool admin_try_lock(struct reeve *r)
{
	bool died = false;

	if (!reeve__lock_try(&r->header->admin, &died))
		return false;
	if (REEVE_UNLIKELY(died))
		reeve__table_rebuild(r, &r->header->attachments, 0);
	return true;
}

int reeve__attachment_claim(struct reeve *r, const char *name, struct reeve_error *err)
{
	struct reeve_sh_table *table = &r->header->attachments;
	int32_t pid = r->host->process_id(r->host->self);
	uint64_t start = r->host->process_start(r->host->self, pid);
	struct reeve_sh_attachment *a;
	uint32_t i = REEVE_NONE;

	admin_lock(r);
	i = reeve__table_claim(r, table);
	if (i == REEVE_NONE) {
		int rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of attachments is full: %u of %u", reeve__get(&table->live),
			table->capacity);
		reeve__lock_release(&r->header->admin);
		return rc;
	}
	a = &r->attachments[i];
	reeve__put(&a->pid, pid);
	reeve__put(&a->start_ticks, start);
	a->attached_wall = reeve__wall(r);
	reeve__put(&a->sessions, 0);
	reeve__text_copy(a->name, sizeof(a->name), name);
	REEVE_POINT(ATTACH_CLAIMED);
	reeve__table_publish(r, table, i, r->header->next_attachment_id++, NULL);
	r->attachment = i;
	reeve__lock_release(&r->header->admin);
	return 0;
}

/* Everything an attachment holds: its sessions, and tasks that a death left without session. */
static uint32_t return_holdings(struct reeve *r, uint32_t attachment, uint32_t reason)
{
	uint32_t i, n = 0;

	for (i = 0; (i = reeve__session_reap(r, attachment, i, reason)) != REEVE_NONE; i++) {
		REEVE_POINT(REAP_SESSION);
		n++;
	}
	for (i = 0; (i = reeve__task_reap(r, attachment, i)) != REEVE_NONE; i++)
		;
	reeve__memory_reap(r, attachment);
	reeve__io_reap(r, attachment);
	(void)reeve__parallel_reap(r, attachment);
	return n;
}

static void free_attachment(struct reeve *r, uint32_t i)
{
	reeve__table_free(r, &r->header->attachments, i, NULL);
}

void reeve__attachment_leave(struct reeve *r)
{
	if (r->attachment == REEVE_NONE)
		return;
	admin_lock(r);
	return_holdings(r, r->attachment, REEVE_END_SHUTDOWN);
	free_attachment(r, r->attachment);
	reeve__lock_release(&r->header->admin);
	r->attachment = REEVE_NONE;
}

/* Looks without the lock; a death is looked at again with it. */
static bool is_dead(struct reeve *r, uint32_t i)
{
	const struct reeve_sh_attachment *a = &r->attachments[i];

	return atomic_load(&a->head.state) == REEVE_SLOT_LIVE &&
	       !r->host->process_alive(
		       r->host->self, reeve__get(&a->pid), reeve__get(&a->start_ticks));
}

/*
 * One look at all attachments. Who may not wait leaves the dead to whoever has the lock, and to the
 * next look: a reaper that was stopped in the middle must not stop everybody else.
 */
static void look_for_dead(struct reeve *r, bool may_wait, struct reeve_tick_report *ret)
{
	struct reeve_sh_table *table = &r->header->attachments;
	uint32_t sessions = 0, attachments = 0;

	for (uint32_t i = 0; i < reeve__table_used(table); i++) {
		if (i == r->attachment || !is_dead(r, i))
			continue;
		if (may_wait)
			admin_lock(r);
		else if (!admin_try_lock(r))
			return;
		if (is_dead(r, i)) {
			REEVE_POINT(REAP_CLAIMED);
			uint32_t n = return_holdings(r, i, REEVE_END_PROCESS_DIED);
			struct reeve_event e = {.kind = REEVE_EVENT_PROCESS_REAPED,
				.object = (uint64_t)r->attachments[i].pid,
				.actual = n};
			reeve__event_text(&e, r->attachments[i].name);
			free_attachment(r, i);
			reeve__event_emit(r, &e);
			sessions += n;
			attachments++;
		}
		reeve__lock_release(&r->header->admin);
	}
	if (ret) {
		ret->reaped_attachments = attachments;
		ret->reaped_sessions = sessions;
	}
}

void reeve__reap(struct reeve *r, struct reeve_tick_report *ret)
{
	reeve__put(&r->header->reaped_ns, (uint64_t)reeve__mono(r));
	look_for_dead(r, true, ret);
}

void reeve__reap_if_due(struct reeve *r)
{
	uint64_t now = (uint64_t)reeve__mono(r), last = reeve__get(&r->header->reaped_ns);

	if (now - last < REAP_PERIOD_NS && now >= last)
		return;
	if (atomic_compare_exchange_strong(&r->header->reaped_ns, &last, now))
		look_for_dead(r, false, NULL);
	reeve__limits_check_if_due(r, NULL);
}

uint32_t reeve__attachment_copy(
	struct reeve *r, struct reeve_attachment_info *ret, uint32_t capacity)
{
	struct reeve_sh_table *table = &r->header->attachments;
	uint32_t n = 0;

	admin_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(table); i++) {
		const struct reeve_sh_attachment *a = &r->attachments[i];
		if (reeve__get(&a->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (n < capacity) {
			memset(&ret[n], 0, sizeof(ret[n]));
			ret[n].pid = a->pid;
			ret[n].start_ticks = a->start_ticks;
			reeve__text_copy(ret[n].name, sizeof(ret[n].name), a->name);
			ret[n].attached_wall = a->attached_wall;
			ret[n].sessions = reeve__get(&a->sessions);
		}
		n++;
	}
	reeve__lock_release(&r->header->admin);
	return n;
}

int reeve__attachment_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	const char *fault;

	admin_lock(r);
	fault = reeve__table_check(r, &r->header->attachments);
	reeve__lock_release(&r->header->admin);
	if (fault && found)
		found(arg, fault);
	return fault ? 1 : 0;
}
