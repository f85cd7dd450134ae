/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - reeve validate, diff, apply, export: definitions as a file.
 *
 * The present definitions come from reeved (as the document it exports) or from a segment; the file is
 * read over them here, so that errors know their line. What differs is told from the two sets. Only
 * applying goes to reeved again, with the file itself.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "document/document.h"
#include "server.h"

static const char usage[] =
	"Usage: reeve validate FILE\n"
	"       reeve diff [OPTION]... FILE\n"
	"       reeve apply [OPTION]... FILE\n"
	"       reeve export [OPTION]...\n"
	"Groups, rules, plans, schedules and settings as a file, in YAML or JSON: check it, see "
	"what\n"
	"it would change, bring the definitions to it as one revision, write them out. FILE - is "
	"the\n"
	"standard input.\n"
	"\n"
	"  -S, --server=URL    a running reeved; default REEVE_SERVER, or http://127.0.0.1:8080\n"
	"  -t, --token-file=FILE  whose first line is the token; default REEVE_TOKEN_FILE\n"
	"  -s, --segment=FILE  this segment, without a server\n"
	"  -D, --data=DIR      the segment of reeved's data directory DIR, without a server\n"
	"  -n, --dry-run       apply: try it, change nothing\n"
	"  -j, --json          export: JSON in place of YAML\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"Exit status: 0 if it worked (diff: and there is no difference), 1 if diff found a\n"
	"difference, 2 if the file is wrong, or reeved refused it or is not there.\n";

struct job {
	const char *command, *file;
	struct server server;
	struct cli_source source;
	bool is_dry, is_json;
	struct reeve *segment;	/* NULL: by the server */
	struct reeve_tree tree; /* of the file */
	struct reeve_definitions from, to;
};

static int refuse(const struct reeve_error *err)
{
	fprintf(stderr, "%s\n", err->text);
	return CLI_CANNOT;
}

/* A refusal by the library: where the file says it. */
static int refuse_at(const struct job *job, struct reeve_definition_place place, const char *text)
{
	const struct reeve_node *at = reeve_document_find(&job->tree, &job->to, place, text);

	if (at != NULL && at->line != 0)
		fprintf(stderr, "%s:%u: %s\n", job->file, at->line, text);
	else
		fprintf(stderr, "%s: %s\n", job->file, text);
	return CLI_CANNOT;
}

/* ---- sources ---- */

static char *read_all(FILE *in, size_t *ret_size)
{
	char *text = NULL, block[16384];
	FILE *out = open_memstream(&text, ret_size);
	size_t n;

	if (out == NULL)
		return NULL;
	while ((n = fread(block, 1, sizeof(block), in)) > 0 && ftell(out) >= 0)
		if (fwrite(block, 1, n, out) != n || (size_t)ftell(out) > REEVE_TREE_BYTES_MAX)
			break;
	fclose(out);
	return text;
}

static int read_file(struct job *job)
{
	bool is_stdin = strcmp(job->file, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(job->file, "r");
	struct reeve_error err;
	size_t size = 0;
	char *text;
	int rc;

	if (in == NULL)
		return cli_refuse("%s: %s", job->file, strerror(errno));
	text = read_all(in, &size);
	rc = ferror(in) ? cli_refuse("%s: %s", job->file, strerror(errno)) : CLI_OK;
	if (!is_stdin)
		fclose(in);
	if (rc == CLI_OK && text == NULL)
		rc = cli_refuse("out of memory");
	if (rc == CLI_OK && reeve_tree_parse(text, size, job->file, &job->tree, &err) != 0)
		rc = refuse(&err);
	free(text);
	return rc;
}

/* The definitions of a new segment, in *ret_segment. */
static int new_segment(struct reeve **ret_segment, struct reeve_definitions *ret)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err = {0};

	options.name = "reeve";
	if (reeve_open(&options, ret_segment, &err) != 0)
		return refuse(&err);
	return reeve_definitions_copy(*ret_segment, ret, &err) != 0 ? refuse(&err) : CLI_OK;
}

static int from_server(const struct job *job, struct reeve_definitions *ret)
{
	const struct reeve_node *data;
	struct reeve *scratch = NULL;
	struct reeve_tree answer, document;
	struct reeve_error err;
	int rc = server_ask(&job->server, "{ exportConfiguration }", NULL, &answer, &data);

	if (rc != CLI_OK)
		return rc;
	rc = new_segment(&scratch, ret);
	document = (struct reeve_tree){.name = "",
		.root = (struct reeve_node *)(uintptr_t)reeve_node_member(
			data, "exportConfiguration")};
	if (rc == CLI_OK && document.root == NULL)
		rc = cli_refuse("%s exports nothing", job->server.url);
	if (rc == CLI_OK && reeve_plan_read(&document, ret, &err) != 0)
		rc = refuse(&err);
	reeve_close(scratch);
	reeve_tree_destroy(&answer);
	return rc;
}

static int from_segment(struct job *job, struct reeve_definitions *ret)
{
	char path[PATH_MAX];
	struct reeve_error err;
	int rc = cli_find_segment(&job->source, path, sizeof(path));

	if (rc == CLI_OK)
		rc = cli_open_segment(path, &job->segment);
	if (rc == CLI_OK && reeve_definitions_copy(job->segment, ret, &err) != 0)
		rc = refuse(&err);
	return rc;
}

static int read_present(struct job *job, struct reeve_definitions *ret)
{
	return job->source.segment != NULL || job->source.data != NULL ? from_segment(job, ret)
								       : from_server(job, ret);
}

static int copy_set(const struct reeve_definitions *from, struct reeve_definitions *to)
{
	struct reeve_error err;

	for (uint32_t i = 0; i < from->count; i++)
		if (reeve_definitions_put(to, &from->rows[i], &err) != 0)
			return refuse(&err);
	memcpy(to->next_ids, from->next_ids, sizeof(to->next_ids));
	return CLI_OK;
}

/* What is, and what the file makes of it. */
static int read_both(struct job *job)
{
	struct reeve_error err;
	int rc = read_file(job);

	if (rc == CLI_OK)
		rc = read_present(job, &job->from);
	if (rc == CLI_OK)
		rc = copy_set(&job->from, &job->to);
	if (rc == CLI_OK && reeve_plan_read(&job->tree, &job->to, &err) != 0)
		rc = refuse(&err);
	return rc;
}

/* ---- differences ---- */

static struct reeve_tree tree_of(
	const struct reeve_definition *row, const struct reeve_definitions *names)
{
	struct reeve_tree tree = {0};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return tree;
	reeve_row_write(out, row, names);
	if (fclose(out) == 0)
		(void)reeve_tree_parse(text, size, "", &tree, NULL);
	free(text);
	return tree;
}

static char *json_of(const struct reeve_node *node)
{
	char *text = NULL;
	size_t size;
	FILE *out = node != NULL ? open_memstream(&text, &size) : NULL;

	if (out == NULL)
		return strdup("none");
	reeve_tree_write_json(out, node);
	fclose(out);
	return text;
}

static void print_member(
	const char *key, const struct reeve_node *before, const struct reeve_node *after)
{
	char *a = json_of(before), *b = json_of(after);

	if (a != NULL && b != NULL && strcmp(a, b) != 0)
		printf("    %s: %s -> %s\n", key, a, b);
	free(a);
	free(b);
}

static const char *name_in(const struct reeve_definitions *set, uint32_t kind, uint64_t id)
{
	const struct reeve_definition *row = reeve_definitions_find(set, kind, id);

	if (row == NULL)
		return "?";
	return kind == REEVE_DEFINITION_GROUP ? row->u.group.name : row->u.plan.name;
}

static void print_label(const struct reeve_definition *row, const struct reeve_tree *tree,
	const struct reeve_definitions *set)
{
	const struct reeve_node *name = reeve_node_member(tree->root, "name");

	printf("%s ", reeve_definition_kind_name(row->kind));
	if (row->kind == REEVE_DEFINITION_DIRECTIVE)
		printf("%s / %s\n", name_in(set, REEVE_DEFINITION_PLAN, row->u.directive.plan.v),
			name_in(set, REEVE_DEFINITION_GROUP, row->u.directive.group.v));
	else if (row->kind >= REEVE_DEFINITION_CPU_LIMITS &&
		 row->kind <= REEVE_DEFINITION_SESSION_POOL)
		printf("%s\n", name_in(set, REEVE_DEFINITION_GROUP, row->id));
	else if (name != NULL && name->text != NULL)
		printf("%s\n", name->text);
	else if (row->kind == REEVE_DEFINITION_USER)
		printf("%llu\n", (unsigned long long)row->id);
	else
		putchar('\n');
}

static void print_difference(
	void *arg, const struct reeve_definition *from, const struct reeve_definition *to)
{
	const struct job *job = arg;
	struct reeve_tree a = {0}, b = {0};

	if (from != NULL)
		a = tree_of(from, &job->from);
	if (to != NULL)
		b = tree_of(to, &job->to);
	printf("%c ", from == NULL ? '+' : to == NULL ? '-' : '~');
	print_label(
		to != NULL ? to : from, to != NULL ? &b : &a, to != NULL ? &job->to : &job->from);
	for (const struct reeve_node *n = b.root != NULL ? b.root->first : NULL; n != NULL;
		n = n->next)
		if (from != NULL)
			print_member(n->key, reeve_node_member(a.root, n->key), n);
	for (const struct reeve_node *n = a.root != NULL ? a.root->first : NULL; n != NULL;
		n = n->next)
		if (to != NULL && reeve_node_member(b.root, n->key) == NULL)
			print_member(n->key, n, NULL);
	reeve_tree_destroy(&a);
	reeve_tree_destroy(&b);
}

/* ---- commands ---- */

/* In a segment of its own, so that every rule of the library's is asked. */
static int validate(struct job *job)
{
	struct reeve_definition_place place = {.kind = REEVE_DEFINITION_KINDS};
	struct reeve_error err;
	int rc = read_file(job);

	if (rc == CLI_OK)
		rc = new_segment(&job->segment, &job->to);
	if (rc == CLI_OK && reeve_plan_read(&job->tree, &job->to, &err) != 0)
		rc = refuse(&err);
	if (rc == CLI_OK &&
		reeve_definitions_apply_told(job->segment, &job->to, 0, &place, &err) != 0)
		rc = refuse_at(job, place, err.text);
	if (rc == CLI_OK)
		printf("%s: valid\n", job->file);
	return rc;
}

/*
 * Tries what the file says in a segment of its own that is as the present one; 0, or the code of what
 * is refused there. What cannot be tried, because that segment cannot become as the present one or is
 * too small, is not refused.
 */
static int try_out(
	const struct job *job, struct reeve_definition_place *ret_place, struct reeve_error *err)
{
	struct reeve_definitions unused = REEVE_DEFINITIONS_INIT;
	struct reeve *scratch = NULL;
	struct reeve_error ignored;
	int rc = 0;

	ret_place->kind = REEVE_DEFINITION_KINDS;
	if (new_segment(&scratch, &unused) == CLI_OK &&
		reeve_definitions_apply(scratch, &job->from, 0, &ignored) == 0)
		rc = reeve_definitions_apply_told(scratch, &job->to, 0, ret_place, err);
	reeve_definitions_fini(&unused);
	reeve_close(scratch);
	return rc == REEVE_ERESOURCE_EXHAUSTED ? 0 : rc;
}

static int diff(struct job *job)
{
	struct reeve_definition_place place;
	struct reeve_error err;
	uint32_t n;
	int rc = read_both(job);

	if (rc != CLI_OK)
		return rc;
	if (try_out(job, &place, &err) != 0)
		return refuse_at(job, place, err.text);
	n = reeve_definitions_diff(&job->from, &job->to, print_difference, job);
	if (n == 0)
		puts("no difference");
	return n == 0 ? CLI_OK : CLI_PROBLEM;
}

/* Whether `text` begins with the other, whatever numbers both have: ids differ between segments. */
static bool begins_alike(const char *text, const char *other)
{
	static const char digits[] = "0123456789";

	while (*other != '\0') {
		if (strspn(text, digits) > 0 && strspn(other, digits) > 0) {
			text += strspn(text, digits);
			other += strspn(other, digits);
		} else if (*text++ != *other++) {
			return false;
		}
	}
	return true;
}

/* What the server says has no line; the same refusal by a segment of our own has. */
static int refuse_by_server(const struct job *job, const char *why)
{
	struct reeve_definition_place place;
	struct reeve_error err;
	int rc = try_out(job, &place, &err);

	for (const char *said = why; rc != 0 && *said != '\0'; said++) {
		if (begins_alike(said, err.text))
			return refuse_at(job, place, said);
	}
	return cli_refuse("%s", why);
}

static int apply_to_server(struct job *job)
{
	const struct reeve_node *data, *message;
	struct reeve_tree answer;
	char why[8192];
	int rc = server_ask_quietly(&job->server,
		job->is_dry ? "mutation($d: JSON!) { r: importConfiguration(document: $d, "
			      "dryRun: true) { message revision } }"
			    : "mutation($d: JSON!) { r: importConfiguration(document: $d) { "
			      "message revision } }",
		job->tree.root, &answer, &data, why, sizeof(why));

	if (rc != CLI_OK)
		return refuse_by_server(job, why);
	message = reeve_node_member(reeve_node_member(data, "r"), "message");
	printf("%s: %s\n", job->file, message != NULL ? message->text : "applied");
	reeve_tree_destroy(&answer);
	return CLI_OK;
}

static int apply_to_segment(struct job *job)
{
	uint32_t n = reeve_definitions_diff(&job->from, &job->to, NULL, NULL);
	struct reeve_definition_place place = {.kind = REEVE_DEFINITION_KINDS};
	struct reeve_error err;
	int rc = job->is_dry
			 ? try_out(job, &place, &err)
			 : reeve_definitions_apply_told(job->segment, &job->to, 0, &place, &err);

	if (rc != 0)
		return refuse_at(job, place, err.text);
	if (n == 0)
		printf("%s: No change.\n", job->file);
	else
		printf("%s: %u definition%s %s changed.\n", job->file, n, n == 1 ? "" : "s",
			job->is_dry ? "would be"
			: n == 1    ? "was"
				    : "were");
	return CLI_OK;
}

static int apply(struct job *job)
{
	int rc = read_both(job);

	if (rc != CLI_OK)
		return rc;
	return job->segment != NULL ? apply_to_segment(job) : apply_to_server(job);
}

static int export_all(struct job *job)
{
	struct reeve_tree tree;
	struct reeve_error err;
	char *text = NULL;
	size_t size;
	FILE *out;
	int rc = read_present(job, &job->from);

	if (rc != CLI_OK)
		return rc;
	out = open_memstream(&text, &size);
	if (out == NULL)
		return cli_refuse("out of memory");
	reeve_plan_write(out, &job->from);
	fclose(out);
	if (reeve_tree_parse(text, size, "", &tree, &err) != 0) {
		free(text);
		return refuse(&err);
	}
	if (job->is_json) {
		reeve_tree_write_json(stdout, tree.root);
		putchar('\n');
	} else {
		reeve_tree_write_yaml(stdout, tree.root);
	}
	reeve_tree_destroy(&tree);
	free(text);
	return CLI_OK;
}

static const struct {
	const char *name;
	int (*run)(struct job *job);
	const char *letters; /* options that it takes */
	bool wants_file;
} commands[] = {
	{"validate", validate, "h", true},
	{"diff", diff, "StsDh", true},
	{"apply", apply, "StsDnh", true},
	{"export", export_all, "StsDjh", false},
};

/* CLI_OK; negative when all is done. */
static int take_option(struct job *job, int option, const char *letters)
{
	if (option == '?' || strchr(letters, option) == NULL) {
		if (option != '?')
			cli_refuse("%s takes no -%c", job->command, option);
		return cli_bad_usage(job->command);
	}
	if (option == 'S')
		job->server.url = optarg;
	else if (option == 't')
		job->server.token_file = optarg;
	else if (option == 's')
		job->source.segment = optarg;
	else if (option == 'D')
		job->source.data = optarg;
	else if (option == 'n')
		job->is_dry = true;
	else if (option == 'j')
		job->is_json = true;
	return CLI_OK;
}

static void end_job(struct job *job)
{
	reeve_definitions_fini(&job->from);
	reeve_definitions_fini(&job->to);
	reeve_tree_destroy(&job->tree);
	reeve_close(job->segment);
}

int cli_plan(int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 'S'},
		{"token-file", required_argument, NULL, 't'},
		{"segment", required_argument, NULL, 's'},
		{"data", required_argument, NULL, 'D'},
		{"dry-run", no_argument, NULL, 'n'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct job job = {.command = argv[0], .server = server_default()};
	size_t k = 0;
	int option, rc;

	while (strcmp(commands[k].name, argv[0]) != 0)
		k++;
	while ((option = getopt_long(argc, argv, "S:t:s:D:njh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return cli_finish_output(CLI_OK);
		}
		if (take_option(&job, option, commands[k].letters) != CLI_OK)
			return CLI_CANNOT;
	}
	if (argc - optind != (commands[k].wants_file ? 1 : 0))
		return cli_refuse(
			commands[k].wants_file ? "%s wants one FILE" : "%s wants no argument",
			argv[0]);
	job.file = argv[optind];
	rc = commands[k].run(&job);
	end_job(&job);
	return cli_finish_output(rc);
}
