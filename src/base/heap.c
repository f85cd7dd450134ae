/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - see heap.h. */
#include "heap.h"

struct reeve_sh_node *reeve__heap_node(struct reeve__heap *heap, uint32_t i)
{
	if (i < heap->capacity)
		return (struct reeve_sh_node *)(void *)(heap->base + heap->stride * i);
	if (i != REEVE_NONE)
		heap->fault = true;
	return NULL;
}

static bool node_before(const struct reeve_sh_node *a, const struct reeve_sh_node *b)
{
	return a->key != b->key ? reeve__before(a->key, b->key) : a->tie < b->tie;
}

/*
 * Sets the rank of a node whose right child has rank `right`, after putting the child of higher rank
 * left; true when the node's rank changed.
 */
static bool fix_rank(struct reeve_sh_node *node, uint16_t right)
{
	uint16_t left = node->left_rank, rank = (uint16_t)((left < right ? left : right) + 1);

	if (left < right) {
		uint32_t child = node->left;
		node->left = node->right;
		node->right = child;
		node->left_rank = right;
	}
	if (node->rank == rank)
		return false;
	node->rank = rank;
	return true;
}

/*
 * Melts two heaps into one and returns its root. Down: follow the right spines, always going on
 * with the smaller root; up: mend ranks along the way. A spine has at most log2(n) nodes, which is
 * also what bounds the loop when links are damaged.
 */
static uint32_t meld(struct reeve__heap *heap, uint32_t a, uint32_t b)
{
	uint32_t spine[64];
	uint32_t depth = 0, top;

	while (a != REEVE_NONE && b != REEVE_NONE && depth < REEVE_COUNT(spine)) {
		struct reeve_sh_node *na = reeve__heap_node(heap, a);
		struct reeve_sh_node *nb = reeve__heap_node(heap, b);
		if (!na || !nb)
			break;
		if (node_before(nb, na)) {
			uint32_t i = a;
			a = b;
			b = i;
			na = nb;
		}
		spine[depth++] = a;
		a = na->right;
	}
	top = a == REEVE_NONE ? b : a;
	while (depth-- > 0) {
		struct reeve_sh_node *node = reeve__heap_node(heap, spine[depth]);
		struct reeve_sh_node *child = reeve__heap_node(heap, top);
		node->right = top;
		if (child)
			child->parent = spine[depth];
		fix_rank(node, child ? child->rank : 0);
		top = spine[depth];
	}
	return top;
}

void reeve__heap_insert(
	struct reeve__heap *heap, uint32_t *root, uint32_t i, uint64_t key, uint64_t tie)
{
	struct reeve_sh_node *node = reeve__heap_node(heap, i);

	if (!node)
		return;
	*node = (struct reeve_sh_node){REEVE_NONE, REEVE_NONE, REEVE_NONE, 1, 0, key, tie};
	*root = meld(heap, *root, i);
	node = reeve__heap_node(heap, *root);
	if (node)
		node->parent = REEVE_NONE;
}

void reeve__heap_remove(struct reeve__heap *heap, uint32_t *root, uint32_t i)
{
	struct reeve_sh_node *node = reeve__heap_node(heap, i);
	struct reeve_sh_node *up, *rest;
	uint32_t child, parent;

	if (!node || node->rank == 0)
		return;
	parent = node->parent;
	child = meld(heap, node->left, node->right);
	rest = reeve__heap_node(heap, child);
	if (rest)
		rest->parent = parent;
	up = reeve__heap_node(heap, parent);
	if (!up)
		*root = child;
	else if (up->left == i)
		up->left = child;
	else
		up->right = child;
	*node = (struct reeve_sh_node){REEVE_NONE, REEVE_NONE, REEVE_NONE, 0, 0, 0, 0};
	/* Ranks that changed grow by one a step on the way up, so this ends after log2(n). */
	for (int step = 0; up && step < 64; step++) {
		uint16_t below = rest ? rest->rank : 0;
		uint16_t right = up->left == child ? (uint16_t)(up->rank - 1) : below;
		if (up->left == child)
			up->left_rank = below;
		child = parent;
		parent = up->parent;
		rest = up;
		if (!fix_rank(up, right))
			return;
		up = reeve__heap_node(heap, parent);
	}
}

/* Whether what a node has as child (which may be none) has it as parent. */
static bool is_mutual(struct reeve__heap *heap, uint32_t child, uint32_t parent)
{
	struct reeve_sh_node *node = reeve__heap_node(heap, child);

	return child == REEVE_NONE || (node && node->parent == parent);
}

static uint32_t rank_of(struct reeve__heap *heap, uint32_t i)
{
	struct reeve_sh_node *node = reeve__heap_node(heap, i);

	return node ? node->rank : 0;
}

uint32_t reeve__heap_check(struct reeve__heap *heap, uint32_t root)
{
	uint32_t count = 0, i = root, from = REEVE_NONE;

	/* A walk by parent links, so that depth costs no stack. Each node is come to at most 3 times. */
	for (uint64_t step = 0; i != REEVE_NONE; step++) {
		struct reeve_sh_node *node = reeve__heap_node(heap, i);
		struct reeve_sh_node *up = node ? reeve__heap_node(heap, node->parent) : NULL;
		if (!node || step > (uint64_t)heap->capacity * 3)
			return UINT32_MAX;
		if (from == node->parent) { /* first visit, coming down */
			uint32_t left = rank_of(heap, node->left);
			uint32_t right = rank_of(heap, node->right);
			if (++count > heap->capacity || left < right || node->rank != right + 1 ||
				node->left_rank != left || (up && node_before(node, up)) ||
				(i == root && up) || !is_mutual(heap, node->left, i) ||
				!is_mutual(heap, node->right, i))
				return UINT32_MAX;
			from = i;
			if (node->left != REEVE_NONE)
				i = node->left;
			else
				i = node->parent; /* no left child: no right one either */
		} else if (from == node->left && node->right != REEVE_NONE) {
			from = i;
			i = node->right;
		} else if (from == node->left || from == node->right) {
			from = i;
			i = node->parent;
		} else {
			return UINT32_MAX;
		}
	}
	return heap->fault ? UINT32_MAX : count;
}
