/* Any bytes as JSON: what is read and written again is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "graphql/graphql.h"
#include "graphql/value.h"

#define NESTING 40

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

/* The text written again; false when it is none. */
static bool rewrite(const char *text, size_t len, struct reeve_json *out)
{
	struct gql_json_error error = {0};
	struct reeve_gql_value value;
	struct gql_arena arena;
	bool ok;

	reeve_gql_arena_init(&arena, 64u << 20);
	ok = reeve_gql_json_read(&arena, text, len, NESTING, &value, &error);
	if (ok)
		reeve_gql_value_write(&value, out);
	else if (error.offset > len)
		abort();
	reeve_gql_arena_fini(&arena);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_json first, second;

	reeve_json_init(&first, 0);
	reeve_json_init(&second, 0);
	if (rewrite((const char *)data, size, &first) &&
		(!rewrite(first.data, first.len, &second) || first.len != second.len ||
			memcmp(first.data, second.data, first.len)))
		abort();
	reeve_json_fini(&first);
	reeve_json_fini(&second);
	return 0;
}
