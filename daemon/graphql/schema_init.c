/* The steps from SDL text to a schema that can be executed. */
#include "graphql/types.h"

#include <stdio.h>

/* Far more than any schema of ours; still an end. */
#define SCHEMA_MAX_BYTES  ((size_t)256 << 20)
#define SCHEMA_MAX_TOKENS (1u << 22)
#define SCHEMA_NESTING	  64u

struct building {
	struct gql_schema *schema;
	const char *sdl;
	uint32_t sdl_len;
	const struct reeve_gql_table *tables;
	size_t n_tables;
	struct gql_complaints complaints;
};

static struct gql_ast_definition *parse_sdl(struct building *b, const char *text, uint32_t len)
{
	struct gql_parse parse = {.text = text,
		.len = len,
		.arena = &b->schema->arena,
		.max_tokens = SCHEMA_MAX_TOKENS,
		.max_nesting = SCHEMA_NESTING};
	enum gql_syntax_status status = reeve_gql_parse(&parse);
	uint32_t line, column;

	if (status == GQL_SYNTAX_OK)
		return parse.definitions;
	reeve_gql_locate(text, len, parse.error_pos, &line, &column);
	reeve_gql_complain(&b->complaints, "line %u, column %u: %s", line, column,
		status == GQL_SYNTAX_NOMEM ? "Out of memory." : parse.message);
	return NULL;
}

static struct gql_ast_definition *parse_own(struct building *b)
{
	const char *text = reeve_gql_arena_printf(&b->schema->arena, "%s%s%s", reeve_gql_own_sdl[0],
		reeve_gql_own_sdl[1], reeve_gql_own_sdl[2]);

	return parse_sdl(b, text, (uint32_t)strlen(text));
}

/* Each step needs the one before to have found nothing wrong. */
static void build(struct building *b)
{
	struct gql_ast_definition *user = parse_sdl(b, b->sdl, b->sdl_len), *own;

	if (!user)
		return;
	own = parse_own(b);
	if (!own)
		return;
	reeve_gql_schema_load(b->schema, user, own, &b->complaints);
	if (!b->complaints.count)
		reeve_gql_schema_check(b->schema, &b->complaints);
	if (!b->complaints.count)
		reeve_gql_schema_bind(b->schema, b->tables, b->n_tables, &b->complaints);
}

static void build_or_bail(struct building *b)
{
	jmp_buf bail;

	b->schema->arena.bail = &bail;
	if (setjmp(bail))
		reeve_gql_complain(&b->complaints, "Out of memory.");
	else
		build(b);
	b->schema->arena.bail = NULL;
}

bool reeve_gql_schema_init(struct gql_schema *schema, const char *sdl, size_t sdl_len,
	const struct reeve_gql_table *tables, size_t n_tables, bool introspection, char *error,
	size_t error_size)
{
	struct building b = {.schema = schema,
		.sdl = sdl,
		.sdl_len = (uint32_t)sdl_len,
		.tables = tables,
		.n_tables = n_tables,
		.complaints = {.text = error, .size = error_size}};

	*schema = (struct gql_schema){.introspection = introspection};
	if (error_size)
		error[0] = 0;
	reeve_gql_arena_init(&schema->arena, SCHEMA_MAX_BYTES);
	if (sdl_len > UINT32_MAX / 4)
		reeve_gql_complain(&b.complaints, "The schema text is too long.");
	else
		build_or_bail(&b);
	return !b.complaints.count;
}

void reeve_gql_schema_fini(struct gql_schema *schema)
{
	reeve_gql_arena_fini(&schema->arena);
}
