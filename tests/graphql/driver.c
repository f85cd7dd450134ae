/*
 * Speaks to diff.mjs: one JSON object a line in, one a line out.
 *
 *	driver schema.graphql
 *	{"validate": "document"}                        {"ok":true} or {"errors":[...]}
 *	{"query": ..., "variables": ..., "operationName": ...}     the complete answer
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/value.h"
#include "toy.h"

static void validate(struct toy *toy, const struct reeve_gql_value *text, struct reeve_json *out)
{
	struct reeve_gql_document *document;

	if (reeve_gql_document_acquire(toy->engine, text->text, text->count, &document, out))
		return;
	reeve_gql_document_release(document);
	reeve_json_object_begin(out);
	reeve_json_key(out, "ok");
	reeve_json_bool(out, true);
	reeve_json_object_end(out);
}

static void execute(struct toy *toy, const struct reeve_gql_value *request, struct reeve_json *out)
{
	const struct reeve_gql_value *query = reeve_gql_value_member(request, "query");
	const struct reeve_gql_value *variables = reeve_gql_value_member(request, "variables");
	struct reeve_gql_params params = {0};
	struct reeve_gql_document *document;
	struct reeve_json text;

	reeve_gql_value_str(
		reeve_gql_value_member(request, "operationName"), &params.operation_name);
	reeve_json_init(&text, 0);
	if (reeve_gql_value_given(variables) == REEVE_GQL_GIVEN) {
		reeve_gql_value_write(variables, &text);
		params.variables = text.data;
		params.variables_len = text.len;
	}
	if (!reeve_gql_document_acquire(toy->engine, query->text, query->count, &document, out)) {
		reeve_gql_execute(toy->engine, document, &params, out);
		reeve_gql_document_release(document);
	}
	reeve_json_fini(&text);
}

static void serve_line(struct toy *toy, const char *line, size_t len)
{
	const struct reeve_gql_value *check;
	struct reeve_gql_value request;
	struct gql_json_error error;
	struct gql_arena arena;
	struct reeve_json out;

	reeve_gql_arena_init(&arena, 64u << 20);
	reeve_json_init(&out, 0);
	if (!reeve_gql_json_read(&arena, line, len, 100, &request, &error)) {
		fprintf(stderr, "driver: %s at byte %u\n", error.message, error.offset);
		exit(2);
	}
	check = reeve_gql_value_member(&request, "validate");
	if (check->kind == REEVE_GQL_VALUE_STRING)
		validate(toy, check, &out);
	else
		execute(toy, &request, &out);
	reeve_json_raw(&out, "\n", 1);
	fwrite(out.data, 1, out.len, stdout);
	fflush(stdout);
	reeve_json_fini(&out);
	reeve_gql_arena_fini(&arena);
}

int main(int argc, char **argv)
{
	struct reeve_gql_options options;
	size_t cap = 0;
	char *line = NULL;
	struct toy toy;
	ssize_t n;

	if (argc != 2) {
		fprintf(stderr, "usage: driver schema.graphql\n");
		return 2;
	}
	/* The limits are ours alone; here the two must agree. */
	reeve_gql_options_init(&options);
	options.max_document_bytes = 1u << 20;
	options.max_tokens = options.max_fields = options.max_aliases = 1u << 20;
	options.max_depth = options.max_nesting = 400;
	options.max_errors = 1000000;
	options.max_cost = UINT64_MAX;
	toy_open(&toy, argv[1], &options);
	while ((n = getline(&line, &cap, stdin)) > 0)
		serve_line(&toy, line, (size_t)n);
	free(line);
	toy_close(&toy);
	return 0;
}
