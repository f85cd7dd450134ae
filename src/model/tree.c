/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - see tree.h. */
#include "tree.h"

#include <stdio.h>

uint32_t reeve__sub_plan_of(const struct reeve *r, const struct reeve_sh_directive *d)
{
	if (!(d->given & REEVE_DIRECTIVE_SUB_PLAN))
		return REEVE_NONE;
	return reeve__table_find(r, &r->header->plans, d->sub_plan);
}

/* ---- walking ---- */

enum { UNSEEN = 0, OPEN = 1, DONE = 2 };

/* Writes the circle that ends from `last` to `first` again; a long one is shortened in the middle. */
static void write_path(const struct reeve *r, uint32_t first, uint32_t last, char *to, size_t size)
{
	uint32_t slots[8], n = 0, length = 0;
	size_t at = 0;

	for (uint32_t p = last; p != first && p < r->header->plans.capacity; p = r->plans[p].via) {
		if (n < REEVE_COUNT(slots))
			slots[n++] = p;
		if (length++ > r->header->plans.capacity)
			break;
	}
	at += (size_t)snprintf(to, size, "%llu > %s", (unsigned long long)r->plans[first].head.id,
		length > n ? "... > " : "");
	while (n-- > 0 && at < size)
		at += (size_t)snprintf(to + at, size - at, "%llu > ",
			(unsigned long long)r->plans[slots[n]].head.id);
	if (at < size)
		snprintf(to + at, size - at, "%llu", (unsigned long long)r->plans[first].head.id);
}

static void open_plan(struct reeve *r, const struct reeve__tree_visitor *v, uint32_t plan,
	uint32_t via, uint32_t by)
{
	struct reeve_sh_plan *p = &r->plans[plan];

	p->mark = OPEN;
	p->via = via;
	p->cursor = p->first_directive;
	if (v->enter)
		v->enter(v->arg, plan, by);
}

/* The next directive of an open plan with a sub-plan; REEVE_NONE: no more. */
static uint32_t next_edge(struct reeve *r, struct reeve_sh_plan *p, uint32_t *ret_sub)
{
	uint32_t left = r->header->directives.capacity;

	while (p->cursor < r->header->directives.capacity && left-- > 0) {
		uint32_t i = p->cursor;
		p->cursor = r->directives[i].next_of_plan;
		*ret_sub = reeve__sub_plan_of(r, &r->directives[i]);
		if (*ret_sub != REEVE_NONE)
			return i;
	}
	return REEVE_NONE;
}

void reeve__tree_walk(struct reeve *r, uint32_t top, const struct reeve__tree_visitor *v)
{
	uint32_t at = top, sub = REEVE_NONE, plans = r->header->plans.capacity;
	char path[96];

	reeve__lock_assert(&r->header->catalog);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->plans); i++)
		r->plans[i].mark = UNSEEN;
	open_plan(r, v, top, REEVE_NONE, REEVE_NONE);
	while (at < plans) {
		struct reeve_sh_plan *p = &r->plans[at];
		uint32_t by = next_edge(r, p, &sub);
		if (by == REEVE_NONE) {
			p->mark = DONE;
			at = p->via;
		} else if (r->plans[sub].mark == UNSEEN) {
			open_plan(r, v, sub, at, by);
			at = sub;
		} else if (r->plans[sub].mark == OPEN && v->cycle) {
			write_path(r, sub, at, path, sizeof(path));
			v->cycle(v->arg, by, path);
		}
	}
}

static const struct reeve__tree_visitor nothing = {NULL, NULL, NULL};

bool reeve__tree_in_force(struct reeve *r, uint32_t plan)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint32_t top = reeve__table_find(r, &r->header->plans, reeve__get(&now.head->plan_id));

	if (top == REEVE_NONE || top == plan)
		return top == plan;
	if (!reeve__get(&now.head->nodes))
		return false;
	reeve__tree_walk(r, top, &nothing);
	return r->plans[plan].mark != UNSEEN;
}

bool reeve__tree_would_cycle(struct reeve *r, uint32_t plan, uint32_t sub, char *ret_path)
{
	uint32_t last = plan;

	reeve__tree_walk(r, sub, &nothing);
	if (r->plans[plan].mark == UNSEEN)
		return false;
	/* `via` leads from the plan up to `sub`: the new edge closes the circle */
	write_path(r, sub, last, ret_path, 96);
	return true;
}

/* ---- laying out ---- */

/* One row for a group that the plan does not name: one of the others. */
static void unnamed_group(const struct reeve_sh_group *g, uint32_t slot, struct reeve_sh_share *row)
{
	*row = (struct reeve_sh_share){
		.number = g->cpu_allocation_pct,
		.level = REEVE_SHARE_LEVEL_OTHER,
		.cap_ppm = REEVE_PPM,
		.has_demand = reeve__get(&g->head.state) == REEVE_SLOT_LIVE,
		.owner = REEVE_NONE,
		.tag = slot,
	};
}

/* Ratios are solved in thousandths, so that the others' small parts have a number too. */
static uint32_t scale_of(uint32_t method)
{
	return method == REEVE_METHOD_EMPHASIS ? 1 : REEVE__NUMBER_SCALE;
}

/* What a directive says. Numbers of another method than the plan's are not used. */
static void apply_directive(const struct reeve_sh_directive *d, uint32_t slot, uint32_t method,
	struct reeve_sh_share *row)
{
	if (method == REEVE_METHOD_SHARES && (d->given & REEVE_DIRECTIVE_CPU_SHARES)) {
		row->number = (uint64_t)d->cpu_shares * REEVE__NUMBER_SCALE;
		row->level = 1;
	}
	if (method != REEVE_METHOD_SHARES && (d->given & REEVE_DIRECTIVE_CPU_PCT)) {
		row->number = (uint64_t)d->cpu_pct * scale_of(method);
		row->level = d->cpu_level;
	}
	if (d->given & REEVE_DIRECTIVE_CPU_CAP)
		row->cap_ppm = d->cpu_cap_pct * (REEVE_PPM / 100);
	row->label = slot + 1;
}

/* An explicit registration speaks on the scale of shares: ten are a percent. */
static void apply_registration(
	const struct reeve_sh_group *g, uint32_t method, struct reeve_sh_share *row)
{
	uint64_t shares = g->cpu.registered_shares;

	if (method != REEVE_METHOD_SHARES)
		shares = (shares + 9) / 10;
	if (method == REEVE_METHOD_EMPHASIS && shares > 100)
		shares = 100;
	row->number = shares * scale_of(method);
	row->level = 1;
	row->cap_ppm = g->cpu.registered_cap_ppm;
}

/*
 * The others get what those that the plan names leave. While these want all, the others have one
 * part in a hundred together, by their cpu_allocation_pct. (In EMPHASIS the level sees to it.)
 * Returns the sum of the numbers that the plan names.
 */
static uint64_t place_others(struct reeve_sh_share *rows, uint32_t n, uint32_t method)
{
	uint64_t named = 0;

	for (uint32_t i = 0; i < n; i++)
		if (rows[i].has_demand && rows[i].level != REEVE_SHARE_LEVEL_OTHER)
			named += rows[i].number;
	for (uint32_t i = 0; i < n && named && method != REEVE_METHOD_EMPHASIS; i++)
		if (rows[i].level == REEVE_SHARE_LEVEL_OTHER)
			rows[i].number = reeve__muldiv(rows[i].number, named, 9900);
	return named;
}

/*
 * SYS_GROUP that a plan does not name holds system work all the same: it weighs as much as all
 * others together, and comes before every level. It is rarely there, so the others' entitlements
 * are told without it.
 */
static void set_system_aside(struct reeve__tree *t, uint32_t sys)
{
	t->sys = REEVE_NONE;
	if (sys >= t->top || t->rows[sys].level != REEVE_SHARE_LEVEL_OTHER || t->rows[sys].label ||
		t->rows[sys].tag == REEVE_NONE)
		return;
	t->rows[sys].level = REEVE_SHARE_LEVEL_SYSTEM;
	t->rows[sys].number = 50;
	t->rows[sys].has_demand = 0;
	t->sys = sys;
}

static void lay_out_top(struct reeve *r, struct reeve__tree *t, uint32_t plan_slot)
{
	for (uint32_t i = 0; i < t->top; i++)
		unnamed_group(&r->groups[i], i, &t->rows[i]);
	REEVE__EACH_DIRECTIVE(r, plan_slot, i)
	if (r->directives[i].group < t->top)
		apply_directive(&r->directives[i], i, r->plans[plan_slot].cpu_method,
			&t->rows[r->directives[i].group]);
}

/* Whether row k, or a row above it, is of plan `sub`, which is to divide it. */
static bool is_below(const struct reeve *r, const struct reeve__tree *t, uint32_t k, uint32_t sub)
{
	for (; k < t->n; k = t->rows[k].owner)
		if (t->rows[k].label && r->directives[t->rows[k].label - 1].plan == sub)
			return true;
	return false;
}

/* A new row for a group, the child of row k. It is no longer one of the top plan's others. */
static struct reeve_sh_share *add_child(
	struct reeve *r, struct reeve__tree *t, uint32_t k, uint32_t group)
{
	struct reeve_sh_share *row = &t->rows[t->n++], *top = &t->rows[group];

	unnamed_group(&r->groups[group], group, row);
	row->owner = k;
	t->rows[k].count++;
	if (!top->label) {
		top->has_demand = 0;
		top->tag = REEVE_NONE;
	}
	return row;
}

/* Divides row k by its directive's sub-plan, if it has one. */
static void divide_row(struct reeve *r, struct reeve__tree *t, uint32_t k, uint32_t room)
{
	struct reeve_sh_share *row = &t->rows[k];
	uint32_t sub =
		row->label ? reeve__sub_plan_of(r, &r->directives[row->label - 1]) : REEVE_NONE;
	uint32_t group = row->tag, wanted = 1;
	const struct reeve_sh_plan *plan;
	bool named = false;

	if (sub == REEVE_NONE || is_below(r, t, k, sub))
		return;
	REEVE__EACH_DIRECTIVE(r, sub, i) wanted++;
	if (wanted > room - t->n) {
		t->is_cut = true;
		return;
	}
	plan = &r->plans[sub];
	row->first = t->n;
	row->by_level = plan->cpu_method == REEVE_METHOD_EMPHASIS;
	REEVE__EACH_DIRECTIVE(r, sub, i)
	{
		uint32_t g = r->directives[i].group;
		if (g >= t->top)
			continue;
		apply_directive(&r->directives[i], i, plan->cpu_method, add_child(r, t, k, g));
		named = named || g == group;
	}
	if (!named)
		add_child(r, t, k, group);
	if (plan->max_utilization_pct &&
		plan->max_utilization_pct * (REEVE_PPM / 100) < row->cap_ppm)
		row->cap_ppm = plan->max_utilization_pct * (REEVE_PPM / 100);
	place_others(&t->rows[row->first], row->count, plan->cpu_method);
}

/* Registrations are of a group's place on top, or of its first below. */
static void apply_registrations(
	struct reeve *r, struct reeve__tree *t, uint32_t plan_slot, uint64_t activation)
{
	for (uint32_t i = 0; i < t->top; i++) {
		uint32_t k = i, method = r->plans[plan_slot].cpu_method;
		if (r->groups[i].cpu.registered != activation + 1)
			continue;
		if (t->rows[i].tag == REEVE_NONE) {
			for (k = t->top; k < t->n && (t->rows[k].tag != i || t->rows[k].count);)
				k++;
			if (k == t->n || !t->rows[k].label)
				continue;
			method = r->plans[r->directives[t->rows[k].label - 1].plan].cpu_method;
		}
		apply_registration(&r->groups[i], method, &t->rows[k]);
	}
}

struct reeve__tree reeve__tree_solve(struct reeve *r, uint32_t plan_slot, uint64_t activation)
{
	struct reeve_sh_header *h = r->header;
	uint32_t method = r->plans[plan_slot].cpu_method;
	struct reeve__shares s = reeve__shares_scratch(r, 0);
	/* Not more while there are fewer groups: what fits today fits when there are more. */
	uint32_t room = (uint32_t)reeve__tree_capacity(s.n, h->directives.capacity);
	struct reeve__tree t = {
		s.rows, s.n, s.n, REEVE_NONE, method == REEVE_METHOD_EMPHASIS, false};
	uint64_t named;

	lay_out_top(r, &t, plan_slot);
	for (uint32_t k = 0; k < t.n; k++)
		divide_row(r, &t, k, room);
	if (activation != UINT64_MAX)
		apply_registrations(r, &t, plan_slot, activation);
	set_system_aside(&t, reeve__table_find(r, &h->groups, REEVE_SYS_GROUP));
	named = place_others(t.rows, t.top, method);
	/* In a tree, weights are solved for who has demand, so its number must say it. */
	if (t.sys != REEVE_NONE && t.n > t.top && !t.by_level)
		t.rows[t.sys].number = named ? named : 1;
	reeve__shares_solve_tree(t.rows, t.n, t.top, t.by_level);
	if (t.sys != REEVE_NONE)
		t.rows[t.sys].weight_ppm = REEVE_PPM;
	return t;
}

uint32_t reeve__tree_path(const struct reeve *r, const struct reeve__tree *t, uint32_t k,
	uint32_t plan_slot, reeve_plan_id *ret, uint32_t capacity)
{
	uint32_t depth = 1;

	for (uint32_t at = t->rows[k].owner; at < t->n; at = t->rows[at].owner)
		depth++;
	for (uint32_t at = t->rows[k].owner, d = depth; at < t->n; at = t->rows[at].owner) {
		uint64_t label = t->rows[at].label;
		if (--d < capacity)
			ret[d].v = label ? r->directives[label - 1].sub_plan : 0;
	}
	if (capacity)
		ret[0].v = r->plans[plan_slot].head.id;
	return depth;
}

struct reeve__shares reeve__shares_scratch(const struct reeve *r, uint32_t which)
{
	struct reeve_sh_header *h = r->header;
	size_t each = reeve__tree_capacity(h->groups.capacity, h->directives.capacity) *
		      sizeof(struct reeve_sh_share);

	return (struct reeve__shares){
		(struct reeve_sh_share *)(void *)(r->base + h->scratch + which * each),
		reeve__table_used(&h->groups)};
}
