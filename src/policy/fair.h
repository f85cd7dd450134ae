/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fair.h - the completely fair policy: arithmetic of virtual runtime in two levels.
 *
 * As in Linux's CFS (Documentation/scheduler/sched-design-CFS) and start-time fair queueing (Goyal,
 * Vin, Cheng 1996): whoever uses d nanoseconds at weight w gets d * 2^20 / w older; the youngest
 * runs next. Groups age by their share of the machine, tasks inside a group by the weight of their
 * priority.
 *
 * Worked: groups of 750,000 and 250,000 ppm each use 30 ms: they age by 41,943,040 and 125,829,120.
 *
 * All ages are points of a wrapping 64-bit clock and are compared by signed difference. With the
 * smallest weight, 1 ppm, the clock laps after 8,800 s of one group's lead, which `clamp` prevents.
 */
#ifndef REEVE_POLICY_FAIR_H
#define REEVE_POLICY_FAIR_H

#include "../base/base.h"

#define REEVE_FAIR_SHIFT 20

/* How much older `ns` of use makes an entity of weight `weight_ppm` (at least 1). */
static inline uint64_t reeve__fair_age(uint64_t ns, uint32_t weight_ppm)
{
	return reeve__muldiv(ns, (uint64_t)1 << REEVE_FAIR_SHIFT, weight_ppm ? weight_ppm : 1);
}

/*
 * CPU that an entity may be behind when it comes back from sleep, in ns: enough for a short
 * statement to be served at once, far too little to be a hoard. A tenth of the quantum, at most
 * 5 ms.
 */
static inline uint64_t reeve__fair_credit_ns(uint64_t quantum_ns)
{
	uint64_t credit = quantum_ns / 10;
	return credit > 5000000u ? 5000000u : credit;
}

/* Lead a newcomer needs over a running task before that is interrupted, ns: a fifth of the credit. */
static inline uint64_t reeve__fair_grain_ns(uint64_t quantum_ns)
{
	return reeve__fair_credit_ns(quantum_ns) / 5;
}

/*
 * The age with which an entity joins those who wait: its own, but at most `credit` behind the
 * virtual clock and at most `lead` before it.
 */
static inline uint64_t reeve__fair_join(
	uint64_t own, uint64_t clock, uint64_t credit_age, uint64_t lead_age)
{
	if (reeve__before(own, clock - credit_age))
		return clock - credit_age;
	if (reeve__before(clock + lead_age, own))
		return clock + lead_age;
	return own;
}

/* Weight of a task's priority 0 to 7, in ppm of 1.0. */
static inline uint32_t reeve__fair_priority_weight(uint32_t priority)
{
	static const uint32_t weights[8] = {
		4000000, 3000000, 2500000, 2000000, 1500000, 1200000, 1000000, 800000};
	return weights[priority & 7];
}

/* Turns that groups take in the time of one quantum, so that shares hold within a second. */
#define REEVE_FAIR_TURNS 4u

/*
 * How long a task may run before it is compared again. The quantum, when only its own group wants
 * CPU; else a quarter of the quantum in proportion to its group's part of all who want to run, so
 * that small shares come in small pieces; at least 2 ms, or the quantum when that is less.
 */
static inline uint64_t reeve__fair_slice_ns(
	uint64_t quantum_ns, uint32_t weight_ppm, uint64_t all_weights_ppm)
{
	uint64_t least = quantum_ns < 2000000u ? quantum_ns : 2000000u;
	uint64_t slice;

	if (all_weights_ppm <= weight_ppm)
		return quantum_ns;
	slice = reeve__muldiv(quantum_ns / REEVE_FAIR_TURNS, weight_ppm, all_weights_ppm);
	return slice < least ? least : slice;
}

#endif
