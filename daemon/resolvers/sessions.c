/* SPDX-License-Identifier: Apache-2.0 */
/* sessions.c - sessions of any process, and what is done to them. */
#include "resolvers/resolvers.h"
#include "sql/sessions.h"

#define BATCH 16 /* rows copied at a time; about 10 KiB of stack */

const char *const reeved_session_priority_names[4] = {"Critical", "High", "Normal", "Low"};
const char *const reeved_session_priority_kinds[4] = {"CRITICAL", "HIGH", "NORMAL", "LOW"};

static const char *const reason_names[] = {
	"Initial", "Manual", "Automatic", "Administrative", "WorkloadBased"};
static const char *const reason_kinds[] = {
	"INITIAL", "MANUAL", "AUTOMATIC", "ADMINISTRATIVE", "WORKLOAD_BASED"};
static const char *const assigned_names[] = {"Explicit", "Mapping", "Default", "Rule"};

/* In the order of enum reeve_session_state, from 1. */
static const char *const state_names[] = {
	"Inactive", "Active", "Waiting", "Blocked", "Idle", "Killed", "Terminated"};
static const char *const state_kinds[] = {
	"INACTIVE", "ACTIVE", "WAITING", "BLOCKED", "IDLE", "KILLED", "TERMINATED"};

static const char *const termination_kinds[] = {NULL, "CLIENT_CLOSE", "MANUAL_KILL", "PROCESS_DIED",
	"SHUTDOWN", "IDLE_TIMEOUT", "IDLE_BLOCKER_TIMEOUT", "EXECUTION_TIMEOUT", "RUNAWAY",
	"GROUP_DELETED", "MAINTENANCE"};

/* Fields */

static int resolve_group(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_group(ctx, ((const struct reeve_session_info *)object)->group);
}

static int emit_state(
	struct reeve_gql_ctx *ctx, const struct reeve_session_info *info, const char *const *names)
{
	uint32_t index = info->state - REEVE_SESSION_INACTIVE;
	if (index >= REEVED_COUNT(state_names))
		return reeved_refuse(ctx, REEVE_EINTERNAL,
			"session %llu is in the unknown state %u", (unsigned long long)info->id.v,
			info->state);
	return reeve_gql_emit_str(ctx, names[index]);
}

static int resolve_state(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, state_names);
}

static int resolve_state_kind(struct reeve_gql_ctx *ctx, const void *object)
{
	return emit_state(ctx, object, state_kinds);
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
	reeve_ns idle = ((const struct reeve_session_info *)object)->idle_ns;
	return reeve_gql_emit_double(ctx, idle > 0 ? (double)idle / (double)REEVE_SEC : 0.0);
}

static int resolve_queued_since(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_mono(ctx, ((const struct reeve_session_info *)object)->queued_since);
}

/* A list does not look the place up: that is a walk along the queue. */
static int resolve_queue_position(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_info *info = object;
	struct reeve_session_info now;
	if (info->queued_since == 0 ||
		reeve_session_get(reeved_segment_of(ctx), info->id, &now, NULL) != 0 ||
		now.queue_position == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_u64(ctx, now.queue_position);
}

static int resolve_quota(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_quota(ctx, ((const struct reeve_session_info *)object)->id);
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

REEVED_STATS(resolve_stats, struct reeve_session_stats, reeve_session_stats_get, sessions)

static int resolve_queue_latency(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_session_stats *stats = object;
	uint64_t n = stats->queue_wait_count;
	struct reeve_wait_latency wait = {
		.count = n,
		.mean_ns = n > 0 ? stats->queue_wait_sum_ns / n : 0,
		.min_ns = stats->queue_wait_min_ns,
		.p50_ns = stats->queue_wait_p50_ns,
		.p90_ns = stats->queue_wait_p90_ns,
		.p99_ns = stats->queue_wait_p99_ns,
		.p999_ns = stats->queue_wait_p999_ns,
		.max_ns = stats->queue_wait_max_ns,
	};
	return reeve_gql_emit_object(ctx, &wait);
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

#define FILTER(name_, take_, member_, ...)                                                         \
	REEVED_FIELD(name_, take_, struct reeve_session_info, member_, __VA_ARGS__)
static const struct reeved_field filter_fields[] = {
	FILTER("groupId", U64, group.v, REEVED_ID),
	FILTER("userId", U64, user_id, REEVED_ID),
	FILTER("username", TEXT, username, ),
	FILTER("state", NAME, state, REEVED_AMONG(state_names), .least = REEVE_SESSION_INACTIVE),
	FILTER("priority", NAME, priority, REEVED_AMONG(reeved_session_priority_names)),
	FILTER("isSystem", BOOL, is_system, ),
};

static uint32_t copy_sessions(
	struct reeve *reeve, uint64_t after, const void *arg, void *rows, uint32_t capacity)
{
	const uint32_t *flags = arg;
	return reeve_session_copy(reeve, (reeve_session_id){after}, *flags, rows, capacity);
}

static const struct reeved_list sessions = {copy_sessions, sizeof(struct reeve_session_info),
	offsetof(struct reeve_session_info, id.v)};

int reeved_emit_sessions_of(
	struct reeve_gql_ctx *ctx, reeve_group_id group, struct reeved_page page)
{
	struct reeved_filter filter = {.fields = filter_fields, .n_fields = 1};
	uint32_t flags = 0;
	filter.is_given[0] = true;
	filter.wanted[0].number = group.v;
	return reeved_emit_list(ctx, &sessions, &flags, &filter, page);
}

static int resolve_list_sessions(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	const struct reeve_gql_value *given = reeve_gql_arg(ctx, "filter");
	bool with_terminated = false;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, given, filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	reeve_gql_value_bool(reeve_gql_value_member(given, "includeTerminated"), &with_terminated);
	uint32_t flags = with_terminated ? REEVE_SESSIONS_TERMINATED : 0;
	return reeved_emit_list(ctx, &sessions, &flags, &filter, page);
}

/*
 * The groups of a session as far back as the events go; the first is that of its creation, the last
 * the one it is in. Each is a copy of the session with the mapping of then.
 */
static int resolve_history(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_session_info info;
	struct reeve_event events[BATCH];
	struct reeve_error err;
	uint64_t after = 0;
	uint32_t n;
	if (reeve_session_get(
		    reeve, (reeve_session_id){reeved_arg_id(ctx, "sessionId")}, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	info.return_group = (reeve_group_id){0};
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_event_copy(reeve, after, events, BATCH, &after, NULL);
		for (uint32_t i = 0; i < n; i++) {
			bool is_created = events[i].kind == REEVE_EVENT_SESSION_CREATED;
			if (events[i].session.v != info.id.v ||
				(!is_created && events[i].kind != REEVE_EVENT_SESSION_SWITCHED))
				continue;
			info.group = events[i].group;
			info.previous_group.v = is_created ? 0 : events[i].object;
			info.switched_wall = events[i].wall;
			info.switch_reason = is_created ? REEVE_SWITCH_INITIAL : events[i].reason;
			if (!is_created)
				info.rule_id = 0;
			reeve_gql_emit_object(ctx, &info);
		}
	} while (n > 0);
	return reeve_gql_list_end(ctx);
}

static int resolve_list_active(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_session_info infos[BATCH];
	reeve_session_id after = {0};
	uint64_t group = 0;
	uint32_t n;
	bool is_filtered = reeve_gql_arg_u64(ctx, "groupId", &group) == REEVE_GQL_GIVEN;
	reeve_gql_list_begin(ctx);
	do {
		n = reeve_session_copy(reeved_segment_of(ctx), after, 0, infos, BATCH);
		for (uint32_t i = 0; i < n; i++) {
			after = infos[i].id;
			if (reeved_has_statement(&infos[i]) &&
				(!is_filtered || infos[i].group.v == group))
				reeve_gql_emit_object(ctx, &infos[i]);
		}
	} while (n == BATCH);
	return reeve_gql_list_end(ctx);
}

/* Changes */

#define SESSION(name_, take_, member_, ...)                                                        \
	REEVED_FIELD(name_, take_, struct reeve_session_def, member_, __VA_ARGS__)
static const struct reeved_field fields[] = {
	SESSION("userId", U64, user_id, REEVED_ID),
	SESSION("username", TEXT, username, ),
	SESSION("programName", TEXT, program, REEVED_OR_NULL(0)),
	SESSION("machineName", TEXT, machine, REEVED_OR_NULL(0)),
	SESSION("serviceName", TEXT, service, REEVED_OR_NULL(0)),
	SESSION("moduleName", TEXT, module, REEVED_OR_NULL(0)),
	SESSION("actionName", TEXT, action, REEVED_OR_NULL(0)),
	SESSION("priority", NAME, priority, REEVED_AMONG(reeved_session_priority_names)),
	SESSION("isSystem", BOOL, is_system, ),
};

static int read_session_def(struct reeve_gql_ctx *ctx, struct reeve_session_def *def)
{
	if (reeve_gql_arg_u64(ctx, "groupId", &def->group.v) == REEVE_GQL_GIVEN &&
		def->group.v == 0)
		return reeved_refuse(ctx, REEVE_ENOT_FOUND, "there is no consumer group 0");
	return REEVED_READ(ctx, NULL, fields, def, NULL);
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

static const struct reeved_field query_fields[] = {
	REEVED_FIELD("estimatedExecTimeSeconds", U64, struct reeve_query_def, estimated_ns,
		REEVED_SECONDS_FROM(0), REEVED_OR_NULL(0)),
};

static int resolve_start_query(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, query_fields, &def, NULL) != 0)
		return -1;
	if (reeve_session_start_query(reeved_segment_of(ctx), id, &def, NULL, &err) < 0)
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
	const char *text = NULL;
	struct reeve_error err;
	uint32_t reason = 0;
	if (reeve_gql_arg_str(ctx, "reason", &text) != REEVE_GQL_GIVEN)
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
	NAMED(S, "priority", struct reeve_session_info, priority, reeved_session_priority_names),
	NAMED(S, "priorityKind", struct reeve_session_info, priority,
		reeved_session_priority_kinds),
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
	UINT(S, "idleTimeout", struct reeve_session_info, idle_timeout_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	UINT(S, "maxExecutionTime", struct reeve_session_info, max_execution_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	BOOL(S, "isSystem", struct reeve_session_info, is_system),
	UINT(S, "priorityBoosts", struct reeve_session_info, priority_boosts, ),
	FN(S, "queuePosition", resolve_queue_position),
	FN(S, "queuedSince", resolve_queued_since),
	UINT(S, "blockedBy", struct reeve_session_info, blocked_by.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	FN(S, "memoryQuota", resolve_quota),
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
	UINT(M, "ruleId", struct reeve_session_info, rule_id, .flags = REEVE_GQL_ZERO_IS_NULL),
	UINT(M, "returnGroupId", struct reeve_session_info, return_group.v,
		.flags = REEVE_GQL_ZERO_IS_NULL),

	UINT(T, "totalSessionsCreated", struct reeve_session_stats, created, ),
	UINT(T, "totalSessionsTerminated", struct reeve_session_stats, terminated, ),
	UINT(T, "idleTimeoutTerminations", struct reeve_session_stats, idle_terminations, ),
	UINT(T, "executionTimeoutTerminations", struct reeve_session_stats, execution_timeouts, ),
	UINT(T, "manualKills", struct reeve_session_stats, manual_kills, ),
	UINT(T, "currentActiveSessions", struct reeve_session_stats, current_active, ),
	UINT(T, "peakConcurrentSessions", struct reeve_session_stats, peak, ),
	UINT(T, "currentSessions", struct reeve_session_stats, current, ),
	UINT(T, "sessionsQueued", struct reeve_session_stats, sessions_queued, ),
	UINT(T, "queriesAdmitted", struct reeve_session_stats, admissions, ),
	UINT(T, "queryFailures", struct reeve_session_stats, admission_failures, ),
	UINT(T, "queueTimeouts", struct reeve_session_stats, queue_timeouts, ),
	UINT(T, "currentQueuedSessions", struct reeve_session_stats, current_queued, ),
	UINT(T, "idleBlockerTerminations", struct reeve_session_stats, idle_blocker_terminations, ),
	UINT(T, "runawayTerminations", struct reeve_session_stats, runaway_terminations, ),
	FN(T, "queueLatency", resolve_queue_latency),

	UINT("CreateSessionPayload", "sessionId", struct reeve_session_info, id.v, ),
	SELF("CreateSessionPayload", "session"),
	NAMED("CreateSessionPayload", "assignedBy", struct reeve_session_info, assigned_by,
		assigned_names),
	FN("StartQueryPayload", "canStart", resolve_can_start),
	FN("StartQueryPayload", "queued", resolve_queued),
	FN("StartQueryPayload", "queuePosition", resolve_queue_position),
	SELF("StartQueryPayload", "session"),
	FN(W, "success", reeved_resolve_true),
	FN(W, "message", resolve_switch_message),
	FN(W, "revision", reeved_resolve_revision),
	SELF(W, "mapping"),

	FN("Query", "getSessionStats", resolve_stats),
	FN("Query", "getSession", resolve_get_session),
	FN("Query", "getSessionGroup", resolve_get_session),
	FN("Query", "getSessionGroupHistory", resolve_history),
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
