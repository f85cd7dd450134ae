/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - running a scenario: the real library, on a simulated machine.
 *
 * A run has one process for the housekeeping (opens the segment, sets up groups and plans, ticks,
 * carries out the events) and one for each process of the scenario, whose threads are the clients.
 */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "measure.h"
#include "scenario.h"

/*
 * Runs it to the end. Returns 0 and fills *ret_outcome, to be given to outcome_fini; or -1 with a
 * sentence in `error` of SCN_ERROR_MAX bytes when it could not be run at all.
 */
int run_scenario(const struct scenario *scenario, struct outcome *ret_outcome, char *error);
void outcome_fini(struct outcome *outcome);

#endif
