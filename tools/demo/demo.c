/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo.c - what a resource plan does for look-ups that share a database with heavy reports.
 *
 * Three phases over the same SQLite database, each measured from outside, through HTTP:
 *
 *	1  look-ups alone
 *	2  with reports beside them, and nothing governed: a reeved with so many CPU slots that no
 *	   statement ever waits for one, so that the operating system alone decides who runs
 *	3  with the same reports beside them, under a plan: INTERACTIVE_GROUP 900 shares, BATCH_GROUP
 *	   100 shares
 *
 * Phases 1 and 3 run on the server that is left running afterwards.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graphql.h"
#include "load.h"
#include "server.h"
#include "table.h"

#define LOOKUP_CLIENTS 4
#define REPORT_CLIENTS 8
/* More than the demonstration can have statements at once: nobody ever waits. */
#define UNGOVERNED_SLOTS 1024
#define PLAN_NAME	 "DEMO_PLAN"
/* Names of the servers' folders, before the port. */
#define GOVERNED   "governed"
#define UNGOVERNED "ungoverned"

struct demo {
	const char *reeved, *database, *folder;
	uint16_t port;
	bool is_once;
	struct server governed, ungoverned;
	struct http_conn control;
	struct load_names names;
	uint64_t plan; /* id of ours */
	struct table table;
};

static void stop_on_signal(int signal_number)
{
	(void)signal_number;
	load_stop = 1;
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop_on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static void usage(FILE *to)
{
	fputs("usage: reeve-demo --reeved PROGRAM --database FILE --folder DIR [--port N]\n"
	      "                  [--phase-seconds N] [--once]\n"
	      "Shows look-ups beside reports, ungoverned and governed; then leaves the server\n"
	      "running until Ctrl-C, or with --once ends.\n",
		to);
}

/* A whole number from `least` to `most`; exits with 2 for anything else. */
static unsigned number_option(const char *name, const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || number < least || number > most) {
		fprintf(stderr, "reeve-demo: --%s %s: must be %u to %u\n", name, text, least, most);
		exit(2);
	}
	return (unsigned)number;
}

static void read_options(struct demo *demo, int argc, char **argv)
{
	static const struct option options[] = {{"reeved", required_argument, NULL, 'r'},
		{"database", required_argument, NULL, 'd'},
		{"folder", required_argument, NULL, 'f'}, {"port", required_argument, NULL, 'p'},
		{"phase-seconds", required_argument, NULL, 's'}, {"once", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			demo->reeved = optarg;
			break;
		case 'd':
			demo->database = optarg;
			break;
		case 'f':
			demo->folder = optarg;
			break;
		case 'p':
			demo->port = (uint16_t)number_option("port", optarg, 1, 65535);
			break;
		case 's':
			demo->table.seconds = number_option("phase-seconds", optarg, 1, 3600);
			break;
		case 'o':
			demo->is_once = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc || !demo->reeved || !demo->database || !demo->folder) {
		usage(stderr);
		exit(2);
	}
}

/* ---- servers ---- */

static int start_server(struct demo *demo, struct server *server, const char *name, uint16_t port,
	unsigned cpu_slots)
{
	char data[4096], segment[4200];
	struct server_options options = {.program = demo->reeved,
		.database = demo->database,
		.data = data,
		.port = port,
		.cpu_slots = cpu_slots};

	/* A folder for each port: nobody else has this one while the port is ours. */
	snprintf(data, sizeof(data), "%s/%s-%u", demo->folder, name, (unsigned)demo->port);
	snprintf(segment, sizeof(segment), "%s/reeve.segment", data);
	unlink(segment); /* every run begins with the plans and counters of a new one */
	http_close(&demo->control);
	if (server_start(server, &options) != 0)
		return -1;
	if (http_open(&demo->control, port) == 0)
		return 0;
	fprintf(stderr, "reeve-demo: port %u: %s\n", (unsigned)port, strerror(errno));
	return -1;
}

static int use_server(struct demo *demo, const struct server *server)
{
	http_close(&demo->control);
	return http_open(&demo->control, server->port);
}

/* ---- the plan ---- */

static uint64_t find_or_create_plan(struct demo *demo)
{
	json_t *data = graphql_call(&demo->control,
		"{ getResourcePlanByName(name: \"" PLAN_NAME "\") { id } }", NULL, true);
	json_t *plan = json_object_get(data, "getResourcePlanByName");
	uint64_t id = (uint64_t)json_integer_value(json_object_get(plan, "id"));

	json_decref(data);
	if (id)
		return id;
	return graphql_number(&demo->control,
		"mutation { createResourcePlan(name: \"" PLAN_NAME "\", cpuMethod: \"SHARES\","
		" description: \"Look-ups first, reports with what is left\") { planId } }",
		NULL, "createResourcePlan.planId");
}

static int give_shares(struct demo *demo, uint64_t plan, int group, int shares)
{
	return graphql_number(&demo->control,
		       "mutation($p: UInt64!, $g: UInt64!, $s: Int) { createPlanDirective("
		       "planId: $p, groupId: $g, cpuShares: $s) { directiveId } }",
		       json_pack("{s:I, s:i, s:i}", "p", (json_int_t)plan, "g", group, "s", shares),
		       "createPlanDirective.directiveId")
		       ? 0
		       : -1;
}

static int activate_plan(struct demo *demo)
{
	uint64_t plan = find_or_create_plan(demo);
	json_t *data;

	if (!plan || give_shares(demo, plan, 2, 900) != 0 || give_shares(demo, plan, 3, 100) != 0)
		return -1;
	data = graphql_call(&demo->control,
		"mutation($p: UInt64!) { activateResourcePlan(planId: $p) { success } }",
		json_pack("{s:I}", "p", (json_int_t)plan), false);
	json_decref(data);
	demo->plan = plan;
	return data ? 0 : -1;
}

/* ---- phases ---- */

static int run_phase(struct demo *demo, const struct server *server, unsigned phase,
	const char *title, unsigned report_clients)
{
	struct load_options options = {.server = server,
		.control = &demo->control,
		.names = &demo->names,
		.lookup_clients = LOOKUP_CLIENTS,
		.report_clients = report_clients,
		.seconds = demo->table.seconds,
		.cores = demo->table.cores};

	printf("\n%u. %s\n", phase + 1, title);
	return load_run(&options, &demo->table.results[phase]);
}

static int run_ungoverned(struct demo *demo)
{
	uint16_t port = server_free_port();
	int result = -1;

	if (port && start_server(demo, &demo->ungoverned, UNGOVERNED, port, UNGOVERNED_SLOTS) == 0)
		result = run_phase(demo, &demo->ungoverned, 1,
			"Look-ups beside 8 report sessions, nothing governed: the operating system "
			"decides",
			REPORT_CLIENTS);
	http_close(&demo->control);
	if (server_stop(&demo->ungoverned) != 0) {
		fprintf(stderr, "reeve-demo: the ungoverned reeved did not end well\n");
		result = -1;
	}
	return result;
}

static int run_governed(struct demo *demo)
{
	if (use_server(demo, &demo->governed) != 0 || activate_plan(demo) != 0)
		return -1;
	return run_phase(demo, &demo->governed, 2,
		"Look-ups beside 8 report sessions, under " PLAN_NAME
		": INTERACTIVE_GROUP 900 shares, BATCH_GROUP 100",
		REPORT_CLIENTS);
}

static int run_phases(struct demo *demo)
{
	if (run_phase(demo, &demo->governed, 0, "Look-ups alone", 0) != 0 ||
		run_ungoverned(demo) != 0)
		return -1;
	return run_governed(demo);
}

/* Errors of answers, summed: the demonstration has failed when there were any. */
static uint64_t count_errors(const struct demo *demo)
{
	uint64_t errors = 0;

	for (unsigned phase = 0; phase < PHASES; phase++)
		errors += demo->table.results[phase].errors;
	if (errors)
		fprintf(stderr, "reeve-demo: %llu answers were errors\n",
			(unsigned long long)errors);
	return errors;
}

/* ---- afterwards ---- */

/* A command line that works as it is printed. */
static void show_curl(unsigned port, const char *what, const char *document)
{
	printf("   # %s\n   curl -s http://127.0.0.1:%u/graphql -H 'Content-Type: "
	       "application/json' \\\n"
	       "     -d '{\"query\": \"%s\"}'\n\n",
		what, port, document);
}

static void show_what_next(struct demo *demo)
{
	char run[256], cap[160];
	uint64_t session = graphql_number(&demo->control,
		"mutation { createSession(userId: 7, username: \"you\", groupId: 3) { sessionId } "
		"}",
		NULL, "createSession.sessionId");

	snprintf(run, sizeof(run),
		"mutation { executeSql(sessionId: %llu, sql: \\\"SELECT section, count(*) FROM "
		"packages "
		"GROUP BY 1\\\") { rows cpuTimeNs waitTimeNs } }",
		(unsigned long long)session);
	snprintf(cap, sizeof(cap),
		"mutation { createPlanDirective(planId: %llu, groupId: 3, cpuUtilizationLimit: 25) "
		"{ "
		"directiveId } }",
		(unsigned long long)demo->plan);
	printf("\nThe server goes on at http://127.0.0.1:%u until Ctrl-C, under " PLAN_NAME
	       ". Try, in another terminal:\n\n   # who runs, who waits and why\n"
	       "   build/bin/reeve top --data %s/" GOVERNED "-%u\n\n",
		(unsigned)demo->port, demo->folder, (unsigned)demo->port);
	show_curl(demo->port, "the plan in force, and who is there",
		"{ getActiveResourcePlan { name } listConsumerGroups { name currentSessions } }");
	show_curl(demo->port, "a statement in a session of BATCH_GROUP, and what it cost", run);
	show_curl(demo->port, "from now on reports have a quarter of the machine at most", cap);
	fflush(stdout);
}

static void wait_for_stop(void)
{
	while (!load_stop)
		poll(NULL, 0, 1000); /* a signal ends it at once */
}

static int run_demo(struct demo *demo)
{
	if (start_server(demo, &demo->governed, GOVERNED, demo->port, 0) != 0)
		return -1;
	printf("reeved serves %s on 127.0.0.1:%u\n", demo->database, (unsigned)demo->port);
	if (load_names_fetch(&demo->names, &demo->control) != 0 || run_phases(demo) != 0)
		return -1;
	table_show(&demo->table);
	if (count_errors(demo) != 0)
		return -1;
	if (!demo->is_once) {
		show_what_next(demo);
		wait_for_stop();
	}
	return 0;
}

static void clean_up(struct demo *demo)
{
	http_close(&demo->control);
	load_names_fini(&demo->names);
	for (unsigned phase = 0; phase < PHASES; phase++)
		load_result_fini(&demo->table.results[phase]);
}

int main(int argc, char **argv)
{
	struct demo demo = {.port = 8080,
		.table = {.seconds = 12,
			.lookup_clients = LOOKUP_CLIENTS,
			.report_clients = REPORT_CLIENTS},
		.control = HTTP_CONN_INIT};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int result;

	read_options(&demo, argc, argv);
	demo.table.cores = cores > 0 ? (unsigned)cores : 1;
	catch_signals();
	if (!server_port_is_free(demo.port)) {
		fprintf(stderr,
			"reeve-demo: port %u is in use; choose another with --port N or "
			"REEVE_PORT=N\n",
			(unsigned)demo.port);
		return 2;
	}
	if (mkdir(demo.folder, 0755) != 0 && errno != EEXIST) {
		fprintf(stderr, "reeve-demo: %s: %s\n", demo.folder, strerror(errno));
		return 2;
	}
	result = run_demo(&demo);
	if (load_stop)
		printf("\nstopping\n");
	if (server_stop(&demo.governed) != 0) {
		fprintf(stderr, "reeve-demo: reeved did not end well\n");
		result = -1;
	}
	clean_up(&demo);
	return result == 0 ? 0 : load_stop ? 130 : 1;
}
