/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entity.c - reeve ENTITY VERB: reads the arguments of a row of verbs.c, makes the request, prints the
 * answer. Nothing is sent before all arguments are read.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "follow.h"
#include "print.h"
#include "server.h"
#include "verbs.h"

#define API	  "/api/v1"
#define PATH_SIZE 2048

struct call {
	struct server server;
	const struct verb *verb;
	struct verb_argument arguments[VERB_ARGUMENTS_MAX];
	size_t argument_count;
	const char *values[VERB_ARGUMENTS_MAX]; /* as given; NULL: not */
	const char *columns;
	bool is_json, follows;
};

/* The arguments. */

static int refuse_field(const struct call *call, const char *word, size_t length)
{
	fprintf(stderr, "reeve: %s %s has no field `%.*s`; it has", call->verb->entity,
		call->verb->verb, (int)length, word);
	for (size_t i = 0; i < call->argument_count; i++)
		fprintf(stderr, " %s", call->arguments[i].name);
	fputs(call->argument_count == 0 ? " none\n" : "\n", stderr);
	return CLI_CANNOT;
}

static int put_value(struct call *call, size_t i, const char *value)
{
	if (call->values[i] != NULL)
		return cli_refuse("%s is given twice", call->arguments[i].name);
	call->values[i] = value;
	return CLI_OK;
}

/* name=value, or the next of those that may come without a name. */
static int take_word(struct call *call, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = equals != NULL ? (size_t)(equals - word) : 0;

	for (size_t i = 0; equals != NULL && i < call->argument_count; i++) {
		if (strlen(call->arguments[i].name) == length &&
			strncmp(call->arguments[i].name, word, length) == 0)
			return put_value(call, i, equals + 1);
	}
	if (equals != NULL)
		return refuse_field(call, word, length);
	for (size_t i = 0; i < call->argument_count; i++) {
		if (call->arguments[i].is_required && call->values[i] == NULL)
			return put_value(call, i, word);
	}
	return cli_refuse(
		"%s %s takes no argument `%s`", call->verb->entity, call->verb->verb, word);
}

static int check_required(const struct call *call)
{
	for (size_t i = 0; i < call->argument_count; i++) {
		if (call->arguments[i].is_required && call->values[i] == NULL)
			return cli_refuse("%s %s wants %s; `reeve help %s` says how",
				call->verb->entity, call->verb->verb, call->arguments[i].name,
				call->verb->entity);
	}
	return CLI_OK;
}

/* Values. */

/* A decimal number that JSON and 64 bits can hold. */
static bool read_number(const char *text, json_int_t *ret_number)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 ||
		strspn(text, "-0123456789") != strlen(text))
		return false;
	*ret_number = number;
	return true;
}

static int ask(const struct call *call, const char *method, const char *path, const char *body,
	struct server_answer *ret_answer);

/* The id of what has this name, by the server. */
static int resolve_name(
	const struct call *call, const char *list, const char *name, json_int_t *ret_id)
{
	char path[PATH_SIZE], coded[3 * 128 + 1];
	struct server_answer answer;
	json_t *object;
	int rc;

	if (!print_percent(coded, sizeof(coded), name))
		return cli_refuse("`%.40s...` is too long for a name", name);
	snprintf(path, sizeof(path), API "%s/by-name/%s?fields=id", list, coded);
	rc = ask(call, "GET", path, NULL, &answer);
	if (rc != CLI_OK)
		return rc;
	object = json_loadb(answer.body, answer.size, JSON_DECODE_ANY, NULL);
	*ret_id = json_integer_value(json_object_get(object, "id"));
	json_decref(object);
	free(answer.body);
	return *ret_id != 0 ? CLI_OK
			    : cli_refuse("%s answers no id for `%s`", call->server.url, name);
}

static const char *list_of_kind(char kind)
{
	return kind == 'g' ? "/groups" : kind == 'p' ? "/plans" : "/memory/pools";
}

static int read_json(const struct verb_argument *argument, const char *text, json_t **ret_value)
{
	*ret_value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	return *ret_value != NULL ? CLI_OK
				  : cli_refuse("%s: expected JSON; got `%s`", argument->name, text);
}

static int read_value(const struct call *call, size_t i, json_t **ret_value)
{
	const struct verb_argument *argument = &call->arguments[i];
	const char *text = call->values[i];
	json_int_t number = 0;
	int rc = CLI_OK;

	if (strcmp(text, "null") == 0 && !argument->is_required) {
		*ret_value = json_null();
		return CLI_OK;
	}
	switch (argument->kind) {
	case 'i':
		if (!read_number(text, &number))
			return cli_refuse("%s: expected a number; got `%s`", argument->name, text);
		*ret_value = json_integer(number);
		break;
	case 'b':
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return cli_refuse(
				"%s: expected true or false; got `%s`", argument->name, text);
		*ret_value = json_boolean(text[0] == 't');
		break;
	case 'j':
		return read_json(argument, text, ret_value);
	case 'g':
	case 'p':
	case 'm':
		if (text[0] == '\0')
			return cli_refuse("%s: expected a name or an id", argument->name);
		if (!read_number(text, &number))
			rc = resolve_name(call, list_of_kind(argument->kind), text, &number);
		if (rc == CLI_OK)
			*ret_value = json_integer(number);
		return rc;
	default:
		*ret_value = json_string(text);
		if (*ret_value == NULL)
			return cli_refuse("%s: expected UTF-8", argument->name);
		break;
	}
	return CLI_OK;
}

/* The request. */

struct request {
	char path[PATH_SIZE];
	size_t used;
	json_t *body; /* NULL: none */
	bool has_query;
};

static int add_to_path(struct request *request, const char *text, bool is_coded)
{
	char coded[PATH_SIZE];
	int length;

	if (is_coded) {
		if (!print_percent(coded, sizeof(coded), text))
			return cli_refuse("the arguments are too long");
		text = coded;
	}
	length = snprintf(
		request->path + request->used, sizeof(request->path) - request->used, "%s", text);
	if (length < 0 || request->used + (size_t)length >= sizeof(request->path))
		return cli_refuse("the arguments are too long");
	request->used += (size_t)length;
	return CLI_OK;
}

static int add_to_query(struct request *request, const char *name, const char *text)
{
	int rc = add_to_path(request, request->has_query ? "&" : "?", false);

	request->has_query = true;
	if (rc == CLI_OK)
		rc = add_to_path(request, name, false);
	if (rc == CLI_OK)
		rc = add_to_path(request, "=", false);
	return rc == CLI_OK ? add_to_path(request, text, true) : rc;
}

/* A value as a path or a query has it. */
static char *text_of_value(const json_t *value)
{
	return json_is_string(value) ? strdup(json_string_value(value))
				     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int place_value(const struct call *call, struct request *request, size_t i, json_t *value)
{
	char *text;
	int rc;

	if (request->body != NULL && !call->arguments[i].is_in_path)
		return json_object_set(request->body, call->arguments[i].name, value) == 0
			       ? CLI_OK
			       : cli_refuse("out of memory");
	text = text_of_value(value);
	if (text == NULL)
		return cli_refuse("out of memory");
	rc = call->arguments[i].is_in_path ? add_to_path(request, text, true)
					   : add_to_query(request, call->arguments[i].name, text);
	free(text);
	return rc;
}

static int add_argument(const struct call *call, struct request *request, size_t i)
{
	json_t *value = NULL;
	int rc = read_value(call, i, &value);

	if (rc == CLI_OK)
		rc = place_value(call, request, i, value);
	json_decref(value);
	return rc;
}

/* The path of the row, with the arguments that come first in their places. */
static int begin_path(const struct call *call, struct request *request)
{
	const char *text = call->verb->path;
	size_t i = 0;
	int rc = add_to_path(request, API, false);

	while (rc == CLI_OK && *text != '\0') {
		char part[200];
		size_t length = strcspn(text, "{");

		snprintf(part, sizeof(part), "%.*s", (int)length, text);
		rc = add_to_path(request, part, false);
		text += length;
		if (rc == CLI_OK && *text == '{') {
			rc = add_argument(call, request, i++);
			text += strcspn(text, "}") + 1;
		}
	}
	return rc;
}

static int make_request(const struct call *call, struct request *request)
{
	bool has_body =
		strcmp(call->verb->method, "POST") == 0 || strcmp(call->verb->method, "PATCH") == 0;
	int rc;

	if (has_body && call->verb->arguments[0] != '\0')
		request->body = json_object();
	rc = begin_path(call, request);
	for (size_t i = 0; rc == CLI_OK && i < call->argument_count; i++) {
		if (call->values[i] != NULL && !call->arguments[i].is_in_path)
			rc = add_argument(call, request, i);
	}
	if (rc == CLI_OK && call->columns != NULL && strcmp(call->verb->method, "DELETE") != 0)
		rc = add_to_query(request, "fields", call->columns);
	return rc;
}

/* The answer. */

/* CLI_OK with an answer that is to be freed; else all has been said. */
static int ask(const struct call *call, const char *method, const char *path, const char *body,
	struct server_answer *ret_answer)
{
	struct server_answer answer;
	char why[2048];
	int rc = server_request(&call->server, method, path, body, &answer);

	if (rc != CLI_OK)
		return rc;
	if (answer.status >= 200 && answer.status < 300) {
		*ret_answer = answer;
		return CLI_OK;
	}
	server_problem(&answer, why, sizeof(why));
	free(answer.body);
	cli_refuse("%s", why);
	return CLI_PROBLEM;
}

static bool is_given(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->argument_count; i++) {
		if (strcmp(call->arguments[i].name, name) == 0)
			return call->values[i] != NULL;
	}
	return false;
}

/* Both are lists: adds what the second holds to the first. False when memory is short. */
static bool append_list(char **to, const char *list)
{
	char *end = strrchr(*to, ']'), *both;
	const char *begin = strchr(list, '[');
	size_t length;

	if (end == NULL || begin == NULL || begin[1] == ']')
		return true;
	length = (size_t)(end - *to);
	both = realloc(*to, length + strlen(begin) + 1);
	if (both == NULL)
		return false;
	/* a page that has a next one is full, and so not empty */
	both[length] = ',';
	strcpy(both + length + 1, begin + 1);
	*to = both;
	return true;
}

/* All pages of a list, unless it is limited, or what there is otherwise; *ret_text is for free(). */
static int fetch(const struct call *call, const char *path, const char *body, char **ret_text)
{
	char next[PATH_SIZE], *text = NULL;
	int rc = CLI_OK;

	snprintf(next, sizeof(next), "%s", path);
	while (rc == CLI_OK && next[0] != '\0') {
		struct server_answer answer;

		rc = ask(call, call->verb->method, next, body, &answer);
		if (rc != CLI_OK)
			break;
		snprintf(next, sizeof(next), "%s", is_given(call, "limit") ? "" : answer.next);
		if (text == NULL) {
			text = answer.body;
			continue;
		}
		if (!append_list(&text, answer.body))
			rc = cli_refuse("out of memory");
		free(answer.body);
	}
	if (rc != CLI_OK) {
		free(text);
		return rc;
	}
	*ret_text = text;
	return CLI_OK;
}

/*
 * jansson refuses whole numbers above 2^63, which virtual runtimes reach: they become texts. *ret_value
 * is NULL for an empty answer.
 */
static int parse(const struct call *call, const char *text, json_t **ret_value)
{
	char *tamed = print_quote_long_numbers(text);

	*ret_value = NULL;
	if (tamed == NULL)
		return cli_refuse("out of memory");
	if (tamed[0] != '\0')
		*ret_value = json_loads(tamed, JSON_DECODE_ANY, NULL);
	free(tamed);
	if (text[0] != '\0' && *ret_value == NULL)
		return cli_refuse("%s answers what is not JSON; is that reeved?", call->server.url);
	return CLI_OK;
}

static int print_answer(const struct call *call, const char *text)
{
	const char *columns = call->columns != NULL ? call->columns : call->verb->columns;
	json_t *value;
	int rc;

	if (call->is_json) {
		if (text[0] != '\0')
			puts(text);
		return CLI_OK;
	}
	rc = parse(call, text, &value);
	if (rc != CLI_OK)
		return rc;
	if (json_is_array(value))
		print_list(value, columns != NULL ? columns : "*");
	else if (json_is_object(value))
		print_object(value, call->columns);
	else if (value == NULL || json_is_null(value))
		puts(value != NULL ? "none" : "done");
	else
		print_value(value);
	json_decref(value);
	return CLI_OK;
}

static int follow_events(const struct call *call)
{
	json_t *variables = json_object();
	int rc = CLI_OK;

	for (size_t i = 0; rc == CLI_OK && i < call->argument_count; i++) {
		json_t *value = NULL;
		const char *name = call->arguments[i].name;

		if (call->values[i] == NULL)
			continue;
		rc = read_value(call, i, &value);
		if (rc == CLI_OK)
			json_object_set(variables,
				strcmp(name, "after") == 0 ? "afterSequence" : name, value);
		json_decref(value);
	}
	if (rc == CLI_OK)
		rc = follow(&call->server, variables, call->is_json ? NULL : call->verb->columns);
	json_decref(variables);
	return rc;
}

static int run(const struct call *call)
{
	struct request request = {.used = 0};
	char *body = NULL, *text = NULL;
	int rc = call->follows ? follow_events(call) : make_request(call, &request);

	if (call->follows)
		return rc;
	if (rc == CLI_OK && request.body != NULL) {
		body = json_dumps(request.body, JSON_COMPACT);
		if (body == NULL)
			rc = cli_refuse("out of memory");
	}
	if (rc == CLI_OK) {
		rc = fetch(call, request.path, body, &text);
		if (rc == CLI_OK)
			rc = print_answer(call, text);
	}
	json_decref(request.body);
	free(body);
	free(text);
	return rc;
}

/* The command line. */

/* -1: go on; else the exit status. */
static int read_options(struct call *call, int argc, char **argv)
{
	static const struct option options[] = {
		{"server", required_argument, NULL, 'S'},
		{"token-file", required_argument, NULL, 't'},
		{"columns", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"follow", no_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "S:t:c:jfh", options, NULL)) != -1) {
		if (option == 'S')
			call->server.url = optarg;
		else if (option == 't')
			call->server.token_file = optarg;
		else if (option == 'c')
			call->columns = optarg;
		else if (option == 'j')
			call->is_json = true;
		else if (option == 'f')
			call->follows = true;
		else if (option == 'h')
			return help_entity(stdout, argv[0]), cli_finish_output(CLI_OK);
		else
			return cli_bad_usage(argv[0]);
	}
	if (call->columns != NULL && call->columns[0] == '\0')
		return cli_refuse("--columns takes names with commas between them");
	return -1;
}

/* The verb is the first word; of events, `list` may be left out. */
static int find_verb(struct call *call, const char *entity, const char *word, int *first)
{
	call->verb = verb_find(entity, word);
	if (call->verb != NULL)
		(*first)++;
	else if (strcmp(entity, "events") == 0 && (word == NULL || strchr(word, '=') != NULL))
		call->verb = verb_find(entity, "list");
	if (call->verb == NULL && word == NULL)
		return cli_refuse("%s wants a command; `reeve help %s` lists them", entity, entity);
	if (call->verb == NULL)
		return cli_refuse(
			"%s has no command `%s`; `reeve help %s` lists them", entity, word, entity);
	call->argument_count = verb_arguments(call->verb, call->arguments);
	return CLI_OK;
}

int cli_entity(int argc, char **argv)
{
	struct call call = {.server = server_default()};
	int rc = read_options(&call, argc, argv), first = optind;

	if (rc >= 0)
		return rc;
	rc = find_verb(&call, argv[0], argv[first], &first);
	if (rc == CLI_OK && call.follows && strcmp(argv[0], "events") != 0)
		rc = cli_refuse("--follow is for events");
	for (int i = first; rc == CLI_OK && i < argc; i++)
		rc = take_word(&call, argv[i]);
	if (rc == CLI_OK)
		rc = check_required(&call);
	if (rc == CLI_OK)
		rc = run(&call);
	return cli_finish_output(rc);
}
