/* SPDX-License-Identifier: Apache-2.0 */
/*
 * govern.c - what a program may ask of a connection's governor, and tell it.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "governor.h"

struct reeve_session *reeve_sqlite_session(const struct reeve_sqlite *governor)
{
	return governor != NULL ? governor->session : NULL;
}

/* 0, or INVALID_ARGUMENT: the governor is NULL, or the span negative. */
static int check_span(const struct reeve_sqlite *g, reeve_ns span, struct reeve_error *err)
{
	if (g == NULL)
		return reeve__sqlite_fail(err, REEVE_EINVALID_ARGUMENT, "the governor is NULL");
	if (span < 0)
		return reeve__sqlite_fail(err, REEVE_EINVALID_ARGUMENT,
			"a time limit of %lld ns: must not be negative", (long long)span);
	return 0;
}

int reeve_sqlite_set_timeout(
	struct reeve_sqlite *governor, reeve_ns timeout_ns, struct reeve_error *err)
{
	int rc = check_span(governor, timeout_ns, err);

	if (rc == 0)
		governor->timeout_ns = timeout_ns;
	return rc;
}

int reeve_sqlite_set_busy_timeout(
	struct reeve_sqlite *governor, reeve_ns busy_timeout_ns, struct reeve_error *err)
{
	int rc = check_span(governor, busy_timeout_ns, err);

	if (rc == 0)
		reeve__sqlite_set_busy(governor, busy_timeout_ns);
	return rc;
}

int reeve_sqlite_begin(struct reeve_sqlite *governor, reeve_ns deadline, struct reeve_error *err)
{
	int rc = check_span(governor, deadline, err);

	if (rc < 0)
		return rc;
	if (governor->is_bracketed || governor->is_begun || governor->open_count > 0)
		return reeve__sqlite_fail(err, REEVE_EINVALID_STATE, "begin: %s",
			governor->is_bracketed ? "begun already" : "a statement is open");
	rc = reeve__sqlite_begin(governor, deadline);
	if (rc < 0)
		return reeve__sqlite_fail(err, rc, "%s", governor->why.text);
	governor->is_bracketed = true;
	return 0;
}

void reeve_sqlite_end(struct reeve_sqlite *governor, struct reeve_query_usage *ret_usage)
{
	if (governor == NULL || !governor->is_bracketed)
		return;
	governor->is_bracketed = false;
	reeve__sqlite_end(governor, 0);
	governor->stop = 0;
	governor->free_rows = 0; /* a cursor that is still open begins anew with its next row */
	reeve_query_usage(governor->session, ret_usage);
}

int reeve_sqlite_cancel(struct reeve_sqlite *governor, struct reeve_error *err)
{
	int rc = check_span(governor, 0, err);

	if (rc == 0)
		rc = reeve_session_cancel(
			governor->reeve, reeve_session_id_of(governor->session), err);
	if (rc == 0) {
		atomic_store(&governor->is_cancel_sent, true);
		sqlite3_interrupt(governor->db);
	}
	return rc;
}

int reeve_sqlite_why(const struct reeve_sqlite *governor, struct reeve_error *ret_why)
{
	if (governor == NULL || !governor->has_why)
		return 0;
	if (ret_why != NULL)
		*ret_why = governor->why;
	return governor->why.code;
}

void reeve_sqlite_usage(const struct reeve_sqlite *governor, struct reeve_query_usage *ret_usage)
{
	if (governor == NULL || ret_usage == NULL)
		return;
	*ret_usage = (struct reeve_query_usage){0};
	if (governor->statements > 0 || governor->is_begun)
		reeve_query_usage(governor->session, ret_usage);
}

void reeve_sqlite_totals(
	const struct reeve_sqlite *governor, struct reeve_sqlite_totals *ret_totals)
{
	struct reeve_query_usage base, now;

	if (governor == NULL || ret_totals == NULL)
		return;
	base = governor->usage_base;
	reeve_session_usage(governor->session, &now);
	*ret_totals = governor->totals;
	ret_totals->statements = governor->statements;
	ret_totals->cpu_ns = now.cpu_ns - base.cpu_ns;
	ret_totals->wait_ns = now.wait_ns - base.wait_ns;
	ret_totals->blocked_ns = now.blocked_ns - base.blocked_ns;
	ret_totals->elapsed_ns = now.elapsed_ns - base.elapsed_ns;
}

/* Enough opcodes for the progress handler, few enough for nobody to notice: about 0.1 ms. */
static const char probe_sql[] =
	"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
	" SELECT count(*) FROM n";

static const char *lost_hook(uint32_t seen)
{
	if ((seen & (REEVE__PROBE_START | REEVE__PROBE_END)) !=
		(REEVE__PROBE_START | REEVE__PROBE_END))
		return "sqlite3_trace_v2 was taken: statements are not admitted or charged";
	if ((seen & REEVE__PROBE_PROGRESS) == 0)
		return "sqlite3_progress_handler was taken: statements are not interrupted and do "
		       "not "
		       "give way";
	if ((seen & REEVE__PROBE_AUTHORIZER) == 0)
		return "sqlite3_set_authorizer was taken: PRAGMA cache_size, temp_store, threads "
		       "and "
		       "busy_timeout are the program's";
	return NULL;
}

static int take_number(void *number, int count, char **values, char **names)
{
	(void)names;
	if (count == 1 && values[0] != NULL)
		sscanf(values[0], "%d", (int *)number);
	return 0;
}

int reeve_sqlite_check(struct reeve_sqlite *governor, struct reeve_error *err)
{
	int rc = check_span(governor, 0, err), busy_ms = 0;
	const char *lost;

	if (rc < 0)
		return rc;
	if (governor->open_count > 0)
		return reeve__sqlite_fail(err, REEVE_EINVALID_STATE, "check: a statement is open");
	governor->is_probing = true;
	governor->probe_hooks = 0;
	rc = sqlite3_exec(governor->db, probe_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(governor->db, "PRAGMA busy_timeout", take_number, &busy_ms, NULL);
	governor->is_probing = false;
	if (rc != SQLITE_OK)
		return reeve__sqlite_fail(
			err, REEVE_ESYSTEM, "check: %s", sqlite3_errmsg(governor->db));
	lost = lost_hook(governor->probe_hooks);
	if (lost == NULL && busy_ms > 0)
		lost = "sqlite3_busy_timeout was called: waits for locks hold the CPU slot";
	return lost == NULL ? 0 : reeve__sqlite_fail(err, REEVE_ECONFLICT, "%s", lost);
}
