/* What an operation costs with its fragments expanded. Each fragment is measured once. */
#include "graphql/validate.h"

static uint32_t add_saturating(uint32_t a, uint32_t b)
{
	return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static struct gql_cost measure(const struct gql_ast_selection *selection);

static struct gql_cost measure_fragment(const struct gql_ast_definition *fragment)
{
	struct gql_facts *facts = fragment->facts;

	if (!facts->measured) {
		facts->cost = measure(fragment->selections);
		facts->measured = true;
	}
	return facts->cost;
}

static struct gql_cost measure(const struct gql_ast_selection *selection)
{
	struct gql_cost cost = {0};

	for (; selection; selection = selection->next) {
		struct gql_cost one;

		if (selection->kind == GQL_AST_SPREAD) {
			if (!selection->fragment)
				continue;
			one = measure_fragment(selection->fragment);
		} else {
			one = measure(selection->selections);
		}
		if (selection->kind == GQL_AST_FIELD) {
			one.fields = add_saturating(one.fields, 1);
			one.aliases = add_saturating(one.aliases, selection->aliased);
			one.depth = add_saturating(one.depth, 1);
		}
		cost.fields = add_saturating(cost.fields, one.fields);
		cost.aliases = add_saturating(cost.aliases, one.aliases);
		if (cost.depth < one.depth)
			cost.depth = one.depth;
	}
	return cost;
}

static void judge(
	struct gql_validator *v, uint32_t pos, const char *limit, uint32_t value, uint32_t maximum)
{
	if (value <= maximum || v->v->excess.limit)
		return;
	v->v->excess = (struct gql_excess){limit, value, maximum, pos};
}

/* The document has no cycles. Unused fragments are measured too: later steps walk them. The fields
 * of all operations count together, since each is compiled whether it is run or not. */
void reeve_gql_check_limits(struct gql_validator *v)
{
	const struct reeve_gql_options *options = v->v->options;
	const struct gql_ast_definition *definition;
	uint32_t fields = 0;

	for (definition = v->v->definitions; definition; definition = definition->next) {
		struct gql_cost cost;

		if (definition->kind != GQL_AST_OPERATION && definition->kind != GQL_AST_FRAGMENT)
			continue;
		cost = measure(definition->selections);
		judge(v, definition->pos, "depth", cost.depth, options->max_depth);
		judge(v, definition->pos, "aliases", cost.aliases, options->max_aliases);
		if (definition->kind == GQL_AST_OPERATION)
			cost.fields = fields = add_saturating(fields, cost.fields);
		judge(v, definition->pos, "fields", cost.fields, options->max_fields);
	}
}
