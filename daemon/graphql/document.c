/* From text to document: parse, validate, compile; and the answers when that fails. */
#include "graphql/document.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- errors ---- */

static void write_place(struct reeve_json *out, const char *text, uint32_t len, uint32_t place)
{
	uint32_t line, column;

	reeve_gql_locate(text, len, place, &line, &column);
	reeve_json_object_begin(out);
	reeve_json_key(out, "line");
	reeve_json_u64(out, line);
	reeve_json_key(out, "column");
	reeve_json_u64(out, column);
	reeve_json_object_end(out);
}

/* An error up to and without the end of its extensions, which callers may add to. */
static void begin_error(struct reeve_json *out, const char *text, uint32_t len, const char *message,
	const uint32_t *places, uint32_t n_places, const char *code)
{
	uint32_t i;

	reeve_json_object_begin(out);
	reeve_json_key(out, "message");
	reeve_json_str(out, message ? message : "Out of memory.");
	if (n_places) {
		reeve_json_key(out, "locations");
		reeve_json_array_begin(out);
		for (i = 0; i < n_places; i++)
			write_place(out, text, len, places[i]);
		reeve_json_array_end(out);
	}
	reeve_json_key(out, "extensions");
	reeve_json_object_begin(out);
	reeve_json_key(out, "code");
	reeve_json_str(out, code);
}

static void end_error(struct reeve_json *out)
{
	reeve_json_object_end(out);
	reeve_json_object_end(out);
}

void reeve_gql_write_error(struct reeve_json *out, const char *text, uint32_t len,
	const char *message, const uint32_t *places, uint32_t n_places, const char *code)
{
	begin_error(out, text, len, message, places, n_places, code);
	end_error(out);
}

static void begin_errors(struct reeve_json *out)
{
	reeve_json_object_begin(out);
	reeve_json_key(out, "errors");
	reeve_json_array_begin(out);
}

static void end_errors(struct reeve_json *out)
{
	reeve_json_array_end(out);
	reeve_json_object_end(out);
}

void reeve_gql_write_failure(struct reeve_json *out, const char *code, const char *message)
{
	begin_errors(out);
	reeve_gql_write_error(out, NULL, 0, message, NULL, 0, code);
	end_errors(out);
}

void reeve_gql_write_limit(struct reeve_json *out, const char *text, uint32_t len, const char *code,
	const char *message, const struct gql_excess *excess)
{
	begin_errors(out);
	begin_error(out, text, len, message, &excess->pos, text ? 1 : 0, code);
	reeve_json_key(out, "limit");
	reeve_json_str(out, excess->limit);
	if (excess->value) {
		reeve_json_key(out, "value");
		reeve_json_u64(out, excess->value);
	}
	reeve_json_key(out, "maximum");
	reeve_json_u64(out, excess->maximum);
	end_error(out);
	end_errors(out);
}

/* ---- compilation ---- */

static const char *const excess_texts[] = {
	"depth",
	"levels of fields",
	"aliases",
	"aliases",
	"fields",
	"fields",
};

static int report_excess(struct reeve_gql_document *document, struct gql_arena *scratch,
	const struct gql_excess *excess, struct reeve_json *out)
{
	const char *what = excess->limit, *message;
	size_t i;

	for (i = 0; i < sizeof(excess_texts) / sizeof(excess_texts[0]); i += 2)
		if (!strcmp(excess_texts[i], excess->limit))
			what = excess_texts[i + 1];
	message = reeve_gql_arena_printf(scratch,
		strcmp(excess->limit, "fields") ? "Operation has %llu %s, the maximum is %llu."
						: "Document has %llu %s, the maximum is %llu.",
		(unsigned long long)excess->value, what, (unsigned long long)excess->maximum);
	reeve_gql_write_limit(out, document->text, document->len,
		document->engine->options.code_limit, message, excess);
	return REEVE_GQL_ELIMIT;
}

static int report_errors(struct reeve_gql_document *document, const struct gql_errors *errors,
	struct reeve_json *out)
{
	const struct gql_error *error;

	begin_errors(out);
	for (error = errors->first; error; error = error->next)
		reeve_gql_write_error(out, document->text, document->len, error->message,
			error->places, error->n_places, document->engine->options.code_validation);
	end_errors(out);
	return REEVE_GQL_EVALIDATION;
}

static int report_syntax(struct reeve_gql_document *document, const struct gql_parse *parse,
	enum gql_syntax_status status, struct reeve_json *out)
{
	const struct reeve_gql_options *options = &document->engine->options;
	struct gql_excess excess = {.pos = parse->error_pos};

	if (status == GQL_SYNTAX_NOMEM) {
		reeve_gql_write_failure(out, options->code_internal, "Out of memory.");
		return REEVE_GQL_ENOMEM;
	}
	if (status == GQL_SYNTAX_LIMIT) {
		excess.limit = parse->limit;
		excess.maximum =
			strcmp(parse->limit, "tokens") ? options->max_nesting : options->max_tokens;
		reeve_gql_write_limit(out, document->text, document->len, options->code_limit,
			parse->message, &excess);
		return REEVE_GQL_ELIMIT;
	}
	begin_errors(out);
	reeve_gql_write_error(out, document->text, document->len, parse->message, &parse->error_pos,
		1, options->code_parse);
	end_errors(out);
	return REEVE_GQL_EPARSE;
}

/* Whether a selection has a field whose resolver may wait, on any type. Recursion goes through
 * fragments, each of which is entered once. */
static bool blocks(const struct gql_schema *schema, const struct gql_ast_selection *selection)
{
	bool any = false;

	for (; selection && !any; selection = selection->next) {
		struct gql_facts *facts;
		uint32_t i;

		if (selection->kind == GQL_AST_SPREAD) {
			facts = selection->fragment->facts;
			if (!facts->visited) {
				facts->visited = true;
				any = blocks(schema, selection->fragment->selections);
			}
			continue;
		}
		for (i = 0; selection->kind == GQL_AST_FIELD && i < selection->parent->n_possible;
			i++) {
			const struct gql_field *def = reeve_gql_schema_field(
				schema, selection->parent->possible[i], selection->name);

			any |= def && def->binding && def->binding->flags & REEVE_GQL_BLOCKING;
		}
		any = any || blocks(schema, selection->selections);
	}
	return any;
}

static void compile_operation(struct reeve_gql_document *document, struct gql_operation *operation,
	const struct gql_ast_definition *ast)
{
	const struct gql_schema *schema = &document->engine->schema;
	struct gql_collect collect = {
		.schema = schema, .arena = &document->arena, .n_slots = &document->n_slots};
	struct gql_ast_selection top = {.selections = ast->selections};
	struct gql_nodes nodes = {.node = &top};
	const struct gql_ast_definition *definition;
	const struct gql_ast_variable *variable;

	operation->ast = ast;
	operation->kind = reeve_gql_operation_kind(ast);
	operation->name = reeve_gql_arena_copy(&document->arena, ast->name.text, ast->name.len);
	for (variable = ast->variables; variable; variable = variable->next)
		operation->n_variables++;
	operation->plan = reeve_gql_plan_collect(&collect, ast->type, &nodes);
	for (definition = document->definitions; definition; definition = definition->next)
		((struct gql_facts *)definition->facts)->visited = false;
	operation->blocks = blocks(schema, ast->selections);
}

static void compile(struct reeve_gql_document *document)
{
	struct gql_ast_definition *definition;
	uint32_t n = 0;

	for (definition = document->definitions; definition; definition = definition->next)
		n += definition->kind == GQL_AST_OPERATION;
	document->operations =
		reeve_gql_arena_zalloc(&document->arena, n * sizeof(*document->operations) + 1);
	for (definition = document->definitions; definition; definition = definition->next)
		if (definition->kind == GQL_AST_OPERATION)
			compile_operation(document, &document->operations[document->n_operations++],
				definition);
}

/* What the step that may longjmp works on; not local to the function that setjmps. */
struct making {
	struct reeve_gql_document *document;
	struct gql_arena scratch;
	struct gql_validation validation;
};

/* 0, or ENOMEM by longjmp; validity is told by the validation. */
static int validate_and_compile(struct making *m)
{
	jmp_buf bail;
	int status = REEVE_GQL_OK;

	m->document->arena.bail = m->scratch.bail = &bail;
	if (setjmp(bail)) {
		status = REEVE_GQL_ENOMEM;
	} else if (reeve_gql_validate(&m->validation)) {
		compile(m->document);
	}
	m->document->arena.bail = m->scratch.bail = NULL;
	return status;
}

/* The engine keeps errors apart from documents: scratch holds the former until they are written. */
static int make_document(struct reeve_gql_document *document, struct reeve_json *out)
{
	struct reeve_gql_engine *engine = document->engine;
	struct gql_parse parse = {.text = document->text,
		.len = document->len,
		.arena = &document->arena,
		.max_tokens = engine->options.max_tokens,
		.max_nesting = engine->options.max_nesting};
	enum gql_syntax_status syntax = reeve_gql_parse(&parse);
	struct making m = {.document = document};
	struct gql_ast_definition *definition;
	int status;

	if (syntax != GQL_SYNTAX_OK)
		return report_syntax(document, &parse, syntax, out);
	document->definitions = parse.definitions;
	reeve_gql_arena_init(&m.scratch, engine->options.max_arena_bytes);
	m.validation = (struct gql_validation){.schema = &engine->schema,
		.options = &engine->options,
		.arena = &document->arena,
		.scratch = &m.scratch,
		.definitions = parse.definitions};
	status = validate_and_compile(&m);
	if (status == REEVE_GQL_ENOMEM)
		reeve_gql_write_failure(out, engine->options.code_internal, "Out of memory.");
	else if (m.validation.errors.count)
		status = report_errors(document, &m.validation.errors, out);
	else if (m.validation.excess.limit)
		status = report_excess(document, &m.scratch, &m.validation.excess, out);
	for (definition = document->definitions; definition; definition = definition->next)
		definition->facts = NULL;
	reeve_gql_arena_fini(&m.scratch);
	return status;
}

static struct reeve_gql_document *new_document(
	struct reeve_gql_engine *engine, const char *text, size_t len, uint64_t hash)
{
	struct reeve_gql_document *document = calloc(1, sizeof(*document));

	if (!document)
		return NULL;
	document->engine = engine;
	document->hash = hash;
	document->len = (uint32_t)len;
	atomic_init(&document->references, 1);
	reeve_gql_arena_init(&document->arena, engine->options.max_arena_bytes);
	document->text = reeve_gql_arena_copy(&document->arena, text, len);
	if (!document->text) {
		reeve_gql_document_release(document);
		return NULL;
	}
	return document;
}

/* Over the byte limit: nothing of the text is looked at. */
static int refuse_length(
	const struct reeve_gql_options *options, size_t len, struct reeve_json *out)
{
	struct gql_excess excess = {"document bytes", len, options->max_document_bytes, 0};
	char message[96];

	snprintf(message, sizeof(message), "Document has %zu bytes, the maximum is %u.", len,
		options->max_document_bytes);
	reeve_gql_write_limit(out, NULL, 0, options->code_limit, message, &excess);
	return REEVE_GQL_ELIMIT;
}

int reeve_gql_document_acquire(struct reeve_gql_engine *engine, const char *text, size_t len,
	struct reeve_gql_document **ret_document, struct reeve_json *out)
{
	struct reeve_gql_document *document;
	uint64_t hash;
	int status;

	if (len > engine->options.max_document_bytes)
		return refuse_length(&engine->options, len, out);
	hash = reeve_gql_cache_hash(engine->options.hash_seed, text, len);
	document = reeve_gql_cache_find(engine, text, len, hash);
	if (document) {
		*ret_document = document;
		return REEVE_GQL_OK;
	}
	document = new_document(engine, text, len, hash);
	if (!document) {
		reeve_gql_write_failure(out, engine->options.code_internal, "Out of memory.");
		return REEVE_GQL_ENOMEM;
	}
	status = make_document(document, out);
	if (status != REEVE_GQL_OK) {
		reeve_gql_document_release(document);
		return status;
	}
	reeve_gql_cache_insert(engine, document);
	*ret_document = document;
	return REEVE_GQL_OK;
}

void reeve_gql_document_release(struct reeve_gql_document *document)
{
	/* Release: what this holder did comes before the last holder, who acquires, frees. */
	if (!document ||
		atomic_fetch_sub_explicit(&document->references, 1, memory_order_acq_rel) != 1)
		return;
	reeve_gql_arena_fini(&document->arena);
	free(document);
}

/* ---- questions ---- */

const struct gql_operation *reeve_gql_document_find(
	const struct reeve_gql_document *document, const char *name)
{
	uint32_t i;

	if (!name || !*name)
		return document->n_operations == 1 ? document->operations : NULL;
	for (i = 0; i < document->n_operations; i++)
		if (!strcmp(document->operations[i].name, name))
			return &document->operations[i];
	return NULL;
}

int reeve_gql_document_operation(const struct reeve_gql_document *document, const char *name,
	enum reeve_gql_operation *ret_operation)
{
	const struct gql_operation *operation = reeve_gql_document_find(document, name);

	if (!operation)
		return REEVE_GQL_EOPERATION;
	*ret_operation = operation->kind;
	return REEVE_GQL_OK;
}

bool reeve_gql_document_blocks(const struct reeve_gql_document *document, const char *name)
{
	const struct gql_operation *operation = reeve_gql_document_find(document, name);

	return operation && operation->blocks;
}
