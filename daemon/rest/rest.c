/* SPDX-License-Identifier: Apache-2.0 */
/* rest.c - the routes' life; see rest.h. */
#include "rest/internal.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_ARENA_BYTES ((size_t)16 << 20)

int reeved_rest_create(
	struct reeve_gql_engine *engine, struct reeved_rest **ret_rest, struct reeve_error *err)
{
	struct reeved_rest *rest = calloc(1, sizeof(*rest));
	err->code = REEVE_EINTERNAL;
	snprintf(err->text, sizeof(err->text), "routes: out of memory");
	if (rest == NULL)
		return REEVE_EINTERNAL;
	rest->engine = engine;
	rest->schema = reeve_gql_engine_schema(engine);
	reeve_gql_arena_init(&rest->arena, MAX_ARENA_BYTES);
	reeve_json_init(&rest->openapi, 0);
	reeve_json_init(&rest->problems, 0);
	if (rest_compile(rest, err)) {
		rest_write_openapi(rest, &rest->openapi);
		rest_write_problems(&rest->problems);
		if (reeve_json_ok(&rest->openapi) && reeve_json_ok(&rest->problems)) {
			*ret_rest = rest;
			return 0;
		}
	}
	reeved_rest_destroy(rest);
	return REEVE_EINTERNAL;
}

void reeved_rest_destroy(struct reeved_rest *rest)
{
	if (rest == NULL)
		return;
	reeve_gql_arena_fini(&rest->arena);
	reeve_json_fini(&rest->openapi);
	reeve_json_fini(&rest->problems);
	free(rest);
}
