/*
 * A compiled request text: what the cache holds and the executor runs.
 *
 * A plan is the fields that one selection gives on one object type, fragments expanded and fields
 * of one response name merged: section 6.3.2, CollectFields, done once. Where @skip or @include
 * depend on a variable, or the type is abstract, the plan can only be known at execution; it is
 * then made by the same code in the call's arena (struct gql_memo). Costs are bounded by
 * max_fields.
 *
 * Documents are immutable once made, but for count and cache links (under the cache's mutex).
 */
#ifndef REEVE_DAEMON_GRAPHQL_DOCUMENT_H
#define REEVE_DAEMON_GRAPHQL_DOCUMENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "graphql/types.h"
#include "graphql/validate.h"
#include "graphql/value.h"

/* Field nodes that answer under one response name. */
struct gql_nodes {
	const struct gql_ast_selection *node;
	struct gql_nodes *next;
};

struct gql_plan_field {
	const char *key; /* "\"name\":" */
	uint32_t key_len;
	uint32_t slot;	      /* number of this place, for plans made at execution */
	struct gql_name name; /* response name */
	const struct gql_field *def;
	const struct gql_type *named; /* innermost type of the field */
	struct gql_nodes *nodes;
	const struct reeve_gql_value *args; /* coerced already; NULL if they need variables */
	const struct gql_plan *sub;	    /* NULL if leaf, or not known before execution */
};

struct gql_plan {
	const struct gql_type *type;
	struct gql_plan_field *fields;
	uint32_t count;
};

struct gql_operation {
	const struct gql_ast_definition *ast;
	enum reeve_gql_operation kind;
	const char *name;	     /* "" if anonymous */
	const struct gql_plan *plan; /* NULL if it depends on variables */
	uint32_t n_variables;
	bool blocks;
};

struct reeve_gql_document {
	struct reeve_gql_engine *engine;
	atomic_uint references;
	struct gql_arena arena;
	const char *text;
	uint32_t len;
	uint64_t hash;
	struct gql_ast_definition *definitions;
	struct gql_operation *operations;
	uint32_t n_operations;
	uint32_t n_slots;
	/* Cache, under its mutex. */
	struct reeve_gql_document *newer, *older; /* order of use */
	struct reeve_gql_document *chain;	  /* bucket */
};

struct gql_cache {
	pthread_mutex_t mutex;
	struct reeve_gql_document **buckets;
	uint32_t mask;
	struct reeve_gql_document *newest, *oldest;
	struct reeve_gql_cache_stats stats;
};

#define GQL_SHA_BYTES	      32u
#define GQL_PERSISTED_BUCKETS 1024u

struct gql_persisted_entry;

/* Documents by the SHA-256 of their text; see persisted.c. */
struct gql_persisted {
	pthread_mutex_t mutex; /* protects all below */
	struct gql_persisted_entry *buckets[GQL_PERSISTED_BUCKETS];
	struct gql_persisted_entry *newest, *oldest;
	uint32_t entries;
	size_t bytes;
};

struct reeve_gql_engine {
	struct gql_schema schema;
	struct reeve_gql_options options;
	struct gql_cache cache;
	struct gql_persisted persisted;
};

int reeve_gql_persisted_init(struct gql_persisted *store);
void reeve_gql_persisted_fini(struct gql_persisted *store);
/* With a reference for the caller, or NULL. */
struct reeve_gql_document *reeve_gql_persisted_find(
	struct reeve_gql_engine *engine, const uint8_t *sha);
/* Takes a reference of its own. */
void reeve_gql_persisted_insert(
	struct reeve_gql_engine *engine, const uint8_t *sha, struct reeve_gql_document *document);
bool reeve_gql_sha256(const char *text, size_t len, uint8_t ret_sha[GQL_SHA_BYTES]);
/* From 64 hexadecimal digits; false if it is anything else. */
bool reeve_gql_sha_from_hex(const char *hex, size_t len, uint8_t ret_sha[GQL_SHA_BYTES]);

int reeve_gql_cache_init(struct gql_cache *cache, uint32_t entries);
void reeve_gql_cache_fini(struct gql_cache *cache);
uint64_t reeve_gql_cache_hash(uint64_t seed, const char *text, size_t len);
/* With a reference for the caller, or NULL. */
struct reeve_gql_document *reeve_gql_cache_find(
	struct reeve_gql_engine *engine, const char *text, size_t len, uint64_t hash);
/* Takes a reference of its own, unless the text is there already. */
void reeve_gql_cache_insert(struct reeve_gql_engine *engine, struct reeve_gql_document *document);

enum reeve_gql_operation reeve_gql_operation_kind(const struct gql_ast_definition *definition);

/* Where plans are collected: at compilation (variables NULL) or at execution. */
struct gql_collect {
	const struct gql_schema *schema;
	struct gql_arena *arena;
	const struct gql_variables *variables;
	uint32_t *n_slots; /* next free number */
	bool dynamic;	   /* out: met a condition that needs variables, the plan is void */
};

/*
 * Merges the selections of all the nodes into one plan for an object type. At compilation also the
 * plans below it. NULL if `dynamic` became true or the arena is exhausted.
 */
const struct gql_plan *reeve_gql_plan_collect(
	struct gql_collect *collect, const struct gql_type *type, const struct gql_nodes *nodes);

/* Finds the operation by name (NULL or "" = the only one); NULL if there is none. */
const struct gql_operation *reeve_gql_document_find(
	const struct reeve_gql_document *document, const char *name);

/* One error of a request as an element of "errors". */
void reeve_gql_write_error(struct reeve_json *out, const char *text, uint32_t len,
	const char *message, const uint32_t *places, uint32_t n_places, const char *code);
/* An answer that says which limit, how much the request has (0 = only known to be more), how much is
 * allowed. text NULL: at no place. */
void reeve_gql_write_limit(struct reeve_json *out, const char *text, uint32_t len, const char *code,
	const char *message, const struct gql_excess *excess);
/* {"errors":[{"message":...,"extensions":{"code":...}}]} */
void reeve_gql_write_failure(struct reeve_json *out, const char *code, const char *message);

#endif
