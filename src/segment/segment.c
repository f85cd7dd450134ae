/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment.c - creating, checking and mapping the segment.
 *
 * Creation is invisible until it is complete: the file is made under a temporary name and linked to
 * its own name once its first rows are in. A file is trusted only after its header agrees, number by
 * number, with the layout that this build would compute from the same capacities.
 */
#include "segment.h"

#include "signature.inc"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct capacities {
	uint32_t attachments, groups, mappings, plans, directives, sessions, tasks, cpu_slots;
	uint32_t schedules, windows, edit_ops;
	uint32_t events;
	uint32_t quotas, allocations, externals;
	uint32_t io_requests;
	uint32_t executions, servers, pools;
	uint32_t rules;
};

static uint64_t page_up(uint64_t n)
{
	return (n + 4095u) & ~UINT64_C(4095);
}

/* Tables begin with a cache line; what of them is in use shares pages, of which an empty segment has few. */
static uint64_t line_up(uint64_t n)
{
	return (n + 63u) & ~UINT64_C(63);
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 16;

	while (p < n)
		p *= 2;
	return p;
}

/* From `end` on, a place for so many bytes in use from the start, on no page more than they need. */
static uint64_t unbroken(uint64_t end, uint64_t bytes)
{
	return end % 4096 + bytes > page_up(bytes) ? page_up(end) : end;
}

/* Places one table at *end and moves it on. Buckets of names are used all over. */
static void place_table(struct reeve_sh_table *table, uint32_t capacity, size_t stride,
	bool has_names, uint64_t *end)
{
	*table = (struct reeve_sh_table){
		.capacity = capacity,
		.stride = (uint32_t)stride,
		.slots = *end,
		.bucket_count = power_of_two(capacity),
		.has_names = has_names,
		.free = REEVE_NONE,
		.ended_first = REEVE_NONE,
		.ended_last = REEVE_NONE,
	};
	*end = line_up(*end + (uint64_t)capacity * stride);
	if (has_names)
		*end = unbroken(*end, (uint64_t)table->bucket_count * 2 * sizeof(uint32_t));
	table->buckets = *end;
	*end = line_up(
		*end + (uint64_t)table->bucket_count * (has_names ? 2 : 1) * sizeof(uint32_t));
}

/* Rules, their zones and their index, behind *end. */
static void compute_rules_layout(uint32_t rules, struct reeve_sh_groups_domain *d, uint64_t *end)
{
	struct reeve_sh_rule_index *x = &d->index;

	place_table(&d->rules, rules, sizeof(struct reeve_sh_rule), false, end);
	place_table(&d->zones, REEVE_SH_ZONES, sizeof(struct reeve_sh_zone), true, end);
	x->order = *end;
	x->generals = *end = page_up(*end + (uint64_t)rules * sizeof(uint32_t));
	x->buckets = *end = page_up(*end + (uint64_t)rules * sizeof(struct reeve_sh_rule_general));
	x->entry_count = rules * REEVE_SH_RULE_ENTRIES;
	x->bucket_count = power_of_two(x->entry_count);
	x->entry = *end = page_up(*end + (uint64_t)x->bucket_count * sizeof(uint32_t));
	*end = page_up(*end + (uint64_t)x->entry_count * sizeof(struct reeve_sh_rule_entry));
}

static bool same_rules_layout(
	const struct reeve_sh_groups_domain *a, const struct reeve_sh_groups_domain *b)
{
	return a->index.order == b->index.order && a->index.generals == b->index.generals &&
	       a->index.buckets == b->index.buckets && a->index.entry == b->index.entry &&
	       a->index.bucket_count == b->index.bucket_count &&
	       a->index.entry_count == b->index.entry_count;
}

/* Fills all that follows from the capacities: offsets, strides, size. */
static void compute_layout(const struct capacities *c, struct reeve_sh_header *h)
{
	uint64_t places = reeve__tree_capacity(c->groups, c->directives);
	uint64_t end = line_up(sizeof(struct reeve_sh_header));

	h->magic = REEVE_SH_MAGIC;
	h->format = REEVE_SH_FORMAT;
	h->signature = REEVE_SH_SIGNATURE;
	/* what is one of its kind, and in use from the start, lies together */
	h->cpu_slots = end;
	end = line_up(end + (uint64_t)c->cpu_slots * sizeof(struct reeve_sh_cpu_slot));
	h->session_domain = end;
	end = line_up(end + sizeof(struct reeve_sh_session_domain));
	h->memory = end;
	end = line_up(end + sizeof(struct reeve_sh_memory));
	h->parallel = end;
	end = line_up(end + sizeof(struct reeve_sh_parallel));
	h->cpu_more.slot_ns = end;
	end = line_up(end + (uint64_t)c->cpu_slots * sizeof(uint64_t));
	place_table(
		&h->attachments, c->attachments, sizeof(struct reeve_sh_attachment), false, &end);
	h->planning.switches = end;
	end = line_up(end + REEVE_SH_SWITCHES * sizeof(struct reeve_sh_plan_switch));
	end = unbroken(end, 4 * sizeof(struct reeve_sh_group)); /* the system's own */
	place_table(&h->groups, c->groups, sizeof(struct reeve_sh_group), true, &end);
	place_table(&h->mappings, c->mappings, sizeof(struct reeve_sh_mapping), false, &end);
	end = unbroken(end, 4 * sizeof(struct reeve_sh_plan));
	place_table(&h->plans, c->plans, sizeof(struct reeve_sh_plan), true, &end);
	place_table(&h->directives, c->directives, sizeof(struct reeve_sh_directive), false, &end);
	place_table(&h->sessions, c->sessions, sizeof(struct reeve_sh_session), false, &end);
	place_table(&h->tasks, c->tasks, sizeof(struct reeve_sh_task), false, &end);
	h->rulings = end;
	end = line_up(
		end + REEVE_SH_RULINGS * (sizeof(struct reeve_sh_ruling) +
						 c->groups * sizeof(struct reeve_sh_ruling_row) +
						 places * sizeof(struct reeve_sh_ruling_node)));
	h->scratch = end;
	end = line_up(end + 2u * places * REEVE_SH_SHARE_BYTES);
	place_table(&h->schedules, c->schedules, sizeof(struct reeve_sh_period), false, &end);
	place_table(&h->windows, c->windows, sizeof(struct reeve_sh_period), false, &end);
	h->edit.max_ops = c->edit_ops;
	h->edit.ops = end;
	end = line_up(end + c->edit_ops * sizeof(struct reeve_sh_edit_op));
	h->edit.undo = end; /* every row that can change, once */
	end = line_up(end + ((uint64_t)c->plans + c->directives + c->schedules + c->windows) *
				    sizeof(struct reeve_sh_undo));
	h->session_pools = end;
	end = line_up(end + (uint64_t)c->groups * sizeof(struct reeve_sh_session_pool));
	h->events.ring = end;
	h->events.capacity = c->events;
	end = line_up(end + (uint64_t)c->events * sizeof(struct reeve_sh_event));
	place_table(&h->quotas, c->quotas, sizeof(struct reeve_sh_quota), false, &end);
	place_table(
		&h->allocations, c->allocations, sizeof(struct reeve_sh_allocation), false, &end);
	place_table(&h->externals, c->externals, sizeof(struct reeve_sh_external), false, &end);
	h->memory_groups = end;
	end = line_up(end + (uint64_t)c->groups * sizeof(struct reeve_sh_memory_group));
	h->session_texts = end;
	end = line_up(end + (uint64_t)c->sessions * 2 * REEVE_SH_SESSION_LONG_TEXT);
	h->quota_of_session = end;
	end = line_up(end + (uint64_t)c->sessions * sizeof(uint32_t));
	h->samplers = end;
	end = line_up(end + (uint64_t)REEVE_SH_POOLS * REEVE_SH_SHARDS_BYTES);
	place_table(
		&h->io.requests, c->io_requests, sizeof(struct reeve_sh_io_request), false, &end);
	place_table(&h->io.executors, REEVE_SH_IO_EXECUTORS, sizeof(struct reeve_sh_io_executor),
		false, &end);
	h->io.slots = end;
	end = line_up(end + REEVE_SH_IO_SLOTS * sizeof(struct reeve_sh_io_slot));
	h->io.groups = end;
	end = line_up(end + (uint64_t)c->groups * sizeof(struct reeve_sh_io_group));
	h->io.device_rows = end;
	end = line_up(end + REEVE_SH_IO_DEVICES * sizeof(struct reeve_sh_io_device));
	place_table(&h->executions, c->executions, sizeof(struct reeve_sh_execution), false, &end);
	place_table(&h->servers, c->servers, sizeof(struct reeve_sh_server), false, &end);
	place_table(&h->pools, c->pools, sizeof(struct reeve_sh_server_pool), false, &end);
	h->parallel_groups = end;
	end = line_up(end + (uint64_t)c->groups * sizeof(struct reeve_sh_parallel_group));
	h->parallel_sessions = end;
	end = line_up(end + (uint64_t)c->sessions * sizeof(uint32_t));
	/* a session has one under way at most; those that have ended make room */
	place_table(&h->admissions, c->sessions, sizeof(struct reeve_sh_admission), false, &end);
	end = page_up(end);
	compute_rules_layout(c->rules, &h->groups_domain, &end);
	h->cpu_more.tasks = end;
	end = line_up(end + (uint64_t)c->tasks * sizeof(struct reeve_sh_cpu_task));
	h->cpu_more.lanes = end;
	end = line_up(end + ((uint64_t)c->groups + 1) * sizeof(struct reeve_sh_cpu_lane));
	h->size = page_up(end);
	reeve__put(&h->cpu.slots, c->cpu_slots);
}

static int check_range(struct reeve_error *err, const char *name, uint32_t value, uint32_t max)
{
	if (value >= 1 && value <= max)
		return 0;
	return reeve__fail(
		err, REEVE_EINVALID_ARGUMENT, "%s is %u; allowed are 1 to %u", name, value, max);
}

static uint32_t either(uint32_t given, uint32_t otherwise)
{
	return given ? given : otherwise;
}

static int read_capacities(const struct reeve_options *o, uint32_t cpu_slots, struct capacities *c,
	struct reeve_error *err)
{
	int rc;

	c->attachments = either(o->max_attachments, 256);
	c->groups = either(o->max_groups, 1024);
	c->mappings = either(o->max_mappings, 16384);
	c->plans = either(o->max_plans, 256);
	c->directives = either(o->max_directives, 4096);
	c->sessions = either(o->max_sessions, 16384);
	c->tasks = either(o->max_tasks, 65536);
	c->events = either(o->max_events, 8192);
	c->rules = either(o->max_rules, 1024);
	c->cpu_slots = cpu_slots;
	c->schedules = either(o->max_schedules, 128);
	c->windows = either(o->max_windows, 64);
	c->edit_ops = either(o->max_edit_ops, 1024);
	c->quotas = either(o->max_quotas, c->sessions);
	c->allocations = either(o->max_allocations, 65536);
	c->externals = either(o->max_external_sessions, 16384);
	c->io_requests = either(o->max_io_requests, 65536);
	c->executions = either(o->max_executions, 4096);
	c->servers = either(o->max_servers, 1024);
	c->pools = either(o->max_server_pools, 64);
	if ((rc = check_range(err, "max_attachments", c->attachments, 4096)) ||
		(rc = check_range(err, "max_groups", c->groups, 65536)) ||
		(rc = check_range(err, "max_mappings", c->mappings, 1u << 24)) ||
		(rc = check_range(err, "max_plans", c->plans, 65536)) ||
		(rc = check_range(err, "max_directives", c->directives, 1u << 20)) ||
		(rc = check_range(err, "max_sessions", c->sessions, 1u << 20)) ||
		(rc = check_range(err, "max_tasks", c->tasks, 1u << 22)) ||
		(rc = check_range(err, "max_rules", c->rules, 16384)) ||
		(rc = check_range(err, "cpu_slots", c->cpu_slots, REEVE_SH_MAX_SLOTS)) ||
		(rc = check_range(err, "max_schedules", c->schedules, 4096)) ||
		(rc = check_range(err, "max_windows", c->windows, 4096)) ||
		(rc = check_range(err, "max_edit_ops", c->edit_ops, 65536)) ||
		(rc = check_range(err, "max_quotas", c->quotas, 1u << 20)) ||
		(rc = check_range(err, "max_allocations", c->allocations, 1u << 24)) ||
		(rc = check_range(err, "max_external_sessions", c->externals, 1u << 20)) ||
		(rc = check_range(err, "max_io_requests", c->io_requests, 1u << 22)) ||
		(rc = check_range(err, "max_executions", c->executions, 1u << 20)) ||
		(rc = check_range(err, "max_servers", c->servers, 65536)) ||
		(rc = check_range(err, "max_server_pools", c->pools, 4096)))
		return rc;
	if (c->groups < 4 || c->plans < 4 || c->directives < 16)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"max_groups %u, max_plans %u, max_directives %u; the system's own take at "
			"least 4, 4 and 16",
			c->groups, c->plans, c->directives);
	if (c->events < 64 || c->events > 1u << 20 || (c->events & (c->events - 1)))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"max_events is %u; allowed are powers of two from 64 to 1048576",
			c->events);
	return 0;
}

static void set_pointers(struct reeve *r)
{
	struct reeve_sh_header *h = r->header = (struct reeve_sh_header *)(void *)r->base;

	r->cpu = &h->cpu;
	r->cpu_slots = (struct reeve_sh_cpu_slot *)(void *)(r->base + h->cpu_slots);
	r->attachments = (struct reeve_sh_attachment *)(void *)(r->base + h->attachments.slots);
	r->cpu_more = &h->cpu_more;
	r->cpu_tasks = (struct reeve_sh_cpu_task *)(void *)(r->base + h->cpu_more.tasks);
	r->cpu_slot_ns = (_Atomic uint64_t *)(void *)(r->base + h->cpu_more.slot_ns);
	r->cpu_lanes = (struct reeve_sh_cpu_lane *)(void *)(r->base + h->cpu_more.lanes);
	r->groups = (struct reeve_sh_group *)(void *)(r->base + h->groups.slots);
	r->mappings = (struct reeve_sh_mapping *)(void *)(r->base + h->mappings.slots);
	r->plans = (struct reeve_sh_plan *)(void *)(r->base + h->plans.slots);
	r->directives = (struct reeve_sh_directive *)(void *)(r->base + h->directives.slots);
	r->sessions = (struct reeve_sh_session *)(void *)(r->base + h->sessions.slots);
	r->tasks = (struct reeve_sh_task *)(void *)(r->base + h->tasks.slots);
	r->schedules = (struct reeve_sh_period *)(void *)(r->base + h->schedules.slots);
	r->windows = (struct reeve_sh_period *)(void *)(r->base + h->windows.slots);
	r->session_pools = (struct reeve_sh_session_pool *)(void *)(r->base + h->session_pools);
	r->session_texts = r->base + h->session_texts;
	r->control = (struct reeve_sh_session_domain *)(void *)(r->base + h->session_domain);
	r->events = (struct reeve_sh_event *)(void *)(r->base + h->events.ring);
	r->memory = (struct reeve_sh_memory *)(void *)(r->base + h->memory);
	r->memory_groups = (struct reeve_sh_memory_group *)(void *)(r->base + h->memory_groups);
	r->quotas = (struct reeve_sh_quota *)(void *)(r->base + h->quotas.slots);
	r->quota_of_session = (_Atomic uint32_t *)(void *)(r->base + h->quota_of_session);
	r->allocations = (struct reeve_sh_allocation *)(void *)(r->base + h->allocations.slots);
	r->executions = (struct reeve_sh_execution *)(void *)(r->base + h->executions.slots);
	r->servers = (struct reeve_sh_server *)(void *)(r->base + h->servers.slots);
	r->pools = (struct reeve_sh_server_pool *)(void *)(r->base + h->pools.slots);
	r->parallel = (struct reeve_sh_parallel *)(void *)(r->base + h->parallel);
	r->parallel_groups =
		(struct reeve_sh_parallel_group *)(void *)(r->base + h->parallel_groups);
	r->parallel_sessions = (_Atomic uint32_t *)(void *)(r->base + h->parallel_sessions);
	r->admissions = (struct reeve_sh_admission *)(void *)(r->base + h->admissions.slots);
	r->rules = (struct reeve_sh_rule *)(void *)(r->base + h->groups_domain.rules.slots);
	r->zones = (struct reeve_sh_zone *)(void *)(r->base + h->groups_domain.zones.slots);
	r->slot_count = reeve__get(&h->cpu.slots);
	r->group_capacity = h->groups.capacity;
	r->event_capacity = h->events.capacity;
	r->io = &h->io;
	r->io_slots = (struct reeve_sh_io_slot *)(void *)(r->base + h->io.slots);
	r->io_groups = (struct reeve_sh_io_group *)(void *)(r->base + h->io.groups);
	r->io_devices = (struct reeve_sh_io_device *)(void *)(r->base + h->io.device_rows);
	r->io_requests = (struct reeve_sh_io_request *)(void *)(r->base + h->io.requests.slots);
	r->io_executors = (struct reeve_sh_io_executor *)(void *)(r->base + h->io.executors.slots);
}

static void init_locks(struct reeve *r, struct reeve_sh_header *h)
{
	struct reeve_sh_memory *memory = (struct reeve_sh_memory *)(void *)((char *)h + h->memory);

	reeve__lock_init(&h->admin, REEVE_RANK_ADMIN);
	reeve__lock_init(&h->catalog, REEVE_RANK_CATALOG);
	reeve__lock_init(&h->session_lock, REEVE_RANK_SESSIONS);
	reeve__lock_init(&h->cpu.lock, REEVE_RANK_CPU);
	reeve__lock_init(&memory->lock, REEVE_RANK_MEMORY);
	reeve__lock_init(&memory->sampler_lock, REEVE_RANK_MEMORY);
	reeve__lock_init(&h->io.lock, REEVE_RANK_IO);
	reeve__lock_init(&((struct reeve_sh_parallel *)(void *)((char *)h + h->parallel))->lock,
		REEVE_RANK_PARALLEL);
	reeve__lock_init(&r->control->lock, REEVE_RANK_SESSION_POOLS);
}

/* Puts an empty segment into zeroed memory, which tables without rows are. */
static void format_segment(
	struct reeve *r, const struct capacities *c, const char *boot_id, reeve_ns now_wall)
{
	struct reeve_sh_header *h = (struct reeve_sh_header *)(void *)r->base;

	compute_layout(c, h);
	set_pointers(r);
	reeve__put(&h->state, REEVE_SEGMENT_INIT);
	h->created_wall = now_wall;
	reeve__text_copy(h->boot_id, sizeof(h->boot_id), boot_id);
	reeve__put(&h->events.next, (uint64_t)1);
	init_locks(r, h);
}

static int bad(struct reeve_error *err, const char *path, const char *what)
{
	return reeve__fail(err, REEVE_EBAD_SEGMENT, "%s: %s", path, what);
}

static int compare_table(struct reeve_error *err, const char *path, const char *name,
	const struct reeve_sh_table *there, const struct reeve_sh_table *here)
{
	if (there->stride != here->stride)
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%s: a slot of %s is %u bytes there and %u in this build; use the version "
			"that created it, or remove the file",
			path, name, there->stride, here->stride);
	if (there->slots != here->slots || there->buckets != here->buckets ||
		there->bucket_count != here->bucket_count || there->has_names != here->has_names)
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%s: damaged: the table of %s does not lie where its capacity puts it",
			path, name);
	return 0;
}

/* Whether what is no table lies elsewhere than this build puts it. */
static bool lies_elsewhere(const struct reeve_sh_header *h, const struct reeve_sh_header *want)
{
	return h->size != want->size || h->cpu_slots != want->cpu_slots ||
	       h->rulings != want->rulings || h->scratch != want->scratch ||
	       h->events.ring != want->events.ring || h->memory != want->memory ||
	       h->memory_groups != want->memory_groups ||
	       h->quota_of_session != want->quota_of_session || h->samplers != want->samplers ||
	       h->io.slots != want->io.slots || h->io.groups != want->io.groups ||
	       h->io.device_rows != want->io.device_rows || h->parallel != want->parallel ||
	       h->parallel_groups != want->parallel_groups ||
	       h->parallel_sessions != want->parallel_sessions ||
	       h->planning.switches != want->planning.switches || h->edit.ops != want->edit.ops ||
	       h->edit.undo != want->edit.undo || h->cpu_more.tasks != want->cpu_more.tasks ||
	       h->cpu_more.slot_ns != want->cpu_more.slot_ns ||
	       h->cpu_more.lanes != want->cpu_more.lanes ||
	       h->session_pools != want->session_pools ||
	       h->session_domain != want->session_domain || h->session_texts != want->session_texts;
}

/* Refuses a file whose header is not, number by number, what this build would have written. */
static int check_header(const struct reeve_sh_header *h, uint64_t file_size, const char *path,
	struct reeve_error *err)
{
	static struct {
		const char *name;
		size_t offset;
	} const tables[] = {
		{"attachments", offsetof(struct reeve_sh_header, attachments)},
		{"groups", offsetof(struct reeve_sh_header, groups)},
		{"mappings", offsetof(struct reeve_sh_header, mappings)},
		{"plans", offsetof(struct reeve_sh_header, plans)},
		{"directives", offsetof(struct reeve_sh_header, directives)},
		{"sessions", offsetof(struct reeve_sh_header, sessions)},
		{"tasks", offsetof(struct reeve_sh_header, tasks)},
		{"admissions", offsetof(struct reeve_sh_header, admissions)},
		{"schedules", offsetof(struct reeve_sh_header, schedules)},
		{"windows", offsetof(struct reeve_sh_header, windows)},
		{"quotas", offsetof(struct reeve_sh_header, quotas)},
		{"allocations", offsetof(struct reeve_sh_header, allocations)},
		{"externals", offsetof(struct reeve_sh_header, externals)},
		{"I/O requests", offsetof(struct reeve_sh_header, io.requests)},
		{"I/O executors", offsetof(struct reeve_sh_header, io.executors)},
		{"executions", offsetof(struct reeve_sh_header, executions)},
		{"servers", offsetof(struct reeve_sh_header, servers)},
		{"server pools", offsetof(struct reeve_sh_header, pools)},
		{"assignment rules", offsetof(struct reeve_sh_header, groups_domain.rules)},
		{"time zones", offsetof(struct reeve_sh_header, groups_domain.zones)},
	};
	struct reeve_sh_header want;
	struct reeve_options o = REEVE_OPTIONS_INIT;
	struct capacities c;
	struct reeve_error why;

	if (h->magic != REEVE_SH_MAGIC)
		return bad(err, path, "not a reeve segment");
	if (h->format != REEVE_SH_FORMAT)
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%s: format %u there, %u in this build; use the version that created it, "
			"or remove the file",
			path, h->format, REEVE_SH_FORMAT);
	/* Before anything that lies elsewhere in another version, and would be called damaged. */
	if (h->signature != REEVE_SH_SIGNATURE)
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%s: its slots have the signature %016llx, those of this build %016llx; "
			"use the version that created it, or remove the file",
			path, (unsigned long long)h->signature,
			(unsigned long long)REEVE_SH_SIGNATURE);
	o.max_attachments = h->attachments.capacity;
	o.max_groups = h->groups.capacity;
	o.max_mappings = h->mappings.capacity;
	o.max_plans = h->plans.capacity;
	o.max_directives = h->directives.capacity;
	o.max_sessions = h->sessions.capacity;
	o.max_tasks = h->tasks.capacity;
	o.max_schedules = h->schedules.capacity;
	o.max_windows = h->windows.capacity;
	o.max_edit_ops = h->edit.max_ops;
	o.max_events = h->events.capacity;
	o.max_quotas = h->quotas.capacity;
	o.max_allocations = h->allocations.capacity;
	o.max_external_sessions = h->externals.capacity;
	o.max_io_requests = h->io.requests.capacity;
	o.max_executions = h->executions.capacity;
	o.max_servers = h->servers.capacity;
	o.max_server_pools = h->pools.capacity;
	o.max_rules = h->groups_domain.rules.capacity;
	if (read_capacities(&o, reeve__get(&h->cpu.slots), &c, &why))
		return reeve__fail(err, REEVE_EBAD_SEGMENT, "%s: damaged: %.180s", path, why.text);
	memset(&want, 0, sizeof(want));
	compute_layout(&c, &want);
	for (size_t i = 0; i < REEVE_COUNT(tables); i++) {
		const void *there = (const char *)h + tables[i].offset;
		const void *here = (const char *)&want + tables[i].offset;
		int rc = compare_table(err, path, tables[i].name, there, here);
		if (rc)
			return rc;
	}
	if (lies_elsewhere(h, &want) || h->groups_domain.zones.capacity != REEVE_SH_ZONES ||
		!same_rules_layout(&h->groups_domain, &want.groups_domain))
		return bad(err, path,
			"damaged: its tables do not lie where their capacities put them");
	if (file_size < h->size)
		return reeve__fail(err, REEVE_EBAD_SEGMENT,
			"%s: cut off: %llu bytes there, its header says %llu", path,
			(unsigned long long)file_size, (unsigned long long)h->size);
	if (reeve__get(&h->state) == REEVE_SEGMENT_RETIRED)
		return bad(err, path, "retired; remove the file to start anew");
	return 0;
}

static int system_error(struct reeve_error *err, const char *path, const char *call)
{
	return reeve__fail(err, REEVE_ESYSTEM, "%s: %s: %s", path, call, strerrordesc_np(errno));
}

static int map_memory(
	struct reeve *r, int fd, uint64_t size, const char *path, struct reeve_error *err)
{
	int flags = fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED;
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (base == MAP_FAILED)
		return system_error(err, path, "mmap");
	r->base = base;
	r->owns_mapping = true;
	return 0;
}

/*
 * After a reboot: nobody who was attached can be alive, whatever their pids say now, and whoever
 * held a lock is gone without the kernel's knowing. flock keeps two adopters apart.
 */
static int adopt_boot(
	struct reeve *r, int fd, const char *boot_id, const char *path, struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;

	if (flock(fd, LOCK_EX) != 0)
		return system_error(err, path, "flock");
	if (strncmp(h->boot_id, boot_id, sizeof(h->boot_id)) != 0) {
		init_locks(r, h);
		for (uint32_t i = 0; i < reeve__table_used(&h->attachments); i++)
			r->attachments[i].pid = 0;
		reeve__put(&h->cpu.contended, 0);
		reeve__put(&h->events.sleepers, 0);
		for (uint32_t i = 0; i < reeve__table_used(&h->tasks); i++)
			reeve__put(&r->tasks[i].wait_since, 0);
		reeve__put(&r->memory->rebuild, 1);
		reeve__put(&h->io.contended, 0);
		h->io.clock_ns = 0;
		for (uint32_t i = 0; i < reeve__table_used(&h->groups); i++)
			r->io_groups[i].bytes.full_at = r->io_groups[i].ops.full_at =
				r->io_groups[i].rate.at = 0;
		reeve__text_copy(h->boot_id, sizeof(h->boot_id), boot_id);
	}
	flock(fd, LOCK_UN);
	return 0;
}

static int map_existing(
	struct reeve *r, int fd, const char *path, const char *boot_id, struct reeve_error *err)
{
	struct reeve_sh_header h;
	struct stat st;
	int rc;

	if (fstat(fd, &st) != 0)
		return system_error(err, path, "fstat");
	if (!S_ISREG(st.st_mode))
		return bad(err, path, "not a regular file");
	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
		return bad(err, path, "not a reeve segment: shorter than a header");
	if ((rc = check_header(&h, (uint64_t)st.st_size, path, err)) ||
		(rc = map_memory(r, fd, h.size, path, err)))
		return rc;
	set_pointers(r);
	return adopt_boot(r, fd, boot_id, path, err);
}

/* No other thread of this machine has the name, so nobody else's file is in the way or taken away. */
static void temporary_name(char *to, size_t size, const char *path)
{
	snprintf(to, size, "%s.%ld.new", path, (long)gettid());
}

/*
 * The length of a new file, and room for all of it: a page of a sparse file that finds its disk full is
 * SIGBUS for whoever writes there first, an engine in the middle of a statement for one. In memory
 * (tmpfs) that would take at once what may never be used, so there it stays sparse, as it does where
 * the file system cannot reserve.
 */
static int make_room(int fd, uint64_t size, const char *path, struct reeve_error *err)
{
	struct statfs fs;

	if (ftruncate(fd, (off_t)size) != 0)
		return system_error(err, path, "ftruncate");
	if (fstatfs(fd, &fs) != 0)
		return system_error(err, path, "fstatfs");
	if (fs.f_type == TMPFS_MAGIC)
		return 0;
	while (fallocate(fd, 0, 0, (off_t)size) != 0) {
		if (errno == EOPNOTSUPP || errno == ENOSYS)
			return 0;
		if (errno != EINTR)
			return reeve__fail(err, REEVE_ESYSTEM, "%s: no room for its %llu bytes: %s",
				path, (unsigned long long)size, strerrordesc_np(errno));
	}
	return 0;
}

static int map_new(struct reeve *r, const struct capacities *c, const char *path,
	const char *boot_id, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_header h;
	char temporary[4200];
	int fd = -1, rc;

	memset(&h, 0, sizeof(h));
	compute_layout(c, &h);
	if (path) {
		temporary_name(temporary, sizeof(temporary), path);
		unlink(temporary);
		fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return system_error(err, path, "create");
		if ((rc = make_room(fd, h.size, path, err))) {
			close(fd);
			unlink(temporary);
			return rc;
		}
	}
	rc = map_memory(r, fd, h.size, path ? path : "anonymous memory", err);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		format_segment(r, c, boot_id, now_wall);
	else if (path)
		unlink(temporary);
	return rc;
}

int reeve__segment_map(struct reeve *r, const struct reeve_options *options, uint32_t cpu_slots,
	const char *boot_id, reeve_ns now_wall, bool *ret_created, struct reeve_error *err)
{
	const char *path = options->path;
	struct capacities c;
	int fd, rc = read_capacities(options, cpu_slots, &c, err);

	if (rc)
		return rc;
	if (path && strlen(path) > 4000)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"path is %zu bytes long; allowed are 1 to 4000", strlen(path));
	*ret_created = false;
	if (path && !(options->flags & REEVE_OPEN_NEW)) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0) {
			rc = map_existing(r, fd, path, boot_id, err);
			close(fd);
			if (rc)
				reeve__segment_unmap(r);
			return rc;
		}
		if (errno != ENOENT)
			return system_error(err, path, "open");
		if (options->flags & REEVE_OPEN_EXISTING)
			return reeve__fail(err, REEVE_ENOT_FOUND, "%s: no such segment", path);
	}
	*ret_created = true;
	return map_new(r, &c, path, boot_id, now_wall, err);
}

int reeve__segment_publish(
	struct reeve *r, const struct reeve_options *options, struct reeve_error *err)
{
	const char *path = options->path;
	char temporary[4200];
	int rc = 0;

	atomic_store(&r->header->state, (uint32_t)REEVE_SEGMENT_READY);
	if (!path)
		return 0;
	temporary_name(temporary, sizeof(temporary), path);
	if (link(temporary, path) != 0)
		rc = errno == EEXIST ? reeve__fail(err, REEVE_EALREADY_EXISTS,
					       "%s: the segment exists", path)
				     : system_error(err, path, "link");
	unlink(temporary);
	return rc;
}

void reeve__segment_share(struct reeve *r, const struct reeve *parent)
{
	r->base = parent->base;
	r->owns_mapping = false;
	set_pointers(r);
}

void reeve__segment_unmap(struct reeve *r)
{
	if (r->base && r->owns_mapping)
		munmap(r->base, r->header ? r->header->size : 4096);
	r->base = NULL;
	r->header = NULL;
}

void reeve__segment_degrade(struct reeve *r, const char *format, ...)
{
	struct reeve_event e = {0};
	uint32_t ready = REEVE_SEGMENT_READY;
	va_list args;

	if (!atomic_compare_exchange_strong(
		    &r->header->state, &ready, (uint32_t)REEVE_SEGMENT_DEGRADED))
		return;
	va_start(args, format);
	vsnprintf(r->header->fault, sizeof(r->header->fault), format, args);
	va_end(args);
	e.kind = REEVE_EVENT_DEGRADED;
	e.code = REEVE_EINTERNAL;
	reeve__event_text(&e, r->header->fault);
	reeve__event_emit(r, &e);
}
