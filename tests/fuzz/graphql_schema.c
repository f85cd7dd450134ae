/* Any bytes as SDL: refused with words, or a schema. No field is bound, so none gets further. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "graphql/graphql.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reeve_gql_engine *engine;
	char error[256];

	if (reeve_gql_engine_create((const char *)data, size, NULL, 0, NULL, &engine, error,
		    sizeof(error)) == REEVE_GQL_OK)
		reeve_gql_engine_destroy(engine);
	else if (!error[0])
		abort();
	return 0;
}
