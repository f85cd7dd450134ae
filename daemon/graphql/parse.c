/* Recursive descent over the tokens: section 2 of the specification. One token of lookahead. Errors
 * leave by longjmp, so no function here returns failure. Recursion is bounded by max_nesting. */
#include "graphql/parse.h"

#include <stdio.h>

#include "json/json.h"

static const char *token_kind_text(enum gql_token_kind kind)
{
	static const char *const texts[] = {
		[GQL_TOKEN_SOF] = "<SOF>",
		[GQL_TOKEN_EOF] = "<EOF>",
		[GQL_TOKEN_BANG] = "\"!\"",
		[GQL_TOKEN_DOLLAR] = "\"$\"",
		[GQL_TOKEN_AMP] = "\"&\"",
		[GQL_TOKEN_PAREN_L] = "\"(\"",
		[GQL_TOKEN_PAREN_R] = "\")\"",
		[GQL_TOKEN_SPREAD] = "\"...\"",
		[GQL_TOKEN_COLON] = "\":\"",
		[GQL_TOKEN_EQUALS] = "\"=\"",
		[GQL_TOKEN_AT] = "\"@\"",
		[GQL_TOKEN_BRACKET_L] = "\"[\"",
		[GQL_TOKEN_BRACKET_R] = "\"]\"",
		[GQL_TOKEN_BRACE_L] = "\"{\"",
		[GQL_TOKEN_PIPE] = "\"|\"",
		[GQL_TOKEN_BRACE_R] = "\"}\"",
		[GQL_TOKEN_NAME] = "Name",
		[GQL_TOKEN_INT] = "Int",
		[GQL_TOKEN_FLOAT] = "Float",
		[GQL_TOKEN_STRING] = "String",
		[GQL_TOKEN_BLOCK_STRING] = "BlockString",
	};

	return texts[kind];
}

struct token_text {
	char text[160];
};

/* The next token as messages show it; long strings are cut. */
static struct token_text describe_token(const struct gql_parser *p)
{
	const struct gql_token *token = &p->token;
	struct token_text out;
	uint32_t n = token->len;

	if (!token->text) {
		snprintf(out.text, sizeof(out.text), "%s", token_kind_text(token->kind));
		return out;
	}
	if (n > 100) {
		n = 100;
		while (n && ((unsigned char)token->text[n] & 0xC0) == 0x80)
			n--;
	}
	snprintf(out.text, sizeof(out.text), "%s \"%.*s%s\"", token_kind_text(token->kind), (int)n,
		token->text, n < token->len ? "..." : "");
	return out;
}

static void __attribute__((noreturn)) fail_limit(
	struct gql_parser *p, uint32_t pos, const char *limit, const char *what, uint32_t maximum)
{
	p->parse->limit = limit;
	p->lexer.error_pos = pos;
	p->lexer.message = reeve_gql_arena_printf(
		p->lexer.arena, "Document has more than %u %s.", maximum, what);
	longjmp(*p->lexer.bail, GQL_SYNTAX_LIMIT);
}

void reeve_gql_parser_advance(struct gql_parser *p)
{
	p->last_end = p->token.end;
	reeve_gql_lexer_next(&p->lexer, &p->token);
	if (p->token.kind != GQL_TOKEN_EOF && ++p->tokens > p->parse->max_tokens)
		fail_limit(p, p->token.pos, "tokens", "tokens", p->parse->max_tokens);
}

bool reeve_gql_parser_skip(struct gql_parser *p, enum gql_token_kind kind)
{
	if (p->token.kind != kind)
		return false;
	reeve_gql_parser_advance(p);
	return true;
}

void reeve_gql_parser_expect(struct gql_parser *p, enum gql_token_kind kind)
{
	if (!reeve_gql_parser_skip(p, kind))
		reeve_gql_lexer_fail(&p->lexer, p->token.pos, "Expected %s, found %s.",
			token_kind_text(kind), describe_token(p).text);
}

bool reeve_gql_parser_peek_keyword(const struct gql_parser *p, const char *word)
{
	return p->token.kind == GQL_TOKEN_NAME && p->token.len == strlen(word) &&
	       !memcmp(p->token.text, word, p->token.len);
}

bool reeve_gql_parser_skip_keyword(struct gql_parser *p, const char *word)
{
	if (!reeve_gql_parser_peek_keyword(p, word))
		return false;
	reeve_gql_parser_advance(p);
	return true;
}

void reeve_gql_parser_expect_keyword(struct gql_parser *p, const char *word)
{
	if (!reeve_gql_parser_skip_keyword(p, word))
		reeve_gql_lexer_fail(&p->lexer, p->token.pos, "Expected \"%s\", found %s.", word,
			describe_token(p).text);
}

void reeve_gql_parser_unexpected(struct gql_parser *p)
{
	reeve_gql_lexer_fail(&p->lexer, p->token.pos, "Unexpected %s.", describe_token(p).text);
}

void reeve_gql_parser_enter(struct gql_parser *p)
{
	if (++p->nesting > p->parse->max_nesting)
		fail_limit(p, p->token.pos, "nesting", "levels of brackets", p->parse->max_nesting);
}

void reeve_gql_parser_leave(struct gql_parser *p)
{
	p->nesting--;
}

static void *new_node(struct gql_parser *p, size_t bytes)
{
	return reeve_gql_arena_zalloc(p->lexer.arena, bytes);
}

struct gql_name reeve_gql_parser_name(struct gql_parser *p)
{
	struct gql_name name = {p->token.text, p->token.len, p->token.pos};

	reeve_gql_parser_expect(p, GQL_TOKEN_NAME);
	return name;
}

const char *reeve_gql_parser_description(struct gql_parser *p)
{
	const char *text = p->token.text;

	if (p->token.kind != GQL_TOKEN_STRING && p->token.kind != GQL_TOKEN_BLOCK_STRING)
		return NULL;
	reeve_gql_parser_advance(p);
	return text;
}

/* ---- values ---- */

static struct gql_ast_value *parse_list(struct gql_parser *p, bool constant)
{
	struct gql_ast_value *value = new_node(p, sizeof(*value)), **tail = &value->items;

	value->kind = GQL_AST_LIST;
	value->pos = p->token.pos;
	reeve_gql_parser_enter(p);
	reeve_gql_parser_expect(p, GQL_TOKEN_BRACKET_L);
	while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACKET_R)) {
		*tail = reeve_gql_parser_value(p, constant);
		tail = &(*tail)->next;
	}
	reeve_gql_parser_leave(p);
	return value;
}

static struct gql_ast_value *parse_object(struct gql_parser *p, bool constant)
{
	struct gql_ast_value *value = new_node(p, sizeof(*value));
	struct gql_ast_object_field **tail = &value->fields;

	value->kind = GQL_AST_OBJECT;
	value->pos = p->token.pos;
	reeve_gql_parser_enter(p);
	reeve_gql_parser_expect(p, GQL_TOKEN_BRACE_L);
	while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_R)) {
		struct gql_ast_object_field *field = new_node(p, sizeof(*field));

		field->name = reeve_gql_parser_name(p);
		reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
		field->value = reeve_gql_parser_value(p, constant);
		*tail = field;
		tail = &field->next;
	}
	reeve_gql_parser_leave(p);
	return value;
}

static struct gql_ast_value *parse_variable(struct gql_parser *p, bool constant)
{
	struct gql_ast_value *value = new_node(p, sizeof(*value));

	value->kind = GQL_AST_VARIABLE;
	value->pos = p->token.pos;
	reeve_gql_parser_expect(p, GQL_TOKEN_DOLLAR);
	if (constant && p->token.kind == GQL_TOKEN_NAME)
		reeve_gql_lexer_fail(&p->lexer, value->pos,
			"Unexpected variable \"$%.*s\" in constant value.", (int)p->token.len,
			p->token.text);
	if (constant)
		reeve_gql_lexer_fail(&p->lexer, value->pos, "Unexpected \"$\".");
	value->text = p->token.text;
	value->len = p->token.len;
	reeve_gql_parser_expect(p, GQL_TOKEN_NAME);
	return value;
}

static enum gql_ast_kind literal_kind(const struct gql_parser *p)
{
	switch (p->token.kind) {
	case GQL_TOKEN_INT:
		return GQL_AST_INT;
	case GQL_TOKEN_FLOAT:
		return GQL_AST_FLOAT;
	case GQL_TOKEN_NAME:
		if (reeve_gql_parser_peek_keyword(p, "true") ||
			reeve_gql_parser_peek_keyword(p, "false"))
			return GQL_AST_BOOLEAN;
		if (reeve_gql_parser_peek_keyword(p, "null"))
			return GQL_AST_NULL;
		return GQL_AST_ENUM;
	default:
		return GQL_AST_STRING;
	}
}

static struct gql_ast_value *parse_literal(struct gql_parser *p)
{
	struct gql_ast_value *value = new_node(p, sizeof(*value));

	value->kind = literal_kind(p);
	value->pos = p->token.pos;
	value->text = p->token.text;
	value->len = p->token.len;
	value->block = p->token.kind == GQL_TOKEN_BLOCK_STRING;
	value->boolean = reeve_gql_parser_peek_keyword(p, "true");
	reeve_gql_parser_advance(p);
	return value;
}

struct gql_ast_value *reeve_gql_parser_value(struct gql_parser *p, bool constant)
{
	switch (p->token.kind) {
	case GQL_TOKEN_BRACKET_L:
		return parse_list(p, constant);
	case GQL_TOKEN_BRACE_L:
		return parse_object(p, constant);
	case GQL_TOKEN_DOLLAR:
		return parse_variable(p, constant);
	case GQL_TOKEN_INT:
	case GQL_TOKEN_FLOAT:
	case GQL_TOKEN_STRING:
	case GQL_TOKEN_BLOCK_STRING:
	case GQL_TOKEN_NAME:
		return parse_literal(p);
	default:
		reeve_gql_parser_unexpected(p);
	}
}

/* ---- types, arguments, directives ---- */

struct gql_ast_type *reeve_gql_parser_type(struct gql_parser *p)
{
	struct gql_ast_type *type = new_node(p, sizeof(*type)), *outer;

	type->pos = p->token.pos;
	if (p->token.kind == GQL_TOKEN_BRACKET_L) {
		type->kind = GQL_AST_TYPE_LIST;
		reeve_gql_parser_enter(p);
		reeve_gql_parser_advance(p);
		type->of = reeve_gql_parser_type(p);
		reeve_gql_parser_expect(p, GQL_TOKEN_BRACKET_R);
		reeve_gql_parser_leave(p);
	} else {
		type->kind = GQL_AST_TYPE_NAMED;
		type->name = reeve_gql_parser_name(p);
	}
	if (!reeve_gql_parser_skip(p, GQL_TOKEN_BANG))
		return type;
	outer = new_node(p, sizeof(*outer));
	outer->kind = GQL_AST_TYPE_NON_NULL;
	outer->pos = type->pos;
	outer->of = type;
	return outer;
}

static struct gql_ast_arg *parse_arguments(struct gql_parser *p, bool constant)
{
	struct gql_ast_arg *first = NULL, **tail = &first;

	if (!reeve_gql_parser_skip(p, GQL_TOKEN_PAREN_L))
		return NULL;
	do {
		struct gql_ast_arg *arg = new_node(p, sizeof(*arg));

		arg->name = reeve_gql_parser_name(p);
		reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
		arg->value = reeve_gql_parser_value(p, constant);
		*tail = arg;
		tail = &arg->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_PAREN_R));
	return first;
}

struct gql_ast_directive *reeve_gql_parser_directives(struct gql_parser *p, bool constant)
{
	struct gql_ast_directive *first = NULL, **tail = &first;

	while (p->token.kind == GQL_TOKEN_AT) {
		struct gql_ast_directive *directive = new_node(p, sizeof(*directive));

		directive->pos = p->token.pos;
		reeve_gql_parser_advance(p);
		directive->name = reeve_gql_parser_name(p);
		directive->args = parse_arguments(p, constant);
		*tail = directive;
		tail = &directive->next;
	}
	return first;
}

/* ---- selections ---- */

static struct gql_ast_selection *parse_selection_set(struct gql_parser *p);

static void parse_field(struct gql_parser *p, struct gql_ast_selection *field)
{
	field->kind = GQL_AST_FIELD;
	field->alias = field->name = reeve_gql_parser_name(p);
	if (reeve_gql_parser_skip(p, GQL_TOKEN_COLON)) {
		field->aliased = true;
		field->name = reeve_gql_parser_name(p);
	}
	field->args = parse_arguments(p, false);
	field->directives = reeve_gql_parser_directives(p, false);
	if (p->token.kind != GQL_TOKEN_BRACE_L)
		return;
	field->has_braces = true;
	field->braces_pos = p->token.pos;
	field->selections = parse_selection_set(p);
}

static void parse_fragment(struct gql_parser *p, struct gql_ast_selection *selection)
{
	bool condition;

	reeve_gql_parser_expect(p, GQL_TOKEN_SPREAD);
	condition = reeve_gql_parser_skip_keyword(p, "on");
	if (!condition && p->token.kind == GQL_TOKEN_NAME) {
		selection->kind = GQL_AST_SPREAD;
		selection->name = reeve_gql_parser_name(p);
		selection->directives = reeve_gql_parser_directives(p, false);
		return;
	}
	selection->kind = GQL_AST_INLINE;
	if (condition)
		selection->type_condition = reeve_gql_parser_name(p);
	selection->directives = reeve_gql_parser_directives(p, false);
	selection->has_braces = true;
	selection->braces_pos = p->token.pos;
	selection->selections = parse_selection_set(p);
}

static struct gql_ast_selection *parse_selection_set(struct gql_parser *p)
{
	struct gql_ast_selection *first = NULL, **tail = &first;

	reeve_gql_parser_enter(p);
	reeve_gql_parser_expect(p, GQL_TOKEN_BRACE_L);
	do {
		struct gql_ast_selection *selection = new_node(p, sizeof(*selection));

		selection->pos = p->token.pos;
		if (p->token.kind == GQL_TOKEN_SPREAD)
			parse_fragment(p, selection);
		else
			parse_field(p, selection);
		*tail = selection;
		tail = &selection->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_R));
	reeve_gql_parser_leave(p);
	return first;
}

/* ---- executable definitions ---- */

static struct gql_ast_variable *parse_variables(struct gql_parser *p)
{
	struct gql_ast_variable *first = NULL, **tail = &first;

	if (!reeve_gql_parser_skip(p, GQL_TOKEN_PAREN_L))
		return NULL;
	do {
		struct gql_ast_variable *variable = new_node(p, sizeof(*variable));

		reeve_gql_parser_description(p);
		variable->pos = p->token.pos;
		reeve_gql_parser_expect(p, GQL_TOKEN_DOLLAR);
		variable->name = reeve_gql_parser_name(p);
		reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
		variable->type = reeve_gql_parser_type(p);
		if (reeve_gql_parser_skip(p, GQL_TOKEN_EQUALS))
			variable->default_value = reeve_gql_parser_value(p, true);
		variable->directives = reeve_gql_parser_directives(p, true);
		*tail = variable;
		tail = &variable->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_PAREN_R));
	return first;
}

static void parse_operation(struct gql_parser *p, struct gql_ast_definition *definition)
{
	definition->kind = GQL_AST_OPERATION;
	if (p->token.kind != GQL_TOKEN_BRACE_L) {
		definition->operation = reeve_gql_parser_name(p);
		if (p->token.kind == GQL_TOKEN_NAME)
			definition->name = reeve_gql_parser_name(p);
		definition->variables = parse_variables(p);
		definition->directives = reeve_gql_parser_directives(p, false);
	}
	definition->selections = parse_selection_set(p);
}

static void parse_fragment_definition(struct gql_parser *p, struct gql_ast_definition *definition)
{
	definition->kind = GQL_AST_FRAGMENT;
	reeve_gql_parser_expect_keyword(p, "fragment");
	if (reeve_gql_parser_peek_keyword(p, "on"))
		reeve_gql_parser_unexpected(p);
	definition->name = reeve_gql_parser_name(p);
	reeve_gql_parser_expect_keyword(p, "on");
	definition->type_condition = reeve_gql_parser_name(p);
	definition->directives = reeve_gql_parser_directives(p, false);
	definition->selections = parse_selection_set(p);
}

static bool peek_operation(const struct gql_parser *p)
{
	return reeve_gql_parser_peek_keyword(p, "query") ||
	       reeve_gql_parser_peek_keyword(p, "mutation") ||
	       reeve_gql_parser_peek_keyword(p, "subscription");
}

static struct gql_ast_definition *parse_definition(struct gql_parser *p)
{
	uint32_t pos = p->token.pos;
	const char *description = reeve_gql_parser_description(p);
	struct gql_ast_definition *definition;

	if (description && p->token.kind == GQL_TOKEN_BRACE_L)
		reeve_gql_lexer_fail(&p->lexer, pos,
			"Unexpected description, descriptions are not supported on shorthand "
			"queries.");
	if (p->token.kind != GQL_TOKEN_BRACE_L && p->token.kind != GQL_TOKEN_NAME)
		reeve_gql_parser_unexpected(p);
	definition = reeve_gql_parser_type_system(p, pos, description);
	if (definition)
		return definition;
	definition = new_node(p, sizeof(*definition));
	definition->pos = pos;
	if (p->token.kind == GQL_TOKEN_BRACE_L || peek_operation(p))
		parse_operation(p, definition);
	else if (reeve_gql_parser_peek_keyword(p, "fragment"))
		parse_fragment_definition(p, definition);
	else if (description)
		reeve_gql_lexer_fail(&p->lexer, pos,
			"Unexpected description, only GraphQL definitions support descriptions.");
	else
		reeve_gql_parser_unexpected(p);
	return definition;
}

static void check_utf8(struct gql_parser *p)
{
	const char *text = p->lexer.text;
	uint32_t i = 0;

	while (i < p->lexer.len) {
		size_t n = reeve_json_utf8_len(text + i, p->lexer.len - i);

		if (!n)
			reeve_gql_lexer_fail(&p->lexer, i, "Text is not valid UTF-8.");
		i += (uint32_t)n;
	}
}

static void parse_document(struct gql_parser *p)
{
	struct gql_ast_definition **tail = &p->parse->definitions;

	check_utf8(p);
	reeve_gql_parser_advance(p);
	do {
		*tail = parse_definition(p);
		tail = &(*tail)->next;
	} while (p->token.kind != GQL_TOKEN_EOF);
}

/* What *p holds is not local to the function that setjmp returns to twice, and so is well defined
 * after a longjmp. */
static enum gql_syntax_status run_parser(struct gql_parser *p)
{
	jmp_buf bail;

	p->lexer.bail = p->lexer.arena->bail = &bail;
	switch (setjmp(bail)) {
	case GQL_SYNTAX_OK:
		parse_document(p);
		return GQL_SYNTAX_OK;
	case GQL_SYNTAX_NOMEM:
		return GQL_SYNTAX_NOMEM;
	case GQL_SYNTAX_LIMIT:
		return GQL_SYNTAX_LIMIT;
	default:
		return GQL_SYNTAX_ERROR;
	}
}

enum gql_syntax_status reeve_gql_parse(struct gql_parse *parse)
{
	struct gql_parser p = {
		.lexer = {.text = parse->text, .len = parse->len, .arena = parse->arena},
		.parse = parse,
	};
	jmp_buf *outer = parse->arena->bail;
	enum gql_syntax_status status;

	parse->definitions = NULL;
	status = run_parser(&p);
	parse->arena->bail = outer;
	parse->error_pos = p.lexer.error_pos;
	parse->message = p.lexer.message;
	return status;
}
