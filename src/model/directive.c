/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directive.c - what a plan says of one group: its fields in one table, and the rows.
 *
 * The table says of each field its name, range and unit, where it lies in the definition, the row
 * and the information, and whether anything enforces it. What nothing enforces is refused: a limit
 * that is set and does nothing is worse than none.
 */
#include "tree.h"

/* Spans are kept far below the end of the clock, so that sums do not overflow. */
#define SPAN_MAX  ((uint64_t)INT64_MAX / 4)
#define BYTES_MAX ((uint64_t)INT64_MAX)
#define COUNT_MAX ((uint64_t)INT32_MAX)

/* One field, and where it lies in the segment and in the information. */
struct field {
	struct reeve_directive_field row;
	size_t in_segment, in_info;
};

#define NOT_ENFORCED(what) false, what
#define ENFORCED	   true, ""
#define FIELD(bit_, member, name_, unit_, low, high, enforced_)                                    \
	{                                                                                          \
		{REEVE_DIRECTIVE_##bit_, name_, unit_, low, high,                                  \
			offsetof(struct reeve_directive_def, member),                              \
			sizeof(((struct reeve_directive_def *)0)->member), enforced_},             \
			offsetof(struct reeve_sh_directive, member),                               \
			offsetof(struct reeve_directive_info, member)                              \
	}

static const struct field fields[] = {
	FIELD(CPU_PCT, cpu_pct, "cpuPct", "percent", 0, 100, ENFORCED),
	FIELD(CPU_SHARES, cpu_shares, "cpuShares", "shares", 1, REEVE_SHARES_MAX, ENFORCED),
	FIELD(CPU_LEVEL, cpu_level, "cpuLevel", "", 1, REEVE_CPU_LEVELS, ENFORCED),
	FIELD(CPU_CAP, cpu_cap_pct, "cpuUtilizationLimit", "percent", 1, 100, ENFORCED),
	FIELD(PARALLEL_DEGREE, parallel_degree, "parallelDegreeLimit", "servers", 1, 65535,
		ENFORCED),
	FIELD(PARALLEL_SERVERS, parallel_servers, "parallelServerLimit", "servers", 0, 65535,
		ENFORCED),
	FIELD(PARALLEL_QUEUE_TIMEOUT, parallel_queue_timeout_ns, "parallelQueueTimeout", "ns", 0,
		SPAN_MAX, ENFORCED),
	FIELD(PARALLEL_QUEUE_RUNS, parallel_queue_runs_serial, "parallelQueueRunsSerial", "", 0, 1,
		ENFORCED),
	FIELD(ACTIVE_SESSIONS, active_sessions, "activeSessPoolP1", "sessions", 0, COUNT_MAX,
		ENFORCED),
	FIELD(QUEUE_TIMEOUT, queue_timeout_ns, "queueingP1", "ns", 0, SPAN_MAX, ENFORCED),
	FIELD(MAX_EST_EXEC, max_est_exec_ns, "maxEstExecTime", "ns", 1, SPAN_MAX, ENFORCED),
	FIELD(MAX_IDLE, max_idle_ns, "maxIdleTime", "ns", 1, SPAN_MAX, ENFORCED),
	FIELD(MAX_IDLE_BLOCKER, max_idle_blocker_ns, "maxIdleBlockerTime", "ns", 1, SPAN_MAX,
		ENFORCED),
	FIELD(SWITCH_GROUP, switch_group, "switchGroup", "group", 1, UINT64_MAX, ENFORCED),
	FIELD(SWITCH_ACTION, switch_action, "switchAction", "", 0, REEVE_SWITCH_KILL, ENFORCED),
	FIELD(SWITCH_CPU, switch_cpu_ns, "switchTime", "ns", 1, SPAN_MAX, ENFORCED),
	FIELD(SWITCH_ELAPSED, switch_elapsed_ns, "switchElapsedTime", "ns", 1, SPAN_MAX, ENFORCED),
	FIELD(SWITCH_IO_BYTES, switch_io_bytes, "switchIoBytes", "bytes", 1, BYTES_MAX, ENFORCED),
	FIELD(SWITCH_IO_REQUESTS, switch_io_requests, "switchIoRequests", "requests", 1, BYTES_MAX,
		ENFORCED),
	FIELD(SWITCH_LOGICAL_READS, switch_logical_reads, "switchLogicalReads", "reads", 1,
		BYTES_MAX, NOT_ENFORCED("no engine reports logical reads")),
	FIELD(SWITCH_ESTIMATE, switch_estimate, "switchEstimate", "", 0, 1, ENFORCED),
	FIELD(SWITCH_FOR_CALL, switch_for_call, "switchForCall", "", 0, 1, ENFORCED),
	FIELD(UNDO_POOL, undo_bytes, "undoPool", "bytes", 0, BYTES_MAX,
		NOT_ENFORCED("no engine reports the volume of uncommitted changes")),
	FIELD(UNDO_RATE, undo_rate, "maxUndoRate", "bytes/s", 1, BYTES_MAX,
		NOT_ENFORCED("no engine reports the volume of uncommitted changes")),
	FIELD(SESSION_PGA, session_pga_bytes, "sessionPgaLimit", "bytes", 1, BYTES_MAX, ENFORCED),
	FIELD(IO_BANDWIDTH, io_bandwidth, "ioBandwidthLimit", "bytes/s", 1, BYTES_MAX, ENFORCED),
	FIELD(IOPS, iops, "iopsLimit", "requests/s", 1, COUNT_MAX, ENFORCED),
	FIELD(IO_WEIGHT, io_weight, "ioWeight", "", 1, REEVE_IO_WEIGHT_MAX, ENFORCED),
	FIELD(SUB_PLAN, sub_plan, "subPlanId", "plan", 1, UINT64_MAX, ENFORCED),
	FIELD(PRIORITY, priority, "priority", "", 0, COUNT_MAX, ENFORCED),
};

const struct reeve_directive_field *reeve__directive_field_at(uint32_t k)
{
	return k < REEVE_COUNT(fields) ? &fields[k].row : NULL;
}

static uint64_t read_value(const struct reeve_directive_def *d, const struct field *f)
{
	const char *at = (const char *)d + f->row.offset;
	uint64_t wide;
	uint32_t narrow;

	if (f->row.size == sizeof(wide)) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return narrow;
}

/* Ranges, and whether the fields given are enforced at all. */
int reeve__directive_check_def(const struct reeve_directive_def *d, struct reeve_error *err)
{
	for (size_t k = 0; k < REEVE_COUNT(fields); k++) {
		const struct reeve_directive_field *f = &fields[k].row;
		if (!(d->given & f->bit))
			continue;
		if (!f->is_enforced)
			return reeve__fail(err, REEVE_ECONFIGURATION,
				"%s is not enforced, and so is not taken: %s", f->name, f->why_not);
		int rc = reeve__check_number(
			err, f->name, read_value(d, &fields[k]), f->least, f->most);
		if (rc)
			return rc;
	}
	return 0;
}

/* What the fields name must exist. */
static int check_references(
	struct reeve *r, const struct reeve_directive_def *d, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;

	if ((d->given & REEVE_DIRECTIVE_SWITCH_GROUP) &&
		reeve__group_slot_locked(r, d->switch_group, &i, NULL))
		return reeve__fail(err, REEVE_ENOT_FOUND, "switchGroup: consumer group %llu",
			(unsigned long long)d->switch_group.v);
	if ((d->given & REEVE_DIRECTIVE_SUB_PLAN) &&
		reeve__plan_slot_locked(r, d->sub_plan, &i, NULL))
		return reeve__fail(err, REEVE_ENOT_FOUND, "subPlanId: resource plan %llu",
			(unsigned long long)d->sub_plan.v);
	return 0;
}

/* Given fields are written, removed ones become 0; level 1 is the level of who has none. */
static void write_directive(struct reeve_sh_directive *to, const struct reeve_directive_def *d)
{
	for (size_t k = 0; k < REEVE_COUNT(fields); k++) {
		const struct field *f = &fields[k];
		if (d->given & f->row.bit)
			memcpy((char *)to + f->in_segment, (const char *)d + f->row.offset,
				f->row.size);
		else if (d->removed & f->row.bit)
			memset((char *)to + f->in_segment, 0, f->row.size);
	}
	to->given = (to->given & ~d->removed) | d->given;
	if (!(to->given & REEVE_DIRECTIVE_CPU_LEVEL))
		to->cpu_level = 1;
}

static uint32_t find_pair(struct reeve *r, uint32_t plan, uint32_t group)
{
	REEVE__EACH_DIRECTIVE(r, plan, i)
	if (r->directives[i].group == group)
		return i;
	return REEVE_NONE;
}

/* At the end of its plan's chain. */
static void chain(struct reeve *r, uint32_t i)
{
	struct reeve_sh_plan *p = &r->plans[r->directives[i].plan];

	r->directives[i].next_of_plan = REEVE_NONE;
	if (p->last_directive < r->header->directives.capacity)
		r->directives[p->last_directive].next_of_plan = i;
	else
		p->first_directive = i;
	p->last_directive = i;
}

static void unchain(struct reeve *r, uint32_t i)
{
	struct reeve_sh_plan *p = &r->plans[r->directives[i].plan];
	uint32_t before = REEVE_NONE, at = p->first_directive, left;

	for (left = r->header->directives.capacity; at != i && left; left--) {
		if (at >= r->header->directives.capacity)
			return;
		before = at;
		at = r->directives[at].next_of_plan;
	}
	if (before == REEVE_NONE)
		p->first_directive = r->directives[i].next_of_plan;
	else
		r->directives[before].next_of_plan = r->directives[i].next_of_plan;
	if (p->last_directive == i)
		p->last_directive = before;
}

void reeve__directive_chain_locked(struct reeve *r)
{
	for (uint32_t i = 0; i < reeve__table_used(&r->header->plans); i++)
		r->plans[i].first_directive = r->plans[i].last_directive = REEVE_NONE;
	for (uint32_t i = 0; i < reeve__table_used(&r->header->directives); i++)
		if (reeve__get(&r->directives[i].head.state) == REEVE_SLOT_LIVE &&
			r->directives[i].plan < r->header->plans.capacity)
			chain(r, i);
}

void reeve__directive_drop_locked(struct reeve *r, uint32_t slot)
{
	reeve__lock_assert(&r->header->catalog);
	reeve__txn_touch_locked(r, REEVE_JOURNAL_DIRECTIVE, slot);
	if (r->directives[slot].plan < r->header->plans.capacity)
		unchain(r, slot);
	reeve__table_free(r, &r->header->directives, slot, NULL);
}

static int add_directive(struct reeve *r, uint64_t id, uint32_t plan, uint32_t group,
	const struct reeve_directive_def *def, reeve_ns now_wall, uint32_t *ret_slot,
	struct reeve_error *err)
{
	struct reeve_sh_header *h = r->header;
	struct reeve_sh_directive *d;
	int rc = reeve__id_check(r, &h->directives, id, err);
	uint32_t i = rc ? REEVE_NONE : reeve__table_claim(r, &h->directives);

	if (rc)
		return rc;
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of plan directives is full: %u of %u",
			reeve__get(&h->directives.live), h->directives.capacity);
	reeve__txn_new_locked(r, REEVE_JOURNAL_DIRECTIVE, i);
	d = &r->directives[i];
	memset((char *)d + sizeof(d->head), 0, sizeof(*d) - sizeof(d->head));
	d->plan = plan;
	d->plan_id = r->plans[plan].head.id;
	d->group = group;
	write_directive(d, def);
	d->created_wall = d->modified_wall = now_wall;
	d->revision = reeve__next_revision_locked(r);
	reeve__table_publish(r, &h->directives, i, reeve__id_take(&h->next_directive_id, id), NULL);
	chain(r, i);
	*ret_slot = i;
	return 0;
}

static void refresh_if_active(struct reeve *r, uint32_t plan)
{
	if (plan < reeve__table_used(&r->header->plans) && reeve__tree_in_force(r, plan))
		reeve__ruling_refresh_locked(r);
}

/* The tree in force must stay a tree; elsewhere a circle is a fault that validation finds. */
static int check_sub_plan(struct reeve *r, uint32_t plan, const struct reeve_directive_def *d,
	struct reeve_error *err)
{
	uint32_t sub = REEVE_NONE;
	char path[96];

	if (reeve__txn_active(r)) /* judged when all is done */
		return 0;
	if (!(d->given & REEVE_DIRECTIVE_SUB_PLAN) ||
		plan >= reeve__table_used(&r->header->plans) || !reeve__tree_in_force(r, plan))
		return 0;
	sub = reeve__table_find(r, &r->header->plans, d->sub_plan.v);
	if (sub == REEVE_NONE)
		return 0;
	if (!r->plans[sub].is_enabled)
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"subPlanId: resource plan %llu is disabled, and the plan it is to divide "
			"is "
			"in force",
			(unsigned long long)d->sub_plan.v);
	if (reeve__tree_would_cycle(r, plan, sub, path))
		return reeve__fail(err, REEVE_ECONFIGURATION,
			"subPlanId: the plan in force would go round in a circle: %s", path);
	return 0;
}

/* A change is compiled before it counts, so that a tree with too many places is refused. */
static int check_room(struct reeve *r, uint32_t plan, const struct reeve_directive_def *d,
	struct reeve_error *err)
{
	struct reeve__ruling_view now = reeve__ruling_now(r);
	uint32_t top = reeve__table_find(r, &r->header->plans, reeve__get(&now.head->plan_id));

	if (reeve__txn_active(r) ||
		(!(d->given & REEVE_DIRECTIVE_SUB_PLAN) && !reeve__get(&now.head->nodes)))
		return 0;
	if (top == REEVE_NONE || !reeve__tree_in_force(r, plan) ||
		!reeve__tree_solve(r, top, UINT64_MAX).is_cut)
		return 0;
	return reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
		"the tree of plans in force would have more places than there is room for: %llu",
		(unsigned long long)reeve__tree_capacity(
			r->group_capacity, r->header->directives.capacity));
}

/* A new directive; taken back, its number too, when the tree in force has no room for it. */
static int append_directive(struct reeve *r, uint64_t id, uint32_t plan, uint32_t group,
	const struct reeve_directive_def *def, reeve_ns now_wall, uint32_t *ret_slot,
	struct reeve_error *err)
{
	uint64_t next = r->header->next_directive_id;
	int rc = add_directive(r, id, plan, group, def, now_wall, ret_slot, err);

	if (!rc && (rc = check_room(r, plan, def, err))) {
		reeve__directive_drop_locked(r, *ret_slot);
		r->header->next_directive_id = next;
		reeve__add(&r->header->revision, UINT64_MAX);
	}
	return rc;
}

static int change_directive(struct reeve *r, uint32_t i, const struct reeve_directive_def *def,
	reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_directive *d = &r->directives[i];
	int rc;

	reeve__journal_begin_locked(r, REEVE_JOURNAL_DIRECTIVE, i);
	write_directive(d, def);
	d->modified_wall = now_wall;
	d->revision = reeve__get(&r->header->revision) + 1;
	rc = check_room(r, d->plan, def, err);
	if (rc)
		reeve__journal_undo_locked(r);
	else
		reeve__journal_commit_locked(r);
	return rc;
}

static void directive_event(struct reeve *r, uint32_t i, const char *what)
{
	const struct reeve_sh_directive *d = &r->directives[i];
	uint64_t group = d->group < r->group_capacity ? r->groups[d->group].head.id : 0;

	reeve__model_event(r, REEVE_EVENT_DIRECTIVE_CHANGED, (reeve_group_id){group},
		(reeve_plan_id){d->plan_id}, d->head.id, what);
}

int reeve__directive_set_locked(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_ns now_wall, reeve_directive_id *ret_id,
	struct reeve_error *err)
{
	uint32_t p = REEVE_NONE, g = REEVE_NONE, i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, plan, &p, err);

	if (!rc)
		rc = reeve__group_slot_locked(r, group, &g, err);
	if (!rc)
		rc = check_references(r, def, err);
	if (!rc)
		rc = check_sub_plan(r, p, def, err);
	if (rc)
		return rc;
	i = find_pair(r, p, g);
	if (i == REEVE_NONE)
		rc = append_directive(r, ret_id->v, p, g, def, now_wall, &i, err);
	else
		rc = change_directive(r, i, def, now_wall, err);
	if (rc)
		return rc;
	ret_id->v = r->directives[i].head.id;
	refresh_if_active(r, p);
	directive_event(r, i, "set");
	return 0;
}

int reeve__directive_set(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, reeve_ns now_wall, reeve_directive_id *ret_id,
	struct reeve_error *err)
{
	int rc = reeve__directive_check_def(def, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = reeve__directive_set_locked(r, plan, group, def, now_wall, ret_id, err);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__directive_remove_locked(
	struct reeve *r, reeve_plan_id plan, reeve_group_id group, struct reeve_error *err)
{
	uint32_t p = REEVE_NONE, g = REEVE_NONE, i = REEVE_NONE;
	int rc = reeve__plan_slot_locked(r, plan, &p, err);

	if (!rc)
		rc = reeve__group_slot_locked(r, group, &g, err);
	if (rc)
		return rc;
	i = find_pair(r, p, g);
	if (i == REEVE_NONE)
		return reeve__fail(err, REEVE_ENOT_FOUND,
			"plan directive of resource plan %llu for consumer group %llu",
			(unsigned long long)plan.v, (unsigned long long)group.v);
	reeve__directive_drop_locked(r, i);
	return 0;
}

static int find_directive(
	struct reeve *r, reeve_directive_id id, uint32_t *ret, struct reeve_error *err)
{
	*ret = reeve__table_find(r, &r->header->directives, id.v);
	if (*ret != REEVE_NONE)
		return 0;
	return reeve__fail(err, REEVE_ENOT_FOUND, "plan directive %llu", (unsigned long long)id.v);
}

int reeve__directive_update(struct reeve *r, reeve_directive_id id,
	const struct reeve_directive_def *def, uint64_t expected_revision, reeve_ns now_wall,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc = reeve__directive_check_def(def, err);

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc && expected_revision && expected_revision != r->directives[i].revision)
		rc = reeve__fail(err, REEVE_ESTALE_REVISION,
			"plan directive %llu is at revision %llu, not %llu",
			(unsigned long long)id.v, (unsigned long long)r->directives[i].revision,
			(unsigned long long)expected_revision);
	if (!rc)
		rc = check_references(r, def, err);
	if (!rc)
		rc = check_sub_plan(r, r->directives[i].plan, def, err);
	if (!rc)
		rc = change_directive(r, i, def, now_wall, err);
	if (!rc) {
		refresh_if_active(r, r->directives[i].plan);
		directive_event(r, i, "changed");
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__directive_destroy(struct reeve *r, reeve_directive_id id, struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc) {
		uint32_t plan = r->directives[i].plan;
		directive_event(r, i, "removed");
		reeve__directive_drop_locked(r, i);
		reeve__add(&r->header->revision, 1);
		refresh_if_active(r, plan);
	}
	reeve__catalog_unlock(r);
	return rc;
}

static void fill_directive(struct reeve *r, uint32_t i, struct reeve_directive_info *info)
{
	const struct reeve_sh_directive *d = &r->directives[i];

	memset(info, 0, sizeof(*info));
	info->id.v = d->head.id;
	info->plan.v = d->plan_id;
	info->group.v = d->group < r->group_capacity ? r->groups[d->group].head.id : 0;
	info->given = d->given;
	for (size_t k = 0; k < REEVE_COUNT(fields); k++)
		memcpy((char *)info + fields[k].in_info, (const char *)d + fields[k].in_segment,
			fields[k].row.size);
	info->created_wall = d->created_wall;
	info->modified_wall = d->modified_wall;
	info->revision = d->revision;
}

int reeve__directive_get(struct reeve *r, reeve_directive_id id, struct reeve_directive_info *ret,
	struct reeve_error *err)
{
	uint32_t i = REEVE_NONE;
	int rc;

	reeve__catalog_lock(r);
	rc = find_directive(r, id, &i, err);
	if (!rc)
		fill_directive(r, i, ret);
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__directive_copy(struct reeve *r, reeve_plan_id plan, reeve_directive_id after,
	struct reeve_directive_info *ret, uint32_t capacity, struct reeve_error *err)
{
	uint32_t slots[64], n, p = REEVE_NONE, done = 0;
	int rc;

	reeve__catalog_lock(r);
	rc = reeve__plan_slot_locked(r, plan, &p, err);
	do {
		n = rc ? 0
		       : reeve__table_list(r, &r->header->directives, after.v, false, slots,
				 REEVE_COUNT(slots));
		for (uint32_t k = 0; k < n && done < capacity; k++) {
			after.v = r->directives[slots[k]].head.id;
			if (r->directives[slots[k]].plan == p)
				fill_directive(r, slots[k], &ret[done++]);
		}
	} while (n == REEVE_COUNT(slots) && done < capacity);
	reeve__catalog_unlock(r);
	return rc ? rc : (int)done;
}
