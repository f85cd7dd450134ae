/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.c - what the keys of reeve top do. A question is asked in the last line: while it stands, keys
 * answer it, and the screen goes on. What it is about is fixed when it is asked. What it changes goes
 * through a server, which knows roles and keeps a log, or is done in the segment, where whoever may
 * write it may do all; the question says which.
 */
#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "text.h"
#include "top.h"

#define DELAY_MIN 0.1
#define DELAY_MAX 3600.0

#define KEY_ESCAPE 27
#define PAGE_ROWS  10

bool top_read_delay(const char *text, reeve_ns *ret_delay)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= DELAY_MIN && seconds <= DELAY_MAX))
		return false;
	*ret_delay = (reeve_ns)(seconds * 1e9);
	return true;
}

__attribute__((format(printf, 2, 3))) static void say(struct top *top, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(top->bottom, sizeof(top->bottom), format, args);
	va_end(args);
}

/* "3 (carol of IRON)" */
static const char *describe(const struct top *top, reeve_session_id id, char *to, size_t size)
{
	snprintf(to, size, "%llu", (unsigned long long)id.v);
	for (uint32_t i = 0; i < top->view.session_count; i++) {
		const struct reeve_session_info *info = &top->view.sessions[i].info;

		if (info->id.v == id.v)
			snprintf(to, size, "%llu (%s of %s)", (unsigned long long)id.v,
				info->username, view_group_name(&top->view, info->group));
	}
	return to;
}

/* By what a change is made. */
static const char *way(const struct top *top)
{
	return top->server.url != NULL ? "through the server" : "directly in the segment";
}

/* The question, and what has been typed. */
static void ask(struct top *top)
{
	const struct prompt *prompt = &top->prompt;
	char who[2 * REEVE_NAME_MAX + 40];

	describe(top, prompt->session, who, sizeof(who));
	switch (prompt->kind) {
	case PROMPT_NONE:
		top->bottom[0] = '\0';
		break;
	case PROMPT_FILTER:
		say(top, "Show rows with: %s_", prompt->text);
		break;
	case PROMPT_DELAY:
		say(top, "Seconds between two frames, 0.1 to 3600: %s_", prompt->text);
		break;
	case PROMPT_GROUP:
		say(top, "Switch session %s to group: %s_", who, prompt->text);
		break;
	case PROMPT_SWITCH:
		say(top, "Switch session %s to %s, %s? y or n", who,
			view_group_name(&top->view, prompt->group), way(top));
		break;
	case PROMPT_KILL:
		say(top, "Kill session %s, %s? y or n", who, way(top));
		break;
	}
}

static void begin_prompt(struct top *top, enum prompt_kind kind)
{
	reeve_session_id session = top->prompt.session;
	reeve_group_id group = top->prompt.group;

	top->prompt = (struct prompt){.kind = kind, .session = session, .group = group};
	ask(top);
}

/* For questions about the picked session. */
static void begin_session_prompt(struct top *top, enum prompt_kind kind)
{
	enum frame_table table = frame_page_main(top->options.page);

	if (table != FRAME_SESSIONS && table != FRAME_WAITS) {
		say(top, "There are no sessions on this page; see pages 1, 3 and 4");
		return;
	}
	if (top->id_count == 0 || top->options.picked_at >= top->id_count) {
		say(top, "There is no session to pick");
		return;
	}
	top->prompt.session.v = top->ids[top->options.picked_at];
	begin_prompt(top, kind);
}

/* Answers. */

static void finish_group(struct top *top)
{
	reeve_group_id group;

	if (!reeve_group_find(top->reeve, top->prompt.text, &group)) {
		char text[REEVE_NAME_MAX];

		snprintf(text, sizeof(text), "%s", top->prompt.text);
		top->prompt.kind = PROMPT_NONE;
		say(top, "There is no group `%s`", text);
		return;
	}
	top->prompt.group = group;
	begin_prompt(top, PROMPT_SWITCH);
}

static void finish_text(struct top *top)
{
	enum prompt_kind kind = top->prompt.kind;
	reeve_ns delay;

	if (kind == PROMPT_GROUP) {
		finish_group(top);
		return;
	}
	top->prompt.kind = PROMPT_NONE;
	top->bottom[0] = '\0';
	if (kind == PROMPT_FILTER)
		snprintf(top->filter, sizeof(top->filter), "%s", top->prompt.text);
	else if (top_read_delay(top->prompt.text, &delay))
		top->delay = delay;
	else
		say(top, "`%s` is not a number of seconds from 0.1 to 3600", top->prompt.text);
}

static int act_by_server(const struct top *top, enum prompt_kind kind, struct reeve_error *err)
{
	const char *verb = kind == PROMPT_KILL ? "kill" : "switch";
	struct server_answer answer;
	char path[80], body[80];

	snprintf(path, sizeof(path), "/api/v1/sessions/%llu/%s",
		(unsigned long long)top->prompt.session.v, verb);
	snprintf(body, sizeof(body), "{\"newGroupId\":%llu}",
		(unsigned long long)top->prompt.group.v);
	if (server_try(&top->server, "POST", path, kind == PROMPT_KILL ? NULL : body, &answer,
		    err->text, sizeof(err->text)) != CLI_OK)
		return -1;
	if (answer.status < 200 || answer.status >= 300)
		server_problem(&answer, err->text, sizeof(err->text));
	free(answer.body);
	return answer.status >= 200 && answer.status < 300 ? 0 : -1;
}

static int act_in_segment(const struct top *top, enum prompt_kind kind, struct reeve_error *err)
{
	if (kind == PROMPT_KILL)
		return reeve_session_kill(top->reeve, top->prompt.session, err);
	return reeve_session_switch(top->reeve, top->prompt.session, top->prompt.group,
		REEVE_SWITCH_ADMINISTRATIVE, err);
}

static bool confirm(struct top *top, bool is_yes)
{
	enum prompt_kind kind = top->prompt.kind;
	unsigned long long id = top->prompt.session.v;
	struct reeve_error err = {0};
	int rc;

	top->prompt.kind = PROMPT_NONE;
	if (!is_yes) {
		say(top, "Nothing was changed");
		return false;
	}
	rc = top->server.url != NULL ? act_by_server(top, kind, &err)
				     : act_in_segment(top, kind, &err);
	if (rc < 0)
		say(top, "%s", err.text);
	else
		say(top,
			kind == PROMPT_KILL ? "Session %llu was killed"
					    : "Session %llu was switched",
			id);
	return true;
}

/* Cuts the last character off, of however many bytes. */
static void erase_character(struct prompt *prompt)
{
	while (prompt->used > 0 && ((unsigned char)prompt->text[--prompt->used] & 0xc0) == 0x80)
		;
	prompt->text[prompt->used] = '\0';
}

static bool answer(struct top *top, int key)
{
	struct prompt *prompt = &top->prompt;
	bool takes_text = prompt->kind != PROMPT_KILL && prompt->kind != PROMPT_SWITCH;

	if (key == KEY_RESIZE)
		return false;
	if (!takes_text)
		return confirm(top, key == 'y' || key == 'Y');
	if (key == KEY_ESCAPE) {
		prompt->kind = PROMPT_NONE;
		top->bottom[0] = '\0';
		return false;
	}
	if (key == '\n' || key == '\r' || key == KEY_ENTER) {
		finish_text(top);
		return false;
	}
	if (key == KEY_BACKSPACE || key == 127 || key == '\b')
		erase_character(prompt);
	else if (key >= ' ' && key < 256 && prompt->used + 1 < sizeof(prompt->text))
		prompt->text[prompt->used++] = (char)key;
	ask(top);
	return false;
}

/* Keys without a question. */

static void pick(struct top *top, int64_t at)
{
	int64_t last = top->id_count > 0 ? (int64_t)top->id_count - 1 : 0;

	at = at > last ? last : at < 0 ? 0 : at;
	top->options.picked_at = (uint32_t)at;
	if (top->id_count > 0)
		top->options.picked = top->ids[at];
}

static void go_to_page(struct top *top, uint32_t page)
{
	top->options.page = page;
	top->options.picked = 0;
	top->options.picked_at = top->options.skip = 0;
}

static void sort_by_next(struct top *top, bool is_left)
{
	enum frame_table table = frame_page_main(top->options.page);
	uint32_t count, *sort = &top->options.sort[table];

	(void)frame_table_columns(table, &count);
	*sort = (*sort + (is_left ? count - 1 : 1)) % count;
}

static bool move_by_key(struct top *top, int key)
{
	int64_t at = top->options.picked_at;

	switch (key) {
	case KEY_UP:
		pick(top, at - 1);
		return true;
	case KEY_DOWN:
		pick(top, at + 1);
		return true;
	case KEY_PPAGE:
		pick(top, at - PAGE_ROWS);
		return true;
	case KEY_NPAGE:
		pick(top, at + PAGE_ROWS);
		return true;
	case KEY_HOME:
		pick(top, 0);
		return true;
	case KEY_END:
		pick(top, top->id_count);
		return true;
	default:
		return false;
	}
}

static bool sort_by_key(struct top *top, int key)
{
	static const char letters[] = "cwen"; /* in the order of enum frame_sort */
	const char *letter = key > 0 && key < 128 ? strchr(letters, key) : NULL;

	if (letter != NULL)
		frame_sort_all(&top->options, (enum frame_sort)(letter - letters));
	else if (key == '<' || key == '>')
		sort_by_next(top, key == '<');
	else
		return false;
	top->options.picked = 0; /* the first of the new order */
	top->options.picked_at = top->options.skip = 0;
	return true;
}

static bool act(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		top->is_over = true;
		break;
	case 'k':
		begin_session_prompt(top, PROMPT_KILL);
		break;
	case 's':
		begin_session_prompt(top, PROMPT_GROUP);
		break;
	case '/':
		begin_prompt(top, PROMPT_FILTER);
		break;
	case 'd':
		begin_prompt(top, PROMPT_DELAY);
		break;
	case KEY_ESCAPE:
		top->filter[0] = '\0';
		break;
	case 'p':
		top->options.is_paused = !top->options.is_paused;
		return !top->options.is_paused;
	case '?':
	case 'h':
		top->options.shows_help = true;
		break;
	case ' ':
		return true;
	default:
		break;
	}
	return false;
}

bool top_take_key(struct top *top, int key)
{
	if (top->prompt.kind != PROMPT_NONE)
		return answer(top, key);
	if (key == KEY_RESIZE)
		return false; /* only to be drawn again */
	top->bottom[0] = '\0';
	if (top->options.shows_help) {
		top->options.shows_help = false;
		if (key != 'q')
			return false;
	}
	if (key >= '1' && key < '1' + FRAME_PAGES) {
		go_to_page(top, (uint32_t)(key - '1'));
		return true;
	}
	if (key == '\t' || key == KEY_BTAB) {
		go_to_page(top,
			(top->options.page + (key == '\t' ? 1 : FRAME_PAGES - 1)) % FRAME_PAGES);
		return true;
	}
	return move_by_key(top, key) || sort_by_key(top, key) ? false : act(top, key);
}
