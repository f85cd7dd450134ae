/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - one definition from nodes; see document.h. */
#include "fields.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A number, or a text of a number and a unit; `plain` is what a bare number counts. */
static bool read_quantity(
	const struct reeve_node *n, const struct unit *units, uint64_t plain, uint64_t *ret)
{
	uint64_t value;
	uint64_t factor = plain, number = n->number;
	char *end;

	if (n->kind == REEVE_NODE_TEXT && isdigit((unsigned char)n->text[0])) {
		number = strtoull(n->text, &end, 10);
		for (factor = 0; units->name; units++)
			if (strcmp(units->name, end) == 0)
				factor = units->factor;
	} else if (n->kind != REEVE_NODE_NUMBER) {
		factor = 0;
	}
	if (!factor || __builtin_mul_overflow(number, factor, &value) || value > INT64_MAX)
		return false;
	*ret = value;
	return true;
}

static bool read_time(const struct reeve_node *n, uint64_t *ret)
{
	unsigned h, m, s = 0;
	int used = 0;

	if (n->kind != REEVE_NODE_TEXT)
		return false;
	if (sscanf(n->text, "%2u:%2u:%2u%n", &h, &m, &s, &used) != 3 || n->text[used]) {
		s = 0;
		used = 0;
		if (sscanf(n->text, "%2u:%2u%n", &h, &m, &used) != 2 || n->text[used])
			return false;
	}
	if (m > 59 || s > 59 || h > 24 || (h == 24 && (m || s)))
		return false;
	*ret = h * 3600 + m * 60 + s;
	return true;
}

static bool same_word(const char *a, const char *b)
{
	for (;;) {
		while (*a == '_' || *a == '-')
			a++;
		while (*b == '_' || *b == '-')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static int find_word(const char *const *names, const char *text)
{
	for (int i = 0; names[i]; i++)
		if (same_word(names[i], text))
			return i;
	return -1;
}

/* "got 'x'", for messages. */
static const char *got(const struct reeve_node *n, char to[80])
{
	static const char *const what[] = {"nothing", "", "", "", "a list", "a map"};

	if (n->kind == REEVE_NODE_LIST || n->kind == REEVE_NODE_MAP || n->kind == REEVE_NODE_NULL)
		snprintf(to, 80, "%s", what[n->kind]);
	else
		snprintf(to, 80, "'%.60s'", n->text ? n->text : n->number ? "true" : "false");
	return to;
}

struct reading {
	const struct reeve_tree *tree;
	const struct reeve_definitions *names;
	struct reeve_error *err;
};

static int expected(const struct reading *r, const struct reeve_node *n, const char *what)
{
	char text[80];

	return reeve_node_refuse(r->tree, n, REEVE_EINVALID_ARGUMENT, r->err,
		"%.40s: expected %.100s; got %s", n->key ? n->key : "item", what, got(n, text));
}

static int expected_one_of(
	const struct reading *r, const struct reeve_node *n, const char *const *names)
{
	char what[160] = "one of ";

	for (size_t len = strlen(what); *names; names++) {
		snprintf(what + len, sizeof(what) - len, "%s%s", *names, names[1] ? ", " : "");
		len = strlen(what);
	}
	return expected(r, n, what);
}

static int read_reference(
	const struct reading *r, const struct reeve_node *n, enum type type, uint64_t *ret)
{
	uint32_t kind = reeve__field_reference(type);
	static const char *const nouns[] = {"consumer group", "resource plan", "memory pool"};
	const char *noun = nouns[type == GROUP ? 0 : type == PLAN ? 1 : 2];

	if (n->kind == REEVE_NODE_NUMBER) {
		*ret = n->number;
		if (!r->names || reeve_definitions_find(r->names, kind, n->number))
			return 0;
	} else if (n->kind != REEVE_NODE_TEXT) {
		return expected(r, n, "a name");
	} else if ((*ret = reeve__name_find(r->names, kind, n->text))) {
		return 0;
	}
	return reeve_node_refuse(r->tree, n, REEVE_ENOT_FOUND, r->err,
		"%.40s: there is no %s '%.100s'", n->key ? n->key : "item", noun, n->text);
}

static int read_days(const struct reading *r, const struct reeve_node *n, uint64_t *ret)
{
	*ret = 0;
	if (n->kind != REEVE_NODE_LIST || !n->count)
		return expected(r, n, "a list of weekdays");
	for (const struct reeve_node *d = n->first; d; d = d->next) {
		int day = d->kind == REEVE_NODE_TEXT ? find_word(reeve__days, d->text) : -1;
		if (day < 0)
			return expected_one_of(r, d, reeve__days);
		*ret |= UINT64_C(1) << day;
	}
	return 0;
}

static int read_text(const struct reading *r, const struct reeve_node *n, const struct field *f,
	struct reeve_definition *row)
{
	char *to = (char *)row + f->offset, what[64];

	if (n->kind == REEVE_NODE_NULL) {
		memset(to, 0, f->size);
		return 0;
	}
	snprintf(what, sizeof(what), "a text of at most %zu bytes", f->size - 1);
	if (n->kind == REEVE_NODE_LIST || n->kind == REEVE_NODE_MAP || strlen(n->text) >= f->size)
		return expected(r, n, what);
	memset(to, 0, f->size);
	memcpy(to, n->text, strlen(n->text));
	return 0;
}

static int read_number(
	const struct reading *r, const struct reeve_node *n, const struct field *f, uint64_t *ret)
{
	*ret = n->number;
	if (n->kind != REEVE_NODE_NUMBER)
		return expected(r, n, f->type == LIMIT ? "a number, or null" : "a number");
	if (f->size == 4 && n->number > UINT32_MAX)
		return expected(r, n, "a number of at most 4294967295");
	return 0;
}

static int read_value(
	const struct reading *r, const struct reeve_node *n, const struct field *f, uint64_t *ret)
{
	int word;

	if (n->kind == REEVE_NODE_NULL && reeve__field_may_be_null(f)) {
		*ret = reeve__field_none(f);
		return 0;
	}
	switch (f->type) {
	case FLAG:
		*ret = n->number;
		return n->kind == REEVE_NODE_BOOL ? 0 : expected(r, n, "true or false");
	case NAME:
		word = n->kind == REEVE_NODE_TEXT ? find_word(f->names, n->text) : -1;
		*ret = (uint64_t)word;
		return word >= 0 ? 0 : expected_one_of(r, n, f->names);
	case SPAN:
	case SPAN_LIMIT:
	case NEVER:
		return read_quantity(n, reeve__spans, (uint64_t)REEVE_SEC, ret)
			       ? 0
			       : expected(r, n, "seconds, or a span such as 250ms, 5m or 2h");
	case BYTES:
	case BYTES_LIMIT:
		return read_quantity(n, reeve__sizes, 1, ret)
			       ? 0
			       : expected(r, n, "bytes, or a size such as 64MiB");
	case TIME:
		return read_time(n, ret) ? 0 : expected(r, n, "a time such as \"09:30\"");
	case DAYS:
		return read_days(r, n, ret);
	case GROUP:
	case PLAN:
	case POOL:
		return read_reference(r, n, f->type, ret);
	default:
		return read_number(r, n, f, ret);
	}
}

static int read_field(const struct reading *r, const struct reeve_node *n, const struct field *f,
	struct reeve_definition *row)
{
	uint64_t value = 0;
	int rc;

	if (f->type == TEXT)
		return read_text(r, n, f, row);
	rc = read_value(r, n, f, &value);
	if (!rc)
		reeve__field_store(row, f, value);
	return rc;
}

/* ---- conditions ---- */

static int read_condition(const struct reading *r, const struct reeve_node *n, int level,
	struct reeve_condition *ret);

static void free_condition(struct reeve_condition *c)
{
	struct reeve_condition *operands = (struct reeve_condition *)(uintptr_t)c->operands;

	for (uint32_t i = 0; operands && i < c->count; i++)
		free_condition(&operands[i]);
	free(operands);
	c->operands = NULL;
}

static int read_operands(
	const struct reading *r, const struct reeve_node *n, int level, struct reeve_condition *ret)
{
	uint32_t count = n->kind == REEVE_NODE_LIST ? n->count : 1;
	const struct reeve_node *child = n->kind == REEVE_NODE_LIST ? n->first : n;
	struct reeve_condition *operands = calloc(count ? count : 1, sizeof(*operands));
	int rc = 0;

	if (!operands)
		return reeve_node_refuse(
			r->tree, n, REEVE_ERESOURCE_EXHAUSTED, r->err, "out of memory");
	ret->count = count;
	ret->operands = operands;
	for (uint32_t i = 0; !rc && i < count; i++, child = child->next)
		rc = read_condition(r, child, level + 1, &operands[i]);
	return rc;
}

static int read_attribute(
	const struct reading *r, const struct reeve_node *n, int which, struct reeve_condition *ret)
{
	ret->kind = (uint32_t)which * 2;
	if (n->kind != REEVE_NODE_MAP) {
		ret->text = n->text;
		return n->text ? 0 : expected(r, n, "a text, or a map such as {glob: \"a*\"}");
	}
	ret->kind++;
	for (const struct reeve_node *m = n->first; m; m = m->next) {
		int syntax = find_word(reeve__syntaxes, m->key);
		if (strcmp(m->key, "ignoreCase") == 0 && m->kind == REEVE_NODE_BOOL) {
			ret->ignore_case = m->number != 0;
		} else if (syntax >= 0 && m->text && !ret->text) {
			ret->syntax = (uint32_t)syntax;
			ret->text = m->text;
		} else {
			return expected(r, m,
				"one of contains, prefix, suffix, glob, regex with "
				"a text, and ignoreCase");
		}
	}
	return ret->text ? 0 : expected(r, n, "one of contains, prefix, suffix, glob, regex");
}

static int read_when(
	const struct reading *r, const struct reeve_node *n, struct reeve_condition *ret)
{
	bool is_time = ret->kind == REEVE_CONDITION_TIME_OF_DAY;
	uint64_t value = 0;
	int rc = n->kind == REEVE_NODE_MAP ? 0 : expected(r, n, "a map");

	for (const struct reeve_node *m = n->first; !rc && m; m = m->next) {
		if (strcmp(m->key, "timeZone") == 0 && m->text) {
			ret->zone = m->text;
		} else if (is_time &&
			   (strcmp(m->key, "start") == 0 || strcmp(m->key, "end") == 0)) {
			if (!read_time(m, &value))
				return expected(r, m, "a time such as \"09:30\"");
			*(m->key[0] == 's' ? &ret->start_s : &ret->end_s) = (uint32_t)value;
		} else if (!is_time && strcmp(m->key, "days") == 0) {
			rc = read_days(r, m, &value);
			ret->days = (uint32_t)value;
		} else {
			rc = expected(
				r, m, is_time ? "start, end and timeZone" : "days and timeZone");
		}
	}
	return rc;
}

static int read_condition(
	const struct reading *r, const struct reeve_node *n, int level, struct reeve_condition *ret)
{
	const struct reeve_node *m = n->first;
	int which;

	if (n->kind != REEVE_NODE_MAP || n->count != 1 || level > REEVE_CONDITION_LEVELS)
		return expected(r, n,
			"a map with one of username, programName, ..., userId, timeOfDay, "
			"dayOfWeek, all, any, not");
	which = find_word(reeve__attributes, m->key);
	if (which >= 0)
		return read_attribute(r, m, which, ret);
	if (strcmp(m->key, "userId") == 0) {
		ret->kind = REEVE_CONDITION_USER_ID;
		ret->user_id = m->number;
		return m->kind == REEVE_NODE_NUMBER ? 0 : expected(r, m, "a number");
	}
	if (strcmp(m->key, "timeOfDay") == 0 || strcmp(m->key, "dayOfWeek") == 0) {
		ret->kind = m->key[0] == 't' ? REEVE_CONDITION_TIME_OF_DAY
					     : REEVE_CONDITION_DAY_OF_WEEK;
		return read_when(r, m, ret);
	}
	if (strcmp(m->key, "not") == 0 && m->kind == REEVE_NODE_MAP) {
		ret->kind = REEVE_CONDITION_NOT;
		return read_operands(r, m, level, ret);
	}
	if ((strcmp(m->key, "all") == 0 || strcmp(m->key, "any") == 0) &&
		m->kind == REEVE_NODE_LIST) {
		ret->kind = m->key[1] == 'l' ? REEVE_CONDITION_AND : REEVE_CONDITION_OR;
		return read_operands(r, m, level, ret);
	}
	return expected(r, m, "a condition");
}

/* ---- what the tables do not say ---- */

/* The row's own copy of a condition: nodes point into the tree. */
static int put_condition(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	struct reeve_condition made = {0};
	int rc = read_condition(r, n, 0, &made);

	if (!rc) {
		free(row->condition);
		row->condition = reeve_condition_clone(&made);
		if (!row->condition)
			rc = reeve_node_refuse(
				r->tree, n, REEVE_ERESOURCE_EXHAUSTED, r->err, "out of memory");
	}
	free_condition(&made);
	return rc;
}

static int put_pool_groups(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	struct reeve_server_pool_info *p = &row->u.server_pool;
	int rc = 0;

	if (n->kind != REEVE_NODE_LIST || n->count > 32)
		return expected(r, n, "a list of at most 32 groups");
	memset(p->groups, 0, sizeof(p->groups));
	p->group_count = n->count;
	n = n->first;
	for (uint32_t i = 0; !rc && i < p->group_count; i++, n = n->next)
		rc = read_reference(r, n, GROUP, &p->groups[i]);
	return rc;
}

/* A list of default deadlines, type by type, priority by priority. */
static int put_deadlines(
	const struct reading *r, const struct reeve_node *n, struct reeve_definition *row)
{
	reeve_ns *to = &row->u.io_config.deadlines[0][0];
	const struct reeve_node *one = n->first;
	char what[64];

	snprintf(what, sizeof(what), "a list of %u spans", (unsigned)DEADLINES);
	if (n->kind != REEVE_NODE_LIST || n->count != DEADLINES)
		return expected(r, n, what);
	for (uint32_t i = 0; i < DEADLINES; i++, one = one->next) {
		uint64_t value = (uint64_t)REEVE_NEVER;
		if (one->kind != REEVE_NODE_NULL &&
			!read_quantity(one, reeve__spans, (uint64_t)REEVE_SEC, &value))
			return expected(r, one, "seconds, a span such as 250ms, or null");
		to[i] = (reeve_ns)value;
	}
	return 0;
}

/* Keys beside the tables. False: it is none of them. */
static bool read_other(const struct reading *r, const struct reeve_node *n,
	struct reeve_definition *row, int *ret_rc)
{
	const struct reeve_directive_field *d;

	if (row->kind == REEVE_DEFINITION_RULE && strcmp(n->key, "condition") == 0) {
		*ret_rc = put_condition(r, n, row);
		return true;
	}
	if (row->kind == REEVE_DEFINITION_SERVER_POOL && strcmp(n->key, "groups") == 0) {
		*ret_rc = put_pool_groups(r, n, row);
		return true;
	}
	if (row->kind == REEVE_DEFINITION_IO_CONFIG && strcmp(n->key, "deadlines") == 0) {
		*ret_rc = put_deadlines(r, n, row);
		return true;
	}
	for (uint32_t k = 0;
		row->kind == REEVE_DEFINITION_DIRECTIVE && (d = reeve_directive_field_at(k)); k++) {
		struct field f = reeve__field_of_directive(d);
		if (strcmp(f.key, n->key) != 0)
			continue;
		*ret_rc = read_field(r, n, &f, row);
		row->u.directive.given |= d->bit;
		if (!*ret_rc && f.type != NAME && f.type != PLAN && f.type != GROUP &&
			(reeve__field_load(row, &f) < d->least ||
				reeve__field_load(row, &f) > d->most)) {
			char what[96];
			snprintf(what, sizeof(what), "%" PRIu64 " to %" PRIu64 " %s", d->least,
				d->most, d->unit);
			*ret_rc = expected(r, n, what);
		}
		return true;
	}
	return false;
}

static const struct field *find_field(const struct field *fields, const char *key)
{
	for (; fields->key; fields++)
		if (strcmp(fields->key, key) == 0)
			return fields;
	return NULL;
}

int reeve_row_read(const struct reeve_tree *tree, const struct reeve_node *map,
	const struct reeve_definitions *names, const char *skip, struct reeve_definition *row,
	struct reeve_error *err)
{
	const struct reading r = {tree, names, err};
	int rc = map->kind == REEVE_NODE_MAP ? 0 : expected(&r, map, "a map");

	for (const struct reeve_node *n = map->first; !rc && n; n = n->next) {
		const struct field *f = find_field(reeve__field_lists[row->kind].fields, n->key);
		if (!f && !names) /* a row of the catalog */
			f = find_field(reeve__field_lists[row->kind].stamps, n->key);
		if (f)
			rc = read_field(&r, n, f, row);
		else if (!(skip && strcmp(n->key, skip) == 0) && !read_other(&r, n, row, &rc))
			rc = reeve_node_refuse(tree, n, REEVE_EINVALID_ARGUMENT, err,
				"%.60s: there is no such field in a %s", n->key,
				reeve_definition_kind_name(row->kind));
	}
	return rc;
}
