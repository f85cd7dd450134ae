/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse.c - the statements of a scenario but the longer ones: parse_clients.c, parse_directive.c,
 * parse_expect.c. One function a statement, one table of them.
 */
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX     (1 << 20)
#define DURATION_MAX (3600 * REEVE_SEC)

void *parse__append(struct lex *lex, void *items_address, uint32_t *count, size_t size)
{
	void *items, **address = items_address;

	if (lex->failed)
		return NULL;
	items = realloc(*address, (*count + 1) * size);
	if (items == NULL) {
		lex_complain(lex, "out of memory");
		return NULL;
	}
	*address = items;
	items = (char *)items + *count * size;
	memset(items, 0, size);
	++*count;
	return items;
}

/* Names. */

/*
 * Index of the next word among `count` records of `size` that begin with their names. `wanted`
 * completes "the name of ... declared above".
 */
static uint32_t find_declared(
	struct lex *lex, const char *wanted, const void *items, uint32_t count, size_t size)
{
	char text[120];

	for (uint32_t i = 0; i < count && !lex_at_end(lex); i++) {
		const char *name = (const char *)items + i * size;

		if (*name != '\0' && lex_accept(lex, name))
			return i;
	}
	snprintf(text, sizeof(text), "the name of a %s declared above", wanted);
	lex_fail(lex, text);
	return SCN_NONE;
}

uint32_t parse__group(struct lex *lex, const struct scenario *s)
{
	return find_declared(lex, "group", s->groups, s->group_count, sizeof(*s->groups));
}

uint32_t parse__plan(struct lex *lex, const struct scenario *s)
{
	return find_declared(lex, "plan", s->plans, s->plan_count, sizeof(*s->plans));
}

uint32_t parse__process(struct lex *lex, const struct scenario *s)
{
	return find_declared(lex, "process", s->processes, s->process_count, sizeof(*s->processes));
}

static uint32_t find_clients(struct lex *lex, const struct scenario *s)
{
	return find_declared(
		lex, "set of clients", s->clients, s->clients_count, sizeof(*s->clients));
}

void parse__declare(struct lex *lex, const char *wanted, const void *items, uint32_t count,
	size_t size, char *ret_name)
{
	lex_name(lex, wanted, ret_name);
	for (uint32_t i = 0; i < count && !lex->failed; i++) {
		if (strcmp((const char *)items + i * size, ret_name) == 0)
			lex_complain(
				lex, "expected %s, but `%s` is declared above", wanted, ret_name);
	}
}

uint32_t parse__pick(struct lex *lex, const char *const *words)
{
	char text[120] = "one of";

	for (uint32_t i = 0; words[i] != NULL; i++) {
		if (lex_accept(lex, words[i]))
			return i;
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", words[i]);
	}
	lex_fail(lex, text);
	return 0;
}

uint32_t parse__may_pick(struct lex *lex, const char *const *words, uint32_t otherwise)
{
	for (uint32_t i = 0; words[i] != NULL; i++) {
		if (lex_accept(lex, words[i]))
			return i;
	}
	return otherwise;
}

uint32_t parse__pct(struct lex *lex, const char *wanted, uint32_t low)
{
	double pct = lex_decimal(lex, wanted, "%");

	if (pct < low || pct > 100.0 || pct != (double)(uint32_t)pct)
		lex_complain(
			lex, "expected %s, a whole percentage from %u%% to 100%%", wanted, low);
	return lex->failed ? low : (uint32_t)pct;
}

/* The machine and the clock. */

static void read_seed(struct lex *lex, struct scenario *s)
{
	s->machine.seed = lex_number(lex, "a seed", 0, INT64_MAX);
}

static void read_machine(struct lex *lex, struct scenario *s)
{
	lex_expect(lex, "cores");
	s->machine.cores = (uint32_t)lex_number(lex, "a number of cores", 1, SIM_CORES_MAX);
	while (!lex_at_end(lex)) {
		if (lex_accept(lex, "timeslice")) {
			s->machine.timeslice_ns = lex_time(lex, "a time", false);
		} else if (lex_accept(lex, "granularity")) {
			s->machine.granularity_ns = lex_time(lex, "a time", false);
		} else if (lex_accept(lex, "wakeup")) {
			s->machine.wake_min_ns = lex_time(lex, "the shortest latency", true);
			s->machine.wake_max_ns = lex_time(lex, "the longest latency", true);
			if (s->machine.wake_max_ns < s->machine.wake_min_ns)
				lex_complain(lex, "expected the longest latency not below the "
						  "shortest");
		} else {
			lex_fail(lex, "`timeslice`, `granularity` or `wakeup`");
		}
	}
}

static void read_slots(struct lex *lex, struct scenario *s)
{
	s->slots = (uint32_t)lex_number(lex, "a number of CPU slots", 1, 1024);
}

static void read_quantum(struct lex *lex, struct scenario *s)
{
	s->quantum_ns = lex_time(lex, "a time", false);
}

const char *const scenario_policies[] = {
	"completely-fair", "fair-share", "priority", "weighted-fair", NULL};

static void read_policy(struct lex *lex, struct scenario *s)
{
	s->policy = parse__pick(lex, scenario_policies);
}

const char *const scenario_io_policies[] = {
	"completely-fair", "deadline", "budget-fair", "priority", NULL};

static void read_device(struct lex *lex, struct scenario *s)
{
	do {
		if (lex_accept(lex, "latency"))
			s->device_latency_ns = lex_time(lex, "a time", true);
		else if (lex_accept(lex, "bandwidth"))
			s->device_bandwidth = lex_size(lex, "bytes a second");
		else
			lex_fail(lex, "`latency` or `bandwidth`");
	} while (!lex_at_end(lex));
}

static void read_io(struct lex *lex, struct scenario *s)
{
	do {
		if (lex_accept(lex, "policy"))
			s->io_policy = parse__pick(lex, scenario_io_policies);
		else if (lex_accept(lex, "concurrent"))
			s->io_concurrent = (uint32_t)lex_number(
				lex, "requests under way", 1, REEVE_IO_CONCURRENT_MAX);
		else if (lex_accept(lex, "burst"))
			s->io_burst_ppm = 10000 * parse__pct(lex, "a part of a second", 1);
		else
			lex_fail(lex, "`policy`, `concurrent` or `burst`");
	} while (!lex_at_end(lex));
}

static void read_runaway(struct lex *lex, struct scenario *s)
{
	s->runaway_ns = lex_time(lex, "a time", false);
	if (lex_accept(lex, "speed"))
		s->runaway_speed_pct = parse__pct(lex, "a speed", 10);
}

static void read_servers(struct lex *lex, struct scenario *s)
{
	s->parallel_servers = (uint32_t)lex_number(lex, "parallel servers", 1, 65536);
}

static void read_chunk(struct lex *lex, struct scenario *s)
{
	s->chunk_ns = lex_time(lex, "a time", false);
}

static void read_tick(struct lex *lex, struct scenario *s)
{
	s->tick_ns = lex_accept(lex, "never") ? 0 : lex_time(lex, "a time, or `never`", false);
}

static void read_duration(struct lex *lex, struct scenario *s)
{
	s->duration_ns = lex_time(lex, "a time", false);
	if (s->duration_ns > DURATION_MAX || s->duration_ns % REEVE_MSEC != 0)
		lex_complain(lex, "expected a duration in whole milliseconds of at most an hour");
}

static void read_drain(struct lex *lex, struct scenario *s)
{
	s->drain_ns = lex_time(lex, "a time", true);
}

/* Groups and plans. */

static void read_group(struct lex *lex, struct scenario *s)
{
	struct scn_group group = {"", SCN_NONE, SCN_NONE}, *slot;

	parse__declare(lex, "a name for a group", s->groups, s->group_count, sizeof(*s->groups),
		group.name);
	while (!lex_at_end(lex)) {
		if (lex_accept(lex, "priority"))
			group.priority = (uint32_t)lex_number(lex, "a priority", 0, 7);
		else if (lex_accept(lex, "cpu"))
			group.cpu_pct = parse__pct(lex, "a CPU allocation", 0);
		else
			lex_fail(lex, "`priority` or `cpu`");
	}
	slot = parse__append(lex, &s->groups, &s->group_count, sizeof(*s->groups));
	if (slot != NULL)
		*slot = group;
}

static void read_plan(struct lex *lex, struct scenario *s)
{
	static const char *const methods[] = {"emphasis", "ratio", "shares", NULL};
	struct scn_plan plan = {0}, *slot;

	parse__declare(
		lex, "a name for a plan", s->plans, s->plan_count, sizeof(*s->plans), plan.name);
	plan.method = parse__pick(lex, methods);
	if (lex_accept(lex, "max"))
		plan.max_pct = parse__pct(lex, "a utilization", 1);
	plan.manages_sessions = lex_accept(lex, "sessions");
	plan.manages_parallel = lex_accept(lex, "parallel");
	slot = parse__append(lex, &s->plans, &s->plan_count, sizeof(*s->plans));
	if (slot != NULL)
		*slot = plan;
}

static void read_directive(struct lex *lex, struct scenario *s)
{
	struct scn_directive directive = {0}, *slot;

	parse__directive(lex, s, &directive);
	slot = parse__append(lex, &s->directives, &s->directive_count, sizeof(*s->directives));
	if (slot != NULL)
		*slot = directive;
}

static void read_activate(struct lex *lex, struct scenario *s)
{
	s->active_plan = parse__plan(lex, s);
}

/* Processes. */

static void read_process(struct lex *lex, struct scenario *s)
{
	struct scn_process process = {""}, *slot;

	parse__declare(lex, "a name for a process", s->processes, s->process_count,
		sizeof(*s->processes), process.name);
	slot = parse__append(lex, &s->processes, &s->process_count, sizeof(*s->processes));
	if (slot != NULL)
		*slot = process;
}

/* Events. */

static void read_registration(struct lex *lex, const struct scenario *s, struct scn_event *event)
{
	event->group = parse__group(lex, s);
	lex_expect(lex, "shares");
	event->shares = (uint32_t)lex_number(lex, "a number of shares", 1, REEVE_SHARES_MAX);
	if (lex_accept(lex, "cap"))
		event->cap_pct = parse__pct(lex, "a cap", 1);
}

static void read_event(struct lex *lex, struct scenario *s)
{
	static const char *const kinds[] = {"activate", "switch", "kill", "quantum", "register",
		"unregister", "directive", "cancel", "end", "policy", NULL};
	struct scn_event event = {0}, *slot;

	event.at = lex_time(lex, "a time", true);
	event.line = lex->line;
	event.kind = (enum scn_event_kind)parse__pick(lex, kinds);
	switch (event.kind) {
	case SCN_ACTIVATE:
		event.plan = parse__plan(lex, s);
		break;
	case SCN_SWITCH:
		event.clients = find_clients(lex, s);
		event.group = parse__group(lex, s);
		break;
	case SCN_KILL:
		event.process = parse__process(lex, s);
		break;
	case SCN_QUANTUM:
		event.quantum_ns = lex_time(lex, "a time", false);
		break;
	case SCN_REGISTER:
		read_registration(lex, s, &event);
		break;
	case SCN_UNREGISTER:
		event.group = parse__group(lex, s);
		break;
	case SCN_DIRECTIVE:
		parse__directive(lex, s, &event.directive);
		break;
	case SCN_POLICY:
		event.policy = parse__pick(lex, scenario_policies);
		break;
	case SCN_CANCEL:
	case SCN_END:
		event.clients = find_clients(lex, s);
		break;
	}
	slot = parse__append(lex, &s->events, &s->event_count, sizeof(*s->events));
	if (slot != NULL)
		*slot = event;
}

/* The file. */

static const struct {
	const char *word;
	void (*read)(struct lex *lex, struct scenario *scenario);
} statements[] = {
	{"seed", read_seed},
	{"machine", read_machine},
	{"slots", read_slots},
	{"quantum", read_quantum},
	{"policy", read_policy},
	{"device", read_device},
	{"io", read_io},
	{"runaway", read_runaway},
	{"servers", read_servers},
	{"chunk", read_chunk},
	{"tick", read_tick},
	{"duration", read_duration},
	{"drain", read_drain},
	{"group", read_group},
	{"plan", read_plan},
	{"directive", read_directive},
	{"activate", read_activate},
	{"process", read_process},
	{"clients", parse__clients},
	{"at", read_event},
};

static void read_statement(struct lex *lex, struct scenario *scenario, const char *text)
{
	if (lex_at_end(lex))
		return;
	if (lex_accept(lex, "expect")) {
		parse__expect(lex, scenario, text);
		return;
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (!lex_accept(lex, statements[i].word))
			continue;
		statements[i].read(lex, scenario);
		lex_end(lex);
		return;
	}
	lex_fail(lex,
		"a statement (seed, machine, slots, quantum, policy, device, io, runaway, servers, "
		"chunk, tick, duration, drain, group, plan, directive, activate, process, clients, "
		"at, expect)");
}

static int compare_events(const void *a, const void *b)
{
	const struct scn_event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

/* What only the whole file can tell. */
static void check_whole(struct lex *lex, struct scenario *s)
{
	if (s->duration_ns == 0)
		lex_complain(lex, "expected a `duration` somewhere");
	if (s->clients_count == 0)
		lex_complain(lex, "expected `clients` somewhere");
	for (uint32_t i = 0; i < s->event_count; i++) {
		lex->line = s->events[i].line;
		if (s->events[i].at >= s->duration_ns)
			lex_complain(lex, "expected a time before the end of the run");
	}
	for (uint32_t i = 0; i < s->expect_count; i++) {
		struct scn_expect *expect = &s->expects[i];

		lex->line = expect->line;
		if (expect->to == REEVE_NEVER)
			expect->to = s->duration_ns;
		if (expect->to > s->duration_ns || expect->from >= expect->to)
			lex_complain(lex, "expected a stretch of time within the run");
		else if (expect->window_ns > expect->to - expect->from)
			lex_complain(lex, "expected a window not longer than its stretch of time");
	}
	if (s->event_count > 0)
		qsort(s->events, s->event_count, sizeof(*s->events), compare_events);
}

static void init_scenario(struct scenario *scenario, const char *file)
{
	const struct sim_machine_config machine = SIM_MACHINE_CONFIG_INIT;

	*scenario = (struct scenario){
		.file = file,
		.machine = machine,
		.chunk_ns = 20 * REEVE_USEC,
		.tick_ns = 100 * REEVE_MSEC,
		.drain_ns = 10 * REEVE_SEC,
		.active_plan = SCN_NONE,
	};
}

int scenario_parse(const char *file, char *text, struct scenario *ret_scenario, char *error)
{
	struct lex lex = {.file = file, .error = error};
	struct scenario scenario;
	char *next = text, whole[SCN_TEXT_MAX];

	init_scenario(&scenario, file);
	(void)parse__append(
		&lex, &scenario.processes, &scenario.process_count, sizeof(*scenario.processes));
	while (next != NULL && !lex.failed) {
		char *line = strsep(&next, "\n");

		lex.line++;
		snprintf(whole, sizeof(whole), "%s", line);
		lex_start(&lex, line);
		read_statement(&lex, &scenario, whole);
	}
	check_whole(&lex, &scenario);
	if (lex.failed) {
		scenario_fini(&scenario);
		return -1;
	}
	*ret_scenario = scenario;
	return 0;
}

static char *read_whole(const char *file, char *error)
{
	FILE *stream = fopen(file, "rb");
	char *text = stream == NULL ? NULL : malloc(FILE_MAX + 1);
	size_t length = 0;

	if (text != NULL) {
		length = fread(text, 1, FILE_MAX + 1, stream);
		text[length > FILE_MAX ? FILE_MAX : length] = '\0';
	}
	if (text == NULL || ferror(stream)) {
		snprintf(error, SCN_ERROR_MAX, "%s: %s", file, strerror(errno));
	} else if (length > FILE_MAX || strlen(text) != length) {
		snprintf(error, SCN_ERROR_MAX, "%s: expected a text of at most a megabyte", file);
	} else {
		fclose(stream);
		return text;
	}
	if (stream != NULL)
		fclose(stream);
	free(text);
	return NULL;
}

int scenario_read(const char *file, struct scenario *ret_scenario, char *error)
{
	char *text = read_whole(file, error);
	int rc;

	if (text == NULL)
		return -1;
	rc = scenario_parse(file, text, ret_scenario, error);
	free(text);
	return rc;
}

void scenario_fini(struct scenario *scenario)
{
	free(scenario->groups);
	free(scenario->plans);
	free(scenario->directives);
	free(scenario->processes);
	free(scenario->clients);
	free(scenario->events);
	free(scenario->expects);
	*scenario = (struct scenario){0};
}
