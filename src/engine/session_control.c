/* SPDX-License-Identifier: Apache-2.0 */
/* session_control.c - settings of sessions and of session control. */
#include "engine.h"

/* The shortest span that a limit may be: below, no look would find it in time. */
#define LEAST_NS ((uint64_t)1000000)

static int check_span(uint64_t ns, const char *field, struct reeve_error *err)
{
	if (ns == REEVE_UNLIMITED || (ns >= LEAST_NS && ns <= INT64_MAX))
		return 0;
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is %llu ns; allowed are 1 ms up",
		field, (unsigned long long)ns);
}

int reeve__session_limits_set(struct reeve *r, reeve_session_id id, uint32_t fields,
	const struct reeve_session_limits *limits, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = 0;

	if (fields & ~(uint32_t)(REEVE_LIMITS_IDLE | REEVE_LIMITS_EXECUTION))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"fields is %#x; allowed are bits up to %#x", fields,
			REEVE_LIMITS_EXECUTION);
	if (fields & REEVE_LIMITS_IDLE)
		rc = check_span(limits->idle_timeout_ns, "idleTimeout", err);
	if (!rc && (fields & REEVE_LIMITS_EXECUTION))
		rc = check_span(limits->max_execution_ns, "maxExecutionTime", err);
	if (rc)
		return rc;
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc && (fields & REEVE_LIMITS_IDLE))
		reeve__put(&r->sessions[i].idle_ns, limits->idle_timeout_ns);
	if (!rc && (fields & REEVE_LIMITS_EXECUTION)) {
		reeve__put(&r->sessions[i].execution_ns, limits->max_execution_ns);
		atomic_fetch_or(&r->tasks[r->sessions[i].task].attention, REEVE_ATTEND_LIMITS);
	}
	reeve__sessions_unlock(r);
	return rc;
}

int reeve__session_limits_get(struct reeve *r, reeve_session_id id,
	struct reeve_session_limits *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_locked(r, id, &i, err);
	if (!rc)
		*ret = (struct reeve_session_limits){
			.idle_timeout_ns = reeve__get(&r->sessions[i].idle_ns),
			.max_execution_ns = reeve__get(&r->sessions[i].execution_ns),
		};
	reeve__sessions_unlock(r);
	return rc;
}

/* ---- attributes ---- */

int reeve__session_attributes_set(struct reeve *r, reeve_session_id id,
	const struct reeve_session_attributes *a, struct reeve_error *err)
{
	const struct {
		const char *text, *field;
	} rows[] = {{a->program, "programName"}, {a->machine, "machineName"},
		{a->service, "serviceName"}, {a->module, "moduleName"}, {a->action, "actionName"}};
	const char *texts[REEVE_SESSION_TEXTS];
	struct reeve__session_texts before;
	uint32_t i = REEVE_NONE;
	int rc = 0;

	for (size_t k = 0; k < REEVE_COUNT(rows) && !rc; k++)
		rc = reeve__text_check(rows[k].text, REEVE_ATTRIBUTE_MAX, true, rows[k].field, err);
	if (rc)
		return rc;
	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc) {
		reeve__session_texts_get(r, i, &before);
		texts[REEVE_SESSION_USERNAME] = before.username;
		for (size_t k = 0; k < REEVE_COUNT(rows); k++)
			texts[REEVE_SESSION_PROGRAM + k] =
				rows[k].text ? rows[k].text : before.attributes[k];
		reeve__session_texts_put(r, i, texts);
	}
	reeve__sessions_unlock(r);
	return rc;
}

/* ---- settings ---- */

void reeve__session_config_get(struct reeve *r, struct reeve_session_config *ret)
{
	const struct reeve_sh_session_domain *d = r->control;

	*ret = (struct reeve_session_config){
		.global_session_limit = reeve__get(&d->global_limit),
		.timeout_checker_enabled = reeve__get(&d->checker_on) != 0,
		.auto_terminate_enabled = reeve__get(&d->auto_terminate) != 0,
		.default_idle_timeout_ns = reeve__get(&d->default_idle_ns),
		.default_max_execution_ns = reeve__get(&d->default_execution_ns),
		.idle_mark_ns = reeve__get(&d->idle_mark_ns),
		.execution_timeout_action = reeve__get(&d->execution_ends_session),
	};
}

int reeve__session_config_set(
	struct reeve *r, const struct reeve_session_config *c, struct reeve_error *err)
{
	struct reeve_sh_session_domain *d = r->control;
	int rc;

	if (c->global_session_limit < 1)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "globalSessionLimit is 0; allowed are 1 up");
	if (c->execution_timeout_action > REEVE_EXECUTION_ENDS_SESSION)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"executionTimeoutAction is %u; allowed are 0 (cancel the statement) and 1 "
			"(end "
			"the session)",
			c->execution_timeout_action);
	if ((rc = check_span(c->default_idle_timeout_ns, "defaultIdleTimeout", err)) ||
		(rc = check_span(c->default_max_execution_ns, "defaultMaxExecutionTime", err)) ||
		(rc = check_span(c->idle_mark_ns, "idleMark", err)))
		return rc;
	reeve__sessions_lock(r); /* against others who set; readers read each for itself */
	reeve__put(&d->global_limit, c->global_session_limit);
	reeve__put(&d->checker_on, c->timeout_checker_enabled);
	reeve__put(&d->auto_terminate, c->auto_terminate_enabled);
	reeve__put(&d->default_idle_ns, c->default_idle_timeout_ns);
	reeve__put(&d->default_execution_ns, c->default_max_execution_ns);
	reeve__put(&d->idle_mark_ns, c->idle_mark_ns);
	reeve__put(&d->execution_ends_session, c->execution_timeout_action);
	reeve__sessions_unlock(r);
	reeve__put(&d->ruling_seen, (uint64_t)0); /* a default limit shows in every pool's word */
	reeve__session_pools_look(r);
	reeve__event_emit(r, &(struct reeve_event){.kind = REEVE_EVENT_CONFIG_CHANGED,
				     .text = "session control"});
	return 0;
}
