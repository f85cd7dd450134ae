/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu_tree.c - the CPU domain under a tree of plans: weights and limits for those who want CPU now.
 *
 * What the groups of a sub-plan leave goes to the others of the same sub-plan, and a cap on a
 * divided row goes to those of its groups that run: so both are solved anew for who has demand.
 */
#include "cpu.h"

#include "../policy/shares.h"

/* The tree of the ruling for the solver; 0 when what is there can be no tree. */
static uint32_t read_tree(struct reeve__cpu_pass *x, const struct reeve__ruling_view *view,
	struct reeve_sh_share *rows, uint32_t top)
{
	const struct reeve_sh_header *h = x->r->header;
	const struct reeve_sh_ruling_node *nodes = reeve__ruling_nodes(x->r, view);
	uint32_t n = reeve__get(&view->head->nodes);

	if (n < top || n > reeve__tree_capacity(h->groups.capacity, h->directives.capacity))
		return 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t group = reeve__get(&nodes[k].group);
		rows[k] = (struct reeve_sh_share){
			.number = reeve__get(&nodes[k].number),
			.level = reeve__get(&nodes[k].level),
			.cap_ppm = reeve__get(&nodes[k].cap_ppm),
			.by_level = reeve__get(&nodes[k].by_level),
			.first = reeve__get(&nodes[k].first),
			.count = reeve__get(&nodes[k].count),
			.tag = group,
			.has_demand = group < top && reeve__cpu_wants(x, group),
		};
		if (rows[k].count && (rows[k].first <= k || rows[k].count > n - rows[k].first ||
					     rows[k].first > n))
			return 0;
	}
	return n;
}

/* Weights and limits of the groups in a tree: the sums over their places. */
static void follow_tree(
	struct reeve__cpu_pass *x, struct reeve_sh_share *rows, uint32_t n, uint32_t top)
{
	/* scratch of the solver: got sums the weights, bound the limits, fixed says there is one */
	for (uint32_t i = 0; i < top; i++)
		rows[i].got = rows[i].bound = rows[i].fixed = 0;
	for (uint32_t k = 0; k < n; k++) {
		struct reeve_sh_share *sum = &rows[rows[k].tag < top ? rows[k].tag : 0];
		if (rows[k].tag >= top || rows[k].count)
			continue;
		sum->got += rows[k].weight_ppm;
		sum->bound += rows[k].limit_ppm;
		sum->fixed = 1;
	}
	for (uint32_t i = 0; i < top; i++) {
		struct reeve_sh_group *g = &x->r->groups[i];
		if (rows[i].got)
			reeve__put(&g->cpu.weight_ppm,
				rows[i].got < REEVE_PPM ? (uint32_t)rows[i].got : REEVE_PPM);
		if (rows[i].fixed)
			reeve__cpu_set_cap(x, g,
				rows[i].bound < REEVE_PPM ? (uint32_t)rows[i].bound : REEVE_PPM);
	}
}

void reeve__cpu_solve_tree(struct reeve__cpu_pass *x, const struct reeve__ruling_view *view)
{
	struct reeve__shares s = reeve__shares_scratch(x->r, 1);
	uint32_t top = reeve__get(&view->head->groups), n;

	if (top > s.n)
		return;
	n = read_tree(x, view, s.rows, top);
	if (!reeve__ruling_holds(view) || n == 0)
		return; /* the next pass follows the newer one */
	reeve__shares_solve_tree(s.rows, n, top, reeve__get(&view->head->by_level));
	follow_tree(x, s.rows, n, top);
}
