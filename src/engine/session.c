/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.c - sessions: creation, states, switching, ending.
 *
 *	INACTIVE -> ACTIVE -> INACTIVE     phase of the task: IDLE to WORK or HAND, and back
 *	any live -> KILLED -> TERMINATED   under the session lock; final, returns everything once
 *
 * ACTIVE, WAITING and BLOCKED are read from the task. Counts per group are derived from the table.
 */
#include "admission.h"
#include "io.h"
#include "parallel.h"

#include <stdlib.h>

/* Ended sessions can be looked at for this long. */
#define RETENTION_NS (300 * REEVE_SEC)

/* A switch that was cut short: the task follows its session. Waiters look up by themselves. */
static void finish_move(struct reeve *r, uint32_t task, uint32_t group)
{
	struct reeve__cpu_pass x;
	uint32_t from;

	if (task >= r->header->tasks.capacity || reeve__get(&r->tasks[task].group) == group)
		return;
	from = reeve__get(&r->tasks[task].group);
	if (from < r->group_capacity)
		reeve__io_move(r, task, from);
	reeve__cpu_move(&x, r, task, group);
}

/* The same for its parallel executions. */
static void finish_parallel_move(struct reeve *r, uint32_t session, uint32_t group)
{
	struct reeve__parallel_pass x;

	if (group < r->group_capacity)
		(void)reeve__parallel_move(&x, r, session, REEVE_NONE, group);
}

/* LIVE, or ended with a handle still out there: its task slot is not to be reused. */
static bool has_owner(const struct reeve_sh_session *sh)
{
	uint32_t state = reeve__get(&sh->head.state);

	return state == REEVE_SLOT_LIVE || state == REEVE_SLOT_KEPT;
}

/* The count that sessions ended for this reason go into besides; NULL: none. */
static _Atomic uint64_t *count_of_reason(struct reeve *r, uint32_t reason)
{
	struct reeve_sh_session_counts *counts = &r->header->session_counts;

	switch (reason) {
	case REEVE_END_MANUAL_KILL:
		return &counts->manual_kills;
	case REEVE_END_PROCESS_DIED:
		return &counts->process_deaths;
	case REEVE_END_IDLE_TIMEOUT:
		return &r->control->idle_ends;
	case REEVE_END_IDLE_BLOCKER_TIMEOUT:
		return &r->control->idle_blocker_ends;
	case REEVE_END_EXECUTION_TIMEOUT:
		return &r->control->execution_ends;
	case REEVE_END_RUNAWAY:
		return &r->control->runaway_ends;
	default:
		return NULL;
	}
}

/* The totals of who has died between a change of the table and its counts. */
static void recover_counts(struct reeve *r, uint32_t current)
{
	struct reeve_sh_session_counts *c = &r->header->session_counts;
	uint32_t i = reeve__get(&c->ending) - 1; /* 0 wraps to REEVE_NONE */

	if (i < reeve__table_used(&r->header->sessions)) {
		const struct reeve_sh_session *sh = &r->sessions[i];
		_Atomic uint64_t *count = count_of_reason(r, sh->termination);
		if (count && reeve__get(&sh->head.state) != REEVE_SLOT_LIVE &&
			(uint32_t)reeve__get(count) == c->ending_count)
			reeve__add(count, 1);
	}
	reeve__put(&c->ending, 0);
	if (reeve__get(&c->created) < reeve__get(&c->terminated) + current)
		reeve__put(&c->created, reeve__get(&c->terminated) + current);
	reeve__put(&c->terminated, reeve__get(&c->created) - current);
	reeve__put(&c->current, current);
	if (current > reeve__get(&c->peak))
		reeve__put(&c->peak, current);
}

static void finish_termination_locked(struct reeve *r, uint32_t i);
static void finish_kills_locked(struct reeve *r);
static void set_state(struct reeve *r, uint32_t i, uint32_t to);

/* A change of priority that was cut short: the task's follows its session's. */
static void finish_rank(struct reeve *r, const struct reeve_sh_session *sh)
{
	uint32_t priority = reeve__session_task_priority(reeve__get(&sh->rank)), task = sh->task;
	struct reeve__cpu_pass x;

	if (task >= r->header->tasks.capacity || r->tasks[task].priority == priority)
		return;
	reeve__cpu_begin_aside(&x, r);
	r->tasks[task].priority = priority;
	reeve__cpu_unlock(&x);
}

void reeve__sessions_recover_locked(struct reeve *r)
{
	struct reeve_sh_header *h = r->header;
	uint32_t current = 0;

	reeve__table_rebuild(r, &h->sessions, 0);
	reeve__table_rebuild(r, &h->tasks, 0);
	reeve__table_rebuild(r, &h->externals, 0);
	for (uint32_t i = 0; i < reeve__table_used(&h->groups); i++)
		reeve__put(&r->groups[i].sessions, 0);
	for (uint32_t i = 0; i < reeve__table_used(&h->attachments); i++)
		reeve__put(&r->attachments[i].sessions, 0);
	for (uint32_t i = 0; i < reeve__table_used(&h->sessions); i++) {
		struct reeve_sh_session *sh = &r->sessions[i];
		uint32_t g = reeve__get(&sh->group);
		if (reeve__get(&sh->head.state) == REEVE_SLOT_KEPT)
			finish_termination_locked(r, i);
		if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE)
			continue;
		finish_move(r, sh->task, g);
		reeve__session_pool_settle(r, i, g);
		reeve__memory_session_follow(r, i, g);
		finish_parallel_move(r, i, g);
		reeve__admission_follow_locked(r, i);
		finish_rank(r, sh);
		reeve__admission_rank_locked(r, i, reeve__get(&sh->rank));
		current++;
		if (g < reeve__table_used(&h->groups))
			reeve__add(&r->groups[g].sessions, 1);
		if (sh->attachment < reeve__table_used(&h->attachments))
			reeve__add(&r->attachments[sh->attachment].sessions, 1);
	}
	recover_counts(r, current);
	/* A task whose session never became live belongs to nobody. */
	for (uint32_t i = 0; i < reeve__table_used(&h->tasks); i++) {
		struct reeve_sh_task *t = &r->tasks[i];
		if (reeve__get(&t->head.state) == REEVE_SLOT_LIVE &&
			t->kind == REEVE_TASK_SESSION &&
			(t->session >= reeve__table_used(&h->sessions) ||
				r->sessions[t->session].task != i ||
				!has_owner(&r->sessions[t->session])))
			reeve__table_free(r, &h->tasks, i, NULL);
	}
	reeve__admissions_recover_locked(r);
	reeve__pull_recover_locked(r);
	finish_kills_locked(r); /* last: it counts by what is right now */
}

void reeve__sessions_lock(struct reeve *r)
{
	if (REEVE_UNLIKELY(reeve__lock_acquire(&r->header->session_lock)))
		reeve__sessions_recover_locked(r);
}

void reeve__sessions_unlock(struct reeve *r)
{
	reeve__lock_release(&r->header->session_lock);
}

/* ---- events ---- */

/* Whatever ends a statement or a session by a limit says so here: its group counts it. */
static void count_limit_action(
	struct reeve *r, const struct reeve_sh_session *sh, const struct reeve_event *e)
{
	uint32_t g = reeve__get(&sh->group);

	if (e->limit_kind && g < r->group_capacity &&
		(e->action == REEVE_ACTION_CANCEL_QUERY ||
			e->action == REEVE_ACTION_TERMINATE_SESSION))
		reeve__add(&r->session_pools[g].limit_actions, (uint64_t)1);
}

void reeve__session_event(struct reeve *r, uint32_t session, struct reeve_event e, const char *text)
{
	const struct reeve_sh_session *sh = &r->sessions[session];

	e.session.v = sh->head.id;
	count_limit_action(r, sh, &e);
	if (!e.group.v)
		e.group.v = reeve__group_at(r, reeve__get(&sh->group))->head.id;
	if (text)
		reeve__event_text(&e, text);
	reeve__event_emit(r, &e);
}

const char *reeve__termination_text(uint32_t reason)
{
	static const char *const texts[] = {"", "closed by its client", "killed",
		"its process died", "its process has left", "idle for too long",
		"idle for too long, and in another's way", "its statement ran for too long",
		"its call used too much", "its group was deleted", "maintenance"};

	return reason < REEVE_COUNT(texts) ? texts[reason] : "unknown reason";
}

/* ---- create ---- */

int reeve__session_check(const struct reeve_session_def *def, struct reeve_error *err)
{
	int rc;

	if ((rc = reeve__text_check(def->username, REEVE_NAME_MAX, false, "username", err)) ||
		(rc = reeve__text_check(
			 def->program, REEVE_ATTRIBUTE_MAX, true, "programName", err)) ||
		(rc = reeve__text_check(
			 def->machine, REEVE_ATTRIBUTE_MAX, true, "machineName", err)) ||
		(rc = reeve__text_check(
			 def->service, REEVE_ATTRIBUTE_MAX, true, "serviceName", err)) ||
		(rc = reeve__text_check(
			 def->module, REEVE_ATTRIBUTE_MAX, true, "moduleName", err)) ||
		(rc = reeve__text_check(def->action, REEVE_ATTRIBUTE_MAX, true, "actionName", err)))
		return rc;
	if (def->priority > REEVE_SESSION_LOW)
		return reeve__fail(err, REEVE_EINVALID_ARGUMENT,
			"priority is %u; allowed are 0 (Critical) to 3 (Low)", def->priority);
	return 0;
}

/* Priority 0 to 7 of a session's task. */
uint32_t reeve__session_task_priority(uint32_t session_priority)
{
	static const uint32_t of[4] = {0, 1, 3, 7};
	return of[session_priority & 3];
}

int reeve__session_check_room(const struct reeve_sh_group *g, struct reeve_error *err)
{
	uint32_t now = reeve__get(&g->sessions);

	if (!g->is_active)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"consumer group %.128s is inactive and takes no sessions", g->name);
	if (now >= g->max_sessions)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"consumer group %.128s has %u sessions; its limit maxSessions is %llu",
			g->name, now, (unsigned long long)g->max_sessions);
	return 0;
}

/* The limit on sessions of all groups, from which those of the system are exempt. */
static int check_global(
	struct reeve *r, const struct reeve_session_def *def, struct reeve_error *err)
{
	uint32_t now = reeve__get(&r->header->session_counts.current);
	uint32_t limit = reeve__get(&r->control->global_limit);

	if (def->is_system || now < limit)
		return 0;
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"there are %u sessions; the limit globalSessionLimit is %u", now, limit);
}

/* Live sessions that are not the system's. Session lock held; only under a window that counts them. */
static uint32_t count_users(const struct reeve *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++)
		n += reeve__get(&r->sessions[i].head.state) == REEVE_SLOT_LIVE &&
		     !r->sessions[i].is_system;
	return n;
}

/* What the open maintenance window says of users' sessions; those that are there stay. */
static int check_window(
	struct reeve *r, const struct reeve_session_def *def, struct reeve_error *err)
{
	const struct reeve_sh_planning *p = &r->header->planning;
	uint32_t most = reeve__get(&p->max_user_sessions), now;

	if (def->is_system)
		return 0;
	if (!reeve__get(&p->user_sessions_allowed))
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"a maintenance window is open that takes no sessions of users "
			"(allowUserSessions is false)");
	if (most == UINT32_MAX)
		return 0;
	now = count_users(r);
	if (now < most)
		return 0;
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"there are %u sessions of users; the open maintenance window's limit "
		"maxUserSessions is %u",
		now, most);
}

static int table_full(const struct reeve_sh_table *table, const char *name, struct reeve_error *err)
{
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "the table of %s is full: %u of %u",
		name, reeve__get(&table->live), table->capacity);
}

static void fill_control(
	struct reeve *r, struct reeve_sh_session *sh, const struct reeve_session_def *def)
{
	atomic_store(&sh->pool, 0);
	atomic_store(&sh->at_end, 0);
	reeve__put(&sh->doom, (uint32_t)REEVE_END_NONE);
	reeve__put(&sh->execution_ns, REEVE_UNLIMITED);
	reeve__put(&sh->idle_ns, REEVE_UNLIMITED);
	reeve__put(&sh->ruled_cycles, (uint64_t)0);
	reeve__put(&sh->rule_switches, 0);
	reeve__put(&sh->rank, def->priority);
	reeve__put(&sh->boosts, 0);
	sh->is_system = def->is_system;
	reeve__put(&sh->return_group, (uint64_t)0);
	sh->queue_node.rank = 0;
	reeve__put(&sh->queued_ns, (uint64_t)0);
	reeve__put(&sh->queue_deadline_ns, UINT64_MAX);
	sh->created_cycles = reeve__cycles(r);
	sh->idle_noted = 0;
	reeve__put(&sh->admission, 0);
	reeve__put(&sh->overrun_told, (uint64_t)0);
}

static void fill_session(struct reeve *r, uint32_t i, uint32_t task,
	const struct reeve__assigned *to, const struct reeve_session_def *def, reeve_ns now_wall)
{
	struct reeve_sh_session *sh = &r->sessions[i];

	/* Up to the pool: what follows is looked at by others, at any time. */
	memset((char *)sh + sizeof(sh->head), 0,
		offsetof(struct reeve_sh_session, pool) - sizeof(sh->head));
	sh->cpu_ns_at_end = sh->wait_ns_at_end = sh->queries_at_end = 0;
	fill_control(r, sh, def);
	reeve__put(&sh->state, REEVE_SESSION_INACTIVE);
	reeve__put(&sh->group, to->group);
	sh->task = task;
	sh->attachment = r->attachment;
	sh->user_id = def->user_id;
	sh->priority = def->priority;
	sh->assigned_by = to->by;
	sh->rule_id = to->rule == REEVE_NONE ? 0 : r->rules[to->rule].head.id;
	sh->pid = r->attachments[r->attachment].pid;
	sh->connected_wall = sh->switched_wall = now_wall;
	reeve__put(&sh->last_active_wall, sh->connected_wall);
	reeve__session_texts_put(r, i,
		(const char *const[]){def->username, def->program, def->machine, def->service,
			def->module, def->action});
}

static void fill_task(struct reeve *r, uint32_t task, uint32_t session, uint32_t group,
	uint32_t priority, reeve_ns now_wall)
{
	struct reeve_sh_task *t = &r->tasks[task];

	memset((char *)t + sizeof(t->head), 0, sizeof(*t) - sizeof(t->head));
	reeve__put(&t->group, group);
	reeve__put(&t->slot, REEVE_NONE);
	t->priority = priority;
	t->session = session;
	t->attachment = r->attachment;
	t->kind = REEVE_TASK_SESSION;
	t->created_wall = now_wall;
	t->age = reeve__get(&r->groups[group].cpu.task_clock);
	memset(&r->cpu_tasks[task], 0, sizeof(r->cpu_tasks[task]));
}

/* Both slots, claimed, filled and published; under the session lock. */
static int add_session_locked(struct reeve *r, const struct reeve_session_def *def,
	const struct reeve__assigned *to, reeve_ns now_wall, struct reeve_session *s,
	struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_session_counts *counts = &h->session_counts;
	uint32_t now;

	s->session = reeve__table_claim(r, &h->sessions);
	if (s->session == REEVE_NONE)
		return table_full(&h->sessions, "sessions", err);
	REEVE_POINT(SESSION_CLAIMED);
	s->task = reeve__table_claim(r, &h->tasks);
	if (s->task == REEVE_NONE) {
		reeve__table_free(r, &h->sessions, s->session, NULL);
		return table_full(&h->tasks, "tasks", err);
	}
	fill_task(r, s->task, s->session, to->group, reeve__session_task_priority(def->priority),
		now_wall);
	fill_session(r, s->session, s->task, to, def, now_wall);
	reeve__table_publish(r, &h->tasks, s->task, h->next_task_id++, NULL);
	reeve__table_publish(r, &h->sessions, s->session, reeve__external_session_skip(r), NULL);
	REEVE_POINT(SESSION_PUBLISHED);
	reeve__add(&r->groups[to->group].sessions, 1);
	reeve__add(&r->attachments[r->attachment].sessions, 1);
	if (to->rule != REEVE_NONE)
		reeve__rule_count_match(r, to->rule, r->sessions[s->session].connected_wall);
	reeve__add(&counts->created, 1);
	now = reeve__add(&counts->current, 1) + 1;
	if (now > reeve__get(&counts->peak))
		reeve__put(&counts->peak, now);
	reeve__session_event(r, s->session,
		(struct reeve_event){.kind = REEVE_EVENT_SESSION_CREATED, .reason = to->by},
		def->username);
	return 0;
}

/*
 * Handles of ended sessions are kept for the next ones. Not under AddressSanitizer, which would not see
 * a handle used after its end.
 */
#define SPARES 8u
#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
static const bool keeps_handles = false;
#else
static const bool keeps_handles = true;
#endif

/* A handle, all zero; NULL: out of memory. */
static struct reeve_session *new_local(struct reeve *r)
{
	struct reeve_session *s;

	pthread_mutex_lock(&r->local_lock);
	s = r->spare_sessions;
	if (s) {
		r->spare_sessions = s->next;
		r->spare_count--;
	}
	pthread_mutex_unlock(&r->local_lock);
	if (!s)
		s = aligned_alloc(_Alignof(struct reeve_session), sizeof(*s));
	if (s)
		memset(s, 0, sizeof(*s));
	return s;
}

static void remember_local(struct reeve_session *s)
{
	struct reeve *r = s->r;

	pthread_mutex_lock(&r->local_lock);
	s->next = r->local_sessions;
	if (s->next)
		s->next->previous = s;
	r->local_sessions = s;
	pthread_mutex_unlock(&r->local_lock);
}

/* Takes it out of this process's list, and frees it or keeps it for the next. */
static void forget_local(struct reeve_session *s)
{
	struct reeve *r = s->r;

	pthread_mutex_lock(&r->local_lock);
	if (s->previous)
		s->previous->next = s->next;
	else
		r->local_sessions = s->next;
	if (s->next)
		s->next->previous = s->previous;
	if (keeps_handles && r->spare_count < SPARES) {
		s->next = r->spare_sessions;
		r->spare_sessions = s;
		r->spare_count++;
		s = NULL;
	}
	pthread_mutex_unlock(&r->local_lock);
	free(s);
}

void reeve__session_free_spares(struct reeve *r)
{
	struct reeve_session *s;

	while ((s = r->spare_sessions) != NULL) {
		r->spare_sessions = s->next;
		free(s);
	}
}

int reeve__session_create(struct reeve *r, const struct reeve_session_def *def,
	struct reeve_session **ret, struct reeve_error *err)
{
	struct reeve__assigned to;
	struct reeve_session *s;
	int rc = reeve__session_check(def, err);
	reeve_ns now_wall;

	if (rc)
		return rc;
	s = new_local(r);
	if (!s)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED, "out of memory");
	now_wall = reeve__wall(r);
	reeve__catalog_lock(r);
	rc = reeve__assign_locked(r, def, now_wall, &to, err);
	reeve__sessions_lock(r);
	if (!rc)
		rc = check_global(r, def, err);
	if (!rc)
		rc = check_window(r, def, err);
	if (!rc)
		rc = reeve__session_check_room(&r->groups[to.group], err);
	if (!rc)
		rc = add_session_locked(r, def, &to, now_wall, s, err);
	reeve__sessions_unlock(r);
	reeve__catalog_unlock(r);
	if (rc) {
		free(s);
		return rc;
	}
	s->r = r;
	s->sh = &r->sessions[s->session];
	s->t = &r->tasks[s->task];
	s->word = reeve__task_word(s->t, s->task);
	s->slot = s->task % r->slot_count;
	s->gap_cycles = r->gap_cycles; /* long, until it is seen to be short */
	s->io_hint = s->task & 127;
	s->rules.group = REEVE_NONE;
	s->rules.look_cycles = reeve__cycles(r) + (UINT64_C(1) << 62);
	if (def->is_system)
		atomic_fetch_or(&s->t->attention, REEVE_ATTEND_LIMITS);
	remember_local(s);
	*ret = s;
	return 0;
}

/* ---- end ---- */

/* Whether a user has no live session any more; under the session lock, and the catalog's. */
static bool is_last_of_user(const struct reeve *r, uint64_t user_id)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++)
		if (r->sessions[i].user_id == user_id &&
			reeve__get(&r->sessions[i].head.state) == REEVE_SLOT_LIVE)
			return false;
	return true;
}

/*
 * The stored states and their edges. ACTIVE, WAITING, BLOCKED and IDLE are what an INACTIVE session's
 * task is doing.
 */
static void set_state(struct reeve *r, uint32_t i, uint32_t to)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	uint32_t from = reeve__get(&sh->state);

	reeve__lock_assert(&r->header->session_lock);
	if (from == to)
		return;
	if (!(from == REEVE_SESSION_INACTIVE && to == REEVE_SESSION_KILLED) &&
		!(from == REEVE_SESSION_KILLED && to == REEVE_SESSION_TERMINATED)) {
		reeve__segment_degrade(r, "session %llu was to go from state %u to %u",
			(unsigned long long)sh->head.id, from, to);
		return;
	}
	atomic_store(&sh->state, to);
}

/* LIVE to TERMINATED, once. Returns the task to drop, or REEVE_NONE when it had ended. */
static uint32_t mark_terminated_locked(struct reeve *r, uint32_t i, uint32_t reason)
{
	struct reeve_sh_session *sh = &r->sessions[i];
	struct reeve_sh_session_counts *counts = &r->header->session_counts;
	_Atomic uint64_t *count = count_of_reason(r, reason);
	uint32_t g = reeve__get(&sh->group), task = sh->task;

	if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE)
		return REEVE_NONE;
	sh->termination = reason;
	set_state(r, i, REEVE_SESSION_KILLED);
	sh->terminated_wall = reeve__wall(r);
	if (task < r->header->tasks.capacity) {
		sh->cpu_ns_at_end = reeve__get(&r->tasks[task].cpu_ns);
		sh->wait_ns_at_end = reeve__get(&r->tasks[task].wait_ns);
		sh->queries_at_end = reeve__task_queries_begun(&r->tasks[task]);
	}
	counts->ending_count = count ? (uint32_t)reeve__get(count) : 0;
	reeve__put(&counts->ending, i + 1);
	REEVE_POINT(SESSION_ENDING);
	reeve__table_keep(r, &r->header->sessions, i);
	REEVE_POINT(SESSION_TERMINATING);
	set_state(r, i, REEVE_SESSION_TERMINATED); /* one that is LIVE is never that */
	if (g < r->header->groups.capacity && reeve__get(&r->groups[g].sessions))
		reeve__add(&r->groups[g].sessions, (uint32_t)-1);
	if (sh->attachment < r->header->attachments.capacity &&
		reeve__get(&r->attachments[sh->attachment].sessions))
		reeve__add(&r->attachments[sh->attachment].sessions, (uint32_t)-1);
	reeve__add(&counts->current, (uint32_t)-1);
	reeve__add(&counts->terminated, 1);
	if (count)
		reeve__add(count, 1);
	/* the others that limits end have said so before */
	if ((reason == REEVE_END_IDLE_TIMEOUT || reason == REEVE_END_IDLE_BLOCKER_TIMEOUT) &&
		g < r->group_capacity)
		reeve__add(&r->session_pools[g].limit_actions, (uint64_t)1);
	atomic_store_explicit(&counts->ending, 0, memory_order_release);
	reeve__session_event(r, i,
		(struct reeve_event){.kind = REEVE_EVENT_SESSION_TERMINATED, .reason = reason},
		reeve__termination_text(reason));
	return task;
}

/*
 * What the end of a session leaves to be done without the locks. The end itself is one section under
 * the session lock: a task slot that is let go may be another session's at once.
 */
struct ending {
	struct reeve__cpu_pass x;
	struct reeve__session_pool_pass pool;
	bool left;    /* pool has wakes to send */
	bool dropped; /* x has wakes to send */
	struct reeve__io_pass io;
	bool io_dropped; /* and io */
	struct reeve__parallel_pass parallel;
	bool parallel_dropped; /* and so has that */
	struct reeve__admission_pass admission;
	uint64_t user; /* whose session it was, and mappings are to be looked at; 0: nobody's */
};

static void drop_locked(struct reeve *r, uint32_t task, struct ending *e)
{
	if (e->dropped || task >= r->header->tasks.capacity)
		return;
	e->dropped = true;
	reeve__cpu_drop(&e->x, r, task);
	e->io_dropped = reeve__io_drop(&e->io, r, task);
}

/* The session's slot is not LIVE any more. */
static void drop_parallel_locked(struct reeve *r, uint32_t i, struct ending *e)
{
	if (reeve__parallel_drop(&e->parallel, r, i))
		e->parallel_dropped = true;
}

static void leave_pool_locked(struct reeve *r, uint32_t i, struct ending *e)
{
	if (atomic_load(&r->sessions[i].pool) == 0 || e->left)
		return;
	e->left = true;
	reeve__session_pool_begin(&e->pool, r);
	reeve__session_pool_drop_locked(&e->pool, i);
	reeve__session_pool_unlock(&e->pool);
}

static void terminate_locked(struct reeve *r, uint32_t i, uint32_t reason, struct ending *e)
{
	uint64_t user = r->sessions[i].user_id;
	uint32_t task = mark_terminated_locked(r, i, reason);

	if (task == REEVE_NONE)
		return;
	if (user && reeve__get(&r->header->mappings.live))
		e->user = user;
	leave_pool_locked(r, i, e);
	reeve__admission_drop_locked(&e->admission, i, REEVE_EKILLED);
	drop_parallel_locked(r, i, e);
	drop_locked(r, task, e);
	reeve__memory_session_end(r, i);
}

/* Who terminated it has died midway. What is returned wakes nobody: waiters look up by themselves. */
static void finish_termination_locked(struct reeve *r, uint32_t i)
{
	struct ending e = {.admission = {.r = r}};

	set_state(r, i, REEVE_SESSION_TERMINATED);
	leave_pool_locked(r, i, &e);
	drop_parallel_locked(r, i, &e);
	drop_locked(r, r->sessions[i].task, &e);
	reeve__memory_session_end(r, i);
}

/* The owner lets go of an ended session: its slot may be reused. */
static void release_locked(struct reeve *r, uint32_t i, struct ending *e)
{
	uint32_t task = r->sessions[i].task;

	if (reeve__get(&r->sessions[i].head.state) != REEVE_SLOT_KEPT)
		return;
	/* again: its owner may have begun something meanwhile */
	leave_pool_locked(r, i, e);
	reeve__admission_drop_locked(&e->admission, i, REEVE_EKILLED);
	drop_parallel_locked(r, i, e);
	drop_locked(r, task, e);
	reeve__memory_session_release(r, i);
	r->sessions[i].task = REEVE_NONE;
	if (task < r->header->tasks.capacity)
		reeve__table_free(r, &r->header->tasks, task, NULL);
	reeve__table_end(r, &r->header->sessions, i);
}

/* A mapping that is not permanent goes with its user's last session. */
static void forget_user(struct reeve *r, uint64_t user)
{
	bool gone;

	reeve__catalog_lock(r);
	if (reeve__user_is_temporary_locked(r, user)) {
		reeve__sessions_lock(r);
		gone = is_last_of_user(r, user);
		reeve__sessions_unlock(r);
		if (gone)
			reeve__user_forget_locked(r, user);
	}
	reeve__catalog_unlock(r);
}

static void finish_ending(struct reeve *r, struct ending *e)
{
	if (e->left)
		reeve__session_pool_wake(&e->pool);
	if (e->dropped)
		reeve__cpu_wake(&e->x);
	if (e->io_dropped)
		reeve__io_wake(&e->io);
	if (e->parallel_dropped)
		reeve__parallel_wake(&e->parallel);
	reeve__admission_wake(&e->admission);
	if (e->user)
		forget_user(r, e->user);
}

void reeve__session_destroy(struct reeve_session *s, uint32_t reason)
{
	struct ending e = {.admission = {.r = s->r}};

	if (s->in_query)
		reeve__query_end(s, 0, NULL);
	reeve__query_settle(s);
	if (s->io_open)
		reeve__io_abandon(s);
	reeve__sessions_lock(s->r);
	terminate_locked(s->r, s->session, reason, &e);
	release_locked(s->r, s->session, &e);
	reeve__sessions_unlock(s->r);
	finish_ending(s->r, &e);
	forget_local(s);
}

/* Why a killed session is ended. */
static uint32_t doom_of(const struct reeve_sh_session *sh)
{
	uint32_t doom = reeve__get(&sh->doom);

	return doom ? doom : REEVE_END_MANUAL_KILL;
}

/*
 * Whether a session is killed, or found idle for too long, and at rest: nobody would come by to end it
 * but who has died on the way.
 */
static bool is_condemned(struct reeve *r, uint32_t i)
{
	const struct reeve_sh_session *sh = &r->sessions[i];
	uint32_t idle = REEVE_PHASE_IDLE, by_hand = REEVE_PHASE_HAND, task = sh->task;
	struct reeve_sh_task *t;

	if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE || task >= r->header->tasks.capacity)
		return false;
	t = &r->tasks[task];
	return atomic_load(&t->phase) == REEVE_PHASE_DEAD ||
	       (reeve__get(&sh->state) == REEVE_SESSION_KILLED &&
		       (atomic_compare_exchange_strong(&t->phase, &idle, REEVE_PHASE_DEAD) ||
			       atomic_compare_exchange_strong(
				       &t->phase, &by_hand, REEVE_PHASE_DEAD)));
}

/* Whoever was ending them has died before that was more than begun. */
static void finish_kills_locked(struct reeve *r)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++) {
		struct ending e = {.admission = {.r = r}}; /* its wakes are lost, as above */
		if (is_condemned(r, i))
			terminate_locked(r, i, doom_of(&r->sessions[i]), &e);
	}
}

void reeve__session_finish_kill(struct reeve_session *s)
{
	struct ending e = {.admission = {.r = s->r}};

	reeve__sessions_lock(s->r);
	terminate_locked(s->r, s->session, doom_of(s->sh), &e);
	reeve__sessions_unlock(s->r);
	finish_ending(s->r, &e);
}

uint32_t reeve__session_reap(struct reeve *r, uint32_t attachment, uint32_t from, uint32_t reason)
{
	struct ending e = {.admission = {.r = r}};
	uint32_t i = from;

	reeve__sessions_lock(r);
	while (i < reeve__table_used(&r->header->sessions) &&
		(r->sessions[i].attachment != attachment || !has_owner(&r->sessions[i])))
		i++;
	if (i < reeve__table_used(&r->header->sessions)) {
		terminate_locked(r, i, reason, &e);
		release_locked(r, i, &e);
	} else {
		i = REEVE_NONE;
	}
	reeve__sessions_unlock(r);
	finish_ending(r, &e);
	return i;
}

static bool is_orphan(const struct reeve_sh_task *t, uint32_t attachment)
{
	return reeve__get(&t->head.state) == REEVE_SLOT_LIVE && t->kind == REEVE_TASK_SESSION &&
	       t->attachment == attachment;
}

uint32_t reeve__task_reap(struct reeve *r, uint32_t attachment, uint32_t from)
{
	struct ending e = {.admission = {.r = r}};
	uint32_t i = from;

	reeve__sessions_lock(r);
	while (i < reeve__table_used(&r->header->tasks) && !is_orphan(&r->tasks[i], attachment))
		i++;
	if (i < reeve__table_used(&r->header->tasks)) {
		drop_locked(r, i, &e);
		reeve__table_free(r, &r->header->tasks, i, NULL);
	} else {
		i = REEVE_NONE;
	}
	reeve__sessions_unlock(r);
	finish_ending(r, &e);
	return i;
}

uint32_t reeve__session_forget(struct reeve *r)
{
	struct reeve_sh_table *t = &r->header->sessions;
	reeve_ns before = reeve__wall(r) - RETENTION_NS;
	uint32_t n = 0;

	reeve__sessions_lock(r);
	while (t->ended_first < t->capacity && n < 1000 &&
		r->sessions[t->ended_first].terminated_wall < before) {
		reeve__table_free(r, t, t->ended_first, NULL);
		n++;
	}
	reeve__sessions_unlock(r);
	return n;
}

/* ---- looking ---- */

int reeve__session_find_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->sessions, id.v);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "session %llu", (unsigned long long)id.v);
}

int reeve__session_find_live_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret, struct reeve_error *err)
{
	int rc = reeve__session_find_locked(r, id, ret, err);

	if (!rc && reeve__get(&r->sessions[*ret].head.state) != REEVE_SLOT_LIVE)
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "session %llu has ended",
			(unsigned long long)id.v);
	if (!rc && (r->sessions[*ret].task >= r->header->tasks.capacity ||
			   reeve__get(&r->sessions[*ret].group) >= r->group_capacity)) {
		reeve__segment_degrade(r, "session %llu names task slot %u, group slot %u",
			(unsigned long long)id.v, r->sessions[*ret].task,
			reeve__get(&r->sessions[*ret].group));
		rc = reeve__fail(
			err, REEVE_EINTERNAL, "session %llu is damaged", (unsigned long long)id.v);
	}
	return rc;
}

int reeve__session_task_locked(
	struct reeve *r, reeve_session_id id, uint32_t *ret_task, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = reeve__session_find_live_locked(r, id, &i, err);

	if (!rc)
		*ret_task = r->sessions[i].task;
	return rc;
}

/* Whether a statement is under way. */
bool reeve__session_is_busy(const struct reeve_sh_task *t)
{
	uint32_t phase = reeve__get(&t->phase);

	return phase != REEVE_PHASE_IDLE && phase != REEVE_PHASE_DEAD;
}

/* The instant at which the counter stood at `cycles`, on the clock that says `now`; 0 before it began. */
static reeve_ns instant_of(const struct reeve *r, reeve_ns now, uint64_t cycles)
{
	uint64_t ago = reeve__cycles_ns(r, reeve__cycles(r) - cycles);

	return ago < (uint64_t)now ? now - (reeve_ns)ago : 0;
}

static void fill_idle(
	struct reeve *r, const struct reeve_sh_session *sh, struct reeve_session_info *info)
{
	uint64_t since = reeve__idle_cycles(r, sh), now = reeve__cycles(r);

	if (info->state != REEVE_SESSION_INACTIVE || !reeve__before(since, now))
		return;
	info->idle_ns = (reeve_ns)reeve__cycles_ns(r, now - since);
	if ((uint64_t)info->idle_ns > reeve__get(&r->control->idle_mark_ns))
		info->state = REEVE_SESSION_IDLE;
}

/* What its task is doing, when it has one. */
static void fill_from_task(struct reeve *r, const struct reeve_sh_session *sh, uint32_t task,
	struct reeve_session_info *info)
{
	const struct reeve_sh_task *t = &r->tasks[task];
	uint64_t start = reeve__get(&t->start_cycles);
	uint64_t since = reeve__get(&t->wait_since);
	uint64_t active = start ? start : reeve__get(&t->end_cycles);

	if (active)
		info->last_active_wall = instant_of(r, reeve__wall(r), active);
	info->cpu_ns = reeve__get(&t->cpu_ns);
	info->wait_ns = (reeve_ns)reeve__get(&t->wait_ns);
	info->total_queries = reeve__task_queries_begun(t);
	if (!reeve__session_is_busy(t)) {
		fill_idle(r, sh, info);
		return;
	}
	if (info->state == REEVE_SESSION_INACTIVE)
		info->state = REEVE_SESSION_ACTIVE;
	if (start)
		info->query_start = instant_of(r, reeve__mono(r), start);
	info->wait_reason = reeve__get(&t->wait_reason);
	info->blocked_by = reeve__task_blocked_by(r, task);
	info->waiting_since = (reeve_ns)since;
	if (info->state != REEVE_SESSION_ACTIVE)
		return; /* killed: its statement is being unwound */
	if (reeve__session_pool_waits(sh)) {
		info->state = REEVE_SESSION_WAITING;
		if (reeve__get(&t->phase) == REEVE_PHASE_HAND)
			info->query_start = 0;
		info->queued_since = (reeve_ns)reeve__get(&sh->queued_ns);
	} else if (info->blocked_by.v ||
		   /* Reasons above these are waits of ours for which the CPU slot was given up. */
		   (reeve__get(&t->phase) == REEVE_PHASE_BLOCKED &&
			   info->wait_reason <= REEVE_WAIT_RUNAWAY))
		info->state = REEVE_SESSION_BLOCKED;
	else if (info->wait_reason != REEVE_WAIT_NONE && since)
		info->state = REEVE_SESSION_WAITING;
	else
		info->wait_reason = REEVE_WAIT_NONE;
}

void reeve__session_fill(struct reeve *r, uint32_t i, struct reeve_session_info *info)
{
	const struct reeve_sh_session *sh = &r->sessions[i];
	char *const to[] = {
		info->program, info->machine, info->service, info->module, info->action};
	struct reeve__session_texts texts;
	uint32_t g = reeve__get(&sh->group);

	memset(info, 0, sizeof(*info));
	info->id.v = sh->head.id;
	info->user_id = sh->user_id;
	reeve__session_texts_get(r, i, &texts);
	memcpy(info->username, texts.username, sizeof(info->username));
	for (uint32_t k = 0; k < REEVE_COUNT(to); k++)
		memcpy(to[k], texts.attributes[k], REEVE_ATTRIBUTE_MAX);
	info->group.v = g < r->header->groups.capacity ? r->groups[g].head.id : 0;
	info->previous_group.v = sh->previous_group;
	info->state = reeve__get(&sh->state);
	info->priority = reeve__get(&sh->rank);
	info->base_priority = sh->priority;
	info->priority_boosts = reeve__get(&sh->boosts);
	info->is_system = sh->is_system != 0;
	info->idle_timeout_ns = reeve__idle_limit_ns(r, sh);
	info->max_execution_ns = reeve__execution_limit_ns(r, sh);
	info->return_group.v = reeve__get(&sh->return_group);
	info->assigned_by = sh->assigned_by;
	info->rule_id = sh->rule_id;
	info->switch_reason = sh->switch_reason;
	info->termination = sh->termination;
	info->pid = sh->pid;
	info->connected_wall = sh->connected_wall;
	info->last_active_wall = reeve__get(&sh->last_active_wall);
	info->switched_wall = sh->switched_wall;
	info->terminated_wall = sh->terminated_wall;
	info->total_queries = sh->queries_at_end;
	info->cpu_ns = sh->cpu_ns_at_end;
	info->wait_ns = (reeve_ns)sh->wait_ns_at_end;
	if (reeve__get(&sh->head.state) == REEVE_SLOT_LIVE && sh->task < r->header->tasks.capacity)
		fill_from_task(r, sh, sh->task, info);
}

int reeve__session_get(struct reeve *r, reeve_session_id id, struct reeve_session_info *ret,
	struct reeve_error *err)
{
	struct reeve__session_pool_pass x;
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_locked(r, id, &i, err);
	if (!rc)
		reeve__session_fill(r, i, ret);
	if (!rc && reeve__session_pool_waits(&r->sessions[i])) {
		reeve__session_pool_begin(&x, r);
		ret->queue_position = reeve__session_queue_position_locked(&x, i);
		reeve__session_pool_unlock(&x);
	}
	reeve__sessions_unlock(r);
	return rc;
}

uint32_t reeve__session_copy(struct reeve *r, reeve_session_id after, uint32_t flags,
	struct reeve_session_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		reeve__sessions_lock(r);
		n = reeve__table_list(r, &r->header->sessions, after.v,
			flags & REEVE_SESSIONS_TERMINATED, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			reeve__session_fill(r, slots[k], &ret[done]);
			after = ret[done].id;
		}
		reeve__sessions_unlock(r);
	} while (n == REEVE_COUNT(slots) && done < capacity);
	return done;
}

void reeve__session_stats_locked(
	struct reeve__session_pool_pass *x, struct reeve_session_stats *ret)
{
	const struct reeve *r = x->r;
	const struct reeve_sh_session_counts *c = &r->header->session_counts;
	uint32_t active = 0;

	reeve__lock_assert(&r->header->session_lock);
	for (uint32_t i = 0; i < reeve__table_used(&r->header->sessions); i++)
		active += reeve__get(&r->sessions[i].head.state) == REEVE_SLOT_LIVE &&
			  r->sessions[i].task < r->header->tasks.capacity &&
			  reeve__session_is_busy(&r->tasks[r->sessions[i].task]);
	*ret = (struct reeve_session_stats){
		.created = reeve__get(&c->created),
		.terminated = reeve__get(&c->terminated),
		.manual_kills = reeve__get(&c->manual_kills),
		.process_deaths = reeve__get(&c->process_deaths),
		.execution_timeouts = reeve__get(&c->execution_timeouts),
		.cancelled = reeve__get(&c->cancelled),
		.current = reeve__get(&c->current),
		.current_active = active,
		.peak = reeve__get(&c->peak),
	};
	reeve__session_queue_stats_locked(x, ret);
}

void reeve__session_stats(struct reeve *r, struct reeve_session_stats *ret)
{
	struct reeve__session_pool_pass x;

	reeve__sessions_lock(r);
	reeve__session_pool_begin(&x, r);
	reeve__session_stats_locked(&x, ret);
	reeve__session_pool_unlock(&x);
	reeve__sessions_unlock(r);
	reeve__session_pool_wake(&x);
}

/* ---- ended by others ---- */

int reeve__session_end(
	struct reeve *r, reeve_session_id id, uint32_t reason, struct reeve_error *err)
{
	uint32_t idle = REEVE_PHASE_IDLE, by_hand = REEVE_PHASE_HAND, none = REEVE_END_NONE;
	uint32_t i = REEVE_NONE, task = REEVE_NONE;
	struct ending e = {.admission = {.r = r}};
	bool wake = false;
	int rc;

	reeve__sessions_lock(r);
	rc = reeve__session_find_live_locked(r, id, &i, err);
	if (!rc) {
		struct reeve_sh_session *sh = &r->sessions[i];
		task = sh->task;
		atomic_compare_exchange_strong(&sh->doom, &none, reason); /* the first stands */
		/* Attention first, phase second: the owner does it the other way round. */
		wake = reeve__task_attend(r, task, REEVE_ATTEND_KILL);
		if (reeve__get(&sh->state) != REEVE_SESSION_KILLED)
			reeve__session_event(r, i,
				(struct reeve_event){.kind = REEVE_EVENT_SESSION_STATE_CHANGED,
					.reason = REEVE_SESSION_KILLED},
				"killed");
		set_state(r, i, REEVE_SESSION_KILLED);
		if (atomic_compare_exchange_strong(
			    &r->tasks[task].phase, &idle, REEVE_PHASE_DEAD) ||
			atomic_compare_exchange_strong(
				&r->tasks[task].phase, &by_hand, REEVE_PHASE_DEAD))
			terminate_locked(r, i, doom_of(sh), &e);
	}
	reeve__sessions_unlock(r);
	if (wake)
		reeve__task_wake(r, task);
	finish_ending(r, &e);
	return rc;
}

bool reeve__session_end_idle(struct reeve *r, uint32_t session, reeve_session_id id,
	uint64_t end_cycles, uint32_t reason)
{
	struct reeve_sh_session *sh = &r->sessions[session];
	struct ending e = {.admission = {.r = r}};
	uint32_t idle = REEVE_PHASE_IDLE;
	bool ends;

	reeve__sessions_lock(r);
	ends = reeve__get(&sh->head.state) == REEVE_SLOT_LIVE && sh->head.id == id.v &&
	       sh->task < r->header->tasks.capacity && reeve__idle_cycles(r, sh) == end_cycles &&
	       atomic_compare_exchange_strong(&r->tasks[sh->task].phase, &idle, REEVE_PHASE_DEAD);
	if (ends) {
		reeve__put(&sh->doom, reason);
		terminate_locked(r, session, reason, &e);
	}
	reeve__sessions_unlock(r);
	finish_ending(r, &e);
	return ends;
}

/* ---- validate ---- */

/* Slot, state and phase of a session say together whether it has ended. */
static bool is_half_ended(const struct reeve *r, const struct reeve_sh_session *sh)
{
	bool terminated = reeve__get(&sh->state) == REEVE_SESSION_TERMINATED;
	uint32_t slot = reeve__get(&sh->head.state), task = sh->task;

	if (slot == REEVE_SLOT_LIVE)
		return terminated || (task < r->header->tasks.capacity &&
					     reeve__get(&r->tasks[task].phase) == REEVE_PHASE_DEAD);
	return (slot == REEVE_SLOT_KEPT || slot == REEVE_SLOT_ENDED) && !terminated;
}

int reeve__session_validate(struct reeve *r, void (*found)(void *arg, const char *fault), void *arg)
{
	struct reeve_sh_header *h = r->header;
	const char *faults[8];
	uint32_t counts_differ = 0, live = 0;
	int n = 0;

	reeve__sessions_lock(r);
	if ((faults[n] = reeve__table_check(r, &h->sessions)))
		n++;
	if ((faults[n] = reeve__table_check(r, &h->tasks)))
		n++;
	for (uint32_t g = 0; g < reeve__table_used(&h->groups); g++) {
		uint32_t count = 0;
		for (uint32_t i = 0; i < reeve__table_used(&h->sessions); i++)
			count += reeve__get(&r->sessions[i].head.state) == REEVE_SLOT_LIVE &&
				 reeve__get(&r->sessions[i].group) == g;
		live += count;
		counts_differ += count != reeve__get(&r->groups[g].sessions);
	}
	if (counts_differ)
		faults[n++] = "a group's count of sessions is wrong";
	if (live != reeve__get(&h->session_counts.current))
		faults[n++] = "the count of live sessions is wrong";
	for (uint32_t i = 0; i < reeve__table_used(&h->sessions); i++) {
		const struct reeve_sh_session *sh = &r->sessions[i];
		uint32_t g = reeve__get(&sh->group);
		if (is_half_ended(r, sh)) {
			faults[n++] = "a session has ended by half";
			break;
		}
		if (reeve__get(&sh->head.state) != REEVE_SLOT_LIVE)
			continue;
		if (g >= reeve__table_used(&h->groups) ||
			reeve__get(&r->groups[g].head.state) != REEVE_SLOT_LIVE) {
			faults[n++] = "a session names a group that does not exist";
			break;
		}
		if (reeve__get(&sh->texts) > 2) {
			faults[n++] = "a session's names lie where there is no place";
			break;
		}
		if (sh->task >= h->tasks.capacity || r->tasks[sh->task].session != i ||
			reeve__get(&r->tasks[sh->task].group) != reeve__get(&sh->group)) {
			faults[n++] = "a session and its task do not name each other";
			break;
		}
		if (r->tasks[sh->task].priority !=
			reeve__session_task_priority(reeve__get(&sh->rank))) {
			faults[n++] = "a session and its task differ in priority";
			break;
		}
	}
	reeve__sessions_unlock(r);
	for (int k = 0; found && k < n; k++)
		found(arg, faults[k]);
	return n;
}
