/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - one screen of reeve top as lines of text; the terminal, or a pipe, gets just these.
 */
#ifndef REEVE_CLI_FRAME_H
#define REEVE_CLI_FRAME_H

#include "view.h"

enum frame_sort { FRAME_BY_CPU, FRAME_BY_WAIT, FRAME_BY_TIME, FRAME_BY_NAME };

struct frame_options {
	const char *path; /* of the segment */
	uint32_t columns; /* cells a line */
	uint32_t rows;	  /* lines; 0: as many as it takes */
	enum frame_sort sort;
	uint32_t skip;	 /* sessions scrolled past */
	bool shows_keys; /* the last line says which keys there are */
};

enum frame_look { FRAME_PLAIN, FRAME_TITLE, FRAME_HEAD, FRAME_ALARM };

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
	bool is_short_of_memory;
};

/* Draws. The caller gives it to frame_fini, whatever it holds. */
void frame_draw(struct frame *frame, const struct view *view, const struct frame_options *options);
void frame_fini(struct frame *frame);

#endif
