/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.c - see frame.h. From the top: what and where, totals, groups, sessions, keys. Of the rows
 * that are left, groups get at most half, sessions the rest.
 */
#include "frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Lines that are neither group nor session: two of totals, a blank and a heading for each table. */
#define FIXED_ROWS  6u
#define COLUMNS_MIN 20u

/* One line under construction. */
struct pen {
	char text[FRAME_LINE_MAX];
	size_t used;
};

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
	uint32_t columns = options->columns;

	if (line == NULL)
		return;
	if (columns > FRAME_COLUMNS_MAX)
		columns = FRAME_COLUMNS_MAX;
	line->look = look;
	text_fit(line->text, sizeof(line->text), text, columns);
}

/* Appends a column, flush left, and a blank. */
static void put_left(struct pen *pen, uint32_t width, const char *text)
{
	if (pen->used + (size_t)width * 4 + 2 > sizeof(pen->text))
		return;
	pen->used += text_fit(pen->text + pen->used, sizeof(pen->text) - pen->used, text, width);
	pen->text[pen->used++] = ' ';
	pen->text[pen->used] = '\0';
}

/* Appends a column of plain ASCII, flush right, and a blank. */
static void put_right(struct pen *pen, uint32_t width, const char *text)
{
	int length = snprintf(pen->text + pen->used, sizeof(pen->text) - pen->used, "%*.*s ",
		(int)width, (int)width, text);

	if (length > 0 && pen->used + (size_t)length < sizeof(pen->text))
		pen->used += (size_t)length;
}

__attribute__((format(printf, 3, 4))) static void put_number(
	struct pen *pen, uint32_t width, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_right(pen, width, text);
}

/* Orders. */

static int by_id(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int descending(double a, double b)
{
	return a > b ? -1 : a < b;
}

/* Instants, earliest first; 0 is none, and comes last. */
static int longest(reeve_ns a, reeve_ns b)
{
	if (a == b)
		return 0;
	if (a == 0 || b == 0)
		return a == 0 ? 1 : -1;
	return a < b ? -1 : 1;
}

static int groups_by_cpu(const void *a, const void *b)
{
	const struct view_group *x = *(const struct view_group *const *)a;
	const struct view_group *y = *(const struct view_group *const *)b;
	int order = descending(x->cpu_pct, y->cpu_pct);

	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int groups_by_wait(const void *a, const void *b)
{
	const struct view_group *x = *(const struct view_group *const *)a;
	const struct view_group *y = *(const struct view_group *const *)b;
	int order = descending(x->cpu.waiting, y->cpu.waiting);

	if (order == 0)
		order = descending(x->waits, y->waits);
	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int groups_by_entitlement(const void *a, const void *b)
{
	const struct view_group *x = *(const struct view_group *const *)a;
	const struct view_group *y = *(const struct view_group *const *)b;
	int order = descending(x->cpu.entitled_ppm, y->cpu.entitled_ppm);

	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int groups_by_name(const void *a, const void *b)
{
	const struct view_group *x = *(const struct view_group *const *)a;
	const struct view_group *y = *(const struct view_group *const *)b;

	return strcmp(x->info.name, y->info.name);
}

static int sessions_by_cpu(const void *a, const void *b)
{
	const struct view_session *x = *(const struct view_session *const *)a;
	const struct view_session *y = *(const struct view_session *const *)b;
	int order = descending(x->cpu_pct, y->cpu_pct);

	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int sessions_by_wait(const void *a, const void *b)
{
	const struct view_session *x = *(const struct view_session *const *)a;
	const struct view_session *y = *(const struct view_session *const *)b;
	int order = longest(x->info.waiting_since, y->info.waiting_since);

	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int sessions_by_time(const void *a, const void *b)
{
	const struct view_session *x = *(const struct view_session *const *)a;
	const struct view_session *y = *(const struct view_session *const *)b;
	int order = longest(x->info.query_start, y->info.query_start);

	return order != 0 ? order : by_id(x->info.id.v, y->info.id.v);
}

static int sessions_by_id(const void *a, const void *b)
{
	const struct view_session *x = *(const struct view_session *const *)a;
	const struct view_session *y = *(const struct view_session *const *)b;

	return by_id(x->info.id.v, y->info.id.v);
}

static const struct {
	const char *name;
	int (*groups)(const void *a, const void *b);
	int (*sessions)(const void *a, const void *b);
} orders[] = {
	[FRAME_BY_CPU] = {"CPU", groups_by_cpu, sessions_by_cpu},
	[FRAME_BY_WAIT] = {"waiting", groups_by_wait, sessions_by_wait},
	[FRAME_BY_TIME] = {"entitlement, elapsed time", groups_by_entitlement, sessions_by_time},
	[FRAME_BY_NAME] = {"name, number", groups_by_name, sessions_by_id},
};

/* Parts of the screen. */

static void draw_title(
	struct frame *frame, const struct view *view, const struct frame_options *options)
{
	char wall[TEXT_MAX], text[FRAME_LINE_MAX];
	bool is_well = view->segment.state == REEVE_SEGMENT_READY;

	snprintf(text, sizeof(text), "reeve %s  plan %s  segment %s %s",
		text_wall(wall, view->wall), view->plan.name,
		text_segment_state(view->segment.state), options->path);
	end_line(frame, options, is_well ? FRAME_TITLE : FRAME_ALARM, text);
}

static void draw_totals(
	struct frame *frame, const struct view *view, const struct frame_options *options)
{
	char pct[TEXT_MAX], text[FRAME_LINE_MAX];

	snprintf(text, sizeof(text),
		"%u of %u slots busy, %u waiting, CPU %s%%; %u sessions, %u in a statement; "
		"%u attached",
		view->cpu.running, view->segment.cpu_slots, view->cpu.ready,
		text_pct(pct, view->cpu_pct), view->session_stats.current,
		view->session_stats.current_active, view->attachment_count);
	end_line(frame, options, FRAME_PLAIN, text);
}

static uint32_t width_of_group_name(const struct frame_options *options)
{
	/* the numbers of a group take 58 cells */
	uint32_t width = options->columns > 58 + 12 ? options->columns - 58 : 12;

	return width > 40 ? 40 : width;
}

static void draw_group_head(struct frame *frame, const struct frame_options *options)
{
	struct pen pen = {.used = 0};

	put_left(&pen, width_of_group_name(options), "GROUP");
	put_right(&pen, 8, "ENTITLED");
	put_right(&pen, 6, "SHARE%");
	put_right(&pen, 5, "CPU%");
	put_right(&pen, 4, "CAP%");
	put_right(&pen, 4, "RUN");
	put_right(&pen, 5, "WAIT");
	put_right(&pen, 7, "WAITS/S");
	put_right(&pen, 9, "MEAN WAIT");
	end_line(frame, options, FRAME_HEAD, pen.text);
}

static void draw_group(
	struct frame *frame, const struct view_group *group, const struct frame_options *options)
{
	struct pen pen = {.used = 0};
	char text[TEXT_MAX];
	bool is_capped = group->cpu.cap_ppm < REEVE_PPM;

	put_left(&pen, width_of_group_name(options), group->info.name);
	put_right(&pen, 8, text_pct(text, group->cpu.entitled_ppm / 1e4));
	put_right(&pen, 6, text_pct(text, group->share_pct));
	put_right(&pen, 5, text_pct(text, group->cpu_pct));
	put_right(&pen, 4, is_capped ? text_pct(text, group->cpu.cap_ppm / 1e4) : "-");
	put_number(&pen, 4, "%u", group->cpu.running);
	put_number(&pen, 5, "%u", group->cpu.waiting);
	put_right(&pen, 7, text_rate(text, group->waits));
	put_right(&pen, 9, text_duration(text, group->mean_wait));
	end_line(frame, options, FRAME_PLAIN, pen.text);
}

static void draw_more(
	struct frame *frame, uint32_t count, const char *what, const struct frame_options *options)
{
	char text[80];

	if (count == 0)
		return;
	snprintf(text, sizeof(text), "  and %u more %s", count, what);
	end_line(frame, options, FRAME_PLAIN, text);
}

/* How many of `count` rows are drawn when there is room for `rows`: the last one may tell of more. */
static uint32_t rows_shown(uint32_t count, uint32_t rows)
{
	if (count <= rows)
		return count;
	return rows > 0 ? rows - 1 : 0;
}

static void draw_groups(struct frame *frame, const struct view *view,
	const struct view_group *const *sorted, const struct frame_options *options, uint32_t rows)
{
	uint32_t shown = rows_shown(view->group_count, rows);

	draw_group_head(frame, options);
	for (uint32_t i = 0; i < shown; i++)
		draw_group(frame, sorted[i], options);
	draw_more(frame, rows > 0 ? view->group_count - shown : 0, "groups", options);
}

/* What a user's and a group's name may take: the rest of the line, but for the reason. */
static uint32_t width_of_names(const struct frame_options *options)
{
	uint32_t spare = options->columns > 80 ? (options->columns - 80) / 4 : 0;

	return 11 + (spare > 20 ? 20 : spare);
}

static void draw_session_head(struct frame *frame, const struct frame_options *options)
{
	struct pen pen = {.used = 0};
	uint32_t width = width_of_names(options);

	put_right(&pen, 6, "ID");
	put_left(&pen, width, "USER");
	put_left(&pen, width, "GROUP");
	put_left(&pen, 8, "STATE");
	put_right(&pen, 7, "ELAPSED");
	put_right(&pen, 5, "CPU%");
	put_right(&pen, 7, "SINCE");
	put_left(&pen, 80, "WAITS FOR");
	end_line(frame, options, FRAME_HEAD, pen.text);
}

/* The reason's text without what the state has said already. */
static const char *reason_of(const struct reeve_session_info *info)
{
	static const char *const known[] = {"waiting for ", "blocked "};
	const char *text =
		info->wait_reason == REEVE_WAIT_NONE ? "" : reeve_wait_text(info->wait_reason);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(text, known[i], strlen(known[i])) == 0)
			return text + strlen(known[i]);
	}
	return text;
}

static void put_since(struct pen *pen, reeve_ns now, reeve_ns since)
{
	char text[TEXT_MAX];

	put_right(pen, 7, since == 0 ? "-" : text_duration(text, now - since));
}

static void draw_session(struct frame *frame, const struct view *view,
	const struct view_session *session, const struct frame_options *options)
{
	const struct reeve_session_info *info = &session->info;
	uint32_t width = width_of_names(options);
	struct pen pen = {.used = 0};
	char text[TEXT_MAX];

	put_number(&pen, 6, "%llu", (unsigned long long)info->id.v);
	put_left(&pen, width, info->username);
	put_left(&pen, width, view_group_name(view, info->group));
	put_left(&pen, 8, text_session_state(info->state));
	put_since(&pen, view->mono, info->query_start);
	put_right(&pen, 5, text_pct(text, session->cpu_pct));
	put_since(&pen, view->mono, info->waiting_since);
	put_left(&pen, 80, reason_of(info));
	end_line(frame, options, FRAME_PLAIN, pen.text);
}

static void draw_sessions(struct frame *frame, const struct view *view,
	const struct view_session *const *sorted, const struct frame_options *options,
	uint32_t rows)
{
	uint32_t first = options->skip < view->session_count ? options->skip : view->session_count;
	uint32_t left = view->session_count - first, shown = rows_shown(left, rows);

	draw_session_head(frame, options);
	for (uint32_t i = 0; i < shown; i++)
		draw_session(frame, view, sorted[first + i], options);
	draw_more(frame, rows > 0 ? left - shown : 0, "sessions", options);
}

static void draw_keys(struct frame *frame, const struct frame_options *options)
{
	char text[160];

	snprintf(text, sizeof(text),
		"q quit  c CPU  w waiting  e entitled/elapsed  n name  arrows scroll   by %s",
		orders[options->sort].name);
	while (frame->count + 1 < options->rows && !frame->is_short_of_memory)
		end_line(frame, options, FRAME_PLAIN, "");
	end_line(frame, options, FRAME_HEAD, text);
}

/* Pointers to `count` items of `size`, in order. NULL when memory is short. */
static const void **sort_items(
	const void *items, uint32_t count, size_t size, int (*order)(const void *a, const void *b))
{
	const void **sorted = malloc((count + 1) * sizeof(*sorted));

	for (uint32_t i = 0; sorted != NULL && i < count; i++)
		sorted[i] = (const char *)items + i * size;
	if (sorted != NULL && count > 0)
		qsort(sorted, count, sizeof(*sorted), order);
	return sorted;
}

static void draw_tables(struct frame *frame, const struct view *view,
	const struct frame_options *options, uint32_t group_rows, uint32_t session_rows)
{
	const void **groups = sort_items(view->groups, view->group_count, sizeof(*view->groups),
		orders[options->sort].groups);
	const void **sessions = sort_items(view->sessions, view->session_count,
		sizeof(*view->sessions), orders[options->sort].sessions);

	if (groups == NULL || sessions == NULL) {
		frame->is_short_of_memory = true;
	} else {
		draw_groups(
			frame, view, (const struct view_group *const *)groups, options, group_rows);
		end_line(frame, options, FRAME_PLAIN, "");
		draw_sessions(frame, view, (const struct view_session *const *)sessions, options,
			session_rows);
	}
	free(groups);
	free(sessions);
}

void frame_draw(struct frame *frame, const struct view *view, const struct frame_options *options)
{
	struct frame_options o = *options;
	uint32_t fixed = FIXED_ROWS + o.shows_keys, group_rows = UINT32_MAX;
	uint32_t session_rows = UINT32_MAX;

	*frame = (struct frame){0};
	if (o.columns < COLUMNS_MIN)
		o.columns = COLUMNS_MIN;
	if (o.rows > 0) {
		uint32_t rows = o.rows > fixed ? o.rows - fixed : 0;

		group_rows = view->group_count < rows / 2 ? view->group_count : rows / 2;
		session_rows = rows - group_rows;
	}
	draw_title(frame, view, &o);
	draw_totals(frame, view, &o);
	end_line(frame, &o, FRAME_PLAIN, "");
	draw_tables(frame, view, &o, group_rows, session_rows);
	if (o.shows_keys)
		draw_keys(frame, &o);
}

void frame_fini(struct frame *frame)
{
	free(frame->lines);
	*frame = (struct frame){0};
}
