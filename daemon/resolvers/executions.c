/* SPDX-License-Identifier: Apache-2.0 */
/* executions.c - queries of sessions, admitted to everything at once. */
#include "resolvers/resolvers.h"

#define COST_MAX ((uint64_t)1 << 52) /* thousandths that a Float still tells apart */

REEVED_GET(resolve_execution, struct reeve_admission_info, reeve_admission_get, reeve_admission_id,
	"executionId")

static uint32_t copy_executions(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	return reeve_admission_copy(reeve, (reeve_admission_id){after},
		*(const bool *)arg ? REEVE_ADMISSIONS_ENDED : 0, rows, capacity);
}

static const struct reeved_list executions = {copy_executions, sizeof(struct reeve_admission_info),
	offsetof(struct reeve_admission_info, id.v)};

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("sessionId", U64, struct reeve_admission_info, session.v, REEVED_ID),
	REEVED_FIELD("groupId", U64, struct reeve_admission_info, group.v, REEVED_ID),
};

static int resolve_executions(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	bool ended = false;
	(void)reeve_gql_arg_bool(ctx, "includeEnded", &ended);
	if (REEVED_READ_FILTER(ctx, NULL, filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &executions, &ended, &filter, page);
}

/* What a query needs, as it is asked for. */
struct asked {
	struct reeve_admission_def def;
	struct reeve_parallel_def parallel;
};

static const struct reeved_field asked_fields[] = {
	REEVED_FIELD("estimatedExecTimeSeconds", U64, struct asked, def.estimated_ns,
		REEVED_SECONDS_FROM(0), REEVED_OR_NULL(0)),
	REEVED_FIELD("workAreaBytes", U64, struct asked, def.work_area_bytes,
		REEVED_BETWEEN(0, INT64_MAX), REEVED_OR_NULL(0)),
	REEVED_FIELD("estimatedCost", FLOAT, struct asked, parallel.estimated_cost_milli,
		REEVED_BETWEEN(0, COST_MAX), .unit = 1000, REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD("parallelMode", NAME, struct asked, parallel.mode,
		REEVED_AMONG(reeved_parallel_mode_names)),
	REEVED_FIELD("requestedDop", INT, struct asked, parallel.requested_dop,
		REEVED_BETWEEN(0, REEVE_PARALLEL_DOP_MAX), REEVED_OR_NULL(0)),
	REEVED_FIELD("minDop", INT, struct asked, parallel.min_dop,
		REEVED_BETWEEN(1, REEVE_PARALLEL_DOP_MAX), REEVED_OR_NULL(0)),
};

static int resolve_execute(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct asked asked = {REEVE_ADMISSION_DEF_INIT, REEVE_PARALLEL_DEF_INIT};
	reeve_session_id session = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_admission_info info;
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, asked_fields, &asked, NULL) != 0)
		return -1;
	if (asked.parallel.mode != REEVE_PARALLEL_SERIAL)
		asked.def.parallel = &asked.parallel;
	else if (asked.parallel.requested_dop > 1 || asked.parallel.min_dop > 1)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %u; allowed with parallelMode Serial is 1",
			asked.parallel.requested_dop > 1 ? "requestedDop" : "minDop",
			asked.parallel.requested_dop > 1 ? asked.parallel.requested_dop
							 : asked.parallel.min_dop);
	if (reeve_admission_begin(reeved_segment_of(ctx), session, &asked.def, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_complete(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_admission_id id = {reeved_arg_id(ctx, "executionId")};
	const char *failure = NULL;
	struct reeve_error err;
	reeve_gql_arg_str(ctx, "failure", &failure);
	if (reeve_admission_end(reeved_segment_of(ctx), id, failure, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Query execution %llu %s; all it held is given back.",
		(unsigned long long)id.v, failure != NULL ? "has failed" : "is over");
}

static int resolve_is_queued(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(ctx,
		((const struct reeve_admission_info *)object)->state == REEVE_EXECUTION_QUEUED);
}

REEVED_TEXT_OF(resolve_failure, struct reeve_admission_info, failure)

#define E "QueryExecution"
static const struct reeve_gql_binding rows[] = {
	UINT(E, "executionId", struct reeve_admission_info, id.v, ),
	UINT(E, "sessionId", struct reeve_admission_info, session.v, ),
	UINT(E, "queryId", struct reeve_admission_info, execution.v, ),
	UINT(E, "groupId", struct reeve_admission_info, group.v, ),
	UINT(E, "taskId", struct reeve_admission_info, task.v, ),
	UINT(E, "grantedDop", struct reeve_admission_info, dop, ),
	NAMED(E, "state", struct reeve_admission_info, state, reeved_execution_state_names),
	NAMED(E, "stateKind", struct reeve_admission_info, state, reeved_execution_state_kinds),
	FN(E, "queued", resolve_is_queued),
	UINT(E, "queuePosition", struct reeve_admission_info, queue_position,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(E, "requestedAt", struct reeve_admission_info, begun_wall, ),
	TIME_NS(E, "startedAt", struct reeve_admission_info, started_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(E, "completedAt", struct reeve_admission_info, ended_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(E, "cpuTimeUsed", struct reeve_admission_info, cpu_ns, ),
	UINT(E, "ioBytes", struct reeve_admission_info, io_bytes, ),
	UINT(E, "ioRequests", struct reeve_admission_info, io_requests, ),
	UINT(E, "memoryUsed", struct reeve_admission_info, memory_bytes, ),
	FN(E, "failure", resolve_failure),

	FN("Query", "getQueryExecution", resolve_execution),
	FN("Query", "listQueryExecutions", resolve_executions),
	ACTS("Mutation", "executeQuery", resolve_execute),
	ACTS("Mutation", "completeQueryExecution", resolve_complete),
};
const struct reeve_gql_table reeved_execution_table = {rows, REEVED_COUNT(rows)};
