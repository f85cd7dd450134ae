/*
 * An engine over any schema whose answers depend on nothing but names: for a field called f of n
 * letters
 *
 *	Int n, Float n + 0.5, String and ID "f", Boolean whether n is even, UInt64 2^64-1,
 *	DateTime "2026-01-31T09:00:00Z", TimeOfDay "09:00", JSON {"k": "f"}, an enum its value
 *	number n modulo their count, an abstract type its possible type number n likewise;
 *	lists have two items, the second null if f contains "Holes";
 *	f beginning with "failing" fails with "boom f", with "broken" is null;
 *	"echo" gives its arguments.
 *
 * diff.mjs has the same resolvers for graphql-js. Fields whose name begins with "slow" are bound as
 * BLOCKING.
 */
#ifndef REEVE_TESTS_GRAPHQL_TOY_H
#define REEVE_TESTS_GRAPHQL_TOY_H

#include "graphql/graphql.h"

struct toy {
	struct reeve_gql_engine *engine;
	char *sdl;
	struct reeve_gql_binding *rows;
	void *arena; /* of the names in rows */
};

/* Exits with a message if the schema is not right. */
void toy_open(struct toy *toy, const char *sdl_path, const struct reeve_gql_options *options);
void toy_open_text(struct toy *toy, const char *sdl, const struct reeve_gql_options *options);
void toy_close(struct toy *toy);

/* Runs a document (variables as JSON text or NULL); the answer as a NUL-terminated string to be
 * freed. */
char *toy_run(struct toy *toy, const char *document, const char *operation, const char *variables);

/* A whole file, NUL-terminated, to be freed; exits with a message if it cannot be read. */
char *toy_read_file(const char *path, size_t *ret_len);

#endif
