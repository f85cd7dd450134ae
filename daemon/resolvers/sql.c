/* SPDX-License-Identifier: Apache-2.0 */
/* sql.c - statements through the embedded engine. */
#include "resolvers/resolvers.h"
#include "sql/run.h"
#include "sql/sessions.h"

#define MAX_ROWS       1000000u
#define MAX_TIMEOUT_MS ((uint64_t)INT64_MAX / 4 / (uint64_t)REEVE_MSEC)

static void log_statement(uint64_t session, const struct reeved_sql_result *result, int rc,
	const struct reeve_error *err)
{
	if (!reeved_log_wants(REEVED_DEBUG))
		return;
	REEVED_LOG(REEVED_DEBUG, "statement", {"session", NULL, (int64_t)session},
		{"result", rc == 0 ? "OK" : reeve_error_row_of(rc)->name, 0},
		{"reason", rc == 0 ? "" : err->text, 0}, {"rows", NULL, (int64_t)result->n_rows},
		{"cpuTimeNs", NULL, result->usage.cpu_ns},
		{"waitTimeNs", NULL, result->usage.wait_ns},
		{"elapsedNs", NULL, result->usage.elapsed_ns});
}

static enum reeved_sql_outcome outcome_of(int rc)
{
	switch (rc) {
	case 0:
		return REEVED_SQL_OK;
	case REEVE_ECANCELLED:
		return REEVED_SQL_CANCELLED;
	case REEVE_ETIMEOUT:
		return REEVED_SQL_TIMEOUT;
	case REEVE_EKILLED:
		return REEVED_SQL_KILLED;
	default:
		return REEVED_SQL_ERROR;
	}
}

static int read_request(struct reeve_gql_ctx *ctx, struct reeved_run_request *ret)
{
	uint64_t timeout_ms = 0;
	int given = reeved_take_int(
		ctx, reeve_gql_arg(ctx, "maxRows"), "maxRows", 0, MAX_ROWS, &ret->max_rows);
	if (given == REEVE_GQL_NULL)
		return reeved_refuse_null(ctx, "maxRows");
	if (given < 0)
		return -1;
	ret->sql = reeved_arg_text(ctx, "sql");
	ret->parameters = reeve_gql_arg(ctx, "parameters");
	ret->stop = &reeved_client_of(ctx)->is_abandoned;
	ret->deadline = REEVE_NEVER;
	if (reeve_gql_arg_u64(ctx, "timeoutMs", &timeout_ms) != REEVE_GQL_GIVEN)
		return 0;
	if (timeout_ms == 0 || timeout_ms > MAX_TIMEOUT_MS)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"timeoutMs is %llu, and must be 1 to %llu", (unsigned long long)timeout_ms,
			(unsigned long long)MAX_TIMEOUT_MS);
	ret->deadline = reeve_now_mono(reeved_segment_of(ctx)) + (reeve_ns)timeout_ms * REEVE_MSEC;
	return 0;
}

/* Runs the request in its session; the session is let go before the answer is written. */
static int run(struct reeved_client *client, reeve_session_id id,
	const struct reeved_run_request *request, struct reeved_sql_result *ret_result,
	struct reeve_error *err)
{
	struct reeved_sessions *sessions = client->daemon->sessions;
	struct reeved_session *session;
	int rc = reeved_session_claim(sessions, id, &session, err);
	if (rc != 0)
		return rc;
	reeved_client_begin(client, id);
	rc = reeved_run(session, request, ret_result, err);
	reeved_client_end(client);
	reeved_session_release(sessions, session);
	return rc;
}

static int resolve_execute(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_client *client = reeved_client_of(ctx);
	struct reeved_run_request request;
	struct reeved_sql_result result = {.cells = &client->cells};
	struct reeve_error err;
	if (read_request(ctx, &request) != 0)
		return -1;
	uint64_t session = reeved_arg_id(ctx, "sessionId");
	reeve_json_reset(&client->cells);
	int rc = run(client, (reeve_session_id){session}, &request, &result, &err);
	log_statement(session, &result, rc, &err);
	reeved_count(&client->daemon->counters.statements[outcome_of(rc)]);
	atomic_fetch_add_explicit(
		&client->daemon->counters.rows, result.n_rows, memory_order_relaxed);
	rc = rc == 0 ? reeve_gql_emit_object(ctx, &result) : reeved_fail(ctx, &err);
	reeved_run_fini(&result);
	return rc;
}

/* The i-th text of the result. */
static const char *cell(const struct reeved_sql_result *result, size_t i, size_t *ret_len)
{
	size_t begin = i == 0 ? 0 : (size_t)result->ends[i - 1] + 1;
	*ret_len = result->ends[i] - begin;
	return result->cells->data + begin;
}

static int resolve_columns(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeved_sql_result *result = object;
	size_t len;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < result->n_columns; i++) {
		const char *name = cell(result, i, &len);
		reeve_gql_emit_strn(ctx, name, len);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_rows(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeved_sql_result *result = object;
	size_t at = result->n_columns, len;
	reeve_gql_list_begin(ctx);
	for (uint64_t row = 0; row < result->n_rows; row++) {
		reeve_gql_list_begin(ctx);
		for (uint32_t column = 0; column < result->n_columns; column++) {
			const char *text = cell(result, at++, &len);
			reeve_gql_emit_json(ctx, text, len);
		}
		if (reeve_gql_list_end(ctx) == REEVE_GQL_STOP)
			break;
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_cancel(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_error err;
	if (reeve_session_cancel(reeved_segment_of(ctx), id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The statement of session %llu was told to stop.", (unsigned long long)id.v);
}

#define R "SqlResult"
#define SPAN(field, member)                                                                        \
	REEVE_GQL_BIND_MEMBER(R, field, REEVE_GQL_INT, struct reeved_sql_result, member, )
static const struct reeve_gql_binding rows[] = {
	FN(R, "columns", resolve_columns),
	FN(R, "rows", resolve_rows),
	UINT(R, "changes", struct reeved_sql_result, changes, ),
	BOOL(R, "truncated", struct reeved_sql_result, is_truncated),
	UINT(R, "groupId", struct reeved_sql_result, usage.group.v, ),
	SPAN("cpuTimeNs", usage.cpu_ns),
	SPAN("waitTimeNs", usage.wait_ns),
	SPAN("elapsedNs", usage.elapsed_ns),
	{.type = "Mutation",
		.field = "executeSql",
		.kind = REEVE_GQL_FN,
		.fn = resolve_execute,
		.flags = REEVED_ACTS | REEVE_GQL_BLOCKING},
	ACTS("Mutation", "cancelSql", resolve_cancel),
};
const struct reeve_gql_table reeved_sql_table = {rows, REEVED_COUNT(rows)};
