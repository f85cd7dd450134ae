/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - one screen of reeve top as lines of text; the terminal, or a pipe, gets just these.
 */
#ifndef REEVE_CLI_FRAME_H
#define REEVE_CLI_FRAME_H

#include "grid.h"
#include "view.h"

enum frame_table {
	FRAME_GROUPS,
	FRAME_SESSIONS,
	FRAME_WAITS,
	FRAME_IO,
	FRAME_POOLS,
	FRAME_MEMORY,
	FRAME_DEGREES,
	FRAME_EXECUTIONS,
	FRAME_TABLES
};

enum { FRAME_PAGES = 7 };

/* What a table can be sorted by with one letter. */
enum frame_sort { FRAME_BY_CPU, FRAME_BY_WAIT, FRAME_BY_TIME, FRAME_BY_NAME };

struct frame_options {
	const char *path;	     /* of the segment */
	const char *filter;	     /* rows that contain it; "": all */
	const char *bottom;	     /* the last line; NULL: which keys there are */
	uint32_t columns;	     /* cells a line */
	uint32_t rows;		     /* lines; 0: as many as it takes */
	uint32_t page;		     /* below FRAME_PAGES */
	uint32_t sort[FRAME_TABLES]; /* column */
	uint32_t skip;		     /* rows of the page's main table scrolled past */
	uint64_t picked;	     /* id of the row that is picked; 0: the first */
	uint32_t picked_at;	     /* where it was: what takes its place when it is gone */
	bool shows_keys;	     /* pages, a picked row, and the last line */
	bool is_paused, shows_help;
};

enum frame_look { FRAME_PLAIN, FRAME_TITLE, FRAME_HEAD, FRAME_ALARM, FRAME_PICKED };

/* Bytes of a line: a cell takes at most 4, and nothing is wider than FRAME_COLUMNS_MAX. */
#define FRAME_COLUMNS_MAX 400u
#define FRAME_LINE_MAX	  (FRAME_COLUMNS_MAX * 4 + 1)

struct frame_line {
	enum frame_look look;
	char text
		[FRAME_LINE_MAX]; /* exactly as wide as the frame, but the last cells may be blank */
};

struct frame {
	struct frame_line *lines;
	uint32_t count, capacity;
	/* of the main table: ids in order, which is picked, what is scrolled past */
	uint64_t *ids;
	uint32_t id_count, picked_at, skip;
	bool is_short_of_memory;
};

/* Draws. The caller gives it to frame_fini, whatever it holds. */
void frame_draw(struct frame *frame, const struct view *view, const struct frame_options *options);
void frame_fini(struct frame *frame);

/* A page by its name, as --page takes it; -1: there is none. */
int frame_page_find(const char *name);
const char *frame_page_name(uint32_t page);
/* Which parts of a view a page shows, and which table is its main one. */
uint32_t frame_page_parts(uint32_t page);
enum frame_table frame_page_main(uint32_t page);

/* Sorts all tables by what they have of this. */
void frame_sort_all(struct frame_options *options, enum frame_sort by);

/* tables.c: fills a table from a view. The caller gives it to grid_fini, whatever it holds. */
void frame_table_fill(struct grid *grid, enum frame_table table, const struct view *view);
/* Its columns, into *ret_count how many, and which column is `by`. */
const struct grid_column *frame_table_columns(enum frame_table table, uint32_t *ret_count);
uint32_t frame_table_column(enum frame_table table, enum frame_sort by);
/* What is said of nothing, and of rows: "no sessions", "and 3 more sessions". */
const char *frame_table_noun(enum frame_table table);

#endif
