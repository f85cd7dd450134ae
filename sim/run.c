/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - see run.h. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

void run__fault(struct run *run, const char *format, ...)
{
	struct outcome *outcome = run->outcome;
	va_list args;

	if (outcome->faults++ > 0)
		return;
	va_start(args, format);
	vsnprintf(outcome->first_fault, sizeof(outcome->first_fault), format, args);
	va_end(args);
}

/* A call of the housekeeper that must work. */
bool run__must(struct run *run, int rc, const struct reeve_error *err, const char *what)
{
	if (rc >= 0)
		return true;
	run__fault(run, "%s at %.6f s: %s: %s", what, (double)sim_now(run->machine) / 1e9,
		reeve_error_row_of(rc)->prefix, err->text);
	return false;
}

bool run__expects(const struct run *run, enum scn_metric metric, uint32_t group)
{
	for (uint32_t i = 0; i < run->scenario->expect_count; i++) {
		const struct scn_expect *expect = &run->scenario->expects[i];

		if (expect->metric == metric &&
			(expect->group == SCN_NONE || group == SCN_NONE || expect->group == group))
			return true;
	}
	return false;
}

/* Processes of the scenario. */

/* Starts the clients of a process; waits for them to end; detaches. */
static void process_main(void *arg)
{
	struct process *process = arg;
	struct run *run = process->run;
	struct reeve_error err = {0};
	uint32_t live;

	if (!run__must(run, reeve_attach(run->reeve, &process->reeve, &err), &err, "attaching")) {
		for (uint32_t i = 0; i < run->client_count; i++)
			run->clients[i].is_gone |= run->clients[i].process == process;
		return;
	}
	for (uint32_t i = 0; i < run->client_count; i++) {
		struct client *client = &run->clients[i];

		if (client->process != process)
			continue;
		process->live_clients++;
		if (sim_thread_create(process->machine_process, client__main, client) == NULL)
			abort();
	}
	while ((live = process->live_clients) > 0)
		run->host->wait(run->host->self, &process->live_clients, live, REEVE_NEVER);
	reeve_close(process->reeve);
	process->reeve = NULL;
}

static void start_processes(struct run *run)
{
	for (uint32_t i = 0; i < run->scenario->process_count; i++) {
		struct process *process = &run->processes[i];

		process->run = run;
		process->index = i;
		process->machine_process = sim_process_create(run->machine);
		if (process->machine_process == NULL ||
			sim_thread_create(process->machine_process, process_main, process) == NULL)
			abort();
	}
}

static void kill_process(struct run *run, uint32_t index)
{
	struct process *process = &run->processes[index];

	sim_process_kill(process->machine_process);
	for (uint32_t i = 0; i < run->client_count; i++) {
		if (run->clients[i].process == process)
			client__die(&run->clients[i]);
	}
	sim_process_abandon(process->reeve);
	process->reeve = NULL;
}

/* Events. */

static void for_each_session(struct run *run, const struct scn_event *event,
	void (*act)(struct run *run, struct client *client, const struct scn_event *event))
{
	for (uint32_t i = 0; i < run->client_count; i++) {
		struct client *client = &run->clients[i];

		if (client->kind == &run->scenario->clients[event->clients] &&
			client->session != NULL && !client->was_ended)
			act(run, client, event);
	}
}

/* An act on a session that must work, unless the library may have ended it a moment ago. */
static bool act_on_session(
	struct client *client, int rc, const struct reeve_error *err, const char *what)
{
	if (rc == REEVE_EINVALID_STATE && run__expects(client->run, SCN_KILLS, client->group))
		return false;
	return run__must(client->run, rc, err, what);
}

static void switch_client(struct run *run, struct client *client, const struct scn_event *event)
{
	struct reeve_error err = {0};
	int rc = reeve_session_switch(run->reeve, reeve_session_id_of(client->session),
		run->groups[event->group], REEVE_SWITCH_ADMINISTRATIVE, &err);

	if (act_on_session(client, rc, &err, "switching a session"))
		client__set_group(client, event->group);
}

static void cancel_client(struct run *run, struct client *client, const struct scn_event *event)
{
	struct reeve_error err = {0};
	int rc;

	(void)event;
	if (!client->is_in_statement)
		return;
	client->was_cancelled = true;
	rc = reeve_session_cancel(run->reeve, reeve_session_id_of(client->session), &err);
	act_on_session(client, rc, &err, "cancelling a statement");
}

static void end_client(struct run *run, struct client *client, const struct scn_event *event)
{
	struct reeve_error err = {0};
	int rc = reeve_session_kill(run->reeve, reeve_session_id_of(client->session), &err);

	(void)event;
	client->was_ended = true;
	act_on_session(client, rc, &err, "ending a session");
}

static void do_event(struct run *run, const struct scn_event *event)
{
	struct reeve_error err = {0};

	switch (event->kind) {
	case SCN_ACTIVATE:
		set_up__activate(run, event->plan);
		break;
	case SCN_SWITCH:
		for_each_session(run, event, switch_client);
		break;
	case SCN_KILL:
		kill_process(run, event->process);
		break;
	case SCN_QUANTUM:
		set_up__quantum(run, event->quantum_ns);
		break;
	case SCN_POLICY:
		set_up__policy(run, event->policy);
		break;
	case SCN_REGISTER:
		run__must(run,
			reeve_cpu_group_register(run->reeve, run->groups[event->group],
				event->shares, event->cap_pct, &err),
			&err, "registering a group");
		break;
	case SCN_UNREGISTER:
		run__must(run,
			reeve_cpu_group_unregister(run->reeve, run->groups[event->group], &err),
			&err, "ending a registration");
		break;
	case SCN_DIRECTIVE:
		set_up__directive(run, &event->directive);
		break;
	case SCN_CANCEL:
		for_each_session(run, event, cancel_client);
		break;
	case SCN_END:
		for_each_session(run, event, end_client);
		break;
	}
}

/* The housekeeper. */

static void keep_event(struct run *run, const struct reeve_event *event)
{
	struct record_event kept = {.at = event->mono - run->mono_start,
		.kind = event->kind,
		.limit = event->limit_kind,
		.over = (int64_t)(event->actual - event->limit)};

	while (kept.group < run->scenario->group_count &&
		run->groups[kept.group].v != event->group.v)
		kept.group++;
	record_event(&run->outcome->record, &kept);
}

static void read_events(struct run *run)
{
	struct reeve_event events[64];
	uint64_t lost = 0;
	uint32_t n;

	do {
		n = reeve_event_copy(
			run->reeve, run->next_event, events, 64, &run->next_event, &lost);
		for (uint32_t i = 0; i < n; i++)
			keep_event(run, &events[i]);
		run->lost_events += lost;
	} while (n > 0);
}

static void tick(struct run *run)
{
	struct reeve_error err = {0};

	run__must(run, reeve_tick(run->reeve, NULL, &err), &err, "ticking");
	if (run->lock_holder != NULL)
		client__roll_back(run->lock_holder);
	read_events(run);
}

static bool all_gone(const struct run *run)
{
	for (uint32_t i = 0; i < run->client_count; i++) {
		if (!run->clients[i].is_gone)
			return false;
	}
	for (uint32_t i = 0; i < run->scenario->process_count; i++) {
		if (run->processes[i].reeve != NULL)
			return false; /* about to detach */
	}
	return true;
}

/* Ticks and events, until the end of the run; then ticks until all clients have ended. */
static void keep_house(struct run *run)
{
	const struct scenario *s = run->scenario;
	reeve_ns end = s->duration_ns + s->drain_ns;
	reeve_ns next_tick = s->tick_ns == 0 ? REEVE_NEVER : s->tick_ns;
	uint32_t next_event = 0;

	while (sim_now(run->machine) < end) {
		reeve_ns now = sim_now(run->machine), until = end;

		if (now >= s->duration_ns && all_gone(run))
			break;
		if (next_event < s->event_count)
			until = s->events[next_event].at;
		else if (now < s->duration_ns)
			until = s->duration_ns;
		else if (s->tick_ns == 0)
			until = now + 100 * REEVE_MSEC;
		if (next_tick < until)
			until = next_tick;
		sim_sleep(run->machine, until);
		while (next_event < s->event_count && s->events[next_event].at <= until)
			do_event(run, &s->events[next_event++]);
		if (until == next_tick) {
			tick(run);
			next_tick += s->tick_ns;
		}
	}
}

static void note_fault(void *arg, const char *fault)
{
	run__fault(arg, "the segment is not in order: %s", fault);
}

/* With what the library says of the first of them. */
static void note_unfinished(struct run *run)
{
	struct reeve_wait_explanation why = {0};
	struct reeve_error err;
	uint32_t i = 0;

	while (run->clients[i].is_gone)
		i++;
	if (run->clients[i].session != NULL)
		(void)reeve_explain(
			run->reeve, reeve_session_id_of(run->clients[i].session), &why, &err);
	run__fault(run, "%u clients had not ended %.1f s after the end of the run; the first %s",
		run->outcome->unfinished, (double)run->scenario->drain_ns / 1e9,
		*why.text == '\0' ? "has no session" : why.text);
}

/* What the library says at the end, and whether everything was given back. */
static void collect(struct run *run)
{
	struct outcome *outcome = run->outcome;
	struct reeve_cpu_stats cpu;
	struct reeve_session_stats sessions;

	for (uint32_t i = 0; i < run->client_count; i++)
		outcome->unfinished += !run->clients[i].is_gone;
	if (outcome->unfinished > 0)
		note_unfinished(run);
	for (uint32_t i = 0; i < run->scenario->group_count; i++) {
		struct reeve_cpu_group_stats stats;
		struct reeve_error err = {0};

		if (run__must(run,
			    reeve_cpu_group_stats_get(run->reeve, run->groups[i], &stats, &err),
			    &err, "reading statistics"))
			outcome->charged_ns[i] = stats.cpu_ns;
	}
	if (run->lost_events > 0 && (run__expects(run, SCN_EVENTS, SCN_NONE) ||
					    run__expects(run, SCN_OVERRUN, SCN_NONE)))
		run__fault(run, "%llu events were lost between two ticks",
			(unsigned long long)run->lost_events);
	(void)reeve_validate(run->reeve, note_fault, run);
	reeve_cpu_stats_get(run->reeve, &cpu);
	reeve_session_stats_get(run->reeve, &sessions);
	if (outcome->unfinished == 0 && (cpu.running != 0 || cpu.ready != 0))
		run__fault(run, "%u tasks still hold slots and %u wait, after the end of all",
			cpu.running, cpu.ready);
	if (outcome->unfinished == 0 && sessions.current != 0)
		run__fault(run, "%u sessions are left after the end of all", sessions.current);
}

/* Whoever has not ended by now must not find the memory gone. */
static void kill_the_rest(struct run *run)
{
	for (uint32_t i = 0; i < run->scenario->process_count; i++) {
		if (run->processes[i].reeve != NULL)
			kill_process(run, i);
	}
}

static void housekeeper_main(void *arg)
{
	struct run *run = arg;
	const struct scenario *s = run->scenario;
	struct reeve_options options = REEVE_OPTIONS_INIT;
	struct reeve_error err = {0};

	options.name = "housekeeper";
	options.host = run->host;
	options.cpu_slots = s->slots == 0 ? s->machine.cores : s->slots;
	if (run__must(run, reeve_open(&options, &run->reeve, &err), &err, "opening the segment")) {
		run->mono_start = reeve_now_mono(run->reeve) - sim_now(run->machine);
		if (set_up__all(run)) {
			start_processes(run);
			keep_house(run);
			tick(run);
			collect(run);
			kill_the_rest(run);
		}
		reeve_close(run->reeve);
		run->reeve = NULL;
	}
	run->has_ended = true;
}

/* From outside. */

static void saw_run(void *self, struct sim_thread *thread, reeve_ns from, reeve_ns to)
{
	struct run *run = self;
	const struct client *client = sim_thread_arg(thread);

	/* only clients work */
	record_ran(&run->outcome->record, client->group, from, to);
	run->outcome->events++;
}

static void saw_idle(void *self, uint32_t idle_cores)
{
	struct run *run = self;

	record_idle_cores(&run->outcome->record, sim_now(run->machine), idle_cores);
}

static void make_clients(struct run *run)
{
	const struct scenario *s = run->scenario;
	uint32_t next = 0;

	for (uint32_t i = 0; i < s->clients_count; i++) {
		for (uint32_t j = 0; j < s->clients[i].count; j++, next++) {
			struct client *client = &run->clients[next];

			client->run = run;
			client->kind = &s->clients[i];
			client->group = s->clients[i].group;
			client->process = &run->processes[s->clients[i].process];
			sim_random_init(&client->random, s->machine.seed, next + 1);
		}
	}
}

static bool allocate(struct run *run)
{
	const struct scenario *s = run->scenario;
	const struct sim_observer observer = {run, saw_run, saw_idle};
	struct outcome *outcome = run->outcome;

	for (uint32_t i = 0; i < s->clients_count; i++)
		run->client_count += s->clients[i].count;
	run->clients = calloc(run->client_count, sizeof(*run->clients));
	run->processes = calloc(s->process_count, sizeof(*run->processes));
	run->groups = calloc(s->group_count + 1, sizeof(*run->groups));
	run->plans = calloc(s->plan_count + 1, sizeof(*run->plans));
	outcome->charged_ns = calloc(s->group_count + 1, sizeof(*outcome->charged_ns));
	run->machine = sim_machine_create(&s->machine, &observer);
	return run->clients != NULL && run->processes != NULL && run->groups != NULL &&
	       run->plans != NULL && outcome->charged_ns != NULL && run->machine != NULL &&
	       record_init(&outcome->record, s->group_count, s->duration_ns, s->machine.cores);
}

/* The threads still there vanish with the machine, and what they held with them. */
static void release(struct run *run)
{
	for (uint32_t i = 0; run->clients != NULL && i < run->client_count; i++)
		sim_process_abandon(run->clients[i].session);
	for (uint32_t i = 0; run->processes != NULL && i < run->scenario->process_count; i++)
		sim_process_abandon(run->processes[i].reeve);
	sim_machine_destroy(run->machine);
	free(run->clients);
	free(run->processes);
	free(run->groups);
	free(run->plans);
}

static int simulate(struct run *run, char *error)
{
	const struct scenario *s = run->scenario;
	struct sim_process *home = sim_process_create(run->machine);

	run->host = sim_machine_host(run->machine);
	make_clients(run);
	if (home == NULL || sim_thread_create(home, housekeeper_main, run) == NULL) {
		snprintf(error, SCN_ERROR_MAX, "%s: out of memory", s->file);
		return -1;
	}
	sim_machine_run(run->machine, s->duration_ns + s->drain_ns + REEVE_SEC);
	record_close(&run->outcome->record, s->duration_ns);
	run->outcome->digest = sim_machine_digest(run->machine);
	if (!run->has_ended)
		run__fault(run, "the housekeeper never got to its end");
	if (run->outcome->record.is_short_of_memory)
		run__fault(run, "there was no memory to record all of it");
	return 0;
}

int run_scenario(const struct scenario *scenario, struct outcome *ret_outcome, char *error)
{
	struct outcome outcome = {0};
	struct run run = {.scenario = scenario, .outcome = &outcome};
	int rc = -1;

	if (allocate(&run))
		rc = simulate(&run, error);
	else
		snprintf(error, SCN_ERROR_MAX, "%s: out of memory", scenario->file);
	release(&run);
	if (rc == 0)
		*ret_outcome = outcome;
	else
		outcome_fini(&outcome);
	return rc;
}

void outcome_fini(struct outcome *outcome)
{
	record_fini(&outcome->record);
	free(outcome->charged_ns);
	*outcome = (struct outcome){0};
}
