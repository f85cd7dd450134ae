/*
 * From text to syntax tree: executable documents and type definitions in one grammar.
 *
 * The tree lives in the arena that the parser was given, and its names and numbers point into the
 * text, which must live as long. Strings are decoded into the arena. Lists are linked by `next`, in
 * document order. Places are byte offsets; reeve_gql_locate() turns one into line and column when
 * an error needs it.
 *
 * `type X`, `extend` and the like parse in any document, as graphql-js has it; that definitions are
 * not executable is for the validator to say. `extend` is refused.
 */
#ifndef REEVE_DAEMON_GRAPHQL_SYNTAX_H
#define REEVE_DAEMON_GRAPHQL_SYNTAX_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "graphql/arena.h"

struct gql_type;
struct gql_field;
struct gql_directive_def;

/* A name in the text. Not NUL-terminated. */
struct gql_name {
	const char *text;
	uint32_t len;
	uint32_t pos;
};

static inline bool reeve_gql_name_is(struct gql_name name, const char *text)
{
	return strlen(text) == name.len && !memcmp(name.text, text, name.len);
}

static inline bool reeve_gql_name_same(struct gql_name a, struct gql_name b)
{
	return a.len == b.len && !memcmp(a.text, b.text, a.len);
}

enum gql_token_kind {
	GQL_TOKEN_SOF,
	GQL_TOKEN_EOF,
	GQL_TOKEN_BANG,
	GQL_TOKEN_DOLLAR,
	GQL_TOKEN_AMP,
	GQL_TOKEN_PAREN_L,
	GQL_TOKEN_PAREN_R,
	GQL_TOKEN_SPREAD,
	GQL_TOKEN_COLON,
	GQL_TOKEN_EQUALS,
	GQL_TOKEN_AT,
	GQL_TOKEN_BRACKET_L,
	GQL_TOKEN_BRACKET_R,
	GQL_TOKEN_BRACE_L,
	GQL_TOKEN_PIPE,
	GQL_TOKEN_BRACE_R,
	GQL_TOKEN_NAME,
	GQL_TOKEN_INT,
	GQL_TOKEN_FLOAT,
	GQL_TOKEN_STRING,
	GQL_TOKEN_BLOCK_STRING,
};

struct gql_token {
	enum gql_token_kind kind;
	uint32_t pos;	  /* of its first byte */
	uint32_t end;	  /* one past its last byte */
	const char *text; /* NAME, INT, FLOAT: source; strings: decoded, NUL-terminated */
	uint32_t len;
};

/* What stopped the parser. */
enum gql_syntax_status {
	GQL_SYNTAX_OK,
	GQL_SYNTAX_NOMEM = 1, /* the arena's longjmp value */
	GQL_SYNTAX_ERROR,
	GQL_SYNTAX_LIMIT,
};

struct gql_lexer {
	const char *text;
	uint32_t len;
	uint32_t at; /* next byte to read */
	struct gql_arena *arena;
	jmp_buf *bail;	     /* longjmp target of errors, with an enum gql_syntax_status */
	uint32_t error_pos;  /* where */
	const char *message; /* in the arena */
};

/* Reads the next token; longjmps on an error. The text must be valid UTF-8. */
void reeve_gql_lexer_next(struct gql_lexer *lexer, struct gql_token *token);
/* Records the error and longjmps. */
void reeve_gql_lexer_fail(struct gql_lexer *lexer, uint32_t pos, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Line and column of a byte offset, from 1. Columns count UTF-16 code units, as the editors that
 * show them do. */
void reeve_gql_locate(
	const char *text, uint32_t len, uint32_t pos, uint32_t *ret_line, uint32_t *ret_column);

enum gql_ast_kind {
	GQL_AST_VARIABLE,
	GQL_AST_INT,
	GQL_AST_FLOAT,
	GQL_AST_STRING,
	GQL_AST_BOOLEAN,
	GQL_AST_NULL,
	GQL_AST_ENUM,
	GQL_AST_LIST,
	GQL_AST_OBJECT,
};

struct gql_ast_value {
	enum gql_ast_kind kind;
	bool boolean;
	bool block; /* STRING: was a block string */
	uint32_t pos;
	const char *text; /* VARIABLE: name without '$'; numbers, strings, enum names */
	uint32_t len;
	struct gql_ast_value *items;	     /* LIST */
	struct gql_ast_object_field *fields; /* OBJECT */
	struct gql_ast_value *next;
};

struct gql_ast_object_field {
	struct gql_name name;
	struct gql_ast_value *value;
	struct gql_ast_object_field *next;
};

enum gql_ast_type_kind {
	GQL_AST_TYPE_NAMED,
	GQL_AST_TYPE_LIST,
	GQL_AST_TYPE_NON_NULL,
};

struct gql_ast_type {
	enum gql_ast_type_kind kind;
	uint32_t pos;
	struct gql_name name;
	struct gql_ast_type *of;
};

struct gql_ast_arg {
	struct gql_name name;
	struct gql_ast_value *value;
	struct gql_ast_arg *next;
};

struct gql_ast_directive {
	struct gql_name name;
	uint32_t pos; /* of the '@' */
	struct gql_ast_arg *args;
	struct gql_ast_directive *next;
};

enum gql_ast_selection_kind {
	GQL_AST_FIELD,
	GQL_AST_SPREAD,
	GQL_AST_INLINE,
};

struct gql_ast_selection {
	enum gql_ast_selection_kind kind;
	uint32_t pos;
	struct gql_name alias; /* FIELD: response name (the name again if there is no alias) */
	struct gql_name name;  /* FIELD, SPREAD */
	bool aliased;
	bool has_braces; /* a selection set was written */
	uint32_t braces_pos;
	struct gql_ast_arg *args;
	struct gql_ast_directive *directives;
	struct gql_name type_condition; /* INLINE; text NULL if there is none */
	struct gql_ast_selection *selections;
	struct gql_ast_selection *next;
	/* Set by the validator. */
	const struct gql_type *parent;	     /* type the selection stands on */
	const struct gql_type *condition;    /* INLINE: the type condition, or the parent */
	const struct gql_field *field;	     /* FIELD */
	struct gql_ast_definition *fragment; /* SPREAD */
};

struct gql_ast_variable {
	struct gql_name name; /* without '$' */
	uint32_t pos;	      /* of the '$' */
	struct gql_ast_type *type;
	struct gql_ast_value *default_value;
	struct gql_ast_directive *directives;
	struct gql_ast_variable *next;
	/* Set by the validator. */
	const struct gql_type *resolved;
};

/* Argument definitions and input fields. */
struct gql_ast_input {
	const char *description; /* NUL-terminated, or NULL */
	struct gql_name name;
	struct gql_ast_type *type;
	struct gql_ast_value *default_value;
	struct gql_ast_directive *directives;
	struct gql_ast_input *next;
};

struct gql_ast_field {
	const char *description;
	struct gql_name name;
	struct gql_ast_input *args;
	struct gql_ast_type *type;
	struct gql_ast_directive *directives;
	struct gql_ast_field *next;
};

/* A name in a list: interfaces, union members, enum values, directive locations, schema roots. */
struct gql_ast_named {
	const char *description; /* enum values */
	struct gql_name name;
	struct gql_name operation; /* schema { operation: name } */
	struct gql_ast_directive *directives;
	struct gql_ast_named *next;
};

enum gql_ast_definition_kind {
	GQL_AST_OPERATION,
	GQL_AST_FRAGMENT,
	GQL_AST_SCHEMA,
	GQL_AST_SCALAR,
	GQL_AST_OBJECT_TYPE,
	GQL_AST_INTERFACE,
	GQL_AST_UNION,
	GQL_AST_ENUM_TYPE,
	GQL_AST_INPUT_TYPE,
	GQL_AST_DIRECTIVE,
};

struct gql_ast_definition {
	enum gql_ast_definition_kind kind;
	uint32_t pos;
	const char *description;
	struct gql_name name; /* text NULL for anonymous operations and schema */
	struct gql_ast_directive *directives;
	struct gql_ast_definition *next;
	/* Executable. */
	struct gql_name operation; /* "query", ...; text NULL for the shorthand */
	struct gql_ast_variable *variables;
	struct gql_name type_condition; /* FRAGMENT */
	struct gql_ast_selection *selections;
	/* Type system. */
	struct gql_ast_field *fields; /* OBJECT_TYPE, INTERFACE */
	struct gql_ast_input *inputs; /* INPUT_TYPE fields, DIRECTIVE arguments */
	struct gql_ast_named *names;  /* members, values, locations, roots */
	struct gql_ast_named *interfaces;
	bool repeatable;
	/* Set by the validator: see validate.h. */
	const struct gql_type *type; /* root type, or type condition */
	uint32_t index;		     /* among operations, or among fragments */
	void *facts;
};

struct gql_parse {
	const char *text; /* must outlive the tree */
	uint32_t len;
	struct gql_arena *arena; /* its bail is used while parsing, and restored */
	uint32_t max_tokens, max_nesting;
	/* Results. */
	struct gql_ast_definition *definitions;
	uint32_t error_pos;
	const char *message; /* of ERROR: as graphql-js words it, with "Syntax Error: " */
	const char *limit;   /* of LIMIT: which one; message says it in words */
};

enum gql_syntax_status reeve_gql_parse(struct gql_parse *parse);

#endif
