/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - reeve: looks at a live segment, and changes its definitions. Finds the command and hands over. */
#include <locale.h>
#include <string.h>

#include "cli.h"

static const char usage[] =
	"Usage: reeve COMMAND [OPTION]...\n"
	"Look at a resource manager at work.\n"
	"\n"
	"  top             groups and sessions, live, in the terminal\n"
	"  status          segment, plan, groups, sessions and attached processes, once\n"
	"  segment check   whether a segment file is in order\n"
	"  validate        whether a plan file is in order\n"
	"  diff            what a plan file would change\n"
	"  apply           bring the definitions to a plan file\n"
	"  export          the definitions as a plan file\n"
	"\n"
	"  -h, --help      print this and exit\n"
	"  -V, --version   print the version and exit\n"
	"\n"
	"The segment is named by --segment FILE, by --data DIR (DIR/reeve.segment), or by the\n"
	"environment variable REEVE_SEGMENT. `reeve COMMAND --help` says more of a command.\n"
	"\n"
	"Exit status: 0 if all is well, 1 if a problem was found, 2 if the command was wrong or\n"
	"could not do its work.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"top", cli_top},
	{"status", cli_status},
	{"segment", cli_segment},
	{"validate", cli_plan},
	{"diff", cli_plan},
	{"apply", cli_plan},
	{"export", cli_plan},
};

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	setlocale(LC_ALL, "");
	if (word == NULL) {
		fputs(usage, stderr);
		return CLI_CANNOT;
	}
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) {
		fputs(usage, stdout);
		return cli_finish_output(CLI_OK);
	}
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		printf("reeve %s\n", reeve_version());
		return cli_finish_output(CLI_OK);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return cli_refuse("there is no command `%s`; `reeve --help` lists them", word);
}
