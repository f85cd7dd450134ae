/* SPDX-License-Identifier: Apache-2.0 */
/* help.c - reeve help: what the table of verbs.c has, for people, for man(1) and for completion. */
#include <string.h>

#include "cli.h"
#include "verbs.h"

#define LINE_WIDTH 80u

static const char options_text[] =
	"  -S, --server=URL       a running reeved, or unix:PATH; default REEVE_SERVER, or\n"
	"                         http://127.0.0.1:8080\n"
	"  -t, --token-file=FILE  whose first line is the token; default REEVE_TOKEN_FILE\n"
	"  -c, --columns=A,B      these members only, also lists of an object\n"
	"  -j, --json             the answer as JSON, all pages of a list in one\n"
	"  -f, --follow           events: new ones as they come\n"
	"  -h, --help             print this and exit\n";

static const char *const kinds[] = {
	['t'] = "text",
	['i'] = "number",
	['b'] = "true or false",
	['j'] = "JSON",
	['g'] = "group's name or id",
	['p'] = "plan's name or id",
	['m'] = "pool's name or id",
};

static bool is_first(size_t i)
{
	return i == 0 || strcmp(verbs[i].entity, verbs[i - 1].entity) != 0;
}

void help_entities(FILE *out)
{
	size_t used = 0;

	for (size_t i = 0; i < verb_count; i++) {
		bool is_new = is_first(i);

		if (is_new || used + strlen(verbs[i].verb) > LINE_WIDTH) {
			used = (size_t)fprintf(out, "%s  %-10s ", i == 0 ? "" : "\n",
				is_new ? verbs[i].entity : "");
		}
		used += (size_t)fprintf(out, " %s", verbs[i].verb);
	}
	fputc('\n', out);
}

static void write_required(FILE *out, const struct verb *verb)
{
	struct verb_argument arguments[VERB_ARGUMENTS_MAX];
	size_t count = verb_arguments(verb, arguments);
	bool has_more = false;

	for (size_t i = 0; i < count; i++) {
		if (arguments[i].is_required)
			fprintf(out, " %s", arguments[i].name);
		else
			has_more = true;
	}
	if (has_more)
		fputs(" [FIELD=VALUE]...", out);
}

static void write_fields(FILE *out, const struct verb *verb, const char *begin, const char *end)
{
	struct verb_argument arguments[VERB_ARGUMENTS_MAX];
	size_t count = verb_arguments(verb, arguments);

	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%s=%s%s", begin, arguments[i].name,
			kinds[(unsigned char)arguments[i].kind], end);
}

void help_entity(FILE *out, const char *entity)
{
	fprintf(out, "Usage: reeve %s COMMAND [ARGUMENT]... [OPTION]...\n", entity);
	for (size_t i = 0; i < verb_count; i++) {
		if (strcmp(verbs[i].entity, entity) != 0)
			continue;
		fprintf(out, "\n  reeve %s %s", entity, verbs[i].verb);
		write_required(out, &verbs[i]);
		fprintf(out, "\n      %s\n", verbs[i].summary);
		write_fields(out, &verbs[i], "        ", "\n");
	}
	fprintf(out,
		"\nWhat is required may be given without its name, in this order. null takes a "
		"limit away.\n\n%s\n"
		"Exit status: 0 if it worked, 1 if the server refused it or has no such thing, 2 "
		"if\n"
		"the command was wrong or there is no server.\n",
		options_text);
}

/* The pages that man(1) shows: reeve-commands(1). */
static void write_man(FILE *out)
{
	fputs(".TH REEVE-COMMANDS 1 \"\" \"reeve\" \"User Commands\"\n.SH NAME\n"
	      "reeve-commands \\- commands of reeve(1) that go to a running reeved(8)\n"
	      ".SH SYNOPSIS\n.B reeve\n.I ENTITY COMMAND\n.RI [ ARGUMENT ]...\n"
	      ".RI [ OPTION ]...\n.SH DESCRIPTION\nEach command is one request of REST. "
	      "What is required may be given without its name, in the order shown; the rest is\n"
	      ".IR FIELD = VALUE .\nThe value null takes a limit away.\n.SH OPTIONS\n.nf\n",
		out);
	for (const char *c = options_text; *c != '\0'; c++)
		fputs(*c == '-' ? "\\-" : (char[]){*c, '\0'}, out);
	fputs(".fi\n.SH COMMANDS\n", out);
	for (size_t i = 0; i < verb_count; i++) {
		if (is_first(i))
			fprintf(out, ".SS %s\n", verbs[i].entity);
		fprintf(out, ".TP\n.B reeve %s %s", verbs[i].entity, verbs[i].verb);
		write_required(out, &verbs[i]);
		fprintf(out, "\n%s\n", verbs[i].summary);
		write_fields(out, &verbs[i], ".br\n", "\n");
	}
	fputs(".SH EXIT STATUS\n0 if it worked, 1 if the server refused it or has no such thing, "
	      "2 if the command was wrong or there is no server.\n.SH SEE ALSO\n"
	      ".BR reeve (1),\n.BR reeved (8)\n",
		out);
}

/* For completion: entities, verbs of one, or fields of a verb, a line each. */
static int write_words(int argc, char **argv)
{
	const struct verb *verb = argc > 1 ? verb_find(argv[0], argv[1]) : NULL;

	for (size_t i = 0; i < verb_count; i++) {
		if (argc == 0 && is_first(i))
			puts(verbs[i].entity);
		else if (argc == 1 && strcmp(verbs[i].entity, argv[0]) == 0)
			puts(verbs[i].verb);
	}
	if (verb != NULL) {
		struct verb_argument arguments[VERB_ARGUMENTS_MAX];
		size_t count = verb_arguments(verb, arguments);

		for (size_t i = 0; i < count; i++)
			printf("%s=\n", arguments[i].name);
	}
	return cli_finish_output(CLI_OK);
}

int cli_help(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--words") == 0)
		return write_words(argc - 2, argv + 2);
	if (argc == 2 && strcmp(argv[1], "--man") == 0) {
		write_man(stdout);
	} else if (argc == 2 && verb_entity_exists(argv[1])) {
		help_entity(stdout, argv[1]);
	} else if (argc == 1) {
		help_entities(stdout);
	} else {
		return cli_refuse(
			"there is no help on `%s`; `reeve help` lists what there is", argv[1]);
	}
	return cli_finish_output(CLI_OK);
}
