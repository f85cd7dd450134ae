/* SPDX-License-Identifier: Apache-2.0 */
/* io_api.c - the I/O scheduler. */
#include "../engine/io.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

REEVE_API int reeve_io_device_open(
	struct reeve *reeve, const char *target, uint32_t *ret_device, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_device);
	return reeve__io_device_open(reeve, target, ret_device, err);
}

REEVE_API int reeve_io_begin(
	struct reeve_session *session, const struct reeve_io_def *def, struct reeve_error *err)
{
	WANT(session);
	WANT(def);
	return reeve__io_begin(session, def, err);
}

REEVE_API int reeve_io_end(struct reeve_session *session, uint64_t bytes, bool ok)
{
	return session ? reeve__io_end(session, bytes, ok) : 0;
}

REEVE_API int reeve_io_submit(struct reeve *reeve, reeve_group_id group,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	return reeve__io_submit(reeve, NULL, group, def, ret_id, err);
}

REEVE_API int reeve_io_submit_for(struct reeve_session *session, const struct reeve_io_def *def,
	reeve_io_id *ret_id, struct reeve_error *err)
{
	WANT(session);
	WANT(def);
	WANT(ret_id);
	return reeve__io_submit(session->r, session, (reeve_group_id){0}, def, ret_id, err);
}

REEVE_API int reeve_io_next(struct reeve *reeve, struct reeve_io_request_info *ret_info,
	reeve_ns *ret_retry_after, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__io_next(reeve, ret_info, ret_retry_after, err);
}

REEVE_API int reeve_io_complete(struct reeve *reeve, reeve_io_id id, uint64_t bytes, bool ok,
	struct reeve_io_request_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_complete(reeve, id, bytes, ok, ret_info, err);
}

REEVE_API int reeve_io_cancel(struct reeve *reeve, reeve_io_id id,
	struct reeve_io_request_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_cancel(reeve, id, ret_info, err);
}

REEVE_API int reeve_io_boost(
	struct reeve *reeve, reeve_io_id id, uint32_t priority, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_boost(reeve, id, priority, err);
}

REEVE_API int reeve_io_request_get(struct reeve *reeve, reeve_io_id id,
	struct reeve_io_request_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__io_request_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_io_request_copy(struct reeve *reeve, reeve_io_id after,
	struct reeve_io_request_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__io_request_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_io_executor_open(struct reeve *reeve,
	const struct reeve_io_executor_options *options, struct reeve_io_executor **ret_executor,
	struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_executor);
	return reeve__io_executor_open(reeve, options, ret_executor, err);
}

REEVE_API void reeve_io_executor_close(struct reeve_io_executor *executor)
{
	if (executor)
		reeve__io_executor_close(executor);
}

REEVE_API uint32_t reeve_io_executor_backend(const struct reeve_io_executor *executor)
{
	return executor ? reeve__io_executor_backend(executor) : 0;
}

REEVE_API int reeve_io_executor_submit(struct reeve_io_executor *executor,
	struct reeve_session *session, reeve_group_id group, struct reeve_io_job *job,
	struct reeve_error *err)
{
	WANT(executor);
	WANT(job);
	return reeve__io_executor_submit(executor, session, group, job, err);
}

REEVE_API int reeve_io_executor_wait(struct reeve_io_executor *executor, struct reeve_io_job *job,
	reeve_ns give_up, struct reeve_error *err)
{
	WANT(executor);
	WANT(job);
	return reeve__io_executor_wait(executor, job, give_up, err);
}

REEVE_API int reeve_io_group_register(struct reeve *reeve, reeve_group_id group, uint64_t bandwidth,
	uint64_t iops, uint32_t weight, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_register(reeve, group, bandwidth, iops, weight, err);
}

REEVE_API int reeve_io_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_unregister(reeve, group, err);
}

REEVE_API void reeve_io_config_get(struct reeve *reeve, struct reeve_io_config *ret_config)
{
	if (reeve && ret_config)
		reeve__io_config_get(reeve, ret_config);
}

REEVE_API int reeve_io_config_set(
	struct reeve *reeve, const struct reeve_io_config *config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(config);
	return reeve__io_config_set(reeve, config, err);
}

REEVE_API int reeve_io_deadline_set(struct reeve *reeve, uint32_t type, uint32_t priority,
	reeve_ns deadline, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__io_deadline_set(reeve, type, priority, deadline, err);
}

REEVE_API int reeve_io_group_stats_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_io_group_stats *ret_stats, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_stats);
	return reeve__io_group_stats(reeve, group, ret_stats, err);
}

REEVE_API uint32_t reeve_io_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_io_group_stats *ret_stats, uint32_t capacity)
{
	return reeve && ret_stats ? reeve__io_group_stats_copy(reeve, after, ret_stats, capacity)
				  : 0;
}

REEVE_API uint32_t reeve_io_device_stats_copy(
	struct reeve *reeve, struct reeve_io_device_stats *ret_stats, uint32_t capacity)
{
	return reeve && ret_stats ? reeve__io_device_stats_copy(reeve, ret_stats, capacity) : 0;
}

REEVE_API void reeve_io_stats_get(struct reeve *reeve, struct reeve_io_stats *ret_stats)
{
	if (reeve && ret_stats)
		reeve__io_stats(reeve, ret_stats);
}

/* The part of bucket i that lies below the rank sought, straight between its bounds. */
static uint64_t between(uint32_t i, uint64_t rank, uint64_t in_bucket)
{
	uint64_t low = i ? (uint64_t)1 << (i - 1) : 0;

	return i ? low + reeve__muldiv(low, rank, in_bucket) : 0;
}

REEVE_API uint64_t reeve_latency_at(const struct reeve_latency *latency, uint32_t ppm)
{
	uint64_t rank, at = 0;

	if (!latency || latency->count == 0)
		return 0;
	rank = reeve__muldiv(latency->count, ppm < REEVE_PPM ? ppm : REEVE_PPM, REEVE_PPM);
	for (uint32_t i = 0; i < REEVE_LATENCY_BUCKETS; i++) {
		if (rank <= latency->buckets[i]) {
			at = between(i, rank, latency->buckets[i]);
			break;
		}
		rank -= latency->buckets[i];
		at = latency->max_ns;
	}
	if (at < latency->min_ns)
		return latency->min_ns;
	return at < latency->max_ns ? at : latency->max_ns;
}
