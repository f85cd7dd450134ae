/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.c - see edit.h. Steps are kept as they were given. To validate, they are made, judged and taken
 * back under the catalog lock; to submit, they are made, judged, and kept.
 */
#include "edit.h"
#include "judge.h"

_Static_assert(
	sizeof(struct reeve_directive_def) <= sizeof(((struct reeve_sh_edit_op *)0)->directive),
	"a step holds a directive");

static struct reeve_sh_edit_op *ops(const struct reeve *r)
{
	return (struct reeve_sh_edit_op *)(void *)(r->base + r->header->edit.ops);
}

/* ---- whose it is ---- */

static bool is_mine(const struct reeve *r)
{
	const struct reeve_sh_edit *e = &r->header->edit;

	return e->is_open && r->attachment < r->header->attachments.capacity &&
	       e->owner == r->attachment && e->owner_id == r->attachments[e->owner].head.id;
}

/* The reaper frees the attachment of a dead process; its slot may be another's by now. */
static bool owner_lives(const struct reeve *r)
{
	const struct reeve_sh_edit *e = &r->header->edit;

	return e->owner < r->header->attachments.capacity &&
	       atomic_load(&r->attachments[e->owner].head.state) == REEVE_SLOT_LIVE &&
	       r->attachments[e->owner].head.id == e->owner_id;
}

/* Mine, and in time; every use gives it its whole time again. */
static int use(struct reeve *r, uint64_t now_mono, struct reeve_error *err)
{
	struct reeve_sh_edit *e = &r->header->edit;

	if (!is_mine(r))
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"no edit of this attachment is open%s",
			e->is_open ? ": another has begun one" : "");
	if (now_mono >= e->until_ns) {
		e->is_open = 0;
		return reeve__fail(err, REEVE_EINVALID_STATE,
			"the edit was not used for its %llu s, and is gone",
			(unsigned long long)(e->timeout_ns / (uint64_t)REEVE_SEC));
	}
	e->until_ns = now_mono + e->timeout_ns;
	return 0;
}

/* Whether definitions are those that the edit was begun with. */
static int check_fresh(const struct reeve *r, struct reeve_error *err)
{
	uint64_t revision = reeve__get(&r->header->revision);

	if (r->header->edit.revision == revision)
		return 0;
	return reeve__fail(err, REEVE_ESTALE_REVISION,
		"definitions are at revision %llu; the edit began at %llu",
		(unsigned long long)revision, (unsigned long long)r->header->edit.revision);
}

int reeve__edit_begin(struct reeve *r, uint64_t timeout_ns, reeve_ns now_wall, uint64_t now_mono,
	struct reeve_error *err)
{
	struct reeve_sh_edit *e = &r->header->edit;
	int rc = timeout_ns ? reeve__check_number(err, "timeout in nanoseconds", timeout_ns,
				      (uint64_t)REEVE_SEC, (uint64_t)86400 * 1000000000u)
			    : 0;

	if (rc)
		return rc;
	reeve__catalog_lock(r);
	if (e->is_open && owner_lives(r) && now_mono < e->until_ns) {
		const struct reeve_sh_attachment *a = &r->attachments[e->owner];
		rc = reeve__fail(err, REEVE_ECONFLICT,
			"an edit of process %d (%.64s) is open, with %u steps", a->pid, a->name,
			e->count);
	} else {
		e->is_open = 0;
		e->count = 0;
		e->owner = r->attachment;
		e->owner_id = r->attachments[r->attachment].head.id;
		e->timeout_ns = timeout_ns ? timeout_ns : REEVE_EDIT_TIMEOUT_NS;
		e->until_ns = now_mono + e->timeout_ns;
		e->begun_wall = now_wall;
		e->revision = reeve__get(&r->header->revision);
		e->is_open = 1;
	}
	reeve__catalog_unlock(r);
	return rc;
}

/* ---- steps ---- */

/* Adds a step, whole: it counts once it is filled. */
static int add_step(struct reeve *r, const struct reeve_sh_edit_op *op, uint64_t now_mono,
	uint64_t *ret_id, struct reeve_error *err)
{
	struct reeve_sh_edit *e = &r->header->edit;
	uint64_t id;
	int rc;

	reeve__catalog_lock(r);
	rc = use(r, now_mono, err);
	if (!rc && e->count >= e->max_ops)
		rc = reeve__fail(err, REEVE_ERESOURCE_EXHAUSTED,
			"the table of steps of an edit is full: %u of %u", e->count, e->max_ops);
	if (!rc) {
		id = r->header->next_plan_id;
		for (uint32_t i = 0; ret_id && i < e->count; i++)
			id += ops(r)[i].kind == REEVE_EDIT_CREATE_PLAN;
		ops(r)[e->count] = *op;
		e->count++;
		if (ret_id)
			*ret_id = id;
	}
	reeve__catalog_unlock(r);
	return rc;
}

static void put_def(struct reeve_sh_edit_op *op, const struct reeve_plan_def *def, uint32_t fields)
{
	op->fields = fields;
	if (fields & REEVE_PLAN_NAME)
		reeve__text_copy(op->name, sizeof(op->name), def->name);
	if ((fields & REEVE_PLAN_DESCRIPTION) && def->description) {
		reeve__text_copy(op->description, sizeof(op->description), def->description);
		op->has_description = 1;
	}
	op->cpu_method = def->cpu_method;
	op->max_utilization_pct = def->max_utilization_pct;
	op->is_enabled = def->is_enabled;
	op->parallel_managed = def->parallel_execution_managed;
	op->sessions_managed = def->active_session_pool_managed;
	op->parent = def->parent.v;
}

static struct reeve_plan_def get_def(const struct reeve_sh_edit_op *op)
{
	return (struct reeve_plan_def){
		.name = op->name,
		.description = op->has_description ? op->description : NULL,
		.cpu_method = op->cpu_method,
		.max_utilization_pct = op->max_utilization_pct,
		.is_enabled = op->is_enabled != 0,
		.parallel_execution_managed = op->parallel_managed != 0,
		.active_session_pool_managed = op->sessions_managed != 0,
		.parent = {op->parent},
	};
}

#define ALL_FIELDS ((REEVE_PLAN_PARENT << 1) - 1)

int reeve__edit_plan_create(struct reeve *r, const struct reeve_plan_def *def, uint64_t now_mono,
	reeve_plan_id *ret_id, struct reeve_error *err)
{
	struct reeve_sh_edit_op op = {.kind = REEVE_EDIT_CREATE_PLAN};
	int rc = reeve__plan_check_def(def, ALL_FIELDS, err);

	if (rc)
		return rc;
	put_def(&op, def, ALL_FIELDS);
	return add_step(r, &op, now_mono, &ret_id->v, err);
}

int reeve__edit_plan_update(struct reeve *r, reeve_plan_id id, uint32_t fields,
	const struct reeve_plan_def *def, uint64_t now_mono, struct reeve_error *err)
{
	struct reeve_sh_edit_op op = {.kind = REEVE_EDIT_UPDATE_PLAN, .plan = id.v};
	int rc = reeve__plan_check_def(def, fields, err);

	if (rc)
		return rc;
	put_def(&op, def, fields);
	return add_step(r, &op, now_mono, NULL, err);
}

int reeve__edit_plan_delete(struct reeve *r, reeve_plan_id id, reeve_plan_id replacement,
	uint64_t now_mono, struct reeve_error *err)
{
	const struct reeve_sh_edit_op op = {
		.kind = REEVE_EDIT_DELETE_PLAN, .plan = id.v, .other = replacement.v};

	return add_step(r, &op, now_mono, NULL, err);
}

int reeve__edit_directive_set(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	const struct reeve_directive_def *def, uint64_t now_mono, struct reeve_error *err)
{
	struct reeve_sh_edit_op op = {
		.kind = REEVE_EDIT_SET_DIRECTIVE, .plan = plan.v, .group = group.v};
	int rc = reeve__directive_check_def(def, err);

	if (rc)
		return rc;
	memcpy(op.directive, def, sizeof(*def));
	return add_step(r, &op, now_mono, NULL, err);
}

int reeve__edit_directive_remove(struct reeve *r, reeve_plan_id plan, reeve_group_id group,
	uint64_t now_mono, struct reeve_error *err)
{
	const struct reeve_sh_edit_op op = {
		.kind = REEVE_EDIT_REMOVE_DIRECTIVE, .plan = plan.v, .group = group.v};

	return add_step(r, &op, now_mono, NULL, err);
}

/* ---- the same steps elsewhere ---- */

/* Step i of this attachment's edit; NOT_FOUND past the last. */
static int read_step(struct reeve *r, uint32_t i, uint64_t now_mono, struct reeve_sh_edit_op *ret,
	struct reeve_error *err)
{
	const struct reeve_sh_edit *e = &r->header->edit;
	int rc;

	reeve__catalog_lock(r);
	rc = use(r, now_mono, err);
	if (!rc)
		rc = check_fresh(r, err);
	if (!rc && (i >= e->count || i >= e->max_ops))
		rc = REEVE_ENOT_FOUND;
	if (!rc)
		*ret = ops(r)[i];
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__edit_clone(struct reeve *from, struct reeve *to, reeve_ns now_wall, uint64_t from_mono,
	uint64_t to_mono, struct reeve_error *err)
{
	struct reeve_sh_edit_op op;
	int rc;

	reeve__edit_discard(to, NULL);
	rc = reeve__edit_begin(to, 0, now_wall, to_mono, err);
	for (uint32_t i = 0; !rc; i++) {
		rc = read_step(from, i, from_mono, &op, err);
		if (rc == REEVE_ENOT_FOUND)
			return 0;
		if (!rc)
			rc = add_step(to, &op, to_mono, NULL, err);
	}
	reeve__edit_discard(to, NULL);
	return rc;
}

/* ---- making them ---- */

static int make_step(
	struct reeve *r, struct reeve_sh_edit_op *op, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_plan_def def = get_def(op);
	struct reeve_directive_def d;
	reeve_plan_id plan = {op->plan};
	reeve_directive_id id = {0};
	int rc;

	switch (op->kind) {
	case REEVE_EDIT_CREATE_PLAN:
		rc = reeve__plan_create_locked(r, &def, now_wall, &plan, err);
		op->plan = plan.v;
		return rc;
	case REEVE_EDIT_UPDATE_PLAN:
		return reeve__plan_update_locked(r, plan, op->fields, &def, 0, now_wall, err);
	case REEVE_EDIT_DELETE_PLAN:
		return reeve__plan_delete_locked(r, plan, (reeve_plan_id){op->other}, err);
	case REEVE_EDIT_SET_DIRECTIVE:
		memcpy(&d, op->directive, sizeof(d));
		return reeve__directive_set_locked(
			r, plan, (reeve_group_id){op->group}, &d, now_wall, &id, err);
	case REEVE_EDIT_REMOVE_DIRECTIVE:
		return reeve__directive_remove_locked(r, plan, (reeve_group_id){op->group}, err);
	default:
		return reeve__fail(err, REEVE_EINTERNAL, "a step of kind %u", op->kind);
	}
}

static int make_steps(struct reeve *r, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_sh_edit *e = &r->header->edit;
	struct reeve_error why = {0};

	if (check_fresh(r, err))
		return REEVE_ESTALE_REVISION;
	for (uint32_t i = 0; i < e->count && i < e->max_ops; i++) {
		int rc = make_step(r, &ops(r)[i], now_wall, &why);
		if (rc)
			return reeve__fail(
				err, rc, "step %u of %u: %.220s", i + 1, e->count, why.text);
	}
	return 0;
}

/* ---- judging them ---- */

struct verdict {
	struct reeve_plan_message *ret;
	uint32_t capacity, count;
	struct reeve_error first_error;
};

static void judge_one(struct reeve *r, struct verdict *v, uint64_t plan)
{
	uint32_t room = v->count < v->capacity ? v->capacity - v->count : 0;
	uint32_t i = reeve__table_find(r, &r->header->plans, plan);
	struct reeve_error why = {0};
	int n;

	if (i == REEVE_NONE)
		return;
	n = reeve__plan_judge_locked(r, i, room ? &v->ret[v->count] : NULL, room, NULL);
	v->count += n > 0 ? (uint32_t)n : 0;
	if (!v->first_error.code && reeve__plan_judge_locked(r, i, NULL, 0, &why) < 0)
		reeve__fail(&v->first_error, REEVE_ECONFIGURATION, "resource plan %llu: %.220s",
			(unsigned long long)plan, why.text);
}

/* Every plan that a step names, once, and the one in force. */
static void judge_all(struct reeve *r, struct verdict *v)
{
	const struct reeve_sh_edit *e = &r->header->edit;
	uint64_t in_force = reeve__get(&reeve__ruling_now(r).head->plan_id);

	judge_one(r, v, in_force);
	for (uint32_t i = 0; i < e->count && i < e->max_ops; i++) {
		uint64_t plan = ops(r)[i].plan;
		bool seen = plan == in_force;
		for (uint32_t k = 0; k < i && !seen; k++)
			seen = ops(r)[k].plan == plan;
		if (!seen)
			judge_one(r, v, plan);
	}
}

int reeve__edit_validate(struct reeve *r, struct reeve_plan_message *ret, uint32_t capacity,
	reeve_ns now_wall, uint64_t now_mono, struct reeve_error *err)
{
	struct verdict v = {.ret = ret, .capacity = capacity};
	int rc;

	reeve__catalog_lock(r);
	rc = use(r, now_mono, err);
	if (!rc) {
		reeve__txn_begin_locked(r);
		rc = make_steps(r, now_wall, err);
		if (!rc)
			judge_all(r, &v);
		reeve__txn_undo_locked(r);
	}
	reeve__catalog_unlock(r);
	return rc ? rc : (int)v.count;
}

/* One event a plan, now that it has happened. */
static void tell(struct reeve *r, const struct reeve_sh_edit_op *op)
{
	uint32_t i = reeve__table_find(r, &r->header->plans, op->plan);
	uint32_t kind = op->kind == REEVE_EDIT_CREATE_PLAN   ? REEVE_EVENT_PLAN_CREATED
			: op->kind == REEVE_EDIT_DELETE_PLAN ? REEVE_EVENT_PLAN_DELETED
							     : REEVE_EVENT_PLAN_UPDATED;

	reeve__model_event(r, kind, (reeve_group_id){op->group}, (reeve_plan_id){op->plan}, 0,
		i != REEVE_NONE ? r->plans[i].name : "");
}

int reeve__edit_submit(struct reeve *r, uint64_t *ret_revision, reeve_ns now_wall,
	uint64_t now_mono, struct reeve_error *err)
{
	struct verdict v = {.ret = NULL, .capacity = 0};
	struct reeve_sh_edit *e = &r->header->edit;
	uint64_t revision = 0;
	int rc;

	reeve__catalog_lock(r);
	rc = use(r, now_mono, err);
	if (!rc) {
		reeve__txn_begin_locked(r);
		rc = make_steps(r, now_wall, err);
		if (!rc)
			judge_all(r, &v);
		if (!rc && v.first_error.code)
			rc = reeve__fail(err, REEVE_ECONFIGURATION, "%s", v.first_error.text);
		if (rc) {
			reeve__txn_undo_locked(r);
		} else {
			e->is_open = 0;
			revision = reeve__txn_commit_locked(r);
			for (uint32_t i = 0; i < e->count && i < e->max_ops; i++)
				tell(r, &ops(r)[i]);
		}
	}
	reeve__catalog_unlock(r);
	if (!rc && ret_revision)
		*ret_revision = revision;
	return rc;
}

/* ---- without an edit ---- */

static int define_parts(struct reeve *r, reeve_plan_id plan, const struct reeve_plan_part *parts,
	uint32_t n, reeve_ns now_wall, struct reeve_error *err)
{
	struct reeve_error why = {0};

	for (uint32_t i = 0; i < n; i++) {
		reeve_directive_id id = {0};
		int rc = reeve__directive_set_locked(
			r, plan, parts[i].group, &parts[i].def, now_wall, &id, &why);
		if (rc)
			return reeve__fail(err, rc, "directive %u: %.220s", i + 1, why.text);
		REEVE_POINT(PLAN_DEFINING);
	}
	return 0;
}

int reeve__plan_define(struct reeve *r, const struct reeve_plan_def *def,
	const struct reeve_plan_part *parts, uint32_t n, reeve_ns now_wall, reeve_plan_id *ret_id,
	struct reeve_error *err)
{
	struct reeve_error why = {0};
	int rc = reeve__plan_check_def(def, ALL_FIELDS, err);

	for (uint32_t i = 0; !rc && i < n; i++) {
		rc = reeve__directive_check_def(&parts[i].def, &why);
		if (rc)
			reeve__fail(err, rc, "directive %u: %.220s", i + 1, why.text);
	}
	if (rc)
		return rc;
	reeve__catalog_lock(r);
	reeve__txn_begin_locked(r);
	rc = reeve__plan_create_locked(r, def, now_wall, ret_id, err);
	if (!rc)
		rc = define_parts(r, *ret_id, parts, n, now_wall, err);
	if (rc) {
		reeve__txn_undo_locked(r);
	} else {
		reeve__txn_commit_locked(r);
		reeve__model_event(
			r, REEVE_EVENT_PLAN_CREATED, (reeve_group_id){0}, *ret_id, 0, def->name);
	}
	reeve__catalog_unlock(r);
	return rc;
}

int reeve__edit_discard(struct reeve *r, struct reeve_error *err)
{
	int rc = 0;

	reeve__catalog_lock(r);
	if (is_mine(r))
		r->header->edit.is_open = 0;
	else
		rc = reeve__fail(err, REEVE_EINVALID_STATE, "no edit of this attachment is open");
	reeve__catalog_unlock(r);
	return rc;
}

void reeve__edit_get(struct reeve *r, struct reeve_edit_info *ret)
{
	const struct reeve_sh_edit *e = &r->header->edit;

	memset(ret, 0, sizeof(*ret));
	reeve__catalog_lock(r);
	ret->max_steps = e->max_ops;
	ret->is_open = e->is_open && owner_lives(r);
	if (ret->is_open) {
		ret->is_mine = is_mine(r);
		ret->pid = r->attachments[e->owner].pid;
		reeve__text_copy(ret->by, sizeof(ret->by), r->attachments[e->owner].name);
		ret->begun_wall = e->begun_wall;
		ret->until_mono = (reeve_ns)e->until_ns;
		ret->revision = e->revision;
		ret->steps = e->count;
	}
	reeve__catalog_unlock(r);
}
