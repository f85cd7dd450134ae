/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse_directive.c - directive PLAN GROUP [FIELD VALUE | without FIELD]...: fields by the names of the
 * library's own table, or by a short one; the table says what a value looks like.
 */
#include "parse.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *word, *field;
} short_names[] = {
	{"shares", "cpuShares"},
	{"percent", "cpuPct"},
	{"level", "cpuLevel"},
	{"cap", "cpuUtilizationLimit"},
	{"sub-plan", "subPlanId"},
};

/* The field that a word names; NULL when none. */
static const struct reeve_directive_field *find_field(const char *word)
{
	const struct reeve_directive_field *field;

	for (size_t i = 0; i < sizeof(short_names) / sizeof(short_names[0]); i++) {
		if (strcmp(word, short_names[i].word) == 0)
			word = short_names[i].field;
	}
	for (uint32_t k = 0; (field = reeve_directive_field_at(k)) != NULL; k++) {
		if (strcmp(word, field->name) == 0)
			return field;
	}
	return NULL;
}

static const struct reeve_directive_field *read_field(struct lex *lex)
{
	const struct reeve_directive_field *field = lex_at_end(lex) ? NULL : find_field(lex->word);

	if (field == NULL)
		lex_fail(lex,
			"a field of directives (shares, percent, level, cap, sub-plan, or one "
			"by its name in the API) or `without`");
	else
		(void)lex_word(lex, "a field");
	return field;
}

/* A value of the field. Names become indexes; the run knows the ids. */
static uint64_t read_value(struct lex *lex, const struct scenario *s,
	const struct reeve_directive_field *field, struct scn_directive *directive)
{
	static const char *const actions[] = {"nothing", "log", "switch", "cancel", "kill", NULL};

	if (field->bit == REEVE_DIRECTIVE_SWITCH_ACTION)
		return parse__pick(lex, actions);
	if (strcmp(field->unit, "group") == 0)
		return directive->switch_group = parse__group(lex, s);
	if (strcmp(field->unit, "plan") == 0)
		return directive->sub_plan = parse__plan(lex, s);
	if (strcmp(field->unit, "ns") == 0)
		return (uint64_t)lex_time(lex, field->name, field->least == 0);
	if (strncmp(field->unit, "bytes", 5) == 0)
		return lex_size(lex, field->name);
	if (strcmp(field->unit, "percent") == 0)
		return parse__pct(lex, field->name, (uint32_t)field->least);
	return lex_number(lex, field->name, field->least, field->most);
}

static void write_value(
	struct reeve_directive_def *def, const struct reeve_directive_field *field, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	def->given |= field->bit;
	if (field->size == sizeof(value))
		memcpy((char *)def + field->offset, &value, sizeof(value));
	else
		memcpy((char *)def + field->offset, &narrow, sizeof(narrow));
}

void parse__directive(struct lex *lex, const struct scenario *s, struct scn_directive *directive)
{
	directive->plan = parse__plan(lex, s);
	directive->group = parse__group(lex, s);
	while (!lex_at_end(lex)) {
		bool goes = lex_accept(lex, "without");
		const struct reeve_directive_field *field = read_field(lex);

		if (field != NULL && goes)
			directive->def.removed |= field->bit;
		else if (field != NULL)
			write_value(&directive->def, field, read_value(lex, s, field, directive));
	}
}

void scenario_drop_field(struct scenario *s, uint64_t bit)
{
	for (uint32_t i = 0; i < s->directive_count; i++)
		s->directives[i].def.given &= ~bit;
	for (uint32_t i = 0; i < s->event_count; i++)
		s->events[i].directive.def.given &= ~bit;
}

uint64_t scenario_fields(const struct scenario *s)
{
	uint64_t fields = 0;

	for (uint32_t i = 0; i < s->directive_count; i++)
		fields |= s->directives[i].def.given;
	for (uint32_t i = 0; i < s->event_count; i++)
		fields |= s->events[i].directive.def.given;
	return fields;
}
