/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - what a simulated client does: statements of so much CPU time, with checkpoints in
 * them and what acts.c has, and pauses between. All calls are the public ones.
 */
#include "client.h"

#include <stdio.h>

static reeve_ns draw(struct client *client, const struct scn_amount *amount)
{
	switch (amount->distribution) {
	case SCN_FIXED:
		return amount->ns;
	case SCN_EXPONENTIAL:
		return sim_random_exponential(&client->random, amount->ns);
	case SCN_LOGNORMAL:
		return sim_random_lognormal(&client->random, amount->ns, amount->sigma);
	case SCN_ENDLESS:
		break;
	}
	return REEVE_NEVER;
}

static reeve_ns now_of(const struct client *client)
{
	return sim_now(client->run->machine);
}

/* When it stops to begin statements. */
static reeve_ns end_of(const struct client *client)
{
	reeve_ns stop_ns = client->kind->stop_ns, end_ns = client->run->scenario->duration_ns;

	return stop_ns < end_ns ? stop_ns : end_ns;
}

static bool is_over(const struct client *client)
{
	return now_of(client) >= end_of(client);
}

void client__enter_call(struct client *client)
{
	client->is_in_call = true;
	client->call_since = now_of(client);
	record_parked(&client->run->outcome->record, client->call_since, client->group, 1);
}

void client__leave_call(struct client *client)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client), waited_ns = now - client->call_since;

	client->is_in_call = false;
	record_parked(record, now, client->group, -1);
	if (waited_ns == 0)
		return;
	client->waited_ns += waited_ns;
	record_sample(record, RECORD_PARK, client->group, now, waited_ns);
	if (client->shields > 0)
		record_sample(record, RECORD_SHIELD_PARK, client->group, now, waited_ns);
}

static void set_active(struct client *client, bool is_active)
{
	client->is_active = is_active;
	record_level(&client->run->outcome->record, RECORD_ACTIVE, client->group, now_of(client),
		is_active ? 1 : -1);
}

static void set_servers(struct client *client, uint32_t servers)
{
	record_level(&client->run->outcome->record, RECORD_SERVERS, client->group, now_of(client),
		(int)servers - (int)client->servers);
	client->servers = servers;
}

void client__set_group(struct client *client, uint32_t group)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client);

	if (client->is_in_call) {
		record_parked(record, now, client->group, -1);
		record_parked(record, now, group, 1);
	}
	if (client->is_active) {
		record_level(record, RECORD_ACTIVE, client->group, now, -1);
		record_level(record, RECORD_ACTIVE, group, now, 1);
	}
	if (client->servers > 0) {
		record_level(record, RECORD_SERVERS, client->group, now, -(int)client->servers);
		record_level(record, RECORD_SERVERS, group, now, (int)client->servers);
	}
	client->group = group;
}

void client__die(struct client *client)
{
	if (client->is_gone)
		return;
	client__let_lock_go(client);
	client__give_request_up(client);
	if (client->is_in_call)
		record_parked(&client->run->outcome->record, now_of(client), client->group, -1);
	if (client->is_active)
		set_active(client, false);
	set_servers(client, 0);
	client->is_gone = true;
	sim_process_abandon(client->session);
	client->session = NULL;
}

/* The parts of a statement. */

/* Where its session is, if the library may have moved it. */
static void follow_group(struct client *client)
{
	struct run *run = client->run;
	struct reeve_session_info info;
	struct reeve_error err;

	if (!run->may_move || reeve_session_get(client->process->reeve,
				      reeve_session_id_of(client->session), &info, &err) != 0)
		return;
	for (uint32_t i = 0; i < run->scenario->group_count; i++) {
		if (run->groups[i].v == info.group.v && i != client->group)
			client__set_group(client, i);
	}
}

static int look(struct client *client)
{
	int rc;

	client__enter_call(client);
	rc = reeve_checkpoint(client->session);
	client__leave_call(client);
	follow_group(client);
	return rc;
}

int client__work_chunk(struct client *client, reeve_ns most_ns, reeve_ns *ret_used)
{
	reeve_ns chunk_ns = client->run->scenario->chunk_ns;
	reeve_ns ns = sim_random_between(
		&client->random, chunk_ns - chunk_ns / 4, chunk_ns + chunk_ns / 4);

	if (ns > most_ns)
		ns = most_ns;
	sim_work(client->run->machine, ns);
	*ret_used = ns;
	return look(client);
}

static reeve_ns smaller(reeve_ns a, reeve_ns b)
{
	return a < b ? a : b;
}

static void use_up(reeve_ns *left_ns, reeve_ns used_ns)
{
	if (*left_ns != REEVE_NEVER)
		*left_ns -= smaller(used_ns, *left_ns);
}

/* One step of a statement: an act that is due, or a chunk of plain work. */
static int do_step(struct client *client, reeve_ns left_ns, reeve_ns *ret_used)
{
	enum scn_act due = SCN_ACTS;
	int rc;

	*ret_used = 0;
	for (enum scn_act act = 0; act < SCN_ACTS; act++) {
		if (client->left_ns[act] == 0 && due == SCN_ACTS)
			due = act;
		left_ns = smaller(left_ns, client->left_ns[act]);
	}
	rc = due == SCN_ACTS ? client__work_chunk(client, left_ns, ret_used)
			     : client__act(client, due, ret_used);
	for (enum scn_act act = 0; act < SCN_ACTS; act++)
		use_up(&client->left_ns[act], *ret_used);
	if (due != SCN_ACTS)
		client->left_ns[due] = client->kind->acts[due].every_ns;
	return rc;
}

static int do_work(struct client *client, reeve_ns left_ns)
{
	reeve_ns used_ns;
	int rc = 0;

	while (rc == 0 && left_ns > 0 && !(left_ns == REEVE_NEVER && is_over(client))) {
		rc = do_step(client, left_ns, &used_ns);
		use_up(&left_ns, used_ns);
	}
	return rc;
}

/* Ends that are no surprise where the scenario counts them. */
static const struct {
	int code;
	enum record_kind kind;
	enum scn_metric metric;
} ends[] = {
	{REEVE_ETIMEOUT, RECORD_TIMEOUT, SCN_TIMEOUTS},
	{REEVE_ECANCELLED, RECORD_CANCEL, SCN_CANCELS},
	{REEVE_EKILLED, RECORD_KILL, SCN_KILLS},
	{REEVE_EQUEUE_TIMEOUT, RECORD_QUEUE_TIMEOUT, SCN_QUEUE_TIMEOUTS},
	{REEVE_ERESOURCE_EXHAUSTED, RECORD_REFUSAL, SCN_REFUSALS},
};

static bool is_surprise(struct client *client, int rc, enum scn_metric metric)
{
	bool was_cancelled = rc == REEVE_ECANCELLED && client->was_cancelled;

	if (was_cancelled)
		client->was_cancelled = false;
	return !was_cancelled && !client->was_ended &&
	       !(rc == REEVE_ETIMEOUT && client->kind->deadline_ns > 0) &&
	       !run__expects(client->run, metric, client->group);
}

/* The books of a statement that is over, and whether its end is a surprise. */
static void note_end(struct client *client, int rc, const char *why)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client), elapsed_ns = now - client->begun_at;
	bool surprises = true;

	if (rc == 0) {
		record_sample(record, RECORD_LATENCY, client->group, now, elapsed_ns);
		record_sample(record, RECORD_WAIT, client->group, now, client->waited_ns);
		return;
	}
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (ends[i].code != rc)
			continue;
		record_sample(record, ends[i].kind, client->group, now, elapsed_ns);
		surprises = is_surprise(client, rc, ends[i].metric);
	}
	if (surprises && !client->was_ended)
		run__fault(client->run, "a statement of %s failed at %.6f s: %d, %s",
			client->kind->name, (double)now / 1e9, rc, why);
}

/* The work of a statement that has servers: each has an equal part of it, at once. */
static int do_parallel(struct client *client, reeve_ns work_ns)
{
	struct record *record = &client->run->outcome->record;
	struct reeve_parallel_def def = REEVE_PARALLEL_DEF_INIT;
	struct reeve_parallel parallel;
	uint32_t degree;
	int rc;

	def.mode = REEVE_PARALLEL_MANUAL;
	def.requested_dop = client->kind->degree;
	def.downgrade = client->kind->takes_less ? REEVE_DOWNGRADE_YES : REEVE_DOWNGRADE_NO;
	client__enter_call(client);
	rc = reeve_parallel_begin(client->session, &def, &parallel, &client->err);
	client__leave_call(client);
	if (rc != 0)
		return rc;
	degree = reeve_parallel_dop(&parallel);
	record_sample(record, RECORD_DEGREE, client->group, now_of(client), degree);
	set_servers(client, degree == 1 ? 0 : degree);
	rc = do_work(client, work_ns == REEVE_NEVER || degree == 0 ? work_ns : work_ns / degree);
	set_servers(client, 0);
	run__must(client->run,
		reeve_parallel_end(&parallel, rc == 0 ? NULL : "stopped", &client->err),
		&client->err, "giving servers back");
	return rc;
}

/* What a statement says beforehand. */
static reeve_ns fill_query(struct client *client, struct reeve_query_def *def)
{
	const struct scn_clients *kind = client->kind;
	reeve_ns work_ns = 0;

	if (kind->estimate_pct > 0.0)
		work_ns = draw(client, &kind->work);
	if (work_ns != 0 && work_ns != REEVE_NEVER) {
		def->estimated_cpu_ns = (reeve_ns)((double)work_ns * kind->estimate_pct / 100.0);
		def->estimated_ns = (uint64_t)def->estimated_cpu_ns;
	}
	if (kind->deadline_ns > 0)
		def->deadline = reeve_now_mono(client->process->reeve) + kind->deadline_ns;
	return work_ns;
}

/* A statement that was let in, to its end. */
static int run_to_end(struct client *client, reeve_ns work_ns)
{
	int rc;

	set_active(client, true);
	if (work_ns == 0)
		work_ns = draw(client, &client->kind->work);
	rc = client->kind->degree > 0 ? do_parallel(client, work_ns) : do_work(client, work_ns);
	if (*reeve_checkpoint_text(client->session) != '\0')
		snprintf(client->err.text, sizeof(client->err.text), "%s",
			reeve_checkpoint_text(client->session));
	client__free_memory(client);
	set_active(client, false);
	return rc;
}

static int run_statement(struct client *client)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	reeve_ns work_ns = fill_query(client, &def);
	int rc;

	client__let_lock_go(client);
	client->is_in_statement = true;
	client->begun_at = now_of(client);
	client->waited_ns = 0;
	client__enter_call(client);
	rc = reeve_query_begin(client->session, &def, &client->err);
	client__leave_call(client);
	follow_group(client);
	if (rc == 0) {
		rc = run_to_end(client, work_ns);
		note_end(client, rc, client->err.text);
		reeve_query_end(client->session, NULL);
		follow_group(client);
	} else {
		note_end(client, rc, client->err.text);
	}
	client->is_in_statement = false;
	return rc;
}

static bool open_session(struct client *client)
{
	struct reeve_session_def def = REEVE_SESSION_DEF_INIT;
	struct reeve_error err = {0};

	def.username = client->kind->name;
	def.group = client->run->groups[client->group];
	def.priority = client->kind->priority;
	if (reeve_session_create(client->process->reeve, &def, &client->session, &err) == 0)
		return true;
	run__fault(client->run, "no session for %s: %s", client->kind->name, err.text);
	return false;
}

/* A new session in place of the old one, when that was ended or has had its number of statements. */
static bool renew_session(struct client *client, uint64_t statements, int rc)
{
	bool is_due = client->kind->renew != 0 && statements % client->kind->renew == 0;

	if (!is_due && (rc != REEVE_EKILLED || client->was_ended))
		return true;
	client__let_lock_go(client);
	client__set_group(client, client->kind->group);
	reeve_session_destroy(client->session);
	client->session = NULL;
	return open_session(client);
}

static reeve_ns first_left(const struct scn_pattern *pattern)
{
	return pattern->every_ns == 0 ? REEVE_NEVER : pattern->every_ns;
}

void client__main(void *arg)
{
	struct client *client = arg;
	struct sim_machine *machine = client->run->machine;
	uint64_t statements = 0;

	for (enum scn_act act = 0; act < SCN_ACTS; act++)
		client->left_ns[act] = first_left(&client->kind->acts[act]);
	sim_sleep(machine, smaller(client->kind->start_ns, end_of(client)));
	if (!is_over(client) && open_session(client)) {
		while (!is_over(client) && !client->was_ended) {
			int rc = run_statement(client);
			reeve_ns pause_ns = draw(client, &client->kind->think);

			/* a statement that failed without using time must not become a spin */
			if (rc != 0 && pause_ns < REEVE_USEC)
				pause_ns = REEVE_USEC;
			if (!renew_session(client, ++statements, rc))
				break;
			sim_sleep(machine, smaller(now_of(client) + pause_ns, end_of(client)));
		}
		client__let_lock_go(client);
		if (client->session != NULL)
			reeve_session_destroy(client->session);
		client->session = NULL;
	}
	client->is_gone = true;
	client->process->live_clients--;
	client->run->host->wake(client->run->host->self, &client->process->live_clients);
}
