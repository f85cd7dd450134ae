/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_api.c - parallel control: arguments checked, then down. */
#include "../engine/parallel.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

/* What went wrong is cut when it is long, but it must be text. */
static int check_failure(const char *failure, struct reeve_error *err)
{
	return failure ? reeve__text_check(failure, 4096, false, "failure", err) : 0;
}

REEVE_API int reeve_parallel_begin(struct reeve_session *session,
	const struct reeve_parallel_def *def, struct reeve_parallel *ret_parallel,
	struct reeve_error *err)
{
	WANT(session);
	WANT(def);
	WANT(ret_parallel);
	return reeve__parallel_begin(session, def, ret_parallel, err);
}

REEVE_API uint32_t reeve_parallel_dop(const struct reeve_parallel *parallel)
{
	uint64_t word;

	if (REEVE_UNLIKELY(!parallel || !parallel->word))
		return 0;
	/* Pairs with reeve__parallel_publish. */
	word = atomic_load_explicit((const _Atomic uint64_t *)parallel->word, memory_order_acquire);
	return word >> 32 == parallel->generation ? (uint32_t)word : 0;
}

REEVE_API uint32_t reeve_parallel_adapt(struct reeve_parallel *parallel)
{
	return parallel && parallel->reeve ? reeve__parallel_adapt(parallel) : 0;
}

REEVE_API void reeve_parallel_progress(
	struct reeve_parallel *parallel, uint64_t rows, uint64_t bytes)
{
	if (parallel && parallel->reeve)
		reeve__parallel_progress(parallel, rows, bytes);
}

REEVE_API int reeve_parallel_end(
	struct reeve_parallel *parallel, const char *failure, struct reeve_error *err)
{
	int rc;

	WANT(parallel);
	WANT(parallel->reeve);
	rc = check_failure(failure, err);
	return rc ? rc : reeve__parallel_end(parallel, failure, err);
}

REEVE_API int reeve_execution_request(struct reeve *reeve, uint64_t session_id,
	reeve_group_id group, const struct reeve_parallel_def *def,
	struct reeve_execution_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_info);
	return reeve__execution_request(reeve, session_id, group, def, ret_info, err);
}

REEVE_API int reeve_execution_progress(struct reeve *reeve, reeve_execution_id id, uint64_t rows,
	uint64_t bytes, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__execution_progress(reeve, id, rows, bytes, err);
}

REEVE_API int reeve_execution_complete(
	struct reeve *reeve, reeve_execution_id id, const char *failure, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	rc = check_failure(failure, err);
	return rc ? rc : reeve__execution_complete(reeve, id, failure, err);
}

REEVE_API int reeve_execution_cancel(
	struct reeve *reeve, reeve_execution_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__execution_cancel(reeve, id, err);
}

REEVE_API int reeve_execution_get(struct reeve *reeve, reeve_execution_id id,
	struct reeve_execution_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__execution_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_execution_copy(struct reeve *reeve, reeve_execution_id after,
	uint32_t flags, struct reeve_execution_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__execution_copy(reeve, after, flags, ret_infos, capacity)
				  : 0;
}

REEVE_API uint32_t reeve_execution_queue_copy(
	struct reeve *reeve, struct reeve_execution_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__execution_queue_copy(reeve, ret_infos, capacity) : 0;
}

REEVE_API int reeve_server_pool_create(struct reeve *reeve, const struct reeve_server_pool_def *def,
	reeve_server_pool_id *ret_id, struct reeve_error *err)
{
	reeve_server_pool_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = reeve__server_pool_create(reeve, def, &id, err);
	if (!rc)
		*ret_id = id;
	return rc;
}

REEVE_API int reeve_server_pool_update(struct reeve *reeve, reeve_server_pool_id id,
	uint32_t fields, const struct reeve_server_pool_def *def, uint64_t expected_revision,
	struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	if (fields & ~((REEVE_SERVER_POOL_GROUPS << 1) - 1u))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits up to %#x", fields,
			(unsigned)REEVE_SERVER_POOL_GROUPS);
	return reeve__server_pool_update(reeve, id, fields, def, expected_revision, err);
}

REEVE_API int reeve_server_pool_destroy(
	struct reeve *reeve, reeve_server_pool_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__server_pool_destroy(reeve, id, err);
}

REEVE_API int reeve_server_pool_get(struct reeve *reeve, reeve_server_pool_id id,
	struct reeve_server_pool_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__server_pool_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_server_pool_copy(struct reeve *reeve, reeve_server_pool_id after,
	struct reeve_server_pool_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__server_pool_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_server_get(struct reeve *reeve, reeve_server_id id,
	struct reeve_server_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__server_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_server_copy(struct reeve *reeve, reeve_server_id after,
	reeve_server_pool_id pool, struct reeve_server_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__server_copy(reeve, after, pool, ret_infos, capacity) : 0;
}

REEVE_API uint32_t reeve_execution_servers(
	struct reeve *reeve, reeve_execution_id id, reeve_server_id *ret_ids, uint32_t capacity)
{
	return reeve && (ret_ids || !capacity)
		       ? reeve__execution_servers(reeve, id, ret_ids, capacity)
		       : 0;
}

REEVE_API int reeve_server_report(struct reeve *reeve, reeve_server_id id, uint32_t fields,
	uint32_t type, int32_t cpu_affinity, uint64_t cpu_ns, struct reeve_error *err)
{
	WANT(reeve);
	if (fields & ~((REEVE_SERVER_CPU << 1) - 1u))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits up to %#x", fields,
			(unsigned)REEVE_SERVER_CPU);
	return reeve__server_report(reeve, id, fields, type, cpu_affinity, cpu_ns, err);
}

REEVE_API int reeve_parallel_group_limit_set(struct reeve *reeve, reeve_group_id group,
	uint32_t degree, uint32_t servers, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__parallel_limit_set(reeve, group, degree, servers, err);
}

REEVE_API int reeve_parallel_group_limit_clear(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__parallel_limit_clear(reeve, group, err);
}

REEVE_API int reeve_parallel_group_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_parallel_group_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__parallel_group_get(reeve, group, ret_info, err);
}

REEVE_API uint32_t reeve_parallel_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_parallel_group_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__parallel_group_copy(reeve, after, ret_infos, capacity)
				  : 0;
}

REEVE_API void reeve_parallel_config_get(
	struct reeve *reeve, struct reeve_parallel_config *ret_config)
{
	if (reeve && ret_config)
		reeve__parallel_config_get(reeve, ret_config);
}

REEVE_API int reeve_parallel_config_set(
	struct reeve *reeve, const struct reeve_parallel_config *config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(config);
	return reeve__parallel_config_set(reeve, config, err);
}

REEVE_API uint32_t reeve_parallel_load_get(struct reeve *reeve)
{
	return reeve ? reeve__parallel_load(reeve, reeve__mono(reeve)) : 0;
}

REEVE_API int reeve_parallel_load_set(
	struct reeve *reeve, uint32_t load_ppm, struct reeve_error *err)
{
	WANT(reeve);
	if (load_ppm > REEVE_PPM)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"load is %u ppm; allowed are 0 to %u", load_ppm, REEVE_PPM);
	reeve__parallel_load_set(reeve, load_ppm, reeve__mono(reeve));
	return 0;
}

REEVE_API int reeve_parallel_auto_dop(struct reeve *reeve, reeve_group_id group,
	uint32_t requested_dop, uint64_t cost_milli, uint64_t rows, struct reeve_auto_dop *ret,
	struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret);
	return reeve__parallel_auto_dop(reeve, group, requested_dop, cost_milli, rows, ret, err);
}

REEVE_API void reeve_parallel_stats_get(struct reeve *reeve, struct reeve_parallel_stats *ret_stats)
{
	if (reeve && ret_stats)
		reeve__parallel_stats(reeve, ret_stats);
}
