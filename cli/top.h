/* SPDX-License-Identifier: Apache-2.0 */
/* top.h - what top.c (the terminal) and keys.c (what keys do) share. */
#ifndef REEVE_CLI_TOP_H
#define REEVE_CLI_TOP_H

#include "frame.h"
#include "server.h"

/* What the last line asks for. */
enum prompt_kind {
	PROMPT_NONE,
	PROMPT_FILTER,
	PROMPT_DELAY,
	PROMPT_GROUP,  /* to switch the session to */
	PROMPT_SWITCH, /* y or n */
	PROMPT_KILL    /* y or n */
};

struct prompt {
	enum prompt_kind kind;
	char text[REEVE_NAME_MAX]; /* typed so far */
	size_t used;
	reeve_session_id session; /* that it is about, whatever is picked meanwhile */
	reeve_group_id group;
};

struct top {
	struct reeve *reeve;
	struct server server; /* that k and s go through; url NULL: they act on the segment */
	struct view view;     /* the latest */
	struct frame_options options;
	struct prompt prompt;
	char filter[REEVE_NAME_MAX];
	char bottom[512]; /* the last line, while it is not the list of keys; "": it is */
	reeve_ns delay;
	/* the main table as drawn last, for the keys that move */
	uint64_t *ids;
	uint32_t id_count;
	bool is_once, is_over;
};

/* Does what a key says. Returns whether a new view is wanted at once. */
bool top_take_key(struct top *top, int key);

/* Seconds, 0.1 to 3600, as a span; false for any other text. */
bool top_read_delay(const char *text, reeve_ns *ret_delay);

#endif
