/* SPDX-License-Identifier: Apache-2.0 */
/* session_api.c - sessions, statements and tasks. The statement's calls are the hot paths. */
#include "../engine/engine.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

/* What a call has told is told to who sleeps on events; no lock is held any more. */
static int flushed(struct reeve *reeve, int rc)
{
	reeve__event_flush(reeve);
	return rc;
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

REEVE_API int reeve_session_create(struct reeve *reeve, const struct reeve_session_def *def,
	struct reeve_session **ret_session, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_session);
	return flushed(reeve, reeve__session_create(reeve, def, ret_session, err));
}

REEVE_API void reeve_session_destroy(struct reeve_session *session)
{
	struct reeve *reeve = session ? session->r : NULL;

	if (!session)
		return;
	reeve__session_destroy(session, REEVE_END_CLIENT_CLOSE);
	reeve__event_flush(reeve);
}

REEVE_API reeve_session_id reeve_session_id_of(const struct reeve_session *session)
{
	return (reeve_session_id){session ? session->sh->head.id : 0};
}

REEVE_API REEVE_HOT int reeve_query_begin(
	struct reeve_session *session, const struct reeve_query_def *def, struct reeve_error *err)
{
	WANT(session);
	if (REEVE_UNLIKELY(def && def->estimated_cpu_ns < 0))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"estimatedCpuTimeNs is %lld; allowed are 0 and more",
			(long long)def->estimated_cpu_ns);
	return reeve__query_begin(session, def, err);
}

REEVE_API int reeve_checkpoint(struct reeve_session *session)
{
	return reeve__query_checkpoint(session);
}

REEVE_API const char *reeve_checkpoint_text(const struct reeve_session *session)
{
	return session && session->stop_code ? session->stop_text : "";
}

REEVE_API void reeve_query_end(struct reeve_session *session, struct reeve_query_usage *ret_usage)
{
	if (session)
		reeve__query_end(session, 0, ret_usage);
}

REEVE_API REEVE_HOT void reeve_query_end_at(
	struct reeve_session *session, uint64_t ticks, struct reeve_query_usage *ret_usage)
{
	if (session)
		reeve__query_end(session, ticks, ret_usage);
}

REEVE_API void reeve_query_usage(
	const struct reeve_session *session, struct reeve_query_usage *ret_usage)
{
	if (session && ret_usage)
		reeve__query_usage(session, ret_usage);
}

REEVE_API void reeve_session_usage(
	const struct reeve_session *session, struct reeve_query_usage *ret_usage)
{
	if (session && ret_usage)
		reeve__session_usage(session, ret_usage);
}

REEVE_API void reeve_block_begin(struct reeve_session *session)
{
	if (session)
		reeve__query_block_begin(session);
}

REEVE_API int reeve_block_end(struct reeve_session *session)
{
	return session ? reeve__query_block_end(session) : 0;
}

REEVE_API void reeve_shield_begin(struct reeve_session *session)
{
	if (session)
		reeve__query_shield_begin(session);
}

REEVE_API int reeve_shield_end(struct reeve_session *session)
{
	return session ? reeve__query_shield_end(session) : 0;
}

REEVE_API int reeve_session_get(struct reeve *reeve, reeve_session_id id,
	struct reeve_session_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__session_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_session_copy(struct reeve *reeve, reeve_session_id after, uint32_t flags,
	struct reeve_session_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__session_copy(reeve, after, flags, ret_infos, capacity)
				  : 0;
}

REEVE_API int reeve_session_complete(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_complete(reeve, id, err));
}

REEVE_API int reeve_session_switch(struct reeve *reeve, reeve_session_id id,
	reeve_group_id to_group, uint32_t reason, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_switch(reeve, id, to_group, reason, err));
}

REEVE_API int reeve_session_cancel(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_cancel(reeve, id, err));
}

REEVE_API int reeve_session_kill(struct reeve *reeve, reeve_session_id id, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_kill(reeve, id, err));
}

REEVE_API void reeve_session_stats_get(struct reeve *reeve, struct reeve_session_stats *ret_stats)
{
	if (reeve && ret_stats)
		reeve__session_stats(reeve, ret_stats);
}

REEVE_API void reeve_cpu_config_get(struct reeve *reeve, struct reeve_cpu_config *ret_config)
{
	if (reeve && ret_config)
		reeve__cpu_config_get(reeve, ret_config);
}

REEVE_API int reeve_cpu_config_set(
	struct reeve *reeve, const struct reeve_cpu_config *config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(config);
	return flushed(reeve, reeve__cpu_config_set(reeve, config, err));
}

REEVE_API int reeve_cpu_rebalance(struct reeve *reeve, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__cpu_rebalance(reeve, err);
}

REEVE_API int reeve_cpu_group_stats_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_cpu_group_stats *ret_stats, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_stats);
	return reeve__cpu_group_stats(reeve, group, ret_stats, err);
}

REEVE_API uint32_t reeve_cpu_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_cpu_group_stats *ret_stats, uint32_t capacity)
{
	return reeve && ret_stats ? reeve__cpu_group_stats_copy(reeve, after, ret_stats, capacity)
				  : 0;
}

REEVE_API uint32_t reeve_cpu_slot_stats_copy(
	struct reeve *reeve, struct reeve_cpu_slot_stats *ret_stats, uint32_t capacity)
{
	return reeve && (ret_stats || !capacity)
		       ? reeve__cpu_slot_stats_copy(reeve, ret_stats, capacity)
		       : 0;
}

REEVE_API void reeve_cpu_stats_get(struct reeve *reeve, struct reeve_cpu_stats *ret_stats)
{
	if (reeve && ret_stats)
		reeve__cpu_stats(reeve, ret_stats);
}

REEVE_API int reeve_task_blocked_by(
	struct reeve_session *session, reeve_session_id holder, struct reeve_error *err)
{
	WANT(session);
	return reeve_session_blocked_by(session->r, reeve_session_id_of(session), holder, err);
}

REEVE_API void reeve_task_unblocked(struct reeve_session *session)
{
	struct reeve__cpu_pass x;

	if (session && reeve__task_unlink(&x, session->r, session->task))
		reeve__cpu_wake(&x);
}

REEVE_API int reeve_session_blocked_by(
	struct reeve *reeve, reeve_session_id id, reeve_session_id holder, struct reeve_error *err)
{
	WANT(reeve);
	if (holder.v == 0)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"blockedBy is 0; allowed are ids of sessions");
	return reeve__session_blocked_by(reeve, id, holder, err);
}

REEVE_API int reeve_session_unblocked(
	struct reeve *reeve, reeve_session_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__session_unblocked(reeve, id, err);
}

REEVE_API int reeve_task_create(struct reeve *reeve, uint64_t query_id, reeve_group_id group,
	uint32_t priority, reeve_task_id *ret_id, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_id);
	return reeve__pull_create(reeve, query_id, group, priority, ret_id, err);
}

REEVE_API int reeve_task_next(
	struct reeve *reeve, struct reeve_task_info *ret_task, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_task);
	return reeve__pull_next(reeve, ret_task, err);
}

REEVE_API int reeve_task_charge(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__pull_report(reeve, id, cpu_ns, 0, REEVE_PULL_CHARGE, err);
}

REEVE_API int reeve_task_yield(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__pull_report(reeve, id, cpu_ns, 0, REEVE_PULL_YIELD, err);
}

REEVE_API int reeve_task_complete(
	struct reeve *reeve, reeve_task_id id, uint64_t cpu_ns, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__pull_report(reeve, id, cpu_ns, 0, REEVE_PULL_COMPLETE, err);
}

REEVE_API int reeve_task_suspend(
	struct reeve *reeve, reeve_task_id id, uint32_t state, struct reeve_error *err)
{
	WANT(reeve);
	if (state != REEVE_TASK_WAITING && state != REEVE_TASK_SLEEPING)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"state is %u; allowed are 3 (Waiting) and 4 (Sleeping)", state);
	return reeve__pull_report(reeve, id, 0, state, REEVE_PULL_SUSPEND, err);
}

REEVE_API int reeve_task_resume(struct reeve *reeve, reeve_task_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__pull_report(reeve, id, 0, 0, REEVE_PULL_RESUME, err);
}

REEVE_API int reeve_task_estimate(
	struct reeve *reeve, reeve_task_id id, uint64_t estimated_cpu_ns, struct reeve_error *err)
{
	WANT(reeve);
	if (estimated_cpu_ns == 0 || estimated_cpu_ns > INT64_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"estimatedCpuTimeNs is %llu; allowed are 1 to %lld",
			(unsigned long long)estimated_cpu_ns, (long long)INT64_MAX);
	return reeve__pull_estimate(reeve, id, estimated_cpu_ns, err);
}

REEVE_API int reeve_task_get(struct reeve *reeve, reeve_task_id id,
	struct reeve_task_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__task_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_task_copy(struct reeve *reeve, reeve_task_id after,
	struct reeve_task_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__task_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_cpu_detect_runaways(struct reeve *reeve, reeve_task_id *ret_new,
	uint32_t capacity, uint32_t *ret_current, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_new);
	return reeve__runaway_detect(reeve, ret_new, capacity, ret_current, err);
}
