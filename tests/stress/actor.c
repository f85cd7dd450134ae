/* SPDX-License-Identifier: Apache-2.0 */
/* actor.c - see actor.h. */
#include "actor.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct act {
	const char *name;
	uint32_t weight;
	void (*run)(struct actor *a);
} acts[] = {
	{"statement", 400, act_statement},
	{"session create", 60, act_session_create},
	{"session end", 25, act_session_end},
	{"session meddle", 60, act_session_meddle},
	{"session settings", 8, act_session_settings},
	{"session by hand", 15, act_session_by_hand},
	{"session pool", 10, act_session_pool},
	{"session look", 8, act_session_look},
	{"group change", 15, act_group_change},
	{"group delete", 6, act_group_delete},
	{"user", 10, act_user},
	{"rule", 10, act_rule},
	{"CPU registration", 8, act_cpu_registration},
	{"plan change", 10, act_plan_change},
	{"plan delete", 4, act_plan_delete},
	{"directive", 12, act_directive},
	{"plan activate", 6, act_plan_activate},
	{"plan look", 6, act_plan_look},
	{"edit", 8, act_edit},
	{"schedule", 5, act_schedule},
	{"window", 3, act_window},
	{"allocate", 60, act_allocate},
	{"memory pool", 10, act_memory_pool},
	{"quota", 20, act_quota},
	{"memory settings", 4, act_memory_settings},
	{"pressure", 4, act_pressure},
	{"advice", 5, act_advice},
	{"memory look", 5, act_memory_look},
	{"pull I/O", 60, act_io_pull},
	{"managed I/O", 20, act_io_managed},
	{"I/O settings", 8, act_io_settings},
	{"I/O look", 5, act_io_look},
	{"outside parallel", 30, act_outside_parallel},
	{"server pool", 8, act_server_pool},
	{"parallel settings", 5, act_parallel_settings},
	{"parallel look", 5, act_parallel_look},
	{"task", 50, act_task},
	{"CPU settings", 6, act_cpu_settings},
	{"stats", 6, act_stats},
	{"events", 8, act_events},
	{"manager", 4, act_manager},
	{"tick", 4, act_tick},
	{"validate", 1, act_validate},
	{"attach", 2, act_attach},
};
enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

const char *actor_act_name(uint32_t doing)
{
	return doing && doing <= ACTS ? acts[doing - 1].name : "nothing";
}

static void step(struct actor *a)
{
	uint32_t all = 0, roll, i = 0;

	for (uint32_t k = 0; k < ACTS; k++)
		all += acts[k].weight;
	for (roll = below(a, all); roll >= acts[i].weight; i++)
		roll -= acts[i].weight;
	a->act = acts[i].name;
	kit_put(&a->board->doing[a->index], i + 1);
	acts[i].run(a);
	kit_put(&a->board->doing[a->index], 0);
	kit_add(&a->board->steps, 1);
}

static void give_back(struct actor *a)
{
	a->act = "the end";
	io_give_back(a);
	sessions_give_back(a);
	memory_give_back(a);
	parallel_give_back(a);
	reeve_edit_discard(a->r, NULL);
}

void actor_run(struct actor *a)
{
	struct board *b = a->board;
	uint32_t device;
	char path[96];

	snprintf(path, sizeof(path), "%s/actor-%u", b->directory, a->index);
	a->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (a->fd < 0)
		fault(a, "a temporary file cannot be opened", a->fd);
	reeve_io_device_open(a->r, "/dev/one", &device, &a->err); /* known to all from now on */
	reeve_io_device_open(a->r, "/dev/two", &device, &a->err);
	while (atomic_load(&b->phase) == BOARD_WORK)
		step(a);
	atomic_store(&b->rests[a->index], 1);
	while (atomic_load(&b->phase) == BOARD_REST)
		kit_nap(REEVE_MSEC);
	give_back(a);
	close(a->fd);
}

/* ---- judging ---- */

void fault(struct actor *a, const char *what, int rc)
{
	if (kit_add(&a->board->faults, 1) < 20)
		printf("FAULT actor %u, %s: %s: %d %s\n", a->index, a->act, what, rc, a->err.text);
	fflush(stdout);
}

int allow(struct actor *a, int rc, uint32_t may, const char *what)
{
	if (rc < 0 && (rc < -31 || !(may & 1u << -rc)))
		fault(a, what, rc);
	if (rc < 0 && a->err.code != rc)
		fault(a, "the error does not say what was returned", rc);
	a->err = (struct reeve_error){0, ""};
	return rc;
}

/* ---- chance ---- */

uint32_t below(struct actor *a, uint32_t n)
{
	return kit_below(&a->seed, n);
}

bool once_in(struct actor *a, uint32_t n)
{
	return below(a, n) == 0;
}

reeve_ns soon(struct actor *a, uint32_t us)
{
	return kit_now() + (reeve_ns)(1 + below(a, us)) * REEVE_USEC;
}

/* ---- ids ---- */

uint64_t board_pick(struct actor *a, enum board_kind kind)
{
	return kit_get(&a->board->ids[kind][below(a, BOARD_PLACES)]);
}

void board_put(struct actor *a, enum board_kind kind, uint64_t id)
{
	kit_put(&a->board->ids[kind][below(a, BOARD_PLACES)], id);
}

reeve_group_id any_group(struct actor *a)
{
	uint64_t id = once_in(a, 2) ? board_pick(a, BOARD_GROUP) : 0;

	return (reeve_group_id){id ? id : 1 + below(a, 4)};
}

reeve_plan_id any_plan(struct actor *a)
{
	uint64_t id = once_in(a, 4) ? 0 : board_pick(a, BOARD_PLAN);

	return (reeve_plan_id){id ? id : 1 + below(a, 4)};
}

uint32_t own_place(struct actor *a, const uint64_t *own, bool used)
{
	uint32_t from = below(a, OWN_MAX);

	for (uint32_t k = 0; k < OWN_MAX; k++)
		if ((own[(from + k) % OWN_MAX] != 0) == used)
			return (from + k) % OWN_MAX;
	return OWN_MAX;
}

/* ---- counts ---- */

void count_try(struct actor *a, enum count_kind kind)
{
	kit_add(&a->board->tried[kind], 1);
}

void count_settle(struct actor *a, enum count_kind kind, enum outcome outcome)
{
	if (outcome == IT_IS_DONE)
		kit_add(&a->board->done[kind], 1);
	if (outcome == IT_IS_REFUSED)
		kit_add(&a->board->tried[kind], (uint64_t)-1);
}
