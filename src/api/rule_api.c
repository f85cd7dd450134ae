/* SPDX-License-Identifier: Apache-2.0 */
/* rule_api.c - assignment rules: arguments checked, zones loaded, clock read. */
#include "../engine/engine.h"
#include "../host/zone.h"

#include <stdlib.h>

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

/* A change with its zones, or NULL with the error; to be freed. */
static struct reeve__rule_change *new_change(
	const struct reeve_rule_def *def, uint32_t fields, int *ret_rc, struct reeve_error *err)
{
	struct reeve__rule_change *change = calloc(1, sizeof(*change));

	if (!change) {
		*ret_rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
		return NULL;
	}
	*ret_rc = reeve__rule_prepare(change, def, fields, err);
	for (uint32_t i = 0; !*ret_rc && i < change->zones.count; i++)
		*ret_rc = reeve__zone_load(change->zones.names[i], &change->data[i], err);
	if (*ret_rc == 0)
		return change;
	free(change);
	return NULL;
}

REEVE_API int reeve_rule_create(struct reeve *reeve, const struct reeve_rule_def *def,
	reeve_rule_id *ret_id, struct reeve_error *err)
{
	struct reeve__rule_change *change;
	reeve_rule_id id = {0};
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	change = new_change(def, REEVE_RULE_ALL_FIELDS, &rc, err);
	if (change)
		rc = reeve__rule_create(reeve, change, reeve__wall(reeve), &id, err);
	if (!rc)
		*ret_id = id;
	free(change);
	return rc;
}

REEVE_API int reeve_rule_update(struct reeve *reeve, reeve_rule_id id, uint32_t fields,
	const struct reeve_rule_def *def, uint64_t expected_revision, struct reeve_error *err)
{
	struct reeve__rule_change *change;
	int rc;

	WANT(reeve);
	WANT(def);
	if (fields & ~(uint32_t)REEVE_RULE_ALL_FIELDS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits up to %#x", fields, REEVE_RULE_IS_ENABLED);
	change = new_change(def, fields, &rc, err);
	if (change)
		rc = reeve__rule_update(
			reeve, id, change, expected_revision, reeve__wall(reeve), err);
	free(change);
	return rc;
}

REEVE_API int reeve_rule_destroy(struct reeve *reeve, reeve_rule_id id, struct reeve_error *err)
{
	WANT(reeve);
	return reeve__rule_destroy(reeve, id, err);
}

REEVE_API int reeve_rule_get(struct reeve *reeve, reeve_rule_id id,
	struct reeve_rule_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__rule_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_rule_copy(
	struct reeve *reeve, uint32_t from, struct reeve_rule_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__rule_copy(reeve, from, ret_infos, capacity) : 0;
}

REEVE_API int reeve_rule_condition_copy(struct reeve *reeve, reeve_rule_id id,
	struct reeve_condition_copy *ret, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret);
	return reeve__rule_condition_copy(reeve, id, ret, err);
}

REEVE_API int reeve_condition_text(
	const struct reeve_condition *condition, char *to, size_t size, struct reeve_error *err)
{
	struct reeve__rule_zones zones;
	uint32_t program[REEVE_SH_RULE_WORDS];
	int rc;

	WANT(condition);
	if (size)
		WANT(to);
	rc = reeve__rule_encode(condition, program, REEVE_SH_RULE_WORDS, &zones, err);
	return rc < 0 ? rc : (int)reeve__rule_text(condition, to, size);
}

REEVE_API int reeve_assignment_evaluate(struct reeve *reeve, const struct reeve_session_def *who,
	reeve_ns at_wall, struct reeve_assignment *ret, struct reeve_rule_trace *ret_traces,
	uint32_t capacity, struct reeve_error *err)
{
	WANT(reeve);
	WANT(who);
	WANT(ret);
	if (capacity)
		WANT(ret_traces);
	return reeve__assignment_evaluate(reeve, who, at_wall, ret, ret_traces, capacity, err);
}
