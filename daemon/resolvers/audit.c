/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - what operate.c writes into the audit log, and how an admin reads it. */
#include "audit/audit.h"
#include "audit/redact.h"
#include "graphql/value.h"
#include "resolvers/resolvers.h"

#include <string.h>

#define LIMIT_DEFAULT 100u
#define MAX_NESTING   32u

void reeved_audit_operation(
	struct reeve_gql_ctx *ctx, int rc, reeve_ns began_wall, reeve_ns began_mono)
{
	struct reeved_client *client = reeved_client_of(ctx);
	const struct reeve_gql_value *value;
	const char *name;
	struct reeve_json arguments;
	reeve_json_init(&arguments, REEVED_AUDIT_LINE);
	reeve_json_object_begin(&arguments);
	for (uint32_t i = 0; (value = reeve_gql_arg_at(ctx, i, &name)) != NULL; i++) {
		if (value->kind == REEVE_GQL_VALUE_ABSENT)
			continue;
		reeve_json_key(&arguments, name);
		reeved_redact(name, value, &arguments);
	}
	reeve_json_object_end(&arguments);
	const char *code = rc < 0 ? reeve_gql_failed_code(ctx) : "ok";
	struct reeved_audit_entry entry = {
		.who = &client->who,
		.operation = reeve_gql_field_name(ctx),
		.arguments = arguments.data,
		.arguments_len = reeve_json_ok(&arguments) ? arguments.len : SIZE_MAX,
		.outcome = code != NULL ? code : "INTERNAL",
		.at = began_wall,
		.duration = reeve_now_mono(client->daemon->reeve) - began_mono,
	};
	reeved_audit_write(client->daemon->audit, &entry);
	reeve_json_fini(&arguments);
}

static int emit_line(struct reeve_gql_ctx *ctx, struct gql_arena *arena, const char *line)
{
	struct reeve_gql_value value;
	struct gql_json_error error;
	reeve_gql_arena_reset(arena);
	/* A line of an older file that somebody has edited: passed over. */
	if (!reeve_gql_json_read(arena, line, strlen(line), MAX_NESTING, &value, &error) ||
		value.kind != REEVE_GQL_VALUE_OBJECT)
		return 0;
	return reeve_gql_emit_object(ctx, &value);
}

static int resolve_list(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	uint32_t limit = LIMIT_DEFAULT;
	uint64_t before = 0;
	struct gql_arena arena;
	if (reeved_take_int(
		    ctx, reeve_gql_arg(ctx, "limit"), "limit", 1, REEVED_AUDIT_RECENT, &limit) < 0)
		return -1;
	reeve_gql_arg_u64(ctx, "beforeId", &before);
	size_t capacity = (size_t)limit * REEVED_AUDIT_LINE;
	char *lines = reeve_gql_alloc(ctx, capacity);
	if (lines == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n = reeved_audit_copy(
		reeved_client_of(ctx)->daemon->audit, before, limit, lines, capacity);
	reeve_gql_arena_init(&arena, (size_t)64 * REEVED_AUDIT_LINE);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n; i++, lines += strlen(lines) + 1) {
		if (emit_line(ctx, &arena, lines) == REEVE_GQL_STOP)
			break;
	}
	int rc = reeve_gql_list_end(ctx);
	reeve_gql_arena_fini(&arena);
	return rc;
}

/* A field is the line's member of the same name. */
static int resolve_member(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_gql_value *value =
		reeve_gql_value_member(object, reeve_gql_field_name(ctx));
	if (value->kind == REEVE_GQL_VALUE_STRING)
		return reeve_gql_emit_str(ctx, value->text);
	if (value->kind == REEVE_GQL_VALUE_UINT)
		return reeve_gql_emit_u64(ctx, value->u64);
	return reeve_gql_emit_null(ctx);
}

static int resolve_arguments(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_value(ctx, reeve_gql_value_member(object, "arguments"));
}

#define A "AuditEntry"
static const struct reeve_gql_binding rows[] = {
	FN(A, "id", resolve_member),
	FN(A, "at", resolve_member),
	FN(A, "who", resolve_member),
	FN(A, "role", resolve_member),
	FN(A, "from", resolve_member),
	FN(A, "operation", resolve_member),
	FN(A, "arguments", resolve_arguments),
	FN(A, "outcome", resolve_member),
	FN(A, "durationUs", resolve_member),
	TELLS("Query", "listAuditEntries", resolve_list),
};
const struct reeve_gql_table reeved_audit_table = {rows, REEVED_COUNT(rows)};
