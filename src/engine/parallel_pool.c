/* SPDX-License-Identifier: Apache-2.0 */
/* parallel_pool.c - server pools as people define them, and their servers as people see them. */
#include "parallel.h"

static int check_name(const char *name, struct reeve_error *err)
{
	return reeve__text_check(name, REEVE_NAME_MAX, false, "name", err);
}

static int check_numbers(const struct reeve_sh_server_pool_def *def, struct reeve_error *err)
{
	if (def->max_servers < 1 || def->max_servers > REEVE_PARALLEL_DOP_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"maxServers is %u; allowed are 1 to %u", def->max_servers,
			REEVE_PARALLEL_DOP_MAX);
	if (def->min_servers > def->max_servers)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"minServers is %u; allowed are 0 to %u, the maximum", def->min_servers,
			def->max_servers);
	if (def->idle_timeout_ns < (uint64_t)REEVE_MSEC || def->idle_timeout_ns > INT64_MAX)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"idleServerTimeout is %lld ns; allowed are 1000000 (1 ms) up",
			(long long)def->idle_timeout_ns);
	return 0;
}

/* Copies ids of groups that exist; the catalog lock is held. */
static int copy_groups(struct reeve *r, const struct reeve_server_pool_def *from,
	struct reeve_sh_server_pool_def *to, struct reeve_error *err)
{
	uint32_t slot;

	if (from->group_count > REEVE_SH_POOL_GROUPS)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"assignedGroups has %u groups; allowed are 0 to %u", from->group_count,
			REEVE_SH_POOL_GROUPS);
	if (from->group_count && !from->groups)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT, "groups is NULL");
	memset(to->groups, 0, sizeof(to->groups));
	for (uint32_t k = 0; k < from->group_count; k++) {
		reeve_group_id id = {from->groups[k]};
		int rc = reeve__group_slot_locked(r, id, &slot, err);
		if (rc)
			return rc;
		to->groups[k] = id.v;
	}
	to->group_count = from->group_count;
	return 0;
}

/* The named fields of a definition, checked, into *to; the catalog lock is held. */
static int apply(struct reeve *r, uint32_t fields, const struct reeve_server_pool_def *from,
	struct reeve_sh_server_pool_def *to, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE_SERVER_POOL_NAME) {
		rc = check_name(from->name, err);
		if (rc)
			return rc;
		reeve__text_copy(to->name, sizeof(to->name), from->name);
	}
	if (fields & REEVE_SERVER_POOL_MIN)
		to->min_servers = from->min_servers;
	if (fields & REEVE_SERVER_POOL_MAX)
		to->max_servers = from->max_servers;
	if (fields & REEVE_SERVER_POOL_IDLE_TIMEOUT)
		to->idle_timeout_ns = (uint64_t)from->idle_timeout_ns;
	rc = check_numbers(to, err);
	if (!rc && (fields & REEVE_SERVER_POOL_GROUPS))
		rc = copy_groups(r, from, to, err);
	return rc;
}

/* There must be slots for `more` further servers. */
static int check_room(const struct reeve *r, uint32_t more, struct reeve_error *err)
{
	const struct reeve_sh_table *t = &r->header->servers;
	uint32_t live = reeve__get(&t->live);

	if (more <= t->capacity - live)
		return 0;
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"the table of parallel servers is full: %u of %u, and minServers wants %u more",
		live, t->capacity, more);
}

/* As many servers as the minimum says. */
static void fill_up(struct reeve__parallel_pass *x, uint32_t i)
{
	uint32_t before;

	do { /* trim starts at most 64 at a time */
		before = x->r->pools[i].servers;
		reeve__parallel_trim(x);
	} while (x->r->pools[i].servers != before);
}

int reeve__server_pool_create(struct reeve *r, const struct reeve_server_pool_def *def,
	reeve_server_pool_id *ret_id, struct reeve_error *err)
{
	struct reeve_sh_table *t = &r->header->pools;
	struct reeve_sh_server_pool_def made;
	struct reeve__parallel_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	memset(&made, 0, sizeof(made));
	reeve__catalog_lock(r);
	rc = apply(r, 0x1f, def, &made, err);
	reeve__parallel_lock(&x, r);
	if (!rc)
		rc = reeve__id_check(r, t, ret_id->v, err);
	if (!rc)
		rc = check_room(r, made.min_servers, err);
	if (!rc && (i = reeve__table_claim(r, t)) == REEVE_NONE)
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of server pools is full: %u of %u", reeve__get(&t->live),
			t->capacity);
	if (!rc) {
		struct reeve_sh_server_pool *pool = &r->pools[i];
		pool->def = made;
		pool->created_wall = reeve__wall(r);
		pool->servers = pool->idle = 0;
		pool->idle_first = pool->idle_last = REEVE_NONE;
		pool->revision = reeve__add(&r->header->revision, 1) + 1;
		reeve__table_publish(r, t, i, reeve__id_take(&x.p->next_pool_id, ret_id->v), NULL);
		ret_id->v = pool->head.id;
		fill_up(&x, i);
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_unlock(&x);
	reeve__catalog_unlock(r);
	reeve__parallel_wake(&x);
	return rc;
}

static int find_pool(
	const struct reeve *r, reeve_server_pool_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->pools, id.v);
	return *ret != REEVE_NONE ? 0
				  : reeve__fail(err, REEVE_ENOT_FOUND, "server pool %llu",
					    (unsigned long long)id.v);
}

/* From one definition to another: whoever dies in the middle leaves the old one. */
void reeve__server_pool_change(
	struct reeve__parallel_pass *x, uint32_t i, const struct reeve_sh_server_pool_def *to)
{
	struct reeve_sh_server_pool *pool = &x->r->pools[i];

	x->p->undo_def = pool->def;
	atomic_store_explicit(&x->p->undo, i + 1, memory_order_release);
	pool->def = *to;
	REEVE_POINT(PARALLEL_POOL_CHANGED);
	atomic_store_explicit(&x->p->undo, 0, memory_order_release);
	pool->revision = reeve__add(&x->r->header->revision, 1) + 1;
}

int reeve__server_pool_update(struct reeve *r, reeve_server_pool_id id, uint32_t fields,
	const struct reeve_server_pool_def *def, uint64_t expected_revision,
	struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	struct reeve_sh_server_pool_def made;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	reeve__parallel_lock(&x, r);
	rc = find_pool(r, id, &i, err);
	if (!rc && expected_revision && expected_revision != r->pools[i].revision)
		rc = reeve__fail(err, REEVE_ESTALE_REVISION,
			"server pool %llu is at revision %llu, not %llu", (unsigned long long)id.v,
			(unsigned long long)r->pools[i].revision,
			(unsigned long long)expected_revision);
	if (!rc) {
		made = r->pools[i].def;
		rc = apply(r, fields, def, &made, err);
	}
	if (!rc && made.min_servers > r->pools[i].servers)
		rc = check_room(r, made.min_servers - r->pools[i].servers, err);
	if (!rc) {
		reeve__server_pool_change(&x, i, &made);
		fill_up(&x, i);
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_unlock(&x);
	reeve__catalog_unlock(r);
	reeve__parallel_wake(&x);
	return rc;
}

int reeve__server_pool_destroy(struct reeve *r, reeve_server_pool_id id, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_pool(r, id, &i, err);
	if (!rc && r->pools[i].servers != r->pools[i].idle)
		rc = reeve__fail(err, REEVE_ECONFLICT, "server pool %llu has %u servers in use",
			(unsigned long long)id.v, r->pools[i].servers - r->pools[i].idle);
	if (!rc) {
		/* The pool first: recovery takes away servers without one. */
		reeve__table_free(r, &r->header->pools, i, NULL);
		for (uint32_t k = 0; k < reeve__table_used(&r->header->servers); k++)
			if (reeve__get(&r->servers[k].head.state) == REEVE_SLOT_LIVE &&
				r->servers[k].pool == i) {
				reeve__table_free(r, &r->header->servers, k, NULL);
				x.p->servers--;
			}
		reeve__add(&r->header->revision, 1);
		reeve__parallel_hand_over(&x);
	}
	reeve__parallel_done(&x);
	return rc;
}

static void fill_pool(const struct reeve *r, uint32_t i, struct reeve_server_pool_info *ret)
{
	const struct reeve_sh_server_pool *pool = &r->pools[i];
	uint32_t n = pool->def.group_count;

	memset(ret, 0, sizeof(*ret));
	ret->id.v = pool->head.id;
	reeve__text_copy(ret->name, sizeof(ret->name), pool->def.name);
	ret->min_servers = pool->def.min_servers;
	ret->max_servers = pool->def.max_servers;
	ret->servers = pool->servers;
	ret->idle_servers = pool->idle;
	ret->idle_timeout_ns = (reeve_ns)pool->def.idle_timeout_ns;
	ret->group_count = n < REEVE_SH_POOL_GROUPS ? n : REEVE_SH_POOL_GROUPS;
	memcpy(ret->groups, pool->def.groups, sizeof(ret->groups));
	ret->created_wall = pool->created_wall;
	ret->revision = pool->revision;
}

int reeve__server_pool_get(struct reeve *r, reeve_server_pool_id id,
	struct reeve_server_pool_info *ret, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_pool(r, id, &i, err);
	if (!rc)
		fill_pool(r, i, ret);
	reeve__parallel_done(&x);
	return rc;
}

uint32_t reeve__server_pool_copy(struct reeve *r, reeve_server_pool_id after,
	struct reeve_server_pool_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;
	struct reeve__parallel_pass x;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__parallel_lock(&x, r);
		n = reeve__table_list(r, &r->header->pools, after.v, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_pool(r, slots[k], &ret[done]);
			after = ret[done].id;
		}
		reeve__parallel_done(&x);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

/* ---- servers ---- */

/* The wall's time at an instant of the monotonic clock; 0: never. */
static reeve_ns wall_of(const struct reeve__parallel_pass *x, uint64_t mono)
{
	return mono ? (reeve_ns)((uint64_t)reeve__wall(x->r) - (x->now - mono)) : 0;
}

static void fill_server(
	const struct reeve__parallel_pass *x, uint32_t i, struct reeve_server_info *ret)
{
	const struct reeve_sh_server *s = &x->r->servers[i];

	memset(ret, 0, sizeof(*ret));
	ret->id.v = s->head.id;
	ret->type = s->type;
	ret->state = reeve__get(&s->state);
	if (s->execution < x->r->header->executions.capacity)
		ret->execution.v = x->r->executions[s->execution].head.id;
	ret->pool.v = reeve__pool_at(x->r, s->pool)->head.id;
	ret->cpu_affinity = s->cpu_affinity;
	ret->created_wall = s->created_wall;
	ret->last_used_wall = wall_of(x, s->last_used_ns);
	ret->cpu_ns = s->cpu_ns;
}

static int find_server(
	const struct reeve *r, reeve_server_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->servers, id.v);
	return *ret != REEVE_NONE ? 0
				  : reeve__fail(err, REEVE_ENOT_FOUND, "parallel server %llu",
					    (unsigned long long)id.v);
}

int reeve__server_get(
	struct reeve *r, reeve_server_id id, struct reeve_server_info *ret, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_server(r, id, &i, err);
	if (!rc)
		fill_server(&x, i, ret);
	reeve__parallel_done(&x);
	return rc;
}

uint32_t reeve__server_copy(struct reeve *r, reeve_server_id after, reeve_server_pool_id pool,
	struct reeve_server_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;
	struct reeve__parallel_pass x;

	do {
		reeve__parallel_lock(&x, r);
		n = reeve__table_list(
			r, &r->header->servers, after.v, false, slots, REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			const struct reeve_sh_server *s = &r->servers[slots[k]];
			after.v = s->head.id;
			if (pool.v == 0 || reeve__pool_at(r, s->pool)->head.id == pool.v)
				fill_server(&x, slots[k], &ret[done++]);
		}
		reeve__parallel_done(&x);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

uint32_t reeve__execution_servers(
	struct reeve *r, reeve_execution_id id, reeve_server_id *ret, uint32_t capacity)
{
	struct reeve__parallel_pass x;
	uint32_t i, n = 0;

	reeve__parallel_lock(&x, r);
	i = reeve__table_find(r, &r->header->executions, id.v);
	if (i != REEVE_NONE && r->executions[i].pool != REEVE_NONE &&
		reeve__parallel_runs(&r->executions[i]))
		for (uint32_t k = r->executions[i].servers;
			k < r->header->servers.capacity && n < r->header->servers.capacity;
			k = r->servers[k].next, n++)
			if (n < capacity)
				ret[n].v = r->servers[k].head.id;
	reeve__parallel_done(&x);
	return n;
}

static int check_report(const struct reeve_sh_server *s, uint32_t fields, uint32_t type,
	int32_t affinity, struct reeve_error *err)
{
	if ((fields & REEVE_SERVER_TYPE) && type > REEVE_SERVER_CONSUMER)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"serverType is %u; allowed are 0 (Coordinator) to 2 (Consumer)", type);
	if ((fields & REEVE_SERVER_AFFINITY) && (affinity < -1 || affinity > 65535))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"cpuAffinity is %d; allowed are 0 to 65535, or -1", (int)affinity);
	if ((fields & REEVE_SERVER_TYPE) && s->execution == REEVE_NONE)
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"parallel server %llu is idle and has no part in an execution",
			(unsigned long long)s->head.id);
	return 0;
}

int reeve__server_report(struct reeve *r, reeve_server_id id, uint32_t fields, uint32_t type,
	int32_t affinity, uint64_t cpu_ns, struct reeve_error *err)
{
	struct reeve__parallel_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__parallel_lock(&x, r);
	rc = find_server(r, id, &i, err);
	if (!rc)
		rc = check_report(&r->servers[i], fields, type, affinity, err);
	if (!rc) {
		struct reeve_sh_server *s = &r->servers[i];
		if (fields & REEVE_SERVER_TYPE)
			s->type = type;
		if (fields & REEVE_SERVER_AFFINITY)
			s->cpu_affinity = affinity;
		if ((fields & REEVE_SERVER_CPU) && cpu_ns > s->cpu_ns)
			s->cpu_ns = cpu_ns;
	}
	reeve__parallel_done(&x);
	return rc;
}
