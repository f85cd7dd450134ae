/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - see random.h. */
#include "random.h"

#include <math.h>

__extension__ typedef unsigned __int128 uint128;

/* Draws stop here (about 36 years), far above any duration of a scenario. */
#define LONGEST_NS 1e18

void sim_random_init(struct sim_random *random, uint64_t seed, uint64_t stream)
{
	random->state = seed;
	random->state = sim_random_next(random) ^ (stream * UINT64_C(0xd1342543de82ef95));
	(void)sim_random_next(random);
}

uint64_t sim_random_next(struct sim_random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

reeve_ns sim_random_between(struct sim_random *random, reeve_ns low, reeve_ns high)
{
	uint64_t span;

	if (high <= low)
		return low;
	span = (uint64_t)(high - low) + 1;
	return low + (reeve_ns)(((uint128)sim_random_next(random) * span) >> 64);
}

/* Uniform in (0, 1]. */
static double draw_unit(struct sim_random *random)
{
	return (double)((sim_random_next(random) >> 11) + 1) * 0x1p-53;
}

static reeve_ns to_ns(double ns)
{
	if (!(ns > 1.0))
		return 1;
	return ns > LONGEST_NS ? (reeve_ns)LONGEST_NS : (reeve_ns)ns;
}

reeve_ns sim_random_exponential(struct sim_random *random, reeve_ns mean)
{
	return to_ns(-log(draw_unit(random)) * (double)mean);
}

reeve_ns sim_random_lognormal(struct sim_random *random, reeve_ns median, double sigma)
{
	/* Box and Muller; the second variate is not kept, so a draw is always two numbers */
	double radius = sqrt(-2.0 * log(draw_unit(random)));
	double normal = radius * cos(6.283185307179586 * draw_unit(random));

	return to_ns(exp(sigma * normal) * (double)median);
}
