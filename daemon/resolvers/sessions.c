/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - sessions of any process, and what is done to them. */
#include "resolvers/resolvers.h"
#include "sql/sessions.h"

#include <string.h>

#define BATCH 16 /* rows copied at a time; about 10 KiB of stack */

static const char *const priority_names[] = {"Critical", "High", "Normal", "Low"};
static const char *const priority_kinds[] = {"CRITICAL", "HIGH", "NORMAL", "LOW"};

static const char *const reason_names[] = {
	"Initial", "Manual", "Automatic", "Administrative", "WorkloadBased"};
static const char *const reason_kinds[] = {
	"INITIAL", "MANUAL", "AUTOMATIC", "ADMINISTRATIVE", "WORKLOAD_BASED"};
static const char *const assigned_names[] = {"Explicit", "Mapping", "Default"};

/* In the order of SessionState in the schema. */
static const struct {
	uint32_t state;
	const char *name, *kind;
} states[] = {
	{REEVE_SESSION_INACTIVE, "Inactive", "INACTIVE"},
	{REEVE_SESSION_ACTIVE, "Active", "ACTIVE"},
	{REEVE_SESSION_WAITING, "Waiting", "WAITING"},
	{REEVE_SESSION_BLOCKED, "Blocked", "BLOCKED"},
	{REEVE_SESSION_IDLE, "Idle", "IDLE"},
	{REEVE_SESSION_KILLED, "Killed", "KILLED"},
	{REEVE_SESSION_TERMINATED, "Terminated", "TERMINATED"},
};

static const char *const termination_kinds[] = {NULL, "CLIENT_CLOSE", "MANUAL_KILL", "PROCESS_DIED",
	"SHUTDOWN", "IDLE_TIMEOUT", "IDLE_BLOCKER_TIMEOUT", "EXECUTION_TIMEOUT", "RUNAWAY",
	"GROUP_DELETED", "MAINTENANCE"};

/* Fields */

static int resolve_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_session_info *)object)->group);
}

static int emit_state(
	struct reeve_gql_ctx *ctx, const struct reeve_session_info *info, bool wants_kind)
{
	for (size_t i = 0; i < REEVED_COUNT(states); i++) {
		if (states[i].state == info->state)
			return reeve_gql_emit_str(
				ctx, wants_kind ? states[i].kind : states[i].name);
	}
	return reeved_refuse(ctx, REEVE_EINTERNAL, "session %llu is in the unknown state %u",
		(unsigned long long)info->id.v, info->state);
}

static int resolve_state(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, false);
}

static int resolve_state_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, true);
}

static reeve_ns query_age(struct reeve_gql_ctx *ctx, const struct reeve_session_info *info)
{
	reeve_ns age = reeve_now_mono(reeved_segment_of(ctx)) - info->query_start;
	return age > 0 ? age : 0;
}

static int resolve_query_start(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_info *info = object;
	if (info->query_start == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_time_ns(
		ctx, reeve_now_wall(reeved_segment_of(ctx)) - query_age(ctx, info));
}

static int resolve_query_duration(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_info *info = object;
	if (info->query_start == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, (double)query_age(ctx, info) / (double)REEVE_SEC);
}

static int resolve_idle_duration(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_info *info = object;
	reeve_ns idle = 0;
	if (info->state == REEVE_SESSION_INACTIVE)
		idle = reeve_now_wall(reeved_segment_of(ctx)) - info->last_active_wall;
	return reeve_gql_emit_double(ctx, idle > 0 ? (double)idle / (double)REEVE_SEC : 0.0);
}

#define RESOLVE_TEXT(name_)                                                                        \
	static int resolve_##name_(struct reeve_gql_ctx *ctx, const void *object)                  \
	{                                                                                          \
		return reeved_emit_text(ctx, ((const struct reeve_session_info *)object)->name_);  \
	}
RESOLVE_TEXT(program)
RESOLVE_TEXT(machine)
RESOLVE_TEXT(service)
RESOLVE_TEXT(module)
RESOLVE_TEXT(action)

static int resolve_termination(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t reason = ((const struct reeve_session_info *)object)->termination;
	if (reason >= REEVED_COUNT(termination_kinds))
		return reeved_refuse(
			ctx, REEVE_EINTERNAL, "the reason %u of an end is unknown", reason);
	return reeve_gql_emit_str(ctx, termination_kinds[reason]);
}

/* Queries */

static int resolve_stats(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_session_stats stats;
	reeve_session_stats_get(reeved_segment_of(ctx), &stats);
	return reeve_gql_emit_object(ctx, &stats);
}

/* There are no idle limits, so no session ever ended for one. */
static int resolve_zero(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeve_gql_emit_u64(ctx, 0);
}

int reeved_emit_session(struct reeve_gql_ctx *ctx, reeve_session_id id)
{
	struct reeve_session_info info;
	struct reeve_error err;
	if (reeve_session_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_get_session(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_session(ctx, (reeve_session_id){reeved_arg_id(ctx, "sessionId")});
}

struct filter {
	bool has_group, has_user, has_state, has_priority, is_active, with_terminated;
	uint64_t group, user;
	const char *username;
	unsigned state, priority; /* positions in the schema's enums */
};

static bool filter_admits(const struct filter *filter, const struct reeve_session_info *info)
{
	if (filter->has_group && filter->group != info->group.v)
		return false;
	if (filter->has_user && filter->user != info->user_id)
		return false;
	if (filter->has_state && states[filter->state].state != info->state)
		return false;
	if (filter->has_priority && filter->priority != info->priority)
		return false;
	if (filter->is_active && !reeved_has_statement(info))
		return false;
	return filter->username == NULL || strcmp(filter->username, info->username) == 0;
}

static void read_filter(const struct reeve_gql_ctx *ctx, struct filter *ret)
{
	const struct reeve_gql_value *filter = reeve_gql_arg(ctx, "filter");
	*ret = (struct filter){0};
	if (reeve_gql_value_given(filter) != REEVE_GQL_GIVEN)
		return;
	ret->has_group = reeve_gql_value_u64(reeve_gql_value_member(filter, "groupId"),
				 &ret->group) == REEVE_GQL_GIVEN;
	ret->has_user = reeve_gql_value_u64(reeve_gql_value_member(filter, "userId"), &ret->user) ==
			REEVE_GQL_GIVEN;
	ret->has_state = reeve_gql_value_enum(reeve_gql_value_member(filter, "state"),
				 &ret->state) == REEVE_GQL_GIVEN;
	ret->has_priority = reeve_gql_value_enum(reeve_gql_value_member(filter, "priority"),
				    &ret->priority) == REEVE_GQL_GIVEN;
	reeve_gql_value_str(reeve_gql_value_member(filter, "username"), &ret->username);
	reeve_gql_value_bool(
		reeve_gql_value_member(filter, "includeTerminated"), &ret->with_terminated);
}

static int emit_sessions(
	struct reeve_gql_ctx *ctx, const struct filter *filter, struct reeved_page page)
{
	struct reeve_session_info infos[BATCH];
	uint32_t flags = filter->with_terminated ? REEVE_SESSIONS_TERMINATED : 0;
	uint32_t n;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_session_copy(reeved_segment_of(ctx), (reeve_session_id){page.after},
			flags, infos, BATCH);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			page.after = infos[i].id.v;
			if (!filter_admits(filter, &infos[i]))
				continue;
			reeve_gql_emit_object(ctx, &infos[i]);
			page.left--;
		}
	} while (n == BATCH && page.left > 0);
	return reeve_gql_list_end(ctx);
}

int reeved_emit_sessions_of(
	struct reeve_gql_ctx *ctx, reeve_group_id group, struct reeved_page page)
{
	struct filter filter = {.has_group = true, .group = group.v};
	return emit_sessions(ctx, &filter, page);
}

static int resolve_list_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct filter filter;
	struct reeved_page page;
	read_filter(ctx, &filter);
	if (reeved_parse_page(ctx, &page) != 0)
		return -1;
	return emit_sessions(ctx, &filter, page);
}

static int resolve_list_active(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct filter filter = {.is_active = true};
	struct reeved_page all = {0, UINT32_MAX};
	filter.has_group = reeve_gql_arg_u64(ctx, "groupId", &filter.group) == REEVE_GQL_GIVEN;
	return emit_sessions(ctx, &filter, all);
}

/* Changes */

/* NULL for a text that was not given. */
static const char *optional_text(const struct reeve_gql_ctx *ctx, const char *name)
{
	const char *text = NULL;
	reeve_gql_arg_str(ctx, name, &text);
	return text;
}

static int read_session_def(struct reeve_gql_ctx *ctx, struct reeve_session_def *def)
{
	def->user_id = reeved_arg_id(ctx, "userId");
	def->username = reeved_arg_text(ctx, "username");
	def->program = optional_text(ctx, "programName");
	def->machine = optional_text(ctx, "machineName");
	def->service = optional_text(ctx, "serviceName");
	def->module = optional_text(ctx, "moduleName");
	def->action = optional_text(ctx, "actionName");
	if (reeve_gql_arg_u64(ctx, "groupId", &def->group.v) == REEVE_GQL_GIVEN &&
		def->group.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	const char *priority = optional_text(ctx, "priority");
	if (priority == NULL)
		return reeved_refuse_null(ctx, "priority");
	return reeved_parse_name(ctx, "priority", priority, priority_names,
		REEVED_COUNT(priority_names), &def->priority);
}

static int resolve_create_session(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_error err;
	reeve_session_id id;
	if (read_session_def(ctx, &def) != 0)
		return -1;
	if (reeved_session_create(reeved_client_of(ctx)->daemon->sessions, &def, &id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_session(ctx, id);
}

static int resolve_start_query(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_error err;
	if (reeve_session_start(reeved_segment_of(ctx), id, &err) < 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_session(ctx, id);
}

static int resolve_can_start(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_session_info *)object)->queued_since == 0);
}

/* Whether the statement waits for a place in its group's session pool. */
static int resolve_queued(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeve_gql_emit_bool(
		ctx, ((const struct reeve_session_info *)object)->queued_since != 0);
}

static int resolve_complete_query(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_error err;
	if (reeve_session_complete(reeved_segment_of(ctx), id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The query of session %llu is complete.", (unsigned long long)id.v);
}

/* SwitchSessionGroupPayload is the session after the switch. */
static int resolve_switch(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	reeve_group_id group = {reeved_arg_id(ctx, "newGroupId")};
	const char *text = optional_text(ctx, "reason");
	struct reeve_error err;
	uint32_t reason = 0;
	if (text == NULL)
		return reeved_refuse_null(ctx, "reason");
	if (reeved_parse_name(
		    ctx, "reason", text, reason_names, REEVED_COUNT(reason_names), &reason) != 0)
		return -1;
	if (reeve_session_switch(reeved_segment_of(ctx), id, group, reason, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_session(ctx, id);
}

static int resolve_switch_message(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_info *info = object;
	return reeve_gql_emit_str(
		ctx, reeve_gql_printf(ctx, "Session %llu is in consumer group %llu.",
			     (unsigned long long)info->id.v, (unsigned long long)info->group.v));
}

static int resolve_terminate(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_error err;
	if (reeved_session_end(reeved_client_of(ctx)->daemon->sessions, id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Session %llu ended.", (unsigned long long)id.v);
}

static int resolve_kill(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_error err;
	if (reeved_session_kill(reeved_client_of(ctx)->daemon->sessions, id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Session %llu was killed.", (unsigned long long)id.v);
}

#define S "Session"
#define M "SessionGroupMapping"
#define T "SessionStats"
#define W "SwitchSessionGroupPayload"
static const struct reeve_gql_binding rows[] = {
	UINT(S, "sessionId", struct reeve_session_info, id.v, ),
	UINT(S, "userId", struct reeve_session_info, user_id, ),
	CHARS(S, "username", struct reeve_session_info, username),
	UINT(S, "groupId", struct reeve_session_info, group.v, ),
	FN(S, "group", resolve_group),
	FN(S, "state", resolve_state),
	FN(S, "stateKind", resolve_state_kind),
	NAMED(S, "priority", struct reeve_session_info, priority, priority_names),
	NAMED(S, "priorityKind", struct reeve_session_info, priority, priority_kinds),
	TIME_NS(S, "connectedAt", struct reeve_session_info, connected_wall, ),
	TIME_NS(S, "lastActiveAt", struct reeve_session_info, last_active_wall, ),
	FN(S, "currentQueryStart", resolve_query_start),
	FN(S, "currentQueryDuration", resolve_query_duration),
	FN(S, "idleDuration", resolve_idle_duration),
	UINT(S, "totalQueries", struct reeve_session_info, total_queries, ),
	FN(S, "programName", resolve_program),
	FN(S, "machineName", resolve_machine),
	FN(S, "serviceName", resolve_service),
	FN(S, "moduleName", resolve_module),
	FN(S, "actionName", resolve_action),
	FN(S, "terminationReason", resolve_termination),
	TIME_NS(S, "terminatedAt", struct reeve_session_info, terminated_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	SELF(S, "groupMapping"),
	UINT(S, "cpuTimeUsed", struct reeve_session_info, cpu_ns, ),

	UINT(M, "sessionId", struct reeve_session_info, id.v, ),
	UINT(M, "userId", struct reeve_session_info, user_id, ),
	UINT(M, "groupId", struct reeve_session_info, group.v, ),
	UINT(M, "previousGroupId", struct reeve_session_info, previous_group.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(M, "switchTime", struct reeve_session_info, switched_wall, ),
	NAMED(M, "switchReason", struct reeve_session_info, switch_reason, reason_names),
	NAMED(M, "switchReasonKind", struct reeve_session_info, switch_reason, reason_kinds),

	UINT(T, "totalSessionsCreated", struct reeve_session_stats, created, ),
	UINT(T, "totalSessionsTerminated", struct reeve_session_stats, terminated, ),
	FN(T, "idleTimeoutTerminations", resolve_zero),
	UINT(T, "executionTimeoutTerminations", struct reeve_session_stats, execution_timeouts, ),
	UINT(T, "manualKills", struct reeve_session_stats, manual_kills, ),
	UINT(T, "currentActiveSessions", struct reeve_session_stats, current_active, ),
	UINT(T, "peakConcurrentSessions", struct reeve_session_stats, peak, ),
	UINT(T, "currentSessions", struct reeve_session_stats, current, ),

	UINT("CreateSessionPayload", "sessionId", struct reeve_session_info, id.v, ),
	SELF("CreateSessionPayload", "session"),
	NAMED("CreateSessionPayload", "assignedBy", struct reeve_session_info, assigned_by,
		assigned_names),
	FN("StartQueryPayload", "canStart", resolve_can_start),
	FN("StartQueryPayload", "queued", resolve_queued),
	SELF("StartQueryPayload", "session"),
	FN(W, "success", reeved_resolve_true),
	FN(W, "message", resolve_switch_message),
	FN(W, "revision", reeved_resolve_revision),
	SELF(W, "mapping"),

	FN("Query", "getSessionStats", resolve_stats),
	FN("Query", "getSession", resolve_get_session),
	FN("Query", "getSessionGroup", resolve_get_session),
	FN("Query", "listSessions", resolve_list_sessions),
	FN("Query", "listActiveSessions", resolve_list_active),

	ACTS("Mutation", "createSession", resolve_create_session),
	ACTS("Mutation", "startQuery", resolve_start_query),
	ACTS("Mutation", "completeQuery", resolve_complete_query),
	ACTS("Mutation", "switchSessionGroup", resolve_switch),
	ACTS("Mutation", "terminateSession", resolve_terminate),
	ACTS("Mutation", "killSession", resolve_kill),
};
const struct reeve_gql_table reeved_session_table = {rows, REEVED_COUNT(rows)};
