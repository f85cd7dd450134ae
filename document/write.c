/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - one definition as JSON; see document.h. */
#include "fields.h"

#include <inttypes.h>
#include <string.h>

static void write_time(FILE *out, uint32_t s)
{
	fprintf(out, "\"%02u:%02u", s / 3600, s / 60 % 60);
	if (s % 60)
		fprintf(out, ":%02u", s % 60);
	fputc('"', out);
}

static void write_days(FILE *out, uint64_t bits)
{
	const char *comma = "";

	fputc('[', out);
	for (int i = 0; i < 7; i++)
		if (bits >> i & 1) {
			fprintf(out, "%s\"%s\"", comma, reeve__days[i]);
			comma = ",";
		}
	fputc(']', out);
}

static void write_zone(FILE *out, const char *zone)
{
	if (zone && zone[0]) {
		fputs(",\"timeZone\":", out);
		reeve_json_write_text(out, zone);
	}
	fputc('}', out);
}

static void write_condition(FILE *out, const struct reeve_condition *c)
{
	fputc('{', out);
	if (c->kind <= REEVE_CONDITION_ACTION_NAME_PATTERN) {
		fprintf(out, "\"%s\":", reeve__attributes[c->kind / 2]);
		if (c->kind % 2)
			fprintf(out, "{\"%s\":", reeve__syntaxes[c->syntax % 5]);
		reeve_json_write_text(out, c->text ? c->text : "");
		if (c->kind % 2)
			fprintf(out, "%s}", c->ignore_case ? ",\"ignoreCase\":true" : "");
	} else if (c->kind == REEVE_CONDITION_USER_ID) {
		fprintf(out, "\"userId\":%" PRIu64, c->user_id);
	} else if (c->kind == REEVE_CONDITION_TIME_OF_DAY) {
		fputs("\"timeOfDay\":{\"start\":", out);
		write_time(out, c->start_s);
		fputs(",\"end\":", out);
		write_time(out, c->end_s);
		write_zone(out, c->zone);
	} else if (c->kind == REEVE_CONDITION_DAY_OF_WEEK) {
		fputs("\"dayOfWeek\":{\"days\":", out);
		write_days(out, c->days);
		write_zone(out, c->zone);
	} else if (c->kind == REEVE_CONDITION_NOT) {
		fputs("\"not\":", out);
		write_condition(out, &c->operands[0]);
	} else {
		fprintf(out, "\"%s\":[", c->kind == REEVE_CONDITION_AND ? "all" : "any");
		for (uint32_t i = 0; i < c->count; i++) {
			fputs(i ? "," : "", out);
			write_condition(out, &c->operands[i]);
		}
		fputc(']', out);
	}
	fputc('}', out);
}

static void write_quantity(FILE *out, uint64_t value, const struct unit *units, uint64_t plain)
{
	const struct unit *best = &units[0];

	for (; units->name; units++)
		if (value % units->factor == 0)
			best = units;
	if (value % plain == 0 && (value / plain <= 9999 || best->factor == plain)) {
		fprintf(out, "%" PRIu64, value / plain);
		return;
	}
	fprintf(out, "\"%" PRIu64 "%s\"", value / best->factor, best->name);
}

static void write_reference(
	FILE *out, uint64_t id, uint32_t kind, const struct reeve_definitions *names)
{
	const struct reeve_definition *row = names ? reeve_definitions_find(names, kind, id) : NULL;

	if (row)
		reeve_json_write_text(out, reeve__row_name(row));
	else
		fprintf(out, "%" PRIu64, id);
}

static void write_value(FILE *out, const struct reeve_definition *row, const struct field *f,
	const struct reeve_definitions *names)
{
	uint64_t value = f->type == TEXT ? 0 : reeve__field_load(row, f);

	if (f->type == TEXT)
		reeve_json_write_text(out, (const char *)row + f->offset);
	else if (reeve__field_may_be_null(f) && value == reeve__field_none(f))
		fputs("null", out);
	else if (f->type == FLAG)
		fputs(value ? "true" : "false", out);
	else if (f->type == NAME)
		fprintf(out, "\"%s\"", f->names[value]);
	else if (f->type == SPAN || f->type == SPAN_LIMIT || f->type == NEVER)
		write_quantity(out, value, reeve__spans, (uint64_t)REEVE_SEC);
	else if (f->type == BYTES || f->type == BYTES_LIMIT)
		write_quantity(out, value, reeve__sizes, 1);
	else if (f->type == TIME)
		write_time(out, (uint32_t)value);
	else if (f->type == DAYS)
		write_days(out, value);
	else if (f->type == GROUP || f->type == PLAN || f->type == POOL)
		write_reference(out, value, reeve__field_reference(f->type), names);
	else
		fprintf(out, "%" PRIu64, value);
}

static void write_fields(FILE *out, const struct reeve_definition *row, const struct field *fields,
	const struct reeve_definitions *names, const char **comma)
{
	for (; fields->key; fields++) {
		if (names && row->kind == REEVE_DEFINITION_DIRECTIVE &&
			strcmp(fields->key, "plan") == 0)
			continue; /* it stands inside its plan */
		fprintf(out, "%s\"%s\":", *comma, fields->key);
		write_value(out, row, fields, names);
		*comma = ",";
	}
}

static void write_other(FILE *out, const struct reeve_definition *row,
	const struct reeve_definitions *names, const char *comma)
{
	const struct reeve_directive_field *d;

	if (row->kind == REEVE_DEFINITION_RULE && row->condition) {
		fprintf(out, "%s\"condition\":", comma);
		write_condition(out, row->condition);
	} else if (row->kind == REEVE_DEFINITION_SERVER_POOL) {
		fprintf(out, "%s\"groups\":[", comma);
		for (uint32_t i = 0; i < row->u.server_pool.group_count; i++) {
			fputs(i ? "," : "", out);
			write_reference(
				out, row->u.server_pool.groups[i], REEVE_DEFINITION_GROUP, names);
		}
		fputc(']', out);
	} else if (row->kind == REEVE_DEFINITION_IO_CONFIG) {
		const reeve_ns *at = &row->u.io_config.deadlines[0][0];
		fprintf(out, "%s\"deadlines\":[", comma);
		for (uint32_t i = 0; i < DEADLINES; i++) {
			fputs(i ? "," : "", out);
			if (at[i] == REEVE_NEVER)
				fputs("null", out);
			else
				write_quantity(
					out, (uint64_t)at[i], reeve__spans, (uint64_t)REEVE_SEC);
		}
		fputc(']', out);
	}
	for (uint32_t k = 0;
		row->kind == REEVE_DEFINITION_DIRECTIVE && (d = reeve_directive_field_at(k)); k++) {
		struct field f = reeve__field_of_directive(d);
		if (!(row->u.directive.given & d->bit))
			continue;
		fprintf(out, "%s\"%s\":", comma, f.key);
		write_value(out, row, &f, names);
		comma = ",";
	}
}

void reeve__row_write_members(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names)
{
	const char *comma = "";

	if (names && row->kind >= REEVE_DEFINITION_CPU_LIMITS &&
		row->kind <= REEVE_DEFINITION_SESSION_POOL) {
		fputs("\"group\":", out);
		write_reference(out, row->id, REEVE_DEFINITION_GROUP, names);
		comma = ",";
	}
	write_fields(out, row, reeve__field_lists[row->kind].fields, names, &comma);
	if (!names)
		write_fields(out, row, reeve__field_lists[row->kind].stamps, names, &comma);
	write_other(out, row, names, comma);
}

void reeve_row_write(
	FILE *out, const struct reeve_definition *row, const struct reeve_definitions *names)
{
	fputc('{', out);
	reeve__row_write_members(out, row, names);
	fputc('}', out);
}
