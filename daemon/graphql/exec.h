/*
 * Execution: section 6 of the specification.
 *
 *	request.c  begins and ends a request: variables, operation, answer
 *	exec.c     runs plans: objects, fields, arguments
 *	member.c   fields that are members of a struct
 *	emit.c     what resolvers emit: values into the answer, nulls up to where they may stand
 */
#ifndef REEVE_DAEMON_GRAPHQL_EXEC_H
#define REEVE_DAEMON_GRAPHQL_EXEC_H

#include "graphql/document.h"

/* Lists within lists that a field may have. */
#define GQL_MAX_LISTS 4u

/* A place in the answer; lives on the stack of the recursion. */
struct gql_path {
	const struct gql_path *up;
	const char *key; /* NULL: an index */
	uint32_t key_len;
	uint32_t index;
};

/* A plan made at execution for one place and one object type. */
struct gql_memo {
	const struct gql_type *type;
	const struct gql_plan *plan;
	struct gql_memo *next;
};

struct gql_request {
	const struct reeve_gql_engine *engine;
	const struct reeve_gql_document *document;
	const struct gql_operation *operation;
	struct gql_arena *arena;
	struct reeve_json *out;
	struct reeve_json *errors; /* elements, without the brackets */
	uint32_t n_errors;
	const char *last_code; /* of the error recorded last */
	struct gql_variables variables;
	void *user;
	int64_t deadline_ms; /* resolvers called later fail; 0 = none */
	uint32_t calls;	     /* of resolvers; the clock is read at some */
	bool is_late;
	struct gql_memo **memos; /* by slot */
	uint32_t n_memos;	 /* allocated */
	uint32_t n_slots;	 /* numbers given out */
};

/* A list being emitted. */
struct gql_frame {
	const struct gql_type *item;
	size_t start; /* of the answer, before the bracket */
	uint32_t index;
	bool dead; /* the list is null already */
};

enum gql_outcome {
	GQL_NOTHING, /* nothing emitted yet */
	GQL_WRITTEN, /* a value, or a null where null may stand */
	GQL_BUBBLE,  /* null where it may not stand: the parent becomes null */
};

struct reeve_gql_ctx {
	struct gql_request *request;
	const struct gql_plan_field *field;
	const struct gql_type *parent;
	const struct reeve_gql_value *args; /* one for each argument definition */
	struct gql_path path;
	enum gql_outcome outcome;
	uint32_t n_frames;
	/* where answer and errors were when the resolver began */
	size_t start, errors_start;
	uint32_t errors_before;
	struct gql_frame frames[GQL_MAX_LISTS];
};

/* Writes {...} for an object. False: a non-null field was null, and the answer ends anywhere after
 * the place where the object began; the caller takes it back. */
bool reeve_gql_run_plan(struct gql_request *request, const struct gql_plan *plan,
	const void *object, const struct gql_path *path);
/* The plan of a composite field for an object type; NULL if the arena is exhausted. */
const struct gql_plan *reeve_gql_find_plan(struct gql_request *request,
	const struct gql_plan_field *field, const struct gql_type *type);
/* Coerces the arguments of a field; false with the error recorded. */
bool reeve_gql_coerce_args(struct reeve_gql_ctx *ctx, const struct reeve_gql_value **ret_args);
/* Emits a struct member. */
void reeve_gql_emit_member(
	struct reeve_gql_ctx *ctx, const struct reeve_gql_binding *row, const void *object);

/* Takes back what the field emitted and makes it null; the error has been recorded. */
void reeve_gql_emit_failed(struct reeve_gql_ctx *ctx, size_t start);
/* Null for the field itself, an error if it may not be. */
void reeve_gql_emit_nothing(struct reeve_gql_ctx *ctx);
/* Text that needs no escaping, with its quotes. */
int reeve_gql_emit_quoted(struct reeve_gql_ctx *ctx, const char *text, size_t len);
/* An error at the place where the next value would go. */
void reeve_gql_record(
	struct reeve_gql_ctx *ctx, const char *code, const char *message, const uint32_t *place);

/* What running the operation may cost, once its variables are known; see cost.c. Saturating. */
#define GQL_ASSUMED_LIST 10u /* length of a list that has no limit */
uint64_t reeve_gql_cost(const struct gql_request *request);
/* The time an operation has, from now. */
void reeve_gql_start_time(struct gql_request *request);

/* Runs an operation whose variables are given as read from JSON (NULL or kind NULL = none). Appends
 * the answer to out. */
int reeve_gql_run_operation(
	struct gql_request *request, const struct reeve_gql_value *variables, const void *root);
/* The two halves of that, for subscriptions. */
int reeve_gql_begin_request(struct gql_request *request, const struct reeve_gql_value *variables);
int reeve_gql_answer_request(struct gql_request *request, const void *root);
const struct gql_plan *reeve_gql_root_plan(struct gql_request *request);

#endif
