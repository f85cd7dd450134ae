/* SPDX-License-Identifier: Apache-2.0 */
/* args.c - arguments and filters by table; see resolvers.h. */
#include "resolvers/resolvers.h"

#include <math.h>
#include <string.h>

static void store_number(const struct reeved_field *field, void *to, uint64_t v)
{
	uint32_t narrow = (uint32_t)v;
	char *at = (char *)to + field->offset;
	if (field->size == sizeof(narrow))
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &v, sizeof(v));
}

static uint64_t unit_of(const struct reeved_field *field)
{
	return field->unit != 0 ? field->unit : 1;
}

static int refuse_range(struct reeve_gql_ctx *ctx, const struct reeved_field *field)
{
	return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "%s must be %llu to %llu", field->name,
		(unsigned long long)field->least, (unsigned long long)field->most);
}

static int take_int(struct reeve_gql_ctx *ctx, const struct reeved_field *field,
	const struct reeve_gql_value *value, void *to)
{
	int32_t v = 0;
	reeve_gql_value_i32(value, &v);
	if (v < 0 || (uint64_t)v < field->least || (uint64_t)v > field->most)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %d, and must be %llu to %llu", field->name, v,
			(unsigned long long)field->least, (unsigned long long)field->most);
	store_number(field, to, (uint64_t)v * unit_of(field));
	return 0;
}

static int take_u64(struct reeve_gql_ctx *ctx, const struct reeved_field *field,
	const struct reeve_gql_value *value, void *to)
{
	uint64_t v = 0;
	reeve_gql_value_u64(value, &v);
	if (v < field->least || v > field->most)
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT,
			"%s is %llu, and must be %llu to %llu", field->name, (unsigned long long)v,
			(unsigned long long)field->least, (unsigned long long)field->most);
	store_number(field, to, v * unit_of(field));
	return 0;
}

static int take_float(struct reeve_gql_ctx *ctx, const struct reeved_field *field,
	const struct reeve_gql_value *value, void *to)
{
	double v = 0, unit = (double)unit_of(field);
	reeve_gql_value_double(value, &v);
	/* Written so that NaN is refused too. */
	if (!(v >= (double)field->least / unit && v <= (double)field->most / unit))
		return reeved_refuse(ctx, REEVE_EINVALID_ARGUMENT, "%s is %g, and must be %g to %g",
			field->name, v, (double)field->least / unit, (double)field->most / unit);
	uint64_t scaled = (uint64_t)llround(v * unit);
	store_number(field, to, scaled > field->most ? field->most : scaled);
	return 0;
}

static int take_name(struct reeve_gql_ctx *ctx, const struct reeved_field *field,
	const struct reeve_gql_value *value, void *to)
{
	const char *text = "";
	uint32_t index = 0;
	reeve_gql_value_str(value, &text);
	if (reeved_parse_name(ctx, field->name, text, field->names, field->n_names, &index) != 0)
		return -1;
	store_number(field, to, index + field->least);
	return 0;
}

static int take_value(struct reeve_gql_ctx *ctx, const struct reeved_field *field,
	const struct reeve_gql_value *value, void *to)
{
	int32_t seconds = 0;
	int64_t ns = 0;
	switch (field->take) {
	case REEVED_TAKE_TEXT:
		reeve_gql_value_str(value, (const char **)((char *)to + field->offset));
		return 0;
	case REEVED_TAKE_BOOL:
		reeve_gql_value_bool(value, (bool *)((char *)to + field->offset));
		return 0;
	case REEVED_TAKE_INT:
		return take_int(ctx, field, value, to);
	case REEVED_TAKE_U64:
		return take_u64(ctx, field, value, to);
	case REEVED_TAKE_FLOAT:
		return take_float(ctx, field, value, to);
	case REEVED_TAKE_NAME:
		return take_name(ctx, field, value, to);
	case REEVED_TAKE_CLOCK:
		reeve_gql_value_time_of_day(value, &seconds);
		store_number(field, to, (uint64_t)seconds);
		return 0;
	case REEVED_TAKE_INSTANT:
		reeve_gql_value_time_ns(value, &ns);
		if (ns <= 0)
			return refuse_range(ctx, field);
		store_number(field, to, (uint64_t)ns);
		return 0;
	}
	return reeved_refuse(ctx, REEVE_EINTERNAL, "%s is of no known kind", field->name);
}

static void take_null(const struct reeved_field *field, void *to)
{
	const char *none = NULL;
	if (field->take == REEVED_TAKE_TEXT)
		memcpy((char *)to + field->offset, &none, sizeof(none));
	else if (field->take != REEVED_TAKE_BOOL)
		store_number(field, to, field->when_null);
}

int reeved_read_fields(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeved_field *fields, size_t n_fields, void *to, uint64_t *ret_given)
{
	for (size_t i = 0; i < n_fields; i++) {
		const struct reeved_field *field = &fields[i];
		const struct reeve_gql_value *value =
			input != NULL ? reeve_gql_value_member(input, field->name)
				      : reeve_gql_arg(ctx, field->name);
		enum reeve_gql_given given = reeve_gql_value_given(value);
		if (given == REEVE_GQL_OMITTED)
			continue;
		if (given == REEVE_GQL_NULL && !field->may_be_null)
			return reeved_refuse_null(ctx, field->name);
		if (given == REEVE_GQL_NULL)
			take_null(field, to);
		else if (take_value(ctx, field, value, to) != 0)
			return -1;
		if (ret_given != NULL)
			*ret_given |= field->bit;
	}
	return 0;
}

/* Filters */

int reeved_read_filter(struct reeve_gql_ctx *ctx, const struct reeve_gql_value *input,
	const struct reeved_field *fields, size_t n_fields, struct reeved_filter *ret)
{
	*ret = (struct reeved_filter){.fields = fields, .n_fields = n_fields};
	if (n_fields > REEVED_FILTER_FIELDS)
		return reeved_refuse(ctx, REEVE_EINTERNAL, "a filter has too many fields");
	for (size_t i = 0; i < n_fields; i++) {
		/* The value goes to the field's place in the filter, not in the row. */
		struct reeved_field field = fields[i];
		const struct reeve_gql_value *value =
			input != NULL ? reeve_gql_value_member(input, field.name)
				      : reeve_gql_arg(ctx, field.name);
		field.offset = 0;
		field.size = sizeof(uint64_t);
		if (reeve_gql_value_given(value) != REEVE_GQL_GIVEN)
			continue;
		if (take_value(ctx, &field, value, &ret->wanted[i]) != 0)
			return -1;
		ret->is_given[i] = true;
	}
	return 0;
}

static bool field_matches(
	const struct reeved_field *field, const union reeved_wanted *wanted, const void *row)
{
	const char *at = (const char *)row + field->offset;
	uint64_t wide = 0;
	uint32_t narrow = 0;
	if (field->take == REEVED_TAKE_TEXT)
		return strcmp(at, wanted->text) == 0;
	if (field->take == REEVED_TAKE_BOOL)
		return *(const bool *)at == wanted->flag;
	if (field->size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide == wanted->number;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow == wanted->number;
}

bool reeved_filter_admits(const struct reeved_filter *filter, const void *row)
{
	for (size_t i = 0; filter != NULL && i < filter->n_fields; i++) {
		if (filter->is_given[i] &&
			!field_matches(&filter->fields[i], &filter->wanted[i], row))
			return false;
	}
	return true;
}

/* Lists */

int reeved_emit_list(struct reeve_gql_ctx *ctx, const struct reeved_list *list, const void *arg,
	const struct reeved_filter *filter, struct reeved_page page)
{
	_Alignas(16) char rows[REEVED_LIST_BYTES];
	uint32_t capacity = (uint32_t)(sizeof(rows) / list->size), n;
	reeve_gql_list_begin(ctx);
	do {
		n = list->copy(reeved_segment_of(ctx), page.after, arg, rows, capacity);
		for (uint32_t i = 0; i < n && page.left > 0; i++) {
			const char *row = rows + i * list->size;
			memcpy(&page.after, row + list->id_offset, sizeof(page.after));
			if (!reeved_filter_admits(filter, row))
				continue;
			reeve_gql_emit_object(ctx, row);
			page.left--;
		}
	} while (n == capacity && page.left > 0);
	return reeve_gql_list_end(ctx);
}

int reeved_emit_all(struct reeve_gql_ctx *ctx, const struct reeved_list *list)
{
	return reeved_emit_list(ctx, list, NULL, NULL, (struct reeved_page){0, UINT32_MAX});
}

int reeved_emit_u64s(struct reeve_gql_ctx *ctx, const uint64_t *values, uint32_t n)
{
	reeve_gql_list_begin(ctx);
	for (uint32_t i = 0; i < n; i++)
		reeve_gql_emit_u64(ctx, values[i]);
	return reeve_gql_list_end(ctx);
}
