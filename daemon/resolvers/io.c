/* SPDX-License-Identifier: Apache-2.0 */
/* io.c - the I/O scheduler: statistics, settings, registrations, requests of outside engines. */
#include "resolvers/resolvers.h"

#include <string.h>

static const char *const type_names[] = {"Read", "Write", "SyncWrite", "Metadata"};
static const char *const type_kinds[] = {"READ", "WRITE", "SYNC_WRITE", "METADATA"};
static const char *const priority_names[] = {"RealTime", "High", "Normal", "Low", "Idle"};
static const char *const priority_kinds[] = {"REAL_TIME", "HIGH", "NORMAL", "LOW", "IDLE"};
/* In the order of enum reeve_io_state, from 1. */
static const char *const state_names[] = {
	"Queued", "Throttled", "Active", "Completed", "Failed", "Cancelled"};
static const char *const state_kinds[] = {
	"QUEUED", "THROTTLED", "ACTIVE", "COMPLETED", "FAILED", "CANCELLED"};
const char *const reeved_io_policy_names[4] = {
	"CompletelyFair", "Deadline", "BudgetFair", "Priority"};
const char *const reeved_io_policy_kinds[4] = {
	"COMPLETELY_FAIR", "DEADLINE", "BUDGET_FAIR", "PRIORITY"};

#define DEADLINE_MAX_MS ((uint64_t)INT32_MAX)

struct io_settings {
	struct reeve_io_config io;
	uint32_t io_parallelism;
};

/* One default deadline. */
struct default_deadline {
	uint32_t type, priority;
	reeve_ns ns;
};

/* What scheduleNextIoRequest answers. */
struct scheduled {
	bool is_scheduled;
	struct reeve_io_request_info request;
	reeve_ns retry_after;
};

/* Statistics */

REEVED_STATS(resolve_stats, struct reeve_io_stats, reeve_io_stats_get, io)

static int resolve_wait(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_latency(ctx, &((const struct reeve_io_stats *)object)->wait);
}

static int resolve_service(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_latency(ctx, &((const struct reeve_io_stats *)object)->service);
}

REEVED_GET(resolve_group, struct reeve_io_group_stats, reeve_io_group_stats_get, reeve_group_id,
	"groupId")
REEVED_LIST(
	groups, struct reeve_io_group_stats, group.v, reeve_group_id, reeve_io_group_stats_copy);

static int resolve_groups(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	return reeved_emit_all(ctx, &groups);
}

int reeved_emit_io_group(struct reeve_gql_ctx *ctx, reeve_group_id id)
{
	struct reeve_io_group_stats stats;
	if (reeve_io_group_stats_get(reeved_segment_of(ctx), id, &stats, NULL) != 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_object(ctx, &stats);
}

static int resolve_pending(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_io_group_stats *stats = object;
	return reeve_gql_emit_u64(ctx, (uint64_t)stats->queued + stats->active);
}

REEVED_LIMIT_OF(resolve_iops_limit, struct reeve_io_group_stats, iops)

static int resolve_bandwidth_tokens(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_io_group_stats *stats = object;
	if (stats->bandwidth == REEVE_UNLIMITED)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, (double)stats->bandwidth_tokens);
}

static int resolve_iops_tokens(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_io_group_stats *stats = object;
	if (stats->iops == REEVE_UNLIMITED)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_double(ctx, (double)stats->iops_tokens);
}

static int resolve_group_wait(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_latency(ctx, &((const struct reeve_io_group_stats *)object)->wait);
}

static int resolve_devices(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	enum { DEVICES = 65 }; /* a segment holds 64, and 0 is for those that named none */
	struct reeve_io_device_stats *devices = reeve_gql_alloc(ctx, DEVICES * sizeof(*devices));
	if (devices == NULL)
		return reeved_refuse(ctx, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	uint32_t n = reeve_io_device_stats_copy(reeved_segment_of(ctx), devices, DEVICES);
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n && i < DEVICES; i++) {
		if (devices[i].target[0] != '\0')
			reeve_gql_emit_object(ctx, &devices[i]);
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_device_service(struct reeve_gql_ctx *ctx, const void *object)
{
	return reeved_emit_latency(ctx, &((const struct reeve_io_device_stats *)object)->service);
}

/* Settings */

static int resolve_config(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct io_settings settings;
	struct reeve_parallel_config parallel;
	reeve_io_config_get(reeved_segment_of(ctx), &settings.io);
	reeve_parallel_config_get(reeved_segment_of(ctx), &parallel);
	settings.io_parallelism = parallel.io_parallelism;
	return reeve_gql_emit_object(ctx, &settings);
}

static int resolve_deadlines(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct io_settings *settings = object;
	reeve_gql_list_begin(ctx);
	for (uint32_t type = 0; type < REEVE_IO_TYPES; type++) {
		for (uint32_t priority = 0; priority < REEVE_IO_PRIORITIES; priority++) {
			struct default_deadline deadline = {
				type, priority, settings->io.deadlines[type][priority]};
			reeve_gql_emit_object(ctx, &deadline);
		}
	}
	return reeve_gql_list_end(ctx);
}

static int resolve_deadline_ms(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct default_deadline *deadline = object;
	if (deadline->ns == REEVE_NEVER)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_i64(ctx, deadline->ns / REEVE_MSEC);
}

static const struct reeved_field config_fields[] = {
	REEVED_FIELD("policy", NAME, struct reeve_io_config, policy,
		REEVED_AMONG(reeved_io_policy_names)),
	REEVED_FIELD("maxConcurrentIo", INT, struct reeve_io_config, max_concurrent,
		REEVED_BETWEEN(1, REEVE_IO_CONCURRENT_MAX)),
	REEVED_FIELD("burstSeconds", FLOAT, struct reeve_io_config, burst_ppm,
		REEVED_BETWEEN(1000, 10000000), .unit = REEVE_PPM),
};

static int resolve_configure(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	struct reeve_io_config config;
	struct reeve_error err;
	reeve_io_config_get(reeve, &config);
	if (REEVED_READ(ctx, NULL, config_fields, &config, NULL) != 0)
		return -1;
	if (reeve_io_config_set(reeve, &config, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The I/O scheduler was configured.");
}

static const struct reeved_field deadline_fields[] = {
	REEVED_FIELD("requestType", NAME, struct default_deadline, type, REEVED_AMONG(type_names)),
	REEVED_FIELD(
		"priority", NAME, struct default_deadline, priority, REEVED_AMONG(priority_names)),
	REEVED_FIELD("deadlineMs", INT, struct default_deadline, ns,
		REEVED_BETWEEN(1, DEADLINE_MAX_MS), .unit = REEVE_MSEC,
		REEVED_OR_NULL((uint64_t)REEVE_NEVER)),
};

static int resolve_set_deadline(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct default_deadline deadline = {0, 0, REEVE_NEVER};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, deadline_fields, &deadline, NULL) != 0)
		return -1;
	if (reeve_io_deadline_set(reeved_segment_of(ctx), deadline.type, deadline.priority,
		    deadline.ns, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "The default deadline of %s requests of priority %s was set.",
		type_names[deadline.type], priority_names[deadline.priority]);
}

/* Registrations */

struct registration {
	uint64_t bandwidth, iops;
	uint32_t weight;
};

static const struct reeved_field registration_fields[] = {
	REEVED_FIELD("bandwidthLimit", U64, struct registration, bandwidth,
		REEVED_BETWEEN(1, REEVE_IO_BANDWIDTH_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD("iopsLimit", INT, struct registration, iops,
		REEVED_BETWEEN(1, REEVE_IO_IOPS_MAX), REEVED_OR_NULL(REEVE_UNLIMITED)),
	REEVED_FIELD(
		"weight", INT, struct registration, weight, REEVED_BETWEEN(1, REEVE_IO_WEIGHT_MAX)),
};

static int resolve_register(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct registration given = {REEVE_UNLIMITED, REEVE_UNLIMITED, REEVE_IO_WEIGHT_DEFAULT};
	struct reeve_error err;
	if (REEVED_READ(ctx, NULL, registration_fields, &given, NULL) != 0)
		return -1;
	if (reeve_io_group_register(reeved_segment_of(ctx), group, given.bandwidth, given.iops,
		    given.weight, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx,
		"Consumer group %llu has its own I/O limits until the next activation.",
		(unsigned long long)group.v);
}

REEVED_CHANGE(resolve_unregister, reeve_io_group_unregister, reeve_group_id, "groupId",
	"Consumer group %llu has the I/O limits of its plan again.")

/* Requests */

REEVED_GET(resolve_request, struct reeve_io_request_info, reeve_io_request_get, reeve_io_id,
	"requestId")
REEVED_LIST(requests, struct reeve_io_request_info, id.v, reeve_io_id, reeve_io_request_copy);

static const struct reeved_field filter_fields[] = {
	REEVED_FIELD("groupId", U64, struct reeve_io_request_info, group.v, REEVED_ID),
	REEVED_FIELD("state", NAME, struct reeve_io_request_info, state, REEVED_AMONG(state_names),
		.least = REEVE_IO_QUEUED),
	REEVED_FIELD("priority", NAME, struct reeve_io_request_info, priority,
		REEVED_AMONG(priority_names)),
	REEVED_FIELD("pastDeadline", BOOL, struct reeve_io_request_info, is_past_deadline, ),
};

static int resolve_requests(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeved_filter filter;
	struct reeved_page page;
	if (REEVED_READ_FILTER(ctx, reeve_gql_arg(ctx, "filter"), filter_fields, &filter) != 0 ||
		reeved_parse_page(ctx, &page) != 0)
		return -1;
	return reeved_emit_list(ctx, &requests, NULL, &filter, page);
}

static int emit_state(struct reeve_gql_ctx *ctx, const struct reeve_io_request_info *info,
	const char *const *names)
{
	uint32_t index = info->state - REEVE_IO_QUEUED;
	if (index >= REEVED_COUNT(state_names))
		return reeved_refuse(ctx, REEVE_EINTERNAL,
			"I/O request %llu is in the unknown state %u",
			(unsigned long long)info->id.v, info->state);
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

REEVED_TEXT_OF(resolve_target, struct reeve_io_request_info, target)

static int resolve_service_time(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct reeve_io_request_info *info = object;
	if (info->started_wall == 0)
		return reeve_gql_emit_null(ctx);
	return reeve_gql_emit_i64(ctx, info->service_ns / REEVE_USEC);
}

struct submission {
	struct reeve_io_def def;
	const char *target;
	uint64_t deadline_ms; /* 0: the default */
};

static const struct reeved_field submission_fields[] = {
	REEVED_FIELD("requestType", NAME, struct submission, def.type, REEVED_AMONG(type_names)),
	REEVED_FIELD(
		"priority", NAME, struct submission, def.priority, REEVED_AMONG(priority_names)),
	REEVED_FIELD("sizeBytes", U64, struct submission, def.size_bytes,
		REEVED_BETWEEN(0, REEVE_IO_SIZE_MAX)),
	REEVED_FIELD("offset", U64, struct submission, def.offset, REEVED_BETWEEN(0, INT64_MAX)),
	REEVED_FIELD("deadlineMs", INT, struct submission, deadline_ms,
		REEVED_BETWEEN(1, DEADLINE_MAX_MS), REEVED_OR_NULL(0)),
	REEVED_FIELD("target", TEXT, struct submission, target, REEVED_OR_NULL(0)),
	REEVED_FIELD("isSequential", BOOL, struct submission, def.is_sequential, ),
};

/* Of a group, or on behalf of a query execution in it. */
static int submit(struct reeve_gql_ctx *ctx, struct reeve *reeve, reeve_group_id group,
	const struct reeve_io_def *def, reeve_io_id *ret_id)
{
	reeve_admission_id execution = {0};
	struct reeve_admission_info info;
	struct reeve_error err;
	if (reeve_gql_arg_u64(ctx, "executionId", &execution.v) != REEVE_GQL_GIVEN)
		return reeve_io_submit(reeve, group, def, ret_id, &err) != 0
			       ? reeved_fail(ctx, &err)
			       : 0;
	if (reeve_admission_get(reeve, execution, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	if (info.group.v != group.v)
		return reeved_refuse(ctx, REEVE_ECONFLICT,
			"query execution %llu is of consumer group %llu, not of %llu",
			(unsigned long long)execution.v, (unsigned long long)info.group.v,
			(unsigned long long)group.v);
	return reeve_io_submit_as(reeve, execution, def, ret_id, &err) != 0 ? reeved_fail(ctx, &err)
									    : 0;
}

static int resolve_submit(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_group_id group = {reeved_arg_id(ctx, "groupId")};
	struct submission given = {REEVE_IO_DEF_INIT, NULL, 0};
	struct reeve_io_request_info info;
	struct reeve_error err;
	reeve_io_id id;
	if (REEVED_READ(ctx, NULL, submission_fields, &given, NULL) != 0)
		return -1;
	if (given.deadline_ms != 0)
		given.def.deadline =
			reeve_now_mono(reeve) + (reeve_ns)given.deadline_ms * REEVE_MSEC;
	if (given.target != NULL &&
		reeve_io_device_open(reeve, given.target, &given.def.device, &err) != 0)
		return reeved_fail(ctx, &err);
	if (submit(ctx, reeve, group, &given.def, &id) != 0)
		return -1;
	if (reeve_io_request_get(reeve, id, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeve_gql_emit_object(ctx, &info);
}

static int resolve_schedule(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct scheduled answer = {.retry_after = REEVE_NEVER};
	struct reeve_error err;
	int rc = reeve_io_next(reeved_segment_of(ctx), &answer.request, &answer.retry_after, &err);
	if (rc != 0 && rc != REEVE_ENOT_FOUND)
		return reeved_fail(ctx, &err);
	answer.is_scheduled = rc == 0;
	return reeve_gql_emit_object(ctx, &answer);
}

static int resolve_retry(struct reeve_gql_ctx *ctx, const void *object)
{
	const struct scheduled *answer = object;
	if (answer->is_scheduled || answer->retry_after == REEVE_NEVER)
		return reeve_gql_emit_null(ctx);
	/* Rounded up: a caller that comes back then is not early. */
	return reeve_gql_emit_i64(ctx, (answer->retry_after + REEVE_USEC - 1) / REEVE_USEC);
}

static int resolve_complete(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve *reeve = reeved_segment_of(ctx);
	reeve_io_id id = {reeved_arg_id(ctx, "requestId")};
	struct reeve_io_request_info info;
	struct reeve_error err;
	const char *failure = NULL;
	uint64_t bytes = 0;
	bool failed = reeve_gql_arg_str(ctx, "failure", &failure) == REEVE_GQL_GIVEN;
	/* Without a number it has moved all, or nothing if it failed. */
	if (reeve_gql_arg_u64(ctx, "bytesTransferred", &bytes) != REEVE_GQL_GIVEN && !failed) {
		if (reeve_io_request_get(reeve, id, &info, &err) != 0)
			return reeved_fail(ctx, &err);
		bytes = info.size_bytes;
	}
	if (reeve_io_complete(reeve, id, bytes, !failed, &info, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "I/O request %llu %s%s after %lld us.",
		(unsigned long long)id.v, failed ? "failed: " : "is complete",
		failed ? failure : "", (long long)(info.service_ns / REEVE_USEC));
}

static int resolve_cancel(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	reeve_io_id id = {reeved_arg_id(ctx, "requestId")};
	struct reeve_error err;
	if (reeve_io_cancel(reeved_segment_of(ctx), id, NULL, &err) != 0)
		return reeved_fail(ctx, &err);
	return reeved_emit_done(ctx, "I/O request %llu was cancelled.", (unsigned long long)id.v);
}

/* The rates are weighted by time, not by looks: reading them brings them up to date. */
static int resolve_update_metrics(struct reeve_gql_ctx *ctx, const void *object)
{
	(void)object;
	struct reeve_io_stats stats;
	reeve_io_stats_get(reeved_segment_of(ctx), &stats);
	return reeved_emit_done(ctx, "I/O runs at %llu bytes and %llu.%03llu operations a second.",
		(unsigned long long)stats.bytes_per_s,
		(unsigned long long)(stats.milliops_per_s / 1000),
		(unsigned long long)(stats.milliops_per_s % 1000));
}

#define S "IoSchedulerStats"
#define G "IoGroupStats"
#define R "IoRequest"
#define D "IoDeviceStats"
#define C "IoSchedulerConfig"
static const struct reeve_gql_binding rows[] = {
	UINT(S, "totalRequests", struct reeve_io_stats, total, ),
	UINT(S, "completedRequests", struct reeve_io_stats, completed, ),
	UINT(S, "totalBytesRead", struct reeve_io_stats, bytes_read, ),
	UINT(S, "totalBytesWritten", struct reeve_io_stats, bytes_written, ),
	UINT(S, "avgLatencyUs", struct reeve_io_stats, avg_latency_ns, .divisor = 1000),
	UINT(S, "deadlineMisses", struct reeve_io_stats, deadline_misses, ),
	UINT(S, "throttledRequests", struct reeve_io_stats, throttled, ),
	UINT(S, "queuedRequests", struct reeve_io_stats, queued, ),
	UINT(S, "activeRequests", struct reeve_io_stats, active, ),
	UINT(S, "failedRequests", struct reeve_io_stats, failed, ),
	UINT(S, "cancelledRequests", struct reeve_io_stats, cancelled, ),
	UINT(S, "mergedRequests", struct reeve_io_stats, merged, ),
	FN(S, "queueLatency", resolve_wait),
	FN(S, "serviceLatency", resolve_service),
	UINT(S, "bandwidthBytesPerSec", struct reeve_io_stats, bytes_per_s, ),
	UINT(S, "iops", struct reeve_io_stats, milliops_per_s, .divisor = 1000),
	NAMED(S, "policy", struct reeve_io_stats, policy, reeved_io_policy_kinds),

	UINT(G, "groupId", struct reeve_io_group_stats, group.v, ),
	UINT(G, "totalBytes", struct reeve_io_group_stats, total_bytes, ),
	UINT(G, "totalOps", struct reeve_io_group_stats, total_ops, ),
	FN(G, "pendingRequests", resolve_pending),
	UINT(G, "queuedRequests", struct reeve_io_group_stats, queued, ),
	UINT(G, "activeRequests", struct reeve_io_group_stats, active, ),
	UINT(G, "bandwidthLimit", struct reeve_io_group_stats, bandwidth,
		.flags = REEVE_GQL_LIMIT_IS_NULL),
	FN(G, "iopsLimit", resolve_iops_limit),
	UINT(G, "weight", struct reeve_io_group_stats, weight, ),
	UINT(G, "currentBandwidth", struct reeve_io_group_stats, bytes_per_s, ),
	UINT(G, "currentIops", struct reeve_io_group_stats, milliops_per_s, .divisor = 1000),
	FN(G, "bandwidthTokens", resolve_bandwidth_tokens),
	FN(G, "iopsTokens", resolve_iops_tokens),
	UINT(G, "throttledRequests", struct reeve_io_group_stats, throttled, ),
	UINT(G, "deadlineMisses", struct reeve_io_group_stats, deadline_misses, ),
	FN(G, "queueLatency", resolve_group_wait),

	UINT(R, "id", struct reeve_io_request_info, id.v, ),
	UINT(R, "groupId", struct reeve_io_request_info, group.v, ),
	NAMED(R, "requestType", struct reeve_io_request_info, type, type_names),
	NAMED(R, "requestTypeKind", struct reeve_io_request_info, type, type_kinds),
	NAMED(R, "priority", struct reeve_io_request_info, priority, priority_names),
	NAMED(R, "priorityKind", struct reeve_io_request_info, priority, priority_kinds),
	UINT(R, "effectivePriority", struct reeve_io_request_info, effective_priority, ),
	UINT(R, "sizeBytes", struct reeve_io_request_info, size_bytes, ),
	UINT(R, "offset", struct reeve_io_request_info, offset, ),
	FN(R, "target", resolve_target),
	FN(R, "state", resolve_state),
	FN(R, "stateKind", resolve_state_kind),
	TIME_NS(R, "deadline", struct reeve_io_request_info, deadline_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(R, "submittedAt", struct reeve_io_request_info, submitted_wall, ),
	TIME_NS(R, "startedAt", struct reeve_io_request_info, started_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	TIME_NS(R, "completedAt", struct reeve_io_request_info, completed_wall,
		.flags = REEVE_GQL_ZERO_IS_NULL),
	BOOL(R, "isSequential", struct reeve_io_request_info, is_sequential),
	BOOL(R, "isPastDeadline", struct reeve_io_request_info, is_past_deadline),
	INT(R, "waitTimeUs", struct reeve_io_request_info, wait_ns, .divisor = 1000),
	FN(R, "serviceTimeUs", resolve_service_time),
	BOOL(R, "managed", struct reeve_io_request_info, is_managed),

	CHARS(D, "target", struct reeve_io_device_stats, target),
	UINT(D, "totalBytes", struct reeve_io_device_stats, total_bytes, ),
	UINT(D, "totalOps", struct reeve_io_device_stats, total_ops, ),
	UINT(D, "queueDepth", struct reeve_io_device_stats, queue_depth, ),
	UINT(D, "busyPercent", struct reeve_io_device_stats, busy_ppm, .divisor = 10000),
	FN(D, "serviceLatency", resolve_device_service),

	NAMED(C, "policy", struct io_settings, io.policy, reeved_io_policy_kinds),
	UINT(C, "maxConcurrentIo", struct io_settings, io.max_concurrent, ),
	UINT(C, "ioParallelism", struct io_settings, io_parallelism, ),
	UINT(C, "burstSeconds", struct io_settings, io.burst_ppm, .divisor = REEVE_PPM),
	FN(C, "defaultDeadlines", resolve_deadlines),
	NAMED("IoDefaultDeadline", "requestType", struct default_deadline, type, type_kinds),
	NAMED("IoDefaultDeadline", "priority", struct default_deadline, priority, priority_kinds),
	FN("IoDefaultDeadline", "deadlineMs", resolve_deadline_ms),

	UINT("SubmitIoRequestPayload", "requestId", struct reeve_io_request_info, id.v, ),
	SELF("SubmitIoRequestPayload", "request"),
	REEVE_GQL_BIND_MEMBER("ScheduleIoPayload", "requestId", REEVE_GQL_UINT, struct scheduled,
		request.id.v, REEVE_GQL_PRESENT_IF(struct scheduled, is_scheduled)),
	BOOL("ScheduleIoPayload", "scheduled", struct scheduled, is_scheduled),
	REEVE_GQL_BIND_MEMBER("ScheduleIoPayload", "request", REEVE_GQL_STRUCT, struct scheduled,
		request, REEVE_GQL_PRESENT_IF(struct scheduled, is_scheduled)),
	FN("ScheduleIoPayload", "retryAfterUs", resolve_retry),

	FN("Query", "getIoSchedulerStats", resolve_stats),
	FN("Query", "getIoSchedulerConfig", resolve_config),
	FN("Query", "getIoGroupStats", resolve_group),
	FN("Query", "listIoGroupStats", resolve_groups),
	FN("Query", "getIoRequest", resolve_request),
	FN("Query", "listIoRequests", resolve_requests),
	FN("Query", "listIoDeviceStats", resolve_devices),
	ACTS("Query", "scheduleNextIoRequest", resolve_schedule),

	DEFINES("Mutation", "registerIoGroup", resolve_register),
	DEFINES("Mutation", "unregisterIoGroup", resolve_unregister),
	ACTS("Mutation", "submitIoRequest", resolve_submit),
	ACTS("Mutation", "scheduleNextIoRequest", resolve_schedule),
	ACTS("Mutation", "completeIoRequest", resolve_complete),
	ACTS("Mutation", "cancelIoRequest", resolve_cancel),
	ACTS("Mutation", "updateIoBandwidthMetrics", resolve_update_metrics),
	DEFINES("Mutation", "configureIoScheduler", resolve_configure),
	DEFINES("Mutation", "setIoDefaultDeadline", resolve_set_deadline),
};
const struct reeve_gql_table reeved_io_table = {rows, REEVED_COUNT(rows)};
