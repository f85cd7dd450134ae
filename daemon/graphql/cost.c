/*
 * What running an operation may cost, before it is run.
 *
 * A field costs 1. What is selected below a list costs as often as the list may be long: as its
 * `limit` says, or `limit` within its `page`, given as a literal, a variable or a default of the
 * argument; a list that has no such limit, or whose page is not given, counts as GQL_ASSUMED_LIST.
 *
 *	{ listSessions(page: {limit: 100}) { sessionId group { id } } }      1 + 100 * (1 + 1 + 1)
 *
 * @skip and @include are not looked at. The walk goes through every spread of a fragment; validation
 * has bounded that by max_fields.
 */
#include "graphql/exec.h"

static uint64_t add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
	return b && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static bool is_list(const struct gql_type *type)
{
	if (type->kind == GQL_NON_NULL)
		type = type->of;
	return type->kind == GQL_LIST;
}

/* A limit that is no positive number will be refused, or gives nothing. */
static uint64_t limit_of_value(const struct reeve_gql_value *value)
{
	if (value->kind == REEVE_GQL_VALUE_OBJECT)
		value = reeve_gql_value_member(value, "limit");
	if (value->kind == REEVE_GQL_VALUE_INT)
		return value->i64 > 0 ? (uint64_t)value->i64 : 1;
	if (value->kind == REEVE_GQL_VALUE_UINT)
		return value->u64;
	return GQL_ASSUMED_LIST;
}

static uint64_t limit_of_literal(
	const struct gql_request *request, const struct gql_ast_value *literal)
{
	const struct gql_ast_object_field *member = literal->fields;
	const struct reeve_gql_value *variable;
	uint64_t number = 0;
	uint32_t i;

	switch (literal->kind) {
	case GQL_AST_VARIABLE:
		variable = reeve_gql_variable(&request->variables, literal->text, literal->len);
		return variable ? limit_of_value(variable) : GQL_ASSUMED_LIST;
	case GQL_AST_INT:
		for (i = 0; i < literal->len && literal->text[i] != '-'; i++)
			number = add(multiply(number, 10), (uint64_t)(literal->text[i] - '0'));
		return number ? number : 1;
	case GQL_AST_OBJECT:
		while (member && !reeve_gql_name_is(member->name, "limit"))
			member = member->next;
		return member ? limit_of_literal(request, member->value) : GQL_ASSUMED_LIST;
	default:
		return GQL_ASSUMED_LIST;
	}
}

static uint64_t list_size(
	const struct gql_request *request, const struct gql_ast_selection *selection)
{
	const struct gql_field *field = selection->field;
	uint32_t i;

	for (i = 0; i < field->n_args; i++) {
		const struct gql_ast_arg *arg = selection->args;

		if (strcmp(field->args[i].name, "limit") && strcmp(field->args[i].name, "page"))
			continue;
		while (arg && !reeve_gql_name_is(arg->name, field->args[i].name))
			arg = arg->next;
		return arg ? limit_of_literal(request, arg->value)
			   : limit_of_value(&field->args[i].default_value);
	}
	return GQL_ASSUMED_LIST;
}

static uint64_t cost_of(
	const struct gql_request *request, const struct gql_ast_selection *selection)
{
	uint64_t cost = 0, below;

	for (; selection; selection = selection->next) {
		if (selection->kind == GQL_AST_SPREAD) {
			below = cost_of(request, selection->fragment->selections);
		} else {
			below = cost_of(request, selection->selections);
			if (selection->kind == GQL_AST_FIELD && below && selection->field &&
				is_list(selection->field->type))
				below = multiply(below, list_size(request, selection));
			below = add(below, selection->kind == GQL_AST_FIELD);
		}
		cost = add(cost, below);
	}
	return cost;
}

uint64_t reeve_gql_cost(const struct gql_request *request)
{
	return cost_of(request, request->operation->ast->selections);
}
