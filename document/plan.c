/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - a whole document into a set of definitions, and back.
 *
 * First every item of every section gets its row, so that items may refer to each other in any order;
 * then fields are read; then what a section does not list goes.
 */
#include "codec.h"

#include <stdlib.h>
#include <string.h>

static const struct section {
	const char *key;
	uint32_t kind;
	const char *by; /* the member that says which one it is */
	int counter;	/* of next_ids; -1: the id is said */
} sections[] = {
	{"groups", REEVE_DEFINITION_GROUP, "name", 0},
	{"plans", REEVE_DEFINITION_PLAN, "name", 2},
	{"memoryPools", REEVE_DEFINITION_MEMORY_POOL, "name", 7},
	{"users", REEVE_DEFINITION_USER, "userId", -1},
	{"rules", REEVE_DEFINITION_RULE, "name", 1},
	{"schedules", REEVE_DEFINITION_SCHEDULE, "name", 4},
	{"windows", REEVE_DEFINITION_WINDOW, "name", 5},
	{"serverPools", REEVE_DEFINITION_SERVER_POOL, "name", 6},
	{"cpuLimits", REEVE_DEFINITION_CPU_LIMITS, "group", -1},
	{"ioLimits", REEVE_DEFINITION_IO_LIMITS, "group", -1},
	{"memoryLimits", REEVE_DEFINITION_MEMORY_LIMITS, "group", -1},
	{"parallelLimits", REEVE_DEFINITION_PARALLEL_LIMITS, "group", -1},
	{"sessionPools", REEVE_DEFINITION_SESSION_POOL, "group", -1},
};
#define SECTIONS       (sizeof(sections) / sizeof(sections[0]))
#define NEXT_DIRECTIVE 3

static const struct {
	const char *key;
	uint32_t kind;
} settings[] = {
	{"cpu", REEVE_DEFINITION_CPU_CONFIG},
	{"io", REEVE_DEFINITION_IO_CONFIG},
	{"memory", REEVE_DEFINITION_MEMORY_CONFIG},
	{"parallel", REEVE_DEFINITION_PARALLEL_CONFIG},
	{"sessions", REEVE_DEFINITION_SESSION_CONFIG},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

struct plan {
	const struct reeve_tree *tree;
	struct reeve_definitions *set;
	struct reeve_error *err;
	uint64_t *ids; /* of the items, section by section, in their order */
	uint32_t count, room;
};

#define REFUSE(p, at, ...)                                                                         \
	reeve_node_refuse((p)->tree, at, REEVE_EINVALID_ARGUMENT, (p)->err, __VA_ARGS__)

static int note(struct plan *p, uint64_t id)
{
	if (p->count == p->room) {
		uint32_t room = p->room ? p->room * 2 : 64;
		uint64_t *ids = realloc(p->ids, room * sizeof(*ids));
		if (!ids)
			return reeve_node_refuse(
				p->tree, NULL, REEVE_ERESOURCE_EXHAUSTED, p->err, "out of memory");
		p->ids = ids;
		p->room = room;
	}
	p->ids[p->count++] = id;
	return 0;
}

static bool is_noted(const struct plan *p, uint32_t from, uint64_t id)
{
	for (uint32_t i = from; i < p->count; i++)
		if (p->ids[i] == id)
			return true;
	return false;
}

static const char *name_of(const struct reeve_definition *row)
{
	switch (row->kind) {
	case REEVE_DEFINITION_GROUP:
		return row->u.group.name;
	case REEVE_DEFINITION_PLAN:
		return row->u.plan.name;
	case REEVE_DEFINITION_MEMORY_POOL:
		return row->u.memory_pool.name;
	case REEVE_DEFINITION_RULE:
		return row->u.rule.name;
	case REEVE_DEFINITION_SCHEDULE:
		return row->u.schedule.name;
	case REEVE_DEFINITION_WINDOW:
		return row->u.window.name;
	default:
		return row->u.server_pool.name;
	}
}

/* The row that an item with that name is; those noted already are others'. 0: none. */
static uint64_t row_named(
	const struct plan *p, uint32_t kind, const char *name, uint32_t noted_from)
{
	for (uint32_t i = 0; i < p->set->count; i++) {
		const struct reeve_definition *row = &p->set->rows[i];
		if (row->kind == kind && strcmp(name_of(row), name) == 0 &&
			!is_noted(p, noted_from, row->id))
			return row->id;
	}
	return 0;
}

static bool is_unique(uint32_t kind)
{
	return kind == REEVE_DEFINITION_GROUP || kind == REEVE_DEFINITION_PLAN ||
	       kind == REEVE_DEFINITION_MEMORY_POOL;
}

/* ---- rows of the items ---- */

static int add_row(
	struct plan *p, const struct section *s, uint64_t id, const struct reeve_node *key)
{
	struct reeve_definition row;
	struct reeve_node named = {.kind = REEVE_NODE_MAP, .count = 1};
	struct reeve_node only = *key;
	int rc = 0;

	reeve_row_init(&row, s->kind);
	row.id = id;
	if (s->counter >= 0) { /* its name, so that others find it */
		only.next = NULL;
		named.first = &only;
		rc = reeve_row_read(p->tree, &named, p->set, NULL, &row, p->err);
	}
	reeve__row_complete(&row);
	return rc ? rc : reeve_definitions_put(p->set, &row, p->err);
}

static int group_id(struct plan *p, const struct reeve_node *key, uint64_t *ret)
{
	*ret = key->kind == REEVE_NODE_NUMBER ? key->number
	       : key->text ? reeve__name_find(p->set, REEVE_DEFINITION_GROUP, key->text)
			   : 0;
	if (*ret && reeve_definitions_find(p->set, REEVE_DEFINITION_GROUP, *ret))
		return 0;
	return reeve_node_refuse(p->tree, key, REEVE_ENOT_FOUND, p->err,
		"group: there is no consumer group '%.100s'", key->text ? key->text : "?");
}

static int find_item(
	struct plan *p, const struct section *s, const struct reeve_node *item, uint32_t noted_from)
{
	const struct reeve_node *key = reeve_node_member(item, s->by);
	uint64_t id = 0;
	int rc = 0;

	if (!key || (key->kind != REEVE_NODE_TEXT && key->kind != REEVE_NODE_NUMBER))
		return REFUSE(p, item, "%s: %s is missing", s->key, s->by);
	if (strcmp(s->by, "group") == 0) {
		rc = group_id(p, key, &id);
	} else if (strcmp(s->by, "userId") == 0) {
		id = key->number;
		if (key->kind != REEVE_NODE_NUMBER || !id)
			rc = REFUSE(
				p, key, "userId: expected a number from 1; got '%.60s'", key->text);
	} else {
		id = row_named(p, s->kind, key->text, is_unique(s->kind) ? p->count : noted_from);
		if (!id)
			id = p->set->next_ids[s->counter]++;
	}
	if (!rc && is_noted(p, noted_from, id))
		rc = REFUSE(p, key, "%s: '%.100s' is there twice", s->key, key->text);
	if (!rc && !reeve_definitions_find(p->set, s->kind, id))
		rc = add_row(p, s, id, key);
	return rc ? rc : note(p, id);
}

static int check_list(struct plan *p, const struct reeve_node *list)
{
	if (list->kind != REEVE_NODE_LIST)
		return REFUSE(p, list, "%s: expected a list", list->key);
	for (const struct reeve_node *n = list->first; n; n = n->next)
		if (n->kind != REEVE_NODE_MAP)
			return REFUSE(p, n, "%s: expected a map of fields", list->key);
	return 0;
}

/* ---- fields ---- */

static int read_item(
	struct plan *p, uint32_t kind, uint64_t id, const struct reeve_node *item, const char *skip)
{
	const struct reeve_definition *old = reeve_definitions_find(p->set, kind, id);
	struct reeve_definition row;
	int rc;

	memcpy(&row, old, sizeof(row));
	row.condition = reeve_condition_clone(old->condition);
	rc = reeve_row_read(p->tree, item, p->set, skip, &row, p->err);
	reeve__row_complete(&row);
	if (!rc && kind == REEVE_DEFINITION_RULE && !row.condition)
		rc = REFUSE(p, item, "rules: condition is missing");
	if (!rc)
		rc = reeve_definitions_put(p->set, &row, p->err);
	reeve_row_fini(&row);
	return rc;
}

/* A directive of a plan for a group: 0 when there is none. */
static uint64_t directive_of(const struct reeve_definitions *set, uint64_t plan, uint64_t group)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->rows[i].kind == REEVE_DEFINITION_DIRECTIVE &&
			set->rows[i].u.directive.plan.v == plan &&
			set->rows[i].u.directive.group.v == group)
			return set->rows[i].id;
	return 0;
}

static int read_directive(
	struct plan *p, uint64_t plan, const struct reeve_node *item, uint32_t noted_from)
{
	const struct reeve_node *key = reeve_node_member(item, "group");
	struct reeve_definition row;
	uint64_t group = 0, id;
	int rc = key ? group_id(p, key, &group) : REFUSE(p, item, "directives: group is missing");

	if (rc)
		return rc;
	id = directive_of(p->set, plan, group);
	if (id && is_noted(p, noted_from, id))
		return REFUSE(p, key, "directives: '%.100s' is there twice", key->text);
	if (!id)
		id = p->set->next_ids[NEXT_DIRECTIVE]++;
	reeve_row_init(&row, REEVE_DEFINITION_DIRECTIVE);
	row.id = id;
	rc = reeve_row_read(p->tree, item, p->set, NULL, &row, p->err);
	row.u.directive.plan.v = plan;
	reeve__row_complete(&row);
	if (!rc)
		rc = reeve_definitions_put(p->set, &row, p->err);
	return rc ? rc : note(p, id);
}

static bool is_directive_of(const struct reeve_definition *row, uint64_t plan)
{
	return row->kind == REEVE_DEFINITION_DIRECTIVE && row->u.directive.plan.v == plan;
}

static int read_directives(struct plan *p, uint64_t plan, const struct reeve_node *list)
{
	uint32_t from = p->count;
	int rc = check_list(p, list);

	for (const struct reeve_node *n = list->first; !rc && n; n = n->next)
		rc = read_directive(p, plan, n, from);
	for (uint32_t i = p->set->count; !rc && i-- > 0;)
		if (is_directive_of(&p->set->rows[i], plan) &&
			!is_noted(p, from, p->set->rows[i].id))
			reeve_definitions_drop(
				p->set, REEVE_DEFINITION_DIRECTIVE, p->set->rows[i].id);
	p->count = from;
	return rc;
}

/* ---- what is not listed ---- */

static bool is_systems(const struct reeve_definition *row)
{
	if (row->kind == REEVE_DEFINITION_MEMORY_POOL)
		return row->id <= REEVE_POOL_PGA;
	return (row->kind == REEVE_DEFINITION_GROUP || row->kind == REEVE_DEFINITION_PLAN) &&
	       row->id < REEVE_FIRST_USER_ID;
}

static void drop_unlisted(struct plan *p, uint32_t kind, uint32_t from, uint32_t to)
{
	uint32_t count = p->count;

	p->count = to;
	for (uint32_t i = p->set->count; i-- > 0;) {
		const struct reeve_definition row = p->set->rows[i];
		if (row.kind != kind || is_systems(&row) || is_noted(p, from, row.id))
			continue;
		reeve_definitions_drop(p->set, kind, row.id);
		/* what is the plan's own goes with it */
		for (uint32_t k = p->set->count; kind == REEVE_DEFINITION_PLAN && k-- > 0;)
			if (is_directive_of(&p->set->rows[k], row.id))
				reeve_definitions_drop(
					p->set, REEVE_DEFINITION_DIRECTIVE, p->set->rows[k].id);
		if (i > p->set->count)
			i = p->set->count;
	}
	p->count = count;
}

/* ---- the rest ---- */

static int read_single(
	struct plan *p, const struct reeve_node *n, uint32_t kind, const char *member)
{
	struct reeve_node only = *n, map = {.kind = REEVE_NODE_MAP, .count = 1, .line = n->line};

	only.key = member;
	only.next = NULL;
	map.first = &only;
	return read_item(p, kind, 1, n->kind == REEVE_NODE_MAP ? n : &map, NULL);
}

static int read_settings(struct plan *p, const struct reeve_node *map)
{
	int rc = map->kind == REEVE_NODE_MAP ? 0 : REFUSE(p, map, "settings: expected a map");

	for (const struct reeve_node *n = map->first; !rc && n; n = n->next) {
		size_t k = 0;
		while (k < SETTINGS && strcmp(settings[k].key, n->key) != 0)
			k++;
		rc = k < SETTINGS ? read_item(p, settings[k].kind, 1, n, NULL)
				  : REFUSE(p, n,
					    "%.60s: expected one of cpu, io, memory, parallel, "
					    "sessions",
					    n->key);
	}
	return rc;
}

static int check_keys(struct plan *p)
{
	const struct reeve_node *root = p->tree->root;

	if (root->kind != REEVE_NODE_MAP)
		return REFUSE(p, root, "a document is a map with groups, plans, rules, ...");
	for (const struct reeve_node *n = root->first; n; n = n->next) {
		size_t k = 0;
		while (k < SECTIONS && strcmp(sections[k].key, n->key) != 0)
			k++;
		if (k == SECTIONS && strcmp(n->key, "defaultGroup") != 0 &&
			strcmp(n->key, "activePlan") != 0 && strcmp(n->key, "settings") != 0)
			return REFUSE(p, n, "%.60s: there is no such section", n->key);
	}
	return 0;
}

static int read_sections(struct plan *p)
{
	const struct reeve_node *root = p->tree->root, *list, *directives;
	uint32_t from[SECTIONS + 1];
	int rc = 0;

	for (size_t k = 0; !rc && k < SECTIONS; k++) {
		from[k] = p->count;
		list = reeve_node_member(root, sections[k].key);
		rc = list ? check_list(p, list) : 0;
		for (const struct reeve_node *n = list ? list->first : NULL; !rc && n; n = n->next)
			rc = find_item(p, &sections[k], n, from[k]);
	}
	from[SECTIONS] = p->count;
	for (size_t k = 0; !rc && k < SECTIONS; k++) {
		bool by_group = strcmp(sections[k].by, "group") == 0;
		const char *skip = by_group				       ? "group"
				   : sections[k].kind == REEVE_DEFINITION_PLAN ? "directives"
									       : NULL;
		uint32_t i = from[k];
		list = reeve_node_member(root, sections[k].key);
		for (const struct reeve_node *n = list ? list->first : NULL; !rc && n; n = n->next)
			rc = read_item(p, sections[k].kind, p->ids[i++], n, skip);
	}
	list = reeve_node_member(root, "plans");
	for (const struct reeve_node *n = !rc && list ? list->first : NULL; !rc && n; n = n->next)
		if ((directives = reeve_node_member(n, "directives")))
			rc = read_directives(p,
				reeve__name_find(p->set, REEVE_DEFINITION_PLAN,
					reeve_node_member(n, "name")->text),
				directives);
	for (size_t k = 0; !rc && k < SECTIONS; k++)
		if (reeve_node_member(root, sections[k].key))
			drop_unlisted(p, sections[k].kind, from[k], from[k + 1]);
	return rc;
}

__extension__ typedef unsigned __int128 wide;

static uint64_t database_limit(const struct reeve_definitions *set)
{
	const struct reeve_definition *row =
		reeve_definitions_find(set, REEVE_DEFINITION_MEMORY_CONFIG, 1);

	return row ? row->u.memory_config.db_limit_bytes : 0;
}

/* Another limit of the database resizes pools of which the document says nothing in proportion. */
static void scale_pools(struct plan *p, uint64_t was)
{
	uint64_t is = database_limit(p->set);

	if (!was || was == is || reeve_node_member(p->tree->root, "memoryPools"))
		return;
	for (uint32_t i = 0; i < p->set->count; i++) {
		struct reeve_pool_info *pool = &p->set->rows[i].u.memory_pool;
		if (p->set->rows[i].kind != REEVE_DEFINITION_MEMORY_POOL)
			continue;
		pool->max_bytes = (uint64_t)((wide)pool->max_bytes * is / was);
		pool->min_bytes = (uint64_t)((wide)pool->min_bytes * is / was);
		if (pool->target_bytes != REEVE_UNLIMITED)
			pool->target_bytes = (uint64_t)((wide)pool->target_bytes * is / was);
	}
}

int reeve_plan_read(
	const struct reeve_tree *tree, struct reeve_definitions *set, struct reeve_error *err)
{
	struct plan p = {.tree = tree, .set = set, .err = err};
	uint64_t limit = database_limit(set);
	const struct reeve_node *n;
	int rc = check_keys(&p);

	if (!rc)
		rc = read_sections(&p);
	if (!rc && (n = reeve_node_member(tree->root, "defaultGroup")))
		rc = read_single(&p, n, REEVE_DEFINITION_DEFAULT_GROUP, "group");
	if (!rc && (n = reeve_node_member(tree->root, "activePlan")))
		rc = read_single(&p, n, REEVE_DEFINITION_CHOSEN_PLAN, "plan");
	if (!rc && (n = reeve_node_member(tree->root, "settings")))
		rc = read_settings(&p, n);
	if (!rc)
		scale_pools(&p, limit);
	free(p.ids);
	return rc;
}

/* ---- where it came from ---- */

/* How many rows of the kind and name of this one come before it: items take them in this order. */
static uint32_t rank_of(const struct reeve_definitions *set, const struct reeve_definition *row)
{
	uint32_t n = 0;

	for (const struct reeve_definition *other = set->rows; other < row; other++)
		n += other->kind == row->kind && strcmp(name_of(other), name_of(row)) == 0;
	return n;
}

static bool is_group(
	const struct reeve_definitions *set, const struct reeve_node *item, uint64_t group)
{
	const struct reeve_node *key = reeve_node_member(item, "group");

	if (key == NULL || key->text == NULL)
		return false;
	return (key->kind == REEVE_NODE_NUMBER
			       ? key->number
			       : reeve__name_find(set, REEVE_DEFINITION_GROUP, key->text)) == group;
}

static const struct reeve_node *item_of(const struct reeve_node *list, const struct section *s,
	const struct reeve_definitions *set, const struct reeve_definition *row)
{
	bool by_name = strcmp(s->by, "name") == 0, by_group = strcmp(s->by, "group") == 0;
	uint32_t before = by_name ? rank_of(set, row) : 0;

	for (const struct reeve_node *n = list ? list->first : NULL; n; n = n->next) {
		const struct reeve_node *key = reeve_node_member(n, s->by);
		bool is_it = by_group  ? is_group(set, n, row->id)
			     : by_name ? key && key->text && strcmp(key->text, name_of(row)) == 0
				       : key && key->number == row->id;
		if (is_it && before-- == 0)
			return n;
	}
	return NULL;
}

static const struct reeve_node *directive_item(const struct reeve_node *plan,
	const struct reeve_definitions *set, const struct reeve_definition *row)
{
	const struct reeve_node *list = plan && row ? reeve_node_member(plan, "directives") : NULL;

	for (const struct reeve_node *n = list ? list->first : NULL; n; n = n->next)
		if (is_group(set, n, row->u.directive.group.v))
			return n;
	return list ? list : plan;
}

static const struct reeve_node *section_item(const struct reeve_tree *tree,
	const struct reeve_definitions *set, uint32_t kind, const struct reeve_definition *row)
{
	for (size_t k = 0; k < SECTIONS; k++) {
		const struct reeve_node *list = reeve_node_member(tree->root, sections[k].key);
		const struct reeve_node *item = NULL;
		if (sections[k].kind != kind)
			continue;
		if (row)
			item = item_of(list, &sections[k], set, row);
		return item ? item : list;
	}
	return NULL;
}

/* The member that a text is about: its first word is the key, or begins with it (planId: plan). */
static const struct reeve_node *member_said(const struct reeve_node *item, const char *text)
{
	const struct reeve_node *found = item;
	size_t word = strcspn(text, " :,"), longest = 0;

	if (!item || item->kind != REEVE_NODE_MAP)
		return item;
	for (const struct reeve_node *n = item->first; n; n = n->next) {
		size_t length = strlen(n->key);
		if (length > longest && length <= word && strncmp(text, n->key, length) == 0) {
			longest = length;
			found = n;
		}
	}
	return found;
}

const struct reeve_node *reeve_document_find(const struct reeve_tree *tree,
	const struct reeve_definitions *set, struct reeve_definition_place place, const char *text)
{
	const struct reeve_definition *row = reeve_definitions_find(set, place.kind, place.id);
	const struct reeve_node *item = NULL, *map = reeve_node_member(tree->root, "settings");

	if (place.kind == REEVE_DEFINITION_DEFAULT_GROUP)
		item = reeve_node_member(tree->root, "defaultGroup");
	else if (place.kind == REEVE_DEFINITION_CHOSEN_PLAN)
		item = reeve_node_member(tree->root, "activePlan");
	else if (place.kind == REEVE_DEFINITION_DIRECTIVE)
		item = directive_item(
			section_item(tree, set, REEVE_DEFINITION_PLAN,
				row ? reeve_definitions_find(
					      set, REEVE_DEFINITION_PLAN, row->u.directive.plan.v)
				    : NULL),
			set, row);
	else
		item = section_item(tree, set, place.kind, row);
	for (size_t k = 0; !item && map && k < SETTINGS; k++)
		if (settings[k].kind == place.kind)
			item = reeve_node_member(map, settings[k].key);
	return member_said(item, text);
}

/* ---- writing ---- */

static void write_plan(
	FILE *out, const struct reeve_definitions *set, const struct reeve_definition *plan)
{
	const char *comma = "";

	fputc('{', out);
	reeve__row_write_members(out, plan, set);
	fputs(",\"directives\":[", out);
	for (uint32_t i = 0; i < set->count; i++)
		if (is_directive_of(&set->rows[i], plan->id)) {
			fputs(comma, out);
			reeve_row_write(out, &set->rows[i], set);
			comma = ",";
		}
	fputs("]}", out);
}

static void write_section(FILE *out, const struct reeve_definitions *set, const struct section *s)
{
	const char *comma = "";

	fprintf(out, "\"%s\":[", s->key);
	for (uint32_t i = 0; i < set->count; i++) {
		if (set->rows[i].kind != s->kind)
			continue;
		fputs(comma, out);
		comma = ",";
		if (s->kind == REEVE_DEFINITION_PLAN)
			write_plan(out, set, &set->rows[i]);
		else
			reeve_row_write(out, &set->rows[i], set);
	}
	fputs("],", out);
}

void reeve_plan_write(FILE *out, const struct reeve_definitions *set)
{
	static const struct reeve_definition none = {.kind = REEVE_DEFINITION_CHOSEN_PLAN};
	const struct reeve_definition *row;
	uint64_t group;

	fputc('{', out);
	for (size_t k = 0; k < SECTIONS; k++)
		write_section(out, set, &sections[k]);
	row = reeve_definitions_find(set, REEVE_DEFINITION_DEFAULT_GROUP, 1);
	group = row ? row->u.default_group.group.v : 0;
	row = reeve_definitions_find(set, REEVE_DEFINITION_GROUP, group);
	fputs("\"defaultGroup\":", out);
	reeve_json_write_text(out, row ? row->u.group.name : "");
	fputs(",\"activePlan\":", out);
	row = reeve_definitions_find(set, REEVE_DEFINITION_CHOSEN_PLAN, 1);
	reeve_row_write(out, row ? row : &none, set);
	fputs(",\"settings\":{", out);
	for (size_t k = 0; k < SETTINGS; k++) {
		row = reeve_definitions_find(set, settings[k].kind, 1);
		fprintf(out, "%s\"%s\":", k ? "," : "", settings[k].key);
		if (row)
			reeve_row_write(out, row, set);
		else
			fputs("{}", out);
	}
	fputs("}}", out);
}
