/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of segment/table, on the tables of a segment of their own. */
#include "core.h"

#include <string.h>

#include "../../src/segment/segment.h"

/* The mappings' table stands for tables without names, the groups' for those with. */
struct bed {
	struct core *c;
	struct reeve *r;
	struct reeve_sh_table *t;
};

static struct bed bed_of(void **state)
{
	struct core *c = *state;

	return (struct bed){c, c->r, &c->r->header->mappings};
}

static uint32_t state_of(const struct bed *b, uint32_t i)
{
	return reeve__get(&reeve__table_head(b->r, b->t, i)->state);
}

static uint32_t add(const struct bed *b, uint64_t id)
{
	uint32_t i = reeve__table_claim(b->r, b->t);

	assert_int_not_equal(i, REEVE_NONE);
	reeve__table_publish(b->r, b->t, i, id, NULL);
	return i;
}

static void clean(const struct bed *b)
{
	const char *fault = reeve__table_check(b->r, b->t);

	if (fault)
		print_error("%s\n", fault);
	assert_null(fault);
}

static void empty(const struct bed *b)
{
	for (uint32_t i = 0; i < b->t->high_water; i++)
		reeve__table_free(b->r, b->t, i, NULL);
	assert_int_equal(b->t->live, 0);
	clean(b);
}

static void a_slot_goes_from_free_to_live_and_back(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i = reeve__table_claim(b.r, b.t);

	assert_int_equal(state_of(&b, i), REEVE_SLOT_CLAIMED);
	assert_int_equal(b.t->live, 1);
	assert_int_equal(reeve__table_find(b.r, b.t, 77), REEVE_NONE);
	reeve__table_publish(b.r, b.t, i, 77, NULL);
	assert_int_equal(state_of(&b, i), REEVE_SLOT_LIVE);
	assert_int_equal(reeve__table_find(b.r, b.t, 77), i);
	clean(&b);
	reeve__table_free(b.r, b.t, i, NULL);
	assert_int_equal(reeve__table_find(b.r, b.t, 77), REEVE_NONE);
	assert_int_equal(b.t->live, 0);
	clean(&b);
}

static void freeing_tells_stale_handles_by_generation(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i = add(&b, 1);
	uint32_t before = reeve__get(&reeve__table_head(b.r, b.t, i)->generation);

	reeve__table_free(b.r, b.t, i, NULL);
	assert_int_equal(reeve__get(&reeve__table_head(b.r, b.t, i)->generation), before + 1);
	reeve__table_free(b.r, b.t, i, NULL); /* twice changes nothing */
	assert_int_equal(reeve__get(&reeve__table_head(b.r, b.t, i)->generation), before + 1);
	assert_int_equal(b.t->live, 0);
	clean(&b);
}

static void the_slot_freed_last_is_used_first(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i[3] = {add(&b, 1), add(&b, 2), add(&b, 3)};

	reeve__table_free(b.r, b.t, i[0], NULL);
	reeve__table_free(b.r, b.t, i[2], NULL);
	assert_int_equal(add(&b, 4), i[2]);
	assert_int_equal(add(&b, 5), i[0]);
	assert_int_equal(b.t->high_water, 3);
	empty(&b);
}

static void a_claimed_slot_can_be_given_back(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i = reeve__table_claim(b.r, b.t);

	reeve__table_free(b.r, b.t, i, NULL);
	assert_int_equal(b.t->live, 0);
	clean(&b);
}

static void a_full_table_says_none_and_works_again_after_a_free(void **state)
{
	struct bed b = bed_of(state);

	for (uint32_t k = 0; k < b.t->capacity; k++)
		add(&b, k + 1);
	assert_int_equal(reeve__table_claim(b.r, b.t), REEVE_NONE);
	assert_int_equal(b.t->live, b.t->capacity);
	clean(&b);
	reeve__table_free(b.r, b.t, 5, NULL);
	assert_int_equal(reeve__table_claim(b.r, b.t), 5);
	empty(&b);
}

static void ended_slots_are_found_and_reused_last_oldest_first(void **state)
{
	struct bed b = bed_of(state);

	for (uint32_t k = 0; k < b.t->capacity; k++)
		add(&b, k + 1);
	reeve__table_end(b.r, b.t, 7);
	reeve__table_end(b.r, b.t, 3);
	assert_int_equal(reeve__table_find(b.r, b.t, 8), 7);
	clean(&b);
	reeve__table_free(b.r, b.t, 20, NULL);
	assert_int_equal(add(&b, 1001), 20); /* a free one before any ended one */
	assert_int_equal(add(&b, 1002), 7);
	assert_int_equal(reeve__table_find(b.r, b.t, 8), REEVE_NONE);
	assert_int_equal(add(&b, 1003), 3);
	assert_int_equal(reeve__table_claim(b.r, b.t), REEVE_NONE);
	clean(&b);
	empty(&b);
}

static void kept_slots_are_never_reused(void **state)
{
	struct bed b = bed_of(state);

	for (uint32_t k = 0; k < b.t->capacity; k++)
		add(&b, k + 1);
	reeve__table_keep(b.r, b.t, 4);
	assert_int_equal(state_of(&b, 4), REEVE_SLOT_KEPT);
	assert_int_equal(reeve__table_find(b.r, b.t, 5), 4);
	assert_int_equal(reeve__table_claim(b.r, b.t), REEVE_NONE);
	reeve__table_end(b.r, b.t, 4);
	assert_int_equal(reeve__table_claim(b.r, b.t), 4);
	reeve__table_keep(b.r, b.t, 4); /* not live: nothing happens */
	assert_int_equal(state_of(&b, 4), REEVE_SLOT_CLAIMED);
	reeve__table_end(b.r, b.t, 4);
	assert_int_equal(state_of(&b, 4), REEVE_SLOT_CLAIMED);
	empty(&b);
}

static void an_ended_slot_can_be_freed_from_anywhere_in_the_list(void **state)
{
	struct bed b = bed_of(state);

	for (uint32_t gone = 0; gone < 3; gone++) {
		for (uint32_t k = 0; k < 3; k++)
			reeve__table_end(b.r, b.t, add(&b, k + 1));
		uint32_t i = reeve__table_find(b.r, b.t, gone + 1);
		reeve__table_free(b.r, b.t, i, NULL);
		clean(&b);
		reeve__table_end(b.r, b.t, add(&b, 9)); /* the list's end is right too */
		clean(&b);
		empty(&b);
	}
}

static void ids_with_the_same_hash_live_side_by_side(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i[16];

	/* 16 ids into 32 buckets cannot all be alone for every offset; try many. */
	for (uint64_t base = 1; base < 3000; base += 97) {
		for (uint32_t k = 0; k < 16; k++)
			i[k] = add(&b, base + k * k * 1009);
		for (uint32_t k = 0; k < 16; k++)
			assert_int_equal(reeve__table_find(b.r, b.t, base + k * k * 1009), i[k]);
		for (uint32_t k = 0; k < 16; k += 2)
			reeve__table_free(b.r, b.t, i[k], NULL);
		for (uint32_t k = 0; k < 16; k++)
			assert_int_equal(reeve__table_find(b.r, b.t, base + k * k * 1009),
				k % 2 ? i[k] : REEVE_NONE);
		clean(&b);
		empty(&b);
	}
}

static size_t name_at(void)
{
	return offsetof(struct reeve_sh_group, name);
}

static void names_are_found_and_change(void **state)
{
	struct bed b = bed_of(state);
	struct reeve_sh_table *t = &b.r->header->groups;
	uint32_t i = reeve__table_find_name(b.r, t, "BATCH_GROUP", name_at());

	assert_int_not_equal(i, REEVE_NONE);
	assert_int_equal(reeve__table_find_name(b.r, t, "batch_group", name_at()), REEVE_NONE);
	assert_int_equal(reeve__table_find_name(b.r, t, "", name_at()), REEVE_NONE);
	reeve__table_rename(b.r, t, i, "BATCH_GROUP", "NIGHT");
	strcpy(b.r->groups[i].name, "NIGHT");
	assert_int_equal(reeve__table_find_name(b.r, t, "NIGHT", name_at()), i);
	assert_int_equal(reeve__table_find_name(b.r, t, "BATCH_GROUP", name_at()), REEVE_NONE);
	assert_null(reeve__table_check(b.r, t));
}

static void rebuild_gives_the_same_table_again(void **state)
{
	struct bed b = bed_of(state);

	for (uint64_t id = 1; id <= 10; id++)
		add(&b, id * 3);
	reeve__table_free(b.r, b.t, reeve__table_find(b.r, b.t, 9), NULL);
	reeve__table_end(b.r, b.t, reeve__table_find(b.r, b.t, 12));
	reeve__table_keep(b.r, b.t, reeve__table_find(b.r, b.t, 15));
	b.t->free = 4711;
	b.t->live = 99;
	b.t->ended_first = b.t->ended_last = 3;
	memset(b.r->base + b.t->buckets, 0x41, b.t->bucket_count * sizeof(uint32_t));
	assert_non_null(reeve__table_check(b.r, b.t));
	reeve__table_rebuild(b.r, b.t, 0);
	clean(&b);
	assert_int_equal(b.t->live, 9);
	for (uint64_t id = 1; id <= 10; id++)
		assert_int_equal(reeve__table_find(b.r, b.t, id * 3) == REEVE_NONE, id == 3);
	assert_int_equal(state_of(&b, reeve__table_find(b.r, b.t, 12)), REEVE_SLOT_ENDED);
	assert_int_equal(state_of(&b, reeve__table_find(b.r, b.t, 15)), REEVE_SLOT_KEPT);
	empty(&b);
}

static void rebuild_frees_what_was_only_claimed(void **state)
{
	struct bed b = bed_of(state);
	uint32_t i = reeve__table_claim(b.r, b.t);
	uint32_t generation = reeve__get(&reeve__table_head(b.r, b.t, i)->generation);

	add(&b, 5);
	reeve__table_rebuild(b.r, b.t, 0);
	assert_int_equal(state_of(&b, i), REEVE_SLOT_FREE);
	assert_int_equal(reeve__get(&reeve__table_head(b.r, b.t, i)->generation), generation + 1);
	assert_int_equal(b.t->live, 1);
	clean(&b);
	empty(&b);
}

static void rebuild_finds_names_again(void **state)
{
	struct bed b = bed_of(state);
	struct reeve_sh_table *t = &b.r->header->groups;

	memset(b.r->base + t->buckets, 0, t->bucket_count * 2 * sizeof(uint32_t));
	reeve__table_rebuild(b.r, t, name_at());
	assert_int_not_equal(reeve__table_find_name(b.r, t, "SYS_GROUP", name_at()), REEVE_NONE);
	assert_int_not_equal(
		reeve__table_find_name(b.r, t, "MAINTENANCE_GROUP", name_at()), REEVE_NONE);
	assert_null(reeve__table_check(b.r, t));
}

/* Groups, line 20: lists came in hash order. */
static void plans_20_lists_come_by_id_in_pages(void **state)
{
	struct bed b = bed_of(state);
	uint32_t slots[7], n;
	uint64_t after = 0, last = 0, seen = 0;

	for (uint64_t k = 0; k < b.t->capacity; k++)
		add(&b, 1 + (k * 11) % b.t->capacity);
	reeve__table_end(b.r, b.t, reeve__table_find(b.r, b.t, 13));
	while ((n = reeve__table_list(b.r, b.t, after, false, slots, 7))) {
		for (uint32_t k = 0; k < n; k++, seen++) {
			after = reeve__table_head(b.r, b.t, slots[k])->id;
			assert_true(after > last && after != 13);
			last = after;
		}
		assert_true(n == 7 || last == b.t->capacity);
	}
	assert_int_equal(seen, b.t->capacity - 1);
	assert_int_equal(reeve__table_list(b.r, b.t, 12, true, slots, 1), 1);
	assert_int_equal(reeve__table_head(b.r, b.t, slots[0])->id, 13);
	assert_int_equal(reeve__table_list(b.r, b.t, 0, true, slots, 0), 0);
	empty(&b);
}

static void check_names_each_kind_of_damage(void **state)
{
	struct bed b = bed_of(state);
	struct reeve_sh_table saved;
	uint32_t i = add(&b, 1);

	add(&b, 2);
	reeve__table_end(b.r, b.t, add(&b, 3));
	reeve__table_free(b.r, b.t, add(&b, 4), NULL);
	saved = *b.t;
	b.t->live++;
	assert_string_equal(reeve__table_check(b.r, b.t), "the count of live slots is wrong");
	*b.t = saved;
	b.t->free = REEVE_NONE;
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "free list"));
	*b.t = saved;
	b.t->free = 12345;
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "free list"));
	*b.t = saved;
	b.t->ended_first = REEVE_NONE;
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "ended"));
	*b.t = saved;
	b.t->high_water = b.t->capacity + 1;
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "high-water"));
	*b.t = saved;
	reeve__table_head(b.r, b.t, i)->id = 99;
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "not found by its id"));
	reeve__table_head(b.r, b.t, i)->id = 1;
	reeve__put(&reeve__table_head(b.r, b.t, i)->state, 17);
	assert_non_null(strstr(reeve__table_check(b.r, b.t), "state that does not exist"));
	reeve__put(&reeve__table_head(b.r, b.t, i)->state, REEVE_SLOT_LIVE);
	clean(&b);
	empty(&b);
}

#define with_bed(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_bed(a_slot_goes_from_free_to_live_and_back),
		with_bed(freeing_tells_stale_handles_by_generation),
		with_bed(the_slot_freed_last_is_used_first),
		with_bed(a_claimed_slot_can_be_given_back),
		with_bed(a_full_table_says_none_and_works_again_after_a_free),
		with_bed(ended_slots_are_found_and_reused_last_oldest_first),
		with_bed(kept_slots_are_never_reused),
		with_bed(an_ended_slot_can_be_freed_from_anywhere_in_the_list),
		with_bed(ids_with_the_same_hash_live_side_by_side),
		with_bed(names_are_found_and_change),
		with_bed(rebuild_gives_the_same_table_again),
		with_bed(rebuild_frees_what_was_only_claimed),
		with_bed(rebuild_finds_names_again),
		with_bed(plans_20_lists_come_by_id_in_pages),
		with_bed(check_names_each_kind_of_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
