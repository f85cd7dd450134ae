/* The walk: everything that can be judged where it stands. */
#include "graphql/validate.h"

#include <stdarg.h>
#include <stdio.h>

#include "graphql/document.h"
#include "graphql/value.h"

static void add_error(
	struct gql_validator *v, const uint32_t *places, uint32_t n_places, const char *message)
{
	struct gql_errors *errors = &v->v->errors;
	struct gql_error *error = reeve_gql_arena_zalloc(v->v->scratch, sizeof(*error));

	error->places = reeve_gql_arena_alloc(v->v->scratch, n_places * sizeof(*places) + 1);
	memcpy(error->places, places, n_places * sizeof(*places));
	error->n_places = n_places;
	error->message = message;
	*errors->tail = error;
	errors->tail = &error->next;
	errors->count++;
}

static void report_message(
	struct gql_validator *v, const uint32_t *places, uint32_t n_places, const char *message)
{
	add_error(
		v, places, n_places, reeve_gql_arena_copy(v->v->scratch, message, strlen(message)));
	if (v->v->errors.count < GQL_MAX_VALIDATION_ERRORS)
		return;
	add_error(v, places, 0,
		"Too many validation errors, error limit reached. Validation aborted.");
	longjmp(v->stop, 1);
}

void reeve_gql_report(
	struct gql_validator *v, const uint32_t *places, uint32_t n_places, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	report_message(v, places, n_places, message);
}

void reeve_gql_report_at(struct gql_validator *v, uint32_t pos, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	report_message(v, &pos, 1, message);
}

/* ---- values ---- */

static void add_usage(struct gql_validator *v, const struct gql_ast_value *node,
	const struct gql_type *type, bool has_default)
{
	struct gql_usage *usage = reeve_gql_arena_zalloc(v->v->scratch, sizeof(*usage));

	usage->node = node;
	usage->type = type;
	usage->has_default = has_default;
	*v->facts->usages_tail = usage;
	v->facts->usages_tail = &usage->next;
}

/* A literal where a leaf is wanted, or where its kind can fit nothing. */
static void check_leaf(
	struct gql_validator *v, const struct gql_ast_value *value, const struct gql_type *type)
{
	const struct gql_type *named = reeve_gql_type_named(type);
	char reason[GQL_REASON_BYTES];
	struct reeve_gql_value unused;

	if (reeve_gql_type_is_leaf(named)) {
		if (reeve_gql_leaf_from_literal(v->v->scratch, named, value, NULL, &unused, reason))
			return;
		if (reason[0]) {
			reeve_gql_report_at(v, value->pos, "%s", reason);
			return;
		}
	}
	reeve_gql_report_at(v, value->pos, "Expected value of type \"%s\", found %s.", type->name,
		reeve_gql_print_literal(v->v->scratch, value));
}

static void check_unique_fields(struct gql_validator *v, const struct gql_ast_value *object)
{
	const struct gql_ast_object_field *field;
	struct gql_map seen;
	uint32_t n = 0;

	for (field = object->fields; field; field = field->next)
		n++;
	if (n < 2)
		return;
	reeve_gql_map_init(&seen, v->v->scratch, n);
	for (field = object->fields; field; field = field->next) {
		const struct gql_ast_object_field *first =
			reeve_gql_map_get(&seen, field->name.text, field->name.len);

		if (first)
			reeve_gql_report(v, (uint32_t[]){first->name.pos, field->name.pos}, 2,
				"There can be only one input field named \"%.*s\".",
				GQL_NAME_ARG(field->name));
		else
			reeve_gql_map_put(
				&seen, field->name.text, field->name.len, (void *)(uintptr_t)field);
	}
}

static void check_required_fields(
	struct gql_validator *v, const struct gql_ast_value *object, const struct gql_type *type)
{
	uint32_t i;

	for (i = 0; i < type->n_inputs; i++) {
		const struct gql_input *input = &type->inputs[i];
		const struct gql_ast_object_field *field = object->fields;

		if (!reeve_gql_input_is_required(input))
			continue;
		while (field && !reeve_gql_name_is(field->name, input->name))
			field = field->next;
		if (!field)
			reeve_gql_report_at(v, object->pos,
				"Field \"%s.%s\" of required type \"%s\" was not provided.",
				type->name, input->name, input->type->name);
	}
}

static void check_object(
	struct gql_validator *v, const struct gql_ast_value *object, const struct gql_type *type)
{
	const struct gql_type *named = type ? reeve_gql_type_named(type) : NULL;
	bool input_object = named && named->kind == GQL_INPUT_OBJECT;
	const struct gql_ast_object_field *field;

	check_unique_fields(v, object);
	if (input_object)
		check_required_fields(v, object, named);
	else if (type)
		check_leaf(v, object, type);
	for (field = object->fields; field; field = field->next) {
		const struct gql_input *input = input_object
							? reeve_gql_map_get(&named->input_map,
								  field->name.text, field->name.len)
							: NULL;

		if (input_object && !input)
			reeve_gql_report_at(v, field->name.pos,
				"Field \"%.*s\" is not defined by type \"%s\".",
				GQL_NAME_ARG(field->name), named->name);
		reeve_gql_check_value(v, field->value, input ? input->type : NULL,
			input && input->default_literal);
	}
}

/*
 * Items of a list that stands where no list is declared (a scalar such as JSON may take it): the
 * list was judged as a whole, but a variable in it must fit the scalar, as graphql-js has it.
 */
static void check_scalar_items(
	struct gql_validator *v, const struct gql_ast_value *list, const struct gql_type *type)
{
	const struct gql_ast_value *item;

	for (item = list->items; item; item = item->next) {
		if (item->kind == GQL_AST_VARIABLE)
			add_usage(v, item, type, false);
		else if (item->kind == GQL_AST_LIST)
			check_scalar_items(v, item, type);
		else
			reeve_gql_check_value(v, item, NULL, false);
	}
}

static void check_list(
	struct gql_validator *v, const struct gql_ast_value *list, const struct gql_type *type)
{
	const struct gql_type *nullable = type ? reeve_gql_type_nullable(type) : NULL;
	const struct gql_ast_value *item;

	if (type && nullable->kind != GQL_LIST) {
		check_leaf(v, list, type);
		check_scalar_items(v, list, nullable);
		return;
	}
	for (item = list->items; item; item = item->next)
		reeve_gql_check_value(v, item, type ? nullable->of : NULL, false);
}

/* `type` NULL: the place is unknown or takes anything. */
void reeve_gql_check_value(struct gql_validator *v, const struct gql_ast_value *value,
	const struct gql_type *type, bool has_default)
{
	switch (value->kind) {
	case GQL_AST_VARIABLE:
		add_usage(v, value, type, has_default);
		break;
	case GQL_AST_NULL:
		if (type && type->kind == GQL_NON_NULL)
			reeve_gql_report_at(v, value->pos,
				"Expected value of type \"%s\", found null.", type->name);
		break;
	case GQL_AST_LIST:
		check_list(v, value, type);
		break;
	case GQL_AST_OBJECT:
		check_object(v, value, type);
		break;
	default:
		if (type)
			check_leaf(v, value, type);
		break;
	}
}

/* ---- arguments and directives ---- */

static const struct gql_input *find_input(
	const struct gql_input *inputs, uint32_t n, struct gql_name name)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (inputs[i].name_len == name.len && !memcmp(inputs[i].name, name.text, name.len))
			return &inputs[i];
	return NULL;
}

static void check_unique_arguments(struct gql_validator *v, const struct gql_ast_arg *args)
{
	const struct gql_ast_arg *arg, *first;
	struct gql_map seen;
	uint32_t n = 0;

	for (arg = args; arg; arg = arg->next)
		n++;
	if (n < 2)
		return;
	reeve_gql_map_init(&seen, v->v->scratch, n);
	for (arg = args; arg; arg = arg->next) {
		uint32_t places[1 + GQL_MAX_VALIDATION_ERRORS], k = 0;

		first = reeve_gql_map_get(&seen, arg->name.text, arg->name.len);
		if (!first) {
			reeve_gql_map_put(
				&seen, arg->name.text, arg->name.len, (void *)(uintptr_t)arg);
			for (first = arg; first && k < GQL_MAX_VALIDATION_ERRORS;
				first = first->next)
				if (reeve_gql_name_same(first->name, arg->name))
					places[k++] = first->name.pos;
			if (k > 1)
				reeve_gql_report(v, places, k,
					"There can be only one argument named \"%.*s\".",
					GQL_NAME_ARG(arg->name));
		}
	}
}

/* `owner` is `field "T.f"` or `directive "@d"` and `whose` is `Field "f"` or `Directive "@d"`, as
 * the two messages want them; `known` false: nothing is known of the owner. */
void reeve_gql_check_arguments(struct gql_validator *v, const struct gql_ast_arg *args,
	const struct gql_input *inputs, uint32_t n_inputs, bool known, const char *owner,
	const char *whose, uint32_t owner_pos)
{
	const struct gql_ast_arg *arg;
	uint32_t i;

	check_unique_arguments(v, args);
	for (arg = args; arg; arg = arg->next) {
		const struct gql_input *input = find_input(inputs, n_inputs, arg->name);

		if (known && !input)
			reeve_gql_report_at(v, arg->name.pos, "Unknown argument \"%.*s\" on %s.",
				GQL_NAME_ARG(arg->name), owner);
		reeve_gql_check_value(
			v, arg->value, input ? input->type : NULL, input && input->default_literal);
	}
	for (i = 0; i < n_inputs; i++) {
		if (!reeve_gql_input_is_required(&inputs[i]))
			continue;
		for (arg = args; arg && !reeve_gql_name_is(arg->name, inputs[i].name);)
			arg = arg->next;
		if (!arg)
			reeve_gql_report_at(v, owner_pos,
				"%s argument \"%s\" of type \"%s\" is required, but it was not "
				"provided.",
				whose, inputs[i].name, inputs[i].type->name);
	}
}

static void check_location(struct gql_validator *v, const struct gql_ast_directive *directive,
	const struct gql_directive_def *def, const char *location)
{
	uint32_t i;

	for (i = 0; i < def->n_locations; i++)
		if (!strcmp(def->locations[i], location))
			return;
	reeve_gql_report_at(
		v, directive->pos, "Directive \"@%s\" may not be used on %s.", def->name, location);
}

void reeve_gql_check_directives(
	struct gql_validator *v, const struct gql_ast_directive *directives, const char *location)
{
	const struct gql_ast_directive *directive, *first;

	for (directive = directives; directive; directive = directive->next) {
		const struct gql_directive_def *def =
			reeve_gql_schema_directive(v->v->schema, directive->name);
		char owner[256], whose[256];

		if (!def) {
			reeve_gql_report_at(v, directive->pos, "Unknown directive \"@%.*s\".",
				GQL_NAME_ARG(directive->name));
			reeve_gql_check_arguments(
				v, directive->args, NULL, 0, false, "", "", directive->pos);
			continue;
		}
		check_location(v, directive, def, location);
		snprintf(owner, sizeof(owner), "directive \"@%s\"", def->name);
		snprintf(whose, sizeof(whose), "Directive \"@%s\"", def->name);
		reeve_gql_check_arguments(v, directive->args, def->args, def->n_args, true, owner,
			whose, directive->pos);
		for (first = directives; !reeve_gql_name_same(first->name, directive->name);)
			first = first->next;
		if (first != directive && !def->repeatable)
			reeve_gql_report(v, (uint32_t[]){first->pos, directive->pos}, 2,
				"The directive \"@%s\" can only be used once at this location.",
				def->name);
	}
}

/* ---- selections ---- */

static void check_selections(struct gql_validator *v, struct gql_ast_selection *selection,
	const struct gql_type *parent);

static void check_leaf_selection(struct gql_validator *v, const struct gql_ast_selection *field)
{
	const struct gql_type *type = field->field->type;
	bool leaf = reeve_gql_type_is_leaf(reeve_gql_type_named(type));

	if (leaf && field->has_braces)
		reeve_gql_report_at(v, field->braces_pos,
			"Field \"%.*s\" must not have a selection since type \"%s\" has no "
			"subfields.",
			GQL_NAME_ARG(field->name), type->name);
	else if (!leaf && !field->has_braces)
		reeve_gql_report_at(v, field->pos,
			"Field \"%.*s\" of type \"%s\" must have a selection of subfields. Did you "
			"mean \"%.*s { ... }\"?",
			GQL_NAME_ARG(field->name), type->name, GQL_NAME_ARG(field->name));
}

static void check_field(struct gql_validator *v, struct gql_ast_selection *field)
{
	const struct gql_type *child = NULL;
	char owner[512] = "", whose[256] = "";

	if (field->parent) {
		field->field = reeve_gql_schema_field(v->v->schema, field->parent, field->name);
		if (!field->field)
			reeve_gql_report_at(v, field->pos,
				"Cannot query field \"%.*s\" on type \"%s\".",
				GQL_NAME_ARG(field->name), field->parent->name);
	}
	if (field->field) {
		const struct gql_type *named = reeve_gql_type_named(field->field->type);

		if (reeve_gql_type_is_composite(named))
			child = named;
		check_leaf_selection(v, field);
		snprintf(owner, sizeof(owner), "field \"%s.%s\"", field->parent->name,
			field->field->name);
		snprintf(whose, sizeof(whose), "Field \"%s\"", field->field->name);
	}
	reeve_gql_check_arguments(v, field->args, field->field ? field->field->args : NULL,
		field->field ? field->field->n_args : 0, field->field != NULL, owner, whose,
		field->pos);
	reeve_gql_check_directives(v, field->directives, "FIELD");
	check_selections(v, field->selections, child);
}

static void check_spread(struct gql_validator *v, struct gql_ast_selection *spread)
{
	struct gql_spread *note = reeve_gql_arena_zalloc(v->v->scratch, sizeof(*note));
	const struct gql_type *type;

	note->node = spread;
	*v->facts->spreads_tail = note;
	v->facts->spreads_tail = &note->next;
	spread->fragment = reeve_gql_map_get(&v->fragments, spread->name.text, spread->name.len);
	reeve_gql_check_directives(v, spread->directives, "FRAGMENT_SPREAD");
	if (!spread->fragment) {
		reeve_gql_report_at(v, spread->name.pos, "Unknown fragment \"%.*s\".",
			GQL_NAME_ARG(spread->name));
		return;
	}
	type = spread->fragment->type;
	if (type && spread->parent && !reeve_gql_types_overlap(type, spread->parent))
		reeve_gql_report_at(v, spread->pos,
			"Fragment \"%.*s\" cannot be spread here as objects of type \"%s\" can "
			"never "
			"be of type \"%s\".",
			GQL_NAME_ARG(spread->name), spread->parent->name, type->name);
}

/* The composite type of a condition; NULL, with an error, if it is none. */
static const struct gql_type *check_condition(
	struct gql_validator *v, struct gql_name condition, const struct gql_name *fragment)
{
	const struct gql_type *type =
		reeve_gql_schema_type(v->v->schema, condition.text, condition.len);

	if (!type) {
		reeve_gql_report_at(
			v, condition.pos, "Unknown type \"%.*s\".", GQL_NAME_ARG(condition));
		return NULL;
	}
	if (reeve_gql_type_is_composite(type))
		return type;
	if (fragment)
		reeve_gql_report_at(v, condition.pos,
			"Fragment \"%.*s\" cannot condition on non composite type \"%s\".",
			GQL_NAME_ARG(*fragment), type->name);
	else
		reeve_gql_report_at(v, condition.pos,
			"Fragment cannot condition on non composite type \"%s\".", type->name);
	return NULL;
}

static void check_inline(struct gql_validator *v, struct gql_ast_selection *fragment)
{
	fragment->condition = fragment->parent;
	if (fragment->type_condition.text)
		fragment->condition = check_condition(v, fragment->type_condition, NULL);
	if (fragment->condition && fragment->parent &&
		!reeve_gql_types_overlap(fragment->condition, fragment->parent))
		reeve_gql_report_at(v, fragment->pos,
			"Fragment cannot be spread here as objects of type \"%s\" can never be of "
			"type \"%s\".",
			fragment->parent->name, fragment->condition->name);
	reeve_gql_check_directives(v, fragment->directives, "INLINE_FRAGMENT");
	check_selections(v, fragment->selections, fragment->condition);
}

/* Recursion is bounded by the parser's max_nesting. */
static void check_selections(
	struct gql_validator *v, struct gql_ast_selection *selection, const struct gql_type *parent)
{
	for (; selection; selection = selection->next) {
		selection->parent = parent;
		if (selection->kind == GQL_AST_FIELD)
			check_field(v, selection);
		else if (selection->kind == GQL_AST_SPREAD)
			check_spread(v, selection);
		else
			check_inline(v, selection);
	}
}

/* ---- definitions ---- */

static const struct gql_ast_type *innermost(const struct gql_ast_type *type)
{
	while (type->of)
		type = type->of;
	return type;
}

static void check_variable(struct gql_validator *v, struct gql_ast_variable *variable)
{
	const struct gql_ast_type *named = innermost(variable->type);
	const struct gql_type *type;

	variable->resolved = reeve_gql_schema_resolve(v->v->schema, v->v->arena, variable->type);
	if (!variable->resolved)
		reeve_gql_report_at(
			v, named->pos, "Unknown type \"%.*s\".", GQL_NAME_ARG(named->name));
	type = variable->resolved;
	if (type && !reeve_gql_type_is_input(reeve_gql_type_named(type))) {
		reeve_gql_report_at(v, variable->type->pos,
			"Variable \"$%.*s\" cannot be non-input type \"%s\".",
			GQL_NAME_ARG(variable->name), type->name);
		type = NULL;
	}
	if (variable->default_value)
		reeve_gql_check_value(v, variable->default_value, type, false);
	reeve_gql_check_directives(v, variable->directives, "VARIABLE_DEFINITION");
}

enum reeve_gql_operation reeve_gql_operation_kind(const struct gql_ast_definition *definition)
{
	if (definition->operation.text && reeve_gql_name_is(definition->operation, "mutation"))
		return REEVE_GQL_MUTATION;
	if (definition->operation.text && reeve_gql_name_is(definition->operation, "subscription"))
		return REEVE_GQL_SUBSCRIPTION;
	return REEVE_GQL_QUERY;
}

static void check_operation(struct gql_validator *v, struct gql_ast_definition *operation)
{
	static const char *const locations[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};
	static const char *const names[] = {"query", "mutation", "subscription"};
	enum reeve_gql_operation kind = reeve_gql_operation_kind(operation);
	struct gql_ast_variable *variable;

	operation->type = v->v->schema->roots[kind];
	if (!operation->type)
		reeve_gql_report_at(v, operation->pos,
			"Schema is not configured to execute %s operation.", names[kind]);
	for (variable = operation->variables; variable; variable = variable->next)
		check_variable(v, variable);
	reeve_gql_check_directives(v, operation->directives, locations[kind]);
	check_selections(v, operation->selections, operation->type);
}

static void check_fragment(struct gql_validator *v, struct gql_ast_definition *fragment)
{
	const struct gql_type *type = check_condition(v, fragment->type_condition, &fragment->name);

	reeve_gql_check_directives(v, fragment->directives, "FRAGMENT_DEFINITION");
	check_selections(v, fragment->selections, type);
}

/* Gives every definition its facts and finds the fragments by name and type. */
static void prepare(struct gql_validator *v)
{
	struct gql_ast_definition *definition;
	uint32_t n = 0;

	for (definition = v->v->definitions; definition; definition = definition->next) {
		struct gql_facts *facts = reeve_gql_arena_zalloc(v->v->scratch, sizeof(*facts));

		facts->usages_tail = &facts->usages;
		facts->spreads_tail = &facts->spreads;
		facts->path_index = -1;
		definition->facts = facts;
		n += definition->kind == GQL_AST_FRAGMENT;
	}
	reeve_gql_map_init(&v->fragments, v->v->scratch, n);
	for (definition = v->v->definitions; definition; definition = definition->next) {
		struct gql_name condition = definition->type_condition;
		const struct gql_type *type;

		if (definition->kind != GQL_AST_FRAGMENT)
			continue;
		reeve_gql_map_set(
			&v->fragments, definition->name.text, definition->name.len, definition);
		type = reeve_gql_schema_type(v->v->schema, condition.text, condition.len);
		if (type && reeve_gql_type_is_composite(type))
			definition->type = type;
	}
	for (definition = v->v->definitions; definition; definition = definition->next) {
		const struct gql_ast_definition *named = reeve_gql_map_get(
			&v->fragments, definition->name.text, definition->name.len);

		if (definition->kind == GQL_AST_FRAGMENT)
			((struct gql_facts *)definition->facts)->named = named->facts;
	}
}

static void check_definition(struct gql_validator *v, struct gql_ast_definition *definition)
{
	v->facts = definition->facts;
	switch (definition->kind) {
	case GQL_AST_OPERATION:
		check_operation(v, definition);
		break;
	case GQL_AST_FRAGMENT:
		check_fragment(v, definition);
		break;
	case GQL_AST_SCHEMA:
		reeve_gql_report_at(v, definition->pos, "The schema definition is not executable.");
		break;
	default:
		reeve_gql_report_at(v, definition->pos,
			"The \"%.*s\" definition is not executable.",
			GQL_NAME_ARG(definition->name));
		break;
	}
}

/* What *v holds is not local here, and so survives the longjmp of too many errors. */
static void run_rules(struct gql_validator *v)
{
	struct gql_ast_definition *definition;

	if (setjmp(v->stop))
		return;
	prepare(v);
	for (definition = v->v->definitions; definition; definition = definition->next)
		check_definition(v, definition);
	reeve_gql_check_document(v);
	if (v->cyclic)
		return;
	reeve_gql_check_limits(v);
	if (!v->v->excess.limit)
		reeve_gql_check_overlaps(v);
}

bool reeve_gql_validate(struct gql_validation *validation)
{
	struct gql_validator v = {.v = validation};

	validation->errors = (struct gql_errors){.tail = &validation->errors.first};
	validation->excess = (struct gql_excess){0};
	run_rules(&v);
	return !validation->errors.count && !validation->excess.limit;
}
