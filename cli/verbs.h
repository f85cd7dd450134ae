/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs.h - the commands that go to reeved over REST, as one table: their arguments, the request that
 * each is, and the columns of its answer. Help, the manual page and completion are made from it.
 */
#ifndef REEVE_CLI_VERBS_H
#define REEVE_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct verb {
	const char *entity, *verb;
	const char *method;
	const char
		*path; /* below /api/v1; each {...} is an argument of its own, as in `arguments` */
	/*
	 * What else it takes, by blanks: a name as REST has it, then ":" and a letter for what it is
	 * other than text: i number, b true or false, j JSON; g, p, m the name or id of a consumer group,
	 * a plan, a memory pool. A "!" at the end: required, and may be given without its name.
	 */
	const char *arguments;
	const char *columns; /* of a list; NULL: answers one object, or nothing */
	const char *summary;
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* One argument of a verb, as read from the table. */
struct verb_argument {
	char name[40];
	char kind; /* 't' text, or as above */
	bool is_required, is_in_path;
};
enum { VERB_ARGUMENTS_MAX = 40 };

/* All arguments of a verb, those of the path first. Returns how many. */
size_t verb_arguments(const struct verb *verb, struct verb_argument to[VERB_ARGUMENTS_MAX]);

/* NULL: there is none. `word` may be NULL. */
const struct verb *verb_find(const char *entity, const char *word);
bool verb_entity_exists(const char *entity);

/* help.c: what there is, for people, man(1) and completion. */
void help_entities(FILE *out);
void help_entity(FILE *out, const char *entity);

#endif
