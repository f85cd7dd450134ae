/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - session control: settings, pools and queues, limits, priorities, timeouts, waits. */
#include "resolvers/resolvers.h"

#define MAX_ENDED 4096 /* ids one check tells; the counts are always whole */
#define MAX_QUEUE 4096

/* In the order of enum reeve_execution_action. */
static const char *const action_names[] = {"CancelQuery", "TerminateSession"};
static const char *const action_kinds[] = {"CANCEL_QUERY", "TERMINATE_SESSION"};
static const char *const set_by_names[] = {NULL, "Session", "Group", "Plan", "Configuration"};

/* What a check of timeouts did. */
struct timeouts {
	struct reeve_timeout_report report;
	reeve_session_id *ids;
	uint32_t n;
};

/* Settings */

REEVED_WHOLE(resolve_config, struct reeve_session_config, reeve_session_config_get)

static int resolve_global_limit(struct reeve_gql_ctx *ctx, const void *object)
{
	uint32_t limit = ((const struct reeve_session_config *)object)->global_session_limit;
	return reeved_emit_limit(ctx, limit == UINT32_MAX ? REEVE_UNLIMITED : limit);
}

#define CONFIG(name_, take_, member_, ...)                                                         \
	REEVED_FIELD(name_, take_, struct reeve_session_config, member_, __VA_ARGS__)
static const struct reeved_field config_fields[] = {
	CONFIG("globalSessionLimit", INT, global_session_limit, REEVED_BETWEEN(0, INT32_MAX),
		REEVED_OR_NULL(UINT32_MAX)),
	CONFIG("timeoutCheckerEnabled", BOOL, timeout_checker_enabled, ),
	CONFIG("autoTerminateEnabled", BOOL, auto_terminate_enabled, ),
	CONFIG("defaultIdleTimeout", U64, default_idle_timeout_ns, REEVED_SECONDS_FROM(1),
		REEVED_OR_NULL(REEVE_UNLIMITED)),
	CONFIG("defaultMaxExecutionTime", U64, default_max_execution_ns, REEVED_SECONDS_FROM(1),
		REEVED_OR_NULL(REEVE_UNLIMITED)),
	CONFIG("idleMark", U64, idle_mark_ns, REEVED_SECONDS_FROM(1)),
	CONFIG("executionTimeoutAction", NAME, execution_timeout_action,
		REEVED_AMONG(action_names)),
};

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_session_config config;
	struct reeve_error err;
	reeve_session_config_get(reeve, &config);
	if (REEVED_READ(ctx, NULL, config_fields, &config, NULL) != 0)
		return -1;
	if (reeve_session_config_set(reeve, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Session control was configured.");
}

/* Pools and queues */

/* Null: the group has none. */
static int resolve_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id id = {reeved_arg_id(ctx, "groupId")};
	struct reeve_session_pool_info info;
	struct reeve_error err;
	if (reeve_session_pool_get(reeved_segment_of(ctx), id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, info.is_limited ? &info : NULL);
}

int reeved_emit_session_pool(struct reeve_gql_ctx *ctx, reeve_group_id id)
{
	struct reeve_session_pool_info info;
	int rc = reeve_session_pool_get(reeved_segment_of(ctx), id, &info, NULL);
	return reeve_gql_emit_object(ctx, rc == 0 && info.is_limited ? &info : NULL);
}

REEVED_LIST(
	pools, struct reeve_session_pool_info, group.v, reeve_group_id, reeve_session_pool_copy);

static int resolve_pools(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &pools);
}

static const struct reeved_field pool_fields[] = {
	REEVED_FIELD("maxActiveSessions", INT, struct reeve_session_pool_info, max_active,
		REEVED_BETWEEN(1, 1048576)),
	REEVED_FIELD("queueTimeout", U64, struct reeve_session_pool_info, queue_timeout_ns,
		REEVED_SECONDS_FROM(1), REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD("allowQueuing", BOOL, struct reeve_session_pool_info, allow_queuing, ),
};

static int resolve_set_pool(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct reeve_session_pool_info given = {
		.queue_timeout_ns = REEVE_UNLIMITED, .allow_queuing = true};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, pool_fields, &given, NULL) != 0)
		return -1;
	if (reeve_session_pool_configure(reeved_segment_of(ctx), group, given.max_active,
		    given.queue_timeout_ns, given.allow_queuing, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx,
		"At most %u sessions of consumer group %llu run a query at once, until the next "
		"activation.",
		given.max_active, (unsigned long long)group.v);
}

REEVED_CHANGE(resolve_remove_pool, reeve_session_pool_remove, reeve_group_id, "groupId",
	"Consumer group %llu has the session pool of its plan again.")

static int emit_queue(struct reeve_gql_ctx *ctx, reeve_group_id group,
	struct reeve_queued_session *queued, struct reeve_error *err)
{
	int n = reeve_session_queue_copy(reeved_segment_of(ctx), group, queued, MAX_QUEUE, err);
	for (int i = 0; i < n && i < MAX_QUEUE; i++)
		reeve_gql_emit_object(ctx, &queued[i]);
	return n;
}

/* In the order of each queue; the queues by group. */
static int resolve_queued(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_session_pool_info infos[32];
	struct reeve_error err;
	reeve_group_id group = {0};
	uint32_t n;
	struct reeve_queued_session *queued = reeve_gql_alloc(ctx, MAX_QUEUE * sizeof(*queued));
	if (queued == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	reeve_gql_list_begin(ctx);
	if (reeve_gql_arg_u64(ctx, "groupId", &group.v) == REEVE_GQL_GIVEN)
		return emit_queue(ctx, group, queued, &err) < 0 ? reeved_fail(ctx, &err)
								: reeve_gql_list_end(ctx);
	do {
		n = reeve_session_pool_copy(
			reeved_segment_of(ctx), group, infos, REEVED_COUNT(infos));
		for (uint32_t i = 0; i < n; i++) {
			group = infos[i].group;
			if (infos[i].queued > 0)
				emit_queue(ctx, group, queued, NULL);
		}
	} while (n == REEVED_COUNT(infos));
	return reeve_gql_list_end(ctx);
}

static int resolve_queued_at(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_mono(ctx, ((const struct reeve_queued_session *)object)->queued_at);
}

static int resolve_expires_at(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_mono(ctx, ((const struct reeve_queued_session *)object)->expires_at);
}

/* Limits and priority */

static const struct reeved_field limit_fields[] = {
	REEVED_FIELD("idleTimeout", U64, struct reeve_session_limits, idle_timeout_ns,
		REEVED_SECONDS_FROM(1), REEVED_OR_NULL(REEVE_UNLIMITED), .bit = REEVE_LIMITS_IDLE),
	REEVED_FIELD("maxExecutionTime", U64, struct reeve_session_limits, max_execution_ns,
		REEVED_SECONDS_FROM(1), REEVED_OR_NULL(REEVE_UNLIMITED),
		.bit = REEVE_LIMITS_EXECUTION),
};

static int resolve_set_limits(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_session_limits limits = {REEVE_UNLIMITED, REEVE_UNLIMITED};
	struct reeve_error err;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, limit_fields, &limits, &fields) != 0)
		return -1;
	if (reeve_session_limits_set(reeved_segment_of(ctx), id, (uint32_t)fields, &limits, &err) !=
		0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The limits of session %llu were set.", (unsigned long long)id.v);
}

static int resolve_boost(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_priority_change change;
	struct reeve_error err;
	if (reeve_session_boost(reeved_segment_of(ctx),
		    (reeve_session_id){reeved_arg_id(ctx, "sessionId")}, &change, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &change);
}

struct priority {
	uint32_t v;
};

static int resolve_set_priority(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	static const struct reeved_field fields[] = {REEVED_FIELD(
		"priority", NAME, struct priority, v, REEVED_AMONG(reeved_session_priority_names))};
	struct reeve_priority_change change;
	struct priority priority = {0};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, fields, &priority, NULL) != 0)
		return -1;
	if (reeve_session_priority_set(reeved_segment_of(ctx),
		    (reeve_session_id){reeved_arg_id(ctx, "sessionId")}, priority.v, &change,
		    &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &change);
}

static int resolve_priority_message(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_priority_change *change = object;
	const char *now = reeved_session_priority_names[change->now];
	return reeve_gql_emit_str(
		ctx, change->now == change->previous
			     ? reeve_gql_printf(ctx, "The priority is %s as before.", now)
			     : reeve_gql_printf(ctx, "The priority is %s, and was %s.", now,
				       reeved_session_priority_names[change->previous]));
}

static const struct reeved_field attribute_fields[] = {
	REEVED_FIELD("programName", TEXT, struct reeve_session_attributes, program,
		.may_be_null = true, .bit = 1 << 0),
	REEVED_FIELD("machineName", TEXT, struct reeve_session_attributes, machine,
		.may_be_null = true, .bit = 1 << 1),
	REEVED_FIELD("serviceName", TEXT, struct reeve_session_attributes, service,
		.may_be_null = true, .bit = 1 << 2),
	REEVED_FIELD("moduleName", TEXT, struct reeve_session_attributes, module,
		.may_be_null = true, .bit = 1 << 3),
	REEVED_FIELD("actionName", TEXT, struct reeve_session_attributes, action,
		.may_be_null = true, .bit = 1 << 4),
};

static int resolve_set_attributes(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_session_attributes given = {0};
	struct reeve_error err;
	uint64_t fields = 0;
	if (REEVED_READ(ctx, NULL, attribute_fields, &given, &fields) != 0)
		return -1;
	/* To the library NULL is "as it is", and "" takes the text away. */
	const char **texts[] = {
		&given.program, &given.machine, &given.service, &given.module, &given.action};
	for (size_t i = 0; i < REEVED_COUNT(texts); i++) {
		if ((fields >> i & 1) != 0 && *texts[i] == NULL)
			*texts[i] = "";
	}
	if (reeve_session_attributes_set(reeved_segment_of(ctx), id, &given, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(
		ctx, "The attributes of session %llu were set.", (unsigned long long)id.v);
}

/* Who waits for what */

static int resolve_cancel_queued(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	struct reeve_session_info info;
	struct reeve_error err;
	if (reeve_session_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	if (info.queued_since == 0)
		return reeved_refuse(ctx, REEVE_EINVALID_STATE,
			"session %llu is not in the queue of a session pool",
			(unsigned long long)id.v);
	if (reeve_session_cancel(reeve, id, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Session %llu has left the queue.", (unsigned long long)id.v);
}

static int resolve_blocked(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_session_id id = {reeved_arg_id(ctx, "sessionId")};
	reeve_session_id holder = {reeved_arg_id(ctx, "blockedBy")};
	struct reeve_error err;
	if (reeve_session_blocked_by(reeved_segment_of(ctx), id, holder, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "Session %llu waits for session %llu.",
		(unsigned long long)id.v, (unsigned long long)holder.v);
}

REEVED_CHANGE(resolve_unblocked, reeve_session_unblocked, reeve_session_id, "sessionId",
	"Session %llu waits for no other session.")
REEVED_GET(resolve_explain, struct reeve_wait_explanation, reeve_explain, reeve_session_id,
	"sessionId")

static int resolve_reason(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	return reeve_gql_emit_str(ctx, why->waiting ? reeve_wait_text(why->reason) : NULL);
}

static bool names_limit(const struct reeve_wait_explanation *why)
{
	return why->waiting && why->limit_kind != REEVE_LIMIT_NONE &&
	       reeve_limit_row_of(why->limit_kind) != NULL;
}

static int resolve_limit_name(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	return reeve_gql_emit_str(
		ctx, names_limit(why) ? reeve_limit_row_of(why->limit_kind)->name : NULL);
}

static int resolve_limit_value(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	return names_limit(why) ? reeve_gql_emit_double(ctx, (double)why->limit)
				: reeve_gql_emit_null(ctx);
}

static int resolve_current_value(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	return names_limit(why) ? reeve_gql_emit_double(ctx, (double)why->actual)
				: reeve_gql_emit_null(ctx);
}

static int resolve_set_by(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	bool is_known = why->waiting && why->set_by < REEVED_COUNT(set_by_names);
	return reeve_gql_emit_str(ctx, is_known ? set_by_names[why->set_by] : NULL);
}

static int resolve_waited(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	return why->waiting && why->waited_ns >= 0 ? reeve_gql_emit_i64(ctx, why->waited_ns)
						   : reeve_gql_emit_null(ctx);
}

static int resolve_expected(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	if (!why->waiting || why->expected_wait_ns < 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, (double)why->expected_wait_ns / (double)REEVE_MSEC);
}

static int resolve_holders(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_wait_explanation *why = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < why->holders && i < REEVE_HOLDERS_MAX; i++)
		reeve_gql_emit_u64(ctx, why->holder[i].v);
	return reeve_gql_list_end(ctx);
}

/* Timeouts */

static int check(struct reeve_gql_ctx *ctx, uint32_t kinds)
{
	struct timeouts timeouts = {.n = 0};
	struct reeve_error err;
	timeouts.ids = reeve_gql_alloc(ctx, MAX_ENDED * sizeof(*timeouts.ids));
	if (timeouts.ids == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	if (reeve_session_check_timeouts(reeved_segment_of(ctx), kinds, timeouts.ids, MAX_ENDED,
		    &timeouts.report, &err) != 0)
		return reeved_fail(ctx, &err);
	timeouts.n = timeouts.report.sessions;
	return reeve_gql_emit_object(ctx, &timeouts);
}

static int resolve_check_idle(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return check(ctx, REEVE_CHECK_IDLE);
}

static int resolve_check_execution(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return check(ctx, REEVE_CHECK_EXECUTION);
}

static int resolve_check_all(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return check(ctx, REEVE_CHECK_ALL);
}

static int resolve_ended(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct timeouts *timeouts = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < timeouts->n; i++)
		reeve_gql_emit_u64(ctx, timeouts->ids[i].v);
	return reeve_gql_list_end(ctx);
}

static int resolve_ended_count(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_timeout_report *report = &((const struct timeouts *)object)->report;
	return reeve_gql_emit_u64(
		ctx, (uint64_t)report->idle + report->idle_blockers + report->executions);
}

#define C "SessionControlConfig"
#define P "GroupSessionPool"
#define Q "QueuedSession"
#define B "BoostPriorityPayload"
#define W "WaitExplanation"
#define T "TimeoutReport"
static const struct reeve_gql_binding rows[] = {
	FN(C, "globalSessionLimit", resolve_global_limit),
	BOOL(C, "timeoutCheckerEnabled", struct reeve_session_config, timeout_checker_enabled),
	BOOL(C, "autoTerminateEnabled", struct reeve_session_config, auto_terminate_enabled),
	UINT(C, "defaultIdleTimeout", struct reeve_session_config, default_idle_timeout_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	UINT(C, "defaultMaxExecutionTime", struct reeve_session_config, default_max_execution_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	UINT(C, "idleMark", struct reeve_session_config, idle_mark_ns, .divisor = 1000000000),
	NAMED(C, "executionTimeoutAction", struct reeve_session_config, execution_timeout_action,
		action_kinds),

	UINT(P, "groupId", struct reeve_session_pool_info, group.v, ),
	UINT(P, "maxActiveSessions", struct reeve_session_pool_info, max_active, ),
	UINT(P, "queueTimeout", struct reeve_session_pool_info, queue_timeout_ns,
		.flags = REEVE_GQL_LIMIT_IS_NULL, .divisor = 1000000000),
	BOOL(P, "allowQueuing", struct reeve_session_pool_info, allow_queuing),
	UINT(P, "activeSessions", struct reeve_session_pool_info, active, ),
	UINT(P, "queuedSessions", struct reeve_session_pool_info, queued, ),

	UINT(Q, "sessionId", struct reeve_queued_session, session.v, ),
	UINT(Q, "groupId", struct reeve_queued_session, group.v, ),
	UINT(Q, "position", struct reeve_queued_session, position, ),
	NAMED(Q, "priority", struct reeve_queued_session, priority, reeved_session_priority_names),
	NAMED(Q, "priorityKind", struct reeve_queued_session, priority,
		reeved_session_priority_kinds),
	FN(Q, "queuedAt", resolve_queued_at),
	FN(Q, "expiresAt", resolve_expires_at),

	FN(B, "success", reeved_resolve_true),
	FN(B, "message", resolve_priority_message),
	FN(B, "revision", reeved_resolve_revision),
	NAMED(B, "newPriority", struct reeve_priority_change, now, reeved_session_priority_names),
	NAMED(B, "previousPriority", struct reeve_priority_change, previous,
		reeved_session_priority_names),
	UINT(B, "boosts", struct reeve_priority_change, boosts, ),

	UINT(W, "sessionId", struct reeve_wait_explanation, session.v, ),
	BOOL(W, "waiting", struct reeve_wait_explanation, waiting),
	FN(W, "reason", resolve_reason),
	FN(W, "limitName", resolve_limit_name),
	FN(W, "limitValue", resolve_limit_value),
	FN(W, "currentValue", resolve_current_value),
	FN(W, "setBy", resolve_set_by),
	FN(W, "waitedNs", resolve_waited),
	UINT(W, "queuePosition", struct reeve_wait_explanation, queue_position,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	FN(W, "estimatedWaitMs", resolve_expected),
	FN(W, "holders", resolve_holders),
	CHARS(W, "text", struct reeve_wait_explanation, text),

	FN("TimeoutCheck", "terminatedSessions", resolve_ended),
	FN("TimeoutCheck", "count", resolve_ended_count),
	UINT(T, "idleTimeoutCount", struct timeouts, report.idle, ),
	UINT(T, "executionTimeoutCount", struct timeouts, report.executions, ),
	UINT(T, "idleBlockerCount", struct timeouts, report.idle_blockers, ),
	UINT(T, "queueTimeoutCount", struct timeouts, report.queue_timeouts, ),
	FN(T, "terminatedSessions", resolve_ended),

	FN("Query", "getSessionControlConfig", resolve_config),
	FN("Query", "listQueuedSessions", resolve_queued),
	FN("Query", "getGroupSessionPool", resolve_pool),
	FN("Query", "listGroupSessionPools", resolve_pools),
	FN("Query", "explainWait", resolve_explain),
	ACTS("Query", "checkIdleTimeouts", resolve_check_idle),
	ACTS("Query", "checkExecutionTimeouts", resolve_check_execution),
	ACTS("Query", "checkTimeouts", resolve_check_all),

	DEFINES("Mutation", "configureGroupSessionPool", resolve_set_pool),
	DEFINES("Mutation", "removeGroupSessionPool", resolve_remove_pool),
	DEFINES("Mutation", "configureSessionControl", resolve_configure),
	ACTS("Mutation", "updateSessionAttributes", resolve_set_attributes),
	ACTS("Mutation", "cancelQueuedQuery", resolve_cancel_queued),
	ACTS("Mutation", "setSessionLimits", resolve_set_limits),
	ACTS("Mutation", "setSessionPriority", resolve_set_priority),
	ACTS("Mutation", "boostSessionPriority", resolve_boost),
	ACTS("Mutation", "reportSessionBlocked", resolve_blocked),
	ACTS("Mutation", "reportSessionUnblocked", resolve_unblocked),
	ACTS("Mutation", "checkIdleTimeouts", resolve_check_idle),
	ACTS("Mutation", "checkExecutionTimeouts", resolve_check_execution),
	ACTS("Mutation", "checkTimeouts", resolve_check_all),
};
const struct reeve_gql_table reeved_control_table = {rows, REEVED_COUNT(rows)};
