/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wfq.h - the weighted fair queueing policy: whoever would be done first, were the machine shared
 * as the weights say, runs first.
 *
 * Weighted fair queueing (Demers, Keshav, Shenker 1989; Parekh, Gallager 1993) with start times as
 * virtual clock (Goyal, Vin, Cheng 1996), in two levels: groups by their weight, and in each its
 * tasks by the weight of their priority. An entity's virtual finish is its age (policy/fair.h) plus
 * what is left of the estimated cost of its statement over its weight. It does not move while the
 * statement runs: what age gains the rest loses. So statements run to their end, the short before
 * the long, and a statement waits for no more than what the estimates before it say.
 *
 * Estimates may lie. Who has used up his goes on with another, of at most a quantum, and so has the
 * virtual finish that a right estimate would have given him, in pieces. An estimate counts up to
 * REEVE_WFQ_COST_MAX_NS: that bounds how long others are served before a long statement of an equal
 * weight begins.
 *
 * Worked: weights are equal; a report of 800 ms and a look-up of 2 ms come at once to idle groups.
 * Virtual finishes are 800 and 2: the look-up runs first. After 100 ms of the report another look-up
 * comes, of the same group as the first, whose age has been pulled level with the report's start:
 * it interrupts.
 */
#ifndef REEVE_POLICY_WFQ_H
#define REEVE_POLICY_WFQ_H

#include "fair.h"

#define REEVE_WFQ_COST_MAX_NS ((uint64_t)1000000000)
/* A cost below this is taken for it: what starting a statement costs in any case. */
#define REEVE_WFQ_COST_MIN_NS ((uint64_t)10000)

/* A cost as it counts. */
static inline uint64_t reeve__wfq_cost_ns(uint64_t estimate_ns)
{
	if (estimate_ns < REEVE_WFQ_COST_MIN_NS)
		return REEVE_WFQ_COST_MIN_NS;
	return estimate_ns < REEVE_WFQ_COST_MAX_NS ? estimate_ns : REEVE_WFQ_COST_MAX_NS;
}

/*
 * The estimate of a statement that came without one: the mean of the session's statements so far,
 * else of its group's, else a quantum.
 */
static inline uint64_t reeve__wfq_guess_ns(uint64_t session_ns, uint64_t session_statements,
	uint64_t group_ns, uint64_t group_statements, uint64_t quantum_ns)
{
	if (session_statements)
		return reeve__wfq_cost_ns(session_ns / session_statements);
	if (group_statements)
		return reeve__wfq_cost_ns(group_ns / group_statements);
	return reeve__wfq_cost_ns(quantum_ns);
}

/* What is left of a cost after `ns` more of use; a new piece when nothing is. */
static inline uint64_t reeve__wfq_rest_ns(
	uint64_t rest_ns, uint64_t cost_ns, uint64_t ns, uint64_t quantum_ns)
{
	uint64_t piece = cost_ns < quantum_ns ? cost_ns : quantum_ns;

	if (ns < rest_ns)
		return rest_ns - ns;
	if (piece == 0)
		return 1;
	return piece - (ns - rest_ns) % piece;
}

/* Virtual finish: age plus rest over weight. */
static inline uint64_t reeve__wfq_finish(uint64_t age, uint64_t rest_ns, uint32_t weight_ppm)
{
	return age + reeve__fair_age(rest_ns, weight_ppm);
}

#endif
