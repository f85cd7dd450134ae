#include "graphql/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Size of the first block and of the largest that a reset keeps, bytes. */
#define FIRST_BLOCK ((size_t)8192)
#define KEEP_BLOCK  ((size_t)256 * 1024)

struct gql_block {
	struct gql_block *next;
	size_t bytes; /* with this header */
};

/* The header's size, rounded so that what follows is aligned for any type. */
#define HEADER ((sizeof(struct gql_block) + 15u) & ~(size_t)15u)

void reeve_gql_arena_init(struct gql_arena *arena, size_t max_bytes)
{
	*arena = (struct gql_arena){.max_bytes = max_bytes, .first_bytes = FIRST_BLOCK};
}

static void free_blocks(struct gql_block *block)
{
	while (block) {
		struct gql_block *next = block->next;

		free(block);
		block = next;
	}
}

void reeve_gql_arena_fini(struct gql_arena *arena)
{
	free_blocks(arena->blocks);
	arena->blocks = NULL;
	arena->at = arena->end = NULL;
	arena->total_bytes = 0;
}

void reeve_gql_arena_reset(struct gql_arena *arena)
{
	struct gql_block *block = arena->blocks;

	arena->exhausted = false;
	if (!block)
		return;
	if (block->bytes > KEEP_BLOCK) {
		reeve_gql_arena_fini(arena);
		return;
	}
	free_blocks(block->next);
	block->next = NULL;
	arena->at = (char *)block + HEADER;
	arena->end = (char *)block + block->bytes;
	arena->total_bytes = block->bytes;
}

static void *give_up(struct gql_arena *arena)
{
	arena->exhausted = true;
	if (arena->bail)
		longjmp(*arena->bail, 1);
	return NULL;
}

void *reeve_gql_arena_alloc_slow(struct gql_arena *arena, size_t bytes)
{
	size_t want = arena->first_bytes;
	struct gql_block *block;

	if (bytes > arena->max_bytes)
		return give_up(arena);
	if (arena->blocks && arena->blocks->bytes < KEEP_BLOCK)
		want = arena->blocks->bytes * 2;
	else if (arena->blocks)
		want = KEEP_BLOCK;
	if (want < bytes + HEADER + 16)
		want = bytes + HEADER + 16;
	if (arena->total_bytes > arena->max_bytes || want > arena->max_bytes - arena->total_bytes)
		return give_up(arena);
	block = malloc(want);
	if (!block)
		return give_up(arena);
	block->next = arena->blocks;
	block->bytes = want;
	arena->blocks = block;
	arena->total_bytes += want;
	arena->at = (char *)block + HEADER;
	arena->end = (char *)block + want;
	return reeve_gql_arena_alloc(arena, bytes);
}

void *reeve_gql_arena_zalloc(struct gql_arena *arena, size_t bytes)
{
	void *p = reeve_gql_arena_alloc(arena, bytes);

	if (p)
		memset(p, 0, bytes);
	return p;
}

char *reeve_gql_arena_copy(struct gql_arena *arena, const char *text, size_t len)
{
	char *p = reeve_gql_arena_alloc(arena, len + 1);

	if (!p)
		return NULL;
	if (len)
		memcpy(p, text, len);
	p[len] = 0;
	return p;
}

static char *format_text(struct gql_arena *arena, const char *format, va_list args, size_t len)
{
	char *p = reeve_gql_arena_alloc(arena, len + 1);

	if (p)
		vsnprintf(p, len + 1, format, args);
	return p;
}

char *reeve_gql_arena_printf(struct gql_arena *arena, const char *format, ...)
{
	va_list args;
	char *p;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return NULL;
	va_start(args, format);
	p = format_text(arena, format, args, (size_t)n);
	va_end(args);
	return p;
}
