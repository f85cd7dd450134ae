/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - one SQL statement in a claimed session: prepare, bind, wait for its turn, step, write.
 *
 * The rows are written as JSON while the statement runs, value after value, into one buffer; the
 * answer is put together from there when the statement is over and its CPU slot is given back.
 */
#ifndef REEVE_DAEMON_SQL_RUN_H
#define REEVE_DAEMON_SQL_RUN_H

#include "graphql/graphql.h"
#include "json/json.h"
#include "sql/sessions.h"

struct reeved_run_request {
	const char *sql;
	const struct reeve_gql_value *parameters; /* a list, or nothing */
	uint32_t max_rows;
	reeve_ns deadline;	  /* instant of the segment's monotonic clock; REEVE_NEVER: none */
	const _Atomic bool *stop; /* true: CANCELLED in place of beginning */
};

struct reeved_sql_result {
	/* Names of the columns as they are, then the values row by row as JSON texts. The i-th ends at
	 * ends[i], and a newline follows it. */
	struct reeve_json *cells;
	uint32_t *ends;
	size_t n_ends, cap_ends;
	uint32_t n_columns;
	uint64_t n_rows;
	uint64_t changes;
	bool is_truncated;
	struct reeve_query_usage usage;
};

/*
 * Runs the statement. *ret_result is zeroed but for `cells`, an empty writer of the caller; after
 * success and failure alike reeved_run_fini frees the rest. Errors: INVALID_ARGUMENT (SQLite's
 * message, a second statement, a parameter that cannot be bound), PERMISSION_DENIED (the guard),
 * CONFLICT (locked by others for too long), CANCELLED, KILLED, TIMEOUT, RESOURCE_EXHAUSTED, SYSTEM,
 * INVALID_STATE (a statement by hand is open in the session).
 */
int reeved_run(struct reeved_session *session, const struct reeved_run_request *request,
	struct reeved_sql_result *ret_result, struct reeve_error *err);
void reeved_run_fini(struct reeved_sql_result *result);

#endif
