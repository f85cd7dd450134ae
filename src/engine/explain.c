/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - why a session waits: reason, the limit that binds, who has what it waits for. From the
 * segment's state alone, under the locks of sessions, pools and CPU, one after the other.
 */
#include "session_pool.h"

#include <stdio.h>

/* Notes a holder; whose statement began first comes first. */
static void add_holder(
	const struct reeve *r, struct reeve_wait_explanation *e, uint64_t *starts, uint32_t session)
{
	const struct reeve_sh_session *sh = &r->sessions[session];
	const struct reeve_sh_task *t = task_of(r, sh);
	uint64_t start = t ? reeve__get(&t->start_cycles) : 0;
	uint32_t n = e->holders < REEVE_HOLDERS_MAX ? e->holders : REEVE_HOLDERS_MAX, at = n;

	e->holders++;
	while (at > 0 && reeve__before(start, starts[at - 1]))
		at--;
	if (at == REEVE_HOLDERS_MAX)
		return;
	for (uint32_t k = n < REEVE_HOLDERS_MAX ? n : REEVE_HOLDERS_MAX - 1; k > at; k--) {
		starts[k] = starts[k - 1];
		e->holder[k] = e->holder[k - 1];
	}
	starts[at] = start;
	e->holder[at].v = sh->head.id;
}

static void explain_pool(struct reeve *r, uint32_t i, struct reeve_wait_explanation *e)
{
	uint64_t starts[REEVE_HOLDERS_MAX], activation;
	const struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve__session_pool_pass x;
	uint64_t at = atomic_load(&sh->pool), count, n;
	uint32_t g = group_of(r, at);
	const struct reeve_sh_session_pool *p = &r->session_pools[g];

	reeve__session_pool_begin(&x, r);
	activation = reeve__get(&reeve__ruling_now(r).head->activation);
	count = count_of(atomic_load(&p->word));
	e->limit_kind = REEVE_LIMIT_ACTIVE_SESSIONS;
	e->limit = reeve__get(&p->limit);
	e->actual = count;
	e->set_by = reeve__session_pool_config_of(p, activation) ? REEVE_SET_BY_CONFIGURATION
								 : REEVE_SET_BY_PLAN;
	e->queue_position = reeve__session_queue_position_locked(&x, i);
	n = reeve__get(&x.d->wait_count);
	e->expected_wait_ns = n ? (reeve_ns)(reeve__get(&x.d->wait_sum_ns) / n) : -1;
	for (uint32_t k = 0; k < sessions_used(r); k++)
		if (atomic_load(&r->sessions[k].pool) == place(HELD, g))
			add_holder(r, e, starts, k);
	reeve__session_pool_unlock(&x);
	snprintf(e->text, sizeof(e->text),
		"waits as number %u for one of %llu active sessions of consumer group %.100s",
		e->queue_position, (unsigned long long)e->limit, r->groups[g].name);
}

static void explain_slot(struct reeve *r, struct reeve_wait_explanation *e)
{
	uint64_t starts[REEVE_HOLDERS_MAX];

	e->limit_kind = REEVE_LIMIT_CPU_SLOTS;
	e->limit = r->slot_count;
	e->set_by = REEVE_SET_BY_CONFIGURATION;
	for (uint32_t k = 0; k < r->slot_count; k++) {
		uint32_t task = reeve__word_task(r, atomic_load(&r->cpu_slots[k].word));
		uint32_t s = task == REEVE_NONE ? REEVE_NONE : r->tasks[task].session;
		if (task == REEVE_NONE || reeve__get(&r->tasks[task].phase) != REEVE_PHASE_WORK)
			continue;
		e->actual++;
		if (s < sessions_used(r))
			add_holder(r, e, starts, s);
	}
	snprintf(e->text, sizeof(e->text), "waits for a CPU slot: %llu of %llu are in use",
		(unsigned long long)e->actual, (unsigned long long)e->limit);
}

static void explain_cap(struct reeve *r, uint32_t group, struct reeve_wait_explanation *e)
{
	const struct reeve_sh_group *g = reeve__group_at(r, group);
	bool plan = e->reason == REEVE_WAIT_PLAN_CAP;

	e->limit_kind = plan ? REEVE_LIMIT_PLAN_CAP : REEVE_LIMIT_CPU_CAP;
	e->limit = reeve__get(plan ? &r->cpu->plan_cap_ppm : &g->cpu.cap_ppm);
	e->actual = e->limit; /* it has used all there is */
	e->set_by = !plan && reeve__cpu_is_registered(r, g) ? REEVE_SET_BY_CONFIGURATION
							    : REEVE_SET_BY_PLAN;
	snprintf(e->text, sizeof(e->text),
		"waits because %s has used its %llu.%02llu %% of the CPU",
		plan ? "the database" : "its group", (unsigned long long)(e->limit / 10000),
		(unsigned long long)(e->limit % 10000 / 100));
}

static void explain_task(struct reeve *r, uint32_t i, struct reeve_wait_explanation *e)
{
	const struct reeve_sh_session *sh = &r->sessions[i];
	const struct reeve_sh_task *t = task_of(r, sh);
	uint64_t by = reeve__task_blocked_by(r, sh->task).v;

	switch (e->reason) {
	case REEVE_WAIT_SESSION_POOL:
		explain_pool(r, i, e);
		break;
	case REEVE_WAIT_CPU_SLOT:
		explain_slot(r, e);
		break;
	case REEVE_WAIT_CPU_CAP:
	case REEVE_WAIT_PLAN_CAP:
		explain_cap(r, reeve__get(&sh->group), e);
		break;
	case REEVE_WAIT_RUNAWAY:
		e->limit_kind = REEVE_LIMIT_RUNAWAY;
		e->limit = reeve__get(&r->cpu->runaway_ns);
		e->actual = reeve__get(&t->query_cpu_ns);
		e->set_by = REEVE_SET_BY_CONFIGURATION;
		snprintf(e->text, sizeof(e->text), "is slowed down as a runaway");
		break;
	default:
		snprintf(e->text, sizeof(e->text), "%s", reeve_wait_text(e->reason));
	}
	if (!by)
		return;
	e->holders = 1;
	e->holder[0].v = by;
	snprintf(e->text, sizeof(e->text), "waits for a lock that session %llu holds",
		(unsigned long long)by);
}

int reeve__explain(struct reeve *r, reeve_session_id id, struct reeve_wait_explanation *ret,
	struct reeve_error *err)
{
	struct reeve_wait_explanation e = {.session = id, .expected_wait_ns = -1};
	struct reeve_session_info info;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_locked(r, id, &i, err);
	if (!rc) {
		reeve__session_fill(r, i, &info);
		e.group = info.group;
		e.plan.v = reeve__get(&reeve__ruling_now(r).head->plan_id);
		e.reason = info.wait_reason;
		e.waiting =
			info.state == REEVE_SESSION_WAITING || info.state == REEVE_SESSION_BLOCKED;
		snprintf(e.text, sizeof(e.text), "does not wait");
	}
	if (!rc && e.waiting) {
		e.since = info.queued_since ? info.queued_since : info.waiting_since;
		e.waited_ns = e.since ? reeve__mono(r) - e.since : 0;
		explain_task(r, i, &e);
	} else {
		e.reason = REEVE_WAIT_NONE;
	}
	reeve__sessions_unlock(r);
	if (!rc)
		*ret = e;
	return rc;
}
