/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of policy/fair and policy/bucket. Clocks start just before they wrap. */
#include "core.h"

#include "../../src/policy/bucket.h"
#include "../../src/policy/fair.h"

#define EDGE (UINT64_MAX - 1000)

static void age_is_use_over_weight(void **state)
{
	(void)state;
	/* the example at the head of fair.h */
	assert_true(reeve__fair_age(30000000, 750000) == 41943040);
	assert_true(reeve__fair_age(30000000, 250000) == 125829120);
	assert_true(reeve__fair_age(0, 1) == 0);
	assert_true(reeve__fair_age(5, 0) == reeve__fair_age(5, 1)); /* no division by 0 */
	assert_true(reeve__fair_age(UINT64_MAX, 1) == UINT64_MAX);
}

static void priorities_weigh_as_the_table_says(void **state)
{
	(void)state;
	static const uint32_t want[] = {
		4000000, 3000000, 2500000, 2000000, 1500000, 1200000, 1000000, 800000};

	for (uint32_t p = 0; p < 8; p++)
		assert_int_equal(reeve__fair_priority_weight(p), want[p]);
	assert_int_equal(reeve__fair_priority_weight(8), want[0]); /* damage does no harm */
}

static void the_credit_is_a_tenth_of_the_quantum_up_to_5_ms(void **state)
{
	(void)state;
	assert_true(reeve__fair_credit_ns(10000000) == 1000000);
	assert_true(reeve__fair_credit_ns(50000000) == 5000000);
	assert_true(reeve__fair_credit_ns(1000000000) == 5000000);
	assert_true(reeve__fair_grain_ns(50000000) == 1000000);
}

/* CPU, lines 9 and 11: who was away came back with a hoard, or far behind. */
static void cpu_09_who_joins_is_level_with_those_in_use(void **state)
{
	(void)state;
	uint64_t clock = EDGE, credit = 5000, lead = 7000; /* all wrap around */

	assert_true(reeve__fair_join(clock - 1000000, clock, credit, lead) == clock - credit);
	assert_true(reeve__fair_join(clock - credit, clock, credit, lead) == clock - credit);
	assert_true(reeve__fair_join(clock - 10, clock, credit, lead) == clock - 10);
	assert_true(reeve__fair_join(clock, clock, credit, lead) == clock);
	assert_true(reeve__fair_join(clock + 6000, clock, credit, lead) == clock + 6000);
	assert_true(reeve__fair_join(clock + lead, clock, credit, lead) == clock + lead);
	assert_true(reeve__fair_join(clock + 1000000, clock, credit, lead) == clock + lead);
}

static void joining_works_when_the_clock_has_just_wrapped(void **state)
{
	(void)state;
	uint64_t clock = 3;

	assert_true(reeve__fair_join(UINT64_MAX - 9, clock, 5, 5) == UINT64_MAX - 1);
	assert_true(reeve__fair_join(UINT64_MAX, clock, 5, 5) == UINT64_MAX);
	assert_true(reeve__fair_join(20, clock, 5, 5) == 8);
}

static void a_slice_is_the_quantum_when_nobody_else_wants_cpu(void **state)
{
	(void)state;
	assert_true(reeve__fair_slice_ns(100000000, 10, 10) == 100000000);
	assert_true(reeve__fair_slice_ns(100000000, 10, 5) == 100000000);
}

static void a_slice_is_in_proportion_and_never_tiny(void **state)
{
	(void)state;
	assert_true(reeve__fair_slice_ns(100000000, 500000, 1000000) == 12500000);
	assert_true(reeve__fair_slice_ns(100000000, 100000, 1000000) == 2500000);
	assert_true(reeve__fair_slice_ns(100000000, 1000, 1000000) == 2000000);
	assert_true(reeve__fair_slice_ns(1000000, 1000, 1000000) == 1000000);
}

static void a_bucket_fills_at_its_rate_up_to_the_burst(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {0, 1000};

	reeve__bucket_fill(&b, 2000, 500000, 10000);
	assert_int_equal(b.tokens, 500);
	reeve__bucket_fill(&b, 1000000, 500000, 10000);
	assert_int_equal(b.tokens, 10000);
	reeve__bucket_fill(&b, UINT64_MAX, 500000, 10000);
	assert_int_equal(b.tokens, 10000);
}

static void an_earlier_instant_changes_nothing(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {7, 1000};

	reeve__bucket_fill(&b, 1000, 1000000, 10000);
	reeve__bucket_fill(&b, 10, 1000000, 10000);
	assert_int_equal(b.tokens, 7);
	assert_int_equal(b.filled_ns, 1000);
}

/* A segment of another boot: its clock stood at a week, this one's has just begun. */
static void an_instant_of_another_boot_is_forgotten(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {-1000, UINT64_C(604800000000000)};

	reeve__bucket_fill(&b, 5000, 1000000, 10000);
	assert_int_equal(b.tokens, -1000);
	reeve__bucket_fill(&b, 8000, 1000000, 10000);
	assert_int_equal(b.tokens, 2000);
}

/* A cap of 1 % looked at every microsecond and a half must still give 1 %. */
static void parts_of_a_token_are_not_lost(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {0, 0};

	for (uint64_t t = 150; t <= 150000000; t += 150)
		reeve__bucket_fill(&b, t, 10000, 1000000000);
	assert_in_range(b.tokens, 1499990, 1500000);
}

static void use_may_go_into_debt_and_the_wait_says_how_long(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {100, 0};

	b.tokens -= 1100; /* 1,000 in debt */
	assert_true(reeve__bucket_wait_ns(&b, 0, 1000000) == 1001);
	assert_true(reeve__bucket_wait_ns(&b, 500, 500000) == 3001);
	reeve__bucket_fill(&b, reeve__bucket_wait_ns(&b, 500, 500000), 500000, 1000);
	assert_true(b.tokens >= 500);
	assert_true(reeve__bucket_wait_ns(&b, 500, 500000) == 0);
}

static void a_rate_of_nothing_waits_for_ever(void **state)
{
	(void)state;
	struct reeve_sh_bucket b = {-5, 0};

	reeve__bucket_fill(&b, 1000000, 0, 100);
	assert_int_equal(b.tokens, -5);
	assert_true(reeve__bucket_wait_ns(&b, 0, 0) > UINT64_C(1) << 62);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(age_is_use_over_weight),
		cmocka_unit_test(priorities_weigh_as_the_table_says),
		cmocka_unit_test(the_credit_is_a_tenth_of_the_quantum_up_to_5_ms),
		cmocka_unit_test(cpu_09_who_joins_is_level_with_those_in_use),
		cmocka_unit_test(joining_works_when_the_clock_has_just_wrapped),
		cmocka_unit_test(a_slice_is_the_quantum_when_nobody_else_wants_cpu),
		cmocka_unit_test(a_slice_is_in_proportion_and_never_tiny),
		cmocka_unit_test(a_bucket_fills_at_its_rate_up_to_the_burst),
		cmocka_unit_test(an_earlier_instant_changes_nothing),
		cmocka_unit_test(an_instant_of_another_boot_is_forgotten),
		cmocka_unit_test(parts_of_a_token_are_not_lost),
		cmocka_unit_test(use_may_go_into_debt_and_the_wait_says_how_long),
		cmocka_unit_test(a_rate_of_nothing_waits_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
