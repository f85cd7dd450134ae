/* SPDX-License-Identifier: Apache-2.0 */
/* acts_plan.c - plans, directives, staged edits, schedules and windows. */
#include "actor.h"

static struct reeve_plan_def plan_def(struct actor *a, char *name, size_t size)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;

	snprintf(name, size, "plan %u", below(a, 24));
	def.name = name;
	def.cpu_method = below(a, 3);
	def.max_utilization_pct = once_in(a, 2) ? 0 : 40 + below(a, 61);
	def.is_enabled = !once_in(a, 8);
	def.parallel_execution_managed = once_in(a, 2);
	def.active_session_pool_managed = once_in(a, 2);
	if (once_in(a, 3))
		def.parent = any_plan(a);
	return def;
}

static struct reeve_directive_def directive_def(struct actor *a)
{
	struct reeve_directive_def d = {.given = 0};

	d.cpu_pct = below(a, 101);
	d.cpu_shares = 1 + below(a, 1000);
	d.cpu_level = 1 + below(a, 8);
	d.cpu_cap_pct = 30 + below(a, 71);
	d.parallel_degree = 1 + below(a, 8);
	d.parallel_servers = 1 + below(a, 8);
	d.parallel_queue_runs_serial = below(a, 2);
	d.active_sessions = 1 + below(a, 4);
	d.switch_action = below(a, 5);
	d.switch_for_call = below(a, 2);
	d.io_weight = 1 + below(a, 1000);
	d.iops = 1000 + below(a, 100000);
	d.priority = below(a, 10);
	d.parallel_queue_timeout_ns = (1 + below(a, 10)) * 1000000ull;
	d.queue_timeout_ns = (1 + below(a, 10)) * 1000000ull;
	d.max_est_exec_ns = 1000000 + below(a, 200000000);
	d.max_idle_ns = (20 + below(a, 100)) * 1000000ull;
	d.max_idle_blocker_ns = (20 + below(a, 100)) * 1000000ull;
	d.switch_group = any_group(a);
	d.switch_cpu_ns = 20000 + below(a, 1000000);
	d.switch_elapsed_ns = 20000 + below(a, 10000000);
	d.switch_io_bytes = 1 + below(a, 200000);
	d.switch_io_requests = 1 + below(a, 5);
	d.session_pga_bytes = 100000 + below(a, 4000000);
	d.io_bandwidth = 1000000 + below(a, 100000000);
	d.sub_plan = any_plan(a);
	/* a few at a time, and not those that nothing enforces */
	for (uint32_t n = 1 + below(a, 4); n > 0; n--) {
		const struct reeve_directive_field *f = reeve_directive_field_at(below(a, 30));
		if (f && f->is_enforced && (f->bit != REEVE_DIRECTIVE_SUB_PLAN || once_in(a, 4)))
			d.given |= f->bit;
	}
	return d;
}

void act_plan_change(struct actor *a)
{
	char name[32];
	struct reeve_plan_def def = plan_def(a, name, sizeof(name));
	reeve_plan_id id = {0};

	if (once_in(a, 2)) {
		if (allow(a, reeve_plan_create(a->r, &def, &id, &a->err),
			    MAY_EXIST | MAY_EXHAUST | MAY_NOT_FOUND, "plan_create") == 0)
			board_put(a, BOARD_PLAN, id.v);
		return;
	}
	allow(a, reeve_plan_update(a->r, any_plan(a), below(a, 256), &def, 0, &a->err),
		MAY_NOT_FOUND | MAY_EXIST | MAY_DENY | MAY_CONFLICT | MAY_MISCONFIGURE,
		"plan_update");
}

void act_plan_delete(struct actor *a)
{
	reeve_plan_id to = once_in(a, 2) ? (reeve_plan_id){0} : any_plan(a);

	allow(a, reeve_plan_delete(a->r, any_plan(a), to, &a->err),
		MAY_NOT_FOUND | MAY_DENY | MAY_CONFLICT | MAY_MISCONFIGURE | MAY_BE_INVALID,
		"plan_delete");
}

void act_directive(struct actor *a)
{
	struct reeve_directive_def def = directive_def(a);
	struct reeve_directive_info info[4];
	reeve_plan_id plan = any_plan(a);
	reeve_directive_id id = {0};
	int n;

	if (once_in(a, 2)) {
		allow(a, reeve_directive_set(a->r, plan, any_group(a), &def, &id, &a->err),
			MAY_NOT_FOUND | MAY_EXHAUST | MAY_MISCONFIGURE | MAY_BE_INVALID,
			"directive_set");
		return;
	}
	n = allow(a, reeve_directive_copy(a->r, plan, id, info, 4, &a->err), MAY_NOT_FOUND,
		"directive_copy");
	if (n <= 0)
		return;
	id = info[below(a, (uint32_t)n)].id;
	if (once_in(a, 2))
		allow(a, reeve_directive_destroy(a->r, id, &a->err), MAY_NOT_FOUND,
			"directive_destroy");
	else
		allow(a, reeve_directive_update(a->r, id, &def, info[0].revision, &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE | MAY_BE_STALE | MAY_BE_INVALID,
			"directive_update");
}

void act_plan_activate(struct actor *a)
{
	switch (below(a, 8)) {
	case 0:
		allow(a, reeve_plan_deactivate(a->r, &a->err), MAY_MISCONFIGURE, "plan_deactivate");
		return;
	case 1:
		allow(a, reeve_plan_lock(a->r, once_in(a, 2), &a->err), 0, "plan_lock");
		return;
	case 2:
		allow(a, reeve_plan_check(a->r, NULL, NULL, &a->err), 0, "plan_check");
		return;
	default:
		allow(a, reeve_plan_activate(a->r, any_plan(a), &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE, "plan_activate");
	}
}

void act_plan_look(struct actor *a)
{
	static _Thread_local struct reeve_plan_message messages[4];
	static _Thread_local struct reeve_entitlement rows[32];
	static _Thread_local struct reeve_plan_info infos[4];
	struct reeve_plan_switch_record history[4];
	struct reeve_plan_decision decision;
	reeve_plan_id id = any_plan(a);
	uint64_t ppm = 0;
	int n;

	reeve_plan_copy(a->r, id, infos, 4);
	reeve_plan_history(a->r, history, 4);
	allow(a, reeve_plan_decide(a->r, 0, &decision, &a->err), 0, "plan_decide");
	allow(a, reeve_plan_validate(a->r, id, messages, 4, &a->err), MAY_NOT_FOUND,
		"plan_validate");
	n = allow(a, reeve_plan_entitlements(a->r, id, rows, 32, &a->err),
		MAY_NOT_FOUND | MAY_EXHAUST, "plan_entitlements");
	for (int k = 0; k < n; k++)
		ppm += rows[k].share_ppm;
	if (ppm > REEVE_PPM)
		fault(a, "more is handed out than there is", (int)ppm);
}

static void edit_step(struct actor *a)
{
	char name[32];
	struct reeve_plan_def plan = plan_def(a, name, sizeof(name));
	struct reeve_directive_def directive = directive_def(a);
	const uint32_t may =
		MAY_BE_LATE | MAY_BE_INVALID | MAY_MISCONFIGURE | MAY_EXHAUST | MAY_NOT_FOUND;
	reeve_plan_id id;

	switch (below(a, 6)) {
	case 0:
		allow(a, reeve_edit_plan_create(a->r, &plan, &id, &a->err), may,
			"edit_plan_create");
		return;
	case 1:
		allow(a, reeve_edit_plan_update(a->r, any_plan(a), below(a, 256), &plan, &a->err),
			may, "edit_plan_update");
		return;
	case 2:
		allow(a, reeve_edit_plan_delete(a->r, any_plan(a), any_plan(a), &a->err), may,
			"edit_plan_delete");
		return;
	case 3:
		allow(a, reeve_edit_directive_remove(a->r, any_plan(a), any_group(a), &a->err), may,
			"edit_directive_remove");
		return;
	default:
		allow(a,
			reeve_edit_directive_set(
				a->r, any_plan(a), any_group(a), &directive, &a->err),
			may, "edit_directive_set");
	}
}

void act_edit(struct actor *a)
{
	static _Thread_local struct reeve_plan_message messages[4];
	/* whatever a step is refused for, and that the definitions have changed */
	const uint32_t may = MAY_BE_LATE | MAY_BE_STALE | MAY_MISCONFIGURE | MAY_NOT_FOUND |
			     MAY_EXIST | MAY_EXHAUST | MAY_DENY | MAY_CONFLICT | MAY_BE_INVALID;

	/* Threads of one attachment share an edit, so one may find another's. */
	if (allow(a, reeve_edit_begin(a->r, 1000000000, &a->err), MAY_CONFLICT, "edit_begin"))
		return;
	for (uint32_t n = below(a, 4); n > 0; n--)
		edit_step(a);
	if (once_in(a, 2))
		allow(a, reeve_edit_validate(a->r, messages, 4, &a->err), may, "edit_validate");
	if (once_in(a, 4) || allow(a, reeve_edit_submit(a->r, NULL, &a->err), may, "edit_submit"))
		allow(a, reeve_edit_discard(a->r, &a->err), MAY_BE_LATE, "edit_discard");
}

void act_schedule(struct actor *a)
{
	struct reeve_schedule_def def = REEVE_SCHEDULE_DEF_INIT;
	struct reeve_schedule_info infos[16];
	uint32_t n = reeve_schedule_copy(a->r, (reeve_schedule_id){0}, infos, 16);
	reeve_schedule_id id = {0};

	def.name = "of the actors";
	def.plan = any_plan(a);
	def.days = 1 + below(a, REEVE_ALL_DAYS);
	def.start_s = below(a, 86400);
	def.end_s = below(a, 86401);
	def.priority = below(a, 4);
	def.zone = once_in(a, 2) ? "Europe/Berlin" : NULL;
	def.is_enabled = once_in(a, 2);
	if (n == 0 || once_in(a, 3)) {
		allow(a, reeve_schedule_create(a->r, &def, &id, &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE | MAY_EXHAUST, "schedule_create");
		return;
	}
	id = infos[below(a, n)].id;
	if (once_in(a, 2))
		allow(a, reeve_schedule_update(a->r, id, below(a, 256), &def, 0, &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE, "schedule_update");
	else
		allow(a, reeve_schedule_destroy(a->r, id, &a->err), MAY_NOT_FOUND,
			"schedule_destroy");
}

void act_window(struct actor *a)
{
	struct reeve_window_def def = REEVE_WINDOW_DEF_INIT;
	struct reeve_window_info infos[8];
	uint32_t n = reeve_window_copy(a->r, (reeve_window_id){0}, infos, 8);
	reeve_window_id id = {0};

	def.name = "of the actors";
	def.plan = any_plan(a);
	def.day = below(a, 7);
	def.start_s = below(a, 86400);
	def.duration_s = 60 + below(a, 86400);
	def.zone = once_in(a, 2) ? "America/New_York" : NULL;
	def.priority = below(a, 4);
	def.allow_user_sessions = !once_in(a, 8);
	def.max_user_sessions = once_in(a, 2) ? REEVE_USERS_UNLIMITED : 4 + below(a, 20);
	def.is_enabled = once_in(a, 2);
	reeve_window_current(a->r, &id);
	if (n == 0 || once_in(a, 3)) {
		allow(a, reeve_window_create(a->r, &def, &id, &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE | MAY_EXHAUST, "window_create");
		return;
	}
	id = infos[below(a, n)].id;
	if (once_in(a, 2))
		allow(a, reeve_window_update(a->r, id, below(a, 2048), &def, 0, &a->err),
			MAY_NOT_FOUND | MAY_MISCONFIGURE, "window_update");
	else
		allow(a, reeve_window_destroy(a->r, id, &a->err), MAY_NOT_FOUND, "window_destroy");
}
