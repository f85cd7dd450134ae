/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - see frame.h. From the top: what and where, totals, pages, the page's tables, keys. A page has
 * one table, or two: the upper one gets at most half of the rows that are left, the main one the rest.
 */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define COLUMNS_MIN 20u

static struct frame_line *add_line(struct frame *frame)
{
	struct frame_line *lines;

	if (frame->count == frame->capacity) {
		uint32_t capacity = frame->capacity == 0 ? 64 : frame->capacity * 2;

		lines = realloc(frame->lines, capacity * sizeof(*lines));
		if (lines == NULL) {
			frame->is_short_of_memory = true;
			return NULL;
		}
		frame->lines = lines;
		frame->capacity = capacity;
	}
	return &frame->lines[frame->count++];
}

static void end_line(struct frame *frame, const struct frame_options *options, enum frame_look look,
	const char *text)
{
	struct frame_line *line = add_line(frame);

	if (line == NULL)
		return;
	line->look = look;
	text_fit(line->text, sizeof(line->text), text, options->columns);
}

/* Totals: the second line, by page. */

static void total_cpu(char *to, size_t size, const struct view *view)
{
	char pct[TEXT_MAX];

	snprintf(to, size,
		"%u of %u slots busy, %u waiting, CPU %s%%; %u sessions, %u in a statement; "
		"%u attached",
		view->cpu.running, view->segment.cpu_slots, view->cpu.ready,
		text_pct(pct, view->cpu_pct), view->session_stats.current,
		view->session_stats.current_active, view->attachment_count);
}

static void total_waits(char *to, size_t size, const struct view *view)
{
	char p99[TEXT_MAX];

	snprintf(to, size, "%u waits; %u for a CPU slot, %u in session queues; p99 of queues %s",
		view->parts.wait_count, view->cpu.ready, view->session_stats.current_queued,
		text_duration(p99, (reeve_ns)view->session_stats.queue_wait_p99_ns));
}

static void total_io(char *to, size_t size, const struct view *view)
{
	const struct reeve_io_stats *io = &view->parts.io;
	char bytes[TEXT_MAX], rate[TEXT_MAX];

	snprintf(to, size, "%s; %sB/s, %s ops/s; %u under way of %u, %u queued; %llu delayed",
		text_io_policy(io->policy), text_bytes(bytes, io->bytes_per_s),
		text_rate(rate, (double)io->milliops_per_s / 1e3), io->active,
		view->parts.io_config.max_concurrent, io->queued,
		(unsigned long long)io->throttled);
}

static void total_memory(char *to, size_t size, const struct view *view)
{
	const struct reeve_memory_stats *memory = &view->parts.memory;
	char used[TEXT_MAX], limit[TEXT_MAX], peak[TEXT_MAX], pct[TEXT_MAX];

	snprintf(to, size, "pressure %s at %s%%; %s of %s used, peak %s; %llu refused",
		text_pressure(view->parts.pressure.level),
		text_pct(pct, view->parts.pressure.usage_ppm / 1e4),
		text_bytes(used, memory->used_bytes), text_bytes(limit, memory->limit_bytes),
		text_bytes(peak, memory->peak_bytes),
		(unsigned long long)memory->failed_allocations);
}

static void total_parallel(char *to, size_t size, const struct view *view)
{
	const struct reeve_parallel_stats *p = &view->parts.parallel;

	snprintf(to, size,
		"%u of %u servers held, peak %u; %u executing, %u queued; %llu downgraded",
		p->current_total_dop, p->max_total_dop, p->peak_total_dop, p->executing_now,
		p->queued_now, (unsigned long long)p->downgraded);
}

static const struct {
	const char *name;
	enum frame_table upper, main; /* the same: there is only one */
	uint32_t parts;
	void (*total)(char *to, size_t size, const struct view *view);
} pages[FRAME_PAGES] = {
	{"all", FRAME_GROUPS, FRAME_SESSIONS, 0, total_cpu},
	{"groups", FRAME_GROUPS, FRAME_GROUPS, 0, total_cpu},
	{"sessions", FRAME_SESSIONS, FRAME_SESSIONS, 0, total_cpu},
	{"waits", FRAME_WAITS, FRAME_WAITS, VIEW_WAITS, total_waits},
	{"io", FRAME_IO, FRAME_IO, VIEW_IO, total_io},
	{"memory", FRAME_MEMORY, FRAME_POOLS, VIEW_MEMORY, total_memory},
	{"parallel", FRAME_DEGREES, FRAME_EXECUTIONS, VIEW_PARALLEL, total_parallel},
};

int frame_page_find(const char *name)
{
	for (int i = 0; i < FRAME_PAGES; i++) {
		if (strcmp(name, pages[i].name) == 0)
			return i;
	}
	return -1;
}

const char *frame_page_name(uint32_t page)
{
	return pages[page].name;
}

uint32_t frame_page_parts(uint32_t page)
{
	return pages[page].parts;
}

enum frame_table frame_page_main(uint32_t page)
{
	return pages[page].main;
}

void frame_sort_all(struct frame_options *options, enum frame_sort by)
{
	for (uint32_t i = 0; i < FRAME_TABLES; i++)
		options->sort[i] = frame_table_column((enum frame_table)i, by);
}

/* Lines around the tables. */

static void draw_title(
	struct frame *frame, const struct view *view, const struct frame_options *options)
{
	char wall[TEXT_MAX], text[FRAME_LINE_MAX];
	bool is_well = view->segment.state == REEVE_SEGMENT_READY;

	snprintf(text, sizeof(text), "reeve %s %s plan %s  segment %s %s",
		text_wall(wall, view->wall), options->is_paused ? "PAUSED" : "", view->plan.name,
		text_segment_state(view->segment.state), options->path);
	end_line(frame, options, is_well && !options->is_paused ? FRAME_TITLE : FRAME_ALARM, text);
}

/* Which pages there are, and what is sorted by. */
static void draw_pages(struct frame *frame, const struct frame_options *options)
{
	enum frame_table table = pages[options->page].main;
	char text[FRAME_LINE_MAX];
	uint32_t count;
	size_t used = 0;

	for (uint32_t i = 0; i < FRAME_PAGES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			i == options->page ? "[%u %s]" : " %u %s ", i + 1, pages[i].name);
	snprintf(text + used, sizeof(text) - used, " by %s",
		frame_table_columns(table, &count)[options->sort[table]].title);
	end_line(frame, options, FRAME_PLAIN, text);
}

static void draw_bottom(struct frame *frame, const struct frame_options *options)
{
	char text[FRAME_LINE_MAX];
	const char *keys =
		"q quit ? help 1-7 page <> sort / filter k kill s switch p pause d delay";

	if (options->bottom != NULL)
		snprintf(text, sizeof(text), "%s", options->bottom);
	else if (options->filter[0] != '\0')
		snprintf(text, sizeof(text), "only %s (esc: all)  %s", options->filter, keys);
	else
		snprintf(text, sizeof(text), "%s", keys);
	while (frame->count + 1 < options->rows && !frame->is_short_of_memory)
		end_line(frame, options, FRAME_PLAIN, "");
	end_line(frame, options, FRAME_HEAD, text);
}

static void draw_help(struct frame *frame, const struct frame_options *options)
{
	static const char *const lines[] = {
		"Keys",
		"  1 to 7, tab           pages; the third line lists them",
		"  < >                   sort by the column to the left, to the right",
		"  c w e n               sort by CPU, waiting, entitlement or elapsed time, name",
		"  up down, page up and down, home, end   pick a row",
		"  /                     show rows with a text only; esc shows all again",
		"  k                     kill the picked session, after a question",
		"  s                     switch the picked session to another group; with --server "
		"both",
		"                        go through reeved, else directly into the segment",
		"  p                     pause, and go on; space draws at once",
		"  d                     seconds between two frames",
		"  ?                     this help; any key leaves it",
		"  q                     quit",
		"",
		"ENTITLED is the percentage of the CPU slots that a group gets when all want all",
		"they can get; SHARE% what it had of the CPU used, CPU% of all slots.",
		"A wait has the LIMIT that binds, the VALUE that met it, and who is the HOLDER.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (options->rows == 0 || frame->count + 1 < options->rows)
			end_line(frame, options, i == 0 ? FRAME_HEAD : FRAME_PLAIN, lines[i]);
	}
}

/* Tables. */

static void draw_head(
	struct frame *frame, const struct grid *grid, const struct frame_options *options)
{
	char text[FRAME_LINE_MAX];

	grid_draw_head(grid, options->columns, text, sizeof(text));
	end_line(frame, options, FRAME_HEAD, text);
}

/* How many of `count` rows are drawn when there is room for `rows`: the last one may tell of more. */
static uint32_t rows_shown(uint32_t count, uint32_t rows)
{
	if (count <= rows)
		return count;
	return rows > 0 ? rows - 1 : 0;
}

/* Rows from `first`, in `rows` lines. */
static void draw_rows(struct frame *frame, const struct grid *grid, enum frame_table table,
	uint32_t first, uint32_t rows, const struct frame_options *options)
{
	uint32_t left = grid->count - first, shown = rows_shown(left, rows);
	bool has_cursor = options->shows_keys && table == pages[options->page].main;
	char text[FRAME_LINE_MAX];

	draw_head(frame, grid, options);
	for (uint32_t i = first; i < first + shown; i++) {
		grid_draw_row(grid, &grid->rows[i], options->columns, text, sizeof(text));
		end_line(frame, options,
			has_cursor && i == frame->picked_at ? FRAME_PICKED : FRAME_PLAIN, text);
	}
	if (left > shown && rows > 0) {
		snprintf(text, sizeof(text), "  and %u more %s", left - shown,
			frame_table_noun(table));
		end_line(frame, options, FRAME_PLAIN, text);
	}
}

static void fill(struct grid *grid, enum frame_table table, const struct view *view,
	const struct frame_options *options)
{
	frame_table_fill(grid, table, view);
	grid_filter(grid, options->filter);
	grid_sort(grid, options->sort[table]);
}

/* Ids in order, and where the picked one is: where it was, when it is gone. */
static void place_picked(
	struct frame *frame, const struct grid *grid, const struct frame_options *options)
{
	frame->ids = malloc((grid->count + 1) * sizeof(*frame->ids));
	if (frame->ids == NULL) {
		frame->is_short_of_memory = true;
		return;
	}
	frame->id_count = grid->count;
	frame->picked_at = options->picked == 0 ? 0 : options->picked_at;
	for (uint32_t i = 0; i < grid->count; i++) {
		frame->ids[i] = grid->rows[i].id;
		if (grid->rows[i].id == options->picked)
			frame->picked_at = i;
	}
	if (frame->picked_at >= grid->count)
		frame->picked_at = grid->count > 0 ? grid->count - 1 : 0;
}

/* Scrolls no further than it takes to show the picked row among `rows`. */
static void place_scroll(struct frame *frame, const struct frame_options *options, uint32_t rows)
{
	uint32_t room = rows > 1 ? rows - 1 : 1;

	frame->skip = options->skip < frame->id_count ? options->skip : 0;
	if (!options->shows_keys)
		return;
	if (frame->picked_at < frame->skip)
		frame->skip = frame->picked_at;
	if (frame->picked_at >= frame->skip + room && !(frame->id_count - frame->skip <= rows))
		frame->skip = frame->picked_at - room + 1;
}

/* On the page of waits, the picked one in a sentence. */
static void draw_sentence(
	struct frame *frame, const struct view *view, const struct frame_options *options)
{
	for (uint32_t i = 0; i < view->parts.wait_count; i++) {
		const struct reeve_wait_explanation *wait = &view->parts.waits[i];

		if (frame->id_count > 0 && wait->session.v == frame->ids[frame->picked_at]) {
			end_line(frame, options, FRAME_PLAIN, "");
			end_line(frame, options, FRAME_PLAIN, wait->text);
		}
	}
}

static void draw_tables(
	struct frame *frame, const struct view *view, const struct frame_options *options)
{
	enum frame_table main = pages[options->page].main, upper = pages[options->page].upper;
	struct grid grid, above = {0};
	uint32_t rows = UINT32_MAX, upper_rows = UINT32_MAX, fixed;

	fill(&grid, main, view, options);
	if (upper != main)
		fill(&above, upper, view, options);
	if (options->rows > 0) {
		fixed = frame->count + 1 + (upper != main ? 2 : 0) + (main == FRAME_WAITS ? 2 : 0) +
			options->shows_keys;
		rows = options->rows > fixed ? options->rows - fixed : 0;
		upper_rows = above.count < rows / 2 ? above.count : rows / 2;
		rows -= upper_rows;
	}
	place_picked(frame, &grid, options);
	place_scroll(frame, options, rows);
	if (upper != main) {
		draw_rows(frame, &above, upper, 0, upper_rows, options);
		end_line(frame, options, FRAME_PLAIN, "");
	}
	draw_rows(frame, &grid, main, frame->skip, rows, options);
	if (main == FRAME_WAITS)
		draw_sentence(frame, view, options);
	frame->is_short_of_memory |= grid.is_short_of_memory || above.is_short_of_memory;
	grid_fini(&grid);
	grid_fini(&above);
}

void frame_draw(struct frame *frame, const struct view *view, const struct frame_options *options)
{
	struct frame_options o = *options;
	char text[FRAME_LINE_MAX];

	*frame = (struct frame){0};
	if (o.columns < COLUMNS_MIN)
		o.columns = COLUMNS_MIN;
	if (o.columns > FRAME_COLUMNS_MAX)
		o.columns = FRAME_COLUMNS_MAX;
	draw_title(frame, view, &o);
	pages[o.page].total(text, sizeof(text), view);
	end_line(frame, &o, FRAME_PLAIN, text);
	if (o.shows_keys)
		draw_pages(frame, &o);
	else
		end_line(frame, &o, FRAME_PLAIN, "");
	if (o.shows_help)
		draw_help(frame, &o);
	else
		draw_tables(frame, view, &o);
	if (o.shows_keys)
		draw_bottom(frame, &o);
}

void frame_fini(struct frame *frame)
{
	free(frame->lines);
	free(frame->ids);
	*frame = (struct frame){0};
}
