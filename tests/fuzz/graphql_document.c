/* Any bytes as a request text: parse, validate, compile, execute every operation. */
#include <stdlib.h>

#include "graphql/document.h"
#include "fuzz.h"
#include "toy.h"

static struct toy toy;

static void close_engine(void)
{
	toy_close(&toy);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct reeve_gql_options options;

	(void)argc;
	(void)argv;
	reeve_gql_options_init(&options);
	/* A small cache sees evictions; small answers keep the fuzzer quick. */
	options.cache_entries = 8;
	options.max_response_bytes = 1u << 20;
	options.max_fields = 512;
	toy_open(&toy, TOY_SCHEMA, &options);
	atexit(close_engine);
	return 0;
}

static void run_operations(const struct reeve_gql_document *document)
{
	struct reeve_gql_params params = {
		.variables = "{\"v0\":1,\"v1\":\"RED\",\"v2\":[1,2]}", .variables_len = 33};
	struct reeve_gql_value answer;
	struct gql_json_error error;
	struct gql_arena arena;
	struct reeve_json out;
	uint32_t i;

	for (i = 0; i < document->n_operations; i++) {
		reeve_json_init(&out, 0);
		params.operation_name = document->operations[i].name;
		reeve_gql_execute(toy.engine, document, &params, &out);
		/* Whatever happened, the answer is JSON. */
		reeve_gql_arena_init(&arena, 64u << 20);
		if (!reeve_gql_json_read(&arena, out.data, out.len, 200, &answer, &error))
			abort();
		reeve_gql_arena_fini(&arena);
		reeve_json_fini(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_gql_document *document;
	struct reeve_json out;

	reeve_json_init(&out, 0);
	if (reeve_gql_document_acquire(toy.engine, (const char *)data, size, &document, &out) ==
		REEVE_GQL_OK) {
		run_operations(document);
		reeve_gql_document_release(document);
	} else if (!reeve_json_ok(&out) || !out.len) {
		abort();
	}
	reeve_json_fini(&out);
	return 0;
}
