/* SPDX-License-Identifier: Apache-2.0 */
/* load.c - see load.h. */
#include "load.h"

#include <string.h>

static void fault(struct load *l, const char *text)
{
	if (!l->fault)
		l->fault = text;
}

static bool may_stop(int rc)
{
	return rc == 0 || rc == REEVE_ECANCELLED || rc == REEVE_ETIMEOUT || rc == REEVE_EKILLED;
}

/* Both names at once, short ones or ones that do not fit into the session's slot. */
static void rename_session(struct load *l)
{
	struct reeve_session_attributes a = {0};
	char text[REEVE_ATTRIBUTE_MAX];
	int rc;

	memset(text, 'a' + (int)kit_below(&l->seed, 26), sizeof(text));
	text[kit_below(&l->seed, 2) ? 1 : sizeof(text) - 1] = 0;
	a.program = a.machine = a.service = a.module = a.action = text;
	rc = reeve_session_attributes_set(l->r, reeve_session_id_of(l->session), &a, NULL);
	if (rc && rc != REEVE_EINVALID_STATE) /* killed by another */
		fault(l, "a session that lives is given no names");
}

/* All names are of the same change, whoever died in the middle of another. */
static void check_names(struct load *l, const struct reeve_session_info *info)
{
	if (strcmp(info->program, info->action) || strcmp(info->machine, info->action) ||
		strcmp(info->service, info->action) || strcmp(info->module, info->action))
		fault(l, "a session has names of two changes");
}

static void create(struct load *l)
{
	l->session = kit_session(l->r, kit_below(&l->seed, 5));
	if (!l->session) {
		fault(l, "a session is refused");
		return;
	}
	l->created++;
	kit_put(&l->board->ids[l->index], reeve_session_id_of(l->session).v);
	rename_session(l);
	rename_session(l);
}

void load_end(struct load *l)
{
	struct reeve_session_info info;

	if (!l->session)
		return;
	if (reeve_session_get(l->r, reeve_session_id_of(l->session), &info, NULL))
		fault(l, "a session with a handle is not found");
	else {
		l->cpu_ns += info.cpu_ns;
		l->queries += info.total_queries;
	}
	kit_put(&l->board->ids[l->index], 0);
	reeve_session_destroy(l->session);
	l->session = NULL;
	l->destroyed++;
}

/* Some parallel servers for a while. */
static int use_servers(struct load *l)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_parallel parallel;
	uint32_t dop;
	int rc;

	def.mode = kit_below(&l->seed, 4);
	def.requested_dop = 1 + kit_below(&l->seed, 4);
	def.deadline = kit_now() + (reeve_ns)kit_below(&l->seed, 3000) * REEVE_USEC;
	rc = reeve_parallel_begin(l->session, &def, &parallel, NULL);
	if (!may_stop(rc))
		fault(l, "parallel servers are refused with a code that is not documented");
	if (rc) /* out of time in that queue, the statement goes on */
		return reeve_checkpoint(l->session);
	dop = reeve_parallel_dop(&parallel);
	if (dop > def.requested_dop)
		fault(l, "more parallel servers than asked for");
	kit_spin((reeve_ns)kit_below(&l->seed, 40) * REEVE_USEC);
	reeve_parallel_adapt(&parallel);
	rc = reeve_parallel_end(&parallel, NULL, NULL);
	if (rc && rc != REEVE_EINVALID_STATE) /* its session was killed */
		fault(l, "parallel servers are not taken back");
	return reeve_checkpoint(l->session);
}

/* Waits for what some other session may hold. A ring of such waits, or one that has ended, is refused. */
static int wait_for_lock(struct load *l)
{
	uint64_t id = kit_get(&l->board->ids[kit_below(&l->seed, LOAD_MAX)]);
	int rc;

	reeve_block_begin(l->session);
	rc = id ? reeve_task_blocked_by(l->session, (reeve_session_id){id}, NULL) : 0;
	if (rc && rc != REEVE_ECONFLICT && rc != REEVE_ENOT_FOUND && rc != REEVE_EINVALID_STATE)
		fault(l, "a wait for another session is refused with a strange code");
	kit_nap((reeve_ns)kit_below(&l->seed, 200) * REEVE_USEC);
	if (kit_below(&l->seed, 2))
		reeve_task_unblocked(l->session);
	return reeve_block_end(l->session);
}

/* The part between begin and end; 0, or why it stopped. */
static int work(struct load *l)
{
	uint32_t kind = kit_below(&l->seed, 16), n = kit_below(&l->seed, 6);
	int rc = 0;

	if (kind == 0)
		reeve_shield_begin(l->session);
	for (uint32_t i = 0; i < n && !rc; i++) {
		kit_spin((reeve_ns)kit_below(&l->seed, 40) * REEVE_USEC);
		rc = reeve_checkpoint(l->session);
	}
	if (kind == 0 && !rc)
		rc = reeve_shield_end(l->session);
	if (kind == 1 && !rc) {
		reeve_block_begin(l->session);
		kit_nap((reeve_ns)kit_below(&l->seed, 200) * REEVE_USEC);
		rc = reeve_block_end(l->session);
	}
	if (kind == 2 && !rc)
		rc = use_servers(l);
	if (kind == 3 && !rc)
		rc = wait_for_lock(l);
	return rc;
}

static void run_statement(struct load *l)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	struct reeve_query_usage usage = {0};
	struct reeve_error err = {0, ""};
	int rc;

	if (kit_below(&l->seed, 16) == 0)
		def.deadline = kit_now() + (reeve_ns)kit_below(&l->seed, 2000) * REEVE_USEC;
	rc = reeve_query_begin(l->session, &def, &err);
	if (!may_stop(rc))
		fault(l, "a statement is refused with a code that is not documented");
	if (rc) {
		/* "session N was killed" is of before: that statement did not come to be. */
		bool refused = rc == REEVE_EKILLED && strncmp(err.text, "session", 7) == 0;
		l->given_up += !refused;
		if (rc == REEVE_EKILLED)
			load_end(l);
		return;
	}
	l->begun++;
	rc = work(l);
	if (!may_stop(rc))
		fault(l, "a checkpoint answers with a code that is not documented");
	reeve_query_end(l->session, &usage);
	l->ended++;
	if (usage.cpu_ns < 0 || usage.elapsed_ns < 0 || usage.wait_ns < 0)
		fault(l, "a statement used less than nothing");
	if (rc == REEVE_EKILLED)
		load_end(l);
}

static void meddle(struct load *l)
{
	uint64_t id = kit_get(&l->board->ids[kit_below(&l->seed, LOAD_MAX)]);
	uint64_t group = 1 + kit_below(&l->seed, 4);

	if (id == 0)
		return;
	switch (kit_below(&l->seed, 8)) {
	case 0:
		reeve_session_kill(l->r, (reeve_session_id){id}, NULL);
		break;
	case 1:
	case 2:
	case 3:
		reeve_session_switch(l->r, (reeve_session_id){id}, (reeve_group_id){group},
			REEVE_SWITCH_MANUAL, NULL);
		break;
	default:
		reeve_session_cancel(l->r, (reeve_session_id){id}, NULL);
	}
}

static void run_outside_task(struct load *l)
{
	struct reeve_task_info info;
	reeve_task_id id;

	if (reeve_task_create(l->r, 7, (reeve_group_id){1 + kit_below(&l->seed, 4)},
		    kit_below(&l->seed, 8), &id, NULL)) {
		fault(l, "a task is refused");
		return;
	}
	if (reeve_task_next(l->r, &info, NULL) == 0 && info.id.v == id.v) {
		if (reeve_task_yield(l->r, id, 500, NULL) == 0)
			l->cpu_ns += 500;
	}
	if (reeve_task_complete(l->r, id, 1000, NULL)) {
		fault(l, "a task of one's own cannot be completed");
		return;
	}
	l->cpu_ns += 1000;
	l->outside++;
}

/* An outside engine's parallel work; now and then with a pool of its own. */
static void run_outside_parallel(struct load *l)
{
	struct reeve_server_pool_def pool = REEVE_SERVER_POOL_DEF_INIT;
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_execution_info info;
	reeve_server_pool_id id = {0};

	pool.name = "load";
	pool.min_servers = kit_below(&l->seed, 4);
	pool.max_servers = 6 + kit_below(&l->seed, 4);
	/* Pools of the dead stay, until there is no room for more. */
	if (kit_below(&l->seed, 4) == 0 && reeve_server_pool_create(l->r, &pool, &id, NULL))
		id.v = 0;
	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = 1 + kit_below(&l->seed, 4);
	if (reeve_execution_request(
		    l->r, 1000000, (reeve_group_id){1 + kit_below(&l->seed, 4)}, &def, &info, NULL))
		fault(l, "a parallel request is refused");
	else if (reeve_execution_complete(l->r, info.id, NULL, NULL))
		fault(l, "an execution of one's own cannot be completed");
	while (id.v && reeve_server_pool_destroy(l->r, id, NULL) == REEVE_ECONFLICT)
		kit_nap(100 * REEVE_USEC); /* until others have let go of its servers */
}

/* Not by priority: there some may wait for seconds, by right. */
static void change_policy(struct load *l)
{
	static const uint32_t policies[] = {
		REEVE_CPU_COMPLETELY_FAIR, REEVE_CPU_FAIR_SHARE, REEVE_CPU_WEIGHTED_FAIR_QUEUEING};
	struct reeve_cpu_config config;

	reeve_cpu_config_get(l->r, &config);
	config.policy = policies[kit_below(&l->seed, 3)];
	if (reeve_cpu_config_set(l->r, &config, NULL))
		fault(l, "a policy is refused");
}

static void change(struct load *l)
{
	uint64_t plan = 1 + kit_below(&l->seed, 4);

	switch (kit_below(&l->seed, 5)) {
	case 4:
		change_policy(l);
		break;
	case 0:
		if (reeve_plan_activate(l->r, (reeve_plan_id){plan}, NULL))
			fault(l, "a system plan is not activated");
		break;
	case 1:
		reeve_cpu_group_register(l->r, (reeve_group_id){REEVE_INTERACTIVE_GROUP},
			1 + kit_below(&l->seed, 1000), 50 + kit_below(&l->seed, 51), NULL);
		break;
	default:
		if (l->set)
			definitions_change(l->set, l->r, kit_below(&l->seed, DEFINITION_KINDS));
	}
}

static void look(struct load *l)
{
	struct reeve_cpu_group_stats groups[8];
	struct reeve_session_info sessions[16];
	struct reeve_task_info tasks[16];
	struct reeve_segment_info segment;
	uint32_t n = reeve_session_copy(
		l->r, (reeve_session_id){0}, REEVE_SESSIONS_TERMINATED, sessions, 16);

	for (uint32_t i = 0; i < n; i++)
		check_names(l, &sessions[i]);
	reeve_task_copy(l->r, (reeve_task_id){0}, tasks, 16);
	reeve_cpu_group_stats_copy(l->r, (reeve_group_id){0}, groups, 8);
	reeve_segment_get(l->r, &segment);
	if (segment.state != REEVE_SEGMENT_READY)
		fault(l, "the segment is degraded");
}

void load_step(struct load *l)
{
	uint32_t roll = kit_below(&l->seed, 1000);

	if (!l->session)
		create(l);
	if (!l->session)
		return;
	if (roll < 880)
		run_statement(l);
	else if (roll < 960)
		meddle(l);
	else if (roll < 975)
		load_end(l);
	else if (roll < 985)
		change(l);
	else if (roll < 988)
		run_outside_task(l);
	else if (roll < 990)
		run_outside_parallel(l);
	else if (roll < 995)
		look(l);
	else if (roll < 998)
		reeve_tick(l->r, NULL, NULL);
	else if (kit_faults(l->r, "on the live segment") != 0)
		fault(l, "validate finds faults on the live segment");
}
