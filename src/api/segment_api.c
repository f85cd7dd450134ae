/* SPDX-License-Identifier: Apache-2.0 */
/* segment_api.c - opening and closing, housekeeping, checks. */
#include "../engine/admission.h"
#include "../engine/engine.h"
#include "../engine/io.h"
#include "../engine/parallel.h"

#include <stdlib.h>

static int missing(struct reeve_error *err, const char *argument)
{
	return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "%s is NULL", argument);
}

static int check_host(const struct reeve_host *h, struct reeve_error *err)
{
	if (!h->mono || !h->wall || !h->thread_cpu || !h->wait || !h->wake || !h->process_alive ||
		!h->process_start || !h->process_id || !h->cpu_count)
		return missing(err, "a function of the host");
	if (h->cycles && h->cycles_ns_q32 == 0)
		return reeve__fail(
			err, REEVE_EINVALID_ARGUMENT, "host.cycles_ns_q32 is 0; allowed are 1 up");
	return 0;
}

/* Which counter this process reads, and its rate. */
static void set_counter(struct reeve *r)
{
	const struct reeve_host *native = reeve_host_native();

	if (r->host->cycles) {
		r->cycles_ns_q32 = r->host->cycles_ns_q32;
	} else if (r->host == native && reeve__host_counter(&r->cycles_ns_q32)) {
		r->native_cycles = true;
	} else {
		r->cycles_ns_q32 = UINT64_C(1) << 32;
	}
	r->cycles_ticks_q32 = reeve__muldiv(UINT64_C(1) << 32, UINT64_C(1) << 32, r->cycles_ns_q32);
	r->glance_cycles = reeve__ns_cycles(r, REEVE_GLANCE_NS);
	r->probe_cycles = reeve__ns_cycles(r, REEVE_PROBE_NS);
	r->gap_cycles = reeve__ns_cycles(r, 2 * REEVE_LINGER_NS);
}

static struct reeve *new_handle(const struct reeve_host *host)
{
	struct reeve *r = aligned_alloc(_Alignof(struct reeve), sizeof(*r));

	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->host = host ? host : reeve_host_native();
	r->attachment = REEVE_NONE;
	pthread_mutex_init(&r->local_lock, NULL);
	pthread_mutex_init(&r->shrink_lock, NULL);
	return r;
}

static void free_handle(struct reeve *r)
{
	reeve__session_free_spares(r);
	reeve__segment_unmap(r);
	pthread_mutex_destroy(&r->local_lock);
	pthread_mutex_destroy(&r->shrink_lock);
	free(r);
}

/* First content of a new segment, before anybody can see it. */
static int fill_new(struct reeve *r, const struct reeve_options *options, struct reeve_error *err)
{
	struct reeve_sh_cpu *c = r->cpu;
	int rc;

	reeve__put(&c->quantum_ns, (uint64_t)100 * 1000000);
	reeve__put(&c->runaway_on, 1);
	reeve__put(&c->runaway_ns, (uint64_t)300 * 1000000000);
	reeve__put(&c->runaway_ppm, REEVE_PPM / 2);
	reeve__put(&c->plan_cap_ppm, REEVE_PPM);
	reeve__put(&r->control->global_limit, UINT32_MAX);
	reeve__put(&r->control->checker_on, 1);
	reeve__put(&r->control->auto_terminate, 1);
	reeve__put(&r->control->default_idle_ns, REEVE_UNLIMITED);
	reeve__put(&r->control->default_execution_ns, REEVE_UNLIMITED);
	reeve__put(&r->control->idle_mark_ns, (uint64_t)60 * 1000000000);
	c->ready = c->throttled = c->pull_ready = c->watchman = REEVE_NONE;
	r->cpu_more->pull_throttled = REEVE_NONE;
	/* Virtual clocks start just before they wrap, so that wrapping is ordinary. */
	reeve__put(&c->clock, UINT64_MAX - UINT32_MAX);
	reeve__put(&c->pull_clock, UINT64_MAX - UINT32_MAX);
	for (uint32_t i = 0; i < r->slot_count; i++)
		reeve__put(&r->cpu_slots[i].last_task, REEVE_NONE);
	reeve__memory_seed(r, options->db_limit_bytes, reeve__wall(r));
	reeve__io_init(r);
	reeve__parallel_seed(r);
	rc = reeve__model_seed(r, reeve__wall(r), err);
	return rc ? rc : reeve__segment_publish(r, options, err);
}

/* As many tasks at once as there are processors, and no more than the container's quota keeps busy. */
static uint32_t default_slots(const struct reeve_host *host)
{
	uint32_t n = host->cpu_count(host->self);
	struct reeve_container_limits limits;

	if (host->container && host->container(host->self, &limits) &&
		limits.cpu_quota_ppm / REEVE_PPM < n) {
		uint32_t quota = (uint32_t)((limits.cpu_quota_ppm + REEVE_PPM - 1) / REEVE_PPM);
		n = quota < 1 ? 1 : quota < n ? quota : n;
	}
	return n < REEVE_SH_MAX_SLOTS ? n : REEVE_SH_MAX_SLOTS;
}

static int open_segment(
	struct reeve *r, const struct reeve_options *options, struct reeve_error *err)
{
	uint32_t slots = options->cpu_slots ? options->cpu_slots : default_slots(r->host);
	char boot_id[40] = "";
	bool created = false;
	int rc;

	reeve__host_boot_id(boot_id, sizeof(boot_id));
	rc = reeve__segment_map(r, options, slots, boot_id, reeve__wall(r), &created, err);
	if (rc || !created)
		return rc;
	rc = fill_new(r, options, err);
	if (rc == REEVE_EALREADY_EXISTS && !(options->flags & REEVE_OPEN_NEW)) {
		/* Another process was quicker: its segment is as good. */
		struct reeve_options again = *options;
		again.flags |= REEVE_OPEN_EXISTING;
		reeve__segment_unmap(r);
		rc = reeve__segment_map(r, &again, slots, boot_id, reeve__wall(r), &created, err);
	}
	return rc;
}

static int check_options(const struct reeve_options *o, struct reeve_error *err)
{
	if (o->flags & ~(uint32_t)(REEVE_OPEN_EXISTING | REEVE_OPEN_NEW))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"flags is %#x; allowed are REEVE_OPEN_EXISTING and REEVE_OPEN_NEW",
			o->flags);
	if ((o->flags & REEVE_OPEN_EXISTING) && (o->flags & REEVE_OPEN_NEW))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"flags has both REEVE_OPEN_EXISTING and REEVE_OPEN_NEW; allowed is one");
	if (o->path && !*o->path)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "path is empty");
	if (!o->path && (o->flags & REEVE_OPEN_EXISTING))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"REEVE_OPEN_EXISTING wants a path; anonymous memory is always new");
	if (o->db_limit_bytes && (o->db_limit_bytes < REEVE_MEMORY_DB_MIN ||
					 o->db_limit_bytes > REEVE_MEMORY_DB_MAX))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"db_limit_bytes is %llu; allowed are %llu to %llu",
			(unsigned long long)o->db_limit_bytes,
			(unsigned long long)REEVE_MEMORY_DB_MIN,
			(unsigned long long)REEVE_MEMORY_DB_MAX);
	return o->host ? check_host(o->host, err) : 0;
}

static int attach(struct reeve *r, const char *name, struct reeve_error *err)
{
	char program[REEVE_ATTRIBUTE_MAX];
	int rc;

	if (!name) {
		reeve__host_program(program, sizeof(program));
		name = program;
	}
	rc = reeve__text_check(name, REEVE_ATTRIBUTE_MAX, false, "name", err);
	return rc ? rc : reeve__attachment_claim(r, name, err);
}

REEVE_API int reeve_open(
	const struct reeve_options *options, struct reeve **ret_reeve, struct reeve_error *err)
{
	static const struct reeve_options defaults = REEVE_OPTIONS_INIT;
	struct reeve *r;
	int rc;

	if (!ret_reeve)
		return missing(err, "ret_reeve");
	if (!options)
		options = &defaults;
	rc = check_options(options, err);
	if (rc)
		return rc;
	r = new_handle(options->host);
	if (!r)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	set_counter(r);
	rc = open_segment(r, options, err);
	if (!rc)
		rc = attach(r, options->name, err);
	if (rc) {
		free_handle(r);
		return rc;
	}
	*ret_reeve = r;
	return 0;
}

REEVE_API int reeve_attach(
	const struct reeve *parent, struct reeve **ret_reeve, struct reeve_error *err)
{
	struct reeve *r;
	int rc;

	if (!parent || !ret_reeve)
		return missing(err, parent ? "ret_reeve" : "parent");
	r = new_handle(parent->host);
	if (!r)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	r->native_cycles = parent->native_cycles;
	r->cycles_ns_q32 = parent->cycles_ns_q32;
	r->cycles_ticks_q32 = parent->cycles_ticks_q32;
	r->glance_cycles = parent->glance_cycles;
	r->probe_cycles = parent->probe_cycles;
	r->gap_cycles = parent->gap_cycles;
	reeve__segment_share(r, parent);
	rc = attach(r, NULL, err);
	if (rc) {
		free_handle(r);
		return rc;
	}
	*ret_reeve = r;
	return 0;
}

REEVE_API void reeve_close(struct reeve *reeve)
{
	if (!reeve)
		return;
	while (reeve->local_sessions)
		reeve__session_destroy(reeve->local_sessions, REEVE_END_SHUTDOWN);
	reeve__attachment_leave(reeve);
	free_handle(reeve);
}

REEVE_API int reeve_tick(
	struct reeve *reeve, struct reeve_tick_report *ret_report, struct reeve_error *err)
{
	struct reeve_tick_report report = {0};
	struct reeve__cpu_pass x;
	int rc;

	if (!reeve)
		return missing(err, "reeve");
	reeve__reap(reeve, &report);
	if (reeve__plan_check_if_due(reeve, (uint64_t)reeve__mono(reeve), reeve__wall(reeve))) {
		report.plan_switches = 1;
		reeve__cpu_announce(reeve);
	}
	report.forgotten_sessions = reeve__session_forget(reeve);
	reeve__user_expire(reeve, reeve__wall(reeve));
	reeve__session_pools_look(reeve);
	reeve__limits_check_if_due(reeve, &report.timeouts);
	reeve__admissions_look(reeve);
	rc = reeve__runaway_detect(reeve, NULL, 0, NULL, err);
	if (rc < 0)
		return rc;
	report.throttled_tasks = (uint32_t)rc;
	reeve__cpu_begin(&x, reeve);
	reeve__cpu_dispatch(&x);
	reeve__cpu_end(&x);
	reeve__event_flush(reeve);
	report.resized_pools = reeve__memory_tick(reeve);
	reeve__io_tick(reeve);
	report.parallel_changes = reeve__parallel_tick(reeve);
	if (ret_report)
		*ret_report = report;
	return 0;
}

REEVE_API int reeve_validate(
	struct reeve *reeve, void (*found)(void *arg, const char *fault), void *arg)
{
	int n;

	if (!reeve)
		return REEVE_EINVALID_ARGUMENT;
	n = reeve__validate_all(reeve, found, arg);
	if (!reeve__segment_ready(reeve)) {
		if (found)
			found(arg, reeve->header->fault[0] ? reeve->header->fault
							   : "the segment is not ready");
		n++;
	}
	return n;
}

REEVE_API int reeve_segment_recover(struct reeve *reeve, struct reeve_error *err)
{
	if (!reeve)
		return missing(err, "reeve");
	return reeve__segment_recover(reeve, err);
}

REEVE_API void reeve_segment_get(struct reeve *reeve, struct reeve_segment_info *ret_info)
{
	const struct reeve_sh_header *h;

	if (!reeve || !ret_info)
		return;
	h = reeve->header;
	*ret_info = (struct reeve_segment_info){
		.state = (enum reeve_segment_state)reeve__get(&h->state),
		.size_bytes = h->size,
		.format_version = h->format,
		.signature = h->signature,
		.created_wall = h->created_wall,
		.revision = reeve__get(&h->revision),
		.cpu_slots = reeve->slot_count,
		.attachments = reeve__get(&h->attachments.live),
		.max_attachments = h->attachments.capacity,
		.groups = reeve__get(&h->groups.live),
		.max_groups = h->groups.capacity,
		.plans = reeve__get(&h->plans.live),
		.max_plans = h->plans.capacity,
		.directives = reeve__get(&h->directives.live),
		.max_directives = h->directives.capacity,
		.mappings = reeve__get(&h->mappings.live),
		.max_mappings = h->mappings.capacity,
		.sessions = reeve__get(&h->sessions.live),
		.max_sessions = h->sessions.capacity,
		.tasks = reeve__get(&h->tasks.live),
		.max_tasks = h->tasks.capacity,
		.schedules = reeve__get(&h->schedules.live),
		.max_schedules = h->schedules.capacity,
		.windows = reeve__get(&h->windows.live),
		.max_windows = h->windows.capacity,
		.max_events = h->events.capacity,
		.refused_events = reeve__get(&h->events.refused),
		.quotas = reeve__get(&h->quotas.live),
		.max_quotas = h->quotas.capacity,
		.allocations = reeve__get(&h->allocations.live),
		.max_allocations = h->allocations.capacity,
		.external_sessions = reeve__get(&h->externals.live),
		.max_external_sessions = h->externals.capacity,
		.io_requests = reeve__get(&h->io.requests.live),
		.max_io_requests = h->io.requests.capacity,
		.executions = reeve__get(&h->executions.live),
		.max_executions = h->executions.capacity,
		.servers = reeve__get(&h->servers.live),
		.max_servers = h->servers.capacity,
		.server_pools = reeve__get(&h->pools.live),
		.max_server_pools = h->pools.capacity,
		.rules = reeve__get(&h->groups_domain.rules.live),
		.max_rules = h->groups_domain.rules.capacity,
	};
}

REEVE_API uint32_t reeve_attachment_copy(
	struct reeve *reeve, struct reeve_attachment_info *ret_infos, uint32_t capacity)
{
	return reeve && (ret_infos || !capacity)
		       ? reeve__attachment_copy(reeve, ret_infos, capacity)
		       : 0;
}

REEVE_API reeve_ns reeve_now_mono(struct reeve *reeve)
{
	return reeve ? reeve__mono(reeve) : 0;
}

REEVE_API reeve_ns reeve_now_wall(struct reeve *reeve)
{
	return reeve ? reeve__wall(reeve) : 0;
}

REEVE_API const char *reeve_version(void)
{
	return REEVE_VERSION;
}
