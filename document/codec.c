/* SPDX-License-Identifier: Apache-2.0 */
/*
 * codec.c - one definition from nodes, and into JSON. What fields a kind has is one table; directives'
 * fields come from the library's own.
 */
#include "codec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
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
static const char *const days[] = {
	"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", NULL};

enum type {
	TEXT,	    /* char[size] */
	FLAG,	    /* bool */
	NUMBER,	    /* unsigned of `size` bytes, up to `most` (0: all) */
	LIMIT,	    /* the same; null: all ones */
	NAME,	    /* uint32_t, one of `names` */
	SPAN,	    /* ns in 8 bytes */
	SPAN_LIMIT, /* the same; null: all ones, or INT64_MAX of a signed one */
	NEVER,	    /* reeve_ns; null: REEVE_NEVER */
	BYTES,
	BYTES_LIMIT,
	TIME, /* uint32_t, seconds of the day */
	DAYS, /* uint32_t, bits */
	GROUP,
	PLAN, /* null: 0 */
	POOL
};

struct field {
	const char *key;
	enum type type;
	size_t offset, size;
	const char *const *names;
	uint64_t most;
};

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
	N("day", window.day, days), F("startTime", TIME, window.start_s),
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

static const struct {
	const struct field *fields, *stamps;
} kinds[REEVE_DEFINITION_KINDS] = {
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

/* A directive's field as one of the others. */
static struct field of_directive(const struct reeve_directive_field *f)
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

/* ---- values ---- */

static uint64_t load(const struct reeve_definition *row, const struct field *f)
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

static void store(struct reeve_definition *row, const struct field *f, uint64_t value)
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

static uint64_t none_of(const struct field *f)
{
	if (f->type == PLAN || f->type == POOL)
		return 0;
	return f->type == NEVER ? (uint64_t)REEVE_NEVER
	       : f->size == 4	? UINT32_MAX
				: REEVE_UNLIMITED;
}

static bool may_be_null(const struct field *f)
{
	return f->type == LIMIT || f->type == SPAN_LIMIT || f->type == BYTES_LIMIT ||
	       f->type == NEVER || f->type == PLAN || f->type == POOL;
}

struct unit {
	const char *name;
	uint64_t factor;
};
static const struct unit spans[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
	{"m", UINT64_C(60000000000)}, {"h", UINT64_C(3600000000000)},
	{"d", UINT64_C(86400000000000)}, {NULL, 0}};
static const struct unit sizes[] = {{"B", 1}, {"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}, {"TiB", UINT64_C(1) << 40},
	{NULL, 0}};

/* A number, or a text of a number and a unit; `plain` is what a bare number counts. */
static bool read_quantity(
	const struct reeve_node *n, const struct unit *units, uint64_t plain, uint64_t *ret)
{
	uint64_t value;
	uint64_t factor = plain, number = n->number;
	char *end;

	if (n->kind == REEVE_NODE_TEXT && isdigit((unsigned char)n->text[0])) {
		number = strtoull(n->text, &end, 10);
		for (factor = 0; units->name; units++)
			if (strcmp(units->name, end) == 0)
				factor = units->factor;
	} else if (n->kind != REEVE_NODE_NUMBER) {
		factor = 0;
	}
	if (!factor || __builtin_mul_overflow(number, factor, &value) || value > INT64_MAX)
		return false;
	*ret = value;
	return true;
}

static bool read_time(const struct reeve_node *n, uint64_t *ret)
{
	unsigned h, m, s = 0;
	int used = 0;

	if (n->kind != REEVE_NODE_TEXT)
		return false;
	if (sscanf(n->text, "%2u:%2u:%2u%n", &h, &m, &s, &used) != 3 || n->text[used]) {
		s = 0;
		used = 0;
		if (sscanf(n->text, "%2u:%2u%n", &h, &m, &used) != 2 || n->text[used])
			return false;
	}
	if (m > 59 || s > 59 || h > 24 || (h == 24 && (m || s)))
		return false;
	*ret = h * 3600 + m * 60 + s;
	return true;
}

static bool same_word(const char *a, const char *b)
{
	for (;;) {
		while (*a == '_' || *a == '-')
			a++;
		while (*b == '_' || *b == '-')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static int find_word(const char *const *names, const char *text)
{
	for (int i = 0; names[i]; i++)
		if (same_word(names[i], text))
			return i;
	return -1;
}

/* "got 'x'", for messages. */
static const char *got(const struct reeve_node *n, char to[80])
{
	static const char *const what[] = {"nothing", "", "", "", "a list", "a map"};

	if (n->kind == REEVE_NODE_LIST || n->kind == REEVE_NODE_MAP || n->kind == REEVE_NODE_NULL)
		snprintf(to, 80, "%s", what[n->kind]);
	else
		snprintf(to, 80, "'%.60s'", n->text ? n->text : n->number ? "true" : "false");
	return to;
}

struct reading {
	const struct reeve_tree *tree;
	const struct reeve_definitions *names;
	struct reeve_error *err;
};

static int expected(const struct reading *r, const struct reeve_node *n, const char *what)
{
	char text[80];

	return reeve_node_refuse(r->tree, n, REEVE_EINVALID_ARGUMENT, r->err,
		"%.40s: expected %.100s; got %s", n->key ? n->key : "item", what, got(n, text));
}

static int expected_one_of(
	const struct reading *r, const struct reeve_node *n, const char *const *names)
{
	char what[160] = "one of ";

	for (size_t len = strlen(what); *names; names++) {
		snprintf(what + len, sizeof(what) - len, "%s%s", *names, names[1] ? ", " : "");
		len = strlen(what);
	}
	return expected(r, n, what);
}

static const char *row_name(const struct reeve_definition *row)
{
	return row->kind == REEVE_DEFINITION_GROUP  ? row->u.group.name
	       : row->kind == REEVE_DEFINITION_PLAN ? row->u.plan.name
						    : row->u.memory_pool.name;
}

uint64_t reeve__name_find(const struct reeve_definitions *names, uint32_t kind, const char *name)
{
	for (uint32_t i = 0; names && i < names->count; i++)
		if (names->rows[i].kind == kind && strcmp(row_name(&names->rows[i]), name) == 0)
			return names->rows[i].id;
	return 0;
}

static uint32_t kind_of_reference(enum type type)
{
	return type == GROUP  ? REEVE_DEFINITION_GROUP
	       : type == PLAN ? REEVE_DEFINITION_PLAN
			      : REEVE_DEFINITION_MEMORY_POOL;
}

static int read_reference(
	const struct reading *r, const struct reeve_node *n, enum type type, uint64_t *ret)
{
	uint32_t kind = kind_of_reference(type);
	static const char *const nouns[] = {"consumer group", "resource plan", "memory pool"};
	const char *noun = nouns[type == GROUP ? 0 : type == PLAN ? 1 : 2];

	if (n->kind == REEVE_NODE_NUMBER) {
		*ret = n->number;
		if (!r->names || reeve_definitions_find(r->names, kind, n->number))
			return 0;
	} else if (n->kind != REEVE_NODE_TEXT) {
		return expected(r, n, "a name");
	} else if ((*ret = reeve__name_find(r->names, kind, n->text))) {
		return 0;
	}
	return reeve_node_refuse(r->tree, n, REEVE_ENOT_FOUND, r->err,
		"%.40s: there is no %s '%.100s'", n->key ? n->key : "item", noun, n->text);
}

static int read_days(const struct reading *r, const struct reeve_node *n, uint64_t *ret)
{
	*ret = 0;
	if (n->kind != REEVE_NODE_LIST || !n->count)
		return expected(r, n, "a list of weekdays");
	for (const struct reeve_node *d = n->first; d; d = d->next) {
		int day = d->kind == REEVE_NODE_TEXT ? find_word(days, d->text) : -1;
		if (day < 0)
			return expected_one_of(r, d, days);
		*ret |= UINT64_C(1) << day;
	}
	return 0;
}

static int read_text(const struct reading *r, const struct reeve_node *n, const struct field *f,
	struct reeve_definition *row)
{
	char *to = (char *)row + f->offset, what[64];

	if (n->kind == REEVE_NODE_NULL) {
		memset(to, 0, f->size);
		return 0;
	}
	snprintf(what, sizeof(what), "a text of at most %zu bytes", f->size - 1);
	if (n->kind == REEVE_NODE_LIST || n->kind == REEVE_NODE_MAP || strlen(n->text) >= f->size)
		return expected(r, n, what);
	memset(to, 0, f->size);
	memcpy(to, n->text, strlen(n->text));
	return 0;
}

static int read_number(
	const struct reading *r, const struct reeve_node *n, const struct field *f, uint64_t *ret)
{
	*ret = n->number;
	if (n->kind != REEVE_NODE_NUMBER)
		return expected(r, n, f->type == LIMIT ? "a number, or null" : "a number");
	if (f->size == 4 && n->number > UINT32_MAX)
		return expected(r, n, "a number of at most 4294967295");
	return 0;
}

static int read_value(
	const struct reading *r, const struct reeve_node *n, const struct field *f, uint64_t *ret)
{
	int word;

	if (n->kind == REEVE_NODE_NULL && may_be_null(f)) {
		*ret = none_of(f);
		return 0;
	}
	switch (f->type) {
	case FLAG:
		*ret = n->number;
		return n->kind == REEVE_NODE_BOOL ? 0 : expected(r, n, "true or false");
	case NAME:
		word = n->kind == REEVE_NODE_TEXT ? find_word(f->names, n->text) : -1;
		*ret = (uint64_t)word;
		return word >= 0 ? 0 : expected_one_of(r, n, f->names);
	case SPAN:
	case SPAN_LIMIT:
	case NEVER:
		return read_quantity(n, spans, (uint64_t)REEVE_SEC, ret)
			       ? 0
			       : expected(r, n, "seconds, or a span such as 250ms, 5m or 2h");
	case BYTES:
	case BYTES_LIMIT:
		return read_quantity(n, sizes, 1, ret)
			       ? 0
			       : expected(r, n, "bytes, or a size such as 64MiB");
	case TIME:
		return read_time(n, ret) ? 0 : expected(r, n, "a time such as \"09:30\"");
	case DAYS:
		return read_days(r, n, ret);
	case GROUP:
	case PLAN:
	case POOL:
		return read_reference(r, n, f->type, ret);
	default:
		return read_number(r, n, f, ret);
	}
}

static int read_field(const struct reading *r, const struct reeve_node *n, const struct field *f,
	struct reeve_definition *row)
{
	uint64_t value = 0;
	int rc;

	if (f->type == TEXT)
		return read_text(r, n, f, row);
	rc = read_value(r, n, f, &value);
	if (!rc)
		store(row, f, value);
	return rc;
}

/* ---- conditions ---- */

/* In the order of their kinds, each followed by its pattern. */
static const char *const attributes[] = {
	"username", "programName", "machineName", "serviceName", "moduleName", "actionName", NULL};
static const char *const syntaxes[] = {"contains", "prefix", "suffix", "glob", "regex", NULL};

static int read_condition(const struct reading *r, const struct reeve_node *n, int level,
	struct reeve_condition *ret);

static void free_condition(struct reeve_condition *c)
{
	struct reeve_condition *operands = (struct reeve_condition *)(uintptr_t)c->operands;

	for (uint32_t i = 0; operands && i < c->count; i++)
		free_condition(&operands[i]);
	free(operands);
	c->operands = NULL;
}

static int read_operands(
	const struct reading *r, const struct reeve_node *n, int level, struct reeve_condition *ret)
{
	uint32_t count = n->kind == REEVE_NODE_LIST ? n->count : 1;
	const struct reeve_node *child = n->kind == REEVE_NODE_LIST ? n->first : n;
	struct reeve_condition *operands = calloc(count ? count : 1, sizeof(*operands));
	int rc = 0;

	if (!operands)
		return reeve_node_refuse(
			r->tree, n, REEVE_ERESOURCE_EXHAUSTED, r->err, "out of memory");
	ret->count = count;
	ret->operands = operands;
	for (uint32_t i = 0; !rc && i < count; i++, child = child->next)
		rc = read_condition(r, child, level + 1, &operands[i]);
	return rc;
}

static int read_attribute(
	const struct reading *r, const struct reeve_node *n, int which, struct reeve_condition *ret)
{
	ret->kind = (uint32_t)which * 2;
	if (n->kind != REEVE_NODE_MAP) {
		ret->text = n->text;
		return n->text ? 0 : expected(r, n, "a text, or a map such as {glob: \"a*\"}");
	}
	ret->kind++;
	for (const struct reeve_node *m = n->first; m; m = m->next) {
		int syntax = find_word(syntaxes, m->key);
		if (strcmp(m->key, "ignoreCase") == 0 && m->kind == REEVE_NODE_BOOL) {
			ret->ignore_case = m->number != 0;
		} else if (syntax >= 0 && m->text && !ret->text) {
			ret->syntax = (uint32_t)syntax;
			ret->text = m->text;
		} else {
			return expected(r, m,
				"one of contains, prefix, suffix, glob, regex with "
				"a text, and ignoreCase");
		}
	}
	return ret->text ? 0 : expected(r, n, "one of contains, prefix, suffix, glob, regex");
}

static int read_when(
	const struct reading *r, const struct reeve_node *n, struct reeve_condition *ret)
{
	bool is_time = ret->kind == REEVE_CONDITION_TIME_OF_DAY;
	uint64_t value = 0;
	int rc = n->kind == REEVE_NODE_MAP ? 0 : expected(r, n, "a map");

	for (const struct reeve_node *m = n->first; !rc && m; m = m->next) {
		if (strcmp(m->key, "timeZone") == 0 && m->text) {
			ret->zone = m->text;
		} else if (is_time &&
			   (strcmp(m->key, "start") == 0 || strcmp(m->key, "end") == 0)) {
			if (!read_time(m, &value))
				return expected(r, m, "a time such as \"09:30\"");
			*(m->key[0] == 's' ? &ret->start_s : &ret->end_s) = (uint32_t)value;
		} else if (!is_time && strcmp(m->key, "days") == 0) {
			rc = read_days(r, m, &value);
			ret->days = (uint32_t)value;
		} else {
			rc = expected(
				r, m, is_time ? "start, end and timeZone" : "days and timeZone");
		}
	}
	return rc;
}

static int read_condition(
	const struct reading *r, const struct reeve_node *n, int level, struct reeve_condition *ret)
{
	const struct reeve_node *m = n->first;
	int which;

	if (n->kind != REEVE_NODE_MAP || n->count != 1 || level > REEVE_CONDITION_LEVELS)
		return expected(r, n,
			"a map with one of username, programName, ..., userId, timeOfDay, "
			"dayOfWeek, all, any, not");
	which = find_word(attributes, m->key);
	if (which >= 0)
		return read_attribute(r, m, which, ret);
	if (strcmp(m->key, "userId") == 0) {
		ret->kind = REEVE_CONDITION_USER_ID;
		ret->user_id = m->number;
		return m->kind == REEVE_NODE_NUMBER ? 0 : expected(r, m, "a number");
	}
	if (strcmp(m->key, "timeOfDay") == 0 || strcmp(m->key, "dayOfWeek") == 0) {
		ret->kind = m->key[0] == 't' ? REEVE_CONDITION_TIME_OF_DAY
					     : REEVE_CONDITION_DAY_OF_WEEK;
		return read_when(r, m, ret);
	}
	if (strcmp(m->key, "not") == 0 && m->kind == REEVE_NODE_MAP) {
		ret->kind = REEVE_CONDITION_NOT;
		return read_operands(r, m, level, ret);
	}
	if ((strcmp(m->key, "all") == 0 || strcmp(m->key, "any") == 0) &&
		m->kind == REEVE_NODE_LIST) {
		ret->kind = m->key[1] == 'l' ? REEVE_CONDITION_AND : REEVE_CONDITION_OR;
		return read_operands(r, m, level, ret);
	}
	return expected(r, m, "a condition");
}

static void write_time(FILE *out, uint32_t s)
{
	fprintf(out, "\"%02u:%02u", s / 3600, s / 60 % 60);
	if (s % 60)
		fprintf(out, ":%02u", s % 60);
	fputc('"', out);
}

static void write_days(FILE *out, uint64_t bits)
{
	const char *comma = "";

	fputc('[', out);
	for (int i = 0; i < 7; i++)
		if (bits >> i & 1) {
			fprintf(out, "%s\"%s\"", comma, days[i]);
			comma = ",";
		}
	fputc(']', out);
}

static void write_zone(FILE *out, const char *zone)
{
	if (zone && zone[0]) {
		fputs(",\"timeZone\":", out);
		reeve_json_write_text(out, zone);
	}
	fputc('}', out);
}

static void write_condition(FILE *out, const struct reeve_condition *c)
{
	fputc('{', out);
	if (c->kind <= REEVE_CONDITION_ACTION_NAME_PATTERN) {
		fprintf(out, "\"%s\":", attributes[c->kind / 2]);
		if (c->kind % 2)
			fprintf(out, "{\"%s\":", syntaxes[c->syntax % 5]);
		reeve_json_write_text(out, c->text ? c->text : "");
		if (c->kind % 2)
			fprintf(out, "%s}", c->ignore_case ? ",\"ignoreCase\":true" : "");
	} else if (c->kind == REEVE_CONDITION_USER_ID) {
		fprintf(out, "\"userId\":%" PRIu64, c->user_id);
	} else if (c->kind == REEVE_CONDITION_TIME_OF_DAY) {
		fputs("\"timeOfDay\":{\"start\":", out);
		write_time(out, c->start_s);
		fputs(",\"end\":", out);
		write_time(out, c->end_s);
		write_zone(out, c->zone);
	} else if (c->kind == REEVE_CONDITION_DAY_OF_WEEK) {
		fputs("\"dayOfWeek\":{\"days\":", out);
		write_days(out, c->days);
		write_zone(out, c->zone);
	} else if (c->kind == REEVE_CONDITION_NOT) {
		fputs("\"not\":", out);
		write_condition(out, &c->operands[0]);
	} else {
		fprintf(out, "\"%s\":[", c->kind == REEVE_CONDITION_AND ? "all" : "any");
		for (uint32_t i = 0; i < c->count; i++) {
			fputs(i ? "," : "", out);
			write_condition(out, &c->operands[i]);
		}
		fputc(']', out);
	}
	fputc('}', out);
}

/* ---- what the tables do not say ---- */

/* The row's own copy of a condition: nodes point into the tree. */
static int put_condition(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	struct reeve_condition made = {0};
	int rc = read_condition(r, n, 0, &made);

	if (!rc) {
		free(row->condition);
		row->condition = reeve_condition_clone(&made);
		if (!row->condition)
			rc = reeve_node_refuse(
				r->tree, n, REEVE_ERESOURCE_EXHAUSTED, r->err, "out of memory");
	}
	free_condition(&made);
	return rc;
}

static int put_pool_groups(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	struct reeve_server_pool_info *p = &row->u.server_pool;
	int rc = 0;

	if (n->kind != REEVE_NODE_LIST || n->count > 32)
		return expected(r, n, "a list of at most 32 groups");
	memset(p->groups, 0, sizeof(p->groups));
	p->group_count = n->count;
	n = n->first;
	for (uint32_t i = 0; !rc && i < p->group_count; i++, n = n->next)
		rc = read_reference(r, n, GROUP, &p->groups[i]);
	return rc;
}

#define DEADLINES (REEVE_IO_TYPES * REEVE_IO_PRIORITIES)

/* A list of default deadlines, type by type, priority by priority. */
static int put_deadlines(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	reeve_ns *to = &row->u.io_config.deadlines[0][0];
	const struct reeve_node *one = n->first;
	char what[64];

	snprintf(what, sizeof(what), "a list of %u spans", (unsigned)DEADLINES);
	if (n->kind != REEVE_NODE_LIST || n->count != DEADLINES)
		return expected(r, n, what);
	for (uint32_t i = 0; i < DEADLINES; i++, one = one->next) {
		uint64_t value = (uint64_t)REEVE_NEVER;
		if (one->kind != REEVE_NODE_NULL &&
			!read_quantity(one, spans, (uint64_t)REEVE_SEC, &value))
			return expected(r, one, "seconds, a span such as 250ms, or null");
		to[i] = (reeve_ns)value;
	}
	return 0;
}

/* Keys beside the tables. False: it is none of them. */
static bool read_other(const struct reading *r, const struct reeve_node *n,
	struct reeve_definition *row, int *ret_rc)
{
	const struct reeve_directive_field *d;

	if (row->kind == REEVE_DEFINITION_RULE && strcmp(n->key, "condition") == 0) {
		*ret_rc = put_condition(r, n, row);
		return true;
	}
	if (row->kind == REEVE_DEFINITION_SERVER_POOL && strcmp(n->key, "groups") == 0) {
		*ret_rc = put_pool_groups(r, n, row);
		return true;
	}
	if (row->kind == REEVE_DEFINITION_IO_CONFIG && strcmp(n->key, "deadlines") == 0) {
		*ret_rc = put_deadlines(r, n, row);
		return true;
	}
	for (uint32_t k = 0;
		row->kind == REEVE_DEFINITION_DIRECTIVE && (d = reeve_directive_field_at(k)); k++) {
		struct field f = of_directive(d);
		if (strcmp(f.key, n->key) != 0)
			continue;
		*ret_rc = read_field(r, n, &f, row);
		row->u.directive.given |= d->bit;
		if (!*ret_rc && f.type != NAME && f.type != PLAN && f.type != GROUP &&
			(load(row, &f) < d->least || load(row, &f) > d->most)) {
			char what[96];
			snprintf(what, sizeof(what), "%" PRIu64 " to %" PRIu64 " %s", d->least,
				d->most, d->unit);
			*ret_rc = expected(r, n, what);
		}
		return true;
	}
	return false;
}

static const struct field *find_field(const struct field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return fields;
	return NULL;
}

int reeve_row_read(const struct reeve_tree *tree, const struct reeve_node *map,
	const struct reeve_definitions *names, const char *skip, struct reeve_definition *row,
	struct reeve_error *err)
{
	const struct reading r = {tree, names, err};
	int rc = map->kind == REEVE_NODE_MAP ? 0 : expected(&r, map, "a map");

	for (const struct reeve_node *n = map->first; !rc && n; n = n->next) {
		const struct field *f = find_field(kinds[row->kind].fields, n->key);
		if (!f && !names) /* a row of the catalog */
			f = find_field(kinds[row->kind].stamps, n->key);
		if (f)
			rc = read_field(&r, n, f, row);
		else if (!(skip && strcmp(n->key, skip) == 0) && !read_other(&r, n, row, &rc))
			rc = reeve_node_refuse(tree, n, REEVE_EINVALID_ARGUMENT, err,
				"%.60s: there is no such field in a %s", n->key,
				reeve_definition_kind_name(row->kind));
	}
	return rc;
}

/* ---- writing ---- */

static void write_quantity(FILE *out, uint64_t value, const struct unit *units, uint64_t plain)
{
	const struct unit *best = &units[0];

	for (; units->name; units++)
		if (value % units->factor == 0)
			best = units;
	if (value % plain == 0 && (value / plain <= 9999 || best->factor == plain)) {
		fprintf(out, "%" PRIu64, value / plain);
		return;
	}
	fprintf(out, "\"%" PRIu64 "%s\"", value / best->factor, best->name);
}

static void write_reference(
	FILE *out, uint64_t id, uint32_t kind, const struct reeve_definitions *names)
{
	const struct reeve_definition *row = names ? reeve_definitions_find(names, kind, id) : NULL;

	if (row)
		reeve_json_write_text(out, row_name(row));
	else
		fprintf(out, "%" PRIu64, id);
}

static void write_value(FILE *out, const struct reeve_definition *row, const struct field *f,
	const struct reeve_definitions *names)
{
	uint64_t value = f->type == TEXT ? 0 : load(row, f);

	if (f->type == TEXT)
		reeve_json_write_text(out, (const char *)row + f->offset);
	else if (may_be_null(f) && value == none_of(f))
		fputs("null", out);
	else if (f->type == FLAG)
		fputs(value ? "true" : "false", out);
	else if (f->type == NAME)
		fprintf(out, "\"%s\"", f->names[value]);
	else if (f->type == SPAN || f->type == SPAN_LIMIT || f->type == NEVER)
		write_quantity(out, value, spans, (uint64_t)REEVE_SEC);
	else if (f->type == BYTES || f->type == BYTES_LIMIT)
		write_quantity(out, value, sizes, 1);
	else if (f->type == TIME)
		write_time(out, (uint32_t)value);
	else if (f->type == DAYS)
		write_days(out, value);
	else if (f->type == GROUP || f->type == PLAN || f->type == POOL)
		write_reference(out, value, kind_of_reference(f->type), names);
	else
		fprintf(out, "%" PRIu64, value);
}

static void write_fields(FILE *out, const struct reeve_definition *row, const struct field *fields,
	const struct reeve_definitions *names, const char **comma)
{
	for (; fields->key; fields++) {
		if (names && row->kind == REEVE_DEFINITION_DIRECTIVE &&
			strcmp(fields->key, "plan") == 0)
			continue; /* it stands inside its plan */
		fprintf(out, "%s\"%s\":", *comma, fields->key);
		write_value(out, row, fields, names);
		*comma = ",";
	}
}

static void write_other(FILE *out, const struct reeve_definition *row,
	const struct reeve_definitions *names, const char *comma)
{
	const struct reeve_directive_field *d;

	if (row->kind == REEVE_DEFINITION_RULE && row->condition) {
		fprintf(out, "%s\"condition\":", comma);
		write_condition(out, row->condition);
	} else if (row->kind == REEVE_DEFINITION_SERVER_POOL) {
		fprintf(out, "%s\"groups\":[", comma);
		for (uint32_t i = 0; i < row->u.server_pool.group_count; i++) {
			fputs(i ? "," : "", out);
			write_reference(
				out, row->u.server_pool.groups[i], REEVE_DEFINITION_GROUP, names);
		}
		fputc(']', out);
	} else if (row->kind == REEVE_DEFINITION_IO_CONFIG) {
		const reeve_ns *at = &row->u.io_config.deadlines[0][0];
		fprintf(out, "%s\"deadlines\":[", comma);
		for (uint32_t i = 0; i < DEADLINES; i++) {
			fputs(i ? "," : "", out);
			if (at[i] == REEVE_NEVER)
				fputs("null", out);
			else
				write_quantity(out, (uint64_t)at[i], spans, (uint64_t)REEVE_SEC);
		}
		fputc(']', out);
	}
	for (uint32_t k = 0;
		row->kind == REEVE_DEFINITION_DIRECTIVE && (d = reeve_directive_field_at(k)); k++) {
		struct field f = of_directive(d);
		if (!(row->u.directive.given & d->bit))
			continue;
		fprintf(out, "%s\"%s\":", comma, f.key);
		write_value(out, row, &f, names);
		comma = ",";
	}
}

void reeve__row_write_members(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names)
{
	const char *comma = "";

	if (names && row->kind >= REEVE_DEFINITION_CPU_LIMITS &&
		row->kind <= REEVE_DEFINITION_SESSION_POOL) {
		fputs("\"group\":", out);
		write_reference(out, row->id, REEVE_DEFINITION_GROUP, names);
		comma = ",";
	}
	write_fields(out, row, kinds[row->kind].fields, names, &comma);
	if (!names)
		write_fields(out, row, kinds[row->kind].stamps, names, &comma);
	write_other(out, row, names, comma);
}

void reeve_row_write(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names)
{
	fputc('{', out);
	reeve__row_write_members(out, row, names);
	fputc('}', out);
}

/* ---- rows ---- */

/* What follows from the id and from other fields. */
void reeve__row_complete(struct reeve_definition *row)
{
	switch (row->kind) {
	case REEVE_DEFINITION_GROUP:
		row->u.group.id.v = row->id;
		row->u.group.is_system = row->id < REEVE_FIRST_USER_ID;
		break;
	case REEVE_DEFINITION_USER:
		row->u.user.user_id = row->id;
		row->u.user.is_permanent = true;
		break;
	case REEVE_DEFINITION_RULE:
		row->u.rule.id.v = row->id;
		break;
	case REEVE_DEFINITION_PLAN:
		row->u.plan.id.v = row->id;
		row->u.plan.is_system = row->id < REEVE_FIRST_USER_ID;
		row->u.plan.is_default = row->id == REEVE_DEFAULT_PLAN;
		row->u.plan.is_top_plan = row->u.plan.parent.v == 0;
		break;
	case REEVE_DEFINITION_DIRECTIVE:
		row->u.directive.id.v = row->id;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		row->u.schedule.id.v = row->id;
		break;
	case REEVE_DEFINITION_WINDOW:
		row->u.window.id.v = row->id;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		row->u.server_pool.id.v = row->id;
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		row->u.memory_pool.id.v = row->id;
		break;
	default:
		break;
	}
}

static void init_group(struct reeve_group_info *g)
{
	g->priority = 3;
	g->category = REEVE_CATEGORY_CUSTOM;
	g->is_active = true;
	g->max_sessions = g->max_execution_ns = g->max_idle_ns = REEVE_UNLIMITED;
	g->parallel_degree_limit = g->memory_limit_bytes = REEVE_UNLIMITED;
	g->io_bandwidth_limit = g->iops_limit = REEVE_UNLIMITED;
}

void reeve_row_init(struct reeve_definition *row, uint32_t kind)
{
	memset(row, 0, sizeof(*row));
	row->kind = kind;
	switch (kind) {
	case REEVE_DEFINITION_GROUP:
		init_group(&row->u.group);
		break;
	case REEVE_DEFINITION_RULE:
		row->u.rule.priority = 100;
		row->u.rule.is_enabled = true;
		break;
	case REEVE_DEFINITION_PLAN:
		row->u.plan.cpu_method = REEVE_METHOD_SHARES;
		row->u.plan.is_enabled = true;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		row->u.schedule.days = REEVE_ALL_DAYS;
		row->u.schedule.priority = 100;
		row->u.schedule.is_enabled = true;
		break;
	case REEVE_DEFINITION_WINDOW:
		row->u.window.duration_s = 3600;
		row->u.window.priority = 100;
		row->u.window.max_user_sessions = REEVE_USERS_UNLIMITED;
		row->u.window.is_enabled = true;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		row->u.server_pool.idle_timeout_ns = 300 * REEVE_SEC;
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		row->u.memory_pool.target_bytes = REEVE_UNLIMITED;
		row->u.memory_pool.page_bytes = 8192;
		break;
	case REEVE_DEFINITION_CPU_LIMITS:
		row->u.cpu_limits.shares = 1000;
		break;
	case REEVE_DEFINITION_IO_LIMITS:
		row->u.io_limits.bandwidth = row->u.io_limits.iops = REEVE_UNLIMITED;
		row->u.io_limits.weight = 100;
		break;
	case REEVE_DEFINITION_MEMORY_LIMITS:
		row->u.memory_limits.max_group_memory = REEVE_UNLIMITED;
		row->u.memory_limits.max_session_pga = REEVE_UNLIMITED;
		break;
	case REEVE_DEFINITION_PARALLEL_LIMITS:
		row->u.parallel_limits.degree = row->u.parallel_limits.servers = UINT32_MAX;
		break;
	case REEVE_DEFINITION_SESSION_POOL:
		row->u.session_pool.queue_timeout_ns = REEVE_UNLIMITED;
		row->u.session_pool.allow_queuing = true;
		break;
	default:
		break;
	}
}

void reeve_row_fini(struct reeve_definition *row)
{
	free(row->condition);
	row->condition = NULL;
}

int reeve_row_parse(const char *json, size_t len, uint32_t kind, uint64_t id,
	struct reeve_definition *ret_row, struct reeve_error *err)
{
	struct reeve_definition row;
	struct reeve_tree tree;
	int rc;

	if (kind >= REEVE_DEFINITION_KINDS)
		return reeve_node_refuse(&(struct reeve_tree){0}, NULL, REEVE_EINVALID_ARGUMENT,
			err, "kind %u of a definition is not known", kind);
	rc = reeve_tree_parse(json, len, "", &tree, err);
	if (rc)
		return rc;
	reeve_row_init(&row, kind);
	row.id = id;
	rc = reeve_row_read(&tree, tree.root, NULL, NULL, &row, err);
	reeve__row_complete(&row);
	reeve_tree_destroy(&tree);
	if (rc)
		reeve_row_fini(&row);
	else
		memcpy(ret_row, &row, sizeof(row));
	return rc;
}
