/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruling.c - plans compiled: from directives to one flat row a group, in force by one store.
 *
 * There are four rulings in a ring. The ruling word says which is in force and with what sequence
 * number. A new one is compiled into the slot used longest ago and then named by one release store.
 * Readers keep no reference: they read the word, the row, and ask whether the slot's sequence is
 * still the one of the word (a sequence lock over a ring), so a reader that dies holds nothing back.
 */
#include "model.h"

#include "../policy/shares.h"

#include <stdarg.h>
#include <stdio.h>

_Static_assert(sizeof(struct reeve_sh_share) == REEVE_SH_SHARE_BYTES, "room in the segment");

static struct reeve_sh_ruling *ruling_at(const struct reeve *r, uint32_t which)
{
	size_t each = sizeof(struct reeve_sh_ruling) +
		      r->group_capacity * sizeof(struct reeve_sh_ruling_row);

	return (struct reeve_sh_ruling *)(void *)(r->base + r->header->rulings + which * each);
}

static struct reeve_sh_ruling_row *rows_of(struct reeve_sh_ruling *ruling)
{
	return (struct reeve_sh_ruling_row *)(void *)(ruling + 1);
}

struct reeve__ruling_view reeve__ruling_now(const struct reeve *r)
{
	uint64_t word = atomic_load_explicit(&r->header->ruling, memory_order_acquire);
	struct reeve_sh_ruling *head = ruling_at(r, (uint32_t)(word & (REEVE_SH_RULINGS - 1)));

	return (struct reeve__ruling_view){head, rows_of(head), word};
}

bool reeve__ruling_holds(const struct reeve__ruling_view *view)
{
	atomic_thread_fence(memory_order_acquire);
	return reeve__get(&view->head->sequence) == view->sequence;
}

bool reeve__cpu_is_registered(const struct reeve *r, const struct reeve_sh_group *group)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);

	return group->cpu.registered == reeve__get(&now.head->activation) + 1;
}

/* One row of the solver's input, for a group that the plan does not name: one of the others. */
static void unnamed_group(const struct reeve_sh_group *g, struct reeve_sh_share *share)
{
	*share = (struct reeve_sh_share){
		.number = g->cpu_allocation_pct,
		.level = REEVE_SHARE_LEVEL_OTHER,
		.cap_ppm = REEVE_PPM,
		.has_demand = reeve__get(&g->head.state) == REEVE_SLOT_LIVE,
	};
}

/* Ratios are solved in thousandths, so that the others' small parts have a number too. */
static uint32_t scale_of(uint32_t method)
{
	return method == REEVE_METHOD_EMPHASIS ? 1 : REEVE__NUMBER_SCALE;
}

/* What a directive says. Numbers of another method than the plan's are not used. */
static void apply_directive(const struct reeve_sh_directive *d, uint32_t slot, uint32_t method,
	struct reeve_sh_share *share)
{
	if (method == REEVE_METHOD_SHARES && (d->given & REEVE_DIRECTIVE_CPU_SHARES)) {
		share->number = (uint64_t)d->cpu_shares * REEVE__NUMBER_SCALE;
		share->level = 1;
	}
	if (method != REEVE_METHOD_SHARES && (d->given & REEVE_DIRECTIVE_CPU_PCT)) {
		share->number = (uint64_t)d->cpu_pct * scale_of(method);
		share->level = d->cpu_level;
	}
	if (d->given & REEVE_DIRECTIVE_CPU_CAP)
		share->cap_ppm = d->cpu_cap_pct * (REEVE_PPM / 100);
	share->label = slot + 1;
}

/* An explicit registration speaks on the scale of shares: ten are a percent. */
static void apply_registration(
	const struct reeve_sh_group *g, uint32_t method, struct reeve_sh_share *share)
{
	uint64_t shares = g->cpu.registered_shares;

	if (method != REEVE_METHOD_SHARES)
		shares = (shares + 9) / 10;
	if (method == REEVE_METHOD_EMPHASIS && shares > 100)
		shares = 100;
	share->number = shares * scale_of(method);
	share->level = 1;
	share->cap_ppm = g->cpu.registered_cap_ppm;
}

/*
 * The others get what those that the plan names leave. While these want all, the others have one
 * part in a hundred together, by their cpu_allocation_pct. (In EMPHASIS the level sees to it.)
 */
static void place_others(struct reeve__shares *s, uint32_t method)
{
	uint64_t named = 0;

	for (uint32_t i = 0; i < s->n; i++)
		if (s->rows[i].has_demand && s->rows[i].level != REEVE_SHARE_LEVEL_OTHER)
			named += s->rows[i].number;
	for (uint32_t i = 0; i < s->n && named && method != REEVE_METHOD_EMPHASIS; i++)
		if (s->rows[i].level == REEVE_SHARE_LEVEL_OTHER)
			s->rows[i].number = reeve__muldiv(s->rows[i].number, named, 9900);
}

/*
 * SYS_GROUP that a plan does not name holds system work all the same: it weighs as much as all
 * others together, and comes before every level. It is rarely there, so the others' entitlements
 * are told without it.
 */
static uint32_t set_system_aside(struct reeve__shares *s, uint32_t sys)
{
	if (sys >= s->n || s->rows[sys].level != REEVE_SHARE_LEVEL_OTHER)
		return REEVE_NONE;
	s->rows[sys].level = REEVE_SHARE_LEVEL_SYSTEM;
	s->rows[sys].number = 50;
	s->rows[sys].has_demand = 0;
	return sys;
}

/*
 * Solves the shares of all groups under a plan into the catalog lock's scratch array. Registrations
 * count when they are of `activation`; UINT64_MAX: none does.
 */
static struct reeve__shares solve_plan(struct reeve *r, uint32_t plan_slot, uint64_t activation)
{
	const struct reeve_sh_plan *plan = &r->plans[plan_slot];
	const struct reeve_sh_table *directives = &r->header->directives;
	struct reeve__shares s = reeve__shares_scratch(r, 0);
	uint32_t sys;

	for (uint32_t i = 0; i < s.n; i++)
		unnamed_group(&r->groups[i], &s.rows[i]);
	for (uint32_t i = 0; i < reeve__table_used(directives); i++) {
		const struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) == REEVE_SLOT_LIVE && d->plan == plan_slot &&
			d->group < s.n)
			apply_directive(d, i, plan->cpu_method, &s.rows[d->group]);
	}
	for (uint32_t i = 0; i < s.n; i++)
		if (activation != UINT64_MAX && r->groups[i].cpu.registered == activation + 1)
			apply_registration(&r->groups[i], plan->cpu_method, &s.rows[i]);
	sys = set_system_aside(&s, reeve__table_find(r, &r->header->groups, REEVE_SYS_GROUP));
	place_others(&s, plan->cpu_method);
	reeve__shares_solve(s.rows, s.n, plan->cpu_method == REEVE_METHOD_EMPHASIS);
	if (sys != REEVE_NONE)
		s.rows[sys].weight_ppm = REEVE_PPM;
	return s;
}

struct reeve__shares reeve__shares_scratch(const struct reeve *r, uint32_t which)
{
	struct reeve_sh_header *h = r->header;
	char *base = r->base + h->scratch;

	return (struct reeve__shares){
		(struct reeve_sh_share *)(void *)(base + (size_t)which * h->groups.capacity *
								 sizeof(struct reeve_sh_share)),
		reeve__table_used(&h->groups)};
}

/* No limit but those on CPU. */
static void put_no_limits(struct reeve_sh_ruling_row *row)
{
	reeve__put(&row->active_sessions, UINT32_MAX);
	reeve__put(&row->parallel_degree, UINT32_MAX);
	reeve__put(&row->parallel_servers, UINT32_MAX);
	reeve__put(&row->io_weight, 0);
	reeve__put(&row->queue_timeout_ns, REEVE_UNLIMITED);
	reeve__put(&row->parallel_queue_timeout_ns, REEVE_UNLIMITED);
	reeve__put(&row->max_est_exec_ns, REEVE_UNLIMITED);
	reeve__put(&row->max_idle_ns, REEVE_UNLIMITED);
	reeve__put(&row->max_idle_blocker_ns, REEVE_UNLIMITED);
	reeve__put(&row->session_pga_bytes, REEVE_UNLIMITED);
	reeve__put(&row->undo_bytes, REEVE_UNLIMITED);
	reeve__put(&row->undo_rate, REEVE_UNLIMITED);
	reeve__put(&row->io_bandwidth, REEVE_UNLIMITED);
	reeve__put(&row->io_iops, REEVE_UNLIMITED);
	reeve__put(&row->switch_cpu_ns, REEVE_UNLIMITED);
	reeve__put(&row->switch_elapsed_ns, REEVE_UNLIMITED);
	reeve__put(&row->switch_io_bytes, REEVE_UNLIMITED);
	reeve__put(&row->switch_io_requests, REEVE_UNLIMITED);
	reeve__put(&row->switch_logical_reads, REEVE_UNLIMITED);
	reeve__put(&row->switch_action, REEVE_ROW_NOTHING);
	reeve__put(&row->switch_group, REEVE_NONE);
	reeve__put(&row->flags, 0);
}

static void put_limit32(
	_Atomic uint32_t *to, const struct reeve_sh_directive *d, uint64_t bit, uint32_t value)
{
	if (d->given & bit)
		reeve__put(to, value);
}

static void put_limit64(
	_Atomic uint64_t *to, const struct reeve_sh_directive *d, uint64_t bit, uint64_t value)
{
	if (d->given & bit)
		reeve__put(to, value);
}

/* What a session pool and parallel calls are limited to counts when the plan manages them. */
static uint32_t put_managed(struct reeve_sh_ruling_row *row, const struct reeve_sh_directive *d,
	const struct reeve_sh_plan *plan)
{
	uint32_t flags = 0;

	if (plan->sessions_managed) {
		flags |= REEVE_ROW_SESSIONS_MANAGED;
		put_limit32(&row->active_sessions, d, REEVE_DIRECTIVE_ACTIVE_SESSIONS,
			d->active_sessions);
		put_limit64(&row->queue_timeout_ns, d, REEVE_DIRECTIVE_QUEUE_TIMEOUT,
			d->queue_timeout_ns);
	}
	if (plan->parallel_managed) {
		flags |= REEVE_ROW_PARALLEL_MANAGED;
		put_limit32(&row->parallel_degree, d, REEVE_DIRECTIVE_PARALLEL_DEGREE,
			d->parallel_degree);
		put_limit32(&row->parallel_servers, d, REEVE_DIRECTIVE_PARALLEL_SERVERS,
			d->parallel_servers);
		put_limit64(&row->parallel_queue_timeout_ns, d,
			REEVE_DIRECTIVE_PARALLEL_QUEUE_TIMEOUT, d->parallel_queue_timeout_ns);
		if (d->parallel_queue_runs_serial)
			flags |= REEVE_ROW_QUEUE_RUNS_SERIAL;
	}
	return flags;
}

/* When a call is switched, and what is done then: with a group it is to move, else only noted. */
static uint32_t put_switch(
	struct reeve *r, struct reeve_sh_ruling_row *row, const struct reeve_sh_directive *d)
{
	const uint64_t limits = REEVE_DIRECTIVE_SWITCH_CPU | REEVE_DIRECTIVE_SWITCH_ELAPSED |
				REEVE_DIRECTIVE_SWITCH_IO_BYTES |
				REEVE_DIRECTIVE_SWITCH_IO_REQUESTS |
				REEVE_DIRECTIVE_SWITCH_LOGICAL_READS;
	uint32_t to = d->given & REEVE_DIRECTIVE_SWITCH_GROUP
			      ? reeve__table_find(r, &r->header->groups, d->switch_group)
			      : REEVE_NONE;
	uint32_t action = to != REEVE_NONE ? REEVE_ROW_SWITCH : REEVE_ROW_LOG;

	if (!(d->given & limits))
		return 0;
	if (d->given & REEVE_DIRECTIVE_SWITCH_ACTION)
		action = d->switch_action;
	if (action == REEVE_ROW_SWITCH && to == REEVE_NONE)
		action = REEVE_ROW_LOG;
	put_limit64(&row->switch_cpu_ns, d, REEVE_DIRECTIVE_SWITCH_CPU, d->switch_cpu_ns);
	put_limit64(
		&row->switch_elapsed_ns, d, REEVE_DIRECTIVE_SWITCH_ELAPSED, d->switch_elapsed_ns);
	put_limit64(&row->switch_io_bytes, d, REEVE_DIRECTIVE_SWITCH_IO_BYTES, d->switch_io_bytes);
	put_limit64(&row->switch_io_requests, d, REEVE_DIRECTIVE_SWITCH_IO_REQUESTS,
		d->switch_io_requests);
	put_limit64(&row->switch_logical_reads, d, REEVE_DIRECTIVE_SWITCH_LOGICAL_READS,
		d->switch_logical_reads);
	reeve__put(&row->switch_action, action);
	reeve__put(&row->switch_group, to);
	return (d->switch_for_call ? REEVE_ROW_FOR_CALL : 0u) |
	       (d->switch_estimate ? REEVE_ROW_ON_ESTIMATE : 0u);
}

/* The limits of a directive, over those of put_no_limits. */
static void put_limits(struct reeve *r, struct reeve_sh_ruling_row *row, uint32_t slot)
{
	const struct reeve_sh_directive *d = &r->directives[slot];
	uint32_t flags;

	if (d->plan >= r->header->plans.capacity)
		return;
	flags = put_managed(row, d, &r->plans[d->plan]) | put_switch(r, row, d);
	put_limit32(&row->io_weight, d, REEVE_DIRECTIVE_IO_WEIGHT, d->io_weight);
	put_limit64(&row->max_est_exec_ns, d, REEVE_DIRECTIVE_MAX_EST_EXEC, d->max_est_exec_ns);
	put_limit64(&row->max_idle_ns, d, REEVE_DIRECTIVE_MAX_IDLE, d->max_idle_ns);
	put_limit64(&row->max_idle_blocker_ns, d, REEVE_DIRECTIVE_MAX_IDLE_BLOCKER,
		d->max_idle_blocker_ns);
	put_limit64(&row->session_pga_bytes, d, REEVE_DIRECTIVE_SESSION_PGA, d->session_pga_bytes);
	put_limit64(&row->undo_bytes, d, REEVE_DIRECTIVE_UNDO_POOL, d->undo_bytes);
	put_limit64(&row->undo_rate, d, REEVE_DIRECTIVE_UNDO_RATE, d->undo_rate);
	put_limit64(&row->io_bandwidth, d, REEVE_DIRECTIVE_IO_BANDWIDTH, d->io_bandwidth);
	put_limit64(&row->io_iops, d, REEVE_DIRECTIVE_IOPS, d->iops);
	reeve__put(&row->flags, flags);
}

static void write_ruling(struct reeve *r, struct reeve_sh_ruling *to, uint32_t plan_slot,
	uint64_t activation, const struct reeve__shares *s)
{
	const struct reeve_sh_plan *plan = &r->plans[plan_slot];
	struct reeve_sh_ruling_row *rows = rows_of(to);
	uint32_t cap = plan->max_utilization_pct;

	reeve__put(&to->plan_id, plan->head.id);
	reeve__put(&to->activation, activation);
	reeve__put(&to->by_level, plan->cpu_method == REEVE_METHOD_EMPHASIS);
	reeve__put(&to->cap_ppm, cap ? cap * (REEVE_PPM / 100) : REEVE_PPM);
	reeve__put(&to->groups, s->n);
	for (uint32_t i = 0; i < s->n; i++) {
		reeve__put(&rows[i].number, s->rows[i].number);
		reeve__put(&rows[i].level, s->rows[i].level);
		reeve__put(&rows[i].weight_ppm, s->rows[i].weight_ppm ? s->rows[i].weight_ppm : 1);
		reeve__put(&rows[i].share_ppm, s->rows[i].share_ppm);
		reeve__put(&rows[i].cap_ppm, s->rows[i].cap_ppm);
		uint64_t d = s->rows[i].label; /* slot of the directive, and one */
		reeve__put(&rows[i].directive_id, d ? r->directives[d - 1].head.id : 0);
		put_no_limits(&rows[i]);
		if (d)
			put_limits(r, &rows[i], (uint32_t)d - 1);
	}
}

void reeve__ruling_compile_locked(struct reeve *r, uint32_t plan_slot, bool new_activation)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t activation = reeve__get(&now.head->activation) + (new_activation ? 1 : 0);
	uint64_t sequence = (now.sequence >> 8) + 1;
	uint32_t which = ((uint32_t)now.sequence + 1) & (REEVE_SH_RULINGS - 1);
	struct reeve_sh_ruling *to = ruling_at(r, which);
	struct reeve__shares s;

	reeve__lock_assert(&r->header->catalog);
	s = solve_plan(r, plan_slot, activation);
	reeve__put(&to->sequence, 0);
	/* Readers of the old content must see 0 before any of the new: pairs with ruling_holds. */
	atomic_thread_fence(memory_order_seq_cst);
	write_ruling(r, to, plan_slot, activation, &s);
	atomic_store_explicit(&to->sequence, sequence << 8 | which, memory_order_release);
	REEVE_POINT(PLAN_COMPILED);
	atomic_store_explicit(&r->header->ruling, sequence << 8 | which, memory_order_release);
	REEVE_POINT(PLAN_SWITCHED);
}

void reeve__ruling_refresh_locked(struct reeve *r)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t id = reeve__get(&now.head->plan_id);
	uint32_t i = reeve__table_find(r, &r->header->plans, id ? id : REEVE_DEFAULT_PLAN);

	if (i != REEVE_NONE)
		reeve__ruling_compile_locked(r, i, false);
}

/* Messages of validation: all are counted, those that fit are kept. */
struct messages {
	struct reeve_plan_message *ret;
	uint32_t capacity, count, errors;
	struct reeve_error first_error;
};

__attribute__((format(printf, 4, 5))) static void say(struct messages *m,
	enum reeve_severity severity, uint64_t directive, const char *format, ...)
{
	struct reeve_plan_message scratch;
	struct reeve_plan_message *to = m->count < m->capacity ? &m->ret[m->count] : &scratch;
	va_list args;

	to->severity = severity;
	to->directive.v = directive;
	va_start(args, format);
	vsnprintf(to->text, sizeof(to->text), format, args);
	va_end(args);
	m->count++;
	if (severity == REEVE_SEVERITY_ERROR && m->errors++ == 0)
		reeve__fail(&m->first_error, REEVE_ECONFIGURATION, "%s", to->text);
}

static void judge_directive(struct reeve *r, const struct reeve_sh_plan *plan,
	const struct reeve_sh_directive *d, struct messages *m)
{
	bool by_shares = plan->cpu_method == REEVE_METHOD_SHARES;
	const char *group = d->group < r->group_capacity ? r->groups[d->group].name : "?";
	uint32_t cap = plan->max_utilization_pct;

	if (by_shares && (d->given & REEVE_DIRECTIVE_CPU_PCT))
		say(m, REEVE_SEVERITY_WARNING, d->head.id,
			"cpuPct %u of %.128s has no effect: the plan divides by shares", d->cpu_pct,
			group);
	if (!by_shares && (d->given & REEVE_DIRECTIVE_CPU_SHARES))
		say(m, REEVE_SEVERITY_WARNING, d->head.id,
			"cpuShares %u of %.128s has no effect: the plan divides by percent",
			d->cpu_shares, group);
	if (!by_shares && (d->given & REEVE_DIRECTIVE_CPU_PCT) && d->cpu_pct == 0)
		say(m, REEVE_SEVERITY_WARNING, d->head.id,
			"%.128s has 0 percent and gets only the floor while others want CPU",
			group);
	if (plan->cpu_method != REEVE_METHOD_EMPHASIS && (d->given & REEVE_DIRECTIVE_CPU_LEVEL) &&
		d->cpu_level != 1)
		say(m, REEVE_SEVERITY_WARNING, d->head.id,
			"cpuLevel %u of %.128s has no effect: only EMPHASIS has levels",
			d->cpu_level, group);
	if ((d->given & REEVE_DIRECTIVE_CPU_CAP) && cap && d->cpu_cap_pct >= cap && cap < 100)
		say(m, REEVE_SEVERITY_WARNING, d->head.id,
			"cpuUtilizationLimit %u of %.128s can never bind: the plan's is %u",
			d->cpu_cap_pct, group, cap);
}

static void judge_level(
	const struct reeve_sh_plan *plan, uint32_t level, uint32_t sum, struct messages *m)
{
	bool emphasis = plan->cpu_method == REEVE_METHOD_EMPHASIS;

	if (sum > 100)
		say(m, emphasis ? REEVE_SEVERITY_ERROR : REEVE_SEVERITY_WARNING, 0,
			"percentages of level %u add up to %u, more than 100", level, sum);
	else if (sum && sum < 100 && !emphasis)
		say(m, REEVE_SEVERITY_WARNING, 0,
			"percentages add up to %u, less than 100; they count as ratios", sum);
}

static void judge_plan(struct reeve *r, uint32_t plan_slot, struct messages *m)
{
	const struct reeve_sh_plan *plan = &r->plans[plan_slot];
	const struct reeve_sh_table *t = &r->header->directives;
	uint32_t sums[REEVE_CPU_LEVELS + 1] = {0}, numbers = 0;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_directive *d = &r->directives[i];
		if (reeve__get(&d->head.state) != REEVE_SLOT_LIVE || d->plan != plan_slot)
			continue;
		judge_directive(r, plan, d, m);
		bool by_shares = plan->cpu_method == REEVE_METHOD_SHARES;
		if (d->given & (by_shares ? REEVE_DIRECTIVE_CPU_SHARES : REEVE_DIRECTIVE_CPU_PCT))
			numbers++;
		if (!by_shares && (d->given & REEVE_DIRECTIVE_CPU_PCT))
			sums[plan->cpu_method == REEVE_METHOD_EMPHASIS &&
						d->cpu_level <= REEVE_CPU_LEVELS
					? d->cpu_level
					: 1] += d->cpu_pct;
	}
	if (numbers == 0)
		say(m, REEVE_SEVERITY_WARNING, 0, "no group has %s: all get what is left",
			plan->cpu_method == REEVE_METHOD_SHARES ? "shares" : "a percentage");
	for (uint32_t level = 1, full = 0; level <= REEVE_CPU_LEVELS; level++) {
		judge_level(plan, level, sums[level], m);
		if (full && sums[level])
			say(m, REEVE_SEVERITY_WARNING, 0,
				"level %u gets only the floor while level %u wants all its 100 "
				"percent",
				level, full);
		if (!full && sums[level] >= 100)
			full = level;
	}
}

int reeve__plan_validate(struct reeve *r, reeve_plan_id id, struct reeve_plan_message *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct messages m = {.ret = ret, .capacity = capacity};
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		judge_plan(r, i, &m);
	reeve__catalog_unlock(r);
	return rc ? rc : (int)m.count;
}

int reeve__plan_activate(
	struct reeve *r, reeve_plan_id id, reeve_ns now_wall, struct reeve_error *err)
{
	struct messages m = {.ret = NULL, .capacity = 0};
	uint32_t i = REEVE_NONE;
	int rc;

	(void)now_wall;
	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc && !r->plans[i].is_enabled)
		rc = reeve__fail(err, REEVE_ECONFIGURATION,
			"resource plan %llu (%.128s) is disabled and cannot be activated",
			(unsigned long long)id.v, r->plans[i].name);
	if (!rc) {
		judge_plan(r, i, &m);
		if (m.errors)
			rc = reeve__fail(err, REEVE_ECONFIGURATION,
				"resource plan %llu cannot be activated: %.180s",
				(unsigned long long)id.v, m.first_error.text);
	}
	if (!rc) {
		reeve__ruling_compile_locked(r, i, true);
		reeve__add(&r->header->revision, 1);
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__plan_entitlements(struct reeve *r, reeve_plan_id id, struct reeve_entitlement *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint32_t i = REEVE_NONE, slots[64], n = 0, done = 0;
	uint64_t after = 0;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc) {
		bool active = reeve__get(&now.head->plan_id) == id.v;
		struct reeve__shares s =
			solve_plan(r, i, active ? reeve__get(&now.head->activation) : UINT64_MAX);
		do {
			n = reeve__table_list(
				r, &r->header->groups, after, false, slots, REEVE_COUNT(slots));
			for (uint32_t k = 0; k < n && done < capacity; k++, done++) {
				const struct reeve_sh_share *share = &s.rows[slots[k]];
				after = r->groups[slots[k]].head.id;
				ret[done] = (struct reeve_entitlement){{after}, share->share_ppm,
					share->cap_ppm,
					{share->label ? r->directives[share->label - 1].head.id
						      : 0}};
			}
		} while (n == REEVE_COUNT(slots) && done < capacity);
	}
	reeve__catalog_unlock(r);
	return rc ? rc : (int)done;
}

int reeve__cpu_register(struct reeve *r, reeve_group_id group, uint32_t shares, uint32_t cap_pct,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	if (shares < 1 || shares > REEVE_SHARES_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"shares is %u; allowed are 1 to %u", shares, REEVE_SHARES_MAX);
	if (cap_pct > 100)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"limitPercent is %u; allowed are 1 to 100", cap_pct);
	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc) {
		struct reeve_sh_cpu_group *c = &r->groups[i].cpu;
		struct reeve__ruling_view now = reeve__ruling_now(r);
		reeve__journal_begin_locked(r, REEVE_JOURNAL_GROUP, i);
		c->registered_shares = shares;
		c->registered_cap_ppm = cap_pct ? cap_pct * (REEVE_PPM / 100) : REEVE_PPM;
		c->registered = reeve__get(&now.head->activation) + 1;
		reeve__journal_commit_locked(r);
		reeve__ruling_refresh_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__cpu_unregister(struct reeve *r, reeve_group_id group, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &i, err);
	if (!rc && !reeve__cpu_is_registered(r, &r->groups[i]))
		rc = reeve__fail(err, REEVE_ENOT_FOUND,
			"explicit CPU registration of consumer group %llu",
			(unsigned long long)group.v);
	if (!rc) {
		reeve__journal_begin_locked(r, REEVE_JOURNAL_GROUP, i);
		r->groups[i].cpu.registered = 0;
		reeve__journal_commit_locked(r);
		reeve__ruling_refresh_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}
