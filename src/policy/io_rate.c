/* SPDX-License-Identifier: Apache-2.0 */
/* io_rate.c - see io_rate.h. */
#include "io_rate.h"

/* 2^-(i/64) in 2^-32, for i = 0 to 64. */
static const uint64_t powers[65] = {
	4294967296,
	4248701965u,
	4202935003u,
	4157661043u,
	4112874773u,
	4068570940u,
	4024744348u,
	3981389855u,
	3938502376u,
	3896076880u,
	3854108391u,
	3812591987u,
	3771522796u,
	3730896002u,
	3690706840u,
	3650950594u,
	3611622603u,
	3572718252u,
	3534232978u,
	3496162267u,
	3458501653u,
	3421246719u,
	3384393094u,
	3347936457u,
	3311872529u,
	3276197082u,
	3240905930u,
	3205994934u,
	3171459999u,
	3137297074u,
	3103502151u,
	3070071267u,
	3037000500u,
	3004285971u,
	2971923842u,
	2939910317u,
	2908241642u,
	2876914102u,
	2845924021u,
	2815267765u,
	2784941738u,
	2754942382u,
	2725266179u,
	2695909648u,
	2666869345u,
	2638141863u,
	2609723834u,
	2581611923u,
	2553802834u,
	2526293303u,
	2499080105u,
	2472160047u,
	2445529972u,
	2419186755u,
	2393127307u,
	2367348571u,
	2341847524u,
	2316621173u,
	2291666561u,
	2266980759u,
	2242560872u,
	2218404036u,
	2194507417u,
	2170868212u,
	2147483648u,
};

uint64_t reeve__io_decay(uint64_t value, uint64_t ns)
{
	uint64_t halves = ns / REEVE_IO_HALF_LIFE_NS, rest = ns % REEVE_IO_HALF_LIFE_NS;
	uint64_t at, part, factor;

	if (halves >= 63)
		return 0;
	/* Straight between two points of the table: off by (ln 2 / 64)^2 / 8 at most, 1.5e-5. */
	at = rest * 64 / REEVE_IO_HALF_LIFE_NS;
	part = rest * 64 % REEVE_IO_HALF_LIFE_NS;
	factor = powers[at] - (powers[at] - powers[at + 1]) * part / REEVE_IO_HALF_LIFE_NS;
	return reeve__mulq32(value, factor) >> halves;
}
