#include "toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graphql/exec.h"

char *toy_read_file(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	size_t len = 0, cap = 65536, n;
	char *text = malloc(cap + 1);

	if (!file || !text) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	while ((n = fread(text + len, 1, cap - len, file)) > 0) {
		len += n;
		if (len == cap) {
			cap *= 2;
			text = realloc(text, cap + 1);
			if (!text)
				exit(2);
		}
	}
	fclose(file);
	text[len] = 0;
	*ret_len = len;
	return text;
}

/* ---- resolvers ---- */

static void emit_leaf(struct reeve_gql_ctx *ctx, const struct gql_type *type, const char *name)
{
	uint32_t n = (uint32_t)strlen(name);
	char text[256];

	if (type->kind == GQL_ENUM) {
		reeve_gql_emit_str(ctx, type->values[n % type->n_values].name);
		return;
	}
	switch (type->scalar) {
	case GQL_INT:
		reeve_gql_emit_i64(ctx, n);
		break;
	case GQL_FLOAT:
		reeve_gql_emit_double(ctx, n + 0.5);
		break;
	case GQL_BOOLEAN:
		reeve_gql_emit_bool(ctx, n % 2 == 0);
		break;
	case GQL_UINT64:
		reeve_gql_emit_u64(ctx, UINT64_MAX);
		break;
	case GQL_DATE_TIME:
		reeve_gql_emit_time_ns(ctx, 1769850000 * INT64_C(1000000000));
		break;
	case GQL_TIME_OF_DAY:
		reeve_gql_emit_str(ctx, "09:00");
		break;
	case GQL_ANY:
		snprintf(text, sizeof(text), "{\"k\":\"%s\"}", name);
		reeve_gql_emit_json(ctx, text, strlen(text));
		break;
	default:
		reeve_gql_emit_str(ctx, name);
		break;
	}
}

static void emit_any(struct reeve_gql_ctx *ctx, const struct gql_type *type, const char *name)
{
	static const char object[] = "object";

	type = reeve_gql_type_nullable(type);
	if (type->kind == GQL_LIST) {
		reeve_gql_list_begin(ctx);
		emit_any(ctx, type->of, name);
		if (strstr(name, "Holes"))
			reeve_gql_emit_null(ctx);
		else
			emit_any(ctx, type->of, name);
		reeve_gql_list_end(ctx);
	} else if (reeve_gql_type_is_leaf(type)) {
		emit_leaf(ctx, type, name);
	} else if (type->kind == GQL_OBJECT) {
		reeve_gql_emit_object(ctx, object);
	} else {
		reeve_gql_emit_object_as(
			ctx, type->possible[strlen(name) % type->n_possible]->name, object);
	}
}

static int emit_arguments(struct reeve_gql_ctx *ctx)
{
	const struct gql_field *def = ctx->field->def;
	struct reeve_gql_member *members =
		reeve_gql_alloc(ctx, (def->n_args + 1) * sizeof(*members));
	struct reeve_gql_value value = {
		.kind = REEVE_GQL_VALUE_OBJECT, .count = def->n_args, .members = members};
	uint32_t i;

	for (i = 0; members && i < def->n_args; i++)
		members[i] = (struct reeve_gql_member){
			def->args[i].name, def->args[i].name_len, ctx->args[i]};
	if (members)
		reeve_gql_emit_value(ctx, &value);
	return 0;
}

static int resolve_any(struct reeve_gql_ctx *ctx, const void *object)
{
	const char *name = reeve_gql_field_name(ctx);

	(void)object;
	if (!strcmp(name, "echo"))
		return emit_arguments(ctx);
	if (!strncmp(name, "failing", 7))
		return reeve_gql_fail(ctx, "BOOM", "boom %s", name);
	if (!strncmp(name, "broken", 6))
		return 0;
	emit_any(ctx, ctx->field->def->type, name);
	return 0;
}

/* ---- bindings: a row for every field that the SDL has ---- */

static size_t count_fields(const struct gql_ast_definition *definition)
{
	const struct gql_ast_field *field;
	size_t n = 0;

	for (; definition; definition = definition->next)
		for (field = definition->kind == GQL_AST_OBJECT_TYPE ? definition->fields : NULL;
			field; field = field->next)
			n++;
	return n;
}

static struct reeve_gql_table make_table(struct toy *toy, struct gql_arena *arena)
{
	struct gql_parse parse = {.text = toy->sdl,
		.len = (uint32_t)strlen(toy->sdl),
		.arena = arena,
		.max_tokens = 1u << 20,
		.max_nesting = 64};
	struct gql_ast_definition *definition;
	struct gql_ast_field *field;
	size_t n = 0;

	if (reeve_gql_parse(&parse) != GQL_SYNTAX_OK) {
		fprintf(stderr, "%s\n", parse.message);
		exit(2);
	}
	toy->rows = calloc(count_fields(parse.definitions) + 1, sizeof(*toy->rows));
	for (definition = parse.definitions; definition && toy->rows; definition = definition->next)
		for (field = definition->kind == GQL_AST_OBJECT_TYPE ? definition->fields : NULL;
			field; field = field->next)
			toy->rows[n++] = (struct reeve_gql_binding){
				.type = reeve_gql_arena_copy(
					arena, definition->name.text, definition->name.len),
				.field = reeve_gql_arena_copy(
					arena, field->name.text, field->name.len),
				.kind = REEVE_GQL_FN,
				.flags =
					field->name.len >= 4 && !memcmp(field->name.text, "slow", 4)
						? REEVE_GQL_BLOCKING
						: 0,
				.fn = resolve_any};
	return (struct reeve_gql_table){toy->rows, n};
}

void toy_open_text(struct toy *toy, const char *sdl, const struct reeve_gql_options *options)
{
	struct gql_arena *arena = malloc(sizeof(*arena));
	struct reeve_gql_table table;
	char error[4096];

	*toy = (struct toy){.sdl = strdup(sdl), .arena = arena};
	if (!arena || !toy->sdl)
		exit(2);
	reeve_gql_arena_init(arena, 16u << 20);
	table = make_table(toy, arena);
	if (reeve_gql_engine_create(toy->sdl, strlen(toy->sdl), &table, 1, options, &toy->engine,
		    error, sizeof(error))) {
		fprintf(stderr, "%s", error);
		exit(2);
	}
}

void toy_open(struct toy *toy, const char *sdl_path, const struct reeve_gql_options *options)
{
	size_t len;
	char *sdl = toy_read_file(sdl_path, &len);

	toy_open_text(toy, sdl, options);
	free(sdl);
}

void toy_close(struct toy *toy)
{
	reeve_gql_engine_destroy(toy->engine);
	reeve_gql_arena_fini(toy->arena);
	free(toy->arena);
	free(toy->rows);
	free(toy->sdl);
}

char *toy_run(struct toy *toy, const char *document, const char *operation, const char *variables)
{
	struct reeve_gql_params params = {.operation_name = operation,
		.variables = variables,
		.variables_len = variables ? strlen(variables) : 0};
	struct reeve_gql_document *compiled;
	struct reeve_json out;
	size_t len;
	char *text;

	reeve_json_init(&out, 0);
	if (reeve_gql_document_acquire(toy->engine, document, strlen(document), &compiled, &out) ==
		REEVE_GQL_OK) {
		reeve_gql_execute(toy->engine, compiled, &params, &out);
		reeve_gql_document_release(compiled);
	}
	reeve_json_raw(&out, "", 1);
	text = reeve_json_take(&out, &len);
	if (!text)
		exit(2);
	return text;
}
