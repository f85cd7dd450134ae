/* SPDX-License-Identifier: Apache-2.0 */
/* manager_api.c - the manager: arguments checked, then down. */
#include "../engine/admission.h"
#include "../engine/io.h"
#include "../engine/manager.h"

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

#define WANT(pointer)                                                                              \
	do {                                                                                       \
		if (REEVE_UNLIKELY(!(pointer)))                                                    \
			return missing(err, #pointer);                                             \
	} while (0)

REEVE_API int reeve_stats_get(
	struct reeve *reeve, struct reeve_stats *ret_stats, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_stats);
	return reeve__stats_get(reeve, ret_stats, err);
}

REEVE_API int reeve_rebalance(
	struct reeve *reeve, struct reeve_rebalancing_report *ret_report, struct reeve_error *err)
{
	struct reeve_rebalancing_report aside;
	int rc;

	WANT(reeve);
	rc = reeve__rebalance(reeve, ret_report ? ret_report : &aside, err);
	reeve__event_flush(reeve);
	return rc;
}

REEVE_API int reeve_manager_config_get(
	struct reeve *reeve, struct reeve_manager_config *ret_config, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_config);
	reeve__manager_config_get(reeve, ret_config);
	return 0;
}

REEVE_API int reeve_manager_config_set(struct reeve *reeve, uint32_t fields,
	const struct reeve_manager_config *config, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	WANT(config);
	rc = reeve__manager_config_set(reeve, fields, config, err);
	reeve__event_flush(reeve);
	return rc;
}

/* Ranges first, so that nothing is made that would have to be undone. */
static int check_registrations(
	const struct reeve_group_registrations *registrations, struct reeve_error *err)
{
	int rc = reeve__check_number(
		err, "cpu_shares", registrations->cpu_shares, 0, REEVE_SHARES_MAX);
	if (!rc)
		rc = reeve__check_number(
			err, "io_weight", registrations->io_weight, 0, REEVE_IO_WEIGHT_MAX);
	if (!rc)
		rc = reeve__check_number(
			err, "max_session_pga", registrations->max_session_pga, 1, REEVE_UNLIMITED);
	return rc;
}

static int register_group(struct reeve *reeve, reeve_group_id id, const struct reeve_group_def *def,
	const struct reeve_group_registrations *registrations, struct reeve_error *err)
{
	int rc = 0;

	if (registrations->cpu_shares)
		rc = reeve_cpu_group_register(reeve, id, registrations->cpu_shares, 0, err);
	/* A registration of I/O counts in place of the group's own limits: it repeats them. */
	if (!rc && registrations->io_weight)
		rc = reeve_io_group_register(reeve, id, def->io_bandwidth_limit, def->iops_limit,
			registrations->io_weight, err);
	if (!rc && registrations->max_session_pga != REEVE_UNLIMITED)
		rc = reeve_memory_group_register(
			reeve, id, REEVE_UNLIMITED, registrations->max_session_pga, err);
	return rc;
}

REEVE_API int reeve_group_define(struct reeve *reeve, const struct reeve_group_def *def,
	const struct reeve_group_registrations *registrations, reeve_group_id *ret_id,
	struct reeve_error *err)
{
	struct reeve_group_def closed;
	reeve_group_id id;
	int rc;

	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	if (!registrations)
		return reeve_group_create(reeve, def, ret_id, err);
	rc = check_registrations(registrations, err);
	if (rc)
		return rc;
	closed = *def;
	closed.is_active = false;
	rc = reeve_group_create(reeve, &closed, &id, err);
	if (rc)
		return rc;
	rc = register_group(reeve, id, def, registrations, err);
	if (!rc && def->is_active)
		rc = reeve_group_update(reeve, id, REEVE_GROUP_IS_ACTIVE, def, 0, err);
	if (rc) {
		(void)reeve_group_destroy(reeve, id, (reeve_group_id){0}, NULL);
		return rc;
	}
	*ret_id = id;
	return 0;
}

REEVE_API int reeve_container_get(
	struct reeve *reeve, struct reeve_container_limits *ret_limits, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_limits);
	if (reeve->host->container && reeve->host->container(reeve->host->self, ret_limits))
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "a control group of this process");
}

REEVE_API int reeve_execute_begin(struct reeve_session *session,
	const struct reeve_execute_def *def, struct reeve_execute *ret_execute,
	struct reeve_error *err)
{
	WANT(session);
	WANT(def);
	WANT(ret_execute);
	return reeve__execute_begin(session, def, ret_execute, err);
}

REEVE_API int reeve_execute_end(struct reeve_execute *execute, const char *failure,
	struct reeve_query_usage *ret_usage, struct reeve_error *err)
{
	int rc;

	WANT(execute);
	if (!execute->session)
		return reeve__fail(err, REEVE_EINVALID_STATE, "the statement has been ended");
	rc = failure ? reeve__text_check(failure, 4096, false, "failure", err) : 0;
	return rc ? rc : reeve__execute_end(execute, failure, ret_usage);
}

REEVE_API int reeve_admission_begin(struct reeve *reeve, reeve_session_id session,
	const struct reeve_admission_def *def, struct reeve_admission_info *ret_info,
	struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_info);
	return reeve__admission_begin(reeve, session, def, ret_info, err);
}

REEVE_API int reeve_admission_end(
	struct reeve *reeve, reeve_admission_id id, const char *failure, struct reeve_error *err)
{
	int rc;

	WANT(reeve);
	rc = failure ? reeve__text_check(failure, 4096, false, "failure", err) : 0;
	return rc ? rc : reeve__admission_end(reeve, id, failure, err);
}

REEVE_API int reeve_admission_get(struct reeve *reeve, reeve_admission_id id,
	struct reeve_admission_info *ret_info, struct reeve_error *err)
{
	WANT(reeve);
	WANT(ret_info);
	return reeve__admission_get(reeve, id, ret_info, err);
}

REEVE_API uint32_t reeve_admission_copy(struct reeve *reeve, reeve_admission_id after,
	uint32_t flags, struct reeve_admission_info *ret_infos, uint32_t capacity)
{
	return reeve && ret_infos ? reeve__admission_copy(reeve, after, flags, ret_infos, capacity)
				  : 0;
}

REEVE_API int reeve_io_submit_as(struct reeve *reeve, reeve_admission_id admission,
	const struct reeve_io_def *def, reeve_io_id *ret_id, struct reeve_error *err)
{
	WANT(reeve);
	WANT(def);
	WANT(ret_id);
	return reeve__io_submit_as(reeve, admission, def, ret_id, err);
}
