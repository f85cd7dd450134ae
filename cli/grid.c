/* SPDX-License-Identifier: Apache-2.0 */
/* grid.c - see grid.h. */
#include "grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* The width that columns are laid out for, and the most that one grows by beyond it. */
#define COLUMNS_PLANNED 80u
#define GROWTH_MAX	28u

struct grid_row *grid_add(struct grid *grid, uint64_t id)
{
	struct grid_row *rows;

	if (grid->count == grid->capacity) {
		uint32_t capacity = grid->capacity == 0 ? 64 : grid->capacity * 2;

		rows = realloc(grid->rows, capacity * sizeof(*rows));
		if (rows == NULL) {
			grid->is_short_of_memory = true;
			return NULL;
		}
		grid->rows = rows;
		grid->capacity = capacity;
	}
	grid->rows[grid->count].id = id;
	grid->rows[grid->count].used = 0;
	return &grid->rows[grid->count++];
}

void grid_value(struct grid_row *row, double key, const char *text)
{
	struct grid_cell *cell;

	if (row == NULL || row->used == GRID_COLUMNS_MAX)
		return;
	cell = &row->cells[row->used++];
	cell->key = key;
	snprintf(cell->text, sizeof(cell->text), "%s", text);
}

void grid_text(struct grid_row *row, const char *text)
{
	grid_value(row, 0, text);
}

void grid_number(struct grid_row *row, double key, const char *format, ...)
{
	char text[GRID_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	grid_value(row, key, text);
}

static bool is_wanted(const struct grid_row *row, const char *text)
{
	for (uint32_t i = 0; i < row->used; i++) {
		if (strcasestr(row->cells[i].text, text) != NULL)
			return true;
	}
	return false;
}

void grid_filter(struct grid *grid, const char *text)
{
	uint32_t kept = 0;

	if (text[0] == '\0')
		return;
	for (uint32_t i = 0; i < grid->count; i++) {
		if (!is_wanted(&grid->rows[i], text))
			continue;
		if (kept != i)
			grid->rows[kept] = grid->rows[i];
		kept++;
	}
	grid->count = kept;
}

struct sort {
	uint32_t column;
	enum grid_order order;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct grid_row *x = a, *y = b;
	const struct sort *sort = arg;
	const struct grid_cell *m = &x->cells[sort->column], *n = &y->cells[sort->column];
	int order = sort->order == GRID_BY_TEXT ? strcmp(m->text, n->text)
						: (m->key > n->key) - (m->key < n->key);

	if (order != 0)
		return sort->order == GRID_FALLING ? -order : order;
	return (x->id > y->id) - (x->id < y->id);
}

void grid_sort(struct grid *grid, uint32_t column)
{
	struct sort sort = {column, grid->columns[column].order};

	if (grid->count > 1)
		qsort_r(grid->rows, grid->count, sizeof(*grid->rows), compare_rows, &sort);
}

/* What each growing column gets of the columns beyond 80: the same, and half goes to the last one. */
static uint32_t growth_of(const struct grid *grid, uint32_t columns)
{
	uint32_t growing = 1, each;

	for (uint32_t i = 0; i < grid->column_count; i++)
		growing += grid->columns[i].grows;
	each = columns > COLUMNS_PLANNED ? (columns - COLUMNS_PLANNED) / growing : 0;
	return each < GROWTH_MAX ? each : GROWTH_MAX;
}

static void draw_cells(const struct grid *grid, const struct grid_row *row, uint32_t columns,
	char *to, size_t size)
{
	uint32_t growth = growth_of(grid, columns);
	size_t used = 0;

	to[0] = '\0';
	for (uint32_t i = 0; i < grid->column_count; i++) {
		const struct grid_column *column = &grid->columns[i];
		const char *text = row == NULL ? column->title : row->cells[i].text;
		uint32_t width = column->width + (column->grows ? growth : 0);

		if (i + 1 == grid->column_count && column->order == GRID_BY_TEXT)
			width = columns;
		if (used + (size_t)width * 4 + 2 > size)
			return;
		if (column->order == GRID_BY_TEXT)
			used += text_fit(to + used, size - used, text, width);
		else
			used += (size_t)snprintf(
				to + used, size - used, "%*.*s", (int)width, (int)width, text);
		to[used++] = ' ';
		to[used] = '\0';
	}
}

void grid_draw_head(const struct grid *grid, uint32_t columns, char *to, size_t size)
{
	draw_cells(grid, NULL, columns, to, size);
}

void grid_draw_row(const struct grid *grid, const struct grid_row *row, uint32_t columns, char *to,
	size_t size)
{
	draw_cells(grid, row, columns, to, size);
}

void grid_fini(struct grid *grid)
{
	free(grid->rows);
	*grid = (struct grid){0};
}
