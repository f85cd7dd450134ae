/* SPDX-License-Identifier: Apache-2.0 */
/* control_api.c - session pools, limits, priorities, timeouts, and why a session waits. */
#include "../engine/engine.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

static int flushed(struct reeve *reeve, int rc)
{
	reeve__event_flush(reeve);
	return rc;
}

REEVE_API int reeve_session_start(struct reeve *reeve, reeve_session_id id, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_start(reeve, id, NULL, NULL, err));
}

REEVE_API int reeve_session_start_query(struct reeve *reeve, reeve_session_id id,
	const struct reeve_query_def *def, uint32_t *ret_position, struct reeve_error *err)
{
	WANT(reeve);
	if (def && def->deadline != REEVE_NEVER)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"deadline is %lld; a statement by hand takes REEVE_NEVER only",
			(long long)def->deadline);
	return flushed(reeve, reeve__session_start(reeve, id, def, ret_position, err));
}

REEVE_API int reeve_session_pool_configure(struct reeve *reeve, reeve_group_id group,
	uint32_t max_active, uint64_t queue_timeout_ns, bool allow_queuing, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_pool_configure(reeve, group, max_active,
				      queue_timeout_ns, allow_queuing, err));
}

REEVE_API int reeve_session_pool_remove(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_pool_remove(reeve, group, err));
}

REEVE_API int reeve_session_pool_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_session_pool_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__session_pool_get(reeve, group, ret_info, err);
}

REEVE_API uint32_t reeve_session_pool_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_session_pool_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__session_pool_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_session_queue_copy(struct reeve *reeve, reeve_group_id group,
	struct reeve_queued_session *ret_queued, uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_queued);
	return reeve__session_queue_copy(reeve, group, ret_queued, capacity, err);
}

REEVE_API int reeve_explain(struct reeve *reeve, reeve_session_id id,
	struct reeve_wait_explanation *ret_explanation, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_explanation);
	return reeve__explain(reeve, id, ret_explanation, err);
}

REEVE_API int reeve_session_limits_set(struct reeve *reeve, reeve_session_id id, uint32_t fields,
	const struct reeve_session_limits *limits, struct reeve_error *err)
{
	WANT(reeve);
	WANT(limits);
	return reeve__session_limits_set(reeve, id, fields, limits, err);
}

REEVE_API int reeve_session_limits_get(struct reeve *reeve, reeve_session_id id,
	struct reeve_session_limits *ret_limits, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_limits);
	return reeve__session_limits_get(reeve, id, ret_limits, err);
}

REEVE_API int reeve_session_boost(struct reeve *reeve, reeve_session_id id,
	struct reeve_priority_change *ret_change, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(reeve, reeve__session_priority_set(reeve, id, 0, true, ret_change, err));
}

REEVE_API int reeve_session_priority_set(struct reeve *reeve, reeve_session_id id,
	uint32_t priority, struct reeve_priority_change *ret_change, struct reeve_error *err)
{
	WANT(reeve);
	return flushed(
		reeve, reeve__session_priority_set(reeve, id, priority, false, ret_change, err));
}

REEVE_API int reeve_session_attributes_set(struct reeve *reeve, reeve_session_id id,
	const struct reeve_session_attributes *attributes, struct reeve_error *err)
{
	WANT(reeve);
	WANT(attributes);
	return reeve__session_attributes_set(reeve, id, attributes, err);
}

REEVE_API void reeve_session_config_get(
	struct reeve *reeve, struct reeve_session_config *ret_config)
{
	if (reeve && ret_config)
		reeve__session_config_get(reeve, ret_config);
}

REEVE_API int reeve_session_config_set(
	struct reeve *reeve, const struct reeve_session_config *config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(config);
	return flushed(reeve, reeve__session_config_set(reeve, config, err));
}

REEVE_API int reeve_session_check_timeouts(struct reeve *reeve, uint32_t kinds,
	reeve_session_id *ret_ids, uint32_t capacity, struct reeve_timeout_report *ret_report,
	struct reeve_error *err)
{
	struct reeve_timeout_report report;

	WANT(reeve);
	if (capacity)
		WANT(ret_ids);
	if (kinds & ~(uint32_t)REEVE_CHECK_ALL)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"kinds is %#x; allowed are bits up to %#x", kinds, REEVE_CHECK_QUEUE);
	reeve__limits_check(reeve, kinds, ret_ids, capacity, &report);
	reeve__event_flush(reeve);
	if (ret_report)
		*ret_report = report;
	return 0;
}
