/* What the two halves of the parser share: parse.c (executable) and parse_sdl.c (types). */
#ifndef REEVE_DAEMON_GRAPHQL_PARSE_H
#define REEVE_DAEMON_GRAPHQL_PARSE_H

#include "graphql/syntax.h"

struct gql_parser {
	struct gql_lexer lexer;
	struct gql_token token; /* the one to be read next */
	uint32_t last_end;	/* where the token before it ended */
	uint32_t tokens, nesting;
	struct gql_parse *parse;
};

/* Goes on to the next token. */
void reeve_gql_parser_advance(struct gql_parser *p);
/* Consumes a token of the kind; false if the next is another. */
bool reeve_gql_parser_skip(struct gql_parser *p, enum gql_token_kind kind);
void reeve_gql_parser_expect(struct gql_parser *p, enum gql_token_kind kind);
bool reeve_gql_parser_peek_keyword(const struct gql_parser *p, const char *word);
bool reeve_gql_parser_skip_keyword(struct gql_parser *p, const char *word);
void reeve_gql_parser_expect_keyword(struct gql_parser *p, const char *word);
void reeve_gql_parser_unexpected(struct gql_parser *p) __attribute__((noreturn));
/* Each bracket within brackets counts one; the limit is an error. */
void reeve_gql_parser_enter(struct gql_parser *p);
void reeve_gql_parser_leave(struct gql_parser *p);

struct gql_name reeve_gql_parser_name(struct gql_parser *p);
/* A description if there is one, else NULL. */
const char *reeve_gql_parser_description(struct gql_parser *p);
struct gql_ast_type *reeve_gql_parser_type(struct gql_parser *p);
struct gql_ast_value *reeve_gql_parser_value(struct gql_parser *p, bool constant);
struct gql_ast_directive *reeve_gql_parser_directives(struct gql_parser *p, bool constant);

/* A type system definition, of which the description has been read. NULL if the next token starts
 * none. */
struct gql_ast_definition *reeve_gql_parser_type_system(
	struct gql_parser *p, uint32_t pos, const char *description);

#endif
