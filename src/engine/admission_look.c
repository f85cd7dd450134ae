/* SPDX-License-Identifier: Apache-2.0 */
/* admission_look.c - admissions as they are seen, and as they follow their sessions; see admission.c. */
#include "admission.h"
#include "io.h"
#include "memory.h"
#include "parallel.h"

/* ---- looking ---- */

static void fill_servers(
	struct reeve *r, const struct reeve_sh_admission *a, struct reeve_admission_info *ret)
{
	struct reeve__parallel_pass x;
	struct reeve_execution_info info;
	uint32_t k;

	reeve__parallel_lock(&x, r);
	k = reeve__table_find(r, &r->header->executions, a->execution_id);
	if (k != REEVE_NONE) {
		reeve__execution_fill(&x, k, &info);
		if (info.granted_dop)
			ret->dop = info.granted_dop;
		ret->queue_position = info.queue_position;
	}
	reeve__parallel_unlock(&x);
}

/* What changes while it is under way. */
static void fill_live(
	struct reeve *r, const struct reeve_sh_admission *a, struct reeve_admission_info *ret)
{
	uint32_t g = reeve__get(&r->sessions[a->session].group),
		 task = reeve__admission_cpu_task(r, a);
	struct reeve_memory_quota_info quota;
	struct reeve__session_pool_pass x;

	ret->group.v = g < r->group_capacity ? r->groups[g].head.id : 0;
	if (task != REEVE_NONE) {
		ret->cpu_ns = reeve__get(&r->tasks[task].cpu_ns);
		ret->io_bytes = reeve__get(&r->tasks[task].io_bytes);
		ret->io_requests = reeve__get(&r->tasks[task].io_requests);
	}
	ret->dop = reeve__get(&a->stage) == REEVE_ADMISSION_RUNNING;
	if (a->execution_id)
		fill_servers(r, a, ret);
	if (reeve__quota_get(r, (reeve_session_id){a->session_id}, &quota, NULL) == 0)
		ret->memory_bytes = quota.pga_bytes + quota.work_area_bytes;
	if (!reeve__session_pool_waits(&r->sessions[a->session]))
		return;
	reeve__session_pool_begin(&x, r);
	ret->queue_position = reeve__session_queue_position_locked(&x, a->session);
	reeve__session_pool_unlock(&x);
}

void reeve__admission_fill(struct reeve *r, uint32_t i, struct reeve_admission_info *ret)
{
	static const uint32_t states[] = {REEVE_EXECUTION_QUEUED, REEVE_EXECUTION_QUEUED,
		REEVE_EXECUTION_QUEUED, REEVE_EXECUTION_EXECUTING, REEVE_EXECUTION_COMPLETED,
		REEVE_EXECUTION_FAILED};
	const struct reeve_sh_admission *a = &r->admissions[i];
	uint32_t stage = reeve__get(&a->stage);

	*ret = (struct reeve_admission_info){
		.id = {a->head.id},
		.session = {a->session_id},
		.group = {a->group_id},
		.task = {a->task_id},
		.execution = {a->execution_id},
		.state = states[stage < REEVE_COUNT(states) ? stage : 0],
		.dop = a->dop,
		.cpu_ns = a->cpu_ns,
		.io_bytes = a->io_bytes,
		.io_requests = a->io_requests,
		.begun_wall = a->begun_wall,
		.started_wall = a->started_wall,
		.ended_wall = a->ended_wall,
		.failure_code = -(int)a->outcome,
	};
	reeve__text_cut(ret->failure, sizeof(ret->failure), a->failure);
	if (reeve__get(&a->head.state) == REEVE_SLOT_LIVE &&
		a->session < r->header->sessions.capacity)
		fill_live(r, a, ret);
}

int reeve__admission_get(struct reeve *r, reeve_admission_id id, struct reeve_admission_info *ret,
	struct reeve_error *err)
{
	struct reeve__admission_after f = REEVE__ADMISSION_AFTER(r);
	uint32_t i;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__admission_find_locked(r, id, false, &i, err);
	if (!rc && reeve__admission_waits(&r->admissions[i]))
		reeve__admission_advance(&f, i);
	if (!rc)
		reeve__admission_fill(r, i, ret);
	reeve__sessions_unlock(r);
	reeve__admission_finish(&f);
	return rc;
}

uint32_t reeve__admission_copy(struct reeve *r, reeve_admission_id after, uint32_t flags,
	struct reeve_admission_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__sessions_lock(r);
		n = reeve__table_list(r, &r->header->admissions, after.v,
			flags & REEVE_ADMISSIONS_ENDED, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			reeve__admission_fill(r, slots[k], &ret[done]);
			after = ret[done].id;
		}
		reeve__sessions_unlock(r);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

int reeve__admission_task_locked(
	struct reeve *r, reeve_admission_id id, uint32_t *ret_task, struct reeve_error *err)
{
	uint32_t i;
	int rc = reeve__admission_find_locked(r, id, true, &i, err);

	if (rc)
		return rc;
	*ret_task = reeve__admission_cpu_task(r, &r->admissions[i]);
	return *ret_task != REEVE_NONE
		       ? 0
		       : reeve__fail(err, REEVE_EINVALID_STATE, "query execution %llu is queued",
				 (unsigned long long)id.v);
}

/* ---- sessions that move, and what rules see ---- */

void reeve__admission_follow_locked(struct reeve *r, uint32_t session)
{
	uint32_t i, task, g = reeve__get(&r->sessions[session].group), from;

	if (REEVE_LIKELY(reeve__get(&r->sessions[session].admission) == 0))
		return;
	i = reeve__admission_row(r, session);
	task = i == REEVE_NONE ? REEVE_NONE : reeve__admission_cpu_task(r, &r->admissions[i]);
	if (task == REEVE_NONE || g >= r->group_capacity)
		return;
	from = reeve__get(&r->tasks[task].group);
	if (from == g)
		return;
	if (from < r->group_capacity)
		reeve__io_move(r, task, from);
	reeve__pull_move(r, task, g);
}

void reeve__admission_rank_locked(struct reeve *r, uint32_t session, uint32_t rank)
{
	uint32_t i = reeve__admission_row(r, session);
	uint32_t task =
		i == REEVE_NONE ? REEVE_NONE : reeve__admission_cpu_task(r, &r->admissions[i]);

	if (task != REEVE_NONE)
		r->tasks[task].priority = reeve__session_task_priority(rank);
}

bool reeve__admission_use(const struct reeve *r, uint32_t session, uint64_t *used)
{
	uint32_t i = reeve__admission_row(r, session);
	uint32_t task =
		i == REEVE_NONE ? REEVE_NONE : reeve__admission_cpu_task(r, &r->admissions[i]);

	if (task == REEVE_NONE)
		return false;
	used[REEVE__RULE_CPU] = reeve__get(&r->tasks[task].cpu_ns);
	used[REEVE__RULE_IO_BYTES] = reeve__get(&r->tasks[task].io_bytes);
	used[REEVE__RULE_IO_REQUESTS] = reeve__get(&r->tasks[task].io_requests);
	return true;
}
