/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolvers.h - where the fields of schema.graphql come from.
 *
 * One file for each kind of thing; each has a table that binds fields to members of the public
 * API's structs, and functions only for what must be computed. The object behind a type is the
 * struct that its rows name, mostly the library's copy of the thing; a payload is the thing that was
 * made. Arguments are read by tables as well: struct reeved_field.
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
	/* Prepares what another field will make, in turn with what makes it. */
	REEVED_STAGES = (REEVE_GQL_AROUND << 3) | REEVE_GQL_BLOCKING,
};

/* Resolves a field bound with ACTS, DEFINES, STAGES or TELLS: whether the client has the role for it,
 * definitions one at a time, and a line in the audit log. */
int reeved_operate(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object);

/* Short forms of the binding macros; S is the struct behind the type. */
#define FN(type, field, fn) REEVE_GQL_BIND_FN(type, field, fn)
/* A mutation of what lives (sessions, tasks, requests), one of definitions, a step of one: see
 * operate.c. */
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
#define STAGES(type_, field_, fn_)                                                                 \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_),             \
		.flags = REEVED_STAGES                                                             \
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
#define INT(type, field, S, m, ...)                                                                \
	REEVE_GQL_BIND_MEMBER(type, field, REEVE_GQL_INT, S, m, __VA_ARGS__)
#define SELF(type, field) REEVE_GQL_BIND_SELF(type, field)

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
extern const struct reeve_gql_table reeved_user_table;
extern const struct reeve_gql_table reeved_group_change_table;
extern const struct reeve_gql_table reeved_directive_table;
extern const struct reeve_gql_table reeved_verdict_table;
extern const struct reeve_gql_table reeved_edit_table;
extern const struct reeve_gql_table reeved_schedule_table;
extern const struct reeve_gql_table reeved_rule_table;
extern const struct reeve_gql_table reeved_condition_table;
extern const struct reeve_gql_table reeved_io_table;
extern const struct reeve_gql_table reeved_memory_table;
extern const struct reeve_gql_table reeved_parallel_table;
extern const struct reeve_gql_table reeved_server_pool_table;
extern const struct reeve_gql_table reeved_control_table;
extern const struct reeve_gql_table reeved_execution_table;
extern const struct reeve_gql_table reeved_totals_table;
extern const struct reeve_gql_table reeved_manager_table;
extern const struct reeve_gql_table reeved_event_table;
extern const struct reeve_gql_table reeved_revision_table;
extern const struct reeve_gql_table reeved_monitoring_table;

static inline struct reeved_client *reeved_client_of(const struct reeve_gql_ctx *ctx)
{
	return reeve_gql_user(ctx);
}
static inline struct reeve *reeved_segment_of(const struct reeve_gql_ctx *ctx)
{
	const struct reeved_client *client = reeved_client_of(ctx);
	return client->rehearsal != NULL ? client->rehearsal : client->daemon->reeve;
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

/* ---- arguments by table ---- */

/* What a field of a definition is as argument, and as member of the struct it is read into. */
enum reeved_take {
	REEVED_TAKE_TEXT,   /* String: const char * */
	REEVED_TAKE_BOOL,   /* Boolean: bool */
	REEVED_TAKE_INT,    /* Int, times the unit: 4 or 8 bytes */
	REEVED_TAKE_U64,    /* UInt64: the same */
	REEVED_TAKE_FLOAT,  /* Float, times the unit, rounded: the same */
	REEVED_TAKE_NAME,   /* String or enum: position among the names, plus `least` */
	REEVED_TAKE_CLOCK,  /* TimeOfDay: seconds of the day */
	REEVED_TAKE_INSTANT /* DateTime: nanoseconds, int64_t, after 1970 */
};

struct reeved_field {
	const char *name;
	enum reeved_take take;
	bool may_be_null;
	uint64_t bit; /* noted when it was given, null or not */
	size_t offset, size;
	uint64_t least, most; /* of what is given; FLOAT: of what is stored */
	uint64_t unit;	      /* 0: 1 */
	uint64_t when_null;   /* stored for null; NULL for texts */
	const char *const *names;
	size_t n_names;
};
/* Rows of such a table; further designated initialisers may follow. */
#define REEVED_FIELD(name_, take_, struct_, member_, ...)                                          \
	{                                                                                          \
		.name = (name_), .take = REEVED_TAKE_##take_,                                      \
		.offset = offsetof(struct_, member_), .size = REEVE_GQL_SIZEOF(struct_, member_),  \
		__VA_ARGS__                                                                        \
	}
#define REEVED_BETWEEN(least_, most_) .least = (least_), .most = (most_)
#define REEVED_OR_NULL(value_)	      .may_be_null = true, .when_null = (value_)
#define REEVED_AMONG(names_)	      .names = (names_), .n_names = REEVED_COUNT(names_)
/* Whole seconds, stored as nanoseconds. */
#define REEVED_SECONDS_FROM(least_)                                                                \
	.least = (least_), .most = (uint64_t)(INT64_MAX / 4 / REEVE_SEC), .unit = REEVE_SEC
#define REEVED_ID .most = UINT64_MAX

/*
 * Reads those of the fields that were given, from the arguments or from the members of `input`, into
 * `to`, and adds their bits to *ret_given (may be NULL). Negative after failing the field: out of
 * range, or null where there is nothing to take away.
 */
int reeved_read_fields(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeved_field *fields, size_t n_fields, void *to, uint64_t *ret_given);
#define REEVED_READ(ctx, input, fields, to, ret_given)                                             \
	reeved_read_fields(ctx, input, fields, REEVED_COUNT(fields), to, ret_given)

/* Rows of which every field that was given is equal; the table's offsets are those of the row. */
#define REEVED_FILTER_FIELDS 8
union reeved_wanted {
	uint64_t number;
	const char *text;
	bool flag;
};
struct reeved_filter {
	const struct reeved_field *fields;
	size_t n_fields;
	bool is_given[REEVED_FILTER_FIELDS];
	union reeved_wanted wanted[REEVED_FILTER_FIELDS];
};
/* From the arguments, or from the members of `input`. Null is as good as nothing. */
int reeved_read_filter(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeved_field *fields, size_t n_fields, struct reeved_filter *ret);
#define REEVED_READ_FILTER(ctx, input, fields, ret)                                                \
	reeved_read_filter(ctx, input, fields, REEVED_COUNT(fields), ret)
/* `filter` NULL: all. */
bool reeved_filter_admits(const struct reeved_filter *filter, const void *row);

/* The `page` argument. Negative after failing the field. */
struct reeved_page {
	uint64_t after;
	uint32_t left; /* how many more may be emitted */
};
int reeved_parse_page(struct reeve_gql_ctx *ctx, struct reeved_page *ret_page);

/* What is listed by id: how rows are copied, and where the id, 8 bytes, is in one. */
struct reeved_list {
	uint32_t (*copy)(struct reeve *reeve, uint64_t after, const void *arg, void *rows,
		uint32_t capacity);
	size_t size, id_offset;
};
#define REEVED_LIST_BYTES 16384 /* of rows copied at a time, on the stack */
/* A list of rows that a function of the library copies. */
#define REEVED_LIST(name_, struct_, id_, id_type_, copy_)                                          \
	static uint32_t copy_##name_(struct reeve *reeve, uint64_t after, const void *arg,         \
		void *rows, uint32_t capacity)                                                     \
	{                                                                                          \
		(void)arg;                                                                         \
		return copy_(reeve, (id_type_){after}, rows, capacity);                            \
	}                                                                                          \
	static const struct reeved_list name_ = {                                                  \
		copy_##name_, sizeof(struct_), offsetof(struct_, id_)}
/* Emits a page of a list; `arg` goes to its copy function. */
int reeved_emit_list(struct reeve_gql_ctx *ctx, const struct reeved_list *list, const void *arg,
	const struct reeved_filter *filter, struct reeved_page page);
int reeved_emit_all(struct reeve_gql_ctx *ctx, const struct reeved_list *list);
int reeved_emit_u64s(struct reeve_gql_ctx *ctx, const uint64_t *values, uint32_t n);

/* A resolver for one object of the library by an id among the arguments. */
#define REEVED_GET(fn_, struct_, get_, id_type_, argument_)                                        \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		(void)object;                                                                      \
		struct_ info;                                                                      \
		struct reeve_error err;                                                            \
		id_type_ id = {reeved_arg_id(ctx, argument_)};                                     \
		if (get_(reeved_segment_of(ctx), id, &info, &err) != 0)                            \
			return reeved_fail(ctx, &err);                                             \
		return reeve_gql_emit_object(ctx, &info);                                          \
	}
/* A resolver for one change of such an object that needs nothing else; `done_`: see emit_done. */
#define REEVED_CHANGE(fn_, change_, id_type_, argument_, done_)                                    \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		(void)object;                                                                      \
		struct reeve_error err;                                                            \
		id_type_ id = {reeved_arg_id(ctx, argument_)};                                     \
		if (change_(reeved_segment_of(ctx), id, &err) != 0)                                \
			return reeved_fail(ctx, &err);                                             \
		return reeved_emit_done(ctx, done_, (unsigned long long)id.v);                     \
	}
/* A resolver for a struct of settings or statistics that cannot fail. */
#define REEVED_WHOLE(fn_, struct_, get_)                                                           \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		(void)object;                                                                      \
		struct_ whole;                                                                     \
		get_(reeved_segment_of(ctx), &whole);                                              \
		return reeve_gql_emit_object(ctx, &whole);                                         \
	}
/*
 * Takes off totals what they were at the last reset: of `size` bytes of struct reeve_stats from `offset`,
 * a copy of which is at `part`. And when that was; 0: never.
 */
void reeved_totals_since(const struct reeve_gql_ctx *ctx, size_t offset, size_t size, void *part);
reeve_ns reeved_totals_wall(const struct reeve_gql_ctx *ctx);
/* A resolver for statistics of a module, which are the member of that name in struct reeve_stats. */
#define REEVED_STATS(fn_, struct_, get_, member_)                                                  \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		(void)object;                                                                      \
		struct_ stats;                                                                     \
		get_(reeved_segment_of(ctx), &stats);                                              \
		reeved_totals_since(                                                               \
			ctx, offsetof(struct reeve_stats, member_), sizeof(stats), &stats);        \
		return reeve_gql_emit_object(ctx, &stats);                                         \
	}
/* A resolver for a text of the parent that is null when empty. */
#define REEVED_TEXT_OF(fn_, struct_, member_)                                                      \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		return reeved_emit_text(ctx, ((const struct_ *)object)->member_);                  \
	}
/* A resolver for a limit of the parent that is an Int: REEVE_UNLIMITED is null. */
#define REEVED_LIMIT_OF(fn_, struct_, member_)                                                     \
	static int fn_(struct reeve_gql_ctx *ctx, const void *object)                              \
	{                                                                                          \
		return reeved_emit_limit(ctx, ((const struct_ *)object)->member_);                 \
	}

/* LatencySummary. */
int reeved_emit_latency(struct reeve_gql_ctx *ctx, const struct reeve_latency *latency);
/* An instant of the monotonic clock as one of the wall clock; null: 0 or REEVE_NEVER. */
int reeved_emit_mono(struct reeve_gql_ctx *ctx, reeve_ns mono);

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
/*
 * What a subscription follows: fills the topic's feed or period. `last_event`: number of the event
 * that its client saw last; 0: it says nothing. INVALID_ARGUMENT.
 */
struct reeved_topic;
int reeved_subject_open(struct reeve *reeve, const struct reeve_gql_subscription *subscription,
	uint64_t last_event, struct reeved_topic *topic, struct reeve_error *err);
/* CpuGroupStats, IoGroupStats, GroupMemoryLimits and GroupSessionPool of a group. */
int reeved_emit_cpu_group(struct reeve_gql_ctx *ctx, reeve_group_id id);
int reeved_emit_io_group(struct reeve_gql_ctx *ctx, reeve_group_id id);
int reeved_emit_memory_group(struct reeve_gql_ctx *ctx, reeve_group_id id);
int reeved_emit_session_pool(struct reeve_gql_ctx *ctx, reeve_group_id id);
/* SessionMemoryQuota; null when the session has none. */
int reeved_emit_quota(struct reeve_gql_ctx *ctx, reeve_session_id id);
/* ResourcePlan; null when it is gone. PlanDirective; fails when it is gone. */
int reeved_emit_plan(struct reeve_gql_ctx *ctx, reeve_plan_id id);
int reeved_emit_directive(struct reeve_gql_ctx *ctx, reeve_directive_id id);
/* What belongs to a plan. */
int reeved_emit_directives(struct reeve_gql_ctx *ctx, reeve_plan_id plan);
int reeved_emit_schedules_of(struct reeve_gql_ctx *ctx, reeve_plan_id plan);
int reeved_emit_windows_of(struct reeve_gql_ctx *ctx, reeve_plan_id plan);
/* ConsumerGroupStats of all groups. */
int reeved_resolve_all_group_stats(struct reeve_gql_ctx *ctx, const void *object);

/* Definitions, from the arguments or from the members of `input`. */
int reeved_read_plan(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_plan_def *def, uint64_t *given);
int reeved_read_directive(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	struct reeve_directive_def *def);
/* Days of the week, 0 = Sunday, as bits. */
int reeved_read_days(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *list,
	const char *name, uint32_t *days);

/* Names of enumerations that several files show. */
extern const char *const reeved_category_names[6];
extern const char *const reeved_parallel_mode_names[4];
extern const char *const reeved_execution_state_names[6];
extern const char *const reeved_execution_state_kinds[6];
extern const char *const reeved_session_priority_names[4];
extern const char *const reeved_session_priority_kinds[4];
extern const char *const reeved_cpu_policy_names[4];
extern const char *const reeved_cpu_policy_kinds[4];
extern const char *const reeved_io_policy_names[4];
extern const char *const reeved_io_policy_kinds[4];
extern const char *const reeved_pressure_names[5];
extern const char *const reeved_pressure_kinds[5];

#endif
