/*
 * Overlapping fields can be merged: section 5.3.2.
 *
 * The specification compares every pair, which is quadratic and, followed literally through
 * fragments, exponential. This goes the way of S. Adameit, "XING: overlapping fields can be merged
 * fast": expand a set of selections, group it by response name, and judge each group at once, since
 * both questions are equivalence relations:
 *
 *	all fields of a group must return the same shape;
 *	those that can meet on one object must be the same field with the same arguments. Two fields
 *	cannot meet if their parents are different object types.
 *
 * Then the selections of a group form the next set. A fragment enters a set once. Sets together are
 * as large as the expanded operation, which the limits bound; where abstract types multiply them, a
 * budget ends the walk with an error.
 *
 * Worked example: { a { x: b } a { x: c } }. The first set has one group "a" of two fields, same
 * shape, same field. The next set is {x: b, x: c}: one group "x" with different fields: conflict.
 */
#include "graphql/validate.h"

#include <stdio.h>

/* Field entries looked at in all sets, for each field that an operation may have. */
#define BUDGET_FACTOR 16u

struct entry {
	const struct gql_ast_selection *field;
	const struct gql_type *parent; /* type it was selected on; NULL = unknown */
	const struct entry *up;	       /* entry of the set before whose selection holds this one */
	struct entry *next;	       /* in the set or group */
};

struct group {
	struct gql_name name;
	struct entry *first, **tail;
	uint32_t count;
	struct group *next;
};

struct set {
	struct gql_map groups;
	struct group *first, **tail;
	uint32_t count;
};

struct checker {
	struct gql_validator *v;
	uint32_t stamp; /* number of the set being expanded */
	uint64_t left;	/* budget */
};

static void check_set(struct checker *c, struct entry *entries, bool shape_only);

/* ---- conflicts ---- */

/* Same literal values, as written. */
static bool same_value(const struct gql_ast_value *a, const struct gql_ast_value *b)
{
	const struct gql_ast_object_field *fa, *fb;

	if (a->kind != b->kind)
		return false;
	if (a->kind == GQL_AST_LIST) {
		for (a = a->items, b = b->items; a && b; a = a->next, b = b->next)
			if (!same_value(a, b))
				return false;
		return !a && !b;
	}
	if (a->kind != GQL_AST_OBJECT)
		return a->len == b->len && !memcmp(a->text, b->text, a->len);
	/* Fields in any order; names are unique in a valid document. */
	for (fa = a->fields, fb = b->fields; fa && fb; fa = fa->next, fb = fb->next)
		;
	if (fa || fb)
		return false;
	for (fa = a->fields; fa; fa = fa->next) {
		for (fb = b->fields; fb && !reeve_gql_name_same(fa->name, fb->name);)
			fb = fb->next;
		if (!fb || !same_value(fa->value, fb->value))
			return false;
	}
	return true;
}

static bool same_arguments(const struct gql_ast_arg *a, const struct gql_ast_arg *b)
{
	const struct gql_ast_arg *x, *y;

	for (x = a, y = b; x && y; x = x->next, y = y->next)
		;
	if (x || y)
		return false;
	for (x = a; x; x = x->next) {
		for (y = b; y && !reeve_gql_name_same(x->name, y->name);)
			y = y->next;
		if (!y || !same_value(x->value, y->value))
			return false;
	}
	return true;
}

/* The reason as it looks from the outermost field at which the two ways parted. */
static void report_conflict(
	struct checker *c, const struct entry *a, const struct entry *b, const char *reason)
{
	char text[768], outer[768];
	uint32_t places[2];

	snprintf(text, sizeof(text), "%s", reason);
	while (a->up && b->up && a->up->field != b->up->field) {
		snprintf(outer, sizeof(outer), "subfields \"%.*s\" conflict because %.*s",
			GQL_NAME_ARG(a->field->alias), 500, text);
		memcpy(text, outer, sizeof(text));
		a = a->up;
		b = b->up;
	}
	places[0] = a->field->pos;
	places[1] = b->field->pos;
	reeve_gql_report(c->v, places, 2,
		"Fields \"%.*s\" conflict because %s. Use different aliases on the fields to fetch "
		"both if this was intentional.",
		GQL_NAME_ARG(a->field->alias), text);
}

/* Same shape: the same wrappings around two composite types or one leaf type. */
static bool same_shape(const struct gql_type *a, const struct gql_type *b)
{
	while (a->of || b->of) {
		if (a->kind != b->kind)
			return false;
		a = a->of;
		b = b->of;
	}
	return a == b || (reeve_gql_type_is_composite(a) && reeve_gql_type_is_composite(b));
}

/* True if the two agree; false with the conflict reported. */
static bool check_shape(struct checker *c, const struct entry *a, const struct entry *b)
{
	const struct gql_field *fa = a->field->field, *fb = b->field->field;
	char reason[512];

	if (a->field == b->field || !fa || !fb || same_shape(fa->type, fb->type))
		return true;
	snprintf(reason, sizeof(reason), "they return conflicting types \"%.200s\" and \"%.200s\"",
		fa->type->name, fb->type->name);
	report_conflict(c, a, b, reason);
	return false;
}

static bool check_same_field(struct checker *c, const struct entry *a, const struct entry *b)
{
	char reason[512];

	if (a->field == b->field)
		return true;
	if (!reeve_gql_name_same(a->field->name, b->field->name)) {
		snprintf(reason, sizeof(reason), "\"%.*s\" and \"%.*s\" are different fields",
			GQL_NAME_ARG(a->field->name), GQL_NAME_ARG(b->field->name));
		report_conflict(c, a, b, reason);
		return false;
	}
	if (same_arguments(a->field->args, b->field->args))
		return true;
	report_conflict(c, a, b, "they have differing arguments");
	return false;
}

/* ---- sets ---- */

static struct entry *new_entry(struct checker *c, const struct gql_ast_selection *field,
	const struct gql_type *parent, const struct entry *up)
{
	struct entry *entry = reeve_gql_arena_zalloc(c->v->v->scratch, sizeof(*entry));

	if (!c->left--) {
		reeve_gql_report_at(c->v, field->pos,
			"Document is too complex to check for overlapping fields.");
		longjmp(c->v->stop, 1);
	}
	entry->field = field;
	entry->parent = parent;
	entry->up = up;
	return entry;
}

/* Appends the fields of a selection, fragments expanded, to the list. */
static struct entry **expand(struct checker *c, const struct gql_ast_selection *selection,
	const struct gql_type *parent, const struct entry *up, struct entry **tail)
{
	for (; selection; selection = selection->next) {
		struct gql_facts *facts;

		if (selection->kind == GQL_AST_FIELD) {
			*tail = new_entry(c, selection, parent, up);
			tail = &(*tail)->next;
		} else if (selection->kind == GQL_AST_INLINE) {
			tail = expand(c, selection->selections, selection->condition, up, tail);
		} else if (selection->fragment) {
			facts = selection->fragment->facts;
			if (facts->stamp == c->stamp)
				continue;
			facts->stamp = c->stamp;
			tail = expand(c, selection->fragment->selections, selection->fragment->type,
				up, tail);
		}
	}
	return tail;
}

/* The set of what the fields of a list select. `class` limits it to fields that can meet on that
 * object type: NULL = all. */
static struct entry *expand_all(
	struct checker *c, const struct entry *fields, const struct gql_type *class)
{
	struct entry *first = NULL, **tail = &first;

	c->stamp++;
	for (; fields; fields = fields->next) {
		const struct gql_field *def = fields->field->field;
		const struct gql_type *named = def ? reeve_gql_type_named(def->type) : NULL;

		if (class && fields->parent != class && fields->parent &&
			fields->parent->kind == GQL_OBJECT)
			continue;
		if (named && !reeve_gql_type_is_composite(named))
			named = NULL;
		tail = expand(c, fields->field->selections, named, fields, tail);
	}
	return first;
}

static void add_to_group(struct checker *c, struct set *set, struct entry *entry)
{
	struct gql_name name = entry->field->alias;
	struct group *group = reeve_gql_map_get(&set->groups, name.text, name.len);

	if (!group) {
		group = reeve_gql_arena_zalloc(c->v->v->scratch, sizeof(*group));
		group->name = name;
		group->tail = &group->first;
		*set->tail = group;
		set->tail = &group->next;
		reeve_gql_map_put(&set->groups, name.text, name.len, group);
	}
	entry->next = NULL;
	*group->tail = entry;
	group->tail = &entry->next;
	group->count++;
}

static bool is_object(const struct gql_type *type)
{
	return type && type->kind == GQL_OBJECT;
}

/* First entry of a list whose parent is the given one. */
static const struct entry *find_parent(const struct entry *entry, const struct gql_type *parent)
{
	while (entry->parent != parent)
		entry = entry->next;
	return entry;
}

static const struct entry *find_abstract(const struct entry *entry)
{
	while (entry && is_object(entry->parent))
		entry = entry->next;
	return entry;
}

/* Judges one group; false if a conflict was reported. Sets *ret_classes to the number of object
 * types that its fields stand on. */
static bool check_group(
	struct checker *c, const struct group *group, bool shape_only, uint32_t *ret_classes)
{
	const struct entry *abstract = find_abstract(group->first), *entry;

	*ret_classes = 0;
	for (entry = group->first; entry; entry = entry->next) {
		bool object = is_object(entry->parent);
		const struct entry *first =
			object ? find_parent(group->first, entry->parent) : abstract;

		if (object && first == entry)
			++*ret_classes;
		if (!shape_only && !check_same_field(c, abstract ? abstract : first, entry))
			return false;
		if (!check_shape(c, group->first, entry))
			return false;
	}
	return true;
}

static void descend(struct checker *c, const struct group *group, bool shape_only, uint32_t classes)
{
	const struct entry *entry;

	if (shape_only || classes <= 1) {
		check_set(c, expand_all(c, group->first, NULL), shape_only);
		return;
	}
	for (entry = group->first; entry; entry = entry->next)
		if (is_object(entry->parent) && find_parent(group->first, entry->parent) == entry)
			check_set(c, expand_all(c, group->first, entry->parent), false);
	check_set(c, expand_all(c, group->first, NULL), true);
}

/* Recursion is as deep as selections nest, which max_depth bounds. */
static void check_set(struct checker *c, struct entry *entries, bool shape_only)
{
	struct set set = {.tail = &set.first};
	struct entry *entry, *next;
	const struct group *group;
	uint32_t n = 0, classes;

	for (entry = entries; entry; entry = entry->next)
		n++;
	if (!n)
		return;
	reeve_gql_map_init(&set.groups, c->v->v->scratch, n);
	for (entry = entries; entry; entry = next) {
		next = entry->next;
		add_to_group(c, &set, entry);
	}
	for (group = set.first; group; group = group->next)
		if (check_group(c, group, shape_only, &classes))
			descend(c, group, shape_only, classes);
}

void reeve_gql_check_overlaps(struct gql_validator *v)
{
	struct checker c = {.v = v};
	struct gql_ast_definition *definition;

	c.left = (uint64_t)v->v->options->max_fields * BUDGET_FACTOR;
	for (definition = v->v->definitions; definition; definition = definition->next) {
		struct entry *first = NULL;
		struct gql_facts *facts = definition->facts;

		/* Fragments in use are judged where they are used. */
		if (definition->kind != GQL_AST_OPERATION &&
			(definition->kind != GQL_AST_FRAGMENT || facts->used))
			continue;
		c.stamp++;
		expand(&c, definition->selections, definition->type, NULL, &first);
		check_set(&c, first, false);
	}
}
