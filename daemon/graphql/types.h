/*
 * The type system: what the SDL says, resolved and bound. Built once (schema.c, bind.c), then
 * read-only. Everything lives in the schema's arena; names point into the SDL text.
 *
 * A type expression such as [UInt64!]! is one struct for each distinct spelling in the SDL, so
 * types of the schema can be compared by pointer. Variables of a document can need spellings that
 * the SDL has not; those are made in the document's arena, and compared by structure.
 */
#ifndef REEVE_DAEMON_GRAPHQL_TYPES_H
#define REEVE_DAEMON_GRAPHQL_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "graphql/graphql.h"
#include "graphql/syntax.h"

enum gql_kind {
	GQL_SCALAR,
	GQL_OBJECT,
	GQL_INTERFACE,
	GQL_UNION,
	GQL_ENUM,
	GQL_INPUT_OBJECT,
	GQL_LIST,
	GQL_NON_NULL,
};

enum gql_scalar {
	GQL_ANY, /* JSON, and every scalar without rules of its own */
	GQL_INT,
	GQL_FLOAT,
	GQL_STRING,
	GQL_BOOLEAN,
	GQL_ID,
	GQL_UINT64,
	GQL_DATE_TIME,
	GQL_TIME_OF_DAY,
};

/* Name to pointer, open addressing, filled once. */
struct gql_map {
	struct gql_map_slot {
		const char *name;
		uint32_t len;
		uint32_t hash;
		void *item;
	} * slots;
	uint32_t mask; /* number of slots - 1, a power of two */
	uint32_t count;
};

/* Room for `expected` names. */
void reeve_gql_map_init(struct gql_map *map, struct gql_arena *arena, uint32_t expected);
/* False if the name is there already. */
bool reeve_gql_map_put(struct gql_map *map, const char *name, uint32_t len, void *item);
/* Puts it in the place of what is there. */
void reeve_gql_map_set(struct gql_map *map, const char *name, uint32_t len, void *item);
void *reeve_gql_map_get(const struct gql_map *map, const char *name, uint32_t len);

/* An argument or an input field. */
struct gql_input {
	const char *name; /* NUL-terminated, as all names here */
	uint32_t name_len;
	const char *description;
	const struct gql_type *type;
	const struct gql_ast_value *default_literal; /* NULL = none */
	struct reeve_gql_value default_value;	     /* coerced; ABSENT = none */
	const char *deprecated;			     /* reason, or NULL */
};

struct gql_field {
	const char *name;
	uint32_t name_len;
	const char *description;
	const struct gql_type *type;
	struct gql_input *args;
	uint32_t n_args;
	const char *deprecated;
	const struct gql_type *owner;
	const struct reeve_gql_binding *binding; /* NULL on interfaces, and for __typename */
	uint64_t divisor;			 /* the binding's, 0 made 1 */
	/* Bound enum names as they go out: "\"Name\"" each, for the fast path. */
	const struct gql_quoted *quoted_names;
};

struct gql_quoted {
	const char *text;
	uint32_t len;
};

struct gql_enum_value {
	const char *name;
	uint32_t name_len;
	const char *description;
	const char *deprecated;
	uint32_t index;
};

struct gql_type {
	enum gql_kind kind;
	enum gql_scalar scalar;
	const char *name; /* of wrapping types: the whole expression, "[UInt64!]!" */
	uint32_t name_len;
	const char *description;
	const char *specified_by;
	const struct gql_type *of;	  /* LIST, NON_NULL */
	struct gql_type *list, *non_null; /* the wrappings of this type that exist */
	struct gql_field *fields;	  /* OBJECT, INTERFACE */
	uint32_t n_fields;
	struct gql_map field_map;
	struct gql_input *inputs; /* INPUT_OBJECT */
	uint32_t n_inputs;
	struct gql_map input_map;
	struct gql_enum_value *values; /* ENUM */
	uint32_t n_values;
	struct gql_map value_map;
	const struct gql_type **interfaces; /* OBJECT, INTERFACE: implements */
	uint32_t n_interfaces;
	const struct gql_type **possible; /* INTERFACE, UNION: object types; OBJECT: itself */
	uint32_t n_possible;
	reeve_gql_type_fn type_fn; /* INTERFACE, UNION */
	const struct gql_ast_definition *ast;
	bool used;	    /* referenced: unreferenced built-in scalars are hidden */
	bool introspection; /* the name starts with "__" */
};

struct gql_directive_def {
	const char *name;
	uint32_t name_len;
	const char *description;
	struct gql_input *args;
	uint32_t n_args;
	const char **locations;
	uint32_t n_locations;
	bool repeatable;
};

struct gql_schema {
	struct gql_arena arena;
	const char *description;
	struct gql_type **types; /* named types, in SDL order, built-in ones last */
	uint32_t n_types;
	struct gql_map type_map;
	struct gql_directive_def *directives;
	uint32_t n_directives;
	const struct gql_type *roots[3]; /* by enum reeve_gql_operation; NULL = none */
	/* Fields that exist everywhere, or on the query type. */
	struct gql_field typename_field, schema_field, type_field;
	bool introspection; /* __schema and __type may be asked for */
};

/*
 * Builds the type system from SDL and the engine's own definitions, and binds it. False with text
 * in error (one complaint a line) if anything is wrong. The schema must be freed with fini in
 * either case.
 */
bool reeve_gql_schema_init(struct gql_schema *schema, const char *sdl, size_t sdl_len,
	const struct reeve_gql_table *tables, size_t n_tables, bool introspection, char *error,
	size_t error_size);
void reeve_gql_schema_fini(struct gql_schema *schema);

/* Complaints of schema building, gathered in the caller's buffer. */
struct gql_complaints {
	char *text;
	size_t size, len;
	uint32_t count;
};
void reeve_gql_complain(struct gql_complaints *complaints, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The steps of reeve_gql_schema_init(), in this order. */
void reeve_gql_schema_load(struct gql_schema *schema, const struct gql_ast_definition *user,
	const struct gql_ast_definition *own, struct gql_complaints *complaints);
void reeve_gql_schema_check(struct gql_schema *schema, struct gql_complaints *complaints);
void reeve_gql_schema_bind(struct gql_schema *schema, const struct reeve_gql_table *tables,
	size_t n_tables, struct gql_complaints *complaints);

/* The engine's own SDL (built-in scalars, directives, introspection types) and its bindings. */
extern const char *const reeve_gql_own_sdl[3];
extern const struct reeve_gql_table reeve_gql_own_table;

/* The type system of an engine, for what describes it in other words. Lives as long as the engine. */
const struct gql_schema *reeve_gql_engine_schema(const struct reeve_gql_engine *engine);

struct gql_type *reeve_gql_schema_type(
	const struct gql_schema *schema, const char *name, uint32_t len);
const struct gql_directive_def *reeve_gql_schema_directive(
	const struct gql_schema *schema, struct gql_name name);
/* The field of a composite type, with __typename everywhere and __schema, __type on the query type.
 * NULL if there is none. */
const struct gql_field *reeve_gql_schema_field(
	const struct gql_schema *schema, const struct gql_type *type, struct gql_name name);
/* The type that a type expression means; wrappings that the schema has not are made in `arena`.
 * NULL if the named type does not exist. */
const struct gql_type *reeve_gql_schema_resolve(
	const struct gql_schema *schema, struct gql_arena *arena, const struct gql_ast_type *ast);

const struct gql_type *reeve_gql_type_named(const struct gql_type *type);
/* Without an outer NON_NULL. */
const struct gql_type *reeve_gql_type_nullable(const struct gql_type *type);
bool reeve_gql_type_same(const struct gql_type *a, const struct gql_type *b);
/* True if a value of type `sub` can stand where `super` is wanted. */
bool reeve_gql_type_is_subtype(const struct gql_type *sub, const struct gql_type *super);
/* True if some object type is among the possible types of both. */
bool reeve_gql_types_overlap(const struct gql_type *a, const struct gql_type *b);
bool reeve_gql_type_has_possible(const struct gql_type *type, const struct gql_type *object);

static inline bool reeve_gql_type_is_composite(const struct gql_type *type)
{
	return type->kind == GQL_OBJECT || type->kind == GQL_INTERFACE || type->kind == GQL_UNION;
}
static inline bool reeve_gql_type_is_leaf(const struct gql_type *type)
{
	return type->kind == GQL_SCALAR || type->kind == GQL_ENUM;
}
/* Named types that variables, arguments and input fields may have. */
static inline bool reeve_gql_type_is_input(const struct gql_type *type)
{
	return reeve_gql_type_is_leaf(type) || type->kind == GQL_INPUT_OBJECT;
}

static inline bool reeve_gql_input_is_required(const struct gql_input *input)
{
	return input->type->kind == GQL_NON_NULL && !input->default_literal;
}

#endif
