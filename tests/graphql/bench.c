/*
 * Time of one cached query, from HTTP body to answer, on one thread.
 *
 *	graphql_bench toy.graphql [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "toy.h"

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void run(struct reeve_gql_call *call, const char *body)
{
	struct reeve_gql_http_request request = {.method = "POST",
		.content_type = "application/json",
		.accept = "application/json",
		.body = {body, strlen(body)}};
	struct reeve_gql_http_response answer;

	if (reeve_gql_call_begin(call, &request) != REEVE_GQL_CALL_READY)
		exit(1);
	reeve_gql_call_run(call, NULL, NULL);
	reeve_gql_call_response(call, &answer);
	if (answer.status != 200)
		exit(1);
	reeve_gql_call_reset(call);
}

/* ns of one request over `rounds`. */
static double measure(struct toy *toy, const char *body, long rounds)
{
	struct reeve_gql_call *call = reeve_gql_call_create(toy->engine);
	double start;
	long i;

	for (i = 0; i < rounds / 10 + 1; i++)
		run(call, body);
	start = now_ns();
	for (i = 0; i < rounds; i++)
		run(call, body);
	start = now_ns() - start;
	reeve_gql_call_destroy(call);
	return start / (double)rounds;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what, *body;
		bool cached;
	} cases[] = {
		{"small, cached", "{\"query\":\"{ version count person { id name age } }\"}", true},
		{"small, not cached", "{\"query\":\"{ version count person { id name age } }\"}",
			false},
		{"variables",
			"{\"query\":\"query Q($id: UInt64!, $n: Int) { person(id: $id) { id name } "
			"echo(int: $n, point: {x: 1}) }\",\"variables\":{\"id\":7,\"n\":3}}",
			true},
		{"one skip by variable",
			"{\"query\":\"query Q($s: Boolean!) { version count @skip(if: $s) "
			"person { id name age } }\",\"variables\":{\"s\":false}}",
			true},
		{"interface lists",
			"{\"query\":\"{ animals { id name friends { id name friends { id name "
			"} } } }\"}",
			true},
		{"types of the schema",
			"{\"query\":\"{ __schema { types { name kind fields { name type { "
			"name } } } } }\"}",
			true},
	};
	long rounds = argc > 2 ? atol(argv[2]) : 100000;
	struct reeve_gql_options options;
	struct toy toy;
	size_t i;

	if (argc < 2)
		return 2;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reeve_gql_options_init(&options);
		if (!cases[i].cached)
			options.cache_entries = 0;
		toy_open(&toy, argv[1], &options);
		printf("%-24s %8.0f ns\n", cases[i].what, measure(&toy, cases[i].body, rounds));
		toy_close(&toy);
	}
	return 0;
}
