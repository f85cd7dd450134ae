/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acts.c - what statements do besides plain work: they sleep, run shielded, run under the lock, do I/O
 * on the simulated device, take memory.
 *
 * The device: a request is transferred at its bandwidth when those before it are, and is done the
 * latency after that. Worked: 10 MiB/s and 1 ms; of two requests of 1 MiB at once one is done after 101
 * ms, the other after 201.
 */
#include "client.h"

/* A request that waits is looked after so often. */
#define LOST_NS (100 * REEVE_MSEC)

static reeve_ns now_of(const struct client *client)
{
	return sim_now(client->run->machine);
}

static int block_once(struct client *client, reeve_ns *ret_used)
{
	int rc;

	(void)ret_used;
	reeve_block_begin(client->session);
	sim_sleep(client->run->machine, now_of(client) + client->kind->acts[SCN_BLOCK].length_ns);
	client__enter_call(client);
	rc = reeve_block_end(client->session);
	client__leave_call(client);
	return rc;
}

/* A critical section, with checkpoints in it as real ones have. */
static int shield_once(struct client *client, reeve_ns *ret_used)
{
	reeve_ns left_ns = client->kind->acts[SCN_SHIELD].length_ns, used_ns;
	int rc;

	*ret_used = left_ns;
	reeve_shield_begin(client->session);
	client->shields++;
	while (left_ns > 0) {
		(void)client__work_chunk(client, left_ns, &used_ns);
		left_ns -= used_ns;
	}
	client->shields--;
	client__enter_call(client);
	rc = reeve_shield_end(client->session);
	client__leave_call(client);
	return rc;
}

/* The lock. */

void client__let_lock_go(struct client *client)
{
	struct run *run = client->run;

	if (run->lock_holder != client)
		return;
	run->lock_holder = NULL;
	run->lock_word++;
	run->host->wake(run->host->self, &run->lock_word);
}

void client__roll_back(struct client *client)
{
	struct reeve_session_info info;
	struct reeve_error err;

	if (client->session != NULL &&
		reeve_session_get(client->run->reeve, reeve_session_id_of(client->session), &info,
			&err) == 0 &&
		info.termination == REEVE_END_NONE)
		return;
	client__let_lock_go(client);
}

/* An idle session that keeps the lock may have ended a moment ago. */
static void tell_holder(struct client *client)
{
	const struct client *holder = client->run->lock_holder;
	struct reeve_error err = {0};
	int rc = reeve_task_blocked_by(client->session, reeve_session_id_of(holder->session), &err);

	if (rc != 0 && !(holder->kind->keeps_lock && !holder->is_in_statement))
		run__fault(client->run, "telling who has the lock: %s", err.text);
}

/* Waits for the lock as an engine does: blocked, and telling who has it. */
static int take_lock(struct client *client)
{
	struct run *run = client->run;
	int rc;

	if (run->lock_holder == NULL || run->lock_holder == client) {
		run->lock_holder = client;
		return 0;
	}
	reeve_block_begin(client->session);
	while (run->lock_holder != NULL) {
		uint32_t word = run->lock_word;

		if (!client->kind->is_silent)
			tell_holder(client);
		run->host->wait(run->host->self, &run->lock_word, word, REEVE_NEVER);
	}
	run->lock_holder = client;
	reeve_task_unblocked(client->session);
	client__enter_call(client);
	rc = reeve_block_end(client->session);
	client__leave_call(client);
	return rc;
}

/* Some work under the lock. */
static int lock_once(struct client *client, reeve_ns *ret_used)
{
	reeve_ns left_ns = client->kind->acts[SCN_LOCK].length_ns, used_ns;
	int rc = take_lock(client);

	while (rc == 0 && left_ns > 0) {
		rc = client__work_chunk(client, left_ns, &used_ns);
		left_ns -= used_ns;
	}
	if (!client->kind->keeps_lock)
		client__let_lock_go(client);
	*ret_used = client->kind->acts[SCN_LOCK].length_ns - left_ns;
	return rc;
}

/* I/O. */

static void transfer(struct run *run, uint64_t bytes)
{
	const struct scenario *s = run->scenario;
	reeve_ns now = sim_now(run->machine);

	if (run->device_free_at < now)
		run->device_free_at = now;
	if (s->device_bandwidth > 0)
		run->device_free_at +=
			(reeve_ns)((double)bytes * 1e9 / (double)s->device_bandwidth);
	sim_sleep(run->machine, run->device_free_at + s->device_latency_ns);
}

static struct reeve_io_def request_of(const struct client *client)
{
	struct reeve_io_def def = REEVE_IO_DEF_INIT;

	def.type = client->kind->io_type;
	def.priority = client->kind->io_priority;
	def.size_bytes = client->kind->acts[SCN_IO].bytes;
	if (client->kind->io_deadline_ns > 0)
		def.deadline =
			reeve_now_mono(client->process->reeve) + client->kind->io_deadline_ns;
	return def;
}

/* A request of the client may be performed from now on. */
static void note_admission(struct client *client)
{
	struct record *record = &client->run->outcome->record;
	reeve_ns now = now_of(client);

	record_sample(record, RECORD_IO_WAIT, client->group, now, now - client->asked_at);
	record_io(record, client->group, now, client->kind->acts[SCN_IO].bytes);
}

static void note_transfer(struct client *client)
{
	record_sample(&client->run->outcome->record, RECORD_IO_LATENCY, client->group,
		now_of(client), now_of(client) - client->asked_at);
}

static int admitted_io(struct client *client)
{
	struct reeve_io_def def = request_of(client);
	int rc;

	client->asked_at = now_of(client);
	rc = reeve_io_begin(client->session, &def, &client->err);
	if (rc != 0)
		return rc;
	note_admission(client);
	transfer(client->run, def.size_bytes);
	note_transfer(client);
	client__enter_call(client);
	rc = reeve_io_end(client->session, def.size_bytes, true);
	client__leave_call(client);
	return rc;
}

static void tell_pullers(struct run *run)
{
	run->io_word++;
	run->host->wake(run->host->self, &run->io_word);
}

static struct client *find_submitter(struct run *run, uint64_t request)
{
	for (uint32_t i = 0; i < run->client_count; i++) {
		if (run->clients[i].request == request)
			return &run->clients[i];
	}
	return NULL;
}

/* The request that the client performs is over. */
static void finish(struct client *client, bool is_good)
{
	struct run *run = client->run;
	const struct reeve_io_request_info *info = &client->performs;
	struct client *submitter = find_submitter(run, info->id.v);
	struct reeve_error err = {0};
	int rc = reeve_io_complete(
		run->reeve, info->id, is_good ? info->size_bytes : 0, is_good, NULL, &err);

	if (rc != REEVE_ENOT_FOUND) /* its session may have ended meanwhile */
		run__must(run, rc, &err, "completing a request");
	if (submitter != NULL) {
		note_transfer(submitter);
		submitter->request = 0;
	}
	client->performs.id.v = 0;
	tell_pullers(run);
}

void client__give_request_up(struct client *client)
{
	client->request = 0;
	if (client->performs.id.v != 0)
		finish(client, false);
}

/* Performs whose turn it is, as an outside engine does; or waits for a change. */
static void perform_next(struct client *client)
{
	struct run *run = client->run;
	struct reeve_io_request_info info;
	struct client *submitter;
	reeve_ns retry_after = REEVE_NEVER, until = reeve_now_mono(run->reeve) + LOST_NS;
	uint32_t word = run->io_word;

	if (reeve_io_next(run->reeve, &info, &retry_after, &client->err) != 0) {
		if (retry_after > 0 && retry_after < LOST_NS)
			until += retry_after - LOST_NS;
		run->host->wait(run->host->self, &run->io_word, word, until);
		return;
	}
	client->performs = info;
	submitter = find_submitter(run, info.id.v);
	if (submitter != NULL)
		note_admission(submitter);
	transfer(run, info.size_bytes);
	finish(client, true);
}

/* A request that is gone without having been performed: its session has ended. */
static bool is_lost(struct client *client)
{
	struct reeve_io_request_info info;
	struct reeve_error err;

	return reeve_io_request_get(client->run->reeve, (reeve_io_id){client->request}, &info,
		       &err) == REEVE_ENOT_FOUND;
}

static int pulled_io(struct client *client)
{
	struct reeve_io_def def = request_of(client);
	reeve_io_id id;
	int rc;

	client->asked_at = now_of(client);
	rc = reeve_io_submit_for(client->session, &def, &id, &client->err);
	if (rc != 0)
		return rc;
	client->request = id.v;
	tell_pullers(client->run);
	reeve_block_begin(client->session);
	while (client->request != 0) {
		perform_next(client);
		if (client->request != 0 && is_lost(client))
			client->request = 0;
	}
	client__enter_call(client);
	rc = reeve_block_end(client->session);
	client__leave_call(client);
	return rc;
}

static int io_once(struct client *client, reeve_ns *ret_used)
{
	(void)ret_used;
	return client->kind->is_pull ? pulled_io(client) : admitted_io(client);
}

/* Memory. */

static int memory_once(struct client *client, reeve_ns *ret_used)
{
	uint64_t bytes = client->kind->acts[SCN_MEMORY].bytes;
	int rc = reeve_memory_charge(client->session, REEVE_MEMORY_PGA, bytes, &client->err);

	(void)ret_used;
	if (rc != 0)
		return rc;
	client->memory_bytes += bytes;
	record_sample(&client->run->outcome->record, RECORD_MEMORY, client->group, now_of(client),
		(reeve_ns)client->memory_bytes);
	return 0;
}

void client__free_memory(struct client *client)
{
	struct reeve_error err = {0};
	int rc;

	if (client->memory_bytes == 0)
		return;
	rc = reeve_memory_release(client->session, REEVE_MEMORY_PGA, client->memory_bytes, &err);
	client->memory_bytes = 0;
	if (rc != REEVE_EKILLED) /* an ended session has given it back */
		run__must(client->run, rc, &err, "releasing memory");
}

int client__act(struct client *client, enum scn_act act, reeve_ns *ret_used)
{
	static int (*const acts[SCN_ACTS])(struct client * client, reeve_ns * ret_used) = {
		[SCN_BLOCK] = block_once,
		[SCN_SHIELD] = shield_once,
		[SCN_LOCK] = lock_once,
		[SCN_IO] = io_once,
		[SCN_MEMORY] = memory_once,
	};

	return acts[act](client, ret_used);
}
