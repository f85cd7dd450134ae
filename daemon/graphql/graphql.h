/*
 * GraphQL engine: everything of the October 2021 specification, over a schema given as SDL text and
 * a table that says where each field comes from. Knows nothing of what it serves.
 *
 *	engine    the schema, the bindings, the limits, the cache of documents. One a process.
 *	document  a parsed, validated and compiled request text. Immutable, counted, cached.
 *	call      one request over HTTP, from headers and body to status and body.
 *	ctx       what a resolver sees: its arguments, its place in the answer, its arena.
 *
 * Threads. An engine is immutable after reeve_gql_engine_create() but for its document cache, which
 * has a mutex of its own (held for a lookup or an insertion, never while parsing, validating or
 * resolving). Every function on an engine may be called from any number of threads at once.
 * Documents are immutable; their count is atomic. A call, a subscription, a ctx and a writer belong
 * to one thread at a time; a call may be handed from one thread to another between two functions.
 * There is no global state. LC_NUMERIC must be "C", since numbers are read with strtod().
 *
 * Memory. A call owns an arena for everything temporary; it is emptied when the call ends. Out of
 * memory never aborts: the answer is an error.
 *
 * The answer is written front to back while resolvers run. A null in a non-null place takes the
 * writer back to the start of the nearest nullable parent; no tree is built.
 */
#ifndef REEVE_DAEMON_GRAPHQL_H
#define REEVE_DAEMON_GRAPHQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json/json.h"

#ifdef __cplusplus
extern "C" {
#endif

struct reeve_gql_engine;
struct reeve_gql_document;
struct reeve_gql_ctx;
struct reeve_gql_call;
struct reeve_gql_subscription;

/* ------------------------------------------------------------------------------------------ */
/* Values: coerced arguments, variables, JSON                                                  */

enum reeve_gql_value_kind {
	REEVE_GQL_VALUE_ABSENT, /* argument or input field not given and without default */
	REEVE_GQL_VALUE_NULL,
	REEVE_GQL_VALUE_BOOL,
	REEVE_GQL_VALUE_INT,	/* i64: Int, and negative integers within JSON */
	REEVE_GQL_VALUE_UINT,	/* u64: UInt64, and integers within JSON */
	REEVE_GQL_VALUE_DOUBLE, /* Float, and other numbers within JSON */
	REEVE_GQL_VALUE_STRING, /* String, ID, DateTime, TimeOfDay; NUL-terminated UTF-8 */
	REEVE_GQL_VALUE_ENUM,	/* text = name, index = position in the SDL */
	REEVE_GQL_VALUE_LIST,
	REEVE_GQL_VALUE_OBJECT, /* input object: every field, in SDL order; or JSON object */
};

struct reeve_gql_value {
	enum reeve_gql_value_kind kind;
	uint32_t count; /* STRING, ENUM: bytes; LIST: items; OBJECT: members */
	union {
		bool boolean;
		int64_t i64;
		uint64_t u64;
		double real;
		const char *text;
		const struct reeve_gql_value *items;
		const struct reeve_gql_member *members;
	};
	uint32_t index; /* ENUM */
};

struct reeve_gql_member {
	const char *name; /* NUL-terminated */
	uint32_t name_len;
	struct reeve_gql_value value;
};

/* "Not given" and "given as null" are different things: see the update operations. */
enum reeve_gql_given {
	REEVE_GQL_OMITTED, /* and there is no default */
	REEVE_GQL_NULL,	   /* explicit null (or a default of null) */
	REEVE_GQL_GIVEN,   /* a value, possibly the default */
};

/*
 * The typed getters store through `ret` only if they return REEVE_GQL_GIVEN, so the caller can put
 * its own default there first. Asking for another type than the schema declares is a defect in the
 * caller and asserts.
 */
enum reeve_gql_given reeve_gql_value_given(const struct reeve_gql_value *value);
enum reeve_gql_given reeve_gql_value_bool(const struct reeve_gql_value *value, bool *ret);
enum reeve_gql_given reeve_gql_value_i32(const struct reeve_gql_value *value, int32_t *ret);
enum reeve_gql_given reeve_gql_value_u64(const struct reeve_gql_value *value, uint64_t *ret);
enum reeve_gql_given reeve_gql_value_double(const struct reeve_gql_value *value, double *ret);
/* String, ID, DateTime, TimeOfDay and enum names. Lives as long as the call. */
enum reeve_gql_given reeve_gql_value_str(const struct reeve_gql_value *value, const char **ret);
/* Position of an enum value in its SDL definition, from 0. */
enum reeve_gql_given reeve_gql_value_enum(const struct reeve_gql_value *value, unsigned *ret);
/* DateTime as nanoseconds since 1970-01-01T00:00:00Z. */
enum reeve_gql_given reeve_gql_value_time_ns(const struct reeve_gql_value *value, int64_t *ret);
/* TimeOfDay as seconds since midnight, 0 to 86399. */
enum reeve_gql_given reeve_gql_value_time_of_day(const struct reeve_gql_value *value, int32_t *ret);

/* List length (0 unless LIST) and item; member of an input object or JSON object by name. Never
 * NULL: what is not there is a value of kind ABSENT. */
uint32_t reeve_gql_value_count(const struct reeve_gql_value *value);
const struct reeve_gql_value *reeve_gql_value_item(const struct reeve_gql_value *list, uint32_t at);
const struct reeve_gql_value *reeve_gql_value_member(
	const struct reeve_gql_value *object, const char *name);

/* Appends the value as JSON (ABSENT as null; ABSENT members are left out). */
void reeve_gql_value_write(const struct reeve_gql_value *value, struct reeve_json *out);

/* ------------------------------------------------------------------------------------------ */
/* What a resolver sees                                                                        */

/* What the caller of the engine passed along with the request. */
void *reeve_gql_user(const struct reeve_gql_ctx *ctx);
/* Memory until the end of the call, aligned for any type, not zeroed; NULL if there is none. */
void *reeve_gql_alloc(struct reeve_gql_ctx *ctx, size_t bytes);
/* Formatted text in the same memory; NULL if there is none. */
char *reeve_gql_printf(struct reeve_gql_ctx *ctx, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A coerced argument of the field being resolved. Never NULL; kind ABSENT if it was not given. A
 * name the field does not declare is a defect in the resolver and asserts. */
const struct reeve_gql_value *reeve_gql_arg(const struct reeve_gql_ctx *ctx, const char *name);

static inline enum reeve_gql_given reeve_gql_arg_given(
	const struct reeve_gql_ctx *ctx, const char *name)
{
	return reeve_gql_value_given(reeve_gql_arg(ctx, name));
}
static inline enum reeve_gql_given reeve_gql_arg_bool(
	const struct reeve_gql_ctx *ctx, const char *name, bool *ret)
{
	return reeve_gql_value_bool(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_i32(
	const struct reeve_gql_ctx *ctx, const char *name, int32_t *ret)
{
	return reeve_gql_value_i32(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_u64(
	const struct reeve_gql_ctx *ctx, const char *name, uint64_t *ret)
{
	return reeve_gql_value_u64(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_double(
	const struct reeve_gql_ctx *ctx, const char *name, double *ret)
{
	return reeve_gql_value_double(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_str(
	const struct reeve_gql_ctx *ctx, const char *name, const char **ret)
{
	return reeve_gql_value_str(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_enum(
	const struct reeve_gql_ctx *ctx, const char *name, unsigned *ret)
{
	return reeve_gql_value_enum(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_time_ns(
	const struct reeve_gql_ctx *ctx, const char *name, int64_t *ret)
{
	return reeve_gql_value_time_ns(reeve_gql_arg(ctx, name), ret);
}
static inline enum reeve_gql_given reeve_gql_arg_time_of_day(
	const struct reeve_gql_ctx *ctx, const char *name, int32_t *ret)
{
	return reeve_gql_value_time_of_day(reeve_gql_arg(ctx, name), ret);
}

/* The arguments by position in the schema, with their names; NULL beyond the last. */
const struct reeve_gql_value *reeve_gql_arg_at(
	const struct reeve_gql_ctx *ctx, uint32_t at, const char **ret_name);

/* Names of the field being resolved and of the object type it is on. */
const char *reeve_gql_field_name(const struct reeve_gql_ctx *ctx);
const char *reeve_gql_parent_type_name(const struct reeve_gql_ctx *ctx);

/* True if the answer of the field being resolved will contain the named subfield. For leaving out
 * expensive work; on an abstract type true if any possible type selects it. */
bool reeve_gql_selects(struct reeve_gql_ctx *ctx, const char *subfield);

/*
 * A resolver emits its value: exactly one call of an emit function for a field that is no list; for
 * a list reeve_gql_list_begin(), any number of emits, reeve_gql_list_end(). Lists nest. A resolver
 * that returns 0 without emitting gives null.
 *
 * Emitting an object resolves its whole selection before the call returns, so the object need only
 * live that long: a row on the stack, a record valid until the next step of a cursor. The resolver
 * must not hold a lock that field resolvers below it need.
 *
 * All return 0, or REEVE_GQL_STOP if the enclosing list has already become null (an item was null
 * where it may not be) or the answer is over its limit: more items do no harm but are thrown away.
 *
 * A value of the wrong type or out of range for the field's schema type becomes a field error.
 */
#define REEVE_GQL_STOP 1

int reeve_gql_emit_null(struct reeve_gql_ctx *ctx);
int reeve_gql_emit_bool(struct reeve_gql_ctx *ctx, bool value);
/* For Int, UInt64, Float and ID fields. */
int reeve_gql_emit_i64(struct reeve_gql_ctx *ctx, int64_t value);
int reeve_gql_emit_u64(struct reeve_gql_ctx *ctx, uint64_t value);
/* For Float fields. */
int reeve_gql_emit_double(struct reeve_gql_ctx *ctx, double value);
/* For String, ID, DateTime, TimeOfDay and (a value's name) enum fields; NULL emits null. */
int reeve_gql_emit_str(struct reeve_gql_ctx *ctx, const char *text);
int reeve_gql_emit_strn(struct reeve_gql_ctx *ctx, const char *text, size_t len);
/* For DateTime fields: nanoseconds since 1970-01-01T00:00:00Z. Fractions are printed if not 0. */
int reeve_gql_emit_time_ns(struct reeve_gql_ctx *ctx, int64_t unix_ns);
/* For JSON fields: a value, or complete and valid JSON text. */
int reeve_gql_emit_value(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *value);
int reeve_gql_emit_json(struct reeve_gql_ctx *ctx, const char *text, size_t len);
/* For object fields; NULL emits null. On an interface or union the type comes from that type's
 * REEVE_GQL_TYPE row. */
int reeve_gql_emit_object(struct reeve_gql_ctx *ctx, const void *object);
/* The same with the object type named by the resolver. */
int reeve_gql_emit_object_as(struct reeve_gql_ctx *ctx, const char *type, const void *object);
/* A field error in place of one value (of one item, within a list). */
int reeve_gql_emit_error(struct reeve_gql_ctx *ctx, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int reeve_gql_list_begin(struct reeve_gql_ctx *ctx);
int reeve_gql_list_end(struct reeve_gql_ctx *ctx);

/*
 * Fails the field: records an error with the field's path and extensions.code = code (a string that
 * needs no escaping, such as "NOT_FOUND"; NULL: the options' internal code) and returns -1, for
 * `return reeve_gql_fail(...)`. Whatever the resolver emitted is taken back. Messages are cut at
 * 1023 bytes.
 */
int reeve_gql_fail(struct reeve_gql_ctx *ctx, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Takes back what the resolver of this field has emitted and the errors recorded since it began, so
 * that it can be called once more. For options.around.
 */
void reeve_gql_take_back(struct reeve_gql_ctx *ctx);
/* Code of the error recorded last in this request; NULL: none yet. */
const char *reeve_gql_failed_code(const struct reeve_gql_ctx *ctx);
/* Adds a string to the extensions of the error recorded last. */
void reeve_gql_fail_extension(struct reeve_gql_ctx *ctx, const char *key, const char *value);
void reeve_gql_fail_number(struct reeve_gql_ctx *ctx, const char *key, uint64_t value);

/* ------------------------------------------------------------------------------------------ */
/* Bindings: where fields come from                                                            */

/*
 * Resolves one field of `object` (the parent; the root object for root fields). Returns 0, or
 * negative after reeve_gql_fail(). A negative return without an error recorded is reported as an
 * internal error.
 */
typedef int (*reeve_gql_resolve_fn)(struct reeve_gql_ctx *ctx, const void *object);

/* Names the object type of an abstract value; NULL fails the field. */
typedef const char *(*reeve_gql_type_fn)(struct reeve_gql_ctx *ctx, const void *object);

enum reeve_gql_bind_kind {
	REEVE_GQL_FN = 1,  /* fn */
	REEVE_GQL_UINT,	   /* uint8_t to uint64_t, by size. Int, UInt64, Float, ID */
	REEVE_GQL_INT,	   /* int8_t to int64_t, by size. The same */
	REEVE_GQL_BOOL,	   /* bool. Boolean */
	REEVE_GQL_DOUBLE,  /* double. Float */
	REEVE_GQL_STR,	   /* const char *, NULL is null. String, ID, DateTime, TimeOfDay */
	REEVE_GQL_CHARS,   /* char[size], NUL-terminated or full. The same */
	REEVE_GQL_ENUM,	   /* index into names, uint8_t to uint32_t by size. String or an enum */
	REEVE_GQL_TIME_NS, /* int64_t, nanoseconds since the epoch. DateTime */
	REEVE_GQL_STRUCT,  /* a struct within the parent: its address. Object types */
	REEVE_GQL_POINTER, /* a pointer to a struct, NULL is null. Object types */
	REEVE_GQL_SELF,	   /* the parent itself. Object types (payload wrappers, grouping types) */
	REEVE_GQL_TYPE,	   /* no field: type_fn tells the object type of an interface or union */
};

enum reeve_gql_bind_flag {
	/* The resolver may wait (disk, network, a thread): see reeve_gql_document_blocks(). */
	REEVE_GQL_BLOCKING = 1u << 0,
	/* Member values that mean null: 0; or the largest unsigned / the lowest signed one. */
	REEVE_GQL_ZERO_IS_NULL = 1u << 1,
	REEVE_GQL_LIMIT_IS_NULL = 1u << 2,
	/* null unless the bool at presence_offset is true. */
	REEVE_GQL_OPTIONAL = 1u << 3,
	/* A list of the kind: at offset a pointer to the first item, items stride bytes apart, at
	 * count_offset their number, an unsigned integer of count_size bytes. */
	REEVE_GQL_LIST = 1u << 4,
	/* With LIST: the items are an array within the parent, at offset. */
	REEVE_GQL_INLINE = 1u << 5,
	/* With FN: options.around is called in its place. This bit and those above it are the
	 * application's, to tell its kinds of fields apart. */
	REEVE_GQL_AROUND = 1u << 16,
};

struct reeve_gql_binding {
	const char *type;  /* object type; interface or union for REEVE_GQL_TYPE */
	const char *field; /* NULL for REEVE_GQL_TYPE */
	enum reeve_gql_bind_kind kind;
	unsigned flags; /* of enum reeve_gql_bind_flag */
	reeve_gql_resolve_fn fn;
	reeve_gql_type_fn type_fn;
	size_t offset;
	size_t size; /* bytes of the member (of one item, for lists) */
	size_t presence_offset;
	size_t count_offset;
	size_t count_size;
	size_t stride;
	const char *const *names; /* ENUM: n_names names; an index beyond them is a field error */
	size_t n_names;
	uint64_t divisor; /* UINT, INT: divide first, 0 = 1. Integers truncate, Float is exact:
			   * nanoseconds to seconds 1000000000, ppm to percent 10000 */
};

struct reeve_gql_table {
	const struct reeve_gql_binding *rows;
	size_t n_rows;
};

#define REEVE_GQL_SIZEOF(struct_, member_) sizeof(((struct_ *)0)->member_)
/* { "Type", "field", resolver } and the same for a resolver that may wait */
#define REEVE_GQL_BIND_FN(type_, field_, fn_)                                                      \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_)              \
	}
#define REEVE_GQL_BIND_BLOCKING(type_, field_, fn_)                                                \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_FN, .fn = (fn_),             \
		.flags = REEVE_GQL_BLOCKING                                                        \
	}
/* A struct member; further designated initialisers may follow: flags, divisor, presence. */
#define REEVE_GQL_BIND_MEMBER(type_, field_, kind_, struct_, member_, ...)                         \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = (kind_),                               \
		.offset = offsetof(struct_, member_), .size = REEVE_GQL_SIZEOF(struct_, member_),  \
		__VA_ARGS__                                                                        \
	}
/* As a further initialiser of a member row: null unless this bool member is true. */
#define REEVE_GQL_PRESENT_IF(struct_, member_)                                                     \
	.flags = REEVE_GQL_OPTIONAL, .presence_offset = offsetof(struct_, member_)
#define REEVE_GQL_BIND_ENUM(type_, field_, struct_, member_, names_, ...)                          \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_ENUM,                        \
		.offset = offsetof(struct_, member_), .size = REEVE_GQL_SIZEOF(struct_, member_),  \
		.names = (names_), .n_names = sizeof(names_) / sizeof((names_)[0]), __VA_ARGS__    \
	}
/* A list: pointer member and count member. */
#define REEVE_GQL_BIND_LIST(type_, field_, kind_, struct_, items_, count_)                         \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = (kind_), .flags = REEVE_GQL_LIST,      \
		.offset = offsetof(struct_, items_), .size = sizeof(((struct_ *)0)->items_[0]),    \
		.stride = sizeof(((struct_ *)0)->items_[0]),                                       \
		.count_offset = offsetof(struct_, count_),                                         \
		.count_size = REEVE_GQL_SIZEOF(struct_, count_)                                    \
	}
#define REEVE_GQL_BIND_SELF(type_, field_)                                                         \
	{                                                                                          \
		.type = (type_), .field = (field_), .kind = REEVE_GQL_SELF                         \
	}
#define REEVE_GQL_BIND_TYPE(type_, fn_)                                                            \
	{                                                                                          \
		.type = (type_), .kind = REEVE_GQL_TYPE, .type_fn = (fn_)                          \
	}

/* Resolves a field whose row has a flag of REEVE_GQL_AROUND or above, usually by row->fn. */
typedef int (*reeve_gql_around_fn)(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object);

/* ------------------------------------------------------------------------------------------ */
/* Engine                                                                                      */

/* Every limit has a value; reeve_gql_options_init() sets the defaults named here. */
struct reeve_gql_options {
	/* Of one request text. */
	uint32_t max_document_bytes; /* 65536 */
	uint32_t max_tokens;	     /* 8192 */
	uint32_t max_nesting;	     /* 64: brackets within brackets, anywhere in the text */
	/* Of one operation, fragments expanded. */
	uint32_t max_depth;   /* 24: fields within fields (introspection needs 13) */
	uint32_t max_aliases; /* 256 */
	uint32_t max_fields;  /* 4096, of all operations of a document together */
	/* Of one operation with its variables. */
	uint64_t max_cost;	 /* 1000000; what costs how much: cost.c */
	uint32_t max_run_ms;	 /* 10000; BLOCKING resolvers do not count; 0 = no bound */
	int64_t (*now_ms)(void); /* CLOCK_MONOTONIC_COARSE */
	/* Of one answer. */
	size_t max_response_bytes; /* 64 MiB */
	uint32_t max_errors;	   /* 100 field errors; the rest are counted, not listed */
	/* Of the variables and the request body. */
	size_t max_body_bytes;	   /* 4 MiB */
	uint32_t max_json_nesting; /* 64 */
	size_t max_arena_bytes;	   /* 64 MiB of temporary memory for one call */
	/* Document cache. */
	uint32_t cache_entries; /* 512; 0 = no cache */
	size_t cache_bytes;	/* 16 MiB */
	/* Persisted queries; documents are shared with the cache. */
	uint32_t persisted_entries; /* 1024; 0 = not supported */
	size_t persisted_bytes;	    /* 16 MiB */
	uint64_t hash_seed; /* 0. Give a random number so that strangers cannot aim at a chain */
	/* extensions.code of the engine's own errors. */
	const char *code_parse;	     /* GRAPHQL_PARSE_FAILED */
	const char *code_validation; /* GRAPHQL_VALIDATION_FAILED */
	const char *code_limit;	     /* RESOURCE_EXHAUSTED */
	const char *code_request; /* INVALID_ARGUMENT: variables, operation name, HTTP parameters */
	const char *code_internal;  /* INTERNAL */
	bool introspection;	    /* true */
	reeve_gql_around_fn around; /* NULL: row->fn is called as for all others */
};

void reeve_gql_options_init(struct reeve_gql_options *options);

enum reeve_gql_status {
	REEVE_GQL_OK = 0,
	REEVE_GQL_EPARSE = -1,	    /* syntax error */
	REEVE_GQL_EVALIDATION = -2, /* not valid against the schema */
	REEVE_GQL_ELIMIT = -3,	    /* over a limit of the options */
	REEVE_GQL_EOPERATION = -4,  /* operation not found, or not named where it must be */
	REEVE_GQL_EVARIABLES = -5,  /* variables do not fit */
	REEVE_GQL_EKIND = -6, /* subscription where a query or mutation is wanted, or reverse */
	REEVE_GQL_ENOMEM = -7,
	REEVE_GQL_ESCHEMA = -8, /* SDL or bindings are not right */
	REEVE_GQL_ECOST = -9,	/* would cost more than max_cost */
};

/*
 * Parses and checks the SDL and binds it. The SDL and the tables must outlive the engine (string
 * literals and static tables do); options are copied and may be NULL. Every field of every object
 * type must have exactly one row, every row must name a field, and the kind must fit the field's
 * type; otherwise REEVE_GQL_ESCHEMA, *ret_engine untouched, and up to error_size bytes of text that
 * name every offender, one a line.
 */
int reeve_gql_engine_create(const char *sdl, size_t sdl_len, const struct reeve_gql_table *tables,
	size_t n_tables, const struct reeve_gql_options *options,
	struct reeve_gql_engine **ret_engine, char *error, size_t error_size);
/* No call, document or subscription of the engine may be alive. */
void reeve_gql_engine_destroy(struct reeve_gql_engine *engine);
const struct reeve_gql_options *reeve_gql_engine_options(const struct reeve_gql_engine *engine);

struct reeve_gql_cache_stats {
	uint64_t hits, misses, evictions;
	uint32_t entries;
	size_t bytes;
};
void reeve_gql_engine_cache_stats(
	struct reeve_gql_engine *engine, struct reeve_gql_cache_stats *ret_stats);

/* ------------------------------------------------------------------------------------------ */
/* Documents                                                                                   */

enum reeve_gql_operation {
	REEVE_GQL_QUERY,
	REEVE_GQL_MUTATION,
	REEVE_GQL_SUBSCRIPTION,
};

/*
 * Finds the text in the cache, or parses, validates and compiles it. On success *ret_document is
 * one reference, to be released. On failure a complete answer {"errors":[...]} is in `out` and the
 * result is EPARSE, EVALIDATION, ELIMIT or ENOMEM.
 */
int reeve_gql_document_acquire(struct reeve_gql_engine *engine, const char *text, size_t len,
	struct reeve_gql_document **ret_document, struct reeve_json *out);
void reeve_gql_document_release(struct reeve_gql_document *document);

/* Kind of the chosen operation (name NULL or "": the only one). EOPERATION if there is none. */
int reeve_gql_document_operation(const struct reeve_gql_document *document, const char *name,
	enum reeve_gql_operation *ret_operation);
/* True if the chosen operation contains a field bound with REEVE_GQL_BLOCKING, whether or not @skip
 * or @include will leave it out. False if there is no such operation. */
bool reeve_gql_document_blocks(const struct reeve_gql_document *document, const char *name);

struct reeve_gql_params {
	const char *operation_name; /* NULL or "" = the only operation */
	const char *variables;	    /* JSON object as text, or NULL */
	size_t variables_len;
	const void *root; /* parent object of root fields */
	void *user;	  /* reeve_gql_user() */
};

/*
 * Runs a query or mutation and appends the complete answer, {"data":...} or {"data":...,
 * "errors":[...]} or, if it could not begin, {"errors":[...]}. Root fields run one after the other
 * in document order. OK whenever the answer has a data entry, be it null.
 */
int reeve_gql_execute(const struct reeve_gql_engine *engine,
	const struct reeve_gql_document *document, const struct reeve_gql_params *params,
	struct reeve_json *out);

/* ------------------------------------------------------------------------------------------ */
/* Subscriptions                                                                               */

/*
 * A subscription operation is opened once and then answers each event. Opening checks the operation
 * and coerces variables and the arguments of its one root field; the caller looks at the field's
 * name and arguments, makes its own source of events, and for each event passes the object that the
 * root field's resolver will get as parent. On failure the answer {"errors":[...]} is in `out`.
 */
int reeve_gql_subscription_open(const struct reeve_gql_engine *engine,
	struct reeve_gql_document *document, const struct reeve_gql_params *params,
	struct reeve_gql_subscription **ret_subscription, struct reeve_json *out);
const char *reeve_gql_subscription_field(const struct reeve_gql_subscription *subscription);
/* As reeve_gql_arg(). */
const struct reeve_gql_value *reeve_gql_subscription_arg(
	const struct reeve_gql_subscription *subscription, const char *name);
/* Appends one complete answer for one event. */
int reeve_gql_subscription_event(struct reeve_gql_subscription *subscription, const void *root,
	void *user, struct reeve_json *out);
void reeve_gql_subscription_close(struct reeve_gql_subscription *subscription);

/* ------------------------------------------------------------------------------------------ */
/* GraphQL over HTTP                                                                           */

struct reeve_gql_text {
	const char *data; /* NULL = absent */
	size_t len;
};

/* One request, as the HTTP server has it. Nothing is kept after reeve_gql_call_begin(). */
struct reeve_gql_http_request {
	const char *method;	    /* "GET", "POST", ... */
	const char *content_type;   /* header, NULL = absent */
	const char *accept;	    /* header, NULL = absent; several joined with ", " */
	struct reeve_gql_text body; /* POST */
	/* GET: decoded parameters of the query string; see reeve_gql_http_decode_query(). */
	struct reeve_gql_text query, operation_name, variables, extensions;
};

struct reeve_gql_http_response {
	int status;
	const char *content_type; /* with charset; lives as long as the program */
	const char *allow;	  /* value of an Allow header, or NULL */
	const char *body;	  /* lives until the call is reset or destroyed */
	size_t body_len;
};

/*
 * Decodes "query=...&variables=..." (after the '?', without it) into the four parameters of
 * *request. `buffer` of at least len bytes holds the decoded text. A parameter given twice, a
 * malformed escape or bad UTF-8 is refused with -1. Parameters of other names are ignored.
 */
int reeve_gql_http_decode_query(
	const char *text, size_t len, char *buffer, struct reeve_gql_http_request *request);

/* A call may be used for one request after another (reset between them), which saves its arena
 * and buffers. NULL if out of memory. */
struct reeve_gql_call *reeve_gql_call_create(struct reeve_gql_engine *engine);
void reeve_gql_call_reset(struct reeve_gql_call *call);
/* The answer was sent: gives large buffers back. The call must be reset before it is used. */
void reeve_gql_call_rest(struct reeve_gql_call *call);
void reeve_gql_call_destroy(struct reeve_gql_call *call);

enum reeve_gql_call_state {
	REEVE_GQL_CALL_DONE,	  /* refused: the response is ready */
	REEVE_GQL_CALL_READY,	  /* run it: reeve_gql_call_run() */
	REEVE_GQL_CALL_SUBSCRIBE, /* a subscription: reeve_gql_call_subscribe(), or refuse it */
};

/*
 * Reads, negotiates, parses, validates: everything that cannot wait.
 *
 *	accept absent, * / *, application/ *, application/json   answer as application/json; request
 *	                                       errors in a well-formed request have status 200
 *	application/graphql-response+json      answer as that; request errors have status 400
 *	text/event-stream                      the caller makes events of the answers
 *	anything else                          406
 *
 * extensions.persistedQuery {version: 1, sha256Hash} in place of a query finds one that was sent with
 * its hash before; else the error's code is PERSISTED_QUERY_NOT_FOUND.
 *
 * POST bodies must be application/json in UTF-8 (415). GET must not be a mutation (405); methods
 * other than GET and POST get 405 with Allow. A body or parameter that is not as it should be: 400;
 * a body over its limit: 413.
 */
enum reeve_gql_call_state reeve_gql_call_begin(
	struct reeve_gql_call *call, const struct reeve_gql_http_request *request);

/* Of a call that is READY or SUBSCRIBE. */
bool reeve_gql_call_blocks(const struct reeve_gql_call *call);
enum reeve_gql_operation reeve_gql_call_operation(const struct reeve_gql_call *call);
/* Name of the operation, "" if it has none. */
const char *reeve_gql_call_operation_name(const struct reeve_gql_call *call);
/* True if the Accept header asks for text/event-stream. */
bool reeve_gql_call_wants_stream(const struct reeve_gql_call *call);
/* True if it accepts nothing else: every answer with status 200 is then to be sent as events. */
bool reeve_gql_call_wants_only_stream(const struct reeve_gql_call *call);
/* A member of the request's extensions; kind ABSENT if there is none. Until the call is reset. */
const struct reeve_gql_value *reeve_gql_call_extension(
	const struct reeve_gql_call *call, const char *name);

/* READY to DONE: executes. */
void reeve_gql_call_run(struct reeve_gql_call *call, const void *root, void *user);
/* SUBSCRIBE to DONE: opens the subscription, or answers with the error (negative result). */
int reeve_gql_call_subscribe(
	struct reeve_gql_call *call, struct reeve_gql_subscription **ret_subscription);
/* READY or SUBSCRIBE to DONE: answers with one error in place of executing, for example
 * (call, 405, "INVALID_ARGUMENT", "Subscriptions need Accept: text/event-stream."). */
void reeve_gql_call_refuse(
	struct reeve_gql_call *call, int status, const char *code, const char *message);

/* Of a call that is DONE. */
void reeve_gql_call_response(
	const struct reeve_gql_call *call, struct reeve_gql_http_response *ret_response);

#ifdef __cplusplus
}
#endif

#endif
