/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruling.c - plans compiled: from directives to one flat row a group, in force by one store.
 *
 * There are four rulings in a ring. The ruling word says which is in force and with what sequence
 * number. A new one is compiled into the slot used longest ago and then named by one release store.
 * Readers keep no reference: they read the word, the row, and ask whether the slot's sequence is
 * still the one of the word (a sequence lock over a ring), so a reader that dies holds nothing back.
 */
#include "judge.h"
#include "tree.h"

static struct reeve_sh_ruling *ruling_at(const struct reeve *r, uint32_t which)
{
	size_t each = sizeof(struct reeve_sh_ruling) +
		      r->group_capacity * sizeof(struct reeve_sh_ruling_row) +
		      reeve__tree_capacity(r->group_capacity, r->header->directives.capacity) *
			      sizeof(struct reeve_sh_ruling_node);

	return (struct reeve_sh_ruling *)(void *)(r->base + r->header->rulings + which * each);
}

static struct reeve_sh_ruling_row *rows_of(struct reeve_sh_ruling *ruling)
{
	return (struct reeve_sh_ruling_row *)(void *)(ruling + 1);
}

static struct reeve_sh_ruling_node *nodes_of(const struct reeve *r, struct reeve_sh_ruling *ruling)
{
	return (struct reeve_sh_ruling_node *)(void *)(rows_of(ruling) + r->group_capacity);
}

const struct reeve_sh_ruling_node *reeve__ruling_nodes(
	const struct reeve *r, const struct reeve__ruling_view *view)
{
	return nodes_of(r, view->head);
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
	reeve__put(&row->io_bandwidth, REEVE_UNLIMITED);
	reeve__put(&row->io_iops, REEVE_UNLIMITED);
	reeve__put(&row->switch_cpu_ns, REEVE_UNLIMITED);
	reeve__put(&row->switch_elapsed_ns, REEVE_UNLIMITED);
	reeve__put(&row->switch_io_bytes, REEVE_UNLIMITED);
	reeve__put(&row->switch_io_requests, REEVE_UNLIMITED);
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
	put_limit64(&row->io_bandwidth, d, REEVE_DIRECTIVE_IO_BANDWIDTH, d->io_bandwidth);
	put_limit64(&row->io_iops, d, REEVE_DIRECTIVE_IOPS, d->iops);
	reeve__put(&row->flags, flags);
}

/* Which of two directives for a group is evaluated first, and so says its limits. */
static uint64_t first_of(const struct reeve *r, uint64_t a, uint64_t b)
{
	const struct reeve_sh_directive *x = &r->directives[a - 1], *y = &r->directives[b - 1];

	if (x->priority != y->priority)
		return x->priority < y->priority ? a : b;
	return x->head.id < y->head.id ? a : b;
}

/* The rows of a plan without sub-plans: what was solved, as it is. */
static void write_rows(struct reeve_sh_ruling_row *rows, const struct reeve__tree *t)
{
	for (uint32_t i = 0; i < t->top; i++) {
		const struct reeve_sh_share *s = &t->rows[i];
		reeve__put(&rows[i].weight_ppm, s->weight_ppm ? s->weight_ppm : 1);
		reeve__put(&rows[i].share_ppm, s->share_ppm);
		reeve__put(&rows[i].cap_ppm, s->cap_ppm);
		reeve__put(&rows[i].directive_id, s->label);
	}
}

static uint32_t sum_ppm(uint32_t a, uint32_t b)
{
	return a + b < REEVE_PPM ? a + b : REEVE_PPM;
}

/*
 * The rows of a tree: a group has the sum of its places. Its cap is there when each of them has
 * one; where a place lies below a capped row, the part of that cap it may use.
 */
static void write_tree_rows(
	const struct reeve *r, struct reeve_sh_ruling_row *rows, const struct reeve__tree *t)
{
	for (uint32_t i = 0; i < t->top; i++) {
		reeve__put(&rows[i].weight_ppm, 0);
		reeve__put(&rows[i].share_ppm, 0);
		reeve__put(&rows[i].cap_ppm, 0);
		reeve__put(&rows[i].directive_id, 0);
	}
	for (uint32_t k = 0; k < t->n; k++) {
		const struct reeve_sh_share *s = &t->rows[k];
		struct reeve_sh_ruling_row *row = &rows[s->tag < t->top ? s->tag : 0];
		if (s->tag >= t->top)
			continue;
		uint64_t d = reeve__get(&row->directive_id);
		if (s->label)
			reeve__put(&row->directive_id, d ? first_of(r, d, s->label) : s->label);
		if (s->count)
			continue;
		reeve__put(&row->weight_ppm, reeve__get(&row->weight_ppm) + s->weight_ppm);
		reeve__put(&row->share_ppm, reeve__get(&row->share_ppm) + s->share_ppm);
		reeve__put(&row->cap_ppm, sum_ppm(reeve__get(&row->cap_ppm), s->limit_ppm));
	}
	for (uint32_t i = 0; i < t->top; i++) {
		if (reeve__get(&rows[i].weight_ppm) == 0)
			reeve__put(&rows[i].weight_ppm, 1);
		if (reeve__get(&rows[i].cap_ppm) == 0)
			reeve__put(&rows[i].cap_ppm, REEVE_PPM);
	}
}

static void write_nodes(struct reeve_sh_ruling_node *nodes, const struct reeve__tree *t)
{
	for (uint32_t k = 0; k < t->n; k++) {
		const struct reeve_sh_share *s = &t->rows[k];
		reeve__put(&nodes[k].number, s->number);
		reeve__put(&nodes[k].level, s->level);
		reeve__put(&nodes[k].cap_ppm, s->cap_ppm);
		reeve__put(&nodes[k].by_level, s->by_level);
		reeve__put(&nodes[k].first, s->first);
		reeve__put(&nodes[k].count, s->count);
		reeve__put(&nodes[k].group, s->tag);
	}
}

static void write_cause(
	struct reeve *r, struct reeve_sh_ruling *to, const struct reeve__cause *cause)
{
	const struct reeve_sh_ruling *now = reeve__ruling_now(r).head;

	reeve__put(&to->cause, cause ? cause->cause : reeve__get(&now->cause));
	reeve__put(&to->period, cause ? cause->period : reeve__get(&now->period));
	reeve__put(&to->active_wall, cause ? cause->at_wall : reeve__get(&now->active_wall));
}

static void write_ruling(struct reeve *r, struct reeve_sh_ruling *to, uint32_t plan_slot,
	uint64_t activation, const struct reeve__tree *t)
{
	const struct reeve_sh_plan *plan = &r->plans[plan_slot];
	struct reeve_sh_ruling_row *rows = rows_of(to);
	uint32_t cap = plan->max_utilization_pct;

	reeve__put(&to->plan_id, plan->head.id);
	reeve__put(&to->activation, activation);
	reeve__put(&to->by_level, t->by_level);
	reeve__put(&to->cap_ppm, cap ? cap * (REEVE_PPM / 100) : REEVE_PPM);
	reeve__put(&to->groups, t->top);
	reeve__put(&to->nodes, t->n > t->top ? t->n : 0);
	if (t->n > t->top) {
		write_nodes(nodes_of(r, to), t);
		write_tree_rows(r, rows, t);
	} else {
		write_rows(rows, t);
	}
	for (uint32_t i = 0; i < t->top; i++) {
		uint64_t d = reeve__get(&rows[i].directive_id); /* slot, and one */
		reeve__put(&rows[i].number, t->rows[i].number);
		reeve__put(&rows[i].level, t->rows[i].level);
		reeve__put(&rows[i].directive_id, d ? r->directives[d - 1].head.id : 0);
		put_no_limits(&rows[i]);
		if (d)
			put_limits(r, &rows[i], (uint32_t)d - 1);
	}
}

void reeve__ruling_compile_locked(
	struct reeve *r, uint32_t plan_slot, const struct reeve__cause *cause)
{
	bool new_activation = cause && cause->new_activation;
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t activation = reeve__get(&now.head->activation) + (new_activation ? 1 : 0);
	uint64_t sequence = (now.sequence >> 8) + 1;
	/* the first of all takes the place of the empty one */
	uint32_t which = now.sequence ? ((uint32_t)now.sequence + 1) & (REEVE_SH_RULINGS - 1) : 0;
	struct reeve_sh_ruling *to = ruling_at(r, which);
	struct reeve__tree t;

	reeve__lock_assert(&r->header->catalog);
	t = reeve__tree_solve(r, plan_slot, activation);
	reeve__put(&to->sequence, 0);
	/* Readers of the old content must see 0 before any of the new: pairs with ruling_holds. */
	atomic_thread_fence(memory_order_seq_cst);
	write_ruling(r, to, plan_slot, activation, &t);
	write_cause(r, to, cause);
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

	if (i != REEVE_NONE && !reeve__txn_active(r))
		reeve__ruling_compile_locked(r, i, NULL);
}

int reeve__plan_check_activation_locked(
	struct reeve *r, uint32_t plan_slot, struct reeve_error *err)
{
	const struct reeve_sh_plan *p = &r->plans[plan_slot];
	struct reeve_error why;

	if (!p->is_enabled)
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"resource plan %llu (%.128s) is disabled and cannot be activated",
			(unsigned long long)p->head.id, p->name);
	if (p->parent)
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"resource plan %llu (%.128s) is a sub-plan of %llu and cannot be activated "
			"alone",
			(unsigned long long)p->head.id, p->name, (unsigned long long)p->parent);
	if (reeve__plan_judge_locked(r, plan_slot, NULL, 0, &why) < 0)
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"resource plan %llu cannot be activated: %.180s",
			(unsigned long long)p->head.id, why.text);
	return 0;
}

/* One entitlement for each place, those of a group together, by the group's id. */
struct listing {
	struct reeve *r;
	struct reeve__tree tree;
	uint32_t plan;
	struct reeve_entitlement *ret;
	uint32_t capacity, done;
};

static void list_place(struct listing *l, uint32_t k, uint32_t group)
{
	const struct reeve_sh_share *s = &l->tree.rows[k];
	struct reeve_entitlement *e;

	if (l->done == l->capacity)
		return;
	e = &l->ret[l->done++];
	*e = (struct reeve_entitlement){{l->r->groups[group].head.id}, s->share_ppm, s->limit_ppm,
		{s->label ? l->r->directives[s->label - 1].head.id : 0}, 0, {{0}}};
	e->depth = reeve__tree_path(l->r, &l->tree, k, l->plan, e->path, REEVE_COUNT(e->path));
}

/* Chains each group's places, through scratch of the solver: first in its top row, then onwards. */
static void chain_places(struct reeve__tree *t)
{
	for (uint32_t i = 0; i < t->top; i++)
		t->rows[i].bound = REEVE_NONE;
	for (uint32_t k = t->n; k-- > 0;) {
		uint32_t group = t->rows[k].tag;
		if (group >= t->top || t->rows[k].count)
			continue;
		t->rows[k].got = t->rows[group].bound;
		t->rows[group].bound = k;
	}
}

int reeve__plan_entitlements(struct reeve *r, reeve_plan_id id, struct reeve_entitlement *ret,
	uint32_t capacity, struct reeve_error *err)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	struct listing l = {.r = r, .ret = ret, .capacity = capacity};
	uint32_t slots[64], n = 0;
	uint64_t after = 0;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &l.plan, err);
	if (!rc) {
		bool active = reeve__get(&now.head->plan_id) == id.v;
		l.tree = reeve__tree_solve(
			r, l.plan, active ? reeve__get(&now.head->activation) : UINT64_MAX);
		chain_places(&l.tree);
		do {
			n = reeve__table_list(
				r, &r->header->groups, after, false, slots, REEVE_COUNT(slots));
			for (uint32_t g = 0; g < n; g++) {
				after = r->groups[slots[g]].head.id;
				for (uint64_t k = l.tree.rows[slots[g]].bound; k < l.tree.n;
					k = l.tree.rows[k].got)
					list_place(&l, (uint32_t)k, slots[g]);
			}
		} while (n == REEVE_COUNT(slots) && l.done < capacity);
	}
	reeve__catalog_unlock(r);
	return rc ? rc : (int)l.done;
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
