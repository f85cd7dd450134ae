/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of base/heap: order, ties, removal from the middle, the wrap, damage. */
#include "core.h"

#include "../../src/base/heap.h"

#define N 256u

struct slot {
	uint64_t payload[3];
	struct reeve_sh_node node;
};

struct bed {
	struct slot slots[N];
	struct reeve__heap heap;
	uint32_t root;
};

static void bed_init(struct bed *b)
{
	*b = (struct bed){.root = REEVE_NONE};
	b->heap = (struct reeve__heap){(char *)&b->slots[0].node, sizeof(struct slot), N, false};
}

static uint32_t pop(struct bed *b)
{
	uint32_t top = b->root;

	reeve__heap_remove(&b->heap, &b->root, top);
	return top;
}

static void smaller_key_comes_first(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	for (uint32_t i = 0; i < N; i++)
		reeve__heap_insert(&b.heap, &b.root, i, (i * 167) % N, i);
	assert_int_equal(reeve__heap_check(&b.heap, b.root), N);
	for (uint32_t want = 0; want < N; want++)
		assert_int_equal(b.slots[b.root].node.key, want), pop(&b);
	assert_int_equal(b.root, REEVE_NONE);
	assert_int_equal(reeve__heap_check(&b.heap, b.root), 0);
}

/* CPU, line 6: equal virtual runtimes were served newest first. */
static void cpu_06_equal_keys_come_in_order_of_arrival(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	for (uint32_t i = 0; i < N; i++)
		reeve__heap_insert(&b.heap, &b.root, (i * 77) % N, 5, i);
	for (uint32_t want = 0; want < N; want++)
		assert_int_equal(pop(&b), (want * 77) % N);
}

static void keys_are_points_of_a_wrapping_clock(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	for (uint32_t i = 0; i < 10; i++)
		reeve__heap_insert(&b.heap, &b.root, i, UINT64_MAX - 4 + i, i);
	assert_int_equal(reeve__heap_check(&b.heap, b.root), 10);
	for (uint32_t want = 0; want < 10; want++)
		assert_int_equal(pop(&b), want);
}

static void any_node_can_be_removed(void **state)
{
	(void)state;
	struct bed b;

	for (uint32_t gone = 0; gone < 40; gone++) {
		bed_init(&b);
		for (uint32_t i = 0; i < 40; i++)
			reeve__heap_insert(&b.heap, &b.root, i, (i * 17) % 40, 0);
		reeve__heap_remove(&b.heap, &b.root, gone);
		assert_false(reeve__heap_has(&b.slots[gone].node));
		assert_int_equal(reeve__heap_check(&b.heap, b.root), 39);
		for (uint32_t want = 0; want < 40; want++)
			if (want != (gone * 17) % 40)
				assert_int_equal(b.slots[b.root].node.key, want), pop(&b);
	}
}

static void removing_what_is_in_no_heap_does_nothing(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	reeve__heap_insert(&b.heap, &b.root, 3, 1, 1);
	reeve__heap_remove(&b.heap, &b.root, 4);
	reeve__heap_remove(&b.heap, &b.root, REEVE_NONE);
	assert_false(b.heap.fault);
	assert_int_equal(reeve__heap_check(&b.heap, b.root), 1);
}

static void ascending_and_descending_keys_do_not_degenerate(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	for (uint32_t i = 0; i < N; i++)
		reeve__heap_insert(&b.heap, &b.root, i, i, 0);
	assert_in_range(b.slots[b.root].node.rank, 1, 9); /* at most log2(n + 1) */
	assert_int_equal(reeve__heap_check(&b.heap, b.root), N);
	bed_init(&b);
	for (uint32_t i = 0; i < N; i++)
		reeve__heap_insert(&b.heap, &b.root, i, N - i, 0);
	assert_int_equal(reeve__heap_check(&b.heap, b.root), N);
}

static void an_index_out_of_range_is_a_fault_and_touches_nothing(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	reeve__heap_insert(&b.heap, &b.root, 0, 1, 0);
	reeve__heap_insert(&b.heap, &b.root, 1, 2, 0);
	b.slots[0].node.left = 4711;
	assert_int_equal(reeve__heap_check(&b.heap, b.root), UINT32_MAX);
	reeve__heap_remove(&b.heap, &b.root, 0);
	assert_true(b.heap.fault);
	bed_init(&b);
	reeve__heap_insert(&b.heap, &b.root, N, 1, 0);
	assert_true(b.heap.fault);
	assert_int_equal(b.root, REEVE_NONE);
}

/* Every single wrong link in a small heap: check shows it, and comes to an end. */
static void check_finds_wrong_links_and_ends(void **state)
{
	(void)state;
	struct bed b;

	for (uint32_t i = 0; i < 6; i++)
		for (uint32_t field = 0; field < 4; field++)
			for (uint32_t wrong = 0; wrong < 7; wrong++) {
				bed_init(&b);
				for (uint32_t k = 0; k < 6; k++)
					reeve__heap_insert(&b.heap, &b.root, k, k * 3 % 7, 0);
				uint32_t *at = &b.slots[i].node.parent + field;
				uint32_t value = wrong == 6 ? REEVE_NONE : wrong;
				if (*at == value)
					continue;
				*at = value;
				/* a link cut off leaves a smaller heap, which the count shows */
				assert_int_not_equal(reeve__heap_check(&b.heap, b.root), 6);
			}
}

/* Links that lead up in a circle: the walk must not go round for ever. */
static void check_ends_on_a_circle_of_parents(void **state)
{
	(void)state;
	struct bed b;

	bed_init(&b);
	b.slots[0].node = (struct reeve_sh_node){1, 2, REEVE_NONE, 1, 1, 1, 0};
	b.slots[1].node = (struct reeve_sh_node){2, 0, REEVE_NONE, 1, 1, 1, 0};
	b.slots[2].node = (struct reeve_sh_node){0, 1, REEVE_NONE, 1, 1, 1, 0};
	assert_int_equal(reeve__heap_check(&b.heap, 0), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smaller_key_comes_first),
		cmocka_unit_test(cpu_06_equal_keys_come_in_order_of_arrival),
		cmocka_unit_test(keys_are_points_of_a_wrapping_clock),
		cmocka_unit_test(any_node_can_be_removed),
		cmocka_unit_test(removing_what_is_in_no_heap_does_nothing),
		cmocka_unit_test(ascending_and_descending_keys_do_not_degenerate),
		cmocka_unit_test(an_index_out_of_range_is_a_fault_and_touches_nothing),
		cmocka_unit_test(check_finds_wrong_links_and_ends),
		cmocka_unit_test(check_ends_on_a_circle_of_parents),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
