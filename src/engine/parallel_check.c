/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel_check.c - first content, recovery after a death under the parallel lock, and validation.
 *
 * Recovery trusts what layout_parallel.h calls primary, and computes all else from it.
 */
#include "parallel.h"

#include "../policy/dop.h"

static bool is_live(const struct reeve_sh_head *head)
{
	return reeve__get(&head->state) == REEVE_SLOT_LIVE;
}

static void reset_totals(struct reeve_sh_parallel *p)
{
	p->executing = p->in_use = p->waiting = p->adaptive = p->ended = p->servers = 0;
	p->root = REEVE_NONE;
	p->next_deadline_ns = REEVE_UNLIMITED;
}

static void reset_queues(struct reeve *r)
{
	struct reeve_sh_parallel *p = r->parallel;

	for (uint32_t g = 0; g < r->group_capacity; g++) {
		struct reeve_sh_parallel_group *row = &r->parallel_groups[g];
		row->executing = row->in_use = row->waiting = 0;
		row->root = REEVE_NONE;
		row->least = UINT32_MAX;
		row->node.rank = 0;
	}
	reset_totals(p);
}

void reeve__parallel_seed(struct reeve *r)
{
	struct reeve_sh_parallel *p = r->parallel;

	p->config[0] = (struct reeve_sh_parallel_config){
		.cpu_cores = r->host->cpu_count(r->host->self),
		.io_parallelism = 32,
		.max_total_dop = 128,
		.downgrade_enabled = 1,
		.queue_timeout_ns = 300 * (uint64_t)REEVE_SEC,
	};
	p->next_execution_id = p->next_server_id = p->next_pool_id = 1;
	/* The clock of groups starts just before it wraps, so that wrapping is ordinary. */
	p->clock = UINT64_MAX - UINT32_MAX;
	reset_totals(p);
}

/* ---- recovery ---- */

static void undo_pool(struct reeve *r)
{
	struct reeve_sh_parallel *p = r->parallel;
	uint32_t i = reeve__get(&p->undo) - 1; /* 0 wraps to REEVE_NONE */

	if (i < r->header->pools.capacity)
		r->pools[i].def = p->undo_def;
	reeve__put(&p->undo, 0);
}

static void recover_executions(struct reeve__parallel_pass *x)
{
	struct reeve_sh_table *t = &x->r->header->executions;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_execution *e = &x->r->executions[i];
		uint32_t state = reeve__get(&e->head.state);
		e->node.rank = 0;
		if (e->head.id >= x->p->next_execution_id)
			x->p->next_execution_id = e->head.id + 1;
		if (state != REEVE_SLOT_LIVE && state != REEVE_SLOT_KEPT) {
			x->p->ended += state == REEVE_SLOT_ENDED;
			continue;
		}
		if (e->group >= x->r->group_capacity)
			e->group = 0;
		e->servers = REEVE_NONE;
		if (e->pool != REEVE_NONE || !reeve__parallel_runs(e))
			e->held = 0;
		if (!reeve__parallel_runs(e))
			e->pool = REEVE_NONE;
		/* Its end was under way; with a sleeping owner it is kept until he has looked. */
		if (state == REEVE_SLOT_LIVE &&
			reeve__get(&e->phase) > REEVE_EXECUTION_COMPLETING) {
			reeve__parallel_publish(e, 0);
			if (e->flags & REEVE_SH_EXECUTION_AWAITED) {
				reeve__table_keep(x->r, t, i);
			} else {
				reeve__table_end(x->r, t, i);
				x->p->ended++;
			}
		}
	}
}

static void recover_server(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_header *h = x->r->header;
	struct reeve_sh_server *s = &x->r->servers[i];
	struct reeve_sh_execution *e;

	if (s->head.id >= x->p->next_server_id)
		x->p->next_server_id = s->head.id + 1;
	if (s->pool >= reeve__table_used(&h->pools) || !is_live(&x->r->pools[s->pool].head)) {
		reeve__table_free(x->r, &h->servers, i, NULL);
		return;
	}
	x->r->pools[s->pool].servers++;
	x->p->servers++;
	e = s->execution < reeve__table_used(&h->executions) ? &x->r->executions[s->execution]
							     : NULL;
	if (e && is_live(&e->head) && reeve__parallel_runs(e) && e->pool == s->pool) {
		s->next = e->servers;
		s->previous = REEVE_NONE;
		e->servers = i;
		e->held++;
	} else {
		if (s->execution != REEVE_NONE)
			s->idle_since_ns = x->now;
		reeve__parallel_idle(x, i);
	}
}

static void recover_links(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	_Atomic uint32_t *head;

	e->session_next = e->session_previous = REEVE_NONE;
	if (e->session >= x->r->header->sessions.capacity)
		return;
	head = &x->r->parallel_sessions[e->session];
	e->session_next = reeve__get(head) - 1;
	if (e->session_next < x->r->header->executions.capacity)
		x->r->executions[e->session_next].session_previous = i;
	reeve__put(head, i + 1);
}

static void recover_running(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	struct reeve_sh_parallel_group *g = reeve__parallel_group_at(x->r, e->group);

	if (reeve__dop_servers(reeve__parallel_degree(e)) > e->held)
		reeve__parallel_publish(e, e->held > 1 ? e->held : 1);
	if (e->held == 0)
		e->pool = REEVE_NONE;
	x->p->executing++;
	x->p->adaptive += e->mode == REEVE_PARALLEL_ADAPTIVE;
	x->p->in_use += e->held;
	g->executing++;
	g->in_use += e->held;
	reeve__parallel_mark(x, i);
}

void reeve__parallel_rebuild(struct reeve__parallel_pass *x)
{
	struct reeve_sh_header *h = x->r->header;

	undo_pool(x->r);
	reeve__table_rebuild(x->r, &h->executions, 0);
	reeve__table_rebuild(x->r, &h->servers, 0);
	reeve__table_rebuild(x->r, &h->pools, 0);
	reset_queues(x->r);
	for (uint32_t i = 0; i < h->sessions.capacity; i++)
		reeve__put(&x->r->parallel_sessions[i], 0);
	for (uint32_t i = 0; i < reeve__table_used(&h->pools); i++) {
		struct reeve_sh_server_pool *pool = &x->r->pools[i];
		pool->servers = pool->idle = 0;
		pool->idle_first = pool->idle_last = REEVE_NONE;
		if (pool->head.id >= x->p->next_pool_id)
			x->p->next_pool_id = pool->head.id + 1;
	}
	recover_executions(x);
	for (uint32_t i = 0; i < reeve__table_used(&h->servers); i++)
		if (is_live(&x->r->servers[i].head))
			recover_server(x, i);
	for (uint32_t i = 0; i < reeve__table_used(&h->executions); i++) {
		struct reeve_sh_execution *e = &x->r->executions[i];
		if (!is_live(&e->head))
			continue;
		recover_links(x, i);
		if (reeve__parallel_runs(e))
			recover_running(x, i);
		else
			reeve__parallel_enqueue(x, i);
	}
	reeve__parallel_hand_over(x);
}

/* ---- validation ---- */

static const char *check_executions(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_header *h = x->r->header;
	uint32_t executing = 0, waiting = 0, adaptive = 0, in_use = 0, ended = 0;

	for (uint32_t i = 0; i < reeve__table_used(&h->executions); i++) {
		const struct reeve_sh_execution *e = &x->r->executions[i];
		bool runs = reeve__parallel_runs(e);
		ended += reeve__get(&e->head.state) == REEVE_SLOT_ENDED;
		if (!is_live(&e->head))
			continue;
		if (e->group >= x->r->group_capacity)
			return "a parallel execution names a group that does not exist";
		if (!runs && reeve__get(&e->phase) != REEVE_EXECUTION_QUEUED)
			return "a parallel execution is over and its slot is live";
		if (runs == reeve__heap_has(&e->node))
			return "a parallel execution runs and waits, or neither";
		if (!runs && e->held)
			return "a queued execution holds servers";
		if (runs && reeve__dop_servers(reeve__parallel_degree(e)) > e->held)
			return "an execution may use more servers than it holds";
		executing += runs;
		waiting += !runs;
		adaptive += runs && e->mode == REEVE_PARALLEL_ADAPTIVE;
		in_use += e->held;
	}
	if (executing != x->p->executing || waiting != x->p->waiting ||
		adaptive != x->p->adaptive || ended != x->p->ended)
		return "the counts of parallel executions are wrong";
	return in_use == x->p->in_use ? NULL : "the count of parallel servers in use is wrong";
}

static const char *check_groups(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_header *h = x->r->header;
	uint32_t groups = 0;

	for (uint32_t g = 0; g < x->r->group_capacity; g++) {
		const struct reeve_sh_parallel_group *row = &x->r->parallel_groups[g];
		uint32_t executing = 0, waiting = 0, in_use = 0, least = UINT32_MAX;
		if (!row->known || (!row->executing && !row->waiting && !row->in_use &&
					   row->root == REEVE_NONE))
			continue; /* the sums over all say the rest */
		for (uint32_t i = 0; i < reeve__table_used(&h->executions); i++) {
			const struct reeve_sh_execution *e = &x->r->executions[i];
			if (!is_live(&e->head) || e->group != g)
				continue;
			executing += reeve__parallel_runs(e);
			in_use += e->held;
			if (reeve__parallel_runs(e))
				continue;
			waiting++;
			least = e->need < least ? e->need : least;
		}
		if (executing != row->executing || waiting != row->waiting || in_use != row->in_use)
			return "a group's counts of parallel executions are wrong";
		if (waiting && least < row->least)
			return "a group's least wait for servers is wrong";
		if (reeve__heap_check(&x->queue, row->root) != waiting)
			return "a group's queue for parallel servers is broken";
		groups += waiting != 0;
	}
	return reeve__heap_check(&x->groups, x->p->root) == groups
		       ? NULL
		       : "the queue of groups for parallel servers is broken";
}

static const char *check_lists(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_header *h = x->r->header;

	for (uint32_t i = 0; i < reeve__table_used(&h->executions); i++) {
		const struct reeve_sh_execution *e = &x->r->executions[i];
		uint32_t n = 0, k = e->servers;
		if (!is_live(&e->head) || e->pool == REEVE_NONE)
			continue;
		for (; k < h->servers.capacity && n <= e->held; n++) {
			if (x->r->servers[k].execution != i || x->r->servers[k].pool != e->pool ||
				reeve__get(&x->r->servers[k].state) == REEVE_SERVER_IDLE)
				return "an execution lists a server that is not its own";
			k = x->r->servers[k].next;
		}
		if (n != e->held)
			return "an execution's list of servers is not as long as it says";
	}
	for (uint32_t i = 0; i < reeve__table_used(&h->sessions); i++) {
		uint32_t k = reeve__get(&x->r->parallel_sessions[i]) - 1, n = 0;
		for (; k < h->executions.capacity && n++ <= h->executions.capacity;
			k = x->r->executions[k].session_next)
			if (x->r->executions[k].session != i)
				return "a session lists an execution that is not its own";
		if (n > h->executions.capacity)
			return "a session's list of executions is broken";
	}
	return NULL;
}

static const char *check_pool(const struct reeve__parallel_pass *x, uint32_t i, uint32_t servers)
{
	const struct reeve_sh_server_pool *pool = &x->r->pools[i];
	uint32_t n = 0, k = pool->idle_first, last = REEVE_NONE;

	for (; k < x->r->header->servers.capacity && n <= pool->idle; n++) {
		const struct reeve_sh_server *s = &x->r->servers[k];
		if (s->pool != i || s->execution != REEVE_NONE ||
			reeve__get(&s->state) != REEVE_SERVER_IDLE || s->previous != last)
			return "a pool lists a server that is not idle";
		last = k;
		k = s->next;
	}
	if (n != pool->idle || last != pool->idle_last)
		return "a pool's list of idle servers is broken";
	if (servers != pool->servers)
		return "a pool's count of servers is wrong";
	if (pool->def.min_servers > pool->def.max_servers || pool->def.max_servers == 0)
		return "a pool's minimum is above its maximum";
	return NULL;
}

static const char *check_pools(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_header *h = x->r->header;
	uint32_t all = 0;

	for (uint32_t i = 0; i < reeve__table_used(&h->pools); i++) {
		uint32_t servers = 0;
		const char *fault;
		if (!is_live(&x->r->pools[i].head))
			continue;
		for (uint32_t k = 0; k < reeve__table_used(&h->servers); k++)
			servers += is_live(&x->r->servers[k].head) && x->r->servers[k].pool == i;
		if ((fault = check_pool(x, i, servers)))
			return fault;
		all += servers;
	}
	return all == x->p->servers && all == reeve__get(&h->servers.live)
		       ? NULL
		       : "a parallel server is in no pool";
}

int reeve__parallel_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct reeve__parallel_pass x;
	int n = 0;

	reeve__catalog_lock(r); /* groups and sessions come and go under these */
	reeve__sessions_lock(r);
	reeve__parallel_lock(&x, r);
	const char *faults[] = {reeve__table_check(r, &r->header->executions),
		reeve__table_check(r, &r->header->servers),
		reeve__table_check(r, &r->header->pools), check_executions(&x), check_groups(&x),
		check_lists(&x), check_pools(&x)};
	reeve__parallel_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	reeve__parallel_wake(&x);
	for (size_t i = 0; i < REEVE_COUNT(faults); i++) {
		n += faults[i] != NULL;
		if (faults[i] && found)
			found(arg, faults[i]);
	}
	return n;
}
