/* Ties fields to their sources, and refuses every row that does not fit its field. */
#include "graphql/exec.h"

#include <stdio.h>

struct binder {
	struct gql_schema *schema;
	struct gql_complaints *complaints;
};

static const char *kind_name(enum reeve_gql_bind_kind kind)
{
	static const char *const names[] = {"(none)", "FN", "UINT", "INT", "BOOL", "DOUBLE", "STR",
		"CHARS", "ENUM", "TIME_NS", "STRUCT", "POINTER", "SELF", "TYPE"};

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "(unknown)";
}

/* ---- does the kind fit the schema's type? ---- */

static bool scalar_takes(enum gql_scalar scalar, enum reeve_gql_bind_kind kind)
{
	switch (kind) {
	case REEVE_GQL_UINT:
	case REEVE_GQL_INT:
		return scalar == GQL_INT || scalar == GQL_UINT64 || scalar == GQL_FLOAT ||
		       scalar == GQL_ID;
	case REEVE_GQL_BOOL:
		return scalar == GQL_BOOLEAN;
	case REEVE_GQL_DOUBLE:
		return scalar == GQL_FLOAT;
	case REEVE_GQL_STR:
	case REEVE_GQL_CHARS:
		return scalar == GQL_STRING || scalar == GQL_ID || scalar == GQL_DATE_TIME ||
		       scalar == GQL_TIME_OF_DAY;
	case REEVE_GQL_ENUM:
		return scalar == GQL_STRING;
	case REEVE_GQL_TIME_NS:
		return scalar == GQL_DATE_TIME;
	default:
		return false;
	}
}

static bool type_takes(const struct gql_type *named, enum reeve_gql_bind_kind kind)
{
	if (kind == REEVE_GQL_FN)
		return true;
	if (kind == REEVE_GQL_STRUCT || kind == REEVE_GQL_POINTER || kind == REEVE_GQL_SELF)
		return reeve_gql_type_is_composite(named);
	if (named->kind == GQL_ENUM)
		return kind == REEVE_GQL_ENUM;
	return named->kind == GQL_SCALAR && scalar_takes(named->scalar, kind);
}

static bool size_fits(const struct reeve_gql_binding *row)
{
	switch (row->kind) {
	case REEVE_GQL_UINT:
	case REEVE_GQL_INT:
		return row->size == 1 || row->size == 2 || row->size == 4 || row->size == 8;
	case REEVE_GQL_ENUM:
		return row->size == 1 || row->size == 2 || row->size == 4;
	case REEVE_GQL_BOOL:
		return row->size == sizeof(bool);
	case REEVE_GQL_DOUBLE:
		return row->size == sizeof(double);
	case REEVE_GQL_STR:
	case REEVE_GQL_POINTER:
		return row->size == sizeof(void *);
	case REEVE_GQL_TIME_NS:
		return row->size == sizeof(int64_t);
	case REEVE_GQL_CHARS:
	case REEVE_GQL_STRUCT:
		return row->size > 0;
	default:
		return true;
	}
}

static bool count_fits(const struct reeve_gql_binding *row)
{
	return row->count_size == 1 || row->count_size == 2 || row->count_size == 4 ||
	       row->count_size == 8;
}

static void check_shape(
	struct binder *b, const struct gql_field *field, const struct reeve_gql_binding *row)
{
	const struct gql_type *type = reeve_gql_type_nullable(field->type);
	bool list = type->kind == GQL_LIST, ok = true;

	if (!type_takes(reeve_gql_type_named(type), row->kind))
		ok = false;
	if (row->kind == REEVE_GQL_FN)
		ok = ok && row->fn &&
		     !(row->flags & (REEVE_GQL_AROUND - 1) & ~(unsigned)REEVE_GQL_BLOCKING);
	else
		ok = ok && list == !!(row->flags & REEVE_GQL_LIST);
	if (ok && row->flags & REEVE_GQL_LIST)
		ok = count_fits(row) && row->stride >= row->size &&
		     reeve_gql_type_nullable(type->of)->kind != GQL_LIST;
	if (!ok)
		reeve_gql_complain(b->complaints,
			"\"%s.%s\" of type \"%s\" cannot be bound as %s%s.", row->type, row->field,
			field->type->name, kind_name(row->kind),
			row->flags & REEVE_GQL_LIST ? " list" : "");
	else if (!size_fits(row))
		reeve_gql_complain(b->complaints, "\"%s.%s\": %s cannot be %zu bytes.", row->type,
			row->field, kind_name(row->kind), row->size);
}

/* ---- names of enum members ---- */

static void quote_names(
	struct binder *b, struct gql_field *field, const struct reeve_gql_binding *row)
{
	const struct gql_type *named = reeve_gql_type_named(field->type);
	struct gql_quoted *quoted;
	size_t i;

	if (!row->names || !row->n_names) {
		reeve_gql_complain(
			b->complaints, "\"%s.%s\" has no table of names.", row->type, row->field);
		return;
	}
	quoted = reeve_gql_arena_zalloc(&b->schema->arena, row->n_names * sizeof(*quoted));
	for (i = 0; i < row->n_names; i++) {
		const char *name = row->names[i];

		/* Gaps in the table are values that never leave. */
		if (!name)
			continue;
		if (named->kind == GQL_ENUM &&
			!reeve_gql_map_get(&named->value_map, name, (uint32_t)strlen(name)))
			reeve_gql_complain(b->complaints,
				"\"%s.%s\": \"%s\" is no value of enum \"%s\".", row->type,
				row->field, name, named->name);
		quoted[i].text = reeve_gql_arena_printf(&b->schema->arena, "\"%s\"", name);
		quoted[i].len = (uint32_t)strlen(quoted[i].text);
		if (strpbrk(name, "\"\\"))
			reeve_gql_complain(b->complaints, "\"%s.%s\": a name needs escaping.",
				row->type, row->field);
	}
	field->quoted_names = quoted;
}

/* ---- rows ---- */

static void bind_type_fn(struct binder *b, const struct reeve_gql_binding *row)
{
	struct gql_type *type =
		reeve_gql_schema_type(b->schema, row->type, (uint32_t)strlen(row->type));

	if (!type || (type->kind != GQL_INTERFACE && type->kind != GQL_UNION) || !row->type_fn)
		reeve_gql_complain(b->complaints,
			"\"%s\" has a TYPE row, but is no interface or "
			"union, or the function is missing.",
			row->type);
	else if (type->type_fn)
		reeve_gql_complain(b->complaints, "\"%s\" is bound twice.", row->type);
	else
		type->type_fn = row->type_fn;
}

static void bind_field(struct binder *b, const struct reeve_gql_binding *row)
{
	struct gql_type *type =
		reeve_gql_schema_type(b->schema, row->type, (uint32_t)strlen(row->type));
	struct gql_field *field = NULL;

	if (type && type->kind == GQL_OBJECT)
		field = reeve_gql_map_get(
			&type->field_map, row->field, (uint32_t)strlen(row->field));
	if (!field) {
		reeve_gql_complain(b->complaints, "There is no field \"%s.%s\" to bind.", row->type,
			row->field);
		return;
	}
	if (field->binding) {
		reeve_gql_complain(
			b->complaints, "\"%s.%s\" is bound twice.", row->type, row->field);
		return;
	}
	field->binding = row;
	field->divisor = row->divisor ? row->divisor : 1;
	check_shape(b, field, row);
	if (row->kind == REEVE_GQL_ENUM)
		quote_names(b, field, row);
}

static void bind_table(struct binder *b, const struct reeve_gql_table *table)
{
	size_t i;

	for (i = 0; i < table->n_rows; i++) {
		const struct reeve_gql_binding *row = &table->rows[i];

		if (row->type && row->kind == REEVE_GQL_TYPE && !row->field)
			bind_type_fn(b, row);
		else if (row->type && row->field)
			bind_field(b, row);
		else
			reeve_gql_complain(b->complaints, "Row %zu lacks a type or a field.", i);
	}
}

/* The meta fields are copies of fields of the own type __Meta, which is not in the type map. */
static void bind_meta(struct gql_field *field, const char *name)
{
	size_t i;

	for (i = 0; i < reeve_gql_own_table.n_rows; i++)
		if (!strcmp(reeve_gql_own_table.rows[i].type, "__Meta") &&
			!strcmp(reeve_gql_own_table.rows[i].field, name))
			field->binding = &reeve_gql_own_table.rows[i];
}

/* Execution keeps the lists that are open in an array. */
static void check_depth(
	struct binder *b, const struct gql_type *type, const struct gql_field *field)
{
	const struct gql_type *at;
	uint32_t lists = 0;

	for (at = field->type; at; at = at->of)
		lists += at->kind == GQL_LIST;
	if (lists > GQL_MAX_LISTS)
		reeve_gql_complain(b->complaints, "\"%s.%s\" has more than %u lists within lists.",
			type->name, field->name, GQL_MAX_LISTS);
}

static void bind_own(struct binder *b)
{
	size_t i;

	for (i = 0; i < reeve_gql_own_table.n_rows; i++)
		if (strcmp(reeve_gql_own_table.rows[i].type, "__Meta"))
			bind_field(b, &reeve_gql_own_table.rows[i]);
	bind_meta(&b->schema->schema_field, "__schema");
	bind_meta(&b->schema->type_field, "__type");
}

void reeve_gql_schema_bind(struct gql_schema *schema, const struct reeve_gql_table *tables,
	size_t n_tables, struct gql_complaints *complaints)
{
	struct binder b = {schema, complaints};
	size_t i, k;

	bind_own(&b);
	for (i = 0; i < n_tables; i++)
		bind_table(&b, &tables[i]);
	for (i = 0; i < schema->n_types; i++) {
		const struct gql_type *type = schema->types[i];

		for (k = 0; type->kind == GQL_OBJECT && k < type->n_fields; k++) {
			check_depth(&b, type, &type->fields[k]);
			if (!type->fields[k].binding)
				reeve_gql_complain(complaints, "Field \"%s.%s\" is not bound.",
					type->name, type->fields[k].name);
		}
	}
}
