/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu.h - what the files of the CPU domain share. All under the CPU lock; others use engine.h.
 */
#ifndef REEVE_ENGINE_CPU_H
#define REEVE_ENGINE_CPU_H

#include "engine.h"

/* ---- cpu.c ---- */

/* The group of a task; the first, and a degraded segment, when it names one that cannot exist. */
struct reeve_sh_group *reeve__cpu_group_of(const struct reeve__cpu_pass *x, uint32_t task);
/*
 * The group in which a task waits, runs and is charged: its own, or that of one that waits for what
 * it holds (cpu_boost.c).
 */
struct reeve_sh_group *reeve__cpu_lane_of(const struct reeve__cpu_pass *x, uint32_t task);
/* A lane: group slot and priority. */
#define REEVE__LANE(slot, priority) (((slot) + 1) << 3 | (priority))
#define REEVE__LANE_SLOT(lane)	    (((lane) >> 3) - 1)
#define REEVE__LANE_PRIORITY(lane)  ((lane)&7)
/* Tells beginners how many wait. */
void reeve__cpu_publish_contended(struct reeve__cpu_pass *x);

/* ---- cpu_caps.c ---- */

/* Puts a group where it belongs: idle, ready by age, or throttled by time. */
void reeve__cpu_place_group(struct reeve__cpu_pass *x, struct reeve_sh_group *g);
/* Makes every task that runs in a group (REEVE_NONE: in any) look at its next checkpoint. */
void reeve__cpu_nudge(struct reeve__cpu_pass *x, uint32_t group);
/* Instant at which a group's cap lets it go on, its bucket being as it is. */
uint64_t reeve__cpu_opens_at(const struct reeve__cpu_pass *x, const struct reeve_sh_group *g);
/* Takes use out of the buckets of a group's cap and of the plan's, as far as there are any. */
void reeve__cpu_take_tokens(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint64_t ns);
/* Brings a group's bucket to now, and its gate with it; the same for the plan's own cap. */
void reeve__cpu_look_at_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g);
void reeve__cpu_look_at_plan_cap(struct reeve__cpu_pass *x);
/* Opens the gates whose time has come. */
void reeve__cpu_release_throttled(struct reeve__cpu_pass *x);
/* EMPHASIS, and trees of plans: weights for those who want CPU now. At most every 10 ms. */
void reeve__cpu_solve_for_demand(struct reeve__cpu_pass *x);
/* Another cap of a group, with its bucket. */
void reeve__cpu_set_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t cap);
/* Whether tasks of a group wait, or have run a moment ago. */
bool reeve__cpu_wants(const struct reeve__cpu_pass *x, uint32_t group);

/* ---- cpu_tree.c ---- */

/* Weights and caps of all groups for who wants CPU now, under the tree of that ruling. */
void reeve__cpu_solve_tree(struct reeve__cpu_pass *x, const struct reeve__ruling_view *view);

/* ---- cpu_queue.c ---- */

/* Counts use towards the ages of a task and its lane. */
void reeve__cpu_age_task(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns);
/* Notes a wait in the histograms. */
void reeve__cpu_note_wait(struct reeve__cpu_pass *x, uint32_t task, uint64_t waited);
/* The wait is over, one way or the other: books it. */
void reeve__cpu_end_wait(struct reeve__cpu_pass *x, uint32_t task);

/* ---- cpu_policy.c ---- */

struct reeve_sh_cpu_lane *reeve__cpu_lane_row(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g);
/* Weights as the policy sees them. `pull`: of the group among pull tasks. */
uint32_t reeve__cpu_group_weight(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g, bool pull);
uint32_t reeve__cpu_task_weight(const struct reeve__cpu_pass *x, uint32_t task);
/* Priority 0 to 7 of a task, or of who waits for it when that is higher. */
uint32_t reeve__cpu_task_priority(const struct reeve__cpu_pass *x, uint32_t task);
/* Places in the queues: of a task in its lane, and of a group, by the task at its head. */
uint64_t reeve__cpu_task_key(const struct reeve__cpu_pass *x, uint32_t task);
uint64_t reeve__cpu_group_key(
	const struct reeve__cpu_pass *x, const struct reeve_sh_group *g, bool pull);
/* How far one may be behind another by right when both always want to run, in ns of use. */
uint64_t reeve__cpu_most_lag_ns(const struct reeve__cpu_pass *x);
/* Use, waited for or not, for the policies that remember or foresee it. */
void reeve__cpu_count_use(
	struct reeve__cpu_pass *x, struct reeve_sh_group *g, uint32_t task, uint64_t used_ns);
/* How much later in order the holder of a slot is than a task; above 0: it may be interrupted. */
int64_t reeve__cpu_excess(
	const struct reeve__cpu_pass *x, uint32_t task, uint32_t holder, uint64_t ran);
/* Whether the holder of a slot goes on although another of its rank is next. */
bool reeve__cpu_keeps_its_turn(
	const struct reeve__cpu_pass *x, uint32_t slot, uint32_t task, uint32_t next);
/* A task is about to get a slot, and its wait to be booked. */
void reeve__cpu_note_grant(struct reeve__cpu_pass *x, uint32_t task);
/*
 * Another policy is in force from here on: queues are rebuilt, and all are level. Catalog and session
 * lock held too, so that groups and tasks neither come nor go.
 */
void reeve__cpu_set_policy(struct reeve__cpu_pass *x, uint32_t policy);

/* ---- cpu_boost.c ---- */

/* The longest chain of tasks that wait for one another. */
#define REEVE__CHAIN_MAX 32

/*
 * A task waits for what another holds. 0; or, with nothing changed, how many tasks are in the ring that
 * would close, which are filled in; -1 when the chain would be too long.
 */
int reeve__boost_block(struct reeve__cpu_pass *x, uint32_t waiter, uint32_t holder,
	uint32_t ring[REEVE__CHAIN_MAX]);
/* It waits no longer, or never did. */
void reeve__boost_unblock(struct reeve__cpu_pass *x, uint32_t waiter);
/* A task is gone: nobody waits for it, and it for nobody. */
void reeve__boost_forget(struct reeve__cpu_pass *x, uint32_t task);
/* A task's own merit has changed: its lane, and those of the tasks it waits for. */
void reeve__boost_refresh(struct reeve__cpu_pass *x, uint32_t task);
/* Weights have changed, and with them what is the higher lane. Session lock held too. */
void reeve__boost_follow_ruling(struct reeve__cpu_pass *x);
/* Lists and lanes anew from who waits for whom. No task may be in a queue. */
void reeve__boost_rebuild(struct reeve__cpu_pass *x);
/* 0 when lists and lanes are in order, else what is wrong (1 lane, 2 list, 3 counts), and where. */
uint32_t reeve__boost_check(struct reeve__cpu_pass *x, uint32_t *ret_task);

#endif
