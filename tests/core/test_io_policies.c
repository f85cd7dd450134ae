/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what the I/O policies remember of groups that have no request waiting. */
#include "io_kit.h"

#include "../../src/engine/io.h"

/* Budget fair: who has one client is not paid a request a turn for that. */
static void a_turn_goes_on_when_the_client_is_back(void **state)
{
	struct core *c = *state;
	uint64_t served[5] = {0};

	io_configure(c->r, REEVE_IO_BUDGET_FAIR, 8);
	for (int i = 0; i < 4; i++)
		io_submit(c->r, 3, 64 * KIB);
	io_submit(c->r, 2, 64 * KIB);
	for (int i = 0; i < 320; i++) {
		struct reeve_io_request_info now = io_next(c->r);
		served[now.group.v]++;
		/* its client is back when the next has been chosen */
		struct reeve_io_request_info next = io_next(c->r);
		served[next.group.v]++;
		io_complete(c->r, now.id.v, now.size_bytes);
		io_submit(c->r, now.group.v, 64 * KIB);
		io_complete(c->r, next.id.v, next.size_bytes);
		io_submit(c->r, next.group.v, 64 * KIB);
	}
	/* half, but for a turn of 1 MiB */
	assert_in_range(served[2], 320 - 16, 320);
	assert_true(served[2] + served[3] == 640);
}

/* A turn that pauses when its group is deleted is not the next group's of the same slot. */
static void a_paused_turn_goes_with_its_group(void **state)
{
	struct core *c = *state;
	uint64_t old, new;

	io_configure(c->r, REEVE_IO_BUDGET_FAIR, 8);
	old = core_group(c->r, "OLD", 0);
	io_submit(c->r, old, 64 * KIB);
	assert_true(io_perform(c->r) == old);
	uint32_t slot = (uint32_t)reeve__table_find(c->r, &c->r->header->groups, old);
	assert_int_equal(c->r->io_groups[slot].flows[REEVE_IO_QUEUE_PULL].where, REEVE_FLOW_PAUSED);
	assert_clean(c->r);
	assert_ok(reeve_group_destroy(c->r, (reeve_group_id){old}, (reeve_group_id){0}, E));
	new = core_group(c->r, "NEW", 0);
	assert_true(reeve__table_find(c->r, &c->r->header->groups, new) == slot);
	io_submit(c->r, new, 64 * KIB);
	assert_clean(c->r);
	assert_true(io_perform(c->r) == new);
	/* and a change of policy forgets it */
	io_configure(c->r, REEVE_IO_PRIORITY, 8);
	assert_int_equal(c->r->io_groups[slot].flows[REEVE_IO_QUEUE_PULL].where, REEVE_FLOW_IDLE);
	io_submit(c->r, new, 64 * KIB);
	assert_true(io_perform(c->r) == new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_turn_goes_on_when_the_client_is_back, core_setup, core_teardown),
		cmocka_unit_test_setup_teardown(
			a_paused_turn_goes_with_its_group, core_setup, core_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
