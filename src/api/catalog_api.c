/* SPDX-License-Identifier: Apache-2.0 */
/* catalog_api.c - groups, users, plans, directives: arguments checked, clock read, change announced. */
#include "../engine/engine.h"
#include "../engine/memory.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

/* Refuses NULL arguments by name; the last pair ends the list. */
#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (!(pointer))                                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

/* A change that may have put a new ruling in force: running tasks are told. */
static int announced(struct reeve *reeve, int rc)
{
	if (rc >= 0)
		reeve__cpu_announce(reeve);
	reeve__event_flush(reeve);
	return rc;
}

static int check_fields(uint64_t fields, uint64_t last, struct reeve_error *err)
{
	if (fields & ~((last << 1) - 1))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#llx; allowed are bits up to %#llx", (unsigned long long)fields,
			(unsigned long long)last);
	return 0;
}

REEVE_API int reeve_group_create(struct reeve *reeve, const struct reeve_group_def *def,
	reeve_group_id *ret_id, struct reeve_error *err)
{
	reeve_group_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = announced(reeve, reeve__group_create(reeve, def, reeve__wall(reeve), &id, err));
	if (!rc)
		*ret_id = id;
	return rc;
}

REEVE_API int reeve_group_update(struct reeve *reeve, reeve_group_id id, uint32_t fields,
	const struct reeve_group_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_fields(fields, REEVE_GROUP_IOPS, err);
	if (!rc)
		rc = announced(reeve, reeve__group_update(reeve, id, fields, def, expected_revision,
					      reeve__wall(reeve), err));
	if (!rc && (fields & REEVE_GROUP_MEMORY_LIMIT))
		reeve__memory_sweep(reeve); /* no session goes on by credit of the old limit */
	return rc;
}

REEVE_API int reeve_group_get(struct reeve *reeve, reeve_group_id id,
	struct reeve_group_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__group_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_group_copy(struct reeve *reeve, reeve_group_id after,
	struct reeve_group_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__group_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API int reeve_user_map(struct reeve *reeve, uint64_t user_id, const char *username,
	reeve_group_id group, bool is_permanent, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__user_map(
		reeve, user_id, username, group, is_permanent, 0, reeve__wall(reeve), err);
}

REEVE_API int reeve_user_unmap(struct reeve *reeve, uint64_t user_id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__user_unmap(reeve, user_id, err);
}

REEVE_API int reeve_user_get(struct reeve *reeve, uint64_t user_id,
	struct reeve_user_mapping *ret_mapping, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_mapping);
	return reeve__user_get(reeve, user_id, ret_mapping, err);
}

REEVE_API uint32_t reeve_user_copy(struct reeve *reeve, uint64_t after,
	struct reeve_user_mapping *ret_mappings, uint32_t capacity)
{
	return reeve && ret_mappings ? reeve__user_copy(reeve, after, ret_mappings, capacity) : 0;
}

REEVE_API int reeve_plan_create(struct reeve *reeve, const struct reeve_plan_def *def,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	reeve_plan_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = reeve__plan_create(reeve, def, reeve__wall(reeve), &id, err);
	if (!rc)
		*ret_id = id;
	return rc;
}

REEVE_API int reeve_plan_update(struct reeve *reeve, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_fields(fields, REEVE_PLAN_PARENT, err);
	return rc ? rc
		  : announced(reeve, reeve__plan_update(reeve, id, fields, def, expected_revision,
					     reeve__wall(reeve), err));
}

REEVE_API int reeve_plan_get(struct reeve *reeve, reeve_plan_id id,
	struct reeve_plan_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__plan_get(reeve, id, ret_info, err);
}

REEVE_API bool reeve_plan_find(struct reeve *reeve, const char *name, reeve_plan_id *ret_id)
{
	return reeve && name && ret_id && reeve__plan_find(reeve, name, ret_id);
}

REEVE_API uint32_t reeve_plan_copy(struct reeve *reeve, reeve_plan_id after,
	struct reeve_plan_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__plan_copy(reeve, after, ret_infos, capacity) : 0;
}

REEVE_API reeve_plan_id reeve_plan_active(struct reeve *reeve)
{
	struct reeve__ruling_view view;
	reeve_plan_id id = {0};

	for (int tries = 0; reeve && tries < 8; tries++) {
		view = reeve__ruling_now(reeve);
		id.v = reeve__get(&view.head->plan_id);
		if (reeve__ruling_holds(&view))
			break;
	}
	return id;
}

REEVE_API int reeve_directive_set(struct reeve *reeve, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_directive_id *ret_id, struct reeve_error *err)
{
	reeve_directive_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	rc = check_fields(def->given | def->removed, REEVE_DIRECTIVE_PRIORITY, err);
	if (!rc)
		rc = announced(reeve, reeve__directive_set(reeve, plan, group, def,
					      reeve__wall(reeve), &id, err));
	if (!rc)
		*ret_id = id;
	return rc;
}

REEVE_API int reeve_directive_update(struct reeve *reeve, reeve_directive_id id,
	const struct reeve_directive_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_fields(def->given | def->removed, REEVE_DIRECTIVE_PRIORITY, err);
	return rc ? rc
		  : announced(reeve, reeve__directive_update(reeve, id, def, expected_revision,
					     reeve__wall(reeve), err));
}

REEVE_API int reeve_directive_destroy(
	struct reeve *reeve, reeve_directive_id id, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__directive_destroy(reeve, id, err));
}

REEVE_API int reeve_directive_get(struct reeve *reeve, reeve_directive_id id,
	struct reeve_directive_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__directive_get(reeve, id, ret_info, err);
}

REEVE_API int reeve_directive_copy(struct reeve *reeve, reeve_plan_id plan,
	reeve_directive_id after, struct reeve_directive_info *ret_infos, uint32_t capacity,
	struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_infos);
	return reeve__directive_copy(reeve, plan, after, ret_infos, capacity, err);
}

REEVE_API const struct reeve_directive_field *reeve_directive_field_at(uint32_t k)
{
	return reeve__directive_field_at(k);
}

REEVE_API int reeve_plan_validate(struct reeve *reeve, reeve_plan_id id,
	struct reeve_plan_message *ret_messages, uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_messages);
	return reeve__plan_validate(reeve, id, ret_messages, capacity, err);
}

REEVE_API int reeve_plan_activate(struct reeve *reeve, reeve_plan_id id, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__plan_activate(reeve, id, reeve__wall(reeve), err));
}

REEVE_API int reeve_plan_entitlements(struct reeve *reeve, reeve_plan_id id,
	struct reeve_entitlement *ret, uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret);
	return reeve__plan_entitlements(reeve, id, ret, capacity, err);
}

REEVE_API int reeve_cpu_group_register(struct reeve *reeve, reeve_group_id group, uint32_t shares,
	uint32_t cap_pct, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__cpu_register(reeve, group, shares, cap_pct, err));
}

REEVE_API int reeve_cpu_group_unregister(
	struct reeve *reeve, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return announced(reeve, reeve__cpu_unregister(reeve, group, err));
}
