/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what exists: groups, user mappings, plans, directives, and the plan as compiled.
 *
 * Functions named ..._locked want the catalog lock; the others take it. Arguments were checked for
 * NULL by api/; everything else (ranges, names, existence) is checked here, before anything changes.
 * A change of a row is journaled: whoever dies in the middle leaves the old row.
 */
#ifndef REEVE_MODEL_MODEL_H
#define REEVE_MODEL_MODEL_H

#include "../policy/rule.h"
#include "../segment/segment.h"

/* The catalog lock, with what recovery needs. Rank CATALOG. */
void reeve__catalog_lock(struct reeve *r);
void reeve__catalog_unlock(struct reeve *r);
/* Undoes what was half done and rebuilds what is derived, as after the death of an owner. */
void reeve__catalog_recover_locked(struct reeve *r);

/* First rows of a new segment: system groups and plans, plan 1 in force. No lock: nobody sees it. */
int reeve__model_seed(struct reeve *r, reeve_ns now_wall, struct reeve_error *err);

/* Chains each plan's directives anew, for recovery. */
void reeve__directive_chain_locked(struct reeve *r);
/* Takes a directive out of its plan's chain and frees its slot. */
void reeve__directive_drop_locked(struct reeve *r, uint32_t slot);

/* Which definition a journal entry is of. */
enum {
	REEVE_JOURNAL_GROUP = 1,
	REEVE_JOURNAL_MAPPING,
	REEVE_JOURNAL_PLAN,
	REEVE_JOURNAL_DIRECTIVE,
	REEVE_JOURNAL_SCHEDULE,
	REEVE_JOURNAL_WINDOW
};
/* Keeps the row as it is, until commit. */
void reeve__journal_begin_locked(struct reeve *r, uint32_t table, uint32_t slot);
/* Puts the row back as it was, instead of commit. */
void reeve__journal_undo_locked(struct reeve *r);
/* The change is whole: counts it as a revision, which it returns. */
uint64_t reeve__journal_commit_locked(struct reeve *r);

struct reeve_sh_table *reeve__journal_table(struct reeve *r, uint32_t table);
/* Copies the definition in a row of that table, and nothing that lives beside it. */
void reeve__journal_copy(char *to, const char *from, uint32_t table);

/*
 * txn.c: a change of many rows. touch before a row is changed or freed, new after one is claimed:
 * both do nothing outside of such a change.
 */
bool reeve__txn_active(const struct reeve *r);
void reeve__txn_begin_locked(struct reeve *r);
void reeve__txn_touch_locked(struct reeve *r, uint32_t table, uint32_t slot);
void reeve__txn_new_locked(struct reeve *r, uint32_t table, uint32_t slot);
void reeve__txn_undo_locked(struct reeve *r);
/* Counts as one revision, which it returns; compiles what is in force. */
uint64_t reeve__txn_commit_locked(struct reeve *r);
/* The revision that a change makes; counted, but inside of a change of many rows not yet. */
uint64_t reeve__next_revision_locked(struct reeve *r);

/* An event of a definition, with its name; under the catalog lock, so in the order of changes. */
void reeve__model_event(struct reeve *r, uint32_t kind, reeve_group_id group, reeve_plan_id plan,
	uint64_t object, const char *text);

/* Groups. */
int reeve__group_create(struct reeve *r, const struct reeve_group_def *def, reeve_ns now_wall,
	reeve_group_id *ret_id, struct reeve_error *err);
int reeve__group_update(struct reeve *r, reeve_group_id id, uint32_t fields,
	const struct reeve_group_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err);
int reeve__group_get(struct reeve *r, reeve_group_id id, struct reeve_group_info *ret_info,
	struct reeve_error *err);
uint64_t reeve__group_default_get(struct reeve *r);
int reeve__group_default_set(struct reeve *r, reeve_group_id id, struct reeve_error *err);
uint32_t reeve__group_copy(
	struct reeve *r, reeve_group_id after, struct reeve_group_info *ret, uint32_t capacity);
/* Slot of a group, or NOT_FOUND. */
int reeve__group_slot_locked(
	struct reeve *r, reeve_group_id id, uint32_t *ret_slot, struct reeve_error *err);

/*
 * Completes a deletion that its deleter did not live to complete. For recovery, once tables are
 * rebuilt. Defined in engine/group_delete.c: it moves sessions, with their locks.
 */
void reeve__group_deletion_resume_locked(struct reeve *r);

/* lookup.c: without the lock, unless the index is just being changed. Bounded; see there. */
bool reeve__group_find(struct reeve *r, const char *name, reeve_group_id *ret_id);
/* Slot of a group that existed during the call; REEVE_NONE. It may be gone by the time of use. */
uint32_t reeve__group_lookup(struct reeve *r, reeve_group_id id);
/* Around any change of ids, names and chains of the table of groups. */
void reeve__group_index_begin_locked(struct reeve *r);
void reeve__group_index_end_locked(struct reeve *r);
/* Stores a group's name so that it may be read meanwhile. */
void reeve__group_name_put(struct reeve_sh_group *g, const char *name);

/* Users. */
int reeve__user_map(struct reeve *r, uint64_t user_id, const char *username, reeve_group_id group,
	bool is_permanent, reeve_ns expires_wall, reeve_ns now_wall, struct reeve_error *err);
int reeve__user_unmap(struct reeve *r, uint64_t user_id, struct reeve_error *err);
int reeve__user_get(
	struct reeve *r, uint64_t user_id, struct reeve_user_mapping *ret, struct reeve_error *err);
uint32_t reeve__user_copy(
	struct reeve *r, uint64_t after, struct reeve_user_mapping *ret, uint32_t capacity);
/* Group slot a user is mapped to at that time; REEVE_NONE. */
uint32_t reeve__user_group_locked(struct reeve *r, uint64_t user_id, reeve_ns now_wall);
/* Drops mappings whose time is over. Returns how many. */
uint32_t reeve__user_expire(struct reeve *r, reeve_ns now_wall);
/* Whether a user has a mapping that goes with his last session; and drops it. */
bool reeve__user_is_temporary_locked(const struct reeve *r, uint64_t user_id);
void reeve__user_forget_locked(struct reeve *r, uint64_t user_id);

/* INVALID_ARGUMENT naming field, value and range, unless low <= value <= high. */
int reeve__check_number(
	struct reeve_error *err, const char *field, uint64_t value, uint64_t low, uint64_t high);
/*
 * Assignment rules. A change is prepared without a lock: checked, encoded, and its zones loaded by the
 * caller into data[], one for each of zones.names.
 */
struct reeve__rule_change {
	uint32_t fields; /* REEVE_RULE_... that count */
	const struct reeve_rule_def *def;
	uint32_t words;
	uint32_t program[REEVE_SH_RULE_WORDS];
	struct reeve__rule_zones zones;
	struct reeve_sh_zone_data data[REEVE_RULE_ZONES_OF_ONE];
};
int reeve__rule_prepare(struct reeve__rule_change *change, const struct reeve_rule_def *def,
	uint32_t fields, struct reeve_error *err);
int reeve__rule_create(struct reeve *r, struct reeve__rule_change *change, reeve_ns now_wall,
	reeve_rule_id *ret_id, struct reeve_error *err);
int reeve__rule_update(struct reeve *r, reeve_rule_id id, struct reeve__rule_change *change,
	uint64_t expected_revision, reeve_ns now_wall, struct reeve_error *err);
int reeve__rule_destroy(struct reeve *r, reeve_rule_id id, struct reeve_error *err);
int reeve__rule_get(
	struct reeve *r, reeve_rule_id id, struct reeve_rule_info *ret, struct reeve_error *err);
uint32_t reeve__rule_copy(
	struct reeve *r, uint32_t from, struct reeve_rule_info *ret, uint32_t capacity);
int reeve__rule_condition_copy(struct reeve *r, reeve_rule_id id, struct reeve_condition_copy *ret,
	struct reeve_error *err);
/* The version of a rule that counts. */
struct reeve_sh_rule_version *reeve__rule_version(const struct reeve *r, uint32_t slot);
/* The time zone with that number, for the evaluation of conditions; NULL: none. `arg` is r. */
const struct reeve_sh_zone_data *reeve__rule_zone_at(void *arg, uint32_t n);
/* Counts a session that a rule has placed. */
void reeve__rule_count_match(struct reeve *r, uint32_t slot, reeve_ns now_wall);

/* rule_index.c: puts the rules in order, and builds their index anew. */
void reeve__rules_reindex_locked(struct reeve *r);
/* Checks it; a sentence about the first fault, or NULL. */
const char *reeve__rules_check_locked(const struct reeve *r);
/* Slot of the rule at a place in the order; REEVE_NONE behind the last. */
uint32_t reeve__rule_at_locked(const struct reeve *r, uint32_t place);
/*
 * A search for the first enabled rule that holds, in stretches, so that the lock can be let go
 * between them. Begin with all zeros. True: done, and `best` is its slot or REEVE_NONE. False: go
 * on, after letting go of the lock; when rules have changed meanwhile it starts over by itself.
 */
struct reeve__rule_search {
	uint64_t version;
	uint32_t next, place, best;
};
bool reeve__rules_search_locked(
	struct reeve *r, struct reeve__rule_input *input, struct reeve__rule_search *search);

/* Plans and directives. */
bool reeve__plan_is_active(const struct reeve *r, const struct reeve_sh_plan *p);
const struct reeve_directive_field *reeve__directive_field_at(uint32_t k);
/* Malformed or not; what else is wanted is looked at under the lock. */
int reeve__plan_check_def(
	const struct reeve_plan_def *def, uint32_t fields, struct reeve_error *err);
int reeve__directive_check_def(const struct reeve_directive_def *d, struct reeve_error *err);
/* The calls below without lock and check. */
int reeve__plan_create_locked(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err);
int reeve__plan_update_locked(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err);
int reeve__plan_delete_locked(
	struct reeve *r, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err);
int reeve__directive_set_locked(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_ns now_wall, reeve_directive_id *ret_id,
	struct reeve_error *err);
int reeve__directive_remove_locked(
	struct reeve *r, reeve_plan_id plan, reeve_group_id group, struct reeve_error *err);
int reeve__plan_create(struct reeve *r, const struct reeve_plan_def *def, reeve_ns now_wall,
	reeve_plan_id *ret_id, struct reeve_error *err);
int reeve__plan_update(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err);
int reeve__plan_get(
	struct reeve *r, reeve_plan_id id, struct reeve_plan_info *ret, struct reeve_error *err);
bool reeve__plan_find(struct reeve *r, const char *name, reeve_plan_id *ret_id);
uint32_t reeve__plan_copy(
	struct reeve *r, reeve_plan_id after, struct reeve_plan_info *ret, uint32_t capacity);
int reeve__plan_slot_locked(
	struct reeve *r, reeve_plan_id id, uint32_t *ret_slot, struct reeve_error *err);
int reeve__directive_set(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_ns now_wall, reeve_directive_id *ret_id,
	struct reeve_error *err);
int reeve__directive_update(struct reeve *r, reeve_directive_id id,
	const struct reeve_directive_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err);
int reeve__directive_destroy(struct reeve *r, reeve_directive_id id, struct reeve_error *err);
int reeve__directive_get(struct reeve *r, reeve_directive_id id, struct reeve_directive_info *ret,
	struct reeve_error *err);
int reeve__directive_copy(struct reeve *r, reeve_plan_id plan, reeve_directive_id after,
	struct reeve_directive_info *ret, uint32_t capacity, struct reeve_error *err);

/* The ruling: plans compiled. */
struct reeve__ruling_view {
	struct reeve_sh_ruling *head;
	struct reeve_sh_ruling_row *rows;
	uint64_t sequence;
};

/* A ratio's number in a ruling row is its shares or percent times this. */
#define REEVE__NUMBER_SCALE 1000u

/* The tree of a ruling; as many as head->nodes says. */
const struct reeve_sh_ruling_node *reeve__ruling_nodes(
	const struct reeve *r, const struct reeve__ruling_view *view);

/*
 * Rows of the share solver in scratch memory of the segment: n are group slots in use, and there is
 * room for a whole tree.
 */
struct reeve__shares {
	struct reeve_sh_share *rows;
	uint32_t n;
};

/* Scratch 0 belongs to the catalog lock, 1 to the CPU lock. */
struct reeve__shares reeve__shares_scratch(const struct reeve *r, uint32_t which);

/* The ruling in force. One acquire load; pairs with the release store that puts one in force. */
struct reeve__ruling_view reeve__ruling_now(const struct reeve *r);
/*
 * Whether what was read from a view is still of one piece. False only when three more rulings came
 * into force meanwhile: read again.
 */
bool reeve__ruling_holds(const struct reeve__ruling_view *view);
/* Why a plan is in force. A new activation ends explicit registrations. */
struct reeve__cause {
	uint32_t cause; /* enum reeve_plan_cause */
	uint64_t period;
	reeve_ns at_wall;
	bool new_activation;
};
/*
 * Compiles the plan of that slot and puts it in force, with its cause: NULL for the one that there
 * is. Cannot fail; takes O(groups + places in its tree).
 */
void reeve__ruling_compile_locked(
	struct reeve *r, uint32_t plan_slot, const struct reeve__cause *cause);
/* Compiles again what is in force, after a definition has changed. */
void reeve__ruling_refresh_locked(struct reeve *r);

int reeve__plan_activate(
	struct reeve *r, reeve_plan_id id, reeve_ns now_wall, struct reeve_error *err);
/* 0, or why the plan of a slot cannot be in force: CONFIGURATION. */
int reeve__plan_check_activation_locked(
	struct reeve *r, uint32_t plan_slot, struct reeve_error *err);
/* Follows schedules and windows when a second has passed; whether the plan was switched. */
bool reeve__plan_check_if_due(struct reeve *r, uint64_t mono_ns, reeve_ns now_wall);
int reeve__plan_delete(
	struct reeve *r, reeve_plan_id id, reeve_plan_id replacement, struct reeve_error *err);
/* Completes the change of several rows that was under way when its author died. */
void reeve__intent_complete_locked(struct reeve *r);
int reeve__plan_validate(struct reeve *r, reeve_plan_id id, struct reeve_plan_message *ret,
	uint32_t capacity, struct reeve_error *err);
int reeve__plan_entitlements(struct reeve *r, reeve_plan_id id, struct reeve_entitlement *ret,
	uint32_t capacity, struct reeve_error *err);
int reeve__cpu_register(struct reeve *r, reeve_group_id group, uint32_t shares, uint32_t cap_pct,
	struct reeve_error *err);
int reeve__cpu_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err);
/* Whether a group has an explicit registration in force. */
bool reeve__cpu_is_registered(const struct reeve *r, const struct reeve_sh_group *group);

/*
 * Sessions of outside engines, known by their ids alone. All under the session lock. note: this id is
 * never to be handed out; false when the table is full. skip: the next id that may be.
 */
bool reeve__external_session_is(const struct reeve *r, uint64_t id);
bool reeve__external_session_note(struct reeve *r, uint64_t id);
uint64_t reeve__external_session_skip(struct reeve *r);

/* Checks all definitions; calls found for each fault; returns how many. */
int reeve__model_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg);

#endif
