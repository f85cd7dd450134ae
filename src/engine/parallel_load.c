/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_load.c - the load of the machine, and how AUTOMATIC comes by its degree. */
#include "parallel.h"

#include "../policy/dop.h"

#include <stdio.h>

/* ---- load ---- */

/* A load that was set by hand counts for that long; measurements are that far apart. */
#define LOAD_SET_NS	((uint64_t)60 * 1000000000)
#define LOAD_MEASURE_NS ((uint64_t)1000000000)

/* Whether `then` lies less than `span` back. Clocks of an earlier boot lie ahead. */
static bool is_recent(uint64_t then, uint64_t now, uint64_t span)
{
	return then && then <= now && now - then < span;
}

static void measure(struct reeve *r, struct reeve_sh_parallel *p)
{
	uint64_t busy = 0, all = 0, busy_then, all_then;

	if (!r->host->cpu_times || !r->host->cpu_times(r->host->self, &busy, &all)) {
		reeve__put(&p->load_ppm, 0);
		return;
	}
	busy_then = atomic_exchange(&p->load_busy, busy);
	all_then = atomic_exchange(&p->load_all, all);
	if (all_then == 0 || all <= all_then || busy < busy_then)
		reeve__put(&p->load_ppm, 0); /* the first time, or after a boot */
	else
		reeve__put(&p->load_ppm,
			(uint32_t)reeve__muldiv(busy - busy_then < all - all_then ? busy - busy_then
										  : all - all_then,
				REEVE_PPM, all - all_then));
}

uint32_t reeve__parallel_load(struct reeve *r, reeve_ns now_mono)
{
	struct reeve_sh_parallel *p = r->parallel;
	uint64_t now = (uint64_t)now_mono, taken = reeve__get(&p->load_taken_ns);

	if (is_recent(reeve__get(&p->load_set_ns), now, LOAD_SET_NS) ||
		is_recent(taken, now, LOAD_MEASURE_NS))
		return reeve__get(&p->load_ppm);
	/* One of those who find it due measures. */
	if (atomic_compare_exchange_strong(&p->load_taken_ns, &taken, now))
		measure(r, p);
	return reeve__get(&p->load_ppm);
}

void reeve__parallel_load_set(struct reeve *r, uint32_t ppm, reeve_ns now)
{
	reeve__put(&r->parallel->load_ppm, ppm);
	reeve__put(&r->parallel->load_set_ns, (uint64_t)now);
}

/* ---- the degree explained ---- */

static void explain(const struct reeve__dop_step *step, const struct reeve__dop_input *in,
	struct reeve_dop_step *ret)
{
	unsigned long long cost = in->cost_milli / 1000, rows = in->rows;
	char *to = ret->text;
	size_t size = sizeof(ret->text);

	ret->dop = step->dop;
	switch (step->reason) {
	case REEVE__DOP_COST:
		if (in->cost_milli == REEVE_UNLIMITED)
			snprintf(to, size, "no cost given, %u cores: %u", in->cores, step->dop);
		else
			snprintf(to, size, "cost %llu.%03u, %u cores: %u", cost,
				(unsigned)(in->cost_milli % 1000), in->cores, step->dop);
		break;
	case REEVE__DOP_ROWS_FEW:
		snprintf(to, size, "%llu rows, %u a server: %u", rows, (unsigned)REEVE__DOP_ROWS,
			step->dop);
		break;
	case REEVE__DOP_LOAD:
		snprintf(to, size, "system load %u.%03u: %u", in->load_ppm / REEVE_PPM,
			in->load_ppm % REEVE_PPM / 1000, step->dop);
		break;
	case REEVE__DOP_REQUESTED:
		snprintf(to, size, "requested %u: %u", in->requested, step->dop);
		break;
	case REEVE__DOP_GROUP:
		snprintf(to, size, "limit of the group %u: %u", in->group_limit, step->dop);
		break;
	case REEVE__DOP_LEFT:
		snprintf(to, size, "%u servers left: %u", in->left, step->dop);
		break;
	default:
		snprintf(to, size, "I/O parallelism %u: %u", in->io_parallelism, step->dop);
	}
}

int reeve__parallel_auto_dop(struct reeve *r, reeve_group_id group, uint32_t requested,
	uint64_t cost_milli, uint64_t rows, struct reeve_auto_dop *ret, struct reeve_error *err)
{
	struct reeve__dop_step steps[REEVE__DOP_REASONS];
	struct reeve__parallel_limits limits = {.degree = UINT32_MAX, .servers = UINT32_MAX};
	struct reeve__dop_input in = {
		.requested = requested, .cost_milli = cost_milli, .rows = rows};
	struct reeve__parallel_pass x;
	uint32_t slot = REEVE_NONE;
	int rc = 0;

	if (requested > REEVE_PARALLEL_DOP_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"requestedDop is %u; allowed are 0 to %u", requested,
			REEVE_PARALLEL_DOP_MAX);
	in.load_ppm = reeve__parallel_load(r, reeve__mono(r));
	reeve__catalog_lock(r);
	if (group.v)
		rc = reeve__group_slot_locked(r, group, &slot, err);
	if (!rc) {
		reeve__parallel_lock(&x, r);
		if (group.v)
			limits = reeve__parallel_limits_of(&x, slot);
		in.cores = x.config->cpu_cores;
		in.io_parallelism = x.config->io_parallelism;
		in.group_limit = limits.degree < limits.servers ? limits.degree : limits.servers;
		in.left = x.config->max_total_dop > x.p->in_use
				  ? x.config->max_total_dop - x.p->in_use
				  : 0;
		reeve__parallel_unlock(&x);
	}
	reeve__catalog_unlock(r);
	if (rc)
		return rc;
	memset(ret, 0, sizeof(*ret));
	ret->dop = reeve__dop_auto(&in, steps, &ret->step_count);
	for (uint32_t k = 0; k < ret->step_count; k++)
		explain(&steps[k], &in, &ret->steps[k]);
	return 0;
}
