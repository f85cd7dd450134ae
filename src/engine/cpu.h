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
/* Tells beginners how many wait. */
void reeve__cpu_publish_contended(struct reeve__cpu_pass *x);

/* ---- cpu_caps.c ---- */

/* Puts a group where it belongs: idle, ready by age, or throttled by time. */
void reeve__cpu_place_group(struct reeve__cpu_pass *x, struct reeve_sh_group *g);
/* Makes every task that runs in a group (REEVE_NONE: in any) look at its next checkpoint. */
void reeve__cpu_nudge(struct reeve__cpu_pass *x, uint32_t group);
/* Brings a group's bucket to now, and its gate with it; the same for the plan's own cap. */
void reeve__cpu_look_at_cap(struct reeve__cpu_pass *x, struct reeve_sh_group *g);
void reeve__cpu_look_at_plan_cap(struct reeve__cpu_pass *x);
/* Opens the gates whose time has come. */
void reeve__cpu_release_throttled(struct reeve__cpu_pass *x);
/* EMPHASIS: weights for those who want CPU now. At most every 10 ms. */
void reeve__cpu_solve_for_demand(struct reeve__cpu_pass *x);

/* ---- cpu_queue.c ---- */

uint32_t reeve__cpu_task_weight(const struct reeve_sh_task *t);
/* Counts use towards the ages of a task and its group. */
void reeve__cpu_age_task(struct reeve__cpu_pass *x, uint32_t task, uint64_t ns);
/* The wait is over, one way or the other: books it. */
void reeve__cpu_end_wait(struct reeve__cpu_pass *x, uint32_t task);

#endif
