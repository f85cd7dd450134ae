/*
 * Validation of a request text: section 5 of the specification, all of it, and the limits.
 *
 * validate.c walks the document once with types at hand and judges everything local. On the way it
 * leaves in each operation and fragment what the rules on the whole document need (struct
 * gql_facts). rules.c judges those: fragments, variables, operations. overlap.c judges whether
 * fields that answer under one name agree. measure.c adds up what an operation costs.
 *
 * Messages are worded as graphql-js 16 has them, without its suggestions.
 */
#ifndef REEVE_DAEMON_GRAPHQL_VALIDATE_H
#define REEVE_DAEMON_GRAPHQL_VALIDATE_H

#include "graphql/types.h"

/* As graphql-js: after so many errors validation stops. */
#define GQL_MAX_VALIDATION_ERRORS 100u

/* An error with places in the text. */
struct gql_error {
	const char *message;
	uint32_t n_places;
	uint32_t *places; /* byte offsets */
	struct gql_error *next;
};

struct gql_errors {
	struct gql_error *first, **tail;
	uint32_t count;
};

/* A limit that an operation is over. */
struct gql_excess {
	const char *limit; /* "depth", "aliases", "fields"; NULL = none */
	uint64_t value, maximum;
	uint32_t pos;
};

struct gql_validation {
	/* In. */
	const struct gql_schema *schema;
	const struct reeve_gql_options *options;
	struct gql_arena *arena;   /* of the document: types that variables need */
	struct gql_arena *scratch; /* everything else; must be kept while errors are read */
	struct gql_ast_definition *definitions;
	/* Out. */
	struct gql_errors errors;
	struct gql_excess excess;
};

/* True if the document is valid and within the limits. Both arenas must have a bail set. */
bool reeve_gql_validate(struct gql_validation *validation);

/* ---- shared by the files of the validator ---- */

/* Use of a variable. */
struct gql_usage {
	const struct gql_ast_value *node;
	const struct gql_type *type; /* of the place; NULL = anything goes */
	bool has_default;	     /* the place has a default */
	struct gql_usage *next;
};

/* A fragment spread within a definition, at any depth. */
struct gql_spread {
	struct gql_ast_selection *node;
	struct gql_spread *next;
};

/* What one operation costs, or one spread of a fragment. Saturating. */
struct gql_cost {
	uint32_t fields, aliases, depth;
};

struct gql_facts {
	struct gql_usage *usages, **usages_tail;
	struct gql_spread *spreads, **spreads_tail;
	struct gql_facts
		*named; /* of the fragment that this name means; itself, if names are unique */
	bool visited;	/* scratch of a walk over fragments */
	bool used;	/* reached from an operation */
	bool measured;
	int path_index; /* cycles: place on the path, -1 = not on it */
	uint32_t stamp; /* overlap: last set that took this fragment in */
	struct gql_cost cost;
};

struct gql_validator {
	struct gql_validation *v;
	struct gql_map fragments; /* name -> struct gql_ast_definition, last of each name */
	struct gql_facts *facts;  /* of the definition being walked */
	bool cyclic;		  /* fragments must not be walked */
	bool has_twins;		  /* fragments of one name */
	jmp_buf stop;		  /* too many errors */
};

/* Adds an error; longjmps to v->stop at the limit. */
void reeve_gql_report(struct gql_validator *v, const uint32_t *places, uint32_t n_places,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void reeve_gql_report_at(struct gql_validator *v, uint32_t pos, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Names in messages: long ones are cut. */
#define GQL_NAME_ARG(name) (int)((name).len > 200 ? 200 : (name).len), (name).text

void reeve_gql_check_value(struct gql_validator *v, const struct gql_ast_value *value,
	const struct gql_type *type, bool has_default);
void reeve_gql_check_arguments(struct gql_validator *v, const struct gql_ast_arg *args,
	const struct gql_input *inputs, uint32_t n_inputs, bool known, const char *owner,
	const char *whose, uint32_t owner_pos);
void reeve_gql_check_directives(
	struct gql_validator *v, const struct gql_ast_directive *directives, const char *location);

void reeve_gql_check_document(struct gql_validator *v);
void reeve_gql_check_overlaps(struct gql_validator *v);
void reeve_gql_check_limits(struct gql_validator *v);

#endif
