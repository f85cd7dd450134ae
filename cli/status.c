/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - reeve status: everything there is to see, once, as text or as JSON. */
#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>

#include "cli.h"
#include "text.h"
#include "view.h"

static const char usage[] =
	"Usage: reeve status [OPTION]...\n"
	"Segment, active plan, groups, sessions and attached processes, once.\n"
	"\n"
	"  -s, --segment=FILE  the segment\n"
	"  -D, --data=DIR      the segment of reeved's data directory DIR\n"
	"  -j, --json          as one JSON object; spans in ns, instants in ns since 1970\n"
	"  -h, --help          print this and exit\n"
	"\n"
	"Exit status: 0 if the segment is in force, 1 if it is not (DEGRADED, RETIRED, ...), 2 if\n"
	"there is none or it cannot be read.\n";

/* As text. */

static void print_segment(const struct view *view, const char *path)
{
	const struct reeve_segment_info *s = &view->segment;
	char wall[TEXT_MAX], quantum[TEXT_MAX];

	printf("segment      %s\n", path);
	printf("state        %s\n", text_segment_state(s->state));
	printf("created      %s, format %u, signature %016llx, %llu bytes, revision %llu\n",
		text_wall(wall, s->created_wall), s->format_version,
		(unsigned long long)s->signature, (unsigned long long)s->size_bytes,
		(unsigned long long)s->revision);
	printf("plan         %s (%llu), %s", view->plan.name, (unsigned long long)view->plan.id.v,
		text_cpu_method(view->plan.cpu_method));
	if (view->plan.max_utilization_pct > 0 && view->plan.max_utilization_pct < 100)
		printf(", at most %u%% of the CPU", view->plan.max_utilization_pct);
	printf("\nCPU          %u slots, %u running, %u waiting, quantum %s\n", s->cpu_slots,
		view->cpu.running, view->cpu.ready,
		text_duration(quantum, view->config.quantum_ns));
	printf("in use       groups %u of %u, plans %u of %u, directives %u of %u, sessions %u of "
	       "%u, tasks %u of %u\n",
		s->groups, s->max_groups, s->plans, s->max_plans, s->directives, s->max_directives,
		s->sessions, s->max_sessions, s->tasks, s->max_tasks);
}

static void print_groups(const struct view *view)
{
	printf("\n%-28s %8s %5s %4s %5s %9s %9s %9s %8s\n", "GROUP", "ENTITLED", "CAP%", "RUN",
		"WAIT", "CPU", "WAITED", "MEAN WAIT", "SESSIONS");
	for (uint32_t i = 0; i < view->group_count; i++) {
		const struct view_group *g = &view->groups[i];
		char name[128], entitled[TEXT_MAX], cap[TEXT_MAX], cpu[TEXT_MAX], wait[TEXT_MAX];
		char mean[TEXT_MAX];
		reeve_ns mean_ns =
			g->cpu.dispatches == 0 ? 0 : (reeve_ns)(g->cpu.wait_ns / g->cpu.dispatches);

		text_fit(name, sizeof(name), g->info.name, 28);
		printf("%s %8s %5s %4u %5u %9s %9s %9s %8u\n", name,
			text_pct(entitled, g->cpu.entitled_ppm / 1e4),
			g->cpu.cap_ppm < REEVE_PPM ? text_pct(cap, g->cpu.cap_ppm / 1e4) : "-",
			g->cpu.running, g->cpu.waiting, text_duration(cpu, (reeve_ns)g->cpu.cpu_ns),
			text_duration(wait, (reeve_ns)g->cpu.wait_ns), text_duration(mean, mean_ns),
			g->info.current_sessions);
	}
}

static void print_since(reeve_ns now, reeve_ns since, const char *after)
{
	char text[TEXT_MAX];

	printf("%9s%s", since == 0 ? "-" : text_duration(text, now - since), after);
}

static void print_sessions(const struct view *view)
{
	printf("\n%8s %-16s %-20s %-10s %9s %9s %9s  %s\n", "SESSION", "USER", "GROUP", "STATE",
		"ELAPSED", "CPU", "SINCE", "WAITS FOR");
	for (uint32_t i = 0; i < view->session_count; i++) {
		const struct reeve_session_info *s = &view->sessions[i].info;
		char user[80], group[100], cpu[TEXT_MAX];

		text_fit(user, sizeof(user), s->username, 16);
		text_fit(group, sizeof(group), view_group_name(view, s->group), 20);
		printf("%8llu %s %s %-10s ", (unsigned long long)s->id.v, user, group,
			text_session_state(s->state));
		print_since(view->mono, s->query_start, " ");
		printf("%9s ", text_duration(cpu, (reeve_ns)s->cpu_ns));
		print_since(view->mono, s->waiting_since, "  ");
		printf("%s\n",
			s->wait_reason == REEVE_WAIT_NONE ? "" : reeve_wait_text(s->wait_reason));
	}
	if (view->session_count == 0)
		printf("no sessions\n");
}

static void print_attachments(const struct view *view)
{
	printf("\n%8s %-24s %-20s %8s\n", "PROCESS", "NAME", "ATTACHED", "SESSIONS");
	for (uint32_t i = 0; i < view->attachment_count; i++) {
		const struct reeve_attachment_info *a = &view->attachments[i];
		char name[128], wall[TEXT_MAX];

		text_fit(name, sizeof(name), a->name, 24);
		printf("%8d %s %-20s %8u%s\n", a->pid, name, text_wall(wall, a->attached_wall),
			a->sessions,
			view_is_alive(a) ? "" : "  dead; the next tick returns what it held");
	}
	if (view->attachment_count == 0)
		printf("no process is attached; is reeved running?\n");
}

static int print_text(const struct view *view, const char *path)
{
	print_segment(view, path);
	print_groups(view);
	print_sessions(view);
	print_attachments(view);
	return CLI_OK;
}

/* As JSON. */

static json_t *integer(uint64_t number)
{
	return json_integer((json_int_t)number);
}

/* A limit; null when there is none. */
static json_t *limit(uint64_t number)
{
	return number == REEVE_UNLIMITED ? json_null() : integer(number);
}

/* An instant or a span that 0 stands for the absence of. */
static json_t *optional(reeve_ns ns)
{
	return ns == 0 ? json_null() : json_integer(ns);
}

static json_t *text_or_null(const char *text)
{
	return *text == '\0' ? json_null() : json_string_nocheck(text);
}

static json_t *segment_json(const struct view *view, const char *path)
{
	const struct reeve_segment_info *s = &view->segment;
	char signature[20];

	snprintf(signature, sizeof(signature), "%016llx", (unsigned long long)s->signature);
	return json_pack("{s:o, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "path",
		json_string_nocheck(path), "state", text_segment_state(s->state), "format_version",
		(json_int_t)s->format_version, "signature", signature, "size_bytes",
		(json_int_t)s->size_bytes, "created", (json_int_t)s->created_wall, "revision",
		(json_int_t)s->revision, "cpu_slots", (json_int_t)s->cpu_slots, "max_groups",
		(json_int_t)s->max_groups, "max_sessions", (json_int_t)s->max_sessions);
}

static json_t *cpu_json(const struct view *view)
{
	const struct reeve_cpu_stats *c = &view->cpu;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "quantum_ns",
		(json_int_t)view->config.quantum_ns, "running", (json_int_t)c->running, "waiting",
		(json_int_t)c->ready, "cpu_ns", (json_int_t)c->cpu_ns, "wait_ns",
		(json_int_t)c->wait_ns, "waits", (json_int_t)c->waits, "preemptions",
		(json_int_t)c->preemptions, "runaways", (json_int_t)c->runaways);
}

static json_t *plan_json(const struct view *view)
{
	uint32_t pct = view->plan.max_utilization_pct;

	return json_pack("{s:I, s:o, s:s, s:o}", "id", (json_int_t)view->plan.id.v, "name",
		json_string_nocheck(view->plan.name), "cpu_method",
		text_cpu_method(view->plan.cpu_method), "max_utilization_percent",
		pct == 0 ? json_null() : integer(pct));
}

static json_t *group_json(const struct view_group *g)
{
	const struct reeve_cpu_group_stats *c = &g->cpu;

	return json_pack("{s:I, s:o, s:f, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"id", (json_int_t)g->info.id.v, "name", json_string_nocheck(g->info.name),
		"entitled_percent", c->entitled_ppm / 1e4, "cap_percent",
		c->cap_ppm < REEVE_PPM ? json_real(c->cap_ppm / 1e4) : json_null(), "shares",
		(json_int_t)c->shares, "running", (json_int_t)c->running, "waiting",
		(json_int_t)c->waiting, "cpu_ns", (json_int_t)c->cpu_ns, "wait_ns",
		(json_int_t)c->wait_ns, "waits", (json_int_t)c->dispatches, "throttled_ns",
		(json_int_t)c->throttled_ns, "statements", (json_int_t)c->queries, "sessions",
		(json_int_t)g->info.current_sessions, "max_sessions", limit(g->info.max_sessions));
}

static json_t *session_json(const struct view *view, const struct reeve_session_info *s)
{
	bool waits = s->wait_reason != REEVE_WAIT_NONE;

	return json_pack(
		"{s:I, s:o, s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:i, s:o, s:o}", "id",
		(json_int_t)s->id.v, "user", json_string_nocheck(s->username), "group_id",
		(json_int_t)s->group.v, "group",
		json_string_nocheck(view_group_name(view, s->group)), "state",
		text_session_state(s->state), "priority", text_session_priority(s->priority),
		"waits_for", waits ? json_string(reeve_wait_text(s->wait_reason)) : json_null(),
		"waiting_ns", optional(s->waiting_since == 0 ? 0 : view->mono - s->waiting_since),
		"statement_ns", optional(s->query_start == 0 ? 0 : view->mono - s->query_start),
		"statements", (json_int_t)s->total_queries, "cpu_ns", (json_int_t)s->cpu_ns,
		"wait_ns", (json_int_t)s->wait_ns, "pid", (int)s->pid, "program",
		text_or_null(s->program), "machine", text_or_null(s->machine));
}

static json_t *attachment_json(const struct reeve_attachment_info *a)
{
	return json_pack("{s:i, s:o, s:I, s:I, s:b}", "pid", (int)a->pid, "name",
		json_string_nocheck(a->name), "attached", (json_int_t)a->attached_wall, "sessions",
		(json_int_t)a->sessions, "is_alive", (int)view_is_alive(a));
}

/* The whole; NULL when memory is short. Takes back what it built on the way. */
static json_t *build_json(const struct view *view, const char *path)
{
	json_t *groups = json_array(), *sessions = json_array(), *attachments = json_array();
	int rc = 0;

	for (uint32_t i = 0; i < view->group_count; i++)
		rc |= json_array_append_new(groups, group_json(&view->groups[i]));
	for (uint32_t i = 0; i < view->session_count; i++)
		rc |= json_array_append_new(sessions, session_json(view, &view->sessions[i].info));
	for (uint32_t i = 0; i < view->attachment_count; i++)
		rc |= json_array_append_new(attachments, attachment_json(&view->attachments[i]));
	if (rc != 0) {
		json_decref(groups);
		json_decref(sessions);
		json_decref(attachments);
		return NULL;
	}
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "now", (json_int_t)view->wall,
		"segment", segment_json(view, path), "plan", plan_json(view), "cpu", cpu_json(view),
		"groups", groups, "sessions", sessions, "attachments", attachments);
}

static int print_json(const struct view *view, const char *path)
{
	json_t *whole = build_json(view, path);
	int rc;

	if (whole == NULL)
		return cli_refuse("out of memory");
	rc = json_dumpf(whole, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
	json_decref(whole);
	putchar('\n');
	return rc == 0 ? CLI_OK : CLI_CANNOT;
}

/* The command line. */

static int print_status(const struct cli_source *source, bool is_json)
{
	struct reeve *reeve;
	struct view view;
	char path[4096];
	int status;

	if (cli_find_segment(source, path, sizeof(path)) != CLI_OK ||
		cli_open_segment(path, &reeve) != CLI_OK)
		return CLI_CANNOT;
	if (view_take(reeve, 0, NULL, &view) != 0) {
		reeve_close(reeve);
		return cli_refuse("out of memory");
	}
	status = is_json ? print_json(&view, path) : print_text(&view, path);
	if (status == CLI_OK && view.segment.state != REEVE_SEGMENT_READY)
		status = CLI_PROBLEM;
	view_fini(&view);
	reeve_close(reeve);
	return cli_finish_output(status);
}

int cli_status(int argc, char **argv)
{
	static const struct option options[] = {
		{"segment", required_argument, NULL, 's'},
		{"data", required_argument, NULL, 'D'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct cli_source source = {NULL, NULL};
	bool is_json = false;
	int option;

	while ((option = getopt_long(argc, argv, "s:D:jh", options, NULL)) != -1) {
		switch (option) {
		case 's':
			source.segment = optarg;
			break;
		case 'D':
			source.data = optarg;
			break;
		case 'j':
			is_json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return cli_finish_output(CLI_OK);
		default:
			return cli_bad_usage("status");
		}
	}
	if (optind < argc)
		return cli_refuse("status takes no argument `%s`", argv[optind]);
	return print_status(&source, is_json);
}
