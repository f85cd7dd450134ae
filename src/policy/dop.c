/* SPDX-License-Identifier: Apache-2.0 */
/* dop.c - see dop.h. */
#include "dop.h"

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The steps never fall: each is at least what the one below gives. */
static uint32_t by_cost(uint32_t cores, uint64_t cost_milli)
{
	if (cost_milli == REEVE_UNLIMITED)
		return cores;
	if (cost_milli < UINT64_C(1000) * 1000)
		return 1;
	if (cost_milli < UINT64_C(10000) * 1000)
		return more(cores / 4, 2);
	if (cost_milli < UINT64_C(100000) * 1000)
		return more(cores / 2, 4);
	return more(cores, 4);
}

static uint32_t by_rows(uint32_t dop, uint64_t rows)
{
	uint64_t most = rows / REEVE__DOP_ROWS;

	return most < dop ? (uint32_t)most : dop;
}

static uint32_t by_load(uint32_t dop, uint32_t load_ppm)
{
	if (load_ppm > REEVE__DOP_LOAD_HIGH)
		return dop / 2;
	if (load_ppm > REEVE__DOP_LOAD_BUSY)
		return (uint32_t)((uint64_t)dop * 3 / 4);
	return dop;
}

uint32_t reeve__dop_auto(
	const struct reeve__dop_input *in, struct reeve__dop_step *ret_steps, uint32_t *ret_count)
{
	uint32_t dop = by_cost(in->cores, in->cost_milli), n = 0;

	for (uint32_t reason = REEVE__DOP_COST; reason < REEVE__DOP_REASONS; reason++) {
		uint32_t before = dop;
		switch (reason) {
		case REEVE__DOP_ROWS_FEW:
			dop = in->rows == REEVE_UNLIMITED ? dop : by_rows(dop, in->rows);
			break;
		case REEVE__DOP_LOAD:
			dop = by_load(dop, in->load_ppm);
			break;
		case REEVE__DOP_REQUESTED:
			dop = in->requested ? less(dop, in->requested) : dop;
			break;
		case REEVE__DOP_GROUP:
			dop = less(dop, in->group_limit);
			break;
		case REEVE__DOP_LEFT:
			dop = less(dop, in->left);
			break;
		case REEVE__DOP_IO:
			dop = less(dop, in->io_parallelism);
			break;
		default:
			break;
		}
		dop = more(dop, 1);
		if (ret_steps && (reason == REEVE__DOP_COST || dop != before))
			ret_steps[n++] = (struct reeve__dop_step){reason, dop};
	}
	if (ret_count)
		*ret_count = n;
	return dop;
}

uint32_t reeve__dop_adapt(const struct reeve__dop_running *in)
{
	uint32_t room = reeve__dop_servers(in->now) + in->free;
	uint32_t most = less(in->target, room > 1 ? room : 1);

	if (in->is_wanted || in->load_ppm > REEVE__DOP_LOAD_HIGH)
		return less(in->now, more(in->now / 2, in->least));
	if (in->load_ppm > REEVE__DOP_LOAD_BUSY || most <= in->now)
		return in->now;
	return in->now > most / 2 ? most : in->now * 2;
}
