/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grid.h - a table of texts with a key to sort each cell by: what every page of reeve top consists of.
 */
#ifndef REEVE_CLI_GRID_H
#define REEVE_CLI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum grid_order {
	GRID_BY_TEXT, /* flush left, and sorted by its text */
	GRID_RISING,  /* flush right, smallest key first */
	GRID_FALLING  /* flush right, greatest key first */
};

struct grid_column {
	const char *title;
	uint32_t width; /* cells at 80 columns; the last column takes what is left */
	enum grid_order order;
	bool grows; /* shares what is beyond 80 columns */
};

enum { GRID_COLUMNS_MAX = 10, GRID_TEXT_MAX = 132 };

struct grid_cell {
	double key;
	char text[GRID_TEXT_MAX];
};

struct grid_row {
	uint64_t id; /* of what it shows; breaks ties */
	uint32_t used;
	struct grid_cell cells[GRID_COLUMNS_MAX];
};

struct grid {
	const struct grid_column *columns;
	uint32_t column_count;
	struct grid_row *rows;
	uint32_t count, capacity;
	bool is_short_of_memory;
};

/* A new row, to be filled from the left; NULL when memory is short, which the calls below take. */
struct grid_row *grid_add(struct grid *grid, uint64_t id);
/* The next cell of a row. */
void grid_text(struct grid_row *row, const char *text);
void grid_value(struct grid_row *row, double key, const char *text);
__attribute__((format(printf, 3, 4))) void grid_number(
	struct grid_row *row, double key, const char *format, ...);

/* Leaves the rows one of whose cells contains `text`, whatever its case; "" leaves all. */
void grid_filter(struct grid *grid, const char *text);
void grid_sort(struct grid *grid, uint32_t column);
/* The heading, and a row, in a line of so many columns of the terminal. */
void grid_draw_head(const struct grid *grid, uint32_t columns, char *to, size_t size);
void grid_draw_row(const struct grid *grid, const struct grid_row *row, uint32_t columns, char *to,
	size_t size);
void grid_fini(struct grid *grid);

#endif
