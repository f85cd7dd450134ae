/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h: the rows. */
#include "schedule.h"

#include "../policy/schedule.h"

#define ALL_FIELDS ((REEVE__PERIOD_ENABLED << 1) - 1)

struct reeve_sh_table *reeve__period_table(const struct reeve *r, enum reeve__period_kind kind)
{
	return kind == REEVE__SCHEDULE ? &r->header->schedules : &r->header->windows;
}

struct reeve_sh_period *reeve__period_row(
	const struct reeve *r, enum reeve__period_kind kind, uint32_t slot)
{
	return kind == REEVE__SCHEDULE ? &r->schedules[slot] : &r->windows[slot];
}

static const char *noun(enum reeve__period_kind kind)
{
	return kind == REEVE__SCHEDULE ? "plan schedule" : "maintenance window";
}

/* ---- when ---- */

static void period_at(
	const struct reeve_sh_period *p, int64_t utc_s, struct reeve__period_state *ret)
{
	const struct reeve__period period = {
		.days = p->days,
		.start_s = p->start_s,
		.end_s = p->end_s,
		.duration_s = p->duration_s,
		.zone = &p->zones[p->zone & 1],
	};

	reeve__period_at(&period, utc_s, ret);
}

bool reeve__period_open_locked(struct reeve_sh_period *p, int64_t utc_s, int64_t *ret_until_s)
{
	struct reeve__period_state now;

	if (utc_s < p->known_s || utc_s >= p->until_s) {
		period_at(p, utc_s, &now);
		p->open = now.is_open;
		p->known_s = now.since_s;
		p->until_s = now.until_s;
	}
	*ret_until_s = p->until_s;
	return p->open != 0;
}

int64_t reeve__period_boundary_locked(const struct reeve_sh_period *p, int64_t utc_s)
{
	struct reeve__period_state now;

	period_at(p, utc_s, &now);
	return now.until_s;
}

static void forget(struct reeve_sh_period *p)
{
	p->known_s = 1;
	p->until_s = 0;
}

void reeve__period_forget_locked(struct reeve *r)
{
	for (int kind = REEVE__SCHEDULE; kind <= REEVE__WINDOW; kind++) {
		const struct reeve_sh_table *t =
			reeve__period_table(r, (enum reeve__period_kind)kind);
		for (uint32_t i = 0; i < reeve__table_used(t); i++)
			forget(reeve__period_row(r, (enum reeve__period_kind)kind, i));
	}
}

/* ---- what ---- */

static int check_numbers(enum reeve__period_kind kind, const struct reeve__period_def *d,
	uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE__PERIOD_DAYS)
		rc = reeve__check_number(err,
			kind == REEVE__SCHEDULE ? "daysOfWeek (bits)" : "dayOfWeek (bits)", d->days,
			1, REEVE__ALL_DAYS);
	if (!rc && (fields & REEVE__PERIOD_START))
		rc = reeve__check_number(
			err, "startTime in seconds", d->start_s, 0, REEVE__DAY_S - 1);
	if (!rc && kind == REEVE__SCHEDULE && (fields & REEVE__PERIOD_END))
		rc = reeve__check_number(err, "endTime in seconds", d->end_s, 0, REEVE__DAY_S);
	if (!rc && kind == REEVE__WINDOW && (fields & REEVE__PERIOD_DURATION))
		rc = reeve__check_number(
			err, "duration in seconds", d->duration_s, 60, REEVE__SPAN_MAX_S);
	if (!rc && (fields & REEVE__PERIOD_PRIORITY))
		rc = reeve__check_number(err, "priority", d->priority, 0, INT32_MAX);
	if (!rc && (fields & REEVE__PERIOD_MAX_USERS) && d->max_users != UINT32_MAX)
		rc = reeve__check_number(err, "maxUserSessions", d->max_users, 0, INT32_MAX);
	return rc;
}

static int check_def(enum reeve__period_kind kind, const struct reeve__period_def *d,
	uint32_t fields, struct reeve_error *err)
{
	int rc = 0;

	if (fields & REEVE__PERIOD_NAME)
		rc = reeve__text_check(d->name, REEVE_NAME_MAX, false, "name", err);
	if (!rc && (fields & REEVE__PERIOD_DESCRIPTION))
		rc = reeve__text_check(
			d->description, REEVE_DESCRIPTION_MAX, true, "description", err);
	return rc ? rc : check_numbers(kind, d, fields, err);
}

/* The plan exists and can be activated by itself. */
static int check_plan(struct reeve *r, uint64_t plan, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, (reeve_plan_id){plan}, &i, err);

	if (!rc && r->plans[i].parent)
		rc = reeve__fail(err, REEVE_ECONFIGURATION,
			"planId: resource plan %llu is a sub-plan, and cannot be in force alone",
			(unsigned long long)plan);
	return rc;
}

static void write_def(struct reeve_sh_period *p, uint32_t fields, const struct reeve__period_def *d)
{
	if (fields & REEVE__PERIOD_NAME)
		reeve__text_copy(p->name, sizeof(p->name), d->name);
	if (fields & REEVE__PERIOD_DESCRIPTION)
		reeve__text_copy(p->description, sizeof(p->description), d->description);
	if (fields & REEVE__PERIOD_PLAN)
		p->plan_id = d->plan;
	if (fields & REEVE__PERIOD_DAYS)
		p->days = d->days;
	if (fields & REEVE__PERIOD_START)
		p->start_s = d->start_s;
	if (fields & REEVE__PERIOD_END)
		p->end_s = d->end_s;
	if (fields & REEVE__PERIOD_DURATION)
		p->duration_s = d->duration_s;
	if (fields & REEVE__PERIOD_PRIORITY)
		p->priority = d->priority;
	if (fields & REEVE__PERIOD_ALLOWS)
		p->allows_users = d->allows_users;
	if (fields & REEVE__PERIOD_MAX_USERS)
		p->max_users = d->max_users;
	if (fields & REEVE__PERIOD_ENABLED)
		p->is_enabled = d->is_enabled;
	if (fields & REEVE__PERIOD_ZONE) {
		p->zone = 1 - (p->zone & 1); /* filled before the change began */
		reeve__text_copy(p->zone_name, sizeof(p->zone_name), d->zone_name);
	}
	forget(p);
}

static void changed_event(
	struct reeve *r, enum reeve__period_kind kind, const struct reeve_sh_period *p)
{
	if (kind == REEVE__SCHEDULE)
		reeve__model_event(r, REEVE_EVENT_SCHEDULE_CHANGED, (reeve_group_id){0},
			(reeve_plan_id){p->plan_id}, p->head.id, p->name);
}

static int create_locked(struct reeve *r, enum reeve__period_kind kind,
	const struct reeve__period_def *def, reeve_ns now_wall, uint64_t *ret_id,
	struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_table *t = reeve__period_table(r, kind);
	uint64_t *next = kind == REEVE__SCHEDULE ? &h->planning.next_schedule_id
						 : &h->planning.next_window_id;
	struct reeve_sh_period *p;
	int rc = check_plan(r, def->plan, err);
	uint32_t i = REEVE_NONE;

	if (!rc)
		rc = reeve__id_check(r, t, *ret_id, err);
	if (rc)
		return rc;
	i = reeve__table_claim(r, t);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of %ss is full: %u of %u", noun(kind), reeve__get(&t->live),
			t->capacity);
	p = reeve__period_row(r, kind, i);
	memset((char *)p + sizeof(p->head), 0, sizeof(*p) - sizeof(p->head));
	p->zones[1] = *def->zone;
	write_def(p, ALL_FIELDS, def);
	p->created_wall = p->modified_wall = now_wall;
	p->revision = reeve__add(&h->revision, 1) + 1;
	reeve__table_publish(r, t, i, reeve__id_take(next, *ret_id), NULL);
	*ret_id = p->head.id;
	changed_event(r, kind, p);
	return 0;
}

int reeve__period_create(struct reeve *r, enum reeve__period_kind kind,
	const struct reeve__period_def *def, reeve_ns now_wall, uint64_t *ret_id,
	struct reeve_error *err)
{
	int rc = check_def(kind, def, ALL_FIELDS, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = create_locked(r, kind, def, now_wall, ret_id, err);
	reeve__catalog_unlock(r);
	return rc;
}

static int find(struct reeve *r, enum reeve__period_kind kind, uint64_t id, uint32_t *ret,
	struct reeve_error *err)
{
	*ret = reeve__table_find(r, reeve__period_table(r, kind), id);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "%s %llu", noun(kind), (unsigned long long)id);
}

static void change(struct reeve *r, enum reeve__period_kind kind, uint32_t slot, uint32_t fields,
	const struct reeve__period_def *def, reeve_ns now_wall)
{
	struct reeve_sh_period *p = reeve__period_row(r, kind, slot);

	if (fields & REEVE__PERIOD_ZONE)
		p->zones[1 - (p->zone & 1)] = *def->zone;
	reeve__journal_begin_locked(
		r, kind == REEVE__SCHEDULE ? REEVE_JOURNAL_SCHEDULE : REEVE_JOURNAL_WINDOW, slot);
	write_def(p, fields, def);
	p->modified_wall = now_wall;
	p->revision = reeve__get(&r->header->revision) + 1;
	reeve__journal_commit_locked(r);
	changed_event(r, kind, p);
	reeve__plan_limits_locked(r);
}

int reeve__period_update(struct reeve *r, enum reeve__period_kind kind, uint64_t id,
	uint32_t fields, const struct reeve__period_def *def, uint64_t expected_revision,
	reeve_ns now_wall, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = check_def(kind, def, fields, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = find(r, kind, id, &i, err);
	if (!rc && expected_revision &&
		expected_revision != reeve__period_row(r, kind, i)->revision)
		rc = reeve__fail(err, REEVE_ESTALE_REVISION,
			"%s %llu is at revision %llu, not %llu", noun(kind), (unsigned long long)id,
			(unsigned long long)reeve__period_row(r, kind, i)->revision,
			(unsigned long long)expected_revision);
	if (!rc && (fields & REEVE__PERIOD_PLAN))
		rc = check_plan(r, def->plan, err);
	if (!rc)
		change(r, kind, i, fields, def, now_wall);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__period_destroy(
	struct reeve *r, enum reeve__period_kind kind, uint64_t id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find(r, kind, id, &i, err);
	if (!rc) {
		changed_event(r, kind, reeve__period_row(r, kind, i));
		reeve__table_free(r, reeve__period_table(r, kind), i, NULL);
		reeve__add(&r->header->revision, 1);
		reeve__plan_limits_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc;
}

/* ---- telling ---- */

static int64_t seconds_of(reeve_ns wall)
{
	return wall / REEVE_SEC - (wall % REEVE_SEC < 0);
}

static reeve_ns wall_of(int64_t seconds)
{
	return seconds >= REEVE_NEVER / REEVE_SEC ? REEVE_NEVER : seconds * REEVE_SEC;
}

static void fill_schedule(
	const struct reeve_sh_period *p, reeve_ns now_wall, struct reeve_schedule_info *ret)
{
	struct reeve__period_state now;

	period_at(p, seconds_of(now_wall), &now);
	memset(ret, 0, sizeof(*ret));
	ret->id.v = p->head.id;
	reeve__text_copy(ret->name, sizeof(ret->name), p->name);
	ret->plan.v = p->plan_id;
	ret->days = p->days;
	ret->start_s = p->start_s;
	ret->end_s = p->end_s;
	reeve__text_copy(ret->zone, sizeof(ret->zone), p->zone_name);
	ret->priority = p->priority;
	ret->is_enabled = p->is_enabled != 0;
	ret->is_open = now.is_open;
	ret->next_start_wall = wall_of(now.next_start_s);
	ret->next_end_wall = wall_of(now.next_end_s);
	ret->created_wall = p->created_wall;
	ret->modified_wall = p->modified_wall;
	ret->revision = p->revision;
}

static uint32_t first_day(uint32_t days)
{
	uint32_t day = 0;

	while (day < 6 && !(days & 1u << day))
		day++;
	return day;
}

static void fill_window(
	const struct reeve_sh_period *p, reeve_ns now_wall, struct reeve_window_info *ret)
{
	struct reeve__period_state now;

	period_at(p, seconds_of(now_wall), &now);
	memset(ret, 0, sizeof(*ret));
	ret->id.v = p->head.id;
	reeve__text_copy(ret->name, sizeof(ret->name), p->name);
	reeve__text_copy(ret->description, sizeof(ret->description), p->description);
	ret->plan.v = p->plan_id;
	ret->day = first_day(p->days);
	ret->start_s = p->start_s;
	ret->duration_s = p->duration_s;
	reeve__text_copy(ret->zone, sizeof(ret->zone), p->zone_name);
	ret->priority = p->priority;
	ret->allow_user_sessions = p->allows_users != 0;
	ret->max_user_sessions = p->max_users;
	ret->is_enabled = p->is_enabled != 0;
	ret->is_open = now.is_open;
	ret->next_open_wall = wall_of(now.next_start_s);
	ret->next_close_wall = wall_of(now.next_end_s);
	ret->created_wall = p->created_wall;
	ret->modified_wall = p->modified_wall;
	ret->revision = p->revision;
}

int reeve__schedule_get(struct reeve *r, uint64_t id, reeve_ns now_wall,
	struct reeve_schedule_info *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find(r, REEVE__SCHEDULE, id, &i, err);
	if (!rc)
		fill_schedule(&r->schedules[i], now_wall, ret);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__window_get(struct reeve *r, uint64_t id, reeve_ns now_wall,
	struct reeve_window_info *ret, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find(r, REEVE__WINDOW, id, &i, err);
	if (!rc)
		fill_window(&r->windows[i], now_wall, ret);
	reeve__catalog_unlock(r);
	return rc;
}

uint32_t reeve__schedule_copy(struct reeve *r, uint64_t after, reeve_ns now_wall,
	struct reeve_schedule_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->schedules, after, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_schedule(&r->schedules[slots[k]], now_wall, &ret[done]);
			after = ret[done].id.v;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}

uint32_t reeve__window_copy(struct reeve *r, uint64_t after, reeve_ns now_wall,
	struct reeve_window_info *ret, uint32_t capacity)
{
	uint32_t slots[64], n, done = 0;

	reeve__catalog_lock(r);
	do {
		uint32_t want =
			capacity - done < REEVE_COUNT(slots) ? capacity - done : REEVE_COUNT(slots);
		n = reeve__table_list(r, &r->header->windows, after, false, slots, want);
		for (uint32_t k = 0; k < n; k++, done++) {
			fill_window(&r->windows[slots[k]], now_wall, &ret[done]);
			after = ret[done].id.v;
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return done;
}
