/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client.c - what a simulated client does: statements of so much CPU time, with checkpoints, blocks
 * and shields in them, and pauses between. All calls are the public ones.
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

/* Around every call that may wait. */

static void enter_call(struct client *client)
{
	client->is_in_call = true;
	client->call_since = now_of(client);
	record_parked(&client->run->outcome->record, client->call_since, client->group, 1);
}

static void leave_call(struct client *client)
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

void client__set_group(struct client *client, uint32_t group)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client);

	if (client->is_in_call) {
		record_parked(record, now, client->group, -1);
		record_parked(record, now, group, 1);
	}
	client->group = group;
}

static void let_lock_go(struct client *client);

void client__die(struct client *client)
{
	if (client->is_gone)
		return;
	let_lock_go(client);
	if (client->is_in_call)
		record_parked(&client->run->outcome->record, now_of(client), client->group, -1);
	client->is_gone = true;
	sim_process_abandon(client->session);
	client->session = NULL;
}

/* The parts of a statement. */

static int look(struct client *client)
{
	int rc;

	enter_call(client);
	rc = reeve_checkpoint(client->session);
	leave_call(client);
	return rc;
}

/* Uses CPU up to the next checkpoint, and passes it. At most `most_ns`; less is possible. */
static int work_chunk(struct client *client, reeve_ns most_ns, reeve_ns *ret_used)
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

static int block_once(struct client *client)
{
	int rc;

	reeve_block_begin(client->session);
	sim_sleep(client->run->machine, now_of(client) + client->kind->block.length_ns);
	enter_call(client);
	rc = reeve_block_end(client->session);
	leave_call(client);
	client->block_left_ns = client->kind->block.every_ns;
	return rc;
}

/* A critical section, with checkpoints in it as real ones have. Returns the CPU it used. */
static int shield_once(struct client *client, reeve_ns *ret_used)
{
	reeve_ns left_ns = client->kind->shield.length_ns, used_ns;
	int rc;

	reeve_shield_begin(client->session);
	client->shields++;
	while (left_ns > 0) {
		(void)work_chunk(client, left_ns, &used_ns);
		left_ns -= used_ns;
	}
	client->shields--;
	enter_call(client);
	rc = reeve_shield_end(client->session);
	leave_call(client);
	client->shield_left_ns = client->kind->shield.every_ns;
	*ret_used = client->kind->shield.length_ns;
	return rc;
}

static void let_lock_go(struct client *client)
{
	struct run *run = client->run;

	if (run->lock_holder != client)
		return;
	run->lock_holder = NULL;
	run->lock_word++;
	run->host->wake(run->host->self, &run->lock_word);
}

/* Waits for the lock as an engine does: blocked, and telling who has it. */
static int take_lock(struct client *client)
{
	struct run *run = client->run;
	struct reeve_error err = {0};
	int rc;

	if (run->lock_holder == NULL) {
		run->lock_holder = client;
		return 0;
	}
	reeve_block_begin(client->session);
	while (run->lock_holder != NULL) {
		uint32_t word = run->lock_word;

		if (!client->kind->is_silent &&
			reeve_task_blocked_by(client->session,
				reeve_session_id_of(run->lock_holder->session), &err) != 0)
			run__fault(run, "telling who has the lock: %s", err.text);
		run->host->wait(run->host->self, &run->lock_word, word, REEVE_NEVER);
	}
	run->lock_holder = client;
	reeve_task_unblocked(client->session);
	enter_call(client);
	rc = reeve_block_end(client->session);
	leave_call(client);
	return rc;
}

/* Some work under the lock. Returns the CPU it used. */
static int lock_once(struct client *client, reeve_ns *ret_used)
{
	reeve_ns left_ns = client->kind->lock.length_ns, used_ns;
	int rc = take_lock(client);

	while (rc == 0 && left_ns > 0) {
		rc = work_chunk(client, left_ns, &used_ns);
		left_ns -= used_ns;
	}
	let_lock_go(client);
	client->lock_left_ns = client->kind->lock.every_ns;
	*ret_used = client->kind->lock.length_ns - left_ns;
	return rc;
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

/* One step of a statement: a block, a shield, or a chunk of plain work. */
static int do_step(struct client *client, reeve_ns left_ns, reeve_ns *ret_used)
{
	int rc;

	*ret_used = 0;
	if (client->block_left_ns == 0)
		return block_once(client);
	if (client->shield_left_ns == 0) {
		rc = shield_once(client, ret_used);
		use_up(&client->block_left_ns, *ret_used);
		return rc;
	}
	if (client->lock_left_ns == 0)
		return lock_once(client, ret_used);
	left_ns = smaller(left_ns, smaller(client->block_left_ns, client->shield_left_ns));
	left_ns = smaller(left_ns, client->lock_left_ns);
	rc = work_chunk(client, left_ns, ret_used);
	use_up(&client->lock_left_ns, *ret_used);
	use_up(&client->block_left_ns, *ret_used);
	use_up(&client->shield_left_ns, *ret_used);
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

/* The books of a statement that is over, and whether its end is a surprise. */
static void note_end(struct client *client, int rc, const char *why)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client), elapsed_ns = now - client->begun_at;

	if (rc == 0) {
		record_sample(record, RECORD_LATENCY, client->group, now, elapsed_ns);
		record_sample(record, RECORD_WAIT, client->group, now, client->waited_ns);
	} else if (rc == REEVE_ETIMEOUT && client->kind->deadline_ns > 0) {
		record_sample(record, RECORD_TIMEOUT, client->group, now, elapsed_ns);
	} else if (rc == REEVE_ECANCELLED && client->was_cancelled) {
		client->was_cancelled = false;
		record_sample(record, RECORD_CANCEL, client->group, now, elapsed_ns);
	} else if (!client->was_ended) {
		run__fault(client->run, "a statement of %s failed at %.6f s: %d, %s",
			client->kind->name, (double)now / 1e9, rc, why);
	}
}

static int run_statement(struct client *client)
{
	struct reeve_query_def def = REEVE_QUERY_DEF_INIT;
	struct reeve_error err = {0};
	reeve_ns work_ns = 0;
	int rc;

	if (client->kind->estimate_pct > 0.0) {
		work_ns = draw(client, &client->kind->work);
		if (work_ns != REEVE_NEVER)
			def.estimated_cpu_ns =
				(reeve_ns)((double)work_ns * client->kind->estimate_pct / 100.0);
	}
	if (client->kind->deadline_ns > 0)
		def.deadline = reeve_now_mono(client->process->reeve) + client->kind->deadline_ns;
	client->is_in_statement = true;
	client->begun_at = now_of(client);
	client->waited_ns = 0;
	enter_call(client);
	rc = reeve_query_begin(client->session, &def, &err);
	leave_call(client);
	if (rc == 0) {
		if (work_ns == 0)
			work_ns = draw(client, &client->kind->work);
		rc = do_work(client, work_ns);
		if (rc != 0)
			snprintf(err.text, sizeof(err.text), "%s",
				reeve_checkpoint_text(client->session));
		reeve_query_end(client->session, NULL);
	}
	note_end(client, rc, err.text);
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

/* A new session in place of the old one, when it has had its number of statements. */
static bool renew_session(struct client *client, uint64_t statements)
{
	if (client->kind->renew == 0 || statements % client->kind->renew != 0)
		return true;
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

	client->block_left_ns = first_left(&client->kind->block);
	client->shield_left_ns = first_left(&client->kind->shield);
	client->lock_left_ns = first_left(&client->kind->lock);
	sim_sleep(machine, smaller(client->kind->start_ns, end_of(client)));
	if (!is_over(client) && open_session(client)) {
		while (!is_over(client) && !client->was_ended) {
			int rc = run_statement(client);
			reeve_ns pause_ns = draw(client, &client->kind->think);

			/* a statement that failed without using time must not become a spin */
			if (rc != 0 && pause_ns < REEVE_USEC)
				pause_ns = REEVE_USEC;
			if (!renew_session(client, ++statements))
				break;
			sim_sleep(machine, smaller(now_of(client) + pause_ns, end_of(client)));
		}
		if (client->session != NULL)
			reeve_session_destroy(client->session);
		client->session = NULL;
	}
	client->is_gone = true;
	client->process->live_clients--;
	client->run->host->wake(client->run->host->self, &client->process->live_clients);
}
