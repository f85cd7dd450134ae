/* SPDX-License-Identifier: Apache-2.0 */
/* definitions_api.c - sets of definitions: rows added, found, compared; see reeve/definitions.h. */
#include "definitions.h"

#include <stdlib.h>

static const char *const kind_names[] = {"group", "user", "rule", "plan", "directive", "schedule",
	"window", "serverPool", "memoryPool", "cpuLimits", "ioLimits", "memoryLimits",
	"parallelLimits", "sessionPool", "defaultGroup", "chosenPlan", "cpuSettings", "ioSettings",
	"memorySettings", "parallelSettings", "sessionSettings"};
_Static_assert(REEVE_COUNT(kind_names) == REEVE_DEFINITION_KINDS, "every kind has a name");

REEVE_API const char *reeve_definition_kind_name(uint32_t kind)
{
	return kind < REEVE_DEFINITION_KINDS ? kind_names[kind] : NULL;
}

/* ---- conditions ---- */

static void measure(const struct reeve_condition *c, size_t *nodes, size_t *bytes)
{
	*nodes += 1;
	*bytes += (c->text ? strlen(c->text) + 1 : 0) + (c->zone ? strlen(c->zone) + 1 : 0);
	for (uint32_t i = 0; i < c->count; i++)
		measure(&c->operands[i], nodes, bytes);
}

static const char *keep_text(const char *text, char **to)
{
	char *at = *to;

	if (!text)
		return NULL;
	*to += strlen(text) + 1;
	return memcpy(at, text, strlen(text) + 1);
}

/* Copies a node to `at` and its operands behind each other to *free. */
static void clone_node(struct reeve_condition *at, const struct reeve_condition *c,
	struct reeve_condition **free_nodes, char **free_text)
{
	struct reeve_condition *operands = *free_nodes;

	*at = *c;
	at->text = keep_text(c->text, free_text);
	at->zone = keep_text(c->zone, free_text);
	at->operands = c->count ? operands : NULL;
	*free_nodes += c->count;
	for (uint32_t i = 0; i < c->count; i++)
		clone_node(&operands[i], &c->operands[i], free_nodes, free_text);
}

REEVE_API struct reeve_condition *reeve_condition_clone(const struct reeve_condition *condition)
{
	size_t nodes = 0, bytes = 0;
	struct reeve_condition *made, *rest;
	char *text;

	if (!condition)
		return NULL;
	measure(condition, &nodes, &bytes);
	made = calloc(1, nodes * sizeof(*made) + bytes);
	if (!made)
		return NULL;
	rest = made + 1;
	text = (char *)(made + nodes);
	clone_node(made, condition, &rest, &text);
	return made;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool same_condition(const struct reeve_condition *a, const struct reeve_condition *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->syntax != b->syntax || a->ignore_case != b->ignore_case ||
		a->user_id != b->user_id || a->start_s != b->start_s || a->end_s != b->end_s ||
		a->days != b->days || a->count != b->count || !same_text(a->text, b->text) ||
		!same_text(a->zone, b->zone))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_condition(&a->operands[i], &b->operands[i]))
			return false;
	return true;
}

/* ---- comparing ---- */

/* The row without what does not count. */
static struct reeve_definition stripped(const struct reeve_definition *row)
{
	struct reeve_definition d;

	memcpy(&d, row, sizeof(d));
	d.condition = NULL;
	switch (d.kind) {
#define STRIP(member)                                                                              \
	d.u.member.created_wall = 0;                                                               \
	d.u.member.revision = 0
	case REEVE_DEFINITION_GROUP:
		STRIP(group);
		d.u.group.modified_wall = 0;
		break;
	case REEVE_DEFINITION_USER:
		d.u.user.created_wall = 0;
		break;
	case REEVE_DEFINITION_RULE:
		STRIP(rule);
		d.u.rule.modified_wall = 0;
		break;
	case REEVE_DEFINITION_PLAN:
		STRIP(plan);
		d.u.plan.modified_wall = 0;
		break;
	case REEVE_DEFINITION_DIRECTIVE:
		STRIP(directive);
		d.u.directive.modified_wall = 0;
		break;
	case REEVE_DEFINITION_SCHEDULE:
		STRIP(schedule);
		d.u.schedule.modified_wall = 0;
		break;
	case REEVE_DEFINITION_WINDOW:
		STRIP(window);
		d.u.window.modified_wall = 0;
		break;
	case REEVE_DEFINITION_SERVER_POOL:
		STRIP(server_pool);
		break;
	case REEVE_DEFINITION_MEMORY_POOL:
		STRIP(memory_pool);
		break;
	case REEVE_DEFINITION_CHOSEN_PLAN:
		d.u.chosen_plan.since_wall = 0;
		break;
	default:
		break;
#undef STRIP
	}
	return d;
}

REEVE_API bool reeve_definition_equal(
	const struct reeve_definition *a, const struct reeve_definition *b)
{
	struct reeve_definition x, y;

	if (!a || !b || a->kind != b->kind || a->id != b->id)
		return false;
	x = stripped(a);
	y = stripped(b);
	return memcmp(&x.u, &y.u, sizeof(x.u)) == 0 && same_condition(a->condition, b->condition);
}

static int order(uint32_t kind, uint64_t id, const struct reeve_definition *b)
{
	if (kind != b->kind)
		return kind < b->kind ? -1 : 1;
	return id < b->id ? -1 : id > b->id;
}

/* Place of a kind and id among the rows, or where it would be. */
static uint32_t place_of(const struct reeve_definitions *d, uint32_t kind, uint64_t id)
{
	uint32_t low = 0, high = d->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (order(kind, id, &d->rows[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

REEVE_API const struct reeve_definition *reeve_definitions_find(
	const struct reeve_definitions *definitions, uint32_t kind, uint64_t id)
{
	uint32_t at;

	if (!definitions)
		return NULL;
	at = place_of(definitions, kind, id);
	return at < definitions->count && order(kind, id, &definitions->rows[at]) == 0
		       ? &definitions->rows[at]
		       : NULL;
}

REEVE_API uint32_t reeve_definitions_diff(const struct reeve_definitions *from,
	const struct reeve_definitions *to, reeve_definition_diff_fn found, void *arg)
{
	uint32_t i = 0, k = 0, n = 0;

	while (from && to && (i < from->count || k < to->count)) {
		const struct reeve_definition *a = i < from->count ? &from->rows[i] : NULL;
		const struct reeve_definition *b = k < to->count ? &to->rows[k] : NULL;
		int which = !a ? 1 : !b ? -1 : order(a->kind, a->id, b);
		i += which <= 0;
		k += which >= 0;
		if (which == 0 && reeve_definition_equal(a, b))
			continue;
		n++;
		if (found)
			found(arg, which <= 0 ? a : NULL, which >= 0 ? b : NULL);
	}
	return n;
}

/* ---- sets ---- */

static int no_memory(struct reeve_error *err)
{
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory for definitions");
}

/* Room for one more at a place; its content is the caller's to fill. */
static struct reeve_definition *open_row(struct reeve_definitions *d, uint32_t at)
{
	uint32_t n = d->count;

	/* grown at powers of two: the count says when */
	if ((n & (n - 1)) == 0) {
		size_t room = n ? (size_t)n * 2 : 1;
		struct reeve_definition *rows = realloc(d->rows, room * sizeof(*rows));
		if (!rows)
			return NULL;
		d->rows = rows;
	}
	memmove(&d->rows[at + 1], &d->rows[at], (n - at) * sizeof(d->rows[0]));
	d->count++;
	return &d->rows[at];
}

REEVE_API int reeve_definitions_put(struct reeve_definitions *definitions,
	const struct reeve_definition *row, struct reeve_error *err)
{
	struct reeve_condition *condition = NULL;
	struct reeve_definition *to;
	uint32_t at;

	if (!definitions || !row || row->kind >= REEVE_DEFINITION_KINDS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"definitions or row is NULL, or its kind none of 0 to %u",
			REEVE_DEFINITION_KINDS - 1u);
	if (row->condition && !(condition = reeve_condition_clone(row->condition)))
		return no_memory(err);
	at = place_of(definitions, row->kind, row->id);
	if (at < definitions->count && order(row->kind, row->id, &definitions->rows[at]) == 0) {
		to = &definitions->rows[at];
		free(to->condition);
	} else if (!(to = open_row(definitions, at))) {
		free(condition);
		return no_memory(err);
	}
	memcpy(to, row, sizeof(*to));
	to->condition = condition;
	return 0;
}

REEVE_API void reeve_definitions_drop(
	struct reeve_definitions *definitions, uint32_t kind, uint64_t id)
{
	const struct reeve_definition *row = reeve_definitions_find(definitions, kind, id);
	struct reeve_definition *rows;
	uint32_t at;

	if (!row)
		return;
	at = (uint32_t)(row - definitions->rows);
	free(row->condition);
	definitions->count--;
	memmove(&definitions->rows[at], &definitions->rows[at + 1],
		(definitions->count - at) * sizeof(definitions->rows[0]));
	/* open_row grows at powers of two: let the room be what the count says. */
	if (definitions->count && (definitions->count & (definitions->count - 1)) == 0) {
		rows = realloc(definitions->rows, definitions->count * sizeof(*rows));
		if (rows)
			definitions->rows = rows;
	}
}

REEVE_API void reeve_definitions_fini(struct reeve_definitions *definitions)
{
	if (!definitions)
		return;
	for (uint32_t i = 0; i < definitions->count; i++)
		free(definitions->rows[i].condition);
	free(definitions->rows);
	*definitions = (struct reeve_definitions)REEVE_DEFINITIONS_INIT;
}

/* Behind the others; they are put in order when all are there. */
int reeve__definitions_add(
	struct reeve_definitions *d, const struct reeve_definition *row, struct reeve_error *err)
{
	struct reeve_condition *condition = NULL;
	struct reeve_definition *to;

	if (row->condition && !(condition = reeve_condition_clone(row->condition)))
		return no_memory(err);
	to = open_row(d, d->count);
	if (!to) {
		free(condition);
		return no_memory(err);
	}
	memcpy(to, row, sizeof(*to));
	to->condition = condition;
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct reeve_definition *row = a;

	return order(row->kind, row->id, b);
}

void reeve__definitions_sort(struct reeve_definitions *d)
{
	qsort(d->rows, d->count, sizeof(d->rows[0]), compare_rows);
}

REEVE_API void reeve_revision_raise(struct reeve *reeve, uint64_t at_least)
{
	uint64_t now;

	if (!reeve)
		return;
	now = reeve__get(&reeve->header->revision);
	while (now < at_least &&
		!atomic_compare_exchange_weak(&reeve->header->revision, &now, at_least))
		continue;
}
