/* SPDX-License-Identifier: Apache-2.0 */
/* accounts.c - see accounts.h. */
#include "accounts.h"

#include <inttypes.h>
#include <string.h>

#define MANY 4096

/* `left` must be `right`. */
static int same(const char *when, const char *what, uint64_t left, uint64_t right)
{
	if (left == right)
		return 0;
	printf("FAULT %s: %s: %" PRIu64 " against %" PRIu64 "\n", when, what, left, right);
	return 1;
}

static int sums(const struct reeve_stats *s, const char *when)
{
	const struct reeve_parallel_stats *p = &s->parallel;
	int faults = 0;

	faults += same(when, "sessions created are those ended and those there",
		s->sessions.created, s->sessions.terminated + s->sessions.current);
	faults += same(when, "I/O submitted is what is over, waits and is under way", s->io.total,
		s->io.completed + s->io.failed + s->io.cancelled + s->io.queued + s->io.active);
	faults += same(when, "bytes allocated are those freed and those in use",
		s->memory.allocated_bytes, s->memory.freed_bytes + s->memory.used_bytes);
	faults += same(when, "memory in use is of pools and of sessions", s->memory.used_bytes,
		s->memory.pool_bytes + s->memory.session_bytes);
	if (s->cpu.running > s->sessions.current_active)
		faults += same(when, "statements that run are of active sessions", s->cpu.running,
			s->sessions.current_active);
	if (p->pools == 0)
		faults += same(when, "servers are busy that are in use", p->busy_servers,
			p->current_total_dop);
	return faults;
}

int accounts_any_time(const struct reeve_stats *stats)
{
	return sums(stats, "under load");
}

/* What reeve counts lies between what was surely done and what was tried. */
static int bracket(const struct board *b, enum count_kind kind, uint64_t counted, const char *when,
	const char *what)
{
	uint64_t done = kit_get(&b->done[kind]), tried = kit_get(&b->tried[kind]);

	if (counted >= done && counted <= tried)
		return 0;
	printf("FAULT %s: %s: %" PRIu64 " counted, %" PRIu64 " done, %" PRIu64 " tried\n", when,
		what, counted, done, tried);
	return 1;
}

/* Statements that groups count as ended. */
static uint64_t statements_of_groups(struct reeve *r, uint64_t *ret_cpu_ns)
{
	static struct reeve_cpu_group_stats groups[128];
	uint32_t n = reeve_cpu_group_stats_copy(r, (reeve_group_id){0}, groups, 128);
	uint64_t ended = 0;

	*ret_cpu_ns = 0;
	for (uint32_t i = 0; i < n; i++) {
		ended += groups[i].queries;
		*ret_cpu_ns += groups[i].cpu_ns;
	}
	return ended;
}

/* The pool tree is what allocations and sessions hold. */
static int check_pools(struct reeve *r, const char *when)
{
	static struct reeve_allocation_info handles[MANY];
	static struct reeve_memory_quota_info quotas[MANY];
	struct reeve_pool_info pools[REEVE_MEMORY_POOLS_MAX];
	uint64_t want[REEVE_MEMORY_POOLS_MAX] = {0}, private_of_sessions = 0;
	uint32_t n = reeve_pool_copy(r, (reeve_pool_id){0}, pools, REEVE_MEMORY_POOLS_MAX);
	uint32_t live = reeve_allocation_copy(r, (reeve_allocation_id){0}, (reeve_pool_id){0},
		(reeve_session_id){0}, handles, MANY);
	uint32_t sessions = reeve_memory_quota_copy(
		r, (reeve_session_id){0}, (reeve_group_id){0}, quotas, MANY);
	int faults = 0;

	for (uint32_t k = 0; k < live; k++)
		for (uint64_t at = handles[k].pool.v; at;) {
			uint32_t i = 0;
			while (i < n && pools[i].id.v != at)
				i++;
			if (i == n)
				return faults + same(when, "an allocation's pool", at, 0);
			want[i] += handles[k].bytes;
			if (at == REEVE_POOL_PGA && handles[k].session.v)
				private_of_sessions += handles[k].bytes;
			at = pools[i].parent.v;
		}
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; pools[i].id.v == REEVE_POOL_PGA && k < sessions; k++)
			want[i] += quotas[k].pga_bytes + quotas[k].work_area_bytes +
				   quotas[k].credit_bytes;
		if (pools[i].id.v == REEVE_POOL_PGA) /* these are part of pga_bytes as well */
			want[i] -= private_of_sessions;
		faults += same(when, pools[i].name, pools[i].allocated_bytes, want[i]);
	}
	return faults;
}

/* Servers in use are what executions hold. */
static int check_servers(struct reeve *r, const struct reeve_stats *s, const char *when)
{
	static struct reeve_execution_info infos[MANY];
	uint32_t n = reeve_execution_copy(r, (reeve_execution_id){0}, 0, infos, MANY);
	uint32_t held = 0, queued = 0, executing = 0;

	for (uint32_t i = 0; i < n; i++) {
		held += infos[i].held_servers;
		queued += infos[i].state == REEVE_EXECUTION_QUEUED;
		executing += infos[i].state == REEVE_EXECUTION_INITIALIZING ||
			     infos[i].state == REEVE_EXECUTION_EXECUTING ||
			     infos[i].state == REEVE_EXECUTION_COMPLETING;
	}
	return same(when, "servers in use are those granted", s->parallel.current_total_dop, held) +
	       same(when, "executions in the queue", s->parallel.queued_now, queued) +
	       same(when, "executions that run", s->parallel.executing_now, executing);
}

int accounts_at_rest(struct reeve *r, const struct board *b, const char *when)
{
	struct reeve_stats s;
	uint64_t cpu_ns, ended = statements_of_groups(r, &cpu_ns);
	int faults = kit_faults(r, when) + kit_count_faults(r, when);

	if (reeve_stats_get(r, &s, NULL))
		return faults + 1;
	faults += sums(&s, when) + check_pools(r, when) + check_servers(r, &s, when);
	if (cpu_ns > s.cpu.cpu_ns) /* what deleted groups used is in the total alone */
		faults += same(when, "CPU of all groups", cpu_ns, s.cpu.cpu_ns);
	faults += bracket(b, COUNT_SESSIONS, s.sessions.created, when, "sessions");
	faults += bracket(b, COUNT_STATEMENTS, s.cpu.queries + s.cpu.queries_now, when,
		"statements ended and under way");
	if (ended > s.cpu.queries) /* those of deleted groups are in the total alone */
		faults += same(when, "statements of all groups", ended, s.cpu.queries);
	faults += bracket(b, COUNT_ALLOCATIONS, s.memory.allocations, when, "allocations");
	faults += bracket(b, COUNT_IO, s.io.total, when, "I/O requests");
	faults += bracket(b, COUNT_PARALLEL,
		s.parallel.completed + s.parallel.failed + s.parallel.queued_now +
			s.parallel.executing_now,
		when, "parallel requests");
	printf("%s: %" PRIu64 " steps; %" PRIu64 " sessions, %" PRIu64 " statements, %" PRIu64
	       " I/O requests, %" PRIu64 " allocations, %" PRIu64 " parallel; %.3f s of CPU\n",
		when, kit_get(&b->steps), s.sessions.created, s.cpu.queries, s.io.total,
		s.memory.allocations, kit_get(&b->done[COUNT_PARALLEL]), (double)cpu_ns / 1e9);
	return faults;
}

void accounts_clear(struct reeve *r)
{
	static struct reeve_memory_quota_info quotas[MANY];
	static struct reeve_task_info tasks[MANY];
	struct reeve_server_pool_info pools[16];
	uint32_t n = reeve_memory_quota_copy(
		r, (reeve_session_id){0}, (reeve_group_id){0}, quotas, MANY);

	for (uint32_t i = 0; i < n; i++)
		if (!quotas[i].is_registered)
			reeve_memory_quota_remove(r, quotas[i].session, NULL);
	n = reeve_task_copy(r, (reeve_task_id){0}, tasks, MANY);
	for (uint32_t i = 0; i < n; i++)
		reeve_task_complete(r, tasks[i].id, 0, NULL);
	n = reeve_server_pool_copy(r, (reeve_server_pool_id){0}, pools, 16);
	for (uint32_t i = 0; i < n; i++)
		reeve_server_pool_destroy(r, pools[i].id, NULL);
}

static int check_groups(struct reeve *r, const char *when)
{
	static struct reeve_group_stats groups[128];
	static struct reeve_memory_group_info memory[128];
	static struct reeve_parallel_group_info parallel[128];
	static struct reeve_io_group_stats io[128];
	struct reeve_session_pool_info pools[128];
	int n = reeve_group_stats_copy(r, (reeve_group_id){0}, groups, 128, NULL), faults = 0;
	uint32_t k = reeve_memory_group_copy(r, (reeve_group_id){0}, memory, 128);

	for (int i = 0; i < n; i++)
		faults += same(when, "of a group: sessions, statements and tasks",
			groups[i].current_sessions + groups[i].active_sessions +
				groups[i].outside_tasks,
			0);
	for (uint32_t i = 0; i < k; i++)
		faults += same(
			when, "memory of a group", memory[i].used_bytes + memory[i].sessions, 0);
	k = reeve_parallel_group_copy(r, (reeve_group_id){0}, parallel, 128);
	for (uint32_t i = 0; i < k; i++)
		faults += same(when, "parallel work of a group",
			parallel[i].in_use + parallel[i].executing + parallel[i].waiting, 0);
	k = reeve_io_group_stats_copy(r, (reeve_group_id){0}, io, 128);
	for (uint32_t i = 0; i < k; i++)
		faults += same(when, "I/O of a group", io[i].queued + io[i].active, 0);
	k = reeve_session_pool_copy(r, (reeve_group_id){0}, pools, 128);
	for (uint32_t i = 0; i < k; i++)
		faults += same(
			when, "places in a session pool", pools[i].active + pools[i].queued, 0);
	return faults;
}

int accounts_at_end(struct reeve *r, const char *when)
{
	struct reeve_cpu_slot_stats slots[8];
	struct reeve_segment_info g;
	struct reeve_stats s;
	uint32_t n = reeve_cpu_slot_stats_copy(r, slots, 8);
	int faults = kit_faults(r, when) + kit_count_faults(r, when) + check_groups(r, when);

	if (reeve_stats_get(r, &s, NULL))
		return faults + 1;
	reeve_segment_get(r, &g);
	faults += sums(&s, when);
	for (uint32_t i = 0; i < n && i < 8; i++)
		faults += same(when, "a CPU slot is busy", slots[i].is_busy, 0);
	const struct {
		const char *what;
		uint64_t is;
	} gauges[] = {
		{"statements under way", s.cpu.queries_now},
		{"tasks that run", s.cpu.running},
		{"tasks that wait", s.cpu.ready},
		{"sessions", s.sessions.current},
		{"active sessions", s.sessions.current_active},
		{"sessions in queues", s.sessions.current_queued},
		{"I/O requests in queues", s.io.queued},
		{"I/O requests under way", s.io.active},
		{"bytes in use", s.memory.used_bytes},
		{"allocations", s.memory.allocations - s.memory.deallocations},
		{"executions in the queue", s.parallel.queued_now},
		{"executions that run", s.parallel.executing_now},
		{"servers in use", s.parallel.current_total_dop},
		{"busy servers", s.parallel.busy_servers},
		{"slots of allocations", g.allocations},
		{"slots of quotas", g.quotas},
		{"slots of I/O requests", g.io_requests},
		{"slots of tasks", g.tasks},
		{"more than one attachment", g.attachments - 1},
	};
	for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		faults += same(when, gauges[i].what, gauges[i].is, 0);
	return faults;
}
