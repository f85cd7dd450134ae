/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c - see follow.h. */
#include "follow.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "print.h"

#define QUERY                                                                                      \
	"subscription($after: UInt64!, $kinds: [EventKind!]) { resourceEvents(afterSequence: "     \
	"$after, kinds: $kinds) { sequence at kind severity message groupId sessionId planId "     \
	"queryId errorCode details } }"

struct follower {
	const char *columns;
	json_int_t left; /* negative: without end */
	int status;
};

static int tell_errors(const json_t *answer)
{
	const char *text = json_string_value(
		json_object_get(json_array_get(json_object_get(answer, "errors"), 0), "message"));

	cli_refuse("%s", text != NULL ? text : "the server answers what is no event");
	return CLI_PROBLEM;
}

static bool take_event(void *arg, const char *text)
{
	struct follower *follower = arg;
	char *tamed = print_quote_long_numbers(text);
	json_t *answer = tamed != NULL ? json_loads(tamed, 0, NULL) : NULL;
	const json_t *event = json_object_get(json_object_get(answer, "data"), "resourceEvents");
	const json_t *gap = json_object_get(json_object_get(answer, "extensions"), "gap");

	if (gap != NULL)
		fprintf(stderr,
			"reeve: events %lld to %lld were overwritten before they were read\n",
			(long long)json_integer_value(json_object_get(gap, "from")),
			(long long)json_integer_value(json_object_get(gap, "to")));
	if (!json_is_object(event)) {
		follower->status = tell_errors(answer);
	} else if (follower->columns != NULL) {
		print_line(event, follower->columns);
	} else {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	}
	if (follower->status == CLI_OK && (fflush(stdout) != 0 || ferror(stdout)))
		follower->status = CLI_CANNOT;
	json_decref(answer);
	free(tamed);
	return follower->status == CLI_OK && (follower->left < 0 || --follower->left > 0);
}

static char *body_of(const json_t *variables)
{
	const json_t *after = json_object_get(variables, "afterSequence");
	const json_t *kinds = json_object_get(variables, "kinds");
	json_t *body = json_pack("{s:s, s:{s:I, s:O?}}", "query", QUERY, "variables", "after",
		json_integer_value(after), "kinds", kinds);
	char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	return text;
}

int follow(const struct server *server, const json_t *variables, const char *columns)
{
	const json_t *limit = json_object_get(variables, "limit");
	struct follower follower = {.columns = columns,
		.left = limit != NULL ? json_integer_value(limit) : -1,
		.status = CLI_OK};
	struct server_answer answer = {0};
	char *body, why[2048];
	int rc;

	if (limit != NULL && follower.left < 1)
		return cli_refuse("limit: expected a number from 1");
	body = body_of(variables);
	if (body == NULL)
		return cli_refuse("out of memory");
	rc = server_stream(server, body, take_event, &follower, &answer, why, sizeof(why));
	free(body);
	if (rc != CLI_OK)
		return cli_refuse("%s", why);
	if (answer.status != 200 && follower.status == CLI_OK) {
		json_t *problem = json_loadb(answer.body, answer.size, 0, NULL);
		if (json_object_get(problem, "errors") != NULL) {
			follower.status = tell_errors(problem);
		} else {
			server_problem(&answer, why, sizeof(why));
			cli_refuse("%s", why);
			follower.status = CLI_PROBLEM;
		}
		json_decref(problem);
	}
	free(answer.body);
	return follower.status;
}
