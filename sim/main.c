/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - reeve-sim: runs scenario files, and says of every expectation whether it was met.
 *
 * Exit status: 0 all met, 1 one was not, 2 a file could not be run or the command was wrong.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "run.h"
#include "scenario.h"

static const char usage[] =
	"Usage: reeve-sim [OPTION]... FILE...\n"
	"Run scenarios of sessions, groups and plans on a simulated machine, with the real\n"
	"resource manager, and check what they expect.\n"
	"\n"
	"  -p, --policy=P   begin with this CPU policy in place of the scenario's\n"
	"  -i, --io-policy=P  the same of the I/O policy\n"
	"  -w, --without=F  run as if no directive had the field F; once more for others\n"
	"  -d, --directives print the fields that the files' directives set; run nothing.\n"
	"                   Without a file: all there are, and which are enforced\n"
	"  -s, --seed=N     draw from this seed in place of the scenario's\n"
	"  -g, --groups     also print what each group got\n"
	"  -n, --parse      read the files only; run nothing\n"
	"  -h, --help       print this and exit\n"
	"  -V, --version    print the version and exit\n"
	"\n"
	"Exit status: 0 if every expectation was met, 1 if one was not, 2 if a file could not\n"
	"be run. See reeve-sim(1) for the statements of a scenario.\n";

struct settings {
	bool has_seed, shows_groups, only_parses;
	uint64_t seed;
	const char *policy, *io_policy; /* NULL: the scenario's */
	uint64_t without;		/* REEVE_DIRECTIVE_... */
	bool lists_fields;
};

/* One line an expectation. Returns how many were not met. */
static uint32_t judge(const struct scenario *scenario, const struct outcome *outcome)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < scenario->expect_count; i++) {
		const struct scn_expect *expect = &scenario->expects[i];
		double measured = measure(scenario, outcome, expect);
		bool is_met = measure_is_met(expect, measured);
		char text[64];

		measure_format(expect, measured, text, sizeof(text));
		printf("%s %s:%u: %s: %s\n", is_met ? "PASS" : "FAIL", scenario->file, expect->line,
			expect->text, text);
		failed += !is_met;
	}
	if (outcome->faults > 0) {
		printf("FAIL %s: %u faults, the first: %s\n", scenario->file, outcome->faults,
			outcome->first_fault);
		failed++;
	} else {
		printf("PASS %s: no call failed, every statement ended, the segment is in order\n",
			scenario->file);
	}
	return failed;
}

static void show_groups(const struct scenario *scenario, const struct outcome *outcome)
{
	double machine_ns = (double)scenario->duration_ns * scenario->machine.cores;

	for (uint32_t i = 0; i < scenario->group_count; i++)
		printf("     %-24s CPU %10.3f s, %6.2f%% of the machine; charged %10.3f s\n",
			scenario->groups[i].name, (double)outcome->record.total_ns[i] / 1e9,
			100.0 * (double)outcome->record.total_ns[i] / machine_ns,
			(double)outcome->charged_ns[i] / 1e9);
}

/* Fields of directives: of those given, or with `all` every one and whether it is enforced. */
static void show_fields(uint64_t given, bool all)
{
	const struct reeve_directive_field *field;

	for (uint32_t k = 0; (field = reeve_directive_field_at(k)) != NULL; k++) {
		if (all)
			printf("%s %s\n", field->name, field->is_enforced ? "yes" : "no");
		else if (given & field->bit)
			printf("%s\n", field->name);
	}
}

static uint32_t find_word(const char *const *words, const char *word)
{
	uint32_t i = 0;

	while (words[i] != NULL && strcmp(words[i], word) != 0)
		i++;
	return i;
}

static void apply(const struct settings *settings, struct scenario *scenario)
{
	if (settings->has_seed)
		scenario->machine.seed = settings->seed;
	if (settings->policy != NULL)
		scenario->policy = find_word(scenario_policies, settings->policy);
	if (settings->io_policy != NULL)
		scenario->io_policy = find_word(scenario_io_policies, settings->io_policy);
	scenario_drop_field(scenario, settings->without);
}

/* Exit status of one file. */
static int run_file(const char *file, const struct settings *settings)
{
	struct scenario scenario;
	struct outcome outcome;
	char error[SCN_ERROR_MAX];
	uint32_t failed;

	if (scenario_read(file, &scenario, error) != 0) {
		fprintf(stderr, "reeve-sim: %s\n", error);
		return 2;
	}
	apply(settings, &scenario);
	if (settings->lists_fields)
		show_fields(scenario_fields(&scenario), false);
	if (settings->only_parses || settings->lists_fields) {
		scenario_fini(&scenario);
		return 0;
	}
	printf("     %s: seed %" PRIu64 "\n", file, scenario.machine.seed);
	fflush(stdout);
	if (run_scenario(&scenario, &outcome, error) != 0) {
		fprintf(stderr, "reeve-sim: %s\n", error);
		scenario_fini(&scenario);
		return 2;
	}
	if (settings->shows_groups)
		show_groups(&scenario, &outcome);
	failed = judge(&scenario, &outcome);
	outcome_fini(&outcome);
	scenario_fini(&scenario);
	return failed > 0 ? 1 : 0;
}

static bool read_seed(const char *text, struct settings *settings)
{
	char *end;

	errno = 0;
	settings->seed = strtoull(text, &end, 10);
	settings->has_seed = errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
	if (!settings->has_seed)
		fprintf(stderr, "reeve-sim: --seed: expected a number, found `%s`\n", text);
	return settings->has_seed;
}

static bool read_policy(const char *option, const char *text, const char *const *words)
{
	if (words[find_word(words, text)] != NULL)
		return true;
	fprintf(stderr, "reeve-sim: --%s: expected one of", option);
	for (uint32_t i = 0; words[i] != NULL; i++)
		fprintf(stderr, " %s", words[i]);
	fprintf(stderr, ", found `%s`\n", text);
	return false;
}

static bool read_field(const char *text, uint64_t *fields)
{
	const struct reeve_directive_field *field;

	for (uint32_t k = 0; (field = reeve_directive_field_at(k)) != NULL; k++) {
		if (strcmp(field->name, text) != 0)
			continue;
		*fields |= field->bit;
		return true;
	}
	fprintf(stderr, "reeve-sim: --without: expected a field of directives, found `%s`\n", text);
	return false;
}

/* Reads the options. Returns -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct settings *settings)
{
	static const struct option options[] = {
		{"policy", required_argument, NULL, 'p'},
		{"io-policy", required_argument, NULL, 'i'},
		{"without", required_argument, NULL, 'w'},
		{"directives", no_argument, NULL, 'd'},
		{"seed", required_argument, NULL, 's'},
		{"groups", no_argument, NULL, 'g'},
		{"parse", no_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "p:i:w:ds:gnhV", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			if (!read_policy("policy", optarg, scenario_policies))
				return 2;
			settings->policy = optarg;
			break;
		case 'i':
			if (!read_policy("io-policy", optarg, scenario_io_policies))
				return 2;
			settings->io_policy = optarg;
			break;
		case 'w':
			if (!read_field(optarg, &settings->without))
				return 2;
			break;
		case 'd':
			settings->lists_fields = true;
			break;
		case 's':
			if (!read_seed(optarg, settings))
				return 2;
			break;
		case 'g':
			settings->shows_groups = true;
			break;
		case 'n':
			settings->only_parses = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			printf("reeve-sim %s\n", REEVE_VERSION);
			return 0;
		default:
			fputs("Try `reeve-sim --help`.\n", stderr);
			return 2;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	int worst = 0, status = read_options(argc, argv, &settings);

	if (status >= 0)
		return status;
	if (optind == argc && settings.lists_fields) {
		show_fields(0, true);
		return 0;
	}
	if (optind == argc) {
		fputs("reeve-sim: expected a scenario file. Try `reeve-sim --help`.\n", stderr);
		return 2;
	}
	for (int i = optind; i < argc; i++) {
		status = run_file(argv[i], &settings);
		if (status > worst)
			worst = status;
	}
	return worst;
}
