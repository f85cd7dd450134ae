/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h. One table a subject: a row is a family, and where its value is. */
#include "metrics/metrics.h"
#include "audit/audit.h"
#include "clock.h"
#include "metrics/family.h"
#include "stream/stream.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SEG struct reeve_segment_info
static const struct reeved_family segment_families[] = {
	FAMILY(REEVED_GAUGE, "reeve_segment_size_bytes", "bytes", SEG, size_bytes, 0,
		"Size of the segment."),
	FAMILY(REEVED_GAUGE, "reeve_revision", NULL, SEG, revision, 0,
		"Revision of the definitions; counts accepted changes."),
	FAMILY(REEVED_GAUGE, "reeve_cpu_slots", NULL, SEG, cpu_slots, 0, "CPU slots."),
	COUNTS("reeve_events_lost", SEG, refused_events,
		"Events lost because their place in the ring was taken again."),
	FAMILY(REEVED_GAUGE, "reeve_attachments", NULL, SEG, attachments, 0,
		"Processes attached to the segment."),
};

/* Tables of the segment: how full, of how much. */
struct capacity {
	const char *table;
	size_t used, most;
};
static const struct capacity capacities[] = {
	{"groups", offsetof(SEG, groups), offsetof(SEG, max_groups)},
	{"plans", offsetof(SEG, plans), offsetof(SEG, max_plans)},
	{"directives", offsetof(SEG, directives), offsetof(SEG, max_directives)},
	{"mappings", offsetof(SEG, mappings), offsetof(SEG, max_mappings)},
	{"sessions", offsetof(SEG, sessions), offsetof(SEG, max_sessions)},
	{"tasks", offsetof(SEG, tasks), offsetof(SEG, max_tasks)},
	{"attachments", offsetof(SEG, attachments), offsetof(SEG, max_attachments)},
	{"schedules", offsetof(SEG, schedules), offsetof(SEG, max_schedules)},
	{"windows", offsetof(SEG, windows), offsetof(SEG, max_windows)},
	{"rules", offsetof(SEG, rules), offsetof(SEG, max_rules)},
	{"quotas", offsetof(SEG, quotas), offsetof(SEG, max_quotas)},
	{"allocations", offsetof(SEG, allocations), offsetof(SEG, max_allocations)},
	{"external_sessions", offsetof(SEG, external_sessions),
		offsetof(SEG, max_external_sessions)},
	{"io_requests", offsetof(SEG, io_requests), offsetof(SEG, max_io_requests)},
	{"executions", offsetof(SEG, executions), offsetof(SEG, max_executions)},
	{"servers", offsetof(SEG, servers), offsetof(SEG, max_servers)},
	{"server_pools", offsetof(SEG, server_pools), offsetof(SEG, max_server_pools)},
};

static void write_capacities(struct reeved_metrics_writer *w, const SEG *info)
{
	for (int most = 0; most < 2; most++) {
		reeved_metrics_family(w, REEVED_GAUGE,
			most ? "reeve_segment_slots_limit" : "reeve_segment_slots_used", NULL,
			most ? "Slots of each table." : "Slots in use of each table.");
		for (size_t i = 0; i < COUNT(capacities); i++) {
			uint32_t value;
			memcpy(&value,
				(const char *)info +
					(most ? capacities[i].most : capacities[i].used),
				sizeof(value));
			reeved_metrics_whole(w, (struct reeved_label){"table", capacities[i].table},
				REEVED_NO_LABEL, value);
		}
	}
}

#define CPU struct reeve_cpu_stats
static const struct reeved_family cpu_families[] = {
	FAMILY(REEVED_COUNTER, "reeve_cpu_scheduled", NULL, CPU, scheduled, 0,
		"CPU slots granted."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_context_switches", NULL, CPU, context_switches, 0,
		"Grants whose task differs from the last one on that slot."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_preemptions", NULL, CPU, preemptions, 0,
		"CPU slots taken from a running task for another's sake."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_used_seconds", "seconds", CPU, cpu_ns, 1e9,
		"CPU charged to tasks."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_wait_seconds", "seconds", CPU, wait_ns, 1e9,
		"Waited for CPU slots, by waits that are over."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_waits", NULL, CPU, waits, 0, "Waits for CPU slots."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_runaways", NULL, CPU, runaways, 0,
		"Statements found over the runaway threshold."),
	FAMILY(REEVED_COUNTER, "reeve_cpu_throttled", NULL, CPU, throttled, 0,
		"Statements slowed down as runaways."),
	FAMILY(REEVED_GAUGE, "reeve_cpu_ready", NULL, CPU, ready, 0, "Tasks waiting for a slot."),
	FAMILY(REEVED_GAUGE, "reeve_cpu_running", NULL, CPU, running, 0, "Tasks with a slot."),
	FAMILY(REEVED_GAUGE, "reeve_cpu_throttled_now", NULL, CPU, throttled_now, 0,
		"Runaways that are slowed down now."),
};

#define SES struct reeve_session_stats
static const struct reeved_family session_families[] = {
	FAMILY(REEVED_COUNTER, "reeve_sessions_opened", NULL, SES, created, 0, "Sessions made."),
	FAMILY(REEVED_COUNTER, "reeve_sessions_ended", NULL, SES, terminated, 0,
		"Sessions that ended."),
	FAMILY(REEVED_COUNTER, "reeve_sessions_killed", NULL, SES, manual_kills, 0,
		"Sessions ended by an operator."),
	FAMILY(REEVED_COUNTER, "reeve_sessions_orphaned", NULL, SES, process_deaths, 0,
		"Sessions ended because their process died."),
	FAMILY(REEVED_COUNTER, "reeve_statements_timed_out", NULL, SES, execution_timeouts, 0,
		"Statements that ran out of time."),
	FAMILY(REEVED_COUNTER, "reeve_statements_cancelled", NULL, SES, cancelled, 0,
		"Statements cancelled."),
	FAMILY(REEVED_GAUGE, "reeve_sessions", NULL, SES, current, 0, "Sessions now."),
	FAMILY(REEVED_GAUGE, "reeve_sessions_active", NULL, SES, current_active, 0,
		"Sessions with a statement now."),
	FAMILY(REEVED_GAUGE, "reeve_sessions_peak", NULL, SES, peak, 0,
		"Most sessions there were at once."),
};

/* One row a group. */
struct group_row {
	char name[REEVE_NAME_MAX];
	uint32_t sessions;
	struct reeve_cpu_group_stats cpu;
	struct reeve_io_group_stats io;
	struct reeve_memory_group_info memory;
	struct reeve_parallel_group_info parallel;
	struct reeve_session_pool_info pool;
};

#define GRP struct group_row
static const struct reeved_family group_families[] = {
	FAMILY(REEVED_GAUGE, "reeve_group_sessions", NULL, GRP, sessions, 0,
		"Sessions assigned to the group."),
	FAMILY(REEVED_COUNTER, "reeve_group_cpu_seconds", "seconds", GRP, cpu.cpu_ns, 1e9,
		"CPU charged to the group."),
	FAMILY(REEVED_COUNTER, "reeve_group_statements", NULL, GRP, cpu.queries, 0,
		"Statements of the group that ended."),
	FAMILY(REEVED_COUNTER, "reeve_group_dispatches", NULL, GRP, cpu.dispatches, 0,
		"CPU slots the group got after a wait."),
	FAMILY(REEVED_COUNTER, "reeve_group_wait_seconds", "seconds", GRP, cpu.wait_ns, 1e9,
		"Waited for CPU slots by the group, by waits that are over."),
	FAMILY(REEVED_COUNTER, "reeve_group_capped_seconds", "seconds", GRP, cpu.throttled_ns, 1e9,
		"Time the group spent at its CPU cap."),
	FAMILY(REEVED_GAUGE, "reeve_group_running", NULL, GRP, cpu.running, 0,
		"Tasks of the group with a CPU slot."),
	FAMILY(REEVED_GAUGE, "reeve_group_waiting", NULL, GRP, cpu.waiting, 0,
		"Tasks of the group that wait for one."),
	FAMILY(REEVED_GAUGE, "reeve_group_entitled_ratio", "ratio", GRP, cpu.entitled_ppm, 1e6,
		"Entitlement to the CPU slots under full contention."),
	FAMILY(REEVED_GAUGE, "reeve_group_cap_ratio", "ratio", GRP, cpu.cap_ppm, 1e6,
		"Cap on the CPU slots; 1 is none."),
	BYTES_IN_ALL("reeve_group_io_bytes", GRP, io.total_bytes, "Bytes read and written."),
	COUNTS("reeve_group_io_operations", GRP, io.total_ops, "I/O requests completed."),
	COUNTS("reeve_group_io_throttled", GRP, io.throttled, "I/O requests delayed by a limit."),
	COUNTS("reeve_group_io_deadline_misses", GRP, io.deadline_misses,
		"I/O requests completed past their deadline."),
	NOW("reeve_group_io_queued", GRP, io.queued, "I/O requests of the group that wait."),
	NOW("reeve_group_io_active", GRP, io.active, "I/O requests of the group under way."),
	FAMILY(REEVED_GAUGE, "reeve_group_io_limit_bytes", "bytes", GRP, io.bandwidth, 0,
		"Most bytes a second; absent without a limit."),
	NOW("reeve_group_io_limit_operations", GRP, io.iops,
		"Most I/O requests a second; absent without a limit."),
	BYTES("reeve_group_memory_used_bytes", GRP, memory.used_bytes,
		"Memory of the group's sessions."),
	BYTES("reeve_group_memory_peak_bytes", GRP, memory.peak_bytes, "Most it was at once."),
	BYTES("reeve_group_memory_limit_bytes", GRP, memory.max_group_memory,
		"Most it may be; absent without a limit."),
	NOW("reeve_group_parallel_degree", GRP, parallel.in_use,
		"Parallel servers held by the group."),
	NOW("reeve_group_parallel_waiting", GRP, parallel.waiting,
		"Parallel executions of the group that wait."),
	NOW("reeve_group_active_sessions", GRP, pool.active,
		"Sessions in the group's session pool with a statement."),
	NOW("reeve_group_queued_sessions", GRP, pool.queued,
		"Sessions that wait for a place in the group's session pool."),
};

static bool read_group(struct reeve *reeve, reeve_group_id id, GRP *row)
{
	return reeve_cpu_group_stats_get(reeve, id, &row->cpu, NULL) == 0 &&
	       reeve_io_group_stats_get(reeve, id, &row->io, NULL) == 0 &&
	       reeve_memory_group_get(reeve, id, &row->memory, NULL) == 0 &&
	       reeve_parallel_group_get(reeve, id, &row->parallel, NULL) == 0 &&
	       reeve_session_pool_get(reeve, id, &row->pool, NULL) == 0;
}

static GRP *read_groups(struct reeve *reeve, uint32_t max_groups, uint32_t *ret_n)
{
	struct reeve_group_info info;
	GRP *rows = calloc(max_groups, sizeof(*rows));
	reeve_group_id after = {0};
	uint32_t n = 0;
	while (rows != NULL && n < max_groups && reeve_group_copy(reeve, after, &info, 1) == 1) {
		after = info.id;
		if (!read_group(reeve, info.id, &rows[n]))
			continue; /* deleted just now */
		memcpy(rows[n].name, info.name, sizeof(rows[n].name));
		rows[n].sessions = info.current_sessions;
		n++;
	}
	*ret_n = n;
	return rows;
}

static void write_waits(struct reeved_metrics_writer *w, const GRP *rows, uint32_t n)
{
	reeved_metrics_family(w, REEVED_HISTOGRAM, "reeve_group_cpu_wait_duration_seconds",
		"seconds", "From ready to running, by waits for CPU slots that are over.");
	for (uint32_t row = 0; row < n; row++)
		reeved_metrics_histogram(w, (struct reeved_label){"group", rows[row].name},
			rows[row].cpu.wait.buckets, REEVE_WAIT_BUCKETS, 10,
			rows[row].cpu.wait.count, rows[row].cpu.wait.sum_ns);
}

static void write_groups(struct reeved_metrics_writer *w, struct reeve *reeve, uint32_t max_groups)
{
	uint32_t n;
	GRP *rows = read_groups(reeve, max_groups, &n);
	const char **names = rows != NULL ? calloc(n + 1, sizeof(*names)) : NULL;
	for (uint32_t i = 0; names != NULL && i < n; i++)
		names[i] = rows[i].name;
	if (names != NULL) {
		reeved_family_write_rows(w, group_families, COUNT(group_families), "group", names,
			rows, sizeof(*rows), n);
		write_waits(w, rows, n);
	}
	free(names);
	free(rows);
}

static void write_http(struct reeved_metrics_writer *w, struct reeve_http *http)
{
	static const char *const classes[] = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};
	struct reeve_http_stats stats;
	reeve_http_stats_get(http, &stats);
	reeved_metrics_family(
		w, REEVED_COUNTER, "reeve_http_requests", NULL, "HTTP requests answered.");
	for (size_t route = 0; route < REEVE_HTTP_ROUTES; route++) {
		for (size_t class = 2; class < COUNT(classes); class ++)
			reeved_metrics_whole(w,
				(struct reeved_label){"route", reeve_http_route_names[route]},
				(struct reeved_label){"status", classes[class]},
				stats.requests[route][class]);
	}
	const struct {
		enum reeved_metric_type type;
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{REEVED_COUNTER, "reeve_http_connections_accepted", "Connections accepted.",
			stats.connections_accepted},
		{REEVED_COUNTER, "reeve_http_connections_expired",
			"Connections closed for being slow or idle.", stats.connections_expired},
		{REEVED_COUNTER, "reeve_http_connections_refused",
			"Connections closed at once: their address has enough.",
			stats.connections_refused},
		{REEVED_COUNTER, "reeve_http_clients_gone",
			"Clients that hung up while their request was at work.",
			stats.clients_gone},
		{REEVED_GAUGE, "reeve_http_connections", "Connections now.", stats.connections},
		{REEVED_GAUGE, "reeve_http_working", "Requests with a worker, or waiting for one.",
			stats.working},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		reeved_metrics_family(w, rows[i].type, rows[i].name, NULL, rows[i].help);
		reeved_metrics_whole(w, REEVED_NO_LABEL, REEVED_NO_LABEL, rows[i].value);
	}
	reeved_metrics_family(
		w, REEVED_GAUGE, "reeve_http_held_bytes", "bytes", "Bodies and answers held now.");
	reeved_metrics_whole(w, REEVED_NO_LABEL, REEVED_NO_LABEL, stats.held_bytes);
}

#define STR struct reeved_streams_stats
static const struct reeved_family stream_families[] = {
	FAMILY(REEVED_GAUGE, "reeve_streams", NULL, STR, streams, 0, "Event streams open now."),
	FAMILY(REEVED_GAUGE, "reeve_streams_limit", NULL, STR, max_streams, 0,
		"Most event streams there may be."),
	FAMILY(REEVED_COUNTER, "reeve_stream_refusals", NULL, STR, refused, 0,
		"Event streams refused because there were too many."),
	FAMILY(REEVED_COUNTER, "reeve_stream_events", NULL, STR, events, 0,
		"Events told to subscribers."),
	FAMILY(REEVED_COUNTER, "reeve_stream_gaps", NULL, STR, gaps, 0,
		"Times that a subscriber was told of events it had missed."),
};

#define MON struct reeved_monitoring
static const struct reeved_family monitoring_families[] = {
	FAMILY(REEVED_COUNTER, "reeve_clock_cycles", NULL, MON, cycles, 0,
		"Cycles of the housekeeping thread."),
	FAMILY(REEVED_COUNTER, "reeve_clock_late_cycles", NULL, MON, late_cycles, 0,
		"Cycles that began a whole interval late, or later."),
	FAMILY(REEVED_COUNTER, "reeve_clock_failed_cycles", NULL, MON, failed_cycles, 0,
		"Cycles in which housekeeping or rebalancing was refused."),
	FAMILY(REEVED_COUNTER, "reeve_clock_rebalancings", NULL, MON, rebalancings, 0,
		"Rebalancings by monitoring."),
	FAMILY(REEVED_COUNTER, "reeve_clock_cpu_seconds", "seconds", MON, cpu_ns, 1e9,
		"CPU used by the housekeeping thread."),
	FAMILY(REEVED_GAUGE, "reeve_clock_longest_cycle_seconds", "seconds", MON, longest_ns, 1e9,
		"The longest cycle since the start."),
};

static void write_own(struct reeved_metrics_writer *w, struct reeved *daemon)
{
	struct reeved_streams_stats streams;
	struct reeved_monitoring monitoring;
	reeved_streams_stats_get(daemon->streams, &streams);
	reeved_clock_monitoring(daemon->clock, &monitoring);
	reeved_family_write_all(w, stream_families, COUNT(stream_families), &streams);
	reeved_family_write_all(w, monitoring_families, COUNT(monitoring_families), &monitoring);
}

static void write_counter(struct reeved_metrics_writer *w, const char *key, const char *value,
	const _Atomic uint64_t *counter)
{
	reeved_metrics_whole(w, (struct reeved_label){key, value}, REEVED_NO_LABEL,
		atomic_load_explicit(counter, memory_order_relaxed));
}

static void write_work(struct reeved_metrics_writer *w, const struct reeved *daemon)
{
	static const char *const outcomes[REEVED_SQL_OUTCOMES] = {
		"ok", "error", "cancelled", "timeout", "killed"};
	const struct reeved_counters *counters = &daemon->counters;
	reeved_metrics_family(w, REEVED_COUNTER, "reeve_graphql_operations", NULL,
		"GraphQL operations run, and requests refused before running.");
	write_counter(w, "kind", "query", &counters->queries);
	write_counter(w, "kind", "mutation", &counters->mutations);
	write_counter(w, "kind", "subscription", &counters->subscriptions);
	write_counter(w, "kind", "refused", &counters->refused);
	reeved_metrics_family(w, REEVED_COUNTER, "reeve_sql_statements", NULL,
		"Statements of executeSql by how they ended.");
	for (size_t i = 0; i < REEVED_SQL_OUTCOMES; i++)
		write_counter(w, "outcome", outcomes[i], &counters->statements[i]);
	reeved_metrics_family(
		w, REEVED_COUNTER, "reeve_sql_rows", NULL, "Rows returned by executeSql.");
	write_counter(w, NULL, NULL, &counters->rows);
}

static void write_identity(struct reeved_metrics_writer *w, struct reeved *daemon, const SEG *info)
{
	struct reeve_plan_info plan;
	reeved_metrics_family(w, REEVED_INFO_METRIC, "reeve_build", NULL, "This program.");
	reeved_metrics_whole(
		w, (struct reeved_label){"version", reeve_version()}, REEVED_NO_LABEL, 1);
	if (reeve_plan_get(daemon->reeve, reeve_plan_active(daemon->reeve), &plan, NULL) == 0) {
		reeved_metrics_family(
			w, REEVED_INFO_METRIC, "reeve_active_plan", NULL, "The plan in force.");
		reeved_metrics_whole(
			w, (struct reeved_label){"plan", plan.name}, REEVED_NO_LABEL, 1);
	}
	reeved_metrics_family(w, REEVED_GAUGE, "reeve_segment_ready", NULL,
		"1 while limits are enforced, 0 when the segment is degraded.");
	reeved_metrics_whole(
		w, REEVED_NO_LABEL, REEVED_NO_LABEL, info->state == REEVE_SEGMENT_READY);
	reeved_metrics_family(w, REEVED_GAUGE, "reeve_start_time_seconds", "seconds",
		"When this process started, in seconds since 1970.");
	reeved_metrics_real(
		w, REEVED_NO_LABEL, REEVED_NO_LABEL, (double)daemon->started_wall / 1e9);
}

/* Whether one element of an Accept header, "type;a=b;q=0.5", is OpenMetrics and not refused. */
static bool is_openmetrics_element(const char *element, size_t len)
{
	static const char type[] = "application/openmetrics-text";
	while (len > 0 && (*element == ' ' || *element == '\t')) {
		element++;
		len--;
	}
	if (len < sizeof(type) - 1 || strncasecmp(element, type, sizeof(type) - 1) != 0)
		return false;
	const char *q = memmem(element, len, "q=", 2);
	return q == NULL || strtod(q + 2, NULL) > 0;
}

bool reeved_metrics_wants_openmetrics(const char *accept)
{
	while (accept != NULL && *accept != '\0') {
		size_t len = strcspn(accept, ",");
		if (is_openmetrics_element(accept, len))
			return true;
		accept += len + (accept[len] == ',');
	}
	return false;
}

static void write_guards(struct reeved_metrics_writer *w, struct reeved *daemon)
{
	struct reeved_audit_stats audit;
	reeved_audit_stats_get(daemon->audit, &audit);
	const struct {
		const char *name, *help;
		uint64_t value;
	} rows[] = {
		{"reeve_auth_refused", "Requests refused for who made them.",
			atomic_load_explicit(&daemon->auth.refused, memory_order_relaxed)},
		{"reeve_audit_entries", "Lines for the audit log.", audit.entries},
		{"reeve_audit_failures", "Lines that could not be written.", audit.failures},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		reeved_metrics_family(w, REEVED_COUNTER, rows[i].name, NULL, rows[i].help);
		reeved_metrics_whole(w, REEVED_NO_LABEL, REEVED_NO_LABEL, rows[i].value);
	}
}

const char *reeved_metrics_write(struct reeved *daemon, const char *accept, struct reeve_json *out)
{
	struct reeved_metrics_writer w = {
		.out = out, .is_openmetrics = reeved_metrics_wants_openmetrics(accept)};
	struct reeve_segment_info segment;
	struct reeve_stats stats = {0};
	reeve_segment_get(daemon->reeve, &segment);
	reeve_stats_get(daemon->reeve, &stats, NULL);
	write_identity(&w, daemon, &segment);
	reeved_family_write_all(&w, segment_families, COUNT(segment_families), &segment);
	write_capacities(&w, &segment);
	reeved_family_write_all(&w, cpu_families, COUNT(cpu_families), &stats.cpu);
	reeved_family_write_all(&w, session_families, COUNT(session_families), &stats.sessions);
	reeved_metrics_write_modules(&w, daemon->reeve, &stats);
	write_groups(&w, daemon->reeve, segment.max_groups);
	write_http(&w, daemon->http);
	write_guards(&w, daemon);
	write_work(&w, daemon);
	write_own(&w, daemon);
	reeved_metrics_end(&w);
	return w.is_openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				: "text/plain; version=0.0.4; charset=utf-8";
}
