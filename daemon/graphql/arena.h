/*
 * Memory that is given out piece by piece and taken back all at once.
 *
 * Blocks come from malloc and double in size. An arena has a bound on its total; beyond it, as when
 * malloc fails, the allocation fails: with a `bail` set it does not return but longjmps there with
 * the value 1 (parser, validator, compiler: they own nothing but the arena); without, it returns
 * NULL (execution, where other people's resolvers are on the stack).
 */
#ifndef REEVE_DAEMON_GRAPHQL_ARENA_H
#define REEVE_DAEMON_GRAPHQL_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct gql_block;

struct gql_arena {
	struct gql_block *blocks; /* newest first */
	char *at, *end;		  /* free part of the newest block */
	size_t total_bytes;	  /* in all blocks */
	size_t max_bytes;
	size_t first_bytes; /* of the first block; may be lowered while there is none */
	bool exhausted;	    /* an allocation has failed since init or reset */
	jmp_buf *bail;
};

void reeve_gql_arena_init(struct gql_arena *arena, size_t max_bytes);
/* Frees everything. */
void reeve_gql_arena_fini(struct gql_arena *arena);
/* Empties the arena, keeping the largest block (of up to 256 KiB) for the next use. */
void reeve_gql_arena_reset(struct gql_arena *arena);

/* Aligned for any type; not zeroed. */
void *reeve_gql_arena_alloc_slow(struct gql_arena *arena, size_t bytes);

static inline void *reeve_gql_arena_alloc(struct gql_arena *arena, size_t bytes)
{
	size_t rounded = (bytes + 15u) & ~(size_t)15u;
	char *p = arena->at;

	if (rounded < bytes || rounded > (size_t)(arena->end - p))
		return reeve_gql_arena_alloc_slow(arena, bytes);
	arena->at = p + rounded;
	return p;
}

/* The same, zeroed. */
void *reeve_gql_arena_zalloc(struct gql_arena *arena, size_t bytes);
/* A NUL-terminated copy. */
char *reeve_gql_arena_copy(struct gql_arena *arena, const char *text, size_t len);
char *reeve_gql_arena_printf(struct gql_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
