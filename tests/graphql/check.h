/* Short forms for the tests of the engine. */
#ifndef REEVE_TESTS_GRAPHQL_CHECK_H
#define REEVE_TESTS_GRAPHQL_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "toy.h"

/* Path of the toy schema, from the build; the default is for the root of the tree. */
#ifndef TOY_SCHEMA
#define TOY_SCHEMA "tests/graphql/toy.graphql"
#endif

static inline int open_toy(void **state)
{
	struct toy *toy = malloc(sizeof(*toy));

	toy_open(toy, TOY_SCHEMA, NULL);
	*state = toy;
	return 0;
}

static inline int close_toy(void **state)
{
	toy_close(*state);
	free(*state);
	return 0;
}

/* The complete answer of a document. */
static inline void check_answer(
	struct toy *toy, const char *document, const char *variables, const char *answer)
{
	char *text = toy_run(toy, document, NULL, variables);

	assert_string_equal(text, answer);
	free(text);
}

/* The answer has the text in it somewhere. */
static inline void check_contains(
	struct toy *toy, const char *document, const char *variables, const char *part)
{
	char *text = toy_run(toy, document, NULL, variables);

	if (!strstr(text, part))
		fail_msg("%s\nlacks\n%s\nfor\n%s", text, part, document);
	free(text);
}

/* The answer is errors only, and the message is among them. */
static inline void check_refused(
	struct toy *toy, const char *document, const char *variables, const char *message)
{
	char *text = toy_run(toy, document, NULL, variables);

	if (strncmp(text, "{\"errors\":[", 11) || !strstr(text, message))
		fail_msg("%s\nis no refusal with\n%s\nfor\n%s", text, message, document);
	free(text);
}

/* The answer has data and no errors. */
static inline void check_fine(struct toy *toy, const char *document, const char *variables)
{
	char *text = toy_run(toy, document, NULL, variables);

	if (strncmp(text, "{\"data\":{", 9) || strstr(text, "\"errors\":"))
		fail_msg("%s\nfor\n%s", text, document);
	free(text);
}

#endif
