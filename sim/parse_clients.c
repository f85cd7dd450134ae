/* SPDX-License-Identifier: Apache-2.0 */
/* parse_clients.c - clients NAME N group GROUP OPTION...: who does what. */
#include "parse.h"

#include <reeve/session.h>

#define CLIENTS_MAX 10000

static struct scn_amount read_amount(struct lex *lex, bool is_work)
{
	struct scn_amount amount = {SCN_FIXED, 0, 0.0};

	if (is_work && lex_accept(lex, "endless")) {
		amount.distribution = SCN_ENDLESS;
	} else if (lex_accept(lex, "exponential")) {
		amount.distribution = SCN_EXPONENTIAL;
		amount.ns = lex_time(lex, "a mean", false);
	} else if (lex_accept(lex, "lognormal")) {
		amount.distribution = SCN_LOGNORMAL;
		amount.ns = lex_time(lex, "a median", false);
		amount.sigma = lex_decimal(lex, "a sigma", "");
	} else {
		amount.ns = lex_time(lex,
			is_work ? "`endless`, `exponential`, `lognormal` or a time"
				: "`exponential`, `lognormal` or a time",
			!is_work);
	}
	return amount;
}

/* An act that takes time, or bytes. */
static void read_act(struct lex *lex, struct scn_clients *clients, enum scn_act act)
{
	struct scn_pattern *pattern = &clients->acts[act];

	if (act == SCN_IO || act == SCN_MEMORY)
		pattern->bytes = lex_size(lex, "a size");
	else
		pattern->length_ns = lex_time(lex, "how long", false);
	lex_expect(lex, "every");
	pattern->every_ns = lex_time(lex, "the CPU time between", false);
}

/* io SIZE every T [TYPE] [PRIORITY] [due T] [pull] */
static void read_io(struct lex *lex, struct scn_clients *clients)
{
	static const char *const types[] = {"read", "write", "sync-write", "metadata", NULL};
	static const char *const priorities[] = {
		"real-time", "high", "normal", "low", "idle", NULL};

	read_act(lex, clients, SCN_IO);
	clients->io_type = parse__may_pick(lex, types, REEVE_IO_READ);
	clients->io_priority = parse__may_pick(lex, priorities, REEVE_IO_NORMAL);
	if (lex_accept(lex, "due"))
		clients->io_deadline_ns = lex_time(lex, "a time", false);
	clients->is_pull = lex_accept(lex, "pull");
}

/* parallel N [or-less] */
static void read_parallel(struct lex *lex, struct scn_clients *clients)
{
	clients->degree = (uint32_t)lex_number(lex, "parallel servers", 1, 65535);
	clients->takes_less = lex_accept(lex, "or-less");
}

static void read_client_option(struct lex *lex, struct scenario *s, struct scn_clients *clients)
{
	static const char *const priorities[] = {"critical", "high", "normal", "low", NULL};

	if (lex_accept(lex, "work"))
		clients->work = read_amount(lex, true);
	else if (lex_accept(lex, "process"))
		clients->process = parse__process(lex, s);
	else if (lex_accept(lex, "priority"))
		clients->priority = parse__pick(lex, priorities);
	else if (lex_accept(lex, "think"))
		clients->think = read_amount(lex, false);
	else if (lex_accept(lex, "block"))
		read_act(lex, clients, SCN_BLOCK);
	else if (lex_accept(lex, "shield"))
		read_act(lex, clients, SCN_SHIELD);
	else if (lex_accept(lex, "lock"))
		read_act(lex, clients, SCN_LOCK);
	else if (lex_accept(lex, "io"))
		read_io(lex, clients);
	else if (lex_accept(lex, "memory"))
		read_act(lex, clients, SCN_MEMORY);
	else if (lex_accept(lex, "parallel"))
		read_parallel(lex, clients);
	else if (lex_accept(lex, "keeps-lock"))
		clients->keeps_lock = true;
	else if (lex_accept(lex, "silent"))
		clients->is_silent = true;
	else if (lex_accept(lex, "start"))
		clients->start_ns = lex_time(lex, "a time", true);
	else if (lex_accept(lex, "stop"))
		clients->stop_ns = lex_time(lex, "a time", false);
	else if (lex_accept(lex, "deadline"))
		clients->deadline_ns = lex_time(lex, "a time", false);
	else if (lex_accept(lex, "estimate"))
		clients->estimate_pct = lex_decimal(lex, "a part of the work", "%");
	else if (lex_accept(lex, "renew"))
		clients->renew = (uint32_t)lex_number(lex, "statements a session", 1, UINT32_MAX);
	else
		lex_fail(lex, "`work`, `process`, `priority`, `think`, `block`, `shield`, "
			      "`lock`, `io`, `memory`, `parallel`, `keeps-lock`, `silent`, "
			      "`start`, `stop`, `deadline`, `estimate` or `renew`");
}

void parse__clients(struct lex *lex, struct scenario *s)
{
	struct scn_clients clients = {.priority = REEVE_SESSION_NORMAL, .stop_ns = REEVE_NEVER},
			   *slot;

	parse__declare(lex, "a name for clients", s->clients, s->clients_count, sizeof(*s->clients),
		clients.name);
	clients.count = (uint32_t)lex_number(lex, "how many clients", 1, CLIENTS_MAX);
	lex_expect(lex, "group");
	clients.group = parse__group(lex, s);
	while (!lex_at_end(lex))
		read_client_option(lex, s, &clients);
	if (clients.work.distribution == SCN_FIXED && clients.work.ns == 0)
		lex_fail(lex, "`work`");
	if (clients.work.distribution == SCN_ENDLESS && clients.deadline_ns == 0 &&
		clients.think.ns > 0)
		lex_complain(lex, "expected no pause between statements that are endless");
	slot = parse__append(lex, &s->clients, &s->clients_count, sizeof(*s->clients));
	if (slot != NULL)
		*slot = clients;
}
