/* SPDX-License-Identifier: Apache-2.0 */
/* memory_api.c - pools, allocations, quotas, pressure, advice. Charges are hot paths. */
#include "../engine/memory.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

REEVE_API void reeve_memory_config_get(struct reeve *reeve, struct reeve_memory_config *ret_config)
{
	if (reeve && ret_config)
		reeve__memory_config_get(reeve, ret_config);
}

REEVE_API int reeve_memory_config_set(
	struct reeve *reeve, const struct reeve_memory_config *config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(config);
	return reeve__memory_config_set(reeve, config, err);
}

REEVE_API int reeve_pool_create(struct reeve *reeve, const struct reeve_pool_def *def,
	reeve_pool_id *ret_id, struct reeve_error *err)
{
	reeve_pool_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = reeve__pool_create(reeve, def, &id, err);
	if (!rc)
		*ret_id = id;
	return rc;
}

REEVE_API int reeve_pool_update(struct reeve *reeve, reeve_pool_id id, uint32_t fields,
	const struct reeve_pool_def *def, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	return reeve__pool_update(reeve, id, fields, def, err);
}

REEVE_API int reeve_pool_destroy(struct reeve *reeve, reeve_pool_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__pool_destroy(reeve, id, err);
}

REEVE_API int reeve_pool_get(struct reeve *reeve, reeve_pool_id id,
	struct reeve_pool_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__pool_get(reeve, id, ret_info, err);
}

REEVE_API bool reeve_pool_find(struct reeve *reeve, const char *name, reeve_pool_id *ret_id)
{
	return reeve && name && ret_id && reeve__pool_find(reeve, name, ret_id);
}

REEVE_API uint32_t reeve_pool_copy(struct reeve *reeve, reeve_pool_id after,
	struct reeve_pool_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__pool_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_memory_allocate(struct reeve *reeve, reeve_pool_id pool, uint64_t bytes,
	reeve_session_id session, const char *tag, reeve_allocation_id *ret_id,
	struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_id);
	return reeve__memory_allocate(reeve, pool, bytes, session, tag, ret_id, err);
}

REEVE_API int reeve_memory_free(struct reeve *reeve, reeve_allocation_id id,
	reeve_session_id session, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_free(reeve, id, session, err);
}

REEVE_API int reeve_memory_give_back(
	struct reeve *reeve, reeve_pool_id pool, uint64_t bytes, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_give_back(reeve, pool, bytes, err);
}

REEVE_API int reeve_allocation_get(struct reeve *reeve, reeve_allocation_id id,
	struct reeve_allocation_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__allocation_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_allocation_copy(struct reeve *reeve, reeve_allocation_id after,
	reeve_pool_id pool, reeve_session_id session, struct reeve_allocation_info *ret_infos,
	uint32_t capacity)
{
	return reeve && ret_infos
		       ? reeve__allocation_copy(reeve, after, pool, session, ret_infos, capacity)
		       : 0;
}

REEVE_API int reeve_memory_charge(
	struct reeve_session *session, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	WANT(session);
	return reeve__memory_charge(session, kind, bytes, err);
}

REEVE_API int reeve_memory_release(
	struct reeve_session *session, uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	WANT(session);
	return reeve__memory_release(session, kind, bytes, err);
}

REEVE_API int reeve_memory_quota_set(struct reeve *reeve, reeve_session_id session,
	reeve_group_id group, uint64_t max_pga, uint64_t max_work_area, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__quota_set(reeve, session, group, max_pga, max_work_area, err);
}

REEVE_API int reeve_memory_quota_remove(
	struct reeve *reeve, reeve_session_id session, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__quota_remove(reeve, session, err);
}

REEVE_API int reeve_memory_session_charge(struct reeve *reeve, reeve_session_id session,
	uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_hand_charge(reeve, session, kind, bytes, err);
}

REEVE_API int reeve_memory_session_release(struct reeve *reeve, reeve_session_id session,
	uint32_t kind, uint64_t bytes, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_hand_release(reeve, session, kind, bytes, err);
}

REEVE_API int reeve_memory_quota_get(struct reeve *reeve, reeve_session_id session,
	struct reeve_memory_quota_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__quota_get(reeve, session, ret_info, err);
}

REEVE_API uint32_t reeve_memory_quota_copy(struct reeve *reeve, reeve_session_id after,
	reeve_group_id group, struct reeve_memory_quota_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__quota_copy(reeve, after, group, ret_infos, capacity) : 0;
}

REEVE_API int reeve_memory_group_register(struct reeve *reeve, reeve_group_id group,
	uint64_t max_group_memory, uint64_t max_session_pga, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_group_register(reeve, group, max_group_memory, max_session_pga, err);
}

REEVE_API int reeve_memory_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_group_unregister(reeve, group, err);
}

REEVE_API int reeve_memory_group_get(struct reeve *reeve, reeve_group_id group,
	struct reeve_memory_group_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__memory_group_get(reeve, group, ret_info, err);
}

REEVE_API uint32_t reeve_memory_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_memory_group_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__memory_group_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API void reeve_memory_pressure_get(
	struct reeve *reeve, struct reeve_memory_pressure *ret_pressure)
{
	if (reeve && ret_pressure)
		reeve__memory_pressure_get(reeve, ret_pressure);
}

REEVE_API int reeve_memory_on_pressure(struct reeve *reeve, reeve_pool_id pool,
	reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err)
{
	WANT(reeve);
	WANT(shrink);
	return reeve__memory_on_pressure(reeve, pool, shrink, arg, err);
}

REEVE_API int reeve_memory_off_pressure(
	struct reeve *reeve, reeve_memory_shrink_fn shrink, void *arg, struct reeve_error *err)
{
	WANT(reeve);
	WANT(shrink);
	return reeve__memory_off_pressure(reeve, shrink, arg, err);
}

REEVE_API void reeve_memory_access(struct reeve *reeve, reeve_pool_id pool, uint64_t page_hash)
{
	if (REEVE_LIKELY(reeve))
		reeve__memory_access(reeve, pool, page_hash);
}

REEVE_API int reeve_memory_miss_ratio(struct reeve *reeve, reeve_pool_id pool,
	const uint64_t *sizes, uint32_t n, uint32_t *ret_ppm, struct reeve_memory_curve *ret_curve,
	struct reeve_error *err)
{
	WANT(reeve);
	if (n) {
		WANT(sizes);
		WANT(ret_ppm);
	}
	return reeve__memory_miss_ratio(reeve, pool, sizes, n, ret_ppm, ret_curve, err);
}

REEVE_API int reeve_memory_curve_reset(
	struct reeve *reeve, reeve_pool_id pool, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__memory_curve_reset(reeve, pool, err);
}

REEVE_API int reeve_memory_tune(struct reeve *reeve, bool apply,
	struct reeve_memory_recommendation *ret, uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret);
	return reeve__memory_tune(reeve, apply, ret, capacity, err);
}

REEVE_API void reeve_memory_stats_get(struct reeve *reeve, struct reeve_memory_stats *ret_stats)
{
	if (reeve && ret_stats)
		reeve__memory_stats(reeve, ret_stats);
}
