/* SPDX-License-Identifier: Apache-2.0 */
/* edit_api.c - staged edits: arguments checked, clocks read, change announced. */
#include "../engine/engine.h"
#include "../model/edit.h"

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

static uint64_t mono(const struct reeve *reeve)
{
	return (uint64_t)reeve__mono(reeve);
}

static int check_bits(uint64_t fields, uint64_t last, struct reeve_error *err)
{
	if (fields & ~((last << 1) - 1))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#llx; allowed are bits up to %#llx", (unsigned long long)fields,
			(unsigned long long)last);
	return 0;
}

REEVE_API int reeve_edit_begin(struct reeve *reeve, uint64_t timeout_ns, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	rc = reeve__edit_begin(reeve, timeout_ns, reeve__wall(reeve), mono(reeve), err);
	if (rc != REEVE_ECONFLICT)
		return rc;
	reeve__reap(reeve, NULL); /* its owner may be dead, and nobody have looked since */
	return reeve__edit_begin(reeve, timeout_ns, reeve__wall(reeve), mono(reeve), err);
}

REEVE_API int reeve_edit_plan_create(struct reeve *reeve, const struct reeve_plan_def *def,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	return reeve__edit_plan_create(reeve, def, mono(reeve), ret_id, err);
}

REEVE_API int reeve_edit_plan_update(struct reeve *reeve, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_bits(fields, REEVE_PLAN_PARENT, err);
	return rc ? rc : reeve__edit_plan_update(reeve, id, fields, def, mono(reeve), err);
}

REEVE_API int reeve_edit_plan_delete(
	struct reeve *reeve, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__edit_plan_delete(reeve, id, replacement, mono(reeve), err);
}

REEVE_API int reeve_edit_directive_set(struct reeve *reeve, reeve_plan_id plan,
	reeve_group_id group, const struct reeve_directive_def *def, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(def);
	rc = check_bits(def->given | def->removed, REEVE_DIRECTIVE_PRIORITY, err);
	return rc ? rc : reeve__edit_directive_set(reeve, plan, group, def, mono(reeve), err);
}

REEVE_API int reeve_edit_directive_remove(
	struct reeve *reeve, reeve_plan_id plan, reeve_group_id group, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__edit_directive_remove(reeve, plan, group, mono(reeve), err);
}

REEVE_API int reeve_edit_validate(struct reeve *reeve, struct reeve_plan_message *ret_messages,
	uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	if (capacity)
		WANT(ret_messages);
	return reeve__edit_validate(
		reeve, ret_messages, capacity, reeve__wall(reeve), mono(reeve), err);
}

REEVE_API int reeve_edit_submit(
	struct reeve *reeve, uint64_t *ret_revision, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	rc = reeve__edit_submit(reeve, ret_revision, reeve__wall(reeve), mono(reeve), err);
	if (!rc)
		reeve__cpu_announce(reeve);
	reeve__event_flush(reeve);
	return rc;
}

REEVE_API int reeve_edit_discard(struct reeve *reeve, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__edit_discard(reeve, err);
}

REEVE_API int reeve_edit_clone(struct reeve *from, struct reeve *to, struct reeve_error *err)
{
	WANT(from);
	WANT(to);
	if (from == to)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "from and to are the same");
	return reeve__edit_clone(from, to, reeve__wall(to), mono(from), mono(to), err);
}

REEVE_API int reeve_plan_define(struct reeve *reeve, const struct reeve_plan_def *def,
	const struct reeve_plan_part *parts, uint32_t n, reeve_plan_id *ret_id,
	struct reeve_error *err)
{
	reeve_plan_id id = {0};
	int rc = 0;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	if (n)
		WANT(parts);
	if (n > reeve->header->directives.capacity)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"%u directives; the table of directives has room for %u", n,
			reeve->header->directives.capacity);
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = check_bits(
			parts[i].def.given | parts[i].def.removed, REEVE_DIRECTIVE_PRIORITY, err);
	if (!rc)
		rc = reeve__plan_define(reeve, def, parts, n, reeve__wall(reeve), &id, err);
	if (!rc)
		*ret_id = id;
	reeve__event_flush(reeve);
	return rc;
}

REEVE_API void reeve_edit_get(struct reeve *reeve, struct reeve_edit_info *ret_info)
{
	if (reeve && ret_info)
		reeve__edit_get(reeve, ret_info);
}
