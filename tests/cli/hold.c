/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.c - a process for the command line to look at: makes a segment, and sessions in every state.
 *
 *	cli-hold SEGMENT
 *
 * Two CPU slots, groups GOLD (75 %) and IRON (25 %, cap 50 %). Users alice and bob of GOLD run and hold
 * both slots; carol of IRON waits for one; dave of IRON is blocked; erin of GOLD is idle. Prints
 * "ready" when all that is so. A line "work" on standard input ends the statements, and then alice
 * and carol run short ones in turn, 3 to 1 in CPU time; prints "working". End of input ends it.
 */
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <reeve/reeve.h>

static struct reeve *reeve;
static struct reeve_error err;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "cli-hold: %s: %s\n", what, err.text);
	exit(1);
}

static void must(int rc, const char *what)
{
	if (rc < 0)
		fail(what);
}

struct actor {
	const char *user, *program;
	const char *group;
	struct reeve_session *session;
	pthread_t thread;
};

static struct actor alice = {.user = "alice", .program = "shop", .group = "GOLD"};
static struct actor bob = {.user = "bob", .program = "shop", .group = "GOLD"};
static struct actor carol = {.user = "carol", .program = "report", .group = "IRON"};
static struct actor dave = {.user = "dave", .program = "report", .group = "IRON"};
static struct actor erin = {.user = "erin", .program = "shop", .group = "GOLD"};

static void create_group(const char *name, reeve_plan_id plan, uint32_t shares, uint32_t cap_pct)
{
	struct reeve_group_def group = REEVE_GROUP_DEF_INIT;
	struct reeve_directive_def directive = {.given = REEVE_DIRECTIVE_CPU_SHARES};
	reeve_directive_id directive_id;
	reeve_group_id id;

	group.name = name;
	must(reeve_group_create(reeve, &group, &id, &err), name);
	directive.cpu_shares = shares;
	directive.cpu_cap_pct = cap_pct;
	if (cap_pct > 0)
		directive.given |= REEVE_DIRECTIVE_CPU_CAP;
	must(reeve_directive_set(reeve, plan, id, &directive, &directive_id, &err), "directive");
}

static void make_segment(const char *path)
{
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_plan_def plan = REEVE_PLAN_DEF_INIT;
	struct reeve_cpu_config config;
	reeve_plan_id id;

	options.path = path;
	options.flags = REEVE_OPEN_NEW;
	options.name = "cli-hold";
	options.cpu_slots = 2;
	options.max_sessions = 64;
	options.max_tasks = 64;
	options.max_groups = 64;
	must(reeve_open(&options, &reeve, &err), path);
	plan.name = "TEST_PLAN";
	must(reeve_plan_create(reeve, &plan, &id, &err), "plan");
	create_group("GOLD", id, 75, 0);
	create_group("IRON", id, 25, 50);
	must(reeve_plan_activate(reeve, id, &err), "activation");
	reeve_cpu_config_get(reeve, &config);
	config.quantum_ns = REEVE_SEC;
	must(reeve_cpu_config_set(reeve, &config, &err), "quantum");
}

static void open_session(struct actor *actor)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;

	def.username = actor->user;
	def.program = actor->program;
	if (!reeve_group_find(reeve, actor->group, &def.group))
		fail(actor->group);
	must(reeve_session_create(reeve, &def, &actor->session, &err), actor->user);
}

/* Begins a statement that may wait. Cancelled in the end, and that is no failure. */
static void *begin(void *arg)
{
	struct actor *actor = arg;

	if (reeve_query_begin(actor->session, NULL, NULL) == 0)
		reeve_query_end(actor->session, NULL);
	return NULL;
}

static void wait_for_state(const struct actor *actor, uint32_t state)
{
	const struct timespec pause = {0, 1000000};
	struct reeve_session_info info;

	for (int i = 0; i < 10000; i++) {
		must(reeve_session_get(reeve, reeve_session_id_of(actor->session), &info, &err),
			"session");
		if (info.state == state)
			return;
		nanosleep(&pause, NULL);
	}
	snprintf(err.text, sizeof(err.text), "state %u, wanted %u", info.state, state);
	fail(actor->user);
}

static void take_places(void)
{
	open_session(&alice);
	open_session(&bob);
	open_session(&carol);
	open_session(&dave);
	open_session(&erin);
	must(reeve_query_begin(dave.session, NULL, &err), "dave");
	reeve_block_begin(dave.session);
	must(reeve_query_begin(alice.session, NULL, &err), "alice");
	must(reeve_query_begin(bob.session, NULL, &err), "bob");
	if (pthread_create(&carol.thread, NULL, begin, &carol) != 0)
		fail("thread");
	wait_for_state(&carol, REEVE_SESSION_WAITING);
}

static void leave_places(void)
{
	must(reeve_session_cancel(reeve, reeve_session_id_of(carol.session), &err), "cancel");
	pthread_join(carol.thread, NULL);
	reeve_query_end(alice.session, NULL);
	reeve_query_end(bob.session, NULL);
	reeve_query_end(dave.session, NULL);
}

static reeve_ns thread_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (reeve_ns)t.tv_sec * REEVE_SEC + t.tv_nsec;
}

static void run_statement(struct actor *actor, reeve_ns cpu_ns)
{
	reeve_ns end = thread_cpu() + cpu_ns;

	must(reeve_query_begin(actor->session, NULL, &err), actor->user);
	while (thread_cpu() < end && reeve_checkpoint(actor->session) == 0)
		;
	reeve_query_end(actor->session, NULL);
}

/* Whether standard input has something, or its end, within this time. */
static bool has_input(int timeout_ms)
{
	struct pollfd pollfd = {STDIN_FILENO, POLLIN, 0};

	return poll(&pollfd, 1, timeout_ms) > 0;
}

int main(int argc, char **argv)
{
	char line[16];

	if (argc != 2) {
		fputs("usage: cli-hold SEGMENT\n", stderr);
		return 2;
	}
	make_segment(argv[1]);
	take_places();
	puts("ready");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "work\n") == 0) {
		leave_places();
		puts("working");
		fflush(stdout);
		while (!has_input(20)) {
			run_statement(&alice, 3 * REEVE_MSEC);
			run_statement(&carol, REEVE_MSEC);
		}
	} else {
		leave_places();
	}
	reeve_session_destroy(alice.session);
	reeve_session_destroy(bob.session);
	reeve_session_destroy(carol.session);
	reeve_session_destroy(dave.session);
	reeve_session_destroy(erin.session);
	reeve_close(reeve);
	return 0;
}
