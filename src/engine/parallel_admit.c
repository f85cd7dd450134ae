/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_admit.c - what a request comes to, its slot, its start and its end; see parallel.h. */
#include "parallel.h"

#include "../policy/dop.h"

/* ---- judging a request ---- */

int reeve__parallel_check_def(const struct reeve_parallel_def *def, struct reeve_error *err)
{
	if (def->mode > REEVE_PARALLEL_ADAPTIVE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"mode is %u; allowed are 0 (Serial) to 3 (Adaptive)", def->mode);
	if (def->requested_dop > REEVE_PARALLEL_DOP_MAX ||
		(def->mode == REEVE_PARALLEL_MANUAL && def->requested_dop == 0))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"requestedDop is %u; allowed are %u to %u", def->requested_dop,
			def->mode == REEVE_PARALLEL_MANUAL, REEVE_PARALLEL_DOP_MAX);
	if (def->min_dop > REEVE_PARALLEL_DOP_MAX ||
		(def->requested_dop && def->min_dop > def->requested_dop))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"minDop is %u; allowed are 1 to %u, or 0 for the default", def->min_dop,
			def->requested_dop ? def->requested_dop : REEVE_PARALLEL_DOP_MAX);
	if (def->downgrade > REEVE_DOWNGRADE_NO)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"downgrade is %u; allowed are 0 (by mode) to 2 (no)", def->downgrade);
	if (def->priority > REEVE_PARALLEL_PRIORITY_LOWEST)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 to %u", def->priority,
			REEVE_PARALLEL_PRIORITY_LOWEST);
	if (def->deadline < 0)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"deadline is %lld; allowed are 0 up", (long long)def->deadline);
	return 0;
}

/* What a request comes to. */
struct wish {
	uint32_t target, min, need, flags;
	uint64_t deadline_ns;
};

static uint32_t least_of(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool allows_downgrade(const struct reeve_parallel_def *def)
{
	return def->downgrade == REEVE_DOWNGRADE_YES ||
	       (def->downgrade == REEVE_DOWNGRADE_BY_MODE && def->mode != REEVE_PARALLEL_MANUAL);
}

static uint32_t automatic(const struct reeve__parallel_pass *x,
	const struct reeve_parallel_def *def, const struct reeve__parallel_limits *limits,
	uint32_t left)
{
	const struct reeve__dop_input in = {
		.cores = x->config->cpu_cores,
		.requested = def->requested_dop,
		.group_limit = limits->degree,
		.left = left,
		.io_parallelism = x->config->io_parallelism,
		.load_ppm = reeve__get(&x->p->load_ppm),
		.cost_milli = def->estimated_cost_milli,
		.rows = def->estimated_rows,
	};

	return reeve__dop_auto(&in, NULL, NULL);
}

/* The target before the limits that the group and the pools set to the number of servers. */
static uint32_t raw_target(const struct reeve__parallel_pass *x,
	const struct reeve_parallel_def *def, const struct reeve__parallel_limits *limits,
	bool waits)
{
	uint32_t left = x->config->max_total_dop;
	uint32_t dop;

	if (def->mode == REEVE_PARALLEL_SERIAL)
		return 1;
	if (def->mode == REEVE_PARALLEL_MANUAL)
		return least_of(def->requested_dop, limits->degree);
	if (!waits) /* who waits gets what comes back; the others go by what is there */
		left -= least_of(left, x->p->in_use);
	dop = automatic(x, def, limits, left);
	if (dop < def->min_dop) /* too little for him: he waits too */
		dop = automatic(x, def, limits, x->config->max_total_dop);
	if (dop < def->min_dop) /* he wants that much at least, whatever the cost says */
		dop = least_of(def->min_dop, limits->degree);
	return dop;
}

static int too_much(const struct reeve__parallel_pass *x, uint32_t group, const char *field,
	uint32_t dop, uint32_t most, struct reeve_error *err)
{
	const struct reeve_sh_group *g = reeve__group_at(x->r, group);

	if (most == x->config->max_total_dop)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"%s is %u; the limit maxTotalDop is %u", field, dop, most);
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"%s is %u; consumer group %.96s can have %u servers at most", field, dop, g->name,
		most);
}

/* When a wait for servers is over. */
static void set_deadline(const struct reeve__parallel_pass *x, const struct reeve_parallel_def *def,
	const struct reeve__parallel_limits *limits, struct wish *wish)
{
	uint64_t timeout = x->config->queue_timeout_ns;

	if (limits->timeout_ns != REEVE_UNLIMITED) {
		timeout = limits->timeout_ns;
		wish->flags |= REEVE_SH_EXECUTION_BY_PLAN;
	}
	if (limits->runs_serial)
		wish->flags |= REEVE_SH_EXECUTION_RUNS_SERIAL;
	wish->deadline_ns = (uint64_t)reeve__later(
		(reeve_ns)x->now, timeout > INT64_MAX ? REEVE_NEVER : (reeve_ns)timeout);
	if ((uint64_t)def->deadline < wish->deadline_ns) {
		wish->deadline_ns = (uint64_t)def->deadline;
		wish->flags &= ~(uint32_t)REEVE_SH_EXECUTION_BY_PLAN;
	}
}

/* Works out target, least and deadline; refuses what can never be. */
static int judge(const struct reeve__parallel_pass *x, const struct reeve_parallel_def *def,
	uint32_t group, struct wish *wish, struct reeve_error *err)
{
	struct reeve__parallel_limits limits = reeve__parallel_limits_of(x, group);
	uint32_t total = x->config->max_total_dop, ceiling = reeve__parallel_ceiling(x, group);
	bool may = allows_downgrade(def), by_plan = limits.timeout_ns != REEVE_UNLIMITED;
	bool on = x->config->downgrade_enabled, asks_least;

	*wish = (struct wish){.flags = may ? REEVE_SH_EXECUTION_DOWNGRADE : 0};
	asks_least = def->min_dop && def->mode != REEVE_PARALLEL_SERIAL;
	if (def->mode == REEVE_PARALLEL_MANUAL && def->requested_dop > total)
		return too_much(x, group, "requestedDop", def->requested_dop, total, err);
	wish->target =
		least_of(raw_target(x, def, &limits, by_plan || !may || !on), limits.servers);
	if (wish->target > ceiling && wish->target > 1) {
		if (!may && def->mode == REEVE_PARALLEL_MANUAL)
			return too_much(x, group, "requestedDop", wish->target, ceiling, err);
		wish->target = ceiling;
	}
	if (wish->target == 0)
		wish->target = 1;
	if (asks_least && def->min_dop > wish->target)
		return too_much(x, group, "minDop", def->min_dop, wish->target, err);
	wish->min = asks_least ? def->min_dop : may ? 1 : wish->target;
	wish->need = wish->target;
	if (on && def->downgrade != REEVE_DOWNGRADE_NO && (asks_least || (may && !by_plan)))
		wish->need = wish->min;
	if (!reeve__segment_ready(x->r))
		wish->need = 1; /* nothing is enforced: nobody waits */
	set_deadline(x, def, &limits, wish);
	return 0;
}

/* ---- slots ---- */

static void free_oldest_ended(struct reeve__parallel_pass *x)
{
	struct reeve_sh_table *t = &x->r->header->executions;

	if (t->ended_first < t->capacity) {
		reeve__table_free(x->r, t, t->ended_first, NULL);
		x->p->ended--;
	}
}

/* It is over and nobody looks for its outcome but who lists it. */
void reeve__parallel_rest(struct reeve__parallel_pass *x, uint32_t i)
{
	reeve__table_end(x->r, &x->r->header->executions, i);
	if (++x->p->ended > REEVE_EXECUTIONS_KEPT)
		free_oldest_ended(x);
}

static void link_session(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	_Atomic uint32_t *head;
	uint32_t first;

	e->session_next = e->session_previous = REEVE_NONE;
	if (e->session >= x->r->header->sessions.capacity)
		return;
	head = &x->r->parallel_sessions[e->session];
	first = reeve__get(head) - 1; /* 0 wraps to REEVE_NONE */
	e->session_next = first;
	if (first < x->r->header->executions.capacity)
		x->r->executions[first].session_previous = i;
	/* Pairs with the fence in reeve__parallel_drop. */
	atomic_store(head, i + 1);
}

static void unlink_session(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t capacity = x->r->header->executions.capacity;

	if (e->session >= x->r->header->sessions.capacity)
		return;
	if (e->session_next < capacity)
		x->r->executions[e->session_next].session_previous = e->session_previous;
	if (e->session_previous < capacity)
		x->r->executions[e->session_previous].session_next = e->session_next;
	else
		reeve__put(&x->r->parallel_sessions[e->session], e->session_next + 1);
}

/* A slot, filled and published, QUEUED but in no queue. */
static int add(struct reeve__parallel_pass *x, const struct reeve_parallel_def *def,
	const struct reeve__parallel_asker *asker, const struct wish *wish, uint32_t *ret,
	struct reeve_error *err)
{
	struct reeve_sh_table *t = &x->r->header->executions;
	struct reeve_sh_execution *e;
	uint32_t i;

	if (t->free >= t->capacity && t->high_water >= t->capacity)
		free_oldest_ended(x);
	i = reeve__table_claim(x->r, t);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of parallel executions is full: %u of %u", reeve__get(&t->live),
			t->capacity);
	e = &x->r->executions[i];
	REEVE_POINT(PARALLEL_CLAIMED);
	reeve__parallel_publish(e, 0);
	reeve__put(&e->phase, (uint32_t)REEVE_EXECUTION_QUEUED);
	reeve__put(&e->outcome, 0);
	e->group = asker->group;
	e->pool = e->servers = REEVE_NONE;
	e->held = e->granted_first = 0;
	e->session_id = asker->session_id;
	e->session = asker->session;
	e->attachment = asker->flags & REEVE_SH_EXECUTION_ADMITTED
				? x->r->sessions[asker->session].attachment
				: x->r->attachment;
	e->mode = def->mode;
	e->requested_dop = def->requested_dop;
	e->target_dop = wish->target;
	e->min_dop = wish->min;
	e->need = wish->need;
	e->priority = def->priority;
	e->flags = wish->flags | asker->flags;
	e->cost_milli = def->estimated_cost_milli;
	e->rows_estimate = def->estimated_rows;
	e->requested_ns = x->now;
	e->started_ns = e->ended_ns = e->adapted_ns = e->charged_ns = 0;
	e->deadline_ns = wish->deadline_ns;
	reeve__put(&e->rows, 0);
	reeve__put(&e->bytes, 0);
	e->node.rank = 0;
	e->failure[0] = 0;
	reeve__table_publish(x->r, t, i, x->p->next_execution_id++, NULL);
	link_session(x, i);
	*ret = i;
	return 0;
}

/* Judges, adds, and starts or queues. Nothing is changed when it fails. */
int reeve__parallel_admit(struct reeve__parallel_pass *x, const struct reeve_parallel_def *def,
	const struct reeve__parallel_asker *asker, uint32_t *ret, struct reeve_error *err)
{
	struct wish wish;
	int rc = judge(x, def, asker->group, &wish, err);

	if (!rc)
		rc = add(x, def, asker, &wish, ret, err);
	if (rc || reeve__parallel_try(x, *ret))
		return rc;
	reeve__add(&x->p->queued, 1);
	reeve__parallel_enqueue(x, *ret);
	REEVE_POINT(PARALLEL_QUEUED);
	reeve__parallel_event(x, *ret, REEVE_EVENT_PARALLEL_QUEUED, x->config->max_total_dop,
		x->r->executions[*ret].need);
	reeve__parallel_adapt_all(x);
	reeve__parallel_hand_over(x);
	return 0;
}

/* ---- ending ---- */

void reeve__execution_finish(
	struct reeve__parallel_pass *x, uint32_t i, int code, const char *failure)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);
	bool ran = reeve__parallel_runs(e), sleeps = e->flags & REEVE_SH_EXECUTION_AWAITED;
	bool failed = code || failure;

	if (reeve__get(&e->phase) > REEVE_EXECUTION_COMPLETING)
		return;
	reeve__put(&e->outcome, (uint32_t)-code);
	reeve__text_cut(e->failure, sizeof(e->failure), failure);
	e->ended_ns = x->now;
	if (ran)
		reeve__parallel_charge(x, i);
	else
		reeve__parallel_dequeue(x, i);
	/* The store that counts: from here on recovery gives the servers back. */
	atomic_store_explicit(&e->phase,
		failed ? (uint32_t)REEVE_EXECUTION_FAILED : (uint32_t)REEVE_EXECUTION_COMPLETED,
		memory_order_release);
	REEVE_POINT(PARALLEL_ENDING);
	reeve__parallel_publish(e, 0);
	reeve__parallel_give(x, i, 0);
	if (ran) {
		x->p->executing--;
		x->p->adaptive -= e->mode == REEVE_PARALLEL_ADAPTIVE;
		g->executing--;
	}
	reeve__add(failed ? &x->p->failed : &x->p->completed, 1);
	if (code == REEVE_ECANCELLED)
		reeve__add(&x->p->cancelled, 1);
	unlink_session(x, i);
	/* Ordinary ones end without a word: an event costs as much as all the rest. */
	if (failed || (e->flags & REEVE_SH_EXECUTION_TOLD))
		reeve__parallel_event(x, i, REEVE_EVENT_PARALLEL_COMPLETED, 0, e->granted_first);
	if (sleeps) {
		reeve__parallel_tell(x, i);
		reeve__table_keep(x->r, &x->r->header->executions, i); /* its owner will look */
	} else {
		reeve__parallel_rest(x, i);
	}
}

/* The owner has seen its degree: it runs with that, and has let go of the rest. */
void reeve__parallel_acknowledge(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t wanted = reeve__dop_servers(reeve__parallel_degree(e));

	if (reeve__get(&e->phase) == REEVE_EXECUTION_INITIALIZING) {
		reeve__put(&e->phase, (uint32_t)REEVE_EXECUTION_EXECUTING);
		reeve__parallel_mark(x, i);
	}
	if (e->held > wanted) {
		reeve__parallel_charge(x, i);
		reeve__parallel_give(x, i, wanted);
		x->changes++;
		reeve__parallel_hand_over(x);
	}
}

/* A running execution ends by its owner's hand; what was cancelled stays so. */
void reeve__parallel_stop(struct reeve__parallel_pass *x, uint32_t i, const char *failure)
{
	bool cancelled = reeve__get(&x->r->executions[i].phase) == REEVE_EXECUTION_COMPLETING;

	reeve__execution_finish(
		x, i, cancelled ? REEVE_ECANCELLED : 0, cancelled ? "it was cancelled" : failure);
	if (x->p->waiting)
		reeve__parallel_hand_over(x);
}
