/* SPDX-License-Identifier: Apache-2.0 */
/* fields.c - see fields.h. */
#include "fields.h"

#include <string.h>

static const char *const categories[] = {
	"interactive", "batch", "maintenance", "analytics", "system", "custom", NULL};
static const char *const methods[] = {"emphasis", "ratio", "shares", NULL};
static const char *const actions[] = {"nothing", "log", "switch_group", "cancel", "kill", NULL};
static const char *const pool_types[] = {"shared_global", "program_global", "work_area",
	"buffer_cache", "shared_pool", "large_pool", NULL};
static const char *const cpu_policies[] = {
	"completely_fair", "fair_share", "priority_round_robin", "weighted_fair_queueing", NULL};
static const char *const io_policies[] = {
	"completely_fair", "deadline", "budget_fair", "priority", NULL};
static const char *const strategies[] = {"automatic", "manual", "hybrid", NULL};
static const char *const overruns[] = {"cancel_query", "kill_session", NULL};
const char *const reeve__days[] = {
	"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", NULL};
const char *const reeve__attributes[] = {
	"username", "programName", "machineName", "serviceName", "moduleName", "actionName", NULL};
const char *const reeve__syntaxes[] = {"contains", "prefix", "suffix", "glob", "regex", NULL};

const struct unit reeve__spans[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
	{"m", UINT64_C(60000000000)}, {"h", UINT64_C(3600000000000)},
	{"d", UINT64_C(86400000000000)}, {NULL, 0}};
const struct unit reeve__sizes[] = {{"B", 1}, {"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}, {"TiB", UINT64_C(1) << 40},
	{NULL, 0}};

#define AT(m)	offsetof(struct reeve_definition, u.m)
#define SIZE(m) sizeof(((struct reeve_definition *)0)->u.m)
#define F(key_, type_, m)                                                                          \
	{                                                                                          \
		.key = key_, .type = type_, .offset = AT(m), .size = SIZE(m)                       \
	}
#define N(key_, m, names_)                                                                         \
	{                                                                                          \
		.key = key_, .type = NAME, .offset = AT(m), .size = SIZE(m), .names = names_       \
	}
#define END                                                                                        \
	{                                                                                          \
		.key = NULL                                                                        \
	}

static const struct field group_fields[] = {F("name", TEXT, group.name),
	F("description", TEXT, group.description), F("priority", NUMBER, group.priority),
	N("category", group.category, categories), F("customCategory", TEXT, group.custom_category),
	F("cpuAllocationPct", NUMBER, group.cpu_allocation_pct),
	F("maxSessions", LIMIT, group.max_sessions),
	F("maxExecutionTime", SPAN_LIMIT, group.max_execution_ns),
	F("isActive", FLAG, group.is_active), F("maxIdleTime", SPAN_LIMIT, group.max_idle_ns),
	F("parallelDegreeLimit", LIMIT, group.parallel_degree_limit),
	F("memoryLimit", BYTES_LIMIT, group.memory_limit_bytes),
	F("ioBandwidthLimit", BYTES_LIMIT, group.io_bandwidth_limit),
	F("iopsLimit", LIMIT, group.iops_limit), END};
static const struct field user_fields[] = {F("userId", NUMBER, user.user_id),
	F("username", TEXT, user.username), F("group", GROUP, user.group),
	F("expiresNs", NUMBER, user.expires_wall), END};
static const struct field rule_fields[] = {F("name", TEXT, rule.name),
	F("priority", NUMBER, rule.priority), F("group", GROUP, rule.target),
	F("isEnabled", FLAG, rule.is_enabled), END};
static const struct field plan_fields[] = {F("name", TEXT, plan.name),
	F("description", TEXT, plan.description), N("cpuMethod", plan.cpu_method, methods),
	F("maxUtilization", NUMBER, plan.max_utilization_pct),
	F("isEnabled", FLAG, plan.is_enabled),
	F("parallelExecutionManaged", FLAG, plan.parallel_execution_managed),
	F("activeSessionPoolManaged", FLAG, plan.active_session_pool_managed),
	F("parent", PLAN, plan.parent), END};
static const struct field directive_fields[] = {
	F("plan", PLAN, directive.plan), F("group", GROUP, directive.group), END};
static const struct field schedule_fields[] = {F("name", TEXT, schedule.name),
	F("plan", PLAN, schedule.plan), F("days", DAYS, schedule.days),
	F("startTime", TIME, schedule.start_s), F("endTime", TIME, schedule.end_s),
	F("timeZone", TEXT, schedule.zone), F("priority", NUMBER, schedule.priority),
	F("isEnabled", FLAG, schedule.is_enabled), END};
static const struct field window_fields[] = {F("name", TEXT, window.name),
	F("description", TEXT, window.description), F("plan", PLAN, window.plan),
	N("day", window.day, reeve__days), F("startTime", TIME, window.start_s),
	F("durationSeconds", NUMBER, window.duration_s), F("timeZone", TEXT, window.zone),
	F("priority", NUMBER, window.priority),
	F("allowUserSessions", FLAG, window.allow_user_sessions),
	F("maxUserSessions", LIMIT, window.max_user_sessions),
	F("isEnabled", FLAG, window.is_enabled), END};
static const struct field server_pool_fields[] = {F("name", TEXT, server_pool.name),
	F("minServers", NUMBER, server_pool.min_servers),
	F("maxServers", NUMBER, server_pool.max_servers),
	F("idleTimeout", SPAN, server_pool.idle_timeout_ns), END};
static const struct field memory_pool_fields[] = {F("name", TEXT, memory_pool.name),
	N("poolType", memory_pool.type, pool_types), F("parent", POOL, memory_pool.parent),
	F("maxSize", BYTES, memory_pool.max_bytes), F("minSize", BYTES, memory_pool.min_bytes),
	F("targetSize", BYTES_LIMIT, memory_pool.target_bytes),
	F("pageSize", BYTES, memory_pool.page_bytes), F("autoTune", FLAG, memory_pool.auto_tune),
	END};
static const struct field cpu_limit_fields[] = {
	F("shares", NUMBER, cpu_limits.shares), F("limitPercent", NUMBER, cpu_limits.cap_pct), END};
static const struct field io_limit_fields[] = {
	F("bandwidthLimit", BYTES_LIMIT, io_limits.bandwidth),
	F("iopsLimit", LIMIT, io_limits.iops), F("weight", NUMBER, io_limits.weight), END};
static const struct field memory_limit_fields[] = {
	F("maxGroupMemory", BYTES_LIMIT, memory_limits.max_group_memory),
	F("maxSessionPga", BYTES_LIMIT, memory_limits.max_session_pga), END};
static const struct field parallel_limit_fields[] = {F("degree", LIMIT, parallel_limits.degree),
	F("servers", LIMIT, parallel_limits.servers), END};
static const struct field session_pool_fields[] = {
	F("maxActiveSessions", NUMBER, session_pool.max_active),
	F("queueTimeout", SPAN_LIMIT, session_pool.queue_timeout_ns),
	F("allowQueuing", FLAG, session_pool.allow_queuing), END};
static const struct field default_group_fields[] = {F("group", GROUP, default_group.group), END};
static const struct field chosen_plan_fields[] = {
	F("plan", PLAN, chosen_plan.plan), F("isLocked", FLAG, chosen_plan.is_locked), END};
static const struct field cpu_config_fields[] = {F("quantum", SPAN, cpu_config.quantum_ns),
	F("runawayDetection", FLAG, cpu_config.runaway_detection),
	F("runawayThreshold", SPAN, cpu_config.runaway_threshold_ns),
	F("runawayThrottlePpm", NUMBER, cpu_config.runaway_throttle_ppm),
	N("policy", cpu_config.policy, cpu_policies), END};
static const struct field io_config_fields[] = {N("policy", io_config.policy, io_policies),
	F("maxConcurrent", NUMBER, io_config.max_concurrent),
	F("burstPpm", NUMBER, io_config.burst_ppm), END};
static const struct field memory_config_fields[] = {
	F("databaseLimit", BYTES, memory_config.db_limit_bytes),
	F("lowPpm", NUMBER, memory_config.low_ppm),
	F("mediumPpm", NUMBER, memory_config.medium_ppm),
	F("highPpm", NUMBER, memory_config.high_ppm),
	F("criticalPpm", NUMBER, memory_config.critical_ppm),
	F("hysteresisPpm", NUMBER, memory_config.hysteresis_ppm),
	N("strategy", memory_config.strategy, strategies),
	F("hybridBenefitPpm", NUMBER, memory_config.hybrid_benefit_ppm),
	F("tunePeriod", SPAN, memory_config.tune_period_ns), END};
static const struct field parallel_config_fields[] = {
	F("cpuCores", NUMBER, parallel_config.cpu_cores),
	F("ioParallelism", NUMBER, parallel_config.io_parallelism),
	F("maxTotalDop", NUMBER, parallel_config.max_total_dop),
	F("downgradeEnabled", FLAG, parallel_config.downgrade_enabled),
	F("queueTimeout", SPAN, parallel_config.queue_timeout_ns), END};
static const struct field session_config_fields[] = {
	F("globalSessionLimit", LIMIT, session_config.global_session_limit),
	F("timeoutCheckerEnabled", FLAG, session_config.timeout_checker_enabled),
	F("autoTerminateEnabled", FLAG, session_config.auto_terminate_enabled),
	F("defaultIdleTimeout", SPAN_LIMIT, session_config.default_idle_timeout_ns),
	F("defaultMaxExecutionTime", SPAN_LIMIT, session_config.default_max_execution_ns),
	F("idleMark", SPAN, session_config.idle_mark_ns),
	N("executionTimeoutAction", session_config.execution_timeout_action, overruns), END};

/* Of a row of the catalog: when, and with which revision. */
#define STAMPS(m)                                                                                  \
	{                                                                                          \
		F("createdNs", NUMBER, m.created_wall), F("modifiedNs", NUMBER, m.modified_wall),  \
			F("revision", NUMBER, m.revision), END                                     \
	}
#define STAMPS_2(m)                                                                                \
	{                                                                                          \
		F("createdNs", NUMBER, m.created_wall), F("revision", NUMBER, m.revision), END     \
	}
static const struct field group_stamps[] = STAMPS(group), rule_stamps[] = STAMPS(rule),
			  plan_stamps[] = STAMPS(plan), directive_stamps[] = STAMPS(directive),
			  schedule_stamps[] = STAMPS(schedule), window_stamps[] = STAMPS(window),
			  server_pool_stamps[] = STAMPS_2(server_pool),
			  memory_pool_stamps[] = STAMPS_2(memory_pool),
			  user_stamps[] = {F("createdNs", NUMBER, user.created_wall), END},
			  chosen_stamps[] = {F("sinceNs", NUMBER, chosen_plan.since_wall), END},
			  no_stamps[] = {END};

const struct field_lists reeve__field_lists[REEVE_DEFINITION_KINDS] = {
	[REEVE_DEFINITION_GROUP] = {group_fields, group_stamps},
	[REEVE_DEFINITION_USER] = {user_fields, user_stamps},
	[REEVE_DEFINITION_RULE] = {rule_fields, rule_stamps},
	[REEVE_DEFINITION_PLAN] = {plan_fields, plan_stamps},
	[REEVE_DEFINITION_DIRECTIVE] = {directive_fields, directive_stamps},
	[REEVE_DEFINITION_SCHEDULE] = {schedule_fields, schedule_stamps},
	[REEVE_DEFINITION_WINDOW] = {window_fields, window_stamps},
	[REEVE_DEFINITION_SERVER_POOL] = {server_pool_fields, server_pool_stamps},
	[REEVE_DEFINITION_MEMORY_POOL] = {memory_pool_fields, memory_pool_stamps},
	[REEVE_DEFINITION_CPU_LIMITS] = {cpu_limit_fields, no_stamps},
	[REEVE_DEFINITION_IO_LIMITS] = {io_limit_fields, no_stamps},
	[REEVE_DEFINITION_MEMORY_LIMITS] = {memory_limit_fields, no_stamps},
	[REEVE_DEFINITION_PARALLEL_LIMITS] = {parallel_limit_fields, no_stamps},
	[REEVE_DEFINITION_SESSION_POOL] = {session_pool_fields, no_stamps},
	[REEVE_DEFINITION_DEFAULT_GROUP] = {default_group_fields, no_stamps},
	[REEVE_DEFINITION_CHOSEN_PLAN] = {chosen_plan_fields, chosen_stamps},
	[REEVE_DEFINITION_CPU_CONFIG] = {cpu_config_fields, no_stamps},
	[REEVE_DEFINITION_IO_CONFIG] = {io_config_fields, no_stamps},
	[REEVE_DEFINITION_MEMORY_CONFIG] = {memory_config_fields, no_stamps},
	[REEVE_DEFINITION_PARALLEL_CONFIG] = {parallel_config_fields, no_stamps},
	[REEVE_DEFINITION_SESSION_CONFIG] = {session_config_fields, no_stamps},
};

struct field reeve__field_of_directive(const struct reeve_directive_field *f)
{
	struct field to = {.key = f->name,
		.type = NUMBER,
		.offset = offsetof(struct reeve_definition, u.directive.cpu_pct) + f->offset -
			  offsetof(struct reeve_directive_def, cpu_pct),
		.size = f->size};

	if (f->bit == REEVE_DIRECTIVE_SUB_PLAN) {
		to.key = "subPlan";
		to.type = PLAN;
	} else if (f->bit == REEVE_DIRECTIVE_SWITCH_GROUP) {
		to.type = GROUP;
	} else if (f->bit == REEVE_DIRECTIVE_SWITCH_ACTION) {
		to.type = NAME;
		to.names = actions;
	} else if (strcmp(f->unit, "ns") == 0) {
		to.type = SPAN;
	} else if (strncmp(f->unit, "bytes", 5) == 0) {
		to.type = BYTES;
	} else if (f->most == 1) {
		to.type = FLAG;
	}
	return to;
}

uint64_t reeve__field_load(const struct reeve_definition *row, const struct field *f)
{
	const char *at = (const char *)row + f->offset;
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (f->size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	if (f->size == 1)
		return *(const bool *)(const void *)at;
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

void reeve__field_store(struct reeve_definition *row, const struct field *f, uint64_t value)
{
	char *at = (char *)row + f->offset;
	uint32_t narrow = (uint32_t)value;

	if (f->size == sizeof(value))
		memcpy(at, &value, sizeof(value));
	else if (f->size == 1)
		*(bool *)(void *)at = value != 0;
	else
		memcpy(at, &narrow, sizeof(narrow));
}

uint64_t reeve__field_none(const struct field *f)
{
	if (f->type == PLAN || f->type == POOL)
		return 0;
	return f->type == NEVER ? (uint64_t)REEVE_NEVER
	       : f->size == 4	? UINT32_MAX
				: REEVE_UNLIMITED;
}

bool reeve__field_may_be_null(const struct field *f)
{
	return f->type == LIMIT || f->type == SPAN_LIMIT || f->type == BYTES_LIMIT ||
	       f->type == NEVER || f->type == PLAN || f->type == POOL;
}

const char *reeve__row_name(const struct reeve_definition *row)
{
	return row->kind == REEVE_DEFINITION_GROUP  ? row->u.group.name
	       : row->kind == REEVE_DEFINITION_PLAN ? row->u.plan.name
						    : row->u.memory_pool.name;
}

uint64_t reeve__name_find(const struct reeve_definitions *names, uint32_t kind, const char *name)
{
	for (uint32_t i = 0; names && i < names->count; i++)
		if (names->rows[i].kind == kind &&
			strcmp(reeve__row_name(&names->rows[i]), name) == 0)
			return names->rows[i].id;
	return 0;
}

uint32_t reeve__field_reference(enum type type)
{
	return type == GROUP  ? REEVE_DEFINITION_GROUP
	       : type == PLAN ? REEVE_DEFINITION_PLAN
			      : REEVE_DEFINITION_MEMORY_POOL;
}
