/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - the simulator's only source of chance: seeded streams, the same on every machine.
 *
 * splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Each
 * client has a stream of its own, so that adding one does not change what the others draw.
 */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdint.h>

#include <reeve/types.h>

struct sim_random {
	uint64_t state;
};

/* A stream named by (seed, stream): different pairs are independent. */
void sim_random_init(struct sim_random *random, uint64_t seed, uint64_t stream);
uint64_t sim_random_next(struct sim_random *random);
/* Uniform in [low, high], both included; low when high < low. */
reeve_ns sim_random_between(struct sim_random *random, reeve_ns low, reeve_ns high);
/* Exponential with this mean; at least 1. */
reeve_ns sim_random_exponential(struct sim_random *random, reeve_ns mean);
/* Lognormal with this median, and sigma of the logarithm; at least 1. */
reeve_ns sim_random_lognormal(struct sim_random *random, reeve_ns median, double sigma);

#endif
