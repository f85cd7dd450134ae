/* Rules on the document as a whole: operations, fragments, variables. */
#include "graphql/validate.h"

#include <stdio.h>

#include "graphql/document.h"

/* ---- operations ---- */

static void check_operation_names(struct gql_validator *v)
{
	const struct gql_ast_definition *definition, *first;
	uint32_t n = 0;
	struct gql_map seen;

	for (definition = v->v->definitions; definition; definition = definition->next)
		n += definition->kind == GQL_AST_OPERATION;
	reeve_gql_map_init(&seen, v->v->scratch, n);
	for (definition = v->v->definitions; definition; definition = definition->next) {
		struct gql_name name = definition->name;

		if (definition->kind != GQL_AST_OPERATION)
			continue;
		if (!name.text && n > 1)
			reeve_gql_report_at(v, definition->pos,
				"This anonymous operation must be the only defined operation.");
		if (!name.text)
			continue;
		first = reeve_gql_map_get(&seen, name.text, name.len);
		if (first)
			reeve_gql_report(v, (uint32_t[]){first->name.pos, name.pos}, 2,
				"There can be only one operation named \"%.*s\".",
				GQL_NAME_ARG(name));
		else
			reeve_gql_map_put(
				&seen, name.text, name.len, (void *)(uintptr_t)definition);
	}
}

/* Root fields of a subscription, fragments expanded. */
struct root_fields {
	const struct gql_type *type;
	struct gql_name first; /* response name */
	uint32_t n_extra, n_meta;
	uint32_t extra[GQL_MAX_VALIDATION_ERRORS], meta[GQL_MAX_VALIDATION_ERRORS];
};

static bool is_left_out(const struct gql_ast_selection *selection)
{
	const struct gql_ast_directive *directive;

	for (directive = selection->directives; directive; directive = directive->next) {
		bool skip = reeve_gql_name_is(directive->name, "skip");

		if (!skip && !reeve_gql_name_is(directive->name, "include"))
			continue;
		if (directive->args && directive->args->value->kind == GQL_AST_BOOLEAN &&
			directive->args->value->boolean == skip)
			return true;
	}
	return false;
}

static void add_root_field(struct root_fields *roots, const struct gql_ast_selection *field)
{
	if (!roots->first.text)
		roots->first = field->alias;
	if (!reeve_gql_name_same(roots->first, field->alias) &&
		roots->n_extra < GQL_MAX_VALIDATION_ERRORS)
		roots->extra[roots->n_extra++] = field->pos;
	if (field->name.len > 1 && !memcmp(field->name.text, "__", 2) &&
		roots->n_meta < GQL_MAX_VALIDATION_ERRORS)
		roots->meta[roots->n_meta++] = field->pos;
}

static bool covers(const struct gql_type *condition, const struct gql_type *root)
{
	return condition && reeve_gql_type_has_possible(condition, root);
}

static void collect_roots(struct root_fields *roots, const struct gql_ast_selection *selection)
{
	for (; selection; selection = selection->next) {
		struct gql_facts *facts;

		if (is_left_out(selection))
			continue;
		if (selection->kind == GQL_AST_FIELD) {
			add_root_field(roots, selection);
		} else if (selection->kind == GQL_AST_INLINE) {
			if (covers(selection->condition, roots->type))
				collect_roots(roots, selection->selections);
		} else if (selection->fragment) {
			facts = selection->fragment->facts;
			if (facts->visited || !covers(selection->fragment->type, roots->type))
				continue;
			facts->visited = true;
			collect_roots(roots, selection->fragment->selections);
		}
	}
}

static void clear_visited(struct gql_validator *v)
{
	const struct gql_ast_definition *definition;

	for (definition = v->v->definitions; definition; definition = definition->next)
		((struct gql_facts *)definition->facts)->visited = false;
}

static void check_subscription(struct gql_validator *v, const struct gql_ast_definition *operation)
{
	struct root_fields roots = {.type = operation->type};
	char who[256] = "Anonymous Subscription";

	if (reeve_gql_operation_kind(operation) != REEVE_GQL_SUBSCRIPTION || !operation->type)
		return;
	clear_visited(v);
	collect_roots(&roots, operation->selections);
	if (operation->name.text)
		snprintf(who, sizeof(who), "Subscription \"%.*s\"", GQL_NAME_ARG(operation->name));
	if (roots.n_extra)
		reeve_gql_report(v, roots.extra, roots.n_extra,
			"%s must select only one top level field.", who);
	if (roots.n_meta)
		reeve_gql_report(v, roots.meta, roots.n_meta,
			"%s must not select an introspection top level field.", who);
}

/* ---- fragments ---- */

static void check_fragment_names(struct gql_validator *v)
{
	struct gql_ast_definition *definition;
	const struct gql_ast_definition *first;
	struct gql_map seen;

	reeve_gql_map_init(&seen, v->v->scratch, v->fragments.count);
	for (definition = v->v->definitions; definition; definition = definition->next) {
		if (definition->kind != GQL_AST_FRAGMENT)
			continue;
		if (reeve_gql_map_put(
			    &seen, definition->name.text, definition->name.len, definition))
			continue;
		first = reeve_gql_map_get(&seen, definition->name.text, definition->name.len);
		v->has_twins = true;
		reeve_gql_report(v, (uint32_t[]){first->name.pos, definition->name.pos}, 2,
			"There can be only one fragment named \"%.*s\".",
			GQL_NAME_ARG(definition->name));
	}
}

/* The path of spreads being followed, for naming a cycle. */
struct spread_path {
	struct gql_validator *v;
	const struct gql_ast_selection **spreads;
	int len;
};

static void report_cycle(struct spread_path *path, int first, struct gql_name name)
{
	uint32_t places[16], n = 0;
	char via[512] = "";
	size_t len = 0;
	int i;

	for (i = first; i < path->len; i++) {
		if (n < sizeof(places) / sizeof(places[0]))
			places[n++] = path->spreads[i]->pos;
		if (i == path->len - 1 || len > sizeof(via) - 64)
			continue;
		len += (size_t)snprintf(via + len, sizeof(via) - len, "%s\"%.*s\"",
			i > first ? ", " : " via ",
			path->spreads[i]->name.len > 40 ? 40 : (int)path->spreads[i]->name.len,
			path->spreads[i]->name.text);
	}
	path->v->cyclic = true;
	reeve_gql_report(path->v, places, n, "Cannot spread fragment \"%.*s\" within itself%s.",
		GQL_NAME_ARG(name), via);
}

/* Depth first; recursion is as deep as there are fragments, which the token limit bounds. */
static void find_cycles(struct spread_path *path, struct gql_ast_definition *fragment)
{
	struct gql_facts *facts = ((struct gql_facts *)fragment->facts)->named;
	const struct gql_spread *spread = ((struct gql_facts *)fragment->facts)->spreads;

	if (facts->visited)
		return;
	facts->visited = true;
	facts->path_index = path->len;
	for (; spread; spread = spread->next) {
		struct gql_ast_definition *next = spread->node->fragment;
		int index = next ? ((struct gql_facts *)next->facts)->path_index : -1;

		path->spreads[path->len++] = spread->node;
		if (next && index >= 0)
			report_cycle(path, index, next->name);
		else if (next)
			find_cycles(path, next);
		path->len--;
	}
	facts->path_index = -1;
}

static bool is_cyclic(struct gql_facts *facts)
{
	const struct gql_spread *spread;
	bool found = false;

	if (facts->path_index >= 0)
		return true;
	if (facts->visited)
		return false;
	facts->visited = true;
	facts->path_index = 0;
	for (spread = facts->spreads; spread; spread = spread->next)
		if (spread->node->fragment && is_cyclic(spread->node->fragment->facts))
			found = true;
	facts->path_index = -1;
	return found;
}

/* What is reported counts each name once. Where two fragments share one, the cycle of the one that is
 * meant may be behind the other; it is an error already, but what follows must not walk it. */
static void find_hidden_cycles(struct gql_validator *v)
{
	struct gql_ast_definition *definition;

	clear_visited(v);
	for (definition = v->v->definitions; definition; definition = definition->next)
		if (definition->kind == GQL_AST_FRAGMENT && is_cyclic(definition->facts))
			v->cyclic = true;
}

static void check_cycles(struct gql_validator *v)
{
	struct gql_ast_definition *definition;
	struct spread_path path = {.v = v};

	path.spreads = reeve_gql_arena_alloc(
		v->v->scratch, (v->fragments.count + 2) * sizeof(struct gql_ast_selection *));
	clear_visited(v);
	for (definition = v->v->definitions; definition; definition = definition->next)
		if (definition->kind == GQL_AST_FRAGMENT)
			find_cycles(&path, definition);
	if (v->has_twins)
		find_hidden_cycles(v);
}

/* ---- variables ---- */

/* The last of that name, should there be several. */
static const struct gql_ast_variable *find_variable(
	const struct gql_ast_definition *operation, const struct gql_ast_value *node)
{
	const struct gql_ast_variable *variable, *found = NULL;

	for (variable = operation->variables; variable; variable = variable->next)
		if (variable->name.len == node->len &&
			!memcmp(variable->name.text, node->text, node->len))
			found = variable;
	return found;
}

/* Section 5.8.5, AreTypesCompatible and its exception for defaults. */
static bool is_usage_allowed(const struct gql_ast_variable *variable, const struct gql_usage *usage)
{
	const struct gql_type *place = usage->type;

	if (place->kind == GQL_NON_NULL && variable->resolved->kind != GQL_NON_NULL) {
		bool has_default =
			variable->default_value && variable->default_value->kind != GQL_AST_NULL;

		if (!has_default && !usage->has_default)
			return false;
		place = place->of;
	}
	return reeve_gql_type_is_subtype(variable->resolved, place);
}

struct variable_check {
	struct gql_validator *v;
	const struct gql_ast_definition *operation;
	struct gql_map used; /* names of used variables */
};

static void check_usage(struct variable_check *check, const struct gql_usage *usage)
{
	const struct gql_ast_variable *variable = find_variable(check->operation, usage->node);
	struct gql_name name = {usage->node->text, usage->node->len, usage->node->pos};
	struct gql_name operation = check->operation->name;
	uint32_t places[2] = {name.pos, check->operation->pos};

	if (!variable && operation.text) {
		reeve_gql_report(check->v, places, 2,
			"Variable \"$%.*s\" is not defined by operation \"%.*s\".",
			GQL_NAME_ARG(name), GQL_NAME_ARG(operation));
	} else if (!variable) {
		reeve_gql_report(check->v, places, 2, "Variable \"$%.*s\" is not defined.",
			GQL_NAME_ARG(name));
	} else {
		reeve_gql_map_put(&check->used, name.text, name.len, check);
		if (variable->resolved && usage->type && !is_usage_allowed(variable, usage))
			reeve_gql_report(check->v, (uint32_t[]){variable->pos, name.pos}, 2,
				"Variable \"$%.*s\" of type \"%s\" used in position expecting type "
				"\"%s\".",
				GQL_NAME_ARG(name), variable->resolved->name, usage->type->name);
	}
}

static void check_usages(struct variable_check *check, struct gql_facts *facts)
{
	const struct gql_usage *usage;
	const struct gql_spread *spread;

	if (facts->visited)
		return;
	facts->visited = facts->used = true;
	for (usage = facts->usages; usage; usage = usage->next)
		check_usage(check, usage);
	for (spread = facts->spreads; spread; spread = spread->next)
		if (spread->node->fragment)
			check_usages(check, spread->node->fragment->facts);
}

static void check_unique_variables(
	struct gql_validator *v, const struct gql_ast_definition *operation, uint32_t n)
{
	const struct gql_ast_variable *variable, *first;
	struct gql_map seen;

	reeve_gql_map_init(&seen, v->v->scratch, n);
	for (variable = operation->variables; variable; variable = variable->next) {
		uint32_t places[GQL_MAX_VALIDATION_ERRORS], k = 0;

		if (!reeve_gql_map_put(&seen, variable->name.text, variable->name.len,
			    (void *)(uintptr_t)variable))
			continue;
		for (first = variable; first && k < GQL_MAX_VALIDATION_ERRORS; first = first->next)
			if (reeve_gql_name_same(first->name, variable->name))
				places[k++] = first->name.pos;
		if (k > 1)
			reeve_gql_report(v, places, k,
				"There can be only one variable named \"$%.*s\".",
				GQL_NAME_ARG(variable->name));
	}
}

static void check_variables(struct gql_validator *v, const struct gql_ast_definition *operation)
{
	struct variable_check check = {.v = v, .operation = operation};
	const struct gql_ast_variable *variable;
	uint32_t n = 0;

	for (variable = operation->variables; variable; variable = variable->next)
		n++;
	reeve_gql_map_init(&check.used, v->v->scratch, n);
	check_unique_variables(v, operation, n);
	clear_visited(v);
	check_usages(&check, operation->facts);
	for (variable = operation->variables; variable; variable = variable->next) {
		if (reeve_gql_map_get(&check.used, variable->name.text, variable->name.len))
			continue;
		if (operation->name.text)
			reeve_gql_report_at(v, variable->pos,
				"Variable \"$%.*s\" is never used in operation \"%.*s\".",
				GQL_NAME_ARG(variable->name), GQL_NAME_ARG(operation->name));
		else
			reeve_gql_report_at(v, variable->pos, "Variable \"$%.*s\" is never used.",
				GQL_NAME_ARG(variable->name));
	}
}

void reeve_gql_check_document(struct gql_validator *v)
{
	const struct gql_ast_definition *definition;

	check_operation_names(v);
	check_fragment_names(v);
	check_cycles(v);
	for (definition = v->v->definitions; definition; definition = definition->next) {
		if (definition->kind != GQL_AST_OPERATION)
			continue;
		check_subscription(v, definition);
		check_variables(v, definition);
	}
	for (definition = v->v->definitions; definition; definition = definition->next)
		if (definition->kind == GQL_AST_FRAGMENT &&
			!((struct gql_facts *)definition->facts)->named->used)
			reeve_gql_report_at(v, definition->pos, "Fragment \"%.*s\" is never used.",
				GQL_NAME_ARG(definition->name));
}
