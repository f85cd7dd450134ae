/* Type system definitions: section 3 of the specification, without `extend`. */
#include "graphql/parse.h"

static void *new_node(struct gql_parser *p, size_t bytes)
{
	return reeve_gql_arena_zalloc(p->lexer.arena, bytes);
}

static struct gql_ast_input *parse_input(struct gql_parser *p)
{
	struct gql_ast_input *input = new_node(p, sizeof(*input));

	input->description = reeve_gql_parser_description(p);
	input->name = reeve_gql_parser_name(p);
	reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
	input->type = reeve_gql_parser_type(p);
	if (reeve_gql_parser_skip(p, GQL_TOKEN_EQUALS))
		input->default_value = reeve_gql_parser_value(p, true);
	input->directives = reeve_gql_parser_directives(p, true);
	return input;
}

/* Zero or one list of input definitions between the brackets. */
static struct gql_ast_input *parse_inputs(
	struct gql_parser *p, enum gql_token_kind open, enum gql_token_kind close)
{
	struct gql_ast_input *first = NULL, **tail = &first;

	if (!reeve_gql_parser_skip(p, open))
		return NULL;
	do {
		*tail = parse_input(p);
		tail = &(*tail)->next;
	} while (!reeve_gql_parser_skip(p, close));
	return first;
}

static struct gql_ast_field *parse_fields(struct gql_parser *p)
{
	struct gql_ast_field *first = NULL, **tail = &first;

	if (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_L))
		return NULL;
	do {
		struct gql_ast_field *field = new_node(p, sizeof(*field));

		field->description = reeve_gql_parser_description(p);
		field->name = reeve_gql_parser_name(p);
		field->args = parse_inputs(p, GQL_TOKEN_PAREN_L, GQL_TOKEN_PAREN_R);
		reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
		field->type = reeve_gql_parser_type(p);
		field->directives = reeve_gql_parser_directives(p, true);
		*tail = field;
		tail = &field->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_R));
	return first;
}

/* Names with a separator between them, which may also stand before the first. */
static struct gql_ast_named *parse_separated(struct gql_parser *p, enum gql_token_kind separator)
{
	struct gql_ast_named *first = NULL, **tail = &first;

	reeve_gql_parser_skip(p, separator);
	do {
		struct gql_ast_named *named = new_node(p, sizeof(*named));

		named->name = reeve_gql_parser_name(p);
		*tail = named;
		tail = &named->next;
	} while (reeve_gql_parser_skip(p, separator));
	return first;
}

static struct gql_ast_named *parse_enum_values(struct gql_parser *p)
{
	struct gql_ast_named *first = NULL, **tail = &first;

	if (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_L))
		return NULL;
	do {
		struct gql_ast_named *named = new_node(p, sizeof(*named));

		named->description = reeve_gql_parser_description(p);
		if (reeve_gql_parser_peek_keyword(p, "true") ||
			reeve_gql_parser_peek_keyword(p, "false") ||
			reeve_gql_parser_peek_keyword(p, "null"))
			reeve_gql_lexer_fail(&p->lexer, p->token.pos,
				"Name \"%.*s\" is reserved and cannot be used for an enum value.",
				(int)p->token.len, p->token.text);
		named->name = reeve_gql_parser_name(p);
		named->directives = reeve_gql_parser_directives(p, true);
		*tail = named;
		tail = &named->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_R));
	return first;
}

static struct gql_ast_named *parse_schema_roots(struct gql_parser *p)
{
	struct gql_ast_named *first = NULL, **tail = &first;

	reeve_gql_parser_expect(p, GQL_TOKEN_BRACE_L);
	do {
		struct gql_ast_named *named = new_node(p, sizeof(*named));

		if (!reeve_gql_parser_peek_keyword(p, "query") &&
			!reeve_gql_parser_peek_keyword(p, "mutation") &&
			!reeve_gql_parser_peek_keyword(p, "subscription"))
			reeve_gql_parser_unexpected(p);
		named->operation = reeve_gql_parser_name(p);
		reeve_gql_parser_expect(p, GQL_TOKEN_COLON);
		named->name = reeve_gql_parser_name(p);
		*tail = named;
		tail = &named->next;
	} while (!reeve_gql_parser_skip(p, GQL_TOKEN_BRACE_R));
	return first;
}

static bool is_location(const struct gql_token *token)
{
	static const char *const names[] = {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD",
		"FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION",
		"SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION",
		"INTERFACE", "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT",
		"INPUT_FIELD_DEFINITION"};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == token->len && !memcmp(names[i], token->text, token->len))
			return true;
	return false;
}

static void parse_directive_definition(struct gql_parser *p, struct gql_ast_definition *definition)
{
	struct gql_ast_named **tail = &definition->names;

	reeve_gql_parser_expect(p, GQL_TOKEN_AT);
	definition->name = reeve_gql_parser_name(p);
	definition->inputs = parse_inputs(p, GQL_TOKEN_PAREN_L, GQL_TOKEN_PAREN_R);
	definition->repeatable = reeve_gql_parser_skip_keyword(p, "repeatable");
	reeve_gql_parser_expect_keyword(p, "on");
	reeve_gql_parser_skip(p, GQL_TOKEN_PIPE);
	do {
		struct gql_ast_named *named = new_node(p, sizeof(*named));

		if (p->token.kind == GQL_TOKEN_NAME && !is_location(&p->token))
			reeve_gql_parser_unexpected(p);
		named->name = reeve_gql_parser_name(p);
		*tail = named;
		tail = &named->next;
	} while (reeve_gql_parser_skip(p, GQL_TOKEN_PIPE));
}

/* What follows the keyword, by kind. */
static void parse_body(struct gql_parser *p, struct gql_ast_definition *definition)
{
	if (definition->kind == GQL_AST_DIRECTIVE) {
		parse_directive_definition(p, definition);
		return;
	}
	if (definition->kind != GQL_AST_SCHEMA)
		definition->name = reeve_gql_parser_name(p);
	if ((definition->kind == GQL_AST_OBJECT_TYPE || definition->kind == GQL_AST_INTERFACE) &&
		reeve_gql_parser_skip_keyword(p, "implements"))
		definition->interfaces = parse_separated(p, GQL_TOKEN_AMP);
	definition->directives = reeve_gql_parser_directives(p, true);
	switch (definition->kind) {
	case GQL_AST_SCHEMA:
		definition->names = parse_schema_roots(p);
		break;
	case GQL_AST_OBJECT_TYPE:
	case GQL_AST_INTERFACE:
		definition->fields = parse_fields(p);
		break;
	case GQL_AST_UNION:
		if (reeve_gql_parser_skip(p, GQL_TOKEN_EQUALS))
			definition->names = parse_separated(p, GQL_TOKEN_PIPE);
		break;
	case GQL_AST_ENUM_TYPE:
		definition->names = parse_enum_values(p);
		break;
	case GQL_AST_INPUT_TYPE:
		definition->inputs = parse_inputs(p, GQL_TOKEN_BRACE_L, GQL_TOKEN_BRACE_R);
		break;
	default:
		break;
	}
}

struct gql_ast_definition *reeve_gql_parser_type_system(
	struct gql_parser *p, uint32_t pos, const char *description)
{
	static const struct {
		const char *word;
		enum gql_ast_definition_kind kind;
	} words[] = {
		{"schema", GQL_AST_SCHEMA},
		{"scalar", GQL_AST_SCALAR},
		{"type", GQL_AST_OBJECT_TYPE},
		{"interface", GQL_AST_INTERFACE},
		{"union", GQL_AST_UNION},
		{"enum", GQL_AST_ENUM_TYPE},
		{"input", GQL_AST_INPUT_TYPE},
		{"directive", GQL_AST_DIRECTIVE},
	};
	struct gql_ast_definition *definition;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!reeve_gql_parser_skip_keyword(p, words[i].word))
			continue;
		definition = new_node(p, sizeof(*definition));
		definition->kind = words[i].kind;
		definition->pos = pos;
		definition->description = description;
		parse_body(p, definition);
		return definition;
	}
	return NULL;
}
