/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parallel_servers.c - the parallel lock, limits, and who has which server.
 *
 * Without pools servers are a count. With pools each is a slot that names its execution; a pool's
 * idle ones form a list, used last first, so that those unused longest are at its end and stop.
 */
#include "parallel.h"

#include "../policy/dop.h"

void reeve__parallel_lock(struct reeve__parallel_pass *x, struct reeve *r)
{
	struct reeve_sh_header *h = r->header;
	bool died = reeve__lock_acquire(&r->parallel->lock);

	x->r = r;
	x->p = r->parallel;
	x->config = &x->p->config[reeve__get(&x->p->which) & 1];
	x->now = (uint64_t)reeve__mono(r);
	x->ruling = reeve__ruling_now(r);
	x->queue = (struct reeve__heap){
		(char *)r->executions + offsetof(struct reeve_sh_execution, node),
		sizeof(struct reeve_sh_execution), h->executions.capacity, false};
	x->groups = (struct reeve__heap){
		(char *)r->parallel_groups + offsetof(struct reeve_sh_parallel_group, node),
		sizeof(struct reeve_sh_parallel_group), r->group_capacity, false};
	x->kept_for = REEVE_NONE;
	x->changes = x->wake_count = 0;
	if (REEVE_UNLIKELY(died))
		reeve__parallel_rebuild(x);
}

void reeve__parallel_unlock(struct reeve__parallel_pass *x)
{
	if (REEVE_UNLIKELY(x->queue.fault || x->groups.fault))
		reeve__segment_degrade(x->r, "the parallel queue names a slot out of range");
	reeve__lock_release(&x->p->lock);
}

void reeve__parallel_wake(struct reeve__parallel_pass *x)
{
	for (uint32_t k = 0; k < x->wake_count; k++) {
		uint32_t parked = REEVE_PARK_YES;
		if (atomic_compare_exchange_strong(
			    &x->r->tasks[x->wakes[k]].park, &parked, REEVE_PARK_LOOK))
			reeve__task_wake(x->r, x->wakes[k]);
	}
	x->wake_count = 0;
	reeve__event_flush(x->r);
}

void reeve__parallel_done(struct reeve__parallel_pass *x)
{
	reeve__parallel_unlock(x);
	reeve__parallel_wake(x);
}

/* ---- limits ---- */

/* What the plan in force says; read again when it was replaced meanwhile. */
static void read_row(
	const struct reeve__parallel_pass *x, uint32_t group, struct reeve__parallel_limits *limits)
{
	struct reeve__ruling_view view = x->ruling;
	uint32_t flags, cap;

	do {
		const struct reeve_sh_ruling_row *row = &view.rows[group];
		*limits = (struct reeve__parallel_limits){
			UINT32_MAX, UINT32_MAX, REEVE_PPM, false, false, REEVE_UNLIMITED};
		if (group >= x->r->group_capacity || group >= reeve__get(&view.head->groups))
			return;
		flags = reeve__get(&row->flags);
		cap = reeve__get(&row->cap_ppm);
		limits->weight_ppm = reeve__get(&row->weight_ppm);
		if (flags & REEVE_ROW_PARALLEL_MANAGED) {
			limits->degree = reeve__get(&row->parallel_degree);
			limits->servers = reeve__get(&row->parallel_servers);
			limits->timeout_ns = reeve__get(&row->parallel_queue_timeout_ns);
			limits->runs_serial = flags & REEVE_ROW_QUEUE_RUNS_SERIAL;
			if (limits->servers == UINT32_MAX && cap < REEVE_PPM)
				limits->servers = (uint32_t)reeve__muldiv(
					x->config->max_total_dop, cap, REEVE_PPM);
		}
		if (REEVE_LIKELY(reeve__ruling_holds(&view)))
			return;
		view = reeve__ruling_now(x->r);
	} while (reeve__segment_ready(x->r));
}

struct reeve__parallel_limits reeve__parallel_limits_of(
	const struct reeve__parallel_pass *x, uint32_t group)
{
	struct reeve__parallel_limits limits;
	const struct reeve_sh_parallel_group *g;
	const struct reeve_sh_parallel_limit *own;
	uint64_t registered;
	uint32_t degree;

	read_row(x, group, &limits);
	if (group >= x->r->group_capacity)
		return limits;
	degree = reeve__get(&x->r->groups[group].parallel_degree);
	if (degree < limits.degree)
		limits.degree = degree;
	g = &x->r->parallel_groups[group];
	registered = reeve__get(&g->registered);
	own = &g->limits[registered & 1];
	if (registered >> 1 != reeve__get(&x->ruling.head->activation) + 1 ||
		own->group_id != reeve__group_at(x->r, group)->head.id)
		return limits;
	limits.is_registered = true;
	/* The group's own limit holds whatever is registered. */
	if (own->degree != UINT32_MAX)
		limits.degree = own->degree < degree ? own->degree : degree;
	if (own->servers != UINT32_MAX)
		limits.servers = own->servers;
	return limits;
}

/* ---- room ---- */

/* Whether a pool's servers may be used by a group; *ret_own when the pool is kept for some. */
static bool serves(const struct reeve_sh_server_pool *pool, uint64_t group_id, bool *ret_own)
{
	uint32_t n = pool->def.group_count;

	*ret_own = n != 0;
	for (uint32_t k = 0; k < n && k < REEVE_SH_POOL_GROUPS; k++)
		if (pool->def.groups[k] == group_id)
			return true;
	return n == 0;
}

static uint32_t free_of_pool(const struct reeve__parallel_pass *x, uint32_t i, bool for_kept)
{
	const struct reeve_sh_server_pool *pool = &x->r->pools[i];
	const struct reeve_sh_table *t = &x->r->header->servers;
	uint32_t live = reeve__get(&t->live);
	uint32_t growth =
		pool->def.max_servers > pool->servers ? pool->def.max_servers - pool->servers : 0;
	uint32_t slots = live < t->capacity ? t->capacity - live : 0;
	uint32_t n = pool->idle + (growth < slots ? growth : slots);

	if (x->kept_for != REEVE_NONE && !for_kept && x->kept_pool == i)
		n -= n < x->kept_servers ? n : x->kept_servers;
	return n;
}

/* Free servers of the pool that suits best: one of its own with enough, any with enough, the most. */
static uint32_t best_pool(const struct reeve__parallel_pass *x, uint32_t group, uint32_t want,
	bool for_kept, uint32_t *ret_pool)
{
	const struct reeve_sh_table *t = &x->r->header->pools;
	uint64_t id = reeve__group_at(x->r, group)->head.id;
	uint32_t best = 0, best_merit = 0;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_server_pool *pool = &x->r->pools[i];
		bool own;
		if (reeve__get(&pool->head.state) != REEVE_SLOT_LIVE || !serves(pool, id, &own))
			continue;
		uint32_t n = free_of_pool(x, i, for_kept);
		uint32_t merit = n >= want ? (own ? 3 : 2) : 1;
		if (merit > best_merit || (merit == 1 && best_merit == 1 && n > best)) {
			best = n;
			best_merit = merit;
			*ret_pool = i;
		}
	}
	return best;
}

/* What the total and the group's limit leave. */
static uint32_t room_by_limits(const struct reeve__parallel_pass *x, uint32_t group,
	const struct reeve__parallel_limits *limits, bool for_kept)
{
	uint32_t in_use = reeve__parallel_group_at(x->r, group)->in_use;
	uint32_t total = x->config->max_total_dop > x->p->in_use
				 ? x->config->max_total_dop - x->p->in_use
				 : 0;
	uint32_t own = UINT32_MAX;

	if (limits->servers != UINT32_MAX)
		own = limits->servers > in_use ? limits->servers - in_use : 0;
	if (x->kept_for != REEVE_NONE && !for_kept) {
		total -= total < x->kept_servers ? total : x->kept_servers;
		if (x->kept_group == group && own != UINT32_MAX)
			own -= own < x->kept_servers ? own : x->kept_servers;
	}
	return total < own ? total : own;
}

uint32_t reeve__parallel_room(const struct reeve__parallel_pass *x, uint32_t group,
	const struct reeve__parallel_limits *limits, uint32_t want, bool for_kept,
	uint32_t *ret_pool)
{
	uint32_t room = room_by_limits(x, group, limits, for_kept), pool;

	*ret_pool = REEVE_NONE;
	if (!reeve__get(&x->r->header->pools.live))
		return room;
	pool = best_pool(x, group, want, for_kept, ret_pool);
	return room < pool ? room : pool;
}

uint32_t reeve__parallel_more(const struct reeve__parallel_pass *x, uint32_t i,
	const struct reeve__parallel_limits *limits)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t room = room_by_limits(x, e->group, limits, false), pool;
	uint32_t used = reeve__dop_servers(reeve__parallel_degree(e));
	uint32_t surplus = e->held > used ? e->held - used : 0; /* not let go of yet */

	if (e->held == 0)
		return reeve__parallel_room(x, e->group, limits, e->target_dop, false, &pool);
	if (e->pool == REEVE_NONE) /* it started when there were no pools */
		return surplus + (reeve__get(&x->r->header->pools.live) ? 0 : room);
	pool = free_of_pool(x, e->pool < x->r->header->pools.capacity ? e->pool : 0, false);
	return surplus + (room < pool ? room : pool);
}

uint32_t reeve__parallel_pool_for(
	const struct reeve__parallel_pass *x, uint32_t group, uint32_t servers)
{
	const struct reeve_sh_table *t = &x->r->header->pools;
	uint64_t id = reeve__group_at(x->r, group)->head.id;
	uint32_t best = REEVE_NONE, most = 0;
	bool own;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_server_pool *pool = &x->r->pools[i];
		if (reeve__get(&pool->head.state) != REEVE_SLOT_LIVE ||
			pool->def.max_servers < servers || !serves(pool, id, &own))
			continue;
		uint32_t n = free_of_pool(x, i, true);
		if (best == REEVE_NONE || n > most) {
			best = i;
			most = n;
		}
	}
	return best;
}

uint32_t reeve__parallel_ceiling(const struct reeve__parallel_pass *x, uint32_t group)
{
	const struct reeve_sh_table *t = &x->r->header->pools;
	uint64_t id = reeve__group_at(x->r, group)->head.id;
	uint32_t most = 0;
	bool own;

	if (!reeve__get(&t->live))
		return x->config->max_total_dop;
	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		const struct reeve_sh_server_pool *pool = &x->r->pools[i];
		if (reeve__get(&pool->head.state) == REEVE_SLOT_LIVE && serves(pool, id, &own) &&
			pool->def.max_servers > most)
			most = pool->def.max_servers;
	}
	return most < x->config->max_total_dop ? most : x->config->max_total_dop;
}

/* ---- servers ---- */

static struct reeve_sh_server *server_at(const struct reeve *r, uint32_t i)
{
	return i < r->header->servers.capacity ? &r->servers[i] : NULL;
}

void reeve__parallel_idle(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_server *s = &x->r->servers[i];
	struct reeve_sh_server_pool *pool = reeve__pool_at(x->r, s->pool);
	struct reeve_sh_server *first = server_at(x->r, pool->idle_first);

	s->execution = REEVE_NONE;
	s->type = REEVE_SERVER_PRODUCER;
	s->previous = REEVE_NONE;
	s->next = pool->idle_first;
	if (first)
		first->previous = i;
	else
		pool->idle_last = i;
	pool->idle_first = i;
	pool->idle++;
	reeve__put(&s->state, REEVE_SERVER_IDLE);
}

static void unlink_idle(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_server *s = &x->r->servers[i];
	struct reeve_sh_server_pool *pool = reeve__pool_at(x->r, s->pool);
	struct reeve_sh_server *next = server_at(x->r, s->next);
	struct reeve_sh_server *previous = server_at(x->r, s->previous);

	if (previous)
		previous->next = s->next;
	else
		pool->idle_first = s->next;
	if (next)
		next->previous = s->previous;
	else
		pool->idle_last = s->previous;
	pool->idle--;
}

/* A new server of the pool, idle but in no list; REEVE_NONE when the table is full. */
static uint32_t start_server(struct reeve__parallel_pass *x, uint32_t pool)
{
	struct reeve_sh_table *t = &x->r->header->servers;
	uint32_t i = reeve__table_claim(x->r, t);
	struct reeve_sh_server *s;

	if (i == REEVE_NONE)
		return i;
	s = &x->r->servers[i];
	memset((char *)s + sizeof(s->head), 0, sizeof(*s) - sizeof(s->head));
	s->type = REEVE_SERVER_PRODUCER;
	s->pool = pool;
	s->execution = s->next = s->previous = REEVE_NONE;
	s->cpu_affinity = -1;
	s->created_wall = reeve__wall(x->r);
	s->idle_since_ns = x->now;
	REEVE_POINT(PARALLEL_SERVER_CLAIMED);
	reeve__table_publish(x->r, t, i, x->p->next_server_id++, NULL);
	reeve__pool_at(x->r, pool)->servers++;
	x->p->servers++;
	return i;
}

static void stop_server(struct reeve__parallel_pass *x, uint32_t i)
{
	struct reeve_sh_server *s = &x->r->servers[i];

	if (reeve__get(&s->state) == REEVE_SERVER_IDLE && s->execution == REEVE_NONE)
		unlink_idle(x, i);
	reeve__pool_at(x->r, s->pool)->servers--;
	x->p->servers--;
	reeve__table_free(x->r, &x->r->header->servers, i, NULL);
}

/* One server for execution i: an idle one, else a new one. False when there is none after all. */
static bool take_one(struct reeve__parallel_pass *x, uint32_t i, uint32_t pool)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t k = reeve__pool_at(x->r, pool)->idle_first;
	struct reeve_sh_server *s = server_at(x->r, k);

	if (s && s->pool != pool)
		s = NULL;
	if (s) {
		unlink_idle(x, k);
	} else {
		k = start_server(x, pool);
		if (k == REEVE_NONE)
			return false;
		s = &x->r->servers[k];
	}
	reeve__put(&s->state, REEVE_SERVER_ALLOCATED);
	s->previous = REEVE_NONE;
	s->next = e->servers;
	e->servers = k;
	s->execution = i; /* from here on it is the execution's */
	s->last_used_ns = x->now;
	return true;
}

void reeve__parallel_take(struct reeve__parallel_pass *x, uint32_t i, uint32_t pool, uint32_t n)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t taken = pool == REEVE_NONE ? n : 0;

	e->pool = pool;
	while (taken < n && take_one(x, i, pool)) {
		taken++;
		if (taken == 1)
			REEVE_POINT(PARALLEL_TAKING);
	}
	if (taken < n)
		reeve__segment_degrade(x->r, "a server pool has %u of %u servers", taken, n);
	e->held += taken;
	x->p->in_use += taken;
	reeve__parallel_group_at(x->r, e->group)->in_use += taken;
	if (x->p->in_use > reeve__get(&x->p->peak))
		reeve__put(&x->p->peak, x->p->in_use);
}

/* One server back into its pool, or away when the pool has too many. */
static bool give_one(struct reeve__parallel_pass *x, struct reeve_sh_execution *e)
{
	uint32_t k = e->servers;
	struct reeve_sh_server *s = server_at(x->r, k);
	const struct reeve_sh_server_pool *pool;

	if (!s) {
		reeve__segment_degrade(x->r, "an execution names server slot %u", k);
		return false;
	}
	e->servers = s->next;
	s->last_used_ns = s->idle_since_ns = x->now;
	pool = reeve__pool_at(x->r, s->pool);
	reeve__parallel_idle(x, k);
	if (REEVE_UNLIKELY(pool->servers > pool->def.max_servers))
		stop_server(x, k);
	return true;
}

void reeve__parallel_give(struct reeve__parallel_pass *x, uint32_t i, uint32_t keep)
{
	struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t n = e->held > keep ? e->held - keep : 0;

	if (e->pool != REEVE_NONE)
		for (uint32_t k = 0; k < n && give_one(x, e); k++)
			;
	e->held -= n;
	x->p->in_use -= n;
	reeve__parallel_group_at(x->r, e->group)->in_use -= n;
	if (e->held == 0)
		e->pool = REEVE_NONE;
}

void reeve__parallel_mark(struct reeve__parallel_pass *x, uint32_t i)
{
	const struct reeve_sh_execution *e = &x->r->executions[i];
	uint32_t wanted = reeve__dop_servers(reeve__parallel_degree(e));
	uint32_t surplus = e->held > wanted ? e->held - wanted : 0, n = 0;
	uint32_t use = reeve__get(&e->phase) == REEVE_EXECUTION_INITIALIZING
			       ? REEVE_SERVER_ALLOCATED
			       : REEVE_SERVER_RUNNING;

	if (e->pool == REEVE_NONE)
		return;
	/* Those taken last are at the head of the list, and are given back first. */
	for (uint32_t k = e->servers; server_at(x->r, k) && n < x->r->header->servers.capacity;
		n++) {
		struct reeve_sh_server *s = &x->r->servers[k];
		reeve__put(&s->state, n < surplus ? (uint32_t)REEVE_SERVER_CLEANUP : use);
		k = s->next;
	}
}

void reeve__parallel_trim(struct reeve__parallel_pass *x)
{
	const struct reeve_sh_table *t = &x->r->header->pools;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_server_pool *pool = &x->r->pools[i];
		if (reeve__get(&pool->head.state) != REEVE_SLOT_LIVE)
			continue;
		for (uint32_t n = 0; n < 64; n++) {
			struct reeve_sh_server *last = server_at(x->r, pool->idle_last);
			bool over = pool->servers > pool->def.max_servers;
			if (!last || pool->servers <= pool->def.min_servers ||
				(!over && x->now - last->idle_since_ns < pool->def.idle_timeout_ns))
				break;
			stop_server(x, pool->idle_last);
			x->changes++;
		}
		for (uint32_t n = 0; n < 64 && pool->servers < pool->def.min_servers; n++) {
			uint32_t k = start_server(x, i);
			if (k == REEVE_NONE)
				break;
			reeve__parallel_idle(x, k);
			x->changes++;
		}
	}
}
