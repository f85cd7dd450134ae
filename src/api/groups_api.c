/* SPDX-License-Identifier: Apache-2.0 */
/* groups_api.c - groups found without a lock, the default group. */
#include "../engine/engine.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

/* Refuses NULL arguments by name. */
#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (!(pointer))                                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

REEVE_API bool reeve_group_find(struct reeve *reeve, const char *name, reeve_group_id *ret_id)
{
	return reeve && name && ret_id && reeve__group_find(reeve, name, ret_id);
}

REEVE_API int reeve_group_destroy(
	struct reeve *reeve, reeve_group_id id, reeve_group_id move_to, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	rc = reeve__group_destroy(reeve, id, move_to, reeve__wall(reeve), err);
	if (!rc)
		reeve__cpu_announce(reeve);
	return rc;
}

REEVE_API bool reeve_group_exists(struct reeve *reeve, reeve_group_id id)
{
	return reeve && reeve__group_lookup(reeve, id) != REEVE_NONE;
}

REEVE_API int reeve_user_map_until(struct reeve *reeve, uint64_t user_id, const char *username,
	reeve_group_id group, bool is_permanent, reeve_ns expires_wall, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__user_map(reeve, user_id, username, group, is_permanent, expires_wall,
		reeve__wall(reeve), err);
}

REEVE_API int reeve_group_stats_get(struct reeve *reeve, reeve_group_id id,
	struct reeve_group_stats *ret_stats, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_stats);
	return reeve__group_stats_get(reeve, id, ret_stats, err);
}

REEVE_API int reeve_group_stats_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_group_stats *ret_stats, uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_stats);
	return reeve__group_stats_copy(reeve, after, ret_stats, capacity, err);
}

REEVE_API reeve_group_id reeve_group_default_get(struct reeve *reeve)
{
	return (reeve_group_id){reeve ? reeve__group_default_get(reeve) : 0};
}

REEVE_API int reeve_group_default_set(
	struct reeve *reeve, reeve_group_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__group_default_set(reeve, id, err);
}
