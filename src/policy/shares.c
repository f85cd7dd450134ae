/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.c - see shares.h.
 *
 * Down the tree, each plan divides what its row has among its rows with demand: first by numbers
 * (part), then by water filling under the caps (got). Up the tree go demand, floors, and the most
 * that the caps below let a row use: so no row is given what its children may not take.
 */
#include "shares.h"

/*
 * Shares are worked out in parts per 10^12, so that rounding down over 65,536 groups loses less
 * than one part per million.
 */
#define WHOLE ((uint64_t)1000000000000u)
#define SCALE (WHOLE / REEVE_PPM)

/* The rows of one plan, and how it divides. */
struct plan {
	struct reeve_sh_share *s;
	uint32_t n;
	bool by_level;
};

/* What a level has to give, and the number that stands for all of it. */
struct level {
	uint64_t sum, available, base;
	uint32_t count;
};

static uint32_t level_of(const struct plan *p, const struct reeve_sh_share *s)
{
	return p->by_level ? s->level % REEVE_SHARE_LEVELS : 0;
}

/* Levels from the first down; each leaves to the next what its numbers do not claim. */
static void plan_levels(const struct plan *p, uint64_t whole, struct level *levels)
{
	uint64_t left = whole;

	for (uint32_t i = 0; i < p->n; i++) {
		struct level *l = &levels[level_of(p, &p->s[i])];
		if (!p->s[i].has_demand)
			continue;
		l->sum += p->s[i].number;
		l->count++;
	}
	for (uint32_t k = 0; k < REEVE_SHARE_LEVELS && left; k++) {
		struct level *l = &levels[k];
		bool named = p->by_level && k != REEVE_SHARE_LEVEL_OTHER;
		/* 0 % of a level is the floor, but who no plan names shares what is left. */
		if (l->count == 0 || (named && l->sum == 0))
			continue;
		/* A level's percentages are of what is left; ratios and overfull levels add up. */
		l->base = named && l->sum < 100 ? 100 : l->sum;
		l->available = left;
		left -= l->base ? reeve__muldiv(left, l->sum, l->base) : left;
	}
}

/* Gives each row with demand number/base of its level; equal parts when no row has a number. */
static uint64_t give_parts(const struct plan *p, const struct level *levels)
{
	uint64_t given = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		struct reeve_sh_share *s = &p->s[i];
		const struct level *l = &levels[level_of(p, s)];
		s->part = 0;
		if (!s->has_demand || !l->available)
			continue;
		s->part = l->base ? reeve__muldiv(l->available, s->number, l->base)
				  : l->available / l->count;
		given += s->part;
	}
	return given;
}

/* Scales all parts so that they add up to the whole; what no number claims goes to everyone. */
static void fill_whole(const struct plan *p, uint64_t whole, uint64_t given, uint32_t count)
{
	if (given + p->n >= whole && given <= whole)
		return; /* but for what rounding down has lost */
	for (uint32_t i = 0; i < p->n; i++)
		if (p->s[i].has_demand)
			p->s[i].part =
				given ? reeve__muldiv(p->s[i].part, whole, given) : whole / count;
}

/* Raises parts below the floor to it, at the cost of the others in proportion. */
static void raise_floor(const struct plan *p, uint64_t whole)
{
	uint64_t floors = 0, high = 0;
	bool any = false;

	for (uint32_t i = 0; i < p->n; i++) {
		const struct reeve_sh_share *s = &p->s[i];
		if (!s->has_demand)
			continue;
		floors += s->bound;
		if (s->part > s->bound)
			high += s->part - s->bound;
		else
			any = true;
	}
	if (!any)
		return;
	for (uint32_t i = 0; i < p->n; i++) {
		struct reeve_sh_share *s = &p->s[i];
		if (!s->has_demand)
			continue;
		if (s->part <= s->bound || whole <= floors)
			s->part = s->bound;
		else
			s->part =
				s->bound + reeve__muldiv(s->part - s->bound, whole - floors, high);
	}
}

static void divide(struct plan p, uint64_t whole)
{
	struct level levels[REEVE_SHARE_LEVELS] = {{0}};
	uint32_t count = 0;

	plan_levels(&p, whole, levels);
	for (uint32_t k = 0; k < REEVE_SHARE_LEVELS; k++)
		count += levels[k].count;
	if (count == 0)
		return;
	fill_whole(&p, whole, give_parts(&p, levels), count);
	raise_floor(&p, whole);
}

/* Part of `left` that an open row gets when the open rows' parts add up to `open`. */
static uint64_t part_of(const struct reeve_sh_share *s, uint64_t left, uint64_t open)
{
	return left == open ? s->part : reeve__muldiv(s->part, left, open);
}

/* Fixes the rows whose part would be over their bound; whether there were any. */
static bool fix_bound(const struct plan *p, uint64_t left, uint64_t open)
{
	bool more = false;

	for (uint32_t i = 0; i < p->n; i++) {
		struct reeve_sh_share *s = &p->s[i];
		if (!s->has_demand || s->fixed || s->bound >= left)
			continue;
		if (part_of(s, left, open) > s->bound) {
			s->got = s->bound;
			s->fixed = 1;
			more = true;
		}
	}
	return more;
}

/*
 * Water filling: what a cap cuts off goes to the uncapped in proportion to their parts; repeat
 * until no cap binds anew. Each round fixes at least one row.
 */
static void fill(struct plan p, uint64_t amount)
{
	uint64_t open = 0, left = amount;

	for (uint32_t i = 0; i < p.n; i++)
		p.s[i].got = p.s[i].fixed = 0;
	for (uint32_t round = 0; round <= p.n; round++) {
		open = 0;
		left = amount;
		for (uint32_t i = 0; i < p.n; i++) {
			if (!p.s[i].has_demand)
				continue;
			if (p.s[i].fixed)
				left -= p.s[i].got < left ? p.s[i].got : left;
			else
				open += p.s[i].part;
		}
		if (!open || !fix_bound(&p, left, open))
			break;
	}
	for (uint32_t i = 0; i < p.n; i++)
		if (p.s[i].has_demand && !p.s[i].fixed && open) {
			uint64_t part = part_of(&p.s[i], left, open);
			p.s[i].got = part < p.s[i].bound ? part : p.s[i].bound;
		}
}

static struct plan children(struct reeve_sh_share *s, uint32_t k)
{
	return (struct plan){&s[s[k].first], s[k].count, s[k].by_level != 0};
}

/* Demand goes up; returns how many leaves have it. */
static uint32_t raise_demand(struct reeve_sh_share *s, uint32_t n)
{
	uint32_t leaves = 0;

	for (uint32_t k = n; k-- > 0;) {
		if (!s[k].count) {
			leaves += s[k].has_demand != 0;
			continue;
		}
		s[k].has_demand = 0;
		for (uint32_t i = 0; i < s[k].count; i++)
			s[k].has_demand |= s[s[k].first + i].has_demand;
	}
	return leaves;
}

/* Each leaf's floor, and the sum of those below for the others. */
static void raise_floors(struct reeve_sh_share *s, uint32_t n, uint32_t leaves)
{
	uint64_t floor = REEVE_SHARE_FLOOR_PPM * SCALE;

	if (leaves && floor > WHOLE / (2 * (uint64_t)leaves))
		floor = WHOLE /
			(2 * (uint64_t)leaves); /* so many that floors would fill the whole */
	for (uint32_t k = n; k-- > 0;) {
		s[k].bound = s[k].count ? 0 : floor;
		for (uint32_t i = 0; i < s[k].count; i++)
			if (s[s[k].first + i].has_demand)
				s[k].bound += s[s[k].first + i].bound;
	}
}

/* Each row's cap, or less when the caps below it add up to less. */
static void raise_bounds(struct reeve_sh_share *s, uint32_t n)
{
	for (uint32_t k = n; k-- > 0;) {
		uint64_t below = 0;
		s[k].bound = s[k].cap_ppm * SCALE;
		for (uint32_t i = 0; i < s[k].count; i++)
			if (s[s[k].first + i].has_demand)
				below += s[s[k].first + i].bound;
		if (s[k].count && below < s[k].bound)
			s[k].bound = below;
	}
}

/* What rows below a capped one may use: its cap, divided among those of them that want CPU. */
static void lower_limits(struct reeve_sh_share *s, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		struct plan p = children(s, k);
		if (s[k].limit_ppm >= REEVE_PPM || !p.n)
			continue;
		fill(p, s[k].limit_ppm * SCALE);
		for (uint32_t i = 0; i < p.n; i++) {
			uint64_t limit = p.s[i].has_demand ? p.s[i].got / SCALE : s[k].limit_ppm;
			if (limit < p.s[i].limit_ppm)
				p.s[i].limit_ppm = limit ? (uint32_t)limit : 1;
		}
	}
}

void reeve__shares_solve_tree(struct reeve_sh_share *s, uint32_t n, uint32_t top, bool by_level)
{
	struct plan whole = {s, top, by_level};

	raise_floors(s, n, raise_demand(s, n));
	divide(whole, WHOLE);
	for (uint32_t k = 0; k < n; k++)
		if (s[k].count && s[k].has_demand)
			divide(children(s, k), s[k].part);
	raise_bounds(s, n);
	fill(whole, WHOLE);
	for (uint32_t k = 0; k < n; k++)
		if (s[k].count && s[k].has_demand)
			fill(children(s, k), s[k].got);
	for (uint32_t k = 0; k < n; k++) {
		s[k].weight_ppm = s[k].has_demand ? (uint32_t)(s[k].part / SCALE) : 0;
		s[k].share_ppm = s[k].has_demand ? (uint32_t)(s[k].got / SCALE) : 0;
		s[k].limit_ppm = s[k].cap_ppm;
	}
	if (top < n)
		lower_limits(s, n);
}

void reeve__shares_weigh(struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	struct plan whole = {s, n, by_level};

	raise_floors(s, n, raise_demand(s, n));
	divide(whole, WHOLE);
	for (uint32_t i = 0; i < n; i++)
		s[i].weight_ppm = s[i].has_demand ? (uint32_t)(s[i].part / SCALE) : 0;
}

void reeve__shares_solve(struct reeve_sh_share *s, uint32_t n, bool by_level)
{
	reeve__shares_solve_tree(s, n, n, by_level);
}
