/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of what sessions hold: quotas, credit, groups' limits, outside engines' sessions, ends. */
#include "core.h"

#include "../../src/model/model.h"

#include <string.h>

#define KIB	 ((uint64_t)1024)
#define MIB	 ((uint64_t)1048576)
#define DEFAULTS REEVE_UNLIMITED, REEVE_UNLIMITED
#define PGA	 REEVE_MEMORY_PGA
#define WORK	 REEVE_MEMORY_WORK_AREA

static struct reeve_memory_quota_info quota(struct reeve *r, uint64_t session)
{
	struct reeve_memory_quota_info info = {.session = {0}};

	assert_ok(reeve_memory_quota_get(r, (reeve_session_id){session}, &info, E));
	return info;
}

static struct reeve_memory_group_info group(struct reeve *r, uint64_t id)
{
	struct reeve_memory_group_info info = {.group = {0}};

	assert_ok(reeve_memory_group_get(r, (reeve_group_id){id}, &info, E));
	return info;
}

static struct reeve_memory_stats stats(struct reeve *r)
{
	struct reeve_memory_stats s = {0};

	reeve_memory_stats_get(r, &s);
	return s;
}

static uint64_t pga_pool(struct reeve *r)
{
	struct reeve_pool_info info;

	assert_ok(reeve_pool_get(r, (reeve_pool_id){REEVE_POOL_PGA}, &info, E));
	return info.allocated_bytes;
}

static int set_quota(struct reeve *r, uint64_t session, uint64_t g, uint64_t pga, uint64_t work)
{
	return reeve_memory_quota_set(
		r, (reeve_session_id){session}, (reeve_group_id){g}, pga, work, E);
}

static int hand(struct reeve *r, uint64_t session, uint32_t kind, uint64_t bytes)
{
	return reeve_memory_session_charge(r, (reeve_session_id){session}, kind, bytes, E);
}

static int hand_back(struct reeve *r, uint64_t session, uint32_t kind, uint64_t bytes)
{
	return reeve_memory_session_release(r, (reeve_session_id){session}, kind, bytes, E);
}

/* Memory, line 5: session memory was in neither the PGA pool, nor database usage, nor pressure. */
static void memory_05_session_memory_counts_in_pool_and_database(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	struct reeve_memory_quota_info q = quota(c->r, 1);
	assert_true(q.pga_bytes == 1000 && q.work_area_bytes == 0);
	assert_true(q.credit_bytes == 64 * KIB); /* what a first refill takes beyond the charge */
	assert_true(q.max_pga_bytes == 100 * MIB && q.max_work_area_bytes == 25 * MIB);
	assert_true(q.charges == 1 && q.is_registered && q.group.v == 3);
	assert_true(q.last_charge_wall == c->h.wall);
	assert_true(pga_pool(c->r) == 1000 + 64 * KIB);
	assert_true(stats(c->r).session_bytes == 1000 + 64 * KIB);
	assert_true(stats(c->r).used_bytes == 1000 + 64 * KIB);
	assert_true(group(c->r, 3).used_bytes == 1000 + 64 * KIB && group(c->r, 3).sessions == 1);
	assert_ok(reeve_memory_charge(s, PGA, 64 * KIB, E)); /* from the credit */
	assert_true(pga_pool(c->r) == 1000 + 64 * KIB && quota(c->r, 1).credit_bytes == 0);
	assert_ok(reeve_memory_charge(s, WORK, 5000, E));
	assert_true(quota(c->r, 1).work_area_bytes == 5000);
	assert_ok(reeve_memory_release(s, PGA, 1000 + 64 * KIB, E));
	assert_ok(reeve_memory_release(s, WORK, 5000, E));
	q = quota(c->r, 1);
	assert_true(q.pga_bytes == 0 && q.work_area_bytes == 0);
	/* Memory, line 7: the peak was of PGA alone. */
	assert_true(q.peak_bytes == 1000 + 64 * KIB + 5000);
	reeve_session_destroy(s);
	assert_true(pga_pool(c->r) == 0 && stats(c->r).used_bytes == 0);
	assert_true(group(c->r, 3).used_bytes == 0 && group(c->r, 3).sessions == 0);
	assert_int_equal(core_segment(c->r).quotas, 0);
}

static void quotas_are_caps_and_equality_admits(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(set_quota(c->r, 1, 0, 1 * MIB, 300 * KIB));
	assert_ok(reeve_memory_charge(s, PGA, 1 * MIB - 10, E));
	assert_fails(reeve_memory_charge(s, PGA, 11, E), REEVE_ERESOURCE_EXHAUSTED,
		"11 bytes are refused: the PGA quota of session 1 is 1048576 bytes, of which "
		"1048566 are in use");
	assert_ok(reeve_memory_charge(s, PGA, 10, E));
	assert_ok(reeve_memory_charge(s, WORK, 300 * KIB, E));
	assert_fails(reeve_memory_charge(s, WORK, 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"the work area quota of session 1 is 307200 bytes, of which 307200 are in use");
	assert_true(quota(c->r, 1).pga_bytes == 1 * MIB);
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_SESSION], 1);
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_WORK_AREA], 1);
	/* Live resize: up at once; below what is in use only stops growth. */
	assert_ok(set_quota(c->r, 1, 0, 2 * MIB, 300 * KIB));
	assert_ok(reeve_memory_charge(s, PGA, 1 * MIB, E));
	assert_ok(set_quota(c->r, 1, 0, 1 * MIB, 100 * KIB));
	assert_true(quota(c->r, 1).pga_bytes == 2 * MIB);
	assert_fails(reeve_memory_charge(s, PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"1048576 bytes, of which 2097152");
	assert_ok(reeve_memory_release(s, PGA, 1 * MIB + 5, E));
	assert_ok(reeve_memory_charge(s, PGA, 5, E));
	assert_fails(reeve_memory_charge(s, PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED, "PGA quota");
	reeve_session_destroy(s);
}

/* Credit that was handed out does not outlast a lower limit. */
static void a_lower_quota_binds_at_the_next_charge(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	assert_ok(set_quota(c->r, 1, 0, 1001, 1001));
	assert_true(quota(c->r, 1).credit_bytes == 0 && pga_pool(c->r) == 1000);
	assert_ok(reeve_memory_charge(s, PGA, 1, E));
	assert_fails(reeve_memory_charge(s, PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED, "1001 bytes");
	reeve_session_destroy(s);
}

/* Memory, line 7: a quota made again forgot what was in use. */
static void memory_07_a_quota_set_again_keeps_usage(void **state)
{
	struct core *c = *state;

	assert_ok(set_quota(c->r, 500, 3, 10000, 2000));
	assert_ok(hand(c->r, 500, PGA, 6000));
	assert_ok(set_quota(c->r, 500, 3, 20000, 2000));
	assert_true(quota(c->r, 500).pga_bytes == 6000 && group(c->r, 3).used_bytes == 6000);
	assert_fails(hand(c->r, 500, PGA, 14001), REEVE_ERESOURCE_EXHAUSTED, "of which 6000");
	assert_ok(hand(c->r, 500, PGA, 14000));
	assert_ok(hand(c->r, 500, WORK, 2000));
	assert_true(quota(c->r, 500).peak_bytes == 22000);
	assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){500}, E));
	assert_true(group(c->r, 3).used_bytes == 0 && group(c->r, 3).peak_bytes == 22000);
	assert_true(stats(c->r).used_bytes == 0);
}

/* Memory, line 6: 10 GiB were accepted over a limit of 100 MiB a session. */
static void memory_06_the_group_s_limit_a_session_is_a_cap(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_group_id g = {3};

	assert_ok(reeve_memory_group_register(c->r, g, REEVE_UNLIMITED, 8 * MIB, E));
	assert_fails(set_quota(c->r, 1, 3, 10240 * MIB, 1 * MIB), REEVE_ERESOURCE_EXHAUSTED,
		"maxPgaMemory is 10737418240; consumer group BATCH_GROUP allows a session 8388608");
	assert_fails(reeve_memory_quota_get(c->r, (reeve_session_id){1},
			     &(struct reeve_memory_quota_info){.charges = 0}, E),
		REEVE_ENOT_FOUND, "memory quota of session 1");
	assert_ok(set_quota(c->r, 1, 3, DEFAULTS));
	assert_true(quota(c->r, 1).max_pga_bytes == 8 * MIB);
	assert_true(quota(c->r, 1).max_work_area_bytes == 2 * MIB);
	/* The work area follows the PGA that was given, not the group. */
	assert_ok(set_quota(c->r, 1, 3, 4 * MIB, REEVE_UNLIMITED));
	assert_true(quota(c->r, 1).max_work_area_bytes == 1 * MIB);
	/* A lower cap counts for quotas that are there, and for credit that is out. */
	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	assert_ok(reeve_memory_group_register(c->r, g, REEVE_UNLIMITED, 1500, E));
	assert_true(quota(c->r, 1).max_pga_bytes == 1500);
	assert_fails(reeve_memory_charge(s, PGA, 501, E), REEVE_ERESOURCE_EXHAUSTED, "1500 bytes");
	assert_ok(reeve_memory_charge(s, PGA, 500, E));
	/* The registration ends with the next activation. */
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){2}, E));
	assert_false(group(c->r, 3).is_registered);
	assert_true(group(c->r, 3).max_session_pga == REEVE_UNLIMITED);
	assert_ok(reeve_memory_charge(s, PGA, 2000, E));
	reeve_session_destroy(s);
}

/* What a directive says of a session's PGA lies in the ruling's row; by hand comes first. */
static void the_plan_s_limit_a_session_counts(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 2);
	uint32_t slot = reeve__table_find(c->r, &c->r->header->groups, 2);
	struct reeve__ruling_view view = reeve__ruling_now(c->r);

	reeve__put(&view.rows[slot].session_pga_bytes, 4000);
	assert_true(group(c->r, 2).max_session_pga == 4000 && !group(c->r, 2).is_registered);
	assert_fails(reeve_memory_charge(s, PGA, 4001, E), REEVE_ERESOURCE_EXHAUSTED, "4000 bytes");
	assert_ok(reeve_memory_charge(s, PGA, 3000, E));
	assert_true(quota(c->r, 1).max_pga_bytes == 4000);
	assert_true(quota(c->r, 1).max_work_area_bytes == 1000);
	/* A limit of the group alone leaves the plan's limit a session in force. */
	assert_ok(reeve_memory_group_register(
		c->r, (reeve_group_id){2}, 1 * MIB, REEVE_UNLIMITED, E));
	assert_true(group(c->r, 2).max_session_pga == 4000);
	assert_ok(reeve_memory_group_register(c->r, (reeve_group_id){2}, 1 * MIB, 3500, E));
	assert_fails(reeve_memory_charge(s, PGA, 501, E), REEVE_ERESOURCE_EXHAUSTED, "3500 bytes");
	/* Another plan: its limits, at the next charge, and whatever credit there is. */
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){3}, E));
	assert_true(group(c->r, 2).max_session_pga == REEVE_UNLIMITED);
	assert_ok(set_quota(c->r, 1, 0, 50000, 1000));
	assert_ok(reeve_memory_charge(s, PGA, 1000, E)); /* and credit for 46,000 more */
	view = reeve__ruling_now(c->r);
	reeve__put(&view.rows[slot].session_pga_bytes, 5000);
	/* In force by the ruling word, which the next compilation changes and this poke does not. */
	reeve__put(&c->r->header->ruling, reeve__get(&c->r->header->ruling) + 1024);
	reeve__put(&view.head->sequence, reeve__get(&c->r->header->ruling));
	assert_fails(reeve_memory_charge(s, PGA, 1001, E), REEVE_ERESOURCE_EXHAUSTED, "5000 bytes");
	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	assert_ok(reeve_plan_activate(c->r, (reeve_plan_id){1}, E));
	reeve_session_destroy(s);
}

static void a_group_s_limit_is_over_all_its_sessions(void **state)
{
	struct core *c = *state;
	struct reeve_session *a = core_session(c->r, 3), *b = core_session(c->r, 3);
	struct reeve_session *other = core_session(c->r, 2);
	reeve_group_id g = {3};
	reeve_allocation_id id = {0};

	assert_ok(reeve_memory_group_register(c->r, g, 200 * KIB, REEVE_UNLIMITED, E));
	assert_true(group(c->r, 3).is_registered && group(c->r, 3).max_group_memory == 200 * KIB);
	assert_ok(reeve_memory_charge(a, PGA, 1000, E)); /* 64 KiB of credit besides */
	assert_ok(reeve_memory_charge(b, WORK, 1000, E));
	/* What nobody uses is called back before anybody is refused. */
	assert_ok(reeve_memory_charge(b, PGA, 200 * KIB - 2000, E));
	assert_true(quota(c->r, 1).credit_bytes == 0);
	assert_fails(reeve_memory_charge(a, PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"memory of consumer group BATCH_GROUP is 204800 bytes, of which 204800 are in use");
	assert_fails(reeve_memory_allocate(
			     c->r, (reeve_pool_id){5}, 1, reeve_session_id_of(a), NULL, &id, E),
		REEVE_ERESOURCE_EXHAUSTED, "BATCH_GROUP");
	/* Its allocations of other pools are not session memory. */
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){3}, 1000, reeve_session_id_of(a), NULL, &id, E));
	assert_ok(reeve_memory_charge(other, PGA, 1000, E));
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_GROUP], 2);
	assert_true(group(c->r, 3).peak_bytes == 200 * KIB && group(c->r, 3).sessions == 2);
	assert_ok(reeve_memory_group_unregister(c->r, g, E));
	assert_fails(reeve_memory_group_unregister(c->r, g, E), REEVE_ENOT_FOUND,
		"memory limits of consumer group 3");
	assert_ok(reeve_memory_charge(a, PGA, 1, E));
	assert_fails(reeve_memory_group_register(c->r, g, 0, 1, E), REEVE_EINVALID_ARGUMENT,
		"maxGroupMemory is 0");
	assert_fails(reeve_memory_group_register(c->r, (reeve_group_id){99}, 1, 1, E),
		REEVE_ENOT_FOUND, "99");
	reeve_session_destroy(a);
	reeve_session_destroy(b);
	reeve_session_destroy(other);
}

static void a_session_s_own_pga_allocations_count_in_its_quota(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_allocation_id a = {0}, b = {0};

	assert_ok(set_quota(c->r, 1, 0, 100 * KIB, 10 * KIB));
	assert_ok(reeve_memory_charge(s, PGA, 10 * KIB, E));
	/* 64 KiB of credit are out; they are called back for this. */
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){5}, 80 * KIB, reeve_session_id_of(s), NULL, &a, E));
	assert_true(quota(c->r, 1).pga_bytes == 90 * KIB);
	assert_true(quota(c->r, 1).peak_bytes == 90 * KIB);
	assert_fails(reeve_memory_allocate(c->r, (reeve_pool_id){5}, 10 * KIB + 1,
			     reeve_session_id_of(s), NULL, &b, E),
		REEVE_ERESOURCE_EXHAUSTED, "the PGA quota of session 1");
	assert_fails(reeve_memory_charge(s, PGA, 10 * KIB + 1, E), REEVE_ERESOURCE_EXHAUSTED,
		"the PGA quota of session 1");
	assert_ok(reeve_memory_charge(s, PGA, 10 * KIB, E));
	assert_ok(reeve_memory_free(c->r, a, reeve_session_id_of(s), E));
	assert_true(group(c->r, 3).used_bytes == 20 * KIB);
	reeve_session_destroy(s);
}

static void release_gives_back_no_more_than_was_charged(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_fails(reeve_memory_release(s, PGA, 1, E), REEVE_EINVALID_ARGUMENT,
		"1 bytes cannot be released: session 1 was charged 0");
	assert_ok(reeve_memory_charge(s, PGA, 100, E));
	assert_fails(reeve_memory_release(s, WORK, 1, E), REEVE_EINVALID_ARGUMENT, "charged 0");
	assert_fails(reeve_memory_release(s, PGA, 101, E), REEVE_EINVALID_ARGUMENT, "charged 100");
	assert_fails(reeve_memory_release(s, 2, 1, E), REEVE_EINVALID_ARGUMENT, "kind is 2");
	assert_fails(reeve_memory_charge(s, 2, 1, E), REEVE_EINVALID_ARGUMENT, "kind is 2");
	assert_fails(reeve_memory_charge(s, PGA, 0, E), REEVE_EINVALID_ARGUMENT, "size is 0");
	assert_ok(hand(c->r, 1, PGA, 50));
	assert_true(quota(c->r, 1).pga_bytes == 150 && quota(c->r, 1).charges == 2);
	/* What the owner charged is not released by id. */
	assert_fails(hand_back(c->r, 1, PGA, 51), REEVE_EINVALID_ARGUMENT,
		"51 bytes cannot be released: session 1 was charged 50 by id");
	assert_ok(hand_back(c->r, 1, PGA, 50));
	assert_ok(reeve_memory_release(s, PGA, 100, E));
	assert_true(quota(c->r, 1).pga_bytes == 0);
	reeve_session_destroy(s);
}

/* Memory, line 10: removing and freeing for unknown sessions reported success. */
static void memory_10_unknown_sessions_are_not_found(void **state)
{
	struct core *c = *state;
	reeve_session_id unknown = {4711};
	reeve_allocation_id a = {0};

	assert_fails(hand(c->r, 4711, PGA, 1), REEVE_ENOT_FOUND,
		"session 4711; one of an outside engine wants a quota first");
	assert_fails(hand_back(c->r, 4711, PGA, 1), REEVE_ENOT_FOUND, "session 4711");
	assert_fails(reeve_memory_quota_remove(c->r, unknown, E), REEVE_ENOT_FOUND, "session 4711");
	assert_fails(reeve_memory_allocate(c->r, (reeve_pool_id){2}, 1, unknown, NULL, &a, E),
		REEVE_ENOT_FOUND, "session 4711");
	assert_fails(set_quota(c->r, 4711, 0, DEFAULTS), REEVE_EINVALID_ARGUMENT,
		"group is 0; session 4711, of an outside engine, wants one");
	assert_fails(set_quota(c->r, 4711, 99, DEFAULTS), REEVE_ENOT_FOUND, "99");
	assert_fails(set_quota(c->r, 0, 3, DEFAULTS), REEVE_EINVALID_ARGUMENT, "session is 0");
	assert_fails(set_quota(c->r, 4711, 3, 0, 1), REEVE_EINVALID_ARGUMENT, "maxPgaMemory is 0");
	assert_fails(set_quota(c->r, 4711, 3, 1, 0), REEVE_EINVALID_ARGUMENT, "maxWorkArea is 0");
	assert_int_equal(core_segment(c->r).quotas, 0);
	assert_int_equal(core_segment(c->r).external_sessions, 0);
	assert_int_equal(stats(c->r).failed[REEVE_REFUSED_UNKNOWN], 2);
}

static void outside_engines_sessions_keep_their_ids(void **state)
{
	struct core *c = *state;
	struct reeve_session *s[3];
	reeve_allocation_id a = {0};

	assert_ok(set_quota(c->r, 2, 3, DEFAULTS));
	assert_ok(set_quota(c->r, 3, 2, DEFAULTS));
	assert_false(quota(c->r, 2).is_registered);
	assert_fails(set_quota(c->r, 2, 2, DEFAULTS), REEVE_ECONFLICT,
		"session 2 is of consumer group 3, not of 2");
	assert_ok(hand(c->r, 2, WORK, 700));
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){5}, 50, (reeve_session_id){2}, NULL, &a, E));
	for (int i = 0; i < 3; i++)
		s[i] = core_session(c->r, 3);
	assert_true(reeve_session_id_of(s[0]).v == 1);
	assert_true(reeve_session_id_of(s[1]).v == 4);
	assert_true(reeve_session_id_of(s[2]).v == 5);
	/* Not even when its quota is gone. */
	assert_ok(set_quota(c->r, 6, 3, DEFAULTS));
	assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){6}, E));
	struct reeve_session *next = core_session(c->r, 3);
	assert_true(reeve_session_id_of(next).v == 7);
	assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){2}, E));
	assert_fails(reeve_memory_free(c->r, a, (reeve_session_id){2}, E), REEVE_ENOT_FOUND,
		"allocation 1");
	assert_true(stats(c->r).used_bytes == 0);
	assert_fails(set_quota(c->r, 4, 2, DEFAULTS), REEVE_ECONFLICT,
		"session 4 is of consumer group 3, not of 2");
	for (int i = 0; i < 3; i++)
		reeve_session_destroy(s[i]);
	reeve_session_destroy(next);
	assert_fails(set_quota(c->r, 4, 3, DEFAULTS), REEVE_EINVALID_STATE, "session 4 has ended");
}

static void a_switch_takes_memory_along_or_does_not_happen(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id id = reeve_session_id_of(s);
	reeve_allocation_id a = {0};

	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	assert_ok(reeve_memory_charge(s, WORK, 2000, E));
	assert_ok(hand(c->r, 1, PGA, 100));
	assert_ok(reeve_memory_allocate(c->r, (reeve_pool_id){5}, 50, id, NULL, &a, E));
	assert_ok(reeve_memory_group_register(c->r, (reeve_group_id){2}, 3149, REEVE_UNLIMITED, E));
	assert_fails(reeve_session_switch(c->r, id, (reeve_group_id){2}, 1, E),
		REEVE_ERESOURCE_EXHAUSTED,
		"3150 bytes are refused: memory of consumer group INTERACTIVE_GROUP is 3149");
	assert_true(core_info(c->r, s).group.v == 3 && quota(c->r, 1).group.v == 3);
	assert_clean(c->r);
	assert_ok(reeve_memory_group_register(c->r, (reeve_group_id){2}, 3150, REEVE_UNLIMITED, E));
	assert_ok(reeve_session_switch(c->r, id, (reeve_group_id){2}, 1, E));
	assert_true(quota(c->r, 1).group.v == 2);
	assert_true(group(c->r, 3).used_bytes == 0 && group(c->r, 3).sessions == 0);
	assert_true(group(c->r, 2).used_bytes == 3150 && group(c->r, 2).sessions == 1);
	assert_fails(reeve_memory_charge(s, PGA, 1, E), REEVE_ERESOURCE_EXHAUSTED, "INTERACTIVE");
	assert_clean(c->r);
	reeve_session_destroy(s);
	assert_true(group(c->r, 2).used_bytes == 0);
}

static void a_killed_session_s_memory_returns_once(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_allocation_id a = {0};

	assert_ok(reeve_memory_charge(s, PGA, 1000, E));
	assert_ok(reeve_memory_allocate(
		c->r, (reeve_pool_id){2}, 500, reeve_session_id_of(s), NULL, &a, E));
	assert_ok(reeve_session_kill(c->r, reeve_session_id_of(s), E));
	assert_true(stats(c->r).used_bytes == 0);
	assert_int_equal(core_segment(c->r).quotas, 1); /* its owner may still look there */
	assert_clean(c->r);
	assert_fails(reeve_memory_charge(s, PGA, 100000, E), REEVE_EKILLED, "session 1 was killed");
	assert_ok(reeve_memory_release(s, PGA, 1000, E));
	assert_true(stats(c->r).used_bytes == 0);
	assert_fails(hand(c->r, 1, PGA, 1), REEVE_EINVALID_STATE, "session 1 has ended");
	reeve_session_destroy(s);
	assert_int_equal(core_segment(c->r).quotas, 0);
	struct reeve_session *next = core_session(c->r, 3); /* in the same slots */
	assert_ok(reeve_memory_charge(next, PGA, 10, E));
	assert_true(quota(c->r, 2).pga_bytes == 10 && quota(c->r, 2).charges == 1);
	reeve_session_destroy(next);
}

static void a_quota_is_removed_when_nothing_is_charged(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);
	reeve_session_id id = reeve_session_id_of(s);

	assert_ok(set_quota(c->r, 1, 0, 5000, 5000));
	assert_ok(reeve_memory_charge(s, PGA, 100, E));
	assert_fails(reeve_memory_quota_remove(c->r, id, E), REEVE_ECONFLICT,
		"session 1 has memory charged to it");
	assert_ok(reeve_memory_release(s, PGA, 100, E));
	assert_ok(reeve_memory_quota_remove(c->r, id, E));
	assert_fails(reeve_memory_quota_remove(c->r, id, E), REEVE_ENOT_FOUND, "session 1");
	assert_true(stats(c->r).used_bytes == 0 && group(c->r, 3).sessions == 0);
	assert_clean(c->r);
	assert_ok(reeve_memory_charge(s, PGA, 6000, E)); /* with the defaults again */
	assert_true(quota(c->r, 1).max_pga_bytes == 100 * MIB);
	assert_true(quota(c->r, 1).pga_bytes == 6000 && group(c->r, 3).sessions == 1);
	reeve_session_destroy(s);
}

static void a_statement_s_end_returns_credit(void **state)
{
	struct core *c = *state;
	struct reeve_session *s = core_session(c->r, 3);

	assert_ok(reeve_query_begin(s, NULL, E));
	for (int i = 0; i < 20; i++)
		assert_ok(reeve_memory_charge(s, WORK, 100 * KIB, E));
	uint64_t refilled = quota(c->r, 1).credit_bytes;
	assert_true(refilled > 64 * KIB && refilled <= 1 * MIB);
	reeve_query_end(s, NULL);
	assert_true(quota(c->r, 1).credit_bytes == 64 * KIB);
	assert_true(quota(c->r, 1).work_area_bytes == 2000 * KIB);
	assert_true(pga_pool(c->r) == 2064 * KIB);
	assert_ok(reeve_memory_release(s, WORK, 2000 * KIB, E));
	assert_true(pga_pool(c->r) <= 2 * MIB + 64 * KIB);
	reeve_session_destroy(s);
}

static void lists_of_quotas_and_groups(void **state)
{
	struct core *c = *state;
	struct reeve_memory_quota_info quotas[8];
	struct reeve_memory_group_info groups[8];

	for (uint64_t i = 11; i <= 15; i++)
		assert_ok(set_quota(c->r, i, 2 + i % 2, 1000 * i, i));
	assert_int_equal(reeve_memory_quota_copy(
				 c->r, (reeve_session_id){0}, (reeve_group_id){0}, quotas, 8),
		5);
	assert_true(quotas[0].session.v == 11 && quotas[4].session.v == 15);
	assert_int_equal(reeve_memory_quota_copy(
				 c->r, (reeve_session_id){11}, (reeve_group_id){3}, quotas, 8),
		2);
	assert_true(quotas[0].session.v == 13 && quotas[0].max_pga_bytes == 13000);
	assert_int_equal(reeve_memory_group_copy(c->r, (reeve_group_id){1}, groups, 8), 3);
	assert_true(groups[0].group.v == 2 && groups[0].sessions == 2);
	assert_true(groups[1].group.v == 3 && groups[1].sessions == 3);
	for (uint64_t i = 11; i <= 15; i++)
		assert_ok(reeve_memory_quota_remove(c->r, (reeve_session_id){i}, E));
}

#define with_core(test) cmocka_unit_test_setup_teardown(test, core_setup, core_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_core(memory_05_session_memory_counts_in_pool_and_database),
		with_core(quotas_are_caps_and_equality_admits),
		with_core(a_lower_quota_binds_at_the_next_charge),
		with_core(memory_07_a_quota_set_again_keeps_usage),
		with_core(memory_06_the_group_s_limit_a_session_is_a_cap),
		with_core(the_plan_s_limit_a_session_counts),
		with_core(a_group_s_limit_is_over_all_its_sessions),
		with_core(a_session_s_own_pga_allocations_count_in_its_quota),
		with_core(release_gives_back_no_more_than_was_charged),
		with_core(memory_10_unknown_sessions_are_not_found),
		with_core(outside_engines_sessions_keep_their_ids),
		with_core(a_switch_takes_memory_along_or_does_not_happen),
		with_core(a_killed_session_s_memory_returns_once),
		with_core(a_quota_is_removed_when_nothing_is_charged),
		with_core(a_statement_s_end_returns_credit),
		with_core(lists_of_quotas_and_groups),
	};
	return cmocka_run_group_tests_name("memory_sessions", tests, NULL, NULL);
}
