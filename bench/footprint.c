/* SPDX-License-Identifier: Apache-2.0 */
/*
 * footprint.c - what the segment takes: an empty one, and each group, session and task, as the layout
 * says it and as resident memory grows. The file lies in memory, so its blocks are what is resident.
 */
#include "../src/engine/engine.h"
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUPS = 1000, TASKS = 20000, SESSIONS = 8000 };

static struct reeve *reeve;
static char path[64];

static double resident(void)
{
	struct stat st;

	if (stat(path, &st) != 0)
		exit(1);
	return (double)st.st_blocks * 512;
}

static void check(int rc, const struct reeve_error *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_footprint: %s\n", err->text);
	unlink(path);
	exit(1);
}

static void add_groups(void)
{
	struct reeve_group_def def = REEVE_GROUP_DEF_INIT;
	struct reeve_error err;
	reeve_group_id id;
	char name[32];

	def.name = name;
	for (int i = 0; i < GROUPS; i++) {
		snprintf(name, sizeof(name), "GROUP_%d", i);
		check(reeve_group_create(reeve, &def, &id, &err), &err);
	}
}

static void add_tasks(void)
{
	struct reeve_error err;
	reeve_task_id id;

	for (int i = 0; i < TASKS; i++)
		check(reeve_task_create(reeve, (uint64_t)i, (reeve_group_id){REEVE_BATCH_GROUP}, 3,
			      &id, &err),
			&err);
}

static void add_sessions(void)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_session *s;
	struct reeve_error err;

	def.username = "reporting";
	def.user_id = 7;
	def.program = "quarterly-report";
	def.machine = "host-17.example.com";
	def.service = "analytics";
	def.module = "sales";
	def.action = "sum by region";
	for (int i = 0; i < SESSIONS; i++)
		check(reeve_session_create(reeve, &def, &s, &err), &err);
}

/* Rows that each table has beside the slot itself count too; memory and I/O by what they are. */
static void print_layout(void)
{
	size_t group = sizeof(struct reeve_sh_group), more;

	more = sizeof(struct reeve_sh_cpu_lane) + sizeof(struct reeve_sh_session_pool) +
	       sizeof(struct reeve_sh_memory_group) + sizeof(struct reeve_sh_io_group) +
	       sizeof(struct reeve_sh_parallel_group) +
	       REEVE_SH_RULINGS * sizeof(struct reeve_sh_ruling_row);
	printf("bytes by the layout: session %zu, task %zu and %zu beside it, I/O request %zu, "
	       "group %zu and %zu beside it in other tables\n",
		sizeof(struct reeve_sh_session), sizeof(struct reeve_sh_task),
		sizeof(struct reeve_sh_cpu_task), sizeof(struct reeve_sh_io_request), group, more);
	bench_judge("session, slot", sizeof(struct reeve_sh_session), 512, "bytes");
	bench_judge("task, slot", sizeof(struct reeve_sh_task), 256, "bytes");
	bench_judge("I/O request, slot", sizeof(struct reeve_sh_io_request), 256, "bytes");
	bench_judge("group, slot", (double)group, 2048, "bytes");
}

int main(void)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err;
	double empty, groups, tasks, events, sessions, task;

	snprintf(path, sizeof(path), "/dev/shm/reeve-bench-footprint.%ld", (long)getpid());
	options.path = path;
	options.flags = REEVE_OPEN_NEW;
	options.cpu_slots = 2;
	if (reeve_open(&options, &reeve, &err) != 0) {
		fprintf(stderr, "bench_footprint: %s\n", err.text);
		return 1;
	}
	print_layout();
	empty = resident();
	add_groups();
	groups = resident() - empty;
	add_tasks();
	tasks = resident() - empty - groups;
	for (uint32_t i = 0; i < reeve->event_capacity; i++) /* so that the ring grows no more */
		reeve__event_emit(reeve, &(struct reeve_event){.kind = REEVE_EVENT_REBALANCED});
	events = resident() - empty - groups - tasks;
	add_sessions();
	sessions = resident() - empty - groups - tasks - events;
	task = tasks / TASKS;
	bench_judge("empty segment, resident", empty / 1024, 64, "KiB");
	bench_judge("task, resident with what lies beside it", task, 256, "bytes");
	bench_judge("session without its task, resident", sessions / SESSIONS - task, 512, "bytes");
	bench_judge("group, resident with what lies beside it", groups / GROUPS, 2048, "bytes");
	reeve_close(reeve);
	unlink(path);
	return 0;
}
