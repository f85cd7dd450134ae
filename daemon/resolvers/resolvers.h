/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolvers.h - where the fields of schema.graphql come from.
 *
 * One file for each kind of thing; each has a table that binds fields to members of the public
 * API's structs, and functions only for what must be computed. The objects behind the types:
 *
 *	ConsumerGroup             struct reeve_group_info
 *	ConsumerGroupStats        struct reeved_group_stats
 *	UserGroupMapping          struct reeve_user_mapping
 *	ResourcePlan              struct reeve_plan_info
 *	PlanDirective             struct reeve_directive_info
 *	CpuGroupStats             struct reeve_cpu_group_stats
 *	CpuTask                   struct reeve_task_info
 *	Session, SessionGroupMapping  struct reeve_session_info
 *	AuditEntry                struct reeve_gql_value, a line of the audit log
 *	OperationResult           struct reeved_done
 *	SqlResult                 struct reeved_sql_result
 *
 * Resolvers return 0 after emitting, or negative after reeve_gql_fail.
 */
#ifndef REEVE_DAEMON_RESOLVERS_H
#define REEVE_DAEMON_RESOLVERS_H

#include "client.h"
#include "graphql/graphql.h"
#include "reeved.h"

#define REEVED_COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum reeved_row_flag {
	REEVED_ACTS = REEVE_GQL_AROUND,
	/* Blocking: definitions may wait for each other and for the disk. */
	REEVED_DEFINES = (REEVE_GQL_AROUND << 1) | REEVE_GQL_BLOCKING,
	/* Changes nothing, and is for admins. */
	REEVED_TELLS = REEVE_GQL_AROUND << 2,
};

/* Resolves a field bound with ACTS, DEFINES or TELLS: whether the client has the role for it,
 * definitions one at a time, and a line in the audit log. */
int reeved_operate(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object);

/* Short forms of the binding macros; S is the struct behind the type. */
#define FN(type, field, fn) REEVE_GQL_BIND_FN(type, field, fn)
/* A mutation of what lives (sessions, tasks, requests), and one of definitions: see operate.c. */
#define ACTS(type_, field_, fn_)                                                                   \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_),             \
		.flags = REEVED_ACTS                                                               \
	}
#define DEFINES(type_, field_, fn_)                                                                \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_),             \
		.flags = REEVED_DEFINES                                                            \
	}
#define TELLS(type_, field_, fn_)                                                                  \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_),             \
		.flags = REEVED_TELLS                                                              \
	}
#define UINT(type, field, S, m, ...)                                                               \
	REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_UINT, S, m, __VA_ARGS__)
#define BOOL(type, field, S, m)	 REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_BOOL, S, m, )
#define CHARS(type, field, S, m) REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_CHARS, S, m, )
#define TEXT(type, field, S, m)	 REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_STR, S, m, )
#define TIME_NS(type, field, S, m, ...)                                                            \
	REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_TIME_NS, S, m, __VA_ARGS__)
#define NAMED(type, field, S, m, names) REEVE_GQL_BIND_ENUM(type, field, S, m, names, )
#define SELF(type, field)		REEVE_GQL_BIND_SELF(type, field)

extern const struct reeve_gql_table reeved_common_table;
extern const struct reeve_gql_table reeved_group_table;
extern const struct reeve_gql_table reeved_plan_table;
extern const struct reeve_gql_table reeved_cpu_table;
extern const struct reeve_gql_table reeved_session_table;
extern const struct reeve_gql_table reeved_sql_table;
extern const struct reeve_gql_table reeved_server_table;
extern const struct reeve_gql_table reeved_audit_table;

/* Writes the field that was just resolved into the audit log; rc < 0: it failed. */
void reeved_audit_operation(
	struct reeve_gql_ctx *ctx, int rc, reeve_ns began_wall, reeve_ns began_mono);

static inline struct reeved_client *reeved_client_of(const struct reeve_gql_ctx *ctx)
{
	return reeve_gql_user(ctx);
}
static inline struct reeve *reeved_segment_of(const struct reeve_gql_ctx *ctx)
{
	return reeved_client_of(ctx)->daemon->reeve;
}

/* Fails the field with the error's code, prefix and text. */
int reeved_fail(struct reeve_gql_ctx *ctx, const struct reeve_error *err);
/* The same with a text of our own. */
__attribute__((format(printf, 3, 4))) int reeved_refuse(
	struct reeve_gql_ctx *ctx, int code, const char *format, ...);
/* INVALID_ARGUMENT: there is nothing that null could take away. */
int reeved_refuse_null(struct reeve_gql_ctx *ctx, const char *name);

/* Emits an OperationResult with this message. */
struct reeved_done {
	char message[320];
};
__attribute__((format(printf, 2, 3))) int reeved_emit_done(
	struct reeve_gql_ctx *ctx, const char *format, ...);
uint64_t reeved_revision(struct reeve_gql_ctx *ctx);
/* Fields `success` and `revision` of OperationResult and of payloads alike. */
int reeved_resolve_true(struct reeve_gql_ctx *ctx, const void *object);
int reeved_resolve_revision(struct reeve_gql_ctx *ctx, const void *object);

/* Emits text, or null when it is empty. */
int reeved_emit_text(struct reeve_gql_ctx *ctx, const char *text);
/* Emits a limit of an Int field: null when there is none. */
int reeved_emit_limit(struct reeve_gql_ctx *ctx, uint64_t limit);

/* Required arguments. */
uint64_t reeved_arg_id(const struct reeve_gql_ctx *ctx, const char *name);
const char *reeved_arg_text(const struct reeve_gql_ctx *ctx, const char *name);

/*
 * Position of `text` among `names`, without regard to case, '_' and '-'. Fails the field with
 * INVALID_ARGUMENT, naming argument and choices, when there is none.
 */
int reeved_parse_name(struct reeve_gql_ctx *ctx, const char *argument, const char *text,
	const char *const *names, size_t n_names, uint32_t *ret_index);

/* An Int within [least, most] that may be left out. Returns what was given, or negative. */
int reeved_take_int(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value,
	const char *name, uint32_t least, uint32_t most, uint32_t *ret);

/* The `page` argument. Negative after failing the field. */
struct reeved_page {
	uint64_t after;
	uint32_t left; /* how many more may be emitted */
};
int reeved_parse_page(struct reeve_gql_ctx *ctx, struct reeved_page *ret_page);

/* Whole seconds to nanoseconds; INVALID_ARGUMENT when that is more than the clock has. */
int reeved_parse_seconds(
	struct reeve_gql_ctx *ctx, const char *name, uint64_t seconds, uint64_t *ret_ns);

/* Objects by id, for fields of several types; null when the object is gone. */
int reeved_emit_group(struct reeve_gql_ctx *ctx, reeve_group_id id);
int reeved_emit_session(struct reeve_gql_ctx *ctx, reeve_session_id id);
/* Sessions in a group, by page. */
int reeved_emit_sessions_of(
	struct reeve_gql_ctx *ctx, reeve_group_id group, struct reeved_page page);
static inline bool reeved_has_statement(const struct reeve_session_info *info)
{
	return info->state == REEVE_SESSION_ACTIVE || info->state == REEVE_SESSION_WAITING ||
	       info->state == REEVE_SESSION_BLOCKED;
}
/* CpuGroupStats of a group. */
int reeved_emit_cpu_group(struct reeve_gql_ctx *ctx, reeve_group_id id);

#endif
