/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_delete.c - deleting a consumer group, with all that refers to it moved to another.
 *
 *	judged -> noted -> moved, kind by kind -> slot freed -> note cleared
 *
 * Everything that can refuse is asked first. Then the deletion is noted in the header, and from there
 * on it will be completed: when its deleter dies, the next one to take the catalog lock finds the note
 * and does it all again. Each step looks for what still refers to the group, so doing it twice does no
 * harm. The catalog lock is held throughout, so nobody sees half of it, and nothing new can come to
 * refer to the group; the session lock is let go between stretches of sessions.
 *
 * A module whose rows name groups adds its line to `referrers`: how many there are, and how to move
 * them. Group slots are used again, so what it keeps beside a slot must begin anew with the group.
 */
#include "engine.h"
#include "io.h"
#include "parallel.h"

#include <stdio.h>

/* Sessions looked at before others get the session lock. */
#define STRETCH 256u

/* Tasks to be told that they have a slot, once no lock is held. Who is not told looks up by itself. */
struct wakes {
	uint32_t n;
	uint32_t tasks[64];
};

struct move {
	struct reeve *r;
	uint32_t from, to;
	uint64_t id, revision;
	reeve_ns wall;
	struct wakes *wakes; /* NULL: nobody is told */
};

/* ---- sessions ---- */

static uint32_t count_sessions(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	reeve__sessions_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++)
		n += reeve__get(&r->sessions[i].head.state) == REEVE_SLOT_LIVE &&
		     reeve__get(&r->sessions[i].group) == group;
	reeve__sessions_unlock(r);
	return n;
}

static void wake_later(const struct move *m, const uint32_t *tasks, uint32_t n)
{
	for (uint32_t i = 0; m->wakes && i < n; i++)
		if (m->wakes->n < REEVE_COUNT(m->wakes->tasks))
			m->wakes->tasks[m->wakes->n++] = tasks[i];
}

static void move_task(const struct move *m, uint32_t task)
{
	struct reeve__cpu_pass x;

	if (task >= m->r->header->tasks.capacity || reeve__get(&m->r->tasks[task].group) != m->from)
		return;
	reeve__io_move(m->r, task, m->from);
	reeve__cpu_move(&x, m->r, task, m->to);
	wake_later(m, x.wakes, x.wake_count);
}

/* Ended ones too, which are only looked at, so that they do not show a group that comes later. */
static void move_session(const struct move *m, uint32_t i)
{
	struct reeve_sh_session *sh = &m->r->sessions[i];
	uint32_t state = reeve__get(&sh->head.state);

	if (state < REEVE_SLOT_LIVE || reeve__get(&sh->group) != m->from)
		return;
	if (state == REEVE_SLOT_LIVE) {
		sh->previous_group = m->id;
		sh->switch_reason = REEVE_SWITCH_ADMINISTRATIVE;
		sh->switched_wall = m->wall;
	}
	atomic_store(&sh->group, m->to); /* before the look at its place in a pool */
	if (state == REEVE_SLOT_LIVE) {
		reeve__memory_session_follow(m->r, i, m->to);
		reeve__add(&m->r->groups[m->from].sessions, (uint32_t)-1);
		reeve__add(&m->r->groups[m->to].sessions, 1);
	}
	if (state != REEVE_SLOT_ENDED)
		move_task(m, sh->task);
	if (state == REEVE_SLOT_LIVE) /* who begins a statement from here on begins it there */
		reeve__session_pool_settle(m->r, i, m->to);
	if (state == REEVE_SLOT_LIVE)
		reeve__session_event(m->r, i,
			(struct reeve_event){.kind = REEVE_EVENT_SESSION_SWITCHED,
				.reason = REEVE_SWITCH_ADMINISTRATIVE,
				.object = m->id},
			NULL);
	REEVE_POINT(GROUP_SESSION_MOVED);
}

static void move_sessions(const struct move *m)
{
	const struct reeve_sh_table *t = &m->r->header->sessions;

	for (uint32_t from = 0; from < reeve__table_used(t); from += STRETCH) {
		reeve__sessions_lock(m->r);
		for (uint32_t i = from; i < from + STRETCH && i < reeve__table_used(t); i++)
			move_session(m, i);
		reeve__sessions_unlock(m->r);
	}
}

/* ---- tasks of outside engines, and tasks that a death has left without their session ---- */

static bool is_outside(const struct reeve_sh_task *t, uint32_t group)
{
	return reeve__get(&t->head.state) == REEVE_SLOT_LIVE && t->kind == REEVE_TASK_PULL &&
	       reeve__get(&t->group) == group;
}

static uint32_t count_outside(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	reeve__sessions_lock(r);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->tasks); i++)
		n += is_outside(&r->tasks[i], group);
	reeve__sessions_unlock(r);
	return n;
}

static void move_tasks(const struct move *m)
{
	const struct reeve_sh_table *t = &m->r->header->tasks;

	for (uint32_t from = 0; from < reeve__table_used(t); from += STRETCH) {
		reeve__sessions_lock(m->r);
		for (uint32_t i = from; i < from + STRETCH && i < reeve__table_used(t); i++) {
			if (is_outside(&m->r->tasks[i], m->from))
				reeve__pull_move(m->r, i, m->to);
			else if (reeve__get(&m->r->tasks[i].head.state) == REEVE_SLOT_LIVE)
				move_task(m, i);
		}
		reeve__sessions_unlock(m->r);
	}
}

/* ---- memory ---- */

static void move_quotas(const struct move *m)
{
	reeve__memory_group_move(m->r, m->from, m->to);
}

static uint32_t count_memory_limits(struct reeve *r, uint32_t group)
{
	return reeve__memory_group_is_registered(r, group);
}

static void move_memory_limits(const struct move *m)
{
	reeve__memory_registration_move(m->r, m->from, m->to);
}

/* ---- definitions ---- */

static uint32_t count_mappings(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->mappings); i++)
		n += reeve__get(&r->mappings[i].head.state) == REEVE_SLOT_LIVE &&
		     r->mappings[i].group == group;
	return n;
}

static void move_mappings(const struct move *m)
{
	for (uint32_t i = 0; i < reeve__table_used(&m->r->header->mappings); i++)
		if (m->r->mappings[i].group == m->from)
			m->r->mappings[i].group = m->to;
}

static uint32_t count_rules(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->groups_domain.rules); i++)
		n += reeve__get(&r->rules[i].head.state) == REEVE_SLOT_LIVE &&
		     reeve__rule_version(r, i)->group == group;
	return n;
}

static void move_rules(const struct move *m)
{
	for (uint32_t i = 0; i < reeve__table_used(&m->r->header->groups_domain.rules); i++) {
		struct reeve_sh_rule_version *v = reeve__rule_version(m->r, i);
		if (v->group != m->from)
			continue;
		v->modified_wall = m->wall;
		v->revision = m->revision;
		v->group = m->to;
	}
}

/* Whether a directive moves calls to the group. */
static bool switches_to(const struct reeve *r, uint32_t directive, uint32_t group)
{
	const struct reeve_sh_directive *d = &r->directives[directive];

	return (d->given & REEVE_DIRECTIVE_SWITCH_GROUP) &&
	       d->switch_group == r->groups[group].head.id;
}

static uint32_t count_directives(struct reeve *r, uint32_t group)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->directives); i++)
		n += reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE &&
		     (r->directives[i].group == group || switches_to(r, i, group));
	return n;
}

static bool has_directive(const struct reeve *r, uint32_t plan, uint32_t group)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->directives); i++)
		if (reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE &&
			r->directives[i].plan == plan && r->directives[i].group == group)
			return true;
	return false;
}

/* At most one of each plan, so this looks at the table once for each plan at the most. */
static void move_directives(const struct move *m)
{
	struct reeve_sh_table *t = &m->r->header->directives;

	for (uint32_t i = 0; i < reeve__table_used(t); i++) {
		struct reeve_sh_directive *d = &m->r->directives[i];
		if (reeve__get(&d->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (switches_to(m->r, i, m->from))
			d->switch_group = m->r->groups[m->to].head.id;
		if (d->group != m->from)
			continue;
		if (has_directive(m->r, d->plan, m->to)) {
			reeve__directive_drop_locked(m->r, i);
			continue;
		}
		d->modified_wall = m->wall;
		d->revision = m->revision;
		d->group = m->to;
	}
}

static uint32_t count_registrations(struct reeve *r, uint32_t group)
{
	return reeve__cpu_is_registered(r, &r->groups[group]);
}

static void move_registrations(const struct move *m)
{
	struct reeve_sh_cpu_group *from = &m->r->groups[m->from].cpu;
	struct reeve_sh_cpu_group *to = &m->r->groups[m->to].cpu;

	if (count_registrations(m->r, m->from) && !count_registrations(m->r, m->to)) {
		to->registered_shares = from->registered_shares;
		to->registered_cap_ppm = from->registered_cap_ppm;
		to->registered = from->registered;
	}
	from->registered = 0;
}

/* After the sessions: what they submit from then on is the other group's. */
static void move_io(const struct move *m)
{
	struct reeve__io_pass x;

	reeve__io_group_move(&x, m->r, m->from, m->to);
	wake_later(m, x.wakes, x.wake_count);
}

static void move_io_registrations(const struct move *m)
{
	reeve__io_registration_move(m->r, m->from, m->to);
}

/* ---- parallel control ---- */

/* As reeve__parallel_wake, but for the wake itself. */
static void wake_parallel_later(const struct move *m, const struct reeve__parallel_pass *x)
{
	for (uint32_t i = 0; i < x->wake_count; i++) {
		uint32_t parked = REEVE_PARK_YES;
		if (atomic_compare_exchange_strong(
			    &m->r->tasks[x->wakes[i]].park, &parked, REEVE_PARK_LOOK))
			wake_later(m, &x->wakes[i], 1);
	}
}

static void move_executions(const struct move *m)
{
	struct reeve__parallel_pass x;

	reeve__parallel_group_move(&x, m->r, m->from, m->to);
	wake_parallel_later(m, &x);
}

static void move_parallel_limits(const struct move *m)
{
	struct reeve__parallel_pass x;

	reeve__parallel_limits_move(&x, m->r, m->from, m->to);
	wake_parallel_later(m, &x);
}

static void move_pools(const struct move *m)
{
	struct reeve__parallel_pass x;

	reeve__parallel_pools_move(&x, m->r, m->from, m->to);
	wake_parallel_later(m, &x);
}

/* All that can refer to a group, for people in the order in which they would look. */
static const struct referrer {
	const char *one, *many;
	uint32_t (*count)(struct reeve *r, uint32_t group);
	void (*move)(const struct move *m);
} referrers[] = {
	{"session", "sessions", count_sessions, move_sessions},
	{"task of an outside engine", "tasks of outside engines", count_outside, move_tasks},
	{"memory quota of an outside engine", "memory quotas of outside engines",
		reeve__memory_outside_quotas, move_quotas},
	{"user mapping", "user mappings", count_mappings, move_mappings},
	{"assignment rule", "assignment rules", count_rules, move_rules},
	{"plan directive", "plan directives", count_directives, move_directives},
	{"CPU registration", "CPU registrations", count_registrations, move_registrations},
	{"memory registration", "memory registrations", count_memory_limits, move_memory_limits},
	{"I/O registration", "I/O registrations", reeve__io_group_registrations,
		move_io_registrations},
	{"I/O request", "I/O requests", reeve__io_group_requests, move_io},
	{"parallel limit", "parallel limits", reeve__parallel_group_limits, move_parallel_limits},
	{"server pool", "server pools", reeve__parallel_group_pools, move_pools},
	/* after what decides whether they can go there */
	{"parallel execution", "parallel executions", reeve__parallel_group_executions,
		move_executions},
};

/* ---- the deletion ---- */

/* From the note on: everything moves, the group goes. */
static void complete_locked(struct reeve *r, struct wakes *wakes)
{
	struct reeve_sh_group_deletion *note = &r->header->groups_domain.deletion;
	struct reeve_sh_group *g = &r->groups[note->from];
	struct move m = {r, note->from, note->to, note->id, note->revision, note->wall, wakes};

	if (reeve__get(&g->head.state) == REEVE_SLOT_LIVE && g->head.id == note->id) {
		for (size_t i = 0; i < REEVE_COUNT(referrers); i++)
			referrers[i].move(&m);
		REEVE_POINT(GROUP_EMPTIED);
		reeve__model_event(r, REEVE_EVENT_GROUP_DELETED, (reeve_group_id){note->id},
			(reeve_plan_id){0}, r->groups[note->to].head.id, g->name);
		reeve__group_index_begin_locked(r);
		reeve__table_free(r, &r->header->groups, note->from, g->name);
		reeve__group_index_end_locked(r);
	}
	REEVE_POINT(GROUP_GONE);
	reeve__rules_reindex_locked(r);
	reeve__ruling_refresh_locked(r);
	atomic_store_explicit(&note->active, 0, memory_order_release);
}

void reeve__group_deletion_resume_locked(struct reeve *r)
{
	struct reeve_sh_group_deletion *note = &r->header->groups_domain.deletion;
	uint32_t used = reeve__table_used(&r->header->groups);

	if (!atomic_load_explicit(&note->active, memory_order_acquire))
		return;
	if (note->from >= used || note->to >= used || note->from == note->to) {
		reeve__segment_degrade(
			r, "the deletion of group slot %u to %u is damaged", note->from, note->to);
		reeve__put(&note->active, 0);
		return;
	}
	complete_locked(r, NULL);
}

/* Refuses when something refers to the group: what, and how many. */
static int check_unreferenced(struct reeve *r, uint32_t g, struct reeve_error *err)
{
	char what[180] = "";
	size_t at = 0;

	for (size_t i = 0; i < REEVE_COUNT(referrers); i++) {
		uint32_t n = referrers[i].count(r, g);
		if (n && at < sizeof(what))
			at += (size_t)snprintf(what + at, sizeof(what) - at, "%s%u %s",
				at ? ", " : "", n, n == 1 ? referrers[i].one : referrers[i].many);
	}
	if (at == 0)
		return 0;
	return reeve__fail(err, REEVE_ECONFLICT,
		"consumer group %llu is referred to by %.170s; name a group to move to",
		(unsigned long long)r->groups[g].head.id, what);
}

static int check_target(struct reeve *r, uint32_t from, uint32_t to, struct reeve_error *err)
{
	const struct reeve_sh_group *g = &r->groups[to];
	uint32_t n = count_sessions(r, from), now = reeve__get(&g->sessions);

	if (from == to)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"moveTo is %llu, the group that is to be deleted; allowed is any other",
			(unsigned long long)g->head.id);
	if (n && !g->is_active)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"consumer group %.128s is inactive and takes no sessions; %u are to move",
			g->name, n);
	if (n > g->max_sessions || now > g->max_sessions - n)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"consumer group %.100s has %u sessions and %u are to move; its limit "
			"maxSessions is %llu",
			g->name, now, n, (unsigned long long)g->max_sessions);
	return 0;
}

static int check_deletion(struct reeve *r, uint32_t from, reeve_group_id move_to, uint32_t *ret_to,
	struct reeve_error *err)
{
	const struct reeve_sh_group *g = &r->groups[from];
	int rc;

	if (g->head.id < REEVE_FIRST_USER_ID)
		return reeve__fail(err, REEVE_EPERMISSION_DENIED,
			"%.128s is a system group and cannot be deleted", g->name);
	if (r->header->default_group == from)
		return reeve__fail(err, REEVE_ECONFLICT,
			"consumer group %.128s is the default group; make another the default "
			"first",
			g->name);
	*ret_to = r->header->default_group; /* for what only remembers the group */
	if (move_to.v == 0)
		return check_unreferenced(r, from, err);
	rc = reeve__group_slot_locked(r, move_to, ret_to, err);
	if (!rc)
		rc = check_target(r, from, *ret_to, err);
	return rc ? rc : reeve__memory_group_fits(r, from, *ret_to, err);
}

int reeve__group_destroy(struct reeve *r, reeve_group_id id, reeve_group_id move_to,
	reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_group_deletion *note = &r->header->groups_domain.deletion;
	struct wakes wakes = {0};
	uint32_t from = REEVE_NONE, to = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__group_slot_locked(r, id, &from, err);
	if (!rc)
		rc = check_deletion(r, from, move_to, &to, err);
	if (!rc) {
		note->from = from;
		note->to = to;
		note->id = id.v;
		note->wall = now_wall;
		note->revision = reeve__add(&r->header->revision, 1) + 1;
		atomic_store_explicit(&note->active, 1, memory_order_release);
		REEVE_POINT(GROUP_CONDEMNED);
		complete_locked(r, &wakes);
	}
	reeve__catalog_unlock(r);
	for (uint32_t i = 0; i < wakes.n; i++)
		reeve__task_wake(r, wakes.tasks[i]);
	return rc;
}
