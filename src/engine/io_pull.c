/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_pull.c - requests of outside engines, and what can be done to any request by its id.
 *
 * A pull request belongs to the process that submitted it: it goes when that process does.
 */
#include "admission.h"
#include "io.h"

/* A group's slot, without the catalog lock when this process has met the group before. */
int reeve__io_find_group(
	struct reeve *r, reeve_group_id id, uint32_t *ret_group, struct reeve_error *err)
{
	_Atomic uint32_t *hint = &r->io_group_hints[id.v % REEVE_COUNT(r->io_group_hints)];
	uint32_t i = reeve__get(hint) - 1; /* 0 wraps to REEVE_NONE */
	int rc;

	if (REEVE_LIKELY(i < r->group_capacity) && reeve__head_id(&r->groups[i].head) == id.v &&
		atomic_load(&r->groups[i].head.state) == REEVE_SLOT_LIVE) {
		*ret_group = i;
		return 0;
	}
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, ret_group, err);
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__put(hint, *ret_group + 1);
	return rc;
}

int reeve__io_group_of(struct reeve__io_pass *x, const struct reeve_session *s, reeve_group_id id,
	uint32_t *group, struct reeve_error *err)
{
	const struct reeve_sh_group_deletion *note = &x->r->header->groups_domain.deletion;

	if (s)
		*group = reeve__get(&s->t->group);
	else if (reeve__head_id(&x->r->groups[*group].head) != id.v ||
		 atomic_load(&x->r->groups[*group].head.state) != REEVE_SLOT_LIVE ||
		 (atomic_load(&note->active) && note->from == *group))
		return reeve__fail(
			err, REEVE_ENOT_FOUND, "consumer group %llu", (unsigned long long)id.v);
	return 0;
}

int reeve__io_submit(struct reeve *r, struct reeve_session *s, reeve_group_id group,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t g = 0, i = REEVE_NONE;
	int rc = reeve__io_check_def(r, def, err);

	if (!rc && !s)
		rc = reeve__io_find_group(r, group, &g, err);
	if (rc)
		return rc;
	reeve__io_lock(&x, r);
	rc = reeve__io_group_of(&x, s, group, &g, err);
	if (!rc)
		i = reeve__io_request_create(
			&x, def, REEVE_IO_KIND_PULL, g, s ? s->task : REEVE_NONE, REEVE_NONE);
	if (i != REEVE_NONE) {
		ret_id->v = r->io_requests[i].head.id;
		reeve__io_enqueue(&x, i);
	}
	reeve__io_done(&x);
	return rc || i != REEVE_NONE ? rc : reeve__io_table_full(r, err);
}

int reeve__io_submit_as(struct reeve *r, reeve_admission_id admission,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t task = REEVE_NONE, g, i = REEVE_NONE;
	int rc = reeve__io_check_def(r, def, err);

	if (rc)
		return rc;
	reeve__sessions_lock(r); /* so that it does not end meanwhile */
	rc = reeve__admission_task_locked(r, admission, &task, err);
	if (!rc) {
		reeve__io_lock(&x, r);
		g = reeve__get(&r->tasks[task].group);
		if (g < r->group_capacity)
			i = reeve__io_request_create(
				&x, def, REEVE_IO_KIND_PULL, g, task, REEVE_NONE);
		if (i != REEVE_NONE) {
			ret_id->v = r->io_requests[i].head.id;
			reeve__io_enqueue(&x, i);
		}
		reeve__io_unlock(&x);
	}
	reeve__sessions_unlock(r);
	if (rc)
		return rc;
	reeve__io_wake(&x);
	return i != REEVE_NONE ? 0 : reeve__io_table_full(r, err);
}

/* ---- descriptions ---- */

static uint32_t state_of(struct reeve__io_pass *x, const struct reeve_sh_io_request *q)
{
	uint32_t state = reeve__get(&q->state), k = reeve__io_queue_of(q);

	if (state == REEVE_IO_QUEUED &&
		x->r->io_groups[q->entry.flow].flows[k].where == REEVE_FLOW_HELD)
		return REEVE_IO_THROTTLED;
	return state;
}

void reeve__io_fill(struct reeve__io_pass *x, uint32_t i, struct reeve_io_request_info *ret)
{
	struct reeve *r = x->r;
	const struct reeve_sh_io_request *q = &r->io_requests[i];
	const struct reeve_sh_io_entry *e = &q->entry;
	reeve_ns to_wall = reeve__wall(r) - (reeve_ns)x->now;
	uint32_t state = state_of(x, q);
	bool started = q->started_ns != 0, over = state >= REEVE_IO_COMPLETED;

	memset(ret, 0, sizeof(*ret));
	ret->id.v = q->head.id;
	ret->group.v = e->flow < r->group_capacity ? r->groups[e->flow].head.id : 0;
	ret->session.v = q->session_id;
	ret->type = q->type;
	ret->priority = e->klass;
	ret->is_past_deadline = x->now >= e->deadline_ns;
	ret->effective_priority = !ret->is_past_deadline ? e->klass
				  : e->klass > REEVE_IO_DEADLINE_CLASSES
					  ? e->klass - REEVE_IO_DEADLINE_CLASSES
					  : 0;
	ret->state = state;
	ret->size_bytes = e->size_bytes;
	ret->offset = q->offset;
	if (q->device && q->device < REEVE_SH_IO_DEVICES)
		reeve__text_copy(ret->target, sizeof(ret->target), r->io_devices[q->device].target);
	if (e->deadline_ns < INT64_MAX)
		ret->deadline_wall = reeve__later((reeve_ns)e->deadline_ns, to_wall);
	ret->submitted_wall = (reeve_ns)e->submitted_ns + to_wall;
	ret->started_wall = started ? (reeve_ns)q->started_ns + to_wall : 0;
	ret->completed_wall = over ? (reeve_ns)x->now + to_wall : 0;
	ret->wait_ns = (reeve_ns)((started ? q->started_ns : x->now) - e->submitted_ns);
	ret->service_ns = started ? (reeve_ns)(x->now - q->started_ns) : 0;
	ret->is_sequential = (q->flags & REEVE_IO_FLAG_SEQUENTIAL) != 0;
	ret->is_managed = q->kind == REEVE_IO_KIND_MANAGED;
	ret->is_admission = q->kind == REEVE_IO_KIND_ADMIT;
}

/* ---- next and complete ---- */

int reeve__io_next(struct reeve *r, struct reeve_io_request_info *ret, reeve_ns *ret_retry,
	struct reeve_error *err)
{
	struct reeve__io_pass x;
	reeve_ns retry = REEVE_NEVER;
	uint32_t i, slot = REEVE_NONE;
	uint64_t held;

	reeve__io_lock(&x, r);
	i = reeve__io_best(&x, REEVE_IO_QUEUE_PULL);
	if (i != REEVE_NONE) {
		retry = 0;
		slot = reeve__io_take_slot_locked(
			&x, reeve__io_request_word(&r->io_requests[i], i));
	} else {
		held = reeve__io_policy_next(reeve__io_view_of(&x, REEVE_IO_QUEUE_PULL));
		if (held != UINT64_MAX)
			retry = held > x.now ? (reeve_ns)(held - x.now) : 0;
	}
	if (slot != REEVE_NONE) {
		reeve__io_start(&x, i, slot);
		reeve__io_fill(&x, i, ret);
	}
	reeve__io_done(&x);
	if (slot != REEVE_NONE)
		return 0;
	if (i != REEVE_NONE)
		reeve__reap_if_due(r); /* those under way may be of the dead */
	if (ret_retry)
		*ret_retry = retry;
	return reeve__fail(err, REEVE_ENOT_FOUND,
		i != REEVE_NONE	       ? "no I/O request may start: max_concurrent are under way"
		: retry == REEVE_NEVER ? "no I/O request waits"
				       : "no I/O request may start: every group is over a limit");
}

static int find_request(struct reeve *r, reeve_io_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->io.requests, id.v);
	if (*ret != REEVE_NONE && r->io_requests[*ret].entry.flow < r->group_capacity)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "I/O request %llu", (unsigned long long)id.v);
}

static int check_complete(const struct reeve_sh_io_request *q, struct reeve_error *err)
{
	unsigned long long id = q->head.id;

	if (q->kind != REEVE_IO_KIND_PULL)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"I/O request %llu is performed by %s, which ends it", id,
			q->kind == REEVE_IO_KIND_MANAGED ? "reeve" : "its session");
	if (reeve__get(&q->state) != REEVE_IO_ACTIVE)
		return reeve__fail(
			err, REEVE_EINVALID_STATE, "I/O request %llu was not started", id);
	return 0;
}

/* Ends a request, with its description as it was at the end. */
static void finish(struct reeve__io_pass *x, uint32_t i, uint32_t state, uint64_t bytes,
	struct reeve_io_request_info *ret)
{
	if (ret) {
		reeve__io_fill(x, i, ret);
		ret->state = state;
		ret->completed_wall = reeve__wall(x->r);
	}
	reeve__io_finish(x, i, state, bytes);
	reeve__io_dispatch(x, 1);
}

int reeve__io_complete(struct reeve *r, reeve_io_id id, uint64_t bytes, bool ok,
	struct reeve_io_request_info *ret, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	if (bytes > REEVE_IO_SIZE_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"bytes is %llu; allowed are 0 to %llu", (unsigned long long)bytes,
			(unsigned long long)REEVE_IO_SIZE_MAX);
	reeve__io_lock(&x, r);
	rc = find_request(r, id, &i, err);
	if (!rc)
		rc = check_complete(&r->io_requests[i], err);
	if (!rc)
		finish(&x, i, ok ? REEVE_IO_COMPLETED : REEVE_IO_FAILED, bytes, ret);
	reeve__io_done(&x);
	return rc;
}

/* ---- cancel and boost ---- */

int reeve__io_cancel(
	struct reeve *r, reeve_io_id id, struct reeve_io_request_info *ret, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__io_lock(&x, r);
	rc = find_request(r, id, &i, err);
	if (!rc && reeve__get(&r->io_requests[i].state) == REEVE_IO_ACTIVE &&
		r->io_requests[i].kind != REEVE_IO_KIND_PULL)
		rc = reeve__fail(err, REEVE_EINVALID_STATE,
			"I/O request %llu is under way and cannot be cancelled",
			(unsigned long long)id.v);
	/* A job that was cancelled is there until its executor comes by; its list names it already. */
	if (!rc && reeve__get(&r->io_requests[i].state) == REEVE_IO_CANCELLED)
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "I/O request %llu has been cancelled",
			(unsigned long long)id.v);
	if (!rc) {
		struct reeve_sh_io_request *q = &r->io_requests[i];
		/* Who sleeps for it finds it gone. An executor's job is told by its list. */
		if (q->kind == REEVE_IO_KIND_MANAGED) {
			if (ret)
				reeve__io_fill(&x, i, ret);
			reeve__io_policy_remove(reeve__io_view_of(&x, REEVE_IO_QUEUE_ADMIT), i);
			reeve__put(&q->state, REEVE_IO_CANCELLED);
			reeve__io_notify(&x, i);
		} else {
			if (q->kind == REEVE_IO_KIND_ADMIT)
				reeve__io_notify(&x, i);
			finish(&x, i, REEVE_IO_CANCELLED, 0, ret);
		}
		if (ret)
			ret->state = REEVE_IO_CANCELLED;
	}
	reeve__io_done(&x);
	return rc;
}

int reeve__io_boost(struct reeve *r, reeve_io_id id, uint32_t priority, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	if (priority > REEVE_IO_IDLE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 (RealTime) to 4 (Idle)", priority);
	reeve__io_lock(&x, r);
	rc = find_request(r, id, &i, err);
	if (!rc && reeve__get(&r->io_requests[i].state) != REEVE_IO_QUEUED)
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "I/O request %llu waits no longer",
			(unsigned long long)id.v);
	if (!rc) {
		r->io_requests[i].entry.klass = priority;
		reeve__io_policy_again(
			reeve__io_view_of(&x, reeve__io_queue_of(&r->io_requests[i])), i);
		reeve__io_dispatch(&x, 1);
	}
	reeve__io_done(&x);
	return rc;
}

/* ---- looking ---- */

int reeve__io_request_get(
	struct reeve *r, reeve_io_id id, struct reeve_io_request_info *ret, struct reeve_error *err)
{
	struct reeve__io_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__io_lock(&x, r);
	rc = find_request(r, id, &i, err);
	if (!rc)
		reeve__io_fill(&x, i, ret);
	reeve__io_done(&x);
	return rc;
}

uint32_t reeve__io_request_copy(
	struct reeve *r, reeve_io_id after, struct reeve_io_request_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;
	struct reeve__io_pass x;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__io_lock(&x, r);
		n = reeve__table_list(r, &r->header->io.requests, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			reeve__io_fill(&x, slots[k], &ret[done]);
			after = ret[done].id;
		}
		reeve__io_done(&x);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}
