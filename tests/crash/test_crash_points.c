/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crash_points.c - SIGKILL at every named point (defs/points.def), one or two victims at a time,
 * while they hold CPU slots and others wait behind them.
 *
 * Each point has a role: what a process has to do to come by there. A point that no victim reached
 * fails the test, and so does a point without a role. REEVE_TEST_POINT=NAME tries one point only.
 */
#include "world.h"

#include "../../src/base/base.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum role {
	NO_ROLE,      /* no scenario */
	ATTACHES,     /* dies while it attaches */
	STATEMENTS,   /* runs statements among many */
	ALONE,	      /* runs statements while slots are mostly free */
	CAPPED,	      /* the same under a plan with a cap, where a slot is left to nobody */
	SESSIONS,     /* creates and destroys sessions */
	CANCELS,      /* cancels its own statement without end */
	DEFINES,      /* changes definitions */
	DELETES,      /* deletes a group that is in use */
	ACTIVATES,    /* activates plans */
	REAPS,	      /* returns what another dead process held */
	ADMITS,	      /* does its own I/O, within statements and without */
	PULLS,	      /* submits, picks and completes I/O requests */
	REGISTERS,    /* sets limits of I/O */
	PARALLEL,     /* asks for parallel servers, by handle and by ids, and changes their pool */
	ALLOCATES,    /* allocates, charges, resizes, samples */
	POOLS,	      /* runs statements in a group whose pool has less room than comers */
	RECONFIGURES, /* changes that pool */
	MOVES,	      /* moves sessions to and from that group */
	LOCKS,	      /* waits for what another session holds */
	REMOVES,      /* deletes plans that others refer to */
	EDITS,	      /* submits staged edits */
	PLANS,	      /* defines plans with their directives */
	ENDS,	      /* ends sessions: its own, and one of a process that lives */
	TASKS,	      /* makes, picks and completes CPU tasks of an outside engine */
	QUERIES	      /* has a session's queries admitted by ids to everything, and ends them */
};

static const struct {
	enum role role;
	uint32_t most; /* dies at one of the first so many hits */
} scenario[REEVE_POINT_COUNT] = {
	[REEVE_POINT_ATTACH_CLAIMED] = {ATTACHES, 1},
	[REEVE_POINT_SESSION_CLAIMED] = {SESSIONS, 8},
	[REEVE_POINT_SESSION_PUBLISHED] = {SESSIONS, 8},
	[REEVE_POINT_SESSION_NAMED] = {SESSIONS, 8},
	[REEVE_POINT_SESSION_ENDING] = {ENDS, 2},
	[REEVE_POINT_SESSION_TERMINATING] = {ENDS, 2},
	[REEVE_POINT_TASK_PUBLISHED] = {TASKS, 8},
	[REEVE_POINT_QUERY_ACTIVE] = {STATEMENTS, 20},
	[REEVE_POINT_SLOT_FAST_TAKEN] = {ALONE, 8},
	[REEVE_POINT_CPU_LOCKED] = {STATEMENTS, 40},
	[REEVE_POINT_TASK_QUEUED] = {STATEMENTS, 20},
	[REEVE_POINT_TASK_PARKING] = {STATEMENTS, 10},
	[REEVE_POINT_SLOT_EVICTED] = {STATEMENTS, 4},
	[REEVE_POINT_SLOT_HANDED] = {STATEMENTS, 20},
	[REEVE_POINT_SLOT_TOLD] = {STATEMENTS, 20},
	[REEVE_POINT_SLOT_RELEASED] = {CAPPED, 4},
	[REEVE_POINT_QUERY_RUNNING] = {ALONE, 8},
	[REEVE_POINT_CANCEL_NOTED] = {CANCELS, 8},
	[REEVE_POINT_LOCK_WAIT_NOTED] = {LOCKS, 8},
	[REEVE_POINT_LOCK_WAIT_BOOSTED] = {LOCKS, 8},
	[REEVE_POINT_QUERY_CHARGED] = {STATEMENTS, 20},
	[REEVE_POINT_QUERY_INACTIVE] = {STATEMENTS, 20},
	[REEVE_POINT_PLAN_COMPILED] = {ACTIVATES, 5},
	[REEVE_POINT_PLAN_SWITCHED] = {ACTIVATES, 5},
	[REEVE_POINT_ROW_JOURNALED] = {DEFINES, 8},
	[REEVE_POINT_ROW_CHANGED] = {DEFINES, 8},
	[REEVE_POINT_EVENT_CLAIMED] = {SESSIONS, 8},
	[REEVE_POINT_EVENT_FILLING] = {SESSIONS, 8},
	[REEVE_POINT_RULE_WRITTEN] = {DEFINES, 2},
	[REEVE_POINT_RULE_CURRENT] = {DEFINES, 2},
	[REEVE_POINT_GROUP_CONDEMNED] = {DELETES, 3},
	[REEVE_POINT_GROUP_SESSION_MOVED] = {DELETES, 3},
	[REEVE_POINT_GROUP_EMPTIED] = {DELETES, 3},
	[REEVE_POINT_GROUP_GONE] = {DELETES, 3},
	[REEVE_POINT_MEMORY_CLAIMED] = {ALLOCATES, 20},
	[REEVE_POINT_MEMORY_PUBLISHED] = {ALLOCATES, 20},
	[REEVE_POINT_MEMORY_CREDITED] = {ALLOCATES, 20},
	[REEVE_POINT_MEMORY_FREEING] = {ALLOCATES, 20},
	[REEVE_POINT_MEMORY_PREPARED] = {ALLOCATES, 8},
	[REEVE_POINT_MEMORY_ENDING] = {ALLOCATES, 8},
	[REEVE_POINT_MEMORY_SAMPLING] = {ALLOCATES, 40},
	[REEVE_POINT_PLAN_DELETE_NOTED] = {REMOVES, 8},
	[REEVE_POINT_PLAN_REFERENCES_MOVED] = {REMOVES, 8},
	[REEVE_POINT_PLAN_DEFINING] = {PLANS, 12},
	[REEVE_POINT_EDIT_APPLIED] = {EDITS, 8},
	[REEVE_POINT_EDIT_COMMITTED] = {EDITS, 8},
	[REEVE_POINT_POOL_PENDING] = {POOLS, 8},
	[REEVE_POINT_POOL_CLAIMED] = {POOLS, 8},
	[REEVE_POINT_POOL_RELEASING] = {POOLS, 8},
	[REEVE_POINT_POOL_QUEUED] = {POOLS, 4},
	[REEVE_POINT_POOL_HANDED] = {POOLS, 4},
	[REEVE_POINT_POOL_CLOSED] = {RECONFIGURES, 4},
	[REEVE_POINT_POOL_SWITCHED] = {MOVES, 8},
	[REEVE_POINT_REAP_CLAIMED] = {REAPS, 1},
	[REEVE_POINT_REAP_SESSION] = {REAPS, 2},
	[REEVE_POINT_IO_SLOT_TAKEN] = {ADMITS, 8},
	[REEVE_POINT_IO_LOCKED] = {ADMITS, 20},
	[REEVE_POINT_IO_QUEUED] = {ADMITS, 4},
	[REEVE_POINT_IO_PARKING] = {ADMITS, 4},
	[REEVE_POINT_IO_NAMED] = {PULLS, 8},
	[REEVE_POINT_IO_GRANTED] = {PULLS, 8},
	[REEVE_POINT_IO_PERFORMING] = {ADMITS, 8},
	[REEVE_POINT_IO_RELEASED] = {ADMITS, 8},
	[REEVE_POINT_IO_ENDING] = {PULLS, 8},
	[REEVE_POINT_IO_REGISTERED] = {REGISTERS, 8},
	[REEVE_POINT_PARALLEL_CLAIMED] = {PARALLEL, 8},
	[REEVE_POINT_PARALLEL_QUEUED] = {PARALLEL, 4},
	[REEVE_POINT_PARALLEL_TAKING] = {PARALLEL, 8},
	[REEVE_POINT_PARALLEL_STARTED] = {PARALLEL, 8},
	[REEVE_POINT_PARALLEL_PARKING] = {PARALLEL, 3},
	[REEVE_POINT_PARALLEL_ENDING] = {PARALLEL, 8},
	[REEVE_POINT_PARALLEL_RESIZED] = {PARALLEL, 1},
	[REEVE_POINT_PARALLEL_POOL_CHANGED] = {PARALLEL, 4},
	[REEVE_POINT_PARALLEL_SERVER_CLAIMED] = {PARALLEL, 2},
	[REEVE_POINT_ADMISSION_NOTED] = {QUERIES, 8},
	[REEVE_POINT_ADMISSION_ENTERED] = {QUERIES, 8},
	[REEVE_POINT_ADMISSION_SERVED] = {QUERIES, 8},
	[REEVE_POINT_ADMISSION_TASKED] = {QUERIES, 8},
	[REEVE_POINT_ADMISSION_ENDING] = {QUERIES, 8},
};

#define MORE_ROUNDS 10 /* at most, where no victim has died yet */

static const char *const names[REEVE_POINT_COUNT] = {REEVE_POINT_NAMES};

/* The test's own sessions: a victim that ends sessions kills the one of its index. */
static struct reeve_session *condemned[2];

struct victim {
	uint32_t index;
	int point;
	uint32_t nth;
	uint64_t seed;
};

static enum world_mode mode_of(int point)
{
	enum role role = scenario[point].role;

	return role == REAPS			 ? WORLD_PAUSED
	       : role == ALONE || role == CAPPED ? WORLD_LIGHT
						 : WORLD_BUSY;
}

/* ---- in the victim ---- */

static _Atomic uint64_t *kills; /* shared: by point */
static _Atomic int armed_point = -1;
static _Atomic uint32_t hits_left;

static void die_at_point(int point)
{
	if (point != atomic_load(&armed_point) || atomic_fetch_sub(&hits_left, 1) != 1)
		return;
	kit_add(&kills[point], 1);
	kill(getpid(), SIGKILL);
}

static void arm(const struct victim *v)
{
	atomic_store(&hits_left, v->nth);
	atomic_store(&armed_point, v->point);
}

static _Atomic uint32_t holds;
static _Atomic uint64_t holder;

/* One statement without end: this process holds a slot, or waits for one, when it dies. */
static void *hold(void *arg)
{
	struct reeve_session *s = kit_session(arg, REEVE_BATCH_GROUP);

	if (!s || reeve_query_begin(s, NULL, NULL))
		abort();
	atomic_store(&holder, reeve_session_id_of(s).v);
	for (;;) {
		atomic_store(&holds, 1);
		kit_spin(20 * REEVE_USEC);
		reeve_checkpoint(s);
	}
	return NULL;
}

static void start_holder(struct reeve *r)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, hold, r))
		abort();
	while (!atomic_load(&holds))
		kit_nap(100 * REEVE_USEC);
}

static void run_one(struct reeve_session *s, uint64_t *seed, enum role role)
{
	if (reeve_query_begin(s, NULL, NULL))
		abort();
	for (uint32_t i = kit_below(seed, role == ALONE || role == CAPPED ? 2 : 6); i-- > 0;) {
		kit_spin(20 * REEVE_USEC);
		reeve_checkpoint(s);
	}
	if (kit_below(seed, 4) == 0) {
		reeve_block_begin(s);
		kit_nap(50 * REEVE_USEC);
		reeve_block_end(s);
	}
	reeve_query_end(s, NULL);
	/* Long enough away, a session comes back younger than the others, and evicts. */
	if (role == ALONE || role == CAPPED || kit_below(seed, 2) == 0)
		kit_nap((reeve_ns)kit_below(seed, 2000) * REEVE_USEC);
}

static void admit_one(struct reeve_session *s, uint64_t *seed)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	bool in_query = kit_below(seed, 4) != 0;

	def.size_bytes = kit_below(seed, 100000);
	def.priority = kit_below(seed, 5);
	def.keeps_cpu_slot = kit_below(seed, 2) == 0;
	if (in_query && reeve_query_begin(s, NULL, NULL))
		abort();
	if (reeve_io_begin(s, &def, NULL))
		abort();
	kit_spin(kit_below(seed, 40) * REEVE_USEC);
	reeve_io_end(s, def.size_bytes, true);
	if (in_query)
		reeve_query_end(s, NULL);
}

static void pull_one(struct reeve *r, struct reeve_session *s, uint64_t *seed)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;
	struct reeve_io_request_info q;
	reeve_io_id id;

	def.size_bytes = kit_below(seed, 100000);
	def.type = kit_below(seed, 4);
	if (kit_below(seed, 2)
			? reeve_io_submit(r, (reeve_group_id){REEVE_BATCH_GROUP}, &def, &id, NULL)
			: reeve_io_submit_for(s, &def, &id, NULL))
		abort();
	if (reeve_io_next(r, &q, NULL, NULL) == 0)
		reeve_io_complete(r, q.id, q.size_bytes, true, NULL, NULL);
	else /* or the table fills, and bystanders are refused */
		reeve_io_cancel(r, id, NULL, NULL);
}

/* Threads of the victim that come and go in the pooled group, by begin and by hand. */
static void *come_and_go(void *arg)
{
	struct reeve *r = arg;
	uint64_t seed = (uint64_t)kit_now();

	for (;;) {
		struct reeve_session *s = kit_session(r, REEVE_MAINTENANCE_GROUP);
		if (!s)
			abort();
		for (uint32_t i = 0; i < 4; i++) {
			if (kit_below(&seed, 3) == 0) {
				reeve_session_start(r, reeve_session_id_of(s), NULL);
				kit_nap(50 * REEVE_USEC);
				if (reeve_session_complete(r, reeve_session_id_of(s), NULL))
					reeve_session_cancel(r, reeve_session_id_of(s), NULL);
			} else if (reeve_query_begin(s, NULL, NULL) == 0) {
				kit_spin(20 * REEVE_USEC);
				reeve_checkpoint(s);
				reeve_query_end(s, NULL);
			}
			kit_nap((reeve_ns)kit_below(&seed, 100) * REEVE_USEC);
		}
		reeve_session_destroy(s);
	}
	return NULL;
}

static void configure_pool(struct reeve *r, uint32_t n)
{
	if (reeve_session_pool_configure(r, (reeve_group_id){REEVE_MAINTENANCE_GROUP}, n,
		    5 * (uint64_t)REEVE_SEC, true, NULL))
		abort();
}

static void start_pool(struct reeve *r)
{
	pthread_t thread;

	configure_pool(r, 2);
	for (uint32_t i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, come_and_go, r))
			abort();
}

/* An activation by the other victim ends the pool: then there is another. */
static void keep_pool(struct reeve *r)
{
	struct reeve_session_pool_info info;

	if (reeve_session_pool_get(r, (reeve_group_id){REEVE_MAINTENANCE_GROUP}, &info, NULL))
		abort();
	if (!info.is_limited || info.max_active != 2)
		configure_pool(r, 2);
	kit_nap(200 * REEVE_USEC);
}

static bool uses_pool(int point)
{
	enum role role = scenario[point].role;

	return role == POOLS || role == RECONFIGURES || role == MOVES;
}

static void activate(struct world *w, struct reeve *r, uint64_t plan)
{
	w->plan_intended = plan;
	if (reeve_plan_activate(r, (reeve_plan_id){plan}, NULL))
		abort();
	w->plan_acknowledged = plan;
}

/* A session of an outside engine, whose id no session here gets to. */
#define OUTSIDE 1000000000u

static void ask(struct reeve *r, uint32_t mode, uint32_t dop, struct reeve_execution_info *ret)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_error err;

	def.mode = mode;
	def.requested_dop = dop;
	if (reeve_execution_request(
		    r, OUTSIDE, (reeve_group_id){REEVE_BATCH_GROUP}, &def, ret, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

/* Changes the pool, takes servers, queues, and waits in the queue for a while. */
static void use_servers(
	struct world *w, struct reeve *r, const struct victim *v, struct reeve_session *s)
{
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_execution_info asked[3];
	struct reeve_parallel parallel;

	/* From many servers to none that must be there, and back: then some are started each time. */
	world_change_pool(w, r,
		v->point == REEVE_POINT_PARALLEL_SERVER_CLAIMED ? (uint32_t)v->seed % 2 * 12
								: (uint32_t)v->seed % 5);
	ask(r, REEVE_PARALLEL_ADAPTIVE, WORLD_DOP, &asked[0]);
	if (v->point == REEVE_POINT_PARALLEL_RESIZED)
		kit_nap(110 * REEVE_MSEC); /* not changed more often than every 100 ms */
	ask(r, REEVE_PARALLEL_MANUAL, WORLD_DOP - 1, &asked[1]);
	ask(r, REEVE_PARALLEL_MANUAL, 2, &asked[2]);
	reeve_execution_progress(r, asked[0].id, 1, 1, NULL);
	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = 3;
	def.deadline = kit_now() + 2 * REEVE_MSEC;
	if (reeve_parallel_begin(s, &def, &parallel, NULL) == 0)
		reeve_parallel_end(&parallel, NULL, NULL);
	for (uint32_t i = 0; i < 3; i++)
		reeve_execution_complete(r, asked[i].id, NULL, NULL);
}

/* A group of this victim's, with a session, a user, a rule and a directive, comes and goes. */
static void delete_group(struct reeve *r, uint32_t index, uint64_t seed)
{
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	struct reeve_condition nobody = {.kind = REEVE_CONDITION_OR};
	struct reeve_directive_def directive = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 5};
	reeve_group_id id, to = {2 + seed % 3};
	reeve_directive_id directive_id;
	reeve_rule_id rule_id;
	struct reeve_rule_def rule = REEVE_RULE_DEF_INIT;
	struct reeve_rule_info left;
	struct reeve_session *s;
	char name[16];

	snprintf(name, sizeof(name), "doomed %u", index);
	group.name = rule.name = name;
	rule.condition = &nobody;
	/* what an earlier victim has left */
	if (reeve_group_find(r, name, &id) && reeve_group_destroy(r, id, to, NULL))
		abort();
	for (uint32_t at = 0; reeve_rule_copy(r, at, &left, 1) == 1;)
		if (strcmp(left.name, name) != 0 || reeve_rule_destroy(r, left.id, NULL))
			at++;
	if (reeve_group_create(r, &group, &id, NULL))
		abort();
	rule.target = id;
	if (reeve_user_map(r, 500 + index, "doomed", id, true, NULL) ||
		reeve_rule_create(r, &rule, &rule_id, NULL) ||
		reeve_directive_set(
			r, (reeve_plan_id){1 + seed % 4}, id, &directive, &directive_id, NULL) ||
		!(s = kit_session(r, id.v)))
		abort();
	if (reeve_query_begin(s, NULL, NULL) || reeve_group_destroy(r, id, to, NULL))
		abort();
	reeve_query_end(s, NULL);
	reeve_session_destroy(s);
	if (reeve_rule_destroy(r, rule_id, NULL))
		abort();
}

/* Everything that memory.h does, with much left behind for whoever returns it. */
static void use_memory(struct reeve *r, uint64_t *seed)
{
	struct reeve_session *s = kit_session(r, REEVE_INTERACTIVE_GROUP);
	struct reeve_pool_def def = REEVE_POOL_DEF_INIT;
	reeve_session_id id = reeve_session_id_of(s), none = {0};
	reeve_allocation_id a[6] = {{0}};

	def.target_bytes = (UINT64_C(1) << 30) + kit_below(seed, 1000);
	for (uint32_t i = 0; i < 6; i++)
		if (reeve_memory_allocate(r, (reeve_pool_id){1 + kit_below(seed, 5)},
			    1 + kit_below(seed, 10000), i % 2 ? id : none, "crash", &a[i], NULL))
			abort();
	for (uint32_t i = 0; i < 8; i++) {
		if (reeve_memory_charge(s, i % 2, 1 + kit_below(seed, 200000), NULL) ||
			reeve_memory_session_charge(r, id, i % 2, 10, NULL))
			abort();
		reeve_memory_access(r, (reeve_pool_id){2}, kit_below(seed, 20000));
	}
	for (uint32_t i = 0; i < 3; i++)
		if (reeve_memory_free(r, a[i], none, NULL))
			abort();
	if (reeve_pool_update(r, (reeve_pool_id){4}, REEVE_POOL_SET_TARGET, &def, NULL) ||
		reeve_session_switch(r, id, (reeve_group_id){REEVE_BATCH_GROUP}, 1, NULL))
		abort();
	reeve_session_destroy(s);
	if (kit_below(seed, 2) == 0)
		for (uint32_t i = 4; i < 6; i += 2)
			if (reeve_memory_free(r, a[i], none, NULL))
				abort();
}

/* The plan of that name, made if there is none. */
static reeve_plan_id plan_named(struct reeve *r, const char *kind, uint32_t index)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	char name[40];
	reeve_plan_id id;

	snprintf(name, sizeof(name), "%s-%u", kind, index);
	def.name = name;
	if (!reeve_plan_find(r, name, &id) && reeve_plan_create(r, &def, &id, NULL))
		abort();
	return id;
}

/* A plan that another refers to goes, and a system plan takes its place. */
static void delete_one(struct reeve *r, uint32_t index)
{
	reeve_plan_id gone = plan_named(r, "gone", index), user = plan_named(r, "user", index);
	const struct reeve_directive_def shares = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = 7};
	const struct reeve_directive_def divided = {
		.given = REEVE_DIRECTIVE_SUB_PLAN, .sub_plan = gone};
	struct reeve_directive_info info;
	reeve_directive_id id, other;

	if (reeve_directive_set(r, gone, (reeve_group_id){2}, &shares, &other, NULL) ||
		reeve_directive_set(r, user, (reeve_group_id){3}, &divided, &id, NULL) ||
		reeve_plan_delete(r, gone, (reeve_plan_id){REEVE_DAYTIME_PLAN}, NULL) ||
		reeve_directive_get(r, id, &info, NULL) || info.sub_plan.v != REEVE_DAYTIME_PLAN ||
		reeve_directive_get(r, other, &info, NULL) != REEVE_ENOT_FOUND)
		abort();
}

/* The number of shares of group 3 under a plan; 0: no such directive. */
static uint32_t shares_of(struct reeve *r, reeve_plan_id plan)
{
	struct reeve_directive_info d;

	return reeve_directive_copy(r, plan, (reeve_directive_id){0}, &d, 1, NULL) == 1
		       ? d.cpu_shares
		       : 0;
}

/*
 * Two plans that always say the same, changed together, with one that comes and goes. Somebody else's
 * edit, or a change since the edit began, is no fault: then there is nothing to die for.
 */
static void edit_one(struct reeve *r, uint32_t index, uint32_t shares)
{
	reeve_plan_id a = plan_named(r, "left", index), b = plan_named(r, "right", index), passing;
	const struct reeve_directive_def d = {
		.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = shares};
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	char name[40];

	if (shares_of(r, a) != shares_of(r, b))
		abort(); /* half a change */
	snprintf(name, sizeof(name), "passing-%u", index);
	def.name = name;
	if (reeve_edit_begin(r, 0, NULL))
		return;
	if (reeve_edit_directive_set(r, a, (reeve_group_id){3}, &d, NULL) ||
		reeve_edit_plan_create(r, &def, &passing, NULL) ||
		reeve_edit_directive_set(r, passing, (reeve_group_id){2}, &d, NULL) ||
		reeve_edit_directive_set(r, b, (reeve_group_id){3}, &d, NULL) ||
		reeve_edit_plan_delete(r, passing, (reeve_plan_id){0}, NULL))
		abort();
	if (reeve_edit_submit(r, NULL, NULL))
		reeve_edit_discard(r, NULL);
}

/* A plan with a directive for each of four groups; one that is there goes, if it is whole. */
#define PARTS 4

static uint32_t parts_of(struct reeve *r, reeve_plan_id plan)
{
	struct reeve_directive_info d[PARTS + 1];
	int n = reeve_directive_copy(r, plan, (reeve_directive_id){0}, d, PARTS + 1, NULL);

	for (int i = 0; i < n; i++)
		if (d[i].cpu_shares != d[0].cpu_shares)
			return 0;
	return n > 0 ? (uint32_t)n : 0;
}

static void define_one(struct reeve *r, uint32_t index, uint32_t shares)
{
	struct reeve_plan_def def = REEVE_PLAN_DEF_INIT;
	struct reeve_plan_part parts[PARTS];
	reeve_plan_id id;
	char name[40];

	snprintf(name, sizeof(name), "whole-%u", index);
	def.name = name;
	for (uint32_t i = 0; i < PARTS; i++)
		parts[i] = (struct reeve_plan_part){
			{i + 1}, {.given = REEVE_DIRECTIVE_CPU_SHARES, .cpu_shares = shares}};
	if (reeve_plan_find(r, name, &id) && reeve_plan_delete(r, id, (reeve_plan_id){0}, NULL))
		abort();
	if (reeve_plan_define(r, &def, parts, PARTS, &id, NULL) || parts_of(r, id) != PARTS)
		abort();
}

/* Once the dead are gone: nothing that is made as a whole is half. */
static int count_halves(struct reeve *r, const char *what)
{
	reeve_plan_id a, b;
	int faults = 0;

	for (uint32_t index = 0; index < 2; index++) {
		char left[40], right[40], whole[40];
		snprintf(left, sizeof(left), "left-%u", index);
		snprintf(right, sizeof(right), "right-%u", index);
		snprintf(whole, sizeof(whole), "whole-%u", index);
		if (reeve_plan_find(r, left, &a) && reeve_plan_find(r, right, &b) &&
			shares_of(r, a) != shares_of(r, b)) {
			printf("FAULT %s: half an edit, %u\n", what, index);
			faults++;
		}
		if (reeve_plan_find(r, whole, &a) && parts_of(r, a) != PARTS) {
			printf("FAULT %s: half a plan, %u\n", what, index);
			faults++;
		}
	}
	return faults;
}

/*
 * A query of its own session, and one of a session of another process, which ends it: so the dead
 * leaves the first behind with its session, and the second half done at most.
 */
static void admit_query(struct world *w, struct reeve *r, struct reeve_session *s, uint64_t *seed)
{
	struct reeve_parallel_def parallel = REEVE_PARALLEL_DEF_INIT;
	struct reeve_admission_def def = REEVE_ADMISSION_DEF_INIT;
	reeve_session_id ids[2] = {reeve_session_id_of(s), reeve_session_id_of(w->probes[0])};
	struct reeve_admission_info info;
	reeve_io_id io;

	parallel.mode = REEVE_PARALLEL_MANUAL;
	parallel.requested_dop = 1 + kit_below(seed, 3);
	def.parallel = kit_below(seed, 4) ? &parallel : NULL;
	def.work_area_bytes = kit_below(seed, 4) * 4096;
	for (uint32_t i = 0; i < 2; i++) {
		struct reeve_io_def request = REEVE_IO_DEF_INIT;
		if (reeve_admission_begin(r, ids[i], &def, &info, NULL))
			continue;
		request.size_bytes = 4096;
		if (kit_below(seed, 2))
			reeve_io_submit_as(r, info.id, &request, &io, NULL);
		if (i == 0 && kit_below(seed, 4) == 0)
			reeve_session_switch(
				r, ids[i], (reeve_group_id){REEVE_BATCH_GROUP}, 1, NULL);
		if (kit_below(seed, 4) == 0)
			reeve_tick(r, NULL, NULL);
		if (kit_below(seed, 4))
			reeve_admission_end(r, info.id, NULL, NULL);
		else
			reeve_session_complete(r, ids[i], NULL);
	}
}

/* A statement that waits for a lock of the holder, dies with it, or lets go. */
static void wait_for_lock(struct reeve_session *s, uint64_t seed)
{
	if (reeve_query_begin(s, NULL, NULL))
		abort();
	kit_spin(20 * REEVE_USEC);
	reeve_block_begin(s);
	if (reeve_task_blocked_by(s, (reeve_session_id){atomic_load(&holder)}, NULL))
		abort();
	kit_nap(50 * REEVE_USEC);
	if (kit_below(&seed, 2))
		reeve_task_unblocked(s);
	reeve_block_end(s);
	reeve_query_end(s, NULL);
}

static void end_one(struct reeve *r, const struct victim *v, uint64_t *seed)
{
	if (kit_below(seed, 2))
		reeve_session_destroy(kit_session(r, REEVE_INTERACTIVE_GROUP));
	else
		reeve_session_kill(r, reeve_session_id_of(condemned[v->index]), NULL);
}

/* Whichever is next, left behind by an earlier victim perhaps. */
static void run_task(struct reeve *r)
{
	struct reeve_task_info info;
	reeve_task_id id;

	if (reeve_task_create(r, 7, (reeve_group_id){REEVE_BATCH_GROUP}, 3, &id, NULL) == 0 &&
		reeve_task_next(r, &info, NULL) == 0)
		reeve_task_complete(r, info.id, 1000, NULL);
}

static void act(struct world *w, struct reeve *r, const struct victim *v, struct reeve_session *s)
{
	enum role role = scenario[v->point].role;
	uint64_t seed = v->seed;

	switch (role) {
	case SESSIONS:
		s = kit_session(r, REEVE_INTERACTIVE_GROUP);
		reeve_session_attributes_set(r, reeve_session_id_of(s),
			&(struct reeve_session_attributes){.module = "m"}, NULL);
		run_one(s, &seed, role);
		reeve_session_destroy(s);
		break;
	case ENDS:
		end_one(r, v, &seed);
		break;
	case TASKS:
		run_task(r);
		break;
	case LOCKS:
		wait_for_lock(s, seed);
		break;
	case CANCELS:
		reeve_session_cancel(r, (reeve_session_id){atomic_load(&holder)}, NULL);
		break;
	case DEFINES:
		for (uint32_t kind = 0; kind < DEFINITION_KINDS; kind++)
			definitions_change(&w->sets[v->index], r, kind);
		break;
	case REMOVES:
		delete_one(r, v->index);
		break;
	case EDITS:
		edit_one(r, v->index, 1 + kit_below(&seed, 1000));
		break;
	case PLANS:
		define_one(r, v->index, 1 + kit_below(&seed, 1000));
		break;
	case DELETES:
		delete_group(r, v->index, seed);
		break;
	case ACTIVATES:
		activate(w, r, 1 + kit_below(&seed, 4));
		break;
	case REAPS:
		reeve_tick(r, NULL, NULL);
		break;
	case ADMITS:
		admit_one(s, &seed);
		break;
	case PULLS:
		pull_one(r, s, &seed);
		break;
	case REGISTERS:
		seed = 1 + kit_below(&seed, 999);
		if (reeve_io_group_register(r, (reeve_group_id){REEVE_MAINTENANCE_GROUP},
			    1000 * seed, seed, (uint32_t)seed, NULL))
			abort();
		break;
	case PARALLEL:
		use_servers(w, r, v, s);
		break;
	case QUERIES:
		admit_query(w, r, s, &seed);
		break;
	case ALLOCATES:
		use_memory(r, &seed);
		break;
	case POOLS:
		keep_pool(r);
		break;
	case RECONFIGURES:
		configure_pool(r, 1 + kit_below(&seed, 3));
		if (kit_below(&seed, 4) == 0)
			reeve_session_pool_remove(
				r, (reeve_group_id){REEVE_MAINTENANCE_GROUP}, NULL);
		break;
	case MOVES:
		reeve_session_switch(r, reeve_session_id_of(s),
			(reeve_group_id){kit_below(&seed, 2) ? REEVE_MAINTENANCE_GROUP
							     : REEVE_INTERACTIVE_GROUP},
			REEVE_SWITCH_MANUAL, NULL);
		run_one(s, &seed, ALONE);
		break;
	default:
		run_one(s, &seed, role);
	}
}

static int run_victim(struct world *w, void *arg)
{
	struct victim *v = arg;
	struct reeve_session *s;
	struct reeve *r;
	reeve_ns until = kit_now() + 4 * REEVE_SEC;

	atomic_store(&reeve__point_hook, die_at_point);
	if (scenario[v->point].role == ATTACHES)
		arm(v);
	r = kit_open(w->path);
	s = kit_session(r, REEVE_INTERACTIVE_GROUP);
	/* A slot stays free where slots are to be free, and the prey is not waited for. */
	if (mode_of(v->point) == WORLD_BUSY || (v->index == 0 && w->slots > 1))
		start_holder(r);
	if (scenario[v->point].role == CAPPED)
		activate(w, r, REEVE_DAYTIME_PLAN);
	if (uses_pool(v->point))
		start_pool(r);
	arm(v);
	while (kit_now() < until) {
		act(w, r, v, s);
		v->seed++;
	}
	return 3;
}

/* Dies with a statement running and a session at rest; what a reaper finds. */
static int run_prey(struct world *w, void *arg)
{
	struct reeve *r = kit_open(w->path);

	(void)arg;
	kit_session(r, REEVE_INTERACTIVE_GROUP);
	if (reeve_query_begin(kit_session(r, REEVE_BATCH_GROUP), NULL, NULL))
		return 1;
	kill(getpid(), SIGKILL);
	return 1;
}

/* ---- the test ---- */

/* Of those there is one at a time, so that the plan acknowledged last is known. */
static bool is_activator(int point)
{
	return scenario[point].role == ACTIVATES || scenario[point].role == CAPPED;
}

static int point_of_mode(uint64_t *seed, enum world_mode mode, bool no_activator)
{
	for (;;) {
		int point = (int)kit_below(seed, REEVE_POINT_COUNT);
		if (mode_of(point) == mode && !(no_activator && is_activator(point)))
			return point;
	}
}

/* Waits for the end of a victim: a fault when it hangs, a note when it was never at its point. */
static int wait_for_kill(pid_t pid, const char *what)
{
	int status = world_wait(pid, 6 * REEVE_SEC);

	if (status != -1 && !WIFSIGNALED(status))
		printf("note: %s: a victim did not come by\n", what);
	if (status == -1)
		printf("FAULT %s: a victim hangs\n", what);
	else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		printf("FAULT %s: a victim died of signal %d\n", what, WTERMSIG(status));
	else
		return 0;
	return 1;
}

/* A kill is not begun, or done: whoever comes by next does it. */
static int end_condemned(struct world *w, const struct victim *v, const char *what)
{
	struct reeve_session *s = condemned[v->index];
	struct reeve_session_info info;
	int faults = 0;

	if (reeve_session_get(w->r, reeve_session_id_of(s), &info, NULL) ||
		info.state == REEVE_SESSION_KILLED) {
		printf("FAULT %s: a session is killed, and stays\n", what);
		faults++;
	}
	reeve_session_destroy(s);
	return faults;
}

/* One or two victims die; the others go on. Returns the number of faults. */
static int run_round(struct world *w, int point, uint64_t *seed, bool ticking)
{
	enum world_mode mode = mode_of(point);
	struct victim victims[2];
	uint32_t n = mode == WORLD_PAUSED ? 1 : 2, dead_count = 0;
	pid_t pids[2], dead[3];
	char what[200];
	int faults = 0;

	for (uint32_t i = 0; i < n; i++) {
		int p = i ? point_of_mode(seed, mode, is_activator(point)) : point;
		victims[i] = (struct victim){
			i, p, 1 + kit_below(seed, scenario[p].most), kit_random(seed)};
		condemned[i] = kit_session(w->r, REEVE_INTERACTIVE_GROUP);
	}
	atomic_store(&w->ticking, ticking && mode != WORLD_PAUSED);
	snprintf(what, sizeof(what), "kill at hit %u of %s and %u of %s%s", victims[0].nth,
		names[point], n > 1 ? victims[1].nth : 0, n > 1 ? names[victims[1].point] : "none",
		ticking ? ", with a ticker" : "");
	world_go(w, mode);
	if (mode == WORLD_PAUSED) {
		dead[dead_count++] = world_fork(w, run_prey, NULL);
		faults += wait_for_kill(dead[0], what);
	}
	for (uint32_t i = 0; i < n; i++)
		pids[i] = world_fork(w, run_victim, &victims[i]);
	for (uint32_t i = 0; i < n; i++) {
		dead[dead_count++] = pids[i];
		faults += wait_for_kill(pids[i], what);
	}
	atomic_store(&w->ticking, ticking);
	world_go(w, WORLD_BUSY);
	faults += world_recovered(w, dead, dead_count, what);
	for (uint32_t i = 0; i < n; i++)
		faults += end_condemned(w, &victims[i], what);
	return faults + count_halves(w->r, what);
}

static int print_kills(uint64_t least)
{
	uint64_t all = 0;
	int faults = 0;

	for (int p = 0; p < REEVE_POINT_COUNT; p++) {
		printf("%6llu kills at %s\n", (unsigned long long)kills[p], names[p]);
		all += kills[p];
		faults += kills[p] == 0;
	}
	printf("%llu kills\n", (unsigned long long)all);
	if (faults || all < least)
		printf("FAULT %d points were not reached; at least %llu kills are wanted\n", faults,
			(unsigned long long)least);
	return faults + (all < least);
}

static int point_asked_for(void)
{
	const char *name = getenv("REEVE_TEST_POINT");

	for (int p = 0; name && p < REEVE_POINT_COUNT; p++)
		if (strcmp(name, names[p]) == 0)
			return p;
	return -1;
}

/* Points that nobody came by in time: on a busy machine a victim's few seconds may not be enough. */
static int try_again(struct world *w, uint64_t *seed)
{
	int faults = 0;

	for (int p = 0; p < REEVE_POINT_COUNT; p++)
		for (uint32_t n = 0; n < MORE_ROUNDS && kills[p] == 0 && !faults; n++)
			faults = run_round(w, p, seed, n % 3 == 2);
	return faults;
}

static int kill_at_every_point(const char *test, uint32_t cpu_slots, uint32_t laps)
{
	uint64_t seed = kit_seed(test);
	struct world *w = world_create(cpu_slots);
	int only = point_asked_for(), faults = 0;

	kills = kit_shared(REEVE_POINT_COUNT * sizeof(*kills));
	for (uint32_t i = 0; i < laps * REEVE_POINT_COUNT && faults < 12; i++)
		faults += run_round(w, only >= 0 ? only : (int)(i % REEVE_POINT_COUNT), &seed,
			i / REEVE_POINT_COUNT % 3 == 2);
	if (!faults && only < 0)
		faults = try_again(w, &seed);
	if (!faults && only < 0)
		faults += print_kills((uint64_t)laps * REEVE_POINT_COUNT * 3 / 2);
	printf("the longest recovery took %.3f s\n", (double)w->longest / 1e9);
	world_destroy(w);
	return faults;
}

static void test_every_point_has_a_scenario(void **state)
{
	(void)state;
	for (int p = 0; p < REEVE_POINT_COUNT; p++)
		if (scenario[p].role == NO_ROLE)
			fail_msg("point %s has no scenario", names[p]);
}

static void test_kills_with_two_slots(void **state)
{
	(void)state;
	assert_int_equal(kill_at_every_point("kills, two slots", 2, kit_all() ? 60 : 6), 0);
}

static void test_kills_with_one_slot(void **state)
{
	(void)state;
	assert_int_equal(kill_at_every_point("kills, one slot", 1, kit_all() ? 30 : 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_point_has_a_scenario),
		cmocka_unit_test(test_kills_with_two_slots),
		cmocka_unit_test(test_kills_with_one_slot)};

	return cmocka_run_group_tests_name("crash_points", tests, NULL, NULL);
}
