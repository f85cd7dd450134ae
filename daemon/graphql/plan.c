/* CollectFields: from selections to the fields of one object type. */
#include "graphql/document.h"

/* Whether @skip and @include let a selection through. Sets `dynamic` if that cannot be told yet. */
static bool is_included(struct gql_collect *collect, const struct gql_ast_selection *selection)
{
	const struct gql_ast_directive *directive;

	for (directive = selection->directives; directive; directive = directive->next) {
		bool skip = reeve_gql_name_is(directive->name, "skip");
		const struct reeve_gql_value *value;
		const struct gql_ast_value *literal;
		bool condition;

		if (!skip && !reeve_gql_name_is(directive->name, "include"))
			continue;
		literal = directive->args->value;
		condition = literal->boolean;
		if (literal->kind == GQL_AST_VARIABLE) {
			if (!collect->variables) {
				collect->dynamic = true;
				return true;
			}
			value = reeve_gql_variable(collect->variables, literal->text, literal->len);
			condition = value && value->kind == REEVE_GQL_VALUE_BOOL && value->boolean;
		}
		if (condition == skip)
			return false;
	}
	return true;
}

/* Work list of one collection. */
struct building {
	struct gql_collect *collect;
	const struct gql_type *type;
	struct gql_plan_field *fields;
	uint32_t count, capacity;
	/* Fragments already taken in. */
	const struct gql_ast_definition **seen;
	uint32_t n_seen, seen_capacity;
	bool failed;
};

/* Room for one more element; the old array stays behind in the arena. */
static void *grow(struct building *b, void *old, uint32_t count, uint32_t *capacity, size_t size)
{
	uint32_t larger = *capacity ? *capacity * 2 : 8;
	void *items;

	if (count < *capacity)
		return old;
	items = reeve_gql_arena_alloc(b->collect->arena, larger * size);
	if (!items) {
		b->failed = true;
		return NULL;
	}
	if (count)
		memcpy(items, old, count * size);
	*capacity = larger;
	return items;
}

static struct gql_plan_field *find_or_add(struct building *b, const struct gql_ast_selection *node)
{
	struct gql_plan_field *field;
	void *items;
	uint32_t i;

	for (i = 0; i < b->count; i++)
		if (reeve_gql_name_same(b->fields[i].name, node->alias))
			return &b->fields[i];
	items = grow(b, b->fields, b->count, &b->capacity, sizeof(*field));
	if (!items)
		return NULL;
	b->fields = items;
	field = &b->fields[b->count++];
	*field = (struct gql_plan_field){.name = node->alias};
	return field;
}

static void add_node(struct building *b, const struct gql_ast_selection *node)
{
	struct gql_plan_field *field = find_or_add(b, node);
	struct gql_nodes *nodes, **tail;

	if (!field)
		return;
	nodes = reeve_gql_arena_alloc(b->collect->arena, sizeof(*nodes));
	if (!nodes) {
		b->failed = true;
		return;
	}
	*nodes = (struct gql_nodes){.node = node};
	/* The array moves when it grows, so the tail is found by walking; merging is rare. */
	for (tail = &field->nodes; *tail; tail = &(*tail)->next)
		;
	*tail = nodes;
}

static bool is_seen(struct building *b, const struct gql_ast_definition *fragment)
{
	void *items;
	uint32_t i;

	for (i = 0; i < b->n_seen; i++)
		if (b->seen[i] == fragment)
			return true;
	items = grow(b, b->seen, b->n_seen, &b->seen_capacity, sizeof(*b->seen));
	if (!items)
		return true;
	b->seen = items;
	b->seen[b->n_seen++] = fragment;
	return false;
}

static bool applies(const struct building *b, const struct gql_type *condition)
{
	return condition == b->type || reeve_gql_type_has_possible(condition, b->type);
}

static void collect_selections(struct building *b, const struct gql_ast_selection *selection)
{
	for (; selection && !b->failed && !b->collect->dynamic; selection = selection->next) {
		if (!is_included(b->collect, selection))
			continue;
		switch (selection->kind) {
		case GQL_AST_FIELD:
			add_node(b, selection);
			break;
		case GQL_AST_INLINE:
			if (applies(b, selection->condition))
				collect_selections(b, selection->selections);
			break;
		case GQL_AST_SPREAD:
			if (!is_seen(b, selection->fragment) &&
				applies(b, selection->fragment->type))
				collect_selections(b, selection->fragment->selections);
			break;
		}
	}
}

static bool uses_variables(const struct gql_ast_value *value)
{
	const struct gql_ast_object_field *field;
	const struct gql_ast_value *item;

	if (value->kind == GQL_AST_VARIABLE)
		return true;
	for (item = value->kind == GQL_AST_LIST ? value->items : NULL; item; item = item->next)
		if (uses_variables(item))
			return true;
	for (field = value->kind == GQL_AST_OBJECT ? value->fields : NULL; field;
		field = field->next)
		if (uses_variables(field->value))
			return true;
	return false;
}

static const struct gql_ast_arg *find_arg(const struct gql_ast_arg *arg, const char *name)
{
	while (arg && !reeve_gql_name_is(arg->name, name))
		arg = arg->next;
	return arg;
}

/* Coerces arguments that are all literals, once for all executions. */
static const struct reeve_gql_value *coerce_constants(
	struct gql_arena *arena, const struct gql_field *def, const struct gql_ast_arg *args)
{
	const struct gql_ast_arg *arg;
	struct reeve_gql_value *values;
	uint32_t i;

	for (arg = args; arg; arg = arg->next)
		if (uses_variables(arg->value))
			return NULL;
	values = reeve_gql_arena_zalloc(arena, def->n_args * sizeof(*values) + 1);
	for (i = 0; values && i < def->n_args; i++) {
		arg = find_arg(args, def->args[i].name);
		if (!arg)
			values[i] = def->args[i].default_value;
		else if (!reeve_gql_value_from_literal(
				 arena, def->args[i].type, arg->value, NULL, &values[i]))
			return NULL;
	}
	return values;
}

/* Fills in what execution needs of one field. */
static void finish_field(struct building *b, struct gql_plan_field *field)
{
	struct gql_arena *arena = b->collect->arena;
	const struct gql_ast_selection *node = field->nodes->node;
	char *key = reeve_gql_arena_alloc(arena, field->name.len + 4);

	if (!key) {
		b->failed = true;
		return;
	}
	key[0] = '"';
	memcpy(key + 1, field->name.text, field->name.len);
	memcpy(key + 1 + field->name.len, "\":", 3);
	field->key = key;
	field->key_len = field->name.len + 3;
	/* The definition is that of the object type: the node may stand on an interface. */
	field->def = reeve_gql_schema_field(b->collect->schema, b->type, node->name);
	field->named = reeve_gql_type_named(field->def->type);
	field->slot = (*b->collect->n_slots)++;
	field->args = coerce_constants(arena, field->def, node->args);
	if (arena->exhausted)
		b->failed = true;
	if (b->failed || b->collect->variables || field->named->kind != GQL_OBJECT)
		return;
	field->sub = reeve_gql_plan_collect(b->collect, field->named, field->nodes);
	b->collect->dynamic = false;
}

const struct gql_plan *reeve_gql_plan_collect(
	struct gql_collect *collect, const struct gql_type *type, const struct gql_nodes *nodes)
{
	struct building b = {.collect = collect, .type = type};
	struct gql_plan *plan;
	uint32_t i;

	for (; nodes; nodes = nodes->next)
		collect_selections(&b, nodes->node->selections);
	for (i = 0; i < b.count && !b.failed && !collect->dynamic; i++)
		finish_field(&b, &b.fields[i]);
	if (b.failed || collect->dynamic)
		return NULL;
	plan = reeve_gql_arena_alloc(collect->arena, sizeof(*plan));
	if (plan)
		*plan = (struct gql_plan){type, b.fields, b.count};
	return plan;
}
