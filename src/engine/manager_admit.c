/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager_admit.c - admission of one statement to all that it needs.
 *
 *	place in the session pool, CPU slot  ->  parallel servers  ->  work area
 *
 * What can be waited for comes before what cannot, so that nobody waits while he keeps memory from
 * others. On failure, and at the end, the same goes backwards. Each module returns its part by itself
 * when the session ends or the process dies.
 */
#include "manager.h"

#include "memory.h"
#include "parallel.h"

/* Servers, for no longer than the statement may wait. */
static int begin_parallel(struct reeve_session *s, const struct reeve_execute_def *def,
	struct reeve_execute *to, struct reeve_error *err)
{
	struct reeve_parallel_def parallel = *def->parallel;
	int rc;

	if (def->query.deadline < parallel.deadline)
		parallel.deadline = def->query.deadline;
	rc = reeve__parallel_begin(s, &parallel, &to->parallel, err);
	if (rc)
		return rc;
	to->is_parallel = true;
	to->dop = reeve_parallel_dop(&to->parallel);
	return 0;
}

int reeve__execute_begin(struct reeve_session *s, const struct reeve_execute_def *def,
	struct reeve_execute *ret, struct reeve_error *err)
{
	struct reeve_execute x = {.session = s, .dop = 1};
	int rc = reeve_query_begin(s, &def->query, err);

	if (rc)
		return rc;
	if (def->parallel)
		rc = begin_parallel(s, def, &x, err);
	if (!rc && def->work_area_bytes) {
		rc = reeve_memory_charge(s, REEVE_MEMORY_WORK_AREA, def->work_area_bytes, err);
		if (!rc)
			x.work_area_bytes = def->work_area_bytes;
	}
	if (rc) {
		reeve__execute_end(&x, "it was refused memory", NULL);
		return rc;
	}
	x.started_wall = reeve__wall(s->r);
	*ret = x;
	return 0;
}

int reeve__execute_end(
	struct reeve_execute *x, const char *failure, struct reeve_query_usage *ret_usage)
{
	struct reeve_session *s = x->session;

	/* A session that was ended meanwhile has lost these already, which is as good. */
	if (x->work_area_bytes)
		(void)reeve_memory_release(s, REEVE_MEMORY_WORK_AREA, x->work_area_bytes, NULL);
	if (x->is_parallel)
		(void)reeve__parallel_end(&x->parallel, failure, NULL);
	reeve_query_end(s, ret_usage);
	x->session = NULL;
	return 0;
}
