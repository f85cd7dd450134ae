/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.c - statistics of all modules at one moment, and rebalancing of all.
 *
 * For the statistics the locks of catalog, sessions, session pools, parallel control, memory, CPU and
 * I/O are taken in the order of their ranks and held together. Each module counts its own; only
 * statements, which begin and end without a lock, are counted here once more, sessions and CPU by the
 * same reading.
 */
#include "manager.h"

#include "io.h"
#include "memory.h"
#include "parallel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* The host is asked about memory at most this often; it takes system calls. */
#define HOST_PERIOD_NS ((uint64_t)1000000000)

/* ---- statistics ---- */

static void look_at_host(struct reeve *r)
{
	uint64_t now = (uint64_t)reeve__mono(r), last = reeve__get(&r->host_looked_ns);

	if (last && now - last < HOST_PERIOD_NS)
		return;
	reeve__put(&r->host_looked_ns, now);
	reeve__memory_host_look(r);
}

/* Statements under way and those that hold a CPU slot, by one look at each. */
static void count_statements(const struct reeve *r, struct reeve_stats *ret)
{
	uint32_t active = 0, running = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++) {
		const struct reeve_sh_task *t = &r->tasks[i];
		uint32_t phase = reeve__get(&t->phase), session = t->session;
		if (reeve__get(&t->head.state) != REEVE_SLOT_LIVE ||
			t->kind != REEVE_TASK_SESSION || session >= r->header->sessions.capacity ||
			r->sessions[session].task != i ||
			reeve__get(&r->sessions[session].head.state) != REEVE_SLOT_LIVE)
			continue;
		active += phase != REEVE_PHASE_IDLE && phase != REEVE_PHASE_DEAD;
		running += phase == REEVE_PHASE_WORK && reeve__cpu_holds(r, i);
	}
	active -= active < ret->sessions.current_queued ? active : ret->sessions.current_queued;
	ret->sessions.current_active = active;
	ret->cpu.running = running;
}

static void take_all(struct reeve *r, void *cpu_room, void *io_room, struct reeve_stats *ret)
{
	struct reeve__session_pool_pass pools;
	struct reeve__parallel_pass parallel;
	struct reeve__cpu_pass cpu;
	struct reeve__io_pass io;

	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__session_pool_begin(&pools, r);
	reeve__parallel_lock(&parallel, r);
	reeve__memory_lock(r);
	reeve__cpu_begin(&cpu, r);
	reeve__io_lock(&io, r);
	reeve__session_stats_locked(&pools, &ret->sessions);
	reeve__parallel_stats_locked(&parallel, &ret->parallel);
	reeve__memory_stats_locked(r, &ret->memory);
	reeve__cpu_stats_locked(&cpu, cpu_room, &ret->cpu);
	reeve__io_stats_locked(&io, io_room, &ret->io);
	count_statements(r, ret);
	ret->active_plan.v = reeve__get(&reeve__ruling_now(r).head->plan_id);
	ret->taken_wall = reeve__wall(r);
	reeve__io_unlock(&io);
	reeve__cpu_unlock(&cpu);
	reeve__memory_unlock(r);
	reeve__parallel_unlock(&parallel);
	reeve__session_pool_unlock(&pools);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__io_wake(&io);
	reeve__cpu_wake(&cpu);
	reeve__parallel_wake(&parallel);
	reeve__session_pool_wake(&pools);
}

int reeve__stats_get(struct reeve *r, struct reeve_stats *ret, struct reeve_error *err)
{
	size_t cpu = (reeve__cpu_stats_room(r) + 63) / 64 * 64;
	char *room = malloc(cpu + reeve__io_stats_room(r));
	uint64_t ppm;

	if (!room)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	look_at_host(r);
	take_all(r, room, room + cpu, ret);
	free(room);
	ppm = reeve__muldiv(ret->memory.used_bytes, REEVE_PPM, ret->memory.limit_bytes);
	ret->memory_usage_ppm = ppm > REEVE_PPM ? REEVE_PPM : (uint32_t)ppm;
	ret->memory_level = ret->memory.level;
	ret->uptime_ns = ret->taken_wall > r->header->created_wall
				 ? ret->taken_wall - r->header->created_wall
				 : 0;
	return 0;
}

/* ---- rebalancing ---- */

__attribute__((format(printf, 2, 3))) static void tell(
	struct reeve_rebalancing_report *to, const char *format, ...)
{
	va_list args;

	if (to->action_count == REEVE_REBALANCE_ACTIONS)
		return;
	va_start(args, format);
	vsnprintf(to->actions[to->action_count++], REEVE_REBALANCE_ACTION_MAX, format, args);
	va_end(args);
}

/* How many devices have another reading than before. */
static uint32_t measure_devices(struct reeve *r)
{
	uint64_t before[REEVE_SH_IO_DEVICES] = {0};
	struct reeve__io_pass x;
	uint32_t n = 0;

	reeve__io_lock(&x, r);
	for (uint32_t i = 0; i < x.io->devices && i < REEVE_SH_IO_DEVICES; i++)
		before[i] = r->io_devices[i].sampled_ns;
	reeve__io_sample(&x);
	for (uint32_t i = 0; i < x.io->devices && i < REEVE_SH_IO_DEVICES; i++)
		n += before[i] && before[i] != r->io_devices[i].sampled_ns;
	reeve__io_done(&x);
	return n;
}

static void tell_memory(struct reeve_rebalancing_report *to)
{
	for (uint32_t i = 0; i < to->recommendations; i++) {
		const struct reeve_memory_recommendation *m = &to->memory[i];
		if (!m->applied_bytes)
			continue;
		to->memory_pools++;
		tell(to, "memory pool %.64s goes from %llu to %llu bytes", m->pool_name,
			(unsigned long long)m->current_bytes, (unsigned long long)m->applied_bytes);
	}
}

int reeve__rebalance(struct reeve *r, struct reeve_rebalancing_report *ret, struct reeve_error *err)
{
	int n = reeve__cpu_rebalance(r, err);

	if (n < 0)
		return n;
	memset(ret, 0, sizeof(*ret));
	ret->taken_wall = reeve__wall(r);
	ret->cpu_groups = (uint32_t)n;
	if (n)
		tell(ret, "CPU weights of %d groups were put in force", n);
	ret->io_devices = measure_devices(r);
	if (ret->io_devices)
		tell(ret, "the load of %u I/O devices was measured", ret->io_devices);
	/* With room for all pools it cannot fail, and copies all there are. */
	n = reeve__memory_tune(r, true, ret->memory, REEVE_MEMORY_POOLS_MAX, err);
	if (n < 0)
		return n;
	ret->recommendations = (uint32_t)n;
	tell_memory(ret);
	return 0;
}
