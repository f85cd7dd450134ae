/* SPDX-License-Identifier: Apache-2.0 */
/*
 * top.c - reeve top: draws a frame every interval, and at every key and change of size.
 *
 * The screen is redrawn by erase and doupdate alone, so curses sends the difference and nothing
 * flickers.
 */
#include <curses.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "frame.h"
#include "top.h"

static const char usage[] =
	"Usage: reeve top [OPTION]...\n"
	"Groups and sessions of a resource manager, live.\n"
	"\n"
	"  -s, --segment=FILE  the segment\n"
	"  -D, --data=DIR      the segment of reeved's data directory DIR\n"
	"  -S, --server=URL    k and s go through this reeved, with its roles and audit log;\n"
	"                      without it they act on the segment directly\n"
	"  -t, --token-file=FILE  whose first line is the token for it\n"
	"  -d, --delay=SECONDS between two frames, 0.1 to 3600; default 1\n"
	"  -o, --sort=KEY      cpu (default), wait, time or name\n"
	"  -p, --page=NAME     all (default), groups, sessions, waits, io, memory or parallel\n"
	"  -1, --once          print one frame as text, over one delay, and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"ENTITLED is the group's percentage of the CPU slots when all want all they can get;\n"
	"SHARE% is what it had of the CPU that groups used since the last frame, CPU% of all\n"
	"slots. SINCE is how long a session has been waiting, and WAITS FOR the reason.\n"
	"\n"
	"Keys: q quit; ? help; 1 to 7 and tab the pages; < > c w e n sort; / filter; up, down,\n"
	"page up, page down, home, end pick a row; k kill and s switch the picked session, after\n"
	"a question; p pause; d delay; space draws at once.\n";

/* Width of --once when no terminal says another. */
#define COLUMNS_DEFAULT 80u

static reeve_ns now_mono(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (reeve_ns)t.tv_sec * REEVE_SEC + t.tv_nsec;
}

/* A new latest view, with rates against the one before. */
static int take_view(struct top *top)
{
	struct view view;

	if (view_take(top->reeve, frame_page_parts(top->options.page),
		    top->view.mono == 0 ? NULL : &top->view, &view) != 0)
		return cli_refuse("out of memory");
	view_fini(&top->view);
	top->view = view;
	return CLI_OK;
}

/* On the terminal. */

static attr_t attributes_of(enum frame_look look)
{
	switch (look) {
	case FRAME_TITLE:
		return A_BOLD;
	case FRAME_HEAD:
		return A_REVERSE;
	case FRAME_ALARM:
	case FRAME_PICKED:
		return A_BOLD | A_REVERSE;
	case FRAME_PLAIN:
		break;
	}
	return A_NORMAL;
}

/* What was drawn is what the keys move in. */
static void keep_place(struct top *top, struct frame *frame)
{
	if (top->options.shows_help)
		return;
	free(top->ids);
	top->ids = frame->ids;
	top->id_count = frame->id_count;
	frame->ids = NULL;
	top->options.picked_at = frame->picked_at;
	top->options.skip = frame->skip;
	if (top->options.picked != 0 && top->id_count > 0)
		top->options.picked = top->ids[frame->picked_at];
}

static void show(struct top *top)
{
	struct frame frame;

	top->options.columns = (uint32_t)COLS;
	top->options.rows = (uint32_t)LINES;
	top->options.filter = top->filter;
	top->options.bottom = top->bottom[0] == '\0' ? NULL : top->bottom;
	frame_draw(&frame, &top->view, &top->options);
	erase();
	for (uint32_t i = 0; i < frame.count && i < (uint32_t)LINES; i++) {
		(void)attr_set(attributes_of(frame.lines[i].look), 0, NULL);
		mvaddstr((int)i, 0, frame.lines[i].text);
	}
	(void)attr_set(A_NORMAL, 0, NULL);
	wnoutrefresh(stdscr);
	doupdate();
	keep_place(top, &frame);
	frame_fini(&frame);
}

/* Draws, and takes keys, until the next view is due. */
static void wait_for_next(struct top *top)
{
	reeve_ns begun = now_mono();

	while (!top->is_over) {
		reeve_ns left = begun + top->delay - now_mono();
		int key;

		show(top);
		if (left <= 0 && !top->options.is_paused)
			return;
		timeout(top->options.is_paused ? -1 : (int)(left / REEVE_MSEC) + 1);
		errno = 0;
		key = getch();
		if (key == ERR && errno != EINTR && !isatty(STDIN_FILENO)) {
			top->is_over = true; /* the terminal went away */
			return;
		}
		if (key != ERR && top_take_key(top, key))
			return;
	}
}

static int run_on_terminal(struct top *top)
{
	SCREEN *screen;
	int status = CLI_OK;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return cli_refuse("top needs a terminal; `reeve top --once` prints one frame");
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return cli_refuse("this terminal (TERM=%s) is unknown; `reeve top --once` prints "
				  "one frame",
			getenv("TERM") == NULL ? "" : getenv("TERM"));
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	while (status == CLI_OK && !top->is_over) {
		status = take_view(top);
		if (status == CLI_OK)
			wait_for_next(top);
	}
	endwin();
	delscreen(screen);
	return status;
}

/* As text. */

static void sleep_for(reeve_ns ns)
{
	struct timespec t = {(time_t)(ns / REEVE_SEC), (long)(ns % REEVE_SEC)};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

static void print_line(const char *text)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == ' ')
		length--;
	printf("%.*s\n", (int)length, text);
}

static uint32_t width_of_output(void)
{
	const char *text = getenv("COLUMNS");
	unsigned long columns = text == NULL ? 0 : strtoul(text, NULL, 10);

	return columns >= 20 && columns <= FRAME_COLUMNS_MAX ? (uint32_t)columns : COLUMNS_DEFAULT;
}

static int print_once(struct top *top)
{
	struct frame frame;

	if (take_view(top) != CLI_OK)
		return CLI_CANNOT;
	sleep_for(top->delay);
	if (take_view(top) != CLI_OK)
		return CLI_CANNOT;
	top->options.columns = width_of_output();
	top->options.shows_keys = false;
	frame_draw(&frame, &top->view, &top->options);
	for (uint32_t i = 0; i < frame.count; i++)
		print_line(frame.lines[i].text);
	frame_fini(&frame);
	return cli_finish_output(CLI_OK);
}

/* The command line. */

static int read_delay(const char *text, reeve_ns *ret_delay)
{
	if (!top_read_delay(text, ret_delay))
		return cli_refuse("--delay takes seconds from 0.1 to 3600, not `%s`", text);
	return CLI_OK;
}

static int read_page(const char *text, uint32_t *ret_page)
{
	int page = frame_page_find(text);

	if (page < 0)
		return cli_refuse("--page takes all, groups, sessions, waits, io, memory or "
				  "parallel, not `%s`",
			text);
	*ret_page = (uint32_t)page;
	return CLI_OK;
}

static int read_sort(const char *text, struct frame_options *options)
{
	static const char *const names[] = {"cpu", "wait", "time", "name"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			frame_sort_all(options, (enum frame_sort)i);
			return CLI_OK;
		}
	}
	return cli_refuse("--sort takes cpu, wait, time or name, not `%s`", text);
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct cli_source *source, struct top *top)
{
	static const struct option options[] = {
		{"segment", required_argument, NULL, 's'},
		{"data", required_argument, NULL, 'D'},
		{"server", required_argument, NULL, 'S'},
		{"token-file", required_argument, NULL, 't'},
		{"delay", required_argument, NULL, 'd'},
		{"sort", required_argument, NULL, 'o'},
		{"page", required_argument, NULL, 'p'},
		{"once", no_argument, NULL, '1'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, status = CLI_OK;

	while (status == CLI_OK &&
		(option = getopt_long(argc, argv, "s:D:S:t:d:o:p:1h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			source->segment = optarg;
			break;
		case 'D':
			source->data = optarg;
			break;
		case 'S':
			top->server.url = optarg;
			break;
		case 't':
			top->server.token_file = optarg;
			break;
		case 'd':
			status = read_delay(optarg, &top->delay);
			break;
		case 'o':
			status = read_sort(optarg, &top->options);
			break;
		case 'p':
			status = read_page(optarg, &top->options.page);
			break;
		case '1':
			top->is_once = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return cli_finish_output(CLI_OK);
		default:
			return cli_bad_usage("top");
		}
	}
	if (status == CLI_OK && optind < argc)
		status = cli_refuse("top takes no argument `%s`", argv[optind]);
	if (status == CLI_OK && top->server.token_file != NULL && top->server.url == NULL)
		status = cli_refuse("--token-file is for --server, which is not given");
	if (status == CLI_OK && top->server.url != NULL && top->server.token_file == NULL)
		top->server.token_file = server_default().token_file;
	return status == CLI_OK ? -1 : status;
}

int cli_top(int argc, char **argv)
{
	struct top top = {.delay = REEVE_SEC, .options = {.filter = "", .shows_keys = true}};
	struct cli_source source = {NULL, NULL};
	char path[4096];
	int status;

	frame_sort_all(&top.options, FRAME_BY_CPU);
	status = read_options(argc, argv, &source, &top);
	if (status >= 0)
		return status;
	if (cli_find_segment(&source, path, sizeof(path)) != CLI_OK ||
		cli_open_segment(path, &top.reeve) != CLI_OK)
		return CLI_CANNOT;
	top.options.path = path;
	status = top.is_once ? print_once(&top) : run_on_terminal(&top);
	view_fini(&top.view);
	free(top.ids);
	reeve_close(top.reeve);
	return status;
}
