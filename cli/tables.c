/* SPDX-License-Identifier: Apache-2.0 */
/* tables.c - the tables of reeve top: their columns, and what a view has for them; see frame.h. */
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "text.h"

/* A span that is none sorts behind all others. */
#define NONE (-1.0)

static void put_span(struct grid_row *row, reeve_ns now, reeve_ns since)
{
	char text[TEXT_MAX];

	if (since == 0)
		grid_value(row, NONE, "-");
	else
		grid_value(row, (double)(now - since), text_duration(text, now - since));
}

static void put_pct(struct grid_row *row, double pct)
{
	char text[TEXT_MAX];

	grid_value(row, pct, text_pct(text, pct));
}

static void put_bytes(struct grid_row *row, uint64_t bytes)
{
	char text[TEXT_MAX];

	if (bytes == REEVE_UNLIMITED)
		grid_value(row, NONE, "-");
	else
		grid_value(row, (double)bytes, text_bytes(text, bytes));
}

static void put_count(struct grid_row *row, uint64_t count)
{
	if (count == REEVE_UNLIMITED || count == UINT32_MAX)
		grid_value(row, NONE, "-");
	else
		grid_number(row, (double)count, "%llu", (unsigned long long)count);
}

static void put_rate(struct grid_row *row, double rate)
{
	char text[TEXT_MAX];

	grid_value(row, rate, text_rate(text, rate));
}

static void put_id(struct grid_row *row, uint64_t id)
{
	grid_number(row, (double)id, "%llu", (unsigned long long)id);
}

static const struct grid_column group_columns[] = {
	{"GROUP", 21, GRID_BY_TEXT, true},
	{"ENTITLED", 8, GRID_FALLING, false},
	{"SHARE%", 6, GRID_FALLING, false},
	{"CPU%", 5, GRID_FALLING, false},
	{"CAP%", 4, GRID_FALLING, false},
	{"RUN", 4, GRID_FALLING, false},
	{"WAIT", 5, GRID_FALLING, false},
	{"WAITS/S", 7, GRID_FALLING, false},
	{"MEAN WAIT", 9, GRID_FALLING, false},
};

static void fill_groups(struct grid *grid, const struct view *view)
{
	char text[TEXT_MAX];

	for (uint32_t i = 0; i < view->group_count; i++) {
		const struct view_group *g = &view->groups[i];
		struct grid_row *row = grid_add(grid, g->info.id.v);

		grid_text(row, g->info.name);
		put_pct(row, g->cpu.entitled_ppm / 1e4);
		put_pct(row, g->share_pct);
		put_pct(row, g->cpu_pct);
		if (g->cpu.cap_ppm < REEVE_PPM)
			put_pct(row, g->cpu.cap_ppm / 1e4);
		else
			grid_value(row, NONE, "-");
		put_count(row, g->cpu.running);
		put_count(row, g->cpu.waiting);
		put_rate(row, g->waits);
		grid_value(row, (double)g->mean_wait, text_duration(text, g->mean_wait));
	}
}

static const struct grid_column session_columns[] = {
	{"ID", 6, GRID_RISING, false},
	{"USER", 11, GRID_BY_TEXT, true},
	{"GROUP", 11, GRID_BY_TEXT, true},
	{"STATE", 8, GRID_BY_TEXT, false},
	{"ELAPSED", 7, GRID_FALLING, false},
	{"CPU%", 5, GRID_FALLING, false},
	{"SINCE", 7, GRID_FALLING, false},
	{"WAITS FOR", 18, GRID_BY_TEXT, false},
};

/* The reason's text without what the state has said already. */
static const char *reason_of(uint32_t reason)
{
	static const char *const known[] = {"waiting for ", "blocked "};
	const char *text = reason == REEVE_WAIT_NONE ? "" : reeve_wait_text(reason);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(text, known[i], strlen(known[i])) == 0)
			return text + strlen(known[i]);
	}
	return text;
}

static void fill_sessions(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->session_count; i++) {
		const struct reeve_session_info *info = &view->sessions[i].info;
		struct grid_row *row = grid_add(grid, info->id.v);

		put_id(row, info->id.v);
		grid_text(row, info->username);
		grid_text(row, view_group_name(view, info->group));
		grid_text(row, text_session_state(info->state));
		put_span(row, view->mono, info->query_start);
		put_pct(row, view->sessions[i].cpu_pct);
		put_span(row, view->mono, info->waiting_since);
		grid_text(row, reason_of(info->wait_reason));
	}
}

static const struct grid_column wait_columns[] = {
	{"ID", 6, GRID_RISING, false},
	{"USER", 9, GRID_BY_TEXT, true},
	{"GROUP", 11, GRID_BY_TEXT, true},
	{"SINCE", 7, GRID_FALLING, false},
	{"LIMIT", 8, GRID_FALLING, false},
	{"VALUE", 8, GRID_FALLING, false},
	{"HOLDER", 8, GRID_RISING, false},
	{"REASON", 16, GRID_BY_TEXT, false},
};

/* A quantity in the unit of its limit. */
static void put_quantity(struct grid_row *row, uint32_t limit_kind, uint64_t value)
{
	const struct reeve_limit_row *limit = reeve_limit_row_of(limit_kind);
	char text[TEXT_MAX];

	if (limit == NULL || limit_kind == REEVE_LIMIT_NONE || value == REEVE_UNLIMITED)
		grid_value(row, NONE, "-");
	else if (strcmp(limit->unit, "ns") == 0)
		grid_value(row, (double)value, text_duration(text, (reeve_ns)value));
	else if (strcmp(limit->unit, "bytes") == 0)
		put_bytes(row, value);
	else if (strcmp(limit->unit, "ppm") == 0)
		grid_number(row, (double)value, "%.1f%%", (double)value / 1e4);
	else
		put_count(row, value);
}

static const char *user_of(const struct view *view, reeve_session_id id)
{
	for (uint32_t i = 0; i < view->session_count; i++) {
		if (view->sessions[i].info.id.v == id.v)
			return view->sessions[i].info.username;
	}
	return "?";
}

static void fill_waits(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->parts.wait_count; i++) {
		const struct reeve_wait_explanation *wait = &view->parts.waits[i];
		struct grid_row *row = grid_add(grid, wait->session.v);

		put_id(row, wait->session.v);
		grid_text(row, user_of(view, wait->session));
		grid_text(row, view_group_name(view, wait->group));
		put_span(row, view->mono, wait->since);
		put_quantity(row, wait->limit_kind, wait->limit);
		put_quantity(row, wait->limit_kind, wait->actual);
		if (wait->holders == 0)
			grid_value(row, (double)UINT64_MAX, "-");
		else if (wait->holders == 1)
			put_id(row, wait->holder[0].v);
		else
			grid_number(row, (double)wait->holder[0].v, "%llu +%u",
				(unsigned long long)wait->holder[0].v, wait->holders - 1);
		grid_text(row, reason_of(wait->reason));
	}
}

static const struct grid_column io_columns[] = {
	{"GROUP", 16, GRID_BY_TEXT, true},
	{"BYTES/S", 8, GRID_FALLING, false},
	{"LIMIT", 8, GRID_FALLING, false},
	{"OPS/S", 7, GRID_FALLING, false},
	{"LIMIT", 7, GRID_FALLING, false},
	{"QUEUE", 5, GRID_FALLING, false},
	{"BUSY", 4, GRID_FALLING, false},
	{"DELAYED", 7, GRID_FALLING, false},
	{"P99 WAIT", 8, GRID_FALLING, false},
};

static void fill_io(struct grid *grid, const struct view *view)
{
	char text[TEXT_MAX];

	for (uint32_t i = 0; i < view->parts.io_group_count; i++) {
		const struct reeve_io_group_stats *io = &view->parts.io_groups[i];
		struct grid_row *row = grid_add(grid, io->group.v);
		uint64_t wait = io->wait.count == 0 ? 0 : reeve_latency_at(&io->wait, 990000);

		grid_text(row, view_group_name(view, io->group));
		put_bytes(row, io->bytes_per_s);
		put_bytes(row, io->bandwidth);
		put_rate(row, (double)io->milliops_per_s / 1e3);
		put_count(row, io->iops);
		put_count(row, io->queued);
		put_count(row, io->active);
		put_count(row, io->throttled);
		grid_value(row, (double)wait, text_duration(text, (reeve_ns)wait));
	}
}

static const struct grid_column pool_columns[] = {
	{"POOL", 19, GRID_BY_TEXT, true},
	{"USED", 9, GRID_FALLING, false},
	{"USED%", 6, GRID_FALLING, false},
	{"MAX", 9, GRID_FALLING, false},
	{"PEAK", 9, GRID_FALLING, false},
	{"TARGET", 9, GRID_FALLING, false},
	{"REFUSED", 8, GRID_FALLING, false},
};

static void fill_pools(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->parts.pool_count; i++) {
		const struct reeve_pool_info *pool = &view->parts.pools[i];
		struct grid_row *row = grid_add(grid, pool->id.v);

		grid_text(row, pool->name);
		put_bytes(row, pool->allocated_bytes);
		put_pct(row, pool->usage_ppm / 1e4);
		put_bytes(row, pool->max_bytes);
		put_bytes(row, pool->peak_bytes);
		put_bytes(row, pool->target_bytes);
		put_count(row, pool->failed_allocations);
	}
}

static const struct grid_column memory_columns[] = {
	{"GROUP", 21, GRID_BY_TEXT, true},
	{"USED", 9, GRID_FALLING, false},
	{"PEAK", 9, GRID_FALLING, false},
	{"LIMIT", 9, GRID_FALLING, false},
	{"SESSION LIMIT", 13, GRID_FALLING, false},
	{"SESSIONS", 8, GRID_FALLING, false},
};

static void fill_memory(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->parts.memory_group_count; i++) {
		const struct reeve_memory_group_info *memory = &view->parts.memory_groups[i];
		struct grid_row *row = grid_add(grid, memory->group.v);

		grid_text(row, view_group_name(view, memory->group));
		put_bytes(row, memory->used_bytes);
		put_bytes(row, memory->peak_bytes);
		put_bytes(row, memory->max_group_memory);
		put_bytes(row, memory->max_session_pga);
		put_count(row, memory->sessions);
	}
}

static const struct grid_column degree_columns[] = {
	{"GROUP", 21, GRID_BY_TEXT, true},
	{"SERVERS", 8, GRID_FALLING, false},
	{"LIMIT", 8, GRID_FALLING, false},
	{"DEGREE LIMIT", 12, GRID_FALLING, false},
	{"EXECUTING", 9, GRID_FALLING, false},
	{"QUEUED", 8, GRID_FALLING, false},
};

static void fill_degrees(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->parts.degree_count; i++) {
		const struct reeve_parallel_group_info *degree = &view->parts.degrees[i];
		struct grid_row *row = grid_add(grid, degree->group.v);

		grid_text(row, view_group_name(view, degree->group));
		put_count(row, degree->in_use);
		put_count(row, degree->servers);
		put_count(row, degree->degree);
		put_count(row, degree->executing);
		put_count(row, degree->waiting);
	}
}

static const struct grid_column execution_columns[] = {
	{"ID", 6, GRID_RISING, false},
	{"SESSION", 8, GRID_RISING, false},
	{"GROUP", 14, GRID_BY_TEXT, true},
	{"STATE", 12, GRID_BY_TEXT, false},
	{"ASKED", 5, GRID_FALLING, false},
	{"DEGREE", 6, GRID_FALLING, false},
	{"QUEUE", 5, GRID_RISING, false},
	{"SINCE", 7, GRID_FALLING, false},
};

static void fill_executions(struct grid *grid, const struct view *view)
{
	for (uint32_t i = 0; i < view->parts.execution_count; i++) {
		const struct reeve_execution_info *e = &view->parts.executions[i];
		struct grid_row *row = grid_add(grid, e->id.v);

		put_id(row, e->id.v);
		put_id(row, e->session_id);
		grid_text(row, view_group_name(view, e->group));
		grid_text(row, text_execution_state(e->state));
		put_count(row, e->requested_dop);
		put_count(row, e->granted_dop);
		put_count(row, e->queue_position);
		put_span(row, view->wall,
			e->started_wall != 0 ? e->started_wall : e->requested_wall);
	}
}

#define COLUMNS(columns) (columns), sizeof(columns) / sizeof((columns)[0])

static const struct {
	const struct grid_column *columns;
	uint32_t count;
	const char *noun;
	void (*fill)(struct grid *grid, const struct view *view);
	uint32_t by[4]; /* column for each enum frame_sort */
} tables[FRAME_TABLES] = {
	[FRAME_GROUPS] = {COLUMNS(group_columns), "groups", fill_groups, {3, 6, 1, 0}},
	[FRAME_SESSIONS] = {COLUMNS(session_columns), "sessions", fill_sessions, {5, 6, 4, 0}},
	[FRAME_WAITS] = {COLUMNS(wait_columns), "waits", fill_waits, {3, 3, 3, 0}},
	[FRAME_IO] = {COLUMNS(io_columns), "groups", fill_io, {1, 5, 8, 0}},
	[FRAME_POOLS] = {COLUMNS(pool_columns), "pools", fill_pools, {1, 1, 4, 0}},
	[FRAME_MEMORY] = {COLUMNS(memory_columns), "groups", fill_memory, {1, 1, 2, 0}},
	[FRAME_DEGREES] = {COLUMNS(degree_columns), "groups", fill_degrees, {1, 5, 4, 0}},
	[FRAME_EXECUTIONS] = {COLUMNS(execution_columns), "executions", fill_executions,
		{5, 7, 7, 0}},
};

void frame_table_fill(struct grid *grid, enum frame_table table, const struct view *view)
{
	*grid = (struct grid){
		.columns = tables[table].columns, .column_count = tables[table].count};
	tables[table].fill(grid, view);
}

const struct grid_column *frame_table_columns(enum frame_table table, uint32_t *ret_count)
{
	*ret_count = tables[table].count;
	return tables[table].columns;
}

uint32_t frame_table_column(enum frame_table table, enum frame_sort by)
{
	return tables[table].by[by];
}

const char *frame_table_noun(enum frame_table table)
{
	return tables[table].noun;
}
