/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - a priority queue of table slots, linked by index, for memory that several processes map
 * at different addresses.
 *
 * A leftist heap (Crane 1972; Knuth, TAOCP 3, 5.2.3, with parent links for removal from the
 * middle): every node's rank is the length of its right spine, and a left child's rank is never
 * below the right one's. Insert, pop and remove follow right spines only and so take O(log n),
 * worst case. Order: smaller key first, as points of a wrapping clock; then smaller tie.
 *
 * Not safe for concurrent use: a lock of the caller's excludes. If the process dies in the middle
 * the links are garbage; they are derived state, to be cleared and inserted again by recovery.
 */
#ifndef REEVE_HEAP_H
#define REEVE_HEAP_H

#include "base.h"

/*
 * Lies inside a slot. `rank` 0 means: in no heap. The right child's rank is rank - 1; the left one's is
 * kept here, so that mending ranks touches no other node.
 */
struct reeve_sh_node {
	uint32_t parent;
	uint32_t left;
	uint32_t right;
	uint16_t rank;
	uint16_t left_rank;
	uint64_t key;
	uint64_t tie;
};

/*
 * Where the nodes are: slot i's node is at base + i * stride. `fault` is set when an index read
 * from the memory is out of range; the operation then leaves a smaller heap behind, touches
 * nothing outside, and the caller must stop trusting the segment.
 */
struct reeve__heap {
	char *base;
	size_t stride;
	uint32_t capacity;
	bool fault;
};

static inline bool reeve__heap_has(const struct reeve_sh_node *node)
{
	return node->rank != 0;
}

/* Node of slot i; NULL for REEVE_NONE, and for an index out of range (sets fault). */
struct reeve_sh_node *reeve__heap_node(struct reeve__heap *heap, uint32_t i);

/* Adds slot i with its key. It must be in no heap of these nodes. */
void reeve__heap_insert(
	struct reeve__heap *heap, uint32_t *root, uint32_t i, uint64_t key, uint64_t tie);

/* Takes slot i out. It must be in the heap whose root this is. */
void reeve__heap_remove(struct reeve__heap *heap, uint32_t *root, uint32_t i);

/*
 * Walks the heap below `root` and checks links, ranks and order. Returns the number of nodes, or
 * UINT32_MAX when something is wrong. For validate and tests; O(n), depth O(n).
 */
uint32_t reeve__heap_check(struct reeve__heap *heap, uint32_t root);

#endif
