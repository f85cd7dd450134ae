/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - which plan is in force, and why: see reeve/schedule.h for the order.
 *
 * Why a plan is in force lies in its ruling, so plan and reason change by one store. What follows
 * from it (a window's limits on sessions, the history) is written after that store; recovery and the
 * next decision put right what a death left out.
 */
#include "judge.h"
#include "schedule.h"

static int64_t seconds_of(reeve_ns wall)
{
	return wall / REEVE_SEC - (wall % REEVE_SEC < 0);
}

static reeve_ns wall_of(int64_t seconds)
{
	return seconds >= REEVE_NEVER / REEVE_SEC ? REEVE_NEVER : seconds * REEVE_SEC;
}

/* ---- putting in force ---- */

static struct reeve_sh_plan_switch *history(const struct reeve *r)
{
	return (struct reeve_sh_plan_switch *)(void *)(r->base + r->header->planning.switches);
}

/* The change that the ruling in force is, unless it is in the history already. */
static void note_switch(struct reeve *r)
{
	struct reeve_sh_planning *p = &r->header->planning;
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t n = reeve__get(&p->switch_count), to = reeve__get(&now.head->plan_id);
	const struct reeve_sh_plan_switch *last = &history(r)[(n - 1) % REEVE_SH_SWITCHES];
	struct reeve_sh_plan_switch *row = &history(r)[n % REEVE_SH_SWITCHES];

	if (n && last->to == to)
		return;
	memset(row, 0, sizeof(*row));
	row->at_wall = reeve__get(&now.head->active_wall);
	row->from = n ? last->to : 0;
	row->to = to;
	row->activation = reeve__get(&now.head->activation);
	row->cause = reeve__get(&now.head->cause);
	row->period = reeve__get(&now.head->period);
	if (r->attachment < r->header->attachments.capacity) {
		row->pid = r->attachments[r->attachment].pid;
		reeve__text_copy(row->by, REEVE_ATTRIBUTE_MAX, r->attachments[r->attachment].name);
	}
	/* pairs with nothing: the history is read under the lock; the count makes the row whole */
	atomic_store_explicit(&p->switch_count, n + 1, memory_order_release);
}

void reeve__plan_limits_locked(struct reeve *r)
{
	struct reeve_sh_planning *p = &r->header->planning;
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint32_t allowed = 1, most = UINT32_MAX;

	reeve__lock_assert(&r->header->catalog);
	if (reeve__get(&now.head->cause) == REEVE_CAUSE_WINDOW) {
		uint32_t i =
			reeve__table_find(r, &r->header->windows, reeve__get(&now.head->period));
		if (i != REEVE_NONE) {
			allowed = r->windows[i].allows_users != 0;
			most = r->windows[i].max_users;
		}
	}
	reeve__put(&p->user_sessions_allowed, allowed);
	reeve__put(&p->max_user_sessions, most);
}

void reeve__plan_recover_locked(struct reeve *r)
{
	reeve__period_forget_locked(r);
	r->header->planning.manual_sequence = 0;
	if (reeve__get(&reeve__ruling_now(r).head->cause) != REEVE_CAUSE_MANUAL)
		r->header->planning.manual_locked = 0;
	note_switch(r);
	reeve__plan_limits_locked(r);
}

/* The window that a ruling is by; 0: none. */
static uint64_t window_of(const struct reeve *r)
{
	const struct reeve_sh_ruling *now = reeve__ruling_now(r).head;

	return reeve__get(&now->cause) == REEVE_CAUSE_WINDOW ? reeve__get(&now->period) : 0;
}

static void window_event(struct reeve *r, uint32_t kind, uint64_t id)
{
	uint32_t i = id ? reeve__table_find(r, &r->header->windows, id) : REEVE_NONE;

	if (id)
		reeve__model_event(r, kind, (reeve_group_id){0}, (reeve_plan_id){0}, id,
			i != REEVE_NONE ? r->windows[i].name : "deleted");
}

static void put_in_force(struct reeve *r, uint32_t slot, const struct reeve__cause *cause)
{
	uint64_t before = window_of(r), after;

	reeve__ruling_compile_locked(r, slot, cause);
	after = window_of(r);
	if (before != after) {
		window_event(r, REEVE_EVENT_WINDOW_CLOSED, before);
		window_event(r, REEVE_EVENT_WINDOW_OPENED, after);
	}
	if (cause->new_activation)
		reeve__model_event(r, REEVE_EVENT_PLAN_SWITCHED, (reeve_group_id){0},
			(reeve_plan_id){r->plans[slot].head.id}, 0, r->plans[slot].name);
	note_switch(r);
	reeve__plan_limits_locked(r);
	reeve__add(&r->header->revision, cause->new_activation);
}

/* ---- by hand ---- */

int reeve__plan_activate(
	struct reeve *r, reeve_plan_id id, reeve_ns now_wall, struct reeve_error *err)
{
	bool is_first = reeve__get(&r->header->ruling) == 0;
	const struct reeve__cause cause = {
		is_first ? REEVE_CAUSE_STARTUP : REEVE_CAUSE_MANUAL, 0, now_wall, true};
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, id, &i, err);
	if (!rc)
		rc = reeve__plan_check_activation_locked(r, i, err);
	if (!rc)
		put_in_force(r, i, &cause);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__plan_lock(struct reeve *r, bool locked, reeve_ns now_wall, struct reeve_error *err)
{
	const struct reeve__cause cause = {REEVE_CAUSE_MANUAL, 0, now_wall, false};
	struct reeve__ruling_view now;
	uint32_t i;

	reeve__catalog_lock(r);
	now = reeve__ruling_now(r);
	i = reeve__table_find(r, &r->header->plans, reeve__get(&now.head->plan_id));
	if (i != REEVE_NONE && (locked || r->header->planning.manual_locked)) {
		put_in_force(r, i, &cause);
		r->header->planning.manual_locked = locked;
		reeve__add(&r->header->revision, 1);
	}
	reeve__catalog_unlock(r);
	return i != REEVE_NONE
		       ? 0
		       : reeve__fail(err, REEVE_EINTERNAL, "the plan in force does not exist");
}

uint64_t reeve__plan_chosen(struct reeve *r, reeve_ns *ret_since, bool *ret_locked)
{
	const struct reeve_sh_ruling *now;
	uint64_t plan = 0;

	reeve__catalog_lock(r);
	now = reeve__ruling_now(r).head;
	if (reeve__get(&now->cause) == REEVE_CAUSE_MANUAL) {
		plan = reeve__get(&now->plan_id);
		*ret_since = reeve__get(&now->active_wall);
		*ret_locked = r->header->planning.manual_locked != 0;
	}
	reeve__catalog_unlock(r);
	return plan;
}

int reeve__plan_release(struct reeve *r, reeve_ns now_wall, struct reeve_error *err)
{
	const struct reeve__cause cause = {REEVE_CAUSE_DEFAULT, 0, now_wall, true};
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, (reeve_plan_id){REEVE_DEFAULT_PLAN}, &i, err);
	if (!rc)
		rc = reeve__plan_check_activation_locked(r, i, err);
	if (!rc) {
		r->header->planning.manual_locked = 0;
		put_in_force(r, i, &cause);
	}
	reeve__catalog_unlock(r);
	return rc;
}

/* First start or end of an enabled period after an instant. */
static int64_t boundary_after(struct reeve *r, int64_t utc_s)
{
	int64_t first = INT64_MAX;

	for (int k = REEVE__SCHEDULE; k <= REEVE__WINDOW; k++) {
		enum reeve__period_kind kind = (enum reeve__period_kind)k;
		for (uint32_t i = 0; i < reeve__table_used(reeve__period_table(r, kind)); i++) {
			const struct reeve_sh_period *p = reeve__period_row(r, kind, i);
			if (reeve__get(&p->head.state) != REEVE_SLOT_LIVE || !p->is_enabled)
				continue;
			int64_t at = reeve__period_boundary_locked(p, utc_s);
			if (at < first)
				first = at;
		}
	}
	return first;
}

/* Whether what is in force was chosen by hand, and still holds at a second. */
static bool manual_holds(struct reeve *r, int64_t utc_s)
{
	struct reeve_sh_planning *p = &r->header->planning;
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t revision = reeve__get(&r->header->revision);

	if (reeve__get(&now.head->cause) != REEVE_CAUSE_MANUAL || p->manual_locked)
		return reeve__get(&now.head->cause) == REEVE_CAUSE_MANUAL;
	if (p->manual_sequence != now.sequence || p->manual_revision != revision) {
		p->manual_until_s =
			boundary_after(r, seconds_of(reeve__get(&now.head->active_wall)));
		p->manual_sequence = now.sequence;
		p->manual_revision = revision;
	}
	return utc_s < p->manual_until_s;
}

/* ---- deciding ---- */

/* What the decision is about to be: a plan's slot and why. */
struct choice {
	struct reeve_plan_decision *ret;
	uint32_t plan;
	struct reeve__cause cause;
};

/* Takes a plan if it can be in force; else notes why not. What is in force already, can. */
static bool take(struct reeve *r, struct choice *c, uint64_t plan, uint32_t cause, uint64_t period)
{
	struct reeve_error why = {0};
	uint32_t i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, (reeve_plan_id){plan}, &i, &why);

	if (!rc && (!r->plans[i].is_enabled || !reeve__plan_is_active(r, &r->plans[i])))
		rc = reeve__plan_check_activation_locked(r, i, &why);
	if (rc) {
		struct reeve_plan_decision *d = c->ret;
		if (d->skipped < REEVE_SKIPS_MAX) {
			d->skips[d->skipped].plan.v = plan;
			reeve__text_copy(d->skips[d->skipped].text, REEVE_ERROR_TEXT_MAX, why.text);
		}
		d->skipped++;
		return false;
	}
	c->plan = i;
	c->cause.cause = cause;
	c->cause.period = period;
	return true;
}

/* The open, enabled period of a kind that comes next after (priority, id); REEVE_NONE. */
static uint32_t next_open(struct reeve *r, enum reeve__period_kind kind, int64_t utc_s,
	const struct reeve_sh_period *after)
{
	uint32_t best = REEVE_NONE;
	int64_t until_s;

	for (uint32_t i = 0; i < reeve__table_used(reeve__period_table(r, kind)); i++) {
		struct reeve_sh_period *p = reeve__period_row(r, kind, i);
		const struct reeve_sh_period *b =
			best == REEVE_NONE ? NULL : reeve__period_row(r, kind, best);
		if (reeve__get(&p->head.state) != REEVE_SLOT_LIVE || !p->is_enabled ||
			!reeve__period_open_locked(p, utc_s, &until_s))
			continue;
		if (after &&
			(p->priority < after->priority ||
				(p->priority == after->priority && p->head.id <= after->head.id)))
			continue;
		if (!b || p->priority < b->priority ||
			(p->priority == b->priority && p->head.id < b->head.id))
			best = i;
	}
	return best;
}

static bool take_open(
	struct reeve *r, struct choice *c, enum reeve__period_kind kind, int64_t utc_s)
{
	const struct reeve_sh_period *p = NULL;
	uint32_t cause = kind == REEVE__WINDOW ? REEVE_CAUSE_WINDOW : REEVE_CAUSE_SCHEDULE;

	for (uint32_t i; (i = next_open(r, kind, utc_s, p)) != REEVE_NONE;) {
		p = reeve__period_row(r, kind, i);
		if (take(r, c, p->plan_id, cause, p->head.id))
			return true;
	}
	return false;
}

static void decide(struct reeve *r, reeve_ns at_wall, struct choice *c)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t in_force = reeve__get(&now.head->plan_id);
	struct reeve_plan_decision *d = c->ret;
	int64_t utc_s = seconds_of(at_wall);
	bool by_hand = manual_holds(r, utc_s) && take(r, c, in_force, REEVE_CAUSE_MANUAL, 0);

	d->at_wall = at_wall;
	if (!by_hand && !take_open(r, c, REEVE__WINDOW, utc_s) &&
		!take_open(r, c, REEVE__SCHEDULE, utc_s) &&
		!take(r, c, REEVE_DEFAULT_PLAN, REEVE_CAUSE_DEFAULT, 0)) {
		/* nothing else will do: what is in force goes on */
		c->plan = reeve__table_find(r, &r->header->plans, in_force);
		c->cause.cause = reeve__get(&now.head->cause);
		c->cause.period = reeve__get(&now.head->period);
	}
	if (c->plan == REEVE_NONE)
		return;
	d->plan.v = r->plans[c->plan].head.id;
	reeve__text_copy(d->name, sizeof(d->name), r->plans[c->plan].name);
	d->cause = (enum reeve_plan_cause)c->cause.cause;
	if (d->cause == REEVE_CAUSE_WINDOW)
		d->window.v = c->cause.period;
	if (d->cause == REEVE_CAUSE_SCHEDULE)
		d->schedule.v = c->cause.period;
	d->valid_until_wall = wall_of(boundary_after(r, utc_s));
	if (d->cause == REEVE_CAUSE_MANUAL && r->header->planning.manual_locked)
		d->valid_until_wall = REEVE_NEVER;
}

int reeve__plan_decide(
	struct reeve *r, reeve_ns at_wall, struct reeve_plan_decision *ret, struct reeve_error *err)
{
	struct reeve_plan_decision d = {0};
	struct choice c = {.ret = &d, .plan = REEVE_NONE};

	reeve__catalog_lock(r);
	decide(r, at_wall, &c);
	reeve__catalog_unlock(r);
	if (c.plan == REEVE_NONE)
		return reeve__fail(err, REEVE_EINTERNAL, "the plan in force does not exist");
	*ret = d;
	return 0;
}

/*
 * The plan in force stays the one of startup, or of what was chosen by hand, while nothing says
 * otherwise: the cause does not change by itself.
 */
static bool is_in_force(const struct reeve *r, const struct choice *c)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint32_t cause = reeve__get(&now.head->cause);

	if (reeve__get(&now.head->plan_id) != r->plans[c->plan].head.id)
		return false;
	if (cause == REEVE_CAUSE_STARTUP && c->cause.cause == REEVE_CAUSE_DEFAULT)
		return true;
	return cause == c->cause.cause && reeve__get(&now.head->period) == c->cause.period;
}

static bool check_locked(
	struct reeve *r, reeve_ns now_wall, struct choice *c, struct reeve_plan_change *ret)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint64_t from = reeve__get(&now.head->plan_id);

	decide(r, now_wall, c);
	if (c->plan == REEVE_NONE || is_in_force(r, c))
		return false;
	c->cause.at_wall = now_wall;
	c->cause.new_activation = from != r->plans[c->plan].head.id;
	put_in_force(r, c->plan, &c->cause);
	if (!c->cause.new_activation)
		return false;
	*ret = (struct reeve_plan_change){
		true, {from}, {r->plans[c->plan].head.id}, (enum reeve_plan_cause)c->cause.cause};
	return true;
}

int reeve__plan_check(struct reeve *r, reeve_ns now_wall, struct reeve_plan_change *ret_change,
	struct reeve_plan_decision *ret_decision, struct reeve_error *err)
{
	struct reeve_plan_change change = {false, {0}, {0}, REEVE_CAUSE_STARTUP};
	struct reeve_plan_decision d = {0};
	struct choice c = {.ret = &d, .plan = REEVE_NONE};

	reeve__catalog_lock(r);
	check_locked(r, now_wall, &c, &change);
	reeve__catalog_unlock(r);
	if (c.plan == REEVE_NONE)
		return reeve__fail(err, REEVE_EINTERNAL, "the plan in force does not exist");
	*ret_change = change;
	if (ret_decision)
		*ret_decision = d;
	return 0;
}

bool reeve__plan_check_if_due(struct reeve *r, uint64_t mono_ns, reeve_ns now_wall)
{
	uint64_t last = reeve__get(&r->header->planning.checked_ns);
	struct reeve_plan_change change = {0};

	if (mono_ns - last < (uint64_t)REEVE_SEC && mono_ns >= last)
		return false;
	if (!atomic_compare_exchange_strong(&r->header->planning.checked_ns, &last, mono_ns))
		return false;
	return reeve__plan_check(r, now_wall, &change, NULL, NULL) == 0 && change.switched;
}

uint32_t reeve__window_current_locked(struct reeve *r, reeve_ns at_wall)
{
	return next_open(r, REEVE__WINDOW, seconds_of(at_wall), NULL);
}

uint32_t reeve__plan_history(
	struct reeve *r, struct reeve_plan_switch_record *ret, uint32_t capacity)
{
	uint32_t done = 0;

	reeve__catalog_lock(r);
	uint64_t n = reeve__get(&r->header->planning.switch_count);
	for (; done < capacity && done < n && done < REEVE_SH_SWITCHES; done++) {
		const struct reeve_sh_plan_switch *row =
			&history(r)[(n - 1 - done) % REEVE_SH_SWITCHES];
		ret[done] = (struct reeve_plan_switch_record){.at_wall = row->at_wall,
			.from = {row->from},
			.to = {row->to},
			.cause = (enum reeve_plan_cause)row->cause,
			.period = row->period,
			.pid = row->pid};
		reeve__text_copy(ret[done].by, sizeof(ret[done].by), "");
		memcpy(ret[done].by, row->by, sizeof(ret[done].by) - 1);
	}
	reeve__catalog_unlock(r);
	return done;
}
