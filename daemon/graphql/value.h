/*
 * Coercion: from literals and from JSON to the values that resolvers see.
 *
 * Two sources, one set of rules (section 3.5 to 3.12, "Input Coercion"). Scalars beyond the five of
 * the specification:
 *
 *	UInt64     literal or JSON integer 0..2^64-1, or a string of decimal digits in that range
 *	DateTime   RFC 3339, converted to UTC when read; the year is four digits
 *	TimeOfDay  HH:MM or HH:MM:SS, 00:00 to 23:59:59
 *	JSON, and scalars that the engine does not know: any literal, any JSON
 */
#ifndef REEVE_DAEMON_GRAPHQL_VALUE_H
#define REEVE_DAEMON_GRAPHQL_VALUE_H

#include "graphql/types.h"

/* Coerced variables of an operation; values[i] belongs to the i-th definition. */
struct gql_variables {
	const struct gql_ast_variable *definitions;
	const struct reeve_gql_value *values;
};

/* The variable's value; NULL if there is no such definition. */
const struct reeve_gql_value *reeve_gql_variable(
	const struct gql_variables *variables, const char *name, uint32_t len);

/* Longest explanation of a refused value, bytes. */
#define GQL_REASON_BYTES 256u

/* Text of a literal as messages print it, in the arena; cut at about 200 bytes. */
const char *reeve_gql_print_literal(struct gql_arena *arena, const struct gql_ast_value *literal);
/* The same for a JSON value. */
const char *reeve_gql_print_value(struct gql_arena *arena, const struct reeve_gql_value *value);

/* The default of an argument or input field as SDL text, whole; NULL if the arena is exhausted. */
const char *reeve_gql_print_default(struct gql_arena *arena, const struct gql_input *input);

/*
 * One leaf (scalar or enum) from a literal that is no variable and no null. False with a reason
 * worded as graphql-js has it; an empty reason means "Expected value of type ..., found ...".
 * `variables` may be NULL; they matter within JSON only.
 */
bool reeve_gql_leaf_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret, char reason[GQL_REASON_BYTES]);

/* One leaf from a JSON value that is not null. The same. */
bool reeve_gql_leaf_from_json(struct gql_arena *arena, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret,
	char reason[GQL_REASON_BYTES]);

/*
 * Any literal of any input type: valueFromAST(). False if it does not fit (after validation that
 * can only be a null variable in a non-null place) or the arena is exhausted.
 */
bool reeve_gql_value_from_literal(struct gql_arena *arena, const struct gql_type *type,
	const struct gql_ast_value *literal, const struct gql_variables *variables,
	struct reeve_gql_value *ret);

/* Told of each thing wrong with a JSON value: `path` is "" or like ".where[2].id". */
typedef void (*gql_coerce_error_fn)(
	void *context, const char *path, const struct reeve_gql_value *value, const char *reason);

struct gql_coerce {
	struct gql_arena *arena;
	gql_coerce_error_fn on_error;
	void *context;
	uint32_t errors;     /* so far */
	uint32_t max_errors; /* stop after these */
	char path[256];	     /* longer paths are cut */
	uint32_t path_len;
};

/* Any JSON value against any input type: coerceInputValue(). False after at least one error (or
 * with the arena exhausted). */
bool reeve_gql_value_from_json(struct gql_coerce *coerce, const struct gql_type *type,
	const struct reeve_gql_value *json, struct reeve_gql_value *ret);

/* Readers of the textual scalars. */
bool reeve_gql_read_date_time(const char *text, uint32_t len, int64_t *ret_unix_ns);
bool reeve_gql_read_time_of_day(const char *text, uint32_t len, int32_t *ret_seconds);
/* Decimal digits only, in range. */
bool reeve_gql_read_u64(const char *text, uint32_t len, uint64_t *ret);
/* Writes an instant as 2026-01-31T09:00:00Z, with 3, 6 or 9 decimals if it has a fraction; returns
 * its length, without the NUL. 0 for years outside 0000 to 9999, which int64 does not reach. */
uint32_t reeve_gql_print_date_time(char text[40], int64_t unix_ns);

/* What may be wrong with JSON text. */
struct gql_json_error {
	const char *message;
	uint32_t offset;
};

/*
 * Reads JSON text of any size into values: OBJECT, LIST, STRING, BOOL, NULL, and numbers as UINT if
 * they are integers 0..2^64-1, INT if negative integers down to -2^63, else DOUBLE. Strict:
 * RFC 8259 with valid UTF-8, no duplicate keys, no lone surrogates, no U+0000, no numbers beyond a
 * double, at most max_nesting levels. False with *ret_error; message NULL if the arena is
 * exhausted.
 */
bool reeve_gql_json_read(struct gql_arena *arena, const char *text, size_t len,
	uint32_t max_nesting, struct reeve_gql_value *ret, struct gql_json_error *ret_error);

#endif
