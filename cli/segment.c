/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c - reeve segment check FILE. */
#include <getopt.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static const char usage[] =
	"Usage: reeve segment check FILE\n"
	"Check a segment file: every index in range, every sum equal to what it is the sum of,\n"
	"every list in order. It may be in use meanwhile.\n"
	"\n"
	"  -q, --quiet  print nothing; the exit status tells\n"
	"  -h, --help   print this and exit\n"
	"\n"
	"Exit status: 0 if the segment is in order, 1 if it has faults, which are listed, 2 if it\n"
	"cannot be read, or is not a segment of this version.\n";

struct check {
	const char *path;
	bool is_quiet;
};

static void print_fault(void *arg, const char *fault)
{
	const struct check *check = arg;

	if (!check->is_quiet)
		printf("%s: %s\n", check->path, fault);
}

static int check_segment(struct check *check)
{
	struct reeve_segment_info info;
	struct reeve *reeve;
	int faults;

	if (cli_open_segment(check->path, &reeve) != CLI_OK)
		return CLI_CANNOT;
	faults = reeve_validate(reeve, print_fault, check);
	reeve_segment_get(reeve, &info);
	reeve_close(reeve);
	if (info.state != REEVE_SEGMENT_READY) {
		faults++;
		if (!check->is_quiet)
			printf("%s: its state is %s, not READY\n", check->path,
				text_segment_state(info.state));
	}
	if (!check->is_quiet && faults > 0)
		printf("%s: %d fault%s\n", check->path, faults, faults == 1 ? "" : "s");
	else if (!check->is_quiet)
		printf("%s: in order: %u groups, %u plans, %u sessions, %u tasks, %u attached\n",
			check->path, info.groups, info.plans, info.sessions, info.tasks,
			info.attachments);
	return cli_finish_output(faults > 0 ? CLI_PROBLEM : CLI_OK);
}

int cli_segment(int argc, char **argv)
{
	static const struct option options[] = {
		{"quiet", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct check check = {NULL, false};
	int option;

	while ((option = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			check.is_quiet = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return cli_finish_output(CLI_OK);
		default:
			return cli_bad_usage("segment");
		}
	}
	if (optind == argc)
		return cli_refuse("segment wants a command: check FILE");
	if (strcmp(argv[optind], "check") != 0)
		return cli_refuse("segment has no command `%s`, only check", argv[optind]);
	if (argc - optind != 2)
		return cli_refuse("segment check wants one FILE");
	check.path = argv[optind + 1];
	return check_segment(&check);
}
