/* SPDX-License-Identifier: Apache-2.0 */
/* session_pool_config.c - session pools by hand, looking at them and at their queues, checking them. */
#include "session_pool.h"

#include <stdio.h>

#define MAX_ACTIVE (1u << 20)
#define LEAST_TIME ((uint64_t)1000000)

static int check_config(
	reeve_group_id group, uint32_t max_active, uint64_t timeout_ns, struct reeve_error *err)
{
	if (group.v == REEVE_SYS_GROUP)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"sessions of SYS_GROUP are never queued; it takes no session pool");
	if (max_active < 1 || max_active > MAX_ACTIVE)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"maxActiveSessions is %u; allowed are 1 to %u", max_active, MAX_ACTIVE);
	if (timeout_ns < LEAST_TIME || (timeout_ns > INT64_MAX && timeout_ns != REEVE_UNLIMITED))
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"queueTimeout is %llu ns; allowed are 1 ms up",
			(unsigned long long)timeout_ns);
	return 0;
}

/* The other of the two records, whole, and then one store that says it is in force. */
static void put_config(
	struct reeve_sh_session_pool *p, const struct reeve_sh_session_pool_config *config)
{
	uint32_t other = ~reeve__get(&p->which) & 1;

	p->config[other] = *config;
	atomic_store_explicit(&p->which, other, memory_order_release);
}

static void apply(struct reeve *r, uint32_t g, const struct reeve_sh_session_pool_config *config)
{
	struct reeve__session_pool_pass x;

	reeve__session_pool_begin(&x, r);
	put_config(&r->session_pools[g], config);
	reeve__put(&x.d->ruling_seen, (uint64_t)0);
	reeve__session_pool_follow(&x);
	reeve__session_pool_unlock(&x);
}

static void config_event(struct reeve *r, uint32_t g, uint64_t limit)
{
	struct reeve_event e = {.kind = REEVE_EVENT_CONFIG_CHANGED,
		.group = {r->groups[g].head.id},
		.limit_kind = REEVE_LIMIT_ACTIVE_SESSIONS,
		.limit = limit};

	reeve__event_text(&e, "the session pool of a group");
	reeve__event_emit(r, &e);
}

int reeve__session_pool_configure(struct reeve *r, reeve_group_id group, uint32_t max_active,
	uint64_t queue_timeout_ns, bool allow_queuing, struct reeve_error *err)
{
	struct reeve_sh_session_pool_config config = {.queue_timeout_ns = queue_timeout_ns,
		.max_active = max_active,
		.allow_queuing = allow_queuing};
	uint32_t g = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc)
		rc = check_config(group, max_active, queue_timeout_ns, err);
	if (!rc) {
		config.activation = reeve__get(&reeve__ruling_now(r).head->activation) + 1;
		apply(r, g, &config);
		config_event(r, g, max_active);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__session_pools_look(r);
	return rc;
}

int reeve__session_pool_remove(struct reeve *r, reeve_group_id group, struct reeve_error *err)
{
	struct reeve_sh_session_pool_config none = {.activation = 0};
	uint32_t g = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc && !reeve__session_pool_config_of(&r->session_pools[g],
			   reeve__get(&reeve__ruling_now(r).head->activation)))
		rc = reeve__fail(err, REEVE_ENOT_FOUND,
			"consumer group %.128s has no session pool of its own", r->groups[g].name);
	if (!rc) {
		apply(r, g, &none);
		config_event(r, g, REEVE_UNLIMITED);
	}
	reeve__catalog_unlock(r);
	if (!rc)
		reeve__session_pools_look(r);
	return rc;
}

/* ---- looking ---- */

/* Sessions of a group that run a statement, counted where no pool counts them. */
static uint32_t count_active(const struct reeve *r, uint32_t g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < sessions_used(r); i++) {
		const struct reeve_sh_session *sh = &r->sessions[i];
		n += !reeve__session_pool_waits(sh) && reeve__session_pool_runs_uncounted(r, sh, g);
	}
	return n;
}

static void fill_info(
	struct reeve__session_pool_pass *x, uint32_t g, struct reeve_session_pool_info *ret)
{
	const struct reeve_sh_session_pool *p = &x->r->session_pools[g];
	uint64_t word = atomic_load(&p->word);
	uint64_t activation = reeve__get(&reeve__ruling_now(x->r).head->activation);

	*ret = (struct reeve_session_pool_info){
		.group = {x->r->groups[g].head.id},
		.is_limited = (word & LIMITED) != 0,
		.by_hand = reeve__session_pool_config_of(p, activation) != NULL,
		.max_active = reeve__get(&p->limit),
		.queue_timeout_ns = reeve__get(&p->queue_timeout_ns),
		.allow_queuing = reeve__get(&p->allow_queuing) != 0,
		.active = word & LIMITED ? count_of(word) : count_active(x->r, g),
		.queued = p->waiting,
	};
}

int reeve__session_pool_get(struct reeve *r, reeve_group_id group,
	struct reeve_session_pool_info *ret, struct reeve_error *err)
{
	struct reeve__session_pool_pass x;
	uint32_t g = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	reeve__sessions_lock(r);
	if (!rc) {
		reeve__session_pool_begin(&x, r);
		fill_info(&x, g, ret);
		reeve__session_pool_unlock(&x);
	}
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__session_pool_copy(struct reeve *r, reeve_group_id after,
	struct reeve_session_pool_info *ret, uint32_t capacity)
{
	struct reeve__session_pool_pass x;
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__session_pool_begin(&x, r);
	do {
		n = reeve__table_list(
			r, &r->header->groups, after.v, false, slots, REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			after.v = r->groups[slots[k]].head.id;
			if (atomic_load(&r->session_pools[slots[k]].word) & LIMITED)
				fill_info(&x, slots[k], &ret[done++]);
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__session_pool_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	return done;
}

/* Whether a is served before b. */
static bool is_before(const struct reeve_sh_node *a, const struct reeve_sh_node *b)
{
	return a->key != b->key ? reeve__before(a->key, b->key) : reeve__before(a->tie, b->tie);
}

uint32_t reeve__session_queue_position_locked(struct reeve__session_pool_pass *x, uint32_t session)
{
	const struct reeve_sh_session *sh = &x->r->sessions[session];
	uint64_t at = atomic_load(&sh->pool);
	uint32_t position = 1;

	if (state_of(at) != WAITING)
		return 0;
	for (uint32_t i = 0; i < sessions_used(x->r); i++)
		position += i != session && atomic_load(&x->r->sessions[i].pool) == at &&
			    is_before(&x->r->sessions[i].queue_node, &sh->queue_node);
	return position;
}

/* The next in the queue after `last` (NULL: the first); REEVE_NONE. */
static uint32_t next_waiter(const struct reeve *r, uint64_t at, const struct reeve_sh_node *last)
{
	uint32_t best = REEVE_NONE;

	for (uint32_t i = 0; i < sessions_used(r); i++) {
		const struct reeve_sh_node *node = &r->sessions[i].queue_node;
		if (atomic_load(&r->sessions[i].pool) == at && (!last || is_before(last, node)) &&
			(best == REEVE_NONE || is_before(node, &r->sessions[best].queue_node)))
			best = i;
	}
	return best;
}

static void fill_queued(
	const struct reeve *r, uint32_t i, uint32_t position, struct reeve_queued_session *ret)
{
	const struct reeve_sh_session *sh = &r->sessions[i];
	uint64_t until = reeve__get(&sh->queue_deadline_ns);

	*ret = (struct reeve_queued_session){
		.session = {sh->head.id},
		.group = {reeve__group_at(r, reeve__get(&sh->group))->head.id},
		.position = position,
		.priority = reeve__get(&sh->rank),
		.queued_at = (reeve_ns)reeve__get(&sh->queued_ns),
		.expires_at = until > INT64_MAX ? REEVE_NEVER : (reeve_ns)until,
	};
}

/* Entries copied at most; each takes a pass over the sessions. */
#define QUEUE_COPY_MAX 256

int reeve__session_queue_copy(struct reeve *r, reeve_group_id group,
	struct reeve_queued_session *ret, uint32_t capacity, struct reeve_error *err)
{
	struct reeve__session_pool_pass x;
	struct reeve_sh_node last;
	uint32_t g = REEVE_NONE, i;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, group, &g, err);
	reeve__sessions_lock(r);
	if (!rc) {
		reeve__session_pool_begin(&x, r);
		rc = (int)r->session_pools[g].waiting;
		for (uint32_t n = 0; n < capacity && n < QUEUE_COPY_MAX && n < (uint32_t)rc; n++) {
			i = next_waiter(r, place(WAITING, g), n ? &last : NULL);
			if (i == REEVE_NONE)
				break;
			last = r->sessions[i].queue_node;
			fill_queued(r, i, n + 1, &ret[n]);
		}
		reeve__session_pool_unlock(&x);
	}
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	return rc;
}

/* ---- statistics ---- */

/* The wait that so many parts in a million do not exceed, on a straight line inside its bucket. */
static uint64_t quantile(const struct reeve_sh_session_domain *d, uint32_t ppm)
{
	uint64_t n = reeve__get(&d->wait_count), below = 0, ns = 0;
	uint64_t rank = reeve__muldiv(n, ppm, REEVE_PPM) + 1;

	for (uint32_t i = 0; i < REEVE_QUEUE_BUCKETS && n; i++) {
		uint64_t here = reeve__get(&d->wait_buckets[i]);
		uint64_t low = i ? UINT64_C(1) << (9 + i) : 0, width = i ? low : 1024;
		if (here && below + here >= rank) {
			ns = low + reeve__muldiv(width, rank - below, here);
			break;
		}
		below += here;
	}
	if (ns < reeve__get(&d->wait_min_ns))
		ns = reeve__get(&d->wait_min_ns);
	return ns > reeve__get(&d->wait_max_ns) ? reeve__get(&d->wait_max_ns) : ns;
}

void reeve__session_queue_stats_locked(
	struct reeve__session_pool_pass *x, struct reeve_session_stats *ret)
{
	reeve__lock_assert(&x->d->lock);
	ret->idle_terminations = reeve__get(&x->d->idle_ends);
	ret->idle_blocker_terminations = reeve__get(&x->d->idle_blocker_ends);
	ret->execution_terminations = reeve__get(&x->d->execution_ends);
	ret->runaway_terminations = reeve__get(&x->d->runaway_ends);
	ret->sessions_queued = reeve__get(&x->d->queued);
	ret->queue_timeouts = reeve__get(&x->d->queue_timeouts);
	ret->priority_boosts = reeve__get(&x->d->boosts);
	ret->refused_estimates = reeve__get(&x->d->refused_estimates);
	ret->rule_actions = reeve__get(&x->d->rule_actions);
	ret->admissions = reeve__get(&x->d->admissions);
	ret->admission_failures = reeve__get(&x->d->admission_failures);
	ret->current_queued = reeve__get(&x->d->waiting);
	ret->current_active -= ret->current_active < ret->current_queued ? 0 : ret->current_queued;
	ret->queue_wait_count = reeve__get(&x->d->wait_count);
	ret->queue_wait_sum_ns = reeve__get(&x->d->wait_sum_ns);
	ret->queue_wait_min_ns = reeve__get(&x->d->wait_min_ns);
	ret->queue_wait_max_ns = reeve__get(&x->d->wait_max_ns);
	ret->queue_wait_p50_ns = quantile(x->d, 500000);
	ret->queue_wait_p90_ns = quantile(x->d, 900000);
	ret->queue_wait_p99_ns = quantile(x->d, 990000);
	ret->queue_wait_p999_ns = quantile(x->d, 999000);
}

/* ---- validate ---- */

static const char *check_session(const struct reeve *r, uint32_t i)
{
	const struct reeve_sh_session *sh = &r->sessions[i];
	uint64_t at = atomic_load(&sh->pool);
	bool queued = reeve__heap_has(&sh->queue_node);
	uint32_t state = reeve__get(&sh->head.state);

	if (at && ((uint32_t)at >= r->group_capacity || state_of(at) > WAITING))
		return "a session is in a pool that cannot exist";
	if (state == REEVE_SLOT_KEPT) /* its owner may be at a step, and unwinds it */
		return NULL;
	if (state != REEVE_SLOT_LIVE)
		return at ? "a session that has ended has a place in a pool" : NULL;
	if (queued != (state_of(at) == WAITING))
		return "a session waits in no queue, or is in one and does not wait";
	if ((state_of(at) == WAITING || state_of(at) == HELD) &&
		(uint32_t)at != reeve__get(&sh->group))
		return "a session is in the pool of another group";
	return NULL;
}

/* Counts of one pool against the sessions; what is between two steps of its owner may be either. */
static const char *check_pool(struct reeve__session_pool_pass *x, uint32_t g)
{
	const struct reeve_sh_session_pool *p = &x->r->session_pools[g];
	uint64_t word = atomic_load(&p->word);
	uint32_t held = 0, waiting = 0, between = 0, n = count_of(word);

	for (uint32_t i = 0; i < sessions_used(x->r); i++) {
		uint64_t at = atomic_load(&x->r->sessions[i].pool);
		if (!at || (uint32_t)at != g)
			continue;
		held += state_of(at) == HELD;
		waiting += state_of(at) == WAITING;
		between += state_of(at) == PENDING || state_of(at) == RELEASING;
	}
	if (word != atomic_load(&p->word))
		return NULL; /* somebody came or went meanwhile */
	if (waiting != p->waiting || (waiting && reeve__heap_check(&x->queue, p->root) != waiting))
		return "the queue of a session pool does not hold who waits";
	if ((waiting != 0) != ((word & WAITERS) != 0))
		return "a session pool does not know whether anybody waits";
	if (!(word & LIMITED))
		return held ? "a session has a place in a pool without limit" : NULL;
	if (n < held || n > held + between)
		return "the count of a session pool is wrong";
	if (waiting && n < reeve__get(&p->limit) && !between)
		return "a session waits for a place in a pool with room";
	return word & CLOSED ? "a session pool is closed" : NULL;
}

int reeve__session_pool_validate(
	struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	const char *faults[2] = {NULL, NULL}, *fault;
	struct reeve__session_pool_pass x;
	uint32_t waiting = 0;
	int n = 0;

	reeve__session_pools_look(r); /* what the dead have left to be handed over */
	reeve__catalog_lock(r);
	reeve__sessions_lock(r);
	reeve__session_pool_begin(&x, r);
	for (uint32_t i = 0; i < sessions_used(r) && !faults[0]; i++)
		faults[0] = check_session(r, i);
	for (uint32_t g = 0; g < reeve__table_used(&r->header->groups); g++) {
		fault = check_pool(&x, g);
		faults[1] = faults[1] ? faults[1] : fault;
		waiting += r->session_pools[g].waiting;
	}
	if (!faults[1] && waiting != reeve__get(&x.d->waiting))
		faults[1] = "the count of queued sessions is wrong";
	reeve__session_pool_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	for (int k = 0; k < 2; k++) {
		if (faults[k] && found)
			found(arg, faults[k]);
		n += faults[k] != NULL;
	}
	return n;
}
