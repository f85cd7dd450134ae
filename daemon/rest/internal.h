/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - the parts of REST among themselves.
 *
 *	routes    the table
 *	compile   rows and schema to routes: inputs, documents
 *	select    what is asked of an object
 *	request   the route, and the document with variables
 *	values    what was given in path, query, headers and body
 *	answer    the GraphQL answer to a reply; problems (RFC 9457)
 *	openapi   the document
 */
#ifndef REEVE_DAEMON_REST_INTERNAL_H
#define REEVE_DAEMON_REST_INTERNAL_H

#include "graphql/types.h"
#include "graphql/value.h"
#include "rest/rest.h"

#include <reeve/errors.h>

#define REST_MAX_PARAMS 4u /* in a path */

/* One route, as it is written. */
struct rest_row {
	const char *method; /* GET, POST, PATCH, DELETE */
	const char *path;   /* below the root; {name} is the argument of that name */
	const char *field;  /* of Query for GET, else of Mutation; NULL: a text of our own */
	int status;
	const char *member;   /* of the field's object, that is the answer; NULL: all of it */
	const char *location; /* path of what was made; {name} is a member of the answer */
	const char *cursor;   /* member of an item that `after` takes */
	const char *summary;
};

extern const struct rest_row rest_rows[];
extern const size_t rest_n_rows;

enum rest_place { REST_PATH, REST_QUERY, REST_BODY, REST_IF_MATCH };

/* One thing that a request can give. */
struct rest_input {
	const char *name; /* what REST calls it */
	enum rest_place place;
	bool is_required;
	const struct gql_input *arg; /* of the field */
	const struct gql_input *def; /* the argument itself, or a member of its input object */
};

struct rest_route {
	const struct rest_row *row;
	const struct gql_field *field; /* NULL: a text of our own */
	const struct gql_type *answer; /* type of the answer, with its wrappings */
	const struct gql_type *type;   /* its innermost type */
	bool is_list;
	struct rest_input *inputs;
	uint32_t n_inputs;
	struct rest_input *after, *limit; /* paging; NULL: none */
	struct rest_input *if_match;	  /* NULL: nothing to match */
	bool has_body;
	const struct rest_route *shown; /* of PATCH: GET of the same path, answered after it */
	const char *head;		/* document up to the selection */
	const char *document;		/* with the usual selection */
	const char *lead;		/* what a good answer begins with */
	uint32_t tail;			/* and how many braces end it */
};

struct reeved_rest {
	struct reeve_gql_engine *engine;
	const struct gql_schema *schema;
	struct gql_arena arena;
	struct rest_route *routes;
	uint32_t n_routes;
	struct reeve_json openapi, problems;
};

struct rest_span {
	const char *text;
	size_t len;
};

struct reeved_rest_call {
	const struct reeved_rest *rest;
	struct reeve_http_request request;
	const struct rest_route *route;
	struct gql_arena arena;
	struct reeve_gql_value *values; /* one for each input; ABSENT: not given */
	struct rest_span params[REST_MAX_PARAMS];
	const char *fields; /* ?fields=, or NULL */
	bool is_changed;    /* a PATCH is done, and route is what shows it */
	struct reeve_json ask, body;
	struct reeve_http_reply reply;
};

/* compile.c */
bool rest_compile(struct reeved_rest *rest, struct reeve_error *err);
/* The route of a path template and method, or NULL. */
const struct rest_route *rest_find_route(
	const struct reeved_rest *rest, const char *path, const char *method);

/* select.c: a field that can be asked for without arguments. */
bool rest_is_selectable(const struct gql_field *field);
/* What is asked for when nothing is said: leaves; and, one level deep, objects with their leaves, and
 * lists of objects that have no address of their own. */
bool rest_is_usual(const struct reeved_rest *rest, const struct gql_field *field, bool is_top);
/* Writes {...}. `chosen`: "a,b", all of which are fields of the type; NULL: what is usual. `always`
 * is added; it may be NULL. */
void rest_write_selection(const struct reeved_rest *rest, const struct gql_type *type,
	const char *chosen, const char *always, struct reeve_json *out);
/* The next name of "a,b"; false at the end. */
bool rest_next_name(const char **at, struct rest_span *ret_name);
static inline bool rest_is_list(const struct gql_type *type)
{
	return reeve_gql_type_nullable(type)->kind == GQL_LIST;
}
const struct gql_field *rest_find_field(const struct gql_type *type, const char *name, size_t len);

/* values.c: fills call->values and ->fields; false after replying. */
bool rest_take_values(struct reeved_rest_call *call);

/* openapi.c */
void rest_write_openapi(const struct reeved_rest *rest, struct reeve_json *out);

/* answer.c: a value, and no error. */
bool rest_is_good(const struct rest_route *route, const struct reeve_gql_http_response *response);
/* The list behind the problems' `type`. */
void rest_write_problems(struct reeve_json *out);
/* Replies with a problem of this code; `status` 0: the code's own. `field` may be NULL. */
__attribute__((format(printf, 5, 6))) enum reeved_rest_step rest_refuse(
	struct reeved_rest_call *call, int status, const char *code, const char *field,
	const char *format, ...);
#define rest_bad_request(call, field, ...)                                                         \
	rest_refuse(call, 400, "INVALID_ARGUMENT", field, __VA_ARGS__)

#endif
