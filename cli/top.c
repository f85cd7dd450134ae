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

static const char usage[] =
	"Usage: reeve top [OPTION]...\n"
	"Groups and sessions of a resource manager, live.\n"
	"\n"
	"  -s, --segment=FILE  the segment\n"
	"  -D, --data=DIR      the segment of reeved's data directory DIR\n"
	"  -d, --delay=SECONDS between two frames, 0.1 to 3600; default 1\n"
	"  -o, --sort=KEY      cpu (default), wait, time or name\n"
	"  -1, --once          print one frame as text, over one delay, and exit\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"ENTITLED is the group's percentage of the CPU slots when all want all they can get;\n"
	"SHARE% is what it had of the CPU that groups used since the last frame, CPU% of all\n"
	"slots. SINCE is how long a session has been waiting, and WAITS FOR the reason.\n"
	"\n"
	"Keys: q quit; sort by c CPU, w waiting, e entitlement and elapsed time, n name; up,\n"
	"down, page up, page down, home scroll the sessions; space draws at once.\n";

#define DELAY_MIN 0.1
#define DELAY_MAX 3600.0
/* Width of --once when no terminal says another. */
#define COLUMNS_DEFAULT 80u

struct top {
	struct reeve *reeve;
	struct view view; /* the latest */
	struct frame_options options;
	reeve_ns delay;
	bool is_once, is_over;
};

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

	if (view_take(top->reeve, top->view.mono == 0 ? NULL : &top->view, &view) != 0)
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
		return A_BOLD | A_REVERSE;
	case FRAME_PLAIN:
		break;
	}
	return A_NORMAL;
}

static void show(struct top *top)
{
	struct frame frame;

	top->options.columns = (uint32_t)COLS;
	top->options.rows = (uint32_t)LINES;
	frame_draw(&frame, &top->view, &top->options);
	erase();
	for (uint32_t i = 0; i < frame.count && i < (uint32_t)LINES; i++) {
		(void)attr_set(attributes_of(frame.lines[i].look), 0, NULL);
		mvaddstr((int)i, 0, frame.lines[i].text);
	}
	(void)attr_set(A_NORMAL, 0, NULL);
	wnoutrefresh(stdscr);
	doupdate();
	frame_fini(&frame);
}

static void scroll_by(struct top *top, int rows)
{
	int64_t skip = (int64_t)top->options.skip + rows;
	int64_t most = top->view.session_count > 0 ? top->view.session_count - 1 : 0;

	if (skip > most)
		skip = most;
	top->options.skip = skip < 0 ? 0 : (uint32_t)skip;
}

/* Returns whether a new view is wanted at once. */
static bool take_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		top->is_over = true;
		break;
	case 'c':
		top->options.sort = FRAME_BY_CPU;
		break;
	case 'w':
		top->options.sort = FRAME_BY_WAIT;
		break;
	case 'e':
		top->options.sort = FRAME_BY_TIME;
		break;
	case 'n':
		top->options.sort = FRAME_BY_NAME;
		break;
	case KEY_UP:
		scroll_by(top, -1);
		break;
	case KEY_DOWN:
		scroll_by(top, 1);
		break;
	case KEY_PPAGE:
		scroll_by(top, -10);
		break;
	case KEY_NPAGE:
		scroll_by(top, 10);
		break;
	case KEY_HOME:
		top->options.skip = 0;
		break;
	case ' ':
		return true;
	default: /* KEY_RESIZE among them: only draw again */
		break;
	}
	return false;
}

/* Draws, and takes keys, until the next view is due. */
static void wait_for_next(struct top *top)
{
	reeve_ns next = now_mono() + top->delay;

	while (!top->is_over) {
		reeve_ns left = next - now_mono();
		int key;

		show(top);
		if (left <= 0)
			return;
		timeout((int)(left / REEVE_MSEC) + 1);
		key = getch();
		if (key == ERR && errno != EINTR && !isatty(STDIN_FILENO)) {
			top->is_over = true; /* the terminal went away */
			return;
		}
		if (key != ERR && take_key(top, key))
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
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= DELAY_MIN && seconds <= DELAY_MAX))
		return cli_refuse("--delay takes seconds from 0.1 to 3600, not `%s`", text);
	*ret_delay = (reeve_ns)(seconds * 1e9);
	return CLI_OK;
}

static int read_sort(const char *text, enum frame_sort *ret_sort)
{
	static const char *const names[] = {"cpu", "wait", "time", "name"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret_sort = (enum frame_sort)i;
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
		{"delay", required_argument, NULL, 'd'},
		{"sort", required_argument, NULL, 'o'},
		{"once", no_argument, NULL, '1'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option, status = CLI_OK;

	while (status == CLI_OK &&
		(option = getopt_long(argc, argv, "s:D:d:o:1h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			source->segment = optarg;
			break;
		case 'D':
			source->data = optarg;
			break;
		case 'd':
			status = read_delay(optarg, &top->delay);
			break;
		case 'o':
			status = read_sort(optarg, &top->options.sort);
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
	return status == CLI_OK ? -1 : status;
}

int cli_top(int argc, char **argv)
{
	struct top top = {.delay = REEVE_SEC, .options = {.shows_keys = true}};
	struct cli_source source = {NULL, NULL};
	char path[4096];
	int status = read_options(argc, argv, &source, &top);

	if (status >= 0)
		return status;
	if (cli_find_segment(&source, path, sizeof(path)) != CLI_OK ||
		cli_open_segment(path, &top.reeve) != CLI_OK)
		return CLI_CANNOT;
	top.options.path = path;
	status = top.is_once ? print_once(&top) : run_on_terminal(&top);
	view_fini(&top.view);
	reeve_close(top.reeve);
	return status;
}
